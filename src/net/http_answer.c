#include "net/http_answer.h"

#include "base/arena.h"
#include "base/text.h"

#include <string.h>

enum {
    LARGEST_HEAD_BYTES = 256 << 10, /* interim answers counted in */
    FIRST_HEADERS = 16,
};

static int refuse(struct http_answer *answer, const char *reason)
{
    answer->state = HTTP_ANSWER_BAD;
    answer->reason = reason;
    answer->keep_alive = false;
    return -1;
}

static int refuse_size(struct http_answer *answer)
{
    answer->too_large = true;
    return refuse(answer, "the answer is too large");
}

/* --- the head --------------------------------------------------------------------------------- */

static struct http_header *add_header(struct http_answer *answer)
{
    if (answer->header_count == answer->header_room) {
        size_t room = answer->header_room ? 2 * answer->header_room : FIRST_HEADERS;
        struct http_header *grown = arena_calloc(answer->arena, room, sizeof *grown);
        for (size_t i = 0; i < answer->header_count; i++)
            grown[i] = answer->headers[i];
        answer->headers = grown;
        answer->header_room = room;
    }
    struct http_header *header = &answer->headers[answer->header_count++];
    *header = (struct http_header){"", ""};
    return header;
}

/* A piece of a name or value: nearly always all of it. */
static int extend(struct http_answer *answer, const char **text, const char *at, size_t len)
{
    size_t had = strlen(*text);
    answer->head_bytes += len;
    if (answer->head_bytes > LARGEST_HEAD_BYTES)
        return refuse_size(answer);
    if (memchr(at, '\0', len))
        return refuse(answer, "a header holds a NUL");
    char *whole = arena_alloc(answer->arena, had + len + 1);
    memcpy(whole, *text, had);
    memcpy(whole + had, at, len);
    *text = whole;
    return 0;
}

static int on_name(http_parser *parser, const char *at, size_t len)
{
    struct http_answer *answer = parser->data;
    if (answer->head_done) /* a trailer */
        return 0;
    struct http_header *header = answer->in_value || !answer->header_count
                                     ? add_header(answer)
                                     : &answer->headers[answer->header_count - 1];
    answer->in_value = false;
    return extend(answer, &header->name, at, len);
}

static int on_value(http_parser *parser, const char *at, size_t len)
{
    struct http_answer *answer = parser->data;
    if (answer->head_done)
        return 0;
    answer->in_value = true;
    return extend(answer, &answer->headers[answer->header_count - 1].value, at, len);
}

/* http-parser leaves the blanks behind a value; all of these texts are ours. */
static void trim_values(struct http_answer *answer)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        struct text value = text_trim(text_of(answer->headers[i].value));
        if (value.data[value.len])
            *(char *)(value.data + value.len) = '\0';
        answer->headers[i].value = value.data;
    }
}

static int on_head(http_parser *parser)
{
    struct http_answer *answer = parser->data;
    if (parser->http_major != 1)
        return refuse(answer, "the answer is not of HTTP/1");
    trim_values(answer);
    answer->head_done = true;
    answer->status = parser->status_code;
    /* In a CONNECT only, and that is not ours to make. */
    if (parser->status_code == HTTP_STATUS_SWITCHING_PROTOCOLS)
        return refuse(answer, "the server changed the protocol");
    if (answer->to_head)
        return 1;
    bool sized = parser->flags & F_CONTENTLENGTH && !(parser->flags & F_CHUNKED);
    return sized && parser->content_length > answer->body->limit ? refuse_size(answer) : 0;
}

/* --- the rest --------------------------------------------------------------------------------- */

static int on_body(http_parser *parser, const char *at, size_t len)
{
    struct http_answer *answer = parser->data;
    buf_append(answer->body, at, len);
    return answer->body->overflow ? refuse_size(answer) : 0;
}

static int on_message(http_parser *parser)
{
    struct http_answer *answer = parser->data;
    if (answer->status < 200) { /* the answer proper comes behind it */
        answer->header_count = 0;
        answer->in_value = answer->head_done = false;
        return 0;
    }
    answer->state = HTTP_ANSWER_DONE;
    answer->keep_alive = http_should_keep_alive(parser);
    http_parser_pause(parser, 1);
    return 0;
}

static const struct http_parser_settings callbacks = {
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_message,
};

void http_answer_init(struct http_answer *answer, struct arena *arena, struct buf *body,
                      bool to_head)
{
    *answer = (struct http_answer){.arena = arena, .body = body, .to_head = to_head};
    http_parser_init(&answer->parser, HTTP_RESPONSE);
    answer->parser.data = answer;
}

static void check_syntax(struct http_answer *answer)
{
    enum http_errno number = HTTP_PARSER_ERRNO(&answer->parser);
    if (answer->state != HTTP_ANSWER_MORE || number == HPE_OK)
        return;
    if (number == HPE_HEADER_OVERFLOW)
        refuse_size(answer);
    else
        refuse(answer, http_errno_description(number));
}

void http_answer_add(struct http_answer *answer, const char *data, size_t len)
{
    if (answer->state != HTTP_ANSWER_MORE || !len)
        return;
    size_t used = http_parser_execute(&answer->parser, &callbacks, data, len);
    check_syntax(answer);
    if (used < len) /* what nobody asked for would be taken for the next answer */
        answer->keep_alive = false;
}

void http_answer_end(struct http_answer *answer)
{
    if (answer->state != HTTP_ANSWER_MORE)
        return;
    http_parser_execute(&answer->parser, &callbacks, NULL, 0);
    check_syntax(answer);
    if (answer->state == HTTP_ANSWER_MORE)
        refuse(answer, "the connection was closed before the answer was whole");
    answer->keep_alive = false;
}
