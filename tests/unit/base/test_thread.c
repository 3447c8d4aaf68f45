#include "base/thread.h"

#include "support/test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

struct seen {
    pthread_barrier_t named; /* the name is given after the start */
    char name[16];
    sigset_t blocked;
};

static void *look(void *arg)
{
    struct seen *seen = arg;
    pthread_barrier_wait(&seen->named);
    pthread_getname_np(pthread_self(), seen->name, sizeof seen->name);
    pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
    return seen;
}

static void *start(struct seen *seen, const char *name)
{
    pthread_t thread;
    struct error err;
    void *result = NULL;
    pthread_barrier_init(&seen->named, NULL, 2);
    assert_int_equal(thread_start(&thread, name, look, seen, &err), 0);
    pthread_barrier_wait(&seen->named);
    assert_int_equal(pthread_join(thread, &result), 0);
    pthread_barrier_destroy(&seen->named);
    return result;
}

static void test_named_and_without_signals(void **state)
{
    (void)state;
    struct seen seen = {0};
    assert_ptr_equal(start(&seen, "worker-7"), &seen);
    assert_string_equal(seen.name, "worker-7");
    assert_int_equal(sigismember(&seen.blocked, SIGTERM), 1);
    assert_int_equal(sigismember(&seen.blocked, SIGINT), 1);

    sigset_t ours;
    pthread_sigmask(SIG_SETMASK, NULL, &ours);
    assert_int_equal(sigismember(&ours, SIGTERM), 0);
}

static void test_a_long_name_is_cut(void **state)
{
    (void)state;
    struct seen seen = {0};
    start(&seen, "a-name-of-many-words");
    assert_string_equal(seen.name, "a-name-of-many-");
}

static void test_a_wait_has_a_limit(void **state)
{
    (void)state;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition;
    thread_condition_init(&condition);
    struct timespec now, until = thread_deadline(1999);
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t left_ms = (until.tv_sec - now.tv_sec) * 1000 + (until.tv_nsec - now.tv_nsec) / 1000000;
    assert_in_range(left_ms, 1, 1999);
    assert_in_range(until.tv_nsec, 0, 999999999);

    until = thread_deadline(5);
    pthread_mutex_lock(&mutex);
    assert_int_equal(pthread_cond_timedwait(&condition, &mutex, &until), ETIMEDOUT);
    clock_gettime(CLOCK_MONOTONIC, &now);
    assert_true(now.tv_sec > until.tv_sec ||
                (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec));
    pthread_mutex_unlock(&mutex);
    pthread_cond_destroy(&condition);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_named_and_without_signals),
        cmocka_unit_test(test_a_long_name_is_cut),
        cmocka_unit_test(test_a_wait_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
