/* Rotation: automatic by the server's clock, and on demand (shared facts kms.md sections 2, 5, 10).
 *
 * The agenda rotates a key when it is due; who uses or looks at it before the agenda comes makes
 * the rotations first. They are dated as they were due. */
#include "local/agenda.h"
#include "local/services/kms_material.h"

#include <string.h>

static const int64_t day_ms = 24 * 60 * 60 * 1000, conflict_ms = 20 * 60 * 1000;
enum { LARGEST_ON_DEMAND = 25, LARGEST_DUE = 1000 };

static int64_t now_of(struct local_call *call)
{
    return call->local->clock->now_ms(call->local->clock);
}

/* --- making them ------------------------------------------------------------------------------ */

/* `material` is the key's from now on, in all its Regions. */
static void make_current(struct local_call *call, const struct kms_key *key, const char *material,
                         int64_t when_ms, const char *kind)
{
    store_run(call->store,
              "INSERT INTO kms_rotations (key_id, material, ordinal, rotated_ms, kind) SELECT "
              "key_id, material, 1, created_ms, NULL FROM kms_keys WHERE key_id = $1 AND "
              "region = $2 AND NOT EXISTS (SELECT 1 FROM kms_rotations r WHERE r.key_id = $3)",
              "ttt", key->id, key->region, key->id);
    store_run(call->store,
              "INSERT INTO kms_rotations (key_id, material, ordinal, rotated_ms, kind) SELECT $1, "
              "$2, MAX(ordinal) + 1, $3, $4 FROM kms_rotations WHERE key_id = $5",
              "ttitt", key->id, material, when_ms, kind, key->id);
    store_run(call->store, "UPDATE kms_keys SET material = $1 WHERE key_id = $2", "tt", material,
              key->id);
    kms_tell_rotation(call, key->id);
}

static void rotate(struct local_call *call, const struct kms_key *key, int64_t when_ms,
                   const char *kind)
{
    char material[KMS_MATERIAL_SIZE];
    kms_material_new(call, key->account, key->id, kms_spec_find(key->spec), material);
    make_current(call, key, material, when_ms, kind);
}

void kms_schedule_rotation(struct local_call *call, const char *key_id, int64_t period_days)
{
    store_run(call->store, "DELETE FROM kms_schedules WHERE key_id = $1", "t", key_id);
    store_run(call->store,
              "INSERT INTO kms_schedules (key_id, period_days, next_ms) VALUES ($1, $2, $3)", "tii",
              key_id, period_days, now_of(call) + period_days * day_ms);
    agenda_expect(call->local->agenda, now_of(call) + period_days * day_ms);
}

/* Disabled keys are not rotated until they are enabled again (D23); replicas follow the primary. */
static bool primary_enabled(struct local_call *call, const struct kms_key *key)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT 1 FROM kms_keys WHERE key_id = $1 AND region = $2 AND state IN ($3, $4)",
                "ttii", key->id, key->primary_region, (int64_t)KMS_ENABLED, (int64_t)KMS_UPDATING);
    bool enabled = store_next(&rows);
    store_end(&rows);
    return enabled;
}

enum local_result kms_rotate_when_due(struct local_call *call, const struct kms_key **key)
{
    const struct kms_key *old = *key;
    int64_t now_ms, next_ms = old->next_rotation_ms;
    if (next_ms == 0 || old->state != KMS_ENABLED || (now_ms = now_of(call)) < next_ms)
        return LOCAL_OK;
    if (!call->writing)
        return LOCAL_AS_WRITE;
    if (old->multi_region == KMS_REPLICA && !primary_enabled(call, old))
        return LOCAL_OK;
    for (int count = 0; next_ms <= now_ms && count < LARGEST_DUE; count++) {
        rotate(call, old, next_ms, "AUTOMATIC");
        next_ms += old->rotation_days * day_ms;
    }
    store_run(call->store, "UPDATE kms_schedules SET next_ms = $1 WHERE key_id = $2", "it", next_ms,
              old->id);
    *key = kms_load(call, old->id);
    return *key ? LOCAL_OK : kms_fail_internal(call);
}

/* --- what may be rotated ---------------------------------------------------------------------- */

static enum local_result require_symmetric(struct local_call *call, const struct kms_key *key)
{
    if (!kms_spec_symmetric(key->spec))
        return local_fail_bare(call, "UnsupportedOperationException");
    return LOCAL_OK;
}

static enum local_result require_automatic(struct local_call *call, const struct kms_key *key)
{
    enum local_result result = require_symmetric(call, key);
    if (result == LOCAL_OK && strcmp(key->origin, "AWS_KMS") != 0)
        result = kms_fail_origin(call, key);
    return result;
}

