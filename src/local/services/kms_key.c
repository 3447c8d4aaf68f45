#include "local/services/kms_material.h"

#include <stdio.h>
#include <string.h>

static const int64_t day_ms = 24 * 60 * 60 * 1000;
enum { LARGEST_KEYS = 100000 }; /* of an account and Region, AWS managed ones apart (section 11) */

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
                "SELECT region FROM kms_keys WHERE key_id = $1 AND multi_region = $2 AND NOT "
                "(state = $3 AND deletion_ms <= $4) ORDER BY region",
                "tiii", key->id, (int64_t)KMS_REPLICA, (int64_t)KMS_PENDING_DELETION,
                call->local->clock->now_ms(call->local->clock));
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

void kms_put_spec(struct local_call *call, const struct kms_key *key)
{
    struct json_writer *out = call->out;
    if (strcmp(key->spec, "ECC_NIST_EDWARDS25519") != 0) /* newer than that member's list */
        json_put_text(out, "CustomerMasterKeySpec", key->spec);
    json_put_text(out, "KeySpec", key->spec);
    json_key(out, kms_spec_member(key->usage));
    json_open_list(out);
    const char *const *algorithm = kms_spec_algorithms(kms_spec_find(key->spec), key->usage);
    for (; *algorithm; algorithm++)
        json_write_text(out, *algorithm);
    json_close_list(out);
}

void kms_put_metadata(struct local_call *call, const char *name, const struct kms_key *key)
{
    struct json_writer *out = call->out;
    bool imported = strcmp(key->origin, "EXTERNAL") == 0 && key->state != KMS_PENDING_IMPORT &&
                    key->state != KMS_CREATING;
    json_key(out, name);
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
    if (imported)
        json_put_text(out, "ExpirationModel",
                      key->expires_ms ? "KEY_MATERIAL_EXPIRES" : "KEY_MATERIAL_DOES_NOT_EXPIRE");
    if (imported && key->expires_ms)
        local_put_time(call, "ValidTo", key->expires_ms);
    json_put_text(out, "KeyManager", key->aws_managed ? "AWS" : "CUSTOMER");
    kms_put_spec(call, key);
    json_put_bool(out, "MultiRegion", key->multi_region != KMS_SINGLE);
    if (key->multi_region != KMS_SINGLE)
        put_multi_region(call, key);
    if (kms_spec_symmetric(key->spec) && *key->material)
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

void kms_insert(struct local_call *call, const struct kms_new_key *new_key, char id[KMS_ID_SIZE])
{
    char material[KMS_MATERIAL_SIZE] = "";
    bool external = strcmp(new_key->origin, "EXTERNAL") == 0;
    kms_purge(call);
    new_id(call, new_key->multi_region, id);
    if (!external)
        kms_material_new(call, call->account, id, new_key->spec, material);
    store_run(call->store,
              "INSERT INTO kms_keys (key_id, region, account, material, state, multi_region, "
              "service, spec, usage, origin, description, policy, shape, primary_region, "
              "created_ms, deletion_ms, window_days, tagged) VALUES ($1, $2, $3, $4, $5, $6, $7, "
              "$8, $9, $10, $11, $12, $13, $14, $15, 0, 0, 0)",
              "ttttiittttttiti", id, call->region, call->account, material,
              (int64_t)(external ? KMS_PENDING_IMPORT : KMS_ENABLED),
              (int64_t)(new_key->multi_region ? KMS_PRIMARY : KMS_SINGLE), new_key->service,
              new_key->spec->name, new_key->usage, new_key->origin, new_key->description,
              new_key->policy, (int64_t)new_key->shape, new_key->multi_region ? call->region : NULL,
              call->local->clock->now_ms(call->local->clock));
}

/* Spec, usage and origin, as asked for and as they are by default (section 3). */
static enum local_result check_kind(struct local_call *call, struct kms_new_key *new_key)
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
    if (!usage && !kms_spec_symmetric(spec))
        return local_fail(call, "ValidationException",
                          "You must specify a KeyUsage value for all KMS keys except for symmetric "
                          "encryption keys.");
    new_key->spec = kms_spec_find(spec);
    new_key->usage = usage ? usage : "ENCRYPT_DECRYPT";
    new_key->origin = origin ? origin : "AWS_KMS";
    if (!kms_spec_allows(new_key->spec, new_key->usage))
        return local_fail(call, "ValidationException",
                          "KeyUsage %s is not compatible with KeySpec %s", usage, spec);
    if (local_text(call, "CustomKeyStoreId"))
        return local_fail_bare(call, "CustomKeyStoreNotFoundException");
    bool in_store = strcmp(new_key->origin, "AWS_CLOUDHSM") == 0 ||
                    strcmp(new_key->origin, "EXTERNAL_KEY_STORE") == 0;
    if (in_store || local_text(call, "XksKeyId")) /* text not observed (K) */
        return local_fail(call, "ValidationException",
                          "You must specify a CustomKeyStoreId for a key of origin %s.",
                          new_key->origin);
    /* As in a Region that does not have them (text ours). */
    if (new_key->spec->family == KMS_ABSENT)
        return local_fail(call, "UnsupportedOperationException",
                          "KeySpec %s is not supported in this Region.", spec);
    return LOCAL_OK;
}

