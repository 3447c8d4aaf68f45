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
    struct error err = {0};
    session = session_new(&options, &err);
    if (!session)
        fail_msg("%s", err.message);
    ctx = (struct resource_ctx){session, "eu-west-1", true, &arena, NULL, NULL};
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

static const struct resource_kind *const kind = &resource_ssm_parameter;

/* What a listing gave, as lines "key version type tier keyid policies". */
struct seen {
    char text[4096];
    size_t len, count;
};

static int see(const struct resource *resource, void *arg, struct error *err)
{
    struct seen *seen = arg;
    (void)err;
    const char *const *fields = resource->fields;
    seen->len += (size_t)snprintf(seen->text + seen->len, sizeof seen->text - seen->len,
                                  "%s %s %lld %s %s %s %s\n", resource->key, resource->name,
                                  (long long)resource->version, fields[SSM_TYPE], fields[SSM_TIER],
                                  fields[SSM_KEY_ID] ? fields[SSM_KEY_ID] : "-",
                                  fields[SSM_POLICIES] ? fields[SSM_POLICIES] : "-");
    seen->count++;
    return 0;
}

static const char *body_of(unsigned index)
{
    const struct fake_request *request = fake_transport_request(&transport, index);
    return request ? request->body : "(none)";
}

static void answer(const char *body)
{
    fake_transport_answer(&transport, 200, "Content-Type: application/x-amz-json-1.1", body);
}

static void an_empty_page_is_not_the_end(void **state)
{
    (void)state;
    struct error err = {0};
    struct seen seen = {0};
    const struct resource_filter everything = {0};
    answer("{\"Parameters\":[{\"Name\":\"foo\",\"Type\":\"String\",\"Version\":3}],"
           "\"NextToken\":\"t1\"}");
    answer("{\"Parameters\":[],\"NextToken\":\"t2\"}");
    answer("{\"Parameters\":[{\"Name\":\"/a/b\",\"Type\":\"SecureString\",\"Version\":1,"
           "\"Tier\":\"Advanced\",\"Policies\":[]},"
           "{\"Name\":\"/a/c\",\"Type\":\"SecureString\",\"Version\":1,\"KeyId\":\"alias/x\"}]}");
    assert_int_equal(kind->list(&ctx, &everything, see, &seen, &err), 0);
    assert_int_equal(transport.count, 3);
    assert_string_equal(seen.text, "foo foo 3 String Standard - -\n"
                                   "a/b /a/b 1 SecureString Advanced alias/aws/ssm -\n"
                                   "a/c /a/c 1 SecureString Standard alias/x -\n");
    assert_string_equal(body_of(0), "{\"MaxResults\":50}");
    assert_non_null(strstr(body_of(2), "\"NextToken\":\"t2\""));
}

static void policies_are_rebuilt_from_their_texts_in_a_fixed_order(void **state)
{
    (void)state;
    const char *reads =
        "[{\"PolicyText\":\"{\\\"Version\\\":\\\"1.0\\\", "
        "\\\"Type\\\":\\\"NoChangeNotification\\\","
        "\\\"Attributes\\\":{\\\"After\\\":\\\"60\\\",\\\"Unit\\\":\\\"Days\\\"}}\","
        "\"PolicyType\":\"NoChangeNotification\",\"PolicyStatus\":\"Pending\"},"
        "{\"PolicyText\":\"{\\\"Type\\\":\\\"Expiration\\\",\\\"Version\\\":\\\"1.0\\\","
        "\\\"Attributes\\\":{\\\"Timestamp\\\":\\\"2035-12-31T23:59:59.000Z\\\"}}\","
        "\"PolicyType\":\"Expiration\",\"PolicyStatus\":\"Finished\"}]";
    const char *wanted =
        "[{\"Attributes\":{\"After\":\"60\",\"Unit\":\"Days\"},\"Type\":\"NoChangeNotification\","
        "\"Version\":\"1.0\"},"
        "{\"Attributes\":{\"Timestamp\":\"2035-12-31T23:59:59.000Z\"},\"Type\":\"Expiration\","
        "\"Version\":\"1.0\"}]";
    json_t *policies = json_read(reads, strlen(reads), NULL);
    assert_string_equal(ssm_policies_text(&arena, policies), wanted);
    json_t *turned = json_array();
    json_array_append(turned, json_array_get(policies, 1));
    json_array_append(turned, json_array_get(policies, 0));
    assert_string_equal(ssm_policies_text(&arena, turned), wanted);
    json_decref(turned);
    json_decref(policies);
    policies = json_array();
    assert_null(ssm_policies_text(&arena, policies));
    json_decref(policies);
}

