"""STS, IAM and the tagging API in the local server by Debian's aws command line."""
import json

import local_server
import roles
from local_server import ACCOUNT, REGION


class Cli(local_server.Conformance):
    def aws(self, *arguments):
        text = self.server.cli(*arguments)
        return json.loads(text) if text.strip() else None

    def test_sts(self):
        self.assertEqual(self.aws('sts', 'get-caller-identity')['Account'], ACCOUNT)
        role = roles.make(self.server, 'r')
        answer = self.aws('sts', 'assume-role', '--role-arn', role, '--role-session-name', 'me',
                          '--duration-seconds', '900')
        self.assertIn(':assumed-role/r/me', answer['AssumedRoleUser']['Arn'])
        self.assertIn('SessionToken', self.aws('sts', 'get-session-token')['Credentials'])
        answer = self.aws('sts', 'get-federation-token', '--name', 'bob')
        self.assertIn(':federated-user/bob', answer['FederatedUser']['Arn'])
        key = local_server.CREDENTIALS[ACCOUNT][0]
        self.assertEqual(self.aws('sts', 'get-access-key-info', '--access-key-id', key),
                         {'Account': ACCOUNT})

    def test_iam(self):
        name, trust = ('--role-name', 'r'), roles.trust()
        made = self.aws('iam', 'create-role', *name, '--assume-role-policy-document', trust)['Role']
        self.assertEqual(self.aws('iam', 'get-role', *name)['Role']['Arn'], made['Arn'])
        found = self.aws('iam', 'list-roles')['Roles']
        self.assertEqual([role['RoleName'] for role in found], ['OrganizationAccountAccessRole',
                                                                'r'])
        self.assertIsNone(self.aws('iam', 'update-assume-role-policy', *name, '--policy-document',
                                   trust))
        policy = roles.policy(roles.allow('ssm:*'))
        inline = (*name, '--policy-name', 'p')
        self.assertIsNone(self.aws('iam', 'put-role-policy', *inline, '--policy-document', policy))
        self.assertEqual(self.aws('iam', 'get-role-policy', *inline)['PolicyDocument'],
                         json.loads(policy))
        self.assertEqual(self.aws('iam', 'list-role-policies', *name)['PolicyNames'], ['p'])
        self.assertIsNone(self.aws('iam', 'delete-role-policy', *inline))
        attached = (*name, '--policy-arn', 'arn:aws:iam::aws:policy/ReadOnlyAccess')
        self.assertIsNone(self.aws('iam', 'attach-role-policy', *attached))
        found = self.aws('iam', 'list-attached-role-policies', *name)['AttachedPolicies']
        self.assertEqual([policy['PolicyName'] for policy in found], ['ReadOnlyAccess'])
        self.assertIsNone(self.aws('iam', 'detach-role-policy', *attached))
        self.assertIsNone(self.aws('iam', 'delete-role', *name))

    def test_users_and_their_policies(self):
        def iam(command, *arguments):
            return self.aws('iam', command, *arguments)
        document = roles.policy(roles.allow('ssm:*'))
        user, group = ('--user-name', 'u'), ('--group-name', 'g')
        iam('create-user', *user, '--tags', 'Key=a,Value=1')
        iam('create-group', *group)
        iam('add-user-to-group', *user, *group)
        self.assertEqual(iam('get-group', *group)['Users'][0]['UserName'], 'u')
        arn = iam('create-policy', '--policy-name', 'p', '--policy-document',
                  document)['Policy']['Arn']
        own = ('--policy-arn', arn)
        iam('create-policy-version', *own, '--policy-document', document, '--set-as-default')
        self.assertEqual([item['VersionId'] for item in
                          iam('list-policy-versions', *own)['Versions']], ['v2', 'v1'])
        iam('attach-user-policy', *user, *own)
        iam('put-group-policy', *group, '--policy-name', 'g', '--policy-document', document)
        iam('put-user-permissions-boundary', *user, '--permissions-boundary', arn)
        self.assertEqual(iam('list-entities-for-policy', *own)['PolicyUsers'][0]['UserName'], 'u')
        key = iam('create-access-key', *user)['AccessKey']['AccessKeyId']
        iam('update-access-key', *user, '--access-key-id', key, '--status', 'Inactive')
        self.assertEqual(iam('list-access-keys', *user)['AccessKeyMetadata'][0]['Status'],
                         'Inactive')
        found = iam('simulate-principal-policy', '--policy-source-arn',
                    f'arn:aws:iam::{ACCOUNT}:user/u', '--action-names', 'ssm:GetParameter',
                    'kms:Decrypt')['EvaluationResults']
        self.assertEqual([item['EvalDecision'] for item in found], ['allowed', 'implicitDeny'])
        self.assertEqual(iam('get-account-summary')['SummaryMap']['Users'], 2)
        self.assertEqual(len(iam('get-account-authorization-details')['UserDetailList']), 2)

    def test_tagging(self):
        self.client('ssm').put_parameter(Name='/a', Value='v', Type='String')
        arn, service = f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/a', 'resourcegroupstaggingapi'
        answer = self.aws(service, 'tag-resources', '--resource-arn-list', arn, '--tags', 'a=1,b=2')
        self.assertEqual(answer, {'FailedResourcesMap': {}})
        found = self.aws(service, 'get-resources', '--tag-filters', 'Key=a,Values=1')
        self.assertEqual([item['ResourceARN'] for item in found['ResourceTagMappingList']], [arn])
        self.assertEqual(self.aws(service, 'get-tag-keys')['TagKeys'], ['a', 'b'])
        self.assertEqual(self.aws(service, 'get-tag-values', '--key', 'b')['TagValues'], ['2'])
        answer = self.aws(service, 'untag-resources', '--resource-arn-list', arn, '--tag-keys', 'a')
        self.assertEqual(answer, {'FailedResourcesMap': {}})


if __name__ == '__main__':
    local_server.main()
