#include "local/local.h"

#include "base/arena.h"
#include "base/digest.h"
#include "base/file.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FORMAT = 1, MASTER_SIZE = 32, NONCE_SIZE = 12, TAG_SIZE = 16 };
/* format byte, nonce, ciphertext, tag */
enum { OVERHEAD = 1 + NONCE_SIZE + TAG_SIZE };

struct keyring {
    struct random *random;
    EVP_CIPHER *cipher;
    unsigned char master[MASTER_SIZE];
    unsigned char sealing[32]; /* derived, so that the master key itself encrypts nothing */
};

static int read_master(struct keyring *keyring, const char *path, struct arena *arena,
                       struct error *err)
{
    char *data;
    size_t len;
    if (file_read(arena, path, MASTER_SIZE + 1, false, &data, &len, err) != 0)
        return -1;
    if (len != MASTER_SIZE)
        return error_set(err, ERR_INVALID, "%s is not a master key: %zu bytes, not %d", path, len,
                         MASTER_SIZE);
    struct stat info;
    if (stat(path, &info) != 0)
        return error_errno(err, errno, "cannot look at %s", path);
    if (info.st_mode & 077)
        return error_set(err, ERR_DENIED, "%s can be read by others: chmod 600 it", path);
    memcpy(keyring->master, data, MASTER_SIZE);
    return 0;
}

static int find_master(struct keyring *keyring, const char *folder, struct error *err)
{
    struct arena scratch; /* wiped by arena_done: it holds the key */
    arena_init(&scratch);
    const char *path = arena_printf(&scratch, "%s/master.key", folder);
    struct error found = {0};
    int result = read_master(keyring, path, &scratch, &found);
    if (result != 0 && found.code == ERR_NOT_FOUND) {
        random_bytes(keyring->random, keyring->master, MASTER_SIZE);
        result = file_write_atomic(path, keyring->master, MASTER_SIZE, 0600, err);
    } else if (result != 0 && err) {
        *err = found;
    }
    arena_done(&scratch);
    return result;
}

int keyring_open(const char *folder, struct random *random, struct keyring **out, struct error *err)
{
    struct keyring *keyring = memory_alloc(sizeof *keyring);
    keyring->random = random;
    keyring->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (!keyring->cipher || find_master(keyring, folder, err) != 0) {
        if (!keyring->cipher)
            error_set(err, ERR_UNSUPPORTED, "this OpenSSL has no AES-256-GCM");
        keyring_close(keyring);
        return -1;
    }
    keyring_derive(keyring, "seal", keyring->sealing);
    *out = keyring;
    return 0;
}

void keyring_close(struct keyring *keyring)
{
    if (!keyring)
        return;
    EVP_CIPHER_free(keyring->cipher);
    explicit_bzero(keyring, sizeof *keyring);
    free(keyring);
}

/* One pass of GCM, either way; the tag is written or checked. */
static int run(const struct keyring *keyring, bool encrypt, const char *purpose,
               const unsigned char *nonce, const unsigned char *in, size_t len, unsigned char *out,
               unsigned char *tag)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!context)
        memory_exhausted(sizeof(void *));
    int done;
    bool good =
        EVP_CipherInit_ex2(context, keyring->cipher, keyring->sealing, nonce, encrypt, NULL) == 1 &&
        EVP_CipherUpdate(context, NULL, &done, (const unsigned char *)purpose,
                         (int)strlen(purpose)) == 1 &&
        (len == 0 || EVP_CipherUpdate(context, out, &done, in, (int)len) == 1) &&
        (encrypt || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1) &&
        EVP_CipherFinal_ex(context, out + len, &done) == 1 &&
        (!encrypt || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag) == 1);
    EVP_CIPHER_CTX_free(context);
    return good ? 0 : -1;
}

void keyring_seal(struct keyring *keyring, struct arena *arena, const char *purpose,
                  const void *data, size_t len, unsigned char **out, size_t *out_len)
{
    unsigned char *sealed = arena_alloc(arena, OVERHEAD + len);
    sealed[0] = FORMAT;
    random_bytes(keyring->random, sealed + 1, NONCE_SIZE);
    unsigned char *cipher_text = sealed + 1 + NONCE_SIZE;
    if (run(keyring, true, purpose, sealed + 1, data, len, cipher_text, cipher_text + len) != 0) {
        fputs("OpenSSL failed: AES-256-GCM\n", stderr);
        abort();
    }
    *out = sealed;
    *out_len = OVERHEAD + len;
}

int keyring_unseal(struct keyring *keyring, struct arena *arena, const char *purpose,
                   const void *sealed, size_t sealed_len, unsigned char **out, size_t *out_len)
{
    const unsigned char *bytes = sealed;
    if (sealed_len < OVERHEAD || bytes[0] != FORMAT)
        return -1;
    size_t len = sealed_len - OVERHEAD;
    const unsigned char *cipher_text = bytes + 1 + NONCE_SIZE;
    unsigned char tag[TAG_SIZE];
    memcpy(tag, cipher_text + len, TAG_SIZE);
    unsigned char *plain = arena_alloc(arena, len + 1);
    if (run(keyring, false, purpose, bytes + 1, cipher_text, len, plain, tag) != 0) {
        explicit_bzero(plain, len); /* not authentic: not for anybody's eyes */
        return -1;
    }
    *out = plain;
    *out_len = len;
    return 0;
}

void keyring_derive(struct keyring *keyring, const char *purpose, unsigned char out[32])
{
    digest_hmac_sha256(keyring->master, MASTER_SIZE, purpose, strlen(purpose), out);
}
