#include "net/http_reader.h"

#include "base/arena.h"
#include "support/test.h"

static const struct http_reader_limits limits = {.head_bytes = 1000,
                                                 .body_bytes = 100,
                                                 .field_count = 10};

#define HOST "Host: h\r\n"

/* What the rows expect is RFC 9112's; where it leaves a choice, the strict one. */
static const struct {
    const char *text;
    const char *method, *target, *body;
    bool keep_alive;
} good[] = {
    {"GET / HTTP/1.1\r\n" HOST "\r\n", "GET", "/", "", true},
    {"GET /a/b?c=d&e HTTP/1.1\r\n" HOST "\r\n", "GET", "/a/b?c=d&e", "", true},
    {"\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "GET", "/", "", true},
    {"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "GET", "/", "", false},
    {"GET / HTTP/1.1\r\n" HOST "Connection: x, Close\r\n\r\n", "GET", "/", "", false},
    {"GET / HTTP/1.0\r\n\r\n", "GET", "/", "", false},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET", "/", "", true},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", "POST", "/", "abc", true},
    {"POST / HTTP/1.1\r\n" HOST "content-length:\t3  \r\n\r\nabc", "POST", "/", "abc", true},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "POST", "/", "", true},
    {"POST / HTTP/1.1\r\n" HOST "\r\n", "POST", "/", "", true},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", "GET", "/", "abc", true},
    {"HEAD / HTTP/1.1\r\n" HOST "\r\n", "HEAD", "/", "", true},
    {"PUT /x HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n\n", "PUT", "/x", "\n", true},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
     "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
     "POST", "/", "abc0123456789", true},
    {"POST / HTTP/1.1\r\n" HOST "transfer-encoding: Chunked\r\n\r\n0\r\n\r\n", "POST", "/", "",
     true},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
     "003;name=value\r\nabc\r\n2 ;x\r\nde\r\n0\r\nTrailer: t\r\nAnother: u\r\n\r\n",
     "POST", "/", "abcde", true},
    /* an offer to speak something else is not taken up */
    {"GET / HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
     "HTTP2-Settings: AA\r\n\r\n",
     "GET", "/", "", true},
    {"POST / HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\nab",
     "POST", "/", "ab", true},
    {"GET / HTTP/1.1\r\n" HOST "Empty:\r\nBlank: \t \r\nInner: a \t b\r\nUtf8: \xc3\xa9\r\n\r\n",
     "GET", "/", "", true},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET", "/", "", true},
};

