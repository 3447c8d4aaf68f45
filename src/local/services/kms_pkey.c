#include "local/services/kms_pkey.h"

#include "base/arena.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void kms_broken(const char *what)
{
    fprintf(stderr, "OpenSSL failed: %s\n", what);
    abort();
}

/* --- making and reading ----------------------------------------------------------------------- */

EVP_PKEY *kms_pkey_generate(const struct kms_spec *spec)
{
    EVP_PKEY *pkey = NULL;
    if (spec->family == KMS_RSA)
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)spec->bits);
    else if (spec->family == KMS_EC)
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", spec->group);
    else if (spec->family == KMS_EDWARDS)
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (!pkey)
        kms_broken("making a key pair");
    return pkey;
}

struct kms_bytes kms_pkey_private(struct arena *arena, EVP_PKEY *pkey)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : -1;
    if (len <= 0)
        kms_broken("PKCS #8");
    struct kms_bytes out = {arena_alloc(arena, (size_t)len), (size_t)len};
    unsigned char *at = out.data;
    i2d_PKCS8_PRIV_KEY_INFO(info, &at);
    PKCS8_PRIV_KEY_INFO_free(info); /* which wipes it */
    return out;
}

struct kms_bytes kms_pkey_public(struct arena *arena, EVP_PKEY *pkey)
{
    int len = i2d_PUBKEY(pkey, NULL);
    if (len <= 0)
        kms_broken("a public key's form");
    struct kms_bytes out = {arena_alloc(arena, (size_t)len), (size_t)len};
    unsigned char *at = out.data;
    i2d_PUBKEY(pkey, &at);
    return out;
}

EVP_PKEY *kms_pkey_read_private(const void *der, size_t len)
{
    const unsigned char *at = der;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)len);
    EVP_PKEY *pkey = info && at == (const unsigned char *)der + len ? EVP_PKCS82PKEY(info) : NULL;
    PKCS8_PRIV_KEY_INFO_free(info);
    ERR_clear_error();
    return pkey;
}

EVP_PKEY *kms_pkey_read_public(const void *der, size_t len)
{
    const unsigned char *at = der;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)len);
    if (pkey && at != (const unsigned char *)der + len) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    ERR_clear_error();
    return pkey;
}

static EVP_PKEY_CTX *context_of(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (!context)
        memory_exhausted(sizeof(void *));
    return context;
}

static bool is_group(EVP_PKEY *pkey, const char *wanted)
{
    /* OpenSSL may name a NIST curve by either of its names. */
    static const char *const names[][2] = {{"P-256", "prime256v1"},
                                           {"P-384", "secp384r1"},
                                           {"P-521", "secp521r1"}};
    char group[64];
    size_t len;
    if (EVP_PKEY_get_group_name(pkey, group, sizeof group, &len) != 1)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i][0], wanted) == 0 && strcmp(names[i][1], group) == 0)
            return true;
    return strcmp(group, wanted) == 0;
}

bool kms_pkey_fits(EVP_PKEY *pkey, const struct kms_spec *spec)
{
    bool fits = false;
    if (spec->family == KMS_RSA)
        fits = EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) == spec->bits;
    else if (spec->family == KMS_EC)
        fits = EVP_PKEY_is_a(pkey, "EC") && is_group(pkey, spec->group);
    else if (spec->family == KMS_EDWARDS)
        fits = EVP_PKEY_is_a(pkey, "ED25519");
    ERR_clear_error();
    return fits;
}

bool kms_pkey_sound(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *context = context_of(pkey);
    bool sound = EVP_PKEY_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return sound;
}

/* --- RSAES-OAEP ------------------------------------------------------------------------------- */

static bool set_oaep(EVP_PKEY_CTX *context, const char *algorithm)
{
    const char *digest = kms_digest_of(algorithm);
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_oaep_md_name(context, digest, NULL) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, digest, NULL) == 1;
}

int kms_pkey_encrypt(struct arena *arena, EVP_PKEY *pkey, const char *algorithm,
                     const struct kms_bytes *plaintext, struct kms_bytes *out)
{
    EVP_PKEY_CTX *context = context_of(pkey);
    out->len = (size_t)EVP_PKEY_get_size(pkey);
    out->data = arena_alloc(arena, out->len);
    bool good =
        EVP_PKEY_encrypt_init(context) == 1 && set_oaep(context, algorithm) &&
        EVP_PKEY_encrypt(context, out->data, &out->len, plaintext->data, plaintext->len) == 1;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return good ? 0 : -1;
}

int kms_pkey_decrypt(struct arena *arena, EVP_PKEY *pkey, const char *algorithm,
                     const struct kms_bytes *blob, struct kms_bytes *out)
{
    EVP_PKEY_CTX *context = context_of(pkey);
    out->len = (size_t)EVP_PKEY_get_size(pkey);
    out->data = arena_alloc(arena, out->len + 1);
    bool good = EVP_PKEY_decrypt_init(context) == 1 && set_oaep(context, algorithm) &&
                EVP_PKEY_decrypt(context, out->data, &out->len, blob->data, blob->len) == 1;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return good ? 0 : -1;
}

/* --- signatures ------------------------------------------------------------------------------- */

