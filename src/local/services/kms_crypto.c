#include "local/services/kms_material.h"

#include "base/digest.h"
#include "local/quotas.h"

#include <string.h>

enum { LARGEST_PLAINTEXT = 4096 };

/* --- what the operations share ---------------------------------------------------------------- */

struct kms_context kms_context_from(struct local_call *call, const json_t *object)
{
    size_t count = json_object_size(object), at = 0;
    if (count == 0)
        return (struct kms_context){0};
    struct kms_context_pair *pairs = arena_calloc(call->arena, count, sizeof *pairs);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        pairs[at++] = (struct kms_context_pair){key, json_string_value(value)};
    }
    return (struct kms_context){pairs, at};
}

struct kms_context kms_context_of(struct local_call *call, const char *name)
{
    return kms_context_from(call, local_value(call, name));
}

enum local_result kms_fail_ciphertext(struct local_call *call)
{
    return local_fail(call, "AccessDeniedException",
                      "The ciphertext refers to a customer master key that does not exist, does "
                      "not exist in this region, or you are not allowed to access.");
}

enum local_result kms_fail_internal(struct local_call *call)
{
    call->failure.status = 500;
    return local_fail_bare(call, "KMSInternalException");
}

enum local_result kms_check_recipient(struct local_call *call)
{
    /* No enclave can have made a document for this server; text not observed (K). */
    if (local_value(call, "Recipient"))
        return local_fail(call, "ValidationException",
                          "The attestation document in Recipient is not valid.");
    return LOCAL_OK;
}

enum local_result kms_check_dry_run(struct local_call *call)
{
    if (!local_bool(call, "DryRun", false))
        return LOCAL_OK;
    return local_fail(call, "DryRunOperationException",
                      "The request would have succeeded, but the DryRun option is set.");
}

enum local_result kms_check_options(struct local_call *call)
{
    enum local_result result = kms_check_recipient(call);
    return result == LOCAL_OK ? kms_check_dry_run(call) : result;
}

void kms_put_blob(struct local_call *call, const char *name, const void *data, size_t len)
{
    json_put_text(call->out, name, base64_encode(call->arena, data, len));
}

int kms_read_blob(struct local_call *call, const char *name, unsigned char **data, size_t *len)
{
    return base64_decode(call->arena, local_text(call, name), local_text_len(call, name), data,
                         len);
}

/* --- under one key, symmetric or RSA ---------------------------------------------------------- */

/* A key with the algorithm and the context that one side of an operation names. */
struct side {
    const struct kms_key *key;
    const char *algorithm;
    struct kms_context context;
};

static enum local_result side_take(struct local_call *call, const struct kms_key *key,
                                   const char *algorithm_member, const char *context_member,
                                   struct side *out)
{
    const char *algorithm = local_text(call, algorithm_member);
    *out = (struct side){key, algorithm ? algorithm : "SYMMETRIC_DEFAULT",
                         kms_context_of(call, context_member)};
    enum local_result result =
        kms_require_usage(call, key, "ENCRYPT_DECRYPT", call->operation->name);
    if (result == LOCAL_OK)
        result = kms_require_algorithm(call, key, out->algorithm);
    /* Raw RSA has no place for it (D23); text not observed (K). */
    if (result == LOCAL_OK && out->context.count > 0 && !kms_spec_symmetric(key->spec))
        result = local_fail(call, "ValidationException",
                            "An encryption context is not valid with key spec %s.", key->spec);
    return result;
}

static enum local_result seal(struct local_call *call, const struct side *side,
                              const struct kms_bytes *plaintext, struct kms_bytes *blob)
{
    const struct kms_key *key = side->key;
    if (kms_spec_symmetric(key->spec))
        return kms_seal(call, key, &side->context, plaintext->data, plaintext->len, &blob->data,
                        &blob->len) == 0
                   ? LOCAL_OK
                   : kms_fail_internal(call);
    const struct kms_spec *spec = kms_spec_find(key->spec);
    size_t largest = kms_largest_oaep(spec, side->algorithm);
    if (plaintext->len > largest)
        return local_fail(call, "ValidationException",
                          "Algorithm %s and key spec %s cannot encrypt data larger than %zu bytes.",
                          side->algorithm, key->spec, largest);
    struct kms_material *material = kms_material_open(call, key->id, key->material, KMS_RSA);
    if (!material ||
        kms_pkey_encrypt(call->arena, material->pkey, side->algorithm, plaintext, blob) != 0)
        return kms_fail_internal(call);
    return LOCAL_OK;
}

/* A ciphertext, the key it names or the caller names, and what was in it. */
struct opened {
    struct side side;
    const char *material; /* symmetric: which of the key's */
    struct kms_bytes plaintext;
};

