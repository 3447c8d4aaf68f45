#include "engine/counterparts.h"
#include "engine/focus.h"
#include "engine/look.h"
#include "engine/reconcile_intern.h"
#include "engine/two_way.h"

#include <stdlib.h>
#include <string.h>

enum {
    TRIES = 4,           /* looks at a name that moves, or is not as new as its hint */
    FIRST_WAIT_MS = 100, /* before the second look; then twice as long each time */
};
/* --- opening ---------------------------------------------------------------------------------- */
int reconciler_open_engine(struct reconciler *reconciler, size_t index, struct engine **out,
                           struct error *err)
{
    const struct reconcile_options *options = &reconciler->options;
    const struct engine_options with = {
        .concurrency = options->concurrency,
        .number = (unsigned)index + 1,
        .count = (unsigned)reconciler->count,
        .transport = options->transport,
        .clock = options->clock,
        .random = options->random,
        .environment = options->environment,
        .no_wait = options->no_wait,
        .command = options->command ? options->command : "reconcile",
        .state_folder = options->state_folder,
        .stop = options->stop,
        .stays = true,
        .state = reconciler->memory,
        .sessions = reconciler->sessions,
    };
    return engine_open(&reconciler->set->items[index], &with, out, err);
}

static int open_memory(struct reconciler *reconciler, struct error *err)
{
    struct random *random =
        reconciler->options.random ? reconciler->options.random : random_system();
    char run_id[RUN_ID_SIZE];
    if (reconciler->options.state_folder)
        return 0;
    run_id_make(reconciler->clock, random, run_id);
    return state_open(NULL, run_id, reconciler->clock, random, &reconciler->memory, err);
}

int reconciler_open(const struct config_set *set, const struct reconcile_options *options,
                    struct reconciler **out, struct error *err)
{
    struct reconciler *reconciler = memory_alloc(sizeof *reconciler);
    *reconciler = (struct reconciler){
        .options = *options,
        .clock = options->stop    ? &options->stop->clock
                 : options->clock ? options->clock
                                  : clock_system(),
        .sessions = sessions_new(),
        .engines = memory_alloc(set->count * sizeof(struct engine *)),
        .passes = memory_alloc(set->count * sizeof(struct full_pass)),
        .set = set,
        .count = set->count,
    };
    for (size_t i = 0; i < set->count; i++) {
        reconciler->engines[i] = NULL;
        reconciler->passes[i] = (struct full_pass){0};
    }
    if (open_memory(reconciler, err) != 0) {
        reconciler_close(reconciler);
        return -1;
    }
    for (size_t i = 0; i < set->count; i++)
        if (reconciler_open_engine(reconciler, i, &reconciler->engines[i], err) != 0) {
            reconciler_close(reconciler);
            return -1;
        }
    *out = reconciler;
    return 0;
}

static void close_engine(struct engine *engine)
{
    if (engine)
        engine->outcome = "done";
    engine_close(engine);
}

void reconciler_close(struct reconciler *reconciler)
{
    if (!reconciler)
        return;
    for (size_t i = 0; i < reconciler->count; i++) {
        close_engine(reconciler->passes[i].engine);
        close_engine(reconciler->engines[i]);
    }
    state_close(reconciler->memory);
    sessions_free(reconciler->sessions);
    free(reconciler->passes);
    free(reconciler->engines);
    free(reconciler);
}

static bool is_done(enum hint_outcome outcome)
{
    return outcome == HINT_IGNORED || outcome == HINT_EQUAL || outcome == HINT_APPLIED;
}

/* --- hints ------------------------------------------------------------------------------------ */
static int order_looks(const void *a, const void *b)
{
    return strcmp((*(struct look *const *)a)->key, (*(struct look *const *)b)->key);
}

/* One pass over the names of some looks, which are sorted by name. */
static int pass(struct reconciler *reconciler, struct engine *engine, struct arena *arena,
                struct look **looks, size_t count, struct tally *sum, struct error *err)
{
    const char *keys[FOCUS_MOST], *last = "";
    size_t key_count = 0;
    struct tally tally;
    struct error problem = {0};
    for (size_t i = 0; i < count; i++)
        if (!key_count || strcmp(last, looks[i]->key) != 0)
            keys[key_count++] = last = looks[i]->key;
    struct focus *focus = focus_new(engine, keys, key_count);
    int result = engine_again(engine, focus, &problem);
    if (result == 0)
        result = plan_build(engine, &problem);
    if (result == 0 && !reconciler->options.dry_run)
        result = counterparts_apply(engine, sum, &problem);
    if (result == 0 && !reconciler->options.dry_run)
        result = plan_apply(engine, &problem);
    bool broken = engine_is_broken(engine);
    for (size_t i = 0; i < count && !broken; i++) {
        if (result != 0)
            look_fail(looks[i], arena, engine->config->source.region, &problem);
        else if (look_settle(looks[i], engine, arena, reconciler->options.dry_run, err) != 0)
            broken = true;
    }
    if (!broken && engine_tally(engine, &tally, err) == 0)
        tally_add(sum, &tally);
    if (broken && !err->code)
        *err = problem;
    engine->focus = NULL;
    focus_free(focus);
    return broken ? -1 : 0;
}

