#include "event/event.h"

#include "base/text.h"
#include "engine/reconcile.h"
#include "event/event_sources.h"
#include "event_files.h"
#include "support/test.h"

#define KEY        "mrk-1234abcd12ab34cd56ef1234567890ab"
#define KEY_ARN    "arn:aws:kms:ap-south-1:111122223333:key/" KEY
#define SECRET_ARN "arn:aws:secretsmanager:ap-south-1:111122223333:secret:prod/db-a1B2c3"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static int read_it(json_t *event, struct event_hints *out, struct error *err)
{
    int result = event_read(&arena, event, out, err);
    json_decref(event);
    return result;
}

static struct event_hints read_file(const char *name)
{
    struct error err = {0};
    struct event_hints hints;
    if (read_it(event_file(&arena, name), &hints, &err) != 0)
        fail_msg("%s: %s", name, err.message);
    return hints;
}

/* --- what is to be looked at ------------------------------------------------------------------ */

static const struct {
    const char *file, *kind, *names[4];
    int64_t version;
} told[] = {
    {"ssm-put-parameter", "ssm-parameter", {"/prod/app/DB_HOST"}, 4},
    {"ssm-put-parameter-by-arn", "ssm-parameter", {"/prod/app/DB_HOST"}, 5},
    {"ssm-delete-parameter", "ssm-parameter", {"/prod/app/DB_HOST"}, 0},
    {"ssm-label-parameter-version", "ssm-parameter", {"/prod/app/DB_HOST"}, 0},
    {"ssm-unlabel-parameter-version", "ssm-parameter", {"/prod/app/DB_HOST"}, 0},
    {"ssm-add-tags", "ssm-parameter", {"/prod/app/DB_HOST"}, 0},
    {"ssm-remove-tags", "ssm-parameter", {"/prod/app/DB_HOST"}, 0},
    {"kms-create-key", "kms-key", {KEY_ARN}, 0},
    {"kms-create-key-without-resources", "kms-key", {KEY_ARN}, 0},
    {"kms-replicate-key", "kms-key", {KEY_ARN}, 0},
    {"kms-put-key-policy", "kms-key", {KEY_ARN}, 0},
    {"kms-create-alias", "kms-key", {KEY_ARN}, 0},
    {"kms-update-alias", "kms-key", {KEY_ARN}, 0},
    {"kms-delete-alias", "kms-key", {"arn:aws:kms:ap-south-1:111122223333:alias/prod"}, 0},
    {"kms-tag-resource-by-alias", "kms-key", {"alias/prod"}, 0},
    {"kms-schedule-key-deletion", "kms-key", {KEY_ARN}, 0},
    {"kms-rotate-key", "kms-key", {KEY_ARN}, 0},
    {"kms-synchronize-key", "kms-key", {KEY_ARN}, 0},
    {"kms-cmk-deletion", "kms-key", {KEY}, 0},
    {"kms-cmk-rotation", "kms-key", {KEY}, 0},
    {"secrets-create-secret", "secret", {SECRET_ARN}, 0},
    {"secrets-put-secret-value", "secret", {SECRET_ARN}, 0},
    {"secrets-tag-resource", "secret", {"prod/db"}, 0},
    {"secrets-rotation-succeeded", "secret", {SECRET_ARN}, 0},
    {"secrets-label-updated", "secret", {"prod/db"}, 0},
};

static void test_each_event_names_what_to_look_at(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(told); i++) {
        struct event_hints hints = read_file(told[i].file);
        print_message("%s\n", told[i].file);
        assert_null(hints.ignored);
        assert_int_equal(hints.count, 1);
        const struct hint *hint = &hints.hints[0];
        assert_string_equal(hint->kind, told[i].kind);
        assert_string_equal(hint->name, told[i].names[0]);
        assert_int_equal(hint->version, told[i].version);
        assert_string_equal(hint->account, "111122223333");
        assert_string_equal(hint->region, "ap-south-1");
        assert_int_equal(hint->at_ms, 1772356527000);
        assert_non_null(hints.what);
    }
}

/* R16: what was asked for may not be what happened: all names are looked at, and none is believed
 * to be gone. */
static void test_r16_all_names_of_delete_parameters_are_hints(void **state)
{
    (void)state;
    struct event_hints hints = read_file("ssm-delete-parameters");
    assert_int_equal(hints.count, 3);
    assert_string_equal(hints.hints[0].name, "/prod/app/A");
    assert_string_equal(hints.hints[1].name, "/prod/app/B");
    assert_string_equal(hints.hints[2].name, "/prod/app/GONE");
    hints = read_file("ssm-delete-parameters-without-answer");
    assert_int_equal(hints.count, 2);
}

