"""SQS: messages of standard queues: sending, receiving, waiting, batches, dead letters."""
import contextlib
import hashlib
import json
import os
import sqlite3
import tempfile
import threading
import time
import unittest

from botocore.exceptions import ClientError

from local_server import ACCOUNT, REGION, Conformance, LocalServer, main

DAY = 86400


class Messages(Conformance):
    def setUp(self):
        super().setUp()
        self.sqs = self.client('sqs')

    def make(self, name='q', **attributes):
        return self.sqs.create_queue(QueueName=name, Attributes=attributes)['QueueUrl']

    def arn(self, name):
        return f'arn:aws:sqs:{REGION}:{ACCOUNT}:{name}'

    def send(self, url, body='m', **more):
        return self.sqs.send_message(QueueUrl=url, MessageBody=body, **more)

    def take(self, url, most=10, **more):
        return self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=most,
                                        **more).get('Messages', [])

    def bodies(self, url, **more):
        return [one['Body'] for one in self.take(url, **more)]

    def stand(self):
        """The server's clock moves only when told from here on."""
        self.server.clock(advance=0, stopped=True)

    # --- sending ----------------------------------------------------------------------------------

    def test_body_and_attributes_come_as_they_went(self):
        url, body = self.make(), 'a\tb\r\n<&>"é\U0001f600'
        sent = self.send(url, body, MessageAttributes={
            'text': {'DataType': 'String.mine', 'StringValue': 'x'},
            'count': {'DataType': 'Number', 'StringValue': '-1.5e3'},
            'bytes': {'DataType': 'Binary', 'BinaryValue': b'\0\xff'}},
            MessageSystemAttributes={'AWSTraceHeader': {'DataType': 'String',
                                                        'StringValue': 'Root=1'}})
        self.assertEqual(sent['MD5OfMessageBody'], hashlib.md5(body.encode()).hexdigest())
        one, = self.take(url, AttributeNames=['All'], MessageAttributeNames=['All'])
        self.assertEqual((one['Body'], one['MessageId'], one['MD5OfBody']),
                         (body, sent['MessageId'], sent['MD5OfMessageBody']))
        self.assertEqual(one['MD5OfMessageAttributes'], sent['MD5OfMessageAttributes'])
        self.assertEqual(one['MessageAttributes']['bytes'],
                         {'DataType': 'Binary', 'BinaryValue': b'\0\xff'})
        self.assertEqual(one['Attributes']['AWSTraceHeader'], 'Root=1')
        self.assertEqual(one['Attributes']['ApproximateReceiveCount'], '1')
        self.assertEqual(one['Attributes']['SenderId'],
                         self.client('sts').get_caller_identity()['UserId'])
        self.assertAlmostEqual(int(one['Attributes']['SentTimestamp']) / 1000, time.time(),
                               delta=60)

    def test_md5_of_attributes_as_aws_counts_it(self):
        def part(data):
            return len(data).to_bytes(4, 'big') + data
        expected = hashlib.md5(
            part(b'a') + part(b'Binary') + b'\2' + part(b'\0') +
            part(b'b') + part(b'String') + b'\1' + part(b'v')).hexdigest()
        sent = self.send(self.make(), MessageAttributes={
            'b': {'DataType': 'String', 'StringValue': 'v'},
            'a': {'DataType': 'Binary', 'BinaryValue': b'\0'}})
        self.assertEqual(sent['MD5OfMessageAttributes'], expected)

    def test_only_the_attributes_asked_for(self):
        url = self.make(VisibilityTimeout='0')
        self.send(url, MessageAttributes={name: {'DataType': 'String', 'StringValue': 'v'}
                                          for name in ('a.x', 'a.y', 'b')})
        for names, seen in ((['a.*'], {'a.x', 'a.y'}),
                            (['b'], {'b'}), (['.*'], {'a.x', 'a.y', 'b'}),
                            (['c'], set()), ([], set())):
            one, = self.take(url, MessageAttributeNames=names)
            self.assertEqual(set(one.get('MessageAttributes', {})), seen)
            self.assertEqual('MD5OfMessageAttributes' in one, bool(seen))
            self.assertNotIn('Attributes', one)
        self.refused('InvalidAttributeName', self.sqs.receive_message, QueueUrl=url,
                     AttributeNames=['Colour'])

    def test_what_is_no_message(self):
        url = self.make(MaximumMessageSize='1024')
        attribute = {'DataType': 'String', 'StringValue': 'v'}
        for code, more, text in (
                ('MissingParameter', {'MessageBody': ''},
                 'The request must contain the parameter MessageBody.'),
                ('InvalidMessageContents', {'MessageBody': 'a\1b'}, None),
                ('InvalidMessageContents', {'MessageBody': 'a\uffffb'}, None),
                ('InvalidParameterValue', {'MessageBody': 'x' * 1025},
                 'One or more parameters are invalid. Reason: Message must be shorter than 1024 '
                 'bytes.'),
                ('InvalidParameterValue', {'MessageBody': 'x' * 1020,
                                           'MessageAttributes': {'n': attribute}}, None),
                ('InvalidParameterValue', {'DelaySeconds': 901}, 'Value 901 for parameter '
                 'DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.'),
                ('InvalidParameterValue', {'MessageDeduplicationId': 'd'}, None),
                ('InvalidParameterValue', {'MessageGroupId': 'ä'}, None),
                ('InvalidParameterValue', {'MessageAttributes': {str(i): attribute
                                                                 for i in range(11)}},
                 'Number of message attributes [11] exceeds the allowed maximum [10].'),
                ('InvalidParameterValue', {'MessageAttributes': {'AWS.x': attribute}}, None),
                ('InvalidParameterValue', {'MessageAttributes': {'n': {
                    'DataType': 'Colour', 'StringValue': 'v'}}},
                 "The message attribute 'n' has an invalid message attribute type, the set of "
                 "supported type prefixes is Binary, Number, and String."),
                ('InvalidParameterValue', {'MessageAttributes': {'n': {
                    'DataType': 'Number', 'StringValue': 'x'}}},
                 "Can't cast the value of message (user) attribute 'n' to a number."),
                ('InvalidParameterValue', {'MessageAttributes': {'n': {'DataType': 'String'}}},
                 "The message attribute 'n' must contain non-empty message attribute value for "
                 "message attribute type 'String'."),
                ('InvalidParameterValue', {'MessageSystemAttributes': {'Colour': attribute}},
                 "Message system attribute name 'Colour' is invalid.")):
            with self.subTest(more=str(more)[:60]):
                self.refused(code, self.sqs.send_message, message=text,
                             **{'QueueUrl': url, 'MessageBody': 'm', **more})
        self.refused('AWS.SimpleQueueService.UnsupportedOperation', self.sqs.send_message,
                     QueueUrl=url, MessageBody='m', MessageAttributes={'n': {
                         'DataType': 'String', 'StringListValues': ['a']}})
        self.assertEqual(self.take(url), [])

    def test_a_mebibyte_passes(self):
        url, body = self.make(), '%' * (1024 * 1024)
        self.send(url, body)
        self.assertEqual(self.bodies(url), [body])
        self.refused('InvalidParameterValue', self.send, url=url, body=body + '%')

    def test_delays(self):
        self.stand()
        url = self.make(DelaySeconds='10')
        self.send(url, 'queue')
        self.send(url, 'own', DelaySeconds=20)
        self.send(url, 'now', DelaySeconds=0)
        self.assertEqual(self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[
            'ApproximateNumberOfMessagesDelayed'])['Attributes'],
            {'ApproximateNumberOfMessagesDelayed': '2'})
        self.assertEqual(self.bodies(url), ['now'])
        self.server.clock(advance=10)
        self.assertEqual(self.bodies(url), ['queue'])
        self.server.clock(advance=10)
        self.assertEqual(self.bodies(url), ['own'])

    # --- receiving --------------------------------------------------------------------------------

    def test_visibility(self):
        self.stand()
        url = self.make(VisibilityTimeout='30')
        self.send(url)
        first, = self.take(url)
        self.assertEqual(self.take(url), [])
        self.server.clock(advance=29)
        self.assertEqual(self.take(url), [])
        self.server.clock(advance=1)
        second, = self.take(url, VisibilityTimeout=5, AttributeNames=['All'])
        self.assertEqual(second['Attributes']['ApproximateReceiveCount'], '2')
        self.assertNotEqual(first['ReceiptHandle'], second['ReceiptHandle'])
        change = self.sqs.change_message_visibility
        change(QueueUrl=url, ReceiptHandle=second['ReceiptHandle'], VisibilityTimeout=100)
        self.server.clock(advance=99)
        self.assertEqual(self.take(url), [])
        change(QueueUrl=url, ReceiptHandle=second['ReceiptHandle'], VisibilityTimeout=0)
        third, = self.take(url)
        self.refused('AWS.SimpleQueueService.MessageNotInflight', change, QueueUrl=url,
                     ReceiptHandle=second['ReceiptHandle'], VisibilityTimeout=1)
        for value in (-1, 43201):
            self.refused('InvalidParameterValue', change, QueueUrl=url,
                         ReceiptHandle=third['ReceiptHandle'], VisibilityTimeout=value)
        self.server.clock(advance=10)
        self.refused('InvalidParameterValue', change, QueueUrl=url,
                     ReceiptHandle=third['ReceiptHandle'], VisibilityTimeout=43200)
        self.refused('ReceiptHandleIsInvalid', change, QueueUrl=url, ReceiptHandle='x',
                     VisibilityTimeout=1)

    def test_deleting(self):
        self.stand()
        url, other = self.make(), self.make('other')
        self.send(url)
        first, = self.take(url)
        self.server.clock(advance=31)
        self.refused('ReceiptHandleIsInvalid', self.sqs.delete_message, QueueUrl=other,
                     ReceiptHandle=first['ReceiptHandle'])
        second, = self.take(url)
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=first['ReceiptHandle'])  # too old
        self.server.clock(advance=31)
        third, = self.take(url)
        self.server.clock(advance=31)  # visible, but nobody received it since
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=third['ReceiptHandle'])
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=third['ReceiptHandle'])
        self.assertEqual(self.take(url), [])
        self.refused('ReceiptHandleIsInvalid', self.sqs.delete_message, QueueUrl=url,
                     ReceiptHandle='x', message='The input receipt handle "x" is not a valid '
                     'receipt handle.')
        self.refused('InvalidParameterValue', self.sqs.change_message_visibility, QueueUrl=url,
                     ReceiptHandle=second['ReceiptHandle'], VisibilityTimeout=1)

    def test_ranges(self):
        url = self.make()
        for name, value, text in (
                ('MaxNumberOfMessages', 11, 'between 1 and 10'),
                ('MaxNumberOfMessages', 0, 'between 1 and 10'),
                ('WaitTimeSeconds', 21, '>= 0 and <= 20'),
                ('VisibilityTimeout', 43201, '>= 0 and <= 43200')):
            self.refused('InvalidParameterValue', self.sqs.receive_message, QueueUrl=url,
                         message=f'Value {value} for parameter {name} is invalid. Reason: Must be '
                         f'{text}, if provided.', **{name: value})
        self.refused('InvalidParameterValue', self.sqs.receive_message, QueueUrl=url,
                     ReceiveRequestAttemptId='a')

    def test_retention(self):
        self.stand()
        url = self.make(MessageRetentionPeriod='60')
        self.send(url, 'old')
        self.server.clock(advance=59)
        self.send(url, 'young')
        self.server.clock(advance=1)
        self.assertEqual(self.sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=['ApproximateNumberOfMessages'])['Attributes'],
            {'ApproximateNumberOfMessages': '1'})
        self.assertEqual(self.bodies(url), ['young'])

    def test_purging(self):
        self.stand()
        url = self.make()
        self.send(url)
        self.sqs.purge_queue(QueueUrl=url)
        self.assertEqual(self.take(url), [])
        found = self.refused('AWS.SimpleQueueService.PurgeQueueInProgress', self.sqs.purge_queue,
                             QueueUrl=url, message='Only one PurgeQueue operation on q is allowed '
                             'every 60 seconds.')
        self.assertEqual(found['ResponseMetadata']['HTTPStatusCode'], 403)
        self.server.clock(advance=60)
        self.sqs.purge_queue(QueueUrl=url)

    # --- waiting ----------------------------------------------------------------------------------

    def waiting(self, url, seconds=15, count=1):
        """Calls that wait, each in a thread; a function that gives what they received."""
        results = []
        clients = [self.client('sqs') for _ in range(count)]
        threads = [threading.Thread(target=lambda one=one: results.extend(one.receive_message(
            QueueUrl=url, WaitTimeSeconds=seconds).get('Messages', []))) for one in clients]
        for thread in threads:
            thread.start()

        def result():
            for thread in threads:
                thread.join(60)
                self.assertFalse(thread.is_alive(), 'a call waits still')
            return [one['Body'] for one in results]
        return result

    def test_a_send_wakes_who_waits(self):
        url, other = self.make(), self.make('other')
        result, idle = self.waiting(url), self.waiting(other, 1)
        time.sleep(0.2)
        self.send(url, 'late')
        self.assertEqual(result(), ['late'])
        self.assertEqual(idle(), [])

    def test_each_message_wakes_one(self):
        url = self.make()
        result = self.waiting(url, count=8)
        time.sleep(0.2)
        for i in range(8):
            self.send(url, str(i))
        self.assertEqual(sorted(result()), [str(i) for i in range(8)])

    def test_waiting_ends_by_itself(self):
        url = self.make(ReceiveMessageWaitTimeSeconds='1')
        start = time.monotonic()
        self.assertEqual(self.take(url), [])
        self.assertGreaterEqual(time.monotonic() - start, 1)
        url = self.make('other', ReceiveMessageWaitTimeSeconds='20')
        start = time.monotonic()
        self.assertEqual(self.take(url, WaitTimeSeconds=0), [])
        self.assertLess(time.monotonic() - start, 20)

    def test_a_message_becomes_visible_while_somebody_waits(self):
        url = self.make()
        self.send(url, 'delayed', DelaySeconds=1)
        self.assertEqual(self.waiting(url)(), ['delayed'])
        url = self.make('other')
        self.stand()
        self.send(url, 'much delayed', DelaySeconds=900)
        result = self.waiting(url)
        time.sleep(0.2)
        self.server.clock(advance=900)
        self.assertEqual(result(), ['much delayed'])

    def test_waiting_calls_do_not_stop_the_end(self):
        url = self.make()
        result = self.waiting(url)
        time.sleep(0.2)
        start = time.monotonic()
        type(self).server.stop()
        try:
            self.assertLess(time.monotonic() - start, 15)  # what they would have waited
            self.assertEqual(result(), [])
        finally:
            type(self).server.start()

    # --- batches ----------------------------------------------------------------------------------

    def test_batches(self):
        url = self.make(VisibilityTimeout='600')
        sent = self.sqs.send_message_batch(QueueUrl=url, Entries=[
            {'Id': 'good', 'MessageBody': 'a'}, {'Id': 'bad', 'MessageBody': ''},
            {'Id': 'late', 'MessageBody': 'b', 'DelaySeconds': 900}])
        self.assertEqual([one['Id'] for one in sent['Successful']], ['good', 'late'])
        self.assertEqual(sent['Failed'], [
            {'Id': 'bad', 'SenderFault': True, 'Code': 'MissingParameter',
             'Message': 'The request must contain the parameter MessageBody.'}])
        handle = self.take(url)[0]['ReceiptHandle']
        changed = self.sqs.change_message_visibility_batch(QueueUrl=url, Entries=[
            {'Id': '1', 'ReceiptHandle': handle, 'VisibilityTimeout': 9},
            {'Id': '2', 'ReceiptHandle': 'x', 'VisibilityTimeout': 9}])
        self.assertEqual([one['Id'] for one in changed['Successful']], ['1'])
        self.assertEqual([(one['Id'], one['Code']) for one in changed['Failed']],
                         [('2', 'ReceiptHandleIsInvalid')])
        deleted = self.sqs.delete_message_batch(QueueUrl=url, Entries=[
            {'Id': '1', 'ReceiptHandle': handle}, {'Id': '2', 'ReceiptHandle': 'x'}])
        self.assertEqual(([one['Id'] for one in deleted['Successful']],
                          [one['Id'] for one in deleted['Failed']]), (['1'], ['2']))

    def test_what_is_no_batch(self):
        url = self.make()
        entry = {'Id': '1', 'MessageBody': 'm'}
        old = 'AWS.SimpleQueueService.'
        for code, entries, text in (
                ('EmptyBatchRequest', [],
                 'There should be at least one SendMessageBatchRequestEntry in the request.'),
                ('TooManyEntriesInBatchRequest',
                 [{'Id': str(i), 'MessageBody': 'm'} for i in range(11)],
                 'Maximum number of entries per request are 10. You have sent 11.'),
                ('BatchEntryIdsNotDistinct', [entry, entry], 'Id 1 repeated.'),
                ('InvalidBatchEntryId', [dict(entry, Id='a b')],
                 'A batch entry id can only contain alphanumeric characters, hyphens and '
                 'underscores. It can be at most 80 letters long.'),
                ('BatchRequestTooLong', [{'Id': str(i), 'MessageBody': 'm' * 600000}
                                         for i in range(2)],
                 'Batch requests cannot be longer than 1048576 bytes. You have sent 1200000 '
                 'bytes.')):
            with self.subTest(code=code):
                self.refused(old + code, self.sqs.send_message_batch, QueueUrl=url,
                             Entries=entries, message=text)
        entry = {'Id': '1', 'ReceiptHandle': 'x'}
        for call in (self.sqs.delete_message_batch, self.sqs.change_message_visibility_batch):
            for code, entries in (
                    ('EmptyBatchRequest', []), ('BatchEntryIdsNotDistinct', [entry, entry]),
                    ('TooManyEntriesInBatchRequest', [dict(entry, Id=str(i)) for i in range(11)]),
                    ('InvalidBatchEntryId', [dict(entry, Id='x' * 81)])):
                self.refused(old + code, call, QueueUrl=url, Entries=entries)
        self.assertEqual(self.take(url), [])

    # --- dead letters -----------------------------------------------------------------------------

    def dead_letters(self, most=2):
        dead = self.make('dead')
        url = self.make(VisibilityTimeout='0', RedrivePolicy=json.dumps(
            {'deadLetterTargetArn': self.arn('dead'), 'maxReceiveCount': most}))
        return url, dead

    def test_received_too_often(self):
        url, dead = self.dead_letters()
        self.send(url, 'poison')
        self.assertEqual((self.bodies(url), self.bodies(url), self.bodies(url)),
                         (['poison'], ['poison'], []))
        one, = self.take(dead, AttributeNames=['All'])
        self.assertEqual((one['Body'], one['Attributes']['DeadLetterQueueSourceArn'],
                          one['Attributes']['ApproximateReceiveCount']),
                         ('poison', self.arn('q'), '3'))

    def move(self, operation, **arguments):
        return self.server.raw('sqs', operation, arguments)

    def test_dead_letters_go_back(self):
        url, dead = self.dead_letters(1)
        sent = [self.send(url, body)['MessageId'] for body in 'abc']
        self.take(url)
        self.take(url)
        status, started = self.move('StartMessageMoveTask', SourceArn=self.arn('dead'))
        self.assertEqual(status, 200, started)
        back = self.take(url, AttributeNames=['All'])
        self.assertEqual([one['Body'] for one in back], ['a', 'b', 'c'])
        self.assertEqual(back[0]['Attributes']['ApproximateReceiveCount'], '1')
        self.assertNotIn(back[0]['MessageId'], sent)
        self.assertEqual(self.take(dead), [])
        _, listed = self.move('ListMessageMoveTasks', SourceArn=self.arn('dead'))
        result, = listed['Results']
        self.assertEqual((result['Status'], result['ApproximateNumberOfMessagesMoved']),
                         ('COMPLETED', 3))

    def test_dead_letters_go_at_a_rate(self):
        self.stand()
        url, dead = self.dead_letters(1)
        for body in 'abcd':
            self.send(url, body)
        self.take(url)
        self.take(url)
        to = self.make('to')
        start = dict(SourceArn=self.arn('dead'), DestinationArn=self.arn('to'),
                     MaxNumberOfMessagesPerSecond=1)
        handle = self.move('StartMessageMoveTask', **start)[1]['TaskHandle']
        self.assertEqual(self.move('StartMessageMoveTask', **start)[0], 400)
        self.server.clock(advance=2)
        self.assertEqual(self.bodies(to), ['a', 'b'])
        self.assertEqual(self.move('CancelMessageMoveTask', TaskHandle=handle),
                         (200, {'ApproximateNumberOfMessagesMoved': 2}))
        self.server.clock(advance=2)
        self.assertEqual(self.bodies(to), [])
        self.assertEqual(self.move('CancelMessageMoveTask', TaskHandle=handle)[0], 400)

    @contextlib.contextmanager
    def database(self):
        with contextlib.closing(sqlite3.connect(
                os.path.join(self.server.folder, 'data', 'store.db'), timeout=60)) as database, \
                database:
            yield database

    def test_limits_of_moving(self):
        self.stand()
        for number in range(2):
            self.make(f'dead{number}')
            self.make(f'q{number}', RedrivePolicy=json.dumps(
                {'deadLetterTargetArn': self.arn(f'dead{number}'), 'maxReceiveCount': '1'}))
        self.send(self.sqs.get_queue_url(QueueName='dead0')['QueueUrl'], 'm')
        start = dict(DestinationArn=self.arn('q0'), MaxNumberOfMessagesPerSecond=1)
        self.move('StartMessageMoveTask', SourceArn=self.arn('dead0'), **start)
        with self.database() as database:
            columns = ', '.join(row[1] for row in database.execute('PRAGMA table_info(sqs_task)')
                                if row[1] != 'id')
            database.execute(f'INSERT INTO sqs_task (id, {columns}) WITH RECURSIVE n(i) AS '
                             f'(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99) '
                             f'SELECT 1000 + i, {columns} FROM sqs_task, n')
        status, answer = self.move('StartMessageMoveTask', SourceArn=self.arn('dead1'), **start)
        self.assertEqual((status, answer['__type']), (403, 'com.amazonaws.sqs#OverLimit'))
        with self.database() as database:  # so slow that it is not done in time
            database.execute('DELETE FROM sqs_task WHERE id > 1000')
            database.execute('UPDATE sqs_task SET moved = 36 * 3600')
        for hours, status in ((35, 'RUNNING'), (1, 'FAILED')):
            self.server.clock(advance=hours * 3600)
            result, = self.move('ListMessageMoveTasks', SourceArn=self.arn('dead0'))[1]['Results']
            self.assertEqual(result['Status'], status)

    def test_what_cannot_be_moved(self):
        self.make()
        for arguments, code in (
                ({'SourceArn': self.arn('q')}, 'InvalidParameterValueException'),
                ({'SourceArn': self.arn('none')}, 'ResourceNotFoundException'),
                ({'SourceArn': 'x'}, 'InvalidParameterValueException'),
                ({}, 'MissingRequiredParameterException')):
            _, answer = self.move('StartMessageMoveTask', **arguments)
            self.assertEqual(answer['__type'], 'com.amazonaws.sqs#' + code, answer)
        _, answer = self.move('CancelMessageMoveTask', TaskHandle='x')
        self.assertEqual(answer['__type'], 'com.amazonaws.sqs#ResourceNotFoundException')

    # --- keys -------------------------------------------------------------------------------------

    def test_a_kms_key_is_asked(self):
        kms = self.client('kms')
        key = kms.create_key()['KeyMetadata']['KeyId']
        url = self.make(KmsMasterKeyId=key, VisibilityTimeout='0')
        self.send(url)
        self.assertEqual(self.bodies(url), ['m'])
        kms.disable_key(KeyId=key)
        self.refused('KMS.DisabledException', self.send, url=url)
        self.refused('KMS.DisabledException', self.sqs.receive_message, QueueUrl=url)
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={'KmsMasterKeyId': 'alias/none'})
        self.refused('KMS.NotFoundException', self.send, url=url)

    def test_bodies_are_sealed_at_rest(self):
        self.send(self.make(), 'a body to look for', MessageAttributes={
            'n': {'DataType': 'String', 'StringValue': 'an attribute to look for'}})
        from pathlib import Path
        files = [path for path in Path(self.server.folder, 'data').rglob('*') if path.is_file()]
        self.assertIn('store.db', [path.name for path in files])
        for path in files:
            self.assertNotIn(b'to look for', path.read_bytes(), path)


