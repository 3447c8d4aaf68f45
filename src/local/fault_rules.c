#include "local/fault_rules.h"

#include "local/service.h"

#include <stdlib.h>
#include <string.h>

/* --- kinds ------------------------------------------------------------------------------------ */

/* Which members a kind has beside those of all. */
enum { HAS_LATENCY = 1, HAS_ERROR = 2, HAS_WHEN = 4, HAS_STATUS = 8 };

static const struct kind {
    const char *name;
    enum fault_effect effect;
    unsigned has;
    bool after; /* unless the rule says when */
} kinds[] = {
    {"latency", FAULT_NONE, HAS_LATENCY, false},
    {"error", FAULT_ERROR, HAS_ERROR | HAS_WHEN | HAS_STATUS, false},
    {"throttle", FAULT_THROTTLE, HAS_WHEN, false},
    {"reset", FAULT_RESET, HAS_WHEN, false},
    {"truncate", FAULT_CUT, 0, true},
    {"down", FAULT_RESET, HAS_STATUS, false},
};

static const struct {
    const char *name;
    unsigned needs; /* of the kind; 0: every kind has it */
} members[] = {
    {"kind", 0},         {"service", 0},         {"operation", 0},
    {"region", 0},       {"account", 0},         {"probability", 0},
    {"count", 0},        {"ms", HAS_LATENCY},    {"jitter", HAS_LATENCY},
    {"code", HAS_ERROR}, {"message", HAS_ERROR}, {"status", HAS_STATUS},
    {"when", HAS_WHEN},
};

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; name && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

static bool has_member(const struct kind *kind, const char *name)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (strcmp(members[i].name, name) == 0)
            return !members[i].needs || (kind->has & members[i].needs);
    return false;
}

/* --- reading a rule --------------------------------------------------------------------------- */

struct reading {
    struct arena *arena;
    const json_t *object;
    size_t number; /* of the rule, from 1 */
    struct error *err;
};

static int refuse(const struct reading *in, const char *what)
{
    return error_set(in->err, ERR_INVALID, "rule %zu: %s", in->number, what);
}

static int read_text(const struct reading *in, const char *name, const char **out)
{
    const json_t *value = json_object_get(in->object, name);
    if (!value)
        return 0;
    if (!json_is_string(value) || json_string_length(value) == 0)
        return refuse(in, arena_printf(in->arena, "%s is a text that is not empty", name));
    *out = arena_strdup(in->arena, json_string_value(value));
    return 0;
}

static int read_int(const struct reading *in, const char *name, int64_t least, int64_t most,
                    int64_t *out)
{
    const json_t *value = json_object_get(in->object, name);
    if (!value)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < least ||
        json_integer_value(value) > most)
        return refuse(in, arena_printf(in->arena, "%s is a whole number, %lld to %lld", name,
                                       (long long)least, (long long)most));
    *out = json_integer_value(value);
    return 0;
}

static int read_probability(const struct reading *in, struct fault_rule *rule)
{
    const json_t *value = json_object_get(in->object, "probability");
    rule->probability = value ? json_number_value(value) : 1;
    if (value && (!json_is_number(value) || !(rule->probability >= 0 && rule->probability <= 1)))
        return refuse(in, "probability is a number, 0 to 1");
    return 0;
}

static int read_when(const struct reading *in, const struct kind *kind, struct fault_rule *rule)
{
    const char *when = kind->after ? "after" : "before";
    if (read_text(in, "when", &when) != 0)
        return -1;
    rule->after = strcmp(when, "after") == 0;
    return rule->after || strcmp(when, "before") == 0
               ? 0
               : refuse(in, "when is \"before\" or \"after\"");
}

static int check_members(const struct reading *in, const struct kind *kind)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)in->object, name, value)
    {
        if (!has_member(kind, name))
            return refuse(in,
                          arena_printf(in->arena, "%s has no member '%.64s'", kind->name, name));
    }
    return 0;
}

