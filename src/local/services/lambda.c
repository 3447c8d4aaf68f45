#include "local/services/lambda_parts.h"

#include "local/lambda_mapping.h"
#include "local/services/lambda_mapping.h"

const char lambda_schema[] =
    "CREATE TABLE IF NOT EXISTS lambda_function (id INTEGER PRIMARY KEY, account TEXT NOT NULL,"
    " region TEXT NOT NULL, name TEXT NOT NULL, last_version BIGINT NOT NULL, reserved BIGINT,"
    " tags TEXT NOT NULL, UNIQUE (account, region, name));"
    "CREATE TABLE IF NOT EXISTS lambda_version (function BIGINT NOT NULL, number BIGINT NOT NULL,"
    " config TEXT NOT NULL, environment BLOB, code TEXT NOT NULL, code_size BIGINT NOT NULL,"
    " revision TEXT NOT NULL, modified_ms BIGINT NOT NULL, active_ms BIGINT NOT NULL,"
    " updated_ms BIGINT NOT NULL, PRIMARY KEY (function, number));"
    "CREATE INDEX IF NOT EXISTS lambda_version_code ON lambda_version (code);"
    "CREATE TABLE IF NOT EXISTS lambda_code (sha256 TEXT PRIMARY KEY, zip BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS lambda_alias (function BIGINT NOT NULL, name TEXT NOT NULL,"
    " version BIGINT NOT NULL, description TEXT NOT NULL, revision TEXT NOT NULL,"
    " PRIMARY KEY (function, name));"
    "CREATE TABLE IF NOT EXISTS lambda_policy (function BIGINT NOT NULL, qualifier TEXT NOT NULL,"
    " policy TEXT NOT NULL, revision TEXT NOT NULL, PRIMARY KEY (function, qualifier));"
    "CREATE TABLE IF NOT EXISTS lambda_event_config (function BIGINT NOT NULL,"
    " qualifier TEXT NOT NULL, config TEXT NOT NULL, modified_ms BIGINT NOT NULL,"
    " PRIMARY KEY (function, qualifier));";

/* --- on the wire ------------------------------------------------------------------------------ */

static const char *const qualifier[] = {"Qualifier=query:Qualifier", NULL};
static const char *const page[] = {"Marker=query:Marker", "MaxItems=query:MaxItems", NULL};
static const char *const list[] = {"Marker=query:Marker", "MaxItems=query:MaxItems",
                                   "MasterRegion=query:MasterRegion",
                                   "FunctionVersion=query:FunctionVersion", NULL};
static const char *const list_aliases[] = {"Marker=query:Marker", "MaxItems=query:MaxItems",
                                           "FunctionVersion=query:FunctionVersion", NULL};
static const char *const remove_permission[] = {"Qualifier=query:Qualifier",
                                                "RevisionId=query:RevisionId", NULL};
static const char *const list_mappings[] = {"EventSourceArn=query:EventSourceArn",
                                            "FunctionName=query:FunctionName",
                                            "Marker=query:Marker", "MaxItems=query:MaxItems", NULL};
static const char *const tag_keys[] = {"TagKeys=query:tagKeys", NULL};
static const char *const invoke[] = {"Qualifier=query:Qualifier",
                                     "InvocationType=header:X-Amz-Invocation-Type",
                                     "LogType=header:X-Amz-Log-Type",
                                     "ClientContext=header:X-Amz-Client-Context",
                                     "DurableExecutionName=header:X-Amz-Durable-Execution-Name",
                                     "TenantId=header:X-Amz-Tenant-Id",
                                     "Payload=payload",
                                     NULL};
static const char *const invoked[] = {"StatusCode=status",
                                      "FunctionError=header:X-Amz-Function-Error",
                                      "LogResult=header:X-Amz-Log-Result",
                                      "ExecutedVersion=header:X-Amz-Executed-Version",
                                      "Payload=payload",
                                      NULL};
static const char *const deleted[] = {"StatusCode=status", NULL};

#define MAPPINGS  "/2015-03-31/event-source-mappings"
#define FUNCTIONS "/2015-03-31/functions"
#define FUNCTION  FUNCTIONS "/{FunctionName}"
#define EVENTS    "/2019-09-25/functions/{FunctionName}/event-invoke-config"
#define TAGS      "/2017-03-31/tags/{Resource}"

