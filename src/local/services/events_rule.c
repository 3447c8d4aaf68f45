#include "local/services/events_parts.h"

#include "aws/event_pattern.h"
#include "local/event_outbox.h"
#include "local/event_schedule.h"
#include "local/services/iam.h"

#include <string.h>

static const char *const states[] = {"DISABLED", "ENABLED",
                                     "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", NULL};

static enum event_rule_state state_of(const char *name)
{
    for (int i = 0; name && states[i]; i++)
        if (strcmp(states[i], name) == 0)
            return (enum event_rule_state)i;
    return RULE_ENABLED;
}

enum local_result events_page_open(struct local_call *call, struct events_page *page,
                                   const char *key)
{
    const char *token = local_text(call, "NextToken");
    static char start[] = "";
    char *found = start;
    if (token && local_token_decode(call, token, &found) != 0)
        return local_fail(call, "ValidationException", "The token is invalid."); /* (K) */
    *page =
        (struct events_page){.position = found, .limit = local_int(call, "Limit", EVENTS_PAGE_MAX)};
    json_key(call->out, key);
    json_open_list(call->out);
    return LOCAL_OK;
}

bool events_page_next(struct events_page *page, struct store_rows *rows)
{
    if (!store_next(rows))
        return false;
    page->more = page->shown == page->limit;
    page->shown++;
    return !page->more;
}

const char *events_page_name(struct local_call *call, struct events_page *page,
                             const struct store_rows *rows)
{
    struct text name = store_text(rows, 0);
    page->last = arena_strndup(call->arena, name.data, name.len);
    return page->last;
}

void events_page_close(struct local_call *call, struct events_page *page, struct store_rows *rows)
{
    store_end(rows);
    json_close_list(call->out);
    if (page->more)
        json_put_text(call->out, "NextToken", local_token_encode(call, page->last));
}

static bool rule_exists(struct local_call *call, const char *bus, const char *rule)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT 1 FROM events_rule WHERE account = $1 AND region = $2 AND bus = $3"
                " AND name = $4",
                "tttt", call->account, call->region, bus, rule);
    bool found = store_next(&rows);
    store_end(&rows);
    return found;
}

enum local_result events_need_rule(struct local_call *call, const char *bus, const char *rule)
{
    if (events_need_bus(call, bus) != LOCAL_OK)
        return LOCAL_FAILED;
    if (rule_exists(call, bus, rule))
        return LOCAL_OK;
    return local_fail(call, "ResourceNotFoundException", "Rule %s does not exist on EventBus %s.",
                      rule, bus);
}

/* --- PutRule ---------------------------------------------------------------------------------- */

static enum local_result check_pattern(struct local_call *call, const char *pattern)
{
    const char *why = NULL;
    if (!pattern)
        return LOCAL_OK;
    if (!event_pattern_parse(call->arena, pattern, strlen(pattern), &why))
        return local_fail(call, "InvalidEventPatternException", "%s", why);
    if (strlen(pattern) > EVENTS_PATTERN_MAX) /* the quota; the model allows 4,096 */
        return local_fail(call, "LimitExceededException",
                          "The requested resource exceeds the maximum number allowed.");
    return LOCAL_OK;
}

static enum local_result check_schedule(struct local_call *call, const char *text, const char *bus)
{
    struct event_schedule schedule;
    if (!text)
        return LOCAL_OK;
    if (strcmp(bus, "default") != 0)
        return local_fail(call, "ValidationException",
                          "ScheduleExpression is supported only on the default event bus.");
    if (event_schedule_parse(text, &schedule) != 0)
        return local_fail(call, "ValidationException",
                          "Parameter ScheduleExpression is not valid.");
    return LOCAL_OK;
}

/* EventBridge's quotas page grants less in these Regions. */
static int64_t most_rules(const char *region)
{
    bool few = strcmp(region, "af-south-1") == 0 || strcmp(region, "eu-south-1") == 0;
    return few ? EVENTS_RULES_FEW_MAX : EVENTS_RULES_MAX;
}

