#include "base/arena.h"
#include "net/http_server.h"

#include "base/clock.h"
#include "support/fake_clock.h"
#include "support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, LARGE_BYTES = 8 << 20 };

/* ---- the handler: the path says what is to be done ---- */

struct house {
    struct http_server *server;
    struct http_server_options options;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct http_exchange *held[256]; /* deferred, oldest first */
    unsigned held_count;
    atomic_uint requests, loops_started, loops_ended, rounds_started, rounds_ended;
    atomic_bool round_open; /* with one loop */
    atomic_bool outside_round, wrong_thread;
};

struct loop_state {
    pthread_t thread;
};

static void *loop_start(void *arg, unsigned loop)
{
    struct house *house = arg;
    struct loop_state *state = memory_alloc(sizeof *state);
    assert_true(loop < house->options.loops);
    state->thread = pthread_self();
    house->loops_started++;
    return state;
}

static void loop_end(void *arg, void *loop_state)
{
    struct house *house = arg;
    free(loop_state);
    house->loops_ended++;
}

static void round_start(void *arg, void *loop_state)
{
    struct house *house = arg;
    (void)loop_state;
    house->rounds_started++;
    house->round_open = true;
}

static void round_end(void *arg, void *loop_state)
{
    struct house *house = arg;
    (void)loop_state;
    house->rounds_ended++;
    house->round_open = false;
}

static void hold(struct house *house, struct http_exchange *exchange)
{
    http_exchange_defer(exchange);
    pthread_mutex_lock(&house->lock);
    house->held[house->held_count++] = exchange;
    pthread_cond_broadcast(&house->changed);
    pthread_mutex_unlock(&house->lock);
}

static void append_view(struct buf *out, struct text view)
{
    buf_append(out, view.data, view.len);
}

static void handle(void *arg, void *loop_state, struct http_exchange *exchange)
{
    struct house *house = arg;
    struct loop_state *state = loop_state;
    const struct http_incoming *in = http_exchange_incoming(exchange);
    struct buf *body = http_exchange_body(exchange);
    house->requests++;
    if (!pthread_equal(state->thread, pthread_self()))
        house->wrong_thread = true;
    if (house->options.loops == 1 && !house->round_open)
        house->outside_round = true;
    assert_int_equal(body->len, 0);
    if (text_is(in->path, "/hold")) {
        hold(house, exchange);
        return;
    }
    if (text_is(in->path, "/abort")) {
        http_exchange_abort(exchange);
        return;
    }
    if (text_is(in->path, "/forget"))
        return;
    if (text_is(in->path, "/slow"))
        clock_system()->sleep_ms(clock_system(), 1);
    if (text_is(in->path, "/status")) {
        http_exchange_reply(exchange, (int)strtol(in->query.data, NULL,
                                                  10)); /* a blank follows it on the wire */
        return;
    }
    if (text_is(in->path, "/split"))
        http_exchange_header(exchange, "X-A", "b\r\nX-C: d");
    if (text_is(in->path, "/large")) {
        memset(buf_reserve(body, LARGE_BYTES), 'x', LARGE_BYTES);
        body->len = LARGE_BYTES;
    } else {
        append_view(body, in->method);
        buf_append_char(body, ' ');
        append_view(body, in->target);
        buf_append_char(body, ' ');
        append_view(body, in->body);
    }
    http_exchange_header(exchange, "X-Peer", in->peer);
    http_exchange_reply(exchange, 200);
}

static struct house *open_house(struct http_server_options options)
{
    struct house *house = memory_alloc(sizeof *house);
    struct error err = {0};
    pthread_mutex_init(&house->lock, NULL);
    pthread_cond_init(&house->changed, NULL);
    options.host = "127.0.0.1";
    options.arg = house;
    options.handle = handle;
    options.loop_start = loop_start;
    options.loop_end = loop_end;
    options.round_start = round_start;
    options.round_end = round_end;
    if (!options.loops)
        options.loops = 1;
    house->options = options;
    house->server = http_server_new(&options, &err);
    if (!house->server || http_server_start(house->server, &err) != 0)
        fail_msg("%s", err.message);
    return house;
}

static void close_house(struct house *house)
{
    http_server_stop(house->server, PATIENCE_MS);
    assert_int_equal(house->loops_started, house->options.loops);
    assert_int_equal(house->loops_ended, house->options.loops);
    assert_int_equal(house->rounds_started, house->rounds_ended);
    assert_false(house->outside_round);
    assert_false(house->wrong_thread);
    http_server_free(house->server);
    pthread_mutex_destroy(&house->lock);
    pthread_cond_destroy(&house->changed);
    free(house);
}

