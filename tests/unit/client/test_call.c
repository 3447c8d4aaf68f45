/* aws_call and aws_pages: what is sent, how often, and what the caller is told. */
#include "aws/sigv4.h"
#include "base/digest.h"
#include "base/json.h"
#include "client/client.h"
#include "fixture.h"
#include "support/test.h"

static struct fixture f;
static struct session *session;
static struct aws_client *client;

static void open_client(struct session_options options, bool read_only)
{
    session = fixture_try(&f, options);
    if (session)
        client = session_client(session, &fixture_service, "eu-west-1", read_only, &f.err);
    if (!session || !client)
        fail_msg("%s", f.err.message);
}

static int setup(void **state)
{
    (void)state;
    session = NULL;
    fixture_init(&f);
    fixture_set_keys(&f);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    session_free(session);
    fixture_done(&f);
    return 0;
}

static int call(const struct aws_operation *operation, const char *input)
{
    json_t *in = input ? json_read(input, strlen(input), NULL) : NULL;
    int result = aws_call(client, &f.arena, operation, in, NULL, &f.err);
    json_decref(in);
    return result;
}

static const char *header(unsigned request, const char *name)
{
    return fake_request_header(fake_transport_request(&f.transport, request), name);
}

#define THROTTLED "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}"
#define INTERNAL  "{\"__type\":\"InternalServerError\",\"message\":\"oops\"}"

/* --- one attempt ------------------------------------------------------------------------------ */

/* The receiving side of the signer agrees with what was sent. */
static bool signature_holds(const struct fake_request *sent, const char *host, const char *path)
{
    struct sigv4_field fields[24] = {{text_of("Host"), text_of(host)}};
    char hash[SHA256_HEX_SIZE];
    for (size_t i = 0; i < sent->header_count; i++)
        fields[i + 1] =
            (struct sigv4_field){text_of(sent->headers[i].name), text_of(sent->headers[i].value)};
    digest_sha256_hex(sent->body, strlen(sent->body), hash);
    const struct sigv4_request request = {.method = text_of(sent->method),
                                          .path = text_of(path),
                                          .query = text_of(""),
                                          .fields = fields,
                                          .field_count = sent->header_count + 1,
                                          .payload_hash = hash};
    struct sigv4_presented presented;
    struct buf message, canonical, string_to_sign;
    buf_init(&message, 4096);
    buf_init(&canonical, 1 << 16);
    buf_init(&string_to_sign, 1 << 16);
    assert_int_equal(sigv4_parse(&f.arena, &request, &presented, &message), SIGV4_OK);
    struct hmac_key *key = sigv4_key_new("planted-secret-key", 18, presented.scope.date,
                                         presented.scope.region, presented.scope.service);
    bool holds = sigv4_verify(&request, &presented, key, &canonical, &string_to_sign);
    hmac_key_free(key);
    buf_done(&message);
    buf_done(&canonical);
    buf_done(&string_to_sign);
    return holds;
}

static void test_what_is_sent(void **state)
{
    (void)state;
    fixture_set(&f, "AWS_SESSION_TOKEN", "the-token");
    open_client((struct session_options){0}, false);
    fake_transport_answer(&f.transport, 200, NULL, "{\"Parameter\":{\"Value\":\"v\"}}");
    json_t *out, *in = json_read("{\"Name\":\"/a\"}", 13, NULL);
    assert_int_equal(aws_call(client, &f.arena, &fixture_read, in, &out, &f.err), 0);
    assert_string_equal(json_text(json_object_get(out, "Parameter"), "Value"), "v");
    json_decref(out);
    json_decref(in);

    const struct fake_request *sent = fake_transport_request(&f.transport, 0);
    assert_int_equal(f.transport.count, 1);
    assert_string_equal(sent->method, "POST");
    assert_string_equal(sent->url, "https://ssm.eu-west-1.amazonaws.com/");
    assert_string_equal(sent->body, "{\"Name\":\"/a\"}");
    assert_string_equal(header(0, "X-Amz-Target"), "AmazonSSM.GetParameter");
    assert_string_equal(header(0, "X-Amz-Date"), "20231114T221325Z");
    assert_string_equal(header(0, "X-Amz-Security-Token"), "the-token");
    assert_string_equal(header(0, "amz-sdk-request"), "attempt=1; max=3");
    assert_int_equal(strlen(header(0, "amz-sdk-invocation-id")), 36);
    assert_memory_equal(header(0, "User-Agent"), "understudy/", 11);
    static const char scope[] = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/eu-west-1/ssm/"
                                "aws4_request,";
    assert_memory_equal(header(0, "Authorization"), scope, sizeof scope - 1);
    assert_null(strstr(header(0, "Authorization"), "user-agent"));
    assert_true(signature_holds(sent, "ssm.eu-west-1.amazonaws.com", "/"));
}

