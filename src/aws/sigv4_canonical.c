#include "aws/sigv4_intern.h"
#include "base/arena.h"
#include "net/url.h"

#include <stdlib.h>
#include <string.h>

/* The local server builds a canonical request for every request it gets. So nothing here allocates
 * (short of a query of more than PAIRS_ON_STACK parameters), and a query is decoded and encoded in
 * one pass, without a copy between them. */

enum { PAIRS_ON_STACK = 32 };

static char lowered(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter + ('a' - 'A')) : letter;
}

bool sigv4_name_is(struct text field_name, struct text lower_name)
{
    if (field_name.len != lower_name.len)
        return false;
    for (size_t i = 0; i < lower_name.len; i++)
        if (lowered(field_name.data[i]) != lower_name.data[i])
            return false;
    return true;
}

const struct sigv4_field *sigv4_field_find(const struct sigv4_request *request, struct text name)
{
    for (size_t i = 0; i < request->field_count; i++)
        if (sigv4_name_is(request->fields[i].name, name))
            return &request->fields[i];
    return NULL;
}

bool sigv4_next_name(struct text *rest, struct text *name)
{
    if (!rest->data)
        return false;
    *name = text_cut(rest, ';');
    return true;
}

/* Part of a query: its escapes decoded, then all encoded as the signature wants it. '+' is a blank,
 * because whoever reads the query afterwards (query_parse) takes it for one: two meanings of one
 * byte would let a signed request be changed. */
static int encode_again(struct buf *out, struct text part)
{
    for (size_t i = 0; i < part.len; i++) {
        size_t run = i;
        while (run < part.len && part.data[run] != '%' && part.data[run] != '+')
            run++;
        url_encode(out, part.data + i, run - i, false);
        i = run;
        if (i == part.len)
            break;
        unsigned char byte = ' ';
        if (part.data[i] == '%') {
            if (part.len - i < 3 || digest_unhex(part.data + i + 1, 2, &byte, 1) != 0)
                return -1;
            i += 2;
        }
        url_encode(out, (const char *)&byte, 1, false);
    }
    return 0;
}

static void path_write(struct buf *out, const struct sigv4_request *request)
{
    struct text rest = request->path;
    if (rest.len == 0 || (rest.len == 1 && rest.data[0] == '/')) {
        buf_append_char(out, '/');
        return;
    }
    if (request->keep_path && !request->path_is_raw) {
        buf_append(out, rest.data, rest.len);
        return;
    }
    size_t start = out->len;
    bool slash_at_end = false;
    text_cut(&rest, '/'); /* the first slash */
    while (rest.data) {
        struct text segment = text_cut(&rest, '/');
        slash_at_end = false;
        if (!request->keep_path && (segment.len == 0 || text_is(segment, "."))) {
            slash_at_end = true;
        } else if (!request->keep_path && text_is(segment, "..")) {
            /* Back over the last segment: every '/' in `out` is one that was put below. */
            while (out->len > start && out->data[--out->len] != '/')
                ;
            slash_at_end = true;
        } else {
            buf_append_char(out, '/');
            url_encode(out, segment.data, segment.len, false);
        }
    }
    if (slash_at_end || out->len == start)
        buf_append_char(out, '/');
}

/* An encoded "name=value" in the buffer, by place because the buffer moves. */
struct pair {
    size_t name, name_len, value, value_len;
};

static int pair_compare(const void *left, const void *right, void *base)
{
    const struct pair *a = left, *b = right;
    const char *data = base;
    size_t least = a->name_len < b->name_len ? a->name_len : b->name_len;
    int order = memcmp(data + a->name, data + b->name, least);
    if (order)
        return order;
    if (a->name_len != b->name_len)
        return a->name_len < b->name_len ? -1 : 1;
    least = a->value_len < b->value_len ? a->value_len : b->value_len;
    order = memcmp(data + a->value, data + b->value, least);
    if (order || a->value_len == b->value_len)
        return order;
    return a->value_len < b->value_len ? -1 : 1;
}

static bool pair_dropped(const struct buf *out, const struct pair *pair, unsigned flags)
{
    struct text name = {out->data + pair->name, pair->name_len};
    if (!(flags & SIGV4_KEEP_SIGNATURE) && text_is(name, "X-Amz-Signature"))
        return true;
    return (flags & SIGV4_DROP_TOKEN) && text_is(name, "X-Amz-Security-Token");
}

/* All pairs encoded one behind the other at the end of `out`, '&' behind each. */
static int pairs_write(struct buf *out, struct text query, unsigned flags, struct pair *pairs,
                       size_t *count)
{
    size_t found = 0;
    for (struct text rest = query; rest.data;) {
        struct text value = text_cut(&rest, '&');
        if (value.len == 0)
            continue;
        struct text name = text_cut(&value, '=');
        struct pair *pair = &pairs[found];
        pair->name = out->len;
        if (encode_again(out, name) != 0)
            return -1;
        pair->name_len = out->len - pair->name;
        buf_append_char(out, '=');
        pair->value = out->len;
        if (encode_again(out, value) != 0)
            return -1;
        pair->value_len = out->len - pair->value;
        buf_append_char(out, '&');
        if (out->overflow)
            return -1;
        if (pair_dropped(out, pair, flags))
            out->len = pair->name;
        else
            found++;
    }
    *count = found;
    return 0;
}

