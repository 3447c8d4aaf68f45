#include "local/services/iam_parts.h"

#include <string.h>

enum local_result iam_boundary_asked(struct local_call *call, const char **out)
{
    struct iam_entity policy;
    const char *text = local_text(call, "PermissionsBoundary");
    *out = NULL;
    if (!text)
        return LOCAL_OK;
    if (iam_check_arn(call, &iam_policy, text) != LOCAL_OK)
        return LOCAL_FAILED;
    if (!iam_entity_by_arn(call->store, call->arena, text, &policy) || policy.kind != &iam_policy ||
        (strcmp(policy.account, "aws") != 0 && strcmp(policy.account, call->account) != 0))
        return local_fail_status(call, 404, "NoSuchEntity",
                                 "Scope ARN: %s does not exist or is not attachable.", text);
    *out = iam_plain_arn(call->arena, text);
    return LOCAL_OK;
}

static void store_boundary(struct local_call *call, const struct iam_entity *entity,
                           const char *arn)
{
    store_run(call->store, "UPDATE iam_entities SET boundary_arn = $1 WHERE id = $2", "tt", arn,
              entity->id);
}

enum local_result iam_put_permissions_boundary(struct local_call *call)
{
    struct iam_entity entity;
    const char *arn;
    enum local_result result = iam_asked(call, &entity);
    if (result == LOCAL_OK)
        result = iam_boundary_asked(call, &arn);
    if (result == LOCAL_OK)
        store_boundary(call, &entity, arn);
    return result;
}

enum local_result iam_delete_permissions_boundary(struct local_call *call)
{
    struct iam_entity entity;
    enum local_result result = iam_asked(call, &entity);
    if (result != LOCAL_OK)
        return result;
    if (!entity.boundary_arn) /* text not observed (K) */
        return local_fail_status(call, 404, "NoSuchEntity",
                                 "The permissions boundary of %s %s cannot be found.",
                                 entity.kind->name, entity.name);
    store_boundary(call, &entity, NULL);
    return LOCAL_OK;
}
