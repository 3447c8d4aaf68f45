/*
 * engine: one run: the sides, their sessions, the run's file and the workers.
 *
 *     engine_open, plan_build, (plan_apply), engine_tally, report_..., engine_close
 *
 * plan_build uses read-only clients only: whatever a kind does, it cannot write. A destination that
 * cannot be listed is marked failed and the others go on; a source that cannot be listed ends the
 * run. One thread drives an engine; the workers are inside.
 */
#ifndef UNDERSTUDY_ENGINE_ENGINE_H
#define UNDERSTUDY_ENGINE_ENGINE_H

#include "base/stop.h"
#include "base/workers.h"
#include "engine/config.h"
#include "engine/inventory.h"
#include "engine/key_names.h"
#include "engine/safety.h"
#include "engine/scope.h"
#include "engine/undo_log.h"
#include "resource/resource.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { CONCURRENCY_DEFAULT = 16, CONCURRENCY_MAX = 128 };

struct engine_options {
    unsigned concurrency; /* 0: CONCURRENCY_DEFAULT */
    /* This is replication `number` (from 1) of `count` of one file; zeros: of a single one. */
    unsigned number, count;
    /* Seams for tests, and the environment; NULL: the real ones. */
    struct transport *transport;
    struct clock *clock;
    struct random *random;
    const char *const *environment;
    bool no_wait;
    const char *command;      /* for the journal: "sync" */
    const char *state_folder; /* what runs remember; NULL: nothing */
    struct stop *stop;        /* when to end before all is done; NULL: never */
    bool audit;               /* keep keyed digests of what was compared */
    bool no_undo;             /* do not keep what stood at the destinations */
    bool no_source;           /* the source is not asked for anything (undo) */
    bool deep;                /* look at every value, whatever is remembered */
    enum { COUNTERPARTS_ASKED, COUNTERPARTS_SHOWN, COUNTERPARTS_OFF } counterparts; /* see there */
    bool beside;               /* this one is made for another: its counterparts of keys */
    bool stays;                /* for many passes: without a state folder it remembers in memory */
    struct state *state;       /* to share with other engines; NULL: of its own */
    struct sessions *sessions; /* to share with other engines; NULL: of its own */
    struct key_plans *key_plans; /* to share with those of the same run; NULL: none */
    /* Called by workers, one at a time, as work is done; may be NULL. */
    void (*progress)(const char *phase, uint64_t done, uint64_t total, void *arg);
    void *progress_arg;
};

struct side {
    const struct config_side *config;
    struct session *session; /* may be shared with other sides */
    char account[13];        /* "" when STS did not tell */
    const char *caller;      /* the principal's ARN; "" when STS did not tell */
    bool keys_wanted;        /* its listing names keys that texts do not settle */
    struct key_names keys;   /* empty: not read */
    struct arena keys_arena;
    int64_t keys_read_ms; /* monotonic; 0: not asked for */
    bool unlearned;       /* STS has not answered yet */
    bool retired;         /* no destination, but copies are there: they are left over */
    bool failed;          /* could not be listed: `error` */
    struct error error;
    bool tags_one_by_one; /* the tagging API did not serve: `tags_error` */
    struct error tags_error;
    const char *tags_read;   /* up to this key, one by one; NULL: none yet. Of the pass */
    int64_t link;            /* of a destination: in the state; 0: none */
    uint64_t copies;         /* that `deletes` is about, when they were last counted */
    int64_t counted_ms;      /* monotonic; 0: never */
    const char *value_rules; /* of a destination: mapping_value_rules */
};

struct engine {
    const struct config *config; /* `given`, and what counterparts.c mapped */
    const struct config *given;
    struct engine **counterparts; /* to be applied before this one's plan */
    size_t counterpart_count;
    struct arena mapped; /* owns what is about them */
    const struct resource_kind *kind;
    struct resource_settings settings; /* what the configuration says to the kind */
    struct engine_options options;
    struct arena arena;       /* of the engine; the driving thread only, as the next */
    struct arena pass;        /* of one pass: from engine_again to the next */
    struct focus *focus;      /* NULL: everything */
    struct listing *listings; /* plan_list.c's, of the pass */
    size_t listing_count;
    bool joined; /* of the pass: there are steps */
    struct scope scope;
    struct safety safety;
    const char *owner;  /* what the owner's tag says; NULL: copies are not marked */
    struct side *sides; /* SIDE_SOURCE, then the destinations */
    unsigned side_count, side_room;
    struct inventory *inventory;
    struct sessions *sessions;
    struct workers *workers;
    /* Two a worker, and two for the thread that waits for them; reset after each use: for the
     * values of a batch, and for one call. */
    struct arena *values, *calls;
    unsigned char digest_key[32]; /* of this run */
    unsigned char own_key[32];    /* of this run, for want of the state's */
    uint64_t estimated;           /* calls that this run will have made; 0: not foretold */
    unsigned char plan_key[32]; /* for the fingerprints of plans; the same with one state folder */
    unsigned char mark_key[32]; /* for what the state keeps */
    char run_id[RUN_ID_SIZE];
    struct idle *idle;     /* NULL: nothing was joined */
    struct undo_log *undo; /* NULL: nothing is kept */
    struct state *state;   /* NULL: this run neither knows nor keeps anything */
    bool state_warned;
    const char *outcome; /* for the journal; NULL: "failed" */
    struct clock *clock;
    int64_t started_ms;

