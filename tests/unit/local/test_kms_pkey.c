#include "base/arena.h"
#include "local/services/kms_import.h"
#include "local/services/kms_pkey.h"
#include "support/test.h"

#include <string.h>

static struct kms_bytes bytes_of(struct arena *arena, const char *text)
{
    return (struct kms_bytes){arena_memdup(arena, text, strlen(text)), strlen(text)};
}

static void specs(void **state)
{
    (void)state;
    static const char *const names[] = {"SYMMETRIC_DEFAULT", "HMAC_512", "RSA_2048",
                                        "ECC_NIST_P521",     "SM2",      "ML_DSA_44"};
    for (size_t i = 0; i < COUNT(names); i++)
        assert_string_equal(kms_spec_find(names[i])->name, names[i]);
    assert_null(kms_spec_find("RSA_1024"));
    const struct kms_spec *curve = kms_spec_find("ECC_NIST_P256");
    assert_true(kms_spec_allows(curve, "KEY_AGREEMENT"));
    assert_false(kms_spec_allows(curve, "ENCRYPT_DECRYPT"));
    assert_true(kms_spec_has(curve, "SIGN_VERIFY", "ECDSA_SHA_256"));
    assert_false(kms_spec_has(curve, "KEY_AGREEMENT", "ECDSA_SHA_256"));
    assert_false(kms_spec_has(curve, "ENCRYPT_DECRYPT", "ECDH"));
    assert_int_equal(kms_largest_oaep(kms_spec_find("RSA_4096"), "RSAES_OAEP_SHA_1"), 470);
    assert_int_equal(kms_largest_oaep(kms_spec_find("RSA_3072"), "RSAES_OAEP_SHA_256"), 318);
    assert_string_equal(kms_digest_of("HMAC_SHA_224"), "SHA224");
    assert_null(kms_digest_of("ECDH"));
    /* Every algorithm that a spec lists can be done. */
    for (size_t i = 0; i < COUNT(names); i++)
        for (const char *const *name = kms_spec_algorithms(kms_spec_find(names[i]), "SIGN_VERIFY");
             *name; name++)
            assert_non_null(kms_signing_find(*name));
}

static void only_whole_structures_are_keys(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const struct kms_spec *spec = kms_spec_find("ECC_NIST_P256");
    EVP_PKEY *pkey = kms_pkey_generate(spec);
    struct kms_bytes private = kms_pkey_private(&arena, pkey), public;
    public = kms_pkey_public(&arena, pkey);
    assert_true(kms_pkey_fits(pkey, spec) && kms_pkey_sound(pkey));
    assert_false(kms_pkey_fits(pkey, kms_spec_find("ECC_SECG_P256K1")));
    assert_false(kms_pkey_fits(pkey, kms_spec_find("RSA_2048")));
    EVP_PKEY_free(pkey);
    unsigned char *longer = arena_alloc(&arena, private.len + 1);
    memcpy(longer, private.data, private.len);
    assert_true(kms_import_fits(&private, spec));
    assert_false(kms_import_fits(&(struct kms_bytes){longer, private.len + 1}, spec));
    for (size_t len = 0; len < private.len; len++)
        assert_false(kms_import_fits(&(struct kms_bytes){private.data, len}, spec));
    for (size_t len = 0; len < public.len; len++)
        assert_null(kms_pkey_read_public(public.data, len));
    EVP_PKEY *again = kms_pkey_read_public(public.data, public.len);
    assert_non_null(again);
    EVP_PKEY_free(again);
    assert_false(kms_import_fits(&public, spec));
    arena_done(&arena);
}

/* RFC 5649, section 6: both examples, unwrapped with their 192-bit key. */
static void key_unwrap(void **state)
{
    (void)state;
    static unsigned char key[] = {0x58, 0x40, 0xdf, 0x6e, 0x29, 0xb0, 0x2a, 0xf1,
                                  0xab, 0x49, 0x3b, 0x70, 0x5b, 0xf1, 0x6e, 0xa1,
                                  0xae, 0x83, 0x38, 0xf4, 0xdc, 0xc1, 0x76, 0xa8};
    static const unsigned char wrapped[] = {0x13, 0x8b, 0xde, 0xaa, 0x9b, 0x8f, 0xa7, 0xfc,
                                            0x61, 0xf9, 0x77, 0x42, 0xe7, 0x22, 0x48, 0xee,
                                            0x5a, 0xe6, 0xae, 0x53, 0x60, 0xd1, 0xae, 0x6a,
                                            0x5f, 0x54, 0xf3, 0x73, 0xfa, 0x54, 0x3b, 0x6a};
    static const unsigned char plain[] = {0xc3, 0x7b, 0x7e, 0x64, 0x92, 0x58, 0x43,
                                          0x40, 0xbe, 0xd1, 0x22, 0x07, 0x80, 0x89,
                                          0x41, 0x15, 0x50, 0x68, 0xf7, 0x38};
    struct arena arena;
    struct kms_bytes out, with = {key, sizeof key};
    arena_init(&arena);
    assert_int_equal(kms_unwrap(&arena, &with, wrapped, sizeof wrapped, &out), 0);
    assert_int_equal(out.len, sizeof plain);
    assert_memory_equal(out.data, plain, sizeof plain);
    assert_int_equal(kms_unwrap(&arena, &with, wrapped, sizeof wrapped - 8, &out), -1);
    assert_int_equal(kms_unwrap(&arena, &with, wrapped, 8, &out), -1);
    assert_int_equal(kms_unwrap(&arena, &(struct kms_bytes){key, 20}, wrapped, 32, &out), -1);
    arena_done(&arena);
}

/* RFC 4231, test case 2. */
static void message_code(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct kms_bytes key = bytes_of(&arena, "Jefe");
    struct kms_bytes message = bytes_of(&arena, "what do ya want for nothing?");
    static const unsigned char expected[] = {0xa3, 0x0e, 0x01, 0x09, 0x8b, 0xc6, 0xdb,
                                             0xbf, 0x45, 0x69, 0x0f, 0x3a, 0x7e, 0x9e,
                                             0x6d, 0x0f, 0x8b, 0xbe, 0xa2, 0xa3, 0x9e,
                                             0x61, 0x48, 0x00, 0x8f, 0xd0, 0x5e, 0x44};
    struct kms_bytes mac = kms_mac(&arena, "HMAC_SHA_224", &key, &message);
    assert_int_equal(mac.len, sizeof expected);
    assert_memory_equal(mac.data, expected, sizeof expected);
    arena_done(&arena);
}

static void import_tokens(void **state)
{
    (void)state;
    static const unsigned char key[] = "key";
    unsigned char written[32];
    struct kms_import_token token = {"RSA_AES_KEY_WRAP_SHA_1", 1700000000123, key, 3}, read;
    size_t len = kms_import_token_write(&token, written);
    assert_int_equal(kms_import_token_read(written, len, &read), 0);
    assert_string_equal(read.algorithm, token.algorithm);
    assert_true(read.until_ms == token.until_ms && read.key_len == 3);
    assert_memory_equal(read.key, key, 3);
    assert_int_equal(kms_import_token_read(written, len - 3, &read), -1);
    assert_int_equal(kms_import_token_read(written, 0, &read), -1);
    written[0] = 2;
    assert_int_equal(kms_import_token_read(written, len, &read), -1);
    written[0] = 1;
    written[1] = 9;
    assert_int_equal(kms_import_token_read(written, len, &read), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(specs),         cmocka_unit_test(only_whole_structures_are_keys),
        cmocka_unit_test(key_unwrap),    cmocka_unit_test(message_code),
        cmocka_unit_test(import_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
