"""Lambda's operation Invoke: functions run as processes that speak the Runtime API, and nobody else
waits for them."""
import base64
import contextlib
import json
import pathlib
import re
import socket
import sqlite3
import tempfile
import threading

import local_server
import packages
import roles
from local_server import OTHER_ACCOUNT

# A program of this test's: it does what the event says.
PROGRAM = '''#!/usr/bin/python3 -ISB
import http.client, json, os, sys, time
api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
root = '/2018-06-01/runtime/invocation/'
while True:
    api.request('GET', root + 'next')
    answer = api.getresponse()
    event = json.loads(answer.read())
    request = answer.headers['Lambda-Runtime-Aws-Request-Id']
    print('did', event, flush=True)
    wish = event if isinstance(event, dict) else {}
    if 'exit' in wish:
        sys.exit(wish['exit'])
    while 'wait' in wish and not os.path.exists(wish['wait']):
        open(wish['wait'] + '.running', 'a').close()
        time.sleep(0.01)
    body = {'event': event, 'name': os.environ.get('NAME'), 'number': NUMBER,
            'arn': answer.headers['Lambda-Runtime-Invoked-Function-Arn'],
            'context': answer.headers['Lambda-Runtime-Client-Context']}
    path = 'response'
    if 'error' in wish:
        path, body = 'error', {'errorType': 'Wish', 'errorMessage': wish['error']}
    api.request('POST', root + request + '/' + path, json.dumps(body))
    api.getresponse().read()
'''


def program(number=1):
    return PROGRAM.replace('NUMBER', str(number))


