#include "local/services/ssm_resource_policy.h"

#include "local/services/ssm_condition.h"

#include "aws/arn.h"
#include "base/digest.h"
#include "local/services/ssm_operations.h"
#include "local/services/ssm_secure.h"

#include <string.h>

enum { POLICY_MAX_BYTES = 1024, PAGE_MOST = 50 };

static bool is_parameter_arn(const char *text, struct arn *arn, struct text *key)
{
    static const char kind[] = "parameter/";
    if (arn_parse(text, strlen(text), arn) != 0 || !text_is(arn->service, "ssm") ||
        arn->resource.len < sizeof kind || memcmp(arn->resource.data, kind, sizeof kind - 1) != 0)
        return false;
    *key =
        (struct text){arn->resource.data + sizeof kind - 1, arn->resource.len - (sizeof kind - 1)};
    return true;
}

/* The parameter that ResourceArn names. OpsItem groups, the other kind, do not exist here. */
static enum local_result find_resource(struct local_call *call, struct text *key,
                                       struct store_rows *rows, struct ssm_version *version)
{
    struct arn arn;
    const char *text = local_text(call, "ResourceArn");
    if (arn_parse(text, strlen(text), &arn) != 0)
        return local_fail_capital(call, "ResourcePolicyInvalidParameterException",
                                  "The resource ARN isn't valid.");
    if (!is_parameter_arn(text, &arn, key) || !text_is(arn.region, call->region) ||
        !text_is(arn.account, call->account) || !ssm_find(call, call->account, *key, rows, version))
        return local_fail_capital(call, "ResourceNotFoundException",
                                  "The specified parameter to be shared could not be found.");
    return LOCAL_OK;
}

static enum local_result check_shareable(struct local_call *call, const struct ssm_version *version)
{
    if (version->tier != SSM_ADVANCED)
        return local_fail_capital(call, "ResourcePolicyInvalidParameterException",
                                  "To share a parameter, it must be in the advanced parameter "
                                  "tier.");
    if (version->type == SSM_SECURE_STRING && text_is(version->key_id, SSM_DEFAULT_KEY))
        return local_fail_capital(call, "ResourcePolicyInvalidParameterException",
                                  "To share a SecureString parameter, it must be encrypted with a "
                                  "customer managed key.");
    return LOCAL_OK;
}

static enum local_result check_policy(struct local_call *call, const char *policy, size_t len)
{
    if (len > POLICY_MAX_BYTES)
        return local_fail_capital(call, "ResourcePolicyLimitExceededException",
                                  "A policy can't be greater than 1024 bytes in size.");
    struct error err = {0};
    if (!policy_parse(call->arena, policy, len, POLICY_RESOURCE, &err))
        return local_fail_capital(call, "MalformedResourcePolicyDocumentException",
                                  "The specified policy document is malformed or invalid.");
    return LOCAL_OK;
}

/* The stored policy's hash must be the one the caller saw. */
static enum local_result check_hash(struct local_call *call, struct text key, const char *id,
                                    const char *hash)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT hash FROM ssm_resource_policy"
                " WHERE account = $1 AND region = $2 AND name = $3 AND policy_id = $4",
                "ttTt", call->account, call->region, key.data, key.len, id);
    bool found = store_next(&rows);
    bool same = found && text_is(store_text(&rows, 0), hash);
    store_end(&rows);
    if (!found)
        return local_fail_capital(call, "ResourcePolicyNotFoundException",
                                  "No policies with the specified policy ID and hash could be "
                                  "found.");
    if (!same)
        return local_fail_capital(call, "ResourcePolicyConflictException",
                                  "The hash provided in the call doesn't match the stored hash. "
                                  "This exception is thrown when trying to update an obsolete "
                                  "policy version or when multiple requests to update a policy are "
                                  "sent.");
    return LOCAL_OK;
}

enum local_result ssm_put_resource_policy(struct local_call *call)
{
    struct text key;
    struct store_rows rows;
    struct ssm_version version;
    const char *policy = local_text(call, "Policy"), *id = local_text(call, "PolicyId");
    const char *old_hash = local_text(call, "PolicyHash");
    if (find_resource(call, &key, &rows, &version) != LOCAL_OK)
        return LOCAL_FAILED;
    enum local_result shareable = check_shareable(call, &version);
    store_end(&rows);
    if (shareable != LOCAL_OK || check_policy(call, policy, local_text_len(call, "Policy")) != 0)
        return LOCAL_FAILED;
    if (!id != !old_hash)
        return local_fail_capital(call, "ResourcePolicyInvalidParameterException",
                                  "PolicyId and PolicyHash must be given together.");
    if (id && check_hash(call, key, id, old_hash) != LOCAL_OK)
        return LOCAL_FAILED;
    char uuid[RANDOM_UUID_SIZE], hash[SHA256_HEX_SIZE];
    random_uuid(call->local->random, uuid);
    digest_sha256_hex(policy, strlen(policy), hash);
    id = id ? id : uuid;
    store_run(call->store,
              "INSERT INTO ssm_resource_policy (account, region, name, policy_id, hash, policy)"
              " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account, region, name, policy_id)"
              " DO UPDATE SET hash = excluded.hash, policy = excluded.policy",
              "ttTttt", call->account, call->region, key.data, key.len, id, hash, policy);
    json_put_text(call->out, "PolicyId", id);
    json_put_text(call->out, "PolicyHash", hash);
    return LOCAL_OK;
}

