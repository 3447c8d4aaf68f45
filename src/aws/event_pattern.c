/* Patterns: from JSON text to a tree of conditions. The words of refusals are AWS's (its
 * matcher is open: event-ruler), with Jackson's place in the text behind them. */
#include "aws/event_pattern_intern.h"

#include <arpa/inet.h>
#include <math.h>
#include <string.h>

enum {
    ALTERNATIVES_MAX = 1000,
    WILDCARDS_MAX = 30, /* in one text. AWS weighs the automaton; the strict reading counts stars */
    DEPTH_MAX = 64,
};

/* What is parsed now. `token` counts JSON tokens as a streaming parser reads them, to say where a
 * refusal happened. */
struct parser {
    struct arena *arena;
    const char *text;
    size_t len, token, failed_at;
    const char *why; /* set once: it failed */
    bool placeless;  /* the refusal comes without a place */
};

static void refuse(struct parser *p, const char *why)
{
    if (p->why)
        return;
    p->why = why;
    p->failed_at = p->token;
}

static void refuse_placeless(struct parser *p, const char *why)
{
    if (!p->why)
        p->placeless = true;
    refuse(p, why);
}

static const char *answer(struct parser *p)
{
    static const char lead[] = "Event pattern is not valid. Reason: ";
    if (p->placeless)
        return arena_printf(p->arena, "%s%s", lead, p->why);
    size_t end = event_pattern_place(p->text, p->len, p->failed_at), line = 1, column = 1;
    for (size_t i = 0; i < end; i++, column++)
        if (p->text[i] == '\n') {
            line++;
            column = 0;
        }
    return arena_printf(p->arena, "%s%s\n at [Source: (String)\"%.*s\"; line: %zu, column: %zu]",
                        lead, p->why, (int)p->len, p->text, line, column);
}

/* --- single matches --------------------------------------------------------------------------- */

static struct text copy_of(struct parser *p, const json_t *text)
{
    size_t len = json_string_length(text);
    return (struct text){arena_strndup(p->arena, json_string_value(text), len), len};
}

/* "" or NULL: what `name`'s value must be. */
static bool take_text(struct parser *p, const json_t *value, const char *why, struct text *out)
{
    if (!json_is_string(value)) {
        refuse(p, why);
        return false;
    }
    *out = copy_of(p, value);
    return true;
}

static void check_wildcard(struct parser *p, struct text text)
{
    size_t stars = 0;
    bool star = false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\\') {
            if (i + 1 == text.len || (text.data[i + 1] != '*' && text.data[i + 1] != '\\')) {
                refuse(p, arena_printf(p->arena, "Invalid escape character at pos %zu", i));
                return;
            }
            i++;
            star = false;
        } else if (text.data[i] == '*') {
            if (star) {
                refuse(p, arena_printf(p->arena, "Consecutive wildcard characters at pos %zu", i));
                return;
            }
            star = true;
            stars++;
        } else {
            star = false;
        }
    }
    if (stars > WILDCARDS_MAX)
        refuse_placeless(p, "Rule is too complex - try using fewer wildcard characters or fewer "
                            "repeating character sequences after a wildcard character");
}

static void parse_wildcard(struct parser *p, const json_t *value, struct event_match *out)
{
    out->kind = MATCH_WILDCARD;
    if (take_text(p, value, "wildcard match pattern must be a string", &out->text))
        check_wildcard(p, out->text);
}

int event_address(const char *text, size_t len, unsigned char out[16], int *family)
{
    char copy[64];
    if (len >= sizeof copy)
        return -1;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (inet_pton(AF_INET, copy, out) == 1)
        *family = AF_INET;
    else if (inet_pton(AF_INET6, copy, out) == 1)
        *family = AF_INET6;
    else
        return -1;
    return 0;
}

