#include "aws/denial.h"

#include "aws/arn.h"

#include <stdio.h>
#include <string.h>

static const struct policy_words {
    enum denial_policy policy;
    const char *words; /* as AWS writes them */
    const char *place; /* where a statement has to go */
} policies[] = {
    /* "a" and "an" are left out, and the plurals of the resource policies match by their start. */
    {DENIAL_IDENTITY, "identity-based polic", "a policy of"},
    {DENIAL_RESOURCE, "resource-based polic", "the resource's own policy, for"},
    {DENIAL_BOUNDARY, "permissions boundar", "the permissions boundary of"},
    {DENIAL_SESSION, "session polic", "the session policy of"},
    {DENIAL_SERVICE_CONTROL, "service control polic",
     "the organization's service control "
     "policies, for"},
    {DENIAL_RESOURCE_CONTROL, "resource control polic",
     "the organization's resource control "
     "policies, for"},
    {DENIAL_ENDPOINT, "VPC endpoint polic", "the VPC endpoint's policy, for"},
};
enum { POLICIES = sizeof policies / sizeof policies[0] };

static bool starts(struct text view, const char *prefix)
{
    return view.len >= strlen(prefix) && memcmp(view.data, prefix, strlen(prefix)) == 0;
}

static const struct policy_words *words_in(const char *text, const char *end)
{
    const struct policy_words *first = NULL;
    const char *at = end;
    for (size_t i = 0; i < POLICIES; i++) {
        const char *found = strstr(text, policies[i].words);
        if (found && found < at) {
            at = found;
            first = &policies[i];
        }
    }
    return first;
}

/* Up to a blank; a full stop, comma or colon at the end is the sentence's. */
static struct text word_at(const char *text)
{
    size_t len = strcspn(text, " \t\r\n;\"");
    while (len && strchr(".,:", text[len - 1]))
        len--;
    return (struct text){text, len};
}

static const char *behind(const char *text, const char *phrase)
{
    const char *found = strstr(text, phrase);
    return found ? found + strlen(phrase) : NULL;
}

static void parse_reason(const char *text, struct denial *out)
{
    const char *missing = strstr(text, "because ");
    const char *explicit_deny = strstr(text, "explicit deny");
    const struct policy_words *words = NULL;
    if (explicit_deny) {
        out->cause = DENIAL_EXPLICIT;
        words = words_in(explicit_deny, text + strlen(text));
        const char *arn = strstr(explicit_deny, "arn:");
        if (arn)
            out->policy_arn = word_at(arn);
    } else if (missing) {
        out->cause = DENIAL_MISSING;
        words = words_in(missing, text + strlen(text));
    }
    if (words)
        out->policy = words->policy;
}

bool denial_parse(const char *message, struct denial *out)
{
    static const char unreadable[] = "The ciphertext refers to a customer master key that does";
    *out = (struct denial){0};
    if (strstr(message, unreadable)) {
        out->action = text_of("kms:Decrypt");
        return true;
    }
    const char *action = behind(message, "not authorized to perform: ");
    if (!action)
        action = behind(message, "ot authorized to perform "); /* "Not ... sts:AssumeRole..." */
    if (!action)
        return false;
    const char *user = strstr(message, "User: ");
    if (user && user < action)
        out->principal = word_at(user + strlen("User: "));
    struct text named = word_at(action);
    /* "to perform this operation" names none. */
    if (memchr(named.data, ':', named.len))
        out->action = named;
    const char *resource = behind(action, "on resource: ");
    if (resource) {
        struct text thing = word_at(resource);
        /* Some of IAM's texts say "user bob": that fits in no statement. */
        if (text_is(thing, "*") || starts(thing, "arn:"))
            out->resource = thing;
        action = resource;
    }
    parse_reason(action, out);
    return true;
}

void denial_action(const char *signing_name, const char *operation, char *out, size_t size)
{
    bool tagging = strcmp(signing_name, "tagging") == 0;
    snprintf(out, size, "%s:%s", tagging ? "tag" : signing_name, operation);
}

/* --- who -------------------------------------------------------------------------------------- */

/* The name behind the last or the first '/': paths stand before a user's name, the session's name
 * behind a role's. */
static struct text name_of(struct text resource, bool session)
{
    struct text rest = resource;
    text_cut(&rest, '/');
    struct text name = session ? text_cut(&rest, '/') : rest;
    while (!session && memchr(name.data, '/', name.len)) {
        rest = name;
        text_cut(&rest, '/');
        name = rest;
    }
    return name;
}

void denial_principal(const struct denial *denial, char *out, size_t size)
{
    struct arn arn;
    if (arn_parse(denial->principal.data, denial->principal.len, &arn) != 0) {
        snprintf(out, size, "%s", "the caller");
        return;
    }
    bool session = starts(arn.resource, "assumed-role/");
    const char *what = session                         ? "role"
                       : starts(arn.resource, "role/") ? "role"
                       : starts(arn.resource, "user/") ? "user"
                                                       : NULL;
    struct text name = what ? name_of(arn.resource, session) : arn.resource;
    snprintf(out, size, "%s%s%.*s of account %.*s", what ? what : "", what ? " " : "",
             (int)name.len, name.data, (int)arn.account.len, arn.account.data);
}

