/* Imported material (shared facts kms.md section 8; ImportKeyMaterial's reference page, 2026). */
#include "local/services/kms_import.h"
#include "local/agenda.h"

#include "local/services/kms_material.h"

#include <openssl/crypto.h>
#include <string.h>

static const int64_t day_ms = 24 * 60 * 60 * 1000;
enum { LARGEST_DAYS = 365 };

static int64_t now_of(struct local_call *call)
{
    return call->local->clock->now_ms(call->local->clock);
}

static enum local_result find_external(struct local_call *call, enum kms_need need,
                                       const struct kms_key **key)
{
    enum local_result result = kms_find(call, local_text(call, "KeyId"), 0, key);
    if (result == LOCAL_OK && strcmp((*key)->origin, "EXTERNAL") != 0)
        result = kms_fail_origin(call, *key);
    return result == LOCAL_OK ? kms_require(call, *key, need) : result;
}

/* --- import tokens ---------------------------------------------------------------------------- */

/* What stands in a token, sealed for its key: format, algorithm, end of validity, wrapping key. */
enum { FORMAT = 1, ALGORITHM_AT = 1, UNTIL_AT = 2, KEY_AT = 10 };

static const char *const algorithms[] = {"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256",
                                         "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"};
enum { ALGORITHMS = sizeof algorithms / sizeof *algorithms };

int kms_import_token_read(const unsigned char *data, size_t len, struct kms_import_token *out)
{
    if (len <= KEY_AT || data[0] != FORMAT || data[ALGORITHM_AT] >= ALGORITHMS)
        return -1;
    out->algorithm = algorithms[data[ALGORITHM_AT]];
    uint64_t until_ms = 0;
    for (size_t i = UNTIL_AT; i < KEY_AT; i++)
        until_ms = until_ms << 8 | data[i];
    out->until_ms = (int64_t)until_ms;
    out->key = data + KEY_AT;
    out->key_len = len - KEY_AT;
    return 0;
}

size_t kms_import_token_write(const struct kms_import_token *token, unsigned char *out)
{
    out[0] = FORMAT;
    for (size_t i = 0; i < ALGORITHMS; i++)
        if (strcmp(algorithms[i], token->algorithm) == 0)
            out[ALGORITHM_AT] = (unsigned char)i;
    for (size_t i = 0; i < KEY_AT - UNTIL_AT; i++)
        out[UNTIL_AT + i] = (unsigned char)((uint64_t)token->until_ms >> (56 - 8 * i));
    memcpy(out + KEY_AT, token->key, token->key_len);
    return KEY_AT + token->key_len;
}

static char *token_purpose(struct local_call *call, const struct kms_key *key)
{
    return arena_printf(call->arena, "kms:import:%s", key->arn);
}

/* Which wrapping takes which material (GetParametersForImport's reference page). */
static enum local_result check_wrapping(struct local_call *call, const struct kms_key *key,
                                        const char *algorithm, const char *wrapping_spec)
{
    enum kms_family family = kms_spec_find(key->spec)->family;
    bool key_wrap = strncmp(algorithm, "RSA_AES_", 8) == 0;
    if (strcmp(algorithm, "RSAES_PKCS1_V1_5") == 0 || strcmp(algorithm, "SM2PKE") == 0 ||
        strcmp(wrapping_spec, "SM2") == 0) /* gone since 2023-10, and China's Regions only */
        return local_fail(call, "UnsupportedOperationException",
                          "WrappingAlgorithm %s with WrappingKeySpec %s is not supported.",
                          algorithm, wrapping_spec);
    bool fits = key_wrap ? family != KMS_AES && family != KMS_HMAC
                         : family != KMS_RSA && !(strcmp(key->spec, "ECC_NIST_P521") == 0 &&
                                                  strcmp(wrapping_spec, "RSA_2048") == 0);
    if (fits)
        return LOCAL_OK; /* text of the other case not observed (K) */
    return local_fail(call, "UnsupportedOperationException",
                      "WrappingAlgorithm %s with WrappingKeySpec %s is not valid for key spec %s.",
                      algorithm, wrapping_spec, key->spec);
}