static const char *show_policies(struct local_call *call, struct text key, const char *after)
{
    struct store_rows rows;
    int64_t most = local_int(call, "MaxResults", PAGE_MOST), shown = 0;
    const char *last = after;
    bool more = false;
    store_query(call->store, &rows,
                "SELECT policy_id, hash, policy FROM ssm_resource_policy"
                " WHERE account = $1 AND region = $2 AND name = $3 AND policy_id > $4"
                " ORDER BY policy_id",
                "ttTt", call->account, call->region, key.data, key.len, after);
    while (!more && store_next(&rows)) {
        more = shown++ == most;
        if (more)
            break;
        last = ssm_copy(call, store_text(&rows, 0));
        json_open(call->out);
        json_put_text(call->out, "PolicyId", last);
        json_put_text(call->out, "PolicyHash", store_text(&rows, 1).data);
        json_put_text(call->out, "Policy", store_text(&rows, 2).data);
        json_close(call->out);
    }
    store_end(&rows);
    return more ? last : NULL;
}

enum local_result ssm_get_resource_policies(struct local_call *call)
{
    struct text key;
    struct store_rows rows;
    struct ssm_version version;
    const char *after, *token = local_text(call, "NextToken");
    char *decoded;
    if (find_resource(call, &key, &rows, &version) != LOCAL_OK)
        return LOCAL_FAILED;
    store_end(&rows);
    /* This operation's model has no InvalidNextToken. */
    if (token && *token && local_token_decode(call, token, &decoded) != 0)
        return local_fail_capital(call, "ResourcePolicyInvalidParameterException",
                                  "The specified token isn't valid.");
    after = token && *token ? decoded : "";
    json_key(call->out, "Policies");
    json_open_list(call->out);
    const char *next = show_policies(call, key, after);
    json_close_list(call->out);
    if (next)
        json_put_text(call->out, "NextToken", local_token_encode(call, next));
    return LOCAL_OK;
}

enum local_result ssm_delete_resource_policy(struct local_call *call)
{
    struct text key;
    struct store_rows rows;
    struct ssm_version version;
    const char *id = local_text(call, "PolicyId");
    if (find_resource(call, &key, &rows, &version) != LOCAL_OK)
        return LOCAL_FAILED;
    store_end(&rows);
    if (check_hash(call, key, id, local_text(call, "PolicyHash")) != LOCAL_OK)
        return LOCAL_FAILED;
    store_run(call->store,
              "DELETE FROM ssm_resource_policy"
              " WHERE account = $1 AND region = $2 AND name = $3 AND policy_id = $4",
              "ttTt", call->account, call->region, key.data, key.len, id);
    return LOCAL_OK;
}

/* What the policies on a parameter of `account` say together. */
static enum policy_answer ask_policies(struct local_call *call, const char *account,
                                       struct text key, const struct policy_question *question)
{
    struct store_rows rows;
    enum policy_answer answer = POLICY_NO_MATCH;
    store_query(call->store, &rows,
                "SELECT policy FROM ssm_resource_policy"
                " WHERE account = $1 AND region = $2 AND name = $3",
                "ttT", account, call->region, key.data, key.len);
    while (answer != POLICY_DENY && store_next(&rows)) {
        struct text text = store_text(&rows, 0);
        struct policy *policy =
            policy_parse(call->arena, text.data, text.len, POLICY_RESOURCE, NULL);
        enum policy_answer one = policy ? policy_evaluate(policy, question, NULL) : POLICY_NO_MATCH;
        if (one != POLICY_NO_MATCH)
            answer = one;
    }
    store_end(&rows);
    return answer;
}

static bool of_caller(const struct local_call *call, const char *resource)
{
    const char *at = resource; /* the account is behind the fourth colon */
    for (int colons = 0; at && colons < 4; colons++) {
        at = strchr(at, ':');
        at = at ? at + 1 : NULL;
    }
    size_t len = strlen(call->account);
    return !at || at[0] == ':' || (strncmp(at, call->account, len) == 0 && at[len] == ':');
}

enum local_result ssm_authorize(struct local_call *call, const char *action, const char *resource)
{
    struct arn arn;
    struct text key;
    const struct local_question question = {.action = action,
                                            .resource = resource,
                                            .supply = ssm_condition_keys};
    if (of_caller(call, resource))
        return local_authorize_question(call, &question);
    struct local_answers answers;
    struct policy_question asked;
    local_ask(call, &question, &answers);
    local_policy_question(call, &question, &asked);
    if (answers.identity == POLICY_ALLOW && answers.boundary == POLICY_ALLOW &&
        answers.session == POLICY_ALLOW && is_parameter_arn(resource, &arn, &key) &&
        ask_policies(call, ssm_copy(call, arn.account), key, &asked) == POLICY_ALLOW)
        return LOCAL_OK;
    return local_fail(call, "AccessDeniedException",
                      "User: %s is not authorized to perform: %s on resource: %s because no "
                      "resource-based policy allows the %s action",
                      ssm_caller(call), action, resource, action);
}
