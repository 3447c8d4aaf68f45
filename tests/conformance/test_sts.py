"""STS (shared facts sts-iam-sigv4.md section 4) and what its sessions may do (sections 8, 9)."""
import contextlib
import datetime
import pathlib
import sqlite3
import tempfile
import urllib.request
import xml.etree.ElementTree

import local_server
import roles
import wire
from local_server import ACCOUNT, OTHER_ACCOUNT, REGION

ROLE_ARN = f'arn:aws:iam::{ACCOUNT}:role/'


class Sts(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.sts = self.client('sts')

    def denied(self, call, role, caller=f'arn:aws:iam::{ACCOUNT}:user/administrator',
               action='sts:AssumeRole', **arguments):
        error = self.refused('AccessDenied', call, RoleArn=role, RoleSessionName='session',
                             message=f'User: {caller} is not authorized to perform: {action} on '
                                     f'resource: {role}', **arguments)
        self.assertEqual(error['ResponseMetadata']['HTTPStatusCode'], 403)


class CallerIdentity(Sts):
    def test_of_an_account_and_a_session(self):
        answer = self.sts.get_caller_identity()
        self.assertEqual((answer['Account'], answer['Arn']),
                         (ACCOUNT, f'arn:aws:iam::{ACCOUNT}:user/administrator'))
        self.assertRegex(answer['UserId'], '^AIDA[A-Z2-7]{17}$')
        role = roles.make(self.server, 'r', Path='/a/path/')
        answer = self.client('sts', keys=roles.assume(self.server, role)).get_caller_identity()
        self.assertEqual(answer['Arn'], f'arn:aws:sts::{ACCOUNT}:assumed-role/r/session')
        self.assertRegex(answer['UserId'], '^AROA[A-Z2-7]{17}:session$')

    def test_a_deny_does_not_matter(self):
        role = roles.make(self.server, 'r', roles.deny('*'))
        session = self.client('sts', keys=roles.assume(self.server, role))
        self.assertEqual(session.get_caller_identity()['Account'], ACCOUNT)

    def test_partition_follows_the_region(self):
        china = self.client('sts', region='cn-north-1').get_caller_identity()
        self.assertEqual(china['Arn'], f'arn:aws-cn:iam::{ACCOUNT}:user/administrator')

    def test_presigned(self):
        url = wire.presign(self.server, 'sts', {'Action': 'GetCallerIdentity',
                                                'Version': '2011-06-15'})
        status, headers, body = wire.send(urllib.request.Request(url))
        self.assertEqual((status, headers['Content-Type']), (200, 'text/xml'))
        space = '{https://sts.amazonaws.com/doc/2011-06-15/}'
        root = xml.etree.ElementTree.fromstring(body)
        self.assertEqual(root.tag, space + 'GetCallerIdentityResponse')
        self.assertEqual(root.findtext(f'{space}GetCallerIdentityResult/{space}Account'), ACCOUNT)
        self.assertTrue(root.findtext(f'{space}ResponseMetadata/{space}RequestId'))
        damaged = url[:-1] + ('0' if url[-1] != '0' else '1')
        self.assertEqual(wire.send(urllib.request.Request(damaged))[0], 403)

    def test_wrong_secrets_and_unknown_keys(self):
        key, secret = local_server.CREDENTIALS[ACCOUNT]
        wrong = self.client('sts', keys=(key, secret + 'x'))
        self.refused('SignatureDoesNotMatch', wrong.get_caller_identity)
        self.refused('InvalidClientTokenId', self.client('sts', keys=('AKIANOBODY', 'x'))
                     .get_caller_identity,
                     message='The security token included in the request is invalid.')


class AssumeRole(Sts):
    def test_the_answer(self):
        role = roles.make(self.server, 'r', trusts=roles.trust(
            action=['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity']))
        before = datetime.datetime.now(datetime.timezone.utc)
        answer = self.sts.assume_role(RoleArn=role, RoleSessionName='se+=,.@-_1')
        self.assertEqual(answer['AssumedRoleUser']['Arn'],
                         f'arn:aws:sts::{ACCOUNT}:assumed-role/r/se+=,.@-_1')
        self.assertRegex(answer['AssumedRoleUser']['AssumedRoleId'], r'^AROA\w{17}:se\+=,\.@-_1$')
        found = answer['Credentials']
        self.assertRegex(found['AccessKeyId'], '^ASIA[A-Z2-7]{16}$')
        self.assertAlmostEqual((found['Expiration'] - before).total_seconds(), 3600, delta=60)
        self.assertNotIn('PackedPolicySize', answer)
        answer = self.sts.assume_role(RoleArn=role, RoleSessionName='s2', DurationSeconds=900,
                                      Tags=[{'Key': 'a', 'Value': 'b'}], SourceIdentity='me')
        self.assertGreaterEqual(answer['PackedPolicySize'], 0)
        self.assertEqual(answer['SourceIdentity'], 'me')
        left = answer['Credentials']['Expiration'] - before
        self.assertAlmostEqual(left.total_seconds(), 900, delta=60)

    def test_missing_and_not_trusted_look_the_same(self):
        self.denied(self.sts.assume_role, ROLE_ARN + 'none')
        role = roles.make(self.server, 'r', trusts=roles.trust({'AWS': OTHER_ACCOUNT}))
        self.denied(self.sts.assume_role, role)
        at_a_path = roles.make(self.server, 'p', Path='/x/')
        self.denied(self.sts.assume_role, ROLE_ARN + 'p')
        roles.assume(self.server, at_a_path)

    def test_bad_arguments(self):
        role = roles.make(self.server, 'r')
        for arn in ('not-an-arn-at-all-no-no', f'arn:aws:iam::{ACCOUNT}:user/someone',
                    'arn:aws:iam::123:role/short-account', f'arn:aws:iam::{ACCOUNT}:role/'):
            self.refused('ValidationError', self.sts.assume_role, RoleArn=arn,
                         RoleSessionName='session', message=f'{arn} is invalid')
        self.refused('ValidationError', self.sts.assume_role, RoleArn=role,
                     RoleSessionName='Session1:2', message="1 validation error detected: Value "
                     "'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must "
                     'satisfy regular expression pattern: [\\w+=,.@-]*')
        for arguments in ({'DurationSeconds': 899}, {'DurationSeconds': 43201},
                          {'ExternalId': 'x'}, {'RoleSessionName': 's'}):
            self.refused('ValidationError', self.sts.assume_role,
                         **{'RoleArn': role, 'RoleSessionName': 'session', **arguments})

    def test_durations(self):
        role = roles.make(self.server, 'r')
        self.refused('ValidationError', self.sts.assume_role, RoleArn=role,
                     RoleSessionName='session', DurationSeconds=3601, message='The requested '
                     'DurationSeconds exceeds the MaxSessionDuration set for this role.')
        long = roles.make(self.server, 'long', roles.allow('sts:*'), MaxSessionDuration=43200)
        by = roles.assume(self.server, long, DurationSeconds=43200)
        chained = self.client('sts', keys=by)
        self.refused('ValidationError', chained.assume_role, RoleArn=long,
                     RoleSessionName='session', DurationSeconds=3601, message='The requested '
                     'DurationSeconds exceeds the 1 hour session limit for roles assumed by role '
                     'chaining')
        chained.assume_role(RoleArn=long, RoleSessionName='session', DurationSeconds=3600)

    def test_external_id(self):
        role = roles.make(self.server, 'r', trusts=roles.trust(
            Condition={'StringEquals': {'sts:ExternalId': 'the-id'}}))
        self.denied(self.sts.assume_role, role)
        self.denied(self.sts.assume_role, role, ExternalId='another')
        roles.assume(self.server, role, ExternalId='the-id')

    def test_both_sides_across_accounts(self):
        role = roles.make(self.server, 'r', account=OTHER_ACCOUNT,
                          trusts=roles.trust({'AWS': ACCOUNT}))
        answer = self.client('sts', keys=roles.assume(self.server, role)).get_caller_identity()
        self.assertEqual(answer['Account'], OTHER_ACCOUNT)
        weak = roles.make(self.server, 'weak', roles.allow('ssm:*'))
        self.denied(self.client('sts', keys=roles.assume(self.server, weak)).assume_role, role,
                    caller=f'arn:aws:sts::{ACCOUNT}:assumed-role/weak/session')
        strong = roles.make(self.server, 'strong', roles.allow('sts:AssumeRole', role))
        self.client('sts', keys=roles.assume(self.server, strong)).assume_role(
            RoleArn=role, RoleSessionName='session')

    def test_the_organizations_role(self):
        role = f'arn:aws:iam::{OTHER_ACCOUNT}:role/OrganizationAccountAccessRole'
        kms = self.client('kms', keys=roles.assume(self.server, role))
        self.assertEqual(kms.create_key()['KeyMetadata']['AWSAccountId'], OTHER_ACCOUNT)
        self.denied(self.sts.assume_role, role.replace(OTHER_ACCOUNT, ACCOUNT))

    def test_a_named_role_in_the_account_needs_no_policy_of_its_own(self):
        plain = roles.make(self.server, 'plain')
        open_to = roles.make(self.server, 'open', trusts=roles.trust({'AWS': plain}))
        closed_to = roles.make(self.server, 'closed', trusts=roles.trust({'AWS': ACCOUNT}))
        sts = self.client('sts', keys=roles.assume(self.server, plain))
        sts.assume_role(RoleArn=open_to, RoleSessionName='session')
        self.denied(sts.assume_role, closed_to,
                    caller=f'arn:aws:sts::{ACCOUNT}:assumed-role/plain/session')

    def test_partitions_are_apart(self):
        role = roles.make(self.server, 'r')
        china = self.client('sts', region='cn-north-1')
        self.denied(china.assume_role, role,
                    caller=f'arn:aws-cn:iam::{ACCOUNT}:user/administrator')
        answer = china.assume_role(RoleArn=role.replace('arn:aws:', 'arn:aws-cn:'),
                                   RoleSessionName='session')
        self.assertEqual(answer['AssumedRoleUser']['Arn'],
                         f'arn:aws-cn:sts::{ACCOUNT}:assumed-role/r/session')

    def test_policies(self):
        role = roles.make(self.server, 'r')
        assume = {'RoleArn': role, 'RoleSessionName': 'session'}
        for bad in ('{', '{"Statement":[{"Effect":"Maybe","Action":"*","Resource":"*"}]}'):
            self.refused('MalformedPolicyDocument', self.sts.assume_role, Policy=bad, **assume)
        self.refused('ValidationError', self.sts.assume_role, Policy='x' * 2049, **assume)
        self.refused('MalformedPolicyDocument', self.sts.assume_role, **assume,
                     PolicyArns=[{'arn': 'arn:aws:iam::aws:policy/NoSuchPolicy'}])
        self.refused('ValidationError', self.sts.assume_role, **assume, PolicyArns=[
            {'arn': 'arn:aws:iam::aws:policy/AdministratorAccess'}] * 11)

    def test_no_mfa_code_is_right(self):
        role = roles.make(self.server, 'r')
        self.refused('AccessDenied', self.sts.assume_role, RoleArn=role, RoleSessionName='session',
                     SerialNumber=f'arn:aws:iam::{ACCOUNT}:mfa/me', TokenCode='123456')


class Tags(Sts):
    def setUp(self):
        super().setUp()
        self.role = roles.make(self.server, 'r', roles.allow('sts:*'), trusts=roles.trust(
            action=['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity']))
        self.assume = {'RoleArn': self.role, 'RoleSessionName': 'session'}

    @staticmethod
    def tags(**tags):
        return [{'Key': key, 'Value': value} for key, value in tags.items()]

    def test_refusals(self):
        call, bad = self.sts.assume_role, 'InvalidParameterValue'
        self.refused(bad, call, **self.assume, Tags=self.tags(a='1', A='2'), message='Duplicate '
                     'tag keys found. Please note that Tag keys are case insensitive.')
        self.refused(bad, call, **self.assume, Tags=self.tags(a='1'), TransitiveTagKeys=['b'],
                     message='The specified transitive tag key must be included in the requested '
                             'tags.')
        chained = self.client('sts', keys=roles.assume(
            self.server, self.role, Tags=self.tags(a='1'), TransitiveTagKeys=['a']))
        self.refused(bad, chained.assume_role, **self.assume, Tags=self.tags(a='2'),
                     TransitiveTagKeys=['a'], message="One of the specified transitive tag keys "
                     "can't be set because it conflicts with a transitive tag key from the calling "
                     'session.')

    def test_tagging_needs_its_own_permission(self):
        plain = roles.make(self.server, 'plain')
        self.denied(self.sts.assume_role, plain, action='sts:TagSession', Tags=self.tags(a='1'))
        self.denied(self.sts.assume_role, plain, action='sts:SetSourceIdentity',
                    SourceIdentity='me')

    def test_transitive_tags_go_on_others_do_not(self):
        paths = roles.make(self.server, 'paths', roles.allow('ssm:GetParameter', 'arn:aws:ssm:*:'
                           '*:parameter/${aws:PrincipalTag/team}/*'), trusts=roles.trust(
                               action=['sts:AssumeRole', 'sts:TagSession']))
        for name in ('/red/p', '/blue/p'):
            self.client('ssm').put_parameter(Name=name, Value='v', Type='String')

        def reader(**arguments):
            first = roles.assume(self.server, self.role, Tags=self.tags(team='red'), **arguments)
            return self.client('ssm', keys=roles.assume(self.server, paths, by=first))
        handed_on = reader(TransitiveTagKeys=['team'])
        handed_on.get_parameter(Name='/red/p')
        self.refused('AccessDeniedException', handed_on.get_parameter, Name='/blue/p')
        self.refused('AccessDeniedException', reader().get_parameter, Name='/red/p')

    def test_tags_of_the_role_in_the_question(self):
        red = roles.make(self.server, 'red', Tags=self.tags(team='red'))
        blue = roles.make(self.server, 'blue', Tags=self.tags(team='blue'))
        by = roles.make(self.server, 'by', roles.allow('sts:AssumeRole', Condition={
            'StringEquals': {'aws:ResourceTag/team': 'red'}}))
        sts = self.client('sts', keys=roles.assume(self.server, by))
        sts.assume_role(RoleArn=red, RoleSessionName='session')
        self.denied(sts.assume_role, blue,
                    caller=f'arn:aws:sts::{ACCOUNT}:assumed-role/by/session')

    def test_tags_of_the_role(self):
        role = roles.make(self.server, 'tagged', roles.allow(
            'ssm:GetParameter', 'arn:aws:ssm:*:*:parameter/${aws:PrincipalTag/team}/*'),
            Tags=self.tags(team='red'))
        self.client('ssm').put_parameter(Name='/red/p', Value='v', Type='String')
        self.client('ssm', keys=roles.assume(self.server, role)).get_parameter(Name='/red/p')


class OtherTokens(Sts):
    def test_session_token(self):
        answer = self.sts.get_session_token()
        left = answer['Credentials']['Expiration'] - datetime.datetime.now(datetime.timezone.utc)
        self.assertAlmostEqual(left.total_seconds(), 43200, delta=60)
        keys = roles.keys(answer)
        self.assertEqual(self.client('sts', keys=keys).get_caller_identity()['Arn'],
                         f'arn:aws:iam::{ACCOUNT}:user/administrator')
        self.client('ssm', keys=keys).describe_parameters()
        for call in ('get_session_token', 'get_federation_token'):
            arguments = {'Name': 'someone'} if call == 'get_federation_token' else {}
            self.refused('AccessDenied', getattr(self.client('sts', keys=keys), call), **arguments)
        self.refused('InvalidClientTokenId', self.client('iam', keys=keys).list_roles)
        for seconds in (899, 129601):
            self.refused('ValidationError', self.sts.get_session_token, DurationSeconds=seconds)

    def test_federation_token(self):
        answer = self.sts.get_federation_token(Name='bob', Policy=roles.policy(
            roles.allow('ssm:DescribeParameters')))
        self.assertEqual(answer['FederatedUser'],
                         {'FederatedUserId': f'{ACCOUNT}:bob',
                          'Arn': f'arn:aws:sts::{ACCOUNT}:federated-user/bob'})
        keys = roles.keys(answer)
        self.client('ssm', keys=keys).describe_parameters()
        self.refused('AccessDeniedException', self.client('kms', keys=keys).list_keys,
                     message=f'User: arn:aws:sts::{ACCOUNT}:federated-user/bob is not authorized '
                     'to perform: kms:ListKeys on resource: * because no session policy allows the '
                     'kms:ListKeys action')
        nothing = roles.keys(self.sts.get_federation_token(Name='bob'))
        self.refused('AccessDeniedException', self.client('ssm', keys=nothing).describe_parameters)
        self.refused('MalformedPolicyDocument', self.sts.get_federation_token, Name='bob',
                     Policy='{')
        self.refused('ValidationError', self.sts.get_federation_token, Name='b')

    def test_access_key_info(self):
        key = local_server.CREDENTIALS[OTHER_ACCOUNT][0]
        self.assertEqual(self.sts.get_access_key_info(AccessKeyId=key)['Account'], OTHER_ACCOUNT)
        self.refused('ValidationError', self.sts.get_access_key_info,
                     AccessKeyId='AKIAXXXXXXXXXXXXXXXX')


class WhatSessionsMayDo(Sts):
    def setUp(self):
        super().setUp()
        ssm = self.client('ssm')
        for name in ('/red/p', '/blue/p'):
            ssm.put_parameter(Name=name, Value='v', Type='String')
        self.red = f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/red/*'

    def test_inside_and_outside_its_path(self):
        role = roles.make(self.server, 'r', roles.allow('ssm:GetParameter', self.red))
        ssm = self.client('ssm', keys=roles.assume(self.server, role))
        ssm.get_parameter(Name='/red/p')
        who = f'User: arn:aws:sts::{ACCOUNT}:assumed-role/r/session is not authorized to perform: '
        blue = f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/blue/p'
        self.refused('AccessDeniedException', ssm.get_parameter, Name='/blue/p',
                     message=who + f'ssm:GetParameter on resource: {blue} because no '
                     'identity-based policy allows the ssm:GetParameter action')
        self.refused('AccessDeniedException', ssm.put_parameter, Name='/red/p', Value='w',
                     Overwrite=True)

    def test_a_session_policy_only_narrows(self):
        role = roles.make(self.server, 'r', roles.allow('ssm:*', self.red))
        ssm = self.client('ssm', keys=roles.assume(self.server, role, Policy=roles.policy(
            roles.allow('ssm:GetParameter'))))
        ssm.get_parameter(Name='/red/p')
        self.refused('AccessDeniedException', ssm.get_parameter, Name='/blue/p')
        error = self.refused('AccessDeniedException', ssm.put_parameter, Name='/red/p', Value='w',
                             Overwrite=True)
        self.assertIn('because no session policy allows the ssm:PutParameter action',
                      error['Error']['Message'])
        managed = self.client('ssm', keys=roles.assume(self.server, role, PolicyArns=[
            {'arn': 'arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess'}]))
        managed.get_parameter(Name='/red/p')
        self.refused('AccessDeniedException', managed.delete_parameter, Name='/red/p')

    def test_an_explicit_deny(self):
        role = roles.make(self.server, 'r', roles.allow('*'), roles.deny('ssm:Get*', self.red))
        ssm = self.client('ssm', keys=roles.assume(self.server, role))
        ssm.get_parameter(Name='/blue/p')
        error = self.refused('AccessDeniedException', ssm.get_parameter, Name='/red/p')
        self.assertIn('with an explicit deny in an identity-based policy',
                      error['Error']['Message'])

    def test_a_permissions_boundary(self):
        role = roles.make(self.server, 'r', roles.allow('*'), PermissionsBoundary='arn:aws:iam::'
                          'aws:policy/AmazonSSMReadOnlyAccess')
        ssm = self.client('ssm', keys=roles.assume(self.server, role))
        ssm.get_parameter(Name='/red/p')
        error = self.refused('AccessDeniedException', ssm.delete_parameter, Name='/red/p')
        self.assertIn('because no permissions boundary allows the ssm:DeleteParameter action',
                      error['Error']['Message'])

    def test_changes_of_the_role_are_seen_at_once(self):
        iam = self.client('iam')
        role = roles.make(self.server, 'r')
        ssm = self.client('ssm', keys=roles.assume(self.server, role))
        self.refused('AccessDeniedException', ssm.get_parameter, Name='/red/p')
        arn = 'arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess'
        iam.attach_role_policy(RoleName='r', PolicyArn=arn)
        ssm.get_parameter(Name='/red/p')
        iam.detach_role_policy(RoleName='r', PolicyArn=arn)
        self.refused('AccessDeniedException', ssm.get_parameter, Name='/red/p')

    def test_a_deleted_role_leaves_sessions_without_rights(self):
        iam = self.client('iam')
        role = roles.make(self.server, 'r', roles.allow('*'))
        ssm = self.client('ssm', keys=roles.assume(self.server, role))
        ssm.get_parameter(Name='/red/p')
        iam.delete_role_policy(RoleName='r', PolicyName='inline')
        iam.delete_role(RoleName='r')
        self.refused('AccessDeniedException', ssm.get_parameter, Name='/red/p')

    def test_tokens(self):
        role = roles.make(self.server, 'r', roles.allow('*'))
        key, secret, token = roles.assume(self.server, role)
        text = 'The security token included in the request is invalid.'
        for wrong in ((key, secret), (key, secret, token[:-4] + 'AAAA'), (key, secret, 'x'),
                      local_server.CREDENTIALS[ACCOUNT] + (token,)):
            self.refused('UnrecognizedClientException',
                         self.client('ssm', keys=wrong).describe_parameters, message=text)
            self.refused('InvalidClientTokenId',
                         self.client('sts', keys=wrong).get_caller_identity, message=text)

    def test_query_services_say_access_denied(self):
        role = roles.make(self.server, 'r', roles.allow('ssm:*'))
        session = self.client('iam', keys=roles.assume(self.server, role))
        error = self.refused('AccessDenied', session.get_role, RoleName='r', message='User: '
                             f'arn:aws:sts::{ACCOUNT}:assumed-role/r/session is not authorized to '
                             f'perform: iam:GetRole on resource: {role} because no identity-based '
                             'policy allows the iam:GetRole action')
        self.assertEqual(error['ResponseMetadata']['HTTPStatusCode'], 403)


class Expired(local_server.unittest.TestCase):
    """The shortest session lasts 15 minutes, so its end is written into the store of a server that
    does not run."""

    def test_sessions_end(self):
        with tempfile.TemporaryDirectory() as folder:
            with local_server.LocalServer(data=folder) as server:
                keys = roles.assume(server, roles.make(server, 'r', roles.allow('*')))
                server.client('ssm', keys=keys).describe_parameters()
            database = next(pathlib.Path(folder).rglob('*.db'))
            with contextlib.closing(sqlite3.connect(database)) as store, store:
                changed = store.execute('UPDATE session_key SET expires_ms = issued_ms')
                self.assertEqual(changed.rowcount, 1)
            with local_server.LocalServer(data=folder) as server:
                for service, call, code, text in (
                        ('ssm', 'describe_parameters', 'ExpiredTokenException',
                         'The security token included in the request is expired'),
                        ('sts', 'get_caller_identity', 'ExpiredToken',
                         'The security token included in the request is expired')):
                    client = server.client(service, keys=keys)
                    with self.assertRaises(client.exceptions.ClientError) as caught:
                        getattr(client, call)()
                    error = caught.exception.response['Error']
                    self.assertEqual((error['Code'], error['Message']), (code, text))


class Lax(local_server.Conformance):
    """--any-credentials: a role nobody created is its account's administrator."""
    options = ('--any-credentials',)

    def test_any_role(self):
        sts = self.client('sts', keys=('test', 'test'))
        answer = sts.assume_role(RoleArn='arn:aws:iam::333333333333:role/any/thing',
                                 RoleSessionName='session')
        keys = roles.keys(answer)
        self.assertEqual(self.client('sts', keys=keys).get_caller_identity()['Arn'],
                         'arn:aws:sts::333333333333:assumed-role/thing/session')
        key = self.client('kms', keys=keys).create_key()['KeyMetadata']
        self.assertEqual(key['AWSAccountId'], '333333333333')

    def test_a_role_that_exists_is_not_lax(self):
        role = roles.make(self.server, 'r', roles.allow('ssm:*'))
        session = self.client('kms', keys=roles.assume(self.server, role))
        self.refused('AccessDeniedException', session.list_keys)


if __name__ == '__main__':
    local_server.main()
