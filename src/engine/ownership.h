/*
 * ownership: which copies are ours, said by a tag on the copy itself.
 *
 * `understudy:source` = ACCOUNT/REGION of the source is put with the call that creates a copy, so
 * that any run from anywhere, with or without state, knows what a replication has made. Copies that
 * were there before are not ours, unless `adopt: true`. `understudy:absent-since` marks a copy
 * whose source is gone (removal.h). Tags that begin with "understudy:" are never compared, and
 * never copied from a source. Pure; memory: the arena given.
 */
#ifndef UNDERSTUDY_ENGINE_OWNERSHIP_H
#define UNDERSTUDY_ENGINE_OWNERSHIP_H

#include "resource/resource.h"

#include <stdbool.h>

#define OWNER_TAG  "understudy:source"
#define ABSENT_TAG "understudy:absent-since"
/* "VERSION MILLISECONDS": that version is an edit of then, which understudy put back (race.h). */
#define EDIT_TAG "understudy:edit"
enum { TAGS_MOST = 50 }; /* a resource has room for (AddTagsToResource) */

/* Takes our tags of the source out of `want` and adds the owner's where there is room. `owner`
 * NULL: none is added. -1: there is no room. */
int ownership_mark(struct arena *arena, const char *owner, struct resource *want);

/* Is `copy` one of this owner's? */
bool ownership_holds(const struct resource *copy, const char *owner);

/* Adds to `diff` what differs in our own tags: a mark of absence goes, for there is a source; the
 * owner's tag comes when `adopt`. */
void ownership_compare(struct arena *arena, const struct resource *want,
                       const struct resource *have, bool adopt, struct diff *diff);

#endif
