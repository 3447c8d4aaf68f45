/*
 * reencrypt: one ciphertext moved from a key of one Region to a key of another.
 *
 * A ciphertext of KMS (an encrypted text or data key) is decrypted in the source Region and
 * encrypted in the destination, with its context; where one Region knows both keys KMS does it
 * inside (ReEncrypt). An AWS Encryption SDK message keeps its body where a new header can be made
 * for it: that gets the data key under the destination's key. Else (signed, or format 2.0) it is
 * encrypted again, with a data key, an id and a signing key of its own, in pieces. Plaintexts are
 * in memory for the time of two calls, or of one piece, and in nothing that is written. Memory: the
 * arena of the call, which the caller resets (wipes) after it.
 * Threads: any number may call reencrypt_one at once, each with its own arena.
 */
#ifndef UNDERSTUDY_ENGINE_REENCRYPT_H
#define UNDERSTUDY_ENGINE_REENCRYPT_H

#include "aws/sdk_body.h"
#include "base/text.h"
#include "client/session.h"
#include "resource/resource.h"

struct reencrypt_options {
    struct session *source, *destination; /* may be the same */
    const char *source_region, *destination_region;
    const char *key;        /* of the destination: id, ARN, alias */
    const char *source_key; /* NULL: the one that a ciphertext names */
    const json_t *context;  /* of every ciphertext; NULL: none */
    /* Messages: leave out data keys that are under other keys than the source Region's, so that
     * only the destination's key opens them. */
    bool drop_other_keys;
    struct random *random; /* NULL: the system's */
};

struct reencrypt; /* immutable once open */

/* Looks up the destination's key: ERR_NOT_FOUND, ERR_CONFLICT (it cannot encrypt now). Borrows the
 * options. */
int reencrypt_open(const struct reencrypt_options *options, struct reencrypt **out,
                   struct error *err);
void reencrypt_close(struct reencrypt *reencrypt); /* NULL is fine */
/* Does KMS do it inside? And the ARN of the destination's key. */
bool reencrypt_inside(const struct reencrypt *reencrypt);
const char *reencrypt_key(const struct reencrypt *reencrypt);

struct reencrypted {
    struct text bytes; /* in the arena */
    size_t taken;      /* of the input; the rest follows `bytes` as it is, or by `rest` */
    bool moved; /* false: it was under the destination's key already; bytes are the input's */
    /* Not NULL: what follows must be pushed through it, and counts only when sdk_body_end said that
     * all is proved. The caller frees it. */
    struct sdk_body *rest;
};
/* `bytes`: a ciphertext or the beginning of a message. `context` is added to the options' and wins;
 * NULL: none. ERR_LIMIT: a message whose header goes on behind `bytes`. */
int reencrypt_one(const struct reencrypt *reencrypt, struct arena *arena, struct text bytes,
                  const json_t *context, struct reencrypted *out, struct error *err);

#endif
