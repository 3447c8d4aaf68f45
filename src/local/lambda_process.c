#include "local/lambda_pool_parts.h"

#include "base/digest.h"
#include "local/lambda_platform.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { INIT_ERROR_GRACE_MS = 500, READ_BYTES = 64 * 1024 };

int64_t lambda_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* --- log lines -------------------------------------------------------------------------------- */

static void flush(struct process *process)
{
    const struct lambda_pool_host *host = &process->pool->options.host;
    const struct lambda_line *lines;
    process->flush_ms = LAMBDA_NEVER;
    size_t count = lambda_output_take(&process->output, &lines);
    if (!count || !host->log)
        return;
    const struct lambda_log log = {
        .function_arn = process->function_arn,
        .account = process->account,
        .region = process->region,
        .role_arn = process->role_arn,
        .group = process->log_group,
        .stream = process->stream,
        .lines = lines,
        .count = count,
    };
    struct lambda_pool *pool = process->pool;
    pthread_mutex_lock(&pool->mutex); /* held, so that no line comes behind lambda_pool_retire */
    if (process->age == pool->age)
        host->log(host->arg, &log);
    pthread_mutex_unlock(&pool->mutex);
}

/* What was written may be held back for a moment, but not much of it. */
static void flush_later(struct process *process)
{
    if (lambda_output_waiting(&process->output) >= LAMBDA_FLUSH_BYTES)
        flush(process);
    else if (process->flush_ms == LAMBDA_NEVER && lambda_output_waiting(&process->output))
        process->flush_ms = process->pool->now_ms + LAMBDA_FLUSH_MS;
}

void process_read(struct process *process)
{
    static _Thread_local char bytes[READ_BYTES];
    ssize_t len;
    if (process->sandbox.output_fd < 0)
        return;
    /* Bounded: one that never stops writing must not hold up the others. */
    for (int i = 0; i < 8; i++) {
        len = read(process->sandbox.output_fd, bytes, sizeof bytes);
        if (len <= 0)
            break;
        lambda_output_add(&process->output, lambda_shown_ms(process->pool), bytes, (size_t)len);
        flush_later(process);
    }
    if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR)) {
        close(process->sandbox.output_fd); /* epoll forgets it with that */
        process->sandbox.output_fd = -1;
    }
}

static void announce(struct process *process)
{
    struct invocation *invocation = process->invocation;
    if (invocation->announced)
        return;
    invocation->announced = true;
    lambda_output_forget_tail(&process->output);
    lambda_platform_start(&process->output, lambda_shown_ms(process->pool), invocation->request_id,
                          process->function_arn, process->version);
}

static void note_memory(struct process *process, int64_t *now)
{
    int64_t most;
    if (process->sandbox.pid <= 0)
        return;
    sandbox_memory(&process->sandbox, now, &most);
    if (most > process->memory_bytes)
        process->memory_bytes = most;
}

/* --- the end of an invocation ----------------------------------------------------------------- */

static const char *status_of(enum lambda_end end)
{
    return end == LAMBDA_ANSWERED ? NULL : end == LAMBDA_TIMED_OUT ? "timeout" : "error";
}

/* With what `process->reply` holds. */
static void finish(struct process *process, enum lambda_end end)
{
    struct invocation *invocation = process->invocation;
    int64_t now_us = lambda_now_us(), memory_now;
    announce(process);
    note_memory(process, &memory_now);
    const struct lambda_report report = {
        .request_id = invocation->request_id,
        .duration_us = process->begun_us ? now_us - process->begun_us : 0,
        .init_us = process->init_us,
        .memory_mb = process->memory_mb,
        .memory_bytes = process->memory_bytes,
        .produced_bytes = end == LAMBDA_ANSWERED ? process->reply.len : 0,
        .status = status_of(end),
        .error_type =
            end == LAMBDA_TIMED_OUT || !process->error_type[0] ? NULL : process->error_type,
    };
    lambda_platform_report(&process->output, lambda_shown_ms(process->pool), &report);
    process->init_us = -1;
    process->begun_us = 0;
    process->invocation = NULL;
    const struct lambda_answer answer = {
        .end = end,
        .payload = {buf_text(&process->reply), process->reply.len},
        .log_tail = lambda_output_tail(&process->output),
        .billed_ms = lambda_report_billed_ms(&report),
    };
    flush(process);
    invocation_end(process->pool, invocation, &answer);
    buf_reset(&process->reply);
    process->reply.overflow = false;
    process->error_type[0] = '\0';
}

