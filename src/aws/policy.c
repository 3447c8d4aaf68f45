#include "aws/policy.h"

#include "aws/arn.h"
#include "aws/policy_intern.h"
#include "aws/region.h"
#include "base/arena.h"
#include "base/json.h"

#include <string.h>

/* Texts are IAM's own where they are known (MalformedPolicyDocument). */

enum { LONGEST_ACTION = 128 };

size_t policy_items(const json_t *element)
{
    if (json_is_array(element))
        return json_array_size(element);
    return element && !json_is_object(element) && !json_is_null(element);
}

const json_t *policy_item(const json_t *element, size_t i)
{
    return json_is_array(element) ? json_array_get(element, i) : element;
}

static int syntax(struct error *err)
{
    return error_set(err, ERR_INVALID, "Syntax errors in policy.");
}

/* --- parsing -----------------------------------------------------------------------------------
 */

/* "service:Name" with wildcards in the name, or "*". */
static int action_compile(struct arena *arena, const json_t *item, struct pattern *out,
                          struct error *err)
{
    const char *text = json_string_value(item);
    if (!text)
        return syntax(err);
    const char *colon = strchr(text, ':');
    if (!colon && strcmp(text, "*") != 0)
        return error_set(err, ERR_INVALID,
                         "Actions/Conditions must be prefaced by a vendor, e.g., "
                         "iam, sdb, ec2, etc.");
    if (colon && strchr(colon + 1, ':'))
        return error_set(err, ERR_INVALID, "Actions/Condition can contain only one colon.");
    char *lower = arena_strdup(arena, text);
    for (char *at = lower; *at; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at + ('a' - 'A'));
    size_t vendor = strspn(lower, "abcdefghijklmnopqrstuvwxyz0123456789-.");
    if (colon && (vendor == 0 || lower[vendor] != ':'))
        return error_set(err, ERR_INVALID, "Vendor %.*s is not valid",
                         (int)(colon - text < 64 ? colon - text : 64), text);
    return pattern_compile(arena, lower, false, true, out, err);
}

static bool partition_fits(struct text partition)
{
    char name[32];
    if (text_is(partition, "*"))
        return true;
    if (partition.len >= sizeof name)
        return false;
    memcpy(name, partition.data, partition.len);
    name[partition.len] = '\0';
    return partition_named(name) != NULL;
}

static bool is_literal(struct text segment)
{
    return !memchr(segment.data, '*', segment.len) && !memchr(segment.data, '?', segment.len);
}

/* `rest` is what follows the service. */
static void resource_split(struct resource_pattern *out, struct text partition, struct text rest)
{
    struct text region = text_cut(&rest, ':'), account = rest.data ? text_cut(&rest, ':') : rest;
    struct text *const segments[] = {&partition, &region, &account};
    if (!rest.data || out->pattern.pieces)
        return;
    for (size_t i = 0; i < 3; i++) {
        if (text_is(*segments[i], "*"))
            segments[i]->data = NULL;
        else if (!is_literal(*segments[i]))
            return;
    }
    size_t fixed = 0;
    while (fixed < rest.len && rest.data[fixed] != '*' && rest.data[fixed] != '?')
        fixed++;
    out->split = true;
    out->partition = partition;
    out->region = region;
    out->account = account;
    out->rest = (struct pattern){.text = rest, .fixed = fixed, .wildcards = fixed < rest.len};
}

static int resource_compile(struct arena *arena, const json_t *item, bool variables,
                            struct resource_pattern *out, struct error *err)
{
    const char *text = json_string_value(item);
    if (!text)
        return syntax(err);
    if (pattern_compile(arena, text, variables, true, &out->pattern, err) != 0)
        return -1;
    if (strcmp(text, "*") == 0)
        return 0;
    struct text rest = out->pattern.text, scheme = text_cut(&rest, ':');
    if (!rest.data || !text_is(scheme, "arn"))
        return error_set(err, ERR_INVALID, "Resource %.200s must be in ARN format or \"*\".", text);
    struct text partition = text_cut(&rest, ':');
    if (!partition_fits(partition))
        return error_set(err, ERR_INVALID,
                         "Partition \"%.*s\" is not valid for resource \"%.200s\".",
                         (int)(partition.len < 64 ? partition.len : 64), partition.data, text);
    out->service = text_cut(&rest, ':');
    if (rest.data)
        resource_split(out, partition, rest);
    if (!rest.data || out->service.len == 0 || memchr(out->service.data, '*', out->service.len) ||
        memchr(out->service.data, '?', out->service.len) ||
        memchr(out->service.data, '$', out->service.len))
        return error_set(err, ERR_INVALID,
                         "Resource vendor must be fully qualified and cannot contain regexes.");
    return 0;
}