static bool set_signing(EVP_PKEY_CTX *context, EVP_PKEY *pkey, const struct kms_signing *signing)
{
    const EVP_MD *digest = EVP_get_digestbyname(signing->digest);
    if (EVP_PKEY_CTX_set_signature_md(context, digest) != 1)
        return false;
    if (!EVP_PKEY_is_a(pkey, "RSA"))
        return true;
    if (!signing->pss)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/* The digest to sign: given, or made of the message. */
static const unsigned char *digest_of(const struct kms_signing *signing,
                                      const struct kms_bytes *message, bool digested,
                                      unsigned char made[EVP_MAX_MD_SIZE])
{
    size_t size;
    if (digested)
        return message->data;
    if (EVP_Q_digest(NULL, signing->digest, NULL, message->data, message->len, made, &size) != 1)
        kms_broken("a digest");
    return made;
}

static struct kms_bytes sign_message(struct arena *arena, EVP_PKEY *pkey,
                                     const struct kms_bytes *message)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    struct kms_bytes out = {NULL, (size_t)EVP_PKEY_get_size(pkey)};
    out.data = arena_alloc(arena, out.len);
    if (!context || EVP_DigestSignInit_ex(context, NULL, NULL, NULL, NULL, pkey, NULL) != 1 ||
        EVP_DigestSign(context, out.data, &out.len, message->data, message->len) != 1)
        kms_broken("signing a message");
    EVP_MD_CTX_free(context);
    return out;
}

struct kms_bytes kms_pkey_sign(struct arena *arena, EVP_PKEY *pkey,
                               const struct kms_signing *signing, const struct kms_bytes *message,
                               bool digested)
{
    unsigned char made[EVP_MAX_MD_SIZE];
    if (!signing->digest)
        return sign_message(arena, pkey, message);
    const unsigned char *digest = digest_of(signing, message, digested, made);
    EVP_PKEY_CTX *context = context_of(pkey);
    struct kms_bytes out = {NULL, (size_t)EVP_PKEY_get_size(pkey)};
    out.data = arena_alloc(arena, out.len);
    if (EVP_PKEY_sign_init(context) != 1 || !set_signing(context, pkey, signing) ||
        EVP_PKEY_sign(context, out.data, &out.len, digest, signing->digest_size) != 1)
        kms_broken("signing a digest");
    EVP_PKEY_CTX_free(context);
    return out;
}

static bool verify_message(EVP_PKEY *pkey, const struct kms_bytes *message,
                           const struct kms_bytes *signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good =
        context && EVP_DigestVerifyInit_ex(context, NULL, NULL, NULL, NULL, pkey, NULL) == 1 &&
        EVP_DigestVerify(context, signature->data, signature->len, message->data, message->len) ==
            1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good;
}

bool kms_pkey_verify(EVP_PKEY *pkey, const struct kms_signing *signing,
                     const struct kms_bytes *message, bool digested,
                     const struct kms_bytes *signature)
{
    unsigned char made[EVP_MAX_MD_SIZE];
    if (!signing->digest)
        return verify_message(pkey, message, signature);
    const unsigned char *digest = digest_of(signing, message, digested, made);
    EVP_PKEY_CTX *context = context_of(pkey);
    bool good = EVP_PKEY_verify_init(context) == 1 && set_signing(context, pkey, signing) &&
                EVP_PKEY_verify(context, signature->data, signature->len, digest,
                                signing->digest_size) == 1;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return good;
}

/* --- agreement, message codes, wrapping ------------------------------------------------------- */

int kms_pkey_derive(struct arena *arena, EVP_PKEY *pkey, EVP_PKEY *peer, struct kms_bytes *out)
{
    EVP_PKEY_CTX *context = context_of(pkey);
    bool good = EVP_PKEY_derive_init(context) == 1 &&
                EVP_PKEY_derive_set_peer_ex(context, peer, 1) == 1 &&
                EVP_PKEY_derive(context, NULL, &out->len) == 1;
    if (good) {
        out->data = arena_alloc(arena, out->len);
        good = EVP_PKEY_derive(context, out->data, &out->len) == 1;
    }
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return good ? 0 : -1;
}

struct kms_bytes kms_mac(struct arena *arena, const char *algorithm, const struct kms_bytes *key,
                         const struct kms_bytes *message)
{
    struct kms_bytes out = {arena_alloc(arena, EVP_MAX_MD_SIZE), 0};
    if (!EVP_Q_mac(NULL, "HMAC", NULL, kms_digest_of(algorithm), NULL, key->data, key->len,
                   message->data, message->len, out.data, EVP_MAX_MD_SIZE, &out.len))
        kms_broken("HMAC");
    return out;
}

int kms_unwrap(struct arena *arena, const struct kms_bytes *key, const unsigned char *wrapped,
               size_t len, struct kms_bytes *out)
{
    const char *name = key->len == 32   ? "AES-256-WRAP-PAD"
                       : key->len == 24 ? "AES-192-WRAP-PAD"
                       : key->len == 16 ? "AES-128-WRAP-PAD"
                                        : NULL;
    if (!name || len < 16 || len % 8)
        return -1;
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!cipher || !context)
        kms_broken("AES key wrap");
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    out->data = arena_alloc(arena, len + 8);
    int written = 0;
    bool good = EVP_DecryptInit_ex2(context, cipher, key->data, NULL, NULL) == 1 &&
                EVP_DecryptUpdate(context, out->data, &written, wrapped, (int)len) == 1;
    out->len = (size_t)written;
    EVP_CIPHER_CTX_free(context);
    EVP_CIPHER_free(cipher);
    ERR_clear_error();
    return good && written > 0 ? 0 : -1;
}
