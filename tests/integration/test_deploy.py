#!/usr/bin/python3
"""deploy/: the templates permit what the operation table says and nothing else, their roles carry
out a replication on the local AWS, their rules let through what the event table knows, and linters
have nothing to say where they are on the machine."""
import functools
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

import replication
from replication import SOURCE, Replication
from local_server import ACCOUNT, OTHER_ACCOUNT, LocalServer
import roles

ROOT = replication.ROOT
CLOUDFORMATION, TERRAFORM = ROOT / 'deploy' / 'cloudformation', ROOT / 'deploy' / 'terraform'
MODULES = (TERRAFORM, TERRAFORM / 'destination-role', TERRAFORM / 'kms-replication')
TARGET = 'us-east-1'
EVERYTHING = f'''
source: {{ region: {SOURCE}, account: "{ACCOUNT}" }}
destinations:
  - {{ region: {TARGET}, account: "{ACCOUNT}", keys: {{ "alias/app": alias/app }} }}
parameters: {{ include: ["/prod/app/**"], deletes: owned, labels: true, history: 3,
               delete_grace: "0", max_delete: "100%" }}
'''
PLAIN = f'''
source: {{ region: {SOURCE} }}
destinations: [{{ region: {TARGET} }}]
parameters: {{ include: ["/prod/app/**"] }}
'''


def as_list(value):
    return value if isinstance(value, list) else [value]


def printed(config, role):
    with tempfile.NamedTemporaryFile('w', suffix='.yaml') as file:
        file.write(config)
        file.flush()
        return json.loads(subprocess.run(
            [replication.program(), 'policy', '-c', file.name, '--role', role],
            capture_output=True, text=True, check=True).stdout)


def shape(statements):
    """What a policy permits, without names: {(action, service and type of the resource)}; a key's
    only through the service."""
    found = set()
    for statement in statements:
        kinds = {'*' if one == '*' else re.sub(r'arn:[^:]*:(\w+):[^:]*:[^:]*:(\w+)[/:].*', r'\1 \2',
                                              one) for one in as_list(statement['Resource'])}
        conditions = statement.get('Condition', {})
        keys = sorted({key for test in conditions.values() for key in test})
        for action in as_list(statement['Action']):
            narrow = tuple(key for key in keys if key.startswith('kms:')
                           and key != 'kms:ResourceAliases')
            found |= {(action, kind, narrow) for kind in kinds}
    return found


# --- CloudFormation -----------------------------------------------------------------------------

class Loader(yaml.SafeLoader):
    """Reads !Ref and the like as {"Ref": ...}; refuses what CloudFormation does not take."""

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            raise ValueError('an alias, which CloudFormation does not take')
        return super().compose_node(parent, index)


