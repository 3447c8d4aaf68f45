#include "local/services/events_parts.h"

#include "aws/arn.h"
#include "local/condition_keys.h"
#include "local/event_rules.h"

#include <string.h>

static const char bus_lead[] = "event-bus/";

static bool is_bus(const struct arn *arn)
{
    return text_is(arn->service, "events") && arn->resource.len > sizeof bus_lead - 1 &&
           memcmp(arn->resource.data, bus_lead, sizeof bus_lead - 1) == 0;
}

enum local_result events_bus_input(struct local_call *call, const char *member, const char **name)
{
    const char *text = local_text(call, member);
    struct arn arn;
    *name = text ? text : "default";
    if (!text || !arn_is(text))
        return LOCAL_OK;
    if (arn_parse(text, strlen(text), &arn) != 0 || !is_bus(&arn) ||
        !text_is(arn.account, call->account) || !text_is(arn.region, call->region))
        return local_fail(call, "ResourceNotFoundException", "Event bus %s does not exist.", text);
    *name = arena_strndup(call->arena, arn.resource.data + sizeof bus_lead - 1,
                          arn.resource.len - sizeof bus_lead + 1);
    return LOCAL_OK;
}

char *events_bus_arn(struct local_call *call, const char *name)
{
    return local_arn(call, "events", arena_printf(call->arena, "event-bus/%s", name));
}

static const char *const *one(struct local_call *call, const char *arn)
{
    const char **list = arena_calloc(call->arena, 2, sizeof *list);
    list[0] = arn;
    return list;
}

static const char *bus_named(struct local_call *call, const char *text)
{
    return text && arn_is(text) ? text : events_bus_arn(call, text ? text : "default");
}

const char *const *events_bus_resources(struct local_call *call)
{
    return one(call, bus_named(call, local_text(call, "Name")));
}

const char *const *events_permission_resources(struct local_call *call)
{
    return one(call, bus_named(call, local_text(call, "EventBusName")));
}

static const char *const *rule_in_bus(struct local_call *call, const char *member)
{
    const char *bus;
    if (events_bus_input(call, "EventBusName", &bus) != LOCAL_OK)
        return NULL;
    return one(call, event_rule_arn(call->arena, call->account, call->region, bus,
                                    local_text(call, member)));
}

const char *const *events_rule_resources(struct local_call *call)
{
    return rule_in_bus(call, "Name");
}

const char *const *events_target_resources(struct local_call *call)
{
    return rule_in_bus(call, "Rule");
}

const char *const *events_put_resources(struct local_call *call)
{
    const json_t *entries = local_value(call, "Entries");
    size_t count = json_array_size(entries);
    const char **arns = arena_calloc(call->arena, count + 1, sizeof *arns);
    for (size_t i = 0; i < count; i++)
        arns[i] = bus_named(call, json_text(json_array_get(entries, i), "EventBusName"));
    return arns;
}

const char *const *events_tagged_resources(struct local_call *call)
{
    return one(call, local_text(call, "ResourceARN"));
}

/* A bus of another account asks its own policy as well; PutEvents does so, entry by entry. */
enum local_result events_authorize(struct local_call *call, const char *action,
                                   const char *resource)
{
    struct condition_keys keys = {.call = call};
    const json_t *entries = local_value(call, "Entries");
    condition_keys_add_json(&keys, "events:source", entries, "Source");
    condition_keys_add_json(&keys, "events:detail-type", entries, "DetailType");
    condition_keys_add_json(&keys, "events:TargetArn", local_value(call, "Targets"), "Arn");
    condition_keys_add_tags(&keys, local_value(call, "Tags"), "Key", "Value");
    condition_keys_add_tags(&keys, local_value(call, "TagKeys"), NULL, NULL);
    return local_authorize_question(call, &(struct local_question){.action = action,
                                                                   .resource = resource,
                                                                   .context = keys.items,
                                                                   .context_count = keys.count});
}
