/*
 * undo_labels: what an undo does with the labels and earlier versions of one copy.
 *
 * A label goes back to the version that it was on, while that version is there (the same number,
 * written at the same time); one of the version that was the present goes to the present, which has
 * its content again. What was on other versions that are gone is a loss. Memory: the arena given.
 */
#ifndef UNDERSTUDY_ENGINE_UNDO_LABELS_H
#define UNDERSTUDY_ENGINE_UNDO_LABELS_H

#include "engine/history.h"

struct undo_labels {
    struct label_map wanted; /* version 0: the one that is about to be written */
    bool differ;             /* there is something to do */
};

/* Are all versions that the copy had gone, because it was deleted? `exists`: there is one now. */
bool undo_versions_gone(const struct undo_record *record, bool exists);
/* Pure. The copy's versions are `now`; `writes`: it gets another. */
void undo_labels_plan(struct arena *arena, const struct undo_record *record,
                      const struct version_view *now, size_t count, bool writes,
                      struct undo_labels *out);
/* What of versions and labels does not come back; NULL: all does. Pure. */
const char *undo_labels_loss(struct arena *arena, const struct undo_record *record,
                             const struct version_view *now, size_t count, bool exists);
/* The present version of the copy is `present`. */
int undo_labels_put(struct engine *engine, unsigned destination, struct arena *values,
                    const char *name, const struct version_view *now, size_t count,
                    struct undo_labels *labels, int64_t present, struct error *err);

#endif
