#include "base/digest.h"

#include "base/arena.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static EVP_MD *sha256;
static EVP_MAC *hmac;
static pthread_key_t context_key, mac_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void context_free(void *context)
{
    EVP_MD_CTX_free(context);
}

static void mac_free(void *mac)
{
    EVP_MAC_CTX_free(mac);
}

__attribute__((noreturn)) static void broken(const char *what)
{
    fprintf(stderr, "OpenSSL failed: %s\n", what);
    abort();
}

static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (!sha256 || !hmac || pthread_key_create(&context_key, context_free) != 0 ||
        pthread_key_create(&mac_key, mac_free) != 0)
        broken("no SHA-256 or HMAC");
}

void digest_sha256(const void *data, size_t len, unsigned char out[SHA256_SIZE])
{
    static _Thread_local EVP_MD_CTX *context;
    if (!context) {
        pthread_once(&once, fetch);
        context = EVP_MD_CTX_new();
        if (!context)
            memory_exhausted(sizeof(void *));
        pthread_setspecific(context_key, context); /* freed with the thread */
    }
    if (EVP_DigestInit_ex2(context, sha256, NULL) != 1 ||
        EVP_DigestUpdate(context, data, len) != 1 || EVP_DigestFinal_ex(context, out, NULL) != 1)
        broken("SHA-256");
}

void digest_sha256_hex(const void *data, size_t len, char out[SHA256_HEX_SIZE])
{
    unsigned char raw[SHA256_SIZE];
    digest_sha256(data, len, raw);
    digest_hex(raw, sizeof raw, out);
}

struct digest_stream {
    EVP_MD_CTX *context;
};

struct digest_stream *digest_stream_new(void)
{
    pthread_once(&once, fetch);
    struct digest_stream *stream = memory_alloc(sizeof *stream);
    stream->context = EVP_MD_CTX_new();
    if (!stream->context)
        memory_exhausted(sizeof(void *));
    if (EVP_DigestInit_ex2(stream->context, sha256, NULL) != 1)
        broken("SHA-256");
    return stream;
}

void digest_stream_add(struct digest_stream *stream, const void *data, size_t len)
{
    if (EVP_DigestUpdate(stream->context, data, len) != 1)
        broken("SHA-256");
}

void digest_stream_done(struct digest_stream *stream, unsigned char out[SHA256_SIZE])
{
    if (EVP_DigestFinal_ex(stream->context, out, NULL) != 1)
        broken("SHA-256");
    EVP_MD_CTX_free(stream->context);
    free(stream);
}

void digest_md5_hex(const void *data, size_t len, char out[MD5_HEX_SIZE])
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned raw_len;
    if (EVP_Digest(data, len, raw, &raw_len, EVP_md5(), NULL) != 1)
        broken("MD5");
    digest_hex(raw, raw_len, out);
}

struct hmac_key {
    EVP_MAC_CTX *context;
};

/* A NULL key means "the same key again" to OpenSSL; an empty one needs an address. */
static EVP_MAC_CTX *mac_new(const void *key, size_t key_len)
{
    char name[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", name, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
    if (!mac || EVP_MAC_init(mac, key_len ? key : "", key_len, params) != 1)
        broken("HMAC key");
    return mac;
}

static void mac_finish(EVP_MAC_CTX *mac, const void *data, size_t len,
                       unsigned char out[SHA256_SIZE])
{
    size_t out_len = SHA256_SIZE;
    if (EVP_MAC_update(mac, data, len) != 1 || EVP_MAC_final(mac, out, &out_len, SHA256_SIZE) != 1)
        broken("HMAC");
}

struct hmac_key *hmac_key_new(const void *key, size_t key_len)
{
    pthread_once(&once, fetch);
    struct hmac_key *prepared = memory_alloc(sizeof *prepared);
    prepared->context = mac_new(key, key_len);
    return prepared;
}

void hmac_key_digest(struct hmac_key *key, const void *data, size_t len,
                     unsigned char out[SHA256_SIZE])
{
    if (EVP_MAC_init(key->context, NULL, 0, NULL) != 1)
        broken("HMAC");
    mac_finish(key->context, data, len, out);
}

void hmac_key_free(struct hmac_key *key)
{
    if (!key)
        return;
    EVP_MAC_CTX_free(key->context); /* OpenSSL wipes the key */
    free(key);
}

void digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                        unsigned char out[SHA256_SIZE])
{
    /* Making a context costs OpenSSL more than the digest: a thread keeps one, under no key. */
    static _Thread_local EVP_MAC_CTX *mac;
    if (!mac) {
        pthread_once(&once, fetch);
        mac = mac_new("", 0);
        pthread_setspecific(mac_key, mac); /* freed with the thread */
    }
    if (EVP_MAC_init(mac, key_len ? key : "", key_len, NULL) != 1)
        broken("HMAC key");
    mac_finish(mac, data, len, out);
    if (EVP_MAC_init(mac, (const unsigned char *)"", 0, NULL) != 1) /* forgets it */
        broken("HMAC key");
}

void digest_hex(const unsigned char *data, size_t len, char *out)
{
    static const char letters[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = letters[data[i] >> 4];
        out[2 * i + 1] = letters[data[i] & 15];
    }
    out[2 * len] = '\0';
}

static int nibble(char letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    if (letter >= 'a' && letter <= 'f')
        return letter - 'a' + 10;
    if (letter >= 'A' && letter <= 'F')
        return letter - 'A' + 10;
    return -1;
}

int digest_unhex(const char *text, size_t text_len, unsigned char *out, size_t len)
{
    if (text_len != 2 * len)
        return -1;
    for (size_t i = 0; i < len; i++) {
        int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return -1;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return 0;
}

char *base64_encode(struct arena *arena, const void *data, size_t len)
{
    char *out = arena_alloc(arena, (len + 2) / 3 * 4 + 1);
    EVP_EncodeBlock((unsigned char *)out, data, (int)len);
    return out;
}

int base64_decode(struct arena *arena, const char *text, size_t text_len, unsigned char **out,
                  size_t *out_len)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t padding = 0;
    if (text_len % 4 != 0)
        return -1;
    while (padding < 2 && padding < text_len && text[text_len - 1 - padding] == '=')
        padding++;
    /* EVP_DecodeBlock forgives blanks at both ends and '=' anywhere in the last group. */
    for (size_t i = 0; i < text_len - padding; i++)
        if (text[i] == '\0' || !strchr(alphabet, text[i]))
            return -1;
    unsigned char *data = arena_alloc(arena, text_len / 4 * 3 + 1);
    if (text_len && EVP_DecodeBlock(data, (const unsigned char *)text, (int)text_len) < 0)
        return -1;
    *out = data;
    *out_len = text_len / 4 * 3 - padding;
    data[*out_len] = '\0';
    return 0;
}

bool digest_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
