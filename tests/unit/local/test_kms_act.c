/* What KMS does when its time has come, and what it tells EventBridge. */
#include "kms_fixture.h"
#include "local/agenda.h"
#include "local/services/kms_parts.h"
#include "support/test.h"

#include <string.h>

static const int64_t day_ms = 24 * 3600 * 1000;

/* Rules, so that events are kept. */
static int setup(void **state)
{
    if (kms_fixture_setup(state) != 0)
        return -1;
    struct kms_fixture *fixture = *state;
    static const char *const regions[] = {"us-east-1", "eu-west-1"};
    for (size_t i = 0; i < COUNT(regions); i++)
        store_run(fixture->writer,
                  "INSERT INTO events_rule (account, region, bus, name, pattern, state, "
                  "created_by, since_ms) VALUES ('111111111111', $1, 'default', 'all', '{}', 1, "
                  "'u', 0)",
                  "t", regions[i]);
    return 0;
}

static void run(struct kms_fixture *fixture, const char *operation, const char *input)
{
    json_t *answer = kms_fixture_run(fixture, &kms_service, operation, input);
    if (!answer)
        fail_msg("%s: %s", operation, fixture->call.failure.code);
    json_decref(answer);
}

static char *make_key(struct kms_fixture *fixture, const char *input)
{
    json_t *answer = kms_fixture_run(fixture, &kms_service, "CreateKey", input);
    assert_non_null(answer);
    if (store_failed(fixture->writer))
        fail_msg("%s", store_failure(fixture->writer));
    char *id =
        arena_strdup(&fixture->arena, json_text(json_object_get(answer, "KeyMetadata"), "KeyId"));
    json_decref(answer);
    return id;
}

static char *input_of(struct kms_fixture *fixture, const char *id, const char *more)
{
    return arena_printf(&fixture->arena, "{\"KeyId\":\"%s\"%s}", id, more);
}

/* The events since the last time about this key, as "type Region;"; of another key there is none.
 */
static const char *told(struct kms_fixture *fixture, const char *id)
{
    struct store_rows rows;
    char *all = arena_strdup(&fixture->arena, "");
    store_query(fixture->writer, &rows, "SELECT event FROM trail_outbox ORDER BY seq", "");
    while (store_next(&rows)) {
        struct text text = store_text(&rows, 0);
        json_t *event = json_read(text.data, text.len, NULL);
        const char *region = json_text(event, "region");
        assert_string_equal(json_text(event, "source"), "aws.kms");
        assert_string_equal(json_text(json_object_get(event, "detail"), "key-id"), id);
        assert_string_equal(
            json_string_value(json_array_get(json_object_get(event, "resources"), 0)),
            arena_printf(&fixture->arena, "arn:aws:kms:%s:111111111111:key/%s", region, id));
        all =
            arena_printf(&fixture->arena, "%s%s %s;", all, json_text(event, "detail-type"), region);
        json_decref(event);
    }
    store_end(&rows);
    store_run(fixture->writer, "DELETE FROM trail_outbox", "");
    return all;
}

static int64_t act(struct kms_fixture *fixture)
{
    return kms_act(&fixture->local, fixture->writer, fixture->clock.now_ms);
}

static int64_t count(struct kms_fixture *fixture, const char *sql)
{
    struct store_rows rows;
    store_query(fixture->writer, &rows, sql, "");
    int64_t found = store_next(&rows) ? store_int(&rows, 0) : -1;
    store_end(&rows);
    return found;
}

static void nothing_is_due(void **state)
{
    struct kms_fixture *fixture = *state;
    assert_true(act(fixture) == AGENDA_NEVER);
    const char *id = make_key(fixture, "{}");
    assert_true(act(fixture) == AGENDA_NEVER);
    assert_string_equal(told(fixture, id), "");
}

