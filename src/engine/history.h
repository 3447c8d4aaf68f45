/*
 * history: earlier versions and labels of a resource, carried to its copy.
 *
 * AWS numbers versions itself, so a history can only be replayed: each version is written in turn.
 * What the copy has is lined up with what the source has by content (value as the rules rewrite it,
 * and fields), never by number:
 *   - the copy ends where the source ends: nothing is written; when it has fewer of the last K
 *     versions than the source, that is a loss, for replaying them would put old values in front of
 *     readers;
 *   - the copy ends with the first of the source's last K: the others are written behind it. So a
 *     replay that was broken off goes on where it stopped, and a source that moved by several
 *     versions is followed through all of them;
 *   - otherwise the present version alone is written, or all of the last K when the copy is older
 *     than the first of them, or there is no copy.
 * Labels of a version go to the version of the copy that it is lined up with; labels that the
 * source has nowhere are taken off the copy; those of versions that the copy lacks are a loss.
 * history_decide and history_labels are pure; memory: the arena given.
 */
#ifndef UNDERSTUDY_ENGINE_HISTORY_H
#define UNDERSTUDY_ENGINE_HISTORY_H

#include "engine/engine.h"

/* A version as it is lined up. */
struct version_view {
    unsigned char digest[32]; /* keyed, of content */
    int64_t version, modified_ms;
    const char *const *labels; /* sorted */
    size_t label_count;
};

struct history_plan {
    size_t first, count; /* of the source's versions: those to write, in order */
    bool labels_differ;  /* once they are written */
    size_t takes, puts;  /* calls for them; */
    size_t puts_anew;    /* and when the copy is made again */
    const char *loss;    /* NULL: none */
};

/* `keep`: how many of the source's last versions are to be carried, at least 1. `unfinished`: a
 * replay to this copy was broken off. */
void history_decide(struct arena *arena, const struct version_view *source, size_t source_count,
                    const struct version_view *copy, size_t copy_count, size_t keep,
                    bool unfinished, bool labels, struct history_plan *out);

/* For each version of the source the index of the copy's that it is lined up with, or SIZE_MAX. */
size_t *history_line_up(struct arena *arena, const struct version_view *source, size_t source_count,
                        const struct version_view *copy, size_t copy_count);

/* Where the labels of a copy, whose versions are these, should be: where its source has them;
 * those of versions that it lacks stay where they are. */
void history_labels(struct arena *arena, const struct version_view *source, size_t source_count,
                    const struct version_view *copy, size_t copy_count, struct label_map *out);

/* Does the configuration ask for any of this? */
bool history_wanted(const struct engine *engine);
int history_check(const struct config *config, struct error *err);

/* Reads both sides' versions and fills `out`; values live in `values` only. */
int history_look(struct engine *engine, unsigned destination, struct arena *arena,
                 struct arena *values, const struct pair *pair, struct history_plan *out,
                 struct error *err);

/* A side's versions, for their labels; without digests. None: it is not there. In `values`. */
int history_versions(struct engine *engine, unsigned side, struct arena *values, const char *name,
                     struct version_view **out, size_t *count, struct error *err);

/* Where the labels of a copy are goes into what undo keeps of it, when any of this is asked for. In
 * `values`. */
int history_keep_labels(struct engine *engine, unsigned destination, struct arena *values,
                        const char *name, struct undo_record *record, struct error *err);

/* Writes the versions before the present one where they are due; `*due`: and so is the present.
 * `have` and
 * `*exists` become what then stands at the destination; ERR_TIMEOUT: the last may be written. */
int history_replay(struct engine *engine, unsigned destination, struct arena *arena,
                   struct arena *values, const struct pair *pair, const struct resource *want,
                   struct resource *have, bool *exists, bool *due, struct error *err);
/* When the present version is written: makes the labels those of the source. */
int history_label(struct engine *engine, unsigned destination, struct arena *values,
                  const struct pair *pair, const struct resource *want, struct error *err);
/* After the service refused a version because its oldest has a label: moves that to the newest.
 * False: there is nothing to move, or labels are not ours to move. */
bool history_make_room(struct engine *engine, unsigned destination, struct arena *values,
                       const char *name);

#endif