/* Waits until the handler holds `count` exchanges. */
static void await_held(struct house *house, unsigned count)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&house->lock);
    while (house->held_count < count)
        if (pthread_cond_timedwait(&house->changed, &house->lock, &until) != 0)
            fail_msg("%u exchanges are held, not %u", house->held_count, count);
    pthread_mutex_unlock(&house->lock);
}

static void release(struct house *house, unsigned at, int status, const char *text)
{
    pthread_mutex_lock(&house->lock);
    struct http_exchange *exchange = house->held[at];
    pthread_mutex_unlock(&house->lock);
    buf_append_text(http_exchange_body(exchange), text);
    http_exchange_queue(exchange, status);
}

/* ---- the client: a socket ---- */

static int call(struct house *house)
{
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons((uint16_t)http_server_port(house->server))};
    struct timeval patience = {PATIENCE_MS / 1000, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(fd, errno);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    assert_return_code(connect(fd, (struct sockaddr *)&name, sizeof name), errno);
    return fd;
}

/* false when the server had enough before all was sent. */
static bool say_bytes(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        len -= (size_t)sent;
    }
    return true;
}

static void say(int fd, const char *text)
{
    say_bytes(fd, text, strlen(text));
}

struct reply {
    char head[2048];
    int status; /* 0: the connection ended before a whole answer */
    char body[4096];
    size_t body_len; /* also of what does not fit */
};

static bool hear_byte(int fd, char *byte)
{
    return recv(fd, byte, 1, 0) == 1;
}

/* One answer and not a byte more. */
static struct reply hear(int fd, bool bodiless)
{
    struct reply reply = {0};
    size_t len = 0, announced = 0;
    while (len < sizeof reply.head - 1 && hear_byte(fd, &reply.head[len])) {
        reply.head[++len] = '\0';
        if (len >= 4 && memcmp(reply.head + len - 4, "\r\n\r\n", 4) == 0)
            break;
    }
    if (!strstr(reply.head, "\r\n\r\n"))
        return reply;
    assert_memory_equal(reply.head, "HTTP/1.1 ", 9); /* nothing was left of the answer before */
    const char *length = strstr(reply.head, "Content-Length: ");
    if (length && !bodiless)
        announced = strtoul(length + 16, NULL, 10);
    char room[16384];
    while (reply.body_len < announced) {
        size_t want = announced - reply.body_len;
        ssize_t got = recv(fd, room, want < sizeof room ? want : sizeof room, 0);
        if (got <= 0)
            return reply;
        if (reply.body_len + (size_t)got < sizeof reply.body)
            memcpy(reply.body + reply.body_len, room, (size_t)got);
        reply.body_len += (size_t)got;
    }
    reply.status = (int)strtol(reply.head + 9, NULL, 10);
    return reply;
}

static void assert_closed(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, 0);
    if (got == 1 || (got < 0 && errno == EAGAIN))
        fail_msg("the connection is still open");
    close(fd);
}

static struct reply ask(int fd, const char *text)
{
    say(fd, text);
    return hear(fd, strncmp(text, "HEAD", 4) == 0);
}

#define HOST "Host: h\r\n"

/* ---- tests ---- */

static void test_answer(void **state)
{
    (void)state;
    struct fake_clock fake;
    fake_clock_init(&fake, 784111777000);
    struct house *house = open_house((struct http_server_options){.clock = &fake.clock});
    int fd = call(house);
    struct reply reply = ask(fd, "POST /a?b HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nxyz");
    assert_string_equal(reply.head, "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                    "Content-Length: 13\r\nX-Peer: 127.0.0.1\r\n\r\n");
    assert_string_equal(reply.body, "POST /a?b xyz");
    close(fd);
    close_house(house);
}

static void test_statuses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *head;
    } rows[] = {
        {"GET /status?404 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404 Not Found\r\n"},
        {"GET /status?500 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 500 Internal Server Error\r\n"},
        {"GET /status?599 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 599 "},
        {"GET /forget HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 500 "},
        {"GET /split HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 500 "},
    };
    struct house *house = open_house((struct http_server_options){0});
    int fd = call(house);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct reply reply = ask(fd, rows[i].text);
        assert_memory_equal(reply.head, rows[i].head, strlen(rows[i].head));
        assert_int_equal(reply.body_len, 0);
        assert_null(strstr(reply.head, "X-C"));
    }
    struct reply reply = ask(fd, "GET /status?204 HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 204);
    assert_null(strstr(reply.head, "Content-Length")); /* RFC 9110 8.6 */
    reply = ask(fd, "HEAD /x HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.head, "Content-Length: 8\r\n"));
    reply = ask(fd, "GET /y HTTP/1.1\r\n" HOST "\r\n"); /* no body came between */
    assert_string_equal(reply.body, "GET /y ");
    close(fd);
    close_house(house);
}

static void test_keeping_alive(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
        bool kept;
    } rows[] = {
        {"GET / HTTP/1.1\r\n" HOST "\r\n", NULL, true},
        {"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "\r\nConnection: close\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", "\r\nConnection: close\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "\r\nConnection: keep-alive\r\n",
         true},
    };
    struct house *house = open_house((struct http_server_options){0});
    for (size_t i = 0; i < COUNT(rows); i++) {
        int fd = call(house);
        struct reply reply = ask(fd, rows[i].text);
        assert_int_equal(reply.status, 200);
        if (rows[i].says)
            assert_non_null(strstr(reply.head, rows[i].says));
        else
            assert_null(strstr(reply.head, "Connection"));
        if (rows[i].kept) {
            assert_int_equal(ask(fd, rows[i].text).status, 200);
            close(fd);
        } else {
            assert_closed(fd);
        }
    }
    close_house(house);
}

