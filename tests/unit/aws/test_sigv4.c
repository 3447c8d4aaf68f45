/* The signer and the verifier, held by AWS's 76 vectors and by one request botocore signed. */
#include "aws/sigv4.h"

#include "base/clock.h"
#include "base/json.h"
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 64 * 1024 };

/* Everything of one vector, in one arena. */
struct vector {
    struct arena arena;
    const char *name;
    struct sigv4_request request;
    struct sigv4_field fields[16];
    struct sigv4_signing signing;
    char payload_hash[SHA256_HEX_SIZE];
    json_t *context;
};

static struct text expected(struct vector *v, const char *file)
{
    const char *name = arena_printf(&v->arena, "sigv4-vectors/v4/%s/%s", v->name, file);
    return fixture_read(&v->arena, fixture_path(&v->arena, name));
}

/* "METHOD target HTTP/1.1", fields (folded lines stay in the value), empty line, body. */
static struct text read_request(struct vector *v)
{
    struct text rest = expected(v, "request.txt"), line = text_cut(&rest, '\n');
    v->request.method = text_cut(&line, ' ');
    line.len -= strlen(" HTTP/1.1"); /* targets hold blanks */
    v->request.path = text_cut(&line, '?');
    v->request.query = line;
    size_t count = 0;
    while (rest.data) {
        line = text_cut(&rest, '\n');
        if (line.len == 0)
            break;
        if (line.data[0] == ' ') {
            struct text *value = &v->fields[count - 1].value;
            value->len = (size_t)(line.data + line.len - value->data);
            continue;
        }
        v->fields[count].name = text_cut(&line, ':');
        v->fields[count++].value = line;
    }
    v->request.fields = v->fields;
    v->request.field_count = count;
    return rest;
}

static void vector_open(struct vector *v, const char *name, bool in_query)
{
    memset(v, 0, sizeof *v);
    arena_init(&v->arena);
    v->name = arena_strdup(&v->arena, name);
    struct text body = read_request(v);
    digest_sha256_hex(body.data ? body.data : "", body.len, v->payload_hash);
    v->request.payload_hash = v->payload_hash;
    v->request.path_is_raw = true;

    const char *file = arena_printf(&v->arena, "sigv4-vectors/v4/%s/context.json", name);
    v->context = fixture_json(&v->arena, fixture_path(&v->arena, file));
    const json_t *credentials = json_object_get(v->context, "credentials");
    v->signing.credentials.access_key = json_text(credentials, "access_key_id");
    v->signing.credentials.secret = json_text(credentials, "secret_access_key");
    v->signing.credentials.token = json_text(credentials, "token");
    v->signing.region = json_text(v->context, "region");
    v->signing.service = json_text(v->context, "service");
    v->signing.omit_token = json_bool_or(v->context, "omit_session_token", false);
    v->signing.add_payload_hash = json_bool_or(v->context, "sign_body", false);
    v->request.keep_path = !json_bool_or(v->context, "normalize", true);
    struct text at = text_of(json_text(v->context, "timestamp"));
    assert_int_equal(clock_parse_iso(at.data, at.len, &v->signing.time_ms), 0);
    if (in_query)
        v->signing.expires_s = (int)json_int_or(v->context, "expiration_in_seconds", 0);
}

static void vector_close(struct vector *v)
{
    json_decref(v->context);
    arena_done(&v->arena);
}

static void assert_text(struct vector *v, const char *file, const char *data, size_t len)
{
    struct text want = expected(v, file);
    if (want.len != len || memcmp(want.data, data, len) != 0)
        fail_msg("%s/%s\nexpected:\n%s\ngot:\n%.*s", v->name, file, want.data, (int)len, data);
}

