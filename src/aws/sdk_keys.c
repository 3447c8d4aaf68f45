#include "aws/sdk_keys.h"

#include "base/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct text id_and(const struct sdk_suite *suite, struct text rest,
                          char out[2 + SDK_ID_MOST])
{
    out[0] = (char)(suite->id >> 8);
    out[1] = (char)suite->id;
    memcpy(out + 2, rest.data, rest.len);
    return (struct text){out, 2 + rest.len};
}

int sdk_keys_derive(const struct sdk_suite *suite, struct text id, struct text data_key,
                    struct sdk_keys *out, struct error *err)
{
    char info[2 + SDK_ID_MOST];
    const struct text none = {"", 0};
    if (data_key.len != suite->key_size || id.len != sdk_id_size(suite))
        return error_set(err, ERR_INVALID, "the data key is of %zu bytes, its suite wants %zu",
                         data_key.len, suite->key_size);
    if (!suite->derives) {
        memcpy(out->key, data_key.data, data_key.len);
    } else if (!suite->commits) {
        hkdf(suite->hash, data_key, none, id_and(suite, id, info), out->key, suite->key_size);
    } else {
        hkdf(suite->hash, data_key, id, id_and(suite, text_of("DERIVEKEY"), info), out->key,
             suite->key_size);
        hkdf(suite->hash, data_key, id, text_of("COMMITKEY"), out->commitment,
             sizeof out->commitment);
    }
    return 0;
}

void sdk_keys_wipe(struct sdk_keys *keys)
{
    explicit_bzero(keys, sizeof *keys);
}

void sdk_header_tag(const struct sdk_suite *suite, const struct sdk_keys *keys,
                    const unsigned char nonce[GMAC_NONCE_SIZE], struct text header,
                    struct text unstored, unsigned char tag[GMAC_TAG_SIZE])
{
    const struct text parts[] = {header, unstored};
    if (gmac_tag(keys->key, suite->key_size, nonce, parts, 2, tag) != 0) {
        fputs("OpenSSL failed: AES-GCM\n", stderr);
        abort();
    }
}

int sdk_header_prove(const struct sdk_message *message, const struct sdk_keys *keys,
                     struct text unstored, struct error *err)
{
    static const unsigned char zeros[GMAC_NONCE_SIZE];
    unsigned char tag[GMAC_TAG_SIZE];
    const struct sdk_suite *suite = message->suite;
    if (suite->commits &&
        !digest_equal(keys->commitment, message->commitment.data, sizeof keys->commitment))
        return error_set(err, ERR_INVALID,
                         "this AWS Encryption SDK message does not commit to this data key: it is "
                         "damaged, or was made to be opened in two ways");
    sdk_header_tag(suite, keys,
                   message->nonce.len ? (const unsigned char *)message->nonce.data : zeros,
                   message->header, unstored, tag);
    if (!digest_equal(tag, message->tag.data, sizeof tag))
        return error_set(err, ERR_INVALID,
                         "this AWS Encryption SDK message is damaged: its header is not what was "
                         "encrypted (or a part of its context is kept elsewhere: give it)");
    return 0;
}
