#include "local/services/iam_parts.h"

#include "local/condition_keys.h"
#include "net/url.h"

#include <string.h>

/* IAM is global: nothing here knows a Region. `generated` marks a role whose trust policy this
 * server keeps up to date (iam_role.c). */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS iam_accounts ("
    " account TEXT NOT NULL PRIMARY KEY, created_ms BIGINT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS iam_roles ("
    " account TEXT NOT NULL, name_key TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL,"
    " role_id TEXT NOT NULL, trust_policy TEXT NOT NULL, description TEXT NOT NULL,"
    " boundary_arn TEXT, max_session_s INTEGER NOT NULL, created_ms BIGINT NOT NULL,"
    " tags TEXT NOT NULL, generated INTEGER NOT NULL, PRIMARY KEY (account, name_key));"
    "CREATE TABLE IF NOT EXISTS iam_role_policies ("
    " account TEXT NOT NULL, role TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL,"
    " PRIMARY KEY (account, role, name));"
    "CREATE TABLE IF NOT EXISTS iam_attached_policies ("
    " account TEXT NOT NULL, role TEXT NOT NULL, policy_arn TEXT NOT NULL,"
    " attached_ms BIGINT NOT NULL, PRIMARY KEY (account, role, policy_arn));";

/* --- shared by the files ---------------------------------------------------------------------- */

enum local_result iam_marker(struct local_call *call, const char **position)
{
    const char *marker = local_text(call, "Marker");
    char *text = NULL;
    if (marker && local_token_decode(call, marker, &text) != 0)
        return local_fail_status(call, 400, "ValidationError", "Invalid Marker.");
    *position = text ? text : "";
    return LOCAL_OK;
}

void iam_put_marker(struct local_call *call, const char *position)
{
    json_put_bool(call->out, "IsTruncated", position != NULL);
    if (position)
        json_put_text(call->out, "Marker", local_token_encode(call, position));
}

void iam_put_document(struct local_call *call, const char *key, const char *document)
{
    struct buf encoded;
    buf_init(&encoded, 1024 * 1024);
    url_encode(&encoded, document, strlen(document), false);
    json_put_text(call->out, key, buf_text(&encoded));
    buf_done(&encoded);
}

char *iam_arn(struct local_call *call, const char *resource)
{
    return arena_printf(call->arena, "arn:%s:iam::%s:%s", call->partition, call->account, resource);
}

char *iam_new_id(struct local_call *call, const char *prefix)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    char text[18];
    random_text(call->local->random, alphabet, text, 17);
    return arena_printf(call->arena, "%s%s", prefix, text);
}

/* --- members (model iam 2010-05-08) ----------------------------------------------------------- */

#define ROLE_NAME                                                                                  \
    {                                                                                              \
        "RoleName", LOCAL_STRING, LOCAL_REQUIRED, .min = 1, .max = 64, .pattern = "[\\w+=,.@-]+"   \
    }
#define POLICY_NAME                                                                                \
    {                                                                                              \
        "PolicyName", LOCAL_STRING, LOCAL_REQUIRED, .min = 1, .max = 128,                          \
                                                    .pattern = "[\\w+=,.@-]+"                      \
    }
#define POLICY_ARN                                                                                 \
    {                                                                                              \
        "PolicyArn", LOCAL_STRING, LOCAL_REQUIRED, .min = 20, .max = 2048                          \
    }
