#include "local/services/kms_parts.h"

#include <stdio.h>
#include <string.h>

const char *const kms_state_names[KMS_STATE_COUNT] = {"Enabled",         "Disabled",
                                                      "PendingDeletion", "PendingReplicaDeletion",
                                                      "PendingImport",   "Creating",
                                                      "Updating"};

static const int64_t day_ms = 24 * 60 * 60 * 1000;

/* --- states (section 5) ----------------------------------------------------------------------- */

static enum local_result invalid_state(struct local_call *call, const struct kms_key *key,
                                       const char *what)
{
    return local_fail(call, "KMSInvalidStateException", "%s is %s.", key->arn, what);
}

enum local_result kms_require(struct local_call *call, const struct kms_key *key,
                              enum kms_need need)
{
    bool pending = key->state == KMS_PENDING_DELETION || key->state == KMS_PENDING_REPLICA_DELETION;
    const char *deletion = key->state == KMS_PENDING_REPLICA_DELETION ? "pending replica deletion"
                                                                      : "pending deletion";
    if (need == KMS_TO_CANCEL)
        return pending ? LOCAL_OK : invalid_state(call, key, "not pending deletion");
    if (pending)
        return invalid_state(call, key, deletion);
    if (need == KMS_TO_CHANGE)
        return LOCAL_OK;
    if (key->state == KMS_UPDATING && need != KMS_TO_USE)
        return invalid_state(call, key, "updating");
    if (need == KMS_TO_SCHEDULE)
        return LOCAL_OK;
    if (key->state == KMS_PENDING_IMPORT)
        return invalid_state(call, key, "pending import");
    if (key->state == KMS_CREATING)
        return invalid_state(call, key, "creating");
    if (key->state == KMS_DISABLED && need == KMS_TO_USE)
        return local_fail(call, "DisabledException", "%s is disabled.", key->arn);
    return LOCAL_OK;
}

/* --- answers (section 3) ---------------------------------------------------------------------- */

static void put_multi_region(struct local_call *call, const struct kms_key *key)
{
    struct json_writer *out = call->out;
    char *primary = arena_printf(call->arena, "arn:%s:kms:%s:%s:key/%s", call->partition,
                                 key->primary_region, key->account, key->id);
    json_key(out, "MultiRegionConfiguration");
    json_open(out);
    json_put_text(out, "MultiRegionKeyType",
                  key->multi_region == KMS_PRIMARY ? "PRIMARY" : "REPLICA");
    json_key(out, "PrimaryKey");
    json_open(out);
    json_put_text(out, "Arn", primary);
    json_put_text(out, "Region", key->primary_region);
    json_close(out);
    json_key(out, "ReplicaKeys");
    json_open_list(out);
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT region FROM kms_keys WHERE key_id = $1 AND multi_region = $2 "
                "ORDER BY region",
                "ti", key->id, (int64_t)KMS_REPLICA);
    while (store_next(&rows)) {
        struct text region = store_text(&rows, 0);
        json_open(out);
        json_put_text(out, "Arn",
                      arena_printf(call->arena, "arn:%s:kms:%.*s:%s:key/%s", call->partition,
                                   (int)region.len, region.data, key->account, key->id));
        json_key(out, "Region");
        json_write_text_n(out, region.data, region.len);
        json_close(out);
    }
    store_end(&rows);
    json_close_list(out);
    json_close(out);
}

static void put_metadata(struct local_call *call, const struct kms_key *key)
{
    struct json_writer *out = call->out;
    json_key(out, "KeyMetadata");
    json_open(out);
    json_put_text(out, "AWSAccountId", key->account);
    json_put_text(out, "KeyId", key->id);
    json_put_text(out, "Arn", key->arn);
    local_put_time(call, "CreationDate", key->created_ms);
    json_put_bool(out, "Enabled", key->state == KMS_ENABLED || key->state == KMS_UPDATING);
    json_put_text(out, "Description", key->description);
    json_put_text(out, "KeyUsage", key->usage);
    json_put_text(out, "KeyState", kms_state_names[key->state]);
    if (key->state == KMS_PENDING_DELETION)
        local_put_time(call, "DeletionDate", key->deletion_ms);
    if (key->state == KMS_PENDING_REPLICA_DELETION)
        json_put_int(out, "PendingDeletionWindowInDays", key->window_days);
    json_put_text(out, "Origin", key->origin);
    json_put_text(out, "KeyManager", key->aws_managed ? "AWS" : "CUSTOMER");
    json_put_text(out, "CustomerMasterKeySpec", key->spec);
    json_put_text(out, "KeySpec", key->spec);
    json_key(out, "EncryptionAlgorithms");
    json_open_list(out);
    json_write_text(out, "SYMMETRIC_DEFAULT");
    json_close_list(out);
    json_put_bool(out, "MultiRegion", key->multi_region != KMS_SINGLE);
    if (key->multi_region != KMS_SINGLE)
        put_multi_region(call, key);
    json_put_text(out, "CurrentKeyMaterialId", key->material);
    json_close(out);
}

