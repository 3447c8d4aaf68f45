#include "event/settings.h"

#include "base/file.h"
#include "environment.h"
#include "support/test.h"

#include <unistd.h>

#define VARIABLES(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char yaml[] = "source: {region: ap-south-1}\n"
                           "destinations: [{region: us-east-1}]\n"
                           "parameters: {include: ['/prod/**']}\n";
static const char yaml_here[] = "destinations: [{region: us-east-1}]\n"
                                "parameters: {include: ['/prod/**']}\n";
static const char params[] =
    "{\"Parameters\":[],\"path\":[\"/api/\"],\"destination_region\":\"eu-west-1\","
    "\"destination_account\":\"\",\"cross_account_role_arn\":\"\","
    "\"destination_kms_key_id\":\"\"}";

static struct arena arena;
static char folder[64];

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    snprintf(folder, sizeof folder, "/tmp/event-settings-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return 0;
}

static const char *file_named(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name);
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"understudy.yaml", "understudy.json", "params.json"};
    for (size_t i = 0; i < COUNT(names); i++)
        (void)unlink(file_named(names[i]));
    assert_int_equal(rmdir(folder), 0);
    arena_done(&arena);
    return 0;
}

static void put_file(const char *name, const char *text)
{
    assert_int_equal(file_write_atomic(file_named(name), text, strlen(text), 0600, NULL), 0);
}

static int read_settings(struct event_settings *out, struct error *err)
{
    *err = (struct error){0};
    return event_settings_read(&arena, environment_get, folder, out, err);
}

static const struct config *read_one(struct event_settings *out)
{
    struct error err;
    if (read_settings(out, &err) != 0)
        fail_msg("%s", err.message);
    assert_int_equal(out->set.count, 1);
    return &out->set.items[0];
}

static void test_the_article_s_environment(void **state)
{
    (void)state;
    struct event_settings settings;
    environment_set(VARIABLES("AWS_REGION=ap-south-1", "DEST_REGIONS=us-east-1,eu-west-1",
                              "PARAM_PATHS=/prod/app,/shared", "DEST_PARAM_TYPE=SecureString",
                              "DEST_KMS_KEY_ID=alias/dr", "DRY_RUN=True"));
    const struct config *config = read_one(&settings);
    assert_string_equal(config->source.region, "ap-south-1");
    assert_int_equal(config->destination_count, 2);
    assert_string_equal(config->destinations[1].region, "eu-west-1");
    assert_true(settings.dry_run);
    assert_true(settings.note_count > 0);
    assert_string_equal(settings.origin, "DEST_REGIONS");
}

static void test_files_of_the_package(void **state)
{
    (void)state;
    struct event_settings settings;
    environment_set(VARIABLES("AWS_REGION=eu-central-1"));
    put_file("understudy.yaml", yaml);
    assert_string_equal(read_one(&settings)->source.region, "ap-south-1");
    assert_string_equal(settings.origin, "understudy.yaml");
    put_file("understudy.yaml", yaml_here);
    assert_string_equal(read_one(&settings)->source.region, "eu-central-1");
    unlink(file_named("understudy.yaml"));
    put_file("params.json", params);
    environment_set(VARIABLES("AWS_REGION=ap-south-1", "UNDERSTUDY_CANARY=/api/canary"));
    assert_string_equal(read_one(&settings)->destinations[0].region, "eu-west-1");
    assert_string_equal(settings.canary, "/api/canary");
    assert_string_equal(read_one(&settings)->include[0], "/api/**");
    assert_true(settings.note_count > 0);
}

static void test_an_inline_configuration(void **state)
{
    (void)state;
    struct event_settings settings;
    environment_set(VARIABLES("UNDERSTUDY_CONFIG={\"source\":{\"region\":\"ap-south-1\"},"
                              "\"destinations\":[{\"region\":\"us-east-1\"}],"
                              "\"parameters\":{\"include\":[\"/a/**\"]}}",
                              "DRY_RUN=false"));
    assert_string_equal(read_one(&settings)->include[0], "/a/**");
    assert_false(settings.dry_run);
    environment_set(VARIABLES("DRY_RUN=true",
                              "UNDERSTUDY_CONFIG=source: {region: ap-south-1}\n"
                              "destinations: [{region: us-east-1}]\n"
                              "parameters: {include: [x]}",
                              "UNDERSTUDY_CANARY=x"));
    assert_string_equal(read_one(&settings)->include[0], "x");
    assert_true(settings.dry_run);
    assert_string_equal(settings.canary, "x");
}

