/*
 * labels: which version of a resource each label is on, and making it so.
 *
 * A label is on one version at most. Memory: the arena given; texts are those of the views. The
 * first four are pure.
 */
#ifndef UNDERSTUDY_ENGINE_LABELS_H
#define UNDERSTUDY_ENGINE_LABELS_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;
struct version_view;

struct label_place {
    const char *label;
    int64_t version, modified_ms; /* of the version */
};
struct label_map {
    struct label_place *places; /* sorted by label */
    size_t count;
};

/* What labels the versions have. */
void labels_of(struct arena *arena, const struct version_view *versions, size_t count,
               struct label_map *out);
void labels_sort(struct label_map *map);
const struct label_place *labels_find(const struct label_map *map, const char *label);
/* How many calls lead from the one to the other: versions that labels go from, or come to. */
void labels_calls(const struct label_map *now, const struct label_map *wanted, size_t *takes,
                  size_t *puts);
/* Keyed by the state: are they still where a run put them? */
void labels_digest(const struct engine *engine, const struct label_map *map, unsigned char out[32]);
/* Makes the labels of a copy, whose versions are these, what is wanted. In `values`. */
int labels_put(struct engine *engine, unsigned destination, struct arena *values, const char *name,
               const struct version_view *versions, size_t count, const struct label_map *wanted,
               struct error *err);

#endif
