#include "local/services/events_parts.h"

#include "aws/arn.h"
#include "base/clock.h"
#include "local/event_access.h"

#include <stdlib.h>
#include <string.h>

static int64_t now_ms(struct local_call *call)
{
    return call->local->clock->now_ms(call->local->clock);
}

enum local_result events_need_bus(struct local_call *call, const char *name)
{
    if (event_bus_exists(call->store, call->account, call->region, name))
        return LOCAL_OK;
    return local_fail(call, "ResourceNotFoundException", "Event bus %s does not exist.", name);
}

/* The row that "default" gets when it is first changed. */
static void make_row(struct local_call *call, const char *name)
{
    store_run(call->store,
              "INSERT INTO events_bus (account, region, name, created_ms, modified_ms)"
              " VALUES ($1, $2, $3, $4, $4) ON CONFLICT (account, region, name) DO NOTHING",
              "ttti", call->account, call->region, name, now_ms(call));
}

/* DeadLetterConfig, KmsKeyIdentifier and LogConfig are kept as they are given. */
static const char *const settings[] = {"KmsKeyIdentifier", "DeadLetterConfig", "LogConfig", NULL};

static const char *settings_of(struct local_call *call)
{
    json_t *kept = json_object();
    for (const char *const *name = settings; *name; name++) {
        const json_t *value = local_value(call, *name);
        if (value)
            json_object_set(kept, *name, (json_t *)value);
    }
    char *text = json_dumps(kept, JSON_COMPACT);
    const char *copy = arena_strdup(call->arena, text);
    free(text);
    json_decref(kept);
    return copy;
}

static void put_settings(struct local_call *call, struct text text)
{
    json_t *kept = text.data ? json_read(text.data, text.len, NULL) : NULL, *value;
    const char *key;
    json_object_foreach(kept, key, value)
    {
        json_key(call->out, key);
        json_write_value(call->out, value);
    }
    json_decref(kept);
}

static int64_t count_buses(struct local_call *call)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT count(*) FROM events_bus WHERE account = $1 AND region = $2"
                " AND name <> 'default'",
                "tt", call->account, call->region);
    int64_t count = store_next(&rows) ? store_int(&rows, 0) : 0;
    store_end(&rows);
    return count;
}

enum local_result events_create_bus(struct local_call *call)
{
    const char *name = local_text(call, "Name");
    if (local_text(call, "EventSourceName")) /* partners: there are none here */
        return local_fail(call, "ResourceNotFoundException", "Event source %s does not exist.",
                          local_text(call, "EventSourceName"));
    if (strchr(name, '/'))
        return local_fail(call, "ValidationException", "Event bus name must not contain '/'.");
    if (event_bus_exists(call->store, call->account, call->region, name))
        return local_fail(call, "ResourceAlreadyExistsException", "Event bus %s already exists.",
                          name);
    if (count_buses(call) >= EVENTS_BUSES_MAX - 1) /* with the default one */
        return local_fail(call, "LimitExceededException",
                          "The requested resource exceeds the maximum number allowed.");
    const char *arn = events_bus_arn(call, name), *description = local_text(call, "Description");
    const char *kept = settings_of(call);
    store_run(call->store,
              "INSERT INTO events_bus (account, region, name, description, settings, created_ms,"
              " modified_ms) VALUES ($1, $2, $3, $4, $5, $6, $6)",
              "ttttti", call->account, call->region, name, description, kept, now_ms(call));
    if (events_add_tags(call, arn) != LOCAL_OK)
        return LOCAL_FAILED;
    json_put_text(call->out, "EventBusArn", arn);
    if (description)
        json_put_text(call->out, "Description", description);
    put_settings(call, text_of(kept));
    return LOCAL_OK;
}

/* Omitted members keep what they are. */
enum local_result events_update_bus(struct local_call *call)
{
    const char *name = "default";
    if (events_bus_input(call, "Name", &name) != LOCAL_OK ||
        events_need_bus(call, name) != LOCAL_OK)
        return LOCAL_FAILED;
    const char *description = local_text(call, "Description"), *kept = settings_of(call);
    make_row(call, name);
    store_run(call->store,
              "UPDATE events_bus SET description = coalesce($4, description),"
              " settings = CASE WHEN $5 = '{}' THEN settings ELSE $5 END, modified_ms = $6"
              " WHERE account = $1 AND region = $2 AND name = $3",
              "ttttti", call->account, call->region, name, description, kept, now_ms(call));
    json_put_text(call->out, "Arn", events_bus_arn(call, name));
    json_put_text(call->out, "Name", name);
    if (description)
        json_put_text(call->out, "Description", description);
    put_settings(call, text_of(kept));
    return LOCAL_OK;
}

