#include "client/endpoint.h"

#include "aws/region.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "client/session.h"
#include "client/sts.h"
#include "support/fake_transport.h"
#include "support/test.h"

#include <unistd.h>

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

static json_t *read_json(const char *path)
{
    struct error err;
    char *data;
    size_t len;
    json_t *value = NULL;
    if (file_read(&arena, path, 4 << 20, false, &data, &len, &err) != 0 ||
        !(value = json_read(data, len, &err)))
        fail_msg("%s", err.message);
    return value;
}

/* --- a table of our own: one row for each rule and exception ---------------------------------- */

struct row {
    const char *label, *region;
    bool fips, dual;
    const char *host, *signing_region; /* NULL: the Region asked for */
};

static const struct row rows[] = {
    {"ssm", "eu-west-1", 0, 0, "ssm.eu-west-1.amazonaws.com", NULL},
    {"ssm", "us-east-1", 1, 0, "ssm-fips.us-east-1.amazonaws.com", NULL},
    {"ssm", "us-east-1", 0, 1, "ssm.us-east-1.api.aws", NULL},
    {"ssm", "us-east-1", 1, 1, "ssm-fips.us-east-1.api.aws", NULL},
    {"ssm", "cn-north-1", 0, 0, "ssm.cn-north-1.amazonaws.com.cn", NULL},
    {"ssm", "cn-north-1", 0, 1, "ssm.cn-north-1.api.amazonwebservices.com.cn", NULL},
    {"ssm", "us-gov-west-1", 1, 0, "ssm.us-gov-west-1.amazonaws.com", NULL},
    {"ssm", "us-gov-west-1", 1, 1, "ssm-fips.us-gov-west-1.api.aws", NULL},
    {"ssm", "us-iso-east-1", 0, 0, "ssm.us-iso-east-1.c2s.ic.gov", NULL},
    {"ssm", "us-isob-east-1", 0, 0, "ssm.us-isob-east-1.sc2s.sgov.gov", NULL},
    {"ssm", "eu-isoe-west-1", 0, 0, "ssm.eu-isoe-west-1.cloud.adc-e.uk", NULL},
    {"ssm", "us-isof-south-1", 0, 0, "ssm.us-isof-south-1.csp.hci.ic.gov", NULL},
    {"ssm", "eusc-de-east-1", 0, 0, "ssm.eusc-de-east-1.amazonaws.eu", NULL},
    {"ssm", "xx-newland-9", 0, 0, "ssm.xx-newland-9.amazonaws.com", NULL},
    {"kms", "us-gov-west-1", 1, 0, "kms-fips.us-gov-west-1.amazonaws.com", NULL},
    {"events", "us-gov-east-1", 1, 1, "events.us-gov-east-1.api.aws", NULL},
    {"secretsmanager", "us-east-1", 0, 1, "secretsmanager.us-east-1.amazonaws.com", NULL},
    {"secretsmanager", "us-east-1", 1, 1, "secretsmanager-fips.us-east-1.amazonaws.com", NULL},
    {"secretsmanager", "cn-north-1", 0, 1, "secretsmanager.cn-north-1.amazonaws.com.cn", NULL},
    {"secretsmanager", "eusc-de-east-1", 0, 1,
     "secretsmanager.eusc-de-east-1.api.amazonwebservices.eu", NULL},
    {"sts", "eu-west-1", 0, 0, "sts.eu-west-1.amazonaws.com", NULL},
    {"sts", "aws-global", 0, 0, "sts.amazonaws.com", "us-east-1"},
    {"sts", "us-gov-west-1", 1, 0, "sts.us-gov-west-1.amazonaws.com", NULL},
    {"iam", "eu-west-1", 0, 0, "iam.amazonaws.com", "us-east-1"},
    {"iam", "eu-west-1", 1, 0, "iam-fips.amazonaws.com", "us-east-1"},
    {"iam", "eu-west-1", 0, 1, "iam.global.api.aws", "us-east-1"},
    {"iam", "cn-northwest-1", 0, 0, "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"},
    {"iam", "us-gov-east-1", 0, 0, "iam.us-gov.amazonaws.com", "us-gov-west-1"},
    {"iam", "us-iso-west-1", 0, 1, "iam.api.aws.ic.gov", "us-iso-east-1"},
    {"organizations", "eu-west-1", 0, 0, "organizations.us-east-1.amazonaws.com", "us-east-1"},
    {"organizations", "us-gov-east-1", 1, 0, "organizations.us-gov-west-1.amazonaws.com",
     "us-gov-west-1"},
    {"organizations", "eu-west-1", 0, 1, "organizations.eu-west-1.api.aws", NULL},
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *row = &rows[i];
        const struct aws_service service = {.name = row->label, .host_label = row->label};
        const struct endpoint_options options = {.fips = row->fips, .dual_stack = row->dual};
        struct endpoint out;
        struct error err;
        if (endpoint_resolve(&arena, &service, row->region, &options, &out, &err) != 0)
            fail_msg("%s %s: %s", row->label, row->region, err.message);
        assert_string_equal(out.url, arena_printf(&arena, "https://%s", row->host));
        assert_string_equal(out.signing_region,
                            row->signing_region ? row->signing_region : row->region);
        assert_false(out.custom);
    }
}

