#include "local/services/kms_parts.h"

#include "local/condition_keys.h"
#include "local/services/iam.h"

#include <stdio.h>
#include <string.h>

/* --- the text of policies --------------------------------------------------------------------- */

static void put_indent(struct buf *out, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        buf_append_text(out, "  ");
}

static void put_scalar(struct buf *out, const json_t *value)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_value(&writer, value);
}

static void put_value(struct buf *out, const json_t *value, unsigned depth);

static void put_object(struct buf *out, const json_t *object, unsigned depth)
{
    const char *key;
    json_t *value;
    const char *before = "{\n";
    json_object_foreach((json_t *)object, key, value)
    {
        buf_append_text(out, before);
        put_indent(out, depth + 1);
        json_t *name = json_string(key);
        put_scalar(out, name);
        json_decref(name);
        buf_append_text(out, " : ");
        put_value(out, value, depth + 1);
        before = ",\n";
    }
    if (json_object_size(object) == 0) {
        buf_append_text(out, "{ }");
        return;
    }
    buf_append_char(out, '\n');
    put_indent(out, depth);
    buf_append_char(out, '}');
}

/* As AWS's own serialiser lays it out: lists in one line, objects one member a line (section 2:
 * "comes back reformatted"; layout observed in the Secrets Manager guide's example). */
static void put_value(struct buf *out, const json_t *value, unsigned depth)
{
    if (json_is_object(value)) {
        put_object(out, value, depth);
    } else if (json_is_array(value)) {
        buf_append_char(out, '[');
        for (size_t i = 0; i < json_array_size(value); i++) {
            buf_append_text(out, i ? ", " : " ");
            put_value(out, json_array_get(value, i), depth);
        }
        buf_append_text(out, " ]");
    } else {
        put_scalar(out, value);
    }
}

int kms_policy_format(struct arena *arena, const char *policy, char **shown, struct error *err)
{
    json_t *document = json_read(policy, strlen(policy), err);
    if (!document)
        return -1;
    struct buf text;
    buf_init(&text, 16 * (size_t)KMS_LARGEST_POLICY);
    put_value(&text, document, 0);
    json_decref(document);
    int status = text.overflow ? error_set(err, ERR_LIMIT, "the policy is too deep") : 0;
    *shown = arena_strdup(arena, buf_text(&text));
    buf_done(&text);
    return status;
}

char *kms_default_policy(struct local_call *call)
{
    return arena_printf(call->arena,
                        "{\"Version\":\"2012-10-17\",\"Id\":\"key-default-1\",\"Statement\":[{"
                        "\"Sid\":\"Enable IAM User Permissions\",\"Effect\":\"Allow\","
                        "\"Principal\":{\"AWS\":\"arn:%s:iam::%s:root\"},\"Action\":\"kms:*\","
                        "\"Resource\":\"*\"}]}",
                        call->partition, call->account);
}

/* --- checks of a policy given ----------------------------------------------------------------- */

static bool principals_exist(struct local_call *call, const json_t *value)
{
    if (json_is_string(value))
        return iam_principal_exists(call, json_string_value(value));
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!principals_exist(call, json_array_get(value, i)))
            return false;
    return json_is_array(value);
}

static bool statement_principals_exist(struct local_call *call, const json_t *statement)
{
    static const char *const elements[] = {"Principal", "NotPrincipal"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *principal = json_object_get(statement, elements[i]);
        const json_t *aws = json_object_get(principal, "AWS");
        if (aws && !principals_exist(call, aws))
            return false;
    }
    return true;
}

static bool all_principals_exist(struct local_call *call, const json_t *document)
{
    const json_t *statements = json_object_get(document, "Statement");
    if (json_is_object(statements))
        return statement_principals_exist(call, statements);
    for (size_t i = 0; i < json_array_size(statements); i++)
        if (!statement_principals_exist(call, json_array_get(statements, i)))
            return false;
    return true;
}

