/*
 * lambda_pool: the processes of Lambda functions.
 *
 * A function's package is unzipped once (local/lambda_package.h); its `bootstrap` runs as a process
 * of this machine that speaks the Lambda Runtime API, version 2018-06-01, each on a loopback port
 * of its own. Processes are interchangeable by `key` (function ARN and revision); a warm one is
 * taken before a new one is started, the one used last first. This file knows no store: who owns
 * the pool gives it credentials and takes its log lines (struct lambda_pool_host).
 *
 * Threads: two of its own. `lambda` owns all processes and calls the host and `done`; `http-0`
 * reads the Runtime API. lambda_pool_has, _invoke, _running and _retire may be called by any thread
 * and never wait for a process. What they are given is copied before they return.
 *
 * Rules: shared facts lambda-and-cloudformation.md, Part A.
 */
#ifndef UNDERSTUDY_LOCAL_LAMBDA_POOL_H
#define UNDERSTUDY_LOCAL_LAMBDA_POOL_H

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct clock;
struct lambda_pool;
struct random;

/* What AWS takes as an answer: 6 MB and a little for the envelope. */
enum { LAMBDA_LARGEST_ANSWER = 6291556 };

enum lambda_log_level {
    LAMBDA_LEVEL_TRACE,
    LAMBDA_LEVEL_DEBUG,
    LAMBDA_LEVEL_INFO,
    LAMBDA_LEVEL_WARN,
    LAMBDA_LEVEL_ERROR,
    LAMBDA_LEVEL_FATAL,
};
struct lambda_logging {
    bool json;                                 /* the format */
    enum lambda_log_level application, system; /* of the JSON format: what is below is dropped */
};

struct lambda_start {
    const char *key, *function_arn, *name, *version, *account, *region, *role_arn, *handler,
        *log_group, *code_sha256;
    const char *const *environment; /* the function's own: NAME=value, NULL-terminated; or NULL */
    unsigned timeout_ms, memory_mb;
    struct lambda_logging logging;
    struct text zip; /* may be empty when lambda_pool_has(code_sha256) */
    /* Of this invocation; each may be NULL. */
    const char *invoked_arn;    /* with the qualifier asked for; NULL: function_arn */
    const char *client_context; /* decoded, as the process is to see it */
    const char *trace_id;       /* NULL: one is made */
};

enum lambda_end {
    LAMBDA_ANSWERED,
    LAMBDA_REPORTED, /* the runtime reported an error */
    LAMBDA_EXITED,   /* it ended, or crashed, or was too big */
    LAMBDA_TIMED_OUT,
    LAMBDA_NOT_STARTED, /* no process: its package is no good, or `code` is set */
};

struct lambda_answer {
    enum lambda_end end;
    struct text payload; /* the answer, or AWS's error JSON: {"errorType":...,"errorMessage":...} */
    struct text log_tail; /* the last 4 KB of its log lines */
    int64_t billed_ms;
    /* Not an error of the function but one of Invoke itself (the role cannot be assumed): the
     * API's error code and its text; NULL: none. */
    const char *code, *message;
};
/* On the pool's thread; the answer is valid until it returns. It must not wait for anything. */
typedef void lambda_done_fn(void *arg, const struct lambda_answer *);

/* Is the package there, unzipped? It is kept for some minutes after its last use. */
bool lambda_pool_has(struct lambda_pool *pool, const char *code_sha256);
/* `done` is called exactly once when this gives 0, also when the pool ends. -1: the pool is ending.
 */
int lambda_pool_invoke(struct lambda_pool *pool, const struct lambda_start *start,
                       const char *request_id, struct text payload, lambda_done_fn *done, void *arg,
                       struct error *err);
/* Invocations of the function that are under way, those that wait for a process included. */
unsigned lambda_pool_running(struct lambda_pool *pool, const char *function_arn);
/* Code or configuration changed, or deleted: idle processes end, busy ones after their answer.
 * NULL: those of all functions, and from now on the host hears no line of what was asked before. */
void lambda_pool_retire(struct lambda_pool *pool, const char *function_arn);

/* --- for who owns the pool ----------------------------------------------------------------------
 */

struct lambda_credentials {
    const char *access_key, *secret, *token;
    int64_t expires_ms; /* by the pool's clock */
};
struct lambda_line {
    int64_t time_ms;
    struct text text; /* any bytes, no line end */
};
/* Lines of one process, in order. */
struct lambda_log {
    const char *function_arn, *account, *region, *role_arn, *group, *stream;
    const struct lambda_line *lines;
    size_t count;
};
/* Called on the pool's thread. */
struct lambda_pool_host {
    void *arg;
    /* Credentials of the execution role for a new process, in `arena`; may wait for a commit. -1
     * with ERR_DENIED: Lambda may not assume the role. */
    int (*credentials)(void *arg, struct arena *arena, const struct lambda_start *start,
                       struct lambda_credentials *out, struct error *err);
    void (*log)(void *arg, const struct lambda_log *log); /* does not wait */
};

struct lambda_pool_options {
    const char *folder; /* for packages; emptied when the pool is made and when it ends */
    struct lambda_pool_host host;
    struct clock *clock;        /* shown times; NULL: the system's */
    struct random *random;      /* NULL: the system's */
    int64_t idle_ms;            /* an idle process ends; 0: five minutes */
    int64_t init_ms;            /* the init phase; 0: ten seconds */
    unsigned largest_processes; /* 0: 512; beyond it invocations wait */
};
struct lambda_pool *lambda_pool_new(const struct lambda_pool_options *options, struct error *err);
/* `endpoint_url`: AWS_ENDPOINT_URL of the processes, or NULL. */
int lambda_pool_start(struct lambda_pool *pool, const char *endpoint_url, struct error *err);
/* Kills all processes, answers what is under way (LAMBDA_NOT_STARTED), ends the threads. The host
 * is not called any more. NULL is fine; so is calling it again. */
void lambda_pool_stop(struct lambda_pool *pool);
void lambda_pool_free(struct lambda_pool *pool); /* stops first; NULL is fine */

#endif
