#include "base/gcm.h"

#include "base/arena.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gcm {
    EVP_CIPHER_CTX *ctx;
    bool seals;
};

static void must(int done)
{
    if (done == 1)
        return;
    fputs("OpenSSL failed: AES-GCM\n", stderr);
    abort();
}

struct gcm *gcm_new(const unsigned char *key, size_t key_len, bool seals)
{
    const EVP_CIPHER *cipher = key_len == 16   ? EVP_aes_128_gcm()
                               : key_len == 24 ? EVP_aes_192_gcm()
                               : key_len == 32 ? EVP_aes_256_gcm()
                                               : NULL;
    if (!cipher)
        return NULL;
    struct gcm *gcm = memory_alloc(sizeof *gcm);
    gcm->seals = seals;
    gcm->ctx = EVP_CIPHER_CTX_new();
    if (!gcm->ctx)
        memory_exhausted(sizeof *gcm);
    must(EVP_CipherInit_ex2(gcm->ctx, cipher, key, NULL, seals, NULL));
    return gcm;
}

void gcm_free(struct gcm *gcm)
{
    if (!gcm)
        return;
    EVP_CIPHER_CTX_free(gcm->ctx); /* wipes the key */
    free(gcm);
}

void gcm_begin(struct gcm *gcm, const unsigned char nonce[GMAC_NONCE_SIZE], const void *beside,
               size_t beside_len)
{
    int len;
    must(EVP_CipherInit_ex2(gcm->ctx, NULL, NULL, nonce, gcm->seals, NULL));
    if (beside_len)
        must(EVP_CipherUpdate(gcm->ctx, NULL, &len, beside, (int)beside_len));
}

void gcm_add(struct gcm *gcm, const void *in, size_t len, void *out)
{
    int done;
    if (len)
        must(EVP_CipherUpdate(gcm->ctx, out, &done, in, (int)len));
}

void gcm_tag(struct gcm *gcm, unsigned char tag[GMAC_TAG_SIZE])
{
    unsigned char none[GMAC_TAG_SIZE];
    int len;
    must(EVP_CipherFinal_ex(gcm->ctx, none, &len));
    must(EVP_CIPHER_CTX_ctrl(gcm->ctx, EVP_CTRL_AEAD_GET_TAG, GMAC_TAG_SIZE, tag));
}

bool gcm_proves(struct gcm *gcm, const unsigned char tag[GMAC_TAG_SIZE])
{
    unsigned char none[GMAC_TAG_SIZE], copy[GMAC_TAG_SIZE];
    int len;
    memcpy(copy, tag, sizeof copy);
    must(EVP_CIPHER_CTX_ctrl(gcm->ctx, EVP_CTRL_AEAD_SET_TAG, GMAC_TAG_SIZE, copy));
    return EVP_CipherFinal_ex(gcm->ctx, none, &len) == 1;
}
