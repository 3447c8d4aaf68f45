/*
 * plan_file_intern: what plan_file.c (writing) and plan_file_read.c share.
 */
#ifndef UNDERSTUDY_ENGINE_PLAN_FILE_INTERN_H
#define UNDERSTUDY_ENGINE_PLAN_FILE_INTERN_H

#include "engine/plan_file.h"

enum { PLAN_FORMAT = 1, PLAN_KEY_ID_SIZE = 17 };
#define PLAN_REPLACE "replace" /* an update, of the harder kind */

/* Names the key of the fingerprints, without telling anything of it. */
void plan_key_id(const struct engine *engine, char out[PLAN_KEY_ID_SIZE]);

#endif