static enum local_result open_rsa(struct local_call *call, const struct kms_bytes *blob,
                                  struct opened *out)
{
    const struct kms_key *key = out->side.key;
    struct kms_material *material = kms_material_open(call, key->id, key->material, KMS_RSA);
    if (!material)
        return kms_fail_internal(call);
    if (kms_pkey_decrypt(call->arena, material->pkey, out->side.algorithm, blob, &out->plaintext) !=
        0)
        return local_fail_bare(call, "InvalidCiphertextException");
    return LOCAL_OK;
}

/* DryRunModifiers: may I, whatever the ciphertext is? */
static bool ignores_ciphertext(struct local_call *call)
{
    return json_array_size(local_value(call, "DryRunModifiers")) > 0;
}

static enum local_result check_modifiers(struct local_call *call, const char *key_member)
{
    bool ignored = ignores_ciphertext(call);
    if (ignored && !local_bool(call, "DryRun", false)) /* text not observed (K) */
        return local_fail(call, "ValidationException",
                          "DryRunModifiers can only be used with DryRun.");
    if (ignored && !local_text(call, key_member))
        return local_fail(call, "ValidationException",
                          "%s is required with the dry run modifier IGNORE_CIPHERTEXT.",
                          key_member);
    if (!ignored && !local_value(call, "CiphertextBlob"))
        return local_fail(call, "ValidationException",
                          "1 validation error detected: Value null at 'ciphertextBlob' failed to "
                          "satisfy constraint: Member must not be null");
    return LOCAL_OK;
}

static enum local_result open_symmetric(struct local_call *call, const struct kms_bytes *blob,
                                        const struct kms_header *header, struct opened *out)
{
    if (kms_unseal(call, header, &out->side.context, blob->data, blob->len, &out->plaintext.data,
                   &out->plaintext.len) != 0)
        return local_fail_bare(call, "InvalidCiphertextException");
    out->material = arena_strdup(call->arena, header->material);
    return LOCAL_OK;
}

static enum local_result open_blob(struct local_call *call, const char *key_member,
                                   const char *algorithm_member, const char *context_member,
                                   struct opened *out)
{
    struct kms_bytes blob = {NULL, 0};
    struct kms_header header;
    const struct kms_key *key = NULL;
    const char *named = local_text(call, key_member);
    const char *algorithm = local_text(call, algorithm_member);
    bool ignored = ignores_ciphertext(call);
    bool rsa = algorithm && strcmp(algorithm, "SYMMETRIC_DEFAULT") != 0;
    *out = (struct opened){0};
    bool ours = !ignored && kms_read_blob(call, "CiphertextBlob", &blob.data, &blob.len) == 0 &&
                kms_blob_read(blob.data, blob.len, &header) == 0;
    if (!ours && !rsa && !ignored)
        return local_fail_bare(call, "InvalidCiphertextException");
    if (rsa && !named) /* nothing in the bytes says which key (section 6); text not observed (K) */
        return local_fail(call, "ValidationException",
                          "%s is required when the ciphertext was encrypted under an asymmetric "
                          "KMS key.",
                          key_member);
    enum local_result result = LOCAL_OK;
    if (named)
        result = kms_find(call, named, KMS_TO_CRYPT, &key);
    else if (!(key = kms_load(call, header.key_id)))
        result = kms_fail_ciphertext(call);
    if (result == LOCAL_OK && ours && !rsa && strcmp(key->id, header.key_id) != 0)
        result = local_fail(call, "IncorrectKeyException",
                            "The key ID in the request does not identify a CMK that can perform "
                            "this operation.");
    if (result == LOCAL_OK)
        result = kms_require(call, key, KMS_TO_USE);
    if (result == LOCAL_OK)
        result = side_take(call, key, algorithm_member, context_member, &out->side);
    if (result != LOCAL_OK || ignored)
        return result;
    return rsa ? open_rsa(call, &blob, out) : open_symmetric(call, &blob, &header, out);
}

/* --- operations ------------------------------------------------------------------------------- */

const char *const *kms_ciphertext_resources(struct local_call *call)
{
    bool re_encrypt = strcmp(call->operation->name, "ReEncrypt") == 0;
    const char *member = re_encrypt ? "SourceKeyId" : "KeyId", *named = local_text(call, member);
    const struct kms_key *key = NULL;
    struct kms_header header;
    unsigned char *blob;
    size_t blob_len;
    if (check_modifiers(call, member) != LOCAL_OK)
        return NULL;
    if (named) {
        enum local_result result = kms_find(call, named, KMS_TO_CRYPT, &key);
        if (result == LOCAL_FAILED)
            return NULL;
        if (result == LOCAL_AS_WRITE) /* nothing was ever encrypted under a key not made yet */
            return kms_fail_ciphertext(call), NULL;
    } else if (kms_read_blob(call, "CiphertextBlob", &blob, &blob_len) != 0 ||
               kms_blob_read(blob, blob_len, &header) != 0) {
        return local_fail_bare(call, "InvalidCiphertextException"), NULL;
    } else if (!(key = kms_load(call, header.key_id))) {
        return kms_fail_ciphertext(call), NULL;
    }
    const char **arns = arena_calloc(call->arena, 2, sizeof *arns);
    arns[0] = arena_strdup(call->arena, key->arn);
    return arns;
}