static int actions_compile(struct arena *arena, const json_t *from, struct statement *out,
                           struct error *err)
{
    const json_t *action = json_object_get(from, "Action");
    const json_t *other = json_object_get(from, "NotAction");
    if (action && other)
        return syntax(err);
    size_t count = policy_items(action ? action : other);
    if (count == 0)
        return error_set(err, ERR_INVALID, "Policy statement must contain actions.");
    struct pattern *patterns = arena_calloc(arena, count, sizeof *patterns);
    for (size_t i = 0; i < count; i++)
        if (action_compile(arena, policy_item(action ? action : other, i), &patterns[i], err) != 0)
            return -1;
    out->not_action = other != NULL;
    out->actions = patterns;
    out->action_count = count;
    return 0;
}

static int resources_compile(struct arena *arena, const json_t *from, enum policy_kind kind,
                             bool variables, struct statement *out, struct error *err)
{
    const json_t *resource = json_object_get(from, "Resource");
    const json_t *other = json_object_get(from, "NotResource");
    if (resource && other)
        return syntax(err);
    if (kind == POLICY_TRUST)
        return resource || other ? error_set(err, ERR_INVALID, "Has prohibited field Resource") : 0;
    if (kind == POLICY_RESOURCE && !resource && !other)
        return 0;
    size_t count = policy_items(resource ? resource : other);
    if (count == 0)
        return error_set(err, ERR_INVALID, "Policy statement must contain resources.");
    struct resource_pattern *patterns = arena_calloc(arena, count, sizeof *patterns);
    for (size_t i = 0; i < count; i++)
        if (resource_compile(arena, policy_item(resource ? resource : other, i), variables,
                             &patterns[i], err) != 0)
            return -1;
    out->not_resource = other != NULL;
    out->resources = patterns;
    out->resource_count = count;
    return 0;
}

static int principal_element(struct arena *arena, const json_t *from, enum policy_kind kind,
                             struct statement *out, struct error *err)
{
    const json_t *principal = json_object_get(from, "Principal");
    const json_t *other = json_object_get(from, "NotPrincipal");
    if (kind == POLICY_IDENTITY)
        return principal || other
                   ? error_set(err, ERR_INVALID, "Policy document should not specify a principal.")
                   : 0;
    if (!principal && !other)
        return error_set(err, ERR_INVALID, "Missing required field Principal");
    /* "Allow" for all but some lets everybody else in: IAM's guide says it is not supported. */
    if ((principal && other) || (other && out->allow))
        return syntax(err);
    out->not_principal = other != NULL;
    return principals_compile(arena, principal ? principal : other, &out->principals,
                              &out->principal_count, err);
}

static int conditions_compile(struct arena *arena, const json_t *from, bool variables,
                              struct statement *out, struct error *err)
{
    const json_t *element = json_object_get(from, "Condition");
    const char *name;
    json_t *keys;
    size_t most = 0;
    if (!element)
        return 0;
    if (!json_is_object(element))
        return syntax(err);
    json_object_foreach((json_t *)element, name, keys)
    {
        most += json_object_size(keys);
    }
    struct condition *conditions = arena_calloc(arena, most, sizeof *conditions);
    json_object_foreach((json_t *)element, name, keys)
    {
        if (condition_compile(arena, name, keys, variables, conditions, &out->condition_count,
                              err) != 0)
            return -1;
    }
    out->conditions = conditions;
    return 0;
}

static bool only_has(const json_t *object, const char *const *allowed)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        size_t i = 0;
        while (allowed[i] && strcmp(allowed[i], name) != 0)
            i++;
        if (!allowed[i])
            return false;
    }
    return json_is_object(object);
}

static int statement_compile(struct arena *arena, const json_t *from, enum policy_kind kind,
                             bool variables, struct statement *out, struct error *err)
{
    static const char *const elements[] = {"Sid",       "Effect",    "Principal", "NotPrincipal",
                                           "Action",    "NotAction", "Resource",  "NotResource",
                                           "Condition", NULL};
    const char *effect = json_text_or(from, "Effect", "");
    out->allow = strcmp(effect, "Allow") == 0;
    if (!only_has(from, elements) || (!out->allow && strcmp(effect, "Deny") != 0))
        return syntax(err);
    return principal_element(arena, from, kind, out, err) ||
                   actions_compile(arena, from, out, err) ||
                   resources_compile(arena, from, kind, variables, out, err) ||
                   conditions_compile(arena, from, variables, out, err)
               ? -1
               : 0;
}

