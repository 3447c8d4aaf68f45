/*
 * options: the flags that plan, apply, sync and verify share, laid over the configuration file.
 */
#ifndef UNDERSTUDY_CLI_OPTIONS_H
#define UNDERSTUDY_CLI_OPTIONS_H

#include "engine/engine.h"
#include "engine/undo.h"

#include <stdbool.h>

enum option_use {
    USE_PLAN = 1,
    USE_APPLY = 2,
    USE_SYNC = 4,
    USE_VERIFY = 8,
    USE_UNDO = 16,
    USE_UNDELETE = 32
};

struct options {
    struct arena *arena;
    enum option_use use;
    struct config_set set; /* file and flags, checked; at least one */
    const char *config_file;
    const char *plan_file;   /* apply's argument; NULL: none */
    const char *save_file;   /* plan -o */
    const char *params_file; /* --params-json; NULL: none */
    bool from_env, print_config;
    bool dry_run;             /* sync (an earlier tool's DRY_RUN), undo: show only */
    const char *report_file;  /* --report; NULL: none */
    const char *audit_file;   /* verify --audit; NULL: none */
    bool deep;                /* verify --deep */
    const char *state_folder; /* NULL: nothing is remembered */
    bool no_state;
    int64_t max_duration_ms; /* 0: no limit */
    /* Of undo and undelete: the arguments, and what they come to, one for each of `set`. */
    const char **arguments;
    size_t argument_count;
    const char *run; /* --run; NULL: not given */
    struct undo_request *undo;
    size_t undo_count;
    bool partial; /* of a plan that moved, apply the rest */
    bool force;
    bool no_undo;
    bool json, debug, exit_code, detailed_exit_code;
    unsigned concurrency;
};

/* Parses the command line of a command; ends the program with status 2 when it is wrong, with 0
 * after --help. */
void options_parse(struct options *out, struct arena *arena, enum option_use use, const char *doc,
                   int argc, char **argv);

/* Where runs keep their state: `given`, or what the environment says; NULL: nowhere. */
const char *options_state_folder(struct arena *arena, const char *given);

/* Every long flag, for the test that compares them with the man page. */
void options_names(void (*each)(const char *name, void *arg), void *arg);

#endif
