#include "engine/presence.h"

#include "base/log.h"
#include "engine/mapping.h"

#include <string.h>

enum { FRESH_MS = 5 * 60 * 1000 };

/* --- what plans of keys make ------------------------------------------------------------------ */
struct key_plan {
    struct key_plan *next;
    const struct engine *by; /* NULL: it was applied */
    const char *region, *account, *key;
};

/* Are resources of another kind under them? */
static bool is_key_kind(const struct resource_kind *kind)
{
    for (const struct resource_kind *const *at = resource_kinds; *at; at++)
        if ((*at)->key_kind == kind)
            return true;
    return false;
}

static int note_step(const struct step *step, void *arg, struct error *err)
{
    struct engine *engine = arg;
    struct key_plans *plans = engine->options.key_plans;
    const struct side *side = &engine->sides[step->destination + 1];
    (void)err;
    if (step->action != STEP_CREATE && step->action != STEP_UPDATE)
        return 0;
    struct key_plan *plan = arena_calloc(plans->arena, 1, sizeof *plan);
    *plan = (struct key_plan){.next = plans->first,
                              .by = engine,
                              .region = arena_strdup(plans->arena, side->config->region),
                              .account = arena_strdup(plans->arena, side->account),
                              .key = arena_strdup(plans->arena, step->key)};
    plans->first = plan;
    return 0;
}

int presence_note_plan(struct engine *engine, struct error *err)
{
    struct arena scratch;
    if (!engine->options.key_plans || !is_key_kind(engine->kind))
        return 0;
    arena_init(&scratch);
    int result = inventory_steps(engine->inventory, &scratch, note_step, engine, err);
    arena_done(&scratch);
    return result;
}

void presence_forget_plan(struct engine *engine)
{
    struct key_plans *plans = engine->options.key_plans;
    for (struct key_plan *at = plans ? plans->first : NULL; at; at = at->next)
        if (at->by == engine)
            at->by = NULL;
}

static bool is_planned(const struct engine *engine, const struct side *side, const char *key)
{
    const struct key_plans *plans = engine->options.key_plans;
    for (const struct key_plan *at = plans ? plans->first : NULL; at; at = at->next)
        if (at->by && strcmp(at->key, key) == 0 && strcmp(at->region, side->config->region) == 0 &&
            strcmp(at->account, side->account) == 0)
            return true;
    return false;
}

/* --- what is there ---------------------------------------------------------------------------- */
struct key_seen {
    struct key_seen *next;
    unsigned destination;
    const char *key;
    const char *problem, *note;
    int64_t seen_ms; /* found to be there; monotonic, 0: not */
    bool wanted;     /* in this pass */
};

static struct key_seen *find(const struct engine *engine, unsigned destination, const char *key)
{
    struct key_seen *at = engine->keys_seen;
    while (at && (at->destination != destination || strcmp(at->key, key) != 0))
        at = at->next;
    return at;
}

const char *presence_problem(const struct engine *engine, unsigned destination, const char *key,
                             const char **note)
{
    const struct key_seen *seen = find(engine, destination, key);
    *note = seen ? seen->note : NULL;
    return seen ? seen->problem : NULL;
}

static void want_key(struct engine *engine, unsigned destination, const char *key)
{
    struct key_seen *seen = find(engine, destination, key);
    if (!seen) {
        seen = arena_calloc(&engine->arena, 1, sizeof *seen);
        *seen = (struct key_seen){.next = engine->keys_seen,
                                  .destination = destination,
                                  .key = arena_strdup(&engine->arena, key)};
        engine->keys_seen = seen;
    }
    seen->wanted = true;
}

struct looking {
    struct engine *engine;
    unsigned destination;
};

/* A copy that is under it already says that it was there; what is under it is not written anew. */
static bool stands_under(const struct pair *pair, size_t slot, const struct side *side,
                         const char *key)
{
    const char *have = pair->exists ? pair->have.fields[slot] : NULL;
    return have && key_names_same(&side->keys, have, key);
}

