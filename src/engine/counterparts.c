#include "engine/counterparts.h"

#include "aws/arn.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/identity.h"
#include "engine/mapping.h"

#include <string.h>

/* --- which keys ------------------------------------------------------------------------------- */
/* Keys are few, however many resources are under them. */
struct used_key {
    struct used_key *next;
    const char *key;   /* as the source's listing names it */
    const char *alias; /* NULL: it has none, or is another account's */
};
struct looking {
    struct engine *engine;
    struct used_key *first, **last;
};

static bool of_source(const struct engine *engine, const char *key)
{
    struct arn arn;
    return arn_parse(key, strlen(key), &arn) != 0 ||
           (text_is(arn.account, engine->sides[SIDE_SOURCE].account) &&
            text_is(arn.region, engine->config->source.region));
}

static const char *alias_of(struct engine *engine, const char *key)
{
    const char *alias = of_source(engine, key) ? key_names_alias(&engine->sides[SIDE_SOURCE].keys,
                                                                 &engine->mapped, key)
                                               : NULL;
    return alias ? arena_strdup(&engine->mapped, alias) : NULL;
}

static bool maps(struct engine *engine, unsigned destination, const char *key)
{
    struct arena scratch;
    arena_init(&scratch);
    bool mapped =
        mapping_key(&engine->config->destinations[destination], &engine->sides[SIDE_SOURCE].keys,
                    &scratch, key, engine->kind->default_key) != NULL;
    arena_done(&scratch);
    return mapped;
}

static void note_key(struct looking *looking, const char *key)
{
    struct engine *engine = looking->engine;
    bool all = true;
    for (const struct used_key *at = looking->first; at; at = at->next)
        if (key_names_same(&engine->sides[SIDE_SOURCE].keys, at->key, key))
            return;
    for (unsigned i = 0; i < engine->config->destination_count; i++)
        all = all && maps(engine, i, key);
    if (all)
        return;
    struct used_key *used = arena_calloc(&engine->mapped, 1, sizeof *used);
    *used = (struct used_key){NULL, arena_strdup(&engine->mapped, key), alias_of(engine, key)};
    *looking->last = used;
    looking->last = &used->next;
}

static int look_at(const struct resource *source, void *arg, struct error *err)
{
    struct looking *looking = arg;
    const struct resource_kind *kind = looking->engine->kind;
    (void)err;
    for (size_t i = 0; i < kind->slot_count; i++)
        if (kind->fields[i].rule == FIELD_KEY && source->fields[i])
            note_key(looking, source->fields[i]);
    return 0;
}

/* --- their plan ------------------------------------------------------------------------------- */
static void take_alias(struct config *config, const char *alias)
{
    config->include[config->include_count++] = alias;
    config->counterparts[config->counterpart_count++] = alias;
}

/* About the aliases that are not mapped at this destination; NULL: all are. */
static struct config *config_for(struct engine *engine, unsigned destination,
                                 const struct used_key *keys, bool create)
{
    const struct config *own = engine->config;
    struct arena *arena = &engine->mapped;
    size_t most = 1;
    for (const struct used_key *at = keys; at; at = at->next)
        most++;
    struct config *config = arena_calloc(arena, 1, sizeof *config);
    *config = (struct config){
        .name = own->name,
        .kind = engine->kind->key_kind,
        .replication = own->replication,
        .source = own->source,
        .destinations = arena_calloc(arena, own->destination_count, sizeof *own->destinations),
        .include = arena_calloc(arena, most, sizeof *config->include),
        .counterparts = arena_calloc(arena, most, sizeof *config->counterparts),
        .create_counterparts = create ? "own" : "show",
        .ownership = own->ownership,
        .keep_undo = own->keep_undo,
    };
    for (const struct used_key *at = keys; at; at = at->next)
        if (at->alias && !maps(engine, destination, at->key))
            take_alias(config, at->alias);
    config->destinations[config->destination_count++] =
        config_place(&own->destinations[destination]);
    return config->counterpart_count ? config : NULL;
}

static bool same_aliases(const struct config *a, const struct config *b)
{
    if (a->counterpart_count != b->counterpart_count)
        return false;
    for (size_t i = 0; i < a->counterpart_count; i++)
        if (strcmp(a->counterparts[i], b->counterparts[i]) != 0)
            return false;
    return true;
}

/* Destinations that want the same are one engine's. */
static size_t configs_for(struct engine *engine, const struct used_key *keys, bool create,
                          struct config **out)
{
    size_t count = 0;
    for (unsigned i = 0; keys && i < engine->config->destination_count; i++) {
        struct config *config =
            engine->sides[i + 1].failed ? NULL : config_for(engine, i, keys, create);
        size_t j = 0;
        while (config && j < count && !same_aliases(config, out[j]))
            j++;
        if (config && j < count)
            out[j]->destinations[out[j]->destination_count++] =
                config_place(&engine->config->destinations[i]);
        else if (config)
            out[count++] = config;
    }
    return count;
}

