"""IAM roles and their policies (model iam 2010-05-08)."""
import json

import local_server
import roles
from local_server import ACCOUNT, OTHER_ACCOUNT

ADMINISTRATOR_ACCESS = 'arn:aws:iam::aws:policy/AdministratorAccess'
READ_ONLY = 'arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess'


class Iam(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.iam = self.client('iam')

    def refused(self, code, call, /, message=None, status=None, **arguments):
        error = super().refused(code, call, message=message, **arguments)
        if status:
            self.assertEqual(error['ResponseMetadata']['HTTPStatusCode'], status)
        return error

    def missing(self, call, **arguments):
        self.refused('NoSuchEntity', call, status=404, RoleName='none',
                     message='The role with name none cannot be found.', **arguments)


class Roles(Iam):
    def test_create_and_get(self):
        made = self.iam.create_role(
            RoleName='Role+=,.@-_1', Path='/a/b/', Description='what it is for',
            AssumeRolePolicyDocument=roles.trust(), MaxSessionDuration=7200,
            Tags=[{'Key': 'team', 'Value': 'red'}])['Role']
        self.assertEqual(made['Arn'], f'arn:aws:iam::{ACCOUNT}:role/a/b/Role+=,.@-_1')
        self.assertRegex(made['RoleId'], '^AROA[A-Z2-7]{17}$')
        found = self.iam.get_role(RoleName='Role+=,.@-_1')['Role']
        self.assertEqual(found, made)
        self.assertEqual((found['Description'], found['MaxSessionDuration'], found['Tags']),
                         ('what it is for', 7200, [{'Key': 'team', 'Value': 'red'}]))
        self.assertEqual(found['AssumeRolePolicyDocument'], json.loads(roles.trust()))

    def test_names_are_unique_without_regard_to_case(self):
        self.iam.create_role(RoleName='Mixed', AssumeRolePolicyDocument=roles.trust())
        for name in ('Mixed', 'mixed'):
            self.refused('EntityAlreadyExists', self.iam.create_role, status=409, RoleName=name,
                         AssumeRolePolicyDocument=roles.trust(),
                         message=f'Role with name {name} already exists.')
        other = self.client('iam', account=OTHER_ACCOUNT)
        other.create_role(RoleName='Mixed', AssumeRolePolicyDocument=roles.trust())

    def test_bad_arguments(self):
        create, trust = self.iam.create_role, roles.trust()
        for arguments in ({'RoleName': 'a b'}, {'RoleName': 'n' * 65}, {'Path': 'x'},
                          {'MaxSessionDuration': 3599}, {'MaxSessionDuration': 43201},
                          {'Description': 'd' * 1001}):
            self.refused('ValidationError', create, status=400, **{
                'RoleName': 'r', 'AssumeRolePolicyDocument': trust, **arguments})
        self.refused('NoSuchEntity', create, RoleName='r', AssumeRolePolicyDocument=trust,
                     PermissionsBoundary='arn:aws:iam::aws:policy/NoSuchPolicy')

    def test_trust_policies(self):
        create, malformed = self.iam.create_role, 'MalformedPolicyDocument'
        for bad in ('{', '[]', '{"Version":"2012-10-17"}',
                    roles.policy(roles.allow('sts:AssumeRole')),
                    roles.trust(action='s3:GetObject'), roles.trust(Resource='*'),
                    roles.trust({'AWS': f'arn:aws:iam::{ACCOUNT}:role/none'}),
                    roles.trust({'AWS': 'nobody'})):
            self.refused(malformed, create, status=400, RoleName='r', AssumeRolePolicyDocument=bad)
        self.refused('LimitExceeded', create, status=409, RoleName='r',
                     AssumeRolePolicyDocument=roles.trust(Sid='s' * 2048),
                     message='Cannot exceed quota for ACLSizePerRole: 2048')
        self.refused('NoSuchEntity', self.iam.get_role, RoleName='r')
        self.iam.create_role(RoleName='r', AssumeRolePolicyDocument=roles.trust(
            {'Service': 'lambda.amazonaws.com'}))

    def test_update_trust(self):
        self.iam.create_role(RoleName='r', AssumeRolePolicyDocument=roles.trust())
        new = roles.trust({'AWS': OTHER_ACCOUNT})
        self.iam.update_assume_role_policy(RoleName='r', PolicyDocument=new)
        self.assertEqual(self.iam.get_role(RoleName='r')['Role']['AssumeRolePolicyDocument'],
                         json.loads(new))
        self.refused('MalformedPolicyDocument', self.iam.update_assume_role_policy, RoleName='r',
                     PolicyDocument='{')

    def test_missing(self):
        for call, arguments in (
                (self.iam.get_role, {}), (self.iam.delete_role, {}),
                (self.iam.update_assume_role_policy, {'PolicyDocument': roles.trust()}),
                (self.iam.put_role_policy, {'PolicyName': 'p', 'PolicyDocument': '{}'}),
                (self.iam.get_role_policy, {'PolicyName': 'p'}),
                (self.iam.delete_role_policy, {'PolicyName': 'p'}),
                (self.iam.list_role_policies, {}),
                (self.iam.attach_role_policy, {'PolicyArn': ADMINISTRATOR_ACCESS}),
                (self.iam.detach_role_policy, {'PolicyArn': ADMINISTRATOR_ACCESS}),
                (self.iam.list_attached_role_policies, {})):
            self.missing(call, **arguments)

    def test_delete(self):
        self.iam.create_role(RoleName='r', AssumeRolePolicyDocument=roles.trust())
        self.iam.put_role_policy(RoleName='r', PolicyName='p',
                                 PolicyDocument=roles.policy(roles.allow('*')))
        self.iam.attach_role_policy(RoleName='r', PolicyArn=READ_ONLY)
        self.refused('DeleteConflict', self.iam.delete_role, status=409, RoleName='r',
                     message='Cannot delete entity, must detach all policies first.')
        self.iam.detach_role_policy(RoleName='r', PolicyArn=READ_ONLY)
        self.refused('DeleteConflict', self.iam.delete_role, status=409, RoleName='r',
                     message='Cannot delete entity, must delete policies first.')
        self.iam.delete_role_policy(RoleName='r', PolicyName='p')
        self.iam.delete_role(RoleName='r')
        self.refused('NoSuchEntity', self.iam.get_role, RoleName='r')

    def test_list(self):
        made = [f'n{number}' for number in range(5)]
        for name in made:
            self.iam.create_role(RoleName=name, Path='/p/' if name > 'n2' else '/',
                                 AssumeRolePolicyDocument=roles.trust())
        paginator = self.iam.get_paginator('list_roles')
        pages = list(paginator.paginate(PaginationConfig={'PageSize': 2}))
        found = [role['RoleName'] for page in pages for role in page['Roles']]
        self.assertEqual(found, made + ['OrganizationAccountAccessRole'])
        self.assertEqual(len(pages), 3)
        below = self.iam.list_roles(PathPrefix='/p/')['Roles']
        self.assertEqual([role['RoleName'] for role in below], ['n3', 'n4'])
        self.refused('ValidationError', self.iam.list_roles, Marker='invented')

    def test_what_every_account_starts_with(self):
        role = self.iam.get_role(RoleName='OrganizationAccountAccessRole')['Role']
        principal = role['AssumeRolePolicyDocument']['Statement'][0]['Principal']
        self.assertEqual(principal, {'AWS': [f'arn:aws:iam::{OTHER_ACCOUNT}:root']})
        attached = self.iam.list_attached_role_policies(RoleName='OrganizationAccountAccessRole')
        self.assertEqual(attached['AttachedPolicies'], [
            {'PolicyName': 'AdministratorAccess', 'PolicyArn': ADMINISTRATOR_ACCESS}])


class Policies(Iam):
    def setUp(self):
        super().setUp()
        self.iam.create_role(RoleName='r', AssumeRolePolicyDocument=roles.trust())

    def test_inline(self):
        first, second = (roles.policy(roles.allow(action)) for action in ('ssm:*', 'kms:*'))
        self.iam.put_role_policy(RoleName='r', PolicyName='p', PolicyDocument=first)
        self.iam.put_role_policy(RoleName='r', PolicyName='p', PolicyDocument=second)
        self.iam.put_role_policy(RoleName='r', PolicyName='a', PolicyDocument=first)
        found = self.iam.get_role_policy(RoleName='r', PolicyName='p')
        self.assertEqual((found['RoleName'], found['PolicyName'], found['PolicyDocument']),
                         ('r', 'p', json.loads(second)))
        self.assertEqual(self.iam.list_role_policies(RoleName='r')['PolicyNames'], ['a', 'p'])
        page = self.iam.list_role_policies(RoleName='r', MaxItems=1)
        self.assertTrue(page['IsTruncated'])
        page = self.iam.list_role_policies(RoleName='r', MaxItems=1, Marker=page['Marker'])
        self.assertEqual((page['PolicyNames'], page['IsTruncated']), (['p'], False))
        self.iam.delete_role_policy(RoleName='r', PolicyName='p')
        text = 'The role policy with name p cannot be found.'
        for call in (self.iam.get_role_policy, self.iam.delete_role_policy):
            self.refused('NoSuchEntity', call, status=404, RoleName='r', PolicyName='p',
                         message=text)

    def test_inline_limits(self):
        put = self.iam.put_role_policy
        for bad in ('{', '{"Version":"2012-10-17"}', roles.trust()):
            self.refused('MalformedPolicyDocument', put, status=400, RoleName='r', PolicyName='p',
                         PolicyDocument=bad)
        big = roles.policy(*[roles.allow('ssm:GetParameter', f'arn:aws:ssm:*:*:parameter/{n:099}')
                             for n in range(40)])
        put(RoleName='r', PolicyName='p', PolicyDocument=big)
        put(RoleName='r', PolicyName='p', PolicyDocument=json.dumps(json.loads(big), indent=8))
        self.refused('LimitExceeded', put, status=409, RoleName='r', PolicyName='q',
                     PolicyDocument=big,
                     message='Maximum policy size of 10240 bytes exceeded for role r')

    def test_attached(self):
        attach = self.iam.attach_role_policy
        attach(RoleName='r', PolicyArn=READ_ONLY)
        attach(RoleName='r', PolicyArn=READ_ONLY)
        attach(RoleName='r', PolicyArn='arn:aws:iam::aws:policy/service-role/'
                                       'AWSLambdaBasicExecutionRole')
        found = self.iam.list_attached_role_policies(RoleName='r')['AttachedPolicies']
        self.assertEqual([policy['PolicyName'] for policy in found],
                         ['AWSLambdaBasicExecutionRole', 'AmazonSSMReadOnlyAccess'])
        below = self.iam.list_attached_role_policies(RoleName='r', PathPrefix='/service-role/')
        self.assertEqual(len(below['AttachedPolicies']), 1)
        none = 'arn:aws:iam::aws:policy/NoSuchPolicy'
        self.refused('NoSuchEntity', attach, status=404, RoleName='r', PolicyArn=none,
                     message=f'Policy {none} does not exist or is not attachable.')
        self.refused('InvalidInput', attach, RoleName='r', PolicyArn='not-an-arn-of-a-policy')
        self.iam.detach_role_policy(RoleName='r', PolicyArn=READ_ONLY)
        self.refused('NoSuchEntity', self.iam.detach_role_policy, status=404, RoleName='r',
                     PolicyArn=READ_ONLY, message=f'Policy {READ_ONLY} was not found.')

    def test_ten_attached_at_most(self):
        names = ('AdministratorAccess', 'PowerUserAccess', 'ReadOnlyAccess', 'AmazonSSMFullAccess',
                 'AmazonSSMReadOnlyAccess', 'AWSKeyManagementServicePowerUser',
                 'SecretsManagerReadWrite', 'IAMFullAccess', 'IAMReadOnlyAccess',
                 'ResourceGroupsandTagEditorReadOnlyAccess')
        for name in names:
            self.iam.attach_role_policy(RoleName='r', PolicyArn='arn:aws:iam::aws:policy/' + name)
        self.refused('LimitExceeded', self.iam.attach_role_policy, status=409, RoleName='r',
                     PolicyArn='arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole',
                     message='Cannot exceed quota for PoliciesPerRole: 10')

    def test_which_policies_may_be_attached(self):
        role = roles.make(self.server, 'delegate', roles.allow('iam:AttachRolePolicy', Condition={
            'ArnEquals': {'iam:PolicyARN': READ_ONLY}}))
        iam = self.client('iam', keys=roles.assume(self.server, role))
        iam.attach_role_policy(RoleName='r', PolicyArn=READ_ONLY)
        self.refused('AccessDenied', iam.attach_role_policy, RoleName='r',
                     PolicyArn=ADMINISTRATOR_ACCESS)

    def test_a_boundary_is_shown(self):
        made = self.iam.create_role(RoleName='b', AssumeRolePolicyDocument=roles.trust(),
                                    PermissionsBoundary=READ_ONLY)['Role']
        self.assertEqual(made['PermissionsBoundary']['PermissionsBoundaryArn'], READ_ONLY)


if __name__ == '__main__':
    local_server.main()
