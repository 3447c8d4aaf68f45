/* What is done with a receipt handle: delete the message, change its visibility. */
#include "local/services/sqs_parts.h"

#include "base/digest.h"
#include "local/doorbell.h"

#include <string.h>

enum { VISIBILITY_MOST_S = 43200 };

/* --- handles ---------------------------------------------------------------------------------- */

struct handle {
    int64_t queue, message, receipt;
};

char *sqs_sealed(struct local_call *call, const char *purpose, const void *data, size_t len)
{
    unsigned char *sealed;
    size_t sealed_len;
    keyring_seal(call->local->keyring, call->arena, purpose, data, len, &sealed, &sealed_len);
    return base64_encode(call->arena, sealed, sealed_len);
}

bool sqs_unsealed(struct local_call *call, const char *purpose, const char *text, void *out,
                  size_t len)
{
    unsigned char *sealed, *plain;
    size_t found;
    if (base64_decode(call->arena, text, strlen(text), &sealed, &found) != 0 ||
        keyring_unseal(call->local->keyring, call->arena, purpose, sealed, found, &plain, &found) !=
            0 ||
        found != len)
        return false;
    memcpy(out, plain, len);
    return true;
}

char *sqs_handle_encode(struct local_call *call, const struct sqs_queue *queue, int64_t message,
                        int64_t receipt)
{
    const struct handle handle = {queue->id, message, receipt};
    return sqs_sealed(call, "sqs receipt", &handle, sizeof handle);
}

/* Handles are sealed: an invented one, or one of another queue, is none. */
static bool decode(struct local_call *call, const struct sqs_queue *queue, const char *text,
                   struct handle *out)
{
    return sqs_unsealed(call, "sqs receipt", text, out, sizeof *out) && out->queue == queue->id;
}

static const struct sqs_problem fine = {0};

static struct sqs_problem no_handle(struct local_call *call, const char *text)
{
    return (struct sqs_problem){
        "ReceiptHandleIsInvalid",
        arena_printf(call->arena,
                     "The input receipt handle \"%.1024s\" is not a valid receipt "
                     "handle.",
                     text)};
}

static struct sqs_problem bad_handle(struct local_call *call, const char *text, const char *reason)
{
    return (struct sqs_problem){
        "InvalidParameterValueException",
        arena_printf(call->arena,
                     "Value %.1024s for parameter ReceiptHandle is invalid. Reason: %s", text,
                     reason)};
}

/* The message as it stands, if this handle is of its last receipt. */
struct found {
    bool there, last; /* the message; and nobody received it since */
    int64_t visible_ms, received_ms;
};

static struct found find(struct local_call *call, const struct handle *handle)
{
    struct store_rows rows;
    struct found found = {0};
    store_query(call->store, &rows,
                "SELECT receipt, visible_ms, received_ms FROM sqs_message"
                " WHERE id = $1 AND queue = $2",
                "ii", handle->message, handle->queue);
    if (store_next(&rows))
        found =
            (struct found){true, !store_null(&rows, 0) && store_int(&rows, 0) == handle->receipt,
                           store_int(&rows, 1), store_int(&rows, 2)};
    store_end(&rows);
    return found;
}

/* --- DeleteMessage ---------------------------------------------------------------------------- */

/* A standard queue's message goes by the last handle also when it is visible again, as long as
 * nobody received it since; one of a FIFO queue only in flight. What is gone already is fine. */
static struct sqs_problem delete_by(struct local_call *call, const struct sqs_queue *queue,
                                    const char *text)
{
    struct handle handle;
    if (!decode(call, queue, text, &handle))
        return no_handle(call, text);
    struct found found = find(call, &handle);
    if (!found.there || (!found.last && !queue->fifo))
        return fine;
    if (queue->fifo && (!found.last || found.visible_ms <= sqs_now_ms(call)))
        return bad_handle(call, text, "The receipt handle has expired.");
    store_run(call->store, "DELETE FROM sqs_message WHERE id = $1", "i", handle.message);
    if (queue->fifo)
        doorbell_ring(call->local->doorbell, queue->id); /* the group's next */
    return fine;
}

static enum local_result conclude(struct local_call *call, struct sqs_problem problem)
{
    return problem.code ? local_fail(call, problem.code, "%s", problem.message) : LOCAL_OK;
}

