/* Functions and log groups as targets of rules. EventBridge's work ends when the event is in the
 * function's queue (shared facts, events.md sections 8 and 10). */
#include "local/event_target_parts.h"

#include "base/json.h"
#include "local/event_access.h"
#include "local/lambda_async.h"
#include "local/lambda_function.h"
#include "local/services/logs.h"

#include <string.h>

enum { LARGEST_EVENT = 1024 * 1024 };

/* With a role, the role's permission; without one, or in another account, the function's policy. */
static const char *refusal(struct event_delivery *delivery, const struct lambda_function *function)
{
    const struct event_on_bus *event = delivery->event;
    const char *role = json_text(delivery->target->definition, "RoleArn");
    bool other = strcmp(function->account, event->account) != 0;
    if (role) {
        const char *refused = event_role_refuses(delivery->store, delivery->arena, role,
                                                 "lambda:InvokeFunction", delivery->target->arn);
        if (refused || !other)
            return refused;
    } else if (other) { /* across accounts a role is wanted (K) */
        return "NO_PERMISSIONS";
    }
    return lambda_may_invoke(delivery->store, delivery->arena, function, "events.amazonaws.com",
                             delivery->rule->arn, event->account)
               ? NULL
               : "NO_PERMISSIONS";
}

enum event_outcome event_target_function(struct event_delivery *delivery)
{
    const struct event_on_bus *event = delivery->event;
    struct lambda_function function = {0};
    char id[RANDOM_UUID_SIZE];
    /* Whether a rule reaches a function of another Region is not known: strict, it does not. */
    if (!text_is(delivery->target->parts.region, event->region))
        return event_target_fail(delivery, "NO_RESOURCE", "The function is in another Region.");
    if (lambda_function_find(delivery->local, delivery->store, delivery->arena, event->account,
                             event->region, delivery->target->arn, NULL, &function) != 0)
        return event_target_fail(delivery, "NO_RESOURCE", "The function does not exist.");
    const char *refused = refusal(delivery, &function);
    if (!refused && delivery->body.len <= LARGEST_EVENT) {
        random_uuid(delivery->local->random, id);
        lambda_async_queue(delivery->local, delivery->store, &function, delivery->body, id);
    }
    lambda_function_done(&function);
    if (refused)
        return event_target_fail(delivery, refused,
                                 "EventBridge may not invoke the function for this rule.");
    if (delivery->body.len > LARGEST_EVENT)
        return event_target_fail(delivery, "INVALID_PARAMETER", "The event is too large.");
    return EVENT_DELIVERED;
}

enum event_outcome event_target_log_group(struct event_delivery *delivery)
{
    char stream[RANDOM_UUID_SIZE];
    random_uuid(delivery->local->random, stream); /* a stream for each event, as AWS makes them */
    const struct logs_delivery entry = {.group_arn = delivery->target->arn,
                                        .service = "events.amazonaws.com",
                                        .source_arn = delivery->rule->arn,
                                        .stream = stream,
                                        .body = delivery->body};
    if (!text_is(delivery->target->parts.region, delivery->event->region))
        return event_target_fail(delivery, "NO_RESOURCE", "The log group is in another Region.");
    switch (logs_deliver(delivery->local, delivery->store, delivery->arena, &entry)) {
    case LOGS_DELIVERED:
        return EVENT_DELIVERED;
    case LOGS_NO_GROUP:
        return event_target_fail(delivery, "NO_RESOURCE", "The log group does not exist.");
    default:
        return event_target_fail(delivery, "NO_PERMISSIONS",
                                 "No resource policy of the account lets events.amazonaws.com "
                                 "write to the log group.");
    }
}
