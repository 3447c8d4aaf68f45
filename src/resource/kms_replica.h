/*
 * kms_replica: one multi-Region key in one more Region: made, waited for, kept equal, removed.
 *
 *     kms_source_read      once a key: the primary, wherever it is, and what replicas are to be
 *     kms_replica_ensure   once a Region: any number side by side, the source is only read
 *     kms_replica_remove   once a Region
 *
 * Both converge: sent again they find what is there, and equal means no write. Nobody waits longer
 * than the deadline. The outcome says what came of the Region, in words a person can act on; each
 * property that could not be set is named and does not keep the others from being set. Never done:
 * a key's primary removed, a key made multi-Region, a policy put past AWS's lockout check unless
 * that is asked for.
 *
 * Memory: kms_source_read's is in its ctx's arena and must outlive the use of the source; an
 * outcome's is in the arena of the ctx given. Threads: a ctx belongs to one, a session may be
 * shared. Units: days of a window 7 to 30. Sources: shared facts kms.md section 4,
 * lambda-and-cloudformation.md part B5.
 */
#ifndef UNDERSTUDY_RESOURCE_KMS_REPLICA_H
#define UNDERSTUDY_RESOURCE_KMS_REPLICA_H

#include "base/clock.h"
#include "base/stop.h"
#include "resource/kms_key.h"

/* What replicas are to be; NULL or not `..._given`: what the primary is. */
struct kms_wish {
    const char *policy; /* taken as it is, no Region in it is rewritten */
    const char *description;
    bool tags_given, aliases_given;
    const struct tag *tags; /* sorted (tags_sort); those of ours are left out and never touched */
    size_t tag_count;
    const char *const *aliases; /* "alias/x" */
    size_t alias_count;
    /* Not looked at in a replica that is there; a new one gets all of it. */
    bool keep_policy, keep_tags, keep_description, keep_aliases, keep_enabled;
    bool disabled;             /* disabled although its primary is not */
    bool remove_other_aliases; /* aliases of the replica that the wish does not name are deleted */
    bool verbatim_policy;      /* the primary's policy is not rewritten for the Region */
    bool move_aliases;         /* an alias that stands for another key is taken from it */
    bool bypass_lockout_check;
    /* Grants (lists of kms_grants.h; NULL: none): those that are to be, and those that were there
     * when that was decided, of which the rest goes. */
    bool grants_given, revoke_others;
    const char *grants, *grants_before;
    bool rotation_given; /* of a single-Region key; AWS brings a replica's from the primary */
    int rotation_days;   /* 0: off */
    /* A tag of ours ("understudy:...") that a replica made here bears, and none that was there; or
     * NULL. */
    const struct tag *mark;
};

struct kms_source {
    struct kms_key primary; /* with policy, tags, aliases and rotation as far as they are wanted */
};

/* `wish` may be NULL everywhere: all as the primary is. Finds the primary of the multi-Region key
 * `key` (id, ARN or alias) beginning in ctx's Region, and reads what the wish leaves to it.
 * ERR_UNSUPPORTED: not a key that can be replicated, and why; ERR_NOT_FOUND; ERR_CONFLICT: it is
 * about to be deleted. A disabled primary is read: only new replicas need it enabled. */
int kms_source_read(struct resource_ctx *ctx, const char *key, const struct kms_wish *wish,
                    struct kms_source *out, struct error *err);

enum kms_end {
    KMS_END_FAILED,   /* error says why */
    KMS_END_EQUAL,    /* nothing was to be done */
    KMS_END_CHANGED,  /* it was there, and properties were set */
    KMS_END_CREATED,  /* it was made here */
    KMS_END_RESTORED, /* its deletion was cancelled; properties were set where they differed */
    KMS_END_PENDING_IMPORT, /* made or found, and of no use until its material is imported */
    KMS_END_PRIMARY,        /* the Region is the primary's own: nothing is done there */
    KMS_END_SCHEDULED,      /* removed: deleted when its window is over */
    KMS_END_GONE,           /* removed: there is none, or it was scheduled before */
    KMS_END_KEPT,           /* not removed: it does not bear the mark that was asked for */
};

enum { KMS_PROBLEMS_MAX = 8 };

struct kms_outcome {
    const char *region;
    const char *arn; /* of the key in the Region; NULL: not known */
    enum kms_end end;
    bool usable;      /* enabled, as far as its primary is */
    unsigned writes;  /* calls that changed something */
    const char *text; /* one sentence, never NULL */
    /* Why it failed; code ERR_NONE: it did not. When properties failed the first one's. */
    struct error error;
    const char *problems[KMS_PROBLEMS_MAX]; /* "policy: MalformedPolicyDocumentException: ..." */
    size_t problem_count;
    const char *changed[KMS_PROBLEMS_MAX]; /* "policy", "tags", ... that were set */
    size_t changed_count;
};

struct kms_patience {
    struct clock *clock; /* NULL: the session's */
    int64_t deadline_ms; /* on its monotonic clock, to give up waiting; 0: two minutes from now */
    struct stop *stop;   /* or NULL */
};

/* ctx->region is the Region to have a replica. 0, or -1 with err equal to outcome->error; the
 * outcome is always filled. */
int kms_replica_ensure(struct resource_ctx *ctx, const struct kms_source *source,
                       const struct kms_wish *wish, const struct kms_patience *patience,
                       struct kms_outcome *out, struct error *err);

/* As ensure, of the key `id` that is there, whichever it is: a replica, the primary itself, or a
 * single-Region key. The wish must say all that it does not keep. Nothing is made. */
int kms_key_converge(struct resource_ctx *ctx, const char *id, const struct kms_wish *wish,
                     const struct kms_patience *patience, struct kms_outcome *out,
                     struct error *err);

/* Schedules the deletion of the replica of `key` (id or ARN) in ctx's Region: only of a replica,
 * and when `mark` is given only of one that bears it. `window_days` 0: AWS's default, 30. */
int kms_replica_remove(struct resource_ctx *ctx, const char *key, unsigned window_days,
                       const struct tag *mark, struct kms_outcome *out, struct error *err);

#endif
