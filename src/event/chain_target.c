/* What a rule leads to: a function, or a queue with what takes from it. */
#include "event/chain_parts.h"

#include "aws/arn.h"
#include "aws/policy.h"

#include <string.h>

static const char events_service[] = "events.amazonaws.com";

/* --- resource policies ------------------------------------------------------------------------ */

/* May EventBridge, for this rule? The account is the rule's. */
static bool rule_may(struct chain *chain, const char *policy, const char *action,
                     const char *resource, const char *rule)
{
    struct arn arn;
    struct policy *parsed =
        policy_parse(chain->arena, policy, strlen(policy), POLICY_RESOURCE, NULL);
    if (!parsed || arn_parse(rule, strlen(rule), &arn) != 0)
        return false;
    const char *account = arena_strndup(chain->arena, arn.account.data, arn.account.len);
    const struct policy_principal principal = {.service = events_service};
    const char *const source[] = {rule, NULL}, *const owner[] = {account, NULL},
                      *const service[] = {events_service, NULL}, *const yes[] = {"true", NULL};
    const struct policy_value context[] = {{"aws:SourceArn", source},
                                           {"aws:SourceAccount", owner},
                                           {"aws:PrincipalServiceName", service},
                                           {"aws:PrincipalIsAWSService", yes},
                                           {"aws:SecureTransport", yes}};
    const struct policy_question question = {.action = action,
                                             .resource = resource,
                                             .principal = &principal,
                                             .context = context,
                                             .context_count = sizeof context / sizeof *context};
    return policy_evaluate(parsed, &question, NULL) == POLICY_ALLOW;
}

static bool seen(struct chain *chain, const char *arn)
{
    for (size_t i = 0; i < chain->seen_count; i++)
        if (strcmp(chain->seen[i], arn) == 0)
            return true;
    if (chain->seen_count < CHAIN_ROLES_MAX)
        chain->seen[chain->seen_count++] = arn;
    return false;
}

/* --- queues ----------------------------------------------------------------------------------- */

static int64_t number_in(const json_t *attributes, const char *name)
{
    int64_t value = 0;
    const char *text = json_text_or(attributes, name, "0");
    text_to_int64(text, strlen(text), &value);
    return value;
}

/* Its attributes; NULL when a finding says why not. */
static const json_t *queue_attributes(struct chain *chain, const char *check, const char *text,
                                      struct arn *arn)
{
    struct error err = {0};
    if (arn_parse(text, strlen(text), arn) != 0 || !text_is(arn->service, "sqs")) {
        finding_add(chain->out, FINDING_UNSEEN, check, chain->region, NULL, "%s is no queue of SQS",
                    text);
        return NULL;
    }
    const char *region = arena_strndup(chain->arena, arn->region.data, arn->region.len);
    const json_t *found =
        chain_ask(chain, NULL, region, &chain_queue_url,
                  json_pack("{s:s%, s:s%}", "QueueName", arn->resource.data, arn->resource.len,
                            "QueueOwnerAWSAccountId", arn->account.data, arn->account.len),
                  &err);
    const char *url = json_text(found, "QueueUrl");
    if (url)
        found =
            chain_ask(chain, NULL, region, &chain_queue_attributes,
                      json_pack("{s:s, s:[s]}", "QueueUrl", url, "AttributeNames", "All"), &err);
    const json_t *attributes = url ? json_object_get(found, "Attributes") : NULL;
    if (!found)
        finding_refused(chain->out, check, chain->region, text, &err);
    else if (!attributes)
        finding_add(chain->out, FINDING_FAILED, check, chain->region, NULL,
                    "%s: the answer has no attributes", text);
    return found ? attributes : NULL;
}

