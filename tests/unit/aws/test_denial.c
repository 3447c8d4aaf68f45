#include "aws/denial.h"

#include "base/arena.h"
#include "support/test.h"

#define ROLE      "arn:aws:sts::222222222222:assumed-role/understudy/session-1"
#define PARAMETER "arn:aws:ssm:eu-west-1:222222222222:parameter/prod/app/x"
#define KEY       "arn:aws:kms:eu-west-1:333333333333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define CUT       " (Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException; ID: 1)"

/* Texts as AWS's services write them, with other names. */
static const struct {
    const char *message;
    const char *principal, *action, *resource, *policy_arn;
    enum denial_cause cause;
    enum denial_policy policy;
    const char *who, *advice;
} rows[] = {
    {"User: " ROLE " is not authorized to perform: ssm:PutParameter on resource: " PARAMETER
     " because no identity-based policy allows the ssm:PutParameter action",
     ROLE, "ssm:PutParameter", PARAMETER, "", DENIAL_MISSING, DENIAL_IDENTITY,
     "role understudy of account 222222222222",
     "add to a policy of role understudy of account 222222222222: {\"Effect\":\"Allow\","
     "\"Action\":\"ssm:PutParameter\",\"Resource\":\"" PARAMETER "\"}"},
    {"User: arn:aws:iam::111111111111:user/ops/jane is not authorized to perform: "
     "ssm:DescribeParameters on resource: arn:aws:ssm:us-east-1:111111111111:* because no "
     "permissions boundary allows the ssm:DescribeParameters action",
     "arn:aws:iam::111111111111:user/ops/jane", "ssm:DescribeParameters",
     "arn:aws:ssm:us-east-1:111111111111:*", "", DENIAL_MISSING, DENIAL_BOUNDARY,
     "user jane of account 111111111111",
     "add to the permissions boundary of user jane of account 111111111111: {\"Effect\":\"Allow\","
     "\"Action\":\"ssm:DescribeParameters\",\"Resource\":\"arn:aws:ssm:us-east-1:111111111111:*"
     "\"}"},
    {"User: " ROLE " is not authorized to perform: ssm:GetParameters on resource: " PARAMETER
     " with an explicit deny in a service control policy: "
     "arn:aws:organizations::111111111111:policy/o-abc/service_control_policy/p-def.",
     ROLE, "ssm:GetParameters", PARAMETER,
     "arn:aws:organizations::111111111111:policy/o-abc/service_control_policy/p-def",
     DENIAL_EXPLICIT, DENIAL_SERVICE_CONTROL, "role understudy of account 222222222222",
     "a Deny in a service control policy "
     "arn:aws:organizations::111111111111:policy/o-abc/service_control_policy/p-def stands against "
     "it: no Allow helps, that statement must be changed"},
    {"User: " ROLE " is not authorized to perform: ssm:GetParameters on resource: " PARAMETER
     " with an explicit deny in an identity-based policy",
     ROLE, "ssm:GetParameters", PARAMETER, "", DENIAL_EXPLICIT, DENIAL_IDENTITY,
     "role understudy of account 222222222222",
     "a Deny in an identity-based policy stands against it: no Allow helps, that statement must be "
     "changed"},
    /* Before 2021, and still some services. */
    {"User: " ROLE " is not authorized to perform: ssm:GetParameters on resource: " PARAMETER
     " with an explicit deny",
     ROLE, "ssm:GetParameters", PARAMETER, "", DENIAL_EXPLICIT, DENIAL_POLICY_UNKNOWN,
     "role understudy of account 222222222222",
     "a Deny in a policy stands against it: no Allow helps, that statement must be changed"},
    {"User: arn:aws:iam::111111111111:user/jane is not authorized to perform: sts:AssumeRole on "
     "resource: arn:aws:iam::222222222222:role/understudy",
     "arn:aws:iam::111111111111:user/jane", "sts:AssumeRole",
     "arn:aws:iam::222222222222:role/understudy", "", DENIAL_UNSAID, DENIAL_POLICY_UNKNOWN,
     "user jane of account 111111111111",
     "the trust policy of arn:aws:iam::222222222222:role/understudy must allow sts:AssumeRole to "
     "user jane of account 111111111111 (and agree with external_id, if it asks for one), and user "
     "jane of account 111111111111 needs {\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\","
     "\"Resource\":\"arn:aws:iam::222222222222:role/understudy\"}"},
    {"User: arn:aws:iam::111111111111:user/jane is not authorized to perform: sts:TagSession on "
     "resource: arn:aws:iam::222222222222:role/understudy",
     "arn:aws:iam::111111111111:user/jane", "sts:TagSession",
     "arn:aws:iam::222222222222:role/understudy", "", DENIAL_UNSAID, DENIAL_POLICY_UNKNOWN,
     "user jane of account 111111111111",
     "the trust policy of arn:aws:iam::222222222222:role/understudy must allow sts:TagSession to "
     "user jane of account 111111111111, and user jane of account 111111111111 needs "
     "{\"Effect\":\"Allow\",\"Action\":\"sts:TagSession\",\"Resource\":"
     "\"arn:aws:iam::222222222222:role/understudy\"}"},
    /* KMS behind SSM. */
    {"User: " ROLE " is not authorized to perform: kms:GenerateDataKey on resource: " KEY
     " because the resource does not exist in this Region, no resource-based policies allow "
     "access, or a resource-based policy explicitly denies access" CUT,
     ROLE, "kms:GenerateDataKey", KEY, "", DENIAL_MISSING, DENIAL_RESOURCE,
     "role understudy of account 222222222222",
     "add to the key's policy, for role understudy of account 222222222222: {\"Effect\":\"Allow\","
     "\"Action\":\"kms:GenerateDataKey\",\"Resource\":\"" KEY "\"}"},
    {"User: " ROLE " is not authorized to perform: kms:Encrypt on resource: " KEY
     " because no identity-based policy allows the kms:Encrypt action" CUT,
     ROLE, "kms:Encrypt", KEY, "", DENIAL_MISSING, DENIAL_IDENTITY,
     "role understudy of account 222222222222",
     "add to a policy of role understudy of account 222222222222: {\"Effect\":\"Allow\","
     "\"Action\":\"kms:Encrypt\",\"Resource\":\"" KEY
     "\"} and the key's policy must allow that account"},
    {"The ciphertext refers to a customer master key that does not exist, does not exist in this "
     "region, or you are not allowed to access." CUT,
     "", "kms:Decrypt", "", "", DENIAL_UNSAID, DENIAL_POLICY_UNKNOWN, "the caller",
     "add to a policy of the caller: {\"Effect\":\"Allow\",\"Action\":\"kms:Decrypt\","
     "\"Resource\":\"*\"} (the key's policy may have to allow it too)"},
    {"Not authorized to perform sts:AssumeRoleWithWebIdentity", "", "sts:AssumeRoleWithWebIdentity",
     "", "", DENIAL_UNSAID, DENIAL_POLICY_UNKNOWN, "the caller",
     "add to a policy of the caller: {\"Effect\":\"Allow\",\"Action\":"
     "\"sts:AssumeRoleWithWebIdentity\",\"Resource\":\"*\"}"},
    /* No action: the call's own stands in. */
    {"You are not authorized to perform this operation.", "", "", "", "", DENIAL_UNSAID,
     DENIAL_POLICY_UNKNOWN, "the caller",
     "add to a policy of the caller: {\"Effect\":\"Allow\",\"Action\":\"ssm:PutParameter\","
     "\"Resource\":\"*\"}"},
    {"User: arn:aws-cn:iam::111111111111:root is not authorized to perform: iam:GetUser on "
     "resource: user bob because no VPC endpoint policy allows the iam:GetUser action",
     "arn:aws-cn:iam::111111111111:root", "iam:GetUser", "", "", DENIAL_MISSING, DENIAL_ENDPOINT,
     "root of account 111111111111",
     "add to the VPC endpoint's policy, for root of account 111111111111: {\"Effect\":\"Allow\","
     "\"Action\":\"iam:GetUser\",\"Resource\":\"*\"}"},
};

