/*
 * inventory: one run's file: what the listings found, joined, and what is to be done.
 *
 * An SQLite database without a name: it lives in a bounded cache and spills to an unlinked
 * temporary file, so memory does not grow with the number of resources and nothing stays behind.
 * It holds metadata only, never a value. Any thread may call anything; one lock inside.
 */
#ifndef UNDERSTUDY_ENGINE_INVENTORY_H
#define UNDERSTUDY_ENGINE_INVENTORY_H

#include "engine/state.h"
#include "resource/resource.h"

#include <stdbool.h>
#include <stdint.h>

enum { SIDE_SOURCE = 0 }; /* destination i of the configuration is side i + 1 */

enum step_action {
    STEP_EQUAL,
    STEP_CREATE,
    STEP_UPDATE,
    STEP_DELETE,
    STEP_BLOCKED, /* must not or cannot be carried: `reason` */
    STEP_FAILED,  /* could not be looked at: `reason` */
    STEP_MARK,    /* a copy without a source gets the mark of absence; deleted after the grace */
    STEP_KEPT,    /* differs, and is left as somebody edited it: `reason` */
    STEP_EXTRA,   /* a copy without a source that stays: `reason` */
    STEP_ACTIONS,
};
enum step_status {
    STATUS_PLANNED,
    STATUS_APPLIED,
    STATUS_FAILED,   /* `reason` */
    STATUS_CONFLICT, /* a side moved since the plan: `reason` */
    STATUS_LEFT,     /* not part of the plan that was given */
    STATUSES,
};
/* What the listing alone could not tell. */
enum { UNSURE_VALUE = 1, UNSURE_TAGS = 2, UNSURE_HISTORY = 4 };

/* What is to be done for one resource at one destination. Texts may be NULL but key and name. */
struct step {
    const char *key;     /* the source's */
    const char *name;    /* the source's */
    const char *target;  /* the name at the destination */
    const char *type;    /* shown: "SecureString" */
    const char *changes; /* JSON list of what differs: ["value","tags.team"] */
    const char *note, *reason, *loss;
    const char *details;  /* what reports show beside it: struct verdict; NULL: nothing */
    const char *hint;     /* what the value names and no rule rewrites */
    unsigned destination; /* index in the configuration */
    enum step_action action;
    enum step_status status;
    unsigned unsure;
    bool value_differs;
    bool replaces; /* an update that deletes the copy and makes it again */
    bool late;     /* its hint or reason was found when it was written: no plan has shown it */
    int64_t source_version, source_modified_ms, copy_version, copy_modified_ms;
    /* With labels or history: versions to write, and calls that take labels off and put them on. */
    unsigned versions, label_takes, label_puts;
    const char *digests;  /* of both values, for an audit: "HEX HEX"; NULL: not compared */
    char fingerprint[33]; /* of both sides' metadata: has anything moved? */
};

/* A source resource and what stands in its place. */
struct pair {
    struct resource source, have;
    bool exists; /* `have` is filled */
    /* What earlier runs knew of it; all zero without a state. Filled by the engine. */
    struct state_known known;
    /* What the source's value becomes at the destination; NULL: not looked at. By the engine. */
    const struct aim *aim;
    const struct history_plan *history; /* likewise */
};

struct inventory;

int inventory_open(const struct resource_kind *kind, struct inventory **out, struct error *err);
void inventory_close(struct inventory *inventory); /* NULL is fine */

/* As it was when it was opened. */
int inventory_clear(struct inventory *inventory, struct error *err);

/* `target_key` pairs a source row with its copies; NULL for other sides. */
int inventory_put(struct inventory *inventory, unsigned side, const struct resource *resource,
                  const char *target_key, struct error *err);
int inventory_put_tags(struct inventory *inventory, unsigned side, const char *key,
                       const struct tag *tags, size_t count, struct error *err);

/* Every source resource with what `destination` has of it, in the order of keys. The pair lives in
 * `scratch` and is gone after `each`. `each` may put steps and tags. */
/* Leaves a source resource out of what follows; it still stands for its copies' being wanted.
 * `each` of inventory_join may call it. */
int inventory_drop(struct inventory *inventory, const char *key, struct error *err);

