/*
 * lambda_async: invocations that nobody waits for: a queue in the store, run behind the commit that
 * put them there, retried as Lambda retries, given to destinations or a dead-letter queue when they
 * end (shared facts, lambda-and-cloudformation.md A5).
 *
 * An event is queued by the transaction that causes it, so one that was acknowledged survives a
 * kill -9 and a power failure. It leaves the store when its function has answered: at least once.
 * A thread of its own starts what is due; nothing on the way waits for a timer.
 */
#ifndef UNDERSTUDY_LOCAL_LAMBDA_ASYNC_H
#define UNDERSTUDY_LOCAL_LAMBDA_ASYNC_H

#include "base/text.h"
#include "local/local.h"
#include "local/store.h"

struct faults;
struct lambda_async;
struct lambda_function; /* local/lambda_function.h */
struct writer;

extern const char lambda_async_schema[];

/* Queues one event for `function`, as it was found: its qualifier is kept, what it means is looked
 * up at each attempt. `payload` and the rest are copied into the store, sealed. On the writer's
 * thread, in the caller's transaction; -1: the store failed (store_failed says so, too). */
int lambda_async_queue(struct local *local, struct store_session *store,
                       const struct lambda_function *function, struct text payload,
                       const char *request_id);

/* `faults`: rehearsed faults of the services behind; NULL: none. Owned by the server. */
struct lambda_async *lambda_async_new(struct local *local, struct writer *writer,
                                      struct faults *faults, struct error *err);
int lambda_async_start(struct lambda_async *async, struct error *err);
/* Ends the thread; what waits or runs stays in the store. Before the pool of processes ends and
 * before the writer does. NULL is fine. */
void lambda_async_stop(struct lambda_async *async);
void lambda_async_free(struct lambda_async *async);
/* Look again now: the clock was set, the store was emptied. Any thread. NULL is fine. */
void lambda_async_wake(struct lambda_async *async);
/* On the writer's thread behind each commit: wakes the thread when something was queued, or, when
 * bells have rung (local/doorbell.h), for the mappings that listen. NULL is fine. */
void lambda_async_committed(struct lambda_async *async, bool rung);

#endif
