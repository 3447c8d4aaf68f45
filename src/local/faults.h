/*
 * faults: what befalls calls in a rehearsal: latency, errors, throttling, lost connections, answers
 * cut short, a Region or a service that is down.
 *
 * Rules are read from JSON: a list of them, or {"seed": N, "rules": [...]}; the manual page has the
 * members. Each call that was routed and whose signature was accepted is held against all rules in
 * turn: their latencies add up, and the first other fault that is hit befalls it. Chance is drawn
 * from the seed, for each rule by itself: the same calls in the same order meet the same faults.
 *
 * A fault `before` comes in place of the work; one `after` behind its commit, when only the answer
 * is lost. Reading is pure. The rules of a server may be asked and changed by any thread; asking
 * costs one atomic load while there are none.
 */
#ifndef UNDERSTUDY_LOCAL_FAULTS_H
#define UNDERSTUDY_LOCAL_FAULTS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"

struct faults;
struct fault_rules;
struct local_service;

enum fault_effect {
    FAULT_NONE, /* latency only, or nothing */
    FAULT_ERROR,
    FAULT_THROTTLE, /* in the service's own words */
    FAULT_RESET,
    FAULT_CUT,         /* the body ends halfway */
    FAULT_UNAVAILABLE, /* 503, of a front end that has nobody behind it */
};

struct fault_call {
    const char *service, *operation, *region, *account;
};

/* What befalls one call; texts in the arena that faults_next was given. */
struct fault {
    int64_t latency_ms;
    enum fault_effect effect;
    bool after;
    int status;
    const char *code, *message;
};

/* A rule that matches no operation of these services is refused: it is a slip. NULL with
 * ERR_INVALID and the number of the rule. */
struct fault_rules *fault_rules_read(const char *json, size_t len,
                                     const struct local_service *const *services,
                                     struct error *err);
void fault_rules_free(struct fault_rules *rules); /* NULL is fine */

/* `first`: the rules of the start, to which a reset returns; taken over; NULL: none. `latency_ms`
 * is added to every call. */
struct faults *faults_new(struct fault_rules *first, int64_t latency_ms);
void faults_free(struct faults *faults); /* NULL is fine */
/* These rules from now on, counts and chance anew; taken over. NULL: none. */
void faults_set(struct faults *faults, struct fault_rules *rules);
void faults_reset(struct faults *faults);
/* What befalls this call, in `arena`; NULL: nothing. */
const struct fault *faults_next(struct faults *faults, struct arena *arena,
                                const struct fault_call *call);
/* {"seed", "latency", "rules": [{..., "matched", "hits"}]} */
void faults_write(struct faults *faults, struct json_writer *out);

#endif
