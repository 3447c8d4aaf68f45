#include "local/services/iam_parts.h"

#include <string.h>

/* Instance profile and role of the request. */
static enum local_result both(struct local_call *call, struct iam_entity *profile,
                              struct iam_entity *role)
{
    enum local_result result = iam_asked(call, profile);
    if (result == LOCAL_OK)
        result = iam_named(call, &iam_role_kind, local_text(call, "RoleName"), role);
    return result;
}

enum local_result iam_add_role_to_profile(struct local_call *call)
{
    struct iam_entity profile, role;
    enum local_result result = both(call, &profile, &role);
    if (result == LOCAL_OK)
        result = iam_pass_role(call, local_shown(call, iam_entity_arn(call->arena, &role)),
                               "ec2.amazonaws.com");
    if (result != LOCAL_OK)
        return result;
    if (iam_count(call->store, "SELECT COUNT(*) FROM iam_profile_roles WHERE profile_id = $1",
                  profile.id) > 0)
        return iam_exceeds(call, "InstanceSessionsPerInstanceProfile", 1);
    store_run(call->store, "INSERT INTO iam_profile_roles (profile_id, role_id) VALUES ($1, $2)",
              "tt", profile.id, role.id);
    return LOCAL_OK;
}

enum local_result iam_remove_role_from_profile(struct local_call *call)
{
    struct iam_entity profile, role;
    enum local_result result = both(call, &profile, &role);
    if (result == LOCAL_OK &&
        store_run(call->store,
                  "DELETE FROM iam_profile_roles WHERE profile_id = $1 AND role_id = $2", "tt",
                  profile.id, role.id) == 0) /* text not observed (K) */
        return local_fail_status(call, 404, "NoSuchEntity",
                                 "The role with name %s is not in instance profile %s.", role.name,
                                 profile.name);
    return result;
}

void iam_put_profile_roles(struct local_call *call, const struct iam_entity *profile)
{
    struct store_rows rows;
    json_key(call->out, "Roles");
    json_open_list(call->out);
    store_query(call->store, &rows,
                "SELECT " IAM_ENTITY_COLUMNS
                " FROM iam_profile_roles JOIN iam_entities ON id = role_id WHERE profile_id = $1",
                "t", profile->id);
    while (store_next(&rows)) {
        struct iam_entity role;
        iam_entity_read(call->arena, &rows, &role);
        iam_put_entity(call, &role, false);
    }
    store_end(&rows);
    json_close_list(call->out);
}

/* Read before they are written: each asks the store for its roles. */
struct profiles {
    struct profiles *next;
    struct iam_entity profile;
};

static struct profiles *profiles_of(struct local_call *call, const char *role_id)
{
    struct profiles *first = NULL, **end = &first;
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT " IAM_ENTITY_COLUMNS " FROM iam_profile_roles JOIN iam_entities "
                "ON id = profile_id WHERE role_id = $1 ORDER BY name_key",
                "t", role_id);
    while (store_next(&rows)) {
        *end = arena_alloc(call->arena, sizeof **end);
        **end = (struct profiles){0};
        iam_entity_read(call->arena, &rows, &(*end)->profile);
        end = &(*end)->next;
    }
    store_end(&rows);
    return first;
}

void iam_put_role_profiles(struct local_call *call, const struct iam_entity *role, const char *key,
                           struct iam_page *page)
{
    json_key(call->out, key);
    json_open_list(call->out);
    for (struct profiles *at = profiles_of(call, role->id); at; at = at->next) {
        enum iam_take take =
            page ? iam_page_take(page, iam_lower(call->arena, at->profile.name)) : IAM_SHOW;
        if (take == IAM_FULL)
            break;
        if (take == IAM_SHOW)
            iam_put_entity(call, &at->profile, false);
    }
    json_close_list(call->out);
}

enum local_result iam_list_profiles_for_role(struct local_call *call)
{
    struct iam_entity role;
    struct iam_page page;
    enum local_result result = iam_asked(call, &role);
    if (result == LOCAL_OK)
        result = iam_page_open(call, &page);
    if (result != LOCAL_OK)
        return result;
    iam_put_role_profiles(call, &role, "InstanceProfiles", &page);
    iam_page_close(call, &page);
    return LOCAL_OK;
}