static void kill_it(struct process *process)
{
    process->state = PROCESS_ENDING;
    process->deadline_ms = LAMBDA_NEVER;
    sandbox_kill(&process->sandbox);
}

static void time_out(struct process *process)
{
    char message[64], now[CLOCK_TEXT_SIZE];
    const char *id = process->invocation->request_id;
    snprintf(message, sizeof message, "Task timed out after %.2f seconds",
             process->invocation->start.timeout_ms / 1000.0);
    kill_it(process);
    process_read(process);
    announce(process);
    clock_format_iso_ms(lambda_shown_ms(process->pool), now);
    lambda_platform_tell(&process->output, lambda_shown_ms(process->pool), "%s %s %s", now, id,
                         message);
    buf_reset(&process->reply);
    lambda_runtime_failure(&process->reply, "Sandbox.Timedout", id, message);
    finish(process, LAMBDA_TIMED_OUT);
}

/* --- calls of the runtime --------------------------------------------------------------------- */

static const char *state_name(const struct process *process)
{
    static const char *const names[] = {"Started", "Ready", "Running", "RuntimeResponseSentState",
                                        "Exited"};
    return process->init_failed ? "InitError" : names[process->state];
}

static void put_trace(struct process *process, struct http_exchange *exchange)
{
    char id[3][17], text[128];
    const char *given = process->invocation->start.trace_id;
    unsigned char bytes[8];
    for (int i = 0; i < 3; i++) {
        random_bytes(process->pool->options.random, bytes, sizeof bytes);
        digest_hex(bytes, sizeof bytes, id[i]);
    }
    snprintf(text, sizeof text, "Root=1-%08llx-%s%.8s;Parent=%s;Sampled=0",
             (unsigned long long)(lambda_shown_ms(process->pool) / 1000), id[0], id[1], id[2]);
    http_exchange_header(exchange, "Lambda-Runtime-Trace-Id", given ? given : text);
}

/* The waiting `next` gets the invocation; its time begins. */
static void deliver(struct process *process)
{
    struct invocation *invocation = process->invocation;
    struct http_exchange *exchange = process->waiting;
    const struct lambda_start *start = &invocation->start;
    int64_t left_ms = invocation->retried ? invocation->deadline_ms - process->pool->now_ms
                                          : (int64_t)start->timeout_ms;
    char deadline[32];
    process->waiting = NULL;
    process->state = PROCESS_RUNNING;
    process->deadline_ms = process->pool->now_ms + left_ms;
    process->look_ms = process->pool->now_ms + LAMBDA_LOOK_MS;
    process->begun_us = lambda_now_us();
    announce(process);
    /* The process compares it with its own clock, which is not the server's. */
    int64_t until_ms = clock_system()->now_ms(clock_system()) + left_ms;
    snprintf(deadline, sizeof deadline, "%lld", (long long)until_ms);
    buf_append(http_exchange_body(exchange), invocation->payload.data, invocation->payload.len);
    http_exchange_header(exchange, "Content-Type", "application/json");
    http_exchange_header(exchange, "Lambda-Runtime-Aws-Request-Id", invocation->request_id);
    http_exchange_header(exchange, "Lambda-Runtime-Deadline-Ms", deadline);
    http_exchange_header(exchange, "Lambda-Runtime-Invoked-Function-Arn",
                         start->invoked_arn ? start->invoked_arn : start->function_arn);
    put_trace(process, exchange);
    if (start->client_context && !strpbrk(start->client_context, "\r\n"))
        http_exchange_header(exchange, "Lambda-Runtime-Client-Context", start->client_context);
    http_exchange_queue(exchange, 200);
}

static void be_idle(struct process *process)
{
    process->state = PROCESS_READY;
    process->deadline_ms = LAMBDA_NEVER;
    process->idle_since_ms = process->pool->now_ms;
    if (process->retired)
        kill_it(process);
    else
        sandbox_freeze(&process->sandbox);
}

