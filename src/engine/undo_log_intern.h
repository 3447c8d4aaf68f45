/*
 * undo_log_intern: what undo_log.c (writing) and undo_log_read.c share: where a run's file is and
 * how its lines are sealed.
 */
#ifndef UNDERSTUDY_ENGINE_UNDO_LOG_INTERN_H
#define UNDERSTUDY_ENGINE_UNDO_LOG_INTERN_H

#include "base/seal.h"
#include "engine/undo_log.h"

enum { UNDO_FORMAT = 1 };
#define UNDO_SUFFIX ".jsonl"

const char *undo_log_file(struct arena *arena, const char *state_folder, const char *run);
/* The seal of the state's key; the caller frees it. */
void undo_log_seal(const struct engine *engine, struct seal **seal);
/* What a line is sealed to, so that it is worth nothing in another's place. */
const char *undo_log_label(struct arena *arena, const char *run, const char *place,
                           const char *name);

#endif