static const struct local_rest rest[] = {
    {"AddPermission", "POST", FUNCTION "/policy", 201, qualifier, NULL, 0},
    {"CreateAlias", "POST", FUNCTION "/aliases", 201, NULL, NULL, 0},
    {"CreateEventSourceMapping", "POST", MAPPINGS, 202, NULL, NULL, 0},
    {"CreateFunction", "POST", FUNCTIONS, 201, NULL, NULL, LAMBDA_REQUEST_MAX},
    {"DeleteAlias", "DELETE", FUNCTION "/aliases/{Name}", 204, NULL, NULL, 0},
    {"DeleteEventSourceMapping", "DELETE", MAPPINGS "/{UUID}", 202, NULL, NULL, 0},
    {"DeleteFunction", "DELETE", FUNCTION, 204, qualifier, deleted, 0},
    {"DeleteFunctionConcurrency", "DELETE", "/2017-10-31/functions/{FunctionName}/concurrency", 204,
     NULL, NULL, 0},
    {"DeleteFunctionEventInvokeConfig", "DELETE", EVENTS, 204, qualifier, NULL, 0},
    {"GetAccountSettings", "GET", "/2016-08-19/account-settings", 0, NULL, NULL, 0},
    {"GetAlias", "GET", FUNCTION "/aliases/{Name}", 0, NULL, NULL, 0},
    {"GetEventSourceMapping", "GET", MAPPINGS "/{UUID}", 0, NULL, NULL, 0},
    {"GetFunction", "GET", FUNCTION, 0, qualifier, NULL, 0},
    {"GetFunctionConcurrency", "GET", "/2019-09-30/functions/{FunctionName}/concurrency", 0, NULL,
     NULL, 0},
    {"GetFunctionConfiguration", "GET", FUNCTION "/configuration", 0, qualifier, NULL, 0},
    {"GetFunctionEventInvokeConfig", "GET", EVENTS, 0, qualifier, NULL, 0},
    {"GetPolicy", "GET", FUNCTION "/policy", 0, qualifier, NULL, 0},
    {"Invoke", "POST", FUNCTION "/invocations", 0, invoke, invoked, 6 * 1024 * 1024},
    {"ListAliases", "GET", FUNCTION "/aliases", 0, list_aliases, NULL, 0},
    {"ListEventSourceMappings", "GET", MAPPINGS, 0, list_mappings, NULL, 0},
    {"ListFunctionEventInvokeConfigs", "GET", EVENTS "/list", 0, page, NULL, 0},
    {"ListFunctions", "GET", FUNCTIONS, 0, list, NULL, 0},
    {"ListTags", "GET", TAGS, 0, NULL, NULL, 0},
    {"ListVersionsByFunction", "GET", FUNCTION "/versions", 0, page, NULL, 0},
    {"PublishVersion", "POST", FUNCTION "/versions", 201, NULL, NULL, 0},
    {"PutFunctionConcurrency", "PUT", "/2017-10-31/functions/{FunctionName}/concurrency", 0, NULL,
     NULL, 0},
    {"PutFunctionEventInvokeConfig", "PUT", EVENTS, 0, qualifier, NULL, 0},
    {"RemovePermission", "DELETE", FUNCTION "/policy/{StatementId}", 204, remove_permission, NULL,
     0},
    {"TagResource", "POST", TAGS, 204, NULL, NULL, 0},
    {"UntagResource", "DELETE", TAGS, 204, tag_keys, NULL, 0},
    {"UpdateAlias", "PUT", FUNCTION "/aliases/{Name}", 0, NULL, NULL, 0},
    {"UpdateEventSourceMapping", "PUT", MAPPINGS "/{UUID}", 202, NULL, NULL, 0},
    {"UpdateFunctionCode", "PUT", FUNCTION "/code", 0, NULL, NULL, LAMBDA_REQUEST_MAX},
    {"UpdateFunctionConfiguration", "PUT", FUNCTION "/configuration", 0, NULL, NULL, 0},
    {"UpdateFunctionEventInvokeConfig", "POST", EVENTS, 0, qualifier, NULL, 0},
    {.operation = NULL},
};

/* As the model has them. */
static const struct local_fault faults[] = {
    {"CodeStorageExceededException", 400, "message", NULL},
    {"InvalidParameterValueException", 400, "message", NULL},
    {"InvalidRequestContentException", 400, "message", NULL},
    {"PolicyLengthExceededException", 400, "message", NULL},
    {"PreconditionFailedException", 412, "message", NULL},
    {"RequestTooLargeException", 413, "message", NULL},
    {"ResourceConflictException", 409, "message", NULL},
    {"ResourceNotFoundException", 404, "Message", NULL},
    {"ResourceNotReadyException", 502, "message", NULL},
    {"ServiceException", 500, "Message", NULL},
    {"TooManyRequestsException", 429, "message", "CallerRateLimitExceeded"},
    {.code = NULL},
};

/* --- operations ------------------------------------------------------------------------------- */

