#include "engine/reencrypt.h"

#include "aws/arn.h"
#include "aws/sdk_message.h"
#include "base/digest.h"
#include "base/gmac.h"
#include "base/json.h"
#include "resource/kms_cipher.h"
#include "resource/kms_key.h"

#include <stdlib.h>
#include <string.h>

struct reencrypt {
    struct reencrypt_options options;
    struct arena arena;
    const char *key_arn;
    const char *from; /* the source's key as the destination knows it; NULL: not */
    bool inside;
};

static struct resource_ctx source_ctx(const struct reencrypt *r, struct arena *arena)
{
    return (struct resource_ctx){.session = r->options.source,
                                 .region = r->options.source_region,
                                 .arena = arena};
}

static struct resource_ctx destination_ctx(const struct reencrypt *r, struct arena *arena)
{
    return (struct resource_ctx){.session = r->options.destination,
                                 .region = r->options.destination_region,
                                 .arena = arena};
}

/* --- opening ---------------------------------------------------------------------------------- */
static int find_key(struct reencrypt *r, struct error *err)
{
    struct resource_ctx ctx = destination_ctx(r, &r->arena);
    struct kms_key key;
    if (kms_key_describe(&ctx, r->options.key, &key, err) != 0)
        return error_context(err, "the destination's key %s", r->options.key);
    if (!key.enabled)
        return error_set(err, ERR_CONFLICT,
                         "the destination's key %s is %s: it must be Enabled to encrypt", key.arn,
                         key.state);
    if (strcmp(key.spec, "SYMMETRIC_DEFAULT") != 0)
        return error_set(err, ERR_UNSUPPORTED,
                         "the destination's key %s is of spec %s: only symmetric keys keep a "
                         "ciphertext's context",
                         key.arn, key.spec);
    r->key_arn = key.arn;
    return 0;
}

/* The source's key in the destination: there when it is multi-Region and replicated. */
static void find_related(struct reencrypt *r)
{
    struct resource_ctx from = source_ctx(r, &r->arena), to = destination_ctx(r, &r->arena);
    struct kms_key here, there;
    struct error ignored = {0};
    if (r->options.source == r->options.destination &&
        strcmp(r->options.source_region, r->options.destination_region) == 0) {
        r->inside = true;
        r->from = r->options.source_key;
        return;
    }
    if (!r->options.source_key)
        return;
    /* A refusal here is no failure: the way over both Regions is open. */
    if (kms_key_describe(&from, r->options.source_key, &here, &ignored) != 0 ||
        !here.multi_region || kms_key_describe(&to, here.id, &there, &ignored) != 0 ||
        !there.multi_region || !there.enabled || strcmp(here.account, there.account) != 0)
        return;
    r->inside = true;
    r->from = there.arn;
}

int reencrypt_open(const struct reencrypt_options *options, struct reencrypt **out,
                   struct error *err)
{
    struct reencrypt *r = memory_alloc(sizeof *r);
    r->options = *options;
    arena_init(&r->arena);
    if (find_key(r, err) != 0) {
        reencrypt_close(r);
        return -1;
    }
    find_related(r);
    *out = r;
    return 0;
}

void reencrypt_close(struct reencrypt *r)
{
    if (!r)
        return;
    arena_done(&r->arena);
    free(r);
}

bool reencrypt_inside(const struct reencrypt *r)
{
    return r->inside;
}

const char *reencrypt_key(const struct reencrypt *r)
{
    return r->key_arn;
}

/* --- a ciphertext of KMS ---------------------------------------------------------------------- */
static int move(const struct reencrypt *r, struct arena *arena, const char *blob,
                const json_t *context, struct kms_sealed *out, struct error *err)
{
    struct resource_ctx from = source_ctx(r, arena), to = destination_ctx(r, arena);
    const char *plain;
    if (r->inside)
        return kms_cipher_reencrypt(&to, blob, r->from, r->key_arn, context, out, err);
    if (kms_cipher_decrypt(&from, blob, r->options.source_key, context, &plain, err) != 0)
        return -1;
    return kms_cipher_encrypt(&to, plain, r->key_arn, context, out, err);
}

static int decode(struct arena *arena, const char *text, struct text *out, struct error *err)
{
    unsigned char *bytes;
    if (base64_decode(arena, text, strlen(text), &bytes, &out->len) != 0)
        return error_set(err, ERR_UNAVAILABLE, "KMS answered with something that is not base64");
    out->data = (const char *)bytes;
    return 0;
}

