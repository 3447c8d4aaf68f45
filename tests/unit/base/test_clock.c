#include "base/clock.h"
#include "support/fake_clock.h"
#include "support/test.h"

/* Seconds checked with `date -u -d ... +%s`. */
static const struct {
    int64_t time_ms;
    const char *basic, *iso, *iso_ms, *http;
} instants[] = {
    {0, "19700101T000000Z", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z",
     "Thu, 01 Jan 1970 00:00:00 GMT"},
    {1440938160000, "20150830T123600Z", "2015-08-30T12:36:00Z", "2015-08-30T12:36:00.000Z",
     "Sun, 30 Aug 2015 12:36:00 GMT"},
    {784111777000, "19941106T084937Z", "1994-11-06T08:49:37Z", "1994-11-06T08:49:37.000Z",
     "Sun, 06 Nov 1994 08:49:37 GMT"},
    {951782400123, "20000229T000000Z", "2000-02-29T00:00:00Z", "2000-02-29T00:00:00.123Z",
     "Tue, 29 Feb 2000 00:00:00 GMT"},
    {4107542399999, "21000228T235959Z", "2100-02-28T23:59:59Z", "2100-02-28T23:59:59.999Z",
     "Sun, 28 Feb 2100 23:59:59 GMT"},
    {-1, "19691231T235959Z", "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.999Z",
     "Wed, 31 Dec 1969 23:59:59 GMT"},
    {253402300799000, "99991231T235959Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z",
     "Fri, 31 Dec 9999 23:59:59 GMT"},
    /* Four digits, also where strftime's %Y would print fewer. */
    {-30641760000000, "09990101T000000Z", "0999-01-01T00:00:00Z", "0999-01-01T00:00:00.000Z",
     "Tue, 01 Jan 0999 00:00:00 GMT"},
};

static void test_formats(void **state)
{
    (void)state;
    char out[CLOCK_TEXT_SIZE];
    for (size_t i = 0; i < COUNT(instants); i++) {
        clock_format_basic(instants[i].time_ms, out);
        assert_string_equal(out, instants[i].basic);
        clock_format_iso(instants[i].time_ms, out);
        assert_string_equal(out, instants[i].iso);
        clock_format_iso_ms(instants[i].time_ms, out);
        assert_string_equal(out, instants[i].iso_ms);
        clock_format_http(instants[i].time_ms, out);
        assert_string_equal(out, instants[i].http);
    }
    clock_format_iso_ms(INT64_MAX, out); /* far away, but within the buffer */
    clock_format_iso_ms(INT64_MIN, out);
    clock_format_http(INT64_MIN, out);
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(instants); i++) {
        int64_t time_ms = instants[i].time_ms, whole = time_ms - ((time_ms % 1000) + 1000) % 1000;
        int64_t got;
        assert_int_equal(clock_parse_basic(instants[i].basic, 16, &got), 0);
        assert_int_equal(got, whole);
        assert_int_equal(clock_parse_iso(instants[i].iso, 20, &got), 0);
        assert_int_equal(got, whole);
        assert_int_equal(clock_parse_iso(instants[i].iso_ms, 24, &got), 0);
        assert_int_equal(got, time_ms);
        assert_int_equal(clock_parse_http(instants[i].http, 29, &got), 0);
        assert_int_equal(got, whole);
    }
}

static void test_iso_offsets_and_fractions(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t time_ms;
    } cases[] = {
        {"2015-08-30T12:36:00+05:30", 1440938160000 - 19800000},
        {"2015-08-30T12:36:00-08:00", 1440938160000 + 28800000},
        {"2015-08-30T12:36:00+00:00", 1440938160000},
        {"2015-08-30t12:36:00z", 1440938160000},
        {"2015-08-30T12:36:00.5Z", 1440938160500},
        {"2015-08-30T12:36:00.123456789Z", 1440938160123},
        {"2015-08-30T12:36:00.001+01:00", 1440938160001 - 3600000},
        {"2016-12-31T23:59:60Z", 1483228800000}, /* a leap second is the next second */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t got;
        assert_int_equal(clock_parse_iso(cases[i].text, strlen(cases[i].text), &got), 0);
        assert_int_equal(got, cases[i].time_ms);
    }
}

static void test_other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const basic[] = {
        "",
        "20150830T123600",
        "20150830T123600z",
        "20150830 123600Z",
        "2015O830T123600Z",
        "20151330T123600Z",
        "20150230T123600Z",
        "20150831T243600Z",
        "20150830T126000Z",
        "20150830T123661Z",
        "19000229T000000Z", /* no leap year */
        "-0150830T123600Z",
        "20150830T123600ZZ",
    };
    static const char *const iso[] = {
        "",
        "2015-08-30",
        "2015-08-30T12:36:00",
        "2015-08-30T12:36Z",
        "2015-08-30 12:36:00Z",
        "2015-08-30T12:36:00.Z",
        "2015-08-30T12:36:00.5",
        "2015-08-30T12:36:00+0530",
        "2015-08-30T12:36:00+24:00",
        "2015-08-30T12:36:00+05:60",
        "2015-08-30T12:36:00+05:3",
        "2015-08-30T12:36:00Zx",
        "2015-02-29T12:36:00Z",
        "2015-00-10T12:36:00Z",
    };
    static const char *const http[] = {
        "",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nvm 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
    };
    int64_t got = 42;
    for (size_t i = 0; i < COUNT(basic); i++)
        assert_int_equal(clock_parse_basic(basic[i], strlen(basic[i]), &got), -1);
    for (size_t i = 0; i < COUNT(iso); i++)
        assert_int_equal(clock_parse_iso(iso[i], strlen(iso[i]), &got), -1);
    for (size_t i = 0; i < COUNT(http); i++)
        assert_int_equal(clock_parse_http(http[i], strlen(http[i]), &got), -1);
    assert_int_equal(got, 42); /* outputs are left alone on failure */
}

static void test_system_clock_moves(void **state)
{
    (void)state;
    struct clock *clock = clock_system();
    assert_true(clock->now_ms(clock) > 1600000000000); /* after September 2020 */
    int64_t before = clock->monotonic_ms(clock);
    clock->sleep_ms(clock, 3);
    clock->sleep_ms(clock, 0);
    clock->sleep_ms(clock, -5);
    int64_t passed = clock->monotonic_ms(clock) - before;
    assert_true(passed >= 2);
}

static void test_fake_clock_jumps(void **state)
{
    (void)state;
    struct fake_clock fake;
    fake_clock_init(&fake, 1440938160000);
    struct clock *clock = &fake.clock;
    clock->sleep_ms(clock, 3600000);
    assert_int_equal(clock->now_ms(clock), 1440938160000 + 3600000);
    assert_int_equal(clock->monotonic_ms(clock), 3600000);
    assert_int_equal(fake.slept_ms, 3600000);
    assert_int_equal(fake.sleeps, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_iso_offsets_and_fractions),
        cmocka_unit_test(test_other_texts_are_refused),
        cmocka_unit_test(test_system_clock_moves),
        cmocka_unit_test(test_fake_clock_jumps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
