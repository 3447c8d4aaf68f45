/*
 * stop: the end of a run before its work is done: at a moment that was set, or when asked.
 *
 * Two edges. Once the stop is *wanted* nothing new is begun; what was begun may go on until the
 * stop is *due*, and then no call is waited for any longer. A moment set with stop_due_in is when
 * the stop is due, and it is wanted somewhat before; a stop that is asked for (a signal) is wanted
 * at once and due STOP_GRACE_MS (or the stop's own grace_ms) later. `clock` is the real one but for
 * its sleep, which ends early when the stop would be due before its end: whatever sleeps on it asks
 * `stop_wanted` afterwards. Any thread; stop_ask also in a signal handler. NULL is a stop that
 * never comes.
 */
#ifndef UNDERSTUDY_BASE_STOP_H
#define UNDERSTUDY_BASE_STOP_H

#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>

enum { STOP_GRACE_MS = 5000, STOP_MARGIN_MS = 10000 };

struct stop {
    struct clock clock; /* first: what is handed to those who sleep */
    struct clock *real;
    int64_t wanted_ms, due_ms; /* monotonic; 0: no moment was set */
    int64_t grace_ms;          /* may be set behind stop_init, before threads */
    atomic_bool asked;
    _Atomic int64_t asked_ms; /* when that was first seen; -1: not yet */
};

void stop_init(struct stop *stop, struct clock *real);
/* Due in `duration_ms`, wanted a quarter of that, at most STOP_MARGIN_MS, before. Before threads.
 */
void stop_due_in(struct stop *stop, int64_t duration_ms);
void stop_ask(struct stop *stop);

bool stop_asked(struct stop *stop); /* by a signal, that is: not by the clock */
bool stop_wanted(struct stop *stop);
/* Until it is due; never less than 0. INT64_MAX: no end is in sight. */
int64_t stop_left_ms(struct stop *stop);

#endif
