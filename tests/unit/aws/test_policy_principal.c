/* Whom a resource policy means, and how. */
#include "policy_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define ROOT    "arn:aws:iam::111111111111:root"
#define USER    "arn:aws:iam::111111111111:user/ann"
#define ROLE    "arn:aws:iam::111111111111:role/path/deploy"
#define SESSION "arn:aws:sts::111111111111:assumed-role/deploy/me"
#define OTHER   "arn:aws:iam::222222222222:user/ann"
#define LOGIN   "arn:aws:iam::111111111111:oidc-provider/id.example.com"

static const struct policy_principal user = {.arn = USER, .account = "111111111111"};
static const struct policy_principal root = {.arn = ROOT, .account = "111111111111"};
static const struct policy_principal session = {.arn = ROLE,
                                                .session_arn = SESSION,
                                                .account = "111111111111"};
static const struct policy_principal other = {.arn = OTHER, .account = "222222222222"};
static const struct policy_principal lambda = {.service = "lambda.amazonaws.com"};
static const struct policy_principal web = {.federated = LOGIN};

static const struct {
    const char *principal; /* the element */
    const struct policy_principal *who;
    enum policy_match match;
} cases[] = {
    {"'Principal':'*'", &user, POLICY_MATCH_ANYONE},
    {"'Principal':'*'", NULL, POLICY_MATCH_ANYONE},
    {"'Principal':{'AWS':'*'}", &session, POLICY_MATCH_ANYONE},
    {"'Principal':{'AWS':'111111111111'}", &user, POLICY_MATCH_ACCOUNT},
    {"'Principal':{'AWS':'" ROOT "'}", &session, POLICY_MATCH_ACCOUNT},
    {"'Principal':{'AWS':'" ROOT "'}", &root, POLICY_MATCH_ACCOUNT},
    {"'Principal':{'AWS':'" ROOT "'}", &other, POLICY_MATCH_NONE},
    {"'Principal':{'AWS':'" ROOT "'}", NULL, POLICY_MATCH_NONE},
    {"'Principal':{'AWS':'" USER "'}", &user, POLICY_MATCH_USER},
    {"'Principal':{'AWS':'" USER "'}", &other, POLICY_MATCH_NONE},
    {"'Principal':{'AWS':'" ROLE "'}", &session, POLICY_MATCH_ROLE},
    {"'Principal':{'AWS':'arn:aws:iam::111111111111:role/deploy'}", &session, POLICY_MATCH_NONE},
    {"'Principal':{'AWS':'" SESSION "'}", &session, POLICY_MATCH_SESSION},
    {"'Principal':{'AWS':'" SESSION "x'}", &session, POLICY_MATCH_NONE},
    {"'Principal':{'AWS':['" ROOT "','" SESSION "','" ROLE "']}", &session, POLICY_MATCH_SESSION},
    {"'Principal':{'AWS':['" ROOT "','*']}", &user, POLICY_MATCH_ANYONE},
    {"'Principal':{'AWS':['" USER "','*']}", &user, POLICY_MATCH_USER},
    {"'Principal':{'AWS':'AIDAIOSFODNN7EXAMPLE'}", &user, POLICY_MATCH_NONE},
    {"'Principal':{'Service':'lambda.amazonaws.com'}", &lambda, POLICY_MATCH_SERVICE},
    {"'Principal':{'Service':['events.amazonaws.com']}", &lambda, POLICY_MATCH_NONE},
    {"'Principal':{'Service':'lambda.amazonaws.com'}", &user, POLICY_MATCH_NONE},
    {"'Principal':{'AWS':'" USER "','Service':'lambda.amazonaws.com'}", &lambda,
     POLICY_MATCH_SERVICE},
    {"'Principal':{'AWS':'" USER "','Service':'lambda.amazonaws.com'}", &user, POLICY_MATCH_USER},
    {"'Principal':{'Federated':'" LOGIN "'}", &web, POLICY_MATCH_FEDERATED},
    {"'Principal':{'Federated':'accounts.google.com'}", &web, POLICY_MATCH_NONE},
    {"'Principal':{'CanonicalUser':'79a59df900b949e55d96a1e698fbaced'}", &user, POLICY_MATCH_NONE},
};

