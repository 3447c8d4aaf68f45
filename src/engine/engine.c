#include "engine/engine.h"

#include "base/digest.h"
#include "base/log.h"
#include "base/text.h"
#include "client/client.h"
#include "engine/counterparts.h"
#include "engine/focus.h"
#include "engine/sessions.h"

#include <stdlib.h>
#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static int open_session(struct engine *engine, struct side *side, struct error *err)
{
    const struct session_options seams = {
        .no_wait = engine->options.no_wait,
        .stop = engine->options.stop,
        .transport = engine->options.transport,
        .clock = engine->options.clock,
        .random = engine->options.random,
        .environment = engine->options.environment,
    };
    side->session = sessions_get(engine->sessions, side->config, &seams, err);
    return side->session ? 0 : -1;
}

/* STS tells whose credentials these are. Where it does not answer that question the run goes on
 * without, unless the configuration names the account: then it must be proved. */
static int learn_account(struct side *side, struct error *err)
{
    struct error problem = {0};
    if (session_account(side->session, side->config->region, side->account, &problem) != 0) {
        side->account[0] = '\0';
        bool needed = problem.code == ERR_EXPIRED || problem.code == ERR_UNAVAILABLE ||
                      problem.code == ERR_TIMEOUT || problem.code == ERR_NOT_FOUND ||
                      problem.code == ERR_INVALID || problem.code == ERR_CANCELLED ||
                      side->config->account;
        if (!needed)
            return 0;
        *err = problem;
        return error_context(err, "cannot tell the account for %s", side->config->region);
    }
    if (side->config->account && strcmp(side->config->account, side->account) != 0)
        return error_set(err, ERR_DENIED,
                         "%s should be account %s, but these credentials belong to %s: check "
                         "profile and role_arn",
                         side->config->region, side->config->account, side->account);
    return 0;
}

/* A destination that refuses, or is down, does not stop the others; a configuration that does not
 * fit the credentials does. */
static bool of_this_side(const struct error *err)
{
    return (err->code == ERR_DENIED && err->http_status) || err->code == ERR_UNAVAILABLE ||
           err->code == ERR_TIMEOUT;
}

/* Whose credentials these are, and that they are not the source's. */
static int learn_side(struct engine *engine, unsigned number, struct error *err)
{
    struct side *side = &engine->sides[number];
    side->failed = side->unlearned = false;
    if (number == SIDE_SOURCE && engine->options.no_source)
        return 0;
    if (learn_account(side, err) != 0) {
        if (number == SIDE_SOURCE || !of_this_side(err))
            return -1;
        side->failed = side->unlearned = true;
        side->error = *err;
        return 0;
    }
    const struct side *source = &engine->sides[SIDE_SOURCE];
    if (number && *side->account && strcmp(side->account, source->account) == 0 &&
        strcmp(side->config->region, source->config->region) == 0 &&
        same_text(side->config->endpoint_url, source->config->endpoint_url))
        return error_set(err, ERR_INVALID,
                         "%s of account %s is both source and destination: a copy needs "
                         "another Region or account",
                         side->config->region, side->account);
    return 0;
}

static int open_sides(struct engine *engine, struct error *err)
{
    for (unsigned i = 0; i < engine->side_count; i++) {
        struct side *side = &engine->sides[i];
        side->config = i ? &engine->config->destinations[i - 1] : &engine->config->source;
        arena_init(&side->keys_arena);
        if (open_session(engine, side, err) != 0)
            return -1;
        side->caller = session_caller(side->session);
        if (learn_side(engine, i, err) != 0)
            return -1;
    }
    return 0;
}