static const struct local_operation operations[] = {
    {"AddPermission", "lambda:AddPermission", LOCAL_WRITES, lambda_in_add_permission,
     lambda_resources, lambda_add_permission},
    {"CreateAlias", "lambda:CreateAlias", LOCAL_WRITES, lambda_in_create_alias, lambda_resources,
     lambda_create_alias},
    {"CreateEventSourceMapping", "lambda:CreateEventSourceMapping", LOCAL_WRITES,
     lambda_create_mapping_members, NULL, lambda_create_mapping},
    {"CreateFunction", "lambda:CreateFunction", LOCAL_WRITES, lambda_in_create, lambda_resources,
     lambda_create_function},
    {"DeleteAlias", "lambda:DeleteAlias", LOCAL_WRITES, lambda_in_alias, lambda_resources,
     lambda_delete_alias},
    {"DeleteEventSourceMapping", "lambda:DeleteEventSourceMapping", LOCAL_WRITES,
     lambda_mapping_members, lambda_mapping_resources, lambda_delete_mapping},
    {"DeleteFunction", "lambda:DeleteFunction", LOCAL_WRITES, lambda_in_function, lambda_resources,
     lambda_delete_function},
    {"DeleteFunctionConcurrency", "lambda:DeleteFunctionConcurrency", LOCAL_WRITES,
     lambda_in_plain_function, lambda_resources, lambda_delete_concurrency},
    {"DeleteFunctionEventInvokeConfig", "lambda:DeleteFunctionEventInvokeConfig", LOCAL_WRITES,
     lambda_in_function, lambda_resources, lambda_delete_event_config},
    {"GetAccountSettings", "lambda:GetAccountSettings", 0, NULL, NULL, lambda_account_settings},
    {"GetAlias", "lambda:GetAlias", 0, lambda_in_alias, lambda_resources, lambda_get_alias},
    {"GetEventSourceMapping", "lambda:GetEventSourceMapping", 0, lambda_mapping_members,
     lambda_mapping_resources, lambda_get_mapping},
    {"GetFunction", "lambda:GetFunction", 0, lambda_in_function, lambda_resources,
     lambda_get_function},
    {"GetFunctionConcurrency", "lambda:GetFunctionConcurrency", 0, lambda_in_plain_function,
     lambda_resources, lambda_get_concurrency},
    {"GetFunctionConfiguration", "lambda:GetFunctionConfiguration", 0, lambda_in_function,
     lambda_resources, lambda_get_configuration},
    {"GetFunctionEventInvokeConfig", "lambda:GetFunctionEventInvokeConfig", 0, lambda_in_function,
     lambda_resources, lambda_get_event_config},
    {"GetPolicy", "lambda:GetPolicy", 0, lambda_in_function, lambda_resources, lambda_get_policy},
    {"Invoke", "lambda:InvokeFunction", 0, lambda_in_invoke, lambda_resources, lambda_invoke},
    {"ListAliases", "lambda:ListAliases", 0, lambda_in_list_aliases, lambda_resources,
     lambda_list_aliases},
    {"ListEventSourceMappings", "lambda:ListEventSourceMappings", 0, lambda_list_mappings_members,
     NULL, lambda_list_mappings},
    {"ListFunctionEventInvokeConfigs", "lambda:ListFunctionEventInvokeConfigs", 0,
     lambda_in_list_event_configs, lambda_resources, lambda_list_event_configs},
    {"ListFunctions", "lambda:ListFunctions", 0, lambda_in_list, NULL, lambda_list_functions},
    {"ListTags", "lambda:ListTags", 0, lambda_in_list_tags, lambda_tagged_resources,
     lambda_list_tags},
    {"ListVersionsByFunction", "lambda:ListVersionsByFunction", 0, lambda_in_list_versions,
     lambda_resources, lambda_list_versions},
    {"PublishVersion", "lambda:PublishVersion", LOCAL_WRITES, lambda_in_publish, lambda_resources,
     lambda_publish_version},
    {"PutFunctionConcurrency", "lambda:PutFunctionConcurrency", LOCAL_WRITES,
     lambda_in_put_concurrency, lambda_resources, lambda_put_concurrency},
    {"PutFunctionEventInvokeConfig", "lambda:PutFunctionEventInvokeConfig", LOCAL_WRITES,
     lambda_in_event_config, lambda_resources, lambda_put_event_config},
    {"RemovePermission", "lambda:RemovePermission", LOCAL_WRITES, lambda_in_remove_permission,
     lambda_resources, lambda_remove_permission},
    {"TagResource", "lambda:TagResource", LOCAL_WRITES, lambda_in_tag, lambda_tagged_resources,
     lambda_tag},
    {"UntagResource", "lambda:UntagResource", LOCAL_WRITES, lambda_in_untag,
     lambda_tagged_resources, lambda_untag},
    {"UpdateAlias", "lambda:UpdateAlias", LOCAL_WRITES, lambda_in_update_alias, lambda_resources,
     lambda_update_alias},
    {"UpdateEventSourceMapping", "lambda:UpdateEventSourceMapping", LOCAL_WRITES,
     lambda_update_mapping_members, lambda_mapping_resources, lambda_update_mapping},
    {"UpdateFunctionCode", "lambda:UpdateFunctionCode", LOCAL_WRITES, lambda_in_update_code,
     lambda_resources, lambda_update_code},
    {"UpdateFunctionConfiguration", "lambda:UpdateFunctionConfiguration", LOCAL_WRITES,
     lambda_in_update_configuration, lambda_resources, lambda_update_configuration},
    {"UpdateFunctionEventInvokeConfig", "lambda:UpdateFunctionEventInvokeConfig", LOCAL_WRITES,
     lambda_in_event_config, lambda_resources, lambda_update_event_config},
    {.name = NULL},
};

