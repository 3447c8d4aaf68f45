#include "base/digest.h"
#include "base/gmac.h"
#include "support/test.h"

/* "The Galois/Counter Mode of Operation", test cases 1, 7 and 13: nothing encrypted, nothing said.
 */
static void known_answers(void **state)
{
    static const struct {
        size_t key_len;
        const char *tag;
    } cases[] = {{16, "58e2fccefa7e3061367f1d57a4e7455a"},
                 {24, "cd33b28ac773f74ba00ed1f312572435"},
                 {32, "530f8afbc74536b9a963b4f1c4cb738b"}};
    const unsigned char zeros[32] = {0};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        unsigned char tag[GMAC_TAG_SIZE];
        char hex[2 * GMAC_TAG_SIZE + 1];
        assert_int_equal(gmac_tag(zeros, cases[i].key_len, zeros, NULL, 0, tag), 0);
        digest_hex(tag, sizeof tag, hex);
        assert_string_equal(hex, cases[i].tag);
    }
}

static void parts_are_one_text(void **state)
{
    const unsigned char key[32] = {1}, nonce[GMAC_NONCE_SIZE] = {2};
    const struct text whole = text_of("abcdef"),
                      parts[] = {text_of("abc"), {"", 0}, text_of("def")};
    unsigned char one[GMAC_TAG_SIZE], other[GMAC_TAG_SIZE];
    (void)state;
    assert_int_equal(gmac_tag(key, 32, nonce, &whole, 1, one), 0);
    assert_int_equal(gmac_tag(key, 32, nonce, parts, 3, other), 0);
    assert_memory_equal(one, other, sizeof one);
    assert_int_equal(gmac_tag(key, 31, nonce, parts, 3, other), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(parts_are_one_text),
    };
    return cmocka_run_group_tests_name("base/gmac", tests, NULL, NULL);
}
