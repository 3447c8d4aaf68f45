#include "event/pending.h"

#include "base/thread.h"

#include <stdlib.h>
#include <string.h>

enum {
    FAILED_FIRST_S = 10, /* doubled each time */
    FAILED_LONGEST_S = 900,
    FIRST_ROOM = 64,
};

struct pending {
    pthread_mutex_t mutex; /* for all that follows */
    pthread_cond_t added, taken;
    struct pending_batch *filling;
    size_t hint_room, message_room;
    json_t *index; /* "kind account region name" → hint */
    size_t limit;
    bool woken, closed;
};

static struct pending_batch *batch_new(void)
{
    struct pending_batch *batch = memory_alloc(sizeof *batch);
    arena_init(&batch->arena);
    return batch;
}

void pending_batch_free(struct pending_batch *batch)
{
    if (batch)
        arena_done(&batch->arena);
    free(batch);
}

struct pending *pending_new(size_t limit)
{
    struct pending *pending = memory_alloc(sizeof *pending);
    pthread_mutex_init(&pending->mutex, NULL);
    thread_condition_init(&pending->added);
    thread_condition_init(&pending->taken);
    pending->filling = batch_new();
    pending->index = json_object();
    pending->limit = limit;
    return pending;
}

void pending_free(struct pending *pending)
{
    if (!pending)
        return;
    pending_batch_free(pending->filling);
    json_decref(pending->index);
    pthread_cond_destroy(&pending->added);
    pthread_cond_destroy(&pending->taken);
    pthread_mutex_destroy(&pending->mutex);
    free(pending);
}

/* A list in the batch's arena that doubles when it is full. */
static void *grown(struct arena *arena, void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    *room = *room ? 2 * *room : FIRST_ROOM;
    void *more = arena_calloc(arena, *room, size);
    if (count)
        memcpy(more, items, count * size);
    return more;
}

static const char *kept(struct arena *arena, const char *text)
{
    return text ? arena_strdup(arena, text) : NULL;
}

static const char *or_none(const char *text)
{
    return text ? text : "";
}

/* The hint's place in the batch; that of an equal one, which then asks for the newer version and
 * counts from the older change. */
static size_t add_hint(struct pending *pending, const struct hint *hint)
{
    struct pending_batch *batch = pending->filling;
    struct arena *arena = &batch->arena;
    const char *key = arena_printf(arena, "%s %s %s %s", or_none(hint->kind),
                                   or_none(hint->account), or_none(hint->region), hint->name);
    const json_t *found = json_object_get(pending->index, key);
    if (found) {
        struct hint *same = &batch->hints[json_integer_value(found)];
        if (hint->version > same->version)
            same->version = hint->version;
        if (hint->at_ms && (!same->at_ms || hint->at_ms < same->at_ms))
            same->at_ms = hint->at_ms;
        return (size_t)json_integer_value(found);
    }
    batch->hints =
        grown(arena, batch->hints, batch->hint_count, &pending->hint_room, sizeof *batch->hints);
    batch->hints[batch->hint_count] = (struct hint){
        .kind = kept(arena, hint->kind),
        .account = kept(arena, hint->account),
        .region = kept(arena, hint->region),
        .name = arena_strdup(arena, hint->name),
        .version = hint->version,
        .at_ms = hint->at_ms,
    };
    json_object_set_new(pending->index, key, json_integer((json_int_t)batch->hint_count));
    return batch->hint_count++;
}

void pending_add(struct pending *pending, const struct sqs_queue *queue,
                 const struct sqs_message *message, const struct event_hints *hints)
{
    pthread_mutex_lock(&pending->mutex);
    while (pending->filling->message_count >= pending->limit && !pending->closed)
        pthread_cond_wait(&pending->taken, &pending->mutex);
    struct pending_batch *batch = pending->filling;
    size_t count = hints ? hints->count : 0;
    size_t *looks = arena_calloc(&batch->arena, count + 1, sizeof *looks);
    for (size_t i = 0; i < count; i++)
        looks[i] = add_hint(pending, &hints->hints[i]);
    batch->messages = grown(&batch->arena, batch->messages, batch->message_count,
                            &pending->message_room, sizeof *batch->messages);
    batch->messages[batch->message_count++] = (struct pending_message){
        .queue = queue,
        .receipt = arena_strdup(&batch->arena, message->receipt),
        .received = message->received,
        .looks = looks,
        .look_count = count,
        .refused = !hints,
        .held = message->held,
    };
    pthread_cond_signal(&pending->added);
    pthread_mutex_unlock(&pending->mutex);
}

struct pending_batch *pending_take(struct pending *pending, int64_t wait_ms)
{
    struct pending_batch *batch = NULL;
    struct timespec deadline = thread_deadline(wait_ms);
    pthread_mutex_lock(&pending->mutex);
    while (!pending->filling->message_count && !pending->woken && !pending->closed)
        if (pthread_cond_timedwait(&pending->added, &pending->mutex, &deadline) != 0)
            break;
    pending->woken = false;
    if (pending->filling->message_count) {
        batch = pending->filling;
        batch->results = arena_calloc(&batch->arena, batch->hint_count + 1, sizeof *batch->results);
        pending->filling = batch_new();
        pending->hint_room = pending->message_room = 0;
        json_object_clear(pending->index);
        pthread_cond_broadcast(&pending->taken);
    }
    pthread_mutex_unlock(&pending->mutex);
    return batch;
}

void pending_wake(struct pending *pending)
{
    pthread_mutex_lock(&pending->mutex);
    pending->woken = true;
    pthread_cond_signal(&pending->added);
    pthread_mutex_unlock(&pending->mutex);
}

void pending_close(struct pending *pending)
{
    pthread_mutex_lock(&pending->mutex);
    pending->closed = true;
    pthread_cond_broadcast(&pending->added);
    pthread_cond_broadcast(&pending->taken);
    pthread_mutex_unlock(&pending->mutex);
}

void pending_look(struct pending *pending, size_t *names, int64_t *oldest_ms)
{
    *oldest_ms = 0;
    pthread_mutex_lock(&pending->mutex);
    *names = pending->filling->hint_count;
    for (size_t i = 0; i < *names; i++) {
        int64_t at_ms = pending->filling->hints[i].at_ms;
        if (at_ms && (!*oldest_ms || at_ms < *oldest_ms))
            *oldest_ms = at_ms;
    }
    pthread_mutex_unlock(&pending->mutex);
}

bool pending_is_full(struct pending *pending)
{
    pthread_mutex_lock(&pending->mutex);
    bool full = pending->filling->message_count >= pending->limit;
    pthread_mutex_unlock(&pending->mutex);
    return full;
}

int64_t pending_verdict(const struct pending_batch *batch, const struct pending_message *message)
{
    int64_t failed_s = FAILED_FIRST_S;
    bool later = false, failed = message->refused;
    for (size_t i = 0; i < message->look_count; i++) {
        enum hint_outcome outcome = batch->results[message->looks[i]].outcome;
        later = later || outcome == HINT_LATER;
        failed = failed || outcome == HINT_FAILED || outcome == HINT_BLOCKED;
    }
    for (int64_t i = 1; i < message->received && failed_s < FAILED_LONGEST_S; i++)
        failed_s *= 2;
    return failed  ? (failed_s < FAILED_LONGEST_S ? failed_s : FAILED_LONGEST_S)
           : later ? PENDING_LATER_S
                   : -1;
}
