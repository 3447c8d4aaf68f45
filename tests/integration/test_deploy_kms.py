"""deploy/: the provider of the custom resource for KMS keys: what its role may do is what the
function does, no more and no less, tried on the local AWS."""
import json
import re
import unittest

import replication
from cloudformation import Answers, Stack
from lambda_process import LambdaProcess
from replication import Replication, SOURCE
from test_deploy import TERRAFORM, Template, as_list

HERE, ONE, TWO = SOURCE, 'us-east-1', 'eu-west-1'
GIVEN = {'CodeBucket': 'packages', 'ReplicaRegions': f'{ONE},{TWO}'}


def statements(**more):
    return Template('kms-replication.yaml', **GIVEN, **more).statements('KeysPolicy')


def actions(found):
    return {action for one in found for action in as_list(one['Action'])}


class Provider(Replication):
    def setUp(self):
        super().setUp()
        self.answers = Answers()
        self.addCleanup(self.answers.close)
        self.kms = {region: self.server.client('kms', region) for region in (HERE, ONE, TWO)}
        self.witness.rules.append(self.pass_time)

    def pass_time(self, call):
        if call.operation == 'DescribeKey' and call.region != HERE and self.witness.writes():
            self.server.clock(advance=30)

    def stack(self, **options):
        """Whose function has the role of the template, as a user's permissions."""
        iam, user = self.server.client('iam'), 'provider'
        iam.create_user(UserName=user)
        iam.put_user_policy(UserName=user, PolicyName='keys', PolicyDocument=json.dumps(
            {'Version': '2012-10-17', 'Statement': statements(**options)}))
        key = iam.create_access_key(UserName=user)['AccessKey']
        process = LambdaProcess({
            'AWS_ACCESS_KEY_ID': key['AccessKeyId'], 'AWS_MAX_ATTEMPTS': '1',
            'AWS_SECRET_ACCESS_KEY': key['SecretAccessKey'], 'AWS_ENDPOINT_URL': self.witness.url},
            self.folder)
        self.addCleanup(process.close)
        return Stack(lambda request: process.invoke(request)[0], self.answers)

    def key(self):
        key = self.kms[HERE].create_key(
            MultiRegion=True, Description='x', Tags=[{'TagKey': 'team', 'TagValue': 'a'}])[
                'KeyMetadata']['KeyId']
        self.kms[HERE].create_alias(AliasName='alias/app', TargetKeyId=key)
        return key

    def test_the_role_suffices_and_each_action_is_used(self):
        stack, key = self.stack(Removal='true'), self.key()
        want = {'KMSKeyID': key, 'OnRemove': 'ScheduleDeletion'}
        both, one = dict(want, ReplicationRegions=[ONE, TWO]), dict(want, ReplicationRegions=[ONE])
        for answer in (stack.create(both), stack.update(one), stack.update(both)):
            self.assertEqual(answer['Status'], 'SUCCESS', answer)
        policy = json.loads(self.kms[HERE].get_key_policy(KeyId=key, PolicyName='default')[
            'Policy'])
        policy['Statement'].append({'Effect': 'Deny', 'Principal': '*', 'Action': 'kms:Sign',
                                    'Resource': '*'})
        self.kms[HERE].put_key_policy(KeyId=key, PolicyName='default', Policy=json.dumps(policy))
        self.kms[HERE].disable_key(KeyId=key)
        changed = dict(both, Description='y', Tags={'n': 'm'}, Aliases='alias/other')
        answer = stack.update(changed)
        self.assertEqual(answer['Status'], 'SUCCESS', answer)
        self.kms[HERE].enable_key(KeyId=key)
        self.assertEqual(stack.update(dict(changed, OnRemove='Retain'))['Status'], 'SUCCESS')
        self.assertEqual(stack.delete()['Status'], 'SUCCESS')
        called = {'kms:' + call.operation for call in self.witness.calls if call.service == 'kms'}
        granted = actions(statements(Removal='true'))
        # Asked for behind ReplicateKey; UpdateAlias and DeleteAlias serve MoveAliases.
        self.assertEqual(granted - called, {'kms:CreateKey', 'kms:UpdateAlias', 'kms:DeleteAlias'})
        self.assertEqual(called - granted, set())

    def test_without_removal_nothing_can_be_removed(self):
        stack, key = self.stack(), self.key()
        want = {'KMSKeyID': key, 'OnRemove': 'ScheduleDeletion', 'ReplicationRegions': [ONE]}
        self.assertEqual(stack.create(want)['Status'], 'SUCCESS')
        answer = stack.delete()
        self.assertEqual(answer['Status'], 'FAILED')
        self.assertIn('kms:ScheduleKeyDeletion', answer['Reason'])

    def test_other_regions_and_keys_that_nobody_marked_are_out_of_reach(self):
        stack, key = self.stack(Removal='true'), self.key()
        answer = stack.create({'KMSKeyID': key, 'ReplicationRegions': ['sa-east-1']})
        self.assertEqual(answer['Status'], 'FAILED')
        self.assertIn('kms:ReplicateKey', answer['Reason'])
        denied = [call.operation for call in self.witness.writes()]
        self.assertEqual(denied, ['ReplicateKey'])


class Files(unittest.TestCase):
    def test_terraform_permits_the_same(self):
        text = (TERRAFORM / 'kms-replication' / 'main.tf').read_text()
        for one in statements(Removal='true'):
            block = re.search(rf'sid +?= "{one["Sid"]}"(.*?)(?=\bsid\b|^resource)', text,
                              re.S | re.M)[1]
            names = set(re.findall(r'"(kms:[A-Z]\w+)"', block)) - {
                'kms:ReplicaRegion', 'kms:MultiRegionKeyType'}
            self.assertEqual(names, set(as_list(one['Action'])), one['Sid'])
            for condition in (key for test in one.get('Condition', {}).values() for key in test):
                self.assertIn(f'"{condition}"', block)

    def test_nothing_is_bound_to_a_partition_or_a_name(self):
        text = Template('kms-replication.yaml', **GIVEN).text
        self.assertNotIn('arn:aws:', text)
        self.assertNotRegex(text, r'(FunctionName|RoleName|LogGroupName): (?!!Ref)')


if __name__ == '__main__':
    unittest.main(verbosity=2, warnings='default')
