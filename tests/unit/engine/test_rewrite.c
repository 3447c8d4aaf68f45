#include "engine/rewrite.h"
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

static struct resource parameter(const char *key, const char *type)
{
    return (struct resource){.key = key, .name = key, .fields = {type}};
}

static void rewritten(const struct config_rewrite *rule, const char *value, const char *wanted,
                      const char *note)
{
    const struct config config = {.rewrite = (struct config_rewrite *)rule, .rewrite_count = 1};
    const struct config_side side = {0};
    const struct resource source = parameter("prod/db", "String");
    struct rewritten out;
    struct error err = {0};
    assert_int_equal(rewrite_value(&config, &side, &arena, &source, value, strlen(value), &out,
                                   &err),
                     0);
    assert_int_equal(out.len, strlen(wanted));
    assert_memory_equal(out.value, wanted, out.len);
    if (note)
        assert_string_equal(out.note, note);
    else
        assert_null(out.note);
}

static void rules_are_literal_and_counted(void **state)
{
    (void)state;
    const struct config_rewrite region = {.match = "ap-south-1", .with = "us-east-1"};
    rewritten(&region, "arn:aws:x:ap-south-1:1:y", "arn:aws:x:us-east-1:1:y",
              "rewrite ap-south-1 → us-east-1 (1)");
    rewritten(&region, "ap-south-1,ap-south-1", "us-east-1,us-east-1",
              "rewrite ap-south-1 → us-east-1 (2)");
    rewritten(&region, "ap-south-2", "ap-south-2", NULL);
    rewritten(&region, "", "", NULL);
    /* Neither a pattern nor read again. */
    rewritten(&(struct config_rewrite){.match = "a.b", .with = "a.b.a.b"}, "a.b axb", "a.b.a.b axb",
              "rewrite a.b → a.b.a.b (1)");
    rewritten(&(struct config_rewrite){.match = "x", .with = ""}, "axbx", "ab", "rewrite x →  (2)");
}

static void a_path_changes_only_what_stands_there(void **state)
{
    (void)state;
    const struct config_rewrite some = {.match = "ap-south-1",
                                        .with = "us-\"1\"",
                                        .json_path = "$.db.host"};
    rewritten(&some, "{ \"r\":\"ap-south-1\", \"db\" : {\"host\":\"x.ap-south-1\"} , \"n\":1.50}",
              "{ \"r\":\"ap-south-1\", \"db\" : {\"host\":\"x.us-\\\"1\\\"\"} , \"n\":1.50}",
              "rewrite $.db.host: ap-south-1 → us-\"1\" (1)");
    rewritten(&some, "no json ap-south-1", "no json ap-south-1", NULL);
    const struct config_rewrite whole = {.with = "new", .json_path = "$[0]"};
    rewritten(&whole, "[\"old\"]", "[\"new\"]", "rewrite $[0]: → new");
    rewritten(&whole, "[\"new\"]", "[\"new\"]", NULL);
}

static void a_rule_is_for_names_and_types(void **state)
{
    (void)state;
    const char *names[] = {"/prod/**", "root"}, *types[] = {"String", "StringList"};
    struct config_rewrite rule = {.match = "a",
                                  .with = "b",
                                  .names = names,
                                  .name_count = 2,
                                  .types = types,
                                  .type_count = 2};
    const struct config config = {.rewrite = &rule, .rewrite_count = 1};
    const struct config_side side = {0};
    const struct {
        const char *key, *type;
        bool touched;
    } rows[] = {{"prod/x", "String", true},
                {"root", "StringList", true},
                {"test/x", "String", false},
                {"prod/x", "SecureString", false}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct resource source = parameter(rows[i].key, rows[i].type);
        struct rewritten out;
        struct error err = {0};
        assert_int_equal(rewrite_may_touch(&config, &side, &source), rows[i].touched);
        assert_int_equal(rewrite_value(&config, &side, &arena, &source, "a", 1, &out, &err), 0);
        assert_string_equal(out.value, rows[i].touched ? "b" : "a");
    }
}

static void the_destination_s_rules_come_first(void **state)
{
    (void)state;
    struct config_rewrite of_all = {.match = "ap", .with = "eu"};
    struct config_rewrite own[] = {{.match = "ap-south-1", .with = "us-east-1"},
                                   {.match = "us-east-1", .with = "ap-x"}};
    const struct config config = {.rewrite = &of_all, .rewrite_count = 1};
    const struct config_side side = {.rewrite = own, .rewrite_count = 2};
    const struct resource source = parameter("a", "String");
    struct rewritten out;
    struct error err = {0};
    assert_int_equal(rewrite_value(&config, &side, &arena, &source, "ap-south-1", 10, &out, &err),
                     0);
    assert_string_equal(out.value, "eu-x");
    assert_string_equal(out.note, "rewrite ap-south-1 → us-east-1 (1), us-east-1 → ap-x (1), "
                                  "ap → eu (1)");
}

static void descriptions_only_when_asked(void **state)
{
    (void)state;
    struct config_rewrite rule = {.match = "ap", .with = "eu"};
    const struct config config = {.rewrite = &rule, .rewrite_count = 1};
    const struct config_side side = {0};
    const struct resource source = parameter("a", "String");
    assert_string_equal(rewrite_description(&config, &side, &arena, &source, "in ap"), "in ap");
    rule.descriptions = "true";
    assert_string_equal(rewrite_description(&config, &side, &arena, &source, "in ap"), "in eu");
    assert_null(rewrite_description(&config, &side, &arena, &source, NULL));
}

static void impossible_rules_are_refused(void **state)
{
    (void)state;
    const struct {
        struct config_rewrite rule;
        const char *words;
    } rows[] = {
        {{.match = "a"}, "needs `with`"},
        {{.with = "a"}, "`match` or `json_path`"},
        {{.match = "", .with = "a"}, "everywhere"},
        {{.match = "a", .with = "b", .json_path = "a.b"}, "is not a path"},
        {{.match = "a", .with = "b", .descriptions = "yes"}, "true or false"},
        {{.match = "a", .with = "b", .json_path = "$.a", .descriptions = "true"}, "not JSON"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error err = {0};
        assert_int_equal(rewrite_check(&rows[i].rule, 1, &err), -1);
        if (!strstr(err.message, rows[i].words))
            fail_msg("'%s' does not say '%s'", err.message, rows[i].words);
    }
}

static void what_grows_without_end_is_refused(void **state)
{
    (void)state;
    static char many[2000], wide[2000];
    memset(many, 'a', sizeof many - 1);
    memset(wide, 'b', sizeof wide - 1);
    struct config_rewrite rule = {.match = "a", .with = wide};
    const struct config config = {.rewrite = &rule, .rewrite_count = 1};
    const struct config_side side = {0};
    const struct resource source = parameter("a", "String");
    struct rewritten out;
    struct error err = {0};
    assert_int_equal(rewrite_value(&config, &side, &arena, &source, many, sizeof many - 1, &out,
                                   &err),
                     -1);
    assert_int_equal(err.code, ERR_LIMIT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rules_are_literal_and_counted),     TEST(a_path_changes_only_what_stands_there),
        TEST(a_rule_is_for_names_and_types),     TEST(the_destination_s_rules_come_first),
        TEST(descriptions_only_when_asked),      TEST(impossible_rules_are_refused),
        TEST(what_grows_without_end_is_refused),
    };
    return cmocka_run_group_tests_name("engine/rewrite", tests, NULL, NULL);
}
