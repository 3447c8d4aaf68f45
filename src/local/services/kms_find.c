#include "local/services/kms_parts.h"

#include "aws/arn.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A key with its policy, which is parsed at first need. */
struct record {
    struct kms_key key;  /* first: a kms_key handed out is its record */
    struct arena *arena; /* what it points to: its own when cached, else the call's */
    struct arena own;
    enum kms_state stored;
    int64_t stored_ms;        /* deletion_ms as stored */
    int64_t replicas_gone_ms; /* of a primary that waits for them */
    struct policy *policy;
    const struct kms_tag *tags; /* NULL: not read yet */
    size_t tag_count;
    const char *const *aliases; /* NULL: not read yet */
};

/* --- the cache of key records ----------------------------------------------------------------- */

/* Two ways a set, so that the two keys of a ReEncrypt never evict each other while in use. One
 * table a thread; an entry is good for calls with the same local->version. The writer does not use
 * it: what it reads may be undone. */
enum { SETS = 64, WAYS = 2 };
struct entry {
    struct record *record;     /* NULL: empty */
    const struct store *store; /* tests open several */
    uint64_t version;
};
struct cache {
    struct entry entries[SETS][WAYS]; /* most recently used first */
};

static pthread_key_t cache_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void entry_clear(struct entry *entry)
{
    if (entry->record)
        arena_done(&entry->record->own);
    free(entry->record);
    memset(entry, 0, sizeof *entry);
}

static void cache_free(void *arg)
{
    struct cache *cache = arg;
    for (int set = 0; set < SETS; set++)
        for (int way = 0; way < WAYS; way++)
            entry_clear(&cache->entries[set][way]);
    free(cache);
}

static void setup(void)
{
    if (pthread_key_create(&cache_key, cache_free) != 0)
        abort();
}

static struct entry *set_of(const char *id)
{
    static _Thread_local struct cache *cache;
    if (!cache) {
        pthread_once(&once, setup);
        cache = memory_alloc(sizeof *cache);
        pthread_setspecific(cache_key, cache); /* freed with the thread */
    }
    unsigned hash = 5381;
    for (const char *c = id; *c; c++)
        hash = hash * 33 + (unsigned char)*c;
    return cache->entries[hash % SETS];
}

static bool entry_fits(const struct entry *entry, struct local_call *call, const char *id)
{
    return entry->record && entry->version == call->version && entry->store == call->local->store &&
           strcmp(entry->record->key.id, id) == 0 &&
           strcmp(entry->record->key.region, call->region) == 0;
}

/* --- records ---------------------------------------------------------------------------------- */

static char *column(struct arena *arena, const struct store_rows *rows, int number)
{
    struct text text = store_text(rows, number);
    return text.data ? arena_strndup(arena, text.data, text.len) : NULL;
}

static void copy(char *out, size_t size, const struct store_rows *rows, int number)
{
    struct text text = store_text(rows, number);
    snprintf(out, size, "%.*s", (int)text.len, text.data ? text.data : "");
}

static bool record_read(struct local_call *call, const char *id, struct record *record)
{
    struct arena *arena = record->arena;
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT account, material, state, multi_region, service, spec, usage, origin, "
                "description, policy, shape, primary_region, created_ms, deletion_ms, window_days, "
                "tagged, (SELECT period_days FROM kms_schedules s WHERE s.key_id = k.key_id), "
                "(SELECT next_ms FROM kms_schedules s WHERE s.key_id = k.key_id), "
                "(SELECT MIN(expires_ms) FROM kms_imports i WHERE i.key_id = k.key_id AND "
                "i.region = k.region AND i.expires_ms > 0 AND i.imported = 1 AND i.pending = 0) "
                "FROM kms_keys k WHERE key_id = $1 AND region = $2",
                "tt", id, call->region);
    bool found = store_next(&rows);
    if (found) {
        struct kms_key *key = &record->key;
        snprintf(key->id, sizeof key->id, "%s", id);
        snprintf(key->region, sizeof key->region, "%s", call->region);
        copy(key->account, sizeof key->account, &rows, 0);
        copy(key->material, sizeof key->material, &rows, 1);
        snprintf(key->arn, sizeof key->arn, "arn:%s:kms:%s:%s:key/%s", call->partition,
                 call->region, key->account, id);
        key->state = (enum kms_state)store_int(&rows, 2);
        key->multi_region = (enum kms_multi_region)store_int(&rows, 3);
        key->service = column(arena, &rows, 4);
        key->aws_managed = key->service != NULL;
        key->spec = column(arena, &rows, 5);
        key->usage = column(arena, &rows, 6);
        key->origin = column(arena, &rows, 7);
        key->description = column(arena, &rows, 8);
        key->policy = column(arena, &rows, 9);
        key->shape = (enum kms_policy_shape)store_int(&rows, 10);
        key->primary_region = column(arena, &rows, 11);
        key->created_ms = store_int(&rows, 12);
        key->deletion_ms = store_int(&rows, 13);
        key->window_days = store_int(&rows, 14);
        key->tagged = store_int(&rows, 15) != 0;
        key->rotation_days = store_int(&rows, 16);
        key->next_rotation_ms = store_int(&rows, 17);
        key->expires_ms = store_int(&rows, 18);
        record->stored = key->state;
        record->stored_ms = key->deletion_ms;
    }
    store_end(&rows);
    if (found && record->stored == KMS_PENDING_REPLICA_DELETION)
        record->replicas_gone_ms = kms_replicas_gone_ms(call, &record->key);
    return found;
}

