/*
 * http_reader: bytes of one connection in, whole requests out; no sockets.
 *
 * The syntax is Debian's http-parser; this adds what that leaves out: one buffer a request that
 * the views point into, limits, and the strict reading of RFC 9112 that keeps two parties from
 * seeing two different requests (no bare LF, no folded line, no blank before the colon, one Host,
 * no Transfer-Encoding but chunked, exact chunk framing). Used by http_connection and by the
 * fuzzer. One thread at a time.
 */
#ifndef UNDERSTUDY_NET_HTTP_READER_H
#define UNDERSTUDY_NET_HTTP_READER_H

#include "net/http_server.h"

#include <http_parser.h>

struct http_reader_limits {
    size_t head_bytes, body_bytes;
    unsigned field_count;
    /* As in struct http_server_options; `large_held` is what all readers hold together. */
    size_t (*large_body)(void *arg, struct text method, struct text path);
    void *arg;
    size_t large_bytes;
    _Atomic size_t *large_held;
};

enum http_reader_state {
    HTTP_READER_MORE, /* the request is not whole yet */
    HTTP_READER_DONE, /* `in` holds it; valid until the next call */
    HTTP_READER_BAD,  /* `status` and `reason` say why; nothing more is read */
};

struct http_reader {
    enum http_reader_state state;
    struct http_incoming in;
    int status;          /* of a bad request: 400, 413, 417, 431, 501, 503 or 505 */
    const char *reason;  /* a sentence for the answer; holds nothing that was received */
    bool keep_alive;     /* the client wants to send another */
    bool old;            /* HTTP/1.0 */
    bool head_done;      /* the body is being read */
    bool wants_continue; /* the client waits for 100 Continue before it sends the body */

    /* Private from here. The buffer: [start, parsed) is this request, [parsed, len) not looked at;
     * all up to `dirty` held data and is wiped. */
    const struct http_reader_limits *limits;
    char *data;
    size_t start, parsed, len, capacity, dirty;
    http_parser parser;
    struct http_field *fields;
    unsigned field_count, trailer_count; /* received; no more than the limit are kept */
    bool in_value, chunked, chunk_edge;
    uint64_t chunk_left;
    size_t body_limit, large; /* of this request; what of it counts as large_held */
    char last_byte;
    struct text target, body;
};

/* `limits` is borrowed for the reader's life. */
void http_reader_init(struct http_reader *reader, const struct http_reader_limits *limits);
/* Room for at least one byte; then _add says how many were put there. Not when DONE or BAD. */
char *http_reader_room(struct http_reader *reader, size_t *room);
void http_reader_add(struct http_reader *reader, size_t len);
/* The request that is DONE has been answered: looks at what came behind it. */
void http_reader_next(struct http_reader *reader);
/* Refuses from outside, as for a deadline (408). */
void http_reader_refuse(struct http_reader *reader, int status, const char *reason);
/* Bytes of a request that is not whole, or of the one behind it, are held. */
bool http_reader_started(const struct http_reader *reader);
/* Wiped and as new; keeps a buffer of usual size for the next. */
void http_reader_reset(struct http_reader *reader);
void http_reader_done(struct http_reader *reader);

#endif
