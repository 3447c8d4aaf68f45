#include "aws/protocol_intern.h"
#include "base/arena.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

void protocol_add_header(struct protocol_request *out, const char *name, const char *value)
{
    out->headers[out->header_count++] = (struct http_header){name, value};
}

int protocol_set_body(struct arena *arena, struct protocol_request *out, struct buf *body,
                      struct error *err)
{
    int result = 0;
    if (body->overflow) {
        result =
            error_set(err, ERR_LIMIT, "the request is larger than %d bytes", PROTOCOL_BODY_LIMIT);
    } else {
        out->body = arena_strndup(arena, buf_text(body), body->len);
        out->body_len = body->len;
    }
    buf_done(body);
    return result;
}

const char *protocol_scalar(struct arena *arena, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return json_string_value(value);
    case JSON_INTEGER:
        return arena_printf(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_REAL: {
        /* The shorter form when it is the same number: 10.8, not 10.800000000000001. */
        char *text = arena_printf(arena, "%.15g", json_real_value(value));
        if (strtod(text, NULL) != json_real_value(value))
            text = arena_printf(arena, "%.17g", json_real_value(value));
        return text;
    }
    default:
        return NULL;
    }
}

int protocol_json_build(struct arena *arena, const struct aws_operation *operation,
                        const json_t *input, struct protocol_request *out, struct error *err)
{
    out->method = "POST";
    out->path = "/";
    protocol_add_header(out, "Content-Type",
                        operation->service->protocol == AWS_JSON_1_0
                            ? "application/x-amz-json-1.0"
                            : "application/x-amz-json-1.1");
    protocol_add_header(out, "X-Amz-Target",
                        arena_join(arena, operation->service->target_prefix, ".", operation->name,
                                   NULL));
    struct buf body;
    struct json_writer w;
    buf_init(&body, PROTOCOL_BODY_LIMIT);
    json_writer_init(&w, &body);
    if (input)
        json_write_value(&w, input);
    else
        buf_append_text(&body, "{}"); /* AWS's JSON front end wants an object */
    return protocol_set_body(arena, out, &body, err);
}
