#include "local/lambda_poll_parts.h"

#include "base/json.h"
#include "base/log.h"
#include "local/lambda_batch.h"
#include "local/lambda_invoke.h"
#include "local/lambda_pool.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_BACK_OFF_MS = 1000,
    LONGEST_BACK_OFF_MS = 60 * 1000,
    DELETE_MOST = 10,
    LARGEST_RECORDS = LAMBDA_PAYLOAD_MAX - 16,
};

/* --- filling ---------------------------------------------------------------------------------- */

static const char *keep(struct arena *arena, const char *text)
{
    return text ? arena_strdup(arena, text) : NULL;
}

static struct batch *batch_new(struct poller *poller, int64_t visible_ms)
{
    struct batch *batch = memory_alloc(sizeof *batch);
    const struct poll_source *from = &poller->source;
    struct arena *arena = &batch->arena;
    arena_init(arena);
    buf_init(&batch->payload, LAMBDA_PAYLOAD_MAX);
    batch->poller = poller;
    batch->source = (struct poll_source){.account = keep(arena, from->account),
                                         .region = keep(arena, from->region),
                                         .queue_arn = keep(arena, from->queue_arn),
                                         .queue_url = keep(arena, from->queue_url),
                                         .function_arn = keep(arena, from->function_arn),
                                         .function_name = keep(arena, from->function_name),
                                         .role_arn = keep(arena, from->role_arn),
                                         .reports_failures = from->reports_failures};
    batch->state = poller->window_ms ? BATCH_COLLECTS : BATCH_READY;
    batch->full_ms = polls_now_ms(poller->polls) + poller->window_ms;
    batch->visible_ms = visible_ms;
    batch->ids = json_array();
    batch->handles = json_array();
    struct batch **end = &poller->batches;
    while (*end)
        end = &(*end)->next;
    *end = batch;
    return batch;
}

void batch_free(struct batch *batch)
{
    if (batch->answer.data)
        explicit_bzero((void *)(uintptr_t)batch->answer.data, batch->answer.len);
    free((void *)(uintptr_t)batch->answer.data);
    json_decref(batch->ids);
    json_decref(batch->handles);
    buf_done(&batch->payload);
    arena_done(&batch->arena);
    free(batch);
}

/* The batch that takes one more; NULL: none does. */
static struct batch *open_batch(struct poller *poller)
{
    struct batch *at = poller->batches;
    while (at && at->state != BATCH_COLLECTS)
        at = at->next;
    return at;
}

static void add(struct batch *batch, const json_t *record, const struct buf *text)
{
    buf_append_text(&batch->payload, json_array_size(batch->ids) ? "," : "{\"Records\":[");
    buf_append(&batch->payload, buf_text(text), text->len);
    json_array_append(batch->ids, json_object_get(record, "messageId"));
    json_array_append(batch->handles, json_object_get(record, "receiptHandle"));
}

void batches_fill(struct poller *poller, json_t *records, int64_t visible_ms)
{
    struct batch *batch = open_batch(poller);
    for (size_t i = 0; i < json_array_size(records); i++) {
        const json_t *record = json_array_get(records, i);
        struct json_writer w;
        struct buf text;
        buf_init(&text, LARGEST_RECORDS);
        json_writer_init(&w, &text);
        json_write_value(&w, record);
        if (batch && (json_array_size(batch->ids) >= poller->batch_size ||
                      batch->payload.len + text.len > LARGEST_RECORDS)) {
            batch->state = BATCH_READY;
            batch = NULL;
        }
        if (!batch)
            batch = batch_new(poller, visible_ms);
        add(batch, record, &text);
        buf_done(&text);
    }
    if (batch && json_array_size(batch->ids) >= poller->batch_size)
        batch->state = BATCH_READY;
}

/* --- what became of it; on the writer's thread ------------------------------------------------ */

/* The messages that are done with are deleted, ten at a time. -1: the store failed. */
static int delete_done(struct role_call *call, const struct batch *batch, const bool *failed)
{
    size_t count = json_array_size(batch->ids);
    for (size_t i = 0; i < count;) {
        json_t *entries = json_array();
        for (; i < count && json_array_size(entries) < DELETE_MOST; i++)
            if (!failed[i])
                json_array_append_new(entries, json_pack("{s:o, s:O}", "Id", json_sprintf("%zu", i),
                                                         "ReceiptHandle",
                                                         json_array_get(batch->handles, i)));
        json_t *input =
            json_pack("{s:s, s:O}", "QueueUrl", batch->source.queue_url, "Entries", entries);
        enum local_result result = LOCAL_OK;
        if (json_array_size(entries))
            result = role_call(call, "sqs", "DeleteMessageBatch", input);
        json_decref(call->answer);
        call->answer = NULL;
        json_decref(input);
        json_decref(entries);
        if (call->broken)
            return -1;
        if (result != LOCAL_OK)
            log_event(LOG_WARN, "messages of a batch were not deleted", "queue",
                      batch->source.queue_arn, "code", call->failure.code, NULL);
    }
    return 0;
}

