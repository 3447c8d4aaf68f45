#include "local/services/logs_parts.h"

#include "aws/arn.h"
#include "local/condition_keys.h"

#include <string.h>

/* --- what handlers begin with ----------------------------------------------------------------- */

enum local_result logs_need_group(struct local_call *call, const char *name, struct logs_group *out)
{
    if (logs_find_group(call->store, call->arena, call->account, call->region, name, out))
        return LOCAL_OK;
    return local_fail(call, "ResourceNotFoundException", "The specified log group does not exist.");
}

enum local_result logs_need_stream(struct local_call *call, const struct logs_group *group,
                                   const char *name, struct logs_stream *out)
{
    if (logs_find_stream(call->store, call->arena, group->id, name, out))
        return LOCAL_OK;
    return local_fail(call, "ResourceNotFoundException",
                      "The specified log stream does not exist.");
}

enum local_result logs_bad_parameter(struct local_call *call, const char *message)
{
    return local_fail(call, "InvalidParameterException", "%s", message);
}

enum local_result logs_bad_token(struct local_call *call)
{
    return logs_bad_parameter(call, "The specified nextToken is invalid.");
}

char *logs_group_arn(struct local_call *call, const char *name)
{
    return local_arn(call, "logs", arena_printf(call->arena, "log-group:%s", name));
}

/* The name in "log-group:NAME" or "log-group:NAME:*"; NULL: it is no group's. */
static const char *name_in(struct local_call *call, struct text resource)
{
    static const char prefix[] = "log-group:";
    size_t len = sizeof prefix - 1;
    if (resource.len <= len || memcmp(resource.data, prefix, len) != 0)
        return NULL;
    struct text name = {resource.data + len, resource.len - len};
    if (name.len > 2 && memcmp(name.data + name.len - 2, ":*", 2) == 0)
        name.len -= 2;
    return memchr(name.data, ':', name.len) ? NULL
                                            : arena_strndup(call->arena, name.data, name.len);
}

/* Logs of other accounts would have to be linked to this one, which nothing here does. */
static enum local_result not_ours(struct local_call *call, const char *arn)
{
    return local_fail(call, "AccessDeniedException",
                      "User: %s is not authorized to perform: %s on resource: %s because no "
                      "resource-based policy allows the %s action",
                      local_shown(call, call->caller->arn), call->operation->action, arn,
                      call->operation->action);
}

static enum local_result named_by_arn(struct local_call *call, const char *text, const char **name)
{
    struct arn arn;
    if (arn_parse(text, strlen(text), &arn) != 0 || !text_is(arn.service, "logs") ||
        !(*name = name_in(call, arn.resource)))
        return logs_bad_parameter(call, "The specified log group identifier is invalid."); /* (K) */
    if (!text_is(arn.account, call->account))
        return not_ours(call, text);
    if (!text_is(arn.region, call->region) || !text_is(arn.partition, call->partition))
        return local_fail(call, "ResourceNotFoundException",
                          "The specified log group does not exist.");
    return LOCAL_OK;
}

enum local_result logs_named_group(struct local_call *call, const char **name)
{
    const char *identifier = local_text(call, "logGroupIdentifier");
    *name = local_text(call, "logGroupName");
    if (*name && identifier)
        return logs_bad_parameter(
            call, "LogGroup name and log group ARN are mutually exclusive parameters.");
    if (*name)
        return LOCAL_OK;
    if (!identifier) /* (K) */
        return logs_bad_parameter(call, "LogGroup name or log group identifier is required.");
    if (arn_is(identifier))
        return named_by_arn(call, identifier, name);
    *name = identifier;
    return LOCAL_OK;
}

/* --- who may ---------------------------------------------------------------------------------- */

static const char *const *one(struct local_call *call, const char *arn)
{
    const char **arns = arena_calloc(call->arena, 2, sizeof *arns);
    arns[0] = arn;
    return arns;
}

static const char *const *stream_of_group(struct local_call *call, const char *stream)
{
    const char *name;
    if (logs_named_group(call, &name) != LOCAL_OK)
        return NULL;
    return one(call,
               local_arn(call, "logs",
                         arena_printf(call->arena, "log-group:%s:log-stream:%s", name, stream)));
}

const char *const *logs_group_resources(struct local_call *call)
{
    return stream_of_group(call, "");
}

const char *const *logs_stream_resources(struct local_call *call)
{
    return stream_of_group(call, local_text(call, "logStreamName"));
}

const char *const *logs_any_resources(struct local_call *call)
{
    return one(call, local_arn(call, "logs", "log-group::log-stream:"));
}

