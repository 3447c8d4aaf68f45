/*
 * http_server: HTTP/1.1 for the local AWS: epoll loops around Debian's http-parser.
 *
 * Each loop is one thread. A complete request is handed to `handle` on the loop's thread; the
 * handler answers at once (http_exchange_reply) or takes the exchange along (http_exchange_defer)
 * and answers later from any thread (http_exchange_queue). Requests of one connection are
 * handled one after the other, so pipelining falls out. What an outsider can do is bounded: header
 * and body sizes, connections, and deadlines (not idle timers) for headers, body and keep-alive.
 * Bad requests are answered 400, 408, 413, 431, 501 or 505 and the connection is closed.
 *
 * The library underneath is hidden here on purpose (docs/decisions/0003-http-server.md).
 */
#ifndef UNDERSTUDY_NET_HTTP_SERVER_H
#define UNDERSTUDY_NET_HTTP_SERVER_H

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct clock;
struct http_server;
struct http_exchange;

/* A header as received: views into the exchange's buffer; names keep their spelling. */
struct http_field {
    struct text name, value;
};

/* Valid until the exchange is answered; a deferred exchange keeps it. */
struct http_incoming {
    struct text method, target; /* the target as on the wire: path[?query] */
    struct text path, query;    /* query.data is NULL when there was no '?' */
    const struct http_field *fields;
    size_t field_count;
    struct text body;
    const char *peer; /* "127.0.0.1" */
    uint64_t tag;     /* of http_server_adopt; 0: the server accepted it itself */
};

/* First header of that (lower-case) name, compared without case; data NULL when absent. */
struct text http_incoming_field(const struct http_incoming *in, const char *name);

struct http_server_options {
    const char *host;            /* an address or name to listen on; NULL: none */
    int port;                    /* 0: any free one */
    unsigned loops;              /* 0: max(1, CPUs - 1) */
    size_t largest_header_bytes; /* 0: 16 KiB */
    size_t largest_body_bytes;   /* 0: 1 MiB */
    /* How large a body this request may bring where that is more than largest_body_bytes; 0: it is
     * not. It must have a Content-Length, and all of them together may hold large_bytes at a time
     * (else 503). On any loop's thread; NULL: none may. */
    size_t (*large_body)(void *arg, struct text method, struct text path);
    size_t large_bytes;
    unsigned largest_field_count; /* 0: 100 */
    unsigned largest_connections; /* 0: 4,096 */
    /* When there are as many, the one that has waited longest for its client is closed for the
     * newcomer, which else is turned away: slow clients then keep nobody out. With one loop. */
    bool makes_room;
    int header_timeout_ms;     /* 0: 10,000 */
    int body_timeout_ms;       /* 0: 30,000 */
    int keep_alive_timeout_ms; /* 0: 60,000 */
    struct clock *clock;       /* of the Date header; NULL: the system's */
    void *arg;                 /* given to every function below */
    /* Per loop, on its own thread; what loop_start returns is given to handle. May be NULL. */
    void *(*loop_start)(void *arg, unsigned loop);
    void (*loop_end)(void *arg, void *loop_state);
    void (*handle)(void *arg, void *loop_state, struct http_exchange *exchange);
    /* The exchange that waited (http_exchange_wait) goes on: its time is over, its client is gone,
     * or the server stops. Answered, aborted, deferred or made to wait again, as in `handle`.
     * `waiter` is what was given when it began to wait. */
    void (*resume)(void *arg, void *loop_state, struct http_exchange *exchange, void *waiter);
    /* On each loop's thread, some time after http_server_wake. */
    void (*woken)(void *arg, void *loop_state);
    /* Called on the loop's thread before the first and after the last request that one epoll round
     * brought; for work that is cheaper once a round (a read transaction). May be NULL. */
    void (*round_start)(void *arg, void *loop_state);
    void (*round_end)(void *arg, void *loop_state);
};

/* Listens at once (so that the port is known); serves when run. */
struct http_server *http_server_new(const struct http_server_options *options, struct error *err);
int http_server_port(const struct http_server *server);
int http_server_start(struct http_server *server, struct error *err); /* threads run from here */
/* Stops listening, lets exchanges under way end within `grace_ms`, closes and joins. */
void http_server_stop(struct http_server *server, int grace_ms);
/* Stops first. No other thread may still hold a deferred exchange. NULL is fine. */
void http_server_free(struct http_server *server);

/* Serves a connection that somebody else accepted, a non-blocking socket, now the server's; its
 * requests carry `tag`. Any thread, between start and stop. */
void http_server_adopt(struct http_server *server, int fd, uint64_t tag);

const struct http_incoming *http_exchange_incoming(const struct http_exchange *exchange);
/* Where an answer is built: an empty body buffer that belongs to the exchange. */
struct buf *http_exchange_body(struct http_exchange *exchange);
/* "Name: value\r\n" lines added to the answer's head, beside Date, Content-Length, Connection. A
 * line break in one turns the answer into an empty 500, as does a body past 64 MiB. */
void http_exchange_header(struct http_exchange *exchange, const char *name, const char *value);
void http_exchange_reply(struct http_exchange *exchange, int status); /* on the loop's thread */
/* Drop the connection without an answer. On the loop's thread. */
void http_exchange_abort(struct http_exchange *exchange);
void http_exchange_defer(struct http_exchange *exchange);
/* Many deferred exchanges are completed with one wake-up for each loop: queue them with _queue,
 * then flush once. Any thread. After _queue the exchange must not be touched. Status 0 drops the
 * connection without an answer. */
void http_exchange_queue(struct http_exchange *exchange, int status);
void http_server_flush(struct http_server *server);

/* Waiting without a thread: within `handle`, or of an exchange of this loop that is deferred. It is
 * given to `resume` when wait_ms have passed, unless somebody called _unwait, which makes it merely
 * deferred again. On the loop's thread, all three. */
void http_exchange_wait(struct http_exchange *exchange, int64_t wait_ms, void *waiter);
void http_exchange_unwait(struct http_exchange *exchange);
bool http_exchange_gone(const struct http_exchange *exchange); /* nobody waits for an answer */
/* Have `woken` called on every loop. Any thread; many calls may become one. */
void http_server_wake(struct http_server *server);

/* What befalls an answer in a rehearsal. It is held back for hold_ms; its body ends halfway under a
 * head that promises all of it; or the connection is reset in its stead. Set by whoever has the
 * exchange, before it is answered. */
struct http_mishap {
    int64_t hold_ms;
    bool cut, reset;
};
void http_exchange_befall(struct http_exchange *exchange, const struct http_mishap *mishap);

#endif
