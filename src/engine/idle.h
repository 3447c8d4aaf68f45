/*
 * idle: rules and key mappings of the configuration that nothing selected had a use for.
 *
 * A key mapping is used when a selected source is under its key; "*" is for what may come, and
 * never idle. A rewrite rule is idle when it is for nothing that is selected, or when every value
 * that it is for was read by this plan and none had its text; what was not read is not judged.
 * Rules are numbered: those of each destination, then those of all. Begun and seen by the driving
 * thread; looks may be counted by any.
 */
#ifndef UNDERSTUDY_ENGINE_IDLE_H
#define UNDERSTUDY_ENGINE_IDLE_H

#include "engine/engine.h"

void idle_begin(struct engine *engine);
void idle_see(struct engine *engine, unsigned destination, const struct resource *source);
/* A value was read; bit i of `hits`: the i-th rule for this destination changed it. */
void idle_looked(struct engine *engine, unsigned destination, const struct resource *source,
                 uint64_t hits);
void idle_each(const struct engine *engine,
               void (*each)(const char *selector, const char *text, void *arg), void *arg);

#endif
