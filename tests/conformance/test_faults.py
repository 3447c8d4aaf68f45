"""/_understudy/faults: latency, errors, throttling, lost and cut answers, what is down."""
import http.client
import json
import os
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse

from botocore.exceptions import ClientError, ConnectionClosedError

from local_server import (OTHER_ACCOUNT, Conformance, LocalServer, main, program)
import wire


def signed(server, operation, body):
    return wire.signed_json(server, 'ssm', f'AmazonSSM.{operation}', body)


class Faults(Conformance):
    def faults(self, *rules, seed=None):
        return self.server.control('POST', 'faults',
                                   list(rules) if seed is None else
                                   {'seed': seed, 'rules': list(rules)})

    def put(self, name='/p'):
        return self.client('ssm').put_parameter(Name=name, Value='v', Type='String')

    def there(self, name='/p'):
        self.server.control('DELETE', 'faults')
        return bool(self.client('ssm').get_parameters(Names=[name])['Parameters'])

    def test_error_comes_before_the_work(self):
        self.faults({'kind': 'error', 'code': 'InternalServerError', 'status': 500,
                     'message': 'rehearsed', 'operation': 'PutParameter'})
        found = self.refused('InternalServerError', self.put, message='rehearsed')
        self.assertEqual(found['ResponseMetadata']['HTTPStatusCode'], 500)
        self.client('ssm').describe_parameters()
        self.assertFalse(self.there())

    def test_error_after_the_work_hides_it(self):
        self.faults({'kind': 'error', 'code': 'InternalServerError', 'status': 500,
                     'when': 'after'})
        self.refused('InternalServerError', self.put)
        self.assertTrue(self.there())

    def test_throttling_in_each_services_words(self):
        self.faults({'kind': 'throttle'})
        for service, call, code, text in (
                ('ssm', 'describe_parameters', 'ThrottlingException', 'Rate exceeded'),
                ('kms', 'list_keys', 'ThrottlingException',
                 'You have exceeded the rate at which you may call KMS. '
                 'Reduce the frequency of your calls.'),
                ('sts', 'get_caller_identity', 'Throttling', 'Rate exceeded'),
                ('iam', 'list_roles', 'Throttling', 'Rate exceeded'),
                ('resourcegroupstaggingapi', 'get_resources', 'ThrottledException',
                 'Rate exceeded')):
            with self.subTest(service=service):
                found = self.refused(code, getattr(self.client(service), call), message=text)
                self.assertEqual(found['ResponseMetadata']['HTTPStatusCode'], 400)

    def test_reset_before_and_after(self):
        for when, done in (('before', False), ('after', True)):
            with self.subTest(when=when):
                self.faults({'kind': 'reset', 'when': when})
                with self.assertRaises(ConnectionClosedError):
                    self.put(f'/{when}')
                self.assertEqual(self.there(f'/{when}'), done)

    def answer(self, operation, body):
        """The answer's body as http.client, which is strict, reads it."""
        request = signed(self.server, operation, body)
        url = urllib.parse.urlsplit(self.server.url)
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        try:
            connection.request('POST', '/', body, request.headers)
            return connection.getresponse().read()
        finally:
            connection.close()

    def test_a_reset_is_a_reset(self):
        self.faults({'kind': 'reset'})
        with self.assertRaises(ConnectionResetError):
            self.answer('DescribeParameters', '{}')

    def test_truncated_answer_promises_more_than_comes(self):
        self.put()
        whole = self.answer('GetParameters', '{"Names":["/p"]}')
        self.faults({'kind': 'truncate'})
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.answer('GetParameters', '{"Names":["/p"]}')
        self.assertEqual(caught.exception.partial, whole[:len(whole) // 2])
        self.assertEqual(len(caught.exception.partial) + caught.exception.expected, len(whole))
        with self.assertRaises(http.client.IncompleteRead):
            self.answer('PutParameter', '{"Name":"/cut","Value":"v","Type":"String"}')
        self.assertTrue(self.there('/cut'))

    def test_down_takes_a_region_or_a_service_away(self):
        self.faults({'kind': 'down', 'region': 'eu-*'})
        with self.assertRaises(ConnectionClosedError):
            self.client('ssm', region='eu-west-1').describe_parameters()
        self.client('ssm').describe_parameters()
        self.faults({'kind': 'down', 'service': 'kms', 'status': 503})
        with self.assertRaises(ClientError) as caught:
            self.client('kms').list_keys()
        self.assertEqual(caught.exception.response['ResponseMetadata']['HTTPStatusCode'], 503)
        self.server.findings.clear()  # a front end's page is no answer of the service
        self.client('ssm', region='eu-west-1').describe_parameters()

    def test_account_operation_and_count(self):
        self.faults({'kind': 'throttle', 'account': OTHER_ACCOUNT, 'operation': 'Describe*',
                     'count': 2})
        self.client('ssm').describe_parameters()
        other = self.client('ssm', account=OTHER_ACCOUNT)
        other.get_parameters(Names=['/x'])
        for _ in range(2):
            self.refused('ThrottlingException', other.describe_parameters)
        other.describe_parameters()
        rule = self.server.control('GET', 'faults')['rules'][0]
        self.assertEqual((rule['matched'], rule['hits'], rule['count']), (2, 2, 2))

    def outcome(self, calls, **rule):
        ssm, seen = self.client('ssm'), ''
        self.faults(dict({'kind': 'throttle', 'probability': 0.5}, **rule), seed=7)
        for _ in range(calls):
            try:
                ssm.get_parameters(Names=['/x'])
                seen += '.'
            except ClientError:
                seen += 'x'
        return seen

    def test_chance_is_the_same_with_the_same_seed(self):
        first = self.outcome(60)
        self.assertEqual(first, self.outcome(60))
        self.assertTrue(15 < first.count('x') < 45, first)
        rule = self.server.control('GET', 'faults')['rules'][0]
        self.assertEqual((rule['matched'], rule['hits']), (60, first.count('x')))
        self.assertNotIn('x', self.outcome(20, probability=0))

    def test_rules_add_up_and_the_first_effect_wins(self):
        self.faults({'kind': 'latency', 'ms': 30}, {'kind': 'latency', 'ms': 30},
                    {'kind': 'error', 'code': 'First'}, {'kind': 'throttle'})
        start = time.monotonic()
        self.server.findings.clear()
        with self.assertRaises(ClientError) as caught:
            self.client('ssm').describe_parameters()
        self.assertGreaterEqual(time.monotonic() - start, 0.06)
        self.assertEqual(caught.exception.response['Error']['Code'], 'First')
        self.server.findings.clear()
        self.assertEqual([rule['hits'] for rule in
                          self.server.control('GET', 'faults')['rules']], [1, 1, 1, 0])

    def test_reset_of_the_server_clears_them(self):
        self.faults({'kind': 'throttle'})
        self.server.reset()
        self.assertEqual(self.server.control('GET', 'faults')['rules'], [])
        self.client('ssm').describe_parameters()

    def test_what_is_no_rule_is_refused(self):
        for body, why in (
                ({}, 'list of rules'), ({'rules': [], 'sed': 1}, 'list of rules'),
                ({'rules': [], 'seed': 'a'}, 'list of rules'), ([1], 'rule 1: an object'),
                ([{'kind': 'fire'}], 'rule 1: kind is'),
                ([{'kind': 'reset'}, {'kind': 'latency'}], 'rule 2: latency wants ms'),
                ([{'kind': 'latency', 'ms': -1}], 'whole number'),
                ([{'kind': 'latency', 'ms': 600001}], 'whole number'),
                ([{'kind': 'error'}], 'wants a code'),
                ([{'kind': 'error', 'code': ''}], 'not empty'),
                ([{'kind': 'error', 'code': 'X', 'status': 200}], 'status'),
                ([{'kind': 'throttle', 'code': 'X'}], "no member 'code'"),
                ([{'kind': 'truncate', 'when': 'before'}], "no member 'when'"),
                ([{'kind': 'reset', 'when': 'never'}], 'before'),
                ([{'kind': 'down', 'status': 500}], '503'),
                ([{'kind': 'reset', 'probability': 1.5}], '0 to 1'),
                ([{'kind': 'reset', 'probability': '1'}], '0 to 1'),
                ([{'kind': 'reset', 'count': 0}], 'count'),
                ([{'kind': 'reset', 'service': 'smm'}], 'no operation of a service'),
                ([{'kind': 'reset', 'service': 'kms', 'operation': 'PutParameter'}],
                 'no operation of a service'),
                ([{'kind': 'reset'}] * 1001, 'more than 1000')):
            with self.subTest(body=str(body)[:60]):
                with self.assertRaises(urllib.error.HTTPError) as caught:
                    self.server.control('POST', 'faults', body)
                with caught.exception as error:
                    self.assertEqual(error.code, 400)
                    self.assertIn(why, json.loads(error.read())['message'])
        self.assertEqual(self.server.control('GET', 'faults')['rules'], [])


class FromTheStart(Conformance):
    @classmethod
    def setUpClass(cls):
        with tempfile.NamedTemporaryFile('w', suffix='.json') as rules:
            json.dump([{'kind': 'throttle', 'service': 'kms', 'count': 1}], rules)
            rules.flush()
            cls.server = LocalServer('--latency', '20', '--faults', rules.name, '--loops', '1')
            cls.server.start()

    def test_a_reset_returns_to_them(self):
        for _ in range(2):
            self.refused('ThrottlingException', self.client('kms').list_keys)
            self.client('kms').list_keys()
            self.server.reset()
        self.assertEqual(self.server.control('GET', 'faults')['latency'], 20)

    def test_latency_holds_nobody_else_up(self):
        """900 calls at once on one loop: each is 20 ms late, not behind the others. A machine that
        is busy may have made them wait: then they are sent again."""
        body = '{"Names":["/x"]}'
        request = signed(self.server, 'GetParameters', body)
        head = ''.join(f'{name}: {value}\r\n' for name, value in request.headers.items())
        url = urllib.parse.urlsplit(self.server.url)
        wanted = (f'POST / HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: {len(body)}\r\n'
                  f'{head}\r\n{body}').encode()
        sockets = [socket.create_connection((url.hostname, url.port), 60) for _ in range(900)]
        try:
            for _ in range(10):
                start = time.monotonic()
                for one in sockets:
                    one.sendall(wanted)
                for one in sockets:
                    self.assertTrue(one.recv(65536).startswith(b'HTTP/1.1 200 OK'))
                whole = time.monotonic() - start
                if whole < 900 * 0.020 / 4:
                    break
        finally:
            for one in sockets:
                one.close()
        self.assertLess(whole, 900 * 0.020 / 4, 'the calls waited for each other')

    def test_latency_is_exact(self):
        """Of the calls in a row half are; on a machine that is busy, of one of many rows."""
        ssm, end = self.client('ssm'), time.monotonic() + 60
        while True:
            times = []
            for _ in range(15):
                start = time.monotonic()
                ssm.get_parameters(Names=['/x'])
                times.append(time.monotonic() - start)
            self.assertGreaterEqual(min(times), 0.020)
            if statistics.median(times) < 0.035 or time.monotonic() > end:
                break
        self.assertLess(statistics.median(times), 0.035)

    def test_bad_files_and_numbers_stop_the_start(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'faults')
            with open(path, 'w') as out:
                out.write('[{"kind": "fire"}]')
            for arguments, why in ((['--faults', path], 'rule 1'),
                                   (['--faults', path + 'x'], 'faultsx'),
                                   (['--latency', '-1'], '--latency wants 0')):
                done = subprocess.run(
                    [program(), '--data', os.path.join(folder, 'data'), '--listen', '127.0.0.1:0',
                     *arguments], capture_output=True, text=True, timeout=60)
                self.assertIn(done.returncode, (1, 2))
                self.assertIn(why, done.stderr)


if __name__ == '__main__':
    main()