static void check_buried(struct chain *chain, const char *of, const char *queue)
{
    struct arn arn;
    const char *check = "dead letters";
    const json_t *attributes = queue_attributes(chain, check, queue, &arn);
    if (!attributes || seen(chain, queue))
        return;
    int64_t count = number_in(attributes, "ApproximateNumberOfMessages") +
                    number_in(attributes, "ApproximateNumberOfMessagesNotVisible");
    if (count)
        finding_add(chain->out, FINDING_WARNING, check, chain->region,
                    "read why, mend it, then move them back (StartMessageMoveTask) or run a sync",
                    "%lld events that were given up wait in %.*s, of %s", (long long)count,
                    (int)arn.resource.len, arn.resource.data, of);
    else
        finding_add(chain->out, FINDING_OK, check, chain->region, NULL,
                    "%.*s, of %s, is there and empty", (int)arn.resource.len, arn.resource.data,
                    of);
}

/* --- functions -------------------------------------------------------------------------------- */

static const char *unqualified(struct chain *chain, const char *text, const char **qualifier)
{
    struct arn arn;
    *qualifier = NULL;
    if (arn_parse(text, strlen(text), &arn) != 0 || arn.resource.len < 10)
        return text;
    const char *name = arn.resource.data + strlen("function:"), *colon = strchr(name, ':');
    if (!colon)
        return text;
    *qualifier = colon + 1;
    return arena_strndup(chain->arena, text, (size_t)(colon - text));
}

static json_t *named(const char *function, const char *qualifier)
{
    return json_pack("{s:s, s:s*}", "FunctionName", function, "Qualifier", qualifier);
}

static void note_role(struct chain *chain, const char *role)
{
    for (size_t i = 0; i < chain->role_count; i++)
        if (!role || strcmp(chain->roles[i].arn, role) == 0)
            return;
    if (role && chain->role_count < CHAIN_ROLES_MAX)
        chain->roles[chain->role_count++] =
            (struct chain_role){role, chain->session, chain->region};
}

static void check_concurrency(struct chain *chain, const char *function)
{
    struct error err = {0};
    const json_t *found =
        chain_ask(chain, NULL, chain->region, &chain_concurrency, named(function, NULL), &err);
    if (!found)
        finding_refused(chain->out, "function", chain->region, "its reserved concurrency", &err);
    else if (json_is_integer(json_object_get(found, "ReservedConcurrentExecutions")) &&
             json_int_or(found, "ReservedConcurrentExecutions", 1) == 0)
        finding_add(chain->out, FINDING_FAILED, "function", chain->region,
                    "aws lambda delete-function-concurrency",
                    "%s is switched off: its reserved "
                    "concurrency is 0",
                    function);
}

/* What becomes of events that failed three times. */
static void check_letters(struct chain *chain, const char *function, const json_t *settings)
{
    struct error err = {0};
    const char *queue = json_text(json_object_get(settings, "DeadLetterConfig"), "TargetArn");
    if (!queue) {
        const json_t *found = chain_ask(chain, NULL, chain->region, &chain_invoke_config,
                                        named(function, NULL), &err);
        if (!found && err.code != ERR_NOT_FOUND) {
            finding_refused(chain->out, "dead letters", chain->region, function, &err);
            return;
        }
        queue = json_text(json_object_get(json_object_get(found, "DestinationConfig"), "OnFailure"),
                          "Destination");
    }
    if (queue)
        check_buried(chain, function, queue);
    else
        finding_add(chain->out, FINDING_WARNING, "dead letters", chain->region,
                    "give it a dead-letter queue (aws lambda update-function-configuration "
                    "--dead-letter-config)",
                    "%s has no dead-letter queue: events that fail three times are dropped",
                    function);
}

