"""Every operation of STS, IAM and the tagging API in the local server by Debian's aws command
line."""
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
