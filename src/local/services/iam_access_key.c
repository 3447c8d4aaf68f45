#include "local/services/iam_parts.h"

#include "local/access_keys.h"
#include "local/authenticate.h"

#include <string.h>

enum { KEYS_PER_USER = 2 };

enum local_result iam_create_access_key(struct local_call *call)
{
    struct iam_entity user;
    char id[ACCESS_KEY_SIZE], secret[SECRET_KEY_SIZE];
    enum local_result result = iam_asked(call, &user);
    if (result != LOCAL_OK)
        return result;
    if (iam_count(call->store, "SELECT COUNT(*) FROM access_key WHERE user_id = $1", user.id) >=
        KEYS_PER_USER)
        return iam_exceeds(call, "AccessKeysPerUser", KEYS_PER_USER);
    authenticate_make_key(call->local->random, "AKIA", id, secret);
    access_key_store(call->local, call->store, call->arena, id, secret, call->account, user.id,
                     iam_now_ms(call));
    json_key(call->out, "AccessKey");
    json_open(call->out);
    json_put_text(call->out, "UserName", user.name);
    json_put_text(call->out, "AccessKeyId", id);
    json_put_text(call->out, "Status", "Active");
    json_put_text(call->out, "SecretAccessKey", secret);
    local_put_time(call, "CreateDate", iam_now_ms(call));
    json_close(call->out);
    explicit_bzero(secret, sizeof secret);
    return LOCAL_OK;
}

enum local_result iam_list_access_keys(struct local_call *call)
{
    struct iam_entity user;
    struct iam_page page;
    struct store_rows rows;
    enum local_result result = iam_asked(call, &user);
    if (result == LOCAL_OK)
        result = iam_page_open(call, &page);
    if (result != LOCAL_OK)
        return result;
    json_key(call->out, "AccessKeyMetadata");
    json_open_list(call->out);
    store_query(call->store, &rows,
                "SELECT id, active, created_ms FROM access_key WHERE user_id = $1 AND id > $2 "
                "ORDER BY id",
                "tt", user.id, page.after);
    while (store_next(&rows)) {
        const char *id = iam_needed(call->arena, &rows, 0);
        if (iam_page_take(&page, id) == IAM_FULL)
            break;
        json_open(call->out);
        json_put_text(call->out, "UserName", user.name);
        json_put_text(call->out, "AccessKeyId", id);
        json_put_text(call->out, "Status", store_int(&rows, 1) ? "Active" : "Inactive");
        local_put_time(call, "CreateDate", store_int(&rows, 2));
        json_close(call->out);
    }
    store_end(&rows);
    json_close_list(call->out);
    iam_page_close(call, &page);
    return LOCAL_OK;
}

static enum local_result no_such_key(struct local_call *call, const char *id)
{
    return local_fail_status(call, 404, "NoSuchEntity",
                             "The Access Key with id %s cannot be found.", id);
}

enum local_result iam_update_access_key(struct local_call *call)
{
    struct iam_entity user;
    const char *id = local_text(call, "AccessKeyId"), *status = local_text(call, "Status");
    enum local_result result = iam_asked(call, &user);
    if (result != LOCAL_OK)
        return result;
    if (strcmp(status, "Expired") == 0) /* in the model's enumeration, but only AWS sets it (K) */
        return local_fail_status(call, 400, "InvalidInput",
                                 "The status of an access key is Active or Inactive.");
    if (store_run(call->store, "UPDATE access_key SET active = $1 WHERE id = $2 AND user_id = $3",
                  "itt", (int64_t)(strcmp(status, "Active") == 0), id, user.id) == 0)
        return no_such_key(call, id);
    return LOCAL_OK;
}

enum local_result iam_delete_access_key(struct local_call *call)
{
    struct iam_entity user;
    const char *id = local_text(call, "AccessKeyId");
    enum local_result result = iam_asked(call, &user);
    if (result != LOCAL_OK)
        return result;
    if (store_run(call->store, "DELETE FROM access_key WHERE id = $1 AND user_id = $2", "tt", id,
                  user.id) == 0)
        return no_such_key(call, id);
    /* One given at an earlier start does not come back by itself. */
    store_run(call->store, "DELETE FROM given_key WHERE id = $1", "t", id);
    return LOCAL_OK;
}

static void put_last_used(struct local_call *call, const char *id)
{
    struct store_rows rows;
    json_key(call->out, "AccessKeyLastUsed");
    json_open(call->out);
    store_query(call->store, &rows,
                "SELECT used_ms, service, region FROM session_key_used WHERE id = $1", "t", id);
    if (store_next(&rows)) {
        local_put_time(call, "LastUsedDate", store_int(&rows, 0));
        json_put_text(call->out, "ServiceName", iam_needed(call->arena, &rows, 1));
        json_put_text(call->out, "Region", iam_needed(call->arena, &rows, 2));
    } else {
        json_put_text(call->out, "ServiceName", "N/A");
        json_put_text(call->out, "Region", "N/A");
    }
    store_end(&rows);
    json_close(call->out);
}

enum local_result iam_get_access_key_last_used(struct local_call *call)
{
    struct iam_entity user;
    struct store_rows rows;
    const char *id = local_text(call, "AccessKeyId");
    /* What was noted of uses waits in the writer's queue: behind it, all of it is seen. */
    if (!call->writing)
        return LOCAL_AS_WRITE;
    store_query(call->store, &rows, "SELECT user_id FROM access_key WHERE id = $1 AND account = $2",
                "tt", id, call->account);
    char *user_id = store_next(&rows) ? iam_column(call->arena, &rows, 0) : NULL;
    store_end(&rows);
    if (!user_id || !iam_entity_by_id(call->store, call->arena, user_id, &user))
        return no_such_key(call, id);
    json_put_text(call->out, "UserName", user.name);
    put_last_used(call, id);
    return LOCAL_OK;
}
