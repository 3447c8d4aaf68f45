#include "base/arena.h"
#include "folder.h"
#include "local/local.h"
#include "support/test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    struct folder folder;
    struct keyring *keyring;
    struct arena arena;
};

static int setup(void **state)
{
    struct fixture *fixture = memory_alloc(sizeof *fixture);
    folder_make(&fixture->folder);
    arena_init(&fixture->arena);
    *state = fixture;
    return keyring_open(fixture->folder.path, random_system(), &fixture->keyring, NULL);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    keyring_close(fixture->keyring);
    arena_done(&fixture->arena);
    folder_remove(&fixture->folder);
    free(fixture);
    return 0;
}

static const char *master_path(struct fixture *fixture)
{
    return arena_printf(&fixture->arena, "%s/master.key", fixture->folder.path);
}

static void opens_what_it_sealed(void **state)
{
    struct fixture *fixture = *state;
    static const char *const texts[] = {"", "a", "a secret of some length, longer than one block"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        unsigned char *sealed, *plain;
        size_t sealed_len, plain_len, len = strlen(texts[i]);
        keyring_seal(fixture->keyring, &fixture->arena, "test", texts[i], len, &sealed,
                     &sealed_len);
        assert_int_equal(keyring_unseal(fixture->keyring, &fixture->arena, "test", sealed,
                                        sealed_len, &plain, &plain_len),
                         0);
        assert_int_equal(plain_len, len);
        assert_memory_equal(plain, texts[i], len);
        if (len > 4)
            assert_null(memmem(sealed, sealed_len, texts[i], len));
    }
}

static void refuses_what_was_touched(void **state)
{
    struct fixture *fixture = *state;
    unsigned char *sealed, *plain;
    size_t sealed_len, plain_len;
    keyring_seal(fixture->keyring, &fixture->arena, "test", "secret", 6, &sealed, &sealed_len);
    for (size_t i = 0; i < sealed_len; i++) {
        sealed[i] ^= 1;
        assert_int_equal(keyring_unseal(fixture->keyring, &fixture->arena, "test", sealed,
                                        sealed_len, &plain, &plain_len),
                         -1);
        sealed[i] ^= 1;
    }
    for (size_t len = 0; len < sealed_len; len++)
        assert_int_equal(keyring_unseal(fixture->keyring, &fixture->arena, "test", sealed, len,
                                        &plain, &plain_len),
                         -1);
    assert_int_equal(keyring_unseal(fixture->keyring, &fixture->arena, "other purpose", sealed,
                                    sealed_len, &plain, &plain_len),
                     -1);
}

static void seals_the_same_differently(void **state)
{
    struct fixture *fixture = *state;
    unsigned char *one, *two;
    size_t one_len, two_len;
    keyring_seal(fixture->keyring, &fixture->arena, "test", "secret", 6, &one, &one_len);
    keyring_seal(fixture->keyring, &fixture->arena, "test", "secret", 6, &two, &two_len);
    assert_int_equal(one_len, two_len);
    assert_memory_not_equal(one, two, one_len);
}

static void keeps_its_key_over_restarts(void **state)
{
    struct fixture *fixture = *state;
    unsigned char *sealed, *plain, before[32], after[32], other[32];
    size_t sealed_len, plain_len;
    keyring_seal(fixture->keyring, &fixture->arena, "test", "secret", 6, &sealed, &sealed_len);
    keyring_derive(fixture->keyring, "tokens", before);
    keyring_derive(fixture->keyring, "others", other);
    assert_memory_not_equal(before, other, sizeof before);
    keyring_close(fixture->keyring);
    assert_int_equal(keyring_open(fixture->folder.path, random_system(), &fixture->keyring, NULL),
                     0);
    keyring_derive(fixture->keyring, "tokens", after);
    assert_memory_equal(before, after, sizeof before);
    assert_int_equal(keyring_unseal(fixture->keyring, &fixture->arena, "test", sealed, sealed_len,
                                    &plain, &plain_len),
                     0);
}

static void its_file_is_private(void **state)
{
    struct fixture *fixture = *state;
    struct stat info;
    struct keyring *second;
    struct error err;
    const char *path = master_path(fixture);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(keyring_open(fixture->folder.path, random_system(), &second, &err), -1);
    assert_int_equal(err.code, ERR_DENIED);
}

static void refuses_a_damaged_file(void **state)
{
    struct fixture *fixture = *state;
    struct keyring *second;
    struct error err;
    assert_int_equal(truncate(master_path(fixture), 31), 0);
    assert_int_equal(keyring_open(fixture->folder.path, random_system(), &second, &err), -1);
    assert_int_equal(err.code, ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(opens_what_it_sealed, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_was_touched, setup, teardown),
        cmocka_unit_test_setup_teardown(seals_the_same_differently, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_its_key_over_restarts, setup, teardown),
        cmocka_unit_test_setup_teardown(its_file_is_private, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_a_damaged_file, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
