#include "local/services/kms_parts.h"

#include <string.h>

/* Region is part of a key's name because related multi-Region keys share their id; material belongs
 * to the id, so that all of them share it. Numbers in `state`, `multi_region` and `shape` are those
 * of the enums in kms_parts.h: append, never reorder. */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS kms_keys ("
    " key_id TEXT NOT NULL, region TEXT NOT NULL, account TEXT NOT NULL, material TEXT NOT NULL,"
    " state INTEGER NOT NULL, multi_region INTEGER NOT NULL, service TEXT, spec TEXT NOT NULL,"
    " usage TEXT NOT NULL, origin TEXT NOT NULL, description TEXT NOT NULL, policy TEXT NOT NULL,"
    " shape INTEGER NOT NULL, primary_region TEXT, created_ms BIGINT NOT NULL,"
    " deletion_ms BIGINT NOT NULL, window_days INTEGER NOT NULL, tagged INTEGER NOT NULL,"
    " PRIMARY KEY (key_id, region));"
    "CREATE INDEX IF NOT EXISTS kms_keys_listed ON kms_keys (account, region, key_id);"
    "CREATE TABLE IF NOT EXISTS kms_materials ("
    " key_id TEXT NOT NULL, material TEXT NOT NULL, account TEXT NOT NULL, sealed BLOB NOT NULL,"
    " created_ms BIGINT NOT NULL, PRIMARY KEY (key_id, material));"
    "CREATE TABLE IF NOT EXISTS kms_aliases ("
    " account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, key_id TEXT NOT NULL,"
    " created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL, PRIMARY KEY (account, region, name));"
    "CREATE INDEX IF NOT EXISTS kms_aliases_of_key ON kms_aliases (account, region, key_id, name);"
    "CREATE TABLE IF NOT EXISTS kms_tags ("
    " key_id TEXT NOT NULL, region TEXT NOT NULL, tag_key TEXT NOT NULL, tag_value TEXT NOT NULL,"
    " ordinal INTEGER NOT NULL, PRIMARY KEY (key_id, region, tag_key));";

/* --- members (model kms 2014-11-01) ----------------------------------------------------------- */

#define KEY_ID .type = LOCAL_STRING, .min = 1, .max = 2048
#define ALIAS  .type = LOCAL_STRING, .min = 1, .max = 256, .pattern = "^[a-zA-Z0-9:/_-]+$"
#define POLICY_TEXT                                                                                \
    .type = LOCAL_STRING, .min = 1, .max = 131072,                                                 \
    .pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+"
#define POLICY_NAME .type = LOCAL_STRING, .min = 1, .max = 128, .pattern = "[\\w]+"
#define MARKER      .type = LOCAL_STRING, .min = 1, .max = 1024, .pattern = "[\\u0020-\\u00FF]*"
#define ALGORITHM   .type = LOCAL_STRING, .values = algorithms
#define CONTEXT     .type = LOCAL_MAP, .element = &any_text
#define GRANT_TOKENS                                                                               \
    {                                                                                              \
        "GrantTokens", LOCAL_LIST, .max = 10, .element = &grant_token                              \
    }
#define DRY_RUN                                                                                    \
    {                                                                                              \
        .name = "DryRun", .type = LOCAL_BOOLEAN                                                    \
    }
#define RECIPIENT                                                                                  \
    {                                                                                              \
        "Recipient", LOCAL_STRUCTURE, .members = recipient                                         \
    }

static const char *const algorithms[] = {"SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1",
                                         "RSAES_OAEP_SHA_256", "SM2PKE", NULL};
static const char *const usages[] = {"SIGN_VERIFY", "ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC",
                                     "KEY_AGREEMENT", NULL};
static const char *const origins[] = {"AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE",
                                      NULL};
static const char *const old_key_specs[] = {"RSA_2048",
                                            "RSA_3072",
                                            "RSA_4096",
                                            "ECC_NIST_P256",
                                            "ECC_NIST_P384",
                                            "ECC_NIST_P521",
                                            "ECC_SECG_P256K1",
                                            "SYMMETRIC_DEFAULT",
                                            "HMAC_224",
                                            "HMAC_256",
                                            "HMAC_384",
                                            "HMAC_512",
                                            "SM2",
                                            NULL};
static const char *const key_specs[] = {"RSA_2048",
                                        "RSA_3072",
                                        "RSA_4096",
                                        "ECC_NIST_P256",
                                        "ECC_NIST_P384",
                                        "ECC_NIST_P521",
                                        "ECC_SECG_P256K1",
                                        "SYMMETRIC_DEFAULT",
                                        "HMAC_224",
                                        "HMAC_256",
                                        "HMAC_384",
                                        "HMAC_512",
                                        "SM2",
                                        "ML_DSA_44",
                                        "ML_DSA_65",
                                        "ML_DSA_87",
                                        "ECC_NIST_EDWARDS25519",
                                        NULL};
static const char *const data_key_specs[] = {"AES_256", "AES_128", NULL};
static const char *const recipient_algorithms[] = {"RSAES_OAEP_SHA_256", NULL};
static const char *const modifiers[] = {"IGNORE_CIPHERTEXT", NULL};

static const struct local_member any_text = {.type = LOCAL_STRING};
static const struct local_member grant_token = {.type = LOCAL_STRING, .min = 1, .max = 8192};
static const struct local_member modifier = {.type = LOCAL_STRING, .values = modifiers};
static const struct local_member recipient[] = {{"KeyEncryptionAlgorithm", LOCAL_STRING,
                                                 .values = recipient_algorithms},
                                                {"AttestationDocument", LOCAL_BLOB, .min = 1,
                                                 .max = 262144},
                                                {0}};
static const struct local_member tag_members[] = {{"TagKey", LOCAL_STRING, LOCAL_REQUIRED, .min = 1,
                                                   .max = 128},
                                                  {"TagValue", LOCAL_STRING, LOCAL_REQUIRED,
                                                   .max = 256},
                                                  {0}};
static const struct local_member tag = {.type = LOCAL_STRUCTURE, .members = tag_members};
static const struct local_member tag_key = {.type = LOCAL_STRING, .min = 1, .max = 128};

static const struct local_member create_key_members[] = {
    {"Policy", POLICY_TEXT},
    {"Description", LOCAL_STRING, .max = 8192},
    {"KeyUsage", LOCAL_STRING, .values = usages},
    {"CustomerMasterKeySpec", LOCAL_STRING, .values = old_key_specs},
    {"KeySpec", LOCAL_STRING, .values = key_specs},
    {"Origin", LOCAL_STRING, .values = origins},
    {"CustomKeyStoreId", LOCAL_STRING, .min = 1, .max = 64},
    {.name = "BypassPolicyLockoutSafetyCheck", .type = LOCAL_BOOLEAN},
    {"Tags", LOCAL_LIST, .element = &tag},
    {.name = "MultiRegion", .type = LOCAL_BOOLEAN},
    {"XksKeyId", LOCAL_STRING, .min = 1, .max = 128, .pattern = "^[a-zA-Z0-9-_.]+$"},
    {0}};
static const struct local_member key_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED}, {0}};
static const struct local_member describe_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                       GRANT_TOKENS,
                                                       {0}};