const char *const *logs_tagged_resources(struct local_call *call)
{
    const char *arn = local_text(call, "resourceArn"), *name;
    return named_by_arn(call, arn, &name) == LOCAL_OK ? one(call, arn) : NULL;
}

enum local_result logs_authorize(struct local_call *call, const char *action, const char *resource)
{
    struct condition_keys keys = {.call = call};
    const json_t *tags = local_value(call, "tags");
    json_t *names = json_array();
    const char *key;
    json_t *value;
    if (json_is_object(tags)) {
        json_object_foreach((json_t *)tags, key, value)
        {
            json_array_append_new(names, json_string(key));
            condition_keys_add(&keys, arena_printf(call->arena, "aws:RequestTag/%s", key),
                               json_string_value(value));
        }
    } else {
        json_array_extend(names, (json_t *)(tags ? tags : local_value(call, "tagKeys")));
    }
    condition_keys_add_json(&keys, "aws:TagKeys", names, NULL);
    enum local_result result =
        local_authorize_question(call, &(struct local_question){.action = action,
                                                                .resource = resource,
                                                                .context = keys.items,
                                                                .context_count = keys.count});
    json_decref(names);
    return result;
}

/* --- tables ----------------------------------------------------------------------------------- */

#define GROUP_PATTERN "[\\.\\-_/#A-Za-z0-9]+"
#define GROUP(member, more)                                                                        \
    {                                                                                              \
        .name = member, .type = LOCAL_STRING, .flags = more, .min = 1, .max = 512,                 \
        .pattern = GROUP_PATTERN                                                                   \
    }
#define STREAM(member, more)                                                                       \
    {                                                                                              \
        .name = member, .type = LOCAL_STRING, .flags = more, .min = 1, .max = 512,                 \
        .pattern = "[^:*]*"                                                                        \
    }
#define IDENTIFIER                                                                                 \
    {                                                                                              \
        .name = "logGroupIdentifier", .type = LOCAL_STRING, .min = 1, .max = 2048,                 \
        .pattern = "[\\w#+=/:,.@-]*"                                                               \
    }
#define TIME(member)                                                                               \
    {                                                                                              \
        .name = member, .type = LOCAL_INTEGER, .min = 0, .max = INT64_MAX                          \
    }
#define TOKEN(member)                                                                              \
    {                                                                                              \
        .name = member, .type = LOCAL_STRING, .min = 1                                             \
    }
#define LIMIT(most)                                                                                \
    {                                                                                              \
        .name = "limit", .type = LOCAL_INTEGER, .min = 1, .max = most                              \
    }
#define BOOLEAN(member)                                                                            \
    {                                                                                              \
        .name = member, .type = LOCAL_BOOLEAN                                                      \
    }
#define RESOURCE                                                                                   \
    {                                                                                              \
        .name = "resourceArn", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED, .min = 1,            \
        .max = 1011, .pattern = "[\\w+=/:,.@-]*"                                                   \
    }
#define TAGS(more)                                                                                 \
    {                                                                                              \
        .name = "tags", .type = LOCAL_MAP, .flags = more, .min = 1, .max = 50,                     \
        .element = &tag_value                                                                      \
    }
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const char *const classes[] = {"STANDARD", "INFREQUENT_ACCESS", "DELIVERY", NULL};
static const char *const orders[] = {"LogStreamName", "LastEventTime", NULL};
static const struct local_member tag_value = {.type = LOCAL_STRING,
                                              .max = 256,
                                              .pattern = "^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$"};
static const struct local_member tag_key = {.type = LOCAL_STRING,
                                            .min = 1,
                                            .max = 128,
                                            .pattern = "^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+)$"};

static const struct local_member create_group[] = {
    GROUP("logGroupName", LOCAL_REQUIRED),
    {.name = "kmsKeyId", .type = LOCAL_STRING, .max = 256},
    TAGS(0),
    {.name = "logGroupClass", .type = LOCAL_STRING, .values = classes},
    BOOLEAN("deletionProtectionEnabled"),
    END};
static const struct local_member one_group[] = {GROUP("logGroupName", LOCAL_REQUIRED), END};
static const struct local_member account_id = {.type = LOCAL_STRING,
                                               .min = 12,
                                               .max = 12,
                                               .pattern = "^\\d{12}$"};
static const struct local_member identifier = {.type = LOCAL_STRING,
                                               .min = 1,
                                               .max = 2048,
                                               .pattern = "[\\w#+=/:,.@-]*"};
