/* What a message may be, and the digests that SQS shows of it. Pure. */
#include "local/services/sqs_parts.h"

#include "base/digest.h"

#include <stdlib.h>
#include <string.h>

enum { ATTRIBUTES_MOST = 10, ATTRIBUTE_NAME_MOST = 256, TYPE_MOST = 256, ID_MOST = 128 };

/* --- digests ---------------------------------------------------------------------------------- */

const char *sqs_body_md5(struct arena *arena, struct text body)
{
    char *hex = arena_alloc(arena, MD5_HEX_SIZE);
    digest_md5_hex(body.data, body.len, hex);
    return hex;
}

static void append_counted(struct buf *out, const void *data, size_t len)
{
    const unsigned char count[4] = {(unsigned char)(len >> 24), (unsigned char)(len >> 16),
                                    (unsigned char)(len >> 8), (unsigned char)len};
    buf_append(out, count, sizeof count);
    buf_append(out, data, len);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_binary(const json_t *attribute)
{
    return text_starts(json_text_or(attribute, "DataType", ""), "Binary");
}

/* The attribute's value as bytes; false: it has none. */
static bool value_of(struct arena *arena, const json_t *attribute, const void **data, size_t *len)
{
    const json_t *text =
        json_object_get(attribute, is_binary(attribute) ? "BinaryValue" : "StringValue");
    if (!json_is_string(text))
        return false;
    *data = json_string_value(text);
    *len = json_string_length(text);
    unsigned char *bytes;
    if (is_binary(attribute)) {
        if (base64_decode(arena, *data, *len, &bytes, len) != 0)
            return false;
        *data = bytes;
    }
    return true;
}

static void append_attribute(struct arena *arena, struct buf *out, const char *name,
                             const json_t *attribute)
{
    const char *type = json_text_or(attribute, "DataType", "");
    const void *value = "";
    size_t len = 0;
    value_of(arena, attribute, &value, &len);
    append_counted(out, name, strlen(name));
    append_counted(out, type, strlen(type));
    buf_append_char(out, is_binary(attribute) ? 2 : 1);
    append_counted(out, value, len);
}

/* SQS Developer Guide, "Calculating the MD5 message digest for message attributes". */
const char *sqs_attributes_md5(struct arena *arena, const json_t *attributes)
{
    size_t count = 0;
    const char *name;
    json_t *value;
    if (json_object_size(attributes) == 0)
        return NULL;
    const char **names = arena_calloc(arena, json_object_size(attributes), sizeof *names);
    json_object_foreach((json_t *)attributes, name, value)
    {
        names[count++] = name;
    }
    qsort(names, count, sizeof *names, compare_names);
    struct buf text;
    buf_init(&text, (size_t)8 * 1024 * 1024);
    for (size_t i = 0; i < count; i++)
        append_attribute(arena, &text, names[i], json_object_get(attributes, names[i]));
    const char *md5 = sqs_body_md5(arena, (struct text){buf_text(&text), text.len});
    buf_done(&text);
    return md5;
}

/* --- checks ----------------------------------------------------------------------------------- */

static struct sqs_problem bad(const char *message)
{
    return (struct sqs_problem){"InvalidParameterValueException", message};
}

static const struct sqs_problem fine = {0};

/* The length of the character at `at`, or 0 when XML 1.0 could not carry it. */
static size_t xml_character(const unsigned char *at, size_t left)
{
    unsigned c = at[0];
    if (c < 0x80)
        return c >= 0x20 || c == 0x9 || c == 0xa || c == 0xd;
    size_t len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (len > left)
        return 0;
    return c == 0xef && at[1] == 0xbf && at[2] >= 0xbe ? 0 : len; /* U+FFFE, U+FFFF */
}

static bool is_xml_text(const char *data, size_t len)
{
    for (size_t at = 0, step; at < len; at += step)
        if ((step = xml_character((const unsigned char *)data + at, len - at)) == 0)
            return false;
    return true;
}

static bool good_name(const char *name)
{
    size_t len = strlen(name);
    return len >= 1 && len <= ATTRIBUTE_NAME_MOST &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") ==
               len &&
           name[0] != '.' && name[len - 1] != '.' && !strstr(name, "..") &&
           !text_starts_nocase(name, "aws.") && !text_starts_nocase(name, "amazon.");
}

static bool is_of_type(const char *type, const char *base)
{
    size_t len = strlen(base);
    return strncmp(type, base, len) == 0 && (type[len] == '\0' || type[len] == '.');
}

static bool is_number(const char *text)
{
    char *end;
    size_t good = strspn(text, "+-.0123456789eE");
    strtod(text, &end);
    return good == strlen(text) && *text && *end == '\0';
}

static struct sqs_problem check_type(struct arena *arena, const char *name, const char *type)
{
    if (!type || !*type)
        return bad(arena_printf(
            arena, "The message attribute '%s' must contain non-empty message attribute type.",
            name));
    if (strlen(type) > TYPE_MOST ||
        (!is_of_type(type, "String") && !is_of_type(type, "Number") && !is_of_type(type, "Binary")))
        return bad(arena_printf(arena,
                                "The message attribute '%s' has an invalid message attribute type, "
                                "the set of supported type prefixes is Binary, Number, and String.",
                                name));
    return fine;
}

static struct sqs_problem check_attribute(struct arena *arena, const char *name,
                                          const json_t *attribute, size_t *size)
{
    const char *type = json_text(attribute, "DataType");
    const void *value;
    size_t len = 0;
    if (!good_name(name))
        return bad(arena_printf(arena,
                                "The message attribute name '%.300s' is invalid. Attribute "
                                "name can contain A-Z, a-z, 0-9, underscore (_), hyphen "
                                "(-), and period (.) characters.",
                                name));
    struct sqs_problem problem = check_type(arena, name, type);
    if (problem.code)
        return problem;
    if (json_object_get(attribute, "StringListValues") ||
        json_object_get(attribute, "BinaryListValues"))
        return (struct sqs_problem){"UnsupportedOperation",
                                    "Message attribute list values in SendMessage operation are "
                                    "not supported."};
    if (!value_of(arena, attribute, &value, &len) || len == 0)
        return bad(arena_printf(arena,
                                "The message attribute '%s' must contain non-empty message "
                                "attribute value for message attribute type '%s'.",
                                name, type));
    if (is_of_type(type, "Number") && !is_number(value))
        return bad(arena_printf(
            arena, "Can't cast the value of message (user) attribute '%s' to a number.", name));
    if (!is_binary(attribute) && !is_xml_text(value, len))
        return (struct sqs_problem){"InvalidMessageContents",
                                    "Message (user) attribute values contain invalid characters."};
    *size += strlen(name) + strlen(type) + len;
    return fine;
}

static struct sqs_problem check_attributes(struct arena *arena, const json_t *attributes,
                                           size_t *size)
{
    const char *name;
    json_t *attribute;
    if (json_object_size(attributes) > ATTRIBUTES_MOST)
        return bad(arena_printf(arena,
                                "Number of message attributes [%zu] exceeds the allowed maximum "
                                "[%d].",
                                json_object_size(attributes), ATTRIBUTES_MOST));
    json_object_foreach((json_t *)attributes, name, attribute)
    {
        struct sqs_problem problem = check_attribute(arena, name, attribute, size);
        if (problem.code)
            return problem;
    }
    return fine;
}

static struct sqs_problem check_system(struct arena *arena, const json_t *attributes)
{
    const char *name;
    json_t *attribute;
    size_t not_counted = 0;
    json_object_foreach((json_t *)attributes, name, attribute)
    {
        if (strcmp(name, "AWSTraceHeader") != 0)
            return bad(
                arena_printf(arena, "Message system attribute name '%.100s' is invalid.", name));
        struct sqs_problem problem =
            check_attribute(arena, "AWSTraceHeader", attribute, &not_counted);
        if (problem.code)
            return problem;
    }
    return fine;
}

static struct sqs_problem check_id(struct arena *arena, const char *name, const char *value)
{
    size_t len = value ? strlen(value) : 0;
    bool good = len >= 1 && len <= ID_MOST;
    for (size_t i = 0; good && i < len; i++)
        good = value[i] > ' ' && value[i] < 0x7f;
    if (!value || good)
        return fine;
    return bad(arena_printf(arena,
                            "Value %.200s for parameter %s is invalid. Reason: %s can only include "
                            "alphanumeric and punctuation characters. 1 to 128 in length.",
                            value, name, name));
}

static struct sqs_problem check_ids(struct arena *arena, const struct sqs_queue *queue,
                                    const struct sqs_message *message)
{
    struct sqs_problem problem = check_id(arena, "MessageGroupId", message->group_id);
    if (!problem.code)
        problem = check_id(arena, "MessageDeduplicationId", message->deduplication_id);
    if (problem.code)
        return problem;
    if (!queue->fifo && message->deduplication_id)
        return bad(arena_printf(arena,
                                "Value %s for parameter MessageDeduplicationId is invalid. Reason: "
                                "The request includes a parameter that is not valid for this queue "
                                "type.",
                                message->deduplication_id));
    if (queue->fifo && !message->group_id)
        return (struct sqs_problem){"MissingRequiredParameterException",
                                    "The request must contain the parameter MessageGroupId."};
    if (queue->fifo && !message->deduplication_id && !sqs_flag(queue, SQS_CONTENT_DEDUPLICATION))
        return bad("The queue should either have ContentBasedDeduplication enabled or "
                   "MessageDeduplicationId provided explicitly");
    return fine;
}

struct sqs_problem sqs_check_message(struct arena *arena, const struct sqs_queue *queue,
                                     const struct sqs_message *message, size_t *size)
{
    size_t own = message->body.len;
    if (message->body.len == 0)
        return (struct sqs_problem){"MissingRequiredParameterException",
                                    "The request must contain the parameter MessageBody."};
    if (!is_xml_text(message->body.data, message->body.len))
        return (struct sqs_problem){"InvalidMessageContents",
                                    "Invalid characters found. Valid unicode characters are #x9 | "
                                    "#xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to "
                                    "#x10FFFF"};
    struct sqs_problem problem = check_attributes(arena, message->attributes, &own);
    *size += own;
    if (!problem.code)
        problem = check_system(arena, message->system_attributes);
    if (!problem.code && own > (size_t)sqs_number(queue, SQS_MAXIMUM_SIZE))
        problem = bad(arena_printf(arena,
                                   "One or more parameters are invalid. Reason: Message must be "
                                   "shorter than %lld bytes.",
                                   (long long)sqs_number(queue, SQS_MAXIMUM_SIZE)));
    return problem.code ? problem : check_ids(arena, queue, message);
}
