#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_now_ms(struct clock *clock)
{
    (void)clock;
    return read_ms(CLOCK_REALTIME);
}

static int64_t system_monotonic_ms(struct clock *clock)
{
    (void)clock;
    return read_ms(CLOCK_MONOTONIC);
}

static void system_sleep_ms(struct clock *clock, int64_t duration_ms)
{
    (void)clock;
    if (duration_ms <= 0)
        return;
    struct timespec left = {duration_ms / 1000, duration_ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

struct clock *clock_system(void)
{
    static struct clock system = {system_now_ms, system_monotonic_ms, system_sleep_ms};
    return &system;
}

static struct tm broken_down(int64_t time_ms, int *milliseconds)
{
    int64_t seconds = time_ms / 1000, rest = time_ms % 1000;
    if (rest < 0) {
        rest += 1000;
        seconds--;
    }
    time_t when = (time_t)seconds;
    struct tm tm = {0};
    gmtime_r(&when, &tm);
    if (milliseconds)
        *milliseconds = (int)rest;
    return tm;
}

/* snprintf, not strftime: %Y writes fewer than four digits, %a and %b follow the locale. */
static int year_of(const struct tm *tm)
{
    int year = (tm->tm_year + 1900) % 10000;
    return year < 0 ? -year : year;
}

/* `count` digits of a number that has no more; returns what follows them. (Every signed request
 * formats a time, and printf would be a tenth of its cost.) */
static char *put(char *at, int value, int count)
{
    for (int i = count; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + count;
}

static char *put_with(char *at, int value, char behind)
{
    at = put(at, value, 2);
    *at = behind;
    return at + 1;
}

void clock_format_basic(int64_t time_ms, char out[CLOCK_TEXT_SIZE])
{
    struct tm tm = broken_down(time_ms, NULL);
    char *at = put(out, year_of(&tm), 4);
    at = put(at, tm.tm_mon + 1, 2);
    at = put_with(at, tm.tm_mday, 'T');
    at = put(at, tm.tm_hour, 2);
    at = put(at, tm.tm_min, 2);
    at = put_with(at, tm.tm_sec, 'Z');
    *at = '\0';
}

/* "2015-08-30T12:36:00" and what follows it. */
static char *put_iso(char *at, const struct tm *tm, char behind)
{
    at = put(at, year_of(tm), 4);
    *at++ = '-';
    at = put_with(at, tm->tm_mon + 1, '-');
    at = put_with(at, tm->tm_mday, 'T');
    at = put_with(at, tm->tm_hour, ':');
    at = put_with(at, tm->tm_min, ':');
    return put_with(at, tm->tm_sec, behind);
}

void clock_format_iso(int64_t time_ms, char out[CLOCK_TEXT_SIZE])
{
    struct tm tm = broken_down(time_ms, NULL);
    *put_iso(out, &tm, 'Z') = '\0';
}

void clock_format_iso_ms(int64_t time_ms, char out[CLOCK_TEXT_SIZE])
{
    int milliseconds;
    struct tm tm = broken_down(time_ms, &milliseconds);
    char *at = put(put_iso(out, &tm, '.'), milliseconds, 3);
    *at++ = 'Z';
    *at = '\0';
}

static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void clock_format_http(int64_t time_ms, char out[CLOCK_TEXT_SIZE])
{
    struct tm tm = broken_down(time_ms, NULL);
    snprintf(out, CLOCK_TEXT_SIZE, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday],
             tm.tm_mday, months[tm.tm_mon], year_of(&tm), tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Two or four digits at `text`, or -1. */
static int digits(const char *text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* Days from 1970-01-01. Not timegm: that takes the time zone's lock, which all threads share, once
 * for each signature. Years are counted from March, so that the leap day is their last,
 * and 400 of them (146,097 days) are added, so that none is negative. */
static int64_t days_to(int year, int month, int day)
{
    int64_t from_march = (month + 9) % 12, years = year + 400 - (month <= 2);
    int64_t leaps = years / 4 - years / 100 + years / 400;
    return years * 365 + leaps + (from_march * 306 + 5) / 10 + day - 1 - 719468 - 146097;
}

static int compose(int year, int month, int day, int hour, int minute, int second, int64_t *time_ms)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 0 || month < 1 || month > 12 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
        second < 0 || second > 60)
        return -1;
    int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day < 1 || day > month_days[month - 1] + (month == 2 && leap))
        return -1;
    int64_t seconds = ((days_to(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    *time_ms = seconds * 1000;
    return 0;
}

int clock_parse_basic(const char *text, size_t len, int64_t *time_ms)
{
    if (len != 16 || text[8] != 'T' || text[15] != 'Z')
        return -1;
    return compose(digits(text, 4), digits(text + 4, 2), digits(text + 6, 2), digits(text + 9, 2),
                   digits(text + 11, 2), digits(text + 13, 2), time_ms);
}

int clock_parse_iso(const char *text, size_t len, int64_t *time_ms)
{
    if (len < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') ||
        text[13] != ':' || text[16] != ':')
        return -1;
    int64_t base;
    if (compose(digits(text, 4), digits(text + 5, 2), digits(text + 8, 2), digits(text + 11, 2),
                digits(text + 14, 2), digits(text + 17, 2), &base) != 0)
        return -1;
    size_t at = 19;
    if (text[at] == '.') {
        int scale = 100;
        size_t first = ++at;
        for (; at < len && text[at] >= '0' && text[at] <= '9'; at++, scale /= 10)
            base += (text[at] - '0') * scale;
        if (at == first)
            return -1;
    }
    if (at + 1 == len && (text[at] == 'Z' || text[at] == 'z')) {
        *time_ms = base;
        return 0;
    }
    if (at + 6 != len || (text[at] != '+' && text[at] != '-') || text[at + 3] != ':')
        return -1;
    int hours = digits(text + at + 1, 2), minutes = digits(text + at + 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return -1;
    int64_t offset_ms = ((int64_t)hours * 60 + minutes) * 60000;
    *time_ms = text[at] == '+' ? base - offset_ms : base + offset_ms;
    return 0;
}

int clock_parse_http(const char *text, size_t len, int64_t *time_ms)
{
    if (len != 29 || text[3] != ',' || text[4] != ' ' || text[7] != ' ' || text[11] != ' ' ||
        text[16] != ' ' || text[19] != ':' || text[22] != ':' || memcmp(text + 25, " GMT", 4) != 0)
        return -1;
    int month = 0;
    while (month < 12 && memcmp(text + 8, months[month], 3) != 0)
        month++;
    return compose(digits(text + 12, 4), month + 1, digits(text + 5, 2), digits(text + 17, 2),
                   digits(text + 20, 2), digits(text + 23, 2), time_ms);
}
