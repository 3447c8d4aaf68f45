#include "local/authorize.h"

#include "base/clock.h"
#include "local/condition_keys.h"
#include "local/services/iam.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct policies {
    const struct policy **items;
    size_t count;
    bool apply;  /* the caller has policies of this kind */
    bool broken; /* one of them does not parse */
};

/* What all its policies say of one action: learned at the first question, kept with the grants. */
struct about {
    struct about *next;
    struct arena arena;
    const char *action;
    const struct policy_set *identity, *boundary, *session;
};

struct grants {
    struct policies identity, boundary, session;
    _Atomic(struct about *) about; /* only added to */
    struct policy_value *values;   /* condition keys that it brings: aws:PrincipalTag/... */
    size_t value_count;
};

/* --- loading ---------------------------------------------------------------------------------- */

static void add_policy(struct policies *policies, struct arena *arena, const char *document)
{
    struct error ignored;
    struct policy *policy =
        policy_parse(arena, document, strlen(document), POLICY_IDENTITY, &ignored);
    if (policy)
        policies->items[policies->count++] = policy;
    else
        policies->broken = true;
}

static const char tag_prefix[] = "aws:PrincipalTag/";

/* Adds a condition key for each member of a JSON object of texts. */
static void load_values(struct grants *grants, struct arena *arena, const char *prefix,
                        const char *json)
{
    json_t *object = json_read(json, strlen(json), NULL), *value;
    const char *key;
    size_t count = grants->value_count;
    struct policy_value *values =
        arena_calloc(arena, count + json_object_size(object) + 1, sizeof *values);
    if (count)
        memcpy(values, grants->values, count * sizeof *values);
    json_object_foreach(object, key, value)
    {
        const char **one = arena_calloc(arena, 2, sizeof *one);
        one[0] = arena_strdup(arena, json_string_value(value) ? json_string_value(value) : "");
        values[count++] = (struct policy_value){arena_printf(arena, "%s%s", prefix, key), one};
    }
    grants->values = values;
    grants->value_count = count;
    json_decref(object);
}

static void load_identity(struct grants *grants, struct store_session *store, struct arena *arena,
                          const struct principal *who)
{
    struct iam_identity identity;
    iam_identity_load(store, arena, who->identity_id, &identity);
    grants->identity.items = arena_calloc(arena, identity.count + 1, sizeof(struct policy *));
    for (size_t i = 0; i < identity.count; i++)
        add_policy(&grants->identity, arena, identity.documents[i].text);
    /* A session's tags hold its role's already. */
    if (!who->session_tags)
        load_values(grants, arena, tag_prefix, identity.tags);
    if (!identity.boundary)
        return;
    grants->boundary.apply = true;
    grants->boundary.items = arena_calloc(arena, 1, sizeof(struct policy *));
    add_policy(&grants->boundary, arena, identity.boundary->text);
}

static void load_session(struct grants *grants, struct arena *arena, const char *documents)
{
    json_t *list = json_read(documents, strlen(documents), NULL);
    grants->session.apply = true;
    grants->session.broken = !json_is_array(list);
    grants->session.items = arena_calloc(arena, json_array_size(list) + 1, sizeof(struct policy *));
    for (size_t i = 0; i < json_array_size(list); i++) {
        /* Each a document, or a document as text. */
        json_t *item = json_array_get(list, i);
        char *text = json_is_string(item) ? NULL : json_dumps(item, JSON_COMPACT | JSON_ENCODE_ANY);
        add_policy(&grants->session, arena, text ? text : json_string_value(item));
        free(text);
    }
    json_decref(list);
}

/* Everything is allowed by one policy and nothing denied by another. */
static bool is_unlimited(const struct grants *grants)
{
    bool all = false;
    if (grants->boundary.apply || grants->identity.broken)
        return false;
    for (size_t i = 0; i < grants->identity.count; i++) {
        if (policy_denies(grants->identity.items[i]))
            return false;
        all |= policy_allows_all(grants->identity.items[i]);
    }
    return all;
}

struct grants *grants_load(struct store_session *store, struct arena *arena, struct principal *who)
{
    struct grants *grants = arena_alloc(arena, sizeof *grants);
    if (!who->administrator) {
        grants->identity.apply = true;
        if (who->identity_id)
            load_identity(grants, store, arena, who);
        who->administrator = is_unlimited(grants);
    }
    if (who->session_policy)
        load_session(grants, arena, who->session_policy);
    if (who->session_tags)
        load_values(grants, arena, tag_prefix, who->session_tags);
    if (who->keys)
        load_values(grants, arena, "", who->keys);
    return grants;
}

static struct about *about_new(const struct grants *grants, const char *action)
{
    const struct policies *identity = &grants->identity, *boundary = &grants->boundary;
    const struct policies *session = &grants->session;
    struct about *about = memory_alloc(sizeof *about);
    arena_init(&about->arena);
    about->action = arena_strdup(&about->arena, action);
    about->identity =
        policy_set_about(&about->arena, identity->items, identity->count, about->action);
    about->boundary =
        policy_set_about(&about->arena, boundary->items, boundary->count, about->action);
    about->session = policy_set_about(&about->arena, session->items, session->count, about->action);
    return about;
}