static void filters_are_batched_and_root_names_asked_for_in_both_spellings(void **state)
{
    (void)state;
    const char *names[60];
    struct error err = {0};
    struct seen seen = {0};
    static const char *const prefixes[] = {"prod/app/", "roo"};
    for (size_t i = 0; i < COUNT(names); i++)
        names[i] = arena_printf(&arena, "x%zu", i);
    const struct resource_filter filter = {prefixes, 2, names, COUNT(names)};
    for (int i = 0; i < 4; i++)
        answer("{\"Parameters\":[]}");
    assert_int_equal(kind->list(&ctx, &filter, see, &seen, &err), 0);
    assert_int_equal(transport.count, 4); /* one for the prefixes, 25 names at a time */
    assert_non_null(strstr(body_of(0), "{\"Key\":\"Name\",\"Option\":\"BeginsWith\",\"Values\":["
                                       "\"/prod/app/\",\"/roo\",\"roo\"]}"));
    assert_non_null(strstr(body_of(1), "\"Option\":\"Equals\",\"Values\":[\"/x0\",\"x0\""));
    assert_non_null(strstr(body_of(3), "\"/x59\",\"x59\"]"));
}

static void values_are_matched_by_name_and_the_missing_are_told(void **state)
{
    (void)state;
    struct error err = {0};
    struct resource items[] = {{.key = "z/a", .name = "/z/a"},
                               {.key = "gone", .name = "gone"},
                               {.key = "root", .name = "root"},
                               {.key = "dropped", .name = "dropped"}};
    /* Sorted by the service, one spelled with a slash, one in neither list. */
    answer(
        "{\"Parameters\":[{\"Name\":\"/root\",\"Value\":\"two\",\"Version\":2},"
        "{\"Name\":\"/z/a\",\"Value\":\"one\",\"Version\":7}],\"InvalidParameters\":[\"gone\"]}");
    assert_int_equal(kind->read(&ctx, items, COUNT(items), &err), 0);
    assert_string_equal(items[0].value, "one");
    assert_int_equal(items[0].version, 7);
    assert_true(items[1].missing);
    assert_false(items[2].missing);
    assert_string_equal(items[2].value, "two");
    assert_true(items[3].missing);
    assert_non_null(strstr(body_of(0), "\"WithDecryption\":true"));
}

struct tags_seen {
    char text[1024];
};

static int see_tags(const char *key, const struct tag *tags, size_t count, void *arg,
                    struct error *err)
{
    struct tags_seen *seen = arg;
    (void)err;
    size_t len = strlen(seen->text);
    len += (size_t)snprintf(seen->text + len, sizeof seen->text - len, "%s:", key);
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(seen->text + len, sizeof seen->text - len, " %s=%s", tags[i].key,
                                tags[i].value);
    snprintf(seen->text + len, sizeof seen->text - len, "\n");
    return 0;
}

