#include "local/lambda_output.h"

#include "base/arena.h"
#include "local/lambda_platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whoever owns it takes the lines long before that. */
enum { LARGEST_WAITING = 64 << 20 };

void lambda_output_init(struct lambda_output *output)
{
    *output = (struct lambda_output){.count = 0};
    buf_init(&output->partial, LAMBDA_LARGEST_LINE + 1);
    buf_init(&output->text, LARGEST_WAITING);
    buf_init(&output->tail, 2 * LAMBDA_TAIL);
}

void lambda_output_done(struct lambda_output *output)
{
    buf_done(&output->partial);
    buf_done(&output->text);
    buf_done(&output->tail);
    free(output->lines);
}

static void remember(struct buf *tail, const char *data, size_t len)
{
    if (len > LAMBDA_TAIL) {
        data += len - LAMBDA_TAIL;
        len = LAMBDA_TAIL;
    }
    if (tail->len + len > LAMBDA_TAIL) {
        size_t gone = tail->len + len - LAMBDA_TAIL;
        memmove(tail->data, tail->data + gone, tail->len - gone);
        tail->len -= gone;
    }
    buf_append(tail, data, len);
}

static void add_line(struct lambda_output *output, int64_t now_ms, const char *data, size_t len)
{
    buf_append(&output->text, data, len);
    if (output->text.overflow)
        return;
    if (output->count == output->room) {
        output->room = output->room ? 2 * output->room : 16;
        output->lines = memory_realloc(output->lines, output->room * sizeof *output->lines);
    }
    output->lines[output->count++] = (struct lambda_line){now_ms, {NULL, len}};
    remember(&output->tail, data, len);
}

static bool is_wanted(const struct lambda_output *output)
{
    const struct lambda_logging *logging = &output->logging;
    return !logging->json ||
           lambda_line_level(output->partial.data, output->partial.len) >= logging->application;
}

static void end_partial(struct lambda_output *output, int64_t now_ms)
{
    if (output->partial.len && is_wanted(output))
        add_line(output, now_ms, output->partial.data, output->partial.len);
    buf_reset(&output->partial);
    output->partial.overflow = false;
}

void lambda_output_add(struct lambda_output *output, int64_t now_ms, const char *data, size_t len)
{
    while (len) {
        const char *end = memchr(data, '\n', len);
        size_t take = end ? (size_t)(end - data) + 1 : len;
        size_t room = LAMBDA_LARGEST_LINE - output->partial.len;
        bool full = take > room;
        if (full)
            take = room;
        buf_append(&output->partial, data, take);
        if (end || full)
            end_partial(output, now_ms);
        data += take;
        len -= take;
    }
}

void lambda_output_close(struct lambda_output *output, int64_t now_ms)
{
    end_partial(output, now_ms);
}

void lambda_output_say(struct lambda_output *output, int64_t now_ms, const char *format, ...)
{
    char line[2048];
    va_list args;
    end_partial(output, now_ms);
    va_start(args, format);
    int len = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    size_t shown = len < 0 ? 0 : (size_t)len < sizeof line - 2 ? (size_t)len : sizeof line - 2;
    line[shown] = '\n';
    add_line(output, now_ms, line, shown + 1);
}

size_t lambda_output_waiting(const struct lambda_output *output)
{
    return output->text.len;
}

size_t lambda_output_take(struct lambda_output *output, const struct lambda_line **lines)
{
    size_t count = output->count, at = 0;
    for (size_t i = 0; i < count; i++) {
        output->lines[i].text.data = output->text.data + at;
        at += output->lines[i].text.len;
    }
    *lines = output->lines;
    output->count = 0;
    output->text.len = 0; /* the bytes stay until the next line comes */
    output->text.overflow = false;
    return count;
}

struct text lambda_output_tail(const struct lambda_output *output)
{
    return (struct text){buf_text(&output->tail), output->tail.len};
}

void lambda_output_forget_tail(struct lambda_output *output)
{
    buf_reset(&output->tail);
}
