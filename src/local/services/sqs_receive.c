#include "local/services/kms.h"
#include "local/services/sqs_parts.h"

#include <string.h>

enum {
    IN_FLIGHT_MOST = 120000,
    RECEIVE_MOST = 10,
    WAIT_MOST_S = 20,
    VISIBILITY_MOST_S = 43200,
    ATTEMPT_MS = 5 * 60 * 1000,
};

/* --- what is asked ---------------------------------------------------------------------------- */

struct asked {
    int64_t most, wait_s, visibility_s;
    const char *attempt; /* FIFO; NULL: none */
    const json_t *system_names, *system_names_old, *names;
};

static const char *const system_names[] = {"All",
                                           "SenderId",
                                           "SentTimestamp",
                                           "ApproximateReceiveCount",
                                           "ApproximateFirstReceiveTimestamp",
                                           "SequenceNumber",
                                           "MessageDeduplicationId",
                                           "MessageGroupId",
                                           "AWSTraceHeader",
                                           "DeadLetterQueueSourceArn",
                                           NULL};

static enum local_result check_names(struct local_call *call, const json_t *names)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        size_t at = 0;
        while (system_names[at] && strcmp(system_names[at], name) != 0)
            at++;
        if (!system_names[at])
            return local_fail(call, "InvalidAttributeName", "Unknown Attribute %s.", name);
    }
    return LOCAL_OK;
}

static enum local_result out_of_range(struct local_call *call, const char *name, int64_t value,
                                      const char *range)
{
    return local_fail(call, "InvalidParameterValueException",
                      "Value %lld for parameter %s is invalid. Reason: Must be %s, if provided.",
                      (long long)value, name, range);
}

static enum local_result read_asked(struct local_call *call, const struct sqs_queue *queue,
                                    struct asked *out)
{
    *out = (struct asked){
        .most = local_int(call, "MaxNumberOfMessages", 1),
        .wait_s = local_int(call, "WaitTimeSeconds", sqs_number(queue, SQS_WAIT)),
        .visibility_s =
            local_int(call, "VisibilityTimeout", sqs_number(queue, SQS_VISIBILITY_TIMEOUT)),
        .attempt = local_text(call, "ReceiveRequestAttemptId"),
        .system_names = local_value(call, "MessageSystemAttributeNames"),
        .system_names_old = local_value(call, "AttributeNames"),
        .names = local_value(call, "MessageAttributeNames"),
    };
    if (out->most < 1 || out->most > RECEIVE_MOST)
        return out_of_range(call, "MaxNumberOfMessages", out->most, "between 1 and 10");
    if (out->wait_s < 0 || out->wait_s > WAIT_MOST_S)
        return out_of_range(call, "WaitTimeSeconds", out->wait_s, ">= 0 and <= 20");
    if (out->visibility_s < 0 || out->visibility_s > VISIBILITY_MOST_S)
        return out_of_range(call, "VisibilityTimeout", out->visibility_s, ">= 0 and <= 43200");
    if (out->attempt && !queue->fifo)
        return local_fail(call, "InvalidParameterValueException",
                          "Value %.200s for parameter ReceiveRequestAttemptId is invalid. Reason: "
                          "The request includes a parameter that is not valid for this queue type.",
                          out->attempt);
    if (check_names(call, out->system_names) != LOCAL_OK)
        return LOCAL_FAILED;
    return check_names(call, out->system_names_old);
}

/* --- looking ---------------------------------------------------------------------------------- */

int64_t sqs_oldest_ms(const struct sqs_queue *queue, int64_t now_ms)
{
    return now_ms - sqs_number(queue, SQS_RETENTION) * 1000;
}

void sqs_expire(struct store_session *store, const struct sqs_queue *queue, int64_t now_ms)
{
    store_run(store, "DELETE FROM sqs_message WHERE queue = $1 AND sent_ms <= $2", "ii", queue->id,
              sqs_oldest_ms(queue, now_ms));
}

