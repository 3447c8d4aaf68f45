#include "local/services/sts_parts.h"

#include <stdio.h>
#include <string.h>

/* --- operations ------------------------------------------------------------------------------- */

static enum local_result get_caller_identity(struct local_call *call)
{
    json_put_text(call->out, "UserId", call->caller->user_id);
    json_put_text(call->out, "Account", call->caller->account);
    json_put_text(call->out, "Arn", local_shown(call, call->caller->arn));
    return LOCAL_OK;
}

/* GetSessionToken and GetFederationToken are for long-term keys. */
static enum local_result need_lasting_key(struct local_call *call)
{
    if (!call->caller->temporary)
        return LOCAL_OK;
    return local_fail_status(call, 403, "AccessDenied", "Cannot call %s with session credentials",
                             call->operation->name);
}

enum { DEFAULT_DURATION_S = 43200, LARGEST_ROOT_DURATION_S = 3600 };

static int64_t duration(struct local_call *call)
{
    int64_t duration_s = local_int(call, "DurationSeconds", DEFAULT_DURATION_S);
    bool root = call->caller->kind == PRINCIPAL_ROOT;
    return root && duration_s > LARGEST_ROOT_DURATION_S ? LARGEST_ROOT_DURATION_S : duration_s;
}

static enum local_result get_session_token(struct local_call *call)
{
    enum local_result result = need_lasting_key(call);
    if (result != LOCAL_OK)
        return result;
    if (local_text(call, "SerialNumber") || local_text(call, "TokenCode"))
        return local_fail_status(
            call, 403, "AccessDenied",
            "MultiFactorAuthentication failed with invalid MFA one time pass code. ");
    struct principal who = *call->caller;
    who.grants = NULL;
    who.administrator = who.kind == PRINCIPAL_ROOT; /* of others it is found out at each use */
    return sts_put_credentials(call, &who, duration(call));
}

static enum local_result get_federation_token(struct local_call *call)
{
    const char *name = local_text(call, "Name");
    struct principal who = {.kind = PRINCIPAL_FEDERATED};
    struct sts_tags tags;
    enum local_result result = need_lasting_key(call);
    if (result == LOCAL_OK)
        result = sts_session_policy(call, call->account, &who.session_policy);
    if (result == LOCAL_OK)
        result = sts_session_tags(call, NULL, &tags);
    if (result != LOCAL_OK)
        return result;
    if (!who.session_policy) /* without one a federated user may do nothing */
        who.session_policy = arena_strdup(call->arena, "[]");
    who.session_tags = json_object_size(tags.tags) > 0 ? sts_json_text(call, tags.tags) : NULL;
    sts_tags_done(&tags);
    who.identity_id = call->caller->identity_id;
    who.administrator = call->caller->kind == PRINCIPAL_ROOT;
    snprintf(who.account, sizeof who.account, "%s", call->caller->account);
    who.arn = arena_printf(call->arena, "arn:aws:sts::%s:federated-user/%s", who.account, name);
    who.user_id = arena_printf(call->arena, "%s:%s", who.account, name);
    json_key(call->out, "FederatedUser");
    json_open(call->out);
    json_put_text(call->out, "FederatedUserId", who.user_id);
    json_put_text(call->out, "Arn", local_shown(call, who.arn));
    json_close(call->out);
    int packed = sts_packed_size(call);
    json_put_int(call->out, "PackedPolicySize", packed < 0 ? 0 : packed);
    return sts_put_credentials(call, &who, duration(call));
}

static const char *const *federation_resources(struct local_call *call)
{
    const char **arns = arena_calloc(call->arena, 2, sizeof *arns);
    arns[0] = arena_printf(call->arena, "arn:%s:sts::%s:federated-user/%s", call->partition,
                           call->account, local_text(call, "Name"));
    return arns;
}

