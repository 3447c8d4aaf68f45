/*
 * two_way: of two peers that may both be written, which one a name is to be as.
 *
 * A replication that says `two_way: true` is run as two: *out*, as it is written, and *back*, with
 * source and destination changed. Each writes only what the other yields, by one rule, so that the
 * two need not know of each other, nor runs in other places of this one:
 *   1. the Region that `owners` names for the name;
 *   2. the side that changed since both were last known to be equal, if only one did;
 *   3. else a side that somebody else wrote last before one that understudy did (what it wrote is
 *      the other side's value of some earlier time);
 *   4. else the later LastModifiedDate; else the replication's source.
 * Tags have no time: the side whose tags differ from those last known to be equal; else the source.
 * A name that only one side has is new, unless its tag says that it is a copy of the other's: then
 * it was deleted there. Pure but for memory, which is the arena given; any thread.
 * Source: docs/two-way.md; research R30.
 */
#ifndef UNDERSTUDY_ENGINE_TWO_WAY_H
#define UNDERSTUDY_ENGINE_TWO_WAY_H

#include "engine/engine.h"

/* Words of `two_way` once the set is expanded: of a plan's and of undo's configuration, too. */
bool two_way_is(const struct config *config);   /* either direction */
bool two_way_back(const struct config *config); /* from the destination to the source */

/* Refuses what cannot go both ways. ERR_INVALID. */
int two_way_check(const struct config *config, struct error *err);
/* Each replication that goes both ways becomes two. */
void two_way_expand(struct arena *arena, struct config_set *set);

/* `pair` differs as `diff` says. Why this engine leaves it to the other direction; NULL: it writes,
 * and `*note` says over what, when something is lost from sight by it. */
const char *two_way_yields(struct engine *engine, struct arena *arena, unsigned destination,
                           const struct pair *pair, const struct diff *diff, const char **note);
/* Why a source without a copy is not new; NULL: it is. */
const char *two_way_gone(const struct engine *engine, struct arena *arena, unsigned destination,
                         const struct resource *source);
/* Why a copy without a source is not to be deleted; NULL: it may be. */
const char *two_way_edited(struct engine *engine, struct arena *arena, unsigned destination,
                           const struct resource *copy);
/* Was this version of the copy's an edit that wins over the source, though it was written over? */
bool two_way_edit_wins(const struct engine *engine, const struct pair *pair,
                       const struct resource *edit);
/* Both sides have the same tags now. */
void two_way_keep_tags(struct engine *engine, unsigned destination, const struct pair *pair);

/* Did a run of understudy's write it last, from here or from elsewhere? Not when it only put an
 * edit back, as the tag says. */
bool two_way_ours(const struct engine *engine, unsigned side, const struct resource *resource);
/* When what stands there was written by whoever wrote it first. */
int64_t two_way_edit_ms(const struct resource *resource);

#endif
