#include "base/json.h"
#include "event/custom_kms.h"
#include "support/fake_clock.h"
#include "support/fake_transport.h"
#include "support/test.h"

static const struct custom_request request = {
    .action = CUSTOM_CREATE,
    .request_id = "0b4e0000-0000-0000-0000-000000000000",
    .stack_id = "arn:aws:cloudformation:ap-south-1:111111111111:stack/keys/9d000000-0000",
    .logical_id = "Replica",
};
static const char url[] = "https://bucket.s3.example/arn%3Aaws%7CReplica?X-Amz-Signature=SECRET";

static struct arena arena;
static struct custom_result *result;
static struct buf body;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena);
    buf_init(&body, 64 * 1024);
    result = memory_alloc(sizeof *result);
    snprintf(result->physical_id, sizeof result->physical_id, "key-replica/mrk-1");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(result);
    buf_done(&body);
    arena_done(&arena);
    return 0;
}

static json_t *written(void)
{
    custom_answer_write(&request, result, &body);
    assert_true(body.len > 0 && body.len <= CUSTOM_ANSWER_MOST);
    json_t *json = json_read(body.data, body.len, NULL);
    assert_non_null(json);
    assert_string_equal(json_text(json, "RequestId"), request.request_id);
    assert_string_equal(json_text(json, "StackId"), request.stack_id);
    assert_string_equal(json_text(json, "LogicalResourceId"), "Replica");
    assert_string_equal(json_text(json, "PhysicalResourceId"), "key-replica/mrk-1");
    assert_true(strlen(json_text(json, "Reason")) > 0);
    return json;
}

static void add_row(const char *name, const char *text, bool failed)
{
    struct custom_row *row = &result->rows[result->row_count++];
    snprintf(row->name, sizeof row->name, "%s", name);
    snprintf(row->arn, sizeof row->arn, "arn:aws:kms:%s:111111111111:key/mrk-%032d", name, 0);
    snprintf(row->text, sizeof row->text, "%s", text);
    row->failed = failed;
    result->failed = result->failed || failed;
}

static void an_answer_holds_what_is_needed(void **state)
{
    (void)state;
    snprintf(result->key_id, sizeof result->key_id, "mrk-1");
    add_row("us-east-1", "created", false);
    add_row("eu-west-1", "", false);
    json_t *json = written();
    assert_string_equal(json_text(json, "Status"), "SUCCESS");
    assert_string_equal(json_text(json, "Reason"), "us-east-1: created");
    const json_t *data = json_object_get(json, "Data");
    assert_string_equal(json_text(data, "Regions"), "us-east-1,eu-west-1");
    assert_non_null(json_text(data, "Arn.eu-west-1"));
    assert_non_null(json_text(data, "Arns"));
    json_decref(json);
}

static void failures_come_first(void **state)
{
    (void)state;
    snprintf(result->key_id, sizeof result->key_id, "mrk-1");
    add_row("us-east-1", "created", false);
    add_row("eu-west-1", "no", true);
    json_t *json = written();
    assert_string_equal(json_text(json, "Status"), "FAILED");
    assert_string_equal(json_text(json, "Reason"), "eu-west-1: no; us-east-1: created");
    assert_null(json_object_get(json, "Data"));
    json_decref(json);
}

static void it_fits_whatever_there_is_to_say(void **state)
{
    char name[32], text[CUSTOM_LINE_MOST];
    (void)state;
    snprintf(result->key_id, sizeof result->key_id, "mrk-1");
    for (int rows = 0; rows < CUSTOM_ROWS_MOST; rows++) {
        for (size_t i = 0; i < sizeof text - 2; i += 2)
            memcpy(text + i, "\xc3\xa4", 3); /* two bytes a letter: not to be cut within */
        snprintf(name, sizeof name, "ap-southeast-%d", rows);
        add_row(name, text, false);
        json_t *json = written();
        assert_string_equal(json_text(json, "Status"), "SUCCESS");
        assert_non_null(json_text(json_object_get(json, "Data"), "Regions"));
        json_decref(json);
    }
    result->failed = true;
    memset(result->reason, '"', sizeof result->reason - 1); /* each takes two in JSON */
    json_decref(written());
}

