"""kill -9 of the local AWS while events are delivered: each event of an acknowledged write arrives,
and, as targets in the same server are given it in one transaction, no more than once.

UNDERSTUDY_KILLS says how often (default 4).
"""
import json
import random
import shutil
import signal
import tempfile
import threading
import time
import unittest

import boto3
from botocore.config import Config

import test_local_kill as kill

REGION, WRITERS = 'eu-west-1', 6
QUEUE = f'arn:aws:sqs:{REGION}:{kill.ACCOUNT}:queue'


class Server(kill.Server):
    def client(self, service='ssm'):
        return boto3.client(service, region_name=REGION, endpoint_url=self.url,
                            aws_access_key_id=kill.ACCESS_KEY,
                            aws_secret_access_key=kill.SECRET_KEY,
                            config=Config(retries={'max_attempts': 0}, read_timeout=60))


def set_up_rule(server):
    policy = json.dumps({'Version': '2012-10-17', 'Statement': [{
        'Effect': 'Allow', 'Principal': {'Service': 'events.amazonaws.com'},
        'Action': 'sqs:SendMessage', 'Resource': QUEUE}]})
    sqs, events = server.client('sqs'), server.client('events')
    sqs.create_queue(QueueName='queue', Attributes={'Policy': policy})
    events.put_rule(Name='rule', EventPattern=json.dumps(
        {'detail-type': ['Parameter Store Change']}))
    events.put_targets(Rule='rule', Targets=[{'Id': 'q', 'Arn': QUEUE}])
    sqs.close()
    events.close()


class Writer(threading.Thread):
    """Makes parameters; notes the names that were acknowledged."""

    def __init__(self, server, prefix, made, enough):
        super().__init__()
        self.ssm, self.prefix, self.made, self.enough = server.client(), prefix, made, enough

    def run(self):
        try:
            for number in range(1000000):
                name = f'{self.prefix}/{number}'
                self.ssm.put_parameter(Name=name, Value='v', Type='String')
                self.made.append(name)
                self.enough.release()
        except Exception:  # pylint: disable=broad-except  # however a dead server shows itself
            self.ssm.close()


class EventsKill(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='understudy-fault-')
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def kill_under_load(self, turn, made):
        server, enough = Server(self.folder), threading.Semaphore(0)
        if turn == 0:
            set_up_rule(server)
        writers = [Writer(server, f'/kill/{turn}/{number}', made, enough)
                   for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        for _ in range(random.randint(20, 150)):
            self.assertTrue(enough.acquire(timeout=60), 'no progress')
        server.end(signal.SIGKILL)
        for writer in writers:
            writer.join()

    def receive(self, server, wanted):
        """Names in the queue, until all that is wanted came or nothing comes any more."""
        sqs, names = server.client('sqs'), []
        url = sqs.get_queue_url(QueueName='queue')['QueueUrl']
        end = time.monotonic() + 60
        while time.monotonic() < end:
            messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10,
                                           VisibilityTimeout=600,
                                           WaitTimeSeconds=1).get('Messages', [])
            names += [json.loads(message['Body'])['detail']['name'] for message in messages]
            if messages:
                sqs.delete_message_batch(QueueUrl=url, Entries=[
                    {'Id': str(number), 'ReceiptHandle': message['ReceiptHandle']}
                    for number, message in enumerate(messages)])
            elif wanted <= set(names):
                break
        sqs.close()
        return names

    def test_no_event_is_lost(self):
        made = []
        for turn in range(kill.KILLS):
            self.kill_under_load(turn, made)
        server = Server(self.folder)
        try:
            names = self.receive(server, set(made))
        finally:
            self.assertEqual(server.end(signal.SIGTERM), 0)
        self.assertEqual(set(made) - set(names), set())
        self.assertEqual(len(names), len(set(names)))


if __name__ == '__main__':
    unittest.main(verbosity=2, warnings='default')
