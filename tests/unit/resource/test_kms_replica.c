#include "resource/kms_replica.h"
#include "support/fake_clock.h"
#include "support/fake_transport.h"
#include "support/test.h"

#include "base/json.h"

#define ID "mrk-00000000000000000000000000000001"
#define POLICY                                                                                     \
    "{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\","        \
    "\\\"Principal\\\":{\\\"AWS\\\":\\\"111122223333\\\"},\\\"Action\\\":\\\"kms:*\\\"}]}"
#define KEY(region, type, state, enabled)                                                          \
    "{\"KeyMetadata\":{\"KeyId\":\"" ID "\",\"Arn\":\"arn:aws:kms:" region ":111122223333:key/" ID \
    "\",\"AWSAccountId\":\"111122223333\",\"KeyState\":\"" state "\",\"Enabled\":" enabled         \
    ",\"MultiRegion\":true,\"Description\":\"d\","                                                 \
    "\"MultiRegionConfiguration\":{\"MultiRegionKeyType\":\"" type                                 \
    "\",\"PrimaryKey\":{\"Arn\":\"arn:aws:kms:eu-west-1:111122223333:key/" ID                      \
    "\",\"Region\":\"eu-west-1\"},\"ReplicaKeys\":[]}}}"
#define FAULT(code) "{\"__type\":\"" code "\",\"message\":\"no\"}"

static struct arena arena;
static struct fake_transport transport;
static struct fake_clock fake;
static struct session *session;
static struct resource_ctx ctx;
static struct kms_source source;

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
    const struct session_options options = {
        .region = "eu-west-1",
        .endpoint_url = "http://localhost:1",
        .transport = &transport.transport,
        .clock = &fake.clock,
        .no_wait = true,
        .environment = environment,
    };
    session = session_new(&options, NULL);
    assert_non_null(session);
    ctx = (struct resource_ctx){session, "us-east-1", false, &arena, NULL, NULL};
    source = (struct kms_source){.primary = {.id = ID,
                                             .arn = "arn:aws:kms:eu-west-1:111122223333:key/" ID,
                                             .region = "eu-west-1",
                                             .account = "111122223333",
                                             .state = "Enabled",
                                             .enabled = true,
                                             .multi_region = true,
                                             .primary = true,
                                             .description = "d",
                                             .policy = "{\"Statement\":[]}"}};
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

static void answer(const char *body)
{
    fake_transport_answer(&transport, strstr(body, "__type") ? 400 : 200, NULL, body);
}

static const char *operation_of(unsigned index)
{
    const char *target =
        fake_request_header(fake_transport_request(&transport, index), "X-Amz-Target");
    return target ? strrchr(target, '.') + 1 : "";
}

static const char *region_of(unsigned index)
{
    const char *signature =
        fake_request_header(fake_transport_request(&transport, index), "Authorization");
    return strstr(signature, "/eu-west-1/") ? "eu-west-1" : "us-east-1";
}

static json_t *sent(unsigned index)
{
    return json_read(fake_transport_request(&transport, index)->body,
                     strlen(fake_transport_request(&transport, index)->body), NULL);
}

/* Made by an earlier try whose answer was lost, or by somebody in between: found, and waited for.
 */
static void a_replica_that_is_there_after_all_is_no_failure(void **state)
{
    (void)state;
    struct kms_outcome outcome;
    struct error err = {0};
    static const struct kms_wish wish = {.keep_policy = true,
                                         .keep_tags = true,
                                         .keep_description = true,
                                         .keep_aliases = true};
    answer(FAULT("NotFoundException"));
    answer(FAULT("AlreadyExistsException"));
    answer(KEY("us-east-1", "REPLICA", "Creating", "false"));
    answer(KEY("us-east-1", "REPLICA", "Enabled", "true"));
    assert_int_equal(kms_replica_ensure(&ctx, &source, &wish, NULL, &outcome, &err), 0);
    assert_int_equal(outcome.end, KMS_END_EQUAL); /* not made here: nobody's to remove */
    assert_true(outcome.usable);
}

