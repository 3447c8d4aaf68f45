#include "local/services/ssm_message.h"

#include "base/buf.h"
#include "base/digest.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    VERSION = 2,
    SUITE = 0x0478,
    FRAMED = 2,
    FRAME_BYTES = 4096, /* what AWS's own libraries take */
    MESSAGE_ID_BYTES = 32,
    COMMIT_BYTES = 32,
    IV_BYTES = 12,
    TAG_BYTES = 16,
    LARGEST_MESSAGE_BYTES = 65536, /* 8 KB of value, two ARNs and an encrypted key are far below */
};

static const char provider[] = "aws-kms";
static const char context_key[] = "PARAMETER_ARN";

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_KDF *hkdf;
static EVP_CIPHER *aes_gcm;

static void fetch(void)
{
    hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    aes_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (!hkdf || !aes_gcm)
        abort();
}

/* HKDF-SHA-512 with the message id as salt (specification, client-apis/key-derivation). */
static void derive(const unsigned char data_key[SSM_DATA_KEY_BYTES],
                   const unsigned char message_id[MESSAGE_ID_BYTES], const void *info,
                   size_t info_len, unsigned char out[32])
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA512", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)data_key,
                                          SSM_DATA_KEY_BYTES),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)message_id,
                                          MESSAGE_ID_BYTES),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info, info_len),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(hkdf);
    if (!context || EVP_KDF_derive(context, out, 32, params) != 1)
        abort();
    EVP_KDF_CTX_free(context);
}

struct keys {
    unsigned char content[32], commitment[COMMIT_BYTES];
};

static void derive_keys(const unsigned char data_key[SSM_DATA_KEY_BYTES],
                        const unsigned char message_id[MESSAGE_ID_BYTES], struct keys *keys)
{
    static const char content_info[] = "\x04\x78"
                                       "DERIVEKEY";
    static const char commitment_info[] = "COMMITKEY";
    pthread_once(&once, fetch);
    derive(data_key, message_id, content_info, sizeof content_info - 1, keys->content);
    derive(data_key, message_id, commitment_info, sizeof commitment_info - 1, keys->commitment);
}

/* One GCM pass in either direction; -1 when opening finds another tag. */
static int gcm(bool sealing, const unsigned char key[32], const unsigned char iv[IV_BYTES],
               struct text aad, struct text in, unsigned char *out, unsigned char tag[TAG_BYTES])
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int len, result = -1;
    if (!context || EVP_CipherInit_ex2(context, aes_gcm, key, iv, sealing, NULL) != 1 ||
        (!sealing && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) != 1) ||
        EVP_CipherUpdate(context, NULL, &len, (const unsigned char *)aad.data, (int)aad.len) != 1 ||
        (in.len &&
         EVP_CipherUpdate(context, out, &len, (const unsigned char *)in.data, (int)in.len) != 1))
        abort();
    if (EVP_CipherFinal_ex(context, out + in.len, &len) == 1)
        result = 0;
    if (sealing &&
        (result != 0 || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) != 1))
        abort();
    EVP_CIPHER_CTX_free(context);
    return result;
}

static void put_number(struct buf *buf, uint64_t value, unsigned bytes)
{
    while (bytes--)
        buf_append_char(buf, (char)(value >> (8 * bytes)));
}

static void put_text(struct buf *buf, struct text text)
{
    put_number(buf, text.len, 2);
    buf_append(buf, text.data, text.len);
}

/* Body AAD: message id, what it is, sequence number, length of the content. */
static struct text body_aad(struct arena *arena, const unsigned char message_id[MESSAGE_ID_BYTES],
                            bool last, uint32_t sequence, size_t len)
{
    const char *kind = last ? "AWSKMSEncryptionClient Final Frame" : "AWSKMSEncryptionClient Frame";
    struct buf buf;
    buf_init(&buf, 256);
    buf_append(&buf, message_id, MESSAGE_ID_BYTES);
    buf_append_text(&buf, kind);
    put_number(&buf, sequence, 4);
    put_number(&buf, len, 8);
    struct text aad = {arena_memdup(arena, buf.data, buf.len), buf.len};
    buf_done(&buf);
    return aad;
}

