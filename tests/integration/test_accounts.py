#!/usr/bin/python3
"""Parameters between accounts and partitions: push, pull, from a third account, through roles in a
row; what is refused says what is missing, and does not stop the others (R11, R57)."""
import json
import unittest
import urllib.parse

import replication
from replication import SOURCE, Replication
from local_server import ACCOUNT, CREDENTIALS, OTHER_ACCOUNT
import roles
from roles import allow, deny, policy

THIRD = '333333333333'
CREDENTIALS.setdefault(THIRD, ('AKIATESTCONFORMANCE3', 'conformance/secret+key/of/account/333333'))
EVERYTHING = allow(['ssm:*', 'tag:*', 'kms:*', 'sts:*'])


def role(name, account=OTHER_ACCOUNT, partition='aws'):
    return f'arn:{partition}:iam::{account}:role/{name}'


def trust(principal, **more):
    return policy({'Effect': 'Allow', 'Principal': {'AWS': principal},
                   'Action': ['sts:AssumeRole', 'sts:TagSession'], **more})


class Accounts(Replication):
    caller = ACCOUNT

    def environment(self):
        key, secret = CREDENTIALS[self.caller]
        return {**super().environment(), 'AWS_ACCESS_KEY_ID': key, 'AWS_SECRET_ACCESS_KEY': secret,
                'AWS_ENDPOINT_URL': self.witness.url}

    def sync(self, config, *words, status=0, command='sync'):
        return self.run_it(command, *words, flags=False, config=config, status=status)

    def values(self, region, account):
        ssm = self.server.client('ssm', region, account)
        found = {}
        for page in ssm.get_paginator('describe_parameters').paginate():
            for row in page['Parameters']:
                answer = ssm.get_parameter(Name=row['Name'], WithDecryption=True)
                found[row['Name']] = answer['Parameter']['Value']
        return found

    def make_role(self, name, *statements, account=OTHER_ACCOUNT, trusts=ACCOUNT, **conditions):
        return roles.make(self.server, name, *(statements or (EVERYTHING,)), account=account,
                          trusts=trust(trusts, **conditions))

    def assumed(self):
        """The forms of the AssumeRole calls that passed."""
        return [dict(urllib.parse.parse_qsl(call.body.decode())) for call in self.witness.calls
                if call.operation == 'AssumeRole']

    def test_r57_push_with_every_word_of_a_role(self):
        self.make_role('in', Condition={'StringEquals': {
            'sts:ExternalId': 'agreed/1', 'aws:RequestTag/team': 'platform'}})
        self.put('/app/a', 'one')
        config = f'''
source: {{ region: {SOURCE} }}
destinations:
  - {{ region: us-east-1, account: "{OTHER_ACCOUNT}", role_arn: "{role('in')}",
      external_id: "agreed/1", session_name: nightly, duration_seconds: 900,
      session_tags: {{ team: platform }}, transitive_tags: [team] }}
'''
        self.sync(config)
        self.assertEqual(self.values('us-east-1', OTHER_ACCOUNT), {'/app/a': 'one'})
        self.assertEqual(self.values('us-east-1', ACCOUNT), {})
        (sent,) = self.assumed()
        self.assertEqual({key: sent[key] for key in sent if key not in ('Action', 'Version')}, {
            'RoleArn': role('in'), 'RoleSessionName': 'nightly', 'ExternalId': 'agreed/1',
            'DurationSeconds': '900', 'Tags.member.1.Key': 'team',
            'Tags.member.1.Value': 'platform', 'TransitiveTagKeys.member.1': 'team'})
        # STS of the destination's Region, so that the source's Region need not be up for it.
        self.assertEqual({call.region for call in self.witness.calls
                          if call.operation == 'AssumeRole'}, {'us-east-1'})
        # Another external id: refused, and told what to look at.
        done = self.sync(config.replace('agreed/1', 'agreed/2'), status=1)
        said = done.out + done.err
        self.assertIn(f'the trust policy of {role("in")} must allow sts:AssumeRole', said)
        self.assertIn('external_id', said)

    def test_r11_pull_with_a_role_at_the_source(self):
        self.caller = OTHER_ACCOUNT
        self.make_role('out', allow(['ssm:Describe*', 'ssm:Get*', 'ssm:List*', 'tag:Get*']),
                       account=ACCOUNT, trusts=OTHER_ACCOUNT)
        self.put('/app/a', 'one', Type='SecureString')
        self.sync(f'''
source: {{ region: {SOURCE}, account: "{ACCOUNT}", role_arn: "{role('out', ACCOUNT)}" }}
destinations: [{{ region: {SOURCE} }}, {{ region: us-east-1 }}]
''')
        for region in (SOURCE, 'us-east-1'):
            self.assertEqual(self.values(region, OTHER_ACCOUNT), {'/app/a': 'one'})

    def test_a_third_account_moves_what_is_not_its_own(self):
        self.caller = THIRD
        self.make_role('out', account=ACCOUNT, trusts=THIRD)
        self.make_role('in', trusts=THIRD)
        self.put('/app/a', 'one')
        self.sync(f'''
source: {{ region: {SOURCE}, role_arn: "{role('out', ACCOUNT)}" }}
destinations:
  - {{ region: us-east-1, role_arn: "{role('in')}" }}
  - {{ region: us-east-1, account: "{THIRD}" }}
''')
        for account in (OTHER_ACCOUNT, THIRD):
            self.assertEqual(self.values('us-east-1', account), {'/app/a': 'one'})

    def test_roles_in_a_row(self):
        hop = self.make_role('hop', account=ACCOUNT)
        self.make_role('in', trusts=hop, Condition={'StringEquals': {'sts:ExternalId': 'of-hop'}})
        self.put('/app/a', 'one')
        self.sync(f'''
source: {{ region: {SOURCE} }}
destinations:
  - region: us-east-1
    roles: [{{ role_arn: "{hop}" }}, {{ role_arn: "{role('in')}", external_id: of-hop }}]
''')
        self.assertEqual(self.values('us-east-1', OTHER_ACCOUNT), {'/app/a': 'one'})
        self.assertEqual([sent['RoleArn'] for sent in self.assumed()], [hop, role('in')])

    def test_another_partition_by_a_profile(self):
        key, secret = CREDENTIALS[OTHER_ACCOUNT]
        folder = self.folder / 'home' / '.aws'
        folder.mkdir()
        (folder / 'credentials').write_text(
            f'[china]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n')
        self.server.client('iam', 'cn-north-1', OTHER_ACCOUNT).create_role(
            RoleName='in', AssumeRolePolicyDocument=trust(OTHER_ACCOUNT))
        self.server.client('iam', 'cn-north-1', OTHER_ACCOUNT).put_role_policy(
            RoleName='in', PolicyName='p', PolicyDocument=policy(EVERYTHING))
        self.put('/app/a', 'one')
        self.sync(f'''
source: {{ region: {SOURCE} }}
destinations:
  - {{ region: cn-north-1, profile: china, role_arn: "{role('in', partition='aws-cn')}" }}
''')
        self.assertEqual(self.values('cn-north-1', OTHER_ACCOUNT), {'/app/a': 'one'})
        # A role does not reach across.
        for words in (f'role_arn: "{role("in")}"', f'role_arn: "{role("in", ACCOUNT)}"'):
            done = self.sync(f'''
source: {{ region: {SOURCE} }}
destinations: [{{ region: cn-north-1, {words} }}]
''', status=2)
            self.assertIn('no role reaches across partitions', done.err)

    def test_one_denied_destination_does_not_stop_the_others(self):
        self.make_role('in')
        self.put('/app/a', 'one')
        config = f'''
source: {{ region: {SOURCE} }}
destinations:
  - {{ region: us-east-1, account: "{OTHER_ACCOUNT}", role_arn: "{role('nobody')}" }}
  - {{ region: eu-west-1, role_arn: "{role('in')}" }}
'''
        done = self.sync(config, '--json', status=4)
        self.assertEqual(self.values('eu-west-1', OTHER_ACCOUNT), {'/app/a': 'one'})
        (denied, served) = done.lines[0]['destinations']
        self.assertNotIn('error', served)
        self.assertEqual(denied['error']['code'], 'DENIED')
        message = denied['error']['message']
        self.assertIn(f'the trust policy of {role("nobody")} must allow sts:AssumeRole to user '
                      f'administrator of account {ACCOUNT}', message)
        self.assertIn(json.dumps(allow('sts:AssumeRole', role('nobody')), separators=(',', ':')),
                      message)
        self.assertEqual(done.summary['failed_destinations'], 1)
        done = self.sync(config, status=4)
        self.assertIn('us-east-1: could not be listed: ', done.out)
        self.assertIn('1 destination failed', done.out)

    def test_what_may_not_be_written_is_told_with_the_statement(self):
        parameter = f'arn:aws:ssm:us-east-1:{OTHER_ACCOUNT}:parameter'
        self.make_role('in', EVERYTHING, deny('ssm:PutParameter', f'{parameter}/app/b'))
        self.make_role('reader', allow(['ssm:Describe*', 'ssm:Get*', 'tag:*']))
        for name in 'abc':
            self.put(f'/app/{name}', name)
        config = f'''
source: {{ region: {SOURCE} }}
destinations:
  - {{ region: us-east-1, role_arn: "{role('in')}" }}
  - {{ region: eu-west-1, role_arn: "{role('reader')}" }}
'''
        done = self.sync(config, '--json', status=4)
        self.assertEqual(set(self.values('us-east-1', OTHER_ACCOUNT)), {'/app/a', '/app/c'})
        reasons = {(step['destination'], step['name']): step.get('reason', '')
                   for step in done.steps() if step['status'] == 'failed'}
        self.assertEqual(len(reasons), 4)
        self.assertIn('a Deny in an identity-based policy stands against it',
                      reasons['us-east-1', '/app/b'])
        wanted = json.dumps(allow('ssm:PutParameter', parameter.replace('us-east', 'eu-west') +
                                  '/app/c'), separators=(',', ':'))
        self.assertIn(f'add to a policy of role reader of account {OTHER_ACCOUNT}: {wanted}',
                      reasons['eu-west-1', '/app/c'])
        # Each permission once, with what its refusals have in common.
        denied = {(entry['statement']['Action'], entry['explicit']): entry
                  for entry in done.summary['denied']}
        self.assertEqual(denied['ssm:PutParameter', True]['count'], 1)
        everything = denied['ssm:PutParameter', False]
        self.assertEqual((everything['principal'], everything['count']),
                         (f'role reader of account {OTHER_ACCOUNT}', 3))
        self.assertEqual(everything['statement'], allow(
            'ssm:PutParameter', parameter.replace('us-east', 'eu-west') + '/app/*'))
        # Given that, it works.
        self.server.client('iam', account=OTHER_ACCOUNT).put_role_policy(
            RoleName='reader', PolicyName='more', PolicyDocument=policy(
                everything['statement'], allow('ssm:AddTagsToResource')))
        done = self.sync(config, status=4)
        self.assertEqual(set(self.values('eu-west-1', OTHER_ACCOUNT)), {f'/app/{n}' for n in 'abc'})
        self.assertIn(f'role in of account {OTHER_ACCOUNT}, 1 time: ssm:PutParameter is denied '
                      'explicitly', done.out)

    def test_a_key_that_may_not_be_used(self):
        self.caller = OTHER_ACCOUNT
        self.make_role('out', allow(['ssm:*', 'tag:*']), account=ACCOUNT, trusts=OTHER_ACCOUNT)
        self.key('alias/prod', SOURCE)
        self.put('/app/secret', 'one', Type='SecureString', KeyId='alias/prod')
        self.put('/app/plain', 'two')
        done = self.sync(f'''
source: {{ region: {SOURCE}, role_arn: "{role('out', ACCOUNT)}" }}
destinations: [{{ region: us-east-1, keys: {{ "*": alias/aws/ssm }} }}]
''', '--json', status=4)
        self.assertEqual(self.values('us-east-1', OTHER_ACCOUNT), {'/app/plain': 'two'})
        (failed,) = [step for step in done.steps() if step['status'] == 'failed']
        self.assertIn('add to a policy of the caller: '
                      '{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}',
                      failed['reason'])

    def test_a_key_that_may_not_encrypt(self):
        kms = self.server.client('kms', 'us-east-1', OTHER_ACCOUNT)
        key = kms.create_key()['KeyMetadata']
        kms.create_alias(AliasName='alias/dr', TargetKeyId=key['KeyId'])
        self.make_role('in', allow(['ssm:*', 'tag:*', 'kms:DescribeKey']))
        self.key('alias/prod', SOURCE)
        self.put('/app/secret', 'one', Type='SecureString', KeyId='alias/prod')
        done = self.sync(f'''
source: {{ region: {SOURCE} }}
destinations:
  - {{ region: us-east-1, role_arn: "{role('in')}", keys: {{ "*": alias/dr }} }}
''', '--json', status=1)
        (failed,) = done.steps()
        statement = json.dumps(allow('kms:Encrypt', key['Arn']), separators=(',', ':'))
        self.assertIn(f'add to a policy of role in of account {OTHER_ACCOUNT}: {statement}',
                      failed['reason'])

    def test_r57_quotas_and_endpoints_of_a_side_are_used(self):
        """One write a second where the configuration says so; calls go where it says."""
        for number in range(4):
            self.put(f'/app/{number}', 'x')
        other = replication.Witness(self.server.url)
        self.addCleanup(other.close)
        done = self.sync(f'''
source: {{ region: {SOURCE} }}
destinations:
  - {{ region: us-east-1, quotas: {{ PutParameter: 1 }}, endpoint_url: "{other.url}" }}
''', '--json')
        # 3 s; less where the calls themselves take long. Without quotas of its own: nothing.
        self.assertGreaterEqual(done.summary['paced_ms'], 1000)
        self.assertEqual(len(other.writes()), 4)
        self.assertEqual({call.region for call in other.calls}, {'us-east-1'})
        self.assertEqual({call.region for call in self.witness.calls}, {SOURCE})

    def test_r11_credentials_that_expire_in_the_midst(self):
        self.addCleanup(self.server.clock, real=True)
        self.make_role('in')
        for number in range(12):
            self.put(f'/app/{number:02}', 'x')
        writes = []

        def expire(call):
            if call.operation == 'PutParameter':
                writes.append(call)
                if len(writes) in (4, 8):
                    self.server.clock(advance=20 * 60)

        self.witness.rules.append(expire)
        self.sync(f'''
source: {{ region: {SOURCE} }}
destinations:
  - {{ region: us-east-1, role_arn: "{role('in')}", duration_seconds: 900 }}
''', '--concurrency', '1')
        self.assertEqual(len(self.values('us-east-1', OTHER_ACCOUNT)), 12)
        self.assertEqual(len(self.assumed()), 3)
        # Two were refused for their age and sent again; none was written twice.
        self.assertEqual(len(writes), 14)


if __name__ == '__main__':
    unittest.main(verbosity=2)