/* --- making ----------------------------------------------------------------------------------- */

static void new_id(struct local_call *call, bool multi_region, char id[KMS_ID_SIZE])
{
    char uuid[RANDOM_UUID_SIZE];
    random_uuid(call->local->random, uuid);
    if (multi_region) /* the same bits without dashes */
        snprintf(id, KMS_ID_SIZE, "mrk-%.8s%.4s%.4s%.4s%.12s", uuid, uuid + 9, uuid + 14, uuid + 19,
                 uuid + 24);
    else
        snprintf(id, KMS_ID_SIZE, "%s", uuid);
}

/* Keys whose waiting period is over go with all that is theirs; material only when no related key
 * of another Region needs it. */
static void purge(struct local_call *call)
{
    int64_t now_ms = call->local->clock->now_ms(call->local->clock);
    if (store_run(call->store, "DELETE FROM kms_keys WHERE state = $1 AND deletion_ms <= $2", "ii",
                  (int64_t)KMS_PENDING_DELETION, now_ms) <= 0)
        return;
    store_run(call->store,
              "DELETE FROM kms_aliases WHERE NOT EXISTS (SELECT 1 FROM kms_keys k WHERE "
              "k.key_id = kms_aliases.key_id AND k.region = kms_aliases.region)",
              "");
    store_run(call->store,
              "DELETE FROM kms_tags WHERE NOT EXISTS (SELECT 1 FROM kms_keys k WHERE "
              "k.key_id = kms_tags.key_id AND k.region = kms_tags.region)",
              "");
    store_run(call->store,
              "DELETE FROM kms_materials WHERE NOT EXISTS (SELECT 1 FROM kms_keys k WHERE "
              "k.key_id = kms_materials.key_id)",
              "");
}

void kms_insert(struct local_call *call, const struct kms_new_key *new_key, char id[KMS_ID_SIZE])
{
    char material[KMS_MATERIAL_SIZE];
    purge(call);
    new_id(call, new_key->multi_region, id);
    kms_material_new(call, call->account, id, material);
    store_run(call->store,
              "INSERT INTO kms_keys (key_id, region, account, material, state, multi_region, "
              "service, spec, usage, origin, description, policy, shape, primary_region, "
              "created_ms, deletion_ms, window_days, tagged) VALUES ($1, $2, $3, $4, $5, $6, $7, "
              "'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', 'AWS_KMS', $8, $9, $10, $11, $12, 0, 0, 0)",
              "ttttiitttiti", id, call->region, call->account, material, (int64_t)KMS_ENABLED,
              (int64_t)(new_key->multi_region ? KMS_PRIMARY : KMS_SINGLE), new_key->service,
              new_key->description, new_key->policy, (int64_t)new_key->shape,
              new_key->multi_region ? call->region : NULL,
              call->local->clock->now_ms(call->local->clock));
}

/* Which usages a spec allows (section 3); the first is the default when it is the only kind that
 * needs none to be given. */
static const struct {
    const char *spec, *usages[4];
} specs[] = {{"SYMMETRIC_DEFAULT", {"ENCRYPT_DECRYPT"}},
             {"HMAC_", {"GENERATE_VERIFY_MAC"}},
             {"RSA_", {"ENCRYPT_DECRYPT", "SIGN_VERIFY"}},
             {"ECC_NIST_P", {"SIGN_VERIFY", "KEY_AGREEMENT"}},
             {"ECC_", {"SIGN_VERIFY"}},
             {"ML_DSA_", {"SIGN_VERIFY"}},
             {"SM2", {"ENCRYPT_DECRYPT", "SIGN_VERIFY", "KEY_AGREEMENT"}}};

