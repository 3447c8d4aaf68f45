#!/usr/bin/python3
"""Event source mappings: queues that feed functions."""
import json

import functions
import local_server
import roles
from functions import function_arn
from local_server import ACCOUNT, OTHER_ACCOUNT, REGION

NO_QUEUE = ('Error occurred while ReceiveMessage. SQS Error Code: '
            'AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does '
            'not exist.')
PATH = '/2015-03-31/event-source-mappings'
NO_SUCH = 'The resource you requested does not exist.'


class Mappings(functions.Functions):
    def setUp(self):
        super().setUp()
        self.url, self.arn = self.queue()

    def map(self, function='f', arn=None, **arguments):
        return self.create(FunctionName=function, EventSourceArn=arn or self.arn,
                           **arguments)['UUID']

    def create(self, **arguments):
        return self.rest('CreateEventSourceMapping', 'POST', PATH, arguments)

    def send(self, *bodies, url=None, **arguments):
        for body in bodies:
            self.sqs.send_message(QueueUrl=url or self.url, MessageBody=body, **arguments)


class Operations(Mappings):
    def test_the_life_of_a_mapping(self):
        self.function()
        made = self.create(
            FunctionName='f', EventSourceArn=self.arn, BatchSize=5,
            FunctionResponseTypes=['ReportBatchItemFailures'],
            ScalingConfig={'MaximumConcurrency': 2},
            FilterCriteria={'Filters': [{'Pattern': '{"body":{"a":[1]}}'}]})
        number = made['UUID']
        self.assertIsNotNone(made.pop('LastModified'))
        self.assertEqual(made, {
            'UUID': number, 'BatchSize': 5, 'MaximumBatchingWindowInSeconds': 0,
            'EventSourceArn': self.arn, 'FunctionArn': function_arn(), 'State': 'Creating',
            'StateTransitionReason': 'USER_INITIATED',
            'FunctionResponseTypes': ['ReportBatchItemFailures'],
            'ScalingConfig': {'MaximumConcurrency': 2},
            'FilterCriteria': {'Filters': [{'Pattern': '{"body":{"a":[1]}}'}]},
            'EventSourceMappingArn':
                f'arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{number}'})
        found = self.functions.get_event_source_mapping(UUID=number)
        self.assertEqual(found['State'], 'Enabled')
        states = [self.functions.update_event_source_mapping(UUID=number, **change)['State']
                  for change in ({'Enabled': False}, {'BatchSize': 7}, {'Enabled': True})]
        self.assertEqual(states, ['Disabling', 'Updating', 'Enabling'])
        self.rest('UpdateEventSourceMapping', 'PUT', f'{PATH}/{number}', {
            'Enabled': False, 'ScalingConfig': {}, 'FilterCriteria': {},
            'FunctionResponseTypes': []})
        found = self.rest('GetEventSourceMapping', 'GET', f'{PATH}/{number}')
        self.assertEqual((found['State'], found['BatchSize']), ('Disabled', 7))
        self.assertFalse({'ScalingConfig', 'FilterCriteria', 'FunctionResponseTypes'} & set(found))
        self.assertEqual(self.functions.delete_event_source_mapping(UUID=number)['State'],
                         'Deleting')
        for operation in ('get', 'update', 'delete'):
            self.refused('ResourceNotFoundException',
                         getattr(self.functions, operation + '_event_source_mapping'), NO_SUCH,
                         UUID=number)

    def test_lists(self):
        self.function()
        self.function('g')
        other, other_arn = self.queue('other')
        made = {self.map('f'): ('f', self.arn), self.map('g'): ('g', self.arn),
                self.map('f', other_arn): ('f', other_arn)}

        def listed(**arguments):
            pages = self.functions.get_paginator('list_event_source_mappings').paginate(
                PaginationConfig={'PageSize': 2}, **arguments)
            return sorted(one['UUID'] for page in pages for one in page['EventSourceMappings'])
        self.assertEqual(listed(), sorted(made))
        self.assertEqual(listed(FunctionName='f'),
                         sorted(one for one in made if made[one][0] == 'f'))
        self.assertEqual(listed(EventSourceArn=other_arn),
                         [one for one in made if made[one][1] == other_arn])
        self.refused('ResourceNotFoundException', self.functions.list_event_source_mappings,
                     FunctionName='none')
        self.refused('InvalidParameterValueException', self.functions.list_event_source_mappings,
                     Marker='bm9uZQ==')

    def test_twice_the_same(self):
        self.function()
        number = self.map()
        self.refused('ResourceConflictException', self.functions.create_event_source_mapping,
                     f'An event source mapping with SQS arn (" {self.arn} ") and function (" f ") '
                     'already exists. Please update or delete the existing mapping with UUID '
                     + number, FunctionName='f', EventSourceArn=self.arn)
        self.function('g')
        second = self.map('g')
        self.refused('ResourceConflictException', self.functions.update_event_source_mapping,
                     UUID=second, FunctionName='f')

    def test_refusals(self):
        self.function(Timeout=40)
        _, slow = self.queue('slow', VisibilityTimeout='39')
        _, good = self.queue('good', VisibilityTimeout='40')
        _, fifo = self.queue('q.fifo', FifoQueue='true', VisibilityTimeout='40')
        kinesis = f'arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s'
        for message, arguments in (
                (NO_QUEUE, {'EventSourceArn': self.arn + 'x'}),
                (NO_QUEUE, {'EventSourceArn': good.replace(REGION, 'eu-west-1')}),
                ('Function does not exist', {'FunctionName': 'none'}),
                ('Unrecognized event source, must be kinesis, dynamodb stream or sqs. Unsupported '
                 f'source arn : {kinesis}', {'EventSourceArn': kinesis}),
                ('Queue visibility timeout: 39 seconds is less than Function timeout: 40 seconds',
                 {'EventSourceArn': slow}),
                ('Maximum batch window in seconds must be greater than 0 if maximum batch size is '
                 'greater than 10', {'BatchSize': 11}),
                ('Batching window is not supported for FIFO queues',
                 {'EventSourceArn': fifo, 'MaximumBatchingWindowInSeconds': 1}),
                ('Batch size must not exceed 10 for FIFO queues',
                 {'EventSourceArn': fifo, 'BatchSize': 11}),
                ('Invalid filter pattern definition.',
                 {'FilterCriteria': {'Filters': [{'Pattern': '{"a": 1}'}]}}),
                ('The number of filters exceeds the maximum of 5.',
                 {'FilterCriteria': {'Filters': [{'Pattern': '{"body":["a"]}'}] * 6}}),
                ('StartingPosition is not valid for SQS event sources.',
                 {'StartingPosition': 'LATEST'}),
                ('KMSKeyArn is not supported here.', {'KMSKeyArn': 'alias/a'}),
                ('Tags is not supported here.', {'Tags': {'a': 'b'}})):
            with self.subTest(**arguments):
                found = self.rest('CreateEventSourceMapping', 'POST', PATH, {
                    'FunctionName': 'f', 'EventSourceArn': good, **arguments},
                    code='InvalidParameterValueException')
                self.assertEqual(found['message'], message)
        self.refused('InvalidParameterValueException', self.functions.create_event_source_mapping,
                     'Unrecognized event source.', FunctionName='f')
        number = self.map(arn=good)
        self.refused('InvalidParameterValueException', self.functions.update_event_source_mapping,
                     UUID=number, BatchSize=11)
        self.refused('InvalidParameterValueException', self.functions.update_event_source_mapping,
                     'Function does not exist', UUID=number, FunctionName='none')

    def test_the_role_s_permissions(self):
        needed = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes']
        for number, missing in enumerate(needed):
            name = f'f{number}'
            role = roles.make(self.server, name, roles.allow(
                [action for action in needed if action != missing]), trusts=functions.LAMBDA)
            self.function(name, role=role)
            self.refused('InvalidParameterValueException',
                         self.functions.create_event_source_mapping,
                         'The provided execution role does not have permissions to call '
                         f'{missing[4:]} on SQS', FunctionName=name, EventSourceArn=self.arn)

    def test_permissions_by_function(self):
        """lambda:FunctionArn narrows who may map what to which function."""
        self.function()
        self.function('g')
        mine = {'ArnEquals': {'lambda:FunctionArn': function_arn('f')}}
        keys = roles.assume(self.server, roles.make(
            self.server, 'mapper', roles.allow('lambda:*', Condition=mine)))
        theirs, number = self.client('lambda', keys=keys), self.map('g')
        made = theirs.create_event_source_mapping(FunctionName='f', EventSourceArn=self.arn)
        theirs.delete_event_source_mapping(UUID=made['UUID'])
        self.refused('AccessDeniedException', theirs.create_event_source_mapping,
                     FunctionName='g', EventSourceArn=self.arn)
        self.refused('AccessDeniedException', theirs.delete_event_source_mapping, UUID=number)

    def test_other_accounts(self):
        """A queue of another account feeds a function when its policy lets the role; mappings are
        seen by their owner alone."""
        role = f'arn:aws:iam::{ACCOUNT}:role/function-role'
        self.function()
        arn = f'arn:aws:sqs:{REGION}:{OTHER_ACCOUNT}:theirs'
        sqs = self.client('sqs', account=OTHER_ACCOUNT)
        url = sqs.create_queue(QueueName='theirs')['QueueUrl']
        self.refused('InvalidParameterValueException', self.functions.create_event_source_mapping,
                     FunctionName='f', EventSourceArn=arn)
        sqs.set_queue_attributes(QueueUrl=url, Attributes={'Policy': roles.policy({
            'Effect': 'Allow', 'Principal': {'AWS': role}, 'Resource': arn,
            'Action': ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes']})})
        number = self.map(arn=arn)
        self.refused('ResourceNotFoundException',
                     self.client('lambda', account=OTHER_ACCOUNT).get_event_source_mapping,
                     UUID=number)
        sqs.send_message(QueueUrl=url, MessageBody='from there')
        self.assertEqual(self.relay.next().bodies, ['from there'])


class Work(Mappings):
    def test_a_rule_a_queue_a_function(self):
        self.function()
        self.map()
        self.rule({'source': ['aws.ssm'], 'detail-type': ['Parameter Store Change']}, self.arn)
        self.ssm.put_parameter(Name='/a', Value='v', Type='String')
        found = self.relay.next()
        record, = found.event['Records']
        self.assertEqual(json.loads(record['body'])['detail']['name'], '/a')
        self.assertEqual(set(record), {
            'messageId', 'receiptHandle', 'body', 'attributes', 'messageAttributes', 'md5OfBody',
            'eventSource', 'eventSourceARN', 'awsRegion'})
        self.assertEqual(set(record['attributes']), {
            'ApproximateReceiveCount', 'SentTimestamp', 'SenderId',
            'ApproximateFirstReceiveTimestamp'})
        self.assertEqual((record['eventSource'], record['eventSourceARN'], record['awsRegion'],
                          record['attributes']['ApproximateReceiveCount']),
                         ('aws:sqs', self.arn, REGION, '1'))
        self.assertEqual(self.count(self.url), (0, 1))
        found.answer()
        self.until(lambda: self.count(self.url) == (0, 0))

    def test_what_is_in_the_queue_already(self):
        self.function()
        self.send('a', 'b')
        self.map()
        self.assertEqual(sorted(self.relay.next().bodies), ['a', 'b'])

    def test_failures_come_again_and_go_to_the_dead_letters(self):
        dead, dead_arn = self.queue('dead')
        self.function()
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={'RedrivePolicy': json.dumps(
            {'deadLetterTargetArn': dead_arn, 'maxReceiveCount': 2})})
        self.map()
        self.send('a')
        for count in ('1', '2'):
            found = self.relay.next()
            self.assertEqual(found.event['Records'][0]['attributes']['ApproximateReceiveCount'],
                             count)
            found.fail()
            self.relay.nothing()
            self.server.clock(advance=31)
        self.assertEqual(self.message(dead)['Body'], 'a')
        self.relay.nothing()

    def test_partial_answers(self):
        self.function()
        self.send('a', 'b', 'c')
        self.map(FunctionResponseTypes=['ReportBatchItemFailures'])
        found = self.relay.next()
        failed = [one['messageId'] for one in found.event['Records'] if one['body'] != 'b']
        found.answer({'batchItemFailures': [{'itemIdentifier': one} for one in failed]})
        self.until(lambda: self.count(self.url) == (0, 2))
        self.server.clock(advance=31)
        found = self.relay.next()
        self.assertEqual(sorted(found.bodies), ['a', 'c'])
        found.answer({'batchItemFailures': [{'itemIdentifier': 'none'}]})  # all of them
        self.relay.nothing()
        self.assertEqual(self.count(self.url), (0, 2))
        self.server.clock(advance=31)
        self.relay.next().answer({'batchItemFailures': []})
        self.until(lambda: self.count(self.url) == (0, 0))

    def test_such_answers_are_nothing_without_being_asked_for(self):
        self.function()
        self.map()
        self.send('a')
        found = self.relay.next()
        found.answer({'batchItemFailures': [
            {'itemIdentifier': found.event['Records'][0]['messageId']}]})
        self.until(lambda: self.count(self.url) == (0, 0))

    def test_fifo(self):
        """A group's messages come in order, and not before the earlier ones are done with."""
        url, arn = self.queue('q.fifo', FifoQueue='true', ContentBasedDeduplication='true')
        self.function()
        self.map(arn=arn, BatchSize=2)
        self.send('a1', url=url, MessageGroupId='a')
        first = self.relay.next()
        self.send('a2', 'a3', url=url, MessageGroupId='a')
        self.send('b1', url=url, MessageGroupId='b')
        other = self.relay.next()
        self.assertEqual((first.bodies, other.bodies), (['a1'], ['b1']))
        self.assertEqual(first.event['Records'][0]['attributes']['MessageGroupId'], 'a')
        self.relay.nothing()
        other.answer()
        first.fail()
        self.until(lambda: self.count(url) == (2, 1))  # b1 is gone, a2 and a3 wait for a1
        self.relay.nothing()
        self.server.clock(advance=31)
        again = self.relay.next()
        self.assertEqual(again.bodies, ['a1', 'a2'])
        again.answer()
        self.assertEqual(self.relay.next().bodies, ['a3'])

    def test_partial_answers_of_a_fifo_queue(self):
        """What is not named is deleted, the rest comes again in its order."""
        url, arn = self.queue('q.fifo', FifoQueue='true', ContentBasedDeduplication='true')
        self.function()
        self.send('1', '2', '3', url=url, MessageGroupId='a')
        self.map(arn=arn, BatchSize=3, FunctionResponseTypes=['ReportBatchItemFailures'])
        found = self.relay.next()
        self.assertEqual(found.bodies, ['1', '2', '3'])
        found.answer({'batchItemFailures': [{'itemIdentifier': one['messageId']}
                                            for one in found.event['Records'][1:]]})
        self.until(lambda: self.count(url) == (0, 2))
        self.relay.nothing()
        self.server.clock(advance=31)
        again = self.relay.next()
        self.assertEqual(again.bodies, ['2', '3'])
        again.answer()
        self.until(lambda: self.count(url) == (0, 0))

    def test_filters(self):
        """What no filter wants is deleted."""
        self.function()
        self.map(FilterCriteria={'Filters': [{'Pattern': '{"body":{"n":[{"numeric":[">",1]}]}}'},
                                             {'Pattern': '{"body":["plain"]}'}]})
        self.send('{"n": 1}', 'other')
        self.until(lambda: self.count(self.url) == (0, 0))
        self.relay.nothing()
        self.send('{"n": 2}')
        self.assertEqual(self.relay.next().bodies, ['{"n": 2}'])
        self.send('plain')
        self.assertEqual(self.relay.next().bodies, ['plain'])

    def test_a_window(self):
        """A batch goes when it is full, or when its window has passed."""
        self.function()
        self.map(BatchSize=3, MaximumBatchingWindowInSeconds=20)
        self.send('a', 'b')
        self.until(lambda: self.count(self.url) == (0, 2))
        self.relay.nothing()
        self.send('c')
        self.assertEqual(sorted(self.relay.next().bodies), ['a', 'b', 'c'])
        self.send('d')
        self.until(lambda: self.count(self.url) == (0, 4))
        self.relay.nothing()
        self.server.clock(advance=21)
        self.assertEqual(self.relay.next().bodies, ['d'])

    def test_concurrency(self):
        self.function()
        self.map(BatchSize=1, ScalingConfig={'MaximumConcurrency': 2})
        self.send(*'abcd')
        running = [self.relay.next() for _ in range(2)]
        self.relay.nothing()
        self.assertEqual(self.count(self.url), (2, 2))  # not received before there is room
        running.pop().answer()
        running.append(self.relay.next())
        self.relay.nothing()

    def test_a_throttled_function_burns_no_receives(self):
        self.function()
        self.functions.put_function_concurrency(FunctionName='f', ReservedConcurrentExecutions=0)
        self.map()
        self.send('a')
        self.until(lambda: self.count(self.url) == (0, 1))
        self.send('b')
        self.relay.nothing()
        self.assertEqual(self.count(self.url), (1, 1))
        self.functions.delete_function_concurrency(FunctionName='f')
        self.server.clock(advance=10)
        records = [self.relay.next().event['Records'][0] for _ in range(2)]
        self.assertCountEqual([(one['body'], one['attributes']['ApproximateReceiveCount'])
                               for one in records], [('a', '1'), ('b', '1')])

    def test_disabled_and_deleted(self):
        self.function()
        number = self.map(Enabled=False)
        self.send('a')
        self.relay.nothing()
        self.functions.update_event_source_mapping(UUID=number, Enabled=True)
        found = self.relay.next()
        self.functions.delete_event_source_mapping(UUID=number)
        self.send('b')
        self.relay.nothing()
        found.answer()  # what is under way is finished
        self.until(lambda: self.count(self.url) == (1, 0))

    def test_a_role_that_may_not_read_any_more(self):
        self.function()
        self.map()
        iam = self.client('iam')
        iam.put_role_policy(RoleName='function-role', PolicyName='inline',
                            PolicyDocument=roles.policy(roles.allow('sqs:DeleteMessage')))
        self.send('a')
        self.until(lambda: 'the role may not read the queue' in self.server.errors())
        self.relay.nothing()
        self.assertEqual(self.count(self.url), (1, 0))
        iam.put_role_policy(RoleName='function-role', PolicyName='inline',
                            PolicyDocument=roles.policy(roles.allow('sqs:*')))
        self.assertEqual(self.relay.next().bodies, ['a'])

    def test_by_the_aws_command_line(self):
        self.function()
        made = json.loads(self.server.cli(
            'lambda', 'create-event-source-mapping', '--function-name', 'f', '--event-source-arn',
            self.arn, '--batch-size', '1'))
        self.send('a')
        self.assertEqual(self.relay.next().bodies, ['a'])
        self.assertEqual(json.loads(self.server.cli(
            'lambda', 'delete-event-source-mapping', '--uuid', made['UUID']))['State'], 'Deleting')


if __name__ == '__main__':
    local_server.main()