/* R32: an event that needs no trail, and the expiry of a policy that nobody called. */
static void test_r32_native_events_are_hints(void **state)
{
    (void)state;
    struct event_hints hints = read_file("ssm-parameter-change");
    assert_int_equal(hints.count, 1);
    assert_string_equal(hints.hints[0].kind, "ssm-parameter");
    assert_string_equal(hints.hints[0].name, "/prod/app/DB_HOST");
    hints = read_file("ssm-parameter-policy-action");
    assert_int_equal(hints.count, 1);
    assert_string_equal(hints.hints[0].name, "/prod/app/TOKEN");
    assert_int_equal(hints.hints[0].at_ms, 1788228007000);
}

/* R25: a name without a slash is another name than the one with it. */
static void test_r25_names_are_as_the_event_has_them(void **state)
{
    (void)state;
    struct event_hints hints = read_file("ssm-put-parameter-root-name");
    assert_int_equal(hints.count, 1);
    assert_string_equal(hints.hints[0].name, "foo");
    hints = read_file("ssm-parameter-change-delete");
    assert_string_equal(hints.hints[0].name, "foo");
    json_t *event = event_file(&arena, "ssm-delete-parameter");
    json_t *request = json_object_get(json_object_get(event, "detail"), "requestParameters");
    json_object_set_new(request, "name", json_string(" /prod/app/x /"));
    struct error err = {0};
    assert_int_equal(read_it(event, &hints, &err), 0);
    assert_string_equal(hints.hints[0].name, " /prod/app/x /");
}

/* The ARN of a name of one level does not tell whether it begins with a slash. */
static void test_r25_an_arn_that_may_mean_two_names_gives_both(void **state)
{
    (void)state;
    struct event_hints hints;
    struct error err = {0};
    json_t *event = event_file(&arena, "ssm-delete-parameter");
    json_t *request = json_object_get(json_object_get(event, "detail"), "requestParameters");
    json_object_set_new(request, "name",
                        json_string("arn:aws:ssm:ap-south-1:111122223333:parameter/x"));
    assert_int_equal(read_it(event, &hints, &err), 0);
    assert_int_equal(hints.count, 2);
    assert_string_equal(hints.hints[0].name, "/x");
    assert_string_equal(hints.hints[1].name, "x");
}

/* --- what is nothing to look at --------------------------------------------------------------- */

/* R15: a call that failed changed nothing, whether the record says what it wanted or not. */
static void test_r15_failed_calls_are_ignored(void **state)
{
    (void)state;
    static const char *const files[] = {"ssm-put-parameter-denied", "ssm-delete-parameter-denied"};
    for (size_t i = 0; i < COUNT(files); i++) {
        struct event_hints hints = read_file(files[i]);
        assert_int_equal(hints.count, 0);
        assert_string_equal(hints.ignored, "the call failed");
    }
    struct event_hints hints = read_file("secrets-rotation-failed");
    assert_int_equal(hints.count, 0);
    assert_non_null(hints.ignored);
    static const char *const members[] = {"errorCode", "errorMessage"};
    for (size_t i = 0; i < COUNT(members); i++) { /* either says so */
        struct error err = {0};
        json_t *event = event_file(&arena, "ssm-delete-parameter-denied");
        json_object_del(json_object_get(event, "detail"), members[i]);
        assert_int_equal(read_it(event, &hints, &err), 0);
        assert_string_equal(hints.ignored, "the call failed");
    }
}

static void test_other_events_of_a_service_are_ignored(void **state)
{
    (void)state;
    static const char *const files[] = {"ssm-get-parameter", "ssm-send-command",
                                        "ssm-add-tags-document", "ssm-command-status",
                                        "kms-decrypt"};
    for (size_t i = 0; i < COUNT(files); i++) {
        struct event_hints hints = read_file(files[i]);
        assert_int_equal(hints.count, 0);
        assert_non_null(hints.ignored);
        assert_non_null(hints.source);
    }
    json_t *event = event_file(&arena, "ssm-put-parameter");
    json_object_set_new(json_object_get(event, "detail"), "readOnly", json_true());
    struct event_hints hints;
    struct error err = {0};
    assert_int_equal(read_it(event, &hints, &err), 0);
    assert_string_equal(hints.ignored, "the call only reads");
}

/* --- what is not understood ------------------------------------------------------------------- */

#define CANARY "CANARY-b41d"