def construct(loader, suffix, node):
    name = suffix if suffix in ('Ref', 'Condition') else 'Fn::' + suffix
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return {name: value.split('.', 1) if suffix == 'GetAtt' else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor('!', construct)
NOTHING = object()


@functools.lru_cache(None)
def parsed(text):
    return yaml.load(text, Loader)


class Template:
    """A template with its parameters filled in: what becomes of its functions."""

    def __init__(self, name, **given):
        self.text = (CLOUDFORMATION / name).read_text()
        self.body = parsed(self.text)
        self.parameters = {key: given.get(key, one.get('Default'))
                           for key, one in self.body['Parameters'].items()}
        unknown = set(given) - set(self.parameters)
        if unknown or None in self.parameters.values():
            raise ValueError(f'unknown: {unknown}; {self.parameters}')
        for key, one in self.body['Parameters'].items():
            if 'AllowedPattern' in one and not re.fullmatch(one['AllowedPattern'],
                                                            self.parameters[key]):
                raise ValueError(f'{key} does not match its pattern')

    def ref(self, name):
        pseudo = {'AWS::Partition': 'aws', 'AWS::Region': SOURCE, 'AWS::AccountId': ACCOUNT,
                  'AWS::URLSuffix': 'amazonaws.com', 'AWS::NoValue': NOTHING}
        if name in pseudo:
            return pseudo[name]
        if name in self.parameters:
            value = self.parameters[name]
            if self.body['Parameters'][name]['Type'] == 'CommaDelimitedList':
                return str(value).split(',')
            return value
        return f'ref:{self.body["Resources"][name] and name}'

    def holds(self, condition):
        return self.value(self.body['Conditions'][condition])

    def attribute(self, name, attribute):
        if name not in self.body['Resources']:
            raise KeyError(name)
        return f'arn:aws:x:{SOURCE}:{ACCOUNT}:{name}/{attribute}'

    def value(self, node):
        if isinstance(node, list):
            return [one for one in map(self.value, node) if one is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), = node.items()
            if name == 'Ref':
                return self.ref(argument)
            if name == 'Condition' and isinstance(argument, str):
                return self.holds(argument)
            if name == 'Fn::If':
                return self.value(argument[1 if self.holds(argument[0]) else 2])
            if name == 'Fn::Sub':
                return re.sub(r'\$\{([^}]+)\}', lambda match: str(self.ref(match[1])), argument)
            if name == 'Fn::Join':
                return argument[0].join(self.value(argument[1]))
            if name == 'Fn::GetAtt':
                return self.attribute(*argument)
            if name in ('Fn::Equals', 'Fn::Not', 'Fn::And', 'Fn::Or'):
                values = [self.value(one) for one in argument]
                return {'Fn::Equals': lambda: values[0] == values[1],
                        'Fn::Not': lambda: not values[0],
                        'Fn::And': lambda: all(values), 'Fn::Or': lambda: any(values)}[name]()
            if name.startswith('Fn::'):
                raise ValueError(f'{name} is new here')
        found = {key: self.value(one) for key, one in node.items()}
        return {key: one for key, one in found.items() if one is not NOTHING}

    def resources(self):
        return {name: self.value({key: one for key, one in resource.items() if key != 'Condition'})
                for name, resource in self.body['Resources'].items()
                if 'Condition' not in resource or self.holds(resource['Condition'])}

    def statements(self, name):
        found = self.resources().get(name)
        return found['Properties']['PolicyDocument']['Statement'] if found else []


FUNCTION = {'CodeBucket': 'packages', 'ParameterPath': '/prod/app', 'DestinationRegions': TARGET}
ROLE = {'TrustedRoleArn': f'arn:aws:iam::{ACCOUNT}:role/caller', 'ExternalId': 'agreed',
        'ParameterPath': '/prod/app', 'DestinationRegions': TARGET}
ALL_ON = {'Deletes': 'true', 'Labels': 'true', 'History': 'true',
          'DestinationKeyArns': f'arn:aws:kms:{TARGET}:{ACCOUNT}:key/one'}
KEY = f'arn:aws:kms:{SOURCE}:{ACCOUNT}:key/one'


class Permissions(unittest.TestCase):
    """Templates against `understudy policy`, whose rows are those of the operation table."""
    maxDiff = None

    def test_cloudformation_permits_what_is_called(self):
        for options, config in ((dict(ALL_ON, SourceKeyArns=KEY), EVERYTHING), ({}, PLAIN)):
            template = Template('understudy.yaml', **FUNCTION, **options)
            role = Template('destination-role.yaml', **ROLE, **{
                key: one for key, one in options.items() if key != 'SourceKeyArns'})
            for side, statements in (
                    ('source', template.statements('SourcePolicy')),
                    ('destination', template.statements('DestinationPolicy')),
                    ('destination', role.statements('DestinationPolicy'))):
                wanted = shape(one for one in printed(config, side)['Statement']
                               # without keys the template grants none, not even multi-Region ones
                               if options or not one['Sid'].startswith('Keys'))
                self.assertEqual(shape(statements), wanted, (side, options))

    def test_cloudformation_lets_others_write_or_decide(self):
        other = Template('understudy.yaml', **FUNCTION, **ALL_ON,
                         DestinationRoleArn=f'arn:aws:iam::{OTHER_ACCOUNT}:role/understudy')
        self.assertEqual(other.statements('DestinationPolicy'), [])
        run = {one['Sid']: one for one in other.resources()['Role']['Properties']['Policies'][0][
            'PolicyDocument']['Statement']}
        self.assertEqual(run['TakeRoles']['Resource'],
                         f'arn:aws:iam::{OTHER_ACCOUNT}:role/understudy')
        own = Template('understudy.yaml', **FUNCTION, PolicyArns='arn:aws:iam::1:policy/p')
        self.assertEqual(own.statements('SourcePolicy') + own.statements('DestinationPolicy'), [])
        self.assertEqual(own.resources()['Role']['Properties']['ManagedPolicyArns'],
                         ['arn:aws:iam::1:policy/p'])

    def test_what_the_function_itself_needs(self):
        config = PLAIN.replace('destinations: [{', 'destinations: [{ role_arn: '
                               f'"arn:aws:iam::{OTHER_ACCOUNT}:role/w", session_tags: {{ a: b }},')
        with tempfile.NamedTemporaryFile('w', suffix='.yaml') as file:
            file.write(config.replace(f'region: {SOURCE} }}', f'region: {SOURCE}, role_arn: '
                                      f'"arn:aws:iam::{ACCOUNT}:role/r", '
                                      'session_tags: { a: b } }'))
            file.flush()
            policy = json.loads(subprocess.run(
                [replication.program(), 'policy', '-c', file.name, '--role', 'function',
                 '--function', 'f', '--queue', 'q', '--dead-letter-queue', 'd',
                 '--config-parameter', '/c', '--canary', '/k'],
                capture_output=True, text=True, check=True).stdout)
        wanted = {one['Sid']: sorted(as_list(one['Action'])) for one in policy['Statement']}
        template = Template('understudy.yaml', **FUNCTION, ConfigurationParameter='/c',
                            CanaryParameter='/k',
                            DestinationRoleArn=f'arn:aws:iam::{OTHER_ACCOUNT}:role/w')
        (run,) = template.resources()['Role']['Properties']['Policies']
        self.assertEqual({one['Sid']: sorted(as_list(one['Action']))
                          for one in run['PolicyDocument']['Statement']}, wanted)
        for document in (policy, run['PolicyDocument']):
            (arn,) = (one['Resource'] for one in document['Statement'] if one['Sid'] == 'Canary')
            self.assertRegex(str(arn), rf':ssm:{SOURCE}:[^:]*:parameter/k\b')
        text = (TERRAFORM / 'iam.tf').read_text()
        for sid, actions in wanted.items():
            block = re.search(rf'sid +?= "{sid}"(.*?)resources', text, re.S)[1]
            self.assertEqual(sorted(re.findall(r'"(\w+:\w+)"', block)), actions)

    def test_terraform_permits_what_is_called(self):
        for path, roles_of in (('iam.tf', ('source', 'destination')),
                               ('destination-role/main.tf', ('destination',))):
            text = (TERRAFORM / path).read_text()
            for side in roles_of:
                block = re.search(rf'\ndata "aws_iam_policy_document" "{side}" {{\n(.*?)\n}}\n',
                                  text, re.S)[1]
                for part in re.findall(r'\bsid +=.*?(?=\bsid +=|\Z)', block, re.S):
                    sid = re.match(r'sid +=\s+"(\w+)"', part)[1]
                    found = set(re.findall(r'"((?:ssm|kms|tag):[A-Z]\w+)"', part)) - {
                        'kms:ViaService', 'kms:EncryptionContext'}
                    wanted = {action for one in printed(EVERYTHING, side)['Statement']
                              if one['Effect'] == 'Allow' and one['Sid'].startswith(sid)
                              for action in as_list(one['Action'])}
                    self.assertEqual(found, wanted, (path, side, sid))
                    self.assertEqual(sid == 'Keys', 'kms:ViaService' in part)
                    self.assertEqual(sid == 'Keys', 'kms:EncryptionContext:PARAMETER_ARN' in part)

    def test_stack_of_every_kind_refers_to_what_there_is(self):
        for options in ({}, dict(ALL_ON, SourceKeyArns=KEY), {'WatchKeys': 'true'},
                        {'CanaryParameter': '/prod/app/canary'},
                        {'Delivery': 'direct', 'WatchKeys': 'true'},
                        {'SubnetIds': 's-1', 'SecurityGroupIds': 'g-1', 'EncryptionKeyArn': KEY,
                         'AlarmTopicArn': 'arn:aws:sns:x:1:t', 'CodeVersion': 'v'}):
            found = Template('understudy.yaml', **FUNCTION, **options).resources()
            text = json.dumps(found)
            for name in re.findall(r'"ref:(\w+)"|:(\w+)/(?:Arn|QueueName)"', text):
                self.assertIn(name[0] or name[1], found, options)
            self.assertNotIn('${', text)


# --- on the local AWS -----------------------------------------------------------------------------

class Works(Replication):
    """Roles as the templates make them carry out the configuration that they are for."""

    def environment(self):
        key, secret, token = self.keys
        return {**super().environment(), 'AWS_ACCESS_KEY_ID': key, 'AWS_SECRET_ACCESS_KEY': secret,
                'AWS_SESSION_TOKEN': token, 'AWS_ENDPOINT_URL': self.witness.url}

    def make_key(self, region, account=ACCOUNT):
        kms = self.server.client('kms', region, account)
        arn = kms.create_key()['KeyMetadata']['Arn']
        kms.create_alias(AliasName='alias/app', TargetKeyId=arn)
        return arn

    def replicate(self, config):
        ssm = self.ssm()
        self.put('/prod/app/a', 'one', Tags=[{'Key': 'k', 'Value': 'v'}])
        self.put('/prod/app/b', 'two', Type='SecureString', KeyId='alias/app')
        self.put('/prod/app/c', 'x' * 5000, Type='SecureString', KeyId='alias/app', Tier='Advanced')
        self.put('/prod/app/gone', 'soon')
        ssm.label_parameter_version(Name='/prod/app/a', Labels=['live'])
        self.run_it('sync', flags=False, config=config)
        ssm.delete_parameter(Name='/prod/app/gone')
        ssm.remove_tags_from_resource(ResourceType='Parameter', ResourceId='/prod/app/a',
                                      TagKeys=['k'])
        ssm.unlabel_parameter_version(Name='/prod/app/a', ParameterVersion=1, Labels=['live'])
        self.run_it('sync', flags=False, config=config)
        self.run_it('verify', flags=False, config=config)

    def make(self, name, template, *policies, account=ACCOUNT, **how):
        made = roles.make(self.server, name, account=account, **how)
        documents = {policy: {'Statement': template.statements(policy)} for policy in policies}
        documents.update({one['PolicyName']: one['PolicyDocument'] for one in template.resources()[
            'Role']['Properties'].get('Policies', [])})
        iam = self.server.client('iam', account=account)
        for policy, document in documents.items():
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(
                {'Version': '2012-10-17', **document}))
        return made

    def test_one_account(self):
        keys = {region: self.make_key(region) for region in (SOURCE, TARGET)}
        template = Template('understudy.yaml', **FUNCTION, **dict(
            ALL_ON, SourceKeyArns=keys[SOURCE], DestinationKeyArns=keys[TARGET]))
        arn = self.make('function', template, 'SourcePolicy', 'DestinationPolicy')
        self.keys = roles.assume(self.server, arn)
        self.replicate(EVERYTHING)
        self.put('/other', 'secret')
        ssm = self.server.client('ssm', SOURCE, keys=self.keys)
        with self.assertRaises(ssm.exceptions.ClientError):
            ssm.get_parameters(Names=['/other'])
        for call in (lambda one: one.describe_parameters(),
                     lambda one: one.put_parameter(Name='/prod/app/a', Value='v', Type='String')):
            with self.assertRaises(ssm.exceptions.ClientError):
                call(self.server.client('ssm', 'eu-west-1', keys=self.keys))

    def test_another_account(self):
        here, there = self.make_key(SOURCE), self.make_key(TARGET, OTHER_ACCOUNT)
        name = f'arn:aws:iam::{OTHER_ACCOUNT}:role/understudy'
        template = Template('understudy.yaml', **FUNCTION, SourceKeyArns=here, Labels='true',
                            DestinationRoleArn=name)
        caller = self.make('caller', template, 'SourcePolicy')
        role = Template('destination-role.yaml', **ROLE, **dict(ALL_ON, DestinationKeyArns=there))
        role.ref = lambda name, ref=role.ref: \
            OTHER_ACCOUNT if name == 'AWS::AccountId' else ref(name)
        trust = role.resources()['Role']['Properties']['AssumeRolePolicyDocument']
        self.make('understudy', role, 'DestinationPolicy', account=OTHER_ACCOUNT,
                  trusts=json.dumps(trust))
        self.keys = roles.assume(self.server, caller)
        config = EVERYTHING.replace(f'region: {TARGET}, account: "{ACCOUNT}"',
                                    f'region: {TARGET}, role_arn: "{name}", external_id: agreed')
        self.replicate(config)
        done = self.run_it('plan', flags=False, config=config.replace('agreed', 'guessed'),
                           status=1)
        self.assertIn('external_id', done.out + done.err)