/* It is not there after all. */
int inventory_forget(struct inventory *inventory, unsigned side, const char *key,
                     struct error *err);
/* Is a source resource paired with what is called so at a destination? */
int inventory_has_source(struct inventory *inventory, const char *copy_key, bool *has,
                         struct error *err);

typedef int pair_fn(const struct pair *pair, void *arg, struct error *err);
int inventory_join(struct inventory *inventory, struct arena *scratch, unsigned destination,
                   pair_fn *each, void *arg, struct error *err);
/* One of them; ERR_NOT_FOUND. In `arena`. */
int inventory_pair(struct inventory *inventory, struct arena *arena, const char *key,
                   unsigned destination, struct pair *out, struct error *err);
/* Every copy of `destination` that no source resource is paired with, as inventory_join; `all`:
 * paired or not. */
int inventory_unpaired(struct inventory *inventory, struct arena *scratch, unsigned destination,
                       bool all, resource_each_fn *each, void *arg, struct error *err);
/* One copy; ERR_NOT_FOUND. In `arena`. */
int inventory_copy(struct inventory *inventory, struct arena *arena, const char *key,
                   unsigned destination, struct resource *out, struct error *err);
/* How many copies of `destination` have a source. */
int inventory_paired(struct inventory *inventory, unsigned destination, uint64_t *copies,
                     struct error *err);
/* A name that two source resources would have at the destination; NULL: none. In `arena`. */
int inventory_collision(struct inventory *inventory, struct arena *arena, const char **target,
                        struct error *err);

/* The next keys of a side behind `after` ("" to begin): for work that goes key by key. */
int inventory_keys(struct inventory *inventory, struct arena *arena, unsigned side,
                   const char *after, size_t limit, const char **keys, const char **names,
                   size_t *count, struct error *err);

int inventory_put_step(struct inventory *inventory, const struct step *step, struct error *err);
typedef int step_fn(const struct step *step, void *arg, struct error *err);
/* All steps by key, then destination; `each` may not put steps. */
int inventory_steps(struct inventory *inventory, struct arena *scratch, step_fn *each, void *arg,
                    struct error *err);
/* The steps of one source key. In `arena`. */
int inventory_steps_of(struct inventory *inventory, struct arena *arena, const char *key,
                       struct step **steps, size_t *count, struct error *err);
/* The next source keys behind `after` with anything to look at, or to write. */
enum inventory_work { WORK_UNSURE, WORK_WRITE, WORK_REMOVE, WORKS };
int inventory_work(struct inventory *inventory, struct arena *arena, enum inventory_work work,
                   const char *after, size_t limit, const char **keys, size_t *count,
                   struct error *err);
int inventory_work_size(struct inventory *inventory, enum inventory_work work, uint64_t *keys,
                        struct error *err);

/* Steps counted; destination < 0: all of them. */
typedef uint64_t step_counts[STEP_ACTIONS][STATUSES];
int inventory_count(struct inventory *inventory, int destination, step_counts counts,
                    struct error *err);
int inventory_widest(struct inventory *inventory, unsigned *name_len, struct error *err);
int inventory_size(struct inventory *inventory, unsigned side, uint64_t *resources,
                   struct error *err);

/* Every step that would delete or mark becomes this instead, with the reason; action 0: as it is.
 */
int inventory_stop_removals(struct inventory *inventory, enum step_action action,
                            enum step_status status, const char *reason, struct error *err);

/* A plan that was reviewed: which steps may be done, and what they saw. */
struct approval {
    const char *key, *name;
    unsigned destination;
    const char *fingerprint; /* NULL: made with another key; the versions and times must do */
    int64_t source_version, source_modified_ms, copy_version, copy_modified_ms;
    bool removal; /* a delete, or a mark */
};
int inventory_approve(struct inventory *inventory, const struct approval *approval,
                      struct error *err);
/* Marks planned writes that are not approved STATUS_LEFT, those that saw something else
 * STATUS_CONFLICT, and adds a conflict for each approved one whose resource is gone. */
int inventory_hold_to_approved(struct inventory *inventory, struct error *err);
/* No planned write is to be done: STATUS_LEFT. */
int inventory_leave_all(struct inventory *inventory, struct error *err);

#endif
