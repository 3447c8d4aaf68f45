#include "local/services/lambda_parts.h"

#include "local/services/iam.h"

#include <stdlib.h>
#include <string.h>

/* The document of what the input names: a new reference, "{}" without statements when there is none
 * yet; *revision is NULL then. */
static json_t *read_policy(struct local_call *call, const struct lambda_function *function,
                           const char **revision)
{
    struct store_rows rows;
    json_t *policy = NULL;
    *revision = NULL;
    store_query(call->store, &rows,
                "SELECT policy, revision FROM lambda_policy WHERE function = $1 AND qualifier = $2",
                "it", function->id, function->qualifier ? function->qualifier : "");
    if (store_next(&rows)) {
        struct text text = store_text(&rows, 0), found = store_text(&rows, 1);
        policy = json_read(text.data, text.len, NULL);
        *revision = arena_strndup(call->arena, found.data, found.len);
    }
    store_end(&rows);
    return policy ? policy
                  : json_pack("{s:s, s:s, s:[]}", "Version", "2012-10-17", "Id", "default",
                              "Statement");
}

static enum local_result store_policy(struct local_call *call,
                                      const struct lambda_function *function, const json_t *policy)
{
    const char *qualifier = function->qualifier ? function->qualifier : "";
    if (!json_array_size(json_object_get(policy, "Statement"))) {
        store_run(call->store, "DELETE FROM lambda_policy WHERE function = $1 AND qualifier = $2",
                  "it", function->id, qualifier);
        return LOCAL_OK;
    }
    char *text = json_dumps(policy, JSON_COMPACT);
    size_t len = text ? strlen(text) : 0;
    if (len <= LAMBDA_POLICY_MAX)
        store_run(call->store,
                  "INSERT INTO lambda_policy (function, qualifier, policy, revision)"
                  " VALUES ($1, $2, $3, $4) ON CONFLICT (function, qualifier)"
                  " DO UPDATE SET policy = excluded.policy, revision = excluded.revision",
                  "ittt", function->id, qualifier, text, lambda_new_revision(call));
    free(text);
    if (len <= LAMBDA_POLICY_MAX)
        return LOCAL_OK;
    return local_fail(call, "PolicyLengthExceededException",
                      "The final policy size (%zu) is bigger than the limit (%d).", len,
                      LAMBDA_POLICY_MAX);
}

static size_t find_statement(const json_t *policy, const char *sid)
{
    const json_t *statements = json_object_get(policy, "Statement");
    size_t i = 0;
    while (i < json_array_size(statements) &&
           strcmp(json_text_or(json_array_get(statements, i), "Sid", ""), sid) != 0)
        i++;
    return i;
}

static enum local_result check_policy_revision(struct local_call *call, const char *revision)
{
    return lambda_check_revision(call, revision ? revision : "");
}

/* --- AddPermission ---------------------------------------------------------------------------- */

/* An account, an ARN, a service, or everybody: a new reference; NULL when it is none of them. */
static json_t *read_principal(struct local_call *call)
{
    const char *who = local_text(call, "Principal");
    if (strcmp(who, "*") == 0)
        return json_string("*");
    /* "events.amazon.com" is a slip of the pen: only Alexa's services are named so. */
    if (text_ends(who, ".amazonaws.com") ||
        (text_starts(who, "alexa-") && text_ends(who, ".amazon.com")))
        return json_pack("{s:s}", "Service", who);
    if (!iam_principal_exists(call, who))
        return NULL;
    if (strlen(who) == 12 && strspn(who, "0123456789") == 12)
        who = arena_printf(call->arena, "arn:%s:iam::%s:root", call->partition, who);
    return json_pack("{s:s}", "AWS", who);
}

static void add_condition(json_t *conditions, const char *operator_name, const char *key,
                          const char *value)
{
    json_t *keys = json_object_get(conditions, operator_name);
    if (!value)
        return;
    if (!keys) {
        keys = json_object();
        json_object_set_new(conditions, operator_name, keys);
    }
    json_object_set_new(keys, key, json_string(value));
}

static json_t *read_conditions(struct local_call *call)
{
    json_t *conditions = json_object();
    add_condition(conditions, "StringEquals", "AWS:SourceAccount",
                  local_text(call, "SourceAccount"));
    add_condition(conditions, "StringEquals", "lambda:EventSourceToken",
                  local_text(call, "EventSourceToken"));
    add_condition(conditions, "StringEquals", "aws:PrincipalOrgID",
                  local_text(call, "PrincipalOrgID"));
    add_condition(conditions, "StringEquals", "lambda:FunctionUrlAuthType",
                  local_text(call, "FunctionUrlAuthType"));
    if (local_value(call, "InvokedViaFunctionUrl"))
        add_condition(conditions, "Bool", "lambda:InvokedViaFunctionUrl",
                      local_bool(call, "InvokedViaFunctionUrl", false) ? "true" : "false");
    add_condition(conditions, "ArnLike", "AWS:SourceArn", local_text(call, "SourceArn"));
    return conditions;
}

