/* What a target gets of an event. The event is the same throughout. */
#include "base/json.h"
#include "local/event_input.h"
#include "support/test.h"

static const char event_text[] =
    "{\"version\":\"0\",\"id\":\"e-1\",\"detail-type\":\"t\",\"source\":\"mine\","
    "\"account\":\"111111111111\",\"time\":\"2026-01-01T00:00:00Z\",\"region\":\"eu-west-1\","
    "\"resources\":[\"arn:a\",\"arn:b\"],\"detail\":{\"name\":\"/a/\\\"b\\\"\",\"n\":5,\"on\":true,"
    "\"none\":null,\"o\":{\"k\":\"v\",\"l\":2},\"list\":[\"x\",\"y\"]}}";

/* NULL: nothing is delivered. */
static char *written(struct arena *arena, const char *target_text)
{
    static const struct event_origin origin = {"arn:aws:events:eu-west-1:111111111111:rule/r", "r",
                                               1767225600000};
    json_t *target = json_read(target_text, strlen(target_text), NULL);
    json_t *event = json_read(event_text, strlen(event_text), NULL);
    assert_non_null(target);
    assert_non_null(event);
    assert_null(event_input_check(arena, target));
    struct buf out;
    buf_init(&out, 64 * 1024);
    int result = event_input_write(target, event, event_text, &origin, &out);
    char *text = result == 0 ? arena_strndup(arena, buf_text(&out), out.len) : NULL;
    buf_done(&out);
    json_decref(target);
    json_decref(event);
    return text;
}

#define TEMPLATE(paths, template)                                                                  \
    "{\"InputTransformer\":{\"InputPathsMap\":{" paths "},\"InputTemplate\":\"" template "\"}}"
#define ENVELOPE                                                                                   \
    "{\"id\":\"e-1\",\"account\":\"111111111111\",\"detailType\":\"t\","                           \
    "\"time\":\"2026-01-01T00:00:00Z\",\"source\":\"mine\",\"region\":\"eu-west-1\","              \
    "\"resources\":[\"arn:a\",\"arn:b\"],\"version\":\"0\"}"

static void inputs(void **state)
{
    static const char *const cases[][2] = {
        {"{}", event_text},
        {"{\"Input\":\"{\\\"a\\\": 1}\"}", "{\"a\": 1}"},
        {"{\"InputPath\":\"$.detail.o\"}", "{\"k\":\"v\",\"l\":2}"},
        {"{\"InputPath\":\"$.detail.name\"}", "\"/a/\\\"b\\\"\""},
        {"{\"InputPath\":\"$.resources[1]\"}", "\"arn:b\""},
        {"{\"InputPath\":\"$['detail-type']\"}", "\"t\""},
        {"{\"InputPath\":\"$.detail-type\"}", "\"t\""},
        {"{\"InputPath\":\"$\"}", event_text},
        {"{\"InputPath\":\"$.detail.x\"}", NULL},
        {TEMPLATE("\"n\":\"$.detail.n\",\"o\":\"$.detail.o\"", "{\\\"a\\\": <n>, \\\"b\\\": <o>}"),
         "{\"a\": 5, \"b\": {\"k\":\"v\",\"l\":2}}"},
        {TEMPLATE("\"n\":\"$.detail.name\"", "{\\\"a\\\": <n>}"), "{\"a\": \"/a/\\\"b\\\"\"}"},
        {TEMPLATE("\"n\":\"$.detail.name\",\"i\":\"$.detail.n\"", "{\\\"a\\\": \\\"<i>: <n>\\\"}"),
         "{\"a\": \"5: /a/\\\"b\\\"\"}"},
        {TEMPLATE("\"o\":\"$.detail.o\"", "{\\\"a\\\": \\\"is <o>\\\"}"), NULL},
        {TEMPLATE("\"x\":\"$.detail.x\"", "{\\\"a\\\": <x>}"), "{\"a\": \"\"}"},
        {TEMPLATE("\"x\":\"$.detail.none\"", "{\\\"a\\\": <x>}"), "{\"a\": null}"},
        {TEMPLATE("\"o\":\"$.detail.o\",\"l\":\"$.detail.list\",\"b\":\"$.detail.on\"",
                  "\\\"<o> <l> <b>\\\""),
         "\"{k:v,l:2} [x,y] true\""},
        {TEMPLATE("\"x\":\"$.detail.x\"", "\\\"id is <x>.\\\"\\n\\\"next\\\""),
         "\"id is .\"\n\"next\""},
        {TEMPLATE("",
                  "{\\\"r\\\": <aws.events.rule-arn>, \\\"n\\\": \\\"<aws.events.rule-name>\\\"}"),
         "{\"r\": \"arn:aws:events:eu-west-1:111111111111:rule/r\", \"n\": \"r\"}"},
        {TEMPLATE("", "[<aws.events.event>]"), "[" ENVELOPE "]"},
        {TEMPLATE("", "{\\\"e\\\": \\\"<aws.events.event>\\\"}"), NULL},
        {TEMPLATE("", "{\\\"t\\\": <aws.events.event.ingestion-time>}"),
         "{\"t\": \"2026-01-01T00:00:00.000Z\"}"},
    };
    (void)state;
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *text = written(&arena, cases[i][0]);
        print_message("%s\n", cases[i][0]);
        if (cases[i][1]) {
            assert_non_null(text);
            assert_string_equal(text, cases[i][1]);
        } else {
            assert_null(text);
        }
    }
    char *whole = written(&arena, TEMPLATE("", "{\\\"e\\\": <aws.events.event.json>}"));
    assert_string_equal(whole, arena_printf(&arena, "{\"e\": %s}", event_text));
    arena_done(&arena);
}

static void refusals(void **state)
{
    static const char *const cases[][2] = {
        {"{\"Id\":\"t\",\"Input\":\"{\"}", "JSON syntax error in input for target t."},
        {"{\"Id\":\"t\",\"Input\":\"{}\",\"InputPath\":\"$\"}",
         "Only one of Input, InputPath, or InputTransformer must be provided for target t."},
        {"{\"Id\":\"t\",\"InputPath\":\"detail\"}", "Invalid JSONPath detail for target t."},
        {"{\"Id\":\"t\",\"InputPath\":\"$.a[x]\"}", "Invalid JSONPath $.a[x] for target t."},
        {"{\"Id\":\"t\",\"InputTransformer\":{\"InputTemplate\":\"{\\\"a\\\": <b>}\"}}",
         "InputTemplate for target t contains invalid placeholder b."},
        {"{\"Id\":\"t\",\"InputTransformer\":{\"InputTemplate\":\"{\\\"a\\\"}\"}}",
         "InputTemplate for target t is not valid."},
        {"{\"Id\":\"t\",\"InputTransformer\":{\"InputTemplate\":\"\\\"a\"}}",
         "InputTemplate for target t is not valid."},
    };
    (void)state;
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *target = json_read(cases[i][0], strlen(cases[i][0]), NULL);
        assert_non_null(target);
        const char *wrong = event_input_check(&arena, target);
        assert_non_null(wrong);
        assert_string_equal(wrong, cases[i][1]);
        json_decref(target);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(inputs), cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
