#include "client/rate_limit.h"

#include "base/arena.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BETA              0.7 /* a throttled rate is cut to this part */
#define SCALE             0.4 /* of the cubic curve back */
#define SMOOTHING         0.8 /* weight of the newest half second in the measured rate */
#define MEASURE_WINDOW_MS 500
#define LEAST_RATE        0.5 /* calls per second */

/* Default quotas per account and Region: parameter-store.md section 13, kms.md section 11,
 * secrets-manager.md section 9. `group` is what the operations share a bucket under. SSM's calls
 * without a published figure get the 10 reads/s that section 13 budgets. */
static const struct quota {
    const char *service, *operation, *group;
    double per_second;
} quotas[] = {
    {"ssm", "GetParameter", "GetParameter*", 40},
    {"ssm", "GetParameters", "GetParameter*", 40},
    {"ssm", "GetParametersByPath", "GetParameter*", 40},
    {"ssm", "PutParameter", "PutParameter", 3},
    {"ssm", "DescribeParameters", "DescribeParameters", 10},
    {"ssm", "GetParameterHistory", "GetParameterHistory", 10},
    {"ssm", "ListTagsForResource", "ListTagsForResource", 10},
    {"ssm", "AddTagsToResource", "TagResource", 10},
    {"ssm", "RemoveTagsFromResource", "TagResource", 10},
    {"ssm", "LabelParameterVersion", "LabelParameterVersion", 10},
    {"ssm", "UnlabelParameterVersion", "LabelParameterVersion", 10},
    {"kms", "CreateKey", "CreateKey", 5},
    {"kms", "CreateAlias", "CreateAlias", 5},
    {"kms", "UpdateAlias", "UpdateAlias", 5},
    {"kms", "EnableKey", "EnableKey", 5},
    {"kms", "DisableKey", "DisableKey", 5},
    {"kms", "ReplicateKey", "ReplicateKey", 5},
    {"kms", "UpdatePrimaryRegion", "UpdatePrimaryRegion", 5},
    {"kms", "CancelKeyDeletion", "CancelKeyDeletion", 5},
    {"kms", "UpdateKeyDescription", "UpdateKeyDescription", 5},
    {"kms", "UntagResource", "UntagResource", 5},
    {"kms", "ImportKeyMaterial", "ImportKeyMaterial", 5},
    {"kms", "TagResource", "TagResource", 10},
    {"kms", "DeleteAlias", "DeleteAlias", 15},
    {"kms", "PutKeyPolicy", "PutKeyPolicy", 15},
    {"kms", "ScheduleKeyDeletion", "ScheduleKeyDeletion", 15},
    {"kms", "EnableKeyRotation", "EnableKeyRotation", 15},
    {"kms", "RevokeGrant", "RevokeGrant", 30},
    {"kms", "RetireGrant", "RetireGrant", 30},
    {"kms", "CreateGrant", "CreateGrant", 50},
    {"kms", "ListGrants", "ListGrants", 100},
    {"kms", "ListKeyPolicies", "ListKeyPolicies", 100},
    {"kms", "GetParametersForImport", "GetParametersForImport", 0.25},
    {"secretsmanager", "PutSecretValue", "UpdateSecret", 50},
    {"secretsmanager", "UpdateSecret", "UpdateSecret", 50},
    {"secretsmanager", "UpdateSecretVersionStage", "UpdateSecret", 50},
    {"secretsmanager", "ReplicateSecretToRegions", "UpdateSecret", 50},
    {"secretsmanager", "RemoveRegionsFromReplication", "UpdateSecret", 50},
    {"secretsmanager", "StopReplicationToReplica", "UpdateSecret", 50},
    {"secretsmanager", "CreateSecret", "CreateSecret", 50},
    {"secretsmanager", "DeleteSecret", "DeleteSecret", 50},
    {"secretsmanager", "ListSecrets", "ListSecrets", 100},
    {"cloudtrail", "LookupEvents", "LookupEvents", 2},
};

