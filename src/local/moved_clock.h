/*
 * moved_clock: the server's clock, which --testing lets a test move, stop and put right again.
 *
 * Everything that AWS would show a time of asks it (local->clock): versions' dates, expiry of
 * policies and sessions, the skew of signatures, visibility of messages. Durations and deadlines of
 * the machine itself (latency, time-outs of connections) stay real: monotonic_ms and sleep_ms are
 * those of the clock underneath.
 *
 * Any thread may read and set it.
 */
#ifndef UNDERSTUDY_LOCAL_MOVED_CLOCK_H
#define UNDERSTUDY_LOCAL_MOVED_CLOCK_H

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* The years 1970 to 9999: what the formats of base/clock.h hold. */
#define MOVED_CLOCK_LAST_MS INT64_C(253402300799999)

struct moved_clock {
    struct clock clock; /* first: what local->clock points to */
    struct clock *real;
    pthread_mutex_t mutex; /* of those who set */
    _Atomic int64_t offset_ms, stopped_ms;
    atomic_bool stopped;
};

struct moved_clock_state {
    int64_t time_ms, real_ms;
    bool stopped;
};

void moved_clock_init(struct moved_clock *clock, struct clock *real);
void moved_clock_done(struct moved_clock *clock);

void moved_clock_read(struct moved_clock *clock, struct moved_clock_state *out);
/* It is `time_ms` now; it goes on from there, or stands. -1 (and nothing changes): out of range. */
int moved_clock_set(struct moved_clock *clock, int64_t time_ms, bool stopped);
int moved_clock_advance(struct moved_clock *clock, int64_t by_ms, bool stopped);
void moved_clock_restore(struct moved_clock *clock); /* real time, going */

#endif