/* The vector signed; what the request looks like on the wire is left in v->request. */
static void sign_vector(struct vector *v)
{
    struct sigv4_field *added = NULL;
    size_t added_count = 0;
    char *query = NULL;
    struct error err = {0};
    if (sigv4_sign(&v->arena, &v->request, &v->signing, &added, &added_count, &query, &err) != 0)
        fail_msg("%s: %s", v->name, err.message);
    for (size_t i = 0; i < added_count; i++)
        v->fields[v->request.field_count++] = added[i];
    if (query)
        v->request.query = text_of(query);
}

/* Canonical request, string to sign and signature as AWS prints them; the server takes it. */
static void check_vector(struct vector *v, const char *mode)
{
    struct buf canonical, string_to_sign, message;
    buf_init(&canonical, LIMIT);
    buf_init(&string_to_sign, LIMIT);
    buf_init(&message, LIMIT);
    struct sigv4_presented presented;
    assert_int_equal(sigv4_parse(&v->arena, &v->request, &presented, &message), SIGV4_OK);
    assert_int_equal(presented.in_query, strcmp(mode, "query") == 0);
    assert_int_equal(presented.time_ms, v->signing.time_ms);
    assert_int_equal(presented.expires_s, v->signing.expires_s);
    if (v->signing.credentials.token)
        assert_true(text_is(presented.token, v->signing.credentials.token));
    struct hmac_key *key =
        sigv4_key_new(v->signing.credentials.secret, strlen(v->signing.credentials.secret),
                      presented.scope.date, presented.scope.region, presented.scope.service);
    if (!sigv4_verify(&v->request, &presented, key, &canonical, &string_to_sign))
        fail_msg("%s: %s mode was refused", v->name, mode);
    char file[64];
    snprintf(file, sizeof file, "%s-canonical-request.txt", mode);
    assert_text(v, file, canonical.data, canonical.len);
    snprintf(file, sizeof file, "%s-string-to-sign.txt", mode);
    assert_text(v, file, string_to_sign.data, string_to_sign.len);
    snprintf(file, sizeof file, "%s-signature.txt", mode);
    assert_text(v, file, presented.signature.data, presented.signature.len);
    hmac_key_free(key);
    buf_done(&canonical);
    buf_done(&string_to_sign);
    buf_done(&message);
}

static bool accepted(struct vector *v, const struct sigv4_request *request)
{
    struct buf canonical, string_to_sign, message;
    buf_init(&canonical, LIMIT);
    buf_init(&string_to_sign, LIMIT);
    buf_init(&message, LIMIT);
    struct sigv4_presented presented;
    bool fits = false;
    /* The access key is not signed: it chooses the secret. */
    if (sigv4_parse(&v->arena, request, &presented, &message) == SIGV4_OK &&
        text_is(presented.scope.access_key, v->signing.credentials.access_key)) {
        struct hmac_key *key =
            sigv4_key_new(v->signing.credentials.secret, strlen(v->signing.credentials.secret),
                          presented.scope.date, presented.scope.region, presented.scope.service);
        fits = sigv4_verify(request, &presented, key, &canonical, &string_to_sign);
        hmac_key_free(key);
    }
    buf_done(&canonical);
    buf_done(&string_to_sign);
    buf_done(&message);
    return fits;
}

/* Each bit pattern changes what a byte means here: letters change to other letters, never only
 * their case, and no blank becomes another blank. */
static const unsigned char masks[] = {0x01, 0x04, 0x40, 0x80};

/* Every byte of one view changed in turn: all must be refused. */
static size_t refuse_changes(struct vector *v, struct sigv4_request *request, struct text *view)
{
    struct text original = *view;
    char *copy = arena_strndup(&v->arena, original.data, original.len);
    view->data = copy;
    size_t tried = 0;
    for (size_t i = 0; i < original.len; i++) {
        for (size_t m = 0; m < sizeof masks; m++, tried++) {
            copy[i] = (char)((unsigned char)original.data[i] ^ masks[m]);
            if (accepted(v, request))
                fail_msg("%s: accepted with byte %zu of '%.*s' changed", v->name, i,
                         (int)original.len, original.data);
        }
        copy[i] = original.data[i];
    }
    *view = original;
    return tried;
}

