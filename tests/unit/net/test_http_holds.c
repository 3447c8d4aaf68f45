/* Exchanges that a loop holds: calls that wait, answers held back, cut or replaced by a reset. */
#include "base/clock.h"
#include "net/http_server.h"
#include "support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, WAITERS = 64 };

struct house {
    struct http_server *server;
    struct http_exchange *waiting; /* the loop's: "/wait-for-bell" */
    atomic_uint resumed, woken, gone;
};

static int64_t now_ms(void)
{
    return clock_system()->monotonic_ms(clock_system());
}

/* The path says what is to be done; the query is a number of milliseconds. */
static void handle(void *arg, void *loop, struct http_exchange *exchange)
{
    struct house *house = arg;
    const struct http_incoming *in = http_exchange_incoming(exchange);
    int64_t ms = in->query.data ? strtol(in->query.data, NULL, 10) : 0;
    (void)loop;
    buf_append_text(http_exchange_body(exchange), "0123456789");
    if (text_is(in->path, "/wait")) {
        http_exchange_wait(exchange, ms, house);
        return;
    }
    if (text_is(in->path, "/bell")) {
        house->waiting = exchange;
        http_exchange_wait(exchange, PATIENCE_MS, house);
        return;
    }
    http_exchange_befall(exchange, &(struct http_mishap){.hold_ms = ms,
                                                         .cut = text_is(in->path, "/cut"),
                                                         .reset = text_is(in->path, "/reset")});
    http_exchange_reply(exchange, 200);
}

static void resume(void *arg, void *loop, struct http_exchange *exchange, void *waiter)
{
    struct house *house = arg;
    (void)loop;
    assert_ptr_equal(waiter, house);
    house->resumed++;
    if (!http_exchange_gone(exchange)) {
        http_exchange_reply(exchange, 200);
        return;
    }
    house->gone++;
    http_exchange_abort(exchange);
}

static void woken(void *arg, void *loop)
{
    struct house *house = arg;
    (void)loop;
    house->woken++;
    if (!house->waiting)
        return;
    http_exchange_unwait(house->waiting);
    http_exchange_queue(house->waiting, 202);
    house->waiting = NULL;
}

static void open_house(struct house *house)
{
    const struct http_server_options options = {.host = "127.0.0.1",
                                                .loops = 1,
                                                .arg = house,
                                                .handle = handle,
                                                .resume = resume,
                                                .woken = woken};
    struct error err = {0};
    *house = (struct house){0};
    house->server = http_server_new(&options, &err);
    if (!house->server || http_server_start(house->server, &err) != 0)
        fail_msg("%s", err.message);
}

static int ask(const struct house *house, const char *target)
{
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons((uint16_t)http_server_port(house->server))};
    struct timeval patience = {PATIENCE_MS / 1000, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char text[128];
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_return_code(connect(fd, (struct sockaddr *)&name, sizeof name), errno);
    int len = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
    assert_int_equal(send(fd, text, (size_t)len, MSG_NOSIGNAL), len);
    return fd;
}

/* The answer in `text`, as far as it came within one turn; its length, or -1. */
static ssize_t hear(int fd, char *text, size_t size)
{
    ssize_t len = recv(fd, text, size - 1, 0);
    text[len < 0 ? 0 : len] = '\0';
    return len;
}

static void expect(int fd, const char *status)
{
    char text[512];
    assert_true(hear(fd, text, sizeof text) > 0);
    assert_non_null(strstr(text, status));
    close(fd);
}

static void test_held_for_its_time(void **state)
{
    struct house house;
    (void)state;
    open_house(&house);
    int64_t start_ms = now_ms();
    int late = ask(&house, "/plain?1500"), soon = ask(&house, "/plain?40"),
        now = ask(&house, "/plain");
    expect(now, "200 OK");
    expect(soon, "200 OK");
    assert_in_range(now_ms() - start_ms, 40, 1499);
    expect(late, "200 OK");
    assert_true(now_ms() - start_ms >= 1500);
    http_server_free(house.server);
}

static void test_many_wait_side_by_side(void **state)
{
    struct house house;
    int fds[WAITERS];
    (void)state;
    open_house(&house);
    int64_t start_ms = now_ms();
    for (int i = 0; i < WAITERS; i++) {
        char target[32];
        snprintf(target, sizeof target, "/wait?%d", 500 + (i * 37) % 50);
        fds[i] = ask(&house, target);
    }
    for (int i = 0; i < WAITERS; i++)
        expect(fds[i], "200 OK");
    assert_in_range(now_ms() - start_ms, 500, WAITERS * 500 / 2);
    assert_int_equal(house.resumed, WAITERS);
    assert_int_equal(house.gone, 0);
    http_server_free(house.server);
}

static void test_woken_before_its_time(void **state)
{
    struct house house;
    (void)state;
    open_house(&house);
    int64_t start_ms = now_ms();
    int fd = ask(&house, "/bell");
    expect(ask(&house, "/plain"), "200 OK"); /* behind it on the same loop */
    http_server_wake(house.server);
    expect(fd, "202 Accepted");
    assert_true(now_ms() - start_ms < PATIENCE_MS / 2);
    assert_int_equal(house.resumed, 0);
    assert_true(house.woken >= 1);
    http_server_free(house.server);
}

static void test_gone_while_it_waits(void **state)
{
    struct house house;
    (void)state;
    open_house(&house);
    close(ask(&house, "/wait?50000"));
    for (int64_t start_ms = now_ms(); !house.gone && now_ms() - start_ms < PATIENCE_MS / 2;)
        expect(ask(&house, "/plain"), "200 OK");
    assert_int_equal(house.gone, 1);
    http_server_free(house.server);
}

static void test_stopping_ends_what_waits(void **state)
{
    struct house house;
    (void)state;
    open_house(&house);
    int fd = ask(&house, "/wait?50000"), held = ask(&house, "/plain?50000");
    expect(ask(&house, "/plain"), "200 OK");
    int64_t start_ms = now_ms();
    http_server_stop(house.server, PATIENCE_MS);
    assert_true(now_ms() - start_ms < PATIENCE_MS / 2);
    expect(fd, "200 OK");
    expect(held, "200 OK");
    http_server_free(house.server);
}

static void test_cut_and_reset(void **state)
{
    struct house house;
    char text[512];
    (void)state;
    open_house(&house);
    int fd = ask(&house, "/cut?10");
    assert_true(hear(fd, text, sizeof text) > 0);
    assert_non_null(strstr(text, "Content-Length: 10\r\n"));
    assert_non_null(strstr(text, "\r\n\r\n01234"));
    assert_null(strstr(text, "012345"));
    assert_int_equal(hear(fd, text, sizeof text), 0); /* then it ends */
    close(fd);
    for (int held = 0; held < 2; held++) {
        fd = ask(&house, held ? "/reset?10" : "/reset");
        assert_int_equal(hear(fd, text, sizeof text), -1);
        assert_int_equal(errno, ECONNRESET);
        close(fd);
    }
    expect(ask(&house, "/plain"), "200 OK"); /* the exchange is clean again */
    http_server_free(house.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_for_its_time),
        cmocka_unit_test(test_many_wait_side_by_side),
        cmocka_unit_test(test_woken_before_its_time),
        cmocka_unit_test(test_gone_while_it_waits),
        cmocka_unit_test(test_stopping_ends_what_waits),
        cmocka_unit_test(test_cut_and_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
