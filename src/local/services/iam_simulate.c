#include "local/services/iam_parts.h"

#include "aws/arn.h"

#include <string.h>
#include <strings.h>

/* The policy simulator: the same evaluation as of real requests, asked of documents, with what
 * decided it. Shapes: model; texts of sources: answers of AWS quoted by users ("IAM Policy",
 * "PolicyInputList.1"), which differ from the model's enumeration. */

struct source {
    const struct policy *policy;
    const char *text, *name, *type;
};

struct sources {
    struct source *items;
    size_t count;
};

struct simulation {
    struct local_call *call;
    struct sources identity, boundary, resource;
    struct policy_value *context;
    size_t context_count;
    struct policy_principal principal;
    const char *caller_account;
};

/* --- reading the request ---------------------------------------------------------------------- */

static const char identity_type[] = "IAM Policy", resource_type[] = "Resource Policy",
                  boundary_type[] = "IAM Permissions Boundary Policy";

static enum local_result invalid(struct local_call *call, const char *message)
{
    return local_fail_status(call, 400, "InvalidInput", "%s", message);
}

static enum local_result add_source(struct simulation *simulation, struct sources *list,
                                    const char *text, const char *name, enum policy_kind kind,
                                    const char *type)
{
    struct local_call *call = simulation->call;
    struct error err;
    const struct policy *policy = policy_parse(call->arena, text, strlen(text), kind, &err);
    if (!policy)
        return invalid(call, err.message);
    struct source *items = arena_calloc(call->arena, list->count + 1, sizeof *items);
    if (list->count)
        memcpy(items, list->items, list->count * sizeof *items);
    items[list->count] = (struct source){policy, text, name, type};
    list->items = items;
    list->count++;
    return LOCAL_OK;
}

/* A list of documents of the request. */
static enum local_result add_input(struct simulation *simulation, struct sources *list,
                                   const char *member, const char *type)
{
    struct local_call *call = simulation->call;
    const json_t *documents = local_value(call, member);
    enum local_result result = LOCAL_OK;
    for (size_t i = 0; result == LOCAL_OK && i < json_array_size(documents); i++)
        result =
            add_source(simulation, list, json_string_value(json_array_get(documents, i)),
                       arena_printf(call->arena, "%s.%zu", member, i + 1), POLICY_IDENTITY, type);
    return result;
}

static bool has_key(const struct simulation *simulation, const char *key)
{
    for (size_t i = 0; i < simulation->context_count; i++)
        if (strcasecmp(simulation->context[i].key, key) == 0)
            return true;
    return false;
}

static void add_value(struct simulation *simulation, const char *key, const char *value)
{
    if (!value || has_key(simulation, key)) /* what the request says wins */
        return;
    const char **one = arena_calloc(simulation->call->arena, 2, sizeof *one);
    one[0] = value;
    simulation->context[simulation->context_count++] = (struct policy_value){key, one};
}

static enum local_result read_context(struct simulation *simulation, size_t more)
{
    struct local_call *call = simulation->call;
    const json_t *entries = local_value(call, "ContextEntries");
    size_t count = json_array_size(entries);
    simulation->context = arena_calloc(call->arena, count + more, sizeof *simulation->context);
    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(entries, i);
        const json_t *values = json_object_get(entry, "ContextKeyValues");
        const char *key = json_text(entry, "ContextKeyName");
        if (!key || !json_text(entry, "ContextKeyType"))
            return invalid(call, "A context entry needs ContextKeyName and ContextKeyType.");
        if (has_key(simulation, key))
            return invalid(call, "Context keys must be unique.");
        const char **texts = arena_calloc(call->arena, json_array_size(values) + 1, sizeof *texts);
        for (size_t j = 0; j < json_array_size(values); j++)
            texts[j] = json_string_value(json_array_get(values, j));
        simulation->context[simulation->context_count++] = (struct policy_value){key, texts};
    }
    return LOCAL_OK;
}

static size_t tag_count(const char *tags)
{
    json_t *object = json_read(tags, strlen(tags), NULL);
    size_t count = json_object_size(object);
    json_decref(object);
    return count;
}