enum local_result kms_op_encrypt(struct local_call *call)
{
    const struct kms_key *key;
    struct side side;
    struct kms_bytes plaintext, blob;
    enum local_result result = kms_find_to_use(call, "KeyId", "ENCRYPT_DECRYPT", &key);
    if (result == LOCAL_OK)
        result = kms_rotate_when_due(call, &key);
    if (result == LOCAL_OK)
        result = side_take(call, key, "EncryptionAlgorithm", "EncryptionContext", &side);
    if (result == LOCAL_OK &&
        kms_read_blob(call, "Plaintext", &plaintext.data, &plaintext.len) != 0)
        result = kms_fail_internal(call);
    if (result == LOCAL_OK)
        result = seal(call, &side, &plaintext, &blob);
    if (result == LOCAL_OK)
        result = kms_check_options(call);
    if (result != LOCAL_OK)
        return result;
    kms_note_use(call, key, "Encrypt");
    kms_put_blob(call, "CiphertextBlob", blob.data, blob.len);
    json_put_text(call->out, "KeyId", key->arn);
    json_put_text(call->out, "EncryptionAlgorithm", side.algorithm);
    return LOCAL_OK;
}

enum local_result kms_op_decrypt(struct local_call *call)
{
    struct opened opened;
    enum local_result result =
        open_blob(call, "KeyId", "EncryptionAlgorithm", "EncryptionContext", &opened);
    if (result == LOCAL_OK)
        result = kms_check_options(call);
    if (result != LOCAL_OK)
        return result;
    kms_note_use(call, opened.side.key, "Decrypt");
    json_put_text(call->out, "KeyId", opened.side.key->arn);
    kms_put_blob(call, "Plaintext", opened.plaintext.data, opened.plaintext.len);
    json_put_text(call->out, "EncryptionAlgorithm", opened.side.algorithm);
    if (opened.material)
        json_put_text(call->out, "KeyMaterialId", opened.material);
    return LOCAL_OK;
}

/* Is this the key that the ciphertext to be encrypted anew is under? */
static bool is_source(struct local_call *call, const struct kms_key *key)
{
    return call->resources && strcmp(call->resources[0], key->arn) == 0;
}

enum local_result kms_op_re_encrypt(struct local_call *call)
{
    const char *name = local_text(call, "DestinationKeyId");
    const struct kms_key *key;
    struct side to;
    struct opened opened;
    struct kms_bytes blob = {0};
    enum local_result result = kms_find(call, name, KMS_TO_CRYPT, &key);
    if (result == LOCAL_OK)
        result = kms_allow(
            call, key,
            &(struct kms_question){.action = "kms:ReEncryptTo",
                                   .alias = strstr(name, "alias/"),
                                   .context = kms_context_of(call, "DestinationEncryptionContext"),
                                   .pair = true,
                                   .same_key = is_source(call, key)});
    if (result == LOCAL_OK)
        result = kms_require(call, key, KMS_TO_USE);
    if (result == LOCAL_OK)
        result = kms_rotate_when_due(call, &key);
    if (result == LOCAL_OK)
        result = side_take(call, key, "DestinationEncryptionAlgorithm",
                           "DestinationEncryptionContext", &to);
    if (result == LOCAL_OK)
        result = open_blob(call, "SourceKeyId", "SourceEncryptionAlgorithm",
                           "SourceEncryptionContext", &opened);
    if (result == LOCAL_OK && !ignores_ciphertext(call))
        result = seal(call, &to, &opened.plaintext, &blob);
    if (result == LOCAL_OK)
        result = kms_check_options(call);
    if (result != LOCAL_OK)
        return result;
    kms_note_use(call, opened.side.key, "ReEncrypt");
    kms_note_use(call, key, "ReEncrypt");
    kms_put_blob(call, "CiphertextBlob", blob.data, blob.len);
    json_put_text(call->out, "SourceKeyId", opened.side.key->arn);
    json_put_text(call->out, "KeyId", key->arn);
    json_put_text(call->out, "SourceEncryptionAlgorithm", opened.side.algorithm);
    json_put_text(call->out, "DestinationEncryptionAlgorithm", to.algorithm);
    if (opened.material)
        json_put_text(call->out, "SourceKeyMaterialId", opened.material);
    if (kms_spec_symmetric(key->spec))
        json_put_text(call->out, "DestinationKeyMaterialId", key->material);
    return LOCAL_OK;
}

