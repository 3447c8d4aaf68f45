/* Documents, actions, resources and variables. Conditions and principals have files of their own.
 */
#include "aws/policy.h"

#include "base/arena.h"
#include "policy_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ALLOW(action, resource)                                                                    \
    "{'Version':'2012-10-17','Statement':{'Effect':'Allow','Action':" action                       \
    ",'Resource':" resource "}}"
#define PARAMETER "arn:aws:ssm:us-east-1:111111111111:parameter/"

static const struct {
    const char *document, *action, *resource, *context;
    enum policy_answer answer;
} cases[] = {
    /* actions */
    {ALLOW("'ssm:GetParameter'", "'*'"), "ssm:GetParameter", "*", NULL, POLICY_ALLOW},
    {ALLOW("'SSM:getparameter'", "'*'"), "ssm:GetParameter", "*", NULL, POLICY_ALLOW},
    {ALLOW("'ssm:GetParameter'", "'*'"), "SSM:GETPARAMETER", "*", NULL, POLICY_ALLOW},
    {ALLOW("'ssm:GetParameter'", "'*'"), "ssm:GetParameters", "*", NULL, POLICY_NO_MATCH},
    {ALLOW("'ssm:Get*'", "'*'"), "ssm:GetParameters", "*", NULL, POLICY_ALLOW},
    {ALLOW("'ssm:*Parameter?'", "'*'"), "ssm:GetParameters", "*", NULL, POLICY_ALLOW},
    {ALLOW("'ssm:*Parameter?'", "'*'"), "ssm:GetParameter", "*", NULL, POLICY_NO_MATCH},
    {ALLOW("'ssm:*'", "'*'"), "kms:Decrypt", "*", NULL, POLICY_NO_MATCH},
    {ALLOW("'*'", "'*'"), "kms:Decrypt", "*", NULL, POLICY_ALLOW},
    {ALLOW("['s3:x','ssm:GetParameter']", "'*'"), "ssm:GetParameter", "*", NULL, POLICY_ALLOW},
    {"{'Statement':[{'Effect':'Allow','NotAction':'iam:*','Resource':'*'}]}", "ssm:GetParameter",
     "*", NULL, POLICY_ALLOW},
    {"{'Statement':[{'Effect':'Allow','NotAction':['s3:*','iam:*'],'Resource':'*'}]}",
     "iam:GetUser", "*", NULL, POLICY_NO_MATCH},
    /* deny wins, wherever it stands */
    {"{'Statement':[{'Effect':'Deny','Action':'ssm:Put*','Resource':'*'},"
     "{'Effect':'Allow','Action':'ssm:*','Resource':'*'}]}",
     "ssm:PutParameter", "*", NULL, POLICY_DENY},
    {"{'Statement':[{'Effect':'Allow','Action':'ssm:*','Resource':'*'},"
     "{'Effect':'Deny','Action':'ssm:Put*','Resource':'*'}]}",
     "ssm:PutParameter", "*", NULL, POLICY_DENY},
    {"{'Statement':[{'Effect':'Allow','Action':'ssm:*','Resource':'*'},"
     "{'Effect':'Deny','Action':'ssm:Put*','Resource':'*'}]}",
     "ssm:GetParameter", "*", NULL, POLICY_ALLOW},
    {"{'Statement':[{'Effect':'Deny','NotAction':'ssm:Get*','Resource':'*'}]}", "ssm:PutParameter",
     "*", NULL, POLICY_DENY},
    /* resources */
    {ALLOW("'*'", "'" PARAMETER "a/b'"), "ssm:GetParameter", PARAMETER "a/b", NULL, POLICY_ALLOW},
    {ALLOW("'*'", "'" PARAMETER "a/B'"), "ssm:GetParameter", PARAMETER "a/b", NULL,
     POLICY_NO_MATCH},
    {ALLOW("'*'", "'" PARAMETER "a/*'"), "ssm:GetParameter", PARAMETER "a/b/c", NULL, POLICY_ALLOW},
    {ALLOW("'*'", "'" PARAMETER "a/*'"), "ssm:GetParameter", PARAMETER "a", NULL, POLICY_NO_MATCH},
    {ALLOW("'*'", "'" PARAMETER "a?'"), "ssm:GetParameter", PARAMETER "ab", NULL, POLICY_ALLOW},
    {ALLOW("'*'", "'arn:aws:ssm:*:*:parameter/*'"), "ssm:GetParameter", PARAMETER "a", NULL,
     POLICY_ALLOW},
    {ALLOW("'*'", "'arn:aws:ssm:eu-*:*:parameter/*'"), "ssm:GetParameter", PARAMETER "a", NULL,
     POLICY_NO_MATCH},
    {ALLOW("'*'", "'arn:*:ssm:us-east-1:111111111111:parameter/a'"), "ssm:GetParameter",
     PARAMETER "a", NULL, POLICY_ALLOW},
    {ALLOW("'*'", "'arn:aws-cn:ssm:us-east-1:111111111111:parameter/a'"), "ssm:GetParameter",
     PARAMETER "a", NULL, POLICY_NO_MATCH},
    {ALLOW("'*'", "'arn:aws:ssm:*'"), "ssm:GetParameter", PARAMETER "a", NULL, POLICY_ALLOW},
    /* A star at the end of a segment may run over colons, but not over the service. */
    {ALLOW("'*'", "'arn:*:ssm:*'"), "kms:Decrypt", "arn:aws:kms:us-east-1:111111111111:x:ssm:y",
     NULL, POLICY_NO_MATCH},
    {ALLOW("'*'", "'arn:aws:lambda:*:*:function:f:*'"), "lambda:Invoke",
     "arn:aws:lambda:us-east-1:111111111111:function:f:1:2", NULL, POLICY_ALLOW},
    {ALLOW("'*'", "'" PARAMETER "*'"), "ssm:DescribeParameters", "*", NULL, POLICY_NO_MATCH},
    {ALLOW("'*'", "['" PARAMETER "x','" PARAMETER "a']"), "ssm:GetParameter", PARAMETER "a", NULL,
     POLICY_ALLOW},
    {"{'Statement':{'Effect':'Allow','Action':'*','NotResource':'" PARAMETER "a/*'}}",
     "ssm:GetParameter", PARAMETER "b", NULL, POLICY_ALLOW},
    {"{'Statement':{'Effect':'Allow','Action':'*','NotResource':'" PARAMETER "a/*'}}",
     "ssm:GetParameter", PARAMETER "a/b", NULL, POLICY_NO_MATCH},
    /* variables */
    {ALLOW("'*'", "'" PARAMETER "${aws:username}/*'"), "ssm:GetParameter", PARAMETER "ann/x",
     "aws:username=ann", POLICY_ALLOW},
    {ALLOW("'*'", "'" PARAMETER "${AWS:UserName}/*'"), "ssm:GetParameter", PARAMETER "ann/x",
     "aws:username=ann", POLICY_ALLOW},
    {ALLOW("'*'", "'" PARAMETER "${aws:username}/*'"), "ssm:GetParameter", PARAMETER "ann/x",
     "aws:username=bob", POLICY_NO_MATCH},
    {ALLOW("'*'", "'" PARAMETER "${aws:username}/*'"), "ssm:GetParameter", PARAMETER "ann/x", NULL,
     POLICY_NO_MATCH},
    {ALLOW("'*'", "'" PARAMETER "${aws:username}'"), "ssm:GetParameter", PARAMETER "ann",
     "aws:username=ann|bob", POLICY_NO_MATCH}, /* several values are none */
    {ALLOW("'*'", "'" PARAMETER "${aws:username}/*'"), "ssm:GetParameter", PARAMETER "ann/x",
     "aws:username=*", POLICY_NO_MATCH}, /* a value's star is a star */
    {ALLOW("'*'", "'" PARAMETER "${aws:username}/*'"), "ssm:GetParameter", PARAMETER "*/x",
     "aws:username=*", POLICY_ALLOW},
    {ALLOW("'*'", "'" PARAMETER "${aws:PrincipalTag/team, `none`}'"), "ssm:GetParameter",
     PARAMETER "none", NULL, POLICY_ALLOW},
    {ALLOW("'*'", "'" PARAMETER "${aws:PrincipalTag/team,`none`}'"), "ssm:GetParameter",
     PARAMETER "none", "aws:PrincipalTag/team=blue", POLICY_NO_MATCH},
    {ALLOW("'*'", "'" PARAMETER "a${*}${?}${$}'"), "ssm:GetParameter", PARAMETER "a*?$", NULL,
     POLICY_ALLOW},
    {ALLOW("'*'", "'" PARAMETER "a${*}'"), "ssm:GetParameter", PARAMETER "ab", NULL,
     POLICY_NO_MATCH},
    /* In a document of 2008 they are text like any other. */
    {"{'Version':'2008-10-17','Statement':{'Effect':'Allow','Action':'*','Resource':'" PARAMETER
     "${aws:username}'}}",
     "ssm:GetParameter", PARAMETER "ann", "aws:username=ann", POLICY_NO_MATCH},
    {"{'Statement':{'Effect':'Allow','Action':'*','Resource':'" PARAMETER "${aws:username}'}}",
     "ssm:GetParameter", PARAMETER "${aws:username}", "aws:username=ann", POLICY_ALLOW},
    /* A variable without value: the statement does not match, NotResource neither. */
    {"{'Version':'2012-10-17','Statement':{'Effect':'Allow','Action':'*','NotResource':'" PARAMETER
     "${aws:username}'}}",
     "ssm:GetParameter", PARAMETER "ann", NULL, POLICY_NO_MATCH},
    {"{'Version':'2012-10-17','Statement':{'Effect':'Allow','Action':'*','Resource':['" PARAMETER
     "${aws:username}','" PARAMETER "ann']}}",
     "ssm:GetParameter", PARAMETER "ann", NULL, POLICY_ALLOW},
    /* conditions are asked */
    {"{'Statement':{'Effect':'Allow','Action':'*','Resource':'*','Condition':{}}}", "ssm:X", "*",
     NULL, POLICY_ALLOW},
    {"{'Statement':{'Effect':'Allow','Action':'*','Resource':'*','Condition':"
     "{'StringEquals':{'a:b':'c'}}}}",
     "ssm:X", "*", NULL, POLICY_NO_MATCH},
};

