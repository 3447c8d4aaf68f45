/*
 * hkdf: keys derived from a key (RFC 5869). Any thread; nothing is kept.
 */
#ifndef UNDERSTUDY_BASE_HKDF_H
#define UNDERSTUDY_BASE_HKDF_H

#include "base/text.h"

enum hkdf_hash { HKDF_SHA256, HKDF_SHA384, HKDF_SHA512 };

/* `salt` may be empty: as many zeros as the hash has bytes. `len`: 1 to 255 times those. */
void hkdf(enum hkdf_hash hash, struct text key, struct text salt, struct text info,
          unsigned char *out, size_t len);

#endif
