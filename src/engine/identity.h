/*
 * identity: who acts on a side: a profile, the roles taken from there, and the quotas that the
 * account has been given.
 *
 * Pure but for memory, which is the arena's. Source: STS's service model (lengths and characters);
 * the limit of an hour for a role that is taken from a role: IAM user guide, "Roles terms and
 * concepts" (role chaining); no role reaches across partitions: the same guide, "ARNs".
 */
#ifndef UNDERSTUDY_ENGINE_IDENTITY_H
#define UNDERSTUDY_ENGINE_IDENTITY_H

#include "client/session.h"
#include "engine/config.h"

#include <stdbool.h>

/* Is it possible? Fills in side->chain. ERR_INVALID; messages name the side by its Region. */
int identity_check(struct arena *arena, struct config_side *side, struct error *err);
/* Would both act as the same principal, as far as a configuration tells? */
bool identity_same(const struct config_side *a, const struct config_side *b);
/* Puts profile, roles and quotas into `options`; they live in `arena`. After identity_check. */
void identity_options(struct arena *arena, const struct config_side *side,
                      struct session_options *options);

#endif
