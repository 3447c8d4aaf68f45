#include "aws/sdk_message.h"

#include <stdlib.h>
#include <string.h>

enum { VERSION_1 = 1, VERSION_2 = 2, TYPE_ENCRYPTED = 0x80, NONCE_SIZE = 12, TAG_SIZE = 16 };
enum { ID_SIZE_1 = 16, ID_SIZE_2 = SDK_ID_MOST };
enum { NOT_FRAMED = 1, FRAMED = 2, SIZED_MOST = 65535 };

/* Source: algorithm-suites.md, "Supported Algorithm Suites". */
#define PLAIN(id_, size_)                                                                          \
    {                                                                                              \
        .id = (id_), .version = VERSION_1, .key_size = (size_)                                     \
    }
#define DERIVED(id_, size_)                                                                        \
    {                                                                                              \
        .id = (id_), .version = VERSION_1, .key_size = (size_), .derives = true,                   \
        .hash = HKDF_SHA256                                                                        \
    }
#define SIGNED(id_, size_, hash_, curve_)                                                          \
    {                                                                                              \
        .id = (id_), .version = VERSION_1, .key_size = (size_), .derives = true,                   \
        .is_signed = true, .hash = (hash_), .curve = (curve_)                                      \
    }
#define COMMITTING(id_, signed_)                                                                   \
    {                                                                                              \
        .id = (id_), .version = VERSION_2, .key_size = 32, .derives = true, .commits = true,       \
        .is_signed = (signed_), .hash = HKDF_SHA512, .curve = ECDSA_P384_SHA384                    \
    }
static const struct sdk_suite suites[] = {
    PLAIN(0x0014, 16),
    PLAIN(0x0046, 24),
    PLAIN(0x0078, 32),
    DERIVED(0x0114, 16),
    DERIVED(0x0146, 24),
    DERIVED(0x0178, 32),
    SIGNED(0x0214, 16, HKDF_SHA256, ECDSA_P256_SHA256),
    SIGNED(0x0346, 24, HKDF_SHA384, ECDSA_P384_SHA384),
    SIGNED(0x0378, 32, HKDF_SHA384, ECDSA_P384_SHA384),
    COMMITTING(0x0478, false),
    COMMITTING(0x0578, true),
};

size_t sdk_id_size(const struct sdk_suite *suite)
{
    return suite->version == VERSION_1 ? ID_SIZE_1 : ID_SIZE_2;
}

static const struct sdk_suite *suite_of(unsigned id, unsigned version)
{
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
        if (suites[i].id == id && suites[i].version == version)
            return &suites[i];
    return NULL;
}

/* --- reading ---------------------------------------------------------------------------------- */
struct reader {
    struct text left;
    const char *start;
    bool ended; /* more was wanted than there is */
};

static struct text take(struct reader *reader, size_t len)
{
    struct text taken = {reader->left.data, len};
    if (len > reader->left.len || reader->ended) {
        reader->ended = true;
        return (struct text){"", 0};
    }
    reader->left.data += len;
    reader->left.len -= len;
    return taken;
}

static unsigned take_number(struct reader *reader, size_t bytes)
{
    struct text taken = take(reader, bytes);
    unsigned number = 0;
    for (size_t i = 0; i < taken.len; i++)
        number = number << 8 | (unsigned char)taken.data[i];
    return number;
}

static struct text take_sized(struct reader *reader)
{
    return take(reader, take_number(reader, 2));
}

bool sdk_message_begins(struct text bytes)
{
    struct reader reader = {.left = bytes};
    unsigned version = take_number(&reader, 1);
    if (version == VERSION_1)
        return take_number(&reader, 1) == TYPE_ENCRYPTED && !reader.ended;
    /* Not just the number: a ciphertext of something else may begin with 02. */
    return version == VERSION_2 && suite_of(take_number(&reader, 2), version) && !reader.ended;
}

static int damaged(struct error *err, const char *what)
{
    return error_set(err, ERR_INVALID, "this AWS Encryption SDK message is damaged: %s", what);
}

/* By the keys' bytes: structures.md, "Serialization". */
static int by_key(const void *a, const void *b)
{
    const struct text *one = &((const struct sdk_pair *)a)->key;
    const struct text *other = &((const struct sdk_pair *)b)->key;
    int order = memcmp(one->data, other->data, one->len < other->len ? one->len : other->len);
    return order ? order : (one->len > other->len) - (one->len < other->len);
}