static void parse_cidr(struct parser *p, const json_t *value, struct event_match *out)
{
    struct text bits, address;
    int64_t number;
    out->kind = MATCH_CIDR;
    if (!take_text(p, value, "cidr match pattern must be a string", &bits))
        return;
    address = text_cut(&bits, '/');
    if (!bits.data || memchr(bits.data, '/', bits.len)) {
        refuse_placeless(p, "Malformed CIDR, one '/' required");
    } else if (event_address(address.data, address.len, out->network, &out->family) != 0) {
        refuse_placeless(p, arena_printf(p->arena, "Nonstandard IP address: %.*s", (int)address.len,
                                         address.data));
    } else if (text_to_int64(bits.data, bits.len, &number) != 0) {
        refuse_placeless(p, "Malformed CIDR, mask bits must be an integer");
    } else if (number < 0) {
        refuse_placeless(p, "Malformed CIDR, mask bits must not be negative");
    } else if (number > (out->family == AF_INET ? 32 : 128)) {
        refuse_placeless(p, out->family == AF_INET ? "IPv4 mask bits must be < 32"
                                                   : "IPv6 mask bits must be < 128");
    } else {
        out->bits = (int)number;
    }
}

/* prefix and suffix: a text, or {"equals-ignore-case": text}. */
static void parse_affix(struct parser *p, const char *name, const json_t *value,
                        struct event_match *out)
{
    const char *why = arena_printf(p->arena, "%s match pattern must be a string", name);
    out->kind = name[0] == 'p' ? MATCH_PREFIX : MATCH_SUFFIX;
    if (json_is_object(value)) {
        const json_t *inner = json_object_get(value, "equals-ignore-case");
        p->token += 2;
        out->nocase = true;
        if (json_object_size(value) != 1 || !inner) {
            refuse(p, why);
            return;
        }
        value = inner;
    }
    take_text(p, value, why, &out->text);
}

static bool take_number(struct parser *p, const json_t *value, const char *op, double *out)
{
    p->token++;
    if (!json_is_number(value)) {
        refuse(p, arena_printf(p->arena, "Value of %s must be numeric", op));
        return false;
    }
    *out = json_number_value(value);
    if (fabs(*out) > 5e9) {
        refuse(p, "Value must be between -5.0E9 and 5.0E9, inclusive");
        return false;
    }
    return true;
}

static void parse_range(struct parser *p, const json_t *list, const char *op,
                        struct event_match *out)
{
    bool lower = op[0] == '>';
    if (op[0] != '<' && op[0] != '>') {
        refuse(p, arena_printf(p->arena, "Unrecognized numeric range operator: %s", op));
        return;
    }
    *(lower ? &out->low_inclusive : &out->high_inclusive) = op[1] == '=';
    if (!take_number(p, json_array_get(list, 1), op, lower ? &out->low : &out->high) ||
        json_array_size(list) == 2)
        return;
    const json_t *second = json_array_get(list, 2);
    p->token++;
    if (!lower) {
        refuse(p, "Too many elements in numeric expression");
        return;
    }
    const char *high = json_string_value(second);
    if (!high) {
        refuse(p, "Bad value in numeric range");
        return;
    }
    if (strcmp(high, "<") != 0 && strcmp(high, "<=") != 0) {
        refuse(p, arena_printf(p->arena, "Bad numeric range operator: %s", high));
        return;
    }
    out->high_inclusive = high[1] == '=';
    if (!take_number(p, json_array_get(list, 3), high, &out->high))
        return;
    p->token++;
    if (json_array_size(list) > 4)
        refuse(p, "Too many terms in numeric range expression");
    else if (out->low >= out->high)
        refuse(p, "Bottom must be less than top");
}