int engine_open(const struct config *config, const struct engine_options *options,
                struct engine **out, struct error *err)
{
    struct engine *engine = memory_alloc(sizeof *engine);
    engine->config = engine->given = config;
    engine->kind = config->kind ? config->kind : &resource_ssm_parameter;
    engine->options = *options;
    if (config->settings)
        engine->settings = *config->settings;
    engine->settings.deep = options->deep;
    /* Where nothing is said of them: a call for each key, which only who looks closely pays. */
    bool looks_closely =
        options->deep || (options->command && strcmp(options->command, "plan") == 0);
    if (engine->settings.grants == GRANTS_GLANCED && !looks_closely)
        engine->settings.grants = GRANTS_IGNORED;
    engine->clock = options->clock ? options->clock : clock_system();
    engine->started_ms = engine->clock->monotonic_ms(engine->clock);
    pthread_mutex_init(&engine->mutex, NULL);
    arena_init(&engine->arena);
    arena_init(&engine->pass);
    arena_init(&engine->mapped);
    engine->sessions = options->sessions ? options->sessions : sessions_new();
    int64_t keep = 1;
    if (config->history)
        text_to_int64(config->history, strlen(config->history), &keep);
    engine->history = (size_t)keep;
    engine->labels = config->labels && strcmp(config->labels, "true") == 0;
    scope_init(&engine->scope, &engine->arena, config);
    if (safety_read(config, &engine->safety, err) != 0) {
        engine_close(engine);
        return -1;
    }
    struct random *random = options->random ? options->random : random_system();
    random_bytes(random, engine->digest_key, sizeof engine->digest_key); /* or of a shared state */
    engine->side_count = (unsigned)config->destination_count + 1;
    engine->side_room = engine->kind->regions ? DESTINATIONS_MAX + 1 : engine->side_count;
    engine->sides = arena_calloc(&engine->arena, engine->side_room, sizeof *engine->sides);

    unsigned concurrency = options->concurrency ? options->concurrency : CONCURRENCY_DEFAULT;
    recall_open(engine, random);
    if (open_sides(engine, err) != 0 ||
        inventory_open(engine->kind, &engine->inventory, err) != 0 ||
        !(engine->workers = workers_new(concurrency, err))) {
        engine_close(engine);
        return -1;
    }
    const struct side *source = &engine->sides[SIDE_SOURCE];
    if (engine->safety.owning && *source->account)
        engine->owner =
            arena_printf(&engine->arena, "%s/%s", source->account, source->config->region);
    engine->values = memory_alloc((concurrency + 1) * sizeof *engine->values);
    engine->calls = memory_alloc((concurrency + 1) * sizeof *engine->calls);
    for (unsigned i = 0; i <= concurrency; i++) {
        arena_init(&engine->values[i]);
        arena_init(&engine->calls[i]);
    }
    engine_derive_key(engine, "fingerprints of plans", engine->plan_key);
    recall_open_links(engine);
    engine->undo = undo_log_new(engine);
    *out = engine;
    return 0;
}

void engine_close(struct engine *engine)
{
    if (!engine)
        return;
    unsigned concurrency = engine->workers ? workers_count(engine->workers) : 0;
    counterparts_close(engine);
    workers_free(engine->workers);
    plan_forget_listings(engine);
    for (unsigned i = 0; i <= concurrency && engine->values; i++) {
        arena_done(&engine->values[i]);
        arena_done(&engine->calls[i]);
    }
    free(engine->values);
    free(engine->calls);
    undo_log_free(engine->undo);
    inventory_close(engine->inventory);
    recall_close(engine);
    for (unsigned i = 0; i < engine->side_count; i++)
        if (!engine->sides[i].retired)
            arena_done(&engine->sides[i].keys_arena);
    if (!engine->options.sessions)
        sessions_free(engine->sessions);
    explicit_bzero(engine->digest_key, sizeof engine->digest_key);
    explicit_bzero(engine->plan_key, sizeof engine->plan_key);
    arena_done(&engine->mapped);
    arena_done(&engine->pass);
    arena_done(&engine->arena);
    pthread_mutex_destroy(&engine->mutex);
    free(engine);
}

int engine_add_retired(struct engine *engine, const char *region, struct error *err)
{
    const struct side *source = &engine->sides[SIDE_SOURCE];
    if (engine->side_count == engine->side_room)
        return error_set(err, ERR_LIMIT, "more than %d Regions", DESTINATIONS_MAX);
    struct config_side *config = arena_calloc(&engine->pass, 1, sizeof *config);
    *config = engine->config->source;
    config->region = arena_strdup(&engine->pass, region);
    struct side *side = &engine->sides[engine->side_count++];
    *side = (struct side){
        .config = config,
        .session = source->session,
        .caller = source->caller,
        .retired = true,
    };
    memcpy(side->account, source->account, sizeof source->account);
    return 0;
}