static void test_endpoint_with_a_path(void **state)
{
    (void)state;
    open_client((struct session_options){.endpoint_url = "http://localhost:4566/aws/"}, false);
    fake_transport_answer(&f.transport, 200, NULL, "{}");
    assert_int_equal(call(&fixture_read, NULL), 0);
    const struct fake_request *sent = fake_transport_request(&f.transport, 0);
    assert_string_equal(sent->url, "http://localhost:4566/aws/");
    assert_true(signature_holds(sent, "localhost:4566", "/aws/"));
    assert_string_equal(aws_client_endpoint(client), "http://localhost:4566/aws");
    assert_string_equal(aws_client_region(client), "eu-west-1");
}

static void test_read_only(void **state)
{
    (void)state;
    open_client((struct session_options){0}, true);
    fake_transport_route(&f.transport, "POST", 200, NULL, "{}");
    assert_int_equal(call(&fixture_write, NULL), -1);
    assert_int_equal(f.err.code, ERR_DENIED);
    assert_non_null(strstr(f.err.message, "ssm:PutParameter was not sent"));
    assert_int_equal(call(&fixture_put, NULL), -1); /* idempotent is not harmless */
    assert_int_equal(f.transport.count, 0);
    assert_int_equal(f.clock.sleeps, 0);
    assert_int_equal(call(&fixture_read, NULL), 0);
}

