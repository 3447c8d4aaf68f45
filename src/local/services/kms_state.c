#include "local/agenda.h"
#include "local/services/kms_parts.h"

#include <string.h>

const char *const kms_state_names[KMS_STATE_COUNT] = {"Enabled",         "Disabled",
                                                      "PendingDeletion", "PendingReplicaDeletion",
                                                      "PendingImport",   "Creating",
                                                      "Updating"};

static const int64_t day_ms = 24 * 60 * 60 * 1000;

/* --- what a state lets be done (section 5) ---------------------------------------------------- */

enum verdict { GO, OFF, DELETING, KEPT, IMPORTING, MAKING, MOVING };

/* In the order of the states: enabled, disabled, pending deletion, pending replica deletion,
 * pending import, creating, updating. */
static const unsigned char verdicts[KMS_NEED_COUNT][KMS_STATE_COUNT] = {
    [KMS_TO_USE] = {GO, OFF, DELETING, DELETING, IMPORTING, MAKING, GO},
    [KMS_TO_CHANGE] = {GO, GO, DELETING, DELETING, GO, GO, GO},
    [KMS_TO_SWITCH] = {GO, GO, DELETING, DELETING, IMPORTING, MAKING, MOVING},
    [KMS_TO_SCHEDULE] = {GO, GO, DELETING, DELETING, GO, GO, MOVING},
    [KMS_TO_CANCEL] = {KEPT, KEPT, GO, GO, KEPT, KEPT, KEPT},
    [KMS_TO_ROTATE] = {GO, OFF, DELETING, DELETING, IMPORTING, MAKING, GO},
    [KMS_TO_REPLICATE] = {GO, OFF, DELETING, DELETING, IMPORTING, MAKING, MOVING},
    [KMS_TO_MOVE] = {GO, OFF, DELETING, DELETING, IMPORTING, MAKING, GO},
    [KMS_TO_GET_WRAPPING] = {GO, GO, DELETING, DELETING, GO, MAKING, MOVING},
    [KMS_TO_IMPORT] = {GO, GO, DELETING, DELETING, GO, MAKING, GO},
    [KMS_TO_DELETE_IMPORT] = {GO, GO, GO, GO, GO, MAKING, MOVING},
};

enum local_result kms_require(struct local_call *call, const struct kms_key *key,
                              enum kms_need need)
{
    const char *what = NULL;
    switch ((enum verdict)verdicts[need][key->state]) {
    case GO:
        return LOCAL_OK;
    case OFF:
        return local_fail(call, "DisabledException", "%s is disabled.", key->arn);
    case DELETING:
        what = key->state == KMS_PENDING_REPLICA_DELETION ? "pending replica deletion"
                                                          : "pending deletion";
        break;
    case KEPT:
        what = "not pending deletion";
        break;
    case IMPORTING:
        what = "pending import";
        break;
    case MAKING:
        what = "creating";
        break;
    case MOVING:
        what = "updating";
        break;
    }
    return local_fail(call, "KMSInvalidStateException", "%s is %s.", key->arn, what);
}

enum local_result kms_require_usage(struct local_call *call, const struct kms_key *key,
                                    const char *usage, const char *operation)
{
    if (strcmp(key->usage, usage) == 0)
        return LOCAL_OK;
    return local_fail(call, "InvalidKeyUsageException",
                      "%s key usage is %s which is not valid for %s.", key->arn, key->usage,
                      operation);
}

enum local_result kms_require_algorithm(struct local_call *call, const struct kms_key *key,
                                        const char *algorithm)
{
    if (kms_spec_has(kms_spec_find(key->spec), key->usage, algorithm))
        return LOCAL_OK;
    return local_fail(call, "InvalidKeyUsageException",
                      "Algorithm %s is incompatible with key spec %s.", algorithm, key->spec);
}

enum local_result kms_fail_origin(struct local_call *call, const struct kms_key *key)
{
    return local_fail(call, "UnsupportedOperationException",
                      "%s origin is %s which is not valid for this operation.", key->arn,
                      key->origin);
}

