#include "local/rest.h"

#include "local/validate.h"
#include "net/url.h"

#include <string.h>

enum { DEFAULT_BODY_BYTES = 256 * 1024 };

static int fail(struct local_failure *failure, int status, const char *code, const char *message)
{
    *failure = (struct local_failure){status, code, message, NULL};
    return -1;
}

/* --- which operation -------------------------------------------------------------------------- */

static struct text without_last_slash(struct text path)
{
    if (path.len > 1 && path.data[path.len - 1] == '/')
        path.len--;
    return path;
}

static bool is_label(struct text segment)
{
    return segment.len > 2 && segment.data[0] == '{';
}

/* "Name" of "{Name}" and of "{Name+}", which takes all that follows. */
static struct text label_name(struct text segment, bool *greedy)
{
    struct text name = {segment.data + 1, segment.len - 2};
    *greedy = name.data[name.len - 1] == '+';
    name.len -= *greedy;
    return name;
}

/* Walks over template and path together; `label` is called for each label with what stands in its
 * place. -1: they do not match, or a label was refused. */
static int walk(const char *uri, struct text path,
                int (*label)(void *arg, struct text name, struct text value), void *arg)
{
    struct text wanted = without_last_slash(text_of(uri)), given = without_last_slash(path);
    while (wanted.data && given.data) {
        struct text segment = text_cut(&wanted, '/'), value;
        bool greedy = false;
        struct text name = is_label(segment) ? label_name(segment, &greedy) : (struct text){0};
        if (greedy) {
            value = given;
            given = (struct text){0};
        } else {
            value = text_cut(&given, '/');
        }
        bool fits = name.data ? value.len > 0
                              : segment.len == value.len &&
                                    memcmp(segment.data, value.data, value.len) == 0;
        if (!fits || (name.data && label && label(arg, name, value) != 0))
            return -1;
    }
    return wanted.data || given.data ? -1 : 0;
}

static const struct local_rest *find(const struct local_service *const *services,
                                     struct text method, struct text path,
                                     const struct local_service **service)
{
    for (; *services; services++)
        for (const struct local_rest *row = (*services)->rest; row && row->operation; row++)
            if (text_is(method, row->method) && walk(row->uri, path, NULL, NULL) == 0) {
                *service = *services;
                return row;
            }
    return NULL;
}

size_t rest_largest_body(const struct local_service *const *services, struct text method,
                         struct text path)
{
    const struct local_service *service;
    const struct local_rest *row = find(services, method, path, &service);
    return row ? row->largest_body_bytes : 0;
}

/* --- the input -------------------------------------------------------------------------------- */

struct binding {
    struct arena *arena;
    const struct http_incoming *in;
    const struct local_member *members;
    json_t *input;
};

static const struct local_member *find_member(const struct local_member *members, struct text name)
{
    for (; members && members->name; members++)
        if (text_is(name, members->name))
            return members;
    return NULL;
}

/* Text in the place of a member; lists grow. -1: it is no text (UTF-8). */
static int put(const struct binding *b, struct text name, const char *text, size_t len)
{
    const struct local_member *member = find_member(b->members, name);
    json_t *value = json_stringn(text, len);
    if (!value)
        return -1;
    if (!member) {
        json_decref(value);
        return 0;
    }
    const struct local_member *type = member->type == LOCAL_LIST ? member->element : member;
    json_t *converted = validate_from_text(type, value);
    if (converted) {
        json_decref(value);
        value = converted;
    }
    if (member->type != LOCAL_LIST)
        return json_object_set_new(b->input, member->name, value);
    json_t *list = json_object_get(b->input, member->name);
    if (!json_is_array(list)) {
        list = json_array();
        json_object_set_new(b->input, member->name, list);
    }
    return json_array_append_new(list, value);
}

static int put_label(void *arg, struct text name, struct text value)
{
    const struct binding *b = arg;
    char *text;
    size_t len;
    if (url_decode(b->arena, value.data, value.len, false, &text, &len) != 0)
        return -1;
    return put(b, name, text, len);
}

