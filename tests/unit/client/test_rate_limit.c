#include "client/rate_limit.h"

#include "base/workers.h"
#include "support/fake_clock.h"
#include "support/test.h"

#include <stdatomic.h>

static struct fake_clock clock_;
static struct rate_limiter *limiter;
static const struct rate_key put = {"111111111111", "us-east-1", "ssm", "PutParameter", true, 0};
static const struct rate_key free_put = {"111111111111", "us-east-1", "ssm",
                                         "PutParameter", false,       0};

static int setup(void **state)
{
    (void)state;
    fake_clock_init(&clock_, 1700000000000);
    fake_clock_advance(&clock_, 1000);
    limiter = rate_limiter_new(&clock_.clock, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rate_limiter_free(limiter);
    return 0;
}

static void call(const struct rate_key *key, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        rate_limiter_wait(limiter, key);
        rate_limiter_answered(limiter, key, false);
    }
}

static void test_quota(void **state)
{
    (void)state;
    call(&put, 31);
    /* 1 at once, then 3 a second. */
    assert_in_range(clock_.slept_ms, 9990, 10100);
    assert_true(rate_limiter_rate(limiter, &put) == 3);
}

/* An account with higher throughput, told by its configuration; it holds where quotas do not. */
static void test_given_quota(void **state)
{
    (void)state;
    struct rate_key key = free_put;
    key.given = 10;
    call(&key, 31);
    assert_in_range(clock_.slept_ms, 2990, 3100);
    assert_true(rate_quota_shared("ssm", "GetParameter", "GetParameters"));
    assert_true(rate_quota_shared("ssm", "Unknown", "Unknown"));
    assert_false(rate_quota_shared("ssm", "GetParameter", "PutParameter"));
    assert_false(rate_quota_shared("ssm", "GetParameter", "Unknown"));
}

static void test_a_pause_saves_little(void **state)
{
    (void)state;
    fake_clock_advance(&clock_, 3600 * 1000);
    call(&put, 4);
    assert_in_range(clock_.slept_ms, 990, 1010);
}

static void test_keys(void **state)
{
    (void)state;
    struct rate_key other_region = put, other_account = put, other_operation = put;
    other_region.region = "eu-west-1";
    other_account.account = "222222222222";
    other_operation.operation = "DescribeParameters";
    struct rate_key longer = put, shorter = put;
    longer.operation = "GetThings"; /* as one begins, the other goes on */
    shorter.operation = "GetThing";
    longer.given = shorter.given = 1;
    call(&longer, 1);
    call(&shorter, 1);
    assert_int_equal(clock_.slept_ms, 0);
    call(&put, 1);
    assert_int_equal(rate_limiter_wait(limiter, &other_region), 0);
    assert_int_equal(rate_limiter_wait(limiter, &other_account), 0);
    assert_int_equal(rate_limiter_wait(limiter, &other_operation), 0);
    assert_in_range(rate_limiter_wait(limiter, &put), 330, 340);
}

static void test_operations_that_share_a_quota(void **state)
{
    (void)state;
    struct rate_key one = put, many = put;
    one.operation = "GetParameter";
    many.operation = "GetParameters";
    for (int i = 0; i < 40; i++) {
        rate_limiter_wait(limiter, &one);
        rate_limiter_wait(limiter, &many);
    }
    /* 80 calls at 40 a second, 4 of them at once. */
    assert_in_range(clock_.slept_ms, 1850, 2050);
}

static void test_unlimited_until_throttled(void **state)
{
    (void)state;
    call(&free_put, 1000);
    assert_int_equal(clock_.slept_ms, 0);
    assert_true(rate_limiter_rate(limiter, &free_put) == 0);
    assert_int_equal(rate_quota("ssm", "PutParameter"), 3);
    assert_int_equal(rate_quota("ssm", "NoSuchOperation"), 0);
}

/* 20 calls a second for two seconds, then a throttling answer: 0.7 of what was sent. */
static void test_throttling_cuts(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        call(&free_put, 1);
        fake_clock_advance(&clock_, 50);
    }
    rate_limiter_answered(limiter, &free_put, true);
    double rate = rate_limiter_rate(limiter, &free_put);
    assert_true(rate > 12 && rate < 15.5);
    /* What was under way with it and is throttled too says nothing new. */
    rate_limiter_answered(limiter, &free_put, true);
    assert_true(rate_limiter_rate(limiter, &free_put) == rate);
    fake_clock_advance(&clock_, 600);
    rate_limiter_answered(limiter, &free_put, true);
    assert_true(rate_limiter_rate(limiter, &free_put) < rate);
}

static void test_recovery(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        call(&free_put, 1);
        fake_clock_advance(&clock_, 50);
    }
    rate_limiter_answered(limiter, &free_put, true);
    double cut = rate_limiter_rate(limiter, &free_put), last = cut;
    int64_t start = clock_.monotonic_ms;
    while (rate_limiter_rate(limiter, &free_put) < 40) {
        call(&free_put, 1);
        double rate = rate_limiter_rate(limiter, &free_put);
        assert_true(rate >= last); /* success never slows down */
        last = rate;
        assert_in_range(clock_.monotonic_ms - start, 0, 30 * 1000);
    }
    assert_true(clock_.monotonic_ms - start > 2000); /* and not at once either */
}

static void test_recovery_ends_at_the_quota(void **state)
{
    (void)state;
    call(&put, 30);
    rate_limiter_answered(limiter, &put, true);
    assert_true(rate_limiter_rate(limiter, &put) < 2.5);
    call(&put, 100);
    assert_true(rate_limiter_rate(limiter, &put) == 3);
}

static void test_never_below_the_floor(void **state)
{
    (void)state;
    struct rate_key slow = put;
    slow.service = "kms";
    slow.operation = "GetParametersForImport"; /* quota 0.25 */
    for (int i = 0; i < 50; i++) {
        rate_limiter_answered(limiter, &put, true);
        rate_limiter_answered(limiter, &slow, true);
        fake_clock_advance(&clock_, 1000);
    }
    assert_true(rate_limiter_rate(limiter, &put) == 0.5);
    assert_true(rate_limiter_rate(limiter, &slow) == 0.25);
}

static void test_no_wait(void **state)
{
    (void)state;
    struct rate_limiter *hasty = rate_limiter_new(&clock_.clock, true);
    for (int i = 0; i < 100; i++)
        assert_int_equal(rate_limiter_wait(hasty, &put), 0);
    assert_int_equal(clock_.slept_ms, 0);
    rate_limiter_free(hasty);
}

static void hammer(void *arg, unsigned worker)
{
    struct rate_key key = free_put;
    (void)worker;
    key.operation = arg;
    for (int i = 0; i < 200; i++) {
        rate_limiter_wait(limiter, &key);
        rate_limiter_answered(limiter, &key, false);
    }
}

static void test_threads(void **state)
{
    (void)state;
    struct error err;
    rate_limiter_free(limiter);
    limiter = rate_limiter_new(clock_system(), false);
    struct workers *workers = workers_new(4, &err);
    static char names[][8] = {"A", "B", "A", "B"};
    for (size_t i = 0; i < COUNT(names); i++)
        workers_run(workers, hammer, names[i]);
    workers_free(workers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_quota, setup, teardown),
        cmocka_unit_test_setup_teardown(test_given_quota, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_pause_saves_little, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_operations_that_share_a_quota, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unlimited_until_throttled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_throttling_cuts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_recovery, setup, teardown),
        cmocka_unit_test_setup_teardown(test_recovery_ends_at_the_quota, setup, teardown),
        cmocka_unit_test_setup_teardown(test_never_below_the_floor, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