enum local_result kms_find_to_use(struct local_call *call, const char *member, const char *usage,
                                  const struct kms_key **key)
{
    enum local_result result = kms_find(call, local_text(call, member), KMS_TO_CRYPT, key);
    if (result == LOCAL_OK)
        result = kms_require(call, *key, KMS_TO_USE);
    if (result == LOCAL_OK)
        result = kms_require_usage(call, *key, usage, call->operation->name);
    return result;
}

/* --- as time passes --------------------------------------------------------------------------- */

bool kms_state_now(struct kms_key *key, int64_t replicas_gone_ms, int64_t now_ms)
{
    bool over = key->deletion_ms <= now_ms;
    if (key->state == KMS_CREATING && over) {
        key->state = strcmp(key->origin, "EXTERNAL") == 0 ? KMS_PENDING_IMPORT : KMS_ENABLED;
    } else if (key->state == KMS_UPDATING && over) {
        key->state = KMS_ENABLED;
    } else if (key->state == KMS_PENDING_REPLICA_DELETION && replicas_gone_ms &&
               replicas_gone_ms <= now_ms) {
        key->state = KMS_PENDING_DELETION;
        key->deletion_ms = replicas_gone_ms + key->window_days * day_ms;
    }
    bool usable = key->state == KMS_ENABLED || key->state == KMS_DISABLED;
    if (usable && key->expires_ms && key->expires_ms <= now_ms)
        key->state = KMS_PENDING_IMPORT;
    return key->state != KMS_PENDING_DELETION || key->deletion_ms > now_ms;
}

int64_t kms_replicas_gone_ms(struct local_call *call, const struct kms_key *key)
{
    struct store_rows rows;
    int64_t gone_ms = key->deletion_ms; /* when it was scheduled */
    store_query(call->store, &rows,
                "SELECT state, deletion_ms FROM kms_keys WHERE key_id = $1 AND region <> $2", "tt",
                key->id, key->region);
    while (store_next(&rows)) {
        if (store_int(&rows, 0) != KMS_PENDING_DELETION) {
            gone_ms = 0;
            break;
        }
        if (store_int(&rows, 1) > gone_ms)
            gone_ms = store_int(&rows, 1);
    }
    store_end(&rows);
    return gone_ms;
}

void kms_set_state(struct local_call *call, const struct kms_key *key, enum kms_state state,
                   int64_t deletion_ms, int64_t window_days)
{
    store_run(call->store,
              "UPDATE kms_keys SET state = $1, deletion_ms = $2, window_days = $3 "
              "WHERE key_id = $4 AND region = $5",
              "iiitt", (int64_t)state, deletion_ms, window_days, key->id, key->region);
    agenda_expect(call->local->agenda, deletion_ms); /* 0: a rotation may have waited for this */
}

/* What was being made or moved is done. */
static void settle(struct local_call *call, int64_t now_ms)
{
    store_run(
        call->store,
        "UPDATE kms_keys SET state = CASE WHEN state = $1 AND origin = 'EXTERNAL' THEN $2 ELSE "
        "$3 END, deletion_ms = 0 WHERE state IN ($4, $5) AND deletion_ms <= $6",
        "iiiiii", (int64_t)KMS_CREATING, (int64_t)KMS_PENDING_IMPORT, (int64_t)KMS_ENABLED,
        (int64_t)KMS_CREATING, (int64_t)KMS_UPDATING, now_ms);
}

