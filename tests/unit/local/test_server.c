/* The whole request path over a socket, with a service of its own: routing, each row of the
 * signature's checks in each protocol, input, permission, transaction, answer. */
#include "aws/sigv4.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "folder.h"
#include "local/authenticate.h"
#include "local/server.h"
#include "local/services/iam.h"
#include "support/fake_clock.h"
#include "support/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- a service to be called ------------------------------------------------------------------- */

static const struct local_member name_members[] = {
    {.name = "Name", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED, .max = 10},
    {.name = "Count", .type = LOCAL_INTEGER},
    {.name = NULL},
};

static enum local_result echo(struct local_call *call)
{
    json_put_text(call->out, "Name", local_text(call, "Name"));
    json_put_text(call->out, "Account", call->account);
    json_put_text(call->out, "Region", call->region);
    json_put_text(call->out, "Caller", call->caller->arn);
    local_put_time(call, "Time", 1440938160500);
    return LOCAL_OK;
}

static enum local_result store_name(struct local_call *call)
{
    if (!call->writing)
        return LOCAL_AS_WRITE;
    store_run(call->store, "INSERT INTO ssm_test (name) VALUES ($1)", "t",
              local_text(call, "Name"));
    if (strcmp(local_text(call, "Name"), "refused") == 0)
        return local_fail(call, "TestRefused", "no %s here", local_text(call, "Name"));
    json_put_text(call->out, "Stored", local_text(call, "Name"));
    return LOCAL_OK;
}

static enum local_result count_names(struct local_call *call)
{
    struct store_rows rows;
    store_query(call->store, &rows, "SELECT count(*) FROM ssm_test", "");
    json_put_int(call->out, "Count", store_next(&rows) ? store_int(&rows, 0) : -1);
    store_end(&rows);
    return LOCAL_OK;
}

static enum local_result broken_read(struct local_call *call)
{
    struct store_rows rows;
    store_query(call->store, &rows, "SELECT * FROM nowhere", "");
    store_next(&rows);
    store_end(&rows);
    return LOCAL_OK;
}

/* Temporary credentials; Name: "role" (with no permission), "admin", or "narrow" (an
 * administrator with a session policy that allows only Echo). */
static enum local_result issue(struct local_call *call)
{
    const char *name = local_text(call, "Name");
    bool role = strcmp(name, "role") == 0;
    struct principal who = {.kind = role ? PRINCIPAL_ROLE : PRINCIPAL_USER, .administrator = !role};
    who.arn = arena_strdup(call->arena, role ? "arn:aws:sts::123456789012:assumed-role/gone/session"
                                             : call->caller->arn);
    who.user_id = arena_strdup(call->arena, "AROATEST:session");
    if (role)
        who.role_arn = arena_strdup(call->arena, "arn:aws:iam::123456789012:role/gone");
    snprintf(who.account, sizeof who.account, "%s", call->account);
    if (strcmp(name, "narrow") == 0)
        who.session_policy =
            arena_strdup(call->arena,
                         "[{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                         "\"Action\":\"test:Echo\",\"Resource\":\"*\"}]}]");
    struct issued_credentials made;
    int64_t now_ms = call->local->clock->now_ms(call->local->clock);
    authenticate_issue(call, &who, now_ms + 60000, &made);
    json_put_text(call->out, "Key", made.access_key);
    json_put_text(call->out, "Secret", made.secret);
    json_put_text(call->out, "Token", made.token);
    return LOCAL_OK;
}

static enum local_result page_token(struct local_call *call)
{
    char *position;
    const char *name = local_text(call, "Name");
    if (local_token_decode(call, name, &position) == 0)
        json_put_text(call->out, "Position", position);
    else
        json_put_text(call->out, "Token", local_token_encode(call, "here"));
    return LOCAL_OK;
}

static const struct local_member token_members[] = {
    {.name = "Name", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED}, {.name = NULL}};

#define OPERATIONS                                                                                 \
    {.name = "Echo", .action = "test:Echo", .input = name_members, .handle = echo},                \
        {.name = "Store",                                                                          \
         .action = "test:Store",                                                                   \
         .flags = LOCAL_WRITES,                                                                    \
         .input = name_members,                                                                    \
         .handle = store_name},                                                                    \
        {.name = "StoreLate",                                                                      \
         .action = "test:StoreLate",                                                               \
         .input = name_members,                                                                    \
         .handle = store_name},                                                                    \
        {.name = "Count", .action = "test:Count", .handle = count_names},                          \
        {.name = "Broken", .action = "test:Broken", .handle = broken_read},                        \
        {.name = "Issue",                                                                          \
         .action = "test:Issue",                                                                   \
         .flags = LOCAL_WRITES,                                                                    \
         .input = name_members,                                                                    \
         .handle = issue},                                                                         \
        {.name = "Token", .action = "test:Token", .input = token_members, .handle = page_token},   \
        {.name = "Open", .action = "test:Open", .flags = LOCAL_NO_AUTH, .handle = count_names},    \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const struct local_operation operations[] = {OPERATIONS};

