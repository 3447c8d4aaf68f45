/* Who acts on the sides, what they may, and the keys that copies are to be under. */
#include "event/chain_parts.h"

#include "aws/arn.h"
#include "client/sts.h"
#include "engine/identity.h"
#include "engine/permissions.h"
#include "resource/services.h"

#include <string.h>

/* --- credentials and keys --------------------------------------------------------------------- */

static const char *side_role(const struct config_side *side)
{
    return side->chain_count ? side->chain[side->chain_count - 1].role_arn : NULL;
}

/* In its own Region: one that is not enabled knows no credentials. */
static bool check_identity(struct chain *chain, const struct config_side *side,
                           struct session *session)
{
    struct error err = {0};
    const json_t *caller =
        chain_ask(chain, session, side->region, &sts_get_caller_identity, NULL, &err);
    if (caller) {
        finding_add(chain->out, FINDING_OK, "identity", side->region, NULL, "%s",
                    json_text_or(caller, "Arn", "?"));
        return true;
    }
    finding_add(chain->out, FINDING_FAILED, "identity", side->region,
                side_role(side) ? "look at the role's trust policy, its external id, and whether "
                                  "the Region is enabled in its account"
                                : "look at the credentials, and whether the Region is enabled",
                "%s%s%s", side_role(side) ? side_role(side) : "", side_role(side) ? ": " : "",
                err.message);
    return false;
}

static void check_key(struct chain *chain, const struct config_side *side, struct session *session,
                      const char *key)
{
    struct error err = {0};
    const json_t *answer = chain_ask(chain, session, side->region, &operation_kms_describe_key,
                                     json_pack("{s:s}", "KeyId", key), &err);
    if (!answer) {
        finding_refused(chain->out, "key", side->region, key, &err);
        return;
    }
    const json_t *data = json_object_get(answer, "KeyMetadata");
    const char *state = json_text_or(data, "KeyState", "?");
    const char *use = json_text_or(data, "KeyUsage", "?");
    if (strcmp(state, "Enabled") != 0)
        finding_add(chain->out, FINDING_FAILED, "key", side->region,
                    strcmp(state, "PendingDeletion") == 0
                        ? "aws kms cancel-key-deletion, then enable-key"
                        : "aws kms enable-key",
                    "%s is %s", key, state);
    else if (strcmp(use, "ENCRYPT_DECRYPT") != 0)
        finding_add(chain->out, FINDING_FAILED, "key", side->region, "name a symmetric key",
                    "%s is for %s", key, use);
    else
        finding_add(chain->out, FINDING_OK, "key", side->region, NULL, "%s is enabled", key);
}

static bool same_side(const struct config_side *a, const struct config_side *b)
{
    return strcmp(a->region, b->region) == 0 && identity_same(a, b);
}

/* The `at`th of all sides, sources too; NULL: behind the last. */
static const struct config_side *side_at(const struct config_set *set, size_t at)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct config *config = &set->items[i];
        if (at == 0)
            return &config->source;
        if (at <= config->destination_count)
            return &config->destinations[at - 1];
        at -= config->destination_count + 1;
    }
    return NULL;
}

static bool side_first(const struct config_set *set, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (same_side(side_at(set, i), side_at(set, at)))
            return false;
    return true;
}

static bool key_first(const struct config_set *set, size_t at, size_t key)
{
    const struct config_side *side = side_at(set, at);
    for (size_t i = 0; i <= at; i++) {
        const struct config_side *other = side_at(set, i);
        size_t most = i == at ? key : other->key_count;
        for (size_t j = 0; same_side(side, other) && j < most; j++)
            if (strcmp(other->keys[j].destination, side->keys[key].destination) == 0)
                return false;
    }
    return true;
}