static enum local_result get_access_key_info(struct local_call *call)
{
    const char *id = local_text(call, "AccessKeyId");
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT account FROM access_key WHERE id = $1 UNION ALL "
                "SELECT account FROM session_key WHERE id = $2",
                "tt", id, id);
    struct text account = store_next(&rows) ? store_text(&rows, 0) : (struct text){0};
    char *found = account.data ? arena_strndup(call->arena, account.data, account.len) : NULL;
    store_end(&rows);
    if (!found) /* text not observed (K) */
        return local_fail_status(call, 400, "ValidationError", "%s is invalid", id);
    json_put_text(call->out, "Account", found);
    return LOCAL_OK;
}

/* Only some services of AWS (EC2 and its like) encode messages, none of them here: no message can
 * be one of this server's. */
static enum local_result decode_authorization_message(struct local_call *call)
{
    return local_fail_status(call, 400, "InvalidAuthorizationMessageException",
                             "Message is not valid");
}

/* --- members (model sts 2011-06-15) ----------------------------------------------------------- */

#define ARN_TEXT                                                                                   \
    .type = LOCAL_STRING, .min = 20, .max = 2048,                                                  \
    .pattern =                                                                                     \
        "[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u0085\\u00A0-\\uD7FF\\uE000-\\uFFFD\\u10000-"      \
        "\\u10FFFF]+"