static const struct local_service json_service = {
    .name = "test",
    .target_prefix = "TestService",
    .protocol = AWS_JSON_1_1,
    .clock_skew_ms = 5 * 60000,
    .largest_body_bytes = 1000,
    .internal_error = "TestInternalError",
    .schema = "CREATE TABLE IF NOT EXISTS ssm_test (name TEXT PRIMARY KEY)",
    .operations = operations,
};
static const struct local_service query_service = {
    .name = "testq",
    .api_version = "2020-01-01",
    .xml_namespace = "https://test.example/doc/",
    .protocol = AWS_QUERY,
    .clock_skew_ms = 15 * 60000,
    .internal_error = "InternalFailure",
    .operations = operations,
};
static const struct local_service *const services[] = {&json_service, &query_service, &iam_service,
                                                       NULL};

/* --- calling it ------------------------------------------------------------------------------- */

static const int64_t start_ms = 1440938160000; /* 2015-08-30T12:36:00Z */

struct fixture {
    struct folder folder;
    struct fake_clock clock;
    struct server *server;
    struct arena arena;
    char host[32];
    bool any_credentials;
};

static void open_server(struct fixture *fixture)
{
    static const struct account_key keys[] = {
        {"AKIATESTTESTTESTTEST", "test/secret", "123456789012"},
        {"AKIAOTHEROTHEROTHERO", "other/secret", "210987654321"},
    };
    const struct server_options options = {
        .folder = fixture->folder.path,
        .host = "127.0.0.1",
        .loops = 2,
        .testing = true,
        .any_credentials = fixture->any_credentials,
        .keys = keys,
        .key_count = COUNT(keys),
        .services = services,
        .clock = &fixture->clock.clock,
    };
    struct error err = {0};
    if (server_open(&options, &fixture->server, &err) != 0 ||
        server_start(fixture->server, &err) != 0)
        fail_msg("%s", err.message);
    snprintf(fixture->host, sizeof fixture->host, "127.0.0.1:%d", server_port(fixture->server));
}

static int setup(void **state)
{
    struct fixture *fixture = memory_alloc(sizeof *fixture);
    *state = fixture;
    folder_make(&fixture->folder);
    arena_init(&fixture->arena);
    fake_clock_init(&fixture->clock, start_ms);
    open_server(fixture);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    server_close(fixture->server);
    arena_done(&fixture->arena);
    folder_remove(&fixture->folder);
    free(fixture);
    return 0;
}

/* Sends bytes, reads the answer until the server closes. */
static char *exchange(struct fixture *fixture, const char *bytes, size_t len)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server_port(fixture->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    for (size_t sent = 0; sent < len;) {
        ssize_t done = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL);
        if (done <= 0)
            break;
        sent += (size_t)done;
    }
    struct buf answer;
    buf_init(&answer, 1024 * 1024);
    char chunk[4096];
    for (ssize_t got; (got = recv(fd, chunk, sizeof chunk, 0)) > 0;)
        buf_append(&answer, chunk, (size_t)got);
    close(fd);
    char *text = arena_strndup(&fixture->arena, buf_text(&answer), answer.len);
    buf_done(&answer);
    return text;
}

/* What a test may want to be different; zero members mean what is usual. */
struct sent {
    const char *operation, *body;
    const char *method, *path, *query, *type, *target;
    const char *key, *secret, *token, *region, *service;
    int64_t time_ms;
    int expires_s;         /* > 0: presigned */
    bool unsigned_;        /* no signature at all */
    const char *from, *to; /* replaced in the finished request */
    bool query_protocol;
};

static const char * or (const char *text, const char *usual)
{
    return text ? text : usual;
}