    pthread_mutex_t mutex; /* for what follows; taken after no other lock */
    uint64_t done, total;
    const char *phase;
    bool stopped; /* before all was done; set by the driving thread */
    bool broken;  /* the run's own file failed: stop */
    struct error error;
    bool labels;                /* carry labels */
    size_t history;             /* carry so many of the last versions; at least 1 */
    struct key_seen *keys_seen; /* by presence.c */
    struct unseen *unseen;      /* what fill.c could not read; of the pass */
    uint64_t made;              /* names that `made_by` makes in each Region itself, left alone */
    const char *made_by;        /* by the thread that lists the source, as is made */
    _Atomic uint64_t reserved;  /* names that belong to AWS and were left alone */
};

int engine_open(const struct config *config, const struct engine_options *options,
                struct engine **out, struct error *err);
void engine_close(struct engine *engine); /* wipes; NULL is fine */
/* Everything is forgotten of the pass before but what it remembered: to plan anew, about all or
 * about `focus` (borrowed) only. */
int engine_again(struct engine *engine, struct focus *focus, struct error *err);

/* Fills engine->inventory with steps. ERR_CANCELLED: stopped before all was looked at; what was
 * found equal is remembered, and unless engine_again comes in between, another call goes on where
 * this one was: no page is listed twice (fill.c's kinds begin anew). */
int plan_build(struct engine *engine, struct error *err);
/* Writes what is planned. The outcome of each step is in the inventory; what a stop left to a later
 * run, or to another call, stays STATUS_PLANNED. -1 only when the run itself cannot go on. */
int plan_apply(struct engine *engine, struct error *err);

struct tally {
    uint64_t equal, create, update, remove, blocked, unseen; /* by action; unseen: STEP_FAILED */
    uint64_t kept;        /* edited at the destination, and the configuration keeps that */
    uint64_t mark, extra; /* copies without a source */
    uint64_t applied, failed, conflict, left; /* by status of writes */
    uint64_t planned;                         /* writes not yet done */
    uint64_t selected;                        /* source resources */
    uint64_t reserved;
    uint64_t nothing; /* replications whose selectors selected nothing */
    uint64_t absent;  /* names that were asked for and are not there */
    unsigned failed_destinations;
    uint64_t calls, retries, throttled;
    int64_t paced_ms, elapsed_ms;
    bool stopped;       /* before all was done */
    uint64_t estimated; /* calls that were foretold, planning and writing; 0: not */
    /* Of reconcile_all: */
    uint64_t missed;              /* copies written that no event has told of */
    unsigned failed_replications; /* that could not be run at all */
    bool resumed;                 /* what an earlier call had begun was gone on with */
};
int engine_tally(struct engine *engine, struct tally *out, struct error *err);
void tally_add(struct tally *sum, const struct tally *tally);

/* Exit statuses (DESIGN.md section 4). */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_DRIFT = 3, EXIT_PARTLY = 4 };
int tally_exit_plan(const struct tally *tally, int on_changes);
int tally_exit_apply(const struct tally *tally);

/* --- for plan.c and apply.c ------------------------------------------------------------------- */
struct resource_ctx engine_ctx(struct engine *engine, unsigned side, bool read_only,
                               struct arena *arena);
void engine_broken(struct engine *engine, const struct error *err); /* keeps the first */
bool engine_is_broken(struct engine *engine);
void engine_phase(struct engine *engine, const char *phase, uint64_t total);
void engine_advance(struct engine *engine, uint64_t by);

/* A write that was answered. */
struct wrote {
    const char *key; /* the copy's */
    int64_t version;
    int64_t earliest_ms, latest_ms; /* AWS took it in between */
    unsigned char digest[32];       /* of the copy's value, keyed as in struct reading */
    bool restored; /* not the source's value: an edit of the copy's that had been lost */
};

/* recall.c: */
void recall_open(struct engine *engine, struct random *random);
void recall_open_links(struct engine *engine); /* when the accounts are known */
void recall_close(struct engine *engine);
/* Between passes: what was overwritten can be undone pass by pass, for a name occurs once in each.
 */
void recall_again(struct engine *engine);
/* Fills pair->known. */
void engine_recall(struct engine *engine, unsigned destination, struct pair *pair);
/* Do earlier runs answer for the copy's value being the source's? */
bool engine_value_known(struct engine *engine, unsigned destination, const struct pair *pair);
/* What the copy's value was when it was last known, if it stands as it did then: keyed as in struct
 * reading. Only an engine that stays knows. */
