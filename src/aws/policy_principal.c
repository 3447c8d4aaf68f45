#include "aws/arn.h"
#include "aws/policy_intern.h"
#include "base/arena.h"

#include <string.h>

/* --- compiling ---------------------------------------------------------------------------------
 */

static int invalid(const char *kind, const char *text, struct error *err)
{
    return error_set(err, ERR_INVALID, "Invalid principal in policy: \"%s\":\"%.200s\"", kind,
                     text);
}

/* AIDA..., AROA...: what stands in place of a user or role that was deleted since. */
static bool is_unique_id(const char *text)
{
    size_t len = strlen(text);
    if (len < 16 || len > 128 || text[0] != 'A')
        return false;
    for (const char *at = text; *at; at++)
        if (!((*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9')))
            return false;
    return true;
}

static bool resource_starts(const struct arn *arn, const char *prefix)
{
    size_t len = strlen(prefix);
    return arn->resource.len > len && memcmp(arn->resource.data, prefix, len) == 0;
}

static int aws_compile(struct arena *arena, const char *text, struct principal_pattern *out,
                       struct error *err)
{
    struct arn arn;
    char account[13] = "";
    out->text = arena_strdup(arena, text);
    if (strcmp(text, "*") == 0) {
        out->form = FORM_ANYONE;
        return 0;
    }
    if (account_valid(text)) {
        out->form = FORM_ACCOUNT;
        return 0;
    }
    if (is_unique_id(text)) {
        out->form = FORM_NOBODY;
        return 0;
    }
    /* No wildcard in any part: they are not allowed here. */
    if (strpbrk(text, "*?") || arn_parse(text, strlen(text), &arn) != 0 || arn.region.len ||
        arn.account.len != 12)
        return invalid("AWS", text, err);
    memcpy(account, arn.account.data, 12);
    if (!account_valid(account))
        return invalid("AWS", text, err);
    bool iam = text_is(arn.service, "iam"), sts = text_is(arn.service, "sts");
    if (iam && text_is(arn.resource, "root")) {
        out->form = FORM_ACCOUNT;
        out->text = arena_strdup(arena, account);
    } else if (iam && resource_starts(&arn, "role/")) {
        out->form = FORM_ROLE;
    } else if (iam && resource_starts(&arn, "user/")) {
        out->form = FORM_USER;
    } else if (sts && resource_starts(&arn, "assumed-role/")) {
        out->form = FORM_SESSION;
    } else if (sts && resource_starts(&arn, "federated-user/")) {
        out->form = FORM_USER;
    } else {
        return invalid("AWS", text, err);
    }
    return 0;
}

static int one_compile(struct arena *arena, const char *kind, const json_t *item,
                       struct principal_pattern *out, struct error *err)
{
    const char *text = json_string_value(item);
    if (!text || !*text)
        return error_set(err, ERR_INVALID, "Syntax errors in policy.");
    if (strcmp(kind, "AWS") == 0)
        return aws_compile(arena, text, out, err);
    bool service = strcmp(kind, "Service") == 0, federated = strcmp(kind, "Federated") == 0;
    if (!service && !federated && strcmp(kind, "CanonicalUser") != 0)
        return error_set(err, ERR_INVALID, "Syntax errors in policy.");
    if (strpbrk(text, "*?") || (service && !strchr(text, '.')))
        return invalid(kind, text, err);
    out->form = service ? FORM_SERVICE : federated ? FORM_FEDERATED : FORM_NOBODY;
    out->text = arena_strdup(arena, text);
    return 0;
}

int principals_compile(struct arena *arena, const json_t *element,
                       const struct principal_pattern **out, size_t *count, struct error *err)
{
    const char *kind;
    json_t *value;
    size_t total = 0, used = 0;
    if (json_is_string(element) && strcmp(json_string_value(element), "*") == 0) {
        struct principal_pattern *anyone = arena_alloc(arena, sizeof *anyone);
        *anyone = (struct principal_pattern){FORM_ANYONE, "*"};
        *out = anyone;
        *count = 1;
        return 0;
    }
    json_object_foreach((json_t *)element, kind, value)
    {
        size_t items = policy_items(value);
        if (items == 0)
            return error_set(err, ERR_INVALID, "Syntax errors in policy.");
        total += items;
    }
    if (total == 0)
        return error_set(err, ERR_INVALID, "Syntax errors in policy.");
    struct principal_pattern *patterns = arena_calloc(arena, total, sizeof *patterns);
    json_object_foreach((json_t *)element, kind, value)
    {
        for (size_t i = 0; i < policy_items(value); i++)
            if (one_compile(arena, kind, policy_item(value, i), &patterns[used++], err) != 0)
                return -1;
    }
    *out = patterns;
    *count = used;
    return 0;
}

/* --- evaluating --------------------------------------------------------------------------------
 */

static bool same(const char *one, const char *other)
{
    return one && other && strcmp(one, other) == 0;
}

static enum policy_match one_matches(const struct principal_pattern *pattern,
                                     const struct policy_principal *who)
{
    switch (pattern->form) {
    case FORM_ANYONE:
        return POLICY_MATCH_ANYONE;
    case FORM_ACCOUNT:
        return same(pattern->text, who->account) ? POLICY_MATCH_ACCOUNT : POLICY_MATCH_NONE;
    case FORM_ROLE:
        return same(pattern->text, who->arn) ? POLICY_MATCH_ROLE : POLICY_MATCH_NONE;
    case FORM_USER:
        return same(pattern->text, who->arn) ? POLICY_MATCH_USER : POLICY_MATCH_NONE;
    case FORM_SESSION:
        return same(pattern->text, who->session_arn) ? POLICY_MATCH_SESSION : POLICY_MATCH_NONE;
    case FORM_SERVICE:
        return same(pattern->text, who->service) ? POLICY_MATCH_SERVICE : POLICY_MATCH_NONE;
    case FORM_FEDERATED:
        return same(pattern->text, who->federated) ? POLICY_MATCH_FEDERATED : POLICY_MATCH_NONE;
    default:
        return POLICY_MATCH_NONE;
    }
}

/* NotPrincipal leaves out only whom it names in full: the account, the user or role in it, and of a
 * role the session as well ("otherwise the policy might deny access to the entire account", IAM
 * user guide). */
static bool left_out(const struct statement *statement, const struct policy_principal *who)
{
    bool account = !who->account || who->service || who->federated, session = !who->session_arn;
    bool identity = false;
    const char *root = who->arn ? strrchr(who->arn, ':') : NULL;
    for (size_t i = 0; i < statement->principal_count; i++) {
        enum policy_match match = one_matches(&statement->principals[i], who);
        if (match == POLICY_MATCH_ANYONE)
            return true;
        account |= match == POLICY_MATCH_ACCOUNT;
        session |= match == POLICY_MATCH_SESSION;
        identity |= match == POLICY_MATCH_ROLE || match == POLICY_MATCH_USER ||
                    match == POLICY_MATCH_SERVICE || match == POLICY_MATCH_FEDERATED ||
                    (match == POLICY_MATCH_ACCOUNT && root && strcmp(root, ":root") == 0);
    }
    return account && session && identity;
}

enum policy_match principals_match(const struct statement *statement,
                                   const struct policy_principal *principal)
{
    static const struct policy_principal nobody;
    enum policy_match strongest = POLICY_MATCH_NONE;
    if (!principal)
        principal = &nobody;
    if (statement->not_principal)
        return left_out(statement, principal) ? POLICY_MATCH_NONE : POLICY_MATCH_ANYONE;
    for (size_t i = 0; i < statement->principal_count; i++) {
        enum policy_match match = one_matches(&statement->principals[i], principal);
        if (match > strongest)
            strongest = match;
    }
    return strongest;
}
