/*
 * lambda_output: what a function's process writes, as log lines, with Lambda's own lines between.
 *
 * A line is an event, its line end included, as AWS keeps it; longer ones than an event may be are
 * cut into several. The last 4 KB are remembered for Invoke's LogType Tail. One thread at a time.
 * What Lambda's lines say: local/lambda_platform.h.
 */
#ifndef UNDERSTUDY_LOCAL_LAMBDA_OUTPUT_H
#define UNDERSTUDY_LOCAL_LAMBDA_OUTPUT_H

#include "base/buf.h"
#include "local/lambda_pool.h"

/* 256 KB less what CloudWatch Logs counts for each event. */
enum { LAMBDA_LARGEST_LINE = 262144 - 26, LAMBDA_TAIL = 4096 };

struct lambda_output {
    struct lambda_logging logging; /* set behind lambda_output_init; zeros: text, all of it */
    struct buf partial;            /* a line without its end so far */
    struct buf text;               /* of the lines not yet taken */
    struct lambda_line *lines;     /* text.data is filled in when they are taken */
    size_t count, room;
    struct buf tail;
};

void lambda_output_init(struct lambda_output *output);
void lambda_output_done(struct lambda_output *output);
/* Bytes from the process. */
void lambda_output_add(struct lambda_output *output, int64_t now_ms, const char *data, size_t len);
/* There will be no more: what has no line end is a line. */
void lambda_output_close(struct lambda_output *output, int64_t now_ms);
/* A line of Lambda's; the line end is added. Never inside a line of the process. */
__attribute__((format(printf, 3, 4))) void
lambda_output_say(struct lambda_output *output, int64_t now_ms, const char *format, ...);

size_t lambda_output_waiting(const struct lambda_output *output); /* bytes not yet taken */
/* The lines not yet taken, in order; valid until the next call. */
size_t lambda_output_take(struct lambda_output *output, const struct lambda_line **lines);
struct text lambda_output_tail(const struct lambda_output *output);
void lambda_output_forget_tail(struct lambda_output *output);

#endif
