#include "local/both_sides.h"
#include "support/test.h"

/* Shared facts sts-iam-sigv4.md section 8: who must allow, and what a refusal says. */
#define NO   POLICY_NO_MATCH
#define YES  POLICY_ALLOW
#define DENY POLICY_DENY

static const struct {
    bool same_account;
    enum policy_answer identity, boundary, session, resource;
    enum policy_match match;
    const char *refusal; /* NULL: allowed */
} rows[] = {
    /* The account is named: the caller's policies decide, within its limits. */
    {true, YES, YES, YES, YES, POLICY_MATCH_ACCOUNT, NULL},
    {true, NO, YES, YES, YES, POLICY_MATCH_ACCOUNT,
     " because no identity-based policy allows the a:B action"},
    {true, YES, NO, YES, YES, POLICY_MATCH_ACCOUNT,
     " because no permissions boundary allows the a:B action"},
    {true, YES, YES, NO, YES, POLICY_MATCH_ACCOUNT,
     " because no session policy allows the a:B action"},
    /* Its role is named: the limits still hold. */
    {true, NO, YES, YES, YES, POLICY_MATCH_ROLE, NULL},
    {true, NO, NO, YES, YES, POLICY_MATCH_ROLE,
     " because no permissions boundary allows the a:B action"},
    {true, NO, YES, NO, YES, POLICY_MATCH_ROLE, " because no session policy allows the a:B action"},
    {true, NO, YES, YES, YES, POLICY_MATCH_ANYONE, NULL},
    {true, NO, YES, NO, YES, POLICY_MATCH_ANYONE,
     " because no session policy allows the a:B action"},
    /* The user or the session itself is named: nothing else is asked, but a deny. */
    {true, NO, NO, NO, YES, POLICY_MATCH_USER, NULL},
    {true, NO, NO, NO, YES, POLICY_MATCH_SESSION, NULL},
    {true, DENY, YES, YES, YES, POLICY_MATCH_USER,
     " with an explicit deny in an identity-based policy"},
    {true, YES, DENY, YES, YES, POLICY_MATCH_SESSION,
     " with an explicit deny in a permissions boundary"},
    {true, YES, YES, DENY, YES, POLICY_MATCH_USER, " with an explicit deny in a session policy"},
    /* The resource's policy is the root of trust. */
    {true, YES, YES, YES, NO, POLICY_MATCH_NONE,
     " because no resource-based policy allows the a:B action"},
    {true, YES, YES, YES, DENY, POLICY_MATCH_NONE,
     " with an explicit deny in a resource-based policy"},
    /* Across accounts both sides must allow, whoever is named, and no reason is told. */
    {false, YES, YES, YES, YES, POLICY_MATCH_ACCOUNT, NULL},
    {false, YES, YES, YES, YES, POLICY_MATCH_ROLE, NULL},
    {false, NO, YES, YES, YES, POLICY_MATCH_ROLE, ""},
    {false, NO, YES, YES, YES, POLICY_MATCH_USER, ""},
    {false, NO, YES, YES, YES, POLICY_MATCH_ANYONE, ""},
    {false, YES, YES, NO, YES, POLICY_MATCH_SESSION, ""},
    {false, YES, YES, YES, NO, POLICY_MATCH_NONE, ""},
    {false, YES, YES, YES, DENY, POLICY_MATCH_NONE, ""},
    {false, DENY, YES, YES, YES, POLICY_MATCH_ROLE, ""},
};

static void all_rows(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct both_sides asked = {.action = "a:B",
                                         .same_account = rows[i].same_account,
                                         .caller = {rows[i].identity, rows[i].boundary,
                                                    rows[i].session},
                                         .resource = rows[i].resource,
                                         .match = rows[i].match};
        const char *refusal = both_sides_refusal(&arena, &asked);
        if ((refusal == NULL) != (rows[i].refusal == NULL))
            fail_msg("row %zu", i);
        if (refusal)
            assert_string_equal(refusal, rows[i].refusal);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