/* Refusals end the connection, and the client gets to read them although it is still sending. */
static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status;
    } rows[] = {
        {"\x16\x03\x01\x02\x03", 400},
        {"BREW / HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\n" HOST "\r\n", 505},
        {"CONNECT h:1 HTTP/1.1\r\n" HOST "\r\n", 501},
        {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n", 413},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n", 413},
        {"POST / HTTP/1.1\r\n" HOST "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n", 417},
    };
    static char more[4 << 20];
    memset(more, 'x', sizeof more);
    struct house *house = open_house((struct http_server_options){.largest_body_bytes = 1000});
    for (size_t i = 0; i < COUNT(rows); i++) {
        int fd = call(house);
        say(fd, rows[i].text);
        assert_true(say_bytes(fd, more, i % 2 ? sizeof more : 0));
        struct reply reply = hear(fd, false);
        if (reply.status != rows[i].status)
            fail_msg("%s: %s", rows[i].text, reply.head);
        assert_non_null(strstr(reply.head, "\r\nConnection: close\r\n"));
        shutdown(fd, SHUT_WR);
        assert_closed(fd);
    }
    assert_int_equal(house->requests, 0);
    close_house(house);
}

static void test_large_heads(void **state)
{
    (void)state;
    static char head[200000];
    struct house *house = open_house((struct http_server_options){0});
    int len = snprintf(head, sizeof head, "GET / HTTP/1.1\r\n" HOST "A: ");
    memset(head + len, 'a', sizeof head - (size_t)len);
    int fd = call(house);
    assert_true(say_bytes(fd, head, sizeof head));
    assert_int_equal(hear(fd, false).status, 431);
    shutdown(fd, SHUT_WR);
    assert_closed(fd);
    len = snprintf(head, sizeof head, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 100; i++)
        len += snprintf(head + len, sizeof head - (size_t)len, "A%d: b\r\n", i);
    len += snprintf(head + len, sizeof head - (size_t)len, "\r\n");
    fd = call(house);
    say_bytes(fd, head, (size_t)len);
    assert_int_equal(hear(fd, false).status, 431);
    close(fd);
    close_house(house);
}

static void test_pipelining(void **state)
{
    (void)state;
    enum { REQUESTS = 500 };
    static char text[REQUESTS * 100];
    size_t len = 0;
    struct house *house = open_house((struct http_server_options){0});
    for (int i = 0; i < REQUESTS; i++)
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "POST /%d HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n%02d", i,
                                i % 100);
    for (int way = 0; way < 3; way++) {
        int fd = call(house);
        if (way == 0)
            say_bytes(fd, text, len);
        for (size_t at = 0; way && at < len / 10; at += way == 1 ? 1 : 13)
            say_bytes(fd, text + at, way == 1 ? 1 : 13);
        for (int i = 0; i < (way ? REQUESTS / 11 : REQUESTS); i++) {
            char expected[30];
            snprintf(expected, sizeof expected, "POST /%d %02d", i, i % 100);
            assert_string_equal(hear(fd, false).body, expected);
        }
        close(fd);
    }
    close_house(house);
}

