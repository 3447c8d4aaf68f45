#include "engine/focus.h"

#include <stdlib.h>
#include <string.h>

struct held {
    const char *key; /* as the side has it */
    unsigned side;
    struct reading reading;
    struct held *next;
};

struct focus {
    struct engine *engine;
    struct focus_item *items; /* sorted by key */
    size_t count;
    pthread_mutex_t mutex; /* for what follows, and what items note */
    struct arena arena;
    struct held *held;
};

static int order_items(const void *a, const void *b)
{
    return strcmp(((const struct focus_item *)a)->key, ((const struct focus_item *)b)->key);
}

struct focus *focus_new(struct engine *engine, const char *const *keys, size_t count)
{
    struct focus *focus = memory_alloc(sizeof *focus);
    *focus = (struct focus){.engine = engine, .count = count};
    pthread_mutex_init(&focus->mutex, NULL);
    arena_init(&focus->arena);
    focus->items = arena_calloc(&focus->arena, count + 1, sizeof *focus->items);
    for (size_t i = 0; i < count; i++)
        focus->items[i].key = keys[i];
    if (count)
        qsort(focus->items, count, sizeof *focus->items, order_items);
    return focus;
}

void focus_free(struct focus *focus)
{
    if (!focus)
        return;
    arena_done(&focus->arena);
    pthread_mutex_destroy(&focus->mutex);
    free(focus);
}

size_t focus_count(const struct focus *focus)
{
    return focus->count;
}

const struct focus_item *focus_item(const struct focus *focus, const char *key)
{
    const struct focus_item wanted = {.key = key};
    return focus->count
               ? bsearch(&wanted, focus->items, focus->count, sizeof *focus->items, order_items)
               : NULL;
}

static int order_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void focus_filter(const struct focus *focus, struct arena *arena, bool at_destination,
                  struct resource_filter *out)
{
    const struct engine *engine = focus->engine;
    const char **names = arena_calloc(arena, focus->count + 1, sizeof *names);
    size_t kept = 0;
    for (size_t i = 0; i < focus->count; i++) {
        const char *key = focus->items[i].key;
        names[i] =
            at_destination ? engine->kind->key_of(scope_target(&engine->scope, arena, key)) : key;
    }
    qsort(names, focus->count, sizeof *names, order_texts);
    for (size_t i = 0; i < focus->count; i++)
        if (!kept || strcmp(names[kept - 1], names[i]) != 0)
            names[kept++] = names[i];
    *out = (struct resource_filter){.names = names, .name_count = kept};
}

static void note(struct engine *engine, const char *key, int64_t wrote_ms)
{
    struct focus *focus = engine->focus;
    struct focus_item *item = focus ? (struct focus_item *)focus_item(focus, key) : NULL;
    if (!item)
        return;
    pthread_mutex_lock(&focus->mutex);
    item->again = item->again || !wrote_ms;
    if (wrote_ms > item->wrote_ms)
        item->wrote_ms = wrote_ms;
    pthread_mutex_unlock(&focus->mutex);
}

void focus_again(struct engine *engine, const char *key)
{
    note(engine, key, 0);
}

void focus_wrote(struct engine *engine, const char *key)
{
    note(engine, key, engine->clock->now_ms(engine->clock));
}

static struct held *find(struct focus *focus, unsigned side, const char *key)
{
    pthread_mutex_lock(&focus->mutex);
    struct held *held = focus->held;
    while (held && (held->side != side || strcmp(held->key, key) != 0))
        held = held->next;
    pthread_mutex_unlock(&focus->mutex);
    return held; /* never changed once it is in the list */
}

bool focus_holds(const struct engine *engine, unsigned side, const char *key)
{
    return engine->focus && find(engine->focus, side, key);
}

static void hold(struct focus *focus, unsigned side, const struct reading *reading)
{
    const struct resource *read = &reading->resource;
    if (reading->error.code)
        return;
    pthread_mutex_lock(&focus->mutex);
    struct held *held = arena_calloc(&focus->arena, 1, sizeof *held);
    *held = (struct held){.side = side, .reading = *reading, .next = focus->held};
    held->key = arena_strdup(&focus->arena, read->key);
    held->reading.resource.key = held->key;
    held->reading.resource.name = arena_strdup(&focus->arena, read->name);
    if (!read->missing)
        held->reading.resource.value = arena_strndup(&focus->arena, read->value, read->value_len);
    focus->held = held;
    pthread_mutex_unlock(&focus->mutex);
}

void focus_read(struct engine *engine, unsigned side, bool read_only, struct arena *values,
                struct reading *readings, size_t count)
{
    struct reading some[RESOURCE_READ_MAX];
    size_t which[RESOURCE_READ_MAX], left = 0;
    if (!engine->focus) {
        engine_read(engine, side, read_only, values, readings, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct held *held = find(engine->focus, side, readings[i].resource.key);
        if (held) {
            readings[i] = held->reading;
            continue;
        }
        some[left] = readings[i];
        which[left++] = i;
    }
    engine_read(engine, side, read_only, values, some, left);
    for (size_t i = 0; i < left; i++) {
        hold(engine->focus, side, &some[i]);
        readings[which[i]] = some[i];
    }
    explicit_bzero(some, left * sizeof *some);
}
