/*
 * jwt: JSON Web Tokens (RFC 7519) as an identity provider signs them, and the keys that check them
 * (RFC 7517): RS256 and ES256, the algorithms of OpenID Connect providers. OpenSSL verifies.
 * Pure; any thread.
 */
#ifndef UNDERSTUDY_LOCAL_JWT_H
#define UNDERSTUDY_LOCAL_JWT_H

#include "base/text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;

struct jwt {
    json_t *header, *claims; /* objects; owned: jwt_done */
    struct text signed_part; /* of the token given: "header.claims" */
    const unsigned char *signature;
    size_t signature_len;
};

/* Takes a token in compact form apart, without judging it: -1 when it is none. What it points to is
 * in `arena`, or in `token`. */
int jwt_parse(struct arena *arena, const char *token, struct jwt *out);
void jwt_done(struct jwt *jwt); /* NULL members are fine */

enum jwt_check {
    JWT_OK,
    JWT_NO_KEY, /* none of the set is of the token's id, kind and algorithm */
    JWT_FORGED
};
/* Checks the signature against a JWK set ({"keys": [...]}). RSA keys shorter than 2048 bits are no
 * keys. */
enum jwt_check jwt_verify(struct arena *arena, const struct jwt *jwt, const json_t *keys);

#endif
