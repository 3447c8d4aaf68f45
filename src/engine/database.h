/*
 * database: how the engine opens SQLite: the inventory of a run, and what runs remember.
 *
 * Set for small work done often, a look at one name: no memory statistics (they take a lock at each
 * allocation, for the whole process), and statements are not parsed again when a bound value might
 * choose another index. Any thread; a connection is for one thread at a time.
 */
#ifndef UNDERSTUDY_ENGINE_DATABASE_H
#define UNDERSTUDY_ENGINE_DATABASE_H

#include <sqlite3.h>

/* SQLite's code; *out is to be closed either way. `flags` as of sqlite3_open_v2. */
int database_open(const char *path, int flags, sqlite3 **out);

#endif
