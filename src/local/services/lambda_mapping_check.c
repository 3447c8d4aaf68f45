#include "local/services/lambda_mapping_check.h"

#include "aws/arn.h"
#include "aws/event_pattern.h"
#include "base/json.h"
#include "local/role_call.h"
#include "local/services/lambda_mapping.h"

#include <stdlib.h>
#include <string.h>

enum { FILTERS_MOST = 5, PLAIN_BATCH_MOST = 10, FIFO_BATCH_MOST = 10 };

/* --- members (botocore's model of Lambda) ----------------------------------------------------- */

#define NAME_PATTERN                                                                               \
    "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?" \
    "(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
#define ARN_PATTERN                                                                                \
    "arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:([a-z]{2}(-gov)?-[a-z]+-\\d{1})?:(\\d{12})?:(.*)"

static const struct local_member pattern_members[] = {
    {.name = "Pattern", .type = LOCAL_STRING, .max = 4096, .pattern = ".*"}, {.name = NULL}};
static const struct local_member filter = {.type = LOCAL_STRUCTURE, .members = pattern_members};
static const struct local_member criteria_members[] = {
    {.name = "Filters", .type = LOCAL_LIST, .element = &filter}, {.name = NULL}};
static const struct local_member scaling_members[] = {
    {.name = "MaximumConcurrency", .type = LOCAL_INTEGER, .min = 2, .max = 1000}, {.name = NULL}};
static const char *const response_types[] = {"ReportBatchItemFailures", NULL};
static const struct local_member response_type = {.type = LOCAL_STRING, .values = response_types};
static const struct local_member any_text = {.type = LOCAL_STRING};

#define SETTINGS                                                                                   \
    {.name = "Enabled", .type = LOCAL_BOOLEAN},                                                    \
        {.name = "BatchSize", .type = LOCAL_INTEGER, .min = 1, .max = 10000},                      \
        {.name = "FilterCriteria", .type = LOCAL_STRUCTURE, .members = criteria_members},          \
        {.name = "MaximumBatchingWindowInSeconds", .type = LOCAL_INTEGER, .max = 300},             \
        {.name = "FunctionResponseTypes",                                                          \
         .type = LOCAL_LIST,                                                                       \
         .max = 1,                                                                                 \
         .element = &response_type},                                                               \
    {                                                                                              \
        .name = "ScalingConfig", .type = LOCAL_STRUCTURE, .members = scaling_members               \
    }
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

const struct local_member lambda_create_mapping_members[] = {
    {.name = "EventSourceArn", .type = LOCAL_STRING, .pattern = ARN_PATTERN},
    {.name = "FunctionName",
     .type = LOCAL_STRING,
     .flags = LOCAL_REQUIRED,
     .min = 1,
     .max = 256,
     .pattern = NAME_PATTERN},
    SETTINGS,
    {.name = "Tags", .type = LOCAL_MAP, .element = &any_text}, /* refused when there are any */
    END};
const struct local_member lambda_update_mapping_members[] = {
    {.name = "UUID", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED},
    {.name = "FunctionName", .type = LOCAL_STRING, .min = 1, .max = 256, .pattern = NAME_PATTERN},
    SETTINGS,
    END};
const struct local_member lambda_mapping_members[] = {
    {.name = "UUID", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED}, END};
const struct local_member lambda_list_mappings_members[] = {
    {.name = "EventSourceArn", .type = LOCAL_STRING, .pattern = ARN_PATTERN},
    {.name = "FunctionName", .type = LOCAL_STRING, .min = 1, .max = 256, .pattern = NAME_PATTERN},
    {.name = "Marker", .type = LOCAL_STRING},
    {.name = "MaxItems", .type = LOCAL_INTEGER, .min = 1, .max = 10000},
    END};

/* --- the source ------------------------------------------------------------------------------- */

static enum local_result invalid(struct local_call *call, const char *text)
{
    return local_fail(call, "InvalidParameterValueException", "%s", text);
}

