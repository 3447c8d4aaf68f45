#include "local/event_access.h"

#include "base/arena.h"
#include "local/service_role.h"

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

const char *event_role_refuses(struct store_session *store, struct arena *arena,
                               const char *role_arn, const char *action, const char *resource)
{
    struct iam_role role;
    if (iam_role_find(store, arena, role_arn, &role) != LOCAL_OK ||
        !service_role_trusts(arena, &role, "events.amazonaws.com"))
        return "FAILED_TO_ASSUME_ROLE";
    if (!service_role_allows(store, arena, &role, action, resource))
        return "NO_PERMISSIONS";
    return NULL;
}
