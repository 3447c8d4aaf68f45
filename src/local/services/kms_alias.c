#include "local/services/kms_parts.h"

#include <string.h>

enum { LARGEST_ALIASES = 50 }; /* of a key (section 11) */

static enum local_result check_name(struct local_call *call, const char *name)
{
    if (!text_starts(name, "alias/"))
        return local_fail(call, "ValidationException",
                          "Alias must start with the prefix \"alias/\". Please see "
                          "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html");
    /* Reserved, and a name is needed behind the prefix (section 2; AWS gives no text: K). */
    if (text_starts(name, "alias/aws/") || name[strlen("alias/")] == '\0')
        return local_fail_bare(call, "InvalidAliasNameException");
    return LOCAL_OK;
}

static enum local_result target(struct local_call *call, const struct kms_key **key)
{
    enum local_result result = kms_find(call, local_text(call, "TargetKeyId"), 0, key);
    return result == LOCAL_OK ? kms_require(call, *key, KMS_TO_CHANGE) : result;
}

static bool is_full(struct local_call *call, const struct kms_key *key)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT COUNT(*) FROM kms_aliases WHERE account = $1 AND region = $2 AND "
                "key_id = $3",
                "ttt", key->account, key->region, key->id);
    bool full = store_next(&rows) && store_int(&rows, 0) >= LARGEST_ALIASES;
    store_end(&rows);
    return full;
}

static enum local_result too_many(struct local_call *call, const struct kms_key *key)
{
    return local_fail(call, "LimitExceededException", "%s has %d aliases already.", key->arn,
                      LARGEST_ALIASES);
}

enum local_result kms_create_alias(struct local_call *call)
{
    const char *name = local_text(call, "AliasName");
    const struct kms_key *key;
    enum local_result result = check_name(call, name);
    if (result == LOCAL_OK)
        result = target(call, &key);
    if (result != LOCAL_OK)
        return result;
    if (kms_alias_target(call, call->account, name))
        return local_fail(call, "AlreadyExistsException",
                          "An alias with the name %s already exists",
                          kms_alias_arn(call, call->account, name));
    if (is_full(call, key))
        return too_many(call, key);
    int64_t now_ms = call->local->clock->now_ms(call->local->clock);
    store_run(call->store,
              "INSERT INTO kms_aliases (account, region, name, key_id, created_ms, updated_ms) "
              "VALUES ($1, $2, $3, $4, $5, $6)",
              "ttttii", call->account, call->region, name, key->id, now_ms, now_ms);
    return LOCAL_OK;
}

/* Both symmetric, both asymmetric or both HMAC, and of one usage (section 2). */
static bool same_kind(const struct kms_key *one, const struct kms_key *other)
{
    enum kms_family a = kms_spec_find(one->spec)->family, b = kms_spec_find(other->spec)->family;
    return strcmp(one->usage, other->usage) == 0 && (a == KMS_AES) == (b == KMS_AES) &&
           (a == KMS_HMAC) == (b == KMS_HMAC);
}

enum local_result kms_update_alias(struct local_call *call)
{
    const char *name = local_text(call, "AliasName");
    const struct kms_key *key;
    enum local_result result = check_name(call, name);
    if (result == LOCAL_OK)
        result = target(call, &key);
    if (result != LOCAL_OK)
        return result;
    const char *old = kms_alias_target(call, call->account, name);
    if (!old)
        return local_fail(call, "NotFoundException", "Alias %s is not found.",
                          kms_alias_arn(call, call->account, name));
    const struct kms_key *before = kms_load(call, old);
    if (before && !same_kind(before, key)) /* text not observed (K) */
        return local_fail(call, "ValidationException",
                          "The current and the new key of alias %s must be of the same type and "
                          "usage.",
                          name);
    if (strcmp(old, key->id) != 0 && is_full(call, key))
        return too_many(call, key);
    store_run(call->store,
              "UPDATE kms_aliases SET key_id = $1, updated_ms = $2 "
              "WHERE account = $3 AND region = $4 AND name = $5",
              "tittt", key->id, call->local->clock->now_ms(call->local->clock), call->account,
              call->region, name);
    return LOCAL_OK;
}