/* A primary whose last replica is gone begins its own waiting period at that moment. */
static void start_waiting(struct local_call *call, int64_t now_ms)
{
    store_run(
        call->store,
        "UPDATE kms_keys SET state = $1, deletion_ms = window_days * $2 + COALESCE("
        "(SELECT MAX(r.deletion_ms) FROM kms_keys r WHERE r.key_id = kms_keys.key_id AND "
        "r.region <> kms_keys.region), deletion_ms) WHERE state = $3 AND NOT EXISTS (SELECT 1 "
        "FROM kms_keys r WHERE r.key_id = kms_keys.key_id AND r.region <> kms_keys.region AND "
        "NOT (r.state = $4 AND r.deletion_ms <= $5))",
        "iiiii", (int64_t)KMS_PENDING_DELETION, day_ms, (int64_t)KMS_PENDING_REPLICA_DELETION,
        (int64_t)KMS_PENDING_DELETION, now_ms);
}

/* Bytes of imported material that no Region holds any more. */
static void purge_imports(struct local_call *call, int64_t now_ms)
{
    store_run(
        call->store,
        "UPDATE kms_keys SET state = $1 WHERE state IN ($2, $3, $4) AND EXISTS (SELECT 1 FROM "
        "kms_imports i WHERE i.key_id = kms_keys.key_id AND i.region = kms_keys.region AND "
        "i.pending = 0 AND i.imported = 1 AND i.expires_ms > 0 AND i.expires_ms <= $5)",
        "iiiii", (int64_t)KMS_PENDING_IMPORT, (int64_t)KMS_ENABLED, (int64_t)KMS_DISABLED,
        (int64_t)KMS_UPDATING, now_ms);
    store_run(call->store,
              "UPDATE kms_imports SET imported = 0 WHERE expires_ms > 0 AND expires_ms <= $1 AND "
              "imported = 1",
              "i", now_ms);
    store_run(
        call->store,
        "DELETE FROM kms_materials WHERE EXISTS (SELECT 1 FROM kms_imports i WHERE i.key_id = "
        "kms_materials.key_id AND i.material = kms_materials.material) AND NOT EXISTS (SELECT "
        "1 FROM kms_imports i WHERE i.key_id = kms_materials.key_id AND i.material = "
        "kms_materials.material AND i.imported = 1)",
        "");
}

void kms_purge(struct local_call *call)
{
    static const char *const of_regions[] = {
        "DELETE FROM kms_aliases WHERE NOT EXISTS (SELECT 1 FROM kms_keys k WHERE "
        "k.key_id = kms_aliases.key_id AND k.region = kms_aliases.region)",
        "DELETE FROM kms_tags WHERE NOT EXISTS (SELECT 1 FROM kms_keys k WHERE "
        "k.key_id = kms_tags.key_id AND k.region = kms_tags.region)",
        "DELETE FROM kms_grants WHERE NOT EXISTS (SELECT 1 FROM kms_keys k WHERE "
        "k.key_id = kms_grants.key_id AND k.region = kms_grants.region)",
        "DELETE FROM kms_imports WHERE NOT EXISTS (SELECT 1 FROM kms_keys k WHERE "
        "k.key_id = kms_imports.key_id AND k.region = kms_imports.region)",
        "DELETE FROM kms_rotations WHERE NOT EXISTS (SELECT 1 FROM kms_keys k WHERE "
        "k.key_id = kms_rotations.key_id)",
        "DELETE FROM kms_schedules WHERE NOT EXISTS (SELECT 1 FROM kms_keys k WHERE "
        "k.key_id = kms_schedules.key_id)",
        /* Material goes only when no related key of another Region needs it. */
        "DELETE FROM kms_materials WHERE NOT EXISTS (SELECT 1 FROM kms_keys k WHERE "
        "k.key_id = kms_materials.key_id)",
    };
    int64_t now_ms = call->local->clock->now_ms(call->local->clock);
    settle(call, now_ms);
    start_waiting(call, now_ms);
    kms_tell_ends(call, now_ms);
    purge_imports(call, now_ms);
    if (store_run(call->store, "DELETE FROM kms_keys WHERE state = $1 AND deletion_ms <= $2", "ii",
                  (int64_t)KMS_PENDING_DELETION, now_ms) <= 0)
        return;
    for (size_t i = 0; i < sizeof of_regions / sizeof *of_regions; i++)
        store_run(call->store, of_regions[i], "");
}
