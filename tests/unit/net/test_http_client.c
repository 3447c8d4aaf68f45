#include "net/http_client.h"

#include "base/stop.h"
#include "support/scripted_server.h"
#include "support/test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct transport *new_client(const char *ca_bundle)
{
    struct http_client_options options = {.ca_bundle = ca_bundle, .largest_response_bytes = 100000};
    struct error err = {0};
    struct transport *client = http_client_new(&options, &err);
    if (!client)
        fail_msg("%s", err.message);
    return client;
}

/* One exchange with a server that plays `steps`. */
struct exchange {
    struct arena arena;
    struct transport *client;
    struct scripted_server *server;
    struct http_response response;
    struct error err;
    int failed;
};

static void send_again(struct exchange *exchange, struct http_request request, const char *path)
{
    request.url =
        arena_printf(&exchange->arena, "%s%s", scripted_server_url(exchange->server), path);
    exchange->err = (struct error){0};
    exchange->failed = exchange->client->send(exchange->client, &exchange->arena, &request,
                                              &exchange->response, &exchange->err);
}

static struct exchange exchange_with(const struct script_step *steps, size_t count,
                                     struct http_request request)
{
    struct exchange exchange = {.client = new_client(NULL)};
    arena_init(&exchange.arena);
    exchange.server = scripted_server_new(steps, count, NULL, NULL);
    send_again(&exchange, request, "/path?query");
    return exchange;
}

static void exchange_done(struct exchange *exchange)
{
    scripted_server_finish(exchange->server);
    scripted_server_free(exchange->server);
    http_client_free(exchange->client);
    arena_done(&exchange->arena);
}

static void test_get(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        script_request("GET /path?query HTTP/1.1\r\n"),
        script_answer("HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nEmpty:\r\nX:  y \r\n"
                      "Content-Length: 5\r\n\r\nhello"),
    };
    struct exchange exchange =
        exchange_with(steps, COUNT(steps), (struct http_request){.method = "GET"});
    assert_int_equal(exchange.failed, 0);
    assert_int_equal(exchange.response.status, 200);
    assert_int_equal(exchange.response.body_len, 5);
    assert_string_equal(exchange.response.body, "hello");
    assert_int_equal(exchange.response.header_count, 4);
    assert_string_equal(exchange.response.headers[0].name, "Content-Type");
    assert_string_equal(exchange.response.headers[1].value, "");
    assert_string_equal(exchange.response.headers[2].value, "y");
    scripted_server_finish(exchange.server);
    /* Nothing is added to what is signed. */
    char expected[200];
    snprintf(expected, sizeof expected,
             "GET /path?query HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: understudy/",
             scripted_server_port(exchange.server));
    const char *received = scripted_server_received(exchange.server, 0);
    assert_memory_equal(received, expected, strlen(expected));
    assert_string_equal(strchr(received + strlen(expected), '\r'), "\r\n\r\n");
    exchange_done(&exchange);
}

static void test_post(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        script_request("POST /path?query HTTP/1.1\r\n"),
        script_answer("HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}"),
    };
    static const struct http_header headers[] = {
        {"Host", "ssm.eu-west-1.amazonaws.com"},
        {"Content-Type", "application/x-amz-json-1.1"},
        {"X-Empty", ""},
        {"X-Blank", "  "},
        {"User-Agent", "somebody"},
    };
    struct exchange exchange = exchange_with(steps, COUNT(steps),
                                             (struct http_request){.method = "POST",
                                                                   .headers = headers,
                                                                   .header_count = COUNT(headers),
                                                                   .body = "{\"a\":1}",
                                                                   .body_len = 7});
    assert_int_equal(exchange.failed, 0); /* any status is an answer */
    assert_int_equal(exchange.response.status, 400);
    scripted_server_finish(exchange.server);
    assert_string_equal(scripted_server_received(exchange.server, 0),
                        "POST /path?query HTTP/1.1\r\n"
                        "Host: ssm.eu-west-1.amazonaws.com\r\n"
                        "Content-Type: application/x-amz-json-1.1\r\n"
                        "X-Empty:\r\nX-Blank:\r\n"
                        "User-Agent: somebody\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
    exchange_done(&exchange);
}

