#include "engine/labels.h"

#include "base/buf.h"
#include "engine/history.h"

#include <stdlib.h>
#include <string.h>

static int order_places(const void *a, const void *b)
{
    return strcmp(((const struct label_place *)a)->label, ((const struct label_place *)b)->label);
}

void labels_sort(struct label_map *map)
{
    if (map->count)
        qsort(map->places, map->count, sizeof *map->places, order_places);
}

void labels_of(struct arena *arena, const struct version_view *versions, size_t count,
               struct label_map *out)
{
    size_t all = 0;
    for (size_t i = 0; i < count; i++)
        all += versions[i].label_count;
    *out = (struct label_map){.places = arena_calloc(arena, all + 1, sizeof *out->places)};
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < versions[i].label_count; j++)
            out->places[out->count++] =
                (struct label_place){versions[i].labels[j], versions[i].version,
                                     versions[i].modified_ms};
    labels_sort(out);
}

const struct label_place *labels_find(const struct label_map *map, const char *label)
{
    const struct label_place key = {.label = label};
    return map->count ? bsearch(&key, map->places, map->count, sizeof key, order_places) : NULL;
}

/* The labels that go from, or come to, the version of `of->places[first]`, when it is the first of
 * this version; `all`: whatever the other says. */
static size_t gather(const struct label_map *of, size_t first, const struct label_map *other,
                     bool elsewhere, bool all, const char **labels)
{
    size_t count = 0;
    for (size_t i = 0; i < first; i++)
        if (of->places[i].version == of->places[first].version)
            return 0;
    for (size_t i = first; i < of->count; i++) {
        if (of->places[i].version != of->places[first].version)
            continue;
        const struct label_place *there = labels_find(other, of->places[i].label);
        if (all || !there || (elsewhere && there->version != of->places[i].version))
            labels[count++] = of->places[i].label;
    }
    return count;
}

enum { LABELS_MOST = 10 * 100 }; /* ten a version, a hundred versions (shared facts, section 7) */

void labels_calls(const struct label_map *now, const struct label_map *wanted, size_t *takes,
                  size_t *puts)
{
    const char *some[LABELS_MOST];
    *takes = *puts = 0;
    for (size_t i = 0; i < now->count; i++)
        *takes += gather(now, i, wanted, false, false, some) > 0;
    for (size_t i = 0; i < wanted->count; i++)
        *puts += gather(wanted, i, now, true, false, some) > 0;
}

void labels_digest(const struct engine *engine, const struct label_map *map, unsigned char out[32])
{
    struct buf text;
    buf_init(&text, 256 * 1024);
    for (size_t i = 0; i < map->count; i++)
        buf_printf(&text, "%s %lld\n", map->places[i].label, (long long)map->places[i].version);
    const struct resource labels = {.value = buf_text(&text), .value_len = text.len};
    undo_log_digest(engine, &labels, out);
    buf_done(&text);
}

static int take(struct engine *engine, struct resource_ctx *ctx, const char *name,
                const struct label_map *now, const struct label_map *wanted, bool all,
                struct error *err)
{
    const char *some[LABELS_MOST];
    for (size_t i = 0; i < now->count; i++) {
        size_t count = gather(now, i, wanted, false, all, some);
        if (count &&
            engine->kind->take_labels(ctx, name, now->places[i].version, some, count, err) != 0)
            return -1;
    }
    return 0;
}

static int put(struct engine *engine, struct resource_ctx *ctx, const char *name,
               const struct label_map *now, const struct label_map *wanted, struct error *err)
{
    const char *some[LABELS_MOST];
    for (size_t i = 0; i < wanted->count; i++) {
        size_t count = gather(wanted, i, now, true, false, some);
        if (count &&
            engine->kind->put_labels(ctx, name, wanted->places[i].version, some, count, err) != 0)
            return -1;
    }
    return 0;
}

int labels_put(struct engine *engine, unsigned destination, struct arena *values, const char *name,
               const struct version_view *versions, size_t count, const struct label_map *wanted,
               struct error *err)
{
    struct resource_ctx ctx = engine_ctx(engine, destination + 1, false, values);
    struct label_map now;
    struct version_view *again;
    labels_of(values, versions, count, &now);
    if (now.count > LABELS_MOST || wanted->count > LABELS_MOST)
        return error_set(err, ERR_LIMIT, "%s has more than %d labels", name, LABELS_MOST);
    if (take(engine, &ctx, name, &now, wanted, false, err) != 0)
        return -1;
    if (put(engine, &ctx, name, &now, wanted, err) == 0)
        return 0;
    if (err->code != ERR_LIMIT)
        return -1;
    /* A version has room for ten, and two sets that change places need more: all of them off. */
    *err = (struct error){0};
    if (history_versions(engine, destination + 1, values, name, &again, &count, err) != 0)
        return -1;
    labels_of(values, again, count, &now);
    if (take(engine, &ctx, name, &now, wanted, true, err) != 0)
        return -1;
    now.count = 0;
    return put(engine, &ctx, name, &now, wanted, err);
}
