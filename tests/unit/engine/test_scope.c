#include "engine/scope.h"
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

static struct config config;
static struct scope scope;

static void choose(const char **include, size_t include_count, const char **exclude,
                   size_t exclude_count)
{
    config = (struct config){.include = include,
                             .include_count = include_count,
                             .exclude = exclude,
                             .exclude_count = exclude_count};
    scope_init(&scope, &arena, &config);
}

static void names_are_matched_with_and_without_their_slash(void **state)
{
    (void)state;
    const char *include[] = {"/root", "other", "/prod/app/**"};
    choose(include, 3, NULL, 0);
    assert_true(scope_selects(&scope, "root"));
    assert_true(scope_selects(&scope, "other"));
    assert_true(scope_selects(&scope, "prod/app/x"));
    assert_true(scope_selects(&scope, "prod/app/x/y"));
    assert_false(scope_selects(&scope, "prod/app"));
    assert_false(scope_selects(&scope, "prod/application"));
    assert_false(scope_selects(&scope, "roots"));
}

static void the_name_of_a_path_need_not_exist(void **state)
{
    (void)state;
    const char *include[] = {"/prod/app", "/prod/app/**", "/prod/ap", "/dev", "/dev/*"};
    choose(include, 5, NULL, 0);
    assert_false(scope_missed(&scope, 0));
    for (size_t i = 1; i < 5; i++)
        assert_true(scope_missed(&scope, i));
    assert_true(scope_selects(&scope, "dev"));
    assert_false(scope_missed(&scope, 3));
    assert_true(scope_missed(&scope, 1));
}

static void one_star_stays_in_its_level(void **state)
{
    (void)state;
    const char *include[] = {"/prod/*", "*"};
    choose(include, 2, NULL, 0);
    assert_true(scope_selects(&scope, "prod/x"));
    assert_false(scope_selects(&scope, "prod/x/y"));
    assert_true(scope_selects(&scope, "root"));
}

static void two_stars_reach_every_depth(void **state)
{
    (void)state;
    const char *include[] = {"**/PASSWORD"};
    choose(include, 1, NULL, 0);
    assert_true(scope_selects(&scope, "prod/app/PASSWORD"));
    assert_true(scope_selects(&scope, "a/PASSWORD"));
    assert_true(scope_selects(&scope, "PASSWORD"));
    assert_false(scope_selects(&scope, "PASSWORDS"));
}

static void nothing_given_means_everything_but_what_is_excluded(void **state)
{
    (void)state;
    const char *exclude[] = {"/prod/tmp/**"};
    choose(NULL, 0, exclude, 1);
    assert_true(scope_selects(&scope, "prod/x"));
    assert_true(scope_selects(&scope, "root"));
    assert_false(scope_selects(&scope, "prod/tmp/x"));
}

static void selectors_that_matched_are_marked(void **state)
{
    (void)state;
    const char *include[] = {"/a/**", "/b/**"};
    const char *exclude[] = {"/b/**"};
    choose(include, 2, exclude, 1);
    scope_selects(&scope, "a/x");
    assert_true(scope.hit[0]);
    assert_false(scope.hit[1]);
}

static void a_rename_moves_whole_levels_only(void **state)
{
    (void)state;
    struct config_rename renames[] = {{"/prod", "/dr/prod"}, {"/x", "/"}};
    choose(NULL, 0, NULL, 0);
    config.rename = renames;
    config.rename_count = 2;
    assert_string_equal(scope_target(&scope, &arena, "/prod/app/X"), "/dr/prod/app/X");
    assert_string_equal(scope_target(&scope, &arena, "/production/X"), "/production/X");
    assert_string_equal(scope_target(&scope, &arena, "/prod"), "/prod");
    assert_string_equal(scope_target(&scope, &arena, "root"), "root");
    assert_string_equal(scope_target(&scope, &arena, "/x/y/z"), "/y/z");
    renames[0] = (struct config_rename){"/", "/all"};
    assert_string_equal(scope_target(&scope, &arena, "root"), "/all/root");
    assert_string_equal(scope_target(&scope, &arena, "/prod/a"), "/all/prod/a");
}

