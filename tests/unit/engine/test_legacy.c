/* R05, R11, R14, R21, R25, R26, R27, R28: what the earlier tools were told keeps its meaning, and
 * what they lost is said. */
#include "engine/legacy.h"

#include "support/test.h"

static struct arena arena;
static struct legacy legacy;
static struct error err;
static const char *const *environment; /* name, value, ..., NULL */

static int setup(void **state)
{
    (void)state;
    static const char *const nothing[] = {NULL};
    environment = nothing;
    err = (struct error){0};
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static const char *get(const char *name)
{
    for (size_t i = 0; environment[i]; i += 2)
        if (strcmp(environment[i], name) == 0)
            return environment[i + 1];
    return NULL;
}

static int params(const char *text)
{
    return legacy_params(&arena, "params.json", text, strlen(text), get, &legacy, &err);
}

static const struct config *accepted(int result)
{
    if (result != 0 || config_check_set(&arena, &legacy.set, &err) != 0)
        fail_msg("%s", err.message);
    return &legacy.set.items[0];
}

static bool noted(const char *words)
{
    for (size_t i = 0; i < legacy.note_count; i++)
        if (strstr(legacy.notes[i], words))
            return true;
    return false;
}

static void refused(int result, const char *words)
{
    assert_int_equal(result, -1);
    assert_int_equal(err.code, ERR_INVALID);
    if (!strstr(err.message, words))
        fail_msg("'%s' does not say '%s'", err.message, words);
}

static void assert_texts(const char *const *texts, size_t count, const char *want)
{
    struct buf got;
    buf_init(&got, 4096);
    for (size_t i = 0; i < count; i++)
        buf_printf(&got, "%s%s", i ? " " : "", texts[i]);
    assert_string_equal(buf_text(&got), want);
    buf_done(&got);
}

#define MEMBERS(names, paths, region, account, role, key)                                          \
    "{\"Parameters\":[" names "],\"path\":[" paths "],\"destination_region\":\"" region            \
    "\",\"destination_account\":\"" account "\",\"cross_account_role_arn\":\"" role                \
    "\",\"destination_kms_key_id\":\"" key "\"}"
#define ROLE "arn:aws:iam::111122223333:role/copy"

static void test_R14_the_sample_file(void **state)
{
    (void)state;
    static const char *const variables[] = {"AWS_REGION", "ap-south-1", NULL};
    environment = variables;
    const struct config *config = accepted(
        params(MEMBERS("\"foobar\",\"/test\"", "\"/api/\",\"/dev\",\"/my/db//\"", "us-east-1",
                       "111122223333", ROLE, "mrk-9f1b02d7c8da4ad3b79d083bc0000000")));
    assert_string_equal(config->source.region, "ap-south-1");
    assert_texts(config->include, config->include_count, "foobar /test /api/** /dev/** /my/db/**");
    assert_int_equal(config->destination_count, 1);
    const struct config_side *side = &config->destinations[0];
    assert_string_equal(side->region, "us-east-1");
    assert_string_equal(side->account, "111122223333");
    assert_int_equal(side->chain_count, 1);
    assert_string_equal(side->chain[0].role_arn, ROLE);
    assert_string_equal(side->chain[0].session_name, "cross_acct_lambda");
    /* What is under alias/aws/ssm stayed there. */
    assert_int_equal(side->key_count, 1);
    assert_string_equal(side->keys[0].source, "*");
    assert_string_equal(side->keys[0].destination, "mrk-9f1b02d7c8da4ad3b79d083bc0000000");
    assert_false(legacy.dry_run);
    assert_true(noted("below the first level of a path the earlier tool lost"));
    assert_false(noted("destination_kms_key_id is empty"));
}

static void test_R05_R11_within_the_account_without_a_key(void **state)
{
    (void)state;
    static const char *const variables[] = {"AWS_DEFAULT_REGION", "us-gov-west-1", NULL};
    environment = variables;
    const struct config *config =
        accepted(params(MEMBERS("\"a\"", "", "us-gov-east-1", "", ROLE, "")));
    assert_int_equal(config->destinations[0].chain_count, 0);
    assert_int_equal(config->destinations[0].key_count, 0);
    assert_null(config->destinations[0].account);
    assert_true(noted("cross_account_role_arn is not used"));
    assert_true(noted("destination_kms_key_id is empty"));
    assert_false(noted("below the first level"));
    /* null is as good as empty; "/" is everything. */
    config = accepted(params("{\"Parameters\":null,\"path\":[\"/\"],\"destination_region\":"
                             "\"us-gov-east-1\",\"destination_account\":null,"
                             "\"cross_account_role_arn\":null,\"destination_kms_key_id\":null}"));
    assert_texts(config->include, config->include_count, "**");
}

static void test_params_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"[]", "params.json: it must be a JSON object"},
        {"{", "params.json"},
        {"{\"Parameters\":[]}", "path is missing"},
        {MEMBERS("", "", "us-east-1", "", "", ""), "neither Parameters nor path names anything"},
        {MEMBERS("\"a\"", "", "", "", "", ""), "destination_region is empty"},
        {MEMBERS("\"a*\"", "", "us-east-1", "", "", ""), "names have no stars"},
        {MEMBERS("\"a:3\"", "", "us-east-1", "", "", ""), "a version or a label"},
        {MEMBERS("\"arn:aws:ssm:eu-west-1:111122223333:parameter/x\"", "", "us-east-1", "", "", ""),
         "an ARN"},
        {MEMBERS("", "\"api\"", "us-east-1", "", "", ""), "path 'api' must begin with '/'"},
        {MEMBERS("\"a\"", "", "us-east-1", "111122223333", "", ""), "cross_account_role_arn"},
        {MEMBERS("7", "", "us-east-1", "", "", ""), "Parameters must hold texts"},
        {MEMBERS("\"\"", "", "us-east-1", "", "", ""), "Parameters must hold texts"},
        {"{\"Parameters\":\"a\",\"path\":[]}", "Parameters must be a list"},
        {"{\"Parameters\":[\"a\"],\"path\":[],\"destination_region\":7}",
         "destination_region must be a text"},
        {"{\"Parameters\":[\"a\"],\"path\":[],\"destination_region\":\"us-east-1\","
         "\"destination_account\":\"\",\"cross_account_role_arn\":\"\",\"destination_kms_key_id\":"
         "\"\",\"external_id\":\"x\"}",
         "'external_id' is no member"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        refused(params(rows[i].text), rows[i].says);
}

