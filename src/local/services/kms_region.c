/* Multi-Region keys: replicas and who is primary (shared facts kms.md section 4). */
#include "local/services/kms_parts.h"

#include "aws/region.h"

#include <string.h>

/* AWS takes some seconds for both; here it is long enough for a client that does not wait to see
 * it. */
static const int64_t settling_ms = 500;

enum local_result kms_require_primary(struct local_call *call, const struct kms_key *key)
{
    if (key->multi_region != KMS_REPLICA)
        return LOCAL_OK;
    return local_fail(call, "UnsupportedOperationException",
                      "%s is not a multi-region primary key.", key->arn);
}

static enum local_result require_multi_region_primary(struct local_call *call,
                                                      const struct kms_key *key)
{
    if (key->multi_region == KMS_PRIMARY)
        return LOCAL_OK;
    return local_fail(call, "UnsupportedOperationException",
                      "%s is not a multi-region primary key.", key->arn);
}

/* The same call, asked of another Region; what it refuses is told by this one. */
static struct local_call call_in(const struct local_call *call, const char *region)
{
    struct local_call there = *call;
    there.region = region;
    return there;
}

/* A Region of this partition that is not the call's own. */
static enum local_result check_region(struct local_call *call, const char *region)
{
    bool here = strcmp(region, call->region) == 0;
    if (region_valid(region) && !here && strcmp(partition_of(region)->name, call->partition) == 0)
        return LOCAL_OK;
    return local_fail(call, "ValidationException",
                      here ? "%s is the Region of the key itself." /* texts not observed (K) */
                           : "%s is not a Region of this partition.",
                      region);
}

/* --- ReplicateKey ----------------------------------------------------------------------------- */

/* The right to make the replica is asked in its own Region, with the conditions of a creation. */
static enum local_result allow_replica(struct local_call *there, const struct kms_key *key)
{
    enum local_result result = kms_allow_replica(there, "kms:CreateKey", key);
    if (result == LOCAL_OK && json_array_size(local_value(there, "Tags")) > 0)
        result = kms_allow_replica(there, "kms:TagResource", key);
    return result;
}

static void insert_replica(struct local_call *there, const struct kms_key *key, const char *policy,
                           enum kms_policy_shape shape)
{
    const char *description = local_text(there, "Description");
    int64_t now_ms = there->local->clock->now_ms(there->local->clock);
    store_run(there->store,
              "INSERT INTO kms_keys (key_id, region, account, material, state, multi_region, "
              "service, spec, usage, origin, description, policy, shape, primary_region, "
              "created_ms, deletion_ms, window_days, tagged) VALUES ($1, $2, $3, $4, $5, $6, NULL, "
              "$7, $8, $9, $10, $11, $12, $13, $14, $15, 0, 0)",
              "ttttiitttttitii", key->id, there->region, key->account, key->material,
              (int64_t)KMS_CREATING, (int64_t)KMS_REPLICA, key->spec, key->usage, key->origin,
              description ? description : "", policy, (int64_t)shape, key->region, now_ms,
              now_ms + settling_ms);
    /* What was imported into the primary is to be imported here as well, each of them. */
    store_run(there->store,
              "INSERT INTO kms_imports (key_id, region, material, ordinal, pending, imported, "
              "expires_ms, description) SELECT key_id, $1, material, ordinal, pending, 0, 0, NULL "
              "FROM kms_imports WHERE key_id = $2 AND region = $3",
              "ttt", there->region, key->id, key->region);
}

static void put_tags(struct local_call *call, const json_t *tags)
{
    json_key(call->out, "ReplicaTags");
    json_open_list(call->out);
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const json_t *tag = json_array_get(tags, i);
        json_open(call->out);
        json_put_text(call->out, "TagKey", json_text(tag, "TagKey"));
        json_put_text(call->out, "TagValue", json_text(tag, "TagValue"));
        json_close(call->out);
    }
    json_close_list(call->out);
}