static void test_expect_continue(void **state)
{
    (void)state;
    struct house *house = open_house((struct http_server_options){0});
    int fd = call(house);
    say(fd, "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    struct reply reply = hear(fd, true);
    assert_string_equal(reply.head, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_string_equal(ask(fd, "abc").body, "POST / abc");
    /* When the body is there already, nobody waits. */
    reply =
        ask(fd, "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc");
    assert_int_equal(reply.status, 200);
    close(fd);
    close_house(house);
}

static void test_chunked(void **state)
{
    (void)state;
    struct house *house = open_house((struct http_server_options){0});
    int fd = call(house);
    struct reply reply = ask(fd, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                                 "3\r\nabc\r\n1;x\r\nd\r\n0\r\nT: u\r\n\r\n");
    assert_string_equal(reply.body, "POST / abcd");
    assert_string_equal(ask(fd, "GET / HTTP/1.1\r\n" HOST "\r\n").body, "GET / ");
    close(fd);
    close_house(house);
}

/* More than the socket takes at once; meanwhile nothing more is read from that client. */
static void test_slow_reader(void **state)
{
    (void)state;
    struct house *house = open_house((struct http_server_options){0});
    int fd = call(house);
    say(fd, "GET /large HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n");
    /* the others are served while this one does not read */
    int other = call(house);
    assert_int_equal(ask(other, "GET / HTTP/1.1\r\n" HOST "\r\n").status, 200);
    assert_int_equal(house->requests, 2);
    close(other);
    struct reply reply = hear(fd, false);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body_len, LARGE_BYTES);
    assert_string_equal(hear(fd, false).body, "GET /2 ");
    close(fd);
    close_house(house);
}

/* ---- deadlines ---- */

/* Not so hasty that a busy machine's client is late. */
static const struct http_server_options hasty = {.header_timeout_ms = 500,
                                                 .body_timeout_ms = 500,
                                                 .keep_alive_timeout_ms = 500};

/* Sends a byte every 10 ms until the server answers; how long that took. */
static int64_t drip(int fd, const char *start, char byte)
{
    int64_t began = clock_system()->monotonic_ms(clock_system());
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    say(fd, start);
    while (poll(&poller, 1, 10) == 0) {
        send(fd, &byte, 1, MSG_NOSIGNAL);
        if (clock_system()->monotonic_ms(clock_system()) - began > PATIENCE_MS)
            break;
    }
    return clock_system()->monotonic_ms(clock_system()) - began;
}

/* Bytes that keep coming do not move a deadline. */
static void test_dripping(void **state)
{
    (void)state;
    static const char *const starts[] = {"GET /", "GET / HTTP/1.1\r\nA: ",
                                         "POST / HTTP/1.1\r\n" HOST
                                         "Content-Length: 100000\r\n\r\n",
                                         "POST / HTTP/1.1\r\n" HOST
                                         "Transfer-Encoding: chunked\r\n\r\n10000\r\n"};
    struct house *house = open_house(hasty);
    for (size_t i = 0; i < COUNT(starts); i++) {
        int fd = call(house);
        int64_t took_ms = drip(fd, starts[i], 'x');
        assert_int_equal(hear(fd, false).status, 408);
        assert_true(took_ms >= 490 && took_ms < PATIENCE_MS / 2);
        shutdown(fd, SHUT_WR);
        assert_closed(fd);
    }
    /* the same behind a request that was in time */
    int fd = call(house);
    assert_int_equal(ask(fd, "GET / HTTP/1.1\r\n" HOST "\r\n").status, 200);
    drip(fd, "GET /", 'x');
    assert_int_equal(hear(fd, false).status, 408);
    close(fd);
    close_house(house);
}

static void test_silence(void **state)
{
    (void)state;
    struct house *house = open_house(hasty);
    assert_closed(call(house)); /* without an answer: nothing was asked */
    int fd = call(house);
    assert_int_equal(ask(fd, "GET / HTTP/1.1\r\n" HOST "\r\n").status, 200);
    assert_closed(fd);
    close_house(house);
}

/* A client that does not read its answer is let go. */
static void test_unread_answer(void **state)
{
    (void)state;
    struct house *house = open_house(hasty);
    int fd = call(house);
    say(fd, "GET /large HTTP/1.1\r\n" HOST "\r\n");
    struct pollfd poller = {.fd = fd, .events = POLLRDHUP};
    assert_int_equal(poll(&poller, 1, PATIENCE_MS), 1); /* reset or closed, while we read nothing */
    close(fd);
    close_house(house);
}

/* A handler may take longer than any client. */
static void test_deferred_has_no_deadline(void **state)
{
    (void)state;
    struct house *house = open_house(hasty);
    int fd = call(house);
    say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    await_held(house, 1);
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&poller, 1, 1100), 0);
    release(house, 0, 200, "late");
    http_server_flush(house->server);
    assert_string_equal(hear(fd, false).body, "late");
    close(fd);
    close_house(house);
}

