#include "engine/idle.h"

#include "engine/rewrite.h"

#include <string.h>

struct idle_rule {
    const struct config_rewrite *rule;
    const struct side *side; /* the destination whose it is; NULL: of all */
    _Atomic uint64_t fitted, looked, hits;
};

struct idle {
    struct idle_rule *rules;
    size_t rule_count;
    bool *key_hit; /* of all destinations' keys, one after the other */
};

void idle_begin(struct engine *engine)
{
    const struct config *config = engine->config;
    struct idle *idle = arena_calloc(&engine->pass, 1, sizeof *idle);
    size_t rules = config->rewrite_count, keys = 0, at = 0;
    for (size_t i = 0; i < config->destination_count; i++) {
        rules += config->destinations[i].rewrite_count;
        keys += config->destinations[i].key_count;
    }
    idle->rules = arena_calloc(&engine->pass, rules + 1, sizeof *idle->rules);
    idle->key_hit = arena_calloc(&engine->pass, keys + 1, sizeof *idle->key_hit);
    idle->rule_count = rules;
    for (size_t i = 0; i < config->destination_count; i++)
        for (size_t j = 0; j < config->destinations[i].rewrite_count; j++) {
            idle->rules[at].side = &engine->sides[i + 1];
            idle->rules[at++].rule = &config->destinations[i].rewrite[j];
        }
    for (size_t i = 0; i < config->rewrite_count; i++)
        idle->rules[at++].rule = &config->rewrite[i];
    engine->idle = idle;
}

/* The i-th rule for a destination: its own, then those of all. */
static struct idle_rule *rule_of(const struct engine *engine, unsigned destination, size_t i)
{
    const struct config *config = engine->config;
    size_t before = 0, own = config->destinations[destination].rewrite_count;
    if (i >= own)
        return i - own < config->rewrite_count
                   ? &engine->idle
                          ->rules[engine->idle->rule_count - config->rewrite_count + i - own]
                   : NULL;
    for (unsigned d = 0; d < destination; d++)
        before += config->destinations[d].rewrite_count;
    return &engine->idle->rules[before + i];
}

/* Rules may be for texts that a listing shows. */
static bool hits_words(const struct engine *engine, const struct config_rewrite *rule,
                       const struct resource *source)
{
    const struct resource_kind *kind = engine->kind;
    bool hit = false;
    if (!rule->descriptions || strcmp(rule->descriptions, "true") != 0 || !rule->match)
        return false;
    for (size_t i = 0; i < kind->slot_count && !hit; i++)
        hit = kind->fields[i].rule == FIELD_WORDS && source->fields[i] &&
              strstr(source->fields[i], rule->match);
    return hit;
}

static void see_keys(struct engine *engine, unsigned destination, const struct resource *source)
{
    const struct resource_kind *kind = engine->kind;
    const struct config_side *side = &engine->config->destinations[destination];
    bool *hit = engine->idle->key_hit;
    for (unsigned d = 0; d < destination; d++)
        hit += engine->config->destinations[d].key_count;
    for (size_t j = 0; j < side->key_count; j++)
        for (size_t i = 0; i < kind->slot_count && !hit[j]; i++)
            hit[j] =
                kind->fields[i].rule == FIELD_KEY && source->fields[i] &&
                key_names_same(engine->scope.source_keys, side->keys[j].source, source->fields[i]);
}

void idle_see(struct engine *engine, unsigned destination, const struct resource *source)
{
    struct idle_rule *rule;
    see_keys(engine, destination, source);
    for (size_t i = 0; (rule = rule_of(engine, destination, i)); i++) {
        if (!rewrite_fits(rule->rule, source))
            continue;
        rule->fitted++;
        rule->hits += hits_words(engine, rule->rule, source);
    }
}

void idle_looked(struct engine *engine, unsigned destination, const struct resource *source,
                 uint64_t hits)
{
    struct idle_rule *rule;
    for (size_t i = 0; (rule = rule_of(engine, destination, i)); i++) {
        if (!rewrite_fits(rule->rule, source))
            continue;
        rule->looked++;
        rule->hits += i >= 64 || (hits >> i & 1);
    }
}

static bool is_idle(const struct engine *engine, const struct idle_rule *rule)
{
    if (rule->side && rule->side->failed)
        return false; /* nobody knows */
    if (!rule->fitted)
        return true;
    /* What has no `match` may find its text in place; earlier versions are not looked at here. */
    return rule->rule->match && engine->history <= 1 && rule->looked >= rule->fitted && !rule->hits;
}

void idle_each(const struct engine *engine,
               void (*each)(const char *selector, const char *text, void *arg), void *arg)
{
    const struct config *config = engine->config;
    if (!engine->idle)
        return;
    for (size_t i = 0; i < engine->idle->rule_count; i++) {
        const struct config_rewrite *rule = engine->idle->rules[i].rule;
        if (is_idle(engine, &engine->idle->rules[i]))
            each("rewrite", rule->match ? rule->match : rule->json_path, arg);
    }
    const bool *hit = engine->idle->key_hit;
    for (size_t d = 0; d < config->destination_count; d++)
        for (size_t j = 0; j < config->destinations[d].key_count; j++, hit++)
            if (!*hit && strcmp(config->destinations[d].keys[j].source, "*") != 0 &&
                !engine->sides[d + 1].failed)
                each("keys", config->destinations[d].keys[j].source, arg);
}
