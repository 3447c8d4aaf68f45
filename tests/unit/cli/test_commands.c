#include "cli/commands.h"
#include "support/test.h"

static void commands_are_found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(command_named("sync"), &command_sync);
    assert_null(command_named("synk"));
    assert_null(command_named(""));
    for (size_t i = 0; commands[i]; i++) {
        assert_non_null(commands[i]->summary);
        assert_non_null(commands[i]->run);
    }
}

static void a_slip_is_understood_and_nonsense_is_not(void **state)
{
    (void)state;
    assert_string_equal(command_nearest("synk"), "sync");
    assert_string_equal(command_nearest("paln"), "plan");
    assert_string_equal(command_nearest("verfiy"), "verify");
    assert_null(command_nearest("teleport"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_found_by_name),
        cmocka_unit_test(a_slip_is_understood_and_nonsense_is_not),
    };
    return cmocka_run_group_tests_name("cli/commands", tests, NULL, NULL);
}
