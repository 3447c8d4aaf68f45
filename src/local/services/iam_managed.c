#include "local/services/iam_parts.h"

#include "aws/arn.h"

#include <string.h>

/* What the policies of these names grant for services this server has (and will have); statements
 * about other services are left out. */
#define VERSION        "{\"Version\":\"2012-10-17\",\"Statement\":"
#define ALLOW(actions) "{\"Effect\":\"Allow\",\"Action\":[" actions "],\"Resource\":\"*\"}"

const struct iam_managed_policy iam_managed_policies[] = {
    {"AdministratorAccess", "/",
     VERSION "[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}"},
    {"PowerUserAccess", "/",
     VERSION
     "[{\"Effect\":\"Allow\",\"NotAction\":[\"iam:*\",\"organizations:*\",\"account:*\"],"
     "\"Resource\":\"*\"}," ALLOW("\"account:GetAccountInformation\",\"account:GetPrimaryEmail\","
                                  "\"account:ListRegions\",\"iam:CreateServiceLinkedRole\","
                                  "\"iam:DeleteServiceLinkedRole\",\"iam:ListRoles\","
                                  "\"organizations:DescribeEffectivePolicy\","
                                  "\"organizations:DescribeOrganization\"") "]}"},
    {"ReadOnlyAccess", "/",
     VERSION "[" ALLOW(
         "\"access-analyzer:Get*\",\"access-analyzer:List*\",\"acm:Describe*\",\"acm:Get*\","
         "\"acm:List*\",\"cloudtrail:Describe*\",\"cloudtrail:Get*\",\"cloudtrail:List*\","
         "\"cloudtrail:LookupEvents\",\"events:Describe*\",\"events:List*\",\"events:Test*\","
         "\"guardduty:Describe*\",\"guardduty:Get*\",\"guardduty:List*\",\"iam:Generate*\","
         "\"iam:Get*\",\"iam:List*\",\"iam:Simulate*\",\"kms:Describe*\",\"kms:Get*\","
         "\"kms:List*\",\"lambda:Get*\",\"lambda:List*\",\"secretsmanager:DescribeSecret\","
         "\"secretsmanager:GetResourcePolicy\",\"secretsmanager:List*\",\"sqs:Get*\","
         "\"sqs:List*\",\"ssm:Describe*\",\"ssm:Get*\",\"ssm:List*\",\"sts:GetAccessKeyInfo\","
         "\"sts:GetCallerIdentity\",\"sts:GetSessionToken\",\"tag:DescribeReportCreation\","
         "\"tag:Get*\"") "]}"},
    {"AmazonSSMFullAccess", "/",
     VERSION "[" ALLOW("\"logs:*\",\"ssm:*\",\"ec2messages:*\"") "," ALLOW(
         "\"ssmmessages:CreateControlChannel\",\"ssmmessages:CreateDataChannel\","
         "\"ssmmessages:OpenControlChannel\",\"ssmmessages:OpenDataChannel\"") "]}"},
    {"AmazonSSMReadOnlyAccess", "/",
     VERSION "[" ALLOW("\"ssm:Describe*\",\"ssm:Get*\",\"ssm:List*\"") "]}"},
    {"AWSKeyManagementServicePowerUser", "/",
     VERSION "[" ALLOW("\"kms:CreateAlias\",\"kms:CreateKey\",\"kms:DeleteAlias\","
                       "\"kms:Describe*\",\"kms:GenerateRandom\",\"kms:Get*\",\"kms:List*\","
                       "\"kms:TagResource\",\"kms:UntagResource\",\"iam:ListGroups\","
                       "\"iam:ListRoles\",\"iam:ListUsers\"") "]}"},
    {"SecretsManagerReadWrite", "/",
     VERSION "[" ALLOW("\"secretsmanager:*\",\"kms:DescribeKey\",\"kms:ListAliases\","
                       "\"kms:ListKeys\",\"lambda:ListFunctions\",\"tag:GetResources\"") "]}"},
    {"IAMFullAccess", "/", VERSION "[" ALLOW("\"iam:*\"") "]}"},
    {"IAMReadOnlyAccess", "/",
     VERSION "[" ALLOW("\"iam:GenerateCredentialReport\","
                       "\"iam:GenerateServiceLastAccessedDetails\",\"iam:Get*\",\"iam:List*\","
                       "\"iam:SimulateCustomPolicy\",\"iam:SimulatePrincipalPolicy\"") "]}"},
    {"ResourceGroupsandTagEditorReadOnlyAccess", "/",
     VERSION "[" ALLOW("\"tag:getResources\",\"tag:getTagKeys\",\"tag:getTagValues\","
                       "\"resource-groups:Get*\",\"resource-groups:List*\","
                       "\"resource-groups:Search*\"") "]}"},
    {"AWSLambdaBasicExecutionRole", "/service-role/",
     VERSION
     "[" ALLOW("\"logs:CreateLogGroup\",\"logs:CreateLogStream\",\"logs:PutLogEvents\"") "]}"},
    {0}};

const struct iam_managed_policy *iam_managed_find(const char *policy_arn)
{
    struct arn arn;
    if (arn_parse(policy_arn, strlen(policy_arn), &arn) != 0 || !text_is(arn.service, "iam") ||
        !text_is(arn.account, "aws") || !text_starts(arn.resource.data, "policy/"))
        return NULL;
    const char *name = arn.resource.data + strlen("policy");
    for (const struct iam_managed_policy *policy = iam_managed_policies; policy->name; policy++) {
        size_t path = strlen(policy->path);
        if (strncmp(name, policy->path, path) == 0 && strcmp(name + path, policy->name) == 0)
            return policy;
    }
    return NULL;
}

const char *iam_policy_document(const char *policy_arn)
{
    const struct iam_managed_policy *policy = iam_managed_find(policy_arn);
    return policy ? policy->document : NULL;
}
