#include "local/doorbell.h"
#include "local/pipeline_parts.h"

static int64_t monotonic_ms(const struct request *request)
{
    struct clock *clock = request->loop->pipeline->local->clock;
    return clock->monotonic_ms(clock);
}

static void unlink_waiting(struct request *request)
{
    struct pipeline_loop *loop = request->loop;
    if (request->earlier)
        request->earlier->later = request->later;
    else
        loop->waiting = request->later;
    if (request->later)
        request->later->earlier = request->earlier;
    request->earlier = request->later = NULL;
}

static void link_waiting(struct request *request)
{
    struct pipeline_loop *loop = request->loop;
    request->earlier = NULL;
    request->later = loop->waiting;
    if (loop->waiting)
        loop->waiting->earlier = request;
    loop->waiting = request;
}

/* How long until it looks again, unless its bell rings. */
static int64_t pause_ms(const struct request *request, int64_t left_ms)
{
    const struct local_wait *wait = &request->call.wait;
    struct clock *clock = request->loop->pipeline->local->clock;
    if (!wait->again_at_ms)
        return left_ms;
    int64_t until_ms = wait->again_at_ms - clock->now_ms(clock);
    if (until_ms < 1)
        until_ms = 1;
    return until_ms < left_ms ? until_ms : left_ms;
}

/* Something may have come since it looked. `commits`: as they were before it did. */
static bool is_stale(const struct request *request, uint64_t commits)
{
    const struct pipeline *pipeline = request->loop->pipeline;
    const struct local_wait *wait = &request->call.wait;
    return doorbell_heard(pipeline->local->doorbell, wait->bell) != wait->heard ||
           writer_commits(pipeline->writer) != commits;
}

static void begin_to_wait(struct request *request, bool stale)
{
    int64_t now_ms = monotonic_ms(request);
    struct local_wait *wait = &request->call.wait;
    if (!request->wait_end_ms)
        request->wait_end_ms = now_ms + wait->longest_ms;
    int64_t left_ms = request->wait_end_ms - now_ms;
    if (left_ms <= 0)
        wait->over = true;
    if (left_ms <= 0 || stale) {
        pipeline_attempt(request);
        return;
    }
    left_ms = pause_ms(request, left_ms);
    request->due_ms = now_ms + left_ms;
    link_waiting(request);
    http_exchange_wait(request->exchange, left_ms, request);
}

void pipeline_wait(struct request *request, uint64_t commits)
{
    begin_to_wait(request, is_stale(request, commits));
}

void pipeline_resume(struct pipeline_loop *loop, struct http_exchange *exchange, void *waiter)
{
    struct request *request = waiter;
    (void)loop;
    unlink_waiting(request);
    if (http_exchange_gone(exchange)) {
        pipeline_drop(request);
        http_exchange_abort(exchange);
        return;
    }
    int64_t now_ms = monotonic_ms(request);
    if (now_ms < request->due_ms || now_ms >= request->wait_end_ms) /* earlier: the server stops */
        request->call.wait.over = true;
    request->alone = false;
    pipeline_attempt(request);
}

static void look_again(struct request *request)
{
    unlink_waiting(request);
    http_exchange_unwait(request->exchange);
    request->alone = true;
    pipeline_attempt(request);
}

void pipeline_woken(struct pipeline_loop *loop)
{
    const struct doorbell *doorbell = loop->pipeline->local->doorbell;
    for (struct request *next, *at = loop->waiting; at; at = next) {
        next = at->later;
        if (doorbell_heard(doorbell, at->call.wait.bell) != at->call.wait.heard)
            look_again(at);
    }
    for (struct request *next, *at = atomic_exchange(&loop->to_wait, NULL); at; at = next) {
        next = at->next;
        at->alone = true;
        begin_to_wait(at, doorbell_heard(doorbell, at->call.wait.bell) != at->call.wait.heard);
    }
}