/* Not even credentials are fetched for a refused call. */
static void test_read_only_before_credentials(void **state)
{
    (void)state;
    fixture_set(&f, "AWS_ACCESS_KEY_ID", "");
    fixture_set(&f, "AWS_SECRET_ACCESS_KEY", "");
    fixture_set(&f, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/creds");
    open_client((struct session_options){0}, true);
    assert_int_equal(call(&fixture_write, NULL), -1);
    assert_int_equal(f.err.code, ERR_DENIED);
    assert_int_equal(f.transport.count, 0);
}

static void test_operation_of_another_service(void **state)
{
    (void)state;
    static const struct aws_service other = {.name = "kms", .signing_name = "kms"};
    static const struct aws_operation stray = {.service = &other,
                                               .name = "ListKeys",
                                               .flags = AWS_READS};
    open_client((struct session_options){0}, true);
    assert_int_equal(call(&stray, NULL), -1);
    assert_int_equal(f.err.code, ERR_INVALID);
    assert_int_equal(f.transport.count, 0);
}

static void test_no_credentials(void **state)
{
    (void)state;
    fixture_set(&f, "AWS_ACCESS_KEY_ID", "");
    fixture_set(&f, "AWS_SECRET_ACCESS_KEY", "");
    open_client((struct session_options){0}, false);
    assert_int_equal(call(&fixture_read, NULL), -1);
    /* Not ERR_NOT_FOUND, which would mean that the parameter is gone. */
    assert_int_equal(f.err.code, ERR_DENIED);
    assert_non_null(strstr(f.err.message, "no credentials found"));
    assert_int_equal(f.transport.count, 0);
}

/* --- errors and retries ----------------------------------------------------------------------- */

static void test_error_is_told(void **state)
{
    (void)state;
    open_client((struct session_options){0}, false);
    fake_transport_answer(&f.transport, 400, "x-amzn-RequestId: abc-1",
                          "{\"__type\":\"com.amazonaws#ParameterNotFound\",\"message\":\"gone\"}");
    assert_int_equal(call(&fixture_read, NULL), -1);
    assert_int_equal(f.transport.count, 1);
    assert_int_equal(f.err.code, ERR_NOT_FOUND);
    assert_string_equal(f.err.aws_code, "ParameterNotFound");
    assert_string_equal(f.err.request_id, "abc-1");
    assert_string_equal(f.err.message, "ssm:GetParameter in eu-west-1: gone");
}

static void test_retries(void **state)
{
    (void)state;
    open_client((struct session_options){.quotas = SESSION_QUOTAS_OFF}, false);
    fake_transport_answer(&f.transport, 500, NULL, INTERNAL);
    fake_transport_answer(&f.transport, 400, NULL, THROTTLED);
    fake_transport_answer(&f.transport, 200, NULL, "{}");
    assert_int_equal(call(&fixture_read, NULL), 0);
    assert_int_equal(f.transport.count, 3);
    assert_string_equal(header(0, "amz-sdk-request"), "attempt=1; max=3");
    assert_string_equal(header(2, "amz-sdk-request"), "attempt=3; max=3");
    assert_string_equal(header(0, "amz-sdk-invocation-id"), header(2, "amz-sdk-invocation-id"));
    assert_true(f.clock.sleeps >= 2);
    struct aws_call_counts counts;
    aws_client_counts(client, &counts);
    assert_int_equal(counts.calls, 3);
    assert_int_equal(counts.retries, 2);
    assert_int_equal(counts.throttled, 1);

    /* Signed anew with the time of the attempt. */
    fake_transport_answer(&f.transport, 503, "x-amz-retry-after: 4000", INTERNAL);
    fake_transport_answer(&f.transport, 200, NULL, "{}");
    assert_int_equal(call(&fixture_read, NULL), 0);
    assert_string_not_equal(header(3, "X-Amz-Date"), header(4, "X-Amz-Date"));
    assert_true(signature_holds(fake_transport_request(&f.transport, 4),
                                "ssm.eu-west-1.amazonaws.com", "/"));
    assert_string_not_equal(header(0, "amz-sdk-invocation-id"), header(4, "amz-sdk-invocation-id"));
}

static void test_attempts_end(void **state)
{
    (void)state;
    fixture_set(&f, "AWS_MAX_ATTEMPTS", "4");
    open_client((struct session_options){0}, false);
    fake_transport_route(&f.transport, "POST", 500, NULL, INTERNAL);
    assert_int_equal(call(&fixture_read, NULL), -1);
    assert_int_equal(f.err.code, ERR_UNAVAILABLE);
    assert_int_equal(f.transport.count, 4);
}

static void test_the_bucket_runs_dry(void **state)
{
    (void)state;
    open_client((struct session_options){.no_wait = true}, false);
    fake_transport_route(&f.transport, "POST", 500, NULL, INTERNAL);
    for (int i = 0; i < 50; i++)
        assert_int_equal(call(&fixture_read, NULL), -1);
    assert_int_equal(f.transport.count, 150); /* 100 retries took 500 tokens */
    assert_int_equal(call(&fixture_read, NULL), -1);
    assert_int_equal(f.transport.count, 151);
}

static void test_resource_quota_is_not_throttling(void **state)
{
    (void)state;
    static const struct aws_service kms = {.name = "kms",
                                           .signing_name = "kms",
                                           .host_label = "kms",
                                           .target_prefix = "TrentService",
                                           .protocol = AWS_JSON_1_1};
    static const struct aws_operation create = {.service = &kms, .name = "CreateKey"};
    open_client((struct session_options){0}, false);
    client = session_client(session, &kms, "eu-west-1", false, &f.err);
    fake_transport_route(&f.transport, "POST", 400, NULL,
                         "{\"__type\":\"LimitExceededException\",\"message\":\"too many\"}");
    assert_int_equal(call(&create, NULL), -1);
    assert_int_equal(f.transport.count, 1);
    assert_int_equal(f.err.code, ERR_LIMIT);
}

static void test_lost_answer(void **state)
{
    (void)state;
    open_client((struct session_options){0}, false);
    fake_transport_fail(&f.transport, ERR_TIMEOUT);
    assert_int_equal(call(&fixture_write, NULL), -1);
    assert_int_equal(f.transport.count, 1);
    assert_int_equal(f.err.code, ERR_TIMEOUT);
    assert_non_null(strstr(f.err.message, "may have taken effect"));

    fake_transport_fail(&f.transport, ERR_TIMEOUT);
    fake_transport_answer(&f.transport, 200, NULL, "{}");
    assert_int_equal(call(&fixture_read, NULL), 0);
    fake_transport_fail(&f.transport, ERR_TIMEOUT);
    fake_transport_answer(&f.transport, 200, NULL, "{}");
    assert_int_equal(call(&fixture_put, NULL), 0);
    assert_int_equal(f.transport.count, 5);
}

/* A service that failed may have failed behind the commit: who wrote must look first. */
static void test_failed_server(void **state)
{
    (void)state;
    open_client((struct session_options){0}, false);
    fake_transport_answer(&f.transport, 500, NULL, INTERNAL);
    assert_int_equal(call(&fixture_write, NULL), -1);
    assert_int_equal(f.transport.count, 1);
    assert_int_equal(f.err.code, ERR_TIMEOUT);
    fake_transport_answer(&f.transport, 500, NULL, INTERNAL);
    fake_transport_answer(&f.transport, 200, NULL, "{}");
    assert_int_equal(call(&fixture_put, NULL), 0);
    /* What was throttled was not done. */
    fake_transport_answer(&f.transport, 400, NULL, THROTTLED);
    fake_transport_answer(&f.transport, 200, NULL, "{}");
    assert_int_equal(call(&fixture_write, NULL), 0);
    assert_int_equal(f.transport.count, 5);
}

static void test_not_sent_is_sent_again(void **state)
{
    (void)state;
    open_client((struct session_options){0}, false);
    fake_transport_fail(&f.transport, ERR_UNAVAILABLE);
    fake_transport_answer(&f.transport, 200, NULL, "{}");
    assert_int_equal(call(&fixture_write, NULL), 0);
    /* A certificate that is not trusted stays so. */
    fake_transport_fail(&f.transport, ERR_DENIED);
    assert_int_equal(call(&fixture_read, NULL), -1);
    assert_int_equal(f.err.code, ERR_DENIED);
    assert_int_equal(f.transport.count, 3);
}

/* A gateway that gave up waiting says nothing of what happened behind it. */
static void test_answer_of_a_proxy(void **state)
{
    (void)state;
    open_client((struct session_options){0}, false);
    fake_transport_answer(&f.transport, 504, NULL, "<html>Gateway Timeout</html>");
    assert_int_equal(call(&fixture_write, NULL), -1);
    assert_int_equal(f.err.code, ERR_TIMEOUT);
    assert_int_equal(f.transport.count, 1);
    fake_transport_answer(&f.transport, 504, NULL, "<html>Gateway Timeout</html>");
    fake_transport_answer(&f.transport, 200, NULL, "{}");
    assert_int_equal(call(&fixture_read, NULL), 0);
    fake_transport_answer(&f.transport, 404, NULL, "<html>no such path</html>");
    assert_int_equal(call(&fixture_read, NULL), -1);
    assert_int_equal(f.err.code, ERR_UNAVAILABLE); /* not: the parameter is gone */
}

/* --- clock ------------------------------------------------------------------------------------ */

#define SKEWED "{\"__type\":\"InvalidSignatureException\",\"message\":\"Signature expired\"}"

static const char *date_line(int64_t time_ms)
{
    char date[CLOCK_TEXT_SIZE];
    clock_format_http(time_ms, date);
    return arena_printf(&f.arena, "Date: %s", date);
}

static void test_clock_is_corrected(void **state)
{
    (void)state;
    open_client((struct session_options){0}, false);
    int64_t theirs_ms = f.clock.now_ms + 3600 * 1000;
    fake_transport_answer(&f.transport, 400, date_line(theirs_ms), SKEWED);
    fake_transport_answer(&f.transport, 200, NULL, "{}");
    fake_transport_answer(&f.transport, 200, NULL, "{}");
    assert_int_equal(call(&fixture_write, NULL), 0);
    assert_int_equal(f.transport.count, 2);
    assert_string_equal(header(0, "X-Amz-Date"), "20231114T221325Z");
    assert_string_equal(header(1, "X-Amz-Date"), "20231114T231325Z");
    /* Kept for the session's other clients too. */
    client = session_client(session, &fixture_service, "us-east-1", false, &f.err);
    assert_int_equal(call(&fixture_read, NULL), 0);
    assert_string_equal(header(2, "X-Amz-Date"), "20231114T231325Z");
}

static void test_clock_is_corrected_once(void **state)
{
    (void)state;
    open_client((struct session_options){0}, false);
    fake_transport_answer(&f.transport, 400, date_line(f.clock.now_ms + 3600 * 1000), SKEWED);
    fake_transport_answer(&f.transport, 400, date_line(f.clock.now_ms - 3600 * 1000), SKEWED);
    fake_transport_answer(&f.transport, 200, NULL, "{}");
    assert_int_equal(call(&fixture_read, NULL), -1);
    assert_int_equal(f.transport.count, 2);
}

static void test_wrong_key_is_no_skew(void **state)
{
    (void)state;
    open_client((struct session_options){0}, false);
    fake_transport_route(&f.transport, "POST", 400, date_line(f.clock.now_ms + 200 * 1000), SKEWED);
    assert_int_equal(call(&fixture_read, NULL), -1);
    assert_int_equal(f.transport.count, 1);
    assert_int_equal(f.err.code, ERR_DENIED);
}

/* --- expired credentials ---------------------------------------------------------------------- */

#define EXPIRED "{\"__type\":\"ExpiredTokenException\",\"message\":\"expired\"}"

static void test_expired_role_is_taken_again(void **state)
{
    (void)state;
    const struct session_role role = {.arn = "arn:aws:iam::222222222222:role/r"};
    open_client((struct session_options){.roles = &role, .role_count = 1}, false);
    fake_transport_answer(&f.transport, 200, NULL,
                          fixture_role_answer(&f, "AssumeRole", "ASIA1", 3600));
    fake_transport_answer(&f.transport, 400, NULL, EXPIRED);
    fake_transport_answer(&f.transport, 200, NULL,
                          fixture_role_answer(&f, "AssumeRole", "ASIA2", 3600));
    fake_transport_answer(&f.transport, 200, NULL, "{}");
    if (call(&fixture_write, NULL) != 0)
        fail_msg("%s", f.err.message);
    assert_int_equal(f.transport.count, 4);
    assert_non_null(strstr(header(1, "Authorization"), "Credential=ASIA1/"));
    assert_non_null(strstr(header(3, "Authorization"), "Credential=ASIA2/"));
    assert_string_equal(header(3, "X-Amz-Security-Token"), "role-token");
    assert_string_equal(header(3, "amz-sdk-request"), "attempt=2; max=3");
    /* Once a call. */
    fake_transport_answer(&f.transport, 400, NULL, EXPIRED);
    fake_transport_answer(&f.transport, 200, NULL,
                          fixture_role_answer(&f, "AssumeRole", "ASIA3", 3600));
    fake_transport_answer(&f.transport, 400, NULL, EXPIRED);
    assert_int_equal(call(&fixture_read, NULL), -1);
    assert_int_equal(f.err.code, ERR_EXPIRED);
    assert_int_equal(f.transport.count, 7);
}

static void test_expired_keys_of_the_environment(void **state)
{
    (void)state;
    open_client((struct session_options){0}, false);
    fake_transport_route(&f.transport, "POST", 400, NULL, EXPIRED);
    assert_int_equal(call(&fixture_read, NULL), -1);
    assert_int_equal(f.transport.count, 1); /* the same ones again would be pointless */
    assert_int_equal(f.err.code, ERR_EXPIRED);
}

/* --- what must not be told -------------------------------------------------------------------- */

static void test_values_are_not_repeated(void **state)
{
    (void)state;
    open_client((struct session_options){0}, false);
    fake_transport_route(&f.transport, "POST", 400, NULL,
                         "{\"__type\":\"ValidationException\",\"message\":\"1 validation error "
                         "detected: Value 'hunter2-hunter2' at 'value' failed\"}");
    assert_int_equal(call(&fixture_write, "{\"Name\":\"/a\",\"Value\":\"hunter2-hunter2\"}"), -1);
    assert_null(strstr(f.err.message, "hunter2"));
    assert_non_null(strstr(f.err.message, "1 validation error detected: Value '***"));
    assert_int_equal(f.err.code, ERR_INVALID);
    /* A name is told. */
    fake_transport_answer(&f.transport, 400, NULL,
                          "{\"__type\":\"ValidationException\",\"message\":\"1 validation error "
                          "detected: Value 'hunter2-hunter2' at 'name' failed\"}");
    assert_int_equal(call(&fixture_write, "{\"Name\":\"hunter2-hunter2\"}"), -1);
    assert_non_null(strstr(f.err.message, "hunter2"));
}

/* A long value is cut off with the message: its start must not be told either. */
static void test_long_values_are_not_repeated(void **state)
{
    (void)state;
    open_client((struct session_options){0}, false);
    char value[4001];
    memset(value, 'x', sizeof value);
    memcpy(value, "planted-secret", 14);
    value[4000] = '\0';
    fake_transport_route(&f.transport, "POST", 400, NULL,
                         arena_printf(&f.arena,
                                      "{\"__type\":\"ValidationException\",\"message\":\"bad: "
                                      "%s\"}",
                                      value));
    assert_int_equal(call(&fixture_write,
                          arena_printf(&f.arena, "{\"Tags\":[{\"Value\":\"%s\"}]}", value)),
                     -1);
    assert_null(strstr(f.err.message, "planted"));
    assert_null(strstr(f.err.message, "xxxx"));
}

/* --- pacing ----------------------------------------------------------------------------------- */

static int64_t paced_by(struct session_options options)
{
    struct aws_call_counts counts;
    open_client(options, false);
    fake_transport_route(&f.transport, "POST", 200, NULL, "{}");
    for (int i = 0; i < 7; i++)
        assert_int_equal(call(&fixture_write, NULL), 0);
    aws_client_counts(client, &counts);
    session_free(session);
    session = NULL;
    return counts.paced_ms;
}

static void test_quotas(void **state)
{
    (void)state;
    assert_in_range(paced_by((struct session_options){0}), 1950, 2050); /* 3 a second */
    assert_int_equal(paced_by((struct session_options){.endpoint_url = "http://localhost:1"}), 0);
    assert_in_range(paced_by((struct session_options){.endpoint_url = "http://localhost:1",
                                                      .quotas = SESSION_QUOTAS_ON}),
                    1950, 2050);
    assert_int_equal(paced_by((struct session_options){.quotas = SESSION_QUOTAS_OFF}), 0);
    assert_int_equal(paced_by((struct session_options){.no_wait = true}), 0);
}

static void test_throttling_slows_down(void **state)
{
    (void)state;
    struct aws_call_counts counts;
    open_client((struct session_options){.endpoint_url = "http://localhost:1"}, false);
    fake_transport_answer(&f.transport, 400, NULL, THROTTLED);
    fake_transport_route(&f.transport, "POST", 200, NULL, "{}");
    for (int i = 0; i < 5; i++)
        assert_int_equal(call(&fixture_read, NULL), 0);
    aws_client_counts(client, &counts);
    assert_true(counts.paced_ms > 500);
}

/* --- stopping --------------------------------------------------------------------------------- */

static void test_a_stop_lets_begun_writes_end_and_nothing_else_begin(void **state)
{
    (void)state;
    struct stop stop;
    stop_init(&stop, &f.clock.clock);
    open_client((struct session_options){.no_wait = true, .stop = &stop}, false);
    fake_transport_route(&f.transport, "POST", 200, NULL, "{}");
    assert_int_equal(call(&fixture_read, NULL), 0);
    stop_ask(&stop);
    assert_int_equal(call(&fixture_read, NULL), -1);
    assert_int_equal(f.err.code, ERR_CANCELLED);
    assert_int_equal(f.transport.count, 1);
    assert_int_equal(call(&fixture_write, NULL), 0);
    assert_int_equal(f.transport.count, 2);
    /* No second try, ... */
    fake_transport_answer(&f.transport, 500, NULL, INTERNAL);
    assert_int_equal(call(&fixture_put, NULL), -1);
    assert_int_equal(f.err.code, ERR_CANCELLED);
    assert_int_equal(f.transport.count, 3);
    /* ... and nothing at all when it is due. */
    fake_clock_advance(&f.clock, STOP_GRACE_MS);
    assert_int_equal(call(&fixture_write, NULL), -1);
    assert_int_equal(f.err.code, ERR_CANCELLED);
    assert_int_equal(f.transport.count, 3);
}

static void test_a_turn_that_would_come_too_late_is_not_waited_for(void **state)
{
    (void)state;
    struct stop stop;
    stop_init(&stop, &f.clock.clock);
    stop_due_in(&stop, 1000);
    open_client((struct session_options){.quotas = SESSION_QUOTAS_ON, .stop = &stop}, false);
    fake_transport_route(&f.transport, "POST", 200, NULL, "{}");
    int answered = 0;
    while (answered < 1000 && call(&fixture_read, NULL) == 0)
        answered++;
    assert_int_equal(f.err.code, ERR_CANCELLED);
    assert_in_range(answered, 1, 999);
    assert_true(stop_left_ms(&stop) > 0);
    assert_int_equal(f.transport.count, answered);
}

/* --- pages ------------------------------------------------------------------------------------ */

static unsigned pages, items;
static const char *stop_at;

static int take_page(const json_t *page, void *arg, struct error *err)
{
    assert_string_equal(arg, "arg");
    pages++;
    items += (unsigned)json_array_size(json_object_get(page, "Parameters"));
    if (stop_at && json_text(page, "NextToken") &&
        strcmp(json_text(page, "NextToken"), stop_at) == 0)
        return error_set(err, ERR_CANCELLED, "enough");
    return 0;
}

static int list(const char *input)
{
    static char arg[] = "arg";
    json_t *in = input ? json_read(input, strlen(input), NULL) : NULL;
    pages = items = 0;
    int result = aws_pages(client, &f.arena, &fixture_list, in, take_page, arg, &f.err);
    json_decref(in);
    return result;
}

static void test_pages(void **state)
{
    (void)state;
    open_client((struct session_options){.no_wait = true}, true);
    fake_transport_answer(&f.transport, 200, NULL, "{\"Parameters\":[1,2],\"NextToken\":\"a\"}");
    fake_transport_answer(&f.transport, 200, NULL, "{\"Parameters\":[],\"NextToken\":\"b\"}");
    fake_transport_answer(&f.transport, 200, NULL, "{\"Parameters\":[3],\"NextToken\":null}");
    assert_int_equal(list("{\"MaxResults\":2}"), 0);
    assert_int_equal(pages, 3);
    assert_int_equal(items, 3);
    assert_string_equal(fake_transport_request(&f.transport, 0)->body, "{\"MaxResults\":2}");
    assert_non_null(strstr(fake_transport_request(&f.transport, 2)->body, "\"NextToken\":\"b\""));
    assert_non_null(strstr(fake_transport_request(&f.transport, 2)->body, "\"MaxResults\":2"));

    fake_transport_answer(&f.transport, 200, NULL, "{\"Parameters\":[1],\"NextToken\":\"\"}");
    assert_int_equal(list(NULL), 0);
    assert_int_equal(pages, 1);
}

static void test_pages_that_do_not_end(void **state)
{
    (void)state;
    open_client((struct session_options){.no_wait = true}, true);
    fake_transport_route(&f.transport, "POST", 200, NULL, "{\"NextToken\":\"same\"}");
    assert_int_equal(list(NULL), -1);
    assert_int_equal(f.err.code, ERR_UNAVAILABLE);
    assert_int_equal(pages, 2);
}

static void test_pages_stopped_and_failed(void **state)
{
    (void)state;
    open_client((struct session_options){.no_wait = true}, true);
    stop_at = "a";
    fake_transport_answer(&f.transport, 200, NULL, "{\"NextToken\":\"a\"}");
    assert_int_equal(list(NULL), -1);
    assert_int_equal(f.err.code, ERR_CANCELLED);
    stop_at = NULL;
    fake_transport_answer(&f.transport, 200, NULL, "{\"NextToken\":\"a\"}");
    fake_transport_answer(&f.transport, 400, NULL, "{\"__type\":\"AccessDeniedException\"}");
    assert_int_equal(list(NULL), -1);
    assert_int_equal(f.err.code, ERR_DENIED);
    assert_int_equal(pages, 1);
}

/* What AWS says, and what would mend it. */
static void test_denied(void **state)
{
    (void)state;
    open_client((struct session_options){.no_wait = true}, true);
    fake_transport_answer(
        &f.transport, 400, NULL,
        "{\"__type\":\"AccessDeniedException\",\"Message\":\"User: "
        "arn:aws:iam::111111111111:user/jane "
        "is not authorized to perform: ssm:GetParameter on resource: "
        "arn:aws:ssm:eu-west-1:111111111111:parameter/a because no identity-based policy allows "
        "the ssm:GetParameter action\"}");
    assert_int_equal(call(&fixture_read, NULL), -1);
    assert_int_equal(f.err.code, ERR_DENIED);
    assert_string_equal(f.err.message,
                        "ssm:GetParameter in eu-west-1: User: arn:aws:iam::111111111111:user/jane "
                        "is not authorized to perform: ssm:GetParameter on resource: "
                        "arn:aws:ssm:eu-west-1:111111111111:parameter/a because no identity-based "
                        "policy allows the ssm:GetParameter action; add to a policy of user jane "
                        "of account 111111111111: {\"Effect\":\"Allow\",\"Action\":"
                        "\"ssm:GetParameter\",\"Resource\":\"arn:aws:ssm:eu-west-1:111111111111:"
                        "parameter/a\"}");
    /* Without a text the call itself says what is missing. */
    fake_transport_answer(&f.transport, 400, NULL, "{\"__type\":\"AccessDeniedException\"}");
    assert_int_equal(call(&fixture_read, NULL), -1);
    assert_non_null(strstr(f.err.message, "{\"Effect\":\"Allow\",\"Action\":\"ssm:GetParameter\","
                                          "\"Resource\":\"*\"}"));
    /* Wrong keys are no missing permission. */
    fake_transport_answer(&f.transport, 400, NULL,
                          "{\"__type\":\"UnrecognizedClientException\",\"message\":\"The security "
                          "token included in the request is invalid.\"}");
    assert_int_equal(call(&fixture_read, NULL), -1);
    assert_null(strstr(f.err.message, "Allow"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_what_is_sent),
        CASE(test_endpoint_with_a_path),
        CASE(test_denied),
        CASE(test_read_only),
        CASE(test_read_only_before_credentials),
        CASE(test_operation_of_another_service),
        CASE(test_no_credentials),
        CASE(test_error_is_told),
        CASE(test_retries),
        CASE(test_attempts_end),
        CASE(test_the_bucket_runs_dry),
        CASE(test_resource_quota_is_not_throttling),
        CASE(test_lost_answer),
        CASE(test_failed_server),
        CASE(test_not_sent_is_sent_again),
        CASE(test_answer_of_a_proxy),
        CASE(test_clock_is_corrected),
        CASE(test_clock_is_corrected_once),
        CASE(test_wrong_key_is_no_skew),
        CASE(test_expired_role_is_taken_again),
        CASE(test_expired_keys_of_the_environment),
        CASE(test_values_are_not_repeated),
        CASE(test_long_values_are_not_repeated),
        CASE(test_quotas),
        CASE(test_throttling_slows_down),
        CASE(test_a_stop_lets_begun_writes_end_and_nothing_else_begin),
        CASE(test_a_turn_that_would_come_too_late_is_not_waited_for),
        CASE(test_pages),
        CASE(test_pages_that_do_not_end),
        CASE(test_pages_stopped_and_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
