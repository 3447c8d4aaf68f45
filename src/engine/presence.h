/*
 * presence: is the multi-Region key that a copy is to be under there, at its destination?
 *
 * What nothing maps and is under such a key stays under it, and AWS refuses the write where the key
 * has no replica. Between listing and deciding, plan_build asks (a DescribeKey for each key and
 * destination, only for copies that are to come under it) and blocks what cannot be written, unless
 * the same run makes the replica first: plans of keys note what they make in struct key_plans,
 * which the engines of one run share. What was found is not asked again for some minutes; where it
 * may not be asked, AWS says it.
 *
 * Memory: the engine's. Threads: the driving one; presence_problem: any, after presence_look.
 */
#ifndef UNDERSTUDY_ENGINE_PRESENCE_H
#define UNDERSTUDY_ENGINE_PRESENCE_H

#include "engine/engine.h"

/* Of one run; zeros: nothing is planned. In `arena`, which outlives the engines. */
struct key_plans {
    struct arena *arena;
    struct key_plan *first;
};

int presence_look(struct engine *engine, struct error *err);
/* Why nothing can come under the key there, and what mends it; NULL: it can, or nobody knows.
 * *note: what is made first; NULL: nothing. */
const char *presence_problem(const struct engine *engine, unsigned destination, const char *key,
                             const char **note);

/* For kinds of keys: what the plan makes, or mends; and that it was applied, well or not. */
int presence_note_plan(struct engine *engine, struct error *err);
void presence_forget_plan(struct engine *engine);

#endif
