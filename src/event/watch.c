/* The daemon's driving thread: looks and full passes, one after another. */
#include "event/watch.h"

#include "base/log.h"
#include "base/thread.h"
#include "event/looked.h"
#include "event/watch_parts.h"
#include "net/http_client.h"
#include "net/http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 500,          /* hints that are looked at in one go */
    SLICE_MS = 20 * 1000, /* of a full pass, before hints have their turn */
    IDLE_MS = 5000,       /* between two signs of life when nothing happens */
};
/* Of an entry of `failing`. */
enum { FAILING_AT, FAILING_SINCE, FAILING_OUTCOME };

static int64_t mono_ms(const struct watch *watch)
{
    return watch->clock->monotonic_ms(watch->clock);
}

static int64_t now_ms(const struct watch *watch)
{
    return watch->clock->now_ms(watch->clock);
}

void watch_say(struct watch *watch, char reason[256], const char *text)
{
    pthread_mutex_lock(&watch->mutex);
    snprintf(reason, sizeof watch->status.queue_error, "%s", text);
    pthread_mutex_unlock(&watch->mutex);
}

/* --- opening ---------------------------------------------------------------------------------- */

static int open_reconciler(struct watch *watch, const struct config_set *set,
                           struct reconciler **out, struct error *err)
{
    const struct reconcile_options options = {
        .transport = watch->options.transport,
        .clock = watch->options.clock,
        .random = watch->options.random,
        .environment = watch->options.environment,
        .state_folder = watch->options.state_folder,
        .command = "watch",
        .concurrency = watch->options.concurrency,
        .stop = &watch->work,
        .dry_run = watch->options.dry_run,
    };
    return reconciler_open(set, &options, out, err);
}

/* Queue and canary are where the first replication's source is, under the daemon's own identity. */
static struct session *open_session(struct watch *watch, struct stop *stop, struct error *err)
{
    const struct config_side *source = &watch->set.items[0].source;
    const struct session_options options = {
        .profile = source->profile,
        .region = source->region,
        .endpoint_url = source->endpoint_url,
        .stop = stop,
        .transport = watch->options.transport,
        .clock = watch->options.clock,
        .random = watch->options.random,
        .environment = watch->options.environment,
    };
    return session_new(&options, err);
}

static int open_all(struct watch *watch, struct error *err)
{
    const struct watch_options *options = &watch->options;
    if (options->load(options->load_arg, &watch->config_arena, &watch->set, err) != 0)
        return -1;
    if (options->listen && watch_serve(watch, err) != 0)
        return -1;
    watch->session = open_session(watch, &watch->stop, err);
    watch->hearing = watch->session ? open_session(watch, &watch->deaf, err) : NULL;
    if (!watch->hearing)
        return -1;
    for (size_t i = 0; i < options->queue_count; i++)
        if (sqs_queue_open(&watch->arena, watch->session, options->queues[i], &watch->queues[i],
                           err) != 0)
            return -1;
    watch->queue_count = options->queue_count;
    return open_reconciler(watch, &watch->set, &watch->reconciler, err);
}

int watch_new(const struct watch_options *options, struct watch **out, struct error *err)
{
    struct watch *watch = memory_alloc(sizeof *watch);
    watch->options = *options;
    if (!watch->options.hide_ms)
        watch->options.hide_ms = WATCH_HIDE_MS;
    watch->clock = options->clock ? options->clock : clock_system();
    arena_init(&watch->arena);
    arena_init(&watch->config_arena);
    stop_init(&watch->stop, watch->clock);
    stop_init(&watch->work, watch->clock);
    stop_init(&watch->deaf, watch->clock);
    watch->deaf.grace_ms = 0;
    metrics_init(&watch->metrics);
    pthread_mutex_init(&watch->mutex, NULL);
    pthread_cond_init(&watch->settle, NULL);
    thread_condition_init(&watch->renew);
    watch->settling_end = &watch->settling;
    watch->pending = pending_new(PENDING_LIMIT);
    watch->failing = json_object();
    watch->status = (struct watch_status){.started_ms = now_ms(watch),
                                          .every_ms = options->every_ms,
                                          .dry_run = options->dry_run,
                                          .queues = options->queue_count,
                                          .canary = options->canary != NULL};
    watch->next_pass_ms = options->every_ms ? mono_ms(watch) : INT64_MAX;
    watch->alive_ms = mono_ms(watch);
    if (open_all(watch, err) != 0) {
        watch_free(watch);
        return -1;
    }
    *out = watch;
    return 0;
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    http_server_free(watch->http);
    reconciler_close(watch->reconciler);
    session_free(watch->session);
    session_free(watch->hearing);
    pending_free(watch->pending);
    json_decref(watch->failing);
    metrics_done(&watch->metrics);
    pthread_cond_destroy(&watch->settle);
    pthread_cond_destroy(&watch->renew);
    for (size_t i = 0; i < WATCH_QUEUES_MAX; i++)
        held_list_free(watch->held[i]);
    pthread_mutex_destroy(&watch->mutex);
    arena_done(&watch->config_arena);
    arena_done(&watch->arena);
    free(watch);
}

