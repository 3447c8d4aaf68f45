/*
 * buf: bytes that grow, up to a limit that must be given.
 *
 * Heap memory owned by the struct, wiped when it is freed or moves. Past the limit an append does
 * nothing and `overflow` is set; whoever reads the result checks that once, at the end. The bytes
 * are always followed by a NUL that `len` does not count. One thread at a time.
 */
#ifndef UNDERSTUDY_BASE_BUF_H
#define UNDERSTUDY_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct buf {
    char *data;           /* NULL until the first append */
    size_t len, capacity; /* capacity: with room for the NUL, at most limit + 1 */
    size_t limit;         /* bytes */
    bool overflow;
};

void buf_init(struct buf *buf, size_t limit);
void buf_reset(struct buf *buf); /* empty again, memory kept, what it held wiped */
void buf_done(struct buf *buf);

/* Room for `len` more bytes behind data + len, or NULL at the limit. The caller then adds to len.
 */
char *buf_reserve(struct buf *buf, size_t len);
void buf_append_growing(struct buf *buf, const void *data, size_t len);
void buf_append_text(struct buf *buf, const char *text);

/* Inline, because answers and signatures are built of a hundred small pieces. */
static inline void buf_append(struct buf *buf, const void *data, size_t len)
{
    if (len >= buf->capacity - buf->len || buf->overflow || len == 0) {
        buf_append_growing(buf, data, len);
        return;
    }
    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

static inline void buf_append_char(struct buf *buf, char byte)
{
    buf_append(buf, &byte, 1);
}

__attribute__((format(printf, 2, 3))) void buf_printf(struct buf *buf, const char *format, ...);
const char *buf_text(const struct buf *buf); /* "" when empty; valid until the next append */

#endif
