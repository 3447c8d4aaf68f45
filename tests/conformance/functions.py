"""functions: Lambda functions whose answers a test gives.

A function's process hands each event to the test's `Relay`, over HTTP, and answers what it is told
there: nothing runs by the clock, and a test that holds an invocation holds its process.
"""
import contextlib
import http.server
import json
import os
import queue
import sqlite3
import threading
import time
import urllib.error
import urllib.request

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import local_server
import model_check
import packages
import roles
import rows
from local_server import ACCOUNT, REGION

# http.client would cost a tenth of a second at each start.
BOOTSTRAP = '''#!/usr/bin/python3 -IS
import os, socket
def call(address, method, path, body=b''):
    host, port = address.split(':')
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b'%s %s HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n'
                           b'Content-Length: %d\\r\\n\\r\\n' % (
                               method.encode(), path.encode(), len(body)) + body)
        read = connection.makefile('rb')
        status, headers = int(read.readline().split()[1]), {}
        for line in iter(read.readline, b'\\r\\n'):
            name, _, value = line.decode().partition(':')
            headers[name.lower()] = value.strip()
        return status, headers, read.read(int(headers.get('content-length', 0)))
runtime, relay = os.environ['AWS_LAMBDA_RUNTIME_API'], os.environ['RELAY']
base = '/2018-06-01/runtime/invocation/'
while True:
    _, headers, event = call(runtime, 'GET', base + 'next')
    number = headers['lambda-runtime-aws-request-id']
    status, _, answer = call(relay, 'POST', '/' + os.environ['AWS_LAMBDA_FUNCTION_NAME'] +
                             '/' + number, event)
    call(runtime, 'POST', base + number + ('/response' if status == 200 else '/error'), answer)
'''


class Invocation:
    """One event at a function, until it is answered."""

    def __init__(self, function, request_id, body):
        self.function, self.request_id = function, request_id
        self.event = json.loads(body)
        self._told, self._status, self._body = threading.Event(), 200, b''

    def answer(self, value=None, raw=None):
        self._body = json.dumps(value).encode() if raw is None else raw
        self._told.set()

    def fail(self, message='it failed', kind='Test.Error'):
        self._status = 500
        self._body = json.dumps({'errorMessage': message, 'errorType': kind}).encode()
        self._told.set()

    def wait(self):
        self._told.wait(60)
        return self._status, self._body

    @property
    def bodies(self):
        """Of the messages, when it is a batch."""
        return [record['body'] for record in self.event['Records']]


