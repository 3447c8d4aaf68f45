#!/usr/bin/python3
"""understudy policy: roles that may do exactly what it prints carry out a configuration with all
options on; what is left out of them is missed and told, action by action."""
import base64
import copy
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import replication
from replication import SOURCE, Replication
from local_server import ACCOUNT, OTHER_ACCOUNT
import roles
import sdk_message

TARGET = 'us-east-1'
READER, WRITER = f'arn:aws:iam::{ACCOUNT}:role/reader', f'arn:aws:iam::{OTHER_ACCOUNT}:role/writer'
EVERYTHING = f'''
source: {{ region: {SOURCE}, role_arn: "{READER}" }}
destinations:
  - region: {TARGET}
    role_arn: "{WRITER}"
    external_id: agreed
    session_tags: {{ team: platform }}
    keys: {{ alias/app: alias/app-dr }}
replications:
  - name: with all that is optional
    parameters:
      include: ["/app/**"]
      exclude: ["/app/private/**"]
      rename: [{{ from: /app, to: /dr }}]
      labels: true
      history: 3
      deletes: owned
      delete_grace: "0"
      max_delete: "100%"
  - {{ name: plain, parameters: {{ include: [/words] }} }}
'''
LONG = 'x' * 5000  # only Advanced takes it


def as_list(value):
    return value if isinstance(value, list) else [value]


def actions(policy):
    return sorted({action for statement in policy['Statement'] if statement['Effect'] == 'Allow'
                   for action in as_list(statement["Action"])})


def without(policy, action):
    """The policy, and one action is gone from it."""
    policy = copy.deepcopy(policy)
    for statement in policy['Statement']:
        statement['Action'] = [one for one in as_list(statement['Action']) if one != action]
    policy['Statement'] = [one for one in policy['Statement'] if one['Action']]
    return policy


