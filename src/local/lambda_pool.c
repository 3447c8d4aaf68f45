#include "local/lambda_pool_parts.h"

#include "base/thread.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    IDLE_MS = 5 * 60 * 1000,
    INIT_MS = 10 * 1000,
    LARGEST_PROCESSES = 512,
    PACKAGE_KEEP_MS = 5 * 60 * 1000,
    EVENTS_PER_ROUND = 64,
    /* Above what is refused with a sentence, below what would hurt. */
    LARGEST_BODY_BYTES = 32 << 20,
    RUNTIME_PATIENCE_MS = 24 * 60 * 60 * 1000, /* between two calls of one runtime */
    /* A process is not given work that could outlast its credentials. */
    CREDENTIALS_MARGIN_MS = 5 * 60 * 1000,
};

/* --- asking ----------------------------------------------------------------------------------- */

static void wake(struct lambda_pool *pool)
{
    uint64_t one = 1;
    while (write(pool->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

bool lambda_pool_has(struct lambda_pool *pool, const char *code_sha256)
{
    return lambda_packages_have(pool->packages, code_sha256);
}

static const char *const *copy_list(struct arena *arena, const char *const *list)
{
    size_t count = 0;
    while (list && list[count])
        count++;
    const char **copy = arena_calloc(arena, count + 1, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = arena_strdup(arena, list[i]);
    return copy;
}

static const char *copy_text(struct arena *arena, const char *text)
{
    return text ? arena_strdup(arena, text) : NULL;
}

static struct invocation *invocation_make(const struct lambda_start *start, const char *request_id,
                                          struct text payload)
{
    struct invocation *invocation = memory_alloc(sizeof *invocation);
    struct arena *arena = &invocation->arena;
    arena_init(arena);
    invocation->start = (struct lambda_start){
        .key = arena_strdup(arena, start->key),
        .function_arn = arena_strdup(arena, start->function_arn),
        .name = arena_strdup(arena, start->name),
        .version = arena_strdup(arena, start->version),
        .account = arena_strdup(arena, start->account),
        .region = arena_strdup(arena, start->region),
        .role_arn = arena_strdup(arena, start->role_arn),
        .handler = arena_strdup(arena, start->handler ? start->handler : ""),
        .log_group = arena_strdup(arena, start->log_group),
        .code_sha256 = arena_strdup(arena, start->code_sha256),
        .environment = copy_list(arena, start->environment),
        .timeout_ms = start->timeout_ms,
        .memory_mb = start->memory_mb,
        .logging = start->logging,
        .invoked_arn = copy_text(arena, start->invoked_arn),
        .client_context = copy_text(arena, start->client_context),
        .trace_id = copy_text(arena, start->trace_id),
    };
    if (start->zip.len) { /* up to 50 MB: not for an arena, which wipes */
        invocation->zip = memory_alloc(start->zip.len);
        memcpy(invocation->zip, start->zip.data, start->zip.len);
        invocation->start.zip = (struct text){invocation->zip, start->zip.len};
    }
    invocation->request_id = arena_strdup(arena, request_id);
    invocation->payload =
        (struct text){arena_memdup(arena, payload.data, payload.len), payload.len};
    return invocation;
}

static void invocation_free(struct invocation *invocation)
{
    free(invocation->zip);
    arena_done(&invocation->arena);
    free(invocation);
}

int lambda_pool_invoke(struct lambda_pool *pool, const struct lambda_start *start,
                       const char *request_id, struct text payload, lambda_done_fn *done, void *arg,
                       struct error *err)
{
    struct invocation *invocation = invocation_make(start, request_id, payload);
    invocation->done = done;
    invocation->arg = arg;
    pthread_mutex_lock(&pool->mutex);
    bool refused = pool->ending;
    if (!refused) {
        invocation->age = pool->age;
        *pool->invocations_end = invocation;
        pool->invocations_end = &invocation->next;
        invocation->newer = pool->oldest;
        if (pool->oldest)
            pool->oldest->older = invocation;
        pool->oldest = invocation;
    }
    pthread_mutex_unlock(&pool->mutex);
    if (refused) {
        invocation_free(invocation);
        return error_set(err, ERR_CANCELLED, "the server is stopping");
    }
    wake(pool);
    return 0;
}

void invocation_end(struct lambda_pool *pool, struct invocation *invocation,
                    const struct lambda_answer *answer)
{
    pthread_mutex_lock(&pool->mutex);
    if (invocation->older)
        invocation->older->newer = invocation->newer;
    else
        pool->oldest = invocation->newer;
    if (invocation->newer)
        invocation->newer->older = invocation->older;
    pthread_mutex_unlock(&pool->mutex);
    invocation->done(invocation->arg, answer);
    invocation_free(invocation);
}

unsigned lambda_pool_running(struct lambda_pool *pool, const char *function_arn)
{
    unsigned count = 0;
    pthread_mutex_lock(&pool->mutex);
    for (const struct invocation *at = pool->oldest; at; at = at->newer)
        count += strcmp(at->start.function_arn, function_arn) == 0;
    pthread_mutex_unlock(&pool->mutex);
    return count;
}

void lambda_pool_retire(struct lambda_pool *pool, const char *function_arn)
{
    struct retirement *retirement = memory_alloc(sizeof *retirement);
    retirement->function_arn = function_arn ? memory_strdup(function_arn) : NULL;
    pthread_mutex_lock(&pool->mutex);
    pool->age += !function_arn;
    retirement->next = pool->retirements;
    pool->retirements = retirement;
    pthread_mutex_unlock(&pool->mutex);
    wake(pool);
}

/* On the Runtime API's loop: the pool's thread answers. */
static void handle(void *arg, void *loop_state, struct http_exchange *exchange)
{
    struct lambda_pool *pool = arg;
    struct arrival *arrival = memory_alloc(sizeof *arrival);
    (void)loop_state;
    http_exchange_defer(exchange);
    arrival->exchange = exchange;
    pthread_mutex_lock(&pool->mutex);
    *pool->arrivals_end = arrival;
    pool->arrivals_end = &arrival->next;
    pthread_mutex_unlock(&pool->mutex);
    wake(pool);
}

/* --- who does it ------------------------------------------------------------------------------ */

static bool may_take(struct lambda_pool *pool, const struct process *process,
                     const struct invocation *invocation)
{
    int64_t until_ms = lambda_shown_ms(pool) + invocation->start.timeout_ms + CREDENTIALS_MARGIN_MS;
    return process->state == PROCESS_READY && !process->retired &&
           strcmp(process->key, invocation->start.key) == 0 &&
           process->credentials_end_ms >= until_ms;
}

/* The one used last: the others may become old and end. */
static struct process *find_warm(struct lambda_pool *pool, const struct invocation *invocation)
{
    struct process *best = NULL;
    for (struct process *at = pool->processes; at; at = at->next)
        if (may_take(pool, at, invocation) && (!best || at->idle_since_ms > best->idle_since_ms))
            best = at;
    return best;
}

/* Room for one more: an idle process that has been so the longest goes. */
static void make_room(struct lambda_pool *pool)
{
    struct process *oldest = NULL;
    for (struct process *at = pool->processes; at; at = at->next) {
        if (at->state == PROCESS_ENDING)
            return; /* on its way */
        if (at->state == PROCESS_READY && (!oldest || at->idle_since_ms < oldest->idle_since_ms))
            oldest = at;
    }
    if (oldest)
        process_retire(oldest);
}

static bool place(struct lambda_pool *pool, struct invocation *invocation)
{
    struct process *warm = find_warm(pool, invocation);
    if (warm) {
        process_give(warm, invocation);
        return true;
    }
    if (pool->process_count >= pool->options.largest_processes) {
        make_room(pool);
        return false;
    }
    process_new(pool, invocation);
    return true;
}

/* In order, as far as it goes; those of one function that is stuck hold up no other's warm ones. */
static void place_all(struct lambda_pool *pool)
{
    struct invocation **at = &pool->queue;
    while (*at) {
        struct invocation *invocation = *at, *next = invocation->next;
        if (place(pool, invocation))
            *at = next;
        else
            at = &invocation->next;
    }
    pool->queue_end = at;
}

static void retire(struct lambda_pool *pool, const char *function_arn)
{
    for (struct process *at = pool->processes; at; at = at->next)
        if (!function_arn || strcmp(at->function_arn, function_arn) == 0)
            process_retire(at);
}

void lambda_pool_remove(struct lambda_pool *pool, struct process *process)
{
    struct process **at = &pool->processes;
    while (*at != process)
        at = &(*at)->next;
    *at = process->next;
    pool->process_count--;
}

int lambda_pool_watch(struct lambda_pool *pool, int fd, const struct process *process, int kind)
{
    struct epoll_event event = {
        .events = EPOLLIN,
        .data.u64 = process->tag * WATCH_KINDS + (unsigned)kind,
    };
    return epoll_ctl(pool->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* --- the thread ------------------------------------------------------------------------------- */

static struct process *process_tagged(struct lambda_pool *pool, uint64_t tag)
{
    struct process *at = pool->processes;
    while (at && at->tag != tag)
        at = at->next;
    return at;
}

static void accept_all(struct lambda_pool *pool, struct process *process)
{
    for (int fd; (fd = accept4(process->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;)
        http_server_adopt(pool->http, fd, process->tag);
}

static void take_inbox(struct lambda_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    struct invocation *invocations = pool->invocations;
    struct arrival *arrivals = pool->arrivals;
    struct retirement *retirements = pool->retirements;
    if (invocations) {
        *pool->queue_end = invocations;
        pool->queue_end = pool->invocations_end;
    }
    pool->invocations = NULL;
    pool->invocations_end = &pool->invocations;
    pool->arrivals = NULL;
    pool->arrivals_end = &pool->arrivals;
    pool->retirements = NULL;
    pthread_mutex_unlock(&pool->mutex);
    while (arrivals) {
        struct arrival *arrival = arrivals;
        uint64_t tag = http_exchange_incoming(arrival->exchange)->tag;
        struct process *process = process_tagged(pool, tag);
        if (process)
            process_call(process, arrival->exchange);
        else
            http_exchange_queue(arrival->exchange, 0);
        arrivals = arrival->next;
        free(arrival);
    }
    while (retirements) {
        struct retirement *retirement = retirements;
        retire(pool, retirement->function_arn);
        retirements = retirement->next;
        free(retirement->function_arn);
        free(retirement);
    }
}

static void handle_event(struct lambda_pool *pool, uint64_t what, bool exits)
{
    int kind = (int)(what % WATCH_KINDS);
    struct process *process = process_tagged(pool, what / WATCH_KINDS);
    if (!process || exits != (kind == WATCH_EXIT))
        return;
    if (kind == WATCH_LISTEN)
        accept_all(pool, process);
    else if (kind == WATCH_OUTPUT)
        process_read(process);
    else
        process_exited(process);
}

static int64_t tick_all(struct lambda_pool *pool)
{
    int64_t soonest_ms = LAMBDA_NEVER;
    for (struct process *next, *at = pool->processes; at; at = next) {
        next = at->next;
        int64_t next_ms = process_tick(at);
        if (next_ms < soonest_ms)
            soonest_ms = next_ms;
    }
    lambda_packages_sweep(pool->packages, pool->now_ms - PACKAGE_KEEP_MS);
    return soonest_ms;
}

static int wait_ms(struct lambda_pool *pool, int64_t soonest_ms)
{
    struct clock *clock = clock_system();
    if (soonest_ms == LAMBDA_NEVER)
        return PACKAGE_KEEP_MS;
    int64_t left_ms = soonest_ms - clock->monotonic_ms(clock);
    (void)pool;
    return left_ms < 0 ? 0 : left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

static void clear_wake(struct lambda_pool *pool)
{
    uint64_t count;
    while (read(pool->wake_fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
}

static bool is_ending(struct lambda_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    bool ending = pool->ending;
    pthread_mutex_unlock(&pool->mutex);
    return ending;
}

static void end_all(struct lambda_pool *pool)
{
    const struct lambda_answer answer = {.end = LAMBDA_NOT_STARTED,
                                         .code = "ServiceException",
                                         .message = "The server is stopping."};
    take_inbox(pool);
    while (pool->processes)
        process_stop(pool->processes);
    while (pool->queue) {
        struct invocation *invocation = pool->queue;
        pool->queue = invocation->next;
        invocation_end(pool, invocation, &answer);
    }
    pool->queue_end = &pool->queue;
    http_server_flush(pool->http);
}

static void *pool_main(void *arg)
{
    struct lambda_pool *pool = arg;
    struct clock *clock = clock_system();
    struct epoll_event events[EVENTS_PER_ROUND];
    int64_t soonest_ms = LAMBDA_NEVER;
    while (!is_ending(pool)) {
        int count = epoll_wait(pool->epoll_fd, events, EVENTS_PER_ROUND, wait_ms(pool, soonest_ms));
        pool->now_ms = clock->monotonic_ms(clock);
        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 == 0)
                clear_wake(pool);
            else
                handle_event(pool, events[i].data.u64, false);
        }
        /* What a runtime has said counts before its end does. */
        take_inbox(pool);
        for (int i = 0; i < count; i++)
            handle_event(pool, events[i].data.u64, true);
        place_all(pool);
        soonest_ms = tick_all(pool);
        http_server_flush(pool->http);
    }
    end_all(pool);
    return NULL;
}

/* --- the whole -------------------------------------------------------------------------------- */

static int open_fds(struct lambda_pool *pool, struct error *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0};
    pool->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    pool->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (pool->epoll_fd >= 0 && pool->wake_fd >= 0 &&
        epoll_ctl(pool->epoll_fd, EPOLL_CTL_ADD, pool->wake_fd, &event) == 0)
        return 0;
    return error_errno(err, errno, "the event loop of Lambda's processes");
}

struct lambda_pool *lambda_pool_new(const struct lambda_pool_options *options, struct error *err)
{
    struct lambda_pool *pool = memory_alloc(sizeof *pool);
    struct lambda_pool_options *own = &pool->options;
    *own = *options;
    own->folder = NULL;
    own->clock = own->clock ? own->clock : clock_system();
    own->random = own->random ? own->random : random_system();
    own->idle_ms = own->idle_ms ? own->idle_ms : IDLE_MS;
    own->init_ms = own->init_ms ? own->init_ms : INIT_MS;
    own->largest_processes = own->largest_processes ? own->largest_processes : LARGEST_PROCESSES;
    pthread_mutex_init(&pool->mutex, NULL);
    pool->invocations_end = &pool->invocations;
    pool->arrivals_end = &pool->arrivals;
    pool->queue_end = &pool->queue;
    pool->epoll_fd = pool->wake_fd = -1;
    pool->packages = lambda_packages_new(options->folder, err);
    if (pool->packages && open_fds(pool, err) == 0)
        return pool;
    lambda_pool_free(pool);
    return NULL;
}

int lambda_pool_start(struct lambda_pool *pool, const char *endpoint_url, struct error *err)
{
    const struct http_server_options options = {
        .loops = 1,
        .largest_body_bytes = LARGEST_BODY_BYTES,
        .header_timeout_ms = RUNTIME_PATIENCE_MS,
        .keep_alive_timeout_ms = RUNTIME_PATIENCE_MS,
        .arg = pool,
        .handle = handle,
    };
    pool->endpoint_url = endpoint_url ? memory_strdup(endpoint_url) : NULL;
    pool->http = http_server_new(&options, err);
    if (!pool->http || http_server_start(pool->http, err) != 0)
        return -1;
    pool->started = thread_start(&pool->thread, "lambda", pool_main, pool, err) == 0;
    return pool->started ? 0 : -1;
}

void lambda_pool_stop(struct lambda_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->ending = true;
    pthread_mutex_unlock(&pool->mutex);
    if (!pool->started)
        return;
    wake(pool);
    pthread_join(pool->thread, NULL);
    pool->started = false;
    http_server_stop(pool->http, 0);
    end_all(pool); /* what arrived meanwhile */
}

void lambda_pool_free(struct lambda_pool *pool)
{
    if (!pool)
        return;
    lambda_pool_stop(pool);
    http_server_free(pool->http);
    sandbox_watch_free(pool->watch);
    lambda_packages_free(pool->packages);
    if (pool->epoll_fd >= 0)
        close(pool->epoll_fd);
    if (pool->wake_fd >= 0)
        close(pool->wake_fd);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->endpoint_url);
    free(pool);
}