static void who_is_meant(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char document[512];
        enum policy_match match;
        snprintf(document, sizeof document,
                 "{'Statement':{'Effect':'Allow',%s,'Action':'sqs:*','Resource':'*'}}",
                 cases[i].principal);
        enum policy_answer answer = policy_ask(document, POLICY_RESOURCE, "sqs:SendMessage", "*",
                                               cases[i].who, NULL, &match);
        if (match != cases[i].match ||
            answer != (match == POLICY_MATCH_NONE ? POLICY_NO_MATCH : POLICY_ALLOW))
            fail_msg("case %zu, %s: match %d, answer %d", i, cases[i].principal, (int)match,
                     (int)answer);
    }
}

static const struct {
    const char *not_principal;
    const struct policy_principal *who;
    bool denied;
} exceptions[] = {
    {"{'AWS':['" USER "','" ROOT "']}", &user, false},
    {"{'AWS':['" USER "','111111111111']}", &user, false},
    {"{'AWS':'" USER "'}", &user, true}, /* the account is not left out */
    {"{'AWS':'" ROOT "'}", &user, true},
    {"{'AWS':'" ROOT "'}", &root, false},
    {"{'AWS':['" ROLE "','" ROOT "']}", &session, true}, /* the session is not */
    {"{'AWS':['" ROLE "','" ROOT "','" SESSION "']}", &session, false},
    {"{'AWS':['" USER "','" ROOT "']}", &other, true},
    {"{'AWS':'*'}", &other, false},
    {"'*'", NULL, false},
    {"{'AWS':'" ROOT "'}", NULL, true},
    {"{'Service':'lambda.amazonaws.com'}", &lambda, false},
    {"{'Service':'lambda.amazonaws.com'}", &user, true},
    {"{'Federated':'" LOGIN "'}", &web, false},
};

static void who_is_left_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++) {
        char document[512];
        snprintf(document, sizeof document,
                 "{'Statement':{'Effect':'Deny','NotPrincipal':%s,'Action':'*','Resource':'*'}}",
                 exceptions[i].not_principal);
        enum policy_answer answer =
            policy_ask(document, POLICY_RESOURCE, "sqs:X", "*", exceptions[i].who, NULL, NULL);
        if ((answer == POLICY_DENY) != exceptions[i].denied)
            fail_msg("case %zu, %s: %d", i, exceptions[i].not_principal, (int)answer);
    }
}

static void the_strongest_of_the_allows(void **state)
{
    (void)state;
    enum policy_match match;
    static const char two[] =
        "{'Statement':[{'Effect':'Allow','Principal':{'AWS':'" USER "'},'Action':'sqs:A'},"
        "{'Effect':'Allow','Principal':{'AWS':'" ROOT "'},'Action':'*'},"
        "{'Effect':'Deny','Principal':'*','Action':'sqs:C'}]}";
    assert_int_equal(policy_ask(two, POLICY_RESOURCE, "sqs:A", "*", &user, NULL, &match),
                     POLICY_ALLOW);
    assert_int_equal(match, POLICY_MATCH_USER);
    assert_int_equal(policy_ask(two, POLICY_RESOURCE, "sqs:B", "*", &user, NULL, &match),
                     POLICY_ALLOW);
    assert_int_equal(match, POLICY_MATCH_ACCOUNT);
    assert_int_equal(policy_ask(two, POLICY_RESOURCE, "sqs:C", "*", &user, NULL, &match),
                     POLICY_DENY);
    assert_int_equal(match, POLICY_MATCH_NONE);
    assert_int_equal(policy_ask(two, POLICY_TRUST, "sqs:A", NULL, &user, NULL, &match),
                     POLICY_ALLOW);
}

#define SYNTAX "Syntax errors in policy."

