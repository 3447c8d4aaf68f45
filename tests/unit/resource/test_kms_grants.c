/* Grants: what they say, which of them a copy is to have, and what is called for it. */
#include "resource/kms_grants.h"
#include "resource/kms_kind.h"
#include "support/fake_clock.h"
#include "support/fake_transport.h"
#include "support/test.h"

#include "base/json.h"

#define APP   "arn:aws:iam::111122223333:role/app"
#define GRANT "{\"GranteePrincipal\":\"" APP "\",\"Name\":\"app\",\"Operations\":[\"Decrypt\"]}"
#define OURS                                                                                       \
    "{\"GranteePrincipal\":\"" APP "\",\"Name\":\"understudy:x:1\",\"Operations\":[\"Sign\"]}"
#define THEIRS "{\"GranteePrincipal\":\"" APP "\",\"Name\":\"x\",\"Operations\":[\"Verify\"]}"
#define OF_A_SERVICE                                                                               \
    "{\"GranteePrincipal\":\"rds.us-east-1.amazonaws.com\",\"Operations\":[\"Decrypt\"]}"

static struct arena arena;
static struct fake_transport transport;
static struct fake_clock fake;
static struct session *session;
static struct resource_ctx ctx;
static struct resource_settings settings;
static struct judge_options options;
static struct resource want, have;
static struct verdict verdict;
static const struct kms_key key = {.id = "mrk-1",
                                   .arn = "arn:aws:kms:us-east-1:111122223333:key/mrk-1"};

static int setup(void **state)
{
    static const char *const environment[] = {"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
                                              "AWS_SECRET_ACCESS_KEY=secret", "AWS_MAX_ATTEMPTS=1",
                                              NULL};
    (void)state;
    json_setup();
    arena_init(&arena);
    fake_transport_init(&transport);
    fake_clock_init(&fake, 1700000000000);
    const struct session_options session_options = {
        .region = "us-east-1",
        .endpoint_url = "http://localhost:1",
        .transport = &transport.transport,
        .clock = &fake.clock,
        .no_wait = true,
        .environment = environment,
    };
    session = session_new(&session_options, NULL);
    assert_non_null(session);
    ctx = (struct resource_ctx){.session = session,
                                .region = "us-east-1",
                                .arena = &arena,
                                .settings = &settings};
    settings = (struct resource_settings){.grants = GRANTS_COPIED};
    options = (struct judge_options){.source_region = "ap-south-1",
                                     .region = "us-east-1",
                                     .settings = &settings};
    want = have = (struct resource){.key = "mrk-1", .name = "mrk-1"};
    want.fields[KMS_STATE] = have.fields[KMS_STATE] = kms_enabled;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    session_free(session);
    fake_transport_done(&transport);
    arena_done(&arena);
    return 0;
}

static void give(struct resource *resource, const char *grants)
{
    struct kms_grants read;
    struct error err = {0};
    fake_transport_answer(&transport, 200, NULL,
                          arena_printf(&arena, "{\"Grants\":[%s],\"Truncated\":false}", grants));
    assert_int_equal(kms_grants_read(&ctx, &key, &read, &err), 0);
    resource->fields[KMS_GRANTS] = read.copied;
    resource->fields[KMS_GRANTS_SHOWN] = read.shown;
}

static void judge(const struct resource *there)
{
    verdict = (struct verdict){0};
    kms_grants_judge(&arena, &want, there, &options, &verdict);
}

static void assert_says(const char *text, const char *part)
{
    assert_non_null(text);
    if (!strstr(text, part))
        fail_msg("'%s' does not say '%s'", text, part);
}

static json_t *sent(unsigned index)
{
    const char *body = fake_transport_request(&transport, index)->body;
    return json_read(body, strlen(body), NULL);
}

static void test_pages_are_one_list(void **state)
{
    (void)state;
    struct kms_grants read;
    struct error err = {0};
    fake_transport_answer(&transport, 200, NULL,
                          "{\"Grants\":[" GRANT "],\"Truncated\":true,\"NextMarker\":\"m\"}");
    fake_transport_answer(&transport, 200, NULL,
                          "{\"Grants\":[" OF_A_SERVICE "," THEIRS "],\"Truncated\":false}");
    assert_int_equal(kms_grants_read(&ctx, &key, &read, &err), 0);
    json_t *second = sent(1);
    assert_string_equal(json_text(second, "Marker"), "m");
    json_decref(second);
    assert_int_equal(kms_grants_lacking(read.copied, NULL), 2);
    assert_null(strstr(read.copied, "rds"));
    assert_says(read.shown, "rds");
}

static void test_what_is_allowed_is_compared(void **state)
{
    (void)state;
    static const char one[] =
        "[{\"GranteePrincipal\":\"a\",\"Name\":\"n\",\"Operations\":[\"A\"]}]";
    static const char same[] =
        "[{\"Operations\":[\"A\"],\"Name\":\"m\",\"GranteePrincipal\":\"a\"},"
        "{\"GranteePrincipal\":\"a\",\"Operations\":[\"A\"]}]";
    static const char other[] = "[{\"GranteePrincipal\":\"b\",\"Operations\":[\"A\"]}]";
    assert_true(kms_grants_same(one, same));
    assert_false(kms_grants_same(one, other));
    assert_false(kms_grants_same(one, NULL));
    assert_true(kms_grants_same(NULL, NULL));
}

