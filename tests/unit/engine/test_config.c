#include "engine/config.h"
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

static int parse_set(const char *text, struct config_set *out, struct error *err)
{
    *err = (struct error){0};
    return config_parse(&arena, "u.yaml", text, strlen(text), out, err);
}

static int parse(const char *text, struct config *out, struct error *err)
{
    struct config_set set;
    int result = parse_set(text, &set, err);
    *out = result == 0 ? set.items[0] : (struct config){0};
    return result;
}

/* Reads and checks `text`; says whether the error holds `words`. */
static void refused(const char *text, const char *words)
{
    struct config_set set;
    struct error err;
    int result = parse_set(text, &set, &err);
    if (result == 0)
        result = config_check_set(&arena, &set, &err);
    if (result == 0)
        fail_msg("accepted: %s", text);
    assert_int_equal(err.code, ERR_INVALID);
    if (!strstr(err.message, words))
        fail_msg("'%s' does not say '%s'", err.message, words);
}

static const char whole[] =
    "source: { region: ap-south-1, profile: prod }\n"
    "destinations:\n"
    "  - region: us-east-1\n"
    "    keys: { \"*\": alias/prod-dr, \"alias/prod\": alias/prod-us }\n"
    "  - { region: eu-west-1, account: 022222222222,\n"
    "      role_arn: \"arn:aws:iam::022222222222:role/understudy\", external_id: x1,\n"
    "      endpoint_url: http://localhost:4566 }\n"
    "parameters:\n"
    "  include: [\"/prod/app/**\", root_level_name]\n"
    "  exclude: [\"/prod/app/tmp/**\"]\n"
    "  rename: [{ from: /prod, to: /dr }]\n"
    "  allow: [plain-text]\n"
    "  deletes: never\n";

static void everything_of_a_whole_file_is_read(void **state)
{
    (void)state;
    struct config config;
    struct error err;
    assert_int_equal(parse(whole, &config, &err), 0);
    assert_int_equal(config_check(&arena, &config, &err), 0);
    assert_string_equal(config.source.region, "ap-south-1");
    assert_string_equal(config.source.profile, "prod");
    assert_int_equal(config.destination_count, 2);
    assert_int_equal(config.destinations[0].key_count, 2);
    assert_string_equal(config.destinations[0].keys[0].source, "*");
    assert_string_equal(config.destinations[0].keys[1].destination, "alias/prod-us");
    /* An account is text, whatever YAML would make of its leading zero. */
    assert_string_equal(config.destinations[1].account, "022222222222");
    assert_string_equal(config.destinations[1].role.external_id, "x1");
    assert_string_equal(config.destinations[1].endpoint_url, "http://localhost:4566");
    assert_int_equal(config.include_count, 2);
    assert_string_equal(config.include[1], "root_level_name");
    assert_string_equal(config.exclude[0], "/prod/app/tmp/**");
    assert_string_equal(config.rename[0].from, "/prod");
    assert_string_equal(config.allow[0], "plain-text");
    assert_string_equal(config.deletes, "never");
}

static void json_is_read_too(void **state)
{
    (void)state;
    struct config config;
    struct error err;
    assert_int_equal(parse("{\"source\":{\"region\":\"eu-west-1\"},\n\"destinations\":"
                           "[{\"region\":\"eu-west-3\",\"account\":\"111111111111\"}]}",
                           &config, &err),
                     0);
    assert_int_equal(config_check(&arena, &config, &err), 0);
    assert_string_equal(config.destinations[0].region, "eu-west-3");
    assert_int_equal(config.include_count, 0);
    assert_non_null(config.allow);
}

static void what_is_written_is_read_as_the_same(void **state)
{
    (void)state;
    struct config config, again;
    struct error err;
    struct buf first, second;
    struct json_writer w;
    buf_init(&first, 8192);
    buf_init(&second, 8192);
    assert_int_equal(parse(whole, &config, &err), 0);
    json_writer_init(&w, &first);
    config_write(&config, &w);
    assert_int_equal(parse(buf_text(&first), &again, &err), 0);
    json_writer_init(&w, &second);
    config_write(&again, &w);
    assert_string_equal(buf_text(&first), buf_text(&second));
    assert_non_null(strstr(buf_text(&first), "\"alias/prod\":\"alias/prod-us\""));
    buf_done(&first);
    buf_done(&second);
}

