/*
 * pending: what was heard of and is still to be looked at.
 *
 * Listeners add messages with the hints in them; the one that works takes all there is. Hints for
 * the same name become one look, however many messages carry them: a burst of changes to one name
 * costs one. A message is settled when each of its hints is: done when all went well, else it comes
 * again. What is taken is a batch of its own: a hint that comes while the same name is being worked
 * on is for the next batch, so no change is missed.
 *
 * Any thread adds and reads; one takes. Memory: a batch owns what was added to it until
 * pending_free.
 */
#ifndef UNDERSTUDY_EVENT_PENDING_H
#define UNDERSTUDY_EVENT_PENDING_H

#include "engine/reconcile.h"
#include "event/event.h"
#include "event/sqs_queue.h"

struct pending;

struct pending_message {
    const struct sqs_queue *queue;
    const char *receipt;
    int64_t received;    /* how often it came */
    const size_t *looks; /* indexes of the batch's hints */
    size_t look_count;
    bool refused;      /* it cannot be read */
    struct held *held; /* as it came */
};
struct pending_batch {
    struct pending_batch *next; /* for who keeps a list of them */
    struct arena arena;
    struct hint *hints;
    size_t hint_count;
    struct hint_result *results; /* filled by who took it */
    struct pending_message *messages;
    size_t message_count;
};

/* Reads catch up within seconds. */
enum { PENDING_LATER_S = 2 };

/* At most `limit` messages wait at a time. */
struct pending *pending_new(size_t limit);
void pending_free(struct pending *pending); /* NULL is fine */

/* Waits while there are too many, until pending_close. Without hints it is one that cannot be read,
 * which is to come again until its queue gives it up. */
void pending_add(struct pending *pending, const struct sqs_queue *queue,
                 const struct sqs_message *message, const struct event_hints *hints);
/* Everything there is, waiting at most wait_ms for something; NULL: there is nothing, or it was
 * told to wake up. */
struct pending_batch *pending_take(struct pending *pending, int64_t wait_ms);
void pending_batch_free(struct pending_batch *batch);
/* Ends a pending_take that waits, and lets those that wait to add go on. Any thread. */
void pending_wake(struct pending *pending);
void pending_close(struct pending *pending);

/* How many names wait, and when the oldest change among them happened (0: not known). */
void pending_look(struct pending *pending, size_t *names, int64_t *oldest_ms);
bool pending_is_full(struct pending *pending); /* who adds waits */

/* What becomes of a message by its hints' results: < 0: it is done, else it is to come again in so
 * many seconds. PENDING_LATER_S when it could not be seen yet; later each time when it failed. */
int64_t pending_verdict(const struct pending_batch *batch, const struct pending_message *message);

#endif