/* Where the word stands for anything else, the rule counts all the same (strict). */
#define WILDCARD "\"wildcard\""

/* For the rule `name`, beside the others of its bus. */
static enum local_result check_room(struct local_call *call, const char *bus, const char *name,
                                    const char *pattern)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT count(*), count(CASE WHEN pattern LIKE '%" WILDCARD "%' THEN 1 END)"
                " FROM events_rule WHERE account = $1 AND region = $2 AND bus = $3 AND name <> $4",
                "tttt", call->account, call->region, bus, name);
    bool full = store_next(&rows) && store_int(&rows, 0) >= most_rules(call->region);
    bool wild = store_int(&rows, 1) >= EVENTS_WILDCARD_RULES_MAX;
    store_end(&rows);
    if (!full && !(wild && pattern && strstr(pattern, WILDCARD)))
        return LOCAL_OK;
    return local_fail(call, "LimitExceededException",
                      "The requested resource exceeds the maximum number allowed.");
}

/* What is left out is reset. */
enum local_result events_put_rule(struct local_call *call)
{
    const char *name = local_text(call, "Name"), *pattern = local_text(call, "EventPattern");
    const char *schedule = local_text(call, "ScheduleExpression"), *bus;
    if (pattern && !pattern[0])
        pattern = NULL;
    if (schedule && !schedule[0])
        schedule = NULL;
    if (events_bus_input(call, "EventBusName", &bus) != LOCAL_OK ||
        events_need_bus(call, bus) != LOCAL_OK)
        return LOCAL_FAILED;
    if (!pattern && !schedule)
        return local_fail(call, "ValidationException",
                          "Parameter(s) EventPattern or ScheduleExpression must be specified.");
    if (check_pattern(call, pattern) != LOCAL_OK || check_schedule(call, schedule, bus) != LOCAL_OK)
        return LOCAL_FAILED;
    const char *role = local_text(call, "RoleArn");
    if (role && iam_pass_role(call, role, "events.amazonaws.com") != LOCAL_OK)
        return LOCAL_FAILED;
    bool exists = rule_exists(call, bus, name);
    if (check_room(call, bus, name, pattern) != LOCAL_OK)
        return LOCAL_FAILED;
    int64_t now = call->local->clock->now_ms(call->local->clock);
    store_run(call->store,
              "INSERT INTO events_rule (account, region, bus, name, pattern, schedule, state,"
              " description, role_arn, created_by, since_ms)"
              " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $1, $10)"
              " ON CONFLICT (account, region, bus, name) DO UPDATE SET pattern = excluded.pattern,"
              " schedule = excluded.schedule, state = excluded.state,"
              " description = excluded.description, role_arn = excluded.role_arn,"
              " since_ms = excluded.since_ms",
              "ttttttitti", call->account, call->region, bus, name, pattern, schedule,
              (int64_t)state_of(local_text(call, "State")), local_text(call, "Description"), role,
              now);
    const char *arn = event_rule_arn(call->arena, call->account, call->region, bus, name);
    if (!exists && events_add_tags(call, arn) != LOCAL_OK)
        return LOCAL_FAILED;
    if (strcmp(bus, "default") == 0)
        event_bus_schedule(call->local, call->store, call->account, call->region, name);
    json_put_text(call->out, "RuleArn", arn);
    return LOCAL_OK;
}

/* --- telling ---------------------------------------------------------------------------------- */

#define RULE_COLUMNS "name, pattern, state, description, schedule, role_arn, bus, created_by"

static const char *put_rule(struct local_call *call, const struct store_rows *rows, const char *bus)
{
    struct text text = store_text(rows, 0);
    const char *name = arena_strndup(call->arena, text.data, text.len);
    json_put_text(call->out, "Name", name);
    json_put_text(call->out, "Arn",
                  event_rule_arn(call->arena, call->account, call->region, bus, name));
    events_put_column(call, "EventPattern", rows, 1);
    json_put_text(call->out, "State", states[store_int(rows, 2)]);
    events_put_column(call, "Description", rows, 3);
    events_put_column(call, "ScheduleExpression", rows, 4);
    events_put_column(call, "RoleArn", rows, 5);
    events_put_column(call, "EventBusName", rows, 6);
    return name;
}