struct row {
    int64_t id, sequence, sent_ms, receives, first_ms;
    const char *message_id, *sender, *group_id, *deduplication, *dead_letters_of;
    struct text content, data_key;
};

static const char *copy(struct arena *arena, struct text text)
{
    return text.data ? arena_strndup(arena, text.data, text.len) : NULL;
}

static struct text copy_bytes(struct arena *arena, struct text bytes)
{
    if (!bytes.data)
        return bytes;
    return (struct text){arena_memdup(arena, bytes.data, bytes.len), bytes.len};
}

static void read_row(struct arena *arena, const struct store_rows *rows, struct row *out)
{
    *out = (struct row){
        .id = store_int(rows, 0),
        .sequence = store_int(rows, 1),
        .sent_ms = store_int(rows, 2),
        .receives = store_int(rows, 3),
        .first_ms = store_int(rows, 4),
        .message_id = copy(arena, store_text(rows, 5)),
        .sender = copy(arena, store_text(rows, 6)),
        .group_id = copy(arena, store_text(rows, 7)),
        .deduplication = copy(arena, store_text(rows, 8)),
        .dead_letters_of = copy(arena, store_text(rows, 9)),
        .content = copy_bytes(arena, store_blob(rows, 10)),
        .data_key = copy_bytes(arena, store_blob(rows, 11)),
    };
}

#define COLUMNS                                                                                    \
    "m.id, m.sequence, m.sent_ms, m.receives, m.first_ms, m.message_id, m.sender, m.group_id,"     \
    " m.deduplication, m.dead_letters_of, m.content, m.data_key"

/* Visible messages behind place `after`, in order, at most `most`. Of a FIFO queue's group only
 * while none of its earlier messages is invisible: in flight, or delayed. */
static size_t look(struct local_call *call, const struct sqs_queue *queue, int64_t after,
                   size_t most, struct row *out)
{
    static const char standard[] = "SELECT " COLUMNS " FROM sqs_message m"
                                   " WHERE m.queue = $1 AND m.visible_ms <= $2 AND m.sent_ms > $3"
                                   " AND m.sequence > $4 ORDER BY m.sequence LIMIT $5";
    static const char fifo[] = "SELECT " COLUMNS " FROM sqs_message m"
                               " WHERE m.queue = $1 AND m.visible_ms <= $2 AND m.sent_ms > $3"
                               " AND m.sequence > $4"
                               " AND NOT EXISTS (SELECT 1 FROM sqs_message e WHERE e.queue = $1"
                               " AND e.group_id = m.group_id AND e.sequence < m.sequence"
                               " AND e.visible_ms > $2 AND e.sent_ms > $3)"
                               " ORDER BY m.sequence LIMIT $5";
    struct store_rows rows;
    int64_t now_ms = sqs_now_ms(call);
    size_t count = 0;
    store_query(call->store, &rows, queue->fifo ? fifo : standard, "iiiii", queue->id, now_ms,
                sqs_oldest_ms(queue, now_ms), after, (int64_t)most);
    while (count < most && store_next(&rows))
        read_row(call->arena, &rows, &out[count++]);
    store_end(&rows);
    return count;
}

static int64_t in_flight(struct local_call *call, const struct sqs_queue *queue)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT count(*) FROM (SELECT 1 FROM sqs_message WHERE queue = $1"
                " AND visible_ms > $2 AND receipt IS NOT NULL LIMIT $3)",
                "iii", queue->id, sqs_now_ms(call), (int64_t)IN_FLIGHT_MOST);
    int64_t count = store_next(&rows) ? store_int(&rows, 0) : 0;
    store_end(&rows);
    return count;
}

/* When the next message that is there becomes visible; 0: none will by itself. */
static int64_t next_visible_ms(struct local_call *call, const struct sqs_queue *queue)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT min(visible_ms) FROM sqs_message WHERE queue = $1 AND visible_ms > $2",
                "ii", queue->id, sqs_now_ms(call));
    int64_t next_ms = store_next(&rows) ? store_int(&rows, 0) : 0;
    store_end(&rows);
    return next_ms;
}