static void test_operations_have_no_order_and_empty_constraints_say_nothing(void **state)
{
    (void)state;
    give(&want, "{\"GranteePrincipal\":\"" APP "\",\"Operations\":[\"Decrypt\",\"Encrypt\"],"
                "\"Constraints\":{\"EncryptionContextSubset\":{}}}");
    give(&have, "{\"GranteePrincipal\":\"" APP "\",\"Operations\":[\"Encrypt\",\"Decrypt\"],"
                "\"Name\":\"\",\"GrantId\":\"1\"}");
    assert_true(kms_grants_same(want.fields[KMS_GRANTS], have.fields[KMS_GRANTS]));
}

static void test_those_of_services_are_never_copied(void **state)
{
#define ROW(member, value) "{\"GranteePrincipal\":\"" APP "\",\"" member "\":" value "}"
#define EC2                "arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-1"
    static const char *const rows[] = {
        OF_A_SERVICE,
        "{\"GranteeServicePrincipal\":\"ec2.amazonaws.com\",\"Operations\":[\"Decrypt\"]}",
        ROW("RetiringServicePrincipal", "\"ec2.amazonaws.com\""),
        ROW("RetiringPrincipal", "\"dynamodb.us-east-1.amazonaws.com\""),
        ROW("Constraints", "{\"SourceArn\":\"arn:aws:ec2:::x\"}"),
        "{\"GranteePrincipal\":\"" EC2 "\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        give(&want, rows[i]);
        assert_null(want.fields[KMS_GRANTS]);
        judge(NULL);
        assert_null(want.fields[KMS_GRANTS]);
        assert_says(verdict.loss, "1 grant of AWS services not carried");
        assert_says(verdict.details, "of an AWS service");
        judge(&have); /* it is there, and they have theirs: else it were drift for ever */
        assert_null(verdict.loss);
    }
}

static void test_what_names_the_region_names_the_copys(void **state)
{
    (void)state;
    give(&want, "{\"GranteePrincipal\":\"" APP "\",\"Operations\":[\"Decrypt\"],\"Constraints\":{"
                "\"EncryptionContextEquals\":{\"PARAMETER_ARN\":\"arn:aws:ssm:ap-south-1:1:"
                "parameter/a\",\"where\":\"ap-south-1\"}}}");
    judge(NULL);
    assert_says(want.fields[KMS_GRANTS], "arn:aws:ssm:us-east-1:1:parameter/a");
    assert_says(want.fields[KMS_GRANTS], "\"where\":\"ap-south-1\"");
    settings.verbatim_policy = true;
    judge(NULL);
    assert_says(want.fields[KMS_GRANTS], "arn:aws:ssm:ap-south-1:1:parameter/a");
}

static void judged(const char *first, const char *second, const char *third)
{
    give(&want, GRANT);
    judge(&have);
    const char *const texts[] = {first, second, third};
    for (size_t i = 0; i < 3; i++)
        if (texts[i])
            assert_says(want.fields[KMS_GRANTS], texts[i]);
    assert_int_equal(kms_grants_lacking(want.fields[KMS_GRANTS], NULL),
                     (first != NULL) + (second != NULL) + (third != NULL));
}

static void test_left_over_ones_go_by_the_rule(void **state)
{
    (void)state;
    give(&have, OURS "," THEIRS "," OF_A_SERVICE);
    judged("Decrypt", "Sign", "Verify");
    assert_null(strstr(verdict.details, "revoked"));
    settings.revoke_own_grants = true;
    judged("Decrypt", "Verify", NULL);
    assert_says(verdict.details, "only there: to be revoked");
    settings.revoke_all_grants = true;
    judged("Decrypt", NULL, NULL);
    settings.grants = GRANTS_REPORTED;
    judge(&have);
    assert_null(want.fields[KMS_GRANTS]);
    assert_null(strstr(verdict.details, "revoked"));
}

static void test_a_key_that_is_not_enabled_is_given_none(void **state)
{
    (void)state;
    give(&want, GRANT);
    want.fields[KMS_STATE] = kms_disabled;
    judge(&have); /* made before it is disabled */
    assert_null(verdict.loss);
    have.fields[KMS_STATE] = kms_disabled;
    judge(&have);
    assert_says(verdict.loss, "when it is enabled");
    assert_null(want.fields[KMS_GRANTS]);
    give(&have, GRANT);
    judge(&have); /* nothing lacks */
    assert_null(verdict.loss);
}

static void test_very_many_are_left_alone(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1024 * 1024);
    for (int i = 0; i < 1001; i++)
        buf_printf(&text, "%s{\"GranteePrincipal\":\"" APP "%d\",\"Operations\":[\"Decrypt\"]}",
                   i ? "," : "", i);
    give(&want, buf_text(&text));
    buf_done(&text);
    assert_null(want.fields[KMS_GRANTS]);
    judge(&have);
    assert_says(verdict.loss, "more grants than can be kept apart");
    assert_null(want.fields[KMS_GRANTS]);
}

