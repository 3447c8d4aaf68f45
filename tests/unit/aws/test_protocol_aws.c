/* AWS's own protocol tests (restJson, query, JSON 1.0 and 1.1), as far as they fit JSON values.
 *
 * A small copy in protocol-tests/ always runs; the whole suite runs where the shared folder is.
 * Left out, because protocol.h knows no shapes (the reason is found by walking the case's shapes):
 * blobs and timestamps (callers give and get them as they stand on the wire), members with another
 * name on the wire, maps in query and XML under other names than entry/key/value, flattened lists
 * and maps, members that are header maps or a raw payload, values filled in by SDKs (idempotency
 * tokens, checksums, compression, endpoint paths), nulls in a body (they go out as they are). Two
 * liberties are taken, both said in protocol.h: XML text stays text, and "{}" is sent where a body
 * could be. */
#include "aws/protocol.h"

#include "base/json.h"
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct run {
    struct arena arena;
    const char *name; /* of the case */
    const json_t *shapes;
    bool query; /* the wire is forms and XML */
    size_t done, left_out;
};

static bool type_is(const json_t *shape, const char *type)
{
    return strcmp(json_text_or(shape, "type", ""), type) == 0;
}

static bool renamed(const json_t *reference, const char *usual)
{
    const char *name = json_text(reference, "locationName");
    return name && strcmp(name, usual) != 0;
}

static bool fits(const struct run *run, const json_t *reference, const json_t *value, bool input);

static bool structure_fits(const struct run *run, const json_t *shape, const json_t *value,
                           bool input)
{
    const char *name;
    json_t *member;
    if (json_object_get(shape, "payload"))
        return false;
    json_object_foreach(json_object_get(shape, "members"), name, member)
    {
        const json_t *inner = json_object_get(value, name);
        const char *location = json_text(member, "location");
        if (!inner && json_bool_or(member, "idempotencyToken", false))
            return false;
        if (!inner)
            continue;
        if (input && !location && json_is_null(inner))
            return false;
        if (location && (!input || strcmp(location, "headers") == 0))
            return false;
        if ((!location && renamed(member, name)) || json_object_get(member, "jsonvalue"))
            return false;
        /* A query string or a header holds scalars and lists of them. */
        if (location && json_is_object(inner))
            return false;
        if (!fits(run, member, inner, input))
            return false;
    }
    return true;
}

static bool map_fits(const struct run *run, const json_t *shape, const json_t *value, bool input)
{
    const char *name;
    json_t *inner;
    if (run->query && (input || renamed(json_object_get(shape, "key"), "key") ||
                       renamed(json_object_get(shape, "value"), "value")))
        return false;
    json_object_foreach((json_t *)value, name, inner)
    {
        if (!fits(run, json_object_get(shape, "value"), inner, input))
            return false;
    }
    return true;
}

static bool list_fits(const struct run *run, const json_t *shape, const json_t *value, bool input)
{
    size_t i;
    json_t *inner;
    const json_t *member = json_object_get(shape, "member");
    if (run->query && renamed(member, "member"))
        return false;
    json_array_foreach(value, i, inner)
    {
        if (!fits(run, member, inner, input))
            return false;
    }
    return true;
}

static bool fits(const struct run *run, const json_t *reference, const json_t *value, bool input)
{
    const json_t *shape = json_object_get(run->shapes, json_text_or(reference, "shape", ""));
    bool flattened =
        json_bool_or(reference, "flattened", false) || json_bool_or(shape, "flattened", false);
    if (type_is(shape, "blob") || type_is(shape, "timestamp") || (run->query && flattened))
        return false;
    /* An empty element may be an empty list, map or text: only shapes tell. */
    if (run->query && !input && json_is_array(value) && json_array_size(value) == 0)
        return false;
    if (run->query && !input && json_is_object(value) && json_object_size(value) == 0)
        return type_is(shape, "structure");
    if (type_is(shape, "structure") && json_is_object(value))
        return structure_fits(run, shape, value, input);
    if (type_is(shape, "map"))
        return map_fits(run, shape, value, input);
    if (type_is(shape, "list"))
        return list_fits(run, shape, value, input);
    return true;
}

/* The rows that a caller would write by hand for this operation. */
static const char *const *bindings_of(struct run *run, const json_t *shape)
{
    const json_t *members = json_object_get(shape, "members");
    const char **rows = arena_calloc(&run->arena, json_object_size(members) + 1, sizeof *rows);
    size_t count = 0;
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)members, name, member)
    {
        const char *location = json_text_or(member, "location", "");
        const char *kind = strcmp(location, "querystring") == 0 ? "query"
                           : strcmp(location, "header") == 0    ? "header"
                                                                : NULL;
        if (kind)
            rows[count++] = arena_printf(&run->arena, "%s=%s:%s", name, kind,
                                         json_text_or(member, "locationName", name));
    }
    return rows;
}

