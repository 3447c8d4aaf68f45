#include "local/services/iam_parts.h"

#include <stdlib.h>
#include <string.h>

enum { LARGEST_DOCUMENT = 6144, MOST_VERSIONS = 5 };

static bool is_managed(const struct iam_entity *policy)
{
    return strcmp(policy->account, "aws") == 0;
}

/* --- documents -------------------------------------------------------------------------------- */

char *iam_version_document(struct store_session *store, struct arena *arena,
                           const struct iam_entity *policy, int64_t version)
{
    struct store_rows rows;
    if (is_managed(policy))
        return version == 1 ? arena_strdup(arena, iam_managed_document(policy->name)) : NULL;
    store_query(store, &rows,
                "SELECT document FROM iam_versions WHERE policy_id = $1 AND version = $2", "ti",
                policy->id, version);
    char *document = store_next(&rows) ? iam_column(arena, &rows, 0) : NULL;
    store_end(&rows);
    return document;
}

const char *iam_policy_document(struct store_session *store, struct arena *arena,
                                const char *account, const char *policy_arn)
{
    struct iam_entity policy;
    if (!iam_entity_by_arn(store, arena, policy_arn, &policy) || policy.kind != &iam_policy ||
        (!is_managed(&policy) && strcmp(policy.account, account) != 0))
        return NULL;
    return iam_version_document(store, arena, &policy, policy.default_version);
}

static enum local_result check(struct local_call *call, const char *document)
{
    enum local_result result = iam_check_document(call, document);
    if (result == LOCAL_OK && iam_document_size(document) > LARGEST_DOCUMENT)
        return iam_exceeds(call, "PolicySize", LARGEST_DOCUMENT);
    return result;
}

/* AWS's own policies are for AWS to change. */
static enum local_result own_policy(struct local_call *call, struct iam_entity *out)
{
    enum local_result result = iam_asked(call, out);
    if (result == LOCAL_OK && is_managed(out))
        return local_fail_status(call, 403, "AccessDenied",
                                 "User: %s is not authorized to perform: %s on resource: policy %s",
                                 local_shown(call, call->caller->arn), call->operation->action,
                                 local_text(call, "PolicyArn"));
    return result;
}

/* --- answers ---------------------------------------------------------------------------------- */

int64_t iam_policy_uses(struct local_call *call, const struct iam_entity *policy, bool boundary)
{
    const char *arn = iam_entity_arn(call->arena, policy);
    struct store_rows rows;
    if (boundary)
        store_query(call->store, &rows,
                    "SELECT COUNT(*) FROM iam_entities WHERE account = $1 AND boundary_arn = $2",
                    "tt", call->account, arn);
    else
        store_query(call->store, &rows,
                    "SELECT COUNT(*) FROM iam_attached JOIN iam_entities ON id = owner "
                    "WHERE account = $1 AND policy_arn = $2",
                    "tt", call->account, arn);
    int64_t number = store_next(&rows) ? store_int(&rows, 0) : 0;
    store_end(&rows);
    return number;
}

static char *version_name(struct arena *arena, int64_t version)
{
    return arena_printf(arena, "v%lld", (long long)version);
}

void iam_put_policy_members(struct local_call *call, const struct iam_entity *policy)
{
    json_put_text(call->out, "DefaultVersionId",
                  version_name(call->arena, policy->default_version));
    json_put_int(call->out, "AttachmentCount", iam_policy_uses(call, policy, false));
    json_put_int(call->out, "PermissionsBoundaryUsageCount", iam_policy_uses(call, policy, true));
    json_put_bool(call->out, "IsAttachable", true);
    local_put_time(call, "UpdateDate", policy->updated_ms);
}

static void put_version(struct local_call *call, const struct iam_entity *policy, int64_t version,
                        int64_t created_ms, const char *document)
{
    json_open(call->out);
    if (document)
        iam_put_document(call, "Document", document);
    json_put_text(call->out, "VersionId", version_name(call->arena, version));
    json_put_bool(call->out, "IsDefaultVersion", version == policy->default_version);
    local_put_time(call, "CreateDate", created_ms);
    json_close(call->out);
}

/* The key of a page: newest first, so what is missing to the largest number. */
static char *version_key(struct arena *arena, int64_t version)
{
    return arena_printf(arena, "%010lld", 9999999999LL - version);
}

