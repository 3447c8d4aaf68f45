#include "engine/inventory.h"
#include "resource/ssm_parameter.h"
#include "support/test.h"

#include "base/json.h"

static struct arena arena;
static struct inventory *inventory;

static int setup(void **state)
{
    (void)state;
    json_setup();
    arena_init(&arena);
    struct error err = {0};
    if (inventory_open(&resource_ssm_parameter, &inventory, &err) != 0)
        fail_msg("%s", err.message);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    inventory_close(inventory);
    arena_done(&arena);
    return 0;
}

static void put(unsigned side, const char *name, int64_t version, const char *target)
{
    struct resource resource = {.key = ssm_key_of(name),
                                .name = name,
                                .version = version,
                                .modified_ms = 1000 * version};
    resource.fields[SSM_TYPE] = "String";
    assert_int_equal(inventory_put(inventory, side, &resource, target, NULL), 0);
}

struct pairs {
    char text[2048];
};

static int see_pair(const struct pair *pair, void *arg, struct error *err)
{
    struct pairs *pairs = arg;
    size_t len = strlen(pairs->text);
    (void)err;
    snprintf(pairs->text + len, sizeof pairs->text - len, "%s:%lld:%zu", pair->source.name,
             (long long)pair->source.version, pair->source.tag_count);
    len = strlen(pairs->text);
    if (pair->exists)
        snprintf(pairs->text + len, sizeof pairs->text - len, "=%s:%lld:%zu\n", pair->have.name,
                 (long long)pair->have.version, pair->have.tag_count);
    else
        snprintf(pairs->text + len, sizeof pairs->text - len, "\n");
    /* What is being walked may be added to. */
    const struct step step = {.key = pair->source.key, .name = "n", .changes = "[]"};
    return inventory_put_step(inventory, &step, err);
}