/* In passes of so many names at once. */
static int passes(struct reconciler *reconciler, struct engine *engine, struct arena *arena,
                  struct look **looks, size_t count, size_t most, struct tally *sum,
                  struct error *err)
{
    size_t begin = 0;
    while (begin < count) {
        size_t end = begin, names = 0;
        for (; end < count; end++) {
            bool another = end == begin || strcmp(looks[end]->key, looks[end - 1]->key) != 0;
            if (another && names == most)
                break;
            names += another;
        }
        if (stop_wanted(reconciler->options.stop)) {
            struct error stopped = {0};
            error_set(&stopped, ERR_CANCELLED, "stopped before it was looked at");
            for (size_t i = begin; i < end; i++)
                look_fail(looks[i], arena, engine->config->source.region, &stopped);
        } else if (pass(reconciler, engine, arena, looks + begin, end - begin, sum, err) != 0) {
            return -1;
        }
        begin = end;
    }
    return 0;
}

/* Those that another look may help, in their order. */
static size_t keep_unsettled(struct look **looks, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (looks[i]->again)
            looks[kept++] = looks[i];
    return kept;
}

/* What moved, or is not seen as new as it was told, is looked at again, each by itself: what holds
 * up one must not hold up another. */
static int look_all(struct reconciler *reconciler, struct engine *engine, struct arena *arena,
                    struct looks *looks, struct tally *sum, struct error *err)
{
    struct look **order = memory_alloc((looks->count + 1) * sizeof(struct look *));
    size_t count = looks->count;
    int64_t wait_ms = FIRST_WAIT_MS;
    int result = 0;
    for (size_t i = 0; i < count; i++)
        order[i] = &looks->items[i];
    if (count)
        qsort(order, count, sizeof(struct look *), order_looks);
    for (int tries = 0; count && tries < TRIES && result == 0; tries++) {
        if (tries && stop_wanted(reconciler->options.stop))
            break;
        if (tries) {
            reconciler->clock->sleep_ms(reconciler->clock, wait_ms);
            wait_ms *= 2;
        }
        result = passes(reconciler, engine, arena, order, count, tries ? 1 : FOCUS_MOST, sum, err);
        count = keep_unsettled(order, count);
    }
    free(order);
    return result;
}

void reconciler_count_calls(const struct reconciler *reconciler,
                            const struct aws_call_counts *before, struct tally *sum)
{
    struct aws_call_counts now;
    sessions_counts(reconciler->sessions, &now);
    sum->calls = now.calls - before->calls;
    sum->retries = now.retries - before->retries;
    sum->throttled = now.throttled - before->throttled;
    sum->paced_ms = now.paced_ms - before->paced_ms;
}

/* A full pass that does what a hint asked for in vain has not found a missed event. */
const char *reconciler_told_place(struct arena *arena, const char *key)
{
    return arena_printf(arena, "told of %s", key); /* no parameter has such a name */
}

static void keep_told(struct engine *engine, const struct looks *looks)
{
    static const unsigned char nothing[32];
    struct arena scratch;
    arena_init(&scratch);
    for (size_t i = 0; i < looks->count; i++) {
        const struct look *look = &looks->items[i];
        if (is_done(look->outcome))
            continue;
        for (unsigned side = 1; side < engine->side_count; side++)
            state_keep_digest(engine->state, engine->sides[side].link,
                              reconciler_told_place(&scratch, look->key), look->source_version,
                              nothing);
        arena_reset(&scratch);
    }
    arena_done(&scratch);
}

/* What goes the other way. */
static int look_back(struct reconciler *reconciler, struct engine *engine, struct arena *arena,
                     const struct looks *out, struct tally *sum, struct error *err)
{
    struct looks looks = {0};
    for (size_t i = 0; i < out->count; i++)
        if (out->items[i].yields)
            look_turn(&looks, &out->items[i]);
    int result = look_all(reconciler, engine, arena, &looks, sum, err);
    for (size_t i = 0; i < looks.count && result == 0; i++)
        look_tell(&looks.items[i]);
    free(looks.items);
    return result;
}

int reconciler_look(struct reconciler *reconciler, size_t index, struct arena *arena,
                    const struct hint *hints, size_t count, struct hint_result *results,
                    struct tally *sum, struct error *err)
{
    struct engine *engine = reconciler->engines[index];
    struct looks looks = {0};
    if (two_way_back(engine->config))
        return 0;
    for (size_t i = 0; i < count; i++) {
        const char *why = look_add(&looks, engine, arena, &hints[i], &results[i]);
        if (why && results[i].outcome == HINT_IGNORED)
            results[i].why = why;
    }
    int result = look_all(reconciler, engine, arena, &looks, sum, err);
    for (size_t i = 0; i < looks.count && result == 0; i++)
        look_tell(&looks.items[i]);
    if (result == 0)
        keep_told(engine, &looks);
    if (result == 0 && two_way_is(engine->config))
        result = look_back(reconciler, reconciler->engines[index + 1], arena, &looks, sum, err);
    free(looks.items);
    return result;
}

int reconcile_hints(struct reconciler *reconciler, struct arena *arena, const struct hint *hints,
                    size_t count, struct hint_result *results, struct tally *sum, struct error *err)
{
    struct tally all = {0};
    struct aws_call_counts before;
    int64_t started_ms = reconciler->clock->monotonic_ms(reconciler->clock);
    int result = 0;
    sessions_counts(reconciler->sessions, &before);
    for (size_t i = 0; i < count; i++)
        results[i] = (struct hint_result){.outcome = HINT_IGNORED, .lag_ms = -1};
    for (size_t i = 0; i < reconciler->count && result == 0; i++)
        result = reconciler_look(reconciler, i, arena, hints, count, results, &all, err);
    reconciler_count_calls(reconciler, &before, &all);
    all.elapsed_ms = reconciler->clock->monotonic_ms(reconciler->clock) - started_ms;
    if (sum)
        *sum = all;
    return result;
}
