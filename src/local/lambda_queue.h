/*
 * lambda_queue: events that wait for their function, in the store. Private to lambda_async.c,
 * lambda_end.c.
 *
 * Payloads are sealed under the server's master key, as messages in queues are. Reading on any
 * thread with a session of its own, writing on the writer's.
 */
#ifndef UNDERSTUDY_LOCAL_LAMBDA_QUEUE_H
#define UNDERSTUDY_LOCAL_LAMBDA_QUEUE_H

#include "base/arena.h"
#include "local/lambda_async.h"

struct lambda_event {
    int64_t seq;
    const char *function; /* its ARN as it was named, with the qualifier */
    const char *account, *region, *request_id;
    struct text payload;
    int64_t attempts; /* how often the function has failed with it */
    int64_t first_ms; /* when it was queued */
};

int lambda_queue_put(struct local *local, struct store_session *store,
                     const struct lambda_function *function, struct text payload,
                     const char *request_id);

/* The next function behind `after` that has events; NULL: there is none. In the arena. */
char *lambda_queue_function(struct store_session *store, struct arena *arena, const char *after);
/* Up to `most` of a function's events that are due, the oldest first: their numbers. */
size_t lambda_queue_due(struct store_session *store, const char *function, int64_t now_ms,
                        size_t most, int64_t *out);
/* When the next one that is not due yet will be; INT64_MAX: there is none. */
int64_t lambda_queue_next(struct store_session *store, const char *function, int64_t now_ms);
/* In the arena; false: it is gone, or cannot be unsealed. */
bool lambda_queue_read(struct local *local, struct store_session *store, struct arena *arena,
                       int64_t seq, struct lambda_event *out);

/* Is `seq` still the event of that invocation, and none that came to its number later? */
bool lambda_queue_is(struct store_session *store, int64_t seq, const char *request_id);

void lambda_queue_remove(struct store_session *store, int64_t seq);
void lambda_queue_later(struct store_session *store, int64_t seq, int64_t attempts, int64_t due_ms);

#endif
