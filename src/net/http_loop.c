#include "net/http_loop.h"

#include "base/arena.h"
#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    EVENTS_PER_ROUND = 128,
    SPARE_EXCHANGES = 64,
    KEPT_BUFFER_BYTES = 65536,
    LARGEST_FIELDS_BYTES = 65536,
    LARGEST_ANSWER_BYTES = 64 << 20,
    LINGER_MS = 2000,
    LARGEST_UNSENT = 32, /* answers held back: bounds how long the first waits for the last */
};

void http_link_append(struct http_link *list, struct http_link *link)
{
    link->prev = list->prev;
    link->next = list;
    list->prev->next = link;
    list->prev = link;
}

void http_link_remove(struct http_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->prev = link->next = link;
}

static void link_init(struct http_link *link)
{
    link->prev = link->next = link;
}

static bool link_alone(const struct http_link *link)
{
    return link->next == link;
}

static struct http_connection *of_wait(struct http_link *link)
{
    return (struct http_connection *)link;
}

static struct http_connection *of_turn(struct http_link *link)
{
    return (struct http_connection *)((char *)link - offsetof(struct http_connection, turn));
}

void http_loop_init(struct http_loop *loop, struct http_server *server, unsigned number)
{
    const struct http_server_options *options = &server->options;
    *loop = (struct http_loop){.server = server, .number = number, .epoll_fd = -1, .wake_fd = -1};
    for (unsigned kind = 0; kind < WAIT_KINDS; kind++)
        link_init(&loop->waits[kind]);
    link_init(&loop->turns);
    link_init(&loop->unsent);
    loop->wait_ms[WAIT_HEAD] = options->header_timeout_ms;
    loop->wait_ms[WAIT_BODY] = loop->wait_ms[WAIT_WRITE] = options->body_timeout_ms;
    loop->wait_ms[WAIT_NEXT] = options->keep_alive_timeout_ms;
    loop->wait_ms[WAIT_LINGER] = LINGER_MS;
    loop->date_s = INT64_MIN;
}

static int watch(struct http_loop *loop, int fd, uint32_t events, void *what)
{
    struct epoll_event event = {.events = events, .data.ptr = what};
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

int http_loop_open(struct http_loop *loop, struct error *err)
{
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->epoll_fd < 0 || loop->wake_fd < 0 || watch(loop, loop->wake_fd, EPOLLIN, loop) != 0)
        return error_errno(err, errno, "the HTTP server's event loop");
    /* The first loop accepts for all: a listener each (SO_REUSEPORT) would deal by hash, and give
     * the few connections of one SDK client to one loop too often. */
    if (loop->number == 0 && loop->server->listen_fd >= 0 &&
        watch(loop, loop->server->listen_fd, EPOLLIN, loop->server) != 0)
        return error_errno(err, errno, "the HTTP server's listening socket");
    return 0;
}

