#include "local/services/ssm_policy.h"
#include "support/test.h"

#define EXPIRATION(time)                                                                           \
    "{\"Type\":\"Expiration\",\"Version\":\"1.0\",\"Attributes\":{\"Timestamp\":\"" time "\"}}"
#define NOTIFY(kind, member, number, unit)                                                         \
    "{\"Type\":\"" kind "\",\"Version\":\"1.0\",\"Attributes\":{\"" member "\":" number            \
    ",\"Unit\":\"" unit "\"}}"

static const int64_t now_ms = 1700000000000; /* 2023-11-14T22:13:20Z */
static const int64_t hour_ms = 3600 * 1000;

static int read_it(struct arena *arena, const char *text, struct ssm_policies *out,
                   struct ssm_policy_fault *fault)
{
    return ssm_policies_read(arena, text, strlen(text), now_ms, out, fault);
}

static void takes_all_three_kinds(void **state)
{
    static const char text[] = "[ " EXPIRATION(
        "2023-11-15T00:13:20.000Z") ", " NOTIFY("ExpirationNotification", "Before", "\"15\"",
                                                "Days") "," NOTIFY("NoChangeNotification", "After",
                                                                   "\"20\"", "Hours") "]";
    struct arena arena;
    struct ssm_policies policies;
    struct ssm_policy_fault fault;
    (void)state;
    arena_init(&arena);
    assert_int_equal(read_it(&arena, text, &policies, &fault), 0);
    assert_int_equal(policies.expires_ms, now_ms + 2 * hour_ms);
    assert_null(strchr(policies.json, ' ')); /* stored compact */
    arena_done(&arena);
}

static void reads_times_as_java_does(void **state)
{
    static const struct {
        const char *text;
        int64_t expected_ms;
    } rows[] = {
        {"[" EXPIRATION("2023-11-14T22:13:21Z") "]", now_ms + 1000},
        {"[" EXPIRATION("2023-11-15T03:43:21+05:30") "]", now_ms + 1000},
        {"[" EXPIRATION("2023-11-15T08:43:21.5+10:30:00") "]", now_ms + 1500},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena;
        struct ssm_policies policies;
        struct ssm_policy_fault fault;
        arena_init(&arena);
        assert_int_equal(read_it(&arena, rows[i].text, &policies, &fault), 0);
        assert_int_equal(policies.expires_ms, rows[i].expected_ms);
        arena_done(&arena);
    }
}

static void an_empty_policy_takes_all_away(void **state)
{
    struct arena arena;
    struct ssm_policies policies;
    struct ssm_policy_fault fault;
    (void)state;
    arena_init(&arena);
    assert_int_equal(read_it(&arena, "[{}]", &policies, &fault), 0);
    assert_null(policies.json);
    assert_int_equal(policies.expires_ms, 0);
    arena_done(&arena);
}

static void refuses_in_the_models_words(void **state)
{
#define LATER  EXPIRATION("2030-01-01T00:00:00Z")
#define CHANGE NOTIFY("NoChangeNotification", "After", "\"1\"", "Days")
    static const struct {
        const char *text, *code;
    } rows[] = {
        {"", "InvalidPolicyAttributeException"},
        {"[]", "InvalidPolicyAttributeException"},
        {"{}", "InvalidPolicyAttributeException"},
        {"[1]", "InvalidPolicyTypeException"},
        {"[{},{}]", "InvalidPolicyTypeException"},
        {"[{\"Type\":\"Rotate\",\"Version\":\"1.0\",\"Attributes\":{}}]",
         "InvalidPolicyTypeException"},
        {"[{\"Type\":\"Expiration\",\"Version\":\"1.0\"}]", "InvalidPolicyAttributeException"},
        {"[{\"Type\":\"Expiration\",\"Attributes\":{\"Timestamp\":\"2030-01-01T00:00:00Z\"}}]",
         "InvalidPolicyAttributeException"},
        {"[" EXPIRATION("") "]", "InvalidPolicyAttributeException"},
        {"[" EXPIRATION("2030-13-01T00:00:00Z") "]", "InvalidPolicyAttributeException"},
        {"[" EXPIRATION("2023-11-14T22:13:20Z") "]", "InvalidPolicyAttributeException"},
        {"[" LATER "," LATER "]", "IncompatiblePolicyException"},
        {"[" NOTIFY("NoChangeNotification", "After", "1", "Days") "]",
         "InvalidPolicyAttributeException"},
        {"[" NOTIFY("NoChangeNotification", "After", "\"0\"", "Days") "]",
         "InvalidPolicyAttributeException"},
        {"[" NOTIFY("NoChangeNotification", "After", "\"-1\"", "Days") "]",
         "InvalidPolicyAttributeException"},
        {"[" NOTIFY("NoChangeNotification", "After", "\"1\"", "days") "]",
         "InvalidPolicyAttributeException"},
        {"[" NOTIFY("NoChangeNotification", "Before", "\"1\"", "Days") "]",
         "InvalidPolicyAttributeException"},
        {"[" CHANGE "," CHANGE "," CHANGE "," CHANGE "," CHANGE "," CHANGE "," CHANGE "," CHANGE
         "," CHANGE "," CHANGE "," CHANGE "]",
         "PoliciesLimitExceededException"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena;
        struct ssm_policies policies;
        struct ssm_policy_fault fault = {0};
        arena_init(&arena);
        if (read_it(&arena, rows[i].text, &policies, &fault) == 0)
            fail_msg("taken: %s", rows[i].text);
        assert_string_equal(fault.code, rows[i].code);
        assert_non_null(fault.message);
        arena_done(&arena);
    }
}

static void shows_text_type_and_status(void **state)
{
    static const char stored[] = "[" EXPIRATION(
        "2023-11-15T00:13:20.000Z") "," NOTIFY("ExpirationNotification", "Before", "\"3\"",
                                               "Hours") "," NOTIFY("NoChangeNotification", "After",
                                                                   "\"1\"", "Days") "]";
    struct buf buf;
    struct json_writer out;
    (void)state;
    buf_init(&buf, 65536);
    json_writer_init(&out, &buf);
    ssm_policies_write(&out, text_of(stored), now_ms + 2 * hour_ms, now_ms, now_ms);
    json_t *list = json_read(buf.data, buf.len, NULL);
    static const char *const status[] = {"Pending", "Finished", "Pending"};
    assert_int_equal(json_array_size(list), 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(json_text(json_array_get(list, i), "PolicyStatus"), status[i]);
    assert_string_equal(json_text(json_array_get(list, 0), "PolicyType"), "Expiration");
    assert_string_equal(json_text(json_array_get(list, 0), "PolicyText"),
                        EXPIRATION("2023-11-15T00:13:20.000Z"));
    json_decref(list);
    buf_reset(&buf);
    json_writer_init(&out, &buf);
    ssm_policies_write(&out, (struct text){0}, 0, now_ms, now_ms);
    assert_string_equal(buf_text(&buf), "[]");
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_all_three_kinds),
        cmocka_unit_test(reads_times_as_java_does),
        cmocka_unit_test(an_empty_policy_takes_all_away),
        cmocka_unit_test(refuses_in_the_models_words),
        cmocka_unit_test(shows_text_type_and_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
