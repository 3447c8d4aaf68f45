#!/usr/bin/python3
"""understudy doctor: of a chain that works all is well, and each thing that is broken alone is
found, with what mends it (R36: nothing tells a change where no trail logs)."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

from deployed import ARTICLE, PATTERN, ROOT, SOURCE, Deployed, policy_of, start_trail

sys.path.insert(0, str(ROOT / 'tests' / 'conformance'))
import local_server  # noqa: E402
import packages  # noqa: E402
import roles  # noqa: E402
from local_server import ACCOUNT, CREDENTIALS, OTHER_ACCOUNT  # noqa: E402

COPY = 'us-east-1'
COPIES_ROLE = f'arn:aws:iam::{OTHER_ACCOUNT}:role/copies'
CODE = packages.zipped()  # none is run here
CONFIG = f'''
source: {{ region: {SOURCE} }}
destinations:
  - {{ region: {COPY}, keys: {{ alias/app: alias/app-dr }} }}
  - {{ region: eu-west-1, role_arn: "{COPIES_ROLE}" }}
parameters: {{ include: ["/prod/**"], deletes: owned, labels: true }}
'''


class Doctor(local_server.Conformance):
    """One chain, made anew for each test."""
    made = {}  # clients outlive a test: making one takes long, and a closed one opens again

    def aws(self, service, region=SOURCE, account=ACCOUNT):
        key = service, region, account
        if key not in self.made:
            self.made[key] = self.server.client(service, region, account)
        return self.made[key]

    def deploy(self, queue=False, **how):
        start_trail(self.aws)
        kms = self.aws('kms', COPY)
        self.key = kms.create_key()['KeyMetadata']['KeyId']
        kms.create_alias(AliasName='alias/app-dr', TargetKeyId=self.key)
        words = ['--account', ACCOUNT, '--function', 'understudy']
        words += ['--queue', 'understudy'] if queue else ['--dead-letter-queue',
                                                          'understudy-failed']
        function = Deployed(self.aws, {'UNDERSTUDY_CONFIG': CONFIG}, policy_of(CONFIG, *words),
                            queue=queue, dead_letters=not queue, code=CODE, **how)
        function.schedule({'understudy': 'reconcile'})
        there = policy_of(CONFIG, '--account', ACCOUNT, role='destination')['Statement']
        # Whoever runs the doctor takes the role, too, and may ask what it may do.
        roles.make(self.server, 'copies', *there, roles.allow(
            'iam:SimulatePrincipalPolicy', COPIES_ROLE), account=OTHER_ACCOUNT,
            trusts=roles.trust({'AWS': ACCOUNT}))
        return function

    def doctor(self, *words, config=CONFIG, status=0, keys=None, as_json=True):
        names = ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN')
        environment = {'PATH': os.environ['PATH'], 'HOME': '/nowhere', 'LC_ALL': 'C.UTF-8',
                       'AWS_EC2_METADATA_DISABLED': 'true',
                       **{name: value for name, value in os.environ.items() if 'SAN_' in name},
                       **dict(zip(names, keys or CREDENTIALS[ACCOUNT]))}
        with tempfile.NamedTemporaryFile('w', suffix='.yaml') as file:
            file.write(config)
            file.flush()
            done = subprocess.run(
                [os.environ.get('UNDERSTUDY', str(ROOT / 'build' / 'understudy')), 'doctor',
                 '--config', file.name, '--endpoint-url', self.server.url,
                 *(['--json'] if as_json else []), *words], env=environment, text=True,
                capture_output=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        if not as_json:
            return done.stdout
        *checks, self.summary = [json.loads(line) for line in done.stdout.splitlines()]
        return checks

    def finds(self, check, result, *words, status=None, also=0, **how):
        """Just this is not ok (and `also` others); it says these words and what to do."""
        status = int(result == 'failed') if status is None else status
        bad = [one for one in self.doctor(status=status, **how) if one['result'] != 'ok']
        found = [one for one in bad if (one['check'], one['result']) == (check, result)]
        self.assertEqual((len(found) > 0, len(bad)), (True, 1 + also), json.dumps(bad, indent=1))
        told = json.dumps(found)
        for word in words:
            self.assertIn(word, told)
        self.assertTrue(found[0]['next'])
        return found[0]

    # --- all is well ----------------------------------------------------------------------------
    def test_a_chain_that_works_is_well(self):
        self.deploy()
        checks = self.doctor()
        self.assertEqual([one for one in checks if one['result'] != 'ok'], [])
        self.assertEqual({one['check'] for one in checks}, {
            'identity', 'key', 'rule', 'function', 'dead letters', 'target', 'events', 'schedule',
            'trail', 'permissions'})
        self.assertEqual(self.summary, {'type': 'doctor', 'ok': len(checks), 'warning': 0,
                                        'failed': 0, 'not_looked_at': 0})
        text = self.doctor(as_json=False)
        self.assertIn(f'{len(checks)} ok, 0 warnings, 0 failed, 0 not looked at', text)

    def test_a_chain_with_a_queue_is_well(self):
        self.deploy(queue=True)
        checks = self.doctor()
        self.assertEqual([one for one in checks if one['result'] != 'ok'], [])
        self.assertIn('mapping', {one['check'] for one in checks})

    def test_nothing_is_written(self):
        """Nor could it be: what is denied to a reader is not asked for."""
        self.deploy(queue=True)
        reads = ['cloudtrail:Describe*', 'cloudtrail:Get*', 'events:List*', 'lambda:Get*',
                 'lambda:List*', 'sqs:GetQueue*', 'iam:SimulatePrincipalPolicy', 'kms:DescribeKey',
                 'sts:AssumeRole']
        reader = roles.assume(self.server, roles.make(self.server, 'reader', roles.allow(reads)))
        checks = self.doctor(keys=reader)
        self.assertEqual([one for one in checks if one['result'] != 'ok'], [])

    # --- what nothing tells ---------------------------------------------------------------------
    def test_r36_a_region_without_a_trail_that_logs_is_found(self):
        self.deploy()
        trails = self.aws('cloudtrail')
        trails.put_event_selectors(TrailName='management', EventSelectors=[
            {'ReadWriteType': 'ReadOnly', 'IncludeManagementEvents': True}])
        self.finds('trail', 'warning', 'tags and labels')
        trails.put_event_selectors(TrailName='management', EventSelectors=[
            {'ReadWriteType': 'All', 'IncludeManagementEvents': True}])
        self.doctor()
        trails.stop_logging(Name='management')
        self.finds('trail', 'warning', 'create-trail')
        trails.delete_trail(Name='management')
        self.finds('trail', 'warning')
        # The article's rule has events of calls alone: without a trail it tells of nothing.
        self.aws('events').put_rule(Name='understudy', EventPattern=json.dumps(ARTICLE))
        self.finds('trail', 'failed', 'no event of a call', also=1)

    def test_keys_are_told_of_by_events_of_their_own(self):
        self.deploy()
        both = CONFIG + 'kms_keys: { include: ["alias/app"] }\n'
        checks = self.doctor(config=both)
        (events,) = [one for one in checks if one['check'] == 'events']
        self.assertEqual(events['result'], 'warning')
        self.assertIn('ScheduleKeyDeletion', events['text'])
        self.assertNotIn('PutParameter', events['text'])
        self.aws('events').put_rule(Name='understudy', EventPattern=json.dumps(
            {'source': ['aws.ssm', 'aws.kms']}))
        (events,) = [one for one in self.doctor(config=both) if one['check'] == 'events']
        self.assertEqual(events['result'], 'ok', events)
        # Of a trail that leaves out KMS no key's call arrives.
        self.aws('cloudtrail').put_event_selectors(TrailName='management', EventSelectors=[
            {'ReadWriteType': 'All', 'IncludeManagementEvents': True,
             'ExcludeManagementEventSources': ['kms.amazonaws.com']}])
        (trail,) = [one for one in self.doctor(config=both) if one['check'] == 'trail']
        self.assertEqual(trail['result'], 'warning')
        (trail,) = [one for one in self.doctor() if one['check'] == 'trail']
        self.assertEqual(trail['result'], 'ok')

    def test_rules_that_let_nothing_or_not_all_through(self):
        self.deploy()
        events = self.aws('events')
        events.put_rule(Name='understudy', EventPattern=json.dumps(ARTICLE))
        self.finds('events', 'warning', 'Parameter Store Policy Action', 'AddTagsToResource')
        events.put_rule(Name='understudy', EventPattern=json.dumps(
            dict(PATTERN, detail={'requestParameters': {'name': [{'prefix': '/test/'}]}})))
        self.finds('events', 'failed', 'no change is told')
        events.put_rule(Name='understudy', EventPattern=json.dumps(PATTERN))
        events.disable_rule(Name='understudy')
        self.finds('rule', 'warning', 'is disabled', status=1, also=1)

    def test_targets_that_are_not_reached(self):
        function = self.deploy()
        functions, events = self.aws('lambda'), self.aws('events')
        functions.remove_permission(FunctionName='understudy', StatementId='rule')
        self.finds('target', 'failed', 'add-permission', also=1)
        functions.add_permission(FunctionName='understudy', StatementId='rule',
                                 Action='lambda:InvokeFunction', Principal='events.amazonaws.com',
                                 SourceArn=f'arn:aws:events:{SOURCE}:{ACCOUNT}:rule/other')
        self.finds('target', 'failed', 'may not call', also=1)
        events.remove_targets(Rule='understudy', Ids=['understudy'])
        self.finds('target', 'failed', 'has no target', also=1)
        events.put_targets(Rule='understudy', Targets=[
            {'Id': 'gone', 'Arn': function.arn.replace('understudy', 'another')}])
        self.finds('function', 'failed', 'another', also=1)

    def test_functions_that_do_not_run_or_lose_what_fails(self):
        function = self.deploy()
        functions = self.aws('lambda')
        functions.put_function_concurrency(FunctionName='understudy',
                                           ReservedConcurrentExecutions=0)
        self.finds('function', 'failed', 'switched off')
        functions.delete_function_concurrency(FunctionName='understudy')
        self.aws('sqs').send_message(QueueUrl=function.dead_url, MessageBody='an event')
        self.finds('dead letters', 'warning', '1 events')
        self.aws('sqs').delete_queue(QueueUrl=function.dead_url)
        self.finds('dead letters', 'failed')

    def test_queues_and_mappings(self):
        function = self.deploy(queue=True)
        sqs, functions = self.aws('sqs'), self.aws('lambda')
        arn = f'arn:aws:sqs:{SOURCE}:{ACCOUNT}:understudy'
        (mapping,) = functions.list_event_source_mappings(EventSourceArn=arn)['EventSourceMappings']
        had = sqs.get_queue_attributes(QueueUrl=function.queue_url,
                                       AttributeNames=['All'])['Attributes']

        def attribute(name, value):
            sqs.set_queue_attributes(QueueUrl=function.queue_url, Attributes={name: value})

        for name, value, found in (
                ('VisibilityTimeout', '60', ('queue', 'warning', 'six times')),
                ('RedrivePolicy', '', ('dead letters', 'warning', 'no dead-letter queue')),
                ('Policy', '', ('target', 'failed', 'may not send'))):
            attribute(name, value)
            self.finds(*found, also=int(name == 'Policy'))
            attribute(name, had[name])
        functions.update_event_source_mapping(UUID=mapping['UUID'], FunctionResponseTypes=[])
        self.finds('mapping', 'warning', 'ReportBatchItemFailures')
        functions.update_event_source_mapping(UUID=mapping['UUID'], Enabled=False)
        self.finds('mapping', 'failed', 'Disabled', also=1)
        functions.delete_event_source_mapping(UUID=mapping['UUID'])
        self.finds('mapping', 'warning', 'understudy watch', status=0, also=1)

    def test_without_a_schedule(self):
        self.deploy()
        self.aws('events').disable_rule(Name='understudy-schedule')
        self.finds('schedule', 'warning', 'is disabled')
        self.aws('events').remove_targets(Rule='understudy-schedule', Ids=['reconcile'])
        self.finds('schedule', 'warning', 'reconcile')

    # --- sides ----------------------------------------------------------------------------------
    def test_keys_that_cannot_be_used(self):
        self.deploy()
        kms = self.aws('kms', COPY)
        kms.disable_key(KeyId=self.key)
        self.finds('key', 'failed', 'Disabled', 'enable-key')
        kms.schedule_key_deletion(KeyId=self.key)
        self.finds('key', 'failed', 'PendingDeletion', 'cancel-key-deletion')
        kms.delete_alias(AliasName='alias/app-dr')
        found = [one for one in self.doctor(status=1) if one['check'] == 'key']
        self.assertEqual([one['result'] for one in found], ['failed'])

    def test_roles_that_cannot_be_taken_or_may_too_little(self):
        function = self.deploy()
        iam, there = self.aws('iam'), self.aws('iam', account=OTHER_ACCOUNT)
        role = function.role.rpartition('/')[2]
        whole = iam.get_role_policy(RoleName=role, PolicyName='replicate')['PolicyDocument']
        iam.put_role_policy(RoleName=role, PolicyName='less', PolicyDocument=roles.policy(
            roles.deny('ssm:PutParameter')))
        self.finds('permissions', 'failed', 'ssm:PutParameter', role)
        iam.delete_role_policy(RoleName=role, PolicyName='less')
        iam.put_role_policy(RoleName=role, PolicyName='replicate', PolicyDocument=json.dumps(dict(
            whole, Statement=[one for one in whole['Statement']
                              if 'kms:Encrypt' not in one['Action']])))
        self.finds('permissions', 'warning', 'kms:Encrypt')
        iam.put_role_policy(RoleName=role, PolicyName='replicate', PolicyDocument=json.dumps(whole))
        there.put_role_policy(RoleName='copies', PolicyName='inline', PolicyDocument=roles.policy(
            roles.allow('ssm:Get*')))
        self.finds('permissions', 'not_looked_at', COPIES_ROLE, 'SimulatePrincipalPolicy')
        there.update_assume_role_policy(RoleName='copies', PolicyDocument=roles.trust(
            {'Service': 'lambda.amazonaws.com'}))
        self.finds('identity', 'failed', 'trust policy', also=1)

    def test_what_may_not_be_looked_at_is_not_ok(self):
        self.deploy()
        blind = roles.assume(self.server, roles.make(self.server, 'blind', roles.allow(
            'sts:AssumeRole')))
        bad = [one for one in self.doctor(keys=blind) if one['result'] != 'ok']
        self.assertEqual({one['result'] for one in bad}, {'not_looked_at'})
        self.assertEqual({one['check'] for one in bad}, {'key', 'rule', 'trail', 'permissions'})
        self.assertTrue(all(one['next'] for one in bad))

    def test_refusals(self):
        self.doctor('more', status=2, as_json=False)
        self.doctor(config='source: {}', status=1, as_json=False)
        self.doctor('--config', '/nowhere.yaml', status=1, as_json=False)


if __name__ == '__main__':
    unittest.main(verbosity=2)
