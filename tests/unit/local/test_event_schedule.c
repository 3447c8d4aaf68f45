/* rate(...) and cron(...): what is one, and when it fires next. */
#include "base/clock.h"
#include "local/event_schedule.h"
#include "support/test.h"

static int64_t at(const char *iso)
{
    int64_t time_ms;
    assert_int_equal(clock_parse_iso(iso, strlen(iso), &time_ms), 0);
    return time_ms;
}

static void next_times(void **state)
{
    static const char *const cases[][3] = {
        {"rate(1 minute)", "2026-03-01T10:00:30Z", "2026-03-01T10:01:30Z"},
        {"rate(5 minutes)", "2026-03-01T10:00:00Z", "2026-03-01T10:05:00Z"},
        {"rate(1 hour)", "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"},
        {"rate(7 days)", "2026-03-01T10:00:00Z", "2026-03-08T10:00:00Z"},
        {"cron(0 10 * * ? *)", "2026-03-01T09:59:59Z", "2026-03-01T10:00:00Z"},
        {"cron(0 10 * * ? *)", "2026-03-01T10:00:00Z", "2026-03-02T10:00:00Z"},
        {"cron(15 12 * * ? *)", "2026-12-31T12:15:00Z", "2027-01-01T12:15:00Z"},
        {"cron(0/15 * * * ? *)", "2026-03-01T10:16:00Z", "2026-03-01T10:30:00Z"},
        {"cron(0 18 ? * MON-FRI *)", "2026-03-06T18:00:00Z", "2026-03-09T18:00:00Z"},
        {"cron(0 8 1 * ? *)", "2026-03-01T08:00:00Z", "2026-04-01T08:00:00Z"},
        {"cron(0 0 L * ? *)", "2026-02-01T00:00:00Z", "2026-02-28T00:00:00Z"},
        {"cron(0 0 L 2 ? 2028)", "2026-02-01T00:00:00Z", "2028-02-29T00:00:00Z"},
        {"cron(0 0 ? * 6L *)", "2026-03-01T00:00:00Z", "2026-03-27T00:00:00Z"},
        {"cron(0 0 ? * 3#2 *)", "2026-03-01T00:00:00Z", "2026-03-10T00:00:00Z"},
        {"cron(0 9 15W * ? *)", "2026-02-01T00:00:00Z", "2026-02-16T09:00:00Z"},
        {"cron(0 9 1W * ? *)", "2026-08-01T00:00:00Z", "2026-08-03T09:00:00Z"},
        {"cron(0 9 LW * ? *)", "2026-05-01T00:00:00Z", "2026-05-29T09:00:00Z"},
        {"cron(30 6,18 ? JAN,JUL SUN *)", "2026-03-01T00:00:00Z", "2026-07-05T06:30:00Z"},
        {"cron(0 0 29 2 ? *)", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct event_schedule schedule;
        char text[CLOCK_TEXT_SIZE];
        assert_int_equal(event_schedule_parse(cases[i][0], &schedule), 0);
        clock_format_iso(event_schedule_next(&schedule, at(cases[i][1])), text);
        print_message("%s\n", cases[i][0]);
        assert_string_equal(text, cases[i][2]);
    }
}

static void never_again(void **state)
{
    static const char *const cases[] = {"cron(0 0 1 1 ? 2020)", "cron(0 0 30 2 ? *)",
                                        "cron(0 0 31W 2 ? *)"};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct event_schedule schedule;
        assert_int_equal(event_schedule_parse(cases[i], &schedule), 0);
        assert_true(event_schedule_next(&schedule, at("2026-03-01T00:00:00Z")) == -1);
    }
}

static void not_schedules(void **state)
{
    static const char *const cases[] = {"",
                                        "rate",
                                        "rate()",
                                        "rate(0 minutes)",
                                        "rate(1 minutes)",
                                        "rate(2 minute)",
                                        "rate(-5 minutes)",
                                        "rate(5 weeks)",
                                        "rate(5  minutes)",
                                        "rate(5 minutes",
                                        "cron()",
                                        "cron(0 10 * * *)",
                                        "cron(0 10 * * ? * *)",
                                        "cron(0 10 * * * *)",
                                        "cron(0 10 ? * ? *)",
                                        "cron(60 10 * * ? *)",
                                        "cron(0 24 * * ? *)",
                                        "cron(0 10 0 * ? *)",
                                        "cron(0 10 32 * ? *)",
                                        "cron(0 10 * 13 ? *)",
                                        "cron(0 10 ? * 8 *)",
                                        "cron(0 10 ? * MON#6 *)",
                                        "cron(0 10 * * ? 1969)",
                                        "cron(0 10 * * ? 2200)",
                                        "cron(5-1 10 * * ? *)",
                                        "cron(0/0 10 * * ? *)",
                                        "cron(x 10 * * ? *)",
                                        "cron(, 10 * * ? *)",
                                        "at(2026-01-01)"};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct event_schedule schedule;
        print_message("%s\n", cases[i]);
        assert_int_equal(event_schedule_parse(cases[i], &schedule), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(next_times), cmocka_unit_test(never_again),
                                       cmocka_unit_test(not_schedules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
