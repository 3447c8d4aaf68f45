/*
 * details: what a kind says beside a step (struct verdict): rows for people and programs, and a
 * word for the cell of a matrix. `details` may be NULL. Memory: the arena given. Pure but for
 * `out`.
 */
#ifndef UNDERSTUDY_ENGINE_DETAILS_H
#define UNDERSTUDY_ENGINE_DETAILS_H

#include "base/arena.h"

#include <stdio.h>

/* NULL: none. */
const char *details_aside(struct arena *arena, const char *details);
/* Rows that are not the same on both sides, each indented, and broken before column 100. */
void details_show(FILE *out, const char *details, int indent);
/* How many of these there are. */
size_t details_count(const char *details);

#endif