static void a_replica_is_made_at_the_primary_and_waited_for(void **state)
{
    (void)state;
    struct kms_outcome outcome;
    struct error err = {0};
    static const struct tag mark = {"understudy:by", "stack"};
    const struct kms_wish wish = {.mark = &mark};
    answer(FAULT("NotFoundException"));
    answer("{}");
    answer(FAULT("NotFoundException")); /* not yet known everywhere */
    answer(KEY("us-east-1", "REPLICA", "Creating", "false"));
    answer(KEY("us-east-1", "REPLICA", "Enabled", "true"));
    int64_t began = fake.clock.monotonic_ms(&fake.clock);
    assert_int_equal(kms_replica_ensure(&ctx, &source, &wish, NULL, &outcome, &err), 0);
    assert_true(fake.clock.monotonic_ms(&fake.clock) > began);
    assert_int_equal(outcome.end, KMS_END_CREATED);
    assert_true(outcome.usable);
    assert_int_equal(outcome.writes, 1);
    assert_int_equal(transport.count, 5);
    assert_string_equal(operation_of(1), "ReplicateKey");
    assert_string_equal(region_of(1), "eu-west-1");
    assert_string_equal(region_of(0), "us-east-1");
    json_t *in = sent(1);
    assert_string_equal(json_text(in, "ReplicaRegion"), "us-east-1");
    assert_string_equal(json_text(in, "Description"), "d");
    assert_null(json_object_get(in, "BypassPolicyLockoutSafetyCheck")); /* R42 */
    assert_int_equal(json_array_size(json_object_get(in, "Tags")), 1);
    json_decref(in);
}

static void nobody_waits_longer_than_told(void **state)
{
    (void)state;
    struct kms_outcome outcome;
    struct error err = {0};
    const struct kms_patience patience = {.deadline_ms =
                                              fake.clock.monotonic_ms(&fake.clock) + 3000};
    answer(KEY("us-east-1", "REPLICA", "Creating", "false"));
    fake_transport_route(&transport, "POST", 200, NULL,
                         KEY("us-east-1", "REPLICA", "Creating", "false"));
    assert_int_equal(kms_replica_ensure(&ctx, &source, NULL, &patience, &outcome, &err), -1);
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(outcome.text, "Creating"));
    assert_true(transport.count < 8); /* it backs off */
}

static void what_is_pending_deletion_is_taken_back_and_enabled(void **state)
{
    (void)state;
    struct kms_outcome outcome;
    struct error err = {0};
    const struct kms_wish wish = {.keep_policy = true,
                                  .keep_tags = true,
                                  .keep_description = true,
                                  .keep_aliases = true};
    answer(KEY("us-east-1", "REPLICA", "PendingDeletion", "false"));
    answer("{}");
    answer(KEY("us-east-1", "REPLICA", "Disabled", "false"));
    answer("{}");
    assert_int_equal(kms_replica_ensure(&ctx, &source, &wish, NULL, &outcome, &err), 0);
    assert_int_equal(outcome.end, KMS_END_RESTORED);
    assert_string_equal(operation_of(1), "CancelKeyDeletion");
    assert_string_equal(operation_of(3), "EnableKey");
    assert_int_equal(outcome.writes, 2);
}

static void an_equal_one_costs_no_write(void **state)
{
    (void)state;
    struct kms_outcome outcome;
    struct error err = {0};
    answer(KEY("us-east-1", "REPLICA", "Enabled", "true"));
    answer("{\"Policy\":\"{\\\"Id\\\":\\\"x\\\",\\\"Statement\\\":[]}\"}");
    answer("{\"Tags\":[{\"TagKey\":\"aws:x\",\"TagValue\":\"\"},"
           "{\"TagKey\":\"understudy:by\",\"TagValue\":\"me\"}]}");
    answer("{\"Aliases\":[{\"AliasName\":\"alias/other\"}]}");
    assert_int_equal(kms_replica_ensure(&ctx, &source, NULL, NULL, &outcome, &err), 0);
    assert_int_equal(outcome.end, KMS_END_EQUAL);
    assert_int_equal(outcome.writes, 0);
    assert_int_equal(transport.count, 4);
}

static void a_property_that_fails_leaves_the_others_done(void **state)
{
    (void)state;
    struct kms_outcome outcome;
    struct error err = {0};
    const struct kms_wish wish = {.policy = "{\"Statement\":[{}]}",
                                  .description = "new",
                                  .keep_tags = true,
                                  .keep_aliases = true};
    answer(KEY("us-east-1", "REPLICA", "Enabled", "true"));
    answer("{\"Policy\":\"{\\\"Statement\\\":[]}\"}");
    answer(FAULT("MalformedPolicyDocumentException"));
    answer("{}");
    assert_int_equal(kms_replica_ensure(&ctx, &source, &wish, NULL, &outcome, &err), -1);
    assert_int_equal(outcome.end, KMS_END_FAILED);
    assert_int_equal(outcome.problem_count, 1);
    assert_int_equal(outcome.changed_count, 1);
    assert_string_equal(outcome.changed[0], "description");
    assert_non_null(strstr(outcome.text, "policy"));
}

