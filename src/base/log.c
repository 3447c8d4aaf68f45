#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

static enum log_level least_level = LOG_WARN;
static bool as_json;
static bool for_lambda;
static const struct log_pair *always_pairs;

void log_setup(enum log_level least, bool json)
{
    least_level = least;
    as_json = json;
    for_lambda = false;
    always_pairs = NULL;
}

void log_setup_lambda(enum log_level least, const struct log_pair *always)
{
    log_setup(least, true);
    for_lambda = true;
    always_pairs = always;
}

bool log_enabled(enum log_level level)
{
    return level >= least_level && least_level != LOG_NONE;
}

static const char *level_name(enum log_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    static const char *const lambda_names[] = {"DEBUG", "INFO", "WARN", "ERROR"};
    if (level >= LOG_NONE)
        level = LOG_ERROR;
    return for_lambda ? lambda_names[level] : names[level];
}

/* Texts longer than CLIP bytes are cut, between characters, so that a line keeps all its pairs. */
enum { CLIP = 1024, LONGEST_LINE = 64 * 1024 };

static size_t clipped(const char *value)
{
    size_t len = strnlen(value, CLIP);
    if (len == CLIP)
        while (len && ((unsigned char)value[len] & 0xc0) == 0x80)
            len--;
    return len;
}

/* logfmt quotes a value that has blanks, quotes or nothing in it; JSON's quoting serves. */
static void put_logfmt(struct buf *line, const char *key, const char *value)
{
    if (line->len)
        buf_append_char(line, ' ');
    buf_append_text(line, key);
    buf_append_char(line, '=');
    size_t len = clipped(value);
    bool plain = len > 0;
    for (const char *at = value; at < value + len && plain; at++)
        plain = *at > ' ' && *at != '"' && *at != '\\' && *at != '=' && *at < 0x7f;
    if (plain) {
        buf_append(line, value, len);
        return;
    }
    struct json_writer w;
    json_writer_init(&w, line);
    json_write_text_n(&w, value, len);
}

static void put_json(struct json_writer *w, const char *key, const char *value)
{
    json_key(w, key);
    json_write_text_n(w, value, clipped(value));
}

static void put_always(struct json_writer *w)
{
    for (const struct log_pair *pair = always_pairs; pair && pair->key; pair++) {
        if (!pair->value)
            continue;
        if (!pair->raw) {
            put_json(w, pair->key, pair->value);
            continue;
        }
        json_key(w, pair->key);
        json_write_raw(w, pair->value, strlen(pair->value));
    }
}

void log_event(enum log_level level, const char *message, ...)
{
    if (!log_enabled(level))
        return;
    char now[CLOCK_TEXT_SIZE];
    struct clock *clock = clock_system();
    clock_format_iso_ms(clock->now_ms(clock), now);

    struct buf line;
    struct json_writer w;
    buf_init(&line, LONGEST_LINE);
    json_writer_init(&w, &line);
    if (as_json) {
        json_open(&w);
        put_json(&w, for_lambda ? "timestamp" : "time", now);
        put_json(&w, "level", level_name(level));
        put_json(&w, for_lambda ? "message" : "msg", message);
        put_always(&w);
    } else {
        put_logfmt(&line, "time", now);
        put_logfmt(&line, "level", level_name(level));
        put_logfmt(&line, "msg", message);
    }
    va_list args;
    va_start(args, message);
    for (const char *key; (key = va_arg(args, const char *));) {
        const char *value = va_arg(args, const char *);
        if (!value)
            continue;
        if (as_json)
            put_json(&w, key, value);
        else
            put_logfmt(&line, key, value);
    }
    va_end(args);
    if (as_json)
        json_close(&w);
    buf_append_char(&line, '\n');
    (void)file_write_all(STDERR_FILENO, line.data, line.len);
    buf_done(&line);
}
