#include "aws/region.h"

#include "base/json.h"
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void names(void **state)
{
    (void)state;
    static const char *const good[] = {"us-east-1", "us-gov-west-1", "eusc-de-east-1",
                                       "xx-newland-12"};
    static const char *const bad[] = {"",           "us-east",     "aws-global", "aws-cn-global",
                                      "us-east-1a", "US-EAST-1",   "us--1",      "us-1",
                                      "-us-east-1", "a-b-c-d-1",   "us-east-",   "us-east-1\n",
                                      "us-east-1 ", "us_east-1-1", "u1-east-1"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(region_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (region_valid(bad[i]))
            fail_msg("'%s' passes for a Region", bad[i]);
    assert_false(region_valid(NULL));
    assert_true(region_valid("us-abcdefghijklmnopqrstuvwxyza-1"));   /* 32 */
    assert_false(region_valid("us-abcdefghijklmnopqrstuvwxyzab-1")); /* 33 */
}

static const struct {
    const char *region, *partition, *suffix;
} cases[] = {
    {"us-east-1", "aws", "amazonaws.com"},
    {"mx-newland-3", "aws", "amazonaws.com"},
    {"cn-north-1", "aws-cn", "amazonaws.com.cn"},
    {"cn-far-9", "aws-cn", "amazonaws.com.cn"},
    {"us-gov-east-1", "aws-us-gov", "amazonaws.com"},
    {"us-gov-north-7", "aws-us-gov", "amazonaws.com"},
    {"us-iso-east-1", "aws-iso", "c2s.ic.gov"},
    {"us-isob-west-1", "aws-iso-b", "sc2s.sgov.gov"},
    {"us-isob-west-2", "aws-iso-b", "sc2s.sgov.gov"},
    {"eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk"},
    {"us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov"},
    {"eusc-de-east-1", "aws-eusc", "amazonaws.eu"},
    {"eusc-de-west-2", "aws-eusc", "amazonaws.eu"},
    {"aws-cn-global", "aws-cn", "amazonaws.com.cn"},
    {"us-iso-east", "aws", "amazonaws.com"}, /* fits no pattern */
    {"zz-nowhere-1", "aws", "amazonaws.com"},
    {"", "aws", "amazonaws.com"},
    {NULL, "aws", "amazonaws.com"},
};

static void partitions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct partition *partition = partition_of(cases[i].region);
        assert_string_equal(partition->name, cases[i].partition);
        assert_string_equal(partition->dns_suffix, cases[i].suffix);
    }
    assert_ptr_equal(partition_named("aws-cn"), partition_of("cn-north-1"));
    assert_null(partition_named("aws-mars"));
    assert_null(partition_named(NULL));
}

static size_t count_of(const char *const *list)
{
    size_t count = 0;
    while (list[count])
        count++;
    return count;
}

/* Our table against AWS's own file, both ways. */
static void as_in_partitions_json(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const char *path = fixture_shared(&arena, "aws/models/_common/partitions.json");
    if (!path) {
        arena_done(&arena);
        skip();
    }
    json_t *file = fixture_json(&arena, path);
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(file, "partitions"), i, row)
    {
        const struct partition *ours = partition_named(json_text(row, "id"));
        assert_non_null(ours);
        json_t *outputs = json_object_get(row, "outputs");
        assert_string_equal(ours->dns_suffix, json_text(outputs, "dnsSuffix"));
        assert_string_equal(ours->dual_dns_suffix, json_text(outputs, "dualStackDnsSuffix"));
        size_t regions = 0;
        const char *region;
        json_t *unused;
        json_object_foreach(json_object_get(row, "regions"), region, unused)
        {
            assert_ptr_equal(partition_of(region), ours);
            if (region_valid(region))
                regions++;
            else
                assert_string_equal(region, ours->global_region);
        }
        assert_int_equal(count_of(ours->regions), regions);
    }
    assert_int_equal(i, 8);
    json_decref(file);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(partitions),
                                       cmocka_unit_test(as_in_partitions_json)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
