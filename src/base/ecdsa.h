/*
 * ecdsa: signatures over bytes that come in pieces, with a key pair made for one signature.
 *
 * The private key is in OpenSSL's memory, wiped when the handle is freed, and never given out.
 * Source: FIPS 186-4 (curves), SEC 1 version 2 sections 2.3.3 (points, compressed) and C.5 (the
 * DER form of a signature). A handle belongs to one thread.
 */
#ifndef UNDERSTUDY_BASE_ECDSA_H
#define UNDERSTUDY_BASE_ECDSA_H

#include <stdbool.h>
#include <stddef.h>

enum ecdsa_curve { ECDSA_P256_SHA256, ECDSA_P384_SHA384 };
/* Bytes at most; a point may be read in its longer form. */
enum { ECDSA_POINT_MOST = 97, ECDSA_SIGNATURE_MOST = 104 };

struct ecdsa;

struct ecdsa *ecdsa_signer_new(enum ecdsa_curve curve); /* with a new key pair */
/* NULL: `point` is no point of the curve. */
struct ecdsa *ecdsa_verifier_new(enum ecdsa_curve curve, const void *point, size_t len);
void ecdsa_free(struct ecdsa *ecdsa); /* NULL is fine */

/* The public key, compressed: its length. */
size_t ecdsa_point(const struct ecdsa *ecdsa, unsigned char out[ECDSA_POINT_MOST]);
void ecdsa_add(struct ecdsa *ecdsa, const void *data, size_t len);
/* Over all that was added: the signature's length. */
size_t ecdsa_sign(struct ecdsa *ecdsa, unsigned char out[ECDSA_SIGNATURE_MOST]);
bool ecdsa_proves(struct ecdsa *ecdsa, const void *signature, size_t len);

#endif
