/*
 * edits: was a copy changed by somebody else than a run of ours?
 *
 * Where the state knows the version at which source and copy were last equal, any other version is
 * an edit. Where it does not, the principal that AWS names as the last writer is compared with the
 * one that acts for this side (roles by role, whatever the session is called). An edit of tags
 * alone makes no version and is not seen. Pure but for memory.
 */
#ifndef UNDERSTUDY_ENGINE_EDITS_H
#define UNDERSTUDY_ENGINE_EDITS_H

#include "engine/engine.h"

/* "edited at the destination on 2026-11-22T03:15:00Z by arn:..."; NULL: it was not, or nobody
 * knows. In `arena`. */
const char *edit_of(struct engine *engine, struct arena *arena, unsigned destination,
                    const struct pair *pair);

/* Are these ARNs one principal? */
bool edit_same_principal(const char *a, const char *b);

#endif
