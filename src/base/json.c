#include "base/json.h"

#include "base/arena.h"
#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_zeroed(void *memory)
{
    if (memory)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

void json_setup(void)
{
    json_set_alloc_funcs(malloc, free_zeroed);
    json_object_seed(0); /* from the system, against hash flooding */
}

json_t *json_read(const char *data, size_t len, struct error *err)
{
    json_error_t where;
    json_t *value = json_loadb(data, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    if (!value)
        /* jansson's text quotes the input, which may be secret: give the place only. */
        error_set(err, ERR_INVALID, "not valid JSON at line %d, column %d", where.line,
                  where.column);
    return value;
}

json_t *json_read_next(FILE *in, struct error *err)
{
    json_error_t where;
    int letter;
    do
        letter = getc(in);
    while (letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n');
    if (letter == EOF) {
        error_set(err, ferror(in) ? ERR_IO : ERR_NOT_FOUND, "the end of the file");
        return NULL;
    }
    ungetc(letter, in);
    json_t *value = json_loadf(in, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &where);
    if (!value)
        error_set(err, ERR_INVALID, "not valid JSON");
    return value;
}

const char *json_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

const char *json_text_or(const json_t *object, const char *key, const char *fallback)
{
    const char *text = json_text(object, key);
    return text ? text : fallback;
}

int64_t json_int_or(const json_t *object, const char *key, int64_t fallback)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool json_bool_or(const json_t *object, const char *key, bool fallback)
{
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

void json_writer_init(struct json_writer *w, struct buf *out)
{
    *w = (struct json_writer){.out = out};
}

static void separate(struct json_writer *w)
{
    if (w->comma)
        buf_append_char(w->out, ',');
    w->comma = true;
}

static void open_with(struct json_writer *w, char bracket)
{
    separate(w);
    buf_append_char(w->out, bracket);
    w->comma = false;
    w->depth++;
}

static void close_with(struct json_writer *w, char bracket)
{
    assert(w->depth > 0);
    buf_append_char(w->out, bracket);
    w->comma = true;
    w->depth--;
}

void json_open(struct json_writer *w)
{
    open_with(w, '{');
}

void json_close(struct json_writer *w)
{
    close_with(w, '}');
}

void json_open_list(struct json_writer *w)
{
    open_with(w, '[');
}

void json_close_list(struct json_writer *w)
{
    close_with(w, ']');
}

/* What a byte becomes: 0 itself, 'u' \u00XX, 'x' part of UTF-8, else the letter behind '\\'. */
static char escape_of(unsigned char byte)
{
    switch (byte) {
    case '"':
    case '\\':
        return (char)byte;
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return byte < 0x20 || byte == 0x7f ? 'u' : byte >= 0x80 ? 'x' : '\0';
    }
}

/* A set top bit for each byte of `word` that is zero (and perhaps for ones above such a byte). */
static uint64_t zero_bytes(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    return (word - ones) & ~word & tops;
}

/* Nothing to escape: eight bytes at a time, because most text is like that. */
static bool is_plain(const char *text, size_t len)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t strange = 0;
    for (; len >= 8; text += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, text, sizeof word);
        strange |= ((word - ones * 0x20) & ~word & tops) | (word & tops) |
                   zero_bytes(word ^ (ones * '"')) | zero_bytes(word ^ (ones * '\\')) |
                   zero_bytes(word ^ (ones * 0x7f));
    }
    for (; len; text++, len--) {
        unsigned char c = (unsigned char)*text;
        strange |= (c < 0x20) | (c >= 0x7f) | (c == '"') | (c == '\\');
    }
    return !strange;
}

static void write_escaped(struct json_writer *w, const char *text, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    bool valid = text_utf8_valid(text, len);
    size_t start = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        char escape = escape_of(c);
        if (!escape || (escape == 'x' && valid))
            continue;
        buf_append(w->out, text + start, i - start);
        start = i + 1;
        if (escape == 'x')
            buf_append_text(w->out, "\xef\xbf\xbd");
        else if (escape == 'u')
            buf_append(w->out, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
        else
            buf_append(w->out, (char[]){'\\', escape}, 2);
    }
    buf_append(w->out, text + start, len - start);
}

static void write_string(struct json_writer *w, const char *text, size_t len)
{
    buf_append_char(w->out, '"');
    if (is_plain(text, len))
        buf_append(w->out, text, len);
    else
        write_escaped(w, text, len);
    buf_append_char(w->out, '"');
}

void json_key(struct json_writer *w, const char *key)
{
    separate(w);
    write_string(w, key, strlen(key));
    buf_append_char(w->out, ':');
    w->comma = false;
}

void json_write_text_n(struct json_writer *w, const char *text, size_t len)
{
    separate(w);
    write_string(w, text, len);
}

void json_write_text(struct json_writer *w, const char *text)
{
    if (text)
        json_write_text_n(w, text, strlen(text));
    else
        json_write_null(w);
}

/* Digits of `value`, at least `least` of them, written backwards from `end`. */
static char *digits_before(char *end, uint64_t value, int least)
{
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
        least--;
    } while (value || least > 0);
    return end;
}

void json_write_int(struct json_writer *w, int64_t value)
{
    char digits[24] = "", *end = digits + sizeof digits;
    char *at = digits_before(end, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 1);
    if (value < 0)
        *--at = '-';
    separate(w);
    buf_append(w->out, at, (size_t)(end - at));
}

void json_write_bool(struct json_writer *w, bool value)
{
    separate(w);
    buf_append_text(w->out, value ? "true" : "false");
}

void json_write_null(struct json_writer *w)
{
    separate(w);
    buf_append_text(w->out, "null");
}

void json_write_epoch(struct json_writer *w, int64_t time_ms)
{
    char digits[32] = "", *end = digits + sizeof digits;
    uint64_t whole = time_ms < 0 ? 0 - (uint64_t)time_ms : (uint64_t)time_ms;
    char *at = digits_before(end, whole % 1000, 3);
    *--at = '.';
    at = digits_before(at, whole / 1000, 1);
    if (time_ms < 0)
        *--at = '-';
    separate(w);
    buf_append(w->out, at, (size_t)(end - at));
}

void json_write_raw(struct json_writer *w, const char *json, size_t len)
{
    separate(w);
    buf_append(w->out, json, len);
}

void json_write_value(struct json_writer *w, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: {
        const char *key;
        json_t *member;
        json_open(w);
        json_object_foreach((json_t *)value, key, member)
        {
            json_key(w, key);
            json_write_value(w, member);
        }
        json_close(w);
        break;
    }
    case JSON_ARRAY:
        json_open_list(w);
        for (size_t i = 0; i < json_array_size(value); i++)
            json_write_value(w, json_array_get(value, i));
        json_close_list(w);
        break;
    case JSON_STRING:
        json_write_text_n(w, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        json_write_int(w, json_integer_value(value));
        break;
    case JSON_REAL: {
        char digits[64] = ""; /* jansson's own text: 0.0 must not come back as the integer 0 */
        json_write_raw(w, digits, json_dumpb(value, digits, sizeof digits, JSON_ENCODE_ANY));
        break;
    }
    case JSON_TRUE:
    case JSON_FALSE:
        json_write_bool(w, json_is_true(value));
        break;
    case JSON_NULL:
        json_write_null(w);
        break;
    }
}

void json_put_text(struct json_writer *w, const char *key, const char *text)
{
    json_key(w, key);
    json_write_text(w, text);
}

void json_put_int(struct json_writer *w, const char *key, int64_t value)
{
    json_key(w, key);
    json_write_int(w, value);
}

void json_put_bool(struct json_writer *w, const char *key, bool value)
{
    json_key(w, key);
    json_write_bool(w, value);
}