static void the_service_is_asked_for_what_the_patterns_begin_with(void **state)
{
    (void)state;
    const char *include[] = {"/prod/app/**", "/prod/app/sub/*", "/prod/ap?/x", "name", "/name"};
    struct resource_filter filter;
    choose(include, 5, NULL, 0);
    scope_filter(&scope, &arena, false, &filter);
    assert_int_equal(filter.prefix_count, 1);
    assert_string_equal(filter.prefixes[0], "prod/ap");
    assert_int_equal(filter.name_count, 1);
    assert_string_equal(filter.names[0], "name");
    include[2] = "**/x";
    scope_filter(&scope, &arena, false, &filter);
    assert_int_equal(filter.prefix_count + filter.name_count, 0);
}

static void a_renamed_destination_is_asked_for_all_or_for_the_new_names(void **state)
{
    (void)state;
    const char *include[] = {"/prod/x", "plain"};
    struct config_rename rename = {"/prod", "/dr"};
    struct resource_filter filter;
    choose(include, 2, NULL, 0);
    config.rename = &rename;
    config.rename_count = 1;
    scope_filter(&scope, &arena, true, &filter);
    assert_int_equal(filter.name_count, 2);
    assert_string_equal(filter.names[0], "dr/x");
    assert_string_equal(filter.names[1], "plain");
    include[0] = "/prod/**";
    scope_filter(&scope, &arena, true, &filter);
    assert_int_equal(filter.prefix_count + filter.name_count, 0);
    scope_filter(&scope, &arena, false, &filter);
    assert_int_equal(filter.prefix_count, 1);
}

static const char *sources_of(const char *key)
{
    size_t count;
    const char *const *keys = scope_sources(&scope, &arena, key, &count);
    const char *text = "";
    for (size_t i = 0; i < count; i++)
        text = arena_printf(&arena, "%s%s%s", text, i ? " " : "", keys[i]);
    return text;
}

static void a_name_at_the_destination_leads_back_to_its_sources(void **state)
{
    (void)state;
    const char *include[] = {"/prod/**", "/old/**", "root"};
    const char *exclude[] = {"/prod/tmp/**"};
    struct config_rename renames[] = {{"/prod", "/dr"}, {"/old", "/dr"}};
    choose(include, 3, exclude, 1);
    assert_string_equal(sources_of("prod/x"), "prod/x");
    assert_string_equal(sources_of("prod/tmp/x"), "");
    assert_string_equal(sources_of("test/x"), "");
    assert_string_equal(sources_of("root"), "root");
    config.rename = renames;
    config.rename_count = 2;
    assert_string_equal(sources_of("dr/x"), "prod/x old/x");
    assert_string_equal(sources_of("dr/tmp/x"), "old/tmp/x");
    assert_string_equal(sources_of("dr"), "");
    assert_string_equal(sources_of("prod/x"), ""); /* no source is called so there */
    assert_string_equal(sources_of("root"), "root");
    renames[0] = (struct config_rename){"/prod", "/"};
    renames[1] = (struct config_rename){"/", "/all"};
    assert_string_equal(sources_of("x/y"), "prod/x/y");
    assert_string_equal(sources_of("all/root"), "prod/all/root root");
    for (size_t i = 0; i < COUNT(include); i++)
        assert_false(scope.hit[i]); /* looking back is no hit */
}

static void absence_is_believed_where_the_pattern_finds_something(void **state)
{
    (void)state;
    const char *include[] = {"/prod/**", "/test/**", "/exact/name"};
    choose(include, 3, NULL, 0);
    assert_true(scope_selects(&scope, "prod/x"));
    assert_true(scope_believes_absence(&scope, "prod/gone"));
    assert_false(scope_believes_absence(&scope, "test/gone"));
    assert_true(scope_believes_absence(&scope, "exact/name"));
    choose(NULL, 0, NULL, 0);
    assert_true(scope_believes_absence(&scope, "anything"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_are_matched_with_and_without_their_slash),
        TEST(the_name_of_a_path_need_not_exist),
        TEST(one_star_stays_in_its_level),
        TEST(two_stars_reach_every_depth),
        TEST(nothing_given_means_everything_but_what_is_excluded),
        TEST(selectors_that_matched_are_marked),
        TEST(a_rename_moves_whole_levels_only),
        TEST(the_service_is_asked_for_what_the_patterns_begin_with),
        TEST(a_renamed_destination_is_asked_for_all_or_for_the_new_names),
        TEST(a_name_at_the_destination_leads_back_to_its_sources),
        TEST(absence_is_believed_where_the_pattern_finds_something),
    };
    return cmocka_run_group_tests_name("engine/scope", tests, NULL, NULL);
}
