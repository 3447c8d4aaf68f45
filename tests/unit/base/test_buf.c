#include "base/buf.h"
#include "support/freed.h"
#include "support/test.h"

static void test_grows_and_stays_text(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100000);
    assert_string_equal(buf_text(&buf), "");
    for (int i = 0; i < 5000; i++) {
        buf_append_text(&buf, "ab");
        buf_append_char(&buf, 'c');
        assert_int_equal(strlen(buf.data), buf.len);
    }
    assert_int_equal(buf.len, 15000);
    assert_memory_equal(buf.data + 14997, "abc", 4);
    buf_printf(&buf, "[%d %s]", 42, "x");
    assert_string_equal(buf.data + 15000, "[42 x]");
    assert_false(buf.overflow);
    buf_done(&buf);
    assert_null(buf.data);
}

static void test_the_limit_is_exact(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 10);
    buf_append(&buf, "0123456789", 10);
    assert_false(buf.overflow);
    buf_append(&buf, "", 0);
    assert_false(buf.overflow);
    buf_append_char(&buf, 'x');
    assert_true(buf.overflow);
    assert_int_equal(buf.len, 10);
    assert_string_equal(buf_text(&buf), "0123456789");
    buf_done(&buf);
}

static void test_after_an_overflow_nothing_is_added(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 10);
    buf_append_text(&buf, "12345");
    buf_printf(&buf, "%s", "too long by far");
    assert_true(buf.overflow);
    buf_append_char(&buf, '6'); /* it would fit, but a piece before it is missing */
    assert_string_equal(buf_text(&buf), "12345");
    buf_reset(&buf);
    assert_false(buf.overflow);
    buf_append_char(&buf, '6');
    assert_string_equal(buf_text(&buf), "6");
    buf_done(&buf);
}

static void test_reserve(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    assert_null(buf_reserve(&buf, SIZE_MAX));
    buf_reset(&buf);
    assert_null(buf_reserve(&buf, 1001));
    buf_reset(&buf);
    char *room = buf_reserve(&buf, 1000);
    assert_non_null(room);
    memset(room, 'r', 1000);
    buf.len += 1000;
    assert_null(buf_reserve(&buf, 1));
    buf_done(&buf);
}

static void test_old_places_are_wiped(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    for (int i = 0; i < 1000; i++)
        buf_append_text(&buf, FREED_MARK);
    buf_reset(&buf);
    assert_null(memmem(buf.data, buf.capacity, FREED_MARK, strlen(FREED_MARK)));
    buf_append_text(&buf, FREED_MARK);
    buf_done(&buf);
    assert_int_equal(freed_with_mark(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_and_stays_text),
        cmocka_unit_test(test_the_limit_is_exact),
        cmocka_unit_test(test_after_an_overflow_nothing_is_added),
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_old_places_are_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