/* The request's key, if this is the one of its Regions where rotation is decided. */
static enum local_result find_to_rotate(struct local_call *call, bool automatic,
                                        const struct kms_key **key)
{
    enum local_result result = kms_find(call, local_text(call, "KeyId"), 0, key);
    if (result == LOCAL_OK)
        result = automatic ? require_automatic(call, *key) : require_symmetric(call, *key);
    if (result == LOCAL_OK)
        result = kms_require_primary(call, *key);
    if (result == LOCAL_OK)
        result = kms_require(call, *key, KMS_TO_ROTATE);
    return result == LOCAL_OK ? kms_rotate_when_due(call, key) : result;
}

/* --- operations ------------------------------------------------------------------------------- */

enum local_result kms_enable_key_rotation(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = find_to_rotate(call, true, &key);
    int64_t days = local_int(call, "RotationPeriodInDays", 365);
    /* The same period again changes nothing; the count starts anew with another one. */
    if (result == LOCAL_OK && key->rotation_days != days)
        kms_schedule_rotation(call, key->id, days);
    return result;
}

enum local_result kms_disable_key_rotation(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = find_to_rotate(call, true, &key);
    if (result == LOCAL_OK)
        store_run(call->store, "DELETE FROM kms_schedules WHERE key_id = $1", "t", key->id);
    return result;
}

enum local_result kms_get_key_rotation_status(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = kms_find(call, local_text(call, "KeyId"), KMS_OTHER_ACCOUNT, &key);
    if (result == LOCAL_OK)
        result = require_automatic(call, key);
    if (result == LOCAL_OK)
        result = kms_rotate_when_due(call, &key);
    if (result != LOCAL_OK)
        return result;
    /* A key that is to be deleted is not rotated and says so (D23). */
    bool on = key->rotation_days > 0 && key->state != KMS_PENDING_DELETION &&
              key->state != KMS_PENDING_REPLICA_DELETION;
    json_put_bool(call->out, "KeyRotationEnabled", on);
    json_put_text(call->out, "KeyId", key->arn);
    if (on) {
        json_put_int(call->out, "RotationPeriodInDays", key->rotation_days);
        local_put_time(call, "NextRotationDate", key->next_rotation_ms);
    }
    return LOCAL_OK;
}

static int64_t count_on_demand(struct local_call *call, const struct kms_key *key)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT COUNT(*) FROM kms_rotations WHERE key_id = $1 AND kind = 'ON_DEMAND'", "t",
                key->id);
    int64_t count = store_next(&rows) ? store_int(&rows, 0) : 0;
    store_end(&rows);
    return count;
}

enum local_result kms_rotate_key_on_demand(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = find_to_rotate(call, false, &key);
    if (result != LOCAL_OK)
        return result;
    int64_t now_ms = now_of(call);
    if (key->next_rotation_ms && key->next_rotation_ms - now_ms < conflict_ms)
        return local_fail(call, "ConflictException",
                          "An automatic rotation of %s is due within 20 minutes.", key->arn);
    if (count_on_demand(call, key) >= LARGEST_ON_DEMAND)
        return local_fail(call, "LimitExceededException",
                          "The on-demand rotations limit has been reached for the given keyId. No "
                          "more on-demand rotations can be performed for this key: %s",
                          key->arn);
    if (strcmp(key->origin, "EXTERNAL") == 0) {
        const char *pending;
        result = kms_import_pending(call, key, &pending);
        if (result != LOCAL_OK)
            return result;
        make_current(call, key, pending, now_ms, "ON_DEMAND");
    } else {
        rotate(call, key, now_ms, "ON_DEMAND");
    }
    json_put_text(call->out, "KeyId", key->arn);
    return LOCAL_OK;
}

/* --- ListKeyRotations ------------------------------------------------------------------------- */

/* Both: material, ordinal, when, kind; then of imported material: pending, imported, expires_ms,
 * description. */
static const char *const rows_made =
    "SELECT material, ordinal, rotated_ms, kind FROM kms_rotations WHERE key_id = $1 AND "
    "ordinal > $2 ORDER BY ordinal LIMIT $3";
static const char *const rows_imported =
    "SELECT i.material, i.ordinal, r.rotated_ms, r.kind, i.pending, i.imported, i.expires_ms, "
    "i.description FROM kms_imports i LEFT JOIN kms_rotations r ON r.key_id = i.key_id AND "
    "r.material = i.material WHERE i.key_id = $1 AND i.region = $2 AND i.ordinal > $3 "
    "ORDER BY i.ordinal LIMIT $4";