static bool usage_fits(const char *spec, const char *usage)
{
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        if (!text_starts(spec, specs[i].spec))
            continue;
        for (const char *const *fits = specs[i].usages; *fits; fits++)
            if (strcmp(*fits, usage) == 0)
                return true;
        return false;
    }
    return false;
}

static enum local_result check_kind(struct local_call *call)
{
    const char *spec = local_text(call, "KeySpec"),
               *old = local_text(call, "CustomerMasterKeySpec");
    const char *usage = local_text(call, "KeyUsage"), *origin = local_text(call, "Origin");
    if (spec && old)
        return local_fail(call, "ValidationException",
                          "You cannot specify KeySpec and CustomerMasterKeySpec in the same "
                          "request. CustomerMasterKeySpec is deprecated.");
    if (!spec)
        spec = old ? old : "SYMMETRIC_DEFAULT";
    bool symmetric = strcmp(spec, "SYMMETRIC_DEFAULT") == 0;
    if (!usage && !symmetric)
        return local_fail(call, "ValidationException",
                          "You must specify a KeyUsage value for all KMS keys except for symmetric "
                          "encryption keys.");
    if (usage && !usage_fits(spec, usage))
        return local_fail(call, "ValidationException",
                          "KeyUsage %s is not compatible with KeySpec %s", usage, spec);
    if (local_text(call, "CustomKeyStoreId"))
        return local_fail_bare(call, "CustomKeyStoreNotFoundException");
    /* Ours, not AWS's: what this local server does not have yet. */
    if (!symmetric)
        return local_fail(call, "UnsupportedOperationException",
                          "understudy-local does not make %s keys yet, only SYMMETRIC_DEFAULT.",
                          spec);
    if (origin && strcmp(origin, "AWS_KMS") != 0)
        return local_fail(call, "UnsupportedOperationException",
                          "understudy-local does not make keys of origin %s yet, only AWS_KMS.",
                          origin);
    return LOCAL_OK;
}

enum local_result kms_create_key(struct local_call *call)
{
    enum local_result result = check_kind(call);
    if (result != LOCAL_OK)
        return result;
    struct kms_new_key new_key = {.description = local_text(call, "Description"),
                                  .multi_region = local_bool(call, "MultiRegion", false)};
    if (!new_key.description)
        new_key.description = "";
    const char *policy = local_text(call, "Policy");
    char *shown;
    result = kms_policy_check(call, policy ? policy : kms_default_policy(call),
                              local_bool(call, "BypassPolicyLockoutSafetyCheck", !policy), &shown,
                              &new_key.shape);
    const json_t *tags = local_value(call, "Tags");
    if (result == LOCAL_OK && json_array_size(tags) > 0)
        result = kms_allow_creation(call, "kms:TagResource", local_arn(call, "kms", "key/*"));
    if (result != LOCAL_OK)
        return result;
    new_key.policy = shown;
    char id[KMS_ID_SIZE];
    kms_insert(call, &new_key, id);
    result = json_array_size(tags) > 0 ? kms_tags_add(call, id, tags) : LOCAL_OK;
    const struct kms_key *key = result == LOCAL_OK ? kms_load(call, id) : NULL;
    if (key)
        put_metadata(call, key);
    return result;
}

/* --- reading ---------------------------------------------------------------------------------- */

enum local_result kms_describe_key(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result =
        kms_find(call, local_text(call, "KeyId"), KMS_BY_ALIAS | KMS_OTHER_ACCOUNT, &key);
    if (result == LOCAL_OK)
        put_metadata(call, key);
    return result;
}

enum local_result kms_marker(struct local_call *call, const char **position)
{
    const char *marker = local_text(call, "Marker");
    char *text = NULL;
    if (marker && local_token_decode(call, marker, &text) != 0)
        return local_fail(call, "InvalidMarkerException", "Invalid marker.");
    *position = text ? text : "";
    return LOCAL_OK;
}

void kms_put_marker(struct local_call *call, const char *position)
{
    if (position)
        json_put_text(call->out, "NextMarker", local_token_encode(call, position));
    json_put_bool(call->out, "Truncated", position != NULL);
}

