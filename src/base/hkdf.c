#include "base/hkdf.h"

#include "base/arena.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>

void hkdf(enum hkdf_hash hash, struct text key, struct text salt, struct text info,
          unsigned char *out, size_t len)
{
    static const char *const names[] = {
        [HKDF_SHA256] = "SHA256", [HKDF_SHA384] = "SHA384", [HKDF_SHA512] = "SHA512"};
    OSSL_PARAM params[5], *at = params;
    *at++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)names[hash], 0);
    *at++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (char *)key.data, key.len);
    if (salt.len)
        *at++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (char *)salt.data, salt.len);
    if (info.len)
        *at++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (char *)info.data, info.len);
    *at = OSSL_PARAM_construct_end();
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    if (!ctx || EVP_KDF_derive(ctx, out, len, params) != 1) {
        fputs("OpenSSL failed: HKDF\n", stderr);
        abort();
    }
    EVP_KDF_CTX_free(ctx); /* wipes what it held */
    EVP_KDF_free(kdf);
}
