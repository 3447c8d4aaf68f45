/* Carrying out a plan. Each value is read once and written to every destination that needs it. */
#include "base/digest.h"
#include "base/text.h"
#include "engine/engine.h"
#include "engine/focus.h"
#include "engine/guard.h"
#include "engine/history.h"
#include "engine/mapping.h"
#include "engine/presence.h"
#include "engine/race.h"
#include "engine/removal.h"
#include "engine/replace.h"
#include "engine/two_way.h"

#include <stdio.h>
#include <string.h>

enum { WRITE_TRIES = 3 };

static void finish(struct arena *arena, struct step *step, enum step_status status,
                   const char *reason)
{
    step->status = status;
    step->reason = reason ? arena_strdup(arena, reason) : NULL;
}

/* What stands at the destination now, with its value: after an answer was lost, or somebody was
 * there first. `have` is filled only when something is there. `want_digest` NULL: the value is not
 * written. */
static int look_again(struct engine *engine, struct resource_ctx *ctx, unsigned side,
                      struct arena *values, const struct resource *want,
                      const unsigned char *want_digest, struct resource *have, bool *exists,
                      struct diff *diff, struct error *err)
{
    struct error problem = {0};
    *exists = engine->kind->describe(ctx, want->name, have, &problem) == 0;
    if (!*exists && problem.code != ERR_NOT_FOUND) {
        *err = problem;
        return -1;
    }
    if (!*exists)
        return 0;
    struct reading reading = {.resource = {.key = have->key, .name = have->name}};
    engine_read(engine, side, true, values, &reading, 1);
    if (reading.error.code) {
        *err = reading.error;
        return -1;
    }
    plan_compare(engine, side - 1, ctx->arena, want, have, diff);
    diff->value = want_digest && (reading.resource.missing ||
                                  !digest_equal(want_digest, reading.digest, SHA256_SIZE));
    return 0;
}

static const char appeared[] = "somebody else made it since the plan, and differently: plan again";
static const char moved[] = "somebody else wrote it since the plan: plan again";

/* Did the service refuse a change that it lets be made anew, and may that be done? */
static bool replace_wanted(const struct engine *engine, const struct step *step,
                           const struct error *error)
{
    return engine->kind->replace_code && strcmp(error->aws_code, engine->kind->replace_code) == 0 &&
           replace_allowed(engine->config, step->key);
}

/* What became of a step that was not written. */
static void fail_write(struct batch *batch, struct step *step, const struct error *error)
{
    if (error->code == ERR_CANCELLED) /* it is left to a later run */
        return;
    if (error->code == ERR_NOT_FOUND) /* somebody deleted it meanwhile */
        focus_again(batch->engine, step->key);
    /* A limit that waiting does not mend: not a failure to try again. */
    if (error->code == ERR_LIMIT) {
        step->action = STEP_BLOCKED;
        step->late = true;
    }
    finish(&batch->arena, step,
           error->code == ERR_LIMIT      ? STATUS_PLANNED
           : error->code == ERR_CONFLICT ? STATUS_CONFLICT
                                         : STATUS_FAILED,
           error->message);
}

/* The labels come when there is a version to put them on. */
static void finish_written(struct batch *batch, struct arena *values, struct step *step,
                           const struct pair *pair, const struct resource *want)
{
    struct engine *engine = batch->engine;
    struct error error = {0};
    focus_wrote(engine, step->key);
    if (engine->labels && history_wanted(engine) &&
        history_label(engine, step->destination, values, pair, want, &error) != 0)
        fail_write(batch, step, &error);
    else
        finish(&batch->arena, step, STATUS_APPLIED, NULL);
}

/* The versions before the present one; what is broken off is gone on with. */
static int replay(struct batch *batch, struct arena *values, struct step *step,
                  const struct pair *pair, const struct resource *want, struct resource *have,
                  bool *exists, struct diff *diff, struct error *err)
{
    struct pair begun = *pair;
    for (int tries = 1;; tries++) {
        bool due = false;
        *err = (struct error){0};
        int result = history_replay(batch->engine, step->destination, &batch->arena, values, &begun,
                                    want, have, exists, &due, err);
        diff->value = diff->value || due;
        if (result == 0 || err->code != ERR_TIMEOUT || tries == WRITE_TRIES)
            return result;
        begun.known.unfinished = true;
    }
}

