#include "base/random.h"
#include "support/fake_random.h"
#include "support/test.h"

#include <pthread.h>

static void test_bytes_differ(void **state)
{
    (void)state;
    static const size_t sizes[] = {8, 12, 32, 1024, 1025, 5000};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        unsigned char first[5000] = {0}, second[5000] = {0};
        random_bytes(random_system(), first, sizes[i]);
        random_bytes(random_system(), second, sizes[i]);
        assert_memory_not_equal(first, second, sizes[i]);
        for (size_t at = sizes[i]; at < sizeof first; at++)
            assert_int_equal(first[at], 0); /* nothing behind the end */
    }
}

enum { DRAWS = 3000, SIZE = 12 };

static int compare_nonces(const void *a, const void *b)
{
    return memcmp(a, b, SIZE);
}

/* 12-byte draws cross the pool's refill many times; none may come twice. */
static void test_nonces_do_not_repeat(void **state)
{
    (void)state;
    static unsigned char drawn[DRAWS][SIZE];
    for (int i = 0; i < DRAWS; i++)
        random_bytes(random_system(), drawn[i], SIZE);
    qsort(drawn, DRAWS, SIZE, compare_nonces);
    for (int i = 1; i < DRAWS; i++)
        assert_memory_not_equal(drawn[i - 1], drawn[i], SIZE);
}

static void *draw_uuid(void *out)
{
    random_uuid(random_system(), out);
    return NULL;
}

static void test_threads_do_not_share(void **state)
{
    (void)state;
    char uuids[8][RANDOM_UUID_SIZE];
    pthread_t threads[8];
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, draw_uuid, uuids[i]), 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < COUNT(threads); i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(uuids[i], uuids[j]);
}

static void test_uuid_form(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        char uuid[RANDOM_UUID_SIZE];
        random_uuid(random_system(), uuid);
        assert_int_equal(strlen(uuid), 36);
        assert_int_equal(strspn(uuid, "0123456789abcdef-"), 36);
        assert_true(uuid[8] == '-' && uuid[13] == '-' && uuid[18] == '-' && uuid[23] == '-');
        assert_int_equal(uuid[14], '4');
        assert_non_null(strchr("89ab", uuid[19]));
    }
}

/* Always the largest number first: what `below` must throw away. */
static unsigned draws;
static void greatest_first(struct random *random, void *out, size_t len)
{
    (void)random;
    memset(out, draws++ == 0 ? 0xff : 0x01, len);
}

static void test_below(void **state)
{
    (void)state;
    struct random skewed = {greatest_first};
    assert_true(random_below(&skewed, 10) < 10);
    assert_int_equal(draws, 2); /* UINT64_MAX is above the last whole multiple of 10 */

    struct fake_random fake;
    fake_random_init(&fake, 1);
    unsigned seen[5] = {0};
    for (int i = 0; i < 5000; i++)
        seen[random_below(&fake.random, COUNT(seen))]++;
    for (size_t i = 0; i < COUNT(seen); i++)
        assert_in_range(seen[i], 850, 1150);
    assert_int_equal(random_below(&fake.random, 1), 0);
}

static void test_text(void **state)
{
    (void)state;
    struct fake_random fake;
    char one[33], same[33], other[33];
    fake_random_init(&fake, 7);
    random_text(&fake.random, "ABCDEF234567", one, 32);
    assert_int_equal(strlen(one), 32);
    assert_int_equal(strspn(one, "ABCDEF234567"), 32);
    random_text(&fake.random, "ABCDEF234567", other, 32);
    fake_random_init(&fake, 7);
    random_text(&fake.random, "ABCDEF234567", same, 32);
    assert_string_equal(one, same);
    assert_string_not_equal(one, other);
    random_text(&fake.random, "x", one, 0);
    assert_string_equal(one, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_differ),
        cmocka_unit_test(test_nonces_do_not_repeat),
        cmocka_unit_test(test_threads_do_not_share),
        cmocka_unit_test(test_uuid_form),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
