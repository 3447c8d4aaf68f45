#include "base/seal.h"

#include "base/arena.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct seal {
    EVP_CIPHER *cipher;
    unsigned char key[SEAL_KEY_SIZE];
};

struct seal *seal_new(const unsigned char key[SEAL_KEY_SIZE])
{
    struct seal *seal = memory_alloc(sizeof *seal);
    memcpy(seal->key, key, SEAL_KEY_SIZE);
    seal->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (!seal->cipher) {
        fputs("OpenSSL has no AES-256-GCM\n", stderr);
        abort();
    }
    return seal;
}

void seal_free(struct seal *seal)
{
    if (!seal)
        return;
    EVP_CIPHER_free(seal->cipher);
    explicit_bzero(seal, sizeof *seal);
    free(seal);
}

/* One pass, either way; the tag is written or checked. */
static bool pass(const struct seal *seal, bool encrypt, const char *label,
                 const unsigned char *nonce, const unsigned char *in, size_t len,
                 unsigned char *out, unsigned char *tag)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!context)
        memory_exhausted(sizeof(void *));
    int done;
    bool good =
        EVP_CipherInit_ex2(context, seal->cipher, seal->key, nonce, encrypt, NULL) == 1 &&
        EVP_CipherUpdate(context, NULL, &done, (const unsigned char *)label, (int)strlen(label)) ==
            1 &&
        (len == 0 || EVP_CipherUpdate(context, out, &done, in, (int)len) == 1) &&
        (encrypt || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_SIZE, tag) == 1) &&
        EVP_CipherFinal_ex(context, out + len, &done) == 1 &&
        (!encrypt || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_SIZE, tag) == 1);
    EVP_CIPHER_CTX_free(context);
    return good;
}

void seal_close(const struct seal *seal, struct random *random, const char *label, const void *data,
                size_t len, unsigned char *out)
{
    unsigned char *text = out + SEAL_NONCE_SIZE;
    random_bytes(random, out, SEAL_NONCE_SIZE);
    if (!pass(seal, true, label, out, data, len, text, text + len)) {
        fputs("OpenSSL failed: AES-256-GCM\n", stderr);
        abort();
    }
}

int seal_open(const struct seal *seal, const char *label, const void *sealed, size_t len,
              unsigned char *out)
{
    const unsigned char *bytes = sealed;
    unsigned char tag[SEAL_TAG_SIZE];
    if (len < SEAL_OVERHEAD)
        return -1;
    size_t text_len = len - SEAL_OVERHEAD;
    memcpy(tag, bytes + len - SEAL_TAG_SIZE, SEAL_TAG_SIZE);
    if (pass(seal, false, label, bytes, bytes + SEAL_NONCE_SIZE, text_len, out, tag))
        return 0;
    explicit_bzero(out, text_len);
    return -1;
}