void http_loop_wake(struct http_loop *loop)
{
    uint64_t one = 1;
    if (!atomic_exchange(&loop->woken, true))
        while (write(loop->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
            ;
}

/* SDKs set their clocks by this header. */
static void read_clocks(struct http_loop *loop)
{
    struct clock *clock = loop->server->options.clock;
    loop->now_ms = clock_system()->monotonic_ms(clock_system());
    int64_t now_ms = clock->now_ms(clock), now_s = now_ms / 1000;
    if (now_s == loop->date_s)
        return;
    char text[CLOCK_TEXT_SIZE];
    clock_format_http(now_ms, text);
    snprintf(loop->date, sizeof loop->date, "Date: %s\r\n", text);
    loop->date_s = now_s;
}

static void buf_empty(struct buf *buf)
{
    if (buf->capacity > KEPT_BUFFER_BYTES)
        buf_done(buf);
    else
        buf_reset(buf);
    buf->overflow = false;
}

struct http_exchange *http_loop_take_exchange(struct http_loop *loop)
{
    struct http_exchange *exchange = loop->spare;
    if (exchange) {
        loop->spare = exchange->next;
        loop->spare_count--;
        exchange->next = NULL;
        return exchange;
    }
    exchange = memory_alloc(sizeof *exchange);
    http_reader_init(&exchange->reader, &loop->server->limits);
    buf_init(&exchange->fields, LARGEST_FIELDS_BYTES);
    buf_init(&exchange->body, LARGEST_ANSWER_BYTES);
    buf_init(&exchange->out, 2 * (size_t)LARGEST_ANSWER_BYTES);
    return exchange;
}

static void exchange_free(struct http_exchange *exchange)
{
    http_reader_done(&exchange->reader);
    buf_done(&exchange->fields);
    buf_done(&exchange->body);
    buf_done(&exchange->out);
    free(exchange);
}

void http_loop_give_exchange(struct http_loop *loop, struct http_exchange *exchange)
{
    if (loop->spare_count >= SPARE_EXCHANGES) {
        exchange_free(exchange);
        return;
    }
    http_reader_reset(&exchange->reader);
    buf_empty(&exchange->fields);
    buf_empty(&exchange->body);
    buf_empty(&exchange->out);
    exchange->sent = 0;
    exchange->connection = NULL;
    exchange->answer = ANSWER_NONE;
    exchange->mishap = (struct http_mishap){0};
    exchange->answered = false;
    exchange->next = loop->spare;
    loop->spare = exchange;
    loop->spare_count++;
}

void http_loop_adopt(struct http_loop *loop, struct http_connection *connection)
{
    connection->loop = loop;
    link_init(&connection->waiting);
    link_init(&connection->turn);
    connection->fresh_wait = true;
    http_connection_wait(connection, WAIT_HEAD);
    /* Edge-triggered for both directions, once: no epoll_ctl afterwards. */
    if (loop->stopping ||
        watch(loop, connection->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, connection) != 0)
        http_connection_close(connection);
}

static void take_arrived(struct http_loop *loop)
{
    struct http_connection *connection = atomic_exchange(&loop->arrived, NULL);
    while (connection) {
        struct http_connection *next = connection->next;
        http_loop_adopt(loop, connection);
        connection = next;
    }
}

/* Answers of other threads, in the order they were queued. */
static void take_completed(struct http_loop *loop)
{
    struct http_exchange *newest = atomic_exchange(&loop->completed, NULL), *oldest = NULL;
    while (newest) {
        struct http_exchange *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct http_exchange *next = oldest->next;
        oldest->next = NULL;
        http_connection_complete(oldest);
        oldest = next;
    }
}

static void expire(struct http_loop *loop)
{
    for (unsigned kind = 0; kind < WAIT_ANSWER; kind++) {
        struct http_link *list = &loop->waits[kind];
        while (!link_alone(list)) {
            struct http_connection *first = of_wait(list->next);
            if (first->deadline_ms > loop->now_ms)
                break;
            http_connection_expire(first);
        }
    }
}

static int64_t waits_since(const struct http_loop *loop, unsigned kind)
{
    const struct http_link *list = &loop->waits[kind];
    return link_alone(list) ? INT64_MAX : of_wait(list->next)->deadline_ms - loop->wait_ms[kind];
}

/* Those who only rest go first, whatever the others wait for. */
void http_loop_make_room(struct http_loop *loop)
{
    unsigned oldest = waits_since(loop, WAIT_LINGER) != INT64_MAX ? WAIT_LINGER : WAIT_NEXT;
    if (waits_since(loop, oldest) == INT64_MAX)
        for (unsigned kind = 0; kind < WAIT_ANSWER; kind++)
            if (waits_since(loop, kind) < waits_since(loop, oldest))
                oldest = kind;
    if (waits_since(loop, oldest) != INT64_MAX)
        http_connection_close(of_wait(loop->waits[oldest].next));
}

/* Connections that had more requests waiting than one turn allows; those that still have get into
 * the next round. */
static void take_turns(struct http_loop *loop)
{
    struct http_link turns;
    if (link_alone(&loop->turns))
        return;
    turns = loop->turns;
    turns.prev->next = turns.next->prev = &turns;
    link_init(&loop->turns);
    while (!link_alone(&turns)) {
        struct http_connection *connection = of_turn(turns.next);
        http_link_remove(&connection->turn);
        http_connection_run(connection);
    }
}

static void send_answers(struct http_loop *loop)
{
    loop->sending = true;
    while (!link_alone(&loop->unsent)) {
        struct http_connection *connection = of_turn(loop->unsent.next);
        http_link_remove(&connection->turn);
        http_connection_run(connection);
    }
    loop->unsent_count = 0;
    loop->sending = false;
}

static void release_held(struct http_loop *loop)
{
    int64_t now_ms = clock_system()->monotonic_ms(clock_system());
    while (loop->hold_count && loop->holds[0]->hold_until_ms <= now_ms) {
        struct http_exchange *first = loop->holds[0];
        http_hold_remove(loop, first);
        http_connection_go_on(first);
        if (loop->unsent_count >= LARGEST_UNSENT)
            send_answers(loop);
    }
}

static int round_timeout(const struct http_loop *loop)
{
    int64_t soonest = INT64_MAX;
    if (!link_alone(&loop->turns))
        return 0;
    if (loop->hold_count) { /* these are meant to be exact; the round may have been long */
        soonest = loop->holds[0]->hold_until_ms;
        soonest -= clock_system()->monotonic_ms(clock_system()) - loop->now_ms;
    }
    for (unsigned kind = 0; kind < WAIT_ANSWER; kind++) {
        const struct http_link *list = &loop->waits[kind];
        if (!link_alone(list) && of_wait(list->next)->deadline_ms < soonest)
            soonest = of_wait(list->next)->deadline_ms;
    }
    int64_t stop_by_ms = loop->server->stop_by_ms;
    if (loop->stopping && stop_by_ms < soonest)
        soonest = stop_by_ms;
    if (soonest == INT64_MAX)
        return -1;
    int64_t left = soonest - loop->now_ms;
    return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Those who rest are closed; the others end with the exchange they are in. */
static void begin_to_stop(struct http_loop *loop)
{
    if (loop->number == 0)
        http_server_close_listener(loop->server);
    loop->stopping = true;
    http_hold_hasten_all(loop);
    for (unsigned kind = 0; kind < WAIT_KINDS; kind++) {
        struct http_link *list = &loop->waits[kind], *link = list->next;
        while (link != list) {
            struct http_connection *connection = of_wait(link);
            link = link->next;
            if (!connection->exchange)
                http_connection_close(connection);
        }
    }
}

static bool all_gone(const struct http_loop *loop)
{
    for (unsigned kind = 0; kind < WAIT_KINDS; kind++)
        if (!link_alone(&loop->waits[kind]))
            return false;
    return true;
}

static void close_all(struct http_loop *loop)
{
    for (unsigned kind = 0; kind < WAIT_KINDS; kind++) {
        struct http_link *list = &loop->waits[kind], *link = list->next;
        while (link != list) {
            struct http_connection *connection = of_wait(link);
            link = link->next;
            http_connection_close(connection);
        }
    }
}

static void clear_wake(struct http_loop *loop)
{
    uint64_t count;
    while (read(loop->wake_fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
    /* Before the stacks are looked at: who pushes later wakes again. */
    atomic_store(&loop->woken, false);
}

void http_loop_begin_round(struct http_loop *loop)
{
    const struct http_server_options *options = &loop->server->options;
    if (loop->in_round)
        return;
    loop->in_round = true;
    if (options->round_start)
        options->round_start(options->arg, loop->state);
}

static void answer_call(struct http_loop *loop)
{
    const struct http_server_options *options = &loop->server->options;
    if (!atomic_exchange(&loop->called, false) || !options->woken)
        return;
    http_loop_begin_round(loop);
    options->woken(options->arg, loop->state);
}

static void run_round(struct http_loop *loop, struct epoll_event *events, int count)
{
    struct http_server *server = loop->server;
    bool accepting = false;
    read_clocks(loop);
    for (int i = 0; i < count; i++) {
        void *what = events[i].data.ptr;
        if (what == loop)
            clear_wake(loop);
        else if (what == server)
            accepting = true;
        else
            http_connection_event(what, events[i].events);
        if (loop->unsent_count >= LARGEST_UNSENT)
            send_answers(loop);
    }
    answer_call(loop);
    take_completed(loop);
    release_held(loop);
    send_answers(loop); /* before those who have had their turn keep the others waiting */
    take_turns(loop);
    send_answers(loop);
    if (loop->in_round && server->options.round_end)
        server->options.round_end(server->options.arg, loop->state);
    loop->in_round = false;
    if (accepting && server->listen_fd >= 0)
        http_server_accept(server);
    take_arrived(loop);
    expire(loop);
}

void *http_loop_run(void *arg)
{
    struct http_loop *loop = arg;
    struct http_server *server = loop->server;
    const struct http_server_options *options = &server->options;
    struct epoll_event events[EVENTS_PER_ROUND];
    if (options->loop_start)
        loop->state = options->loop_start(options->arg, loop->number);
    read_clocks(loop);
    for (;;) {
        int count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_ROUND, round_timeout(loop));
        if (count < 0 && errno != EINTR)
            break; /* only a programming error can */
        run_round(loop, events, count < 0 ? 0 : count);
        if (!loop->stopping && server->stop)
            begin_to_stop(loop);
        if (loop->stopping && (all_gone(loop) || loop->now_ms >= server->stop_by_ms))
            break;
    }
    close_all(loop);
    if (options->loop_end)
        options->loop_end(options->arg, loop->state);
    return NULL;
}

void http_loop_done(struct http_loop *loop)
{
    loop->stopping = true;
    take_arrived(loop);
    take_completed(loop);
    close_all(loop);
    /* Whoever still holds one of these has broken http_server_free's condition. */
    struct http_link *deferred = &loop->waits[WAIT_ANSWER];
    for (struct http_link *next, *link = deferred->next; link != deferred; link = next) {
        struct http_connection *connection = of_wait(link);
        next = link->next;
        http_link_remove(&connection->waiting);
        exchange_free(connection->exchange);
        free(connection);
    }
    while (loop->spare) {
        struct http_exchange *exchange = loop->spare;
        loop->spare = exchange->next;
        exchange_free(exchange);
    }
    free(loop->holds);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
}