class Printed(unittest.TestCase):
    """What is printed; no server."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='understudy-policy-'))
        self.addCleanup(shutil.rmtree, self.folder)

    def run_it(self, config, *words, status=0):
        path = self.folder / 'understudy.yaml'
        path.write_text(config)
        done = subprocess.run([replication.program(), 'policy', '-c', str(path), *words],
                              capture_output=True, text=True, cwd=self.folder)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def policy(self, config, role, *words):
        return json.loads(self.run_it(config, '--role', role, *words))

    def statement(self, policy, sid):
        (found,) = [one for one in policy['Statement'] if one['Sid'] == sid]
        return found

    def test_nothing_that_is_not_configured(self):
        plain = (f'source: {{ region: {SOURCE} }}\ndestinations: [{{ region: {TARGET} }}]\n'
                 'parameters: { include: [/app/a], select: { types: [String] } }\n')
        self.assertEqual(actions(self.policy(plain, 'source')), [
            'ssm:DescribeParameters', 'ssm:GetParameters', 'ssm:ListTagsForResource',
            'tag:GetResources'])
        self.assertEqual(actions(self.policy(plain, 'destination')), [
            'ssm:AddTagsToResource', 'ssm:DescribeParameters', 'ssm:GetParameters',
            'ssm:ListTagsForResource', 'ssm:PutParameter', 'ssm:RemoveTagsFromResource',
            'tag:GetResources'])
        self.assertIn('ssm:DeleteParameters', actions(self.policy(plain, 'destination', '--undo')))
        # Who takes no role acts on both sides; and a function writes its log, and takes its queue.
        function = self.policy(plain, 'function', '--function', 'f', '--queue', 'q',
                               '--dead-letter-queue', 'd', '--config-parameter', '/conf',
                               '--account', ACCOUNT)
        self.assertLess(set(actions(self.policy(plain, 'destination'))), set(actions(function)))
        self.assertEqual(self.statement(function, 'Log')['Resource'],
                         f'arn:aws:logs:{SOURCE}:{ACCOUNT}:log-group:/aws/lambda/f:*')
        self.assertEqual(self.statement(function, 'Queue')['Resource'],
                         f'arn:aws:sqs:{SOURCE}:{ACCOUNT}:q')
        self.assertEqual(self.statement(function, 'DeadLetters')['Action'], 'sqs:SendMessage')
        self.assertEqual(self.statement(function, 'Configuration')['Resource'],
                         f'arn:aws:ssm:{SOURCE}:{ACCOUNT}:parameter/conf')

    def test_names_keys_and_places(self):
        config = '''
source: { region: cn-north-1, account: "111111111111" }
destinations:
  - region: cn-northwest-1
    keys: { "*": 12345678-1234-1234-1234-123456789012 }
parameters:
  include: ["/prod/*/url", "root", "/prod/app/**"]
  exclude: ["/prod/app/tmp/**", "/prod/app/*/x", "/prod/app/one"]
  rename: [{ from: /prod/app, to: /dr }]
  tier: advanced
'''
        source = self.policy(config, 'source')
        here = 'arn:aws-cn:ssm:cn-north-1:111111111111:parameter/'
        self.assertEqual(self.statement(source, 'Read')['Resource'],
                         [here + 'prod/*/url', here + 'root', here + 'prod/app/*'])
        # IAM's star crosses levels: the middle pattern would deny what is meant.
        self.assertEqual(self.statement(source, 'Excluded')['Resource'],
                         [here + 'prod/app/tmp/*', here + 'prod/app/one'])
        self.assertEqual(self.statement(source, 'List')['Condition'],
                         {'StringEquals': {'aws:RequestedRegion': 'cn-north-1'}})
        keys = self.statement(source, 'Keys')
        self.assertEqual(keys['Resource'], 'arn:aws-cn:kms:cn-north-1:111111111111:key/*')
        self.assertEqual(keys['Condition']['StringEquals'],
                         {'kms:ViaService': 'ssm.cn-north-1.amazonaws.com.cn'})
        target = self.policy(config, 'destination')
        there = 'arn:aws-cn:ssm:cn-northwest-1:*:parameter/'
        self.assertEqual(self.statement(target, 'Write')['Resource'],
                         [there + 'dr/*', there + 'prod/*/url', there + 'root'])
        keys = self.statement(target, 'Keys')
        self.assertEqual(keys['Resource'], 'arn:aws-cn:kms:cn-northwest-1:*:key/'
                         '12345678-1234-1234-1234-123456789012')
        self.assertNotIn('kms:Encrypt', keys['Action'])  # Advanced is under data keys

    def test_roles_in_a_row_each_have_their_own(self):
        config = EVERYTHING.replace(f'role_arn: "{WRITER}"\n    external_id: agreed\n'
                                    '    session_tags: { team: platform }', f'''roles:
      - {{ role_arn: "arn:aws:iam::{ACCOUNT}:role/hop" }}
      - {{ role_arn: "{WRITER}" }}''')
        found = {one['role']: one for one in json.loads(self.run_it(config))['policies']}
        self.assertEqual(sorted(found), ['between', 'destination', 'function', 'source'])
        self.assertEqual(found['between']['policy']['Statement'], [
            {'Sid': 'TakeRoles', 'Effect': 'Allow', 'Action': 'sts:AssumeRole',
             'Resource': WRITER}])
        self.assertEqual(actions(found['function']['policy']), ['sts:AssumeRole'])

    def test_formats(self):
        text = self.run_it(EVERYTHING, '--format', 'cloudformation', '--function', 'f')
        template = json.loads(text)['Resources']
        self.assertEqual(sorted(template), ['DestinationPolicy', 'FunctionPolicy', 'SourcePolicy'])
        (log,) = [one for one in template['FunctionPolicy']['Properties']['PolicyDocument'][
            'Statement'] if one['Sid'] == 'Log']
        self.assertEqual(log['Resource'], {'Fn::Sub': f'arn:aws:logs:{SOURCE}:${{AWS::AccountId}}:'
                                                      'log-group:/aws/lambda/f:*'})
        hcl = self.run_it(EVERYTHING, '--format', 'terraform', '--function', 'f')
        self.assertEqual(re.findall(r'data "(\w+)" "(\w+)"', hcl), [
            ('aws_iam_policy_document', 'function'), ('aws_iam_policy_document', 'source'),
            ('aws_iam_policy_document', 'destination'), ('aws_caller_identity', 'current')])
        if shutil.which('terraform'):
            done = subprocess.run(['terraform', 'fmt', '-check', '-diff', '-'], input=hcl,
                                  capture_output=True, text=True,
                                  env={**os.environ, 'CHECKPOINT_DISABLE': '1'})
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_refusals(self):
        self.assertIn("--format 'xml'", self.run_it(EVERYTHING, '--format', 'xml', status=2))
        self.assertIn("--role 'king'", self.run_it(EVERYTHING, '--role', 'king', status=2))
        self.assertIn('twelve digits', self.run_it(EVERYTHING, '--account', '12', status=1))
        many = EVERYTHING.replace('/words', ', '.join(f'/app/{i}/**' for i in range(200)))
        done = subprocess.run([replication.program(), 'policy', '-c', '/dev/stdin'], input=many,
                              capture_output=True, text=True)
        self.assertIn('IAM takes 6144', done.stderr)


class Enough(Replication):
    """On the local AWS, which asks these policies at each call."""

    def setUp(self):
        super().setUp()
        path = self.folder / 'understudy.yaml'
        path.write_text(EVERYTHING)
        printed = json.loads(subprocess.run(
            [replication.program(), 'policy', '-c', str(path), '--account', ACCOUNT],
            capture_output=True, text=True, check=True).stdout)['policies']
        self.policies = {one['role']: one['policy'] for one in printed}
        caller = roles.make(self.server, 'caller')
        roles.make(self.server, 'reader', trusts=roles.trust({'AWS': caller}))
        roles.make(self.server, 'writer', account=OTHER_ACCOUNT, trusts=roles.trust(
            {'AWS': caller}, ['sts:AssumeRole', 'sts:TagSession'],
            Condition={'StringEquals': {'sts:ExternalId': 'agreed'}}))
        self.iam = {account: self.server.client('iam', account=account)
                    for account in (ACCOUNT, OTHER_ACCOUNT)}
        for role in self.policies:
            self.give(role)
        self.keys = roles.assume(self.server, caller)
        self.key('alias/app', SOURCE)
        kms = self.server.client('kms', TARGET, OTHER_ACCOUNT)
        self.copies_key = kms.create_key()['KeyMetadata']['KeyId']
        kms.create_alias(AliasName='alias/app-dr', TargetKeyId=self.copies_key)
        self.copies = self.server.client('ssm', TARGET, OTHER_ACCOUNT)

    def give(self, role, policy=None):
        name, account = {'function': ('caller', ACCOUNT), 'source': ('reader', ACCOUNT),
                         'destination': ('writer', OTHER_ACCOUNT)}[role]
        self.iam[account].put_role_policy(RoleName=name, PolicyName='printed', PolicyDocument=(
            json.dumps(policy or self.policies[role])))

    def environment(self):
        key, secret, token = self.keys
        return {**super().environment(), 'AWS_ACCESS_KEY_ID': key, 'AWS_SECRET_ACCESS_KEY': secret,
                'AWS_SESSION_TOKEN': token, 'AWS_ENDPOINT_URL': self.witness.url}

    def go(self, command='sync', status=0):
        return self.run_it(command, flags=False, config=EVERYTHING, status=status)

    def change(self, number):
        """A change for each thing that a run can have to do."""
        ssm = self.ssm(SOURCE)
        for name, more in (('plain', {}), ('small', {'Type': 'SecureString', 'KeyId': 'alias/app'}),
                           ('large', {'Type': 'SecureString', 'KeyId': 'alias/app',
                                      'Tier': 'Advanced'})):
            self.put(f'/app/{name}', f'{number}' + LONG * (name == 'large'), Overwrite=True, **more)
        version = self.put('/app/labelled', str(number), Overwrite=True)
        ssm.label_parameter_version(Name='/app/labelled', Labels=['live', f'at{number}'])
        if number:
            ssm.unlabel_parameter_version(Name='/app/labelled', ParameterVersion=version - 1,
                                          Labels=[f'at{number - 1}'])
            # The same key in other words: only its aliases tell.
            self.copies.put_parameter(Name='/words', Value='v', Type='SecureString',
                                      KeyId=self.copies_key, Overwrite=True)
            ssm.delete_parameters(Names=[f'/app/goes{number - 1}'])
            ssm.remove_tags_from_resource(ResourceType='Parameter', ResourceId='/app/plain',
                                          TagKeys=[f'tag{number - 1}'])
        ssm.add_tags_to_resource(ResourceType='Parameter', ResourceId='/app/plain',
                                 Tags=[{'Key': f'tag{number}', 'Value': 'x'}])
        self.put(f'/app/goes{number}', 'soon', Tags=[{'Key': 'a', 'Value': 'b'}])

    def test_exactly_this_is_enough_and_each_action_is_needed(self):
        self.change(0)
        source_key = self.server.client('kms', SOURCE).describe_key(KeyId='alias/app')
        self.put('/words', 'v', Type='SecureString', KeyId=source_key['KeyMetadata']['KeyId'])
        self.put('/app/private/key', 'not to be read')
        self.put('/other', 'nor this')
        self.go()
        names = sorted(row['Name'] for row in self.copies.describe_parameters()['Parameters'])
        self.assertEqual(names, ['/dr/goes0', '/dr/labelled', '/dr/large', '/dr/plain',
                                 '/dr/small', '/words'])
        self.go('plan')
        self.change(1)
        self.go()
        self.go('verify')

        number = 1
        for role, policy in self.policies.items():
            for action in actions(policy):
                # Only of a key that is there: a multi-Region key never is in another account.
                if action == 'kms:DescribeKey':
                    continue
                with self.subTest(role=role, action=action):
                    number += 1
                    self.change(number)
                    self.give(role, without(policy, action))
                    done = self.go(status=None)
                    said = done.out + done.err
                    # A key that has two names and cannot be looked up is written again.
                    self.assertTrue(done.status != 0 or action in said or '~ /words' in said, said)
                    self.give(role)
        self.go()
        self.go('verify')
        called = {call.operation for call in self.witness.calls}
        named = {action.split(':')[1] for policy in self.policies.values()
                 for action in actions(policy) if not action.startswith('kms:')}
        # Nobody needs leave to ask who they are; tags of a session come with AssumeRole.
        self.assertEqual(called - {'GetCallerIdentity', 'ListAliases'}, named - {'TagSession'})

    def test_what_is_excluded_or_elsewhere_cannot_be_read(self):
        self.put('/app/private/key', 'secret')
        self.put('/other', 'secret')
        keys = roles.assume(self.server, READER, by=self.keys)
        ssm = self.server.client('ssm', SOURCE, keys=keys)
        for name in ('/app/private/key', '/other'):
            with self.assertRaises(ssm.exceptions.ClientError) as refused:
                ssm.get_parameters(Names=[name])
            self.assertEqual(refused.exception.response['Error']['Code'], 'AccessDeniedException')
        for region in ('us-west-2', TARGET):
            with self.assertRaises(ssm.exceptions.ClientError):
                self.server.client('ssm', region, keys=keys).describe_parameters()
        self.put('/app/small', 'v', Type='SecureString', KeyId='alias/app')
        kms = self.server.client('kms', SOURCE, keys=keys)
        with self.assertRaises(kms.exceptions.ClientError):  # only through Parameter Store
            kms.encrypt(KeyId='alias/app', Plaintext=b'x')

    KEYS = f'''
source: {{ region: {SOURCE} }}
destinations: [{{ region: {TARGET}, role_arn: "arn:aws:iam::{ACCOUNT}:role/keeper" }}]
kms_keys:
  include: ["alias/app-*", "alias/one"]
  aliases: exact
  grants: copy
  counterparts: [alias/one]
  create_counterparts: true
  deletes: owned
  delete_grace: "0"
  max_delete: "100%"
'''

    @staticmethod
    def grant(kms, key, name):
        return kms.create_grant(KeyId=key, Name=name, Operations=['Decrypt'],
                                GranteePrincipal=f'arn:aws:iam::{ACCOUNT}:root', Constraints={
                                    'EncryptionContextEquals': {'name': name}})['GrantId']

    def keys_change(self, kms, key, number):
        """Something for each action that a kept key can need."""
        kms.tag_resource(KeyId=key, Tags=[{'TagKey': f't{number}', 'TagValue': 'v'}])
        kms.untag_resource(KeyId=key, TagKeys=[f'old{number}'])
        kms.update_key_description(KeyId=key, Description=f'now {number}')
        kms.create_alias(AliasName=f'alias/app{number}', TargetKeyId=key)
        kms.delete_alias(AliasName=f'alias/app-old{number}')
        self.grant(kms, key, f'new{number}')
        kms.revoke_grant(KeyId=key, GrantId=self.old_grants[number])
        self.server.raw('kms', 'EnableKeyRotation', {
            'KeyId': self.single, 'RotationPeriodInDays': 90 + number}, region=SOURCE)
        kms.put_key_policy(KeyId=key, PolicyName='default', Policy=roles.policy(
            {'Effect': 'Allow', 'Principal': {'AWS': ACCOUNT}, 'Action': 'kms:*', 'Resource': '*'},
            {'Effect': 'Deny', 'Principal': {'AWS': ACCOUNT}, 'Action': f'kms:X{number}',
             'Resource': '*'}))

    def test_keys(self):
        path = self.folder / 'understudy.yaml'
        path.write_text(self.KEYS)
        printed = {one['role']: one['policy'] for one in json.loads(subprocess.run(
            [replication.program(), 'policy', '-c', str(path), '--account', ACCOUNT],
            capture_output=True, text=True, check=True).stdout)['policies']}
        self.assertEqual(sorted(printed), ['destination', 'function'])
        kms = self.server.client('kms', SOURCE)
        key = kms.create_key(MultiRegion=True)['KeyMetadata']['KeyId']
        self.single = kms.create_key()['KeyMetadata']['KeyId']
        kms.create_alias(AliasName='alias/one', TargetKeyId=self.single)
        caller = roles.make(self.server, 'keys')
        roles.make(self.server, 'keeper')
        iam = self.iam[ACCOUNT]

        def give(role, policy):
            iam.put_role_policy(RoleName={'function': 'keys', 'destination': 'keeper'}[role],
                                PolicyName='printed', PolicyDocument=json.dumps(policy))

        for role, policy in printed.items():
            give(role, policy)
        self.keys = roles.assume(self.server, caller)
        kms.create_alias(AliasName='alias/app-kept', TargetKeyId=key)
        self.old_grants = [self.grant(kms, key, f'old{number}') for number in range(24)]
        for number in range(24):
            kms.create_alias(AliasName=f'alias/app-old{number}', TargetKeyId=key)
            kms.tag_resource(KeyId=key, Tags=[{'TagKey': f'old{number}', 'TagValue': 'v'}])

        def sync(status=0):
            return self.run_it('sync', flags=False, config=self.KEYS, status=status)

        sync()
        copies = self.server.client('kms', TARGET)
        self.assertEqual(copies.describe_key(KeyId='alias/app-kept')['KeyMetadata']['KeyId'],
                         key)
        self.assertNotEqual(copies.describe_key(KeyId='alias/one')['KeyMetadata']['KeyId'], key)
        number = 0
        for role, policy in printed.items():
            for action in actions(policy):
                if action in self.AT_THE_END:
                    continue
                with self.subTest(role=role, action=action):
                    self.keys_change(kms, key, number)
                    number += 1
                    give(role, without(policy, action))
                    done = sync(None)
                    said = done.out + done.err
                    self.assertTrue(done.status != 0 or action in said, said)
                    give(role, policy)

        def another(name, **how):
            made = kms.create_key(**how)['KeyMetadata']['KeyId']
            kms.create_alias(AliasName=name, TargetKeyId=made)

        sync()
        for action, change in (
                ('kms:DisableKey', lambda: kms.disable_key(KeyId=key)),
                ('kms:EnableKey', lambda: kms.enable_key(KeyId=key)),
                ('kms:ReplicateKey', lambda: another('alias/app-more', MultiRegion=True)),
                ('kms:CreateKey', lambda: another('alias/app-yet', MultiRegion=True))):
            with self.subTest(action=action):
                change()
                give('destination', without(printed['destination'], action))
                sync(4)
                give('destination', printed['destination'])
                sync()
        self.run_it('verify', flags=False, config=self.KEYS)

    # Others are for keys that come back, for aliases that move, for counterparts that are made
    # anew or not rotated any more.
    AT_THE_END = ('kms:CreateKey', 'kms:ReplicateKey', 'kms:EnableKey', 'kms:DisableKey',
                  'kms:CancelKeyDeletion', 'kms:ScheduleKeyDeletion', 'kms:UpdateAlias',
                  'kms:DisableKeyRotation', 'tag:GetResources')



class Commands(Replication):
    """promote, failback and reencrypt, by roles that may do what is printed for them."""
    ROLES = {'source': 'here', 'destination': 'there'}
    CONFIG = f'''
source: {{ region: {SOURCE}, role_arn: "arn:aws:iam::{ACCOUNT}:role/here" }}
destinations:
  - {{ region: {TARGET}, role_arn: "arn:aws:iam::{ACCOUNT}:role/there" }}
kms_keys: {{ include: ["alias/app-*"] }}
'''

    def setUp(self):
        super().setUp()
        self.config = self.folder / 'sides.yaml'
        self.config.write_text(self.CONFIG)
        caller = roles.make(self.server, 'caller', roles.allow('sts:AssumeRole'))
        for name in self.ROLES.values():
            roles.make(self.server, name, trusts=roles.trust({'AWS': caller}))
        self.keys = roles.assume(self.server, caller)
        self.kms = {region: self.server.client('kms', region) for region in (SOURCE, TARGET)}

    def environment(self):
        key, secret, token = self.keys
        return {**super().environment(), 'AWS_ACCESS_KEY_ID': key, 'AWS_SECRET_ACCESS_KEY': secret,
                'AWS_SESSION_TOKEN': token, 'AWS_ENDPOINT_URL': self.witness.url}

    def printed(self, *words):
        """Given to the roles, and returned."""
        done = subprocess.run([replication.program(), 'policy', '-c', str(self.config), '--account',
                               ACCOUNT, *words], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = {one['role']: one['policy'] for one in json.loads(done.stdout)['policies']}
        for role in self.ROLES:
            self.give(role, found[role])
        return {role: found[role] for role in self.ROLES}

    def give(self, role, policy):
        if not policy['Statement']:  # IAM takes none that says nothing
            policy = {**policy, 'Statement': [roles.allow('iam:GetUser')]}
        self.server.client('iam').put_role_policy(RoleName=self.ROLES[role], PolicyName='printed',
                                                  PolicyDocument=json.dumps(policy))

    def command(self, *words, text=b''):
        done = subprocess.run([replication.program(), *words, '-c', str(self.config)], input=text,
                              env=self.environment(), cwd=self.folder, capture_output=True,
                              timeout=60)
        return done.returncode, done.stdout, done.stderr.decode()

    def each_without(self, policies):
        """With one action after another taken away, and given back behind."""
        for role, policy in policies.items():
            for action in actions(policy):
                self.give(role, without(policy, action))
                yield role, action
                self.give(role, policy)

    def pass_time(self):
        self.witness.rules.append(lambda call: self.server.clock(advance=30) and None
                                  if call.operation == 'DescribeKey' else None)

    def test_promote_and_failback(self):
        key = self.kms[SOURCE].create_key(MultiRegion=True)['KeyMetadata']['KeyId']
        self.kms[SOURCE].replicate_key(KeyId=key, ReplicaRegion=TARGET)
        for kms in self.kms.values():
            kms.create_alias(AliasName='alias/app-main', TargetKeyId=key)
        self.server.clock(advance=60)
        policies = self.printed('--for', 'promote')
        self.assertEqual(self.printed('--for', 'failback'), policies)
        self.pass_time()
        for command, said in (('promote', b'1 moved'), ('failback', b'1 moved')):
            status, out, err = self.command(command, '--keys', '--yes')
            self.assertEqual(status, 0, out.decode() + err)
            self.assertIn(said, out)
        for role, action in self.each_without(policies):
            # Keys are listed where their primaries are, and each side asks for its own move.
            back = role == 'destination' and action.split(':')[1] in (
                'ListKeys', 'ListAliases', 'ListResourceTags', 'UpdatePrimaryRegion')
            if back:
                self.give(role, policies[role])
                self.assertEqual(self.command('promote', '--keys', '--yes')[0], 0)
                self.give(role, without(policies[role], action))
            status, out, err = self.command('failback' if back else 'promote', '--keys', '--yes')
            self.assertTrue(status != 0 and action in out.decode() + err,
                            f'{role} {action}: {status} {out.decode()} {err}')
            if back:
                self.give(role, policies[role])
                self.assertEqual(self.command('failback', '--keys', '--yes')[0], 0)

    def message(self, key):
        signer = sdk_message.Signer(0x0578)
        context = {'a': 'b', sdk_message.PUBLIC_KEY: signer.point}
        made = self.kms[SOURCE].generate_data_key(KeyId=key, NumberOfBytes=32,
                                                  EncryptionContext=context)
        return sdk_message.make(0x0578, made['Plaintext'],
                                [(b'aws-kms', key.encode(), made['CiphertextBlob'])], context,
                                b'text', signer=signer)

    def test_reencrypt(self):
        here, there = (kms.create_key()['KeyMetadata']['Arn'] for kms in self.kms.values())
        self.kms[TARGET].create_alias(AliasName='alias/app-dr', TargetKeyId=there)
        line = base64.b64encode(self.kms[SOURCE].encrypt(
            KeyId=here, Plaintext=b'x')['CiphertextBlob'])
        message = self.message(here)
        for key in ('alias/app-dr', there):
            policies = self.printed('--for', 'reencrypt', '--key', key, '--source-key', here)

            def moves():
                done = [self.command('reencrypt', '--key', key, text=line),
                        self.command('reencrypt', '--key', key, '--format', 'binary', text=message)]
                return max(one[0] for one in done), done[0][2] + done[1][2]
            self.assertEqual(moves()[0], 0, moves())
            for _, action in self.each_without(policies):
                status, err = moves()
                self.assertTrue(status != 0 and action in err, err)
        other = self.kms[SOURCE].create_key()['KeyMetadata']['KeyId']
        foreign = base64.b64encode(self.kms[SOURCE].encrypt(
            KeyId=other, Plaintext=b'x')['CiphertextBlob'])
        self.assertIn('kms:Decrypt', self.command('reencrypt', '--key', there, text=foreign)[2])

    def test_reencrypt_inside_kms(self):
        key = self.kms[SOURCE].create_key(MultiRegion=True)['KeyMetadata']['KeyId']
        self.kms[SOURCE].replicate_key(KeyId=key, ReplicaRegion=TARGET)
        self.server.clock(advance=60)
        there = self.kms[TARGET].create_key()['KeyMetadata']['KeyId']
        line = base64.b64encode(self.kms[SOURCE].encrypt(
            KeyId=key, Plaintext=b'x')['CiphertextBlob'])
        words = ('--key', there, '--source-key', key)
        policies = self.printed('--for', 'reencrypt', *words)
        self.assertEqual(self.command('reencrypt', *words, text=line)[0], 0)
        self.assertIn('ReEncrypt', {call.operation for call in self.witness.calls})
        for _, action in self.each_without(policies):
            if action.startswith('kms:ReEncrypt'):
                status, _, err = self.command('reencrypt', *words, text=line)
                self.assertTrue(status != 0 and action in err, err)

    def test_what_goes_together(self):
        for words in (['--for', 'reencrypt'], ['--key', 'x'], ['--for', 'sync'],
                      ['--for', 'promote', '--key', 'x'], ['--source-key', 'x']):
            done = subprocess.run([replication.program(), 'policy', '-c', str(self.config), *words],
                                  capture_output=True)
            self.assertEqual(done.returncode, 2, words)


if __name__ == '__main__':
    unittest.main()