/* What a request of the caller would say of it. */
static void be_caller(struct simulation *simulation, const struct iam_entity *caller)
{
    struct arena *arena = simulation->call->arena;
    const char *arn = local_shown(simulation->call, iam_entity_arn(arena, caller));
    bool user = caller->kind == &iam_user;
    simulation->principal = (struct policy_principal){.arn = arn, .account = caller->account};
    simulation->caller_account = caller->account;
    add_value(simulation, "aws:PrincipalArn", arn);
    add_value(simulation, "aws:PrincipalAccount", caller->account);
    add_value(simulation, "aws:PrincipalType", user ? "User" : "AssumedRole");
    add_value(simulation, "aws:userid", user ? caller->id : NULL);
    add_value(simulation, "aws:username", user ? caller->name : NULL);
    json_t *tags = json_read(caller->tags, strlen(caller->tags), NULL), *value;
    const char *key;
    json_object_foreach(tags, key, value)
    {
        add_value(simulation, arena_printf(arena, "aws:PrincipalTag/%s", key),
                  arena_strdup(arena, json_string_value(value)));
    }
    json_decref(tags);
}

enum { CALLER_KEYS = 5 };

/* The user that CallerArn names; only users may be simulated as callers (model). */
static enum local_result read_caller(struct simulation *simulation, const struct iam_entity *source)
{
    struct local_call *call = simulation->call;
    const char *arn = local_text(call, "CallerArn");
    struct iam_entity user;
    if (arn && (!iam_entity_by_arn(call->store, call->arena, arn, &user) || user.kind != &iam_user))
        return invalid(call, arena_printf(call->arena,
                                          "Invalid Entity Arn: %s does not clearly "
                                          "define entity type and name.",
                                          arn));
    const struct iam_entity *caller = arn ? &user : source;
    enum local_result result =
        read_context(simulation, CALLER_KEYS + (caller ? tag_count(caller->tags) : 0));
    if (result != LOCAL_OK)
        return result;
    simulation->caller_account = call->account;
    if (caller && (arn || caller->kind == &iam_user || !local_text(call, "ResourcePolicy")))
        be_caller(simulation, caller);
    else if (local_text(call, "ResourcePolicy"))
        return invalid(call, "CallerArn is required when a ResourcePolicy is given.");
    return LOCAL_OK;
}

static enum local_result read_request(struct simulation *simulation,
                                      const struct iam_entity *source)
{
    struct local_call *call = simulation->call;
    const char *document = local_text(call, "ResourcePolicy");
    enum local_result result = read_caller(simulation, source);
    if (result == LOCAL_OK)
        result = add_input(simulation, &simulation->identity, "PolicyInputList", identity_type);
    if (result == LOCAL_OK)
        result = add_input(simulation, &simulation->boundary, "PermissionsBoundaryPolicyInputList",
                           boundary_type);
    if (result == LOCAL_OK && document)
        result = add_source(simulation, &simulation->resource, document, "ResourcePolicy",
                            POLICY_RESOURCE, resource_type);
    return result;
}

/* The user, group or role whose policies are asked about. */
static enum local_result read_source(struct local_call *call, struct iam_entity *out)
{
    const char *arn = local_text(call, "PolicySourceArn");
    struct arn parts;
    const struct iam_kind *kind = NULL;
    if (arn_parse(arn, strlen(arn), &parts) == 0 && text_is(parts.service, "iam"))
        kind = iam_kind_of_arn(parts.resource.data);
    if (!kind || !kind->attach_quota)
        return invalid(call, arena_printf(call->arena,
                                          "Invalid Entity Arn: %s does not clearly "
                                          "define entity type and name.",
                                          arn));
    if (iam_entity_by_arn(call->store, call->arena, arn, out))
        return LOCAL_OK;
    return iam_missing(call, kind, strrchr(arn, '/') + 1);
}

static enum local_result read_identity(struct simulation *simulation,
                                       const struct iam_entity *source)
{
    struct local_call *call = simulation->call;
    struct iam_identity identity;
    iam_identity_load(call->store, call->arena, source->id, &identity);
    enum local_result result = LOCAL_OK;
    for (size_t i = 0; result == LOCAL_OK && i < identity.count; i++)
        result = add_source(simulation, &simulation->identity, identity.documents[i].text,
                            identity.documents[i].source, POLICY_IDENTITY, identity_type);
    /* One of the request stands in for the one that is attached (model). */
    if (result == LOCAL_OK && identity.boundary &&
        json_array_size(local_value(call, "PermissionsBoundaryPolicyInputList")) == 0)
        result = add_source(simulation, &simulation->boundary, identity.boundary->text,
                            identity.boundary->source, POLICY_IDENTITY, boundary_type);
    return result;
}

/* --- evaluating ------------------------------------------------------------------------------- */

