/*
 * sdk_message: the header of an AWS Encryption SDK message, read and written with other data keys.
 *
 * A message is a header (context, data keys encrypted under several keys, a tag over all of it), a
 * body in frames and, for some suites, a signature. The body depends on the data key and the
 * message's id only, so a header may get other encrypted data keys, if its tag can be made again:
 * with a nonce of its own, which only version 1 has room for, and without a signature, whose key
 * nobody has any more. Pure; any thread. Everything found points into the bytes given.
 * Source: github.com/awslabs/aws-encryption-sdk-specification: data-format/message-header.md,
 * framework/algorithm-suites.md, framework/structures.md, client-apis/decrypt.md.
 */
#ifndef UNDERSTUDY_AWS_SDK_MESSAGE_H
#define UNDERSTUDY_AWS_SDK_MESSAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

/* The largest header that is read; KMS allows no context near this. */
enum { SDK_HEADER_MOST = 256 * 1024, SDK_DATA_KEYS_MOST = 64 };

struct sdk_suite {
    unsigned id, version;
    size_t key_size; /* bytes of the data key */
    bool derives, commits, is_signed;
};

struct sdk_pair {
    struct text key, value;
};
struct sdk_data_key {
    struct text provider, info, sealed; /* "aws-kms", a key's ARN, its ciphertext */
};

struct sdk_message {
    const struct sdk_suite *suite;
    struct text id;
    const struct sdk_pair *context;
    size_t context_count;
    const struct sdk_data_key *keys;
    size_t key_count;
    struct text before, behind; /* the header's bytes around the data keys */
    struct text header;         /* all that the tag is over */
    struct text nonce, tag;     /* nonce: empty in version 2 */
    size_t size;                /* of header and tag: there the body begins */
};

/* Do bytes begin like a message? (A ciphertext of KMS does not.) */
bool sdk_message_begins(struct text bytes);
/* ERR_LIMIT: it goes on behind the end of `bytes`. ERR_INVALID: damaged. ERR_UNSUPPORTED: a suite
 * that is not known. */
int sdk_message_read(struct arena *arena, struct text bytes, struct sdk_message *out,
                     struct error *err);
/* Why no header can be made with other data keys, a sentence; NULL: one can. */
const char *sdk_message_fixed(const struct sdk_message *message);
/* What the tag is over, with other data keys. */
void sdk_message_write(const struct sdk_message *message, const struct sdk_data_key *keys,
                       size_t count, struct buf *out);
/* A context as the tag is over it where it is not in the header; nothing when there is none. */
void sdk_context_write(const struct sdk_pair *pairs, size_t count, struct buf *out);

#endif
