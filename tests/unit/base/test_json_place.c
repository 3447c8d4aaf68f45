#include "base/json_place.h"
#include "support/test.h"

static const char *found(const char *json, const char *path, size_t *at, struct buf *out)
{
    struct text token;
    buf_reset(out);
    if (!json_place_text(text_of(json), path, &token, out))
        return NULL;
    *at = (size_t)(token.data - json);
    return buf_text(out);
}

static void a_text_is_found_by_its_path(void **state)
{
    (void)state;
    static const struct {
        const char *json, *path, *text;
        size_t at;
    } rows[] = {
        {"{\"a\":\"x\"}", "$.a", "x", 5},
        {" { \"b\" : 1 , \"a\" : \"x\" } ", "$.a", "x", 19},
        {"{\"db\":{\"ports\":[1,2],\"host\":\"h\"}}", "$.db.host", "h", 28},
        {"[[],{},\"q\\\"]\",\"x\"]", "$[3]", "x", 14},
        {"{\"a.b\":[\"x\",{\"c\":\"y\"}]}", "$[\"a.b\"][1].c", "y", 17},
        {"{\"\\u0061\":\"\\u00e9\"}", "$.a", "é", 10},
        {"{\"a\":-1e5,\"b\":true,\"c\":null,\"d\":\"\"}", "$.d", "", 32},
    };
    struct buf out;
    buf_init(&out, 1024);
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t at = 0;
        const char *text = found(rows[i].json, rows[i].path, &at, &out);
        if (!text)
            fail_msg("%s has nothing at %s", rows[i].json, rows[i].path);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(at, rows[i].at);
    }
    buf_done(&out);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"{\"a\":\"x\"}", "$.b"},
        {"{\"a\":1}", "$.a"},
        {"{\"a\":{\"b\":\"x\"}}", "$.b"},
        {"[\"x\"]", "$[1]"},
        {"[\"x\"]", "$.a"},
        {"{\"a\":\"x\"}", "$[0]"},
        {"{\"a\":\"x\"", "$.a"},
        {"not json", "$.a"},
        {"", "$.a"},
        {"{\"a\":\"x\",\"a\":\"y\"}", "$.a"},
        {"{}", "$.a"},
        {"[]", "$[0]"},
    };
    struct buf out;
    size_t at;
    buf_init(&out, 1024);
    for (size_t i = 0; i < COUNT(rows); i++)
        if (found(rows[i][0], rows[i][1], &at, &out))
            fail_msg("%s has something at %s", rows[i][0], rows[i][1]);
    buf_done(&out);
}

static void only_paths_are_paths(void **state)
{
    (void)state;
    static const char *const good[] = {"$.a", "$[0]", "$.a.b-c[12][\"x y\"].z"};
    static const char *const bad[] = {"",        "$",     "a",
                                      "$a",      "$.",    "$..a",
                                      "$[",      "$[a]",  "$[-1]",
                                      "$[\"\"]", "$.a[0", "$.a[\"b]",
                                      "$.a b[",  "$.*[",  "$[99999999999999999999]"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(json_path_valid(good[i]));
    for (size_t i = 0; i < COUNT(bad); i++)
        if (json_path_valid(bad[i]))
            fail_msg("'%s' passes for a path", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_found_by_its_path),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(only_paths_are_paths),
    };
    return cmocka_run_group_tests_name("base/json_place", tests, NULL, NULL);
}
