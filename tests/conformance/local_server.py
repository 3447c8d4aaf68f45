"""local_server: an understudy-local of one's own for a test, and clients of it.

    with LocalServer() as server:
        ssm = server.client('ssm', 'us-east-1')

It listens on a free port of the loopback, keeps its data in a folder that goes away, runs with
--testing, and knows two accounts, whose keys are administrators. The program is $UNDERSTUDY_LOCAL,
else build/understudy-local. Leaving the block ends it with SIGTERM and insists on exit status 0.

Every answer that a client from here receives is checked against AWS's service model
(model_check.py); a test that ends with findings fails.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.error
import urllib.request

import lean  # noqa: F401, before boto3
import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

import aws_cli
import model_check
import rows

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ACCOUNT, OTHER_ACCOUNT = '111111111111', '222222222222'
CREDENTIALS = {
    ACCOUNT: ('AKIATESTCONFORMANCE1', 'conformance/secret+key/of/account/111111'),
    OTHER_ACCOUNT: ('AKIATESTCONFORMANCE2', 'conformance/secret+key/of/account/222222'),
}
REGION = 'us-east-1'
TARGETS = {'sqs': 'AmazonSQS', 'ssm': 'AmazonSSM', 'events': 'AWSEvents', 'kms': 'TrentService',
           'logs': 'Logs_20140328',
           'resourcegroupstaggingapi': 'ResourceGroupsTaggingAPI_20170126'}


REST = {'lambda'}

# One session: each would read botocore's service models again, for a fifth of a second. Sessions,
# unlike clients, are not for several threads at once.
CORE = boto3.session.Session()
CREATING = threading.Lock()
LASTING = {keys + (None, False) for keys in CREDENTIALS.values()}


def program():
    return os.environ.get('UNDERSTUDY_LOCAL', str(ROOT / 'build' / 'understudy-local'))


class LocalServer:
    def __init__(self, *options, data=None, testing=True):
        self.options = (['--testing'] if testing else []) + list(options)
        self.findings = []
        self._clients = {}
        self._data = data
        self._process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception):
        self.stop()

    def start(self):
        self.folder = self._data or tempfile.mkdtemp(prefix='understudy-conformance-')
        keys = pathlib.Path(self.folder) / 'keys-of-the-test'
        keys.parent.mkdir(parents=True, exist_ok=True)
        keys.write_text(''.join(f'{key}:{secret}:{account}\n'
                                for account, (key, secret) in CREDENTIALS.items()))
        keys.chmod(0o600)
        self._errors = tempfile.TemporaryFile('w+')
        self._process = subprocess.Popen(
            [program(), '--data', os.path.join(self.folder, 'data'), '--listen', '127.0.0.1:0',
             '--credentials-file', str(keys)] + self.options,
            stdout=subprocess.PIPE, stderr=self._errors, text=True, env=self._environment())
        for line in self._process.stdout:
            if line.startswith('ready '):
                self.url = line.split()[1]
                return
        self._process.wait()
        raise RuntimeError('the server did not start: ' + self.errors())

    @staticmethod
    def _environment():
        return {k: v for k, v in os.environ.items() if not k.startswith('AWS_')}

    def errors(self):
        """What the server wrote to standard error until now."""
        self._errors.seek(0)
        return self._errors.read()

    def kill(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(timeout=60)
        self._process.stdout.close()
        errors = self.errors()
        self._errors.close()
        if not self._data:
            shutil.rmtree(self.folder, ignore_errors=True)
        if status != 0 or 'runtime error:' in errors:  # of the undefined-behaviour sanitizer
            raise RuntimeError(f'the server ended with {status}: {errors}')

    def reset(self):
        urllib.request.urlopen(urllib.request.Request(self.url + '/_understudy/reset', b'',
                                                      method='POST')).read()

    def control(self, method, name, body=None):
        """/_understudy/NAME: the answer's JSON; urllib's HTTPError when it is refused."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(
                f'{self.url}/_understudy/{name}', data, method=method)) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def clock(self, **change):
        """Moves the server's clock (advance=SECONDS, time=..., real=True, stopped=...) and tells
        what it shows. boto3 and the aws command line sign with the machine's time and cannot be
        told another, so their signatures are compared with that."""
        if not change:
            return self.control('GET', 'clock')
        return self.control('POST', 'clock', dict({'signatures': 'real'}, **change))

    def client(self, service, region=REGION, account=ACCOUNT, keys=None, own=False):
        """No retries: a test wants the first answer. `keys`: (access key, secret[, token]). Who
        asks twice gets the same; `own`: one that nobody shares, to hang something on."""
        key, secret, token = (keys + (None,))[:3] if keys else CREDENTIALS[account] + (None,)
        found = (self.url, service, region, key, secret, token, own and object())
        with CREATING:
            if found not in self._clients:
                self._clients[found] = CORE.client(
                    service, region, endpoint_url=self.url, aws_access_key_id=key,
                    aws_secret_access_key=secret, aws_session_token=token,
                    config=Config(retries={'max_attempts': 0}, parameter_validation=False,
                                  proxies={}))
                model_check.watch(self._clients[found], self.findings)
        return self._clients[found]

    def close_clients(self):
        """Closes connections. Clients of the two accounts stay: to make one takes long."""
        for found, client in list(self._clients.items()):
            client.close()
            if found[3:] not in LASTING:
                del self._clients[found]

    def raw(self, service, operation, arguments, region=REGION, account=ACCOUNT, target=None,
            keys=None):
        """A signed call of a JSON service, for what Debian's boto3 does not know yet: HTTP status
        and answer. `arguments`: an object, or the body itself as bytes."""
        body = arguments if isinstance(arguments, bytes) else json.dumps(arguments).encode()
        request = AWSRequest('POST', self.url + '/', data=body, headers={
            'Content-Type': 'application/x-amz-json-1.1',
            'X-Amz-Target': target or f'{TARGETS[service]}.{operation}'})
        SigV4Auth(Credentials(*(keys or CREDENTIALS[account])), service, region).add_auth(request)
        try:
            with urllib.request.urlopen(urllib.request.Request(
                    request.url, body, dict(request.headers.items()), method='POST')) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
            error.close()
        if target is None:
            self.findings.extend(model_check.check_answer(service, operation, status,
                                                          text.decode()))
            rows.note_boto3(service, operation, {} if status == 200 else
                            {'Error': {'Code': json.loads(text).get('__type').rpartition('#')[2]}})
        return status, json.loads(text) if text.strip() else {}

    def rest(self, service, method, path, body=None, region=REGION, account=ACCOUNT):
        """A signed call of a REST service as boto3 would not send it: HTTP status and answer, with
        an error's code as its member "code". `body`: an object, or the bytes themselves."""
        data = body if isinstance(body, bytes) else \
            None if body is None else json.dumps(body).encode()
        request = AWSRequest(method, self.url + path, data=data,
                             headers={'Content-Type': 'application/json'})
        SigV4Auth(Credentials(*CREDENTIALS[account]), service, region).add_auth(request)
        try:
            with urllib.request.urlopen(urllib.request.Request(
                    request.url, data, dict(request.headers.items()), method=method)) as answer:
                status, text, code = answer.status, answer.read(), None
        except urllib.error.HTTPError as error:
            status, text, code = error.code, error.read(), error.headers.get('x-amzn-errortype')
            error.close()
        answer = json.loads(text) if text.strip().startswith(b'{') else {}
        return status, dict(answer, code=code) if code else answer

    def cli(self, *arguments, region=REGION, account=ACCOUNT):
        """The aws command line of Debian; standard output, or CalledProcessError."""
        key, secret = CREDENTIALS[account]
        env = dict(self._environment(), AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret,
                   AWS_DEFAULT_REGION=region, AWS_EC2_METADATA_DISABLED='true', AWS_PAGER='',
                   AWS_CONFIG_FILE='/dev/null', AWS_SHARED_CREDENTIALS_FILE='/dev/null')
        try:
            out = aws_cli.run(self.url, arguments, env)
        except subprocess.CalledProcessError as error:
            rows.note_cli(arguments, error.stderr)
            raise
        finally:
            self._check_cli(arguments)
        rows.note_cli(arguments, None)
        return out

    def _check_cli(self, arguments):
        service = next(word for word in arguments if not word.startswith('-'))
        for operation, status, content_type, body, code in aws_cli.answers:
            protocol = 'rest-json' if service in REST else \
                'query' if 'xml' in content_type else 'json'
            self.findings.extend(model_check.check_answer(service, operation, status, body,
                                                          protocol, code))