static void test_the_bulk_script(void **state)
{
    (void)state;
    static const char *const variables[] = {"SOURCE_REGION",
                                            "ap-south-1",
                                            "DESTINATION_REGION",
                                            "us-east-1",
                                            "PARAMETER_PREFIXES",
                                            "/prod/app, /prod/api",
                                            "DRY_RUN",
                                            "True",
                                            "AWS_REGION",
                                            "eu-west-1",
                                            NULL};
    environment = variables;
    const struct config *config = accepted(legacy_environment(&arena, get, &legacy, &err));
    assert_string_equal(config->source.region, "ap-south-1");
    assert_string_equal(config->destinations[0].region, "us-east-1");
    assert_texts(config->include, config->include_count,
                 "/prod/app /prod/app/** /prod/api /prod/api/**");
    assert_true(legacy.dry_run);
    assert_true(noted("no DEST_KMS_KEY_ID"));
    assert_null(config->deletes);
}

static void test_R21_R26_the_replicator(void **state)
{
    (void)state;
    static const char *const variables[] = {"DEST_REGIONS",
                                            "us-east-1, eu-west-1,ap-south-1,",
                                            "PARAM_PATHS",
                                            "/prod/app/,/dev",
                                            "DEST_PARAM_TYPE",
                                            "String",
                                            "DEST_KMS_KEY_ID",
                                            "arn:aws:kms:us-east-1:111122223333:key/1234",
                                            "DRY_RUN",
                                            "no",
                                            "AWS_REGION",
                                            "ap-south-1",
                                            NULL};
    environment = variables;
    const struct config *config = accepted(legacy_environment(&arena, get, &legacy, &err));
    assert_string_equal(config->source.region, "ap-south-1");
    assert_int_equal(config->destination_count, 2);
    assert_string_equal(config->destinations[1].region, "eu-west-1");
    assert_texts(config->include, config->include_count, "/prod/app /prod/app/** /dev /dev/**");
    assert_int_equal(config->destinations[1].key_count, 2);
    assert_string_equal(config->destinations[1].keys[1].source, "alias/aws/ssm");
    assert_false(legacy.dry_run);
    assert_true(noted("DEST_REGIONS names ap-south-1, the source itself"));
    assert_true(noted("PARAM_PATHS '/prod/app/' ends in '/'"));
    assert_true(noted("DEST_PARAM_TYPE=String is not followed: the earlier tool wrote secrets"));
    assert_true(noted("a key of us-east-1: it cannot encrypt in eu-west-1"));
    assert_false(noted("it cannot encrypt in us-east-1"));
    assert_true(noted("overwrote descriptions"));
    assert_true(noted("deletes are off here"));
}

