#include "local/services/iam_parts.h"

#include "aws/arn.h"

#include <string.h>

enum { LARGEST_TRUST = 2048 };

static enum local_result malformed(struct local_call *call, const char *text)
{
    return local_fail_status(call, 400, "MalformedPolicyDocument", "%s", text);
}

bool iam_principal_exists(struct local_call *call, const char *principal)
{
    struct arn arn;
    struct iam_role role;
    if (strcmp(principal, "*") == 0 || account_valid(principal))
        return true;
    if (arn_parse(principal, strlen(principal), &arn) != 0 ||
        !text_is(arn.partition, call->partition) || arn.region.len != 0 || arn.account.len != 12)
        return false;
    const char *resource = arn.resource.data;
    if (text_is(arn.service, "sts")) /* sessions come and go */
        return text_starts(resource, "assumed-role/") || text_starts(resource, "federated-user/");
    if (!text_is(arn.service, "iam"))
        return false;
    if (text_is(arn.resource, "root") || call->local->any_credentials)
        return true;
    if (text_starts(resource, "role/"))
        return iam_role_find(call->store, call->arena, principal, &role) == LOCAL_OK;
    struct iam_entity user;
    return text_starts(resource, "user/") &&
           iam_entity_by_arn(call->store, call->arena, principal, &user);
}

/* The name of a principal that does not exist, or NULL. */
static const char *missing_principal(struct local_call *call, const json_t *value)
{
    if (json_is_string(value))
        return iam_principal_exists(call, json_string_value(value)) ? NULL
                                                                    : json_string_value(value);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *missing = missing_principal(call, json_array_get(value, i));
        if (missing)
            return missing;
    }
    return NULL;
}

static bool is_sts_action(const char *action)
{
    return text_starts_nocase(action, "sts:");
}

static bool only_sts_actions(const json_t *value)
{
    if (json_is_string(value))
        return is_sts_action(json_string_value(value));
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!only_sts_actions(json_array_get(value, i)))
            return false;
    return json_is_array(value);
}

static enum local_result check_statement(struct local_call *call, const json_t *statement)
{
    if (json_object_get(statement, "Resource") || json_object_get(statement, "NotResource"))
        return malformed(call, "Has prohibited field Resource");
    if (!json_object_get(statement, "Principal"))
        return malformed(call, "AssumeRolePolicy must contain principals");
    if (!only_sts_actions(json_object_get(statement, "Action")))
        return malformed(call, "AssumeRole policy may only specify STS AssumeRole actions.");
    const json_t *aws = json_object_get(json_object_get(statement, "Principal"), "AWS");
    const char *missing = missing_principal(call, aws);
    if (missing)
        return local_fail_status(call, 400, "MalformedPolicyDocument",
                                 "Invalid principal in policy: \"AWS\":\"%s\"", missing);
    return LOCAL_OK;
}

enum local_result iam_check_trust(struct local_call *call, const char *text)
{
    struct error err;
    json_t *document = json_read(text, strlen(text), &err);
    if (!document)
        return malformed(call, "This policy contains invalid Json");
    const json_t *statements = json_object_get(document, "Statement");
    enum local_result result = LOCAL_OK;
    if (json_is_object(statements))
        result = check_statement(call, statements);
    for (size_t i = 0; result == LOCAL_OK && i < json_array_size(statements); i++)
        result = check_statement(call, json_array_get(statements, i));
    json_decref(document);
    if (result == LOCAL_OK && !policy_parse(call->arena, text, strlen(text), POLICY_TRUST, &err))
        result = malformed(call, err.message);
    if (result == LOCAL_OK && strlen(text) > LARGEST_TRUST)
        result = local_fail_status(call, 409, "LimitExceeded",
                                   "Cannot exceed quota for ACLSizePerRole: %d", LARGEST_TRUST);
    return result;
}