static void test_methods(void **state)
{
    (void)state;
    static const struct {
        const char *method, *body, *line, *answer, *received_body;
    } rows[] = {
        {"GET", NULL, "GET /0 HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", ""},
        {"HEAD", NULL, "HEAD /1 HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", ""},
        {"PUT", NULL, "PUT /2 HTTP/1.1\r\n", "HTTP/1.1 204 No Content\r\n\r\n", ""},
        {"PUT", "abc", "PUT /3 HTTP/1.1\r\n", "HTTP/1.1 204 No Content\r\n\r\n", "abc"},
        {"DELETE", NULL, "DELETE /4 HTTP/1.1\r\n", "HTTP/1.1 204 No Content\r\n\r\n", ""},
        {"PATCH", "p", "PATCH /5 HTTP/1.1\r\n", "HTTP/1.1 204 No Content\r\n\r\n", "p"},
        {"POST", NULL, "POST /6 HTTP/1.1\r\n", "HTTP/1.1 204 No Content\r\n\r\n", ""},
        {"GET", NULL, "GET /7 HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", ""},
    };
    struct script_step steps[2 * COUNT(rows)];
    for (size_t i = 0; i < COUNT(rows); i++) {
        steps[2 * i] = script_request(rows[i].line);
        steps[2 * i + 1] = script_answer(rows[i].answer);
    }
    struct exchange exchange = {.client = new_client(NULL)};
    exchange.server = scripted_server_new(steps, COUNT(steps), NULL, NULL);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char path[10];
        snprintf(path, sizeof path, "/%zu", i);
        send_again(&exchange,
                   (struct http_request){.method = rows[i].method,
                                         .body = rows[i].body,
                                         .body_len = rows[i].body ? strlen(rows[i].body) : 0},
                   path);
        assert_int_equal(exchange.failed, 0);
        assert_int_equal(exchange.response.body_len, strcmp(rows[i].method, "GET") == 0);
    }
    scripted_server_finish(exchange.server);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *received = scripted_server_received(exchange.server, i);
        assert_string_equal(strstr(received, "\r\n\r\n") + 4, rows[i].received_body);
        bool sized = rows[i].body || strcmp(rows[i].method, "PUT") == 0 ||
                     strcmp(rows[i].method, "POST") == 0;
        assert_int_equal(strstr(received, "Content-Length:") != NULL, sized);
    }
    assert_int_equal(scripted_server_connection_count(exchange.server), 1); /* kept alive */
    exchange_done(&exchange);
}

/* Paths go out as they were signed, and large bodies without asking first. */
static void test_nothing_tidied(void **state)
{
    (void)state;
    static char big[2 << 20];
    memset(big, 'x', sizeof big - 1);
    static const struct script_step steps[] = {
        script_request("POST /a/../b/./%7Ec//d?x=../y&z HTTP/1.1\r\n"),
        script_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    };
    struct exchange exchange = {.client = new_client(NULL)};
    exchange.server = scripted_server_new(steps, COUNT(steps), NULL, NULL);
    send_again(&exchange,
               (struct http_request){.method = "POST", .body = big, .body_len = sizeof big - 1},
               "/a/../b/./%7Ec//d?x=../y&z");
    assert_int_equal(exchange.failed, 0);
    scripted_server_finish(exchange.server);
    const char *received = scripted_server_received(exchange.server, 0);
    assert_int_equal(strlen(strstr(received, "\r\n\r\n") + 4), sizeof big - 1);
    assert_null(strcasestr(received, "\r\nExpect:"));
    exchange_done(&exchange);
}

static void test_redirects_are_answers(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        script_request("GET "),
        script_answer("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
                      "Content-Length: 0\r\n\r\n"),
    };
    struct exchange exchange =
        exchange_with(steps, COUNT(steps), (struct http_request){.method = "GET"});
    assert_int_equal(exchange.failed, 0);
    assert_int_equal(exchange.response.status, 302);
    exchange_done(&exchange);
}

