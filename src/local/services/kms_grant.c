/* Grants: made, listed, ended (shared facts kms.md section 7). */
#include "local/services/kms_grant.h"

#include "aws/arn.h"
#include "base/digest.h"
#include "local/services/iam.h"

#include <string.h>

enum {
    GRANT_ID_SIZE = 65,
    LARGEST_GRANTS = 50000, /* of a key (section 11) */
    LARGEST_PAIRS = 8,      /* of a constraint, each of its texts within */
    LARGEST_PAIR_TEXT = 384,
    LARGEST_STORED = 64 * 1024,
};

/* --- checks ----------------------------------------------------------------------------------- */

static enum local_result check_principal(struct local_call *call, const char *member)
{
    const char *principal = local_text(call, member);
    if (!principal || (arn_is(principal) && iam_principal_exists(call, principal)))
        return LOCAL_OK;
    return local_fail(call, "InvalidArnException", "ARN does not refer to a valid principal: %s",
                      principal);
}

static enum local_result check_principals(struct local_call *call)
{
    bool grantee = local_text(call, "GranteePrincipal") != NULL;
    bool grantee_service = local_text(call, "GranteeServicePrincipal") != NULL;
    if (grantee == grantee_service) /* text not observed (K) */
        return local_fail(call, "ValidationException",
                          "Specify either GranteePrincipal or GranteeServicePrincipal.");
    if (local_text(call, "RetiringPrincipal") && local_text(call, "RetiringServicePrincipal"))
        return local_fail(call, "ValidationException",
                          "Specify either RetiringPrincipal or RetiringServicePrincipal.");
    enum local_result result = check_principal(call, "GranteePrincipal");
    return result == LOCAL_OK ? check_principal(call, "RetiringPrincipal") : result;
}

static bool pairs_fit(const json_t *pairs)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)pairs, key, value)
    {
        if (strlen(key) > LARGEST_PAIR_TEXT || json_string_length(value) > LARGEST_PAIR_TEXT)
            return false;
    }
    return json_object_size(pairs) <= LARGEST_PAIRS;
}

/* Texts of these two not observed (K). */
static enum local_result check_constraints(struct local_call *call, const struct kms_key *key)
{
    const json_t *constraints = local_value(call, "Constraints");
    const json_t *subset = json_object_get(constraints, "EncryptionContextSubset");
    const json_t *equals = json_object_get(constraints, "EncryptionContextEquals");
    if ((subset || equals) && !kms_spec_symmetric(key->spec))
        return local_fail(call, "ValidationException",
                          "An encryption context constraint is not valid with key spec %s.",
                          key->spec);
    if ((subset && equals) || !pairs_fit(subset) || !pairs_fit(equals))
        return local_fail(call, "ValidationException",
                          "A grant takes one encryption context constraint of up to %d pairs, each "
                          "key and value of up to %d characters.",
                          LARGEST_PAIRS, LARGEST_PAIR_TEXT);
    return LOCAL_OK;
}

/* Which usages know the operation; the rest is for every key. */
static bool operation_suits(const struct kms_key *key, const char *operation)
{
    static const struct {
        const char *operation, *usage;
        bool symmetric;
    } rows[] = {
        {"Encrypt", "ENCRYPT_DECRYPT", false},
        {"Decrypt", "ENCRYPT_DECRYPT", false},
        {"ReEncryptFrom", "ENCRYPT_DECRYPT", false},
        {"ReEncryptTo", "ENCRYPT_DECRYPT", false},
        {"GenerateDataKey", "ENCRYPT_DECRYPT", true},
        {"GenerateDataKeyWithoutPlaintext", "ENCRYPT_DECRYPT", true},
        {"GenerateDataKeyPair", "ENCRYPT_DECRYPT", true},
        {"GenerateDataKeyPairWithoutPlaintext", "ENCRYPT_DECRYPT", true},
        {"Sign", "SIGN_VERIFY", false},
        {"Verify", "SIGN_VERIFY", false},
        {"GenerateMac", "GENERATE_VERIFY_MAC", false},
        {"VerifyMac", "GENERATE_VERIFY_MAC", false},
        {"DeriveSharedSecret", "KEY_AGREEMENT", false},
    };
    enum kms_family family = kms_spec_find(key->spec)->family;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].operation, operation) == 0)
            return strcmp(rows[i].usage, key->usage) == 0 &&
                   (!rows[i].symmetric || family == KMS_AES);
    return strcmp(operation, "GetPublicKey") != 0 || (family != KMS_AES && family != KMS_HMAC);
}

