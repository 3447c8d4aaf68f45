/* Who called, as CloudTrail tells it: userIdentity, and the name that look-ups use. */
#include "local/trail.h"

#include <string.h>

static const char *behind_last(const char *text, char separator)
{
    const char *at = text ? strrchr(text, separator) : NULL;
    return at ? at + 1 : text;
}

/* ARNs are kept in partition "aws" and shown in that of the endpoint. */
static void put_arn(struct json_writer *w, const struct local_call *call, const char *arn)
{
    if (!arn)
        return;
    if (strcmp(call->partition, "aws") != 0 && text_starts(arn, "arn:aws:"))
        arn = arena_printf(call->arena, "arn:%s:%s", call->partition, arn + strlen("arn:aws:"));
    json_put_text(w, "arn", arn);
}

static void put_principal_id(struct json_writer *w, const struct principal *who)
{
    const char *colon = strchr(who->user_id, ':');
    json_key(w, "principalId");
    json_write_text_n(w, who->user_id,
                      colon ? (size_t)(colon - who->user_id) : strlen(who->user_id));
}

static void put_session_context(struct json_writer *w, const struct local_call *call)
{
    const struct principal *who = call->caller;
    char created[CLOCK_TEXT_SIZE];
    json_key(w, "sessionContext");
    json_open(w);
    if (who->kind == PRINCIPAL_ROLE && who->role_arn && who->user_id) {
        json_key(w, "sessionIssuer");
        json_open(w);
        json_put_text(w, "type", "Role");
        put_principal_id(w, who);
        put_arn(w, call, who->role_arn);
        json_put_text(w, "accountId", who->account);
        json_put_text(w, "userName", behind_last(who->role_arn, '/'));
        json_close(w);
    }
    if (who->source_identity)
        json_put_text(w, "sourceIdentity", who->source_identity);
    json_key(w, "attributes");
    json_open(w);
    clock_format_iso(who->issued_ms, created);
    json_put_text(w, "creationDate", created);
    json_put_text(w, "mfaAuthenticated", "false");
    json_close(w);
    json_close(w);
}

static const char *type_of(enum principal_kind kind)
{
    switch (kind) {
    case PRINCIPAL_ROOT:
        return "Root";
    case PRINCIPAL_USER:
        return "IAMUser";
    case PRINCIPAL_ROLE:
        return "AssumedRole";
    case PRINCIPAL_FEDERATED:
        return "FederatedUser";
    default:
        return "WebIdentityUser"; /* the one unsigned call that writes: with a web identity */
    }
}

void trail_write_identity(struct json_writer *w, const struct local_call *call)
{
    const struct principal *who = call->caller;
    json_open(w);
    json_put_text(w, "type", type_of(who->kind));
    if (who->user_id)
        json_put_text(w, "principalId", who->user_id);
    put_arn(w, call, who->arn);
    if (who->account[0])
        json_put_text(w, "accountId", who->account);
    if (who->access_key[0])
        json_put_text(w, "accessKeyId", who->access_key);
    if (who->kind == PRINCIPAL_USER)
        json_put_text(w, "userName", behind_last(who->arn, '/'));
    if (who->temporary)
        put_session_context(w, call);
    json_close(w);
}

const char *trail_user_name(struct local_call *call)
{
    const struct principal *who = call->caller;
    if (who->kind == PRINCIPAL_ROOT)
        return "root";
    return behind_last(who->arn, '/');
}
