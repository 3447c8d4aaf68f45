#include "local/lambda_async.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/thread.h"
#include "local/lambda_end.h"
#include "local/lambda_invoke.h"
#include "local/lambda_pause.h"
#include "local/lambda_poll.h"
#include "local/lambda_pool.h"
#include "local/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    AT_ONCE = 16,                /* events of one function; AWS promises no number */
    AT_ONCE_MOST = 96,           /* of all functions */
    LONGEST_WAIT_MS = 60 * 1000, /* the clock may be set while nobody tells */
    PAUSE_MS = 1000,             /* after a failure of the store */
};

/* The events of one function, in order. */
struct line {
    struct line *next;
    char *function;
    unsigned running;
    struct lambda_pause pause; /* throttled, or a failure of Lambda itself */
    bool waits;                /* has events in the queue */
};

/* One event on its way. */
struct run {
    struct writer_job job; /* first */
    struct run *next;
    struct lambda_async *async;
    struct line *line;
    unsigned turn; /* of the line's pauses, when it was begun */
    int64_t seq;
    char request_id[RANDOM_UUID_SIZE]; /* numbers come again when the store was emptied */
    enum lambda_result result;
    struct text payload; /* the answer; owned */
    const char *cause;   /* static: why it was refused */
    bool refused;        /* Lambda itself failed: the event stays as it is */
    bool broken;         /* the store failed: likewise */
    atomic_bool finished;
};

struct lambda_async {
    struct local *local;
    struct writer *writer;
    struct faults *faults;
    struct store_session *reader;
    struct lambda_polls *polls;
    struct line *lines;
    struct run *runs;
    unsigned running;
    atomic_bool queued, stopped;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t news;
    bool woken, ending, started; /* under the mutex */
};

static int64_t now_ms(const struct lambda_async *async)
{
    return async->local->clock->now_ms(async->local->clock);
}

int lambda_async_queue(struct local *local, struct store_session *store,
                       const struct lambda_function *function, struct text payload,
                       const char *request_id)
{
    struct lambda_async *async = atomic_load(&local->invocations);
    int result = lambda_queue_put(local, store, function, payload, request_id);
    if (async && result == 0)
        atomic_store(&async->queued, true);
    return result;
}

/* --- the end of an attempt -------------------------------------------------------------------- */

static bool settle(struct writer_job *job, struct store_session *store, uint64_t version)
{
    struct run *run = (struct run *)job;
    struct lambda_event event;
    struct arena scratch;
    (void)version;
    arena_init(&scratch);
    run->broken = false;
    if (lambda_queue_read(run->async->local, store, &scratch, run->seq, &event) &&
        strcmp(event.request_id, run->request_id) == 0) {
        const struct lambda_ending ending = {.local = run->async->local,
                                             .store = store,
                                             .arena = &scratch,
                                             .faults = run->async->faults,
                                             .event = &event,
                                             .result = run->result,
                                             .payload = run->payload};
        run->broken = lambda_end(&ending) < 0;
    } /* else somebody emptied the store */
    arena_done(&scratch);
    return !run->broken;
}

static void finish(struct run *run)
{
    struct lambda_async *async = run->async;
    atomic_store(&run->finished, true);
    lambda_async_wake(async);
}

static void settled(struct writer_job *job, enum writer_outcome outcome)
{
    struct run *run = (struct run *)job;
    run->refused |= run->broken || outcome == WRITER_FAILED;
    run->cause = "the store failed";
    finish(run);
}

/* On the pool's thread. Behind lambda_async_stop an end may be the server's doing, not the
 * function's: the event stays as it is, for the next start. */
static void ended(void *arg, const struct lambda_answer *answer)
{
    struct run *run = arg;
    if (atomic_load(&run->async->stopped)) {
        atomic_store(&run->finished, true);
        return;
    }
    run->refused = answer->code != NULL;
    run->cause = answer->code;
    if (run->refused) {
        finish(run);
        return;
    }
    run->result = answer->end == LAMBDA_ANSWERED ? LAMBDA_SUCCEEDED : LAMBDA_FAILED;
    char *copy = memory_alloc(answer->payload.len + 1);
    if (answer->payload.len)
        memcpy(copy, answer->payload.data, answer->payload.len);
    run->payload = (struct text){copy, answer->payload.len};
    writer_submit(run->async->writer, &run->job);
}

static void run_free(struct run *run)
{
    if (run->payload.data)
        explicit_bzero((void *)(uintptr_t)run->payload.data, run->payload.len);
    free((void *)(uintptr_t)run->payload.data);
    free(run);
}

/* --- lines ------------------------------------------------------------------------------------ */

