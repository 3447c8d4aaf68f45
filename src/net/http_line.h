/*
 * http_line: a connection to a server, made by libcurl and kept between requests.
 *
 * libcurl resolves the name, connects, tunnels through a proxy and speaks TLS
 * (CURLOPT_CONNECT_ONLY); what goes over the connection then is the caller's. A line is for one
 * scheme and authority; a thread keeps HTTP_LINES of them, and the one that was not used for the
 * longest time makes room for another. One thread.
 */
#ifndef UNDERSTUDY_NET_HTTP_LINE_H
#define UNDERSTUDY_NET_HTTP_LINE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/stop.h"
#include "net/http_proxy.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

enum { HTTP_LINES = 5 };

struct http_line {
    CURL *easy;
    curl_socket_t socket; /* CURL_SOCKET_BAD: it is not connected */
    struct arena arena;   /* of what follows */
    const char *origin;   /* "https://host:port", as in the URLs it serves */
    size_t origin_len;
    const char *host;          /* as the Host header must say it */
    bool whole_url;            /* the other end is a proxy that is to be told the whole URL */
    const char *authorization; /* for that proxy, or NULL */
    uint64_t used;             /* when, in uses of any line */
};

/* What holds for every line; of the client, for its life. */
struct http_line_options {
    CURLSH *share;
    const char *user_agent; /* told to proxies */
    const struct http_proxies *proxies;
    curl_ssl_ctx_callback trust; /* what each TLS connection is to trust: nothing without it */
    void *trust_arg;
};

struct http_lines {
    const struct http_line_options *options;
    CURLM *multi;
    struct http_line lines[HTTP_LINES];
    uint64_t uses;
    char error[CURL_ERROR_SIZE]; /* libcurl's words for what failed last; "" */
};

/* By when, and unless what. */
struct http_due {
    int64_t at_ms; /* of the system's monotonic clock */
    int connect_ms;
    struct stop *stop; /* or NULL */
};

/* Milliseconds left; 0: it is over. */
int http_due_left(const struct http_due *due);

void http_lines_init(struct http_lines *lines, const struct http_line_options *options);
void http_lines_done(struct http_lines *lines);

/* A connected line for the URL, whose first `origin_len` bytes are scheme and authority. NULL: *why
 * says what libcurl says, or CURLE_URL_MALFORMAT with the reason in `error`. */
struct http_line *http_line_take(struct http_lines *lines, const char *url, size_t origin_len,
                                 const struct http_due *due, CURLcode *why);
void http_line_close(struct http_lines *lines, struct http_line *line);

/* CURLE_AGAIN: not now. 0 bytes received: the other side has closed. */
CURLcode http_line_send(struct http_line *line, const char *data, size_t len, size_t *sent);
CURLcode http_line_receive(struct http_line *line, char *data, size_t room, size_t *received);
/* Until there is something to receive, or room to send where `to_send`. CURLE_OPERATION_TIMEDOUT:
 * it is over. */
CURLcode http_line_wait(const struct http_line *line, bool to_send, const struct http_due *due);

#endif