/* R18, R23: what the replicator did at once and without bounds is asked for. */
static void test_R18_R23_deletes_and_types_are_asked_for(void **state)
{
    (void)state;
    static const char *const variables[] = {
        "DEST_REGIONS",    "us-east-1",    "PARAM_PATHS", "/prod",           "DEST_DELETES",
        "owned",           "AWS_REGION",   "ap-south-1",  "DEST_MAX_DELETE", "20",
        "DEST_PARAM_TYPE", "SecureString", NULL};
    environment = variables;
    const struct config *config = accepted(legacy_environment(&arena, get, &legacy, &err));
    assert_string_equal(config->deletes, "owned");
    assert_string_equal(config->max_delete, "20");
    assert_string_equal(config->delete_grace, "0");
    assert_string_equal(config->type, "SecureString");
    assert_false(noted("deletes are off here"));
}

/* R26: the root is all; R27: Regions of every partition. */
static void test_R26_R27_the_root_of_another_partition(void **state)
{
    (void)state;
    static const char *const variables[] = {"DEST_REGIONS",
                                            "us-iso-west-1",
                                            "PARAM_PATHS",
                                            "/",
                                            "AWS_REGION",
                                            "us-iso-east-1",
                                            "DRY_RUN",
                                            "",
                                            "DEST_PARAM_TYPE",
                                            "",
                                            NULL};
    environment = variables;
    const struct config *config = accepted(legacy_environment(&arena, get, &legacy, &err));
    assert_texts(config->include, config->include_count, "**");
    assert_true(noted("PARAM_PATHS '/' ends in '/'"));
}

/* R28: a wrong environment is an error, before any call. */
static void test_R28_environments_refused(void **state)
{
    (void)state;
    static const struct {
        const char *variables[9], *says;
    } rows[] = {
        {{NULL}, "SOURCE_REGION is not set"},
        {{"SOURCE_REGION", "a", NULL}, "DESTINATION_REGION is not set"},
        {{"DEST_REGIONS", "us-east-1", "PARAM_PATHS", "", NULL}, "PARAM_PATHS is not set"},
        {{"DEST_REGIONS", "us-east-1", "PARAM_PATHS", "/a", "SOURCE_REGION", "x", NULL},
         "the variables of both earlier tools are set"},
        {{"DEST_REGIONS", ",", "PARAM_PATHS", "/a", NULL}, "DEST_REGIONS names no Region"},
        {{"DEST_REGIONS", "us-east-1", "PARAM_PATHS", " , ", NULL}, "PARAM_PATHS names nothing"},
        {{"DEST_REGIONS", "us-east-1", "PARAM_PATHS", "prod", NULL}, "must begin with '/'"},
        {{"DEST_REGIONS", "us-east-1", "PARAM_PATHS", "/prod/*", NULL}, "no stars"},
        {{"DEST_REGIONS", "us-east-1", "PARAM_PATHS", "/p", "DEST_PARAM_TYPE", "Text", NULL},
         "DEST_PARAM_TYPE 'Text'"},
        {{"DEST_REGIONS", "us-east-1", "PARAM_PATHS", "/p", "DEST_MAX_DELETE", "5", NULL},
         "DEST_MAX_DELETE is set and DEST_DELETES is not"},
        {{"DEST_REGIONS", "a-b-1", "PARAM_PATHS", "/p", "AWS_REGION", "a-b-1", NULL},
         "DEST_REGIONS names only a-b-1, the source itself"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        environment = rows[i].variables;
        refused(legacy_environment(&arena, get, &legacy, &err), rows[i].says);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_R14_the_sample_file),
        CASE(test_R05_R11_within_the_account_without_a_key),
        CASE(test_params_refused),
        CASE(test_the_bulk_script),
        CASE(test_R21_R26_the_replicator),
        CASE(test_R18_R23_deletes_and_types_are_asked_for),
        CASE(test_R26_R27_the_root_of_another_partition),
        CASE(test_R28_environments_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
