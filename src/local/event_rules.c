#include "local/event_rules.h"

#include "aws/region.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

struct event_rules {
    struct arena arena;
    uint64_t version;
    struct event_rule_list *lists;
};

struct event_rules *event_rules_new(void)
{
    struct event_rules *rules = memory_alloc(sizeof *rules);
    arena_init(&rules->arena);
    return rules;
}

static void forget(struct event_rules *rules)
{
    for (struct event_rule_list *list = rules->lists; list; list = list->next)
        for (size_t i = 0; i < list->count; i++)
            for (size_t j = 0; j < list->rules[i].target_count; j++)
                json_decref(list->rules[i].targets[j].definition);
    rules->lists = NULL;
    arena_reset(&rules->arena);
}

void event_rules_free(struct event_rules *rules)
{
    if (!rules)
        return;
    forget(rules);
    arena_done(&rules->arena);
    free(rules);
}

void event_rules_at(struct event_rules *rules, uint64_t version)
{
    if (rules->version != version)
        forget(rules);
    rules->version = version;
}

char *event_rule_arn(struct arena *arena, const char *account, const char *region, const char *bus,
                     const char *name)
{
    bool plain = strcmp(bus, "default") == 0;
    return arena_printf(arena, "arn:%s:events:%s:%s:rule/%s%s%s", partition_of(region)->name,
                        region, account, plain ? "" : bus, plain ? "" : "/", name);
}

/* --- reading ---------------------------------------------------------------------------------- */

static char *copy(struct arena *arena, struct text text)
{
    return arena_strndup(arena, text.data ? text.data : "", text.len);
}

static void read_targets(struct event_rules *rules, struct store_session *store,
                         const struct event_rule_list *list, struct event_rule *rule)
{
    struct store_rows rows;
    size_t room = 0;
    store_query(store, &rows,
                "SELECT id, target FROM events_target WHERE account = $1 AND region = $2"
                " AND bus = $3 AND rule = $4 ORDER BY id",
                "tttt", list->account, list->region, list->bus, rule->name);
    while (store_next(&rows)) {
        struct text text = store_text(&rows, 1);
        json_t *definition = json_read(text.data, text.len, NULL);
        if (rule->target_count == room) {
            room = room ? 2 * room : 8;
            struct event_rule_target *more = arena_calloc(&rules->arena, room, sizeof *more);
            if (rule->target_count)
                memcpy(more, rule->targets, rule->target_count * sizeof *more);
            rule->targets = more;
        }
        struct event_rule_target *target = &rule->targets[rule->target_count++];
        target->id = copy(&rules->arena, store_text(&rows, 0));
        target->definition = definition;
        target->arn = json_text_or(definition, "Arn", "");
        if (arn_parse(target->arn, strlen(target->arn), &target->parts) != 0)
            target->parts = (struct arn){0};
    }
    store_end(&rows);
}

static size_t count_rules(struct store_session *store, const struct event_rule_list *list)
{
    struct store_rows rows;
    store_query(store, &rows,
                "SELECT count(*) FROM events_rule WHERE account = $1 AND region = $2"
                " AND bus = $3 AND state > 0",
                "ttt", list->account, list->region, list->bus);
    size_t count = store_next(&rows) ? (size_t)store_int(&rows, 0) : 0;
    store_end(&rows);
    return count;
}

static void read_rules(struct event_rules *rules, struct store_session *store,
                       struct event_rule_list *list)
{
    struct store_rows rows;
    size_t room = count_rules(store, list);
    list->rules = arena_calloc(&rules->arena, room + 1, sizeof *list->rules);
    store_query(store, &rows,
                "SELECT name, pattern, state FROM events_rule WHERE account = $1 AND region = $2"
                " AND bus = $3 AND state > 0 ORDER BY name",
                "ttt", list->account, list->region, list->bus);
    while (store_next(&rows) && list->count < room) {
        struct event_rule *rule = &list->rules[list->count++];
        struct text pattern = store_text(&rows, 1);
        const char *why;
        rule->name = copy(&rules->arena, store_text(&rows, 0));
        rule->arn =
            event_rule_arn(&rules->arena, list->account, list->region, list->bus, rule->name);
        rule->state = (enum event_rule_state)store_int(&rows, 2);
        if (pattern.data)
            rule->pattern = event_pattern_parse(&rules->arena, pattern.data, pattern.len, &why);
    }
    store_end(&rows);
    for (size_t i = 0; i < list->count; i++)
        read_targets(rules, store, list, &list->rules[i]);
}

const struct event_rule_list *event_rules_of(struct event_rules *rules, struct store_session *store,
                                             const char *account, const char *region,
                                             const char *bus)
{
    for (const struct event_rule_list *list = rules->lists; list; list = list->next)
        if (strcmp(list->account, account) == 0 && strcmp(list->region, region) == 0 &&
            strcmp(list->bus, bus) == 0)
            return list;
    struct event_rule_list *list = arena_alloc(&rules->arena, sizeof *list);
    list->account = arena_strdup(&rules->arena, account);
    list->region = arena_strdup(&rules->arena, region);
    list->bus = arena_strdup(&rules->arena, bus);
    read_rules(rules, store, list);
    list->next = rules->lists;
    rules->lists = list;
    return list;
}

const struct event_rule *event_rule_named(const struct event_rule_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->rules[i].name, name) == 0)
            return &list->rules[i];
    return NULL;
}

const struct event_rule_target *event_rule_target(const struct event_rule *rule, const char *id)
{
    for (size_t i = 0; rule && i < rule->target_count; i++)
        if (strcmp(rule->targets[i].id, id) == 0)
            return &rule->targets[i];
    return NULL;
}