void iam_put_versions(struct local_call *call, const struct iam_entity *policy, const char *key,
                      struct iam_page *page, bool documents)
{
    struct store_rows rows;
    json_key(call->out, key);
    json_open_list(call->out);
    if (is_managed(policy)) {
        put_version(call, policy, 1, policy->created_ms,
                    documents ? iam_managed_document(policy->name) : NULL);
        json_close_list(call->out);
        return;
    }
    store_query(call->store, &rows,
                "SELECT version, created_ms, document FROM iam_versions WHERE policy_id = $1 "
                "ORDER BY version DESC",
                "t", policy->id);
    while (store_next(&rows)) {
        int64_t version = store_int(&rows, 0);
        enum iam_take take =
            page ? iam_page_take(page, version_key(call->arena, version)) : IAM_SHOW;
        if (take == IAM_FULL)
            break;
        if (take == IAM_SHOW)
            put_version(call, policy, version, store_int(&rows, 1),
                        documents ? iam_needed(call->arena, &rows, 2) : NULL);
    }
    store_end(&rows);
    json_close_list(call->out);
}

/* --- policies --------------------------------------------------------------------------------- */

static void insert_version(struct local_call *call, const struct iam_entity *policy,
                           int64_t version, const char *document)
{
    store_run(call->store,
              "INSERT INTO iam_versions (policy_id, version, document, created_ms) "
              "VALUES ($1, $2, $3, $4)",
              "titi", policy->id, version, document, iam_now_ms(call));
}

enum local_result iam_create_policy(struct local_call *call)
{
    const char *document = local_text(call, "PolicyDocument");
    struct iam_entity made;
    enum local_result result = check(call, document);
    if (result == LOCAL_OK)
        result = iam_new_entity(call, &iam_policy, local_text(call, "PolicyName"), &made);
    if (result != LOCAL_OK)
        return result;
    made.default_version = made.last_version = 1;
    iam_entity_insert(call->store, call->arena, &made, false);
    insert_version(call, &made, 1, document);
    json_key(call->out, "Policy");
    iam_put_entity(call, &made, true);
    return LOCAL_OK;
}

enum local_result iam_delete_policy(struct local_call *call)
{
    struct iam_entity policy;
    enum local_result result = own_policy(call, &policy);
    return result == LOCAL_OK ? iam_delete(call) : result;
}

/* All that there are, of the account and of AWS, in the order of their keys. */
struct policies {
    struct iam_entity *items;
    size_t count, room;
};

static void add(struct local_call *call, struct policies *list, const struct iam_entity *policy)
{
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        struct iam_entity *items = arena_calloc(call->arena, room, sizeof *items);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = *policy;
}

static char *policy_key(struct arena *arena, const struct iam_entity *policy)
{
    return arena_printf(arena, "%s/%s", policy->name, policy->account);
}

static int by_key(const void *a, const void *b)
{
    const struct iam_entity *one = a, *other = b;
    int order = strcmp(one->name, other->name);
    return order ? order : strcmp(one->account, other->account);
}

static struct policies all_policies(struct local_call *call, const char *scope)
{
    struct policies list = {0};
    struct iam_entity policy;
    struct store_rows rows;
    const struct iam_managed_policy *managed = iam_managed_policies;
    for (; strcmp(scope, "Local") != 0 && managed->name; managed++) {
        iam_managed_entity(call->arena, managed, &policy);
        add(call, &list, &policy);
    }
    store_query(call->store, &rows,
                "SELECT " IAM_ENTITY_COLUMNS
                " FROM iam_entities WHERE account = $1 AND kind = 'policy'",
                "t", call->account);
    while (strcmp(scope, "AWS") != 0 && store_next(&rows)) {
        iam_entity_read(call->arena, &rows, &policy);
        add(call, &list, &policy);
    }
    store_end(&rows);
    if (list.count)
        qsort(list.items, list.count, sizeof *list.items, by_key);
    return list;
}