static void about_free(struct about *about)
{
    arena_done(&about->arena);
    free(about);
}

static const struct about *find(const struct about *about, const char *action)
{
    while (about && strcmp(about->action, action) != 0)
        about = about->next;
    return about;
}

/* Actions are the rows of the services' tables, so the list stays short. Two threads may learn the
 * same: one of them gives its own up. */
static const struct about *about_action(struct grants *grants, const char *action)
{
    struct about *first = atomic_load(&grants->about);
    const struct about *known = find(first, action);
    if (known)
        return known;
    struct about *made = about_new(grants, action);
    do {
        made->next = first;
        known = find(first, action);
    } while (!known && !atomic_compare_exchange_weak(&grants->about, &first, made));
    if (!known)
        return made;
    about_free(made);
    return known;
}

void grants_done(struct grants *grants)
{
    struct about *about = grants ? atomic_load(&grants->about) : NULL;
    for (struct about *next; about; about = next) {
        next = about->next;
        about_free(about);
    }
}

/* --- asking ----------------------------------------------------------------------------------- */

enum { GLOBAL_KEYS = 24 };

struct keys {
    struct local_call *call;
    struct policy_value *values;
    size_t count;
};

static void add_key(struct keys *keys, const char *key, const char *value)
{
    if (!value)
        return;
    const char **one = arena_calloc(keys->call->arena, 2, sizeof *one);
    one[0] = value;
    keys->values[keys->count++] = (struct policy_value){key, one};
}

static void add_times(struct keys *keys)
{
    struct local_call *call = keys->call;
    int64_t now_ms = call->local->clock->now_ms(call->local->clock);
    char text[CLOCK_TEXT_SIZE];
    clock_format_iso(now_ms, text);
    add_key(keys, "aws:CurrentTime", arena_strdup(call->arena, text));
    add_key(keys, "aws:EpochTime", arena_printf(call->arena, "%lld", (long long)(now_ms / 1000)));
    if (call->caller->temporary) {
        clock_format_iso(call->caller->issued_ms, text);
        add_key(keys, "aws:TokenIssueTime", arena_strdup(call->arena, text));
        add_key(keys, "aws:MultiFactorAuthPresent", "false"); /* absent for long-term keys */
    }
}

static void add_global_keys(struct keys *keys, const char *via)
{
    struct local_call *call = keys->call;
    const struct principal *who = call->caller;
    add_key(keys, "aws:PrincipalArn", local_shown(call, who->role_arn ? who->role_arn : who->arn));
    add_key(keys, "aws:PrincipalAccount", who->account);
    add_key(keys, "aws:PrincipalType",
            who->kind == PRINCIPAL_ROLE        ? "AssumedRole"
            : who->kind == PRINCIPAL_USER      ? "User"
            : who->kind == PRINCIPAL_FEDERATED ? "FederatedUser"
            : who->kind == PRINCIPAL_ROOT      ? "Account"
                                               : "Anonymous");
    add_key(keys, "aws:userid", who->user_id);
    if (who->kind == PRINCIPAL_USER && who->arn)
        add_key(keys, "aws:username", strrchr(who->arn, '/') ? strrchr(who->arn, '/') + 1 : NULL);
    add_key(keys, "aws:SourceIdentity", who->source_identity);
    add_key(keys, "aws:RequestedRegion", call->region);
    add_key(keys, "aws:SourceIp", via ? NULL : call->source_ip); /* a service asks from elsewhere */
    add_key(keys, "aws:SecureTransport", "false");               /* plain HTTP on this server */
    add_key(keys, "aws:PrincipalIsAWSService", "false");
    add_key(keys, "aws:ViaAWSService", via ? "true" : "false");
    if (via) {
        const char *principal = arena_printf(call->arena, "%s.amazonaws.com", via);
        add_key(keys, "aws:CalledVia", principal);
        add_key(keys, "aws:CalledViaFirst", principal);
        add_key(keys, "aws:CalledViaLast", principal);
    }
    add_times(keys);
}

void local_policy_question(struct local_call *call, const struct local_question *question,
                           struct policy_question *out)
{
    const struct principal *who = call->caller;
    const struct grants *grants = who->grants;
    size_t brought = grants ? grants->value_count : 0;
    struct condition_keys supplied = {.call = call};
    if (question->supply)
        question->supply(question, &supplied);
    struct keys keys = {call,
                        arena_calloc(call->arena,
                                     GLOBAL_KEYS + brought + question->context_count +
                                         supplied.count,
                                     sizeof(struct policy_value)),
                        0};
    add_global_keys(&keys, question->via);
    for (size_t i = 0; i < brought; i++)
        keys.values[keys.count++] = grants->values[i];
    for (size_t i = 0; i < question->context_count; i++)
        keys.values[keys.count++] = question->context[i];
    for (size_t i = 0; i < supplied.count; i++)
        keys.values[keys.count++] = supplied.items[i];

