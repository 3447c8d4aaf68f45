/*
 * event: from what EventBridge delivers to what must be looked at.
 *
 * An event is a hint: it names a parameter, a key or a secret that may differ now. It never says
 * what to do: the engine reads the source's present state. So a failed call (errorCode) and a call
 * that only reads are nothing to look at (`ignored`), and a delete is a hint like any other. Names
 * are taken as the event has them. Account and Region are passed on as they stand in the event; the
 * engine judges whether they are its own. Which events there are is one table, event_sources.c.
 *
 * Memory: the arena given. Pure; any thread. ERR_INVALID for what is not understood: the message
 * names the member that is wrong and never holds a value of the event. Source: shared facts,
 * events.md sections 2 to 5 and 12.
 */
#ifndef UNDERSTUDY_EVENT_EVENT_H
#define UNDERSTUDY_EVENT_EVENT_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"

#include <stddef.h>

struct hint; /* engine/reconcile.h */

struct event_hints {
    struct hint *hints;
    size_t count;
    const char *ignored; /* with no hints: why there is nothing to look at; else NULL */
    /* For logs. Words of the table, not of the event: "aws.ssm", "PutParameter". */
    const char *source, *what;
};

/* A whole EventBridge envelope. */
int event_read(struct arena *arena, const json_t *event, struct event_hints *out,
               struct error *err);
/* The body of a queue's message: an envelope as text, or an SNS notification that holds one. */
int event_read_body(struct arena *arena, const char *body, size_t len, struct event_hints *out,
                    struct error *err);

#endif
