/* event_pattern against vectors: each line of event-patterns/cases.json has a pattern, an event
 * and what comes of them: true, false, or the reason of the refusal. */
#include "aws/event_pattern.h"
#include "base/json.h"
#include "fixture.h"
#include "support/test.h"

static struct event_pattern *parse(struct arena *arena, const char *text, const char **why)
{
    return event_pattern_parse(arena, text, strlen(text), why);
}

static bool matches(struct arena *arena, const struct event_pattern *pattern, const json_t *event)
{
    return event_pattern_matches(pattern, event_fields_of(arena, event));
}

static void run_case(const json_t *test)
{
    static const char lead[] = "Event pattern is not valid. Reason: ";
    struct arena arena;
    arena_init(&arena);
    char *text = json_dumps(json_object_get(test, "pattern"), JSON_COMPACT | JSON_ENCODE_ANY);
    const json_t *expect = json_object_get(test, "expect");
    const char *why = NULL, *reason = json_string_value(expect);
    const struct event_pattern *pattern = parse(&arena, text, &why);
    print_message("%s\n", text);
    if (reason) {
        assert_null(pattern);
        assert_int_equal(strncmp(why, lead, strlen(lead)), 0);
        assert_int_equal(strncmp(why + strlen(lead), reason, strlen(reason)), 0);
        char behind = why[strlen(lead) + strlen(reason)];
        assert_true(behind == '\0' || behind == '\n');
    } else {
        assert_non_null(pattern);
        assert_int_equal(matches(&arena, pattern, json_object_get(test, "event")),
                         json_is_true(expect));
    }
    free(text);
    arena_done(&arena);
}

static void vectors(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    FILE *in = fopen(fixture_path(&arena, "event-patterns/cases.json"), "r");
    assert_non_null(in);
    json_t *test;
    size_t count = 0;
    while ((test = json_read_next(in, NULL))) {
        run_case(test);
        json_decref(test);
        count++;
    }
    fclose(in);
    assert_true(count > 100);
    arena_done(&arena);
}

/* The vectors of the shared facts, where the repository stands beside them. */
static void shared_vectors(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const char *path = fixture_shared(&arena, "aws/event-pattern-cases.json");
    json_t *all = path ? fixture_json(&arena, path) : NULL;
    const json_t *cases = json_object_get(all, "cases");
    for (size_t i = 0; i < json_array_size(cases); i++)
        run_case(json_array_get(cases, i));
    assert_true(!path || json_array_size(cases) > 100);
    json_decref(all);
    arena_done(&arena);
}

static void refusals_say_where(void **state)
{
    static const char *const cases[][2] = {
        {"{\"source\": \"aws.ssm\"}",
         "\"source\" must be an object or an array\n at [Source: "
         "(String)\"{\"source\": \"aws.ssm\"}\"; line: 1, column: 13]"},
        {"{\"a\": []}", "Empty arrays are not allowed\n at [Source: (String)\"{\"a\": []}\"; line: "
                        "1, column: 9]"},
        {"{\n \"a\": 5}", "\"a\" must be an object or an array\n at [Source: (String)\"{\n \"a\": "
                          "5}\"; line: 2, column: 8]"},
    };
    (void)state;
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *why = "";
        assert_null(parse(&arena, cases[i][0], &why));
        assert_string_equal(why + strlen("Event pattern is not valid. Reason: "), cases[i][1]);
    }
    arena_done(&arena);
}

/* Of a key given twice the last counts; what is not JSON is refused. */
static void texts(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const char *why = NULL;
    json_t *event = json_pack("{s:s}", "source", "b");
    const struct event_pattern *pattern =
        parse(&arena, "{\"source\": [\"a\"], \"source\": [\"b\"]}", &why);
    assert_non_null(pattern);
    assert_true(matches(&arena, pattern, event));
    json_decref(event);
    assert_null(parse(&arena, "{\"source\": [", &why));
    assert_string_equal(why, "Event pattern is not valid. Reason: not valid JSON");
    assert_null(parse(&arena, "", &why));
    arena_done(&arena);
}

/* Many elements in many lists: the search for elements that fit together ends. */
static void bounded(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const char *why = NULL;
    json_t *list = json_array(), *detail = json_object();
    struct buf text;
    buf_init(&text, 64 * 1024);
    for (int i = 0; i < 200; i++)
        json_array_append_new(list, json_string("x"));
    buf_append_text(&text, "{\"detail\": {");
    for (int i = 0; i < 20; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        json_object_set(detail, key, list);
        buf_printf(&text, "\"%s\": [\"x\"], ", key);
    }
    buf_append_text(&text, "\"k20\": [\"y\"]}}");
    json_object_set(detail, "k20", list);
    json_t *event = json_pack("{s:o}", "detail", detail);
    const struct event_pattern *pattern = parse(&arena, buf_text(&text), &why);
    assert_non_null(pattern);
    assert_false(matches(&arena, pattern, event));
    json_decref(event);
    json_decref(list);
    buf_done(&text);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(shared_vectors),
        cmocka_unit_test(refusals_say_where),
        cmocka_unit_test(texts),
        cmocka_unit_test(bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
