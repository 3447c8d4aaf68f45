/*
 * scope: which names are meant, and what they are called at the destination.
 *
 * Patterns are matched on names as AWS holds them: "/foo" and "foo" are one. No include pattern
 * means every name. Immutable but for the hit marks, which the one thread that lists the source
 * sets. Memory: the arena given.
 */
#ifndef UNDERSTUDY_ENGINE_SCOPE_H
#define UNDERSTUDY_ENGINE_SCOPE_H

#include "engine/config.h"
#include "resource/resource.h"

#include <stdbool.h>

struct scope {
    const struct config *config;
    bool *hit; /* one for each include pattern: something matched it */
    bool *exclude_hit, *rename_hit;
    bool *select_hit;                    /* by select.c */
    const struct key_names *source_keys; /* NULL: not read. Set before workers ask */
};

void scope_init(struct scope *scope, struct arena *arena, const struct config *config);
/* No pattern has found anything yet. */
void scope_forget(struct scope *scope);
/* As scope_selects, of a kind whose selectors are not about names alone; of another, the same. */
bool scope_selects_resource(struct scope *scope, const struct resource *resource);
/* Is the key one that the glob means? */
bool scope_matches(const char *pattern, const char *key);
/* Is there an include pattern that begins as the key's first level does? */
bool scope_names_level(const struct scope *scope, const char *key);
bool scope_selects(struct scope *scope, const char *key);
/* Did include pattern `i` find nothing that it should have? The name of a path whose names are
 * selected, too ("/prod/app" beside all below it), need not exist. */
bool scope_missed(const struct scope *scope, size_t i);
/* The name at the destination, spelled as the source does. In `arena`. */
const char *scope_target(const struct scope *scope, struct arena *arena, const char *name);
/* Which source keys, if they existed, would be selected by name and be called `key` at the
 * destination: at most rename_count + 1. In `arena`. */
const char *const *scope_sources(const struct scope *scope, struct arena *arena, const char *key,
                                 size_t *count);
/* May the absence of `key` from the listing be believed? Not when each pattern that would have
 * selected it has selected nothing at all, unless it names just this one. */
bool scope_believes_absence(const struct scope *scope, const char *key);
/* What to ask the service for, at the source or at a destination. In `arena`. */
void scope_filter(const struct scope *scope, struct arena *arena, bool at_destination,
                  struct resource_filter *out);

#endif