static struct record *record_cached(struct local_call *call, const char *id)
{
    struct entry *set = set_of(id);
    for (int way = 0; way < WAYS; way++) {
        if (!entry_fits(&set[way], call, id))
            continue;
        struct entry used = set[way];
        memmove(set + 1, set, (size_t)way * sizeof *set);
        set[0] = used;
        return used.record;
    }
    struct record *record = memory_alloc(sizeof *record);
    arena_init(&record->own);
    record->arena = &record->own;
    struct entry fresh = {record, call->local->store, call->version};
    if (!record_read(call, id, record)) {
        entry_clear(&fresh);
        return NULL;
    }
    entry_clear(&set[WAYS - 1]);
    memmove(set + 1, set, (WAYS - 1) * sizeof *set);
    set[0] = fresh;
    return record;
}

static struct record *record_fresh(struct local_call *call, const char *id)
{
    struct record *record = arena_alloc(call->arena, sizeof *record);
    record->arena = call->arena;
    return record_read(call, id, record) ? record : NULL;
}

const struct kms_key *kms_load(struct local_call *call, const char *id)
{
    struct record *record = call->writing ? record_fresh(call, id) : record_cached(call, id);
    if (!record)
        return NULL;
    /* A key whose waiting period is over is gone, though its row may wait for the next write. */
    record->key.state = record->stored;
    record->key.deletion_ms = record->stored_ms;
    int64_t now_ms = call->local->clock->now_ms(call->local->clock);
    return kms_state_now(&record->key, record->replicas_gone_ms, now_ms) ? &record->key : NULL;
}

const struct policy *kms_key_policy(const struct kms_key *key)
{
    struct record *record = (struct record *)key;
    struct error err;
    if (!record->policy) /* stored policies were checked: they parse */
        record->policy =
            policy_parse(record->arena, key->policy, strlen(key->policy), POLICY_RESOURCE, &err);
    return record->policy;
}

const struct kms_tag *kms_key_tags(struct local_call *call, const struct kms_key *key,
                                   size_t *count)
{
    struct record *record = (struct record *)key;
    if (!record->tags) {
        struct kms_tag *tags = arena_calloc(record->arena, KMS_LARGEST_TAGS, sizeof *tags);
        struct store_rows rows;
        store_query(call->store, &rows,
                    "SELECT tag_key, tag_value FROM kms_tags WHERE key_id = $1 AND region = $2 "
                    "ORDER BY ordinal",
                    "tt", key->id, key->region);
        while (record->tag_count < KMS_LARGEST_TAGS && store_next(&rows))
            tags[record->tag_count++] =
                (struct kms_tag){column(record->arena, &rows, 0), column(record->arena, &rows, 1)};
        store_end(&rows);
        record->tags = tags;
    }
    *count = record->tag_count;
    return record->tags;
}

enum { LARGEST_ALIASES = 50 }; /* of a key (section 11) */

const char *const *kms_key_aliases(struct local_call *call, const struct kms_key *key)
{
    struct record *record = (struct record *)key;
    if (!record->aliases) {
        const char **names = arena_calloc(record->arena, LARGEST_ALIASES + 1, sizeof *names);
        struct store_rows rows;
        store_query(call->store, &rows,
                    "SELECT name FROM kms_aliases WHERE account = $1 AND region = $2 AND "
                    "key_id = $3 ORDER BY name",
                    "ttt", key->account, key->region, key->id);
        for (size_t i = 0; i < LARGEST_ALIASES && store_next(&rows); i++)
            names[i] = column(record->arena, &rows, 0);
        store_end(&rows);
        record->aliases = names;
    }
    return record->aliases;
}

