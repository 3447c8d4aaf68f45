#include "local/services/iam_parts.h"

#include <string.h>

/* --- alias ------------------------------------------------------------------------------------ */

static char *alias_of(struct local_call *call)
{
    struct store_rows rows;
    store_query(call->store, &rows, "SELECT alias FROM iam_accounts WHERE account = $1", "t",
                call->account);
    char *alias = store_next(&rows) ? iam_column(call->arena, &rows, 0) : NULL;
    store_end(&rows);
    return alias;
}

static void store_alias(struct local_call *call, const char *alias)
{
    store_run(call->store, "UPDATE iam_accounts SET alias = $1 WHERE account = $2", "tt", alias,
              call->account);
}

enum local_result iam_create_account_alias(struct local_call *call)
{
    const char *alias = local_text(call, "AccountAlias");
    char digits[13] = "";
    /* Twelve digits are no alias: they would look like an account (model). */
    if (strlen(alias) == 12)
        memcpy(digits, alias, 12);
    if (strspn(digits, "0123456789") == 12)
        return local_fail_status(
            call, 400, "ValidationError",
            "1 validation error detected: Value at 'accountAlias' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: "
            "^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$");
    if (iam_count(call->store, "SELECT COUNT(*) FROM iam_accounts WHERE alias = $1", alias) > 0)
        return local_fail_status(call, 409, "EntityAlreadyExists",
                                 "The account alias %s already exists.", alias);
    store_alias(call, alias); /* in place of an earlier one */
    return LOCAL_OK;
}

enum local_result iam_delete_account_alias(struct local_call *call)
{
    const char *alias = local_text(call, "AccountAlias"), *has = alias_of(call);
    if (!has || strcmp(has, alias) != 0)
        return local_fail_status(call, 404, "NoSuchEntity", "The account alias %s cannot be found.",
                                 alias);
    store_alias(call, NULL);
    return LOCAL_OK;
}

enum local_result iam_list_account_aliases(struct local_call *call)
{
    struct iam_page page;
    enum local_result result = iam_page_open(call, &page);
    const char *alias = alias_of(call);
    if (result != LOCAL_OK)
        return result;
    json_key(call->out, "AccountAliases");
    json_open_list(call->out);
    if (alias && iam_page_take(&page, alias) == IAM_SHOW)
        json_write_text(call->out, alias);
    json_close_list(call->out);
    iam_page_close(call, &page);
    return LOCAL_OK;
}

/* --- summary ---------------------------------------------------------------------------------- */

enum local_result iam_set_token_version(struct local_call *call)
{
    bool second = strcmp(local_text(call, "GlobalEndpointTokenVersion"), "v2Token") == 0;
    store_run(call->store, "UPDATE iam_accounts SET token_version = $1 WHERE account = $2", "it",
              (int64_t)(second ? 2 : 1), call->account);
    return LOCAL_OK;
}

/* A count of the account's, or a number that is always the same. */
struct summary_row {
    const char *key, *sql;
    int64_t value;
};

static const struct summary_row summary[] = {
    {"Users", "SELECT COUNT(*) FROM iam_entities WHERE account = $1 AND kind = 'user'", 0},
    {"Groups", "SELECT COUNT(*) FROM iam_entities WHERE account = $1 AND kind = 'group'", 0},
    {"Roles", "SELECT COUNT(*) FROM iam_entities WHERE account = $1 AND kind = 'role'", 0},
    {"Policies", "SELECT COUNT(*) FROM iam_entities WHERE account = $1 AND kind = 'policy'", 0},
    {"InstanceProfiles",
     "SELECT COUNT(*) FROM iam_entities WHERE account = $1 AND kind = 'instance profile'", 0},
    {"Providers",
     "SELECT COUNT(*) FROM iam_entities WHERE account = $1 AND kind = 'OpenIDConnect Provider'", 0},
    {"PolicyVersionsInUse",
     "SELECT COUNT(*) FROM iam_versions JOIN iam_entities ON id = policy_id WHERE account = $1", 0},
    {"GlobalEndpointTokenVersion", "SELECT token_version FROM iam_accounts WHERE account = $1", 0},
    {"UsersQuota", NULL, 5000},
    {"GroupsQuota", NULL, 300},
    {"RolesQuota", NULL, 1000},
    {"PoliciesQuota", NULL, 1500},
    {"InstanceProfilesQuota", NULL, 1000},
    {"GroupsPerUserQuota", NULL, 10},
    {"AccessKeysPerUserQuota", NULL, 2},
    {"AttachedPoliciesPerUserQuota", NULL, 10},
    {"AttachedPoliciesPerGroupQuota", NULL, 10},
    {"AttachedPoliciesPerRoleQuota", NULL, 10},
    {"UserPolicySizeQuota", NULL, 2048},
    {"GroupPolicySizeQuota", NULL, 5120},
    {"RolePolicySizeQuota", NULL, 10240},
    {"AssumeRolePolicySizeQuota", NULL, 2048},
    {"PolicySizeQuota", NULL, 6144},
    {"VersionsPerPolicyQuota", NULL, 5},
    {"PolicyVersionsInUseQuota", NULL, 10000},
    {"ServerCertificates", NULL, 0},
    {"ServerCertificatesQuota", NULL, 20},
    {"SigningCertificatesPerUserQuota", NULL, 2},
    {"MFADevices", NULL, 0},
    {"MFADevicesInUse", NULL, 0},
    {"AccountMFAEnabled", NULL, 0},
    {"AccountAccessKeysPresent", NULL, 0},
    {"AccountPasswordPresent", NULL, 1},
    {"AccountSigningCertificatesPresent", NULL, 0},
};

