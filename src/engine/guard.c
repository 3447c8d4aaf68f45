#include "engine/guard.h"

#include "engine/focus.h"
#include "engine/history.h"
#include "engine/ownership.h"

#include <stdio.h>
#include <string.h>

/* One step of the batch at the side that is looked at. */
struct guarded {
    struct step *step;
    struct pair *pair;
    const struct reading *source;
    const struct reading *copy; /* NULL: it is not read */
};

static void stop_step(struct batch *batch, struct step *step, enum step_status status,
                      const char *reason)
{
    step->status = status;
    step->reason = arena_strdup(&batch->arena, reason);
}

/* As good as deleted, and planned to be taken back. */
static bool was_gone(const struct engine *engine, const struct pair *pair)
{
    return engine->kind->gone && engine->kind->gone(&pair->have);
}

/* Is what stands there what the plan saw? */
static bool copy_stands(struct batch *batch, const struct guarded *guarded)
{
    const struct reading *copy = guarded->copy;
    struct step *step = guarded->step;
    char reason[768];
    if (!copy)
        return true;
    if (copy->error.code == ERR_CANCELLED)
        return false; /* the run ends: it is left to a later one */
    if (copy->error.code) {
        snprintf(reason, sizeof reason, "cannot read what stands there: %s", copy->error.message);
        stop_step(batch, step, STATUS_FAILED, reason);
    } else if (copy->resource.missing && !was_gone(batch->engine, guarded->pair)) {
        stop_step(batch, step, STATUS_CONFLICT,
                  "somebody deleted it since it was compared: plan again");
    } else if (copy->resource.version != step->copy_version && !batch->engine->kind->read) {
        stop_step(batch, step, STATUS_CONFLICT,
                  "somebody changed it since it was compared: plan again");
    } else if (copy->resource.version != step->copy_version) {
        snprintf(reason, sizeof reason,
                 "somebody wrote it since it was compared (version %lld, now %lld): plan again",
                 (long long)step->copy_version, (long long)copy->resource.version);
        stop_step(batch, step, STATUS_CONFLICT, reason);
    } else {
        return true;
    }
    return false;
}

static int64_t version_after(const struct step *step, const struct pair *pair)
{
    if (!pair->exists)
        return 1;
    return pair->have.version + step_makes_version(step, pair);
}

static void tags_after(struct arena *arena, const struct pair *pair, const struct resource *want,
                       const struct diff *diff, struct undo_record *record)
{
    const struct resource *have = &pair->have;
    record->after_tags = want->tags;
    record->after_tag_count = want->tag_count;
    if (!pair->exists)
        return;
    struct tag *tags = arena_calloc(arena, have->tag_count + diff->set_tag_count + 1, sizeof *tags);
    size_t count = 0;
    for (size_t i = 0; i < have->tag_count; i++) {
        bool goes = tag_value(diff->set_tags, diff->set_tag_count, have->tags[i].key) != NULL;
        for (size_t j = 0; j < diff->removed_tag_count; j++)
            goes = goes || strcmp(diff->removed_tags[j], have->tags[i].key) == 0;
        if (!goes)
            tags[count++] = have->tags[i];
    }
    for (size_t i = 0; i < diff->set_tag_count; i++)
        tags[count++] = diff->set_tags[i];
    tags_sort(tags, count);
    record->after_tags = tags;
    record->after_tag_count = count;
}

