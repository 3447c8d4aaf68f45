/*
 * resource: what can be replicated. One AWS type is one file and one row of resource_kinds[].
 *
 * A kind knows how its type is listed, read, compared and written; the engine knows no type by
 * name. Fields are texts, indexed as in the kind's field table: that table drives translation,
 * comparison, the plan's words and docs/fidelity.md. Memory: what the calls return lives in
 * ctx->arena, which wipes itself, because `read` puts secret values there. A ctx belongs to one
 * thread. Folders up to here do not log above debug.
 */
#ifndef UNDERSTUDY_RESOURCE_RESOURCE_H
#define UNDERSTUDY_RESOURCE_RESOURCE_H

#include "aws/operation.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "client/session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RESOURCE_FIELDS_MAX = 24, RESOURCE_READ_MAX = 10 };

/* What a copy does with a field. The first three have a slot in resource.fields. */
enum field_rule {
    FIELD_COPY,   /* the same text on both sides */
    FIELD_WORDS,  /* as FIELD_COPY, but a rule may rewrite it: words for people */
    FIELD_KEY,    /* an encryption key: translated for each destination by its `keys` */
    FIELD_VALUE,  /* the secret itself: only in memory, compared by keyed digest */
    FIELD_TAGS,   /* the whole set of tags: added, changed and removed */
    FIELD_OPTION, /* carried when the configuration asks for it */
    FIELD_SERVER, /* made by the service for each side: neither copied nor compared (a slot's text
                     is for people) */
    FIELD_SHOWN,  /* as FIELD_SERVER, and it changes by itself: a plan is not held to it */
    FIELD_LOST,   /* exists at the source and no copy carries it: a named loss */
};

struct field {
    const char *name;  /* AWS's member name */
    const char *label; /* the word of plans and reports */
    enum field_rule rule;
    const char *fate; /* one sentence for docs/fidelity.md */
    /* The list of parameters.select that selects by it, and the texts it may have; or NULL. */
    const char *select;
    const char *const *choices;
    bool of_present; /* no part of what an earlier version was */
    bool deferred;   /* and left out until the present version is written */
};

struct tag {
    const char *key, *value;
};

/* Tags of ours, "understudy:...", say whose a copy is. They are part of what is listed and written,
 * and never of what is compared or copied. */
bool tag_is_ours(const char *key);
const char *tag_value(const struct tag *tags, size_t count, const char *key); /* NULL: absent */

struct resource {
    /* What pairs a resource with its copy: for a parameter the name without its leading slash,
     * because AWS holds "/foo" and "foo" to be one. */
    const char *key;
    const char *name; /* as this side spells it */
    int64_t version, modified_ms;
    const char *modified_by;                 /* the principal's ARN; NULL: not told */
    const char *fields[RESOURCE_FIELDS_MAX]; /* NULL: absent */
    const struct tag *tags;                  /* sorted by key */
    size_t tag_count;
    const char *value; /* filled by `read`; NULL before, and when `missing` */
    size_t value_len;
    bool missing; /* `read` did not find it */
};

/* One version of a resource, with its value. */
struct revision {
    struct resource resource;
    const char *const *labels; /* sorted */
    size_t label_count;
};

/* What a configuration says to a kind, beyond which resources are meant; zeros: nothing. */
struct resource_settings {
    /* Of keys. */
    const char *const *named; /* selectors without a star */
    size_t named_count;
    const char *const *counterparts; /* aliases of single-Region keys that are to have their like */
    size_t counterpart_count;
    bool create_counterparts;
    bool own_counterparts;  /* only those that a run made are kept equal */
    bool show_counterparts; /* what would be made is shown, and nothing is written */
    unsigned window_days;   /* between the order to delete and the deletion; 0: AWS's default */
    bool verbatim_policy;   /* no Region in it is rewritten */
    bool leave_policy, leave_aliases; /* of copies that are there */
    bool exact_aliases;               /* those that the source does not have go */
    bool move_aliases;                /* from a key that has them at the destination */
    enum {
        GRANTS_IGNORED,
        GRANTS_GLANCED,
        GRANTS_REPORTED,
        GRANTS_COPIED
    } grants;                                  /* glanced: as
far as they may be listed */
    bool revoke_own_grants, revoke_all_grants; /* that the source does not have: ours, or all */
    bool deep;                                 /* look at what AWS itself keeps equal, too */
};

