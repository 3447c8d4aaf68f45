#include "local/services/sqs_parts.h"

#include "aws/arn.h"

#include <stdlib.h>
#include <string.h>

enum kind { NUMBER, FLAG, DOCUMENT, REDRIVE, REDRIVE_ALLOW, WORD, TEXT };

static const char *const scopes[] = {"messageGroup", "queue", NULL};
static const char *const limits[] = {"perQueue", "perMessageGroupId", NULL};

static const struct attribute {
    const char *name, *fallback;
    enum kind kind;
    int64_t least, most;
    const char *const *words;
    bool fifo_only, create_only;
} table[SQS_KEYS] = {
    [SQS_POLICY] = {"Policy", NULL, DOCUMENT, 0, 0, NULL, false, false},
    [SQS_VISIBILITY_TIMEOUT] = {"VisibilityTimeout", "30", NUMBER, 0, 43200, NULL, false, false},
    [SQS_MAXIMUM_SIZE] = {"MaximumMessageSize", "1048576", NUMBER, 1024, SQS_LARGEST_MESSAGE, NULL,
                          false, false},
    [SQS_RETENTION] = {"MessageRetentionPeriod", "345600", NUMBER, 60, 1209600, NULL, false, false},
    [SQS_DELAY] = {"DelaySeconds", "0", NUMBER, 0, 900, NULL, false, false},
    [SQS_WAIT] = {"ReceiveMessageWaitTimeSeconds", "0", NUMBER, 0, 20, NULL, false, false},
    [SQS_REDRIVE_POLICY] = {"RedrivePolicy", NULL, REDRIVE, 0, 0, NULL, false, false},
    [SQS_REDRIVE_ALLOW_POLICY] = {"RedriveAllowPolicy", NULL, REDRIVE_ALLOW, 0, 0, NULL, false,
                                  false},
    [SQS_FIFO] = {"FifoQueue", NULL, FLAG, 0, 0, NULL, true, true},
    [SQS_CONTENT_DEDUPLICATION] = {"ContentBasedDeduplication", NULL, FLAG, 0, 0, NULL, true,
                                   false},
    [SQS_DEDUPLICATION_SCOPE] = {"DeduplicationScope", NULL, WORD, 0, 0, scopes, true, false},
    [SQS_THROUGHPUT_LIMIT] = {"FifoThroughputLimit", NULL, WORD, 0, 0, limits, true, false},
    [SQS_KMS_KEY] = {"KmsMasterKeyId", NULL, TEXT, 0, 0, NULL, false, false},
    [SQS_KMS_REUSE] = {"KmsDataKeyReusePeriodSeconds", "300", NUMBER, 60, 86400, NULL, false,
                       false},
    [SQS_MANAGED_SSE] = {"SqsManagedSseEnabled", "true", FLAG, 0, 0, NULL, false, false},
};

const char *sqs_key_name(enum sqs_key key)
{
    return table[key].name;
}

const char *sqs_key_default(enum sqs_key key)
{
    return table[key].fallback;
}

int sqs_key_index(const char *name)
{
    for (int key = 0; key < SQS_KEYS; key++)
        if (strcmp(table[key].name, name) == 0)
            return key;
    return -1;
}

/* --- checking --------------------------------------------------------------------------------- */

static enum local_result invalid(struct local_call *call, const char *name)
{
    return local_fail(call, "InvalidAttributeValue", "Invalid value for the parameter %s.", name);
}

static enum local_result unknown(struct local_call *call, const char *name)
{
    return local_fail(call, "InvalidAttributeName", "Unknown Attribute %s.", name);
}

static enum local_result bad_redrive(struct local_call *call, const char *name, const char *value,
                                     const char *reason)
{
    return local_fail(call, "InvalidParameterValueException",
                      "Value %s for parameter %s is invalid. Reason: %s", value, name, reason);
}

