/* The canary: a parameter of the user's that is written at the source from time to time. What
 * happens to it happens to every other change, so how long it takes to stand at the destinations is
 * measured from the answer to its write, exactly, where events only tell the second. */
#include "base/log.h"
#include "event/canary.h"
#include "event/looked.h"
#include "event/watch_parts.h"

#include <stdio.h>
#include <string.h>

void watch_canary(struct watch *watch)
{
    struct arena arena;
    struct error err = {0};
    int64_t now = watch->clock->monotonic_ms(watch->clock);
    if (!watch->options.canary || watch->options.dry_run || now < watch->canary_due_ms)
        return;
    watch->canary_due_ms = now + watch->options.canary_every_ms;
    arena_init(&arena);
    if (canary_write(watch->session, &arena, watch->set.items[0].source.region,
                     watch->options.canary, watch->clock->now_ms(watch->clock), &err) != 0) {
        log_event(LOG_ERROR, "the canary was not written", "error", err.message, NULL);
    } else {
        pthread_mutex_lock(&watch->mutex);
        watch->status.canary_written_ms = watch->clock->now_ms(watch->clock);
        pthread_mutex_unlock(&watch->mutex);
    }
    arena_done(&arena);
}

void watch_canary_seen(struct watch *watch, const struct pending_batch *batch)
{
    struct watch_status *status = &watch->status;
    for (size_t i = 0; i < batch->hint_count && watch->options.canary; i++) {
        if (strcmp(batch->hints[i].name, watch->options.canary) != 0 ||
            batch->results[i].outcome != HINT_APPLIED)
            continue;
        pthread_mutex_lock(&watch->mutex);
        int64_t now_ms = watch->clock->now_ms(watch->clock);
        if (status->canary_written_ms > status->canary_seen_ms)
            lag_add(&status->canary_lag, now_ms - status->canary_written_ms);
        status->canary_seen_ms = now_ms;
        pthread_mutex_unlock(&watch->mutex);
    }
}
