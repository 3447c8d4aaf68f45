#include "base/arena.h"
#include "base/text.h"
#include "support/test.h"

static void test_views(void **state)
{
    (void)state;
    assert_int_equal(text_of(NULL).len, 0);
    assert_true(text_is(text_of(NULL), ""));
    assert_true(text_is((struct text){"abcd", 3}, "abc"));
    assert_false(text_is(text_of("abc"), "ab"));
    assert_false(text_is(text_of("ab"), "abc"));
    assert_false(text_is(text_of("ABC"), "abc"));
    assert_true(text_is_nocase(text_of("AbC"), "aBc"));
    assert_true(text_is_nocase(text_of(NULL), ""));
    assert_true(text_is(text_trim(text_of(" \t a b\t ")), "a b"));
    assert_true(text_is(text_trim(text_of(" \t ")), ""));
    assert_true(text_is(text_trim(text_of("\na")), "\na")); /* blanks and tabs only */
}

static void test_cut(void **state)
{
    (void)state;
    struct text rest = text_of("a,,b");
    assert_true(text_is(text_cut(&rest, ','), "a"));
    assert_true(text_is(text_cut(&rest, ','), ""));
    assert_non_null(rest.data);
    assert_true(text_is(text_cut(&rest, ','), "b"));
    assert_null(rest.data); /* there was no separator: the end */
    rest = text_of("a,");
    text_cut(&rest, ',');
    assert_non_null(rest.data); /* there was one: an empty part follows */
    assert_true(text_is(text_cut(&rest, ','), ""));
    assert_null(rest.data);
}

static void test_starts_and_ends(void **state)
{
    (void)state;
    assert_true(text_starts("abc", ""));
    assert_true(text_starts("abc", "ab"));
    assert_false(text_starts("ab", "abc"));
    assert_true(text_starts_nocase("ABc", "ab"));
    assert_true(text_ends("abc", "bc"));
    assert_true(text_ends("abc", ""));
    assert_false(text_ends("bc", "abc"));
}

static void test_split(void **state)
{
    (void)state;
    struct arena arena;
    size_t count;
    arena_init(&arena);
    char **items = text_split(&arena, " a, b c ,,\td\t,", ',', &count);
    assert_int_equal(count, 3);
    assert_string_equal(items[0], "a");
    assert_string_equal(items[1], "b c");
    assert_string_equal(items[2], "d");
    assert_null(items[3]);
    assert_null(text_split(&arena, "", ',', &count)[0]);
    assert_int_equal(count, 0);
    assert_null(text_split(&arena, " , ", ',', NULL)[0]);
    arena_done(&arena);
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } right[] = {
        {"0", 0},
        {"-0", 0},
        {"007", 7},
        {"-42", -42},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };
    static const char *const wrong[] = {
        "",
        "-",
        "+1",
        " 1",
        "1 ",
        "1.0",
        "0x1",
        "1e3",
        "--1",
        "9223372036854775808",
        "1-",
        "\xd9\xa1",
        "-9223372036854775809",
        "99999999999999999999999",
    };
    for (size_t i = 0; i < COUNT(right); i++) {
        int64_t value;
        assert_int_equal(text_to_int64(right[i].text, strlen(right[i].text), &value), 0);
        assert_int_equal(value, right[i].value);
    }
    int64_t value = 5;
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_int_equal(text_to_int64(wrong[i], strlen(wrong[i]), &value), -1);
    assert_int_equal(value, 5);
    assert_int_equal(text_to_int64("123", 2, &value), 0);
    assert_int_equal(value, 12);
}

static void test_duration(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } right[] = {{"0", 0},          {"500ms", 500},      {"90s", 90000}, {"15m", 900000},
                 {"24h", 86400000}, {"30d", 2592000000}, {"0d", 0},      {"36500d", 3153600000000}};
    static const char *const wrong[] = {"",    "5",   "h",      "-1h", "1.5h",
                                        "1 h", "1hh", "36501d", "1w",  "99999999999999999999s"};
    for (size_t i = 0; i < COUNT(right); i++) {
        int64_t ms = -1;
        assert_int_equal(text_to_duration_ms(right[i].text, &ms), 0);
        assert_int_equal(ms, right[i].ms);
    }
    for (size_t i = 0; i < COUNT(wrong); i++) {
        int64_t ms = 7;
        assert_int_equal(text_to_duration_ms(wrong[i], &ms), -1);
        assert_int_equal(ms, 7);
    }
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t count;
    } right[] = {
        {"", 0},
        {"abc", 3},
        {"\x7f", 1},
        {"\xc2\x80", 1},
        {"\xdf\xbf", 1},
        {"\xe0\xa0\x80", 1},
        {"\xed\x9f\xbf", 1},
        {"\xee\x80\x80", 1},
        {"\xef\xbf\xbf", 1},
        {"\xf0\x90\x80\x80", 1},
        {"\xf4\x8f\xbf\xbf", 1},
        {"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", 5},
    };
    static const char *const wrong[] = {
        "\x80",
        "\xbf",
        "a\x80",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x41",
        "\xe0\x9f\xbf",
        "\xe0\xa0",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x90\x80",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80",
        "\xfe",
        "\xff",
        "\xc3\xa9\xc3",
    };
    for (size_t i = 0; i < COUNT(right); i++) {
        size_t len = strlen(right[i].text);
        assert_true(text_utf8_valid(right[i].text, len));
        assert_int_equal(text_utf8_count(right[i].text, len), right[i].count);
    }
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_false(text_utf8_valid(wrong[i], strlen(wrong[i])));
    assert_true(text_utf8_valid("a\0b", 3));
    assert_false(text_utf8_valid("\xe2\x82\xac", 2)); /* the bytes behind the end do not count */
}

