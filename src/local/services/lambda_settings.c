#include "local/services/lambda_parts.h"

#include "aws/arn.h"
#include "local/service_role.h"
#include "local/services/iam.h"

#include <stdlib.h>
#include <string.h>

enum { ENVIRONMENT_MAX = 4096 };
static const char service_principal[] = "lambda.amazonaws.com";

/* --- what is refused ---------------------------------------------------------------------------
 */

static bool is_given(const json_t *value)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_NULL:
        return false;
    case JSON_OBJECT:
        return json_object_size(value) > 0;
    case JSON_ARRAY:
        return json_array_size(value) > 0;
    case JSON_STRING:
        return json_string_length(value) > 0;
    default:
        return true;
    }
}

/* What AWS would carry out and this server cannot is refused, never ignored. */
static enum local_result refuse_unsupported(struct local_call *call)
{
    static const char *const members[] = {"Layers",        "FileSystemConfigs",
                                          "ImageConfig",   "KMSKeyArn",
                                          "DurableConfig", "CapacityProviderConfig",
                                          "TenancyConfig", "CodeSigningConfigArn",
                                          "PublishTo",     NULL};
    for (const char *const *member = members; *member; member++)
        if (is_given(local_value(call, *member)))
            return lambda_invalid(call, "%s is not supported here.", *member);
    const json_t *vpc = local_value(call, "VpcConfig");
    if (is_given(json_object_get(vpc, "SubnetIds")) ||
        is_given(json_object_get(vpc, "SecurityGroupIds")))
        return lambda_invalid(call, "VpcConfig is not supported here.");
    const char *snap = json_text_or(local_value(call, "SnapStart"), "ApplyOn", "None");
    if (strcmp(snap, "None") != 0)
        return lambda_invalid(call, "%s is not supported for SnapStart enabled functions.",
                              local_text(call, "Runtime") ? local_text(call, "Runtime")
                                                          : "provided.al2023");
    if (strcmp(json_text_or(call->input, "PackageType", "Zip"), "Zip") != 0)
        return lambda_invalid(call, "Functions of the package type Image are not supported here: "
                                    "send a zip file.");
    return LOCAL_OK;
}

/* Runtimes that AWS runs and this server does not. */
static bool is_managed(const char *runtime)
{
    static const char *const families[] = {"nodejs", "python", "java", "dotnet", "ruby", NULL};
    for (const char *const *family = families; *family; family++)
        if (text_starts(runtime, *family))
            return true;
    return false;
}

static enum local_result check_runtime(struct local_call *call)
{
    const char *runtime = local_text(call, "Runtime");
    if (!runtime || strcmp(runtime, "provided.al2023") == 0 || strcmp(runtime, "provided.al2") == 0)
        return LOCAL_OK;
    if (strcmp(runtime, "provided") == 0 || strcmp(runtime, "go1.x") == 0)
        return lambda_invalid(call,
                              "The runtime parameter of %s is no longer supported for "
                              "creating or updating AWS Lambda functions. We recommend you "
                              "use a supported runtime while creating or updating functions.",
                              runtime);
    if (is_managed(runtime))
        return lambda_invalid(call,
                              "The runtime parameter of %s is not supported here: this "
                              "server runs provided.al2023 and provided.al2, programs that "
                              "bring their own runtime.",
                              runtime);
    return lambda_invalid(call,
                          "Value %s at 'runtime' failed to satisfy constraint: Member must "
                          "satisfy enum value set: [provided.al2023, provided.al2] or be a "
                          "valid ARN",
                          runtime);
}

/* --- the role ----------------------------------------------------------------------------------
 */

enum local_result lambda_check_role(struct local_call *call, const char *role_arn)
{
    struct arn arn;
    if (arn_parse(role_arn, strlen(role_arn), &arn) != 0 || !text_is(arn.account, call->account))
        return local_fail(call, "AccessDeniedException", "Cross-account pass role is not allowed.");
    if (iam_pass_role(call, role_arn, service_principal) != LOCAL_OK)
        return LOCAL_FAILED;
    struct iam_role role;
    if (iam_role_find(call->store, call->arena, role_arn, &role) != LOCAL_OK ||
        !service_role_trusts(call->arena, &role, service_principal))
        return lambda_invalid(call, "The role defined for the function cannot be assumed by "
                                    "Lambda.");
    return LOCAL_OK;
}

