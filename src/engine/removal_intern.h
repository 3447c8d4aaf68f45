/*
 * removal_intern: what removal.c (planning) and removal_apply.c share: how a copy is judged.
 */
#ifndef UNDERSTUDY_ENGINE_REMOVAL_INTERN_H
#define UNDERSTUDY_ENGINE_REMOVAL_INTERN_H

#include "engine/removal.h"

/* When the copy was marked, in milliseconds since 1970; -1: there is no mark, or it is not one of
 * ours. */
int64_t removal_absent_since(const struct resource *copy);
/* Why `deletes` does not concern this copy; NULL: it does. In `arena`, or constant. */
const char *removal_not_ours(const struct engine *engine, struct arena *arena,
                             const struct resource *copy, unsigned side);
const char *removal_time_text(struct arena *arena, int64_t time_ms);

#endif
