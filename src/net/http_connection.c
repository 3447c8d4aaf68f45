#include "net/http_loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    REQUESTS_PER_TURN = 32, /* then the other connections have theirs */
    READS_PER_TURN = 16,
    LARGEST_QUEUED_BYTES = 65536 /* answers to pipelined requests gathered before they are sent */
};

void http_connection_wait(struct http_connection *c, enum http_wait wait)
{
    struct http_loop *loop = c->loop;
    if (c->wait == wait && !c->fresh_wait)
        return;
    http_link_remove(&c->waiting);
    http_link_append(&loop->waits[wait], &c->waiting);
    c->wait = wait;
    c->deadline_ms = loop->now_ms + loop->wait_ms[wait];
    c->fresh_wait = false;
}

void http_connection_close(struct http_connection *c)
{
    struct http_loop *loop = c->loop;
    if (c->fd >= 0) {
        close(c->fd); /* leaves the epoll set by itself */
        c->fd = -1;
        atomic_fetch_sub(&loop->server->connections, 1);
    }
    if (c->wait == WAIT_ANSWER) { /* the handler has the exchange: _complete will end this */
        if (c->exchange->hold_place)
            http_hold_hasten(loop, c->exchange);
        return;
    }
    http_link_remove(&c->waiting);
    http_link_remove(&c->turn);
    if (c->exchange)
        http_loop_give_exchange(loop, c->exchange);
    free(c);
}

static void append_decimal(struct buf *out, size_t number)
{
    char digits[20], *at = digits + sizeof digits;
    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    buf_append(out, at, (size_t)(digits + sizeof digits - at));
}

static void append_status(struct buf *out, int status)
{
    if (status == 200) {
        buf_append(out, "HTTP/1.1 200 OK\r\n", 17);
        return;
    }
    const char *text = http_status_str((enum http_status)status);
    buf_printf(out, "HTTP/1.1 %03d %s\r\n", status, text[0] == '<' ? "Unknown" : text);
}

/* The answer built in the exchange goes behind those already on their way. */
static void append_answer(struct http_connection *c, int status)
{
    struct http_exchange *exchange = c->exchange;
    struct http_reader *reader = &exchange->reader;
    struct buf *out = &exchange->out;
    if (exchange->body.overflow || exchange->fields.overflow) {
        status = 500;
        buf_reset(&exchange->body);
        buf_reset(&exchange->fields);
    }
    if (!reader->keep_alive || c->loop->server->stop)
        c->last = true;
    append_status(out, status);
    buf_append_text(out, c->loop->date);
    bool bodiless = status == 204 || status == 304;
    if (!bodiless) {
        buf_append(out, "Content-Length: ", 16);
        append_decimal(out, exchange->body.len);
        buf_append(out, "\r\n", 2);
    }
    if (c->last)
        buf_append_text(out, "Connection: close\r\n");
    else if (reader->old)
        buf_append_text(out, "Connection: keep-alive\r\n");
    buf_append(out, exchange->fields.data, exchange->fields.len);
    buf_append(out, "\r\n", 2);
    if (exchange->mishap.cut)
        c->last = true;
    if (!bodiless && !text_is(reader->in.method, "HEAD"))
        buf_append(out, exchange->body.data, exchange->body.len / (exchange->mishap.cut ? 2 : 1));
    exchange->mishap = (struct http_mishap){0};
    buf_reset(&exchange->fields);
    buf_reset(&exchange->body);
    c->fresh_wait = true;
}

/* CLOSED: the connection may be gone, it must not be touched. */
enum progress { GOES_ON, BLOCKED, CLOSED };

static enum progress close_now(struct http_connection *c)
{
    http_connection_close(c);
    return CLOSED;
}

/* As much of the answers as the socket takes. */
static enum progress send_out(struct http_connection *c)
{
    struct http_exchange *exchange = c->exchange;
    struct buf *out = &exchange->out;
    while (exchange->sent < out->len) {
        ssize_t len = send(c->fd, out->data + exchange->sent, out->len - exchange->sent,
                           MSG_NOSIGNAL | MSG_DONTWAIT);
        if (len >= 0)
            exchange->sent += (size_t)len;
        else if (errno == EAGAIN)
            return BLOCKED;
        else if (errno != EINTR)
            return CLOSED;
    }
    bool overflow = out->overflow;
    exchange->sent = 0;
    buf_reset(out);
    return overflow ? CLOSED : GOES_ON;
}

