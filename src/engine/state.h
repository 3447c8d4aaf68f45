/*
 * state: what runs remember of each other: pairs found equal, writes begun, runs made.
 *
 * A folder (0700) with `state.key` (32 random bytes, 0600, made once) and `state.db` (SQLite, WAL).
 * It is a cache: losing it costs calls, never correctness. So nothing here fails a run: a file that
 * is broken or not ours is set aside under another name and a new one begun; one of a newer version
 * is left alone; whatever fails later ends the use of the file with one warning. It holds names,
 * versions and keyed digests, never a value and never a plain hash of one. A transaction survives
 * kill -9 at any moment (not the loss of power, after which some may be missing). Several processes
 * may use a folder at once. Any thread may call anything; one lock inside, taken after the
 * inventory's and before no other. Reason: docs/decisions/0014-state.md.
 *
 * Without a folder all of it is in memory: for a process that stays and has no disk of its own.
 */
#ifndef UNDERSTUDY_ENGINE_STATE_H
#define UNDERSTUDY_ENGINE_STATE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RUN_ID_SIZE = 24, STATE_KEY_SIZE = 32, STATE_MARK_SIZE = 16 };

/* "20261122T031500Z-a1b2c3": sorts by time. */
void run_id_make(struct clock *clock, struct random *random, char out[RUN_ID_SIZE]);

struct state;

/* `folder` NULL: in memory. -1 with the reason, a sentence for a warning, when there can be no
 * state; the run goes on with NULL. Every function below takes NULL for a state that is not there.
 */
int state_open(const char *folder, const char *run_id, struct clock *clock, struct random *random,
               struct state **out, struct error *err);
void state_close(struct state *state);
/* Why it is no longer or only newly used, to be shown once; "" when all is well. */
const char *state_warning(const struct state *state);
const char *state_folder(const struct state *state);

/* A key for one purpose, the same in every run with this folder. */
void state_derive_key(const struct state *state, const char *purpose,
                      unsigned char out[STATE_KEY_SIZE]);

/* What is copied between two sides. `source` and `destination` name endpoint, account and Region.
 * 0 when there is no state. */
int64_t state_link(struct state *state, const char *kind, const char *source,
                   const char *destination);

/* A pair as it was when source and copy were last known to be equal. */
struct state_pair {
    const char *key; /* the source's */
    int64_t source_version, source_modified_ms;
    int64_t copy_version;
    /* When AWS says the copy was written: exactly after a listing; after a write of ours, within
     * what our clock allows (PutParameter answers no time). */
    int64_t copy_earliest_ms, copy_latest_ms;
    unsigned char mark[STATE_MARK_SIZE]; /* keyed digest of what turns the value into the copy's */
};
/* What is remembered of a key. */
struct state_known {
    struct state_pair pair; /* its key is the one asked for */
    char run_id[RUN_ID_SIZE];
    bool recorded;   /* `pair` and `run_id` are filled */
    bool written;    /* that run wrote the copy; else it found both equal */
    bool unfinished; /* a write was begun by a run that ended without finishing it */
    int64_t over;    /* the copy's version that it goes over; 0: not known. By the engine */
};
void state_find(struct state *state, int64_t link, const char *key, struct state_known *out);

/* Several at once, in one transaction: begin, any of the next four, end. */
void state_begin(struct state *state);
void state_end(struct state *state);
/* Before a write is sent: what a later run must look at, should this one not come back. */
void state_intend(struct state *state, int64_t link, const char *key);
/* The copy's value is the source's: found so, or `written`. */
void state_keep(struct state *state, int64_t link, const struct state_pair *pair, bool written);
/* The copy's value at a version, as a digest under a key of the caller's. In memory only, for as
 * long as the state is open. */
void state_keep_digest(struct state *state, int64_t link, const char *key, int64_t copy_version,
                       const unsigned char digest[32]);
bool state_digest(struct state *state, int64_t link, const char *key, int64_t copy_version,
                  unsigned char out[32]);
/* The copy is whole: ends the intents of this run, and of runs that have ended. */
void state_finish(struct state *state, int64_t link, const char *key);
/* Between two peers: the copy's version that a write goes over, beside state_intend; the oldest
 * that a run of those began and did not finish (0: none); as state_finish. `way` is the link,
 * negative on the way back. */
void state_intend_over(struct state *state, int64_t way, const char *key, int64_t copy_version);
int64_t state_over(struct state *state, int64_t way, const char *key);
void state_finish_over(struct state *state, int64_t way, const char *key);
/* Nothing is known of it any more (it was deleted, or failed to be written). */
void state_forget(struct state *state, int64_t link, const char *key);

/* Deletions at a destination, for a cap that holds over many runs: adds some; how many there were
 * since a time. */
void state_removed(struct state *state, int64_t link, uint64_t count);
uint64_t state_removed_since(struct state *state, int64_t link, int64_t since_ms);

/* The journal of runs. */
struct state_run {
    const char *run_id, *command;
    const char *outcome; /* "done", "partly", "failed", "stopped", "killed"; NULL: under way */
    int64_t started_ms, ended_ms;
    int64_t pid;
};
void state_run_begin(struct state *state, const char *command, const char *config_digest);
void state_run_end(struct state *state, const char *outcome);
/* A run is over and another begins, in a process that stays. */
void state_run_again(struct state *state, const char *run_id, const char *command,
                     const char *config_digest);
/* The newest first. `each` may not use the state. */
int state_runs(struct state *state, int (*each)(const struct state_run *run, void *arg), void *arg,
               struct error *err);

#endif