/* CloudTrail calls most of them by the API's date (Lambda Developer Guide, "Logging AWS Lambda API
 * calls using AWS CloudTrail"); the others that way too (K). Invoke is a data event. */
static const struct local_trail trail[] = {
    {.operation = "Invoke", .flags = TRAIL_DATA},
    {.operation = "AddPermission", .event = "AddPermission20150331v2"},
    {.operation = "CreateAlias", .event = "CreateAlias20150331"},
    {.operation = "CreateEventSourceMapping", .event = "CreateEventSourceMapping20150331"},
    {.operation = "CreateFunction", .event = "CreateFunction20150331"},
    {.operation = "DeleteAlias", .event = "DeleteAlias20150331"},
    {.operation = "DeleteEventSourceMapping", .event = "DeleteEventSourceMapping20150331"},
    {.operation = "DeleteFunction", .event = "DeleteFunction20150331"},
    {.operation = "DeleteFunctionConcurrency", .event = "DeleteFunctionConcurrency20171031"},
    {.operation = "GetAccountSettings", .event = "GetAccountSettings20160819"},
    {.operation = "GetAlias", .event = "GetAlias20150331"},
    {.operation = "GetEventSourceMapping", .event = "GetEventSourceMapping20150331"},
    {.operation = "GetFunction", .event = "GetFunction20150331v2"},
    {.operation = "GetFunctionConfiguration", .event = "GetFunctionConfiguration20150331v2"},
    {.operation = "GetPolicy", .event = "GetPolicy20150331v2"},
    {.operation = "ListAliases", .event = "ListAliases20150331"},
    {.operation = "ListEventSourceMappings", .event = "ListEventSourceMappings20150331"},
    {.operation = "ListFunctions", .event = "ListFunctions20150331"},
    {.operation = "ListTags", .event = "ListTags20170331"},
    {.operation = "ListVersionsByFunction", .event = "ListVersionsByFunction20150331"},
    {.operation = "PublishVersion", .event = "PublishVersion20150331"},
    {.operation = "PutFunctionConcurrency", .event = "PutFunctionConcurrency20171031"},
    {.operation = "RemovePermission", .event = "RemovePermission20150331v2"},
    {.operation = "TagResource", .event = "TagResource20170331v2"},
    {.operation = "UntagResource", .event = "UntagResource20170331v2"},
    {.operation = "UpdateAlias", .event = "UpdateAlias20150331"},
    {.operation = "UpdateEventSourceMapping", .event = "UpdateEventSourceMapping20150331"},
    {.operation = "UpdateFunctionCode", .event = "UpdateFunctionCode20150331v2"},
    {.operation = "UpdateFunctionConfiguration", .event = "UpdateFunctionConfiguration20150331v2"},
    {.operation = NULL},
};
static const struct local_trail_resource trail_resources[] = {{"FunctionName",
                                                               "AWS::Lambda::Function"},
                                                              {.member = NULL}};

const struct local_service lambda_service = {
    .name = "lambda",
    .protocol = AWS_REST_JSON,
    .rest = rest,
    .faults = faults,
    .clock_skew_ms = 5 * 60 * 1000,
    .internal_error = "ServiceException",
    .internal_message_key = "Message",
    .throttled = {429, "TooManyRequestsException", "Rate exceeded", "message"},
    .schema = lambda_schema,
    .authorize = lambda_authorize,
    .trail = trail,
    .trail_resources = trail_resources,
    .operations = operations,
};
