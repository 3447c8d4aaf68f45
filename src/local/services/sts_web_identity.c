#include "local/services/sts_parts.h"

#include "local/condition_keys.h"
#include "local/jwt.h"

#include <stdio.h>
#include <string.h>

/* AssumeRoleWithWebIdentity with an OpenID Connect token: the account's provider says which
 * audiences it takes, the server was told its keys (--web-identity-keys), because it asks nobody
 * over the network. Texts are AWS's as users quote them; (K) marks those that are not. */

enum { CLOCK_SKEW_S = 5 * 60 };

struct identity {
    struct jwt token;
    struct iam_provider provider;
    const char *issuer; /* the claim */
    const char *url;    /* without its scheme: the provider's name and its condition keys' prefix */
    const char *subject;
    const char *audience; /* the one that was accepted */
};

static void identity_done(struct identity *identity)
{
    jwt_done(&identity->token);
    json_decref(identity->provider.document);
}

static enum local_result invalid(struct local_call *call, const char *message)
{
    return local_fail_status(call, 400, "InvalidIdentityToken", "%s", message);
}

static enum local_result refuse(struct local_call *call)
{
    return local_fail_status(call, 403, "AccessDenied",
                             "Not authorized to perform sts:AssumeRoleWithWebIdentity");
}

/* --- the token -------------------------------------------------------------------------------- */

static enum local_result check_signature(struct local_call *call, struct identity *identity)
{
    const json_t *keys = json_object_get(call->local->web_identity_keys, identity->issuer);
    switch (jwt_verify(call->arena, &identity->token, keys)) {
    case JWT_OK:
        return LOCAL_OK;
    case JWT_NO_KEY:
        return invalid(call, "Couldn't retrieve verification key from your identity provider,  "
                             "please reference AssumeRoleWithWebIdentity documentation for "
                             "requirements");
    default:
        return invalid(call, "Invalid token signature"); /* (K) */
    }
}

static bool claim_seconds(const json_t *claims, const char *name, int64_t *out)
{
    const json_t *value = json_object_get(claims, name);
    if (!json_is_number(value))
        return false;
    *out = (int64_t)json_number_value(value);
    return true;
}

static enum local_result missing_claim(struct local_call *call, const char *name)
{
    return invalid(call, arena_printf(call->arena, "Missing a required claim: %s", name)); /* (K) */
}

static enum local_result check_times(struct local_call *call, const json_t *claims)
{
    int64_t now_s = call->local->clock->now_ms(call->local->clock) / 1000, at_s;
    if (!claim_seconds(claims, "exp", &at_s))
        return missing_claim(call, "exp");
    if (at_s <= now_s)
        return local_fail_status(call, 400, "ExpiredTokenException",
                                 "Token expired: current date/time %lld must be before the "
                                 "expiration date/time %lld",
                                 (long long)now_s, (long long)at_s);
    if (!claim_seconds(claims, "iat", &at_s))
        return missing_claim(call, "iat");
    if (at_s > now_s + CLOCK_SKEW_S ||
        (claim_seconds(claims, "nbf", &at_s) && at_s > now_s + CLOCK_SKEW_S))
        return invalid(call, "Token is not valid yet"); /* (K) */
    return LOCAL_OK;
}

static bool is_client(const struct identity *identity, const char *audience)
{
    for (size_t i = 0; i < json_array_size(identity->provider.clients); i++)
        if (strcmp(json_string_value(json_array_get(identity->provider.clients, i)), audience) == 0)
            return true;
    return false;
}

/* azp, where there is one, stands for aud (IAM user guide, "Available keys for AWS OIDC
 * federation"). */
