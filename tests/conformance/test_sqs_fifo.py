"""SQS: FIFO queues: order within groups, deduplication, receive attempts."""
import json

from local_server import ACCOUNT, REGION, Conformance, main


class Fifo(Conformance):
    def setUp(self):
        super().setUp()
        self.sqs = self.client('sqs')
        self.server.clock(advance=0, stopped=True)

    def make(self, name='q.fifo', **attributes):
        return self.sqs.create_queue(QueueName=name, Attributes=dict(
            {'FifoQueue': 'true', 'ContentBasedDeduplication': 'true'}, **attributes))['QueueUrl']

    def send(self, url, body, group='g', **more):
        return self.sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, **more)

    def take(self, url, most=10, **more):
        return self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=most,
                                        **more).get('Messages', [])

    def bodies(self, *arguments, **more):
        return [one['Body'] for one in self.take(*arguments, **more)]

    def delete(self, url, *messages):
        for one in messages:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=one['ReceiptHandle'])

    def test_order_within_a_group(self):
        url = self.make()
        for i in range(12):
            self.send(url, str(i))
        self.assertEqual(self.bodies(url), [str(i) for i in range(10)])
        self.assertEqual(self.bodies(url), [])  # the group is in flight
        self.server.clock(advance=30)
        self.assertEqual(self.bodies(url, 1), ['0'])

    def test_one_in_flight_holds_its_group_only(self):
        url = self.make()
        for body, group in (('a1', 'a'), ('b1', 'b'), ('a2', 'a'), ('b2', 'b')):
            self.send(url, body, group)
        first, = self.take(url, 1)
        self.assertEqual(first['Body'], 'a1')
        second, = self.take(url, 1)
        self.assertEqual(second['Body'], 'b1')
        self.assertEqual(self.bodies(url), [])
        self.delete(url, first)
        self.assertEqual(self.bodies(url), ['a2'])
        self.server.clock(advance=30)
        self.assertEqual(self.bodies(url), ['b1', 'a2', 'b2'])

    def test_numbers_grow(self):
        url = self.make()
        sent = [self.send(url, str(i))['SequenceNumber'] for i in range(3)]
        self.assertEqual(sent, sorted(set(sent)))
        self.assertEqual({len(number) for number in sent}, {20})
        got = self.take(url, AttributeNames=['All'])
        self.assertEqual([one['Attributes']['SequenceNumber'] for one in got], sent)
        self.assertEqual(got[0]['Attributes']['MessageGroupId'], 'g')
        self.assertEqual(len(got[0]['Attributes']['MessageDeduplicationId']), 64)

    def test_the_same_content_is_sent_once_in_five_minutes(self):
        url = self.make()
        first = self.send(url, 'm')
        self.delete(url, *self.take(url))
        again = self.send(url, 'm', group='other')
        self.assertEqual((again['MessageId'], again['SequenceNumber']),
                         (first['MessageId'], first['SequenceNumber']))
        self.assertEqual(self.bodies(url), [])
        self.server.clock(advance=300)
        self.assertNotEqual(self.send(url, 'm')['MessageId'], first['MessageId'])
        self.assertEqual(self.bodies(url), ['m'])

    def test_deduplication_by_id_and_group(self):
        url = self.make(ContentBasedDeduplication='false')
        self.refused('InvalidParameterValue', self.send, url=url, body='m',
                     message='The queue should either have ContentBasedDeduplication enabled or '
                     'MessageDeduplicationId provided explicitly')
        self.send(url, 'a', MessageDeduplicationId='1')
        self.send(url, 'b', MessageDeduplicationId='1')
        self.send(url, 'c', group='h', MessageDeduplicationId='1')
        self.assertEqual(self.bodies(url), ['a'])
        scoped = self.make('s.fifo', DeduplicationScope='messageGroup')
        self.send(scoped, 'x')
        self.send(scoped, 'x')
        self.send(scoped, 'x', group='h')
        self.assertEqual(self.bodies(scoped), ['x', 'x'])

    def test_what_fifo_wants_and_does_not_want(self):
        url = self.make()
        self.refused('MissingParameter', self.sqs.send_message, QueueUrl=url, MessageBody='m',
                     message='The request must contain the parameter MessageGroupId.')
        self.refused('InvalidParameterValue', self.send, url=url, body='m', DelaySeconds=1)
        self.refused('InvalidParameterValue', self.send, url=url, body='m', group='a b')
        self.refused('InvalidParameterValue', self.send, url=url, body='m',
                     MessageDeduplicationId='x' * 129)

    def test_a_delayed_queue_keeps_its_order(self):
        url = self.make(DelaySeconds='10')
        self.send(url, 'a')
        self.server.clock(advance=5)
        self.send(url, 'b')
        self.server.clock(advance=5)
        self.assertEqual(self.bodies(url), ['a'])
        self.server.clock(advance=5)
        self.assertEqual(self.bodies(url), [])

    def test_deleting_wants_a_message_in_flight(self):
        url = self.make()
        self.send(url, 'm')
        got, = self.take(url)
        self.server.clock(advance=30)
        found = self.refused('InvalidParameterValue', self.sqs.delete_message, QueueUrl=url,
                             ReceiptHandle=got['ReceiptHandle'])
        self.assertIn('Reason: The receipt handle has expired.', found['Error']['Message'])
        again, = self.take(url)
        self.delete(url, again, again)

    def test_an_attempt_repeated_gets_the_same(self):
        url = self.make()
        for body in 'abc':
            self.send(url, body)
        first = self.take(url, 2, ReceiveRequestAttemptId='one')
        self.server.clock(advance=20)
        again = self.take(url, 2, ReceiveRequestAttemptId='one')
        self.assertEqual([one['MessageId'] for one in first], [one['MessageId'] for one in again])
        self.server.clock(advance=20)  # its visibility began anew
        self.assertEqual(self.bodies(url, ReceiveRequestAttemptId='two'), [])
        self.delete(url, again[0])
        self.assertEqual(self.bodies(url, ReceiveRequestAttemptId='one'), [])

    def test_dead_letters_of_fifo_queues(self):
        dead = self.make('dead.fifo')
        url = self.make(VisibilityTimeout='0', RedrivePolicy=json.dumps({
            'deadLetterTargetArn': f'arn:aws:sqs:{REGION}:{ACCOUNT}:dead.fifo',
            'maxReceiveCount': 1}))
        self.send(url, 'poison')
        self.send(url, 'fine')
        self.assertEqual(self.bodies(url, 1), ['poison'])
        self.assertEqual(self.bodies(url, 1), ['fine'])
        one, = self.take(dead, AttributeNames=['All'])
        self.assertEqual((one['Body'], one['Attributes']['MessageGroupId']), ('poison', 'g'))


if __name__ == '__main__':
    main()
