/*
 * removal: copies whose source is gone.
 *
 * A copy is *extra* when its name is one that a selected source would give and no source has it. By
 * `deletes` it is left (never), or, when it is ours (owned) or whoever's it is (all), first marked
 * with the tag `understudy:absent-since` and deleted once the mark is older than `delete_grace`.
 * The mark stands on the copy, so that it works without state and from anywhere; a source that is
 * there again clears it. Nothing is marked or deleted
 *   - when the source's listing failed or was empty, or each pattern that would have selected the
 *     name selected nothing;
 *   - for names that belong to AWS;
 *   - when more than `max_delete` would go: then nothing at all;
 *   - when anything else of the run failed;
 *   - unless the source says, asked for the name itself just before, that it is not there;
 *   - when the copy's tags or version, read again just before, are not what was listed.
 * A pass about a few names (focus.h) has no listing to go by: it asks for each name at the source
 * twice, in two ways (listed by name, then read), and `max_delete` holds over a day.
 * Source: DESIGN.md's promise 6; research R15 to R18, R56.
 */
#ifndef UNDERSTUDY_ENGINE_REMOVAL_H
#define UNDERSTUDY_ENGINE_REMOVAL_H

#include "engine/engine.h"

/* How long deletions count against `max_delete` in an engine that stays. */
#define REMOVAL_WINDOW_MS ((int64_t)24 * 60 * 60 * 1000)

/* Adds the steps, behind the join. */
int removal_plan(struct engine *engine, struct error *err);
/* Carries them out, behind all other writes. */
int removal_apply(struct engine *engine, struct error *err);

#endif
