#include "local/event_input.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>

enum { LARGEST_NAME = 256 };

/* --- paths ------------------------------------------------------------------------------------ */

static bool is_name_end(char c)
{
    return c == '\0' || c == '.' || c == '[';
}

/* One step of the path at *at: the part of `value` it names. Moves *at behind it; false: no path.
 */
static bool step(const char **at, const json_t **value)
{
    char name[LARGEST_NAME];
    const char *from = *at, *end;
    if (*from == '.') {
        for (end = ++from; !is_name_end(*end);)
            end++;
        *at = end;
    } else if (from[0] == '[' && from[1] == '\'') {
        from += 2;
        end = strstr(from, "']");
        if (!end)
            return false;
        *at = end + 2;
    } else if (from[0] == '[' && isdigit((unsigned char)from[1])) {
        size_t len = strspn(from + 1, "0123456789");
        int64_t index;
        if (from[1 + len] != ']' || text_to_int64(from + 1, len, &index) != 0)
            return false;
        *at = from + len + 2;
        *value = json_array_get(*value, (size_t)index);
        return true;
    } else {
        return false;
    }
    size_t len = (size_t)(end - from);
    if (len == 0 || len >= sizeof name)
        return false;
    memcpy(name, from, len);
    name[len] = '\0';
    *value = json_object_get(*value, name);
    return true;
}

const json_t *event_input_find(const json_t *event, const char *path, bool *good)
{
    bool ignored;
    if (!good)
        good = &ignored;
    *good = path[0] == '$';
    const char *at = path + 1;
    while (*good && *at)
        *good = step(&at, &event);
    return *good ? event : NULL;
}

/* --- templates -------------------------------------------------------------------------------- */

/* The placeholder "<name>" at `at`: its name's length, or 0 when it is none. */
static size_t placeholder(const char *at, char name[LARGEST_NAME])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    if (*at != '<')
        return 0;
    size_t len = strspn(at + 1, letters);
    if (len == 0 || len >= LARGEST_NAME || at[1 + len] != '>')
        return 0;
    memcpy(name, at + 1, len);
    name[len] = '\0';
    return len;
}

static bool is_reserved(const char *name)
{
    static const char *const reserved[] = {
        "aws.events.rule-arn", "aws.events.rule-name",  "aws.events.event.ingestion-time",
        "aws.events.event",    "aws.events.event.json", NULL};
    for (const char *const *each = reserved; *each; each++)
        if (strcmp(*each, name) == 0)
            return true;
    return false;
}

/* A template of JSON has an object or a list around it; one of texts is quoted, line by line. */
static bool is_json_template(const char *text)
{
    const char *start = text + strspn(text, " \t\r\n");
    return *start == '{' || *start == '[';
}

/* With every placeholder replaced by something that may stand there, is it JSON? */
static bool is_well_formed(const char *text)
{
    char name[LARGEST_NAME];
    struct buf filled;
    bool in_text = false, json = is_json_template(text);
    buf_init(&filled, 64 * 1024);
    for (const char *at = text; *at; at++) {
        size_t len = placeholder(at, name);
        if (len) {
            buf_append_text(&filled, in_text ? "0" : "null"); /* "-null" is nothing */
            at += len + 1;
            continue;
        }
        if (*at == '"')
            in_text = !in_text;
        buf_append_char(&filled, *at);
        if (*at == '\\' && in_text && at[1])
            buf_append_char(&filled, *++at);
    }
    json_t *value = json ? json_read(buf_text(&filled), filled.len, NULL) : NULL;
    bool good = json ? value != NULL : !in_text;
    json_decref(value);
    buf_done(&filled);
    return good;
}

const char *event_input_check(struct arena *arena, const json_t *target)
{
    const char *id = json_text_or(target, "Id", "");
    const char *input = json_text(target, "Input"), *path = json_text(target, "InputPath");
    const json_t *transformer = json_object_get(target, "InputTransformer");
    bool good;
    if (!json_is_object(transformer))
        transformer = NULL;
    if (!!input + !!path + !!transformer > 1)
        return arena_printf(arena,
                            "Only one of Input, InputPath, or InputTransformer must be provided "
                            "for target %s.",
                            id);
    if (input) {
        json_t *value = json_read(input, strlen(input), NULL);
        json_decref(value);
        return value ? NULL : arena_printf(arena, "JSON syntax error in input for target %s.", id);
    }
    if (path) {
        event_input_find(NULL, path, &good);
        return good ? NULL : arena_printf(arena, "Invalid JSONPath %s for target %s.", path, id);
    }
    if (!transformer)
        return NULL;
    json_t *paths = json_object_get(transformer, "InputPathsMap"), *value;
    const char *template = json_text_or(transformer, "InputTemplate", ""), *key;
    char name[LARGEST_NAME];
    json_object_foreach(paths, key, value)
    {
        const char *text = json_string_value(value);
        event_input_find(NULL, text ? text : "", &good);
        if (!good || text_starts(key, "aws."))
            return arena_printf(arena, "InputPathsMap for target %s contains invalid path %s.", id,
                                key);
    }
    for (const char *at = template; *at; at++)
        if (placeholder(at, name) && !is_reserved(name) && !json_object_get(paths, name))
            return arena_printf(arena,
                                "InputTemplate for target %s contains invalid placeholder "
                                "%s.",
                                id, name);
    if (!is_well_formed(template))
        return arena_printf(arena, "InputTemplate for target %s is not valid.", id);
    return NULL;
}

/* --- filling in ------------------------------------------------------------------------------- */

