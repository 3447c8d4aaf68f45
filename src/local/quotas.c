#include "local/quotas.h"

#include "local/answer.h"
#include "local/services/ssm_settings.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Calls per second for a group of operations (names between blanks; "*": what no row above names).
 * Without a group's name each operation has a bucket of its own. `raised`: with the service's
 * setting for higher throughput. `region`: rows of one Region come before those of all.
 * `algorithms`: what the name of the algorithm begins with, where the kind of key decides. */
struct quota {
    const char *service, *group, *operations;
    double per_second, raised;
    const char *region, *algorithms;
};

#define KMS_SYMMETRIC                                                                              \
    "Encrypt Decrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateRandom "    \
    "GenerateMac VerifyMac"

static const struct quota table[] = {
    /* Get: 40 shared; raised, each has its own, of which the smallest is taken for all (strict). */
    {"ssm", "Get", "GetParameter GetParameters GetParametersByPath", 40, 100, NULL, NULL},
    {"ssm", NULL, "PutParameter", 3, 10, NULL, NULL},
    {"ssm", "Tags", "AddTagsToResource RemoveTagsFromResource", 10, 0, NULL, NULL}, /* strict */
    {"ssm", "Labels", "LabelParameterVersion UnlabelParameterVersion", 10, 0, NULL,
     NULL},                                                                   /* strict */
    {"ssm", "Delete", "DeleteParameter DeleteParameters", 10, 0, NULL, NULL}, /* strict */
    {"ssm", NULL, "*", 10, 0, NULL, NULL},                                    /* strict */

    {"kms", "RSA", "Encrypt Decrypt ReEncrypt Sign Verify", 500, 0, NULL, "RSA"},
    {"kms", "Symmetric", KMS_SYMMETRIC, 50000, 0, "us-east-1", NULL},
    {"kms", "Symmetric", KMS_SYMMETRIC, 10000, 0, "eu-west-2", NULL},
    {"kms", "Symmetric", KMS_SYMMETRIC, 10000, 0, "ap-southeast-1", NULL},
    /* Other Regions have this or 10,000 (strict). */
    {"kms", "Symmetric", KMS_SYMMETRIC, 5500, 0, NULL, NULL},
    {"kms", "ECC", "Sign Verify DeriveSharedSecret", 300, 0, NULL, NULL},
    /* The slowest kind of pair, RSA_4096 (strict). */
    {"kms", "Pairs", "GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext", 0.1, 0, NULL, NULL},
    {"kms", NULL, "GetParametersForImport", 0.25, 0, NULL, NULL},
    {"kms", NULL, "TagResource", 10, 0, NULL, NULL},
    {"kms", NULL, "DeleteAlias PutKeyPolicy ScheduleKeyDeletion EnableKeyRotation", 15, 0, NULL,
     NULL},
    {"kms", NULL, "RevokeGrant RetireGrant", 30, 0, NULL, NULL},
    {"kms", NULL, "CreateGrant", 50, 0, NULL, NULL},
    {"kms", NULL, "ListGrants ListKeyPolicies ListRetirableGrants", 100, 0, NULL, NULL},
    {"kms", NULL, "ListKeys ListAliases", 500, 0, NULL, NULL},
    {"kms", NULL, "GetKeyPolicy GetKeyRotationStatus", 1000, 0, NULL, NULL},
    {"kms", NULL, "DescribeKey GetPublicKey ListResourceTags", 2000, 0, NULL, NULL},
    {"kms", NULL, "*", 5, 0, NULL, NULL}, /* CreateKey and what changes keys; others: strict */

    {"sts", "Credentials",
     "AssumeRole DecodeAuthorizationMessage GetAccessKeyInfo GetCallerIdentity GetFederationToken "
     "GetSessionToken",
     600, 0, NULL, NULL},
    {"sts", NULL, "*", 100, 0, NULL, NULL}, /* strict */

    /* IAM publishes no rates. */
    {"iam", "Simulate", "SimulatePrincipalPolicy SimulateCustomPolicy", 5, 0, NULL,
     NULL},                                 /* strict */
    {"iam", "All", "*", 20, 0, NULL, NULL}, /* strict */

    {"tagging", NULL, "GetResources", 15, 0, NULL, NULL},
    {"tagging", NULL, "*", 5, 0, NULL, NULL},

    {"cloudtrail", NULL, "LookupEvents", 2, 0, NULL, NULL},
    {"cloudtrail", NULL, "*", 10, 0, NULL, NULL},

    {"events", NULL, "PutEvents", 400, 0, NULL, NULL}, /* the smallest of the Regions' (strict) */
    {"events", "Control", "*", 50, 0, NULL, NULL},

    /* Lambda Developer Guide, "Lambda quotas": ten calls a second for each of 1,000 at a time. */
    {"lambda", NULL, "Invoke", 10000, 0, NULL, NULL},
    {"lambda", NULL, "GetFunction", 100, 0, NULL, NULL},
    {"lambda", NULL, "GetPolicy", 15, 0, NULL, NULL},
    {"lambda", "Control", "*", 15, 0, NULL, NULL},

    /* A FIFO queue takes 300 calls a second of each method; standard queues have no limit, and are
     * held to the same (strict). Calls on queues are not published. */
    {"sqs", NULL,
     "SendMessage SendMessageBatch ReceiveMessage DeleteMessage DeleteMessageBatch "
     "ChangeMessageVisibility ChangeMessageVisibilityBatch",
     300, 0, NULL, NULL}, /* strict */
    {"sqs", "Tags", "TagQueue UntagQueue ListQueueTags", 5, 0, NULL, NULL},
    {"sqs", NULL, "*", 50, 0, NULL, NULL}, /* strict */
};

