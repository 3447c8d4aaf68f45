/*
 * promotion: the primary of a multi-Region key moved to another of its Regions, and back.
 *
 * KMS moves it in the Region where the primary is (UpdatePrimaryRegion): when that Region is down
 * nothing can be moved; the replicas go on by themselves. First a look, which only reads and says
 * what would be done or why not; then the move, which is repeated without harm: it looks again,
 * asks, and waits until both Regions say so. Threads: keys may be worked on side by side, each with
 * its own arena. Sources: shared facts kms.md section 4 and 5; KMS developer guide, "Update the
 * primary Region".
 */
#ifndef UNDERSTUDY_ENGINE_PROMOTION_H
#define UNDERSTUDY_ENGINE_PROMOTION_H

#include "base/stop.h"
#include "engine/config.h"
#include "engine/state.h"
#include "resource/kms_key.h"

enum promotion_end {
    PROMOTION_THERE,   /* the primary is where it is wanted */
    PROMOTION_TO_MOVE, /* a look found nothing against it */
    PROMOTION_MOVED,
    PROMOTION_BLOCKED, /* it must not or cannot be moved; `why` */
    PROMOTION_DOWN,    /* the primary's Region does not answer; `why` says what works meanwhile */
    PROMOTION_ALONE,   /* not asked to move (region_down): the replica works by itself */
    PROMOTION_FAILED,  /* `why` is AWS's answer, or that it took too long */
};

struct promotion_side {
    struct session *session;
    const char *region;
};

struct promotion_options {
    struct promotion_side from, to; /* where the primary is thought to be, and is to be */
    bool force;                     /* although the policies differ */
    bool region_down;               /* ask nothing of `from`: can the replica stand alone? */
    struct stop *stop;              /* NULL: never */
    struct state *state;            /* NULL: nothing is remembered */
    int64_t patience_ms;            /* to wait for the move's end; 0: two minutes */
};

struct promotion {
    const char *key;                         /* as it was asked for */
    const char *id, *alias, *primary_region; /* NULL: not known; alias: of `to`'s Region */
    enum promotion_end end;
    const char *why;    /* a sentence; NULL: nothing to say */
    bool begun_before;  /* by a run that did not come to its end */
    struct error error; /* with PROMOTION_FAILED and PROMOTION_DOWN */
};

/* Texts are in `arena`, `key` is borrowed. Read-only clients: it cannot write. */
void promotion_look(const struct promotion_options *options, struct arena *arena, const char *key,
                    struct promotion *out);
/* After a look that said TO_MOVE. */
void promotion_move(const struct promotion_options *options, struct arena *arena,
                    struct promotion *inout);
const char *promotion_end_name(enum promotion_end end); /* "there", "to-move", ... */

/* The multi-Region keys of a Region, of this account, which the replication of keys selects (NULL:
 * all); ids in `arena`, in their order. */
int promotion_list(const struct promotion_side *side, const struct config *config,
                   struct arena *arena, const char ***ids, size_t *count, struct error *err);

#endif