static void test_sts_legacy(void **state)
{
    (void)state;
    static const struct {
        const char *region;
        bool fips;
        const char *url;
    } legacy[] = {
        {"eu-west-1", false, "https://sts.amazonaws.com"},
        {"eu-west-1", true, "https://sts-fips.eu-west-1.amazonaws.com"},
        {"ap-northeast-2", false, "https://sts.ap-northeast-2.amazonaws.com"},
        {"af-south-1", false, "https://sts.af-south-1.amazonaws.com"},
        {"cn-north-1", false, "https://sts.cn-north-1.amazonaws.com.cn"},
    };
    for (size_t i = 0; i < COUNT(legacy); i++) {
        const struct endpoint_options options = {.sts_legacy = true, .fips = legacy[i].fips};
        struct endpoint out;
        assert_int_equal(endpoint_resolve(&arena, &sts_service, legacy[i].region, &options, &out,
                                          NULL),
                         0);
        assert_string_equal(out.url, legacy[i].url);
    }
    const struct aws_service ssm = {.name = "ssm", .host_label = "ssm"};
    const struct endpoint_options options = {.sts_legacy = true};
    struct endpoint out;
    assert_int_equal(endpoint_resolve(&arena, &ssm, "eu-west-1", &options, &out, NULL), 0);
    assert_string_equal(out.url, "https://ssm.eu-west-1.amazonaws.com");
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *region;
        struct endpoint_options options;
    } bad[] = {
        {NULL, {0}},
        {"", {0}},
        {"us-east-1 # mine", {0}},
        {"evil.example.com/", {0}},
        {"US-EAST-1", {0}},
        {"us-east-1\n", {0}},
        {"us-east-1", {.url = "https://x.example", .fips = true}},
        {"us-east-1", {.url = "https://x.example", .dual_stack = true}},
        {"us-east-1", {.url = "ftp://x.example"}},
        {"us-east-1", {.url = "x.example:4566"}},
        {"us-east-1", {.url = "https://x.example/?a=b"}},
        {"us-east-1", {.url = "https://user:word@x.example"}},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct endpoint out;
        struct error err = {0};
        if (endpoint_resolve(&arena, &sts_service, bad[i].region, &bad[i].options, &out, &err) == 0)
            fail_msg("row %zu gives %s", i, out.url);
        assert_int_equal(err.code, ERR_INVALID);
    }
}

static void test_custom(void **state)
{
    (void)state;
    const struct endpoint_options options = {.url = "http://127.0.0.1:4566/"};
    struct endpoint out;
    assert_int_equal(endpoint_resolve(&arena, &sts_service, "eu-west-1", &options, &out, NULL), 0);
    assert_string_equal(out.url, "http://127.0.0.1:4566");
    assert_string_equal(out.signing_region, "eu-west-1");
    assert_true(out.custom);
}

/* --- AWS's own cases, when the models are beside the source ----------------------------------- */