enum local_result kms_get_parameters_for_import(struct local_call *call)
{
    const char *algorithm = local_text(call, "WrappingAlgorithm");
    const char *wrapping_spec = local_text(call, "WrappingKeySpec");
    const struct kms_key *key;
    enum local_result result = find_external(call, KMS_TO_GET_WRAPPING, &key);
    if (result == LOCAL_OK)
        result = check_wrapping(call, key, algorithm, wrapping_spec);
    if (result != LOCAL_OK)
        return result;
    EVP_PKEY *pkey = kms_pkey_generate(kms_spec_find(wrapping_spec));
    struct kms_bytes secret = kms_pkey_private(call->arena, pkey);
    struct kms_bytes public = kms_pkey_public(call->arena, pkey), token;
    EVP_PKEY_free(pkey);
    struct kms_import_token written = {algorithm, now_of(call) + day_ms, secret.data, secret.len};
    unsigned char *plain = arena_alloc(call->arena, KEY_AT + secret.len);
    size_t plain_len = kms_import_token_write(&written, plain);
    keyring_seal(call->local->keyring, call->arena, token_purpose(call, key), plain, plain_len,
                 &token.data, &token.len);
    json_put_text(call->out, "KeyId", key->arn);
    kms_put_blob(call, "ImportToken", token.data, token.len);
    kms_put_blob(call, "PublicKey", public.data, public.len);
    local_put_time(call, "ParametersValidTo", written.until_ms);
    return LOCAL_OK;
}

/* --- what was sent ---------------------------------------------------------------------------- */

/* The material as it was before it was wrapped. */
static int unwrap(struct local_call *call, EVP_PKEY *pkey, const char *algorithm,
                  const struct kms_bytes *wrapped, struct kms_bytes *out)
{
    if (strncmp(algorithm, "RSA_AES_", 8) != 0)
        return kms_pkey_decrypt(call->arena, pkey, algorithm, wrapped, out);
    /* RSA_AES_KEY_WRAP: an AES key under RSA, then the material under that. */
    size_t size = (size_t)EVP_PKEY_get_size(pkey);
    struct kms_bytes aes;
    if (wrapped->len <= size)
        return -1;
    struct kms_bytes first = {wrapped->data, size};
    if (kms_pkey_decrypt(call->arena, pkey, algorithm, &first, &aes) != 0)
        return -1;
    return kms_unwrap(call->arena, &aes, wrapped->data + size, wrapped->len - size, out);
}

static enum local_result take_material(struct local_call *call, const struct kms_key *key,
                                       struct kms_bytes *out)
{
    struct kms_bytes sealed, plain, wrapped;
    struct kms_import_token token;
    if (kms_read_blob(call, "ImportToken", &sealed.data, &sealed.len) != 0 ||
        kms_read_blob(call, "EncryptedKeyMaterial", &wrapped.data, &wrapped.len) != 0)
        return kms_fail_internal(call);
    if (keyring_unseal(call->local->keyring, call->arena, token_purpose(call, key), sealed.data,
                       sealed.len, &plain.data, &plain.len) != 0 ||
        kms_import_token_read(plain.data, plain.len, &token) != 0)
        return local_fail_bare(call, "InvalidImportTokenException");
    if (token.until_ms <= now_of(call))
        return local_fail_bare(call, "ExpiredImportTokenException");
    EVP_PKEY *pkey = kms_pkey_read_private(token.key, token.key_len);
    int status = pkey ? unwrap(call, pkey, token.algorithm, &wrapped, out) : -1;
    EVP_PKEY_free(pkey);
    return status == 0 ? LOCAL_OK : local_fail_bare(call, "InvalidCiphertextException");
}

bool kms_import_fits(const struct kms_bytes *bytes, const struct kms_spec *spec)
{
    if (spec->family == KMS_AES || spec->family == KMS_HMAC)
        return bytes->len == (size_t)spec->bits / 8;
    EVP_PKEY *pkey = kms_pkey_read_private(bytes->data, bytes->len);
    bool fits = pkey && kms_pkey_fits(pkey, spec) && kms_pkey_sound(pkey);
    EVP_PKEY_free(pkey);
    return fits;
}

/* --- what a key holds ------------------------------------------------------------------------- */

struct held {
    bool known;    /* this material belongs to the key in this Region, imported or not */
    bool pending;  /* for the next rotation */
    char *waiting; /* the id of a material pending rotation, whichever; NULL: none */
    bool any;      /* the key ever had material */
};

static struct held look(struct local_call *call, const struct kms_key *key, const char *material)
{
    struct held held = {0};
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT material, pending FROM kms_imports WHERE key_id = $1 AND region = $2", "tt",
                key->id, key->region);
    while (store_next(&rows)) {
        struct text id = store_text(&rows, 0);
        bool pending = store_int(&rows, 1) != 0;
        held.any = true;
        if (pending)
            held.waiting = arena_strndup(call->arena, id.data, id.len);
        if (text_is(id, material)) {
            held.known = true;
            held.pending = pending;
        }
    }
    store_end(&rows);
    return held;
}

