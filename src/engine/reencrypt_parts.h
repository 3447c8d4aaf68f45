/*
 * reencrypt_parts: what reencrypt.c (ciphertexts of KMS) and reencrypt_message.c (messages of the
 * AWS Encryption SDK) share.
 */
#ifndef UNDERSTUDY_ENGINE_REENCRYPT_PARTS_H
#define UNDERSTUDY_ENGINE_REENCRYPT_PARTS_H

#include "engine/reencrypt.h"

struct reencrypt {
    struct reencrypt_options options;
    struct arena arena;
    const char *key_arn;
    const char *from; /* the source's key as the destination knows it; NULL: not */
    bool inside;
};

struct resource_ctx reencrypt_source(const struct reencrypt *r, struct arena *arena);
struct resource_ctx reencrypt_destination(const struct reencrypt *r, struct arena *arena);
/* KMS's base64. */
int reencrypt_decode(struct arena *arena, const char *text, struct text *out, struct error *err);

/* `given`: the context that is given beside the message; NULL: none. */
int reencrypt_message(const struct reencrypt *r, struct arena *arena, struct text bytes,
                      const json_t *given, struct reencrypted *out, struct error *err);

#endif