# --- rules ----------------------------------------------------------------------------------------

class Rules(unittest.TestCase):
    def setUp(self):
        rules = Template('understudy.yaml', **FUNCTION, WatchKeys='true').resources()
        self.pattern = rules['Changes']['Properties']['EventPattern']
        self.keys_pattern = rules['KeyChanges']['Properties']['EventPattern']

    def known(self, service):
        """(detail-type, event name) of what src/event makes hints of."""
        text = (ROOT / 'src' / 'event' / 'event_sources.c').read_text()
        words = dict(re.findall(r'#define (\w+) +"(.+)"', text))
        rows = re.findall(r'\{"(aws\.\w+)", (?:"([^"]+)"|(\w+)), (?:"(\w+)"|NULL), &', text)
        found = [(literal or words[macro], name) for source, literal, macro, name in rows
                 if source == service]
        self.assertGreater(len(found), 5)
        return found

    def test_both_ways_have_one_pattern(self):
        for name, pattern in (('', self.pattern), ('-keys', self.keys_pattern)):
            self.assertEqual(json.loads((TERRAFORM / f'pattern{name}.json').read_text()), pattern)

    def test_what_is_known_comes_through_and_nothing_else(self):
        with LocalServer() as server:
            events = server.client('events')

            def passes(pattern=self.pattern, source='aws.ssm', **event):
                return events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(
                    {'id': '1', 'account': ACCOUNT, 'time': '2026-03-01T09:15:27Z',
                     'region': SOURCE, 'resources': [], 'source': source, **event}))['Result']

            api = {'detail-type': 'AWS API Call via CloudTrail'}
            for kind, name in self.known('aws.ssm'):
                detail = {'eventSource': 'ssm.amazonaws.com', 'eventName': name} if name else {}
                self.assertTrue(passes(**{'detail-type': kind}, detail=detail), (kind, name))
                if name:  # a call that failed changed nothing
                    self.assertFalse(passes(**api, detail=dict(detail, errorCode='AccessDenied')))
            for kind, name in self.known('aws.kms'):
                detail = {'eventSource': 'kms.amazonaws.com', 'eventName': name} if name else {}
                of_keys = {'pattern': self.keys_pattern, 'source': 'aws.kms', 'detail-type': kind}
                self.assertTrue(passes(**of_keys, detail=detail), (kind, name))
                self.assertFalse(passes(**of_keys, detail=dict(detail, errorCode='x',
                                                               eventName='Decrypt')) and name)
            for name in ('GetParameter', 'SendCommand', 'PutComplianceItems'):
                self.assertFalse(passes(**api, detail={'eventSource': 'ssm.amazonaws.com',
                                                       'eventName': name}))
            self.assertFalse(passes(**{'detail-type': 'EC2 Command Status-change Notification'},
                                    detail={}))
            self.assertFalse(passes(source='mine', detail={},
                                    **{'detail-type': 'Parameter Store Change'}))
            server.close_clients()