static int move_blob(const struct reencrypt *r, struct arena *arena, struct text bytes,
                     const json_t *context, struct reencrypted *out, struct error *err)
{
    struct kms_sealed sealed;
    if (bytes.len == 0 || bytes.len > KMS_CIPHERTEXT_MOST)
        return error_set(err, ERR_INVALID,
                         "%zu bytes are no ciphertext of KMS (1 to %d) and do not begin like an "
                         "AWS Encryption SDK message",
                         bytes.len, KMS_CIPHERTEXT_MOST);
    const char *blob = base64_encode(arena, bytes.data, bytes.len);
    if (move(r, arena, blob, context, &sealed, err) != 0)
        return -1;
    *out = (struct reencrypted){.taken = bytes.len, .moved = true};
    return decode(arena, sealed.blob, &out->bytes, err);
}

/* --- a message of the AWS Encryption SDK --------------------------------------------------------
 */

/* HKDF (RFC 5869) over SHA-256, without salt, as far as one round goes: 32 bytes. */
static void derive(const struct sdk_message *message, struct text data_key,
                   unsigned char out[SHA256_SIZE])
{
    static const unsigned char no_salt[SHA256_SIZE];
    unsigned char extracted[SHA256_SIZE], info[2 + 32 + 1];
    size_t len = 0;
    info[len++] = (unsigned char)(message->suite->id >> 8);
    info[len++] = (unsigned char)message->suite->id;
    memcpy(info + len, message->id.data, message->id.len);
    len += message->id.len;
    info[len++] = 1;
    digest_hmac_sha256(no_salt, sizeof no_salt, data_key.data, data_key.len, extracted);
    digest_hmac_sha256(extracted, sizeof extracted, info, len, out);
    explicit_bzero(extracted, sizeof extracted);
}

static json_t *context_of(const struct sdk_message *message)
{
    json_t *context = json_object();
    for (size_t i = 0; i < message->context_count; i++) {
        const struct sdk_pair *pair = &message->context[i];
        json_object_setn_new(context, pair->key.data, pair->key.len,
                             json_stringn(pair->value.data, pair->value.len));
    }
    return context;
}

/* What the caller gave beside what the header holds is proved but not stored. */
static void put_unstored(struct arena *arena, const struct sdk_message *message,
                         const json_t *given, struct buf *out)
{
    struct sdk_pair *pairs = arena_calloc(arena, json_object_size(given) + 1, sizeof *pairs);
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)given, key, value)
    {
        bool stored = false;
        for (size_t i = 0; i < message->context_count; i++)
            stored = stored || text_is(message->context[i].key, key);
        if (!stored)
            pairs[count++] =
                (struct sdk_pair){text_of(key),
                                  {json_string_value(value), json_string_length(value)}};
    }
    sdk_context_write(pairs, count, out);
}

static bool of_kms(const struct sdk_data_key *key, struct arena *arena, struct arn *arn)
{
    char *info = arena_strndup(arena, key->info.data, key->info.len);
    return text_is(key->provider, "aws-kms") && arn_parse(info, strlen(info), arn) == 0;
}

/* The data keys with those of the source Region replaced by the one under the destination's key. */
static size_t replace_keys(const struct reencrypt *r, struct arena *arena,
                           const struct sdk_message *message, struct text sealed,
                           const char *key_arn, struct sdk_data_key *out)
{
    size_t count = 0;
    bool put = false;
    for (size_t i = 0; i < message->key_count; i++) {
        struct arn arn;
        if (!of_kms(&message->keys[i], arena, &arn) ||
            !text_is(arn.region, r->options.source_region)) {
            out[count++] = message->keys[i];
        } else if (!put) {
            put = true;
            out[count++] = (struct sdk_data_key){text_of("aws-kms"), text_of(key_arn), sealed};
        }
    }
    return count;
}

/* The header's tag is right under this data key: the message is what somebody encrypted. */
static int prove(struct arena *arena, const struct sdk_message *message, struct text data_key,
                 const unsigned char *header_key, struct text unstored, struct error *err)
{
    unsigned char tag[GMAC_TAG_SIZE];
    const struct text parts[] = {message->header, unstored};
    (void)arena;
    if (data_key.len != message->suite->key_size)
        return error_set(err, ERR_INVALID, "the data key is of %zu bytes, its suite wants %zu",
                         data_key.len, message->suite->key_size);
    if (gmac_tag(header_key, message->suite->key_size, (const unsigned char *)message->nonce.data,
                 parts, 2, tag) != 0 ||
        !digest_equal(tag, message->tag.data, sizeof tag))
        return error_set(err, ERR_INVALID,
                         "this AWS Encryption SDK message is damaged: its header is not what was "
                         "encrypted (or a part of its context is kept elsewhere: give it)");
    return 0;
}

