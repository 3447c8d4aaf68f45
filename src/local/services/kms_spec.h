/*
 * kms_spec: what the kinds of KMS keys are: usages, algorithms, sizes (shared facts kms.md section
 * 3). Const tables; pure; any thread.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_KMS_SPEC_H
#define UNDERSTUDY_LOCAL_SERVICES_KMS_SPEC_H

#include <stdbool.h>
#include <stddef.h>

enum kms_family {
    KMS_AES,
    KMS_HMAC,
    KMS_RSA,
    KMS_EC,
    KMS_EDWARDS,
    KMS_ABSENT, /* this OpenSSL has no such keys: SM2, ML-DSA */
};

enum { KMS_LARGEST_USAGES = 4 };
struct kms_spec {
    const char *name; /* "RSA_2048" */
    enum kms_family family;
    int bits;          /* of the secret (AES, HMAC) or the modulus (RSA) */
    const char *group; /* EC: OpenSSL's name of the curve */
    bool pair;         /* GenerateDataKeyPair makes such pairs */
    const char *usages[KMS_LARGEST_USAGES];
    /* Of each usage, in the order of `usages`, NULL-terminated. */
    const char *const *algorithms[KMS_LARGEST_USAGES];
};

const struct kms_spec *kms_spec_find(const char *name); /* NULL: no such */
bool kms_spec_symmetric(const char *name);              /* SYMMETRIC_DEFAULT */
bool kms_spec_allows(const struct kms_spec *spec, const char *usage);
/* NULL-terminated; empty for a usage it does not have. */
const char *const *kms_spec_algorithms(const struct kms_spec *spec, const char *usage);
bool kms_spec_has(const struct kms_spec *spec, const char *usage, const char *algorithm);
/* The member of KeyMetadata that lists them: "SigningAlgorithms". */
const char *kms_spec_member(const char *usage);

/* A signing algorithm; `digest` NULL: it signs messages, not digests (Ed25519). */
struct kms_signing {
    const char *name, *digest; /* OpenSSL's name */
    size_t digest_size;        /* bytes */
    bool pss;
};
const struct kms_signing *kms_signing_find(const char *name);

/* OpenSSL's digest of "RSAES_OAEP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256", "HMAC_SHA_384": by the end of
 * the name. */
const char *kms_digest_of(const char *algorithm);
/* How many bytes RSA of this size and algorithm can take. */
size_t kms_largest_oaep(const struct kms_spec *spec, const char *algorithm);

#endif