static enum aws_protocol protocol_of(const json_t *metadata)
{
    const char *name = json_text_or(metadata, "protocol", "");
    if (strcmp(name, "query") == 0)
        return AWS_QUERY;
    if (strcmp(name, "rest-json") == 0)
        return AWS_REST_JSON;
    return strcmp(json_text_or(metadata, "jsonVersion", ""), "1.0") == 0 ? AWS_JSON_1_0
                                                                         : AWS_JSON_1_1;
}

static int text_compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void assert_same_form(struct run *run, const char *got, const char *want)
{
    size_t got_count, want_count;
    char **a = text_split(&run->arena, got, '&', &got_count);
    char **b = text_split(&run->arena, want, '&', &want_count);
    qsort(a, got_count, sizeof *a, text_compare);
    qsort(b, want_count, sizeof *b, text_compare);
    assert_int_equal(got_count, want_count);
    for (size_t i = 0; i < got_count; i++)
        assert_string_equal(a[i], b[i]);
}

static void assert_body(struct run *run, const struct protocol_request *request, const char *want)
{
    const char *got = request->body ? request->body : "";
    assert_int_equal(strlen(got), request->body_len);
    if (run->query) {
        assert_same_form(run, got, want);
    } else if (!*want) {
        if (*got)
            assert_string_equal(got, "{}");
    } else {
        json_t *a = json_read(got, strlen(got), NULL), *b = json_read(want, strlen(want), NULL);
        assert_non_null(a);
        if (!json_equal(a, b))
            fail_msg("%s: body is %s, not %s", run->name, got, want);
        json_decref(a);
        json_decref(b);
    }
}

static void assert_headers(struct run *run, const struct protocol_request *request,
                           const json_t *headers)
{
    const char *name;
    json_t *want;
    json_object_foreach((json_t *)headers, name, want)
    {
        const char *got = NULL;
        for (size_t i = 0; i < request->header_count; i++)
            if (strcasecmp(request->headers[i].name, name) == 0)
                got = request->headers[i].value;
        if (!got)
            fail_msg("%s: no header %s", run->name, name);
        size_t len = strcspn(got, ";"); /* we add a charset */
        if (strlen(json_string_value(want)) != len ||
            memcmp(got, json_string_value(want), len) != 0)
            fail_msg("%s: header %s is %s, not %s", run->name, name, got, json_string_value(want));
    }
}

static bool sdk_work(const json_t *given, const json_t *serialized)
{
    return json_object_get(given, "httpChecksumRequired") ||
           json_object_get(given, "httpChecksum") || json_object_get(given, "requestcompression") ||
           strchr(json_text_or(serialized, "host", ""), '/');
}

static void run_input(struct run *run, const json_t *suite, const json_t *test)
{
    const json_t *given = json_object_get(test, "given");
    const json_t *serialized = json_object_get(test, "serialized");
    const json_t *metadata = json_object_get(suite, "metadata");
    const json_t *input = json_object_get(given, "input"), *http = json_object_get(given, "http");
    const json_t *params = json_object_get(test, "params");
    const json_t *shape = json_object_get(run->shapes, json_text_or(input, "shape", ""));
    if (sdk_work(given, serialized) || (input && !fits(run, input, params, true))) {
        run->left_out++;
        return;
    }
    const struct aws_service service = {.name = "x",
                                        .target_prefix = json_text(metadata, "targetPrefix"),
                                        .api_version = json_text(metadata, "apiVersion"),
                                        .protocol = protocol_of(metadata)};
    const struct aws_operation operation = {.service = &service,
                                            .name = json_text(given, "name"),
                                            .method = json_text(http, "method"),
                                            .uri = json_text(http, "requestUri"),
                                            .bindings = bindings_of(run, shape)};
    struct protocol_request request;
    struct error err = {0};
    if (protocol_build(&run->arena, &operation, params, &request, &err) != 0)
        fail_msg("%s: %s", run->name, err.message);
    assert_string_equal(request.method, json_text(serialized, "method"));
    const char *uri = request.query
                          ? arena_printf(&run->arena, "%s?%s", request.path, request.query)
                          : request.path;
    assert_string_equal(uri, json_text(serialized, "uri"));
    if (json_text(serialized, "body"))
        assert_body(run, &request, json_text(serialized, "body"));
    assert_headers(run, &request, json_object_get(serialized, "headers"));
    run->done++;
}

