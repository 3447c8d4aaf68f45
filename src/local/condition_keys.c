#include "local/condition_keys.h"

#include <string.h>

static void append(struct condition_keys *keys, const char *key, const char *const *values)
{
    if (keys->count == keys->room) {
        size_t room = keys->room ? 2 * keys->room : 16;
        struct policy_value *items = arena_calloc(keys->call->arena, room, sizeof *items);
        if (keys->count)
            memcpy(items, keys->items, keys->count * sizeof *items);
        keys->items = items;
        keys->room = room;
    }
    keys->items[keys->count++] = (struct policy_value){key, values};
}

void condition_keys_add(struct condition_keys *keys, const char *key, const char *value)
{
    if (!value)
        return;
    const char **list = arena_calloc(keys->call->arena, 2, sizeof *list);
    list[0] = value;
    append(keys, key, list);
}

void condition_keys_add_list(struct condition_keys *keys, const char *key,
                             const char *const *values)
{
    if (values[0])
        append(keys, key, values);
}

void condition_keys_add_json(struct condition_keys *keys, const char *key, const json_t *list,
                             const char *member)
{
    size_t count = json_array_size(list), found = 0;
    const char **texts = arena_calloc(keys->call->arena, count + 1, sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        const char *text = member ? json_text(item, member) : json_string_value(item);
        if (text)
            texts[found++] = text;
    }
    condition_keys_add_list(keys, key, texts);
}

void condition_keys_add_tags(struct condition_keys *keys, const json_t *tags, const char *key,
                             const char *value)
{
    condition_keys_add_json(keys, "aws:TagKeys", tags, key);
    for (size_t i = 0; key && i < json_array_size(tags); i++) {
        const json_t *tag = json_array_get(tags, i);
        condition_keys_add(keys,
                           arena_printf(keys->call->arena, "aws:RequestTag/%s",
                                        json_text_or(tag, key, "")),
                           json_text(tag, value));
    }
}

void condition_keys_add_resource_tags(struct condition_keys *keys, const char *prefix,
                                      const char *tags)
{
    json_t *object = json_read(tags, strlen(tags), NULL), *value;
    struct arena *arena = keys->call->arena;
    const char *key;
    json_object_foreach(object, key, value)
    {
        if (json_is_string(value))
            condition_keys_add(keys, arena_printf(arena, "%s%s", prefix, key),
                               arena_strdup(arena, json_string_value(value)));
    }
    json_decref(object);
}
