/* Full passes, in as many parts as the time asks for. */
#include "base/log.h"
#include "engine/counterparts.h"
#include "engine/reconcile_intern.h"
#include "engine/select.h"
#include "engine/two_way.h"

#include <stdio.h>
#include <stdlib.h>

/* Any event of a change this old has been delivered, or is lost. */
#define UNDER_WAY_MS (60 * 1000)
/* What was listed so long ago is listed again: a name that came since is not in it. */
#define LISTING_KEEPS_MS (24 * 60 * 60 * 1000LL)

/* --- changes that no event told of ------------------------------------------------------------ */

struct missed {
    struct engine *engine; /* of the hints: it knows what was told */
    struct arena scratch;
    int64_t before_ms;
    uint64_t count;
};

static int count_missed(const struct step *step, void *arg, struct error *err)
{
    struct missed *missed = arg;
    struct engine *engine = missed->engine;
    unsigned char told[32];
    (void)err;
    bool changes = step->action == STEP_CREATE || step->action == STEP_UPDATE ||
                   step->action == STEP_DELETE || step->action == STEP_MARK;
    if (!changes || step->status != STATUS_APPLIED || step->source_modified_ms >= missed->before_ms)
        return 0;
    missed->count += !state_digest(engine->state, engine->sides[step->destination + 1].link,
                                   reconciler_told_place(&missed->scratch, step->key),
                                   step->source_version, told);
    arena_reset(&missed->scratch);
    return 0;
}

static uint64_t missed_by(const struct reconciler *reconciler, size_t index)
{
    const struct full_pass *pass = &reconciler->passes[index];
    struct missed missed = {.engine = reconciler->engines[index],
                            .before_ms = pass->begun_ms - UNDER_WAY_MS};
    struct arena scratch;
    arena_init(&scratch);
    arena_init(&missed.scratch);
    uint64_t count =
        inventory_steps(pass->engine->inventory, &scratch, count_missed, &missed, NULL) == 0
            ? missed.count
            : 0;
    arena_done(&missed.scratch);
    arena_done(&scratch);
    return count;
}

/* --- what moved while a pass waited ----------------------------------------------------------- */

struct moved {
    struct arena *arena;
    const struct engine *engine;
    struct hint *hints; /* one a step that was not done */
    size_t count, room;
};

static int gather_moved(const struct step *step, void *arg, struct error *err)
{
    struct moved *moved = arg;
    (void)err;
    if (step->status != STATUS_CONFLICT && step->action != STEP_FAILED)
        return 0;
    if (moved->count == moved->room) {
        moved->room = moved->room ? 2 * moved->room : 64;
        moved->hints = memory_realloc(moved->hints, moved->room * sizeof *moved->hints);
    }
    moved->hints[moved->count++] = (struct hint){.kind = moved->engine->kind->name,
                                                 .region = moved->engine->config->source.region,
                                                 .name = arena_strdup(moved->arena, step->name)};
    return 0;
}

/* A name that a hint settled while the pass waited is not as the pass remembers it: it is looked at
 * again, by itself, before anybody is told that it is in conflict. */
static int look_at_moved(struct reconciler *reconciler, size_t index, struct moved *moved,
                         struct tally *tally, struct error *err)
{
    const struct engine *engine = moved->engine;
    struct hint_result *results = arena_calloc(moved->arena, moved->count + 1, sizeof *results);
    struct tally sum = {0};
    for (size_t i = 0; i < moved->count; i++)
        results[i] = (struct hint_result){.outcome = HINT_IGNORED, .lag_ms = -1};
    if (reconciler_look(reconciler, index - two_way_back(engine->config), moved->arena,
                        moved->hints, moved->count, results, &sum, err) != 0)
        return -1;
    for (size_t i = 0; i < moved->count; i++) {
        enum hint_outcome outcome = results[i].outcome;
        if (outcome != HINT_IGNORED && outcome != HINT_EQUAL && outcome != HINT_APPLIED)
            continue;
        if (tally->conflict)
            tally->conflict--;
        else if (tally->unseen)
            tally->unseen--;
        if (outcome == HINT_APPLIED)
            tally->applied++;
        else
            tally->equal++;
    }
    return 0;
}