static const struct {
    const char *text;
    int status;
} bad[] = {
    /* request line */
    {"FOO / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"get / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET  / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /  HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400},
    {" GET / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.1 \r\n" HOST "\r\n", 400},
    {"GET /a b HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a\tb HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a\x01 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a\x7f HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET http://h/ HTTP/1.1\r\n" HOST "\r\n", 400},
    {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET a HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.1\n" HOST "\r\n", 400},
    {"GET /\r\n\r\n", 505}, /* HTTP/0.9 */
    {"GET / HTTP/0.9\r\n" HOST "\r\n", 505},
    {"GET / HTTP/1.2\r\n" HOST "\r\n", 505},
    {"GET / HTTP/2.0\r\n" HOST "\r\n", 505},
    {"GET / HTTP/11.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.01\r\n" HOST "\r\n", 400},
    {"GET / HTTP/x.1\r\n" HOST "\r\n", 400},
    {"GET / http/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTQ/1.1\r\n" HOST "\r\n", 400},
    {"SOURCE / ICE/1.1\r\n" HOST "\r\n", 400},
    {"CONNECT h:80 HTTP/1.1\r\n" HOST "\r\n", 501},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
    {"\x16\x03\x01\x02", 400}, /* TLS knocks */
    /* fields */
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400},
    {"GET / HTTP/1.0\r\n" HOST HOST "\r\n", 400},
    {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "A B: c\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST " A: c\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST ": c\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "A\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "A\t: c\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "A\x01: c\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "A\": c\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "A(: c\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "\xc3\xa9: c\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "A: b\r\n folded\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "A:\r\n\tfolded\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "A: b\r\n \r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "A: b\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "A: b\nB: c\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "A: b\rB: c\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "A:\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "A: b\r\n\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "A: b\r\n\rX", 400},
    {"GET / HTTP/1.1\r\n" HOST "A: \x01\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "A: \x7f\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "Connection: \x01\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "Connection: close\x01\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "Expect: something\r\n\r\n", 417},
    {"GET / HTTP/1.1\r\n" HOST "1: \r\n2: \r\n3: \r\n4: \r\n5: \r\n6: \r\n7: \r\n8: \r\n9: \r\n"
     "10: \r\n\r\n",
     431},
    /* the body's length */
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 101\r\n\r\n", 413},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551616\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: -3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3abc\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3 3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3\t\r\n\r\nabc", 400}, /* http-parser's choice */
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, chunked\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     501},
/* chunks */
#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
    {CHUNKED "65\r\n", 413},
    {CHUNKED "64\r\n0123456789012345678901234567890123456789012345678901234567890123456789"
             "012345678901234567890123456789\r\n1\r\n",
     413},
    {CHUNKED "FFFFFFFFFFFFFFF\r\n", 413},
    {CHUNKED "FFFFFFFFFFFFFFFF\r\n", 400},
    {CHUNKED "10000000000000000\r\n", 400},
    {CHUNKED "g\r\n", 400},
    {CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "-3\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED " 3\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "3\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "3\rXabc\r\n0\r\n\r\n", 400},
    {CHUNKED "3\r\nabcXY0\r\n\r\n", 400},
    {CHUNKED "3\r\nabc\r0\r\n\r\n", 400},
    {CHUNKED "3\r\nabc\n0\r\n\r\n", 400},
    {CHUNKED "3\r\nabcd\r\n0\r\n\r\n", 400},
    {CHUNKED "0\r\n\n", 400},
    {CHUNKED "0\r\nA: b\r\n\rX", 400},
    {CHUNKED "0\r\nA\x01: b\r\n\r\n", 400},
    {CHUNKED
     "0\r\n1: \r\n2: \r\n3: \r\n4: \r\n5: \r\n6: \r\n7: \r\n8: \r\n9: \r\n10: \r\n11: \r\n\r\n",
     431},
};

/* Feeds in pieces of `step` bytes until the reader has its mind made up; the bytes it took. */
static size_t feed(struct http_reader *reader, const char *text, size_t len, size_t step)
{
    size_t at = 0;
    while (at < len && reader->state == HTTP_READER_MORE) {
        size_t room, piece = len - at < step ? len - at : step;
        char *to = http_reader_room(reader, &room);
        if (piece > room)
            piece = room;
        memcpy(to, text + at, piece);
        http_reader_add(reader, piece);
        at += piece;
    }
    return at;
}

static const size_t steps[] = {100000, 1, 2, 7};

static void assert_text(struct text view, const char *expected)
{
    assert_int_equal(view.len, strlen(expected));
    if (view.len)
        assert_memory_equal(view.data, expected, view.len);
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good) * COUNT(steps); i++) {
        const size_t row = i / COUNT(steps);
        struct http_reader reader;
        http_reader_init(&reader, &limits);
        size_t len = strlen(good[row].text);
        assert_int_equal(feed(&reader, good[row].text, len, steps[i % COUNT(steps)]), len);
        if (reader.state != HTTP_READER_DONE)
            fail_msg("%s: %d %s", good[row].text, reader.status, reader.reason);
        assert_text(reader.in.method, good[row].method);
        assert_text(reader.in.target, good[row].target);
        assert_text(reader.in.body, good[row].body);
        assert_int_equal(reader.keep_alive, good[row].keep_alive);
        assert_int_equal(http_reader_started(&reader), true);
        http_reader_next(&reader);
        assert_int_equal(reader.state, HTTP_READER_MORE);
        assert_int_equal(http_reader_started(&reader), false);
        http_reader_done(&reader);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad) * COUNT(steps); i++) {
        const size_t row = i / COUNT(steps);
        struct http_reader reader;
        http_reader_init(&reader, &limits);
        feed(&reader, bad[row].text, strlen(bad[row].text), steps[i % COUNT(steps)]);
        if (reader.state != HTTP_READER_BAD || reader.status != bad[row].status)
            fail_msg("row %zu by %zu: %s: state %d, status %d, %s", row, steps[i % COUNT(steps)],
                     bad[row].text, reader.state, reader.status,
                     reader.reason ? reader.reason : "");
        assert_non_null(reader.reason);
        assert_false(reader.keep_alive);
        http_reader_done(&reader);
    }
}

