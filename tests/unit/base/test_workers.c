#include "base/workers.h"
#include "support/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { WORKERS = 4 };

struct tally {
    atomic_uint done;
    unsigned by_worker[WORKERS]; /* each slot is one worker's own: no lock */
    atomic_uint wrong_number;
};

static void count_job(void *arg, unsigned worker)
{
    struct tally *tally = arg;
    if (worker >= WORKERS)
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
        for (int i = 0; i < WORKERS; i++)
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
    workers_wait(workers);
    assert_true(blocked);
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    assert_int_equal(sigismember(&now, SIGTERM), 0);
    workers_free(workers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_job_runs_once),
        cmocka_unit_test(test_free_runs_what_is_queued),
        cmocka_unit_test(test_the_queue_is_bounded),
        cmocka_unit_test(test_signals_are_for_the_main_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