static int rewrite(const struct reencrypt *r, struct arena *arena,
                   const struct sdk_message *message, struct text data_key, struct text unstored,
                   const struct kms_sealed *sealed, struct reencrypted *out, struct error *err)
{
    unsigned char header_key[SHA256_SIZE] = {0}, nonce[GMAC_NONCE_SIZE], tag[GMAC_TAG_SIZE];
    struct random *random = r->options.random ? r->options.random : random_system();
    struct sdk_data_key *keys = arena_calloc(arena, message->key_count, sizeof *keys);
    struct text new_key;
    struct buf header;
    if (decode(arena, sealed->blob, &new_key, err) != 0)
        return -1;
    if (message->suite->derives)
        derive(message, data_key, header_key);
    else if (data_key.len <= sizeof header_key)
        memcpy(header_key, data_key.data, data_key.len);
    int result = prove(arena, message, data_key, header_key, unstored, err);
    if (result == 0) {
        buf_init(&header, SDK_HEADER_MOST + KMS_CIPHERTEXT_MOST);
        size_t count = replace_keys(r, arena, message, new_key, sealed->key_arn, keys);
        sdk_message_write(message, keys, count, &header);
        /* Another nonce than the first header's: gmac.h says why. The body's are counters. */
        random_bytes(random, nonce, sizeof nonce);
        const struct text parts[] = {{header.data, header.len}, unstored};
        gmac_tag(header_key, message->suite->key_size, nonce, parts, 2, tag);
        buf_append(&header, nonce, sizeof nonce);
        buf_append(&header, tag, sizeof tag);
        if (header.overflow)
            result = error_set(err, ERR_LIMIT, "its header would be too long");
        else
            *out = (struct reencrypted){{arena_memdup(arena, header.data, header.len), header.len},
                                        message->size,
                                        true};
        buf_done(&header);
    }
    explicit_bzero(header_key, sizeof header_key);
    return result;
}

/* Opens the data key in the source Region and closes it for the destination. */
static int move_key(const struct reencrypt *r, struct arena *arena,
                    const struct sdk_message *message, const struct sdk_data_key *key,
                    const json_t *given, struct reencrypted *out, struct error *err)
{
    struct resource_ctx from = source_ctx(r, arena), to = destination_ctx(r, arena);
    const char *blob = base64_encode(arena, key->sealed.data, key->sealed.len), *plain;
    json_t *context = context_of(message);
    struct kms_sealed sealed;
    struct text data_key;
    struct buf unstored;
    buf_init(&unstored, SDK_HEADER_MOST);
    put_unstored(arena, message, given, &unstored);
    if (given)
        json_object_update_missing(context, (json_t *)given);
    const char *arn = arena_strndup(arena, key->info.data, key->info.len);
    int result = kms_cipher_decrypt(&from, blob, arn, context, &plain, err);
    if (result == 0)
        result = kms_cipher_encrypt(&to, plain, r->key_arn, context, &sealed, err);
    if (result == 0)
        result = decode(arena, plain, &data_key, err);
    if (result == 0)
        result = rewrite(r, arena, message, data_key, (struct text){unstored.data, unstored.len},
                         &sealed, out, err);
    buf_done(&unstored);
    json_decref(context);
    return result;
}

static int move_message(const struct reencrypt *r, struct arena *arena, struct text bytes,
                        const json_t *given, struct reencrypted *out, struct error *err)
{
    struct sdk_message message;
    const struct sdk_data_key *key = NULL;
    if (sdk_message_read(arena, bytes, &message, err) != 0)
        return -1;
    for (size_t i = 0; i < message.key_count; i++) {
        struct arn arn;
        if (!of_kms(&message.keys[i], arena, &arn))
            continue;
        if (text_is(message.keys[i].info, r->key_arn)) { /* moved before */
            *out = (struct reencrypted){{bytes.data, message.size}, message.size, false};
            return 0;
        }
        if (!key && text_is(arn.region, r->options.source_region))
            key = &message.keys[i];
    }
    if (!key)
        return error_set(err, ERR_INVALID,
                         "this AWS Encryption SDK message has no data key under a KMS key of %s",
                         r->options.source_region);
    const char *fixed = sdk_message_fixed(&message);
    if (fixed)
        return error_set(err, ERR_UNSUPPORTED,
                         "this AWS Encryption SDK message (suite %04X) cannot be given another "
                         "key: %s",
                         message.suite->id, fixed);
    return move_key(r, arena, &message, key, given, out, err);
}

/* --- either ----------------------------------------------------------------------------------- */
int reencrypt_one(const struct reencrypt *r, struct arena *arena, struct text bytes,
                  const json_t *context, struct reencrypted *out, struct error *err)
{
    json_t *both = NULL;
    if (context || r->options.context) {
        both = r->options.context ? json_deep_copy(r->options.context) : json_object();
        if (context)
            json_object_update(both, (json_t *)context);
    }
    int result = sdk_message_begins(bytes) ? move_message(r, arena, bytes, both, out, err)
                                           : move_blob(r, arena, bytes, both, out, err);
    json_decref(both);
    return result;
}