/* Versions count up by one where there are values: else another wrote, or deleted, in between. */
static int settle_race(struct engine *engine, const struct step *step, struct arena *calls,
                       const struct pair *pair, const struct resource *want,
                       const struct resource *have, struct wrote *wrote, struct error *err)
{
    if (history_wanted(engine) || !engine->kind->read || !wrote->version)
        return 0;
    if (wrote->version <= have->version)
        return race_remade(engine, step->destination, calls, pair, want, err);
    if (wrote->version == have->version + 1)
        return 0;
    return race_settle(engine, step->destination, calls, pair, have, &wrote->version, err);
}

/* An edit of the copy's that an earlier run's write hid: true when that was what there is to do. */
static bool restore(struct batch *batch, struct arena *calls, struct step *step,
                    const struct pair *pair, struct wrote *wrote)
{
    struct error error = {0};
    if (!pair->known.over)
        return false;
    if (race_restore(batch->engine, step->destination, calls, pair, &wrote->restored, &error) != 0)
        fail_write(batch, step, &error);
    else if (!wrote->restored)
        return false;
    else if (two_way_back(batch->engine->config)) /* the way that carries it is over */
        finish(&batch->arena, step, STATUS_CONFLICT,
               arena_printf(calls, "%s; the next run carries it to the other side", step->note));
    else
        finish(&batch->arena, step, STATUS_APPLIED, NULL);
    return true;
}

/* Writes one step, comparing before it writes again whenever it cannot know what happened. */
static void write_step(struct batch *batch, struct arena *values, struct arena *calls,
                       struct step *step, const struct pair *pair, struct wrote *wrote)
{
    struct engine *engine = batch->engine;
    struct resource_ctx ctx = engine_ctx(engine, step->destination + 1, false, calls);
    struct step again;
    struct resource want, now, have = pair->have;
    struct diff diff;
    struct error error = {0};
    bool exists = pair->exists, replaces = step->replaces;
    /* AWS's clock may differ by this much from ours; by more, the next run reads the value. */
    enum { CLOCKS_DIFFER_MS = 2000 };
    *wrote = (struct wrote){0};
    if (restore(batch, calls, step, pair, wrote))
        return;
    *wrote = (struct wrote){.earliest_ms = engine->clock->now_ms(engine->clock) - CLOCKS_DIFFER_MS};
    plan_decide(engine, &batch->arena, pair, step->destination,
                step->value_differs ? VALUE_DIFFERS : VALUE_SAME, true, &again, &want, &diff);
    step->note = again.note;
    step->late = again.hint && !step->hint;
    step->hint = again.hint ? again.hint : step->hint;
    if (again.action == STEP_BLOCKED) {
        /* Only the value could tell. */
        step->action = STEP_BLOCKED;
        step->late = true;
        finish(&batch->arena, step, STATUS_PLANNED, again.reason);
        return;
    }
    if (pair->aim) {
        want.value = pair->aim->value;
        want.value_len = pair->aim->value_len;
    }
    wrote->key = want.key;
    if (history_wanted(engine) && !replaces &&
        replay(batch, values, step, pair, &want, &have, &exists, &diff, &error) != 0) {
        fail_write(batch, step, &error);
        return;
    }
    for (int tries = 1;; tries++) {
        error = (struct error){0};
        int result = replaces && exists
                         ? replace_copy(engine, &ctx, &want, &have, &wrote->version, &error)
                         : engine->kind->write(&ctx, &want, exists ? &have : NULL, &diff,
                                               &wrote->version, &error);
        if (result == 0) {
            wrote->latest_ms = engine->clock->now_ms(engine->clock) + CLOCKS_DIFFER_MS;
            if (exists && !replaces &&
                settle_race(engine, step, calls, pair, &want, &have, wrote, &error) != 0)
                break;
            finish_written(batch, values, step, pair, &want);
            return;
        }
        if (!replaces && replace_wanted(engine, step, &error)) {
            replaces = true;
            continue;
        }
        if (error.code == ERR_LIMIT && tries == 1 &&
            history_make_room(engine, step->destination, values, want.name))
            continue;
        bool unknown = error.code == ERR_TIMEOUT;
        if (!unknown && error.code != ERR_CONFLICT)
            break;
        struct error problem = {0};
        if (look_again(engine, &ctx, step->destination + 1, calls, &want,
                       pair->aim ? pair->aim->digest : NULL, &now, &exists, &diff, &problem) != 0) {
            error_context(&problem, "%s; then", error.message);
            error = problem;
            break;
        }
        if (exists && diff_empty(&diff)) {
            wrote->version = now.version;
            wrote->earliest_ms = wrote->latest_ms = now.modified_ms;
            if (pair->exists && !replaces && now.version > have.version + 1 &&
                two_way_ours(engine, step->destination + 1, &now) &&
                settle_race(engine, step, calls, pair, &want, &have, wrote, &error) != 0)
                break;
            finish_written(batch, values, step, pair, &want);
            return;
        }
        /* It may be half done (written, not tagged), or not at all; or another's work. */
        bool ours = unknown && (!exists || !pair->exists || now.version <= have.version + 1);
        if (!ours) {
            finish(&batch->arena, step, STATUS_CONFLICT, pair->exists ? moved : appeared);
            return;
        }
        if (tries == WRITE_TRIES)
            break;
        have = now;
    }
    fail_write(batch, step, &error);
}

