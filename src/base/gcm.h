/*
 * gcm: AES-GCM over texts that come in pieces, one after another under one key.
 *
 * What gcm_add opens is not proved before gcm_proves said so: until then it must not get out.
 * Source: NIST SP 800-38D. One key and nonce may seal one text only (gmac.h says why). Memory: a
 * handle, wiped when freed. A handle belongs to one thread.
 */
#ifndef UNDERSTUDY_BASE_GCM_H
#define UNDERSTUDY_BASE_GCM_H

#include "base/gmac.h"

#include <stdbool.h>

struct gcm;

/* NULL: `key_len` is not 16, 24 or 32. */
struct gcm *gcm_new(const unsigned char *key, size_t key_len, bool seals);
void gcm_free(struct gcm *gcm); /* NULL is fine */
/* A text and what goes with it in the clear; ends the one before. */
void gcm_begin(struct gcm *gcm, const unsigned char nonce[GMAC_NONCE_SIZE], const void *beside,
               size_t beside_len);
/* `len` bytes, at most 1 GB; `out` may be `in`. */
void gcm_add(struct gcm *gcm, const void *in, size_t len, void *out);
void gcm_tag(struct gcm *gcm, unsigned char tag[GMAC_TAG_SIZE]);
bool gcm_proves(struct gcm *gcm, const unsigned char tag[GMAC_TAG_SIZE]);

#endif