static const struct {
    const char *document, *message;
    enum policy_kind kind;
} refused[] = {
    {"{'Statement':{'Effect':'Allow','Action':'*','Resource':'*'}}",
     "Missing required field Principal", POLICY_RESOURCE},
    {"{'Statement':{'Effect':'Allow','Principal':'*','Action':'*','Resource':'*'}}",
     "Has prohibited field Resource", POLICY_TRUST},
    {"{'Statement':{'Effect':'Allow','NotPrincipal':'*','Action':'*'}}", SYNTAX, POLICY_RESOURCE},
    {"{'Statement':{'Effect':'Deny','NotPrincipal':'*','Principal':'*','Action':'*'}}", SYNTAX,
     POLICY_RESOURCE},
    {"{'Statement':{'Effect':'Allow','Principal':'x','Action':'*'}}", SYNTAX, POLICY_RESOURCE},
    {"{'Statement':{'Effect':'Allow','Principal':['*'],'Action':'*'}}", SYNTAX, POLICY_RESOURCE},
    {"{'Statement':{'Effect':'Allow','Principal':{},'Action':'*'}}", SYNTAX, POLICY_RESOURCE},
    {"{'Statement':{'Effect':'Allow','Principal':{'AWS':[]},'Action':'*'}}", SYNTAX,
     POLICY_RESOURCE},
    {"{'Statement':{'Effect':'Allow','Principal':{'AWS':[1]},'Action':'*'}}", SYNTAX,
     POLICY_RESOURCE},
    {"{'Statement':{'Effect':'Allow','Principal':{'Else':'x'},'Action':'*'}}", SYNTAX,
     POLICY_RESOURCE},
    {"{'Statement':{'Effect':'Allow','Principal':{'AWS':'arn:aws:iam::111111111111:role/*'},"
     "'Action':'*'}}",
     "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111111111111:role/*\"", POLICY_TRUST},
    {"{'Statement':{'Effect':'Allow','Principal':{'AWS':'arn:aws:iam::1:root'},'Action':'*'}}",
     "Invalid principal in policy: \"AWS\":\"arn:aws:iam::1:root\"", POLICY_TRUST},
    {"{'Statement':{'Effect':'Allow','Principal':{'AWS':'arn:aws:iam::111111111111:group/g'},"
     "'Action':'*'}}",
     "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111111111111:group/g\"", POLICY_TRUST},
    {"{'Statement':{'Effect':'Allow','Principal':{'AWS':'arn:aws:s3:::b'},'Action':'*'}}",
     "Invalid principal in policy: \"AWS\":\"arn:aws:s3:::b\"", POLICY_TRUST},
    {"{'Statement':{'Effect':'Allow','Principal':{'AWS':'ann'},'Action':'*'}}",
     "Invalid principal in policy: \"AWS\":\"ann\"", POLICY_TRUST},
    {"{'Statement':{'Effect':'Allow','Principal':{'Service':'*'},'Action':'*'}}",
     "Invalid principal in policy: \"Service\":\"*\"", POLICY_TRUST},
    {"{'Statement':{'Effect':'Allow','Principal':{'Service':'lambda'},'Action':'*'}}",
     "Invalid principal in policy: \"Service\":\"lambda\"", POLICY_TRUST},
    {"{'Statement':{'Sid':'With blanks','Effect':'Allow','Principal':'*','Action':'*'}}", "",
     POLICY_RESOURCE},
    {"{'Statement':[{'Sid':'A','Effect':'Allow','Principal':'*','Action':'*'},"
     "{'Sid':'A','Effect':'Deny','Principal':'*','Action':'*'}]}",
     "", POLICY_RESOURCE},
};

static void refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const char *message = policy_refusal(refused[i].document, refused[i].kind);
        if (strcmp(message, refused[i].message) != 0)
            fail_msg("%s: '%s'", refused[i].document, message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_is_meant),
                                       cmocka_unit_test(who_is_left_out),
                                       cmocka_unit_test(the_strongest_of_the_allows),
                                       cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