class _Listener(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # many functions may call at once


class Relay:
    def __init__(self):
        self.came = queue.Queue()
        self._held = []
        relay = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                _, function, request_id = self.path.split('/')
                body = self.rfile.read(int(self.headers['Content-Length']))
                invocation = Invocation(function, request_id, body)
                relay._held.append(invocation)
                relay.came.put(invocation)
                status, answer = invocation.wait()
                self.send_response(status)
                self.send_header('Content-Length', str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._server = _Listener(('127.0.0.1', 0), Handler)
        self._server.daemon_threads = True
        self.address = '127.0.0.1:%d' % self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def next(self, timeout=60):
        try:
            return self.came.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError('no function was invoked') from None

    def behind(self, forward):
        """The next invocation, which comes behind a pause that `forward` moves the server's clock
        over. It may only be about to be put off, so that is done again when nothing came."""
        end = time.monotonic() + 60
        while True:
            forward()
            try:
                return self.came.get(timeout=3)
            except queue.Empty:
                if time.monotonic() > end:
                    raise AssertionError('no function was invoked') from None

    def nothing(self, timeout=0.1):
        """No invocation comes. Behind something that the same thread of the server did, so that
        waiting a moment is enough."""
        try:
            found = self.came.get(timeout=timeout)
        except queue.Empty:
            return
        raise AssertionError(f'{found.function} was invoked: {found.event}')

    def release(self):
        """Answers what a test left."""
        while self._held:
            self._held.pop().answer()
        while not self.came.empty():
            self.came.get()

    def close(self):
        self.release()
        self._server.shutdown()
        self._server.server_close()


LAMBDA = roles.trust(packages.TRUST)
EVENTS = {'Service': 'events.amazonaws.com'}


def function_arn(name='f', account=ACCOUNT, region=REGION):
    return f'arn:aws:lambda:{region}:{account}:function:{name}'


class Functions(local_server.Conformance):
    """Tests of functions; self.relay gets their events."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.relay = Relay()

    @classmethod
    def tearDownClass(cls):
        cls.relay.close()
        super().tearDownClass()

    def setUp(self):
        super().setUp()
        self.addCleanup(self.relay.release)
        self.functions, self.sqs = self.client('lambda'), self.client('sqs')
        self.events, self.ssm = self.client('events'), self.client('ssm')
        self.role = roles.make(self.server, 'function-role',
                               roles.allow(['sqs:*', 'events:PutEvents', 'lambda:InvokeFunction']),
                               trusts=LAMBDA)

    def function(self, name='f', role=None, **arguments):
        """A function that is ready; its ARN."""
        packages.function(self.server, name, BOOTSTRAP, Role=role or self.role,
                          Environment={'Variables': {'RELAY': self.relay.address}},
                          **{'Timeout': 30, **arguments})
        return function_arn(name)

    def queue(self, name='queue', policy=None, **attributes):
        """Its URL and ARN; EventBridge may send to it."""
        arn = f'arn:aws:sqs:{REGION}:{ACCOUNT}:{name}'
        attributes['Policy'] = policy or roles.policy(
            {'Effect': 'Allow', 'Action': 'sqs:SendMessage', 'Principal': EVENTS, 'Resource': arn})
        return self.sqs.create_queue(QueueName=name, Attributes=attributes)['QueueUrl'], arn

    def message(self, url, wait=60):
        """The next message of a queue, deleted."""
        end = time.monotonic() + wait
        while time.monotonic() < end:
            for one in self.sqs.receive_message(
                    QueueUrl=url, WaitTimeSeconds=2, MessageAttributeNames=['All'],
                    AttributeNames=['All']).get('Messages', []):
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=one['ReceiptHandle'])
                return one
        self.fail('no message came')

    def count(self, url):
        """Messages that are visible, and in flight."""
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=['All'])['Attributes']
        return (int(found['ApproximateNumberOfMessages']),
                int(found['ApproximateNumberOfMessagesNotVisible']))

    def until(self, condition):
        end = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), end, 'it did not come to that')
            time.sleep(0.005)

    def until_failed(self, times):
        """Until it is written down that an event failed at its function so many times."""
        path = os.path.join(self.server.folder, 'data', 'store.db')
        with contextlib.closing(sqlite3.connect(path, timeout=60)) as store:
            self.until(lambda: store.execute('SELECT attempts FROM trail_invocation')
                       .fetchall() == [(times,)])

    def rule(self, pattern, *targets, name='rule'):
        self.events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        self.events.put_targets(Rule=name, Targets=[
            {'Id': str(number), **(target if isinstance(target, dict) else {'Arn': target})}
            for number, target in enumerate(targets)])
        return f'arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}'

    def rest(self, operation, method, path, body=None, code=None):
        """A call with members that Debian's boto3 does not know yet: its answer, or, with `code`,
        that of its refusal."""
        data = json.dumps(body).encode() if body is not None else None
        request = AWSRequest(method, self.server.url + path, data=data)
        SigV4Auth(Credentials(*local_server.CREDENTIALS[ACCOUNT]), 'lambda', REGION).add_auth(
            request)
        try:
            with urllib.request.urlopen(urllib.request.Request(
                    request.url, data, dict(request.headers.items()), method=method)) as answer:
                found, text, status = None, answer.read().decode(), answer.status
        except urllib.error.HTTPError as error:
            found, text, status = error.headers['x-amzn-errortype'], error.read().decode(), \
                error.code
            error.close()
        self.assertEqual(found, code, text)
        self.server.findings.extend(model_check.check_answer('lambda', operation, status, text,
                                                             'rest-json', code))
        rows.note('lambda', operation, code or 'ok')
        return json.loads(text)

    def permit(self, name, source_arn=None, principal='events.amazonaws.com'):
        self.functions.add_permission(
            FunctionName=name, StatementId='events', Action='lambda:InvokeFunction',
            Principal=principal, **({'SourceArn': source_arn} if source_arn else {}))

    def invoke(self, event, name='f', **arguments):
        answer = self.functions.invoke(FunctionName=name, InvocationType='Event',
                                       Payload=json.dumps(event), **arguments)
        self.assertEqual(answer['StatusCode'], 202)
        return answer['ResponseMetadata']['RequestId']

    def put_event(self, detail, source='mine'):
        self.events.put_events(Entries=[{'Source': source, 'DetailType': 't',
                                         'Detail': json.dumps(detail)}])
