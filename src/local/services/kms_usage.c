/* When each key was last used (GetKeyLastUsage). Kept in memory: what happened before the server
 * started is not known, and TrackingStartDate says so. */
#include "local/services/kms_parts.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { BUCKETS = 1024, NAME_SIZE = 80, PAUSE_MS = 1000 };

struct use {
    struct use *next;
    char key[NAME_SIZE]; /* id and Region: related keys are told apart */
    const char *operation;
    int64_t time_ms;
    char request_id[RANDOM_UUID_SIZE];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct use *buckets[BUCKETS]; /* one entry a key that was used, until the process ends */
static int64_t began_ms;

void kms_usage_begin(int64_t now_ms)
{
    pthread_mutex_lock(&mutex);
    if (began_ms == 0)
        began_ms = now_ms;
    pthread_mutex_unlock(&mutex);
}

static void name_of(const struct kms_key *key, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "%s %s", key->id, key->region);
}

/* With the mutex held; NULL: never used. */
static struct use *find(const char *name, struct use ***bucket)
{
    unsigned hash = 5381;
    for (const char *c = name; *c; c++)
        hash = hash * 33 + (unsigned char)*c;
    *bucket = &buckets[hash % BUCKETS];
    struct use *use = **bucket;
    while (use && strcmp(use->key, name) != 0)
        use = use->next;
    return use;
}

/* A thread that does the same over and over tells it once a second. */
static bool told_just_now(const struct kms_key *key, const char *operation, int64_t now_ms)
{
    static _Thread_local struct {
        char id[KMS_ID_SIZE], region[33];
        const char *operation;
        int64_t time_ms;
    } last;
    if (last.operation == operation && now_ms >= last.time_ms && now_ms - last.time_ms < PAUSE_MS &&
        strcmp(last.id, key->id) == 0 && strcmp(last.region, key->region) == 0)
        return true;
    memcpy(last.id, key->id, sizeof last.id);
    memcpy(last.region, key->region, sizeof last.region);
    last.operation = operation;
    last.time_ms = now_ms;
    return false;
}

void kms_note_use(struct local_call *call, const struct kms_key *key, const char *operation)
{
    int64_t now_ms = call->local->clock->now_ms(call->local->clock);
    char name[NAME_SIZE];
    struct use **bucket;
    if (told_just_now(key, operation, now_ms))
        return;
    name_of(key, name);
    pthread_mutex_lock(&mutex);
    struct use *use = find(name, &bucket);
    if (!use) {
        use = memory_alloc(sizeof *use);
        memcpy(use->key, name, sizeof name);
        use->next = *bucket;
        *bucket = use;
    }
    use->operation = operation;
    use->time_ms = now_ms;
    snprintf(use->request_id, sizeof use->request_id, "%s",
             call->request_id ? call->request_id : "");
    pthread_mutex_unlock(&mutex);
}

enum local_result kms_get_key_last_usage(struct local_call *call)
{
    const struct kms_key *key;
    struct use found = {0}, **bucket;
    char name[NAME_SIZE];
    enum local_result result = kms_find(call, local_text(call, "KeyId"), 0, &key);
    if (result != LOCAL_OK)
        return result;
    name_of(key, name);
    pthread_mutex_lock(&mutex);
    const struct use *use = find(name, &bucket);
    if (use)
        found = *use;
    int64_t since_ms = began_ms;
    pthread_mutex_unlock(&mutex);
    json_put_text(call->out, "KeyId", key->id);
    json_key(call->out, "KeyLastUsage");
    json_open(call->out);
    if (use) {
        json_put_text(call->out, "Operation", found.operation);
        local_put_time(call, "Timestamp", found.time_ms);
        json_put_text(call->out, "KmsRequestId", found.request_id);
    }
    json_close(call->out);
    local_put_time(call, "TrackingStartDate", since_ms);
    local_put_time(call, "KeyCreationDate", key->created_ms);
    return LOCAL_OK;
}
