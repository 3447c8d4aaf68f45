#include "local/services/sqs.h"

#include "aws/arn.h"
#include "base/digest.h"
#include "local/doorbell.h"
#include "local/services/kms.h"
#include "local/services/sqs_parts.h"

#include <string.h>

enum { DEDUPLICATION_MS = 5 * 60 * 1000, DELAY_MOST_S = 900 };

/* --- storing ---------------------------------------------------------------------------------- */

int64_t sqs_next_place(struct store_session *store)
{
    struct store_rows rows;
    store_run(store,
              "INSERT INTO sqs_place (id, place) VALUES (1, 1)"
              " ON CONFLICT (id) DO UPDATE SET place = sqs_place.place + 1",
              "");
    store_query(store, &rows, "SELECT place FROM sqs_place", "");
    int64_t place = store_next(&rows) ? store_int(&rows, 0) : 0;
    store_end(&rows);
    return place;
}

/* 20 digits that grow, as AWS's do. */
const char *sqs_sequence(struct arena *arena, int64_t place)
{
    return arena_printf(arena, "1%lld", (long long)(INT64_C(8800000000000000000) + place * 256));
}

static const char *deduplication_of(const struct sqs_sender *sender, const struct sqs_queue *queue,
                                    const struct sqs_message *message)
{
    if (!queue->fifo)
        return NULL;
    if (message->deduplication_id)
        return message->deduplication_id;
    char *hex = arena_alloc(sender->arena, SHA256_HEX_SIZE);
    digest_sha256_hex(message->body.data, message->body.len, hex);
    return hex;
}

/* Was the same sent within five minutes? Then what was answered then is the answer. */
static bool was_sent(const struct sqs_sender *sender, const struct sqs_queue *queue,
                     const char *scope, const char *deduplication, struct sqs_sent *sent)
{
    struct store_rows rows;
    store_query(sender->store, &rows,
                "SELECT message_id, place FROM sqs_sent"
                " WHERE queue = $1 AND scope = $2 AND deduplication = $3 AND sent_ms > $4",
                "itti", queue->id, scope, deduplication, sender->now_ms - DEDUPLICATION_MS);
    bool found = store_next(&rows);
    if (found) {
        struct text id = store_text(&rows, 0);
        sent->id = arena_strndup(sender->arena, id.data, id.len);
        sent->sequence = sqs_sequence(sender->arena, store_int(&rows, 1));
    }
    store_end(&rows);
    return found;
}

static void note_sent(const struct sqs_sender *sender, const struct sqs_queue *queue,
                      const char *scope, const char *deduplication, const char *id, int64_t place)
{
    store_run(sender->store, "DELETE FROM sqs_sent WHERE queue = $1 AND sent_ms <= $2", "ii",
              queue->id, sender->now_ms - DEDUPLICATION_MS);
    store_run(sender->store,
              "INSERT INTO sqs_sent (queue, scope, deduplication, message_id, place, sent_ms)"
              " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (queue, scope, deduplication) DO UPDATE"
              " SET message_id = excluded.message_id, place = excluded.place,"
              " sent_ms = excluded.sent_ms",
              "itttii", queue->id, scope, deduplication, id, place, sender->now_ms);
}

/* Body and attributes in one piece, sealed: what is at rest cannot be read without the key. */
static void seal(const struct sqs_sender *sender, const struct sqs_message *message,
                 unsigned char **sealed, size_t *len)
{
    struct buf plain;
    struct json_writer writer;
    buf_init(&plain, (size_t)16 * 1024 * 1024);
    json_writer_init(&writer, &plain);
    json_open(&writer);
    json_key(&writer, "Body");
    json_write_text_n(&writer, message->body.data, message->body.len);
    if (message->attributes) {
        json_key(&writer, "Attributes");
        json_write_value(&writer, message->attributes);
    }
    if (message->system_attributes) {
        json_key(&writer, "SystemAttributes");
        json_write_value(&writer, message->system_attributes);
    }
    json_close(&writer);
    keyring_seal(sender->local->keyring, sender->arena, "sqs message", buf_text(&plain), plain.len,
                 sealed, len);
    buf_done(&plain);
}