/* --- looking ---------------------------------------------------------------------------------- */

static void begin_work(struct watch *watch, int64_t slice_ms)
{
    watch->work.wanted_ms = watch->work.due_ms = 0;
    if (slice_ms)
        stop_due_in(&watch->work, slice_ms);
}

static void sign_of_life(struct watch *watch)
{
    char line[400];
    struct watch_status status;
    pthread_mutex_lock(&watch->mutex);
    watch->alive_ms = mono_ms(watch);
    pthread_mutex_unlock(&watch->mutex);
    if (!watch->options.alive)
        return;
    watch_status(watch, &status);
    const struct watch_word *word = status.reasons.count    ? &status.reasons.items[0]
                                    : status.warnings.count ? &status.warnings.items[0]
                                                            : NULL;
    const struct metric_values *values = &status.metrics;
    snprintf(line, sizeof line, "%s%s%s%s%llu applied, %llu equal, %llu failed, %llu full passes",
             status.reasons.count ? "not well: " : "", word ? word->text : "", word ? "; " : "",
             status.dry_run ? "dry run: " : "", (unsigned long long)values->items[METRIC_APPLIED],
             (unsigned long long)values->items[METRIC_EQUAL],
             (unsigned long long)values->items[METRIC_FAILED], (unsigned long long)values->passes);
    watch->options.alive(watch->options.alive_arg, true, line);
}

static void count_calls(struct watch *watch, const struct tally *sum)
{
    metrics_calls(&watch->metrics, sum->calls, sum->retries, sum->throttled);
}

/* What failed is remembered until a look settles it, or a full pass finds nothing left: other
 * changes that come meanwhile and do well must not hide it. */
static void note_failing(struct watch *watch, const struct hint *hint,
                         const struct hint_result *result)
{
    json_t *known = json_object_get(watch->failing, hint->name);
    if (looked_settled(result)) {
        json_object_del(watch->failing, hint->name);
        return;
    }
    if (!known && json_object_size(watch->failing) >= FAILING_LIMIT)
        return;
    int64_t at_ms = json_integer_value(json_array_get(known, FAILING_AT));
    int64_t since_ms =
        known ? json_integer_value(json_array_get(known, FAILING_SINCE)) : now_ms(watch);
    if (hint->at_ms && (!at_ms || hint->at_ms < at_ms))
        at_ms = hint->at_ms;
    json_object_set_new(watch->failing, hint->name,
                        json_pack("[I, I, i]", (json_int_t)at_ms, (json_int_t)since_ms,
                                  (int)result->outcome));
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
    return !a_ms || (b_ms && b_ms < a_ms) ? b_ms : a_ms;
}

/* What a clean full pass has seen to: all, but for what it cannot do either. */
static void forget_failing(struct watch *watch, bool blocked)
{
    const char *name;
    json_t *entry;
    void *next;
    json_object_foreach_safe(watch->failing, next, name, entry)
    {
        if (!blocked || json_integer_value(json_array_get(entry, FAILING_OUTCOME)) != HINT_BLOCKED)
            json_object_del(watch->failing, name);
    }
}

