#include "aws/sdk_body.h"

#include "base/gcm.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 16 * 1024, NUMBER_SIZE = 4, LENGTH_SIZE = 4, LONG_SIZE = 8, FOOTER_SIZE = 2 };
enum { AAD_MOST = SDK_ID_MOST + 64 };

/* What the next bytes are. */
enum part {
    NUMBER,       /* of a frame, or that the last one begins */
    REGULAR_HEAD, /* IV */
    LAST_HEAD,    /* number, IV, length */
    SINGLE_HEAD,  /* IV, length: not framed */
    CONTENT,
    TAG,
    SIGNATURE_LENGTH,
    SIGNATURE,
    NOTHING
};

struct sdk_body {
    const struct sdk_suite *suite;
    enum part part;
    bool framed, failed;
    uint32_t frame_size;
    char ids[2][SDK_ID_MOST]; /* source's, target's */
    struct gcm *opener, *sealer;
    struct ecdsa *verifier, *signer;
    unsigned char held[ECDSA_SIGNATURE_MOST]; /* of this part, until it is whole */
    size_t held_len, wanted;
    uint32_t number; /* of the frame that is read */
    bool last;
    uint64_t left; /* of its content */
    /* The frame that is written. */
    uint32_t out_number, out_left;
    bool out_open;
    unsigned char plain[PIECE];
};

enum { SOURCE, TARGET };

static int damaged(struct sdk_body *body, struct error *err, const char *what)
{
    body->failed = true;
    return error_set(err, ERR_INVALID, "this AWS Encryption SDK message is damaged: %s", what);
}

static uint64_t number_at(const unsigned char *at, size_t bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | at[i];
    return number;
}

static void put_at(unsigned char *at, uint64_t number, size_t bytes)
{
    for (size_t i = bytes; i-- > 0; number >>= 8)
        at[i] = (unsigned char)number;
}

static void await(struct sdk_body *body, enum part part, size_t bytes)
{
    body->part = part;
    body->wanted = bytes;
    body->held_len = 0;
}

static void await_frame(struct sdk_body *body)
{
    if (body->framed)
        await(body, NUMBER, NUMBER_SIZE);
    else
        await(body, SINGLE_HEAD, GMAC_NONCE_SIZE + LONG_SIZE);
}

/* --- opening ---------------------------------------------------------------------------------- */
struct sdk_body *sdk_body_new(const struct sdk_message *from, const struct sdk_body_side *source,
                              const struct sdk_body_side *target)
{
    const struct sdk_suite *suite = from->suite;
    struct sdk_body *body = memory_alloc(sizeof *body);
    *body = (struct sdk_body){.suite = suite,
                              .framed = from->framed,
                              .frame_size = from->framed ? from->frame_size : SDK_FRAME_USUAL,
                              .opener = gcm_new(source->keys->key, suite->key_size, false),
                              .sealer = gcm_new(target->keys->key, suite->key_size, true),
                              .verifier = source->proof,
                              .signer = target->proof,
                              .number = 1};
    memcpy(body->ids[SOURCE], source->id.data, sdk_id_size(suite));
    memcpy(body->ids[TARGET], target->id.data, sdk_id_size(suite));
    if (suite->is_signed) {
        ecdsa_add(body->verifier, source->header.data, source->header.len);
        ecdsa_add(body->signer, target->header.data, target->header.len);
    }
    await_frame(body);
    return body;
}

void sdk_body_free(struct sdk_body *body)
{
    if (!body)
        return;
    gcm_free(body->opener);
    gcm_free(body->sealer);
    ecdsa_free(body->verifier);
    ecdsa_free(body->signer);
    explicit_bzero(body, sizeof *body);
    free(body);
}

/* message-body-aad.md */
static size_t put_aad(const struct sdk_body *body, int side, bool framed, bool last,
                      uint32_t number, uint64_t len, unsigned char out[AAD_MOST])
{
    const char *kind = !framed ? "AWSKMSEncryptionClient Single Block"
                       : last  ? "AWSKMSEncryptionClient Final Frame"
                               : "AWSKMSEncryptionClient Frame";
    size_t at = sdk_id_size(body->suite), kind_len = strlen(kind);
    memcpy(out, body->ids[side], at);
    memcpy(out + at, kind, kind_len);
    at += kind_len;
    put_at(out + at, number, NUMBER_SIZE);
    put_at(out + at + NUMBER_SIZE, len, LONG_SIZE);
    return at + NUMBER_SIZE + LONG_SIZE;
}