enum local_result events_delete_bus(struct local_call *call)
{
    const char *name = local_text(call, "Name");
    struct store_rows rows;
    if (strcmp(name, "default") == 0)
        return local_fail(call, "ValidationException", "Cannot delete event bus default.");
    store_query(call->store, &rows,
                "SELECT 1 FROM events_rule WHERE account = $1 AND region = $2 AND bus = $3 LIMIT 1",
                "ttt", call->account, call->region, name);
    bool has_rules = store_next(&rows);
    store_end(&rows);
    if (has_rules) /* (K) */
        return local_fail(call, "ValidationException",
                          "Event bus %s can't be deleted since it has rules.", name);
    store_run(call->store,
              "DELETE FROM events_bus WHERE account = $1 AND region = $2 AND name = $3", "ttt",
              call->account, call->region, name);
    events_drop_tags(call, events_bus_arn(call, name));
    return LOCAL_OK;
}

void events_put_column(struct local_call *call, const char *key, const struct store_rows *rows,
                       int column)
{
    struct text text = store_text(rows, column);
    if (!text.data)
        return;
    json_key(call->out, key);
    json_write_text_n(call->out, text.data, text.len);
}

/* Columns: name, description, policy, created_ms, modified_ms, settings. */
static void put_bus(struct local_call *call, const struct store_rows *rows)
{
    struct text name = store_text(rows, 0);
    json_put_text(call->out, "Name", arena_strndup(call->arena, name.data, name.len));
    json_put_text(call->out, "Arn",
                  events_bus_arn(call, arena_strndup(call->arena, name.data, name.len)));
    events_put_column(call, "Description", rows, 1);
    events_put_column(call, "Policy", rows, 2);
    local_put_time(call, "CreationTime", store_int(rows, 3));
    local_put_time(call, "LastModifiedTime", store_int(rows, 4));
}

static void put_default(struct local_call *call)
{
    json_put_text(call->out, "Name", "default");
    json_put_text(call->out, "Arn", events_bus_arn(call, "default"));
}

enum local_result events_describe_bus(struct local_call *call)
{
    const char *name;
    struct store_rows rows;
    if (events_bus_input(call, "Name", &name) != LOCAL_OK ||
        events_need_bus(call, name) != LOCAL_OK)
        return LOCAL_FAILED;
    store_query(call->store, &rows,
                "SELECT name, description, policy, created_ms, modified_ms, settings"
                " FROM events_bus WHERE account = $1 AND region = $2 AND name = $3",
                "ttt", call->account, call->region, name);
    if (store_next(&rows)) {
        put_bus(call, &rows);
        put_settings(call, store_text(&rows, 5));
    } else {
        put_default(call);
    }
    store_end(&rows);
    return LOCAL_OK;
}

enum local_result events_list_buses(struct local_call *call)
{
    const char *prefix = local_text(call, "NamePrefix");
    struct events_page page;
    struct store_rows rows;
    if (events_page_open(call, &page, "EventBuses") != LOCAL_OK)
        return LOCAL_FAILED;
    prefix = prefix ? prefix : "";
    store_query(call->store, &rows,
                "SELECT name, description, policy, created_ms, modified_ms FROM ("
                "SELECT name, description, policy, created_ms, modified_ms FROM events_bus"
                " WHERE account = $1 AND region = $2 UNION ALL"
                " SELECT 'default', NULL, NULL, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM events_bus"
                " WHERE account = $1 AND region = $2 AND name = 'default')) AS buses"
                " WHERE name > $3 AND substr(name, 1, length($4)) = $4 ORDER BY name",
                "tttt", call->account, call->region, page.position, prefix);
    while (events_page_next(&page, &rows)) {
        events_page_name(call, &page, &rows);
        json_open(call->out);
        if (store_int(&rows, 3))
            put_bus(call, &rows);
        else
            put_default(call);
        json_close(call->out);
    }
    events_page_close(call, &page, &rows);
    return LOCAL_OK;
}

/* --- policies --------------------------------------------------------------------------------- */

static json_t *policy_of(struct local_call *call, const char *name)
{
    struct store_rows rows;
    json_t *policy = NULL;
    store_query(call->store, &rows,
                "SELECT policy FROM events_bus WHERE account = $1 AND region = $2 AND name = $3",
                "ttt", call->account, call->region, name);
    if (store_next(&rows) && !store_null(&rows, 0)) {
        struct text text = store_text(&rows, 0);
        policy = json_read(text.data, text.len, NULL);
    }
    store_end(&rows);
    return policy;
}

static enum local_result keep_policy(struct local_call *call, const char *name, const char *text)
{
    struct error err = {0};
    if (text && strlen(text) > EVENTS_POLICY_MAX)
        return local_fail(call, "PolicyLengthExceededException",
                          "The policy length exceeds the maximum of %d characters.",
                          EVENTS_POLICY_MAX);
    if (text && !policy_parse(call->arena, text, strlen(text), POLICY_RESOURCE, &err)) /* (K) */
        return local_fail(call, "ValidationException", "The policy is malformed: %s", err.message);
    make_row(call, name);
    store_run(call->store,
              "UPDATE events_bus SET policy = $4, modified_ms = $5"
              " WHERE account = $1 AND region = $2 AND name = $3",
              "tttti", call->account, call->region, name, text, now_ms(call));
    return LOCAL_OK;
}

