#include "base/json_place.h"

#include "base/json.h"

#include <string.h>

/* One step of a path: a member's name (name.data set) or an index. */
struct path_step {
    struct text name;
    int64_t index;
};

/* Takes the next step off *path: 1, 0 at its end, -1 when it is no path. */
static int next_step(const char **path, struct path_step *out)
{
    const char *at = *path;
    *out = (struct path_step){0};
    if (!*at)
        return 0;
    if (*at == '.') {
        size_t len = strcspn(++at, ".[]\"'");
        *out = (struct path_step){.name = {at, len}};
        *path = at + len;
        return len ? 1 : -1;
    }
    if (*at != '[')
        return -1;
    if (at[1] == '"') {
        const char *end = strstr(at + 2, "\"]");
        if (!end || end == at + 2)
            return -1;
        *out = (struct path_step){.name = {at + 2, (size_t)(end - at - 2)}};
        *path = end + 2;
        return 1;
    }
    size_t digits = strspn(at + 1, "0123456789");
    if (at[1 + digits] != ']' || text_to_int64(at + 1, digits, &out->index) != 0)
        return -1;
    *path = at + digits + 2;
    return 1;
}

bool json_path_valid(const char *path)
{
    struct path_step step;
    int more;
    if (*path++ != '$' || !*path)
        return false;
    while ((more = next_step(&path, &step)) == 1)
        continue;
    return more == 0;
}

/* The rest walks a text that json_read has found valid. */
static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static const char *skip_string(const char *at)
{
    for (at++; *at != '"'; at++)
        at += *at == '\\';
    return at + 1;
}

static const char *skip_value(const char *at)
{
    size_t depth = 0;
    do {
        at = skip_blanks(at);
        if (*at == '"') {
            at = skip_string(at);
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            depth--;
            at++;
        } else if (*at == ',' || *at == ':') {
            at++;
        } else {
            at += strcspn(at, ",:]} \t\r\n");
        }
    } while (depth);
    return at;
}

/* What a string's token means. */
static bool meaning(struct text token, struct buf *out)
{
    struct buf list;
    buf_init(&list, token.len + 2);
    buf_append_char(&list, '[');
    buf_append(&list, token.data, token.len);
    buf_append_char(&list, ']');
    json_t *read = json_read(buf_text(&list), list.len, NULL);
    const json_t *text = json_array_get(read, 0);
    bool good = json_is_string(text);
    buf_reset(out);
    if (good)
        buf_append(out, json_string_value(text), json_string_length(text));
    json_decref(read);
    buf_done(&list);
    return good;
}

static const char *member(const char *at, struct text name, struct buf *scratch)
{
    if (*at != '{')
        return NULL;
    at = skip_blanks(at + 1);
    while (*at == '"') {
        struct text token = {at, (size_t)(skip_string(at) - at)};
        at = skip_blanks(skip_blanks(token.data + token.len) + 1); /* the colon */
        if (meaning(token, scratch) && scratch->len == name.len &&
            memcmp(buf_text(scratch), name.data, name.len) == 0)
            return at;
        at = skip_blanks(skip_value(at));
        if (*at == ',')
            at = skip_blanks(at + 1);
    }
    return NULL;
}

static const char *element(const char *at, int64_t index)
{
    if (*at != '[')
        return NULL;
    at = skip_blanks(at + 1);
    while (*at != ']') {
        if (index-- == 0)
            return at;
        at = skip_blanks(skip_value(at));
        if (*at == ',')
            at = skip_blanks(at + 1);
    }
    return NULL;
}

bool json_place_text(struct text json, const char *path, struct text *token, struct buf *out)
{
    /* jansson passes over a NUL behind a number; it is no JSON, and the walk would stop there. */
    if (json.len && memchr(json.data, '\0', json.len))
        return false;
    json_t *valid = json_read(json.data, json.len, NULL);
    struct path_step step;
    if (!valid)
        return false;
    json_decref(valid);
    /* Ended by a NUL, which `json` need not be. */
    struct buf whole;
    buf_init(&whole, json.len);
    buf_append(&whole, json.data, json.len);
    const char *at = skip_blanks(buf_text(&whole));
    for (path++; at && next_step(&path, &step) == 1;)
        at = step.name.data ? member(at, step.name, out) : element(at, step.index);
    bool found = at && *at == '"';
    if (found)
        *token = (struct text){json.data + (at - whole.data), (size_t)(skip_string(at) - at)};
    found = found && meaning(*token, out);
    buf_done(&whole);
    return found;
}
