/*
 * select: which of the resources whose names are meant are meant by what they are: by type, tier,
 * key and tags.
 *
 * Within one list any entry will do, between lists all must fit. `tags` entries are "key" (it has
 * the tag) or "key=value". What is not chosen stays in the inventory, so that its copy does not
 * pass for one whose source is gone. Immutable but for the hit marks; the driving thread only.
 */
#ifndef UNDERSTUDY_ENGINE_SELECT_H
#define UNDERSTUDY_ENGINE_SELECT_H

#include "engine/engine.h"

/* Behind the listings: marks in the inventory what is not chosen. */
int select_sides(struct engine *engine, struct error *err);

/* Every selector that nothing fitted: each("exclude", pattern, arg); and every rule and key mapping
 * that is idle (idle.h). */
void select_unmatched(const struct engine *engine,
                      void (*each)(const char *selector, const char *text, void *arg), void *arg);

int select_check(const struct resource_kind *kind, const struct config_select *select,
                 struct error *err);

#endif
