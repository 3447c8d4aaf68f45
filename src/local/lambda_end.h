/*
 * lambda_end: what becomes of an asynchronous event when its function has answered, or cannot any
 * more: it leaves the queue or waits for another attempt; destinations and the dead-letter queue
 * are told (Lambda Developer Guide, "Asynchronous invocation", "Capturing records of asynchronous
 * invocations"; shared facts, lambda-and-cloudformation.md A5).
 *
 * On the writer's thread, in its transaction: what is told is told in the one that removes the
 * event. Records are sent by the function's execution role, whose permissions are asked. One that
 * is refused is lost, as on AWS, and logged.
 */
#ifndef UNDERSTUDY_LOCAL_LAMBDA_END_H
#define UNDERSTUDY_LOCAL_LAMBDA_END_H

#include "local/lambda_queue.h"

struct faults;

enum lambda_result {
    LAMBDA_SUCCEEDED,
    LAMBDA_FAILED,  /* the function did: another attempt, if there is one left */
    LAMBDA_TOO_OLD, /* it waited longer than MaximumEventAgeInSeconds */
    LAMBDA_SHUT,    /* a concurrency of 0 is reserved: no attempt at all */
    LAMBDA_GONE,    /* there is no such function any more */
};

struct lambda_ending {
    struct local *local;
    struct store_session *store;
    struct arena *arena;
    struct faults *faults; /* rehearsed ones of the services behind; NULL: none */
    const struct lambda_event *event;
    enum lambda_result result;
    struct text payload; /* the function's answer or error; empty: it was not run */
};

/* When it is tried again, or 0: it is over. -1: the store failed. */
int64_t lambda_end(const struct lambda_ending *ending);

/* How long it may have waited by now. */
bool lambda_event_is_old(struct store_session *store, struct arena *arena,
                         const struct lambda_function *function, const struct lambda_event *event,
                         int64_t now_ms);

#endif