/* Each frame's IV is its sequence number: unique within the message, and so is the key. */
static void frame_iv(uint32_t sequence, unsigned char iv[IV_BYTES])
{
    memset(iv, 0, IV_BYTES);
    for (unsigned i = 0; i < 4; i++)
        iv[IV_BYTES - 1 - i] = (unsigned char)(sequence >> (8 * i));
}

static void put_header(struct buf *buf, const unsigned char message_id[MESSAGE_ID_BYTES],
                       const char *parameter_arn, const struct ssm_message_key *key,
                       const struct keys *keys)
{
    struct text context[] = {text_of(context_key), text_of(parameter_arn)};
    put_number(buf, VERSION, 1);
    put_number(buf, SUITE, 2);
    buf_append(buf, message_id, MESSAGE_ID_BYTES);
    put_number(buf, 2 + 2 + context[0].len + 2 + context[1].len, 2);
    put_number(buf, 1, 2);
    put_text(buf, context[0]);
    put_text(buf, context[1]);
    put_number(buf, 1, 2);
    put_text(buf, text_of(provider));
    put_text(buf, key->key_arn);
    put_text(buf, key->encrypted_key);
    put_number(buf, FRAMED, 1);
    put_number(buf, FRAME_BYTES, 4);
    buf_append(buf, keys->commitment, COMMIT_BYTES);
    static const unsigned char zero_iv[IV_BYTES];
    unsigned char tag[TAG_BYTES], nothing[TAG_BYTES];
    gcm(true, keys->content, zero_iv, (struct text){buf->data, buf->len}, (struct text){"", 0},
        nothing, tag);
    buf_append(buf, tag, TAG_BYTES);
}

static void put_frame(struct arena *arena, struct buf *buf,
                      const unsigned char message_id[MESSAGE_ID_BYTES], const struct keys *keys,
                      bool last, uint32_t sequence, struct text content)
{
    unsigned char iv[IV_BYTES], tag[TAG_BYTES];
    frame_iv(sequence, iv);
    if (last)
        put_number(buf, 0xffffffff, 4);
    put_number(buf, sequence, 4);
    buf_append(buf, iv, IV_BYTES);
    if (last)
        put_number(buf, content.len, 4);
    unsigned char *out = arena_alloc(arena, content.len + TAG_BYTES);
    gcm(true, keys->content, iv, body_aad(arena, message_id, last, sequence, content.len), content,
        out, tag);
    buf_append(buf, out, content.len);
    buf_append(buf, tag, TAG_BYTES);
}

void ssm_message_seal(struct arena *arena, struct random *random, const char *parameter_arn,
                      const struct ssm_message_key *key,
                      const unsigned char data_key[SSM_DATA_KEY_BYTES], struct text plaintext,
                      unsigned char **message, size_t *message_len)
{
    unsigned char message_id[MESSAGE_ID_BYTES];
    struct keys keys;
    struct buf buf;
    random_bytes(random, message_id, sizeof message_id);
    derive_keys(data_key, message_id, &keys);
    buf_init(&buf, LARGEST_MESSAGE_BYTES);
    put_header(&buf, message_id, parameter_arn, key, &keys);
    uint32_t sequence = 1;
    for (; plaintext.len > FRAME_BYTES; sequence++) {
        put_frame(arena, &buf, message_id, &keys, false, sequence,
                  (struct text){plaintext.data, FRAME_BYTES});
        plaintext.data += FRAME_BYTES;
        plaintext.len -= FRAME_BYTES;
    }
    put_frame(arena, &buf, message_id, &keys, true, sequence, plaintext);
    assert(!buf.overflow);
    *message = arena_memdup(arena, buf.data, buf.len);
    *message_len = buf.len;
    buf_done(&buf);
    OPENSSL_cleanse(&keys, sizeof keys);
}

/* A reader that stops at the first byte too few: `bad` is looked at once, at the end. */
struct reader {
    const unsigned char *at;
    size_t left;
    bool bad;
};

static struct text take(struct reader *reader, size_t len)
{
    if (reader->bad || len > reader->left) {
        reader->bad = true;
        return (struct text){"", 0};
    }
    struct text taken = {(const char *)reader->at, len};
    reader->at += len;
    reader->left -= len;
    return taken;
}

