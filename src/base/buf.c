#include "base/buf.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *buf, size_t limit)
{
    *buf = (struct buf){.limit = limit};
}

void buf_reset(struct buf *buf)
{
    if (buf->data)
        explicit_bzero(buf->data, buf->len);
    buf->len = 0;
    buf->overflow = false;
}

void buf_done(struct buf *buf)
{
    if (buf->data)
        explicit_bzero(buf->data, buf->capacity);
    free(buf->data);
    buf_init(buf, buf->limit);
}

char *buf_reserve(struct buf *buf, size_t len)
{
    if (buf->overflow || len > buf->limit || buf->len > buf->limit - len) {
        buf->overflow = true;
        return NULL;
    }
    size_t wanted = buf->len + len + 1;
    if (wanted > buf->capacity) {
        size_t capacity = buf->capacity ? buf->capacity : 256;
        while (capacity < wanted)
            capacity *= 2;
        if (capacity - 1 > buf->limit)
            capacity = buf->limit + 1;       /* so that what fits is within the limit */
        char *data = memory_alloc(capacity); /* not realloc: the old place must be wiped */
        if (buf->data) {
            memcpy(data, buf->data, buf->len);
            explicit_bzero(buf->data, buf->capacity);
            free(buf->data);
        }
        buf->data = data;
        buf->capacity = capacity;
    }
    return buf->data + buf->len;
}

void buf_append_growing(struct buf *buf, const void *data, size_t len)
{
    char *room = buf_reserve(buf, len);
    if (!room)
        return;
    if (len)
        memcpy(room, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_append_text(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *room = len < 0 ? NULL : buf_reserve(buf, (size_t)len);
    if (room) {
        vsnprintf(room, (size_t)len + 1, format, args);
        buf->len += (size_t)len;
    }
    va_end(args);
}

const char *buf_text(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}
