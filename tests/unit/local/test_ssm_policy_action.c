/* Parameter policies act when the clock says so, and tell EventBridge. */
#include "ssm_server.h"
#include "support/test.h"

enum { HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };

/* A rule, so that events are kept. */
static int setup(void **state)
{
    if (ssm_server_setup(state) != 0)
        return -1;
    struct ssm_server *server = *state;
    store_run(server->writer,
              "INSERT INTO events_rule (account, region, bus, name, pattern, state, created_by,"
              " since_ms) VALUES ('111111111111', 'us-east-1', 'default', 'all', '{}', 1, 'u', 0)",
              "");
    return 0;
}

static void put(struct ssm_server *server, const char *policies)
{
    if (ssm_server_call(server, "PutParameter",
                        "{'Name': '/p', 'Value': 'v', 'Type': 'String', 'Tier': 'Advanced',"
                        " 'Overwrite': true, 'Policies': '%s'}",
                        policies) != 0)
        fail_msg("%s", server->code);
}

#define EXPIRES                                                                                    \
    "{\\'Type\\':\\'Expiration\\',\\'Version\\':\\'1.0\\',\\'Attributes\\':"                       \
    "{\\'Timestamp\\':\\'2026-01-31T00:00:00.000Z\\'}}"
#define BEFORE                                                                                     \
    "{\\'Type\\':\\'ExpirationNotification\\',\\'Version\\':\\'1.0\\',\\'Attributes\\':"           \
    "{\\'Before\\':\\'5\\',\\'Unit\\':\\'Days\\'}}"
#define UNCHANGED                                                                                  \
    "{\\'Type\\':\\'NoChangeNotification\\',\\'Version\\':\\'1.0\\',\\'Attributes\\':"             \
    "{\\'After\\':\\'20\\',\\'Unit\\':\\'Days\\'}}"

/* The policies' events since the last time: how many, and the last one's detail. */
static int64_t sent(struct ssm_server *server, json_t **event)
{
    struct store_rows rows;
    int64_t count = 0;
    *event = NULL;
    store_query(server->writer, &rows,
                "SELECT event FROM trail_outbox WHERE event LIKE '%Policy Action%' ORDER BY seq",
                "");
    for (; store_next(&rows); count++) {
        json_decref(*event);
        *event = json_read(store_text(&rows, 0).data, store_text(&rows, 0).len, NULL);
    }
    store_end(&rows);
    store_run(server->writer, "DELETE FROM trail_outbox", "");
    return count;
}

static void assert_told(struct ssm_server *server, const char *type, const char *reason)
{
    json_t *event;
    assert_int_equal(sent(server, &event), 1);
    assert_string_equal(json_text(event, "detail-type"), "Parameter Store Policy Action");
    assert_string_equal(json_text(event, "source"), "aws.ssm");
    assert_string_equal(json_string_value(json_array_get(json_object_get(event, "resources"), 0)),
                        "arn:aws:ssm:us-east-1:111111111111:parameter/p");
    const json_t *detail = json_object_get(event, "detail");
    assert_string_equal(json_text(detail, "parameter-name"), "/p");
    assert_string_equal(json_text(detail, "parameter-type"), "String");
    assert_string_equal(json_text(detail, "policy-type"), type);
    assert_string_equal(json_text(detail, "action-status"), "SUCCESS");
    assert_string_equal(json_text(detail, "action-reason"), reason);
    assert_non_null(strstr(json_text(detail, "policy-content"), type));
    json_decref(event);
}

static bool is_there(struct ssm_server *server)
{
    return ssm_server_call(server, "GetParameter", "{'Name': '/p'}") == 0;
}

static void each_acts_in_its_time(void **state)
{
    struct ssm_server *server = *state;
    json_t *event;
    put(server, "[" EXPIRES "," BEFORE "," UNCHANGED "]");
    assert_int_equal(ssm_server_act(server), 20LL * DAY_MS);
    assert_int_equal(sent(server, &event), 0);

    fake_clock_advance(&server->clock, 20LL * DAY_MS);
    assert_int_equal(ssm_server_act(server), 5LL * DAY_MS);
    assert_told(server, "NoChangeNotification", "No change notification sent");
    fake_clock_advance(&server->clock, 5LL * DAY_MS);
    assert_int_equal(ssm_server_act(server), 5LL * DAY_MS);
    assert_told(server, "ExpirationNotification", "Expiration notification sent");
    assert_true(is_there(server));
    fake_clock_advance(&server->clock, 5LL * DAY_MS);
    assert_int_equal(ssm_server_act(server), -1);
    assert_told(server, "Expiration", "Parameter expired and was deleted");
    assert_false(is_there(server));
    assert_int_equal(ssm_server_act(server), -1);
    assert_int_equal(sent(server, &event), 0);
}

static void an_overwrite_starts_no_change_anew(void **state)
{
    struct ssm_server *server = *state;
    put(server, "[" UNCHANGED "]");
    fake_clock_advance(&server->clock, 19LL * DAY_MS);
    assert_int_equal(ssm_server_call(server, "PutParameter",
                                     "{'Name': '/p', 'Value': 'w', 'Overwrite': true}"),
                     0);
    assert_int_equal(ssm_server_act(server), 20LL * DAY_MS);
}

static void policies_taken_away_do_not_act(void **state)
{
    struct ssm_server *server = *state;
    json_t *event;
    put(server, "[" EXPIRES "]");
    put(server, "[{}]");
    assert_int_equal(ssm_server_act(server), -1);
    put(server, "[" EXPIRES "]");
    assert_int_equal(ssm_server_call(server, "DeleteParameter", "{'Name': '/p'}"), 0);
    assert_int_equal(ssm_server_act(server), -1);
    assert_int_equal(sent(server, &event), 0);
}

/* A caller that is faster than the agenda: the expiration acts first, and once. */
static void a_name_made_anew_is_told_of_first(void **state)
{
    struct ssm_server *server = *state;
    json_t *event;
    put(server, "[" EXPIRES "]");
    fake_clock_advance(&server->clock, 40LL * DAY_MS);
    assert_int_equal(ssm_server_call(server, "PutParameter",
                                     "{'Name': '/p', 'Value': 'w', 'Type': 'String'}"),
                     0);
    assert_int_equal(json_integer_value(json_object_get(server->answer, "Version")), 1);
    assert_told(server, "Expiration", "Parameter expired and was deleted");
    assert_int_equal(ssm_server_act(server), -1);
    assert_true(is_there(server));
    assert_int_equal(sent(server, &event), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_acts_in_its_time, setup, ssm_server_teardown),
        cmocka_unit_test_setup_teardown(an_overwrite_starts_no_change_anew, setup,
                                        ssm_server_teardown),
        cmocka_unit_test_setup_teardown(policies_taken_away_do_not_act, setup, ssm_server_teardown),
        cmocka_unit_test_setup_teardown(a_name_made_anew_is_told_of_first, setup,
                                        ssm_server_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