static int note_pair(const struct pair *pair, void *arg, struct error *err)
{
    struct looking *looking = arg;
    struct engine *engine = looking->engine;
    const struct resource_kind *kind = engine->kind;
    const struct side *side = &engine->sides[looking->destination + 1];
    const struct key_names *names = &engine->sides[SIDE_SOURCE].keys;
    struct arena scratch;
    (void)err;
    arena_init(&scratch);
    for (size_t i = 0; i < kind->slot_count; i++) {
        const char *source = kind->fields[i].rule == FIELD_KEY ? pair->source.fields[i] : NULL;
        const char *itself = source ? key_names_multi_region(names, &scratch, source) : NULL;
        const char *key =
            itself ? mapping_key(side->config, names, &scratch, source, kind->default_key) : NULL;
        if (key && strcmp(key, itself) == 0 && !stands_under(pair, i, side, key))
            want_key(engine, looking->destination, key);
    }
    arena_done(&scratch);
    return 0;
}

static const char *what_mends(struct engine *engine, const struct side *side, const char *key)
{
    const char *source = engine->sides[SIDE_SOURCE].account;
    if (*side->account && *source && strcmp(side->account, source) != 0)
        return arena_printf(&engine->pass,
                            "AWS replicates a key only within its account: name a key of %s in "
                            "`keys` of the destination",
                            side->account);
    return arena_printf(&engine->pass,
                        "`kms_keys: { include: [%s] }` in the configuration keeps one there, or "
                        "name another key in `keys` of the destination",
                        key);
}

static void ask(struct engine *engine, struct key_seen *seen)
{
    const struct side *side = &engine->sides[seen->destination + 1];
    const char *region = side->config->region, *state = NULL;
    struct error error = {0};
    struct arena scratch;
    arena_init(&scratch);
    struct resource_ctx ctx = engine_ctx(engine, seen->destination + 1, true, &scratch);
    int result = engine->kind->key_kind->usable(&ctx, seen->key, &state, &error);
    seen->seen_ms = result == 0 && !state ? engine->clock->monotonic_ms(engine->clock) + 1 : 0;
    if (result != 0 && error.code != ERR_NOT_FOUND)
        log_event(LOG_DEBUG, "whether a key is there is left to the write", "key", seen->key,
                  "region", region, "why", error.message, NULL);
    else if ((result != 0 || state) && is_planned(engine, side, seen->key))
        seen->note = arena_printf(&engine->pass, "after its key %s", seen->key);
    else if (result != 0)
        seen->problem = arena_printf(&engine->pass, "its key %s has no replica in %s: %s",
                                     seen->key, region, what_mends(engine, side, seen->key));
    else if (state)
        seen->problem = arena_printf(&engine->pass,
                                     "its key %s is %s in %s: enable it there, or name another "
                                     "key in `keys` of the destination",
                                     seen->key, state, region);
    arena_done(&scratch);
}

int presence_look(struct engine *engine, struct error *err)
{
    const struct resource_kind *keys = engine->kind->key_kind;
    struct arena scratch;
    int result = 0;
    for (struct key_seen *at = engine->keys_seen; at; at = at->next) {
        at->problem = at->note = NULL;
        at->wanted = false;
    }
    /* Names of keys were wanted whenever something is under one that nothing maps. */
    if (!keys || !keys->usable || !engine->sides[SIDE_SOURCE].keys_wanted)
        return 0;
    arena_init(&scratch);
    for (unsigned i = 0; i + 1 < engine->side_count && result == 0; i++) {
        struct looking looking = {engine, i};
        if (!engine->sides[i + 1].failed && !engine->sides[i + 1].retired)
            result = inventory_join(engine->inventory, &scratch, i, note_pair, &looking, err);
    }
    arena_done(&scratch);
    int64_t now_ms = engine->clock->monotonic_ms(engine->clock) + 1;
    for (struct key_seen *at = engine->keys_seen; at && result == 0; at = at->next)
        if (at->wanted && (!at->seen_ms || now_ms - at->seen_ms >= FRESH_MS))
            ask(engine, at);
    return result;
}