static int settle_moved(struct reconciler *reconciler, size_t index, struct tally *tally,
                        struct error *err)
{
    struct arena arena, scratch;
    struct moved moved = {.arena = &arena, .engine = reconciler->passes[index].engine};
    arena_init(&arena);
    arena_init(&scratch);
    int result = inventory_steps(moved.engine->inventory, &scratch, gather_moved, &moved, err);
    if (result == 0 && moved.count)
        result = look_at_moved(reconciler, index, &moved, tally, err);
    free(moved.hints);
    arena_done(&scratch);
    arena_done(&arena);
    return result;
}

/* --- what is left undone ---------------------------------------------------------------------- */

/* Nobody prints a report of these passes, so it is logged, with its reason. */
enum { TOLD_MOST = 50 };
struct telling {
    const struct engine *engine;
    const struct tally *tally; /* what was settled by itself is not in it */
    uint64_t count;
};

static int tell_step(const struct step *step, void *arg, struct error *err)
{
    struct telling *telling = arg;
    const struct engine *engine = telling->engine;
    (void)err;
    bool blocked = step->action == STEP_BLOCKED;
    bool failed = step->status == STATUS_FAILED ||
                  (step->action == STEP_FAILED && telling->tally->unseen) ||
                  (step->status == STATUS_CONFLICT && telling->tally->conflict);
    if (!blocked && !failed)
        return 0;
    if (telling->count++ < TOLD_MOST)
        log_event(blocked ? LOG_WARN : LOG_ERROR, "left undone by the full pass", "outcome",
                  blocked ? "blocked" : "failed", "kind", engine->kind->name, "name", step->name,
                  "region", engine->sides[step->destination + 1].config->region, "reason",
                  step->reason, NULL);
    return 0;
}

static void tell_unmatched(const char *selector, const char *text, void *arg)
{
    const struct engine *engine = arg;
    log_event(LOG_ERROR, "matches nothing", "selector", selector, "pattern", text, "region",
              engine->sides[SIDE_SOURCE].config->region, NULL);
}

static void tell_trouble(struct engine *engine, const struct tally *tally)
{
    struct telling telling = {.engine = engine, .tally = tally};
    struct arena scratch;
    for (unsigned i = 0; i < engine->side_count; i++)
        if (engine->sides[i].failed)
            log_event(LOG_ERROR, "could not be listed", "kind", engine->kind->name, "region",
                      engine->sides[i].config->region, "reason", engine->sides[i].error.message,
                      NULL);
    if (tally->nothing || tally->absent)
        select_unmatched(engine, tell_unmatched, engine);
    arena_init(&scratch);
    if (inventory_steps(engine->inventory, &scratch, tell_step, &telling, NULL) == 0 &&
        telling.count > TOLD_MOST) {
        char more[32];
        snprintf(more, sizeof more, "%llu", (unsigned long long)(telling.count - TOLD_MOST));
        log_event(LOG_ERROR, "left undone by the full pass, not named here", "count", more, NULL);
    }
    arena_done(&scratch);
}

/* --- one replication -------------------------------------------------------------------------- */

/* Where it was stopped, or anew. */
static int begin_or_go_on(struct reconciler *reconciler, size_t index, struct error *err)
{
    struct full_pass *pass = &reconciler->passes[index];
    int64_t now_ms = reconciler->clock->now_ms(reconciler->clock);
    if (!pass->engine && reconciler_open_engine(reconciler, index, &pass->engine, err) != 0)
        return -1;
    const struct engine *engine = pass->engine;
    /* What fill.c reads cannot be gone on with. */
    if (pass->begun_ms && now_ms - pass->begun_ms < LISTING_KEEPS_MS &&
        (engine->joined || !engine->kind->fill)) {
        pass->resumed = true;
        return 0;
    }
    pass->begun_ms = now_ms;
    pass->resumed = false;
    return engine_again(pass->engine, NULL, err);
}

/* A part of the pass; ERR_CANCELLED: there is more to do. */
static int some_of_it(struct reconciler *reconciler, size_t index, struct tally *sum,
                      struct error *err)
{
    struct full_pass *pass = &reconciler->passes[index];
    if (begin_or_go_on(reconciler, index, err) != 0 || plan_build(pass->engine, err) != 0)
        return -1;
    if (reconciler->options.dry_run)
        return 0;
    if (counterparts_apply(pass->engine, sum, err) != 0 || plan_apply(pass->engine, err) != 0)
        return -1;
    return pass->engine->stopped ? error_set(err, ERR_CANCELLED, "stopped while writing") : 0;
}