static bool listed(const char *const *words, const char *word)
{
    for (; *words; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

/* A number, or the text of one. */
static bool read_count(const json_t *value, int64_t *out)
{
    const char *text = json_string_value(value);
    if (text)
        return text_to_int64(text, strlen(text), out) == 0;
    *out = json_integer_value(value);
    return json_is_integer(value);
}

/* May `queue` send its dead letters to `target`? The target's RedriveAllowPolicy decides. */
static bool target_allows(struct local_call *call, const struct sqs_queue *queue,
                          const struct sqs_queue *target)
{
    const char *policy = target->values[SQS_REDRIVE_ALLOW_POLICY];
    json_t *value = policy ? json_read(policy, strlen(policy), NULL) : NULL;
    const char *permission = json_text_or(value, "redrivePermission", "allowAll");
    bool allows = strcmp(permission, "allowAll") == 0;
    const json_t *arns = json_object_get(value, "sourceQueueArns");
    if (strcmp(permission, "byQueue") == 0)
        for (size_t i = 0; i < json_array_size(arns); i++)
            if (strcmp(json_string_value(json_array_get(arns, i)), sqs_arn(call, queue)) == 0)
                allows = true;
    json_decref(value);
    return allows;
}

static enum local_result check_target(struct local_call *call, const struct sqs_queue *queue,
                                      const char *policy, const char *arn)
{
    struct sqs_queue target;
    struct arn parts;
    if (arn_parse(arn, strlen(arn), &parts) != 0 || !text_is(parts.service, "sqs")) /* (K) */
        return bad_redrive(call, "RedrivePolicy", policy, "Invalid value for deadLetterTargetArn.");
    if (!text_is(parts.region, queue->region))
        return bad_redrive(call, "RedrivePolicy", policy,
                           "Dead-letter target must be in same region as the source.");
    if (!text_is(parts.account, queue->account))
        return bad_redrive(call, "RedrivePolicy", policy,
                           "Dead-letter target owner should be same as the source.");
    if (!sqs_find_arn(call->store, call->arena, arn, &target))
        return bad_redrive(call, "RedrivePolicy", policy, "Dead letter target does not exist.");
    if (target.fifo != queue->fifo)
        return bad_redrive(call, "RedrivePolicy", policy,
                           queue->fifo ? "Dead-letter queue must be same type of queue as the "
                                         "source. The source is a FIFO queue."
                                       : "Dead-letter queue must be same type of queue as the "
                                         "source. The source is a standard queue.");
    if (!target_allows(call, queue, &target)) /* text not published (K) */
        return bad_redrive(call, "RedrivePolicy", policy,
                           "Queue does not have permission to use the dead-letter queue.");
    return LOCAL_OK;
}

static enum local_result check_redrive(struct local_call *call, const struct sqs_queue *queue,
                                       const char *policy)
{
    json_t *value = json_read(policy, strlen(policy), NULL);
    const json_t *target = json_object_get(value, "deadLetterTargetArn");
    const json_t *most = json_object_get(value, "maxReceiveCount");
    const char *reason = NULL;
    int64_t count = 0;
    if (!json_is_object(value))
        reason = "Redrive policy is not a valid JSON map.";
    else if (!target || !json_is_string(target))
        reason = "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.";
    else if (!most)
        reason = "Redrive policy does not contain mandatory attribute: maxReceiveCount.";
    else if (json_object_size(value) > 2)
        reason = "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].";
    else if (!read_count(most, &count) || count < 1 || count > 1000)
        reason = arena_printf(call->arena,
                              "Invalid value for maxReceiveCount: %s, valid values are from 1 to "
                              "1000 both inclusive.",
                              json_is_string(most)
                                  ? json_string_value(most)
                                  : arena_printf(call->arena, "%lld", (long long)count));
    enum local_result result =
        reason ? bad_redrive(call, "RedrivePolicy", policy, reason)
               : check_target(call, queue, policy,
                              arena_strdup(call->arena, json_string_value(target)));
    json_decref(value);
    return result;
}

/* The first text was observed, and how all begin; how the others end was not (K). */
static enum local_result check_redrive_allow(struct local_call *call, const char *policy)
{
    static const char *const permissions[] = {"allowAll", "denyAll", "byQueue", NULL};
    enum { SOURCES_MOST = 10 };
    json_t *value = json_read(policy, strlen(policy), NULL);
    const char *permission = json_text(value, "redrivePermission"), *reason = NULL;
    const json_t *sources = json_object_get(value, "sourceQueueArns");
    bool by_queue = permission && strcmp(permission, "byQueue") == 0;
    if (!json_is_object(value))
        reason = "Amazon SQS can't create the redrive allow policy, as it's in an unsupported "
                 "format.";
    else if (!permission || !listed(permissions, permission))
        reason = "Amazon SQS can't create the redrive allow policy. redrivePermission is invalid.";
    else if (by_queue && (!json_is_array(sources) || json_array_size(sources) < 1 ||
                          json_array_size(sources) > SOURCES_MOST))
        reason = "Amazon SQS can't create the redrive allow policy. One to ten sourceQueueArns are "
                 "wanted for byQueue.";
    else if (!by_queue && sources)
        reason = "Amazon SQS can't create the redrive allow policy. sourceQueueArns is only "
                 "allowed with byQueue.";
    for (size_t i = 0; !reason && i < json_array_size(sources); i++) {
        const char *arn = json_string_value(json_array_get(sources, i));
        struct arn parts;
        if (!arn || arn_parse(arn, strlen(arn), &parts) != 0 || !text_is(parts.service, "sqs"))
            reason = "Amazon SQS can't create the redrive allow policy. A source ARN is invalid.";
    }
    enum local_result result =
        reason ? bad_redrive(call, "RedriveAllowPolicy", policy, reason) : LOCAL_OK;
    json_decref(value);
    return result;
}

static enum local_result check_policy(struct local_call *call, const char *text)
{
    struct error err;
    size_t len = strlen(text);
    if (len == 0) /* takes the policy away */
        return LOCAL_OK;
    if (sqs_check_policy_size(call, text) != LOCAL_OK)
        return LOCAL_FAILED;
    return policy_parse(call->arena, text, len, POLICY_RESOURCE, &err) ? LOCAL_OK
                                                                       : invalid(call, "Policy");
}

static enum local_result check_value(struct local_call *call, const struct sqs_queue *queue,
                                     const struct attribute *attribute, const char *text)
{
    int64_t number;
    bool flag = strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
    switch (attribute->kind) {
    case NUMBER:
        if (text_to_int64(text, strlen(text), &number) != 0 || number < attribute->least ||
            number > attribute->most)
            return invalid(call, attribute->name);
        return LOCAL_OK;
    case FLAG:
        return flag ? LOCAL_OK : invalid(call, attribute->name);
    case DOCUMENT:
        return check_policy(call, text);
    case REDRIVE:
        return *text ? check_redrive(call, queue, text) : LOCAL_OK;
    case REDRIVE_ALLOW:
        return *text ? check_redrive_allow(call, text) : LOCAL_OK;
    case WORD:
        return listed(attribute->words, text) ? LOCAL_OK : invalid(call, attribute->name);
    case TEXT:
        return strlen(text) <= 2048 ? LOCAL_OK : invalid(call, attribute->name);
    }
    return LOCAL_OK;
}

/* High throughput wants both; SSE is either SQS's own or a key's. */
static enum local_result check_together(struct local_call *call, const struct sqs_queue *queue,
                                        const json_t *attributes)
{
    const char *limit =
        json_text_or(attributes, "FifoThroughputLimit", queue->values[SQS_THROUGHPUT_LIMIT]);
    const char *scope =
        json_text_or(attributes, "DeduplicationScope", queue->values[SQS_DEDUPLICATION_SCOPE]);
    if (limit && strcmp(limit, "perMessageGroupId") == 0 &&
        (!scope || strcmp(scope, "messageGroup") != 0))
        return local_fail(call, "InvalidAttributeValue",
                          "The perMessageGroupId value of FifoThroughputLimit is allowed only when "
                          "the value of DeduplicationScope is messageGroup.");
    const char *key = json_text_or(attributes, "KmsMasterKeyId", "");
    if (*key && strcmp(json_text_or(attributes, "SqsManagedSseEnabled", "false"), "true") == 0)
        return local_fail(call, "InvalidAttributeValue",
                          "You can use one type of server-side encryption (SSE) at one time. You "
                          "can either enable KMS SSE or SQS SSE.");
    return LOCAL_OK;
}

enum local_result sqs_check_attributes(struct local_call *call, const struct sqs_queue *queue,
                                       const json_t *attributes)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)attributes, name, value)
    {
        int key = sqs_key_index(name);
        if (key < 0 || (table[key].fifo_only && !queue->fifo))
            return unknown(call, name);
        if (table[key].create_only && queue->id)
            return unknown(call, name);
        if (check_value(call, queue, &table[key], json_string_value(value)) != LOCAL_OK)
            return LOCAL_FAILED;
    }
    return check_together(call, queue, attributes);
}

