#include "kms_fixture.h"
#include "local/services/kms_parts.h"
#include "support/test.h"

/* kms_allow answers for the two commonest policies and for administrators without evaluating them;
 * here the policies are evaluated, and must agree. */

static const char *const actions[] = {"kms:Encrypt",
                                      "kms:Decrypt",
                                      "kms:ReEncryptFrom",
                                      "kms:ReEncryptTo",
                                      "kms:GenerateDataKey",
                                      "kms:GenerateDataKeyWithoutPlaintext",
                                      "kms:GenerateDataKeyPair",
                                      "kms:DescribeKey",
                                      "kms:GetKeyPolicy",
                                      "kms:PutKeyPolicy",
                                      "kms:ScheduleKeyDeletion",
                                      "kms:DisableKey",
                                      "kms:TagResource",
                                      "kms:CreateAlias"};
static const char *const services[] = {NULL, "ssm", "secretsmanager", "s3"};
static const char *const accounts[] = {"111111111111", "222222222222"};

static void become(struct kms_fixture *fixture, const char *account)
{
    memcpy(fixture->caller.account, account, 13);
    fixture->caller.arn =
        arena_printf(&fixture->arena, "arn:aws:iam::%s:user/administrator", account);
    fixture->call.account = fixture->caller.account;
}

static enum local_result ask(struct kms_fixture *fixture, const char *id, int64_t shape,
                             const struct kms_question *question)
{
    store_run(fixture->writer, "UPDATE kms_keys SET shape = $1 WHERE key_id = $2", "it", shape, id);
    const struct kms_key *key = kms_load(&fixture->call, id);
    assert_non_null(key);
    return kms_allow(&fixture->call, key, question);
}

static void compare(struct kms_fixture *fixture, const char *id, enum kms_policy_shape shape)
{
    unsigned allowed = 0;
    for (size_t account = 0; account < COUNT(accounts); account++)
        for (size_t via = 0; via < COUNT(services); via++)
            for (size_t action = 0; action < COUNT(actions); action++) {
                struct kms_question question = {.action = actions[action], .via = services[via]};
                become(fixture, accounts[account]);
                enum local_result quick = ask(fixture, id, shape, &question);
                enum local_result slow = ask(fixture, id, KMS_POLICY_EVALUATED, &question);
                if (quick != slow)
                    print_error("%s via %s of %s\n", actions[action],
                                services[via] ? services[via] : "nobody", accounts[account]);
                assert_int_equal(quick, slow);
                allowed += quick == LOCAL_OK;
            }
    assert_true(allowed > 0);
    become(fixture, accounts[0]);
}

static void default_policy(void **state)
{
    struct kms_fixture *fixture = *state;
    json_t *answer = kms_fixture_run(fixture, &kms_service, "CreateKey", "{}");
    assert_non_null(answer);
    compare(fixture, json_text(json_object_get(answer, "KeyMetadata"), "KeyId"),
            KMS_POLICY_DEFAULT);
    json_decref(answer);
}

static void managed_policies(void **state)
{
    struct kms_fixture *fixture = *state;
    for (const struct kms_managed *managed = kms_managed_keys; managed->alias; managed++) {
        const char *id;
        assert_int_equal(kms_managed_make(&fixture->call, managed, &id), LOCAL_OK);
        compare(fixture, id, KMS_POLICY_SERVICE);
    }
}

/* Only what says the same as the default policy is taken for it. */
static void what_is_a_default_policy(void **state)
{
    struct kms_fixture *fixture = *state;
    static const struct {
        const char *policy;
        enum kms_policy_shape shape;
    } rows[] = {
        {"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\","
         "\"Principal\":{\"AWS\":\"arn:aws:iam::111111111111:root\"}}],"
         "\"Version\":\"2012-10-17\"}",
         KMS_POLICY_DEFAULT},
        {"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"x\",\"Effect\":\"Allow\","
         "\"Action\":\"kms:*\",\"Resource\":\"*\",\"Principal\":{\"AWS\":\"*\"}}]}",
         KMS_POLICY_EVALUATED},
        {"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\","
         "\"Resource\":\"*\",\"Principal\":{\"AWS\":\"arn:aws:iam::111111111111:root\"},"
         "\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"false\"}}}]}",
         KMS_POLICY_EVALUATED},
        {"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\","
         "\"Resource\":\"*\",\"Principal\":{\"AWS\":\"arn:aws:iam::111111111111:root\"}},"
         "{\"Effect\":\"Deny\",\"Action\":\"kms:Decrypt\",\"Resource\":\"*\","
         "\"Principal\":\"*\"}]}",
         KMS_POLICY_EVALUATED},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *shown;
        enum kms_policy_shape shape;
        assert_int_equal(kms_policy_check(&fixture->call, rows[i].policy, false, &shown, &shape),
                         LOCAL_OK);
        assert_int_equal(shape, rows[i].shape);
    }
}

static void layout(void **state)
{
    struct kms_fixture *fixture = *state;
    char *shown;
    struct error err;
    assert_int_equal(kms_policy_format(&fixture->arena,
                                       "{\"a\":[\"x\",\"\\\"y\"],\"b\":{},\"c\":[{\"d\":true}],"
                                       "\"e\":[]}",
                                       &shown, &err),
                     0);
    assert_string_equal(shown, "{\n  \"a\" : [ \"x\", \"\\\"y\" ],\n  \"b\" : { },\n"
                               "  \"c\" : [ {\n    \"d\" : true\n  } ],\n  \"e\" : [ ]\n}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, kms_fixture_setup, kms_fixture_teardown)
        TEST(default_policy),
        TEST(managed_policies),
        TEST(what_is_a_default_policy),
        TEST(layout),
    };
    json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