static int send(struct fake_transport *fake, struct fake_clock *clock, struct error *err)
{
    custom_answer_write(&request, result, &body);
    return custom_answer_send(&arena, &fake->transport, &clock->clock, url, &body, 10000, err);
}

static void it_is_sent_until_it_is_taken(void **state)
{
    struct fake_transport fake;
    struct fake_clock clock;
    struct error err = {0};
    (void)state;
    fake_transport_init(&fake);
    fake_clock_init(&clock, 0);
    fake_transport_fail(&fake, ERR_UNAVAILABLE);
    fake_transport_fail(&fake, ERR_TIMEOUT);
    fake_transport_answer(&fake, 503, NULL, "");
    fake_transport_answer(&fake, 200, NULL, "");
    assert_int_equal(send(&fake, &clock, &err), 0);
    assert_int_equal(fake.count, 4);
    const struct fake_request *sent = fake_transport_request(&fake, 3);
    assert_string_equal(sent->method, "PUT");
    assert_string_equal(sent->url, url);
    assert_int_equal(sent->header_count, 0);
    assert_string_equal(sent->body, body.data);
    fake_transport_done(&fake);
}

static void its_url_is_in_no_error(void **state)
{
    struct fake_transport fake;
    struct fake_clock clock;
    struct error err = {0};
    (void)state;
    fake_transport_init(&fake);
    fake_clock_init(&clock, 0);
    fake_transport_answer(&fake, 403, NULL, "expired");
    assert_int_equal(send(&fake, &clock, &err), -1);
    assert_int_equal(fake.count, 1);
    assert_null(strstr(err.message, "SECRET"));
    assert_non_null(strstr(err.message, "bucket.s3.example"));
    for (int i = 0; i < 100; i++)
        fake_transport_answer(&fake, 500, NULL, "");
    assert_int_equal(send(&fake, &clock, &err), -1);
    assert_true(clock.clock.monotonic_ms(&clock.clock) < 10000);
    assert_null(strstr(err.message, "SECRET"));
    fake_transport_done(&fake);
    assert_int_equal(custom_answer_send(&arena, &fake.transport, &clock.clock,
                                        "http://169.254.169.254/?SECRET", &body, 0, &err),
                     -1);
    assert_string_equal(err.message, "ResponseURL is not https");
}