void chain_sides(struct chain *chain)
{
    const struct config_side *side;
    for (size_t i = 0; (side = side_at(chain->set, i)); i++) {
        struct error err = {0};
        struct session *session = sessions_get(chain->sessions, side, chain->seams, &err);
        if (!session) {
            if (side_first(chain->set, i))
                finding_add(chain->out, FINDING_FAILED, "identity", side->region, NULL, "%s",
                            err.message);
            continue;
        }
        if (side_first(chain->set, i) && !check_identity(chain, side, session))
            continue;
        for (size_t j = 0; j < side->key_count; j++)
            if (key_first(chain->set, i, j))
                check_key(chain, side, session, side->keys[j].destination);
    }
}

/* --- permissions ------------------------------------------------------------------------------ */

/* One role that is asked about, and who asks. */
struct asked {
    struct chain *chain;
    struct session *session;
    const char *region, *principal;
    size_t denied, denied_keys;
    struct buf names, key_names;
};

static json_t *list_of(const struct texts *texts)
{
    json_t *list = json_array();
    for (size_t i = 0; i < texts->count; i++)
        json_array_append_new(list, json_string(texts->items[i]));
    return list;
}

/* A call as the statement means it: with the first value of each of its conditions. */
static json_t *context_of(const struct permission_statement *statement)
{
    json_t *list = json_array();
    for (size_t i = 0; i < statement->condition_count; i++)
        json_array_append_new(list, json_pack("{s:s, s:[s], s:s}", "ContextKeyName",
                                              statement->conditions[i].key, "ContextKeyValues",
                                              statement->conditions[i].values.items[0],
                                              "ContextKeyType", "string"));
    return list;
}

static void note(struct buf *names, size_t *count, const char *action, const char *resource)
{
    if (++*count <= 8)
        buf_printf(names, "%s%s on %s", names->len ? ", " : "", action, resource);
}

/* -1: IAM did not answer. */
static int ask_statement(struct asked *asked, const struct permission_statement *statement,
                         struct error *err)
{
    size_t i;
    json_t *one, *in = json_pack("{s:s, s:o, s:o, s:i}", "PolicySourceArn", asked->principal,
                                 "ActionNames", list_of(&statement->actions), "ResourceArns",
                                 list_of(&statement->resources), "MaxItems", 1000);
    if (statement->condition_count)
        json_object_set_new(in, "ContextEntries", context_of(statement));
    const json_t *answer =
        chain_ask(asked->chain, asked->session, asked->region, &chain_simulate, in, err);
    if (!answer)
        return -1;
    json_array_foreach(json_object_get(answer, "EvaluationResults"), i, one)
    {
        const char *action = json_text_or(one, "EvalActionName", "?");
        if (strcmp(json_text_or(one, "EvalDecision", ""), "allowed") == 0)
            continue;
        bool key = strncmp(action, "kms:", 4) == 0;
        note(key ? &asked->key_names : &asked->names, key ? &asked->denied_keys : &asked->denied,
             action, json_text_or(one, "EvalResourceName", "?"));
    }
    return 0;
}

static void tell(struct asked *asked)
{
    struct findings *out = asked->chain->out;
    static const char next[] = "understudy policy prints what it needs";
    if (asked->denied)
        finding_add(out, FINDING_FAILED, "permissions", asked->region, next, "%s lacks %s%s",
                    asked->principal, buf_text(&asked->names), asked->denied > 8 ? " ..." : "");
    if (asked->denied_keys)
        finding_add(out, FINDING_WARNING, "permissions", asked->region,
                    "a key's own policy may give it; else see understudy policy",
                    "%s's policies do not give %s%s", asked->principal, buf_text(&asked->key_names),
                    asked->denied_keys > 8 ? " ..." : "");
    if (!asked->denied && !asked->denied_keys)
        finding_add(out, FINDING_OK, "permissions", asked->region, NULL,
                    "%s has what the configuration needs", asked->principal);
}

