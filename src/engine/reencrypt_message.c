/* Messages of the AWS Encryption SDK: another header around the body, or another message. */
#include "aws/arn.h"
#include "base/digest.h"
#include "base/json.h"
#include "engine/reencrypt_parts.h"
#include "resource/kms_cipher.h"

#include <string.h>

/* A message whose data key was opened and proved. */
struct opened {
    struct sdk_message message;
    json_t *context;     /* all of it: the header's and what was given */
    struct buf unstored; /* what was given, as the tag is over it */
    const char *plain;   /* the data key, base64 */
    struct sdk_keys keys;
};

/* --- the data keys ---------------------------------------------------------------------------- */
static bool of_kms(const struct sdk_data_key *key, struct arena *arena, struct arn *arn)
{
    char *info = arena_strndup(arena, key->info.data, key->info.len);
    return text_is(key->provider, "aws-kms") && arn_parse(info, strlen(info), arn) == 0;
}

static bool of_source(const struct reencrypt *r, struct arena *arena,
                      const struct sdk_data_key *key)
{
    struct arn arn;
    return of_kms(key, arena, &arn) && text_is(arn.region, r->options.source_region);
}

/* The data keys with those of the source Region replaced by the new one. */
static size_t replace_keys(const struct reencrypt *r, struct arena *arena,
                           const struct sdk_message *message, struct text sealed,
                           const char *key_arn, struct sdk_data_key *out)
{
    size_t count = 0;
    bool put = false;
    for (size_t i = 0; i < message->key_count; i++) {
        if (!of_source(r, arena, &message->keys[i])) {
            if (!r->options.drop_other_keys)
                out[count++] = message->keys[i];
        } else if (!put) {
            put = true;
            out[count++] = (struct sdk_data_key){text_of("aws-kms"), text_of(key_arn), sealed};
        }
    }
    return count;
}

static size_t count_others(const struct reencrypt *r, struct arena *arena,
                           const struct sdk_message *message)
{
    size_t count = 0;
    for (size_t i = 0; i < message->key_count; i++)
        count += !of_source(r, arena, &message->keys[i]);
    return count;
}

/* --- opening ---------------------------------------------------------------------------------- */
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
        if (!sdk_message_pair(message, key))
            pairs[count++] =
                (struct sdk_pair){text_of(key),
                                  {json_string_value(value), json_string_length(value)}};
    }
    sdk_context_write(pairs, count, out);
}

/* The header's tag is right under its data key: the message is what somebody encrypted. */
static int open_message(const struct reencrypt *r, struct arena *arena,
                        const struct sdk_data_key *key, struct opened *opened, struct error *err)
{
    struct resource_ctx from = reencrypt_source(r, arena);
    const char *blob = base64_encode(arena, key->sealed.data, key->sealed.len);
    const char *arn = arena_strndup(arena, key->info.data, key->info.len);
    const struct sdk_message *message = &opened->message;
    struct text data_key;
    if (kms_cipher_decrypt(&from, blob, arn, opened->context, &opened->plain, err) != 0 ||
        reencrypt_decode(arena, opened->plain, &data_key, err) != 0 ||
        sdk_keys_derive(message->suite, message->id, data_key, &opened->keys, err) != 0)
        return -1;
    return sdk_header_prove(message, &opened->keys,
                            (struct text){opened->unstored.data, opened->unstored.len}, err);
}

/* --- another header --------------------------------------------------------------------------- */
static int keep_header(struct arena *arena, struct buf *header, const struct sdk_message *message,
                       struct reencrypted *out, struct error *err)
{
    if (header->overflow)
        return error_set(err, ERR_LIMIT, "its header would be too long");
    *out =
        (struct reencrypted){.bytes = {arena_memdup(arena, header->data, header->len), header->len},
                             .taken = message->size,
                             .moved = true};
    return 0;
}

static int move_header(const struct reencrypt *r, struct arena *arena, struct opened *opened,
                       struct reencrypted *out, struct error *err)
{
    struct resource_ctx to = reencrypt_destination(r, arena);
    const struct sdk_message *message = &opened->message;
    struct random *random = r->options.random ? r->options.random : random_system();
    struct sdk_data_key *keys = arena_calloc(arena, message->key_count, sizeof *keys);
    unsigned char nonce[GMAC_NONCE_SIZE], tag[GMAC_TAG_SIZE];
    struct kms_sealed sealed;
    struct text new_key;
    struct buf header;
    if (kms_cipher_encrypt(&to, opened->plain, r->key_arn, opened->context, &sealed, err) != 0 ||
        reencrypt_decode(arena, sealed.blob, &new_key, err) != 0)
        return -1;
    buf_init(&header, SDK_HEADER_MOST + KMS_CIPHERTEXT_MOST);
    size_t count = replace_keys(r, arena, message, new_key, sealed.key_arn, keys);
    sdk_message_write(message, keys, count, &header);
    /* Another nonce than the first header's: gmac.h says why. The body's are counters. */
    random_bytes(random, nonce, sizeof nonce);
    sdk_header_tag(message->suite, &opened->keys, nonce, (struct text){header.data, header.len},
                   (struct text){opened->unstored.data, opened->unstored.len}, tag);
    buf_append(&header, nonce, sizeof nonce);
    buf_append(&header, tag, sizeof tag);
    int result = keep_header(arena, &header, message, out, err);
    buf_done(&header);
    return result;
}

