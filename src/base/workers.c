#include "base/workers.h"

#include "base/arena.h"
#include "base/thread.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct job {
    void (*run)(void *arg, unsigned worker);
    void *arg;
};

struct worker {
    struct workers *pool;
    pthread_t thread;
    unsigned number;
};

struct workers {
    pthread_mutex_t mutex;
    pthread_cond_t work, room, idle;
    struct job *queue; /* ring */
    unsigned capacity, first, queued, running;
    unsigned count, started;
    bool ending;
    struct worker *members;
};

/* Who waits works too: then one of the threads has nothing to do. Whoever ends a job looks for the
 * next, so nobody has to be told. */
static bool may_begin(const struct workers *pool)
{
    return pool->queued && pool->running < pool->count;
}

/* The next job, with the lock given up while it runs. */
static void run_next(struct workers *pool, unsigned number)
{
    struct job job = pool->queue[pool->first];
    pool->first = (pool->first + 1) % pool->capacity;
    pool->queued--;
    pool->running++;
    pthread_cond_signal(&pool->room);
    pthread_mutex_unlock(&pool->mutex);
    job.run(job.arg, number);
    pthread_mutex_lock(&pool->mutex);
    pool->running--;
    if (!pool->queued && !pool->running)
        pthread_cond_broadcast(&pool->idle);
}

static void *worker_main(void *arg)
{
    struct worker *self = arg;
    struct workers *pool = self->pool;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (!pool->ending && !may_begin(pool))
            pthread_cond_wait(&pool->work, &pool->mutex);
        if (!pool->queued)
            break;
        run_next(pool, self->number);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

struct workers *workers_new(unsigned count, struct error *err)
{
    struct workers *pool = memory_alloc(sizeof *pool);
    pool->count = count ? count : 1;
    pool->capacity = 2 * pool->count;
    pool->queue = memory_alloc(pool->capacity * sizeof *pool->queue);
    pool->members = memory_alloc(pool->count * sizeof *pool->members);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->room, NULL);
    pthread_cond_init(&pool->idle, NULL);

    int failed = 0;
    for (unsigned i = 0; i < pool->count && !failed; i++) {
        pool->members[i] = (struct worker){.pool = pool, .number = i};
        char name[16];
        snprintf(name, sizeof name, "worker-%u", i % 1000);
        failed = thread_start(&pool->members[i].thread, name, worker_main, &pool->members[i], err);
        pool->started += !failed;
    }
    if (!failed)
        return pool;
    workers_free(pool);
    return NULL;
}

unsigned workers_count(const struct workers *workers)
{
    return workers->count;
}

void workers_run(struct workers *workers, void (*job)(void *arg, unsigned worker), void *arg)
{
    pthread_mutex_lock(&workers->mutex);
    while (workers->queued == workers->capacity)
        pthread_cond_wait(&workers->room, &workers->mutex);
    unsigned last = (workers->first + workers->queued) % workers->capacity;
    workers->queue[last] = (struct job){job, arg};
    /* A single job is left to the one that is about to wait: waking another costs both of them. */
    if (++workers->queued > 1)
        pthread_cond_signal(&workers->work);
    pthread_mutex_unlock(&workers->mutex);
}

void workers_wait(struct workers *workers)
{
    pthread_mutex_lock(&workers->mutex);
    while (workers->queued || workers->running)
        if (may_begin(workers))
            run_next(workers, workers->count);
        else
            pthread_cond_wait(&workers->idle, &workers->mutex);
    pthread_mutex_unlock(&workers->mutex);
}

void workers_free(struct workers *workers)
{
    if (!workers)
        return;
    pthread_mutex_lock(&workers->mutex);
    workers->ending = true;
    pthread_cond_broadcast(&workers->work);
    pthread_mutex_unlock(&workers->mutex);
    for (unsigned i = 0; i < workers->started; i++)
        pthread_join(workers->members[i].thread, NULL);
    pthread_cond_destroy(&workers->work);
    pthread_cond_destroy(&workers->room);
    pthread_cond_destroy(&workers->idle);
    pthread_mutex_destroy(&workers->mutex);
    free(workers->members);
    free(workers->queue);
    free(workers);
}
