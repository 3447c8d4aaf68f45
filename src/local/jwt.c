#include "local/jwt.h"

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

/* --- taking apart ----------------------------------------------------------------------------- */

/* base64url without padding (RFC 7515 section 2), by way of base64. */
static int url_decode(struct arena *arena, struct text text, unsigned char **out, size_t *len)
{
    if (text.len == 0 || text.len % 4 == 1)
        return -1;
    size_t padded = (text.len + 3) / 4 * 4;
    char *copy = arena_alloc(arena, padded + 1);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '+' || c == '/' || c == '=')
            return -1;
        copy[i] = (char)(c == '-' ? '+' : c == '_' ? '/' : c);
    }
    memset(copy + text.len, '=', padded - text.len);
    return base64_decode(arena, copy, padded, out, len);
}

static json_t *part_read(struct arena *arena, struct text part)
{
    unsigned char *bytes;
    size_t len;
    if (url_decode(arena, part, &bytes, &len) != 0)
        return NULL;
    json_t *value = json_read((const char *)bytes, len, NULL);
    if (json_is_object(value))
        return value;
    json_decref(value);
    return NULL;
}

int jwt_parse(struct arena *arena, const char *token, struct jwt *out)
{
    struct text rest = text_of(token);
    struct text header = text_cut(&rest, '.'), claims = text_cut(&rest, '.');
    unsigned char *signature;
    *out = (struct jwt){0};
    if (!rest.data || memchr(rest.data, '.', rest.len) ||
        url_decode(arena, rest, &signature, &out->signature_len) != 0)
        return -1;
    out->signature = signature;
    out->signed_part = (struct text){token, header.len + 1 + claims.len};
    out->header = part_read(arena, header);
    out->claims = part_read(arena, claims);
    if (out->header && out->claims)
        return 0;
    jwt_done(out);
    return -1;
}

void jwt_done(struct jwt *jwt)
{
    json_decref(jwt->header);
    json_decref(jwt->claims);
    *jwt = (struct jwt){0};
}

/* --- keys ------------------------------------------------------------------------------------- */

enum { P256_BYTES = 32, SHORTEST_RSA_BITS = 2048 };

static int member_decode(struct arena *arena, const json_t *key, const char *name,
                         unsigned char **out, size_t *len)
{
    const char *text = json_text(key, name);
    return text ? url_decode(arena, text_of(text), out, len) : -1;
}

static EVP_PKEY *key_from(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;
    if (!parameters || !context || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    return key;
}

static EVP_PKEY *rsa_key(struct arena *arena, const json_t *jwk)
{
    unsigned char *n, *e;
    size_t n_len, e_len;
    if (member_decode(arena, jwk, "n", &n, &n_len) != 0 ||
        member_decode(arena, jwk, "e", &e, &e_len) != 0 || n_len > 2048 || e_len > 16)
        return NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn(n, (int)n_len, NULL), *exponent = BN_bin2bn(e, (int)e_len, NULL);
    EVP_PKEY *key = NULL;
    if (build && modulus && exponent &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        key = key_from("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    if (key && EVP_PKEY_get_bits(key) < SHORTEST_RSA_BITS) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

static EVP_PKEY *ec_key(struct arena *arena, const json_t *jwk)
{
    unsigned char *x, *y, point[1 + 2 * P256_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
    size_t x_len, y_len;
    if (strcmp(json_text_or(jwk, "crv", ""), "P-256") != 0 ||
        member_decode(arena, jwk, "x", &x, &x_len) != 0 ||
        member_decode(arena, jwk, "y", &y, &y_len) != 0 || x_len != P256_BYTES ||
        y_len != P256_BYTES)
        return NULL;
    memcpy(point + 1, x, P256_BYTES);
    memcpy(point + 1 + P256_BYTES, y, P256_BYTES);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    if (build &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
        key = key_from("EC", build);
    OSSL_PARAM_BLD_free(build);
    return key;
}

/* --- signatures ------------------------------------------------------------------------------- */

/* JWS writes r and s side by side (RFC 7518 section 3.4), OpenSSL reads DER. */
static int to_der(struct arena *arena, const struct jwt *jwt, unsigned char **out, size_t *out_len)
{
    if (jwt->signature_len != 2 * P256_BYTES)
        return -1;
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(jwt->signature, P256_BYTES, NULL);
    BIGNUM *s = BN_bin2bn(jwt->signature + P256_BYTES, P256_BYTES, NULL);
    unsigned char *der = NULL;
    int len = -1;
    if (signature && r && s && ECDSA_SIG_set0(signature, r, s) == 1) {
        r = s = NULL; /* the signature's now */
        len = i2d_ECDSA_SIG(signature, &der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(signature);
    if (len <= 0)
        return -1;
    *out = arena_memdup(arena, der, (size_t)len);
    *out_len = (size_t)len;
    OPENSSL_free(der);
    return 0;
}

static bool verifies(EVP_PKEY *key, const struct jwt *jwt, const unsigned char *signature,
                     size_t len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good =
        context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestVerify(context, signature, len, (const unsigned char *)jwt->signed_part.data,
                         jwt->signed_part.len) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

/* Key type and what to read it with; the header's algorithm alone decides, never the key's. */
struct algorithm {
    const char *name, *key_type;
    EVP_PKEY *(*key)(struct arena *, const json_t *);
    bool side_by_side;
};

static const struct algorithm algorithms[] = {
    {"RS256", "RSA", rsa_key, false},
    {"ES256", "EC", ec_key, true},
};

static bool is_meant(const json_t *jwk, const struct algorithm *algorithm, const char *id)
{
    return strcmp(json_text_or(jwk, "kty", ""), algorithm->key_type) == 0 &&
           strcmp(json_text_or(jwk, "alg", algorithm->name), algorithm->name) == 0 &&
           strcmp(json_text_or(jwk, "use", "sig"), "sig") == 0 &&
           (!id || strcmp(json_text_or(jwk, "kid", ""), id) == 0);
}

enum jwt_check jwt_verify(struct arena *arena, const struct jwt *jwt, const json_t *set)
{
    const char *name = json_text_or(jwt->header, "alg", ""), *id = json_text(jwt->header, "kid");
    const struct algorithm *algorithm = NULL;
    const json_t *keys = json_object_get(set, "keys");
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (strcmp(algorithms[i].name, name) == 0)
            algorithm = &algorithms[i];
    unsigned char *der = NULL;
    size_t der_len = 0;
    bool side_by_side = algorithm && algorithm->side_by_side;
    if (side_by_side && to_der(arena, jwt, &der, &der_len) != 0)
        return JWT_FORGED;
    enum jwt_check result = JWT_NO_KEY;
    for (size_t i = 0; algorithm && result != JWT_OK && i < json_array_size(keys); i++) {
        const json_t *jwk = json_array_get(keys, i);
        EVP_PKEY *key = is_meant(jwk, algorithm, id) ? algorithm->key(arena, jwk) : NULL;
        if (!key)
            continue;
        result = verifies(key, jwt, side_by_side ? der : jwt->signature,
                          side_by_side ? der_len : jwt->signature_len)
                     ? JWT_OK
                     : JWT_FORGED;
        EVP_PKEY_free(key);
    }
    return result;
}