static void test_interim_and_chunked(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        script_request("GET "),
        script_answer("HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n"
                      "HTTP/1.1 200 OK\r\nX-Final: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
    };
    struct exchange exchange =
        exchange_with(steps, COUNT(steps), (struct http_request){.method = "GET"});
    assert_int_equal(exchange.failed, 0);
    assert_string_equal(exchange.response.body, "abcde");
    assert_int_equal(exchange.response.header_count, 2);
    assert_string_equal(exchange.response.headers[0].name, "X-Final");
    exchange_done(&exchange);
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        struct script_step step;
        enum error_code code;
    } rows[] = {
        /* The request was read, so it may have taken effect. */
        {script_close(), ERR_TIMEOUT},
        {script_reset(), ERR_TIMEOUT},
        {script_hang(), ERR_TIMEOUT},
        {script_answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"), ERR_TIMEOUT},
        {script_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
         ERR_TIMEOUT},
        {script_answer("no HTTP at all\r\n"), ERR_TIMEOUT},
        {script_answer("SSH-2.0-OpenSSH\r\n"), ERR_TIMEOUT},
        {script_answer("HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n"), ERR_LIMIT},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct script_step steps[] = {script_request("POST "), rows[i].step};
        struct exchange exchange =
            exchange_with(steps, 2,
                          (struct http_request){.method = "POST",
                                                .body = "x",
                                                .body_len = 1,
                                                .timeout_ms =
                                                    rows[i].code == ERR_TIMEOUT ? 200 : 0});
        assert_int_equal(exchange.failed, -1);
        if (exchange.err.code != rows[i].code)
            fail_msg("row %zu: %s: %s", i, error_code_name(exchange.err.code),
                     exchange.err.message);
        assert_int_equal(exchange.response.status, 0);
        assert_non_null(strstr(exchange.err.message, "http://127.0.0.1:"));
        assert_null(strstr(exchange.err.message, "query"));
        exchange_done(&exchange);
    }
}

/* A kept connection that breaks before the answer: sent again, a write would be made twice. The
 * script accepts no third request. */
static void test_a_lost_answer_is_not_asked_for_again(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        script_request("POST /first "),
        script_answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        script_request("POST /second "),
        script_close(),
    };
    const struct http_request request = {.method = "POST", .body = "x", .body_len = 1};
    struct exchange exchange = {.client = new_client(NULL)};
    arena_init(&exchange.arena);
    exchange.server = scripted_server_new(steps, COUNT(steps), NULL, NULL);
    send_again(&exchange, request, "/first");
    assert_int_equal(exchange.failed, 0);
    send_again(&exchange, request, "/second");
    assert_int_equal(exchange.failed, -1);
    assert_int_equal(exchange.err.code, ERR_TIMEOUT);
    scripted_server_finish(exchange.server);
    assert_int_equal(scripted_server_connection_count(exchange.server), 1);
    exchange_done(&exchange);
}

/* The limit counts what comes, whatever was announced. */
static void test_limit_of_unannounced_size(void **state)
{
    (void)state;
    static char big[100000 + 100];
    int head = snprintf(big, sizeof big, "HTTP/1.1 200 OK\r\n\r\n");
    for (size_t extra = 0; extra < 2; extra++) {
        memset(big + head, 'x', 100001);
        struct script_step steps[] = {script_request("GET "),
                                      {.action = SCRIPT_ANSWER,
                                       .text = big,
                                       .len = (size_t)head + 100000 + extra}};
        struct exchange exchange = exchange_with(steps, 2, (struct http_request){.method = "GET"});
        assert_int_equal(exchange.failed, extra ? -1 : 0);
        if (extra)
            assert_int_equal(exchange.err.code, ERR_LIMIT);
        else
            assert_int_equal(exchange.response.body_len, 100000);
        exchange_done(&exchange);
    }
}

static void test_nobody_there(void **state)
{
    (void)state;
    struct exchange exchange = {.client = new_client(NULL)};
    exchange.server = scripted_server_new(NULL, 0, NULL, NULL);
    scripted_server_finish(exchange.server); /* its port is closed now */
    send_again(&exchange, (struct http_request){.method = "GET"}, "/");
    assert_int_equal(exchange.failed, -1);
    assert_int_equal(exchange.err.code, ERR_UNAVAILABLE);
    struct http_request request = {.method = "GET", .url = "http://nowhere.invalid/"};
    assert_int_equal(exchange.client->send(exchange.client, &exchange.arena, &request,
                                           &exchange.response, &exchange.err),
                     -1);
    assert_int_equal(exchange.err.code, ERR_UNAVAILABLE);
    exchange_done(&exchange);
}