struct sqs_redrive sqs_redrive(struct arena *arena, const char *policy)
{
    struct sqs_redrive redrive = {0};
    json_t *value = policy && *policy ? json_read(policy, strlen(policy), NULL) : NULL;
    const char *target = json_text(value, "deadLetterTargetArn");
    if (target && read_count(json_object_get(value, "maxReceiveCount"), &redrive.most))
        redrive.target = arena_strdup(arena, target);
    json_decref(value);
    return redrive;
}

/* --- storing and showing ---------------------------------------------------------------------- */

static void store_one(struct local_call *call, int64_t queue, enum sqs_key key, const char *value)
{
    const char *target = key == SQS_REDRIVE_POLICY ? sqs_redrive(call->arena, value).target : NULL;
    bool clears = !*value && !table[key].fallback;
    if (clears)
        store_run(call->store, "DELETE FROM sqs_attribute WHERE queue = $1 AND name = $2", "it",
                  queue, table[key].name);
    else
        store_run(call->store,
                  "INSERT INTO sqs_attribute (queue, name, value, dead_letters)"
                  " VALUES ($1, $2, $3, $4) ON CONFLICT (queue, name) DO UPDATE"
                  " SET value = excluded.value, dead_letters = excluded.dead_letters",
                  "ittt", queue, table[key].name, value, target);
}