static enum progress flush(struct http_connection *c)
{
    enum progress progress = send_out(c);
    if (progress == BLOCKED)
        http_connection_wait(c, WAIT_WRITE);
    else if (progress == CLOSED)
        http_connection_close(c);
    return progress;
}

static void take_another_turn(struct http_connection *c)
{
    http_link_remove(&c->turn);
    http_link_append(&c->loop->turns, &c->turn);
}

static void discard(struct http_connection *c)
{
    char nothing[16384];
    for (unsigned count = 0; count < READS_PER_TURN; count++) {
        ssize_t len = recv(c->fd, nothing, sizeof nothing, MSG_DONTWAIT);
        if (len > 0 || (len < 0 && errno == EINTR))
            continue;
        if (len == 0 || errno != EAGAIN)
            http_connection_close(c);
        explicit_bzero(nothing, sizeof nothing);
        return;
    }
    explicit_bzero(nothing, sizeof nothing);
    take_another_turn(c);
}

/* All is written. What the client still sends is read away for a while: closing over unread bytes
 * resets the connection, and the client would lose the answer. */
static void part(struct http_connection *c)
{
    const struct http_reader *reader = &c->exchange->reader;
    if (c->ended || c->loop->stopping ||
        (reader->state != HTTP_READER_BAD && reader->len == reader->parsed) ||
        shutdown(c->fd, SHUT_WR) != 0) {
        http_connection_close(c);
        return;
    }
    http_loop_give_exchange(c->loop, c->exchange);
    c->exchange = NULL;
    http_connection_wait(c, WAIT_LINGER);
    discard(c);
}

static enum progress receive(struct http_connection *c)
{
    size_t room;
    char *at = http_reader_room(&c->exchange->reader, &room);
    ssize_t len;
    do
        len = recv(c->fd, at, room, MSG_DONTWAIT);
    while (len < 0 && errno == EINTR);
    if (len == 0 || (len < 0 && errno != EAGAIN))
        return close_now(c);
    /* A short read has emptied the socket: the next edge tells of more (epoll(7)), except for an
     * end that was announced already. */
    c->readable = len > 0 && ((size_t)len == room || c->ended);
    if (len < 0)
        return BLOCKED;
    http_reader_add(&c->exchange->reader, (size_t)len);
    return GOES_ON;
}

/* Nothing to do until more bytes come. */
static void rest(struct http_connection *c)
{
    struct http_exchange *exchange = c->exchange;
    if (http_reader_started(&exchange->reader)) {
        http_connection_wait(c, exchange->reader.head_done ? WAIT_BODY : WAIT_HEAD);
        return;
    }
    if (c->loop->stopping) {
        http_connection_close(c);
        return;
    }
    http_loop_give_exchange(c->loop, exchange);
    c->exchange = NULL;
    if (c->wait != WAIT_HEAD || c->fresh_wait)
        http_connection_wait(c, WAIT_NEXT);
}

/* Each send wakes a client, who then competes with this loop for the caches: the answers of a round
 * go out together behind it. */
static bool send_later(struct http_connection *c)
{
    struct http_loop *loop = c->loop;
    if (loop->sending || c->readable || !c->exchange->out.len)
        return false;
    http_link_remove(&c->turn);
    http_link_append(&loop->unsent, &c->turn);
    loop->unsent_count++;
    return true;
}

static enum progress read_more(struct http_connection *c)
{
    struct http_exchange *exchange = c->exchange;
    if (send_later(c))
        return BLOCKED;
    if (exchange->reader.wants_continue) {
        buf_append_text(&exchange->out, "HTTP/1.1 100 Continue\r\n\r\n");
        exchange->reader.wants_continue = false;
    }
    enum progress progress = flush(c);
    if (progress == GOES_ON)
        progress = c->readable ? receive(c) : BLOCKED;
    else
        return progress;
    if (progress == BLOCKED)
        rest(c);
    return progress;
}