static void parse_numeric(struct parser *p, const json_t *list, struct event_match *out)
{
    static const char *const operators[] = {"=", "<", "<=", ">", ">=", NULL};
    out->kind = MATCH_RANGE;
    out->low = -INFINITY;
    out->high = INFINITY;
    if (!json_is_array(list)) {
        refuse(p, "Value of numeric must be an array.");
        return;
    }
    p->token++;
    const char *op = json_string_value(json_array_get(list, 0));
    if (!op) {
        refuse(p, "Invalid member in numeric match");
        return;
    }
    bool known = false;
    for (const char *const *each = operators; *each; each++)
        known = known || strcmp(*each, op) == 0;
    if (!known) {
        refuse(p, arena_printf(p->arena, "Unrecognized numeric range operator: %s", op));
        return;
    }
    if (strcmp(op, "=") != 0) {
        parse_range(p, list, op, out);
        return;
    }
    out->kind = MATCH_NUMBER;
    if (!take_number(p, json_array_get(list, 1), "equals", &out->low))
        return;
    p->token++;
    if (json_array_size(list) > 2)
        refuse(p, "Too many elements in numeric expression");
}

static void parse_exists(struct parser *p, const json_t *value, struct event_match *out)
{
    out->kind = MATCH_EXISTS;
    out->wanted = json_is_true(value);
    if (!json_is_boolean(value))
        refuse(p, "exists match pattern must be either true or false.");
}

/* --- anything-but ----------------------------------------------------------------------------- */

static void parse_scalar(struct parser *p, const json_t *value, struct event_match *out)
{
    if (json_is_string(value)) {
        out->kind = MATCH_TEXT;
        out->text = copy_of(p, value);
    } else if (json_is_number(value)) {
        out->kind = MATCH_NUMBER;
        out->low = json_number_value(value);
    } else {
        out->kind = MATCH_LITERAL;
        out->literal = json_typeof(value);
    }
}

static void parse_but_value(struct parser *p, const char *kind, const json_t *value, bool in_list,
                            struct event_match *out)
{
    static const char no_case[] = "Inside anything-but/equals-ignore-case list, "
                                  "number|start|null|boolean is not supported.";
    if (!kind) {
        parse_scalar(p, value, out);
        if (out->kind == MATCH_LITERAL)
            refuse(p, "Inside anything but list, start|null|boolean is not supported.");
        return;
    }
    if (strcmp(kind, "wildcard") == 0) {
        parse_wildcard(p, value, out);
        return;
    }
    if (strcmp(kind, "equals-ignore-case") == 0) {
        out->kind = MATCH_NOCASE;
        take_text(p, value, no_case, &out->text);
        return;
    }
    out->kind = kind[0] == 'p' ? MATCH_PREFIX : MATCH_SUFFIX;
    if (json_is_object(value) && !in_list)
        refuse(p, "Value of anything-but must be an array or single string/number value.");
    else if (take_text(p, value, "prefix/suffix match pattern must be a string", &out->text) &&
             out->text.len == 0)
        refuse(p, "Null prefix/suffix not allowed");
}

static bool is_mixed(const json_t *list)
{
    size_t texts = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        texts += json_is_string(json_array_get(list, i));
    return texts != 0 && texts != json_array_size(list);
}

/* `value`: what must not be; `kind`: NULL for the scalars themselves. */
static void parse_but_values(struct parser *p, const char *kind, const json_t *value,
                             struct event_match *out)
{
    bool list = json_is_array(value);
    size_t count = list ? json_array_size(value) : 1;
    struct event_match *others = arena_calloc(p->arena, count + 1, sizeof *others);
    for (size_t i = 0; i < count && !p->why; i++) {
        p->token += list;
        parse_but_value(p, kind, list ? json_array_get(value, i) : value, list, &others[i]);
    }
    p->token += list;
    if (count == 0)
        refuse(p, "Empty arrays are not allowed");
    if (!kind && is_mixed(value) && list)
        refuse(p, "Inside anything but list, either all values are number or string, mixed type "
                  "is not supported");
    out->others = others;
    out->other_count = count;
}

