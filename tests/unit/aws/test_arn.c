#include "aws/arn.h"

#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static const struct {
    const char *text;
    const char *parts[5]; /* NULL: no ARN */
} cases[] = {
    {"arn:aws:ssm:us-east-1:111111111111:parameter/a/b",
     {"aws", "ssm", "us-east-1", "111111111111", "parameter/a/b"}},
    {"arn:aws:iam::111111111111:role/x", {"aws", "iam", "", "111111111111", "role/x"}},
    {"arn:aws:s3:::bucket/key:with:colons", {"aws", "s3", "", "", "bucket/key:with:colons"}},
    {"arn:aws-cn:lambda:cn-north-1:1:function:f:1",
     {"aws-cn", "lambda", "cn-north-1", "1", "function:f:1"}},
    {"", {0}},
    {"arn", {0}},
    {"arn:", {0}},
    {"ARN:aws:ssm:r:a:x", {0}},
    {"arn:aws:ssm:us-east-1:111111111111", {0}},
    {"arn:aws:ssm:us-east-1:111111111111:", {0}},
    {"arn::ssm:us-east-1:111111111111:x", {0}},
    {"arn:aws::us-east-1:111111111111:x", {0}},
};

static void parses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arn arn = {0};
        int result = arn_parse(cases[i].text, strlen(cases[i].text), &arn);
        assert_int_equal(result, cases[i].parts[0] ? 0 : -1);
        if (result != 0)
            continue;
        assert_true(text_is(arn.partition, cases[i].parts[0]));
        assert_true(text_is(arn.service, cases[i].parts[1]));
        assert_true(text_is(arn.region, cases[i].parts[2]));
        assert_true(text_is(arn.account, cases[i].parts[3]));
        assert_true(text_is(arn.resource, cases[i].parts[4]));
    }
    struct arn arn;
    assert_int_equal(arn_parse(NULL, 0, &arn), -1);
    assert_int_equal(arn_parse("arn:aws:ssm:r:a:x\0y", 19, &arn), -1);
    char text[3000] = "arn:aws:ssm:r:a:";
    memset(text + 16, 'x', sizeof text - 16);
    assert_int_equal(arn_parse(text, 2048, &arn), 0);
    assert_int_equal(arn_parse(text, 2049, &arn), -1);
}

static void formats(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    assert_string_equal(arn_format(&arena, "aws", "iam", "", "111111111111", "root"),
                        "arn:aws:iam::111111111111:root");
    arena_done(&arena);
    assert_true(arn_is("arn:x"));
    assert_false(arn_is("arm:x"));
    assert_false(arn_is(NULL));
}

static void accounts(void **state)
{
    (void)state;
    assert_true(account_valid("012345678901"));
    assert_false(account_valid("01234567890"));
    assert_false(account_valid("0123456789012"));
    assert_false(account_valid("01234567890a"));
    assert_false(account_valid(""));
    assert_false(account_valid(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parses), cmocka_unit_test(formats),
                                       cmocka_unit_test(accounts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
