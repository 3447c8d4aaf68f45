/*
 * lambda_pool_parts: what the files of the pool share. Nobody else includes it.
 *
 *   lambda_pool.c     who asks, the pool's thread, which process gets which invocation
 *   lambda_process.c  one process from its start to its end: calls of its runtime, deadlines
 *   lambda_birth.c    what a process is given: package, credentials, environment, a port
 *
 * All of it is the pool's thread's but for what stands under the mutex.
 */
#ifndef UNDERSTUDY_LOCAL_LAMBDA_POOL_PARTS_H
#define UNDERSTUDY_LOCAL_LAMBDA_POOL_PARTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/random.h"
#include "local/lambda_output.h"
#include "local/lambda_package.h"
#include "local/lambda_pool.h"
#include "local/lambda_runtime.h"
#include "local/sandbox.h"

#include <pthread.h>

enum {
    LAMBDA_GRACE_MS = 250, /* from the reply to the next call, before the invoker is answered */
    LAMBDA_LOOK_MS = 50,   /* between two looks at the memory of a busy process */
    LAMBDA_FLUSH_MS = 200, /* the longest that a line of a busy process is held back */
    LAMBDA_FLUSH_BYTES = 64 * 1024,
};
#define LAMBDA_NEVER INT64_MAX

struct invocation {
    struct invocation *next;          /* in the inbox, or among those that wait for a process */
    struct invocation *older, *newer; /* of all that are under way; under the mutex */
    struct arena arena;
    struct lambda_start start;
    char *zip; /* start.zip */
    const char *request_id;
    struct text payload;
    uint64_t age; /* the pool's, when it was asked for */
    lambda_done_fn *done;
    void *arg;
    bool announced;      /* START was written */
    bool retried;        /* the init phase has failed once: it runs again, on the function's time */
    int64_t deadline_ms; /* when `retried`; monotonic */
};

enum process_state {
    PROCESS_STARTING, /* until its runtime asks for work */
    PROCESS_READY,    /* frozen, inside `next` */
    PROCESS_RUNNING,  /* it has an invocation */
    PROCESS_REPLIED,  /* the runtime has answered, and not yet asked for more */
    PROCESS_ENDING,   /* killed, not yet gone */
};

struct process {
    struct process *next;
    struct lambda_pool *pool;
    uint64_t tag; /* its connections carry it */
    uint64_t age; /* of the invocation that it was made for */
    struct arena arena;
    const char *key, *function_arn, *account, *region, *role_arn, *log_group, *version;
    unsigned memory_mb;
    enum process_state state;
    bool retired, init_failed;
    struct sandbox sandbox;
    int listen_fd;
    const struct lambda_package *package;
    struct http_exchange *waiting; /* inside `next` */
    struct invocation *invocation;
    struct lambda_output output;
    char stream[96];
    int64_t credentials_end_ms;  /* by the pool's clock */
    int64_t started_us, init_us; /* init_us: until the first `next`; -1: reported */
    int64_t begun_us;            /* the invocation */
    int64_t deadline_ms;         /* of the state it is in; monotonic */
    int64_t answer_ms;           /* PROCESS_REPLIED: when the invoker has waited long enough */
    int64_t idle_since_ms;
    int64_t look_ms, flush_ms; /* when next */
    int64_t memory_bytes;      /* seen at most */
    enum lambda_end end;       /* of the reply */
    struct buf reply;
    char error_type[112]; /* of REPORT; "" */
};

struct arrival {
    struct arrival *next;
    struct http_exchange *exchange;
};
struct retirement {
    struct retirement *next;
    char *function_arn; /* NULL: all */
};

struct lambda_pool {
    struct lambda_pool_options options; /* defaults filled in; folder is NULL */
    char *endpoint_url;
    struct lambda_packages *packages;
    struct sandbox_watch *watch; /* from the first process on */
    struct http_server *http;
    pthread_t thread;
    bool started;
    int epoll_fd, wake_fd;

    pthread_mutex_t mutex; /* for these */
    bool ending;
    struct invocation *invocations, **invocations_end; /* inbox, in order */
    struct arrival *arrivals, **arrivals_end;
    struct retirement *retirements;
    struct invocation *oldest; /* all under way */
    uint64_t age;              /* how often all were retired: nobody hears older ones */

    struct process *processes;
    unsigned process_count;
    uint64_t last_tag;
    struct invocation *queue, **queue_end; /* no process could be made for them so far */
    int64_t now_ms;                        /* monotonic, once a round */
};

int64_t lambda_now_us(void);
static inline int64_t lambda_shown_ms(struct lambda_pool *pool)
{
    return pool->options.clock->now_ms(pool->options.clock);
}

/* --- lambda_pool.c ---------------------------------------------------------------------------- */
/* The end of an invocation: it is told and freed. */
void invocation_end(struct lambda_pool *pool, struct invocation *invocation,
                    const struct lambda_answer *answer);
void lambda_pool_remove(struct lambda_pool *pool, struct process *process); /* from the list */
int lambda_pool_watch(struct lambda_pool *pool, int fd, const struct process *process, int kind);
enum { WATCH_LISTEN, WATCH_OUTPUT, WATCH_EXIT, WATCH_KINDS };

/* --- lambda_process.c ------------------------------------------------------------------------- */
/* A new process for an invocation, which it has from then on, whatever happens. */
void process_new(struct lambda_pool *pool, struct invocation *invocation);
/* To one that is PROCESS_READY. */
void process_give(struct process *process, struct invocation *invocation);
/* A call of its runtime. */
void process_call(struct process *process, struct http_exchange *exchange);
void process_read(struct process *process);   /* its output */
void process_exited(struct process *process); /* frees it, unless its successor is begun */
void process_retire(struct process *process);
/* What is due by now; when to come again. */
int64_t process_tick(struct process *process);
void process_stop(struct process *process); /* the pool ends: killed, waited for, freed */

/* --- lambda_birth.c --------------------------------------------------------------------------- */
/* -1: it cannot be started. Either answer->code is set (in the arena), or process->reply holds the
 * function's error and process->error_type its type. */
int process_start(struct process *process, struct lambda_answer *answer);

#endif