/* --- writing ---------------------------------------------------------------------------------- */
static void emit(struct sdk_body *body, const void *bytes, size_t len, struct buf *out)
{
    buf_append(out, bytes, len);
    if (body->signer)
        ecdsa_add(body->signer, bytes, len);
}

static void begin_out(struct sdk_body *body, uint32_t len, bool last, struct buf *out)
{
    unsigned char aad[AAD_MOST], head[2 * NUMBER_SIZE + GMAC_NONCE_SIZE + LENGTH_SIZE] = {0};
    size_t at = 0;
    body->out_number++;
    body->out_left = len;
    body->out_open = true;
    if (last)
        put_at(head, UINT32_MAX, at = NUMBER_SIZE);
    put_at(head + at, body->out_number, NUMBER_SIZE);
    at += NUMBER_SIZE;
    unsigned char *nonce = head + at;
    put_at(nonce, body->out_number, GMAC_NONCE_SIZE);
    at += GMAC_NONCE_SIZE;
    if (last) {
        put_at(head + at, len, LENGTH_SIZE);
        at += LENGTH_SIZE;
    }
    emit(body, head, at, out);
    gcm_begin(body->sealer, nonce, aad,
              put_aad(body, TARGET, true, last, body->out_number, len, aad));
}

static void end_out(struct sdk_body *body, struct buf *out)
{
    unsigned char tag[GMAC_TAG_SIZE];
    body->out_open = false;
    gcm_tag(body->sealer, tag);
    emit(body, tag, sizeof tag, out);
}

static void seal_out(struct sdk_body *body, unsigned char *plain, size_t len, struct buf *out)
{
    gcm_add(body->sealer, plain, len, plain);
    emit(body, plain, len, out);
    body->out_left -= (uint32_t)len;
}

/* Into frames of the usual size; `left` is what follows `len`. */
static void cut_out(struct sdk_body *body, unsigned char *plain, size_t len, uint64_t left,
                    struct buf *out)
{
    while (len) {
        uint64_t whole = len + left;
        if (!body->out_left)
            begin_out(body, whole < body->frame_size ? (uint32_t)whole : body->frame_size,
                      whole <= body->frame_size, out);
        size_t part = len < body->out_left ? len : body->out_left;
        seal_out(body, plain, part, out);
        plain += part;
        len -= part;
        if (!body->out_left)
            end_out(body, out);
    }
}

static void sign(struct sdk_body *body, struct buf *out)
{
    unsigned char signature[ECDSA_SIGNATURE_MOST], length[FOOTER_SIZE];
    size_t len = ecdsa_sign(body->signer, signature);
    put_at(length, len, sizeof length);
    buf_append(out, length, sizeof length);
    buf_append(out, signature, len);
}

/* --- reading ---------------------------------------------------------------------------------- */
static void begin_content(struct sdk_body *body, const unsigned char *nonce, struct buf *out)
{
    unsigned char aad[AAD_MOST];
    size_t len = put_aad(body, SOURCE, body->framed, body->last, body->number, body->left, aad);
    gcm_begin(body->opener, nonce, aad, len);
    if (body->framed || body->left == 0)
        begin_out(body, (uint32_t)body->left, body->last, out);
    await(body, body->left ? CONTENT : TAG, GMAC_TAG_SIZE);
}

static int take_number(struct sdk_body *body, struct error *err)
{
    uint32_t number = (uint32_t)number_at(body->held, NUMBER_SIZE);
    if (number == UINT32_MAX) {
        await(body, LAST_HEAD, NUMBER_SIZE + GMAC_NONCE_SIZE + LENGTH_SIZE);
        return 0;
    }
    if (number != body->number)
        return damaged(body, err, "its frames are not in their order");
    await(body, REGULAR_HEAD, GMAC_NONCE_SIZE);
    return 0;
}