/* As if the machine at the other end were gone: what the kernel still holds goes too. */
static void reset(struct http_connection *c)
{
    const struct linger none = {.l_onoff = 1, .l_linger = 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    http_connection_close(c);
}

/* The handler keeps the exchange, or its answer is held back. */
static enum progress put_aside(struct http_connection *c)
{
    c->fresh_wait = true;
    http_connection_wait(c, WAIT_ANSWER);
    if (send_out(c) == CLOSED) /* the answers to requests before this one */
        http_connection_close(c);
    return BLOCKED;
}

/* True: its answer is held back from now on. */
static bool hold_back(struct http_exchange *exchange)
{
    int64_t hold_ms = exchange->mishap.hold_ms;
    if (hold_ms <= 0)
        return false;
    exchange->mishap.hold_ms = 0;
    exchange->answered = true;
    http_hold_add(exchange->connection->loop, exchange, hold_ms);
    return true;
}

/* What the handler did with the exchange that it was given. */
static enum progress conclude(struct http_connection *c)
{
    struct http_exchange *exchange = c->exchange;
    switch (exchange->answer) {
    case ANSWER_REPLY:
        if (hold_back(exchange))
            return put_aside(c);
        if (exchange->mishap.reset) {
            reset(c);
            return CLOSED;
        }
        append_answer(c, exchange->status);
        return GOES_ON;
    case ANSWER_ABORT:
        return close_now(c);
    case ANSWER_DEFERRED:
        return put_aside(c);
    case ANSWER_NONE: /* a handler that forgot */
        append_answer(c, 500);
        return GOES_ON;
    }
    return GOES_ON;
}

static enum progress handle(struct http_connection *c)
{
    struct http_loop *loop = c->loop;
    const struct http_server_options *options = &loop->server->options;
    http_loop_begin_round(loop);
    c->exchange->answer = ANSWER_NONE;
    options->handle(options->arg, loop->state, c->exchange);
    return conclude(c);
}

static void refuse(struct http_connection *c)
{
    struct http_exchange *exchange = c->exchange;
    buf_append_text(&exchange->fields, "Content-Type: text/plain\r\n");
    buf_append_text(&exchange->body, exchange->reader.reason);
    buf_append_char(&exchange->body, '\n');
    append_answer(c, exchange->reader.status);
}

/* One step of a connection's course. */
static enum progress step(struct http_connection *c, unsigned *requests)
{
    struct http_exchange *exchange = c->exchange;
    enum progress progress = GOES_ON;
    if (c->last && exchange->out.len) {
        progress = flush(c);
        if (progress == GOES_ON)
            part(c);
        return progress == GOES_ON ? CLOSED : progress;
    }
    if (exchange->out.len > LARGEST_QUEUED_BYTES)
        progress = flush(c);
    if (progress != GOES_ON)
        return progress;
    switch (exchange->reader.state) {
    case HTTP_READER_MORE:
        return read_more(c);
    case HTTP_READER_BAD:
        refuse(c);
        return GOES_ON;
    case HTTP_READER_DONE:
        break;
    }
    if ((*requests)++ == REQUESTS_PER_TURN) {
        progress = flush(c);
        if (progress != GOES_ON)
            return progress;
        http_connection_wait(c, WAIT_HEAD); /* anew: busy is not late */
        take_another_turn(c);
        return BLOCKED;
    }
    progress = handle(c);
    if (progress == GOES_ON && !c->last)
        http_reader_next(&exchange->reader);
    return progress;
}

void http_connection_run(struct http_connection *c)
{
    unsigned requests = 0;
    if (c->wait == WAIT_ANSWER) {
        if (c->fd >= 0 && send_out(c) == CLOSED)
            http_connection_close(c);
        return;
    }
    if (c->wait == WAIT_LINGER) {
        discard(c);
        return;
    }
    if (!c->exchange) {
        if (!c->readable)
            return;
        c->exchange = http_loop_take_exchange(c->loop);
        c->exchange->connection = c;
        c->exchange->reader.in.peer = c->peer;
        c->exchange->reader.in.tag = c->tag;
    }
    while (c->exchange && step(c, &requests) == GOES_ON)
        ;
}

void http_connection_event(struct http_connection *c, unsigned events)
{
    if (events & (EPOLLHUP | EPOLLERR)) { /* both directions are shut: nobody reads an answer */
        http_connection_close(c);
        return;
    }
    if (events & EPOLLRDHUP)
        c->ended = c->readable = true;
    if (c->ended && c->wait == WAIT_ANSWER && c->exchange->hold_place && !c->exchange->answered)
        http_hold_hasten(c->loop, c->exchange); /* nobody to wait for */
    if (events & EPOLLIN)
        c->readable = true;
    http_connection_run(c);
}

void http_connection_expire(struct http_connection *c)
{
    struct http_exchange *exchange = c->exchange;
    if (c->wait == WAIT_WRITE) {
        reset(c);
        return;
    }
    if ((c->wait != WAIT_HEAD && c->wait != WAIT_BODY) || !exchange) {
        http_connection_close(c);
        return;
    }
    if (exchange->reader.state == HTTP_READER_MORE)
        http_reader_refuse(&exchange->reader, 408, "the request did not arrive in time");
    http_connection_run(c);
}

/* The answer of an exchange that was put aside. */
static void send_late(struct http_connection *c)
{
    struct http_exchange *exchange = c->exchange;
    c->fresh_wait = true;
    http_connection_wait(c, WAIT_HEAD); /* no longer ANSWER, so that it can be closed */
    if (c->fd < 0 || exchange->status == 0) {
        http_connection_close(c);
        return;
    }
    if (exchange->mishap.reset) {
        reset(c);
        return;
    }
    append_answer(c, exchange->status);
    if (!c->last)
        http_reader_next(&exchange->reader);
    http_connection_run(c);
}

void http_connection_complete(struct http_exchange *exchange)
{
    if (exchange->connection->fd < 0 || !hold_back(exchange))
        send_late(exchange->connection);
}

void http_connection_go_on(struct http_exchange *exchange)
{
    struct http_connection *c = exchange->connection;
    const struct http_server_options *options = &c->loop->server->options;
    if (exchange->answered) {
        exchange->answered = false;
        send_late(c);
        return;
    }
    http_loop_begin_round(c->loop);
    exchange->answer = ANSWER_NONE;
    options->resume(options->arg, c->loop->state, exchange, exchange->waiter);
    if (exchange->answer == ANSWER_DEFERRED)
        return;
    if (exchange->answer != ANSWER_REPLY)
        exchange->status = exchange->answer == ANSWER_ABORT ? 0 : 500;
    http_connection_complete(exchange);
}

struct text http_incoming_field(const struct http_incoming *in, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < in->field_count; i++)
        if (in->fields[i].name.len == len && text_is_nocase(in->fields[i].name, name))
            return in->fields[i].value;
    return (struct text){0};
}