static int query_write(struct buf *out, struct text query, unsigned flags)
{
    if (query.len == 0)
        return 0;
    size_t most = 1, count = 0, start = out->len;
    for (size_t i = 0; i < query.len; i++)
        most += query.data[i] == '&';
    struct pair few[PAIRS_ON_STACK];
    struct pair *pairs = most <= PAIRS_ON_STACK ? few : memory_alloc(most * sizeof *pairs);
    int result = pairs_write(out, query, flags, pairs, &count);
    size_t end = out->len;
    if (result == 0 && count > 1) {
        qsort_r(pairs, count, sizeof *pairs, pair_compare, out->data);
        /* Sorted behind the unsorted ones, then moved over them. */
        if (!buf_reserve(out, end - start))
            result = -1;
        for (size_t i = 0; result == 0 && i < count; i++)
            buf_append(out, out->data + pairs[i].name,
                       pairs[i].name_len + 1 + pairs[i].value_len + 1);
        if (result == 0)
            memmove(out->data + start, out->data + end, end - start);
        out->len = end;
    }
    if (result == 0 && count > 0)
        out->len--; /* the last '&' */
    if (pairs != few)
        free(pairs);
    return result;
}

static bool blank(char letter)
{
    return letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r';
}

/* Trimmed, runs of blanks (folded lines too) as one, also between quotes. */
static void value_write(struct buf *out, struct text value)
{
    while (value.len && blank(value.data[0])) {
        value.data++;
        value.len--;
    }
    while (value.len && blank(value.data[value.len - 1]))
        value.len--;
    char *room = buf_reserve(out, value.len);
    if (!room)
        return;
    char *at = room;
    for (size_t i = 0; i < value.len; i++) {
        if (!blank(value.data[i]))
            *at++ = value.data[i];
        else if (!blank(value.data[i - 1])) /* the first is none */
            *at++ = ' ';
    }
    out->len += (size_t)(at - room);
}

static bool name_follows(struct text last, struct text name)
{
    size_t least = last.len < name.len ? last.len : name.len;
    int order = least ? memcmp(last.data, name.data, least) : 0;
    return order < 0 || (order == 0 && last.len < name.len);
}

static int fields_write(struct buf *out, const struct sigv4_request *request,
                        struct text signed_names, struct error *err)
{
    struct text rest = signed_names, name, last = {"", 0};
    while (sigv4_next_name(&rest, &name)) {
        /* Strictly rising also means: none empty, none twice. */
        if (!name_follows(last, name))
            return error_set(err, ERR_INVALID, "signed header names are not sorted");
        last = name;
        bool found = false;
        for (size_t i = 0; i < request->field_count; i++) {
            if (!sigv4_name_is(request->fields[i].name, name))
                continue;
            if (found) {
                buf_append_char(out, ',');
            } else {
                buf_append(out, name.data, name.len);
                buf_append_char(out, ':');
            }
            value_write(out, request->fields[i].value);
            found = true;
        }
        if (!found)
            return error_set(err, ERR_INVALID, "signed header %.*s is not in the request",
                             (int)(name.len < 100 ? name.len : 100), name.data);
        buf_append_char(out, '\n');
    }
    return 0;
}

int sigv4_canonical_write(struct buf *out, const struct sigv4_request *request,
                          struct text signed_names, unsigned flags, struct error *err)
{
    buf_reset(out);
    buf_append(out, request->method.data, request->method.len);
    buf_append_char(out, '\n');
    if (request->path.len && request->path.data[0] != '/')
        return error_set(err, ERR_INVALID, "the path does not begin with a slash");
    path_write(out, request);
    buf_append_char(out, '\n');
    if (query_write(out, request->query, flags) != 0 && !out->overflow)
        return error_set(err, ERR_INVALID, "the query has a broken percent escape");
    buf_append_char(out, '\n');
    if (fields_write(out, request, signed_names, err) != 0)
        return -1;
    buf_append_char(out, '\n');
    buf_append(out, signed_names.data, signed_names.len);
    buf_append_char(out, '\n');
    buf_append_text(out, request->payload_hash);
    if (out->overflow)
        return error_set(err, ERR_LIMIT, "the canonical request is longer than %zu bytes",
                         out->limit);
    return 0;
}

int sigv4_canonical(struct buf *out, const struct sigv4_request *request, struct text signed_names,
                    struct error *err)
{
    return sigv4_canonical_write(out, request, signed_names, 0, err);
}
