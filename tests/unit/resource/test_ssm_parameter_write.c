#include "resource/ssm_parameter.h"
#include "support/fake_transport.h"
#include "support/test.h"

#include "base/json.h"

static struct arena arena;
static struct fake_transport transport;
static struct session *session;
static struct resource_ctx ctx;

static int setup(void **state)
{
    static const char *const environment[] = {"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
                                              "AWS_SECRET_ACCESS_KEY=secret", NULL};
    (void)state;
    json_setup();
    arena_init(&arena);
    fake_transport_init(&transport);
    const struct session_options options = {
        .region = "eu-west-1",
        .endpoint_url = "http://localhost:1",
        .transport = &transport.transport,
        .no_wait = true,
        .environment = environment,
    };
    session = session_new(&options, NULL);
    assert_non_null(session);
    ctx = (struct resource_ctx){session, "eu-west-1", false, &arena, NULL, NULL};
    for (int i = 0; i < 4; i++)
        fake_transport_answer(&transport, 200, NULL, "{\"Version\":1}");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    session_free(session);
    fake_transport_done(&transport);
    arena_done(&arena);
    return 0;
}

static const char *operation_of(unsigned index)
{
    return fake_request_header(fake_transport_request(&transport, index), "X-Amz-Target");
}

static json_t *sent(unsigned index)
{
    const struct fake_request *request = fake_transport_request(&transport, index);
    assert_non_null(request);
    json_t *body = json_read(request->body, strlen(request->body), NULL);
    assert_non_null(body);
    return body;
}

static struct resource secret(void)
{
    static const struct tag tags[] = {{"team", "orders"}};
    struct resource resource = {.key = "prod/x",
                                .name = "/prod/x",
                                .version = 3,
                                .tags = tags,
                                .tag_count = 1,
                                .value = "hidden",
                                .value_len = 6};
    resource.fields[SSM_TYPE] = "SecureString";
    resource.fields[SSM_TIER] = "Standard";
    resource.fields[SSM_DATA_TYPE] = "text";
    resource.fields[SSM_KEY_ID] = "alias/dr";
    return resource;
}

static void a_new_one_is_made_with_its_tags_and_without_overwrite(void **state)
{
    (void)state;
    struct error err = {0};
    int64_t version = 0;
    struct diff diff = {0};
    struct resource want = secret();
    assert_int_equal(ssm_write(&ctx, &want, NULL, &diff, &version, &err), 0);
    assert_int_equal(transport.count, 1);
    assert_string_equal(operation_of(0), "AmazonSSM.PutParameter");
    json_t *body = sent(0);
    assert_string_equal(json_text(body, "Name"), "/prod/x");
    assert_string_equal(json_text(body, "Value"), "hidden");
    assert_string_equal(json_text(body, "Type"), "SecureString");
    assert_string_equal(json_text(body, "Tier"), "Standard");
    assert_string_equal(json_text(body, "DataType"), "text");
    assert_string_equal(json_text(body, "KeyId"), "alias/dr");
    assert_null(json_object_get(body, "Overwrite"));
    assert_null(json_object_get(body, "Description"));
    assert_null(json_object_get(body, "Policies"));
    assert_int_equal(json_array_size(json_object_get(body, "Tags")), 1);
    json_decref(body);
}

static void an_overwrite_sends_everything_and_clears_what_the_source_has_not(void **state)
{
    (void)state;
    struct error err = {0};
    int64_t version = 0;
    struct resource want = secret(), have = secret();
    struct diff diff;
    have.name = "/prod/x";
    have.fields[SSM_DESCRIPTION] = "old";
    have.fields[SSM_ALLOWED_PATTERN] = ".*";
    have.fields[SSM_POLICIES] = "[{\"Type\":\"Expiration\"}]";
    resource_compare(&resource_ssm_parameter, &arena, &want, &have, &diff);
    assert_int_equal(ssm_write(&ctx, &want, &have, &diff, &version, &err), 0);
    assert_int_equal(transport.count, 1); /* the tags are equal: no call for them */
    json_t *body = sent(0);
    assert_true(json_is_true(json_object_get(body, "Overwrite")));
    assert_null(json_object_get(body, "Tags"));
    assert_string_equal(json_text(body, "Description"), "");
    assert_string_equal(json_text(body, "AllowedPattern"), "");
    assert_string_equal(json_text(body, "Policies"), "[{}]");
    assert_string_equal(json_text(body, "KeyId"), "alias/dr");
    json_decref(body);
}

