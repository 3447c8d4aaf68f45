/*
 * lambda_poll: event source mappings at work: messages go from queues to functions in batches.
 *
 * A mapping looks into its queue when the queue's bell has rung, when a message becomes visible, or
 * when a batch has ended; there is no timer between. Receiving, deleting and what filters throw
 * away are SQS's own operations, called by the function's execution role: counts of receives,
 * visibility, redrive and the order of FIFO groups are the queue's (Lambda Developer Guide, "Using
 * Lambda with Amazon SQS"; shared facts, lambda-and-cloudformation.md A5).
 *
 * A batch that the function could not take for want of concurrency is tried again, with growing
 * pauses, until its messages become visible: they are not received again for that. Nothing of it is
 * in the store: after a crash the messages become visible again, as on AWS.
 *
 * All of it belongs to the thread of local/lambda_async.c, but for the callbacks, which only hand
 * over what they bring.
 */
#ifndef UNDERSTUDY_LOCAL_LAMBDA_POLL_H
#define UNDERSTUDY_LOCAL_LAMBDA_POLL_H

#include "local/local.h"
#include "local/store.h"

struct faults;
struct lambda_polls;
struct writer;

struct lambda_polls *lambda_polls_new(struct local *local, struct writer *writer,
                                      struct faults *faults, void (*wake)(void *arg), void *arg);
/* What ends from here on is not judged any more: the server is stopping. */
void lambda_polls_stop(struct lambda_polls *polls);
void lambda_polls_free(struct lambda_polls *polls); /* when nothing runs any more */

/* What has come meanwhile, before the round's snapshot is taken. */
void lambda_polls_reap(struct lambda_polls *polls);
/* Looks, starts batches; when to look again, by the server's clock; INT64_MAX: when woken.
 * `version` and `commits` are as they were before the snapshot. */
int64_t lambda_polls_round(struct lambda_polls *polls, struct store_session *reader,
                           uint64_t version, uint64_t commits);
/* Any thread: is there something to do behind a commit, in which bells may have rung? */
bool lambda_polls_want(struct lambda_polls *polls, bool rung);

#endif
