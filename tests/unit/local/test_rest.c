/* Which operation a method and a path are, and what of a request becomes which member. */
#include "local/rest.h"

#include "support/test.h"

static const struct local_member text_element = {.type = LOCAL_STRING};
static const struct local_member members[] = {
    {.name = "Name", .type = LOCAL_STRING},
    {.name = "Rest", .type = LOCAL_STRING},
    {.name = "Count", .type = LOCAL_INTEGER},
    {.name = "On", .type = LOCAL_BOOLEAN},
    {.name = "Kind", .type = LOCAL_STRING},
    {.name = "Text", .type = LOCAL_STRING},
    {.name = "Keys", .type = LOCAL_LIST, .element = &text_element},
    {.name = NULL},
};
static const struct local_operation operations[] = {
    {"Put", "things:Put", 0, members, NULL, NULL},
    {"Get", "things:Get", 0, members, NULL, NULL},
    {"List", "things:List", 0, members, NULL, NULL},
    {"Send", "things:SendThing", 0, members, NULL, NULL},
    {"Below", "things:Below", 0, members, NULL, NULL},
    {.name = NULL},
};
static const char *const bindings[] = {"Count=query:count", "On=query:on", "Kind=header:X-Kind",
                                       "Keys=query:keys", NULL};
static const char *const payload[] = {"Kind=header:X-Kind", "Data=payload", NULL};
static const struct local_rest rest[] = {
    {"List", "GET", "/v1/things/", 0, bindings, NULL, 0},
    {"Get", "GET", "/v1/things/{Name}", 0, bindings, NULL, 0},
    {"Put", "POST", "/v1/things/{Name}", 201, bindings, NULL, 0},
    {"Send", "POST", "/v1/things/{Name}/send", 0, payload, NULL, 10},
    {"Below", "GET", "/v1/below/{Name}/{Rest+}", 0, bindings, NULL, 0},
    {.operation = NULL},
};
static const struct local_service things = {.name = "things",
                                            .protocol = AWS_REST_JSON,
                                            .rest = rest,
                                            .operations = operations};
static const struct local_service *const services[] = {&things, NULL};

/* What a request becomes: "Operation {input}", a code, or "none". In `arena`. */
static const char *routed(struct arena *arena, const char *method, const char *path,
                          const char *query, const char *kind, const char *body)
{
    const struct http_field field = {text_of("x-kind"), text_of(kind)};
    const struct http_incoming in = {.method = text_of(method),
                                     .path = text_of(path),
                                     .query = text_of(query),
                                     .fields = &field,
                                     .field_count = kind ? 1 : 0,
                                     .body = text_of(body)};
    struct route route = {0};
    struct local_failure failure;
    const char *told;
    if (rest_route(arena, services, &in, &route, &failure) != 0) {
        told = route.not_for_us  ? "none"
               : failure.message ? arena_printf(arena, "%s: %s", failure.code, failure.message)
                                 : failure.code;
    } else {
        char *text = json_dumps(route.input, JSON_COMPACT | JSON_SORT_KEYS);
        told = arena_printf(arena, "%s %s%.*s", route.operation->name, text, (int)route.payload.len,
                            route.payload.len ? route.payload.data : "");
        free(text);
    }
    json_decref(route.input);
    return told;
}

