/* What grants allow, and grant tokens (shared facts kms.md section 7). */
#include "local/services/kms_grant.h"

#include "base/digest.h"

#include <string.h>

/* --- tokens ----------------------------------------------------------------------------------- */

/* Base64 of a tag of 16 bytes, 16 random bytes, and "key id/Region/grant id" in clear: a new one at
 * each call, good for as long as the grant. Grants act at once here, so a token adds nothing to
 * them; but an invented one is refused. */
enum { TAG_SIZE = 16, SALT_SIZE = 16, HEAD_SIZE = TAG_SIZE + SALT_SIZE };

static void tag_of(struct local_call *call, const unsigned char *salted, size_t len,
                   unsigned char tag[TAG_SIZE])
{
    unsigned char key[32], digest[SHA256_SIZE];
    keyring_derive(call->local->keyring, "kms:grant-token", key);
    digest_hmac_sha256(key, sizeof key, salted, len, digest);
    memcpy(tag, digest, TAG_SIZE);
    explicit_bzero(key, sizeof key);
}

char *kms_grant_token(struct local_call *call, const struct kms_key *key, const char *grant_id)
{
    const char *name = arena_printf(call->arena, "%s/%s/%s", key->id, key->region, grant_id);
    size_t len = strlen(name);
    unsigned char *bytes = arena_alloc(call->arena, HEAD_SIZE + len);
    random_bytes(call->local->random, bytes + TAG_SIZE, SALT_SIZE);
    memcpy(bytes + HEAD_SIZE, name, len);
    tag_of(call, bytes + TAG_SIZE, SALT_SIZE + len, bytes);
    return base64_encode(call->arena, bytes, HEAD_SIZE + len);
}

int kms_grant_token_read(struct local_call *call, const char *token, struct kms_granted *out)
{
    unsigned char *bytes, tag[TAG_SIZE];
    size_t len;
    if (base64_decode(call->arena, token, strlen(token), &bytes, &len) != 0 || len <= HEAD_SIZE)
        return -1;
    tag_of(call, bytes + TAG_SIZE, len - TAG_SIZE, tag);
    if (!digest_equal(tag, bytes, TAG_SIZE))
        return -1;
    char *name = arena_strndup(call->arena, (const char *)bytes + HEAD_SIZE, len - HEAD_SIZE);
    char *region = strchr(name, '/'), *id = region ? strchr(region + 1, '/') : NULL;
    if (!id)
        return -1;
    *region = *id = '\0';
    *out = (struct kms_granted){name, region + 1, id + 1};
    return 0;
}

enum local_result kms_check_grant_tokens(struct local_call *call)
{
    const json_t *tokens = local_value(call, "GrantTokens");
    struct kms_granted granted;
    for (size_t i = 0; i < json_array_size(tokens); i++)
        if (kms_grant_token_read(call, json_string_value(json_array_get(tokens, i)), &granted) != 0)
            return local_fail(call, "InvalidGrantTokenException", "Invalid grant token.");
    return LOCAL_OK;
}

/* --- constraints ------------------------------------------------------------------------------ */

static const char *in_context(const struct kms_context *context, const char *key)
{
    for (size_t i = 0; i < context->count; i++)
        if (strcmp(context->pairs[i].key, key) == 0)
            return context->pairs[i].value;
    return NULL;
}

bool kms_constraints_hold(const json_t *constraints, const struct kms_context *context)
{
    const json_t *subset = json_object_get(constraints, "EncryptionContextSubset");
    const json_t *equals = json_object_get(constraints, "EncryptionContextEquals");
    const json_t *const both[] = {subset, equals};
    if (json_object_get(constraints, "SourceArn")) /* for services that act for a resource */
        return false;
    for (size_t i = 0; i < 2; i++) {
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)both[i], key, value)
        {
            const char *found = in_context(context, key);
            if (!found || strcmp(found, json_string_value(value)) != 0)
                return false;
        }
    }
    return !equals || json_object_size(equals) == context->count;
}

static bool holds_pairs(const json_t *outer, const json_t *inner)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)inner, key, value)
    {
        if (!json_equal(json_object_get(outer, key), value))
            return false;
    }
    return true;
}

