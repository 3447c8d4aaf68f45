/*
 * A batch that an event-source mapping of SQS delivers. All records are looked at in one go, so
 * that ten changes of one parameter are one look; then each record is judged by its own hints. The
 * answer names those that go back to the queue. Of a FIFO queue nothing behind the first failure
 * may be taken out, or the order would break: that one and all behind it go back (looking at them
 * again does no harm: they are hints).
 */
#include "base/log.h"
#include "base/text.h"
#include "event/event.h"
#include "event/invocation.h"
#include "event/looked.h"

#include <string.h>

struct record {
    const char *message_id;
    size_t first, count; /* its hints */
    bool malformed;
};

struct batch_of_records {
    struct record *records;
    size_t count;
    struct hint *hints;
    size_t hint_count, hint_capacity;
    bool fifo;
};

bool sqs_batch_is(const json_t *event)
{
    const json_t *first = json_array_get(json_object_get(event, "Records"), 0);
    const char *source = json_text(first, "eventSource");
    return source && strcmp(source, "aws:sqs") == 0;
}

/* Without its id a record cannot be given back: the batch fails as a whole. */
static int check_records(const json_t *records, struct error *err)
{
    for (size_t i = 0; i < json_array_size(records); i++) {
        const json_t *id = json_object_get(json_array_get(records, i), "messageId");
        if (!json_string_length(id))
            return error_set(err, ERR_INVALID, "record %zu of the batch has no messageId", i + 1);
    }
    return 0;
}

/* By its name: messages of standard queues may have groups, too. */
static bool is_fifo(const json_t *record)
{
    const char *arn = json_text(record, "eventSourceARN");
    return arn && text_ends(arn, ".fifo");
}

static void add_hints(struct arena *arena, struct batch_of_records *batch,
                      const struct event_hints *read)
{
    if (batch->hint_count + read->count > batch->hint_capacity) {
        size_t capacity = 2 * (batch->hint_count + read->count);
        struct hint *grown = arena_calloc(arena, capacity, sizeof *grown);
        for (size_t i = 0; i < batch->hint_count; i++)
            grown[i] = batch->hints[i];
        batch->hints = grown;
        batch->hint_capacity = capacity;
    }
    for (size_t i = 0; i < read->count; i++)
        batch->hints[batch->hint_count++] = read->hints[i];
}

static int read_record(struct invocation *invocation, const json_t *json, struct event_hints *read,
                       struct error *err)
{
    const char *source = json_text(json, "eventSource");
    const json_t *body = json_object_get(json, "body");
    if (!source || strcmp(source, "aws:sqs") != 0)
        return error_set(err, ERR_INVALID, "its eventSource is not aws:sqs");
    if (!json_is_string(body))
        return error_set(err, ERR_INVALID, "it has no body");
    return event_read_body(invocation->arena, json_string_value(body), json_string_length(body),
                           read, err);
}

/* A record that cannot be read fails alone. */
static void take_record(struct invocation *invocation, const json_t *json,
                        struct batch_of_records *batch, struct record *record)
{
    struct metrics *metrics = &invocation->function->metrics;
    struct event_hints read = {0};
    struct error why = {0};
    record->message_id = arena_strdup(invocation->arena, json_text(json, "messageId"));
    record->first = batch->hint_count;
    record->malformed = read_record(invocation, json, &read, &why) != 0;
    metrics_event(metrics, !record->malformed);
    if (record->malformed) {
        log_event(LOG_ERROR, "a message cannot be read", "message_id", record->message_id, "reason",
                  why.message, NULL);
        return;
    }
    if (read.ignored) {
        log_event(LOG_INFO, "event ignored", "message_id", record->message_id, "source",
                  read.source, "event", read.what, "reason", read.ignored, NULL);
        metrics_item(metrics, METRIC_IGNORED, 0, false, -1);
    }
    record->count = read.count;
    add_hints(invocation->arena, batch, &read);
}

static void read_batch(struct invocation *invocation, const json_t *records,
                       struct batch_of_records *batch)
{
    size_t count = json_array_size(records);
    *batch = (struct batch_of_records){
        .records = arena_calloc(invocation->arena, count, sizeof *batch->records),
        .fifo = is_fifo(json_array_get(records, 0)),
    };
    for (size_t i = 0; i < count; i++) {
        struct record *record = &batch->records[batch->count++];
        take_record(invocation, json_array_get(records, i), batch, record);
        if (!record->malformed || !batch->fifo)
            continue;
        /* What is behind it is not even looked at. */
        while (++i < count) {
            record = &batch->records[batch->count++];
            record->message_id =
                arena_strdup(invocation->arena, json_text(json_array_get(records, i), "messageId"));
            record->malformed = true;
        }
    }
}

static bool settled(const struct record *record, const struct hint_result *results)
{
    for (size_t i = 0; i < record->count; i++)
        if (!looked_settled(&results[record->first + i]))
            return false;
    return !record->malformed;
}

static size_t answer(struct invocation *invocation, const struct batch_of_records *batch,
                     const struct hint_result *results)
{
    struct json_writer w;
    size_t failed = 0;
    json_writer_init(&w, invocation->answer);
    json_open(&w);
    json_key(&w, "batchItemFailures");
    json_open_list(&w);
    for (size_t i = 0; i < batch->count; i++) {
        if (settled(&batch->records[i], results) && !(batch->fifo && failed))
            continue;
        failed++;
        json_open(&w);
        json_put_text(&w, "itemIdentifier", batch->records[i].message_id);
        json_close(&w);
    }
    json_close_list(&w);
    json_close(&w);
    return failed;
}

int sqs_batch_run(struct invocation *invocation, const json_t *event, struct error *err)
{
    const json_t *records = json_object_get(event, "Records");
    struct batch_of_records batch;
    struct tally sum = {0};
    invocation->error_type = "Understudy.EventInvalid";
    if (check_records(records, err) != 0)
        return -1;
    read_batch(invocation, records, &batch);
    struct hint_result *results =
        arena_calloc(invocation->arena, batch.hint_count + 1, sizeof *results);
    if (batch.hint_count &&
        invocation_look(invocation, batch.hints, batch.hint_count, results, &sum, err) != 0)
        return -1;
    size_t failed = answer(invocation, &batch, results);
    invocation->error_type = NULL;
    char all[32], back[32];
    snprintf(all, sizeof all, "%zu", batch.count);
    snprintf(back, sizeof back, "%zu", failed);
    log_event(failed ? LOG_WARN : LOG_INFO, "batch done", "messages", all, "given_back", back,
              NULL);
    return 0;
}