static void test_a_parameter_is_read_by_the_caller(void **state)
{
    (void)state;
    struct event_settings settings;
    struct error err = {0};
    environment_set(VARIABLES("UNDERSTUDY_CONFIG_PARAMETER=/understudy/config",
                              "AWS_REGION=eu-central-1", "DRY_RUN=true"));
    assert_int_equal(read_settings(&settings, &err), 0);
    assert_string_equal(settings.parameter, "/understudy/config");
    assert_int_equal(settings.set.count, 0);
    assert_int_equal(event_settings_take(&arena, environment_get, yaml_here, strlen(yaml_here),
                                         &settings, &err),
                     0);
    assert_string_equal(settings.set.items[0].source.region, "eu-central-1");
    assert_true(settings.dry_run);
    /* What cannot be used leaves what was in force. */
    assert_int_equal(event_settings_take(&arena, environment_get, "sorce: {}", 9, &settings, &err),
                     -1);
    assert_non_null(strstr(err.message, "sorce"));
    assert_non_null(strstr(err.message, "/understudy/config"));
    assert_int_equal(settings.set.count, 1);
}

static void test_two_sources_are_refused(void **state)
{
    (void)state;
    struct event_settings settings;
    struct error err;
    environment_set(VARIABLES("UNDERSTUDY_CONFIG=x: y", "UNDERSTUDY_CONFIG_PARAMETER=/c"));
    assert_int_equal(read_settings(&settings, &err), -1);
    assert_non_null(strstr(err.message, "UNDERSTUDY_CONFIG and UNDERSTUDY_CONFIG_PARAMETER"));
    put_file("understudy.yaml", yaml);
    environment_set(VARIABLES("DEST_REGIONS=us-east-1"));
    assert_int_equal(read_settings(&settings, &err), -1);
    assert_non_null(strstr(err.message, "understudy.yaml and DEST_REGIONS"));
    put_file("params.json", params);
    environment_set(NULL);
    assert_int_equal(read_settings(&settings, &err), -1);
    assert_non_null(strstr(err.message, "understudy.yaml and params.json"));
    assert_int_equal(err.code, ERR_INVALID);
}

/* R28: a configuration that cannot work is an error that names the key, not an answer of 500. */
static void test_r28_what_is_wrong_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *lines[4];
        const char *says;
    } wrong[] = {
        {{"DEST_REGIONS=us-east-1"}, "PARAM_PATHS"},
        {{"PARAM_PATHS=/a"}, "DEST_REGIONS"},
        {{"PARAM_PATHS=/a", "DEST_REGIONS=mars-1", "AWS_REGION=us-east-1"}, "mars-1"},
        {{"PARAM_PATHS=a", "DEST_REGIONS=us-east-1", "AWS_REGION=eu-west-1"}, "PARAM_PATHS"},
        {{"PARAM_PATHS=/a", "DEST_REGIONS=us-east-1", "DRY_RUN=yes"}, "DRY_RUN"},
        {{"UNDERSTUDY_CONFIG=destination: []"}, "destination"},
        {{"UNDERSTUDY_CONFIG={"}, "UNDERSTUDY_CONFIG"},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct event_settings settings;
        struct error err;
        environment_set(wrong[i].lines);
        assert_int_equal(read_settings(&settings, &err), -1);
        assert_int_equal(err.code, ERR_INVALID);
        if (!strstr(err.message, wrong[i].says))
            fail_msg("%s is not in: %s", wrong[i].says, err.message);
    }
}

/* A function that only serves custom resources has none, and that is not found out as an error. */
static void test_no_configuration_is_told_apart(void **state)
{
    (void)state;
    struct event_settings settings;
    struct error err;
    environment_set(VARIABLES("DEST_REGIONS=", "DRY_RUN=true"));
    assert_int_equal(read_settings(&settings, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(event_settings_read(&arena, environment_get, NULL, &settings, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void test_params_of_one_payload(void **state)
{
    (void)state;
    struct event_settings settings;
    struct error err = {0};
    environment_set(VARIABLES("AWS_REGION=ap-south-1", "DRY_RUN=true"));
    assert_int_equal(event_settings_params(&arena, environment_get, params, strlen(params),
                                           &settings, &err),
                     0);
    assert_true(settings.dry_run);
    assert_string_equal(settings.set.items[0].source.region, "ap-south-1");
    assert_int_equal(event_settings_params(&arena, environment_get, "{}", 2, &settings, &err), -1);
    assert_non_null(strstr(err.message, "params.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_article_s_environment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files_of_the_package, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_inline_configuration, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_parameter_is_read_by_the_caller, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_sources_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_r28_what_is_wrong_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_configuration_is_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_params_of_one_payload, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
