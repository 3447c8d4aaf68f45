#include "support/fake_clock.h"

static int64_t now_ms(struct clock *clock)
{
    return ((struct fake_clock *)clock)->now_ms;
}

static int64_t monotonic_ms(struct clock *clock)
{
    return ((struct fake_clock *)clock)->monotonic_ms;
}

static void sleep_ms(struct clock *clock, int64_t duration_ms)
{
    struct fake_clock *fake = (struct fake_clock *)clock;
    if (duration_ms < 0)
        duration_ms = 0;
    fake_clock_advance(fake, duration_ms);
    fake->slept_ms += duration_ms;
    fake->sleeps++;
}

void fake_clock_init(struct fake_clock *fake, int64_t now)
{
    *fake = (struct fake_clock){.clock = {now_ms, monotonic_ms, sleep_ms}, .now_ms = now};
}

void fake_clock_advance(struct fake_clock *fake, int64_t duration_ms)
{
    fake->now_ms += duration_ms;
    fake->monotonic_ms += duration_ms;
}
