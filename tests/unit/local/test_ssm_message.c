#include "local/services/ssm_message.h"
#include "support/fake_random.h"
#include "support/test.h"

static const char parameter_arn[] = "arn:aws:ssm:us-east-1:111111111111:parameter/a/b";
static const struct ssm_message_key key = {
    {"arn:aws:kms:us-east-1:111111111111:key/k", 41},
    {"encrypted", 9},
};

struct fixture {
    struct arena arena;
    struct fake_random random;
    unsigned char data_key[SSM_DATA_KEY_BYTES];
};

static int setup(void **state)
{
    struct fixture *fixture = memory_alloc(sizeof *fixture);
    arena_init(&fixture->arena);
    fake_random_init(&fixture->random, 7);
    memset(fixture->data_key, 0x42, sizeof fixture->data_key);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_done(&fixture->arena);
    free(fixture);
    return 0;
}

static struct text seal(struct fixture *fixture, struct text plaintext)
{
    unsigned char *message;
    size_t len;
    ssm_message_seal(&fixture->arena, &fixture->random.random, parameter_arn, &key,
                     fixture->data_key, plaintext, &message, &len);
    return (struct text){(char *)message, len};
}

static int open_it(struct fixture *fixture, struct text message, struct text *plaintext)
{
    char *data;
    int result =
        ssm_message_open(&fixture->arena, message, fixture->data_key, &data, &plaintext->len);
    plaintext->data = data;
    return result;
}

static void opens_what_it_sealed(void **state)
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 8192};
    struct fixture *fixture = *state;
    char plaintext[8192];
    memset(plaintext, 'p', sizeof plaintext);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct text opened, message = seal(fixture, (struct text){plaintext, sizes[i]});
        struct ssm_message_key found;
        assert_int_equal(ssm_message_key(message, &found), 0);
        assert_int_equal(found.key_arn.len, key.key_arn.len);
        assert_memory_equal(found.encrypted_key.data, "encrypted", 9);
        assert_int_equal(open_it(fixture, message, &opened), 0);
        assert_int_equal(opened.len, sizes[i]);
        assert_memory_equal(opened.data, plaintext, sizes[i]);
    }
}

static void every_bit_is_authenticated(void **state)
{
    struct fixture *fixture = *state;
    struct text opened, message = seal(fixture, text_of("value"));
    for (size_t i = 0; i < message.len; i++) {
        char *damaged = arena_memdup(&fixture->arena, message.data, message.len);
        damaged[i] ^= 0x10;
        if (open_it(fixture, (struct text){damaged, message.len}, &opened) == 0)
            fail_msg("byte %zu may change", i);
    }
}

static void cut_and_lengthened_messages_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct text opened, message = seal(fixture, text_of("value"));
    for (size_t len = 0; len < message.len; len++) {
        const char *cut = arena_memdup(&fixture->arena, message.data, len);
        assert_int_equal(open_it(fixture, (struct text){cut, len}, &opened), -1);
    }
    char *longer = arena_alloc(&fixture->arena, message.len + 1);
    memcpy(longer, message.data, message.len);
    assert_int_equal(open_it(fixture, (struct text){longer, message.len + 1}, &opened), -1);
}

static void another_key_does_not_open(void **state)
{
    struct fixture *fixture = *state;
    struct text opened, message = seal(fixture, text_of("value"));
    fixture->data_key[31] ^= 1;
    assert_int_equal(open_it(fixture, message, &opened), -1);
}

static void equal_values_look_different(void **state)
{
    struct fixture *fixture = *state;
    struct text a = seal(fixture, text_of("value")), b = seal(fixture, text_of("value"));
    assert_int_equal(a.len, b.len);
    assert_memory_not_equal(a.data, b.data, a.len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(opens_what_it_sealed, setup, teardown),
        cmocka_unit_test_setup_teardown(every_bit_is_authenticated, setup, teardown),
        cmocka_unit_test_setup_teardown(cut_and_lengthened_messages_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(another_key_does_not_open, setup, teardown),
        cmocka_unit_test_setup_teardown(equal_values_look_different, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
