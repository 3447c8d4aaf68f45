#include "local/services/kms_input.h"
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
    "CREATE INDEX IF NOT EXISTS kms_keys_due ON kms_keys (state, deletion_ms);"
    "CREATE TABLE IF NOT EXISTS kms_materials ("
    " key_id TEXT NOT NULL, material TEXT NOT NULL, account TEXT NOT NULL, sealed BLOB NOT NULL,"
    " created_ms BIGINT NOT NULL, PRIMARY KEY (key_id, material));"
    "CREATE TABLE IF NOT EXISTS kms_aliases ("
    " account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, key_id TEXT NOT NULL,"
    " created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL, PRIMARY KEY (account, region, name));"
    "CREATE INDEX IF NOT EXISTS kms_aliases_of_key ON kms_aliases (account, region, key_id, name);"
    "CREATE TABLE IF NOT EXISTS kms_tags ("
    " key_id TEXT NOT NULL, region TEXT NOT NULL, tag_key TEXT NOT NULL, tag_value TEXT NOT NULL,"
    " ordinal INTEGER NOT NULL, PRIMARY KEY (key_id, region, tag_key));"
    /* Rotation belongs to the id, as material does. */
    "CREATE TABLE IF NOT EXISTS kms_schedules ("
    " key_id TEXT PRIMARY KEY, period_days INTEGER NOT NULL, next_ms BIGINT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS kms_rotations ("
    " key_id TEXT NOT NULL, material TEXT NOT NULL, ordinal INTEGER NOT NULL,"
    " rotated_ms BIGINT NOT NULL, kind TEXT, PRIMARY KEY (key_id, material));"
    /* Imported material of a key in a Region; `pending`: for the next rotation. */
    "CREATE TABLE IF NOT EXISTS kms_imports ("
    " key_id TEXT NOT NULL, region TEXT NOT NULL, material TEXT NOT NULL,"
    " ordinal INTEGER NOT NULL, pending INTEGER NOT NULL, imported INTEGER NOT NULL,"
    " expires_ms BIGINT NOT NULL, description TEXT, PRIMARY KEY (key_id, region, material));"
    "CREATE TABLE IF NOT EXISTS kms_grants ("
    " key_id TEXT NOT NULL, region TEXT NOT NULL, grant_id TEXT NOT NULL,"
    " ordinal INTEGER NOT NULL, name TEXT, grantee TEXT, grantee_service TEXT, retiring TEXT,"
    " retiring_service TEXT, operations TEXT NOT NULL, constraints TEXT, issuer TEXT NOT NULL,"
    " created_ms BIGINT NOT NULL, PRIMARY KEY (key_id, region, grant_id));"
    "CREATE INDEX IF NOT EXISTS kms_grants_listed ON kms_grants (key_id, region, ordinal);"
    "CREATE INDEX IF NOT EXISTS kms_grants_grantee ON kms_grants (key_id, region, grantee);"
    "CREATE INDEX IF NOT EXISTS kms_grants_retiring ON kms_grants (region, retiring, ordinal);";

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

static const char *const *shared_resources(struct local_call *call)
{
    return named_key(call, KMS_OTHER_ACCOUNT);
}