static void test_bad_requests(void **state)
{
    (void)state;
    static const struct http_header headers[] = {
        {"A", "b\r\nC: d"}, {"A", "b\nC: d"}, {"A: b", ""}, {"A\r\nB", "c"},
        {"", "x"},          {"A;", ""},       {"A ", "b"},
    };
    struct exchange exchange = {.client = new_client(NULL)};
    exchange.server = scripted_server_new(NULL, 0, NULL, NULL);
    for (size_t i = 0; i < COUNT(headers); i++) {
        send_again(
            &exchange,
            (struct http_request){.method = "GET", .headers = &headers[i], .header_count = 1}, "/");
        assert_int_equal(exchange.failed, -1);
        assert_int_equal(exchange.err.code, ERR_INVALID);
    }
    static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/", "",
                                       "127.0.0.1:80"};
    for (size_t i = 0; i < COUNT(urls); i++) {
        struct http_request request = {.method = "GET", .url = urls[i]};
        assert_int_equal(exchange.client->send(exchange.client, &exchange.arena, &request,
                                               &exchange.response, &exchange.err),
                         -1);
        assert_int_equal(exchange.err.code, ERR_INVALID);
    }
    exchange_done(&exchange);
}

/* The environment's proxy is not asked for loopback. The proxy here does not exist. */
static void test_no_proxy_for_loopback(void **state)
{
    (void)state;
    static const char *const own[] = {NULL, "", "example.com"};
    for (size_t i = 0; i < COUNT(own); i++) {
        static const struct script_step steps[] = {
            script_request("GET /path?query HTTP/1.1\r\n"),
            script_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        };
        setenv("http_proxy", "http://127.0.0.1:1", 1);
        if (own[i])
            setenv("no_proxy", own[i], 1);
        struct exchange exchange =
            exchange_with(steps, COUNT(steps), (struct http_request){.method = "GET"});
        assert_int_equal(exchange.failed, 0);
        exchange_done(&exchange);
        unsetenv("http_proxy");
        unsetenv("no_proxy");
    }
}

static void test_proxy_for_others(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        script_request("GET http://understudy.invalid/a HTTP/1.1\r\n"),
        script_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    };
    struct exchange exchange = {0};
    exchange.server = scripted_server_new(steps, COUNT(steps), NULL, NULL);
    setenv("http_proxy", scripted_server_url(exchange.server), 1);
    exchange.client = new_client(NULL);
    struct http_request request = {.method = "GET", .url = "http://understudy.invalid/a"};
    assert_int_equal(exchange.client->send(exchange.client, &exchange.arena, &request,
                                           &exchange.response, &exchange.err),
                     0);
    unsetenv("http_proxy");
    exchange_done(&exchange);
}