static const struct {
    const char *folder, *label;
} services[] = {
    {"accessanalyzer", "access-analyzer"},
    {"acm", "acm"},
    {"acm-pca", "acm-pca"},
    {"cloudformation", "cloudformation"},
    {"cloudtrail", "cloudtrail"},
    {"cognito-identity", "cognito-identity"},
    {"cognito-idp", "cognito-idp"},
    {"events", "events"},
    {"guardduty", "guardduty"},
    {"iam", "iam"},
    {"identitystore", "identitystore"},
    {"kms", "kms"},
    {"lambda", "lambda"},
    {"logs", "logs"},
    {"organizations", "organizations"},
    {"resourcegroupstaggingapi", "tagging"},
    {"secretsmanager", "secretsmanager"},
    {"sqs", "sqs"},
    {"ssm", "ssm"},
    {"sso-admin", "sso"},
    {"sts", "sts"},
};

/* Passed over: what this client does not do (EventBridge's multi-Region endpoints, signed with
 * SigV4a, and ACM's ACME operations, which have a host of their own), and ACM's leave to combine a
 * custom URL with FIPS or dual-stack, which the rule sets of all others refuse: so do we. */
static bool applies(const char *label, const json_t *params)
{
    bool variant =
        json_bool_or(params, "UseFIPS", false) || json_bool_or(params, "UseDualStack", false);
    return !json_object_get(params, "EndpointId") &&
           strcmp(json_text_or(params, "ServiceType", "ACM"), "ACM") == 0 &&
           !(strcmp(label, "acm") == 0 && variant && json_object_get(params, "Endpoint"));
}

/* AWS's rules take a custom URL without a Region; signing needs one here. */
static const char *region_of(const json_t *params)
{
    const char *region = json_text(params, "Region");
    return region || !json_text(params, "Endpoint") ? region : "us-east-1";
}

static void check_case(const char *label, const json_t *test)
{
    const json_t *params = json_object_get(test, "params"),
                 *expect = json_object_get(test, "expect");
    const json_t *endpoint = json_object_get(expect, "endpoint");
    const char *name = json_text_or(test, "documentation", "");
    const struct aws_service service = {.name = label, .host_label = label};
    const struct endpoint_options options = {
        .url = json_text(params, "Endpoint"),
        .fips = json_bool_or(params, "UseFIPS", false),
        .dual_stack = json_bool_or(params, "UseDualStack", false),
        .sts_legacy = json_bool_or(params, "UseGlobalEndpoint", false),
    };
    struct endpoint out;
    struct error err;
    int result = endpoint_resolve(&arena, &service, region_of(params), &options, &out, &err);
    if (!endpoint) {
        if (result == 0)
            fail_msg("%s: %s: gives %s", label, name, out.url);
        return;
    }
    if (result != 0)
        fail_msg("%s: %s: %s", label, name, err.message);
    if (strcmp(out.url, json_text(endpoint, "url")) != 0)
        fail_msg("%s: %s: gives %s", label, name, out.url);
    const json_t *scheme =
        json_array_get(json_object_get(json_object_get(endpoint, "properties"), "authSchemes"), 0);
    const char *signing = json_text(scheme, "signingRegion");
    if (strcmp(out.signing_region, signing ? signing : region_of(params)) != 0)
        fail_msg("%s: %s: signed for %s", label, name, out.signing_region);
}

static void test_cases_of_aws(void **state)
{
    (void)state;
    const char *shared = getenv("UNDERSTUDY_SHARED");
    size_t ran = 0, passed_over = 0;
    if (!shared)
        shared = SOURCE_ROOT "/../shared";
    if (access(shared, R_OK) != 0) {
        print_message("no models beside the source: AWS's cases are left out\n");
        skip();
    }
    for (size_t i = 0; i < COUNT(services); i++) {
        json_t *file = read_json(arena_printf(&arena, "%s/aws/models/%s/endpoint-tests-1.json",
                                              shared, services[i].folder));
        const json_t *cases = json_object_get(file, "testCases");
        for (size_t at = 0; at < json_array_size(cases); at++) {
            const json_t *test = json_array_get(cases, at);
            if (applies(services[i].label, json_object_get(test, "params"))) {
                check_case(services[i].label, test);
                ran++;
            } else {
                passed_over++;
            }
        }
        json_decref(file);
    }
    print_message("%zu cases, %zu passed over\n", ran, passed_over);
    assert_true(ran > 950);
    assert_true(passed_over < 20);
}