/* NUL bytes anywhere but in a body. */
static void test_nul_bytes(void **state)
{
    (void)state;
    static const char text[] = "POST /path HTTP/1.1\r\n" HOST "Name: value\r\n"
                               "Content-Length: 3\r\n\r\nabc";
    char copy[sizeof text];
    for (size_t i = 0; i < sizeof text - 1; i++) {
        for (size_t s = 0; s < COUNT(steps); s++) {
            struct http_reader reader;
            http_reader_init(&reader, &limits);
            memcpy(copy, text, sizeof text);
            copy[i] = '\0';
            feed(&reader, copy, sizeof text - 1, steps[s]);
            bool body = i >= sizeof text - 4;
            assert_int_equal(reader.state, body ? HTTP_READER_DONE : HTTP_READER_BAD);
            if (!body)
                assert_int_equal(reader.status, 400);
            http_reader_done(&reader);
        }
    }
}

static void test_fields(void **state)
{
    (void)state;
    static const char text[] = "GET /p?a=b?c HTTP/1.1\r\nhOsT:h:80\r\nX-Amz-Date:   now \r\n"
                               "Empty:\r\nx-amz-DATE: later\r\n\r\n";
    for (size_t s = 0; s < COUNT(steps); s++) {
        struct http_reader reader;
        http_reader_init(&reader, &limits);
        feed(&reader, text, sizeof text - 1, steps[s]);
        assert_int_equal(reader.state, HTTP_READER_DONE);
        const struct http_incoming *in = &reader.in;
        assert_text(in->path, "/p");
        assert_text(in->query, "a=b?c");
        assert_int_equal(in->field_count, 4);
        assert_text(in->fields[0].name, "hOsT"); /* spelled as received */
        assert_text(in->fields[1].name, "X-Amz-Date");
        assert_text(in->fields[1].value, "now");
        assert_text(http_incoming_field(in, "host"), "h:80");
        assert_text(http_incoming_field(in, "x-amz-date"), "now");
        assert_text(http_incoming_field(in, "empty"), "");
        assert_non_null(http_incoming_field(in, "empty").data);
        assert_null(http_incoming_field(in, "absent").data);
        http_reader_done(&reader);
    }
}

static void test_query_absent_or_empty(void **state)
{
    (void)state;
    static const char *const texts[] = {"GET /p HTTP/1.1\r\n" HOST "\r\n",
                                        "GET /p? HTTP/1.1\r\n" HOST "\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct http_reader reader;
        http_reader_init(&reader, &limits);
        feed(&reader, texts[i], strlen(texts[i]), 1000);
        assert_text(reader.in.path, "/p");
        assert_int_equal(reader.in.query.len, 0);
        assert_int_equal(reader.in.query.data != NULL, i == 1);
        http_reader_done(&reader);
    }
}

/* A head of exactly the limit is taken, one byte more is not, however it comes. */
static void test_head_limit(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(steps); i++) {
        size_t extra = i % 2;
        char text[2000];
        int len = snprintf(text, sizeof text, "GET /");
        memset(text + len, 'a', 1000);
        snprintf(text + 1000 - 25 + extra, sizeof text - 1000, " HTTP/1.1\r\nHost: hos\r\n\r\n");
        assert_int_equal(strlen(text), 1000 - 1 + extra);
        /* 999 or 1000 bytes; one more makes it 1000 or 1001 */
        struct http_reader reader;
        http_reader_init(&reader, &limits);
        char padded[2000];
        snprintf(padded, sizeof padded, "GET /a%s", text + 5);
        feed(&reader, padded, strlen(padded), steps[i / 2]);
        assert_int_equal(reader.state, extra ? HTTP_READER_BAD : HTTP_READER_DONE);
        if (extra)
            assert_int_equal(reader.status, 431);
        http_reader_done(&reader);
    }
}