static int keep(struct batch *batch, const struct guarded *guarded, struct arena *values,
                struct error *err)
{
    struct engine *engine = batch->engine;
    struct pair *pair = guarded->pair;
    struct step *step = guarded->step, again;
    struct resource want;
    struct diff diff;
    struct aim aim;
    bool needed = step_needs_value(step, pair);
    if (needed) {
        engine_aim(engine, step->destination, &batch->arena, values, &pair->source, guarded->source,
                   &aim);
        pair->aim = &aim;
    }
    plan_decide(engine, &batch->arena, pair, step->destination,
                step->value_differs ? VALUE_DIFFERS : VALUE_SAME, true, &again, &want, &diff);
    pair->aim = NULL;
    struct undo_record record = {
        .destination = step->destination,
        .name = pair->exists ? pair->have.name : want.name,
        .action = step->action,
        .existed = pair->exists,
        .before = pair->have,
        .after_version = version_after(step, pair),
        .value_written = step_makes_version(step, pair),
    };
    if (pair->exists &&
        history_keep_labels(engine, step->destination, values, pair->have.name, &record, err) != 0)
        return -1;
    if (guarded->copy) {
        record.before.value = guarded->copy->resource.value;
        record.before.value_len = guarded->copy->resource.value_len;
    }
    if (record.value_written) {
        const struct resource written = {.value = aim.value, .value_len = aim.value_len};
        undo_log_digest(engine, &written, record.after_digest);
    }
    tags_after(&batch->arena, pair, &want, &diff, &record);
    return undo_log_append(engine->undo, &record, err);
}

/* Is its source there to be written? Else nothing will be. */
static bool source_read(const struct reading *source)
{
    return !source->error.code && !source->resource.missing && source->resource.value;
}

static size_t gather(struct batch *batch, unsigned side, const struct reading *sources,
                     struct guarded all[RESOURCE_READ_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++)
        for (size_t j = 0; j < batch->items[i].step_count; j++) {
            struct step *step = &batch->items[i].steps[j];
            struct pair *pair = &batch->items[i].pairs[j];
            if (step->destination + 1 == side && step_writes(step) &&
                (!step_needs_value(step, pair) || source_read(&sources[i])))
                all[count++] = (struct guarded){step, pair, &sources[i], NULL};
        }
    return count;
}

static void guard_side(struct batch *batch, unsigned worker, unsigned side,
                       const struct reading *sources)
{
    struct engine *engine = batch->engine;
    struct arena *scratch = &engine->calls[worker];
    struct guarded all[RESOURCE_READ_MAX];
    struct reading copies[RESOURCE_READ_MAX];
    size_t count = gather(batch, side, sources, all), reads = 0;
    for (size_t i = 0; i < count; i++) {
        const struct resource *have = &all[i].pair->have;
        if (!all[i].pair->exists || !step_needs_value(all[i].step, all[i].pair))
            continue;
        /* It was seen a moment ago, and the version that the write answers tells the rest. */
        if (engine->focus && !engine->undo && !focus_holds(engine, side, have->key))
            continue;
        copies[reads] = (struct reading){.resource = {.key = have->key, .name = have->name}};
        all[i].copy = &copies[reads++];
    }
    focus_read(engine, side, true, scratch, copies, reads);
    for (size_t i = 0; i < count; i++) {
        struct error error = {0};
        if (copy_stands(batch, &all[i]) && engine->undo &&
            keep(batch, &all[i], scratch, &error) != 0)
            stop_step(batch, all[i].step, STATUS_FAILED, error.message);
    }
    explicit_bzero(copies, reads * sizeof *copies);
    arena_reset(scratch);
}

void guard_batch(struct batch *batch, unsigned worker, const struct reading *sources)
{
    struct engine *engine = batch->engine;
    struct error error = {0};
    for (unsigned side = 1; side < engine->side_count; side++)
        guard_side(batch, worker, side, sources);
    if (undo_log_sync(engine->undo, &error) == 0)
        return;
    for (size_t i = 0; i < batch->count; i++)
        for (size_t j = 0; j < batch->items[i].step_count; j++)
            if (step_writes(&batch->items[i].steps[j]))
                stop_step(batch, &batch->items[i].steps[j], STATUS_FAILED, error.message);
}

void guard_left(struct batch *batch, const struct step *step, const struct pair *pair,
                int64_t version)
{
    if (version != version_after(step, pair))
        undo_log_left(batch->engine->undo, step->destination,
                      pair->exists ? pair->have.name : step->target, version);
}
