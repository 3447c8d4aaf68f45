#include "client/credentials.h"

#include "base/arena.h"
#include "base/workers.h"
#include "support/fake_clock.h"
#include "support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { MINUTE_MS = 60 * 1000 };
static const int64_t start_ms = 1700000000000;

/* A source that numbers its keys, and fails when told to. */
struct counting {
    struct credentials_provider provider;
    struct clock *clock;
    atomic_int fetches;
    int64_t life_ms; /* 0: for ever */
    enum error_code failure;
    /* Threads: fetch waits until `open`. */
    bool gated;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool open, inside;
};

static struct fake_clock clock_;
static struct counting source;
static struct credentials_provider *cache;

static int counting_fetch(struct credentials_provider *provider, struct credentials *out,
                          struct error *err)
{
    struct counting *self = (struct counting *)provider;
    int number = ++self->fetches;
    if (self->gated) {
        pthread_mutex_lock(&self->mutex);
        self->inside = true;
        pthread_cond_broadcast(&self->changed);
        while (!self->open)
            pthread_cond_wait(&self->changed, &self->mutex);
        pthread_mutex_unlock(&self->mutex);
    }
    if (self->failure)
        return error_set(err, self->failure, "source fails, fetch %d", number);
    snprintf(out->access_key, sizeof out->access_key, "AKIA%d", number);
    secret_set(&out->secret, "secret", 6);
    secret_set(&out->token, "token", 5);
    out->source = "counting";
    if (self->life_ms)
        out->expires_ms = self->clock->now_ms(self->clock) + self->life_ms;
    return 0;
}

static void counting_free(struct credentials_provider *provider)
{
    (void)provider;
}

static int setup(void **state)
{
    (void)state;
    fake_clock_init(&clock_, start_ms);
    source = (struct counting){.provider = {"counting", counting_fetch, counting_free},
                               .clock = &clock_.clock,
                               .life_ms = 60 * MINUTE_MS};
    pthread_mutex_init(&source.mutex, NULL);
    pthread_cond_init(&source.changed, NULL);
    cache = credentials_cache_new(&source.provider, &clock_.clock);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    credentials_provider_free(cache);
    pthread_cond_destroy(&source.changed);
    pthread_mutex_destroy(&source.mutex);
    return 0;
}

/* The key that a fetch gives, or its error's code as text. */
static const char *key(void)
{
    static char text[140];
    struct credentials got = {0};
    struct error err = {0};
    if (cache->fetch(cache, &got, &err) == 0)
        snprintf(text, sizeof text, "%s", got.access_key);
    else
        snprintf(text, sizeof text, "%s", error_code_name(err.code));
    credentials_done(&got);
    return text;
}

static void test_kept_until_the_window(void **state)
{
    (void)state;
    assert_string_equal(key(), "AKIA1");
    fake_clock_advance(&clock_, 45 * MINUTE_MS - 1);
    assert_string_equal(key(), "AKIA1");
    assert_int_equal(source.fetches, 1);
    fake_clock_advance(&clock_, 1); /* 15 minutes left */
    assert_string_equal(key(), "AKIA2");
    assert_string_equal(key(), "AKIA2");
    assert_int_equal(source.fetches, 2);
}

static void test_advisory_failure_is_tolerated(void **state)
{
    (void)state;
    assert_string_equal(key(), "AKIA1");
    source.failure = ERR_UNAVAILABLE;
    fake_clock_advance(&clock_, 46 * MINUTE_MS);
    assert_string_equal(key(), "AKIA1");
    assert_string_equal(key(), "AKIA1");
    assert_int_equal(source.fetches, 2); /* not at every call */
    fake_clock_advance(&clock_, 61 * 1000);
    assert_string_equal(key(), "AKIA1");
    assert_int_equal(source.fetches, 3);
    fake_clock_advance(&clock_, 3 * MINUTE_MS); /* less than 10 minutes left: must */
    assert_string_equal(key(), "UNAVAILABLE");
    source.failure = ERR_NONE;
    assert_string_equal(key(), "AKIA5");
}

static void test_for_ever(void **state)
{
    (void)state;
    source.life_ms = 0;
    assert_string_equal(key(), "AKIA1");
    fake_clock_advance(&clock_, 10000LL * 60 * MINUTE_MS);
    assert_string_equal(key(), "AKIA1");
}