    struct policy_principal *principal = arena_alloc(call->arena, sizeof *principal);
    bool role = who->kind == PRINCIPAL_ROLE;
    principal->arn = local_shown(call, role ? who->role_arn : who->arn);
    principal->session_arn = role ? local_shown(call, who->arn) : NULL;
    principal->account = who->account;
    *out = (struct policy_question){.action = question->action,
                                    .resource = question->resource,
                                    .principal = principal,
                                    .context = keys.values,
                                    .context_count = keys.count};
}

static enum policy_answer ask(const struct policies *policies, const struct policy_set *set,
                              const struct policy_question *question)
{
    if (!policies->apply)
        return POLICY_ALLOW;
    return policies->broken ? POLICY_DENY : policy_set_evaluate(set, question);
}

/* The keys are put together when a statement about this action and resource asks for one. */
struct lazy_keys {
    struct policy_context context; /* first */
    struct local_call *call;
    const struct local_question *question;
};

static void fill_keys(struct policy_context *context)
{
    struct lazy_keys *lazy = (struct lazy_keys *)context;
    struct policy_question full;
    local_policy_question(lazy->call, lazy->question, &full);
    context->values = full.context;
    context->count = full.context_count;
}

void local_ask(struct local_call *call, const struct local_question *question,
               struct local_answers *out)
{
    const struct principal *who = call->caller;
    struct grants *grants = who->grants;
    *out = (struct local_answers){POLICY_ALLOW, POLICY_ALLOW, POLICY_ALLOW};
    if (who->administrator && !who->session_policy)
        return;
    /* Policies that were not loaded allow nothing. */
    if (!who->administrator && (!grants || !grants->identity.apply))
        out->identity = POLICY_NO_MATCH;
    if (who->session_policy && (!grants || !grants->session.apply))
        out->session = POLICY_NO_MATCH;
    if (!grants)
        return;
    struct lazy_keys lazy = {{.fill = fill_keys}, call, question};
    const struct policy_question asked = {.action = question->action,
                                          .resource = question->resource,
                                          .lazy = &lazy.context};
    const struct about *about = about_action(grants, question->action);
    if (!who->administrator && grants->identity.apply)
        out->identity = ask(&grants->identity, about->identity, &asked);
    out->boundary = ask(&grants->boundary, about->boundary, &asked);
    if (grants->session.apply)
        out->session = ask(&grants->session, about->session, &asked);
}

static const char *reason_for(struct arena *arena, const struct local_answers *answers,
                              const char *action)
{
    if (answers->identity == POLICY_DENY)
        return "with an explicit deny in an identity-based policy";
    if (answers->boundary == POLICY_DENY)
        return "with an explicit deny in a permissions boundary";
    if (answers->session == POLICY_DENY)
        return "with an explicit deny in a session policy";
    const char *missing = answers->identity != POLICY_ALLOW   ? "identity-based policy"
                          : answers->boundary != POLICY_ALLOW ? "permissions boundary"
                          : answers->session != POLICY_ALLOW  ? "session policy"
                                                              : NULL;
    return missing ? arena_printf(arena, "because no %s allows the %s action", missing, action)
                   : NULL;
}

enum local_result local_authorize(struct local_call *call, const char *action, const char *resource,
                                  const char *via)
{
    const struct local_question question = {.action = action, .resource = resource, .via = via};
    return local_authorize_question(call, &question);
}

enum local_result local_authorize_question(struct local_call *call,
                                           const struct local_question *question)
{
    const char *action = question->action, *resource = question->resource;
    struct local_answers answers;
    local_ask(call, question, &answers);
    const char *reason = reason_for(call->arena, &answers, action);
    if (!reason)
        return LOCAL_OK;
    bool query = call->service->protocol == AWS_QUERY;
    local_fail(call, query ? "AccessDenied" : "AccessDeniedException",
               "User: %s is not authorized to perform: %s on resource: %s %s",
               local_shown(call, call->caller->arn), action, resource, reason);
    call->failure.status = query ? 403 : 400;
    return LOCAL_FAILED;
}

enum local_result authorize_operation(struct local_call *call)
{
    static const char *const everything[] = {"*", NULL};
    const struct local_operation *operation = call->operation;
    if (operation->flags & (LOCAL_NO_AUTH | LOCAL_NO_PERMISSION))
        return LOCAL_OK;
    const struct principal *who = call->caller;
    if (!call->service->authorize && who->administrator && !who->session_policy)
        return LOCAL_OK; /* nothing to ask: do not even name the resources */
    const char *const *resources = everything;
    if (operation->resources) {
        resources = operation->resources(call);
        if (!resources)
            return LOCAL_FAILED;
        call->resources = resources;
    }
    for (; *resources; resources++) {
        enum local_result result =
            call->service->authorize ? call->service->authorize(call, operation->action, *resources)
                                     : local_authorize(call, operation->action, *resources, NULL);
        if (result != LOCAL_OK)
            return result;
    }
    return LOCAL_OK;
}
