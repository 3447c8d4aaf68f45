#include "event/sqs_queue.h"

#include "aws/arn.h"
#include "base/json.h"
#include "base/text.h"
#include "net/url.h"

#include <stdlib.h>
#include <string.h>

const struct aws_service service_sqs = {
    .name = "sqs",
    .signing_name = "sqs",
    .host_label = "sqs",
    .target_prefix = "AmazonSQS",
    .api_version = "2012-11-05",
    .protocol = AWS_JSON_1_0,
};

#define OPERATION(name_, flags_)                                                                   \
    {                                                                                              \
        .service = &service_sqs, .name = (name_), .flags = (flags_), .method = "POST", .uri = "/"  \
    }
static const struct aws_operation get_queue_url = OPERATION("GetQueueUrl", AWS_READS);
/* What a lost answer held comes again when its time is over. */
static const struct aws_operation receive = OPERATION("ReceiveMessage", AWS_IDEMPOTENT);
static const struct aws_operation delete_batch = OPERATION("DeleteMessageBatch", AWS_IDEMPOTENT);
static const struct aws_operation change_batch =
    OPERATION("ChangeMessageVisibilityBatch", AWS_IDEMPOTENT);

const struct aws_operation *const sqs_queue_operations[] = {&get_queue_url, &receive, &delete_batch,
                                                            &change_batch, NULL};

static int call(const struct sqs_queue *queue, struct arena *arena,
                const struct aws_operation *operation, json_t *in, json_t **out, struct error *err)
{
    int result = -1;
    struct aws_client *client =
        session_client(queue->session, &service_sqs, queue->region, false, err);
    if (client)
        result = aws_call(client, arena, operation, in, out, err);
    json_decref(in);
    return result == 0 ? 0 : error_context(err, "queue %s", queue->name);
}

/* "sqs.REGION.amazonaws.com"; other hosts do not tell. */
static const char *region_in(struct arena *arena, const struct url *url)
{
    static const char lead[] = "sqs.", tail[] = ".amazonaws.com";
    const char *host = url->host, *end = strstr(host, tail);
    size_t skip = sizeof lead - 1;
    if (strncmp(host, lead, skip) != 0 || !end || end <= host + skip)
        return NULL;
    return arena_strndup(arena, host + skip, (size_t)(end - host) - skip);
}

static int open_url(struct arena *arena, const char *place, struct sqs_queue *out,
                    struct error *err)
{
    struct url url;
    if (url_parse(arena, place, &url, err) != 0)
        return error_context(err, "the queue's URL");
    const char *region = region_in(arena, &url), *slash = strrchr(place, '/');
    if (region)
        out->region = region;
    out->name = slash && slash[1] ? slash + 1 : place;
    out->url = place;
    return 0;
}

static int open_arn(struct arena *arena, const char *place, struct sqs_queue *out,
                    struct error *err)
{
    struct arn arn;
    json_t *answer = NULL;
    if (arn_parse(place, strlen(place), &arn) != 0 || !text_is(arn.service, "sqs") ||
        !arn.region.len || !arn.resource.len)
        return error_set(err, ERR_INVALID, "%s is not the ARN of a queue", place);
    out->region = arena_strndup(arena, arn.region.data, arn.region.len);
    out->name = arena_strndup(arena, arn.resource.data, arn.resource.len);
    json_t *in = json_pack("{s:s, s:s%}", "QueueName", out->name, "QueueOwnerAWSAccountId",
                           arn.account.data, arn.account.len);
    if (call(out, arena, &get_queue_url, in, &answer, err) != 0)
        return -1;
    const char *url = json_text(answer, "QueueUrl");
    if (url)
        out->url = arena_strdup(arena, url);
    json_decref(answer);
    return url ? 0 : error_set(err, ERR_UNAVAILABLE, "queue %s: the answer has no URL", out->name);
}