static enum local_result check_audience(struct local_call *call, struct identity *identity)
{
    const json_t *azp = json_object_get(identity->token.claims, "azp");
    const json_t *aud = json_object_get(identity->token.claims, "aud");
    const json_t *asked = azp ? azp : aud;
    if (!aud)
        return missing_claim(call, "aud");
    size_t count = json_is_array(asked) ? json_array_size(asked) : 1;
    for (size_t i = 0; i < count; i++) {
        const char *text =
            json_string_value(json_is_array(asked) ? json_array_get(asked, i) : asked);
        if (text && is_client(identity, text)) {
            identity->audience = text;
            return LOCAL_OK;
        }
    }
    return invalid(call, "Incorrect token audience");
}

static enum local_result read_token(struct local_call *call, const struct iam_role *role,
                                    struct identity *out)
{
    static const char scheme[] = "https://";
    if (local_text(call, "ProviderId")) /* OAuth 2.0 providers, whose tokens only they can check */
        return invalid(call, "The identity provider is not supported"); /* (K) */
    if (jwt_parse(call->arena, local_text(call, "WebIdentityToken"), &out->token) != 0)
        return invalid(call, "The ID Token provided is not a valid JWT. (You may see this error if "
                             "you sent an Access Token)");
    out->issuer = json_text(out->token.claims, "iss");
    out->subject = json_text(out->token.claims, "sub");
    if (!out->issuer)
        return missing_claim(call, "iss");
    if (!out->subject)
        return missing_claim(call, "sub");
    out->url = text_starts(out->issuer, scheme) ? out->issuer + sizeof scheme - 1 : NULL;
    if (!out->url ||
        !iam_provider_find(call->store, call->arena, role->account, out->url, &out->provider))
        return invalid(call, arena_printf(call->arena,
                                          "No OpenIDConnect provider found in your account for %s",
                                          out->issuer));
    enum local_result result = check_signature(call, out);
    if (result == LOCAL_OK)
        result = check_times(call, out->token.claims);
    if (result == LOCAL_OK)
        result = check_audience(call, out);
    return result;
}

/* --- what it brings along --------------------------------------------------------------------- */

/* Its condition keys, as a JSON object: they stay with the session. */
static json_t *keys_of(struct local_call *call, const struct identity *identity)
{
    static const char *const claims[] = {"sub", "amr", "email", NULL};
    json_t *keys = json_object();
    for (const char *const *claim = claims; *claim; claim++) {
        const char *value = json_text(identity->token.claims, *claim);
        if (value)
            json_object_set_new(keys, arena_printf(call->arena, "%s:%s", identity->url, *claim),
                                json_string(value));
    }
    json_object_set_new(keys, arena_printf(call->arena, "%s:aud", identity->url),
                        json_string(identity->audience));
    const char *original = json_text(identity->token.claims, "aud");
    if (json_object_get(identity->token.claims, "azp") && original)
        json_object_set_new(keys, arena_printf(call->arena, "%s:oaud", identity->url),
                            json_string(original));
    json_object_set_new(keys, "aws:FederatedProvider",
                        json_string(local_shown(call, identity->provider.arn)));
    return keys;
}

/* The request with the session tags of the token's claim, as AssumeRole has them in its own:
 * {"principal_tags": {"team": ["red"]}, "transitive_tag_keys": ["team"]}. */
static json_t *with_tags(struct local_call *call, const struct identity *identity)
{
    const json_t *claim = json_object_get(identity->token.claims, "https://aws.amazon.com/tags");
    json_t *input = json_copy((json_t *)call->input), *value;
    json_t *tags = json_array(), *transitive = json_object_get(claim, "transitive_tag_keys");
    const char *key;
    json_object_foreach(json_object_get(claim, "principal_tags"), key, value)
    {
        const json_t *text = json_is_array(value) ? json_array_get(value, 0) : value;
        json_array_append_new(tags,
                              json_pack("{ss, ss}", "Key", key, "Value",
                                        json_string_value(text) ? json_string_value(text) : ""));
    }
    json_object_set_new(input, "Tags", tags);
    if (json_is_array(transitive))
        json_object_set(input, "TransitiveTagKeys", transitive);
    const char *source =
        json_text(identity->token.claims, "https://aws.amazon.com/source_identity");
    if (source)
        json_object_set_new(input, "SourceIdentity", json_string(source));
    return input;
}

