/*
 * plan_file: a plan as text: JSON, one object a line, in a fixed order, without secrets.
 *
 *     {"type":"plan", ...}       what from where to where: the configuration, the accounts
 *     {"type":"step", ...}       one for each thing to do or that cannot be done, by name
 *     {"type":"summary", ...}    how many there are: a file cut short is refused
 *
 * It is both what `plan -o FILE` saves and what --json prints, so that it can be read by eye, by jq
 * and by `apply FILE`, in bounded memory. `apply` refuses a step whose fingerprint (of the metadata
 * of both sides: versions, times, fields, tags) is no longer the same.
 */
#ifndef UNDERSTUDY_ENGINE_PLAN_FILE_H
#define UNDERSTUDY_ENGINE_PLAN_FILE_H

#include "engine/engine.h"

#include <stdio.h>

/* `command` is the type of the first line: "plan", "apply", "sync", "verify". */
int plan_write(struct engine *engine, const char *command, FILE *out, struct error *err);
/* To a file that only its owner reads, whole or not at all. */
int plan_save(struct engine *engine, const char *path, struct error *err);

/* The configuration a saved plan was made with. In `arena`. */
int plan_read_config(struct arena *arena, const char *path, struct config *out, struct error *err);
/* Its steps become what the engine's inventory approves of. */
int plan_read_steps(struct engine *engine, const char *path, struct error *err);

const char *step_action_name(enum step_action action); /* "create" */
const char *step_status_name(enum step_status status); /* "applied" */

#endif
