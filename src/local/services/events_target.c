#include "local/services/events_parts.h"

#include "aws/arn.h"
#include "local/event_input.h"
#include "local/services/iam.h"

#include <stdlib.h>
#include <string.h>

int64_t events_count_targets(struct local_call *call, const char *bus, const char *rule)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT count(*) FROM events_target"
                " WHERE account = $1 AND region = $2 AND bus = $3 AND rule = $4",
                "tttt", call->account, call->region, bus, rule);
    int64_t count = store_next(&rows) ? store_int(&rows, 0) : 0;
    store_end(&rows);
    return count;
}

static enum local_result find_rule(struct local_call *call, const char **bus, const char **rule)
{
    *rule = local_text(call, "Rule");
    if (events_bus_input(call, "EventBusName", bus) != LOCAL_OK)
        return LOCAL_FAILED;
    return events_need_rule(call, *bus, *rule);
}

/* --- PutTargets ------------------------------------------------------------------------------- */

static enum local_result check_target(struct local_call *call, const json_t *target)
{
    const char *arn = json_text(target, "Arn"), *id = json_text(target, "Id");
    const char *wrong = event_input_check(call->arena, target);
    struct arn parts;
    if (arn_parse(arn, strlen(arn), &parts) != 0)
        return local_fail(call, "ValidationException",
                          "Parameter %s is not valid. Reason: Provided Arn is not in correct "
                          "format.",
                          arn);
    if (wrong)
        return local_fail(call, "ValidationException", "%s", wrong);
    const char *role = json_text(target, "RoleArn");
    if (role && iam_pass_role(call, role, "events.amazonaws.com") != LOCAL_OK)
        return LOCAL_FAILED;
    bool fifo = text_is(parts.service, "sqs") && text_ends(arn, ".fifo");
    if (fifo && !json_object_get(target, "SqsParameters"))
        return local_fail(call, "ValidationException",
                          "Parameter(s) SqsParameters must be specified for target: %s.", id);
    return LOCAL_OK;
}

static void write_target(struct local_call *call, const char *bus, const char *rule,
                         const json_t *target)
{
    char *text = json_dumps(target, JSON_COMPACT);
    store_run(call->store,
              "INSERT INTO events_target (account, region, bus, rule, id, arn, target)"
              " VALUES ($1, $2, $3, $4, $5, $6, $7)"
              " ON CONFLICT (account, region, bus, rule, id)"
              " DO UPDATE SET arn = excluded.arn, target = excluded.target",
              "ttttttt", call->account, call->region, bus, rule, json_text(target, "Id"),
              json_text(target, "Arn"), text);
    free(text);
}

static void put_no_failures(struct local_call *call)
{
    json_put_int(call->out, "FailedEntryCount", 0);
    json_key(call->out, "FailedEntries");
    json_write_raw(call->out, "[]", 2);
}

enum local_result events_put_targets(struct local_call *call)
{
    const char *bus, *rule;
    const json_t *targets = local_value(call, "Targets");
    if (find_rule(call, &bus, &rule) != LOCAL_OK)
        return LOCAL_FAILED;
    for (size_t i = 0; i < json_array_size(targets); i++) {
        const json_t *target = json_array_get(targets, i);
        if (check_target(call, target) != LOCAL_OK)
            return LOCAL_FAILED;
        write_target(call, bus, rule, target);
    }
    /* The pipeline undoes what was written. */
    if (events_count_targets(call, bus, rule) > EVENTS_TARGETS_MAX)
        return local_fail(call, "LimitExceededException",
                          "The requested resource exceeds the maximum number allowed.");
    put_no_failures(call);
    return LOCAL_OK;
}

static bool remove_target(struct local_call *call, const char *bus, const char *rule,
                          const char *id)
{
    return store_run(call->store,
                     "DELETE FROM events_target WHERE account = $1 AND region = $2 AND bus = $3"
                     " AND rule = $4 AND id = $5",
                     "ttttt", call->account, call->region, bus, rule, id) == 1;
}

enum local_result events_remove_targets(struct local_call *call)
{
    const char *bus, *rule;
    const json_t *ids = local_value(call, "Ids");
    int64_t failed = 0;
    if (find_rule(call, &bus, &rule) != LOCAL_OK)
        return LOCAL_FAILED;
    json_key(call->out, "FailedEntries");
    json_open_list(call->out);
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        if (remove_target(call, bus, rule, id))
            continue;
        failed++;
        json_open(call->out);
        json_put_text(call->out, "TargetId", id);
        json_put_text(call->out, "ErrorCode", "ResourceNotFoundException");
        json_put_text(call->out, "ErrorMessage",
                      arena_printf(call->arena,
                                   "Rule '%s' does not have a target with the Id '%s'.", rule, id));
        json_close(call->out);
    }
    json_close_list(call->out);
    json_put_int(call->out, "FailedEntryCount", failed);
    return LOCAL_OK;
}

/* --- listing ---------------------------------------------------------------------------------- */

enum local_result events_list_targets(struct local_call *call)
{
    const char *bus, *rule;
    struct events_page page;
    struct store_rows rows;
    if (find_rule(call, &bus, &rule) != LOCAL_OK ||
        events_page_open(call, &page, "Targets") != LOCAL_OK)
        return LOCAL_FAILED;
    store_query(call->store, &rows,
                "SELECT id, target FROM events_target WHERE account = $1 AND region = $2"
                " AND bus = $3 AND rule = $4 AND id > $5 ORDER BY id",
                "ttttt", call->account, call->region, bus, rule, page.position);
    while (events_page_next(&page, &rows)) {
        struct text target = store_text(&rows, 1);
        events_page_name(call, &page, &rows);
        json_write_raw(call->out, target.data, target.len);
    }
    events_page_close(call, &page, &rows);
    return LOCAL_OK;
}

enum local_result events_list_rules_by_target(struct local_call *call)
{
    const char *bus;
    struct events_page page;
    struct store_rows rows;
    if (events_bus_input(call, "EventBusName", &bus) != LOCAL_OK ||
        events_need_bus(call, bus) != LOCAL_OK ||
        events_page_open(call, &page, "RuleNames") != LOCAL_OK)
        return LOCAL_FAILED;
    store_query(call->store, &rows,
                "SELECT DISTINCT rule FROM events_target WHERE account = $1 AND region = $2"
                " AND bus = $3 AND arn = $4 AND rule > $5 ORDER BY rule",
                "ttttt", call->account, call->region, bus, local_text(call, "TargetArn"),
                page.position);
    while (events_page_next(&page, &rows))
        json_write_text(call->out, events_page_name(call, &page, &rows));
    events_page_close(call, &page, &rows);
    return LOCAL_OK;
}
