#include "local/services/sts_parts.h"

#include "aws/arn.h"
#include "base/digest.h"
#include "local/both_sides.h"
#include "local/condition_keys.h"
#include "local/services/iam.h"

#include <stdio.h>
#include <string.h>

enum { CHAINED_DURATION_S = 3600 };

/* --- the role --------------------------------------------------------------------------------- */

static enum local_result bad_arn(struct local_call *call, const char *arn)
{
    return local_fail_status(call, 400, "ValidationError", "%s is invalid", arn);
}

enum local_result sts_check_role_arn(struct local_call *call, const char *text)
{
    struct arn arn;
    if (arn_parse(text, strlen(text), &arn) != 0 || arn.partition.len == 0 ||
        !text_is(arn.service, "iam") || arn.region.len != 0 || arn.account.len != 12 ||
        !text_starts(arn.resource.data, "role/") || text_ends(text, "/"))
        return bad_arn(call, text);
    return LOCAL_OK;
}

const char *const *sts_assume_resources(struct local_call *call)
{
    const char *arn = local_text(call, "RoleArn");
    if (sts_check_role_arn(call, arn) != LOCAL_OK)
        return NULL;
    const char **arns = arena_calloc(call->arena, 2, sizeof *arns);
    arns[0] = arn;
    return arns;
}

/* --- may the caller? -------------------------------------------------------------------------- */

/* Missing or not trusted: one answer for both, so that nobody learns which roles there are. */
static enum local_result refuse(struct local_call *call, const char *action, const char *resource)
{
    return local_fail_status(call, 403, "AccessDenied",
                             "User: %s is not authorized to perform: %s on resource: %s",
                             local_shown(call, call->caller->arn), action, resource);
}

static struct condition_keys keys_of(struct local_call *call, const struct iam_role *role)
{
    struct condition_keys keys = {.call = call};
    condition_keys_add(&keys, "sts:ExternalId", local_text(call, "ExternalId"));
    condition_keys_add(&keys, "sts:RoleSessionName", local_text(call, "RoleSessionName"));
    condition_keys_add(&keys, "sts:SourceIdentity", local_text(call, "SourceIdentity"));
    condition_keys_add(&keys, "aws:ResourceAccount", role->account);
    condition_keys_add_json(&keys, "sts:TransitiveTagKeys", local_value(call, "TransitiveTagKeys"),
                            NULL);
    condition_keys_add_tags(&keys, local_value(call, "Tags"), "Key", "Value");
    condition_keys_add_resource_tags(&keys, "aws:ResourceTag/", role->tags);
    condition_keys_add_resource_tags(&keys, "iam:ResourceTag/", role->tags);
    return keys;
}

static enum local_result allow(struct local_call *call, const char *action,
                               const struct iam_role *role)
{
    struct error err;
    struct condition_keys keys = keys_of(call, role);
    struct local_question question = {.action = action,
                                      .resource = role->arn,
                                      .context = keys.items,
                                      .context_count = keys.count};
    struct both_sides sides = {.action = action,
                               .same_account = strcmp(call->caller->account, role->account) == 0,
                               .resource = POLICY_NO_MATCH};
    struct policy_question full;
    const struct policy *trust = policy_parse(call->arena, role->trust_policy,
                                              strlen(role->trust_policy), POLICY_TRUST, &err);
    local_ask(call, &question, &sides.caller);
    local_policy_question(call, &question, &full);
    if (trust)
        sides.resource = policy_evaluate(trust, &full, &sides.match);
    return both_sides_refusal(call->arena, &sides) ? refuse(call, action, role->arn) : LOCAL_OK;
}

/* The role of a lax server: any role may be assumed, and may do all in its account. */
static bool is_lax(struct local_call *call, const char *arn)
{
    struct iam_role role;
    return call->local->any_credentials &&
           iam_role_find(call->store, call->arena, arn, &role) != LOCAL_OK;
}

enum local_result sts_authorize(struct local_call *call, const char *action, const char *resource)
{
    const struct principal *caller = call->caller;
    bool assumes = strcmp(call->operation->name, "AssumeRole") == 0;
    /* Sessions of GetSessionToken may call AssumeRole and GetCallerIdentity and no other. */
    if (!assumes && caller->temporary && caller->kind == PRINCIPAL_USER)
        return local_fail_status(call, 403, "AccessDenied",
                                 "Cannot call %s with session credentials", call->operation->name);
    if (!assumes)
        return local_authorize(call, action, resource, NULL);
    if (is_lax(call, resource))
        return LOCAL_OK;
    if (caller->kind == PRINCIPAL_ROOT && !call->local->any_credentials)
        return local_fail_status(call, 403, "AccessDenied",
                                 "Roles may not be assumed by root accounts.");
    struct arn arn;
    struct iam_role role;
    if (arn_parse(resource, strlen(resource), &arn) != 0 ||
        !text_is(arn.partition, call->partition) ||
        iam_role_find(call->store, call->arena, resource, &role) != LOCAL_OK)
        return refuse(call, action, resource);
    enum local_result result = allow(call, action, &role);
    if (result == LOCAL_OK && json_array_size(local_value(call, "Tags")) > 0)
        result = allow(call, "sts:TagSession", &role);
    if (result == LOCAL_OK && (local_text(call, "SourceIdentity") || caller->source_identity))
        result = allow(call, "sts:SetSourceIdentity", &role);
    return result;
}

/* --- AssumeRole ------------------------------------------------------------------------------- */

