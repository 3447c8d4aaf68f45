#include "local/writer.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/thread.h"

#include <stdlib.h>

/* Bounds how long the first of a group waits for the last; an fsync is shared by enough of them. */
enum { LARGEST_GROUP = 512 };

struct writer {
    struct local *local;
    struct store_session *session;
    void (*flush)(void *arg);
    void *arg;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t work;
    struct writer_job *first, **last; /* queue, under the mutex */
    bool ending, started;
    _Atomic uint64_t commits;
};

static void log_failure(const struct writer *writer, const char *what)
{
    log_event(LOG_ERROR, what, "cause", store_failure(writer->session), NULL);
}

static void fail_all(struct writer_job *first)
{
    for (struct writer_job *job = first; job; job = job->next)
        job->failed = true;
}

/* In a savepoint of its own; a failure of the store is left for try_group to see. */
static void run_undone(struct writer *writer, struct writer_job *job)
{
    struct store_session *session = writer->session;
    if (store_savepoint(session) != 0)
        return;
    job->undone(job, session);
    if (!store_failed(session)) {
        store_savepoint_release(session);
        return;
    }
    log_failure(writer, "a write failed");
    job->failed = true;
    store_savepoint_rollback(session);
}

static void run_one(struct writer *writer, struct writer_job *job, uint64_t version)
{
    struct store_session *session = writer->session;
    if (store_savepoint(session) != 0) {
        job->failed = true;
        return;
    }
    bool keep = job->run(job, session, version);
    if (store_failed(session)) {
        log_failure(writer, "a write failed");
        job->failed = true;
        keep = false;
    }
    if (keep)
        store_savepoint_release(session);
    else
        store_savepoint_rollback(session);
    if (!keep && job->undone && !job->failed && !store_failed(session))
        run_undone(writer, job);
}

/* Runs all jobs that have not failed, in one transaction. False when that was lost on the way: the
 * job it was lost with has failed then, the others are as if they had never run. */
static bool try_group(struct writer *writer, struct writer_job *first, uint64_t version)
{
    struct store_session *session = writer->session;
    if (store_begin(session) != 0) {
        log_failure(writer, "no transaction could be opened");
        fail_all(first);
        store_rollback(session);
        return true;
    }
    for (struct writer_job *job = first; job; job = job->next) {
        if (!job->failed)
            run_one(writer, job, version);
        if (store_failed(session)) { /* rolling back to the savepoint did not mend it */
            log_failure(writer, "a group of writes was lost");
            job->failed = true;
            store_rollback(session);
            return false;
        }
    }
    if (store_commit(session) != 0) {
        log_failure(writer, "a commit failed");
        fail_all(first);
        store_rollback(session);
    }
    return true;
}

static void run_group(struct writer *writer, struct writer_job *first)
{
    uint64_t version = atomic_load(&writer->local->version);
    while (!try_group(writer, first, version))
        ; /* once more without the culprit: each round has one job fewer */
    /* Before anybody is told: who then asks must not be served from what was read before. */
    if (store_stirred(writer->session))
        atomic_fetch_add(&writer->local->version, 1);
    atomic_fetch_add(&writer->commits, 1);
}

static void tell_group(struct writer *writer, struct writer_job *first)
{
    for (struct writer_job *next, *job = first; job; job = next) {
        next = job->next;
        job->done(job, job->failed ? WRITER_FAILED : WRITER_COMMITTED);
    }
    if (writer->flush)
        writer->flush(writer->arg);
}

/* The jobs queued, at most a group of them; NULL when the writer is to end. */
static struct writer_job *take_group(struct writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    while (!writer->first && !writer->ending)
        pthread_cond_wait(&writer->work, &writer->mutex);
    struct writer_job *first = writer->first, *end = first;
    for (int i = 1; end && end->next && i < LARGEST_GROUP; i++)
        end = end->next;
    if (end) {
        writer->first = end->next;
        end->next = NULL;
    }
    if (!writer->first)
        writer->last = &writer->first;
    pthread_mutex_unlock(&writer->mutex);
    return first;
}

static void *writer_main(void *arg)
{
    struct writer *writer = arg;
    struct writer_job *group;
    while ((group = take_group(writer))) {
        run_group(writer, group);
        tell_group(writer, group);
    }
    return NULL;
}

struct writer *writer_new(struct local *local, void (*flush)(void *arg), void *arg,
                          struct error *err)
{
    struct writer *writer = memory_alloc(sizeof *writer);
    writer->local = local;
    writer->flush = flush;
    writer->arg = arg;
    writer->last = &writer->first;
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->work, NULL);
    writer->session = store_writer(local->store, err);
    if (writer->session)
        writer->started = thread_start(&writer->thread, "writer", writer_main, writer, err) == 0;
    if (writer->started)
        return writer;
    writer_free(writer);
    return NULL;
}

void writer_submit(struct writer *writer, struct writer_job *job)
{
    job->next = NULL;
    job->failed = false;
    pthread_mutex_lock(&writer->mutex);
    *writer->last = job;
    writer->last = &job->next;
    pthread_cond_signal(&writer->work);
    pthread_mutex_unlock(&writer->mutex);
}

struct blocking_job {
    struct writer_job job;
    bool (*run)(void *arg, struct store_session *);
    void *arg;
    bool kept, ended;
    pthread_mutex_t mutex;
    pthread_cond_t done;
};

static bool run_blocking(struct writer_job *job, struct store_session *session, uint64_t version)
{
    struct blocking_job *blocking = (struct blocking_job *)job;
    (void)version;
    blocking->kept = blocking->run(blocking->arg, session);
    return blocking->kept;
}

static void end_blocking(struct writer_job *job, enum writer_outcome outcome)
{
    struct blocking_job *blocking = (struct blocking_job *)job;
    pthread_mutex_lock(&blocking->mutex);
    if (outcome == WRITER_FAILED)
        blocking->kept = false;
    blocking->ended = true;
    pthread_cond_signal(&blocking->done);
    pthread_mutex_unlock(&blocking->mutex);
}

int writer_call(struct writer *writer, bool (*run)(void *arg, struct store_session *), void *arg)
{
    struct blocking_job blocking = {
        .job = {.run = run_blocking, .done = end_blocking},
        .run = run,
        .arg = arg,
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .done = PTHREAD_COND_INITIALIZER,
    };
    writer_submit(writer, &blocking.job);
    pthread_mutex_lock(&blocking.mutex);
    while (!blocking.ended)
        pthread_cond_wait(&blocking.done, &blocking.mutex);
    pthread_mutex_unlock(&blocking.mutex);
    pthread_cond_destroy(&blocking.done);
    pthread_mutex_destroy(&blocking.mutex);
    return blocking.kept ? 0 : -1;
}

uint64_t writer_commits(const struct writer *writer)
{
    return atomic_load(&writer->commits);
}

void writer_free(struct writer *writer)
{
    if (!writer)
        return;
    pthread_mutex_lock(&writer->mutex);
    writer->ending = true;
    pthread_cond_signal(&writer->work);
    pthread_mutex_unlock(&writer->mutex);
    if (writer->started)
        pthread_join(writer->thread, NULL);
    store_session_close(writer->session);
    pthread_cond_destroy(&writer->work);
    pthread_mutex_destroy(&writer->mutex);
    free(writer);
}
