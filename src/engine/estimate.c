#include "engine/estimate.h"

#include "base/text.h"
#include "client/rate_limit.h"
#include "engine/history.h"

#include <stdlib.h>
#include <string.h>

/* The steps come in the order of keys, as apply takes them; what is open is one batch. */
struct counting {
    struct engine *engine;
    struct arena *arena; /* of one step */
    uint64_t (*counts)[ESTIMATE_OPERATIONS];
    struct estimate *out;
    char *key;     /* of the batch's last step */
    size_t keys;   /* in the batch */
    bool *reads;   /* sides whose values this batch reads */
    size_t *asked; /* removals: names asked of the source, by destination */
    bool *deletes; /* removals: destinations where something goes */
    size_t room;   /* for rows */
};

enum { ROWS_A_SIDE = 32 };

enum {
    READ,
    READ_TAGS,
    WRITE,
    SET_TAGS,
    REMOVE_TAGS,
    REMOVE,
    DESCRIBE,
    READ_HISTORY,
    PUT_LABELS,
    TAKE_LABELS
};

static const struct aws_operation *operation_of(const struct resource_kind *kind, int which)
{
    const struct aws_operation *const all[ESTIMATE_OPERATIONS] = {
        kind->calls.read,       kind->calls.read_tags,    kind->calls.write,
        kind->calls.set_tags,   kind->calls.remove_tags,  kind->calls.remove,
        kind->calls.describe,   kind->calls.read_history, kind->calls.put_labels,
        kind->calls.take_labels};
    return all[which];
}

static void add_row(struct counting *counting, unsigned side, const struct aws_operation *operation,
                    uint64_t count)
{
    struct estimate *out = counting->out;
    size_t i = 0;
    while (i < out->row_count && (out->rows[i].side != side || out->rows[i].operation != operation))
        i++;
    if (i == counting->room)
        return; /* no kind has so many */
    if (i == out->row_count)
        out->rows[out->row_count++] = (struct estimate_row){.side = side, .operation = operation};
    out->rows[i].count += count;
}

static void end_batch(struct counting *counting)
{
    size_t most = counting->engine->kind->read_batch;
    for (unsigned side = 0; side < counting->engine->side_count; side++) {
        counting->counts[side][READ] += counting->reads[side];
        counting->counts[SIDE_SOURCE][READ] += (counting->asked[side] + most - 1) / most;
        counting->counts[side][READ] += counting->deletes[side];
        counting->counts[side][REMOVE] += counting->deletes[side];
        counting->reads[side] = counting->deletes[side] = false;
        counting->asked[side] = 0;
    }
    counting->keys = 0;
}

static void next_key(struct counting *counting, const char *key)
{
    if (counting->key && strcmp(counting->key, key) == 0)
        return;
    if (counting->keys == counting->engine->kind->read_batch)
        end_batch(counting);
    counting->keys++;
    free(counting->key);
    counting->key = memory_strdup(key);
}

/* Calls that read the history of one that is at `version`: those before have no gaps. */
static uint64_t history_calls(const struct resource_kind *kind, int64_t version)
{
    uint64_t kept = version > 0 ? (uint64_t)version : 0;
    kept = kept > kind->history_most ? kind->history_most : kept;
    return (kept + kind->history_page - 1) / kind->history_page;
}

/* Read before the write, for undo; to replay versions; and behind it, for labels. */
static void count_history(struct counting *counting, const struct step *step,
                          const struct pair *pair, uint64_t written)
{
    const struct engine *engine = counting->engine;
    uint64_t *source = &counting->counts[SIDE_SOURCE][READ_HISTORY];
    uint64_t *counts = counting->counts[step->destination + 1];
    uint64_t of_source = history_calls(engine->kind, pair->source.version);
    int64_t stands = pair->exists ? pair->have.version : 0;
    uint64_t of_copy = history_calls(engine->kind, stands);
    if (!history_wanted(engine))
        return;
    if (engine->undo)
        counts[READ_HISTORY] += of_copy;
    if (!step->replaces) {
        *source += of_source;
        counts[READ_HISTORY] += of_copy;
    }
    if (!engine->labels)
        return;
    *source += of_source;
    counts[READ_HISTORY] +=
        history_calls(engine->kind, (step->replaces ? 0 : stands) + (int64_t)written);
    counts[PUT_LABELS] += step->label_puts;
    counts[TAKE_LABELS] += step->label_takes;
}

/* For kinds that tell their calls themselves: of the step's destination. */
struct told {
    struct counting *counting;
    unsigned side;
};

static void count_told(void *arg, bool at_source, const struct aws_operation *operation,
                       uint64_t count)
{
    const struct told *told = arg;
    add_row(told->counting, at_source ? SIDE_SOURCE : told->side, operation, count);
}

