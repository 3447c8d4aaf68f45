#include "local/services/kms_material.h"

#include "base/digest.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/*
 * A ciphertext: prefix, format, key id, material id, nonce, encrypted bytes, tag. AWS publishes no
 * layout; only the first five bytes are those its ciphertexts start with, because programs look
 * for them ("AQIC..."). Everything before the nonce is additional data and so is the encryption
 * context. Account and Region are in neither: a related multi-Region key opens it elsewhere.
 */
static const unsigned char prefix[] = {0x01, 0x02, 0x02, 0x00, 0x78};
enum {
    FORMAT = 1,
    FORMAT_AT = sizeof prefix,
    KIND_AT,                  /* 0: UUID, 1: "mrk-" and 32 hex digits */
    ID_AT,                    /* 16 bytes */
    MATERIAL_AT = ID_AT + 16, /* 32 bytes */
    NONCE_AT = MATERIAL_AT + 32,
    NONCE_SIZE = 12,
    DATA_AT = NONCE_AT + NONCE_SIZE,
    TAG_SIZE = 16,
};
_Static_assert((int)DATA_AT + (int)TAG_SIZE == (int)KMS_BLOB_OVERHEAD, "kms_parts.h says");
_Static_assert(4096 + (int)KMS_BLOB_OVERHEAD <= 6144, "the largest plaintext must fit");

/* --- the format ------------------------------------------------------------------------------- */

static void id_write(const char *id, unsigned char *out)
{
    char hex[33];
    size_t at = 0;
    bool multi_region = strncmp(id, "mrk-", 4) == 0;
    for (const char *c = multi_region ? id + 4 : id; *c && at < 32; c++)
        if (*c != '-')
            hex[at++] = *c;
    hex[at] = '\0';
    out[0] = multi_region;
    if (digest_unhex(hex, at, out + 1, 16) != 0) /* ids are made here: always hex */
        memset(out + 1, 0, 16);
}

static void id_read(const unsigned char *in, char out[KMS_ID_SIZE])
{
    static const unsigned char groups[] = {8, 4, 4, 4, 12};
    char hex[33];
    const char *from = hex;
    digest_hex(in + 1, 16, hex);
    if (in[0]) {
        memcpy(out, "mrk-", 4);
        memcpy(out + 4, hex, sizeof hex);
        return;
    }
    for (size_t i = 0; i < sizeof groups; i++) { /* no snprintf: this is on every decryption */
        memcpy(out, from, groups[i]);
        from += groups[i];
        out += groups[i];
        *out++ = i + 1 < sizeof groups ? '-' : '\0';
    }
}

int kms_blob_read(const void *blob, size_t len, struct kms_header *out)
{
    const unsigned char *bytes = blob;
    if (len <= KMS_BLOB_OVERHEAD || memcmp(bytes, prefix, sizeof prefix) != 0 ||
        bytes[FORMAT_AT] != FORMAT || bytes[KIND_AT] > 1)
        return -1;
    id_read(bytes + KIND_AT, out->key_id);
    digest_hex(bytes + MATERIAL_AT, 32, out->material);
    return 0;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct kms_context_pair *)a)->key,
                  ((const struct kms_context_pair *)b)->key);
}

static unsigned char *put_text(unsigned char *out, const char *text)
{
    size_t len = strlen(text);
    *out++ = (unsigned char)(len >> 24);
    *out++ = (unsigned char)(len >> 16);
    *out++ = (unsigned char)(len >> 8);
    *out++ = (unsigned char)len;
    memcpy(out, text, len);
    return out + len;
}

/* Header, then the pairs sorted by their keys' bytes, each text behind its length: no two contexts
 * give the same bytes. */
static unsigned char *additional_data(struct arena *arena, const unsigned char *header,
                                      const struct kms_context *context, size_t *len)
{
    struct kms_context_pair *pairs =
        arena_memdup(arena, context->pairs, context->count * sizeof *pairs);
    if (context->count > 1)
        qsort(pairs, context->count, sizeof *pairs, by_key);
    size_t size = NONCE_AT;
    for (size_t i = 0; i < context->count; i++)
        size += 8 + strlen(pairs[i].key) + strlen(pairs[i].value);
    unsigned char *data = arena_alloc(arena, size);
    memcpy(data, header, NONCE_AT);
    unsigned char *at = data + NONCE_AT;
    for (size_t i = 0; i < context->count; i++)
        at = put_text(put_text(at, pairs[i].key), pairs[i].value);
    *len = size;
    return data;
}

int kms_seal(struct local_call *call, const struct kms_key *key, const struct kms_context *context,
             const void *plaintext, size_t len, unsigned char **blob, size_t *blob_len)
{
    struct kms_material *slot = kms_material_open(call, key->id, key->material, KMS_AES);
    if (!slot)
        return -1;
    unsigned char *out = arena_alloc(call->arena, len + KMS_BLOB_OVERHEAD);
    memcpy(out, prefix, sizeof prefix);
    out[FORMAT_AT] = FORMAT;
    id_write(key->id, out + KIND_AT);
    if (digest_unhex(key->material, 64, out + MATERIAL_AT, 32) != 0)
        return -1;
    random_bytes(call->local->random, out + NONCE_AT, NONCE_SIZE);
    size_t aad_len;
    unsigned char *aad = additional_data(call->arena, out, context, &aad_len);
    EVP_CIPHER_CTX *cipher = slot->seal;
    int done;
    if (EVP_EncryptInit_ex2(cipher, NULL, NULL, out + NONCE_AT, NULL) != 1 ||
        EVP_EncryptUpdate(cipher, NULL, &done, aad, (int)aad_len) != 1 ||
        EVP_EncryptUpdate(cipher, out + DATA_AT, &done, plaintext, (int)len) != 1 ||
        EVP_EncryptFinal_ex(cipher, out + DATA_AT + done, &done) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, out + DATA_AT + len) != 1)
        kms_broken("encryption");
    *blob = out;
    *blob_len = len + KMS_BLOB_OVERHEAD;
    return 0;
}

int kms_unseal(struct local_call *call, const struct kms_header *header,
               const struct kms_context *context, const void *blob, size_t blob_len,
               unsigned char **plaintext, size_t *len)
{
    struct kms_material *slot = kms_material_open(call, header->key_id, header->material, KMS_AES);
    if (!slot)
        return -1;
    const unsigned char *in = blob;
    size_t size = blob_len - KMS_BLOB_OVERHEAD, aad_len;
    unsigned char *aad = additional_data(call->arena, in, context, &aad_len);
    unsigned char *out = arena_alloc(call->arena, size + 1); /* a NUL behind, for texts */
    unsigned char tag[TAG_SIZE];
    memcpy(tag, in + DATA_AT + size, TAG_SIZE);
    EVP_CIPHER_CTX *cipher = slot->unseal;
    int done;
    if (EVP_DecryptInit_ex2(cipher, NULL, NULL, in + NONCE_AT, NULL) != 1 ||
        EVP_DecryptUpdate(cipher, NULL, &done, aad, (int)aad_len) != 1 ||
        EVP_DecryptUpdate(cipher, out, &done, in + DATA_AT, (int)size) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) != 1)
        kms_broken("decryption");
    if (EVP_DecryptFinal_ex(cipher, out + done, &done) != 1) {
        OPENSSL_cleanse(out, size);
        return -1;
    }
    *plaintext = out;
    *len = size;
    return 0;
}
