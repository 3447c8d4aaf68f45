#include "aws/sdk_message.h"
#include "base/digest.h"
#include "base/json.h"
#include "engine/reencrypt_parts.h"
#include "resource/kms_cipher.h"
#include "resource/kms_key.h"

#include <stdlib.h>
#include <string.h>

struct resource_ctx reencrypt_source(const struct reencrypt *r, struct arena *arena)
{
    return (struct resource_ctx){.session = r->options.source,
                                 .region = r->options.source_region,
                                 .arena = arena};
}

struct resource_ctx reencrypt_destination(const struct reencrypt *r, struct arena *arena)
{
    return (struct resource_ctx){.session = r->options.destination,
                                 .region = r->options.destination_region,
                                 .arena = arena};
}

/* --- opening ---------------------------------------------------------------------------------- */
static int find_key(struct reencrypt *r, struct error *err)
{
    struct resource_ctx ctx = reencrypt_destination(r, &r->arena);
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
    struct resource_ctx from = reencrypt_source(r, &r->arena),
                        to = reencrypt_destination(r, &r->arena);
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
    struct resource_ctx from = reencrypt_source(r, arena), to = reencrypt_destination(r, arena);
    const char *plain;
    if (r->inside)
        return kms_cipher_reencrypt(&to, blob, r->from, r->key_arn, context, out, err);
    if (kms_cipher_decrypt(&from, blob, r->options.source_key, context, &plain, err) != 0)
        return -1;
    return kms_cipher_encrypt(&to, plain, r->key_arn, context, out, err);
}

int reencrypt_decode(struct arena *arena, const char *text, struct text *out, struct error *err)
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
    return reencrypt_decode(arena, sealed.blob, &out->bytes, err);
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
    int result = sdk_message_begins(bytes) ? reencrypt_message(r, arena, bytes, both, out, err)
                                           : move_blob(r, arena, bytes, both, out, err);
    json_decref(both);
    return result;
}
