/* What a server answers to each broken way of presenting a signature: order and texts. */
#include "aws/sigv4.h"

#include "base/arena.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define DATE  "20150830T123600Z"
#define SCOPE "AKID/20150830/us-east-1/ssm/aws4_request"
#define GOOD  "AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=host;x-amz-date, Signature=ab"
#define QUERY(algorithm, credential, date, names, rest)                                            \
    "X-Amz-Algorithm=" algorithm "&X-Amz-Credential=" credential "&X-Amz-Date=" date               \
    "&X-Amz-SignedHeaders=" names rest
#define QSCOPE "AKID%2F20150830%2Fus-east-1%2Fssm%2Faws4_request"

static const struct {
    const char *authorization, *query, *amz_date, *date;
    enum sigv4_problem problem;
    const char *message;
} cases[] = {
    {GOOD, "", DATE, NULL, SIGV4_OK, ""},
    {"AWS4-HMAC-SHA256 Signature=ab,SignedHeaders=host,Credential=" SCOPE, "", DATE, NULL, SIGV4_OK,
     ""},
    {"AWS4-HMAC-SHA256   Credential=" SCOPE "/ ,  SignedHeaders=x;HOST ,,Signature=ab", "", DATE,
     NULL, SIGV4_OK, ""},
    {GOOD, "", NULL, "Sun, 30 Aug 2015 12:36:00 GMT", SIGV4_OK, ""},
    {GOOD, "", NULL, DATE, SIGV4_OK, ""},
    {NULL, QUERY("AWS4-HMAC-SHA256", QSCOPE, DATE, "host", "&X-Amz-Signature=ab"), NULL, NULL,
     SIGV4_OK, ""},
    /* 5 */
    {GOOD, "a=1&X-Amz-Algorithm=x", DATE, NULL, SIGV4_BOTH,
     "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."},
    {"Basic x", "X%2DAmz-Algorithm", DATE, NULL, SIGV4_BOTH,
     "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."},
    /* 6 */
    {NULL, "", DATE, NULL, SIGV4_MISSING, "Request is missing Authentication Token"},
    {"Bearer abc", "", DATE, NULL, SIGV4_MISSING, "Request is missing Authentication Token"},
    {"", "", DATE, NULL, SIGV4_MISSING, "Request is missing Authentication Token"},
    /* 7 */
    {"AWS4-HMAC-SHA256", "", NULL, NULL, SIGV4_INCOMPLETE,
     "Authorization header requires 'Credential' parameter. "
     "Authorization header requires 'Signature' parameter. "
     "Authorization header requires 'SignedHeaders' parameter. "
     "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
     "Authorization=AWS4-HMAC-SHA256"},
    {"AWS4-HMAC-SHA256 Credential=a, SignedHeaders=", "", DATE, NULL, SIGV4_INCOMPLETE,
     "Authorization header requires 'Signature' parameter. "
     "Authorization=AWS4-HMAC-SHA256 Credential=a, SignedHeaders="},
    {"AWS4-HMAC-SHA256 Signature=b,    Credential,    SignedHeaders", "", DATE, NULL,
     SIGV4_INCOMPLETE,
     "'Credential' not a valid key=value pair (missing equal-sign) in Authorization header: "
     "'AWS4-HMAC-SHA256 Signature=b,    Credential,    SignedHeaders'."},
    /* 8 */
    {NULL, "X-Amz-Algorithm=AWS4-HMAC-SHA256", NULL, NULL, SIGV4_INCOMPLETE,
     "AWS query-string parameters must include 'X-Amz-Credential'. "
     "AWS query-string parameters must include 'X-Amz-Signature'. "
     "AWS query-string parameters must include 'X-Amz-SignedHeaders'. "
     "AWS query-string parameters must include 'X-Amz-Date'. "
     "Re-examine the query-string parameters."},
    /* 9 */
    {GOOD, "", "201", NULL, SIGV4_INCOMPLETE,
     "Date must be in ISO-8601 'basic format'. Got '201'. See "
     "http://en.wikipedia.org/wiki/ISO_8601"},
    {GOOD, "", "20150230T123600Z", NULL, SIGV4_INCOMPLETE,
     "Date must be in ISO-8601 'basic format'. Got '20150230T123600Z'. See "
     "http://en.wikipedia.org/wiki/ISO_8601"},
    {NULL, QUERY("x", "x", "2015-08-30T12:36:00Z", "x", "&X-Amz-Signature=x"), NULL, NULL,
     SIGV4_INCOMPLETE,
     "Date must be in ISO-8601 'basic format'. Got '2015-08-30T12:36:00Z'. See "
     "http://en.wikipedia.org/wiki/ISO_8601"},
    {NULL, QUERY("x", "x", "Sun,+30+Aug+2015+12:36:00+GMT", "x", "&X-Amz-Signature=x"), NULL, NULL,
     SIGV4_INCOMPLETE,
     "Date must be in ISO-8601 'basic format'. Got 'Sun, 30 Aug 2015 12:36:00 GMT'. See "
     "http://en.wikipedia.org/wiki/ISO_8601"},
    {NULL, QUERY("x", "x", DATE, "x", "&X-Amz-Signature=x&X-Amz-Expires=604801"), NULL, NULL,
     SIGV4_INCOMPLETE,
     "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must "
     "be less than 604800 seconds"},
    {NULL, QUERY("x", "x", DATE, "x", "&X-Amz-Signature=x&X-Amz-Expires=9e9"), NULL, NULL,
     SIGV4_INCOMPLETE, "X-Amz-Expires should be a number"},
    {NULL, QUERY("x", "x", DATE, "x", "&X-Amz-Signature=x&X-Amz-Expires=0"), NULL, NULL,
     SIGV4_INCOMPLETE, "X-Amz-Expires must be positive"},
    /* 11 before 12 before 13 before 14 */
    {"AWS4-X Credential=a, SignedHeaders=x-amz-date, Signature=c", "", DATE, NULL, SIGV4_INVALID,
     "'Host' must be a 'SignedHeader' in the AWS Authorization."},
    {"AWS4-X Credential=a, SignedHeaders=host, Signature=c", "", DATE, NULL, SIGV4_INCOMPLETE,
     "Unsupported AWS 'algorithm': 'AWS4-X' (only AWS4-HMAC-SHA256 for now). "},
    {"AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=c", "", DATE, NULL,
     SIGV4_INCOMPLETE,
     "Credential must have exactly 5 slash-delimited elements, e.g. "
     "keyid/date/region/service/term, "
     "got 'a/b/c'"},
    {"AWS4-HMAC-SHA256 Credential=a/b/c/d/e/f, SignedHeaders=host, Signature=c", "", DATE, NULL,
     SIGV4_INCOMPLETE,
     "Credential must have exactly 5 slash-delimited elements, e.g. "
     "keyid/date/region/service/term, "
     "got 'a/b/c/d/e/f'"},
    {"AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=c", "", DATE, NULL,
     SIGV4_INVALID,
     "Credential should be scoped to a valid region, not 'c'. "
     "Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. "
     "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
     "'b' != '20150830', from '20150830T123600Z'."},
};

