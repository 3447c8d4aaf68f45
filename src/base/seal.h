/*
 * seal: bytes under a key, which nobody can read or change without it: AES-256-GCM.
 *
 * Sealed bytes are nonce (12, random), cipher text, tag (16). `label` is not stored but must be the
 * same to open them: it says what they are and where they belong. Source: NIST SP 800-38D; one key
 * seals fewer than 2^32 pieces with random nonces (8.3). Any thread may use one seal at once.
 */
#ifndef UNDERSTUDY_BASE_SEAL_H
#define UNDERSTUDY_BASE_SEAL_H

#include "base/random.h"

#include <stddef.h>

enum { SEAL_KEY_SIZE = 32, SEAL_NONCE_SIZE = 12, SEAL_TAG_SIZE = 16 };
enum { SEAL_OVERHEAD = SEAL_NONCE_SIZE + SEAL_TAG_SIZE };

struct seal;

struct seal *seal_new(const unsigned char key[SEAL_KEY_SIZE]);
void seal_free(struct seal *seal); /* wipes the key; NULL is fine */

/* `out` has room for len + SEAL_OVERHEAD bytes. */
void seal_close(const struct seal *seal, struct random *random, const char *label, const void *data,
                size_t len, unsigned char *out);
/* `out` has room for len - SEAL_OVERHEAD bytes. -1: not sealed with this key and label, or
 * changed since; then `out` is wiped. */
int seal_open(const struct seal *seal, const char *label, const void *sealed, size_t len,
              unsigned char *out);

#endif