bool step_needs_value(const struct step *step, const struct pair *pair)
{
    /* Only a change of tags does without: everything else is written whole. */
    return !pair->exists || step->value_differs || !text_starts(step->changes, "[\"tags.");
}

bool step_makes_version(const struct step *step, const struct pair *pair)
{
    return step_needs_value(step, pair) && strcmp(step->changes, "[\"labels\"]") != 0 &&
           !text_starts(step->changes, "[\"labels\",\"tags.");
}

bool step_writes(const struct step *step)
{
    return step->status == STATUS_PLANNED &&
           (step->action == STEP_CREATE || step->action == STEP_UPDATE);
}

/* Is the source still what the plan saw? */
static bool source_stands(struct batch *batch, struct step *step, const struct reading *reading)
{
    char reason[sizeof(struct error)];
    if (reading->error.code == ERR_CANCELLED)
        return false;
    if (reading->error.code) {
        snprintf(reason, sizeof reason, "cannot read its value in %s: %s",
                 batch->engine->config->source.region, reading->error.message);
        finish(&batch->arena, step, STATUS_FAILED, reason);
    } else if (reading->resource.missing) {
        finish(&batch->arena, step, STATUS_CONFLICT,
               "it is gone from the source since the plan was made: plan again");
    } else if (reading->resource.version != step->source_version && !batch->engine->kind->read) {
        finish(&batch->arena, step, STATUS_CONFLICT,
               "the source changed since the plan: plan again");
    } else if (reading->resource.version != step->source_version) {
        snprintf(reason, sizeof reason,
                 "the source changed since the plan (version %lld, now %lld): plan again",
                 (long long)step->source_version, (long long)reading->resource.version);
        finish(&batch->arena, step, STATUS_CONFLICT, reason);
    } else {
        return true;
    }
    return false;
}

static void read_sources(struct batch *batch, struct arena *values,
                         struct reading readings[RESOURCE_READ_MAX])
{
    struct reading some[RESOURCE_READ_MAX];
    size_t which[RESOURCE_READ_MAX], count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct work_item *item = &batch->items[i];
        bool wanted = false;
        for (size_t j = 0; j < item->step_count; j++)
            wanted = wanted || (step_writes(&item->steps[j]) &&
                                step_needs_value(&item->steps[j], &item->pairs[j]));
        if (!wanted)
            continue;
        const struct resource *source = &item->pairs[0].source;
        some[count] = (struct reading){.resource = {.key = source->key, .name = source->name}};
        which[count++] = i;
    }
    focus_read(batch->engine, SIDE_SOURCE, true, values, some, count);
    for (size_t i = 0; i < count; i++)
        readings[which[i]] = some[i];
}

