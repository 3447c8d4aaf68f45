#include "kms_fixture.h"
#include "local/services/kms_parts.h"
#include "support/test.h"

/* Shared facts kms.md section 5, for what is here: "" works. */
static const char invalid[] = "KMSInvalidStateException", disabled[] = "DisabledException";
static const struct {
    enum kms_state state;
    const char *use, *change, *toggle, *schedule, *cancel, *text;
} table[] = {
    {KMS_ENABLED, "", "", "", "", invalid, "not pending deletion"},
    {KMS_DISABLED, disabled, "", "", "", invalid, "disabled"},
    {KMS_PENDING_DELETION, invalid, invalid, invalid, invalid, "", "pending deletion"},
    {KMS_PENDING_REPLICA_DELETION, invalid, invalid, invalid, invalid, "",
     "pending replica deletion"},
    {KMS_PENDING_IMPORT, invalid, "", invalid, "", invalid, "pending import"},
    {KMS_CREATING, invalid, "", invalid, "", invalid, "creating"},
    {KMS_UPDATING, "", "", invalid, invalid, invalid, "updating"},
};

static void states(void **state)
{
    struct kms_fixture *fixture = *state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct kms_key key = {.state = table[i].state, .arn = "ARN"};
        const char *const expected[] = {[KMS_TO_USE] = table[i].use,
                                        [KMS_TO_CHANGE] = table[i].change,
                                        [KMS_TO_SWITCH] = table[i].toggle,
                                        [KMS_TO_SCHEDULE] = table[i].schedule,
                                        [KMS_TO_CANCEL] = table[i].cancel};
        for (size_t need = 0; need < COUNT(expected); need++) {
            enum local_result result = kms_require(&fixture->call, &key, (enum kms_need)need);
            assert_int_equal(result, *expected[need] ? LOCAL_FAILED : LOCAL_OK);
            if (result == LOCAL_OK)
                continue;
            assert_string_equal(fixture->call.failure.code, expected[need]);
            const char *what = need == KMS_TO_CANCEL ? "not pending deletion" : table[i].text;
            char text[80];
            snprintf(text, sizeof text, "ARN is %s.", what);
            assert_string_equal(fixture->call.failure.message, text);
        }
    }
}

