#include "client/retry.h"

#include "client/settings.h"
#include "support/fake_clock.h"
#include "support/test.h"

/* Draws the top of every range, or the bottom. */
struct edge_random {
    struct random random;
    uint8_t fill;
};

static void edge_bytes(struct random *random, void *out, size_t len)
{
    memset(out, ((struct edge_random *)random)->fill, len);
}

static struct fake_clock clock_;
static struct edge_random random_;
static struct retry_bucket bucket;
static struct retry_policy policy;

static struct retry start(void)
{
    return (struct retry){.policy = &policy,
                          .bucket = &bucket,
                          .clock = &clock_.clock,
                          .random = &random_.random};
}

static int setup(void **state)
{
    (void)state;
    fake_clock_init(&clock_, 1700000000000);
    random_ = (struct edge_random){{edge_bytes}, 0};
    policy = (struct retry_policy){RETRY_STANDARD, 3};
    retry_bucket_init(&bucket);
    return 0;
}

static void test_attempts(void **state)
{
    (void)state;
    struct retry retry = start();
    assert_true(retry_again(&retry, RETRY_TRANSIENT, NULL));
    assert_true(retry_again(&retry, RETRY_TRANSIENT, NULL));
    assert_false(retry_again(&retry, RETRY_TRANSIENT, NULL));
    policy.max_attempts = 1;
    retry = start();
    assert_false(retry_again(&retry, RETRY_TRANSIENT, NULL));
}

/* The mean of many draws before retry n is near half of min(2^(n-1), 20) s, none is above it. */
static void test_backoff(void **state)
{
    (void)state;
    policy.max_attempts = 100;
    for (unsigned n = 1; n <= 8; n++) {
        int64_t most = n <= 5 ? 1000LL << (n - 1) : 20000, largest = 0, sum = 0;
        for (int draw = 0; draw < 400; draw++) {
            struct retry retry = start();
            retry.random = random_system();
            retry.retries = n - 1;
            retry_bucket_init(&bucket);
            int64_t before = clock_.slept_ms;
            assert_true(retry_again(&retry, RETRY_TRANSIENT, NULL));
            int64_t slept = clock_.slept_ms - before;
            largest = slept > largest ? slept : largest;
            sum += slept;
        }
        assert_in_range(largest, most * 8 / 10, most);
        assert_in_range(sum / 400, most * 4 / 10, most * 6 / 10);
    }
}

static void test_bucket(void **state)
{
    (void)state;
    policy.max_attempts = 1000;
    struct retry retry = start();
    for (int i = 0; i < 100; i++)
        assert_true(retry_again(&retry, RETRY_TRANSIENT, NULL));
    assert_false(retry_again(&retry, RETRY_TRANSIENT, NULL));
    assert_int_equal(bucket.tokens, 0);

    retry_bucket_init(&bucket);
    retry = start();
    for (int i = 0; i < 50; i++)
        assert_true(retry_again(&retry, RETRY_TIMEOUT, NULL));
    assert_false(retry_again(&retry, RETRY_TIMEOUT, NULL));
}

static void test_refunds(void **state)
{
    (void)state;
    struct retry retry = start();
    retry_done(&retry);
    assert_int_equal(bucket.tokens, 500); /* never more */
    retry_again(&retry, RETRY_TRANSIENT, NULL);
    retry_again(&retry, RETRY_TIMEOUT, NULL);
    assert_int_equal(bucket.tokens, 485);
    retry_done(&retry); /* gives back what the last one took */
    assert_int_equal(bucket.tokens, 495);
    retry = start();
    retry_done(&retry); /* success at the first try: 1 */
    assert_int_equal(bucket.tokens, 496);
}

static int64_t wait_with(const char *name, const char *value)
{
    struct http_header header = {name, value};
    struct http_response response = {.headers = &header, .header_count = 1};
    struct retry retry = start();
    int64_t before = clock_.slept_ms;
    assert_true(retry_again(&retry, RETRY_THROTTLED, &response));
    return clock_.slept_ms - before;
}

static void test_hints(void **state)
{
    (void)state;
    /* The draw is 0 here. x-amz-retry-after: milliseconds, within [t, t + 5 s]. */
    assert_int_equal(wait_with("x-amz-retry-after", "1500"), 1500);
    assert_int_equal(wait_with("x-amz-retry-after", "60000"), 5000);
    assert_int_equal(wait_with("X-Amz-Retry-After", "-5"), 0);
    assert_int_equal(wait_with("x-amz-retry-after", "soon"), 0);
    assert_int_equal(wait_with("Retry-After", "7"), 7000);
    assert_int_equal(wait_with("Retry-After", "86400"), 20000);
    char date[CLOCK_TEXT_SIZE];
    clock_format_http(clock_.now_ms + 9000, date);
    assert_in_range(wait_with("Retry-After", date), 8001, 9000); /* dates have no milliseconds */
    clock_format_http(clock_.now_ms - 9000, date);
    assert_int_equal(wait_with("Retry-After", date), 0);
    assert_int_equal(wait_with("Retry-After", "x"), 0);
}

static int read_policy(const char *const *environment, struct retry_policy *out)
{
    struct settings settings;
    struct error err;
    assert_int_equal(settings_read(&settings, NULL, environment, &err), 0);
    int result = retry_policy_read(&settings, out, &err);
    settings_done(&settings);
    return result;
}

#define ENVIRONMENT(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_policy(void **state)
{
    (void)state;
    struct retry_policy read;
    assert_int_equal(read_policy(ENVIRONMENT(NULL), &read), 0);
    assert_int_equal(read.mode, RETRY_STANDARD);
    assert_int_equal(read.max_attempts, 3);
    assert_int_equal(read_policy(ENVIRONMENT("AWS_RETRY_MODE=legacy"), &read), 0);
    assert_int_equal(read.max_attempts, 5);
    assert_int_equal(read_policy(ENVIRONMENT("AWS_RETRY_MODE=Adaptive", "AWS_MAX_ATTEMPTS=7"),
                                 &read),
                     0);
    assert_int_equal(read.mode, RETRY_ADAPTIVE);
    assert_int_equal(read.max_attempts, 7);
    assert_int_equal(read_policy(ENVIRONMENT("AWS_MAX_ATTEMPTS=0"), &read), -1);
    assert_int_equal(read_policy(ENVIRONMENT("AWS_MAX_ATTEMPTS=x"), &read), -1);
    assert_int_equal(read_policy(ENVIRONMENT("AWS_RETRY_MODE=wild"), &read), -1);
}

static void test_legacy_has_no_bucket(void **state)
{
    (void)state;
    policy = (struct retry_policy){RETRY_LEGACY, 5};
    bucket.tokens = 0;
    struct retry retry = start();
    for (int i = 0; i < 4; i++)
        assert_true(retry_again(&retry, RETRY_TRANSIENT, NULL));
    assert_false(retry_again(&retry, RETRY_TRANSIENT, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_attempts, setup),
        cmocka_unit_test_setup(test_backoff, setup),
        cmocka_unit_test_setup(test_bucket, setup),
        cmocka_unit_test_setup(test_refunds, setup),
        cmocka_unit_test_setup(test_hints, setup),
        cmocka_unit_test_setup(test_policy, setup),
        cmocka_unit_test_setup(test_legacy_has_no_bucket, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