/* ---- clients that go away ---- */

static void reset(int fd)
{
    struct linger linger = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}

static void test_gone_in_the_middle(void **state)
{
    (void)state;
    static const char *const starts[] = {"",
                                         "GET",
                                         "GET / HTTP/1.1\r\nA: b",
                                         "POST / HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc",
                                         "POST / HTTP/1.1\r\n" HOST
                                         "Content-Length: 10\r\nExpect: 100-continue\r\n\r\n",
                                         "GET /large HTTP/1.1\r\n" HOST "\r\n",
                                         "nonsense\r\n\r\n"};
    struct house *house = open_house((struct http_server_options){0});
    for (size_t i = 0; i < 2 * COUNT(starts); i++) {
        int fd = call(house);
        say(fd, starts[i / 2]);
        if (i % 2)
            reset(fd);
        else
            close(fd);
    }
    int fd = call(house);
    assert_int_equal(ask(fd, "GET / HTTP/1.1\r\n" HOST "\r\n").status, 200);
    close(fd);
    close_house(house);
}

/* A client that shuts its sending side still gets its answers. */
static void test_half_closed(void **state)
{
    (void)state;
    struct house *house = open_house((struct http_server_options){0});
    int fd = call(house);
    say(fd, "GET /1 HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n");
    shutdown(fd, SHUT_WR);
    assert_string_equal(hear(fd, false).body, "GET /1 ");
    assert_string_equal(hear(fd, false).body, "GET /2 ");
    assert_closed(fd);
    fd = call(house);
    say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    shutdown(fd, SHUT_WR);
    await_held(house, 1);
    release(house, 0, 200, "held");
    http_server_flush(house->server);
    assert_string_equal(hear(fd, false).body, "held");
    assert_closed(fd);
    close_house(house);
}

static void test_abort(void **state)
{
    (void)state;
    struct house *house = open_house((struct http_server_options){0});
    int fd = call(house);
    say(fd, "GET /abort HTTP/1.1\r\n" HOST "\r\n");
    assert_closed(fd);
    fd = call(house);
    say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    await_held(house, 1);
    http_exchange_queue(house->held[0], 0);
    http_server_flush(house->server);
    assert_closed(fd);
    close_house(house);
}

/* ---- exchanges taken along ---- */

