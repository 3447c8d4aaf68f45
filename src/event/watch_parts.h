/* watch_parts: what the files of watch have in common. */
#ifndef UNDERSTUDY_EVENT_WATCH_PARTS_H
#define UNDERSTUDY_EVENT_WATCH_PARTS_H

#include "base/json.h"
#include "base/stop.h"
#include "event/held.h"
#include "event/pending.h"
#include "event/watch.h"

#include <stdatomic.h>

struct http_server;

enum {
    LISTENERS = 2, /* a queue; one waits while the other hands over */
    FAILING_LIMIT = 10000,
    PENDING_LIMIT = 1000, /* messages; as many more may be worked on */
    RENEWALS = 3,         /* of a message in hand, in the time that it is hidden for */
};

struct listener {
    struct watch *watch;
    const struct sqs_queue *queue;
    pthread_t thread;
    bool started;
};

struct watch {
    struct watch_options options;
    struct clock *clock;
    struct arena arena;      /* as long as it lives */
    struct session *session; /* for queues and the canary */
    struct session *hearing; /* for waiting on queues */
    struct sqs_queue queues[WATCH_QUEUES_MAX];
    char queue_errors[WATCH_QUEUES_MAX][256]; /* under mutex; "": it is heard */
    int64_t heard_ms[WATCH_QUEUES_MAX];       /* likewise, monotonic: when it answered last */
    struct held_list *held[WATCH_QUEUES_MAX]; /* what is in hand of it */
    size_t queue_count;
    struct pending *pending;
    struct metrics metrics;
    struct http_server *http;
    struct stop stop; /* of the queues' calls, and of everything */
    struct stop work; /* of what the reconciler does now */
    struct stop deaf; /* of waiting for messages, which ends at once */
    atomic_bool stopping, reload;
    struct listener listeners[WATCH_QUEUES_MAX * LISTENERS];
    pthread_t settler, renewer;
    bool settler_started, renewer_started;

    /* The driving thread's. */
    struct arena config_arena; /* the configuration that holds */
    struct config_set set;
    struct reconciler *reconciler;
    int64_t canary_due_ms; /* monotonic */
    json_t *failing;       /* name → [when its oldest open change happened, since when it is
                            * unsettled, its outcome]; bounded by FAILING_LIMIT */

    pthread_mutex_t mutex; /* for what follows; taken after no other */
    pthread_cond_t settle; /* there is something to settle, or no more will come */
    pthread_cond_t renew;  /* renewals end */
    bool renewed_last;
    struct pending_batch *settling, **settling_end;
    bool settled_last;
    struct watch_status status; /* what of it is not worked out when asked */
    int64_t next_pass_ms;       /* monotonic; INT64_MAX: none */
    int64_t alive_ms;           /* monotonic: when the driver went round last */
    size_t working;             /* names that were taken and not looked at yet */
    int64_t failing_oldest_ms;  /* the oldest change among them, and those whose look failed */
};

/* Keeps the reason, or "" that all is well. */
void watch_say(struct watch *watch, char reason[256], const char *text);

/* watch_queue.c: listening and settling. */
int watch_listen(struct watch *watch, struct error *err);
void watch_settle(struct watch *watch, struct pending_batch *batch); /* takes it */
void watch_listen_end(struct watch *watch);

/* watch_health.c: of `status`, whose other members are filled. */
void watch_judge(const struct watch_options *options, struct watch_status *status);

/* watch_canary.c: on the driving thread. */
void watch_canary(struct watch *watch);
void watch_canary_seen(struct watch *watch, const struct pending_batch *batch);

/* watch_http.c */
int watch_serve(struct watch *watch, struct error *err);

#endif