static void test_endless_heads(void **state)
{
    (void)state;
    static const char *const starts[] = {"GET /", "GET / HTTP/1.1\r\nA",
                                         "GET / HTTP/1.1\r\nA: ", "\r\n"};
    static const char fills[] = {'a', 'a', 'a', '\n'};
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct http_reader reader;
        http_reader_init(&reader, &limits);
        feed(&reader, starts[i], strlen(starts[i]), 1000);
        size_t fed = strlen(starts[i]);
        while (reader.state == HTTP_READER_MORE && fed < 5000)
            fed += feed(&reader, &fills[i], 1, 1);
        assert_int_equal(reader.status, 431);
        assert_int_equal(fed, limits.head_bytes + 1);
        http_reader_done(&reader);
    }
}

static void test_pipelined(void **state)
{
    (void)state;
    static const char text[] = "POST /1 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
                               "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n" CHUNKED "2\r\nde\r\n0\r\n\r\n"
                               "POST /4 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nfgGET";
    static const char *const bodies[] = {"abc", "", "de", "fg"};
    for (size_t s = 0; s < COUNT(steps); s++) {
        struct http_reader reader;
        size_t at = 0, len = sizeof text - 1;
        http_reader_init(&reader, &limits);
        for (size_t i = 0; i < COUNT(bodies); i++) {
            at += feed(&reader, text + at, len - at, steps[s]);
            assert_int_equal(reader.state, HTTP_READER_DONE);
            assert_text(reader.in.body, bodies[i]);
            http_reader_next(&reader);
        }
        at += feed(&reader, text + at, len - at, steps[s]);
        assert_int_equal(at, len);
        assert_int_equal(reader.state, HTTP_READER_MORE);
        assert_true(http_reader_started(&reader)); /* "GET" */
        http_reader_done(&reader);
    }
}

/* Many pipelined requests, read in pieces that never end with one: the buffer stays small. */
static void test_memory_of_pipelining(void **state)
{
    (void)state;
    static const char text[] = "POST / HTTP/1.1\r\n" HOST "Content-Length: 40\r\n\r\n"
                               "0123456789012345678901234567890123456789";
    struct http_reader reader;
    size_t done = 0, put = 0;
    http_reader_init(&reader, &limits);
    while (done < 10000) {
        size_t room;
        char *to = http_reader_room(&reader, &room);
        for (size_t i = 0; i < room; i++)
            to[i] = text[put++ % (sizeof text - 1)];
        http_reader_add(&reader, room);
        for (; reader.state == HTTP_READER_DONE; done++) {
            assert_text(reader.in.body, text + sizeof text - 1 - 40);
            http_reader_next(&reader);
        }
        assert_int_equal(reader.state, HTTP_READER_MORE);
    }
    assert_true(reader.capacity <= 8192);
    http_reader_done(&reader);
}

/* One-byte chunks with long extensions: memory follows the body, not the wire. */
static void test_memory_of_chunks(void **state)
{
    (void)state;
    char chunk[600];
    snprintf(chunk, sizeof chunk, "1;%0500d\r\nx\r\n", 1);
    struct http_reader reader;
    http_reader_init(&reader, &limits);
    feed(&reader, CHUNKED, strlen(CHUNKED), 1000);
    for (size_t i = 0; i < limits.body_bytes; i++) {
        assert_int_equal(reader.state, HTTP_READER_MORE);
        feed(&reader, chunk, strlen(chunk), 100);
    }
    assert_true(reader.capacity <= 8192);
    feed(&reader, "0\r\n\r\n", 5, 5);
    assert_int_equal(reader.state, HTTP_READER_DONE);
    assert_int_equal(reader.in.body.len, limits.body_bytes);
    http_reader_done(&reader);
}

/* A large body moves the buffer; the views of the head move along. */
static void test_growth(void **state)
{
    (void)state;
    static const struct http_reader_limits large = {.head_bytes = 16384,
                                                    .body_bytes = 1 << 20,
                                                    .field_count = 10};
    static char body[1 << 20];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)(i * 31 >> 3);
    for (size_t chunked = 0; chunked < 2; chunked++) {
        struct http_reader reader;
        http_reader_init(&reader, &large);
        char head[200];
        snprintf(head, sizeof head, "POST /path HTTP/1.1\r\nHost: somewhere\r\n%s\r\n\r\n%s",
                 chunked ? "Transfer-Encoding: chunked" : "Content-Length: 1048576",
                 chunked ? "100000\r\n" : "");
        feed(&reader, head, strlen(head), 10);
        feed(&reader, body, sizeof body, 1000);
        if (chunked)
            feed(&reader, "\r\n0\r\n\r\n", 7, 3);
        assert_int_equal(reader.state, HTTP_READER_DONE);
        assert_int_equal(reader.in.body.len, sizeof body);
        assert_memory_equal(reader.in.body.data, body, sizeof body);
        assert_text(reader.in.path, "/path");
        assert_text(http_incoming_field(&reader.in, "host"), "somewhere");
        http_reader_reset(&reader);
        assert_true(reader.capacity <= 65536); /* not kept for the next, smaller one */
        http_reader_done(&reader);
    }
}