static json_t *condition_of(struct local_call *call)
{
    const json_t *given = local_value(call, "Condition");
    if (!given)
        return NULL;
    return json_pack("{s:{s:s}}", json_text_or(given, "Type", "StringEquals"),
                     json_text_or(given, "Key", ""), json_text_or(given, "Value", ""));
}

static json_t *statement_of(struct local_call *call, const char *name)
{
    const char *account = local_text(call, "Principal");
    json_t *principal = strcmp(account, "*") == 0
                            ? json_string("*")
                            : json_pack("{s:o}", "AWS",
                                        json_string(arena_printf(call->arena, "arn:%s:iam::%s:root",
                                                                 call->partition, account)));
    json_t *statement =
        json_pack("{s:s, s:s, s:o, s:s, s:s}", "Sid", local_text(call, "StatementId"), "Effect",
                  "Allow", "Principal", principal, "Action", local_text(call, "Action"), "Resource",
                  events_bus_arn(call, name));
    json_t *condition = condition_of(call);
    if (condition)
        json_object_set_new(statement, "Condition", condition);
    return statement;
}

/* Index of the statement in the list, or its size. */
static size_t find_statement(const json_t *statements, const char *id)
{
    size_t i = 0;
    for (; i < json_array_size(statements); i++) {
        const char *sid = json_text(json_array_get(statements, i), "Sid");
        if (sid && strcmp(sid, id) == 0)
            break;
    }
    return i;
}

static enum local_result store_json(struct local_call *call, const char *name, json_t *policy)
{
    char *text = json_dumps(policy, JSON_COMPACT);
    const char *kept = arena_strdup(call->arena, text);
    free(text);
    return keep_policy(call, name, kept);
}

enum local_result events_put_permission(struct local_call *call)
{
    const char *name = "default", *policy_text = local_text(call, "Policy");
    if (events_bus_input(call, "EventBusName", &name) != LOCAL_OK ||
        events_need_bus(call, name) != LOCAL_OK)
        return LOCAL_FAILED;
    const char *id = local_text(call, "StatementId");
    if (policy_text && (id || local_text(call, "Action") || local_text(call, "Principal")))
        return local_fail(call, "ValidationException", /* (K) */
                          "Policy cannot be given together with Action, Principal or StatementId.");
    if (policy_text)
        return keep_policy(call, name, policy_text);
    if (!id || !local_text(call, "Action") || !local_text(call, "Principal")) /* (K) */
        return local_fail(call, "ValidationException",
                          "Action, Principal and StatementId are required without Policy.");
    if (strcmp(local_text(call, "Action"), "events:PutEvents") != 0) /* the only one there is */
        return local_fail(call, "ValidationException",
                          "Provided value in parameter 'action' is not supported.");
    json_t *policy = policy_of(call, name);
    if (!policy)
        policy = json_pack("{s:s, s:[]}", "Version", "2012-10-17", "Statement");
    json_t *statements = json_object_get(policy, "Statement");
    size_t at = find_statement(statements, id);
    if (at < json_array_size(statements))
        json_array_set_new(statements, at, statement_of(call, name));
    else
        json_array_append_new(statements, statement_of(call, name));
    enum local_result result = store_json(call, name, policy);
    json_decref(policy);
    return result;
}

enum local_result events_remove_permission(struct local_call *call)
{
    const char *name = "default", *id = local_text(call, "StatementId");
    if (events_bus_input(call, "EventBusName", &name) != LOCAL_OK ||
        events_need_bus(call, name) != LOCAL_OK)
        return LOCAL_FAILED;
    json_t *policy = policy_of(call, name);
    if (!policy)
        return local_fail(call, "ResourceNotFoundException", "EventBus does not have a policy.");
    json_t *statements = json_object_get(policy, "Statement");
    size_t at = id ? find_statement(statements, id) : 0;
    enum local_result result = LOCAL_OK;
    if (local_bool(call, "RemoveAllPermissions", false)) {
        result = keep_policy(call, name, NULL);
    } else if (!id) {
        result = local_fail(call, "ValidationException", /* (K) */
                            "StatementId or RemoveAllPermissions is required.");
    } else if (at == json_array_size(statements)) {
        result = local_fail(call, "ResourceNotFoundException",
                            "Statement with the provided id does not exist.");
    } else {
        json_array_remove(statements, at);
        result = json_array_size(statements) ? store_json(call, name, policy)
                                             : keep_policy(call, name, NULL);
    }
    json_decref(policy);
    return result;
}