#define POLICIES                                                                                   \
    {"PolicyArns", LOCAL_LIST, .element = &policy_arn},                                            \
    {                                                                                              \
        "Policy", LOCAL_STRING, .min = 1, .max = 2048,                                             \
                                .pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+"               \
    }
#define TAGS                                                                                       \
    {                                                                                              \
        "Tags", LOCAL_LIST, .max = 50, .element = &tag                                             \
    }
#define MFA                                                                                        \
    {"SerialNumber", LOCAL_STRING, .min = 9, .max = 256, .pattern = "[\\w+=/:,.@-]*"},             \
    {                                                                                              \
        "TokenCode", LOCAL_STRING, .min = 6, .max = 6, .pattern = "[\\d]*"                         \
    }

static const struct local_member policy_arn_members[] = {{"arn", ARN_TEXT}, {0}};
static const struct local_member policy_arn = {.type = LOCAL_STRUCTURE,
                                               .members = policy_arn_members};
static const struct local_member tag_members[] = {{"Key", LOCAL_STRING, LOCAL_REQUIRED, .min = 1,
                                                   .max = 128,
                                                   .pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+"},
                                                  {"Value", LOCAL_STRING, LOCAL_REQUIRED,
                                                   .max = 256,
                                                   .pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*"},
                                                  {0}};
static const struct local_member tag = {.type = LOCAL_STRUCTURE, .members = tag_members};
static const struct local_member tag_key = {.type = LOCAL_STRING,
                                            .min = 1,
                                            .max = 128,
                                            .pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+"};
static const struct local_member context_members[] = {
    {"ProviderArn", ARN_TEXT}, {"ContextAssertion", LOCAL_STRING, .min = 4, .max = 2048}, {0}};
static const struct local_member context = {.type = LOCAL_STRUCTURE, .members = context_members};

static const struct local_member assume_role_members[] = {
    {"RoleArn", ARN_TEXT, .flags = LOCAL_REQUIRED},
    {"RoleSessionName", LOCAL_STRING, LOCAL_REQUIRED, .min = 2, .max = 64,
     .pattern = "[\\w+=,.@-]*"},
    POLICIES,
    {"DurationSeconds", LOCAL_INTEGER, .min = 900, .max = 43200},
    TAGS,
    {"TransitiveTagKeys", LOCAL_LIST, .max = 50, .element = &tag_key},
    {"ExternalId", LOCAL_STRING, .min = 2, .max = 1224, .pattern = "[\\w+=,.@:\\/-]*"},
    MFA,
    {"SourceIdentity", LOCAL_STRING, .min = 2, .max = 64, .pattern = "[\\w+=,.@-]*"},
    {"ProvidedContexts", LOCAL_LIST, .max = 5, .element = &context},
    {0}};
static const struct local_member session_members[] = {
    {"DurationSeconds", LOCAL_INTEGER, .min = 900, .max = 129600}, MFA, {0}};
static const struct local_member federation_members[] = {
    {"Name", LOCAL_STRING, LOCAL_REQUIRED, .min = 2, .max = 32, .pattern = "[\\w+=,.@-]*"},
    POLICIES,
    {"DurationSeconds", LOCAL_INTEGER, .min = 900, .max = 129600},
    TAGS,
    {0}};
static const struct local_member key_info_members[] = {{"AccessKeyId", LOCAL_STRING, LOCAL_REQUIRED,
                                                        .min = 16, .max = 128, .pattern = "[\\w]*"},
                                                       {0}};
static const struct local_member no_members[] = {{0}};

static const struct local_member web_identity_members[] = {
    {"RoleArn", ARN_TEXT, .flags = LOCAL_REQUIRED},
    {"RoleSessionName", LOCAL_STRING, LOCAL_REQUIRED, .min = 2, .max = 64,
     .pattern = "[\\w+=,.@-]*"},
    {"WebIdentityToken", LOCAL_STRING, LOCAL_REQUIRED | LOCAL_SENSITIVE, .min = 4, .max = 20000},
    {"ProviderId", LOCAL_STRING, .min = 4, .max = 2048},
    POLICIES,
    {"DurationSeconds", LOCAL_INTEGER, .min = 900, .max = 43200},
    {0}};
static const struct local_member decode_members[] = {{"EncodedMessage", LOCAL_STRING,
                                                      LOCAL_REQUIRED, .min = 1, .max = 10240},
                                                     {0}};

static const struct local_operation operations[] = {
    {"AssumeRole", "sts:AssumeRole", LOCAL_WRITES, assume_role_members, sts_assume_resources,
     sts_assume_role},
    {"AssumeRoleWithWebIdentity", "sts:AssumeRoleWithWebIdentity", LOCAL_WRITES | LOCAL_NO_AUTH,
     web_identity_members, NULL, sts_assume_role_with_web_identity},
    {"DecodeAuthorizationMessage", "sts:DecodeAuthorizationMessage", 0, decode_members, NULL,
     decode_authorization_message},
    {"GetAccessKeyInfo", "sts:GetAccessKeyInfo", 0, key_info_members, NULL, get_access_key_info},
    {"GetCallerIdentity", "sts:GetCallerIdentity", LOCAL_NO_PERMISSION, no_members, NULL,
     get_caller_identity},
    {"GetFederationToken", "sts:GetFederationToken", LOCAL_WRITES, federation_members,
     federation_resources, get_federation_token},
    {"GetSessionToken", "sts:GetSessionToken", LOCAL_WRITES | LOCAL_NO_PERMISSION, session_members,
     NULL, get_session_token},
    {0}};

/* CloudTrail counts them as reads. */
#define CREDENTIALS(name)                                                                          \
    {                                                                                              \
        .operation = name, .flags = TRAIL_READ | TRAIL_ANSWER                                      \
    }
static const struct local_trail trail[] = {CREDENTIALS("AssumeRole"),
                                           CREDENTIALS("AssumeRoleWithWebIdentity"),
                                           CREDENTIALS("AssumeRoleWithSAML"),
                                           CREDENTIALS("GetFederationToken"),
                                           CREDENTIALS("GetSessionToken"),
                                           {.operation = NULL}};
static const struct local_trail_resource trail_resources[] = {{"RoleArn", "AWS::IAM::Role"},
                                                              {NULL, NULL}};

const struct local_service sts_service = {.name = "sts",
                                          .api_version = "2011-06-15",
                                          .xml_namespace =
                                              "https://sts.amazonaws.com/doc/2011-06-15/",
                                          .protocol = AWS_QUERY,
                                          .clock_skew_ms = 15 * 60 * 1000,
                                          .internal_error = "InternalFailure",
                                          .authorize = sts_authorize,
                                          .trail = trail,
                                          .trail_resources = trail_resources,
                                          .operations = operations};
