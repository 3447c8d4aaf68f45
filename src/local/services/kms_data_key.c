/* Data keys, data key pairs, random bytes. */
#include "local/services/kms_material.h"

#include <string.h>

static enum local_result data_key_size(struct local_call *call, size_t *size)
{
    const char *spec = local_text(call, "KeySpec");
    int64_t bytes = local_int(call, "NumberOfBytes", 0);
    if ((spec != NULL) == (bytes != 0)) /* text not observed (K) */
        return local_fail(call, "ValidationException",
                          "Please specify either number of bytes or key spec.");
    *size = spec ? (strcmp(spec, "AES_256") == 0 ? 32 : 16) : (size_t)bytes;
    return LOCAL_OK;
}

/* Data keys are wrapped under symmetric keys only. */
static enum local_result find_wrapping_key(struct local_call *call, const struct kms_key **key)
{
    enum local_result result = kms_find_to_use(call, "KeyId", "ENCRYPT_DECRYPT", key);
    if (result == LOCAL_OK)
        result = kms_rotate_when_due(call, key);
    return result == LOCAL_OK ? kms_require_algorithm(call, *key, "SYMMETRIC_DEFAULT") : result;
}

static enum local_result wrap(struct local_call *call, const struct kms_key *key,
                              const char *member, const struct kms_bytes *secret)
{
    struct kms_context context = kms_context_of(call, "EncryptionContext");
    struct kms_bytes blob;
    if (kms_seal(call, key, &context, secret->data, secret->len, &blob.data, &blob.len) != 0)
        return kms_fail_internal(call);
    kms_note_use(call, key, call->operation->name);
    kms_put_blob(call, member, blob.data, blob.len);
    json_put_text(call->out, "KeyId", key->arn);
    json_put_text(call->out, "KeyMaterialId", key->material);
    return LOCAL_OK;
}

static enum local_result data_key(struct local_call *call, bool with_plaintext)
{
    const struct kms_key *key;
    struct kms_bytes secret;
    enum local_result result = find_wrapping_key(call, &key);
    if (result == LOCAL_OK)
        result = data_key_size(call, &secret.len);
    if (result == LOCAL_OK)
        result = kms_check_options(call);
    if (result != LOCAL_OK)
        return result;
    secret.data = arena_alloc(call->arena, secret.len);
    random_bytes(call->local->random, secret.data, secret.len);
    if (with_plaintext)
        kms_put_blob(call, "Plaintext", secret.data, secret.len);
    return wrap(call, key, "CiphertextBlob", &secret);
}

enum local_result kms_op_generate_data_key(struct local_call *call)
{
    return data_key(call, true);
}

enum local_result kms_op_generate_data_key_without_plaintext(struct local_call *call)
{
    return data_key(call, false);
}

static enum local_result data_key_pair(struct local_call *call, bool with_plaintext)
{
    const char *name = local_text(call, "KeyPairSpec");
    const struct kms_spec *spec = kms_spec_find(name);
    const struct kms_key *key;
    enum local_result result = find_wrapping_key(call, &key);
    if (result == LOCAL_OK && (!spec || !spec->pair)) /* SM2 is for China's Regions; text ours */
        result = local_fail(call, "UnsupportedOperationException",
                            "KeyPairSpec %s is not supported in this Region.", name);
    if (result == LOCAL_OK)
        result = kms_check_options(call);
    if (result != LOCAL_OK)
        return result;
    EVP_PKEY *pkey = kms_pkey_generate(spec);
    struct kms_bytes secret = kms_pkey_private(call->arena, pkey);
    struct kms_bytes public = kms_pkey_public(call->arena, pkey);
    EVP_PKEY_free(pkey);
    kms_put_blob(call, "PublicKey", public.data, public.len);
    if (with_plaintext)
        kms_put_blob(call, "PrivateKeyPlaintext", secret.data, secret.len);
    json_put_text(call->out, "KeyPairSpec", name);
    return wrap(call, key, "PrivateKeyCiphertextBlob", &secret);
}

enum local_result kms_op_generate_data_key_pair(struct local_call *call)
{
    return data_key_pair(call, true);
}

enum local_result kms_op_generate_data_key_pair_without_plaintext(struct local_call *call)
{
    return data_key_pair(call, false);
}

enum local_result kms_op_generate_random(struct local_call *call)
{
    if (!local_value(call, "NumberOfBytes"))
        return local_fail(call, "ValidationException", "NumberOfBytes is required.");
    if (local_text(call, "CustomKeyStoreId"))
        return local_fail_bare(call, "CustomKeyStoreNotFoundException");
    enum local_result result = kms_check_recipient(call);
    if (result != LOCAL_OK)
        return result;
    size_t size = (size_t)local_int(call, "NumberOfBytes", 0);
    unsigned char *bytes = arena_alloc(call->arena, size);
    random_bytes(call->local->random, bytes, size);
    kms_put_blob(call, "Plaintext", bytes, size);
    return LOCAL_OK;
}