static bool settle(struct writer_job *job, struct store_session *store, uint64_t version)
{
    struct batch *batch = (struct batch *)job;
    struct lambda_polls *polls = batch->poller->polls;
    struct role_session session;
    struct arena scratch;
    int result = 0;
    (void)version;
    arena_init(&scratch);
    bool *failed = arena_calloc(&scratch, json_array_size(batch->ids) + 1, sizeof *failed);
    bool understood =
        !batch->source.reports_failures || lambda_batch_judge(batch->answer, batch->ids, failed);
    if (understood &&
        role_session_open(polls->local, store, &scratch, batch->source.role_arn,
                          "lambda.amazonaws.com", batch->source.function_name, &session) == 0) {
        struct role_call call = {.local = polls->local,
                                 .store = store,
                                 .arena = &scratch,
                                 .faults = polls->faults,
                                 .session = &session,
                                 .region = batch->source.region,
                                 .writing = true};
        result = delete_done(&call, batch, failed);
        role_session_done(&session);
    }
    arena_done(&scratch);
    return result == 0;
}

static void finish(struct batch *batch)
{
    struct lambda_polls *polls = batch->poller->polls;
    atomic_store(&batch->finished, true);
    polls->wake(polls->arg);
}

static void settled(struct writer_job *job, enum writer_outcome outcome)
{
    (void)outcome; /* what was not deleted comes again */
    finish((struct batch *)job);
}

/* On the pool's thread. A failed function's messages become visible in time by themselves. */
static void ended(void *arg, const struct lambda_answer *answer)
{
    struct batch *batch = arg;
    batch->throttled = answer->code != NULL;
    batch->well = answer->end == LAMBDA_ANSWERED && !batch->throttled;
    if (!batch->well || atomic_load(&batch->poller->polls->stopped)) {
        finish(batch);
        return;
    }
    char *copy = memory_alloc(answer->payload.len + 1);
    if (answer->payload.len)
        memcpy(copy, answer->payload.data, answer->payload.len);
    batch->answer = (struct text){copy, answer->payload.len};
    writer_submit(batch->poller->polls->writer, &batch->job);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void back_off(struct batch *batch)
{
    int64_t pause =
        batch->refused < 6 ? (int64_t)FIRST_BACK_OFF_MS << batch->refused : LONGEST_BACK_OFF_MS;
    batch->refused++;
    batch->again_ms = polls_now_ms(batch->poller->polls) + pause;
    batch->state = BATCH_READY;
}

static void send(struct batch *batch, struct store_session *reader)
{
    struct lambda_polls *polls = batch->poller->polls;
    struct local_failure failure = {0};
    struct lambda_function function = {0};
    struct arena scratch;
    char id[RANDOM_UUID_SIZE];
    arena_init(&scratch);
    random_uuid(polls->local->random, id);
    size_t open_len = batch->payload.len;
    buf_append_text(&batch->payload, "]}");
    batch->job = (struct writer_job){.run = settle, .done = settled};
    batch->state = BATCH_RUNS;
    atomic_store(&batch->finished, false);
    if (lambda_function_find(polls->local, reader, &scratch, batch->source.account,
                             batch->source.region, batch->source.function_arn, NULL,
                             &function) != 0 ||
        lambda_invoke_begin(polls->local, reader, &scratch, &function, id,
                            (struct text){buf_text(&batch->payload), batch->payload.len}, ended,
                            batch, &failure) != 0) {
        batch->payload.len = open_len;
        back_off(batch);
        if (function.active_ms > polls_now_ms(polls)) /* not yet ready: that is known to end */
            batch->again_ms = function.active_ms;
    }
    lambda_function_done(&function);
    arena_done(&scratch);
}

unsigned batches_count(const struct poller *poller, enum batch_state state)
{
    unsigned count = 0;
    for (const struct batch *at = poller->batches; at; at = at->next)
        count += at->state == state;
    return count;
}

int64_t batches_serve(struct poller *poller, struct store_session *reader, unsigned most)
{
    int64_t next_ms = INT64_MAX, now_ms = polls_now_ms(poller->polls);
    unsigned running = batches_count(poller, BATCH_RUNS);
    for (struct batch *at = poller->batches; at; at = at->next) {
        if (at->state == BATCH_COLLECTS && at->full_ms <= now_ms)
            at->state = BATCH_READY;
        if (at->state == BATCH_READY && at->again_ms <= now_ms && running < most) {
            send(at, reader);
            running += at->state == BATCH_RUNS;
        }
        int64_t due_ms = at->state == BATCH_COLLECTS                         ? at->full_ms
                         : at->state == BATCH_READY && at->again_ms > now_ms ? at->again_ms
                                                                             : INT64_MAX;
        if (due_ms < next_ms)
            next_ms = due_ms;
    }
    return next_ms;
}

/* --- the ends of batches ---------------------------------------------------------------------- */

/* True: it is over, or its messages are visible again. */
static bool is_over(struct batch *batch)
{
    int64_t now_ms = polls_now_ms(batch->poller->polls);
    if (batch->state == BATCH_RUNS) {
        if (!atomic_load(&batch->finished))
            return false;
        if (!batch->throttled)
            return true;
        batch->throttled = false;
        batch->payload.len -= 2; /* "]}" */
        back_off(batch);
    }
    return batch->state == BATCH_READY && batch->refused && batch->visible_ms <= now_ms;
}

void batches_reap(struct poller *poller)
{
    for (struct batch **at = &poller->batches, *batch; (batch = *at);) {
        if (!is_over(batch)) {
            at = &batch->next;
            continue;
        }
        *at = batch->next;
        batch_free(batch);
        poller->look = true;
    }
}

void batches_drop_waiting(struct poller *poller)
{
    for (struct batch **at = &poller->batches, *batch; (batch = *at);) {
        if (batch->state == BATCH_RUNS) {
            at = &batch->next;
            continue;
        }
        *at = batch->next;
        batch_free(batch);
    }
}
