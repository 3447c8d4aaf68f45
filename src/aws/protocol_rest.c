#include "aws/protocol_intern.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"
#include "net/url.h"

#include <string.h>

enum { LONGEST_URI = 64 * 1024 };

/* A request in the making; members that went elsewhere are taken out of `rest`. */
struct rest {
    struct arena *arena;
    const struct aws_operation *operation;
    json_t *rest; /* a shallow copy of the input */
    struct buf path, query;
};

/* {Name} is one encoded segment, {Name+} keeps its slashes. */
static int label_write(struct rest *r, struct text label, struct error *err)
{
    bool greedy = label.len && label.data[label.len - 1] == '+';
    const char *name = arena_strndup(r->arena, label.data, label.len - greedy);
    const json_t *value = json_object_get(r->rest, name);
    const char *text = value ? protocol_scalar(r->arena, value) : NULL;
    /* An empty label would name another resource: DELETE /things/ instead of /things/x. */
    if (!text || !*text)
        return error_set(err, ERR_INVALID, "%s: %s is missing or empty", r->operation->name, name);
    url_encode(&r->path, text, strlen(text), greedy);
    json_object_del(r->rest, name);
    return 0;
}

static int uri_write(struct rest *r, struct error *err)
{
    struct text fixed = text_of(r->operation->uri), path = text_cut(&fixed, '?');
    while (path.data) {
        struct text literal = text_cut(&path, '{');
        buf_append(&r->path, literal.data, literal.len);
        if (path.data && label_write(r, text_cut(&path, '}'), err) != 0)
            return -1;
    }
    buf_append(&r->query, fixed.data, fixed.len);
    return 0;
}

static int query_add(struct rest *r, const char *name, const json_t *value, struct error *err)
{
    const char *text = protocol_scalar(r->arena, value);
    if (!text)
        return error_set(err, ERR_INVALID, "%s: %s does not fit into a query", r->operation->name,
                         name);
    if (r->query.len)
        buf_append_char(&r->query, '&');
    url_encode(&r->query, name, strlen(name), false);
    buf_append_char(&r->query, '=');
    url_encode(&r->query, text, strlen(text), false);
    return 0;
}

static int bind_query(struct rest *r, const char *name, const json_t *value, struct error *err)
{
    size_t i;
    json_t *item;
    if (!json_is_array(value))
        return query_add(r, name, value, err);
    json_array_foreach(value, i, item)
    {
        if (query_add(r, name, item, err) != 0)
            return -1;
    }
    return 0;
}

static bool quoted(const char *text)
{
    return strpbrk(text, ",\"") != NULL;
}

static int header_add(struct rest *r, struct buf *line, const json_t *value, bool in_list,
                      struct error *err)
{
    const char *text = protocol_scalar(r->arena, value);
    if (!text || strpbrk(text, "\r\n"))
        return error_set(err, ERR_INVALID, "%s: a value does not fit into a header",
                         r->operation->name);
    if (!in_list || !quoted(text)) {
        buf_append_text(line, text);
        return 0;
    }
    buf_append_char(line, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_append_char(line, '\\');
        buf_append_char(line, *text);
    }
    buf_append_char(line, '"');
    return 0;
}

static int bind_header(struct rest *r, struct protocol_request *out, const char *name,
                       const json_t *value, struct error *err)
{
    size_t i;
    json_t *item;
    struct buf line;
    int result = 0;
    buf_init(&line, LONGEST_URI);
    if (json_is_array(value)) {
        json_array_foreach(value, i, item)
        {
            if (i)
                buf_append_text(&line, ", ");
            if (result == 0)
                result = header_add(r, &line, item, true, err);
        }
    } else {
        result = header_add(r, &line, value, false, err);
    }
    if (result == 0 && (line.overflow || out->header_count == 7)) /* one is for Content-Type */
        result = error_set(err, ERR_LIMIT, "%s: too much for its headers", r->operation->name);
    if (result == 0)
        protocol_add_header(out, name, arena_strdup(r->arena, buf_text(&line)));
    buf_done(&line);
    return result;
}

/* "Member=query:name" or "Member=header:name" */
static int bind(struct rest *r, struct protocol_request *out, const char *binding,
                struct error *err)
{
    struct text to = text_of(binding), member = text_cut(&to, '='), kind = text_cut(&to, ':');
    const char *name = arena_strndup(r->arena, member.data, member.len);
    json_t *value = json_incref(json_object_get(r->rest, name));
    if (!value)
        return 0;
    json_object_del(r->rest, name);
    int result = 0;
    if (!json_is_null(value))
        result = text_is(kind, "query") ? bind_query(r, to.data, value, err)
                                        : bind_header(r, out, to.data, value, err);
    json_decref(value);
    return result;
}

static int write_body(struct rest *r, const json_t *input, struct protocol_request *out,
                      struct error *err)
{
    bool takes_body = strcmp(out->method, "GET") != 0 && strcmp(out->method, "HEAD") != 0 &&
                      strcmp(out->method, "DELETE") != 0;
    size_t members = json_object_size(r->rest);
    /* Without the model nobody knows whether an operation has a body: "{}" is sent where one is
     * usual and the caller gave an input, which AWS takes in either case. */
    if (members == 0 && (!takes_body || !input))
        return 0;
    protocol_add_header(out, "Content-Type", "application/json");
    struct buf body;
    struct json_writer w;
    buf_init(&body, PROTOCOL_BODY_LIMIT);
    json_writer_init(&w, &body);
    json_write_value(&w, r->rest);
    return protocol_set_body(r->arena, out, &body, err);
}

static int rest_fill(struct rest *r, const json_t *input, struct protocol_request *out,
                     struct error *err)
{
    if (uri_write(r, err) != 0)
        return -1;
    for (const char *const *at = r->operation->bindings; at && *at; at++)
        if (bind(r, out, *at, err) != 0)
            return -1;
    if (r->path.overflow || r->query.overflow)
        return error_set(err, ERR_LIMIT, "%s: the request line is too long", r->operation->name);
    out->path = arena_strdup(r->arena, buf_text(&r->path));
    out->query = r->query.len ? arena_strdup(r->arena, buf_text(&r->query)) : NULL;
    return write_body(r, input, out, err);
}

int protocol_rest_build(struct arena *arena, const struct aws_operation *operation,
                        const json_t *input, struct protocol_request *out, struct error *err)
{
    struct rest r = {.arena = arena, .operation = operation};
    r.rest = input ? json_copy((json_t *)input) : json_object();
    buf_init(&r.path, LONGEST_URI);
    buf_init(&r.query, LONGEST_URI);
    out->method = operation->method;
    int result = rest_fill(&r, input, out, err);
    json_decref(r.rest);
    buf_done(&r.path);
    buf_done(&r.query);
    return result;
}