/* The function's settings; NULL when it cannot work, which a finding says. */
static const json_t *check_function(struct chain *chain, const char *function,
                                    const char *qualifier)
{
    struct error err = {0};
    const json_t *settings =
        chain_ask(chain, NULL, chain->region, &chain_function, named(function, qualifier), &err);
    if (!settings) {
        finding_refused(chain->out, "function", chain->region, function, &err);
        return NULL;
    }
    const char *state = json_text_or(settings, "State", "Active");
    const char *update = json_text_or(settings, "LastUpdateStatus", "Successful");
    bool works = strcmp(state, "Active") == 0 || strcmp(state, "Inactive") == 0;
    if (!works || strcmp(update, "Failed") == 0)
        finding_add(chain->out, FINDING_FAILED, "function", chain->region, "mend what it names",
                    "%s is %s, its last update %s: %s", function, state, update,
                    json_text_or(settings, works ? "LastUpdateStatusReason" : "StateReason",
                                 "no reason is told"));
    else if (strcmp(update, "Successful") != 0)
        finding_add(chain->out, FINDING_WARNING, "function", chain->region, "look again in a while",
                    "%s: an update is in progress", function);
    else
        finding_add(chain->out, FINDING_OK, "function", chain->region, NULL, "%s is active",
                    function);
    note_role(chain, json_text(settings, "Role"));
    check_concurrency(chain, function);
    return works ? settings : NULL;
}

static bool function_target(struct chain *chain, const char *rule, const char *arn,
                            const char *role)
{
    struct error err = {0};
    const char *qualifier, *function = unqualified(chain, arn, &qualifier);
    bool again = seen(chain, arn);
    const json_t *settings = again ? NULL : check_function(chain, function, qualifier);
    if (!again && !settings)
        return false;
    if (settings)
        check_letters(chain, function, settings);
    if (role) {
        finding_add(chain->out, FINDING_UNSEEN, "target", chain->region,
                    "see that the role may lambda:InvokeFunction",
                    "the rule calls %s as %s, whose permission is not looked at", arn, role);
        return true;
    }
    const json_t *answer = chain_ask(chain, NULL, chain->region, &chain_function_policy,
                                     named(function, qualifier), &err);
    if (!answer && err.code != ERR_NOT_FOUND) {
        finding_refused(chain->out, "target", chain->region, arn, &err);
        return true;
    }
    bool may = answer && rule_may(chain, json_text_or(answer, "Policy", ""),
                                  "lambda:InvokeFunction", arn, rule);
    if (may)
        finding_add(chain->out, FINDING_OK, "target", chain->region, NULL, "%s may call %s", rule,
                    arn);
    else
        finding_add(chain->out, FINDING_FAILED, "target", chain->region,
                    "aws lambda add-permission --principal events.amazonaws.com --action "
                    "lambda:InvokeFunction --source-arn RULE",
                    "%s may not call %s", rule, arn);
    return may;
}

/* --- from the queue on ------------------------------------------------------------------------ */

static void check_visibility(struct chain *chain, const json_t *attributes, const json_t *settings,
                             const char *queue)
{
    enum { TIMES = 6 };
    int64_t visible = number_in(attributes, "VisibilityTimeout");
    int64_t least = TIMES * json_int_or(settings, "Timeout", 3);
    if (visible < least)
        finding_add(chain->out, FINDING_WARNING, "queue", chain->region,
                    "aws sqs set-queue-attributes --attributes VisibilityTimeout=...",
                    "%s hides a message for %lld s; six times the function's timeout is %lld s: a "
                    "slow batch is worked on twice",
                    queue, (long long)visible, (long long)least);
}

static bool reports_failures(const json_t *mapping)
{
    size_t i;
    json_t *type;
    json_array_foreach(json_object_get(mapping, "FunctionResponseTypes"), i, type)
    {
        if (json_is_string(type) && strcmp(json_string_value(type), "ReportBatchItemFailures") == 0)
            return true;
    }
    return false;
}