static void call_next(struct process *process, struct http_exchange *exchange)
{
    if (process->state == PROCESS_RUNNING || process->state == PROCESS_ENDING ||
        process->init_failed) {
        http_exchange_queue(exchange,
                            lambda_runtime_refuse_state(exchange, state_name(process), "Ready"));
        return;
    }
    if (process->waiting) /* the runtime gave that one up */
        http_exchange_queue(process->waiting, 0);
    process->waiting = exchange;
    process_read(process); /* what it wrote before it asked belongs before END */
    if (process->state == PROCESS_STARTING) {
        int64_t init_us = lambda_now_us() - process->started_us;
        process->init_us = process->invocation->retried ? -1 : init_us;
        lambda_platform_init(&process->output, lambda_shown_ms(process->pool), init_us, NULL, NULL);
        deliver(process);
    } else if (process->state == PROCESS_REPLIED) {
        if (process->invocation)
            finish(process, process->end);
        be_idle(process);
    }
}

/* Response or error. */
static void reply(struct process *process, struct http_exchange *exchange,
                  const struct lambda_runtime_request *request)
{
    bool is_error = request->call == LAMBDA_ERROR;
    struct text body = http_exchange_incoming(exchange)->body;
    const struct invocation *invocation = process->invocation;
    if (!invocation || !text_is(request->request_id, invocation->request_id)) {
        http_exchange_queue(exchange, lambda_runtime_refuse_id(exchange));
        return;
    }
    if (process->state != PROCESS_RUNNING) {
        const char *to = is_error ? "InvocationErrorResponse" : "InvocationResponse";
        http_exchange_queue(exchange,
                            lambda_runtime_refuse_state(exchange, state_name(process), to));
        return;
    }
    process->end = is_error ? LAMBDA_REPORTED : LAMBDA_ANSWERED;
    snprintf(process->error_type, sizeof process->error_type, "%.*s",
             is_error ? (int)request->error_type.len : 0,
             request->error_type.data ? request->error_type.data : "");
    if (body.len > LAMBDA_LARGEST_ANSWER) {
        char message[160];
        snprintf(message, sizeof message,
                 "Response payload size (%zu bytes) exceeded maximum allowed payload size (%d "
                 "bytes).",
                 body.len, LAMBDA_LARGEST_ANSWER);
        lambda_runtime_failure(&process->reply, "Function.ResponseSizeTooLarge",
                               invocation->request_id, message);
        process->end = LAMBDA_REPORTED;
        http_exchange_queue(exchange, lambda_runtime_refuse_size(exchange));
    } else {
        buf_append(&process->reply, body.data, body.len);
        http_exchange_queue(exchange, lambda_runtime_accept(exchange));
    }
    process->state = PROCESS_REPLIED;
    process->answer_ms = process->pool->now_ms + LAMBDA_GRACE_MS;
}

static void call_init_error(struct process *process, struct http_exchange *exchange,
                            const struct lambda_runtime_request *request)
{
    struct text body = http_exchange_incoming(exchange)->body;
    if (process->state != PROCESS_STARTING || process->init_failed) {
        http_exchange_queue(exchange, lambda_runtime_refuse_state(exchange, state_name(process),
                                                                  "InitError"));
        return;
    }
    if (body.len > LAMBDA_LARGEST_ANSWER) {
        http_exchange_queue(exchange, lambda_runtime_refuse_size(exchange));
        return;
    }
    process->init_failed = true;
    buf_append(&process->reply, body.data, body.len);
    snprintf(process->error_type, sizeof process->error_type, "%.*s", (int)request->error_type.len,
             request->error_type.data ? request->error_type.data : "");
    /* It is to exit now. */
    process->deadline_ms = process->pool->now_ms + INIT_ERROR_GRACE_MS;
    http_exchange_queue(exchange, lambda_runtime_accept(exchange));
}