static void several_replications_share_what_stands_beside_the_list(void **state)
{
    (void)state;
    struct config_set set;
    struct error err;
    assert_int_equal(
        parse_set("source: { region: ap-south-1 }\n"
                  "destinations: [{ region: us-east-1 }]\n"
                  "parameters: { include: \"/prod/**\", exclude: [a, b] }\n"
                  "replications:\n"
                  "  - { name: one }\n"
                  "  - { name: two, source: { region: eu-west-1, profile: p } }\n"
                  "  - { destinations: [{ region: eu-west-2 }], parameters: { include: [x] } }\n",
                  &set, &err),
        0);
    assert_int_equal(config_check_set(&arena, &set, &err), 0);
    assert_int_equal(set.count, 3);
    assert_string_equal(set.items[0].name, "one");
    assert_string_equal(set.items[0].source.region, "ap-south-1");
    assert_string_equal(set.items[1].source.region, "eu-west-1");
    assert_string_equal(set.items[1].destinations[0].region, "us-east-1");
    assert_string_equal(set.items[1].include[0], "/prod/**");
    assert_null(set.items[2].name);
    assert_string_equal(set.items[2].destinations[0].region, "eu-west-2");
    assert_string_equal(set.items[2].include[0], "x");
    assert_int_equal(set.items[2].exclude_count, 2);
}

static void only_names_are_selected(void **state)
{
    (void)state;
#define WITH(include_)                                                                             \
    "source: { region: eu-west-1 }\ndestinations: [{ region: us-east-1 }]\n"                       \
    "parameters: { include: \"" include_ "\" }"
    refused(WITH("/a:3"), "a version or label");
    refused(WITH("arn:aws:ssm:eu-west-1:222222222222:parameter/a"), "another account shares");
    refused(WITH("/aws/reference/secretsmanager/x"), "replicate the secret itself");
    refused(WITH("/awsome"), "belong to AWS");
}

static void impossible_replications_are_refused(void **state)
{
    (void)state;
#define TWO "destinations: [{ region: us-east-1 }]\nreplications:\n"
    refused("replications: []", "is empty");
    refused("replications: { a: b }", "must be a list");
    refused("name: x\n" TWO "  - { source: { region: eu-west-1 } }", "`name` stands in");
    refused(TWO "  - { name: x, source: { region: eu-west-1 } }\n"
                "  - { name: x, source: { region: eu-west-2 } }",
            "two replications are called 'x'");
    refused(TWO "  - { name: x, source: { region: eu-west-1 } }\n  - { name: y }",
            "replication 'y': no source");
    refused(TWO "  - { source: { region: eu-west-1 } }\n  - { source: { region: us-east-1 } }",
            "replication 2: us-east-1 is both");
    refused(TWO "  - { replications: [] }", "unknown key 'replications'");
}

static void unknown_keys_are_refused_with_place_and_suggestion(void **state)
{
    (void)state;
    refused("source: { regon: eu-west-1 }", "u.yaml:1:11: unknown key 'regon' in source: did you "
                                            "mean 'region'?");
    refused("sauce: {}", "did you mean 'source'?");
    refused("source: { region: eu-west-1 }\nbanana: 1", "u.yaml:2:1: unknown key 'banana'");
    refused("destinations:\n  - region: a\n    key: {}", "did you mean 'keys'?");
    refused("source: { region: a, region: b }", "occurs twice");
    refused("destinations: [{ region: a, keys: { x: y, x: z } }]", "occurs twice");
    refused("source: { keys: { a: b } }", "unknown key 'keys' in source");
}

static void wrong_shapes_are_refused(void **state)
{
    (void)state;
    refused("", "is empty");
    refused("- a", "must have keys");
    refused("just text", "must have keys");
    refused("source: eu-west-1", "source must have keys");
    refused("source: { region: [a] }", "source.region must be a text");
    refused("source: { region: }", "source.region has no value");
    refused("source: { region: ~ }", "has no value");
    refused("destinations: { region: a }", "must be a list");
    refused("destinations: [{ region: a, keys: [a] }]", "must be pairs");
    refused("parameters: { include: [[a]] }", "must be a text");
    refused("source: { region: a\n", "not valid YAML");
    refused("source: { region: \"a\\0b\" }", "holds a NUL");
    refused("source: {}\n---\nsource: {}", "more than one");
    refused("source: &a { region: *a }", "u.yaml"); /* a loop */
}

static const char *with_patterns(const char *kind, const char *pattern)
{
    return arena_printf(&arena,
                        "{ source: { region: eu-west-1 }, destinations: [{ region: eu-west-2 }], "
                        "parameters: { %s: [\"%s\"] } }",
                        kind, pattern);
}

