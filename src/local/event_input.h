/*
 * event_input: what a rule's target gets of an event: all of it, a constant text, one part (an
 * InputPath), or a template filled in (an InputTransformer). Pure; any thread.
 * Source: shared facts, events.md section 10.
 */
#ifndef UNDERSTUDY_LOCAL_EVENT_INPUT_H
#define UNDERSTUDY_LOCAL_EVENT_INPUT_H

#include "base/arena.h"
#include "base/buf.h"

#include <jansson.h>
#include <stdint.h>

/* A target as PutTargets takes it: NULL, or what AWS says is wrong with its Input, InputPath or
 * InputTransformer (a ValidationException's text), in `arena`. */
const char *event_input_check(struct arena *arena, const json_t *target);

struct event_origin {
    const char *rule_arn, *rule_name;
    int64_t ingested_ms;
};
/* The text for `target`: appended to `out`. `text` is the event as it stands on the bus, `event`
 * the same parsed. -1: the template cannot be filled in with this event; nothing is delivered. */
int event_input_write(const json_t *target, const json_t *event, const char *text,
                      const struct event_origin *origin, struct buf *out);

/* "$.detail.name", "$.resources[0]", "$['detail-type']": borrowed, NULL when there is no such
 * part; *good (may be NULL) says whether it is a path at all. */
const json_t *event_input_find(const json_t *event, const char *path, bool *good);

#endif
