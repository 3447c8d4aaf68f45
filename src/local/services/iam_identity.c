#include "local/services/iam_parts.h"

#include <string.h>

struct documents {
    struct store_session *store;
    struct arena *arena;
    struct iam_document *items;
    size_t count, room;
};

static void add(struct documents *list, const char *text, const char *source)
{
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 16;
        struct iam_document *items = arena_calloc(list->arena, room, sizeof *items);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = (struct iam_document){text, source};
}

static void add_inline(struct documents *list, const struct iam_entity *owner)
{
    struct store_rows rows;
    store_query(list->store, &rows,
                "SELECT name, document FROM iam_inline WHERE owner = $1 ORDER BY name", "t",
                owner->id);
    while (store_next(&rows)) {
        const char *name = iam_needed(list->arena, &rows, 0);
        add(list, iam_needed(list->arena, &rows, 1),
            arena_printf(list->arena, "%s_%s_%s", owner->kind->name, owner->name, name));
    }
    store_end(&rows);
}

static void add_managed(struct documents *list, const char *arn)
{
    struct iam_entity policy;
    if (!iam_entity_by_arn(list->store, list->arena, arn, &policy))
        return;
    const char *text =
        iam_version_document(list->store, list->arena, &policy, policy.default_version);
    if (text)
        add(list, text, policy.name);
}

static void add_attached(struct documents *list, const struct iam_entity *owner)
{
    struct store_rows rows;
    store_query(list->store, &rows,
                "SELECT policy_arn FROM iam_attached WHERE owner = $1 ORDER BY policy_key", "t",
                owner->id);
    while (store_next(&rows))
        add_managed(list, iam_needed(list->arena, &rows, 0));
    store_end(&rows);
}

static void add_entity(struct documents *list, const struct iam_entity *owner)
{
    add_inline(list, owner);
    add_attached(list, owner);
}

static void add_groups(struct documents *list, const char *user_id)
{
    struct store_rows rows;
    store_query(list->store, &rows,
                "SELECT " IAM_ENTITY_COLUMNS " FROM iam_members JOIN iam_entities "
                "ON id = group_id WHERE user_id = $1 ORDER BY name_key",
                "t", user_id);
    while (store_next(&rows)) {
        struct iam_entity group;
        iam_entity_read(list->arena, &rows, &group);
        add_entity(list, &group);
    }
    store_end(&rows);
}

static const struct iam_document *boundary_of(struct documents *list,
                                              const struct iam_entity *entity)
{
    static const char nothing[] = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\","
                                  "\"Action\":\"*\",\"Resource\":\"*\"}]}";
    if (!entity->boundary_arn)
        return NULL;
    struct documents one = {.store = list->store, .arena = list->arena};
    add_managed(&one, entity->boundary_arn);
    if (one.count == 0) /* a boundary that is gone allows nothing */
        add(&one, nothing, strrchr(entity->boundary_arn, '/') + 1);
    return one.items;
}

void iam_identity_load(struct store_session *store, struct arena *arena, const char *id,
                       struct iam_identity *out)
{
    struct documents list = {.store = store, .arena = arena};
    struct iam_entity entity;
    *out = (struct iam_identity){.tags = "{}"};
    if (!iam_entity_by_id(store, arena, id, &entity))
        return;
    add_entity(&list, &entity);
    if (entity.kind == &iam_user)
        add_groups(&list, entity.id);
    *out = (struct iam_identity){
        .documents = list.items,
        .count = list.count,
        .boundary = boundary_of(&list, &entity),
        .tags = entity.tags,
    };
}

char *iam_user_arn(struct store_session *store, struct arena *arena, const char *id)
{
    struct iam_entity user;
    if (!iam_entity_by_id(store, arena, id, &user) || user.kind != &iam_user)
        return NULL;
    return iam_entity_arn(arena, &user);
}