static void an_alias_of_another_key_is_left_to_it(void **state)
{
    (void)state;
    struct kms_outcome outcome;
    struct error err = {0};
    static const char *const aliases[] = {"alias/x"};
    struct kms_wish wish = {.keep_policy = true,
                            .keep_tags = true,
                            .keep_description = true,
                            .aliases_given = true,
                            .aliases = aliases,
                            .alias_count = 1};
    for (int move = 0; move < 2; move++) {
        wish.move_aliases = move;
        answer(KEY("us-east-1", "REPLICA", "Enabled", "true"));
        answer("{\"Aliases\":[]}");
        answer(FAULT("AlreadyExistsException"));
        answer("{\"KeyMetadata\":{\"KeyId\":\"other\",\"Arn\":\"arn:aws:kms:us-east-1:1:key/o\"}}");
        if (move)
            answer("{}");
        assert_int_equal(kms_replica_ensure(&ctx, &source, &wish, NULL, &outcome, &err),
                         move ? 0 : -1);
    }
    assert_int_equal(outcome.end, KMS_END_CHANGED);
    assert_string_equal(operation_of(8), "UpdateAlias");
}

static void a_primary_is_never_removed(void **state)
{
    (void)state;
    struct kms_outcome outcome;
    struct error err = {0};
    answer(KEY("us-east-1", "PRIMARY", "Enabled", "true"));
    assert_int_equal(kms_replica_remove(&ctx, ID, 7, NULL, &outcome, &err), -1);
    assert_int_equal(transport.count, 1);
    assert_non_null(strstr(err.message, "primary"));
}

static void removal_is_scheduled_once_and_only_of_what_is_marked(void **state)
{
    (void)state;
    struct kms_outcome outcome;
    struct error err = {0};
    static const struct tag mark = {"understudy:by", "me"};
    answer(KEY("us-east-1", "REPLICA", "Enabled", "true"));
    answer("{\"Tags\":[{\"TagKey\":\"understudy:by\",\"TagValue\":\"you\"}]}");
    assert_int_equal(kms_replica_remove(&ctx, ID, 7, &mark, &outcome, &err), 0);
    assert_int_equal(outcome.end, KMS_END_KEPT);
    answer(KEY("us-east-1", "REPLICA", "Enabled", "true"));
    answer("{\"Tags\":[{\"TagKey\":\"understudy:by\",\"TagValue\":\"me\"}]}");
    answer("{\"KeyState\":\"PendingDeletion\"}");
    assert_int_equal(kms_replica_remove(&ctx, ID, 7, &mark, &outcome, &err), 0);
    assert_int_equal(outcome.end, KMS_END_SCHEDULED);
    json_t *in = sent(4);
    assert_int_equal(json_int_or(in, "PendingWindowInDays", 0), 7);
    json_decref(in);
    answer(KEY("us-east-1", "REPLICA", "PendingDeletion", "false"));
    assert_int_equal(kms_replica_remove(&ctx, ID, 0, NULL, &outcome, &err), 0);
    assert_int_equal(outcome.end, KMS_END_GONE);
    answer(FAULT("NotFoundException"));
    assert_int_equal(kms_replica_remove(&ctx, ID, 0, NULL, &outcome, &err), 0);
    assert_int_equal(outcome.end, KMS_END_GONE);
    assert_int_equal(kms_replica_remove(&ctx, ID, 5, NULL, &outcome, &err), -1);
}

static void the_source_is_the_primary_wherever_it_is(void **state)
{
    (void)state;
    struct kms_source found;
    struct error err = {0};
    answer(KEY("us-east-1", "REPLICA", "Enabled", "true"));
    answer(KEY("eu-west-1", "PRIMARY", "Enabled", "true"));
    answer("{\"Policy\":\"" POLICY "\"}");
    answer("{\"Tags\":[]}");
    answer("{\"Aliases\":[]}");
    assert_int_equal(kms_source_read(&ctx, ID, NULL, &found, &err), 0);
    assert_string_equal(found.primary.region, "eu-west-1");
    assert_string_equal(region_of(2), "eu-west-1");
    answer("{\"KeyMetadata\":{\"KeyId\":\"k\",\"Arn\":\"arn:aws:kms:us-east-1:1:key/k\","
           "\"MultiRegion\":false,\"KeyManager\":\"CUSTOMER\"}}");
    assert_int_equal(kms_source_read(&ctx, "k", NULL, &found, &err), -1); /* R45 */
    assert_non_null(strstr(err.message, "single-Region"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_replica_is_made_at_the_primary_and_waited_for),
        TEST(a_replica_that_is_there_after_all_is_no_failure),
        TEST(nobody_waits_longer_than_told),
        TEST(what_is_pending_deletion_is_taken_back_and_enabled),
        TEST(an_equal_one_costs_no_write),
        TEST(a_property_that_fails_leaves_the_others_done),
        TEST(an_alias_of_another_key_is_left_to_it),
        TEST(a_primary_is_never_removed),
        TEST(removal_is_scheduled_once_and_only_of_what_is_marked),
        TEST(the_source_is_the_primary_wherever_it_is),
    };
    return cmocka_run_group_tests_name("resource/kms_replica", tests, NULL, NULL);
}
