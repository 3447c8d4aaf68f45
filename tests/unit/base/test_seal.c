#include "base/seal.h"
#include "support/test.h"

static const unsigned char key[SEAL_KEY_SIZE] = {1, 2, 3};

static void what_was_sealed_opens_with_the_same_key_and_label(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "x", "a secret value"};
    struct seal *seal = seal_new(key);
    for (size_t i = 0; i < COUNT(texts); i++) {
        unsigned char sealed[64], plain[64] = {0};
        size_t len = strlen(texts[i]);
        seal_close(seal, random_system(), "label", texts[i], len, sealed);
        assert_int_equal(seal_open(seal, "label", sealed, len + SEAL_OVERHEAD, plain), 0);
        assert_memory_equal(plain, texts[i], len);
    }
    seal_free(seal);
}

static void the_same_text_is_never_sealed_the_same(void **state)
{
    (void)state;
    struct seal *seal = seal_new(key);
    unsigned char a[64], b[64];
    seal_close(seal, random_system(), "label", "text", 4, a);
    seal_close(seal, random_system(), "label", "text", 4, b);
    assert_memory_not_equal(a + SEAL_NONCE_SIZE, b + SEAL_NONCE_SIZE, 4);
    seal_free(seal);
}

static void what_was_touched_moved_or_cut_does_not_open(void **state)
{
    (void)state;
    static const unsigned char other[SEAL_KEY_SIZE] = {9};
    struct seal *seal = seal_new(key), *wrong = seal_new(other);
    unsigned char sealed[64], plain[64];
    const size_t len = 4 + SEAL_OVERHEAD;
    seal_close(seal, random_system(), "label", "text", 4, sealed);
    assert_int_equal(seal_open(wrong, "label", sealed, len, plain), -1);
    assert_int_equal(seal_open(seal, "another", sealed, len, plain), -1);
    assert_int_equal(seal_open(seal, "label", sealed, len - 1, plain), -1);
    assert_int_equal(seal_open(seal, "label", sealed, SEAL_OVERHEAD - 1, plain), -1);
    for (size_t i = 0; i < len; i++) {
        sealed[i] ^= 1;
        memcpy(plain, "????", 4);
        assert_int_equal(seal_open(seal, "label", sealed, len, plain), -1);
        assert_memory_equal(plain, "\0\0\0\0", 4);
        sealed[i] ^= 1;
    }
    assert_int_equal(seal_open(seal, "label", sealed, len, plain), 0);
    seal_free(seal);
    seal_free(wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_opens_with_the_same_key_and_label),
        cmocka_unit_test(the_same_text_is_never_sealed_the_same),
        cmocka_unit_test(what_was_touched_moved_or_cut_does_not_open),
    };
    return cmocka_run_group_tests_name("base/seal", tests, NULL, NULL);
}