enum local_result events_describe_rule(struct local_call *call)
{
    const char *bus, *name = local_text(call, "Name");
    struct store_rows rows;
    if (events_bus_input(call, "EventBusName", &bus) != LOCAL_OK ||
        events_need_rule(call, bus, name) != LOCAL_OK)
        return LOCAL_FAILED;
    store_query(call->store, &rows,
                "SELECT " RULE_COLUMNS " FROM events_rule"
                " WHERE account = $1 AND region = $2 AND bus = $3 AND name = $4",
                "tttt", call->account, call->region, bus, name);
    if (store_next(&rows)) {
        put_rule(call, &rows, bus);
        events_put_column(call, "CreatedBy", &rows, 7);
    }
    store_end(&rows);
    return LOCAL_OK;
}

enum local_result events_list_rules(struct local_call *call)
{
    const char *bus, *prefix = local_text(call, "NamePrefix");
    struct events_page page;
    struct store_rows rows;
    if (events_bus_input(call, "EventBusName", &bus) != LOCAL_OK ||
        events_need_bus(call, bus) != LOCAL_OK ||
        events_page_open(call, &page, "Rules") != LOCAL_OK)
        return LOCAL_FAILED;
    store_query(call->store, &rows,
                "SELECT " RULE_COLUMNS " FROM events_rule"
                " WHERE account = $1 AND region = $2 AND bus = $3 AND name > $4"
                " AND substr(name, 1, length($5)) = $5 ORDER BY name",
                "ttttt", call->account, call->region, bus, page.position, prefix ? prefix : "");
    while (events_page_next(&page, &rows)) {
        json_open(call->out);
        page.last = put_rule(call, &rows, bus);
        json_close(call->out);
    }
    events_page_close(call, &page, &rows);
    return LOCAL_OK;
}

/* --- switching, deleting ---------------------------------------------------------------------- */

static enum local_result set_state(struct local_call *call, enum event_rule_state state)
{
    const char *bus, *name = local_text(call, "Name");
    if (events_bus_input(call, "EventBusName", &bus) != LOCAL_OK ||
        events_need_rule(call, bus, name) != LOCAL_OK)
        return LOCAL_FAILED;
    store_run(call->store,
              "UPDATE events_rule SET state = $5"
              " WHERE account = $1 AND region = $2 AND bus = $3 AND name = $4",
              "tttti", call->account, call->region, bus, name, (int64_t)state);
    if (strcmp(bus, "default") == 0)
        event_bus_schedule(call->local, call->store, call->account, call->region, name);
    return LOCAL_OK;
}

enum local_result events_enable_rule(struct local_call *call)
{
    return set_state(call, RULE_ENABLED);
}

enum local_result events_disable_rule(struct local_call *call)
{
    return set_state(call, RULE_DISABLED);
}

/* A rule that is not there is as good as deleted. */
enum local_result events_delete_rule(struct local_call *call)
{
    const char *bus, *name = local_text(call, "Name");
    if (events_bus_input(call, "EventBusName", &bus) != LOCAL_OK ||
        events_need_bus(call, bus) != LOCAL_OK)
        return LOCAL_FAILED;
    if (events_count_targets(call, bus, name) > 0)
        return local_fail(call, "ValidationException",
                          "Rule can't be deleted since it has targets.");
    store_run(call->store,
              "DELETE FROM events_rule"
              " WHERE account = $1 AND region = $2 AND bus = $3 AND name = $4",
              "tttt", call->account, call->region, bus, name);
    events_drop_tags(call, event_rule_arn(call->arena, call->account, call->region, bus, name));
    if (strcmp(bus, "default") == 0)
        event_bus_schedule(call->local, call->store, call->account, call->region, name);
    return LOCAL_OK;
}