static bool is_wanted(struct local_call *call, const struct iam_entity *policy)
{
    const char *prefix = local_text(call, "PathPrefix");
    const char *usage = local_text(call, "PolicyUsageFilter");
    if (prefix && !text_starts(policy->path, prefix))
        return false;
    bool as_boundary = usage && strcmp(usage, "PermissionsBoundary") == 0;
    if (as_boundary || (usage && strcmp(usage, "PermissionsPolicy") == 0))
        return iam_policy_uses(call, policy, as_boundary) > 0;
    return !local_bool(call, "OnlyAttached", false) || iam_policy_uses(call, policy, false) > 0;
}

enum local_result iam_list_policies(struct local_call *call)
{
    const char *scope = local_text(call, "Scope");
    struct iam_page page;
    enum local_result result = iam_page_open(call, &page);
    if (result != LOCAL_OK)
        return result;
    struct policies list = all_policies(call, scope ? scope : "All");
    json_key(call->out, "Policies");
    json_open_list(call->out);
    for (size_t i = 0; i < list.count; i++) {
        char *key = policy_key(call->arena, &list.items[i]);
        if (strcmp(key, page.after) <= 0 || !is_wanted(call, &list.items[i]))
            continue;
        if (iam_page_take(&page, key) == IAM_FULL)
            break;
        iam_put_entity(call, &list.items[i], false);
    }
    json_close_list(call->out);
    iam_page_close(call, &page);
    return LOCAL_OK;
}

/* --- versions --------------------------------------------------------------------------------- */

static void set_default(struct local_call *call, const struct iam_entity *policy, int64_t version)
{
    store_run(call->store,
              "UPDATE iam_entities SET default_version = $1, updated_ms = $2 WHERE id = $3", "iit",
              version, iam_now_ms(call), policy->id);
}

enum local_result iam_create_policy_version(struct local_call *call)
{
    const char *document = local_text(call, "PolicyDocument");
    struct iam_entity policy;
    enum local_result result = own_policy(call, &policy);
    if (result == LOCAL_OK)
        result = check(call, document);
    if (result != LOCAL_OK)
        return result;
    if (iam_count(call->store, "SELECT COUNT(*) FROM iam_versions WHERE policy_id = $1",
                  policy.id) >= MOST_VERSIONS)
        return local_fail_status(call, 409, "LimitExceeded",
                                 "A managed policy can have up to %d versions. Before you create a "
                                 "new version, you must delete an existing version.",
                                 MOST_VERSIONS);
    int64_t version = policy.last_version + 1; /* a number is never used again */
    store_run(call->store, "UPDATE iam_entities SET last_version = $1 WHERE id = $2", "it", version,
              policy.id);
    insert_version(call, &policy, version, document);
    if (local_bool(call, "SetAsDefault", false)) {
        set_default(call, &policy, version);
        policy.default_version = version;
    }
    json_key(call->out, "PolicyVersion");
    put_version(call, &policy, version, iam_now_ms(call), NULL);
    return LOCAL_OK;
}

/* The version that the request names, of this policy; NoSuchEntity otherwise. */
static enum local_result version_asked(struct local_call *call, const struct iam_entity *policy,
                                       int64_t *version, char **document)
{
    const char *text = local_text(call, "VersionId");
    *document = NULL;
    if (text_to_int64(text + 1, strlen(text + 1), version) == 0)
        *document = iam_version_document(call->store, call->arena, policy, *version);
    if (*document)
        return LOCAL_OK;
    return local_fail_status(call, 404, "NoSuchEntity",
                             "Policy %s version %s does not exist or is not attachable.",
                             local_text(call, "PolicyArn"), text);
}

enum local_result iam_get_policy_version(struct local_call *call)
{
    struct iam_entity policy;
    int64_t version, created_ms;
    char *document;
    struct store_rows rows;
    enum local_result result = iam_asked(call, &policy);
    if (result == LOCAL_OK)
        result = version_asked(call, &policy, &version, &document);
    if (result != LOCAL_OK)
        return result;
    store_query(call->store, &rows,
                "SELECT created_ms FROM iam_versions WHERE policy_id = $1 AND version = $2", "ti",
                policy.id, version);
    created_ms = store_next(&rows) ? store_int(&rows, 0) : policy.created_ms;
    store_end(&rows);
    json_key(call->out, "PolicyVersion");
    put_version(call, &policy, version, created_ms, document);
    return LOCAL_OK;
}

