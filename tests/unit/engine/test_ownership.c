#include "engine/ownership.h"
#include "support/test.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static const char owner[] = "111111111111/ap-south-1";

static struct resource tagged(size_t count, const char *also, const char *value)
{
    struct tag *tags = arena_calloc(&arena, count + 1, sizeof *tags);
    for (size_t i = 0; i < count; i++)
        tags[i] = (struct tag){arena_printf(&arena, "t%02zu", i), "v"};
    if (also)
        tags[count++] = (struct tag){also, value};
    tags_sort(tags, count);
    return (struct resource){.tags = tags, .tag_count = count};
}

static void the_mark_of_the_source_is_not_the_copys(void **state)
{
    (void)state;
    struct resource want = tagged(2, OWNER_TAG, "999999999999/eu-west-1");
    assert_int_equal(ownership_mark(&arena, owner, &want), 0);
    assert_int_equal(want.tag_count, 3);
    assert_string_equal(tag_value(want.tags, want.tag_count, OWNER_TAG), owner);
    assert_true(ownership_holds(&want, owner));
    assert_false(ownership_holds(&want, "111111111111/ap-south-2"));
    assert_false(ownership_holds(&want, NULL));
}

static void without_an_owner_no_tag_of_ours_is_left(void **state)
{
    (void)state;
    struct resource want = tagged(2, OWNER_TAG, owner);
    assert_int_equal(ownership_mark(&arena, NULL, &want), 0);
    assert_int_equal(want.tag_count, 2);
}

static void a_full_source_leaves_no_room(void **state)
{
    (void)state;
    struct resource want = tagged(TAGS_MOST, NULL, NULL);
    assert_int_equal(ownership_mark(&arena, owner, &want), -1);
    assert_int_equal(want.tag_count, TAGS_MOST);
    want = tagged(TAGS_MOST - 1, NULL, NULL);
    assert_int_equal(ownership_mark(&arena, owner, &want), 0);
    assert_int_equal(want.tag_count, TAGS_MOST);
}

static void our_tags_are_not_compared(void **state)
{
    (void)state;
    struct resource want = tagged(3, OWNER_TAG, owner), have = tagged(3, OWNER_TAG, "another");
    struct diff diff;
    resource_compare(&resource_ssm_parameter, &arena, &want, &have, &diff);
    assert_true(diff_empty(&diff));
    have = tagged(3, NULL, NULL);
    resource_compare(&resource_ssm_parameter, &arena, &want, &have, &diff);
    assert_true(diff_empty(&diff));
    ownership_compare(&arena, &want, &have, false, &diff);
    assert_true(diff_empty(&diff));
}

static void to_adopt_is_to_set_the_tag_where_there_is_none(void **state)
{
    (void)state;
    struct resource want = tagged(0, OWNER_TAG, owner), have = tagged(0, NULL, NULL);
    struct diff diff = {0};
    ownership_compare(&arena, &want, &have, true, &diff);
    assert_int_equal(diff.set_tag_count, 1);
    assert_string_equal(diff.set_tags[0].value, owner);
    have = tagged(0, OWNER_TAG, "999999999999/eu-west-1");
    diff = (struct diff){0};
    ownership_compare(&arena, &want, &have, true, &diff);
    assert_true(diff_empty(&diff));
}

static void a_mark_of_absence_goes_when_there_is_a_source(void **state)
{
    (void)state;
    struct resource want = tagged(1, OWNER_TAG, owner);
    struct resource have = tagged(1, ABSENT_TAG, "2026-11-22T03:15:00Z");
    struct diff diff = {0};
    ownership_compare(&arena, &want, &have, false, &diff);
    assert_int_equal(diff.removed_tag_count, 1);
    assert_string_equal(diff.removed_tags[0], ABSENT_TAG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_mark_of_the_source_is_not_the_copys),
        TEST(without_an_owner_no_tag_of_ours_is_left),
        TEST(a_full_source_leaves_no_room),
        TEST(our_tags_are_not_compared),
        TEST(to_adopt_is_to_set_the_tag_where_there_is_none),
        TEST(a_mark_of_absence_goes_when_there_is_a_source),
    };
    return cmocka_run_group_tests_name("engine/ownership", tests, NULL, NULL);
}