enum local_result iam_get_account_summary(struct local_call *call)
{
    iam_open_map(call, "SummaryMap");
    for (size_t i = 0; i < sizeof summary / sizeof *summary; i++) {
        const struct summary_row *row = &summary[i];
        json_open(call->out);
        json_put_text(call->out, "key", row->key);
        json_put_int(call->out, "value",
                     row->sql ? iam_count(call->store, row->sql, call->account) : row->value);
        json_close(call->out);
    }
    iam_close_map(call);
    return LOCAL_OK;
}

/* --- authorization details -------------------------------------------------------------------- */

static bool wanted(struct local_call *call, const char *what)
{
    const json_t *filter = local_value(call, "Filter");
    for (size_t i = 0; i < json_array_size(filter); i++)
        if (strcmp(json_string_value(json_array_get(filter, i)), what) == 0)
            return true;
    return json_array_size(filter) == 0;
}

static void put_group_names(struct local_call *call, const struct iam_entity *user)
{
    struct store_rows rows;
    json_key(call->out, "GroupList");
    json_open_list(call->out);
    store_query(call->store, &rows,
                "SELECT name FROM iam_members JOIN iam_entities ON id = group_id "
                "WHERE user_id = $1 ORDER BY name_key",
                "t", user->id);
    while (store_next(&rows))
        json_write_text(call->out, iam_needed(call->arena, &rows, 0));
    store_end(&rows);
    json_close_list(call->out);
}

static void put_detail(struct local_call *call, const struct iam_entity *entity)
{
    const struct iam_kind *kind = entity->kind;
    json_open(call->out);
    json_put_text(call->out, "Path", entity->path);
    json_put_text(call->out, arena_printf(call->arena, "%sName", kind->object), entity->name);
    json_put_text(call->out, arena_printf(call->arena, "%sId", kind->object), entity->id);
    json_put_text(call->out, "Arn", local_shown(call, iam_entity_arn(call->arena, entity)));
    local_put_time(call, "CreateDate", entity->created_ms);
    iam_put_inline_documents(call, entity, arena_printf(call->arena, "%sPolicyList", kind->object));
    iam_put_attached_policies(call, entity);
    if (kind == &iam_user)
        put_group_names(call, entity);
    if (kind == &iam_role_kind) {
        iam_put_document(call, "AssumeRolePolicyDocument", entity->document);
        iam_put_role_profiles(call, entity, "InstanceProfileList", NULL);
    }
    if (kind != &iam_group) {
        iam_put_boundary(call, entity);
        iam_put_tags(call, entity->tags);
    }
    json_close(call->out);
}

static void put_policy_detail(struct local_call *call, const struct iam_entity *policy)
{
    struct iam_entity plain = *policy;
    plain.tags = "{}"; /* ManagedPolicyDetail has none */
    json_open(call->out);
    iam_put_members(call, &plain, true);
    iam_put_versions(call, policy, "PolicyVersionList", NULL, true);
    json_close(call->out);
}

/* One list of the answer; keys of the page are ordered by the list's rank, then name. */
static void put_details(struct local_call *call, const char *list, const char *rank,
                        const struct iam_kind *kind, bool want, struct iam_page *page)
{
    struct store_rows rows;
    json_key(call->out, list);
    json_open_list(call->out);
    store_query(call->store, &rows,
                "SELECT " IAM_ENTITY_COLUMNS
                " FROM iam_entities WHERE account = $1 AND kind = $2 ORDER BY name_key",
                "tt", call->account, kind->name);
    while (want && store_next(&rows)) {
        struct iam_entity entity;
        iam_entity_read(call->arena, &rows, &entity);
        enum iam_take take = iam_page_take(page, arena_printf(call->arena, "%s/%s", rank,
                                                              iam_lower(call->arena, entity.name)));
        if (take == IAM_FULL)
            break;
        if (take == IAM_SHOW && kind == &iam_policy)
            put_policy_detail(call, &entity);
        else if (take == IAM_SHOW)
            put_detail(call, &entity);
    }
    store_end(&rows);
    if (kind != &iam_policy)
        json_close_list(call->out);
}

/* Of AWS's own those that are attached, and all when they are asked for by name. */
static void put_managed(struct local_call *call, struct iam_page *page)
{
    const struct iam_managed_policy *managed = iam_managed_policies;
    bool all = json_array_size(local_value(call, "Filter")) > 0;
    for (; wanted(call, "AWSManagedPolicy") && managed->name; managed++) {
        struct iam_entity policy;
        iam_managed_entity(call->arena, managed, &policy);
        if (!all && iam_policy_uses(call, &policy, false) == 0)
            continue;
        enum iam_take take =
            iam_page_take(page, arena_printf(call->arena, "5/%05d",
                                             (int)(managed - iam_managed_policies)));
        if (take == IAM_FULL)
            break;
        if (take == IAM_SHOW)
            put_policy_detail(call, &policy);
    }
    json_close_list(call->out);
}

enum local_result iam_get_account_authorization_details(struct local_call *call)
{
    struct iam_page page;
    enum local_result result = iam_page_open(call, &page);
    if (result != LOCAL_OK)
        return result;
    put_details(call, "GroupDetailList", "1", &iam_group, wanted(call, "Group"), &page);
    put_details(call, "RoleDetailList", "2", &iam_role_kind, wanted(call, "Role"), &page);
    put_details(call, "UserDetailList", "3", &iam_user, wanted(call, "User"), &page);
    put_details(call, "Policies", "4", &iam_policy, wanted(call, "LocalManagedPolicy"), &page);
    put_managed(call, &page);
    iam_page_close(call, &page);
    return LOCAL_OK;
}