# --- linters --------------------------------------------------------------------------------------

class Lint(unittest.TestCase):
    def test_cfn_lint(self):
        if not shutil.which('cfn-lint'):
            self.skipTest('cfn-lint is not on this machine')
        done = subprocess.run(['cfn-lint', *map(str, CLOUDFORMATION.glob('*.yaml'))],
                              capture_output=True, text=True)
        if done.returncode and 'not found' in done.stderr:
            self.skipTest('cfn-lint does not run here')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_terraform_fmt(self):
        if not shutil.which('terraform'):
            self.skipTest('terraform is not on this machine')
        done = subprocess.run(['terraform', 'fmt', '-check', '-diff', '-recursive', str(TERRAFORM)],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_parameters_are_documented_and_used(self):
        for path in CLOUDFORMATION.glob('*.yaml'):
            body = parsed(path.read_text())
            used = json.dumps([body['Resources'], body['Conditions'], body['Outputs'],
                               body.get('Rules')])
            groups = body['Metadata']['AWS::CloudFormation::Interface']['ParameterGroups']
            self.assertEqual(sorted(name for group in groups for name in group['Parameters']),
                             sorted(body['Parameters']))
            for name, one in body['Parameters'].items():
                self.assertGreater(len(one['Description']), 10, name)
                self.assertRegex(used, rf'"{name}"|\${{{name}}}', path.name)
            for name in body['Conditions']:
                self.assertIn(f'"{name}"', used.replace(f'"{name}": {{', ''), path.name)

    def test_terraform_names_what_there_is(self):
        for folder in MODULES:
            text = '\n'.join(path.read_text() for path in sorted(folder.glob('*.tf')))
            code = re.sub(r'^\s*(#|description +=).*$', '', text, flags=re.M)
            declared = re.findall(r'^variable "(\w+)" {\n  description = ".{10,}"\n  type ', text,
                                  re.M)
            self.assertEqual(len(declared), len(re.findall(r'^variable ', text, re.M)))
            self.assertEqual(set(re.findall(r'\bvar\.(\w+)', code)), set(declared))
            made = {'.'.join(pair) for pair in re.findall(r'^resource "(\w+)" "(\w+)"', text, re.M)}
            read = {'data.' + '.'.join(pair)
                    for pair in re.findall(r'^data "(\w+)" "(\w+)"', text, re.M)}
            named = set(re.findall(r'(?<![\w."])((?:data\.)?aws_\w+\.\w+)(?=[.\[\])])', code))
            self.assertEqual(named - made - read, set())
            locals_made = set(re.findall(r'^  (\w+) += ', code, re.M))
            self.assertLessEqual(set(re.findall(r'\blocal\.(\w+)', code)), locals_made)


if __name__ == '__main__':
    unittest.main()
