#include "base/digest.h"
#include "base/hkdf.h"
#include "support/test.h"

/* SHA-256: RFC 5869, test cases 1 and 3. The others: the same inputs, by Python's hmac. */
static const struct {
    enum hkdf_hash hash;
    bool salted;
    const char *out;
} cases[] = {
    {HKDF_SHA256, true,
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
    {HKDF_SHA256, false,
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    {HKDF_SHA384, true,
     "9b5097a86038b805309076a44b3a9f38063e25b516dcbf369f394cfab43685f748b6457763e4f0204fc5"},
    {HKDF_SHA384, false,
     "c8c96e710f89b0d7990bca68bcdec8cf854062e54c73a7abc743fade9b242daacc1cea5670415b52849c"},
    {HKDF_SHA512, true,
     "832390086cda71fb47625bb5ceb168e4c8e26a1a16ed34d9fc7fe92c1481579338da362cb8d9f925d7cb"},
    {HKDF_SHA512, false,
     "f5fa02b18298a72a8c23898a8703472c6eb179dc204c03425c970e3b164bf90fff22d04836d0e2343bac"},
};

static void known_answers(void **state)
{
    char key[22], salt[13], info[10];
    (void)state;
    memset(key, 0x0b, sizeof key);
    for (size_t i = 0; i < sizeof salt; i++)
        salt[i] = (char)i;
    for (size_t i = 0; i < sizeof info; i++)
        info[i] = (char)(0xf0 + i);
    for (size_t i = 0; i < COUNT(cases); i++) {
        unsigned char out[42];
        char hex[2 * sizeof out + 1];
        struct text nothing = {"", 0};
        hkdf(cases[i].hash, (struct text){key, sizeof key},
             cases[i].salted ? (struct text){salt, sizeof salt} : nothing,
             cases[i].salted ? (struct text){info, sizeof info} : nothing, out, sizeof out);
        digest_hex(out, sizeof out, hex);
        assert_string_equal(hex, cases[i].out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_answers)};
    return cmocka_run_group_tests_name("base/hkdf", tests, NULL, NULL);
}