static json_t *make_statement(struct local_call *call, const struct lambda_function *function)
{
    json_t *principal = read_principal(call), *conditions;
    if (!principal)
        return NULL;
    json_t *statement =
        json_pack("{s:s, s:s, s:o, s:s, s:s}", "Sid", local_text(call, "StatementId"), "Effect",
                  "Allow", "Principal", principal, "Action", local_text(call, "Action"), "Resource",
                  local_shown(call, function->arn));
    conditions = read_conditions(call);
    if (json_object_size(conditions))
        json_object_set(statement, "Condition", conditions);
    json_decref(conditions);
    return statement;
}

static enum local_result add(struct local_call *call, const struct lambda_function *function,
                             json_t *policy)
{
    const char *sid = local_text(call, "StatementId");
    json_t *statements = json_object_get(policy, "Statement");
    if (find_statement(policy, sid) < json_array_size(statements))
        return local_fail(call, "ResourceConflictException",
                          "The statement id (%s) provided already exists. Please provide a new "
                          "statement id, or remove the existing statement.",
                          sid);
    json_t *statement = make_statement(call, function);
    if (!statement)
        return lambda_invalid(call, "The provided principal was invalid. Please check the "
                                    "principal and try again.");
    json_array_append_new(statements, statement);
    if (store_policy(call, function, policy) != LOCAL_OK)
        return LOCAL_FAILED;
    char *text = json_dumps(statement, JSON_COMPACT);
    json_put_text(call->out, "Statement", text);
    free(text);
    return LOCAL_OK;
}

enum local_result lambda_add_permission(struct local_call *call)
{
    struct lambda_function function;
    const char *revision, *qualifier;
    enum local_result result = lambda_need(call, &function);
    qualifier = function.qualifier;
    if (result == LOCAL_OK && qualifier && strcmp(qualifier, "$LATEST") == 0)
        result = lambda_invalid(call, "We currently do not support adding policies for $LATEST.");
    if (result == LOCAL_OK) {
        json_t *policy = read_policy(call, &function, &revision);
        result = check_policy_revision(call, revision);
        if (result == LOCAL_OK)
            result = add(call, &function, policy);
        json_decref(policy);
    }
    lambda_function_done(&function);
    return result;
}

/* --- RemovePermission, GetPolicy -------------------------------------------------------------- */

static enum local_result no_policy(struct local_call *call)
{
    return local_fail(call, "ResourceNotFoundException",
                      "The resource you requested does not exist.");
}

static enum local_result take_out(struct local_call *call, const struct lambda_function *function,
                                  json_t *policy, const char *revision)
{
    const char *sid = local_text(call, "StatementId");
    json_t *statements = json_object_get(policy, "Statement");
    size_t at = find_statement(policy, sid);
    if (!revision)
        return local_fail(call, "ResourceNotFoundException",
                          "No policy is associated with the given resource.");
    if (at == json_array_size(statements))
        return local_fail(call, "ResourceNotFoundException",
                          "Statement %s is not found in resource policy.", sid);
    if (check_policy_revision(call, revision) != LOCAL_OK)
        return LOCAL_FAILED;
    json_array_remove(statements, at);
    return store_policy(call, function, policy);
}

enum local_result lambda_remove_permission(struct local_call *call)
{
    struct lambda_function function;
    const char *revision;
    enum local_result result = lambda_need(call, &function);
    if (result == LOCAL_OK) {
        json_t *policy = read_policy(call, &function, &revision);
        result = take_out(call, &function, policy, revision);
        json_decref(policy);
    }
    lambda_function_done(&function);
    return result;
}

enum local_result lambda_get_policy(struct local_call *call)
{
    struct lambda_function function;
    const char *revision;
    enum local_result result = lambda_need(call, &function);
    if (result == LOCAL_OK) {
        json_t *policy = read_policy(call, &function, &revision);
        char *text = json_dumps(policy, JSON_COMPACT);
        if (revision) {
            json_put_text(call->out, "Policy", text);
            json_put_text(call->out, "RevisionId", revision);
        } else {
            result = no_policy(call);
        }
        free(text);
        json_decref(policy);
    }
    lambda_function_done(&function);
    return result;
}
