/* When to end, and how sleeps end with it. */
#include "base/stop.h"

#include "support/fake_clock.h"
#include "support/test.h"

static struct fake_clock fake;
static struct stop stop;

static int set_up(void **state)
{
    (void)state;
    fake_clock_init(&fake, 1000000);
    stop_init(&stop, &fake.clock);
    return 0;
}

static void none_never_comes(void **state)
{
    (void)state;
    assert_false(stop_wanted(NULL));
    assert_false(stop_asked(NULL));
    assert_true(stop_left_ms(NULL) == INT64_MAX);
    assert_false(stop_wanted(&stop));
    assert_true(stop_left_ms(&stop) == INT64_MAX);
    stop.clock.sleep_ms(&stop.clock, 3600000);
    assert_int_equal(fake.slept_ms, 3600000);
}

static void a_moment_is_wanted_before_it_is_due(void **state)
{
    (void)state;
    stop_due_in(&stop, 60000);
    assert_false(stop_wanted(&stop));
    fake_clock_advance(&fake, 50000 - 1);
    assert_false(stop_wanted(&stop));
    fake_clock_advance(&fake, 1);
    assert_true(stop_wanted(&stop));
    assert_int_equal(stop_left_ms(&stop), 10000);
    fake_clock_advance(&fake, 20000);
    assert_int_equal(stop_left_ms(&stop), 0);
    assert_false(stop_asked(&stop));
    /* Of a short time a quarter. */
    stop_due_in(&stop, 2000);
    fake_clock_advance(&fake, 1499);
    assert_false(stop_wanted(&stop));
    fake_clock_advance(&fake, 1);
    assert_true(stop_wanted(&stop));
}

static void asked_for_it_has_a_grace(void **state)
{
    (void)state;
    stop_due_in(&stop, 3600000);
    stop_ask(&stop);
    assert_true(stop_wanted(&stop));
    assert_int_equal(stop_left_ms(&stop), STOP_GRACE_MS);
    fake_clock_advance(&fake, STOP_GRACE_MS + 1);
    assert_int_equal(stop_left_ms(&stop), 0);
    /* A moment that is nearer stays the end. */
    stop_init(&stop, &fake.clock);
    stop_due_in(&stop, 1000);
    stop_ask(&stop);
    assert_int_equal(stop_left_ms(&stop), 1000);
}

static void a_sleep_that_would_outlast_it_is_not_begun(void **state)
{
    (void)state;
    stop_due_in(&stop, 10000);
    stop.clock.sleep_ms(&stop.clock, 9000);
    assert_int_equal(fake.slept_ms, 9000);
    stop.clock.sleep_ms(&stop.clock, 1001);
    assert_int_equal(fake.slept_ms, 9000);
    stop.clock.sleep_ms(&stop.clock, 1000);
    assert_int_equal(fake.slept_ms, 10000);
}

/* The signal arrives during a sleep. */
static void ask_while_sleeping(struct clock *clock, int64_t duration_ms)
{
    struct fake_clock *self = (struct fake_clock *)clock;
    fake_clock_advance(self, duration_ms);
    self->slept_ms += duration_ms;
    if (self->slept_ms >= 1000)
        stop_ask(&stop);
}

static void a_sleep_ends_when_it_is_asked_for(void **state)
{
    (void)state;
    fake.clock.sleep_ms = ask_while_sleeping;
    stop.clock.sleep_ms(&stop.clock, 60000);
    assert_int_equal(fake.slept_ms, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(none_never_comes, set_up),
        cmocka_unit_test_setup(a_moment_is_wanted_before_it_is_due, set_up),
        cmocka_unit_test_setup(asked_for_it_has_a_grace, set_up),
        cmocka_unit_test_setup(a_sleep_that_would_outlast_it_is_not_begun, set_up),
        cmocka_unit_test_setup(a_sleep_ends_when_it_is_asked_for, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
