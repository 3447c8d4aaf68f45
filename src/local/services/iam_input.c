#include "local/services/iam_parts.h"

/* The members of IAM's inputs (model iam 2010-05-08). What an operation is about stands first:
 * iam_kind_asked reads it there. */

#define WORD     "[\\w+=,.@-]+"
#define NAME_128 LOCAL_STRING, LOCAL_REQUIRED, .min = 1, .max = 128, .pattern = WORD
#define NAME_64  LOCAL_STRING, LOCAL_REQUIRED, .min = 1, .max = 64, .pattern = WORD
#define NAME_OF_USER                                                                               \
    {                                                                                              \
        "UserName", LOCAL_STRING, .min = 1, .max = 128, .pattern = WORD                            \
    }
#define PATH                                                                                       \
    LOCAL_STRING, .min = 1, .max = 512, .pattern = "(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)"
#define POLICY_PATH LOCAL_STRING, .min = 1, .max = 512, .pattern = "((/[A-Za-z0-9\\.,\\+@=_-]+)*)/"
#define PREFIX      LOCAL_STRING, .min = 1, .max = 512, .pattern = "\\u002F[\\u0021-\\u007F]*"
#define ARN         LOCAL_STRING, LOCAL_REQUIRED, .min = 20, .max = 2048
#define BOUNDARY    LOCAL_STRING, .min = 20, .max = 2048
#define ANY_DOCUMENT                                                                               \
    .type = LOCAL_STRING, .min = 1, .max = 131072,                                                 \
    .pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+"
#define DOCUMENT ANY_DOCUMENT, .flags = LOCAL_REQUIRED
#define DESCRIPTION                                                                                \
    .type = LOCAL_STRING, .max = 1000,                                                             \
    .pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*"
#define PAGING                                                                                     \
    {"Marker", LOCAL_STRING, .min = 1, .max = 320, .pattern = "[\\u0020-\\u00FF]+"},               \
    {                                                                                              \
        "MaxItems", LOCAL_INTEGER, .min = 1, .max = 1000                                           \
    }
#define TAG_KEY                                                                                    \
    .type = LOCAL_STRING, .min = 1, .max = 128, .pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+"

