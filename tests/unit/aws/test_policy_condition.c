/* Every condition operator, its modifiers, and what a missing key means. */
#include "policy_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *condition, *context;
    bool holds;
} cases[] = {
    /* strings */
    {"'StringEquals':{'a:k':'x'}", "a:k=x", true},
    {"'StringEquals':{'A:K':'x'}", "a:k=x", true},
    {"'StringEquals':{'a:k':'X'}", "a:k=x", false},
    {"'StringEquals':{'a:k':['y','x']}", "a:k=x", true},
    {"'StringEquals':{'a:k':'*'}", "a:k=x", false},
    {"'StringEquals':{'a:k':''}", "a:k=", true},
    {"'StringEquals':{'a:k':'x'}", NULL, false},
    {"'StringEquals':{'a:k':'x'}", "a:k", false},
    {"'StringEquals':{'a:k':true}", "a:k=true", true},
    {"'StringEquals':{'a:k':12}", "a:k=12", true},
    {"'StringNotEquals':{'a:k':'x'}", "a:k=y", true},
    {"'StringNotEquals':{'a:k':['y','x']}", "a:k=y", false},
    {"'StringNotEquals':{'a:k':['y','x']}", "a:k=z", true},
    {"'StringNotEquals':{'a:k':'x'}", NULL, true},
    {"'StringEqualsIgnoreCase':{'a:k':'X'}", "a:k=x", true},
    {"'StringNotEqualsIgnoreCase':{'a:k':'X'}", "a:k=x", false},
    {"'StringLike':{'a:k':'a*c?'}", "a:k=abbcd", true},
    {"'StringLike':{'a:k':'a*c?'}", "a:k=abbc", false},
    {"'StringLike':{'a:k':'A*'}", "a:k=abc", false},
    {"'StringNotLike':{'a:k':'a*'}", "a:k=abc", false},
    {"'StringNotLike':{'a:k':'a*'}", "a:k=b", true},
    {"'StringNotLike':{'a:k':'a*'}", NULL, true},
    /* several operators and keys: all */
    {"'StringEquals':{'a:k':'x','a:l':'y'}", "a:k=x;a:l=y", true},
    {"'StringEquals':{'a:k':'x','a:l':'y'}", "a:k=x;a:l=z", false},
    {"'StringEquals':{'a:k':'x'},'Bool':{'a:b':'true'}", "a:k=x;a:b=true", true},
    {"'StringEquals':{'a:k':'x'},'Bool':{'a:b':'true'}", "a:k=x;a:b=false", false},
    /* variables */
    {"'StringEquals':{'a:k':'${a:l}'}", "a:k=x;a:l=x", true},
    {"'StringEquals':{'a:k':'${a:l}'}", "a:k=x;a:l=y", false},
    {"'StringEquals':{'a:k':'${a:l}'}", "a:k=x", false},
    {"'StringNotEquals':{'a:k':'${a:l}'}", "a:k=x;a:l=y", true},
    {"'StringNotEquals':{'a:k':'${a:l}'}", "a:k=x", false}, /* no value: no match at all */
    {"'StringEquals':{'a:k':'${a:l, `x`}'}", "a:k=x", true},
    {"'StringLike':{'a:k':'${a:l}*'}", "a:k=**x;a:l=*", true},
    {"'StringLike':{'a:k':'${a:l}*'}", "a:k=abx;a:l=*", false},
    {"'StringLike':{'a:k':'a${*}b'}", "a:k=a*b", true},
    {"'StringEquals':{'a:k':'a${*}b'}", "a:k=a*b", true},
    {"'StringEqualsIgnoreCase':{'a:k':'${a:l}-A'}", "a:k=x-a;a:l=X", true},
    {"'Bool':{'a:k':'${a:l}'}", "a:k=true;a:l=TRUE", true},
    /* ARNs */
    {"'ArnLike':{'a:k':'arn:aws:iam::1:role/*'}", "a:k=arn:aws:iam::1:role/x/y", true},
    {"'ArnEquals':{'a:k':'arn:aws:iam::*:role/*'}", "a:k=arn:aws:iam::1:role/x", true},
    {"'ArnLike':{'a:k':'arn:aws:*:role/*'}", "a:k=arn:aws:iam::1:role/x", false},
    {"'ArnLike':{'a:k':'arn:*:*:*:*:*'}", "a:k=arn:aws:iam::1:role/x:y", true},
    {"'ArnLike':{'a:k':'arn:aws:iam::1:role/x'}", "a:k=role/x", false},
    {"'ArnLike':{'a:k':'arn:aws:iam::2:role/*'}", "a:k=arn:aws:iam::1:role/x", false},
    {"'ArnLike':{'a:k':'arn:aws:iam::${a:l}:role/*'}", "a:k=arn:aws:iam::1:role/x;a:l=*", false},
    {"'ArnLike':{'a:k':'arn:aws:sns:eu-*:1:t'}", "a:k=arn:aws:sns:us-east-1:1:t", false},
    {"'ArnLike':{'a:k':'arn:aws:sns:us-*-1:1:t'}", "a:k=arn:aws:sns:us-east-1:1:t", true},
    {"'ArnLike':{'a:k':'arn:aws:sns:*:t'}", "a:k=arn:aws:sns:us-east-1:1:t", false},
    {"'ArnNotLike':{'a:k':'arn:aws:iam::1:role/*'}", "a:k=arn:aws:iam::1:role/x", false},
    {"'ArnNotEquals':{'a:k':'arn:aws:iam::1:role/*'}", "a:k=arn:aws:iam::1:user/x", true},
    {"'ArnNotEquals':{'a:k':'arn:aws:iam::1:role/*'}", NULL, true},
    {"'ArnLike':{'a:k':'arn:aws:iam::${a:l}:role/*'}", "a:k=arn:aws:iam::1:role/x;a:l=1", true},
    /* Bool */
    {"'Bool':{'a:k':'true'}", "a:k=true", true},
    {"'Bool':{'a:k':true}", "a:k=TRUE", true},
    {"'Bool':{'a:k':'false'}", "a:k=true", false},
    {"'Bool':{'a:k':'false'}", "a:k=false", true},
    {"'Bool':{'a:k':'false'}", NULL, false},
    {"'Bool':{'a:k':'true'}", "a:k=yes", false},
    {"'BoolIfExists':{'a:k':'true'}", NULL, true},
    {"'BoolIfExists':{'a:k':'true'}", "a:k=false", false},
    /* numbers */
    {"'NumericEquals':{'a:k':'10'}", "a:k=10.0", true},
    {"'NumericEquals':{'a:k':['9','10']}", "a:k=10", true},
    {"'NumericNotEquals':{'a:k':['9','10']}", "a:k=10", false},
    {"'NumericNotEquals':{'a:k':'9'}", NULL, true},
    {"'NumericLessThan':{'a:k':10}", "a:k=9.5", true},
    {"'NumericLessThan':{'a:k':10}", "a:k=10", false},
    {"'NumericLessThanEquals':{'a:k':10}", "a:k=10", true},
    {"'NumericGreaterThan':{'a:k':'-1'}", "a:k=0", true},
    {"'NumericGreaterThan':{'a:k':'0'}", "a:k=0", false},
    {"'NumericGreaterThanEquals':{'a:k':'1e2'}", "a:k=100", true},
    {"'NumericLessThan':{'a:k':10}", "a:k=x", false},
    {"'NumericLessThan':{'a:k':10}", "a:k=0x1", false},
    {"'NumericLessThan':{'a:k':10}", NULL, false},
    {"'NumericLessThanIfExists':{'a:k':10}", NULL, true},
    /* dates */
    {"'DateLessThan':{'a:k':'2020-01-01T00:00:00Z'}", "a:k=2019-12-31T23:59:59Z", true},
    {"'DateLessThan':{'a:k':'2020-01-01T00:00:00Z'}", "a:k=2020-01-01T00:00:00Z", false},
    {"'DateLessThanEquals':{'a:k':'2020-01-01'}", "a:k=2020-01-01T00:00:00Z", true},
    {"'DateGreaterThan':{'a:k':'2020-01-01T00:00Z'}", "a:k=2020-01-01T00:00:01Z", true},
    {"'DateGreaterThanEquals':{'a:k':'1577836800'}", "a:k=2020-01-01T00:00:00Z", true},
    {"'DateEquals':{'a:k':'2020-01-01T01:00:00+01:00'}", "a:k=1577836800", true},
    {"'DateNotEquals':{'a:k':'2020-01-01'}", "a:k=2020-01-02", true},
    {"'DateEquals':{'a:k':'2020-01-01'}", "a:k=soon", false},
    /* binary */
    {"'BinaryEquals':{'a:k':'QmluYXJ5'}", "a:k=QmluYXJ5", true},
    {"'BinaryEquals':{'a:k':'QmluYXJ5'}", "a:k=QmluYXJ6", false},
    {"'BinaryEquals':{'a:k':'QQ=='}", "a:k=QR==", true}, /* one byte, "A" */
    {"'BinaryEquals':{'a:k':'QQ=='}", "a:k=A", false},
    /* addresses */
    {"'IpAddress':{'a:k':'203.0.113.0/24'}", "a:k=203.0.113.9", true},
    {"'IpAddress':{'a:k':'203.0.113.0/24'}", "a:k=203.0.114.9", false},
    {"'IpAddress':{'a:k':'203.0.113.7'}", "a:k=203.0.113.7", true},
    {"'IpAddress':{'a:k':'203.0.113.7'}", "a:k=203.0.113.6", false},
    {"'IpAddress':{'a:k':'203.0.113.128/25'}", "a:k=203.0.113.200", true},
    {"'IpAddress':{'a:k':'203.0.113.128/25'}", "a:k=203.0.113.100", false},
    {"'IpAddress':{'a:k':'0.0.0.0/0'}", "a:k=203.0.113.100", true},
    {"'IpAddress':{'a:k':'0.0.0.0/0'}", "a:k=::1", false},
    {"'IpAddress':{'a:k':'2001:db8::/33'}", "a:k=2001:db8:7fff::1", true},
    {"'IpAddress':{'a:k':'2001:db8::/33'}", "a:k=2001:db8:8000::1", false},
    {"'IpAddress':{'a:k':['10.0.0.0/8','203.0.113.7/32']}", "a:k=203.0.113.7", true},
    {"'IpAddress':{'a:k':'10.0.0.0/8'}", "a:k=ten", false},
    {"'IpAddress':{'a:k':'10.0.0.0/8'}", NULL, false},
    {"'NotIpAddress':{'a:k':['10.0.0.0/8','11.0.0.0/8']}", "a:k=11.1.1.1", false},
    {"'NotIpAddress':{'a:k':['10.0.0.0/8','11.0.0.0/8']}", "a:k=12.1.1.1", true},
    {"'NotIpAddress':{'a:k':'10.0.0.0/8'}", NULL, true},
    /* Null */
    {"'Null':{'a:k':'true'}", NULL, true},
    {"'Null':{'a:k':'true'}", "a:k", true},
    {"'Null':{'a:k':'true'}", "a:k=x", false},
    {"'Null':{'a:k':false}", "a:k=x", true},
    {"'Null':{'a:k':'false'}", NULL, false},
    /* IfExists */
    {"'StringEqualsIfExists':{'a:k':'x'}", NULL, true},
    {"'StringEqualsIfExists':{'a:k':'x'}", "a:k=y", false},
    {"'StringNotLikeIfExists':{'a:k':'x*'}", NULL, true},
    {"'StringNotLikeIfExists':{'a:k':'x*'}", "a:k=xy", false},
    /* sets */
    {"'ForAllValues:StringEquals':{'a:k':['x','y']}", "a:k=x|y", true},
    {"'ForAllValues:StringEquals':{'a:k':['x','y']}", "a:k=x|z", false},
    {"'ForAllValues:StringEquals':{'a:k':['x','y']}", NULL, true},
    {"'ForAllValues:StringEquals':{'a:k':['x','y']}", "a:k", true},
    {"'ForAllValues:StringNotEquals':{'a:k':['x','y']}", "a:k=a|b", true},
    {"'ForAllValues:StringNotEquals':{'a:k':['x','y']}", "a:k=a|x", false},
    {"'ForAllValues:StringLike':{'a:k':'team-*'}", "a:k=team-a|team-b", true},
    {"'ForAnyValue:StringEquals':{'a:k':['x','y']}", "a:k=a|y", true},
    {"'ForAnyValue:StringEquals':{'a:k':['x','y']}", "a:k=a|b", false},
    {"'ForAnyValue:StringEquals':{'a:k':['x','y']}", NULL, false},
    {"'ForAnyValue:StringNotEquals':{'a:k':['x','y']}", "a:k=x|a", true},
    {"'ForAnyValue:StringNotEquals':{'a:k':['x','y']}", "a:k=x|y", false},
    {"'ForAnyValue:StringNotEquals':{'a:k':['x','y']}", NULL, false},
    {"'ForAnyValue:StringEqualsIfExists':{'a:k':'x'}", NULL, true},
    /* several values under an operator for one */
    {"'StringEquals':{'a:k':'x'}", "a:k=a|x", true},
    {"'StringNotEquals':{'a:k':'x'}", "a:k=a|x", false},
};