int sqs_queue_open(struct arena *arena, struct session *session, const char *place,
                   struct sqs_queue *out, struct error *err)
{
    *out = (struct sqs_queue){.session = session, .name = place};
    out->region = session_region(session);
    place = arena_strdup(arena, place);
    if ((arn_is(place) ? open_arn : open_url)(arena, place, out, err) != 0)
        return -1;
    if (!out->region)
        return error_set(
            err, ERR_INVALID,
            "the Region of queue %s is not known: give its ARN, or `region` of the source",
            out->name);
    return 0;
}

int sqs_queue_receive(const struct sqs_queue *queue, struct arena *arena, int wait_s, int hide_s,
                      struct sqs_message **out, size_t *count, struct error *err)
{
    json_t *answer = NULL, *row;
    size_t index;
    json_t *in = json_pack("{s:s, s:i, s:i, s:[s]}", "QueueUrl", queue->url, "MaxNumberOfMessages",
                           (int)SQS_QUEUE_BATCH, "WaitTimeSeconds", wait_s,
                           "MessageSystemAttributeNames", "ApproximateReceiveCount");
    *count = 0;
    if (hide_s)
        json_object_set_new(in, "VisibilityTimeout", json_integer(hide_s));
    if (call(queue, arena, &receive, in, &answer, err) != 0)
        return -1;
    const json_t *rows = json_object_get(answer, "Messages");
    *out = arena_calloc(arena, json_array_size(rows) + 1, sizeof **out);
    json_array_foreach(rows, index, row)
    {
        const char *id = json_text(row, "MessageId"), *receipt = json_text(row, "ReceiptHandle");
        const json_t *body = json_object_get(row, "Body");
        if (!id || !receipt || !json_is_string(body))
            continue; /* it comes again */
        const char *received =
            json_text(json_object_get(row, "Attributes"), "ApproximateReceiveCount");
        (*out)[(*count)++] = (struct sqs_message){
            .id = arena_strdup(arena, id),
            .receipt = arena_strdup(arena, receipt),
            .body = arena_strndup(arena, json_string_value(body), json_string_length(body)),
            .body_len = json_string_length(body),
            .received = received ? strtoll(received, NULL, 10) : 1,
        };
    }
    json_decref(answer);
    return 0;
}

/* One call for those of one kind; what the answer says failed is told in `err`. */
static int settle(const struct sqs_queue *queue, struct arena *arena, bool done,
                  const struct sqs_verdict *verdicts, size_t count, struct error *err)
{
    json_t *entries = json_array(), *answer = NULL;
    for (size_t i = 0; i < count; i++) {
        if ((verdicts[i].again_s < 0) != done)
            continue;
        json_t *entry = json_pack("{s:o, s:s}", "Id", json_sprintf("%zu", i), "ReceiptHandle",
                                  verdicts[i].receipt);
        if (!done)
            json_object_set_new(entry, "VisibilityTimeout", json_integer(verdicts[i].again_s));
        json_array_append_new(entries, entry);
    }
    if (!json_array_size(entries)) {
        json_decref(entries);
        return 0;
    }
    json_t *in = json_pack("{s:s, s:o}", "QueueUrl", queue->url, "Entries", entries);
    if (call(queue, arena, done ? &delete_batch : &change_batch, in, &answer, err) != 0)
        return -1;
    const json_t *failed = json_object_get(answer, "Failed");
    int result = 0;
    if (json_array_size(failed))
        result = error_set(err, ERR_UNAVAILABLE, "queue %s: %zu of %zu messages: %s", queue->name,
                           json_array_size(failed), count,
                           json_text_or(json_array_get(failed, 0), "Code", "failed"));
    json_decref(answer);
    return result;
}

int sqs_queue_settle(const struct sqs_queue *queue, struct arena *arena,
                     const struct sqs_verdict *verdicts, size_t count, struct error *err)
{
    int deleted = settle(queue, arena, true, verdicts, count, err);
    int returned = settle(queue, arena, false, verdicts, count, deleted == 0 ? err : NULL);
    return deleted == 0 && returned == 0 ? 0 : -1;
}
