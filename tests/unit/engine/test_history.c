/* Versions are letters: what is the same letter has the same content. */
#include "engine/history.h"
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

/* One a minute from `first_ms`. */
static struct version_view *versions(const char *letters, int64_t first_ms)
{
    size_t count = strlen(letters);
    struct version_view *views = arena_calloc(&arena, count + 1, sizeof *views);
    for (size_t i = 0; i < count; i++) {
        views[i].digest[0] = (unsigned char)letters[i];
        views[i].version = (int64_t)i + 1;
        views[i].modified_ms = first_ms + (int64_t)i * 60000;
    }
    return views;
}

static void what_is_written_follows_from_what_is_there(void **state)
{
    (void)state;
    static const struct {
        const char *source, *copy;
        size_t keep;
        bool unfinished, newer; /* the source was written after the copy */
        const char *written;
        bool loss;
    } rows[] = {
        {"abc", "", 1, false, false, "c", false},
        {"abc", "", 2, false, false, "bc", false},
        {"abc", "", 9, false, false, "abc", false},
        {"abc", "abc", 9, false, false, "", false},
        {"abc", "xabc", 3, false, false, "", false},
        {"abc", "bc", 2, false, false, "", false},
        {"abc", "c", 1, false, false, "", false},
        /* A replay that was broken off, and a source that moved on. */
        {"abcd", "ab", 4, false, false, "cd", false},
        {"abcd", "xab", 4, false, false, "cd", false},
        {"abcde", "ab", 4, false, false, "cde", false},
        /* At the present without the rest: nothing is rolled back. */
        {"abc", "c", 3, false, false, "", true},
        {"aba", "a", 3, false, false, "", true},
        {"aba", "a", 3, true, false, "ba", false},
        /* Nothing in common. */
        {"abc", "x", 3, false, false, "c", true},
        {"abc", "x", 1, false, false, "c", false},
        {"abc", "x", 3, false, true, "abc", false},
        {"a", "b", 5, false, false, "a", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct history_plan plan;
        size_t count = strlen(rows[i].source);
        history_decide(&arena, versions(rows[i].source, rows[i].newer ? 90000000 : 1000), count,
                       versions(rows[i].copy, 2000), strlen(rows[i].copy), rows[i].keep,
                       rows[i].unfinished, false, &plan);
        if (strcmp(rows[i].source + plan.first, rows[i].written) != 0 ||
            plan.count != strlen(rows[i].written) || !plan.loss == rows[i].loss)
            fail_msg("%s to %s keeping %zu: writes '%s' (%s)", rows[i].source, rows[i].copy,
                     rows[i].keep, rows[i].source + plan.first, plan.loss ? plan.loss : "no loss");
    }
}

static void versions_are_lined_up_by_content_and_order(void **state)
{
    (void)state;
    static const struct {
        const char *source, *copy, *at; /* digits; '-': nowhere */
    } rows[] = {
        {"abc", "abc", "012"},  {"abc", "c", "--0"}, {"abc", "ac", "0-1"},
        {"abc", "xbyc", "-13"}, {"aba", "a", "--0"}, {"aba", "aba", "012"},
        {"ab", "ba", "-0"},     {"a", "", "-"},      {"aa", "a", "-0"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t count = strlen(rows[i].source);
        const size_t *at = history_line_up(&arena, versions(rows[i].source, 0), count,
                                           versions(rows[i].copy, 0), strlen(rows[i].copy));
        for (size_t j = 0; j < count; j++) {
            char is = at[j] == SIZE_MAX ? '-' : (char)('0' + at[j]);
            if (is != rows[i].at[j])
                fail_msg("%s and %s: %zu is at %c, not %c", rows[i].source, rows[i].copy, j, is,
                         rows[i].at[j]);
        }
    }
}

static void labels_are_compared_where_versions_are_lined_up(void **state)
{
    (void)state;
    static const char *const prod[] = {"prod"}, *const old[] = {"old"};
    struct version_view *source = versions("ab", 0), *copy = versions("ab", 0);
    struct history_plan plan;
    source[1].labels = copy[1].labels = prod;
    source[1].label_count = copy[1].label_count = 1;
    history_decide(&arena, source, 2, copy, 2, 1, false, true, &plan);
    assert_false(plan.labels_differ);
    /* On another version. */
    copy[0] = copy[1];
    copy[0].digest[0] = 'a';
    copy[0].version = 1;
    copy[1].label_count = 0;
    history_decide(&arena, source, 2, copy, 2, 1, false, true, &plan);
    assert_true(plan.labels_differ);
    /* On one that is written first. */
    history_decide(&arena, source, 2, NULL, 0, 1, false, true, &plan);
    assert_true(plan.labels_differ);
    /* At the copy alone. */
    copy = versions("ab", 0);
    copy[0].labels = old;
    copy[0].label_count = 1;
    source[1].label_count = 0;
    history_decide(&arena, source, 2, copy, 2, 1, false, true, &plan);
    assert_true(plan.labels_differ);
    history_decide(&arena, source, 2, copy, 2, 1, false, false, &plan);
    assert_false(plan.labels_differ);
    /* On a version that is not carried. */
    source[0].labels = old;
    source[0].label_count = 1;
    history_decide(&arena, source, 2, NULL, 0, 1, false, true, &plan);
    assert_false(plan.labels_differ);
    assert_non_null(strstr(plan.loss, "label old is on version 1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_follows_from_what_is_there),
        TEST(versions_are_lined_up_by_content_and_order),
        TEST(labels_are_compared_where_versions_are_lined_up),
    };
    return cmocka_run_group_tests_name("engine/history", tests, NULL, NULL);
}