static void ask_role(struct chain *chain, struct session *session, const char *region,
                     const char *principal, const struct permission_policy *policy)
{
    enum { LONGEST = 8192 };
    struct asked asked = {.chain = chain,
                          .session = session,
                          .region = region,
                          .principal = principal};
    struct error err = {0};
    int result = 0;
    buf_init(&asked.names, LONGEST);
    buf_init(&asked.key_names, LONGEST);
    for (size_t i = 0; i < policy->count && result == 0; i++)
        if (!policy->statements[i].deny)
            result = ask_statement(&asked, &policy->statements[i], &err);
    if (result == 0)
        tell(&asked);
    else /* whatever the reason: this says nothing of the role */
        finding_add(chain->out, FINDING_UNSEEN, "permissions", region,
                    "allow iam:SimulatePrincipalPolicy, or compare with understudy policy",
                    "%s: %s", principal, err.message);
    buf_done(&asked.names);
    buf_done(&asked.key_names);
}

/* "arn:aws:sts::1:assumed-role/NAME/SESSION" is the role NAME; where it has a path, STS does not
 * tell it. NULL: root, who may do anything. */
static const char *principal_of(struct arena *arena, const char *caller)
{
    struct arn arn;
    static const char lead[] = "assumed-role/";
    if (arn_parse(caller, strlen(caller), &arn) != 0 || text_is(arn.resource, "root"))
        return NULL;
    if (!text_is(arn.service, "sts") || !text_starts(arn.resource.data, lead))
        return caller;
    const char *name = arn.resource.data + strlen(lead), *slash = strchr(name, '/');
    return arena_printf(arena, "arn:%.*s:iam::%.*s:role/%.*s", (int)arn.partition.len,
                        arn.partition.data, (int)arn.account.len, arn.account.data,
                        slash ? (int)(slash - name) : (int)strlen(name), name);
}

/* Of the functions that rules lead to; without one, who runs this is who would replicate. */
static void ask_caller(struct chain *chain, const struct permission_policy *policy)
{
    struct error err = {0};
    const struct config_side *side = side_at(chain->set, 0);
    for (size_t i = 0; i < chain->role_count; i++)
        ask_role(chain, chain->roles[i].session, chain->roles[i].region, chain->roles[i].arn,
                 policy);
    if (chain->role_count || side->chain_count)
        return;
    struct session *session = sessions_get(chain->sessions, side, chain->seams, &err);
    const json_t *caller =
        session ? chain_ask(chain, session, side->region, &sts_get_caller_identity, NULL, &err)
                : NULL;
    const char *principal =
        caller ? principal_of(chain->arena, json_text_or(caller, "Arn", "")) : NULL;
    if (principal)
        ask_role(chain, session, side->region, principal, policy);
}

static const char *account_of(struct chain *chain)
{
    struct error err = {0};
    char account[13];
    const struct config_side *side = side_at(chain->set, 0);
    struct session *session = sessions_get(chain->sessions, side, chain->seams, &err);
    if (side->account)
        return side->account;
    if (!session || session_account(session, side->region, account, &err) != 0)
        return NULL;
    return arena_strdup(chain->arena, account);
}

void chain_permissions(struct chain *chain)
{
    struct permission_set set;
    struct error err = {0};
    const struct permission_options options = {.account = account_of(chain),
                                               .unknown_account = "*"};
    if (permissions_build(chain->arena, chain->set, &options, PERMISSIONS_BY_IDENTITY, &set,
                          &err) != 0) {
        finding_add(chain->out, FINDING_UNSEEN, "permissions", NULL, NULL, "%s", err.message);
        return;
    }
    for (size_t i = 0; i < set.count; i++) {
        const struct permission_policy *policy = &set.policies[i];
        const struct config_side *side = NULL;
        if (!policy->role_arn) {
            ask_caller(chain, policy);
            continue;
        }
        for (size_t j = 0; (side = side_at(chain->set, j)); j++)
            if (side_role(side) && strcmp(side_role(side), policy->role_arn) == 0)
                break;
        /* A role between two others: that it can be taken shows at the side. */
        struct session *session =
            side ? sessions_get(chain->sessions, side, chain->seams, &err) : NULL;
        if (session)
            ask_role(chain, session, side->region, policy->role_arn, policy);
    }
}
