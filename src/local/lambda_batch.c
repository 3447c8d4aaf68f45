#include "local/lambda_batch.h"

#include "base/json.h"

#include <ctype.h>
#include <string.h>

/* --- records ---------------------------------------------------------------------------------- */

static void copy_member(json_t *out, const char *name, const json_t *from, const char *old_name)
{
    json_t *value = json_object_get(from, old_name);
    if (value)
        json_object_set(out, name, value);
}

/* {"name": {"stringValue": ..., "dataType": ...}}: names in small letters, empty lists beside. */
static json_t *attributes_of(const json_t *attributes)
{
    json_t *all = json_object(), *attribute;
    const char *name;
    json_object_foreach((json_t *)attributes, name, attribute)
    {
        json_t *one = json_object();
        copy_member(one, "stringValue", attribute, "StringValue");
        copy_member(one, "binaryValue", attribute, "BinaryValue");
        json_object_set_new(one, "stringListValues", json_array());
        json_object_set_new(one, "binaryListValues", json_array());
        copy_member(one, "dataType", attribute, "DataType");
        json_object_set_new(all, name, one);
    }
    return all;
}

json_t *lambda_batch_record(const json_t *message, const char *queue_arn, const char *region)
{
    json_t *record = json_object();
    copy_member(record, "messageId", message, "MessageId");
    copy_member(record, "receiptHandle", message, "ReceiptHandle");
    copy_member(record, "body", message, "Body");
    copy_member(record, "attributes", message, "Attributes");
    json_object_set_new(record, "messageAttributes",
                        attributes_of(json_object_get(message, "MessageAttributes")));
    copy_member(record, "md5OfMessageAttributes", message, "MD5OfMessageAttributes");
    copy_member(record, "md5OfBody", message, "MD5OfBody");
    json_object_set_new(record, "eventSource", json_string("aws:sqs"));
    json_object_set_new(record, "eventSourceARN", json_string(queue_arn));
    json_object_set_new(record, "awsRegion", json_string(region));
    return record;
}

/* --- filters ---------------------------------------------------------------------------------- */

bool lambda_batch_wants(struct arena *arena, const struct event_pattern *const *filters,
                        size_t count, const json_t *record)
{
    const json_t *body = json_object_get(record, "body");
    json_t *looked_at = json_copy((json_t *)record);
    json_t *parsed = json_loadb(json_string_value(body) ? json_string_value(body) : "",
                                json_string_length(body), JSON_REJECT_DUPLICATES, NULL);
    if (parsed)
        json_object_set_new(looked_at, "body", parsed);
    const struct event_fields *fields = event_fields_of(arena, looked_at);
    bool wanted = count == 0;
    for (size_t i = 0; !wanted && i < count; i++)
        wanted = event_pattern_matches(filters[i], fields);
    json_decref(looked_at);
    return wanted;
}

/* --- answers ---------------------------------------------------------------------------------- */

static bool is_blank(struct text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!isspace((unsigned char)text.data[i]))
            return false;
    return true;
}

/* Nothing at all, in any of its forms, says that all went well. */
static bool is_empty(const json_t *answer)
{
    return json_is_null(answer) || (json_is_string(answer) && json_string_length(answer) == 0) ||
           (json_is_array(answer) && json_array_size(answer) == 0) ||
           (json_is_object(answer) && json_object_size(answer) == 0);
}

static bool mark(const json_t *item, const json_t *ids, bool *failed)
{
    const char *id = json_text(item, "itemIdentifier");
    for (size_t i = 0; id && i < json_array_size(ids); i++)
        if (strcmp(json_string_value(json_array_get(ids, i)), id) == 0) {
            failed[i] = true;
            return true;
        }
    return false;
}

static bool judge(const json_t *answer, const json_t *ids, bool *failed)
{
    const json_t *failures = json_object_get(answer, "batchItemFailures");
    if (is_empty(answer) || json_is_null(failures))
        return true;
    if (!json_is_array(failures))
        return false;
    for (size_t i = 0; i < json_array_size(failures); i++)
        if (!mark(json_array_get(failures, i), ids, failed))
            return false;
    return true;
}

bool lambda_batch_judge(struct text answer, const json_t *ids, bool *failed)
{
    if (is_blank(answer))
        return true;
    json_t *parsed = json_loadb(answer.data, answer.len, JSON_DECODE_ANY, NULL);
    bool understood = parsed && judge(parsed, ids, failed);
    json_decref(parsed);
    return understood;
}
