/*
 * gmac: what proves that bytes which are not secret came from who holds a key: AES-GCM without a
 * text. Source: NIST SP 800-38D. No two calls may be made with one key and nonce but over the same
 * bytes: from two such tags the key of the proof can be computed (appendix A there). Any thread.
 */
#ifndef UNDERSTUDY_BASE_GMAC_H
#define UNDERSTUDY_BASE_GMAC_H

#include "base/text.h"

#include <stddef.h>

enum { GMAC_NONCE_SIZE = 12, GMAC_TAG_SIZE = 16 };

/* Over `parts`, one behind the other. -1: `key_len` is not 16, 24 or 32. */
int gmac_tag(const unsigned char *key, size_t key_len, const unsigned char nonce[GMAC_NONCE_SIZE],
             const struct text *parts, size_t count, unsigned char tag[GMAC_TAG_SIZE]);

#endif
