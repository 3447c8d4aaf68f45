"""IAM's entities of every kind: users, groups, roles, policies, instance profiles, providers."""
import json

import local_server
import roles
from local_server import ACCOUNT, OTHER_ACCOUNT
from roles import allow, policy

READ_ONLY = 'arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess'
TAGS = [{'Key': 'team', 'Value': 'red'}, {'Key': 'Stage', 'Value': ''}]
THUMB = 'a' * 40


class Iam(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.iam = self.client('iam')

    def refused(self, code, call, /, message=None, status=None, **arguments):
        error = super().refused(code, call, message=message, **arguments)
        if status:
            self.assertEqual(error['ResponseMetadata']['HTTPStatusCode'], status)
        return error

    def own_policy(self, name='own', *statements):
        return self.iam.create_policy(PolicyName=name, PolicyDocument=policy(
            *(statements or [allow('ssm:*')])))['Policy']['Arn']


# What a kind is called, how one is made, what names it, its ids.
NAMED = {
    'user': ('user', 'UserName', 'AIDA', {}),
    'group': ('group', 'GroupName', 'AGPA', {}),
    'role': ('role', 'RoleName', 'AROA', {'AssumeRolePolicyDocument': roles.trust()}),
    'instance_profile': ('instance-profile', 'InstanceProfileName', 'AIPA', {}),
}


class EveryKind(Iam):
    def each(self):
        for kind, (arn, name, prefix, more) in NAMED.items():
            self.server.reset()
            call = {verb: getattr(self.iam, f'{verb}_{kind}')
                    for verb in ('create', 'get', 'delete')}
            title = ''.join(word.title() for word in kind.split('_'))
            call['list'] = getattr(self.iam, f'list_{kind}s')
            yield kind, title, name, prefix, arn, more, call

    def test_made_read_listed_deleted(self):
        for kind, title, name, prefix, arn, more, call in self.each():
            made = call['create'](**{name: 'Some+=,.@-_1'}, Path='/a/b/', **more)[title]
            self.assertEqual(made['Arn'], f'arn:aws:iam::{ACCOUNT}:{arn}/a/b/Some+=,.@-_1')
            self.assertRegex(made[title + 'Id'], f'^{prefix}[A-Z2-7]{{17}}$')
            found = call['get'](**{name: 'Some+=,.@-_1'})[title]
            self.assertEqual(found, made)
            listed = call['list'](PathPrefix='/a/')[title + 's']
            self.assertEqual([item['Arn'] for item in listed], [made['Arn']])
            call['delete'](**{name: 'Some+=,.@-_1'})
            self.refused('NoSuchEntity', call['get'], status=404, **{name: 'Some+=,.@-_1'})
            self.refused('NoSuchEntity', call['delete'], status=404, **{name: 'Some+=,.@-_1'})

    def test_names_are_unique_without_regard_to_case(self):
        for kind, title, name, prefix, arn, more, call in self.each():
            call['create'](**{name: 'Mixed'}, **more)
            text = ('Instance Profile mixed already exists.' if kind == 'instance_profile'
                    else f'{title} with name mixed already exists.')
            self.refused('EntityAlreadyExists', call['create'], status=409, message=text,
                         **{name: 'mixed'}, **more)
            other = getattr(self.client('iam', account=OTHER_ACCOUNT), f'create_{kind}')
            other(**{name: 'Mixed'}, **more)

    def test_bad_arguments(self):
        for kind, title, name, prefix, arn, more, call in self.each():
            for bad in ({name: 'a b'}, {name: ''}, {name: 'n' * 129}, {'Path': 'x'},
                        {'Path': '/x'}):
                self.refused('ValidationError', call['create'], status=400,
                             **{name: 'n', **more, **bad})
            self.refused('ValidationError', call['list'], Marker='invented')
            self.refused('ValidationError', call['list'], MaxItems=0)

    def test_pages(self):
        for kind, title, name, prefix, arn, more, call in self.each():
            for number in range(5):
                call['create'](**{name: f'n{number}'}, Path='/paged/', **more)
            paginator = self.iam.get_paginator(f'list_{kind}s')
            pages = list(paginator.paginate(PathPrefix='/paged/', PaginationConfig={'PageSize': 2}))
            self.assertEqual([item[name] for page in pages for item in page[title + 's']],
                             [f'n{number}' for number in range(5)])
            self.assertEqual(len(pages), 3)

    def test_a_page_goes_on_behind_what_was_deleted(self):
        for kind, title, name, prefix, arn, more, call in self.each():
            for number in range(4):
                call['create'](**{name: f'n{number}'}, Path='/paged/', **more)
            page = call['list'](PathPrefix='/paged/', MaxItems=2)
            for item in page[title + 's']:
                call['delete'](**{name: item[name]})
            page = call['list'](PathPrefix='/paged/', MaxItems=2, Marker=page['Marker'])
            self.assertEqual([item[name] for item in page[title + 's']], ['n2', 'n3'])


class Tags(Iam):
    def tagged(self):
        self.iam.create_user(UserName='n', Tags=TAGS)
        yield 'user', {'UserName': 'n'}
        self.iam.create_role(RoleName='n', Tags=TAGS, AssumeRolePolicyDocument=roles.trust())
        yield 'role', {'RoleName': 'n'}
        self.iam.create_instance_profile(InstanceProfileName='n', Tags=TAGS)
        yield 'instance_profile', {'InstanceProfileName': 'n'}
        arn = self.iam.create_policy(PolicyName='n', Tags=TAGS,
                                     PolicyDocument=policy(allow('*')))['Policy']['Arn']
        yield 'policy', {'PolicyArn': arn}
        arn = self.iam.create_open_id_connect_provider(
            Url='https://id.example.com', Tags=TAGS)['OpenIDConnectProviderArn']
        yield 'open_id_connect_provider', {'OpenIDConnectProviderArn': arn}

    def test_each_kind(self):
        for kind, which in self.tagged():
            with self.subTest(kind):
                tag, untag, listed = (getattr(self.iam, name.format(kind)) for name in (
                    'tag_{}', 'untag_{}', 'list_{}_tags'))
                self.assertEqual(listed(**which)['Tags'], sorted(TAGS, key=lambda t: t['Key']))
                tag(**which, Tags=[{'Key': 'TEAM', 'Value': 'blue'}, {'Key': 'n', 'Value': '1'}])
                self.assertEqual([tag['Key'] for tag in listed(**which)['Tags']],
                                 ['Stage', 'TEAM', 'n'])
                untag(**which, TagKeys=['Stage', 'team', 'none'])
                self.assertEqual(listed(**which)['Tags'], [{'Key': 'n', 'Value': '1'}])
                self.refused('InvalidInput', tag, status=400, **which, Tags=[
                    {'Key': 'a', 'Value': '1'}, {'Key': 'A', 'Value': '2'}],
                    message='Duplicate tag keys found. Please note that Tag keys are case '
                            'insensitive.')
                many = [{'Key': f'k{number}', 'Value': ''} for number in range(50)]
                self.refused('LimitExceeded', tag, status=409, **which, Tags=many,
                             message='The number of tags has reached the maximum limit.')
                tag(**which, Tags=many[:49])
                page = listed(**which, MaxItems=30)
                rest = listed(**which, MaxItems=30, Marker=page['Marker'])
                self.assertEqual(len(page['Tags']) + len(rest['Tags']), 50)
                gone = {key: value + 'x' for key, value in which.items()}
                for call, more in ((tag, {'Tags': TAGS}), (untag, {'TagKeys': ['a']}),
                                   (listed, {})):
                    self.refused('NoSuchEntity', call, status=404, **gone, **more)

    def test_permission_by_tag(self):
        self.iam.create_user(UserName='red', Tags=TAGS)
        self.iam.create_user(UserName='plain')
        role = roles.make(self.server, 'r', allow('iam:*', Condition={
            'StringEquals': {'aws:ResourceTag/team': 'red'}}), allow('iam:CreateUser', Condition={
                'StringEquals': {'aws:RequestTag/team': 'blue'},
                'ForAllValues:StringEquals': {'aws:TagKeys': ['team']}}))
        iam = self.client('iam', keys=roles.assume(self.server, role))
        iam.get_user(UserName='red')
        self.refused('AccessDenied', iam.get_user, UserName='plain', status=403)
        iam.create_user(UserName='blue', Tags=[{'Key': 'team', 'Value': 'blue'}])
        self.refused('AccessDenied', iam.create_user, UserName='more', Tags=TAGS)


class Users(Iam):
    def test_oneself(self):
        self.assertEqual(self.iam.get_user()['User']['UserName'], 'administrator')
        role = roles.make(self.server, 'r', allow('*'))
        session = self.client('iam', keys=roles.assume(self.server, role))
        self.refused('ValidationError', session.get_user, status=400,
                     message='Must specify userName when calling with non-User credentials')

    def test_rename(self):
        self.iam.create_user(UserName='old')
        self.iam.attach_user_policy(UserName='old', PolicyArn=READ_ONLY)
        made = self.iam.create_access_key(UserName='old')['AccessKey']
        self.iam.update_user(UserName='old', NewUserName='New', NewPath='/p/')
        self.assertEqual(self.iam.get_user(UserName='New')['User']['Arn'],
                         f'arn:aws:iam::{ACCOUNT}:user/p/New')
        keys = made['AccessKeyId'], made['SecretAccessKey']
        self.assertEqual(self.client('sts', keys=keys).get_caller_identity()['Arn'],
                         f'arn:aws:iam::{ACCOUNT}:user/p/New')
        self.client('ssm', keys=keys).describe_parameters()
        self.iam.create_user(UserName='other')
        self.refused('EntityAlreadyExists', self.iam.update_user, UserName='New',
                     NewUserName='OTHER', status=409)
        self.refused('NoSuchEntity', self.iam.update_user, UserName='old', NewUserName='x')
        self.iam.create_group(GroupName='g')
        self.iam.update_group(GroupName='g', NewGroupName='h', NewPath='/q/')
        self.assertEqual(self.iam.get_group(GroupName='h')['Group']['Path'], '/q/')
        self.refused('NoSuchEntity', self.iam.update_group, GroupName='g', NewGroupName='x')

    def test_what_must_go_first(self):
        self.iam.create_user(UserName='u')
        self.iam.create_group(GroupName='g')
        self.iam.add_user_to_group(GroupName='g', UserName='u')
        self.iam.attach_user_policy(UserName='u', PolicyArn=READ_ONLY)
        self.iam.put_user_policy(UserName='u', PolicyName='p', PolicyDocument=policy(allow('*')))
        key = self.iam.create_access_key(UserName='u')['AccessKey']['AccessKeyId']
        conflict = 'Cannot delete entity, must '
        for text, undo, arguments in (
                ('remove users from group first.', self.iam.remove_user_from_group,
                 {'GroupName': 'g', 'UserName': 'u'}),
                ('detach all policies first.', self.iam.detach_user_policy,
                 {'UserName': 'u', 'PolicyArn': READ_ONLY}),
                ('delete policies first.', self.iam.delete_user_policy,
                 {'UserName': 'u', 'PolicyName': 'p'}),
                ('delete access keys first.', self.iam.delete_access_key,
                 {'UserName': 'u', 'AccessKeyId': key})):
            self.refused('DeleteConflict', self.iam.delete_user, UserName='u', status=409,
                         message=conflict + text)
            undo(**arguments)
        self.iam.delete_user(UserName='u')

    def test_boundaries(self):
        self.iam.create_user(UserName='u')
        for kind, which in (('user', {'UserName': 'u'}), ('role', {'RoleName': 'r'})):
            if kind == 'role':
                self.iam.create_role(RoleName='r', AssumeRolePolicyDocument=roles.trust())
            put, delete, get = (getattr(self.iam, name.format(kind)) for name in (
                'put_{}_permissions_boundary', 'delete_{}_permissions_boundary', 'get_{}'))
            put(**which, PermissionsBoundary=READ_ONLY)
            shown = get(**which)[kind.title()]['PermissionsBoundary']
            self.assertEqual(shown['PermissionsBoundaryArn'], READ_ONLY)
            none = 'arn:aws:iam::aws:policy/None'
            self.refused('NoSuchEntity', put, **which, PermissionsBoundary=none, status=404,
                         message=f'Scope ARN: {none} does not exist or is not attachable.')
            delete(**which)
            self.assertNotIn('PermissionsBoundary', get(**which)[kind.title()])
            self.refused('NoSuchEntity', delete, **which)
            gone = {key: 'none' for key in which}
            self.refused('NoSuchEntity', put, **gone, PermissionsBoundary=READ_ONLY)

    def test_a_boundary_may_be_insisted_on(self):
        own = self.own_policy()
        role = roles.make(self.server, 'delegate', allow(
            ['iam:CreateUser', 'iam:PutUserPolicy', 'iam:AttachUserPolicy'],
            Condition={'StringEquals': {'iam:PermissionsBoundary': own}}))
        iam = self.client('iam', keys=roles.assume(self.server, role))
        iam.create_user(UserName='kept', PermissionsBoundary=own)
        iam.put_user_policy(UserName='kept', PolicyName='p', PolicyDocument=policy(allow('*')))
        self.refused('AccessDenied', iam.create_user, UserName='free')
        self.iam.create_user(UserName='free')
        self.refused('AccessDenied', iam.attach_user_policy, UserName='free', PolicyArn=own)


class Groups(Iam):
    def test_members(self):
        self.iam.create_group(GroupName='g')
        for name in ('b', 'a', 'c'):
            self.iam.create_user(UserName=name)
            self.iam.add_user_to_group(GroupName='g', UserName=name)
        self.iam.add_user_to_group(GroupName='g', UserName='a')
        page = self.iam.get_group(GroupName='g', MaxItems=2)
        rest = self.iam.get_group(GroupName='g', MaxItems=2, Marker=page['Marker'])
        self.assertEqual([user['UserName'] for user in page['Users'] + rest['Users']],
                         ['a', 'b', 'c'])
        self.assertEqual([group['GroupName'] for group in
                          self.iam.list_groups_for_user(UserName='a')['Groups']], ['g'])
        self.refused('DeleteConflict', self.iam.delete_group, GroupName='g', status=409,
                     message='Cannot delete entity, must remove users from group first.')
        self.iam.remove_user_from_group(GroupName='g', UserName='a')
        self.refused('NoSuchEntity', self.iam.remove_user_from_group, GroupName='g', UserName='a')
        for call in (self.iam.add_user_to_group, self.iam.remove_user_from_group):
            self.refused('NoSuchEntity', call, GroupName='none', UserName='a', status=404)
            self.refused('NoSuchEntity', call, GroupName='g', UserName='none', status=404)
        self.refused('NoSuchEntity', self.iam.list_groups_for_user, UserName='none')

    def test_ten_groups_a_user(self):
        self.iam.create_user(UserName='u')
        for number in range(11):
            self.iam.create_group(GroupName=f'g{number}')
            if number < 10:
                self.iam.add_user_to_group(GroupName=f'g{number}', UserName='u')
        self.refused('LimitExceeded', self.iam.add_user_to_group, GroupName='g10', UserName='u',
                     status=409, message='Cannot exceed quota for GroupsPerUser: 10')

    def test_policies_of_users_and_groups(self):
        self.iam.create_user(UserName='n')
        self.iam.create_group(GroupName='n')
        for kind, most in (('user', 2048), ('group', 5120)):
            which = {kind.title() + 'Name': 'n'}
            with self.subTest(kind):
                calls = {name: getattr(self.iam, name.format(kind)) for name in (
                    'put_{}_policy', 'get_{}_policy', 'delete_{}_policy', 'attach_{}_policy',
                    'detach_{}_policy')}
                calls['list'] = getattr(self.iam, f'list_{kind}_policies')
                calls['attached'] = getattr(self.iam, f'list_attached_{kind}_policies')
                self.inline_and_attached(kind, which, most, calls)

    def inline_and_attached(self, kind, which, most, calls):
        put, document = calls['put_{}_policy'], policy(allow('ssm:*'))
        put(**which, PolicyName='p', PolicyDocument=document)
        found = calls['get_{}_policy'](**which, PolicyName='p')
        self.assertEqual(found['PolicyDocument'], json.loads(document))
        self.assertEqual(calls['list'](**which)['PolicyNames'], ['p'])
        self.refused('MalformedPolicyDocument', put, **which, PolicyName='p', PolicyDocument='{',
                     status=400)
        big = policy(*[allow(f'ssm:{"x" * 90}{number:02}') for number in range(60)])
        self.refused('LimitExceeded', put, **which, PolicyName='q', PolicyDocument=big, status=409,
                     message=f'Maximum policy size of {most} bytes exceeded for {kind} n')
        calls['delete_{}_policy'](**which, PolicyName='p')
        for name in ('get_{}_policy', 'delete_{}_policy'):
            self.refused('NoSuchEntity', calls[name], **which, PolicyName='p', status=404,
                         message=f'The {kind} policy with name p cannot be found.')
        calls['attach_{}_policy'](**which, PolicyArn=READ_ONLY)
        own = self.own_policy('of_' + kind)
        calls['attach_{}_policy'](**which, PolicyArn=own)
        attached = calls['attached'](**which)['AttachedPolicies']
        self.assertEqual([item['PolicyArn'] for item in attached], [READ_ONLY, own])
        calls['detach_{}_policy'](**which, PolicyArn=own)
        self.refused('NoSuchEntity', calls['detach_{}_policy'], **which, PolicyArn=own, status=404,
                     message=f'Policy {own} was not found.')
        self.refused('NoSuchEntity', calls['attach_{}_policy'], **which, PolicyArn=own + 'x',
                     message=f'Policy {own}x does not exist or is not attachable.')
        for number in range(9):
            calls['attach_{}_policy'](**which, PolicyArn=self.own_policy(f'{kind}{number}'))
        self.refused('LimitExceeded', calls['attach_{}_policy'], **which, PolicyArn=own,
                     message=f'Cannot exceed quota for PoliciesPer{kind.title()}: 10', status=409)
        gone = {key: 'none' for key in which}
        for name, more in (('put_{}_policy', {'PolicyName': 'p', 'PolicyDocument': document}),
                           ('get_{}_policy', {'PolicyName': 'p'}), ('list', {}),
                           ('attach_{}_policy', {'PolicyArn': own}), ('attached', {}),
                           ('detach_{}_policy', {'PolicyArn': own})):
            self.refused('NoSuchEntity', calls[name], **gone, **more, status=404,
                         message=f'The {kind} with name none cannot be found.')


class Policies(Iam):
    def test_made_and_read(self):
        made = self.iam.create_policy(PolicyName='own', Path='/p/', Description='what for',
                                      PolicyDocument=policy(allow('ssm:*')), Tags=TAGS)['Policy']
        self.assertEqual((made['Arn'], made['DefaultVersionId'], made['AttachmentCount'],
                          made['IsAttachable']),
                         (f'arn:aws:iam::{ACCOUNT}:policy/p/own', 'v1', 0, True))
        self.assertRegex(made['PolicyId'], '^ANPA[A-Z2-7]{17}$')
        self.assertEqual(self.iam.get_policy(PolicyArn=made['Arn'])['Policy'], made)
        self.assertEqual(made['Description'], 'what for')
        create = self.iam.create_policy
        self.refused('EntityAlreadyExists', create, PolicyName='OWN', status=409,
                     PolicyDocument=policy(allow('*')), message='A policy called OWN already '
                     'exists. Duplicate names are not allowed.')
        self.refused('MalformedPolicyDocument', create, PolicyName='q', PolicyDocument='{}')
        self.refused('LimitExceeded', create, PolicyName='q', status=409,
                     message='Cannot exceed quota for PolicySize: 6144', PolicyDocument=policy(
                         *[allow(f'ssm:{"x" * 90}{n:02}') for n in range(60)]))

    def test_versions(self):
        arn = self.own_policy()
        make = self.iam.create_policy_version
        second = policy(allow('kms:*'))
        made = make(PolicyArn=arn, PolicyDocument=second)['PolicyVersion']
        self.assertEqual((made['VersionId'], made['IsDefaultVersion']), ('v2', False))
        for number in range(3, 6):
            make(PolicyArn=arn, PolicyDocument=second, SetAsDefault=number == 5)
        self.refused('LimitExceeded', make, PolicyArn=arn, PolicyDocument=second, status=409,
                     message='A managed policy can have up to 5 versions. Before you create a new '
                             'version, you must delete an existing version.')
        versions = self.iam.list_policy_versions(PolicyArn=arn)['Versions']
        self.assertEqual([(item['VersionId'], item['IsDefaultVersion']) for item in versions],
                         [('v5', True), ('v4', False), ('v3', False), ('v2', False),
                          ('v1', False)])
        page = self.iam.list_policy_versions(PolicyArn=arn, MaxItems=3)
        rest = self.iam.list_policy_versions(PolicyArn=arn, Marker=page['Marker'])
        self.assertEqual([item['VersionId'] for item in rest['Versions']], ['v2', 'v1'])
        found = self.iam.get_policy_version(PolicyArn=arn, VersionId='v2')['PolicyVersion']
        self.assertEqual(found['Document'], json.loads(second))
        delete = self.iam.delete_policy_version
        self.refused('DeleteConflict', delete, PolicyArn=arn, VersionId='v5', status=409,
                     message='Cannot delete the default version of a policy.')
        self.iam.set_default_policy_version(PolicyArn=arn, VersionId='v1')
        delete(PolicyArn=arn, VersionId='v5')
        self.assertEqual(make(PolicyArn=arn, PolicyDocument=second)['PolicyVersion']['VersionId'],
                         'v6')
        for call in (delete, self.iam.get_policy_version, self.iam.set_default_policy_version):
            self.refused('NoSuchEntity', call, PolicyArn=arn, VersionId='v9', status=404,
                         message=f'Policy {arn} version v9 does not exist or is not attachable.')
            self.refused('NoSuchEntity', call, PolicyArn=arn + 'x', VersionId='v1')
        self.refused('MalformedPolicyDocument', make, PolicyArn=arn, PolicyDocument='{')
        self.refused('NoSuchEntity', make, PolicyArn=arn + 'x', PolicyDocument=second)
        self.refused('NoSuchEntity', self.iam.list_policy_versions, PolicyArn=arn + 'x')

    def test_delete(self):
        arn = self.own_policy()
        self.iam.create_user(UserName='u')
        self.iam.attach_user_policy(UserName='u', PolicyArn=arn)
        self.refused('DeleteConflict', self.iam.delete_policy, PolicyArn=arn, status=409,
                     message='Cannot delete a policy attached to entities.')
        self.iam.detach_user_policy(UserName='u', PolicyArn=arn)
        self.iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(allow('*')))
        self.refused('DeleteConflict', self.iam.delete_policy, PolicyArn=arn, status=409,
                     message='This policy has more than one version. Before you delete a policy, '
                             "you must delete the policy's versions. The default version is "
                             'deleted with the policy.')
        self.iam.delete_policy_version(PolicyArn=arn, VersionId='v2')
        self.iam.delete_policy(PolicyArn=arn)
        self.refused('NoSuchEntity', self.iam.get_policy, PolicyArn=arn, status=404,
                     message=f'Policy {arn} was not found.')
        self.refused('NoSuchEntity', self.iam.delete_policy, PolicyArn=arn)
        self.refused('InvalidInput', self.iam.get_policy, PolicyArn='no arn, but long enough')

    def test_lists(self):
        own = self.own_policy()
        self.assertEqual([item['Arn'] for item in
                          self.iam.list_policies(Scope='Local')['Policies']], [own])
        aws = self.iam.list_policies(Scope='AWS', MaxItems=1000)['Policies']
        names = {item['PolicyName'] for item in aws}
        self.assertLessEqual({'AdministratorAccess', 'ReadOnlyAccess', 'PowerUserAccess',
                              'IAMFullAccess', 'AmazonSSMFullAccess', 'AmazonSQSFullAccess',
                              'SecretsManagerReadWrite', 'AWSLambdaSQSQueueExecutionRole',
                              'AmazonEventBridgeFullAccess'}, names)
        for item in aws:
            self.iam.get_policy_version(PolicyArn=item['Arn'], VersionId='v1')
        pages = self.iam.get_paginator('list_policies').paginate(PaginationConfig={'PageSize': 7})
        every = [item['Arn'] for page in pages for item in page['Policies']]
        self.assertEqual(len(every), len(set(every)))
        self.assertEqual(set(every), {own} | {item['Arn'] for item in aws})
        self.assertEqual([item['PolicyName'] for item in
                          self.iam.list_policies(OnlyAttached=True)['Policies']],
                         ['AdministratorAccess'])

    def test_aws_policies_are_not_ours(self):
        for call, more in ((self.iam.create_policy_version, {'PolicyDocument': policy(allow('*'))}),
                           (self.iam.delete_policy, {}),
                           (self.iam.set_default_policy_version, {'VersionId': 'v1'})):
            self.refused('AccessDenied', call, PolicyArn=READ_ONLY, status=403, **more)

    def test_entities(self):
        own = self.own_policy()
        self.iam.create_user(UserName='u')
        self.iam.attach_user_policy(UserName='u', PolicyArn=own)
        self.iam.create_group(GroupName='g', Path='/p/')
        self.iam.attach_group_policy(GroupName='g', PolicyArn=own)
        roles.make(self.server, 'r')
        self.iam.attach_role_policy(RoleName='r', PolicyArn=own)
        self.iam.put_role_permissions_boundary(RoleName='r', PermissionsBoundary=own)
        found = self.iam.list_entities_for_policy(PolicyArn=own)
        self.assertEqual([found['PolicyUsers'][0]['UserName'],
                          found['PolicyGroups'][0]['GroupName'],
                          found['PolicyRoles'][0]['RoleName']], ['u', 'g', 'r'])
        found = self.iam.list_entities_for_policy(PolicyArn=own, EntityFilter='Group')
        self.assertEqual((found['PolicyUsers'], len(found['PolicyGroups'])), ([], 1))
        found = self.iam.list_entities_for_policy(PolicyArn=own, PathPrefix='/p/')
        self.assertEqual((found['PolicyRoles'], len(found['PolicyGroups'])), ([], 1))
        found = self.iam.list_entities_for_policy(PolicyArn=own,
                                                  PolicyUsageFilter='PermissionsBoundary')
        self.assertEqual((found['PolicyUsers'], len(found['PolicyRoles'])), ([], 1))
        page = self.iam.list_entities_for_policy(PolicyArn=own, MaxItems=2)
        rest = self.iam.list_entities_for_policy(PolicyArn=own, Marker=page['Marker'])
        self.assertEqual((len(page['PolicyRoles']), len(rest['PolicyUsers'])), (1, 1))
        self.assertEqual(self.iam.get_policy(PolicyArn=own)['Policy']['AttachmentCount'], 3)
        self.refused('NoSuchEntity', self.iam.list_entities_for_policy, PolicyArn=own + 'x')

    def test_a_new_default_counts_at_once(self):
        arn = self.own_policy('p', allow('ssm:DescribeParameters'))
        roles.make(self.server, 'r')
        self.iam.attach_role_policy(RoleName='r', PolicyArn=arn)
        keys = roles.assume(self.server, f'arn:aws:iam::{ACCOUNT}:role/r')
        self.client('ssm', keys=keys).describe_parameters()
        self.iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(allow('kms:*')),
                                       SetAsDefault=True)
        self.refused('AccessDeniedException', self.client('ssm', keys=keys).describe_parameters)
        self.client('kms', keys=keys).list_keys()