static int read_effect(const struct reading *in, const struct kind *kind, struct fault_rule *rule)
{
    int64_t status = 0;
    if (read_int(in, "status", 400, 599, &status) != 0 || read_text(in, "code", &rule->code) != 0 ||
        read_text(in, "message", &rule->message) != 0 || read_when(in, kind, rule) != 0 ||
        read_int(in, "ms", 0, LARGEST_FAULT_LATENCY_MS, &rule->latency_ms) != 0 ||
        read_int(in, "jitter", 0, LARGEST_FAULT_LATENCY_MS, &rule->jitter_ms) != 0)
        return -1;
    if (kind->effect == FAULT_ERROR && !rule->code)
        return refuse(in, "an error wants a code");
    if ((kind->has & HAS_LATENCY) && !json_object_get(in->object, "ms"))
        return refuse(in, "latency wants ms");
    rule->status = (int)status;
    rule->effect = kind->effect;
    /* Down: nobody takes the connection, unless an answer of the front end is wanted. */
    if (kind->effect == FAULT_RESET && status) {
        if (status != 503)
            return refuse(in, "what is down answers 503, or not at all");
        rule->effect = FAULT_UNAVAILABLE;
    }
    return 0;
}

static bool matches_any(const struct fault_rule *rule, const struct local_service *const *services)
{
    for (; *services; services++)
        if (fault_pattern_matches(rule->service, (*services)->name))
            for (const struct local_operation *at = (*services)->operations; at->name; at++)
                if (fault_pattern_matches(rule->operation, at->name))
                    return true;
    return false;
}

static int read_rule(const struct reading *in, const struct local_service *const *services,
                     struct fault_rule *rule)
{
    if (!json_is_object(in->object))
        return refuse(in, "an object is wanted");
    const struct kind *kind = find_kind(json_text(in->object, "kind"));
    if (!kind)
        return refuse(in, "kind is latency, error, throttle, reset, truncate or down");
    rule->kind = kind->name;
    if (check_members(in, kind) != 0 || read_text(in, "service", &rule->service) != 0 ||
        read_text(in, "operation", &rule->operation) != 0 ||
        read_text(in, "region", &rule->region) != 0 ||
        read_text(in, "account", &rule->account) != 0 || read_probability(in, rule) != 0 ||
        read_int(in, "count", 1, INT64_MAX, &rule->count) != 0 || read_effect(in, kind, rule) != 0)
        return -1;
    return matches_any(rule, services) ? 0
                                       : refuse(in, "no operation of a service here matches it");
}

/* --- the list --------------------------------------------------------------------------------- */

static const json_t *list_of(const json_t *value, int64_t *seed, struct error *err)
{
    if (json_is_array(value))
        return value;
    const json_t *given = json_object_get(value, "seed"), *list = json_object_get(value, "rules");
    if (!json_is_array(list) || json_object_size(value) != (given ? 2 : 1) ||
        (given && !json_is_integer(given))) {
        error_set(err, ERR_INVALID,
                  "a list of rules is wanted, or {\"seed\": N, \"rules\": [...]}");
        return NULL;
    }
    *seed = json_integer_value(given);
    return list;
}

static int read_rules(struct fault_rules *rules, const json_t *list,
                      const struct local_service *const *services, struct error *err)
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct reading in = {&rules->arena, json_array_get(list, i), i + 1, err};
        if (read_rule(&in, services, &rules->rules[i]) != 0)
            return -1;
    }
    return 0;
}

struct fault_rules *fault_rules_read(const char *json, size_t len,
                                     const struct local_service *const *services, struct error *err)
{
    json_t *value = json_read(json, len, err);
    struct fault_rules *rules = NULL;
    int64_t seed = 0;
    const json_t *list = value ? list_of(value, &seed, err) : NULL;
    size_t count = json_array_size(list);
    if (list && count > LARGEST_FAULT_RULES) {
        error_set(err, ERR_LIMIT, "more than %d rules", LARGEST_FAULT_RULES);
    } else if (list) {
        rules = memory_alloc(sizeof *rules + count * sizeof rules->rules[0]);
        arena_init(&rules->arena);
        rules->seed = (uint64_t)seed;
        rules->count = count;
        if (read_rules(rules, list, services, err) != 0) {
            fault_rules_free(rules);
            rules = NULL;
        }
    }
    json_decref(value);
    return rules;
}

void fault_rules_free(struct fault_rules *rules)
{
    if (!rules)
        return;
    arena_done(&rules->arena);
    free(rules);
}
