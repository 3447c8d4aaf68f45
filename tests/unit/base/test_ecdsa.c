#include "base/digest.h"
#include "base/ecdsa.h"
#include "support/test.h"

/* RFC 6979, appendices A.2.5 and A.2.6: the message "sample"; points compressed, signatures DER. */
static const struct {
    enum ecdsa_curve curve;
    const char *point, *signature;
    size_t compressed;
} known[] = {
    {ECDSA_P256_SHA256, "0360FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6",
     "3046022100EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
     "022100F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
     33},
    {ECDSA_P384_SHA384,
     "02EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64"
     "DEF8F0EA9055866064A254515480BC13",
     "306602310094EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C"
     "81A648152E44ACF96E36DD1E80FABE46"
     "02310099EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329"
     "C145786E679E7B82C71A38628AC8",
     49},
};

static size_t unhex(const char *text, unsigned char *out)
{
    size_t len = strlen(text) / 2;
    assert_int_equal(digest_unhex(text, 2 * len, out, len), 0);
    return len;
}

static bool proves(enum ecdsa_curve curve, const unsigned char *point, size_t point_len,
                   const unsigned char *signature, size_t len, const char *text)
{
    struct ecdsa *ecdsa = ecdsa_verifier_new(curve, point, point_len);
    if (!ecdsa)
        return false;
    for (const char *at = text; *at; at++)
        ecdsa_add(ecdsa, at, 1);
    bool fine = ecdsa_proves(ecdsa, signature, len);
    ecdsa_free(ecdsa);
    return fine;
}

static void known_signatures(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(known); i++) {
        unsigned char point[ECDSA_POINT_MOST], signature[ECDSA_SIGNATURE_MOST];
        size_t point_len = unhex(known[i].point, point), len = unhex(known[i].signature, signature);
        assert_true(proves(known[i].curve, point, point_len, signature, len, "sample"));
        assert_false(proves(known[i].curve, point, point_len, signature, len, "sampler"));
        assert_false(proves(known[i].curve, point, point_len, signature, len - 1, "sample"));
        signature[len - 1] ^= 1;
        assert_false(proves(known[i].curve, point, point_len, signature, len, "sample"));
        assert_null(ecdsa_verifier_new(known[1 - i].curve, point, point_len));
        assert_null(ecdsa_verifier_new(known[i].curve, point, point_len - 1));
        assert_null(ecdsa_verifier_new(known[i].curve, "", 0));
    }
}

static void own_signatures(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(known); i++) {
        unsigned char point[ECDSA_POINT_MOST], other[ECDSA_POINT_MOST],
            signature[ECDSA_SIGNATURE_MOST];
        struct ecdsa *signer = ecdsa_signer_new(known[i].curve),
                     *second = ecdsa_signer_new(known[i].curve);
        assert_int_equal(ecdsa_point(signer, point), known[i].compressed);
        assert_int_equal(ecdsa_point(second, other), known[i].compressed);
        assert_memory_not_equal(point, other, known[i].compressed);
        ecdsa_add(signer, "he", 2);
        ecdsa_add(signer, "llo", 3);
        size_t len = ecdsa_sign(signer, signature);
        assert_true(proves(known[i].curve, point, known[i].compressed, signature, len, "hello"));
        assert_false(proves(known[i].curve, other, known[i].compressed, signature, len, "hello"));
        ecdsa_free(signer);
        ecdsa_free(second);
    }
    ecdsa_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_signatures),
        cmocka_unit_test(own_signatures),
    };
    return cmocka_run_group_tests_name("base/ecdsa", tests, NULL, NULL);
}
