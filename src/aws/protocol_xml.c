#include "aws/protocol.h"
#include "base/arena.h"
#include "base/text.h"

#include <expat.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 64, MOST_ELEMENTS = 200 * 1000 };

/* --- writing ---------------------------------------------------------------------------------- */

/* The control characters and U+FFFE, U+FFFF cannot be written in XML 1.0, not even as references.
 */
static size_t unwritable(const char *at, size_t left)
{
    unsigned char byte = (unsigned char)*at;
    if (byte < 0x20)
        return byte != '\t' && byte != '\n' && byte != '\r';
    if (byte == 0xef && left >= 3 && (unsigned char)at[1] == 0xbf && (unsigned char)at[2] >= 0xbe)
        return 3;
    return 0;
}

void xml_escape(struct buf *out, const char *text, size_t len)
{
    size_t from = 0;
    for (size_t i = 0; i < len; i++) {
        size_t bad = unwritable(text + i, len - i);
        const char *instead = bad               ? "\xef\xbf\xbd" /* U+FFFD */
                              : text[i] == '&'  ? "&amp;"
                              : text[i] == '<'  ? "&lt;"
                              : text[i] == '>'  ? "&gt;"
                              : text[i] == '"'  ? "&quot;"
                              : text[i] == '\r' ? "&#xD;" /* a reader would make it a newline */
                                                : NULL;
        if (!instead)
            continue;
        buf_append(out, text + from, i - from);
        buf_append_text(out, instead);
        i += bad ? bad - 1 : 0;
        from = i + 1;
    }
    buf_append(out, text + from, len - from);
}

static void element_write(struct buf *out, const char *name, const json_t *value)
{
    size_t len = strlen(name), i;
    json_t *inner;
    if (json_is_null(value))
        return;
    if (json_is_array(value) && strcmp(name, "entry") == 0) { /* of a map: flat */
        json_array_foreach(value, i, inner)
        {
            element_write(out, name, inner);
        }
        return;
    }
    buf_append_char(out, '<');
    xml_escape(out, name, len);
    buf_append_char(out, '>');
    query_write_xml(out, value);
    buf_append_text(out, "</");
    xml_escape(out, name, len);
    buf_append_char(out, '>');
}

void query_write_xml(struct buf *out, const json_t *value)
{
    const char *name;
    json_t *inner;
    size_t i;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        json_object_foreach((json_t *)value, name, inner)
        {
            element_write(out, name, inner);
        }
        break;
    case JSON_ARRAY:
        json_array_foreach(value, i, inner)
        {
            element_write(out, "member", inner);
        }
        break;
    case JSON_STRING:
        xml_escape(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        buf_printf(out, "%.15g", json_real_value(value));
        break;
    case JSON_TRUE:
        buf_append_text(out, "true");
        break;
    case JSON_FALSE:
        buf_append_text(out, "false");
        break;
    case JSON_NULL:
        break;
    }
}

/* --- reading ---------------------------------------------------------------------------------- */

/* An element that is open: its children so far, name and value each. */
struct level {
    json_t *names, *values; /* lists of the same length */
};

struct reader {
    XML_Parser parser;
    struct level levels[DEEPEST];
    int depth;
    size_t elements;
    struct buf text; /* of the innermost element, while it has no children */
    json_t *root;
    bool refused;
};

static void refuse(struct reader *r)
{
    r->refused = true;
    XML_StopParser(r->parser, XML_FALSE);
}

static void on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *r = data;
    (void)name;
    (void)attributes;
    if (r->depth == DEEPEST || ++r->elements > MOST_ELEMENTS) {
        refuse(r);
        return;
    }
    r->levels[r->depth].names = json_array();
    r->levels[r->depth].values = json_array();
    r->depth++;
    buf_reset(&r->text);
}

static void on_text(void *data, const XML_Char *text, int len)
{
    struct reader *r = data;
    buf_append(&r->text, text, (size_t)len);
}

static bool all_named(const json_t *names, const char *wanted)
{
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name)
    {
        if (strcmp(json_string_value(name), wanted) != 0)
            return false;
    }
    return true;
}

/* <entry><key/><value/></entry>...: an object; NULL when an entry is of another shape. */
static json_t *as_map(const json_t *entries)
{
    size_t i;
    json_t *entry, *map = json_object();
    json_array_foreach(entries, i, entry)
    {
        const char *key = json_string_value(json_object_get(entry, "key"));
        json_t *value = json_object_get(entry, "value");
        if (!key || !value || json_object_size(entry) != 2 || json_object_get(map, key)) {
            json_decref(map);
            return NULL;
        }
        json_object_set(map, key, value);
    }
    return map;
}

/* Children by name; several of one name become a list. */
static json_t *as_object(const struct level *level)
{
    json_t *object = json_object(), *name, *list;
    size_t i;
    json_array_foreach(level->names, i, name)
    {
        list = json_object_get(object, json_string_value(name));
        if (!list) {
            list = json_array();
            json_object_set_new(object, json_string_value(name), list);
        }
        json_array_append(list, json_array_get(level->values, i));
    }
    const char *key;
    void *next;
    json_object_foreach_safe(object, next, key, list)
    {
        if (json_array_size(list) == 1)
            json_object_set(object, key, json_array_get(list, 0));
    }
    return object;
}

static json_t *value_of(struct reader *r, const struct level *level)
{
    if (json_array_size(level->names) == 0)
        return json_stringn(buf_text(&r->text), r->text.len);
    if (all_named(level->names, "member"))
        return json_incref(level->values);
    json_t *map = all_named(level->names, "entry") ? as_map(level->values) : NULL;
    return map ? map : as_object(level);
}

static void level_done(struct level *level)
{
    json_decref(level->names);
    json_decref(level->values);
}

static void on_end(void *data, const XML_Char *name)
{
    struct reader *r = data;
    if (r->refused)
        return;
    struct level *level = &r->levels[--r->depth];
    if (r->depth == 0) {
        r->root = as_object(level);
    } else {
        const char *colon = strrchr(name, ':'); /* namespaces mean nothing here */
        struct level *parent = &r->levels[r->depth - 1];
        json_array_append_new(parent->values, value_of(r, level));
        json_array_append_new(parent->names, json_string(colon ? colon + 1 : name));
    }
    level_done(level);
    buf_reset(&r->text);
}

/* No document type at all: with it go entities, and with them every known attack. */
static void on_doctype(void *data, const XML_Char *name, const XML_Char *system,
                       const XML_Char *public, int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    refuse(data);
}

json_t *xml_parse(const char *data, size_t len, struct error *err)
{
    struct reader *r = memory_alloc(sizeof *r);
    /* The longest UTF-8 that another encoding can grow to. */
    buf_init(&r->text, 3 * len + 16);
    r->parser = XML_ParserCreate(NULL);
    if (!r->parser)
        memory_exhausted(0);
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    bool parsed = len <= INT_MAX && XML_Parse(r->parser, data, (int)len, 1) == XML_STATUS_OK;
    json_t *root = r->root;
    if (!parsed) {
        error_set(err, ERR_INVALID, "not valid XML at line %lu",
                  (unsigned long)XML_GetCurrentLineNumber(r->parser));
        json_decref(root);
        root = NULL;
    }
    while (r->depth > 0)
        level_done(&r->levels[--r->depth]);
    XML_ParserFree(r->parser);
    buf_done(&r->text);
    free(r);
    return root;
}
