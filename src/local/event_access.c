#include "local/event_access.h"

#include "base/arena.h"
#include "local/services/iam.h"

#include <string.h>

bool event_bus_exists(struct store_session *store, const char *account, const char *region,
                      const char *name)
{
    if (strcmp(name, "default") == 0)
        return true;
    struct store_rows rows;
    store_query(store, &rows,
                "SELECT 1 FROM events_bus WHERE account = $1 AND region = $2 AND name = $3", "ttt",
                account, region, name);
    bool found = store_next(&rows);
    store_end(&rows);
    return found;
}

bool event_bus_allows(struct store_session *store, struct arena *arena, const char *account,
                      const char *region, const char *name, const struct policy_question *question)
{
    struct store_rows rows;
    struct policy *policy = NULL;
    store_query(store, &rows,
                "SELECT policy FROM events_bus WHERE account = $1 AND region = $2 AND name = $3",
                "ttt", account, region, name);
    if (store_next(&rows) && !store_null(&rows, 0)) {
        struct text text = store_text(&rows, 0);
        policy = policy_parse(arena, text.data, text.len, POLICY_RESOURCE, NULL);
    }
    store_end(&rows);
    return policy && policy_evaluate(policy, question, NULL) == POLICY_ALLOW;
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

const char *event_role_refuses(struct store_session *store, struct arena *arena,
                               const char *role_arn, const char *action, const char *resource)
{
    static const struct policy_principal events = {.service = "events.amazonaws.com"};
    struct iam_role role;
    struct iam_identity identity;
    if (iam_role_find(store, arena, role_arn, &role) != LOCAL_OK)
        return "FAILED_TO_ASSUME_ROLE";
    const struct policy *trust =
        policy_parse(arena, role.trust_policy, strlen(role.trust_policy), POLICY_TRUST, NULL);
    const struct policy_question assume = {.action = "sts:AssumeRole", .principal = &events};
    if (!trust || policy_evaluate(trust, &assume, NULL) != POLICY_ALLOW)
        return "FAILED_TO_ASSUME_ROLE";
    const struct policy_question question = {.action = action, .resource = resource};
    iam_identity_load(store, arena, role.id, &identity);
    if (ask_all(arena, identity.documents, identity.count, &question) != POLICY_ALLOW ||
        (identity.boundary && ask_all(arena, identity.boundary, 1, &question) != POLICY_ALLOW))
        return "NO_PERMISSIONS";
    return NULL;
}