static int sids_check(const json_t *statements, enum policy_kind kind, struct error *err)
{
    json_t *seen = json_object();
    int result = 0;
    for (size_t i = 0; result == 0 && i < json_array_size(statements); i++) {
        const json_t *element = json_object_get(json_array_get(statements, i), "Sid");
        const char *sid = json_string_value(element);
        if (!element)
            continue;
        if (!sid)
            result = syntax(err);
        else if (kind == POLICY_IDENTITY &&
                 strspn(sid, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") !=
                     strlen(sid))
            result = error_set(err, ERR_INVALID,
                               "Statement IDs (SID) must be alpha-numeric. Check that your input "
                               "satisfies the regular expression [0-9A-Za-z]*");
        /* Key policies may repeat one: that of AWS's own key for Secrets Manager does. */
        else if (kind != POLICY_RESOURCE && *sid && json_object_get(seen, sid))
            result = error_set(err, ERR_INVALID,
                               "Statement IDs (SID) in a single policy must be unique.");
        else
            json_object_set_new(seen, sid, json_true());
    }
    json_decref(seen);
    return result;
}

/* The document's head; *statements is a list whatever the document had. New reference. */
static int head_check(const json_t *document, bool *variables, json_t **statements,
                      struct error *err)
{
    static const char *const elements[] = {"Version", "Id", "Statement", NULL};
    const json_t *version = json_object_get(document, "Version");
    const json_t *id = json_object_get(document, "Id");
    json_t *statement = json_object_get(document, "Statement");
    const char *text = version ? json_string_value(version) : "2008-10-17";
    if (!only_has(document, elements) || (id && !json_is_string(id)) || !text ||
        (!json_is_object(statement) && json_array_size(statement) == 0))
        return syntax(err);
    *variables = strcmp(text, "2012-10-17") == 0;
    if (!*variables && strcmp(text, "2008-10-17") != 0)
        return error_set(err, ERR_INVALID, "The policy must contain a valid version string");
    *statements = json_is_object(statement) ? json_pack("[O]", statement) : json_incref(statement);
    return 0;
}

static struct policy *compile(struct arena *arena, const json_t *statements, enum policy_kind kind,
                              bool variables, struct error *err)
{
    size_t count = json_array_size(statements);
    struct statement *compiled = arena_calloc(arena, count, sizeof *compiled);
    for (size_t i = 0; i < count; i++)
        if (statement_compile(arena, json_array_get(statements, i), kind, variables, &compiled[i],
                              err) != 0)
            return NULL;
    if (sids_check(statements, kind, err) != 0)
        return NULL;
    struct policy *policy = arena_alloc(arena, sizeof *policy);
    *policy = (struct policy){kind, compiled, count};
    return policy;
}

struct policy *policy_parse(struct arena *arena, const char *json, size_t len,
                            enum policy_kind kind, struct error *err)
{
    json_t *document = json_read(json, len, NULL), *statements = NULL;
    struct policy *policy = NULL;
    bool variables;
    if (!json_is_object(document))
        syntax(err);
    else if (head_check(document, &variables, &statements, err) == 0)
        policy = compile(arena, statements, kind, variables, err);
    json_decref(statements);
    json_decref(document);
    return policy;
}

/* --- evaluating --------------------------------------------------------------------------------
 */

/* What is the same for all statements of a question. */
struct asked {
    const struct policy_question *question;
    char action_bytes[LONGEST_ACTION];
    struct text action; /* lower-case */
    struct text resource, service;
    struct arn arn;
    bool plain; /* an ARN, without a ':' in its resource */
};

static bool action_matches(const struct statement *statement, const struct asked *asked)
{
    for (size_t i = 0; i < statement->action_count; i++)
        if (pattern_match(&statement->actions[i], asked->question, asked->action, false) ==
            MATCH_YES)
            return !statement->not_action;
    return statement->not_action;
}

static bool segment_fits(struct text pattern, struct text segment)
{
    return !pattern.data ||
           (pattern.len == segment.len && memcmp(pattern.data, segment.data, segment.len) == 0);
}

static int pattern_fits(const struct resource_pattern *resource, const struct asked *asked)
{
    if (!resource->split || !asked->plain)
        return pattern_match(&resource->pattern, asked->question, asked->resource, false);
    if (!segment_fits(resource->account, asked->arn.account) ||
        !segment_fits(resource->region, asked->arn.region) ||
        !segment_fits(resource->partition, asked->arn.partition))
        return MATCH_NO;
    return pattern_match(&resource->rest, asked->question, asked->arn.resource, false);
}

static bool resource_matches(const struct statement *statement, const struct asked *asked)
{
    if (statement->resource_count == 0)
        return true;
    bool unresolved = false;
    for (size_t i = 0; i < statement->resource_count; i++) {
        const struct resource_pattern *resource = &statement->resources[i];
        if (resource->service.len &&
            (resource->service.len != asked->service.len ||
             memcmp(resource->service.data, asked->service.data, asked->service.len) != 0))
            continue;
        int match = pattern_fits(resource, asked);
        if (match == MATCH_YES)
            return !statement->not_resource;
        unresolved |= match == MATCH_UNRESOLVED;
    }
    /* A variable without value: the statement does not match, the other way round either. */
    return statement->not_resource && !unresolved;
}

static bool conditions_hold(const struct statement *statement, const struct asked *asked)
{
    for (size_t i = 0; i < statement->condition_count; i++)
        if (!condition_holds(&statement->conditions[i], asked->question))
            return false;
    return true;
}

static void ask(struct asked *asked, const struct policy_question *question)
{
    size_t len = strnlen(question->action, LONGEST_ACTION);
    for (size_t i = 0; i < len; i++) {
        char letter = question->action[i];
        asked->action_bytes[i] =
            letter >= 'A' && letter <= 'Z' ? (char)(letter + ('a' - 'A')) : letter;
    }
    asked->question = question;
    asked->action = (struct text){asked->action_bytes, len};
    asked->resource = text_of(question->resource ? question->resource : "*");
    asked->service = (struct text){"", 0};
    asked->plain = false;
    if (arn_parse(asked->resource.data, asked->resource.len, &asked->arn) != 0)
        return;
    asked->service = asked->arn.service;
    asked->plain = !memchr(asked->arn.resource.data, ':', asked->arn.resource.len);
}

/* Is the question this statement's, conditions apart? */
static bool is_about(const struct policy *policy, const struct statement *statement,
                     const struct asked *asked, enum policy_match *who)
{
    *who = POLICY_MATCH_NONE;
    if (!action_matches(statement, asked) || !resource_matches(statement, asked))
        return false;
    if (policy->kind == POLICY_IDENTITY)
        return true;
    *who = principals_match(statement, asked->question->principal);
    return *who != POLICY_MATCH_NONE;
}

enum policy_answer policy_evaluate(const struct policy *policy,
                                   const struct policy_question *question, enum policy_match *match)
{
    struct asked asked;
    enum policy_answer answer = POLICY_NO_MATCH;
    enum policy_match strongest = POLICY_MATCH_NONE;
    ask(&asked, question);
    for (size_t i = 0; i < policy->statement_count; i++) {
        const struct statement *statement = &policy->statements[i];
        enum policy_match who;
        if (!is_about(policy, statement, &asked, &who) || !conditions_hold(statement, &asked))
            continue;
        if (!statement->allow) {
            answer = POLICY_DENY;
            strongest = POLICY_MATCH_NONE;
            break;
        }
        answer = POLICY_ALLOW;
        if (who > strongest)
            strongest = who;
    }
    if (match)
        *match = strongest;
    return answer;
}

/* --- many policies, one action -----------------------------------------------------------------
 */

struct policy_set {
    const struct statement **statements; /* those that deny first */
    size_t count;
};

const struct policy_set *policy_set_about(struct arena *arena, const struct policy *const *policies,
                                          size_t count, const char *action)
{
    const struct policy_question question = {.action = action};
    struct asked asked;
    size_t most = 0;
    ask(&asked, &question);
    for (size_t i = 0; i < count; i++)
        most += policies[i]->statement_count;
    struct policy_set *set = arena_alloc(arena, sizeof *set);
    *set = (struct policy_set){arena_calloc(arena, most + 1, sizeof(struct statement *)), 0};
    for (int allows = 0; allows <= 1; allows++)
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < policies[i]->statement_count; j++) {
                const struct statement *statement = &policies[i]->statements[j];
                if (statement->allow == allows && action_matches(statement, &asked))
                    set->statements[set->count++] = statement;
            }
    return set;
}

