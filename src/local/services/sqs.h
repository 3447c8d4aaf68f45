/*
 * sqs: Amazon SQS, standard and FIFO queues, over JSON and the older query protocol; and the way by
 * which other services of the local AWS (EventBridge's targets) put messages into queues.
 *
 * Rules: shared facts events.md section 12 and the service model. Texts of refusals are AWS's as
 * observed; those that nobody has published are marked (K).
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_SQS_H
#define UNDERSTUDY_LOCAL_SERVICES_SQS_H

#include "local/service.h"

extern const struct local_service sqs_service; /* for services.c */

enum sqs_outcome {
    SQS_DELIVERED, /* or taken for a repetition within five minutes by a FIFO queue */
    SQS_NO_QUEUE,  /* there is no queue of that ARN */
    SQS_DENIED,    /* the queue's policy does not allow `service` to send, or denies it */
    SQS_REFUSED,   /* the message is none for this queue: its size, no group on FIFO, ... */
};

/* A message attribute of type String. */
struct sqs_attribute {
    const char *name, *value;
};

struct sqs_delivery {
    const char *queue_arn;
    const char *service;    /* who sends: "events.amazonaws.com" */
    const char *source_arn; /* on whose behalf: aws:SourceArn and, from it, aws:SourceAccount */
    struct text body;
    const char *group_id;         /* FIFO queues want one; NULL otherwise */
    const char *deduplication_id; /* FIFO; NULL: the queue makes one of the body, or refuses */
    const struct sqs_attribute *attributes;
    size_t attribute_count;
};

/*
 * Puts a message into a queue of any account of this server, as an AWS service does: only the
 * queue's policy is asked, with the service as principal. On the writer's thread, inside the
 * caller's savepoint: the message is there when that is committed, and those who wait for one are
 * told then. `why` (static or in `arena`; never part of the body) says what was wrong. A failing
 * store shows in store_failed, as everywhere.
 */
enum sqs_outcome sqs_deliver(struct local *local, struct store_session *store, struct arena *arena,
                             const struct sqs_delivery *delivery, const char **why);

#endif
