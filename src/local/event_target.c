#include "local/event_target_parts.h"

#include "base/json.h"
#include "local/event_access.h"
#include "local/event_outbox.h"
#include "local/services/sqs.h"

#include <stdlib.h>
#include <string.h>

/* --- queues ----------------------------------------------------------------------------------- */

static enum event_outcome deliver_queue(struct event_delivery *delivery)
{
    const struct event_rule_target *target = delivery->target;
    const json_t *parameters = json_object_get(target->definition, "SqsParameters");
    const char *why = "";
    const struct sqs_delivery message = {
        .queue_arn = target->arn,
        .service = "events.amazonaws.com",
        .source_arn = delivery->rule->arn,
        .body = delivery->body,
        .group_id = json_text(parameters, "MessageGroupId"),
    };
    /* Whether a rule can reach a queue of another Region is not known: strict, it cannot. */
    if (!text_is(target->parts.region, delivery->event->region))
        return event_target_fail(delivery, "NO_RESOURCE", "The queue is in another Region.");
    switch (sqs_deliver(delivery->local, delivery->store, delivery->arena, &message, &why)) {
    case SQS_DELIVERED:
        return EVENT_DELIVERED;
    case SQS_NO_QUEUE:
        return event_target_fail(delivery, "NO_RESOURCE", "The specified queue does not exist.");
    case SQS_DENIED:
        return event_target_fail(
            delivery, "NO_PERMISSIONS",
            "The queue's policy does not allow events.amazonaws.com to send messages.");
    default:
        return event_target_fail(delivery, "INVALID_PARAMETER", why);
    }
}

/* --- other buses ------------------------------------------------------------------------------ */

/* Is forwarding from here to `account` and `region` allowed? Fills in the failure. */
static bool may_forward(struct event_delivery *delivery, const char *account, const char *region,
                        const char *name)
{
    const struct event_on_bus *event = delivery->event;
    bool other_account = strcmp(account, event->account) != 0;
    bool other_region = strcmp(region, event->region) != 0;
    const char *role = json_text(delivery->target->definition, "RoleArn");
    delivery->message = "The event was not accepted by the bus.";
    delivery->code = NULL;
    if (other_account && (event->hops & HOP_ACCOUNT))
        delivery->code = "THIRD_ACCOUNT_HOP_DETECTED";
    else if (other_region && (event->hops & HOP_REGION))
        delivery->code = "THIRD_REGION_HOP_DETECTED";
    else if (!role && (other_account || other_region)) /* strict for accounts: facts, section 8 */
        delivery->code = "NO_PERMISSIONS";
    else if (role)
        delivery->code = event_role_refuses(delivery->store, delivery->arena, role,
                                            "events:PutEvents", delivery->target->arn);
    if (delivery->code)
        return false;
    if (other_account) {
        const struct policy_principal principal = {.arn = role, .account = event->account};
        const char *const arns[] = {role, NULL}, *const accounts[] = {event->account, NULL};
        const struct policy_value context[] = {{"aws:PrincipalArn", arns},
                                               {"aws:PrincipalAccount", accounts}};
        const struct policy_question question = {.action = "events:PutEvents",
                                                 .resource = delivery->target->arn,
                                                 .principal = &principal,
                                                 .context = context,
                                                 .context_count = 2};
        if (!event_bus_allows(delivery->store, delivery->arena, account, region, name, &question))
            delivery->code = "CROSS_ACCOUNT_INGESTION_FAILED";
    }
    return !delivery->code;
}

/* The text with a new id, as an event gets one in another Region. */
static const char *with_new_id(struct event_delivery *delivery)
{
    char id[RANDOM_UUID_SIZE];
    random_uuid(delivery->local->random, id);
    json_t *again = json_copy(delivery->event->parsed);
    json_object_set_new(again, "id", json_string(id));
    char *text = json_dumps(again, JSON_COMPACT);
    const char *kept = arena_strdup(delivery->arena, text);
    free(text);
    json_decref(again);
    return kept;
}

static enum event_outcome deliver_bus(struct event_delivery *delivery)
{
    static const char lead[] = "event-bus/";
    const struct arn *arn = &delivery->target->parts;
    const struct event_on_bus *event = delivery->event;
    struct arena *arena = delivery->arena;
    if (arn->resource.len < sizeof lead || memcmp(arn->resource.data, lead, sizeof lead - 1) != 0)
        return event_target_fail(delivery, "NO_RESOURCE", "There is no such event bus.");
    const char *name = arena_strndup(arena, arn->resource.data + sizeof lead - 1,
                                     arn->resource.len - sizeof lead + 1);
    const char *account = arena_strndup(arena, arn->account.data, arn->account.len);
    const char *region = arena_strndup(arena, arn->region.data, arn->region.len);
    if (!event_bus_exists(delivery->store, account, region, name))
        return event_target_fail(delivery, "NO_RESOURCE", "There is no such event bus.");
    if (!may_forward(delivery, account, region, name))
        return EVENT_REFUSED;
    bool other_region = strcmp(region, event->region) != 0;
    struct event_on_bus there = {
        .account = account,
        .region = region,
        .bus = name,
        .text = other_region ? with_new_id(delivery) : event->text,
        .read_only = event->read_only,
        .hops = event->hops + HOP_ONE,
    };
    if (strcmp(account, event->account) != 0)
        there.hops |= HOP_ACCOUNT;
    if (other_region)
        there.hops |= HOP_REGION;
    if (there.hops >= HOPS_MAX)
        return event_target_fail(delivery, "INTERNAL_ERROR", "The event goes round in circles.");
    event_bus_queue(delivery->local, delivery->store, &there);
    return EVENT_DELIVERED;
}

/* --- the table -------------------------------------------------------------------------------- */

static const struct {
    const char *service;
    enum event_outcome (*deliver)(struct event_delivery *);
} types[] = {{"sqs", deliver_queue},
             {"events", deliver_bus},
             {"lambda", event_target_function},
             {"logs", event_target_log_group}};

enum event_outcome event_target_deliver(struct event_delivery *delivery)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (text_is(delivery->target->parts.service, types[i].service))
            return types[i].deliver(delivery);
    return event_target_fail(delivery, "NO_RESOURCE", "The target does not exist.");
}

bool event_target_bury(struct event_delivery *delivery, int64_t attempts, const char *exhausted)
{
    const json_t *config = json_object_get(delivery->target->definition, "DeadLetterConfig");
    const char *queue = json_text(config, "Arn"), *why = "";
    if (!queue)
        return false;
    const struct sqs_attribute attributes[] = {
        {"RULE_ARN", delivery->rule->arn},
        {"TARGET_ARN", delivery->target->arn},
        {"ERROR_CODE", delivery->code},
        {"ERROR_MESSAGE", delivery->message && delivery->message[0] ? delivery->message : "-"},
        {"RETRY_ATTEMPTS", arena_printf(delivery->arena, "%lld", (long long)attempts)},
        {"EXHAUSTED_RETRY_CONDITION", exhausted}};
    const struct sqs_delivery message = {
        .queue_arn = queue,
        .service = "events.amazonaws.com",
        .source_arn = delivery->rule->arn,
        .body = {delivery->event->text, strlen(delivery->event->text)},
        .attributes = attributes,
        .attribute_count = exhausted ? 6 : 5,
    };
    return sqs_deliver(delivery->local, delivery->store, delivery->arena, &message, &why) ==
           SQS_DELIVERED;
}