/* --- may it? ---------------------------------------------------------------------------------- */

static bool trusted(struct local_call *call, const char *action, const struct iam_role *role,
                    const struct identity *identity, const json_t *keys)
{
    struct error err;
    struct condition_keys all = {.call = call};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)keys, key, value)
    {
        condition_keys_add(&all, key, json_string_value(value));
    }
    condition_keys_add(&all, "sts:RoleSessionName", local_text(call, "RoleSessionName"));
    condition_keys_add(&all, "sts:SourceIdentity", local_text(call, "SourceIdentity"));
    condition_keys_add_tags(&all, local_value(call, "Tags"), "Key", "Value");
    condition_keys_add_json(&all, "sts:TransitiveTagKeys", local_value(call, "TransitiveTagKeys"),
                            NULL);
    condition_keys_add_resource_tags(&all, "aws:ResourceTag/", role->tags);
    const struct local_question question = {.action = action,
                                            .resource = role->arn,
                                            .context = all.items,
                                            .context_count = all.count};
    const struct policy_principal principal = {.federated =
                                                   local_shown(call, identity->provider.arn)};
    struct policy_question full;
    local_policy_question(call, &question, &full);
    full.principal = &principal;
    const struct policy *trust = policy_parse(call->arena, role->trust_policy,
                                              strlen(role->trust_policy), POLICY_TRUST, &err);
    return trust && policy_evaluate(trust, &full, NULL) == POLICY_ALLOW;
}

static enum local_result authorize(struct local_call *call, const struct iam_role *role,
                                   const struct identity *identity, const json_t *keys)
{
    if (!trusted(call, "sts:AssumeRoleWithWebIdentity", role, identity, keys) ||
        (json_array_size(local_value(call, "Tags")) > 0 &&
         !trusted(call, "sts:TagSession", role, identity, keys)) ||
        (local_text(call, "SourceIdentity") &&
         !trusted(call, "sts:SetSourceIdentity", role, identity, keys)))
        return refuse(call);
    return LOCAL_OK;
}

/* --- the operation ---------------------------------------------------------------------------- */

static enum local_result issue(struct local_call *call, const struct iam_role *role,
                               const struct identity *identity, const json_t *keys)
{
    struct principal who;
    int64_t duration_s = local_int(call, "DurationSeconds", STS_DEFAULT_DURATION_S);
    enum local_result result = authorize(call, role, identity, keys);
    if (result == LOCAL_OK)
        result = sts_check_duration(call, role, duration_s);
    if (result == LOCAL_OK)
        result = sts_be_session(call, role, &who);
    if (result != LOCAL_OK)
        return result;
    who.keys = sts_json_text(call, keys);
    sts_put_assumed(call, &who);
    json_put_text(call->out, "SubjectFromWebIdentityToken", identity->subject);
    json_put_text(call->out, "Provider", local_shown(call, identity->provider.arn));
    json_put_text(call->out, "Audience", identity->audience);
    call->account = role->account; /* whose trail tells of it */
    return sts_put_credentials(call, &who, duration_s);
}

enum local_result sts_assume_role_with_web_identity(struct local_call *call)
{
    struct identity identity = {0};
    struct iam_role role;
    const char *arn = local_text(call, "RoleArn");
    const json_t *before = call->input;
    enum local_result result = sts_check_role_arn(call, arn);
    if (result != LOCAL_OK)
        return result;
    if (iam_role_find(call->store, call->arena, arn, &role) != LOCAL_OK)
        return refuse(call);
    result = read_token(call, &role, &identity);
    if (result == LOCAL_OK) {
        json_t *keys = keys_of(call, &identity), *input = with_tags(call, &identity);
        call->input = input;
        result = issue(call, &role, &identity, keys);
        call->input = before;
        json_decref(input);
        json_decref(keys);
    }
    identity_done(&identity);
    return result;
}