class Invoke(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.functions = self.client('lambda')

    def make(self, name='f', content=None, **arguments):
        return packages.function(self.server, name, content or program(), **arguments)

    def invoke(self, event=None, name='f', client=None, **arguments):
        """The whole answer, its payload read."""
        answer = (client or self.functions).invoke(
            FunctionName=name, Payload=json.dumps(event).encode(), **arguments)
        answer['Payload'] = json.loads(answer['Payload'].read())
        return answer

    def test_an_answer(self):
        made = self.make(Environment={'Variables': {'NAME': 'value'}})
        answer = self.invoke({'a': [1]}, LogType='Tail', ClientContext=base64.b64encode(
            b'{"custom":{"k":"v"}}').decode())
        self.assertEqual((answer['StatusCode'], answer['ExecutedVersion']), (200, '$LATEST'))
        self.assertNotIn('FunctionError', answer)
        self.assertEqual(answer['Payload']['event'], {'a': [1]})
        self.assertEqual(answer['Payload']['name'], 'value')
        self.assertEqual(answer['Payload']['arn'], made['FunctionArn'])
        self.assertEqual(json.loads(answer['Payload']['context']), {'custom': {'k': 'v'}})
        self.assertIn(b"did {'a': [1]}", base64.b64decode(answer['LogResult']))
        for event in (None, 7, 'text', [1, {}]):
            self.assertEqual(self.invoke(event)['Payload']['event'], event)
        bare = json.loads(self.functions.invoke(FunctionName='f')['Payload'].read())
        self.assertEqual(bare['event'], {}, 'nothing is an empty object')

    def test_failures_of_functions(self):
        self.make(Timeout=1)
        failed = self.invoke({'error': 'as told'})
        self.assertEqual((failed['StatusCode'], failed['FunctionError']), (200, 'Unhandled'))
        self.assertEqual(failed['Payload'], {'errorType': 'Wish', 'errorMessage': 'as told'})
        gone = self.invoke({'exit': 3})
        self.assertEqual(gone['FunctionError'], 'Unhandled')
        self.assertEqual(gone['Payload']['errorType'], 'Runtime.ExitError')
        self.assertRegex(gone['Payload']['errorMessage'],
                         '^RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit '
                         'status 3$')
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder).chmod(0o777)
            late = self.invoke({'wait': f'{folder}/never'}, LogType='Tail')
        self.assertEqual(late['FunctionError'], 'Unhandled')
        self.assertEqual(late['Payload']['errorType'], 'Sandbox.Timedout')
        self.assertRegex(late['Payload']['errorMessage'],
                         '^RequestId: [0-9a-f-]{36} Error: Task timed out after 1.00 seconds$')
        self.assertRegex(base64.b64decode(late['LogResult']).decode(),
                         r'\n\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [0-9a-f-]{36} Task timed out '
                         r'after 1\.00 seconds\n')
        self.make('empty', Code={'ZipFile': packages.zipped(None, readme='nothing to run')})
        self.assertEqual(self.invoke(name='empty')['Payload']['errorType'],
                         'Runtime.InvalidEntrypoint')

    def test_payloads(self):
        self.make()
        self.refused('InvalidRequestContentException', self.functions.invoke, FunctionName='f',
                     Payload=b'{"a":', message='Could not parse request body into json: Could not '
                                               'parse payload into json.')
        self.refused('InvalidRequestContentException', self.functions.invoke, FunctionName='f',
                     ClientContext='no base64')
        self.refused('RequestEntityTooLargeException', self.functions.invoke, FunctionName='f',
                     Payload=b'"' + b'x' * 6291456 + b'"',
                     message='Request must be smaller than 6291456 bytes for the InvokeFunction '
                             'operation')
        self.refused('RequestTooLargeException', self.functions.invoke, FunctionName='f',
                     InvocationType='Event', Payload=b'"' + b'x' * 1048576 + b'"',
                     message='1048578 byte payload is too large for the Event invocation type '
                             '(limit 1048576 bytes)')
        large = self.invoke('x' * 2_000_000)
        self.assertEqual(len(large['Payload']['event']), 2_000_000)

    def test_versions_and_changes(self):
        self.make(Publish=True)
        self.functions.create_alias(FunctionName='f', Name='live', FunctionVersion='1')
        self.functions.update_function_code(FunctionName='f',
                                            ZipFile=packages.zipped(program(2)))
        packages.settle(self.functions, 'f')
        for qualifier, version, number in (({}, '$LATEST', 2), ({'Qualifier': '1'}, '1', 1),
                                           ({'Qualifier': 'live'}, '1', 1)):
            answer = self.invoke({}, **qualifier)
            self.assertEqual((answer['ExecutedVersion'], answer['Payload']['number']),
                             (version, number))
            if qualifier:
                self.assertTrue(answer['Payload']['arn'].endswith(':f:' + qualifier['Qualifier']))

    def begin(self, event, **arguments):
        """An invocation on a thread of its own; .join() gives its answer in .found."""
        client = self.client('lambda')

        def run():
            thread.found = self.invoke(event, client=client, **arguments)
        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def until(self, path):
        while not path.exists():
            pass

    def test_concurrency_and_that_nobody_else_waits(self):
        self.make(Timeout=60)
        self.functions.put_function_concurrency(FunctionName='f', ReservedConcurrentExecutions=1)
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder).chmod(0o777)
            gate = pathlib.Path(folder) / 'gate'
            running = self.begin({'wait': str(gate)})
            self.until(gate.with_name('gate.running'))
            found = self.refused('TooManyRequestsException', self.functions.invoke,
                                 FunctionName='f', message='Rate Exceeded.')
            self.assertEqual(found['Reason'], 'ReservedFunctionConcurrentInvocationLimitExceeded')
            self.make('g')
            self.assertEqual(self.invoke({}, name='g')['StatusCode'], 200)
            self.client('ssm').put_parameter(Name='p', Value='v', Type='String')
            gate.touch()
            running.join()
        self.assertEqual(running.found['StatusCode'], 200)
        self.assertEqual(self.invoke({})['StatusCode'], 200, 'the place is free again')
        self.functions.put_function_concurrency(FunctionName='f', ReservedConcurrentExecutions=0)
        for kind in ('RequestResponse', 'Event'):
            self.refused('TooManyRequestsException', self.functions.invoke, FunctionName='f',
                         InvocationType=kind)

    def test_when_the_account_has_no_place_left(self):
        """The reserved places of others are not this function's; here they are all there are."""
        self.make()
        self.make('g')
        database = next(pathlib.Path(self.server.folder).rglob('store.db'))
        with contextlib.closing(sqlite3.connect(database, timeout=30)) as store:
            store.execute("UPDATE lambda_function SET reserved = 1000 WHERE name = 'g'")
            store.commit()
        found = self.refused('TooManyRequestsException', self.functions.invoke,
                             FunctionName='f', message='Rate Exceeded.')
        self.assertEqual((found['Reason'], found['ResponseMetadata']['HTTPStatusCode']),
                         ('ConcurrentInvocationLimitExceeded', 429))
        self.assertEqual(self.invoke({}, name='g')['StatusCode'], 200)

    def test_deleted_while_it_runs(self):
        self.make(Timeout=60)
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder).chmod(0o777)
            gate = pathlib.Path(folder) / 'gate'
            running = self.begin({'wait': str(gate)})
            self.until(gate.with_name('gate.running'))
            self.functions.delete_function(FunctionName='f')
            gate.touch()
            running.join()
        self.assertEqual(running.found['Payload']['number'], 1)

    def test_a_client_that_goes_away(self):
        self.make(Timeout=60)
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder).chmod(0o777)
            gate = pathlib.Path(folder) / 'gate'
            sent = []
            self.functions = self.client('lambda', own=True)
            self.functions.meta.events.register(
                'before-send.*.*', lambda request, **_: sent.append(request) or self.cut(sent[0]))
            with self.assertRaises(Exception):
                self.invoke({'wait': str(gate)})
            self.until(gate.with_name('gate.running'))
            gate.touch()
        self.functions = self.client('lambda')
        self.assertEqual(self.invoke({})['StatusCode'], 200)

    def cut(self, request):
        """Sends the request on a connection that is closed before the answer."""
        host, port = re.match('http://([^:]+):([0-9]+)', request.url).groups()
        target = request.url.split(port, 1)[1]
        body = request.body
        head = ''.join(f'{name}: {value if isinstance(value, str) else value.decode()}\r\n'
                       for name, value in request.headers.items()
                       if name.lower() not in ('host', 'content-length'))
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(f'{request.method} {target} HTTP/1.1\r\nHost: {host}:{port}\r\n'
                               f'Content-Length: {len(body)}\r\n{head}\r\n'.encode() + body)
        raise ConnectionResetError('cut')

    def test_who_may(self):
        self.make()
        caller = self.client('lambda', keys=roles.assume(self.server, roles.make(
            self.server, 'caller', roles.allow('lambda:InvokeFunction'))))
        self.assertEqual(self.invoke({}, client=caller)['StatusCode'], 200)
        other = self.client('lambda', account=OTHER_ACCOUNT)
        arn = self.functions.get_function(FunctionName='f')['Configuration']['FunctionArn']
        self.refused('AccessDeniedException', other.invoke, FunctionName=arn)
        self.functions.add_permission(FunctionName='f', StatementId='s', Principal=OTHER_ACCOUNT,
                                      Action='lambda:InvokeFunction')
        self.assertEqual(self.invoke({}, name=arn, client=other)['StatusCode'], 200)

    def test_the_command_line(self):
        self.make()
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / 'out.json'
            answer = json.loads(self.server.cli(
                'lambda', 'invoke', '--function-name', 'f', '--log-type', 'Tail', '--payload',
                base64.b64encode(b'{"by":"hand"}').decode(), str(out)))
            self.assertEqual(answer['StatusCode'], 200)
            self.assertEqual(json.loads(out.read_text())['event'], {'by': 'hand'})


if __name__ == '__main__':
    local_server.main()
