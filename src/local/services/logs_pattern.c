#include "local/services/logs_pattern.h"

#include "base/arena.h"
#include "base/json.h"
#include "local/service.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 32, REGEXES_MOST = 2 };

enum comparison {
    EQUAL,
    UNEQUAL,
    LESS,
    LESS_EQUAL,
    GREATER,
    GREATER_EQUAL,
    IS,
    EXISTS,
    NOT_EXISTS
};
enum kind { TEXT_VALUE, NUMBER_VALUE, REGEX_VALUE, NULL_VALUE, TRUE_VALUE, FALSE_VALUE };

/* Of a JSON pattern: a condition, or two of them joined. */
struct node {
    const struct node *left, *right; /* NULL: a condition */
    bool all;                        /* && */
    const char **path;               /* keys and "[3]"; NULL-terminated */
    enum comparison comparison;
    enum kind kind;
    const char *text;
    double number;
};

struct term {
    const struct term *next;
    const char *text;
    size_t len;
    char sign; /* '?', '-', 0 */
    bool regex;
};

struct logs_pattern {
    const struct node *json; /* NULL: terms */
    const struct term *terms;
};

/* --- reading ---------------------------------------------------------------------------------- */

struct reader {
    struct arena *arena;
    const char *at;
    int depth;
    unsigned regexes;
};

static void skip_blanks(struct reader *reader)
{
    reader->at += strspn(reader->at, " \t\n");
}

static bool take(struct reader *reader, const char *word)
{
    skip_blanks(reader);
    size_t len = strlen(word);
    if (strncmp(reader->at, word, len) != 0)
        return false;
    reader->at += len;
    return true;
}

/* Between two of `mark`, which stands here; a backslash guards the next byte. NULL: no end. */
static char *read_marked(struct reader *reader, char mark)
{
    const char *from = ++reader->at;
    size_t len = 0;
    char *out = arena_alloc(reader->arena, strlen(from) + 1);
    for (; *reader->at && *reader->at != mark; reader->at++) {
        if (*reader->at == '\\' && reader->at[1] && mark == '"')
            reader->at++;
        out[len++] = *reader->at;
    }
    if (*reader->at != mark)
        return NULL;
    reader->at++;
    return out;
}

static char *read_run(struct reader *reader, const char *end)
{
    size_t len = strcspn(reader->at, end);
    char *out = arena_strndup(reader->arena, reader->at, len);
    reader->at += len;
    return out;
}

/* Two in a pattern, of these characters: groups, for one, are none of AWS's. */
static bool regex_is_good(struct reader *reader, const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  ":_#=@/;,-^$?[]{}|\\*+.";
    return text && *text && ++reader->regexes <= REGEXES_MOST &&
           strspn(text, allowed) == strlen(text) && local_regex(text, "", 0, true) >= 0;
}

/* --- terms ------------------------------------------------------------------------------------ */

/* Words need no quotes; what has other characters does. */
static bool plain_word(const char *word)
{
    for (; *word; word++)
        if (!isalnum((unsigned char)*word) && !strchr("_.-:/*#@=", *word) &&
            (unsigned char)*word < 0x80)
            return false;
    return true;
}

static const struct term *read_term(struct reader *reader)
{
    struct term *term = arena_alloc(reader->arena, sizeof *term);
    if (*reader->at == '?' || *reader->at == '-')
        term->sign = *reader->at++;
    if (*reader->at == '"') {
        term->text = read_marked(reader, '"');
    } else if (*reader->at == '%') {
        term->regex = true;
        term->text = read_marked(reader, '%');
        if (!regex_is_good(reader, term->text))
            return NULL;
    } else {
        term->text = read_run(reader, " \t\n");
        if (!plain_word(term->text))
            return NULL;
    }
    if (!term->text || !*term->text)
        return NULL;
    term->len = strlen(term->text);
    return term;
}