static int64_t insert(const struct sqs_sender *sender, const struct sqs_queue *queue,
                      const struct sqs_message *message, const char *id, const char *deduplication)
{
    unsigned char *sealed;
    size_t len;
    int64_t place = sqs_next_place(sender->store);
    seal(sender, message, &sealed, &len);
    int64_t delay_s = message->delay_s >= 0 ? message->delay_s : sqs_number(queue, SQS_DELAY);
    store_run(sender->store,
              "INSERT INTO sqs_message (id, sequence, queue, message_id, content, data_key, sender,"
              " sent_ms, visible_ms, receives, group_id, deduplication)"
              " VALUES ($10, $10, $1, $2, $3, $4, $5, $6, $7, 0, $8, $9)",
              "itbbtiitti", queue->id, id, sealed, len, sender->data_key.data, sender->data_key.len,
              sender->sender_id, sender->now_ms, sender->now_ms + delay_s * 1000, message->group_id,
              deduplication, place);
    return place;
}

void sqs_store_message(const struct sqs_sender *sender, const struct sqs_queue *queue,
                       const struct sqs_message *message, struct sqs_sent *sent)
{
    const char *deduplication = deduplication_of(sender, queue, message);
    const char *scope = queue->values[SQS_DEDUPLICATION_SCOPE];
    scope = scope && strcmp(scope, "messageGroup") == 0 ? message->group_id : "";
    *sent =
        (struct sqs_sent){.body_md5 = sqs_body_md5(sender->arena, message->body),
                          .attributes_md5 = sqs_attributes_md5(sender->arena, message->attributes),
                          .system_md5 =
                              sqs_attributes_md5(sender->arena, message->system_attributes)};
    if (deduplication && was_sent(sender, queue, scope, deduplication, sent))
        return;
    char *id = arena_alloc(sender->arena, RANDOM_UUID_SIZE);
    random_uuid(sender->local->random, id);
    sent->id = id;
    int64_t place = insert(sender, queue, message, id, deduplication);
    if (deduplication) {
        note_sent(sender, queue, scope, deduplication, id, place);
        sent->sequence = sqs_sequence(sender->arena, place);
    }
    doorbell_ring(sender->local->doorbell, queue->id);
}

/* --- SendMessage ------------------------------------------------------------------------------ */

static struct sqs_problem read_delay(struct arena *arena, const struct sqs_queue *queue,
                                     const json_t *from, int64_t *out)
{
    const json_t *value = json_object_get(from, "DelaySeconds");
    *out = value ? json_integer_value(value) : -1;
    if (!value)
        return (struct sqs_problem){0};
    const char *reason =
        *out < 0 || *out > DELAY_MOST_S ? "DelaySeconds must be >= 0 and <= 900."
        : queue->fifo && *out > 0
            ? "The request include parameter that is not valid for this queue type."
            : NULL;
    if (!reason)
        return (struct sqs_problem){0};
    return (struct sqs_problem){
        "InvalidParameterValueException",
        arena_printf(arena, "Value %lld for parameter DelaySeconds is invalid. Reason: %s",
                     (long long)*out, reason)};
}

/* `from`: the input, or an entry of a batch. */
static struct sqs_problem read_message(struct arena *arena, const struct sqs_queue *queue,
                                       const json_t *from, struct sqs_message *out, size_t *size)
{
    const json_t *body = json_object_get(from, "MessageBody");
    *out = (struct sqs_message){
        .body = {json_string_value(body), json_string_length(body)},
        .attributes = json_object_get(from, "MessageAttributes"),
        .system_attributes = json_object_get(from, "MessageSystemAttributes"),
        .group_id = json_text(from, "MessageGroupId"),
        .deduplication_id = json_text(from, "MessageDeduplicationId"),
    };
    if (json_object_size(out->attributes) == 0)
        out->attributes = NULL;
    if (json_object_size(out->system_attributes) == 0)
        out->system_attributes = NULL;
    struct sqs_problem problem = read_delay(arena, queue, from, &out->delay_s);
    return problem.code ? problem : sqs_check_message(arena, queue, out, size);
}

