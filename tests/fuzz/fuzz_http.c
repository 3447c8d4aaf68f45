/*
 * The HTTP edge of the local AWS: what http_reader makes of a byte stream must not depend on how
 * the stream was cut, must stay inside its limits and point inside its buffer.
 *
 * The first byte chooses how one of two readers is fed; the rest is the stream.
 */
#include "base/buf.h"
#include "fuzz.h"
#include "net/http_reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const struct http_reader_limits limits = {.head_bytes = 1024,
                                                 .body_bytes = 512,
                                                 .field_count = 16};

static void inside(const struct http_reader *reader, struct text view)
{
    if (view.len)
        assert(view.data >= reader->data && view.data + view.len <= reader->data + reader->len);
}

static void put(struct buf *out, struct text view)
{
    buf_printf(out, "%zu:", view.len);
    buf_append(out, view.data, view.len);
}

/* What the server would hand to a handler. */
static void write_down(const struct http_reader *reader, struct buf *out)
{
    const struct http_incoming *in = &reader->in;
    assert(in->target.len < limits.head_bytes && in->target.data[0] == '/');
    assert(in->body.len <= limits.body_bytes && in->field_count <= limits.field_count);
    inside(reader, in->target);
    inside(reader, in->body);
    put(out, in->method);
    put(out, in->path);
    put(out, in->query);
    put(out, in->body);
    unsigned hosts = 0;
    for (size_t i = 0; i < in->field_count; i++) {
        struct text name = in->fields[i].name, value = in->fields[i].value;
        inside(reader, name);
        inside(reader, value);
        assert(name.len && !memchr(name.data, ' ', name.len));
        assert(!memchr(value.data, '\0', value.len) && !memchr(value.data, '\n', value.len));
        hosts += text_is_nocase(name, "host");
        put(out, name);
        put(out, value);
    }
    assert(hosts == 1 || (reader->old && hosts == 0));
    buf_printf(out, "keep=%d\n", reader->keep_alive);
}

static void read_all(const char *data, size_t size, size_t most, struct buf *out)
{
    struct http_reader reader;
    http_reader_init(&reader, &limits);
    for (size_t at = 0; at < size && reader.state == HTTP_READER_MORE;) {
        size_t room, piece = size - at < most ? size - at : most;
        char *to = http_reader_room(&reader, &room);
        assert(room > 0 && reader.capacity <= 16384);
        if (piece > room)
            piece = room;
        memcpy(to, data + at, piece);
        http_reader_add(&reader, piece);
        at += piece;
        while (reader.state == HTTP_READER_DONE) {
            write_down(&reader, out);
            http_reader_next(&reader);
        }
    }
    if (reader.state == HTTP_READER_BAD)
        buf_printf(out, "refused %d\n", reader.status);
    else
        buf_printf(out, "waits %d %d\n", http_reader_started(&reader), reader.head_done);
    http_reader_reset(&reader);
    for (size_t i = 0; i < reader.capacity; i++)
        assert(reader.data[i] == 0);
    http_reader_done(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct buf whole, cut;
    buf_init(&whole, 64 << 20);
    buf_init(&cut, 64 << 20);
    read_all((const char *)data + 1, size - 1, SIZE_MAX, &whole);
    read_all((const char *)data + 1, size - 1, 1 + data[0] % 64, &cut);
    assert(strcmp(buf_text(&whole), buf_text(&cut)) == 0 && whole.len == cut.len);
    buf_done(&whole);
    buf_done(&cut);
    return 0;
}