const struct http_incoming *http_exchange_incoming(const struct http_exchange *exchange)
{
    return &exchange->reader.in;
}

struct buf *http_exchange_body(struct http_exchange *exchange)
{
    return &exchange->body;
}

void http_exchange_header(struct http_exchange *exchange, const char *name, const char *value)
{
    struct buf *fields = &exchange->fields;
    size_t begin = fields->len;
    buf_append_text(fields, name);
    buf_append(fields, ": ", 2);
    buf_append_text(fields, value);
    /* A value made of something received must not add a line of its own: the answer becomes 500. */
    if (!fields->overflow && strpbrk(fields->data + begin, "\r\n"))
        fields->overflow = true;
    buf_append(fields, "\r\n", 2);
}

void http_exchange_reply(struct http_exchange *exchange, int status)
{
    exchange->status = status;
    exchange->answer = ANSWER_REPLY;
}

void http_exchange_abort(struct http_exchange *exchange)
{
    exchange->answer = ANSWER_ABORT;
}

void http_exchange_defer(struct http_exchange *exchange)
{
    exchange->answer = ANSWER_DEFERRED;
}

void http_exchange_queue(struct http_exchange *exchange, int status)
{
    struct http_loop *loop = exchange->connection->loop;
    exchange->status = status;
    exchange->next = atomic_load_explicit(&loop->completed, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&loop->completed, &exchange->next, exchange))
        ;
}

void http_exchange_wait(struct http_exchange *exchange, int64_t wait_ms, void *waiter)
{
    exchange->waiter = waiter;
    exchange->answer = ANSWER_DEFERRED;
    exchange->answered = false;
    http_hold_add(exchange->connection->loop, exchange, http_exchange_gone(exchange) ? 0 : wait_ms);
}

void http_exchange_unwait(struct http_exchange *exchange)
{
    if (exchange->hold_place)
        http_hold_remove(exchange->connection->loop, exchange);
}

bool http_exchange_gone(const struct http_exchange *exchange)
{
    return exchange->connection->fd < 0 || exchange->connection->ended;
}

void http_exchange_befall(struct http_exchange *exchange, const struct http_mishap *mishap)
{
    exchange->mishap = *mishap;
}
