#include "client/profile.h"

#include "base/arena.h"
#include "support/test.h"

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

static struct profile_file parse(const char *text, enum profile_file_kind kind)
{
    struct profile_file file;
    if (profile_file_parse(&arena, "file", text, strlen(text), kind, &file, &err) != 0)
        fail_msg("%s", err.message);
    return file;
}

static const char *value(const char *text, const char *profile, const char *key)
{
    struct profile_file file = parse(text, PROFILE_CONFIG);
    return profile_value(profile_find(&file, PROFILE_SECTION, profile), key);
}

static void refused(const char *text, const char *words)
{
    struct profile_file file;
    err = (struct error){0};
    assert_int_equal(profile_file_parse(&arena, "file", text, strlen(text), PROFILE_CONFIG, &file,
                                        &err),
                     -1);
    assert_int_equal(err.code, ERR_INVALID);
    if (!strstr(err.message, words))
        fail_msg("\"%s\" is not in: %s", words, err.message);
}

static void test_values(void **state)
{
    (void)state;
    assert_string_equal(value("[default]\nregion=a\n", "default", "region"), "a");
    assert_string_equal(value("[default]\n\n# x\n; y\nregion \t = \ta b \r\n", "default", "region"),
                        "a b");
    assert_string_equal(value("[default]\nREGION = a", "default", "region"), "a");
    assert_string_equal(value("[default]\nregion : a", "default", "region"), "a");
    assert_string_equal(value("[default]\na = b=c:d\n", "default", "a"), "b=c:d");
    assert_string_equal(value("[default]\nregion =\n", "default", "region"), "");
    assert_string_equal(value("\xef\xbb\xbf[default]\nregion=a\n", "default", "region"), "a");
    assert_null(value("[default]\nregion=a\n", "default", "output"));
    assert_null(value("[default]\nregion=a\n", "other", "region"));
    /* botocore: a comment takes a whole line. */
    assert_string_equal(value("[default]\nregion = a # b\n", "default", "region"), "a # b");
    assert_string_equal(value("[default]\nx=1;2\n", "default", "x"), "1;2");
}

static void test_sections(void **state)
{
    (void)state;
    const char *text = "[default] # the usual one\na=1\n"
                       "[profile x]\na=2\n"
                       "[profile \"two words\"]\na=3\n"
                       "[profile\ty]\na=4\n"
                       "[services x]\na=5\n"
                       "[sso-session x]\na=6\n"
                       "[plugins]\na=7\n"
                       "[z]\na=8\n";
    assert_string_equal(value(text, "default", "a"), "1");
    assert_string_equal(value(text, "x", "a"), "2");
    assert_string_equal(value(text, "two words", "a"), "3");
    assert_string_equal(value(text, "y", "a"), "4");
    assert_null(value(text, "z", "a")); /* a config file wants "profile" before the name */
    assert_null(value(text, "X", "a")); /* names keep their case */
    struct profile_file file = parse(text, PROFILE_CONFIG);
    assert_string_equal(profile_value(profile_find(&file, PROFILE_SERVICES, "x"), "a"), "5");
    assert_string_equal(profile_value(profile_find(&file, PROFILE_SSO_SESSION, "x"), "a"), "6");

    file = parse("[default]\na=1\n[profile x]\na=2\n[ z ]\na=3\n", PROFILE_CREDENTIALS);
    assert_string_equal(profile_value(profile_find(&file, PROFILE_SECTION, "z"), "a"), "3");
    assert_string_equal(profile_value(profile_find(&file, PROFILE_SECTION, "profile x"), "a"), "2");
    assert_null(profile_find(&file, PROFILE_SECTION, "x"));
}

static void test_prefixed_default_wins(void **state)
{
    (void)state;
    assert_string_equal(value("[profile default]\na=1\n[default]\na=2\n", "default", "a"), "1");
    assert_string_equal(value("[default]\na=2\n[profile default]\na=1\n", "default", "a"), "1");
}