static char *replaced(struct arena *arena, const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    if (!at)
        fail_msg("'%s' is not in %s", from, text);
    return arena_printf(arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static char *request_text(struct fixture *fixture, const struct sent *sent)
{
    struct arena *arena = &fixture->arena;
    bool form = sent->query_protocol;
    const char *action =
        arena_printf(arena, "Action=%s&Version=2020-01-01%s%s", or (sent->operation, "Echo"),
                     sent->body && *sent->body ? "&" : "", form ? or (sent->body, "") : "");
    const char *method = or (sent->method, "POST"), *path = or (sent->path, "/");
    bool get = strcmp(method, "GET") == 0;
    const char *body = get ? "" : form ? action : or (sent->body, "{}");
    const char *query = sent->query ? sent->query : form && get ? action : "";
    struct sigv4_field fields[3] = {
        {text_of("Host"), text_of(fixture->host)},
        {text_of("Content-Type"),
         text_of(or (sent->type, form ? "application/x-www-form-urlencoded; charset=utf-8"
                                      : "application/x-amz-json-1.1"))},
        {text_of("X-Amz-Target"),
         text_of(or (sent->target,
                     arena_printf(arena, "TestService.%s", or (sent->operation, "Echo"))))},
    };
    size_t count = form ? get ? 1 : 2 : 3;
    char hash[SHA256_HEX_SIZE];
    digest_sha256_hex(body, strlen(body), hash);
    const struct sigv4_request request = {.method = text_of(method),
                                          .path = text_of(path),
                                          .query = text_of(query),
                                          .fields = fields,
                                          .field_count = count,
                                          .payload_hash = hash};
    const struct sigv4_signing signing = {
        .credentials = { or (sent->key, "AKIATESTTESTTESTTEST"), or (sent->secret, "test/secret"),
                         sent->token},
        .region = or (sent->region, "eu-west-1"),
        .service = or (sent->service, form ? "testq" : "test"),
        .time_ms = sent->time_ms ? sent->time_ms : fixture->clock.now_ms,
        .expires_s = sent->expires_s,
    };
    struct sigv4_field *added = NULL;
    size_t added_count = 0;
    char *presigned = NULL;
    if (!sent->unsigned_)
        assert_int_equal(sigv4_sign(arena, &request, &signing, &added, &added_count, &presigned,
                                    NULL),
                         0);
    if (presigned)
        query = presigned;
    struct buf text;
    buf_init(&text, 1024 * 1024);
    buf_printf(&text, "%s %s%s%s HTTP/1.1\r\n", method, path, *query ? "?" : "", query);
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%.*s: %.*s\r\n", (int)fields[i].name.len, fields[i].name.data,
                   (int)fields[i].value.len, fields[i].value.data);
    for (size_t i = 0; i < added_count; i++)
        buf_printf(&text, "%.*s: %.*s\r\n", (int)added[i].name.len, added[i].name.data,
                   (int)added[i].value.len, added[i].value.data);
    buf_printf(&text, "Content-Length: %zu\r\nConnection: close\r\n\r\n%s", strlen(body), body);
    char *whole = arena_strndup(arena, buf_text(&text), text.len);
    buf_done(&text);
    return sent->from ? replaced(arena, whole, sent->from, sent->to) : whole;
}

static char *send_request(struct fixture *fixture, const struct sent *sent)
{
    char *text = request_text(fixture, sent);
    return exchange(fixture, text, strlen(text));
}

static const char *body_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    return end ? end + 4 : "";
}

static void expect(struct fixture *fixture, const struct sent *sent, int status, const char *body)
{
    const char *answer = send_request(fixture, sent);
    char line[32];
    snprintf(line, sizeof line, "HTTP/1.1 %d ", status);
    if (strncmp(answer, line, strlen(line)) != 0 || !strstr(body_of(answer), body))
        fail_msg("got %s\nwant %d %s", answer, status, body);
}

/* A JSON error, whole. */
static void expect_error(struct fixture *fixture, const struct sent *sent, const char *code,
                         const char *message)
{
    expect(fixture, sent, 400,
           arena_printf(&fixture->arena, "{\"__type\":\"%s\",\"message\":\"%s\"}", code, message));
}

