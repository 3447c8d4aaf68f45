"""SQS: who may do what: each operation refused without its permission and allowed with it alone,
queue policies, conditions."""
import json

from botocore.exceptions import ClientError

from local_server import ACCOUNT, OTHER_ACCOUNT, REGION, Conformance, main
import roles


class Access(Conformance):
    def setUp(self):
        super().setUp()
        self.url = self.client('sqs').create_queue(QueueName='q', tags={'team': 'a'})['QueueUrl']
        self.arn = f'arn:aws:sqs:{REGION}:{ACCOUNT}:q'

    def role(self, *statements, name='r'):
        arn = roles.make(self.server, name, *statements)
        return arn, self.client('sqs', keys=roles.assume(self.server, arn))

    def calls(self, client):
        """Operation, the permission it needs, and a call that gets past it."""
        url, handle = {'QueueUrl': self.url}, {'QueueUrl': self.url, 'ReceiptHandle': 'x'}
        entry = [{'Id': '1', 'ReceiptHandle': 'x'}]
        return (
            ('SendMessage', client.send_message, dict(url, MessageBody='m')),
            ('SendMessage', client.send_message_batch,
             dict(url, Entries=[{'Id': '1', 'MessageBody': 'm'}])),
            ('ReceiveMessage', client.receive_message, url),
            ('DeleteMessage', client.delete_message, handle),
            ('DeleteMessage', client.delete_message_batch, dict(url, Entries=entry)),
            ('ChangeMessageVisibility', client.change_message_visibility,
             dict(handle, VisibilityTimeout=1)),
            ('ChangeMessageVisibility', client.change_message_visibility_batch,
             dict(url, Entries=entry)),
            ('GetQueueAttributes', client.get_queue_attributes, dict(url, AttributeNames=['All'])),
            ('SetQueueAttributes', client.set_queue_attributes,
             dict(url, Attributes={'DelaySeconds': '0'})),
            ('GetQueueUrl', client.get_queue_url, {'QueueName': 'q'}),
            ('ListQueues', client.list_queues, {}),
            ('ListQueueTags', client.list_queue_tags, url),
            ('TagQueue', client.tag_queue, dict(url, Tags={'a': 'b'})),
            ('UntagQueue', client.untag_queue, dict(url, TagKeys=['a'])),
            ('ListDeadLetterSourceQueues', client.list_dead_letter_source_queues, url),
            ('AddPermission', client.add_permission,
             dict(url, Label='l', AWSAccountIds=[OTHER_ACCOUNT], Actions=['SendMessage'])),
            ('RemovePermission', client.remove_permission, dict(url, Label='l')),
            ('PurgeQueue', client.purge_queue, url),
            ('CreateQueue', client.create_queue, {'QueueName': 'q'}),
            ('DeleteQueue', client.delete_queue, url),
        )

    def test_nothing_without_permission(self):
        arn, client = self.role(roles.allow('ssm:*'))
        for action, call, arguments in self.calls(client):
            with self.subTest(call=call.__name__):
                found = self.refused('AccessDenied', call, **arguments)
                self.assertEqual(found['ResponseMetadata']['HTTPStatusCode'], 403)
                self.assertIn(f'{arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")}'
                              f'/session is not authorized to perform: sqs:{action.lower()} on',
                              found['Error']['Message'])
        for operation, arguments in (
                ('StartMessageMoveTask', {'SourceArn': self.arn}),
                ('ListMessageMoveTasks', {'SourceArn': self.arn})):
            key, secret, token = roles.assume(self.server, arn)
            status, answer = self.server.raw('sqs', operation, arguments,
                                             keys=(key, secret, token))
            self.assertEqual(answer['__type'], 'com.amazonaws.sqs#AccessDeniedException', answer)

    def test_each_permission_alone_is_enough(self):
        actions = sorted({action for action, _, _ in self.calls(self.client('sqs'))})
        for action in actions:
            _, client = self.role(roles.allow(f'sqs:{action}', '*'), name=action)
            for needed, call, arguments in self.calls(client):
                if needed != action or action == 'DeleteQueue':
                    continue
                with self.subTest(call=call.__name__):
                    try:
                        call(**arguments)
                    except ClientError as error:
                        self.assertNotEqual(error.response['Error']['Code'], 'AccessDenied')
        self.server.findings.clear()

    def policy(self, **statement):
        document = {'Version': '2012-10-17', 'Statement': [dict(
            {'Effect': 'Allow', 'Action': 'sqs:SendMessage', 'Resource': self.arn}, **statement)]}
        self.client('sqs').set_queue_attributes(QueueUrl=self.url, Attributes={
            'Policy': json.dumps(document)})

    def test_the_queues_policy_is_enough_for_its_account(self):
        arn, client = self.role(roles.allow('ssm:*'))
        self.refused('AccessDenied', client.send_message, QueueUrl=self.url, MessageBody='m')
        self.policy(Principal={'AWS': arn})
        client.send_message(QueueUrl=self.url, MessageBody='m')
        self.refused('AccessDenied', client.receive_message, QueueUrl=self.url)

    def test_another_account_needs_both_sides(self):
        arn = roles.make(self.server, 'there', roles.allow('sqs:ReceiveMessage'),
                         account=OTHER_ACCOUNT)
        client = self.client('sqs', keys=roles.assume(self.server, arn, account=OTHER_ACCOUNT))
        self.policy(Principal={'AWS': OTHER_ACCOUNT}, Action=['sqs:SendMessage',
                                                              'sqs:ReceiveMessage'])
        self.refused('AccessDenied', client.send_message, QueueUrl=self.url, MessageBody='m')
        client.receive_message(QueueUrl=self.url)

    def test_conditions(self):
        _, client = self.role(
            roles.allow('sqs:SendMessage',
                        Condition={'StringEquals': {'aws:ResourceTag/team': 'a'}}),
            roles.allow('sqs:CreateQueue',
                        Condition={'StringEquals': {'aws:RequestTag/team': 'a'}}),
            roles.deny('sqs:SendMessage', self.arn + '-not'))
        client.send_message(QueueUrl=self.url, MessageBody='m')
        client.create_queue(QueueName='mine', tags={'team': 'a'})
        self.refused('AccessDenied', client.create_queue, QueueName='theirs', tags={'team': 'b'})
        other = self.client('sqs').create_queue(QueueName='q-not', tags={'team': 'a'})['QueueUrl']
        self.refused('AccessDenied', client.send_message, QueueUrl=other, MessageBody='m')
        untagged = self.client('sqs').create_queue(QueueName='u')['QueueUrl']
        self.refused('AccessDenied', client.send_message, QueueUrl=untagged, MessageBody='m')

    def test_a_queue_that_is_not_there(self):
        client = self.client('sqs')
        none = self.url + '-none'
        for call, more in ((client.list_dead_letter_source_queues, {}),
                           (client.get_queue_attributes, {}), (client.receive_message, {}),
                           (client.list_queue_tags, {})):
            self.refused('AWS.SimpleQueueService.NonExistentQueue', call, QueueUrl=none, **more)
        self.refused('AWS.SimpleQueueService.NonExistentQueue',
                     self.client('sqs', account=OTHER_ACCOUNT).send_message, QueueUrl=none,
                     MessageBody='m')


if __name__ == '__main__':
    main()
