/* What becomes of keys when their time comes, and the native events that tell of it: "KMS CMK
 * Rotation", "KMS CMK Deletion", "KMS Imported Key Material Expiration" (shared facts, events.md
 * section 5.1). */
#include "aws/region.h"
#include "local/agenda.h"
#include "local/event_bus.h"
#include "local/services/kms_material.h"

enum { ROTATIONS_MAX = 100 }; /* in one transaction */

static void tell(struct local_call *call, const struct store_rows *rows, const char *detail_type)
{
    struct text id = store_text(rows, 0), region = store_text(rows, 1),
                account = store_text(rows, 2);
    const char *where = arena_strndup(call->arena, region.data, region.len);
    const char *whose = arena_strndup(call->arena, account.data, account.len);
    json_t *detail = json_pack("{s:s%}", "key-id", id.data, id.len);
    event_emit_native(call->local, call->store, whose, where, "aws.kms", detail_type,
                      arena_printf(call->arena, "arn:%s:kms:%s:%s:key/%.*s",
                                   partition_of(where)->name, where, whose, (int)id.len, id.data),
                      detail);
    json_decref(detail);
}

void kms_tell_rotation(struct local_call *call, const char *key_id)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT key_id, region, account FROM kms_keys WHERE key_id = $1", "t", key_id);
    while (store_next(&rows))
        tell(call, &rows, "KMS CMK Rotation");
    store_end(&rows);
}

void kms_tell_ends(struct local_call *call, int64_t now_ms)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT k.key_id, k.region, k.account FROM kms_imports i JOIN kms_keys k"
                " ON k.key_id = i.key_id AND k.region = i.region"
                " WHERE i.imported = 1 AND i.expires_ms > 0 AND i.expires_ms <= $1",
                "i", now_ms);
    while (store_next(&rows))
        tell(call, &rows, "KMS Imported Key Material Expiration");
    store_end(&rows);
    store_query(
        call->store, &rows,
        "SELECT key_id, region, account FROM kms_keys WHERE state = $1 AND deletion_ms <= $2", "ii",
        (int64_t)KMS_PENDING_DELETION, now_ms);
    while (store_next(&rows))
        tell(call, &rows, "KMS CMK Deletion");
    store_end(&rows);
}

/* True: there may be more. */
static bool rotate_due(struct local_call *call, int64_t now_ms)
{
    const char *ids[ROTATIONS_MAX], *regions[ROTATIONS_MAX], *accounts[ROTATIONS_MAX];
    struct store_rows rows;
    size_t count = 0;
    store_query(call->store, &rows,
                "SELECT k.key_id, k.region, k.account FROM kms_schedules s JOIN kms_keys k"
                " ON k.key_id = s.key_id WHERE s.next_ms <= $1 AND k.state = $2"
                " AND (k.primary_region IS NULL OR k.primary_region = k.region) LIMIT $3",
                "iii", now_ms, (int64_t)KMS_ENABLED, (int64_t)ROTATIONS_MAX);
    for (; count < ROTATIONS_MAX && store_next(&rows); count++) {
        struct text id = store_text(&rows, 0), region = store_text(&rows, 1);
        struct text account = store_text(&rows, 2);
        ids[count] = arena_strndup(call->arena, id.data, id.len);
        regions[count] = arena_strndup(call->arena, region.data, region.len);
        accounts[count] = arena_strndup(call->arena, account.data, account.len);
    }
    store_end(&rows);
    for (size_t i = 0; i < count; i++) {
        call->region = regions[i];
        call->account = accounts[i];
        call->partition = partition_of(regions[i])->name;
        const struct kms_key *key = kms_load(call, ids[i]);
        if (key)
            kms_rotate_when_due(call, &key);
    }
    return count == ROTATIONS_MAX;
}

/* Disabled keys wait for their rotation until they are enabled again: they are not asked for. */
static int64_t next_due(struct store_session *store, int64_t now_ms)
{
    struct store_rows rows;
    int64_t next = AGENDA_NEVER;
    store_query(store, &rows,
                "SELECT min(deletion_ms) FROM kms_keys WHERE state = $1 AND deletion_ms > $2"
                " UNION ALL SELECT min(expires_ms) FROM kms_imports WHERE expires_ms > $2"
                " UNION ALL SELECT min(next_ms) FROM kms_schedules WHERE next_ms > $2",
                "ii", (int64_t)KMS_PENDING_DELETION, now_ms);
    while (store_next(&rows))
        if (!store_null(&rows, 0) && store_int(&rows, 0) < next)
            next = store_int(&rows, 0);
    store_end(&rows);
    return next;
}

int64_t kms_act(struct local *local, struct store_session *store, int64_t now_ms)
{
    struct arena arena;
    arena_init(&arena);
    struct local_call call = {
        .arena = &arena, .local = local, .store = store, .service = &kms_service, .writing = true};
    kms_usage_begin(now_ms);
    kms_purge(&call);
    bool more = rotate_due(&call, now_ms);
    arena_done(&arena);
    return more ? now_ms : next_due(store, now_ms);
}