/* A proxy is told who asks; TLS goes through it, and what it refuses was never sent. */
static void test_proxy_with_password(void **state)
{
    (void)state;
    static const struct {
        const char *variable, *url, *line, *answer;
        enum error_code code;
    } rows[] = {
        {"http_proxy", "http://understudy.invalid/a",
         "GET http://understudy.invalid/a HTTP/1.1\r\nHost: understudy.invalid\r\n",
         "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ERR_NONE},
        {"https_proxy", "https://understudy.invalid/a",
         "CONNECT understudy.invalid:443 HTTP/1.1\r\nHost: understudy.invalid:443\r\n",
         "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", ERR_UNAVAILABLE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct script_step steps[] = {script_request(rows[i].line),
                                            script_answer(rows[i].answer)};
        struct exchange exchange = {0};
        char proxy[100];
        exchange.server = scripted_server_new(steps, COUNT(steps), NULL, NULL);
        snprintf(proxy, sizeof proxy, "http://user:p%%40ss@127.0.0.1:%d",
                 scripted_server_port(exchange.server));
        setenv(rows[i].variable, proxy, 1);
        exchange.client = new_client(NULL);
        struct http_request request = {.method = "GET", .url = rows[i].url};
        exchange.failed = exchange.client->send(exchange.client, &exchange.arena, &request,
                                                &exchange.response, &exchange.err);
        unsetenv(rows[i].variable);
        assert_int_equal(exchange.failed, rows[i].code == ERR_NONE ? 0 : -1);
        assert_int_equal(exchange.err.code, rows[i].code);
        scripted_server_finish(exchange.server);
        assert_non_null(strstr(scripted_server_received(exchange.server, 0),
                               "\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n"));
        exchange_done(&exchange);
    }
}

/* A server may close a connection that rests, and says so or not. */
static void test_closed_connections(void **state)
{
    (void)state;
    static const struct script_step said[] = {
        script_request("POST /first "),
        script_answer("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
        script_accept(),
        script_request("POST /second "),
        script_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    };
    static const struct script_step unsaid[] = {
        script_request("POST /first "),
        script_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        script_close(),
        script_request("POST /second "),
        script_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    };
    const struct http_request request = {.method = "POST", .body = "x", .body_len = 1};
    for (int i = 0; i < 2; i++) {
        struct exchange exchange = {.client = new_client(NULL)};
        arena_init(&exchange.arena);
        exchange.server = i ? scripted_server_new(unsaid, COUNT(unsaid), NULL, NULL)
                            : scripted_server_new(said, COUNT(said), NULL, NULL);
        send_again(&exchange, request, "/first");
        assert_int_equal(exchange.failed, 0);
        if (i) /* the close has to arrive before the second request is sent */
            scripted_server_await(exchange.server, 3);
        send_again(&exchange, request, "/second");
        if (exchange.failed)
            fail_msg("%s", exchange.err.message);
        scripted_server_finish(exchange.server);
        assert_int_equal(scripted_server_connection_count(exchange.server), 2);
        exchange_done(&exchange);
    }
}

/* An answer that comes while the request is still being sent is the answer; that connection serves
 * nothing else. */
static void test_answered_early(void **state)
{
    (void)state;
    static char big[8 << 20];
    static const struct script_step steps[] = {
        script_accept(),
        script_answer("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"),
        script_wait(),
        script_hang(),
    };
    memset(big, 'x', sizeof big - 1);
    struct exchange exchange = exchange_with(steps, COUNT(steps),
                                             (struct http_request){.method = "POST",
                                                                   .body = big,
                                                                   .body_len = sizeof big - 1});
    scripted_server_go(exchange.server);
    if (exchange.failed)
        fail_msg("%s", exchange.err.message);
    assert_int_equal(exchange.response.status, 413);
    exchange_done(&exchange);
}

/* A thread keeps few connections: the one that rested longest makes room. */
static void test_many_servers(void **state)
{
    (void)state;
    enum { SERVERS = 7, FORGOTTEN = 2 };
    const struct script_step answer = script_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    const struct script_step kept[] = {script_request("GET "), answer, script_request("GET "),
                                       answer};
    const struct script_step again[] = {script_request("GET "), answer, script_accept(),
                                        script_request("GET "), answer};
    struct transport *client = new_client(NULL);
    struct exchange exchanges[SERVERS];
    for (size_t i = 0; i < SERVERS; i++) {
        exchanges[i] = (struct exchange){.client = client};
        arena_init(&exchanges[i].arena);
        exchanges[i].server = i < FORGOTTEN ? scripted_server_new(again, COUNT(again), NULL, NULL)
                                            : scripted_server_new(kept, COUNT(kept), NULL, NULL);
    }
    for (size_t n = 0; n < 2 * SERVERS; n++) { /* 0 to 6, then 6 to 0 */
        struct exchange *exchange = &exchanges[n < SERVERS ? n : 2 * SERVERS - 1 - n];
        send_again(exchange, (struct http_request){.method = "GET"}, "/");
        assert_int_equal(exchange->failed, 0);
    }
    for (size_t i = 0; i < SERVERS; i++) {
        scripted_server_finish(exchanges[i].server);
        assert_int_equal(scripted_server_connection_count(exchanges[i].server),
                         i < FORGOTTEN ? 2 : 1);
        scripted_server_free(exchanges[i].server);
        arena_done(&exchanges[i].arena);
    }
    http_client_free(client);
}

/* What is stopped is not waited for; the request had left. */
static void test_stopped(void **state)
{
    (void)state;
    static const struct script_step steps[] = {script_request("POST "), script_hang()};
    struct stop stop;
    stop_init(&stop, clock_system());
    stop_due_in(&stop, 300);
    struct exchange exchange = exchange_with(
        steps, COUNT(steps),
        (struct http_request){.method = "POST", .body = "x", .body_len = 1, .stop = &stop});
    assert_int_equal(exchange.failed, -1);
    assert_int_equal(exchange.err.code, ERR_TIMEOUT);
    assert_int_equal(stop_left_ms(&stop), 0);
    exchange_done(&exchange);
}

/* ---- TLS: an authority, a certificate of it for 127.0.0.1 and one for another name ---- */

static char tls_folder[] = "/tmp/understudy-test-XXXXXX";

static const char *tls_file(const char *name)
{
    static char paths[4][64];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", tls_folder, name);
    return path;
}

static void run(const char *const *argv)
{
    pid_t child = fork();
    if (child == 0) {
        if (chdir(tls_folder) == 0 && freopen("log", "w", stderr))
            execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void make_authority(const char *certificate, const char *key)
{
    const char *const argv[] = {"openssl",
                                "req",
                                "-x509",
                                "-newkey",
                                "ec",
                                "-pkeyopt",
                                "ec_paramgen_curve:prime256v1",
                                "-nodes",
                                "-days",
                                "2",
                                "-subj",
                                "/CN=test authority",
                                "-keyout",
                                key,
                                "-out",
                                certificate,
                                NULL};
    run(argv);
}

static void make_certificate(const char *certificate, const char *key, const char *names)
{
    const char *const argv[] = {"openssl",
                                "req",
                                "-x509",
                                "-newkey",
                                "ec",
                                "-pkeyopt",
                                "ec_paramgen_curve:prime256v1",
                                "-nodes",
                                "-days",
                                "2",
                                "-subj",
                                "/CN=test server",
                                "-addext",
                                names,
                                "-addext",
                                "basicConstraints=critical,CA:FALSE",
                                "-CA",
                                "ca.pem",
                                "-CAkey",
                                "ca.key",
                                "-keyout",
                                key,
                                "-out",
                                certificate,
                                NULL};
    run(argv);
}

static int make_certificates(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(tls_folder));
    make_authority("ca.pem", "ca.key");
    make_authority("other.pem", "other.key");
    make_certificate("here.pem", "here.key", "subjectAltName=IP:127.0.0.1");
    make_certificate("there.pem", "there.key", "subjectAltName=DNS:there.example");
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    static const char *const names[] = {"ca.pem",    "ca.key",    "other.pem",
                                        "other.key", "here.pem",  "here.key",
                                        "there.pem", "there.key", "log"};
    for (size_t i = 0; i < COUNT(names); i++)
        unlink(tls_file(names[i]));
    return rmdir(tls_folder);
}

static void test_tls(void **state)
{
    (void)state;
    static const struct {
        const char *bundle, *certificate, *key;
        enum error_code code;
        const char *says;
    } rows[] = {
        {"ca.pem", "here.pem", "here.key", ERR_NONE, NULL},
        {"other.pem", "here.pem", "here.key", ERR_DENIED, "other.pem (AWS_CA_BUNDLE"},
        {NULL, "here.pem", "here.key", ERR_DENIED, "AWS_CA_BUNDLE"},
        {"ca.pem", "there.pem", "there.key", ERR_DENIED, "127.0.0.1"},
        {"log", "here.pem", "here.key", ERR_DENIED,
         "no certificate of an authority could be read; the CA bundle in use is"}, /* not PEM */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool works = rows[i].code == ERR_NONE;
        static const struct script_step works_steps[] = {
            script_request("GET /first "),
            script_answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
            script_request("GET /second "),
            script_answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        };
        static const struct script_step refused_steps[] = {script_hang()};
        struct exchange exchange = {
            .client = new_client(rows[i].bundle ? tls_file(rows[i].bundle) : NULL)};
        exchange.server =
            scripted_server_new(works ? works_steps : refused_steps, works ? COUNT(works_steps) : 1,
                                tls_file(rows[i].certificate), tls_file(rows[i].key));
        send_again(&exchange, (struct http_request){.method = "GET"}, "/first");
        assert_int_equal(exchange.failed, works ? 0 : -1);
        if (exchange.err.code != rows[i].code)
            fail_msg("row %zu: %s: %s", i, error_code_name(exchange.err.code),
                     exchange.err.message);
        if (works) {
            send_again(&exchange, (struct http_request){.method = "GET"}, "/second");
            assert_int_equal(exchange.failed, 0);
            assert_string_equal(exchange.response.body, "ok");
            assert_int_equal(scripted_server_connection_count(exchange.server), 1);
        } else if (!strstr(exchange.err.message, rows[i].says)) {
            fail_msg("row %zu: %s", i, exchange.err.message);
        }
        exchange_done(&exchange);
    }
}

static void test_missing_bundle(void **state)
{
    (void)state;
    struct http_client_options options = {.ca_bundle = "/nonexistent/bundle.pem"};
    struct error err = {0};
    assert_null(http_client_new(&options, &err));
    assert_non_null(strstr(err.message, "/nonexistent/bundle.pem"));
}

/* SIGPIPE is left alone by the program: a connection that breaks while much is written to it must
 * be an error, not the end. */
static void test_broken_pipe(void **state)
{
    (void)state;
    static char big[4 << 20];
    memset(big, 'x', sizeof big - 1);
    for (int tls = 0; tls < 2; tls++) {
        static const struct script_step steps[] = {script_accept(), script_reset()};
        struct exchange exchange = {.client = new_client(tls_file("ca.pem"))};
        exchange.server =
            scripted_server_new(steps, COUNT(steps), tls ? tls_file("here.pem") : NULL,
                                tls ? tls_file("here.key") : NULL);
        send_again(&exchange,
                   (struct http_request){.method = "POST", .body = big, .body_len = sizeof big - 1},
                   "/");
        assert_int_equal(exchange.failed, -1);
        assert_int_equal(exchange.err.code, ERR_UNAVAILABLE);
        exchange_done(&exchange);
    }
}

struct many {
    struct transport *client;
    const char *url;
    unsigned answered;
};

static void *send_many(void *arg)
{
    struct many *many = arg;
    struct http_request request = {.method = "GET", .url = many->url};
    for (unsigned i = 0; i < 4; i++) {
        struct arena arena;
        struct http_response response;
        struct error err = {0};
        arena_init(&arena);
        if (many->client->send(many->client, &arena, &request, &response, &err) == 0)
            many->answered += response.status == 200;
        arena_done(&arena);
    }
    return NULL;
}

/* Threads share names and TLS sessions; their handles end with them, the main thread's with the
 * client (the leak checker looks). */
static void test_threads(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    struct transport *client = new_client(tls_file("ca.pem"));
    struct scripted_server *servers[THREADS];
    struct many many[THREADS];
    pthread_t threads[THREADS];
    struct script_step steps[8];
    for (unsigned i = 0; i < 4; i++) {
        steps[2 * i] = script_request("GET ");
        steps[2 * i + 1] = script_answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
    for (unsigned i = 0; i < THREADS; i++) {
        servers[i] = scripted_server_new(steps, 8, tls_file("here.pem"), tls_file("here.key"));
        many[i] = (struct many){client, scripted_server_url(servers[i]), 0};
        if (i)
            assert_int_equal(pthread_create(&threads[i], NULL, send_many, &many[i]), 0);
        else
            send_many(&many[i]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        if (i)
            pthread_join(threads[i], NULL);
        assert_int_equal(many[i].answered, 4);
        scripted_server_finish(servers[i]);
        scripted_server_free(servers[i]);
    }
    http_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_post),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_nothing_tidied),
        cmocka_unit_test(test_redirects_are_answers),
        cmocka_unit_test(test_interim_and_chunked),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_a_lost_answer_is_not_asked_for_again),
        cmocka_unit_test(test_limit_of_unannounced_size),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_bad_requests),
        cmocka_unit_test(test_no_proxy_for_loopback),
        cmocka_unit_test(test_proxy_for_others),
        cmocka_unit_test(test_proxy_with_password),
        cmocka_unit_test(test_closed_connections),
        cmocka_unit_test(test_answered_early),
        cmocka_unit_test(test_many_servers),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_missing_bundle),
        cmocka_unit_test(test_broken_pipe),
        cmocka_unit_test(test_threads),
    };
    static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                          "ALL_PROXY",  "no_proxy",    "NO_PROXY"};
    for (size_t i = 0; i < COUNT(proxies); i++)
        unsetenv(proxies[i]);
    struct error err;
    if (http_client_setup(&err) != 0)
        return 1;
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