static const struct local_member tag_members[] = {{"Key", TAG_KEY, .flags = LOCAL_REQUIRED},
                                                  {"Value", LOCAL_STRING, LOCAL_REQUIRED,
                                                   .max = 256,
                                                   .pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*"},
                                                  {0}};
static const struct local_member tag = {.type = LOCAL_STRUCTURE, .members = tag_members};
static const struct local_member tag_key = {TAG_KEY};
static const struct local_member client_id = {.type = LOCAL_STRING, .min = 1, .max = 255};
static const struct local_member thumbprint = {.type = LOCAL_STRING, .min = 40, .max = 40};
static const struct local_member document = {ANY_DOCUMENT};
static const struct local_member action_name = {.type = LOCAL_STRING, .min = 3, .max = 128};
static const struct local_member resource_name = {.type = LOCAL_STRING, .min = 1, .max = 2048};

#define NEW_TAGS                                                                                   \
    {                                                                                              \
        "Tags", LOCAL_LIST, .max = 50, .element = &tag                                             \
    }

/* --- making ----------------------------------------------------------------------------------- */

const struct local_member iam_in_create_user[] = {
    {"UserName", NAME_64}, {"Path", PATH}, {"PermissionsBoundary", BOUNDARY}, NEW_TAGS, {0}};
const struct local_member iam_in_create_group[] = {{"GroupName", NAME_128}, {"Path", PATH}, {0}};
const struct local_member iam_in_create_role[] = {{"RoleName", NAME_64},
                                                  {"Path", PATH},
                                                  {"AssumeRolePolicyDocument", DOCUMENT},
                                                  {"Description", DESCRIPTION},
                                                  {"MaxSessionDuration", LOCAL_INTEGER, .min = 3600,
                                                   .max = 43200},
                                                  {"PermissionsBoundary", BOUNDARY},
                                                  NEW_TAGS,
                                                  {0}};
const struct local_member iam_in_create_profile[] = {{"InstanceProfileName", NAME_128},
                                                     {"Path", PATH},
                                                     NEW_TAGS,
                                                     {0}};
const struct local_member iam_in_create_policy[] = {{"PolicyName", NAME_128},
                                                    {"Path", POLICY_PATH},
                                                    {"PolicyDocument", DOCUMENT},
                                                    {"Description", DESCRIPTION},
                                                    NEW_TAGS,
                                                    {0}};
const struct local_member iam_in_create_provider[] = {
    {"Url", LOCAL_STRING, LOCAL_REQUIRED, .min = 1, .max = 255},
    {"ClientIDList", LOCAL_LIST, .element = &client_id},
    {"ThumbprintList", LOCAL_LIST, .element = &thumbprint},
    NEW_TAGS,
    {0}};

/* --- one of a kind ---------------------------------------------------------------------------- */

const struct local_member iam_in_user[] = {{"UserName", NAME_128}, {0}};
const struct local_member iam_in_user_optional[] = {NAME_OF_USER, {0}};
const struct local_member iam_in_group[] = {{"GroupName", NAME_128}, {0}};
const struct local_member iam_in_role[] = {{"RoleName", NAME_64}, {0}};
const struct local_member iam_in_profile[] = {{"InstanceProfileName", NAME_128}, {0}};
const struct local_member iam_in_policy[] = {{"PolicyArn", ARN}, {0}};
const struct local_member iam_in_provider[] = {{"OpenIDConnectProviderArn", ARN}, {0}};

const struct local_member iam_in_user_page[] = {{"UserName", NAME_128}, PAGING, {0}};
const struct local_member iam_in_user_optional_page[] = {NAME_OF_USER, PAGING, {0}};
const struct local_member iam_in_group_page[] = {{"GroupName", NAME_128}, PAGING, {0}};
const struct local_member iam_in_role_page[] = {{"RoleName", NAME_64}, PAGING, {0}};
const struct local_member iam_in_profile_page[] = {{"InstanceProfileName", NAME_128}, PAGING, {0}};
const struct local_member iam_in_policy_page[] = {{"PolicyArn", ARN}, PAGING, {0}};
const struct local_member iam_in_provider_page[] = {{"OpenIDConnectProviderArn", ARN}, PAGING, {0}};

/* --- inline policies -------------------------------------------------------------------------- */

#define INLINE_NAME                                                                                \
    {                                                                                              \
        "PolicyName", NAME_128                                                                     \
    }
const struct local_member iam_in_user_inline[] = {{"UserName", NAME_128}, INLINE_NAME, {0}};
const struct local_member iam_in_group_inline[] = {{"GroupName", NAME_128}, INLINE_NAME, {0}};
const struct local_member iam_in_role_inline[] = {{"RoleName", NAME_64}, INLINE_NAME, {0}};
const struct local_member iam_in_put_user_inline[] = {{"UserName", NAME_128},
                                                      INLINE_NAME,
                                                      {"PolicyDocument", DOCUMENT},
                                                      {0}};
const struct local_member iam_in_put_group_inline[] = {{"GroupName", NAME_128},
                                                       INLINE_NAME,
                                                       {"PolicyDocument", DOCUMENT},
                                                       {0}};
const struct local_member iam_in_put_role_inline[] = {{"RoleName", NAME_64},
                                                      INLINE_NAME,
                                                      {"PolicyDocument", DOCUMENT},
                                                      {0}};

/* --- attached policies, boundaries, tags ------------------------------------------------------ */

const struct local_member iam_in_user_attach[] = {{"UserName", NAME_64}, {"PolicyArn", ARN}, {0}};
const struct local_member iam_in_group_attach[] = {{"GroupName", NAME_128},
                                                   {"PolicyArn", ARN},
                                                   {0}};
const struct local_member iam_in_role_attach[] = {{"RoleName", NAME_64}, {"PolicyArn", ARN}, {0}};
const struct local_member iam_in_user_attached[] = {{"UserName", NAME_64},
                                                    {"PathPrefix", POLICY_PATH},
                                                    PAGING,
                                                    {0}};
const struct local_member iam_in_group_attached[] = {{"GroupName", NAME_128},
                                                     {"PathPrefix", POLICY_PATH},
                                                     PAGING,
                                                     {0}};
const struct local_member iam_in_role_attached[] = {{"RoleName", NAME_64},
                                                    {"PathPrefix", POLICY_PATH},
                                                    PAGING,
                                                    {0}};
const struct local_member iam_in_user_boundary[] = {{"UserName", NAME_64},
                                                    {"PermissionsBoundary", ARN},
                                                    {0}};
const struct local_member iam_in_role_boundary[] = {{"RoleName", NAME_64},
                                                    {"PermissionsBoundary", ARN},
                                                    {0}};

#define TAGS                                                                                       \
    {                                                                                              \
        "Tags", LOCAL_LIST, LOCAL_REQUIRED, .max = 50, .element = &tag                             \
    }
#define TAG_KEYS                                                                                   \
    {                                                                                              \
        "TagKeys", LOCAL_LIST, LOCAL_REQUIRED, .max = 50, .element = &tag_key                      \
    }
const struct local_member iam_in_user_tag[] = {{"UserName", NAME_128}, TAGS, {0}};
const struct local_member iam_in_role_tag[] = {{"RoleName", NAME_64}, TAGS, {0}};
const struct local_member iam_in_profile_tag[] = {{"InstanceProfileName", NAME_128}, TAGS, {0}};
const struct local_member iam_in_policy_tag[] = {{"PolicyArn", ARN}, TAGS, {0}};
const struct local_member iam_in_provider_tag[] = {{"OpenIDConnectProviderArn", ARN}, TAGS, {0}};
const struct local_member iam_in_user_untag[] = {{"UserName", NAME_128}, TAG_KEYS, {0}};
const struct local_member iam_in_role_untag[] = {{"RoleName", NAME_64}, TAG_KEYS, {0}};
const struct local_member iam_in_profile_untag[] = {{"InstanceProfileName", NAME_128},
                                                    TAG_KEYS,
                                                    {0}};
const struct local_member iam_in_policy_untag[] = {{"PolicyArn", ARN}, TAG_KEYS, {0}};
const struct local_member iam_in_provider_untag[] = {{"OpenIDConnectProviderArn", ARN},
                                                     TAG_KEYS,
                                                     {0}};

/* --- lists ------------------------------------------------------------------------------------ */

static const char *const scopes[] = {"All", "AWS", "Local", NULL};
static const char *const usages[] = {"PermissionsPolicy", "PermissionsBoundary", NULL};
static const char *const entity_types[] = {
    "User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy", NULL};
static const struct local_member entity_type = {.type = LOCAL_STRING, .values = entity_types};

#define USAGE                                                                                      \
    {                                                                                              \
        "PolicyUsageFilter", LOCAL_STRING, .values = usages                                        \
    }
const struct local_member iam_in_list[] = {{"PathPrefix", PREFIX}, PAGING, {0}};
const struct local_member iam_in_page[] = {PAGING, {0}};
const struct local_member iam_in_nothing[] = {{0}};
const struct local_member iam_in_list_policies[] = {{"Scope", LOCAL_STRING, .values = scopes},
                                                    {"OnlyAttached", LOCAL_BOOLEAN, .flags = 0},
                                                    {"PathPrefix", POLICY_PATH},
                                                    USAGE,
                                                    PAGING,
                                                    {0}};
const struct local_member iam_in_entities[] = {{"PolicyArn", ARN},
                                               {"EntityFilter", LOCAL_STRING,
                                                .values = entity_types},
                                               {"PathPrefix", PATH},
                                               USAGE,
                                               PAGING,
                                               {0}};
const struct local_member iam_in_details[] = {{"Filter", LOCAL_LIST, .element = &entity_type},
                                              PAGING,
                                              {0}};

/* --- changes ---------------------------------------------------------------------------------- */

const struct local_member iam_in_trust[] = {{"RoleName", NAME_64},
                                            {"PolicyDocument", DOCUMENT},
                                            {0}};
const struct local_member iam_in_update_role[] = {{"RoleName", NAME_64},
                                                  {"Description", DESCRIPTION},
                                                  {"MaxSessionDuration", LOCAL_INTEGER, .min = 3600,
                                                   .max = 43200},
                                                  {0}};
const struct local_member iam_in_describe_role[] = {
    {"RoleName", NAME_64}, {"Description", DESCRIPTION, .flags = LOCAL_REQUIRED}, {0}};
const struct local_member iam_in_update_user[] = {{"UserName", NAME_128},
                                                  {"NewPath", PATH},
                                                  {"NewUserName", LOCAL_STRING, .min = 1, .max = 64,
                                                   .pattern = WORD},
                                                  {0}};
const struct local_member iam_in_update_group[] = {{"GroupName", NAME_128},
                                                   {"NewPath", PATH},
                                                   {"NewGroupName", LOCAL_STRING, .min = 1,
                                                    .max = 128, .pattern = WORD},
                                                   {0}};
const struct local_member iam_in_membership[] = {{"GroupName", NAME_128},
                                                 {"UserName", NAME_128},
                                                 {0}};
const struct local_member iam_in_profile_role[] = {{"InstanceProfileName", NAME_128},
                                                   {"RoleName", NAME_64},
                                                   {0}};
const struct local_member iam_in_create_version[] = {{"PolicyArn", ARN},
                                                     {"PolicyDocument", DOCUMENT},
                                                     {"SetAsDefault", LOCAL_BOOLEAN, .flags = 0},
                                                     {0}};
const struct local_member iam_in_version[] = {{"PolicyArn", ARN},
                                              {"VersionId", LOCAL_STRING, LOCAL_REQUIRED,
                                               .pattern = "v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?"},
                                              {0}};

/* --- access keys, account --------------------------------------------------------------------- */

static const char *const statuses[] = {"Active", "Inactive", "Expired", NULL};
static const char *const token_versions[] = {"v1Token", "v2Token", NULL};

#define KEY_ID                                                                                     \
    {                                                                                              \
        "AccessKeyId", LOCAL_STRING, LOCAL_REQUIRED, .min = 16, .max = 128, .pattern = "[\\w]+"    \
    }
const struct local_member iam_in_create_key[] = {NAME_OF_USER, {0}};
const struct local_member iam_in_key[] = {NAME_OF_USER, KEY_ID, {0}};
const struct local_member iam_in_update_key[] = {
    NAME_OF_USER, KEY_ID, {"Status", LOCAL_STRING, LOCAL_REQUIRED, .values = statuses}, {0}};
const struct local_member iam_in_key_used[] = {KEY_ID, {0}};
const struct local_member iam_in_alias[] = {{"AccountAlias", LOCAL_STRING, LOCAL_REQUIRED, .min = 3,
                                             .max = 63,
                                             .pattern =
                                                 "^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$"},
                                            {0}};
const struct local_member iam_in_token_version[] = {{"GlobalEndpointTokenVersion", LOCAL_STRING,
                                                     LOCAL_REQUIRED, .values = token_versions},
                                                    {0}};

/* --- providers -------------------------------------------------------------------------------- */

const struct local_member iam_in_client_id[] = {{"OpenIDConnectProviderArn", ARN},
                                                {"ClientID", LOCAL_STRING, LOCAL_REQUIRED, .min = 1,
                                                 .max = 255},
                                                {0}};
const struct local_member iam_in_thumbprints[] = {{"OpenIDConnectProviderArn", ARN},
                                                  {"ThumbprintList", LOCAL_LIST, LOCAL_REQUIRED,
                                                   .element = &thumbprint},
                                                  {0}};

/* --- the simulator ---------------------------------------------------------------------------- */

static const char *const context_types[] = {"string",  "stringList",  "numeric", "numericList",
                                            "boolean", "booleanList", "ip",      "ipList",
                                            "binary",  "binaryList",  "date",    "dateList",
                                            NULL};
static const struct local_member context_value = {.type = LOCAL_STRING};
static const struct local_member context_members[] = {
    {"ContextKeyName", LOCAL_STRING, .min = 5, .max = 256},
    {"ContextKeyValues", LOCAL_LIST, .element = &context_value},
    {"ContextKeyType", LOCAL_STRING, .values = context_types},
    {0}};
static const struct local_member context_entry = {.type = LOCAL_STRUCTURE,
                                                  .members = context_members};

#define SIMULATION                                                                                 \
    {"PermissionsBoundaryPolicyInputList", LOCAL_LIST, .element = &document},                      \
        {"ActionNames", LOCAL_LIST, LOCAL_REQUIRED, .element = &action_name},                      \
        {"ResourceArns", LOCAL_LIST, .element = &resource_name}, {"ResourcePolicy", ANY_DOCUMENT}, \
        {"ResourceOwner", LOCAL_STRING, .min = 1, .max = 2048},                                    \
        {"CallerArn", LOCAL_STRING, .min = 1, .max = 2048},                                        \
        {"ContextEntries", LOCAL_LIST, .element = &context_entry},                                 \
        {"ResourceHandlingOption", LOCAL_STRING, .min = 1, .max = 64}, PAGING

const struct local_member iam_in_simulate_principal[] = {{"PolicySourceArn", ARN},
                                                         {"PolicyInputList", LOCAL_LIST,
                                                          .element = &document},
                                                         SIMULATION,
                                                         {0}};
const struct local_member iam_in_simulate_custom[] = {
    {"PolicyInputList", LOCAL_LIST, LOCAL_REQUIRED, .element = &document}, SIMULATION, {0}};
const struct local_member iam_in_keys_of_principal[] = {
    {"PolicySourceArn", ARN}, {"PolicyInputList", LOCAL_LIST, .element = &document}, {0}};
const struct local_member iam_in_keys_of_custom[] = {{"PolicyInputList", LOCAL_LIST, LOCAL_REQUIRED,
                                                      .element = &document},
                                                     {0}};
