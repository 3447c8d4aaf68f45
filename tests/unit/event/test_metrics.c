#include "event/metrics.h"
#include "support/test.h"

static void test_lag_has_quantiles(void **state)
{
    (void)state;
    struct lag_histogram lag = {0};
    assert_int_equal(lag_quantile_ms(&lag, 0.5), -1);
    for (int64_t ms = 1; ms <= 1000; ms++)
        lag_add(&lag, ms);
    int64_t half = lag_quantile_ms(&lag, 0.5), most = lag_quantile_ms(&lag, 0.99);
    assert_in_range(half, 500, 563);
    assert_in_range(most, 990, 1000);
    assert_int_equal(lag_quantile_ms(&lag, 1), 1000);
    assert_int_equal(lag.count, 1000);
    assert_int_equal(lag.sum_ms, 500500);
}

static void test_lag_is_counted_below_powers_of_two(void **state)
{
    (void)state;
    struct lag_histogram lag = {0};
    for (int64_t ms = 0; ms < 5000; ms++)
        lag_add(&lag, ms);
    for (int64_t bound = 1; bound <= 4096; bound *= 2)
        assert_int_equal(lag_below(&lag, bound), bound);
    assert_int_equal(lag_below(&lag, 8192), 5000);
}

static void test_lag_of_clocks_that_differ(void **state)
{
    (void)state;
    struct lag_histogram lag = {0};
    lag_add(&lag, -5000);
    assert_int_equal(lag_quantile_ms(&lag, 0.99), 0);
    lag_add(&lag, INT64_MAX / 4);
    assert_int_equal(lag.count, 2);
    assert_int_equal(lag.buckets[LAG_BUCKETS - 1], 1);
}

static void test_counters_and_what_was_added(void **state)
{
    (void)state;
    struct metrics metrics;
    struct metric_values before, after, added;
    metrics_init(&metrics);
    metrics_event(&metrics, true);
    metrics_item(&metrics, METRIC_APPLIED, 2, false, 40);
    metrics_snapshot(&metrics, &before);
    assert_int_equal(before.events, 1);
    assert_int_equal(before.items[METRIC_APPLIED], 1);
    assert_int_equal(before.writes, 2);
    metrics_event(&metrics, false);
    metrics_item(&metrics, METRIC_EQUAL, 0, false, -1);
    metrics_item(&metrics, METRIC_APPLIED, 1, true, 80);
    metrics_calls(&metrics, 6, 1, 2);
    metrics_pass(&metrics, true, 3, 1000);
    metrics_oldest(&metrics, 77);
    metrics_snapshot(&metrics, &after);
    metric_values_since(&before, &after, &added);
    assert_int_equal(added.events, 0);
    assert_int_equal(added.malformed, 1);
    assert_int_equal(added.items[METRIC_EQUAL], 1);
    assert_int_equal(added.items[METRIC_APPLIED], 1);
    assert_int_equal(added.writes, 1);
    assert_int_equal(added.removed, 1);
    assert_int_equal(added.calls, 6);
    assert_int_equal(added.retries, 1);
    assert_int_equal(added.throttled, 2);
    assert_int_equal(added.passes, 1);
    assert_int_equal(added.passes_failed, 1);
    assert_int_equal(added.missed, 3);
    assert_int_equal(added.last_pass_ms, 1000);
    assert_int_equal(added.oldest_ms, 77);
    assert_int_equal(added.lag.count, 1);
    assert_int_equal(added.lag.sum_ms, 80);
    metrics_done(&metrics);
}

static void test_outcomes_have_names(void **state)
{
    (void)state;
    assert_string_equal(metric_outcome_name(METRIC_IGNORED), "ignored");
    assert_string_equal(metric_outcome_name(METRIC_LATER), "later");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lag_has_quantiles),
        cmocka_unit_test(test_lag_is_counted_below_powers_of_two),
        cmocka_unit_test(test_lag_of_clocks_that_differ),
        cmocka_unit_test(test_counters_and_what_was_added),
        cmocka_unit_test(test_outcomes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
