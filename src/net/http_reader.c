#include "net/http_reader.h"

#include "base/arena.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { USUAL_CAPACITY = 8192, LARGEST_KEPT_CAPACITY = 65536 };

void http_reader_refuse(struct http_reader *reader, int status, const char *reason)
{
    reader->state = HTTP_READER_BAD;
    reader->status = status;
    reader->reason = reason;
    reader->keep_alive = false;
}

/* In a callback: remembers why, and makes http-parser stop. */
static int refuse(struct http_reader *reader, int status, const char *reason)
{
    http_reader_refuse(reader, status, reason);
    return -1;
}

static int on_url(http_parser *parser, const char *at, size_t len)
{
    struct http_reader *reader = parser->data;
    if (!reader->target.data)
        reader->target.data = at;
    reader->target.len += len;
    return 0;
}

/* Fields past the limit are counted, not kept, and refused when the head is whole (trailers are
 * never kept): so the verdict does not depend on how the stream was cut. */
static struct http_field *last_field(struct http_reader *reader)
{
    bool kept = !reader->head_done && reader->field_count <= reader->limits->field_count;
    return kept ? &reader->fields[reader->field_count - 1] : NULL;
}

static int on_name(http_parser *parser, const char *at, size_t len)
{
    struct http_reader *reader = parser->data;
    bool fresh = reader->in_value;
    reader->in_value = false;
    reader->trailer_count += fresh && reader->head_done;
    reader->field_count += fresh && !reader->head_done;
    struct http_field *field = last_field(reader);
    if (field && fresh)
        *field = (struct http_field){.name = {at, 0}};
    if (field)
        field->name.len += len;
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t len)
{
    struct http_reader *reader = parser->data;
    reader->in_value = true;
    struct http_field *field = last_field(reader);
    if (!field)
        return 0;
    if (!field->value.len)
        field->value.data = at;
    else if (len && field->value.data + field->value.len != at)
        return refuse(reader, 400, "a header field is folded over two lines");
    field->value.len += len;
    return 0;
}

/* Origin form only (RFC 9112 3.2.1), visible ASCII, no fragment: nobody else may read it another
 * way. The absolute form is for proxies, which this is not. */
static bool is_origin_form(struct text target)
{
    for (size_t i = 0; i < target.len; i++) {
        unsigned char byte = (unsigned char)target.data[i];
        if (byte <= ' ' || byte >= 0x7f || byte == '#')
            return false;
    }
    return target.len && target.data[0] == '/';
}

/* Walks over the seams between what http-parser found: it takes bare LF, folded lines, blanks
 * before a colon and several blanks in the first line; we do not. Trims the values. */
static bool head_is_strict(struct http_reader *reader)
{
    const char *begin = reader->data + reader->start, *at = reader->target.data;
    struct text method = reader->in.method;
    if ((size_t)(at - begin) < method.len + 1 || at[-1] != ' ' ||
        memcmp(at - 1 - method.len, method.data, method.len) != 0)
        return false;
    at += reader->target.len;
    if (memcmp(at, " HTTP/1.", 8) != 0 || memcmp(at + 9, "\r\n", 2) != 0)
        return false;
    at += 11;
    for (unsigned i = 0; i < reader->field_count; i++) {
        struct http_field *field = &reader->fields[i];
        /* http-parser lets nothing but token characters and blanks into a name. */
        if (field->name.data != at || memchr(at, ' ', field->name.len))
            return false;
        at += field->name.len;
        if (*at++ != ':')
            return false;
        while (*at == ' ' || *at == '\t')
            at++;
        if (!field->value.len)
            field->value.data = at;
        else if ((unsigned char)*at < ' ' || *at == 0x7f) /* the first byte goes unchecked there */
            return false;
        if (field->value.data != at || memcmp(at + field->value.len, "\r\n", 2) != 0)
            return false;
        at += field->value.len + 2;
        field->value = text_trim(field->value);
    }
    return memcmp(at, "\r\n", 2) == 0;
}

