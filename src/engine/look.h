/*
 * look: what a hint means for one replication: which names to look at, and what came of it.
 *
 * A name at the source is looked at itself; a name at a destination stands for every source that
 * it might be the copy of. Memory: the arena given. The driving thread only.
 */
#ifndef UNDERSTUDY_ENGINE_LOOK_H
#define UNDERSTUDY_ENGINE_LOOK_H

#include "engine/reconcile.h"

struct look {
    const struct hint *hint;
    struct hint_result *result;
    const char *key; /* the source's */
    unsigned side;   /* where the hint says that something happened */
    /* Of the last pass: */
    enum hint_outcome outcome;
    const char *why;
    const struct error *error; /* of HINT_FAILED */
    bool again;                /* another look may say more */
    bool yields;               /* it is the other direction's to do */
    int64_t source_version;    /* that was seen; 0: none */
    /* Of all passes: */
    bool removed;
    unsigned writes;
    int64_t lag_ms;
};

struct looks {
    struct look *items;
    size_t count, room;
};

/* Adds what `hint` means for the engine's replication. NULL, or why it means nothing. */
const char *look_add(struct looks *looks, struct engine *engine, struct arena *arena,
                     const struct hint *hint, struct hint_result *result);
/* Adds what the other direction is to look at. */
void look_turn(struct looks *looks, const struct look *look);
/* Behind a pass with this look's key in its focus. -1: the engine's file failed. */
int look_settle(struct look *look, struct engine *engine, struct arena *arena, bool dry_run,
                struct error *err);
/* The pass could not be made. */
void look_fail(struct look *look, struct arena *arena, const char *where,
               const struct error *error);
/* Adds what came of it to the hint's result. */
void look_tell(const struct look *look);

#endif
