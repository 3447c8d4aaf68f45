#include "kms_fixture.h"
#include "local/services/kms_parts.h"
#include "support/test.h"

static const struct kms_key *make_key(struct kms_fixture *fixture, bool multi_region)
{
    char id[KMS_ID_SIZE];
    kms_insert(&fixture->call,
               &(struct kms_new_key){.spec = kms_spec_find("SYMMETRIC_DEFAULT"),
                                     .usage = "ENCRYPT_DECRYPT",
                                     .origin = "AWS_KMS",
                                     .description = "",
                                     .policy = kms_default_policy(&fixture->call),
                                     .shape = KMS_POLICY_DEFAULT,
                                     .multi_region = multi_region},
               id);
    const struct kms_key *key = kms_load(&fixture->call, id);
    assert_non_null(key);
    return key;
}

/* As Decrypt does: the header is read, and its key must be the one. */
static int open_blob(struct kms_fixture *fixture, const struct kms_key *key,
                     const struct kms_context *context, const void *blob, size_t blob_len,
                     unsigned char **plaintext, size_t *len)
{
    struct kms_header header;
    if (kms_blob_read(blob, blob_len, &header) != 0 || strcmp(header.key_id, key->id) != 0)
        return -1;
    return kms_unseal(&fixture->call, &header, context, blob, blob_len, plaintext, len);
}

static const struct kms_context_pair two[] = {{"b", "2"}, {"a", "1"}};
static const struct kms_context_pair turned[] = {{"a", "1"}, {"b", "2"}};

static void there_and_back(void **state)
{
    struct kms_fixture *fixture = *state;
    const struct kms_key *key = make_key(fixture, false);
    unsigned char *blob, *plaintext;
    size_t blob_len, len;
    struct kms_context context = {two, 2}, same = {turned, 2};
    assert_int_equal(kms_seal(&fixture->call, key, &context, "secret", 6, &blob, &blob_len), 0);
    assert_int_equal(blob_len, 6 + KMS_BLOB_OVERHEAD);
    struct kms_header header;
    assert_int_equal(kms_blob_read(blob, blob_len, &header), 0);
    assert_string_equal(header.key_id, key->id);
    assert_string_equal(header.material, key->material);
    assert_int_equal(open_blob(fixture, key, &same, blob, blob_len, &plaintext, &len), 0);
    assert_int_equal(len, 6);
    assert_string_equal((char *)plaintext, "secret");
}

/* Texts that run together the same way must not give the same additional data. */
static void contexts_are_told_apart(void **state)
{
    struct kms_fixture *fixture = *state;
    const struct kms_key *key = make_key(fixture, false);
    unsigned char *blob, *plaintext;
    size_t blob_len, len;
    static const struct kms_context_pair sealed[] = {{"ab", "cd"}};
    static const struct kms_context_pair others[][2] = {{{"a", "bcd"}},
                                                        {{"abc", "d"}},
                                                        {{"ab", "cd"}, {"", ""}},
                                                        {{"ab", "c"}, {"d", ""}},
                                                        {{"AB", "cd"}}};
    static const size_t counts[] = {1, 1, 2, 2, 1};
    struct kms_context context = {sealed, 1};
    assert_int_equal(kms_seal(&fixture->call, key, &context, "x", 1, &blob, &blob_len), 0);
    for (size_t i = 0; i < COUNT(counts); i++) {
        struct kms_context other = {others[i], counts[i]};
        assert_int_equal(open_blob(fixture, key, &other, blob, blob_len, &plaintext, &len), -1);
    }
    struct kms_context none = {0};
    assert_int_equal(open_blob(fixture, key, &none, blob, blob_len, &plaintext, &len), -1);
    assert_int_equal(open_blob(fixture, key, &context, blob, blob_len, &plaintext, &len), 0);
}

