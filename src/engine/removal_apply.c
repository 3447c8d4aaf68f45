/* Removals, carried out. */
#include "engine/removal_intern.h"

#include "base/clock.h"
#include "engine/focus.h"
#include "engine/history.h"
#include "engine/ownership.h"

#include <stdio.h>
#include <string.h>

struct removing {
    struct step *step;
    struct resource copy;
    const char *const *sources; /* the names whose absence is asked for */
    size_t source_count;
    bool stopped; /* before it was sure: it stays planned */
};

/* The steps of a batch at one destination. */
struct removals {
    struct engine *engine;
    struct arena *arena, *values, *calls;
    struct removing items[RESOURCE_READ_MAX];
    size_t count;
    unsigned side;
};

static bool open_(const struct removing *removing)
{
    return removing->step->status == STATUS_PLANNED && !removing->stopped;
}

static void close_(struct removals *removals, struct removing *removing, enum step_status status,
                   const char *reason)
{
    removing->step->status = status;
    removing->step->reason = reason ? arena_strdup(removals->arena, reason) : NULL;
}

/* What could not be asked or done: `reason` NULL: the error's words. */
static void fail_(struct removals *removals, struct removing *removing, const struct error *error,
                  const char *reason)
{
    removing->stopped = error->code == ERR_CANCELLED;
    if (!removing->stopped)
        close_(removals, removing, STATUS_FAILED, reason ? reason : error->message);
}

/* Or marked as such; now, for those who ask how long it took. */
static void gone(struct removals *removals, struct removing *removing)
{
    close_(removals, removing, STATUS_APPLIED, NULL);
    focus_wrote(removals->engine, removing->step->key);
}

static void judge_source(struct removals *removals, struct removing *removing,
                         const struct reading *reading)
{
    const char *region = removals->engine->config->source.region;
    char reason[sizeof(struct error)];
    if (!open_(removing))
        return;
    if (reading->error.code) {
        snprintf(reason, sizeof reason, "not deleted: cannot make sure that it is gone from %s: %s",
                 region, reading->error.message);
        fail_(removals, removing, &reading->error, reason);
    } else if (!reading->resource.missing &&
               (!removals->engine->kind->fits ||
                scope_selects_resource(&removals->engine->scope, &reading->resource))) {
        snprintf(reason, sizeof reason, "not deleted: %s exists in %s", reading->resource.name,
                 region);
        close_(removals, removing, STATUS_CONFLICT, reason);
    }
}

/* The second look: is each of them, asked for by its name, not at the source? */
static void ask_source(struct removals *removals)
{
    struct engine *engine = removals->engine;
    struct reading readings[RESOURCE_READ_MAX];
    struct removing *of[RESOURCE_READ_MAX];
    size_t count = 0;
    for (size_t i = 0; i < removals->count; i++)
        for (size_t j = 0; j < removals->items[i].source_count; j++) {
            const char *key = removals->items[i].sources[j];
            readings[count] = (struct reading){
                .resource = {.key = key, .name = arena_printf(removals->arena, "/%s", key)}};
            of[count++] = &removals->items[i];
            bool last = i + 1 == removals->count && j + 1 == removals->items[i].source_count;
            if (count < engine->kind->read_batch && !last)
                continue;
            engine_read(engine, SIDE_SOURCE, true, removals->values, readings, count);
            for (size_t k = 0; k < count; k++)
                judge_source(removals, of[k], &readings[k]);
            count = 0;
        }
    explicit_bzero(readings, sizeof readings);
}

/* The copy's tags come from an index that may lag: are they really what the plan went by? */
static void check_tags(struct removals *removals, struct removing *removing)
{
    struct engine *engine = removals->engine;
    struct resource_ctx ctx = engine_ctx(engine, removals->side, true, removals->arena);
    struct error error = {0};
    if (engine->kind->read_tags(&ctx, &removing->copy, &error) != 0) {
        if (error.code == ERR_NOT_FOUND)
            close_(removals, removing, STATUS_APPLIED, NULL);
        else
            fail_(removals, removing, &error, NULL);
        return;
    }
    const char *theirs = removal_not_ours(engine, removals->arena, &removing->copy, removals->side);
    bool marked = removal_absent_since(&removing->copy) >= 0;
    if (theirs)
        close_(removals, removing, STATUS_CONFLICT, theirs);
    else if (removing->step->action == STEP_MARK && marked)
        close_(removals, removing, STATUS_APPLIED, NULL);
    else if (removing->step->action == STEP_DELETE && engine->safety.grace_ms && !marked)
        close_(removals, removing, STATUS_CONFLICT,
               "not deleted: somebody has taken the mark of absence away");
}

