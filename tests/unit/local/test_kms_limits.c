#include "kms_fixture.h"
#include "local/services/kms_grant.h"
#include "support/test.h"

#include <string.h>

static char *make_key(struct kms_fixture *fixture)
{
    json_t *answer = kms_fixture_run(fixture, &kms_service, "CreateKey", "{}");
    assert_non_null(answer);
    char *id =
        arena_strdup(&fixture->arena, json_text(json_object_get(answer, "KeyMetadata"), "KeyId"));
    json_decref(answer);
    return id;
}

/* Quotas of section 11, too large for a client to reach in a test. */
static void keys_of_an_account(void **state)
{
    struct kms_fixture *fixture = *state;
    make_key(fixture);
    store_run(fixture->writer,
              "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) "
              "INSERT INTO kms_keys SELECT 'key-' || n.i, region, account, material, state, "
              "multi_region, service, spec, usage, origin, description, policy, shape, "
              "primary_region, created_ms, deletion_ms, window_days, tagged FROM kms_keys, n",
              "");
    assert_null(kms_fixture_run(fixture, &kms_service, "CreateKey", "{}"));
    assert_string_equal(fixture->call.failure.code, "LimitExceededException");
    fixture->call.region = "eu-west-1";
    make_key(fixture);
    fixture->call.region = "us-east-1";
    store_run(fixture->writer, "UPDATE kms_keys SET service = 'ssm' WHERE key_id = 'key-1'", "");
    make_key(fixture); /* AWS managed keys do not count */
}

static void grants_of_a_key(void **state)
{
    struct kms_fixture *fixture = *state;
    const char *id = make_key(fixture);
    char *input = arena_printf(&fixture->arena,
                               "{\"KeyId\":\"%s\",\"Operations\":[\"Encrypt\"],"
                               "\"GranteePrincipal\":\"arn:aws:iam::111111111111:root\"}",
                               id);
    json_t *answer = kms_fixture_run(fixture, &kms_service, "CreateGrant", input);
    assert_non_null(answer);
    json_decref(answer);
    store_run(fixture->writer,
              "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 49999) "
              "INSERT INTO kms_grants SELECT key_id, region, 'grant-' || n.i, n.i + 1, name, "
              "grantee, grantee_service, retiring, retiring_service, operations, constraints, "
              "issuer, created_ms FROM kms_grants, n",
              "");
    assert_null(kms_fixture_run(fixture, &kms_service, "CreateGrant", input));
    assert_string_equal(fixture->call.failure.code, "LimitExceededException");
}

/* --- pure rules ------------------------------------------------------------------------------- */

static json_t *parse(const char *text)
{
    struct error err;
    json_t *value = *text ? json_read(text, strlen(text), &err) : NULL;
    assert_true(value || !*text);
    return value;
}

#define EQUALS(pairs) "{\"EncryptionContextEquals\":" pairs "}"
#define SUBSET(pairs) "{\"EncryptionContextSubset\":" pairs "}"
#define A             "{\"a\":\"1\"}"
#define AB            "{\"a\":\"1\",\"b\":\"2\"}"

static void constraints_hold(void **state)
{
    (void)state;
    static const struct kms_context_pair a[] = {{"a", "1"}}, ab[] = {{"b", "2"}, {"a", "1"}},
                                         other[] = {{"a", "2"}};
    static const struct {
        const char *constraints;
        struct kms_context context;
        bool holds;
    } rows[] = {
        {"", {NULL, 0}, true},          {"", {ab, 2}, true},
        {"{}", {a, 1}, true},           {EQUALS(A), {a, 1}, true},
        {EQUALS(A), {ab, 2}, false},    {EQUALS(A), {NULL, 0}, false},
        {EQUALS(AB), {ab, 2}, true},    {EQUALS("{}"), {NULL, 0}, true},
        {EQUALS("{}"), {a, 1}, false},  {SUBSET(A), {ab, 2}, true},
        {SUBSET(A), {other, 1}, false}, {SUBSET(AB), {a, 1}, false},
        {SUBSET("{}"), {a, 1}, true},   {"{\"SourceArn\":\"arn\"}", {NULL, 0}, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        json_t *constraints = parse(rows[i].constraints);
        if (kms_constraints_hold(constraints, &rows[i].context) != rows[i].holds)
            fail_msg("row %zu", i);
        json_decref(constraints);
    }
}

static void constraints_within(void **state)
{
    (void)state;
    static const struct {
        const char *inner, *outer;
        bool within;
    } rows[] = {
        {"", "", true},
        {SUBSET(A), "", true},
        {"", SUBSET(A), false},
        {SUBSET(AB), SUBSET(A), true},
        {SUBSET(A), SUBSET(AB), false},
        {EQUALS(AB), SUBSET(A), true},
        {EQUALS(A), EQUALS(A), true},
        {EQUALS(AB), EQUALS(A), false},
        {SUBSET(A), EQUALS(A), false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        json_t *inner = parse(rows[i].inner), *outer = parse(rows[i].outer);
        if (kms_constraints_within(inner, outer) != rows[i].within)
            fail_msg("row %zu", i);
        json_decref(inner);
        json_decref(outer);
    }
}

static void tokens(void **state)
{
    struct kms_fixture *fixture = *state;
    const struct kms_key key = {.id = "id", .region = "us-east-1"};
    struct kms_granted granted;
    char *token = kms_grant_token(&fixture->call, &key, "grant");
    assert_int_equal(kms_grant_token_read(&fixture->call, token, &granted), 0);
    assert_string_equal(granted.key_id, "id");
    assert_string_equal(granted.region, "us-east-1");
    assert_string_equal(granted.grant_id, "grant");
    assert_string_not_equal(token, kms_grant_token(&fixture->call, &key, "grant"));
    for (char *c = token; *c && *c != '='; c++) {
        char kept = *c;
        *c = kept == 'A' ? 'B' : 'A';
        if (c[1] != '=') /* the last bits before the padding carry nothing */
            assert_int_equal(kms_grant_token_read(&fixture->call, token, &granted), -1);
        *c = kept;
    }
    assert_int_equal(kms_grant_token_read(&fixture->call, "", &granted), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kms_fixture_setup, kms_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(keys_of_an_account),
        TEST(grants_of_a_key),
        cmocka_unit_test(constraints_hold),
        cmocka_unit_test(constraints_within),
        TEST(tokens),
    };
    json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
