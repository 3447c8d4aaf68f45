/*
 * kms_cipher: ciphertexts of KMS opened under one key and closed under another.
 *
 * Texts are base64, as KMS's JSON has them: what was decrypted goes back as it came, and is wiped
 * with what held it (the JSON when it is freed, ctx's arena when it is reset). Memory: ctx->arena.
 * Threads: a ctx belongs to one. `context` is an object of texts, or NULL. Source: the service
 * model (Decrypt, Encrypt, GenerateDataKey, ReEncrypt); shared facts kms.md sections 2 and 6.
 */
#ifndef UNDERSTUDY_RESOURCE_KMS_CIPHER_H
#define UNDERSTUDY_RESOURCE_KMS_CIPHER_H

#include "resource/resource.h"

enum { KMS_CIPHERTEXT_MOST = 6144, KMS_PLAINTEXT_MOST = 4096 };

struct kms_sealed {
    const char *blob;    /* base64 */
    const char *key_arn; /* of the key that it is under */
};

/* *plain: base64, a secret. `key` NULL: the one that the ciphertext names. */
int kms_cipher_decrypt(struct resource_ctx *ctx, const char *blob, const char *key,
                       const json_t *context, const char **plain, struct error *err);
int kms_cipher_encrypt(struct resource_ctx *ctx, const char *plain, const char *key,
                       const json_t *context, struct kms_sealed *out, struct error *err);
/* A new data key of `size` bytes: *plain as by kms_cipher_decrypt. */
int kms_cipher_data_key(struct resource_ctx *ctx, size_t size, const char *key,
                        const json_t *context, const char **plain, struct kms_sealed *out,
                        struct error *err);
/* Within KMS: the plaintext does not leave it. `from` NULL: the key that the ciphertext names. */
int kms_cipher_reencrypt(struct resource_ctx *ctx, const char *blob, const char *from,
                         const char *key, const json_t *context, struct kms_sealed *out,
                         struct error *err);

#endif
