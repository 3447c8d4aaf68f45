#include "local/services/logs_parts.h"

#include "aws/arn.h"

#include <string.h>

enum { MOST_POLICIES = 10 };

/* --- operations ------------------------------------------------------------------------------- */

static enum local_result check_input(struct local_call *call)
{
    if (local_text(call, "resourceArn") || local_text(call, "expectedRevisionId")) /* (K) */
        return logs_bad_parameter(call, "Policies of single resources are not supported.");
    if (!local_text(call, "policyName")) /* (K) */
        return logs_bad_parameter(call, "Policy name is required.");
    return LOCAL_OK;
}

static void put_policy(struct local_call *call, const char *name, const char *document,
                       int64_t updated_ms)
{
    json_open(call->out);
    json_put_text(call->out, "policyName", name);
    json_put_text(call->out, "policyDocument", document);
    json_put_int(call->out, "lastUpdatedTime", updated_ms);
    json_put_text(call->out, "policyScope", "ACCOUNT");
    json_close(call->out);
}

static int64_t count_others(struct local_call *call, const char *name)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT COUNT(*) FROM logs_policy WHERE account = $1 AND region = $2"
                " AND name <> $3",
                "ttt", call->account, call->region, name);
    int64_t count = store_next(&rows) ? store_int(&rows, 0) : 0;
    store_end(&rows);
    return count;
}

enum local_result logs_put_policy(struct local_call *call)
{
    const char *name = local_text(call, "policyName");
    const char *document = local_text(call, "policyDocument");
    int64_t now_ms = call->local->clock->now_ms(call->local->clock);
    if (check_input(call) != LOCAL_OK)
        return LOCAL_FAILED;
    if (strlen(document ? document : "") > 5120) /* of an account's; a resource's may have 51,200 */
        return logs_bad_parameter(call, "1 validation error detected: Value at 'policyDocument' "
                                        "failed to satisfy constraint: Member must have length "
                                        "less than or equal to 5120");
    if (!document || !policy_parse(call->arena, document, strlen(document), POLICY_RESOURCE, NULL))
        return logs_bad_parameter(call, "The specified policy document is invalid."); /* (K) */
    if (count_others(call, name) >= MOST_POLICIES)
        return local_fail(call, "LimitExceededException", "Resource limit exceeded.");
    store_run(call->store,
              "INSERT INTO logs_policy (account, region, name, document, updated_ms)"
              " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account, region, name) DO UPDATE SET"
              " document = excluded.document, updated_ms = excluded.updated_ms",
              "tttti", call->account, call->region, name, document, now_ms);
    json_key(call->out, "resourcePolicy");
    put_policy(call, name, document, now_ms);
    return LOCAL_OK;
}

enum local_result logs_describe_policies(struct local_call *call)
{
    int64_t limit = local_int(call, "limit", 50), count = 0;
    const char *token = local_text(call, "nextToken"), *last = "";
    char *after = (char *)"";
    struct store_rows rows;
    bool more = false;
    if (token && local_token_decode(call, token, &after) != 0)
        return logs_bad_token(call);
    json_key(call->out, "resourcePolicies");
    json_open_list(call->out);
    store_query(call->store, &rows,
                "SELECT name, document, updated_ms FROM logs_policy WHERE account = $1"
                " AND region = $2 AND name > $3 ORDER BY name",
                "ttt", call->account, call->region, after);
    while (!more && store_next(&rows)) {
        struct text name = store_text(&rows, 0), document = store_text(&rows, 1);
        more = count++ == limit;
        if (more)
            break;
        last = arena_strndup(call->arena, name.data, name.len);
        put_policy(call, last, arena_strndup(call->arena, document.data, document.len),
                   store_int(&rows, 2));
    }
    store_end(&rows);
    json_close_list(call->out);
    if (more)
        json_put_text(call->out, "nextToken", local_token_encode(call, last));
    return LOCAL_OK;
}

