#include "engine/mapping.h"
#include "resource/ssm_parameter.h"
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

static struct key_names names; /* of the source */

static const char *map(const struct config_key *keys, size_t count, const char *source)
{
    const struct config_side side = {.keys = (struct config_key *)keys, .key_count = count};
    const char *key = mapping_key(&side, &names, &arena, source, ssm_default_key);
    return key ? key : "(none)";
}

static void keys_are_found_by_alias_id_and_arn(void **state)
{
    (void)state;
    static const char arn[] = "arn:aws:kms:ap-south-1:111111111111:key/1234-5678";
    static const char alias_arn[] = "arn:aws:kms:ap-south-1:111111111111:alias/prod";
    const struct config_key by_id[] = {{"1234-5678", "alias/by-id"}};
    const struct config_key by_arn[] = {{arn, "alias/by-arn"}};
    const struct config_key by_alias[] = {{"alias/prod", "alias/by-alias"}};
    assert_string_equal(map(by_id, 1, "1234-5678"), "alias/by-id");
    assert_string_equal(map(by_id, 1, arn), "alias/by-id");
    assert_string_equal(map(by_arn, 1, arn), "alias/by-arn");
    assert_string_equal(map(by_arn, 1, "1234-5678"), "alias/by-arn");
    assert_string_equal(map(by_alias, 1, alias_arn), "alias/by-alias");
    assert_string_equal(map(by_alias, 1, "alias/prod2"), "(none)");
    /* Two ARNs are the same only as a whole: another account's key is another key. */
    assert_string_equal(map(by_arn, 1, "arn:aws:kms:ap-south-1:222222222222:key/1234-5678"),
                        "(none)");
}

static void an_alias_finds_what_is_under_its_key(void **state)
{
    (void)state;
    static const char arn[] = "arn:aws:kms:ap-south-1:111111111111:key/1234-5678";
    const struct config_key by_alias[] = {{"alias/prod", "alias/x"}, {"*", "alias/rest"}};
    const struct config_key by_id[] = {{"1234-5678", "alias/x"}, {"*", "alias/rest"}};
    assert_string_equal(map(by_alias, 2, arn), "alias/rest");
    key_names_add(&names, &arena, "alias/prod", "1234-5678");
    key_names_add(&names, &arena, "alias/aws/ssm", "9999-0000");
    assert_string_equal(map(by_alias, 2, arn), "alias/x");
    assert_string_equal(map(by_alias, 2, "1234-5678"), "alias/x");
    assert_string_equal(map(by_id, 2, "alias/prod"), "alias/x");
    assert_string_equal(map(by_id, 2, "alias/other"), "alias/rest");
    assert_string_equal(map(by_alias, 2, "9999-0000"), "alias/aws/ssm");
    names = (struct key_names){0};
}

static void a_multi_region_key_is_itself_where_nothing_else_is_said(void **state)
{
    (void)state;
    static const char arn[] = "arn:aws:kms:ap-south-1:111111111111:key/mrk-12";
    const struct config_key star[] = {{"*", "alias/rest"}};
    assert_string_equal(map(NULL, 0, "mrk-12"), "mrk-12");
    assert_string_equal(map(NULL, 0, arn), "mrk-12");
    assert_string_equal(map(star, 1, arn), "alias/rest");
    assert_string_equal(map(NULL, 0, "alias/prod"), "(none)");
    key_names_add(&names, &arena, "alias/prod", "mrk-12");
    assert_string_equal(map(NULL, 0, "alias/prod"), "mrk-12");
    names = (struct key_names){0};
}

static void names_are_read_only_when_texts_do_not_settle_it(void **state)
{
    (void)state;
    struct config_key star[] = {{"*", "alias/dr"}};
    struct config_key two[] = {{"alias/prod", "alias/dr"}, {"*", "alias/dr"}};
    struct config_side side = {.region = "us-east-1"};
    struct config config = {.destinations = &side, .destination_count = 1};
    assert_true(mapping_needs_names(&config, 0, "alias/prod"));
    side.keys = star;
    side.key_count = 1;
    assert_false(mapping_needs_names(&config, 0, "alias/prod"));
    side.keys = two;
    side.key_count = 2;
    assert_false(mapping_needs_names(&config, 0, "alias/prod"));
    assert_true(mapping_needs_names(&config, 0, "1234-5678"));
    assert_false(mapping_needs_names(&config, 1, "alias/dr"));
    assert_true(mapping_needs_names(&config, 1, "1234-5678"));
}

static void a_named_key_goes_before_the_star(void **state)
{
    (void)state;
    const struct config_key keys[] = {{"*", "alias/rest"}, {"alias/a", "alias/b"}};
    assert_string_equal(map(keys, 2, "alias/a"), "alias/b");
    assert_string_equal(map(keys, 2, "alias/c"), "alias/rest");
}

