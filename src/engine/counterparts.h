/*
 * counterparts: keys that the selected resources are under and that nothing maps.
 *
 * A single-Region key is in its Region only, and what is under it is blocked until `keys` names a
 * key of the destination. Between listing and deciding, plan_build looks which such keys there are
 * and plans an equal key for each: an engine of its own (engine->counterparts), of the kind
 * key_kind, about these aliases alone. With `create_counterparts: true` its steps are to be applied
 * before the engine's own, and each key whose counterpart is there, or is to be made, is mapped by
 * its alias. Without, they are only shown, to who asks for that (COUNTERPARTS_SHOWN).
 * A key that a run did not make is neither changed nor mapped. Mappings last until the end of the
 * next pass about everything: until then hints cost nothing more.
 *
 * Memory: in the engine's. Threads: the driving one. Errors: where they are asked for, counterparts
 * that cannot be planned end the plan; where they are only shown, they are left out.
 */
#ifndef UNDERSTUDY_ENGINE_COUNTERPARTS_H
#define UNDERSTUDY_ENGINE_COUNTERPARTS_H

#include "engine/engine.h"

int counterparts_plan(struct engine *engine, struct error *err);
/* For who does not show them one by one: applies them, and adds up. */
int counterparts_apply(struct engine *engine, struct tally *sum, struct error *err);
void counterparts_close(struct engine *engine);
/* What was mapped is looked for again when it is needed. */
void counterparts_forget(struct engine *engine);

#endif