static int bind_query(const struct binding *b, struct text member, const char *name)
{
    struct text rest = b->in->query;
    while (rest.data) {
        struct text value = text_cut(&rest, '&'), key = text_cut(&value, '=');
        char *decoded, *text = NULL;
        size_t key_len, len = 0;
        if (url_decode(b->arena, key.data, key.len, true, &decoded, &key_len) != 0)
            return -1;
        if (key_len != strlen(name) || memcmp(decoded, name, key_len) != 0)
            continue;
        if (value.data && url_decode(b->arena, value.data, value.len, true, &text, &len) != 0)
            return -1;
        if (put(b, member, text ? text : "", len) != 0)
            return -1;
    }
    return 0;
}

static int bind_header(const struct binding *b, struct text member, const char *name)
{
    for (size_t i = 0; i < b->in->field_count; i++)
        if (text_is_nocase(b->in->fields[i].name, name))
            return put(b, member, b->in->fields[i].value.data, b->in->fields[i].value.len);
    return 0;
}

/* What a binding "Member=query:name" says. */
struct bound {
    struct text member, kind;
    const char *name; /* NULL: none follows */
};

static struct bound read_binding(const char *binding)
{
    struct text rest = text_of(binding);
    struct bound bound = {.member = text_cut(&rest, '=')};
    bound.kind = text_cut(&rest, ':');
    bound.name = rest.data;
    return bound;
}

static bool takes_payload(const struct local_rest *rest)
{
    for (const char *const *at = rest->input; at && *at; at++)
        if (text_is(read_binding(*at).kind, "payload"))
            return true;
    return false;
}

static int drop(void *arg, struct text name, struct text value)
{
    json_t *body = arg;
    (void)value;
    json_object_deln(body, name.data, name.len);
    return 0;
}

/* The body's object, without what belongs elsewhere: a body does not overrule the path. */
static json_t *read_body(const struct local_rest *rest, const struct http_incoming *in)
{
    json_t *body;
    if (takes_payload(rest) || !in->body.len)
        body = json_object();
    else
        body = json_read(in->body.data, in->body.len, NULL);
    if (!json_is_object(body)) {
        json_decref(body);
        return NULL;
    }
    walk(rest->uri, in->path, drop, body);
    for (const char *const *at = rest->input; at && *at; at++) {
        struct text member = read_binding(*at).member;
        json_object_deln(body, member.data, member.len);
    }
    return body;
}

static int bind_all(const struct binding *b, const struct local_rest *rest)
{
    if (walk(rest->uri, b->in->path, put_label, (void *)b) != 0)
        return -1;
    for (const char *const *at = rest->input; at && *at; at++) {
        struct bound bound = read_binding(*at);
        int result = 0;
        if (text_is(bound.kind, "query"))
            result = bind_query(b, bound.member, bound.name);
        else if (text_is(bound.kind, "header"))
            result = bind_header(b, bound.member, bound.name);
        if (result != 0)
            return -1;
    }
    return 0;
}

static const struct local_operation *row_of(const struct local_service *service, const char *name)
{
    const struct local_operation *row = service->operations;
    while (row->name && strcmp(row->name, name) != 0)
        row++;
    return row->name ? row : NULL;
}

/* "lambda:InvokeFunction": AWS names the action there, not the operation. */
static const char *too_large(struct arena *arena, const struct local_operation *operation,
                             size_t limit)
{
    const char *colon = strchr(operation->action, ':');
    return arena_printf(arena, "Request must be smaller than %zu bytes for the %s operation", limit,
                        colon ? colon + 1 : operation->name);
}

