#include "local/both_sides.h"

#include <string.h>

static const char *denied(struct arena *arena, const struct both_sides *asked, const char *kind)
{
    if (!asked->same_account)
        return "";
    return arena_printf(arena, " with an explicit deny in %s", kind);
}

static const char *silent(struct arena *arena, const struct both_sides *asked, const char *kind)
{
    if (!asked->same_account)
        return "";
    return arena_printf(arena, " because no %s allows the %s action", kind, asked->action);
}

const char *both_sides_refusal(struct arena *arena, const struct both_sides *asked)
{
    const struct local_answers *caller = &asked->caller;
    if (caller->identity == POLICY_DENY)
        return denied(arena, asked, "an identity-based policy");
    if (asked->resource == POLICY_DENY)
        return denied(arena, asked, "a resource-based policy");
    if (caller->boundary == POLICY_DENY)
        return denied(arena, asked, "a permissions boundary");
    if (caller->session == POLICY_DENY)
        return denied(arena, asked, "a session policy");
    if (asked->resource != POLICY_ALLOW)
        return silent(arena, asked, "resource-based policy");
    /* A user or a session named by its ARN needs nothing else, not even its session's policy. */
    enum policy_match match = asked->match;
    if (asked->same_account && (match == POLICY_MATCH_USER || match == POLICY_MATCH_SESSION))
        return NULL;
    /* Named by role or by "*": the caller's own policies need not allow; the limits of the session
     * must (for "*" AWS's pages leave it open: the strict reading). */
    bool direct =
        asked->same_account && (match == POLICY_MATCH_ROLE || match == POLICY_MATCH_ANYONE);
    if (!direct && caller->identity != POLICY_ALLOW)
        return silent(arena, asked, "identity-based policy");
    if (caller->boundary != POLICY_ALLOW)
        return silent(arena, asked, "permissions boundary");
    if (caller->session != POLICY_ALLOW)
        return silent(arena, asked, "session policy");
    return NULL;
}