bool kms_constraints_within(const json_t *inner, const json_t *outer)
{
    const json_t *subset = json_object_get(outer, "EncryptionContextSubset");
    const json_t *equals = json_object_get(outer, "EncryptionContextEquals");
    const json_t *own_subset = json_object_get(inner, "EncryptionContextSubset");
    const json_t *own_equals = json_object_get(inner, "EncryptionContextEquals");
    if (equals && !json_equal(equals, own_equals))
        return false;
    return !subset || holds_pairs(own_subset, subset) || holds_pairs(own_equals, subset);
}

/* --- use -------------------------------------------------------------------------------------- */

static bool has_text(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
            return true;
    return false;
}

/* May a grant with these operations and constraints make the one that CreateGrant asks for? */
static bool may_pass_on(struct local_call *call, const json_t *operations,
                        const json_t *constraints)
{
    const json_t *asked = local_value(call, "Operations");
    for (size_t i = 0; i < json_array_size(asked); i++)
        if (!has_text(operations, json_string_value(json_array_get(asked, i))))
            return false;
    return kms_constraints_within(local_value(call, "Constraints"), constraints);
}

static json_t *parsed(const struct store_rows *rows, int column)
{
    struct text text = store_text(rows, column);
    struct error err;
    return text.data ? json_read(text.data, text.len, &err) : NULL;
}

static bool grant_allows(struct local_call *call, const struct store_rows *rows,
                         const struct kms_question *question)
{
    const char *operation = question->action + strlen("kms:");
    json_t *operations = parsed(rows, 0), *constraints = parsed(rows, 1);
    bool creates = strcmp(operation, "CreateGrant") == 0;
    bool crypts = strcmp(operation, "DescribeKey") != 0 && strcmp(operation, "RetireGrant") != 0 &&
                  strcmp(operation, "GetPublicKey") != 0 && !creates;
    bool allows = has_text(operations, operation) &&
                  (!crypts || kms_constraints_hold(constraints, &question->context)) &&
                  (!creates || may_pass_on(call, operations, constraints));
    json_decref(operations);
    json_decref(constraints);
    return allows;
}

/* Grants of this key to this principal. */
static bool any_allows(struct local_call *call, const struct kms_key *key, const char *grantee,
                       const struct kms_question *question)
{
    struct store_rows rows;
    bool allows = false;
    if (!grantee)
        return false;
    store_query(call->store, &rows,
                "SELECT operations, constraints FROM kms_grants WHERE key_id = $1 AND region = $2 "
                "AND grantee = $3 ORDER BY ordinal",
                "ttt", key->id, key->region, grantee);
    while (!allows && store_next(&rows))
        allows = grant_allows(call, &rows, question);
    store_end(&rows);
    return allows;
}

/* The retiring principal, and the account that made the grant, may retire it (D23). */
static bool may_retire(struct local_call *call, const struct kms_key *key, const char *grant_id,
                       const char *name)
{
    struct store_rows rows;
    if (!grant_id || !name)
        return false;
    store_query(call->store, &rows,
                "SELECT retiring, issuer FROM kms_grants WHERE key_id = $1 AND region = $2 AND "
                "grant_id = $3",
                "ttt", key->id, key->region, grant_id);
    bool may = store_next(&rows) &&
               (text_is(store_text(&rows, 0), name) ||
                (call->caller->kind == PRINCIPAL_ROOT && text_is(store_text(&rows, 1), name)));
    store_end(&rows);
    return may;
}

enum policy_match kms_grant_match(struct local_call *call, const struct kms_key *key,
                                  const struct kms_question *question)
{
    const struct principal *caller = call->caller;
    bool user = caller->kind == PRINCIPAL_USER || caller->kind == PRINCIPAL_ROOT;
    const struct {
        const char *name;
        enum policy_match match;
    } names[] = {
        {kms_caller(call), user ? POLICY_MATCH_USER : POLICY_MATCH_SESSION},
        {caller->role_arn ? kms_in_partition(call, caller->role_arn) : NULL, POLICY_MATCH_ROLE},
        {arena_printf(call->arena, "arn:%s:iam::%s:root", call->partition, caller->account),
         POLICY_MATCH_ACCOUNT},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (may_retire(call, key, question->grant_id, names[i].name) ||
            any_allows(call, key, names[i].name, question))
            return names[i].match;
    return POLICY_MATCH_NONE;
}
