#include "client/command.h"

#include "base/arena.h"
#include "base/clock.h"
#include "support/test.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static struct arena arena;
static struct error err;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    err = (struct error){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void test_split(void **state)
{
    (void)state;
    static const struct {
        const char *text, *joined; /* the words with '|' between; NULL: refused */
    } rows[] = {
        {"a", "a"},
        {" a  b\tc\n d ", "a|b|c|d"},
        {"a 'b c' d", "a|b c|d"},
        {"a \"b c\" d", "a|b c|d"},
        {"a'b c'\"d e\"f", "ab cd ef"},
        {"a b\\ c", "a|b c"},
        {"a \"b\\\"c\\\\d\\e\"", "a|b\"c\\d\\e"},
        {"a 'b\\c\"'", "a|b\\c\""},
        {"a '' \"\"", "a||"},
        {"a $HOME `x` $(y) ; z | w > f", "a|$HOME|`x`|$(y)|;|z|||w|>|f"},
        {"", NULL},
        {"  ", NULL},
        {"''", NULL},
        {"a 'b", NULL},
        {"a \"b", NULL},
        {"a \"b\\", NULL},
        {"a\\", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char **words;
        int result = command_split(&arena, rows[i].text, &words, &err);
        if ((result == 0) != (rows[i].joined != NULL))
            fail_msg("<%s> gives %d", rows[i].text, result);
        if (result != 0)
            continue;
        struct buf joined;
        buf_init(&joined, 1000);
        for (char **word = words; *word; word++)
            buf_printf(&joined, "%s%s", word == words ? "" : "|", *word);
        assert_string_equal(buf_text(&joined), rows[i].joined);
        buf_done(&joined);
    }
}

static int run(const char *text, int64_t timeout_ms, struct buf *out)
{
    char **words;
    buf_init(out, 1000);
    assert_int_equal(command_split(&arena, text, &words, &err), 0);
    return command_run(words, timeout_ms, out, &err);
}

static void test_output(void **state)
{
    (void)state;
    struct buf out;
    assert_int_equal(run("printf '%s,' 'a b' c", 10000, &out), 0);
    assert_string_equal(buf_text(&out), "a b,c,");
    buf_done(&out);
    /* Nothing to read, and no terminal to ask. */
    assert_int_equal(run("cat", 10000, &out), 0);
    assert_int_equal(out.len, 0);
    buf_done(&out);
}

static void test_failures(void **state)
{
    (void)state;
    struct buf out;
    assert_int_equal(run("sh -c 'echo x; exit 7'", 10000, &out), -1);
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.message, "sh ended with status 7");
    buf_done(&out);
    assert_int_equal(run("sh -c 'kill -TERM $$'", 10000, &out), -1);
    assert_string_equal(err.message, "sh was ended by signal 15");
    buf_done(&out);
    assert_int_equal(run("/nonexistent/x", 10000, &out), -1);
    assert_int_equal(err.code, ERR_IO);
    buf_done(&out);
    assert_int_equal(run("head -c 1001 /dev/zero", 10000, &out), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    buf_done(&out);
    assert_int_equal(run("head -c 1000 /dev/zero", 10000, &out), 0);
    assert_int_equal(out.len, 1000);
    buf_done(&out);
}

static int64_t now_ms(void)
{
    return clock_system()->monotonic_ms(clock_system());
}

/* It and what it started end, whether it holds its output open or not. */
static void test_timeout(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "sh -c 'sleep 100 & echo $!; wait'",
        "sh -c 'sleep 100 >/dev/null & echo $!; exec >/dev/null; wait'",
    };
    for (size_t i = 0; i < COUNT(commands); i++) {
        struct buf out;
        int64_t start_ms = now_ms();
        assert_int_equal(run(commands[i], 300, &out), -1);
        assert_int_equal(err.code, ERR_UNAVAILABLE);
        assert_in_range(now_ms() - start_ms, 290, 60000);
        pid_t sleeper = (pid_t)strtol(buf_text(&out), NULL, 10);
        assert_true(sleeper > 1);
        /* Its parent is gone; whoever inherited it takes a moment to collect it. */
        for (start_ms = now_ms(); kill(sleeper, 0) == 0 && now_ms() - start_ms < 60000;) {
            char path[64], text[512] = "";
            snprintf(path, sizeof path, "/proc/%d/stat", (int)sleeper);
            FILE *stat = fopen(path, "r");
            bool dead = stat && fgets(text, sizeof text, stat) && strstr(text, ") Z");
            if (stat)
                fclose(stat);
            if (dead)
                break;
        }
        assert_true(now_ms() - start_ms < 60000);
        buf_done(&out);
    }
}

static void test_signals_are_open(void **state)
{
    (void)state;
    struct buf out;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* as in our worker threads */
    int result = run("sed -n 's/^Sig\\(Blk\\|Ign\\):\\t//p' /proc/self/status", 10000, &out);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(result, 0);
    /* Of the ignored ones only the 31 of POSIX: the C library keeps two more for itself. */
    char *rest;
    assert_int_equal(strtoull(buf_text(&out), &rest, 16), 0);
    assert_int_equal(strtoull(rest, NULL, 16) & 0x7fffffff, 0);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_split, setup, teardown),
        cmocka_unit_test_setup_teardown(test_output, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timeout, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signals_are_open, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