/* How one side is called. */
/* How far a listing came. Zeros begin one; `at` is set to 0 whenever it is gone on with. */
struct resource_cursor {
    size_t requests; /* whose pages were all taken, of those it is made of */
    char *token;     /* of the page that was not taken; on the heap, the engine's */
    size_t at;       /* requests of this call so far */
};

struct resource_ctx {
    struct session *session;
    const char *region;
    bool read_only;
    struct arena *arena;                      /* owns all that a call returns */
    const struct resource_settings *settings; /* NULL: the defaults */
    struct resource_cursor *cursor; /* of `list` and `list_tags`; NULL: from the beginning */
};

/* Which names a listing asks for; the service filters, the engine filters again. */
struct resource_filter {
    const char *const *prefixes; /* names begin with one of them */
    size_t prefix_count;         /* 0: everything */
    const char *const *names;    /* or are one of them */
    size_t name_count;
};

struct diff {
    uint32_t fields;            /* bit i: fields[i] differs */
    bool value;                 /* set by the engine, which compares digests */
    bool labels, history;       /* set by the engine, which lines versions up */
    const struct tag *set_tags; /* new or with another value */
    size_t set_tag_count;
    const char *const *removed_tags;
    size_t removed_tag_count;
};

/* What a kind says of writing `want` where `have` (NULL: nothing) stands. */
struct verdict {
    const char *blocked; /* why it must not or cannot be written; NULL: it can */
    const char *loss;    /* what this copy cannot carry; NULL: nothing */
    const char *note;    /* what is written otherwise than the source is; NULL: nothing */
    /* What reports show beside it, whether something is to be written or not; NULL: nothing. JSON:
     * {"aside": a word for a matrix's cell, if any, "rows": [{"what", "region", "fate", "text",
     * "same": nothing to look at, and more as the kind has it}], "more": rows left out}. */
    const char *details;
    /* Why it cannot be written now, though it is fine while it is equal; NULL: it can. */
    const char *unwritable;
    bool depends;        /* on the value, which is not known yet */
    const char *replace; /* why only deleting `have` and making it again will do; NULL: no need */
};
struct judge_options {
    const char *const *allowed; /* words of parameters.allow, NULL-terminated; NULL: none */
    const char *source_region, *region;
    const char *source_account, *account;     /* "" when they are not known */
    const struct resource_settings *settings; /* NULL: the defaults */
    /* Of the value that would be written: by its length a tier is found too small. */
    bool value_known;
    size_t value_len;
    bool may_be_rewritten, rewritten;
    const char *tier; /* what the configuration says of tiers; NULL: nothing */
    bool may_replace;
    int64_t now_ms;
};

/* The operations behind a kind's calls, for estimates; the last three NULL: it keeps no history. */
struct resource_calls {
    const struct aws_operation *read, *read_tags, *write, *set_tags, *remove_tags, *remove,
        *describe, *read_history, *put_labels, *take_labels;
};

typedef void resource_count_fn(void *arg, bool at_source, const struct aws_operation *operation,
                               uint64_t count);
typedef int resource_each_fn(const struct resource *resource, void *arg, struct error *err);
typedef int resource_tags_fn(const char *key, const struct tag *tags, size_t count, void *arg,
                             struct error *err);

typedef int resource_key_fn(const char *alias, const char *id, void *arg, struct error *err);

/* What calling a kind's operations needs in IAM: `understudy policy` is made of these rows, and a
 * test holds them to be all that is called. */
enum permission_side {
    ON_SOURCE = 1,
    ON_DESTINATION = 2,
    FROM_DESTINATION = 4, /* asked of the source's Region by who writes at the destination */
};
enum permission_when {
    WHEN_ALWAYS,
    WHEN_DELETING,     /* deletes, replacing, undoing */
    WHEN_LABELLING,    /* labels: true */
    WHEN_REMEMBERING,  /* labels, or earlier versions */
    WHEN_ENCRYPTED,    /* something may be under a key */
    WHEN_SMALL,        /* a value may be encrypted as a whole (tier Standard) */
    WHEN_LARGE,        /* or under a data key (Advanced) */
    WHEN_GRANTS,       /* grants are not ignored */
    WHEN_GRANTING,     /* grants: copy */
    WHEN_REVOKING,     /* and deletes are not never */
    WHEN_COUNTERPARTS, /* create_counterparts: true */
    WHEN_REPLICAS,     /* keys of several Regions are meant, too */
    WHEN_MOVING,       /* aliases: move or exact */
    WHEN_EXACT,        /* aliases: exact */
};
struct resource_permission {
    const struct aws_operation *operation; /* NULL: the service does it in the caller's name */
    const char *action;                    /* then: "kms:Decrypt" */
    /* The resource type in IAM: NULL: none, the action is for all or nothing; "key": one that the
     * kind's resources are under, through the kind's service; else how an ARN's resource begins:
     * "parameter/". */
    const char *on;
    unsigned sides;
    enum permission_when when;
};