/* Is it the default policy, but for its names? */
static bool is_default(struct local_call *call, json_t *document)
{
    struct error err;
    const char *text = kms_default_policy(call);
    json_t *standard = json_read(text, strlen(text), &err);
    json_t *const both[] = {document, standard};
    for (size_t i = 0; i < 2; i++) {
        json_object_del(both[i], "Id");
        json_object_del(json_array_get(json_object_get(both[i], "Statement"), 0), "Sid");
    }
    bool same = json_equal(document, standard);
    json_decref(standard);
    return same;
}

/* Could the caller still change it afterwards? */
static bool keeps_door_open(struct local_call *call, const struct policy *policy)
{
    struct local_question question = {.action = "kms:PutKeyPolicy",
                                      .resource = local_arn(call, "kms", "key/new")};
    struct condition_keys keys = {.call = call};
    condition_keys_add(&keys, "kms:CallerAccount", call->caller->account);
    question.context = keys.items;
    question.context_count = keys.count;
    struct policy_question full;
    local_policy_question(call, &question, &full);
    return policy_evaluate(policy, &full, NULL) == POLICY_ALLOW;
}

static enum local_result malformed(struct local_call *call, const char *why)
{
    return local_fail(call, "MalformedPolicyDocumentException", "%s", why);
}

enum local_result kms_policy_check(struct local_call *call, const char *given, bool bypass,
                                   char **shown, enum kms_policy_shape *shape)
{
    if (strlen(given) > KMS_LARGEST_POLICY)
        return local_fail(call, "LimitExceededException", "The key policy is larger than %d bytes.",
                          KMS_LARGEST_POLICY);
    struct error err;
    json_t *document = json_read(given, strlen(given), &err);
    if (!document)
        return malformed(call, err.message);
    bool known = all_principals_exist(call, document);
    *shape = is_default(call, document) ? KMS_POLICY_DEFAULT : KMS_POLICY_EVALUATED;
    json_decref(document);
    if (!known)
        return malformed(call, "Policy contains a statement with one or more invalid principals.");
    const struct policy *policy =
        policy_parse(call->arena, given, strlen(given), POLICY_RESOURCE, &err);
    if (!policy || kms_policy_format(call->arena, given, shown, &err) != 0)
        return malformed(call, err.message);
    if (!bypass && !keeps_door_open(call, policy))
        return malformed(call, "The new key policy will not allow you to update the key policy in "
                               "the future.");
    return LOCAL_OK;
}

/* --- operations ------------------------------------------------------------------------------- */

static enum local_result named_default(struct local_call *call)
{
    const char *name = local_text(call, "PolicyName");
    if (name && strcmp(name, "default") != 0)
        return local_fail(call, "NotFoundException", "No such policy exists");
    return LOCAL_OK;
}

enum local_result kms_get_key_policy(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = kms_find(call, local_text(call, "KeyId"), 0, &key);
    if (result == LOCAL_OK)
        result = named_default(call);
    if (result != LOCAL_OK)
        return result;
    json_put_text(call->out, "Policy", key->policy);
    json_put_text(call->out, "PolicyName", "default");
    return LOCAL_OK;
}

enum local_result kms_put_key_policy(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = kms_find(call, local_text(call, "KeyId"), 0, &key);
    if (result == LOCAL_OK)
        result = named_default(call);
    char *shown;
    enum kms_policy_shape shape;
    if (result == LOCAL_OK)
        result = kms_policy_check(call, local_text(call, "Policy"),
                                  local_bool(call, "BypassPolicyLockoutSafetyCheck", false), &shown,
                                  &shape);
    if (result != LOCAL_OK)
        return result;
    store_run(call->store,
              "UPDATE kms_keys SET policy = $1, shape = $2 WHERE key_id = $3 AND region = $4",
              "titt", shown, (int64_t)shape, key->id, key->region);
    return LOCAL_OK;
}

enum local_result kms_list_key_policies(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = kms_find(call, local_text(call, "KeyId"), 0, &key);
    if (result != LOCAL_OK)
        return result;
    const char *position;
    result = kms_marker(call, &position);
    if (result != LOCAL_OK)
        return result;
    json_key(call->out, "PolicyNames");
    json_open_list(call->out);
    json_write_text(call->out, "default");
    json_close_list(call->out);
    json_put_bool(call->out, "Truncated", false);
    return LOCAL_OK;
}
