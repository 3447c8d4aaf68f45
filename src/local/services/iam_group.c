#include "local/services/iam_parts.h"

#include <string.h>

enum { GROUPS_PER_USER = 10 };

/* Group and user of the request. */
static enum local_result both(struct local_call *call, struct iam_entity *group,
                              struct iam_entity *user)
{
    enum local_result result = iam_asked(call, group);
    if (result == LOCAL_OK)
        result = iam_named(call, &iam_user, local_text(call, "UserName"), user);
    return result;
}

static bool is_member(struct local_call *call, const char *group, const char *user)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT 1 FROM iam_members WHERE group_id = $1 AND user_id = $2", "tt", group,
                user);
    bool found = store_next(&rows);
    store_end(&rows);
    return found;
}

enum local_result iam_add_user_to_group(struct local_call *call)
{
    struct iam_entity group, user;
    enum local_result result = both(call, &group, &user);
    if (result != LOCAL_OK || is_member(call, group.id, user.id)) /* again is fine */
        return result;
    if (iam_count(call->store, "SELECT COUNT(*) FROM iam_members WHERE user_id = $1", user.id) >=
        GROUPS_PER_USER)
        return iam_exceeds(call, "GroupsPerUser", GROUPS_PER_USER);
    store_run(call->store, "INSERT INTO iam_members (group_id, user_id) VALUES ($1, $2)", "tt",
              group.id, user.id);
    return LOCAL_OK;
}

enum local_result iam_remove_user_from_group(struct local_call *call)
{
    struct iam_entity group, user;
    enum local_result result = both(call, &group, &user);
    if (result == LOCAL_OK && /* text not observed (K) */
        store_run(call->store, "DELETE FROM iam_members WHERE group_id = $1 AND user_id = $2", "tt",
                  group.id, user.id) == 0)
        return local_fail_status(call, 404, "NoSuchEntity", "User %s is not in group %s.",
                                 user.name, group.name);
    return result;
}

/* A page of users of a group, or of groups of a user; `sql` orders them by name_key. */
static void put_page(struct local_call *call, const char *key, const char *sql, const char *id,
                     struct iam_page *page)
{
    struct store_rows rows;
    json_key(call->out, key);
    json_open_list(call->out);
    store_query(call->store, &rows, sql, "tt", id, page->after);
    while (store_next(&rows)) {
        struct iam_entity entity;
        iam_entity_read(call->arena, &rows, &entity);
        if (iam_page_take(page, iam_lower(call->arena, entity.name)) == IAM_FULL)
            break;
        iam_put_entity(call, &entity, false);
    }
    store_end(&rows);
    json_close_list(call->out);
    iam_page_close(call, page);
}

enum local_result iam_get_group(struct local_call *call)
{
    struct iam_entity group;
    struct iam_page page;
    enum local_result result = iam_asked(call, &group);
    if (result == LOCAL_OK)
        result = iam_page_open(call, &page);
    if (result != LOCAL_OK)
        return result;
    json_key(call->out, "Group");
    iam_put_entity(call, &group, true);
    put_page(call, "Users",
             "SELECT " IAM_ENTITY_COLUMNS " FROM iam_members JOIN iam_entities ON id = user_id "
             "WHERE group_id = $1 AND name_key > $2 ORDER BY name_key",
             group.id, &page);
    return LOCAL_OK;
}

enum local_result iam_list_groups_for_user(struct local_call *call)
{
    struct iam_entity user;
    struct iam_page page;
    enum local_result result = iam_asked(call, &user);
    if (result == LOCAL_OK)
        result = iam_page_open(call, &page);
    if (result != LOCAL_OK)
        return result;
    put_page(call, "Groups",
             "SELECT " IAM_ENTITY_COLUMNS " FROM iam_members JOIN iam_entities ON id = group_id "
             "WHERE user_id = $1 AND name_key > $2 ORDER BY name_key",
             user.id, &page);
    return LOCAL_OK;
}