static struct line *line_of(struct lambda_async *async, const char *function)
{
    struct line *line = async->lines;
    while (line && strcmp(line->function, function) != 0)
        line = line->next;
    if (line)
        return line;
    line = memory_alloc(sizeof *line);
    line->function = memory_strdup(function);
    line->next = async->lines;
    async->lines = line;
    return line;
}

static void tell_refused(struct lambda_async *async, const struct run *run)
{
    if (lambda_pause_refused(&run->line->pause, run->turn, now_ms(async)))
        log_event(LOG_WARN, "events wait, for their function cannot be run", "function",
                  run->line->function, "cause", run->cause, NULL);
}

/* What has finished gives its place back; one that ended well tells that the function has room. */
static void reap(struct lambda_async *async)
{
    for (struct run **at = &async->runs, *run; (run = *at);) {
        if (!atomic_load(&run->finished)) {
            at = &run->next;
            continue;
        }
        *at = run->next;
        run->line->running--;
        async->running--;
        if (run->refused)
            tell_refused(async, run);
        else
            lambda_pause_over(&run->line->pause);
        run_free(run);
    }
}

static bool is_running(const struct lambda_async *async, int64_t seq)
{
    for (const struct run *run = async->runs; run; run = run->next)
        if (run->seq == seq && lambda_queue_is(async->reader, seq, run->request_id))
            return true;
    return false;
}

/* Lines without work are forgotten: functions come and go. */
static void forget_idle(struct lambda_async *async)
{
    for (struct line **at = &async->lines, *line; (line = *at);) {
        if (line->running || line->waits) {
            line->waits = false;
            at = &line->next;
            continue;
        }
        *at = line->next;
        free(line->function);
        free(line);
    }
}

/* --- starting --------------------------------------------------------------------------------- */

static struct run *begin(struct lambda_async *async, struct line *line,
                         const struct lambda_event *event)
{
    struct run *run = memory_alloc(sizeof *run);
    run->job = (struct writer_job){.run = settle, .done = settled};
    run->async = async;
    run->line = line;
    run->turn = line->pause.turn;
    run->seq = event->seq;
    snprintf(run->request_id, sizeof run->request_id, "%s", event->request_id);
    run->next = async->runs;
    async->runs = run;
    line->running++;
    async->running++;
    return run;
}

/* Takes back what begin did for one that could not be started. */
static void take_back(struct lambda_async *async, struct run *run)
{
    async->runs = run->next;
    run->line->running--;
    async->running--;
    run_free(run);
}

/* False: the function takes no more for now. */
static bool start(struct lambda_async *async, struct line *line, int64_t seq)
{
    struct lambda_event event;
    struct lambda_function function = {0};
    struct local_failure failure = {0};
    struct arena scratch;
    bool taken = true;
    arena_init(&scratch);
    if (lambda_queue_read(async->local, async->reader, &scratch, seq, &event)) {
        struct run *run = begin(async, line, &event);
        bool found = lambda_function_find(async->local, async->reader, &scratch, event.account,
                                          event.region, event.function, NULL, &function) == 0;
        bool old =
            found && lambda_event_is_old(async->reader, &scratch, &function, &event, now_ms(async));
        if (!found || old || function.reserved_concurrency == 0) {
            run->result = !found ? LAMBDA_GONE : old ? LAMBDA_TOO_OLD : LAMBDA_SHUT;
            writer_submit(async->writer, &run->job);
        } else if (lambda_invoke_begin(async->local, async->reader, &scratch, &function,
                                       event.request_id, event.payload, ended, run,
                                       &failure) != 0) {
            take_back(async, run);
            lambda_pause_refused(&line->pause, line->pause.turn, now_ms(async));
            if (function.active_ms > now_ms(async)) /* not yet ready: that is known to end */
                line->pause.again_ms = function.active_ms;
            taken = false;
        }
        lambda_function_done(&function);
    }
    arena_done(&scratch);
    return taken;
}

static int64_t sooner(int64_t one_ms, int64_t other_ms)
{
    return one_ms < other_ms ? one_ms : other_ms;
}

/* When there is something to do next for the line; what ends wakes the thread anyway. */
static int64_t serve(struct lambda_async *async, struct line *line)
{
    int64_t due[2 * AT_ONCE], now = now_ms(async);
    line->waits = true;
    if (lambda_pause_holds(&line->pause, now))
        return line->pause.again_ms;
    line->pause.again_ms = 0;
    size_t count =
        lambda_queue_due(async->reader, line->function, now, line->running + AT_ONCE, due);
    for (size_t i = 0; i < count; i++) {
        if (line->running >= AT_ONCE || async->running >= AT_ONCE_MOST)
            break;
        if (!is_running(async, due[i]) && !start(async, line, due[i]))
            return line->pause.again_ms;
    }
    return lambda_queue_next(async->reader, line->function, now);
}