/* KMS's refusal in SQS's words. */
enum local_result sqs_key_failed(struct local_call *call)
{
    static const struct {
        const char *kms, *sqs;
    } names[] = {
        {"AccessDeniedException", "KmsAccessDenied"},       {"DisabledException", "KmsDisabled"},
        {"KMSInvalidStateException", "KmsInvalidState"},    {"NotFoundException", "KmsNotFound"},
        {"InvalidKeyUsageException", "KmsInvalidKeyUsage"}, {"ThrottlingException", "KmsThrottled"},
    };
    const char *text = call->failure.message ? call->failure.message : "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(call->failure.code, names[i].kms) == 0)
            return local_fail(call, names[i].sqs, "%s", text);
    return LOCAL_FAILED;
}

/* A data key of the queue's KMS key, for which the caller needs permission. */
static enum local_result data_key(struct local_call *call, const struct sqs_queue *queue,
                                  struct text *out)
{
    const char *key = queue->values[SQS_KMS_KEY];
    *out = (struct text){NULL, 0};
    if (!key)
        return LOCAL_OK;
    const struct kms_context_pair context = {"aws:sqs:arn", sqs_arn(call, queue)};
    unsigned char plain[32], *blob;
    size_t len;
    enum local_result result =
        kms_generate_data_key(call, key, "sqs", &context, 1, plain, &blob, &len);
    explicit_bzero(plain, sizeof plain);
    if (result != LOCAL_OK)
        return result == LOCAL_FAILED ? sqs_key_failed(call) : result;
    *out = (struct text){(const char *)blob, len};
    return LOCAL_OK;
}

static enum local_result sender_of(struct local_call *call, const struct sqs_queue *queue,
                                   struct sqs_sender *out)
{
    *out = (struct sqs_sender){.local = call->local,
                               .store = call->store,
                               .arena = call->arena,
                               .sender_id =
                                   call->caller->user_id ? call->caller->user_id : call->account,
                               .now_ms = sqs_now_ms(call)};
    return data_key(call, queue, &out->data_key);
}

static void put(struct json_writer *out, const char *key, const char *text)
{
    if (text)
        json_put_text(out, key, text);
}

static void answer_sent(struct local_call *call, const struct sqs_sent *sent)
{
    put(call->out, "MessageId", sent->id);
    put(call->out, "MD5OfMessageBody", sent->body_md5);
    put(call->out, "MD5OfMessageAttributes", sent->attributes_md5);
    put(call->out, "MD5OfMessageSystemAttributes", sent->system_md5);
    put(call->out, "SequenceNumber", sent->sequence);
}

enum local_result sqs_send_message(struct local_call *call)
{
    struct sqs_queue queue;
    struct sqs_message message;
    struct sqs_sender sender;
    struct sqs_sent sent;
    size_t size = 0;
    if (sqs_named(call, &queue) != LOCAL_OK || sqs_require(call, "MessageBody") != LOCAL_OK)
        return LOCAL_FAILED;
    struct sqs_problem problem = read_message(call->arena, &queue, call->input, &message, &size);
    if (problem.code)
        return local_fail(call, problem.code, "%s", problem.message);
    enum local_result result = sender_of(call, &queue, &sender);
    if (result != LOCAL_OK)
        return result;
    sqs_store_message(&sender, &queue, &message, &sent);
    answer_sent(call, &sent);
    return LOCAL_OK;
}

/* --- SendMessageBatch ------------------------------------------------------------------------- */