/* In the primary's Region, which leads: is this material there, for the next rotation or used? */
static bool primary_has(struct local_call *call, const struct kms_key *key, const char *material,
                        bool *pending)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT pending FROM kms_imports WHERE key_id = $1 AND region = $2 AND "
                "material = $3",
                "ttt", key->id, key->primary_region, material);
    bool found = store_next(&rows);
    *pending = found && store_int(&rows, 0) != 0;
    store_end(&rows);
    return found;
}

static enum local_result wrong_material(struct local_call *call)
{
    return local_fail_bare(call, "IncorrectKeyMaterialException");
}

/* May this material come into this key, and as what? */
static enum local_result check_place(struct local_call *call, const struct kms_key *key,
                                     const char *material, struct held *held)
{
    const char *type = local_text(call, "ImportType"), *id = local_text(call, "KeyMaterialId");
    *held = look(call, key, material);
    bool fresh = type ? strcmp(type, "NEW_KEY_MATERIAL") == 0 : !held->any;
    if (id && strcmp(id, material) != 0)
        return wrong_material(call);
    if (!fresh && key->multi_region == KMS_REPLICA && !held->known)
        return primary_has(call, key, material, &held->pending) ? LOCAL_OK : wrong_material(call);
    if (!fresh)
        return held->known ? LOCAL_OK : wrong_material(call);
    if (held->known)
        return wrong_material(call);
    if (!held->any && key->multi_region != KMS_REPLICA)
        return LOCAL_OK;
    if (!kms_spec_symmetric(key->spec)) /* its first material stays (M) */
        return wrong_material(call);
    if (key->multi_region == KMS_REPLICA)
        return kms_require_primary(call, key);
    held->pending = true;
    if (!held->waiting)
        return LOCAL_OK;
    return local_fail(call, "KMSInvalidStateException",
                      "New key material (id: %s) cannot be imported into KMS key %s, because "
                      "another key material (id: %s) is pending rotation.",
                      material, key->arn, held->waiting);
}

static enum local_result expiration(struct local_call *call, int64_t *expires_ms)
{
    const char *model = local_text(call, "ExpirationModel");
    const json_t *valid_to = local_value(call, "ValidTo");
    bool expires = !model || strcmp(model, "KEY_MATERIAL_EXPIRES") == 0;
    *expires_ms = 0;
    if (expires && !valid_to)
        return local_fail(call, "ValidationException",
                          "A validTo date must be set if the ExpirationModel is "
                          "KEY_MATERIAL_EXPIRES");
    if (!expires && valid_to) /* these texts not observed (K) */
        return local_fail(call, "ValidationException",
                          "A validTo date must not be set if the ExpirationModel is "
                          "KEY_MATERIAL_DOES_NOT_EXPIRE");
    if (!expires)
        return LOCAL_OK;
    double seconds = json_number_value(valid_to);
    double now = (double)now_of(call) / 1000;
    if (!(seconds > now && seconds <= now + LARGEST_DAYS * 86400.0))
        return local_fail(call, "ValidationException",
                          "The validTo date must be in the future and within %d days.",
                          LARGEST_DAYS);
    *expires_ms = (int64_t)(seconds * 1000);
    return LOCAL_OK;
}

/* --- keeping it ------------------------------------------------------------------------------- */

static void keep(struct local_call *call, const struct kms_key *key, const char *material,
                 const struct kms_bytes *bytes, const struct held *held, int64_t expires_ms)
{
    const char *description = local_text(call, "KeyMaterialDescription");
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT 1 FROM kms_materials WHERE key_id = $1 AND material = $2", "tt", key->id,
                material);
    bool stored = store_next(&rows);
    store_end(&rows);
    if (!stored)
        kms_material_store(call, key->account, key->id, material, bytes);
    if (!held->known)
        store_run(call->store,
                  "INSERT INTO kms_imports (key_id, region, material, ordinal, pending, imported, "
                  "expires_ms) SELECT $1, $2, $3, COALESCE(MAX(ordinal), 0) + 1, $4, 1, 0 FROM "
                  "kms_imports WHERE key_id = $5 AND region = $6",
                  "tttitt", key->id, key->region, material, (int64_t)held->pending, key->id,
                  key->region);
    store_run(call->store,
              "UPDATE kms_imports SET imported = 1, expires_ms = $1, description = "
              "COALESCE($2, description) WHERE key_id = $3 AND region = $4 AND material = $5",
              "itttt", expires_ms, description, key->id, key->region, material);
    if (expires_ms)
        agenda_expect(call->local->agenda, expires_ms);
}