/* What stands there is kept before it is touched; false: it could not be. */
static bool keep(struct removals *removals, struct removing *removing, const struct resource *value)
{
    const struct step *step = removing->step;
    struct error error = {0};
    /* An undo finds the destinations of the configuration, and this is none. */
    if (removals->engine->sides[removals->side].retired)
        return true;
    struct undo_record record = {
        .destination = step->destination,
        .name = removing->copy.name,
        .action = step->action,
        .existed = true,
        .before = removing->copy,
        .after_version = step->action == STEP_DELETE ? 0 : removing->copy.version,
        .after_tags = removing->copy.tags,
        .after_tag_count = removing->copy.tag_count,
    };
    if (value) {
        record.before.value = value->value;
        record.before.value_len = value->value_len;
    }
    if ((step->action == STEP_MARK || !removals->engine->undo ||
         history_keep_labels(removals->engine, step->destination, removals->calls,
                             removing->copy.name, &record, &error) == 0) &&
        undo_log_append(removals->engine->undo, &record, &error) == 0)
        return true;
    fail_(removals, removing, &error, NULL);
    return false;
}

/* All of them are on the disk, or none is touched. */
static void keep_all(struct removals *removals)
{
    struct error error = {0};
    if (undo_log_sync(removals->engine->undo, &error) == 0)
        return;
    for (size_t i = 0; i < removals->count; i++)
        if (open_(&removals->items[i]))
            close_(removals, &removals->items[i], STATUS_FAILED, error.message);
}

static void mark(struct removals *removals, struct removing *removing)
{
    struct engine *engine = removals->engine;
    struct resource_ctx ctx = engine_ctx(engine, removals->side, false, removals->calls);
    const struct tag tag = {ABSENT_TAG, removal_time_text(removals->arena,
                                                          engine->clock->now_ms(engine->clock))};
    const struct diff diff = {.set_tags = &tag, .set_tag_count = 1};
    struct error error = {0};
    int64_t version;
    if (engine->kind->write(&ctx, &removing->copy, &removing->copy, &diff, &version, &error) == 0)
        gone(removals, removing);
    else
        fail_(removals, removing, &error, NULL);
}

/* What is to go, read once more: its version must be what was listed. */
static size_t last_look(struct removals *removals, struct reading *readings,
                        struct removing *of[RESOURCE_READ_MAX])
{
    struct engine *engine = removals->engine;
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < removals->count; i++) {
        struct removing *removing = &removals->items[i];
        if (!open_(removing) || removing->step->action != STEP_DELETE)
            continue;
        readings[count] =
            (struct reading){.resource = {.key = removing->copy.key, .name = removing->copy.name}};
        of[count++] = removing;
    }
    engine_read(engine, removals->side, true, removals->values, readings, count);
    for (size_t i = 0; i < count; i++) {
        if (readings[i].error.code)
            fail_(removals, of[i], &readings[i].error, NULL);
        else if (readings[i].resource.missing)
            close_(removals, of[i], STATUS_APPLIED, NULL);
        else if (readings[i].resource.version != of[i]->copy.version)
            close_(removals, of[i], STATUS_CONFLICT,
                   "not deleted: somebody wrote it since it was listed");
        else if (keep(removals, of[i], &readings[i].resource))
            of[kept++] = of[i];
    }
    return kept;
}

/* One call for all of them; where that is refused, one for each. */
static void delete_some(struct removals *removals, struct removing **of, size_t count)
{
    struct engine *engine = removals->engine;
    struct resource_ctx ctx = engine_ctx(engine, removals->side, false, removals->calls);
    struct resource items[RESOURCE_READ_MAX];
    struct error error = {0};
    for (size_t i = 0; i < count; i++)
        items[i] = of[i]->copy;
    if (count == 0)
        return;
    if (engine->kind->remove(&ctx, items, count, &error) == 0) {
        for (size_t i = 0; i < count; i++)
            gone(removals, of[i]);
        return;
    }
    if (count > 1) {
        for (size_t i = 0; i < count; i++)
            delete_some(removals, of + i, 1);
        return;
    }
    /* After a lost answer it may be gone all the same. */
    struct reading reading = {.resource = {.key = items[0].key, .name = items[0].name}};
    if (error.code == ERR_TIMEOUT)
        engine_read(engine, removals->side, true, removals->values, &reading, 1);
    if (error.code == ERR_TIMEOUT && !reading.error.code && reading.resource.missing)
        gone(removals, of[0]);
    else
        fail_(removals, of[0], &error, NULL);
}