enum local_result kms_check_room(struct local_call *call)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT COUNT(*) FROM kms_keys WHERE account = $1 AND region = $2 AND "
                "service IS NULL",
                "tt", call->account, call->region);
    bool full = store_next(&rows) && store_int(&rows, 0) >= LARGEST_KEYS;
    store_end(&rows);
    return full ? local_fail(call, "LimitExceededException",
                             "The account has %d KMS keys in this Region already.", LARGEST_KEYS)
                : LOCAL_OK;
}

enum local_result kms_create_key(struct local_call *call)
{
    struct kms_new_key new_key = {.description = local_text(call, "Description"),
                                  .multi_region = local_bool(call, "MultiRegion", false)};
    enum local_result result = check_kind(call, &new_key);
    if (result == LOCAL_OK)
        result = kms_check_room(call);
    if (result != LOCAL_OK)
        return result;
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
        kms_put_metadata(call, "KeyMetadata", key);
    return result;
}

/* --- reading ---------------------------------------------------------------------------------- */

enum local_result kms_describe_key(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = kms_find(call, local_text(call, "KeyId"), KMS_TO_CRYPT, &key);
    if (result == LOCAL_OK)
        result = kms_rotate_when_due(call, &key);
    if (result == LOCAL_OK)
        kms_put_metadata(call, "KeyMetadata", key);
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

enum local_result kms_find_for(struct local_call *call, enum kms_need need,
                               const struct kms_key **key)
{
    enum local_result result = kms_find(call, local_text(call, "KeyId"), 0, key);
    return result == LOCAL_OK ? kms_require(call, *key, need) : result;
}

enum local_result kms_enable_key(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = kms_find_for(call, KMS_TO_SWITCH, &key);
    if (result == LOCAL_OK)
        kms_set_state(call, key, KMS_ENABLED, 0, 0);
    return result;
}

enum local_result kms_disable_key(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = kms_find_for(call, KMS_TO_SWITCH, &key);
    if (result == LOCAL_OK)
        kms_set_state(call, key, KMS_DISABLED, 0, 0);
    return result;
}

enum local_result kms_update_key_description(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = kms_find_for(call, KMS_TO_CHANGE, &key);
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
                "SELECT 1 FROM kms_keys WHERE key_id = $1 AND region <> $2 LIMIT 1", "tt", key->id,
                key->region);
    bool found = store_next(&rows);
    store_end(&rows);
    return found;
}

enum local_result kms_schedule_key_deletion(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = kms_find_for(call, KMS_TO_SCHEDULE, &key);
    if (result != LOCAL_OK)
        return result;
    kms_purge(call);
    int64_t days = local_int(call, "PendingWindowInDays", 30);
    int64_t now_ms = call->local->clock->now_ms(call->local->clock);
    bool waits = has_replicas(call, key);
    enum kms_state state = waits ? KMS_PENDING_REPLICA_DELETION : KMS_PENDING_DELETION;
    int64_t deletion_ms = waits ? now_ms : now_ms + days * day_ms;
    kms_set_state(call, key, state, deletion_ms, days);
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
    enum local_result result = kms_find_for(call, KMS_TO_CANCEL, &key);
    if (result != LOCAL_OK)
        return result;
    bool whole = strcmp(key->origin, "EXTERNAL") != 0 || kms_import_whole(call, key);
    kms_set_state(call, key, whole ? KMS_DISABLED : KMS_PENDING_IMPORT, 0, 0);
    json_put_text(call->out, "KeyId", key->arn);
    return LOCAL_OK;
}