static const char *member(struct fixture *fixture, const char *answer, const char *name)
{
    json_t *value = json_read(body_of(answer), strlen(body_of(answer)), NULL);
    const char *text = json_text(value, name);
    char *copy = text ? arena_strdup(&fixture->arena, text) : NULL;
    json_decref(value);
    return copy;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void json_calls_are_answered(void **state)
{
    struct fixture *fixture = *state;
    const char *answer = send_request(fixture, &(struct sent){.body = "{\"Name\":\"a\"}"});
    assert_non_null(strstr(answer, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(answer, "Content-Type: application/x-amz-json-1.1\r\n"));
    assert_non_null(strstr(answer, "x-amzn-RequestId: "));
    assert_string_equal(
        body_of(answer),
        "{\"Name\":\"a\",\"Account\":\"123456789012\",\"Region\":\"eu-west-1\","
        "\"Caller\":\"arn:aws:iam::123456789012:user/administrator\",\"Time\":1440938160.500}");
}

static void query_calls_are_answered(void **state)
{
    struct fixture *fixture = *state;
    const struct sent posted = {.query_protocol = true, .body = "Name=a%20%3C"};
    const char *answer = send_request(fixture, &posted);
    assert_non_null(strstr(answer, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(answer, "Content-Type: text/xml\r\n"));
    assert_non_null(strstr(answer, "<EchoResponse xmlns=\"https://test.example/doc/\"><EchoResult>"
                                   "<Name>a &lt;</Name><Account>123456789012</Account>"));
    assert_non_null(strstr(answer, "<Time>2015-08-30T12:36:00Z</Time></EchoResult>"
                                   "<ResponseMetadata><RequestId>"));
    expect(fixture, &(struct sent){.query_protocol = true, .method = "GET", .body = "Name=b"}, 200,
           "<Name>b</Name>");
    expect(
        fixture,
        &(struct sent){.query_protocol = true, .method = "GET", .body = "Name=c", .expires_s = 60},
        200, "<Name>c</Name>");
}

static void any_region_is_one(void **state)
{
    struct fixture *fixture = *state;
    static const char *const regions[] = {"us-gov-east-1", "cn-north-1", "eusc-de-east-1",
                                          "xx-nowhere-7"};
    for (size_t i = 0; i < COUNT(regions); i++)
        expect(fixture, &(struct sent){.body = "{\"Name\":\"a\"}", .region = regions[i]}, 200,
               regions[i]);
}

static void health_is_for_all_and_the_rest_is_404(void **state)
{
    struct fixture *fixture = *state;
    expect(fixture,
           &(struct sent){.unsigned_ = true, .method = "GET", .path = "/_understudy/health"}, 200,
           "\"status\":\"running\"");
    expect(fixture, &(struct sent){.unsigned_ = true, .path = "/_understudy/health"}, 404, "");
    expect(fixture, &(struct sent){.unsigned_ = true, .path = "/_understudy/other"}, 404, "");
    expect(fixture, &(struct sent){.unsigned_ = true, .method = "GET"}, 404,
           "<UnknownOperationException/>");
    expect(fixture, &(struct sent){.path = "/elsewhere"}, 404, "<UnknownOperationException/>");
    expect(fixture, &(struct sent){.method = "PUT"}, 404, "<UnknownOperationException/>");
    expect(fixture, &(struct sent){.type = "text/plain"}, 404, "<UnknownOperationException/>");
}

/* --- what is not understood ------------------------------------------------------------------- */

static void bodies_must_be_json_objects(void **state)
{
    struct fixture *fixture = *state;
    static const char *const bodies[] = {
        "",
        "[]",
        "\"text\"",
        "5",
        "null",
        "{",
        "{\"Name\":\"a\"}x",
        "{\"Name\":\"\xff\xfe\"}",
        "{\"Name\":\"a\",\"Name\":\"b\"}",
        "{\"Name\":\"\\u0000\"}",
        "{\"Count\":1e999}",
        "{\"Count\":99999999999999999999}",
    };
    for (size_t i = 0; i < COUNT(bodies); i++)
        /* Before the signature is looked at. */
        expect(fixture, &(struct sent){.body = bodies[i], .unsigned_ = true}, 400,
               "{\"__type\":\"SerializationException\"}");
    char deep[901];
    memset(deep, '[', 900);
    deep[900] = '\0';
    expect(fixture, &(struct sent){.body = deep}, 400, "{\"__type\":\"SerializationException\"}");
    char large[1200];
    memset(large, ' ', sizeof large);
    large[sizeof large - 1] = '\0';
    expect(fixture, &(struct sent){.body = large}, 413,
           "{\"__type\":\"RequestEntityTooLargeException\"}");
}

static void targets_must_be_known(void **state)
{
    struct fixture *fixture = *state;
    static const char *const targets[] = {"TestService.Nothing", "TestService.", "TestService",
                                          "Other.Echo",          ".Echo",        ""};
    for (size_t i = 0; i < COUNT(targets); i++)
        expect(fixture, &(struct sent){.target = targets[i], .unsigned_ = true}, 400,
               "{\"__type\":\"UnknownOperationException\"}");
    expect(fixture, &(struct sent){.query_protocol = true, .operation = "Nothing"}, 400,
           "<ErrorResponse xmlns=\"https://test.example/doc/\"><Error><Type>Sender</Type>"
           "<Code>InvalidAction</Code><Message>Could not find operation Nothing for version "
           "2020-01-01</Message></Error><RequestId>");
    expect(fixture,
           &(struct sent){.query_protocol = true, .from = "Version=2020", .to = "Version=2021"},
           400, "Could not find operation Echo for version 2021-01-01");
    expect(fixture, &(struct sent){.query_protocol = true, .from = "Action=", .to = "Axtion="}, 400,
           "<Code>MissingAction</Code>");
    expect(fixture, &(struct sent){.query_protocol = true, .body = "Name=%zz"}, 400,
           "<Code>MalformedQueryString</Code>");
}

static void inputs_are_checked(void **state)
{
    struct fixture *fixture = *state;
    expect(fixture, &(struct sent){.body = "{\"Name\":5}"}, 400,
           "{\"__type\":\"SerializationException\",\"Message\":\"NUMBER_VALUE cannot be converted "
           "to String\"}");
    expect_error(fixture, &(struct sent){.body = "{}"}, "ValidationException",
                 "1 validation error detected: Value null at 'name' failed to satisfy constraint: "
                 "Member must not be null");
    expect(fixture, &(struct sent){.query_protocol = true, .body = "Name=a&Count=x"}, 400,
           "<Code>MalformedInput</Code>");
    expect(fixture, &(struct sent){.query_protocol = true}, 400,
           "<Code>ValidationError</Code><Message>1 validation error detected: Value null at "
           "'name'");
}

/* --- signatures, row by row ------------------------------------------------------------------- */

static void a_signature_is_wanted(void **state)
{
    struct fixture *fixture = *state;
    expect_error(fixture, &(struct sent){.unsigned_ = true}, "MissingAuthenticationTokenException",
                 "Request is missing Authentication Token");
    expect(fixture, &(struct sent){.query_protocol = true, .unsigned_ = true}, 403,
           "<Code>MissingAuthenticationToken</Code><Message>Request is missing Authentication "
           "Token</Message>");
    expect(fixture, &(struct sent){.operation = "Open", .unsigned_ = true}, 200, "\"Count\"");
    expect_error(fixture, &(struct sent){.query = "X-Amz-Algorithm=x"}, "InvalidSignatureException",
                 "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP "
                 "header.");
}

static void incomplete_signatures_are_told(void **state)
{
    struct fixture *fixture = *state;
    expect(fixture, &(struct sent){.from = "Signature=", .to = "Signatur="}, 400,
           "\"__type\":\"IncompleteSignatureException\",\"message\":\"Authorization header "
           "requires 'Signature' parameter. Authorization=AWS4-HMAC-SHA256 Credential=");
    expect(fixture, &(struct sent){.query_protocol = true, .from = "Signature=", .to = "Signatur="},
           400, "<Code>IncompleteSignature</Code>");
    expect(fixture, &(struct sent){.from = "X-Amz-Date: 2015", .to = "X-Amz-Date: 15"}, 400,
           "Date must be in ISO-8601 'basic format'. Got '150830T123600Z'. See "
           "http://en.wikipedia.org/wiki/ISO_8601");
    expect(fixture, &(struct sent){.from = "/aws4_request", .to = ""}, 400,
           "\"__type\":\"IncompleteSignatureException\",\"message\":\"Credential must have exactly "
           "5 slash-delimited elements");
    expect(fixture,
           &(struct sent){.query_protocol = true,
                          .method = "GET",
                          .expires_s = 60,
                          .from = "X-Amz-Date=",
                          .to = "X-Amz-Datum="},
           400, "AWS query-string parameters must include 'X-Amz-Date'.");
}

static void clocks_may_differ_by_the_services_window(void **state)
{
    struct fixture *fixture = *state;
    const char *body = "{\"Name\":\"a\"}";
    expect(fixture, &(struct sent){.body = body, .time_ms = start_ms - 300000}, 200, "");
    expect(fixture, &(struct sent){.body = body, .time_ms = start_ms + 300000}, 200, "");
    expect_error(fixture, &(struct sent){.body = body, .time_ms = start_ms - 301000},
                 "InvalidSignatureException",
                 "Signature expired: 20150830T123059Z is now earlier than 20150830T123100Z "
                 "(20150830T123600Z - 5 min.)");
    expect_error(fixture, &(struct sent){.body = body, .time_ms = start_ms + 301000},
                 "InvalidSignatureException",
                 "Signature not yet current: 20150830T124101Z is still later than "
                 "20150830T124100Z (20150830T123600Z + 5 min.)");
    expect(fixture,
           &(struct sent){.query_protocol = true, .body = "Name=a", .time_ms = start_ms - 900000},
           200, "");
    expect(fixture,
           &(struct sent){.query_protocol = true, .body = "Name=a", .time_ms = start_ms - 901000},
           403, "<Code>SignatureDoesNotMatch</Code><Message>Signature expired: ");
    /* A presigned request is good until it says. */
    struct sent presigned = {.query_protocol = true,
                             .method = "GET",
                             .body = "Name=a",
                             .expires_s = 60,
                             .time_ms = start_ms - 60000};
    expect(fixture, &presigned, 200, "");
    presigned.time_ms -= 1000;
    expect(fixture, &presigned, 403, "Signature expired: ");
}

static void scopes_must_fit(void **state)
{
    struct fixture *fixture = *state;
    expect_error(fixture, &(struct sent){.region = "nowhere"}, "InvalidSignatureException",
                 "Credential should be scoped to a valid region, not 'nowhere'.");
    expect_error(fixture, &(struct sent){.service = "ssm"}, "InvalidSignatureException",
                 "Credential should be scoped to correct service: 'test'.");
    expect_error(fixture,
                 &(struct sent){.region = "nowhere",
                                .from = "test/aws4_request",
                                .to = "ssm/aws5_request"},
                 "InvalidSignatureException",
                 "Credential should be scoped to a valid region, not 'nowhere'. Credential should "
                 "be scoped to correct service: 'test'. Credential should be scoped with a valid "
                 "terminator: 'aws4_request', not 'aws5_request'.");
    expect(fixture, &(struct sent){.from = "/20150830/", .to = "/20150829/"}, 400,
           "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
           "HTTP: '20150829' != '20150830', from '20150830T123600Z'.");
    expect(fixture,
           &(struct sent){.from = "SignedHeaders=content-type;host;",
                          .to = "SignedHeaders=content-type;"},
           400, "'Host' must be a 'SignedHeader' in the AWS Authorization.");
    expect(fixture, &(struct sent){.from = "AWS4-HMAC-SHA256", .to = "AWS4-HMAC-SHA512"}, 400,
           "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512' (only AWS4-HMAC-SHA256 for now). ");
}

static void keys_must_be_known(void **state)
{
    struct fixture *fixture = *state;
    const char *text = "The security token included in the request is invalid.";
    expect_error(fixture, &(struct sent){.key = "AKIANOBODYNOBODYNOBO"},
                 "UnrecognizedClientException", text);
    expect(fixture, &(struct sent){.query_protocol = true, .key = "AKIANOBODYNOBODYNOBO"}, 403,
           "<Code>InvalidClientTokenId</Code><Message>The security token included in the request "
           "is invalid.</Message>");
    /* A lasting key has no token. */
    expect_error(fixture, &(struct sent){.token = "made up"}, "UnrecognizedClientException", text);
}

static void signatures_must_match(void **state)
{
    struct fixture *fixture = *state;
    const char *body = "{\"Name\":\"a\"}";
    static const char mismatch[] =
        "The request signature we calculated does not match the signature you provided. Check your "
        "AWS Secret Access Key and signing method. Consult the service documentation for details.";
    const char *answer =
        send_request(fixture, &(struct sent){.body = body, .secret = "wrong/secret"});
    assert_non_null(strstr(answer, "HTTP/1.1 400 "));
    assert_non_null(strstr(answer, "InvalidSignatureException"));
    assert_non_null(strstr(answer, mismatch));
    assert_non_null(strstr(answer, "The Canonical String for this request should have been\\n'POST"
                                   "\\n/\\n\\ncontent-type:"));
    assert_non_null(strstr(answer, "The String-to-Sign should have been\\n'AWS4-HMAC-SHA256\\n"
                                   "20150830T123600Z\\n20150830/eu-west-1/test/aws4_request\\n"));
    assert_null(strstr(answer, "test/secret"));
    expect(fixture,
           &(struct sent){.query_protocol = true, .body = "Name=a", .secret = "wrong/secret"}, 403,
           "<Code>SignatureDoesNotMatch</Code>");
    /* What was signed was changed on the way. */
    expect(fixture,
           &(struct sent){.body = body, .from = "{\"Name\":\"a\"}", .to = "{\"Name\":\"b\"}"}, 400,
           mismatch);
    expect(fixture,
           &(struct sent){.body = body, .from = "TestService.Echo", .to = "TestService.Issue"}, 400,
           mismatch);
    expect(fixture,
           &(struct sent){.query_protocol = true,
                          .method = "GET",
                          .body = "Name=a",
                          .expires_s = 60,
                          .from = "Name=a",
                          .to = "Name=b"},
           403, mismatch);
}

/* --- temporary credentials -------------------------------------------------------------------- */

struct session {
    const char *key, *secret, *token;
};

static struct session make_session(struct fixture *fixture, const char *kind)
{
    const char *answer =
        send_request(fixture, &(struct sent){.operation = "Issue",
                                             .body = arena_printf(&fixture->arena,
                                                                  "{\"Name\":\"%s\"}", kind)});
    struct session session = {member(fixture, answer, "Key"), member(fixture, answer, "Secret"),
                              member(fixture, answer, "Token")};
    assert_non_null(session.token);
    assert_memory_equal(session.key, "ASIA", 4);
    return session;
}

static void sessions_need_their_token(void **state)
{
    struct fixture *fixture = *state;
    struct session session = make_session(fixture, "admin");
    const char *body = "{\"Name\":\"a\"}";
    struct sent sent = {.body = body,
                        .key = session.key,
                        .secret = session.secret,
                        .token = session.token};
    expect(fixture, &sent, 200, "\"Account\":\"123456789012\"");
    const char *text = "The security token included in the request is invalid.";
    sent.token = NULL;
    expect_error(fixture, &sent, "UnrecognizedClientException", text);
    sent.token = make_session(fixture, "admin").token; /* another's */
    expect_error(fixture, &sent, "UnrecognizedClientException", text);
    sent = (struct sent){.query_protocol = true,
                         .method = "GET",
                         .body = "Name=a",
                         .expires_s = 60,
                         .key = session.key,
                         .secret = session.secret,
                         .token = session.token};
    expect(fixture, &sent, 200, "<Name>a</Name>");
}

static void sessions_end(void **state)
{
    struct fixture *fixture = *state;
    struct session session = make_session(fixture, "admin");
    struct sent sent = {.body = "{\"Name\":\"a\"}",
                        .key = session.key,
                        .secret = session.secret,
                        .token = session.token};
    expect(fixture, &sent, 200, "");
    fake_clock_advance(&fixture->clock, 60000);
    expect_error(fixture, &sent, "ExpiredTokenException",
                 "The security token included in the request is expired");
    struct sent query = {.query_protocol = true,
                         .body = "Name=a",
                         .key = session.key,
                         .secret = session.secret,
                         .token = session.token};
    expect(fixture, &query, 403, "<Code>ExpiredToken</Code>");
}

static void sessions_may_do_what_their_policies_allow(void **state)
{
    struct fixture *fixture = *state;
    struct session narrow = make_session(fixture, "narrow");
    struct sent sent = {.body = "{\"Name\":\"a\"}",
                        .key = narrow.key,
                        .secret = narrow.secret,
                        .token = narrow.token};
    expect(fixture, &sent, 200, "");
    sent.operation = "Count";
    expect_error(fixture, &sent, "AccessDeniedException",
                 "User: arn:aws:iam::123456789012:user/administrator is not authorized to perform: "
                 "test:Count on resource: * because no session policy allows the test:Count "
                 "action");
    struct session role = make_session(fixture, "role");
    sent = (struct sent){.body = "{\"Name\":\"a\"}",
                         .key = role.key,
                         .secret = role.secret,
                         .token = role.token,
                         .region = "us-gov-west-1"};
    expect_error(fixture, &sent, "AccessDeniedException",
                 "User: arn:aws-us-gov:sts::123456789012:assumed-role/gone/session is not "
                 "authorized to perform: test:Echo on resource: * because no identity-based policy "
                 "allows the test:Echo action");
    sent = (struct sent){.query_protocol = true,
                         .body = "Name=a",
                         .key = role.key,
                         .secret = role.secret,
                         .token = role.token};
    expect(fixture, &sent, 403, "<Code>AccessDenied</Code>");
}

/* --- transactions ----------------------------------------------------------------------------- */

static void expect_count(struct fixture *fixture, int count)
{
    expect(fixture, &(struct sent){.operation = "Count"}, 200,
           arena_printf(&fixture->arena, "{\"Count\":%d}", count));
}

static void writes_are_seen_by_the_next_read(void **state)
{
    struct fixture *fixture = *state;
    expect(fixture, &(struct sent){.operation = "Store", .body = "{\"Name\":\"a\"}"}, 200,
           "{\"Stored\":\"a\"}");
    expect_count(fixture, 1);
    /* A read that finds out that it must write. */
    expect(fixture, &(struct sent){.operation = "StoreLate", .body = "{\"Name\":\"b\"}"}, 200,
           "{\"Stored\":\"b\"}");
    expect_count(fixture, 2);
}

static void a_refused_write_is_undone(void **state)
{
    struct fixture *fixture = *state;
    expect_error(fixture, &(struct sent){.operation = "Store", .body = "{\"Name\":\"refused\"}"},
                 "TestRefused", "no refused here");
    expect_count(fixture, 0);
}

static void a_failing_store_is_the_services_internal_error(void **state)
{
    struct fixture *fixture = *state;
    const char *twice = "{\"Name\":\"twice\"}";
    expect(fixture, &(struct sent){.operation = "Store", .body = twice}, 200, "");
    expect(fixture, &(struct sent){.operation = "Store", .body = twice}, 500,
           "{\"__type\":\"TestInternalError\",\"message\":\"");
    expect(fixture, &(struct sent){.operation = "Broken"}, 500,
           "{\"__type\":\"TestInternalError\",\"message\":\"");
    expect(fixture, &(struct sent){.query_protocol = true, .operation = "Broken"}, 500,
           "<Type>Receiver</Type><Code>InternalFailure</Code>");
    expect_count(fixture, 1);
}

static void what_was_written_survives(void **state)
{
    struct fixture *fixture = *state;
    expect(fixture, &(struct sent){.operation = "Store", .body = "{\"Name\":\"a\"}"}, 200, "");
    struct session session = make_session(fixture, "admin");
    server_close(fixture->server);
    open_server(fixture);
    expect_count(fixture, 1);
    expect(fixture,
           &(struct sent){.body = "{\"Name\":\"a\"}",
                          .key = session.key,
                          .secret = session.secret,
                          .token = session.token},
           200, "");
}

static void reset_empties_all_but_the_given_keys(void **state)
{
    struct fixture *fixture = *state;
    expect(fixture, &(struct sent){.operation = "Store", .body = "{\"Name\":\"a\"}"}, 200, "");
    struct session session = make_session(fixture, "admin");
    expect(fixture, &(struct sent){.unsigned_ = true, .path = "/_understudy/reset"}, 204, "");
    expect_count(fixture, 0);
    expect(fixture,
           &(struct sent){.body = "{\"Name\":\"a\"}",
                          .key = session.key,
                          .secret = session.secret,
                          .token = session.token},
           400, "UnrecognizedClientException");
}

static void a_lost_master_key_is_noticed(void **state)
{
    struct fixture *fixture = *state;
    const struct server_options options = {.folder = fixture->folder.path,
                                           .host = "127.0.0.1",
                                           .services = services};
    struct error err = {0};
    struct server *second;
    server_close(fixture->server);
    fixture->server = NULL;
    unlink(arena_printf(&fixture->arena, "%s/master.key", fixture->folder.path));
    assert_int_equal(server_open(&options, &second, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* --- paging tokens, accounts ------------------------------------------------------------------ */

static void tokens_are_bound_to_where_they_came_from(void **state)
{
    struct fixture *fixture = *state;
    struct sent sent = {.operation = "Token", .body = "{\"Name\":\"none\"}"};
    const char *token = member(fixture, send_request(fixture, &sent), "Token");
    sent.body = arena_printf(&fixture->arena, "{\"Name\":\"%s\"}", token);
    expect(fixture, &sent, 200, "{\"Position\":\"here\"}");
    sent.region = "us-east-1";
    expect(fixture, &sent, 200, "\"Token\"");
    sent.region = NULL;
    sent.key = "AKIAOTHEROTHEROTHERO";
    sent.secret = "other/secret";
    expect(fixture, &sent, 200, "\"Token\"");
    sent = (struct sent){.operation = "Token",
                         .body = arena_printf(&fixture->arena, "{\"Name\":\"B%s\"}", token + 1)};
    if (token[0] != 'B')
        expect(fixture, &sent, 200, "\"Token\"");
}

static int setup_any(void **state)
{
    struct fixture *fixture = memory_alloc(sizeof *fixture);
    *state = fixture;
    fixture->any_credentials = true;
    folder_make(&fixture->folder);
    arena_init(&fixture->arena);
    fake_clock_init(&fixture->clock, start_ms);
    open_server(fixture);
    return 0;
}

static void anybody_comes_in_when_told_so(void **state)
{
    struct fixture *fixture = *state;
    const char *body = "{\"Name\":\"a\"}";
    expect(fixture, &(struct sent){.body = body, .unsigned_ = true}, 200,
           "\"Account\":\"000000000000\",\"Region\":\"us-east-1\","
           "\"Caller\":\"arn:aws:iam::000000000000:root\"");
    expect(fixture, &(struct sent){.body = body, .key = "test", .secret = "test"}, 200,
           "\"Account\":\"000000000000\",\"Region\":\"eu-west-1\"");
    expect(fixture,
           &(struct sent){.body = body, .key = "444455556666", .secret = "x", .token = "y"}, 200,
           "\"Account\":\"444455556666\"");
    /* Who is known must still prove it. */
    expect(fixture, &(struct sent){.body = body}, 200, "\"Account\":\"123456789012\"");
    expect(fixture, &(struct sent){.body = body, .secret = "wrong"}, 400,
           "InvalidSignatureException");
}

static void half_a_request_is_no_harm(void **state)
{
    struct fixture *fixture = *state;
    char *text =
        request_text(fixture, &(struct sent){.operation = "Store", .body = "{\"Name\":\"a\"}"});
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server_port(fixture->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (size_t len = 1; len <= strlen(text); len += 37) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
        send(fd, text, len, MSG_NOSIGNAL);
        close(fd);
    }
    expect(fixture, &(struct sent){.body = "{\"Name\":\"a\"}"}, 200, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    json_setup();
    const struct CMUnitTest tests[] = {
        TEST(json_calls_are_answered),
        TEST(query_calls_are_answered),
        TEST(any_region_is_one),
        TEST(health_is_for_all_and_the_rest_is_404),
        TEST(bodies_must_be_json_objects),
        TEST(targets_must_be_known),
        TEST(inputs_are_checked),
        TEST(a_signature_is_wanted),
        TEST(incomplete_signatures_are_told),
        TEST(clocks_may_differ_by_the_services_window),
        TEST(scopes_must_fit),
        TEST(keys_must_be_known),
        TEST(signatures_must_match),
        TEST(sessions_need_their_token),
        TEST(sessions_end),
        TEST(sessions_may_do_what_their_policies_allow),
        TEST(writes_are_seen_by_the_next_read),
        TEST(a_refused_write_is_undone),
        TEST(a_failing_store_is_the_services_internal_error),
        TEST(what_was_written_survives),
        TEST(reset_empties_all_but_the_given_keys),
        TEST(a_lost_master_key_is_noticed),
        TEST(tokens_are_bound_to_where_they_came_from),
        cmocka_unit_test_setup_teardown(anybody_comes_in_when_told_so, setup_any, teardown),
        TEST(half_a_request_is_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
