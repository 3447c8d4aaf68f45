#include "base/ecdsa.h"

#include "base/arena.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>

struct ecdsa {
    EVP_PKEY *key;
    EVP_MD_CTX *ctx;
    bool signs;
};

static const struct {
    const char *group, *hash;
} curves[] = {[ECDSA_P256_SHA256] = {"P-256", "SHA256"}, [ECDSA_P384_SHA384] = {"P-384", "SHA384"}};

static void must(bool fine)
{
    if (fine)
        return;
    fputs("OpenSSL failed: ECDSA\n", stderr);
    abort();
}

static struct ecdsa *with_key(EVP_PKEY *key)
{
    struct ecdsa *ecdsa = memory_alloc(sizeof *ecdsa);
    *ecdsa = (struct ecdsa){.key = key};
    ecdsa->ctx = EVP_MD_CTX_new();
    must(ecdsa->ctx != NULL);
    return ecdsa;
}

struct ecdsa *ecdsa_signer_new(enum ecdsa_curve curve)
{
    EVP_PKEY *key = EVP_EC_gen(curves[curve].group);
    must(key && EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                               OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_COMPRESSED));
    struct ecdsa *ecdsa = with_key(key);
    ecdsa->signs = true;
    must(EVP_DigestSignInit_ex(ecdsa->ctx, NULL, curves[curve].hash, NULL, NULL, key, NULL) == 1);
    return ecdsa;
}

/* NULL: no point of the curve. */
static EVP_PKEY *public_key(enum ecdsa_curve curve, const void *point, size_t len)
{
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                            (char *)curves[curve].group, 0),
                           OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point,
                                                             len),
                           OSSL_PARAM_construct_end()};
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    must(ctx && EVP_PKEY_fromdata_init(ctx) == 1);
    if (EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

struct ecdsa *ecdsa_verifier_new(enum ecdsa_curve curve, const void *point, size_t len)
{
    EVP_PKEY *key = len && len <= ECDSA_POINT_MOST ? public_key(curve, point, len) : NULL;
    if (!key)
        return NULL;
    struct ecdsa *ecdsa = with_key(key);
    must(EVP_DigestVerifyInit_ex(ecdsa->ctx, NULL, curves[curve].hash, NULL, NULL, key, NULL) == 1);
    return ecdsa;
}

void ecdsa_free(struct ecdsa *ecdsa)
{
    if (!ecdsa)
        return;
    EVP_MD_CTX_free(ecdsa->ctx);
    EVP_PKEY_free(ecdsa->key); /* wipes a private key */
    free(ecdsa);
}

size_t ecdsa_point(const struct ecdsa *ecdsa, unsigned char out[ECDSA_POINT_MOST])
{
    size_t len = 0;
    must(EVP_PKEY_get_octet_string_param(ecdsa->key, OSSL_PKEY_PARAM_PUB_KEY, out, ECDSA_POINT_MOST,
                                         &len) == 1);
    return len;
}

void ecdsa_add(struct ecdsa *ecdsa, const void *data, size_t len)
{
    if (len)
        must((ecdsa->signs ? EVP_DigestSignUpdate(ecdsa->ctx, data, len)
                           : EVP_DigestVerifyUpdate(ecdsa->ctx, data, len)) == 1);
}

size_t ecdsa_sign(struct ecdsa *ecdsa, unsigned char out[ECDSA_SIGNATURE_MOST])
{
    size_t len = ECDSA_SIGNATURE_MOST;
    must(EVP_DigestSignFinal(ecdsa->ctx, out, &len) == 1);
    return len;
}

bool ecdsa_proves(struct ecdsa *ecdsa, const void *signature, size_t len)
{
    return EVP_DigestVerifyFinal(ecdsa->ctx, signature, len) == 1;
}
