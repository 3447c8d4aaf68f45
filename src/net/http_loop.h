/*
 * http_loop: inside the HTTP server: loops, their connections, the exchange of each.
 *
 * Private to src/net/http_server.c (listening, threads), http_loop.c (epoll, deadlines, what other
 * threads hand over), http_holds.c (what waits) and http_connection.c (one connection's course). A
 * connection belongs to one loop and is touched by its thread only; what crosses threads are the
 * two stacks of a loop.
 */
#ifndef UNDERSTUDY_NET_HTTP_LOOP_H
#define UNDERSTUDY_NET_HTTP_LOOP_H

#include "net/http_reader.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

/* What a connection waits for; each has its own constant time, so that a list in order of arrival
 * is in order of deadline as well. */
enum http_wait {
    WAIT_HEAD,   /* the first bytes, or the rest, of a request's head */
    WAIT_BODY,   /* the rest of a body */
    WAIT_NEXT,   /* another request on a kept connection */
    WAIT_WRITE,  /* the client to read its answer */
    WAIT_LINGER, /* the client to see an answer given before all was read */
    WAIT_ANSWER, /* the handler, who took the exchange along: no deadline */
    WAIT_KINDS,
};

struct http_link {
    struct http_link *prev, *next;
};

struct http_connection {
    struct http_link waiting; /* in one of its loop's lists, always; first: cast from the link */
    struct http_link turn;    /* in its loop's list of those with work left */
    struct http_loop *loop;
    struct http_exchange *exchange; /* NULL while it rests between requests */
    struct http_connection *next;   /* on the way to its loop */
    int fd;                         /* -1: gone, but the handler still has the exchange */
    enum http_wait wait;
    int64_t deadline_ms;
    bool fresh_wait; /* the next wait begins anew, even for the same thing */
    bool readable;   /* edge-triggered: true until recv said that there is no more */
    bool ended;      /* the client sends no more, what it sent may not be read yet */
    bool last;       /* close when the answers are written */
    uint64_t tag;    /* http_server_adopt's */
    char peer[INET6_ADDRSTRLEN];
};

enum http_answer { ANSWER_NONE, ANSWER_REPLY, ANSWER_DEFERRED, ANSWER_ABORT };

struct http_exchange {
    struct http_reader reader;
    struct http_connection *connection;
    struct buf fields, body; /* the answer's, while it is built */
    struct buf out;          /* answers on their way; the loop's */
    size_t sent;
    enum http_answer answer; /* written by the loop's thread only */
    int status;
    struct http_mishap mishap;
    int64_t hold_until_ms;      /* monotonic */
    size_t hold_place;          /* in its loop's heap, from 1; 0: not held */
    void *waiter;               /* given to `resume` */
    bool answered;              /* held: `status` is to be sent; else to be resumed */
    struct http_exchange *next; /* spare ones, or completed ones on the way to the loop */
};

struct http_loop {
    struct http_server *server;
    unsigned number;
    pthread_t thread;
    void *state; /* what loop_start returned */
    int epoll_fd, wake_fd;
    struct http_link waits[WAIT_KINDS], turns;
    struct http_link unsent; /* by `turn`: their answers go out together, behind the round */
    unsigned unsent_count;
    int64_t wait_ms[WAIT_KINDS];
    struct http_exchange *spare;
    unsigned spare_count;
    struct http_exchange **holds; /* heap: the first is due first */
    size_t hold_count, hold_capacity;
    int64_t now_ms; /* monotonic, once a round */
    int64_t date_s;
    char date[40]; /* "Date: ...\r\n" */
    bool in_round, sending, stopping;

    /* Written by other threads. */
    _Alignas(64) _Atomic(struct http_exchange *) completed;
    _Atomic(struct http_connection *) arrived;
    atomic_bool woken, called; /* called: options.woken is wanted */
};

struct http_server {
    struct http_server_options options; /* defaults filled in; host is NULL */
    struct http_reader_limits limits;
    _Atomic size_t large_held; /* bytes of bodies larger than usual */
    int listen_fd, spare_fd, port;
    unsigned next_loop; /* the acceptor's */
    struct http_loop *loops;
    unsigned started;
    atomic_uint connections;
    atomic_bool stop;
    _Atomic int64_t stop_by_ms; /* monotonic */
};

/* http_loop.c */
void http_loop_init(struct http_loop *loop, struct http_server *server, unsigned number);
int http_loop_open(struct http_loop *loop, struct error *err);
void *http_loop_run(void *loop);
void http_loop_wake(struct http_loop *loop);
void http_loop_done(struct http_loop *loop); /* after its thread has ended */
void http_loop_adopt(struct http_loop *loop, struct http_connection *connection);
void http_loop_make_room(struct http_loop *loop); /* on its own thread */
struct http_exchange *http_loop_take_exchange(struct http_loop *loop);
void http_loop_give_exchange(struct http_loop *loop, struct http_exchange *exchange);
void http_link_append(struct http_link *list, struct http_link *link);
void http_link_remove(struct http_link *link);

/* http_server.c */
void http_server_accept(struct http_server *server); /* on the first loop's thread */
void http_server_close_listener(struct http_server *server);

/* http_holds.c: on the loop's thread */
void http_hold_add(struct http_loop *loop, struct http_exchange *exchange, int64_t hold_ms);
void http_hold_remove(struct http_loop *loop, struct http_exchange *exchange);
void http_hold_hasten(struct http_loop *loop, struct http_exchange *exchange); /* due at once */
void http_hold_hasten_all(struct http_loop *loop);

/* http_connection.c: on the loop's thread; each may free the connection. */
void http_connection_run(struct http_connection *connection);
void http_connection_event(struct http_connection *connection, unsigned events);
void http_connection_expire(struct http_connection *connection);
void http_connection_complete(struct http_exchange *exchange);
void http_connection_go_on(struct http_exchange *exchange); /* it was held until now */
void http_loop_begin_round(struct http_loop *loop);
void http_connection_wait(struct http_connection *connection, enum http_wait wait);
void http_connection_close(struct http_connection *connection);

#endif
