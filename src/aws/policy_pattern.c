#include "aws/policy_intern.h"
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A pattern with its variables filled in: bytes, and two symbols that no byte can be. A variable's
 * value may hold '*': it stands for itself there, or whoever sets a tag could widen a policy. */
enum { ANY_RUN = 0x100, ANY_ONE = 0x101, SYMBOLS_ON_STACK = 2048 };

struct symbols {
    uint16_t *data;
    size_t count;
    uint16_t few[SYMBOLS_ON_STACK];
};

const char *const *question_values(const struct policy_question *question, const char *key)
{
    const struct policy_value *values = question->context;
    size_t count = question->context_count;
    if (question->lazy) {
        if (!question->lazy->values)
            question->lazy->fill(question->lazy);
        values = question->lazy->values;
        count = question->lazy->count;
    }
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(values[i].key, key) == 0)
            return values[i].values && values[i].values[0] ? values[i].values : NULL;
    return NULL;
}

/* --- compiling ---------------------------------------------------------------------------------
 */

/* "key", "key, 'default'" or one of the three characters that cannot be written otherwise. */
static int variable_compile(struct arena *arena, struct text inside, struct piece *out,
                            struct error *err)
{
    struct text key = text_trim(text_cut(&inside, ','));
    if (!inside.data && (text_is(key, "*") || text_is(key, "?") || text_is(key, "$"))) {
        *out = (struct piece){.kind = PIECE_LITERAL, .text = key};
        return 0;
    }
    struct text fallback = {0};
    if (inside.data) {
        fallback = text_trim(inside);
        if (fallback.len < 2 || fallback.data[0] != '\'' || fallback.data[fallback.len - 1] != '\'')
            return error_set(err, ERR_INVALID, "Syntax errors in policy.");
        fallback.data++;
        fallback.len -= 2;
    }
    if (key.len == 0 || memchr(key.data, '$', key.len) || memchr(key.data, '{', key.len))
        return error_set(err, ERR_INVALID, "Syntax errors in policy.");
    *out = (struct piece){.kind = PIECE_VARIABLE,
                          .text = fallback,
                          .variable = arena_strndup(arena, key.data, key.len)};
    return 0;
}

static size_t count_variables(const char *text)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, "${")); at += 2)
        count++;
    return count;
}

int pattern_compile(struct arena *arena, const char *text, bool variables, bool wildcards,
                    struct pattern *out, struct error *err)
{
    char *copy = arena_strdup(arena, text);
    size_t count = variables ? count_variables(text) : 0;
    *out = (struct pattern){.text = text_of(copy),
                            .fixed = strcspn(text, "*?"),
                            .wildcards = wildcards && strpbrk(text, "*?") != NULL};
    if (count == 0)
        return 0;
    struct piece *pieces = arena_calloc(arena, 2 * count + 1, sizeof *pieces);
    size_t used = 0;
    for (char *at = copy;;) {
        char *open = strstr(at, "${");
        size_t len = open ? (size_t)(open - at) : strlen(at);
        if (len)
            pieces[used++] =
                (struct piece){.kind = wildcards ? PIECE_TEXT : PIECE_LITERAL, .text = {at, len}};
        if (!open)
            break;
        char *close = strchr(open, '}');
        if (!close)
            return error_set(err, ERR_INVALID, "Syntax errors in policy.");
        struct text inside = {open + 2, (size_t)(close - open - 2)};
        if (variable_compile(arena, inside, &pieces[used++], err) != 0)
            return -1;
        at = close + 1;
    }
    out->pieces = pieces;
    out->piece_count = used;
    return 0;
}

/* --- matching ----------------------------------------------------------------------------------
 */

/* A variable is one value: a key with several has none here. */
static bool resolve(const struct piece *piece, const struct policy_question *question,
                    struct text *out)
{
    *out = piece->text;
    if (piece->kind != PIECE_VARIABLE)
        return true;
    const char *const *values = question_values(question, piece->variable);
    if (values && !values[1])
        *out = text_of(values[0]);
    return out->data != NULL;
}

static void symbols_done(struct symbols *symbols)
{
    if (symbols->data != symbols->few)
        free(symbols->data);
}

