/*
 * json: jansson reads, an append-only writer of ours writes.
 *
 * Reading refuses duplicate keys, bad UTF-8, trailing text and deep nesting. Call json_setup once
 * in main before any thread: freed JSON is then zeroed, because it may have held a secret value.
 * Values follow jansson's rules (reference counts); a json_t belongs to one thread.
 *
 * Writing: the writer puts commas; keys and values must alternate as JSON wants, which an assert
 * checks. Text is written as UTF-8 and escaped; bytes that are not UTF-8 become U+FFFD.
 */
#ifndef UNDERSTUDY_BASE_JSON_H
#define UNDERSTUDY_BASE_JSON_H

#include "base/buf.h"
#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

void json_setup(void);

/* New reference, or NULL with ERR_INVALID; the message says line and column, never the text. */
json_t *json_read(const char *data, size_t len, struct error *err);

/* The next of several JSON objects or lists that follow each other in a file (one a line, or in any
 * other layout). NULL with ERR_NOT_FOUND at the end of the file, with ERR_INVALID otherwise. */
json_t *json_read_next(FILE *in, struct error *err);

/* Members of an object; NULL / fallback when absent or of another type. Borrowed. */
const char *json_text(const json_t *object, const char *key);
const char *json_text_or(const json_t *object, const char *key, const char *fallback);
int64_t json_int_or(const json_t *object, const char *key, int64_t fallback);
bool json_bool_or(const json_t *object, const char *key, bool fallback);

struct json_writer {
    struct buf *out;
    unsigned depth;
    bool comma; /* the next key or value needs one before it */
};

void json_writer_init(struct json_writer *w, struct buf *out);
void json_open(struct json_writer *w);       /* { */
void json_close(struct json_writer *w);      /* } */
void json_open_list(struct json_writer *w);  /* [ */
void json_close_list(struct json_writer *w); /* ] */
void json_key(struct json_writer *w, const char *key);
void json_write_text(struct json_writer *w, const char *text); /* NULL writes null */
void json_write_text_n(struct json_writer *w, const char *text, size_t len);
void json_write_int(struct json_writer *w, int64_t value);
void json_write_bool(struct json_writer *w, bool value);
void json_write_null(struct json_writer *w);
/* Milliseconds as AWS's JSON services print times: epoch seconds with milliseconds. */
void json_write_epoch(struct json_writer *w, int64_t time_ms);
/* Text that is JSON already: written as it is. */
void json_write_raw(struct json_writer *w, const char *json, size_t len);
void json_write_value(struct json_writer *w, const json_t *value); /* keys in stored order */

/* key and value in one line. */
void json_put_text(struct json_writer *w, const char *key, const char *text);
void json_put_int(struct json_writer *w, const char *key, int64_t value);
void json_put_bool(struct json_writer *w, const char *key, bool value);

#endif