struct resource_kind {
    const char *section;                        /* of the configuration: "parameters" */
    const char *name, *cfn_type, *noun, *nouns; /* "ssm-parameter", ..., "parameter(s)" */
    const struct field *fields;                 /* those with slots come first */
    size_t field_count, slot_count;
    const struct aws_service *const *services; /* NULL-terminated: whose calls are counted */
    const char *default_key; /* AWS's own key, which is the same by name everywhere; or NULL */
    const struct resource_kind *key_kind; /* of the keys that its resources are under; or NULL */
    /* The service's code for a change that only a replacement makes; or NULL. */
    const char *replace_code;
    size_t read_batch;                             /* most resources a `read` takes */
    const char *gaps;                              /* what AWS lets nobody copy; a plan prints it */
    const struct resource_permission *permissions; /* ends with a row of zeros */
    /* What IAM calls, behind `on`, that which a selector of the configuration means, or, with NULL,
     * a counterpart. NULL: selectors are globs of names. In `arena`, or static. */
    const char *(*iam_name)(struct arena *arena, const char *on, const char *selector);
    const char *key_context; /* the encryption context's key whose value is the resource's ARN */

    /* Metadata of everything the filter lets through, without tags and values. `each` gets memory
     * that lasts until it returns. A page without items is not the end. With a cursor it begins
     * where the one before was stopped; a kind may begin anew. */
    int (*list)(struct resource_ctx *, const struct resource_filter *, resource_each_fn *each,
                void *arg, struct error *);
    /* Tags of everything that has any, in few calls. They may lag behind by seconds. */
    int (*list_tags)(struct resource_ctx *, resource_tags_fn *each, void *arg, struct error *);
    /* The aliases of the keys that the kind's resources are under; NULL: there are no keys. */
    int (*list_keys)(struct resource_ctx *, resource_key_fn *each, void *arg, struct error *);
    /* Tags of one, as they are now. */
    int (*read_tags)(struct resource_ctx *, struct resource *inout, struct error *);
    /* Metadata and tags of one; ERR_NOT_FOUND when it is not there. */
    int (*describe)(struct resource_ctx *, const char *name, struct resource *out, struct error *);
    /* What `list` leaves out of one, tags too; NULL: it leaves out nothing but tags, which
     * `list_tags` then tells (which is NULL otherwise). ERR_NOT_FOUND. */
    int (*fill)(struct resource_ctx *, struct resource *inout, struct error *);
    /* Values and versions of up to read_batch, in one call. The error is of the whole call. NULL:
     * there is no value, and a version is a digest of all that `describe` tells. */
    int (*read)(struct resource_ctx *, struct resource *items, size_t count, struct error *);
    /* Makes the copy what `want` (with its value) says; !have: creates. `diff` says what differs.
     * *version becomes the copy's when its value was written. ERR_TIMEOUT: it may have been
     * written; ERR_CONFLICT: somebody else was there first. */
    int (*write)(struct resource_ctx *, const struct resource *want, const struct resource *have,
                 const struct diff *diff, int64_t *version, struct error *);
    /* All versions that the service keeps, the oldest first; NULL: the service keeps none. */
    int (*read_history)(struct resource_ctx *, const char *name, struct revision **out,
                        size_t *count, struct error *);
    /* Labels come to a version, from whichever other they are on; or go from it. */
    int (*put_labels)(struct resource_ctx *, const char *name, int64_t version,
                      const char *const *labels, size_t count, struct error *);
    int (*take_labels)(struct resource_ctx *, const char *name, int64_t version,
                       const char *const *labels, size_t count, struct error *);
    /* Deletes up to read_batch in one call; `missing` is set for those that were not there. The
     * error is of the whole call; ERR_TIMEOUT: they may be gone. */
    int (*remove)(struct resource_ctx *, struct resource *items, size_t count, struct error *);
    size_t history_page, history_most; /* versions a page, and those that are kept */
    struct resource_calls calls;
    /* Those of writing `want` (NULL: of removing `have`), where `calls` cannot tell; or NULL. Exact
     * but for what is asked until something passes, or stands in the way. Pure. */
    void (*foretell)(const struct resource *want, const struct resource *have,
                     const struct diff *diff, const struct resource_settings *,
                     resource_count_fn *count, void *arg);
    /* What AWS charges a month for `want` and did not for `have`; NULL: nothing. Pure. */
    double (*monthly_usd)(const struct resource *want, const struct resource *have);
    /* Pure. `want` may be changed to what can be written (a tier that cannot be lowered). */
    void (*judge)(struct arena *, struct resource *want, const struct resource *have,
                  const struct judge_options *, struct verdict *);
    /* Makes of `want` one whose value is encrypted, under the default key, unless it is one; or
     * says why it cannot be. NULL: nothing is. Pure. */
    const char *(*encrypt)(struct resource *want);
    const char *(*key_of)(const char *name); /* the pairing key within a name */
    bool (*reserved)(const char *key);       /* belongs to AWS: never selected */
    /* Selectors that are not globs of names with levels: does one fit, now that all is known of the
     * resource; what is wrong with it (NULL: nothing); both NULL: they are such globs. */
    bool (*fits)(const char *selector, const struct resource *resource);
    const char *(*selector_problem)(struct arena *arena, const char *selector);
    /* What people know it by, of a row of a matrix; NULL: its name. */
    const char *(*known_as)(const char *name, const char *type);
    bool parity; /* few, and wanted the same everywhere: a matrix shows what differs where */
    /* A name that may stand for a resource of another key, which `describe` tells; NULL: none. */
    bool (*other_name)(const char *name);
    /* As good as deleted; NULL: nothing lingers. */
    bool (*gone)(const struct resource *resource);
    /* May it be a copy that a run made? NULL: all may. */
    bool (*may_be_copy)(const struct resource *resource);
    /* In which Regions it has copies; NULL: nobody can tell. NULL-terminated, in `arena`. */
    const char *const *(*regions)(struct arena *arena, const struct resource *resource);
    /* Of kinds of keys: can something come under it? *state: why not, in a word ("disabled"). One
     * call. ERR_NOT_FOUND. In ctx's arena. NULL: nobody can tell. */
    int (*usable)(struct resource_ctx *, const char *key, const char **state, struct error *);
    /* Who makes the resource in each Region by itself; NULL: nobody. Selected by name only. */
    const char *(*maker)(const char *key);
    /* Are two texts of a field the same to the service? NULL: by bytes. */
    bool (*same)(size_t field, const char *a, const char *b);
};

