/* What KMS reads itself: ciphertexts, key ids, policies to be laid out, import tokens, grants'
 * constraints; and what it gives to OpenSSL: keys, wrapped keys. */
#include "fuzz.h"
#include "local/services/kms_grant.h"
#include "local/services/kms_import.h"

#include <assert.h>
#include <string.h>

static void ciphertexts(const uint8_t *data, size_t len)
{
    struct kms_header header;
    if (kms_blob_read(data, len, &header) != 0)
        return;
    assert(len > KMS_BLOB_OVERHEAD);
    assert(kms_id_valid(header.key_id));
    assert(strlen(header.material) == KMS_MATERIAL_SIZE - 1);
}

/* What is shown says the same as what was given, and shown again it looks the same. */
static void policies(struct arena *arena, const char *text)
{
    char *shown, *again;
    struct error err;
    if (kms_policy_format(arena, text, &shown, &err) != 0)
        return;
    json_t *given = json_read(text, strlen(text), &err);
    json_t *read = json_read(shown, strlen(shown), &err);
    assert(given && read && json_equal(given, read));
    assert(kms_policy_format(arena, shown, &again, &err) == 0 && strcmp(shown, again) == 0);
    json_decref(given);
    json_decref(read);
}

/* A token that can be read is written back as it was. */
static void tokens(struct arena *arena, const uint8_t *data, size_t len)
{
    struct kms_import_token token;
    if (kms_import_token_read(data, len, &token) != 0)
        return;
    unsigned char *again = arena_alloc(arena, len);
    assert(token.key_len < len);
    assert(kms_import_token_write(&token, again) == len && memcmp(again, data, len) == 0);
}

/* A key from outside is one of at most one spec, and what is kept of it is that key. */
static void keys(struct arena *arena, const uint8_t *data, size_t len)
{
    static const char *const specs[] = {"RSA_2048",        "RSA_3072",
                                        "RSA_4096",        "ECC_NIST_P256",
                                        "ECC_NIST_P384",   "ECC_NIST_P521",
                                        "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519"};
    struct kms_bytes bytes = {arena_memdup(arena, data, len), len};
    unsigned fits = 0;
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
        fits += kms_import_fits(&bytes, kms_spec_find(specs[i]));
    assert(fits <= 1);
    EVP_PKEY *public = kms_pkey_read_public(data, len);
    EVP_PKEY_free(public);
}

static void wrapped_keys(struct arena *arena, const uint8_t *data, size_t len)
{
    static unsigned char zeros[32];
    struct kms_bytes key = {zeros, sizeof zeros}, out;
    if (kms_unwrap(arena, &key, data, len, &out) == 0)
        assert(out.len > 0 && out.len < len);
}

/* Whatever the first constraints are, they are as strict as themselves, and no context satisfies
 * more than none would. */
static void constraints(const char *text)
{
    static const struct kms_context none = {NULL, 0};
    struct error err;
    json_t *given = json_read(text, strlen(text), &err);
    const json_t *const maps[] = {json_object_get(given, "EncryptionContextSubset"),
                                  json_object_get(given, "EncryptionContextEquals")};
    bool texts = json_is_object(given); /* what the model lets through: maps of texts */
    for (size_t i = 0; i < 2 && texts; i++) {
        const char *key;
        json_t *value;
        texts = !maps[i] || json_is_object(maps[i]);
        json_object_foreach((json_t *)maps[i], key, value)
        {
            texts = texts && json_is_string(value);
        }
    }
    if (texts) {
        assert(kms_constraints_within(given, given) && kms_constraints_hold(NULL, &none));
        if (json_object_size(maps[0]) + json_object_size(maps[1]) > 0)
            assert(!kms_constraints_hold(given, &none));
    }
    json_decref(given);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena arena;
    arena_init(&arena);
    ciphertexts(data, len);
    tokens(&arena, data, len);
    keys(&arena, data, len);
    wrapped_keys(&arena, data, len);
    char *text = arena_strndup(&arena, (const char *)data, len);
    (void)kms_id_valid(text);
    policies(&arena, text);
    constraints(text);
    arena_done(&arena);
    return 0;
}