/* M: "ValidationError"; text not observed (K). */
static enum local_result check_operations(struct local_call *call, const struct kms_key *key)
{
    const json_t *list = local_value(call, "Operations");
    if (json_array_size(list) == 0)
        return local_fail(call, "ValidationException", "A grant needs at least one operation.");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *operation = json_string_value(json_array_get(list, i));
        if (!operation_suits(key, operation))
            return local_fail(call, "ValidationException",
                              "The operation %s is not valid for a key of spec %s and usage %s.",
                              operation, key->spec, key->usage);
    }
    return LOCAL_OK;
}

static enum local_result check_room(struct local_call *call, const struct kms_key *key)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT COUNT(*) FROM kms_grants WHERE key_id = $1 AND region = $2", "tt", key->id,
                key->region);
    bool full = store_next(&rows) && store_int(&rows, 0) >= LARGEST_GRANTS;
    store_end(&rows);
    return full ? local_fail(call, "LimitExceededException", "%s has %d grants already.", key->arn,
                             LARGEST_GRANTS)
                : LOCAL_OK;
}

/* --- CreateGrant ------------------------------------------------------------------------------ */

static const char *stored(struct local_call *call, const char *member)
{
    const json_t *value = local_value(call, member);
    if (!value)
        return NULL;
    struct buf text;
    struct json_writer writer;
    buf_init(&text, LARGEST_STORED);
    json_writer_init(&writer, &text);
    json_write_value(&writer, value);
    char *copy = arena_strdup(call->arena, buf_text(&text));
    buf_done(&text);
    return copy;
}

struct grant {
    const char *name, *grantee, *grantee_service, *retiring, *retiring_service;
    const char *operations, *constraints;
};

static bool same(struct text column, const char *text)
{
    return text ? text_is(column, text) : column.data == NULL;
}

/* A named grant asked for again with the same parameters is the one there is (M). */
static const char *find_same(struct local_call *call, const struct kms_key *key,
                             const struct grant *grant)
{
    const char *id = NULL;
    struct store_rows rows;
    if (!grant->name)
        return NULL;
    store_query(call->store, &rows,
                "SELECT grant_id, grantee, grantee_service, retiring, retiring_service, "
                "operations, constraints FROM kms_grants WHERE key_id = $1 AND region = $2 AND "
                "name = $3",
                "ttt", key->id, key->region, grant->name);
    while (!id && store_next(&rows)) {
        struct text found = store_text(&rows, 0);
        if (same(store_text(&rows, 1), grant->grantee) &&
            same(store_text(&rows, 2), grant->grantee_service) &&
            same(store_text(&rows, 3), grant->retiring) &&
            same(store_text(&rows, 4), grant->retiring_service) &&
            same(store_text(&rows, 5), grant->operations) &&
            same(store_text(&rows, 6), grant->constraints))
            id = arena_strndup(call->arena, found.data, found.len);
    }
    store_end(&rows);
    return id;
}

static const char *insert(struct local_call *call, const struct kms_key *key,
                          const struct grant *grant)
{
    unsigned char bytes[32];
    char *id = arena_alloc(call->arena, GRANT_ID_SIZE);
    random_bytes(call->local->random, bytes, sizeof bytes);
    digest_hex(bytes, sizeof bytes, id);
    store_run(call->store,
              "INSERT INTO kms_grants (key_id, region, grant_id, ordinal, name, grantee, "
              "grantee_service, retiring, retiring_service, operations, constraints, issuer, "
              "created_ms) SELECT $1, $2, $3, COALESCE(MAX(ordinal), 0) + 1, $4, $5, $6, $7, $8, "
              "$9, $10, $11, $12 FROM kms_grants",
              "ttttttttttti", key->id, key->region, id, grant->name, grant->grantee,
              grant->grantee_service, grant->retiring, grant->retiring_service, grant->operations,
              grant->constraints,
              arena_printf(call->arena, "arn:%s:iam::%s:root", call->partition,
                           call->caller->account),
              call->local->clock->now_ms(call->local->clock));
    return id;
}

enum local_result kms_create_grant(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = kms_find(call, local_text(call, "KeyId"), KMS_OTHER_ACCOUNT, &key);
    if (result == LOCAL_OK)
        result = kms_require(call, key, KMS_TO_USE);
    if (result == LOCAL_OK)
        result = check_principals(call);
    if (result == LOCAL_OK)
        result = check_operations(call, key);
    if (result == LOCAL_OK)
        result = check_constraints(call, key);
    if (result == LOCAL_OK)
        result = check_room(call, key);
    if (result == LOCAL_OK)
        result = kms_check_dry_run(call);
    if (result != LOCAL_OK)
        return result;
    struct grant grant = {.name = local_text(call, "Name"),
                          .grantee = local_text(call, "GranteePrincipal"),
                          .grantee_service = local_text(call, "GranteeServicePrincipal"),
                          .retiring = local_text(call, "RetiringPrincipal"),
                          .retiring_service = local_text(call, "RetiringServicePrincipal"),
                          .operations = stored(call, "Operations"),
                          .constraints = stored(call, "Constraints")};
    const char *id = find_same(call, key, &grant);
    if (!id)
        id = insert(call, key, &grant);
    json_put_text(call->out, "GrantToken", kms_grant_token(call, key, id));
    json_put_text(call->out, "GrantId", id);
    return LOCAL_OK;
}