static void write_envelope(struct json_writer *w, const json_t *event)
{
    static const char *const members[][2] = {{"id", "id"},
                                             {"account", "account"},
                                             {"detailType", "detail-type"},
                                             {"time", "time"},
                                             {"source", "source"},
                                             {"region", "region"},
                                             {"resources", "resources"},
                                             {"version", "version"}};
    json_open(w);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const json_t *value = json_object_get(event, members[i][1]);
        if (!value)
            continue;
        json_key(w, members[i][0]);
        json_write_value(w, value);
    }
    json_close(w);
}

/* A text's letters as they stand between quotes. */
static void append_escaped(struct buf *out, const char *text, size_t len)
{
    struct buf quoted;
    struct json_writer w;
    buf_init(&quoted, 2 * 1024 * 1024);
    json_writer_init(&w, &quoted);
    json_write_text_n(&w, text, len);
    if (quoted.len > 2 && !quoted.overflow)
        buf_append(out, quoted.data + 1, quoted.len - 2);
    buf_done(&quoted);
}

/* Objects and lists in a text: "{a:1,b:x}", as AWS was seen to put them, without quotes. */
static void append_bare(struct buf *out, const json_t *value)
{
    if (json_is_string(value)) {
        append_escaped(out, json_string_value(value), json_string_length(value));
    } else if (json_is_object(value)) {
        const char *key, *comma = "";
        json_t *member;
        buf_append_char(out, '{');
        json_object_foreach((json_t *)value, key, member)
        {
            buf_append_text(out, comma);
            append_escaped(out, key, strlen(key));
            buf_append_char(out, ':');
            append_bare(out, member);
            comma = ",";
        }
        buf_append_char(out, '}');
    } else if (json_is_array(value)) {
        buf_append_char(out, '[');
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (i)
                buf_append_char(out, ',');
            append_bare(out, json_array_get(value, i));
        }
        buf_append_char(out, ']');
    } else if (value) {
        struct json_writer w;
        json_writer_init(&w, out);
        json_write_value(&w, value);
    }
}

struct filling {
    const json_t *paths, *event;
    const char *text;
    const struct event_origin *origin;
    bool json; /* a template of JSON */
    struct buf *out;
};

static int put_scalar(struct filling *f, const char *text, bool in_text)
{
    if (in_text) {
        append_escaped(f->out, text, strlen(text));
    } else {
        struct json_writer w;
        json_writer_init(&w, f->out);
        json_write_text(&w, text);
    }
    return 0;
}

static int put_reserved(struct filling *f, const char *name, bool in_text)
{
    char time[CLOCK_TEXT_SIZE];
    struct json_writer w;
    if (strcmp(name, "aws.events.rule-arn") == 0)
        return put_scalar(f, f->origin->rule_arn, in_text);
    if (strcmp(name, "aws.events.rule-name") == 0)
        return put_scalar(f, f->origin->rule_name, in_text);
    if (strcmp(name, "aws.events.event.ingestion-time") == 0) {
        clock_format_iso_ms(f->origin->ingested_ms, time);
        return put_scalar(f, time, in_text);
    }
    if (in_text)
        return -1; /* whole events are for places where JSON stands */
    json_writer_init(&w, f->out);
    if (strcmp(name, "aws.events.event") == 0)
        write_envelope(&w, f->event);
    else
        buf_append_text(f->out, f->text);
    return 0;
}

static int put(struct filling *f, const char *name, bool in_text)
{
    if (is_reserved(name))
        return put_reserved(f, name, in_text);
    const char *path = json_text(f->paths, name);
    const json_t *value = path ? event_input_find(f->event, path, NULL) : NULL;
    if (!f->json) {
        append_bare(f->out, value);
        return 0;
    }
    if (!value)
        return put_scalar(f, "", in_text);
    if (!in_text) {
        struct json_writer w;
        json_writer_init(&w, f->out);
        json_write_value(&w, value);
        return 0;
    }
    if (json_is_object(value) || json_is_array(value))
        return -1;
    append_bare(f->out, value);
    return 0;
}

static int fill(struct filling *f, const char *template)
{
    char name[LARGEST_NAME];
    bool in_text = false;
    for (const char *at = template; *at; at++) {
        size_t len = placeholder(at, name);
        if (len) {
            if (put(f, name, in_text) != 0)
                return -1;
            at += len + 1;
            continue;
        }
        if (*at == '"')
            in_text = !in_text;
        buf_append_char(f->out, *at);
        if (*at == '\\' && in_text && at[1])
            buf_append_char(f->out, *++at);
    }
    return 0;
}

int event_input_write(const json_t *target, const json_t *event, const char *text,
                      const struct event_origin *origin, struct buf *out)
{
    const char *input = json_text(target, "Input"), *path = json_text(target, "InputPath");
    const json_t *transformer = json_object_get(target, "InputTransformer");
    if (input) {
        buf_append_text(out, input);
        return 0;
    }
    if (path) {
        const json_t *value = event_input_find(event, path, NULL);
        struct json_writer w;
        if (!value)
            return -1;
        json_writer_init(&w, out);
        json_write_value(&w, value);
        return 0;
    }
    if (!json_is_object(transformer)) {
        buf_append_text(out, text);
        return 0;
    }
    const char *template = json_text_or(transformer, "InputTemplate", "");
    struct filling f = {.paths = json_object_get(transformer, "InputPathsMap"),
                        .event = event,
                        .text = text,
                        .origin = origin,
                        .json = is_json_template(template),
                        .out = out};
    return fill(&f, template);
}
