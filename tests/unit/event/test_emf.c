#include "event/emf.h"

#include "base/json.h"
#include "support/test.h"

static struct buf out;

static int setup(void **state)
{
    (void)state;
    buf_init(&out, 1024 * 1024);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_done(&out);
    return 0;
}

static size_t lines(json_t **objects, size_t most)
{
    size_t count = 0;
    const char *at = buf_text(&out);
    while (*at) {
        const char *end = strchr(at, '\n');
        assert_non_null(end);
        assert_true(count < most);
        objects[count] = json_read(at, (size_t)(end - at), NULL);
        assert_non_null(objects[count++]);
        at = end + 1;
    }
    return count;
}

static const json_t *directive(const json_t *line)
{
    return json_array_get(json_object_get(json_object_get(line, "_aws"), "CloudWatchMetrics"), 0);
}

/* What CloudWatch demands of a line: each metric that is defined is there, as a number or at most
 * 100 of them, and each dimension is a text. */
static void check_line(const json_t *line)
{
    const json_t *definitions = json_object_get(directive(line), "Metrics");
    assert_true(json_array_size(definitions) > 0 && json_array_size(definitions) <= 100);
    for (size_t i = 0; i < json_array_size(definitions); i++) {
        const json_t *definition = json_array_get(definitions, i);
        const json_t *value = json_object_get(line, json_text(definition, "Name"));
        assert_non_null(json_text(definition, "Unit"));
        assert_true(json_is_integer(value) ||
                    (json_array_size(value) > 0 && json_array_size(value) <= 100));
    }
    const json_t *set = json_array_get(json_object_get(directive(line), "Dimensions"), 0);
    assert_int_equal(json_array_size(set), 1);
    assert_non_null(json_text(line, json_string_value(json_array_get(set, 0))));
    assert_string_equal(json_text(directive(line), "Namespace"), "Understudy");
}

static const struct emf_context context = {.function_name = "replicate",
                                           .request_id = "8476a536",
                                           .now_ms = 1772356527123};

static void test_one_line_has_all(void **state)
{
    (void)state;
    struct metric_values added = {.events = 1, .writes = 2, .calls = 6, .throttled = 1};
    const int64_t lags[] = {812, 903};
    json_t *objects[4];
    added.items[METRIC_APPLIED] = 1;
    emf_write(&out, &context, &added, lags, 2);
    assert_int_equal(lines(objects, 4), 1);
    const json_t *line = objects[0];
    check_line(line);
    assert_int_equal(json_int_or(json_object_get(line, "_aws"), "Timestamp", 0), 1772356527123);
    assert_string_equal(json_text(line, "FunctionName"), "replicate");
    assert_string_equal(json_text(line, "requestId"), "8476a536");
    assert_int_equal(json_int_or(line, "ItemsApplied", -1), 1);
    assert_int_equal(json_int_or(line, "ItemsFailed", -1), 0);
    assert_int_equal(json_int_or(line, "Calls", -1), 6);
    assert_int_equal(json_int_or(line, "Throttled", -1), 1);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(line, "Lag"), 1)), 903);
    assert_null(json_object_get(line, "Missed"));
    assert_int_equal(json_int_or(line, "OldestUnreplicated", -1), 0);
    assert_null(json_object_get(line, "ColdStarts"));
    json_decref(objects[0]);
}

static void test_a_pass_and_a_cold_start(void **state)
{
    (void)state;
    struct metric_values added = {.passes = 1,
                                  .passes_failed = 1,
                                  .missed = 3,
                                  .oldest_ms = context.now_ms - 4500};
    struct emf_context cold = context;
    json_t *objects[4];
    cold.cold_start = true;
    cold.function_name = NULL;
    emf_write(&out, &cold, &added, NULL, 0);
    assert_int_equal(lines(objects, 4), 1);
    check_line(objects[0]);
    assert_int_equal(json_int_or(objects[0], "Missed", -1), 3);
    assert_int_equal(json_int_or(objects[0], "PassesFailed", -1), 1);
    assert_int_equal(json_int_or(objects[0], "ColdStarts", -1), 1);
    assert_int_equal(json_int_or(objects[0], "OldestUnreplicated", -1), 4500);
    assert_null(json_object_get(objects[0], "Lag"));
    json_decref(objects[0]);
}

static void test_many_lags_take_several_lines(void **state)
{
    (void)state;
    struct metric_values added = {.events = 250};
    int64_t lags[250];
    json_t *objects[4];
    for (size_t i = 0; i < COUNT(lags); i++)
        lags[i] = (int64_t)i;
    emf_write(&out, &context, &added, lags, COUNT(lags));
    assert_int_equal(lines(objects, 4), 3);
    int64_t next = 0;
    for (size_t i = 0; i < 3; i++) {
        check_line(objects[i]);
        const json_t *values = json_object_get(objects[i], "Lag");
        for (size_t j = 0; j < json_array_size(values); j++)
            assert_int_equal(json_integer_value(json_array_get(values, j)), next++);
        assert_int_equal(json_int_or(objects[i], "Events", -1), i ? -1 : 250);
        json_decref(objects[i]);
    }
    assert_int_equal(next, 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_line_has_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_pass_and_a_cold_start, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_lags_take_several_lines, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
