#include "local/services/kms_parts.h"

#include "base/digest.h"

#include <string.h>

enum { LARGEST_PLAINTEXT = 4096 };

/* --- what the operations share ---------------------------------------------------------------- */

struct kms_context kms_context_of(struct local_call *call, const char *name)
{
    const json_t *object = local_value(call, name);
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

enum local_result kms_fail_ciphertext(struct local_call *call)
{
    return local_fail(call, "AccessDeniedException",
                      "The ciphertext refers to a customer master key that does not exist, does "
                      "not exist in this region, or you are not allowed to access.");
}

static enum local_result internal(struct local_call *call)
{
    call->failure.status = 500;
    return local_fail_bare(call, "KMSInternalException");
}

/* Symmetric keys take one algorithm; grants come with grant tokens, and no token can be valid
 * before the first grant. */
static enum local_result check_options(struct local_call *call, const char *algorithm_member)
{
    const char *algorithm = local_text(call, algorithm_member);
    if (algorithm && strcmp(algorithm, "SYMMETRIC_DEFAULT") != 0)
        return local_fail(call, "InvalidKeyUsageException",
                          "Algorithm %s is incompatible with key spec SYMMETRIC_DEFAULT.",
                          algorithm);
    if (json_array_size(local_value(call, "GrantTokens")) > 0)
        return local_fail(call, "InvalidGrantTokenException", "Invalid grant token.");
    return LOCAL_OK;
}

static enum local_result check_dry_run(struct local_call *call)
{
    if (!local_bool(call, "DryRun", false))
        return LOCAL_OK;
    return local_fail(call, "DryRunOperationException",
                      "The request would have succeeded, but the DryRun option is set.");
}

static void put_blob(struct local_call *call, const char *name, const void *data, size_t len)
{
    json_put_text(call->out, name, base64_encode(call->arena, data, len));
}

static int read_blob(struct local_call *call, const char *name, unsigned char **data, size_t *len)
{
    return base64_decode(call->arena, local_text(call, name), local_text_len(call, name), data,
                         len);
}

static enum local_result find_to_use(struct local_call *call, const char *name,
                                     const struct kms_key **key)
{
    enum local_result result = kms_find(call, name, KMS_BY_ALIAS | KMS_OTHER_ACCOUNT, key);
    return result == LOCAL_OK ? kms_require(call, *key, KMS_TO_USE) : result;
}

/* A ciphertext, the key it names or the caller names, and what was in it. */
struct opened {
    const struct kms_key *key;
    struct kms_header header;
    unsigned char *plaintext;
    size_t len;
};

static enum local_result open_blob(struct local_call *call, const char *key_member,
                                   const char *algorithm_member, const char *context_member,
                                   struct opened *out)
{
    unsigned char *blob;
    size_t blob_len;
    const char *named = local_text(call, key_member);
    if (read_blob(call, "CiphertextBlob", &blob, &blob_len) != 0 ||
        kms_blob_read(blob, blob_len, &out->header) != 0)
        return local_fail_bare(call, "InvalidCiphertextException");
    enum local_result result = LOCAL_OK;
    if (named)
        result = kms_find(call, named, KMS_BY_ALIAS | KMS_OTHER_ACCOUNT, &out->key);
    else if (!(out->key = kms_load(call, out->header.key_id)))
        result = kms_fail_ciphertext(call);
    if (result == LOCAL_OK)
        result = check_options(call, algorithm_member);
    if (result == LOCAL_OK && strcmp(out->key->id, out->header.key_id) != 0)
        result = local_fail(call, "IncorrectKeyException",
                            "The key ID in the request does not identify a CMK that can perform "
                            "this operation.");
    if (result == LOCAL_OK)
        result = kms_require(call, out->key, KMS_TO_USE);
    if (result != LOCAL_OK)
        return result;
    struct kms_context context = kms_context_of(call, context_member);
    if (kms_unseal(call, &out->header, &context, blob, blob_len, &out->plaintext, &out->len) != 0)
        return local_fail_bare(call, "InvalidCiphertextException");
    return LOCAL_OK;
}

/* --- operations ------------------------------------------------------------------------------- */

const char *const *kms_ciphertext_resources(struct local_call *call)
{
    const char *named =
        local_text(call, local_value(call, "SourceKeyId") ? "SourceKeyId" : "KeyId");
    const struct kms_key *key = NULL;
    struct kms_header header;
    unsigned char *blob;
    size_t blob_len;
    if (named) {
        enum local_result result = kms_find(call, named, KMS_BY_ALIAS | KMS_OTHER_ACCOUNT, &key);
        if (result == LOCAL_FAILED)
            return NULL;
        if (result == LOCAL_AS_WRITE) /* nothing was ever encrypted under a key not made yet */
            return kms_fail_ciphertext(call), NULL;
    } else if (read_blob(call, "CiphertextBlob", &blob, &blob_len) != 0 ||
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
    unsigned char *plaintext, *blob;
    size_t len, blob_len;
    enum local_result result = find_to_use(call, local_text(call, "KeyId"), &key);
    if (result == LOCAL_OK)
        result = check_options(call, "EncryptionAlgorithm");
    if (result == LOCAL_OK)
        result = check_dry_run(call);
    if (result != LOCAL_OK)
        return result;
    struct kms_context context = kms_context_of(call, "EncryptionContext");
    if (read_blob(call, "Plaintext", &plaintext, &len) != 0 ||
        kms_seal(call, key, &context, plaintext, len, &blob, &blob_len) != 0)
        return internal(call);
    put_blob(call, "CiphertextBlob", blob, blob_len);
    json_put_text(call->out, "KeyId", key->arn);
    json_put_text(call->out, "EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
    return LOCAL_OK;
}

enum local_result kms_op_decrypt(struct local_call *call)
{
    struct opened opened;
    enum local_result result =
        open_blob(call, "KeyId", "EncryptionAlgorithm", "EncryptionContext", &opened);
    if (result == LOCAL_OK)
        result = check_dry_run(call);
    if (result != LOCAL_OK)
        return result;
    json_put_text(call->out, "KeyId", opened.key->arn);
    put_blob(call, "Plaintext", opened.plaintext, opened.len);
    json_put_text(call->out, "EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
    json_put_text(call->out, "KeyMaterialId", opened.header.material);
    return LOCAL_OK;
}

enum local_result kms_op_re_encrypt(struct local_call *call)
{
    const char *name = local_text(call, "DestinationKeyId");
    const struct kms_key *key;
    struct opened opened;
    unsigned char *blob;
    size_t blob_len;
    struct kms_question question = {.action = "kms:ReEncryptTo",
                                    .alias = strstr(name, "alias/"),
                                    .context =
                                        kms_context_of(call, "DestinationEncryptionContext")};
    enum local_result result = kms_find(call, name, KMS_BY_ALIAS | KMS_OTHER_ACCOUNT, &key);
    if (result == LOCAL_OK)
        result = kms_allow(call, key, &question);
    if (result == LOCAL_OK)
        result = kms_require(call, key, KMS_TO_USE);
    if (result == LOCAL_OK)
        result = check_options(call, "DestinationEncryptionAlgorithm");
    if (result == LOCAL_OK)
        result = open_blob(call, "SourceKeyId", "SourceEncryptionAlgorithm",
                           "SourceEncryptionContext", &opened);
    if (result == LOCAL_OK)
        result = check_dry_run(call);
    if (result != LOCAL_OK)
        return result;
    if (kms_seal(call, key, &question.context, opened.plaintext, opened.len, &blob, &blob_len) != 0)
        return internal(call);
    put_blob(call, "CiphertextBlob", blob, blob_len);
    json_put_text(call->out, "SourceKeyId", opened.key->arn);
    json_put_text(call->out, "KeyId", key->arn);
    json_put_text(call->out, "SourceEncryptionAlgorithm", "SYMMETRIC_DEFAULT");
    json_put_text(call->out, "DestinationEncryptionAlgorithm", "SYMMETRIC_DEFAULT");
    json_put_text(call->out, "SourceKeyMaterialId", opened.header.material);
    json_put_text(call->out, "DestinationKeyMaterialId", key->material);
    return LOCAL_OK;
}

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

static enum local_result data_key(struct local_call *call, bool with_plaintext)
{
    const struct kms_key *key;
    unsigned char *blob;
    size_t size = 0, blob_len;
    enum local_result result = find_to_use(call, local_text(call, "KeyId"), &key);
    if (result == LOCAL_OK)
        result = data_key_size(call, &size);
    if (result == LOCAL_OK)
        result = check_options(call, "EncryptionAlgorithm");
    if (result == LOCAL_OK && with_plaintext && local_value(call, "Recipient"))
        /* Ours, not AWS's: there are no enclaves here to answer to. */
        result = local_fail(call, "ValidationException",
                            "understudy-local does not answer to a Recipient.");
    if (result == LOCAL_OK)
        result = check_dry_run(call);
    if (result != LOCAL_OK)
        return result;
    unsigned char *plaintext = arena_alloc(call->arena, size);
    random_bytes(call->local->random, plaintext, size);
    struct kms_context context = kms_context_of(call, "EncryptionContext");
    if (kms_seal(call, key, &context, plaintext, size, &blob, &blob_len) != 0)
        return internal(call);
    put_blob(call, "CiphertextBlob", blob, blob_len);
    if (with_plaintext)
        put_blob(call, "Plaintext", plaintext, size);
    json_put_text(call->out, "KeyId", key->arn);
    json_put_text(call->out, "KeyMaterialId", key->material);
    return LOCAL_OK;
}

enum local_result kms_op_generate_data_key(struct local_call *call)
{
    return data_key(call, true);
}

enum local_result kms_op_generate_data_key_without_plaintext(struct local_call *call)
{
    return data_key(call, false);
}

enum local_result kms_op_generate_random(struct local_call *call)
{
    if (!local_value(call, "NumberOfBytes"))
        return local_fail(call, "ValidationException", "NumberOfBytes is required.");
    if (local_text(call, "CustomKeyStoreId"))
        return local_fail_bare(call, "CustomKeyStoreNotFoundException");
    size_t size = (size_t)local_int(call, "NumberOfBytes", 0);
    unsigned char *bytes = arena_alloc(call->arena, size);
    random_bytes(call->local->random, bytes, size);
    put_blob(call, "Plaintext", bytes, size);
    return LOCAL_OK;
}

/* --- for other services (services/kms.h) ------------------------------------------------------ */

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
    enum local_result result = kms_find(call, key, KMS_BY_ALIAS | KMS_OTHER_ACCOUNT, &found);
    if (result == LOCAL_OK)
        result = kms_allow(call, found, &question);
    if (result == LOCAL_OK)
        result = kms_require(call, found, KMS_TO_USE);
    if (result != LOCAL_OK)
        return result;
    if (plaintext_len == 0 || plaintext_len > LARGEST_PLAINTEXT)
        return local_fail(call, "ValidationException",
                          "1 validation error detected: Value at 'plaintext' failed to satisfy "
                          "constraint: Member must have length %s",
                          plaintext_len ? "less than or equal to 4096"
                                        : "greater than or equal to 1");
    if (kms_seal(call, found, &question.context, plaintext, plaintext_len, blob, blob_len) != 0)
        return internal(call);
    return LOCAL_OK;
}

enum local_result kms_decrypt(struct local_call *call, const char *via,
                              const struct kms_context_pair *context, size_t context_count,
                              const void *blob, size_t blob_len, unsigned char **plaintext,
                              size_t *plaintext_len)
{
    struct kms_header header;
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
    enum local_result result = kms_find(call, key, KMS_BY_ALIAS | KMS_OTHER_ACCOUNT, &found);
    if (result == LOCAL_OK)
        result = kms_allow(call, found, &question);
    if (result == LOCAL_OK)
        result = kms_require(call, found, KMS_TO_USE);
    if (result != LOCAL_OK)
        return result;
    random_bytes(call->local->random, plaintext, 32);
    if (kms_seal(call, found, &question.context, plaintext, 32, blob, blob_len) != 0)
        return internal(call);
    return LOCAL_OK;
}

enum local_result kms_key_arn(struct local_call *call, const char *key, char **arn)
{
    const struct kms_key *found;
    enum local_result result = kms_find(call, key, KMS_BY_ALIAS | KMS_OTHER_ACCOUNT, &found);
    if (result == LOCAL_OK)
        *arn = arena_strdup(call->arena, found->arn);
    return result;
}
