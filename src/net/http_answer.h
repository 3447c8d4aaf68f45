/*
 * http_answer: reads the answer to one request from the bytes of a connection.
 *
 * http-parser finds the parts (RFC 9112); interim answers (1xx) and trailers are passed over. The
 * head goes into the arena, the body into a buffer, whose limit holds whatever was announced. What
 * is read does not depend on how the stream was cut. No I/O; one thread.
 */
#ifndef UNDERSTUDY_NET_HTTP_ANSWER_H
#define UNDERSTUDY_NET_HTTP_ANSWER_H

#include "base/buf.h"
#include "net/http_message.h"

#include <http_parser.h>
#include <stdbool.h>

struct arena;

enum http_answer_state { HTTP_ANSWER_MORE, HTTP_ANSWER_DONE, HTTP_ANSWER_BAD };

struct http_answer {
    enum http_answer_state state;
    int status;
    struct http_header *headers; /* in the order received */
    size_t header_count;
    bool keep_alive;    /* when done: another request may follow */
    const char *reason; /* when bad; a static text */
    bool too_large;     /* when bad: that is why */
    /* Its own. */
    struct http_parser parser;
    struct arena *arena;
    struct buf *body;
    size_t header_room, head_bytes;
    bool to_head, in_value, head_done;
};

/* `to_head`: the request was a HEAD, whose answer has no body whatever it announces. */
void http_answer_init(struct http_answer *answer, struct arena *arena, struct buf *body,
                      bool to_head);
void http_answer_add(struct http_answer *answer, const char *data, size_t len);
/* The connection was closed: where nothing told the body's length, that is its end. */
void http_answer_end(struct http_answer *answer);

#endif