enum local_result logs_delete_policy(struct local_call *call)
{
    const char *name = local_text(call, "policyName");
    if (check_input(call) != LOCAL_OK)
        return LOCAL_FAILED;
    if (store_run(call->store,
                  "DELETE FROM logs_policy WHERE account = $1 AND region = $2 AND name = $3", "ttt",
                  call->account, call->region, name) == 0)
        return local_fail(call, "ResourceNotFoundException",
                          "Policy with name [%s] does not exist.", name);
    return LOCAL_OK;
}

/* --- asked by AWS services -------------------------------------------------------------------- */

struct asked {
    const char *account, *region, *action, *resource;
    const struct logs_delivery *delivery;
    const char *source_account;
};

/* All of the account's policies together; a denial wins. */
static bool allowed(struct store_session *store, struct arena *arena, const struct asked *asked)
{
    const struct policy_principal principal = {.service = asked->delivery->service};
    const char *const arns[] = {asked->delivery->source_arn, NULL};
    const char *const accounts[] = {asked->source_account, NULL};
    const struct policy_value context[] = {{"aws:SourceArn", arns},
                                           {"aws:SourceAccount", accounts}};
    const struct policy_question question = {.action = asked->action,
                                             .resource = asked->resource,
                                             .principal = &principal,
                                             .context = context,
                                             .context_count = 2};
    struct store_rows rows;
    bool yes = false, no = false;
    store_query(store, &rows, "SELECT document FROM logs_policy WHERE account = $1 AND region = $2",
                "tt", asked->account, asked->region);
    while (store_next(&rows)) {
        struct text text = store_text(&rows, 0);
        const struct policy *policy =
            policy_parse(arena, text.data, text.len, POLICY_RESOURCE, NULL);
        enum policy_answer answer = policy ? policy_evaluate(policy, &question, NULL) : POLICY_DENY;
        yes = yes || answer == POLICY_ALLOW;
        no = no || answer == POLICY_DENY;
    }
    store_end(&rows);
    return yes && !no;
}

static const char *account_of(struct arena *arena, const char *text)
{
    struct arn arn;
    return text && arn_parse(text, strlen(text), &arn) == 0
               ? arena_strndup(arena, arn.account.data, arn.account.len)
               : NULL;
}

enum logs_outcome logs_deliver(struct local *local, struct store_session *store,
                               struct arena *arena, const struct logs_delivery *delivery)
{
    static const char prefix[] = "log-group:";
    struct arn arn;
    struct logs_group group;
    if (arn_parse(delivery->group_arn, strlen(delivery->group_arn), &arn) != 0 ||
        !text_is(arn.service, "logs") || arn.resource.len < sizeof prefix ||
        memcmp(arn.resource.data, prefix, sizeof prefix - 1) != 0)
        return LOGS_NO_GROUP;
    struct text rest = {arn.resource.data + sizeof prefix - 1,
                        arn.resource.len - sizeof prefix + 1};
    struct text found = text_cut(&rest, ':');
    const char *name = arena_strndup(arena, found.data, found.len);
    struct asked asked = {
        .account = arena_strndup(arena, arn.account.data, arn.account.len),
        .region = arena_strndup(arena, arn.region.data, arn.region.len),
        .delivery = delivery,
        .source_account = account_of(arena, delivery->source_arn),
    };
    if (!logs_find_group(store, arena, asked.account, asked.region, name, &group))
        return LOGS_NO_GROUP;
    asked.resource = arena_printf(arena, "%.*s:log-stream:%s",
                                  (int)(found.data + found.len - delivery->group_arn),
                                  delivery->group_arn, delivery->stream);
    asked.action = "logs:CreateLogStream";
    bool may = allowed(store, arena, &asked);
    asked.action = "logs:PutLogEvents";
    if (!may || !allowed(store, arena, &asked))
        return LOGS_DENIED;
    const struct logs_line line = {local->clock->now_ms(local->clock), delivery->body};
    logs_append(local, store, asked.account, asked.region, name, delivery->stream, &line, 1);
    return LOGS_DELIVERED;
}
