/* SQS in the older query protocol: a form's names become those of the JSON protocol, and answers
 * go the other way. Names: botocore's model of the query protocol, before SQS spoke JSON. */
#include "local/services/sqs_parts.h"

#include "aws/protocol.h"

#include <string.h>

/* --- forms ------------------------------------------------------------------------------------ */

/* A list in the form: texts, structures, or the pairs of a map. */
static const struct renamed {
    const char *form, *member;
    const char *key; /* of a map's pairs; NULL: it stays a list */
} forms[] = {
    {"Attribute", "Attributes", "Name"},
    {"Tag", "Tags", "Key"},
    {"MessageAttribute", "MessageAttributes", "Name"},
    {"MessageSystemAttribute", "MessageSystemAttributes", "Name"},
    {"AttributeName", "AttributeNames", NULL},
    {"MessageAttributeName", "MessageAttributeNames", NULL},
    {"MessageSystemAttributeName", "MessageSystemAttributeNames", NULL},
    {"ActionName", "Actions", NULL},
    {"AWSAccountId", "AWSAccountIds", NULL},
    {"TagKey", "TagKeys", NULL},
    {"SendMessageBatchRequestEntry", "Entries", NULL},
    {"StringListValue", "StringListValues", NULL}, /* of attributes */
    {"BinaryListValue", "BinaryListValues", NULL},
    {"DeleteMessageBatchRequestEntry", "Entries", NULL},
    {"ChangeMessageVisibilityBatchRequestEntry", "Entries", NULL},
};

static void rename_members(json_t *object);

/* A list of {Name, Value} as an object; what is no such pair is left out. */
static json_t *pairs_to_map(const json_t *list, const char *key)
{
    json_t *map = json_object();
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *pair = json_array_get(list, i);
        const char *name = json_text(pair, key);
        json_t *value = json_object_get(pair, "Value");
        if (json_is_object(value))
            rename_members(value);
        if (name)
            json_object_set(map, name, value ? value : json_null());
    }
    return map;
}

/* "Attribute.Name" without a number is a list of one. */
static json_t *as_list(json_t *value)
{
    if (json_is_array(value))
        return json_incref(value);
    json_t *list = json_array();
    json_array_append(list, value);
    return list;
}

static void rename_members(json_t *object)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        json_t *value = json_object_get(object, forms[i].form);
        if (!value || json_object_get(object, forms[i].member))
            continue;
        json_t *list = as_list(value);
        if (forms[i].key) {
            json_object_set_new(object, forms[i].member, pairs_to_map(list, forms[i].key));
            json_decref(list);
        } else {
            json_object_set_new(object, forms[i].member, list);
        }
        json_object_del(object, forms[i].form);
    }
}

static void read_form(json_t *input)
{
    rename_members(input);
    json_t *entries = json_object_get(input, "Entries");
    for (size_t i = 0; i < json_array_size(entries); i++)
        if (json_is_object(json_array_get(entries, i)))
            rename_members(json_array_get(entries, i));
}

/* --- answers ---------------------------------------------------------------------------------- */

static const struct {
    const char *member, *element, *key; /* key: a map's pairs; NULL: a list */
} answers[] = {
    {"Attributes", "Attribute", "Name"},
    {"Tags", "Tag", "Key"},
    {"MessageAttributes", "MessageAttribute", "Name"},
    {"Messages", "Message", NULL},
    {"QueueUrls", "QueueUrl", NULL},
    {"queueUrls", "QueueUrl", NULL},
    {"Failed", "BatchResultErrorEntry", NULL},
    {"Results", "ListMessageMoveTasksResultEntry", NULL},
};

static void write_members(struct buf *out, const char *operation, const json_t *object);

static void write_value(struct buf *out, const char *operation, const json_t *value)
{
    if (json_is_object(value))
        write_members(out, operation, value);
    else
        query_write_xml(out, value);
}

static void write_element(struct buf *out, const char *operation, const char *name,
                          const json_t *value)
{
    buf_printf(out, "<%s>", name);
    write_value(out, operation, value);
    buf_printf(out, "</%s>", name);
}

static void write_pairs(struct buf *out, const char *operation, const char *element,
                        const char *key, const json_t *map)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)map, name, value)
    {
        buf_printf(out, "<%s><%s>", element, key);
        xml_escape(out, name, strlen(name));
        buf_printf(out, "</%s>", key);
        write_element(out, operation, "Value", value);
        buf_printf(out, "</%s>", element);
    }
}

static bool write_renamed(struct buf *out, const char *operation, const char *name,
                          const json_t *value)
{
    const char *element = NULL, *key = NULL;
    char made[64];
    if (strcmp(name, "Successful") == 0) { /* SendMessageBatchResultEntry, ... */
        snprintf(made, sizeof made, "%sResultEntry", operation);
        element = made;
    }
    for (size_t i = 0; !element && i < sizeof answers / sizeof *answers; i++)
        if (strcmp(answers[i].member, name) == 0) {
            element = answers[i].element;
            key = answers[i].key;
        }
    if (!element)
        return false;
    if (key)
        write_pairs(out, operation, element, key, value);
    for (size_t i = 0; i < json_array_size(value); i++)
        write_element(out, operation, element, json_array_get(value, i));
    return true;
}

static void write_members(struct buf *out, const char *operation, const json_t *object)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        if (!write_renamed(out, operation, name, value))
            write_element(out, operation, name, value);
    }
}

/* --- codes ------------------------------------------------------------------------------------ */

#define OLD "AWS.SimpleQueueService."

static const struct local_code_name codes[] = {
    {"QueueDoesNotExist", OLD "NonExistentQueue", 400},
    {"QueueNameExists", "QueueAlreadyExists", 400},
    {"QueueDeletedRecently", OLD "QueueDeletedRecently", 400},
    {"PurgeQueueInProgress", OLD "PurgeQueueInProgress", 403},
    {"OverLimit", "OverLimit", 403},
    {"MessageNotInflight", OLD "MessageNotInflight", 400},
    {"UnsupportedOperation", OLD "UnsupportedOperation", 400},
    {"TooManyEntriesInBatchRequest", OLD "TooManyEntriesInBatchRequest", 400},
    {"EmptyBatchRequest", OLD "EmptyBatchRequest", 400},
    {"BatchEntryIdsNotDistinct", OLD "BatchEntryIdsNotDistinct", 400},
    {"BatchRequestTooLong", OLD "BatchRequestTooLong", 400},
    {"InvalidBatchEntryId", OLD "InvalidBatchEntryId", 400},
    {"InvalidParameterValueException", "InvalidParameterValue", 400},
    {"MissingRequiredParameterException", "MissingParameter", 400},
    {"AccessDeniedException", "AccessDenied", 403},
    {"ResourceNotFoundException", "ResourceNotFoundException", 404},
    {"KmsAccessDenied", "KMS.AccessDeniedException", 400},
    {"KmsDisabled", "KMS.DisabledException", 400},
    {"KmsInvalidState", "KMS.KMSInvalidStateException", 400},
    {"KmsNotFound", "KMS.NotFoundException", 400},
    {"KmsInvalidKeyUsage", "KMS.InvalidKeyUsageException", 400},
    {NULL, NULL, 0},
};

const struct local_twin sqs_twin = {.read = read_form,
                                    .write = write_members,
                                    .codes = codes,
                                    .type_prefix = "com.amazonaws.sqs#",
                                    .path_member = "QueueUrl"};
