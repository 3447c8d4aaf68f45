#include "local/services/iam_parts.h"

#include <string.h>

void iam_put_boundary(struct local_call *call, const struct iam_entity *entity)
{
    if (!entity->boundary_arn)
        return;
    json_key(call->out, "PermissionsBoundary");
    json_open(call->out);
    json_put_text(call->out, "PermissionsBoundaryType", "Policy");
    json_put_text(call->out, "PermissionsBoundaryArn", local_shown(call, entity->boundary_arn));
    json_close(call->out);
}

static void put_role_members(struct local_call *call, const struct iam_entity *role)
{
    iam_put_document(call, "AssumeRolePolicyDocument", role->document);
    if (role->description && *role->description)
        json_put_text(call->out, "Description", role->description);
    json_put_int(call->out, "MaxSessionDuration", role->max_session_s);
}

void iam_put_members(struct local_call *call, const struct iam_entity *entity, bool whole)
{
    const struct iam_kind *kind = entity->kind;
    struct arena *arena = call->arena;
    json_put_text(call->out, "Path", entity->path);
    json_put_text(call->out, arena_printf(arena, "%sName", kind->object), entity->name);
    json_put_text(call->out, arena_printf(arena, "%sId", kind->object), entity->id);
    json_put_text(call->out, "Arn", local_shown(call, iam_entity_arn(arena, entity)));
    local_put_time(call, "CreateDate", entity->created_ms);
    if (kind == &iam_role_kind)
        put_role_members(call, entity);
    else if (kind == &iam_profile)
        iam_put_profile_roles(call, entity);
    else if (kind == &iam_policy)
        iam_put_policy_members(call, entity);
    if (!whole)
        return;
    if (kind == &iam_policy && entity->description && *entity->description)
        json_put_text(call->out, "Description", entity->description);
    iam_put_boundary(call, entity);
    iam_put_tags(call, entity->tags);
}

void iam_put_entity(struct local_call *call, const struct iam_entity *entity, bool whole)
{
    json_open(call->out);
    iam_put_members(call, entity, whole);
    json_close(call->out);
}

enum local_result iam_get(struct local_call *call)
{
    struct iam_entity entity;
    enum local_result result = iam_asked(call, &entity);
    if (result != LOCAL_OK)
        return result;
    json_key(call->out, entity.kind->object);
    iam_put_entity(call, &entity, true);
    return LOCAL_OK;
}

enum local_result iam_list(struct local_call *call)
{
    const struct iam_kind *kind = iam_kind_asked(call);
    const char *prefix = local_text(call, "PathPrefix");
    struct iam_page page;
    struct store_rows rows;
    enum local_result result = iam_page_open(call, &page);
    if (result != LOCAL_OK)
        return result;
    json_key(call->out, kind->list);
    json_open_list(call->out);
    store_query(call->store, &rows,
                "SELECT " IAM_ENTITY_COLUMNS " FROM iam_entities "
                "WHERE account = $1 AND kind = $2 AND name_key > $3 ORDER BY name_key",
                "ttt", call->account, kind->name, page.after);
    while (store_next(&rows)) {
        struct iam_entity entity;
        iam_entity_read(call->arena, &rows, &entity);
        if (prefix && !text_starts(entity.path, prefix))
            continue;
        if (iam_page_take(&page, iam_lower(call->arena, entity.name)) == IAM_FULL)
            break;
        iam_put_entity(call, &entity, false);
    }
    store_end(&rows);
    json_close_list(call->out);
    iam_page_close(call, &page);
    return LOCAL_OK;
}
