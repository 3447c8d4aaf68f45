#include "local/services/iam_parts.h"

#include "local/condition_keys.h"

#include <string.h>

/* --- services/iam.h --------------------------------------------------------------------------- */

enum local_result iam_role_find(struct store_session *store, struct arena *arena, const char *arn,
                                struct iam_role *out)
{
    struct iam_entity role;
    if (!iam_entity_by_arn(store, arena, arn, &role) || role.kind != &iam_role_kind)
        return LOCAL_FAILED;
    *out = (struct iam_role){.arn = arena_strdup(arena, arn),
                             .name = role.name,
                             .path = role.path,
                             .id = role.id,
                             .account = role.account,
                             .trust_policy = role.document,
                             .max_session_s = role.max_session_s,
                             .tags = role.tags};
    return LOCAL_OK;
}

enum local_result iam_pass_role(struct local_call *call, const char *role_arn, const char *service)
{
    struct condition_keys keys = {.call = call};
    struct iam_entity role;
    condition_keys_add(&keys, "iam:PassedToService", service);
    if (iam_entity_by_arn(call->store, call->arena, role_arn, &role))
        condition_keys_add_resource_tags(&keys, "aws:ResourceTag/", role.tags);
    return local_authorize_question(call, &(struct local_question){.action = "iam:PassRole",
                                                                   .resource =
                                                                       local_shown(call, role_arn),
                                                                   .context = keys.items,
                                                                   .context_count = keys.count});
}

/* --- operations of roles alone ---------------------------------------------------------------- */

static void store_role(struct local_call *call, const struct iam_entity *role)
{
    store_run(call->store,
              "UPDATE iam_entities SET description = $1, max_session_s = $2 WHERE id = $3", "tit",
              role->description, role->max_session_s, role->id);
}

enum local_result iam_update_role(struct local_call *call)
{
    struct iam_entity role;
    const char *description = local_text(call, "Description");
    enum local_result result = iam_asked(call, &role);
    if (result != LOCAL_OK)
        return result;
    if (description)
        role.description = description;
    role.max_session_s = local_int(call, "MaxSessionDuration", role.max_session_s);
    store_role(call, &role);
    return LOCAL_OK;
}

enum local_result iam_update_role_description(struct local_call *call)
{
    struct iam_entity role;
    enum local_result result = iam_asked(call, &role);
    if (result != LOCAL_OK)
        return result;
    role.description = local_text(call, "Description");
    store_role(call, &role);
    json_key(call->out, "Role");
    iam_put_entity(call, &role, true);
    return LOCAL_OK;
}

enum local_result iam_update_assume_role_policy(struct local_call *call)
{
    struct iam_entity role;
    const char *document = local_text(call, "PolicyDocument");
    enum local_result result = iam_asked(call, &role);
    if (result == LOCAL_OK)
        result = iam_check_trust(call, document);
    if (result == LOCAL_OK)
        store_run(call->store, "UPDATE iam_entities SET document = $1, generated = 0 WHERE id = $2",
                  "tt", document, role.id);
    return result;
}
