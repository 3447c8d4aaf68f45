/*
 * guard: the last look at the copies of a batch before they are written.
 *
 * Each copy that is to be overwritten is read once more, ten a call: its version must be the one
 * that was planned for, else somebody wrote it meanwhile and it is left as a conflict. What stands
 * there goes to the undo log, which is on the disk before the first write of the batch is sent.
 */
#ifndef UNDERSTUDY_ENGINE_GUARD_H
#define UNDERSTUDY_ENGINE_GUARD_H

#include "engine/engine.h"

/* Steps that may not be written are given their status. `sources` are the batch's values. */
void guard_batch(struct batch *batch, unsigned worker, const struct reading *sources);
/* A step was written, and the copy has this version now. */
void guard_left(struct batch *batch, const struct step *step, const struct pair *pair,
                int64_t version);

#endif