/* --- another message -------------------------------------------------------------------------- */
struct renewed {
    struct sdk_pair *context; /* of the header */
    struct ecdsa *signer, *verifier;
    struct sdk_header header;
    struct sdk_keys keys;
    struct buf bytes;
};

/* A key pair for this signature, told of by the context, and the one that proves the old. */
static int renew_signature(struct arena *arena, struct opened *opened, struct renewed *renewed,
                           struct error *err)
{
    unsigned char point[ECDSA_POINT_MOST], *old;
    size_t old_len;
    const struct sdk_message *message = &opened->message;
    const struct sdk_pair *told = sdk_message_pair(message, SDK_PUBLIC_KEY);
    enum ecdsa_curve curve = message->suite->curve;
    if (base64_decode(arena, told->value.data, told->value.len, &old, &old_len) == 0)
        renewed->verifier = ecdsa_verifier_new(curve, old, old_len);
    if (!renewed->verifier)
        return error_set(
            err, ERR_INVALID,
            "this AWS Encryption SDK message is damaged: its context's %s is no public "
            "key of its suite",
            SDK_PUBLIC_KEY);
    renewed->signer = ecdsa_signer_new(curve);
    const char *text = base64_encode(arena, point, ecdsa_point(renewed->signer, point));
    renewed->context[told - message->context].value = text_of(text);
    json_object_set_new(opened->context, SDK_PUBLIC_KEY, json_string(text));
    return 0;
}

/* A data key of its own. Where other data keys are to stay, the same, from which the new id derives
 * other keys (message-header.md, "Message ID": made for using a data key again). */
static int renew_key(const struct reencrypt *r, struct arena *arena, const struct opened *opened,
                     bool others, const char **plain, struct kms_sealed *sealed, struct error *err)
{
    struct resource_ctx to = reencrypt_destination(r, arena);
    if (!others)
        return kms_cipher_data_key(&to, opened->message.suite->key_size, r->key_arn,
                                   opened->context, plain, sealed, err);
    *plain = opened->plain;
    return kms_cipher_encrypt(&to, *plain, r->key_arn, opened->context, sealed, err);
}

static int renew_header(const struct reencrypt *r, struct arena *arena, const struct opened *opened,
                        struct text data_key, struct text sealed, const char *key_arn,
                        struct renewed *renewed, struct error *err)
{
    static const unsigned char zeros[GMAC_NONCE_SIZE];
    const struct sdk_message *message = &opened->message;
    const struct sdk_suite *suite = message->suite;
    struct random *random = r->options.random ? r->options.random : random_system();
    struct sdk_data_key *keys = arena_calloc(arena, message->key_count, sizeof *keys);
    char *id = arena_alloc(arena, SDK_ID_MOST);
    unsigned char tag[GMAC_TAG_SIZE];
    random_bytes(random, id, sdk_id_size(suite));
    struct sdk_header *header = &renewed->header;
    *header =
        (struct sdk_header){.suite = suite,
                            .id = {id, sdk_id_size(suite)},
                            .commitment = {(const char *)renewed->keys.commitment,
                                           suite->commits ? sizeof renewed->keys.commitment : 0},
                            .context = renewed->context,
                            .context_count = message->context_count,
                            .keys = keys,
                            .key_count = replace_keys(r, arena, message, sealed, key_arn, keys),
                            .frame_size = message->framed ? message->frame_size : SDK_FRAME_USUAL};
    if (sdk_keys_derive(suite, header->id, data_key, &renewed->keys, err) != 0 ||
        sdk_header_write(header, &renewed->bytes, err) != 0)
        return -1;
    /* The first and only tag of a key that is new: the nonce is zero, as encrypt.md has it. */
    sdk_header_tag(suite, &renewed->keys, zeros,
                   (struct text){renewed->bytes.data, renewed->bytes.len},
                   (struct text){opened->unstored.data, opened->unstored.len}, tag);
    buf_append(&renewed->bytes, zeros, message->nonce.len);
    buf_append(&renewed->bytes, tag, sizeof tag);
    return 0;
}

/* How the rest becomes the new message's. */
static void open_rest(struct text bytes, const struct opened *opened, struct renewed *renewed,
                      struct reencrypted *out)
{
    const struct sdk_message *message = &opened->message;
    const struct sdk_body_side source = {.id = message->id,
                                         .keys = &opened->keys,
                                         .header = {bytes.data, message->size},
                                         .proof = renewed->verifier},
                               target = {.id = renewed->header.id,
                                         .keys = &renewed->keys,
                                         .header = out->bytes,
                                         .proof = renewed->signer};
    out->rest = sdk_body_new(message, &source, &target);
    renewed->verifier = renewed->signer = NULL;
}