class Roles(Iam):
    def test_update(self):
        self.iam.create_role(RoleName='r', AssumeRolePolicyDocument=roles.trust())
        self.iam.update_role(RoleName='r', Description='new', MaxSessionDuration=7200)
        found = self.iam.get_role(RoleName='r')['Role']
        self.assertEqual((found['Description'], found['MaxSessionDuration']), ('new', 7200))
        found = self.iam.update_role_description(RoleName='r', Description='newer')['Role']
        self.assertEqual(found['Description'], 'newer')
        self.refused('ValidationError', self.iam.update_role, RoleName='r', MaxSessionDuration=1)
        for call, more in ((self.iam.update_role, {}),
                           (self.iam.update_role_description, {'Description': ''})):
            self.refused('NoSuchEntity', call, RoleName='none', **more)

    def test_instance_profiles(self):
        self.iam.create_instance_profile(InstanceProfileName='p')
        which = {'InstanceProfileName': 'p'}
        for name in ('r', 's'):
            self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=roles.trust())
        add, remove = (self.iam.add_role_to_instance_profile,
                       self.iam.remove_role_from_instance_profile)
        add(**which, RoleName='r')
        self.refused('LimitExceeded', add, **which, RoleName='s', status=409,
                     message='Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1')
        found = self.iam.get_instance_profile(**which)['InstanceProfile']
        self.assertEqual([role['RoleName'] for role in found['Roles']], ['r'])
        found = self.iam.list_instance_profiles_for_role(RoleName='r')['InstanceProfiles']
        self.assertEqual([profile['InstanceProfileName'] for profile in found], ['p'])
        text = 'Cannot delete entity, must remove roles from instance profile first.'
        self.refused('DeleteConflict', self.iam.delete_instance_profile, **which, message=text)
        self.refused('DeleteConflict', self.iam.delete_role, RoleName='r', message=text)
        remove(**which, RoleName='r')
        self.refused('NoSuchEntity', remove, **which, RoleName='r')
        for call in (add, remove):
            self.refused('NoSuchEntity', call, InstanceProfileName='none', RoleName='r', status=404,
                         message='Instance Profile none cannot be found.')
            self.refused('NoSuchEntity', call, **which, RoleName='none')
        self.refused('NoSuchEntity', self.iam.list_instance_profiles_for_role, RoleName='none')

    def test_passing_a_role(self):
        self.iam.create_instance_profile(InstanceProfileName='p')
        arns = [roles.make(self.server, name) for name in ('mine', 'theirs')]
        by = roles.make(self.server, 'by', allow('iam:AddRoleToInstanceProfile'), allow(
            'iam:PassRole', arns[0], Condition={
                'StringEquals': {'iam:PassedToService': 'ec2.amazonaws.com'}}))
        iam = self.client('iam', keys=roles.assume(self.server, by))
        error = self.refused('AccessDenied', iam.add_role_to_instance_profile,
                             InstanceProfileName='p', RoleName='theirs')
        self.assertIn(f'is not authorized to perform: iam:PassRole on resource: {arns[1]}',
                      error['Error']['Message'])
        iam.add_role_to_instance_profile(InstanceProfileName='p', RoleName='mine')


