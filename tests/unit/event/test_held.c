/* held: which messages are hidden again, and when. */
#include "event/held.h"
#include "support/test.h"

enum { EVERY_MS = 10000 };

static struct arena arena;
static const char *due[10];

static void test_each_is_hidden_again_in_its_time(void **state)
{
    (void)state;
    struct held_list *list = held_list_new(EVERY_MS);
    held_add(list, "a", 0);
    held_add(list, "b", 4000);
    assert_int_equal(held_due(list, 9999, &arena, due, 10), 0);
    assert_int_equal(held_due(list, 10000, &arena, due, 10), 1);
    assert_string_equal(due[0], "a");
    assert_int_equal(held_due(list, 13999, &arena, due, 10), 0);
    assert_int_equal(held_due(list, 14000, &arena, due, 10), 1);
    assert_string_equal(due[0], "b");
    /* And again for as long as they are in hand. */
    assert_int_equal(held_due(list, 19999, &arena, due, 10), 0);
    assert_int_equal(held_due(list, 30000, &arena, due, 10), 2);
    assert_string_equal(due[0], "a");
    assert_string_equal(due[1], "b");
    held_list_free(list);
}

static void test_what_is_settled_is_left_alone(void **state)
{
    (void)state;
    struct held_list *list = held_list_new(EVERY_MS);
    struct held *first = held_add(list, "a", 0), *second = held_add(list, "b", 0);
    held_add(list, "c", 0);
    held_drop(list, second);
    assert_int_equal(held_due(list, 10000, &arena, due, 10), 2);
    assert_string_equal(due[0], "a");
    assert_string_equal(due[1], "c");
    held_drop(list, first);
    held_drop(list, NULL);
    assert_int_equal(held_due(list, 20000, &arena, due, 10), 1);
    assert_string_equal(due[0], "c");
    held_list_free(list);
}

/* A call takes ten; the others are due all the same, and nobody twice. */
static void test_many_in_portions(void **state)
{
    (void)state;
    struct held_list *list = held_list_new(EVERY_MS);
    size_t sum = 0, count;
    for (int i = 0; i < 25; i++)
        held_add(list, "m", i);
    while ((count = held_due(list, EVERY_MS + 24, &arena, due, 10)) > 0) {
        assert_true(count <= 10);
        sum += count;
    }
    assert_int_equal(sum, 25);
    held_list_free(list);
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_is_hidden_again_in_its_time),
        TEST(test_what_is_settled_is_left_alone),
        TEST(test_many_in_portions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
