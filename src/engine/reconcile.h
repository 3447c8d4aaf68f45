/*
 * reconcile: replication that stays: the looks that hints ask for, and full passes between them.
 *
 *     reconciler_open, (reconcile_hints | reconcile_all)..., reconciler_close
 *
 * A hint says that something may differ, never what happened: the source's present state is read
 * and the copies converge, by the same plan, decision, guard and writes as a run of sync has, only
 * for a few names. A name at a destination is a hint too: its copy may have been changed there.
 * What is open (sessions, accounts, workers, names of keys) and what was found equal stays between
 * calls, so that one changed parameter costs at most 6 calls of AWS in one Region; without a state
 * folder it is remembered in memory, where nothing that was overwritten is kept for undo.
 *
 * One thread drives a reconciler; workers are inside. Memory: texts of results are in the arena
 * given; the configuration and all of the options are borrowed until reconciler_close. Times are
 * milliseconds since 1970. Errors: of one name or one destination in its result; -1 only when the
 * reconciler itself cannot go on (its temporary file failed).
 * Source: DESIGN.md's promises 1, 4, 6, 7; research R15 to R18, R24, R29 to R31.
 */
#ifndef UNDERSTUDY_ENGINE_RECONCILE_H
#define UNDERSTUDY_ENGINE_RECONCILE_H

#include "engine/engine.h"

struct reconciler;

struct reconcile_options {
    /* Seams, and the environment; NULL: the real ones. */
    struct transport *transport;
    struct clock *clock;
    struct random *random;
    const char *const *environment;
    const char *state_folder; /* NULL: remembers in memory only */
    const char *command;      /* for the journal; NULL: "reconcile" */
    unsigned concurrency;     /* 0: CONCURRENCY_DEFAULT */
    struct stop *stop;        /* when to end before all is done; may be set anew between calls */
    bool dry_run;             /* looks and tells, writes nothing */
    bool no_wait;             /* never sleep for the rate limiter (tests) */
};

/* "This may differ." */
struct hint {
    const char *kind;          /* "ssm-parameter"; NULL: whichever has such a name */
    const char *account;       /* as the event says; NULL or "": not told */
    const char *region, *name; /* likewise; the name as the service spells it */
    int64_t version;           /* the side named must show at least this; 0: not told */
    int64_t at_ms;             /* when it happened; 0: not told */
};

enum hint_outcome {
    HINT_IGNORED, /* nothing that is replicated, or a copy that stays as the configuration wants it
                   * (without a source, edited); or a dry run: `why` */
    HINT_EQUAL,   /* looked at; there was nothing to do */
    HINT_APPLIED, /* at least one copy was written, marked or deleted, and none is left behind */
    HINT_BLOCKED, /* must not or cannot be carried: `why`; again won't help */
    HINT_FAILED,  /* `error`, and `why` says where; the same hint again may do */
    HINT_LATER,   /* it could not be seen yet, or was stopped: the same hint again later */
};

struct hint_result {
    enum hint_outcome outcome;
    const char *why;    /* NULL: nothing to say */
    struct error error; /* of HINT_FAILED */
    int64_t lag_ms;     /* from at_ms until the last copy was acknowledged; -1: not known */
    bool removed;       /* a copy was deleted, or marked as absent */
    unsigned writes;    /* destinations where something was written */
};

/* Asks STS whose credentials these are, at most once for each identity. ERR_INVALID: the
 * configuration cannot work. `set` has passed config_check_set. */
int reconciler_open(const struct config_set *set, const struct reconcile_options *options,
                    struct reconciler **out, struct error *err);
void reconciler_close(struct reconciler *reconciler); /* wipes; NULL is fine */

/* Several hints for one name in one call are one look. `sum` (may be NULL) adds up what was done,
 * over all replications. */
int reconcile_hints(struct reconciler *reconciler, struct arena *arena, const struct hint *hints,
                    size_t count, struct hint_result *results, struct tally *sum,
                    struct error *err);

/* A full pass over all replications. Stopped by the deadline (sum->stopped) it goes on where it
 * was the next time: behind the last page that was listed, value that was compared and copy that
 * was written, whatever hints come in between; when 24 hours lie between, it begins anew. Nothing
 * is deleted before all of both sides was listed. `sum` counts from the beginning of the pass, but
 * its calls and its time are this call's; sum->missed counts what differed though its change is
 * older than any event still under way could be, when a replication's pass has ended. A replication
 * that failed is in sum->failed_replications, the first reason in `err`, and the others were run;
 * -1 only in the call where it failed, and in the one that ends the pass. It is kept in memory: a
 * reconciler that is opened anew begins anew. */
int reconcile_all(struct reconciler *reconciler, struct tally *sum, struct error *err);

#endif