static bool read_terms(struct reader *reader, struct logs_pattern *out)
{
    for (skip_blanks(reader); *reader->at; skip_blanks(reader)) {
        const struct term *term = read_term(reader);
        if (!term)
            return false;
        ((struct term *)term)->next = out->terms;
        out->terms = term;
    }
    return true;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static const struct node *read_any(struct reader *reader);

/* "$.a.b[0]" */
static const char **read_path(struct reader *reader)
{
    const char **path = arena_calloc(reader->arena, DEEPEST + 1, sizeof *path);
    size_t count = 0;
    if (!take(reader, "$"))
        return NULL;
    while (*reader->at == '.' || *reader->at == '[') {
        if (count == DEEPEST)
            return NULL;
        bool index = *reader->at == '[';
        const char *from = reader->at++;
        char *part = read_run(reader, index ? "]" : ".[ \t\n=!<>&|(){}\"%");
        if (!*part || (index && (strspn(part, "0123456789") != strlen(part) || *reader->at != ']')))
            return NULL;
        if (index) {
            reader->at++;
            part = arena_strndup(reader->arena, from, (size_t)(reader->at - from));
        }
        path[count++] = part;
    }
    return count ? path : NULL;
}

static bool read_operator(struct reader *reader, enum comparison *out)
{
    static const struct {
        const char *sign;
        enum comparison comparison;
    } operators[] = {
        {"!=", UNEQUAL}, {"<=", LESS_EQUAL}, {">=", GREATER_EQUAL},      {"=", EQUAL},
        {"<", LESS},     {">", GREATER},     {"NOT EXISTS", NOT_EXISTS}, {"EXISTS", EXISTS},
        {"IS", IS}};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (take(reader, operators[i].sign)) {
            *out = operators[i].comparison;
            return true;
        }
    return false;
}

static bool read_is(struct reader *reader, struct node *node)
{
    if (take(reader, "NULL"))
        node->kind = NULL_VALUE;
    else if (take(reader, "TRUE"))
        node->kind = TRUE_VALUE;
    else if (take(reader, "FALSE"))
        node->kind = FALSE_VALUE;
    else
        return false;
    return true;
}

static bool read_value(struct reader *reader, struct node *node)
{
    char *end;
    skip_blanks(reader);
    if (*reader->at == '"') {
        node->text = read_marked(reader, '"');
        return node->text;
    }
    if (*reader->at == '%') {
        node->kind = REGEX_VALUE;
        node->text = read_marked(reader, '%');
        return regex_is_good(reader, node->text) &&
               (node->comparison == EQUAL || node->comparison == UNEQUAL);
    }
    node->text = read_run(reader, " \t\n&|(){}\"");
    node->number = strtod(node->text, &end);
    if (*node->text && !*end && isfinite(node->number))
        node->kind = NUMBER_VALUE;
    return *node->text;
}

static const struct node *read_condition(struct reader *reader)
{
    struct node *node = arena_alloc(reader->arena, sizeof *node);
    node->path = read_path(reader);
    if (!node->path || !read_operator(reader, &node->comparison))
        return NULL;
    if (node->comparison == EXISTS || node->comparison == NOT_EXISTS)
        return node;
    if (!(node->comparison == IS ? read_is(reader, node) : read_value(reader, node)))
        return NULL;
    bool compares = node->comparison >= LESS && node->comparison <= GREATER_EQUAL;
    return compares && node->kind != NUMBER_VALUE ? NULL : node;
}

static const struct node *read_one(struct reader *reader)
{
    if (!take(reader, "("))
        return read_condition(reader);
    if (++reader->depth > DEEPEST)
        return NULL;
    const struct node *inner = read_any(reader);
    reader->depth--;
    return inner && take(reader, ")") ? inner : NULL;
}

static const struct node *join(struct reader *reader, const struct node *left,
                               const struct node *right, bool all)
{
    struct node *node = arena_alloc(reader->arena, sizeof *node);
    if (!left || !right)
        return NULL;
    node->left = left;
    node->right = right;
    node->all = all;
    return node;
}

static const struct node *read_all(struct reader *reader)
{
    const struct node *node = read_one(reader);
    while (node && take(reader, "&&"))
        node = join(reader, node, read_one(reader), true);
    return node;
}

static const struct node *read_any(struct reader *reader)
{
    const struct node *node = read_all(reader);
    while (node && take(reader, "||"))
        node = join(reader, node, read_all(reader), false);
    return node;
}

bool logs_pattern_has_columns(const char *text)
{
    return text[strspn(text, " \t\n")] == '[';
}

const struct logs_pattern *logs_pattern_parse(struct arena *arena, const char *text)
{
    struct logs_pattern *pattern = arena_alloc(arena, sizeof *pattern);
    struct reader reader = {.arena = arena, .at = text};
    if (logs_pattern_has_columns(text))
        return NULL;
    skip_blanks(&reader);
    if (*reader.at != '{')
        return read_terms(&reader, pattern) ? pattern : NULL;
    reader.at++;
    pattern->json = read_any(&reader);
    if (!pattern->json || !take(&reader, "}"))
        return NULL;
    skip_blanks(&reader);
    return *reader.at ? NULL : pattern;
}

/* --- matching --------------------------------------------------------------------------------- */

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool has_term(const struct term *term, struct text message)
{
    if (term->regex)
        return local_regex(term->text, message.data, message.len, true) == 1;
    const char *at = message.data, *end = message.data + message.len;
    while (at < end && (at = memmem(at, (size_t)(end - at), term->text, term->len))) {
        const char *behind = at + term->len;
        bool begins = at == message.data || !in_word(at[-1]) || !in_word(term->text[0]);
        bool ends = behind == end || !in_word(*behind) || !in_word(term->text[term->len - 1]);
        if (begins && ends)
            return true;
        at++;
    }
    return false;
}

/* Where one must be there, those that may be there mean nothing. */
static bool match_terms(const struct term *terms, struct text message)
{
    bool may = false, must = false, any = false;
    for (const struct term *term = terms; term; term = term->next) {
        bool found = has_term(term, message);
        if (term->sign == '-' ? found : term->sign == 0 && !found)
            return false;
        must = must || term->sign == 0;
        may = may || term->sign == '?';
        any = any || (term->sign == '?' && found);
    }
    return must || !may || any;
}

static const json_t *walk(const json_t *value, const char *const *path)
{
    for (; value && *path; path++)
        value = **path == '[' ? json_array_get(value, strtoul(*path + 1, NULL, 10))
                              : json_object_get(value, *path);
    return value;
}

static bool equals(const struct node *node, const json_t *value)
{
    if (node->kind == NUMBER_VALUE && json_is_number(value))
        return json_number_value(value) == node->number;
    if (!json_is_string(value))
        return false;
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    if (node->kind == REGEX_VALUE)
        return local_regex(node->text, text, len, true) == 1;
    /* Only '*' is a wildcard here. */
    if (!strchr(node->text, '?'))
        return text_wildcard(node->text, strlen(node->text), text, len);
    return strlen(node->text) == len && memcmp(node->text, text, len) == 0;
}

static bool compare(const struct node *node, const json_t *value)
{
    double number = json_number_value(value);
    if (!json_is_number(value))
        return false;
    switch (node->comparison) {
    case LESS:
        return number < node->number;
    case LESS_EQUAL:
        return number <= node->number;
    case GREATER:
        return number > node->number;
    default:
        return number >= node->number;
    }
}

static bool is_what(enum kind kind, const json_t *value)
{
    return kind == NULL_VALUE   ? json_is_null(value)
           : kind == TRUE_VALUE ? json_is_true(value)
                                : json_is_false(value);
}

static bool match_node(const struct node *node, const json_t *message)
{
    if (node->left) {
        bool left = match_node(node->left, message);
        return left == node->all ? match_node(node->right, message) : left;
    }
    const json_t *value = walk(message, node->path);
    switch (node->comparison) {
    case NOT_EXISTS:
        return !value;
    case EXISTS:
        return value;
    case IS:
        return is_what(node->kind, value);
    case EQUAL:
        return equals(node, value);
    case UNEQUAL: /* of what is there and could be compared */
        return (json_is_string(value) || json_is_number(value)) && !equals(node, value);
    default:
        return compare(node, value);
    }
}

bool logs_pattern_matches(const struct logs_pattern *pattern, struct text message)
{
    if (!pattern->json)
        return match_terms(pattern->terms, message);
    json_t *value = json_read(message.data, message.len, NULL);
    bool matches = json_is_object(value) && match_node(pattern->json, value);
    json_decref(value);
    return matches;
}