static void rotations(void **state)
{
    struct kms_fixture *fixture = *state;
    const char *id = make_key(fixture, "{\"MultiRegion\":true}");
    run(fixture, "ReplicateKey", input_of(fixture, id, ",\"ReplicaRegion\":\"eu-west-1\""));
    fake_clock_advance(&fixture->clock, 1000);
    run(fixture, "EnableKeyRotation", input_of(fixture, id, ",\"RotationPeriodInDays\":90"));
    int64_t due_ms = fixture->clock.now_ms + 90 * day_ms;
    assert_true(act(fixture) == due_ms);
    fake_clock_advance(&fixture->clock, 90 * day_ms);
    assert_true(act(fixture) == due_ms + 90 * day_ms);
    assert_string_equal(told(fixture, id),
                        "KMS CMK Rotation eu-west-1;KMS CMK Rotation us-east-1;");
    assert_int_equal(count(fixture, "SELECT COUNT(*) FROM kms_materials"), 2);
    /* A disabled key is not asked about again and again; enabled, it makes up for it. */
    run(fixture, "DisableKey", input_of(fixture, id, ""));
    fake_clock_advance(&fixture->clock, 90 * day_ms);
    assert_true(act(fixture) == AGENDA_NEVER);
    assert_string_equal(told(fixture, id), "");
    run(fixture, "EnableKey", input_of(fixture, id, ""));
    assert_true(act(fixture) == due_ms + 180 * day_ms);
    assert_int_equal(count(fixture, "SELECT COUNT(*) FROM kms_materials"), 3);
}

static void deletions(void **state)
{
    struct kms_fixture *fixture = *state;
    const char *id = make_key(fixture, "{\"MultiRegion\":true}");
    run(fixture, "ReplicateKey", input_of(fixture, id, ",\"ReplicaRegion\":\"eu-west-1\""));
    fake_clock_advance(&fixture->clock, 500);
    run(fixture, "ScheduleKeyDeletion", input_of(fixture, id, ",\"PendingWindowInDays\":8"));
    assert_true(act(fixture) == AGENDA_NEVER); /* the primary waits for its replica */
    fixture->call.region = "eu-west-1";
    run(fixture, "ScheduleKeyDeletion", input_of(fixture, id, ",\"PendingWindowInDays\":7"));
    int64_t first_ms = fixture->clock.now_ms + 7 * day_ms;
    assert_true(act(fixture) == first_ms);
    fake_clock_advance(&fixture->clock, 7 * day_ms);
    assert_true(act(fixture) == first_ms + 8 * day_ms);
    assert_string_equal(told(fixture, id), "KMS CMK Deletion eu-west-1;");
    assert_int_equal(count(fixture, "SELECT COUNT(*) FROM kms_materials"), 1);
    fake_clock_advance(&fixture->clock, 8 * day_ms);
    assert_true(act(fixture) == AGENDA_NEVER);
    assert_string_equal(told(fixture, id), "KMS CMK Deletion us-east-1;");
    assert_int_equal(count(fixture, "SELECT COUNT(*) FROM kms_materials"), 0);
    assert_int_equal(count(fixture, "SELECT COUNT(*) FROM kms_keys"), 0);
}

static void expired_material(void **state)
{
    struct kms_fixture *fixture = *state;
    const char *id = make_key(fixture, "{\"Origin\":\"EXTERNAL\"}");
    store_run(fixture->writer,
              "INSERT INTO kms_imports (key_id, region, material, ordinal, pending, imported, "
              "expires_ms) VALUES ($1, 'us-east-1', 'm', 1, 0, 1, $2)",
              "ti", id, fixture->clock.now_ms + day_ms);
    store_run(fixture->writer, "UPDATE kms_keys SET state = 0, material = 'm'", "");
    store_run(fixture->writer,
              "INSERT INTO kms_materials (key_id, material, account, sealed, created_ms) VALUES "
              "($1, 'm', '111111111111', 'x', 0)",
              "t", id);
    assert_int_equal(kms_load(&fixture->call, id)->state, KMS_ENABLED);
    assert_true(act(fixture) == fixture->clock.now_ms + day_ms);
    fake_clock_advance(&fixture->clock, day_ms);
    assert_int_equal(kms_load(&fixture->call, id)->state, KMS_PENDING_IMPORT); /* at once */
    assert_true(act(fixture) == AGENDA_NEVER);
    assert_string_equal(told(fixture, id), "KMS Imported Key Material Expiration us-east-1;");
    assert_int_equal(kms_load(&fixture->call, id)->state, KMS_PENDING_IMPORT);
    assert_int_equal(count(fixture, "SELECT COUNT(*) FROM kms_materials"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kms_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_due),
        TEST(rotations),
        TEST(deletions),
        TEST(expired_material),
    };
    json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
