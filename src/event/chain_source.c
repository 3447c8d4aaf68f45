/* A source's Region: trails, the rules of the default bus, a schedule. */
#include "event/chain_parts.h"

#include "aws/event_pattern.h"
#include "event/event_sources.h"

#include <stdio.h>
#include <string.h>

enum { SOURCES_MAX = 96 };

/* What the configurations of this Region replicate, and the events that rules let through. */
struct coverage {
    const struct config *const *configs;
    size_t count;
    bool known[SOURCES_MAX]; /* an event of a kind that is replicated */
    bool taken[SOURCES_MAX]; /* a rule lets it through to a target that works */
    bool native, calls;      /* of those taken */
    bool schedule;
    struct arena scratch;
};

/* --- trails ----------------------------------------------------------------------------------- */

static bool lists(const json_t *list, const char *text)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
            return true;
    }
    return false;
}

/* The field's selector; NULL: it is not asked for. */
static const json_t *field(const json_t *selector, const char *name)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(selector, "FieldSelectors"), i, one)
    {
        if (strcmp(json_text_or(one, "Field", ""), name) == 0)
            return one;
    }
    return NULL;
}

/* A trail may leave out the calls of one service: people do so with KMS, which is called much. */
static bool leaves_out(const struct coverage *coverage, const json_t *services)
{
    bool out = false;
    for (size_t i = 0; i < coverage->count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s.amazonaws.com",
                 coverage->configs[i]->kind->services[0]->signing_name);
        out = out || lists(services, name);
    }
    return out;
}

static bool basic_logs_writes(const struct coverage *coverage, const json_t *selector)
{
    const char *which = json_text_or(selector, "ReadWriteType", "All");
    return json_bool_or(selector, "IncludeManagementEvents", true) &&
           strcmp(which, "ReadOnly") != 0 &&
           !leaves_out(coverage, json_object_get(selector, "ExcludeManagementEventSources"));
}

static bool advanced_logs_writes(const struct coverage *coverage, const json_t *selector)
{
    const json_t *category = field(selector, "eventCategory"), *reads = field(selector, "readOnly");
    const json_t *source = field(selector, "eventSource");
    return category && lists(json_object_get(category, "Equals"), "Management") &&
           !(reads && lists(json_object_get(reads, "Equals"), "true")) &&
           !leaves_out(coverage, json_object_get(source, "NotEquals"));
}

static bool logs_writes(const struct coverage *coverage, const json_t *selectors)
{
    size_t i;
    json_t *one;
    bool logs = false;
    json_array_foreach(json_object_get(selectors, "EventSelectors"), i, one)
    {
        logs = logs || basic_logs_writes(coverage, one);
    }
    json_array_foreach(json_object_get(selectors, "AdvancedEventSelectors"), i, one)
    {
        logs = logs || advanced_logs_writes(coverage, one);
    }
    return logs;
}

enum trail { TRAIL_NONE, TRAIL_UNSEEN, TRAIL_LOGS };

static enum trail look_at_trail(struct chain *chain, const struct coverage *coverage,
                                const char *arn, struct error *err)
{
    const json_t *status = chain_ask(chain, NULL, chain->region, &chain_trail_status,
                                     json_pack("{s:s}", "Name", arn), err);
    if (!status)
        return TRAIL_UNSEEN;
    if (!json_bool_or(status, "IsLogging", false))
        return TRAIL_NONE;
    const json_t *selectors = chain_ask(chain, NULL, chain->region, &chain_selectors,
                                        json_pack("{s:s}", "TrailName", arn), err);
    if (!selectors)
        return TRAIL_UNSEEN;
    return logs_writes(coverage, selectors) ? TRAIL_LOGS : TRAIL_NONE;
}

