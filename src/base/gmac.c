#include "base/gmac.h"

#include "base/arena.h"

#include <openssl/evp.h>

int gmac_tag(const unsigned char *key, size_t key_len, const unsigned char nonce[GMAC_NONCE_SIZE],
             const struct text *parts, size_t count, unsigned char tag[GMAC_TAG_SIZE])
{
    const EVP_CIPHER *cipher = key_len == 16   ? EVP_aes_128_gcm()
                               : key_len == 24 ? EVP_aes_192_gcm()
                               : key_len == 32 ? EVP_aes_256_gcm()
                                               : NULL;
    unsigned char none[GMAC_TAG_SIZE];
    int len;
    if (!cipher)
        return -1;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx)
        memory_exhausted(sizeof none);
    bool fine = EVP_EncryptInit_ex(ctx, cipher, NULL, key, nonce) == 1;
    for (size_t i = 0; fine && i < count; i++)
        fine = parts[i].len == 0 ||
               EVP_EncryptUpdate(ctx, NULL, &len, (const unsigned char *)parts[i].data,
                                 (int)parts[i].len) == 1;
    fine = fine && EVP_EncryptFinal_ex(ctx, none, &len) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, GMAC_TAG_SIZE, tag) == 1;
    EVP_CIPHER_CTX_free(ctx); /* wipes the key */
    return fine ? 0 : -1;
}
