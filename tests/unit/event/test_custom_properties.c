#include "base/json.h"
#include "event/custom_properties.h"
#include "support/test.h"

static struct arena arena;

static int read_text(const char *text, struct custom_properties *out, struct error *err)
{
    json_t *json = json_read(text, strlen(text), err);
    assert_non_null(json);
    int result = custom_properties_read(&arena, json, out, err);
    json_decref(json);
    return result;
}

static struct custom_properties fine(const char *text)
{
    struct custom_properties out;
    struct error err = {0};
    if (read_text(text, &out, &err) != 0)
        fail_msg("%s: %s", text, err.message);
    return out;
}

static void the_published_properties(void **state)
{
    (void)state;
    struct custom_properties p = fine(
        "{\"ServiceToken\":\"arn\",\"KMSKeyID\":\"mrk-1\",\"ReplicationRegions\":[\"us-east-1\","
        "\"eu-west-1\"]}");
    assert_string_equal(p.key, "mrk-1");
    assert_int_equal(p.region_count, 2);
    assert_string_equal(p.regions[1].name, "eu-west-1");
    assert_int_equal(p.removal, CUSTOM_RETAIN);
    assert_int_equal(p.workers, 0);
    assert_int_equal(p.regions[0].window_days, 0);
    assert_null(p.regions[0].wish.policy);
    assert_false(p.regions[0].wish.tags_given);
    assert_false(p.regions[0].wish.aliases_given);
    assert_false(p.regions[0].wish.bypass_lockout_check);
}

static void lists_are_taken_as_they_come(void **state)
{
    static const char *const lists[] = {
        "\"us-east-1,eu-west-1\"",
        "\" us-east-1 , eu-west-1 \"",
        "[\"us-east-1\",\" eu-west-1\"]",
        "[\"us-east-1, eu-west-1\"]",
        "\"us-east-1,,eu-west-1,us-east-1\"",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(lists); i++) {
        struct custom_properties p = fine(
            arena_printf(&arena, "{\"KMSKeyID\":\" mrk-1 \",\"ReplicationRegions\":%s}", lists[i]));
        assert_int_equal(p.region_count, 2);
        assert_string_equal(p.key, "mrk-1");
        assert_string_equal(p.regions[0].name, "us-east-1");
        assert_string_equal(p.regions[1].name, "eu-west-1");
    }
}

static void what_is_empty_is_not_given(void **state)
{
    (void)state;
    struct custom_properties p =
        fine("{\"KMSKeyID\":\"mrk-1\",\"Regions\":\"us-east-1\",\"Policy\":\"\",\"Tags\":\" \","
             "\"Aliases\":\"\",\"Description\":\"\",\"PendingWindowInDays\":\"\",\"OnRemove\":\"\","
             "\"MAX_WORKERS\":\"\",\"MoveAliases\":\"\",\"RegionOverrides\":\"\"}");
    assert_null(p.regions[0].wish.policy);
    assert_null(p.regions[0].wish.description);
    assert_false(p.regions[0].wish.tags_given);
    assert_false(p.regions[0].wish.aliases_given);
}