static int check_fields(struct http_reader *reader)
{
    unsigned hosts = 0, codings = 0;
    for (unsigned i = 0; i < reader->field_count; i++) {
        struct text name = reader->fields[i].name, value = reader->fields[i].value;
        /* Looked at by length first: this is the hot path. */
        if (name.len == 4 && text_is_nocase(name, "host")) {
            hosts++;
        } else if (name.len == 6 && text_is_nocase(name, "expect")) {
            if (!text_is_nocase(value, "100-continue"))
                return refuse(reader, 417, "the only expectation met is 100-continue");
            reader->wants_continue = !reader->old;
        } else if (name.len == 17 && text_is_nocase(name, "transfer-encoding")) {
            if (++codings > 1 || !text_is_nocase(value, "chunked"))
                return refuse(reader, 501, "the only transfer coding known is chunked");
        }
    }
    if (hosts > 1 || (!hosts && !reader->old))
        return refuse(reader, 400, "exactly one Host header is needed");
    if (codings && (reader->old || reader->parser.flags & F_CONTENTLENGTH))
        return refuse(reader, 400, "Transfer-Encoding cannot be used here");
    reader->chunked = codings;
    return 0;
}

/* A body larger than usual, where one may be: it counts until the request has been answered. */
static int take_large(struct http_reader *reader, uint64_t len)
{
    const struct http_reader_limits *limits = reader->limits;
    struct text rest = reader->target, path = text_cut(&rest, '?');
    size_t most = limits->large_body ? limits->large_body(limits->arg, reader->in.method, path) : 0;
    if (len > most)
        return refuse(reader, 413, "the request's body is too large");
    size_t held = atomic_fetch_add(limits->large_held, (size_t)len);
    reader->large = reader->body_limit = (size_t)len;
    return held + (size_t)len > limits->large_bytes
               ? refuse(reader, 503, "too many large requests at a time")
               : 0;
}

static void give_large_back(struct http_reader *reader)
{
    if (reader->large)
        atomic_fetch_sub(reader->limits->large_held, reader->large);
    reader->large = 0;
}

static int on_head(http_parser *parser)
{
    struct http_reader *reader = parser->data;
    reader->in.method = text_of(http_method_str((enum http_method)parser->method));
    if (parser->http_major != 1 || parser->http_minor > 1)
        return refuse(reader, 505, "HTTP/1.1 is spoken here");
    if (parser->method == HTTP_CONNECT)
        return refuse(reader, 501, "CONNECT is not known here");
    if (reader->field_count > reader->limits->field_count)
        return refuse(reader, 431, "too many header fields");
    if (!is_origin_form(reader->target))
        return refuse(reader, 400, "the request target is not a path");
    if (!head_is_strict(reader))
        return refuse(reader, 400, "the request's head is malformed");
    reader->old = parser->http_minor == 0;
    if (check_fields(reader))
        return -1;
    if (parser->flags & F_CONTENTLENGTH && parser->content_length > reader->limits->body_bytes &&
        take_large(reader, parser->content_length))
        return -1;
    reader->head_done = true;
    reader->keep_alive = http_should_keep_alive(parser);
    if (reader->chunked)
        http_parser_pause(parser, 1); /* what follows is fed another way */
    return 0;
}

static int on_body(http_parser *parser, const char *at, size_t len)
{
    struct http_reader *reader = parser->data;
    struct text *body = &reader->body;
    if (len > reader->body_limit - body->len)
        return refuse(reader, 413, "the request's body is too large");
    if (!body->data)
        body->data = at;
    /* Chunks close up over the lines between them. */
    char *end = reader->data + (body->data - reader->data) + body->len;
    if (end != at)
        memmove(end, at, len);
    body->len += len;
    return 0;
}