static void symbols_add(struct symbols *symbols, struct text text, bool wildcards)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.data[i];
        symbols->data[symbols->count++] = wildcards && byte == '*'   ? ANY_RUN
                                          : wildcards && byte == '?' ? ANY_ONE
                                                                     : (unsigned char)byte;
    }
}

static void symbols_init(struct symbols *symbols, size_t len)
{
    symbols->count = 0;
    symbols->data =
        len <= SYMBOLS_ON_STACK ? symbols->few : memory_alloc(len * sizeof *symbols->data);
}

/* False, with nothing to free, when a variable has no value. */
static bool symbols_of(const struct pattern *pattern, const struct policy_question *question,
                       struct symbols *out)
{
    struct text text;
    size_t len = 0;
    if (!pattern->pieces) {
        symbols_init(out, pattern->text.len);
        symbols_add(out, pattern->text, pattern->wildcards);
        return true;
    }
    for (size_t i = 0; i < pattern->piece_count; i++) {
        if (!resolve(&pattern->pieces[i], question, &text))
            return false;
        len += text.len;
    }
    symbols_init(out, len);
    for (size_t i = 0; i < pattern->piece_count; i++) {
        resolve(&pattern->pieces[i], question, &text);
        symbols_add(out, text, pattern->pieces[i].kind == PIECE_TEXT);
    }
    return true;
}

static unsigned folded(unsigned symbol)
{
    return symbol >= 'A' && symbol <= 'Z' ? symbol + ('a' - 'A') : symbol;
}

static bool symbol_fits(unsigned symbol, char byte, bool nocase)
{
    unsigned other = (unsigned char)byte;
    return symbol == ANY_ONE || symbol == other || (nocase && folded(symbol) == folded(other));
}

/* As text_wildcard: a star takes as little as it can, and only the last one is tried again, so the
 * work is at most (symbols) x (bytes). */
static bool symbols_match(const uint16_t *symbols, size_t count, struct text text, bool nocase)
{
    size_t s = 0, t = 0, star = 0, star_text = 0;
    bool starred = false;
    while (t < text.len) {
        if (s < count && symbols[s] == ANY_RUN) {
            starred = true;
            star = ++s;
            star_text = t;
        } else if (s < count && symbol_fits(symbols[s], text.data[t], nocase)) {
            s++;
            t++;
        } else if (starred) {
            s = star;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (s < count && symbols[s] == ANY_RUN)
        s++;
    return s == count;
}

static bool plain_match(const struct pattern *pattern, struct text text)
{
    size_t fixed = pattern->fixed;
    if (text.len < fixed || memcmp(pattern->text.data, text.data, fixed) != 0)
        return false;
    return text_wildcard(pattern->text.data + fixed, pattern->text.len - fixed, text.data + fixed,
                         text.len - fixed);
}

int pattern_match(const struct pattern *pattern, const struct policy_question *question,
                  struct text text, bool nocase)
{
    if (!pattern->pieces && pattern->wildcards && !nocase)
        return plain_match(pattern, text);
    if (!pattern->pieces && !pattern->wildcards)
        return pattern->text.len == text.len &&
               (nocase ? strncasecmp(pattern->text.data, text.data, text.len) == 0
                       : memcmp(pattern->text.data, text.data, text.len) == 0);
    struct symbols symbols;
    if (!symbols_of(pattern, question, &symbols))
        return MATCH_UNRESOLVED;
    bool matches = symbols_match(symbols.data, symbols.count, text, nocase);
    symbols_done(&symbols);
    return matches;
}

static bool arn_matches(const struct symbols *symbols, struct text text)
{
    size_t from = 0;
    for (int segment = 0; segment < 5; segment++) {
        size_t to = from;
        while (to < symbols->count && symbols->data[to] != ':')
            to++;
        struct text part = text_cut(&text, ':');
        if (to == symbols->count || !text.data ||
            !symbols_match(symbols->data + from, to - from, part, false))
            return false;
        from = to + 1;
    }
    return symbols_match(symbols->data + from, symbols->count - from, text, false);
}

int pattern_match_arn(const struct pattern *pattern, const struct policy_question *question,
                      struct text text)
{
    struct symbols symbols;
    if (!symbols_of(pattern, question, &symbols))
        return MATCH_UNRESOLVED;
    bool matches = arn_matches(&symbols, text);
    symbols_done(&symbols);
    return matches;
}
