#include "local/service.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

static int whole(const char *pattern, const char *text)
{
    return local_regex(pattern, text, strlen(text), false);
}

static void matches_as_java_does(void **state)
{
    static const struct {
        const char *pattern, *text;
        int result;
    } rows[] = {
        {"[a-zA-Z0-9_.-]+", "abc.DEF_1-2", 1},
        {"[a-zA-Z0-9_.-]+", "abc def", 0},
        {"a|ab", "ab", 1}, /* the whole text, so the longer branch */
        {"\\d{1,4}", "12345", 0},
        {"\\d{1,4}", "1234", 1},
        {"\\d+", "\xd9\xa3", 0}, /* an Arabic digit: \d is ASCII in Java */
        {"\\w+", "\xc3\xa9", 0},
        {".", "\xc3\xa9", 1}, /* one character, two bytes */
        {"a.b", "a\nb", 0},
        {"a.b", "a\rb", 0},
        {"a.b",
         "a\xe2\x80\xa8"
         "b",
         0}, /* U+2028 */
        {"^abc$", "abc", 1},
        {"abc$", "abc\n", 0},
        {"[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+", "policy \xc3\xbf\n", 1},
        {"[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+", "\xe2\x82\xac", 0},
        {"([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)", "\xd0\x96 x=1", 1},
        {"(", "x", -1},
        {"", "", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (whole(rows[i].pattern, rows[i].text) != rows[i].result)
            fail_msg("%s against %s", rows[i].pattern, rows[i].text);
}

static void finds_anywhere_when_asked(void **state)
{
    (void)state;
    assert_int_equal(local_regex("b+", "abbc", 4, true), 1);
    assert_int_equal(local_regex("b+", "abbc", 4, false), 0);
    assert_int_equal(local_regex("^b", "abbc", 4, true), 0);
}

static void gives_up_on_what_costs_too_much(void **state)
{
    char text[64];
    (void)state;
    memset(text, 'a', sizeof text);
    assert_int_equal(local_regex("(a+)+[bc]", text, sizeof text, false), -1);
}

static void refuses_bytes_that_are_not_utf8(void **state)
{
    (void)state;
    assert_int_equal(local_regex(".*", "\xff\xfe", 2, false), -1);
}

static void remembers_more_patterns_than_it_keeps(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 300; i++) {
            char pattern[32], text[32];
            snprintf(pattern, sizeof pattern, "x{%d}", i % 100);
            memset(text, 'x', sizeof text);
            size_t len = (size_t)(i % 100 < 32 ? i % 100 : 31);
            assert_int_equal(local_regex(pattern, text, len, false), i % 100 < 32 ? 1 : 0);
            snprintf(pattern, sizeof pattern, "n%d", i);
            assert_int_equal(whole(pattern, pattern), 1);
            assert_int_equal(whole(pattern, "other"), 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_as_java_does),
        cmocka_unit_test(finds_anywhere_when_asked),
        cmocka_unit_test(gives_up_on_what_costs_too_much),
        cmocka_unit_test(refuses_bytes_that_are_not_utf8),
        cmocka_unit_test(remembers_more_patterns_than_it_keeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