static void test_deferred_keeps_order(void **state)
{
    (void)state;
    struct house *house = open_house((struct http_server_options){0});
    int fd = call(house);
    say(fd, "GET /1 HTTP/1.1\r\n" HOST "\r\nPOST /hold HTTP/1.1\r\n" HOST
            "Content-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(hear(fd, false).body, "GET /1 "); /* not held back by the next */
    await_held(house, 1);
    assert_int_equal(house->requests, 2); /* /3 waits its turn */
    const struct http_incoming *in = http_exchange_incoming(house->held[0]);
    assert_true(text_is(in->body, "abc") && text_is(in->path, "/hold"));
    release(house, 0, 202, "two");
    http_server_flush(house->server);
    struct reply reply = hear(fd, false);
    assert_int_equal(reply.status, 202);
    assert_string_equal(reply.body, "two");
    assert_string_equal(hear(fd, false).body, "GET /3 ");
    close(fd);
    close_house(house);
}

static void test_gone_while_deferred(void **state)
{
    (void)state;
    struct house *house = open_house((struct http_server_options){0});
    for (unsigned i = 0; i < 20; i++) {
        int fd = call(house);
        say(fd, i % 3 == 2 ? "GET /hold HTTP/1.1\r\n" HOST "\r\nGET /hold HTTP/1.1\r\n" HOST "\r\n"
                           : "GET /hold HTTP/1.1\r\n" HOST "\r\n");
        await_held(house, i + 1);
        if (i % 2)
            reset(fd);
        else
            close(fd);
    }
    int fd = call(house); /* by its answer the loop has seen the others go */
    assert_int_equal(ask(fd, "GET / HTTP/1.1\r\n" HOST "\r\n").status, 200);
    for (unsigned i = 0; i < 20; i++)
        release(house, i, 200, "nobody reads this");
    http_server_flush(house->server);
    assert_int_equal(ask(fd, "GET / HTTP/1.1\r\n" HOST "\r\n").status, 200);
    /* The second requests of those that were closed in order may have been taken up: none may be
     * left open when the server ends. */
    pthread_mutex_lock(&house->lock);
    unsigned held = house->held_count;
    pthread_mutex_unlock(&house->lock);
    for (unsigned i = 20; i < held; i++)
        release(house, i, 200, "");
    http_server_flush(house->server);
    close(fd);
    close_house(house);
}

/* Another thread that answers what is held, in batches. */
struct answerer {
    struct house *house;
    pthread_t thread;
    unsigned done;
    bool stop;
};

static void *answer_batches(void *arg)
{
    struct answerer *answerer = arg;
    struct house *house = answerer->house;
    pthread_mutex_lock(&house->lock);
    for (;;) {
        while (!house->held_count && !answerer->stop)
            pthread_cond_wait(&house->changed, &house->lock);
        if (!house->held_count)
            break;
        struct http_exchange *batch[COUNT(house->held)];
        unsigned count = house->held_count;
        for (unsigned i = 0; i < count; i++)
            batch[i] = house->held[i];
        house->held_count = 0;
        pthread_mutex_unlock(&house->lock);
        for (unsigned i = 0; i < count; i++) {
            append_view(http_exchange_body(batch[i]), http_exchange_incoming(batch[i])->query);
            http_exchange_queue(batch[i], 200);
        }
        http_server_flush(house->server);
        pthread_mutex_lock(&house->lock);
        answerer->done += count;
    }
    pthread_mutex_unlock(&house->lock);
    return NULL;
}

struct caller {
    struct house *house;
    pthread_t thread;
    unsigned number, right;
};

static void *call_often(void *arg)
{
    struct caller *caller = arg;
    int fd = call(caller->house);
    for (unsigned i = 0; i < 200; i++) {
        char text[100], expected[30];
        snprintf(expected, sizeof expected, "%u-%u", caller->number, i);
        snprintf(text, sizeof text, "GET /hold?%s HTTP/1.1\r\n" HOST "\r\n", expected);
        if (i % 50 == 49) { /* some go away without listening */
            say(fd, text);
            close(fd);
            fd = call(caller->house);
            caller->right++;
            continue;
        }
        struct reply reply = ask(fd, text);
        caller->right += reply.status == 200 && strcmp(reply.body, expected) == 0;
    }
    close(fd);
    return NULL;
}

static void test_answers_from_another_thread(void **state)
{
    (void)state;
    enum { CALLERS = 6 };
    struct house *house = open_house((struct http_server_options){.loops = 2});
    struct answerer answerer = {.house = house};
    struct caller callers[CALLERS];
    assert_int_equal(pthread_create(&answerer.thread, NULL, answer_batches, &answerer), 0);
    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.house = house, .number = i};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
    }
    for (unsigned i = 0; i < CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].right, 200);
    }
    http_server_stop(house->server, PATIENCE_MS);
    pthread_mutex_lock(&house->lock);
    answerer.stop = true;
    pthread_cond_broadcast(&house->changed);
    pthread_mutex_unlock(&house->lock);
    pthread_join(answerer.thread, NULL);
    assert_int_equal(answerer.done, house->requests);
    close_house(house);
}

/* ---- the end ---- */

struct stopper {
    struct house *house;
    int grace_ms;
    pthread_t thread;
    atomic_bool done;
};

static void *stop_server(void *arg)
{
    struct stopper *stopper = arg;
    http_server_stop(stopper->house->server, stopper->grace_ms);
    stopper->done = true;
    return NULL;
}

static bool refused(struct house *house)
{
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons((uint16_t)http_server_port(house->server))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool failed = connect(fd, (struct sockaddr *)&name, sizeof name) != 0;
    close(fd);
    return failed;
}