class Providers(Iam):
    def test_course(self):
        create = self.iam.create_open_id_connect_provider
        arn = create(Url='https://id.example.com/a', ClientIDList=['one'],
                     ThumbprintList=[THUMB])['OpenIDConnectProviderArn']
        self.assertEqual(arn, f'arn:aws:iam::{ACCOUNT}:oidc-provider/id.example.com/a')
        which = {'OpenIDConnectProviderArn': arn}
        self.iam.add_client_id_to_open_id_connect_provider(**which, ClientID='two')
        self.iam.remove_client_id_from_open_id_connect_provider(**which, ClientID='one')
        self.iam.update_open_id_connect_provider_thumbprint(**which, ThumbprintList=['b' * 40])
        found = self.iam.get_open_id_connect_provider(**which)
        self.assertEqual((found['Url'], found['ClientIDList'], found['ThumbprintList']),
                         ('id.example.com/a', ['two'], ['b' * 40]))
        self.assertEqual(self.iam.list_open_id_connect_providers()['OpenIDConnectProviderList'],
                         [{'Arn': arn}])
        self.refused('EntityAlreadyExists', create, Url='https://id.example.com/a', status=409,
                     message='Provider with url https://id.example.com/a already exists.')
        for url in ('http://id.example.com', 'id.example.com', 'https://'):
            self.refused('ValidationError', create, Url=url)
        self.refused('InvalidInput', create, Url='https://x.example.com',
                     ThumbprintList=[THUMB] * 6)
        self.refused('InvalidInput', create, Url='https://x.example.com', ThumbprintList=['z' * 40])
        self.refused('LimitExceeded', create, Url='https://x.example.com',
                     ClientIDList=[f'c{number}' for number in range(101)])
        self.iam.delete_open_id_connect_provider(**which)
        for call, more in ((self.iam.get_open_id_connect_provider, {}),
                           (self.iam.delete_open_id_connect_provider, {}),
                           (self.iam.add_client_id_to_open_id_connect_provider, {'ClientID': 'c'}),
                           (self.iam.remove_client_id_from_open_id_connect_provider,
                            {'ClientID': 'c'}),
                           (self.iam.update_open_id_connect_provider_thumbprint,
                            {'ThumbprintList': [THUMB]})):
            self.refused('NoSuchEntity', call, **which, **more, status=404,
                         message=f'OpenIDConnect Provider not found for arn {arn}')


if __name__ == '__main__':
    local_server.main()