/* --- listing ---------------------------------------------------------------------------------- */

static const char *const rows_of_key =
    "SELECT ordinal, key_id, grant_id, name, grantee, grantee_service, retiring, "
    "retiring_service, operations, constraints, issuer, created_ms FROM kms_grants WHERE "
    "key_id = $1 AND region = $2 AND ordinal > $3 AND ($4 IS NULL OR grant_id = $5) AND "
    "($6 IS NULL OR grantee = $7) AND ($8 IS NULL OR grantee_service = $9) ORDER BY ordinal "
    "LIMIT $10";
static const char *const rows_retirable =
    "SELECT ordinal, key_id, grant_id, name, grantee, grantee_service, retiring, "
    "retiring_service, operations, constraints, issuer, created_ms FROM kms_grants WHERE "
    "region = $1 AND retiring = $2 AND ordinal > $3 ORDER BY ordinal LIMIT $4";

static void put_column(struct local_call *call, const struct store_rows *rows, int column,
                       const char *name)
{
    struct text text = store_text(rows, column);
    if (!text.data)
        return;
    json_key(call->out, name);
    json_write_text_n(call->out, text.data, text.len);
}

static void put_json(struct local_call *call, const struct store_rows *rows, int column,
                     const char *name)
{
    struct text text = store_text(rows, column);
    if (!text.data)
        return;
    json_key(call->out, name);
    json_write_raw(call->out, text.data, text.len);
}

static void put_grant(struct local_call *call, const struct kms_key *key,
                      const struct store_rows *rows)
{
    json_open(call->out);
    json_put_text(call->out, "KeyId", key->arn);
    put_column(call, rows, 2, "GrantId");
    if (store_null(rows, 3))
        json_put_text(call->out, "Name", "");
    put_column(call, rows, 3, "Name");
    local_put_time(call, "CreationDate", store_int(rows, 11));
    put_column(call, rows, 4, "GranteePrincipal");
    put_column(call, rows, 5, "GranteeServicePrincipal");
    put_column(call, rows, 6, "RetiringPrincipal");
    put_column(call, rows, 7, "RetiringServicePrincipal");
    put_column(call, rows, 10, "IssuingAccount");
    put_json(call, rows, 8, "Operations");
    put_json(call, rows, 9, "Constraints");
    json_close(call->out);
}

static enum local_result take_marker(struct local_call *call, int64_t *after)
{
    const char *marker;
    *after = 0;
    enum local_result result = kms_marker(call, &marker);
    if (result == LOCAL_OK && *marker && text_to_int64(marker, strlen(marker), after) != 0)
        result = local_fail(call, "InvalidMarkerException", "Invalid marker.");
    return result;
}

/* Writes the page and ends the rows; `key` NULL: each row has its own. */
static void put_page(struct local_call *call, const struct kms_key *key, struct store_rows *rows,
                     int64_t limit)
{
    int64_t last = 0, count = 0;
    bool more = false;
    json_key(call->out, "Grants");
    json_open_list(call->out);
    while (!more && store_next(rows)) {
        struct text id = store_text(rows, 1);
        const struct kms_key *own =
            key ? key : kms_load(call, arena_strndup(call->arena, id.data, id.len));
        if (!own) /* deleted, its rows not yet */
            continue;
        if (count++ == limit) {
            more = true;
            break;
        }
        last = store_int(rows, 0);
        put_grant(call, own, rows);
    }
    store_end(rows);
    json_close_list(call->out);
    kms_put_marker(call, more ? arena_printf(call->arena, "%lld", (long long)last) : NULL);
}

static bool is_grant_id(const char *id)
{
    unsigned char bytes[32];
    return digest_unhex(id, strlen(id), bytes, sizeof bytes) == 0;
}