/* What of a pass that has more to do is known by now. */
static void add_so_far(const struct full_pass *pass, struct tally *sum)
{
    struct tally tally;
    if (!pass->begun_ms || pass->ended || engine_tally(pass->engine, &tally, NULL) != 0)
        return;
    tally.stopped = true;
    tally.nothing = tally.absent = 0; /* they may still come */
    tally.conflict = 0;               /* and those are looked at again when it ends */
    tally_add(sum, &tally);
    sum->resumed = sum->resumed || pass->resumed;
}

/* -1: it failed. `*more`: it was stopped. */
static int pass_one(struct reconciler *reconciler, size_t index, bool *more, struct error *err)
{
    struct full_pass *pass = &reconciler->passes[index];
    struct tally tally = {0};
    int result = some_of_it(reconciler, index, &reconciler->ended, err);
    bool stopped = result != 0 && err->code == ERR_CANCELLED;
    if (!stopped && pass->engine &&
        engine_tally(pass->engine, &tally, result == 0 ? err : NULL) != 0)
        result = -1;
    /* Removals wait for all else, so what is looked at again comes behind them. */
    if (!stopped && result == 0 && pass->resumed && (tally.conflict || tally.unseen)) {
        result = settle_moved(reconciler, index, &tally, err);
        stopped = stop_wanted(reconciler->options.stop) && (tally.conflict || tally.unseen);
    }
    *more = stopped;
    if (stopped)
        return 0;
    if (result == 0)
        tally.missed = missed_by(reconciler, index);
    if (pass->engine)
        tell_trouble(pass->engine, &tally);
    counterparts_forget(reconciler->engines[index]);
    tally.resumed = pass->resumed;
    tally_add(&reconciler->ended, &tally);
    pass->ended = true;
    pass->begun_ms = 0;
    return result;
}

/* --- all of them ------------------------------------------------------------------------------ */

static void begin_round(struct reconciler *reconciler)
{
    reconciler->passing = true;
    reconciler->ended = (struct tally){0};
    reconciler->first = (struct error){0};
    for (size_t i = 0; i < reconciler->count; i++)
        reconciler->passes[i].ended = false;
}

/* True: there was no time for all. One that takes all the time there is does not keep the others
 * from their turn: it is gone on with after them. */
static bool run_round(struct reconciler *reconciler, struct error *err)
{
    bool first = true, more = false;
    for (size_t i = 0; i < reconciler->count && !more; i++) {
        size_t index = reconciler->next;
        struct error problem = {0};
        bool begun = !reconciler->passes[index].ended;
        if (begun && stop_wanted(reconciler->options.stop)) {
            more = true;
        } else if (begun && pass_one(reconciler, index, &more, &problem) != 0) {
            reconciler->ended.failed_replications++;
            if (!err->code)
                *err = problem;
        }
        if (!more || first)
            reconciler->next = (index + 1) % reconciler->count;
        first = first && !begun;
    }
    for (size_t i = 0; i < reconciler->count; i++)
        more = more || !reconciler->passes[i].ended;
    return more;
}

int reconcile_all(struct reconciler *reconciler, struct tally *sum, struct error *err)
{
    struct aws_call_counts before;
    struct error problem = {0};
    int64_t started_ms = reconciler->clock->monotonic_ms(reconciler->clock);
    sessions_counts(reconciler->sessions, &before);
    if (!reconciler->passing)
        begin_round(reconciler);
    bool more = run_round(reconciler, &problem);
    if (!reconciler->first.code)
        reconciler->first = problem;
    struct tally all = reconciler->ended;
    for (size_t i = 0; i < reconciler->count && more; i++)
        add_so_far(&reconciler->passes[i], &all);
    all.stopped = more;
    reconciler->passing = more;
    reconciler_count_calls(reconciler, &before, &all);
    all.elapsed_ms = reconciler->clock->monotonic_ms(reconciler->clock) - started_ms;
    if (sum)
        *sum = all;
    if (!problem.code && (more || !reconciler->first.code))
        return 0;
    *err = problem.code ? problem : reconciler->first;
    return -1;
}
