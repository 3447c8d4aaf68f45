/*
 * event_sources: which events tell of something that is replicated, as one table.
 *
 * A new event is one line in event_sources.c. `shapes` say where an event's detail holds the names;
 * what stands there is judged in event.c. Const; any thread. Source: shared facts, events.md
 * sections 3 to 5.
 */
#ifndef UNDERSTUDY_EVENT_EVENT_SOURCES_H
#define UNDERSTUDY_EVENT_EVENT_SOURCES_H

#include <stdbool.h>
#include <stddef.h>

enum { EVENT_PATHS_MAX = 8 };

/* Paths from the detail; where there is a list on the way, each of its items is followed. */
struct event_shape {
    const char *kind;                   /* of the hint */
    const char *paths[EVENT_PATHS_MAX]; /* to names; NULL-terminated */
    bool all;                           /* of every path that is there; else of the first */
    const char *version;                /* path to a number; NULL: the event tells none */
    /* This member must say so, or the event is of something else; NULL: no condition. */
    const char *only_path, *only_text;
    bool parameters; /* names may be ARNs of parameters: hints have their names */
    bool keys;       /* of several ARNs those of keys count, not those of aliases */
};

struct event_source {
    const char *source, *detail_type;
    const char *name; /* eventName of a CloudTrail record; NULL: a native event */
    const struct event_shape *shape;
};

/* NULL-terminated by a row without a source. */
extern const struct event_source event_sources[];

#endif