/* Each is one member of ssm-put-parameter set to something else; `path` from the envelope. */
static const struct {
    const char *path, *json, *says;
} wrong_events[] = {
    {"source", "null", "source"},
    {"source", "\"" CANARY "\"", "source"},
    {"detail-type", "7", "detail-type"},
    {"account", "\"" CANARY "\"", "account"},
    {"region", "\"\"", "region"},
    {"time", "\"" CANARY "\"", "time"},
    {"time", "12", "time"},
    {"detail", "\"" CANARY "\"", "detail"},
    {"detail/eventVersion", "\"" CANARY "\"", "detail.eventVersion"},
    {"detail/eventVersion", "\"2.0\"", "detail.eventVersion"},
    {"detail/eventName", "null", "detail.eventName"},
    {"detail/requestParameters", "null", "requestParameters.name"},
    {"detail/requestParameters", "\"" CANARY "\"", "requestParameters.name"},
    {"detail/requestParameters/name", "null", "requestParameters.name"},
    {"detail/requestParameters/name", "\"\"", "requestParameters.name"},
    {"detail/requestParameters/name", "{\"" CANARY "\":1}", "requestParameters.name"},
    {"detail/requestParameters/name", "[[\"" CANARY "\"]]", "requestParameters.name"},
    {"detail/requestParameters/name", "\"arn:aws:s3:::" CANARY "\"", "requestParameters.name"},
    {"detail/requestParameters/name", "\"arn:aws:ssm:eu-west-1:111122223333:parameter/\"",
     "requestParameters.name"},
    {"detail/responseElements/version", "\"" CANARY "\"", "responseElements.version"},
    {"detail/responseElements/version", "0", "responseElements.version"},
};

static void set_member(json_t *event, const char *path, const char *json)
{
    struct text rest = text_of(path), part = text_cut(&rest, '/');
    json_t *object = event;
    while (rest.data) {
        object = json_object_getn(object, part.data, part.len);
        part = text_cut(&rest, '/');
    }
    json_object_setn_new(object, part.data, part.len, json_loads(json, JSON_DECODE_ANY, NULL));
}

/* R33: the message names the member, and holds nothing of the event. */
static void test_r33_what_is_not_understood_is_named_without_its_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrong_events); i++) {
        struct error err = {0};
        struct event_hints hints;
        json_t *event = event_file(&arena, "ssm-put-parameter");
        set_member(event, wrong_events[i].path, wrong_events[i].json);
        print_message("%s %s\n", wrong_events[i].path, wrong_events[i].json);
        assert_int_equal(read_it(event, &hints, &err), -1);
        assert_int_equal(err.code, ERR_INVALID);
        assert_non_null(strstr(err.message, wrong_events[i].says));
        assert_null(strstr(err.message, CANARY));
        assert_int_equal(hints.count, 0);
    }
}

static void test_r33_members_that_are_missing_are_named(void **state)
{
    (void)state;
    static const char *const members[] = {"source", "detail-type", "account", "region", "detail"};
    for (size_t i = 0; i < COUNT(members); i++) {
        struct error err = {0};
        struct event_hints hints;
        json_t *event = event_file(&arena, "ssm-put-parameter");
        json_object_del(event, members[i]);
        assert_int_equal(read_it(event, &hints, &err), -1);
        assert_non_null(strstr(err.message, members[i]));
    }
    struct error err = {0};
    struct event_hints hints;
    assert_int_equal(read_it(json_array(), &hints, &err), -1);
    assert_int_equal(read_it(json_null(), &hints, &err), -1);
    assert_int_equal(read_it(json_object(), &hints, NULL), -1);
}

/* CloudTrail leaves out what is too large: then nobody knows what was written, and it is no
 * success. */
static void test_an_omitted_request_is_an_error(void **state)
{
    (void)state;
    struct error err = {0};
    struct event_hints hints;
    assert_int_equal(read_it(event_file(&arena, "ssm-put-parameter-omitted"), &hints, &err), -1);
    assert_non_null(strstr(err.message, "requestParameters.name"));
    assert_int_equal(read_it(event_file(&arena, "other-source"), &hints, &err), -1);
    assert_non_null(strstr(err.message, "source"));
}

static void test_as_many_names_as_there_can_be(void **state)
{
    (void)state;
    struct error err = {0};
    struct event_hints hints;
    json_t *names = json_array();
    for (int i = 0; i < 1001; i++)
        json_array_append_new(names, json_sprintf("/n/%d", i));
    json_t *event = event_file(&arena, "ssm-delete-parameters");
    json_t *request = json_object_get(json_object_get(event, "detail"), "requestParameters");
    json_object_set_new(request, "names", names);
    assert_int_equal(read_it(event, &hints, &err), -1);
    assert_non_null(strstr(err.message, "requestParameters.names"));
    event = event_file(&arena, "ssm-delete-parameter");
    request = json_object_get(json_object_get(event, "detail"), "requestParameters");
    char *name = arena_alloc(&arena, 2050);
    memset(name, 'x', 2049);
    json_object_set_new(request, "name", json_string(name));
    assert_int_equal(read_it(event, &hints, &err), -1);
}

