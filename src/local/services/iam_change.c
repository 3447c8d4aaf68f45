#include "local/services/iam_parts.h"

#include <string.h>

/* --- making ----------------------------------------------------------------------------------- */

static enum local_result already_exists(struct local_call *call, const struct iam_kind *kind,
                                        const char *name)
{
    if (kind == &iam_policy)
        return local_fail_status(call, 409, "EntityAlreadyExists",
                                 "A policy called %s already exists. Duplicate names are not "
                                 "allowed.",
                                 name);
    if (kind == &iam_profile)
        return local_fail_status(call, 409, "EntityAlreadyExists",
                                 "Instance Profile %s already exists.", name);
    if (kind == &iam_oidc_provider)
        return local_fail_status(call, 409, "EntityAlreadyExists",
                                 "Provider with url https://%s already exists.", name);
    return local_fail_status(call, 409, "EntityAlreadyExists", "%s with name %s already exists.",
                             kind->object, name);
}

static bool taken(struct local_call *call, const struct iam_kind *kind, const char *name)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT 1 FROM iam_entities WHERE account = $1 AND kind = $2 AND name_key = $3",
                "ttt", call->account, kind->name, iam_lower(call->arena, name));
    bool found = store_next(&rows);
    store_end(&rows);
    return found;
}

static int64_t number_of(struct local_call *call, const struct iam_kind *kind)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT COUNT(*) FROM iam_entities WHERE account = $1 AND kind = $2", "tt",
                call->account, kind->name);
    int64_t number = store_next(&rows) ? store_int(&rows, 0) : 0;
    store_end(&rows);
    return number;
}

enum local_result iam_new_entity(struct local_call *call, const struct iam_kind *kind,
                                 const char *name, struct iam_entity *out)
{
    const char *path = local_text(call, "Path"), *tags = NULL;
    enum local_result result = iam_tags_asked(call, NULL, &tags);
    if (result != LOCAL_OK)
        return result;
    if (taken(call, kind, name))
        return already_exists(call, kind, name);
    if (number_of(call, kind) >= kind->most)
        return iam_exceeds(call, kind->quota, kind->most);
    int64_t now_ms = iam_now_ms(call);
    *out = (struct iam_entity){.kind = kind,
                               .account = call->account,
                               .id = iam_new_id(call, kind->prefix),
                               .name = name,
                               .path = path ? path : "/",
                               .tags = tags,
                               .description = local_text(call, "Description"),
                               .created_ms = now_ms,
                               .updated_ms = now_ms};
    return iam_boundary_asked(call, &out->boundary_arn);
}

enum local_result iam_create(struct local_call *call)
{
    const struct iam_kind *kind = iam_kind_asked(call);
    const char *trust = local_text(call, "AssumeRolePolicyDocument");
    struct iam_entity made;
    enum local_result result = trust ? iam_check_trust(call, trust) : LOCAL_OK;
    if (result == LOCAL_OK)
        result = iam_new_entity(call, kind, local_text(call, kind->member), &made);
    if (result != LOCAL_OK)
        return result;
    if (kind == &iam_role_kind) {
        made.document = trust;
        made.max_session_s = local_int(call, "MaxSessionDuration", IAM_DEFAULT_SESSION_S);
    }
    iam_entity_insert(call->store, call->arena, &made, false);
    json_key(call->out, kind->object);
    iam_put_entity(call, &made, true);
    return LOCAL_OK;
}

/* --- names and paths -------------------------------------------------------------------------- */

enum local_result iam_rename(struct local_call *call)
{
    struct iam_entity entity;
    enum local_result result = iam_asked(call, &entity);
    if (result != LOCAL_OK)
        return result;
    const char *path = local_text(call, "NewPath");
    const char *name =
        local_text(call, arena_printf(call->arena, "New%sName", entity.kind->object));
    if (!name)
        name = entity.name;
    char *key = iam_lower(call->arena, name);
    if (strcmp(key, iam_lower(call->arena, entity.name)) != 0 && taken(call, entity.kind, name))
        return already_exists(call, entity.kind, name);
    store_run(call->store,
              "UPDATE iam_entities SET name = $1, name_key = $2, path = $3 WHERE id = $4", "tttt",
              name, key, path ? path : entity.path, entity.id);
    return LOCAL_OK;
}

/* --- deleting --------------------------------------------------------------------------------- */

/* What stands in the way, in the order in which IAM tells it. */
struct obstacle {
    const struct iam_kind *kind; /* NULL: any */
    const char *count;
    const char *message;
};

static const struct obstacle obstacles[] = {
    {&iam_group, "SELECT COUNT(*) FROM iam_members WHERE group_id = $1",
     "Cannot delete entity, must remove users from group first."},
    {&iam_user, "SELECT COUNT(*) FROM iam_members WHERE user_id = $1",
     "Cannot delete entity, must remove users from group first."},
    {&iam_profile, "SELECT COUNT(*) FROM iam_profile_roles WHERE profile_id = $1",
     "Cannot delete entity, must remove roles from instance profile first."},
    {&iam_role_kind, "SELECT COUNT(*) FROM iam_profile_roles WHERE role_id = $1",
     "Cannot delete entity, must remove roles from instance profile first."},
    {NULL, "SELECT COUNT(*) FROM iam_attached WHERE owner = $1",
     "Cannot delete entity, must detach all policies first."},
    {NULL, "SELECT COUNT(*) FROM iam_inline WHERE owner = $1",
     "Cannot delete entity, must delete policies first."},
    {&iam_user, "SELECT COUNT(*) FROM access_key WHERE user_id = $1",
     "Cannot delete entity, must delete access keys first."},
    {&iam_policy, "SELECT COUNT(*) - 1 FROM iam_versions WHERE policy_id = $1",
     "This policy has more than one version. Before you delete a policy, you must delete the "
     "policy's versions. The default version is deleted with the policy."},
};

static enum local_result find_obstacle(struct local_call *call, const struct iam_entity *entity)
{
    for (size_t i = 0; i < sizeof obstacles / sizeof *obstacles; i++) {
        const struct obstacle *obstacle = &obstacles[i];
        if ((!obstacle->kind || obstacle->kind == entity->kind) &&
            iam_count(call->store, obstacle->count, entity->id) > 0)
            return local_fail_status(call, 409, "DeleteConflict", "%s", obstacle->message);
    }
    if (entity->kind == &iam_policy &&
        (iam_count(call->store, "SELECT COUNT(*) FROM iam_attached WHERE policy_arn = $1",
                   iam_entity_arn(call->arena, entity)) > 0 ||
         iam_count(call->store, "SELECT COUNT(*) FROM iam_entities WHERE boundary_arn = $1",
                   iam_entity_arn(call->arena, entity)) > 0))
        return local_fail_status(call, 409, "DeleteConflict",
                                 "Cannot delete a policy attached to entities.");
    return LOCAL_OK;
}

enum local_result iam_delete(struct local_call *call)
{
    struct iam_entity entity;
    enum local_result result = iam_asked(call, &entity);
    if (result == LOCAL_OK)
        result = find_obstacle(call, &entity);
    if (result != LOCAL_OK)
        return result;
    store_run(call->store, "DELETE FROM iam_versions WHERE policy_id = $1", "t", entity.id);
    store_run(call->store, "DELETE FROM iam_entities WHERE id = $1", "t", entity.id);
    return LOCAL_OK;
}