bool kms_import_whole(struct local_call *call, const struct kms_key *key)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT 1 FROM kms_imports WHERE key_id = $1 AND region = $2 AND pending = 0 AND "
                "(imported = 0 OR (expires_ms > 0 AND expires_ms <= $3)) LIMIT 1",
                "tti", key->id, key->region, now_of(call));
    bool missing = store_next(&rows);
    store_end(&rows);
    return !missing;
}

enum local_result kms_import_key_material(struct local_call *call)
{
    const struct kms_key *key;
    struct kms_bytes bytes = {0};
    struct held held;
    int64_t expires_ms;
    char material[KMS_MATERIAL_SIZE];
    enum local_result result = find_external(call, KMS_TO_IMPORT, &key);
    if (result == LOCAL_OK)
        result = expiration(call, &expires_ms);
    if (result == LOCAL_OK)
        result = take_material(call, key, &bytes);
    if (result != LOCAL_OK)
        return result;
    kms_purge(call);
    kms_material_name(call, key->id, &bytes, material);
    result = kms_import_fits(&bytes, kms_spec_find(key->spec))
                 ? check_place(call, key, material, &held)
                 : wrong_material(call);
    if (result == LOCAL_OK)
        keep(call, key, material, &bytes, &held, expires_ms);
    OPENSSL_cleanse(bytes.data, bytes.len);
    if (result != LOCAL_OK)
        return result;
    if (!*key->material)
        store_run(call->store, "UPDATE kms_keys SET material = $1 WHERE key_id = $2", "tt",
                  material, key->id);
    if (key->state == KMS_PENDING_IMPORT && kms_import_whole(call, key))
        kms_set_state(call, key, KMS_ENABLED, 0, 0);
    json_put_text(call->out, "KeyId", key->arn);
    json_put_text(call->out, "KeyMaterialId", material);
    return LOCAL_OK;
}

enum local_result kms_delete_imported_key_material(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = find_external(call, KMS_TO_DELETE_IMPORT, &key);
    if (result != LOCAL_OK)
        return result;
    const char *named = local_text(call, "KeyMaterialId");
    const char *material = named ? named : key->material;
    struct held held = look(call, key, material);
    if (named && !held.known)
        return local_fail(call, "NotFoundException", "Key material %s is not found.", named);
    store_run(call->store,
              "UPDATE kms_imports SET imported = 0 WHERE key_id = $1 AND region = $2 AND "
              "material = $3",
              "ttt", key->id, key->region, material);
    bool usable = key->state == KMS_ENABLED || key->state == KMS_DISABLED;
    if (held.known && !held.pending && usable)
        kms_set_state(call, key, KMS_PENDING_IMPORT, 0, 0);
    kms_purge(call);
    json_put_text(call->out, "KeyId", key->arn);
    if (*material)
        json_put_text(call->out, "KeyMaterialId", material);
    return LOCAL_OK;
}

/* --- for RotateKeyOnDemand -------------------------------------------------------------------- */

enum local_result kms_import_pending(struct local_call *call, const struct kms_key *key,
                                     const char **material)
{
    struct store_rows rows;
    int64_t missing = 0, now_ms = now_of(call);
    *material = look(call, key, "").waiting;
    if (*material) { /* every Region must hold it by now */
        store_query(call->store, &rows,
                    "SELECT COUNT(*) FROM kms_keys k WHERE k.key_id = $1 AND NOT EXISTS (SELECT 1 "
                    "FROM kms_imports i WHERE i.key_id = k.key_id AND i.region = k.region AND "
                    "i.material = $2 AND i.imported = 1 AND (i.expires_ms = 0 OR "
                    "i.expires_ms > $3))",
                    "tti", key->id, *material, now_ms);
        missing = store_next(&rows) ? store_int(&rows, 0) : 1;
        store_end(&rows);
    }
    if (!*material || missing > 0)
        return local_fail(call, "KMSInvalidStateException",
                          "No available key material pending rotation for the key: %s.", key->arn);
    store_run(call->store, "UPDATE kms_imports SET pending = 0 WHERE key_id = $1 AND material = $2",
              "tt", key->id, *material);
    return LOCAL_OK;
}