static const char *const *used_resources(struct local_call *call)
{
    return named_key(call, KMS_TO_CRYPT);
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
    {"CancelKeyDeletion", "kms:CancelKeyDeletion", LOCAL_WRITES, kms_key_members, managed_resources,
     kms_cancel_key_deletion},
    {"ConnectCustomKeyStore", "kms:ConnectCustomKeyStore", LOCAL_WRITES, kms_store_members, NULL,
     kms_no_custom_key_store},
    {"CreateAlias", "kms:CreateAlias", LOCAL_WRITES, kms_alias_target_members, alias_resources,
     kms_create_alias},
    {"CreateCustomKeyStore", "kms:CreateCustomKeyStore", LOCAL_WRITES, kms_create_store_members,
     NULL, kms_create_custom_key_store},
    {"CreateGrant", "kms:CreateGrant", LOCAL_WRITES, kms_create_grant_members, shared_resources,
     kms_create_grant},
    {"CreateKey", "kms:CreateKey", LOCAL_WRITES, kms_create_key_members, NULL, kms_create_key},
    {"Decrypt", "kms:Decrypt", 0, kms_decrypt_members, kms_ciphertext_resources, kms_op_decrypt},
    {"DeleteAlias", "kms:DeleteAlias", LOCAL_WRITES, kms_alias_members, alias_resources,
     kms_delete_alias},
    {"DeleteCustomKeyStore", "kms:DeleteCustomKeyStore", LOCAL_WRITES, kms_store_members, NULL,
     kms_no_custom_key_store},
    {"DeleteImportedKeyMaterial", "kms:DeleteImportedKeyMaterial", LOCAL_WRITES,
     kms_delete_import_members, managed_resources, kms_delete_imported_key_material},
    {"DeriveSharedSecret", "kms:DeriveSharedSecret", 0, kms_derive_members, used_resources,
     kms_op_derive_shared_secret},
    {"DescribeCustomKeyStores", "kms:DescribeCustomKeyStores", 0, kms_describe_stores_members, NULL,
     kms_describe_custom_key_stores},
    {"DescribeKey", "kms:DescribeKey", 0, kms_describe_members, used_resources, kms_describe_key},
    {"DisableKey", "kms:DisableKey", LOCAL_WRITES, kms_key_members, managed_resources,
     kms_disable_key},
    {"DisableKeyRotation", "kms:DisableKeyRotation", LOCAL_WRITES, kms_key_members,
     managed_resources, kms_disable_key_rotation},
    {"DisconnectCustomKeyStore", "kms:DisconnectCustomKeyStore", LOCAL_WRITES, kms_store_members,
     NULL, kms_no_custom_key_store},
    {"EnableKey", "kms:EnableKey", LOCAL_WRITES, kms_key_members, managed_resources,
     kms_enable_key},
    {"EnableKeyRotation", "kms:EnableKeyRotation", LOCAL_WRITES, kms_enable_rotation_members,
     managed_resources, kms_enable_key_rotation},
    {"Encrypt", "kms:Encrypt", 0, kms_encrypt_members, used_resources, kms_op_encrypt},
    {"GenerateDataKey", "kms:GenerateDataKey", 0, kms_data_key_members, used_resources,
     kms_op_generate_data_key},
    {"GenerateDataKeyPair", "kms:GenerateDataKeyPair", 0, kms_pair_members, used_resources,
     kms_op_generate_data_key_pair},
    {"GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyPairWithoutPlaintext", 0,
     kms_pair_members, used_resources, kms_op_generate_data_key_pair_without_plaintext},
    {"GenerateDataKeyWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext", 0,
     kms_data_key_members, used_resources, kms_op_generate_data_key_without_plaintext},
    {"GenerateMac", "kms:GenerateMac", 0, kms_mac_members, used_resources, kms_op_generate_mac},
    {"GenerateRandom", "kms:GenerateRandom", 0, kms_random_members, NULL, kms_op_generate_random},
    {"GetKeyLastUsage", "kms:GetKeyLastUsage", 0, kms_key_members, managed_resources,
     kms_get_key_last_usage},
    {"GetKeyPolicy", "kms:GetKeyPolicy", 0, kms_get_policy_members, managed_resources,
     kms_get_key_policy},
    {"GetKeyRotationStatus", "kms:GetKeyRotationStatus", 0, kms_key_members, shared_resources,
     kms_get_key_rotation_status},
    {"GetParametersForImport", "kms:GetParametersForImport", 0, kms_wrapping_members,
     managed_resources, kms_get_parameters_for_import},
    {"GetPublicKey", "kms:GetPublicKey", 0, kms_describe_members, used_resources,
     kms_op_get_public_key},
    {"ImportKeyMaterial", "kms:ImportKeyMaterial", LOCAL_WRITES, kms_import_members,
     managed_resources, kms_import_key_material},
    {"ListAliases", "kms:ListAliases", 0, kms_list_aliases_members, NULL, kms_list_aliases},
    {"ListGrants", "kms:ListGrants", 0, kms_list_grants_members, shared_resources, kms_list_grants},
    {"ListKeyPolicies", "kms:ListKeyPolicies", 0, kms_list_policies_members, managed_resources,
     kms_list_key_policies},
    {"ListKeyRotations", "kms:ListKeyRotations", 0, kms_list_rotations_members, managed_resources,
     kms_list_key_rotations},
    {"ListKeys", "kms:ListKeys", 0, kms_list_keys_members, NULL, kms_list_keys},
    {"ListResourceTags", "kms:ListResourceTags", 0, kms_list_tags_members, managed_resources,
     kms_list_resource_tags},
    {"ListRetirableGrants", "kms:ListRetirableGrants", 0, kms_list_retirable_members, NULL,
     kms_list_retirable_grants},
    {"PutKeyPolicy", "kms:PutKeyPolicy", LOCAL_WRITES, kms_put_policy_members, managed_resources,
     kms_put_key_policy},
    {"ReEncrypt", "kms:ReEncryptFrom", 0, kms_re_encrypt_members, kms_ciphertext_resources,
     kms_op_re_encrypt},
    {"ReplicateKey", "kms:ReplicateKey", LOCAL_WRITES, kms_replicate_members, managed_resources,
     kms_replicate_key},
    {"RetireGrant", "kms:RetireGrant", LOCAL_WRITES, kms_retire_grant_members, kms_grant_resources,
     kms_retire_grant},
    {"RevokeGrant", "kms:RevokeGrant", LOCAL_WRITES, kms_revoke_grant_members, shared_resources,
     kms_revoke_grant},
    {"RotateKeyOnDemand", "kms:RotateKeyOnDemand", LOCAL_WRITES, kms_key_members, managed_resources,
     kms_rotate_key_on_demand},
    {"ScheduleKeyDeletion", "kms:ScheduleKeyDeletion", LOCAL_WRITES, kms_schedule_members,
     managed_resources, kms_schedule_key_deletion},
    {"Sign", "kms:Sign", 0, kms_sign_members, used_resources, kms_op_sign},
    {"TagResource", "kms:TagResource", LOCAL_WRITES, kms_tag_resource_members, managed_resources,
     kms_tag_resource},
    {"UntagResource", "kms:UntagResource", LOCAL_WRITES, kms_untag_resource_members,
     managed_resources, kms_untag_resource},
    {"UpdateAlias", "kms:UpdateAlias", LOCAL_WRITES, kms_alias_target_members, alias_resources,
     kms_update_alias},
    {"UpdateCustomKeyStore", "kms:UpdateCustomKeyStore", LOCAL_WRITES, kms_update_store_members,
     NULL, kms_no_custom_key_store},
    {"UpdateKeyDescription", "kms:UpdateKeyDescription", LOCAL_WRITES, kms_description_members,
     managed_resources, kms_update_key_description},
    {"UpdatePrimaryRegion", "kms:UpdatePrimaryRegion", LOCAL_WRITES, kms_primary_members,
     managed_resources, kms_update_primary_region},
    {"Verify", "kms:Verify", 0, kms_verify_members, used_resources, kms_op_verify},
    {"VerifyMac", "kms:VerifyMac", 0, kms_verify_mac_members, used_resources, kms_op_verify_mac},
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
                                          .act = kms_act,
                                          .operations = operations};
