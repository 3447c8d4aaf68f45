/* What can be made of a key in another Region, and what is said of what cannot. */
#include "resource/kms_kind.h"
#include "support/test.h"

#include "base/json.h"

#define POLICY                                                                                     \
    "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"111122223333\"},\"Action\":"   \
    "\"kms:*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"kms:ViaService\":"            \
    "\"ssm.ap-south-1.amazonaws.com\"}}}]}"

static struct arena arena;
static struct resource_settings settings;
static struct judge_options options;
static struct resource want, have;
static struct verdict verdict;
static struct tag mark;

static int setup(void **state)
{
    static const char *const counterparts[] = {"alias/one"};
    (void)state;
    json_setup();
    arena_init(&arena);
    settings = (struct resource_settings){.counterparts = counterparts, .counterpart_count = 1};
    options = (struct judge_options){.source_region = "ap-south-1",
                                     .region = "us-east-1",
                                     .source_account = "111122223333",
                                     .account = "111122223333",
                                     .settings = &settings};
    want = (struct resource){.key = "mrk-1", .name = "mrk-1"};
    want.fields[KMS_ID] = "mrk-1";
    want.fields[KMS_SPEC] = "SYMMETRIC_DEFAULT";
    want.fields[KMS_USAGE] = "ENCRYPT_DECRYPT";
    want.fields[KMS_ORIGIN] = "AWS_KMS";
    want.fields[KMS_STATE] = kms_enabled;
    want.fields[KMS_POLICY] = POLICY;
    want.fields[KMS_ALIASES] = "[\"alias/prod\"]";
    want.fields[KMS_PRIMARY] = "arn:aws:kms:ap-south-1:111122223333:key/mrk-1";
    have = want;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void judge(const struct resource *there)
{
    kms_judge(&arena, &want, there, &options, &verdict);
}

static void assert_says(const char *text, const char *part)
{
    assert_non_null(text);
    if (!strstr(text, part))
        fail_msg("'%s' does not say '%s'", text, part);
}

static void single(void)
{
    want.key = want.name = "alias/one";
    want.fields[KMS_ID] = "1234-5678";
    want.fields[KMS_PRIMARY] = NULL;
    have = want;
    have.fields[KMS_ID] = "8765-4321";
}

static void test_a_replica_gets_the_policy_of_its_region(void **state)
{
    (void)state;
    judge(NULL);
    assert_null(verdict.blocked);
    assert_null(verdict.loss);
    assert_says(want.fields[KMS_POLICY], "ssm.us-east-1.amazonaws.com");
}

static void test_policies_stay_when_told(void **state)
{
    (void)state;
    settings.verbatim_policy = true;
    judge(NULL);
    assert_string_equal(want.fields[KMS_POLICY], POLICY);
    settings.leave_policy = true;
    have.fields[KMS_POLICY] = "{}";
    judge(&have);
    assert_string_equal(want.fields[KMS_POLICY], "{}");
}

static void test_other_aliases_stay_unless_exact(void **state)
{
    (void)state;
    have.fields[KMS_ALIASES] = "[\"alias/dr\"]";
    judge(&have);
    assert_string_equal(want.fields[KMS_ALIASES], "[\"alias/dr\",\"alias/prod\"]");
    want.fields[KMS_ALIASES] = "[\"alias/prod\"]";
    settings.exact_aliases = true;
    judge(&have);
    assert_string_equal(want.fields[KMS_ALIASES], "[\"alias/prod\"]");
    settings.leave_aliases = true;
    judge(&have);
    assert_string_equal(want.fields[KMS_ALIASES], "[\"alias/dr\"]");
}

static void test_another_account_is_blocked(void **state)
{
    (void)state;
    options.account = "222233334444";
    judge(NULL);
    assert_says(verdict.blocked, "222233334444 is another account");
    judge(&have);
    assert_says(verdict.blocked, "222233334444 is another account");
    options.account = ""; /* STS has not told: the call itself will */
    judge(NULL);
    assert_null(verdict.blocked);
}

static void test_states(void **state)
{
    (void)state;
    want.fields[KMS_STATE] = kms_disabled;
    judge(NULL);
    assert_says(verdict.unwritable, "enabled keys only");
    judge(&have);
    assert_null(verdict.unwritable);
    want.fields[KMS_STATE] = kms_enabled;
    have.fields[KMS_STATE] = kms_pending_deletion;
    judge(&have);
    assert_says(verdict.note, "cancelled");
    want.fields[KMS_STATE] = kms_pending_import;
    judge(NULL);
    assert_says(verdict.blocked, "no key material yet");
}

static void test_imported_material_is_a_loss(void **state)
{
    (void)state;
    want.fields[KMS_ORIGIN] = "EXTERNAL";
    judge(NULL);
    assert_null(verdict.blocked);
    assert_says(verdict.loss, "import the same material into us-east-1");
}

static void test_rotation_that_differs_is_a_loss(void **state)
{
    (void)state;
    want.fields[KMS_ROTATION] = "every 365 days";
    have.fields[KMS_ROTATION] = "off";
    judge(&have);
    assert_says(verdict.loss, "rotated off, and every 365 days");
    assert_string_equal(want.fields[KMS_ROTATION], "off");
}

static void test_a_single_region_key_is_blocked(void **state)
{
    (void)state;
    single();
    settings.counterpart_count = 0;
    judge(NULL);
    assert_says(verdict.blocked, "a single-Region key");
}

static void test_a_counterpart_is_made_when_asked(void **state)
{
    (void)state;
    single();
    judge(NULL);
    assert_says(verdict.blocked, "create_counterparts");
    assert_says(verdict.blocked, "keys: { \"alias/one\": alias/one }");
    settings.create_counterparts = true;
    judge(NULL);
    assert_null(verdict.blocked);
    assert_says(verdict.loss, "decrypts nothing");
    assert_says(verdict.note, "SYMMETRIC_DEFAULT, ENCRYPT_DECRYPT");
    want.fields[KMS_STATE] = kms_disabled;
    judge(NULL);
    assert_says(verdict.unwritable, "disabled");
    want.fields[KMS_ORIGIN] = "EXTERNAL";
    judge(NULL);
    assert_says(verdict.blocked, "by hand");
}

static void test_a_counterpart_is_rotated_as_the_source(void **state)
{
    (void)state;
    single();
    settings.create_counterparts = true;
    want.fields[KMS_ROTATION] = "every 90 days";
    judge(NULL);
    assert_says(verdict.note, "rotated every 90 days, alias/one");
    assert_string_equal(want.fields[KMS_ROTATION], "every 90 days");
    have.fields[KMS_ROTATION] = KMS_ROTATION_OFF;
    judge(&have);
    assert_null(verdict.loss);
    assert_string_equal(want.fields[KMS_ROTATION], "every 90 days");
    /* AWS sets none on a key that is disabled. */
    have.fields[KMS_STATE] = want.fields[KMS_STATE] = kms_disabled;
    judge(&have);
    assert_says(verdict.loss, "when it is enabled");
    assert_string_equal(want.fields[KMS_ROTATION], KMS_ROTATION_OFF);
    want.fields[KMS_ROTATION] = "every 90 days";
    have.fields[KMS_ORIGIN] = "EXTERNAL"; /* made by hand, and never rotated */
    have.fields[KMS_ROTATION] = NULL;
    judge(&have);
    assert_says(verdict.loss, "not rotated");
    want.fields[KMS_ROTATION] = NULL; /* as the source */
    judge(&have);
    assert_null(verdict.loss);
}

static void test_what_a_counterpart_does_not_give_depends_on_its_use(void **state)
{
    static const char *const uses[][2] = {
        {"ENCRYPT_DECRYPT", "decrypts nothing"},
        {"SIGN_VERIFY", "has another public key"},
        {"GENERATE_VERIFY_MAC", "verifies no code"},
        {"KEY_AGREEMENT", "other secrets"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        single();
        want.fields[KMS_USAGE] = uses[i][0];
        settings.create_counterparts = false;
        judge(NULL);
        assert_says(verdict.blocked, uses[i][1]);
        settings.create_counterparts = true;
        judge(NULL);
        assert_says(verdict.loss, uses[i][1]);
    }
}

static void test_another_sort_of_key_is_no_counterpart(void **state)
{
    (void)state;
    single();
    settings.create_counterparts = true;
    have.fields[KMS_SPEC] = "RSA_2048";
    judge(&have);
    assert_says(verdict.blocked, "another sort of key (RSA_2048, not SYMMETRIC_DEFAULT)");
}

static void test_a_key_that_no_run_made_is_left_alone(void **state)
{
    (void)state;
    single();
    settings.create_counterparts = settings.own_counterparts = true;
    judge(&have);
    assert_says(verdict.blocked, "which no run made");
    mark = (struct tag){COUNTERPART_TAG, "another-key"};
    have.tags = &mark;
    have.tag_count = 1;
    judge(&have);
    assert_says(verdict.blocked, "which no run made");
    mark.value = "1234-5678";
    judge(&have);
    assert_null(verdict.blocked);
    settings.show_counterparts = true;
    judge(&have);
    assert_says(verdict.blocked, "is its counterpart");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_replica_gets_the_policy_of_its_region, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_policies_stay_when_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_aliases_stay_unless_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_account_is_blocked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_states, setup, teardown),
        cmocka_unit_test_setup_teardown(test_imported_material_is_a_loss, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rotation_that_differs_is_a_loss, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_single_region_key_is_blocked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_counterpart_is_made_when_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_counterpart_is_rotated_as_the_source, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_a_counterpart_does_not_give_depends_on_its_use,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_sort_of_key_is_no_counterpart, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_key_that_no_run_made_is_left_alone, setup, teardown),
    };
    return cmocka_run_group_tests_name("resource/kms_judge", tests, NULL, NULL);
}
