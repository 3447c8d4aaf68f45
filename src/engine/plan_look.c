/* What the listings could not tell: values, tags and history of the steps that are unsure, read by
 * workers, compared, and forgotten. */
#include "base/digest.h"
#include "engine/audit.h"
#include "engine/engine.h"
#include "engine/focus.h"
#include "engine/history.h"
#include "engine/idle.h"
#include "engine/race.h"
#include "engine/two_way.h"

#include <stdio.h>
#include <string.h>

static void fail_step(struct arena *arena, struct step *step, const char *reason)
{
    step->action = STEP_FAILED;
    step->unsure = 0;
    step->reason = arena_strdup(arena, reason);
}

static void read_keys_into(struct reading *reading, const struct resource *resource)
{
    *reading = (struct reading){.resource = {.key = resource->key, .name = resource->name}};
}

/* What one side's reading says against the other's. */
static bool usable(struct batch *batch, struct step *step, const struct reading *reading,
                   int64_t version, const char *region)
{
    char reason[sizeof(struct error)];
    if (reading->error.code)
        snprintf(reason, sizeof reason, "cannot read its value in %s: %s", region,
                 reading->error.message);
    else if (reading->resource.missing)
        snprintf(reason, sizeof reason, "gone from %s since it was listed: run again", region);
    else if (reading->resource.version != version)
        snprintf(reason, sizeof reason, "changed in %s while it was compared: run again", region);
    else
        return true;
    if (!reading->error.code)
        focus_again(batch->engine, step->key);
    fail_step(&batch->arena, step, reason);
    return false;
}

static const char *region_of(const struct engine *engine, unsigned side)
{
    return engine->sides[side].config->region;
}

/* What the source's value becomes for each step that asks; in the batch's memory. A copy that is to
 * be made is looked over too, since the value is at hand. */
static void aim_item(struct batch *batch, struct arena *values, struct work_item *item,
                     const struct reading *source)
{
    if (source->error.code || source->resource.missing)
        return;
    for (size_t j = 0; j < item->step_count; j++) {
        struct step *step = &item->steps[j];
        if (!(step->unsure & UNSURE_VALUE) && step->action != STEP_CREATE)
            continue;
        struct aim *aim = arena_calloc(&batch->arena, 1, sizeof *aim);
        engine_aim(batch->engine, step->destination, &batch->arena, values, &item->pairs[j].source,
                   source, aim);
        aim->value = NULL;
        if (!aim->blocked)
            idle_looked(batch->engine, step->destination, &item->pairs[j].source, aim->hits);
        item->pairs[j].aim = aim;
        step->hint = aim->hint;
    }
}

/* A copy that stands as it was left, by one who remembers its value, need not be read. */
static bool remembered(struct batch *batch, const struct pair *pair, unsigned side,
                       struct reading *reading)
{
    *reading = (struct reading){.resource = {.key = pair->have.key,
                                             .name = pair->have.name,
                                             .version = pair->have.version}};
    return engine_copy_digest(batch->engine, side - 1, pair, reading->digest);
}

/* Reads the values of the batch at the source, or of its copies at one destination, and leaves
 * digests: the values are wiped before the next side is read. `which` says whose they are. */
static void read_side(struct batch *batch, struct arena *values, unsigned side,
                      struct reading readings[RESOURCE_READ_MAX])
{
    struct reading some[RESOURCE_READ_MAX];
    size_t which[RESOURCE_READ_MAX], count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct work_item *item = &batch->items[i];
        for (size_t j = 0; j < item->step_count; j++) {
            const struct step *step = &item->steps[j];
            if (!(step->unsure & UNSURE_VALUE) ||
                (side != SIDE_SOURCE && (step->destination + 1 != side || !item->pairs[j].exists)))
                continue;
            if (side != SIDE_SOURCE && remembered(batch, &item->pairs[j], side, &readings[i]))
                break;
            read_keys_into(&some[count],
                           side == SIDE_SOURCE ? &item->pairs[j].source : &item->pairs[j].have);
            which[count++] = i;
            break;
        }
    }
    focus_read(batch->engine, side, true, values, some, count);
    for (size_t i = 0; i < count; i++) {
        if (side == SIDE_SOURCE)
            aim_item(batch, values, &batch->items[which[i]], &some[i]);
        some[i].resource.value = NULL;
        readings[which[i]] = some[i];
    }
    arena_reset(values);
}

