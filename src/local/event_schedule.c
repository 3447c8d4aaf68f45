#include "local/event_schedule.h"

#include "base/arena.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { MINUTE_MS = 60 * 1000, LARGEST_FIELD = 64, LW = 32 };

/* --- rate(5 minutes) -------------------------------------------------------------------------- */

static int parse_rate(struct text text, struct event_schedule *out)
{
    static const struct {
        const char *one, *many;
        int64_t ms;
    } units[] = {{"minute", "minutes", MINUTE_MS},
                 {"hour", "hours", 60 * MINUTE_MS},
                 {"day", "days", 24 * 60 * MINUTE_MS}};
    struct text number = text_cut(&text, ' ');
    int64_t value;
    if (text_to_int64(number.data, number.len, &value) != 0 || value < 1 || value > 100000000)
        return -1;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (text_is(text, value == 1 ? units[i].one : units[i].many)) {
            out->rate_ms = value * units[i].ms;
            return 0;
        }
    return -1;
}

/* --- cron(0 12 * * ? *) ----------------------------------------------------------------------- */

struct range {
    int first, last;
    const char *const *names; /* of `first` and what follows; NULL: numbers only */
};

static const char *const month_names[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                          "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
static const char *const day_names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

static int parse_value(struct text text, const struct range *range, int *out)
{
    int64_t number;
    for (int i = 0; range->names && i <= range->last - range->first; i++)
        if (text_is_nocase(text, range->names[i])) {
            *out = range->first + i;
            return 0;
        }
    if (!text.len || text.data[0] == '-' || text_to_int64(text.data, text.len, &number) != 0 ||
        number < range->first || number > range->last)
        return -1;
    *out = (int)number;
    return 0;
}

/* "*", "5", "1-5", "0/15", "1-9/2": bits from `base` on are set. */
static int parse_item(struct text item, const struct range *range, int base, uint64_t *bits)
{
    struct text every = item;
    struct text span = text_cut(&every, '/');
    int first = range->first, last = range->last, by = 1;
    if (every.data) {
        const struct range steps = {1, range->last, NULL};
        if (parse_value(every, &steps, &by) != 0)
            return -1;
    }
    if (!text_is(span, "*")) {
        struct text high = span;
        struct text low = text_cut(&high, '-');
        if (parse_value(low, range, &first) != 0)
            return -1;
        last = every.data ? range->last : first;
        if (high.data && parse_value(high, range, &last) != 0)
            return -1;
        if (last < first)
            return -1;
    }
    for (int n = first; n <= last; n += by)
        bits[(n - base) / 64] |= UINT64_C(1) << ((n - base) % 64);
    return 0;
}

static int parse_list(struct text field, const struct range *range, int base, uint64_t *bits)
{
    for (struct text rest = field; rest.data;)
        if (parse_item(text_cut(&rest, ','), range, base, bits) != 0)
            return -1;
    return 0;
}

static const struct range minutes = {0, 59, NULL}, hours = {0, 23, NULL}, days = {1, 31, NULL},
                          months = {1, 12, month_names}, weekdays = {1, 7, day_names},
                          years = {SCHEDULE_YEAR_FIRST, SCHEDULE_YEAR_LAST, NULL};

static int parse_day(struct text field, struct event_schedule *out)
{
    if (text_is_nocase(field, "L")) {
        out->last_day = true;
        return 0;
    }
    if (text_is_nocase(field, "LW")) {
        out->near_day = LW;
        return 0;
    }
    if (field.len > 1 && toupper((unsigned char)field.data[field.len - 1]) == 'W') {
        field.len--;
        return parse_value(field, &days, &out->near_day);
    }
    return parse_list(field, &days, 0, &out->days);
}

static int parse_weekday(struct text field, struct event_schedule *out)
{
    struct text number = field;
    struct text day = text_cut(&number, '#');
    const struct range nths = {1, 5, NULL};
    if (number.data)
        return parse_value(day, &weekdays, &out->nth_weekday) == 0 &&
                       parse_value(number, &nths, &out->nth) == 0
                   ? 0
                   : -1;
    if (text_is_nocase(field, "L")) { /* the week's last day */
        out->weekdays = 1 << 7;
        return 0;
    }
    if (field.len > 1 && toupper((unsigned char)field.data[field.len - 1]) == 'L') {
        field.len--;
        out->nth = -1;
        return parse_value(field, &weekdays, &out->nth_weekday);
    }
    return parse_list(field, &weekdays, 0, &out->weekdays);
}

static int parse_cron(struct text text, struct event_schedule *out)
{
    struct text fields[6];
    for (size_t i = 0; i < 6; i++) {
        while (text.len && text.data[0] == ' ') {
            text.data++;
            text.len--;
        }
        fields[i] = text_cut(&text, ' ');
        if (!fields[i].len || fields[i].len > LARGEST_FIELD)
            return -1;
    }
    bool any_day = text_is(fields[2], "?"), any_weekday = text_is(fields[4], "?");
    if (text.len || any_day == any_weekday ||
        parse_list(fields[0], &minutes, 0, &out->minutes) != 0 ||
        parse_list(fields[1], &hours, 0, &out->hours) != 0 ||
        parse_list(fields[3], &months, 0, &out->months) != 0 ||
        parse_list(fields[5], &years, SCHEDULE_YEAR_FIRST, out->years) != 0)
        return -1;
    return any_day ? parse_weekday(fields[4], out) : parse_day(fields[2], out);
}

int event_schedule_parse(const char *text, struct event_schedule *out)
{
    size_t len = strlen(text);
    *out = (struct event_schedule){0};
    if (len < 7 || text[len - 1] != ')')
        return -1;
    struct text inner = {text + 5, len - 6};
    if (text_starts(text, "rate("))
        return parse_rate(inner, out);
    return text_starts(text, "cron(") ? parse_cron(inner, out) : -1;
}

/* --- the next time ---------------------------------------------------------------------------- */

static bool has(uint64_t bits, int n)
{
    return bits >> n & 1;
}

static int days_in(int year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return lengths[month - 1] + (month == 2 && leap);
}

/* The weekday (Monday to Friday) nearest to `day` within its month. `weekday` is 1 for Sunday. */
static int nearest(int day, int weekday_of_day, int length)
{
    if (weekday_of_day == 7)
        return day > 1 ? day - 1 : day + 2;
    if (weekday_of_day == 1)
        return day < length ? day + 1 : day - 2;
    return day;
}

static bool is_day(const struct event_schedule *s, const struct tm *date)
{
    int year = date->tm_year + 1900, month = date->tm_mon + 1, day = date->tm_mday;
    int weekday = date->tm_wday + 1, length = days_in(year, month), index = year - 1970;
    if (year > SCHEDULE_YEAR_LAST || !has(s->months, month) ||
        !has(s->years[index / 64], index % 64))
        return false;
    if (s->last_day)
        return day == length;
    if (s->near_day) {
        int wanted = s->near_day == LW ? length : s->near_day;
        int wanted_weekday = ((weekday - 1 + (wanted - day) % 7 + 7) % 7) + 1;
        return wanted <= length && day == nearest(wanted, wanted_weekday, length);
    }
    if (s->nth)
        return weekday == s->nth_weekday &&
               (s->nth > 0 ? (day - 1) / 7 + 1 == s->nth : day + 7 > length);
    if (s->weekdays)
        return has(s->weekdays, weekday);
    return has(s->days, day);
}

/* Day by day, then minute by minute within the first day that fits. */
int64_t event_schedule_next(const struct event_schedule *schedule, int64_t after_ms)
{
    enum { DAY_MINUTES = 24 * 60 };
    if (schedule->rate_ms)
        return after_ms + schedule->rate_ms;
    int64_t minute = after_ms / MINUTE_MS + 1;
    for (int64_t day = minute / DAY_MINUTES;; day++, minute = day * DAY_MINUTES) {
        time_t seconds = (time_t)(day * DAY_MINUTES * 60);
        struct tm date;
        if (!gmtime_r(&seconds, &date) || date.tm_year + 1900 > SCHEDULE_YEAR_LAST)
            return -1;
        if (!is_day(schedule, &date))
            continue;
        for (; minute < (day + 1) * DAY_MINUTES; minute++) {
            int of_day = (int)(minute % DAY_MINUTES);
            if (has(schedule->hours, of_day / 60) && has(schedule->minutes, of_day % 60))
                return minute * MINUTE_MS;
        }
    }
}
