#include "base/text.h"

#include "base/arena.h"

#include <string.h>
#include <strings.h>

struct text text_of(const char *text)
{
    return (struct text){text, text ? strlen(text) : 0};
}

bool text_is(struct text view, const char *text)
{
    /* An empty view may have no address, and memcmp wants one. */
    return view.len == strlen(text) && (!view.len || memcmp(view.data, text, view.len) == 0);
}

bool text_is_nocase(struct text view, const char *text)
{
    return view.len == strlen(text) && (!view.len || strncasecmp(view.data, text, view.len) == 0);
}

static bool blank(char letter)
{
    return letter == ' ' || letter == '\t';
}

struct text text_trim(struct text view)
{
    while (view.len && blank(view.data[0])) {
        view.data++;
        view.len--;
    }
    while (view.len && blank(view.data[view.len - 1]))
        view.len--;
    return view;
}

struct text text_cut(struct text *rest, char separator)
{
    struct text head = *rest;
    const char *at = rest->len ? memchr(rest->data, separator, rest->len) : NULL;
    if (!at) {
        *rest = (struct text){0};
        return head;
    }
    head.len = (size_t)(at - rest->data);
    rest->data += head.len + 1;
    rest->len -= head.len + 1;
    return head;
}

bool text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_starts_nocase(const char *text, const char *prefix)
{
    return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *text, const char *suffix)
{
    size_t len = strlen(text), suffix_len = strlen(suffix);
    return len >= suffix_len && memcmp(text + len - suffix_len, suffix, suffix_len) == 0;
}

char **text_split(struct arena *arena, const char *text, char separator, size_t *count)
{
    size_t most = 1;
    for (const char *at = text; *at; at++)
        most += *at == separator;
    char **items = arena_calloc(arena, most + 1, sizeof *items);
    size_t found = 0;
    for (struct text rest = text_of(text); rest.data;) {
        struct text item = text_trim(text_cut(&rest, separator));
        if (item.len)
            items[found++] = arena_strndup(arena, item.data, item.len);
    }
    if (count)
        *count = found;
    return items;
}

int text_to_int64(const char *text, size_t len, int64_t *value)
{
    bool negative = len && text[0] == '-';
    size_t at = negative;
    int64_t sum = 0;
    if (at == len)
        return -1;
    for (; at < len; at++) {
        if (text[at] < '0' || text[at] > '9')
            return -1;
        int digit = text[at] - '0';
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, negative ? -digit : digit, &sum))
            return -1;
    }
    *value = sum;
    return 0;
}

/* Length of the valid UTF-8 sequence at `at`, or 0. No surrogates, no overlong forms. */
static size_t sequence(const unsigned char *at, size_t left)
{
    unsigned char first = at[0];
    if (first < 0x80)
        return 1;
    size_t len = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f) ||
        (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f))
        return 0;
    return len;
}

int text_to_duration_ms(const char *text, int64_t *duration_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    enum { LONGEST_DAYS = 36500 };
    size_t digits = strspn(text, "0123456789");
    int64_t number;
    if (text_to_int64(text, digits, &number) != 0)
        return -1;
    if (number == 0 && !text[digits]) {
        *duration_ms = 0;
        return 0;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(text + digits, units[i].unit) == 0 &&
            number <= LONGEST_DAYS * (int64_t)86400000 / units[i].ms) {
            *duration_ms = number * units[i].ms;
            return 0;
        }
    return -1;
}

bool text_utf8_valid(const char *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t step = sequence((const unsigned char *)data + at, len - at);
        if (!step)
            return false;
        at += step;
    }
    return true;
}

size_t text_utf8_count(const char *data, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)data[i] & 0xc0) != 0x80;
    return count;
}

size_t text_distance(const char *a, const char *b)
{
    enum { MOST = 64 };
    size_t row[MOST + 1];
    size_t a_len = strnlen(a, MOST), b_len = strnlen(b, MOST);
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t least = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < least)
                least = row[j] + 1;
            if (row[j - 1] + 1 < least)
                least = row[j - 1] + 1;
            row[j] = least;
        }
    }
    return row[b_len];
}

bool text_glob(const char *pattern, const char *name)
{
    /* Two places to come back to, one for each kind of star: linear space, no recursion. */
    const char *star = NULL, *star_name = NULL, *deep = NULL, *deep_name = NULL;
    for (;;) {
        if (pattern[0] == '*' && pattern[1] == '*') {
            while (*pattern == '*')
                pattern++;
            deep = pattern;
            deep_name = name;
            star = NULL;
            continue;
        }
        if (*pattern == '*') {
            star = ++pattern;
            star_name = name;
            continue;
        }
        if (*name && (*pattern == *name || (*pattern == '?' && *name != '/'))) {
            pattern++;
            name++;
            continue;
        }
        if (!*name && !*pattern)
            return true;
        if (star && *star_name && *star_name != '/') {
            pattern = star;
            name = ++star_name;
            continue;
        }
        if (deep && *deep_name) {
            pattern = deep;
            name = ++deep_name;
            star = NULL;
            continue;
        }
        return false;
    }
}

bool text_wildcard(const char *pattern, size_t pattern_len, const char *text, size_t text_len)
{
    size_t p = 0, t = 0, star = pattern_len, star_text = 0;
    bool starred = false;
    while (t < text_len) {
        if (p < pattern_len && pattern[p] == '*') {
            starred = true;
            star = ++p;
            star_text = t;
        } else if (p < pattern_len && (pattern[p] == '?' || pattern[p] == text[t])) {
            p++;
            t++;
        } else if (starred) {
            p = star;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern_len && pattern[p] == '*')
        p++;
    return p == pattern_len;
}