static void parse_anything_but(struct parser *p, const json_t *value, struct event_match *out)
{
    static const char *const kinds[] = {"prefix", "suffix", "equals-ignore-case", "wildcard", NULL};
    out->kind = MATCH_NONE_OF;
    if (!json_is_object(value)) {
        if (json_is_null(value) || json_is_boolean(value))
            refuse(p, "Value of anything-but must be an array or single string/number value.");
        else
            parse_but_values(p, NULL, value, out);
        return;
    }
    const char *name = json_object_iter_key(json_object_iter((json_t *)value));
    p->token++;
    if (!name) {
        refuse(p, "Match expression name not found");
        return;
    }
    const char *const *kind = kinds;
    while (*kind && strcmp(*kind, name) != 0)
        kind++;
    if (!*kind) {
        refuse(p, arena_printf(p->arena, "Unsupported anything-but pattern: %s", name));
        return;
    }
    p->token++;
    parse_but_values(p, *kind, json_object_get(value, name), out);
    p->token++;
    if (json_object_size(value) > 1)
        refuse(p, "Only one key allowed in match expression");
}

/* --- leaves ----------------------------------------------------------------------------------- */

static void parse_expression(struct parser *p, const json_t *object, struct event_match *out)
{
    const char *name = json_object_iter_key(json_object_iter((json_t *)object));
    p->token++;
    if (!name) {
        refuse(p, "Match expression name not found");
        return;
    }
    const json_t *value = json_object_get(object, name);
    p->token++; /* whatever comes of it: the value's first token was looked at */
    if (strcmp(name, "prefix") == 0 || strcmp(name, "suffix") == 0) {
        parse_affix(p, name, value, out);
    } else if (strcmp(name, "equals-ignore-case") == 0) {
        out->kind = MATCH_NOCASE;
        take_text(p, value, "equals-ignore-case match pattern must be a string", &out->text);
    } else if (strcmp(name, "exactly") == 0) {
        out->kind = MATCH_TEXT;
        take_text(p, value, "exact match pattern must be a string", &out->text);
    } else if (strcmp(name, "exists") == 0) {
        parse_exists(p, value, out);
    } else if (strcmp(name, "numeric") == 0) {
        parse_numeric(p, value, out);
    } else if (strcmp(name, "cidr") == 0) {
        parse_cidr(p, value, out);
    } else if (strcmp(name, "wildcard") == 0) {
        parse_wildcard(p, value, out);
    } else if (strcmp(name, "anything-but") == 0) {
        parse_anything_but(p, value, out);
    } else {
        p->token--;
        refuse(p, arena_printf(p->arena, "Unrecognized match type %s", name));
        return;
    }
    p->token++;
    if (json_object_size(object) > 1)
        refuse(p, "Only one key allowed in match expression");
}

static struct event_node *node_new(struct parser *p, size_t room)
{
    struct event_node *node = arena_alloc(p->arena, sizeof *node);
    node->nodes = arena_calloc(p->arena, room + 1, sizeof(void *));
    node->alternatives = 1;
    return node;
}

static const struct event_node *parse_leaf(struct parser *p, struct text path, const json_t *list)
{
    size_t count = json_array_size(list);
    struct event_match *matches = arena_calloc(p->arena, count + 1, sizeof *matches);
    for (size_t i = 0; i < count && !p->why; i++) {
        const json_t *value = json_array_get(list, i);
        p->token++;
        if (json_is_object(value))
            parse_expression(p, value, &matches[i]);
        else if (json_is_array(value))
            refuse(p, "Match value must be String, number, true, false, or null");
        else
            parse_scalar(p, value, &matches[i]);
    }
    p->token++;
    if (count == 0)
        refuse(p, "Empty arrays are not allowed");
    struct event_node *node = node_new(p, 0);
    node->kind = NODE_CONDITION;
    node->condition = (struct event_condition){path, matches, count};
    return node;
}

/* --- objects ---------------------------------------------------------------------------------- */

