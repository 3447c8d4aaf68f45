/*
 * sdk_message: the header of an AWS Encryption SDK message, read and written with other data keys.
 *
 * A message is a header (context, data keys encrypted under several keys, a tag over all of it), a
 * body in frames and, for some suites, a signature. The body depends on the data key and the
 * message's id only, so a header may get other encrypted data keys, if its tag can be made again:
 * with a nonce of its own, which only version 1 has room for, and without a signature, whose key
 * nobody has any more. All others are encrypted again as a whole (aws/sdk_body). Pure; any thread.
 * Everything found points into the bytes given.
 * Source: github.com/awslabs/aws-encryption-sdk-specification: data-format/message-header.md,
 * framework/algorithm-suites.md, framework/transitive-requirements.md, framework/structures.md,
 * framework/default-cmm.md, client-apis/decrypt.md.
 */
#ifndef UNDERSTUDY_AWS_SDK_MESSAGE_H
#define UNDERSTUDY_AWS_SDK_MESSAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/ecdsa.h"
#include "base/error.h"
#include "base/hkdf.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest header that is read; KMS allows no context near this. */
enum { SDK_HEADER_MOST = 256 * 1024, SDK_DATA_KEYS_MOST = 64 };
enum { SDK_ID_MOST = 32, SDK_KEY_MOST = 32, SDK_COMMITMENT_SIZE = 32 };

/* The pair of a context that holds the key which proves the signature. */
#define SDK_PUBLIC_KEY "aws-crypto-public-key"

struct sdk_suite {
    unsigned id, version;
    size_t key_size; /* bytes of the data key */
    bool derives, commits, is_signed;
    enum hkdf_hash hash;    /* where it derives */
    enum ecdsa_curve curve; /* where it is signed */
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
    struct text commitment;     /* empty where the suite does not commit */
    bool framed;
    uint32_t frame_size; /* 0: not framed */
    size_t size;         /* of header and tag: there the body begins */
};

/* Do bytes begin like a message? (A ciphertext of KMS does not.) */
bool sdk_message_begins(struct text bytes);
size_t sdk_id_size(const struct sdk_suite *suite);
/* ERR_LIMIT: it goes on behind the end of `bytes`. ERR_INVALID: damaged. ERR_UNSUPPORTED: a suite
 * that is not known. */
int sdk_message_read(struct arena *arena, struct text bytes, struct sdk_message *out,
                     struct error *err);
/* Can no header be made with other data keys around the same body? */
bool sdk_message_fixed(const struct sdk_message *message);
/* A pair of its context; NULL: none. */
const struct sdk_pair *sdk_message_pair(const struct sdk_message *message, const char *key);
/* What the tag is over, with other data keys. */
void sdk_message_write(const struct sdk_message *message, const struct sdk_data_key *keys,
                       size_t count, struct buf *out);
/* A header of another message, framed, as far as the tag is over it. */
struct sdk_header {
    const struct sdk_suite *suite;
    struct text id, commitment;
    const struct sdk_pair *context;
    size_t context_count;
    const struct sdk_data_key *keys;
    size_t key_count;
    uint32_t frame_size;
};
/* ERR_LIMIT: its context has no room in a header. */
int sdk_header_write(const struct sdk_header *header, struct buf *out, struct error *err);
/* A context as the tag is over it where it is not in the header; nothing when there is none. */
void sdk_context_write(const struct sdk_pair *pairs, size_t count, struct buf *out);

#endif