static bool is_signed(struct vector *v, struct text name)
{
    return !(v->signing.omit_token && text_is_nocase(name, "x-amz-security-token"));
}

static bool path_has_twins(const struct sigv4_request *request)
{
    /* Dot segments and empty ones are normalised away: such paths have equals by right. */
    for (size_t i = 0; i + 1 < request->path.len; i++)
        if (request->path.data[i] == '/' &&
            (request->path.data[i + 1] == '/' || request->path.data[i + 1] == '.'))
            return true;
    return false;
}

static size_t refuse_all_changes(struct vector *v)
{
    struct sigv4_request request = v->request;
    struct sigv4_field fields[16];
    memcpy(fields, v->fields, sizeof fields);
    request.fields = fields;
    assert_true(accepted(v, &request));
    size_t tried = refuse_changes(v, &request, &request.method);
    if (request.keep_path || !path_has_twins(&request))
        tried += refuse_changes(v, &request, &request.path);
    if (!v->signing.omit_token) /* its token is not signed */
        tried += refuse_changes(v, &request, &request.query);
    for (size_t i = 0; i < request.field_count; i++) {
        if (!is_signed(v, fields[i].name))
            continue;
        tried += refuse_changes(v, &request, &fields[i].name);
        tried += refuse_changes(v, &request, &fields[i].value);
    }
    struct text hash = text_of(request.payload_hash);
    char other[SHA256_HEX_SIZE] = "";
    memcpy(other, hash.data, hash.len);
    request.payload_hash = other;
    other[10] ^= 1;
    assert_false(accepted(v, &request));
    return tried + 1;
}

static void each_vector(const char *mode, void (*check)(struct vector *, const char *mode))
{
    struct arena arena;
    arena_init(&arena);
    DIR *folder = opendir(fixture_path(&arena, "sigv4-vectors/v4"));
    assert_non_null(folder);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        struct vector vector;
        vector_open(&vector, entry->d_name, strcmp(mode, "query") == 0);
        sign_vector(&vector);
        check(&vector, mode);
        vector_close(&vector);
        count++;
    }
    closedir(folder);
    arena_done(&arena);
    assert_int_equal(count, 38);
}

static void headers_as_aws_signs_them(void **state)
{
    (void)state;
    each_vector("header", check_vector);
}

static void check_presigned(struct vector *v, const char *mode)
{
    check_vector(v, mode);
    struct text want = expected(v, "query-signed-request.txt"), line = text_cut(&want, '\n');
    text_cut(&line, '?');
    line.len -= strlen(" HTTP/1.1");
    assert_int_equal(v->request.query.len, line.len);
    assert_memory_equal(v->request.query.data, line.data, line.len);
}

static void queries_as_aws_signs_them(void **state)
{
    (void)state;
    each_vector("query", check_presigned);
}

static void check_changes(struct vector *v, const char *mode)
{
    (void)mode;
    assert_true(refuse_all_changes(v) > (v->signing.omit_token ? 100 : 500));
}

static void any_changed_byte_is_refused(void **state)
{
    (void)state;
    each_vector("header", check_changes);
    each_vector("query", check_changes);
}

/* A path on the wire is encoded a second time, its escapes included; a query is not. Signature and
 * canonical form are botocore 1.43.11's (SigV4Auth) for this request. */