static int on_chunk_header(http_parser *parser)
{
    struct http_reader *reader = parser->data;
    reader->chunk_left = parser->content_length;
    reader->chunk_edge = true;
    if (reader->chunk_left > reader->body_limit - reader->body.len)
        return refuse(reader, 413, "the request's body is too large");
    return 0;
}

static int on_chunk_end(http_parser *parser)
{
    struct http_reader *reader = parser->data;
    reader->chunk_edge = true;
    return 0;
}

static int on_message(http_parser *parser)
{
    struct http_reader *reader = parser->data;
    if (reader->trailer_count > reader->limits->field_count)
        return refuse(reader, 431, "too many trailer fields");
    reader->state = HTTP_READER_DONE;
    http_parser_pause(parser, 1);
    return 0;
}

static const struct http_parser_settings callbacks = {
    .on_url = on_url,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_message,
    .on_chunk_header = on_chunk_header,
    .on_chunk_complete = on_chunk_end,
};

static void begin(struct http_reader *reader)
{
    reader->state = HTTP_READER_MORE;
    reader->in = (struct http_incoming){.peer = reader->in.peer, .tag = reader->in.tag};
    reader->status = 0;
    reader->reason = NULL;
    reader->keep_alive = reader->old = reader->head_done = reader->wants_continue = false;
    reader->in_value = true; /* so that the first name is a fresh one */
    reader->chunked = reader->chunk_edge = false;
    reader->field_count = reader->trailer_count = 0;
    reader->chunk_left = 0;
    give_large_back(reader);
    reader->body_limit = reader->limits->body_bytes;
    reader->target = reader->body = (struct text){0};
    http_parser_init(&reader->parser, HTTP_REQUEST);
    reader->parser.data = reader;
}

void http_reader_init(struct http_reader *reader, const struct http_reader_limits *limits)
{
    *reader = (struct http_reader){.limits = limits};
    reader->fields = memory_alloc(limits->field_count * sizeof *reader->fields);
    begin(reader);
}

/* How many of the bytes not yet looked at http-parser may see in one go. */
static size_t portion(const struct http_reader *reader)
{
    size_t left = reader->len - reader->parsed, most = left;
    if (!reader->head_done)
        most = reader->limits->head_bytes - (reader->parsed - reader->start);
    else if (reader->chunked) /* the lines between chunks byte by byte: see feed */
        most = reader->chunk_left ? reader->chunk_left : 1;
    return left < most ? left : most;
}

static void refuse_syntax(struct http_reader *reader)
{
    enum http_errno number = HTTP_PARSER_ERRNO(&reader->parser);
    if (number == HPE_HEADER_OVERFLOW)
        http_reader_refuse(reader, 431, "the request's head is too large");
    else
        http_reader_refuse(reader, 400, http_errno_description(number));
}

static void feed(struct http_reader *reader)
{
    size_t len = portion(reader);
    const char *at = reader->data + reader->parsed;
    bool framing = reader->head_done && reader->chunked && !reader->chunk_left;
    size_t used = http_parser_execute(&reader->parser, &callbacks, at, len);
    reader->parsed += used;
    if (reader->state == HTTP_READER_BAD)
        return;
    if (HTTP_PARSER_ERRNO(&reader->parser) == HPE_PAUSED)
        http_parser_pause(&reader->parser, 0);
    else if (HTTP_PARSER_ERRNO(&reader->parser) != HPE_OK) {
        refuse_syntax(reader);
        return;
    }
    if (framing) {
        /* Debian builds http-parser without its strict mode, where any two bytes pass for the CRLF
         * of a chunk. */
        if (reader->chunk_edge && (*at != '\n' || reader->last_byte != '\r'))
            http_reader_refuse(reader, 400, "a chunk is malformed");
        reader->chunk_edge = false;
        reader->last_byte = *at;
    } else if (reader->chunk_left) {
        reader->chunk_left -= used;
    }
}