enum local_result iam_list_policy_versions(struct local_call *call)
{
    struct iam_entity policy;
    struct iam_page page;
    enum local_result result = iam_asked(call, &policy);
    if (result == LOCAL_OK)
        result = iam_page_open(call, &page);
    if (result != LOCAL_OK)
        return result;
    iam_put_versions(call, &policy, "Versions", &page, false);
    iam_page_close(call, &page);
    return LOCAL_OK;
}

enum local_result iam_delete_policy_version(struct local_call *call)
{
    struct iam_entity policy;
    int64_t version;
    char *document;
    enum local_result result = own_policy(call, &policy);
    if (result == LOCAL_OK)
        result = version_asked(call, &policy, &version, &document);
    if (result != LOCAL_OK)
        return result;
    if (version == policy.default_version)
        return local_fail_status(call, 409, "DeleteConflict",
                                 "Cannot delete the default version of a policy.");
    store_run(call->store, "DELETE FROM iam_versions WHERE policy_id = $1 AND version = $2", "ti",
              policy.id, version);
    return LOCAL_OK;
}

enum local_result iam_set_default_policy_version(struct local_call *call)
{
    struct iam_entity policy;
    int64_t version;
    char *document;
    enum local_result result = own_policy(call, &policy);
    if (result == LOCAL_OK)
        result = version_asked(call, &policy, &version, &document);
    if (result == LOCAL_OK)
        set_default(call, &policy, version);
    return result;
}

/* --- who has it ------------------------------------------------------------------------------- */

static bool wants_kind(struct local_call *call, const struct iam_kind *kind)
{
    const char *filter = local_text(call, "EntityFilter");
    return !filter || strcmp(filter, kind->object) == 0;
}

/* One kind's holders; their keys are ordered by kind, then name. */
static void put_holders(struct local_call *call, const struct iam_kind *kind, const char *arn,
                        bool as_boundary, struct iam_page *page)
{
    const char *prefix = local_text(call, "PathPrefix");
    struct store_rows rows;
    json_key(call->out, arena_printf(call->arena, "Policy%s", kind->list));
    json_open_list(call->out);
    if (as_boundary)
        store_query(call->store, &rows,
                    "SELECT " IAM_ENTITY_COLUMNS " FROM iam_entities "
                    "WHERE account = $1 AND kind = $2 AND boundary_arn = $3 ORDER BY name_key",
                    "ttt", call->account, kind->name, arn);
    else
        store_query(call->store, &rows,
                    "SELECT " IAM_ENTITY_COLUMNS " FROM iam_attached JOIN iam_entities "
                    "ON id = owner WHERE account = $1 AND kind = $2 AND policy_arn = $3 "
                    "ORDER BY name_key",
                    "ttt", call->account, kind->name, arn);
    while (wants_kind(call, kind) && store_next(&rows)) {
        struct iam_entity entity;
        iam_entity_read(call->arena, &rows, &entity);
        if (prefix && !text_starts(entity.path, prefix))
            continue;
        enum iam_take take = iam_page_take(page, arena_printf(call->arena, "%s/%s", kind->name,
                                                              iam_lower(call->arena, entity.name)));
        if (take == IAM_FULL)
            break;
        if (take == IAM_SKIP)
            continue;
        json_open(call->out);
        json_put_text(call->out, kind->member, entity.name);
        json_put_text(call->out, arena_printf(call->arena, "%sId", kind->object), entity.id);
        json_close(call->out);
    }
    store_end(&rows);
    json_close_list(call->out);
}

enum local_result iam_list_entities_for_policy(struct local_call *call)
{
    struct iam_entity policy;
    struct iam_page page;
    const char *usage = local_text(call, "PolicyUsageFilter");
    enum local_result result = iam_asked(call, &policy);
    if (result == LOCAL_OK)
        result = iam_page_open(call, &page);
    if (result != LOCAL_OK)
        return result;
    const char *arn = iam_entity_arn(call->arena, &policy);
    bool as_boundary = usage && strcmp(usage, "PermissionsBoundary") == 0;
    put_holders(call, &iam_group, arn, as_boundary, &page);
    put_holders(call, &iam_role_kind, arn, as_boundary, &page);
    put_holders(call, &iam_user, arn, as_boundary, &page);
    iam_page_close(call, &page);
    return LOCAL_OK;
}
