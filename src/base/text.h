/*
 * text: small questions about strings. Pure; any thread.
 */
#ifndef UNDERSTUDY_BASE_TEXT_H
#define UNDERSTUDY_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* A view of bytes that somebody else owns; not NUL-terminated. */
struct text {
    const char *data;
    size_t len;
};

struct text text_of(const char *text); /* NULL gives an empty view */
bool text_is(struct text view, const char *text);
bool text_is_nocase(struct text view, const char *text); /* ASCII */
struct text text_trim(struct text view);                 /* blanks and tabs at both ends */
/* Cuts off and returns what stands before the next `separator`; *rest becomes what follows it, or
 * an empty view with data NULL when there was none. */
struct text text_cut(struct text *rest, char separator);

bool text_starts(const char *text, const char *prefix);
bool text_starts_nocase(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);

/* Items between commas, trimmed, empty ones dropped; NULL-terminated, in `arena`. */
char **text_split(struct arena *arena, const char *text, char separator, size_t *count);

/* Decimal only, no sign but '-', no blanks, nothing behind: 0, or -1 also when out of range. */
int text_to_int64(const char *text, size_t len, int64_t *value);

/* "0", "90s", "15m", "24h", "30d" (also "500ms") in milliseconds: 0, or -1. */
int text_to_duration_ms(const char *text, int64_t *duration_ms);

bool text_utf8_valid(const char *data, size_t len);
size_t text_utf8_count(const char *data, size_t len); /* code points of valid UTF-8 */

/* Insertions, deletions and replacements between two short texts (at most 64 bytes are looked at):
 * for "did you mean". */
size_t text_distance(const char *a, const char *b);

/* Shell-like globs over names with '/' levels: one star and '?' stay within a level, two stars
 * cross levels (two stars behind "/a/" match everything below /a, not /a itself). No brackets, no
 * escapes. */
bool text_glob(const char *pattern, const char *name);

/* IAM's wildcards: '*' any run, '?' one byte, levels mean nothing. */
bool text_wildcard(const char *pattern, size_t pattern_len, const char *text, size_t text_len);

#endif
