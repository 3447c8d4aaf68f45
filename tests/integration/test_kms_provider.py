"""The custom resource as AWS would run it: the package as a function of the local AWS, with the
role of the template."""
import json
import unittest

from cloudformation import Answers, Stack
from deployed import TRUST, package
from replication import Replication, SOURCE
from test_deploy import Template

HERE, ONE, TWO = SOURCE, 'us-east-1', 'eu-west-1'


class Provider(Replication):
    def setUp(self):
        super().setUp()
        self.answers = Answers()
        self.addCleanup(self.answers.close)
        self.kms = {region: self.server.client('kms', region) for region in (HERE, ONE, TWO)}
        self.functions = self.server.client('lambda', HERE)

    def deploy(self):
        template = Template('kms-replication.yaml', CodeBucket='x', Removal='true',
                            ReplicaRegions=f'{ONE},{TWO}')
        iam = self.server.client('iam')
        role = iam.create_role(RoleName='provider', AssumeRolePolicyDocument=json.dumps(TRUST))
        iam.put_role_policy(RoleName='provider', PolicyName='keys', PolicyDocument=json.dumps(
            {'Version': '2012-10-17', 'Statement': template.statements('KeysPolicy')}))
        settings = template.resources()['Function']['Properties']
        with open(package(), 'rb') as code:
            self.functions.create_function(
                FunctionName='provider', Role=role['Role']['Arn'], Runtime=settings['Runtime'],
                Handler=settings['Handler'], Timeout=int(settings['Timeout']),
                MemorySize=int(settings['MemorySize']), Environment=settings['Environment'],
                Code={'ZipFile': code.read()})
        self.functions.get_waiter('function_active_v2').wait(
            FunctionName='provider', WaiterConfig={'Delay': 0.05, 'MaxAttempts': 200})

    def invoke(self, request):
        """As CloudFormation does: retries are the service's, the answer comes by the URL."""
        answer = self.functions.invoke(FunctionName='provider', InvocationType='Event',
                                       Payload=json.dumps(request))
        self.assertEqual(answer['StatusCode'], 202)
        self.answers.wait(request['ResponseURL'])

    def test_create_update_delete(self):
        self.deploy()
        key = self.kms[HERE].create_key(MultiRegion=True)['KeyMetadata']['KeyId']
        stack = Stack(self.invoke, self.answers)
        want = {'KMSKeyID': key, 'OnRemove': 'ScheduleDeletion'}
        for answer in (stack.create({**want, 'ReplicationRegions': [ONE]}),
                       stack.update({**want, 'ReplicationRegions': [TWO]}), stack.delete()):
            self.assertEqual(answer['Status'], 'SUCCESS', answer)
        self.assertEqual(self.answers.problems, [])
        self.assertEqual([self.kms[region].describe_key(KeyId=key)['KeyMetadata']['KeyState']
                          for region in (HERE, ONE, TWO)],
                         ['Enabled', 'PendingDeletion', 'PendingDeletion'])


if __name__ == '__main__':
    unittest.main(verbosity=2, warnings='default')