static void test_only_told_they_are_no_difference(void **state)
{
    (void)state;
    settings.grants = GRANTS_REPORTED;
    give(&want, GRANT "," GRANT);
    judge(&have);
    assert_string_equal(verdict.note, "2 grants not carried");
    assert_says(verdict.details, "\"aside\":\"other grants\"");
    assert_says(verdict.details, "app: " APP " may Decrypt");
    assert_null(want.fields[KMS_GRANTS]);
    give(&have, THEIRS "," GRANT);
    judge(&have);
    assert_null(verdict.note);
    assert_says(verdict.details, "there too");
    assert_says(verdict.details, "only there");
    settings.grants = GRANTS_IGNORED;
    judge(&have);
    assert_null(verdict.details);
}

static void converge(const char *wanted, const char *before, bool others, const char *there)
{
    struct kms_outcome outcome = {0};
    const struct kms_wish wish = {.grants_given = true,
                                  .grants = wanted,
                                  .grants_before = before,
                                  .revoke_others = others};
    struct kms_work work = {.ctx = &ctx, .wish = &wish, .key = key, .out = &outcome};
    fake_transport_answer(&transport, 200, NULL,
                          arena_printf(&arena, "{\"Grants\":[%s],\"Truncated\":false}", there));
    for (int i = 0; i < 3; i++)
        fake_transport_answer(&transport, 200, NULL, "{}");
    kms_grants_converge(&work);
    assert_int_equal(outcome.problem_count, 0);
}

static const char *operation_of(unsigned index)
{
    const struct fake_request *request = fake_transport_request(&transport, index);
    return strrchr(fake_request_header(request, "X-Amz-Target"), '.') + 1;
}

static void test_a_copys_name_is_made_of_what_it_allows(void **state)
{
    (void)state;
    char names[4][128];
    static const char *const grants[] = {"[" GRANT "]",
                                         "[{\"GranteePrincipal\":\"" APP
                                         "\",\"Name\":\"app\",\"Operations\":[\"Encrypt\"]}]",
                                         "[{\"GranteePrincipal\":\"" APP
                                         "\",\"Operations\":[\"Decrypt\"]}]",
                                         NULL};
    for (size_t i = 0; i < 3; i++) {
        fake_transport_done(&transport);
        fake_transport_init(&transport);
        converge(grants[i], NULL, false, "");
        assert_int_equal(transport.count, 2);
        assert_string_equal(operation_of(1), "CreateGrant");
        json_t *in = sent(1);
        snprintf(names[i], sizeof names[i], "%s", json_text(in, "Name"));
        assert_string_equal(json_text(in, "KeyId"), key.arn);
        json_decref(in);
    }
    assert_memory_equal(names[0], "understudy:app:", 15);
    assert_memory_equal(names[1], "understudy:app:", 15);
    assert_string_not_equal(names[0], names[1]);
    assert_string_equal(names[0] + 15, names[2] + 11);
}

static void test_only_what_was_planned_is_revoked(void **state)
{
    (void)state;
    static const char had[] = "[" OURS "," THEIRS "]";
    static const char there[] =
        "{\"GrantId\":\"1\",\"GranteePrincipal\":\"" APP "\",\"Name\":\"understudy:x:1\","
        "\"Operations\":[\"Sign\"]},"
        "{\"GrantId\":\"2\",\"GranteePrincipal\":\"" APP "\",\"Name\":\"x\",\"Operations\":["
        "\"Verify\"]},"
        "{\"GrantId\":\"3\",\"GranteePrincipal\":\"" APP "\",\"Name\":\"understudy:new:1\","
        "\"Operations\":[\"GenerateMac\"]}";
    converge(NULL, had, false, there);
    assert_int_equal(transport.count, 2);
    json_t *in = sent(1);
    assert_string_equal(operation_of(1), "RevokeGrant");
    assert_string_equal(json_text(in, "GrantId"), "1");
    json_decref(in);
    fake_transport_done(&transport);
    fake_transport_init(&transport);
    converge(NULL, had, true, there);
    assert_int_equal(transport.count, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_pages_are_one_list),
        TEST(test_what_is_allowed_is_compared),
        TEST(test_operations_have_no_order_and_empty_constraints_say_nothing),
        TEST(test_those_of_services_are_never_copied),
        TEST(test_what_names_the_region_names_the_copys),
        TEST(test_left_over_ones_go_by_the_rule),
        TEST(test_a_key_that_is_not_enabled_is_given_none),
        TEST(test_very_many_are_left_alone),
        TEST(test_only_told_they_are_no_difference),
        TEST(test_a_copys_name_is_made_of_what_it_allows),
        TEST(test_only_what_was_planned_is_revoked),
    };
    return cmocka_run_group_tests_name("resource/kms_grants", tests, NULL, NULL);
}