struct bucket {
    struct bucket *next;
    double tokens;
    int64_t filled_ms;
    char key[];
};

enum { BUCKET_LISTS = 1024 };

struct quotas {
    pthread_mutex_t mutex;
    struct bucket *lists[BUCKET_LISTS];
};

struct quotas *quotas_new(void)
{
    struct quotas *quotas = memory_alloc(sizeof *quotas);
    pthread_mutex_init(&quotas->mutex, NULL);
    return quotas;
}

static void empty(struct quotas *quotas)
{
    for (size_t i = 0; i < BUCKET_LISTS; i++)
        for (struct bucket *next, *at = quotas->lists[i]; at; at = next) {
            next = at->next;
            free(at);
        }
    memset(quotas->lists, 0, sizeof quotas->lists);
}

void quotas_free(struct quotas *quotas)
{
    if (!quotas)
        return;
    empty(quotas);
    pthread_mutex_destroy(&quotas->mutex);
    free(quotas);
}

void quotas_reset(struct quotas *quotas)
{
    if (!quotas)
        return;
    pthread_mutex_lock(&quotas->mutex);
    empty(quotas);
    pthread_mutex_unlock(&quotas->mutex);
}

static bool names(const char *operations, const char *operation)
{
    size_t len = strlen(operation);
    if (strcmp(operations, "*") == 0)
        return true;
    for (const char *at = operations; (at = strstr(at, operation)); at += len)
        if ((at == operations || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

static const struct quota *find_quota(const struct local_call *call, const char *service,
                                      const char *operation, const char *algorithm)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].service, service) == 0 &&
            (!table[i].region || strcmp(table[i].region, call->region) == 0) &&
            (!table[i].algorithms ||
             strncmp(table[i].algorithms, algorithm, strlen(table[i].algorithms)) == 0) &&
            names(table[i].operations, operation))
            return &table[i];
    return NULL;
}

static struct bucket *find_bucket(struct quotas *quotas, const char *key, double most,
                                  int64_t now_ms)
{
    size_t hash = 5381, len = strlen(key);
    for (size_t i = 0; i < len; i++)
        hash = hash * 33 + (unsigned char)key[i];
    struct bucket **list = &quotas->lists[hash % BUCKET_LISTS];
    for (struct bucket *at = *list; at; at = at->next)
        if (strcmp(at->key, key) == 0)
            return at;
    struct bucket *bucket = memory_alloc(sizeof *bucket + len + 1);
    memcpy(bucket->key, key, len + 1);
    bucket->tokens = most;
    bucket->filled_ms = now_ms;
    bucket->next = *list;
    *list = bucket;
    return bucket;
}

static bool take(struct quotas *quotas, const char *key, double per_second, int64_t now_ms)
{
    double most = per_second > 1 ? per_second : 1;
    struct bucket *bucket = find_bucket(quotas, key, most, now_ms);
    /* A clock that was set back fills nothing. */
    double passed_s = now_ms > bucket->filled_ms ? (double)(now_ms - bucket->filled_ms) / 1000 : 0;
    bucket->tokens += passed_s * per_second;
    if (bucket->tokens > most)
        bucket->tokens = most;
    bucket->filled_ms = now_ms;
    if (bucket->tokens < 1)
        return false;
    bucket->tokens -= 1;
    return true;
}

static bool take_one(struct local_call *call, const char *service, const char *operation,
                     const char *algorithm)
{
    struct quotas *quotas = call->local->quotas;
    const struct quota *quota =
        quotas ? find_quota(call, service, operation, algorithm ? algorithm : "") : NULL;
    if (!quota)
        return true;
    double per_second = quota->per_second;
    if (quota->raised > per_second && ssm_high_throughput(call))
        per_second = quota->raised;
    const char *key = arena_printf(call->arena, "%s %s %s %s", call->account, call->region, service,
                                   quota->group ? quota->group : operation);
    int64_t now_ms = call->local->clock->now_ms(call->local->clock);
    pthread_mutex_lock(&quotas->mutex);
    bool taken = take(quotas, key, per_second, now_ms);
    pthread_mutex_unlock(&quotas->mutex);
    return taken;
}

bool quotas_take(struct local_call *call)
{
    const char *service = call->service->name, *operation = call->operation->name;
    if (strcmp(operation, "ReEncrypt") == 0) /* one for each of its keys (strict) */
        return take_one(call, service, operation, local_text(call, "SourceEncryptionAlgorithm")) &&
               take_one(call, service, operation,
                        local_text(call, "DestinationEncryptionAlgorithm"));
    const char *encryption = local_text(call, "EncryptionAlgorithm");
    return take_one(call, service, operation,
                    encryption ? encryption : local_text(call, "SigningAlgorithm"));
}

enum local_result quotas_take_behind(struct local_call *call, const struct local_service *service,
                                     const char *operation)
{
    if (take_one(call, service->name, operation, NULL))
        return LOCAL_OK;
    call->failure = answer_throttled(service);
    return LOCAL_FAILED;
}
