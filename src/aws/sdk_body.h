/*
 * sdk_body: the body and the signature of an AWS Encryption SDK message, opened under its keys and
 * sealed under others, in pieces.
 *
 * A machine that is fed what follows the header and gives what follows the new one. Each frame's
 * number and tag are checked, that there is a last one, the signature over header and body, and
 * that nothing follows. But a tag comes behind its text and the signature behind everything: what
 * was given out must not be published before sdk_body_end said that all is proved. Frames stay as
 * they were cut; a body that is not framed gets frames, because nobody may write such bodies any
 * more (client-apis/encrypt.md, "Un-Framed Message Body Encryption"). The IV of a new frame is its
 * number (there, "Construct a frame"); that of an old one is what it says, as in the examples of
 * message-body.md.
 *
 * The plaintext of a piece is in the machine for the time of one call, wiped at its end. Memory: a
 * handle. One thread. Source: aws-encryption-sdk-specification: data-format/message-body.md,
 * message-body-aad.md, message-footer.md, client-apis/decrypt.md.
 */
#ifndef UNDERSTUDY_AWS_SDK_BODY_H
#define UNDERSTUDY_AWS_SDK_BODY_H

#include "aws/sdk_keys.h"

/* Of a body that was not framed: encrypt.md, "Frame Length". */
enum { SDK_FRAME_USUAL = 4096 };

struct sdk_body;

/* One message's side: its header with its tag, and what its suite needs. */
struct sdk_body_side {
    struct text id;
    const struct sdk_keys *keys;
    struct text header;  /* with nonce and tag: the signature is over it */
    struct ecdsa *proof; /* signer or verifier, nothing added; taken over. NULL: not signed */
};

/* Both are of the suite of `from`. Copies what it needs, but for the proofs. */
struct sdk_body *sdk_body_new(const struct sdk_message *from, const struct sdk_body_side *source,
                              const struct sdk_body_side *target);
void sdk_body_free(struct sdk_body *body); /* NULL is fine */
/* Appends what `piece` became: hardly more than its own size, or 32 for each 4096 bytes that were
 * not framed. ERR_INVALID: damaged, and nothing may be pushed any more. */
int sdk_body_push(struct sdk_body *body, struct text piece, struct buf *out, struct error *err);
/* 0: all was there and is proved. */
int sdk_body_end(struct sdk_body *body, struct error *err);

#endif