static size_t large_on_p(void *arg, struct text method, struct text path)
{
    (void)arg;
    return text_is(method, "POST") && text_is(path, "/p") ? 100000 : 0;
}

/* Where a request may be larger than usual, what all of them hold together is bounded, and given
 * back with its memory when the answer is out. */
static void test_large_bodies(void **state)
{
    (void)state;
    static _Atomic size_t held;
    static char body[90000];
    const struct http_reader_limits large = {.head_bytes = 1000,
                                             .body_bytes = 100,
                                             .field_count = 10,
                                             .large_body = large_on_p,
                                             .large_bytes = 100000,
                                             .large_held = &held};
    static const char head[] = "POST /p?q HTTP/1.1\r\n" HOST "Content-Length: 90000\r\n\r\n";
    static const struct {
        const char *text;
        int status;
    } rows[] = {{"POST /p HTTP/1.1\r\n" HOST "Content-Length: 100001\r\n\r\n", 413},
                {"PUT /p HTTP/1.1\r\n" HOST "Content-Length: 101\r\n\r\n", 413},
                {"POST /p HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n65\r\n", 413},
                {head, 503}};
    struct http_reader reader, other;
    http_reader_init(&reader, &large);
    feed(&reader, head, strlen(head), 10);
    feed(&reader, body, sizeof body, 1000);
    assert_int_equal(reader.state, HTTP_READER_DONE);
    assert_int_equal(reader.in.body.len, sizeof body);
    assert_int_equal(held, sizeof body);
    for (size_t i = 0; i < COUNT(rows); i++) {
        http_reader_init(&other, &large);
        feed(&other, rows[i].text, strlen(rows[i].text), 1000);
        assert_int_equal(other.state, HTTP_READER_BAD);
        assert_int_equal(other.status, rows[i].status);
        http_reader_done(&other);
    }
    http_reader_next(&reader);
    assert_int_equal(held, 0);
    assert_true(reader.capacity <= 65536);
    feed(&reader, head, strlen(head), 10);
    assert_int_equal(held, sizeof body);
    http_reader_done(&reader);
    assert_int_equal(held, 0);
}

static void test_wants_continue(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool wants;
    } rows[] = {
        {"POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", true},
        {"POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n", true},
        {"POST / HTTP/1.0\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", false},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct http_reader reader;
        http_reader_init(&reader, &limits);
        feed(&reader, rows[i].text, strlen(rows[i].text), 1000);
        assert_int_equal(reader.state, HTTP_READER_MORE);
        assert_true(reader.head_done);
        assert_int_equal(reader.wants_continue, rows[i].wants);
        http_reader_done(&reader);
    }
}

/* What was received is not left behind in the buffer. */
static void test_wiped(void **state)
{
    (void)state;
    static const char text[] = "POST / HTTP/1.1\r\n" HOST "Content-Length: 6\r\n\r\nsecret";
    struct http_reader reader;
    http_reader_init(&reader, &limits);
    feed(&reader, text, sizeof text - 1, 1000);
    assert_int_equal(reader.state, HTTP_READER_DONE);
    http_reader_reset(&reader);
    assert_non_null(reader.data);
    for (size_t i = 0; i < reader.capacity; i++)
        assert_int_equal(reader.data[i], 0);
    http_reader_done(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_nul_bytes),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_query_absent_or_empty),
        cmocka_unit_test(test_head_limit),
        cmocka_unit_test(test_endless_heads),
        cmocka_unit_test(test_pipelined),
        cmocka_unit_test(test_memory_of_pipelining),
        cmocka_unit_test(test_memory_of_chunks),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_large_bodies),
        cmocka_unit_test(test_wants_continue),
        cmocka_unit_test(test_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