enum local_result sts_check_duration(struct local_call *call, const struct iam_role *role,
                                     int64_t duration_s)
{
    if (duration_s <= role->max_session_s)
        return LOCAL_OK;
    return local_fail_status(call, 400, "ValidationError",
                             "The requested DurationSeconds exceeds the MaxSessionDuration set for "
                             "this role.");
}

static enum local_result check_options(struct local_call *call, const struct iam_role *role,
                                       int64_t duration_s)
{
    const struct principal *caller = call->caller;
    const char *identity = local_text(call, "SourceIdentity");
    if (caller->kind == PRINCIPAL_ROLE && duration_s > CHAINED_DURATION_S)
        return local_fail_status(
            call, 400, "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles "
            "assumed by role chaining");
    if (sts_check_duration(call, role, duration_s) != LOCAL_OK)
        return LOCAL_FAILED;
    if (identity && caller->source_identity && strcmp(identity, caller->source_identity) != 0)
        return refuse(call, "sts:SetSourceIdentity", role->arn);
    /* There are no MFA devices here, so no code of one can be right. */
    if (local_text(call, "SerialNumber") || local_text(call, "TokenCode"))
        return local_fail_status(
            call, 403, "AccessDenied",
            "MultiFactorAuthentication failed with invalid MFA one time pass code. ");
    if (json_array_size(local_value(call, "ProvidedContexts")) > 0)
        return local_fail_status(call, 400, "ValidationError",
                                 "understudy-local knows no context provider.");
    return LOCAL_OK;
}

/* What a lax server makes up for a role nobody created. */
static enum local_result make_up(struct local_call *call, struct iam_role *role)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    const char *arn_text = local_text(call, "RoleArn");
    struct arn arn;
    unsigned char hash[SHA256_SIZE];
    if (arn_parse(arn_text, strlen(arn_text), &arn) != 0)
        return LOCAL_FAILED;
    digest_sha256(arn_text, strlen(arn_text), hash);
    char *id = arena_strdup(call->arena, "AROA.................");
    for (size_t i = 4; id[i]; i++)
        id[i] = alphabet[hash[i] % 32];
    *role =
        (struct iam_role){.arn = arn_text,
                          .name = strrchr(arn.resource.data, '/') + 1,
                          .id = id,
                          .account = arena_strndup(call->arena, arn.account.data, arn.account.len),
                          .max_session_s = 43200};
    return LOCAL_OK;
}

void sts_put_assumed(struct local_call *call, const struct principal *who)
{
    json_key(call->out, "AssumedRoleUser");
    json_open(call->out);
    json_put_text(call->out, "AssumedRoleId", who->user_id);
    json_put_text(call->out, "Arn", local_shown(call, who->arn));
    json_close(call->out);
    int packed = sts_packed_size(call);
    if (packed >= 0)
        json_put_int(call->out, "PackedPolicySize", packed);
    if (who->source_identity)
        json_put_text(call->out, "SourceIdentity", who->source_identity);
}

static enum local_result carry(struct local_call *call, const struct iam_role *role,
                               struct principal *who)
{
    struct sts_tags tags;
    enum local_result result = sts_session_policy(call, role->account, &who->session_policy);
    if (result == LOCAL_OK)
        result = sts_session_tags(call, role->tags, &tags);
    if (result != LOCAL_OK)
        return result;
    if (json_object_size(tags.tags) > 0)
        who->session_tags = sts_json_text(call, tags.tags);
    if (json_array_size(tags.transitive) > 0)
        who->transitive = sts_json_text(call, tags.transitive);
    sts_tags_done(&tags);
    return LOCAL_OK;
}

enum local_result sts_be_session(struct local_call *call, const struct iam_role *role,
                                 struct principal *who)
{
    const char *session = local_text(call, "RoleSessionName");
    const char *identity = local_text(call, "SourceIdentity");
    *who = (struct principal){.kind = PRINCIPAL_ROLE};
    snprintf(who->account, sizeof who->account, "%s", role->account);
    who->arn = arena_printf(call->arena, "arn:aws:sts::%s:assumed-role/%s/%s", role->account,
                            role->name, session);
    who->user_id = arena_printf(call->arena, "%s:%s", role->id, session);
    who->identity_id = arena_strdup(call->arena, role->id);
    who->chained = call->caller->kind == PRINCIPAL_ROLE;
    who->role_arn = arena_printf(call->arena, "arn:aws:iam::%s:%s", role->account,
                                 strstr(role->arn, ":role/") + 1);
    if (!identity)
        identity = call->caller->source_identity;
    who->source_identity = identity ? arena_strdup(call->arena, identity) : NULL;
    return carry(call, role, who);
}

enum local_result sts_assume_role(struct local_call *call)
{
    struct iam_role role;
    struct principal who;
    bool lax = is_lax(call, local_text(call, "RoleArn"));
    int64_t duration_s = local_int(call, "DurationSeconds", STS_DEFAULT_DURATION_S);
    const char *named = local_text(call, "RoleArn");
    if (lax ? make_up(call, &role) != LOCAL_OK
            : iam_role_find(call->store, call->arena, named, &role) != LOCAL_OK)
        return refuse(call, "sts:AssumeRole", named); /* deleted since it was asked about */
    enum local_result result = check_options(call, &role, duration_s);
    if (result == LOCAL_OK)
        result = sts_be_session(call, &role, &who);
    if (result != LOCAL_OK)
        return result;
    who.administrator = lax;
    sts_put_assumed(call, &who);
    return sts_put_credentials(call, &who, duration_s);
}
