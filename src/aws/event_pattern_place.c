/* Where in a pattern's text a refusal happened, as a streaming reader of JSON (Jackson) tells it.
 */
#include "aws/event_pattern_intern.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',' || c == ':';
}

static size_t string_end(const char *text, size_t len, size_t at)
{
    for (at++; at < len && text[at] != '"'; at++)
        if (text[at] == '\\')
            at++;
    return at + 1;
}

/* Behind the token at `at`. A text that is a value is not read to its end before it is wanted. */
static size_t token_end(const char *text, size_t len, size_t at, bool lazy)
{
    if (text[at] == '"')
        return lazy ? at + 1 : string_end(text, len, at);
    if (strchr("{}[]", text[at]))
        return at + 1;
    while (at < len && !is_blank(text[at]) && !strchr("{}[]", text[at]))
        at++;
    return at;
}

static size_t skip_blank(const char *text, size_t len, size_t at)
{
    while (at < len && is_blank(text[at]))
        at++;
    return at;
}

size_t event_pattern_place(const char *text, size_t len, size_t count)
{
    size_t at = 0, end = 0;
    for (size_t i = 0; i < count && at < len; i++) {
        at = skip_blank(text, len, at);
        if (at >= len)
            break;
        size_t whole = token_end(text, len, at, false);
        size_t next = whole;
        while (next < len && is_blank(text[next]) && text[next] != ':' && text[next] != ',')
            next++;
        bool key = text[at] == '"' && next < len && text[next] == ':';
        end = token_end(text, len, at, true);
        if (key) {
            size_t value = skip_blank(text, len, whole);
            end = value < len ? token_end(text, len, value, true) : whole;
        }
        at = whole;
    }
    return end < len ? end : len;
}