static const struct local_member describe_groups[] = {
    {.name = "accountIdentifiers", .type = LOCAL_LIST, .max = 20, .element = &account_id},
    GROUP("logGroupNamePrefix", 0),
    {.name = "logGroupNamePattern",
     .type = LOCAL_STRING,
     .max = 512,
     .pattern = "[\\.\\-_/#A-Za-z0-9]*"},
    TOKEN("nextToken"),
    LIMIT(50),
    BOOLEAN("includeLinkedAccounts"),
    {.name = "logGroupClass", .type = LOCAL_STRING, .values = classes},
    {.name = "logGroupIdentifiers",
     .type = LOCAL_LIST,
     .min = 1,
     .max = 50,
     .element = &identifier},
    END};
static const struct local_member one_stream[] = {GROUP("logGroupName", LOCAL_REQUIRED),
                                                 STREAM("logStreamName", LOCAL_REQUIRED), END};
static const struct local_member describe_streams[] = {GROUP("logGroupName", 0),
                                                       IDENTIFIER,
                                                       STREAM("logStreamNamePrefix", 0),
                                                       {.name = "orderBy",
                                                        .type = LOCAL_STRING,
                                                        .values = orders},
                                                       BOOLEAN("descending"),
                                                       TOKEN("nextToken"),
                                                       LIMIT(50),
                                                       END};
static const struct local_member event_members[] = {
    {.name = "timestamp", .type = LOCAL_INTEGER, .flags = LOCAL_REQUIRED, .max = INT64_MAX},
    {.name = "message", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED | LOCAL_SENSITIVE, .min = 1},
    END};
static const struct local_member event = {.type = LOCAL_STRUCTURE, .members = event_members};
static const struct local_member put_events[] = {GROUP("logGroupName", LOCAL_REQUIRED),
                                                 STREAM("logStreamName", LOCAL_REQUIRED),
                                                 {.name = "logEvents",
                                                  .type = LOCAL_LIST,
                                                  .flags = LOCAL_REQUIRED,
                                                  .min = 1,
                                                  .max = 10000,
                                                  .element = &event},
                                                 TOKEN("sequenceToken"),
                                                 END};
static const struct local_member get_events[] = {GROUP("logGroupName", 0),
                                                 IDENTIFIER,
                                                 STREAM("logStreamName", LOCAL_REQUIRED),
                                                 TIME("startTime"),
                                                 TIME("endTime"),
                                                 TOKEN("nextToken"),
                                                 LIMIT(10000),
                                                 BOOLEAN("startFromHead"),
                                                 BOOLEAN("unmask"),
                                                 END};
static const struct local_member stream_name = STREAM(NULL, 0);
static const struct local_member filter_events[] = {
    GROUP("logGroupName", 0),
    IDENTIFIER,
    {.name = "logStreamNames", .type = LOCAL_LIST, .min = 1, .max = 100, .element = &stream_name},
    STREAM("logStreamNamePrefix", 0),
    TIME("startTime"),
    TIME("endTime"),
    {.name = "filterPattern", .type = LOCAL_STRING, .max = 1024},
    TOKEN("nextToken"),
    LIMIT(10000),
    BOOLEAN("interleaved"),
    BOOLEAN("unmask"),
    END};
static const struct local_member put_retention[] = {GROUP("logGroupName", LOCAL_REQUIRED),
                                                    {.name = "retentionInDays",
                                                     .type = LOCAL_INTEGER,
                                                     .flags = LOCAL_REQUIRED},
                                                    END};
static const struct local_member put_policy[] = {
    {.name = "policyName", .type = LOCAL_STRING},
    {.name = "policyDocument", .type = LOCAL_STRING, .min = 1, .max = 51200},
    {.name = "resourceArn", .type = LOCAL_STRING},
    TOKEN("expectedRevisionId"),
    END};
static const char *const scopes[] = {"ACCOUNT", "RESOURCE", NULL};
static const struct local_member describe_policies[] = {
    TOKEN("nextToken"),
    LIMIT(50),
    {.name = "resourceArn", .type = LOCAL_STRING},
    {.name = "policyScope", .type = LOCAL_STRING, .values = scopes},
    END};
static const struct local_member delete_policy[] = {{.name = "policyName", .type = LOCAL_STRING},
                                                    {.name = "resourceArn", .type = LOCAL_STRING},
                                                    TOKEN("expectedRevisionId"),
                                                    END};
static const struct local_member tag_resource[] = {RESOURCE, TAGS(LOCAL_REQUIRED), END};
static const struct local_member untag_resource[] = {RESOURCE,
                                                     {.name = "tagKeys",
                                                      .type = LOCAL_LIST,
                                                      .flags = LOCAL_REQUIRED,
                                                      .max = 50,
                                                      .element = &tag_key},
                                                     END};