void process_call(struct process *process, struct http_exchange *exchange)
{
    struct lambda_runtime_request request;
    lambda_runtime_read(http_exchange_incoming(exchange), &request);
    switch (request.call) {
    case LAMBDA_NEXT:
        call_next(process, exchange);
        break;
    case LAMBDA_RESPONSE:
    case LAMBDA_ERROR:
        reply(process, exchange, &request);
        break;
    case LAMBDA_INIT_ERROR:
        call_init_error(process, exchange, &request);
        break;
    default:
        http_exchange_queue(exchange, request.call == LAMBDA_WRONG_METHOD ? 405 : 404);
    }
}

void process_give(struct process *process, struct invocation *invocation)
{
    process->invocation = invocation;
    sandbox_thaw(&process->sandbox);
    deliver(process);
}

/* --- beginning and end ------------------------------------------------------------------------ */

static struct process *process_make(struct lambda_pool *pool, struct invocation *invocation)
{
    struct process *process = memory_alloc(sizeof *process);
    const struct lambda_start *start = &invocation->start;
    process->pool = pool;
    process->tag = ++pool->last_tag;
    process->age = invocation->age;
    arena_init(&process->arena);
    process->key = arena_strdup(&process->arena, start->key);
    process->function_arn = arena_strdup(&process->arena, start->function_arn);
    process->account = arena_strdup(&process->arena, start->account);
    process->region = arena_strdup(&process->arena, start->region);
    process->role_arn = arena_strdup(&process->arena, start->role_arn);
    process->log_group = arena_strdup(&process->arena, start->log_group);
    process->version = arena_strdup(&process->arena, start->version);
    process->memory_mb = start->memory_mb;
    process->sandbox = (struct sandbox){.pid_fd = -1, .output_fd = -1};
    process->listen_fd = -1;
    process->init_us = -1;
    process->flush_ms = LAMBDA_NEVER;
    process->deadline_ms = LAMBDA_NEVER;
    process->look_ms = pool->now_ms + LAMBDA_LOOK_MS;
    process->invocation = invocation;
    lambda_output_init(&process->output);
    process->output.logging = start->logging;
    buf_init(&process->reply, LAMBDA_LARGEST_ANSWER + 1);
    return process;
}

/* Its process is gone, or never was. */
static void process_free(struct process *process)
{
    struct lambda_pool *pool = process->pool;
    flush(process);
    lambda_pool_remove(pool, process);
    if (process->waiting)
        http_exchange_queue(process->waiting, 0);
    if (process->listen_fd >= 0)
        close(process->listen_fd);
    if (process->sandbox.pid > 0 || process->sandbox.output_fd >= 0) {
        int status;
        sandbox_reap(pool->watch, &process->sandbox, &status);
    }
    if (process->package)
        lambda_packages_drop(pool->packages, process->package, pool->now_ms);
    lambda_output_done(&process->output);
    buf_done(&process->reply);
    arena_done(&process->arena);
    free(process);
}

void process_new(struct lambda_pool *pool, struct invocation *invocation)
{
    struct process *process = process_make(pool, invocation);
    struct lambda_answer refused = {.end = LAMBDA_NOT_STARTED};
    process->next = pool->processes;
    pool->processes = process;
    pool->process_count++;
    if (process_start(process, &refused) == 0) {
        if (invocation->retried)
            process->begun_us = process->started_us;
        process->deadline_ms =
            invocation->retried ? invocation->deadline_ms : pool->now_ms + pool->options.init_ms;
        return;
    }
    if (refused.code) {
        process->invocation = NULL;
        invocation_end(pool, invocation, &refused);
    } else {
        finish(process, LAMBDA_NOT_STARTED);
    }
    process_free(process);
}

/* The init phase has failed: once more, in the invocation's own time, as Lambda does. */
static void retry(struct process *process, const char *status, const char *error_type)
{
    struct invocation *invocation = process->invocation;
    struct lambda_pool *pool = process->pool;
    lambda_platform_init(&process->output, lambda_shown_ms(pool),
                         lambda_now_us() - process->started_us, status,
                         error_type[0] ? error_type : NULL);
    process->invocation = NULL;
    invocation->retried = true;
    invocation->deadline_ms = pool->now_ms + invocation->start.timeout_ms;
    process_new(pool, invocation);
}

