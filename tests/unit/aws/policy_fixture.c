#include "policy_fixture.h"

#include "base/arena.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static char *quotes(struct arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, text);
    for (char *at = copy; *at; at++)
        if (*at == '\'')
            *at = '"';
        else if (*at == '`')
            *at = '\'';
    return copy;
}

static struct policy_value *context_of(struct arena *arena, const char *text, size_t *count)
{
    char **items = text_split(arena, text ? text : "", ';', count);
    struct policy_value *values = arena_calloc(arena, *count + 1, sizeof *values);
    for (size_t i = 0; i < *count; i++) {
        char *equals = strchr(items[i], '=');
        const char *listed = equals ? equals + 1 : NULL;
        if (equals)
            *equals = '\0';
        values[i].key = items[i];
        const char **list = arena_calloc(arena, 16, sizeof *list);
        struct text rest = text_of(listed);
        for (size_t n = 0; rest.data; n++) {
            struct text one = text_cut(&rest, '|');
            list[n] = arena_strndup(arena, one.data, one.len);
        }
        values[i].values = list;
    }
    return values;
}

struct asked_late {
    struct policy_context context; /* first */
    const struct policy_question *from;
};

static void fill(struct policy_context *context)
{
    const struct policy_question *from = ((struct asked_late *)context)->from;
    context->values = from->context;
    context->count = from->context_count;
}

/* The other ways to ask the same give the same answer: a trace, and a set narrowed to the action
 * with its context given late. */
static void ask_otherwise(struct arena *arena, const struct policy *policy, enum policy_kind kind,
                          const struct policy_question *question, enum policy_answer answer)
{
    struct policy_trace trace;
    assert_int_equal(policy_trace(arena, policy, question, &trace), answer);
    assert_int_equal(trace.matched_count > 0, answer != POLICY_NO_MATCH);
    if (kind != POLICY_IDENTITY)
        return;
    struct asked_late late = {{.fill = fill}, question};
    const struct policy_question lazy = {.action = question->action,
                                         .resource = question->resource,
                                         .lazy = &late.context};
    const struct policy_set *set = policy_set_about(arena, &policy, 1, question->action);
    assert_int_equal(policy_set_evaluate(set, &lazy), answer);
}

enum policy_answer policy_ask(const char *document, enum policy_kind kind, const char *action,
                              const char *resource, const struct policy_principal *principal,
                              const char *context, enum policy_match *match)
{
    struct arena arena;
    struct error err = {0};
    arena_init(&arena);
    char *json = quotes(&arena, document);
    struct policy *policy = policy_parse(&arena, json, strlen(json), kind, &err);
    if (!policy)
        fail_msg("%s: %s", document, err.message);
    memset(json, 'x', strlen(json)); /* nothing may point into it */
    struct policy_question question = {.action = action,
                                       .resource = resource,
                                       .principal = principal};
    question.context = context_of(&arena, context, &question.context_count);
    enum policy_answer answer = policy_evaluate(policy, &question, match);
    ask_otherwise(&arena, policy, kind, &question, answer);
    arena_done(&arena);
    return answer;
}

const char *policy_refusal(const char *document, enum policy_kind kind)
{
    static struct error err;
    struct arena arena;
    arena_init(&arena);
    memset(&err, 0, sizeof err);
    char *json = quotes(&arena, document);
    struct policy *policy = policy_parse(&arena, json, strlen(json), kind, &err);
    arena_done(&arena);
    if (!policy)
        assert_int_equal(err.code, ERR_INVALID);
    return policy ? "" : err.message;
}
