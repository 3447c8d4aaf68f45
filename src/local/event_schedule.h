/*
 * event_schedule: rate(...) and cron(...) of EventBridge's scheduled rules. Pure; any thread.
 *
 * cron has six fields in UTC: minutes, hours, day of month, month, day of week (1 is Sunday), year;
 * one of the two days is "?". L, W and # as AWS's guide has them.
 * Source: EventBridge user guide, "Using cron and rate expressions".
 */
#ifndef UNDERSTUDY_LOCAL_EVENT_SCHEDULE_H
#define UNDERSTUDY_LOCAL_EVENT_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

enum { SCHEDULE_YEAR_FIRST = 1970, SCHEDULE_YEAR_LAST = 2199 };

struct event_schedule {
    int64_t rate_ms;         /* 0: a cron expression */
    uint64_t minutes, hours; /* bit n: n */
    uint64_t days, months;   /* bit n: n, from 1; days 0: any, see weekdays */
    uint64_t weekdays;       /* bit n: n, 1 is Sunday; 0: any */
    bool last_day;           /* L in the day of month */
    int near_day;            /* nW: the weekday nearest to it; 0: none; 32: LW */
    int nth_weekday, nth;    /* d#n: the n-th of the month; dL: nth is -1 */
    uint64_t years[4];       /* bit n: SCHEDULE_YEAR_FIRST + n */
};

/* 0, or -1 when it is not one. */
int event_schedule_parse(const char *text, struct event_schedule *out);

/* The first time behind `after_ms` (of a rate: a rate later than it); -1: never again. */
int64_t event_schedule_next(const struct event_schedule *schedule, int64_t after_ms);

#endif
