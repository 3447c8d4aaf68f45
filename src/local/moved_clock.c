#include "local/moved_clock.h"

static int64_t moved_now_ms(struct clock *clock)
{
    struct moved_clock *moved = (struct moved_clock *)clock;
    if (atomic_load(&moved->stopped))
        return atomic_load(&moved->stopped_ms);
    return moved->real->now_ms(moved->real) + atomic_load(&moved->offset_ms);
}

static int64_t moved_monotonic_ms(struct clock *clock)
{
    struct moved_clock *moved = (struct moved_clock *)clock;
    return moved->real->monotonic_ms(moved->real);
}

static void moved_sleep_ms(struct clock *clock, int64_t duration_ms)
{
    struct moved_clock *moved = (struct moved_clock *)clock;
    moved->real->sleep_ms(moved->real, duration_ms);
}

void moved_clock_init(struct moved_clock *clock, struct clock *real)
{
    *clock = (struct moved_clock){.clock = {moved_now_ms, moved_monotonic_ms, moved_sleep_ms},
                                  .real = real};
    pthread_mutex_init(&clock->mutex, NULL);
}

void moved_clock_done(struct moved_clock *clock)
{
    pthread_mutex_destroy(&clock->mutex);
}

void moved_clock_read(struct moved_clock *clock, struct moved_clock_state *out)
{
    pthread_mutex_lock(&clock->mutex);
    *out = (struct moved_clock_state){moved_now_ms(&clock->clock), clock->real->now_ms(clock->real),
                                      atomic_load(&clock->stopped)};
    pthread_mutex_unlock(&clock->mutex);
}

/* With the mutex. What is read meanwhile is either the old time or the new one. */
static int set(struct moved_clock *clock, int64_t time_ms, bool stopped)
{
    if (time_ms < 0 || time_ms > MOVED_CLOCK_LAST_MS)
        return -1;
    int64_t offset_ms = time_ms - clock->real->now_ms(clock->real);
    if (stopped) {
        atomic_store(&clock->stopped_ms, time_ms);
        atomic_store(&clock->stopped, true);
        atomic_store(&clock->offset_ms, offset_ms);
    } else {
        atomic_store(&clock->offset_ms, offset_ms);
        atomic_store(&clock->stopped, false);
    }
    return 0;
}

int moved_clock_set(struct moved_clock *clock, int64_t time_ms, bool stopped)
{
    pthread_mutex_lock(&clock->mutex);
    int result = set(clock, time_ms, stopped);
    pthread_mutex_unlock(&clock->mutex);
    return result;
}

int moved_clock_advance(struct moved_clock *clock, int64_t by_ms, bool stopped)
{
    int result = -1;
    pthread_mutex_lock(&clock->mutex);
    int64_t now_ms = moved_now_ms(&clock->clock);
    if (by_ms >= -MOVED_CLOCK_LAST_MS && by_ms <= MOVED_CLOCK_LAST_MS)
        result = set(clock, now_ms + by_ms, stopped);
    pthread_mutex_unlock(&clock->mutex);
    return result;
}

void moved_clock_restore(struct moved_clock *clock)
{
    pthread_mutex_lock(&clock->mutex);
    atomic_store(&clock->offset_ms, 0);
    atomic_store(&clock->stopped, false);
    pthread_mutex_unlock(&clock->mutex);
}