static const struct local_member list_keys_members[] = {
    {"Limit", LOCAL_INTEGER, .min = 1, .max = 1000}, {"Marker", MARKER}, {0}};
static const struct local_member alias_target_members[] = {{"AliasName", ALIAS,
                                                            .flags = LOCAL_REQUIRED},
                                                           {"TargetKeyId", KEY_ID,
                                                            .flags = LOCAL_REQUIRED},
                                                           {0}};
static const struct local_member alias_members[] = {{"AliasName", ALIAS, .flags = LOCAL_REQUIRED},
                                                    {0}};
static const struct local_member list_aliases_members[] = {
    {"KeyId", KEY_ID}, {"Limit", LOCAL_INTEGER, .min = 1, .max = 100}, {"Marker", MARKER}, {0}};
static const struct local_member encrypt_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                      {"Plaintext", LOCAL_BLOB,
                                                       LOCAL_REQUIRED | LOCAL_SENSITIVE, .min = 1,
                                                       .max = 4096},
                                                      {"EncryptionContext", CONTEXT},
                                                      GRANT_TOKENS,
                                                      {"EncryptionAlgorithm", ALGORITHM},
                                                      DRY_RUN,
                                                      {0}};
static const struct local_member decrypt_members[] = {{"CiphertextBlob", LOCAL_BLOB, LOCAL_REQUIRED,
                                                       .min = 1, .max = 6144},
                                                      {"EncryptionContext", CONTEXT},
                                                      GRANT_TOKENS,
                                                      {"KeyId", KEY_ID},
                                                      {"EncryptionAlgorithm", ALGORITHM},
                                                      RECIPIENT,
                                                      DRY_RUN,
                                                      {"DryRunModifiers", LOCAL_LIST,
                                                       .element = &modifier},
                                                      {0}};
static const struct local_member re_encrypt_members[] = {
    {"CiphertextBlob", LOCAL_BLOB, LOCAL_REQUIRED, .min = 1, .max = 6144},
    {"SourceEncryptionContext", CONTEXT},
    {"SourceKeyId", KEY_ID},
    {"DestinationKeyId", KEY_ID, .flags = LOCAL_REQUIRED},
    {"DestinationEncryptionContext", CONTEXT},
    {"SourceEncryptionAlgorithm", ALGORITHM},
    {"DestinationEncryptionAlgorithm", ALGORITHM},
    GRANT_TOKENS,
    DRY_RUN,
    {"DryRunModifiers", LOCAL_LIST, .element = &modifier},
    {0}};