struct matched {
    const struct source *source;
    size_t statement;
};

struct outcome {
    const char *resource;
    const char *decision;
    struct matched *matched;
    size_t matched_count;
    const char **missing;
    size_t missing_count;
    bool boundary_allows;
    /* Across accounts: what each side said. */
    const char *identity_decision, *resource_decision;
};

static const char *decision_of(enum policy_answer answer)
{
    return answer == POLICY_ALLOW  ? "allowed"
           : answer == POLICY_DENY ? "explicitDeny"
                                   : "implicitDeny";
}

static void add_missing(struct simulation *simulation, struct outcome *outcome,
                        const struct policy_trace *trace)
{
    const char **all = arena_calloc(simulation->call->arena,
                                    outcome->missing_count + trace->missing_count + 1, sizeof *all);
    size_t count = outcome->missing_count;
    if (count)
        memcpy(all, outcome->missing, count * sizeof *all);
    for (size_t i = 0; i < trace->missing_count; i++) {
        bool known = false;
        for (size_t j = 0; j < count; j++)
            known |= strcasecmp(all[j], trace->missing[i]) == 0;
        if (!known)
            all[count++] = trace->missing[i];
    }
    outcome->missing = all;
    outcome->missing_count = count;
}

/* What one kind of policy says; deny wins. Matches of another answer than `keep` are dropped. */
static enum policy_answer ask(struct simulation *simulation, const struct sources *list,
                              const struct policy_question *question, struct outcome *outcome,
                              enum policy_match *match)
{
    struct arena *arena = simulation->call->arena;
    enum policy_answer answer = POLICY_NO_MATCH;
    for (size_t i = 0; i < list->count; i++) {
        struct policy_trace trace;
        enum policy_answer one = policy_trace(arena, list->items[i].policy, question, &trace);
        add_missing(simulation, outcome, &trace);
        if (one > answer)
            answer = one;
        if (one == POLICY_ALLOW && match && trace.match > *match)
            *match = trace.match;
        struct matched *matched =
            arena_calloc(arena, outcome->matched_count + trace.matched_count + 1, sizeof *matched);
        if (outcome->matched_count)
            memcpy(matched, outcome->matched, outcome->matched_count * sizeof *matched);
        for (size_t j = 0; j < trace.matched_count; j++)
            matched[outcome->matched_count++] = (struct matched){&list->items[i], trace.matched[j]};
        outcome->matched = matched;
    }
    return answer;
}

static bool denies(const struct matched *matched, const struct policy_question *question,
                   struct arena *arena)
{
    struct policy_trace trace;
    return policy_trace(arena, matched->source->policy, question, &trace) == POLICY_DENY;
}

/* An explicit deny is told alone; of an implicit one nothing decided. */
static void keep_deciding(struct simulation *simulation, struct outcome *outcome,
                          const struct policy_question *question, enum policy_answer answer)
{
    size_t kept = 0;
    for (size_t i = 0; answer != POLICY_NO_MATCH && i < outcome->matched_count; i++)
        if (denies(&outcome->matched[i], question, simulation->call->arena) ==
            (answer == POLICY_DENY))
            outcome->matched[kept++] = outcome->matched[i];
    outcome->matched_count = kept;
}

static bool same_account(const struct simulation *simulation, const char *resource)
{
    const char *owner = local_text(simulation->call, "ResourceOwner");
    struct arn arn;
    size_t len = strlen(simulation->caller_account);
    if (arn_parse(resource, strlen(resource), &arn) == 0 && arn.account.len)
        return text_is(arn.account, simulation->caller_account);
    if (owner && arn_parse(owner, strlen(owner), &arn) == 0)
        return text_is(arn.account, simulation->caller_account);
    return !owner || strncmp(owner, simulation->caller_account, len) == 0;
}