/* --- what to do ------------------------------------------------------------------------------- */

static bool another_account(const struct denial *denial)
{
    struct arn principal, resource;
    return arn_parse(denial->principal.data, denial->principal.len, &principal) == 0 &&
           arn_parse(denial->resource.data, denial->resource.len, &resource) == 0 &&
           principal.account.len == resource.account.len &&
           memcmp(principal.account.data, resource.account.data, principal.account.len) != 0;
}

static const char *place_of(enum denial_policy policy)
{
    for (size_t i = 0; i < POLICIES; i++)
        if (policies[i].policy == policy)
            return policies[i].place;
    return "a policy of";
}

static const char *kind_of(enum denial_policy policy)
{
    static const char *const kinds[] = {
        [DENIAL_POLICY_UNKNOWN] = "a policy",
        [DENIAL_IDENTITY] = "an identity-based policy",
        [DENIAL_RESOURCE] = "a resource-based policy",
        [DENIAL_BOUNDARY] = "a permissions boundary",
        [DENIAL_SESSION] = "a session policy",
        [DENIAL_SERVICE_CONTROL] = "a service control policy",
        [DENIAL_RESOURCE_CONTROL] = "a resource control policy",
        [DENIAL_ENDPOINT] = "a VPC endpoint policy",
    };
    return kinds[policy];
}

struct advice {
    const struct denial *denial;
    struct text action, resource;
    char who[160];
};

static size_t advise_explicit(const struct advice *advice, char *out, size_t size)
{
    const struct denial *denial = advice->denial;
    bool named = denial->policy_arn.len;
    int len =
        snprintf(out, size,
                 "a Deny in %s%s%.*s stands against it: no Allow helps, that "
                 "statement must be changed",
                 kind_of(denial->policy), named ? " " : "", named ? (int)denial->policy_arn.len : 0,
                 named ? denial->policy_arn.data : "");
    return (size_t)len;
}

/* The same answer for a role that is not there, does not trust the caller, wants another external
 * id, or that the caller may not take. */
static size_t advise_role(const struct advice *advice, char *out, size_t size)
{
    bool tag = text_is(advice->action, "sts:TagSession");
    int len = snprintf(out, size,
                       "the trust policy of %.*s must allow %.*s to %s%s, and %s needs "
                       "{\"Effect\":\"Allow\",\"Action\":\"%.*s\",\"Resource\":\"%.*s\"}",
                       (int)advice->resource.len, advice->resource.data, (int)advice->action.len,
                       advice->action.data, advice->who,
                       tag ? "" : " (and agree with external_id, if it asks for one)", advice->who,
                       (int)advice->action.len, advice->action.data, (int)advice->resource.len,
                       advice->resource.data);
    return (size_t)len;
}

static size_t advise_allow(const struct advice *advice, bool key, char *out, size_t size)
{
    const struct denial *denial = advice->denial;
    const char *more = "";
    if (key && denial->policy != DENIAL_RESOURCE)
        more = another_account(denial) ? " and the key's policy must allow that account"
                                       : " (the key's policy may have to allow it too)";
    int len = snprintf(out, size,
                       "add to %s %s: {\"Effect\":\"Allow\",\"Action\":\"%.*s\",\"Resource\":"
                       "\"%.*s\"}%s",
                       key && denial->policy == DENIAL_RESOURCE ? "the key's policy, for"
                                                                : place_of(denial->policy),
                       advice->who, (int)advice->action.len, advice->action.data,
                       (int)advice->resource.len, advice->resource.data, more);
    return (size_t)len;
}

size_t denial_advice(const struct denial *denial, const char *action, char *out, size_t size)
{
    struct advice advice = {.denial = denial,
                            .action = denial->action.len ? denial->action : text_of(action),
                            .resource = denial->resource.len ? denial->resource : text_of("*")};
    denial_principal(denial, advice.who, sizeof advice.who);
    bool key = starts(advice.action, "kms:");
    bool role = text_is(advice.action, "sts:AssumeRole") ||
                text_is(advice.action, "sts:TagSession") ||
                text_is(advice.action, "sts:SetSourceIdentity");
    size_t len;
    if (denial->cause == DENIAL_EXPLICIT)
        len = advise_explicit(&advice, out, size);
    else if (role && denial->resource.len)
        len = advise_role(&advice, out, size);
    else
        len = advise_allow(&advice, key, out, size);
    if (len < size)
        return len;
    return (size_t)snprintf(out, size, "%s needs %.*s on it", advice.who, (int)advice.action.len,
                            advice.action.data);
}