static void answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum policy_answer answer = policy_ask(cases[i].document, POLICY_IDENTITY, cases[i].action,
                                               cases[i].resource, NULL, cases[i].context, NULL);
        if (answer != cases[i].answer)
            fail_msg("%s: %s on %s gives %d", cases[i].document, cases[i].action, cases[i].resource,
                     (int)answer);
    }
}

#define SYNTAX "Syntax errors in policy."

static const struct {
    const char *document, *message;
} refused[] = {
    {"", SYNTAX},
    {"[]", SYNTAX},
    {"{}", SYNTAX},
    {"{'Statement':[]}", SYNTAX},
    {"{'Statement':'x'}", SYNTAX},
    {"{'Statement':[1]}", SYNTAX},
    {"{'Statement':[{}]}", SYNTAX},
    {"{'Version':'2012-10-17','Version':'2012-10-17','Statement':[{'Effect':'Allow','Action':'*',"
     "'Resource':'*'}]}",
     SYNTAX},
    {"{'Version':'2020-01-01','Statement':[{'Effect':'Allow','Action':'*','Resource':'*'}]}",
     "The policy must contain a valid version string"},
    {"{'Version':2012,'Statement':[{'Effect':'Allow','Action':'*','Resource':'*'}]}", SYNTAX},
    {"{'Id':1,'Statement':[{'Effect':'Allow','Action':'*','Resource':'*'}]}", SYNTAX},
    {"{'Statements':[{'Effect':'Allow','Action':'*','Resource':'*'}]}", SYNTAX},
    {"{'Statement':[{'Effect':'allow','Action':'*','Resource':'*'}]}", SYNTAX},
    {"{'Statement':[{'Effect':'Allow','Action':'*','Resource':'*','Else':1}]}", SYNTAX},
    {"{'Statement':[{'Effect':'Allow','Action':'*','NotAction':'*','Resource':'*'}]}", SYNTAX},
    {"{'Statement':[{'Effect':'Allow','Action':'*','Resource':'*','NotResource':'*'}]}", SYNTAX},
    {"{'Statement':[{'Effect':'Allow','Resource':'*'}]}", "Policy statement must contain actions."},
    {ALLOW("[]", "'*'"), "Policy statement must contain actions."},
    {ALLOW("{}", "'*'"), "Policy statement must contain actions."},
    {ALLOW("1", "'*'"), SYNTAX},
    {ALLOW("['ssm:x',null]", "'*'"), SYNTAX},
    {ALLOW("'GetParameter'", "'*'"),
     "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
    {ALLOW("'ssm:a:b'", "'*'"), "Actions/Condition can contain only one colon."},
    {ALLOW("'s*:Get'", "'*'"), "Vendor s* is not valid"},
    {ALLOW("':Get'", "'*'"), "Vendor  is not valid"},
    {"{'Statement':[{'Effect':'Allow','Action':'*'}]}", "Policy statement must contain resources."},
    {ALLOW("'*'", "[]"), "Policy statement must contain resources."},
    {ALLOW("'*'", "'parameter/a'"), "Resource parameter/a must be in ARN format or \"*\"."},
    {ALLOW("'*'", "'**'"), "Resource ** must be in ARN format or \"*\"."},
    {ALLOW("'*'", "'arn:aws-mars:ssm:::x'"),
     "Partition \"aws-mars\" is not valid for resource \"arn:aws-mars:ssm:::x\"."},
    {ALLOW("'*'", "'arn:aws:s*:us-east-1:1:x'"),
     "Resource vendor must be fully qualified and cannot contain regexes."},
    {ALLOW("'*'", "'arn:aws:ssm'"),
     "Resource vendor must be fully qualified and cannot contain regexes."},
    {ALLOW("'*'", "'arn:aws:ssm:::${aws:username'"), SYNTAX},
    {ALLOW("'*'", "'arn:aws:ssm:::${}'"), SYNTAX},
    {ALLOW("'*'", "'arn:aws:ssm:::${a, b}'"), SYNTAX},
    {"{'Statement':[{'Effect':'Allow','Action':'*','Resource':'*','Condition':[]}]}", SYNTAX},
    {"{'Statement':[{'Effect':'Allow','Action':'*','Resource':'*','Condition':{'StringEquals':'x'}}"
     "]}",
     SYNTAX},
    {"{'Statement':[{'Effect':'Allow','Action':'*','Resource':'*','Principal':'*'}]}",
     "Policy document should not specify a principal."},
    {"{'Statement':[{'Sid':'A','Effect':'Allow','Action':'*','Resource':'*'},"
     "{'Sid':'A','Effect':'Deny','Action':'*','Resource':'*'}]}",
     "Statement IDs (SID) in a single policy must be unique."},
    {"{'Statement':[{'Sid':'A b','Effect':'Allow','Action':'*','Resource':'*'}]}",
     "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular "
     "expression [0-9A-Za-z]*"},
    {"{'Statement':[{'Sid':1,'Effect':'Allow','Action':'*','Resource':'*'}]}", SYNTAX},
    {"{'Id':'x','Statement':[{'Sid':'','Effect':'Allow','Action':'*','Resource':'*'},"
     "{'Sid':'','Effect':'Allow','Action':'*','Resource':'*'}]}",
     ""},
};

static void refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const char *message = policy_refusal(refused[i].document, POLICY_IDENTITY);
        if (strcmp(message, refused[i].message) != 0)
            fail_msg("%s: '%s'", refused[i].document, message);
    }
}

