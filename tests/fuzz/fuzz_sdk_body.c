/* A body under a data key of zeros, whole and in pieces: the same end, and for what is not signed
 * the same bytes. */
#include "aws/sdk_body.h"
#include "base/digest.h"
#include "fuzz.h"

#include <assert.h>
#include <string.h>

static const char zeros[SDK_ID_MOST];

/* The public key that the context tells of; NULL: none. */
static struct ecdsa *verifier_of(struct arena *arena, const struct sdk_message *message)
{
    const struct sdk_pair *told = sdk_message_pair(message, SDK_PUBLIC_KEY);
    unsigned char *point;
    size_t len;
    if (!told || base64_decode(arena, told->value.data, told->value.len, &point, &len) != 0)
        return NULL;
    return ecdsa_verifier_new(message->suite->curve, point, len);
}

static int run(struct arena *arena, const struct sdk_message *message, struct text bytes,
               size_t piece, struct buf *out)
{
    const struct sdk_suite *suite = message->suite;
    struct sdk_keys from, to;
    struct error err = {0};
    struct text data_key = {zeros, suite->key_size}, id = {zeros, sdk_id_size(suite)};
    assert(sdk_keys_derive(suite, message->id, data_key, &from, &err) == 0);
    assert(sdk_keys_derive(suite, id, data_key, &to, &err) == 0);
    struct sdk_body_side source = {.id = message->id,
                                   .keys = &from,
                                   .header = {bytes.data, message->size}},
                         target = {.id = id, .keys = &to, .header = text_of("header")};
    if (suite->is_signed) {
        source.proof = verifier_of(arena, message);
        if (!source.proof)
            return -1;
        target.proof = ecdsa_signer_new(suite->curve);
    }
    struct sdk_body *body = sdk_body_new(message, &source, &target);
    int result = 0;
    for (size_t at = message->size; result == 0 && at < bytes.len; at += piece) {
        size_t left = bytes.len - at;
        result = sdk_body_push(body, (struct text){bytes.data + at, left < piece ? left : piece},
                               out, &err);
    }
    if (result == 0)
        result = sdk_body_end(body, &err);
    assert(result == 0 || err.code == ERR_INVALID);
    sdk_body_free(body);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct text bytes = {(const char *)data, size};
    struct sdk_message message;
    struct error err = {0};
    struct arena arena;
    arena_init(&arena);
    if (sdk_message_read(&arena, bytes, &message, &err) == 0) {
        struct buf whole, pieces;
        /* "hardly more than its own size": a head, a tag and a signature beside what went in. */
        buf_init(&whole, 2 * size + 1024);
        buf_init(&pieces, 2 * size + 1024);
        int result = run(&arena, &message, bytes, size, &whole);
        assert(run(&arena, &message, bytes, 3, &pieces) == result);
        assert(!whole.overflow && !pieces.overflow);
        assert(message.suite->is_signed ||
               (whole.len == pieces.len &&
                (whole.len == 0 || memcmp(whole.data, pieces.data, whole.len) == 0)));
        buf_done(&whole);
        buf_done(&pieces);
    }
    arena_done(&arena);
    return 0;
}
