/*
 * settings: where a function (or a daemon) finds what to replicate.
 *
 * Exactly one of these, and an error that names both when two are there:
 *   - the environment of the event-driven replicator: DEST_REGIONS, PARAM_PATHS ... (or that of the
 *     bulk script; engine/legacy reads them);
 *   - understudy.yaml, understudy.json or params.json beside the program ($LAMBDA_TASK_ROOT);
 *   - UNDERSTUDY_CONFIG: the configuration itself, YAML or JSON;
 *   - UNDERSTUDY_CONFIG_PARAMETER: the name of a parameter that holds it, read with the function's
 *     own role.
 * DRY_RUN=true and UNDERSTUDY_CANARY count beside each of them. A source without a Region is
 * AWS_REGION.
 *
 * event_settings_read does no call of AWS: with a parameter it leaves `set` empty and the caller
 * gives the text it read to event_settings_take. Memory: the arena given; immutable after. Messages
 * name the source and the key. ERR_NOT_FOUND: there is no configuration; ERR_INVALID, ERR_IO.
 */
#ifndef UNDERSTUDY_EVENT_SETTINGS_H
#define UNDERSTUDY_EVENT_SETTINGS_H

#include "base/arena.h"
#include "engine/legacy.h"

#include <stdbool.h>
#include <stddef.h>

struct event_settings {
    struct config_set set; /* checked; count 0: still to be read from `parameter` */
    bool dry_run;
    const char *origin;    /* for messages: "UNDERSTUDY_CONFIG", "understudy.yaml" */
    const char *canary;    /* UNDERSTUDY_CANARY: name of the canary; NULL: none */
    const char *parameter; /* the name in UNDERSTUDY_CONFIG_PARAMETER; NULL: not that source */
    const char *notes[LEGACY_NOTES_MAX]; /* what an earlier tool did that is done otherwise here */
    size_t note_count;
};

/* `folder`: where the files of the package are; NULL: no files are looked for. */
int event_settings_read(struct arena *arena, legacy_get_fn *get, const char *folder,
                        struct event_settings *out, struct error *err);
/* The text of `out->parameter`. On failure `out` is as it was. */
int event_settings_take(struct arena *arena, legacy_get_fn *get, const char *data, size_t len,
                        struct event_settings *out, struct error *err);
/* params.json, as the payload of a direct invocation: a configuration for that call alone. */
int event_settings_params(struct arena *arena, legacy_get_fn *get, const char *data, size_t len,
                          struct event_settings *out, struct error *err);

#endif
