#include "local/services/ssm_name.h"
#include "support/test.h"

enum { PREFIX_BYTES = 47 }; /* arn:aws:ssm:us-east-1:111111111111:parameter/ and a little */

static bool is(struct text text, const char *expected)
{
    return text_is(text, expected);
}

static void reads_names_arns_and_selectors(void **state)
{
    static const struct {
        const char *text, *key, *selector, *account;
    } rows[] = {
        {"foo", "foo", NULL, NULL},
        {"/foo", "foo", NULL, NULL},
        {"  /a/b.c-d_E0 ", "a/b.c-d_E0", NULL, NULL},
        {"/a/b:12", "a/b", "12", NULL},
        {"foo:live.1", "foo", "live.1", NULL},
        {"aws", "aws", NULL, NULL}, /* cannot be made, can be asked for */
        {"/aws/service/x", "aws/service/x", NULL, NULL},
        {"arn:aws:ssm:us-east-1:111111111111:parameter/foo", "foo", NULL, "111111111111"},
        {"arn:aws-cn:ssm:cn-north-1:111111111111:parameter/a/b:3", "a/b", "3", "111111111111"},
        {"arn:aws:ssm:us-east-1::parameter/aws/service/x", "aws/service/x", NULL, ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ssm_name name;
        assert_int_equal(ssm_name_read(text_of(rows[i].text), SSM_NAME_WITH_SELECTOR, &name),
                         SSM_NAME_GOOD);
        assert_true(is(name.key, rows[i].key));
        assert_true(rows[i].selector ? is(name.selector, rows[i].selector) : !name.selector.data);
        assert_true(rows[i].account ? is(name.account, rows[i].account) : !name.account.data);
    }
}

static void refuses_what_is_no_name(void **state)
{
    static const char *const rows[] = {
        "",
        " ",
        "/",
        "//",
        "a/b",
        "/a//b",
        "/a/",
        "a b",
        "/a b",
        "a@b",
        "/\303\251",
        "/a:",
        "/a:b:c",
        "/a:b/c",
        ":1",
        "ssm",
        "/SsMx",
        "/ssm/a",
        "arn:aws:ssm",
        "arn:aws:s3:us-east-1:111111111111:parameter/a",
        "arn:aws:ssm:us-east-1:111111111111:document/a",
        "arn:aws:ssm:us-east-1:111111111111:parameter/",
        "arn:aws:ssm:us-east-1:111111111111:parameter//a",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ssm_name name;
        if (ssm_name_read(text_of(rows[i]), SSM_NAME_WITH_SELECTOR, &name) != SSM_NAME_SYNTAX)
            fail_msg("taken: %s", rows[i]);
    }
}

static void forms_take_what_they_say(void **state)
{
    static const char arn[] = "arn:aws:ssm:us-east-1:111111111111:parameter/a";
    struct ssm_name name;
    (void)state;
    assert_int_equal(ssm_name_read(text_of(arn), SSM_NAME_ONLY, &name), SSM_NAME_SYNTAX);
    assert_int_equal(ssm_name_read(text_of(arn), SSM_NAME_OR_ARN, &name), SSM_NAME_GOOD);
    assert_int_equal(ssm_name_read(text_of("/a:1"), SSM_NAME_ONLY, &name), SSM_NAME_SYNTAX);
    assert_int_equal(ssm_name_read(text_of("/a:1"), SSM_NAME_OR_ARN, &name), SSM_NAME_SYNTAX);
}

static void says_why_a_name_cannot_be_made(void **state)
{
    static const struct {
        const char *text;
        enum ssm_name_fault fault;
    } rows[] = {
        {"foo", SSM_NAME_GOOD},
        {"/foo", SSM_NAME_GOOD},
        {" /a/b ", SSM_NAME_GOOD},
        {"/a/aws/ssm", SSM_NAME_GOOD},
        {"xaws", SSM_NAME_GOOD},
        {"a/b", SSM_NAME_UNQUALIFIED},
        {"aws/b", SSM_NAME_UNQUALIFIED},
        {"awsTest", SSM_NAME_PREFIX},
        {"SSM-x", SSM_NAME_PREFIX},
        {"/awsx", SSM_NAME_PREFIX},
        {"/aws/x", SSM_NAME_RESERVED},
        {"/AWSome/x", SSM_NAME_RESERVED},
        {"/Ssm/x", SSM_NAME_SYNTAX},
        {"/a b", SSM_NAME_SYNTAX},
        {"/a//b", SSM_NAME_SYNTAX},
        {"", SSM_NAME_SYNTAX},
        {"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15", SSM_NAME_GOOD},
        {"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", SSM_NAME_DEEP},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ssm_name name;
        enum ssm_name_fault fault = ssm_name_create(text_of(rows[i].text), PREFIX_BYTES, &name);
        if (fault != rows[i].fault)
            fail_msg("%s: %d", rows[i].text, (int)fault);
    }
}

static void the_arn_counts_in_the_length(void **state)
{
    char text[SSM_ARN_MAX_BYTES + 2];
    struct ssm_name name;
    (void)state;
    memset(text, 'x', sizeof text);
    struct text longest = {text, SSM_ARN_MAX_BYTES - PREFIX_BYTES};
    assert_int_equal(ssm_name_create(longest, PREFIX_BYTES, &name), SSM_NAME_GOOD);
    longest.len++;
    assert_int_equal(ssm_name_create(longest, PREFIX_BYTES, &name), SSM_NAME_LONG);
    text[0] = '/'; /* is not part of the ARN's name */
    assert_int_equal(ssm_name_create(longest, PREFIX_BYTES, &name), SSM_NAME_GOOD);
}

static void reads_paths(void **state)
{
    static const struct {
        const char *path, *prefix;
    } rows[] = {{"/", ""},        {"/a", "a"},    {"/a/", "a/"}, {"/a/b", "a/b"},
                {"a", NULL},      {"", NULL},     {"//", NULL},  {"/a//", NULL},
                {"/a//b/", NULL}, {"/a b", NULL}, {"/a:1", NULL}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct text prefix;
        int result = ssm_path_read(text_of(rows[i].path), &prefix);
        if ((result == 0) != (rows[i].prefix != NULL))
            fail_msg("%s: %d", rows[i].path, result);
        if (result == 0)
            assert_true(is(prefix, rows[i].prefix));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_names_arns_and_selectors),
        cmocka_unit_test(refuses_what_is_no_name),
        cmocka_unit_test(forms_take_what_they_say),
        cmocka_unit_test(says_why_a_name_cannot_be_made),
        cmocka_unit_test(the_arn_counts_in_the_length),
        cmocka_unit_test(reads_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
