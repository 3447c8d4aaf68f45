#include "base/digest.h"
#include "base/gcm.h"
#include "support/test.h"

/* "The Galois/Counter Mode of Operation", test case 4. */
static unsigned char key[16], nonce[GMAC_NONCE_SIZE], beside[20], plain[60], sealed[60], proof[16];

static void unhex(const char *text, unsigned char *out, size_t len)
{
    assert_int_equal(digest_unhex(text, 2 * len, out, len), 0);
}

static int setup(void **state)
{
    (void)state;
    unhex("feffe9928665731c6d6a8f9467308308", key, sizeof key);
    unhex("cafebabefacedbaddecaf888", nonce, sizeof nonce);
    unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2", beside, sizeof beside);
    unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
          "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
          plain, sizeof plain);
    unhex("42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
          "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
          sealed, sizeof sealed);
    unhex("5bc94fbc3221a5db94fae95ae7121a47", proof, sizeof proof);
    return 0;
}

/* Twice with one handle: nothing of the first text is in the second. */
static void known_answers_in_pieces(void **state)
{
    unsigned char out[60], tag[16];
    (void)state;
    for (size_t piece = 1; piece <= sizeof plain; piece += 7) {
        struct gcm *to = gcm_new(key, sizeof key, true), *back = gcm_new(key, sizeof key, false);
        for (int time = 0; time < 2; time++) {
            gcm_begin(to, nonce, beside, sizeof beside);
            gcm_begin(back, nonce, beside, sizeof beside);
            for (size_t at = 0; at < sizeof plain; at += piece) {
                size_t len = sizeof plain - at < piece ? sizeof plain - at : piece;
                gcm_add(to, plain + at, len, out + at);
            }
            gcm_tag(to, tag);
            assert_memory_equal(out, sealed, sizeof out);
            assert_memory_equal(tag, proof, sizeof tag);
            gcm_add(back, sealed, sizeof sealed, out);
            assert_memory_equal(out, plain, sizeof out);
            assert_true(gcm_proves(back, proof));
        }
        gcm_free(to);
        gcm_free(back);
    }
}

static void what_was_changed_is_not_proved(void **state)
{
    unsigned char out[60];
    (void)state;
    struct gcm *gcm = gcm_new(key, sizeof key, false);
    for (int which = 0; which < 4; which++) {
        unsigned char tag[16], other[12], near[20], text[60];
        memcpy(tag, proof, sizeof tag);
        memcpy(other, nonce, sizeof other);
        memcpy(near, beside, sizeof near);
        memcpy(text, sealed, sizeof text);
        unsigned char *const changed[] = {tag, other, near, text};
        changed[which][3] ^= 1;
        gcm_begin(gcm, other, near, sizeof near);
        gcm_add(gcm, text, sizeof text, out);
        assert_false(gcm_proves(gcm, tag));
    }
    gcm_free(gcm);
    assert_null(gcm_new(key, 15, true));
    gcm_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers_in_pieces),
        cmocka_unit_test(what_was_changed_is_not_proved),
    };
    return cmocka_run_group_tests_name("base/gcm", tests, setup, NULL);
}