void sqs_store_attributes(struct local_call *call, int64_t queue, const json_t *attributes)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)attributes, name, value)
    {
        store_one(call, queue, (enum sqs_key)sqs_key_index(name), json_string_value(value));
    }
    /* One kind of encryption puts the other away. */
    if (*json_text_or(attributes, "KmsMasterKeyId", ""))
        store_one(call, queue, SQS_MANAGED_SSE, "false");
    else if (strcmp(json_text_or(attributes, "SqsManagedSseEnabled", ""), "true") == 0)
        store_one(call, queue, SQS_KMS_KEY, "");
}

enum local_result sqs_set_attributes(struct local_call *call)
{
    struct sqs_queue queue;
    const json_t *attributes = local_value(call, "Attributes");
    if (sqs_named(call, &queue) != LOCAL_OK || sqs_require(call, "Attributes") != LOCAL_OK ||
        sqs_check_attributes(call, &queue, attributes) != LOCAL_OK)
        return LOCAL_FAILED;
    sqs_store_attributes(call, queue.id, attributes);
    store_run(call->store, "UPDATE sqs_queue SET modified_ms = $2 WHERE id = $1", "ii", queue.id,
              sqs_now_ms(call));
    return LOCAL_OK;
}

/* What is counted or made: name, and the text of its value. */
struct counts {
    int64_t visible, in_flight, delayed;
};