extern const struct resource_kind resource_kms_key, resource_ssm_parameter;
extern const struct resource_kind *const resource_kinds[]; /* in the order of applying; NULL ends */
const struct resource_kind *resource_kind_named(const char *name);

/* Calls `operation` with the client of ctx. */
int resource_call(struct resource_ctx *ctx, const struct aws_operation *operation, const json_t *in,
                  json_t **out, struct error *err);

/* fields: */
void resource_compare(const struct resource_kind *kind, struct arena *arena,
                      const struct resource *want, const struct resource *have, struct diff *out);
bool diff_empty(const struct diff *diff);
bool diff_only_tags(const struct diff *diff);
/* The plan's words for what differs, in the table's order: "value", "tags.team". In `arena`. */
const char *const *diff_labels(const struct resource_kind *kind, struct arena *arena,
                               const struct diff *diff, size_t *count);
/* Fields and tags as JSON objects; tags back from one: how they are kept in the run's file. */
void fields_write(const struct resource_kind *kind, const struct resource *resource,
                  struct buf *out);
void fields_read(const struct resource_kind *kind, struct arena *arena, const json_t *fields,
                 struct resource *out);
void tags_write(const struct tag *tags, size_t count, struct buf *out);
int tags_read(struct arena *arena, const char *json, const struct tag **tags, size_t *count,
              struct error *err);
void tags_sort(struct tag *tags, size_t count);
/* A copy of `resource`, without its value, that lives in `arena`. */
void resource_copy(const struct resource_kind *kind, struct arena *arena,
                   const struct resource *resource, struct resource *out);
/* docs/fidelity.md's table. */
void fidelity_write(const struct resource_kind *kind, struct buf *out);

#endif