/* --- answering -------------------------------------------------------------------------------- */

static bool asks_for(const struct asked *asked, const char *name)
{
    const json_t *const lists[] = {asked->system_names, asked->system_names_old};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < json_array_size(lists[k]); i++) {
            const char *one = json_string_value(json_array_get(lists[k], i));
            if (strcmp(one, "All") == 0 || strcmp(one, name) == 0)
                return true;
        }
    return false;
}

static void put_system(struct local_call *call, const struct asked *asked, bool *any,
                       const char *name, const char *value)
{
    if (!value || !asks_for(asked, name))
        return;
    if (!*any) {
        json_key(call->out, "Attributes");
        json_open(call->out);
    }
    *any = true;
    json_put_text(call->out, name, value);
}

static const char *decimal(struct local_call *call, int64_t number)
{
    return arena_printf(call->arena, "%lld", (long long)number);
}

static void write_system(struct local_call *call, const struct asked *asked,
                         const struct sqs_queue *queue, const struct row *row,
                         const json_t *content)
{
    bool any = false;
    const json_t *trace =
        json_object_get(json_object_get(content, "SystemAttributes"), "AWSTraceHeader");
    put_system(call, asked, &any, "SenderId", row->sender);
    put_system(call, asked, &any, "SentTimestamp", decimal(call, row->sent_ms));
    put_system(call, asked, &any, "ApproximateReceiveCount", decimal(call, row->receives));
    put_system(call, asked, &any, "ApproximateFirstReceiveTimestamp", decimal(call, row->first_ms));
    put_system(call, asked, &any, "SequenceNumber",
               queue->fifo ? sqs_sequence(call->arena, row->sequence) : NULL);
    put_system(call, asked, &any, "MessageDeduplicationId", row->deduplication);
    put_system(call, asked, &any, "MessageGroupId", row->group_id);
    put_system(call, asked, &any, "AWSTraceHeader", json_text(trace, "StringValue"));
    put_system(call, asked, &any, "DeadLetterQueueSourceArn", row->dead_letters_of);
    if (any)
        json_close(call->out);
}

/* "All", ".*", a name, or a prefix with ".*" behind it. */
static bool is_named(const json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *asked = json_string_value(json_array_get(names, i));
        size_t len = strlen(asked);
        if (strcmp(asked, "All") == 0 || strcmp(asked, ".*") == 0 || strcmp(asked, name) == 0 ||
            (text_ends(asked, ".*") && strncmp(asked, name, len - 2) == 0))
            return true;
    }
    return false;
}

static void write_attributes(struct local_call *call, const struct asked *asked,
                             const json_t *attributes)
{
    const char *name;
    json_t *value, *chosen = json_object();
    json_object_foreach((json_t *)attributes, name, value)
    {
        if (is_named(asked->names, name))
            json_object_set(chosen, name, value);
    }
    if (json_object_size(chosen)) {
        json_put_text(call->out, "MD5OfMessageAttributes", sqs_attributes_md5(call->arena, chosen));
        json_key(call->out, "MessageAttributes");
        json_write_value(call->out, chosen);
    }
    json_decref(chosen);
}

static json_t *open_content(struct local_call *call, const struct row *row)
{
    unsigned char *plain;
    size_t len;
    if (keyring_unseal(call->local->keyring, call->arena, "sqs message", row->content.data,
                       row->content.len, &plain, &len) != 0)
        return NULL;
    return json_read((const char *)plain, len, NULL);
}