static void test_short_lives(void **state)
{
    (void)state;
    source.life_ms = 15 * MINUTE_MS; /* the shortest role session */
    assert_string_equal(key(), "AKIA1");
    fake_clock_advance(&clock_, 7 * MINUTE_MS);
    assert_string_equal(key(), "AKIA1");
    fake_clock_advance(&clock_, MINUTE_MS);
    assert_string_equal(key(), "AKIA2");
}

static void test_expired_from_the_source(void **state)
{
    (void)state;
    source.life_ms = -1;
    assert_string_equal(key(), "EXPIRED");
}

static void test_expire(void **state)
{
    (void)state;
    struct credentials used = {0};
    assert_int_equal(cache->fetch(cache, &used, NULL), 0);
    credentials_cache_expire(cache, &used);
    assert_string_equal(key(), "AKIA2");
    /* Told again by another call that had the old ones: nothing to do. */
    credentials_cache_expire(cache, &used);
    assert_string_equal(key(), "AKIA2");
    credentials_done(&used);
}

static void test_first_failure_is_not_remembered(void **state)
{
    (void)state;
    source.failure = ERR_DENIED;
    assert_string_equal(key(), "DENIED");
    source.failure = ERR_NONE;
    assert_string_equal(key(), "AKIA2");
}

/* --- threads ---------------------------------------------------------------------------------- */

static atomic_int good, bad;

static void ask(void *arg, unsigned worker)
{
    struct credentials got = {0};
    struct error err;
    (void)arg;
    (void)worker;
    if (cache->fetch(cache, &got, &err) == 0 && strcmp(got.access_key, "AKIA1") == 0)
        good++;
    else
        bad++;
    credentials_done(&got);
}

/* Starts askers, waits until one is in the source, lets the others arrive, then opens. */
static void ask_together(void)
{
    struct error err;
    struct workers *workers = workers_new(6, &err);
    good = bad = 0;
    source.gated = true;
    source.open = source.inside = false;
    for (int i = 0; i < 6; i++)
        workers_run(workers, ask, NULL);
    pthread_mutex_lock(&source.mutex);
    while (!source.inside)
        pthread_cond_wait(&source.changed, &source.mutex);
    source.open = true;
    pthread_cond_broadcast(&source.changed);
    pthread_mutex_unlock(&source.mutex);
    workers_free(workers);
    source.gated = false;
}

static void test_askers_join(void **state)
{
    (void)state;
    ask_together();
    assert_int_equal(good, 6);
    assert_int_equal(source.fetches, 1);
}

static void test_askers_share_a_failure(void **state)
{
    (void)state;
    source.failure = ERR_UNAVAILABLE;
    ask_together();
    assert_int_equal(bad, 6);
    /* Those who came after the answer asked anew; none hangs and none of the joined asks again. */
    assert_in_range(source.fetches, 1, 6);
}

static void *hold_source(void *arg)
{
    (void)arg;
    struct credentials got = {0};
    cache->fetch(cache, &got, NULL);
    credentials_done(&got);
    return NULL;
}

/* In the advisory window the others go on with the old ones while one asks. */
static void test_others_go_on(void **state)
{
    (void)state;
    assert_string_equal(key(), "AKIA1");
    fake_clock_advance(&clock_, 46 * MINUTE_MS);
    source.gated = true;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, hold_source, NULL), 0);
    pthread_mutex_lock(&source.mutex);
    while (!source.inside)
        pthread_cond_wait(&source.changed, &source.mutex);
    pthread_mutex_unlock(&source.mutex);
    assert_string_equal(key(), "AKIA1"); /* would hang if it waited */
    pthread_mutex_lock(&source.mutex);
    source.open = true;
    pthread_cond_broadcast(&source.changed);
    pthread_mutex_unlock(&source.mutex);
    pthread_join(thread, NULL);
    assert_string_equal(key(), "AKIA2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept_until_the_window, setup, teardown),
        cmocka_unit_test_setup_teardown(test_advisory_failure_is_tolerated, setup, teardown),
        cmocka_unit_test_setup_teardown(test_for_ever, setup, teardown),
        cmocka_unit_test_setup_teardown(test_short_lives, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expired_from_the_source, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expire, setup, teardown),
        cmocka_unit_test_setup_teardown(test_first_failure_is_not_remembered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_askers_join, setup, teardown),
        cmocka_unit_test_setup_teardown(test_askers_share_a_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_others_go_on, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