static void test_stop_while_busy(void **state)
{
    (void)state;
    struct house *house = open_house((struct http_server_options){.loops = 2});
    struct stopper stopper = {.house = house, .grace_ms = PATIENCE_MS};
    int idle = call(house), half = call(house), held = call(house);
    assert_int_equal(ask(idle, "GET / HTTP/1.1\r\n" HOST "\r\n").status, 200);
    say(half, "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_non_null(strstr(hear(half, true).head, " 100 ")); /* so the server has seen it */
    say(held, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    await_held(house, 1);
    assert_int_equal(pthread_create(&stopper.thread, NULL, stop_server, &stopper), 0);
    assert_closed(idle);
    while (!refused(house)) /* until the listener is closed */
        poll(NULL, 0, 1);
    struct reply reply = ask(half, "abc");
    assert_string_equal(reply.body, "POST / abc");
    assert_non_null(strstr(reply.head, "Connection: close"));
    assert_closed(half);
    assert_false(stopper.done);
    release(house, 0, 200, "in time");
    http_server_flush(house->server);
    assert_string_equal(hear(held, false).body, "in time");
    assert_closed(held);
    pthread_join(stopper.thread, NULL);
    close_house(house);
}

/* Answers already given are delivered, and their connections hold nothing up afterwards. */
static void test_stop_while_writing(void **state)
{
    (void)state;
    struct house *house = open_house((struct http_server_options){0});
    struct stopper stopper = {.house = house, .grace_ms = 4 * PATIENCE_MS};
    int fd = call(house), other = call(house);
    say(fd, "GET /large HTTP/1.1\r\n" HOST "\r\n");
    while (house->requests < 1)
        poll(NULL, 0, 1);
    assert_int_equal(ask(other, "GET / HTTP/1.1\r\n" HOST "\r\n").status, 200);
    assert_int_equal(pthread_create(&stopper.thread, NULL, stop_server, &stopper), 0);
    assert_closed(other);
    assert_int_equal(hear(fd, false).body_len, LARGE_BYTES);
    assert_closed(fd);
    pthread_join(stopper.thread, NULL);
    close_house(house);
}

static void test_stop_after_grace(void **state)
{
    (void)state;
    struct house *house = open_house((struct http_server_options){.loops = 2});
    int half = call(house), held = call(house);
    say(half, "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_non_null(strstr(hear(half, true).head, " 100 "));
    say(held, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    await_held(house, 1);
    int64_t began = clock_system()->monotonic_ms(clock_system());
    http_server_stop(house->server, 100);
    int64_t took_ms = clock_system()->monotonic_ms(clock_system()) - began;
    assert_true(took_ms >= 90 && took_ms < PATIENCE_MS / 2);
    assert_closed(half);
    assert_closed(held);
    release(house, 0, 200, "too late"); /* harmless */
    http_server_flush(house->server);
    close_house(house);
}

static void test_never_started(void **state)
{
    (void)state;
    struct http_server_options options = {.host = "127.0.0.1", .handle = handle};
    struct error err;
    struct http_server *server = http_server_new(&options, &err);
    assert_non_null(server);
    assert_true(http_server_port(server) > 0);
    http_server_free(server);
    http_server_free(NULL);
}

static void test_cannot_listen(void **state)
{
    (void)state;
    struct house *house = open_house((struct http_server_options){0});
    struct http_server_options options = {.host = "127.0.0.1",
                                          .port = http_server_port(house->server),
                                          .handle = handle};
    struct error err = {0};
    assert_null(http_server_new(&options, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.message, "Address already in use"));
    options = (struct http_server_options){.host = "not an address", .handle = handle};
    assert_null(http_server_new(&options, &err));
    assert_int_equal(err.code, ERR_INVALID);
    close_house(house);
}

/* ---- too many ---- */

static void test_largest_connections(void **state)
{
    (void)state;
    struct house *house =
        open_house((struct http_server_options){.largest_connections = 2,
                                                .header_timeout_ms = 10 * PATIENCE_MS});
    int first = call(house), second = call(house);
    assert_int_equal(ask(first, "GET / HTTP/1.1\r\n" HOST "\r\n").status, 200);
    assert_int_equal(ask(second, "GET / HTTP/1.1\r\n" HOST "\r\n").status, 200);
    assert_closed(call(house));
    close(first);
    /* There is room again as soon as the server has seen that. */
    struct reply reply = {0};
    int64_t began = clock_system()->monotonic_ms(clock_system());
    while (reply.status != 200 &&
           clock_system()->monotonic_ms(clock_system()) - began < PATIENCE_MS) {
        int third = call(house);
        reply = ask(third, "GET / HTTP/1.1\r\n" HOST "\r\n");
        close(third);
    }
    assert_int_equal(reply.status, 200);
    close(second);
    close_house(house);
}

/* Those who have waited longest for their client go: slow clients keep nobody out. */
static void test_slow_clients_make_room(void **state)
{
    (void)state;
    struct house *house =
        open_house((struct http_server_options){.loops = 1,
                                                .largest_connections = 4,
                                                .makes_room = true,
                                                .header_timeout_ms = 10 * PATIENCE_MS,
                                                .keep_alive_timeout_ms = 10 * PATIENCE_MS});
    int slow[8], rests = call(house);
    assert_int_equal(ask(rests, "GET / HTTP/1.1\r\n" HOST "\r\n").status, 200);
    for (int i = 0; i < 8; i++) {
        slow[i] = call(house);
        if (i % 2)
            say(slow[i], "GET / HTTP/1.1\r\n" HOST "X-Slow: ");
    }
    for (int i = 0; i < 3; i++) {
        int quick = call(house);
        assert_int_equal(ask(quick, "GET / HTTP/1.1\r\n" HOST "\r\n").status, 200);
        close(quick);
    }
    assert_closed(rests); /* who only rests goes before all others */
    for (int i = 0; i < 4; i++)
        assert_closed(slow[i]);
    for (int i = 4; i < 8; i++)
        close(slow[i]);
    close_house(house);
}

/* Out of descriptors: those who come are closed, those who are there go on, and the server does
 * not spin. */
static void test_out_of_descriptors(void **state)
{
    (void)state;
    struct rlimit before, now;
    struct house *house = open_house((struct http_server_options){0});
    int first = call(house), late[4], probe;
    assert_int_equal(ask(first, "GET / HTTP/1.1\r\n" HOST "\r\n").status, 200);
    for (size_t i = 0; i < COUNT(late); i++)
        late[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    getrlimit(RLIMIT_NOFILE, &before);
    now = before;
    probe = dup(first); /* the lowest free number is the limit: the server can open nothing */
    close(probe);
    now.rlim_cur = (rlim_t)probe;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons((uint16_t)http_server_port(house->server))};
    for (size_t i = 0; i < COUNT(late); i++) {
        assert_return_code(connect(late[i], (struct sockaddr *)&name, sizeof name), errno);
        struct pollfd poller = {.fd = late[i], .events = POLLIN};
        assert_int_equal(poll(&poller, 1, PATIENCE_MS), 1);
    }
    assert_int_equal(ask(first, "GET / HTTP/1.1\r\n" HOST "\r\n").status, 200);
    setrlimit(RLIMIT_NOFILE, &before);
    for (size_t i = 0; i < COUNT(late); i++)
        assert_closed(late[i]);
    int fd = call(house);
    assert_int_equal(ask(fd, "GET / HTTP/1.1\r\n" HOST "\r\n").status, 200);
    close(fd);
    close(first);
    close_house(house);
}

/* A client with many requests waiting is not late, whatever time they take, and gets no more than
 * its turn. */
static void test_turns(void **state)
{
    (void)state;
    enum { REQUESTS = 600 };
    struct house *house = open_house((struct http_server_options){.header_timeout_ms = 100});
    int busy = call(house), other = call(house);
    struct buf block;
    buf_init(&block, 1 << 20);
    for (int i = 0; i < REQUESTS; i++)
        buf_append_text(&block, "GET /slow HTTP/1.1\r\n" HOST "\r\n");
    assert_true(say_bytes(busy, block.data, block.len));
    unsigned others = 0;
    do {
        assert_int_equal(ask(other, "GET / HTTP/1.1\r\n" HOST "\r\n").status, 200);
        others++;
    } while (house->requests < REQUESTS);
    assert_true(others > 10); /* one a turn */
    for (int i = 0; i < REQUESTS; i++)
        assert_int_equal(hear(busy, false).status, 200);
    buf_done(&block);
    close(other);
    close(busy);
    close_house(house);
}

static void test_many_connections(void **state)
{
    (void)state;
    enum { CONNECTIONS = 300 };
    struct house *house = open_house((struct http_server_options){.loops = 3});
    int fds[CONNECTIONS];
    for (size_t i = 0; i < CONNECTIONS; i++)
        fds[i] = call(house);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < CONNECTIONS; i++)
            say(fds[i], "GET /a HTTP/1.1\r\n" HOST "\r\n");
        for (size_t i = 0; i < CONNECTIONS; i++)
            assert_string_equal(hear(fds[i], false).body, "GET /a ");
    }
    for (size_t i = 0; i < CONNECTIONS; i++)
        close(fds[i]);
    close_house(house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_keeping_alive),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_large_heads),
        cmocka_unit_test(test_pipelining),
        cmocka_unit_test(test_expect_continue),
        cmocka_unit_test(test_chunked),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_dripping),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_unread_answer),
        cmocka_unit_test(test_deferred_has_no_deadline),
        cmocka_unit_test(test_gone_in_the_middle),
        cmocka_unit_test(test_half_closed),
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_deferred_keeps_order),
        cmocka_unit_test(test_gone_while_deferred),
        cmocka_unit_test(test_answers_from_another_thread),
        cmocka_unit_test(test_stop_while_busy),
        cmocka_unit_test(test_stop_while_writing),
        cmocka_unit_test(test_stop_after_grace),
        cmocka_unit_test(test_never_started),
        cmocka_unit_test(test_cannot_listen),
        cmocka_unit_test(test_largest_connections),
        cmocka_unit_test(test_slow_clients_make_room),
        cmocka_unit_test(test_out_of_descriptors),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_many_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
