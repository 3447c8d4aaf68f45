#include "engine/safety.h"
#include "support/test.h"

static void what_is_not_said_is_the_careful_choice(void **state)
{
    (void)state;
    const struct config config = {0};
    struct safety safety;
    struct error err = {0};
    assert_int_equal(safety_read(&config, &safety, &err), 0);
    assert_true(safety.owning);
    assert_false(safety.adopt);
    assert_int_equal(safety.deletes, DELETES_NEVER);
    assert_true(safety.max_is_percent);
    assert_int_equal(safety.max_delete, 10);
    assert_int_equal(safety.grace_ms, 24 * 3600 * 1000);
}

static void the_words_are_read(void **state)
{
    (void)state;
    const struct config config = {.ownership = "tag",
                                  .adopt = "true",
                                  .deletes = "all",
                                  .max_delete = "25",
                                  .delete_grace = "90m"};
    struct safety safety;
    struct error err = {0};
    assert_int_equal(safety_read(&config, &safety, &err), 0);
    assert_true(safety.adopt);
    assert_int_equal(safety.deletes, DELETES_ALL);
    assert_false(safety.max_is_percent);
    assert_int_equal(safety.max_delete, 25);
    assert_int_equal(safety.grace_ms, 90 * 60 * 1000);
}

static void a_share_is_rounded_up_and_a_number_is_a_number(void **state)
{
    (void)state;
    const struct safety share = {.max_is_percent = true, .max_delete = 10};
    const struct safety number = {.max_delete = 3};
    assert_int_equal(safety_most_deletes(&share, 0), 0);
    assert_int_equal(safety_most_deletes(&share, 1), 1);
    assert_int_equal(safety_most_deletes(&share, 10), 1);
    assert_int_equal(safety_most_deletes(&share, 11), 2);
    assert_int_equal(safety_most_deletes(&number, 1000), 3);
}

static void what_cannot_be_meant_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct config config;
        const char *said;
    } wrong[] = {
        {{.ownership = "maybe"}, "tag or none"},
        {{.adopt = "yes"}, "false or true"},
        {{.deletes = "ownd"}, "never, owned or all"},
        {{.max_delete = "ten"}, "'ten'"},
        {{.max_delete = ""}, "max_delete"},
        {{.max_delete = "%"}, "max_delete"},
        {{.max_delete = "101%"}, "max_delete"},
        {{.max_delete = "-1"}, "max_delete"},
        {{.delete_grace = "soon"}, "'soon'"},
        {{.ownership = "none", .deletes = "owned"}, "ownership: none"},
        {{.ownership = "none", .adopt = "true"}, "ownership: none"},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct safety safety;
        struct error err = {0};
        assert_int_equal(safety_read(&wrong[i].config, &safety, &err), -1);
        assert_int_equal(err.code, ERR_INVALID);
        if (!strstr(err.message, wrong[i].said))
            fail_msg("%s", err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_said_is_the_careful_choice),
        cmocka_unit_test(the_words_are_read),
        cmocka_unit_test(a_share_is_rounded_up_and_a_number_is_a_number),
        cmocka_unit_test(what_cannot_be_meant_is_refused),
    };
    return cmocka_run_group_tests_name("engine/safety", tests, NULL, NULL);
}