static enum local_result make_replica(struct local_call *there, const struct kms_key *key)
{
    const char *given = local_text(there, "Policy");
    const json_t *tags = local_value(there, "Tags");
    char *shown;
    enum kms_policy_shape shape;
    enum local_result result = allow_replica(there, key);
    if (result == LOCAL_OK && kms_load(there, key->id))
        result =
            local_fail(there, "AlreadyExistsException",
                       "A key with the ID %s already exists in Region %s.", key->id, there->region);
    if (result == LOCAL_OK)
        result = kms_check_room(there);
    if (result == LOCAL_OK)
        result = kms_policy_check(there, given ? given : kms_default_policy(there),
                                  local_bool(there, "BypassPolicyLockoutSafetyCheck", !given),
                                  &shown, &shape);
    if (result != LOCAL_OK)
        return result;
    insert_replica(there, key, shown, shape);
    result = json_array_size(tags) > 0 ? kms_tags_add(there, key->id, tags) : LOCAL_OK;
    const struct kms_key *replica = result == LOCAL_OK ? kms_load(there, key->id) : NULL;
    if (!replica)
        return result;
    kms_put_metadata(there, "ReplicaKeyMetadata", replica);
    json_put_text(there->out, "ReplicaPolicy", replica->policy);
    if (json_array_size(tags) > 0)
        put_tags(there, tags);
    return LOCAL_OK;
}

enum local_result kms_replicate_key(struct local_call *call)
{
    const char *region = local_text(call, "ReplicaRegion");
    const struct kms_key *key;
    enum local_result result = kms_find(call, local_text(call, "KeyId"), 0, &key);
    if (result == LOCAL_OK)
        result = require_multi_region_primary(call, key);
    if (result == LOCAL_OK)
        result = kms_require(call, key, KMS_TO_REPLICATE);
    if (result == LOCAL_OK)
        result = check_region(call, region);
    if (result != LOCAL_OK)
        return result;
    kms_purge(call); /* a replica whose time is over leaves its place */
    struct local_call there = call_in(call, region);
    result = make_replica(&there, key);
    call->failure = there.failure;
    return result;
}

/* --- UpdatePrimaryRegion ---------------------------------------------------------------------- */

static enum local_result check_successor(struct local_call *there, const struct kms_key *key,
                                         const struct kms_key **successor)
{
    *successor = kms_load(there, key->id);
    if (!*successor)
        return local_fail(there, "NotFoundException",
                          "Key 'arn:%s:kms:%s:%s:key/%s' does not exist", there->partition,
                          there->region, key->account, key->id);
    enum local_result result =
        kms_allow(there, *successor, &(struct kms_question){.action = "kms:UpdatePrimaryRegion"});
    return result == LOCAL_OK ? kms_require(there, *successor, KMS_TO_MOVE) : result;
}

enum local_result kms_update_primary_region(struct local_call *call)
{
    const char *region = local_text(call, "PrimaryRegion");
    const struct kms_key *key, *successor;
    enum local_result result = kms_find(call, local_text(call, "KeyId"), 0, &key);
    if (result == LOCAL_OK)
        result = require_multi_region_primary(call, key);
    if (result == LOCAL_OK)
        result = kms_require(call, key, KMS_TO_MOVE);
    if (result == LOCAL_OK)
        result = check_region(call, region);
    if (result != LOCAL_OK)
        return result;
    struct local_call there = call_in(call, region);
    result = check_successor(&there, key, &successor);
    call->failure = there.failure;
    if (result != LOCAL_OK)
        return result;
    int64_t until_ms = call->local->clock->now_ms(call->local->clock) + settling_ms;
    store_run(call->store,
              "UPDATE kms_keys SET multi_region = CASE WHEN region = $1 THEN $2 ELSE $3 END, "
              "primary_region = $4 WHERE key_id = $5",
              "tiitt", region, (int64_t)KMS_PRIMARY, (int64_t)KMS_REPLICA, region, key->id);
    kms_set_state(call, key, KMS_UPDATING, until_ms, 0);
    kms_set_state(call, successor, KMS_UPDATING, until_ms, 0);
    return LOCAL_OK;
}
