/*
 * event_files: the events of tests/unit/event/events, as AWS sends them.
 *
 * Their shapes are those of the shared facts (events.md sections 3 to 5). A test that asks for a
 * file that is not there fails.
 */
#ifndef UNDERSTUDY_TESTS_EVENT_FILES_H
#define UNDERSTUDY_TESTS_EVENT_FILES_H

#include "base/arena.h"
#include "base/json.h"

/* "ssm-put-parameter" without ".json". */
char *event_file_text(struct arena *arena, const char *name);
json_t *event_file(struct arena *arena, const char *name); /* a new reference */

#endif