static bool has_twins(struct arena *arena, const struct sdk_pair *pairs, size_t count)
{
    struct sdk_pair *sorted = arena_memdup(arena, pairs, count * sizeof *pairs);
    qsort(sorted, count, sizeof *sorted, by_key);
    for (size_t i = 1; i < count; i++)
        if (by_key(&sorted[i - 1], &sorted[i]) == 0)
            return true;
    return false;
}

static int read_context(struct arena *arena, struct reader *reader, struct sdk_message *out,
                        struct error *err)
{
    struct text bytes = take_sized(reader);
    struct reader inner = {.left = bytes};
    if (reader->ended || bytes.len == 0)
        return 0;
    size_t count = take_number(&inner, 2);
    if (count == 0 || count > bytes.len / 4)
        return damaged(err, "the number of its context's pairs cannot be");
    struct sdk_pair *pairs = arena_calloc(arena, count, sizeof *pairs);
    for (size_t i = 0; i < count; i++) {
        pairs[i].key = take_sized(&inner);
        pairs[i].value = take_sized(&inner);
    }
    if (inner.ended || inner.left.len)
        return damaged(err, "its context is not as long as it says");
    for (size_t i = 0; i < count; i++)
        if (!text_utf8_valid(pairs[i].key.data, pairs[i].key.len) ||
            !text_utf8_valid(pairs[i].value.data, pairs[i].value.len) ||
            memchr(pairs[i].key.data, 0, pairs[i].key.len) ||
            memchr(pairs[i].value.data, 0, pairs[i].value.len))
            return damaged(err, "its context is not text");
    if (has_twins(arena, pairs, count))
        return damaged(err, "its context has a pair twice");
    out->context = pairs;
    out->context_count = count;
    return 0;
}

static int read_keys(struct arena *arena, struct reader *reader, struct sdk_message *out,
                     struct error *err)
{
    size_t count = take_number(reader, 2);
    if (!reader->ended && count == 0)
        return damaged(err, "it has no encrypted data key");
    if (count > SDK_DATA_KEYS_MOST)
        return error_set(err, ERR_UNSUPPORTED,
                         "this AWS Encryption SDK message has %zu encrypted data keys: at most %d "
                         "are read",
                         count, SDK_DATA_KEYS_MOST);
    struct sdk_data_key *keys = arena_calloc(arena, count + 1, sizeof *keys);
    for (size_t i = 0; i < count; i++) {
        keys[i].provider = take_sized(reader);
        keys[i].info = take_sized(reader);
        keys[i].sealed = take_sized(reader);
    }
    out->keys = keys;
    out->key_count = count;
    return 0;
}

static int read_rest(struct reader *reader, const struct sdk_suite *suite, struct sdk_message *out,
                     struct error *err)
{
    unsigned content = take_number(reader, 1), reserved = 0, nonce = NONCE_SIZE;
    if (suite->version == VERSION_1) {
        reserved = take_number(reader, 4);
        nonce = take_number(reader, 1);
    }
    out->frame_size = take_number(reader, 4);
    if (suite->commits)
        out->commitment = take(reader, SDK_COMMITMENT_SIZE);
    out->framed = content == FRAMED;
    if (reader->ended)
        return 0;
    if (content != FRAMED && content != NOT_FRAMED)
        return damaged(err, "its content type is neither framed nor not framed");
    if (reserved != 0 || nonce != NONCE_SIZE)
        return damaged(err, "its reserved bytes or the length of its IV cannot be");
    if (out->framed != (out->frame_size > 0))
        return damaged(err, "the length of its frames cannot be");
    return 0;
}

