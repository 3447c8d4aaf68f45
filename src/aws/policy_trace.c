#include "aws/policy_intern.h"
#include "base/arena.h"

#include <string.h>
#include <strings.h>

/* --- keys ------------------------------------------------------------------------------------- */

struct names {
    struct arena *arena;
    const char **items;
    size_t count, room;
};

static void add_name(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcasecmp(names->items[i], name) == 0)
            return;
    if (names->count + 1 >= names->room) { /* one stays free for the end */
        size_t room = names->room ? 2 * names->room : 8;
        const char **items = arena_calloc(names->arena, room, sizeof *items);
        if (names->count)
            memcpy(items, names->items, names->count * sizeof *items);
        names->items = items;
        names->room = room;
    }
    names->items[names->count++] = name;
}

static void add_variables(struct names *names, const struct pattern *pattern)
{
    for (size_t i = 0; i < pattern->piece_count; i++)
        if (pattern->pieces[i].kind == PIECE_VARIABLE)
            add_name(names, pattern->pieces[i].variable);
}

static void add_statement(struct names *names, const struct statement *statement)
{
    for (size_t i = 0; i < statement->resource_count; i++)
        add_variables(names, &statement->resources[i].pattern);
    for (size_t i = 0; i < statement->condition_count; i++) {
        const struct condition *condition = &statement->conditions[i];
        add_name(names, condition->key);
        for (size_t j = 0; j < condition->value_count; j++)
            add_variables(names, &condition->values[j].pattern);
    }
}

const char *const *policy_keys(struct arena *arena, const struct policy *policy)
{
    static const char *const none[] = {NULL};
    struct names names = {.arena = arena};
    for (size_t i = 0; i < policy->statement_count; i++)
        add_statement(&names, &policy->statements[i]);
    return names.items ? names.items : none;
}

/* --- what decided ----------------------------------------------------------------------------- */

/* A policy of this statement alone; `open` leaves its conditions out. */
static enum policy_answer ask_alone(const struct policy *policy, size_t position, bool open,
                                    const struct policy_question *question,
                                    enum policy_match *match)
{
    struct statement statement = policy->statements[position];
    if (open)
        statement.condition_count = 0;
    const struct policy alone = {policy->kind, &statement, 1};
    return policy_evaluate(&alone, question, match);
}

static void add_missing(struct names *names, const struct statement *statement,
                        const struct policy_question *question)
{
    struct names asked = {.arena = names->arena};
    add_statement(&asked, statement);
    for (size_t i = 0; i < asked.count; i++)
        if (!question_values(question, asked.items[i]))
            add_name(names, asked.items[i]);
}

enum policy_answer policy_trace(struct arena *arena, const struct policy *policy,
                                const struct policy_question *question, struct policy_trace *out)
{
    struct names missing = {.arena = arena};
    enum policy_answer answer = policy_evaluate(policy, question, &out->match);
    out->matched = arena_calloc(arena, policy->statement_count, sizeof *out->matched);
    out->matched_count = 0;
    for (size_t i = 0; i < policy->statement_count; i++) {
        enum policy_match ignored;
        if (answer != POLICY_NO_MATCH && ask_alone(policy, i, false, question, &ignored) == answer)
            out->matched[out->matched_count++] = i;
        if (ask_alone(policy, i, true, question, &ignored) != POLICY_NO_MATCH)
            add_missing(&missing, &policy->statements[i], question);
    }
    out->missing = missing.items;
    out->missing_count = missing.count;
    return answer;
}