static void texts_and_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena arena;
        struct buf message;
        arena_init(&arena);
        buf_init(&message, 4096);
        struct sigv4_field fields[4];
        size_t count = 0;
        fields[count++] = (struct sigv4_field){text_of("Host"), text_of("h")};
        if (cases[i].authorization)
            fields[count++] =
                (struct sigv4_field){text_of("authorization"), text_of(cases[i].authorization)};
        if (cases[i].amz_date)
            fields[count++] =
                (struct sigv4_field){text_of("X-AMZ-Date"), text_of(cases[i].amz_date)};
        if (cases[i].date)
            fields[count++] = (struct sigv4_field){text_of("Date"), text_of(cases[i].date)};
        const struct sigv4_request request = {.method = text_of("POST"),
                                              .path = text_of("/"),
                                              .query = text_of(cases[i].query),
                                              .fields = fields,
                                              .field_count = count,
                                              .payload_hash = "x"};
        struct sigv4_presented presented;
        enum sigv4_problem problem = sigv4_parse(&arena, &request, &presented, &message);
        assert_string_equal(buf_text(&message), cases[i].message);
        assert_int_equal(problem, cases[i].problem);
        if (problem == SIGV4_OK) {
            assert_string_equal(presented.timestamp, DATE);
            assert_true(text_is(presented.scope.access_key, "AKID"));
            assert_true(text_is(presented.scope.service, "ssm"));
            assert_true(text_is(presented.signature, "ab"));
        }
        buf_done(&message);
        arena_done(&arena);
    }
}

static const struct {
    int64_t now_s, expires_s, skew_s; /* now_s after the date of the request */
    const char *message;              /* NULL: fits */
} clocks[] = {
    {0, 0, 300, NULL},
    {300, 0, 300, NULL},
    {301, 0, 300,
     "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - "
     "5 min.)"},
    {901, 0, 900,
     "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - "
     "15 min.)"},
    {-300, 0, 300, NULL},
    {-301, 0, 300,
     "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z "
     "(20150830T123059Z + 5 min.)"},
    {3600, 3600, 300, NULL},
    {3601, 3600, 300,
     "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T133601Z - "
     "60 min.)"},
    {60, 30, 300,
     "Signature expired: 20150830T123600Z is now earlier than 20150830T123630Z (20150830T123700Z - "
     "0 min.)"},
};

static void the_clock(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        struct sigv4_presented presented = {.timestamp = DATE, .expires_s = clocks[i].expires_s};
        assert_int_equal(clock_parse_basic(DATE, 16, &presented.time_ms), 0);
        struct buf message;
        buf_init(&message, 4096);
        bool fits = sigv4_clock_fits(&presented, presented.time_ms + clocks[i].now_s * 1000 + 999,
                                     clocks[i].skew_s, &message);
        assert_int_equal(fits, clocks[i].message == NULL);
        assert_string_equal(buf_text(&message), clocks[i].message ? clocks[i].message : "");
        buf_done(&message);
    }
}

static void the_service_of_the_scope(void **state)
{
    (void)state;
    struct sigv4_presented presented = {.timestamp = DATE,
                                        .scope = {text_of("AKID"), text_of("20150830"),
                                                  text_of("aws-global"), text_of("ssm")},
                                        .terminator = text_of("aws4_request")};
    struct buf message;
    buf_init(&message, 4096);
    assert_false(sigv4_scope_fits(&presented, "kms", &message));
    assert_string_equal(buf_text(&message),
                        "Credential should be scoped to a valid region, not 'aws-global'. "
                        "Credential should be scoped to correct service: 'kms'.");
    presented.scope.region = text_of("mx-central-1");
    assert_true(sigv4_scope_fits(&presented, "ssm", &message));
    buf_done(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts_and_order),
                                       cmocka_unit_test(the_clock),
                                       cmocka_unit_test(the_service_of_the_scope)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
