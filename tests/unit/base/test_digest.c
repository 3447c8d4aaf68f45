#include "base/arena.h"
#include "base/digest.h"
#include "support/test.h"

#include <pthread.h>

/* FIPS 180-4 examples (NIST CSRC) and RFC 4231. */
static void test_sha256_vectors(void **state)
{
    (void)state;
    char hex[SHA256_HEX_SIZE];
    digest_sha256_hex("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_sha256_hex(NULL, 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const char *long_one = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    digest_sha256_hex(long_one, strlen(long_one), hex);
    assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    char *million = memory_alloc(1000000);
    memset(million, 'a', 1000000);
    digest_sha256_hex(million, 1000000, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

static const struct {
    const char *key;
    size_t key_repeat; /* 0: as it is */
    const char *data;
    size_t data_repeat;
    const char *hex;
} hmac_vectors[] = {
    {"\x0b", 20, "Hi There", 0, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"Jefe", 0, "what do ya want for nothing?", 0,
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"\xaa", 20, "\xdd", 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"\xaa", 131, "Test Using Larger Than Block-Size Key - Hash Key First", 0,
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"\xaa", 131,
     "This is a test using a larger than block-size key and a larger than block-size data. The key "
     "needs to be hashed before being used by the HMAC algorithm.",
     0, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    /* An empty key, which OpenSSL takes for "the same key again" unless told otherwise. */
    {"", 0, "", 0, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
};

static const char *repeated(struct arena *arena, const char *text, size_t repeat, size_t *len)
{
    *len = repeat ? repeat : strlen(text);
    char *out = arena_alloc(arena, *len + 1);
    for (size_t i = 0; i < *len; i++)
        out[i] = repeat ? text[0] : text[i];
    return out;
}

static void test_pieces(void **state)
{
    (void)state;
    unsigned char whole[SHA256_SIZE], pieces[SHA256_SIZE];
    static const char text[] = "abcdefghijklmnopqrstuvwxyz";
    for (size_t cut = 0; cut < sizeof text; cut++) {
        struct digest_stream *stream = digest_stream_new();
        digest_stream_add(stream, text, cut);
        digest_stream_add(stream, text + cut, sizeof text - cut);
        digest_stream_done(stream, pieces);
        digest_sha256(text, sizeof text, whole);
        assert_memory_equal(pieces, whole, sizeof whole);
    }
}

static void test_hmac_vectors(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT(hmac_vectors); i++) {
        size_t key_len, data_len;
        const char *key =
            repeated(&arena, hmac_vectors[i].key, hmac_vectors[i].key_repeat, &key_len);
        const char *data =
            repeated(&arena, hmac_vectors[i].data, hmac_vectors[i].data_repeat, &data_len);
        unsigned char raw[SHA256_SIZE];
        char hex[SHA256_HEX_SIZE];
        digest_hmac_sha256(key, key_len, data, data_len, raw);
        digest_hex(raw, sizeof raw, hex);
        assert_string_equal(hex, hmac_vectors[i].hex);

        struct hmac_key *prepared = hmac_key_new(key, key_len);
        for (int again = 0; again < 3; again++) { /* the key stays from call to call */
            memset(raw, 0, sizeof raw);
            hmac_key_digest(prepared, data, data_len, raw);
            digest_hex(raw, sizeof raw, hex);
            assert_string_equal(hex, hmac_vectors[i].hex);
        }
        hmac_key_free(prepared);
    }
    struct hmac_key *empty = hmac_key_new(NULL, 0);
    unsigned char with_null[SHA256_SIZE], with_text[SHA256_SIZE];
    hmac_key_digest(empty, "x", 1, with_null);
    digest_hmac_sha256("", 0, "x", 1, with_text);
    assert_memory_equal(with_null, with_text, SHA256_SIZE);
    hmac_key_free(empty);
    hmac_key_free(NULL);
    arena_done(&arena);
}

static void *digest_often(void *arg)
{
    for (int i = 0; i < 200; i++) {
        char hex[SHA256_HEX_SIZE];
        digest_sha256_hex("abc", 3, hex);
        if (strcmp(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") != 0)
            return arg; /* which is not NULL */
        unsigned char raw[SHA256_SIZE];
        digest_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, raw);
        if (raw[0] != 0x5b || raw[31] != 0x43)
            return arg; /* which is not NULL */
    }
    return NULL;
}

static void test_many_threads(void **state)
{
    (void)state;
    pthread_t threads[8];
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, digest_often, threads), 0);
    for (size_t i = 0; i < COUNT(threads); i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
}

static void test_hex(void **state)
{
    (void)state;
    const unsigned char bytes[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff};
    char hex[2 * sizeof bytes + 1];
    unsigned char back[sizeof bytes];
    digest_hex(bytes, sizeof bytes, hex);
    assert_string_equal(hex, "00017f80feff");
    assert_int_equal(digest_unhex("00017F80FeFf", 12, back, 6), 0);
    assert_memory_equal(back, bytes, 6);
    assert_int_equal(digest_unhex("00017f80fef", 11, back, 6), -1);
    assert_int_equal(digest_unhex("00017f80feff00", 14, back, 6), -1);
    assert_int_equal(digest_unhex("00017f80fefg", 12, back, 6), -1);
    assert_int_equal(digest_unhex("00 17f80feff", 12, back, 6), -1);
    assert_int_equal(digest_unhex("", 0, back, 0), 0);
}

/* RFC 4648, section 10. */
static void test_base64_vectors(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xef\xbe\xfb", "/+++"
                             "+w=="},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT(pairs); i++) {
        assert_string_equal(base64_encode(&arena, pairs[i][0], strlen(pairs[i][0])), pairs[i][1]);
        unsigned char *data;
        size_t len;
        assert_int_equal(base64_decode(&arena, pairs[i][1], strlen(pairs[i][1]), &data, &len), 0);
        assert_int_equal(len, strlen(pairs[i][0]));
        assert_string_equal((char *)data, pairs[i][0]); /* a NUL stands behind the bytes */
    }
    arena_done(&arena);
}

static void test_base64_is_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
    } wrong[] = {
        {"Z", 1},
        {"Zg", 2},
        {"Zg=", 3},
        {"====", 4},
        {"Z===", 4},
        {"Zg=v", 4},
        {"=Zg=", 4},
        {"Zm9v====", 8},
        {"Zm9vZ===", 8},
        {"Zg==Zm9v", 8},
        {" Zm9v", 5},
        {"Zm9v\n", 5},
        {"Zm9v   \n", 8},
        {"Zm 9", 4},
        {"Zm\n9", 4},
        {"Zm-_", 4},
        {"Zm9\0", 4},
        {"Zm\0"
         "9",
         4},
        {"Zm\xc3\xa9", 4},
        {"   Zm9v ", 8},
        {"Zm9v-", 5},
        {"Zg==\0\0\0\0", 8},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        unsigned char *data = NULL;
        size_t len = 7;
        assert_int_equal(base64_decode(&arena, wrong[i].text, wrong[i].len, &data, &len), -1);
        assert_null(data);
        assert_int_equal(len, 7);
    }
    arena_done(&arena);
}

static void test_base64_any_bytes_come_back(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    unsigned char bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7 + 3);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        char *text = base64_encode(&arena, bytes, len);
        unsigned char *back;
        size_t back_len;
        assert_int_equal(base64_decode(&arena, text, strlen(text), &back, &back_len), 0);
        assert_int_equal(back_len, len);
        assert_memory_equal(back, bytes, len);
        arena_reset(&arena);
    }
    arena_done(&arena);
}

static void test_equal(void **state)
{
    (void)state;
    assert_true(digest_equal("abc", "abc", 3));
    assert_false(digest_equal("abc", "abd", 3));
    assert_false(digest_equal("xbc", "abc", 3));
    assert_true(digest_equal("a", "b", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256_vectors),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_hmac_vectors),
        cmocka_unit_test(test_many_threads),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_base64_vectors),
        cmocka_unit_test(test_base64_is_strict),
        cmocka_unit_test(test_base64_any_bytes_come_back),
        cmocka_unit_test(test_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