static int count_write(const struct step *step, void *arg, struct error *err)
{
    struct counting *counting = arg;
    struct engine *engine = counting->engine;
    unsigned side = step->destination + 1;
    struct pair pair;
    struct step again;
    struct resource want;
    struct diff diff;
    if (!step_writes(step))
        return 0;
    next_key(counting, step->key);
    if (inventory_pair(engine->inventory, counting->arena, step->key, step->destination, &pair,
                       err) != 0)
        return -1;
    plan_decide(engine, counting->arena, &pair, step->destination,
                step->value_differs ? VALUE_DIFFERS : VALUE_SAME, true, &again, &want, &diff);
    if (engine->kind->foretell) {
        struct told told = {counting, side};
        engine->kind->foretell(&want, pair.exists ? &pair.have : NULL, &diff, &engine->settings,
                               count_told, &told);
        arena_reset(counting->arena);
        return 0;
    }
    uint64_t *counts = counting->counts[side];
    if (step_needs_value(step, &pair)) {
        counting->reads[SIDE_SOURCE] = true;
        counting->reads[side] = counting->reads[side] || pair.exists;
    }
    uint64_t written = !step_makes_version(step, &pair) ? 0 : step->versions ? step->versions : 1;
    counts[WRITE] += written;
    count_history(counting, step, &pair, written);
    if (pair.exists && step->replaces) {
        counts[REMOVE]++;
        counts[DESCRIBE]++; /* and its tags: the last look */
        counts[READ_TAGS]++;
    } else if (pair.exists) {
        counts[SET_TAGS] += diff.set_tag_count > 0;
        counts[REMOVE_TAGS] += diff.removed_tag_count > 0;
    }
    double price = engine->kind->monthly_usd
                       ? engine->kind->monthly_usd(&want, pair.exists ? &pair.have : NULL)
                       : 0;
    counting->out->priced += price > 0;
    counting->out->monthly_usd += price;
    arena_reset(counting->arena);
    return 0;
}

static int count_removal(const struct step *step, void *arg, struct error *err)
{
    struct counting *counting = arg;
    struct engine *engine = counting->engine;
    unsigned side = step->destination + 1;
    size_t sources;
    (void)err;
    if (step->status != STATUS_PLANNED ||
        (step->action != STEP_DELETE && step->action != STEP_MARK))
        return 0;
    if (engine->kind->foretell && step->action == STEP_DELETE) {
        struct told told = {counting, side};
        engine->kind->foretell(NULL, NULL, NULL, &engine->settings, count_told, &told);
        return 0;
    }
    next_key(counting, step->key);
    scope_sources(&engine->scope, counting->arena, engine->kind->key_of(step->target), &sources);
    counting->asked[side] += sources;
    counting->counts[side][READ_TAGS]++;
    if (step->action == STEP_MARK)
        counting->counts[side][SET_TAGS]++;
    else
        counting->deletes[side] = true;
    if (step->action == STEP_DELETE && engine->undo && history_wanted(engine))
        counting->counts[side][READ_HISTORY] += history_calls(engine->kind, step->copy_version);
    arena_reset(counting->arena);
    return 0;
}

static double quota_of(const struct side *side, const struct aws_operation *operation)
{
    int64_t own;
    for (size_t i = 0; i < side->config->quota_count; i++)
        if (strcmp(side->config->quotas[i].source, operation->name) == 0 &&
            text_to_int64(side->config->quotas[i].destination,
                          strlen(side->config->quotas[i].destination), &own) == 0)
            return (double)own;
    return rate_quota(operation->service->signing_name, operation->name);
}

/* By side, then by name. */
static int order_rows(const void *a, const void *b)
{
    const struct estimate_row *one = a, *other = b;
    return one->side != other->side ? (one->side > other->side) - (one->side < other->side)
                                    : strcmp(one->operation->name, other->operation->name);
}

static void take_counts(struct engine *engine, struct counting *counting)
{
    struct estimate *out = counting->out;
    for (unsigned side = 0; side < engine->side_count; side++)
        for (int which = 0; which < ESTIMATE_OPERATIONS; which++)
            if (counting->counts[side][which])
                add_row(counting, side, operation_of(engine->kind, which),
                        counting->counts[side][which]);
    if (out->row_count)
        qsort(out->rows, out->row_count, sizeof *out->rows, order_rows);
    for (size_t i = 0; i < out->row_count; i++) {
        struct estimate_row *row = &out->rows[i];
        row->per_second = quota_of(&engine->sides[row->side], row->operation);
        *(row->operation->flags & AWS_READS ? &out->reads : &out->writes) += row->count;
    }
    /* Operations that share a quota wait for each other; Regions do not. */
    for (size_t i = 0; i < out->row_count; i++) {
        double seconds = 0;
        for (size_t j = 0; j < out->row_count; j++)
            if (out->rows[j].side == out->rows[i].side && out->rows[j].per_second > 0 &&
                rate_quota_shared(out->rows[i].operation->service->signing_name,
                                  out->rows[i].operation->name, out->rows[j].operation->name))
                seconds += (double)out->rows[j].count / out->rows[j].per_second;
        if (seconds > out->seconds)
            out->seconds = seconds;
    }
}

int estimate_make(struct engine *engine, struct arena *arena, struct estimate *out,
                  struct error *err)
{
    struct arena scratch, steps;
    arena_init(&scratch);
    arena_init(&steps);
    *out = (struct estimate){0};
    struct counting counting = {
        .engine = engine,
        .arena = &scratch,
        .out = out,
        .counts = arena_calloc(arena, engine->side_count, sizeof *counting.counts),
        .reads = arena_calloc(arena, engine->side_count, sizeof *counting.reads),
        .asked = arena_calloc(arena, engine->side_count, sizeof *counting.asked),
        .deletes = arena_calloc(arena, engine->side_count, sizeof *counting.deletes),
        .room = (size_t)engine->side_count * ROWS_A_SIDE,
    };
    out->rows = arena_calloc(arena, counting.room, sizeof *out->rows);
    int result = inventory_steps(engine->inventory, &steps, count_write, &counting, err);
    end_batch(&counting);
    free(counting.key);
    counting.key = NULL;
    if (result == 0)
        result = inventory_steps(engine->inventory, &steps, count_removal, &counting, err);
    end_batch(&counting);
    free(counting.key);
    take_counts(engine, &counting);
    arena_done(&steps);
    arena_done(&scratch);
    return result;
}