static void operators(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char document[512];
        snprintf(document, sizeof document,
                 "{'Version':'2012-10-17','Statement':{'Effect':'Allow','Action':'*','Resource':'*'"
                 ",'Condition':{%s}}}",
                 cases[i].condition);
        enum policy_answer answer =
            policy_ask(document, POLICY_IDENTITY, "ssm:X", "*", NULL, cases[i].context, NULL);
        if ((answer == POLICY_ALLOW) != cases[i].holds)
            fail_msg("%s with %s gives %d", cases[i].condition, cases[i].context, (int)answer);
    }
}

static const struct {
    const char *condition, *message;
} refused[] = {
    {"'StringEqual':{'a:k':'x'}", "Invalid Condition type : StringEqual."},
    {"'stringequals':{'a:k':'x'}", "Invalid Condition type : stringequals."},
    {"'ForSomeValues:StringEquals':{'a:k':'x'}",
     "Invalid Condition type : ForSomeValues:StringEquals."},
    {"'NullIfExists':{'a:k':'true'}", "Invalid Condition type : NullIfExists."},
    {"'ForAllValues:Null':{'a:k':'true'}", "Invalid Condition type : ForAllValues:Null."},
    {"'IfExists':{'a:k':'true'}", "Invalid Condition type : IfExists."},
    {"'StringEquals':{}", "Syntax errors in policy."},
    {"'StringEquals':{'a:k':[]}", "Syntax errors in policy."},
    {"'StringEquals':{'a:k':{}}", "Syntax errors in policy."},
    {"'StringEquals':{'a:k':null}", "Syntax errors in policy."},
    {"'StringEquals':{'a:k':['x',null]}", "Syntax errors in policy."},
    {"'StringEquals':{'k':'x'}",
     "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
    {"'Bool':{'a:k':'yes'}", "Invalid value for Condition type : Bool."},
    {"'Null':{'a:k':'maybe'}", "Invalid value for Condition type : Null."},
    {"'NumericEquals':{'a:k':'ten'}", "Invalid value for Condition type : NumericEquals."},
    {"'NumericEquals':{'a:k':''}", "Invalid value for Condition type : NumericEquals."},
    {"'NumericEquals':{'a:k':'${a:l}'}", "Invalid value for Condition type : NumericEquals."},
    {"'DateEquals':{'a:k':'tomorrow'}", "Invalid value for Condition type : DateEquals."},
    {"'IpAddress':{'a:k':'10.0.0.0/33'}", "Invalid value for Condition type : IpAddress."},
    {"'IpAddress':{'a:k':'10.0.0/8'}", "Invalid value for Condition type : IpAddress."},
    {"'IpAddress':{'a:k':'10.0.0.0/'}", "Invalid value for Condition type : IpAddress."},
    {"'NotIpAddress':{'a:k':'x'}", "Invalid value for Condition type : NotIpAddress."},
    {"'BinaryEquals':{'a:k':'!'}", "Invalid value for Condition type : BinaryEquals."},
};

static void refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char document[512];
        snprintf(document, sizeof document,
                 "{'Version':'2012-10-17','Statement':{'Effect':'Allow','Action':'*','Resource':'*'"
                 ",'Condition':{%s}}}",
                 refused[i].condition);
        const char *message = policy_refusal(document, POLICY_IDENTITY);
        if (strcmp(message, refused[i].message) != 0)
            fail_msg("%s: '%s'", refused[i].condition, message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(operators), cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