/* `oldest_ms`: of what waits beside them. */
static void count_failing(struct watch *watch, int64_t oldest_ms)
{
    const char *name;
    json_t *entry;
    size_t failing = 0, blocked = 0;
    int64_t since_ms = 0;
    json_object_foreach(watch->failing, name, entry)
    {
        oldest_ms = earlier(oldest_ms, json_integer_value(json_array_get(entry, FAILING_AT)));
        bool is_blocked =
            json_integer_value(json_array_get(entry, FAILING_OUTCOME)) == HINT_BLOCKED;
        blocked += is_blocked;
        failing += !is_blocked;
        if (!is_blocked)
            since_ms = earlier(since_ms, json_integer_value(json_array_get(entry, FAILING_SINCE)));
    }
    pthread_mutex_lock(&watch->mutex);
    watch->failing_oldest_ms = oldest_ms;
    watch->status.failing = failing;
    watch->status.failing_since_ms = since_ms;
    watch->status.blocked = blocked;
    pthread_mutex_unlock(&watch->mutex);
}

/* What is still to be looked at waits as much as what was not taken yet. */
static void note_rest(struct watch *watch, const struct pending_batch *batch, size_t looked)
{
    int64_t oldest_ms = 0;
    for (size_t i = looked; i < batch->hint_count; i++)
        oldest_ms = earlier(oldest_ms, batch->hints[i].at_ms);
    count_failing(watch, oldest_ms);
    pthread_mutex_lock(&watch->mutex);
    watch->working = batch->hint_count - looked;
    watch->alive_ms = mono_ms(watch);
    pthread_mutex_unlock(&watch->mutex);
}

static int look_at(struct watch *watch, struct pending_batch *batch, struct error *err)
{
    note_rest(watch, batch, 0);
    for (size_t i = 0; i < batch->hint_count; i += CHUNK) {
        size_t count = batch->hint_count - i < CHUNK ? batch->hint_count - i : CHUNK;
        struct tally sum = {0};
        begin_work(watch, 0);
        if (reconcile_hints(watch->reconciler, &batch->arena, &batch->hints[i], count,
                            &batch->results[i], &sum, err) != 0)
            return -1;
        count_calls(watch, &sum);
        for (size_t at = i; at < i + count; at++) {
            looked_note(&watch->metrics, &batch->hints[at], &batch->results[at]);
            note_failing(watch, &batch->hints[at], &batch->results[at]);
        }
        note_rest(watch, batch, i + count);
        sign_of_life(watch);
    }
    return 0;
}

/* --- full passes ------------------------------------------------------------------------------ */

static void pass_ended(struct watch *watch, const struct tally *sum, const struct error *err)
{
    bool dry_run = watch->options.dry_run;
    uint64_t written = dry_run ? sum->planned : sum->applied;
    struct tally judged = *sum;
    judged.blocked = 0; /* a person is to decide: nothing is out of order */
    if (dry_run)
        judged.planned = 0; /* that it was not written is no fault */
    bool failed = err->code != ERR_NONE || tally_exit_apply(&judged) != EXIT_DONE;
    metrics_pass(&watch->metrics, failed, sum->missed, now_ms(watch));
    uint64_t failures = sum->failed + sum->unseen + sum->conflict;
    char counts[240];
    snprintf(counts, sizeof counts, "%llu selected, %llu %s, %llu failed, %llu blocked%s%s",
             (unsigned long long)sum->selected, (unsigned long long)written,
             dry_run ? "to be written" : "written", (unsigned long long)failures,
             (unsigned long long)sum->blocked,
             sum->nothing ? "; a replication selects nothing: look at its patterns" : "",
             sum->absent ? "; a name that is asked for is not there" : "");
    log_event(failed ? LOG_ERROR : LOG_INFO, "full pass ended", "counts", counts, "error",
              err->code != ERR_NONE ? err->message : NULL, NULL);
    watch_say(watch, watch->status.pass_error,
              !failed                 ? ""
              : err->code != ERR_NONE ? err->message
                                      : counts);
    if (!failed) {
        forget_failing(watch, sum->blocked > 0);
        count_failing(watch, 0);
    }
    pthread_mutex_lock(&watch->mutex);
    watch->status.passing = false;
    watch->status.pass_blocked = sum->blocked;
    watch->next_pass_ms = mono_ms(watch) + watch->options.every_ms;
    pthread_mutex_unlock(&watch->mutex);
}

