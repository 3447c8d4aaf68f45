/*
 * race: a write that met another's.
 *
 * PutParameter takes no condition, but it answers the version that it made: when that is not the
 * next behind the one that was seen, somebody wrote in between, and our value stands over theirs.
 * From one source to its copies the name is only looked at again. Between two peers the value that
 * was written over may be the later edit: it is in the history, is put back, and carried by the
 * other direction. A tag says that this version is somebody's edit of such a time, though
 * understudy wrote it: other runs must not take it for a value of the other side's. Called by
 * workers. Source: research R29 (two runs at once), R30.
 */
#ifndef UNDERSTUDY_ENGINE_RACE_H
#define UNDERSTUDY_ENGINE_RACE_H

#include "engine/engine.h"

/* The copy of `pair` was at have->version and we wrote over it as *version. 0: what was written
 * stands, or stands for now. -1: it does not (ERR_CONFLICT, the other's is put back), or nobody can
 * tell. *version becomes the copy's. */
int race_settle(struct engine *engine, unsigned destination, struct arena *arena,
                const struct pair *pair, const struct resource *have, int64_t *version,
                struct error *err);

/* A run that was broken off behind such a write left no more than its intent, with the version that
 * it had looked at (pair->known.over). Is there an edit behind that one, under what understudy
 * wrote last, that is to stand? *lost says which, in `arena`; NULL: none. Reads the history, if
 * that may be. */
int race_lost(struct engine *engine, unsigned destination, struct arena *arena,
              struct arena *values, const struct pair *pair, const char **lost, struct error *err);
/* Puts it back; *restored: there was one. */
int race_restore(struct engine *engine, unsigned destination, struct arena *arena,
                 const struct pair *pair, bool *restored, struct error *err);

/* A write over a copy that somebody deleted meanwhile makes a new one, at an early version and
 * without tags, so without the one that says whose it is: it gets those of `want`, and the name is
 * looked at again, because the source may be gone too. */
int race_remade(struct engine *engine, unsigned destination, struct arena *arena,
                const struct pair *pair, const struct resource *want, struct error *err);

#endif