/* Shared facts, sts-iam-sigv4.md section 8. */
static void evaluate(struct simulation *simulation, const char *action, const char *resource,
                     struct outcome *out)
{
    const struct policy_question question = {.action = action,
                                             .resource = resource,
                                             .principal = &simulation->principal,
                                             .context = simulation->context,
                                             .context_count = simulation->context_count};
    enum policy_match match = POLICY_MATCH_NONE;
    *out = (struct outcome){.resource = resource};
    enum policy_answer identity = ask(simulation, &simulation->identity, &question, out, NULL);
    enum policy_answer shared = ask(simulation, &simulation->resource, &question, out, &match);
    enum policy_answer boundary = simulation->boundary.count
                                      ? ask(simulation, &simulation->boundary, &question, out, NULL)
                                      : POLICY_ALLOW;
    bool same = same_account(simulation, resource), given = simulation->resource.count > 0;
    out->boundary_allows = boundary == POLICY_ALLOW;
    if (!same && given) {
        out->identity_decision = decision_of(identity);
        out->resource_decision = decision_of(shared);
    }
    enum policy_answer answer = POLICY_NO_MATCH;
    bool by_name = same && shared == POLICY_ALLOW && match == POLICY_MATCH_USER;
    bool one_side =
        identity == POLICY_ALLOW || (shared == POLICY_ALLOW && match != POLICY_MATCH_ACCOUNT);
    if (identity == POLICY_DENY || shared == POLICY_DENY || boundary == POLICY_DENY)
        answer = POLICY_DENY;
    else if (by_name)
        answer = POLICY_ALLOW;
    else if (boundary == POLICY_ALLOW &&
             (same ? one_side : identity == POLICY_ALLOW && (!given || shared == POLICY_ALLOW)))
        answer = POLICY_ALLOW;
    out->decision = decision_of(answer);
    keep_deciding(simulation, out, &question, answer);
}

/* --- the answer ------------------------------------------------------------------------------- */

static void put_position(struct local_call *call, const char *key,
                         const struct iam_position *position)
{
    json_key(call->out, key);
    json_open(call->out);
    json_put_int(call->out, "Line", position->line);
    json_put_int(call->out, "Column", position->column);
    json_close(call->out);
}

static void put_matched(struct local_call *call, const struct outcome *outcome)
{
    json_key(call->out, "MatchedStatements");
    json_open_list(call->out);
    for (size_t i = 0; i < outcome->matched_count; i++) {
        const struct source *source = outcome->matched[i].source;
        struct iam_position start, end;
        iam_statement_span(call->arena, source->text, outcome->matched[i].statement, &start, &end);
        json_open(call->out);
        json_put_text(call->out, "SourcePolicyId", source->name);
        json_put_text(call->out, "SourcePolicyType", source->type);
        put_position(call, "StartPosition", &start);
        put_position(call, "EndPosition", &end);
        json_close(call->out);
    }
    json_close_list(call->out);
}

static void put_side(struct local_call *call, const char *type, const char *decision)
{
    json_open(call->out);
    json_put_text(call->out, "key", type);
    json_put_text(call->out, "value", decision);
    json_close(call->out);
}

/* What a result and each of its resources' results have. */
static void put_outcome(struct simulation *simulation, const struct outcome *outcome, bool missing)
{
    struct local_call *call = simulation->call;
    put_matched(call, outcome);
    json_key(call->out, "MissingContextValues");
    json_open_list(call->out);
    for (size_t i = 0; missing && i < outcome->missing_count; i++)
        json_write_text(call->out, outcome->missing[i]);
    json_close_list(call->out);
    if (outcome->identity_decision) {
        iam_open_map(call, "EvalDecisionDetails");
        put_side(call, identity_type, outcome->identity_decision);
        put_side(call, resource_type, outcome->resource_decision);
        iam_close_map(call);
    }
    if (simulation->boundary.count) {
        json_key(call->out, "PermissionsBoundaryDecisionDetail");
        json_open(call->out);
        json_put_bool(call->out, "AllowedByPermissionsBoundary", outcome->boundary_allows);
        json_close(call->out);
    }
}

/* The one that stands for all: an explicit deny, else an implicit one, else the first. */
static const struct outcome *worst(const struct outcome *outcomes, size_t count)
{
    const struct outcome *found = &outcomes[0];
    for (size_t i = 1; i < count; i++)
        if ((strcmp(outcomes[i].decision, "explicitDeny") == 0 &&
             strcmp(found->decision, "explicitDeny") != 0) ||
            (strcmp(outcomes[i].decision, "implicitDeny") == 0 &&
             strcmp(found->decision, "allowed") == 0))
            found = &outcomes[i];
    return found;
}