/* A slice of one; the next goes on behind it. */
static void pass(struct watch *watch)
{
    struct tally sum = {0};
    struct error err = {0};
    pthread_mutex_lock(&watch->mutex);
    watch->status.passing = true;
    pthread_mutex_unlock(&watch->mutex);
    begin_work(watch, SLICE_MS);
    int result = reconcile_all(watch->reconciler, &sum, &err);
    count_calls(watch, &sum);
    if (!sum.stopped)
        pass_ended(watch, &sum, &err);
    else if (result != 0)
        log_event(LOG_ERROR, "a replication's full pass failed", "error", err.message, NULL);
}

/* --- the configuration, again ----------------------------------------------------------------- */

static void reload(struct watch *watch)
{
    struct arena arena;
    struct config_set set = {0};
    struct reconciler *reconciler = NULL;
    struct error err = {0};
    arena_init(&arena);
    if (watch->options.load(watch->options.load_arg, &arena, &set, &err) != 0 ||
        open_reconciler(watch, &set, &reconciler, &err) != 0) {
        arena_done(&arena);
        log_event(LOG_ERROR,
                  "the configuration was read again and is not taken: the one "
                  "from before holds",
                  "error", err.message, NULL);
        watch_say(watch, watch->status.config_error, err.message);
        sign_of_life(watch);
        return;
    }
    reconciler_close(watch->reconciler);
    arena_done(&watch->config_arena);
    watch->config_arena = arena;
    watch->set = set;
    watch->reconciler = reconciler;
    watch_say(watch, watch->status.config_error, "");
    log_event(LOG_INFO, "the configuration was read again", NULL);
    pthread_mutex_lock(&watch->mutex); /* what it selects now may have changed long ago */
    if (watch->options.every_ms)
        watch->next_pass_ms = mono_ms(watch);
    pthread_mutex_unlock(&watch->mutex);
}

/* --- the loop --------------------------------------------------------------------------------- */

/* How long there is nothing to do but to listen. */
static int64_t idle_ms(struct watch *watch)
{
    int64_t wait_ms = IDLE_MS, now = mono_ms(watch);
    pthread_mutex_lock(&watch->mutex);
    if (watch->next_pass_ms - now < wait_ms)
        wait_ms = watch->next_pass_ms - now;
    pthread_mutex_unlock(&watch->mutex);
    if (watch->options.canary && watch->canary_due_ms - now < wait_ms)
        wait_ms = watch->canary_due_ms - now;
    return wait_ms > 0 ? wait_ms : 0;
}

static bool pass_is_due(struct watch *watch)
{
    pthread_mutex_lock(&watch->mutex);
    bool due = watch->next_pass_ms <= mono_ms(watch);
    pthread_mutex_unlock(&watch->mutex);
    return due;
}

static int round_of_work(struct watch *watch, struct error *err)
{
    if (atomic_exchange(&watch->reload, false))
        reload(watch);
    watch_canary(watch);
    struct pending_batch *batch = pending_take(watch->pending, idle_ms(watch));
    int result = batch ? look_at(watch, batch, err) : 0;
    if (batch) {
        watch_canary_seen(watch, batch);
        watch_settle(watch, batch);
    }
    if (result == 0 && !atomic_load(&watch->stopping) && pass_is_due(watch))
        pass(watch);
    sign_of_life(watch);
    return result;
}

int watch_run(struct watch *watch, struct error *err)
{
    int result = watch_listen(watch, err);
    while (result == 0 && !atomic_load(&watch->stopping))
        result = round_of_work(watch, err);
    watch_stop(watch); /* also when it failed */
    watch_listen_end(watch);
    if (watch->http)
        http_server_stop(watch->http, 1000);
    return result;
}

void watch_stop(struct watch *watch)
{
    atomic_store(&watch->stopping, true);
    stop_ask(&watch->stop);
    stop_ask(&watch->work);
    stop_ask(&watch->deaf);
    pending_close(watch->pending);
}

void watch_reload(struct watch *watch)
{
    atomic_store(&watch->reload, true);
    pending_wake(watch->pending);
}

int watch_port(const struct watch *watch)
{
    return watch->http ? http_server_port(watch->http) : 0;
}