static const struct local_member data_key_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                       {"EncryptionContext", CONTEXT},
                                                       {"NumberOfBytes", LOCAL_INTEGER, .min = 1,
                                                        .max = 1024},
                                                       {"KeySpec", LOCAL_STRING,
                                                        .values = data_key_specs},
                                                       GRANT_TOKENS,
                                                       RECIPIENT,
                                                       DRY_RUN,
                                                       {0}};
static const struct local_member random_members[] = {{"NumberOfBytes", LOCAL_INTEGER, .min = 1,
                                                      .max = 1024},
                                                     {"CustomKeyStoreId", LOCAL_STRING, .min = 1,
                                                      .max = 64},
                                                     RECIPIENT,
                                                     {0}};
static const struct local_member description_members[] = {{"KeyId", KEY_ID,
                                                           .flags = LOCAL_REQUIRED},
                                                          {"Description", LOCAL_STRING,
                                                           LOCAL_REQUIRED, .max = 8192},
                                                          {0}};
static const struct local_member tag_resource_members[] = {{"KeyId", KEY_ID,
                                                            .flags = LOCAL_REQUIRED},
                                                           {"Tags", LOCAL_LIST, LOCAL_REQUIRED,
                                                            .element = &tag},
                                                           {0}};
static const struct local_member untag_resource_members[] = {{"KeyId", KEY_ID,
                                                              .flags = LOCAL_REQUIRED},
                                                             {"TagKeys", LOCAL_LIST, LOCAL_REQUIRED,
                                                              .element = &tag_key},
                                                             {0}};
static const struct local_member list_tags_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                        {"Limit", LOCAL_INTEGER, .min = 1,
                                                         .max = 50},
                                                        {"Marker", MARKER},
                                                        {0}};
static const struct local_member get_policy_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                         {"PolicyName", POLICY_NAME},
                                                         {0}};
static const struct local_member put_policy_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                         {"PolicyName", POLICY_NAME},
                                                         {"Policy", POLICY_TEXT,
                                                          .flags = LOCAL_REQUIRED},
                                                         {.name = "BypassPolicyLockoutSafetyCheck",
                                                          .type = LOCAL_BOOLEAN},
                                                         {0}};
static const struct local_member list_policies_members[] = {{"KeyId", KEY_ID,
                                                             .flags = LOCAL_REQUIRED},
                                                            {"Limit", LOCAL_INTEGER, .min = 1,
                                                             .max = 1000},
                                                            {"Marker", MARKER},
                                                            {0}};
