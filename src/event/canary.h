/*
 * canary: a parameter of the user's that is written at the source now and then. What happens to it
 * happens to every other change, so what its copies hold tells how far behind all copies are.
 *
 * Its value is the time of the write, by the writer's clock. The daemon and the function write it;
 * canary_look reads it and its copies. Memory: the arena given. One thread. Times are milliseconds
 * since 1970.
 */
#ifndef UNDERSTUDY_EVENT_CANARY_H
#define UNDERSTUDY_EVENT_CANARY_H

#include "base/arena.h"
#include "engine/config.h"
#include "engine/sessions.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes it where the first replication's source is. */
int canary_write(struct session *session, struct arena *arena, const char *region, const char *name,
                 int64_t now_ms, struct error *err);
/* Does the replication carry it from there? */
bool canary_carried(struct arena *arena, const struct config_set *set, const struct config *config,
                    const char *name);

struct canary_place {
    bool source;
    const char *region, *account; /* account NULL: the configuration names none */
    const char *name;             /* what it is called there */
    int64_t written_ms;           /* what stands there was written at the source then; 0: unknown */
    int64_t behind_ms;            /* of a copy: less than the source's; -1: unknown */
    const char *reason;           /* why written_ms is unknown; NULL: it is known */
    bool missing;                 /* for that reason: there is none */
};

struct canary_view {
    struct canary_place *items; /* a source, its copies, perhaps another source ... */
    size_t count;
    int64_t now_ms;
};

/* Reads the canary at the source and at each destination; calls that only read. A place that cannot
 * be read is a place with a reason, not a failure. ERR_INVALID: no replication carries it. */
int canary_look(struct arena *arena, const struct config_set *set, const char *name,
                struct sessions *sessions, const struct session_options *seams,
                struct canary_view *out, struct error *err);

#endif