static enum value_state compare_values(struct batch *batch, struct step *step,
                                       const struct pair *pair, const struct reading *source,
                                       const struct reading *copy)
{
    const struct engine *engine = batch->engine;
    if (!usable(batch, step, source, step->source_version, region_of(engine, SIDE_SOURCE)) ||
        (pair->exists &&
         !usable(batch, step, copy, step->copy_version, region_of(engine, step->destination + 1))))
        return VALUE_UNKNOWN;
    return pair->exists && digest_equal(pair->aim->digest, copy->digest, sizeof copy->digest)
               ? VALUE_SAME
               : VALUE_DIFFERS;
}

static void look_at_values(struct batch *batch, struct arena *values,
                           enum value_state states[RESOURCE_READ_MAX][DESTINATIONS_MAX],
                           const char *digests[RESOURCE_READ_MAX][DESTINATIONS_MAX])
{
    struct engine *engine = batch->engine;
    struct reading source[RESOURCE_READ_MAX], copy[RESOURCE_READ_MAX];
    const size_t used = batch->count * sizeof *source; /* of a batch of one, a tenth */
    memset(source, 0, used);
    memset(copy, 0, used);
    read_side(batch, values, SIDE_SOURCE, source);
    for (unsigned side = 1; side < engine->side_count; side++) {
        read_side(batch, values, side, copy);
        for (size_t i = 0; i < batch->count; i++)
            for (size_t j = 0; j < batch->items[i].step_count; j++) {
                struct step *step = &batch->items[i].steps[j];
                if (!(step->unsure & UNSURE_VALUE) || step->destination + 1 != side)
                    continue;
                const struct pair *pair = &batch->items[i].pairs[j];
                if (source[i].error.code == ERR_CANCELLED || copy[i].error.code == ERR_CANCELLED)
                    batch->items[i].stopped = true;
                else
                    states[i][j] = compare_values(batch, step, pair, &source[i], &copy[i]);
                if (engine->options.audit && pair->exists && states[i][j] != VALUE_UNKNOWN)
                    digests[i][j] = audit_digests(engine, &batch->arena, step->key,
                                                  pair->aim->digest, copy[i].digest);
            }
    }
    explicit_bzero(source, used);
    explicit_bzero(copy, used);
}

/* Tags as they are now, of both sides of a step; kept, because the write compares again. */
static int refresh_tags(struct batch *batch, unsigned side, struct resource *resource,
                        struct error *err)
{
    struct resource_ctx ctx = engine_ctx(batch->engine, side, true, &batch->arena);
    if (batch->engine->kind->read_tags(&ctx, resource, err) != 0)
        return -1;
    return inventory_put_tags(batch->engine->inventory, side, resource->key, resource->tags,
                              resource->tag_count, err);
}

static void look_at_tags(struct batch *batch, struct work_item *item)
{
    bool source_read = false;
    struct error error = {0};
    for (size_t j = 0; j < item->step_count; j++) {
        struct step *step = &item->steps[j];
        if (!(step->unsure & UNSURE_TAGS))
            continue;
        if (!source_read && refresh_tags(batch, SIDE_SOURCE, &item->pairs[j].source, &error) == 0)
            source_read = true;
        if (!source_read ||
            (item->pairs[j].exists &&
             refresh_tags(batch, step->destination + 1, &item->pairs[j].have, &error) != 0)) {
            item->stopped = item->stopped || error.code == ERR_CANCELLED;
            if (error.code == ERR_NOT_FOUND)
                focus_again(batch->engine, step->key);
            fail_step(&batch->arena, step, error.message);
            continue;
        }
        /* The pairs of one item have a copy of the source each. */
        for (size_t k = 0; k < item->step_count; k++) {
            item->pairs[k].source.tags = item->pairs[j].source.tags;
            item->pairs[k].source.tag_count = item->pairs[j].source.tag_count;
        }
    }
}