enum local_result sqs_delete_message(struct local_call *call)
{
    struct sqs_queue queue;
    if (sqs_named(call, &queue) != LOCAL_OK || sqs_require(call, "ReceiptHandle") != LOCAL_OK)
        return LOCAL_FAILED;
    return conclude(call, delete_by(call, &queue, local_text(call, "ReceiptHandle")));
}

static void write_id(struct local_call *call, const json_t *entry)
{
    json_put_text(call->out, "Id", json_text(entry, "Id"));
}

static struct sqs_problem delete_one(struct local_call *call, const struct sqs_queue *queue,
                                     const json_t *entry)
{
    struct sqs_problem problem = delete_by(call, queue, json_text_or(entry, "ReceiptHandle", ""));
    if (!problem.code)
        write_id(call, entry);
    return problem;
}

enum local_result sqs_delete_batch(struct local_call *call)
{
    struct sqs_queue queue;
    if (sqs_named(call, &queue) != LOCAL_OK)
        return LOCAL_FAILED;
    return sqs_batch(call, &queue, "DeleteMessageBatchRequestEntry", delete_one);
}

/* --- ChangeMessageVisibility ------------------------------------------------------------------ */

static struct sqs_problem change_by(struct local_call *call, const struct sqs_queue *queue,
                                    const char *text, const json_t *seconds)
{
    struct handle handle;
    int64_t timeout_s = json_integer_value(seconds), now_ms = sqs_now_ms(call);
    if (!seconds)
        return (struct sqs_problem){"MissingRequiredParameterException",
                                    "The request must contain the parameter VisibilityTimeout."};
    if (!decode(call, queue, text, &handle))
        return no_handle(call, text);
    if (timeout_s < 0 || timeout_s > VISIBILITY_MOST_S)
        return (struct sqs_problem){
            "InvalidParameterValueException",
            arena_printf(call->arena,
                         "Value %lld for parameter VisibilityTimeout is invalid. Reason: "
                         "VisibilityTimeout must be an integer between 0 and 43200.",
                         (long long)timeout_s)};
    struct found found = find(call, &handle);
    if (!found.there)
        return bad_handle(call, text,
                          "Message does not exist or is not available for visibility timeout "
                          "change.");
    if (!found.last || found.visible_ms <= now_ms)
        return (struct sqs_problem){
            "MessageNotInflight",
            arena_printf(call->arena,
                         "Value %.1024s for parameter ReceiptHandle is invalid. Reason: Message "
                         "does not exist or is not available for visibility timeout change.",
                         text)};
    if (now_ms + timeout_s * 1000 > found.received_ms + VISIBILITY_MOST_S * INT64_C(1000))
        return (struct sqs_problem){
            "InvalidParameterValueException",
            arena_printf(call->arena,
                         "Value %lld for parameter VisibilityTimeout is invalid. Reason: Total "
                         "VisibilityTimeout for the message is beyond the limit [43200 seconds].",
                         (long long)timeout_s)};
    store_run(call->store, "UPDATE sqs_message SET visible_ms = $2 WHERE id = $1", "ii",
              handle.message, now_ms + timeout_s * 1000);
    doorbell_ring(call->local->doorbell, queue->id);
    return fine;
}

enum local_result sqs_change_visibility(struct local_call *call)
{
    struct sqs_queue queue;
    if (sqs_named(call, &queue) != LOCAL_OK || sqs_require(call, "ReceiptHandle") != LOCAL_OK)
        return LOCAL_FAILED;
    return conclude(call, change_by(call, &queue, local_text(call, "ReceiptHandle"),
                                    local_value(call, "VisibilityTimeout")));
}

static struct sqs_problem change_one(struct local_call *call, const struct sqs_queue *queue,
                                     const json_t *entry)
{
    struct sqs_problem problem = change_by(call, queue, json_text_or(entry, "ReceiptHandle", ""),
                                           json_object_get(entry, "VisibilityTimeout"));
    if (!problem.code)
        write_id(call, entry);
    return problem;
}

enum local_result sqs_change_visibility_batch(struct local_call *call)
{
    struct sqs_queue queue;
    if (sqs_named(call, &queue) != LOCAL_OK)
        return LOCAL_FAILED;
    return sqs_batch(call, &queue, "ChangeMessageVisibilityBatchRequestEntry", change_one);
}
