#include "base/workers.h"
#include "support/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { WORKERS = 4 };

struct tally {
    atomic_uint done;
    unsigned by_worker[WORKERS + 1]; /* each slot is one worker's own: no lock */
    atomic_uint wrong_number;
};

static void count_job(void *arg, unsigned worker)
{
    struct tally *tally = arg;
    if (worker > WORKERS)
        tally->wrong_number++;
    else
        tally->by_worker[worker]++;
    tally->done++;
}

static void test_every_job_runs_once(void **state)
{
    (void)state;
    struct error err = {0};
    struct workers *workers = workers_new(WORKERS, &err);
    assert_non_null(workers);
    assert_int_equal(workers_count(workers), WORKERS);
    struct tally tally = {0};
    for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < 500; i++)
            workers_run(workers, count_job, &tally);
        workers_wait(workers);
        assert_int_equal(tally.done, 500 * round);
        unsigned sum = 0; /* wait is also the barrier behind which results may be read */
        for (int i = 0; i <= WORKERS; i++)
            sum += tally.by_worker[i];
        assert_int_equal(sum, 500 * round);
    }
    assert_int_equal(tally.wrong_number, 0);
    workers_wait(workers); /* nothing queued: at once */
    workers_free(workers);
}

static void test_free_runs_what_is_queued(void **state)
{
    (void)state;
    struct error err = {0};
    struct tally tally = {0};
    struct workers *workers = workers_new(WORKERS, &err);
    for (int i = 0; i < 20; i++)
        workers_run(workers, count_job, &tally);
    workers_free(workers);
    assert_int_equal(tally.done, 20);
    workers_free(NULL);
    workers = workers_new(0, &err);
    assert_int_equal(workers_count(workers), 1);
    workers_free(workers);
}

struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t opened;
    bool open;
    atomic_uint entered;
};

static void wait_at_gate(void *arg, unsigned worker)
{
    (void)worker;
    struct gate *gate = arg;
    gate->entered++;
    pthread_mutex_lock(&gate->mutex);
    while (!gate->open)
        pthread_cond_wait(&gate->opened, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
}

struct feeder {
    struct workers *workers;
    struct gate *gate;
    atomic_uint queued;
};

static void *feed(void *arg)
{
    struct feeder *feeder = arg;
    for (int i = 0; i < 100; i++) {
        workers_run(feeder->workers, wait_at_gate, feeder->gate);
        feeder->queued++;
    }
    return NULL;
}

/* While no job ends, the pool takes `count` running and 2 * count queued, then the feeder waits. */
static void test_the_queue_is_bounded(void **state)
{
    (void)state;
    struct error err = {0};
    struct gate gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER};
    struct feeder feeder = {.workers = workers_new(2, &err), .gate = &gate};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, feed, &feeder), 0);
    while (gate.entered < 2 || feeder.queued < 6)
        usleep(100);
    for (int i = 0; i < 200; i++) {
        usleep(100);
        assert_true(feeder.queued <= 6);
        assert_int_equal(gate.entered, 2);
    }
    pthread_mutex_lock(&gate.mutex);
    gate.open = true;
    pthread_cond_broadcast(&gate.opened);
    pthread_mutex_unlock(&gate.mutex);
    pthread_join(thread, NULL);
    workers_wait(feeder.workers);
    assert_int_equal(gate.entered, 100);
    workers_free(feeder.workers);
}

static void note_mask(void *arg, unsigned worker)
{
    (void)worker;
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    *(bool *)arg = sigismember(&now, SIGTERM) == 1 && sigismember(&now, SIGINT) == 1;
}

static void test_signals_are_for_the_main_thread(void **state)
{
    (void)state;
    struct error err = {0};
    bool blocked = false;
    struct workers *workers = workers_new(1, &err);
    workers_run(workers, note_mask, &blocked);
    workers_free(workers);
    assert_true(blocked);
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    assert_int_equal(sigismember(&now, SIGTERM), 0);
}

struct seen {
    pthread_t thread;
    unsigned worker;
};

static void note_thread(void *arg, unsigned worker)
{
    *(struct seen *)arg = (struct seen){pthread_self(), worker};
}

static void test_a_single_job_is_run_by_the_thread_that_waits(void **state)
{
    (void)state;
    struct error err = {0};
    struct workers *workers = workers_new(WORKERS, &err);
    for (int i = 0; i < 50; i++) {
        struct seen seen = {0};
        workers_run(workers, note_thread, &seen);
        workers_wait(workers);
        assert_true(pthread_equal(seen.thread, pthread_self()));
        assert_int_equal(seen.worker, WORKERS);
    }
    workers_free(workers);
}

struct meeting {
    pthread_barrier_t all;
    atomic_uint now, most;
};

static void meet(void *arg, unsigned worker)
{
    (void)worker;
    struct meeting *meeting = arg;
    unsigned now = ++meeting->now;
    if (now > meeting->most)
        meeting->most = now;
    pthread_barrier_wait(&meeting->all);
    meeting->now--;
}

/* As many as the pool is for, the one that waits among them: and none more. */
static void test_jobs_run_side_by_side(void **state)
{
    (void)state;
    struct error err = {0};
    for (unsigned count = 1; count <= WORKERS; count++) {
        struct workers *workers = workers_new(count, &err);
        struct meeting meeting = {0};
        pthread_barrier_init(&meeting.all, NULL, count);
        for (unsigned i = 0; i < 100 * count; i++) {
            workers_run(workers, meet, &meeting);
            if (i % (2 * count) == 2 * count - 1)
                workers_wait(workers);
        }
        workers_free(workers);
        assert_true(meeting.most <= count);
        pthread_barrier_destroy(&meeting.all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_job_runs_once),
        cmocka_unit_test(test_free_runs_what_is_queued),
        cmocka_unit_test(test_the_queue_is_bounded),
        cmocka_unit_test(test_signals_are_for_the_main_thread),
        cmocka_unit_test(test_a_single_job_is_run_by_the_thread_that_waits),
        cmocka_unit_test(test_jobs_run_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
