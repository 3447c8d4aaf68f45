/*
 * kms_import: the form of import tokens and what may be imported; pure. For kms_import.c and its
 * tests. A token read points into the bytes it was read from.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_KMS_IMPORT_H
#define UNDERSTUDY_LOCAL_SERVICES_KMS_IMPORT_H

#include "local/services/kms_pkey.h"

#include <stdint.h>

/* Inside the seal: the private half of the wrapping key, so that nothing needs to be kept. */
struct kms_import_token {
    const char *algorithm;
    int64_t until_ms;
    const unsigned char *key; /* PKCS #8 */
    size_t key_len;
};
int kms_import_token_read(const unsigned char *data, size_t len, struct kms_import_token *out);
/* Bytes written to `out`, which has room for the key and ten more. */
size_t kms_import_token_write(const struct kms_import_token *token, unsigned char *out);
/* Is this the secret of a key of this spec? */
bool kms_import_fits(const struct kms_bytes *bytes, const struct kms_spec *spec);

#endif
