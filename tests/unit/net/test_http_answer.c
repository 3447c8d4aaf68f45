#include "net/http_answer.h"

#include "base/arena.h"
#include "support/test.h"

#include <stdio.h>

enum { LIMIT = 10 };

static const struct row {
    const char *stream;
    enum http_answer_state state;
    int status;
    const char *body, *headers; /* "Name=value;..." */
    bool closed, to_head, keep_alive, too_large;
} rows[] = {
    {.stream = "HTTP/1.1 200 OK\r\nA: b\r\nC:\r\nD:\t e f \t\r\nContent-Length: 2\r\n\r\nhi",
     .state = HTTP_ANSWER_DONE,
     .status = 200,
     .body = "hi",
     .headers = "A=b;C=;D=e f;Content-Length=2;",
     .keep_alive = true},
    {.stream = "HTTP/1.1 400 Bad\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
     .state = HTTP_ANSWER_DONE,
     .status = 400,
     .headers = "Connection=close;Content-Length=0;"},
    {.stream = "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
     .state = HTTP_ANSWER_DONE,
     .status = 200,
     .body = "x",
     .headers = "Content-Length=1;"},
    {.stream = "HTTP/1.1 204 No Content\r\n\r\n",
     .state = HTTP_ANSWER_DONE,
     .status = 204,
     .headers = "",
     .keep_alive = true},
    {.stream = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
     .state = HTTP_ANSWER_DONE,
     .status = 200,
     .headers = "Content-Length=9;",
     .to_head = true,
     .keep_alive = true},
    /* What is announced does not count where there is no body. */
    {.stream = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n",
     .state = HTTP_ANSWER_DONE,
     .status = 200,
     .headers = "Content-Length=11;",
     .to_head = true,
     .keep_alive = true},
    {.stream = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n"
               "0\r\nTrailer: t\r\n\r\n",
     .state = HTTP_ANSWER_DONE,
     .status = 200,
     .body = "abcd",
     .headers = "Transfer-Encoding=chunked;",
     .keep_alive = true},
    {.stream = "HTTP/1.1 100 Continue\r\nI: 1\r\n\r\nHTTP/1.1 103 Hints\r\n\r\n"
               "HTTP/1.1 200 OK\r\nF: 2\r\nContent-Length: 1\r\n\r\nx",
     .state = HTTP_ANSWER_DONE,
     .status = 200,
     .body = "x",
     .headers = "F=2;Content-Length=1;",
     .keep_alive = true},
    {.stream = "HTTP/1.1 200 OK\r\n\r\nrest",
     .state = HTTP_ANSWER_DONE,
     .status = 200,
     .body = "rest",
     .headers = "",
     .closed = true},
    {.stream = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nshor", .state = HTTP_ANSWER_MORE},
    {.stream = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nshor",
     .state = HTTP_ANSWER_BAD,
     .closed = true},
    {.stream = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
     .state = HTTP_ANSWER_BAD,
     .closed = true},
    {.stream = "", .state = HTTP_ANSWER_BAD, .closed = true},
    {.stream = "HTTP/1.1 100 Continue\r\n\r\n", .state = HTTP_ANSWER_BAD, .closed = true},
    {.stream = "SSH-2.0-OpenSSH\r\n", .state = HTTP_ANSWER_BAD},
    {.stream = "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", .state = HTTP_ANSWER_BAD},
    {.stream = "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", .state = HTTP_ANSWER_BAD},
    {.stream = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
     .state = HTTP_ANSWER_BAD},
    {.stream = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
     .state = HTTP_ANSWER_BAD},
    {.stream = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1234567890",
     .state = HTTP_ANSWER_DONE,
     .status = 200,
     .body = "1234567890",
     .headers = "Content-Length=10;",
     .keep_alive = true},
    {.stream = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n",
     .state = HTTP_ANSWER_BAD,
     .too_large = true},
    {.stream = "HTTP/1.1 200 OK\r\n\r\n12345678901", .state = HTTP_ANSWER_BAD, .too_large = true},
    {.stream = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n5\r\nabcde\r\n",
     .state = HTTP_ANSWER_BAD,
     .too_large = true},
};

static void check(const struct row *row, size_t number, size_t first, size_t step)
{
    struct arena arena;
    struct buf body, headers;
    struct http_answer answer;
    size_t len = strlen(row->stream), at = 0;
    arena_init(&arena);
    buf_init(&body, LIMIT);
    buf_init(&headers, 1000);
    http_answer_init(&answer, &arena, &body, row->to_head);
    while (at < len) {
        size_t piece = at ? step : first;
        if (piece > len - at)
            piece = len - at;
        http_answer_add(&answer, row->stream + at, piece);
        at += piece;
    }
    if (row->closed)
        http_answer_end(&answer);
    if (answer.state != row->state)
        fail_msg("row %zu, cut behind %zu: state %d (%s)", number, first, (int)answer.state,
                 answer.reason ? answer.reason : "no reason");
    assert_int_equal(answer.keep_alive, row->keep_alive);
    assert_int_equal(answer.too_large, row->too_large);
    assert_int_equal(answer.reason != NULL, row->state == HTTP_ANSWER_BAD);
    if (row->state == HTTP_ANSWER_DONE) {
        for (size_t i = 0; i < answer.header_count; i++)
            buf_printf(&headers, "%s=%s;", answer.headers[i].name, answer.headers[i].value);
        assert_string_equal(buf_text(&headers), row->headers);
        assert_string_equal(buf_text(&body), row->body ? row->body : "");
        assert_int_equal(answer.status, row->status);
    }
    buf_done(&headers);
    buf_done(&body);
    arena_done(&arena);
}

/* However the stream is cut. */
static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t len = strlen(rows[i].stream);
        check(&rows[i], i, 1, 1);
        for (size_t cut = 1; cut <= len; cut++)
            check(&rows[i], i, cut, len);
    }
}

/* What nobody asked for must not be taken for the answer to the next request. */
static void test_more_than_an_answer(void **state)
{
    (void)state;
    static const char stream[] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n";
    struct arena arena;
    struct buf body;
    struct http_answer answer;
    arena_init(&arena);
    buf_init(&body, LIMIT);
    http_answer_init(&answer, &arena, &body, false);
    http_answer_add(&answer, stream, sizeof stream - 1);
    assert_int_equal(answer.state, HTTP_ANSWER_DONE);
    assert_string_equal(buf_text(&body), "x");
    assert_false(answer.keep_alive);
    buf_done(&body);
    arena_done(&arena);
}

static void test_large_heads(void **state)
{
    (void)state;
    static char line[70000];
    struct arena arena;
    struct buf body;
    struct http_answer answer;
    memset(line, 'x', sizeof line - 1);
    arena_init(&arena);
    buf_init(&body, LIMIT);
    http_answer_init(&answer, &arena, &body, false);
    /* One head, then many interim ones. */
    for (int i = 0; i < 10 && answer.state == HTTP_ANSWER_MORE; i++) {
        http_answer_add(&answer, "HTTP/1.1 100 Continue\r\nA: ", 26);
        http_answer_add(&answer, line, sizeof line - 1);
        http_answer_add(&answer, "\r\n\r\n", 4);
    }
    assert_int_equal(answer.state, HTTP_ANSWER_BAD);
    assert_true(answer.too_large);
    buf_done(&body);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_more_than_an_answer),
        cmocka_unit_test(test_large_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
