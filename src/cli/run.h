/*
 * run: what plan, apply, sync and verify have in common: an engine, progress, a report.
 */
#ifndef UNDERSTUDY_CLI_RUN_H
#define UNDERSTUDY_CLI_RUN_H

#include "cli/options.h"
#include "engine/report.h"

struct run {
    struct arena arena; /* process lifetime: options and configuration */
    struct options options;
    struct engine *engine;
    struct report report;
    bool progress_shown;
};

/* Parses the command line and opens the engine. 0, or the exit status when that failed. */
int run_begin(struct run *run, enum option_use use, const char *doc, int argc, char **argv);
void run_end(struct run *run);
void run_clear_progress(struct run *run); /* before anything is written to the terminal */
/* Says on standard error what went wrong; returns EXIT_FAILED. */
int run_failed(const struct error *err);

/* The common course of plan and verify, which look and do not write: plans, shows, ends the run.
 * Returns the exit status; `on_changes` when there is something to write. */
int run_look(struct run *run, int (*show)(struct run *, struct tally *, struct error *),
             int on_changes);

/* The common course of apply and sync behind plan_build. Returns the exit status. */
int run_apply(struct run *run, const char *command);

#endif
