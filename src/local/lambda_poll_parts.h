/*
 * lambda_poll_parts: what the files of the mappings' work share; nobody else includes it.
 *
 *   lambda_poll.c     mappings and their pollers: what is looked into, and when
 *   lambda_receive.c  taking messages out of a queue, on the writer's thread
 *   lambda_deliver.c  batches: to the function, and what becomes of their messages
 */
#ifndef UNDERSTUDY_LOCAL_LAMBDA_POLL_PARTS_H
#define UNDERSTUDY_LOCAL_LAMBDA_POLL_PARTS_H

#include "aws/event_pattern.h"
#include "base/buf.h"
#include "local/lambda_mapping.h"
#include "local/lambda_poll.h"
#include "local/role_call.h"
#include "local/writer.h"

#include <stdatomic.h>

struct poller;

/* What a poller and its batches know of the mapping; text belongs to the arena beside it. */
struct poll_source {
    const char *account, *region, *queue_arn, *queue_url;
    const char *function_arn, *function_name, *role_arn;
    bool reports_failures;
};

enum batch_state { BATCH_COLLECTS, BATCH_READY, BATCH_RUNS };

struct batch {
    struct writer_job job; /* first */
    struct batch *next;
    struct poller *poller;
    struct arena arena;
    struct poll_source source;
    enum batch_state state; /* the thread's */
    struct buf payload;     /* {"Records":[...; closed when it is sent */
    json_t *ids, *handles;  /* lists, in order */
    int64_t full_ms;        /* BATCH_COLLECTS: goes then at the latest */
    int64_t visible_ms;     /* its messages become visible again; it must not be sent behind that */
    int64_t again_ms;       /* BATCH_READY: not before */
    unsigned refused;       /* in a row, for want of concurrency */
    struct text answer;     /* owned */
    bool well;              /* the function did not fail */
    bool throttled;         /* Lambda itself failed */
    atomic_bool finished;
};

/* On its way to the writer and back. */
struct receive {
    struct writer_job job; /* first */
    struct poller *poller;
    size_t want;
    json_t *records; /* what came and passed the filters */
    size_t came;
    int64_t visible_ms;
    const char *trouble; /* static or NULL: why nothing can be received */
    bool broken;
    bool active; /* the thread's */
    atomic_bool finished;
};

struct poller {
    struct poller *next;
    struct lambda_polls *polls;
    char *uuid;
    struct arena arena; /* for what follows, of one version of the store */
    struct poll_source source;
    struct role_session session; /* of the reader; without a role: the function is gone */
    bool may_read, fifo;
    const struct event_pattern **filters;
    size_t filter_count;
    size_t batch_size;
    int64_t window_ms;
    unsigned concurrency; /* 0: grows by itself */
    uint64_t version;
    bool enabled, seen;
    /* The queue as it was last looked at. */
    bool look; /* there may be something */
    int64_t bell, again_ms;
    uint32_t heard;
    int64_t busy_since_ms; /* 0: idle */
    const char *trouble;   /* as it was logged */
    struct receive receive;
    struct batch *batches;
};

struct lambda_polls {
    struct local *local;
    struct writer *writer;
    struct faults *faults;
    void (*wake)(void *arg);
    void *arg;
    struct poller *pollers;
    uint64_t version;
    bool read; /* the mappings of `version` */
    atomic_uint listening;
    _Atomic uint64_t looked_at; /* `version`, for other threads */
    atomic_bool stopped;
};

static inline int64_t polls_now_ms(const struct lambda_polls *polls)
{
    return polls->local->clock->now_ms(polls->local->clock);
}

/* --- lambda_receive.c ------------------------------------------------------------------------- */

extern const char poll_no_queue[], poll_denied[]; /* what does not end by itself */
/* Looks, without taking anything; LOCAL_AS_WRITE: something is there. */
enum local_result poll_look(struct poller *poller, struct store_session *reader,
                            struct local_wait *wait, const char **trouble);
void poll_receive(struct poller *poller, size_t want); /* comes back in poller->receive */

/* --- lambda_deliver.c ------------------------------------------------------------------------- */

/* Puts what was received into batches. */
void batches_fill(struct poller *poller, json_t *records, int64_t visible_ms);
/* Starts what is ready; the next time of the server's clock at which something is. */
int64_t batches_serve(struct poller *poller, struct store_session *reader, unsigned most);
void batches_reap(struct poller *poller);
unsigned batches_count(const struct poller *poller, enum batch_state state);
/* Forgets those that were not sent: their messages become visible again. */
void batches_drop_waiting(struct poller *poller);
void batch_free(struct batch *batch);

#endif
