/* Signatures, message codes, public keys, shared secrets (shared facts kms.md sections 2, 3, 10).
 */
#include "local/services/kms_material.h"

#include "base/digest.h"

#include <string.h>

static enum local_result read_bytes(struct local_call *call, const char *member,
                                    struct kms_bytes *out)
{
    return kms_read_blob(call, member, &out->data, &out->len) == 0 ? LOCAL_OK
                                                                   : kms_fail_internal(call);
}

static enum local_result open_key(struct local_call *call, const struct kms_key *key,
                                  struct kms_material **out)
{
    *out = kms_material_open(call, key->id, key->material, kms_spec_find(key->spec)->family);
    return *out ? LOCAL_OK : kms_fail_internal(call);
}

/* --- signatures ------------------------------------------------------------------------------- */

struct signing {
    const struct kms_key *key;
    const struct kms_signing *algorithm;
    struct kms_bytes message;
    bool digested;
    struct kms_material *material;
};

static enum local_result check_message(struct local_call *call, struct signing *signing)
{
    const char *type = local_text(call, "MessageType"), *name = signing->algorithm->name;
    signing->digested = type && strcmp(type, "DIGEST") == 0;
    bool external = type && strcmp(type, "EXTERNAL_MU") == 0;           /* for ML-DSA only (M) */
    if (external || (signing->digested && !signing->algorithm->digest)) /* text not observed (K) */
        return local_fail(call, "ValidationException",
                          "MessageType %s is not valid for algorithm %s.", type, name);
    if (signing->digested && signing->message.len != signing->algorithm->digest_size)
        return local_fail(call, "ValidationException", "Digest is invalid length for algorithm %s.",
                          name);
    return LOCAL_OK;
}

static enum local_result take_signing(struct local_call *call, struct signing *signing)
{
    const char *name = local_text(call, "SigningAlgorithm");
    enum local_result result = kms_find_to_use(call, "KeyId", "SIGN_VERIFY", &signing->key);
    if (result == LOCAL_OK)
        result = kms_require_algorithm(call, signing->key, name);
    if (result != LOCAL_OK)
        return result;
    signing->algorithm = kms_signing_find(name);
    result = read_bytes(call, "Message", &signing->message);
    if (result == LOCAL_OK)
        result = check_message(call, signing);
    if (result == LOCAL_OK)
        result = open_key(call, signing->key, &signing->material);
    return result;
}

enum local_result kms_op_sign(struct local_call *call)
{
    struct signing signing;
    enum local_result result = take_signing(call, &signing);
    if (result == LOCAL_OK)
        result = kms_check_options(call);
    if (result != LOCAL_OK)
        return result;
    struct kms_bytes signature =
        kms_pkey_sign(call->arena, signing.material->pkey, signing.algorithm, &signing.message,
                      signing.digested);
    kms_note_use(call, signing.key, call->operation->name);
    json_put_text(call->out, "KeyId", signing.key->arn);
    kms_put_blob(call, "Signature", signature.data, signature.len);
    json_put_text(call->out, "SigningAlgorithm", signing.algorithm->name);
    return LOCAL_OK;
}

enum local_result kms_op_verify(struct local_call *call)
{
    struct signing signing;
    struct kms_bytes signature;
    enum local_result result = take_signing(call, &signing);
    if (result == LOCAL_OK)
        result = read_bytes(call, "Signature", &signature);
    if (result == LOCAL_OK && !kms_pkey_verify(signing.material->pkey, signing.algorithm,
                                               &signing.message, signing.digested, &signature))
        result = local_fail_bare(call, "KMSInvalidSignatureException");
    if (result == LOCAL_OK)
        result = kms_check_options(call);
    if (result != LOCAL_OK)
        return result;
    kms_note_use(call, signing.key, call->operation->name);
    json_put_text(call->out, "KeyId", signing.key->arn);
    json_put_bool(call->out, "SignatureValid", true);
    json_put_text(call->out, "SigningAlgorithm", signing.algorithm->name);
    return LOCAL_OK;
}

/* --- message codes ---------------------------------------------------------------------------- */

static enum local_result make_mac(struct local_call *call, const struct kms_key **key,
                                  struct kms_bytes *mac)
{
    const char *algorithm = local_text(call, "MacAlgorithm");
    struct kms_bytes message;
    struct kms_material *material;
    enum local_result result = kms_find_to_use(call, "KeyId", "GENERATE_VERIFY_MAC", key);
    if (result == LOCAL_OK)
        result = kms_require_algorithm(call, *key, algorithm);
    if (result == LOCAL_OK)
        result = read_bytes(call, "Message", &message);
    if (result == LOCAL_OK)
        result = open_key(call, *key, &material);
    if (result != LOCAL_OK)
        return result;
    struct kms_bytes secret = {material->mac_key, material->mac_key_len};
    *mac = kms_mac(call->arena, algorithm, &secret, &message);
    return LOCAL_OK;
}