static void sides_are_joined_by_what_the_copy_is_called(void **state)
{
    (void)state;
    static const struct tag tags[] = {{"a", "1"}, {"b", "2"}};
    struct pairs pairs = {""};
    struct arena scratch;
    arena_init(&scratch);
    put(0, "/z", 1, "z");
    put(0, "/prod/x", 4, "dr/x");
    put(0, "alone", 2, "alone");
    put(1, "z", 7, NULL); /* the other spelling of /z */
    put(1, "/dr/x", 9, NULL);
    put(1, "/prod/x", 8, NULL); /* not what /prod/x is called there */
    put(2, "alone", 5, NULL);
    assert_int_equal(inventory_put_tags(inventory, 0, "prod/x", tags, 2, NULL), 0);
    assert_int_equal(inventory_put_tags(inventory, 1, "dr/x", tags, 1, NULL), 0);
    assert_int_equal(inventory_put_tags(inventory, 1, "prod/x", tags, 2, NULL), 0);
    assert_int_equal(inventory_join(inventory, &scratch, 0, see_pair, &pairs, NULL), 0);
    assert_string_equal(pairs.text, "alone:2:0\n"
                                    "/prod/x:4:2=/dr/x:9:1\n"
                                    "/z:1:0=z:7:0\n");
    pairs.text[0] = '\0';
    assert_int_equal(inventory_join(inventory, &scratch, 1, see_pair, &pairs, NULL), 0);
    assert_string_equal(pairs.text, "alone:2:0=alone:5:0\n/prod/x:4:2\n/z:1:0\n");
    arena_done(&scratch);

    struct pair pair;
    assert_int_equal(inventory_pair(inventory, &arena, "prod/x", 0, &pair, NULL), 0);
    assert_string_equal(pair.have.name, "/dr/x");
    assert_string_equal(pair.have.fields[SSM_TYPE], "String");
    struct error err = {0};
    assert_int_equal(inventory_pair(inventory, &arena, "nothing", 0, &pair, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void tags_come_back_as_they_were(void **state)
{
    (void)state;
    static const struct tag tags[] = {{"z", ""},
                                      {"a", "{\"x\": 1}\n"},
                                      {"\xc3\xa4 \xe2\x82\xac", "=@:/+-"}};
    static const int sorted[] = {1, 0, 2};
    struct pair pair;
    put(0, "/x", 1, "x");
    put(1, "x", 1, NULL);
    assert_int_equal(inventory_put_tags(inventory, 0, "x", tags, 3, NULL), 0);
    assert_int_equal(inventory_put_tags(inventory, 1, "x", NULL, 0, NULL), 0);
    assert_int_equal(inventory_pair(inventory, &arena, "x", 0, &pair, NULL), 0);
    assert_int_equal(pair.source.tag_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(pair.source.tags[i].key, tags[sorted[i]].key);
        assert_string_equal(pair.source.tags[i].value, tags[sorted[i]].value);
    }
    assert_true(pair.exists);
    assert_int_equal(pair.have.tag_count, 0);
    assert_non_null(pair.have.tags); /* none, which is not unknown */
    assert_int_equal(inventory_put_tags(inventory, 0, "x", tags, 1, NULL), 0);
    assert_int_equal(inventory_pair(inventory, &arena, "x", 0, &pair, NULL), 0);
    assert_int_equal(pair.source.tag_count, 1);
}

static void a_row_seen_twice_is_one(void **state)
{
    (void)state;
    uint64_t count;
    put(0, "/a", 1, "a");
    put(0, "/a", 2, "a");
    assert_int_equal(inventory_size(inventory, 0, &count, NULL), 0);
    assert_int_equal(count, 1);
}

static void two_sources_for_one_name_are_found(void **state)
{
    (void)state;
    const char *target;
    put(0, "/a/x", 1, "c/x");
    assert_int_equal(inventory_collision(inventory, &arena, &target, NULL), 0);
    assert_null(target);
    put(0, "/b/x", 1, "c/x");
    assert_int_equal(inventory_collision(inventory, &arena, &target, NULL), 0);
    assert_string_equal(target, "c/x");
}

static void put_step(const char *key, unsigned destination, enum step_action action,
                     unsigned unsure, const char *fingerprint)
{
    struct step step = {.key = key,
                        .name = key,
                        .target = key,
                        .type = "String",
                        .changes = "[\"value\"]",
                        .destination = destination,
                        .action = action,
                        .unsure = unsure,
                        .source_version = 3};
    snprintf(step.fingerprint, sizeof step.fingerprint, "%s", fingerprint);
    assert_int_equal(inventory_put_step(inventory, &step, NULL), 0);
}

static void work_is_handed_out_key_by_key(void **state)
{
    (void)state;
    const char *keys[4];
    size_t count;
    uint64_t total;
    for (char key[2] = "a"; key[0] <= 'j'; key[0]++) {
        put_step(key, 0, key[0] % 2 ? STEP_CREATE : STEP_EQUAL, 0, "");
        put_step(key, 1, STEP_UPDATE, key[0] == 'c' ? UNSURE_VALUE : 0, "");
    }
    assert_int_equal(inventory_work_size(inventory, WORK_WRITE, &total, NULL), 0);
    assert_int_equal(total, 10);
    assert_int_equal(inventory_work_size(inventory, WORK_UNSURE, &total, NULL), 0);
    assert_int_equal(total, 1);
    assert_int_equal(inventory_work(inventory, &arena, WORK_WRITE, "", 4, keys, &count, NULL), 0);
    assert_int_equal(count, 4);
    assert_string_equal(keys[3], "d");
    assert_int_equal(inventory_work(inventory, &arena, WORK_WRITE, "h", 4, keys, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_string_equal(keys[0], "i");
}

static void steps_come_back_as_they_were_put(void **state)
{
    (void)state;
    struct step *steps;
    size_t count;
    step_counts counts;
    put_step("k", 1, STEP_UPDATE, 0, "abc");
    put_step("k", 0, STEP_BLOCKED, 0, "abc");
    assert_int_equal(inventory_steps_of(inventory, &arena, "k", &steps, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_int_equal(steps[0].action, STEP_BLOCKED);
    assert_int_equal(steps[1].destination, 1);
    assert_string_equal(steps[1].changes, "[\"value\"]");
    assert_string_equal(steps[1].fingerprint, "abc");
    assert_int_equal(steps[1].source_version, 3);
    assert_null(steps[1].reason);
    assert_int_equal(inventory_count(inventory, -1, counts, NULL), 0);
    assert_int_equal(counts[STEP_UPDATE][STATUS_PLANNED], 1);
    assert_int_equal(inventory_count(inventory, 1, counts, NULL), 0);
    assert_int_equal(counts[STEP_BLOCKED][STATUS_PLANNED], 0);
}

static enum step_status status_of(const char *key)
{
    struct step *steps;
    size_t count;
    assert_int_equal(inventory_steps_of(inventory, &arena, key, &steps, &count, NULL), 0);
    assert_int_equal(count, 1);
    return steps[0].status;
}

static int approve(const char *key, const char *fingerprint)
{
    const struct approval approval = {.key = key, .name = key, .fingerprint = fingerprint};
    return inventory_approve(inventory, &approval, NULL);
}

static void only_what_was_approved_as_it_stands_may_be_written(void **state)
{
    (void)state;
    put_step("same", 0, STEP_UPDATE, 0, "1");
    put_step("moved", 0, STEP_UPDATE, 0, "2");
    put_step("new", 0, STEP_CREATE, 0, "3");
    put_step("done", 0, STEP_EQUAL, 0, "4");
    assert_int_equal(approve("same", "1"), 0);
    assert_int_equal(approve("moved", "old"), 0);
    assert_int_equal(approve("done", "old"), 0);
    assert_int_equal(approve("gone", "5"), 0);
    assert_int_equal(inventory_hold_to_approved(inventory, NULL), 0);
    assert_int_equal(status_of("same"), STATUS_PLANNED);
    assert_int_equal(status_of("moved"), STATUS_CONFLICT);
    assert_int_equal(status_of("new"), STATUS_LEFT);
    assert_int_equal(status_of("done"), STATUS_PLANNED); /* it is equal: nothing to do */
    assert_int_equal(status_of("gone"), STATUS_CONFLICT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sides_are_joined_by_what_the_copy_is_called),
        TEST(tags_come_back_as_they_were),
        TEST(a_row_seen_twice_is_one),
        TEST(two_sources_for_one_name_are_found),
        TEST(work_is_handed_out_key_by_key),
        TEST(steps_come_back_as_they_were_put),
        TEST(only_what_was_approved_as_it_stands_may_be_written),
    };
    return cmocka_run_group_tests_name("engine/inventory", tests, NULL, NULL);
}