enum policy_answer policy_set_evaluate(const struct policy_set *set,
                                       const struct policy_question *question)
{
    struct asked asked;
    ask(&asked, question);
    for (size_t i = 0; i < set->count; i++)
        if (resource_matches(set->statements[i], &asked) &&
            conditions_hold(set->statements[i], &asked))
            return set->statements[i]->allow ? POLICY_ALLOW : POLICY_DENY;
    return POLICY_NO_MATCH;
}

static bool is_star(const struct pattern *pattern)
{
    return !pattern->pieces && pattern->wildcards && text_is(pattern->text, "*");
}

bool policy_allows_all(const struct policy *policy)
{
    for (size_t i = 0; i < policy->statement_count; i++) {
        const struct statement *statement = &policy->statements[i];
        if (!statement->allow || statement->not_action || statement->not_resource ||
            statement->condition_count || policy->kind != POLICY_IDENTITY)
            continue;
        bool actions = false, resources = false;
        for (size_t j = 0; j < statement->action_count; j++)
            actions |= is_star(&statement->actions[j]);
        for (size_t j = 0; j < statement->resource_count; j++)
            resources |= is_star(&statement->resources[j].pattern);
        if (actions && resources)
            return true;
    }
    return false;
}

bool policy_denies(const struct policy *policy)
{
    for (size_t i = 0; i < policy->statement_count; i++)
        if (!policy->statements[i].allow)
            return true;
    return false;
}