static void all_of_it(void **state)
{
    (void)state;
    struct custom_properties p = fine(
        "{\"KeyId\":\"mrk-1\",\"Regions\":[\"us-east-1\",\"eu-west-1\"],"
        "\"Policy\":{\"Statement\":[]},\"Description\":\"d\",\"Tags\":[{\"Key\":\"b\",\"Value\":"
        "\"2\"},{\"Key\":\"a\",\"Value\":\"\"}],\"Aliases\":[],\"DeletionWindowInDays\":\"7\","
        "\"DeletionPolicy\":\"scheduledeletion\",\"MaxWorkers\":\"3\",\"MoveAliases\":\"True\","
        "\"VerbatimPolicy\":true,\"RegionOverrides\":{\"eu-west-1\":{\"Description\":\"e\","
        "\"PendingWindowInDays\":30,\"Tags\":{\"c\":3},\"Aliases\":\"alias/x\"}}}");
    const struct kms_wish *one = &p.regions[0].wish, *other = &p.regions[1].wish;
    assert_string_equal(one->policy, "{\"Statement\":[]}");
    assert_string_equal(one->description, "d");
    assert_int_equal(one->tag_count, 2);
    assert_string_equal(one->tags[0].key, "a");
    assert_true(one->aliases_given);
    assert_int_equal(one->alias_count, 0);
    assert_true(one->move_aliases && one->verbatim_policy);
    assert_int_equal(p.regions[0].window_days, 7);
    assert_int_equal(p.removal, CUSTOM_SCHEDULE);
    assert_int_equal(p.workers, 3);
    assert_string_equal(other->description, "e");
    assert_string_equal(other->policy, one->policy);
    assert_string_equal(other->tags[0].value, "3");
    assert_string_equal(other->aliases[0], "alias/x");
    assert_int_equal(p.regions[1].window_days, 30);
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *more, *words;
    } cases[] = {
        {"\"Polcy\":\"{}\"", "is it Policy?"},
        {"\"Xyzzy\":\"\"", "no property 'Xyzzy'"},
        {"\"Policy\":\"[]\"", "Policy must be"},
        {"\"Policy\":[\"a\"]", "Policy must be"},
        {"\"Tags\":\"a\"", "Tags must be"},
        {"\"Tags\":[{\"Value\":\"a\"}]", "Tags must be"},
        {"\"Tags\":{\"aws:x\":\"a\"}", "not for templates"},
        {"\"Tags\":{\"understudy:stack-resource\":\"a\"}", "not for templates"},
        {"\"Tags\":[{\"Key\":\"a\"},{\"Key\":\"a\"}]", "there twice"},
        {"\"Aliases\":\"app\"", "is no name such as"},
        {"\"Aliases\":\"alias/aws/ssm\"", "is no name such as"},
        {"\"Aliases\":[1]", "Aliases must be"},
        {"\"PendingWindowInDays\":\"31\"", "from 7 to 30"},
        {"\"PendingWindowInDays\":\"7d\"", "from 7 to 30"},
        {"\"OnRemove\":\"Drop\"", "OnRemove must be"},
        {"\"MAX_WORKERS\":\"pLambda\"", "MAX_WORKERS must be"},
        {"\"MAX_WORKERS\":\"0\"", "MAX_WORKERS must be"},
        {"\"MoveAliases\":\"yes\"", "true or false"},
        {"\"RegionOverrides\":{\"sa-east-1\":{}}", "not in ReplicationRegions"},
        {"\"RegionOverrides\":{\"us-east-1\":{\"KeyId\":\"x\"}}", "no property 'KeyId'"},
        {"\"RegionOverrides\":{\"us-east-1\":\"x\"}", "must be an object"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct custom_properties p;
        struct error err = {0};
        const char *text =
            arena_printf(&arena, "{\"KMSKeyID\":\"mrk-1\",\"ReplicationRegions\":\"us-east-1\",%s}",
                         cases[i].more);
        assert_int_equal(read_text(text, &p, &err), -1);
        if (!strstr(err.message, cases[i].words))
            fail_msg("%s: %s", cases[i].more, err.message);
    }
}

static void a_delete_needs_little(void **state)
{
    static const char text[] =
        "{\"KMSKeyID\":\"mrk-1\",\"ReplicationRegions\":\"us-east-1,Nowhere\",\"Policy\":\"{\","
        "\"OnRemove\":\"ScheduleDeletion\",\"PendingWindowInDays\":\"9\",\"Unknown\":1,"
        "\"RegionOverrides\":{\"us-east-1\":{\"PendingWindowInDays\":\"8\"}}}";
    struct custom_properties p;
    (void)state;
    json_t *json = json_read(text, strlen(text), NULL);
    custom_properties_skim(&arena, json, &p);
    json_decref(json);
    assert_int_equal(p.region_count, 1);
    assert_int_equal(p.regions[0].window_days, 8);
    assert_int_equal(p.removal, CUSTOM_SCHEDULE);
    json = json_object();
    custom_properties_skim(&arena, json, &p);
    json_decref(json);
    assert_null(p.key);
    assert_int_equal(p.region_count, 0);
    assert_int_equal(p.removal, CUSTOM_RETAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_properties),
        cmocka_unit_test(lists_are_taken_as_they_come),
        cmocka_unit_test(what_is_empty_is_not_given),
        cmocka_unit_test(all_of_it),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_delete_needs_little),
    };
    arena_init(&arena);
    int failed = cmocka_run_group_tests_name("event/custom_properties", tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
