#include "base/stop.h"

enum { SLICE_MS = 50 }; /* a sleep looks around this often */

static int64_t now_ms(struct clock *clock)
{
    struct clock *real = ((struct stop *)clock)->real;
    return real->now_ms(real);
}

static int64_t monotonic_ms(struct clock *clock)
{
    struct clock *real = ((struct stop *)clock)->real;
    return real->monotonic_ms(real);
}

/* A sleep that the stop does not let end is not begun, or ended as soon as that is known. */
static void sleep_ms(struct clock *clock, int64_t duration_ms)
{
    struct stop *stop = (struct stop *)clock;
    int64_t end_ms = monotonic_ms(clock) + duration_ms;
    for (;;) {
        int64_t rest_ms = end_ms - monotonic_ms(clock);
        if (rest_ms <= 0 || rest_ms > stop_left_ms(stop))
            return;
        stop->real->sleep_ms(stop->real, rest_ms < SLICE_MS ? rest_ms : SLICE_MS);
    }
}

void stop_init(struct stop *stop, struct clock *real)
{
    *stop = (struct stop){.clock = {.now_ms = now_ms,
                                    .monotonic_ms = monotonic_ms,
                                    .sleep_ms = sleep_ms},
                          .real = real,
                          .grace_ms = STOP_GRACE_MS,
                          .asked_ms = -1};
}

void stop_due_in(struct stop *stop, int64_t duration_ms)
{
    int64_t margin_ms = duration_ms / 4 < STOP_MARGIN_MS ? duration_ms / 4 : STOP_MARGIN_MS;
    stop->due_ms = stop->real->monotonic_ms(stop->real) + duration_ms;
    stop->wanted_ms = stop->due_ms - margin_ms;
}

void stop_ask(struct stop *stop)
{
    atomic_store(&stop->asked, true);
}

bool stop_asked(struct stop *stop)
{
    if (!stop || !atomic_load(&stop->asked))
        return false;
    int64_t unseen = -1;
    atomic_compare_exchange_strong(&stop->asked_ms, &unseen, monotonic_ms(&stop->clock));
    return true;
}

bool stop_wanted(struct stop *stop)
{
    return stop &&
           (stop_asked(stop) || (stop->due_ms && monotonic_ms(&stop->clock) >= stop->wanted_ms));
}

int64_t stop_left_ms(struct stop *stop)
{
    int64_t due_ms = stop && stop->due_ms ? stop->due_ms : INT64_MAX;
    if (stop_asked(stop) && stop->asked_ms + stop->grace_ms < due_ms)
        due_ms = stop->asked_ms + stop->grace_ms;
    if (due_ms == INT64_MAX)
        return due_ms;
    int64_t left_ms = due_ms - monotonic_ms(&stop->clock);
    return left_ms > 0 ? left_ms : 0;
}