static void tags_alone_are_changed_without_a_put(void **state)
{
    (void)state;
    struct error err = {0};
    int64_t version = 0;
    static const struct tag have_tags[] = {{"old", "1"}, {"team", "billing"}};
    struct resource want = secret(), have = secret();
    struct diff diff;
    want.value = NULL; /* not needed */
    have.tags = have_tags;
    have.tag_count = 2;
    resource_compare(&resource_ssm_parameter, &arena, &want, &have, &diff);
    assert_int_equal(ssm_write(&ctx, &want, &have, &diff, &version, &err), 0);
    assert_int_equal(transport.count, 2);
    assert_string_equal(operation_of(0), "AmazonSSM.RemoveTagsFromResource");
    assert_string_equal(operation_of(1), "AmazonSSM.AddTagsToResource");
    json_t *removal = sent(0), *addition = sent(1);
    assert_string_equal(json_string_value(json_array_get(json_object_get(removal, "TagKeys"), 0)),
                        "old");
    assert_int_equal(json_array_size(json_object_get(removal, "TagKeys")), 1);
    assert_string_equal(json_text(json_array_get(json_object_get(addition, "Tags"), 0), "Value"),
                        "orders");
    json_decref(removal);
    json_decref(addition);
}

static void several_are_deleted_in_one_call_and_the_absent_are_told(void **state)
{
    (void)state;
    struct error err = {0};
    struct resource items[] = {{.key = "a", .name = "/a"}, {.key = "b/c", .name = "/b/c"}};
    fake_transport_done(&transport);
    fake_transport_init(&transport);
    fake_transport_answer(&transport, 200, NULL,
                          "{\"DeletedParameters\":[\"/b/c\"],\"InvalidParameters\":[\"/a\"]}");
    assert_int_equal(ssm_remove(&ctx, items, 2, &err), 0);
    assert_string_equal(operation_of(0), "AmazonSSM.DeleteParameters");
    assert_string_equal(fake_transport_request(&transport, 0)->body,
                        "{\"Names\":[\"/a\",\"/b/c\"]}");
    assert_true(items[0].missing);
    assert_false(items[1].missing);
}

static void nothing_is_put_without_a_value(void **state)
{
    (void)state;
    struct error err = {0};
    int64_t version = 0;
    struct diff diff = {.fields = 1};
    struct resource want = secret(), have = secret();
    want.value = NULL;
    assert_int_equal(ssm_write(&ctx, &want, &have, &diff, &version, &err), -1);
    assert_int_equal(transport.count, 0);
}

static const struct judge_options options = {.source_region = "ap-south-1", .region = "eu-west-1"};

static void downgrades_are_refused_until_they_are_named(void **state)
{
    (void)state;
    static const char *const plain_text[] = {"plain-text", NULL};
    static const char *const default_key[] = {"default-key", NULL};
    struct judge_options allowing = options;
    struct verdict verdict;
    struct resource want = secret(), have = secret();

    ssm_judge(&arena, &want, &have, &options, &verdict);
    assert_null(verdict.blocked);
    assert_null(verdict.loss);

    want.fields[SSM_TYPE] = "String";
    want.fields[SSM_KEY_ID] = NULL;
    ssm_judge(&arena, &want, &have, &options, &verdict);
    assert_non_null(strstr(verdict.blocked, "plain-text"));
    allowing.allowed = plain_text;
    ssm_judge(&arena, &want, &have, &allowing, &verdict);
    assert_null(verdict.blocked);
    ssm_judge(&arena, &have, &want, &options, &verdict); /* the other way is no downgrade */
    assert_null(verdict.blocked);

    want = secret();
    want.fields[SSM_KEY_ID] = ssm_default_key;
    ssm_judge(&arena, &want, &have, &options, &verdict);
    assert_non_null(strstr(verdict.blocked, "default-key"));
    allowing.allowed = default_key;
    ssm_judge(&arena, &want, &have, &allowing, &verdict);
    assert_null(verdict.blocked);
}