/* Patterns that make a backtracking matcher exponential are answered in bounded time; and variables
 * may grow beyond what is kept on the stack. */
static void hostile_patterns(void **state)
{
    (void)state;
    char pattern[2000] = "", document[4096], resource[2100] = "arn:aws:ssm:::", value[7000];
    for (int i = 0; i < 300; i++)
        memcpy(pattern + 5 * i, "a*a?*", 6);
    memset(resource + 14, 'a', 2000);
    snprintf(document, sizeof document,
             "{'Version':'2012-10-17','Statement':{'Effect':'Allow','Action':'*','Resource':"
             "'arn:aws:ssm:::%sb'}}",
             pattern);
    clock_t start = clock(); /* of this process alone: the machine may be busy */
    for (int i = 0; i < 20; i++)
        assert_int_equal(policy_ask(document, POLICY_IDENTITY, "ssm:X", resource, NULL, NULL, NULL),
                         POLICY_NO_MATCH);
    assert_true(clock() - start < 5 * CLOCKS_PER_SEC);

    memset(value, 'v', sizeof value);
    memcpy(value, "a:b=", 4);
    value[sizeof value - 1] = '\0';
    assert_int_equal(
        policy_ask("{'Version':'2012-10-17','Statement':{'Effect':'Allow','Action':'*','Resource':"
                   "'*','Condition':{'StringLike':{'a:b':'${a:b}*'}}}}",
                   POLICY_IDENTITY, "ssm:X", "*", NULL, value, NULL),
        POLICY_ALLOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers), cmocka_unit_test(refusals),
                                       cmocka_unit_test(hostile_patterns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
