#include "local/services/kms_spec.h"

#include <string.h>

static const char *const symmetric[] = {"SYMMETRIC_DEFAULT", NULL};
static const char *const hmac_224[] = {"HMAC_SHA_224", NULL};
static const char *const hmac_256[] = {"HMAC_SHA_256", NULL};
static const char *const hmac_384[] = {"HMAC_SHA_384", NULL};
static const char *const hmac_512[] = {"HMAC_SHA_512", NULL};
static const char *const oaep[] = {"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", NULL};
static const char *const rsa_signing[] = {"RSASSA_PKCS1_V1_5_SHA_256",
                                          "RSASSA_PKCS1_V1_5_SHA_384",
                                          "RSASSA_PKCS1_V1_5_SHA_512",
                                          "RSASSA_PSS_SHA_256",
                                          "RSASSA_PSS_SHA_384",
                                          "RSASSA_PSS_SHA_512",
                                          NULL};
static const char *const ecdsa_256[] = {"ECDSA_SHA_256", NULL};
static const char *const ecdsa_384[] = {"ECDSA_SHA_384", NULL};
static const char *const ecdsa_512[] = {"ECDSA_SHA_512", NULL};
static const char *const ecdh[] = {"ECDH", NULL};
/* AWS has ED25519_PH_SHA_512 as well, which OpenSSL 3.0 cannot do. */
static const char *const ed25519[] = {"ED25519_SHA_512", NULL};

#define ENCRYPT "ENCRYPT_DECRYPT"
#define SIGN    "SIGN_VERIFY"
#define MAC     "GENERATE_VERIFY_MAC"
#define AGREE   "KEY_AGREEMENT"

static const struct kms_spec specs[] = {
    {"SYMMETRIC_DEFAULT", KMS_AES, 256, NULL, false, {ENCRYPT}, {symmetric}},
    {"HMAC_224", KMS_HMAC, 224, NULL, false, {MAC}, {hmac_224}},
    {"HMAC_256", KMS_HMAC, 256, NULL, false, {MAC}, {hmac_256}},
    {"HMAC_384", KMS_HMAC, 384, NULL, false, {MAC}, {hmac_384}},
    {"HMAC_512", KMS_HMAC, 512, NULL, false, {MAC}, {hmac_512}},
    {"RSA_2048", KMS_RSA, 2048, NULL, true, {ENCRYPT, SIGN}, {oaep, rsa_signing}},
    {"RSA_3072", KMS_RSA, 3072, NULL, true, {ENCRYPT, SIGN}, {oaep, rsa_signing}},
    {"RSA_4096", KMS_RSA, 4096, NULL, true, {ENCRYPT, SIGN}, {oaep, rsa_signing}},
    {"ECC_NIST_P256", KMS_EC, 256, "P-256", true, {SIGN, AGREE}, {ecdsa_256, ecdh}},
    {"ECC_NIST_P384", KMS_EC, 384, "P-384", true, {SIGN, AGREE}, {ecdsa_384, ecdh}},
    {"ECC_NIST_P521", KMS_EC, 521, "P-521", true, {SIGN, AGREE}, {ecdsa_512, ecdh}},
    {"ECC_SECG_P256K1", KMS_EC, 256, "secp256k1", true, {SIGN}, {ecdsa_256}},
    {"ECC_NIST_EDWARDS25519", KMS_EDWARDS, 256, NULL, true, {SIGN}, {ed25519}},
    {"ML_DSA_44", KMS_ABSENT, 0, NULL, false, {SIGN}, {NULL}},
    {"ML_DSA_65", KMS_ABSENT, 0, NULL, false, {SIGN}, {NULL}},
    {"ML_DSA_87", KMS_ABSENT, 0, NULL, false, {SIGN}, {NULL}},
    {"SM2", KMS_ABSENT, 0, NULL, false, {ENCRYPT, SIGN, AGREE}, {NULL}},
};

const struct kms_spec *kms_spec_find(const char *name)
{
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
        if (strcmp(specs[i].name, name) == 0)
            return &specs[i];
    return NULL;
}

bool kms_spec_symmetric(const char *name)
{
    return strcmp(name, "SYMMETRIC_DEFAULT") == 0;
}

bool kms_spec_allows(const struct kms_spec *spec, const char *usage)
{
    for (size_t i = 0; i < KMS_LARGEST_USAGES && spec->usages[i]; i++)
        if (strcmp(spec->usages[i], usage) == 0)
            return true;
    return false;
}

const char *const *kms_spec_algorithms(const struct kms_spec *spec, const char *usage)
{
    static const char *const none[] = {NULL};
    for (size_t i = 0; i < KMS_LARGEST_USAGES && spec->usages[i]; i++)
        if (strcmp(spec->usages[i], usage) == 0 && spec->algorithms[i])
            return spec->algorithms[i];
    return none;
}

bool kms_spec_has(const struct kms_spec *spec, const char *usage, const char *algorithm)
{
    for (const char *const *one = kms_spec_algorithms(spec, usage); *one; one++)
        if (strcmp(*one, algorithm) == 0)
            return true;
    return false;
}

const char *kms_spec_member(const char *usage)
{
    static const char *const members[][2] = {{ENCRYPT, "EncryptionAlgorithms"},
                                             {SIGN, "SigningAlgorithms"},
                                             {MAC, "MacAlgorithms"},
                                             {AGREE, "KeyAgreementAlgorithms"}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (strcmp(members[i][0], usage) == 0)
            return members[i][1];
    return NULL;
}

static const struct kms_signing signings[] = {
    {"RSASSA_PKCS1_V1_5_SHA_256", "SHA256", 32, false},
    {"RSASSA_PKCS1_V1_5_SHA_384", "SHA384", 48, false},
    {"RSASSA_PKCS1_V1_5_SHA_512", "SHA512", 64, false},
    {"RSASSA_PSS_SHA_256", "SHA256", 32, true},
    {"RSASSA_PSS_SHA_384", "SHA384", 48, true},
    {"RSASSA_PSS_SHA_512", "SHA512", 64, true},
    {"ECDSA_SHA_256", "SHA256", 32, false},
    {"ECDSA_SHA_384", "SHA384", 48, false},
    {"ECDSA_SHA_512", "SHA512", 64, false},
    {"ED25519_SHA_512", NULL, 0, false},
};

const struct kms_signing *kms_signing_find(const char *name)
{
    for (size_t i = 0; i < sizeof signings / sizeof *signings; i++)
        if (strcmp(signings[i].name, name) == 0)
            return &signings[i];
    return NULL;
}

const char *kms_digest_of(const char *algorithm)
{
    static const char *const ends[][2] = {{"SHA_1", "SHA1"},
                                          {"SHA_224", "SHA224"},
                                          {"SHA_256", "SHA256"},
                                          {"SHA_384", "SHA384"},
                                          {"SHA_512", "SHA512"}};
    size_t len = strlen(algorithm);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t end = strlen(ends[i][0]);
        if (len >= end && strcmp(algorithm + len - end, ends[i][0]) == 0)
            return ends[i][1];
    }
    return NULL;
}

size_t kms_largest_oaep(const struct kms_spec *spec, const char *algorithm)
{
    size_t digest = strcmp(kms_digest_of(algorithm), "SHA1") == 0 ? 20 : 32;
    return (size_t)spec->bits / 8 - 2 * digest - 2;
}