const char *lambda_mapping_kept_arn(struct local_call *call, const char *arn)
{
    const char *lead = arena_printf(call->arena, "arn:%s:", call->partition);
    return text_starts(arn, lead) ? arena_printf(call->arena, "arn:aws:%s", arn + strlen(lead))
                                  : arn;
}

enum local_result lambda_mapping_check_members(struct local_call *call)
{
    static const char *const of_streams[] = {"StartingPosition",
                                             "StartingPositionTimestamp",
                                             "ParallelizationFactor",
                                             "BisectBatchOnFunctionError",
                                             "MaximumRecordAgeInSeconds",
                                             "MaximumRetryAttempts",
                                             "TumblingWindowInSeconds",
                                             "Topics",
                                             "Queues",
                                             "SourceAccessConfigurations",
                                             "SelfManagedEventSource",
                                             "DocumentDBEventSourceConfig",
                                             "DestinationConfig",
                                             NULL};
    static const char *const unknown[] = {"Tags",
                                          "KMSKeyArn",
                                          "MetricsConfig",
                                          "LoggingConfig",
                                          "ProvisionedPollerConfig",
                                          "AmazonManagedKafkaEventSourceConfig",
                                          "SelfManagedKafkaEventSourceConfig",
                                          NULL};
    for (size_t i = 0; unknown[i]; i++) /* never ignored */
        if (json_object_size(local_value(call, unknown[i])) || local_text(call, unknown[i]))
            return local_fail(call, "InvalidParameterValueException", "%s is not supported here.",
                              unknown[i]);
    for (size_t i = 0; of_streams[i]; i++)
        if (local_value(call, of_streams[i])) /* observed for StartingPosition, else (K) */
            return local_fail(call, "InvalidParameterValueException",
                              "%s is not valid for SQS event sources.", of_streams[i]);
    return LOCAL_OK;
}

enum local_result lambda_mapping_check_source(struct local_call *call, const char *source)
{
    struct arn arn;
    if (!source)
        return invalid(call, "Unrecognized event source.");
    if (arn_parse(source, strlen(source), &arn) != 0 || !text_is(arn.service, "sqs") ||
        !text_is(arn.partition, call->partition))
        return local_fail(call, "InvalidParameterValueException",
                          "Unrecognized event source, must be kinesis, dynamodb stream or sqs. "
                          "Unsupported source arn : %s",
                          source);
    return lambda_mapping_check_members(call);
}

/* --- settings --------------------------------------------------------------------------------- */

const char *lambda_mapping_filters(struct local_call *call, const json_t *criteria)
{
    const json_t *filters = json_object_get(criteria, "Filters");
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(filters); i++)
        json_array_append_new(list,
                              json_string(json_text_or(json_array_get(filters, i), "Pattern", "")));
    char *text = json_array_size(list) ? json_dumps(list, JSON_COMPACT) : NULL;
    const char *kept = text ? arena_strdup(call->arena, text) : NULL;
    free(text);
    json_decref(list);
    return kept;
}

static enum local_result check_filters(struct local_call *call, const char *filters)
{
    json_t *list = filters ? json_read(filters, strlen(filters), NULL) : NULL;
    enum local_result result = LOCAL_OK;
    if (json_array_size(list) > FILTERS_MOST) /* the quota that everybody has; text (K) */
        result = local_fail(call, "InvalidParameterValueException",
                            "The number of filters exceeds the maximum of %d.", FILTERS_MOST);
    for (size_t i = 0; result == LOCAL_OK && i < json_array_size(list); i++) {
        const json_t *pattern = json_array_get(list, i);
        const char *why;
        if (!event_pattern_parse(call->arena, json_string_value(pattern),
                                 json_string_length(pattern), &why))
            result = invalid(call, "Invalid filter pattern definition.");
    }
    json_decref(list);
    return result;
}