bool engine_copy_digest(struct engine *engine, unsigned destination, const struct pair *pair,
                        unsigned char out[32]);
/* The copy's value is the source's: found so when `wrote` is NULL, else written just now. */
void engine_keep(struct engine *engine, unsigned destination, const struct pair *pair,
                 const struct wrote *wrote);
/* Around a write: what a later run must look at, and that it need not. */
void engine_intend(struct engine *engine, unsigned destination, const struct pair *pair);
void engine_finish(struct engine *engine, unsigned destination, const char *key);
/* A key for one purpose: the same in every run with the same state folder, else of this run. */
void engine_derive_key(const struct engine *engine, const char *purpose,
                       unsigned char out[STATE_KEY_SIZE]);

/* Is it still to be written (created or changed)? And does that take the value, does it make a
 * version? */
bool step_writes(const struct step *step);
bool step_needs_value(const struct step *step, const struct pair *pair);
bool step_makes_version(const struct step *step, const struct pair *pair);

/* Work for one worker: some source keys and what is to be done with them. */
struct work_item {
    struct step *steps;
    struct pair *pairs;  /* one a step */
    struct wrote *wrote; /* likewise; version 0: its value was not written */
    size_t step_count;
    bool stopped; /* before all was known: its steps stay as they were */
};
struct batch {
    struct engine *engine;
    struct arena arena; /* owns the batch's memory but values */
    const char *keys[RESOURCE_READ_MAX];
    size_t count;
    unsigned side; /* only steps of this destination's side; 0: all of the keys' */
    struct work_item items[RESOURCE_READ_MAX];
};
/* Hands all keys of `work` to `job`, some at a time, and waits. `job` ends with batch_free. */
int engine_work(struct engine *engine, enum inventory_work work,
                void (*job)(void *batch, unsigned worker), struct error *err);
int batch_load(struct batch *batch, struct error *err);
void batch_free(struct batch *batch);

/* One value read, or why not. */
struct reading {
    struct resource resource; /* in: key, name; out: version, missing, value */
    struct error error;       /* code ERR_NONE: it was read, or is missing */
    unsigned char digest[32]; /* keyed, of the value; filled unless missing */
};
/* Reads up to the kind's batch at once; when the whole call fails for one of them, each by itself.
 * Values are in `values`. */
void engine_read(struct engine *engine, unsigned side, bool read_only, struct arena *values,
                 struct reading *readings, size_t count);

/* A Region of the source's account that is no destination and has copies; as the last side, for
 * this pass. -1 when there is no room. */
int engine_add_retired(struct engine *engine, const char *region, struct error *err);
/* Metadata and tags of all sides into the inventory (plan_list.c). */
int plan_list(struct engine *engine, struct error *err);
void plan_forget_listings(struct engine *engine);
/* Where a listing tells little more than names, reads the rest of each resource (fill.c). */
int plan_fill(struct engine *engine, struct error *err);
/* Why the pair could not be read; NULL: it could. */
const char *fill_failure(const struct engine *engine, unsigned destination, const char *key,
                         const char *copy_key);
/* Looks at what is unsure (plan_look.c); the steps are then decided. */
int plan_look(struct engine *engine, struct error *err);
/* Of everything a step saw, keyed: parts that are NULL are left out. Metadata only. */
void plan_fingerprint(const struct engine *engine, const struct resource *const parts[3],
                      char out[33]);
/* Of a pair and what its copy is to be. */
void plan_pair_fingerprint(const struct engine *engine, const struct pair *pair,
                           const struct resource *want, char out[33]);
/* The words for what differs, as a JSON list. In `arena`. */
const char *plan_changes(const struct resource_kind *kind, struct arena *arena,
                         const struct diff *diff);
/* What a copy that stands as `have` lacks of `want`, our own tags and all; not the value. */
void plan_compare(struct engine *engine, unsigned destination, struct arena *arena,
                  const struct resource *want, const struct resource *have, struct diff *diff);
/* What a source's value becomes at one destination: aim.c. */
struct aim {
    const char *value; /* in the arena of values; NULL when it was dropped */
    size_t value_len;
    unsigned char digest[32]; /* keyed */
    const char *note;         /* the rules that changed it; NULL: none did */
    const char *hint;         /* what it names of the source's place; NULL: nothing */
    uint64_t hits;            /* as rewritten.hits */
    const char *blocked;      /* why there is no such value; NULL: there is */
};
/* `source` says whose value `reading` holds. Notes in `arena`. */
void engine_aim(struct engine *engine, unsigned destination, struct arena *arena,
                struct arena *values, const struct resource *source, const struct reading *reading,
                struct aim *out);

enum value_state { VALUE_UNKNOWN, VALUE_SAME, VALUE_DIFFERS };
/* What is to be done for a pair; pure but for memory. */
void plan_decide(struct engine *engine, struct arena *arena, const struct pair *pair,
                 unsigned destination, enum value_state value, bool tags_sure, struct step *out,
                 struct resource *want, struct diff *diff);

#endif
