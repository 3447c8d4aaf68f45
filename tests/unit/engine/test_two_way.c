/* Two peers: how the configuration becomes two directions, and whose writes are whose. */
#include "engine/two_way.h"

#include "support/test.h"

static struct arena arena;
static struct config_side there = {.region = "us-east-1"};
static struct config config;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    there = (struct config_side){.region = "us-east-1"};
    config = (struct config){.name = "app",
                             .source = {.region = "ap-south-1", .profile = "p"},
                             .destinations = &there,
                             .destination_count = 1,
                             .two_way = "true"};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void it_becomes_out_and_back(void **state)
{
    (void)state;
    struct config_key keys[] = {{"alias/a", "alias/x"}, {"alias/b", "alias/y"}};
    struct config items[] = {{.name = "one way"}, config};
    struct config_set set = {items, 2};
    there.keys = keys;
    there.key_count = 2;
    two_way_expand(&arena, &set);
    assert_int_equal(set.count, 3);
    assert_false(two_way_is(&set.items[0]));
    assert_true(two_way_is(&set.items[1]) && !two_way_back(&set.items[1]));
    const struct config *back = &set.items[2];
    assert_true(two_way_back(back));
    assert_string_equal(back->name, "app (back)");
    assert_string_equal(back->source.region, "us-east-1");
    assert_int_equal(back->source.key_count, 0);
    assert_int_equal(back->destination_count, 1);
    assert_string_equal(back->destinations[0].region, "ap-south-1");
    assert_string_equal(back->destinations[0].profile, "p");
    assert_string_equal(back->destinations[0].keys[1].source, "alias/y");
    assert_string_equal(back->destinations[0].keys[1].destination, "alias/b");
    /* A plan's configuration, which is one direction already, stays as it is. */
    two_way_expand(&arena, &set);
    assert_int_equal(set.count, 3);
}

static void refused(const char *words)
{
    struct error err = {0};
    assert_int_equal(two_way_check(&config, &err), -1);
    if (!strstr(err.message, words))
        fail_msg("%s", err.message);
}

static void what_cannot_be_turned_round_is_refused(void **state)
{
    (void)state;
    struct error err = {0};
    struct config_side two[] = {{.region = "us-east-1"}, {.region = "eu-west-1"}};
    struct config_key any[] = {{"*", "alias/x"}},
                      same[] = {{"alias/a", "alias/x"}, {"alias/b", "alias/x"}};
    struct config_key owner[] = {{"/a/**", "eu-west-3"}};
    assert_int_equal(two_way_check(&config, &err), 0);
    config.destinations = two;
    config.destination_count = 2;
    refused("between two sides");
    config.destinations = &there;
    config.destination_count = 1;
    there.keys = any;
    there.key_count = 1;
    refused("name each key");
    there.keys = same;
    there.key_count = 2;
    refused("two keys become alias/x");
    there.key_count = 0;
    config.owners = owner;
    config.owner_count = 1;
    refused("neither");
    config.two_way = NULL;
    refused("owners is for");
    config.owner_count = 0;
    config.two_way = "yes";
    refused("not true or false");
}

static bool ours(const struct engine *engine, const char *by)
{
    const struct resource resource = {.modified_by = by};
    return two_way_ours(engine, 0, &resource);
}

static void what_understudy_wrote_is_told_from_edits(void **state)
{
    (void)state;
    static const char *writers[] = {"arn:aws:iam::222222222222:role/ops/understudy",
                                    "arn:aws:iam::222222222222:user/robot"};
    struct side sides[] = {{.caller = "arn:aws:sts::111111111111:assumed-role/understudy/one"}};
    const struct engine engine = {.config = &config, .sides = sides, .side_count = 1};
    config.writers = writers;
    config.writer_count = 2;
    assert_true(ours(&engine, "arn:aws:sts::111111111111:assumed-role/understudy/two"));
    assert_true(ours(&engine, "arn:aws:sts::222222222222:assumed-role/understudy/x"));
    assert_true(ours(&engine, "arn:aws:iam::222222222222:user/robot"));
    assert_false(ours(&engine, "arn:aws:sts::222222222222:assumed-role/understudy2/x"));
    assert_false(ours(&engine, "arn:aws:sts::333333333333:assumed-role/understudy/x"));
    assert_false(ours(&engine, "arn:aws:iam::111111111111:user/somebody"));
    assert_false(ours(&engine, "arn:aws:iam::111111111111:root"));
    assert_false(ours(&engine, ""));
    assert_false(ours(&engine, NULL));
}

static void an_edit_that_was_written_over_wins_by_the_same_rule(void **state)
{
    (void)state;
    static struct config_key owners[] = {{"a/**", "us-east-1"}, {"b/**", "ap-south-1"}};
    struct side sides[] = {{.caller = "arn:aws:iam::111111111111:role/understudy"}, {0}};
    const struct engine engine = {.config = &config, .sides = sides, .side_count = 2};
    const struct resource edit = {.version = 2, .modified_ms = 2000};
    struct pair pair = {.source = {.key = "x", .version = 2, .modified_ms = 1999}};
    assert_true(two_way_edit_wins(&engine, &pair, &edit));
    pair.source.modified_ms = 2001;
    assert_false(two_way_edit_wins(&engine, &pair, &edit));
    pair.source.modified_by = sides[0].caller; /* what it wrote is older than any edit */
    assert_true(two_way_edit_wins(&engine, &pair, &edit));
    pair.source = (struct resource){.key = "x", .version = 2, .modified_ms = 2000};
    assert_false(two_way_edit_wins(&engine, &pair, &edit)); /* the file's source */
    config.two_way = "back";
    assert_true(two_way_edit_wins(&engine, &pair, &edit));
    config.two_way = "true";
    config.owners = owners;
    config.owner_count = 2;
    pair.source = (struct resource){.key = "a/x", .version = 2, .modified_ms = 2001};
    assert_true(two_way_edit_wins(&engine, &pair, &edit));
    pair.source = (struct resource){.key = "b/x", .version = 2, .modified_ms = 1999};
    assert_false(two_way_edit_wins(&engine, &pair, &edit));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_becomes_out_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_turned_round_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_understudy_wrote_is_told_from_edits, setup, teardown),
        cmocka_unit_test_setup_teardown(an_edit_that_was_written_over_wins_by_the_same_rule, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
