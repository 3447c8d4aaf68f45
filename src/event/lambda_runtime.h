/*
 * lambda_runtime: the Lambda Runtime API, version 2018-06-01, from the side of the runtime.
 *
 *     lambda_runtime_init, (lambda_runtime_next, lambda_runtime_answer | lambda_runtime_fail)...
 *
 * Plain HTTP to $AWS_LAMBDA_RUNTIME_API. `next` waits without an end: the environment may be frozen
 * for hours inside it, and the connection may be dead when it goes on; a call whose connection
 * broke is made once more on a fresh one. The server takes one answer an invocation, so that an
 * answer that arrived twice is refused the second time (400, 403), which is no failure of ours.
 *
 * Memory: the arena given. One thread. Errors: ERR_LIMIT: the answer is too large (413), report a
 * failure instead; others: there is no going on, the process is to end. Source: shared facts,
 * lambda-and-cloudformation.md A3.
 */
#ifndef UNDERSTUDY_EVENT_LAMBDA_RUNTIME_H
#define UNDERSTUDY_EVENT_LAMBDA_RUNTIME_H

#include "base/text.h"
#include "net/transport.h"

struct lambda_runtime {
    struct transport *transport;
    const char *base; /* "http://127.0.0.1:9001/2018-06-01/runtime" */
};

struct lambda_event {
    const char *request_id, *function_arn;
    const char *trace_id; /* NULL: none was given */
    int64_t deadline_ms;  /* since 1970; 0: not told */
    struct text payload;
};

/* `api`: AWS_LAMBDA_RUNTIME_API, "host:port". `base` is in `arena`. ERR_INVALID. */
int lambda_runtime_init(struct lambda_runtime *runtime, struct arena *arena,
                        struct transport *transport, const char *api, struct error *err);
int lambda_runtime_next(struct lambda_runtime *runtime, struct arena *arena,
                        struct lambda_event *out, struct error *err);
int lambda_runtime_answer(struct lambda_runtime *runtime, struct arena *arena,
                          const char *request_id, const char *data, size_t len, struct error *err);
/* `type`: "Understudy.Failed". */
int lambda_runtime_fail(struct lambda_runtime *runtime, struct arena *arena, const char *request_id,
                        const char *type, const char *message, struct error *err);
/* Before the first `next`; the process then ends. */
int lambda_runtime_init_fail(struct lambda_runtime *runtime, struct arena *arena, const char *type,
                             const char *message, struct error *err);

#endif