/* `coverage` is complete: without a trail only native events come. */
static void check_trails(struct chain *chain, const struct coverage *coverage)
{
    struct error err = {0};
    size_t i;
    json_t *trail;
    enum trail best = TRAIL_NONE;
    const char *name = NULL;
    const json_t *answer = chain_ask(chain, NULL, chain->region, &chain_describe_trails,
                                     json_pack("{s:b}", "includeShadowTrails", 1), &err);
    if (!answer) {
        finding_refused(chain->out, "trail", chain->region, "the Region's trails", &err);
        return;
    }
    json_array_foreach(json_object_get(answer, "trailList"), i, trail)
    {
        enum trail found =
            look_at_trail(chain, coverage, json_text_or(trail, "TrailARN", ""), &err);
        if (found > best) {
            best = found;
            name = json_text_or(trail, "Name", "?");
        }
    }
    if (best == TRAIL_LOGS)
        finding_add(chain->out, FINDING_OK, "trail", chain->region, NULL,
                    "%s logs the calls that write", name);
    else if (best == TRAIL_UNSEEN)
        finding_refused(chain->out, "trail", chain->region, name, &err);
    else
        finding_add(chain->out, coverage->native ? FINDING_WARNING : FINDING_FAILED, "trail",
                    chain->region,
                    "make one (aws cloudtrail create-trail, start-logging) with management events, "
                    "at least WriteOnly",
                    "no trail logs the calls that write: %s",
                    coverage->native ? "changes of tags and labels are found by full passes only"
                                     : "no event of a call reaches EventBridge");
}

/* --- sample events ---------------------------------------------------------------------------- */

/* A name that the configuration selects: stars become a letter. */
static const char *sample_name(struct arena *arena, const struct config *config)
{
    struct buf name;
    enum { LONGEST = 4096 };
    const char *at = config->include_count ? config->include[0] : "x";
    buf_init(&name, LONGEST);
    for (; *at; at++) {
        if (*at != '*')
            buf_append_char(&name, *at == '?' ? 'x' : *at);
        else if (at[1] != '*')
            buf_append_char(&name, 'x');
    }
    const char *text = arena_strdup(arena, buf_text(&name));
    buf_done(&name);
    return text;
}

/* Of the shapes in AWS's documents, with all members that rules are known to ask for. */
static json_t *sample(const struct chain *chain, const struct event_source *source,
                      const char *name)
{
    static const char account[] = "123456789012", time[] = "2026-01-02T03:04:05Z";
    const char *service = source->source + strlen("aws.");
    json_t *detail;
    if (source->name)
        detail = json_pack(
            "{s:s, s:s, s:s+, s:s, s:s, s:b, s:b, s:s, s:s, s:s, s:{s:s, s:[s], s:s, s:s, s:s}, "
            "s:{s:i}, s:{s:s}, s:[{s:s, s:s}]}",
            "eventVersion", "1.11", "eventTime", time, "eventSource", service, ".amazonaws.com",
            "eventName", source->name, "awsRegion", chain->region, "readOnly", 0, "managementEvent",
            1, "eventType",
            strcmp(source->detail_type, "AWS Service Event via CloudTrail") == 0 ? "AwsServiceEvent"
                                                                                 : "AwsApiCall",
            "eventCategory", "Management", "recipientAccountId", account, "requestParameters",
            "name", name, "names", name, "resourceId", name, "resourceType", "Parameter", "keyId",
            name, "responseElements", "version", 2, "userIdentity", "type", "AssumedRole",
            "resources", "ARN", name, "type", "AWS::KMS::Key");
    else
        detail =
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "operation", "Update", "name",
                      name, "type", "String", "parameter-name", name, "parameter-type", "String",
                      "policy-type", "Expiration", "action-status", "Success", "key-id", name);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[], s:o}", "version", "0", "id",
                     "00000000-0000-4000-8000-000000000000", "detail-type", source->detail_type,
                     "source", source->source, "account", account, "time", time, "region",
                     chain->region, "resources", "detail", detail);
}

static bool is_of(const struct event_source *source, const struct config *config)
{
    return strcmp(source->shape->kind, config->kind->name) == 0;
}