/* --- configured URLs: AWS's cases, through a session ------------------------------------------ */

static void write_members(struct buf *out, const json_t *object, const char *indent)
{
    for (void *it = json_object_iter((json_t *)object); it;
         it = json_object_iter_next((json_t *)object, it)) {
        const json_t *value = json_object_iter_value(it);
        buf_printf(out, "%s%s = %s\n", indent, json_object_iter_key(it),
                   json_is_string(value) ? json_string_value(value) : "");
        if (json_is_object(value))
            write_members(out, value, "  ");
    }
}

static void write_sections(struct buf *out, const json_t *sections, const char *word)
{
    for (void *it = json_object_iter((json_t *)sections); it;
         it = json_object_iter_next((json_t *)sections, it)) {
        buf_printf(out, "[%s %s]\n", word, json_object_iter_key(it));
        write_members(out, json_object_iter_value(it), "");
    }
}

static const char **environment_of(const json_t *variables, const char *config)
{
    const char **out = arena_calloc(&arena, json_object_size(variables) + 3, sizeof *out);
    size_t count = 0;
    out[count++] = arena_printf(&arena, "AWS_CONFIG_FILE=%s", config);
    out[count++] = "AWS_SHARED_CREDENTIALS_FILE=/nonexistent";
    for (void *it = json_object_iter((json_t *)variables); it;
         it = json_object_iter_next((json_t *)variables, it))
        out[count++] = arena_printf(&arena, "%s=%s", json_object_iter_key(it),
                                    json_string_value(json_object_iter_value(it)));
    return out;
}

static void check_configured(const json_t *suite, const json_t *test, const char *config)
{
    const json_t *client =
        json_object_get(json_object_get(suite, "client_configs"), json_text(test, "client_config"));
    const json_t *variables =
        json_object_get(json_object_get(suite, "environments"), json_text(test, "environment"));
    struct fake_transport transport;
    struct error err;
    fake_transport_init(&transport);
    const struct session_options options = {.profile = json_text(test, "profile"),
                                            .endpoint_url = json_text(client, "endpoint_url"),
                                            .ignore_configured_endpoints = json_bool_or(
                                                client, "ignore_configured_endpoint_urls", false),
                                            .transport = &transport.transport,
                                            .environment = environment_of(variables, config)};
    const char *name = json_text(test, "service");
    const struct aws_service service = {.name = name,
                                        .host_label = name,
                                        .signing_name = name,
                                        .protocol = AWS_JSON_1_1};
    struct session *session = session_new(&options, &err);
    struct aws_client *made = session ? session_client(session, &service, NULL, true, &err) : NULL;
    if (!made)
        fail_msg("%s: %s", json_text(test, "name"), err.message);
    const char *want = json_text(json_object_get(test, "output"), "endpointUrl");
    if (strcmp(aws_client_endpoint(made), want) != 0)
        fail_msg("%s: gives %s", json_text(test, "name"), aws_client_endpoint(made));
    assert_int_equal(transport.count, 0);
    session_free(session);
    fake_transport_done(&transport);
}

static void test_configured_urls(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    char *config = arena_printf(&arena, "%s/endpoint-XXXXXX", tmp ? tmp : "/tmp");
    int fd = mkstemp(config);
    assert_true(fd >= 0);
    json_t *file =
        read_json(SOURCE_ROOT "/tests/unit/client/endpoint-url-tests/profile-tests.json");
    const json_t *suite = json_array_get(json_object_get(file, "testSuites"), 0);
    struct buf text;
    buf_init(&text, 1 << 16);
    write_sections(&text, json_object_get(suite, "profiles"), "profile");
    write_sections(&text, json_object_get(suite, "services"), "services");
    assert_int_equal(file_write_all(fd, text.data, text.len), 0);
    close(fd);
    const json_t *tests = json_object_get(suite, "endpointUrlTests");
    assert_int_equal(json_array_size(tests), 39);
    for (size_t i = 0; i < json_array_size(tests); i++)
        check_configured(suite, json_array_get(tests, i), config);
    unlink(config);
    buf_done(&text);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_table, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sts_legacy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_custom, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cases_of_aws, setup, teardown),
        cmocka_unit_test_setup_teardown(test_configured_urls, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