static uint64_t take_number(struct reader *reader, unsigned bytes)
{
    struct text digits = take(reader, bytes);
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++)
        value = value << 8 | (unsigned char)digits.data[i];
    return value;
}

static struct text take_text(struct reader *reader)
{
    return take(reader, take_number(reader, 2));
}

struct header {
    struct text message_id, commitment, body, tag;
    struct ssm_message_key key;
};

static int take_header(struct reader *reader, struct header *header)
{
    const char *start = (const char *)reader->at;
    bool known = take_number(reader, 1) == VERSION && take_number(reader, 2) == SUITE;
    header->message_id = take(reader, MESSAGE_ID_BYTES);
    take_text(reader); /* the context: KMS decrypts with the one that must be */
    known = known && take_number(reader, 2) == 1 && text_is(take_text(reader), provider);
    header->key.key_arn = take_text(reader);
    header->key.encrypted_key = take_text(reader);
    known = known && take_number(reader, 1) == FRAMED && take_number(reader, 4) == FRAME_BYTES;
    header->commitment = take(reader, COMMIT_BYTES);
    header->body = (struct text){start, (size_t)((const char *)reader->at - start)};
    header->tag = take(reader, TAG_BYTES);
    return known && !reader->bad ? 0 : -1;
}

int ssm_message_key(struct text message, struct ssm_message_key *out)
{
    struct reader reader = {(const unsigned char *)message.data, message.len, false};
    struct header header;
    if (take_header(&reader, &header) != 0)
        return -1;
    *out = header.key;
    return 0;
}

static int open_frame(struct arena *arena, const struct keys *keys, struct text message_id,
                      bool last, uint32_t sequence, struct text iv, struct text content,
                      struct text tag, unsigned char *out)
{
    unsigned char copy[TAG_BYTES];
    memcpy(copy, tag.data, TAG_BYTES);
    struct text aad =
        body_aad(arena, (const unsigned char *)message_id.data, last, sequence, content.len);
    return gcm(false, keys->content, (const unsigned char *)iv.data, aad, content, out, copy);
}

static int open_body(struct arena *arena, struct reader *reader, const struct keys *keys,
                     struct text message_id, unsigned char *out, size_t *out_len)
{
    for (uint32_t sequence = 1;; sequence++) {
        uint64_t number = take_number(reader, 4);
        bool last = number == 0xffffffff;
        if (last)
            number = take_number(reader, 4);
        struct text iv = take(reader, IV_BYTES);
        size_t len = last ? take_number(reader, 4) : FRAME_BYTES;
        struct text content = take(reader, len);
        struct text tag = take(reader, TAG_BYTES);
        if (reader->bad || number != sequence ||
            open_frame(arena, keys, message_id, last, sequence, iv, content, tag, out + *out_len) !=
                0)
            return -1;
        *out_len += content.len;
        if (last)
            return reader->left == 0 ? 0 : -1;
    }
}

int ssm_message_open(struct arena *arena, struct text message,
                     const unsigned char data_key[SSM_DATA_KEY_BYTES], char **plaintext,
                     size_t *plaintext_len)
{
    struct reader reader = {(const unsigned char *)message.data, message.len, false};
    struct header header;
    struct keys keys;
    if (take_header(&reader, &header) != 0)
        return -1;
    derive_keys(data_key, (const unsigned char *)header.message_id.data, &keys);
    static const unsigned char zero_iv[IV_BYTES];
    unsigned char tag[TAG_BYTES], nothing[TAG_BYTES];
    memcpy(tag, header.tag.data, TAG_BYTES);
    unsigned char *out = arena_alloc(arena, message.len + 1);
    size_t len = 0;
    int result = -1;
    if (digest_equal(keys.commitment, header.commitment.data, COMMIT_BYTES) &&
        gcm(false, keys.content, zero_iv, header.body, (struct text){"", 0}, nothing, tag) == 0 &&
        open_body(arena, &reader, &keys, header.message_id, out, &len) == 0)
        result = 0;
    OPENSSL_cleanse(&keys, sizeof keys);
    out[len] = '\0';
    *plaintext = (char *)out;
    *plaintext_len = len;
    return result;
}
