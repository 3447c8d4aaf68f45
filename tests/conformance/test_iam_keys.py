"""IAM's access keys, which really authenticate, and what it says of the account."""
import local_server
import roles
from local_server import ACCOUNT, CREDENTIALS, OTHER_ACCOUNT
from roles import allow, policy

UNKNOWN = 'The security token included in the request is invalid.'


class AccessKeys(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.iam = self.client('iam')
        self.iam.create_user(UserName='bob', Path='/staff/')

    def make(self):
        made = self.iam.create_access_key(UserName='bob')['AccessKey']
        return made['AccessKeyId'], made['SecretAccessKey']

    def test_they_authenticate(self):
        keys = self.make()
        self.assertRegex(keys[0], '^AKIA[A-Z2-7]{16}$')
        who = self.client('sts', keys=keys).get_caller_identity()
        self.assertEqual(who['Arn'], f'arn:aws:iam::{ACCOUNT}:user/staff/bob')
        self.assertEqual(who['UserId'], self.iam.get_user(UserName='bob')['User']['UserId'])
        ssm = self.client('ssm', keys=keys)
        self.refused('AccessDeniedException', ssm.describe_parameters, message='User: '
                     f'arn:aws:iam::{ACCOUNT}:user/staff/bob is not authorized to perform: '
                     f'ssm:DescribeParameters on resource: arn:aws:ssm:us-east-1:{ACCOUNT}:* '
                     'because no identity-based policy allows the ssm:DescribeParameters action')
        self.iam.put_user_policy(UserName='bob', PolicyName='p', PolicyDocument=policy(
            allow('ssm:DescribeParameters', Condition={'StringEquals': {
                'aws:username': 'bob', 'aws:PrincipalType': 'User',
                'aws:PrincipalArn': f'arn:aws:iam::{ACCOUNT}:user/staff/bob'}})))
        ssm.describe_parameters()

    def test_an_inactive_one_does_not(self):
        keys = self.make()
        self.iam.update_access_key(UserName='bob', AccessKeyId=keys[0], Status='Inactive')
        listed = self.iam.list_access_keys(UserName='bob')['AccessKeyMetadata']
        self.assertEqual([(key['AccessKeyId'], key['Status']) for key in listed],
                         [(keys[0], 'Inactive')])
        self.refused('InvalidClientTokenId', self.client('sts', keys=keys).get_caller_identity,
                     message=UNKNOWN)
        self.refused('UnrecognizedClientException',
                     self.client('ssm', keys=keys).describe_parameters, message=UNKNOWN)
        self.iam.update_access_key(UserName='bob', AccessKeyId=keys[0], Status='Active')
        self.client('sts', keys=keys).get_caller_identity()
        self.refused('InvalidInput', self.iam.update_access_key, UserName='bob',
                     AccessKeyId=keys[0], Status='Expired')
        self.iam.delete_access_key(UserName='bob', AccessKeyId=keys[0])
        self.refused('InvalidClientTokenId', self.client('sts', keys=keys).get_caller_identity)

    def test_two_a_user(self):
        first = self.make()
        self.make()
        self.refused('LimitExceeded', self.iam.create_access_key, UserName='bob',
                     message='Cannot exceed quota for AccessKeysPerUser: 2')
        page = self.iam.list_access_keys(UserName='bob', MaxItems=1)
        rest = self.iam.list_access_keys(UserName='bob', MaxItems=1, Marker=page['Marker'])
        self.assertEqual(len({key['AccessKeyId'] for part in (page, rest)
                              for key in part['AccessKeyMetadata']}), 2)
        own = self.client('iam', keys=first)
        self.refused('AccessDenied', own.list_access_keys)
        self.iam.put_user_policy(UserName='bob', PolicyName='p', PolicyDocument=policy(
            allow('iam:*AccessKey*', f'arn:aws:iam::{ACCOUNT}:user/staff/${{aws:username}}')))
        self.assertEqual(len(own.list_access_keys()['AccessKeyMetadata']), 2)
        own.delete_access_key(AccessKeyId=first[0])
        self.refused('InvalidClientTokenId', own.list_access_keys)

    def test_missing(self):
        for call, more in ((self.iam.update_access_key, {'Status': 'Active'}),
                           (self.iam.delete_access_key, {})):
            self.refused('NoSuchEntity', call, UserName='bob', AccessKeyId='AKIANONENONENONENONE',
                         message='The Access Key with id AKIANONENONENONENONE cannot be found.',
                         **more)
            self.refused('NoSuchEntity', call, UserName='none', AccessKeyId='AKIANONENONENONENONE',
                         **more)
        for call in (self.iam.create_access_key, self.iam.list_access_keys):
            self.refused('NoSuchEntity', call, UserName='none')
        self.refused('NoSuchEntity', self.iam.get_access_key_last_used,
                     AccessKeyId=CREDENTIALS[OTHER_ACCOUNT][0])

    def test_last_used(self):
        keys = self.make()
        found = self.iam.get_access_key_last_used(AccessKeyId=keys[0])
        self.assertEqual((found['UserName'], found['AccessKeyLastUsed']),
                         ('bob', {'ServiceName': 'N/A', 'Region': 'N/A'}))
        self.client('sts', keys=keys, region='eu-west-1').get_caller_identity()
        used = self.iam.get_access_key_last_used(AccessKeyId=keys[0])['AccessKeyLastUsed']
        self.assertEqual((used['ServiceName'], used['Region']), ('sts', 'eu-west-1'))
        self.assertIn('LastUsedDate', used)

    def test_keys_of_the_start_are_the_administrators(self):
        listed = self.iam.list_access_keys()['AccessKeyMetadata']
        self.assertEqual([(key['UserName'], key['AccessKeyId']) for key in listed],
                         [('administrator', CREDENTIALS[ACCOUNT][0])])
        self.iam.attach_user_policy(UserName='administrator', PolicyArn='arn:aws:iam::aws:policy/'
                                                                        'IAMFullAccess')
        self.iam.detach_user_policy(UserName='administrator', PolicyArn='arn:aws:iam::aws:policy/'
                                                                        'AdministratorAccess')
        self.refused('AccessDeniedException', self.client('ssm').describe_parameters)
        self.iam.list_users()

    def test_sessions_of_a_user(self):
        keys = self.make()
        sts = self.client('sts', keys=keys)
        session = roles.keys(sts.get_session_token())
        ssm = self.client('ssm', keys=session)
        self.refused('AccessDeniedException', ssm.describe_parameters)
        self.iam.put_user_policy(UserName='bob', PolicyName='p', PolicyDocument=policy(
            allow(['ssm:DescribeParameters', 'sts:GetFederationToken'])))
        ssm.describe_parameters()
        federated = roles.keys(sts.get_federation_token(Name='guest', Policy=policy(
            allow(['ssm:DescribeParameters', 'kms:ListKeys']))))
        self.client('ssm', keys=federated).describe_parameters()
        error = self.refused('AccessDeniedException',
                             self.client('kms', keys=federated).list_keys)
        self.assertIn('because no identity-based policy allows', error['Error']['Message'])
        self.iam.delete_user_policy(UserName='bob', PolicyName='p')
        self.refused('AccessDeniedException',
                     self.client('ssm', keys=federated).describe_parameters)


class Account(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.iam = self.client('iam')

    def test_alias(self):
        self.assertEqual(self.iam.list_account_aliases()['AccountAliases'], [])
        self.iam.create_account_alias(AccountAlias='ours')
        self.iam.create_account_alias(AccountAlias='ours-too')
        self.assertEqual(self.iam.list_account_aliases()['AccountAliases'], ['ours-too'])
        other = self.client('iam', account=OTHER_ACCOUNT)
        self.refused('EntityAlreadyExists', other.create_account_alias, AccountAlias='ours-too',
                     message='The account alias ours-too already exists.')
        for bad in ('Ours', 'a', '-a-', 'a--b', ACCOUNT):
            self.refused('ValidationError', self.iam.create_account_alias, AccountAlias=bad)
        self.refused('NoSuchEntity', self.iam.delete_account_alias, AccountAlias='ours')
        self.refused('NoSuchEntity', other.delete_account_alias, AccountAlias='ours-too')
        self.iam.delete_account_alias(AccountAlias='ours-too')

    def test_summary(self):
        before = self.iam.get_account_summary()['SummaryMap']
        self.assertEqual((before['Users'], before['Roles'], before['UsersQuota'],
                          before['GlobalEndpointTokenVersion']), (1, 1, 5000, 1))
        self.iam.create_user(UserName='u')
        self.iam.create_policy(PolicyName='p', PolicyDocument=policy(allow('*')))
        self.iam.set_security_token_service_preferences(GlobalEndpointTokenVersion='v2Token')
        after = self.iam.get_account_summary()['SummaryMap']
        self.assertEqual((after['Users'], after['Policies'], after['PolicyVersionsInUse'],
                          after['GlobalEndpointTokenVersion']), (2, 1, 1, 2))
        self.refused('ValidationError', self.iam.set_security_token_service_preferences,
                     GlobalEndpointTokenVersion='v3Token')

    def test_authorization_details(self):
        self.iam.create_user(UserName='u')
        self.iam.create_group(GroupName='g')
        self.iam.add_user_to_group(GroupName='g', UserName='u')
        roles.make(self.server, 'r', allow('ssm:*'))
        self.iam.create_instance_profile(InstanceProfileName='p')
        self.iam.add_role_to_instance_profile(InstanceProfileName='p', RoleName='r')
        own = self.iam.create_policy(PolicyName='own', PolicyDocument=policy(allow('*')))
        self.iam.attach_group_policy(GroupName='g', PolicyArn=own['Policy']['Arn'])
        every = self.iam.get_account_authorization_details()
        users = {user['UserName']: user for user in every['UserDetailList']}
        self.assertEqual(users['u']['GroupList'], ['g'])
        found = {role['RoleName']: role for role in every['RoleDetailList']}
        self.assertEqual(found['r']['RolePolicyList'][0]['PolicyName'], 'inline')
        self.assertEqual(found['r']['InstanceProfileList'][0]['InstanceProfileName'], 'p')
        self.assertEqual(every['GroupDetailList'][0]['AttachedManagedPolicies'][0]['PolicyName'],
                         'own')
        self.assertEqual([item['PolicyName'] for item in every['Policies']],
                         ['own', 'AdministratorAccess'])
        self.assertTrue(every['Policies'][0]['PolicyVersionList'][0]['IsDefaultVersion'])
        only = self.iam.get_account_authorization_details(Filter=['User'])
        self.assertEqual((len(only['UserDetailList']), only['RoleDetailList'], only['Policies']),
                         (2, [], []))
        pages = list(self.iam.get_paginator('get_account_authorization_details').paginate(
            PaginationConfig={'PageSize': 2}))
        lists = ('UserDetailList', 'GroupDetailList', 'RoleDetailList', 'Policies')
        for name in lists:
            self.assertEqual([item['Arn'] for page in pages for item in page[name]],
                             [item['Arn'] for item in every[name]])
        self.assertEqual(len(pages), 4)


if __name__ == '__main__':
    local_server.main()