/* The caller needs the queue's KMS key, too. */
static enum local_result check_key(struct local_call *call, const struct sqs_queue *queue,
                                   const struct row *row)
{
    unsigned char *plain;
    size_t len;
    if (!row->data_key.data)
        return LOCAL_OK;
    /* A dead letter was sealed for the queue that it was sent to. */
    const struct kms_context_pair context = {"aws:sqs:arn", row->dead_letters_of
                                                                ? row->dead_letters_of
                                                                : sqs_arn(call, queue)};
    enum local_result result =
        kms_decrypt(call, "sqs", &context, 1, row->data_key.data, row->data_key.len, &plain, &len);
    return result == LOCAL_FAILED ? sqs_key_failed(call) : result;
}

static void write_message(struct local_call *call, const struct asked *asked,
                          const struct sqs_queue *queue, const struct row *row)
{
    json_t *content = open_content(call, row);
    const json_t *body = json_object_get(content, "Body");
    const struct text text = {json_string_value(body), json_string_length(body)};
    json_open(call->out);
    json_put_text(call->out, "MessageId", row->message_id);
    json_put_text(call->out, "ReceiptHandle",
                  sqs_handle_encode(call, queue, row->id, row->receives));
    json_put_text(call->out, "MD5OfBody", sqs_body_md5(call->arena, text));
    json_key(call->out, "Body");
    json_write_text_n(call->out, text.data ? text.data : "", text.len);
    write_system(call, asked, queue, row, content);
    write_attributes(call, asked, json_object_get(content, "Attributes"));
    json_close(call->out);
    json_decref(content);
}

/* --- taking ----------------------------------------------------------------------------------- */

static void take(struct local_call *call, const struct asked *asked, struct row *row)
{
    int64_t now_ms = sqs_now_ms(call);
    row->receives++;
    if (row->receives == 1)
        row->first_ms = now_ms;
    store_run(call->store,
              "UPDATE sqs_message SET visible_ms = $2, receives = $3, receipt = $3, first_ms = $4,"
              " received_ms = $5 WHERE id = $1",
              "iiiii", row->id, now_ms + asked->visibility_s * 1000, row->receives, row->first_ms,
              now_ms);
}

struct taken {
    struct row rows[RECEIVE_MOST];
    size_t count;
};

/* Messages that were received too often go to the dead letters on the way. */
static enum local_result take_some(struct local_call *call, const struct asked *asked,
                                   const struct sqs_queue *queue, struct taken *out)
{
    struct sqs_redrive redrive = sqs_redrive(call->arena, queue->values[SQS_REDRIVE_POLICY]);
    struct row rows[RECEIVE_MOST];
    int64_t after = 0;
    size_t count;
    do {
        count = look(call, queue, after, (size_t)asked->most - out->count, rows);
        for (size_t i = 0; i < count; i++) {
            after = rows[i].sequence;
            if (redrive.target && rows[i].receives >= redrive.most &&
                sqs_bury(call, queue, &redrive, rows[i].id))
                continue;
            enum local_result result = check_key(call, queue, &rows[i]);
            if (result != LOCAL_OK)
                return result;
            take(call, asked, &rows[i]);
            out->rows[out->count++] = rows[i];
        }
    } while (count > 0 && out->count < (size_t)asked->most);
    return LOCAL_OK;
}

/* The same attempt within five minutes gets the same messages, while all of them are in flight by
 * it; their visibility begins anew. */