enum local_result kms_list_keys(struct local_call *call)
{
    const char *after;
    enum local_result result = kms_marker(call, &after);
    if (result != LOCAL_OK)
        return result;
    int64_t limit = local_int(call, "Limit", 100), count = 0;
    const char *last = NULL, *next = NULL;
    json_key(call->out, "Keys");
    json_open_list(call->out);
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT key_id FROM kms_keys WHERE account = $1 AND region = $2 AND key_id > $3 "
                "AND NOT (state = $4 AND deletion_ms <= $5) ORDER BY key_id LIMIT $6",
                "tttiii", call->account, call->region, after, (int64_t)KMS_PENDING_DELETION,
                call->local->clock->now_ms(call->local->clock), limit + 1);
    while (store_next(&rows)) {
        struct text id = store_text(&rows, 0);
        if (count++ == limit) {
            next = last;
            break;
        }
        last = arena_strndup(call->arena, id.data, id.len);
        json_open(call->out);
        json_put_text(call->out, "KeyId", last);
        json_put_text(call->out, "KeyArn",
                      local_arn(call, "kms", arena_printf(call->arena, "key/%s", last)));
        json_close(call->out);
    }
    store_end(&rows);
    json_close_list(call->out);
    kms_put_marker(call, next);
    return LOCAL_OK;
}

/* --- changing --------------------------------------------------------------------------------- */

static enum local_result find_for(struct local_call *call, enum kms_need need,
                                  const struct kms_key **key)
{
    enum local_result result = kms_find(call, local_text(call, "KeyId"), 0, key);
    return result == LOCAL_OK ? kms_require(call, *key, need) : result;
}

static void set_state(struct local_call *call, const struct kms_key *key, enum kms_state state,
                      int64_t deletion_ms, int64_t window_days)
{
    store_run(call->store,
              "UPDATE kms_keys SET state = $1, deletion_ms = $2, window_days = $3 "
              "WHERE key_id = $4 AND region = $5",
              "iiitt", (int64_t)state, deletion_ms, window_days, key->id, key->region);
}

enum local_result kms_enable_key(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = find_for(call, KMS_TO_SWITCH, &key);
    if (result == LOCAL_OK)
        set_state(call, key, KMS_ENABLED, 0, 0);
    return result;
}

enum local_result kms_disable_key(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = find_for(call, KMS_TO_SWITCH, &key);
    if (result == LOCAL_OK)
        set_state(call, key, KMS_DISABLED, 0, 0);
    return result;
}

enum local_result kms_update_key_description(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = find_for(call, KMS_TO_CHANGE, &key);
    if (result == LOCAL_OK)
        store_run(call->store,
                  "UPDATE kms_keys SET description = $1 WHERE key_id = $2 AND region = $3", "ttt",
                  local_text(call, "Description"), key->id, key->region);
    return result;
}

static bool has_replicas(struct local_call *call, const struct kms_key *key)
{
    if (key->multi_region != KMS_PRIMARY)
        return false;
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT 1 FROM kms_keys WHERE key_id = $1 AND multi_region = $2 LIMIT 1", "ti",
                key->id, (int64_t)KMS_REPLICA);
    bool found = store_next(&rows);
    store_end(&rows);
    return found;
}

enum local_result kms_schedule_key_deletion(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = find_for(call, KMS_TO_SCHEDULE, &key);
    if (result != LOCAL_OK)
        return result;
    purge(call);
    int64_t days = local_int(call, "PendingWindowInDays", 30);
    bool waits = has_replicas(call, key);
    enum kms_state state = waits ? KMS_PENDING_REPLICA_DELETION : KMS_PENDING_DELETION;
    int64_t deletion_ms =
        waits ? 0 : call->local->clock->now_ms(call->local->clock) + days * day_ms;
    set_state(call, key, state, deletion_ms, days);
    json_put_text(call->out, "KeyId", key->arn);
    if (!waits)
        local_put_time(call, "DeletionDate", deletion_ms);
    json_put_text(call->out, "KeyState", kms_state_names[state]);
    json_put_int(call->out, "PendingWindowInDays", days);
    return LOCAL_OK;
}

enum local_result kms_cancel_key_deletion(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = find_for(call, KMS_TO_CANCEL, &key);
    if (result != LOCAL_OK)
        return result;
    set_state(call, key, KMS_DISABLED, 0, 0);
    json_put_text(call->out, "KeyId", key->arn);
    return LOCAL_OK;
}
