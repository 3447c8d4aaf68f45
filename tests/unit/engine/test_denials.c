#include "engine/denials.h"

#include "support/test.h"

static struct arena arena;
static struct denials denials;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    denials = (struct denials){.arena = &arena};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void add(const char *action, const char *resource, const char *reason)
{
    denials_add(&denials,
                arena_printf(&arena,
                             "write /x: ssm:PutParameter in eu-west-1: User: arn:aws:sts::"
                             "222222222222:assumed-role/r/s is not authorized to perform: %s on "
                             "resource: %s%s; add to a policy",
                             action, resource, reason));
}

#define WHERE   "arn:aws:ssm:eu-west-1:222222222222:parameter"
#define MISSING " because no identity-based policy allows the action"
#define DENIED  " with an explicit deny in an identity-based policy"

static void assert_entry(size_t i, const char *action, const char *resource, uint64_t count)
{
    assert_true(i < denials.count);
    assert_string_equal(denials.entries[i].principal, "role r of account 222222222222");
    assert_string_equal(denials.entries[i].action, action);
    assert_string_equal(denials.entries[i].resource, resource);
    assert_int_equal(denials.entries[i].count, count);
}

static void many_are_one_statement(void **state)
{
    (void)state;
    add("ssm:PutParameter", WHERE "/app/db/one", MISSING);
    assert_entry(0, "ssm:PutParameter", WHERE "/app/db/one", 1);
    add("ssm:PutParameter", WHERE "/app/db/one", MISSING);
    assert_entry(0, "ssm:PutParameter", WHERE "/app/db/one", 2);
    add("ssm:PutParameter", WHERE "/app/db/once", MISSING);
    assert_entry(0, "ssm:PutParameter", WHERE "/app/db/*", 3);
    add("ssm:PutParameter", WHERE "/app/x", MISSING);
    assert_entry(0, "ssm:PutParameter", WHERE "/app/*", 4);
    add("ssm:PutParameter", WHERE "/app/db/two", MISSING);
    assert_entry(0, "ssm:PutParameter", WHERE "/app/*", 5);
    assert_int_equal(denials.count, 1);
}

static void what_is_another_thing_stands_alone(void **state)
{
    (void)state;
    add("ssm:PutParameter", WHERE "/a", MISSING);
    add("ssm:PutParameter", "arn:aws:ssm:us-east-1:222222222222:parameter/a", MISSING);
    add("ssm:PutParameter", "arn:aws:ssm:eu-west-1:333333333333:parameter/a", MISSING);
    add("ssm:AddTagsToResource", WHERE "/a", MISSING);
    add("ssm:PutParameter", WHERE "/a", DENIED);
    add("ssm:PutParameter", "*", MISSING);
    assert_int_equal(denials.count, 6);
    assert_false(denials.entries[0].explicit_deny);
    assert_true(denials.entries[4].explicit_deny);
    /* A key and another have only their place in common. */
    add("kms:Encrypt", "arn:aws:kms:eu-west-1:222222222222:key/1", MISSING);
    add("kms:Encrypt", "arn:aws:kms:eu-west-1:222222222222:key/2", MISSING);
    assert_entry(6, "kms:Encrypt", "arn:aws:kms:eu-west-1:222222222222:key/*", 2);
}

static void other_failures_are_no_denials(void **state)
{
    (void)state;
    denials_add(&denials, NULL);
    denials_add(&denials, "cannot read its value");
    denials_add(&denials, "You are not authorized to perform this operation.");
    assert_int_equal(denials.count, 0);
    for (int i = 0; i < DENIALS_MAX + 5; i++)
        add(arena_printf(&arena, "ssm:Action%d", i), WHERE "/a", MISSING);
    assert_int_equal(denials.count, DENIALS_MAX);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(many_are_one_statement),
        CASE(what_is_another_thing_stands_alone),
        CASE(other_failures_are_no_denials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