static void tags_are_found_by_arn_sorted_and_without_those_of_aws(void **state)
{
    (void)state;
    struct error err = {0};
    struct tags_seen seen = {0};
    answer("{\"PaginationToken\":\"p\",\"ResourceTagMappingList\":["
           "{\"ResourceARN\":\"arn:aws:ssm:eu-west-1:111111111111:parameter/prod/app/X\",\"Tags\":["
           "{\"Key\":\"team\",\"Value\":\"a\"},{\"Key\":\"aws:cloudformation:stack-id\",\"Value\":"
           "\"s\"},{\"Key\":\"env\",\"Value\":\"\"}]},"
           "{\"ResourceARN\":\"arn:aws:ssm:eu-west-1:111111111111:document/prod\",\"Tags\":["
           "{\"Key\":\"no\",\"Value\":\"no\"}]}]}");
    answer("{\"PaginationToken\":\"\",\"ResourceTagMappingList\":["
           "{\"ResourceARN\":\"arn:aws:ssm:eu-west-1:111111111111:parameter/root\",\"Tags\":["
           "{\"Key\":\"k\",\"Value\":\"v\"}]}]}");
    assert_int_equal(kind->list_tags(&ctx, see_tags, &seen, &err), 0);
    assert_string_equal(seen.text, "prod/app/X: env= team=a\nroot: k=v\n");
    assert_non_null(strstr(body_of(0), "\"ResourceTypeFilters\":[\"ssm:parameter\"]"));
    assert_non_null(strstr(body_of(1), "\"PaginationToken\":\"p\""));
}

static void describe_finds_the_other_spelling_and_reads_the_tags(void **state)
{
    (void)state;
    struct error err = {0};
    struct resource found;
    answer("{\"Parameters\":[{\"Name\":\"/root2\",\"Type\":\"String\"},"
           "{\"Name\":\"/root\",\"Type\":\"String\",\"Version\":4}]}");
    answer("{\"TagList\":[{\"Key\":\"b\",\"Value\":\"2\"},{\"Key\":\"a\",\"Value\":\"1\"}]}");
    assert_int_equal(kind->describe(&ctx, "root", &found, &err), 0);
    assert_string_equal(found.name, "/root");
    assert_int_equal(found.version, 4);
    assert_int_equal(found.tag_count, 2);
    assert_string_equal(found.tags[0].key, "a");
    answer("{\"Parameters\":[]}");
    assert_int_equal(kind->describe(&ctx, "absent", &found, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void keys_are_the_same_by_arn_or_not(void **state)
{
    (void)state;
    const char *arn = "arn:aws:kms:eu-west-1:111111111111:";
    char alias[128], id[128];
    snprintf(alias, sizeof alias, "%salias/x", arn);
    snprintf(id, sizeof id, "%skey/1234", arn);
    assert_true(ssm_key_same("alias/x", "alias/x"));
    assert_true(ssm_key_same("alias/x", alias));
    assert_true(ssm_key_same(id, "1234"));
    assert_false(ssm_key_same(id, "123"));
    assert_false(ssm_key_same(alias, "alias/y"));
    assert_false(ssm_key_same(alias, id));
}

static void a_read_only_side_cannot_write(void **state)
{
    (void)state;
    struct error err = {0};
    struct diff diff = {0};
    int64_t version = 0;
    struct resource want = {.key = "a", .name = "a", .value = "v", .value_len = 1};
    want.fields[SSM_TYPE] = "String";
    assert_int_equal(ssm_write(&ctx, &want, NULL, &diff, &version, &err), -1);
    assert_int_equal(transport.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_page_is_not_the_end),
        TEST(policies_are_rebuilt_from_their_texts_in_a_fixed_order),
        TEST(filters_are_batched_and_root_names_asked_for_in_both_spellings),
        TEST(values_are_matched_by_name_and_the_missing_are_told),
        TEST(tags_are_found_by_arn_sorted_and_without_those_of_aws),
        TEST(describe_finds_the_other_spelling_and_reads_the_tags),
        TEST(keys_are_the_same_by_arn_or_not),
        TEST(a_read_only_side_cannot_write),
    };
    return cmocka_run_group_tests_name("resource/ssm_parameter", tests, NULL, NULL);
}