static void a_tier_is_never_lowered_and_the_plan_says_so(void **state)
{
    (void)state;
    struct verdict verdict;
    struct resource want = secret(), have = secret();
    have.fields[SSM_TIER] = "Advanced";
    ssm_judge(&arena, &want, &have, &options, &verdict);
    assert_null(verdict.blocked);
    assert_non_null(strstr(verdict.loss, "Advanced"));
    assert_string_equal(want.fields[SSM_TIER], "Advanced");
    want.fields[SSM_TIER] = "Advanced";
    have.fields[SSM_TIER] = "Standard";
    ssm_judge(&arena, &want, &have, &options, &verdict);
    assert_null(verdict.loss);
}

static void images_of_a_region_are_blocked_unless_allowed(void **state)
{
    (void)state;
    static const char *const images[] = {"aws:ec2:image", NULL};
    struct judge_options allowing = options;
    struct verdict verdict;
    struct resource want = secret();
    want.fields[SSM_DATA_TYPE] = "aws:ec2:image";
    ssm_judge(&arena, &want, NULL, &options, &verdict);
    assert_non_null(strstr(verdict.blocked, "ap-south-1"));
    allowing.allowed = images;
    ssm_judge(&arena, &want, NULL, &allowing, &verdict);
    assert_null(verdict.blocked);
}

static void a_name_must_fit_the_region_it_goes_to(void **state)
{
    (void)state;
    struct verdict verdict;
    struct resource want = secret();
    struct judge_options longer = options;
    char key[1024];
    memset(key, 'x', sizeof key);
    /* arn:aws:ssm:eu-west-1:111111111111:parameter/ has 45 characters. */
    key[1011 - 45] = '\0';
    want.key = key;
    ssm_judge(&arena, &want, NULL, &options, &verdict);
    assert_null(verdict.blocked);
    longer.region = "ap-southeast-1";
    ssm_judge(&arena, &want, NULL, &longer, &verdict);
    assert_non_null(strstr(verdict.blocked, "5 characters too long"));
    want.key = "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16";
    ssm_judge(&arena, &want, NULL, &options, &verdict);
    assert_non_null(strstr(verdict.blocked, "16 levels"));
    want.key = "AwSome";
    ssm_judge(&arena, &want, NULL, &options, &verdict);
    assert_non_null(verdict.blocked);
}

static void names_of_aws_are_reserved_by_their_beginning(void **state)
{
    (void)state;
    assert_true(ssm_reserved("aws/service/x"));
    assert_true(ssm_reserved("AWSome/x"));
    assert_true(ssm_reserved("ssm-x"));
    assert_false(ssm_reserved("prod/aws"));
    assert_false(ssm_reserved("aw"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_one_is_made_with_its_tags_and_without_overwrite),
        TEST(an_overwrite_sends_everything_and_clears_what_the_source_has_not),
        TEST(tags_alone_are_changed_without_a_put),
        TEST(several_are_deleted_in_one_call_and_the_absent_are_told),
        TEST(nothing_is_put_without_a_value),
        TEST(downgrades_are_refused_until_they_are_named),
        TEST(a_tier_is_never_lowered_and_the_plan_says_so),
        TEST(images_of_a_region_are_blocked_unless_allowed),
        TEST(a_name_must_fit_the_region_it_goes_to),
        TEST(names_of_aws_are_reserved_by_their_beginning),
    };
    return cmocka_run_group_tests_name("resource/ssm_parameter_write", tests, NULL, NULL);
}