static bool check_mapping(struct chain *chain, const json_t *mapping, const json_t *attributes,
                          const char *queue)
{
    const char *state = json_text_or(mapping, "State", "");
    const char *qualifier,
        *function = unqualified(chain, json_text_or(mapping, "FunctionArn", ""), &qualifier);
    bool enabled = strcmp(state, "Enabled") == 0;
    if (!enabled)
        finding_add(chain->out, FINDING_FAILED, "mapping", chain->region,
                    "aws lambda update-event-source-mapping --enabled",
                    "the mapping of %s to %s is %s", queue, function, state);
    else if (!reports_failures(mapping))
        finding_add(chain->out, FINDING_WARNING, "mapping", chain->region,
                    "aws lambda update-event-source-mapping --function-response-types "
                    "ReportBatchItemFailures",
                    "the mapping of %s to %s takes no partial answers: messages that are named as "
                    "failed are deleted with their batch",
                    queue, function);
    else
        finding_add(chain->out, FINDING_OK, "mapping", chain->region, NULL,
                    "%s feeds %s, failures come back one by one", queue, function);
    if (seen(chain, function))
        return enabled;
    const json_t *settings = check_function(chain, function, qualifier);
    if (settings)
        check_visibility(chain, attributes, settings, queue);
    return enabled && settings;
}

static bool check_mappings(struct chain *chain, const char *arn, const json_t *attributes)
{
    struct error err = {0};
    size_t i;
    json_t *mapping;
    bool works = false;
    const json_t *mappings = chain_list(chain, chain->region, &chain_mappings,
                                        json_pack("{s:s}", "EventSourceArn", arn), &err);
    if (!mappings) {
        finding_refused(chain->out, "mapping", chain->region, arn, &err);
        return true;
    }
    json_array_foreach((json_t *)mappings, i, mapping)
    {
        works = check_mapping(chain, mapping, attributes, arn) || works;
    }
    if (!json_array_size(mappings))
        finding_add(chain->out, FINDING_WARNING, "mapping", chain->region,
                    "run understudy watch --queue, or make an event source mapping",
                    "%s feeds no function: only understudy watch can be taking from it", arn);
    return works || !json_array_size(mappings);
}

static void check_redrive(struct chain *chain, const char *arn, const json_t *attributes)
{
    const char *text = json_text(attributes, "RedrivePolicy");
    json_t *redrive = text ? json_read(text, strlen(text), NULL) : NULL;
    const char *dead = json_text(redrive, "deadLetterTargetArn");
    if (dead)
        check_buried(chain, arn, arena_strdup(chain->arena, dead));
    else
        finding_add(
            chain->out, FINDING_WARNING, "dead letters", chain->region,
            "give it a redrive policy (aws sqs set-queue-attributes)",
            "%s has no dead-letter queue: what always fails comes again until it is too old", arn);
    json_decref(redrive);
}

static bool queue_target(struct chain *chain, const char *rule, const char *arn)
{
    struct arn parsed;
    const json_t *attributes = queue_attributes(chain, "target", arn, &parsed);
    if (!attributes)
        return false;
    bool may =
        rule_may(chain, json_text_or(attributes, "Policy", ""), "sqs:SendMessage", arn, rule);
    if (may)
        finding_add(chain->out, FINDING_OK, "target", chain->region, NULL, "%s may send to %s",
                    rule, arn);
    else
        finding_add(chain->out, FINDING_FAILED, "target", chain->region,
                    "let events.amazonaws.com sqs:SendMessage in the queue's policy, with "
                    "aws:SourceArn of the rule",
                    "%s may not send to %s", rule, arn);
    if (seen(chain, arn))
        return may;
    check_redrive(chain, arn, attributes);
    return check_mappings(chain, arn, attributes) && may;
}

bool chain_target(struct chain *chain, const char *rule, const json_t *target)
{
    struct arn arn;
    const char *text = json_text_or(target, "Arn", "");
    const char *letters = json_text(json_object_get(target, "DeadLetterConfig"), "Arn");
    bool parsed = arn_parse(text, strlen(text), &arn) == 0;
    if (letters)
        check_buried(chain, rule, letters);
    if (parsed && text_is(arn.service, "lambda"))
        return function_target(chain, rule, text, json_text(target, "RoleArn"));
    if (parsed && text_is(arn.service, "sqs"))
        return queue_target(chain, rule, text);
    finding_add(chain->out, FINDING_UNSEEN, "target", chain->region, NULL,
                "%s leads to %s, which is neither a function nor a queue", rule, text);
    return false;
}