enum local_result kms_delete_alias(struct local_call *call)
{
    const char *name = local_text(call, "AliasName");
    enum local_result result = check_name(call, name);
    if (result != LOCAL_OK)
        return result;
    if (store_run(call->store,
                  "DELETE FROM kms_aliases WHERE account = $1 AND region = $2 AND name = $3", "ttt",
                  call->account, call->region, name) == 0)
        return local_fail(call, "NotFoundException", "Alias %s is not found.",
                          kms_alias_arn(call, call->account, name));
    return LOCAL_OK;
}

/* --- ListAliases ------------------------------------------------------------------------------ */

struct listing {
    struct local_call *call;
    int64_t left;     /* room on this page */
    const char *last; /* name written last */
    bool more;
};

/* False when the page is full. */
static bool list_one(struct listing *listing, const char *name, const char *key_id,
                     int64_t created_ms, int64_t updated_ms)
{
    struct local_call *call = listing->call;
    if (listing->left == 0) {
        listing->more = true;
        return false;
    }
    listing->left--;
    listing->last = name;
    json_open(call->out);
    json_put_text(call->out, "AliasName", name);
    json_put_text(call->out, "AliasArn", kms_alias_arn(call, call->account, name));
    if (key_id) {
        json_put_text(call->out, "TargetKeyId", key_id);
        local_put_time(call, "CreationDate", created_ms);
        local_put_time(call, "LastUpdatedDate", updated_ms);
    }
    json_close(call->out);
    return true;
}

/* Names of AWS managed keys not made yet that sort before `name` (NULL: all) are listed too,
 * without a target. */
static const struct kms_managed *list_unmade(struct listing *listing,
                                             const struct kms_managed *managed, const char *name)
{
    for (; managed->alias && (!name || strcmp(managed->alias, name) < 0); managed++)
        if (!list_one(listing, managed->alias, NULL, 0, 0))
            break;
    if (name && managed->alias && strcmp(managed->alias, name) == 0)
        managed++;
    return managed;
}

static const char *const rows_all =
    "SELECT name, key_id, created_ms, updated_ms FROM kms_aliases WHERE account = $1 AND "
    "region = $2 AND name > $3 ORDER BY name LIMIT $4";
static const char *const rows_of_key =
    "SELECT name, key_id, created_ms, updated_ms FROM kms_aliases WHERE account = $1 AND "
    "region = $2 AND name > $3 AND key_id = $5 ORDER BY name LIMIT $4";

enum local_result kms_list_aliases(struct local_call *call)
{
    const char *after, *named = local_text(call, "KeyId");
    const struct kms_key *key = NULL;
    enum local_result result = kms_marker(call, &after);
    if (result == LOCAL_OK && named)
        result = kms_find(call, named, 0, &key);
    if (result != LOCAL_OK)
        return result;
    struct listing listing = {.call = call, .left = local_int(call, "Limit", 50)};
    static const struct kms_managed none = {0};
    const struct kms_managed *managed = key ? &none : kms_managed_keys;
    while (managed->alias && strcmp(managed->alias, after) <= 0)
        managed++;
    json_key(call->out, "Aliases");
    json_open_list(call->out);
    struct store_rows rows;
    if (key)
        store_query(call->store, &rows, rows_of_key, "tttit", call->account, call->region, after,
                    listing.left + 1, key->id);
    else
        store_query(call->store, &rows, rows_all, "ttti", call->account, call->region, after,
                    listing.left + 1);
    while (!listing.more && store_next(&rows)) {
        struct text name = store_text(&rows, 0), id = store_text(&rows, 1);
        char *copy = arena_strndup(call->arena, name.data, name.len);
        if (!kms_load(call, arena_strndup(call->arena, id.data, id.len)))
            continue; /* its key is deleted, the row not yet */
        managed = list_unmade(&listing, managed, copy);
        if (!listing.more)
            list_one(&listing, copy, arena_strndup(call->arena, id.data, id.len),
                     store_int(&rows, 2), store_int(&rows, 3));
    }
    store_end(&rows);
    if (!listing.more)
        list_unmade(&listing, managed, NULL);
    json_close_list(call->out);
    kms_put_marker(call, listing.more ? listing.last : NULL);
    return LOCAL_OK;
}