static void put_result(struct simulation *simulation, const char *action, const json_t *resources)
{
    struct local_call *call = simulation->call;
    size_t count = json_array_size(resources);
    struct outcome *outcomes = arena_calloc(call->arena, count + 1, sizeof *outcomes);
    for (size_t i = 0; i < count; i++)
        evaluate(simulation, action, json_string_value(json_array_get(resources, i)), &outcomes[i]);
    if (count == 0)
        evaluate(simulation, action, "*", &outcomes[0]);
    const struct outcome *whole = worst(outcomes, count ? count : 1);
    json_open(call->out);
    json_put_text(call->out, "EvalActionName", action);
    json_put_text(call->out, "EvalResourceName", whole->resource);
    json_put_text(call->out, "EvalDecision", whole->decision);
    put_outcome(simulation, whole, count == 0 || strcmp(whole->resource, "*") == 0);
    if (count) {
        json_key(call->out, "ResourceSpecificResults");
        json_open_list(call->out);
        for (size_t i = 0; i < count; i++) {
            json_open(call->out);
            json_put_text(call->out, "EvalResourceName", outcomes[i].resource);
            json_put_text(call->out, "EvalResourceDecision", outcomes[i].decision);
            put_outcome(simulation, &outcomes[i], true);
            json_close(call->out);
        }
        json_close_list(call->out);
    }
    json_close(call->out);
}

static enum local_result check_actions(struct local_call *call, const json_t *actions)
{
    for (size_t i = 0; i < json_array_size(actions); i++) {
        const char *action = json_string_value(json_array_get(actions, i));
        const char *colon = strchr(action, ':');
        if (!colon || colon == action || !colon[1] || strpbrk(action, "*? "))
            return invalid(call, arena_printf(call->arena, "Invalid action name: %s", action));
    }
    return LOCAL_OK;
}

static enum local_result put_results(struct simulation *simulation)
{
    struct local_call *call = simulation->call;
    const json_t *actions = local_value(call, "ActionNames");
    struct iam_page page;
    enum local_result result = check_actions(call, actions);
    if (result == LOCAL_OK)
        result = iam_page_open(call, &page);
    if (result != LOCAL_OK)
        return result;
    json_key(call->out, "EvaluationResults");
    json_open_list(call->out);
    for (size_t i = 0; i < json_array_size(actions); i++) {
        enum iam_take take = iam_page_take(&page, arena_printf(call->arena, "%06zu", i));
        if (take == IAM_FULL)
            break;
        if (take == IAM_SHOW)
            put_result(simulation, json_string_value(json_array_get(actions, i)),
                       local_value(call, "ResourceArns"));
    }
    json_close_list(call->out);
    iam_page_close(call, &page);
    return LOCAL_OK;
}

/* --- operations ------------------------------------------------------------------------------- */

enum local_result iam_simulate_principal_policy(struct local_call *call)
{
    struct simulation simulation = {.call = call};
    struct iam_entity source;
    enum local_result result = read_source(call, &source);
    if (result == LOCAL_OK)
        result = read_identity(&simulation, &source);
    if (result == LOCAL_OK)
        result = read_request(&simulation, &source);
    return result == LOCAL_OK ? put_results(&simulation) : result;
}

enum local_result iam_simulate_custom_policy(struct local_call *call)
{
    struct simulation simulation = {.call = call};
    enum local_result result = read_request(&simulation, NULL);
    return result == LOCAL_OK ? put_results(&simulation) : result;
}

static enum local_result put_keys(const struct simulation *simulation)
{
    struct local_call *call = simulation->call;
    json_t *seen = json_object();
    json_key(call->out, "ContextKeyNames");
    json_open_list(call->out);
    for (size_t i = 0; i < simulation->identity.count; i++) {
        const char *const *key = policy_keys(call->arena, simulation->identity.items[i].policy);
        for (; *key; key++) {
            const char *lower = iam_lower(call->arena, *key);
            if (json_object_get(seen, lower))
                continue;
            json_object_set_new(seen, lower, json_true());
            json_write_text(call->out, *key);
        }
    }
    json_close_list(call->out);
    json_decref(seen);
    return LOCAL_OK;
}

enum local_result iam_context_keys_of_principal(struct local_call *call)
{
    struct simulation simulation = {.call = call};
    struct iam_entity source;
    enum local_result result = read_source(call, &source);
    if (result == LOCAL_OK)
        result = read_identity(&simulation, &source);
    if (result == LOCAL_OK)
        result = add_input(&simulation, &simulation.identity, "PolicyInputList", identity_type);
    return result == LOCAL_OK ? put_keys(&simulation) : result;
}

enum local_result iam_context_keys_of_custom(struct local_call *call)
{
    struct simulation simulation = {.call = call};
    enum local_result result =
        add_input(&simulation, &simulation.identity, "PolicyInputList", identity_type);
    return result == LOCAL_OK ? put_keys(&simulation) : result;
}