static void test_nested(void **state)
{
    (void)state;
    struct profile_file file = parse("[services local]\n"
                                     "ssm =\n"
                                     "  endpoint_url = http://localhost:1\n"
                                     "  # a comment\n"
                                     "\n"
                                     "    Other=x=y\n"
                                     "kms =\n"
                                     "\tendpoint_url = http://localhost:2\n"
                                     "plain = 1\n",
                                     PROFILE_CONFIG);
    const struct profile_section *section = profile_find(&file, PROFILE_SERVICES, "local");
    assert_string_equal(profile_nested(section, "ssm", "endpoint_url"), "http://localhost:1");
    assert_string_equal(profile_nested(section, "ssm", "other"), "x=y");
    assert_string_equal(profile_nested(section, "kms", "endpoint_url"), "http://localhost:2");
    assert_string_equal(profile_value(section, "plain"), "1");
    assert_null(profile_nested(section, "sqs", "endpoint_url"));
    assert_null(profile_nested(section, "plain", "endpoint_url"));
    assert_null(profile_value(section, "ssm"));
}

static void test_value_of_several_lines(void **state)
{
    (void)state;
    assert_string_equal(value("[default]\ncredential_process = a\n  --b\n  --c\nx=1\n", "default",
                              "credential_process"),
                        "a\n--b\n--c");
    assert_string_equal(value("[default]\na=1\n\n  b\n\n", "default", "a"), "1\n\nb");
    assert_string_equal(value(" [default]\n a=1\n b=2\n", "default", "b"), "2");
}

static void test_refused(void **state)
{
    (void)state;
    refused("a=1\n", "line 1: a setting stands before");
    refused("[default]\nfoo\n", "line 2: neither");
    refused("[default]\n = 3\n", "line 2: neither");
    refused("[default]\na=1\n[]\n", "line 3: this is no [section]");
    refused("[default\n", "line 1: this is no [section]");
    refused("[default] x\n", "line 1: this is no [section]");
    refused("[default]\na=1\nA=2\n", "line 3: this key was given before");
    refused("[default]\na=1\n[default]\nb=2\n", "line 3: this section was given before");
    refused("[default]\ns3 =\n  a = 1\n  a = 2\n", "line 2: this key was given before");
    refused("[default]\ns3 =\n  kv\n", "line 2: '=' expected");
    refused("[default]\na=\xff\n", "not UTF-8");
}

static void test_errors_show_no_value(void **state)
{
    (void)state;
    struct profile_file file;
    const char *text = "[default]\naws_secret_access_key hunter2hunter2\n";
    assert_int_equal(profile_file_parse(&arena, "file", text, strlen(text), PROFILE_CONFIG, &file,
                                        &err),
                     -1);
    assert_null(strstr(err.message, "hunter2"));
}

static void test_limits(void **state)
{
    (void)state;
    struct profile_file file;
    char *text = arena_alloc(&arena, PROFILE_FILE_LIMIT + 2);
    memset(text, '#', PROFILE_FILE_LIMIT + 1);
    assert_int_equal(profile_file_parse(&arena, "file", text, PROFILE_FILE_LIMIT, PROFILE_CONFIG,
                                        &file, &err),
                     0);
    assert_int_equal(profile_file_parse(&arena, "file", text, PROFILE_FILE_LIMIT + 1,
                                        PROFILE_CONFIG, &file, &err),
                     -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(profile_file_parse(&arena, "file", "[a]\n\0", 5, PROFILE_CONFIG, &file, &err),
                     -1);
}

static void test_missing_file_is_empty(void **state)
{
    (void)state;
    struct profile_file file;
    assert_int_equal(profile_file_read(&arena, "~/nothing", "/nonexistent", PROFILE_CONFIG, &file,
                                       &err),
                     0);
    assert_string_equal(file.path, "/nonexistent/nothing");
    assert_null(profile_find(&file, PROFILE_SECTION, "default"));
    /* A folder in its place is a problem. */
    assert_int_equal(profile_file_read(&arena, "/", NULL, PROFILE_CONFIG, &file, &err), -1);
    assert_int_equal(err.code, ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sections, setup, teardown),
        cmocka_unit_test_setup_teardown(test_prefixed_default_wins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nested, setup, teardown),
        cmocka_unit_test_setup_teardown(test_value_of_several_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors_show_no_value, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing_file_is_empty, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
