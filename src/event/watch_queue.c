/* Listening to queues, and telling them what was done. */
#include "base/log.h"
#include "base/thread.h"
#include "event/watch_parts.h"

#include <stdio.h>

enum { PAUSE_MS = 5000 }; /* after a call that failed in spite of its retries */

/* A message that cannot be read goes back to the queue: its redrive policy gives it up, and
 * somebody can look at it. */
static void take_message(struct listener *listener, struct arena *arena,
                         const struct sqs_message *message)
{
    struct watch *watch = listener->watch;
    struct event_hints hints;
    struct error err = {0};
    bool understood = event_read_body(arena, message->body, message->body_len, &hints, &err) == 0;
    metrics_event(&watch->metrics, understood);
    if (!understood) {
        log_event(LOG_ERROR, "a message is not understood", "queue", listener->queue->name,
                  "message", message->id, "error", err.message, NULL);
    } else if (!hints.count) {
        log_event(LOG_DEBUG, "nothing to look at", "event", hints.what, "reason", hints.ignored,
                  NULL);
    }
    pending_add(watch->pending, listener->queue, message, understood ? &hints : NULL);
}

static void heard(struct watch *watch, size_t queue, const char *error)
{
    watch_say(watch, watch->queue_errors[queue], error);
    if (*error)
        return;
    pthread_mutex_lock(&watch->mutex);
    watch->heard_ms[queue] = watch->clock->monotonic_ms(watch->clock);
    pthread_mutex_unlock(&watch->mutex);
}

static void *listen_on(void *arg)
{
    struct listener *listener = arg;
    struct watch *watch = listener->watch;
    struct sqs_queue queue = *listener->queue;
    const size_t number = (size_t)(listener->queue - watch->queues);
    /* Those of a dry run are others' to settle, and soon. */
    const int hide_s = watch->options.dry_run ? 0 : (int)(watch->options.hide_ms / 1000);
    struct arena arena;
    queue.session = watch->hearing;
    arena_init(&arena);
    while (!stop_wanted(&watch->stop)) {
        struct sqs_message *messages = NULL;
        size_t count = 0;
        struct error err = {0};
        int result =
            sqs_queue_receive(&queue, &arena, SQS_QUEUE_WAIT_S, hide_s, &messages, &count, &err);
        if (result != 0 && stop_wanted(&watch->stop))
            break;
        heard(watch, number, result == 0 ? "" : err.message);
        for (size_t i = 0; i < count && hide_s; i++)
            messages[i].held = held_add(watch->held[number], messages[i].receipt,
                                        watch->clock->monotonic_ms(watch->clock));
        for (size_t i = 0; i < count; i++)
            take_message(listener, &arena, &messages[i]);
        if (result != 0) {
            log_event(LOG_ERROR, "the queue cannot be read", "error", err.message, NULL);
            watch->deaf.clock.sleep_ms(&watch->deaf.clock, PAUSE_MS);
        }
        arena_reset(&arena);
    }
    arena_done(&arena);
    return NULL;
}

/* --- what is in hand stays hidden ------------------------------------------------------------- */

static void renew(struct watch *watch, size_t number)
{
    const struct sqs_queue *queue = &watch->queues[number];
    const char *receipts[SQS_QUEUE_BATCH];
    struct sqs_verdict verdicts[SQS_QUEUE_BATCH];
    struct arena arena;
    size_t count;
    arena_init(&arena);
    while (!atomic_load(&watch->stopping) &&
           (count = held_due(watch->held[number], watch->clock->monotonic_ms(watch->clock), &arena,
                             receipts, SQS_QUEUE_BATCH)) > 0) {
        struct error err = {0};
        for (size_t i = 0; i < count; i++)
            verdicts[i] = (struct sqs_verdict){receipts[i], watch->options.hide_ms / 1000};
        /* One that was settled meanwhile cannot be hidden again, and need not. */
        if (sqs_queue_settle(queue, &arena, verdicts, count, &err) != 0)
            log_event(LOG_DEBUG, "messages in hand were not hidden again", "error", err.message,
                      NULL);
        arena_reset(&arena);
    }
    arena_done(&arena);
}

static void *renew_all(void *arg)
{
    struct watch *watch = arg;
    pthread_mutex_lock(&watch->mutex);
    while (!watch->renewed_last) {
        struct timespec deadline = thread_deadline(watch->options.hide_ms / RENEWALS / 2);
        pthread_cond_timedwait(&watch->renew, &watch->mutex, &deadline);
        pthread_mutex_unlock(&watch->mutex);
        for (size_t i = 0; i < watch->queue_count; i++)
            renew(watch, i);
        pthread_mutex_lock(&watch->mutex);
    }
    pthread_mutex_unlock(&watch->mutex);
    return NULL;
}

static void end_renewals(struct watch *watch)
{
    pthread_mutex_lock(&watch->mutex);
    watch->renewed_last = true;
    pthread_cond_signal(&watch->renew);
    pthread_mutex_unlock(&watch->mutex);
    if (watch->renewer_started)
        pthread_join(watch->renewer, NULL);
}