/* What is done to a target, by the service of its ARN. */
static const struct {
    const char *service, *action, *call, *shown;
    bool dead_letter; /* may be one; all may be destinations */
} targets[] = {
    {"sqs", "sqs:SendMessage", "SendMessage", "SQS", true},
    {"lambda", "lambda:InvokeFunction", "InvokeFunction", "Lambda", false},
    {"events", "events:PutEvents", "PutEvents", "EventBridge", false},
};

enum local_result lambda_check_target(struct local_call *call, const char *role_arn,
                                      const char *target_arn, bool destination)
{
    struct arn arn;
    size_t i = 0, count = sizeof targets / sizeof *targets;
    if (arn_parse(target_arn, strlen(target_arn), &arn) == 0)
        while (i < count && !text_is(arn.service, targets[i].service))
            i++;
    if (!arn.service.data || i == count || (!destination && !targets[i].dead_letter))
        return lambda_invalid(call, "The provided %s ARN %s is not supported here.",
                              destination ? "destination config DestinationArn" : "target",
                              target_arn);
    struct iam_role role;
    if (iam_role_find(call->store, call->arena, role_arn, &role) != LOCAL_OK ||
        !service_role_allows(call->store, call->arena, &role, targets[i].action, target_arn))
        return lambda_invalid(call,
                              "The provided execution role does not have permissions to call "
                              "%s on %s",
                              targets[i].call, targets[i].shown);
    return LOCAL_OK;
}

/* --- the environment ---------------------------------------------------------------------------
 */

/* Lambda Developer Guide, "Reserved environment variables". */
static bool is_reserved(const char *name)
{
    static const char *const names[] = {"_HANDLER",
                                        "_X_AMZN_TRACE_ID",
                                        "AWS_DEFAULT_REGION",
                                        "AWS_REGION",
                                        "AWS_EXECUTION_ENV",
                                        "AWS_LAMBDA_FUNCTION_NAME",
                                        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                                        "AWS_LAMBDA_FUNCTION_VERSION",
                                        "AWS_LAMBDA_INITIALIZATION_TYPE",
                                        "AWS_LAMBDA_LOG_GROUP_NAME",
                                        "AWS_LAMBDA_LOG_STREAM_NAME",
                                        "AWS_ACCESS_KEY",
                                        "AWS_ACCESS_KEY_ID",
                                        "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN",
                                        "AWS_LAMBDA_RUNTIME_API",
                                        "LAMBDA_TASK_ROOT",
                                        "LAMBDA_RUNTIME_DIR",
                                        NULL};
    for (const char *const *at = names; *at; at++)
        if (strcmp(*at, name) == 0)
            return true;
    return false;
}

static enum local_result check_variables(struct local_call *call, const json_t *variables)
{
    const char *name, *reserved = "";
    json_t *value;
    json_object_foreach((json_t *)variables, name, value)
    {
        if (local_regex("[a-zA-Z]([a-zA-Z0-9_])+", name, strlen(name), false) != 1 &&
            !is_reserved(name))
            return local_fail(call, "ValidationException",
                              "1 validation error detected: Value at 'environment.variables' "
                              "failed to satisfy constraint: Map keys must satisfy constraint: "
                              "[Member must satisfy regular expression pattern: "
                              "[a-zA-Z]([a-zA-Z0-9_])+]");
        if (strlen(json_string_value(value)) != json_string_length(value))
            return lambda_invalid(call, "Environment variables cannot hold NUL bytes.");
        if (is_reserved(name))
            reserved = arena_printf(call->arena, "%s%s%s", reserved, *reserved ? ", " : "", name);
    }
    if (*reserved)
        return lambda_invalid(call,
                              "Lambda was unable to configure your environment variables "
                              "because the environment variables you have provided contains "
                              "reserved keys that are currently not supported for "
                              "modification. Reserved keys used in this request: %s",
                              reserved);
    char *text = json_dumps(variables, JSON_COMPACT);
    size_t size = text ? strlen(text) : 0;
    explicit_bzero(text, size);
    free(text);
    if (size > ENVIRONMENT_MAX) /* AWS goes on with the variables themselves: not here */
        return lambda_invalid(call, "Lambda was unable to configure your environment variables "
                                    "because the environment variables you have provided exceeded "
                                    "the 4KB limit.");
    return LOCAL_OK;
}

