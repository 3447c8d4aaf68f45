/*
 * run: what plan, apply, sync and verify have in common: an engine, progress, a report.
 */
#ifndef UNDERSTUDY_CLI_RUN_H
#define UNDERSTUDY_CLI_RUN_H

#include "cli/options.h"
#include "engine/audit.h"
#include "engine/plan_file.h"
#include "engine/presence.h"
#include "engine/report.h"

/* What is shown on the terminal while it works. */
struct progress {
    bool shown;
    const char *phase;
    int64_t begun_ms, shown_ms; /* of the phase; of the last line */
};

struct run {
    struct arena arena; /* process lifetime: options and configuration */
    struct options options;
    struct engine_options engine_options;
    struct engine *engine; /* of the replication that is being run; NULL between them */
    struct report report;
    struct progress progress;
    int64_t begun_ms;
    size_t not_run;            /* replications that a stop left */
    bool moved;                /* a saved plan: something is not as it saw it */
    bool refused;              /* and nothing is to be written */
    bool stopped;              /* before all was done */
    struct plan_saving saving; /* of plan -o */
    struct audit audit;        /* of verify --audit */
    struct plan_saving page;   /* of --report */
    bool page_failed;
    struct key_plans key_plans; /* what plans make that are not applied between one another */
    struct tally total;         /* of the replications so far */
    size_t failed;              /* replications that could not be run to their end */
};

/* Parses the command line. 0, or the exit status when that failed. */
int run_begin(struct run *run, enum option_use use, const char *doc, int argc, char **argv);
void run_end(struct run *run);
void run_clear_progress(struct run *run); /* before anything is written to the terminal */
/* For commands that do not run replications: SIGINT and SIGTERM ask this stop. */
struct stop *run_stop(void);
/* Says on standard error what went wrong; returns EXIT_FAILED. */
int run_failed(const struct error *err);

/* What a command does for one replication: run->engine is open. -1: it could not be run to its end;
 * the others are run all the same. */
typedef int run_course_fn(struct run *run, struct error *err);
/* Runs `course` for each replication, adds up and, for several, writes the sums (`command` is the
 * type of --json). The exit status, given that of the sums by run_status. */
void run_each(struct run *run, run_course_fn *course, const char *command);
/* As run_each, in two passes: `course` follows only when `check` has been run for all replications,
 * whose engines stay open. What `check` says of one that fails is that it could not be run. Between
 * the two `refused` is set, unless --partial, when one has moved or was not checked. */
void run_each_checked(struct run *run, run_course_fn *check, run_course_fn *course,
                      const char *command);
int run_status(const struct run *run, int status);

/* `course` for each plan of counterparts that belongs to run->engine's, in their place. */
int run_counterparts(struct run *run, run_course_fn *course, struct error *err);
/* The course of plan, and of a dry run: plans and shows. */
int run_plan_only(struct run *run, struct error *err);
/* The common course of apply and sync behind plan_build. */
int run_apply(struct run *run, struct error *err);

#endif