static struct sqs_problem send_one(struct local_call *call, const struct sqs_queue *queue,
                                   const json_t *entry)
{
    struct sqs_message message;
    struct sqs_sender sender;
    struct sqs_sent sent;
    size_t size = 0;
    struct sqs_problem problem = read_message(call->arena, queue, entry, &message, &size);
    if (!problem.code && sender_of(call, queue, &sender) != LOCAL_OK)
        problem = (struct sqs_problem){call->failure.code, call->failure.message};
    if (problem.code)
        return problem;
    sqs_store_message(&sender, queue, &message, &sent);
    json_key(call->out, "Id");
    json_write_value(call->out, json_object_get(entry, "Id"));
    answer_sent(call, &sent);
    return problem;
}

enum local_result sqs_send_batch(struct local_call *call)
{
    struct sqs_queue queue;
    if (sqs_named(call, &queue) != LOCAL_OK)
        return LOCAL_FAILED;
    const json_t *entries = local_value(call, "Entries");
    size_t size = 0;
    for (size_t i = 0; i < json_array_size(entries); i++) {
        struct sqs_message message; /* what is wrong with one is told in its place */
        read_message(call->arena, &queue, json_array_get(entries, i), &message, &size);
    }
    if (size > SQS_LARGEST_MESSAGE && json_array_size(entries) <= SQS_BATCH_MOST)
        return local_fail(call, "BatchRequestTooLong",
                          "Batch requests cannot be longer than %d bytes. You have sent %zu bytes.",
                          SQS_LARGEST_MESSAGE, size);
    return sqs_batch(call, &queue, "SendMessageBatchRequestEntry", send_one);
}

/* --- from other services ---------------------------------------------------------------------- */

static json_t *attributes_of(const struct sqs_delivery *delivery)
{
    json_t *attributes = delivery->attribute_count ? json_object() : NULL;
    for (size_t i = 0; i < delivery->attribute_count; i++)
        json_object_set_new(attributes, delivery->attributes[i].name,
                            json_pack("{s:s, s:s}", "DataType", "String", "StringValue",
                                      delivery->attributes[i].value));
    return attributes;
}

enum sqs_outcome sqs_deliver(struct local *local, struct store_session *store, struct arena *arena,
                             const struct sqs_delivery *delivery, const char **why)
{
    struct sqs_queue queue;
    *why = "The specified queue does not exist.";
    if (!sqs_find_arn(store, arena, delivery->queue_arn, &queue))
        return SQS_NO_QUEUE;
    if (sqs_ask_policy_for_service(arena, &queue, delivery->queue_arn, delivery->service,
                                   delivery->source_arn) != POLICY_ALLOW) {
        *why = "The queue's policy does not allow the service to send messages.";
        return SQS_DENIED;
    }
    /* The service would need the key, which only the key's policy could give it (strict). */
    if (queue.values[SQS_KMS_KEY]) {
        *why = "The service may not use the queue's KMS key.";
        return SQS_DENIED;
    }
    json_t *attributes = attributes_of(delivery);
    const struct sqs_message message = {.body = delivery->body,
                                        .attributes = attributes,
                                        .group_id = delivery->group_id,
                                        .deduplication_id = delivery->deduplication_id,
                                        .delay_s = -1};
    size_t size = 0;
    struct sqs_problem problem = sqs_check_message(arena, &queue, &message, &size);
    if (!problem.code) {
        const struct sqs_sender sender = {.local = local,
                                          .store = store,
                                          .arena = arena,
                                          .sender_id =
                                              delivery->service, /* AWS has ids of its own */
                                          .now_ms = local->clock->now_ms(local->clock)};
        struct sqs_sent sent;
        sqs_store_message(&sender, &queue, &message, &sent);
    }
    *why = problem.message;
    json_decref(attributes);
    return problem.code ? SQS_REFUSED : SQS_DELIVERED;
}
