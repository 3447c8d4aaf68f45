#include "engine/look.h"

#include "engine/focus.h"
#include "engine/two_way.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MOST = 2048 };
/* How long a side may still show what was before a change: reads are eventually consistent. */
#define CONSISTENT_MS (5 * 60 * 1000)

/* --- what a hint is about --------------------------------------------------------------------- */
static bool told(const char *text)
{
    return text && *text;
}

static bool here(const struct side *side, const struct hint *hint)
{
    return told(hint->region) && strcmp(side->config->region, hint->region) == 0 &&
           (!told(hint->account) || !*side->account || strcmp(side->account, hint->account) == 0);
}

static void add_look(struct looks *looks, const struct look *look)
{
    for (size_t i = looks->count; i-- > 0 && looks->items[i].hint == look->hint;)
        if (strcmp(looks->items[i].key, look->key) == 0)
            return;
    if (looks->count == looks->room) {
        looks->room = looks->room ? 2 * looks->room : 64;
        looks->items = memory_realloc(looks->items, looks->room * sizeof *looks->items);
    }
    looks->items[looks->count++] = *look;
}

void look_turn(struct looks *looks, const struct look *look)
{
    const struct look turned = {.hint = look->hint,
                                .result = look->result,
                                .key = look->key,
                                .side = look->side ? SIDE_SOURCE : 1,
                                .lag_ms = -1};
    add_look(looks, &turned);
}

/* Why this name is no business of the replication's; NULL: it is. */
static const char *not_meant(struct engine *engine, const char *key)
{
    if (engine->kind->reserved(key))
        return "the name belongs to AWS";
    if (engine->kind->maker && engine->kind->maker(key) && !scope_names_level(&engine->scope, key))
        return "each Region has its own";
    return scope_selects(&engine->scope, key) ? NULL : "the name is not selected";
}

/* A copy, and every source that it might be the copy of: only together can they be judged. */
static const char *add_target(struct engine *engine, struct arena *arena, struct looks *looks,
                              struct look look, const char *target)
{
    size_t count;
    const char *const *sources = scope_sources(&engine->scope, arena, target, &count);
    const char *why = "the name is not selected";
    bool added = false;
    for (size_t i = 0; i < count; i++) {
        look.key = sources[i];
        const char *other = not_meant(engine, sources[i]);
        if (other) {
            why = other;
            continue;
        }
        add_look(looks, &look);
        added = true;
    }
    return added ? NULL : count ? why : "no selected name is called so there";
}

