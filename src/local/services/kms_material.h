/*
 * kms_material: the secrets of KMS keys: made, sealed under the master key, kept in the store, and
 * unwrapped into a cache of each thread. For kms_*.c only.
 *
 * What is stored: 32 bytes (AES), the bytes of an HMAC key, PKCS #8 (RSA, ECC). A material handed
 * out is the thread's and good until the next one is asked for.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_KMS_MATERIAL_H
#define UNDERSTUDY_LOCAL_SERVICES_KMS_MATERIAL_H

#include "local/services/kms_parts.h"
#include "local/services/kms_pkey.h"

enum { KMS_LARGEST_MAC_KEY = 128 };

struct kms_material {
    const struct keyring *keyring; /* tests open several; NULL: an empty slot */
    char id[KMS_MATERIAL_SIZE];
    EVP_CIPHER_CTX *seal, *unseal; /* AES: keyed; only the nonce is set for each use */
    EVP_PKEY *pkey;                /* RSA, ECC */
    unsigned char mac_key[KMS_LARGEST_MAC_KEY];
    size_t mac_key_len;
};

/* NULL when there is no such material, it was not sealed here, or it is not of this family. */
struct kms_material *kms_material_open(struct local_call *call, const char *key_id,
                                       const char *material, enum kms_family family);
/* New random material of a key, stored. Writer only. */
void kms_material_new(struct local_call *call, const char *account, const char *key_id,
                      const struct kms_spec *spec, char material[KMS_MATERIAL_SIZE]);
/* Material that the caller brought: its id is made of the key's id and the bytes, so that the same
 * bytes are known again. Writer only for kms_material_store. */
void kms_material_name(struct local_call *call, const char *key_id, const struct kms_bytes *bytes,
                       char material[KMS_MATERIAL_SIZE]);
void kms_material_store(struct local_call *call, const char *account, const char *key_id,
                        const char *material, const struct kms_bytes *bytes);

#endif