struct bucket {
    struct bucket *next;
    char *name;            /* account, Region, service and group */
    double quota;          /* 0: none */
    double rate;           /* 0: unlimited */
    double tokens;         /* may be negative: places given away in advance */
    int64_t filled_ms;     /* monotonic: when `tokens` was right */
    double measured;       /* calls per second that were really sent */
    int64_t window_ms;     /* start of the half second being counted */
    unsigned window_count; /* calls in it */
    double last_most;      /* rate at the last throttling */
    int64_t throttled_ms;  /* when that was; 0: never */
};

struct rate_limiter {
    struct clock *clock;
    bool no_wait;
    pthread_mutex_t mutex;
    struct bucket *buckets;
};

static const struct quota *find_quota(const char *service, const char *operation)
{
    for (size_t i = 0; i < sizeof quotas / sizeof quotas[0]; i++)
        if (strcmp(quotas[i].service, service) == 0 && strcmp(quotas[i].operation, operation) == 0)
            return &quotas[i];
    return NULL;
}

double rate_quota(const char *service, const char *operation)
{
    const struct quota *quota = find_quota(service, operation);
    return quota ? quota->per_second : 0;
}

bool rate_quota_shared(const char *service, const char *a, const char *b)
{
    const struct quota *one = find_quota(service, a), *other = find_quota(service, b);
    return strcmp(a, b) == 0 || (one && other && strcmp(one->group, other->group) == 0);
}

struct rate_limiter *rate_limiter_new(struct clock *clock, bool no_wait)
{
    struct rate_limiter *limiter = memory_alloc(sizeof *limiter);
    limiter->clock = clock;
    limiter->no_wait = no_wait;
    pthread_mutex_init(&limiter->mutex, NULL);
    return limiter;
}

void rate_limiter_free(struct rate_limiter *limiter)
{
    if (!limiter)
        return;
    for (struct bucket *next; limiter->buckets; limiter->buckets = next) {
        next = limiter->buckets->next;
        free(limiter->buckets->name);
        free(limiter->buckets);
    }
    pthread_mutex_destroy(&limiter->mutex);
    free(limiter);
}

/* How many calls may go at once after a pause: a tenth of a second's worth, at least one. Small on
 * purpose: AWS's own buckets are not published, and a burst at start is what it throttles first. */
static double burst(double rate)
{
    return rate > 10 ? rate / 10 : 1;
}

/* "account/region/service/operation"; on every call's path: nothing is printed to compare it. */
static bool is_called(const char *name, const char *const *parts)
{
    for (; *parts; parts++) {
        size_t len = strlen(*parts);
        if (strncmp(name, *parts, len) != 0 || name[len] != (parts[1] ? '/' : '\0'))
            return false;
        name += len + 1;
    }
    return true;
}

static struct bucket *find_bucket(struct rate_limiter *limiter, const struct rate_key *key,
                                  int64_t now_ms)
{
    const struct quota *quota = find_quota(key->service, key->operation);
    const char *const parts[] = {key->account, key->region, key->service,
                                 quota ? quota->group : key->operation, NULL};
    struct bucket *bucket = limiter->buckets;
    while (bucket && !is_called(bucket->name, parts))
        bucket = bucket->next;
    if (!bucket) {
        char name[512];
        snprintf(name, sizeof name, "%s/%s/%s/%s", parts[0], parts[1], parts[2], parts[3]);
        bucket = memory_alloc(sizeof *bucket);
        bucket->next = limiter->buckets;
        bucket->name = memory_strdup(name);
        bucket->quota = key->given > 0 ? key->given : quota && key->quotas ? quota->per_second : 0;
        bucket->rate = bucket->quota;
        bucket->tokens = burst(bucket->rate);
        bucket->filled_ms = bucket->window_ms = now_ms;
        limiter->buckets = bucket;
    }
    return bucket;
}

static void fill(struct bucket *bucket, int64_t now_ms)
{
    double most = burst(bucket->rate);
    bucket->tokens += bucket->rate * (double)(now_ms - bucket->filled_ms) / 1000;
    if (bucket->tokens > most)
        bucket->tokens = most;
    bucket->filled_ms = now_ms;
}