static void remove_at(struct removals *removals)
{
    struct reading readings[RESOURCE_READ_MAX];
    struct removing *of[RESOURCE_READ_MAX];
    if (!removals->count || stop_wanted(removals->engine->options.stop))
        return;
    if (!removals->engine->sides[removals->side].retired)
        ask_source(removals);
    for (size_t i = 0; i < removals->count; i++)
        if (open_(&removals->items[i]))
            check_tags(removals, &removals->items[i]);
    for (size_t i = 0; i < removals->count; i++)
        if (open_(&removals->items[i]) && removals->items[i].step->action == STEP_MARK)
            keep(removals, &removals->items[i], NULL);
    size_t count = last_look(removals, readings, of);
    keep_all(removals);
    for (size_t i = 0; i < removals->count; i++)
        if (open_(&removals->items[i]) && removals->items[i].step->action == STEP_MARK)
            mark(removals, &removals->items[i]);
    if (count && open_(of[0]))
        delete_some(removals, of, count);
    explicit_bzero(readings, sizeof readings);
    arena_reset(removals->values);
    arena_reset(removals->calls);
}

static bool is_removal(const struct step *step)
{
    return step->status == STATUS_PLANNED &&
           (step->action == STEP_DELETE || step->action == STEP_MARK);
}

static int gather(struct removals *removals, struct step *step, struct error *err)
{
    struct engine *engine = removals->engine;
    struct removing *removing = &removals->items[removals->count];
    const char *key = engine->kind->key_of(step->target);
    *removing = (struct removing){.step = step};
    if (inventory_copy(engine->inventory, removals->arena, key, step->destination, &removing->copy,
                       err) != 0)
        return -1;
    removing->sources =
        scope_sources(&engine->scope, removals->arena, key, &removing->source_count);
    removals->count++;
    return 0;
}

static void forget_removed(struct removals *removals)
{
    struct engine *engine = removals->engine;
    int64_t link = engine->sides[removals->side].link;
    uint64_t count = 0;
    for (size_t i = 0; i < removals->count; i++) {
        const struct step *step = removals->items[i].step;
        if (step->action != STEP_DELETE || step->status != STATUS_APPLIED)
            continue;
        state_forget(engine->state, link, step->key);
        count++;
    }
    state_removed(engine->state, link, count);
}

static int remove_batch(struct batch *batch, unsigned worker, struct error *err)
{
    struct engine *engine = batch->engine;
    for (size_t i = 0; i < batch->count; i++)
        if (inventory_steps_of(engine->inventory, &batch->arena, batch->keys[i],
                               &batch->items[i].steps, &batch->items[i].step_count, err) != 0)
            return -1;
    for (unsigned side = 1; side < engine->side_count; side++) {
        struct removals removals = {.engine = engine,
                                    .arena = &batch->arena,
                                    .values = &engine->values[worker],
                                    .calls = &engine->calls[worker],
                                    .side = side};
        for (size_t i = 0; i < batch->count; i++)
            for (size_t j = 0; j < batch->items[i].step_count; j++) {
                struct step *step = &batch->items[i].steps[j];
                if (is_removal(step) && step->destination + 1 == side &&
                    gather(&removals, step, err) != 0)
                    return -1;
            }
        remove_at(&removals);
        forget_removed(&removals);
        for (size_t i = 0; i < removals.count; i++)
            if (inventory_put_step(engine->inventory, removals.items[i].step, err) != 0)
                return -1;
    }
    return 0;
}

static void remove_job(void *arg, unsigned worker)
{
    struct batch *batch = arg;
    struct error error = {0};
    if (remove_batch(batch, worker, &error) != 0)
        engine_broken(batch->engine, &error);
    engine_advance(batch->engine, batch->count);
    batch_free(batch);
}

static int again_step(const struct step *step, void *arg, struct error *err)
{
    (void)err;
    if (is_removal(step))
        focus_again(arg, step->key);
    return 0;
}

/* Names of one pass have nothing to do with each other but having been hinted at together. */
static void again_alone(struct engine *engine, struct error *err)
{
    struct arena scratch;
    arena_init(&scratch);
    inventory_steps(engine->inventory, &scratch, again_step, engine, err);
    arena_done(&scratch);
}

int removal_apply(struct engine *engine, struct error *err)
{
    uint64_t work;
    struct tally tally;
    if (inventory_work_size(engine->inventory, WORK_REMOVE, &work, err) != 0)
        return -1;
    if (!work)
        return 0;
    if (engine_tally(engine, &tally, err) != 0)
        return -1;
    if (tally.unseen || tally.failed || tally.failed_destinations) {
        if (engine->focus && focus_count(engine->focus) > 1)
            again_alone(engine, err);
        return inventory_stop_removals(
            engine->inventory, 0, STATUS_FAILED,
            "not deleted: another step of this run failed, and only a clean run deletes", err);
    }
    return engine_work(engine, WORK_REMOVE, remove_job, err);
}