static void test_routes(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *query, *kind, *body, *told;
    } rows[] = {
        /* method and path, with a slash at the end or without */
        {"GET", "/v1/things", NULL, NULL, NULL, "List {}"},
        {"GET", "/v1/things/", NULL, NULL, NULL, "List {}"},
        {"GET", "/v1/things/a", NULL, NULL, NULL, "Get {\"Name\":\"a\"}"},
        {"GET", "/v1/things/a/", NULL, NULL, NULL, "Get {\"Name\":\"a\"}"},
        {"POST", "/v1/things/a", NULL, NULL, NULL, "Put {\"Name\":\"a\"}"},
        {"POST", "/v1/things", NULL, NULL, NULL, "none"},
        {"DELETE", "/v1/things/a", NULL, NULL, NULL, "none"},
        {"GET", "/v1/things/a/b", NULL, NULL, NULL, "none"},
        {"GET", "/v1/things//", NULL, NULL, NULL, "none"},
        {"GET", "//v1/things", NULL, NULL, NULL, "none"},
        {"GET", "/v2/things", NULL, NULL, NULL, "none"},
        {"GET", "/v1/below/a/b/c", NULL, NULL, NULL, "Below {\"Name\":\"a\",\"Rest\":\"b/c\"}"},
        {"GET", "/v1/below/a", NULL, NULL, NULL, "none"},
        /* a label is decoded once, and is never more than its segment */
        {"GET", "/v1/things/arn%3Aaws%3Ax%2Fy", NULL, NULL, NULL, "Get {\"Name\":\"arn:aws:x/y\"}"},
        {"GET", "/v1/things/arn:aws:x%253A+", NULL, NULL, NULL, "Get {\"Name\":\"arn:aws:x%3A+\"}"},
        {"GET", "/v1/things/%zz", NULL, NULL, NULL, "SerializationException"},
        {"GET", "/v1/things/%00", NULL, NULL, NULL, "SerializationException"},
        {"GET", "/v1/things/%ff", NULL, NULL, NULL, "SerializationException"},
        /* query and headers, by the members' types */
        {"GET", "/v1/things", "count=7&on=true&keys=a&keys=b%20c&other=1", "k", NULL,
         "List {\"Count\":7,\"Keys\":[\"a\",\"b c\"],\"Kind\":\"k\",\"On\":true}"},
        {"GET", "/v1/things", "count=x&on=maybe", NULL, NULL,
         "List {\"Count\":\"x\",\"On\":\"maybe\"}"},
        {"GET", "/v1/things", "Count=7&&=", NULL, NULL, "List {}"},
        {"GET", "/v1/things", "count=%", NULL, NULL, "SerializationException"},
        /* the body; what stands elsewhere is not taken from it */
        {"POST", "/v1/things/a", NULL, NULL, "{\"Text\":\"t\",\"Count\":\"no\",\"Name\":\"b\"}",
         "Put {\"Name\":\"a\",\"Text\":\"t\"}"},
        {"POST", "/v1/things/a", NULL, NULL, "[]", "SerializationException"},
        {"POST", "/v1/things/a", NULL, NULL, "{", "SerializationException"},
        /* a body that is a member */
        {"POST", "/v1/things/a/send", NULL, "k", "not JSON",
         "Send {\"Kind\":\"k\",\"Name\":\"a\"}not JSON"},
        {"POST", "/v1/things/a/send", NULL, NULL, "01234567890",
         "RequestEntityTooLargeException: Request must be smaller than 10 bytes for the SendThing"
         " operation"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena;
        arena_init(&arena);
        assert_string_equal(routed(&arena, rows[i].method, rows[i].path, rows[i].query,
                                   rows[i].kind, rows[i].body),
                            rows[i].told);
        arena_done(&arena);
    }
}

static void test_largest_body(void **state)
{
    (void)state;
    assert_int_equal(rest_largest_body(services, text_of("POST"), text_of("/v1/things/a/send")),
                     10);
    assert_int_equal(rest_largest_body(services, text_of("POST"), text_of("/v1/things/a")), 0);
    assert_int_equal(rest_largest_body(services, text_of("POST"), text_of("/")), 0);
}

static void test_failures(void **state)
{
    (void)state;
    static const struct local_fault faults[] = {{"NoThing", 404, "Message", NULL},
                                                {"TooMany", 429, "message", "Calls"},
                                                {"Broken", 500, "Message", NULL},
                                                {.code = NULL}};
    static const struct local_service with_faults = {.name = "things", .faults = faults};
    static const struct {
        struct local_failure failure;
        const char *reason;
        int status;
        const char *told;
    } rows[] = {
        {{0, "NoThing", "No.", NULL}, NULL, 404, "{\"Type\":\"User\",\"Message\":\"No.\"}"},
        {{400, "TooMany", NULL, NULL}, NULL, 429, "{\"Reason\":\"Calls\",\"Type\":\"User\"}"},
        {{0, "TooMany", "m", NULL},
         "Other",
         429,
         "{\"Reason\":\"Other\",\"Type\":\"User\",\"message\":\"m\"}"},
        {{500, "Broken", "m", NULL}, NULL, 500, "{\"Type\":\"Service\",\"Message\":\"m\"}"},
        {{400, "AccessDeniedException", "m", "message"}, NULL, 403, "{\"Message\":\"m\"}"},
        {{400, "ValidationException", "m", "message"}, NULL, 400, "{\"message\":\"m\"}"},
        {{403, "InvalidSignatureException", "m", "message"}, NULL, 403, "{\"message\":\"m\"}"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out;
        buf_init(&out, 1000);
        assert_int_equal(rest_failure(&out, &with_faults, &rows[i].failure, rows[i].reason),
                         rows[i].status);
        assert_string_equal(buf_text(&out), rows[i].told);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_largest_body),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