static struct counts count(struct local_call *call, const struct sqs_queue *queue)
{
    struct store_rows rows;
    struct counts counts = {0};
    int64_t now_ms = sqs_now_ms(call);
    store_query(call->store, &rows,
                "SELECT sum(visible_ms <= $2), sum(visible_ms > $2 AND receipt IS NOT NULL),"
                " sum(visible_ms > $2 AND receipt IS NULL)"
                " FROM sqs_message WHERE queue = $1 AND sent_ms > $3",
                "iii", queue->id, now_ms, sqs_oldest_ms(queue, now_ms));
    if (store_next(&rows))
        counts = (struct counts){store_int(&rows, 0), store_int(&rows, 1), store_int(&rows, 2)};
    store_end(&rows);
    return counts;
}

static const char *const counted[] = {"QueueArn",
                                      "ApproximateNumberOfMessages",
                                      "ApproximateNumberOfMessagesNotVisible",
                                      "ApproximateNumberOfMessagesDelayed",
                                      "CreatedTimestamp",
                                      "LastModifiedTimestamp",
                                      NULL};

static const char *counted_value(struct local_call *call, const struct sqs_queue *queue,
                                 const struct counts *counts, size_t at)
{
    const int64_t numbers[] = {0,
                               counts->visible,
                               counts->in_flight,
                               counts->delayed,
                               queue->created_ms / 1000,
                               queue->modified_ms / 1000};
    return at == 0 ? sqs_arn(call, queue)
                   : arena_printf(call->arena, "%lld", (long long)numbers[at]);
}

/* FIFO queues show what was not set, too. */
static const char *shown_value(const struct sqs_queue *queue, enum sqs_key key)
{
    static const char *const fifo_shown[SQS_KEYS] = {[SQS_CONTENT_DEDUPLICATION] = "false",
                                                     [SQS_DEDUPLICATION_SCOPE] = "queue",
                                                     [SQS_THROUGHPUT_LIMIT] = "perQueue"};
    if (key == SQS_KMS_REUSE && !queue->values[SQS_KMS_KEY])
        return NULL;
    return queue->values[key] ? queue->values[key] : queue->fifo ? fifo_shown[key] : NULL;
}

static bool wanted(const json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *asked = json_string_value(json_array_get(names, i));
        if (strcmp(asked, "All") == 0 || strcmp(asked, name) == 0)
            return true;
    }
    return false;
}

static enum local_result check_names(struct local_call *call, const json_t *names)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (strcmp(name, "All") != 0 && sqs_key_index(name) < 0 && !listed(counted, name))
            return unknown(call, name);
    }
    return LOCAL_OK;
}

struct writing {
    struct local_call *call;
    bool any;
};

static void write_one(struct writing *writing, const char *name, const char *value)
{
    struct json_writer *out = writing->call->out;
    if (!writing->any) {
        json_key(out, "Attributes");
        json_open(out);
    }
    writing->any = true;
    json_put_text(out, name, value);
}

enum local_result sqs_get_attributes(struct local_call *call)
{
    struct sqs_queue queue;
    const json_t *names = local_value(call, "AttributeNames");
    if (sqs_named(call, &queue) != LOCAL_OK || check_names(call, names) != LOCAL_OK)
        return LOCAL_FAILED;
    struct writing writing = {call, false};
    struct counts counts = count(call, &queue);
    for (size_t i = 0; counted[i]; i++)
        if (wanted(names, counted[i]))
            write_one(&writing, counted[i], counted_value(call, &queue, &counts, i));
    for (int key = 0; key < SQS_KEYS; key++) {
        const char *value = shown_value(&queue, (enum sqs_key)key);
        if (value && wanted(names, table[key].name))
            write_one(&writing, table[key].name, value);
    }
    if (writing.any)
        json_close(call->out);
    return LOCAL_OK;
}