static bool lets_through(struct chain *chain, struct coverage *coverage,
                         const struct event_pattern *pattern, const struct event_source *source)
{
    bool matches = false;
    for (size_t i = 0; i < coverage->count && !matches; i++) {
        if (!is_of(source, coverage->configs[i]))
            continue;
        json_t *event =
            sample(chain, source, sample_name(&coverage->scratch, coverage->configs[i]));
        matches = event_pattern_matches(pattern, event_fields_of(&coverage->scratch, event));
        json_decref(event);
    }
    arena_reset(&coverage->scratch);
    return matches;
}

/* --- rules ------------------------------------------------------------------------------------ */

static bool enabled(const json_t *rule)
{
    return strncmp(json_text_or(rule, "State", "ENABLED"), "ENABLED", strlen("ENABLED")) == 0;
}

static const json_t *targets_of(struct chain *chain, const char *rule)
{
    struct error err = {0};
    const json_t *targets = chain_list(chain, chain->region, &chain_list_targets,
                                       json_pack("{s:s}", "Rule", rule), &err);
    if (!targets)
        finding_refused(chain->out, "target", chain->region, rule, &err);
    else if (!json_array_size(targets))
        finding_add(chain->out, FINDING_FAILED, "target", chain->region, "aws events put-targets",
                    "rule %s has no target", rule);
    return targets;
}

/* True: one of the targets works. */
static bool follow(struct chain *chain, const json_t *rule)
{
    size_t i;
    json_t *target;
    bool works = false;
    json_array_foreach((json_t *)targets_of(chain, json_text_or(rule, "Name", "")), i, target)
    {
        works = chain_target(chain, json_text_or(rule, "Arn", ""), target) || works;
    }
    return works;
}

static void check_rule(struct chain *chain, struct coverage *coverage, const json_t *rule)
{
    const char *why, *name = json_text_or(rule, "Name", "?");
    const char *text = json_text(rule, "EventPattern");
    bool takes[SOURCES_MAX] = {false}, any = false;
    struct event_pattern *pattern =
        text ? event_pattern_parse(chain->arena, text, strlen(text), &why) : NULL;
    for (size_t i = 0; pattern && event_sources[i].source; i++) {
        takes[i] = coverage->known[i] && lets_through(chain, coverage, pattern, &event_sources[i]);
        any = any || takes[i];
    }
    if (!any)
        return;
    if (!enabled(rule)) {
        finding_add(chain->out, FINDING_WARNING, "rule", chain->region, "aws events enable-rule",
                    "%s would let changes through, and is disabled", name);
        return;
    }
    finding_add(chain->out, FINDING_OK, "rule", chain->region, NULL, "%s lets changes through",
                name);
    bool works = follow(chain, rule);
    for (size_t i = 0; works && event_sources[i].source; i++) {
        coverage->taken[i] = coverage->taken[i] || takes[i];
        coverage->native = coverage->native || (takes[i] && !event_sources[i].name);
        coverage->calls = coverage->calls || (takes[i] && event_sources[i].name);
    }
}

/* With no input a function gets the schedule's own event, which asks for a pass, too: of a function
 * that is known to be ours. A schedule of something else is nobody's business here. */
static bool is_pass(const struct chain *chain, const json_t *target)
{
    const char *text = json_text(target, "Input"), *arn = json_text_or(target, "Arn", "");
    json_t *input = text ? json_read(text, strlen(text), NULL) : NULL;
    bool pass = strcmp(json_text_or(input, "understudy", ""), "reconcile") == 0;
    for (size_t i = 0; !text && i < chain->seen_count; i++)
        pass = pass || strcmp(chain->seen[i], arn) == 0;
    json_decref(input);
    return pass;
}