static bool take_again(struct local_call *call, const struct asked *asked,
                       const struct sqs_queue *queue, struct taken *out)
{
    struct store_rows rows;
    int64_t now_ms = sqs_now_ms(call), wanted = 0;
    if (!asked->attempt)
        return false;
    store_query(call->store, &rows,
                "SELECT count(*) FROM sqs_attempt WHERE queue = $1 AND attempt = $2"
                " AND made_ms > $3",
                "iti", queue->id, asked->attempt, now_ms - ATTEMPT_MS);
    if (store_next(&rows))
        wanted = store_int(&rows, 0);
    store_end(&rows);
    store_query(call->store, &rows,
                "SELECT " COLUMNS " FROM sqs_attempt a JOIN sqs_message m ON m.id = a.message"
                " WHERE a.queue = $1 AND a.attempt = $2 AND a.made_ms > $3 AND m.queue = $1"
                " AND m.receipt = a.receipt AND m.visible_ms > $4 ORDER BY m.sequence LIMIT $5",
                "itiii", queue->id, asked->attempt, now_ms - ATTEMPT_MS, now_ms,
                (int64_t)RECEIVE_MOST);
    while (store_next(&rows))
        read_row(call->arena, &rows, &out->rows[out->count++]);
    store_end(&rows);
    if (wanted == 0 || (int64_t)out->count != wanted) {
        out->count = 0;
        return false;
    }
    for (size_t i = 0; i < out->count; i++)
        store_run(call->store, "UPDATE sqs_message SET visible_ms = $2 WHERE id = $1", "ii",
                  out->rows[i].id, now_ms + asked->visibility_s * 1000);
    return true;
}

static void note_attempt(struct local_call *call, const struct asked *asked,
                         const struct sqs_queue *queue, const struct taken *taken)
{
    int64_t now_ms = sqs_now_ms(call);
    if (!asked->attempt)
        return;
    store_run(call->store,
              "DELETE FROM sqs_attempt WHERE queue = $1 AND (attempt = $2 OR made_ms <= $3)", "iti",
              queue->id, asked->attempt, now_ms - ATTEMPT_MS);
    for (size_t i = 0; i < taken->count; i++)
        store_run(call->store,
                  "INSERT INTO sqs_attempt (queue, attempt, message, receipt, made_ms)"
                  " VALUES ($1, $2, $3, $4, $5)",
                  "itiii", queue->id, asked->attempt, taken->rows[i].id, taken->rows[i].receives,
                  now_ms);
}

/* --- ReceiveMessage --------------------------------------------------------------------------- */

static enum local_result wait_or_end(struct local_call *call, const struct asked *asked,
                                     const struct sqs_queue *queue)
{
    if (asked->wait_s == 0 || call->wait.over)
        return LOCAL_OK; /* without a member Messages */
    call->wait.longest_ms = asked->wait_s * 1000;
    call->wait.again_at_ms = next_visible_ms(call, queue);
    return LOCAL_WAITS;
}

static enum local_result receive(struct local_call *call, const struct asked *asked,
                                 const struct sqs_queue *queue)
{
    struct taken taken = {.count = 0};
    sqs_expire(call->store, queue, sqs_now_ms(call));
    sqs_move_on(call);
    if (!take_again(call, asked, queue, &taken)) {
        enum local_result result = take_some(call, asked, queue, &taken);
        if (result != LOCAL_OK)
            return result;
        note_attempt(call, asked, queue, &taken);
    }
    if (taken.count == 0)
        return wait_or_end(call, asked, queue);
    json_key(call->out, "Messages");
    json_open_list(call->out);
    for (size_t i = 0; i < taken.count; i++)
        write_message(call, asked, queue, &taken.rows[i]);
    json_close_list(call->out);
    return LOCAL_OK;
}

enum local_result sqs_receive_message(struct local_call *call)
{
    struct sqs_queue queue;
    struct asked asked;
    struct row first;
    if (sqs_named(call, &queue) != LOCAL_OK || read_asked(call, &queue, &asked) != LOCAL_OK)
        return LOCAL_FAILED;
    local_wait_for(call, queue.id);
    if (!call->writing && !asked.attempt && !sqs_moves(call) &&
        look(call, &queue, 0, 1, &first) == 0)
        return wait_or_end(call, &asked, &queue);
    if (!call->writing)
        return LOCAL_AS_WRITE;
    if (in_flight(call, &queue) >= IN_FLIGHT_MOST) {
        if (queue.fifo)
            return wait_or_end(call, &asked, &queue);
        /* text not published (K) */
        return local_fail(call, "OverLimit", "Too many messages in flight: %d.", IN_FLIGHT_MOST);
    }
    return receive(call, &asked, &queue);
}