class Conformance(unittest.TestCase):
    """One server a class, emptied before each test."""
    options = ()
    testing = True

    @classmethod
    def setUpClass(cls):
        cls.server = LocalServer(*cls.options, testing=cls.testing)
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def setUp(self):
        self.server.reset()
        self.server.findings.clear()

    def tearDown(self):
        self.server.close_clients()
        self.assertEqual(self.server.findings, [], 'not as in the service model')

    def client(self, service, **where):
        return self.server.client(service, **where)

    def start_trail(self, account=ACCOUNT):
        """A trail of all Regions that logs: without one no call reaches EventBridge."""
        trails = self.client('cloudtrail', account=account)
        trails.create_trail(Name='management', S3BucketName='trail-of-the-test',
                            IsMultiRegionTrail=True)
        trails.start_logging(Name='management')

    def refused_raw(self, code, operation, message=None, service='ssm', account=ACCOUNT,
                    **arguments):
        status, answer = self.server.raw(service, operation, arguments, account=account)
        self.assertEqual((status, answer.get('__type')), (400, code), answer)
        if message is not None:
            self.assertEqual(answer.get('message', answer.get('Message', '')), message)

    def raw(self, operation, service='ssm', account=ACCOUNT, **arguments):
        status, answer = self.server.raw(service, operation, arguments, account=account)
        self.assertEqual(status, 200, answer)
        return answer

    def refused(self, code, call, /, message=None, **arguments):
        """The call fails with this code, and the message when one is given ('' means that there
        is none)."""
        try:
            answer = call(**arguments)
        except Exception as error:
            found = getattr(error, 'response', None)
            if found is None:
                raise
        else:
            self.fail(f'expected {code}, got {answer}')
        self.assertEqual(found['Error']['Code'], code, found['Error'])
        if message is not None:
            self.assertEqual(found['Error'].get('Message', ''), message)
        return found


def main():
    if not os.path.exists(program()):
        print(f'{program()} is not there: nothing to test')
        sys.exit(77)  # meson: skipped
    rows.begin()
    unittest.main(verbosity=2, warnings="default")