static int64_t serve_all(struct lambda_async *async)
{
    struct arena scratch;
    int64_t next_ms = INT64_MAX;
    arena_init(&scratch);
    for (const char *function = "";
         (function = lambda_queue_function(async->reader, &scratch, function));)
        next_ms = sooner(next_ms, serve(async, line_of(async, function)));
    arena_done(&scratch);
    return next_ms;
}

/* --- the thread ------------------------------------------------------------------------------- */

/* One round; how long to wait for the next unless there is news, 0: not at all. */
static int64_t run_round(struct lambda_async *async)
{
    reap(async);
    lambda_polls_reap(async->polls);
    uint64_t commits = writer_commits(async->writer);
    uint64_t version = atomic_load(&async->local->version);
    store_begin_read(async->reader);
    int64_t next_ms = serve_all(async);
    next_ms = sooner(next_ms, lambda_polls_round(async->polls, async->reader, version, commits));
    bool failed = store_failed(async->reader);
    if (failed)
        log_event(LOG_ERROR, "invocations were not read", "cause", store_failure(async->reader),
                  NULL);
    store_end_read(async->reader);
    forget_idle(async);
    if (failed)
        return PAUSE_MS;
    if (next_ms == INT64_MAX)
        return LONGEST_WAIT_MS;
    int64_t wait_ms = next_ms - now_ms(async);
    return wait_ms > LONGEST_WAIT_MS ? LONGEST_WAIT_MS : wait_ms > 0 ? wait_ms : 1;
}

static bool wait_for_news(struct lambda_async *async, int64_t wait_ms)
{
    struct timespec until = thread_deadline(wait_ms);
    pthread_mutex_lock(&async->mutex);
    while (!async->woken && !async->ending && wait_ms &&
           pthread_cond_timedwait(&async->news, &async->mutex, &until) == 0)
        ;
    async->woken = false;
    bool go_on = !async->ending;
    pthread_mutex_unlock(&async->mutex);
    return go_on;
}

static void *async_main(void *arg)
{
    struct lambda_async *async = arg;
    while (wait_for_news(async, run_round(async)))
        ;
    return NULL;
}

static void wake(void *arg)
{
    lambda_async_wake(arg);
}

struct lambda_async *lambda_async_new(struct local *local, struct writer *writer,
                                      struct faults *faults, struct error *err)
{
    struct lambda_async *async = memory_alloc(sizeof *async);
    async->local = local;
    async->writer = writer;
    async->faults = faults;
    pthread_mutex_init(&async->mutex, NULL);
    thread_condition_init(&async->news);
    async->polls = lambda_polls_new(local, writer, faults, wake, async);
    async->reader = store_reader(local->store, err);
    if (async->reader)
        return async;
    lambda_async_free(async);
    return NULL;
}

int lambda_async_start(struct lambda_async *async, struct error *err)
{
    async->started = thread_start(&async->thread, "invocations", async_main, async, err) == 0;
    return async->started ? 0 : -1;
}

void lambda_async_stop(struct lambda_async *async)
{
    if (!async)
        return;
    atomic_store(&async->stopped, true);
    lambda_polls_stop(async->polls);
    if (!async->started)
        return;
    pthread_mutex_lock(&async->mutex);
    async->ending = true;
    pthread_cond_signal(&async->news);
    pthread_mutex_unlock(&async->mutex);
    pthread_join(async->thread, NULL);
    async->started = false;
}

void lambda_async_free(struct lambda_async *async)
{
    if (!async)
        return;
    lambda_async_stop(async);
    for (struct run *next, *run = async->runs; run; run = next) {
        next = run->next;
        run_free(run);
    }
    for (struct line *next, *line = async->lines; line; line = next) {
        next = line->next;
        free(line->function);
        free(line);
    }
    lambda_polls_free(async->polls);
    store_session_close(async->reader);
    pthread_cond_destroy(&async->news);
    pthread_mutex_destroy(&async->mutex);
    free(async);
}

void lambda_async_wake(struct lambda_async *async)
{
    if (!async)
        return;
    pthread_mutex_lock(&async->mutex);
    async->woken = true;
    pthread_cond_signal(&async->news);
    pthread_mutex_unlock(&async->mutex);
}

void lambda_async_committed(struct lambda_async *async, bool rung)
{
    if (!async)
        return;
    if (atomic_exchange(&async->queued, false) || lambda_polls_want(async->polls, rung))
        lambda_async_wake(async);
}
