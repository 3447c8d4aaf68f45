/* What the batches have in common: their entries' ids, and an answer that tells of each. */
#include "local/services/sqs_parts.h"

#include <string.h>

enum { ID_MOST = 80 };

static enum local_result check_id(struct local_call *call, const char *id)
{
    size_t len = id ? strlen(id) : 0;
    if (len >= 1 && len <= ID_MOST &&
        strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == len)
        return LOCAL_OK;
    return local_fail(call, "InvalidBatchEntryId",
                      "A batch entry id can only contain alphanumeric characters, hyphens and "
                      "underscores. It can be at most 80 letters long.");
}

static enum local_result check_entries(struct local_call *call, const json_t *entries,
                                       const char *kind)
{
    size_t count = json_array_size(entries);
    if (count == 0)
        return local_fail(call, "EmptyBatchRequest",
                          "There should be at least one %s in the request.", kind);
    if (count > SQS_BATCH_MOST)
        return local_fail(call, "TooManyEntriesInBatchRequest",
                          "Maximum number of entries per request are %d. You have sent %zu.",
                          SQS_BATCH_MOST, count);
    for (size_t i = 0; i < count; i++) {
        const char *id = json_text(json_array_get(entries, i), "Id");
        if (check_id(call, id) != LOCAL_OK)
            return LOCAL_FAILED;
        for (size_t k = 0; k < i; k++)
            if (strcmp(id, json_text(json_array_get(entries, k), "Id")) == 0)
                return local_fail(call, "BatchEntryIdsNotDistinct", "Id %s repeated.", id);
    }
    return LOCAL_OK;
}

/* An entry's code is the older protocol's, in both protocols. */
static void write_failed(struct local_call *call, const struct sqs_problem *problem,
                         const json_t *entry)
{
    json_open(call->out);
    json_put_text(call->out, "Id", json_text(entry, "Id"));
    json_put_bool(call->out, "SenderFault", true);
    json_put_text(call->out, "Code", local_query_code(&sqs_twin, problem->code));
    json_put_text(call->out, "Message", problem->message);
    json_close(call->out);
}

enum local_result
sqs_batch(struct local_call *call, const struct sqs_queue *queue, const char *entry_kind,
          struct sqs_problem (*one)(struct local_call *call, const struct sqs_queue *queue,
                                    const json_t *entry))
{
    const json_t *entries = local_value(call, "Entries");
    if (check_entries(call, entries, entry_kind) != LOCAL_OK)
        return LOCAL_FAILED;
    struct sqs_problem problems[SQS_BATCH_MOST] = {0};
    json_key(call->out, "Successful");
    json_open_list(call->out);
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        struct buf text;
        struct json_writer writer, *out = call->out;
        buf_init(&text, 64 * 1024);
        json_writer_init(&writer, &text);
        call->out = &writer; /* an entry that fails has written nothing */
        json_open(&writer);
        problems[i] = one(call, queue, entry);
        if (!problems[i].code)
            json_close(&writer);
        call->out = out;
        if (!problems[i].code)
            json_write_raw(out, buf_text(&text), text.len);
        buf_done(&text);
    }
    json_close_list(call->out);
    json_key(call->out, "Failed");
    json_open_list(call->out);
    for (size_t i = 0; i < json_array_size(entries); i++)
        if (problems[i].code)
            write_failed(call, &problems[i], json_array_get(entries, i));
    json_close_list(call->out);
    call->failure = (struct local_failure){0};
    return LOCAL_OK;
}
