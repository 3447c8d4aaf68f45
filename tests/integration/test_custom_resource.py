"""The custom resource that replicates KMS keys: bootstrap, run as Lambda runs it, before a server
that plays CloudFormation and the local AWS."""
import collections
import json
import time
import unittest

import replication
from cloudformation import SECRET, Answers, Stack, Unanswered
from lambda_process import LambdaProcess
from replication import ACCOUNT, CREDENTIALS, Replication, SOURCE

HERE, ONE, TWO, THREE = SOURCE, 'us-east-1', 'eu-west-1', 'us-west-2'
MARK, REQUESTS = 'understudy:stack-resource', 'understudy:requests'
POLICY = {'Version': '2012-10-17', 'Statement': [
    {'Sid': 'root', 'Effect': 'Allow', 'Principal': {'AWS': f'arn:aws:iam::{ACCOUNT}:root'},
     'Action': 'kms:*', 'Resource': '*'},
    {'Sid': 'via', 'Effect': 'Deny', 'Principal': '*', 'Action': 'kms:Decrypt', 'Resource': '*',
     'Condition': {'StringEquals': {'kms:ViaService': f's3.{HERE}.amazonaws.com',
                                    'aws:PrincipalTag/x': 'y'}}}]}


class CustomResource(Replication):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.answers = Answers()

    @classmethod
    def tearDownClass(cls):
        cls.answers.close()
        super().tearDownClass()

    def setUp(self):
        super().setUp()
        self.kms = {region: self.server.client('kms', region)
                    for region in (HERE, ONE, TWO, THREE)}
        self.answers.rules.clear()
        self.answers.problems.clear()
        self.addCleanup(lambda: self.assertEqual(self.answers.problems, []))
        self.witness.rules.append(self.pass_time)
        self.process = None
        self.stack = self.make_stack()

    def pass_time(self, call):
        """A replica is Creating for a while: looks let it pass."""
        if call.operation == 'DescribeKey' and call.region != HERE and self.replicated():
            self.server.clock(advance=30)

    def refuse_replica(self, region):
        self.witness.rules.insert(0, lambda call: replication.error('LimitExceededException')
                                  if call.operation == 'ReplicateKey' and
                                  region.encode() in call.body else None)

    def replicated(self):
        return [call for call in self.witness.calls if call.operation == 'ReplicateKey']

    def make_stack(self, **how):
        return Stack(self.invoke, self.answers, **how)

    def start(self, **environment):
        key, secret = CREDENTIALS[ACCOUNT]
        self.process = LambdaProcess({
            'AWS_ACCESS_KEY_ID': key, 'AWS_SECRET_ACCESS_KEY': secret, 'AWS_MAX_ATTEMPTS': '2',
            'AWS_ENDPOINT_URL': self.witness.url, **environment}, self.folder)
        self.addCleanup(self.process.close)

    def invoke(self, request, seconds=60.0):
        """None, or the error type of an invocation that failed."""
        if not self.process:
            self.start()
        return self.process.invoke(request, seconds)[0]

    def make(self, **how):
        how.setdefault('Policy', json.dumps(POLICY))
        return self.kms[HERE].create_key(MultiRegion=True, **how)['KeyMetadata']

    def state(self, key, region):
        try:
            return self.kms[region].describe_key(KeyId=key)['KeyMetadata']['KeyState']
        except self.kms[region].exceptions.NotFoundException:
            return None

    def tags(self, key, region, ours=False):
        return {tag['TagKey']: tag['TagValue']
                for tag in self.kms[region].list_resource_tags(KeyId=key)['Tags']
                if tag['TagKey'].startswith('understudy:') == ours}

    def aliases(self, key, region):
        return [one['AliasName'] for one in self.kms[region].list_aliases(KeyId=key)['Aliases']]

    def policy(self, key, region):
        return json.loads(self.kms[region].get_key_policy(KeyId=key, PolicyName='default')[
            'Policy'])

    def succeeds(self, answer):
        self.assertEqual(answer['Status'], 'SUCCESS', answer)
        return answer

    def fails(self, answer, *words):
        self.assertEqual(answer['Status'], 'FAILED', answer)
        for word in words:
            self.assertIn(word, answer['Reason'])
        return answer

    # --- the published template -----------------------------------------------------------------
    def test_the_published_properties_work_unchanged(self):
        """KMSKeyID, ReplicationRegions and nothing else."""
        key = self.make(Description='of the app', Tags=[{'TagKey': 'team', 'TagValue': 'a'}])
        self.kms[HERE].create_alias(AliasName='alias/app', TargetKeyId=key['KeyId'])
        answer = self.succeeds(self.stack.create(
            {'KMSKeyID': key['KeyId'], 'ReplicationRegions': [ONE, TWO]}))
        for region in (ONE, TWO):
            self.assertEqual(self.state(key['KeyId'], region), 'Enabled')
        self.assertEqual(answer['PhysicalResourceId'], 'key-replica/' + key['KeyId'])
        self.succeeds(self.stack.delete())
        self.assertEqual(self.state(key['KeyId'], ONE), 'Enabled', 'kept unless told otherwise')

    # --- R37 to R46 -----------------------------------------------------------------------------
    def test_r37_a_setting_that_is_no_number_is_answered(self):
        key = self.make()
        for text in ('pLambdaFunctionEnvironmentVariablesMaxWorkers', '0', '65', '-1', '1e3'):
            self.start(MAX_WORKERS=text)
            stack = self.make_stack()
            self.fails(stack.create({'KMSKeyID': key['KeyId'], 'ReplicationRegions': [ONE]}),
                       'MAX_WORKERS must be a number from 1 to 64')
            self.assertEqual(stack.actions(), ['Create', 'Delete'], 'the rollback succeeds')
            self.assertEqual(stack.sent[1][1]['Status'], 'SUCCESS')
        self.assertEqual(self.witness.writes(), [])
        self.start(MAX_WORKERS='')
        self.fails(self.make_stack().create({'KMSKeyID': key['KeyId'], 'MaxWorkers': 'many',
                                             'ReplicationRegions': [ONE]}), 'MaxWorkers must be')
        self.succeeds(self.stack.create({'KMSKeyID': key['KeyId'], 'MaxWorkers': ' 1 ',
                                         'ReplicationRegions': [ONE, TWO]}))

    def test_r38_update_adds_and_removes_and_delete_deletes_when_told(self):
        key = self.make()['KeyId']
        want = {'KMSKeyID': key, 'OnRemove': 'ScheduleDeletion', 'PendingWindowInDays': 7}
        self.succeeds(self.stack.create({**want, 'ReplicationRegions': [ONE]}))
        self.succeeds(self.stack.update({**want, 'ReplicationRegions': [TWO]}))
        self.assertEqual((self.state(key, ONE), self.state(key, TWO)),
                         ('PendingDeletion', 'Enabled'))
        self.succeeds(self.stack.update({**want, 'ReplicationRegions': [ONE, TWO]}))
        self.assertEqual(self.state(key, ONE), 'Enabled', 'its deletion is cancelled')
        self.assertEqual(self.stack.actions(), ['Create', 'Update', 'Update'])
        self.succeeds(self.stack.delete())
        self.assertEqual((self.state(key, ONE), self.state(key, TWO), self.state(key, HERE)),
                         ('PendingDeletion', 'PendingDeletion', 'Enabled'))
        windows = {json.loads(call.body)['PendingWindowInDays'] for call in self.witness.calls
                   if call.operation == 'ScheduleKeyDeletion'}
        self.assertEqual(windows, {7})
        writes = len(self.witness.writes())
        self.succeeds(self.stack.delete())
        self.assertEqual(len(self.witness.writes()), writes, 'a second Delete has nothing to do')

    def test_r39_the_identity_comes_from_the_key(self):
        key, other = self.make()['KeyId'], self.make()['KeyId']
        want = {'OnRemove': 'ScheduleDeletion', 'ReplicationRegions': [ONE]}
        first = self.stack.create({'KMSKeyID': key, **want})
        self.start()  # another container, another log stream
        second = self.stack.update({'KMSKeyID': key, 'Nonce': '2', **want})
        self.assertEqual(first['PhysicalResourceId'], second['PhysicalResourceId'])
        self.assertEqual(self.stack.actions(), ['Create', 'Update'])
        third = self.stack.update({'KMSKeyID': other, **want})
        self.assertEqual(third['PhysicalResourceId'], 'key-replica/' + other)
        self.assertEqual(self.stack.actions()[2:], ['Update', 'Delete'], 'a replacement')
        self.assertEqual((self.state(key, ONE), self.state(other, ONE)),
                         ('PendingDeletion', 'Enabled'))

    def test_r39_a_delete_of_what_the_stack_did_not_make_deletes_nothing(self):
        key = self.make()['KeyId']
        self.kms[HERE].replicate_key(KeyId=key, ReplicaRegion=ONE, Policy=json.dumps(POLICY))
        self.server.clock(advance=60)
        want = {'KMSKeyID': key, 'OnRemove': 'ScheduleDeletion', 'ReplicationRegions': [ONE, TWO]}
        self.succeeds(self.stack.create(want))
        self.assertEqual(self.tags(key, ONE, ours=True), {})
        self.assertEqual(self.tags(key, TWO, ours=True)[MARK],
                         f'{self.stack.stack}/{self.stack.logical}@{TWO}/{key[-8:]}')
        answer = self.succeeds(self.stack.delete())
        self.assertIn(f'{ONE}: kept: this stack did not make it', answer['Reason'])
        self.assertEqual((self.state(key, ONE), self.state(key, TWO)),
                         ('Enabled', 'PendingDeletion'))
        # Ids of other functions, and of nothing: the log stream of the one before this.
        for identity in ('2026/11/22/[$LATEST]0123456789abcdef', 'nothing-made/x',
                         'key-replica/mrk-' + 32 * '0', 'key-replica/../../x', 'x'):
            self.succeeds(self.stack.delete(identity=identity))
        self.assertEqual(self.state(key, ONE), 'Enabled')
        self.assertEqual(self.state(key, HERE), 'Enabled')

    def test_r39_an_update_from_the_earlier_function_takes_over(self):
        """Its physical ids are log streams: the first Update of ours looks like a replacement, and
        the Delete of the old id that follows must not take anything."""
        key = self.make()['KeyId']
        self.kms[HERE].replicate_key(KeyId=key, ReplicaRegion=ONE)
        self.server.clock(advance=60)
        self.stack.identity = '2026/11/22/[$LATEST]0123456789abcdef'
        self.stack.properties = {'KMSKeyID': key, 'ReplicationRegions': [ONE]}
        self.succeeds(self.stack.update({'KMSKeyID': key, 'OnRemove': 'ScheduleDeletion',
                                         'ReplicationRegions': [ONE, TWO]}))
        self.assertEqual(self.stack.actions(), ['Update', 'Delete'])
        self.assertEqual((self.state(key, ONE), self.state(key, TWO)), ('Enabled', 'Enabled'))

    def test_r39_a_renamed_resource_keeps_its_replicas(self):
        key = self.make()['KeyId']
        want = {'KMSKeyID': key, 'OnRemove': 'ScheduleDeletion', 'ReplicationRegions': [ONE]}
        self.succeeds(self.stack.create(want))
        renamed = self.make_stack(logical='Renamed')
        renamed.stack = self.stack.stack
        self.succeeds(renamed.create(want))
        self.succeeds(self.stack.delete())
        self.assertEqual(self.state(key, ONE), 'Enabled')
        self.succeeds(renamed.delete())
        self.assertEqual(self.state(key, ONE), 'PendingDeletion')

    def test_no_delete_touches_what_the_stack_did_not_make(self):
        """Its mark taken off by hand; made the primary meanwhile; adopted; asked twice."""
        key = self.make()['KeyId']
        kms, removed = self.kms, {'OnRemove': 'ScheduleDeletion', 'KMSKeyID': key}
        kms[HERE].replicate_key(KeyId=key, ReplicaRegion=THREE)  # before the stack
        self.server.clock(advance=30)
        self.succeeds(self.stack.create({**removed, 'ReplicationRegions': [ONE, TWO, THREE]}))
        kms[TWO].untag_resource(KeyId=key, TagKeys=list(self.tags(key, TWO, ours=True)))
        kms[HERE].update_primary_region(KeyId=key, PrimaryRegion=ONE)
        self.server.clock(advance=30)
        self.assertEqual(self.state(key, ONE), 'Enabled')
        self.witness.calls.clear()
        identity = self.stack.identity
        self.succeeds(self.stack.delete())
        self.succeeds(self.stack.delete(identity, {**removed, 'ServiceToken': 'x',
                                                   'ReplicationRegions': [ONE, TWO, THREE, HERE]}))
        self.assertEqual([self.state(key, region) for region in (HERE, ONE, TWO, THREE)],
                         ['Enabled'] * 4)
        self.assertNotIn('ScheduleKeyDeletion', [call.operation for call in self.witness.calls])

    def test_a_mark_that_was_copied_with_other_tags_says_nothing(self):
        """Who makes a replica by hand may give it all tags of one that the stack made."""
        key, other = self.make()['KeyId'], self.make()['KeyId']
        want = {'OnRemove': 'ScheduleDeletion', 'ReplicationRegions': [ONE]}
        self.succeeds(self.stack.create({**want, 'KMSKeyID': key}))
        tags = self.kms[ONE].list_resource_tags(KeyId=key)['Tags']
        for copy, region in ((key, TWO), (other, ONE)):
            self.kms[HERE].replicate_key(KeyId=copy, ReplicaRegion=region, Tags=tags)
        self.server.clock(advance=30)
        self.succeeds(self.stack.update({**want, 'KMSKeyID': key, 'Nonce': '2'}))
        self.assertEqual(self.state(key, TWO), 'Enabled', 'no Region of the list, and not ours')
        self.succeeds(self.stack.update({**want, 'KMSKeyID': other}))  # and a Delete of the first
        self.assertEqual((self.state(key, ONE), self.state(key, TWO)),
                         ('PendingDeletion', 'Enabled'))
        self.succeeds(self.stack.delete())
        self.assertEqual(self.state(other, ONE), 'Enabled')

    def test_what_another_stack_made_is_brought_back_and_never_removed(self):
        key = self.make()['KeyId']
        want = {'OnRemove': 'ScheduleDeletion', 'KMSKeyID': key, 'ReplicationRegions': [ONE]}
        self.succeeds(self.stack.create(want))
        self.kms[ONE].schedule_key_deletion(KeyId=key, PendingWindowInDays=7)  # not by a stack
        other = self.make_stack(name='other')
        self.succeeds(other.create(want))
        self.assertEqual((self.state(key, ONE), self.tags(key, ONE, ours=True)), ('Enabled', {}))
        for stack in other, self.stack:
            self.succeeds(stack.delete())
            self.assertEqual(self.state(key, ONE), 'Enabled')

    def test_a_failed_update_and_its_rollback_leave_an_adopted_replica(self):
        key, other = self.make()['KeyId'], self.make()['KeyId']
        for one in key, other:
            self.kms[HERE].replicate_key(KeyId=one, ReplicaRegion=ONE)
        self.server.clock(advance=30)
        want = {'OnRemove': 'ScheduleDeletion', 'ReplicationRegions': [ONE]}
        self.succeeds(self.stack.create({**want, 'KMSKeyID': key}))
        self.refuse_replica(THREE)
        self.fails(self.stack.update({**want, 'KMSKeyID': other,
                                      'ReplicationRegions': [ONE, TWO, THREE]}), THREE)
        self.succeeds(self.stack.delete())
        for one in key, other:
            self.assertEqual((self.state(one, HERE), self.state(one, ONE)), ('Enabled',) * 2)
        self.assertIn(self.state(other, TWO), (None, 'PendingDeletion'), 'the stack made it')

    def test_r40_a_retried_create_goes_on_and_each_region_is_told(self):
        key = self.make()['KeyId']
        self.refuse_replica(TWO)
        request = self.stack.request('Create', ResourceProperties={
            'KMSKeyID': key, 'ReplicationRegions': [ONE, TWO, THREE]})
        answer = self.fails(self.stack.send(request), f'{TWO}: ', 'LimitExceededException',
                            f'{ONE}: created')
        self.assertEqual(answer['PhysicalResourceId'], 'key-replica-failed/' + key)
        self.witness.rules.pop(0)
        self.succeeds(self.stack.send(request))
        self.assertEqual([self.state(key, region) for region in (ONE, TWO, THREE)],
                         ['Enabled'] * 3)
        writes = len(self.witness.writes())
        self.succeeds(self.stack.send(request))
        self.assertEqual(len(self.witness.writes()), writes, 'equal means no write')

    def test_r40_a_create_that_failed_half_way_is_cleaned_up(self):
        key = self.make()['KeyId']
        self.kms[HERE].replicate_key(KeyId=key, ReplicaRegion=THREE)
        self.server.clock(advance=60)
        self.refuse_replica(TWO)
        self.fails(self.stack.create({'KMSKeyID': key, 'ReplicationRegions': [ONE, TWO, THREE]}))
        self.assertEqual([self.state(key, region) for region in (ONE, TWO, THREE)],
                         ['PendingDeletion', None, 'Enabled'])
        self.witness.rules.pop(0)
        again = self.make_stack(name='again')
        self.succeeds(again.create({'KMSKeyID': key, 'OnRemove': 'ScheduleDeletion',
                                    'ReplicationRegions': [ONE, TWO, THREE]}))
        self.assertEqual([self.state(key, region) for region in (ONE, TWO, THREE)],
                         ['Enabled'] * 3)
        self.succeeds(again.delete())
        self.assertEqual([self.state(key, region) for region in (ONE, TWO, THREE)],
                         ['Enabled', 'PendingDeletion', 'Enabled'], 'it made one of them')

    def test_r40_an_update_that_fails_goes_back(self):
        key, other = self.make()['KeyId'], self.make()['KeyId']
        want = {'OnRemove': 'ScheduleDeletion', 'KMSKeyID': key}
        self.succeeds(self.stack.create({**want, 'ReplicationRegions': [ONE]}))
        self.refuse_replica(THREE)
        self.fails(self.stack.update({**want, 'ReplicationRegions': [TWO, THREE]}))
        self.assertEqual(self.stack.actions(), ['Create', 'Update', 'Update'])
        self.assertEqual([self.state(key, region) for region in (ONE, TWO, THREE)],
                         ['Enabled', 'PendingDeletion', None])
        self.fails(self.stack.update({**want, 'KMSKeyID': other,
                                      'ReplicationRegions': [TWO, THREE]}))
        self.assertEqual([self.state(other, region) for region in (TWO, THREE)],
                         ['PendingDeletion', None])
        self.assertEqual(self.state(key, ONE), 'Enabled')
        self.assertEqual(self.stack.identity, 'key-replica/' + key)

    def test_r41_each_path_is_answered(self):
        key = self.make()['KeyId']
        for wrong, words in (({}, 'KMSKeyID is missing'), ({'KMSKeyID': key}, 'ReplicationRegions'),
                             ({'KMSKeyID': key, 'ReplicationRegions': []}, 'ReplicationRegions'),
                             ({'KMSKeyID': key, 'ReplicationRegions': [ONE], 'Polcy': '{}'},
                              "no property 'Polcy': is it Policy?"),
                             ({'KMSKeyID': key, 'ReplicationRegions': [ONE], 'Policy': '{'},
                              'Policy must be a key policy'),
                             ({'KMSKeyID': 'mrk-' + 32 * '0', 'ReplicationRegions': [ONE]},
                              'does not exist'),
                             ({'KMSKeyID': {'a': 'b'}, 'ReplicationRegions': [ONE]}, 'KMSKeyID'),
                             ({'KMSKeyID': key, 'ReplicationRegions': [ONE],
                               'PendingWindowInDays': 6}, 'from 7 to 30'),
                             ({'KMSKeyID': key, 'ReplicationRegions': [ONE], 'OnRemove': 'Dlete'},
                              'OnRemove must be')):
            stack = self.make_stack()
            self.fails(stack.create(wrong), words)
            self.assertEqual([answer['Status'] for _, answer in stack.sent],
                             ['FAILED', 'SUCCESS'], 'a rollback must not hang')
        for member in ('ResourceProperties', 'StackId', 'PhysicalResourceId', 'RequestType'):
            request = self.stack.request('Delete', PhysicalResourceId='x',
                                         ResourceProperties={'KMSKeyID': key})
            whole = dict(request)
            if member == 'RequestType':
                request['RequestType'] = 'Drop'
            else:
                del request[member]
            self.answers.expected[request['ResponseURL'][len(self.answers.url):]] = {
                **whole, 'StackId': request.get('StackId', '')}
            self.fails(self.stack.send(request), 'RequestType' if member == 'RequestType' else
                       'the request')
        self.assertEqual(self.witness.writes(), [])

    def test_r41_the_answer_comes_before_the_time_is_over(self):
        key = self.make()['KeyId']
        self.witness.rules.insert(0, lambda call: 'stall' if call.operation == 'ReplicateKey' and
                                  TWO.encode() in call.body else None)
        request = self.stack.request('Create', ResourceProperties={
            'KMSKeyID': key, 'ReplicationRegions': [ONE, TWO]})
        for seconds in (4, 16, 60):  # of which a tenth is for the answer: a busy machine needs more
            begun = time.monotonic()
            answer = self.stack.send(request, tries=1, seconds=seconds)
            took = time.monotonic() - begun
            if took < seconds:
                break
        self.fails(answer, TWO, 'time')
        self.assertLess(took, seconds)
        self.witness.rules.pop(0)
        self.succeeds(self.stack.send(request))
        self.assertEqual(self.state(key, TWO), 'Enabled')

    def test_r41_a_refused_answer_is_sent_again_and_never_shown(self):
        key = self.make()['KeyId']
        want = {'KMSKeyID': key, 'ReplicationRegions': [ONE]}
        left = [503, 'drop', 500]
        self.answers.rules.append(lambda put: left.pop(0) if left else None)
        self.succeeds(self.stack.create(want))
        self.assertEqual(left, [])
        left = [403] * 3  # the signature is no longer taken: the function fails and is tried again
        with self.assertRaises(Unanswered):
            self.stack.update({**want, 'Nonce': '1'})
        self.assertEqual(left, [])
        self.process.terminate()
        self.assertNotIn(SECRET, self.process.output())
        self.assertNotIn('X-Amz-Signature', self.process.output())
        self.assertNotIn(SECRET.encode(), b''.join(body for _, _, body in self.process.told))

    def test_r42_the_lockout_check_is_not_passed_by(self):
        key = self.make()['KeyId']
        self.succeeds(self.stack.create({'KMSKeyID': key, 'ReplicationRegions': [ONE]}))
        self.assertNotIn(b'BypassPolicyLockoutSafetyCheck', self.replicated()[0].body)
        deny = {'Version': '2012-10-17', 'Statement': [{
            'Effect': 'Allow', 'Principal': {'AWS': f'arn:aws:iam::{ACCOUNT}:root'},
            'Action': 'kms:Describe*', 'Resource': '*'}]}
        self.fails(self.make_stack().create({'KMSKeyID': self.make()['KeyId'], 'Policy': deny,
                                             'ReplicationRegions': [TWO]}),
                   'MalformedPolicyDocument')
        self.succeeds(self.make_stack().create({
            'KMSKeyID': self.make()['KeyId'], 'ReplicationRegions': [TWO],
            'BypassPolicyLockoutSafetyCheck': 'true'}))
        self.assertIn(b'BypassPolicyLockoutSafetyCheck', self.replicated()[-1].body)

    def test_r43_a_replica_is_what_its_primary_is(self):
        key = self.make(Description='of the app', Tags=[{'TagKey': 'team', 'TagValue': 'a'}])[
            'KeyId']
        self.kms[HERE].create_alias(AliasName='alias/app', TargetKeyId=key)
        want = {'KMSKeyID': key, 'ReplicationRegions': [ONE]}
        self.succeeds(self.stack.create(want))
        self.assertEqual(self.kms[ONE].describe_key(KeyId=key)['KeyMetadata']['Description'],
                         'of the app')
        self.assertEqual(self.tags(key, ONE), {'team': 'a'})
        self.assertEqual(self.aliases(key, ONE), ['alias/app'])
        found = self.policy(key, ONE)['Statement'][1]['Condition']['StringEquals']
        self.assertEqual(found['kms:ViaService'], f's3.{ONE}.amazonaws.com')
        # What changes at the primary follows with the next Update.
        changed = json.loads(json.dumps(POLICY))
        changed['Statement'][1]['Action'] = ['kms:Decrypt', 'kms:Encrypt']
        self.kms[HERE].put_key_policy(KeyId=key, PolicyName='default', Policy=json.dumps(changed))
        self.succeeds(self.stack.update({**want, 'Nonce': '2'}))
        self.assertEqual(len(self.policy(key, ONE)['Statement'][1]['Action']), 2)

    def test_r43_what_the_template_says_wins_for_each_region(self):
        key = self.make(Description='of the app')['KeyId']
        self.succeeds(self.stack.create({
            'KMSKeyID': key, 'ReplicationRegions': [ONE, TWO], 'Description': 'a replica',
            'Tags': [{'Key': 'team', 'Value': 'b'}], 'Aliases': 'alias/x, alias/y',
            'Policy': {'Version': '2012-10-17', 'Statement': [POLICY['Statement'][0]]},
            'RegionOverrides': {TWO: {'Description': 'the second', 'Aliases': ['alias/z'],
                                      'Tags': {'team': 'c', 'n': 1}}}}))
        one, two = (self.kms[region].describe_key(KeyId=key)['KeyMetadata']['Description']
                    for region in (ONE, TWO))
        self.assertEqual((one, two), ('a replica', 'the second'))
        self.assertEqual((self.tags(key, ONE), self.tags(key, TWO)),
                         ({'team': 'b'}, {'team': 'c', 'n': '1'}))
        self.assertEqual((self.aliases(key, ONE), self.aliases(key, TWO)),
                         (['alias/x', 'alias/y'], ['alias/z']))
        self.assertEqual(len(self.policy(key, ONE)['Statement']), 1)

    def test_r44_it_waits_until_they_work_and_tells_their_arns(self):
        key = self.make()['KeyId']
        looks = collections.Counter()

        def slowly(call):
            """The first look finds it Creating."""
            if call.operation == 'DescribeKey' and call.region != HERE and self.replicated():
                looks[call.region] += 1
                if looks[call.region] > 1:
                    self.server.clock(advance=1)
        self.witness.rules[:] = [slowly]
        data = self.succeeds(self.stack.create(
            {'KMSKeyID': key, 'ReplicationRegions': [TWO, ONE]}))['Data']
        arns = {region: f'arn:aws:kms:{region}:{ACCOUNT}:key/{key}' for region in (HERE, ONE, TWO)}
        self.assertEqual(data, {
            'KeyId': key, 'PrimaryArn': arns[HERE], 'PrimaryRegion': HERE,
            f'Arn.{ONE}': arns[ONE], f'Arn.{TWO}': arns[TWO], 'Regions': f'{TWO},{ONE}',
            'Arns': f'{arns[TWO]},{arns[ONE]}'})
        for region in (ONE, TWO):
            self.kms[region].encrypt(KeyId=key, Plaintext='works at once')

    def test_r45_what_cannot_be_is_said_before_anything_is_done(self):
        key, single = self.make(), self.kms[HERE].create_key()['KeyMetadata']
        elsewhere = key['Arn'].replace(HERE, ONE)
        foreign = key['Arn'].replace(ACCOUNT, '222222222222')
        for properties, words in (
                ({'KMSKeyID': single['Arn']}, ('single-Region key',)),
                ({'KMSKeyID': foreign}, ('of account 222222222222 and the stack of', 'within its')),
                ({'KMSKeyID': elsewhere}, (f'the key is in {ONE} and the stack in {HERE}',)),
                ({'KMSKeyID': key['KeyId'], 'ReplicationRegions': [ONE, HERE]},
                 (f'{HERE} is the key\'s own Region',)),
                ({'KMSKeyID': key['KeyId'], 'ReplicationRegions': [ONE, 'us-gov-west-1']},
                 ()),
                ({'KMSKeyID': key['KeyId'], 'ReplicationRegions': [ONE, 'Ireland']},
                 ("'Ireland' is no Region",))):
            answer = self.make_stack().create({'ReplicationRegions': [ONE], **properties})
            self.fails(answer, *words)
        self.witness.forget()
        self.witness.rules.append(lambda call: replication.error(
            'UnrecognizedClientException', 'The security token included in the request is invalid.')
            if call.region == TWO else None)
        self.fails(self.make_stack().create(
            {'KMSKeyID': key['KeyId'], 'ReplicationRegions': [ONE, TWO]}),
            f'{TWO}: the Region is not enabled for this account', f'{ONE}: not begun')
        self.assertEqual(self.witness.writes(), [])

    def test_r45_two_stacks_do_not_share_a_replica(self):
        key = self.make()['KeyId']
        want = {'KMSKeyID': key, 'ReplicationRegions': [ONE]}
        self.succeeds(self.stack.create(want))
        other = self.make_stack(name='other')
        self.fails(other.create(want), "another stack's resource", self.stack.stack)
        self.succeeds(self.stack.delete())
        self.assertEqual(self.tags(key, ONE, ours=True), {}, 'kept, and nobody\'s')
        self.succeeds(self.make_stack(name='third').create(want))

    def test_r46_lists_may_be_text_with_blanks(self):
        key = self.make()['KeyId']
        for regions in (f'{ONE} , {TWO}', [f' {ONE}', f'{TWO} '], [f'{ONE}, {TWO}'],
                        f' {ONE},{TWO},, {ONE}'):
            send = self.stack.update if self.stack.sent else self.stack.create
            answer = self.succeeds(send({'KMSKeyID': f' {key} ', 'ReplicationRegions': regions,
                                         'OnRemove': ''}))
            self.assertEqual(answer['Data']['Regions'], f'{ONE},{TWO}')
        self.assertEqual(len(self.replicated()), 2)

    # --- duplicates, late requests, size --------------------------------------------------------
    def test_a_request_that_comes_again_later_changes_nothing(self):
        key = self.make()['KeyId']
        want = {'KMSKeyID': key, 'OnRemove': 'ScheduleDeletion'}
        self.succeeds(self.stack.create({**want, 'ReplicationRegions': [ONE, TWO]}))
        self.succeeds(self.stack.update({**want, 'ReplicationRegions': [ONE]}))
        create, update = (request for request, _ in self.stack.sent)
        self.assertIn('left alone', self.succeeds(self.stack.send(create))['Reason'])
        self.assertEqual(self.state(key, TWO), 'PendingDeletion', 'not brought back')
        self.succeeds(self.stack.delete())
        delete = self.stack.sent[-1][0]
        self.succeeds(self.stack.create({**want, 'ReplicationRegions': [ONE]}))
        writes = len(self.witness.writes())
        for late in (delete, create, update):
            self.succeeds(self.stack.send(late))
        self.assertEqual((self.state(key, ONE), len(self.witness.writes())), ('Enabled', writes))

    def test_a_request_whose_answer_nobody_takes_any_more_does_nothing(self):
        key = self.make()['KeyId']
        request = self.stack.request('Create', ResourceProperties={
            'KMSKeyID': key, 'ReplicationRegions': [ONE]})
        target = self.answers.target(request['RequestId'], date='20200101T000000Z')
        self.answers.expected[target] = request
        request['ResponseURL'] = self.answers.url + target
        self.answers.rules.append(lambda put: 403)
        with self.assertRaises(Unanswered):
            self.stack.send(request, tries=1)
        self.assertEqual(self.witness.writes(), [])

    def test_a_create_that_was_never_answered_is_cleaned_up(self):
        """CloudFormation then deletes by an id of its own."""
        key = self.make()['KeyId']
        self.answers.rules.append(lambda put: 403)
        want = {'KMSKeyID': key, 'ReplicationRegions': [ONE]}
        with self.assertRaises(Unanswered):
            self.stack.create(want)
        self.answers.rules.clear()
        self.assertEqual(self.state(key, ONE), 'Enabled')
        self.succeeds(self.stack.delete('keys-Replica-1ABCDEFGHIJKL', want))
        self.assertEqual(self.state(key, ONE), 'PendingDeletion')

    def test_many_regions_side_by_side_within_the_size(self):
        key = self.make()['KeyId']
        regions = ['us-east-1', 'us-east-2', 'us-west-1', 'us-west-2', 'eu-west-1', 'eu-west-2',
                   'eu-west-3', 'eu-central-1', 'eu-north-1', 'sa-east-1', 'ca-central-1',
                   'ap-northeast-1', 'ap-northeast-2', 'ap-southeast-1', 'ap-southeast-2']
        begun, note = [], self.witness.note

        def meet(call):
            """Ten are under way at once, or this waits in vain; outside the witness's lock."""
            if call.operation == 'ReplicateKey':
                begun.append(call)
                limit = time.monotonic() + 50
                while len(begun) < 10 and time.monotonic() < limit:
                    time.sleep(0.005)
                self.assertGreaterEqual(len(begun), 10)
            return note(call)
        self.witness.note = meet
        answer = self.succeeds(self.stack.create({'KMSKeyID': key, 'ReplicationRegions': regions}))
        self.assertEqual(len(begun), len(regions))
        self.assertEqual(answer['Data']['Regions'], ','.join(regions))
        for region in regions:
            self.assertIn(f'Arn.{region}', answer['Data'])

    def test_a_request_through_sns(self):
        key = self.make()['KeyId']
        request = self.stack.request('Create', ResourceProperties={
            'KMSKeyID': key, 'ReplicationRegions': [ONE]})
        target = request['ResponseURL'][len(self.answers.url):]
        self.assertIsNone(self.invoke({'Records': [{'EventSource': 'aws:sns', 'Sns': {
            'Type': 'Notification', 'Message': json.dumps(request)}}]}))
        self.assertEqual([one['Status'] for one in self.answers.of(target)], ['SUCCESS'])


if __name__ == '__main__':
    unittest.main(verbosity=2, warnings='default')
