"""Errors of the service models that the tests of what an operation does have no reason to meet:
tables of calls, each with the code that it must be answered with."""
import contextlib
import pathlib
import sqlite3

import botocore

import local_server
import roles
from local_server import ACCOUNT, REGION
from resources import Callers

DUPLICATES = [{'Key': 'team', 'Value': 'red'}, {'Key': 'Team', 'Value': 'blue'}]
ARNS = {'PolicyArn', 'OpenIDConnectProviderArn', 'PermissionsBoundary'}
NO_ARNS = ('a text that is no ARN at all', 'arn:aws:iam:aws:policy/AdministratorAccess',
           f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/p', f'arn:aws:iam::{ACCOUNT}:user/theirs',
           'arn:aws:iam::aws:policy/arn:aws:iam::aws:policy/AdministratorAccess')


class Arns(Callers):
    def test_every_operation_of_iam_that_takes_an_arn(self):
        self.call_as(account=ACCOUNT)
        asked = 0
        for row in self.operations['iam']:
            arguments = self.arguments('iam', row['name'])
            if row['name'].startswith('Create'):
                arguments = {member: 'another' if member in ('UserName', 'RoleName') else value
                             for member, value in arguments.items()}
            for member in ARNS & set(arguments):
                for text in NO_ARNS:
                    with self.subTest(row['name'], member=member, text=text):
                        asked += 1
                        self.refused('InvalidInput', getattr(self.clients['iam'],
                                                             botocore.xform_name(row['name'])),
                                     message=f'ARN {text} is not valid.',
                                     **{**arguments, member: text})
        self.assertGreater(asked, 100, 'many operations take one')


