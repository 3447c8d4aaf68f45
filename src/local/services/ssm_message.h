/*
 * ssm_message: the message format of the AWS Encryption SDK, in which advanced SecureStrings are
 * kept. Pure: the data key is given.
 *
 * Version 2, algorithm suite 0x0478 (AES-256-GCM, HKDF-SHA-512, key commitment, no signature),
 * framed, one encrypted data key of provider "aws-kms". Source: AWS Encryption SDK developer guide,
 * "Message format reference", and the specification beside it (data-format/, framework/). The
 * decision page says why this suite.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_SSM_MESSAGE_H
#define UNDERSTUDY_LOCAL_SERVICES_SSM_MESSAGE_H

#include "base/arena.h"
#include "base/random.h"
#include "base/text.h"

#include <stddef.h>

enum { SSM_DATA_KEY_BYTES = 32 };

struct ssm_message_key {
    struct text key_arn;       /* which KMS key encrypted the data key */
    struct text encrypted_key; /* the data key as KMS gave it */
};

/* The encryption context is the one pair PARAMETER_ARN. The message is in `arena`. */
void ssm_message_seal(struct arena *arena, struct random *random, const char *parameter_arn,
                      const struct ssm_message_key *key,
                      const unsigned char data_key[SSM_DATA_KEY_BYTES], struct text plaintext,
                      unsigned char **message, size_t *message_len);

/* Who can decrypt the data key of a message; -1: not a message of ours. Views into it. */
int ssm_message_key(struct text message, struct ssm_message_key *out);

/* -1 when it is damaged or the key is another. Plaintext in `arena`. */
int ssm_message_open(struct arena *arena, struct text message,
                     const unsigned char data_key[SSM_DATA_KEY_BYTES], char **plaintext,
                     size_t *plaintext_len);

#endif
