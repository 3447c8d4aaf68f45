/*
 * function: what a Lambda function keeps between its invocations: the configuration that holds now,
 * the reconciler under it, its stop and its counters.
 *
 * function_open reads what costs nothing (environment, files of the package), so that a wrong
 * configuration is told before the first event. What costs calls of AWS waits for the first event
 * that needs it: function_ready reads the configuration parameter, again when it is older than
 * CONFIG_MAX_AGE_MS or was told to have changed, and opens the reconciler. A changed configuration
 * takes the place of the old one between two invocations; a wrong one fails the invocation, and
 * nothing is written until it is mended.
 *
 * One thread drives a function. Memory: its own arenas; options are borrowed until function_close.
 * ERR_NOT_FOUND of function_open: there is no configuration (a custom resource needs none, nor does
 * a payload that brings its own); function_ready then says so.
 */
#ifndef UNDERSTUDY_EVENT_FUNCTION_H
#define UNDERSTUDY_EVENT_FUNCTION_H

#include "base/stop.h"
#include "engine/reconcile.h"
#include "event/metrics.h"
#include "event/settings.h"

enum { CONFIG_MAX_AGE_MS = 60 * 1000 };

struct function_options {
    legacy_get_fn *get; /* the environment */
    const char *folder; /* of the package; NULL: has no files */
    /* Seams, and the environment; NULL: the real ones. */
    struct transport *transport;
    struct clock *clock;
    struct random *random;
    const char *const *environment;
};

struct function {
    struct function_options options;
    struct clock *clock;
    struct arena arena; /* lives as long as the function */
    struct event_settings settings;
    struct error no_settings; /* code other than ERR_NONE: there are none */
    struct arena parameter;   /* what the parameter said last */
    const char *parameter_text;
    size_t parameter_len;
    int64_t parameter_read_ms; /* monotonic */
    bool parameter_changed;    /* read it again */
    struct session *session;   /* that reads it; NULL: not yet */
    struct reconciler *reconciler;
    struct stop stop;
    struct metrics metrics;
};

int function_open(struct function *function, const struct function_options *options,
                  struct error *err);
void function_close(struct function *function);

/* An invocation begins that Lambda kills at `deadline_ms` (since 1970; 0: not told): work ends
 * early enough to answer. */
void function_begin(struct function *function, int64_t deadline_ms);
/* Configuration and reconciler stand. */
int function_ready(struct function *function, struct error *err);
/* Writes the canary at the source, with the function's own identity; function_ready comes first.
 * ERR_INVALID: UNDERSTUDY_CANARY is not set, nothing replicates it, or a role stands before the
 * source. `counts`: calls that were made, also after a failure. */
int function_canary(struct function *function, struct arena *arena, struct aws_call_counts *counts,
                    struct error *err);
/* A hint named it: is it the configuration's own parameter, which then is read again? */
void function_hinted(struct function *function, const struct hint *hint);
/* As the function's own, for the configuration of one payload. */
int function_reconciler(struct function *function, const struct event_settings *settings,
                        struct reconciler **out, struct error *err);

#endif
