/*
 * sqs_queue: a queue of Amazon SQS that is listened to.
 *
 * Calls block; any number of threads, each with an arena of its own. A message that was received
 * is hidden from others for the queue's visibility timeout and comes again unless it is deleted:
 * only what was done is deleted, so a process that is killed loses nothing.
 * Source: service model sqs 2012-11-05 (JSON protocol); SQS developer guide, "short and long
 * polling".
 */
#ifndef UNDERSTUDY_EVENT_SQS_QUEUE_H
#define UNDERSTUDY_EVENT_SQS_QUEUE_H

#include "base/arena.h"
#include "base/error.h"
#include "client/session.h"

#include <stddef.h>
#include <stdint.h>

enum { SQS_QUEUE_BATCH = 10, SQS_QUEUE_WAIT_S = 20 };

extern const struct aws_service service_sqs;

struct held; /* held.h */

struct sqs_queue {
    struct session *session;
    const char *name, *url, *region; /* the name is for messages */
};

struct sqs_message {
    const char *id, *receipt, *body;
    size_t body_len;
    int64_t received;  /* how often, this time included */
    struct held *held; /* whose books it is in while it is in hand; NULL: nobody's */
};

/* `place`: its ARN, or its URL. The Region is the ARN's or, of a URL of AWS, the host's; else the
 * session's. With an ARN the URL is asked for (GetQueueUrl). Memory: `arena`, for as long as the
 * queue is used. ERR_INVALID: it is neither. */
int sqs_queue_open(struct arena *arena, struct session *session, const char *place,
                   struct sqs_queue *out, struct error *err);

/* Up to SQS_QUEUE_BATCH messages, waiting at most `wait_s` for the first, hidden from others for
 * `hide_s` (0: as long as the queue says). In `arena`. */
int sqs_queue_receive(const struct sqs_queue *queue, struct arena *arena, int wait_s, int hide_s,
                      struct sqs_message **out, size_t *count, struct error *err);

/* What became of up to SQS_QUEUE_BATCH messages: those with again_s < 0 are done and deleted, the
 * others come again in so many seconds. One that could not be told comes again by itself. */
struct sqs_verdict {
    const char *receipt;
    int64_t again_s;
};
int sqs_queue_settle(const struct sqs_queue *queue, struct arena *arena,
                     const struct sqs_verdict *verdicts, size_t count, struct error *err);

/* NULL-terminated list of the operations called here, for the table of permissions. */
extern const struct aws_operation *const sqs_queue_operations[];

#endif