int engine_again(struct engine *engine, struct focus *focus, struct error *err)
{
    recall_again(engine);
    plan_forget_listings(engine);
    engine->joined = false;
    engine->side_count = (unsigned)engine->config->destination_count + 1;
    engine->focus = focus;
    engine->idle = NULL;
    engine->unseen = NULL;
    engine->scope.select_hit = NULL;
    arena_reset(&engine->pass);
    scope_forget(&engine->scope);
    engine->done = engine->total = engine->made = engine->estimated = 0;
    engine->reserved = 0;
    engine->stopped = engine->broken = false;
    engine->made_by = NULL;
    engine->started_ms = engine->clock->monotonic_ms(engine->clock);
    for (unsigned i = 0; i < engine->side_count; i++) {
        struct side *side = &engine->sides[i];
        bool was_unlearned = side->unlearned;
        side->failed = side->tags_one_by_one = side->keys_wanted = false;
        side->tags_read = NULL;
        if (was_unlearned && learn_side(engine, i, err) != 0)
            return -1;
        if (was_unlearned && !side->unlearned)
            recall_open_links(engine);
    }
    return inventory_clear(engine->inventory, err);
}

struct resource_ctx engine_ctx(struct engine *engine, unsigned side, bool read_only,
                               struct arena *arena)
{
    return (struct resource_ctx){
        .session = engine->sides[side].session,
        .region = engine->sides[side].config->region,
        .read_only = read_only,
        .arena = arena,
        .settings = &engine->settings,
    };
}

void engine_broken(struct engine *engine, const struct error *err)
{
    pthread_mutex_lock(&engine->mutex);
    if (!engine->broken) {
        engine->broken = true;
        engine->error = *err;
    }
    pthread_mutex_unlock(&engine->mutex);
}

bool engine_is_broken(struct engine *engine)
{
    pthread_mutex_lock(&engine->mutex);
    bool broken = engine->broken;
    pthread_mutex_unlock(&engine->mutex);
    return broken;
}

void engine_phase(struct engine *engine, const char *phase, uint64_t total)
{
    pthread_mutex_lock(&engine->mutex);
    engine->phase = phase;
    engine->total = total;
    engine->done = 0;
    pthread_mutex_unlock(&engine->mutex);
    log_event(LOG_DEBUG, phase, "source", engine->config->source.region, NULL);
    engine_advance(engine, 0);
}

void engine_advance(struct engine *engine, uint64_t by)
{
    pthread_mutex_lock(&engine->mutex);
    engine->done += by;
    if (engine->options.progress)
        engine->options.progress(engine->phase, engine->done, engine->total,
                                 engine->options.progress_arg);
    pthread_mutex_unlock(&engine->mutex);
}

void batch_free(struct batch *batch)
{
    arena_done(&batch->arena);
    free(batch);
}

static void keep_side(const struct batch *batch, struct work_item *item)
{
    size_t kept = 0;
    for (size_t i = 0; i < item->step_count; i++)
        if (!batch->side || item->steps[i].destination + 1 == batch->side)
            item->steps[kept++] = item->steps[i];
    item->step_count = kept;
}

int batch_load(struct batch *batch, struct error *err)
{
    struct inventory *inventory = batch->engine->inventory;
    for (size_t i = 0; i < batch->count; i++) {
        struct work_item *item = &batch->items[i];
        if (inventory_steps_of(inventory, &batch->arena, batch->keys[i], &item->steps,
                               &item->step_count, err) != 0)
            return -1;
        keep_side(batch, item);
        item->pairs = arena_calloc(&batch->arena, item->step_count + 1, sizeof *item->pairs);
        item->wrote = arena_calloc(&batch->arena, item->step_count + 1, sizeof *item->wrote);
        for (size_t j = 0; j < item->step_count; j++) {
            if (inventory_pair(inventory, &batch->arena, batch->keys[i], item->steps[j].destination,
                               &item->pairs[j], err) != 0)
                return -1;
            engine_recall(batch->engine, item->steps[j].destination, &item->pairs[j]);
        }
    }
    return 0;
}

/* Where there is no value to be read once for all destinations, each is a job of its own: one that
 * waits for its Region holds up no other. Takes the batch. */
static void run_apart(struct engine *engine, void (*job)(void *batch, unsigned worker),
                      struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        for (unsigned side = 1; side < engine->side_count; side++) {
            struct batch *part = memory_alloc(sizeof *part);
            part->engine = engine;
            arena_init(&part->arena);
            part->side = side;
            part->keys[0] = arena_strdup(&part->arena, batch->keys[i]);
            part->count = 1;
            workers_run(engine->workers, job, part);
        }
    batch_free(batch);
}

