/*
 * sdk_keys: what a data key becomes for one message of the AWS Encryption SDK, and the header's
 * tag.
 *
 * The struct holds secrets: its owner wipes it (sdk_keys_wipe). Pure; any thread.
 * Source: aws-encryption-sdk-specification, framework/transitive-requirements.md ("HKDF Encryption
 * Key", "HKDF Commit Key"), client-apis/decrypt.md ("Verify the header").
 */
#ifndef UNDERSTUDY_AWS_SDK_KEYS_H
#define UNDERSTUDY_AWS_SDK_KEYS_H

#include "aws/sdk_message.h"
#include "base/gmac.h"

struct sdk_keys {
    unsigned char key[SDK_KEY_MOST]; /* of the header's tag and the body; suite->key_size bytes */
    unsigned char commitment[SDK_COMMITMENT_SIZE]; /* where the suite commits */
};

/* ERR_INVALID: the data key has not the length that its suite wants. */
int sdk_keys_derive(const struct sdk_suite *suite, struct text id, struct text data_key,
                    struct sdk_keys *out, struct error *err);
void sdk_keys_wipe(struct sdk_keys *keys);

/* Over the header and what is proved but not stored. */
void sdk_header_tag(const struct sdk_suite *suite, const struct sdk_keys *keys,
                    const unsigned char nonce[GMAC_NONCE_SIZE], struct text header,
                    struct text unstored, unsigned char tag[GMAC_TAG_SIZE]);
/* ERR_INVALID: commitment or tag is not what these keys make: another data key, or damaged. */
int sdk_header_prove(const struct sdk_message *message, const struct sdk_keys *keys,
                     struct text unstored, struct error *err);

#endif