class TooManyInFlight(unittest.TestCase):
    def test_120_000(self):
        with tempfile.TemporaryDirectory() as folder:
            with LocalServer(data=folder) as server:
                sqs = server.client('sqs')
                url = sqs.create_queue(QueueName='q')['QueueUrl']
                sqs.send_message(QueueUrl=url, MessageBody='in flight')
                sqs.receive_message(QueueUrl=url, VisibilityTimeout=43200)
                server.close_clients()
            with contextlib.closing(sqlite3.connect(
                    os.path.join(folder, 'data', 'store.db'))) as database, database:
                columns = [row[1] for row in
                           database.execute('PRAGMA table_info(sqs_message)')][2:]
                database.execute(
                    'INSERT INTO sqs_message (id, queue, ' + ', '.join(columns) + ')'
                    ' WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n'
                    ' WHERE i < 119999) SELECT 1000 + i, queue, ' + ', '.join(columns) +
                    ' FROM sqs_message, n')
                database.execute('UPDATE sqs_place SET place = 200000')
            with LocalServer(data=folder) as server:
                sqs = server.client('sqs')
                sqs.send_message(QueueUrl=url, MessageBody='one more')
                with self.assertRaises(ClientError) as caught:
                    sqs.receive_message(QueueUrl=url)
                self.assertEqual(caught.exception.response['Error']['Code'], 'OverLimit')
                server.close_clients()


if __name__ == '__main__':
    main()