static void impossible_configurations_are_refused(void **state)
{
    (void)state;
    refused("source: { profile: a }", "no source");
    refused("source: { region: eu-west-1 }", "no destination");
    refused("source: { region: eu-west }\ndestinations: [{ region: us-east-1 }]",
            "'eu-west' is not the name of a Region");
    refused("source: { region: eu-west-1 }\n"
            "destinations: [{ region: eu-west-3, keys: { \"*\": prod-key } }]\n",
            "'prod-key' is no key for eu-west-3");
    refused("source: { region: eu-west-1 }\ndestinations: [{ region: aws-global }]",
            "not the name of a Region");
    refused("source: { region: eu-west-1 }\ndestinations: [{ region: eu-west-1 }]",
            "both source and destination");
    refused("source: { region: eu-west-1 }\n"
            "destinations: [{ region: eu-west-2 }, { region: eu-west-2 }]",
            "given twice");
    refused("source: { region: eu-west-1 }\n"
            "destinations: [{ region: eu-west-1, account: 12345 }]",
            "twelve digits");
    refused("source: { region: eu-west-1, role_arn: understudy }\n"
            "destinations: [{ region: eu-west-2 }]",
            "not the ARN of a role");
    refused("source: { region: eu-west-1, external_id: x }\ndestinations: [{ region: eu-west-2 }]",
            "give role_arn too");
    refused("source: { region: eu-west-1 }\ndestinations: [{ region: eu-west-2 }]\n"
            "parameters: { deletes: some }",
            "never, owned or all");
    refused("source: { region: eu-west-1 }\ndestinations: [{ region: eu-west-2 }]\n"
            "parameters: { allow: anything }",
            "allow 'anything'");
    refused("source: { region: eu-west-1 }\ndestinations: [{ region: eu-west-2 }]\n"
            "parameters: { rename: [{ from: /a }] }",
            "both 'from' and 'to'");
    refused("source: { region: eu-west-1 }\ndestinations: [{ region: eu-west-2 }]\n"
            "parameters: { rename: [{ from: /a, to: /aws }] }",
            "belong to AWS");
}

/* The Region of another account is another place. */
static void one_region_of_two_accounts_is_possible(void **state)
{
    (void)state;
    struct config config;
    struct error err;
    assert_int_equal(parse("source: { region: eu-west-1 }\n"
                           "destinations: [{ region: eu-west-1, account: \"222222222222\", "
                           "role_arn: \"arn:aws:iam::222222222222:role/r\" }]",
                           &config, &err),
                     0);
    assert_int_equal(config_check(&arena, &config, &err), 0);
}

static void patterns_that_match_nothing_are_refused(void **state)
{
    (void)state;
    refused(with_patterns("include", "/prod/app/"), "write '/prod/app/**'");
    refused(with_patterns("include", "/"), "ends in '/'");
    refused(with_patterns("include", "prod/app"), "write '/prod/app'");
    refused(with_patterns("exclude", "/a//b"), "empty level");
    refused(with_patterns("include", "/a b"), "cannot occur");
    refused(with_patterns("include", "/aws/service/**"), "belong to AWS");
    refused(with_patterns("include", "SSM-x"), "belong to AWS");
}

static void regions_of_every_partition_are_possible(void **state)
{
    (void)state;
    static const char *const regions[] = {"us-gov-west-1", "us-iso-east-1",  "us-isob-east-1",
                                          "cn-north-1",    "eusc-de-east-1", "ap-southeast-7"};
    for (size_t i = 0; i < COUNT(regions); i++) {
        struct config config;
        struct error err;
        const char *text = arena_printf(
            &arena, "{ source: { region: %s, profile: p }, destinations: [{ region: eu-west-2 }] }",
            regions[i]);
        assert_int_equal(parse(text, &config, &err), 0);
        assert_int_equal(config_check(&arena, &config, &err), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_of_a_whole_file_is_read),
        TEST(json_is_read_too),
        TEST(what_is_written_is_read_as_the_same),
        TEST(several_replications_share_what_stands_beside_the_list),
        TEST(impossible_replications_are_refused),
        TEST(only_names_are_selected),
        TEST(unknown_keys_are_refused_with_place_and_suggestion),
        TEST(wrong_shapes_are_refused),
        TEST(impossible_configurations_are_refused),
        TEST(one_region_of_two_accounts_is_possible),
        TEST(patterns_that_match_nothing_are_refused),
        TEST(regions_of_every_partition_are_possible),
    };
    return cmocka_run_group_tests_name("engine/config", tests, NULL, NULL);
}