int engine_work(struct engine *engine, enum inventory_work work,
                void (*job)(void *batch, unsigned worker), struct error *err)
{
    uint64_t total = 0;
    if (engine->options.progress && inventory_work_size(engine->inventory, work, &total, err) != 0)
        return -1;
    static const char *const phases[WORKS] = {"comparing", "writing", "deleting"};
    bool apart = work == WORK_WRITE && !engine->kind->read;
    engine_phase(engine, phases[work], apart ? total * (engine->side_count - 1) : total);

    char *after = memory_strdup("");
    int result = 0;
    for (bool more = true;
         more && result == 0 && !engine_is_broken(engine) && !stop_wanted(engine->options.stop);) {
        struct batch *batch = memory_alloc(sizeof *batch);
        batch->engine = engine;
        arena_init(&batch->arena);
        result = inventory_work(engine->inventory, &batch->arena, work, after,
                                engine->kind->read_batch, batch->keys, &batch->count, err);
        more = result == 0 && batch->count > 0;
        if (!more) {
            batch_free(batch);
            break;
        }
        more = batch->count == engine->kind->read_batch; /* else it was the last */
        free(after);
        after = memory_strdup(batch->keys[batch->count - 1]);
        if (apart)
            run_apart(engine, job, batch);
        else
            workers_run(engine->workers, job, batch);
    }
    free(after);
    workers_wait(engine->workers);
    if (result == 0 && engine_is_broken(engine)) {
        *err = engine->error;
        return -1;
    }
    return result;
}

/* Would asking again for one at a time help? Not when the service or the line is unwell. */
static bool may_be_one_of_them(enum error_code code)
{
    return code != ERR_THROTTLED && code != ERR_UNAVAILABLE && code != ERR_TIMEOUT &&
           code != ERR_EXPIRED && code != ERR_CANCELLED && code != ERR_IO;
}

static void take_reading(struct engine *engine, struct reading *reading,
                         const struct resource *resource)
{
    reading->resource = *resource;
    if (!resource->missing)
        digest_hmac_sha256(engine->digest_key, sizeof engine->digest_key, resource->value,
                           resource->value_len, reading->digest);
}

/* What has no value is read by describing it: its version tells whether it is as it was. */
static void describe_some(struct engine *engine, struct resource_ctx *ctx, struct reading *readings,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct resource found = {.key = readings[i].resource.key,
                                 .name = readings[i].resource.name};
        struct error error = {0};
        int result = engine->kind->describe(ctx, readings[i].resource.name, &found, &error);
        found.missing = (result != 0 && error.code == ERR_NOT_FOUND) ||
                        (result == 0 && engine->kind->gone && engine->kind->gone(&found));
        if (found.missing)
            error = (struct error){0};
        readings[i].error = error;
        found.value = found.missing ? NULL : "";
        if (result == 0 || found.missing)
            take_reading(engine, &readings[i], &found);
    }
}

void engine_read(struct engine *engine, unsigned side, bool read_only, struct arena *values,
                 struct reading *readings, size_t count)
{
    struct resource_ctx ctx = engine_ctx(engine, side, read_only, values);
    struct resource items[RESOURCE_READ_MAX];
    struct error error = {0};
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++)
        items[i] = readings[i].resource;
    if (!engine->kind->read) {
        describe_some(engine, &ctx, readings, count);
        return;
    }
    int result = engine->kind->read(&ctx, items, count, &error);
    for (size_t i = 0; i < count; i++) {
        readings[i].error = error;
        if (result == 0) {
            take_reading(engine, &readings[i], &items[i]);
        } else if (count > 1 && may_be_one_of_them(error.code)) {
            readings[i].error = (struct error){0};
            if (engine->kind->read(&ctx, &items[i], 1, &readings[i].error) == 0)
                take_reading(engine, &readings[i], &items[i]);
        }
    }
}

static void count_calls(struct engine *engine, struct tally *out)
{
    for (unsigned i = 0; i < engine->side_count; i++) {
        struct aws_call_counts counts = {0};
        bool counted = false; /* with another side */
        for (unsigned j = 0; j < i; j++)
            counted = counted || engine->sides[j].session == engine->sides[i].session;
        if (counted)
            continue;
        session_counts(engine->sides[i].session, &counts);
        out->calls += counts.calls;
        out->retries += counts.retries;
        out->throttled += counts.throttled;
        out->paced_ms += counts.paced_ms;
    }
}

static uint64_t all(const uint64_t statuses[STATUSES])
{
    uint64_t sum = 0;
    for (int i = 0; i < STATUSES; i++)
        sum += statuses[i];
    return sum;
}

/* A misspelt selector must not pass for a good run. Where a deletion at the source is to be carried
 * on, a name that is gone is no mistake. */