static void awss_own_key_is_itself_unless_named(void **state)
{
    (void)state;
    const struct config_key star[] = {{"*", "alias/rest"}};
    const struct config_key named[] = {{"alias/aws/ssm", "alias/better"}};
    assert_string_equal(map(star, 1, "alias/aws/ssm"), "alias/aws/ssm");
    assert_string_equal(map(star, 1, "arn:aws:kms:ap-south-1:111111111111:alias/aws/ssm"),
                        "alias/aws/ssm");
    assert_string_equal(map(named, 1, "alias/aws/ssm"), "alias/better");
    assert_string_equal(map(NULL, 0, "alias/prod"), "(none)");
}

static void translate(struct config *config, const char *key, struct translation *out)
{
    struct scope scope;
    struct resource source = {.key = "prod/x", .name = "/prod/x"};
    source.fields[SSM_TYPE] = key ? "SecureString" : "String";
    source.fields[SSM_KEY_ID] = key;
    scope_init(&scope, &arena, config);
    mapping_translate(&resource_ssm_parameter, &scope, &config->destinations[0], &arena, &source,
                      out);
}

static void an_unmapped_customer_key_blocks_and_is_never_dropped(void **state)
{
    (void)state;
    struct config_side side = {.region = "us-east-1"};
    struct config config = {.destinations = &side, .destination_count = 1};
    struct translation out;
    translate(&config, "alias/prod", &out);
    assert_non_null(strstr(out.blocked, "alias/prod is not mapped"));
    assert_string_equal(out.want.fields[SSM_KEY_ID], "alias/prod");

    const char *allow[] = {"default-key"};
    config.allow = allow;
    config.allow_count = 1;
    translate(&config, "alias/prod", &out);
    assert_null(out.blocked);
    assert_string_equal(out.want.fields[SSM_KEY_ID], "alias/aws/ssm");
    assert_non_null(strstr(out.loss, "instead of the customer key alias/prod"));
}

static void what_is_mapped_is_noted(void **state)
{
    (void)state;
    struct config_key keys[] = {{"*", "alias/dr"}};
    struct config_side side = {.region = "us-east-1", .keys = keys, .key_count = 1};
    struct config_rename rename = {"/prod", "/dr"};
    struct config config = {.destinations = &side,
                            .destination_count = 1,
                            .rename = &rename,
                            .rename_count = 1};
    struct translation out;
    translate(&config, "alias/prod", &out);
    assert_null(out.blocked);
    assert_string_equal(out.note, "key alias/prod \xe2\x86\x92 alias/dr");
    assert_string_equal(out.want.name, "/dr/x");
    assert_string_equal(out.want.key, "dr/x");
    translate(&config, NULL, &out);
    assert_null(out.note);
    assert_null(out.want.fields[SSM_KEY_ID]);
}

/* R23: DEST_PARAM_TYPE=SecureString. What was plain has a key like any other, found the same way.
 */
static void what_is_plain_is_encrypted_when_told(void **state)
{
    (void)state;
    struct config_key keys[] = {{"alias/aws/ssm", "alias/dr"}};
    struct config_side side = {.region = "us-east-1", .keys = keys, .key_count = 1};
    struct config config = {.destinations = &side, .destination_count = 1, .type = "SecureString"};
    struct translation out;
    translate(&config, NULL, &out);
    assert_null(out.blocked);
    assert_string_equal(out.want.fields[SSM_TYPE], "SecureString");
    assert_string_equal(out.want.fields[SSM_KEY_ID], "alias/dr");
    assert_string_equal(out.note, "type String \xe2\x86\x92 SecureString, "
                                  "key alias/aws/ssm \xe2\x86\x92 alias/dr");
    translate(&config, "alias/prod", &out); /* it is encrypted, and its key stays unmapped */
    assert_non_null(strstr(out.blocked, "alias/prod is not mapped"));
    config.type = "source";
    translate(&config, NULL, &out);
    assert_string_equal(out.want.fields[SSM_TYPE], "String");

    struct resource image = {.fields = {[SSM_TYPE] = "String", [SSM_DATA_TYPE] = "aws:ec2:image"}};
    assert_non_null(ssm_encrypt(&image));
    assert_string_equal(image.fields[SSM_TYPE], "String");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_are_found_by_alias_id_and_arn),
        TEST(an_alias_finds_what_is_under_its_key),
        TEST(a_multi_region_key_is_itself_where_nothing_else_is_said),
        TEST(names_are_read_only_when_texts_do_not_settle_it),
        TEST(a_named_key_goes_before_the_star),
        TEST(awss_own_key_is_itself_unless_named),
        TEST(an_unmapped_customer_key_blocks_and_is_never_dropped),
        TEST(what_is_mapped_is_noted),
        TEST(what_is_plain_is_encrypted_when_told),
    };
    return cmocka_run_group_tests_name("engine/mapping", tests, NULL, NULL);
}
