/*
 * replace: a copy that AWS would not change to what it should be is deleted and made again.
 *
 * Only where the configuration allows it by name or for all, and only with the new value in hand.
 * The copy is looked at just before: when it is not what was planned for, nothing is deleted. AWS
 * asks for 30 s between the deletion and the new parameter (`replace_wait`); readers find nothing
 * meanwhile. Making it is tried several times; a run that dies in between is mended by the next,
 * which finds no copy and creates it. Called by workers.
 */
#ifndef UNDERSTUDY_ENGINE_REPLACE_H
#define UNDERSTUDY_ENGINE_REPLACE_H

#include "engine/engine.h"

/* May this source's copies be replaced? */
bool replace_allowed(const struct config *config, const char *key);

/* ERR_CONFLICT: somebody else wrote `have` since. `want` has its value. */
int replace_copy(struct engine *engine, struct resource_ctx *ctx, const struct resource *want,
                 const struct resource *have, int64_t *version, struct error *err);

int replace_check(const struct config *config, struct error *err);

#endif
