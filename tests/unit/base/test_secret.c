#include "base/sanitizer.h"
#include "base/secret.h"
#include "support/freed.h"
#include "support/test.h"

#include <sys/prctl.h>
#include <sys/resource.h>

static void test_set_and_free(void **state)
{
    (void)state;
    struct secret secret = {0};
    secret_set(&secret, FREED_MARK, strlen(FREED_MARK));
    assert_string_equal(secret.data, FREED_MARK);
    secret_set(&secret, secret.data, secret.len); /* from itself */
    assert_string_equal(secret.data, FREED_MARK);
    secret_set(&secret, "a\0b", 3);
    assert_int_equal(secret.len, 3);
    assert_memory_equal(secret.data, "a\0b", 4);
    secret_set(&secret, NULL, 0);
    assert_string_equal(secret.data, "");
    secret_set(&secret, FREED_MARK, strlen(FREED_MARK));
    secret_free(&secret);
    assert_null(secret.data);
    assert_int_equal(secret.len, 0);
    secret_free(&secret);
    assert_int_equal(freed_with_mark(), 0);
}

static void test_protect_process(void **state)
{
    (void)state;
    struct rlimit limit;
    secret_protect_process();
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    assert_int_equal(limit.rlim_cur, 0);
    assert_int_equal(limit.rlim_max, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__) /* gcc's plain build is where it holds   \
                                                           */
    assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_and_free),
        cmocka_unit_test(test_protect_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
