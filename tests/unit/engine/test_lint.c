#include "engine/lint.h"
#include "support/test.h"

static const struct lint_place between = {"ap-south-1", "111111111111", "us-east-1",
                                          "222222222222"};

static void what_a_value_names_is_told_by_kind(void **state)
{
    (void)state;
    static const struct {
        const char *value, *told; /* without its end */
    } rows[] = {
        {"ap-south-1", "names ap-south-1"},
        {"zone ap-south-1a", "names ap-south-1"},
        {"ap-south-10", NULL},
        {"xap-south-1", NULL},
        {"us-east-1", NULL},
        {"", NULL},
        {"arn:aws:sqs:ap-south-1:333333333333:q", "names ap-south-1 (an ARN)"},
        {"https://sqs.ap-south-1.amazonaws.com/q", "names ap-south-1 (a host)"},
        {"db.x.ap-south-1.rds.amazonaws.com:5432", "names ap-south-1 (a host)"},
        {"arn:aws:kms:ap-south-1:1:k at kms.ap-south-1.amazonaws.com",
         "names ap-south-1 (an ARN, a host)"},
        {"111111111111.dkr.ecr", "names the source's account"},
        {"1111111111110", NULL},
        {"ami-0123456789abcdef0", "names an image"},
        {"ami-12345678", "names an image"},
        {"ami-1234567", NULL},
        {"salami-12345678", NULL},
        {"subnet-12345678,subnet-87654321", "names a subnet"},
        {"sg-12345678 in ap-south-1", "names ap-south-1, a security group"},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *told = lint_value(&arena, &between, rows[i].value, strlen(rows[i].value));
        const char *wanted =
            rows[i].told ? arena_printf(&arena, "%s; no rule rewrites it", rows[i].told) : "";
        if (strcmp(told ? told : "", wanted) != 0)
            fail_msg("'%s': '%s', not '%s'", rows[i].value, told ? told : "", wanted);
    }
    arena_done(&arena);
}

static void what_is_the_same_at_both_is_not_told(void **state)
{
    (void)state;
    const struct lint_place region = {"ap-south-1", "", "ap-south-1", "222222222222"};
    const struct lint_place account = {"ap-south-1", "111111111111", "eu-west-1", "111111111111"};
    struct arena arena;
    arena_init(&arena);
    assert_null(lint_value(&arena, &region, "ap-south-1 ami-12345678", 23));
    assert_null(lint_value(&arena, &account, "111111111111", 12));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_value_names_is_told_by_kind),
        cmocka_unit_test(what_is_the_same_at_both_is_not_told),
    };
    return cmocka_run_group_tests_name("engine/lint", tests, NULL, NULL);
}