enum local_result lambda_read_variables(struct local_call *call, json_t **variables, bool *given)
{
    const json_t *environment = local_value(call, "Environment");
    const json_t *found = json_object_get(environment, "Variables");
    *given = environment != NULL;
    *variables = NULL;
    if (!json_object_size(found))
        return LOCAL_OK;
    if (check_variables(call, found) != LOCAL_OK)
        return LOCAL_FAILED;
    *variables = json_incref((json_t *)found);
    return LOCAL_OK;
}

/* --- all of them -------------------------------------------------------------------------------
 */

/* A value without what its table does not have, and without what is null: a new reference. */
static json_t *known(const struct local_member *member, const json_t *value)
{
    if (member->type != LOCAL_STRUCTURE)
        return json_incref((json_t *)value);
    json_t *kept = json_object();
    for (const struct local_member *at = member->members; at->name; at++) {
        const json_t *part = json_object_get(value, at->name);
        if (part && !json_is_null(part))
            json_object_set_new(kept, at->name, known(at, part));
    }
    return kept;
}

json_t *lambda_known(struct local_call *call, const char *name)
{
    const json_t *value = local_value(call, name);
    const struct local_member *at = call->operation->input;
    while (value && at->name && strcmp(at->name, name) != 0)
        at++;
    return value && at->name ? known(at, value) : NULL;
}

static void take(struct local_call *call, json_t *config, const char *member)
{
    json_t *value = lambda_known(call, member);
    if (value)
        json_object_set_new(config, member, value);
}

/* Members that are structures are put in member by member. */
static void take_parts(struct local_call *call, json_t *config, const char *member)
{
    json_t *value = lambda_known(call, member), *there = json_object_get(config, member);
    if (value && json_is_object(there))
        json_object_update(there, value);
    else if (value)
        json_object_set(config, member, value);
    json_decref(value);
}

static enum local_result take_dead_letter(struct local_call *call, json_t *config)
{
    const json_t *given = local_value(call, "DeadLetterConfig");
    const char *target = json_text_or(given, "TargetArn", "");
    if (!given)
        return LOCAL_OK;
    if (!*target) { /* an empty one takes away what there is */
        json_object_del(config, "DeadLetterConfig");
        return LOCAL_OK;
    }
    if (lambda_check_target(call, json_text(config, "Role"), target, false) != LOCAL_OK)
        return LOCAL_FAILED;
    take(call, config, "DeadLetterConfig");
    return LOCAL_OK;
}

enum local_result lambda_apply_settings(struct local_call *call, json_t *config)
{
    static const char *const plain[] = {"Runtime",          "Role",
                                        "Handler",          "Description",
                                        "Timeout",          "MemorySize",
                                        "TracingConfig",    "Architectures",
                                        "EphemeralStorage", NULL};
    const char *role = local_text(call, "Role");
    if (refuse_unsupported(call) != LOCAL_OK || check_runtime(call) != LOCAL_OK ||
        (role && lambda_check_role(call, role) != LOCAL_OK))
        return LOCAL_FAILED;
    for (const char *const *member = plain; *member; member++)
        take(call, config, *member);
    take_parts(call, config, "LoggingConfig");
    const char *architecture =
        json_string_value(json_array_get(json_object_get(config, "Architectures"), 0));
    if (architecture && strcmp(architecture, "x86_64") != 0)
        return lambda_invalid(call, "The architecture %s is not supported here.", architecture);
    return take_dead_letter(call, config);
}