static enum local_result check_sizes(struct local_call *call, const struct lambda_mapping *mapping)
{
    bool fifo = lambda_mapping_is_fifo(mapping->source_arn);
    if (fifo && mapping->window_s > 0)
        return invalid(call, "Batching window is not supported for FIFO queues");
    if (fifo && mapping->batch_size > FIFO_BATCH_MOST) /* (K) */
        return invalid(call, "Batch size must not exceed 10 for FIFO queues");
    if (mapping->batch_size > PLAIN_BATCH_MOST && mapping->window_s == 0)
        return invalid(call, "Maximum batch window in seconds must be greater than 0 if maximum "
                             "batch size is greater than 10");
    return LOCAL_OK;
}

/* --- the queue -------------------------------------------------------------------------------- */

static enum local_result no_queue(struct local_call *call)
{
    return invalid(call, "Error occurred while ReceiveMessage. SQS Error Code: "
                         "AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The "
                         "specified queue does not exist.");
}

static enum local_result not_permitted(struct local_call *call, const char *operation)
{
    return local_fail(call, "InvalidParameterValueException",
                      "The provided execution role does not have permissions to call %s on SQS",
                      operation);
}

static enum local_result check_visibility(struct local_call *call, struct role_call *role,
                                          const json_t *input,
                                          const struct lambda_function *function)
{
    int64_t visibility_s = 0, timeout_s = function->timeout_ms / 1000;
    if (role_call(role, "sqs", "GetQueueAttributes", input) != LOCAL_OK)
        return no_queue(call);
    const char *text = json_text(json_object_get(role->answer, "Attributes"), "VisibilityTimeout");
    if (text)
        text_to_int64(text, strlen(text), &visibility_s);
    json_decref(role->answer);
    if (visibility_s >= timeout_s)
        return LOCAL_OK;
    return local_fail(call, "InvalidParameterValueException",
                      "Queue visibility timeout: %lld seconds is less than Function timeout: %lld "
                      "seconds",
                      (long long)visibility_s, (long long)timeout_s);
}

static enum local_result check_queue(struct local_call *call, struct role_call *role,
                                     const struct lambda_mapping *mapping,
                                     const struct lambda_function *function)
{
    static const char *const needed[] = {"ReceiveMessage", "DeleteMessage", "GetQueueAttributes",
                                         NULL};
    struct arn arn;
    enum local_result result = LOCAL_OK;
    if (arn_parse(mapping->source_arn, strlen(mapping->source_arn), &arn) != 0)
        return no_queue(call);
    json_t *input = json_object();
    json_object_set_new(input, "QueueUrl",
                        json_sprintf("http://localhost/%.*s/%.*s", (int)arn.account.len,
                                     arn.account.data, (int)arn.resource.len, arn.resource.data));
    json_object_set_new(input, "AttributeNames", json_pack("[s]", "VisibilityTimeout"));
    for (size_t i = 0; result == LOCAL_OK && needed[i]; i++)
        if (role_call_may(role, "sqs", needed[i], input, local_shown(call, mapping->source_arn)) !=
            LOCAL_OK)
            result = role->failure.code && strcmp(role->failure.code, "QueueDoesNotExist") == 0
                         ? no_queue(call)
                         : not_permitted(call, needed[i]);
    if (result == LOCAL_OK && !text_is(arn.region, call->region))
        result = no_queue(call);
    if (result == LOCAL_OK)
        result = check_visibility(call, role, input, function);
    json_decref(input);
    return result;
}

enum local_result lambda_mapping_check(struct local_call *call,
                                       const struct lambda_mapping *mapping,
                                       const struct lambda_function *function)
{
    struct role_session session;
    if (check_sizes(call, mapping) != LOCAL_OK || check_filters(call, mapping->filters) != LOCAL_OK)
        return LOCAL_FAILED;
    if (role_session_open(call->local, call->store, call->arena, function->role_arn,
                          "lambda.amazonaws.com", function->name, &session) != 0)
        return not_permitted(call, "ReceiveMessage");
    struct role_call role = {.local = call->local,
                             .store = call->store,
                             .arena = call->arena,
                             .session = &session,
                             .region = call->region};
    enum local_result result = check_queue(call, &role, mapping, function);
    role_session_done(&session);
    return result;
}
