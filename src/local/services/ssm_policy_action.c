#include "local/services/ssm_policy_action.h"

#include "aws/region.h"
#include "local/agenda.h"
#include "local/event_bus.h"
#include "local/services/ssm.h"
#include "local/services/ssm_policy.h"

#include <stdlib.h>
#include <string.h>

/* As many act in one transaction; the writer's other work comes between. */
enum { ACTIONS_MAX = 100 };

struct action {
    const char *account, *region;
    struct text key;
    size_t policy; /* its number in the parameter's list */
};

void ssm_policies_expect(struct local_call *call, struct text key,
                         const struct ssm_version *version)
{
    store_run(call->store,
              "DELETE FROM ssm_policy_due WHERE account = $1 AND region = $2 AND name = $3", "ttT",
              call->account, call->region, key.data, key.len);
    json_t *list = version->policies.len
                       ? json_read(version->policies.data, version->policies.len, NULL)
                       : NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        int64_t due_ms =
            ssm_policy_due_ms(json_array_get(list, i), version->expires_ms, version->modified_ms);
        store_run(call->store,
                  "INSERT INTO ssm_policy_due (account, region, name, policy, due_ms)"
                  " VALUES ($1, $2, $3, $4, $5)",
                  "ttTii", call->account, call->region, key.data, key.len, (int64_t)i, due_ms);
        agenda_expect(call->local->agenda, due_ms);
    }
    json_decref(list);
}

static void tell(struct local_call *call, struct text key, const struct ssm_version *version,
                 const json_t *policy)
{
    const char *type = json_text_or(policy, "Type", "");
    const char *reason = "No change notification sent";
    if (strcmp(type, "Expiration") == 0)
        reason = "Parameter expired and was deleted";
    else if (strcmp(type, "ExpirationNotification") == 0)
        reason = "Expiration notification sent";
    char *content = json_dumps(policy, JSON_COMPACT);
    json_t *detail = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "parameter-name",
                               ssm_shown_name(call, key, version->slash), "parameter-type",
                               ssm_type_names[version->type], "policy-type", type, "policy-content",
                               content, "action-status", "SUCCESS", "action-reason", reason);
    event_emit_native(call->local, call->store, call->account, call->region, "aws.ssm",
                      "Parameter Store Policy Action", ssm_arn(call, call->account, key), detail);
    json_decref(detail);
    free(content);
}

/* The row as it stands, also when it has expired; texts in the arena. */
static bool load(struct local_call *call, struct text key, struct ssm_version *version)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT " SSM_COLUMNS_SHOWN " FROM ssm_parameter"
                " WHERE account = $1 AND region = $2 AND name = $3",
                "ttT", call->account, call->region, key.data, key.len);
    bool found = store_next(&rows);
    if (found) {
        ssm_version_read(&rows, 0, false, version);
        version->policies = text_of(ssm_copy(call, version->policies));
    }
    store_end(&rows);
    return found;
}

static void act(struct local_call *call, const struct action *action)
{
    struct ssm_version version;
    store_run(call->store,
              "DELETE FROM ssm_policy_due"
              " WHERE account = $1 AND region = $2 AND name = $3 AND policy = $4",
              "ttTi", call->account, call->region, action->key.data, action->key.len,
              (int64_t)action->policy);
    if (!load(call, action->key, &version))
        return;
    json_t *list = json_read(version.policies.data, version.policies.len, NULL);
    const json_t *policy = json_array_get(list, action->policy);
    if (policy)
        tell(call, action->key, &version, policy);
    if (policy && strcmp(json_text_or(policy, "Type", ""), "Expiration") == 0)
        ssm_remove(call, call->account, action->key, version.tier);
    json_decref(list);
}

static size_t collect(struct arena *arena, struct store_rows *rows, struct action *actions)
{
    size_t count = 0;
    while (count < ACTIONS_MAX && store_next(rows)) {
        const struct text account = store_text(rows, 0), region = store_text(rows, 1),
                          key = store_text(rows, 2);
        actions[count++] = (struct action){
            .account = arena_strndup(arena, account.data, account.len),
            .region = arena_strndup(arena, region.data, region.len),
            .key = {arena_strndup(arena, key.data, key.len), key.len},
            .policy = (size_t)store_int(rows, 3),
        };
    }
    store_end(rows);
    return count;
}

#define DUE      "SELECT account, region, name, policy FROM ssm_policy_due WHERE due_ms <= $1"
#define IN_ORDER " ORDER BY due_ms, account, region, name, policy LIMIT 100"

void ssm_policies_act_on(struct local_call *call, struct text key)
{
    struct action actions[ACTIONS_MAX];
    struct store_rows rows;
    store_query(call->store, &rows, DUE " AND account = $2 AND region = $3 AND name = $4" IN_ORDER,
                "ittT", ssm_now_ms(call), call->account, call->region, key.data, key.len);
    size_t count = collect(call->arena, &rows, actions);
    for (size_t i = 0; i < count; i++)
        act(call, &actions[i]);
}

static int64_t next_due(struct store_session *store)
{
    struct store_rows rows;
    store_query(store, &rows, "SELECT due_ms FROM ssm_policy_due ORDER BY due_ms LIMIT 1", "");
    int64_t due_ms = store_next(&rows) ? store_int(&rows, 0) : AGENDA_NEVER;
    store_end(&rows);
    return due_ms;
}

int64_t ssm_policies_act(struct local *local, struct store_session *store, int64_t now_ms)
{
    struct action actions[ACTIONS_MAX];
    struct store_rows rows;
    struct arena arena;
    arena_init(&arena);
    store_query(store, &rows, DUE IN_ORDER, "i", now_ms);
    size_t count = collect(&arena, &rows, actions);
    for (size_t i = 0; i < count; i++) {
        struct local_call call = {
            .arena = &arena,
            .local = local,
            .store = store,
            .partition = partition_of(actions[i].region)->name,
            .region = actions[i].region,
            .account = actions[i].account,
            .service = &ssm_service,
            .writing = true,
        };
        act(&call, &actions[i]);
    }
    arena_done(&arena);
    return next_due(store);
}
