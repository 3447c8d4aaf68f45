#include "net/ca_bundle.h"

#include "base/arena.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/understudy-ca-XXXXXX";

static void touch(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static void expect(const char *program, const char *built_in, const char *wanted)
{
    char *found = ca_bundle_find_for(program, built_in);
    assert_string_equal(found, wanted);
    free(found);
}

static void test_own_file_comes_first(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    assert_non_null(mkdtemp(folder));
    const char *program = arena_printf(&arena, "%s/bootstrap", folder);
    const char *own = arena_printf(&arena, "%s/understudy-ca.pem", folder);
    const char *system = arena_printf(&arena, "%s/system.pem", folder);
    touch(system);
    expect(program, system, system);
    touch(own);
    expect(program, system, own);
    expect(NULL, system, system);
    expect("bootstrap", system, system); /* not by the folder one happens to be in */
    unlink(own);
    unlink(system);
    rmdir(folder);
    arena_done(&arena);
}

static void test_what_is_not_there_is_named(void **state)
{
    (void)state;
    char *found = ca_bundle_find_for(NULL, "/nonexistent/bundle.pem");
    if (access(found, R_OK) != 0) /* nor has this machine another */
        assert_string_equal(found, "/nonexistent/bundle.pem");
    free(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_file_comes_first),
        cmocka_unit_test(test_what_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
