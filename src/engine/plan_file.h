/*
 * plan_file: a plan as text: JSON, one object a line, in a fixed order, without secrets.
 *
 *     {"type":"plan", ...}       what from where to where: the configuration, the accounts
 *     {"type":"step", ...}       one for each thing to do or that cannot be done, by name
 *     {"type":"summary", ...}    how many there are: a file cut short is refused
 *
 * Several replications follow each other, numbered, and end with {"type":"total", ...}. It is both
 * what `plan -o FILE` saves and what --json prints, so that it can be read by eye, by jq and by
 * `apply FILE`, in bounded memory. `apply` refuses a step whose fingerprint (of the metadata of
 * both sides: versions, times, fields, tags) is no longer the same.
 */
#ifndef UNDERSTUDY_ENGINE_PLAN_FILE_H
#define UNDERSTUDY_ENGINE_PLAN_FILE_H

#include "engine/engine.h"

#include <stdio.h>

/* `command` is the type of the first line: "plan", "apply", "sync", "verify". */
int plan_write(struct engine *engine, const char *command, FILE *out, struct error *err);
/* In place of a replication's lines: {"type":"failed", ...}. */
int plan_write_failure(const struct config *config, unsigned number, const struct error *failure,
                       FILE *out, struct error *err);
/* The sums of several. */
int plan_write_total(const struct tally *total, const char *command, FILE *out, struct error *err);

/* A file that only its owner reads, whole or not at all: plan_write to `out`, then keep or drop.
 * Memory: `arena`. */
struct plan_saving {
    FILE *out;
    const char *path, *beside;
};
int plan_save_open(struct arena *arena, const char *path, struct plan_saving *out,
                   struct error *err);
int plan_save_keep(struct plan_saving *saving, struct error *err); /* closes in any case */
void plan_save_drop(struct plan_saving *saving);                   /* fine when not open */

/* The configuration that a saved plan was made with, when the file is whole. In `arena`. */
int plan_read_config(struct arena *arena, const char *path, struct config_set *out,
                     struct error *err);
/* Every line of a saved plan but its total, as it is walked through; what is not whole is refused
 * where that is seen. `each` returns -1 with err filled to stop. */
int plan_each(const char *path, int (*each)(const json_t *line, void *arg, struct error *err),
              void *arg, struct error *err);
/* The steps of the engine's replication become what its inventory approves of. */
int plan_read_steps(struct engine *engine, const char *path, struct error *err);

const char *step_action_name(enum step_action action); /* "create" */
const char *step_status_name(enum step_status status); /* "applied" */

#endif