/* Versions and labels cannot be told from a listing. */
static void look_at_history(struct batch *batch, struct arena *values, struct work_item *item)
{
    for (size_t j = 0; j < item->step_count; j++) {
        struct step *step = &item->steps[j];
        struct history_plan *plan = arena_calloc(&batch->arena, 1, sizeof *plan);
        struct error error = {0};
        if (!(step->unsure & UNSURE_HISTORY))
            continue;
        if (history_look(batch->engine, step->destination, &batch->arena, values, &item->pairs[j],
                         plan, &error) == 0) {
            item->pairs[j].history = plan;
        } else {
            item->stopped = item->stopped || error.code == ERR_CANCELLED;
            fail_step(&batch->arena, step, error.message);
        }
        arena_reset(values);
    }
}

static void keep_equal(struct batch *batch,
                       enum value_state states[RESOURCE_READ_MAX][DESTINATIONS_MAX])
{
    struct engine *engine = batch->engine;
    state_begin(engine->state);
    for (size_t i = 0; i < batch->count; i++) {
        const struct work_item *item = &batch->items[i];
        for (size_t j = 0; j < item->step_count; j++) {
            const struct step *step = &item->steps[j];
            if (step->action == STEP_EQUAL && !item->stopped)
                two_way_keep_tags(engine, step->destination, &item->pairs[j]);
            if (states[i][j] == VALUE_SAME)
                engine_keep(engine, step->destination, &item->pairs[j], NULL);
            if (!item->stopped && item->pairs[j].known.unfinished && step->action == STEP_EQUAL)
                engine_finish(engine, step->destination, step->key);
        }
    }
    state_end(engine->state);
}

/* A write that was broken off may have hidden a later edit, also where both sides are equal now. */
static void look_at_lost(struct batch *batch, struct arena *values, struct step *step,
                         const struct pair *pair)
{
    struct error error = {0};
    const char *lost;
    if (!pair->known.over || step->unsure ||
        (step->action != STEP_EQUAL && step->action != STEP_UPDATE && step->action != STEP_KEPT))
        return;
    if (race_lost(batch->engine, step->destination, &batch->arena, values, pair, &lost, &error) !=
        0) {
        fail_step(&batch->arena, step, error.message);
    } else if (lost) {
        step->action = STEP_UPDATE;
        step->changes = "[\"value\"]";
        step->value_differs = true;
        step->reason = NULL;
        step->note = lost;
    }
    arena_reset(values);
}

static void look_job(void *arg, unsigned worker)
{
    struct batch *batch = arg;
    struct engine *engine = batch->engine;
    struct error error = {0};
    enum value_state states[RESOURCE_READ_MAX][DESTINATIONS_MAX] = {0};
    const char *digests[RESOURCE_READ_MAX][DESTINATIONS_MAX] = {0};
    int result = batch_load(batch, &error);
    if (result == 0)
        look_at_values(batch, &engine->values[worker], states, digests);
    for (size_t i = 0; i < batch->count && result == 0; i++) {
        struct work_item *item = &batch->items[i];
        look_at_tags(batch, item);
        look_at_history(batch, &engine->values[worker], item);
        for (size_t j = 0; j < item->step_count && result == 0 && !item->stopped; j++) {
            struct step *step = &item->steps[j];
            struct resource want;
            struct diff diff;
            if (step->unsure) {
                /* Sure of the value: an earlier run answers for it. */
                enum value_state value = step->unsure & UNSURE_VALUE ? states[i][j] : VALUE_SAME;
                plan_decide(engine, &batch->arena, &item->pairs[j], step->destination, value, true,
                            step, &want, &diff);
                plan_pair_fingerprint(engine, &item->pairs[j], &want, step->fingerprint);
                step->digests = digests[i][j];
                look_at_lost(batch, &engine->values[worker], step, &item->pairs[j]);
            }
            result = inventory_put_step(engine->inventory, step, &error);
        }
    }
    if (result == 0)
        keep_equal(batch, states);
    if (result != 0)
        engine_broken(engine, &error);
    engine_advance(engine, batch->count);
    batch_free(batch);
}

int plan_look(struct engine *engine, struct error *err)
{
    uint64_t left = 0;
    if (engine_work(engine, WORK_UNSURE, look_job, err) != 0 ||
        (stop_wanted(engine->options.stop) &&
         inventory_work_size(engine->inventory, WORK_UNSURE, &left, err) != 0))
        return -1;
    if (left)
        return error_set(err, ERR_CANCELLED, "stopped with %llu %s left to compare",
                         (unsigned long long)left, engine->kind->nouns);
    return 0;
}