/* --- settling --------------------------------------------------------------------------------- */

static void settle_some(const struct sqs_queue *queue, struct arena *arena,
                        const struct sqs_verdict *verdicts, size_t count)
{
    struct error err = {0};
    if (count && sqs_queue_settle(queue, arena, verdicts, count, &err) != 0)
        log_event(LOG_WARN, "messages were not settled and come again", "error", err.message, NULL);
}

/* Who ends keeps nothing from others for a moment. */
static int64_t again_s(struct watch *watch, const struct pending_batch *batch,
                       const struct pending_message *message)
{
    int64_t verdict_s = pending_verdict(batch, message);
    return verdict_s == PENDING_LATER_S && atomic_load(&watch->stopping) ? 0 : verdict_s;
}

static void settle_batch(struct watch *watch, const struct pending_batch *batch)
{
    struct arena arena;
    arena_init(&arena);
    for (size_t queue = 0; queue < watch->queue_count; queue++) {
        struct sqs_verdict verdicts[SQS_QUEUE_BATCH];
        size_t count = 0;
        for (size_t i = 0; i < batch->message_count; i++) {
            const struct pending_message *message = &batch->messages[i];
            if (message->queue != &watch->queues[queue])
                continue;
            held_drop(watch->held[queue], message->held);
            verdicts[count++] =
                (struct sqs_verdict){message->receipt, again_s(watch, batch, message)};
            if (count == SQS_QUEUE_BATCH) {
                settle_some(message->queue, &arena, verdicts, count);
                arena_reset(&arena);
                count = 0;
            }
        }
        settle_some(&watch->queues[queue], &arena, verdicts, count);
        arena_reset(&arena);
    }
    arena_done(&arena);
}

void watch_settle(struct watch *watch, struct pending_batch *batch)
{
    pthread_mutex_lock(&watch->mutex);
    batch->next = NULL;
    *watch->settling_end = batch;
    watch->settling_end = &batch->next;
    pthread_cond_signal(&watch->settle);
    pthread_mutex_unlock(&watch->mutex);
}

static struct pending_batch *next_to_settle(struct watch *watch)
{
    pthread_mutex_lock(&watch->mutex);
    while (!watch->settling && !watch->settled_last)
        pthread_cond_wait(&watch->settle, &watch->mutex);
    struct pending_batch *batch = watch->settling;
    if (batch) {
        watch->settling = batch->next;
        if (!watch->settling)
            watch->settling_end = &watch->settling;
    }
    pthread_mutex_unlock(&watch->mutex);
    return batch;
}

static void *settle_all(void *arg)
{
    struct watch *watch = arg;
    struct pending_batch *batch;
    while ((batch = next_to_settle(watch)) != NULL) {
        if (!watch->options.dry_run)
            settle_batch(watch, batch);
        pending_batch_free(batch);
    }
    return NULL;
}

/* --- threads ---------------------------------------------------------------------------------- */

int watch_listen(struct watch *watch, struct error *err)
{
    if (thread_start(&watch->settler, "settle", settle_all, watch, err) != 0)
        return -1;
    watch->settler_started = true;
    for (size_t i = 0; i < watch->queue_count; i++) {
        watch->held[i] = held_list_new(watch->options.hide_ms / RENEWALS);
        watch->heard_ms[i] = watch->clock->monotonic_ms(watch->clock);
    }
    if (!watch->options.dry_run && watch->queue_count) {
        if (thread_start(&watch->renewer, "renew", renew_all, watch, err) != 0)
            return -1;
        watch->renewer_started = true;
    }
    for (size_t i = 0; i < watch->queue_count * LISTENERS; i++) {
        struct listener *listener = &watch->listeners[i];
        *listener = (struct listener){.watch = watch, .queue = &watch->queues[i / LISTENERS]};
        if (thread_start(&listener->thread, "listen", listen_on, listener, err) != 0)
            return -1;
        listener->started = true;
    }
    return 0;
}

/* What was taken and not looked at is not kept from others. */
static void give_back(struct watch *watch)
{
    struct pending_batch *batch = pending_take(watch->pending, 0);
    if (!batch)
        return;
    for (size_t i = 0; i < batch->hint_count; i++)
        batch->results[i].outcome = HINT_LATER;
    watch_settle(watch, batch);
}

void watch_listen_end(struct watch *watch)
{
    for (size_t i = 0; i < WATCH_QUEUES_MAX * LISTENERS; i++)
        if (watch->listeners[i].started)
            pthread_join(watch->listeners[i].thread, NULL);
    end_renewals(watch);
    give_back(watch);
    pthread_mutex_lock(&watch->mutex);
    watch->settled_last = true;
    pthread_cond_signal(&watch->settle);
    pthread_mutex_unlock(&watch->mutex);
    if (watch->settler_started)
        pthread_join(watch->settler, NULL);
}
