/*
 * fixture: files that the tests of src/aws read. Any failure to read fails the test.
 */
#ifndef UNDERSTUDY_TESTS_AWS_FIXTURE_H
#define UNDERSTUDY_TESTS_AWS_FIXTURE_H

#include "base/arena.h"
#include "base/text.h"

#include <jansson.h>
#include <stdbool.h>

/* A path below tests/unit/aws. */
const char *fixture_path(struct arena *arena, const char *name);
/* A path in the folder of AWS's models (UNDERSTUDY_SHARED, else ../shared beside the source), or
 * NULL when it is not on this machine. */
const char *fixture_shared(struct arena *arena, const char *name);
struct text fixture_read(struct arena *arena, const char *path);
json_t *fixture_json(struct arena *arena, const char *path);

#endif
