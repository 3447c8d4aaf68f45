/* "ACTION RESOURCE KEY=VALUE", then the document from the second line on: parsed for every kind,
 * and asked when it parses. A policy without any allow never allows. */
#include "aws/policy.h"
#include "base/arena.h"
#include "base/text.h"
#include "fuzz.h"

#include <assert.h>
#include <string.h>

static char *copy(struct arena *arena, struct text view)
{
    return arena_strndup(arena, view.data ? view.data : "", view.data ? view.len : 0);
}

static bool holds(struct text text, const char *word)
{
    return memmem(text.data, text.len, word, strlen(word)) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct policy_principal who = {.arn = "arn:aws:iam::111111111111:role/r",
                                                .session_arn =
                                                    "arn:aws:sts::111111111111:assumed-role/r/s",
                                                .account = "111111111111"};
    struct text document = {(const char *)data, size}, head = text_cut(&document, '\n');
    if (!document.data)
        return 0;
    struct arena arena;
    arena_init(&arena);
    const char *action = copy(&arena, text_cut(&head, ' '));
    const char *resource = copy(&arena, text_cut(&head, ' '));
    const char *values[] = {NULL, "true", NULL};
    const struct policy_value context[] = {{copy(&arena, text_cut(&head, '=')), values}};
    values[0] = copy(&arena, head);
    const struct policy_question question = {.action = action,
                                             .resource = resource,
                                             .principal = &who,
                                             .context = context,
                                             .context_count = 1};
    for (int kind = POLICY_IDENTITY; kind <= POLICY_TRUST; kind++) {
        struct error err = {0};
        enum policy_match match;
        const struct policy *policy =
            policy_parse(&arena, document.data, document.len, (enum policy_kind)kind, &err);
        if (!policy) {
            assert(err.code == ERR_INVALID && err.message[0]);
            continue;
        }
        enum policy_answer answer = policy_evaluate(policy, &question, &match);
        const struct policy_set *set = policy_set_about(&arena, &policy, 1, action);
        assert(kind != POLICY_IDENTITY || policy_set_evaluate(set, &question) == answer);
        /* Escapes can spell the word otherwise. */
        assert(answer != POLICY_ALLOW || holds(document, "Allow") || holds(document, "\\u"));
        assert(kind == POLICY_IDENTITY || (answer == POLICY_ALLOW) == (match != POLICY_MATCH_NONE));
    }
    arena_done(&arena);
    return 0;
}