static void paths_are_encoded_twice(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const struct sigv4_field host = {text_of("Host"), text_of("lambda.us-east-1.amazonaws.com")};
    char hash[SHA256_HEX_SIZE];
    digest_sha256_hex("{}", 2, hash);
    const struct sigv4_request request = {
        .method = text_of("POST"),
        .path = text_of("/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012"
                        "%3Afunction%3Amy%20f/invocations"),
        .query = text_of("Qualifier=%24LATEST&x=a%20b%2Bc"),
        .fields = &host,
        .field_count = 1,
        .payload_hash = hash};
    struct sigv4_signing signing = {.credentials = {"AKIDEXAMPLE",
                                                    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                                    NULL},
                                    .region = "us-east-1",
                                    .service = "lambda"};
    assert_int_equal(clock_parse_basic("20261121T234946Z", 16, &signing.time_ms), 0);
    struct sigv4_field *added;
    size_t count;
    assert_int_equal(sigv4_sign(&arena, &request, &signing, &added, &count, NULL, NULL), 0);
    assert_int_equal(count, 2);
    assert_true(text_is(added[0].name, "X-Amz-Date"));
    assert_true(text_is(added[0].value, "20261121T234946Z"));
    assert_true(text_is(added[1].name, "Authorization"));
    assert_string_equal(
        added[1].value.data,
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/us-east-1/lambda/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=afc5397325d0ac8f5ab1f9fd24dbc83e90e2610d0a81dbc46f4644d042f1a78e");

    struct buf canonical;
    buf_init(&canonical, LIMIT);
    assert_int_equal(sigv4_canonical(&canonical, &request, text_of("host"), NULL), 0);
    assert_string_equal(
        buf_text(&canonical),
        "POST\n"
        "/2015-03-31/functions/arn%253Aaws%253Alambda%253Aus-east-1%253A123456789012"
        "%253Afunction%253Amy%2520f/invocations\n"
        "Qualifier=%24LATEST&x=a%20b%2Bc\n"
        "host:lambda.us-east-1.amazonaws.com\n\nhost\n"
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    buf_done(&canonical);
    arena_done(&arena);
}

static const struct {
    const char *path, *query, *names;
    bool raw, keep;
    const char *canonical; /* path and query lines; NULL: refused */
} canonical_cases[] = {
    {"", "", "host", false, false, "/\n"},
    {"/a/../..", "", "host", false, false, "/\n"},
    {"/../../a", "", "host", false, false, "/a\n"},
    {"/a/b/..", "", "host", false, false, "/a/\n"},
    {"/a/./b//c/", "", "host", false, false, "/a/b/c/\n"},
    {"/a/%2E%2E/b", "", "host", false, false, "/a/%252E%252E/b\n"},
    {"a", "", "host", false, false, NULL},
    {"/a//%41 b", "", "host", false, true, "/a//%41 b\n"}, /* S3: as on the wire */
    {"/a//%41 b", "", "host", true, true, "/a//%2541%20b\n"},
    {"/", "b=2&a=%7e&a=%2f", "host", false, false, "/\na=%2F&a=~&b=2"},
    {"/", "a=1+2", "host", false, false, "/\na=1%202"}, /* as query_parse reads it */
    {"/", "a&&b=&c==&=d", "host", false, false, "/\n=d&a=&b=&c=%3D"},
    {"/", "a-=1&a=2&a0=3", "host", false, false, "/\na=2&a-=1&a0=3"}, /* names, not pairs */
    {"/", "X-Amz-Signature=x&a=1", "host", false, false, "/\na=1"},
    {"/", "a=%zz", "host", false, false, NULL},
    {"/", "a=%4", "host", false, false, NULL},
    {"/", "a%=1", "host", false, false, NULL},
    {"/", "", "Host", false, false, NULL},      /* not lower-case */
    {"/", "", "host;host", false, false, NULL}, /* twice */
    {"/", "", "host;date", false, false, NULL}, /* not sorted */
    {"/", "", "", false, false, NULL},
    {"/", "", "host;", false, false, NULL},
    {"/", "", "host;x-amz-date", false, false, NULL}, /* not in the request */
};

static void canonical_forms(void **state)
{
    (void)state;
    const struct sigv4_field host = {text_of("HOST"), text_of(" a  b\t c ")};
    for (size_t i = 0; i < sizeof canonical_cases / sizeof canonical_cases[0]; i++) {
        const struct sigv4_request request = {.method = text_of("GET"),
                                              .path = text_of(canonical_cases[i].path),
                                              .query = text_of(canonical_cases[i].query),
                                              .fields = &host,
                                              .field_count = 1,
                                              .payload_hash = "hash",
                                              .path_is_raw = canonical_cases[i].raw,
                                              .keep_path = canonical_cases[i].keep};
        struct buf out;
        struct error err = {0};
        buf_init(&out, LIMIT);
        int result = sigv4_canonical(&out, &request, text_of(canonical_cases[i].names), &err);
        if (canonical_cases[i].canonical) {
            char want[256];
            snprintf(want, sizeof want, "GET\n%s\nhost:a b c\n\nhost\nhash",
                     canonical_cases[i].canonical);
            assert_int_equal(result, 0);
            assert_string_equal(buf_text(&out), want);
        } else {
            assert_int_equal(result, -1);
            assert_int_equal(err.code, ERR_INVALID);
        }
        buf_done(&out);
    }
}

static void many_parameters_are_sorted(void **state)
{
    (void)state;
    struct buf query, want, out;
    buf_init(&query, LIMIT);
    buf_init(&want, LIMIT);
    buf_init(&out, LIMIT);
    buf_append_text(&want, "GET\n/\n");
    for (int i = 0; i < 500; i++) {
        buf_printf(&query, "%sk%03d=v", i ? "&" : "", 499 - i);
        buf_printf(&want, "%sk%03d=v", i ? "&" : "", i);
    }
    buf_append_text(&want, "\nhost:h\n\nhost\nhash");
    const struct sigv4_field host = {text_of("host"), text_of("h")};
    const struct sigv4_request request = {.method = text_of("GET"),
                                          .query = {query.data, query.len},
                                          .fields = &host,
                                          .field_count = 1,
                                          .payload_hash = "hash"};
    assert_int_equal(sigv4_canonical(&out, &request, text_of("host"), NULL), 0);
    assert_string_equal(buf_text(&out), buf_text(&want));

    struct error err = {0};
    out.limit = 5000; /* room for the query once, not twice */
    assert_int_equal(sigv4_canonical(&out, &request, text_of("host"), &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    buf_done(&query);
    buf_done(&want);
    buf_done(&out);
}

static void what_cannot_be_signed(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const struct sigv4_field fields[] = {{text_of("Host"), text_of("h")},
                                         {text_of("User-Agent"), text_of("u")},
                                         {text_of("X-Amzn-Trace-Id"), text_of("t")},
                                         {text_of("x-amz-date"), text_of("20150830T123600Z")}};
    struct sigv4_request request = {.method = text_of("GET"), .fields = fields};
    const struct sigv4_signing signing = {.credentials = {"A", "s", NULL},
                                          .region = "us-east-1",
                                          .service = "ssm"};
    struct sigv4_field *added;
    size_t count;
    struct error err = {0};
    request.field_count = 4;
    assert_int_equal(sigv4_sign(&arena, &request, &signing, &added, &count, NULL, &err), -1);
    assert_int_equal(err.code, ERR_INVALID); /* signed before */
    request.field_count = 0;
    assert_int_equal(sigv4_sign(&arena, &request, &signing, &added, &count, NULL, &err), -1);
    assert_int_equal(err.code, ERR_INVALID); /* no Host */
    request.field_count = 3;
    assert_int_equal(sigv4_sign(&arena, &request, &signing, &added, &count, NULL, &err), 0);
    assert_non_null(strstr(added[count - 1].value.data, "SignedHeaders=host;x-amz-date,"));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_as_aws_signs_them),
        cmocka_unit_test(queries_as_aws_signs_them),
        cmocka_unit_test(any_changed_byte_is_refused),
        cmocka_unit_test(paths_are_encoded_twice),
        cmocka_unit_test(canonical_forms),
        cmocka_unit_test(many_parameters_are_sorted),
        cmocka_unit_test(what_cannot_be_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
