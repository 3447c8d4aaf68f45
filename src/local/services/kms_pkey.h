/*
 * kms_pkey: asymmetric keys and key wrapping through OpenSSL's EVP. Pure: no store, no call.
 *
 * Memory: bytes come in the given arena (wiped with it); an EVP_PKEY is the caller's to free. A
 * pkey may be used by one thread at a time. Errors: NULL or -1 when the bytes do not fit; OpenSSL
 * failing at what must work ends the program.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_KMS_PKEY_H
#define UNDERSTUDY_LOCAL_SERVICES_KMS_PKEY_H

#include "local/services/kms_spec.h"

#include <openssl/evp.h>

struct arena;
struct kms_bytes {
    unsigned char *data;
    size_t len;
};

__attribute__((noreturn)) void kms_broken(const char *what);

EVP_PKEY *kms_pkey_generate(const struct kms_spec *spec);
struct kms_bytes kms_pkey_private(struct arena *arena, EVP_PKEY *pkey); /* PKCS #8, DER */
struct kms_bytes kms_pkey_public(struct arena *arena, EVP_PKEY *pkey);  /* SPKI, DER */
/* NULL unless these bytes are exactly one such structure. */
EVP_PKEY *kms_pkey_read_private(const void *der, size_t len);
EVP_PKEY *kms_pkey_read_public(const void *der, size_t len);
/* Is it a good key of this spec? */
bool kms_pkey_fits(EVP_PKEY *pkey, const struct kms_spec *spec);
/* Do its halves belong together, and are they within their ranges? For keys from outside. */
bool kms_pkey_sound(EVP_PKEY *pkey);

/* RSAES-OAEP with the algorithm's digest, for MGF1 too. */
int kms_pkey_encrypt(struct arena *arena, EVP_PKEY *pkey, const char *algorithm,
                     const struct kms_bytes *plaintext, struct kms_bytes *out);
int kms_pkey_decrypt(struct arena *arena, EVP_PKEY *pkey, const char *algorithm,
                     const struct kms_bytes *blob, struct kms_bytes *out);

/* `message` is the digest when `digested`, of the size that the algorithm wants. */
struct kms_bytes kms_pkey_sign(struct arena *arena, EVP_PKEY *pkey,
                               const struct kms_signing *signing, const struct kms_bytes *message,
                               bool digested);
bool kms_pkey_verify(EVP_PKEY *pkey, const struct kms_signing *signing,
                     const struct kms_bytes *message, bool digested,
                     const struct kms_bytes *signature);
/* ECDH: the x coordinate; -1 when the other point is of another curve. */
int kms_pkey_derive(struct arena *arena, EVP_PKEY *pkey, EVP_PKEY *peer, struct kms_bytes *out);

/* HMAC of `message`; `algorithm` "HMAC_SHA_256". */
struct kms_bytes kms_mac(struct arena *arena, const char *algorithm, const struct kms_bytes *key,
                         const struct kms_bytes *message);
/* AES key unwrap with padding (RFC 5649). */
int kms_unwrap(struct arena *arena, const struct kms_bytes *key, const unsigned char *wrapped,
               size_t len, struct kms_bytes *out);

#endif
