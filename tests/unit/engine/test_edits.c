#include "engine/edits.h"
#include "support/test.h"

static struct arena arena;
static struct side sides[2] = {{.caller = ""},
                               {.caller = "arn:aws:sts::111111111111:assumed-role/dr/run-1"}};
static struct engine engine = {.kind = &resource_ssm_parameter, .sides = sides, .side_count = 2};

static const char *edit(const char *by, int64_t version, struct state_known known)
{
    const struct pair pair = {
        .have = {.version = version, .modified_ms = 1700000000000, .modified_by = by},
        .exists = true,
        .known = known,
    };
    const char *text = edit_of(&engine, &arena, 0, &pair);
    return text ? text : "";
}

static void roles_are_one_whatever_the_session_is_called(void **state)
{
    (void)state;
    assert_true(edit_same_principal("arn:aws:sts::111111111111:assumed-role/dr/a",
                                    "arn:aws:sts::111111111111:assumed-role/dr/b"));
    assert_false(edit_same_principal("arn:aws:sts::111111111111:assumed-role/dr/a",
                                     "arn:aws:sts::111111111111:assumed-role/dr2/a"));
    assert_false(edit_same_principal("arn:aws:sts::111111111111:assumed-role/dr/a",
                                     "arn:aws:sts::222222222222:assumed-role/dr/a"));
    assert_true(edit_same_principal("arn:aws:iam::111111111111:user/a",
                                    "arn:aws:iam::111111111111:user/a"));
    assert_false(edit_same_principal("arn:aws:iam::111111111111:user/a",
                                     "arn:aws:iam::111111111111:user/b"));
    assert_false(
        edit_same_principal("arn:aws:sts::1:assumed-role/a", "arn:aws:sts::1:assumed-role/b"));
    assert_true(edit_same_principal("", ""));
}

static void a_record_goes_before_the_principal(void **state)
{
    (void)state;
    const struct state_known at_3 = {.recorded = true, .pair = {.copy_version = 3}};
    const struct state_known broken_off = {.recorded = true,
                                           .unfinished = true,
                                           .pair = {.copy_version = 3}};
    static const char other[] = "arn:aws:iam::111111111111:user/somebody";
    assert_string_equal(edit(other, 3, at_3), "");
    assert_string_equal(edit(other, 4, at_3),
                        "edited at the destination on 2023-11-14T22:13:20Z by "
                        "arn:aws:iam::111111111111:user/somebody");
    assert_string_equal(edit(NULL, 4, at_3),
                        "edited at the destination on 2023-11-14T22:13:20Z by somebody");
    assert_string_equal(edit(other, 4, broken_off), "");
}

static void without_a_record_the_principal_tells(void **state)
{
    (void)state;
    const struct state_known nothing = {0};
    assert_non_null(strstr(edit("arn:aws:iam::111111111111:user/x", 4, nothing), "last written"));
    assert_string_equal(edit("arn:aws:sts::111111111111:assumed-role/dr/old", 4, nothing), "");
    assert_string_equal(edit(NULL, 4, nothing), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_are_one_whatever_the_session_is_called),
        cmocka_unit_test(a_record_goes_before_the_principal),
        cmocka_unit_test(without_a_record_the_principal_tells),
    };
    arena_init(&arena);
    int failed = cmocka_run_group_tests_name("engine/edits", tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
