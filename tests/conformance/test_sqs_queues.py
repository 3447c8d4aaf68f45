"""SQS: queues, their attributes, tags and permissions, over both protocols."""
import json
import urllib.request

from local_server import ACCOUNT, OTHER_ACCOUNT, REGION, Conformance, main
import wire


class Queues(Conformance):
    def setUp(self):
        super().setUp()
        self.sqs = self.client('sqs')

    def make(self, name='q', **attributes):
        return self.sqs.create_queue(QueueName=name, Attributes=attributes)['QueueUrl']

    def attributes(self, url, *names):
        return self.sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=list(names) or ['All']).get('Attributes', {})

    def arn(self, name):
        return f'arn:aws:sqs:{REGION}:{ACCOUNT}:{name}'

    def test_create_find_list_delete(self):
        url = self.make()
        self.assertEqual(url, f'{self.server.url}/{ACCOUNT}/q')
        self.assertEqual(self.sqs.get_queue_url(QueueName='q')['QueueUrl'], url)
        self.make('p-1')
        self.make('p-2')
        self.assertEqual([one.rsplit('/', 1)[1] for one in self.sqs.list_queues()['QueueUrls']],
                         ['p-1', 'p-2', 'q'])
        self.assertEqual(len(self.sqs.list_queues(QueueNamePrefix='p-')['QueueUrls']), 2)
        self.assertNotIn('QueueUrls', self.sqs.list_queues(QueueNamePrefix='z'))
        page = self.sqs.list_queues(MaxResults=2)
        self.assertEqual(self.sqs.list_queues(MaxResults=2, NextToken=page['NextToken'])
                         ['QueueUrls'], [url])
        self.refused('InvalidParameterValue', self.sqs.list_queues, MaxResults=1, NextToken='x')
        self.refused('InvalidParameterValue', self.sqs.list_queues, NextToken=page['NextToken'],
                     message='MaxResults is a mandatory parameter when you provide a value for '
                     'NextToken.')
        self.refused('InvalidParameterValue', self.sqs.list_queues, MaxResults=1001)
        self.sqs.delete_queue(QueueUrl=url)
        for call, more in ((self.sqs.get_queue_url, {'QueueName': 'q'}),
                           (self.sqs.delete_queue, {'QueueUrl': url}),
                           (self.sqs.purge_queue, {'QueueUrl': url}),
                           (self.sqs.send_message, {'QueueUrl': url, 'MessageBody': 'm'})):
            self.refused('AWS.SimpleQueueService.NonExistentQueue', call,
                         message='The specified queue does not exist.', **more)
        self.assertIn('p-1', self.server.cli('sqs', 'list-queues'))

    def test_queues_live_in_account_and_region(self):
        self.make()
        self.assertNotIn('QueueUrls', self.client('sqs', region='eu-west-1').list_queues())
        self.assertNotIn('QueueUrls', self.client('sqs', account=OTHER_ACCOUNT).list_queues())

    def test_names(self):
        for name in ('', 'a b', 'ä', 'x' * 81, 'a.b', 'q.fifo'):
            with self.subTest(name=name):
                self.refused('InvalidParameterValue', self.sqs.create_queue, QueueName=name,
                             message='Can only include alphanumeric characters, hyphens, or '
                             'underscores. 1 to 80 in length')
        for name in ('q', '.fifo', 'x' * 76 + '.fifo', 'a b.fifo'):
            with self.subTest(name=name):
                self.refused('InvalidParameterValue', self.sqs.create_queue, QueueName=name,
                             Attributes={'FifoQueue': 'true'})
        self.assertIn('q.fifo', self.make('q.fifo', FifoQueue='true'))
        self.refused('MissingParameter', self.sqs.create_queue,
                     message='The request must contain the parameter QueueName.')
        self.refused('InvalidAddress', self.sqs.delete_queue, QueueUrl='nowhere')

    def test_same_name_again(self):
        url = self.make(VisibilityTimeout='7', DelaySeconds='0')
        self.assertEqual(self.make(), url)
        self.assertEqual(self.make(VisibilityTimeout='7'), url)
        self.refused('QueueAlreadyExists', self.sqs.create_queue, QueueName='q',
                     Attributes={'VisibilityTimeout': '8'},
                     message='A queue already exists with the same name and a different value for '
                     'attribute VisibilityTimeout')

    def test_sixty_seconds_after_a_deletion(self):
        url = self.make()
        self.server.clock(advance=0, stopped=True)
        self.sqs.delete_queue(QueueUrl=url)
        self.refused('AWS.SimpleQueueService.QueueDeletedRecently', self.make,
                     message='You must wait 60 seconds after deleting a queue before you can '
                     'create another with the same name.')
        self.server.clock(advance=60)
        self.assertEqual(self.make(), url)

    def test_attributes(self):
        url = self.make(VisibilityTimeout='7')
        self.assertEqual(self.attributes(url), {
            'QueueArn': self.arn('q'), 'ApproximateNumberOfMessages': '0',
            'ApproximateNumberOfMessagesNotVisible': '0',
            'ApproximateNumberOfMessagesDelayed': '0', 'VisibilityTimeout': '7',
            'MaximumMessageSize': '1048576', 'MessageRetentionPeriod': '345600',
            'DelaySeconds': '0', 'ReceiveMessageWaitTimeSeconds': '0',
            'SqsManagedSseEnabled': 'true',
            'CreatedTimestamp': self.attributes(url)['CreatedTimestamp'],
            'LastModifiedTimestamp': self.attributes(url)['LastModifiedTimestamp']})
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={
            'DelaySeconds': '3', 'KmsMasterKeyId': 'alias/aws/sqs'})
        self.assertEqual(self.attributes(url, 'DelaySeconds', 'KmsMasterKeyId',
                                         'SqsManagedSseEnabled', 'KmsDataKeyReusePeriodSeconds'),
                         {'DelaySeconds': '3', 'KmsMasterKeyId': 'alias/aws/sqs',
                          'SqsManagedSseEnabled': 'false', 'KmsDataKeyReusePeriodSeconds': '300'})
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={'KmsMasterKeyId': ''})
        self.assertNotIn('KmsMasterKeyId', self.attributes(url))
        self.refused('InvalidAttributeName', self.sqs.get_queue_attributes, QueueUrl=url,
                     AttributeNames=['Colour'], message='Unknown Attribute Colour.')

    def test_values_out_of_range(self):
        url = self.make()
        for name, *values in (('VisibilityTimeout', '-1', '43201', 'x', ''),
                              ('MessageRetentionPeriod', '59', '1209601'),
                              ('MaximumMessageSize', '1023', '1048577'),
                              ('DelaySeconds', '901'), ('ReceiveMessageWaitTimeSeconds', '21'),
                              ('KmsDataKeyReusePeriodSeconds', '59', '86401'),
                              ('SqsManagedSseEnabled', 'yes'), ('Policy', 'x', '{}')):
            for value in values:
                with self.subTest(name=name, value=value):
                    self.refused('InvalidAttributeValue', self.sqs.set_queue_attributes,
                                 QueueUrl=url, Attributes={name: value},
                                 message=f'Invalid value for the parameter {name}.')
        for name in ('Colour', 'FifoQueue', 'ContentBasedDeduplication', 'QueueArn'):
            with self.subTest(name=name):
                self.refused('InvalidAttributeName', self.sqs.set_queue_attributes, QueueUrl=url,
                             Attributes={name: 'true'}, message=f'Unknown Attribute {name}.')
        self.refused('InvalidAttributeValue', self.sqs.set_queue_attributes, QueueUrl=url,
                     Attributes={'SqsManagedSseEnabled': 'true', 'KmsMasterKeyId': 'alias/x'})
        fifo = self.make('q.fifo', FifoQueue='true')
        self.assertEqual(self.attributes(fifo, 'ContentBasedDeduplication', 'DeduplicationScope',
                                         'FifoThroughputLimit', 'FifoQueue'),
                         {'FifoQueue': 'true', 'ContentBasedDeduplication': 'false',
                          'DeduplicationScope': 'queue', 'FifoThroughputLimit': 'perQueue'})
        self.refused('InvalidAttributeValue', self.sqs.set_queue_attributes, QueueUrl=fifo,
                     Attributes={'FifoThroughputLimit': 'perMessageGroupId'})
        self.sqs.set_queue_attributes(QueueUrl=fifo, Attributes={
            'FifoThroughputLimit': 'perMessageGroupId', 'DeduplicationScope': 'messageGroup'})

    def test_redrive_policies(self):
        url = self.make()
        self.make('dead')
        self.make('dead.fifo', FifoQueue='true')
        for policy, reason in (
                ('x', 'Redrive policy is not a valid JSON map.'),
                ({'maxReceiveCount': 3}, 'does not contain mandatory attribute: '
                                         'deadLetterTargetArn.'),
                ({'deadLetterTargetArn': self.arn('dead')},
                 'does not contain mandatory attribute: maxReceiveCount.'),
                ({'deadLetterTargetArn': self.arn('dead'), 'maxReceiveCount': '1001'},
                 'Invalid value for maxReceiveCount: 1001, valid values are from 1 to 1000 both '
                 'inclusive.'),
                ({'deadLetterTargetArn': self.arn('none'), 'maxReceiveCount': 3},
                 'Dead letter target does not exist.'),
                ({'deadLetterTargetArn': self.arn('dead.fifo'), 'maxReceiveCount': 3},
                 'must be same type'),
                ({'deadLetterTargetArn': self.arn('dead').replace(REGION, 'eu-west-1'),
                  'maxReceiveCount': 3}, 'same region')):
            text = policy if isinstance(policy, str) else json.dumps(policy)
            with self.subTest(policy=text):
                found = self.refused('InvalidParameterValue', self.sqs.set_queue_attributes,
                                     QueueUrl=url, Attributes={'RedrivePolicy': text})
                self.assertIn(reason, found['Error']['Message'])
        good = json.dumps({'deadLetterTargetArn': self.arn('dead'), 'maxReceiveCount': '2'})
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={'RedrivePolicy': good})
        self.assertEqual(self.attributes(url, 'RedrivePolicy'), {'RedrivePolicy': good})
        dead = self.sqs.get_queue_url(QueueName='dead')['QueueUrl']
        self.assertEqual(self.sqs.list_dead_letter_source_queues(QueueUrl=dead)['queueUrls'],
                         [url])
        self.sqs.set_queue_attributes(QueueUrl=dead, Attributes={
            'RedriveAllowPolicy': '{"redrivePermission":"denyAll"}'})
        found = self.refused('InvalidParameterValue', self.sqs.set_queue_attributes, QueueUrl=url,
                             Attributes={'RedrivePolicy': good})
        self.assertIn('does not have permission', found['Error']['Message'])
        self.sqs.set_queue_attributes(QueueUrl=dead, Attributes={'RedriveAllowPolicy': json.dumps(
            {'redrivePermission': 'byQueue', 'sourceQueueArns': [self.arn('q')]})})
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={'RedrivePolicy': good})
        self.refused('InvalidParameterValue', self.sqs.set_queue_attributes, QueueUrl=dead,
                     Attributes={'RedriveAllowPolicy': '{"redrivePermission":"all"}'})
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={'RedrivePolicy': ''})
        self.assertEqual(self.sqs.list_dead_letter_source_queues(QueueUrl=dead)
                         .get('queueUrls', []), [])

    def test_tags(self):
        url = self.sqs.create_queue(QueueName='q', tags={'a': '1'})['QueueUrl']
        self.sqs.tag_queue(QueueUrl=url, Tags={'b': '2', 'a': '3'})
        self.assertEqual(self.sqs.list_queue_tags(QueueUrl=url)['Tags'], {'a': '3', 'b': '2'})
        self.sqs.untag_queue(QueueUrl=url, TagKeys=['a', 'none'])
        self.assertEqual(self.sqs.list_queue_tags(QueueUrl=url)['Tags'], {'b': '2'})
        for tags in ({'': 'x'}, {'aws:x': '1'}, {'k' * 129: ''}, {'k': 'v' * 257},
                     {str(i): '' for i in range(50)}):
            self.refused('InvalidParameterValue', self.sqs.tag_queue, QueueUrl=url, Tags=tags)
        self.assertEqual(self.sqs.list_queue_tags(QueueUrl=url)['Tags'], {'b': '2'})

    def test_permissions_are_statements(self):
        url = self.make()
        add = dict(QueueUrl=url, Label='one', AWSAccountIds=[OTHER_ACCOUNT],
                   Actions=['SendMessage'])
        other = self.client('sqs', account=OTHER_ACCOUNT)
        self.refused('AccessDenied', other.send_message, QueueUrl=url, MessageBody='m')
        self.sqs.add_permission(**add)
        other.send_message(QueueUrl=url, MessageBody='m')
        self.assertEqual(json.loads(self.attributes(url, 'Policy')['Policy']), {
            'Version': '2008-10-17', 'Id': self.arn('q') + '/SQSDefaultPolicy', 'Statement': [{
                'Sid': 'one', 'Effect': 'Allow', 'Principal': {
                    'AWS': f'arn:aws:iam::{OTHER_ACCOUNT}:root'}, 'Action': 'SQS:SendMessage',
                'Resource': self.arn('q')}]})
        self.refused('InvalidParameterValue', self.sqs.add_permission, **add)
        for change in ({'AWSAccountIds': ['12']}, {'Actions': ['CreateQueue']}):
            self.refused('InvalidParameterValue', self.sqs.add_permission,
                         **dict(add, Label='two', **change))
        self.refused('OverLimit', self.sqs.add_permission,
                     **dict(add, Label='two', Actions=['SendMessage'] * 8))
        self.sqs.remove_permission(QueueUrl=url, Label='one')
        self.assertNotIn('Policy', self.attributes(url))
        self.refused('InvalidParameterValue', self.sqs.remove_permission, QueueUrl=url,
                     Label='one', message="Value one for parameter Label is invalid. Reason: can't "
                     'find label.')
        self.refused('AccessDenied', other.send_message, QueueUrl=url, MessageBody='m')

    def test_limits_of_a_policy(self):
        url, queue = self.make(), self.arn('q')

        def change(**statement):
            return {'Effect': 'Allow', 'Principal': '*', 'Action': 'sqs:SendMessage',
                    'Resource': queue, **statement}

        accounts = [f'arn:aws:iam::{number:012}:root' for number in range(1, 52)]
        sources = {f'aws:RequestTag/k{number}': 'v' for number in range(11)}
        sends = ['sqs:SendMessage'] * 8
        allowed = [
            [change()] * 20, [change(Principal={'AWS': accounts[:50]})], change(Action=sends[:7]),
            change(Condition={'StringEquals': dict(list(sources.items())[:10])})]
        for statements in allowed:
            self.sqs.set_queue_attributes(QueueUrl=url, Attributes={'Policy': json.dumps(
                {'Version': '2012-10-17', 'Statement': statements})})
        for message, statements in (
                ('Submitted policy is over max allowed size.', change(Sid='s' * 8192)),
                ('8 actions were found in a statement from the submitted policy, max allowed is 7',
                 [change(), change(Action=sends)]),
                (None, [change()] * 21), (None, [change(Principal={'AWS': accounts})]),
                (None, [change(Principal={'AWS': accounts[:25]}),
                        change(Principal={'AWS': accounts[25:]})]),
                (None, change(Condition={'StringEquals': sources}))):
            found = self.refused('OverLimit', self.sqs.set_queue_attributes, message, QueueUrl=url,
                                 Attributes={'Policy': json.dumps({'Version': '2012-10-17',
                                                                   'Statement': statements})})
            self.assertEqual(found['ResponseMetadata']['HTTPStatusCode'], 403)
        for number in range(19):
            self.sqs.add_permission(QueueUrl=url, Label=f'l{number}', Actions=['SendMessage'],
                                    AWSAccountIds=[OTHER_ACCOUNT])
        self.refused('OverLimit', self.sqs.add_permission, QueueUrl=url, Label='more',
                     Actions=['SendMessage'], AWSAccountIds=[OTHER_ACCOUNT])

    def test_what_is_the_owners_alone(self):
        url = self.make()
        policy = {'Version': '2012-10-17', 'Statement': [{
            'Effect': 'Allow', 'Principal': '*', 'Action': 'sqs:*', 'Resource': '*'}]}
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={'Policy': json.dumps(policy)})
        other = self.client('sqs', account=OTHER_ACCOUNT)
        other.get_queue_attributes(QueueUrl=url, AttributeNames=['All'])
        self.assertEqual(other.get_queue_url(QueueName='q', QueueOwnerAWSAccountId=ACCOUNT)
                         ['QueueUrl'], url)
        for call, more in ((other.delete_queue, {}), (other.list_queue_tags, {}),
                           (other.tag_queue, {'Tags': {'a': 'b'}}),
                           (other.untag_queue, {'TagKeys': ['a']}),
                           (other.set_queue_attributes, {'Attributes': {'DelaySeconds': '1'}}),
                           (other.add_permission, {'Label': 'l', 'Actions': ['SendMessage'],
                                                   'AWSAccountIds': [OTHER_ACCOUNT]}),
                           (other.remove_permission, {'Label': 'l'})):
            with self.subTest(call=call.__name__):
                found = self.refused('AccessDenied', call, QueueUrl=url, **more)
                self.assertEqual(found['ResponseMetadata']['HTTPStatusCode'], 403)

    def test_an_explicit_deny_wins(self):
        url = self.make()
        policy = {'Version': '2012-10-17', 'Statement': [{
            'Effect': 'Deny', 'Principal': '*', 'Action': 'sqs:SendMessage', 'Resource': '*'}]}
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={'Policy': json.dumps(policy)})
        found = self.refused('AccessDenied', self.sqs.send_message, QueueUrl=url, MessageBody='m')
        self.assertIn(f'is not authorized to perform: sqs:sendmessage on resource: '
                      f'{self.arn("q")} with an explicit deny in a resource-based policy',
                      found['Error']['Message'])

    # --- the wire ---------------------------------------------------------------------------------

    def test_json_errors_name_the_old_code_too(self):
        body = json.dumps({'QueueUrl': f'{self.server.url}/{ACCOUNT}/none'})
        request = wire.signed_json(self.server, 'sqs', 'AmazonSQS.GetQueueAttributes', body,
                                   'application/x-amz-json-1.0')
        status, headers, answer = wire.send(request)
        self.assertEqual((status, headers['x-amzn-query-error'], headers['Content-Type']),
                         (400, 'AWS.SimpleQueueService.NonExistentQueue;Sender',
                          'application/x-amz-json-1.0'))
        self.assertEqual(json.loads(answer)['__type'], 'com.amazonaws.sqs#QueueDoesNotExist')

    def test_forms_may_be_sent_to_the_queues_url(self):
        url = self.make()
        query = {'Action': 'SendMessage', 'Version': '2012-11-05', 'MessageBody': 'by URL'}
        signed = wire.presign(self.server, 'sqs', query, path=f'/{ACCOUNT}/q')
        status, _, answer = wire.send(urllib.request.Request(signed))
        self.assertEqual(status, 200, answer)
        self.assertEqual(self.sqs.receive_message(QueueUrl=url)['Messages'][0]['Body'], 'by URL')

    def test_every_operation_over_json(self):
        url = self.raw('CreateQueue', 'sqs', QueueName='j', tags={'a': 'b'},
                       Attributes={'DelaySeconds': '0'})['QueueUrl']
        arn = self.arn('j')
        dead = self.raw('CreateQueue', 'sqs', QueueName='dead')['QueueUrl']
        self.assertEqual(self.raw('ListDeadLetterSourceQueues', 'sqs', QueueUrl=dead),
                         {'queueUrls': []})
        self.raw('SetQueueAttributes', 'sqs', QueueUrl=url, Attributes={'RedrivePolicy': json.dumps(
            {'deadLetterTargetArn': self.arn('dead'), 'maxReceiveCount': 1})})
        self.assertEqual(self.raw('GetQueueUrl', 'sqs', QueueName='j'), {'QueueUrl': url})
        self.assertEqual(self.raw('ListQueues', 'sqs'), {'QueueUrls': [dead, url]})
        self.assertEqual(self.raw('ListQueueTags', 'sqs', QueueUrl=url), {'Tags': {'a': 'b'}})
        self.raw('TagQueue', 'sqs', QueueUrl=url, Tags={'c': 'd'})
        self.raw('UntagQueue', 'sqs', QueueUrl=url, TagKeys=['c'])
        self.raw('AddPermission', 'sqs', QueueUrl=url, Label='l', AWSAccountIds=[OTHER_ACCOUNT],
                 Actions=['SendMessage'])
        self.raw('RemovePermission', 'sqs', QueueUrl=url, Label='l')
        self.assertEqual(self.raw('GetQueueAttributes', 'sqs', QueueUrl=url,
                                  AttributeNames=['QueueArn']), {'Attributes': {'QueueArn': arn}})
        self.raw('SendMessage', 'sqs', QueueUrl=url, MessageBody='m', MessageAttributes={
            'n': {'DataType': 'String', 'StringValue': 's'}})
        batch = self.raw('SendMessageBatch', 'sqs', QueueUrl=url,
                         Entries=[{'Id': '1', 'MessageBody': 'n'}])
        self.assertEqual((len(batch['Successful']), batch['Failed']), (1, []))
        got = self.raw('ReceiveMessage', 'sqs', QueueUrl=url, MaxNumberOfMessages=2,
                       MessageSystemAttributeNames=['All'], MessageAttributeNames=['All'])
        handles = [one['ReceiptHandle'] for one in got['Messages']]
        self.raw('ChangeMessageVisibility', 'sqs', QueueUrl=url, ReceiptHandle=handles[0],
                 VisibilityTimeout=1)
        self.raw('ChangeMessageVisibilityBatch', 'sqs', QueueUrl=url, Entries=[
            {'Id': '1', 'ReceiptHandle': handles[0], 'VisibilityTimeout': 0}])
        self.assertEqual(self.raw('ReceiveMessage', 'sqs', QueueUrl=url), {})  # it is buried
        self.raw('DeleteMessage', 'sqs', QueueUrl=url, ReceiptHandle=handles[1])
        self.raw('DeleteMessageBatch', 'sqs', QueueUrl=url, Entries=[
            {'Id': '1', 'ReceiptHandle': handles[1]}])
        self.assertEqual(self.raw('ListDeadLetterSourceQueues', 'sqs', QueueUrl=dead),
                         {'queueUrls': [url]})
        task = self.raw('StartMessageMoveTask', 'sqs', SourceArn=self.arn('dead'),
                        MaxNumberOfMessagesPerSecond=1)['TaskHandle']
        self.assertEqual(self.raw('ListMessageMoveTasks', 'sqs', SourceArn=self.arn('dead'))
                         ['Results'][0]['Status'], 'RUNNING')
        self.raw('CancelMessageMoveTask', 'sqs', TaskHandle=task)
        self.raw('PurgeQueue', 'sqs', QueueUrl=url)
        self.raw('DeleteQueue', 'sqs', QueueUrl=url)


if __name__ == '__main__':
    main()