static int renew(const struct reencrypt *r, struct arena *arena, struct text bytes,
                 struct opened *opened, struct renewed *renewed, struct reencrypted *out,
                 struct error *err)
{
    const struct sdk_message *message = &opened->message;
    bool others = !r->options.drop_other_keys && count_others(r, arena, message) > 0;
    struct kms_sealed sealed;
    struct text data_key, new_key;
    const char *plain;
    if (message->suite->is_signed && renew_signature(arena, opened, renewed, err) != 0)
        return -1;
    if (renew_key(r, arena, opened, others, &plain, &sealed, err) != 0 ||
        reencrypt_decode(arena, plain, &data_key, err) != 0 ||
        reencrypt_decode(arena, sealed.blob, &new_key, err) != 0 ||
        renew_header(r, arena, opened, data_key, new_key, sealed.key_arn, renewed, err) != 0 ||
        keep_header(arena, &renewed->bytes, message, out, err) != 0)
        return -1;
    open_rest(bytes, opened, renewed, out);
    return 0;
}

static int move_whole(const struct reencrypt *r, struct arena *arena, struct text bytes,
                      struct opened *opened, struct reencrypted *out, struct error *err)
{
    const struct sdk_message *message = &opened->message;
    struct renewed renewed = {
        .context = arena_calloc(arena, message->context_count + 1, sizeof *renewed.context)};
    if (message->context_count)
        memcpy(renewed.context, message->context,
               message->context_count * sizeof *message->context);
    buf_init(&renewed.bytes, SDK_HEADER_MOST + KMS_CIPHERTEXT_MOST);
    int result = renew(r, arena, bytes, opened, &renewed, out, err);
    buf_done(&renewed.bytes);
    ecdsa_free(renewed.signer);
    ecdsa_free(renewed.verifier);
    sdk_keys_wipe(&renewed.keys);
    return result;
}

/* --- either ----------------------------------------------------------------------------------- */
static int check(const struct reencrypt *r, struct arena *arena, const struct sdk_message *message,
                 struct error *err)
{
    /* default-cmm.md, "Decrypt Materials": signed means that the key is there, and no less. */
    if (message->suite->is_signed != (sdk_message_pair(message, SDK_PUBLIC_KEY) != NULL))
        return error_set(err, ERR_INVALID,
                         "this AWS Encryption SDK message is damaged: it %s signed (suite %04X), "
                         "but its context has %s%s",
                         message->suite->is_signed ? "is" : "is not", message->suite->id,
                         message->suite->is_signed ? "no " : "", SDK_PUBLIC_KEY);
    size_t others = count_others(r, arena, message);
    if (others && message->suite->is_signed && !r->options.drop_other_keys)
        return error_set(err, ERR_UNSUPPORTED,
                         "this AWS Encryption SDK message is signed (suite %04X), so it is "
                         "encrypted again under another context; its %zu data keys of other "
                         "Regions and providers do not go with that: leave them out with "
                         "--drop-other-keys, or encrypt it again with the SDK",
                         message->suite->id, others);
    return 0;
}

static int move_opened(const struct reencrypt *r, struct arena *arena, struct text bytes,
                       const struct sdk_data_key *key, struct opened *opened,
                       struct reencrypted *out, struct error *err)
{
    if (open_message(r, arena, key, opened, err) != 0)
        return -1;
    if (sdk_message_fixed(&opened->message))
        return move_whole(r, arena, bytes, opened, out, err);
    return move_header(r, arena, opened, out, err);
}

int reencrypt_message(const struct reencrypt *r, struct arena *arena, struct text bytes,
                      const json_t *given, struct reencrypted *out, struct error *err)
{
    struct opened opened = {0};
    const struct sdk_message *message = &opened.message;
    const struct sdk_data_key *key = NULL;
    if (sdk_message_read(arena, bytes, &opened.message, err) != 0)
        return -1;
    for (size_t i = 0; i < message->key_count; i++) {
        struct arn arn;
        if (of_kms(&message->keys[i], arena, &arn) && text_is(message->keys[i].info, r->key_arn)) {
            /* Moved before. */
            *out =
                (struct reencrypted){.bytes = {bytes.data, message->size}, .taken = message->size};
            return 0;
        }
        if (!key && of_source(r, arena, &message->keys[i]))
            key = &message->keys[i];
    }
    if (!key)
        return error_set(err, ERR_INVALID,
                         "this AWS Encryption SDK message has no data key under a KMS key of %s",
                         r->options.source_region);
    if (check(r, arena, message, err) != 0)
        return -1;
    buf_init(&opened.unstored, SDK_HEADER_MOST);
    put_unstored(arena, message, given, &opened.unstored);
    opened.context = context_of(message);
    if (given)
        json_object_update_missing(opened.context, (json_t *)given);
    int result = move_opened(r, arena, bytes, key, &opened, out, err);
    json_decref(opened.context);
    buf_done(&opened.unstored);
    sdk_keys_wipe(&opened.keys);
    return result;
}
