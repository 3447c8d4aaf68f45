/* What the daemon says of its health: each reason at its bound, and what is none. */
#include "event/watch_parts.h"
#include "support/test.h"

#include <stdio.h>

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };
static const int64_t now_ms = 1000LL * HOUR_MS;

static const struct watch_options options = {.every_ms = HOUR_MS, .canary_every_ms = MINUTE_MS};

static struct watch_status well(void)
{
    return (struct watch_status){.now_ms = now_ms,
                                 .started_ms = now_ms - MINUTE_MS,
                                 .metrics.last_pass_ms = now_ms - MINUTE_MS,
                                 .queues = 1};
}

/* NULL: none. */
static void expect(struct watch_status *status, const char *reason, const char *warning)
{
    watch_judge(&options, status);
    assert_int_equal(status->healthy, !reason);
    assert_int_equal(status->reasons.count, reason ? 1 : 0);
    assert_int_equal(status->warnings.count, warning ? 1 : 0);
    if (reason)
        assert_string_equal(status->reasons.items[0].code, reason);
    if (warning)
        assert_string_equal(status->warnings.items[0].code, warning);
}

static void test_it_is_well(void **state)
{
    (void)state;
    struct watch_status status = well();
    expect(&status, NULL, NULL);
    assert_true(status.alive);
}

static void test_alive_is_not_healthy(void **state)
{
    (void)state;
    struct watch_status status = well();
    status.silent_ms = 10 * MINUTE_MS;
    expect(&status, NULL, NULL);
    status.silent_ms++;
    expect(&status, "stuck", NULL);
    assert_false(status.alive);
    status = well();
    snprintf(status.pass_error, sizeof status.pass_error, "1 failed");
    expect(&status, "pass_failed", NULL);
    assert_true(status.alive); /* to start it anew is no help */
}

static void test_passes_are_recent(void **state)
{
    (void)state;
    struct watch_status status = well();
    status.metrics.last_pass_ms = now_ms - 2 * HOUR_MS - 15 * MINUTE_MS;
    expect(&status, NULL, NULL);
    status.metrics.last_pass_ms--;
    expect(&status, "pass_late", NULL);
    /* One that has never ended counts from the start. */
    status.metrics.last_pass_ms = 0;
    expect(&status, NULL, NULL);
    status.started_ms = now_ms - 3 * HOUR_MS;
    expect(&status, "pass_late", NULL);
    const struct watch_options never = {.every_ms = 0};
    watch_judge(&never, &status);
    assert_true(status.healthy);
}

static void test_queues_answer(void **state)
{
    (void)state;
    struct watch_status status = well();
    status.deaf_ms = 3 * MINUTE_MS;
    expect(&status, NULL, NULL);
    status.deaf_ms++;
    expect(&status, "queue_silent", NULL);
    snprintf(status.queue_error, sizeof status.queue_error, "queue x: denied");
    expect(&status, "queue_unreadable", NULL);
}

static void test_what_fails_has_some_time(void **state)
{
    (void)state;
    struct watch_status status = well();
    status.failing = 2;
    status.failing_since_ms = now_ms - 5 * MINUTE_MS;
    expect(&status, NULL, NULL);
    status.failing_since_ms--;
    expect(&status, "changes_failing", NULL);
}

static void test_the_canary_is_seen(void **state)
{
    (void)state;
    struct watch_status status = well();
    status.canary = true;
    status.canary_seen_ms = now_ms - 5 * MINUTE_MS;
    expect(&status, NULL, NULL);
    status.canary_seen_ms--;
    expect(&status, "canary_late", NULL);
    status.dry_run = true; /* it is not written */
    expect(&status, NULL, "dry_run");
}

static void test_what_waits_for_a_person_is_no_failure(void **state)
{
    (void)state;
    struct watch_status status = well();
    status.blocked = 1;
    expect(&status, NULL, "blocked");
    status = well();
    status.pass_blocked = 1;
    expect(&status, NULL, "blocked");
    status = well();
    snprintf(status.config_error, sizeof status.config_error, "line 3: unknown key");
    expect(&status, NULL, "configuration_rejected");
    assert_non_null(strstr(status.warnings.items[0].text, "line 3"));
}

/* All at once, and every code is one that the metrics have. */
static void test_all_of_it_fits(void **state)
{
    (void)state;
    struct watch_status status = well();
    size_t known = 0;
    status.silent_ms = status.deaf_ms = HOUR_MS;
    snprintf(status.pass_error, sizeof status.pass_error, "failed");
    status.metrics.last_pass_ms = 1;
    status.failing = status.blocked = 1;
    status.canary = true;
    status.canary_seen_ms = 1;
    snprintf(status.config_error, sizeof status.config_error, "wrong");
    watch_judge(&options, &status);
    assert_int_equal(status.reasons.count, 6); /* a queue is silent or unreadable */
    assert_int_equal(status.warnings.count, 2);
    for (size_t i = 0; i < status.reasons.count; i++)
        for (const char *const *code = watch_reason_codes; *code; code++)
            known += strcmp(*code, status.reasons.items[i].code) == 0;
    for (size_t i = 0; i < status.warnings.count; i++)
        for (const char *const *code = watch_warning_codes; *code; code++)
            known += strcmp(*code, status.warnings.items[i].code) == 0;
    assert_int_equal(known, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_well),
        cmocka_unit_test(test_alive_is_not_healthy),
        cmocka_unit_test(test_passes_are_recent),
        cmocka_unit_test(test_queues_answer),
        cmocka_unit_test(test_what_fails_has_some_time),
        cmocka_unit_test(test_the_canary_is_seen),
        cmocka_unit_test(test_what_waits_for_a_person_is_no_failure),
        cmocka_unit_test(test_all_of_it_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
