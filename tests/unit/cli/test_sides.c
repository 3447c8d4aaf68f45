#include "base/file.h"
#include "cli/sides.h"
#include "support/test.h"

#include <stdlib.h>
#include <unistd.h>

#define ROLE "arn:aws:iam::111111111111:role/"

static struct arena arena;

static const char *file_of(const char *text)
{
    struct error err = {0};
    const char *path = arena_printf(&arena, "%s", "test_sides.yaml");
    if (file_write_atomic(path, text, strlen(text), 0600, &err) != 0)
        fail_msg("%s", err.message);
    return path;
}

static const char one[] = "source: { region: ap-south-1, profile: there, role_arn: " ROLE "file, "
                          "external_id: agreed }\n"
                          "destinations:\n"
                          "  - { region: us-east-1, endpoint_url: 'http://127.0.0.1:1' }\n"
                          "  - { region: eu-west-1, roles: [{ role_arn: " ROLE
                          "first }, { role_arn: " ROLE "second }] }\n"
                          "parameters: { include: ['/**'] }\n";

static int setup(void **state)
{
    char folder[] = "/tmp/understudy-sides-XXXXXX";
    (void)state;
    arena_init(&arena);
    return mkdtemp(folder) && chdir(folder) == 0 && (*state = arena_strdup(&arena, folder)) ? 0
                                                                                            : -1;
}

static int teardown(void **state)
{
    unlink("test_sides.yaml");
    unlink("understudy.yaml");
    rmdir(*state);
    arena_done(&arena);
    return 0;
}

/* From a command line, through the parsers that commands have as children. */
static struct two_sides_flags parsed(int argc, const char **argv)
{
    struct two_sides_flags flags = {0};
    argp_parse(&two_sides_argp, argc, (char **)argv, ARGP_NO_EXIT, NULL, &flags);
    return flags;
}

static void flags_win_over_the_file(void **state)
{
    struct two_sides sides;
    struct error err = {0};
    const char *argv[] = {"x",
                          "-c",
                          file_of(one),
                          "--destination-region",
                          "eu-west-1",
                          "--profile=mine",
                          "--destination-profile=theirs",
                          "--destination-role=" ROLE "flag",
                          "--endpoint-url=http://127.0.0.1:2"};
    const struct two_sides_flags flags = parsed(COUNT(argv), argv);
    (void)state;
    if (two_sides_read(&arena, &flags, &sides, &err) != 0)
        fail_msg("%s", err.message);
    assert_string_equal(sides.source.region, "ap-south-1");
    assert_string_equal(sides.source.profile, "mine");
    assert_string_equal(sides.source.endpoint_url, "http://127.0.0.1:2");
    assert_int_equal(sides.source.chain_count, 1);
    assert_string_equal(sides.source.chain[0].role_arn, ROLE "file");
    assert_string_equal(sides.source.chain[0].external_id, "agreed");
    assert_string_equal(sides.destination.region, "eu-west-1");
    assert_string_equal(sides.destination.profile, "theirs");
    assert_int_equal(sides.destination.chain_count, 1);
    assert_string_equal(sides.destination.chain[0].role_arn, ROLE "flag");
}

static void a_role_takes_the_place_of_all_that_the_file_says_about_roles(void **state)
{
    struct config_set set;
    struct error err = {0};
    const struct side_flags flags = {.source_role = ROLE "flag"};
    (void)state;
    assert_int_equal(config_read(&arena, file_of(one), &set, &err), 0);
    sides_lay_over(&flags, &set);
    assert_int_equal(config_check_set(&arena, &set, &err), 0);
    assert_string_equal(set.items[0].source.chain[0].role_arn, ROLE "flag");
    assert_null(set.items[0].source.chain[0].external_id);
    assert_int_equal(set.items[0].destinations[1].chain_count, 2);
    assert_string_equal(set.items[0].source.profile, "there");
}

static void refused(struct two_sides_flags flags, const char *words)
{
    struct two_sides sides;
    struct error err = {0};
    assert_int_equal(two_sides_read(&arena, &flags, &sides, &err), -1);
    assert_int_equal(err.code, ERR_INVALID);
    if (!strstr(err.message, words))
        fail_msg("'%s' is not in: %s", words, err.message);
}

static void what_does_not_say_both_sides_is_refused(void **state)
{
    const char *path = file_of(one);
    (void)state;
    refused((struct two_sides_flags){.source_region = "ap-south-1"}, "give --source-region");
    refused((struct two_sides_flags){.config_file = path}, "has 2 destinations: choose one");
    refused((struct two_sides_flags){.config_file = path, .destination_region = "eu-west-3"},
            "no destination 'eu-west-3'");
    refused((struct two_sides_flags){.config_file = path, .replication = "x"},
            "no replication is called 'x'");
    refused((struct two_sides_flags){.source_region = "ap-south-1",
                                     .destination_region = "us-east-1",
                                     .side = {.source_role = "x"}},
            "role_arn 'x' of ap-south-1 is not the ARN of a role");
}

static void regions_alone_need_no_file(void **state)
{
    struct two_sides sides;
    struct error err = {0};
    const struct two_sides_flags flags = {.source_region = "a", .destination_region = "b"};
    (void)state;
    /* A file of the usual name is not looked at then. */
    assert_int_equal(file_write_atomic("understudy.yaml", "nonsense", 8, 0600, &err), 0);
    assert_int_equal(two_sides_read(&arena, &flags, &sides, &err), 0);
    assert_string_equal(sides.destination.region, "b");
    assert_null(sides.config);
    refused((struct two_sides_flags){.source_region = "a"}, "understudy.yaml");
}

static void one_principal_is_one_session(void **state)
{
    struct two_sides sides;
    struct error err = {0};
    struct two_sides_flags flags = {.source_region = "ap-south-1",
                                    .destination_region = "us-east-1"};
    (void)state;
    assert_int_equal(two_sides_read(&arena, &flags, &sides, &err), 0);
    assert_int_equal(two_sides_open(&arena, &sides, NULL, &err), 0);
    assert_ptr_equal(sides.from, sides.to);
    two_sides_close(&sides);
    flags.side.destination_role = ROLE "x";
    assert_int_equal(two_sides_read(&arena, &flags, &sides, &err), 0);
    assert_int_equal(two_sides_open(&arena, &sides, NULL, &err), 0);
    assert_ptr_not_equal(sides.from, sides.to);
    two_sides_close(&sides);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_win_over_the_file),
        cmocka_unit_test(a_role_takes_the_place_of_all_that_the_file_says_about_roles),
        cmocka_unit_test(what_does_not_say_both_sides_is_refused),
        cmocka_unit_test(one_principal_is_one_session),
        cmocka_unit_test(regions_alone_need_no_file),
    };
    return cmocka_run_group_tests_name("cli/sides", tests, setup, teardown);
}