/* --- for other services (services/kms.h) ------------------------------------------------------ */

/* The key that another service names for encryption, if it may be used for it. */
static enum local_result find_for_service(struct local_call *call, const char *name,
                                          const struct kms_question *question,
                                          const struct kms_key **key)
{
    const char *operation = question->action + strlen("kms:");
    enum local_result result = quotas_take_behind(call, &kms_service, operation);
    if (result == LOCAL_OK)
        result = kms_find(call, name, KMS_TO_CRYPT, key);
    if (result == LOCAL_OK)
        result = kms_allow(call, *key, question);
    if (result == LOCAL_OK)
        result = kms_require(call, *key, KMS_TO_USE);
    if (result == LOCAL_OK)
        result = kms_rotate_when_due(call, key);
    if (result == LOCAL_OK)
        result = kms_require_usage(call, *key, "ENCRYPT_DECRYPT", operation);
    if (result == LOCAL_OK)
        result = kms_require_algorithm(call, *key, "SYMMETRIC_DEFAULT");
    if (result == LOCAL_OK)
        kms_note_use(call, *key, operation);
    return result;
}

enum local_result kms_encrypt(struct local_call *call, const char *key, const char *via,
                              const struct kms_context_pair *context, size_t context_count,
                              const void *plaintext, size_t plaintext_len, unsigned char **blob,
                              size_t *blob_len)
{
    const struct kms_key *found;
    struct kms_question question = {.action = "kms:Encrypt",
                                    .via = via,
                                    .alias = strstr(key, "alias/"),
                                    .context = {context, context_count}};
    enum local_result result = find_for_service(call, key, &question, &found);
    if (result != LOCAL_OK)
        return result;
    if (plaintext_len == 0 || plaintext_len > LARGEST_PLAINTEXT)
        return local_fail(call, "ValidationException",
                          "1 validation error detected: Value at 'plaintext' failed to satisfy "
                          "constraint: Member must have length %s",
                          plaintext_len ? "less than or equal to 4096"
                                        : "greater than or equal to 1");
    if (kms_seal(call, found, &question.context, plaintext, plaintext_len, blob, blob_len) != 0)
        return kms_fail_internal(call);
    return LOCAL_OK;
}

enum local_result kms_decrypt(struct local_call *call, const char *via,
                              const struct kms_context_pair *context, size_t context_count,
                              const void *blob, size_t blob_len, unsigned char **plaintext,
                              size_t *plaintext_len)
{
    struct kms_header header;
    if (quotas_take_behind(call, &kms_service, "Decrypt") != LOCAL_OK)
        return LOCAL_FAILED;
    if (kms_blob_read(blob, blob_len, &header) != 0)
        return local_fail_bare(call, "InvalidCiphertextException");
    const struct kms_key *key = kms_load(call, header.key_id);
    if (!key)
        return kms_fail_ciphertext(call);
    struct kms_question question = {.action = "kms:Decrypt",
                                    .via = via,
                                    .context = {context, context_count}};
    if (kms_allow(call, key, &question) != LOCAL_OK)
        return kms_fail_ciphertext(call);
    enum local_result result = kms_require(call, key, KMS_TO_USE);
    if (result != LOCAL_OK)
        return result;
    if (kms_unseal(call, &header, &question.context, blob, blob_len, plaintext, plaintext_len) != 0)
        return local_fail_bare(call, "InvalidCiphertextException");
    kms_note_use(call, key, "Decrypt");
    return LOCAL_OK;
}

enum local_result kms_generate_data_key(struct local_call *call, const char *key, const char *via,
                                        const struct kms_context_pair *context,
                                        size_t context_count, unsigned char plaintext[32],
                                        unsigned char **blob, size_t *blob_len)
{
    const struct kms_key *found;
    struct kms_question question = {.action = "kms:GenerateDataKey",
                                    .via = via,
                                    .alias = strstr(key, "alias/"),
                                    .context = {context, context_count}};
    enum local_result result = find_for_service(call, key, &question, &found);
    if (result != LOCAL_OK)
        return result;
    random_bytes(call->local->random, plaintext, 32);
    if (kms_seal(call, found, &question.context, plaintext, 32, blob, blob_len) != 0)
        return kms_fail_internal(call);
    return LOCAL_OK;
}

enum local_result kms_key_arn(struct local_call *call, const char *key, char **arn)
{
    const struct kms_key *found;
    enum local_result result = kms_find(call, key, KMS_TO_CRYPT, &found);
    if (result == LOCAL_OK)
        *arn = arena_strdup(call->arena, found->arn);
    return result;
}