static const struct event_node *parse_object(struct parser *p, struct text path, unsigned depth,
                                             const json_t *object);

static void count_alternatives(struct parser *p, struct event_node *node, size_t alternatives)
{
    node->alternatives = alternatives;
    if (alternatives > ALTERNATIVES_MAX)
        refuse_placeless(p, "Rule is too complex - try using fewer $or sub-patterns");
}

static const struct event_node *parse_or(struct parser *p, struct text path, unsigned depth,
                                         const json_t *list)
{
    struct event_node *any = node_new(p, json_array_size(list));
    size_t alternatives = 0;
    any->kind = NODE_ANY;
    p->token++;
    if (!json_is_array(list))
        refuse(p, "It must be an Array followed with $or.");
    for (size_t i = 0; i < json_array_size(list) && !p->why; i++) {
        const json_t *item = json_array_get(list, i);
        p->token++;
        if (!json_is_object(item)) {
            refuse(p, "Only objects are allowed in array of $or relationship.");
            break;
        }
        const struct event_node *one = parse_object(p, path, depth + 1, item);
        any->nodes[any->count++] = one;
        alternatives += one->alternatives;
    }
    p->token++;
    if (json_array_size(list) < 2)
        refuse(p, "There must have at least 2 Objects in $or relationship.");
    count_alternatives(p, any, alternatives);
    return any;
}

static struct text below(struct parser *p, struct text path, const char *key)
{
    size_t len = strlen(key);
    char *joined = arena_alloc(p->arena, path.len + len + 2);
    size_t at = 0;
    if (path.data) {
        memcpy(joined, path.data, path.len);
        joined[path.len] = '.';
        at = path.len + 1;
    }
    memcpy(joined + at, key, len);
    return (struct text){joined, at + len};
}

static const struct event_node *parse_member(struct parser *p, struct text path, unsigned depth,
                                             const char *key, const json_t *value)
{
    p->token++;
    if (strcmp(key, "$or") == 0)
        return parse_or(p, path, depth, value);
    p->token++;
    struct text here = below(p, path, key);
    if (json_is_object(value))
        return parse_object(p, here, depth + 1, value);
    if (!json_is_array(value))
        refuse(p, arena_printf(p->arena, "\"%s\" must be an object or an array", key));
    return parse_leaf(p, here, value);
}

static const struct event_node *parse_object(struct parser *p, struct text path, unsigned depth,
                                             const json_t *object)
{
    const char *key;
    json_t *value;
    size_t alternatives = 1;
    struct event_node *all = node_new(p, json_object_size(object));
    all->kind = NODE_ALL;
    if (depth > DEPTH_MAX)
        refuse_placeless(p, "Too deep");
    json_object_foreach((json_t *)object, key, value)
    {
        if (p->why)
            return all;
        const struct event_node *member = parse_member(p, path, depth, key, value);
        all->nodes[all->count++] = member;
        alternatives *= member->alternatives;
        count_alternatives(p, all, alternatives);
    }
    p->token++;
    if (json_object_size(object) == 0)
        refuse(p, "Empty objects are not allowed");
    return all;
}

struct event_pattern *event_pattern_parse(struct arena *arena, const char *json, size_t len,
                                          const char **why)
{
    json_error_t where;
    struct parser p = {.arena = arena, .text = json, .len = len, .token = 1};
    struct event_pattern *pattern = arena_alloc(arena, sizeof *pattern);
    /* Of a key given twice the last counts, so base/json.h's reader is too strict. */
    json_t *value = json_loadb(json, len, JSON_DECODE_ANY, &where);
    if (!value)
        refuse_placeless(&p, "not valid JSON");
    else if (!json_is_object(value))
        refuse(&p, "Filter is not an object");
    else
        pattern->root = parse_object(&p, (struct text){0}, 0, value);
    json_decref(value);
    if (!p.why)
        return pattern;
    *why = answer(&p);
    return NULL;
}
