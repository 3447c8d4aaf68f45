#include "aws/protocol_intern.h"
#include "base/arena.h"
#include "base/text.h"
#include "net/url.h"

#include <stdio.h>
#include <string.h>

/* Source: shared facts sts-iam-sigv4.md section 1 and AWS's protocol tests for the query protocol.
 * Maps are not told apart from structures here: no input of the services we speak to has one. */

enum { DEEPEST = 32, LONGEST_NAME = 1024 };

/* --- the client's side ------------------------------------------------------------------------ */

struct form {
    struct arena *arena;
    struct buf *out;
    char name[LONGEST_NAME]; /* "A.member.1.B", the way to the value being written */
};

static void pair_write(struct form *form, const char *name, const char *value)
{
    if (form->out->len)
        buf_append_char(form->out, '&');
    url_encode(form->out, name, strlen(name), false);
    buf_append_char(form->out, '=');
    url_encode(form->out, value, strlen(value), false);
}

static int value_write(struct form *form, size_t name_len, const json_t *value, struct error *err);

static int step(struct form *form, size_t name_len, const char *member, const json_t *value,
                struct error *err)
{
    size_t room = sizeof form->name - name_len;
    int len = snprintf(form->name + name_len, room, "%s%s", name_len ? "." : "", member);
    if (len < 0 || (size_t)len >= room)
        return error_set(err, ERR_LIMIT, "the input is nested too deeply");
    int result = value_write(form, name_len + (size_t)len, value, err);
    form->name[name_len] = '\0';
    return result;
}

static int list_write(struct form *form, size_t name_len, const json_t *list, struct error *err)
{
    size_t i;
    json_t *item;
    if (json_array_size(list) == 0)
        pair_write(form, form->name, "");
    json_array_foreach(list, i, item)
    {
        char member[32];
        snprintf(member, sizeof member, "member.%zu", i + 1);
        if (step(form, name_len, member, item, err) != 0)
            return -1;
    }
    return 0;
}

static int value_write(struct form *form, size_t name_len, const json_t *value, struct error *err)
{
    if (json_is_array(value))
        return list_write(form, name_len, value, err);
    if (json_is_object(value)) {
        const char *member;
        json_t *inner;
        json_object_foreach((json_t *)value, member, inner)
        {
            if (step(form, name_len, member, inner, err) != 0)
                return -1;
        }
        return 0;
    }
    const char *text = protocol_scalar(form->arena, value);
    if (text) /* null: not given */
        pair_write(form, form->name, text);
    return 0;
}

int protocol_query_build(struct arena *arena, const struct aws_operation *operation,
                         const json_t *input, struct protocol_request *out, struct error *err)
{
    out->method = "POST";
    out->path = "/";
    protocol_add_header(out, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    struct buf body;
    buf_init(&body, PROTOCOL_BODY_LIMIT);
    struct form form = {.arena = arena, .out = &body};
    pair_write(&form, "Action", operation->name);
    pair_write(&form, "Version", operation->service->api_version);
    if (input && value_write(&form, 0, input, err) != 0) {
        buf_done(&body);
        return -1;
    }
    return protocol_set_body(arena, out, &body, err);
}

/* --- the server's side ------------------------------------------------------------------------ */

/* First all names become nested objects, one level a '.'; then what AWS writes as lists and maps is
 * turned into them from the inside out. */
static int leaf_set(json_t *root, char *name, const char *value, size_t value_len,
                    struct error *err)
{
    json_t *at = root;
    struct text rest = text_of(name);
    for (int depth = 0;; depth++) {
        struct text part = text_cut(&rest, '.');
        char *key = name + (part.data - name);
        key[part.len] = '\0';
        if (part.len == 0 || depth == DEEPEST)
            return error_set(err, ERR_INVALID, "a parameter name is malformed");
        json_t *old = json_object_get(at, key);
        if (!rest.data) {
            if (old)
                return error_set(err, ERR_INVALID, "a parameter is given twice");
            if (json_object_set_new(at, key, json_stringn(value, value_len)) != 0)
                return error_set(err, ERR_INVALID, "a parameter is not UTF-8");
            return 0;
        }
        if (!old) {
            old = json_object();
            if (json_object_set_new(at, key, old) != 0)
                return error_set(err, ERR_INVALID, "a parameter name is not UTF-8");
        }
        if (!json_is_object(old))
            return error_set(err, ERR_INVALID, "a parameter is both a value and a structure");
        at = old;
    }
}

/* The object's items when its names are exactly 1, 2, 3, ...; else NULL. New reference. */
static json_t *as_list(const json_t *object)
{
    size_t count = json_object_size(object);
    char name[24];
    if (count == 0 || !json_object_get(object, "1"))
        return NULL;
    json_t *list = json_array();
    for (size_t i = 1; i <= count; i++) {
        snprintf(name, sizeof name, "%zu", i);
        if (json_array_append(list, json_object_get(object, name)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* [{"key": k, "value": v}, ...] as an object, or NULL. New reference. */
static json_t *as_map(const json_t *entries)
{
    size_t i;
    json_t *entry, *map = json_object();
    json_array_foreach(entries, i, entry)
    {
        const char *key = json_string_value(json_object_get(entry, "key"));
        json_t *value = json_object_get(entry, "value");
        if (!key || !value || json_object_size(entry) != 2 || json_object_get(map, key) ||
            json_object_set(map, key, value) != 0) {
            json_decref(map);
            return NULL;
        }
    }
    return map;
}

static json_t *shaped(json_t *value)
{
    const char *name;
    json_t *inner;
    void *next;
    if (!json_is_object(value))
        return json_incref(value);
    json_object_foreach_safe(value, next, name, inner)
    {
        json_object_set_new(value, name, shaped(inner));
    }
    if (json_object_size(value) == 1) {
        json_t *members = json_object_get(value, "member");
        json_t *entries = json_object_get(value, "entry");
        if (json_is_array(members))
            return json_incref(members);
        json_t *map = json_is_array(entries) ? as_map(entries) : NULL;
        if (map)
            return map;
    }
    json_t *list = as_list(value);
    return list ? list : json_incref(value);
}

static int pair_parse(struct arena *arena, json_t *root, struct text pair, struct error *err)
{
    struct text value = pair, name = text_cut(&value, '=');
    char *key, *data = NULL;
    size_t key_len, data_len = 0;
    if (url_decode(arena, name.data, name.len, true, &key, &key_len) != 0 ||
        (value.data && url_decode(arena, value.data, value.len, true, &data, &data_len) != 0))
        return error_set(err, ERR_INVALID, "a parameter has a broken percent escape or a NUL");
    return leaf_set(root, key, data ? data : "", data_len, err);
}

json_t *query_parse(const char *form, size_t len, size_t largest_members, struct error *err)
{
    json_t *root = json_object();
    struct arena arena;
    arena_init(&arena);
    size_t members = 0;
    int result = 0;
    for (struct text rest = {form, len}; result == 0 && rest.data && rest.len;) {
        struct text pair = text_cut(&rest, '&');
        if (pair.len == 0)
            continue;
        if (++members > largest_members)
            result = error_set(err, ERR_INVALID, "more than %zu parameters", largest_members);
        else
            result = pair_parse(&arena, root, pair, err);
    }
    arena_done(&arena);
    /* The outermost object stays one, whatever its members are called. */
    const char *name;
    json_t *inner;
    void *next;
    json_object_foreach_safe(root, next, name, inner)
    {
        json_object_set_new(root, name, shaped(inner));
    }
    if (result != 0) {
        json_decref(root);
        return NULL;
    }
    return root;
}