static void every_bit_counts(void **state)
{
    struct kms_fixture *fixture = *state;
    const struct kms_key *key = make_key(fixture, false);
    struct kms_context none = {0};
    unsigned char *blob, *plaintext;
    size_t blob_len, len;
    assert_int_equal(kms_seal(&fixture->call, key, &none, "secret", 6, &blob, &blob_len), 0);
    for (size_t bit = 0; bit < 8 * blob_len; bit++) {
        blob[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_int_equal(open_blob(fixture, key, &none, blob, blob_len, &plaintext, &len), -1);
        blob[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    for (size_t shorter = 0; shorter < blob_len; shorter++)
        assert_int_equal(open_blob(fixture, key, &none, blob, shorter, &plaintext, &len), -1);
    assert_int_equal(open_blob(fixture, key, &none, blob, blob_len, &plaintext, &len), 0);
}

/* A related key of another Region has the same id and material: its ciphertexts are the same. */
static void regions_are_not_in_it(void **state)
{
    struct kms_fixture *fixture = *state;
    const struct kms_key *key = make_key(fixture, true);
    struct kms_context context = {two, 2};
    unsigned char *blob, *plaintext;
    size_t blob_len, len;
    struct kms_header header;
    assert_true(kms_id_valid(key->id));
    assert_true(strncmp(key->id, "mrk-", 4) == 0);
    assert_int_equal(kms_seal(&fixture->call, key, &context, "x", 1, &blob, &blob_len), 0);
    assert_int_equal(kms_blob_read(blob, blob_len, &header), 0);
    assert_string_equal(header.key_id, key->id);
    struct kms_key replica = *key;
    memcpy(replica.region, "eu-west-1", sizeof "eu-west-1");
    fixture->call.region = "eu-west-1";
    assert_int_equal(open_blob(fixture, &replica, &context, blob, blob_len, &plaintext, &len), 0);
}

/* What lies in the store is sealed for its key and its material: swapped rows do not open. */
static void material_is_sealed_for_its_key(void **state)
{
    struct kms_fixture *fixture = *state;
    const struct kms_key *one = make_key(fixture, false), *other = make_key(fixture, false);
    struct kms_context none = {0};
    unsigned char *blob;
    size_t blob_len;
    struct store_rows rows;
    store_query(fixture->writer, &rows, "SELECT sealed FROM kms_materials WHERE key_id = $1", "t",
                other->id);
    assert_true(store_next(&rows));
    struct text sealed = store_blob(&rows, 0);
    void *copy = arena_memdup(&fixture->arena, sealed.data, sealed.len);
    store_end(&rows);
    assert_int_equal(store_run(fixture->writer,
                               "UPDATE kms_materials SET sealed = $1 WHERE key_id = $2", "bt", copy,
                               sealed.len, one->id),
                     1);
    assert_int_equal(kms_seal(&fixture->call, one, &none, "x", 1, &blob, &blob_len), -1);
    assert_int_equal(kms_seal(&fixture->call, other, &none, "x", 1, &blob, &blob_len), 0);
}

/* More keys than the cache has room for: each still opens its own. */
static void many_keys(void **state)
{
    enum { KEYS = 300 };
    struct kms_fixture *fixture = *state;
    struct kms_context none = {0};
    char ids[KEYS][KMS_ID_SIZE];
    unsigned char *blobs[KEYS], *plaintext;
    size_t blob_len, len;
    for (int i = 0; i < KEYS; i++) {
        const struct kms_key *key = make_key(fixture, i % 3 == 0);
        memcpy(ids[i], key->id, KMS_ID_SIZE);
        assert_int_equal(kms_seal(&fixture->call, key, &none, &i, sizeof i, &blobs[i], &blob_len),
                         0);
    }
    kms_fixture_read(fixture);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < KEYS; i++) {
            int found;
            const struct kms_key *key = kms_load(&fixture->call, ids[i]);
            assert_non_null(key);
            assert_string_equal(key->id, ids[i]);
            assert_int_equal(open_blob(fixture, key, &none, blobs[i], blob_len, &plaintext, &len),
                             0);
            memcpy(&found, plaintext, sizeof found);
            assert_int_equal(found, i);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, kms_fixture_setup, kms_fixture_teardown)
        TEST(there_and_back),        TEST(contexts_are_told_apart),        TEST(every_bit_counts),
        TEST(regions_are_not_in_it), TEST(material_is_sealed_for_its_key), TEST(many_keys),
    };
    json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
