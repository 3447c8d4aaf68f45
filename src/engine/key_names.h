/*
 * key_names: which names of a side's keys are names of one key.
 *
 * AWS shows a key as whoever wrote the parameter named it: by alias, id or ARN. A configuration
 * that says alias/prod must find what was written under that alias's key id. The aliases of a side
 * are read (kms:ListAliases) only when texts alone do not settle it; where that is not permitted,
 * texts are all there is. An alias that was pointed to another key since is taken for what it is
 * now. Filled by the driving thread before any worker asks; memory: the arena given.
 */
#ifndef UNDERSTUDY_ENGINE_KEY_NAMES_H
#define UNDERSTUDY_ENGINE_KEY_NAMES_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct key_name {
    const char *alias, *id;
};
struct key_names {
    struct key_name *rows; /* sorted by alias once listed */
    size_t count, room;
};

void key_names_add(struct key_names *names, struct arena *arena, const char *alias, const char *id);
/* Do both name one key? `names` may be NULL. */
bool key_names_same(const struct key_names *names, const char *a, const char *b);
/* An alias of the key that `key` names: itself when it is one; NULL: it has none, or nobody can
 * tell. In `arena`, or the names'. */
const char *key_names_alias(const struct key_names *names, struct arena *arena, const char *key);
/* The id of a multi-Region key ("mrk-...") that `key` names, which is the same in every Region;
 * NULL: it is none, or nobody can tell. */
const char *key_names_multi_region(const struct key_names *names, struct arena *arena,
                                   const char *key);

#endif
