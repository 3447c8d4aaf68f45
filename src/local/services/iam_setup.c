#include "local/services/iam_parts.h"

#include "local/access_keys.h"

#include <string.h>

static const char *const organization_role = "OrganizationAccountAccessRole";
static const char *const administrator_access = "arn:aws:iam::aws:policy/AdministratorAccess";

/* The other accounts of this server; its own when it is the only one, because a policy without a
 * principal is none. */
static char *organization_trust(struct store_session *store, struct arena *arena,
                                const char *account)
{
    struct store_rows rows;
    char *list = arena_strdup(arena, "");
    store_query(store, &rows, "SELECT account FROM iam_accounts WHERE account <> $1 ORDER BY 1",
                "t", account);
    while (store_next(&rows))
        list = arena_printf(arena, "%s%s\"arn:aws:iam::%s:root\"", list, *list ? "," : "",
                            iam_needed(arena, &rows, 0));
    store_end(&rows);
    if (!*list)
        list = arena_printf(arena, "\"arn:aws:iam::%s:root\"", account);
    return arena_printf(arena,
                        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                        "\"Principal\":{\"AWS\":[%s]},\"Action\":\"sts:AssumeRole\"}]}",
                        list);
}

/* Every account's role that nobody changed is made to trust the accounts there are now. */
static void refresh_trust(struct store_session *store, struct arena *arena)
{
    struct accounts {
        struct accounts *next;
        const char *account;
    } *first = NULL;
    struct store_rows rows;
    store_query(store, &rows, "SELECT account FROM iam_entities WHERE generated = 1 AND name = $1",
                "t", organization_role);
    while (store_next(&rows)) {
        struct accounts *entry = arena_alloc(arena, sizeof *entry);
        *entry = (struct accounts){first, iam_needed(arena, &rows, 0)};
        first = entry;
    }
    store_end(&rows);
    for (; first; first = first->next)
        store_run(store,
                  "UPDATE iam_entities SET document = $1 WHERE account = $2 AND name = $3 AND "
                  "kind = 'role' AND generated = 1",
                  "ttt", organization_trust(store, arena, first->account), first->account,
                  organization_role);
}

/* Ids come of the account's number alone: a data folder made anew has the same, and they may stand
 * in policies. */
static void make(struct store_session *store, struct arena *arena, struct iam_entity *entity,
                 bool generated)
{
    struct iam_entity old;
    if (iam_entity_find(store, arena, entity->account, entity->kind, entity->name, &old)) {
        entity->id = old.id;
        return;
    }
    entity->path = "/";
    entity->tags = "{}";
    entity->id = iam_fixed_id(arena, entity->kind->prefix,
                              arena_printf(arena, "%s:%s", entity->name, entity->account));
    iam_entity_insert(store, arena, entity, generated);
    store_run(store,
              "INSERT INTO iam_attached (owner, policy_arn, policy_key, attached_ms) "
              "VALUES ($1, $2, 'AdministratorAccess/aws', $3)",
              "tti", entity->id, administrator_access, entity->created_ms);
}

static void add_account(struct store_session *store, struct arena *arena, const char *account,
                        int64_t now_ms)
{
    store_run(store,
              "INSERT INTO iam_accounts (account, created_ms, token_version) VALUES ($1, $2, 1)",
              "ti", account, now_ms);
    struct iam_entity role = {.kind = &iam_role_kind,
                              .account = account,
                              .name = organization_role,
                              .description = "",
                              .document = organization_trust(store, arena, account),
                              .max_session_s = IAM_DEFAULT_SESSION_S,
                              .created_ms = now_ms};
    make(store, arena, &role, true);
    refresh_trust(store, arena);
}

int iam_account_setup(struct store_session *store, struct arena *arena, const char *account,
                      int64_t now_ms)
{
    struct store_rows rows;
    struct iam_entity user = {.kind = &iam_user,
                              .account = account,
                              .name = access_key_administrator_name,
                              .created_ms = now_ms};
    store_query(store, &rows, "SELECT 1 FROM iam_accounts WHERE account = $1", "t", account);
    bool known = store_next(&rows);
    store_end(&rows);
    if (!known)
        add_account(store, arena, account, now_ms);
    make(store, arena, &user, false);
    /* Keys given at a start are keys like any other from then on. */
    store_run(store,
              "INSERT INTO access_key (id, account, user_id, secret, active, created_ms) "
              "SELECT id, account, $1, secret, 1, $2 FROM given_key "
              "WHERE account = $3 AND id NOT IN (SELECT id FROM access_key)",
              "tit", user.id, now_ms, account);
    return store_failed(store) ? -1 : 0;
}
