"""kill -9 of the local AWS while functions work: each event of an acknowledged write, and each
event that Invoke accepted, reaches its function at least once, and is not tried again when it was
answered and that was written down.

UNDERSTUDY_KILLS says how often (default 4).
"""
import http.server
import io
import json
import random
import shutil
import signal
import tempfile
import threading
import time
import unittest
import zipfile

import boto3
from botocore.config import Config

import test_events_kill as events_kill
import test_local_kill as kill

REGION, WRITERS = 'eu-west-1', 4
RETRIES_S = 90  # more than Lambda's first pause
FUNCTION = f'arn:aws:lambda:{REGION}:{kill.ACCOUNT}:function:f'
BOOTSTRAP = '''#!/usr/bin/python3 -IS
import http.client, os
RUNTIME = '/2018-06-01/runtime/invocation/'
api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
while True:
    api.request('GET', RUNTIME + 'next')
    got = api.getresponse()
    event, number = got.read(), got.headers['Lambda-Runtime-Aws-Request-Id']
    told = http.client.HTTPConnection(os.environ['TOLD'])
    told.request('POST', '/', event)
    told.getresponse().read()
    told.close()
    api.request('POST', RUNTIME + number + '/response', 'null')
    api.getresponse().read()
'''


class Listener(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # all functions may call at once; a queue that is full loses requests


class Witness:
    """What functions were given."""

    def __init__(self):
        self.events, self.news = [], threading.Condition()
        witness = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                event = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
                with witness.news:
                    witness.events.append(event)
                    witness.news.notify_all()
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = Listener(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def names(self):
        return {event.get('name') or event['detail']['name'] for event in self.events}

    def until(self, wanted):
        end = time.monotonic() + 30
        with self.news:
            while not wanted <= self.names() and time.monotonic() < end:
                self.news.wait(1)
            return self.names()


def set_up(server, witness):
    package = io.BytesIO()
    with zipfile.ZipFile(package, 'w') as out:
        entry = zipfile.ZipInfo('bootstrap')
        entry.create_system, entry.external_attr = 3, 0o100755 << 16
        out.writestr(entry, BOOTSTRAP)
    iam, functions = server.client('iam'), server.client('lambda')
    role = iam.create_role(RoleName='r', AssumeRolePolicyDocument=json.dumps(
        {'Version': '2012-10-17', 'Statement': [{
            'Effect': 'Allow', 'Principal': {'Service': 'lambda.amazonaws.com'},
            'Action': 'sts:AssumeRole'}]}))['Role']['Arn']
    functions.create_function(
        FunctionName='f', Runtime='provided.al2023', Handler='h', Role=role, Timeout=60,
        Code={'ZipFile': package.getvalue()},
        Environment={'Variables': {'TOLD': '127.0.0.1:%d' % witness.server.server_port}})
    functions.add_permission(FunctionName='f', StatementId='s', Principal='events.amazonaws.com',
                             Action='lambda:InvokeFunction')
    events = server.client('events')
    events.put_rule(Name='rule', EventPattern=json.dumps(
        {'detail-type': ['Parameter Store Change']}))
    events.put_targets(Rule='rule', Targets=[{'Id': 'f', 'Arn': FUNCTION}])
    for client in (iam, functions, events):
        client.close()


class Invoker(threading.Thread):
    def __init__(self, server, prefix, made, enough):
        super().__init__()
        self.functions, self.prefix = server.client('lambda'), prefix
        self.made, self.enough = made, enough

    def run(self):
        try:
            for number in range(1000000):
                name = f'{self.prefix}/{number}'
                self.functions.invoke(FunctionName='f', InvocationType='Event',
                                      Payload=json.dumps({'name': name}))
                self.made.append(name)
                self.enough.release()
        except Exception:  # pylint: disable=broad-except  # however a dead server shows itself
            self.functions.close()


class LambdaKill(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='understudy-fault-')
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.witness = Witness()
        self.addCleanup(self.witness.server.server_close)
        self.addCleanup(self.witness.server.shutdown)

    def kill_under_load(self, turn, made):
        server, enough = events_kill.Server(self.folder), threading.Semaphore(0)
        if turn == 0:
            set_up(server, self.witness)
        threads = [events_kill.Writer(server, f'/kill/{turn}/{number}', made, enough)
                   for number in range(WRITERS)]
        threads.append(Invoker(server, f'/invoke/{turn}', made, enough))
        for thread in threads:
            thread.start()
        for _ in range(random.randint(20, 100)):
            self.assertTrue(enough.acquire(timeout=60), 'no progress')
        server.end(signal.SIGKILL)
        for thread in threads:
            thread.join()

    def test_no_event_is_lost(self):
        made = []
        for turn in range(kill.KILLS):
            self.kill_under_load(turn, made)
        server = events_kill.Server(self.folder)
        try:
            if set(made) - self.witness.until(set(made)):
                server.advance(RETRIES_S)  # a function that failed is tried again: that is no loss
            self.assertEqual(set(made) - self.witness.until(set(made)), set())
        finally:
            self.assertEqual(server.end(signal.SIGTERM), 0)
        again = len(self.witness.events)
        server = events_kill.Server(self.folder)  # what was answered does not come once more
        client = boto3.client('lambda', region_name=REGION, endpoint_url=server.url,
                              aws_access_key_id=kill.ACCESS_KEY,
                              aws_secret_access_key=kill.SECRET_KEY,
                              config=Config(retries={'max_attempts': 0}, read_timeout=60))
        client.invoke(FunctionName='f', InvocationType='Event', Payload=b'{"name": "last"}')
        client.close()
        self.witness.until({'last'})
        self.assertEqual(server.end(signal.SIGTERM), 0)
        self.assertLessEqual(len(self.witness.events), again + 1 + 16)


if __name__ == '__main__':
    unittest.main(verbosity=2, warnings='default')