int sdk_message_read(struct arena *arena, struct text bytes, struct sdk_message *out,
                     struct error *err)
{
    struct reader reader = {.left = bytes, .start = bytes.data};
    *out = (struct sdk_message){0};
    unsigned version = take_number(&reader, 1);
    if (version == VERSION_1 && take_number(&reader, 1) != TYPE_ENCRYPTED && !reader.ended)
        return damaged(err, "its type is not 'encrypted data'");
    unsigned id = take_number(&reader, 2);
    out->suite = suite_of(id, version);
    if (!out->suite && !reader.ended)
        return error_set(err, ERR_UNSUPPORTED,
                         "this AWS Encryption SDK message has version %u and suite %04X, which are "
                         "not known",
                         version, id);
    out->id = take(&reader, version == VERSION_1 ? ID_SIZE_1 : ID_SIZE_2);
    if (read_context(arena, &reader, out, err) != 0)
        return -1;
    out->before = (struct text){bytes.data, (size_t)(reader.left.data - bytes.data)};
    if (read_keys(arena, &reader, out, err) != 0)
        return -1;
    const char *behind = reader.left.data;
    if (out->suite && read_rest(&reader, out->suite, out, err) != 0)
        return -1;
    out->behind = (struct text){behind, (size_t)(reader.left.data - behind)};
    out->header = (struct text){bytes.data, (size_t)(reader.left.data - bytes.data)};
    out->nonce = take(&reader, version == VERSION_1 ? NONCE_SIZE : 0);
    out->tag = take(&reader, TAG_SIZE);
    out->size = (size_t)(reader.left.data - bytes.data);
    if (reader.ended)
        return error_set(err, ERR_LIMIT, "this AWS Encryption SDK message ends in its header");
    return 0;
}

/* --- writing ---------------------------------------------------------------------------------- */
bool sdk_message_fixed(const struct sdk_message *message)
{
    /* Signed: who signed it had the key only while it was encrypted. Version 2: its nonce is zero
     * for ever, and two tags under one nonce give away the key of the proof (base/gmac.h). */
    return message->suite->is_signed || message->suite->version == VERSION_2;
}

const struct sdk_pair *sdk_message_pair(const struct sdk_message *message, const char *key)
{
    for (size_t i = 0; i < message->context_count; i++)
        if (text_is(message->context[i].key, key))
            return &message->context[i];
    return NULL;
}

static void put_number(struct buf *out, size_t number)
{
    buf_append_char(out, (char)(number >> 8 & 0xff));
    buf_append_char(out, (char)(number & 0xff));
}

static void put_sized(struct buf *out, struct text bytes)
{
    put_number(out, bytes.len);
    buf_append(out, bytes.data, bytes.len);
}

static void put_keys(const struct sdk_data_key *keys, size_t count, struct buf *out)
{
    put_number(out, count);
    for (size_t i = 0; i < count; i++) {
        put_sized(out, keys[i].provider);
        put_sized(out, keys[i].info);
        put_sized(out, keys[i].sealed);
    }
}

void sdk_message_write(const struct sdk_message *message, const struct sdk_data_key *keys,
                       size_t count, struct buf *out)
{
    buf_append(out, message->before.data, message->before.len);
    put_keys(keys, count, out);
    buf_append(out, message->behind.data, message->behind.len);
}

void sdk_context_write(const struct sdk_pair *pairs, size_t count, struct buf *out)
{
    struct arena scratch;
    if (count == 0)
        return;
    arena_init(&scratch);
    struct sdk_pair *sorted = arena_memdup(&scratch, pairs, count * sizeof *pairs);
    qsort(sorted, count, sizeof *sorted, by_key);
    put_number(out, count);
    for (size_t i = 0; i < count; i++) {
        put_sized(out, sorted[i].key);
        put_sized(out, sorted[i].value);
    }
    arena_done(&scratch);
}

int sdk_header_write(const struct sdk_header *header, struct buf *out, struct error *err)
{
    bool first = header->suite->version == VERSION_1;
    struct buf context;
    buf_init(&context, SIZED_MOST);
    sdk_context_write(header->context, header->context_count, &context);
    if (context.overflow) {
        buf_done(&context);
        return error_set(err, ERR_LIMIT, "its context has no room in a header");
    }
    buf_append_char(out, first ? VERSION_1 : VERSION_2);
    if (first)
        buf_append_char(out, (char)TYPE_ENCRYPTED);
    put_number(out, header->suite->id);
    buf_append(out, header->id.data, header->id.len);
    put_sized(out, (struct text){context.data, context.len});
    buf_done(&context);
    put_keys(header->keys, header->key_count, out);
    buf_append_char(out, FRAMED);
    if (first) {
        buf_append(out, "\0\0\0\0", 4);
        buf_append_char(out, NONCE_SIZE);
    }
    put_number(out, header->frame_size >> 16);
    put_number(out, header->frame_size);
    buf_append(out, header->commitment.data, header->commitment.len);
    return 0;
}
