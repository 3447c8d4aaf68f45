/*
 * event_pattern: EventBridge's event patterns: compiled once, asked for each event. Pure; any
 * thread.
 *
 * A pattern's leaves are lists whose elements are OR-ed, its keys are AND-ed, "$or" takes
 * sub-patterns. Paths are compared as their keys joined by dots. Of an event's lists any element
 * may match, but all keys that reach into one list of objects must match in the same element.
 * Source: shared facts, events.md section 9.
 */
#ifndef UNDERSTUDY_AWS_EVENT_PATTERN_H
#define UNDERSTUDY_AWS_EVENT_PATTERN_H

#include "base/arena.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct event_pattern; /* immutable: may be shared by threads */

/* NULL when it is not a pattern; *why is then what AWS answers, in `arena`: "Event pattern is not
 * valid. Reason: ...". Everything is in `arena`, nothing points into `json`. The length of the text
 * is the caller's to limit. */
struct event_pattern *event_pattern_parse(struct arena *arena, const char *json, size_t len,
                                          const char **why);

/* An event's leaves, for all the patterns it is compared with. Points into `event`. */
struct event_fields;
struct event_fields *event_fields_of(struct arena *arena, const json_t *event);

bool event_pattern_matches(const struct event_pattern *pattern, const struct event_fields *fields);

#endif
