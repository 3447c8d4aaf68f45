/* Lists, statements and policies, put together. */
#include "engine/permissions_parts.h"
#include "base/text.h"

#include <string.h>

/* --- lists ------------------------------------------------------------------------------------ */

void permission_add_text(struct arena *arena, struct texts *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return;
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 8;
        const char **items = arena_calloc(arena, room, sizeof *items);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = text;
}

void permission_add_texts(struct arena *arena, struct texts *list, const struct texts *more)
{
    for (size_t i = 0; i < more->count; i++)
        permission_add_text(arena, list, more->items[i]);
}

static bool same_texts(const struct texts *a, const struct texts *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->items[i], b->items[i]) == 0;
    return same;
}

struct texts permission_one_text(struct arena *arena, const char *text)
{
    struct texts list = {0};
    permission_add_text(arena, &list, text);
    return list;
}

/* --- statements ------------------------------------------------------------------------------- */

void permission_add_condition(struct permission_statement *statement, const char *test,
                              const char *key, struct texts values)
{
    statement->conditions[statement->condition_count++] =
        (struct permission_condition){test, key, values};
}

static bool same_conditions(const struct permission_statement *a,
                            const struct permission_statement *b, bool values)
{
    bool same = a->condition_count == b->condition_count;
    for (size_t i = 0; same && i < a->condition_count; i++)
        same = strcmp(a->conditions[i].test, b->conditions[i].test) == 0 &&
               strcmp(a->conditions[i].key, b->conditions[i].key) == 0 &&
               (!values || same_texts(&a->conditions[i].values, &b->conditions[i].values));
    return same;
}

/* Two statements become one only where that permits nothing that neither did. */
static bool merge(struct arena *arena, struct permission_statement *into,
                  const struct permission_statement *statement)
{
    if (into->deny != statement->deny || !same_texts(&into->actions, &statement->actions))
        return false;
    if (same_conditions(into, statement, true)) {
        permission_add_texts(arena, &into->resources, &statement->resources);
        return true;
    }
    if (into->condition_count == 1 && same_conditions(into, statement, false) &&
        same_texts(&into->resources, &statement->resources)) {
        permission_add_texts(arena, &into->conditions[0].values, &statement->conditions[0].values);
        return true;
    }
    return false;
}

void permission_add_statement(struct arena *arena, struct permission_policy *policy,
                              const struct permission_statement *statement)
{
    if (!statement->actions.count || !statement->resources.count)
        return;
    for (size_t i = 0; i < policy->count; i++)
        if (merge(arena, &policy->statements[i], statement))
            return;
    if (policy->count == policy->room) {
        size_t room = policy->room ? policy->room * 2 : 8;
        struct permission_statement *grown = arena_calloc(arena, room, sizeof *grown);
        if (policy->count)
            memcpy(grown, policy->statements, policy->count * sizeof *grown);
        policy->statements = grown;
        policy->room = room;
    }
    struct permission_statement *added = &policy->statements[policy->count++];
    *added = *statement;
    size_t same = 1; /* Sids are unique within a policy */
    for (size_t i = 0; i + 1 < policy->count; i++)
        same += text_starts(policy->statements[i].sid, statement->sid);
    if (same > 1)
        added->sid = arena_printf(arena, "%s%zu", statement->sid, same);
}

struct permission_policy *permission_policy_for(struct permission_set *set, const char *role,
                                                const char *role_arn)
{
    for (size_t i = 0; i < set->count; i++) {
        struct permission_policy *policy = &set->policies[i];
        if (role_arn && policy->role_arn ? strcmp(policy->role_arn, role_arn) == 0
                                         : policy->role_arn == role_arn)
            return policy;
    }
    if (set->count == set->room) {
        size_t room = set->room ? set->room * 2 : 8;
        struct permission_policy *grown = arena_calloc(set->arena, room, sizeof *grown);
        if (set->count)
            memcpy(grown, set->policies, set->count * sizeof *grown);
        set->policies = grown;
        set->room = room;
    }
    struct permission_policy *added = &set->policies[set->count++];
    *added = (struct permission_policy){.role = role, .role_arn = role_arn};
    return added;
}