static const char *state_of(const struct kms_key *key, const char *material, bool pending)
{
    if (pending)
        return key->multi_region == KMS_SINGLE ? "PENDING_ROTATION"
                                               : "PENDING_MULTI_REGION_IMPORT_AND_ROTATION";
    return strcmp(material, key->material) == 0 ? "CURRENT" : "NON_CURRENT";
}

static void put_imported(struct local_call *call, const struct store_rows *rows)
{
    int64_t expires_ms = store_int(rows, 6);
    struct text description = store_text(rows, 7);
    bool gone = store_int(rows, 5) == 0 || (expires_ms && expires_ms <= now_of(call));
    json_put_text(call->out, "ImportState", gone ? "PENDING_IMPORT" : "IMPORTED");
    if (!gone)
        json_put_text(call->out, "ExpirationModel",
                      expires_ms ? "KEY_MATERIAL_EXPIRES" : "KEY_MATERIAL_DOES_NOT_EXPIRE");
    if (!gone && expires_ms)
        local_put_time(call, "ValidTo", expires_ms);
    if (description.len > 0) {
        json_key(call->out, "KeyMaterialDescription");
        json_write_text_n(call->out, description.data, description.len);
    }
}

/* Leaves the object open. */
static void put_material(struct local_call *call, const struct kms_key *key, const char *material,
                         bool pending)
{
    json_open(call->out);
    json_put_text(call->out, "KeyId", key->id);
    json_put_text(call->out, "KeyMaterialId", material);
    json_put_text(call->out, "KeyMaterialState", state_of(key, material, pending));
}

static void put_row(struct local_call *call, const struct kms_key *key,
                    const struct store_rows *rows, bool imported)
{
    struct text material = store_text(rows, 0);
    put_material(call, key, arena_strndup(call->arena, material.data, material.len),
                 imported && store_int(rows, 4) != 0);
    if (imported)
        put_imported(call, rows);
    if (!store_null(rows, 3)) {
        struct text kind = store_text(rows, 3);
        local_put_time(call, "RotationDate", store_int(rows, 2));
        json_key(call->out, "RotationType");
        json_write_text_n(call->out, kind.data, kind.len);
    }
    json_close(call->out);
}

static void query_materials(struct local_call *call, const struct kms_key *key, bool imported,
                            int64_t after, int64_t limit, struct store_rows *rows)
{
    if (imported)
        store_query(call->store, rows, rows_imported, "ttii", key->id, key->region, after, limit);
    else
        store_query(call->store, rows, rows_made, "tii", key->id, after, limit);
}

enum local_result kms_list_key_rotations(struct local_call *call)
{
    const struct kms_key *key;
    const char *marker, *which = local_text(call, "IncludeKeyMaterial");
    int64_t ordinal = 0, limit = local_int(call, "Limit", 100), count = 0, seen = 0;
    enum local_result result = kms_find(call, local_text(call, "KeyId"), 0, &key);
    if (result == LOCAL_OK)
        result = require_symmetric(call, key);
    if (result == LOCAL_OK)
        result = kms_marker(call, &marker);
    if (result == LOCAL_OK && *marker && text_to_int64(marker, strlen(marker), &ordinal) != 0)
        result = local_fail(call, "InvalidMarkerException", "Invalid marker.");
    if (result == LOCAL_OK)
        result = kms_rotate_when_due(call, &key);
    if (result != LOCAL_OK)
        return result;
    bool imported = strcmp(key->origin, "EXTERNAL") == 0, more = false;
    bool all = which && strcmp(which, "ALL_KEY_MATERIAL") == 0;
    struct store_rows rows;
    json_key(call->out, "Rotations");
    json_open_list(call->out);
    /* One more than fits; and the first material and a pending one, which are no rotations. */
    query_materials(call, key, imported, ordinal, limit + 3, &rows);
    while (!more && store_next(&rows)) {
        seen++;
        if (!all && store_null(&rows, 3))
            continue;
        if (count++ == limit) {
            more = true;
            break;
        }
        ordinal = store_int(&rows, 1);
        put_row(call, key, &rows, imported);
    }
    store_end(&rows);
    if (all && !imported && seen == 0 && !*marker) { /* never rotated */
        put_material(call, key, key->material, false);
        json_close(call->out);
    }
    json_close_list(call->out);
    kms_put_marker(call, more ? arena_printf(call->arena, "%lld", (long long)ordinal) : NULL);
    return LOCAL_OK;
}
