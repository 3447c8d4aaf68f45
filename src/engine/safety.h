/*
 * safety: what a run may remove or overwrite: the words of the configuration, read.
 *
 *     ownership: tag | none        adopt: true | false
 *     deletes: never | owned | all       max_delete: N or N%       delete_grace: 24h
 *     keep_undo: 30d       on_edit: overwrite | keep | fail
 *
 * Pure; immutable once read.
 */
#ifndef UNDERSTUDY_ENGINE_SAFETY_H
#define UNDERSTUDY_ENGINE_SAFETY_H

#include "base/error.h"
#include "engine/config.h"

#include <stdbool.h>
#include <stdint.h>

enum on_edit { ON_EDIT_OVERWRITE, ON_EDIT_KEEP, ON_EDIT_FAIL };
enum deletes { DELETES_NEVER, DELETES_OWNED, DELETES_ALL };

struct safety {
    bool owning; /* copies that are created get the owner's tag */
    bool adopt;  /* and so do those that were there before */
    enum deletes deletes;
    enum on_edit on_edit; /* a copy that differs because somebody changed it there */
    bool max_is_percent;
    uint64_t max_delete;  /* a destination and run; percent: of the copies there, rounded up */
    int64_t keep_undo_ms; /* how long what a run overwrote is kept; 0: not at all */
    int64_t grace_ms;     /* from the first run that misses the source to the deletion */
};

/* ERR_INVALID names the word that is wrong. */
int safety_read(const struct config *config, struct safety *out, struct error *err);

/* How many of `copies` may be deleted at a destination in one run. */
uint64_t safety_most_deletes(const struct safety *safety, uint64_t copies);

#endif
