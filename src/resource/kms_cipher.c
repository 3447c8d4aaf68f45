#include "resource/kms_cipher.h"

#include "base/json.h"
#include "resource/services.h"

#include <string.h>

static void put(json_t *in, const char *name, const char *text)
{
    if (text)
        json_object_set_new(in, name, json_string(text));
}

static void put_context(json_t *in, const char *name, const json_t *context)
{
    if (json_object_size(context))
        json_object_set_new(in, name, json_deep_copy(context));
}

/* AWS gives no text with this one. */
static int cipher_call(struct resource_ctx *ctx, const struct aws_operation *operation, json_t *in,
                       json_t **out, struct error *err)
{
    int result = resource_call(ctx, operation, in, out, err);
    json_decref(in);
    if (result != 0 && strcmp(err->aws_code, "InvalidCiphertextException") == 0)
        return error_set(err, ERR_INVALID,
                         "InvalidCiphertextException: not a ciphertext of this key, damaged, or "
                         "encrypted with another context");
    return result;
}

static int keep(struct resource_ctx *ctx, json_t *out, const char *operation, const char *blob_name,
                struct kms_sealed *sealed, struct error *err)
{
    const char *blob = json_text(out, blob_name), *arn = json_text(out, "KeyId");
    if (!blob || !arn) {
        json_decref(out);
        return error_set(err, ERR_UNAVAILABLE, "kms:%s in %s answered without %s", operation,
                         ctx->region, blob_name);
    }
    sealed->blob = arena_strdup(ctx->arena, blob);
    sealed->key_arn = arena_strdup(ctx->arena, arn);
    json_decref(out);
    return 0;
}

int kms_cipher_decrypt(struct resource_ctx *ctx, const char *blob, const char *key,
                       const json_t *context, const char **plain, struct error *err)
{
    json_t *in = json_object(), *out;
    struct kms_sealed read;
    put(in, "CiphertextBlob", blob);
    put(in, "KeyId", key);
    put_context(in, "EncryptionContext", context);
    if (cipher_call(ctx, &operation_kms_decrypt, in, &out, err) != 0 ||
        keep(ctx, out, "Decrypt", "Plaintext", &read, err) != 0)
        return -1;
    *plain = read.blob;
    return 0;
}

int kms_cipher_encrypt(struct resource_ctx *ctx, const char *plain, const char *key,
                       const json_t *context, struct kms_sealed *out, struct error *err)
{
    json_t *in = json_object(), *answer;
    put(in, "Plaintext", plain);
    put(in, "KeyId", key);
    put_context(in, "EncryptionContext", context);
    if (cipher_call(ctx, &operation_kms_encrypt, in, &answer, err) != 0)
        return -1;
    return keep(ctx, answer, "Encrypt", "CiphertextBlob", out, err);
}

int kms_cipher_data_key(struct resource_ctx *ctx, size_t size, const char *key,
                        const json_t *context, const char **plain, struct kms_sealed *out,
                        struct error *err)
{
    json_t *in = json_object(), *answer;
    put(in, "KeyId", key);
    json_object_set_new(in, "NumberOfBytes", json_integer((json_int_t)size));
    put_context(in, "EncryptionContext", context);
    if (cipher_call(ctx, &operation_kms_generate_data_key, in, &answer, err) != 0)
        return -1;
    const char *text = json_text(answer, "Plaintext");
    *plain = text ? arena_strdup(ctx->arena, text) : NULL;
    if (keep(ctx, answer, "GenerateDataKey", "CiphertextBlob", out, err) != 0)
        return -1;
    return *plain ? 0
                  : error_set(err, ERR_UNAVAILABLE,
                              "kms:GenerateDataKey in %s answered without Plaintext", ctx->region);
}

int kms_cipher_reencrypt(struct resource_ctx *ctx, const char *blob, const char *from,
                         const char *key, const json_t *context, struct kms_sealed *out,
                         struct error *err)
{
    json_t *in = json_object(), *answer;
    put(in, "CiphertextBlob", blob);
    put(in, "SourceKeyId", from);
    put(in, "DestinationKeyId", key);
    put_context(in, "SourceEncryptionContext", context);
    put_context(in, "DestinationEncryptionContext", context);
    if (cipher_call(ctx, &operation_kms_re_encrypt, in, &answer, err) != 0)
        return -1;
    return keep(ctx, answer, "ReEncrypt", "CiphertextBlob", out, err);
}