enum local_result kms_list_grants(struct local_call *call)
{
    const char *id = local_text(call, "GrantId"), *grantee = local_text(call, "GranteePrincipal");
    const char *service = local_text(call, "GranteeServicePrincipal");
    const struct kms_key *key;
    int64_t after, limit = local_int(call, "Limit", 50);
    enum local_result result = kms_find(call, local_text(call, "KeyId"), KMS_OTHER_ACCOUNT, &key);
    if (result == LOCAL_OK && id && !is_grant_id(id))
        result = local_fail_bare(call, "InvalidGrantIdException");
    if (result == LOCAL_OK)
        result = take_marker(call, &after);
    if (result != LOCAL_OK)
        return result;
    struct store_rows rows;
    store_query(call->store, &rows, rows_of_key, "ttitttttti", key->id, key->region, after, id, id,
                grantee, grantee, service, service, limit + 1);
    put_page(call, key, &rows, limit);
    return LOCAL_OK;
}

enum local_result kms_list_retirable_grants(struct local_call *call)
{
    const char *principal = local_text(call, "RetiringPrincipal");
    int64_t after, limit = local_int(call, "Limit", 50);
    struct arn arn;
    enum local_result result = take_marker(call, &after);
    if (result != LOCAL_OK)
        return result;
    if (!principal && !local_text(call, "RetiringServicePrincipal"))
        return local_fail(call, "ValidationException",
                          "1 validation error detected: Value null at 'retiringPrincipal' failed "
                          "to satisfy constraint: Member must not be null");
    if (principal && arn_parse(principal, strlen(principal), &arn) != 0)
        return local_fail(call, "InvalidArnException",
                          "ARN does not refer to a valid principal: %s", principal);
    if (principal && !text_is(arn.account, call->account)) /* one's own account's only (M) */
        return local_fail(call, "AccessDeniedException",
                          "User: %s is not authorized to perform: kms:ListRetirableGrants on "
                          "resource: %s",
                          kms_caller(call), principal);
    struct store_rows rows;
    store_query(call->store, &rows, rows_retirable, "ttii", call->region, principal, after,
                limit + 1);
    put_page(call, NULL, &rows, limit);
    return LOCAL_OK;
}

/* --- ending ----------------------------------------------------------------------------------- */

/* Which grant RetireGrant means; its key. */
static enum local_result find_granted(struct local_call *call, struct kms_granted *granted,
                                      const struct kms_key **key)
{
    const char *token = local_text(call, "GrantToken"), *id = local_text(call, "GrantId");
    const char *name = local_text(call, "KeyId");
    if (token) {
        if (kms_grant_token_read(call, token, granted) != 0 ||
            strcmp(granted->region, call->region) != 0 || !(*key = kms_load(call, granted->key_id)))
            return local_fail(call, "InvalidGrantTokenException", "Invalid grant token.");
        return LOCAL_OK;
    }
    if (!name || !id) /* text not observed (K) */
        return local_fail(call, "ValidationException",
                          "Grant token OR (grant ID, key ID) must be specified");
    if (!arn_is(name)) /* the key's ARN is asked for (M) */
        return local_fail(call, "InvalidArnException", "%s is not a key ARN.", name);
    granted->grant_id = id;
    return kms_find(call, name, KMS_OTHER_ACCOUNT, key);
}

const char *const *kms_grant_resources(struct local_call *call)
{
    struct kms_granted granted;
    const struct kms_key *key;
    if (find_granted(call, &granted, &key) != LOCAL_OK)
        return NULL;
    const char **arns = arena_calloc(call->arena, 2, sizeof *arns);
    arns[0] = arena_strdup(call->arena, key->arn);
    return arns;
}

const char *kms_grant_asked(struct local_call *call)
{
    struct kms_granted granted;
    const struct kms_key *key;
    return find_granted(call, &granted, &key) == LOCAL_OK ? granted.grant_id : NULL;
}

static enum local_result end_grant(struct local_call *call, const struct kms_key *key,
                                   const char *id)
{
    if (!is_grant_id(id))
        return local_fail_bare(call, "InvalidGrantIdException");
    if (store_run(call->store,
                  "DELETE FROM kms_grants WHERE key_id = $1 AND region = $2 AND grant_id = $3",
                  "ttt", key->id, key->region, id) == 0)
        return local_fail(call, "NotFoundException", "Grant ID %s is not found.", id);
    return kms_check_dry_run(call); /* whose failure undoes it */
}

enum local_result kms_retire_grant(struct local_call *call)
{
    struct kms_granted granted;
    const struct kms_key *key;
    enum local_result result = find_granted(call, &granted, &key);
    return result == LOCAL_OK ? end_grant(call, key, granted.grant_id) : result;
}

enum local_result kms_revoke_grant(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = kms_find(call, local_text(call, "KeyId"), KMS_OTHER_ACCOUNT, &key);
    return result == LOCAL_OK ? end_grant(call, key, local_text(call, "GrantId")) : result;
}