static bool is_name(const char *name)
{
    static const char bytes[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/";
    size_t len = told(name) ? strlen(name) : 0;
    return len && len <= NAME_MOST && strspn(name, bytes) == len && strcmp(name, "/") != 0;
}

/* The key behind a name, as the side has it now. What is not there any more keeps its name; NULL:
 * the side does not say, and the hint is to come again. */
static const char *key_behind(struct engine *engine, struct arena *arena, unsigned side,
                              const char *name, struct hint_result *result)
{
    struct resource_ctx ctx = engine_ctx(engine, side, true, arena);
    struct resource found;
    struct error error = {0};
    if (!engine->kind->other_name || !engine->kind->other_name(name))
        return name;
    if (engine->kind->describe(&ctx, name, &found, &error) == 0)
        return found.key;
    if (error.code == ERR_NOT_FOUND)
        return name;
    result->outcome = HINT_FAILED;
    result->error = error;
    result->why = arena_strdup(arena, engine->sides[side].config->region);
    return NULL;
}

const char *look_add(struct looks *looks, struct engine *engine, struct arena *arena,
                     const struct hint *hint, struct hint_result *result)
{
    struct look look = {.hint = hint, .result = result, .lag_ms = -1};
    const char *why = "it happened in a Region or account that is no part of this";
    const char *key =
        told(hint->name) ? engine->kind->key_of(arena_strdup(arena, hint->name)) : NULL;
    if (!is_name(key))
        return "it names no such resource";
    if (told(hint->kind) && strcmp(hint->kind, engine->kind->name) != 0)
        return "its kind is not replicated";
    for (unsigned side = 0; side < engine->side_count; side++) {
        if (!here(&engine->sides[side], hint))
            continue;
        look.side = side;
        key = key_behind(engine, arena, side, key, result);
        if (!key)
            return "it cannot be seen what it names";
        if (side != SIDE_SOURCE) {
            why = add_target(engine, arena, looks, look, key);
            continue;
        }
        look.key = key;
        why = not_meant(engine, key);
        if (!why) {
            add_look(looks, &look);
            add_target(engine, arena, looks, look,
                       engine->kind->key_of(scope_target(&engine->scope, arena, key)));
        }
    }
    return why;
}

/* --- what became of it ------------------------------------------------------------------------ */
/* What is looked at in several places is as well off as the worst of them. */
static int weight(enum hint_outcome outcome)
{
    static const int weights[] = {
        [HINT_IGNORED] = 0, [HINT_EQUAL] = 1, [HINT_APPLIED] = 2,
        [HINT_BLOCKED] = 3, [HINT_LATER] = 4, [HINT_FAILED] = 5,
    };
    return weights[outcome];
}

static void fold(struct look *look, enum hint_outcome outcome, const char *why)
{
    if (weight(outcome) > weight(look->outcome) || (!look->why && outcome == look->outcome)) {
        look->outcome = outcome;
        look->why = why;
    }
}

static void fold_failure(struct arena *arena, struct look *look, const char *where,
                         const struct error *error)
{
    if (look->outcome == HINT_FAILED)
        return;
    fold(look, HINT_FAILED, arena_printf(arena, "%s: %s", where, error->message));
    struct error *kept = arena_calloc(arena, 1, sizeof *kept);
    *kept = *error;
    look->error = kept;
}

static void fold_step(const struct engine *engine, struct arena *arena, const struct step *step,
                      bool dry_run, struct look *look)
{
    const char *region = engine->sides[step->destination + 1].config->region;
    const char *why = step->reason ? arena_printf(arena, "%s: %s", region, step->reason) : NULL;
    struct error error = {0};
    bool removes = step->action == STEP_DELETE || step->action == STEP_MARK;
    bool changes = removes || step->action == STEP_CREATE || step->action == STEP_UPDATE;
    if (step->action == STEP_FAILED || step->status == STATUS_FAILED) {
        error_set(&error, ERR_UNAVAILABLE, "%s", step->reason ? step->reason : "failed");
        fold_failure(arena, look, region, &error);
    } else if (step->status == STATUS_CONFLICT) {
        fold(look, HINT_LATER, why);
    } else if (changes && step->status == STATUS_APPLIED) {
        fold(look, HINT_APPLIED, NULL);
        look->writes++;
        look->removed = look->removed || removes;
    } else if (changes && dry_run) {
        fold(look, HINT_IGNORED,
             arena_printf(arena, "dry run: %s in %s", removes ? "to be removed" : "to be written",
                          region));
    } else if (changes) {
        fold(look, HINT_LATER, "stopped before it was written");
    } else if (two_way_is(engine->config) && !two_way_back(engine->config) &&
               (step->action == STEP_KEPT || step->action == STEP_EXTRA)) {
        look->yields = true;
        fold(look, HINT_EQUAL, NULL);
    } else if (two_way_back(engine->config) && step->action == STEP_KEPT) {
        look->again = true; /* it moved since the other direction looked */
        fold(look, HINT_LATER, why);
    } else if (step->action == STEP_EQUAL) {
        fold(look, HINT_EQUAL, NULL);
    } else if (!two_way_is(engine->config) &&
               (step->action == STEP_EXTRA || step->action == STEP_KEPT)) {
        fold(look, HINT_IGNORED, why); /* as it is told to: again brings nothing */
    } else {
        fold(look, HINT_BLOCKED, why);
    }
}

/* Is what was seen older than what the hint told? A version may also be lower because the name was
 * deleted and made again since. */
static bool is_stale(const struct hint *hint, const struct resource *seen, int64_t now_ms)
{
    const int64_t second_ms = 1000; /* events tell no more */
    if (hint->version <= 0 || (hint->at_ms && now_ms - hint->at_ms > CONSISTENT_MS))
        return false;
    if (!seen)
        return hint->at_ms != 0;
    return seen->version < hint->version &&
           (!hint->at_ms || seen->modified_ms <= hint->at_ms + second_ms);
}

static const struct resource *seen_by(const struct pair *pair, unsigned side)
{
    if (side == SIDE_SOURCE)
        return &pair->source;
    return pair->exists ? &pair->have : NULL;
}

static void fold_sides(const struct engine *engine, struct arena *arena, struct look *look)
{
    for (unsigned i = 0; i < engine->side_count; i++)
        if (engine->sides[i].failed)
            fold_failure(arena, look, engine->sides[i].config->region, &engine->sides[i].error);
}

int look_settle(struct look *look, struct engine *engine, struct arena *arena, bool dry_run,
                struct error *err)
{
    const struct focus_item *item = focus_item(engine->focus, look->key);
    unsigned destination = look->side ? look->side - 1 : 0;
    struct error missing = {0};
    struct step *steps;
    struct pair pair;
    size_t count;
    bool exists =
        inventory_pair(engine->inventory, arena, look->key, destination, &pair, &missing) == 0;
    if (!exists && missing.code != ERR_NOT_FOUND) {
        *err = missing;
        return -1;
    }
    if (inventory_steps_of(engine->inventory, arena, look->key, &steps, &count, err) != 0)
        return -1;
    look->outcome = HINT_IGNORED;
    look->why = NULL;
    look->again = item->again;
    look->yields = false;
    look->source_version = exists ? pair.source.version : 0;
    for (size_t i = 0; i < count; i++) {
        fold_step(engine, arena, &steps[i], dry_run, look);
        look->again = look->again || steps[i].status == STATUS_CONFLICT;
    }
    fold_sides(engine, arena, look);
    if (look->outcome == HINT_IGNORED && !look->why) {
        if (exists)
            look->why = "it is not selected by `select`";
        else
            fold(look, HINT_EQUAL, "it is at no side");
    }
    if (is_stale(look->hint, exists ? seen_by(&pair, look->side) : NULL,
                 engine->clock->now_ms(engine->clock))) {
        fold(look, HINT_LATER, "an older version is still shown");
        look->again = true;
    }
    if (item->again)
        fold(look, HINT_LATER, "others write it while it is looked at");
    if (item->wrote_ms && look->hint->at_ms && item->wrote_ms - look->hint->at_ms > look->lag_ms)
        look->lag_ms = item->wrote_ms - look->hint->at_ms;
    return 0;
}

void look_fail(struct look *look, struct arena *arena, const char *where, const struct error *error)
{
    look->again = false;
    if (error->code == ERR_CANCELLED) {
        look->outcome = HINT_IGNORED;
        fold(look, HINT_LATER, arena_strdup(arena, error->message));
    } else {
        fold_failure(arena, look, where, error);
    }
}

void look_tell(const struct look *look)
{
    struct hint_result *out = look->result;
    struct look all = {.outcome = out->outcome, .why = out->why};
    enum hint_outcome outcome = look->outcome;
    /* What an earlier look had to write was written. */
    if (outcome == HINT_EQUAL && look->writes)
        outcome = HINT_APPLIED;
    fold(&all, outcome, look->why);
    if (outcome == HINT_FAILED && out->outcome != HINT_FAILED)
        out->error = *look->error;
    out->outcome = all.outcome;
    out->why = all.why;
    out->writes += look->writes;
    out->removed = out->removed || look->removed;
    if (look->lag_ms > out->lag_ms)
        out->lag_ms = look->lag_ms;
}