class Iam(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.iam = self.client('iam')

    def test_tags_that_are_the_same(self):
        trust = roles.trust()
        for call, arguments in (
                (self.iam.create_user, {'UserName': 'n'}),
                (self.iam.create_role, {'RoleName': 'n', 'AssumeRolePolicyDocument': trust}),
                (self.iam.create_instance_profile, {'InstanceProfileName': 'n'}),
                (self.iam.create_policy, {'PolicyName': 'n', 'PolicyDocument':
                                          roles.policy(roles.allow('*'))})):
            self.refused('InvalidInput', call, Tags=DUPLICATES, **arguments)

    def fill(self, kind, most):
        """All but one of what the account may have are there, like the one named "first"."""
        database = next(pathlib.Path(self.server.folder).rglob('store.db'))
        mine = f"kind = '{kind}' AND account = '{ACCOUNT}'"
        with contextlib.closing(sqlite3.connect(database, timeout=60)) as store:
            columns = [row[1] for row in store.execute('PRAGMA table_info(iam_entities)')]
            changed = [f"{name} || '-' || n" if name in ('id', 'name', 'name_key') else name
                       for name in columns]
            there, = store.execute(f'SELECT COUNT(*) FROM iam_entities WHERE {mine}').fetchone()
            store.execute(f'WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL SELECT n + 1 '
                          f'FROM numbers WHERE n < {most - there}) '
                          f'INSERT INTO iam_entities ({", ".join(columns)}) '
                          f'SELECT {", ".join(changed)} FROM iam_entities, numbers '
                          f"WHERE {mine} AND name = 'first'")
            store.commit()

    def test_full_accounts(self):
        trust = {'AssumeRolePolicyDocument': roles.trust()}
        document = {'PolicyDocument': roles.policy(roles.allow('*'))}
        for kind, member, most, quota, more in (
                ('user', 'UserName', 5000, 'UsersPerAccount', {}),
                ('group', 'GroupName', 300, 'GroupsPerAccount', {}),
                ('role', 'RoleName', 1000, 'RolesPerAccount', trust),
                ('policy', 'PolicyName', 1500, 'PoliciesPerAccount', document),
                ('instance profile', 'InstanceProfileName', 1000, 'InstanceProfilesPerAccount',
                 {})):
            with self.subTest(kind):
                create = getattr(self.iam, f'create_{kind.replace(" ", "_")}')
                create(**{member: 'first'}, **more)
                self.fill(kind, most)
                create(**{member: 'last'}, **more)
                self.refused('LimitExceeded', create, **{member: 'one-too-many'}, **more,
                             message=f'Cannot exceed quota for {quota}: {most}')

    def test_full_things(self):
        for number in range(99):
            self.iam.create_open_id_connect_provider(Url=f'https://{number}.example.com')
        provider = self.iam.create_open_id_connect_provider(
            Url='https://a.example.com', ClientIDList=[f'client-{number}' for number in range(
                100)])['OpenIDConnectProviderArn']
        self.refused('LimitExceeded', self.iam.create_open_id_connect_provider,
                     Url='https://b.example.com',
                     message='Cannot exceed quota for OpenIdConnectProvidersPerAccount: 100')
        self.refused('LimitExceeded', self.iam.add_client_id_to_open_id_connect_provider,
                     OpenIDConnectProviderArn=provider, ClientID='another')
        self.iam.create_role(RoleName='r', AssumeRolePolicyDocument=roles.trust())
        self.refused('LimitExceeded', self.iam.update_assume_role_policy, RoleName='r',
                     PolicyDocument=roles.trust(Sid='s' * 2048))

    def test_sources_of_policies(self):
        for text in NO_ARNS[:3]:
            self.refused('InvalidInput', self.iam.get_context_keys_for_principal_policy,
                         PolicySourceArn=text)

    def test_names_that_are_taken(self):
        for name in ('a', 'b'):
            self.iam.create_group(GroupName=name)
        self.refused('EntityAlreadyExists', self.iam.update_group, GroupName='a',
                     NewGroupName='B', message='Group with name B already exists.')
        self.iam.update_group(GroupName='a', NewGroupName='A')


class Ssm(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.ssm = self.client('ssm')

    def test_a_filter_without_values(self):
        self.refused('InvalidFilterValue', self.ssm.get_parameters_by_path, Path='/',
                     ParameterFilters=[{'Key': 'Type', 'Option': 'Equals'}])

    def test_a_policy_of_something_else(self):
        self.refused('ResourcePolicyInvalidParameterException', self.ssm.delete_resource_policy,
                     ResourceArn='something else without policies', PolicyId='id',
                     PolicyHash='hash')


class Tagging(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.tagging = self.client('resourcegroupstaggingapi')

    def test_page_tokens_expire(self):
        ssm = self.client('ssm')
        for number in range(101):
            ssm.put_parameter(Name=f'/{number}', Value='v', Type='String', Tags=[
                {'Key': 'k', 'Value': f'{number}'}, {'Key': f'k{number}', 'Value': 'v'}])
        calls = ((self.tagging.get_resources, {}), (self.tagging.get_tag_keys, {}),
                 (self.tagging.get_tag_values, {'Key': 'k'}))
        pages = [(call, arguments, call(**arguments)['PaginationToken'])
                 for call, arguments in calls]
        for call, arguments, token in pages:
            self.refused('InvalidParameterException', call, PaginationToken='invented',
                         **arguments)
            call(PaginationToken=token, **arguments)
        self.server.clock(advance=15 * 60 + 1)
        for call, arguments, token in pages:
            self.refused('PaginationTokenExpiredException', call, PaginationToken=token,
                         **arguments)

    def test_every_operation_throttled(self):
        self.server.control('POST', 'faults', [{'kind': 'throttle'}])
        arn = f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/p'
        for call, arguments in (
                (self.tagging.get_resources, {}), (self.tagging.get_tag_keys, {}),
                (self.tagging.get_tag_values, {'Key': 'k'}),
                (self.tagging.tag_resources, {'ResourceARNList': [arn], 'Tags': {'k': 'v'}}),
                (self.tagging.untag_resources, {'ResourceARNList': [arn], 'TagKeys': ['k']})):
            self.refused('ThrottledException', call, message='Rate exceeded', **arguments)


if __name__ == '__main__':
    local_server.main()