static void finish(struct http_reader *reader)
{
    struct http_incoming *in = &reader->in;
    in->target = reader->target;
    struct text rest = reader->target;
    in->path = text_cut(&rest, '?');
    in->query = rest;
    in->fields = reader->fields;
    in->field_count = reader->field_count;
    in->body = reader->body;
}

static void parse(struct http_reader *reader)
{
    const struct http_reader_limits *limits = reader->limits;
    while (reader->state == HTTP_READER_MORE && reader->parsed < reader->len) {
        if (!reader->head_done && reader->parsed - reader->start >= limits->head_bytes)
            http_reader_refuse(reader, 431, "the request's head is too large");
        else
            feed(reader);
    }
    if (reader->state == HTTP_READER_DONE)
        finish(reader);
    else if (reader->state == HTTP_READER_MORE && reader->chunked && reader->body.data)
        /* The lines between chunks are done with: memory follows the body, not the wire. */
        reader->parsed = reader->len =
            (size_t)(reader->body.data - reader->data) + reader->body.len;
}

static void move_view(struct text *view, const char *from, char *to)
{
    if (view->data)
        view->data = to + (view->data - from);
}

/* The request under way now begins at `to`; `from` must still be there. */
static void move_views(struct http_reader *reader, const char *from, char *to)
{
    move_view(&reader->target, from, to);
    move_view(&reader->body, from, to);
    unsigned kept = reader->field_count;
    if (kept > reader->limits->field_count)
        kept = reader->limits->field_count;
    for (unsigned i = 0; i < kept; i++) {
        move_view(&reader->fields[i].name, from, to);
        move_view(&reader->fields[i].value, from, to);
    }
}

/* Moves what is held of the request under way to the front of the buffer, or of a larger one. */
static void make_room(struct http_reader *reader)
{
    size_t held = reader->len - reader->start;
    char *old = reader->data;
    if (!old || !reader->start || held > reader->capacity / 2) {
        reader->capacity = old ? reader->capacity * 2 : USUAL_CAPACITY;
        reader->data = memory_alloc(reader->capacity);
    }
    if (old) {
        move_views(reader, old + reader->start, reader->data);
        memmove(reader->data, old + reader->start, held);
    }
    if (old && old != reader->data) {
        explicit_bzero(old, reader->dirty);
        free(old);
        reader->dirty = held;
    }
    reader->parsed -= reader->start;
    reader->len = held;
    reader->start = 0;
}

char *http_reader_room(struct http_reader *reader, size_t *room)
{
    if (reader->len == reader->capacity)
        make_room(reader);
    *room = reader->capacity - reader->len;
    return reader->data + reader->len;
}

void http_reader_add(struct http_reader *reader, size_t len)
{
    reader->len += len;
    if (reader->dirty < reader->len)
        reader->dirty = reader->len;
    parse(reader);
}

static void drop_large_buffer(struct http_reader *reader)
{
    if (reader->data)
        explicit_bzero(reader->data, reader->dirty);
    if (reader->capacity > LARGEST_KEPT_CAPACITY) {
        free(reader->data);
        reader->data = NULL;
        reader->capacity = 0;
    }
    reader->start = reader->parsed = reader->len = reader->dirty = 0;
}

void http_reader_next(struct http_reader *reader)
{
    reader->start = reader->parsed;
    if (reader->start == reader->len && reader->large)
        drop_large_buffer(reader);
    else if (reader->start == reader->len)
        reader->start = reader->parsed = reader->len = 0;
    begin(reader);
    parse(reader);
}

bool http_reader_started(const struct http_reader *reader)
{
    return reader->len > reader->start;
}

void http_reader_reset(struct http_reader *reader)
{
    drop_large_buffer(reader);
    begin(reader);
}

void http_reader_done(struct http_reader *reader)
{
    http_reader_reset(reader);
    free(reader->data);
    free(reader->fields);
    *reader = (struct http_reader){0};
}