/* Members that nobody knows yet, and null where nothing is, do no harm. */
static void test_unknown_members_do_no_harm(void **state)
{
    (void)state;
    struct error err = {0};
    struct event_hints hints;
    json_t *event = event_file(&arena, "ssm-put-parameter");
    json_object_set_new(event, "replay-name", json_string("again"));
    json_object_set_new(json_object_get(event, "detail"), "errorCode", json_null());
    json_object_set_new(json_object_get(event, "detail"), "eventVersion", json_string("1.99"));
    json_object_set_new(json_object_get(event, "detail"), "newMember", json_array());
    json_object_del(event, "time");
    assert_int_equal(read_it(event, &hints, &err), 0);
    assert_int_equal(hints.count, 1);
    assert_int_equal(hints.hints[0].at_ms, 0);
}

/* --- bodies of messages ----------------------------------------------------------------------- */

static int read_body(const char *body, struct event_hints *out, struct error *err)
{
    return event_read_body(&arena, body, strlen(body), out, err);
}

static void test_bodies_hold_events(void **state)
{
    (void)state;
    struct error err = {0};
    struct event_hints hints;
    char *text = event_file_text(&arena, "ssm-put-parameter");
    assert_int_equal(read_body(text, &hints, &err), 0);
    assert_string_equal(hints.hints[0].name, "/prod/app/DB_HOST");
    json_t *notification = json_pack("{s:s, s:s, s:s}", "Type", "Notification", "MessageId",
                                     "95df01b4-ee98-5cb9-9903-4c221d41eb5e", "Message", text);
    char *wrapped = json_dumps(notification, 0);
    assert_int_equal(read_body(wrapped, &hints, &err), 0);
    assert_int_equal(hints.count, 1);
    assert_string_equal(hints.hints[0].name, "/prod/app/DB_HOST");
    free(wrapped);
    json_decref(notification);
}

static void test_r33_bodies_that_are_no_events(void **state)
{
    (void)state;
    static const char *const bodies[] = {"",
                                         "{",
                                         "[]",
                                         "null",
                                         "\"" CANARY "\"",
                                         "{\"Message\":\"" CANARY "\"}",
                                         "{\"Message\":\"{}\"}",
                                         "{\"Message\":7}",
                                         "{\"source\":\"" CANARY "\"} {}"};
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct error err = {0};
        struct event_hints hints;
        assert_int_equal(read_body(bodies[i], &hints, &err), -1);
        assert_int_equal(err.code, ERR_INVALID);
        assert_null(strstr(err.message, CANARY));
    }
}

/* Rows whose kind the engine must know by that name; no row twice. */
static void test_the_table_is_sound(void **state)
{
    (void)state;
    for (const struct event_source *row = event_sources; row->source; row++) {
        assert_non_null(row->shape->paths[0]);
        for (const struct event_source *other = event_sources; other < row; other++)
            assert_false(strcmp(row->source, other->source) == 0 &&
                         strcmp(row->detail_type, other->detail_type) == 0 &&
                         (!row->name || !other->name || strcmp(row->name, other->name) == 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_event_names_what_to_look_at),
        cmocka_unit_test(test_r16_all_names_of_delete_parameters_are_hints),
        cmocka_unit_test(test_r32_native_events_are_hints),
        cmocka_unit_test(test_r25_names_are_as_the_event_has_them),
        cmocka_unit_test(test_r25_an_arn_that_may_mean_two_names_gives_both),
        cmocka_unit_test(test_r15_failed_calls_are_ignored),
        cmocka_unit_test(test_other_events_of_a_service_are_ignored),
        cmocka_unit_test(test_r33_what_is_not_understood_is_named_without_its_values),
        cmocka_unit_test(test_r33_members_that_are_missing_are_named),
        cmocka_unit_test(test_an_omitted_request_is_an_error),
        cmocka_unit_test(test_as_many_names_as_there_can_be),
        cmocka_unit_test(test_unknown_members_do_no_harm),
        cmocka_unit_test(test_bodies_hold_events),
        cmocka_unit_test(test_r33_bodies_that_are_no_events),
        cmocka_unit_test(test_the_table_is_sound),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