static double least_rate(const struct bucket *bucket)
{
    return bucket->quota > 0 ? fmin(LEAST_RATE, bucket->quota) : LEAST_RATE;
}

static void set_rate(struct bucket *bucket, double rate, int64_t now_ms)
{
    if (bucket->rate > 0)
        fill(bucket, now_ms);
    else
        bucket->tokens = 0;
    bucket->filled_ms = now_ms;
    bucket->rate = fmax(rate, least_rate(bucket));
}

static void measure(struct bucket *bucket, int64_t now_ms)
{
    int64_t passed_ms = now_ms - bucket->window_ms;
    if (passed_ms >= MEASURE_WINDOW_MS) {
        double newest = bucket->window_count * 1000.0 / (double)passed_ms;
        bucket->measured = newest * SMOOTHING + bucket->measured * (1 - SMOOTHING);
        bucket->window_ms = now_ms;
        bucket->window_count = 0;
    }
    bucket->window_count++;
}

int64_t rate_limiter_wait(struct rate_limiter *limiter, const struct rate_key *key)
{
    int64_t wait_ms = 0;
    pthread_mutex_lock(&limiter->mutex);
    int64_t now_ms = limiter->clock->monotonic_ms(limiter->clock);
    struct bucket *bucket = find_bucket(limiter, key, now_ms);
    if (bucket->rate > 0) {
        fill(bucket, now_ms);
        bucket->tokens -= 1;
        if (bucket->tokens < 0)
            wait_ms = (int64_t)ceil(-bucket->tokens * 1000 / bucket->rate);
    }
    pthread_mutex_unlock(&limiter->mutex);
    if (limiter->no_wait || wait_ms == 0)
        return 0;
    limiter->clock->sleep_ms(limiter->clock, wait_ms);
    return wait_ms;
}

static void slow_down(struct bucket *bucket, int64_t now_ms)
{
    /* Calls that were under way together are throttled together: that is one complaint. */
    if (bucket->throttled_ms && now_ms - bucket->throttled_ms < MEASURE_WINDOW_MS)
        return;
    /* What was really sent is what the service found too much. Before anything was measured
     * (the first half second) the count so far stands for it. */
    double sent = fmax(bucket->measured, bucket->window_count);
    double most = bucket->rate > 0 ? fmin(bucket->rate, sent) : sent;
    bucket->last_most = fmax(most, least_rate(bucket));
    bucket->throttled_ms = now_ms;
    set_rate(bucket, bucket->last_most * BETA, now_ms);
}

static void speed_up(struct bucket *bucket, int64_t now_ms)
{
    if (!bucket->throttled_ms)
        return;
    double passed = (double)(now_ms - bucket->throttled_ms) / 1000;
    double window = cbrt(bucket->last_most * (1 - BETA) / SCALE);
    double rate = SCALE * pow(passed - window, 3) + bucket->last_most;
    rate = fmin(rate, fmax(2 * bucket->measured, LEAST_RATE));
    if (bucket->quota > 0 && rate >= bucket->quota) {
        rate = bucket->quota;
        bucket->throttled_ms = 0;
    }
    if (rate > bucket->rate)
        set_rate(bucket, rate, now_ms);
}

void rate_limiter_answered(struct rate_limiter *limiter, const struct rate_key *key, bool throttled)
{
    pthread_mutex_lock(&limiter->mutex);
    int64_t now_ms = limiter->clock->monotonic_ms(limiter->clock);
    struct bucket *bucket = find_bucket(limiter, key, now_ms);
    measure(bucket, now_ms);
    if (throttled)
        slow_down(bucket, now_ms);
    else
        speed_up(bucket, now_ms);
    pthread_mutex_unlock(&limiter->mutex);
}

double rate_limiter_rate(struct rate_limiter *limiter, const struct rate_key *key)
{
    pthread_mutex_lock(&limiter->mutex);
    int64_t now_ms = limiter->clock->monotonic_ms(limiter->clock);
    double rate = find_bucket(limiter, key, now_ms)->rate;
    pthread_mutex_unlock(&limiter->mutex);
    return rate;
}
