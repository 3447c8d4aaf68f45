#include "local/services/logs_parts.h"

#include "local/agenda.h"

#include <stdlib.h>
#include <string.h>

/* --- making and deleting ---------------------------------------------------------------------- */

enum local_result logs_create_group(struct local_call *call)
{
    const json_t *tags = local_value(call, "tags");
    char *text = tags ? json_dumps(tags, JSON_COMPACT) : NULL;
    const struct logs_group group = {
        .name = local_text(call, "logGroupName"),
        .created_ms = call->local->clock->now_ms(call->local->clock),
        .class_name = json_text_or(call->input, "logGroupClass", "STANDARD"),
        .kms_key = local_text(call, "kmsKeyId"),
        .tags = text ? arena_strdup(call->arena, text) : "{}",
        .is_protected = local_bool(call, "deletionProtectionEnabled", false),
    };
    struct logs_group old;
    free(text);
    if (strncasecmp(group.name, "aws/", 4) == 0)
        return logs_bad_parameter(call, "Log groups starting with AWS/ are reserved for AWS.");
    if (logs_find_group(call->store, call->arena, call->account, call->region, group.name, &old))
        return local_fail(call, "ResourceAlreadyExistsException",
                          "The specified log group already exists");
    logs_make_group(call->store, call->account, call->region, &group);
    return LOCAL_OK;
}

enum local_result logs_delete_group(struct local_call *call)
{
    struct logs_group group;
    enum local_result result = logs_need_group(call, local_text(call, "logGroupName"), &group);
    if (result != LOCAL_OK)
        return result;
    if (group.is_protected) /* (K) */
        return local_fail(call, "ValidationException",
                          "The log group has deletion protection enabled and cannot be deleted.");
    logs_remove_group(call->store, group.id);
    return LOCAL_OK;
}

/* --- describing ------------------------------------------------------------------------------- */

static void put_group(struct local_call *call, const struct logs_group *group)
{
    struct json_writer *w = call->out;
    const char *arn = logs_group_arn(call, group->name);
    json_open(w);
    json_put_text(w, "logGroupName", group->name);
    json_put_int(w, "creationTime", group->created_ms);
    if (group->retention_days)
        json_put_int(w, "retentionInDays", group->retention_days);
    json_put_int(w, "metricFilterCount", 0);
    json_put_text(w, "arn", arena_printf(call->arena, "%s:*", arn));
    json_put_int(w, "storedBytes", group->stored > 0 ? group->stored : 0);
    if (group->kms_key)
        json_put_text(w, "kmsKeyId", group->kms_key);
    json_put_text(w, "logGroupClass", group->class_name);
    json_put_text(w, "logGroupArn", arn);
    json_put_bool(w, "deletionProtectionEnabled", group->is_protected);
    json_close(w);
}

static bool one_of(const json_t *list, const char *name, const char *arn)
{
    if (!list)
        return true;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *wanted = json_string_value(json_array_get(list, i));
        if (strcmp(wanted, name) == 0 || strcmp(wanted, arn) == 0)
            return true;
    }
    return false;
}

static bool wanted(struct local_call *call, const struct logs_group *group)
{
    const char *prefix = local_text(call, "logGroupNamePrefix");
    const char *part = local_text(call, "logGroupNamePattern");
    const char *class_name = local_text(call, "logGroupClass");
    return (!prefix || text_starts(group->name, prefix)) &&
           (!part || strcasestr(group->name, part)) &&
           (!class_name || strcmp(group->class_name, class_name) == 0) &&
           one_of(local_value(call, "logGroupIdentifiers"), group->name,
                  logs_group_arn(call, group->name));
}

enum local_result logs_describe_groups(struct local_call *call)
{
    int64_t limit = local_int(call, "limit", 50), count = 0;
    const char *token = local_text(call, "nextToken");
    char *after = (char *)"";
    struct store_rows rows;
    struct logs_group group = {.name = ""};
    bool more = false;
    if (local_text(call, "logGroupNamePrefix") && local_text(call, "logGroupNamePattern"))
        return logs_bad_parameter(call, "LogGroup name prefix and LogGroup name pattern are "
                                        "mutually exclusive parameters.");
    if (token && local_token_decode(call, token, &after) != 0)
        return logs_bad_token(call);
    const char *last = after;
    json_key(call->out, "logGroups");
    json_open_list(call->out);
    store_query(call->store, &rows,
                "SELECT" LOGS_GROUP_COLUMNS
                "FROM logs_group WHERE account = $1 AND region = $2 AND name > $3 ORDER BY name",
                "ttt", call->account, call->region, after);
    while (!more && store_next(&rows)) {
        logs_read_group(call->arena, &rows, &group);
        if (!wanted(call, &group))
            continue;
        more = count == limit;
        if (more)
            break;
        put_group(call, &group);
        last = group.name;
        count++;
    }
    store_end(&rows);
    json_close_list(call->out);
    if (more)
        json_put_text(call->out, "nextToken", local_token_encode(call, last));
    return LOCAL_OK;
}

/* --- retention -------------------------------------------------------------------------------- */

static const int64_t possible[] = {1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                                   365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};

static enum local_result set_retention(struct local_call *call, int64_t days)
{
    struct logs_group group;
    enum local_result result = logs_need_group(call, local_text(call, "logGroupName"), &group);
    if (result != LOCAL_OK)
        return result;
    store_run(call->store, "UPDATE logs_group SET retention_days = $1 WHERE id = $2", "ii", days,
              group.id);
    if (days)
        agenda_expect(call->local->agenda, 0); /* what is too old already goes now */
    return LOCAL_OK;
}

enum local_result logs_put_retention(struct local_call *call)
{
    int64_t days = local_int(call, "retentionInDays", 0);
    for (size_t i = 0; i < sizeof possible / sizeof *possible; i++)
        if (days == possible[i])
            return set_retention(call, days);
    return local_fail(call, "InvalidParameterException",
                      "1 validation error detected: Value '%lld' at 'retentionInDays' failed to "
                      "satisfy constraint: Member must satisfy enum value set: [1, 3, 5, 7, 14, "
                      "30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, "
                      "2922, 3288, 3653]",
                      (long long)days);
}

enum local_result logs_delete_retention(struct local_call *call)
{
    return set_retention(call, 0);
}
