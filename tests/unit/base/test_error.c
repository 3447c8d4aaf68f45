#include "base/error.h"
#include "support/test.h"

#include <errno.h>

static void test_set(void **state)
{
    (void)state;
    struct error err = {.http_status = 500, .aws_code = "Old", .request_id = "old"};
    assert_int_equal(error_set(&err, ERR_NOT_FOUND, "parameter %s", "/a"), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.message, "parameter /a");
    assert_int_equal(err.http_status, 0);
    assert_string_equal(err.aws_code, "");
    assert_string_equal(err.request_id, "");
    assert_int_equal(error_set(NULL, ERR_IO, "nobody listens"), -1);
}

static void test_context_keeps_the_rest(void **state)
{
    (void)state;
    struct error err;
    error_set(&err, ERR_DENIED, "no permission");
    err.http_status = 403;
    snprintf(err.aws_code, sizeof err.aws_code, "AccessDeniedException");
    assert_int_equal(error_context(&err, "write %s in %s", "/a", "eu-west-1"), -1);
    assert_string_equal(err.message, "write /a in eu-west-1: no permission");
    assert_int_equal(err.code, ERR_DENIED);
    assert_int_equal(err.http_status, 403);
    assert_string_equal(err.aws_code, "AccessDeniedException");
    assert_int_equal(error_context(NULL, "nobody listens"), -1);
}

static void test_its_own_text_may_be_an_argument(void **state)
{
    (void)state;
    struct error err;
    error_set(&err, ERR_IO, "inner");
    error_set(&err, ERR_INVALID, "outer (%s)", err.message);
    assert_string_equal(err.message, "outer (inner)");
    error_context(&err, "<%s>", err.message);
    assert_string_equal(err.message, "<outer (inner)>: outer (inner)");
}

static void test_long_texts_are_cut(void **state)
{
    (void)state;
    struct error err;
    char text[2000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    error_set(&err, ERR_IO, "%s", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    error_context(&err, "%s", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    error_errno(&err, ENOENT, "%s", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    for (int i = 0; i < 500; i++)
        error_context(&err, "level %d", i);
    assert_true(strncmp(err.message, "level 499: level 498: ", 22) == 0);
}

static void test_errno(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(error_errno(&err, ENOENT, "open %s", "x"), -1);
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.message, "open x: No such file or directory");
    assert_int_equal(error_errno(NULL, ENOENT, "open"), -1);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(error_code_name(ERR_NONE), "NONE");
    assert_string_equal(error_code_name(ERR_CANCELLED), "CANCELLED");
    for (int code = ERR_NONE; code <= ERR_CANCELLED; code++)
        assert_string_not_equal(error_code_name((enum error_code)code), "UNKNOWN");
    assert_string_equal(error_code_name((enum error_code)(ERR_CANCELLED + 1)), "UNKNOWN");
    assert_string_equal(error_code_name((enum error_code) - 1), "UNKNOWN");
}

static void test_clear(void **state)
{
    (void)state;
    struct error err;
    error_set(&err, ERR_IO, "x");
    error_clear(&err);
    assert_int_equal(err.code, ERR_NONE);
    assert_string_equal(err.message, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_context_keeps_the_rest),
        cmocka_unit_test(test_its_own_text_may_be_an_argument),
        cmocka_unit_test(test_long_texts_are_cut),
        cmocka_unit_test(test_errno),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
