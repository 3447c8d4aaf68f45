#include "engine/undo_labels.h"

bool undo_versions_gone(const struct undo_record *record, bool exists)
{
    /* A copy that was made again begins at version 1. */
    return !exists || !record->after_version ||
           (record->value_written && record->after_version <= record->before.version);
}

static bool is_there(const struct label_place *place, const struct version_view *now, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (now[i].version == place->version && now[i].modified_ms == place->modified_ms)
            return true;
    return false;
}

static bool was_present(const struct undo_record *record, const struct label_place *place)
{
    return place->version == record->before.version;
}

static bool same_places(const struct label_map *a, const struct label_map *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; i < a->count && same; i++) {
        const struct label_place *other = labels_find(b, a->places[i].label);
        same = other && other->version == a->places[i].version;
    }
    return same;
}

void undo_labels_plan(struct arena *arena, const struct undo_record *record,
                      const struct version_view *now, size_t count, bool writes,
                      struct undo_labels *out)
{
    struct label_map stand;
    int64_t present = writes || !count ? 0 : now[count - 1].version;
    labels_of(arena, now, count, &stand);
    *out = (struct undo_labels){
        .wanted.places = arena_calloc(arena, record->labels.count + 1, sizeof *stand.places)};
    for (size_t i = 0; i < record->labels.count; i++) {
        struct label_place place = record->labels.places[i];
        bool there = is_there(&place, now, count);
        if (!there && !was_present(record, &place))
            continue;
        place.version = there ? place.version : present;
        out->wanted.places[out->wanted.count++] = place;
    }
    out->differ = !same_places(&out->wanted, &stand);
}

const char *undo_labels_loss(struct arena *arena, const struct undo_record *record,
                             const struct version_view *now, size_t count, bool exists)
{
    enum { KEPT_VERSIONS = 100 };
    const char *loss = "", *lost = "";
    int64_t last = record->before.version - 1, first = last - KEPT_VERSIONS + 2;
    bool gone = undo_versions_gone(record, exists);
    for (size_t i = 0; i < record->labels.count; i++) {
        const struct label_place *place = &record->labels.places[i];
        if (!was_present(record, place) && !is_there(place, now, count))
            lost = arena_printf(arena, "%s%s%s (version %lld)", lost, *lost ? ", " : "",
                                place->label, (long long)place->version);
    }
    if (gone && last > 0)
        loss = arena_printf(arena, "its earlier versions (%lld to %lld) do not come back",
                            (long long)(first > 1 ? first : 1), (long long)last);
    if (*lost)
        loss = arena_printf(arena, "%s%slabels whose version is gone: %s", loss, *loss ? "; " : "",
                            lost);
    if (gone && !record->labels_kept)
        loss = arena_printf(arena,
                            "%s%slabels that it may have had were not kept (`labels: true` "
                            "keeps them)",
                            loss, *loss ? "; " : "");
    return *loss ? loss : NULL;
}

int undo_labels_put(struct engine *engine, unsigned destination, struct arena *values,
                    const char *name, const struct version_view *now, size_t count,
                    struct undo_labels *labels, int64_t present, struct error *err)
{
    for (size_t i = 0; i < labels->wanted.count; i++)
        if (!labels->wanted.places[i].version)
            labels->wanted.places[i].version = present;
    return labels_put(engine, destination, values, name, now, count, &labels->wanted, err);
}