static void count_selectors(struct engine *engine, struct tally *out)
{
    const struct config *config = engine->config;
    const struct config_select *select = &config->select;
    bool given = config->include_count || select->types_count || select->tiers_count ||
                 select->keys_count || select->tags_count;
    if (engine->safety.deletes != DELETES_NEVER || engine->options.no_source || engine->focus)
        return;
    out->nothing = given && !out->selected;
    for (size_t i = 0; i < config->include_count; i++)
        out->absent += scope_missed(&engine->scope, i) && !strpbrk(config->include[i], "*?");
}

int engine_tally(struct engine *engine, struct tally *out, struct error *err)
{
    step_counts counts;
    *out = (struct tally){.reserved = engine->reserved, .stopped = engine->stopped};
    if (inventory_count(engine->inventory, -1, counts, err) != 0 ||
        inventory_size(engine->inventory, SIDE_SOURCE, &out->selected, err) != 0)
        return -1;
    count_selectors(engine, out);
    out->equal = all(counts[STEP_EQUAL]);
    out->create = all(counts[STEP_CREATE]);
    out->update = all(counts[STEP_UPDATE]);
    out->remove = all(counts[STEP_DELETE]);
    out->blocked = all(counts[STEP_BLOCKED]);
    out->unseen = all(counts[STEP_FAILED]);
    out->estimated = engine->estimated;
    out->mark = all(counts[STEP_MARK]);
    out->kept = all(counts[STEP_KEPT]);
    out->extra = all(counts[STEP_EXTRA]);
    static const enum step_action writes[] = {STEP_CREATE, STEP_UPDATE, STEP_DELETE, STEP_MARK};
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
        enum step_action action = writes[i];
        out->applied += counts[action][STATUS_APPLIED];
        out->failed += counts[action][STATUS_FAILED];
        out->conflict += counts[action][STATUS_CONFLICT];
        out->left += counts[action][STATUS_LEFT];
        out->planned += counts[action][STATUS_PLANNED];
    }
    for (unsigned i = 1; i < engine->side_count; i++)
        out->failed_destinations += engine->sides[i].failed;
    count_calls(engine, out);
    out->elapsed_ms = engine->clock->monotonic_ms(engine->clock) - engine->started_ms;
    return 0;
}

void tally_add(struct tally *sum, const struct tally *tally)
{
    sum->equal += tally->equal;
    sum->create += tally->create;
    sum->update += tally->update;
    sum->remove += tally->remove;
    sum->estimated += tally->estimated;
    sum->mark += tally->mark;
    sum->kept += tally->kept;
    sum->extra += tally->extra;
    sum->blocked += tally->blocked;
    sum->unseen += tally->unseen;
    sum->applied += tally->applied;
    sum->failed += tally->failed;
    sum->conflict += tally->conflict;
    sum->left += tally->left;
    sum->stopped = sum->stopped || tally->stopped;
    sum->planned += tally->planned;
    sum->selected += tally->selected;
    sum->reserved += tally->reserved;
    sum->nothing += tally->nothing;
    sum->absent += tally->absent;
    sum->failed_destinations += tally->failed_destinations;
    sum->calls += tally->calls;
    sum->retries += tally->retries;
    sum->throttled += tally->throttled;
    sum->paced_ms += tally->paced_ms;
    sum->elapsed_ms += tally->elapsed_ms;
    sum->missed += tally->missed;
    sum->failed_replications += tally->failed_replications;
    sum->resumed = sum->resumed || tally->resumed;
}

int tally_exit_plan(const struct tally *tally, int on_changes)
{
    if (tally->unseen || tally->failed_destinations || tally->nothing || tally->absent)
        return tally->equal + tally->create + tally->update + tally->remove + tally->mark
                   ? EXIT_PARTLY
                   : EXIT_FAILED;
    if (tally->create || tally->update || tally->remove || tally->mark || tally->blocked ||
        (tally->kept && on_changes == EXIT_DRIFT)) /* no change to make, and not in sync */
        return on_changes;
    return EXIT_DONE;
}

int tally_exit_apply(const struct tally *tally)
{
    uint64_t undone = tally->unseen + tally->failed + tally->conflict + tally->planned +
                      tally->failed_destinations + tally->nothing + tally->absent;
    if (undone && !tally->applied && !tally->equal)
        return EXIT_FAILED;
    return undone || tally->blocked ? EXIT_PARTLY : EXIT_DONE;
}