static void check_schedule(struct chain *chain, struct coverage *coverage, const json_t *rule)
{
    struct error err = {0};
    size_t i;
    json_t *target;
    const char *name = json_text_or(rule, "Name", "");
    const json_t *targets = chain_list(chain, chain->region, &chain_list_targets,
                                       json_pack("{s:s}", "Rule", name), &err);
    if (!targets)
        finding_refused(chain->out, "schedule", chain->region, name, &err);
    json_array_foreach((json_t *)targets, i, target)
    {
        if (!is_pass(chain, target))
            continue;
        coverage->schedule = true;
        if (!enabled(rule))
            finding_add(chain->out, FINDING_WARNING, "schedule", chain->region,
                        "aws events enable-rule", "%s asks for full passes, and is disabled", name);
        else if (chain_target(chain, json_text_or(rule, "Arn", ""), target))
            finding_add(chain->out, FINDING_OK, "schedule", chain->region, NULL,
                        "%s asks for full passes, %s", name,
                        json_text_or(rule, "ScheduleExpression", ""));
    }
}

/* --- what arrives ----------------------------------------------------------------------------- */

static const char *untold(struct chain *chain, const struct coverage *coverage, size_t *count)
{
    struct buf names;
    enum { LONGEST = 4096 };
    buf_init(&names, LONGEST);
    *count = 0;
    for (size_t i = 0; event_sources[i].source; i++) {
        if (!coverage->known[i] || coverage->taken[i])
            continue;
        const char *name = event_sources[i].name;
        buf_printf(&names, "%s%s", names.len ? ", " : "",
                   name ? name : event_sources[i].detail_type);
        ++*count;
    }
    const char *text = arena_strdup(chain->arena, buf_text(&names));
    buf_done(&names);
    return text;
}

static void check_coverage(struct chain *chain, const struct coverage *coverage)
{
    size_t count;
    const char *names = untold(chain, coverage, &count);
    if (!coverage->native && !coverage->calls)
        finding_add(chain->out, FINDING_FAILED, "events", chain->region,
                    "make a rule of the default bus with the pattern in deploy/ and a target that "
                    "works",
                    "no change is told to anybody: there is no enabled rule that lets them through "
                    "to a target that works");
    else if (count)
        finding_add(chain->out, FINDING_WARNING, "events", chain->region,
                    "add them to the rule, if they can happen to you (the pattern in deploy/ has "
                    "them)",
                    "found by full passes only: %s", names);
    else
        finding_add(chain->out, FINDING_OK, "events", chain->region, NULL,
                    "every event that tells of a change is let through");
}

void chain_source(struct chain *chain, const struct config *const *configs, size_t count)
{
    struct coverage coverage = {.configs = configs, .count = count};
    struct error err = {0};
    size_t i;
    json_t *rule;
    arena_init(&coverage.scratch);
    for (i = 0; i < SOURCES_MAX && event_sources[i].source; i++)
        for (size_t j = 0; j < count; j++)
            coverage.known[i] = coverage.known[i] || is_of(&event_sources[i], configs[j]);
    const json_t *rules = chain_list(chain, chain->region, &chain_list_rules, json_object(), &err);
    if (!rules)
        finding_refused(chain->out, "rule", chain->region, "the rules of the default bus", &err);
    json_array_foreach((json_t *)rules, i, rule)
    {
        if (json_text(rule, "EventPattern"))
            check_rule(chain, &coverage, rule);
    }
    if (rules)
        check_coverage(chain, &coverage);
    json_array_foreach((json_t *)rules, i, rule)
    {
        if (json_text(rule, "ScheduleExpression"))
            check_schedule(chain, &coverage, rule);
    }
    if (rules && !coverage.schedule)
        finding_add(chain->out, FINDING_WARNING, "schedule", chain->region,
                    "make a rule with a schedule and the input {\"understudy\":\"reconcile\"}, or "
                    "run understudy watch or sync from time to time",
                    "no rule asks for full passes: what no event tells is not found");
    check_trails(chain, &coverage);
    arena_done(&coverage.scratch);
}
