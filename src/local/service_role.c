#include "local/service_role.h"

#include <string.h>

bool service_role_trusts(struct arena *arena, const struct iam_role *role, const char *service)
{
    const struct policy_principal principal = {.service = service};
    const struct policy_question assume = {.action = "sts:AssumeRole", .principal = &principal};
    const struct policy *trust =
        policy_parse(arena, role->trust_policy, strlen(role->trust_policy), POLICY_TRUST, NULL);
    return trust && policy_evaluate(trust, &assume, NULL) == POLICY_ALLOW;
}

/* Of several documents; one that cannot be read denies. */
static enum policy_answer ask_all(struct arena *arena, const struct iam_document *documents,
                                  size_t count, const struct policy_question *question)
{
    enum policy_answer answer = POLICY_NO_MATCH;
    for (size_t i = 0; i < count; i++) {
        const struct policy *policy =
            policy_parse(arena, documents[i].text, strlen(documents[i].text), POLICY_IDENTITY,
                         NULL);
        enum policy_answer one = policy ? policy_evaluate(policy, question, NULL) : POLICY_DENY;
        if (one == POLICY_DENY)
            return POLICY_DENY;
        if (one == POLICY_ALLOW)
            answer = POLICY_ALLOW;
    }
    return answer;
}

bool service_role_allows(struct store_session *store, struct arena *arena,
                         const struct iam_role *role, const char *action, const char *resource)
{
    const struct policy_question question = {.action = action, .resource = resource};
    struct iam_identity identity;
    iam_identity_load(store, arena, role->id, &identity);
    return ask_all(arena, identity.documents, identity.count, &question) == POLICY_ALLOW &&
           (!identity.boundary || ask_all(arena, identity.boundary, 1, &question) == POLICY_ALLOW);
}
