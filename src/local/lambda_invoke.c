#include "local/lambda_invoke.h"

#include "base/arena.h"
#include "local/lambda_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* One invocation under way. */
struct place {
    struct place *next, **before;
    struct lambda_places *places;
    void (*done)(void *arg, const struct lambda_answer *answer);
    void *arg;
    bool reserved; /* of what its function has reserved */
    int64_t function;
    char account[13], region[32];
};

struct lambda_places {
    pthread_mutex_t mutex;
    struct place *first;
};

struct lambda_places *lambda_places_new(void)
{
    struct lambda_places *places = memory_alloc(sizeof *places);
    pthread_mutex_init(&places->mutex, NULL);
    return places;
}

void lambda_places_free(struct lambda_places *places)
{
    if (!places)
        return;
    pthread_mutex_destroy(&places->mutex);
    free(places);
}

/* --- how many may run ------------------------------------------------------------------------- */

int64_t lambda_reserved(struct store_session *store, const char *account, const char *region)
{
    struct store_rows rows;
    int64_t sum = 0;
    store_query(store, &rows,
                "SELECT SUM(reserved) FROM lambda_function WHERE account = $1 AND region = $2",
                "tt", account, region);
    if (store_next(&rows) && !store_null(&rows, 0))
        sum = store_int(&rows, 0);
    store_end(&rows);
    return sum;
}

static bool competes(const struct place *place, const struct place *other)
{
    if (place->reserved || other->reserved)
        return place->reserved && other->reserved && place->function == other->function;
    return strcmp(place->account, other->account) == 0 && strcmp(place->region, other->region) == 0;
}

/* false: as many run as may. */
static bool take(struct lambda_places *places, struct place *place, int64_t most)
{
    int64_t running = 0;
    pthread_mutex_lock(&places->mutex);
    for (const struct place *at = places->first; at; at = at->next)
        running += competes(place, at);
    bool free_place = running < most;
    if (free_place) {
        place->next = places->first;
        place->before = &places->first;
        if (place->next)
            place->next->before = &place->next;
        places->first = place;
    }
    pthread_mutex_unlock(&places->mutex);
    return free_place;
}

static void give_back(struct place *place)
{
    pthread_mutex_lock(&place->places->mutex);
    *place->before = place->next;
    if (place->next)
        place->next->before = place->before;
    pthread_mutex_unlock(&place->places->mutex);
}

static void ended(void *arg, const struct lambda_answer *answer)
{
    struct place *place = arg;
    give_back(place); /* first: who is told may begin the next one */
    place->done(place->arg, answer);
    free(place);
}

/* --- beginning -------------------------------------------------------------------------------- */

static int refuse(struct local_failure *failure, int status, const char *code, const char *message)
{
    *failure = (struct local_failure){status, code, message, NULL};
    return -1;
}

static int start(struct local *local, struct store_session *store, struct arena *arena,
                 const struct lambda_function *function, const char *request_id,
                 struct text payload, struct place *place, struct error *err)
{
    struct lambda_start start = {
        .key = function->key,
        .function_arn = function->function_arn,
        .name = function->name,
        .version = function->version,
        .account = function->account,
        .region = function->region,
        .role_arn = function->role_arn,
        .handler = function->handler,
        .log_group = function->log_group,
        .code_sha256 = function->code_sha256,
        .environment = function->environment,
        .timeout_ms = function->timeout_ms,
        .memory_mb = function->memory_mb,
        .logging = function->logging,
        .invoked_arn = function->arn,
        .client_context = function->client_context,
    };
    if (!lambda_pool_has(local->lambda_pool, function->code_sha256))
        start.zip = lambda_function_code(store, arena, function);
    return lambda_pool_invoke(local->lambda_pool, &start, request_id, payload, ended, place, err);
}

int lambda_invoke_begin(struct local *local, struct store_session *store, struct arena *arena,
                        const struct lambda_function *function, const char *request_id,
                        struct text payload,
                        void (*done)(void *arg, const struct lambda_answer *answer), void *arg,
                        struct local_failure *failure)
{
    bool reserved = function->reserved_concurrency >= 0;
    int64_t most =
        reserved ? function->reserved_concurrency
                 : LAMBDA_CONCURRENCY - lambda_reserved(store, function->account, function->region);
    if (local->clock->now_ms(local->clock) < function->active_ms)
        return refuse(failure, 409, "ResourceConflictException",
                      "The operation cannot be performed at this time. The function is currently "
                      "in the following state: Pending");
    if (!local->lambda_pool || !local->lambda_places)
        return refuse(failure, 500, "ServiceException", "This server runs no functions.");
    struct place *place = memory_alloc(sizeof *place);
    *place = (struct place){.places = local->lambda_places,
                            .done = done,
                            .arg = arg,
                            .reserved = reserved,
                            .function = function->id};
    memcpy(place->account, function->account, strnlen(function->account, 12));
    memcpy(place->region, function->region, strnlen(function->region, sizeof place->region - 1));
    if (!take(local->lambda_places, place, most)) {
        free(place);
        return refuse(failure, 429, "TooManyRequestsException", "Rate Exceeded.");
    }
    struct error err = {0};
    if (start(local, store, arena, function, request_id, payload, place, &err) == 0)
        return 0;
    give_back(place);
    free(place);
    return refuse(failure, 500, "ServiceException", "The server ends.");
}