static void assert_view(struct text view, const char *want)
{
    char got[512];
    snprintf(got, sizeof got, "%.*s", (int)view.len, view.len ? view.data : "");
    assert_string_equal(got, want);
}

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct denial denial;
        char who[160], advice[1024];
        assert_true(denial_parse(rows[i].message, &denial));
        assert_view(denial.principal, rows[i].principal);
        assert_view(denial.action, rows[i].action);
        assert_view(denial.resource, rows[i].resource);
        assert_view(denial.policy_arn, rows[i].policy_arn);
        assert_int_equal(denial.cause, rows[i].cause);
        assert_int_equal(denial.policy, rows[i].policy);
        denial_principal(&denial, who, sizeof who);
        assert_string_equal(who, rows[i].who);
        denial_advice(&denial, "ssm:PutParameter", advice, sizeof advice);
        assert_string_equal(advice, rows[i].advice);
    }
}

static void test_other_texts(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",
        "Parameter /x not found.",
        "The security token included in the request is invalid.",
        "User: nobody",
    };
    struct denial denial;
    for (size_t i = 0; i < COUNT(others); i++)
        assert_false(denial_parse(others[i], &denial));
    /* Cut off anywhere: never past the end. */
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t len = 0; len < strlen(rows[i].message); len++) {
            char *cut = memory_alloc(len + 1), advice[1024];
            memcpy(cut, rows[i].message, len);
            if (denial_parse(cut, &denial))
                denial_advice(&denial, "a:B", advice, sizeof advice);
            free(cut);
        }
}

static void test_no_room(void **state)
{
    (void)state;
    struct denial denial;
    char advice[128];
    assert_true(denial_parse(rows[0].message, &denial));
    denial_advice(&denial, "", advice, sizeof advice);
    assert_string_equal(advice, "role understudy of account 222222222222 needs ssm:PutParameter on "
                                "it");
}

static void test_action(void **state)
{
    (void)state;
    char action[64];
    denial_action("tagging", "GetResources", action, sizeof action);
    assert_string_equal(action, "tag:GetResources");
    denial_action("ssm", "GetParameters", action, sizeof action);
    assert_string_equal(action, "ssm:GetParameters");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_other_texts),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_action),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