static void a_url_says_until_when(void **state)
{
    enum { YEAR_2026_S = 1767225600 };
    static const struct {
        const char *query;
        bool expired;
    } cases[] = {
        {"", false},
        {"?X-Amz-Date=20260101T000000Z&X-Amz-Expires=7200", false},
        {"?X-Amz-Date=20251231T215959Z&X-Amz-Expires=7200", true},
        {"?X-Amz-Date=20251231T215959Z", false},
        {"?X-Amz-Date=x&X-Amz-Expires=1", false},
        {"?AWSAccessKeyId=x&Expires=1767225599&Signature=y", true},
        {"?AWSAccessKeyId=x&Expires=1767225601&Signature=y", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *text = arena_printf(&arena, "https://x.example/y%s", cases[i].query);
        assert_int_equal(custom_answer_expired(&arena, text, YEAR_2026_S * 1000LL),
                         cases[i].expired);
    }
}

static void marks_fit_a_tag(void **state)
{
    struct custom_request one = request;
    char mark[CUSTOM_MARK_SIZE], entry[CUSTOM_ENTRY_SIZE];
    (void)state;
    static const char key[] = "mrk-0123456789abcdef0123456789abcdef";
    custom_mark(&one, "us-east-1", key, mark);
    assert_string_equal(mark, "arn:aws:cloudformation:ap-south-1:111111111111:stack/keys/"
                              "9d000000-0000/Replica@us-east-1/89abcdef");
    char *name = arena_alloc(&arena, 256);
    memset(name, 'a', 255);
    name[255] = '\0';
    one.logical_id = one.stack_id = name;
    custom_mark(&one, "ap-southeast-1", key, mark);
    assert_true(strlen(mark) <= 256);
    assert_non_null(strstr(mark, "@ap-southeast-1/89abcdef"));
    custom_entry(&one, entry);
    assert_int_equal(strlen(entry), 8);
    assert_int_equal(*entry, 'c');
    const char *list = "";
    for (int i = 0; i < 100; i++)
        list = custom_requests_add(&arena, list, arena_printf(&arena, "u%07d", i));
    assert_true(strlen(list) <= 256);
    assert_non_null(strstr(list, "u0000099"));
    assert_null(strstr(list, "u0000010"));
}

static void a_request_is_found(void **state)
{
    static const char plain[] = "{\"RequestType\":\"Create\",\"ResponseURL\":\"u\"}";
    (void)state;
    json_t *event = json_read(plain, strlen(plain), NULL);
    json_t *found = custom_resource_find(event);
    assert_ptr_equal(found, event);
    json_decref(found);
    json_decref(event);
    event = json_pack("{s:[{s:{s:s}}]}", "Records", "Sns", "Message", plain);
    found = custom_resource_find(event);
    assert_non_null(found);
    json_decref(found);
    json_decref(event);
    event = json_pack("{s:[{s:{s:s}}]}", "Records", "Sns", "Message", "no JSON");
    assert_null(custom_resource_find(event));
    json_decref(event);
}

/* AWS as it is when it never answers, not even when a call is given up: until the answer came. */
struct stuck {
    struct transport transport;
    pthread_mutex_t mutex;
    pthread_cond_t put;
    bool answered, was_stuck;
    char body[CUSTOM_ANSWER_MOST + 1];
};

static int stuck_send(struct transport *transport, struct arena *memory,
                      const struct http_request *sent, struct http_response *response,
                      struct error *err)
{
    struct stuck *stuck = (struct stuck *)transport;
    (void)memory;
    pthread_mutex_lock(&stuck->mutex);
    if (strcmp(sent->method, "PUT") == 0) {
        memcpy(stuck->body, sent->body, sent->body_len);
        stuck->answered = true;
        pthread_cond_broadcast(&stuck->put);
        *response = (struct http_response){.status = 200};
    }
    stuck->was_stuck = stuck->was_stuck || !stuck->answered;
    while (!stuck->answered)
        pthread_cond_wait(&stuck->put, &stuck->mutex);
    pthread_mutex_unlock(&stuck->mutex);
    return strcmp(sent->method, "PUT") == 0 ? 0 : error_set(err, ERR_TIMEOUT, "at last");
}

static void the_answer_waits_for_nobody(void **state)
{
    static const char text[] =
        "{\"RequestType\":\"Create\",\"ResponseURL\":\"https://x.example/y\",\"RequestId\":\"1\","
        "\"StackId\":\"arn:aws:cloudformation:ap-south-1:111111111111:stack/keys/9d\","
        "\"LogicalResourceId\":\"Replica\",\"ResourceType\":\"Custom::X\",\"ResourceProperties\":"
        "{\"KMSKeyID\":\"mrk-1\",\"ReplicationRegions\":\"us-east-1\"}}";
    static const char *const environment[] = {"AWS_ACCESS_KEY_ID=A", "AWS_SECRET_ACCESS_KEY=x",
                                              "AWS_EC2_METADATA_DISABLED=true", "HOME=/nonexistent",
                                              NULL};
    struct stuck stuck = {.transport = {stuck_send},
                          .mutex = PTHREAD_MUTEX_INITIALIZER,
                          .put = PTHREAD_COND_INITIALIZER};
    const struct custom_resource_options options = {
        .transport = &stuck.transport,
        .environment = environment,
        .deadline_ms = clock_system()->now_ms(clock_system()) + 500,
    };
    struct error err = {0};
    (void)state;
    json_t *event = json_read(text, strlen(text), NULL);
    assert_int_equal(custom_resource_handle(&arena, event, &options, &err), 0);
    json_decref(event);
    assert_true(stuck.was_stuck);
    assert_non_null(strstr(stuck.body, "\"FAILED\""));
    assert_non_null(strstr(stuck.body, "the function's time was over"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_holds_what_is_needed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures_come_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_fits_whatever_there_is_to_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_is_sent_until_it_is_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(its_url_is_in_no_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_url_says_until_when, set_up, tear_down),
        cmocka_unit_test_setup_teardown(marks_fit_a_tag, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_request_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_answer_waits_for_nobody, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("event/custom_answer", tests, NULL, NULL);
}
