#include "local/services/iam_parts.h"

#include <string.h>

/* What the policies of these names grant for services this server has (and will have); statements
 * about other services are left out. */
#define VERSION "{\"Version\":\"2012-10-17\",\"Statement\":"
#define PASS_ROLE(service)                                                                         \
    "{\"Effect\":\"Allow\",\"Action\":\"iam:PassRole\",\"Resource\":\"*\",\"Condition\":{"         \
    "\"StringEquals\":{\"iam:PassedToService\":[" service "]}}}"
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
    {"AWSLambdaSQSQueueExecutionRole", "/service-role/",
     VERSION "[" ALLOW("\"sqs:ReceiveMessage\",\"sqs:DeleteMessage\",\"sqs:GetQueueAttributes\","
                       "\"logs:CreateLogGroup\",\"logs:CreateLogStream\","
                       "\"logs:PutLogEvents\"") "]}"},
    {"AWSLambdaRole", "/service-role/", VERSION "[" ALLOW("\"lambda:InvokeFunction\"") "]}"},
    {"AWSLambda_FullAccess", "/",
     VERSION "[" ALLOW("\"iam:GetPolicy\",\"iam:GetPolicyVersion\",\"iam:GetRole\","
                       "\"iam:GetRolePolicy\",\"iam:ListAttachedRolePolicies\","
                       "\"iam:ListRolePolicies\",\"iam:ListRoles\",\"kms:DescribeKey\","
                       "\"kms:ListAliases\",\"lambda:*\",\"logs:DescribeLogGroups\","
                       "\"tag:GetResources\"") "," PASS_ROLE("\"lambda.amazonaws.com\"") "]}"},
    {"AWSLambda_ReadOnlyAccess", "/",
     VERSION "[" ALLOW("\"iam:GetPolicy\",\"iam:GetPolicyVersion\",\"iam:GetRole\","
                       "\"iam:GetRolePolicy\",\"iam:ListAttachedRolePolicies\","
                       "\"iam:ListRolePolicies\",\"iam:ListRoles\",\"lambda:Get*\","
                       "\"lambda:List*\",\"tag:GetResources\"") "]}"},
    {"AmazonEventBridgeFullAccess", "/",
     VERSION "[" ALLOW("\"events:*\",\"schemas:*\",\"scheduler:*\",\"pipes:*\"") "," PASS_ROLE(
         "\"events.amazonaws.com\"") "]}"},
    {"AmazonEventBridgeReadOnlyAccess", "/",
     VERSION "[" ALLOW("\"events:DescribeRule\",\"events:DescribeEventBus\","
                       "\"events:ListEventBuses\",\"events:ListRuleNamesByTarget\","
                       "\"events:ListRules\",\"events:ListTargetsByRule\","
                       "\"events:TestEventPattern\",\"events:ListTagsForResource\"") "]}"},
    {"AmazonSQSFullAccess", "/", VERSION "[" ALLOW("\"sqs:*\"") "]}"},
    {"AmazonSQSReadOnlyAccess", "/",
     VERSION "[" ALLOW("\"sqs:GetQueueAttributes\",\"sqs:GetQueueUrl\","
                       "\"sqs:ListDeadLetterSourceQueues\",\"sqs:ListQueues\","
                       "\"sqs:ListMessageMoveTasks\",\"sqs:ListQueueTags\"") "]}"},
    {"AWSCloudTrail_ReadOnlyAccess", "/",
     VERSION "[" ALLOW("\"cloudtrail:Get*\",\"cloudtrail:Describe*\",\"cloudtrail:List*\","
                       "\"cloudtrail:LookupEvents\"") "]}"},
    {"AWSCloudTrail_FullAccess", "/",
     VERSION "[" ALLOW(
         "\"cloudtrail:*\",\"iam:ListRoles\",\"iam:GetRolePolicy\","
         "\"iam:GetUser\",\"kms:CreateKey\",\"kms:CreateAlias\","
         "\"kms:ListKeys\",\"kms:ListAliases\"") "," PASS_ROLE("\"cloudtrail.amazonaws.com\"") "]"
                                                                                               "}"},
    {"ResourceGroupsandTagEditorFullAccess", "/",
     VERSION "[" ALLOW("\"tag:*\",\"resource-groups:*\"") "]}"},
    {"AmazonSSMManagedInstanceCore", "/",
     VERSION "[" ALLOW("\"ssm:DescribeAssociation\",\"ssm:GetDocument\",\"ssm:GetManifest\","
                       "\"ssm:GetParameter\",\"ssm:GetParameters\",\"ssm:ListAssociations\","
                       "\"ssm:PutInventory\",\"ssm:UpdateInstanceInformation\"") "]}"},
    {"SecurityAudit", "/",
     VERSION "[" ALLOW("\"cloudtrail:DescribeTrails\",\"cloudtrail:GetTrailStatus\","
                       "\"cloudtrail:LookupEvents\",\"events:DescribeEventBus\","
                       "\"events:ListRules\",\"iam:GenerateCredentialReport\",\"iam:Get*\","
                       "\"iam:List*\",\"iam:SimulateCustomPolicy\","
                       "\"iam:SimulatePrincipalPolicy\",\"kms:Describe*\",\"kms:GetKeyPolicy\","
                       "\"kms:GetKeyRotationStatus\",\"kms:List*\",\"lambda:GetPolicy\","
                       "\"lambda:List*\",\"secretsmanager:DescribeSecret\","
                       "\"secretsmanager:GetResourcePolicy\",\"secretsmanager:ListSecrets\","
                       "\"sqs:GetQueueAttributes\",\"sqs:ListQueues\",\"ssm:Describe*\","
                       "\"ssm:ListDocuments\",\"tag:GetResources\",\"tag:GetTagKeys\"") "]}"},
    {"ViewOnlyAccess", "/job-function/",
     VERSION
     "[" ALLOW("\"cloudtrail:DescribeTrails\",\"cloudtrail:LookupEvents\","
               "\"events:ListRules\",\"events:ListTargetsByRule\",\"iam:GetAccountSummary\","
               "\"iam:GetLoginProfile\",\"iam:List*\",\"kms:ListAliases\","
               "\"kms:ListKeys\",\"lambda:List*\",\"secretsmanager:ListSecrets\","
               "\"sqs:ListQueues\",\"ssm:DescribeParameters\",\"ssm:List*\"") "]}"},
    {0}};

const char *iam_managed_document(const char *name)
{
    const struct iam_managed_policy *policy = iam_managed_policies;
    while (policy->name && strcmp(policy->name, name) != 0)
        policy++;
    return policy->document;
}

void iam_managed_entity(struct arena *arena, const struct iam_managed_policy *policy,
                        struct iam_entity *out)
{
    static const int64_t created_ms = 1423248000000; /* 2015-02-06: when AWS made the first */
    *out = (struct iam_entity){.kind = &iam_policy,
                               .account = "aws",
                               .id = iam_fixed_id(arena, iam_policy.prefix, policy->name),
                               .name = policy->name,
                               .path = policy->path,
                               .tags = "{}",
                               .created_ms = created_ms,
                               .updated_ms = created_ms,
                               .default_version = 1,
                               .last_version = 1};
}