#define DOCUMENT(name)                                                                             \
    {                                                                                              \
        name, LOCAL_STRING, LOCAL_REQUIRED, .min = 1, .max = 131072,                               \
                                            .pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+"   \
    }
#define PAGING                                                                                     \
    {"Marker", LOCAL_STRING, .min = 1, .max = 1024, .pattern = "[\\u0020-\\u00FF]+"},              \
    {                                                                                              \
        "MaxItems", LOCAL_INTEGER, .min = 1, .max = 1000                                           \
    }

static const struct local_member tag_members[] = {{"Key", LOCAL_STRING, LOCAL_REQUIRED, .min = 1,
                                                   .max = 128,
                                                   .pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+"},
                                                  {"Value", LOCAL_STRING, LOCAL_REQUIRED,
                                                   .max = 256,
                                                   .pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*"},
                                                  {0}};
static const struct local_member tag = {.type = LOCAL_STRUCTURE, .members = tag_members};
static const struct local_member create_role_members[] = {
    {"Path", LOCAL_STRING, .min = 1, .max = 512,
     .pattern = "(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)"},
    ROLE_NAME,
    DOCUMENT("AssumeRolePolicyDocument"),
    {"Description", LOCAL_STRING, .max = 1000,
     .pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*"},
    {"MaxSessionDuration", LOCAL_INTEGER, .min = 3600, .max = 43200},
    {"PermissionsBoundary", LOCAL_STRING, .min = 20, .max = 2048},
    {"Tags", LOCAL_LIST, .max = 50, .element = &tag},
    {0}};
static const struct local_member role_members[] = {ROLE_NAME, {0}};
static const struct local_member list_roles_members[] = {{"PathPrefix", LOCAL_STRING, .min = 1,
                                                          .max = 512,
                                                          .pattern = "\\u002F[\\u0021-\\u007F]*"},
                                                         PAGING,
                                                         {0}};
static const struct local_member trust_members[] = {ROLE_NAME, DOCUMENT("PolicyDocument"), {0}};
static const struct local_member put_policy_members[] = {ROLE_NAME,
                                                         POLICY_NAME,
                                                         DOCUMENT("PolicyDocument"),
                                                         {0}};
static const struct local_member policy_members[] = {ROLE_NAME, POLICY_NAME, {0}};
static const struct local_member list_policies_members[] = {ROLE_NAME, PAGING, {0}};
static const struct local_member attach_members[] = {ROLE_NAME, POLICY_ARN, {0}};
static const struct local_member list_attached_members[] = {
    ROLE_NAME,
    {"PathPrefix", LOCAL_STRING, .min = 1, .max = 512, .pattern = "((/[A-Za-z0-9\\.,\\+@=_-]+)*)/"},
    PAGING,
    {0}};

/* Sessions of GetSessionToken may not call IAM (without MFA, which this server does not have). */
static enum local_result authorize(struct local_call *call, const char *action,
                                   const char *resource)
{
    const struct principal *caller = call->caller;
    if (caller->temporary && caller->kind == PRINCIPAL_USER)
        return local_fail_status(call, 403, "InvalidClientTokenId",
                                 "The security token included in the request is invalid");
    struct condition_keys keys = {.call = call};
    condition_keys_add(&keys, "iam:PolicyARN", local_text(call, "PolicyArn"));
    condition_keys_add(&keys, "iam:PermissionsBoundary", local_text(call, "PermissionsBoundary"));
    condition_keys_add_tags(&keys, local_value(call, "Tags"), "Key", "Value");
    return local_authorize_question(call, &(struct local_question){.action = action,
                                                                   .resource = resource,
                                                                   .context = keys.items,
                                                                   .context_count = keys.count});
}

static const struct local_operation operations[] = {
    {"AttachRolePolicy", "iam:AttachRolePolicy", LOCAL_WRITES, attach_members, iam_role_resources,
     iam_attach_role_policy},
    {"CreateRole", "iam:CreateRole", LOCAL_WRITES, create_role_members, iam_role_resources,
     iam_create_role},
    {"DeleteRole", "iam:DeleteRole", LOCAL_WRITES, role_members, iam_role_resources,
     iam_delete_role},
    {"DeleteRolePolicy", "iam:DeleteRolePolicy", LOCAL_WRITES, policy_members, iam_role_resources,
     iam_delete_role_policy},
    {"DetachRolePolicy", "iam:DetachRolePolicy", LOCAL_WRITES, attach_members, iam_role_resources,
     iam_detach_role_policy},
    {"GetRole", "iam:GetRole", 0, role_members, iam_role_resources, iam_get_role},
    {"GetRolePolicy", "iam:GetRolePolicy", 0, policy_members, iam_role_resources,
     iam_get_role_policy},
    {"ListAttachedRolePolicies", "iam:ListAttachedRolePolicies", 0, list_attached_members,
     iam_role_resources, iam_list_attached_role_policies},
    {"ListRolePolicies", "iam:ListRolePolicies", 0, list_policies_members, iam_role_resources,
     iam_list_role_policies},
    {"ListRoles", "iam:ListRoles", 0, list_roles_members, NULL, iam_list_roles},
    {"PutRolePolicy", "iam:PutRolePolicy", LOCAL_WRITES, put_policy_members, iam_role_resources,
     iam_put_role_policy},
    {"UpdateAssumeRolePolicy", "iam:UpdateAssumeRolePolicy", LOCAL_WRITES, trust_members,
     iam_role_resources, iam_update_assume_role_policy},
    {0}};

static const struct local_trail_resource trail_resources[] = {{"UserName", "AWS::IAM::User"},
                                                              {"RoleName", "AWS::IAM::Role"},
                                                              {"GroupName", "AWS::IAM::Group"},
                                                              {"PolicyArn", "AWS::IAM::Policy"},
                                                              {"PolicyName", "AWS::IAM::Policy"},
                                                              {"AccessKeyId",
                                                               "AWS::IAM::AccessKey"},
                                                              {"InstanceProfileName",
                                                               "AWS::IAM::InstanceProfile"},
                                                              {NULL, NULL}};

const struct local_service iam_service = {.name = "iam",
                                          .api_version = "2010-05-08",
                                          .xml_namespace =
                                              "https://iam.amazonaws.com/doc/2010-05-08/",
                                          .protocol = AWS_QUERY,
                                          .clock_skew_ms = 15 * 60 * 1000,
                                          .internal_error = "ServiceFailure",
                                          .schema = schema,
                                          .global = true,
                                          .trail_resources = trail_resources,
                                          .authorize = authorize,
                                          .operations = operations};
