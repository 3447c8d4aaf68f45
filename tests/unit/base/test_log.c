#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/workers.h"
#include "support/test.h"

#include <fcntl.h>
#include <unistd.h>

static struct arena arena;
static int real_stderr;

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
    log_setup(LOG_WARN, false);
    return 0;
}

/* Standard error goes to a file until caught() gives back what was written. */
static int catching;

static void catch_stderr(void)
{
    real_stderr = dup(STDERR_FILENO);
    catching = open(".", O_TMPFILE | O_RDWR | O_APPEND, 0600);
    assert_true(catching >= 0);
    dup2(catching, STDERR_FILENO);
}

static char *caught(void)
{
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    off_t len = lseek(catching, 0, SEEK_END);
    char *text = arena_alloc(&arena, (size_t)len + 1);
    assert_int_equal(pread(catching, text, (size_t)len, 0), len);
    close(catching);
    return text;
}

/* `time=2026-...Z ` is checked and cut off. */
static const char *behind_time(const char *line)
{
    int64_t when;
    assert_true(strncmp(line, "time=", 5) == 0);
    assert_int_equal(clock_parse_iso(line + 5, 24, &when), 0);
    return line + 5 + 24 + 1;
}

static void test_logfmt(void **state)
{
    (void)state;
    log_setup(LOG_INFO, false);
    catch_stderr();
    log_event(LOG_WARN, "slow answer", "region", "us-east-1", "left", NULL, "empty", "", "quoted",
              "a \"b\" \\ c=d\n", "word", "x=y", "euro", "\xe2\x82\xac", NULL);
    char *line = caught();
    assert_string_equal(behind_time(line), "level=warn msg=\"slow answer\" region=us-east-1 "
                                           "empty=\"\" quoted=\"a \\\"b\\\" \\\\ c=d\\n\" "
                                           "word=\"x=y\" euro=\"\xe2\x82\xac\"\n");
}

static void test_json(void **state)
{
    (void)state;
    struct error err = {0};
    log_setup(LOG_DEBUG, true);
    catch_stderr();
    log_event(LOG_ERROR, "no\nway", "region", "us-east-1", "left", NULL, "odd", "\xff\x1b[31m",
              NULL);
    char *line = caught();
    size_t len = strlen(line);
    assert_int_equal(line[len - 1], '\n');
    json_t *object = json_read(line, len - 1, &err);
    assert_non_null(object);
    assert_string_equal(json_text(object, "level"), "error");
    assert_string_equal(json_text(object, "msg"), "no\nway");
    assert_string_equal(json_text(object, "region"), "us-east-1");
    assert_null(json_object_get(object, "left"));
    assert_null(strchr(line, 0x1b)); /* a terminal's escape cannot pass */
    json_decref(object);
}

static void test_levels(void **state)
{
    (void)state;
    log_setup(LOG_WARN, false);
    assert_false(log_enabled(LOG_INFO));
    assert_true(log_enabled(LOG_WARN));
    catch_stderr();
    log_event(LOG_DEBUG, "unseen", NULL);
    log_event(LOG_INFO, "unseen", NULL);
    log_setup(LOG_NONE, false);
    log_event(LOG_ERROR, "unseen", NULL);
    assert_string_equal(caught(), "");
    assert_false(log_enabled(LOG_ERROR));
}

/* However long its parts: a line ends with a line end, and JSON stays JSON. */
static void test_long_lines_are_cut(void **state)
{
    (void)state;
    struct error err = {0};
    char *value = arena_alloc(&arena, 100001);
    memset(value, '\x01', 100000);
    for (int json = 0; json < 2; json++) {
        log_setup(LOG_INFO, json);
        catch_stderr();
        log_event(LOG_INFO, "long", "a", value, "b", value, "c", value, "d", value, "last", "end",
                  NULL);
        char *line = caught();
        size_t len = strlen(line);
        assert_in_range(len, 1000, 64 * 1024);
        assert_int_equal(line[len - 1], '\n');
        if (json) {
            json_t *object = json_read(line, len - 1, &err);
            assert_non_null(object);
            assert_string_equal(json_text(object, "last"), "end");
            json_decref(object);
        }
    }
}

static void say(void *arg, unsigned worker)
{
    (void)worker;
    log_event(LOG_INFO, "one line", "value", arg, NULL);
}

static void test_threads_do_not_mix_lines(void **state)
{
    (void)state;
    struct error err = {0};
    char value[200];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    log_setup(LOG_INFO, false);
    catch_stderr();
    struct workers *workers = workers_new(4, &err);
    for (int i = 0; i < 200; i++)
        workers_run(workers, say, value);
    workers_free(workers);
    char *all = caught();
    const char *wanted = arena_printf(&arena, "level=info msg=\"one line\" value=%s", value);
    unsigned lines = 0;
    for (char *line, *rest = all; (line = strsep(&rest, "\n")) && *line; lines++)
        assert_string_equal(behind_time(line), wanted);
    assert_int_equal(lines, 200);
}

static void test_lines_for_lambda(void **state)
{
    (void)state;
    struct log_pair always[] = {{"function_request_id", "8476a536-e9f4", false},
                                {"cold_start", "true", true},
                                {"xray_trace_id", NULL, false},
                                {NULL, NULL, false}};
    log_setup_lambda(LOG_INFO, always);
    catch_stderr();
    log_event(LOG_DEBUG, "not seen", NULL);
    log_event(LOG_WARN, "seen", "name", "/a\nb", NULL);
    char *line = caught();
    json_t *object = json_read(line, strlen(line), NULL);
    assert_non_null(object);
    int64_t when;
    const char *stamp = json_text(object, "timestamp");
    assert_int_equal(clock_parse_iso(stamp, strlen(stamp), &when), 0);
    assert_string_equal(json_text(object, "level"), "WARN");
    assert_string_equal(json_text(object, "message"), "seen");
    assert_string_equal(json_text(object, "function_request_id"), "8476a536-e9f4");
    assert_true(json_is_true(json_object_get(object, "cold_start")));
    assert_null(json_object_get(object, "xray_trace_id"));
    assert_string_equal(json_text(object, "name"), "/a\nb");
    assert_int_equal(json_object_size(object), 6);
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_logfmt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lines_for_lambda, setup, teardown),
        cmocka_unit_test_setup_teardown(test_levels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_lines_are_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threads_do_not_mix_lines, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