int rest_route(struct arena *arena, const struct local_service *const *services,
               const struct http_incoming *in, struct route *route, struct local_failure *failure)
{
    const struct local_service *service = NULL;
    const struct local_rest *rest = find(services, in->method, in->path, &service);
    const struct local_operation *operation = rest ? row_of(service, rest->operation) : NULL;
    if (!operation) {
        route->not_for_us = true;
        return -1;
    }
    route->protocol = AWS_REST_JSON;
    route->service = service;
    route->rest = rest;
    size_t limit = rest->largest_body_bytes      ? rest->largest_body_bytes
                   : service->largest_body_bytes ? service->largest_body_bytes
                                                 : (size_t)DEFAULT_BODY_BYTES;
    if (in->body.len > limit)
        return fail(failure, 413, "RequestEntityTooLargeException",
                    too_large(arena, operation, limit));
    route->input = read_body(rest, in);
    if (!route->input)
        return fail(failure, 400, "SerializationException", NULL);
    const struct binding b = {arena, in, operation->input, route->input};
    if (bind_all(&b, rest) != 0)
        return fail(failure, 400, "SerializationException", NULL);
    if (takes_payload(rest))
        route->payload = in->body;
    route->operation = operation;
    return 0;
}

/* --- the answer ------------------------------------------------------------------------------- */

static void put_output(const struct bound *bound, const json_t *value, int *status,
                       struct http_exchange *exchange)
{
    if (text_is(bound->kind, "status") && json_is_integer(value))
        *status = (int)json_integer_value(value);
    else if (text_is(bound->kind, "header") && json_is_string(value))
        http_exchange_header(exchange, bound->name, json_string_value(value));
}

int rest_answer(const struct local_rest *rest, const struct buf *json, struct text payload,
                struct http_exchange *exchange, struct buf *body)
{
    int status = rest->status ? rest->status : 200;
    json_t *answer = json_read(buf_text(json), json->len, NULL);
    if (!json_is_object(answer)) {
        json_decref(answer);
        return 500;
    }
    bool whole = true; /* the rest of the answer is the body */
    for (const char *const *at = rest->output; at && *at; at++) {
        struct bound bound = read_binding(*at);
        if (text_is(bound.kind, "payload")) {
            whole = false;
            continue;
        }
        const json_t *value = json_object_getn(answer, bound.member.data, bound.member.len);
        put_output(&bound, value, &status, exchange);
        json_object_deln(answer, bound.member.data, bound.member.len);
    }
    if (status != 204 && whole) {
        struct json_writer w;
        json_writer_init(&w, body);
        json_write_value(&w, answer);
    } else if (status != 204) {
        buf_append(body, payload.data, payload.len);
    }
    json_decref(answer);
    return status;
}

static const struct local_fault *find_fault(const struct local_service *service, const char *code)
{
    const struct local_fault *at = service ? service->faults : NULL;
    while (at && at->code && strcmp(at->code, code) != 0)
        at++;
    return at && at->code ? at : NULL;
}

/* Who is refused by AWS's front end is told with 403. */
static int front_end_status(const struct local_failure *failure)
{
    bool denied = strcmp(failure->code, "AccessDeniedException") == 0;
    if (denied || !failure->status)
        return denied ? 403 : 400;
    return failure->status;
}

int rest_failure(struct buf *out, const struct local_service *service,
                 const struct local_failure *failure, const char *reason)
{
    struct json_writer w;
    const struct local_fault *fault = find_fault(service, failure->code);
    int status = fault ? fault->status : front_end_status(failure);
    const char *key = fault ? fault->message_key : failure->message_key;
    if (!fault && strcmp(failure->code, "AccessDeniedException") == 0)
        key = "Message";
    buf_reset(out);
    json_writer_init(&w, out);
    json_open(&w);
    if (reason || (fault && fault->reason))
        json_put_text(&w, "Reason", reason ? reason : fault->reason);
    if (fault)
        json_put_text(&w, "Type", status >= 500 ? "Service" : "User");
    if (failure->message)
        json_put_text(&w, key ? key : "message", failure->message);
    json_close(&w);
    return status;
}