static void test_glob(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *name;
        bool match;
    } cases[] = {
        {"/prod/app/**", "/prod/app/DB_HOST", true},
        {"/prod/app/**", "/prod/app/eu/DB_HOST", true},
        {"/prod/app/**", "/prod/app", false}, /* below it, not itself */
        {"/prod/app/**", "/prod/apps/x", false},
        {"/prod/app/*", "/prod/app/DB_HOST", true},
        {"/prod/app/*", "/prod/app/eu/DB_HOST", false},
        {"/prod/*/DB_*", "/prod/app/DB_HOST", true},
        {"/prod/**/DB_*", "/prod/a/b/c/DB_HOST", true},
        {"/prod/**/DB_*", "/prod/DB_HOST", false},
        {"/prod/DB_HOS?", "/prod/DB_HOST", true},
        {"/prod?x", "/prod/x", false},
        {"root_level_name", "root_level_name", true},
        {"root", "root_level_name", false},
        {"*", "root", true},
        {"*", "/a", false},
        {"**", "/a/b", true},
        {"**", "", true},
        {"*", "", true},
        {"", "", true},
        {"", "a", false},
        {"**/tmp/**", "/a/tmp/b", true},
        {"**/tmp/**", "/a/tmp", false},
        {"/a/[bc]", "/a/b", false}, /* no brackets ... */
        {"/a/[bc]", "/a/[bc]", true},
        {"/a/\\*", "/a/*", false}, /* ... and no escapes */
        {"/PROD/*", "/prod/a", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if (text_glob(cases[i].pattern, cases[i].name) != cases[i].match)
            fail_msg("%s against %s", cases[i].pattern, cases[i].name);
}

/* The rules as they are written down, slow and plain: what the fast ones must agree with. */
static bool plain_glob(const char *pattern, const char *name)
{
    if (!*pattern)
        return !*name;
    if (*pattern == '*') {
        bool deep = pattern[1] == '*';
        const char *after = pattern;
        while (*after == '*' && (deep || after == pattern))
            after++;
        for (const char *at = name;; at++) {
            if (plain_glob(after, at))
                return true;
            if (!*at || (!deep && *at == '/'))
                return false;
        }
    }
    return *name && (*pattern == *name || (*pattern == '?' && *name != '/')) &&
           plain_glob(pattern + 1, name + 1);
}

static bool plain_wildcard(const char *pattern, const char *text)
{
    if (!*pattern)
        return !*text;
    if (*pattern == '*')
        return plain_wildcard(pattern + 1, text) || (*text && plain_wildcard(pattern, text + 1));
    return *text && (*pattern == '?' || *pattern == *text) && plain_wildcard(pattern + 1, text + 1);
}

/* The `number`th text over `letters`, shortest first; returns its length. */
static size_t nth_text(const char *letters, unsigned number, char out[16])
{
    size_t base = strlen(letters), len = 0;
    while (number) {
        number--;
        out[len++] = letters[number % base];
        number /= (unsigned)base;
    }
    out[len] = '\0';
    return len;
}

static void test_patterns_agree_with_the_plain_rules(void **state)
{
    (void)state;
    enum { PATTERNS = 1 + 4 + 16 + 64 + 256 + 1024 + 4096, NAMES = 1 + 2 + 4 + 8 + 16 + 32 + 64 };
    for (unsigned p = 0; p < PATTERNS; p++) {
        char pattern[16], name[16];
        size_t pattern_len = nth_text("a/*?", p, pattern);
        for (unsigned n = 0; n < NAMES; n++) {
            size_t len = nth_text("a/", n, name);
            if (text_glob(pattern, name) != plain_glob(pattern, name))
                fail_msg("glob %s against %s", pattern, name);
            if (text_wildcard(pattern, pattern_len, name, len) != plain_wildcard(pattern, name))
                fail_msg("wildcard %s against %s", pattern, name);
        }
    }
}

static void test_patterns_do_not_explode(void **state)
{
    (void)state;
    char name[4001], pattern[201];
    memset(name, 'a', 4000);
    name[4000] = '\0';
    for (size_t i = 0; i < 200; i += 2) {
        pattern[i] = '*';
        pattern[i + 1] = 'a';
    }
    pattern[200] = '\0';
    assert_true(text_glob(pattern, name));
    pattern[199] = 'b'; /* hopeless, and exponential for a recursive matcher */
    assert_false(text_glob(pattern, name));
    assert_false(text_wildcard(pattern, 200, name, 4000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_starts_and_ends),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_duration),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_glob),
        cmocka_unit_test(test_patterns_agree_with_the_plain_rules),
        cmocka_unit_test(test_patterns_do_not_explode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
