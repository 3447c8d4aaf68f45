#include "base/json.h"
#include "support/freed.h"
#include "support/test.h"

static int setup(void **state)
{
    (void)state;
    json_setup();
    return 0;
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
    } wrong[] = {
        {"", 0},
        {"{", 1},
        {"{\"a\":1,\"a\":2}", 13},         /* twice */
        {"{\"a\":{\"b\":1,\"b\":2}}", 19}, /* twice, deeper */
        {"{} x", 4},                       /* trailing text */
        {"{}{}", 4},
        {"{\"a\":1,}", 8},
        {"[1 2]", 5},
        {"{'a':1}", 7},
        {"{a:1}", 5},
        {"nul", 3},
        {"NaN", 3},
        {"[Infinity]", 10},
        {"01", 2},
        {"[1.]", 4},
        {"\"\xff\"", 3},         /* not UTF-8 */
        {"\"\xc0\xaf\"", 4},     /* overlong */
        {"\"\xed\xa0\x80\"", 5}, /* a surrogate */
        {"\"a\\u0000b\"", 10},   /* a NUL inside text */
        {"\"a\0b\"", 5},
        {"{}\0", 3},
        {"\"\\ud800\"", 8}, /* half a pair */
        {"\"\\x41\"", 6},
        {"\"a\nb\"", 5},               /* a bare line end */
        {"\xef\xbb\xbf{}", 5},         /* a byte order mark */
        {"[9223372036854775808]", 21}, /* beyond 64 bits */
        {"[1e999]", 7},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct error err = {0};
        if (json_read(wrong[i].text, wrong[i].len, &err))
            fail_msg("taken: %s", wrong[i].text);
        assert_int_equal(err.code, ERR_INVALID);
    }
}

static void test_depth_is_limited(void **state)
{
    (void)state;
    char deep[20001];
    struct error err = {0};
    memset(deep, '[', 10000);
    memset(deep + 10000, ']', 10000);
    assert_null(json_read(deep, 20000, &err));
    memset(deep, '[', 500);
    memset(deep + 500, ']', 500);
    json_t *value = json_read(deep, 1000, &err);
    assert_non_null(value);
    json_decref(value);
}

static void test_errors_do_not_quote_the_input(void **state)
{
    (void)state;
    struct error err = {0};
    const char *text = "{\"Value\":\n \"hunter2\" hunter2}";
    assert_null(json_read(text, strlen(text), &err));
    assert_null(strstr(err.message, "hunter2"));
    assert_non_null(strstr(err.message, "line 2"));
}

static void test_members(void **state)
{
    (void)state;
    struct error err = {0};
    const char *text = "{\"t\":\"x\",\"i\":7,\"b\":true,\"n\":null,\"r\":1.5}";
    json_t *object = json_read(text, strlen(text), &err);
    assert_string_equal(json_text(object, "t"), "x");
    assert_null(json_text(object, "i"));
    assert_null(json_text(object, "absent"));
    assert_null(json_text(NULL, "t"));
    assert_string_equal(json_text_or(object, "n", "none"), "none");
    assert_int_equal(json_int_or(object, "i", 1), 7);
    assert_int_equal(json_int_or(object, "r", 1), 1);
    assert_int_equal(json_int_or(object, "t", -1), -1);
    assert_true(json_bool_or(object, "b", false));
    assert_true(json_bool_or(object, "i", true));
    json_decref(object);
}

static void test_writer(void **state)
{
    (void)state;
    struct buf out;
    struct json_writer w;
    buf_init(&out, 4096);
    json_writer_init(&w, &out);
    json_open(&w);
    json_put_text(&w, "text", "a\"b\\c/\n\r\t\b\x01\x7f");
    json_put_text(&w, "none", NULL);
    json_put_int(&w, "least", INT64_MIN);
    json_put_bool(&w, "no", false);
    json_key(&w, "list");
    json_open_list(&w);
    json_write_int(&w, 1);
    json_open(&w);
    json_close(&w);
    json_open_list(&w);
    json_close_list(&w);
    json_write_raw(&w, "{\"x\":1}", 7);
    json_write_bool(&w, true);
    json_close_list(&w);
    json_key(&w, "\xe2\x82\xac");
    json_write_text_n(&w, "a\0b", 3);
    json_close(&w);
    assert_int_equal(w.depth, 0);
    assert_string_equal(buf_text(&out),
                        "{\"text\":\"a\\\"b\\\\c/\\n\\r\\t\\u0008\\u0001\\u007f\",\"none\":null,"
                        "\"least\":-9223372036854775808,\"no\":false,"
                        "\"list\":[1,{},[],{\"x\":1},true],\"\xe2\x82\xac\":\"a\\u0000b\"}");
    buf_done(&out);
}

