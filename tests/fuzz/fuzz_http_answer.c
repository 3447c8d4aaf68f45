/*
 * What a server sends to the HTTP client: what http_answer makes of a byte stream must not depend
 * on how the stream was cut and must stay inside its limits.
 *
 * The first byte chooses how one of two readers is fed and whether the request was a HEAD; the rest
 * is the stream.
 */
#include "base/arena.h"
#include "fuzz.h"
#include "net/http_answer.h"

#include <assert.h>
#include <string.h>

enum { LIMIT = 512 };

static void read_all(const char *data, size_t size, size_t most, bool to_head, struct buf *out)
{
    struct arena arena;
    struct buf body;
    struct http_answer answer;
    arena_init(&arena);
    buf_init(&body, LIMIT);
    http_answer_init(&answer, &arena, &body, to_head);
    for (size_t at = 0; at < size; at += most)
        http_answer_add(&answer, data + at, most < size - at ? most : size - at);
    http_answer_end(&answer);
    assert(answer.state != HTTP_ANSWER_MORE && body.len <= LIMIT);
    assert((answer.state == HTTP_ANSWER_BAD) == (answer.reason != NULL));
    buf_printf(out, "%d %d", (int)answer.state, answer.too_large);
    if (answer.state == HTTP_ANSWER_DONE) {
        assert(answer.status >= 200 && answer.status <= 999 && (!to_head || !body.len));
        buf_printf(out, " %d", answer.status);
        for (size_t i = 0; i < answer.header_count; i++) {
            const char *name = answer.headers[i].name, *value = answer.headers[i].value;
            assert(*name && !strpbrk(name, ":\r\n") && !strpbrk(value, "\r\n"));
            buf_printf(out, "\n%s:%s", name, value);
        }
        buf_append(out, "\n", 1);
        buf_append(out, body.data, body.len);
    }
    buf_done(&body);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole, cut;
    if (size < 2)
        return 0;
    buf_init(&whole, 1 << 20);
    buf_init(&cut, 1 << 20);
    const char *stream = (const char *)data + 1;
    bool to_head = data[0] & 128;
    size_t piece = data[0] % 128 + 1u;
    read_all(stream, size - 1, size, to_head, &whole);
    read_all(stream, size - 1, piece, to_head, &cut);
    assert(whole.len == cut.len && memcmp(buf_text(&whole), buf_text(&cut), whole.len) == 0);
    buf_done(&whole);
    buf_done(&cut);
    return 0;
}