static void end_exited(struct process *process, int status)
{
    char how[SANDBOX_STATUS_SIZE], message[128];
    static const char type[] = "Runtime.ExitError";
    const char *id = process->invocation->request_id;
    sandbox_status_text(status, how);
    snprintf(message, sizeof message, "%s%s",
             how[0] ? "Runtime exited with error: " : "Runtime exited without providing a reason",
             how);
    announce(process);
    lambda_platform_tell(&process->output, lambda_shown_ms(process->pool),
                         "RequestId: %s Error: %s", id, message);
    lambda_platform_tell(&process->output, lambda_shown_ms(process->pool), "%s", type);
    if (process->state == PROCESS_REPLIED) { /* it has done what was asked */
        finish(process, process->end);
        return;
    }
    if (process->init_failed) {
        finish(process, LAMBDA_REPORTED);
        return;
    }
    memcpy(process->error_type, type, sizeof type);
    lambda_runtime_failure(&process->reply, type, id, message);
    finish(process, LAMBDA_EXITED);
}

void process_exited(struct process *process)
{
    int status;
    struct invocation *invocation = process->invocation;
    process_read(process);
    sandbox_reap(process->pool->watch, &process->sandbox, &status);
    lambda_output_close(&process->output, lambda_shown_ms(process->pool));
    if (invocation && process->state == PROCESS_STARTING && !invocation->retried)
        retry(process, "error", process->error_type[0] ? process->error_type : "Runtime.ExitError");
    else if (invocation)
        end_exited(process, status);
    process_free(process);
}

void process_retire(struct process *process)
{
    process->retired = true;
    if (process->state == PROCESS_READY)
        kill_it(process);
}

void process_stop(struct process *process)
{
    const struct lambda_answer answer = {.end = LAMBDA_NOT_STARTED,
                                         .code = "ServiceException",
                                         .message = "The server is stopping."};
    struct invocation *invocation = process->invocation;
    sandbox_kill(&process->sandbox);
    process_read(process);
    process->invocation = NULL;
    if (invocation)
        invocation_end(process->pool, invocation, &answer);
    process_free(process);
}

/* --- time ------------------------------------------------------------------------------------- */

static void deadline_passed(struct process *process)
{
    if (process->init_failed || process->state == PROCESS_REPLIED) {
        sandbox_kill(&process->sandbox); /* its end is noticed as that of any other */
        process->deadline_ms = LAMBDA_NEVER;
    } else if (process->state == PROCESS_STARTING && !process->invocation->retried) {
        kill_it(process);
        process_read(process);
        retry(process, "timeout", "");
    } else {
        time_out(process);
    }
}

/* More memory than it may have: killed, as the kernel does on AWS. */
static void look_at_memory(struct process *process)
{
    int64_t now = 0;
    process->look_ms = process->pool->now_ms + LAMBDA_LOOK_MS;
    note_memory(process, &now);
    if (now > (int64_t)process->memory_mb << 20)
        sandbox_kill(&process->sandbox);
}

static bool busy(const struct process *process)
{
    return process->state == PROCESS_STARTING || process->state == PROCESS_RUNNING ||
           process->state == PROCESS_REPLIED;
}

int64_t process_tick(struct process *process)
{
    int64_t now_ms = process->pool->now_ms, idle_ms = process->pool->options.idle_ms;
    if (process->deadline_ms <= now_ms)
        deadline_passed(process);
    if (process->state == PROCESS_REPLIED && process->invocation && process->answer_ms <= now_ms) {
        process_read(process);
        finish(process, process->end);
    }
    if (process->state == PROCESS_READY && process->idle_since_ms + idle_ms <= now_ms)
        kill_it(process);
    if (busy(process) && process->look_ms <= now_ms)
        look_at_memory(process);
    if (process->flush_ms <= now_ms)
        flush(process);
    int64_t next_ms = process->deadline_ms;
    if (process->flush_ms < next_ms)
        next_ms = process->flush_ms;
    if (busy(process) && process->look_ms < next_ms)
        next_ms = process->look_ms;
    if (process->state == PROCESS_REPLIED && process->invocation && process->answer_ms < next_ms)
        next_ms = process->answer_ms;
    if (process->state == PROCESS_READY && process->idle_since_ms + idle_ms < next_ms)
        next_ms = process->idle_since_ms + idle_ms;
    return next_ms;
}