static const struct local_member schedule_members[] = {
    {"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
    /* 7 to 30 in the guide; the model's 1 to 365 is wider. */
    {"PendingWindowInDays", LOCAL_INTEGER, .min = 7, .max = 30},
    {0}};

/* --- resources -------------------------------------------------------------------------------- */

static const char *const *resources_of(struct local_call *call, const char *first,
                                       const char *second, const char *third)
{
    const char **arns = arena_calloc(call->arena, 4, sizeof *arns);
    size_t at = 0;
    arns[at++] = first;
    if (second)
        arns[at++] = second;
    if (third)
        arns[at++] = third;
    return arns;
}

static const char *const *named_key(struct local_call *call, unsigned how)
{
    const char *name = local_text(call, "KeyId");
    const struct kms_key *key;
    enum local_result result = kms_find(call, name, how, &key);
    if (result == LOCAL_FAILED)
        return NULL;
    if (result == LOCAL_AS_WRITE) /* an AWS managed key that is to be made first */
        return resources_of(call, kms_alias_arn(call, call->account, strstr(name, "alias/")), NULL,
                            NULL);
    return resources_of(call, arena_strdup(call->arena, key->arn), NULL, NULL);
}

static const char *const *managed_resources(struct local_call *call)
{
    return named_key(call, 0);
}

static const char *const *used_resources(struct local_call *call)
{
    return named_key(call, KMS_BY_ALIAS | KMS_OTHER_ACCOUNT);
}

/* An alias operation needs the right on the alias and on each key it points to, before and after
 * (section 9). What is wrong with the names is for the handler to say. */
static const char *const *alias_resources(struct local_call *call)
{
    const char *name = local_text(call, "AliasName"), *target = local_text(call, "TargetKeyId");
    const char *arns[2] = {NULL, NULL};
    size_t count = 0;
    const struct kms_key *key;
    if (target) {
        if (kms_find(call, target, 0, &key) != LOCAL_OK)
            return NULL;
        arns[count++] = arena_strdup(call->arena, key->arn);
    }
    const char *old = kms_alias_target(call, call->account, name);
    if (old && strcmp(call->operation->name, "CreateAlias") != 0 &&
        (!target || strcmp(old, key->id) != 0) && (key = kms_load(call, old)))
        arns[count++] = arena_strdup(call->arena, key->arn);
    return resources_of(call, kms_alias_arn(call, call->account, name), arns[0], arns[1]);
}

/* --- operations ------------------------------------------------------------------------------- */

static const struct local_operation operations[] = {
    {"CancelKeyDeletion", "kms:CancelKeyDeletion", LOCAL_WRITES, key_members, managed_resources,
     kms_cancel_key_deletion},
    {"CreateAlias", "kms:CreateAlias", LOCAL_WRITES, alias_target_members, alias_resources,
     kms_create_alias},
    {"CreateKey", "kms:CreateKey", LOCAL_WRITES, create_key_members, NULL, kms_create_key},
    {"Decrypt", "kms:Decrypt", 0, decrypt_members, kms_ciphertext_resources, kms_op_decrypt},
    {"DeleteAlias", "kms:DeleteAlias", LOCAL_WRITES, alias_members, alias_resources,
     kms_delete_alias},
    {"DescribeKey", "kms:DescribeKey", 0, describe_members, used_resources, kms_describe_key},
    {"DisableKey", "kms:DisableKey", LOCAL_WRITES, key_members, managed_resources, kms_disable_key},
    {"EnableKey", "kms:EnableKey", LOCAL_WRITES, key_members, managed_resources, kms_enable_key},
    {"Encrypt", "kms:Encrypt", 0, encrypt_members, used_resources, kms_op_encrypt},
    {"GenerateDataKey", "kms:GenerateDataKey", 0, data_key_members, used_resources,
     kms_op_generate_data_key},
    {"GenerateDataKeyWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext", 0, data_key_members,
     used_resources, kms_op_generate_data_key_without_plaintext},
    {"GenerateRandom", "kms:GenerateRandom", 0, random_members, NULL, kms_op_generate_random},
    {"GetKeyPolicy", "kms:GetKeyPolicy", 0, get_policy_members, managed_resources,
     kms_get_key_policy},
    {"ListAliases", "kms:ListAliases", 0, list_aliases_members, NULL, kms_list_aliases},
    {"ListKeyPolicies", "kms:ListKeyPolicies", 0, list_policies_members, managed_resources,
     kms_list_key_policies},
    {"ListKeys", "kms:ListKeys", 0, list_keys_members, NULL, kms_list_keys},
    {"ListResourceTags", "kms:ListResourceTags", 0, list_tags_members, managed_resources,
     kms_list_resource_tags},
    {"PutKeyPolicy", "kms:PutKeyPolicy", LOCAL_WRITES, put_policy_members, managed_resources,
     kms_put_key_policy},
    {"ReEncrypt", "kms:ReEncryptFrom", 0, re_encrypt_members, kms_ciphertext_resources,
     kms_op_re_encrypt},
    {"ScheduleKeyDeletion", "kms:ScheduleKeyDeletion", LOCAL_WRITES, schedule_members,
     managed_resources, kms_schedule_key_deletion},
    {"TagResource", "kms:TagResource", LOCAL_WRITES, tag_resource_members, managed_resources,
     kms_tag_resource},
    {"UntagResource", "kms:UntagResource", LOCAL_WRITES, untag_resource_members, managed_resources,
     kms_untag_resource},
    {"UpdateAlias", "kms:UpdateAlias", LOCAL_WRITES, alias_target_members, alias_resources,
     kms_update_alias},
    {"UpdateKeyDescription", "kms:UpdateKeyDescription", LOCAL_WRITES, description_members,
     managed_resources, kms_update_key_description},
    {0}};

static const struct local_trail trail[] = {
    {.operation = "ReplicateKey", .region = "ReplicaRegion", .there_as = "CreateKey"},
    {.operation = "UpdatePrimaryRegion", .region = "PrimaryRegion"},
    {.operation = NULL},
};

const struct local_service kms_service = {.name = "kms",
                                          .target_prefix = "TrentService",
                                          .protocol = AWS_JSON_1_1,
                                          .clock_skew_ms = 5 * 60 * 1000,
                                          .internal_error = "KMSInternalException",
                                          .throttled = {400, "ThrottlingException",
                                                        "You have exceeded the rate at which you "
                                                        "may call KMS. Reduce the frequency of "
                                                        "your calls.",
                                                        NULL},
                                          .schema = schema,
                                          .trail = trail,
                                          .trail_arn_type = "AWS::KMS::Key",
                                          .trail_alias_type = "AWS::KMS::Alias",
                                          .authorize = kms_authorize,
                                          .operations = operations};