/* --- identifiers (section 1) ------------------------------------------------------------------ */

bool kms_id_valid(const char *text)
{
    static const char uuid[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    static const char multi_region[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    const char *shape = uuid;
    if (text_starts(text, "mrk-")) {
        shape = multi_region;
        text += 4;
    }
    for (; *shape && *text; shape++, text++)
        if (*shape == '-' ? *text != '-' : !isxdigit((unsigned char)*text))
            return false;
    return !*shape && !*text;
}

char *kms_alias_arn(struct local_call *call, const char *account, const char *name)
{
    return arn_format(call->arena, call->partition, "kms", call->region, account, name);
}

const char *kms_alias_target(struct local_call *call, const char *account, const char *name)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT key_id FROM kms_aliases WHERE account = $1 AND region = $2 AND name = $3",
                "ttt", account, call->region, name);
    char *id = store_next(&rows) ? column(call->arena, &rows, 0) : NULL;
    store_end(&rows);
    return id;
}

static enum local_result no_such_key(struct local_call *call, const char *account, const char *id)
{
    return local_fail(call, "NotFoundException", "Key 'arn:%s:kms:%s:%s:key/%s' does not exist",
                      call->partition, call->region, account, id);
}

static enum local_result find_id(struct local_call *call, const char *account, const char *id,
                                 const struct kms_key **out)
{
    if (!kms_id_valid(id))
        return local_fail(call, "NotFoundException", "Invalid keyId '%s'", id);
    const struct kms_key *key = kms_load(call, id);
    if (!key || strcmp(key->account, account) != 0)
        return no_such_key(call, account, id);
    *out = key;
    return LOCAL_OK;
}

static enum local_result find_alias(struct local_call *call, const char *account, const char *name,
                                    const struct kms_key **out)
{
    const char *id = kms_alias_target(call, account, name);
    const struct kms_managed *managed = kms_managed_find(name);
    bool make = !id && managed && strcmp(account, call->account) == 0;
    if (make && !call->writing)
        return LOCAL_AS_WRITE;
    if (make) {
        enum local_result result = kms_managed_make(call, managed, &id);
        if (result != LOCAL_OK)
            return result;
    }
    const struct kms_key *key = id ? kms_load(call, id) : NULL;
    if (!key)
        return local_fail(call, "NotFoundException", "Alias %s is not found.",
                          kms_alias_arn(call, account, name));
    *out = key;
    /* Made just now, behind the pipeline's question: asked here, so that a refusal undoes it. */
    if (make && call->service && strcmp(call->service->name, "kms") == 0)
        return kms_allow(call, key,
                         &(struct kms_question){.action = call->operation->action, .alias = name});
    return LOCAL_OK;
}

static enum local_result find_arn(struct local_call *call, const char *name, unsigned how,
                                  const struct kms_key **out)
{
    struct arn arn;
    if (arn_parse(name, strlen(name), &arn) != 0 || !text_is(arn.service, "kms") ||
        !text_is(arn.partition, call->partition))
        return local_fail(call, "NotFoundException", "Invalid arn %s", name);
    if (!text_is(arn.region, call->region))
        return local_fail(call, "NotFoundException", "Invalid arn %.*s", (int)arn.region.len,
                          arn.region.data);
    char *account = arena_strndup(call->arena, arn.account.data, arn.account.len);
    char *resource = arena_strndup(call->arena, arn.resource.data, arn.resource.len);
    bool alias = text_starts(resource, "alias/");
    if (!account_valid(account) || (!alias && !text_starts(resource, "key/")) ||
        (alias && !(how & KMS_BY_ALIAS)))
        return local_fail(call, "NotFoundException", "Invalid arn %s", name);
    if (strcmp(account, call->account) != 0 && !(how & KMS_OTHER_ACCOUNT))
        return local_fail(call, "AccessDeniedException",
                          "User: %s is not authorized to perform: %s on resource: %s",
                          kms_caller(call), call->operation->action, name);
    return alias ? find_alias(call, account, resource, out)
                 : find_id(call, account, resource + strlen("key/"), out);
}

enum local_result kms_find(struct local_call *call, const char *name, unsigned how,
                           const struct kms_key **out)
{
    if (arn_is(name))
        return find_arn(call, name, how, out);
    if (text_starts(name, "alias/") && (how & KMS_BY_ALIAS))
        return find_alias(call, call->account, name, out);
    return find_id(call, call->account, name, out);
}
