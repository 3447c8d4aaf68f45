#include "base/arena.h"
#include "client/credentials.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    ADVISORY_MS = 15 * 60 * 1000,
    MANDATORY_MS = 10 * 60 * 1000,
    SHORT_LIFE_MS = 30 * 60 * 1000, /* below it the two windows shrink with the life */
    ADVISORY_RETRY_MS = 60 * 1000   /* after a tolerated failure */
};

struct cache {
    struct credentials_provider provider;
    struct credentials_provider *inner;
    struct clock *clock;
    pthread_mutex_t mutex;
    pthread_cond_t answered;
    struct credentials held;           /* access_key "" : nothing yet */
    int64_t advisory_ms, mandatory_ms; /* UTC: try, must */
    int64_t next_try_ms;               /* no advisory attempt before */
    bool refreshing, expired;
    uint64_t answers;     /* questions answered so far, well or not */
    struct error failure; /* of the last one; code ERR_NONE when it went well */
};

enum need { FRESH, SHOULD, MUST };

static enum need need_of(const struct cache *cache, int64_t now_ms)
{
    if (!*cache->held.access_key || cache->expired)
        return MUST;
    if (!cache->held.expires_ms || now_ms < cache->advisory_ms)
        return FRESH;
    return now_ms < cache->mandatory_ms ? SHOULD : MUST;
}

static void keep(struct cache *cache, struct credentials *fresh, int64_t now_ms)
{
    int64_t life_ms = fresh->expires_ms - now_ms;
    bool brief = life_ms < SHORT_LIFE_MS;
    cache->advisory_ms = fresh->expires_ms - (brief ? life_ms / 2 : ADVISORY_MS);
    cache->mandatory_ms = fresh->expires_ms - (brief ? life_ms / 3 : MANDATORY_MS);
    credentials_done(&cache->held);
    cache->held = *fresh; /* with its secrets */
    cache->expired = false;
}

static int ask(struct cache *cache, struct credentials *fresh, struct error *err)
{
    if (cache->inner->fetch(cache->inner, fresh, err) != 0)
        return -1;
    if (fresh->expires_ms && fresh->expires_ms <= cache->clock->now_ms(cache->clock)) {
        char at[CLOCK_TEXT_SIZE];
        clock_format_iso(fresh->expires_ms, at);
        return error_set(err, ERR_EXPIRED, "the credentials of the %s expired at %s", fresh->source,
                         at);
    }
    return 0;
}

/* Called with the lock held, gives it up while the source is asked, and holds it again at return.
 */
static void refresh(struct cache *cache, bool must)
{
    struct credentials fresh = {0};
    struct error problem = {0};
    cache->refreshing = true;
    pthread_mutex_unlock(&cache->mutex);
    int result = ask(cache, &fresh, &problem);
    int64_t now_ms = cache->clock->now_ms(cache->clock);
    pthread_mutex_lock(&cache->mutex);
    cache->refreshing = false;
    cache->answers++;
    cache->failure = problem;
    if (result == 0) {
        cache->failure.code = ERR_NONE;
        keep(cache, &fresh, now_ms);
    } else {
        credentials_done(&fresh);
        cache->next_try_ms = must ? 0 : now_ms + ADVISORY_RETRY_MS;
    }
}

/* One turn with the lock held. 1: look again; 0: `held` is good; -1: the failure is the answer. */
static int settle(struct cache *cache, bool *asked)
{
    int64_t now_ms = cache->clock->now_ms(cache->clock);
    enum need need = need_of(cache, now_ms);
    if (need == FRESH || (need == SHOULD && (cache->refreshing || now_ms < cache->next_try_ms)))
        return 0;
    if (!cache->refreshing) {
        refresh(cache, need == MUST);
        *asked = true;
        return cache->failure.code == ERR_NONE || need == SHOULD ? 0 : -1;
    }
    uint64_t before = cache->answers;
    while (cache->answers == before)
        pthread_cond_wait(&cache->answered, &cache->mutex);
    return cache->failure.code == ERR_NONE ? 1 : -1;
}

static int fetch(struct credentials_provider *provider, struct credentials *out, struct error *err)
{
    struct cache *cache = (struct cache *)provider;
    bool asked = false;
    int result;
    pthread_mutex_lock(&cache->mutex);
    do
        result = settle(cache, &asked);
    while (result == 1);
    if (result == 0)
        credentials_copy(out, &cache->held);
    else if (err)
        *err = cache->failure;
    pthread_mutex_unlock(&cache->mutex);
    /* Outside the lock, so that those who wake do not run into it. */
    if (asked)
        pthread_cond_broadcast(&cache->answered);
    return result;
}

static void release(struct credentials_provider *provider)
{
    struct cache *cache = (struct cache *)provider;
    credentials_provider_free(cache->inner);
    credentials_done(&cache->held);
    pthread_cond_destroy(&cache->answered);
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

struct credentials_provider *credentials_cache_new(struct credentials_provider *inner,
                                                   struct clock *clock)
{
    struct cache *cache = memory_alloc(sizeof *cache);
    cache->provider = (struct credentials_provider){inner->name, fetch, release};
    cache->inner = inner;
    cache->clock = clock;
    pthread_mutex_init(&cache->mutex, NULL);
    pthread_cond_init(&cache->answered, NULL);
    return &cache->provider;
}

void credentials_cache_expire(struct credentials_provider *provider, const struct credentials *used)
{
    struct cache *cache = (struct cache *)provider;
    pthread_mutex_lock(&cache->mutex);
    bool same = strcmp(cache->held.access_key, used->access_key) == 0 &&
                cache->held.token.len == used->token.len &&
                (!used->token.len ||
                 memcmp(cache->held.token.data, used->token.data, used->token.len) == 0);
    cache->expired = cache->expired || same;
    pthread_mutex_unlock(&cache->mutex);
}
