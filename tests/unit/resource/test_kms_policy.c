#include "resource/kms_key.h"
#include "support/test.h"

#include "base/arena.h"
#include "base/json.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    json_setup();
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static bool equal(const char *a, const char *b)
{
    const char *one = kms_policy_meaning(&arena, a, NULL);
    const char *other = kms_policy_meaning(&arena, b, NULL);
    assert_non_null(one);
    assert_non_null(other);
    return strcmp(one, other) == 0;
}

#define STATEMENT(inside)                                                                          \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\"," inside \
    "}]}"

static void what_means_the_same_is_equal(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {STATEMENT("\"Action\":\"kms:Decrypt\",\"Resource\":\"*\""),
         "{ \"Id\": \"x\",\n \"Version\": \"2012-10-17\", \"Statement\": {\"Sid\":\"a b\","
         "\"Resource\":[\"*\"],\"Principal\":{\"AWS\":[\"*\"]},\"Action\":[\"KMS:decrypt\"],"
         "\"Effect\":\"Allow\"}}"},
        {STATEMENT("\"Action\":[\"kms:B\",\"kms:A\",\"kms:B\"],\"Resource\":\"*\""),
         STATEMENT("\"Action\":[\"kms:A\",\"kms:B\"],\"Resource\":\"*\",\"Condition\":{}")},
        {STATEMENT("\"Action\":\"kms:A\",\"Condition\":{\"Bool\":{\"aws:SecureTransport\":true}}"),
         STATEMENT("\"Action\":\"kms:A\",\"Condition\":{\"bool\":"
                   "{\"AWS:SecureTransport\":[\"true\"]}}")},
        {"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"111122223333\"},"
         "\"Action\":\"*\"}]}",
         "{\"Version\":\"2008-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
         "{\"AWS\":[\"arn:aws:iam::111122223333:root\"]},\"Action\":\"*\"}]}"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_true(equal(same[i][0], same[i][1]));
}

static void what_means_another_thing_is_not(void **state)
{
    (void)state;
    const char *is = STATEMENT("\"Action\":\"kms:A\",\"Resource\":\"*\",\"Condition\":"
                               "{\"StringEquals\":{\"aws:PrincipalTag/x\":\"Y\"}}");
    static const char *const others[] = {
        STATEMENT("\"Action\":\"kms:A\",\"Resource\":\"*\""),
        STATEMENT("\"Action\":\"kms:B\",\"Resource\":\"*\",\"Condition\":"
                  "{\"StringEquals\":{\"aws:PrincipalTag/x\":\"Y\"}}"),
        STATEMENT("\"Action\":\"kms:A\",\"Resource\":\"*\",\"Condition\":"
                  "{\"StringEquals\":{\"aws:PrincipalTag/x\":\"y\"}}"),
        STATEMENT("\"NotAction\":\"kms:A\",\"Resource\":\"*\",\"Condition\":"
                  "{\"StringEquals\":{\"aws:PrincipalTag/x\":\"Y\"}}"),
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(equal(is, others[i]));
    assert_false(equal("{\"Version\":\"2012-10-17\",\"Statement\":[]}", "{\"Statement\":[]}"));
}

static void what_is_no_policy_is_said(void **state)
{
    (void)state;
    struct error err = {0};
    assert_null(kms_policy_meaning(&arena, "{\"Statement\":\"x\"}", &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_null(kms_policy_for_region(&arena, "[", "eu-west-1", "us-east-1", &err));
}

static const char *moved(const char *policy)
{
    return kms_policy_for_region(&arena, policy, "ap-south-1", "us-east-1", NULL);
}

static void what_is_bound_to_a_region_moves(void **state)
{
    (void)state;
    const char *from =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
        "\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:role/ap-south-1\","
        "\"Service\":[\"logs.ap-south-1.amazonaws.com\",\"s3.amazonaws.com\"]},"
        "\"Action\":\"kms:*\",\"Resource\":\"arn:aws:kms:ap-south-1:111122223333:key/mrk-1\","
        "\"Condition\":{\"StringEquals\":{\"kms:ViaService\":\"ssm.ap-south-1.amazonaws.com\","
        "\"aws:RequestedRegion\":[\"ap-south-1\"],\"aws:PrincipalTag/home\":\"ap-south-1\","
        "\"kms:ReplicaRegion\":\"ap-south-1\"},"
        "\"ArnLike\":{\"kms:EncryptionContext:aws:logs:arn\":"
        "\"arn:aws:logs:ap-south-1:111122223333:*\"}}}]}";
    const char *to =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
        "\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:role/ap-south-1\","
        "\"Service\":[\"logs.us-east-1.amazonaws.com\",\"s3.amazonaws.com\"]},"
        "\"Action\":\"kms:*\",\"Resource\":\"arn:aws:kms:us-east-1:111122223333:key/mrk-1\","
        "\"Condition\":{\"StringEquals\":{\"kms:ViaService\":\"ssm.us-east-1.amazonaws.com\","
        "\"aws:RequestedRegion\":[\"us-east-1\"],\"aws:PrincipalTag/home\":\"ap-south-1\","
        "\"kms:ReplicaRegion\":\"ap-south-1\"},"
        "\"ArnLike\":{\"kms:EncryptionContext:aws:logs:arn\":"
        "\"arn:aws:logs:us-east-1:111122223333:*\"}}}]}";
    assert_true(equal(moved(from), to));
}

static void what_names_both_regions_stays_as_it_is(void **state)
{
    (void)state;
    const char *both = STATEMENT("\"Action\":\"kms:*\",\"Condition\":{\"StringEquals\":"
                                 "{\"kms:ViaService\":[\"ssm.ap-south-1.amazonaws.com\","
                                 "\"ssm.us-east-1.amazonaws.com\"]}}");
    assert_ptr_equal(moved(both), both);
}

static void a_region_within_a_longer_name_is_another(void **state)
{
    (void)state;
    const char *other = STATEMENT("\"Action\":\"kms:*\",\"Condition\":{\"StringEquals\":"
                                  "{\"kms:ViaService\":\"ssm.ap-south-11.amazonaws.com\"}}");
    assert_ptr_equal(moved(other), other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_means_the_same_is_equal),
        cmocka_unit_test(what_means_another_thing_is_not),
        cmocka_unit_test(what_is_no_policy_is_said),
        cmocka_unit_test(what_is_bound_to_a_region_moves),
        cmocka_unit_test(what_names_both_regions_stays_as_it_is),
        cmocka_unit_test(a_region_within_a_longer_name_is_another),
    };
    return cmocka_run_group_tests_name("resource/kms_policy", tests, setup, teardown);
}
