/* What becomes of names, keys and options; tests/integration/test_policy.py proves it on a server.
 */
#include "engine/permissions.h"
#include "support/test.h"

#include <string.h>

static struct arena arena;

static void build(const char *yaml, enum permission_roles roles, struct permission_set *out)
{
    struct config_set set;
    struct error err = {0};
    const struct permission_options options = {.unknown_account = "*"};
    if (config_parse(&arena, "test", yaml, strlen(yaml), &set, &err) != 0 ||
        config_check_set(&arena, &set, &err) != 0 ||
        permissions_build(&arena, &set, &options, roles, out, &err) != 0)
        fail_msg("%s", err.message);
}

static const struct permission_statement *statement(const struct permission_policy *policy,
                                                    const char *sid)
{
    for (size_t i = 0; i < policy->count; i++)
        if (strcmp(policy->statements[i].sid, sid) == 0)
            return &policy->statements[i];
    fail_msg("no statement %s", sid);
    return NULL;
}

#define SIDES "source: { region: eu-west-1 }\ndestinations: [{ region: us-east-1 }]\n"

static void names_are_called_as_the_side_calls_them(void **state)
{
    (void)state;
    static const struct {
        const char *parameters, *names[4];
    } rows[] = {
        {"{}", {"*"}},
        {"{ include: [a, /a] }", {"a"}},
        {"{ include: [\"**/url\", \"/x/?/**\"] }", {"*/url", "x/?/*"}},
        {"{ include: [\"/a/b/**\"], rename: [{ from: /a, to: /z }] }", {"z/b/*"}},
        {"{ include: [\"/a\"], rename: [{ from: /a, to: /z }] }",
         {"a"}}, /* the path itself stays */
        {"{ include: [\"/ab/**\"], rename: [{ from: /a, to: /z }] }", {"ab/*"}},
        {"{ include: [\"/a*/x\"], rename: [{ from: /ab, to: /z }] }", {"z/*", "a*/x"}},
        {"{ include: [\"/a/**\"], rename: [{ from: /, to: /z }] }", {"z/a/*"}},
        {"{ rename: [{ from: /a, to: / }] }", {"*"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct permission_set set;
        build(arena_printf(&arena, SIDES "parameters: %s\n", rows[i].parameters),
              PERMISSIONS_DESTINATION, &set);
        const struct texts *found = &statement(&set.policies[0], "Write")->resources;
        size_t count = 0;
        for (; count < 4 && rows[i].names[count]; count++) {
            assert_true(count < found->count);
            assert_string_equal(found->items[count],
                                arena_printf(&arena, "arn:aws:ssm:us-east-1:*:parameter/%s",
                                             rows[i].names[count]));
        }
        assert_int_equal(found->count, count);
    }
}

static void statements_merge_only_when_nothing_more_is_permitted(void **state)
{
    (void)state;
    struct permission_set set;
    build("source: { region: eu-west-1 }\n"
          "destinations: [{ region: us-east-1 }, { region: us-west-2 }]\n"
          "parameters: { include: [/a], select: { types: [String] } }\n",
          PERMISSIONS_BY_IDENTITY, &set);
    assert_int_equal(set.count, 1);
    const struct permission_policy *policy = &set.policies[0];
    assert_int_equal(statement(policy, "List")->conditions[0].values.count, 3);
    assert_int_equal(statement(policy, "Read")->resources.count, 3);
    assert_int_equal(statement(policy, "Write")->resources.count, 2);
    assert_int_equal(policy->count, 3);
}

static void sids_are_unique(void **state)
{
    (void)state;
    struct permission_set set;
    build("source: { region: eu-west-1 }\n"
          "destinations: [{ region: us-east-1, keys: { alias/a: alias/b, alias/c: mrk-1 } },\n"
          "  { region: us-west-2, keys: { \"*\": alias/b } }]\n",
          PERMISSIONS_BY_IDENTITY, &set);
    const struct permission_policy *policy = &set.policies[0];
    for (size_t i = 0; i < policy->count; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(policy->statements[i].sid, policy->statements[j].sid);
}

static void keys_by_alias_are_a_condition(void **state)
{
    (void)state;
    struct permission_set set;
    build("source: { region: eu-west-1 }\n"
          "destinations: [{ region: us-east-1, keys: {\n"
          "  alias/a: \"arn:aws:kms:us-east-1:333333333333:alias/b\", alias/aws/ssm: alias/c,\n"
          "  \"*\": alias/aws/ssm } }]\n",
          PERMISSIONS_DESTINATION, &set);
    const struct permission_statement *keys = statement(&set.policies[0], "KeysByAlias");
    assert_int_equal(keys->resources.count, 2);
    assert_string_equal(keys->resources.items[0], "arn:aws:kms:us-east-1:333333333333:key/*");
    assert_string_equal(keys->resources.items[1], "arn:aws:kms:us-east-1:*:key/*");
    assert_string_equal(keys->conditions[2].key, "kms:ResourceAliases");
    assert_int_equal(keys->conditions[2].values.count, 2);
    for (size_t i = 0; i < set.policies[0].count; i++) /* AWS's own key needs none */
        assert_string_not_equal(set.policies[0].statements[i].sid, "Keys");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_called_as_the_side_calls_them),
        cmocka_unit_test(statements_merge_only_when_nothing_more_is_permitted),
        cmocka_unit_test(sids_are_unique),
        cmocka_unit_test(keys_by_alias_are_a_condition),
    };
    arena_init(&arena);
    int failed = cmocka_run_group_tests_name("engine/permissions", tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
