/*
 * fake_clock: a clock that stands still until a test, or a sleep, moves it.
 *
 * Sleeping returns at once, moves both times on and is recorded. One thread at a time
 * moves it, any may look.
 */
#ifndef UNDERSTUDY_TESTS_FAKE_CLOCK_H
#define UNDERSTUDY_TESTS_FAKE_CLOCK_H

#include "base/clock.h"

struct fake_clock {
    struct clock clock; /* first: what is handed to the code under test */
    _Atomic int64_t now_ms, monotonic_ms;
    int64_t slept_ms; /* in all */
    unsigned sleeps;
};

void fake_clock_init(struct fake_clock *fake, int64_t now_ms);
void fake_clock_advance(struct fake_clock *fake, int64_t duration_ms); /* both times */

#endif