static void test_bytes_that_are_not_utf8(void **state)
{
    (void)state;
    struct buf out;
    struct json_writer w;
    struct error err = {0};
    buf_init(&out, 4096);
    json_writer_init(&w, &out);
    json_write_text(&w, "a\xff"
                        "b\xed\xa0\x80");
    json_t *value = json_read(out.data, out.len, &err);
    assert_non_null(value);
    assert_string_equal(json_string_value(value), "a\xef\xbf\xbd"
                                                  "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    json_decref(value);
    buf_done(&out);
}

static void test_epoch(void **state)
{
    (void)state;
    static const struct {
        int64_t time_ms;
        const char *text;
    } cases[] = {
        {0, "0.000"},
        {1440938160007, "1440938160.007"},
        {999, "0.999"},
        {-500, "-0.500"},
        {-1500, "-1.500"},
        {-1, "-0.001"},
        {INT64_MIN, "-9223372036854775.808"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out;
        struct json_writer w;
        buf_init(&out, 64);
        json_writer_init(&w, &out);
        json_write_epoch(&w, cases[i].time_ms);
        assert_string_equal(buf_text(&out), cases[i].text);
        buf_done(&out);
    }
}

static void test_round_trips(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        "\"\"",
        "null",
        "-0.0",
        "[1.0,0.0,-1.5e-300,1e22,0.1]",
        "{\"z\":1,\"a\":{\"m\":[true,false,null]},\"b\":\"\xf0\x9f\x98\x80\"}",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct error err = {0};
        struct buf out;
        struct json_writer w;
        buf_init(&out, 4096);
        json_writer_init(&w, &out);
        json_t *value = json_read(texts[i], strlen(texts[i]), &err);
        assert_non_null(value);
        json_write_value(&w, value);
        json_t *again = json_read(out.data, out.len, &err);
        assert_non_null(again);
        assert_true(json_equal(value, again)); /* also: a real stays a real */
        json_decref(again);
        json_decref(value);
        buf_done(&out);
    }
    /* Keys keep their order, so that a signed or compared document stays the same. */
    struct error err = {0};
    struct buf out;
    struct json_writer w;
    buf_init(&out, 4096);
    json_writer_init(&w, &out);
    json_t *value = json_read(texts[6], strlen(texts[6]), &err);
    json_write_value(&w, value);
    assert_string_equal(buf_text(&out), texts[6]);
    json_decref(value);
    buf_done(&out);
}

static void test_past_the_limit(void **state)
{
    (void)state;
    struct buf out;
    struct json_writer w;
    buf_init(&out, 20);
    json_writer_init(&w, &out);
    json_open(&w);
    json_put_text(&w, "key", "a text that does not fit");
    json_close(&w);
    assert_true(out.overflow);
    buf_done(&out);
}

static void test_freed_json_is_wiped(void **state)
{
    (void)state;
    struct error err = {0};
    const char *text = "{\"Value\":\"" FREED_MARK "\",\"More\":[\"" FREED_MARK "\"]}";
    json_t *value = json_read(text, strlen(text), &err);
    assert_non_null(value);
    json_decref(value);
    assert_int_equal(freed_with_mark(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_depth_is_limited),
        cmocka_unit_test(test_errors_do_not_quote_the_input),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_bytes_that_are_not_utf8),
        cmocka_unit_test(test_epoch),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_past_the_limit),
        cmocka_unit_test(test_freed_json_is_wiped),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