static int take_head(struct sdk_body *body, struct buf *out, struct error *err)
{
    const uint64_t single_most = (UINT64_C(1) << 36) - 32; /* message-body.md */
    const unsigned char *nonce = body->held;
    body->last = body->part != REGULAR_HEAD;
    if (body->part == REGULAR_HEAD) {
        body->left = body->frame_size;
    } else if (body->part == SINGLE_HEAD) {
        body->left = number_at(nonce + GMAC_NONCE_SIZE, LONG_SIZE);
        if (body->left > single_most)
            return damaged(body, err, "its body is longer than can be");
    } else {
        nonce += NUMBER_SIZE;
        body->left = number_at(nonce + GMAC_NONCE_SIZE, LENGTH_SIZE);
        if (number_at(body->held, NUMBER_SIZE) != body->number)
            return damaged(body, err, "its frames are not in their order");
        if (body->left > body->frame_size)
            return damaged(body, err, "its last frame is longer than a frame");
    }
    begin_content(body, nonce, out);
    return 0;
}

static int take_tag(struct sdk_body *body, struct buf *out, struct error *err)
{
    if (!gcm_proves(body->opener, body->held))
        return damaged(body, err, "its body is not what was encrypted");
    if (body->out_open)
        end_out(body, out);
    if (!body->last) {
        if (++body->number == UINT32_MAX)
            return damaged(body, err, "it has more frames than can be");
        await_frame(body);
    } else if (body->suite->is_signed) {
        await(body, SIGNATURE_LENGTH, FOOTER_SIZE);
    } else {
        await(body, NOTHING, 1);
    }
    return 0;
}

static int take_signature(struct sdk_body *body, struct buf *out, struct error *err)
{
    if (!ecdsa_proves(body->verifier, body->held, body->wanted))
        return damaged(body, err, "its signature is not over this header and this body");
    sign(body, out);
    await(body, NOTHING, 1);
    return 0;
}

static int take_part(struct sdk_body *body, struct buf *out, struct error *err)
{
    switch (body->part) {
    case NUMBER:
        return take_number(body, err);
    case REGULAR_HEAD:
    case LAST_HEAD:
    case SINGLE_HEAD:
        return take_head(body, out, err);
    case TAG:
        return take_tag(body, out, err);
    case SIGNATURE_LENGTH:
        body->wanted = (size_t)number_at(body->held, FOOTER_SIZE);
        if (body->wanted == 0 || body->wanted > sizeof body->held)
            return damaged(body, err, "the length of its signature cannot be");
        await(body, SIGNATURE, body->wanted);
        return 0;
    case SIGNATURE:
        return take_signature(body, out, err);
    case CONTENT:
    case NOTHING:
        break;
    }
    return damaged(body, err, "something follows its end");
}

static size_t take_content(struct sdk_body *body, struct text piece, struct buf *out)
{
    size_t len = piece.len < body->left ? piece.len : (size_t)body->left;
    if (len > sizeof body->plain)
        len = sizeof body->plain;
    gcm_add(body->opener, piece.data, len, body->plain);
    body->left -= len;
    if (body->framed)
        seal_out(body, body->plain, len, out);
    else
        cut_out(body, body->plain, len, body->left, out);
    explicit_bzero(body->plain, len);
    if (!body->left)
        await(body, TAG, GMAC_TAG_SIZE);
    return len;
}

/* Bytes of a part that is wanted as a whole. */
static size_t take_held(struct sdk_body *body, struct text piece)
{
    size_t len = body->wanted - body->held_len;
    if (len > piece.len)
        len = piece.len;
    memcpy(body->held + body->held_len, piece.data, len);
    body->held_len += len;
    return len;
}

int sdk_body_push(struct sdk_body *body, struct text piece, struct buf *out, struct error *err)
{
    while (piece.len && !body->failed) {
        enum part part = body->part;
        size_t len = part == CONTENT ? take_content(body, piece, out) : take_held(body, piece);
        if (body->verifier && part < SIGNATURE_LENGTH)
            ecdsa_add(body->verifier, piece.data, len);
        piece.data += len;
        piece.len -= len;
        if (part != CONTENT && body->held_len == body->wanted && take_part(body, out, err) != 0)
            return -1;
    }
    return body->failed ? damaged(body, err, "it was found so before") : 0;
}

int sdk_body_end(struct sdk_body *body, struct error *err)
{
    if (body->failed || body->part != NOTHING)
        return damaged(body, err, "it ends in its body");
    return 0;
}