/* Everything expected is there; what else an answer holds is the caller's to ignore. */
static bool holds(struct run *run, const json_t *got, const json_t *want)
{
    const char *name;
    json_t *inner;
    size_t i;
    if (json_is_object(want)) {
        json_object_foreach((json_t *)want, name, inner)
        {
            if (!holds(run, json_object_get(got, name), inner))
                return false;
        }
        return json_is_object(got);
    }
    if (json_is_array(want)) {
        if (json_array_size(got) != json_array_size(want))
            return false;
        json_array_foreach(want, i, inner)
        {
            if (!holds(run, json_array_get(got, i), inner))
                return false;
        }
        return json_is_array(got);
    }
    if (run->query && json_is_number(want))
        return json_is_string(got) &&
               strtod(json_string_value(got), NULL) == json_number_value(want);
    if (run->query && json_is_boolean(want))
        return json_is_string(got) &&
               strcmp(json_string_value(got), json_is_true(want) ? "true" : "false") == 0;
    return json_equal(got, want);
}

static void read_response(struct run *run, const json_t *from, struct http_response *out)
{
    const json_t *headers = json_object_get(from, "headers");
    const char *name;
    json_t *value;
    *out = (struct http_response){.status = (int)json_int_or(from, "status_code", 0)};
    out->headers = arena_calloc(&run->arena, json_object_size(headers) + 1, sizeof *out->headers);
    json_object_foreach((json_t *)headers, name, value)
    {
        out->headers[out->header_count++] = (struct http_header){name, json_string_value(value)};
    }
    out->body = arena_strdup(&run->arena, json_text_or(from, "body", ""));
    out->body_len = strlen(out->body);
}

static void assert_error(struct run *run, const json_t *test, const struct http_response *response,
                         const struct error *err)
{
    const char *code = json_text(test, "errorCode"), *message = json_text(test, "errorMessage");
    if (strcmp(err->aws_code, code) != 0)
        fail_msg("%s: code %s, not %s", run->name, err->aws_code, code);
    if (message)
        assert_string_equal(err->message, message);
    assert_int_equal(err->http_status, response->status);
    assert_int_not_equal(err->code, ERR_NONE);
}

static void run_output(struct run *run, const json_t *suite, const json_t *test)
{
    const json_t *given = json_object_get(test, "given");
    const json_t *output = json_object_get(given, "output"),
                 *want = json_object_get(test, "result");
    bool is_error = json_object_get(test, "errorCode") != NULL;
    if (!is_error && output && !fits(run, output, want, false)) {
        run->left_out++;
        return;
    }
    const struct aws_service service = {.name = "x",
                                        .protocol =
                                            protocol_of(json_object_get(suite, "metadata"))};
    const struct aws_operation operation = {.service = &service, .name = json_text(given, "name")};
    struct http_response response;
    read_response(run, json_object_get(test, "response"), &response);
    json_t *got = NULL;
    struct error err = {0};
    int result = protocol_read(&operation, &response, &got, &err);
    assert_int_equal(result, is_error ? -1 : 0);
    if (is_error)
        assert_error(run, test, &response, &err);
    else if (!holds(run, got, want))
        fail_msg("%s: read %s", run->name, json_dumps(got, 0));
    json_decref(got);
    run->done++;
}

static void run_file(struct run *run, const char *path,
                     void (*run_case)(struct run *, const json_t *, const json_t *))
{
    size_t i, j;
    json_t *suites = fixture_json(&run->arena, path), *suite, *test;
    json_array_foreach(suites, i, suite)
    {
        run->shapes = json_object_get(suite, "shapes");
        run->query = protocol_of(json_object_get(suite, "metadata")) == AWS_QUERY;
        json_array_foreach(json_object_get(suite, "cases"), j, test)
        {
            run->name = json_text(test, "id");
            run_case(run, suite, test);
        }
    }
    json_decref(suites);
}

/* How many cases must be run at least: a bug in the walk above must not pass for success. */
static const struct {
    const char *file;
    bool input;
    size_t least;
} files[] = {
    {"input/json.json", true, 40},    {"input/json_1_0.json", true, 14},
    {"input/query.json", true, 18},   {"input/rest-json.json", true, 55},
    {"output/json.json", false, 45},  {"output/json_1_0.json", false, 26},
    {"output/query.json", false, 13}, {"output/rest-json.json", false, 44},
};

static void run_all(const char *(*path_of)(struct arena *, const char *), const char *folder,
                    bool whole)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct run run = {0};
        arena_init(&run.arena);
        const char *name = arena_printf(&run.arena, "%s/%s", folder, files[i].file);
        run_file(&run, path_of(&run.arena, name), files[i].input ? run_input : run_output);
        print_message("%s: %zu run, %zu left out\n", files[i].file, run.done, run.left_out);
        assert_true(run.done >= (whole ? files[i].least : 2));
        arena_done(&run.arena);
    }
}

static void the_small_copy(void **state)
{
    (void)state;
    run_all(fixture_path, "protocol-tests", false);
}

static void the_whole_suite(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const char *folder = fixture_shared(&arena, "aws/models/_protocol-tests");
    arena_done(&arena);
    if (!folder)
        skip();
    run_all(fixture_shared, "aws/models/_protocol-tests", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_small_copy),
                                       cmocka_unit_test(the_whole_suite)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
