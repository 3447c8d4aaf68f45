/*
 * invocation: one event of a Lambda function, from its payload to its answer.
 *
 * What a payload may be is one table in invocation.c: an EventBridge event, a batch of a queue, a
 * schedule's {"understudy":"reconcile"} or {"understudy":"canary"}, params.json for a sync of just
 * that, a request of CloudFormation. Anything else is an error. An item that failed, is blocked or
 * was left fails the invocation, so that Lambda tries again and dead-letter queues fill (R28); a
 * batch fails by its records. The error says which names and why; nothing here holds a value.
 *
 * Memory: the arena given. One thread. Source: shared facts, lambda-and-cloudformation.md A5.
 */
#ifndef UNDERSTUDY_EVENT_INVOCATION_H
#define UNDERSTUDY_EVENT_INVOCATION_H

#include "base/buf.h"
#include "base/text.h"
#include "event/function.h"

enum { ANSWER_LIMIT = 5 * 1024 * 1024 }; /* Lambda takes 6 MB */

struct invocation {
    struct function *function;
    struct arena *arena;
    int64_t deadline_ms;    /* since 1970; 0: not told */
    struct buf *answer;     /* out: JSON */
    const char *error_type; /* out, when it failed: "Understudy.Failed" */
    int64_t *lags;          /* out: those that are known, for the metrics */
    size_t lag_count;
};

/* -1: the invocation failed. */
int invocation_run(struct invocation *invocation, struct text payload, struct error *err);

/* --- for invocation.c and sqs_batch.c --------------------------------------------------------- */

/* Looks at all hints, logs and counts each result. -1: nothing was looked at. */
int invocation_look(struct invocation *invocation, const struct hint *hints, size_t count,
                    struct hint_result *results, struct tally *sum, struct error *err);
/* -1 with the names of those that are not settled; else 0. */
int invocation_judge(struct invocation *invocation, const struct hint *hints, size_t count,
                     const struct hint_result *results, struct error *err);

/* A batch of a queue: the answer names the records that failed. */
int sqs_batch_run(struct invocation *invocation, const json_t *event, struct error *err);
bool sqs_batch_is(const json_t *event);

#endif