enum local_result kms_op_generate_mac(struct local_call *call)
{
    const struct kms_key *key;
    struct kms_bytes mac;
    enum local_result result = make_mac(call, &key, &mac);
    if (result == LOCAL_OK)
        result = kms_check_options(call);
    if (result != LOCAL_OK)
        return result;
    kms_note_use(call, key, call->operation->name);
    kms_put_blob(call, "Mac", mac.data, mac.len);
    json_put_text(call->out, "MacAlgorithm", local_text(call, "MacAlgorithm"));
    json_put_text(call->out, "KeyId", key->arn);
    return LOCAL_OK;
}

enum local_result kms_op_verify_mac(struct local_call *call)
{
    const struct kms_key *key;
    struct kms_bytes mac, given;
    enum local_result result = make_mac(call, &key, &mac);
    if (result == LOCAL_OK)
        result = read_bytes(call, "Mac", &given);
    if (result == LOCAL_OK &&
        (given.len != mac.len || !digest_equal(given.data, mac.data, mac.len)))
        result = local_fail_bare(call, "KMSInvalidMacException");
    if (result == LOCAL_OK)
        result = kms_check_options(call);
    if (result != LOCAL_OK)
        return result;
    kms_note_use(call, key, call->operation->name);
    json_put_text(call->out, "KeyId", key->arn);
    json_put_bool(call->out, "MacValid", true);
    json_put_text(call->out, "MacAlgorithm", local_text(call, "MacAlgorithm"));
    return LOCAL_OK;
}

/* --- public keys ------------------------------------------------------------------------------ */

enum local_result kms_op_get_public_key(struct local_call *call)
{
    const struct kms_key *key;
    struct kms_material *material;
    enum local_result result = kms_find(call, local_text(call, "KeyId"), KMS_TO_CRYPT, &key);
    if (result != LOCAL_OK)
        return result;
    enum kms_family family = kms_spec_find(key->spec)->family;
    if (family == KMS_AES || family == KMS_HMAC) /* text not observed (K) */
        return local_fail(call, "UnsupportedOperationException",
                          "%s key spec is %s which is not valid for GetPublicKey.", key->arn,
                          key->spec);
    result = kms_require(call, key, KMS_TO_USE);
    if (result == LOCAL_OK)
        result = open_key(call, key, &material);
    if (result != LOCAL_OK)
        return result;
    struct kms_bytes public = kms_pkey_public(call->arena, material->pkey);
    json_put_text(call->out, "KeyId", key->arn);
    kms_put_blob(call, "PublicKey", public.data, public.len);
    kms_put_spec(call, key);
    json_put_text(call->out, "KeyUsage", key->usage);
    return LOCAL_OK;
}

/* --- shared secrets --------------------------------------------------------------------------- */

enum local_result kms_op_derive_shared_secret(struct local_call *call)
{
    const struct kms_key *key;
    struct kms_bytes given, secret;
    struct kms_material *material;
    enum local_result result = kms_find_to_use(call, "KeyId", "KEY_AGREEMENT", &key);
    if (result == LOCAL_OK)
        result = kms_require_algorithm(call, key, local_text(call, "KeyAgreementAlgorithm"));
    if (result == LOCAL_OK)
        result = read_bytes(call, "PublicKey", &given);
    if (result == LOCAL_OK)
        result = open_key(call, key, &material);
    if (result != LOCAL_OK)
        return result;
    EVP_PKEY *peer = kms_pkey_read_public(given.data, given.len);
    bool fits = peer && kms_pkey_fits(peer, kms_spec_find(key->spec)) &&
                kms_pkey_derive(call->arena, material->pkey, peer, &secret) == 0;
    EVP_PKEY_free(peer);
    if (!fits) /* text not observed (K) */
        return local_fail(call, "ValidationException",
                          "PublicKey is not a valid public key of key spec %s.", key->spec);
    result = kms_check_options(call);
    if (result != LOCAL_OK)
        return result;
    kms_note_use(call, key, call->operation->name);
    json_put_text(call->out, "KeyId", key->arn);
    kms_put_blob(call, "SharedSecret", secret.data, secret.len);
    json_put_text(call->out, "KeyAgreementAlgorithm", local_text(call, "KeyAgreementAlgorithm"));
    json_put_text(call->out, "KeyOrigin", key->origin);
    return LOCAL_OK;
}