static const struct local_member list_tags[] = {RESOURCE, END};
static const struct local_member tag_group[] = {GROUP("logGroupName", LOCAL_REQUIRED),
                                                TAGS(LOCAL_REQUIRED), END};
static const struct local_member untag_group[] = {
    GROUP("logGroupName", LOCAL_REQUIRED),
    {.name = "tags", .type = LOCAL_LIST, .flags = LOCAL_REQUIRED, .min = 1, .element = &tag_key},
    END};

static const struct local_operation operations[] = {
    {"CreateLogGroup", "logs:CreateLogGroup", LOCAL_WRITES, create_group, logs_group_resources,
     logs_create_group},
    {"CreateLogStream", "logs:CreateLogStream", LOCAL_WRITES, one_stream, logs_stream_resources,
     logs_create_stream},
    {"DeleteLogGroup", "logs:DeleteLogGroup", LOCAL_WRITES, one_group, logs_group_resources,
     logs_delete_group},
    {"DeleteLogStream", "logs:DeleteLogStream", LOCAL_WRITES, one_stream, logs_stream_resources,
     logs_delete_stream},
    {"DeleteResourcePolicy", "logs:DeleteResourcePolicy", LOCAL_WRITES, delete_policy, NULL,
     logs_delete_policy},
    {"DeleteRetentionPolicy", "logs:DeleteRetentionPolicy", LOCAL_WRITES, one_group,
     logs_group_resources, logs_delete_retention},
    {"DescribeLogGroups", "logs:DescribeLogGroups", 0, describe_groups, logs_any_resources,
     logs_describe_groups},
    {"DescribeLogStreams", "logs:DescribeLogStreams", 0, describe_streams, logs_group_resources,
     logs_describe_streams},
    {"DescribeResourcePolicies", "logs:DescribeResourcePolicies", 0, describe_policies, NULL,
     logs_describe_policies},
    {"FilterLogEvents", "logs:FilterLogEvents", 0, filter_events, logs_group_resources,
     logs_filter_events},
    {"GetLogEvents", "logs:GetLogEvents", 0, get_events, logs_stream_resources, logs_get_events},
    {"ListTagsForResource", "logs:ListTagsForResource", 0, list_tags, logs_tagged_resources,
     logs_list_tags},
    {"ListTagsLogGroup", "logs:ListTagsLogGroup", 0, one_group, logs_group_resources,
     logs_list_group_tags},
    {"PutLogEvents", "logs:PutLogEvents", LOCAL_WRITES, put_events, logs_stream_resources,
     logs_put_events},
    {"PutResourcePolicy", "logs:PutResourcePolicy", LOCAL_WRITES, put_policy, NULL,
     logs_put_policy},
    {"PutRetentionPolicy", "logs:PutRetentionPolicy", LOCAL_WRITES, put_retention,
     logs_group_resources, logs_put_retention},
    {"TagLogGroup", "logs:TagLogGroup", LOCAL_WRITES, tag_group, logs_group_resources,
     logs_tag_group},
    {"TagResource", "logs:TagResource", LOCAL_WRITES, tag_resource, logs_tagged_resources,
     logs_tag_resource},
    {"UntagLogGroup", "logs:UntagLogGroup", LOCAL_WRITES, untag_group, logs_group_resources,
     logs_untag_group},
    {"UntagResource", "logs:UntagResource", LOCAL_WRITES, untag_resource, logs_tagged_resources,
     logs_untag_resource},
    {.name = NULL},
};

/* Events are data. */
static const struct local_trail trail[] = {{.operation = "PutLogEvents", .flags = TRAIL_DATA},
                                           {.operation = "GetLogEvents", .flags = TRAIL_DATA},
                                           {.operation = "FilterLogEvents", .flags = TRAIL_DATA},
                                           {.operation = NULL}};

const struct local_service logs_service = {
    .name = "logs",
    .target_prefix = "Logs_20140328",
    .protocol = AWS_JSON_1_1,
    .clock_skew_ms = 5 * 60 * 1000,
    .largest_body_bytes = (size_t)3 * 1024 * 1024, /* 1 MB of events, escaped and with times */
    .internal_error = "ServiceUnavailableException",
    .invalid_code = "InvalidParameterException",
    .schema = logs_schema,
    .authorize = logs_authorize,
    .trail = trail,
    .act = logs_act,
    .operations = operations,
};
