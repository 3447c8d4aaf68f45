"""kill -9 of the local AWS under load: what was acknowledged is there, and the database is whole.

UNDERSTUDY_KILLS says how often (default 4). Writers overwrite a counter each and make new names;
then the server is killed and opened again in the same folder.
"""
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import unittest
import urllib.request

import boto3
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = os.environ.get('UNDERSTUDY_LOCAL', str(ROOT / 'build' / 'understudy-local'))
KILLS = int(os.environ.get('UNDERSTUDY_KILLS', '4'))
WRITERS = 8
INVISIBLE_S = 600
ACCESS_KEY, SECRET_KEY, ACCOUNT = 'AKIAFAULTFAULTFAULT0', 'fault/only/secret', '111111111111'


class Server:
    def __init__(self, folder):
        environment = dict(os.environ,
                           UNDERSTUDY_LOCAL_CREDENTIALS=f'{ACCESS_KEY}:{SECRET_KEY}:{ACCOUNT}')
        self.process = subprocess.Popen([PROGRAM, '--data', folder, '--listen', '127.0.0.1:0',
                                         '--testing'],
                                        stdout=subprocess.PIPE, text=True, env=environment)
        self.url = None
        for line in self.process.stdout:
            if line.startswith('ready '):
                self.url = line.split()[1]
                break
        if not self.url:
            raise RuntimeError('the server did not start')

    def client(self, service='ssm'):
        return boto3.client(service, region_name='eu-west-1', endpoint_url=self.url,
                            aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY,
                            config=Config(retries={'max_attempts': 0}, read_timeout=60))

    def advance(self, seconds):
        change = json.dumps({'advance': seconds, 'signatures': 'real'}).encode()
        urllib.request.urlopen(f'{self.url}/_understudy/clock', change).close()

    def end(self, how):
        self.process.send_signal(how)
        status = self.process.wait(60)
        self.process.stdout.close()
        return status


class Writer(threading.Thread):
    """Notes what was acknowledged, and only that."""

    def __init__(self, server, number, counter, made, enough):
        super().__init__()
        self.ssm, self.number, self.enough = server.client(), number, enough
        self.counter, self.made = counter, made

    def put(self, name, value):
        self.ssm.put_parameter(Name=name, Value=value, Type='String', Overwrite=True)
        self.enough.release()

    def run(self):
        try:
            while True:
                value = self.counter + 1
                self.put(f'/kill/counter/{self.number}', str(value))
                self.counter = value
                name = f'/kill/new/{self.number}/{value}'
                self.put(name, f'made by {self.number} at {value}')
                self.made.append(name)
        except Exception:  # pylint: disable=broad-except  # however a dead server shows itself
            self.ssm.close()


class Sender(threading.Thread):
    def __init__(self, server, url, number, enough):
        super().__init__()
        self.sqs, self.url, self.number, self.enough = server.client('sqs'), url, number, enough
        self.sent = []

    def run(self):
        try:
            while True:
                body = f'{self.number} {len(self.sent)}'
                self.sqs.send_message(QueueUrl=self.url, MessageBody=body)
                self.sent.append(body)
                self.enough.release()
        except Exception:  # pylint: disable=broad-except
            self.sqs.close()


class Taker(threading.Thread):
    """Receives and deletes; what it has received stays invisible until the clock is moved."""

    def __init__(self, server, url):
        super().__init__()
        self.sqs, self.url = server.client('sqs'), url
        self.taken, self.deleted = set(), set()

    def run(self):
        try:
            while True:
                got = self.sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=1,
                                               VisibilityTimeout=INVISIBLE_S)
                for one in got.get('Messages', []):
                    self.taken.add(one['Body'])
                    self.sqs.delete_message(QueueUrl=self.url,
                                            ReceiptHandle=one['ReceiptHandle'])
                    self.deleted.add(one['Body'])
        except Exception:  # pylint: disable=broad-except
            self.sqs.close()


class Kill(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='understudy-fault-')
        self.addCleanup(shutil.rmtree, self.folder)

    def kill_under_load(self, counters, made):
        server = Server(self.folder)
        enough = threading.Semaphore(0)
        writers = [Writer(server, number, counters[number], made, enough)
                   for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        for _ in range(random.randint(40, 160)):
            self.assertTrue(enough.acquire(timeout=60), 'no progress')
        server.end(signal.SIGKILL)
        for number, writer in enumerate(writers):
            writer.join(90)
            counters[number] = writer.counter

    def check(self, counters, made):
        server = Server(self.folder)
        ssm = server.client()
        for number, counter in enumerate(counters):
            if counter:
                found = ssm.get_parameter(Name=f'/kill/counter/{number}')['Parameter']
                self.assertGreaterEqual(int(found['Value']), counter)
                self.assertLessEqual(int(found['Value']), counter + 1)
                self.assertEqual(int(found['Value']), found['Version'])
                counters[number] = int(found['Value'])  # written, though nobody was told
        for start in range(0, len(made), 10):
            names = made[start:start + 10]
            answer = ssm.get_parameters(Names=names)
            self.assertEqual(answer['InvalidParameters'], [])
            for parameter in answer['Parameters']:
                _, _, _, number, value = parameter['Name'].split('/')
                self.assertEqual(parameter['Value'], f'made by {number} at {value}')
        ssm.close()
        self.assertEqual(server.end(signal.SIGTERM), 0)

    def test_what_was_acknowledged_is_there(self):
        counters, made = [0] * WRITERS, []
        for _ in range(KILLS):
            self.kill_under_load(counters, made)
            self.check(counters, made)
        self.assertGreater(len(made), KILLS)
        with sqlite3.connect(os.path.join(self.folder, 'store.db')) as database:
            self.assertEqual(database.execute('PRAGMA integrity_check').fetchall(), [('ok',)])

    def drain(self, sqs, url):
        bodies = []
        while True:
            got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get('Messages', [])
            bodies.extend(one['Body'] for one in got)
            if not got:
                return bodies

    def test_messages_that_were_acknowledged_are_there(self):
        server = Server(self.folder)
        url = server.client('sqs').create_queue(QueueName='q')['QueueUrl']
        enough, taker = threading.Semaphore(0), Taker(server, url)
        senders = [Sender(server, url, number, enough) for number in range(WRITERS)]
        for thread in senders + [taker]:
            thread.start()
        for _ in range(200):
            self.assertTrue(enough.acquire(timeout=60), 'no progress')
        server.end(signal.SIGKILL)
        for thread in senders + [taker]:
            thread.join(90)
        sent = {body for sender in senders for body in sender.sent}
        server = Server(self.folder)
        sqs = server.client('sqs')
        # One may have been received though the answer was lost, or its delete was not begun.
        server.advance(INVISIBLE_S + 1)
        left = self.drain(sqs, url)
        sqs.close()
        self.assertEqual(server.end(signal.SIGTERM), 0)
        self.assertEqual(len(left), len(set(left)))
        self.assertEqual(sent - taker.taken - set(left), set(), 'lost')
        self.assertEqual(set(left) & taker.deleted, set(), 'came back')

    def test_a_second_server_is_kept_out(self):
        server = Server(self.folder)
        second = subprocess.run([PROGRAM, '--data', self.folder, '--listen', '127.0.0.1:0'],
                                capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(second.returncode, 1)
        self.assertIn('in use by another process', second.stderr)
        self.assertEqual(server.end(signal.SIGTERM), 0)
        server = Server(self.folder)
        server.end(signal.SIGKILL)  # the lock goes with the process
        self.assertEqual(Server(self.folder).end(signal.SIGINT), 0)


if __name__ == '__main__':
    unittest.main()