static void write_item(struct batch *batch, struct arena *values, struct arena *calls,
                       struct work_item *item, const struct reading *reading, unsigned turn)
{
    for (size_t n = 0; n < item->step_count; n++) {
        /* Begin with another destination each time, so that all Regions are kept busy. */
        size_t j = (n + turn) % item->step_count;
        struct step *step = &item->steps[j];
        if (!step_writes(step) || stop_wanted(batch->engine->options.stop))
            continue;
        struct pair *pair = &item->pairs[j];
        struct aim aim;
        bool needed = step_needs_value(step, pair);
        if (!needed || source_stands(batch, step, reading)) {
            if (needed) {
                engine_aim(batch->engine, step->destination, &batch->arena, values, &pair->source,
                           reading, &aim);
                pair->aim = &aim;
            }
            write_step(batch, values, calls, step, pair, &item->wrote[j]);
            if (needed)
                memcpy(item->wrote[j].digest, aim.digest, sizeof aim.digest);
            pair->aim = NULL;
        }
        arena_reset(calls);
    }
}

/* In one transaction, before the first of them is sent. */
static void intend(struct batch *batch)
{
    struct engine *engine = batch->engine;
    state_begin(engine->state);
    for (size_t i = 0; i < batch->count; i++)
        for (size_t j = 0; j < batch->items[i].step_count; j++) {
            const struct step *step = &batch->items[i].steps[j];
            if (step_writes(step))
                engine_intend(engine, step->destination, &batch->items[i].pairs[j]);
        }
    state_end(engine->state);
}

/* What failed keeps its intent: the next run looks at it. */
static void keep_written(struct batch *batch)
{
    struct engine *engine = batch->engine;
    state_begin(engine->state);
    for (size_t i = 0; i < batch->count; i++) {
        const struct work_item *item = &batch->items[i];
        for (size_t j = 0; j < item->step_count; j++) {
            const struct step *step = &item->steps[j];
            if (step->status != STATUS_APPLIED)
                continue;
            if (item->wrote[j].version)
                guard_left(batch, step, &item->pairs[j], item->wrote[j].version);
            if (item->wrote[j].version)
                engine_keep(engine, step->destination, &item->pairs[j], &item->wrote[j]);
            if (!item->wrote[j].restored)
                two_way_keep_tags(engine, step->destination, &item->pairs[j]);
            engine_finish(engine, step->destination, step->key);
        }
    }
    state_end(engine->state);
}

static void write_job(void *arg, unsigned worker)
{
    struct batch *batch = arg;
    struct engine *engine = batch->engine;
    struct arena *values = &engine->values[worker];
    struct reading readings[RESOURCE_READ_MAX];
    const size_t used = batch->count * sizeof *readings;
    struct error error = {0};
    memset(readings, 0, used);
    int result = batch_load(batch, &error);
    if (result == 0) {
        intend(batch);
        read_sources(batch, values, readings);
        guard_batch(batch, worker, readings);
    }
    for (size_t i = 0; i < batch->count && result == 0; i++) {
        struct work_item *item = &batch->items[i];
        write_item(batch, values, &engine->calls[worker], item, &readings[i], worker);
        for (size_t j = 0; j < item->step_count && result == 0; j++)
            result = inventory_put_step(engine->inventory, &item->steps[j], &error);
        engine_advance(engine, 1);
    }
    if (result == 0)
        keep_written(batch);
    arena_reset(values);
    explicit_bzero(readings, used);
    if (result != 0)
        engine_broken(engine, &error);
    batch_free(batch);
}

int plan_apply(struct engine *engine, struct error *err)
{
    uint64_t writes, removals;
    engine->stopped = false;
    presence_forget_plan(engine);
    if (engine_work(engine, WORK_WRITE, write_job, err) != 0 || removal_apply(engine, err) != 0)
        return -1;
    if (!stop_wanted(engine->options.stop))
        return 0;
    if (inventory_work_size(engine->inventory, WORK_WRITE, &writes, err) != 0 ||
        inventory_work_size(engine->inventory, WORK_REMOVE, &removals, err) != 0)
        return -1;
    engine->stopped = writes || removals;
    return 0;
}
