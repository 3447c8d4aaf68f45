/* reconcile_intern: what the files of reconcile have in common. */
#ifndef UNDERSTUDY_ENGINE_RECONCILE_INTERN_H
#define UNDERSTUDY_ENGINE_RECONCILE_INTERN_H

#include "engine/reconcile.h"
#include "engine/sessions.h"

/* The full pass of one replication. Its engine is not the one that looks at hints: what it has
 * listed stays when hints come between two parts of it. */
struct full_pass {
    struct engine *engine; /* NULL: there was none yet */
    int64_t begun_ms;      /* since 1970; 0: it begins with the next call */
    bool resumed;          /* it was stopped at least once */
    bool ended;            /* in the round of all replications that is under way */
};

struct reconciler {
    struct reconcile_options options;
    struct clock *clock;
    struct sessions *sessions;
    struct state *memory; /* of all; NULL: with a state folder each engine opens its file */
    const struct config_set *set;
    struct engine *
        *engines; /* one a replication; one that goes back follows the one that goes out */
    struct full_pass *passes; /* likewise */
    size_t count;
    size_t next;        /* the replication that reconcile_all begins with */
    bool passing;       /* reconcile_all was stopped and is to be gone on with */
    struct tally ended; /* of the replications whose pass has ended since it began */
    struct error first; /* of those that failed */
};

int reconciler_open_engine(struct reconciler *reconciler, size_t index, struct engine **out,
                           struct error *err);
/* What was called since `before`. */
void reconciler_count_calls(const struct reconciler *reconciler,
                            const struct aws_call_counts *before, struct tally *sum);
/* Where the state keeps that a hint asked for `key` in vain. */
const char *reconciler_told_place(struct arena *arena, const char *key);
/* reconcile_hints for one replication. */
int reconciler_look(struct reconciler *reconciler, size_t index, struct arena *arena,
                    const struct hint *hints, size_t count, struct hint_result *results,
                    struct tally *sum, struct error *err);

#endif
