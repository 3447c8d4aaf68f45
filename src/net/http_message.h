/*
 * http_message: one HTTP request and its answer, as the client side sees them.
 */
#ifndef UNDERSTUDY_NET_HTTP_MESSAGE_H
#define UNDERSTUDY_NET_HTTP_MESSAGE_H

#include <stddef.h>

struct arena;

struct stop;

struct http_header {
    const char *name;
    const char *value;
};

/* Everything is borrowed for the length of the send. */
struct http_request {
    const char *method;
    const char *url; /* absolute: scheme, host, path and query as they go on the wire */
    const struct http_header *headers;
    size_t header_count;
    const void *body; /* NULL: none */
    size_t body_len;
    int connect_timeout_ms; /* 0: the transport's default */
    int timeout_ms;         /* for the whole exchange; 0: the transport's default */
    struct stop *stop;      /* given up when this is due; NULL: never */
};

/* All that it points to is in the arena given to send. */
struct http_response {
    int status;
    struct http_header *headers; /* in the order received */
    size_t header_count;
    char *body; /* NUL behind the last byte */
    size_t body_len;
};

/* Value of the first header of that name (any case), or NULL. */
const char *http_header_find(const struct http_header *headers, size_t count, const char *name);

#endif