static void identifiers(void **state)
{
    (void)state;
    static const char *const good[] = {"12345678-1234-1234-1234-123456789abc",
                                       "mrk-0123456789abcdef0123456789abcdef"};
    static const char *const bad[] = {"",
                                      "fake-key-id",
                                      "12345678123412341234123456789012",
                                      "mrk-fake-key-id",
                                      "mrk-0123456789abcdef0123456789abcde",
                                      "mrk-0123456789abcdef0123456789abcdef0",
                                      "12345678-1234-1234-1234-123456789abg",
                                      "12345678-1234-1234-1234-123456789abc ",
                                      "12345678-1234-1234-1234-123456789ab"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(kms_id_valid(good[i]));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(kms_id_valid(bad[i]));
}

static char *create(struct kms_fixture *fixture, const char *input)
{
    json_t *answer = kms_fixture_run(fixture, &kms_service, "CreateKey", input);
    assert_non_null(answer);
    char *id =
        arena_strdup(&fixture->arena, json_text(json_object_get(answer, "KeyMetadata"), "KeyId"));
    json_decref(answer);
    return id;
}

static void act(struct kms_fixture *fixture, const char *operation, const char *format,
                const char *id)
{
    char input[256];
    size_t head = strcspn(format, "@");
    snprintf(input, sizeof input, "%.*s%s%s", (int)head, format, id, format + head + 1);
    json_t *answer = kms_fixture_run(fixture, &kms_service, operation, input);
    assert_non_null(answer);
    json_decref(answer);
}

static int64_t count(struct kms_fixture *fixture, const char *sql)
{
    struct store_rows rows;
    store_query(fixture->call.store, &rows, sql, "");
    int64_t number = store_next(&rows) ? store_int(&rows, 0) : -1;
    store_end(&rows);
    return number;
}

static const int64_t day_ms = 24 * 60 * 60 * 1000;

/* When the waiting period ends the key is gone, and at the next write all that was its own is. */
static void a_deletion_comes_true(void **state)
{
    struct kms_fixture *fixture = *state;
    char *id = create(fixture, "{\"Tags\":[{\"TagKey\":\"a\",\"TagValue\":\"b\"}]}");
    act(fixture, "CreateAlias", "{\"AliasName\":\"alias/a\",\"TargetKeyId\":\"@\"}", id);
    act(fixture, "ScheduleKeyDeletion", "{\"KeyId\":\"@\",\"PendingWindowInDays\":7}", id);
    fake_clock_advance(&fixture->clock, 7 * day_ms - 1);
    assert_non_null(kms_load(&fixture->call, id));
    fake_clock_advance(&fixture->clock, 1);
    assert_null(kms_load(&fixture->call, id));
    json_t *keys = kms_fixture_run(fixture, &kms_service, "ListKeys", "{}");
    assert_int_equal(json_array_size(json_object_get(keys, "Keys")), 0);
    json_decref(keys);
    assert_int_equal(count(fixture, "SELECT COUNT(*) FROM kms_materials"), 1);
    create(fixture, "{}");
    assert_int_equal(count(fixture, "SELECT COUNT(*) FROM kms_keys"), 1);
    assert_int_equal(count(fixture, "SELECT COUNT(*) FROM kms_materials"), 1);
    assert_int_equal(count(fixture, "SELECT COUNT(*) FROM kms_aliases"), 0);
    assert_int_equal(count(fixture, "SELECT COUNT(*) FROM kms_tags"), 0);
}

/* Material that a related key of another Region still needs stays. */
static void related_keys_keep_their_material(void **state)
{
    struct kms_fixture *fixture = *state;
    char *id = create(fixture, "{\"MultiRegion\":true}");
    assert_int_equal(
        store_run(fixture->writer,
                  "INSERT INTO kms_keys SELECT key_id, 'eu-west-1', account, material, state, 2, "
                  "service, spec, usage, origin, description, policy, shape, primary_region, "
                  "created_ms, deletion_ms, window_days, tagged FROM kms_keys WHERE key_id = $1",
                  "t", id),
        1);
    fixture->call.region = "eu-west-1";
    act(fixture, "ScheduleKeyDeletion", "{\"KeyId\":\"@\",\"PendingWindowInDays\":7}", id);
    fake_clock_advance(&fixture->clock, 7 * day_ms);
    fixture->call.region = "us-east-1";
    create(fixture, "{}");
    assert_non_null(kms_load(&fixture->call, id));
    assert_int_equal(count(fixture, "SELECT COUNT(*) FROM kms_materials"), 2);
}

static void a_primary_waits_for_its_replicas(void **state)
{
    struct kms_fixture *fixture = *state;
    char *id = create(fixture, "{\"MultiRegion\":true}");
    store_run(fixture->writer,
              "INSERT INTO kms_keys SELECT key_id, 'eu-west-1', account, material, state, 2, "
              "service, spec, usage, origin, description, policy, shape, primary_region, "
              "created_ms, deletion_ms, window_days, tagged FROM kms_keys WHERE key_id = $1",
              "t", id);
    act(fixture, "ScheduleKeyDeletion", "{\"KeyId\":\"@\",\"PendingWindowInDays\":7}", id);
    fake_clock_advance(&fixture->clock, 400 * day_ms);
    const struct kms_key *key = kms_load(&fixture->call, id);
    assert_non_null(key);
    assert_int_equal(key->state, KMS_PENDING_REPLICA_DELETION);
    assert_int_equal(key->window_days, 7);
}

/* A record read under one version is not given to calls of another. */
static void records_are_cached_by_version(void **state)
{
    struct kms_fixture *fixture = *state;
    char *id = create(fixture, "{}");
    kms_fixture_read(fixture);
    const struct kms_key *first = kms_load(&fixture->call, id);
    assert_int_equal(first->state, KMS_ENABLED);
    assert_ptr_equal(kms_load(&fixture->call, id), first);
    kms_fixture_write(fixture);
    act(fixture, "DisableKey", "{\"KeyId\":\"@\"}", id);
    assert_int_equal(kms_load(&fixture->call, id)->state, KMS_DISABLED);
    kms_fixture_read(fixture);
    assert_int_equal(kms_load(&fixture->call, id)->state, KMS_DISABLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, kms_fixture_setup, kms_fixture_teardown)
        TEST(states),
        TEST(identifiers),
        TEST(a_deletion_comes_true),
        TEST(related_keys_keep_their_material),
        TEST(a_primary_waits_for_its_replicas),
        TEST(records_are_cached_by_version),
    };
    json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