static int plan_one(struct engine *engine, struct config *config, struct error *err)
{
    struct engine_options options = engine->options;
    struct engine *made = NULL;
    options.beside = true;
    if (config_check(&engine->mapped, config, err) != 0 ||
        engine_open(config, &options, &made, err) != 0)
        return -1;
    if (plan_build(made, err) != 0) {
        engine_close(made);
        return -1;
    }
    engine->counterparts[engine->counterpart_count++] = made;
    return 0;
}

/* --- mapping ---------------------------------------------------------------------------------- */
static void use_config(struct engine *engine, const struct config *config)
{
    engine->config = engine->scope.config = config;
    for (size_t i = 0; i < config->destination_count; i++)
        engine->sides[i + 1].config = &config->destinations[i];
}

/* Whose copy this step is about, among the destinations of the engine. */
static struct config_side *destination_of(struct config *config, const struct config_side *side)
{
    for (size_t i = 0; i < config->destination_count; i++) {
        struct config_side *own = &config->destinations[i];
        if (strcmp(own->region, side->region) == 0 && identity_same(own, side))
            return own;
    }
    return NULL;
}

static int map_planned(struct engine *engine, struct engine *planned, struct config *config,
                       struct error *err)
{
    const struct config *keys = planned->config;
    struct arena scratch;
    int result = 0;
    arena_init(&scratch);
    for (size_t i = 0; i < keys->counterpart_count && result == 0; i++) {
        struct step *steps;
        size_t count;
        result = inventory_steps_of(planned->inventory, &scratch, keys->counterparts[i], &steps,
                                    &count, err);
        for (size_t j = 0; j < count && result == 0; j++) {
            struct config_side *side =
                destination_of(config, &keys->destinations[steps[j].destination]);
            bool fine = steps[j].action == STEP_EQUAL || steps[j].action == STEP_CREATE ||
                        steps[j].action == STEP_UPDATE;
            if (side && fine)
                config_map_key(&engine->mapped, side, keys->counterparts[i]);
        }
    }
    arena_done(&scratch);
    return result;
}

static int map_all(struct engine *engine, struct error *err)
{
    struct config *config = arena_calloc(&engine->mapped, 1, sizeof *config);
    size_t count = engine->config->destination_count;
    *config = *engine->config;
    config->destinations = arena_calloc(&engine->mapped, count, sizeof *config->destinations);
    memcpy(config->destinations, engine->config->destinations,
           count * sizeof *config->destinations);
    for (size_t i = 0; i < engine->counterpart_count; i++)
        if (map_planned(engine, engine->counterparts[i], config, err) != 0)
            return -1;
    use_config(engine, config);
    return 0;
}

/* --- for the engine --------------------------------------------------------------------------- */
static bool asked_for(const struct engine *engine)
{
    const char *create = engine->config->create_counterparts;
    return create && strcmp(create, "true") == 0;
}

void counterparts_forget(struct engine *engine)
{
    counterparts_close(engine);
    use_config(engine, engine->given);
    arena_reset(&engine->mapped);
}

int counterparts_plan(struct engine *engine, struct error *err)
{
    bool create = asked_for(engine);
    struct error error = {0};
    struct arena scratch;
    counterparts_close(engine);
    if (!engine->kind->key_kind || engine->options.counterparts == COUNTERPARTS_OFF)
        return 0;
    if (!engine->focus)
        counterparts_forget(engine);
    if (mapping_default_key_allowed(engine->config) ||
        (!create && engine->options.counterparts != COUNTERPARTS_SHOWN))
        return 0;
    struct looking looking = {.engine = engine, .last = &looking.first};
    arena_init(&scratch);
    int result = inventory_unpaired(engine->inventory, &scratch, (unsigned)SIDE_SOURCE - 1, true,
                                    look_at, &looking, err);
    arena_done(&scratch);
    if (result != 0)
        return -1;
    size_t most = engine->config->destination_count;
    struct config **configs = arena_calloc(&engine->mapped, most, sizeof(struct config *));
    size_t count = configs_for(engine, looking.first, create, configs);
    if (!count)
        return 0;
    engine->counterparts = arena_calloc(&engine->mapped, count, sizeof(struct engine *));
    for (size_t i = 0; i < count; i++) {
        if (plan_one(engine, configs[i], &error) == 0)
            continue;
        if (create || error.code == ERR_CANCELLED) {
            *err = error;
            return error_context(err, "counterparts of keys");
        }
        log_event(LOG_DEBUG, "counterparts of keys are not shown", "why", error.message, NULL);
        error = (struct error){0};
    }
    return create ? map_all(engine, err) : 0;
}

int counterparts_apply(struct engine *engine, struct tally *sum, struct error *err)
{
    for (size_t i = 0; i < engine->counterpart_count; i++) {
        struct tally tally;
        int result = plan_apply(engine->counterparts[i], err);
        if (engine_tally(engine->counterparts[i], &tally, result == 0 ? err : NULL) != 0)
            return -1;
        tally_add(sum, &tally);
        engine->counterparts[i]->outcome = result == 0 ? "done" : "failed";
        if (result != 0)
            return -1;
    }
    return 0;
}

void counterparts_close(struct engine *engine)
{
    for (size_t i = 0; i < engine->counterpart_count; i++)
        engine_close(engine->counterparts[i]);
    engine->counterpart_count = 0;
}
