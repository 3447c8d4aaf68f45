"""replication: the real understudy between Regions of a real server, and a witness between them.

A Witness is a proxy on the loopback: it notes the operation and Region of every call that passes,
holds the request and the answer against AWS's service model (model_check.py; a test that ends with
findings fails), and can be told to refuse one, or to let it through and lose the answer. The
programs are
$UNDERSTUDY and $UNDERSTUDY_LOCAL, else those in build/.
"""
import collections
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / 'tests' / 'conformance'))
from local_server import ACCOUNT, CREDENTIALS, LocalServer  # noqa: E402
import model_check  # noqa: E402

SOURCE, COPIES = 'ap-south-1', ('us-east-1', 'eu-west-1')
READS = re.compile(r'(Get|Describe|List)[A-Z]')


def program():
    return os.environ.get('UNDERSTUDY', str(ROOT / 'build' / 'understudy'))


class Call(collections.namedtuple('Call', 'service region operation body')):
    @property
    def writes(self):
        return not READS.match(self.operation)


class Witness(http.server.ThreadingHTTPServer):
    """`rules` are functions of a Call: None lets it pass, 'lose' forwards it and closes without an
    answer, 'stall' holds it until `released`, (status, body) answers in the server's place."""
    daemon_threads = True
    request_queue_size = 128  # else the sixth of many connections at once waits for a second

    def __init__(self, url):
        super().__init__(('127.0.0.1', 0), Passage)
        self.behind = url.split('//')[1].rstrip('/')
        self.url = f'http://127.0.0.1:{self.server_address[1]}'
        self.calls, self.rules, self.findings = [], [], []
        self.released = threading.Event()
        self.stalled = threading.Event()
        self._lock = threading.Lock()
        self._open = True
        threading.Thread(target=self.serve_forever, kwargs={'poll_interval': 0.02},
                         daemon=True).start()

    def note(self, call):
        with self._lock:
            self.calls.append(call)
            for rule in self.rules:
                verdict = rule(call)
                if verdict:
                    return verdict
        return None

    def check(self, call, protocol, answer=None):
        """Of the request, or of (status, body) of its answer."""
        if call.service:
            found = model_check.check_request(call.service, call.operation, call.body.decode(),
                                              protocol) if answer is None else \
                model_check.check_answer(call.service, call.operation, answer[0],
                                         answer[1].decode(), protocol)
            with self._lock:
                self.findings.extend(found)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # the program was ended by the test
            super().handle_error(request, client_address)

    def writes(self):
        return [call for call in self.calls if call.writes]

    def forget(self):
        self.calls.clear()
        self.rules.clear()

    def close(self):
        self.released.set()
        if self._open:
            self._open = False
            self.shutdown()
            self.server_close()


class Passage(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        scope = re.search(r'Credential=[^/]+/\d+/([^/]+)/([^/]+)/',
                          self.headers.get('Authorization', ''))
        region, service = scope.groups() if scope else ('', '')
        target = self.headers.get('X-Amz-Target', '').rpartition('.')[2]
        protocol = 'json' if target else 'query'
        if not target:
            target = (re.search(rb'Action=(\w+)', body) or [b'', b'?'])[1].decode()
        call = Call(service, region, target, body)
        self.server.check(call, protocol)
        verdict = self.server.note(call)
        if isinstance(verdict, tuple):
            return self._answer(verdict[0], verdict[1].encode(),
                                [('Content-Type', 'application/x-amz-json-1.1')])
        if verdict == 'stall':
            self.server.stalled.set()
            self.server.released.wait(60)
            self.close_connection = True
            return None
        connection = http.client.HTTPConnection(self.server.behind, timeout=60)
        connection.request('POST', self.path, body, dict(self.headers.items()))
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        self.server.check(call, protocol, (answer.status, data))
        if verdict == 'lose':
            self.close_connection = True
            return None
        return self._answer(answer.status, data, answer.getheaders())

    def _answer(self, status, data, headers):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ('content-length', 'connection', 'transfer-encoding'):
                self.send_header(name, value)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
            self.wfile.flush()
        except OSError:
            pass  # the program was ended by the test

    def log_message(self, *_):
        pass


def error(code, message='no', status=400):
    return status, json.dumps({'__type': code, 'message': message})


class Done(collections.namedtuple('Done', 'status out err')):
    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self):
        return self.lines[-1]

    def steps(self, action=None):
        return [line for line in self.lines
                if line['type'] == 'step' and action in (None, line['action'])]


class Replication(unittest.TestCase):
    """One server a class with a witness in front, emptied before each test."""
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.server = LocalServer()
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def setUp(self):
        self.server.reset()
        self.server.findings.clear()
        self.addCleanup(self.server.close_clients)
        self.clients = {}
        self.witness = Witness(self.server.url)
        self.addCleanup(lambda: self.assertEqual(self.witness.findings + self.server.findings, [],
                                                 'not as in the service model'))
        self.addCleanup(self.witness.close)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='understudy-integration-'))
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ('home', 'state', 'tmp'):
            (self.folder / name).mkdir()

    # --- the server's side ----------------------------------------------------------------------
    def ssm(self, region=SOURCE):
        if region not in self.clients:
            self.clients[region] = self.server.client('ssm', region)
        return self.clients[region]

    def put(self, name, value, region=SOURCE, **more):
        more.setdefault('Type', 'String')
        return self.ssm(region).put_parameter(Name=name, Value=value, **more)['Version']

    def key(self, alias, *regions):
        for region in regions:
            kms = self.server.client('kms', region)
            made = kms.create_key()['KeyMetadata']['KeyId']
            kms.create_alias(AliasName=alias, TargetKeyId=made)

    def state(self, region):
        """Everything a copy carries, by name; keys as the Region names them."""
        ssm, found = self.ssm(region), {}
        for page in ssm.get_paginator('describe_parameters').paginate(MaxResults=10):
            names = [row['Name'] for row in page['Parameters']]
            values = {} if not names else {
                one['Name']: one['Value']
                for one in ssm.get_parameters(Names=names, WithDecryption=True)['Parameters']}
            for row in page['Parameters']:
                tags = ssm.list_tags_for_resource(ResourceType='Parameter',
                                                  ResourceId=row['Name'])['TagList']
                found[row['Name'].removeprefix('/')] = {
                    'Value': values[row['Name']],
                    'Tags': {tag['Key']: tag['Value'] for tag in tags
                             if not tag['Key'].startswith('understudy:')},
                    'Policies': sorted(json.dumps(json.loads(policy['PolicyText']), sort_keys=True)
                                       for policy in row.get('Policies', [])),
                    **{key: row.get(key) or None for key in (
                        'Type', 'Tier', 'Description', 'DataType', 'AllowedPattern', 'KeyId')}}
        return found

    def versions(self, region):
        pages = self.ssm(region).get_paginator('describe_parameters').paginate()
        return {row['Name'].removeprefix('/'): row['Version']
                for page in pages for row in page['Parameters']}

    def assertCopied(self, *regions):
        source = self.state(SOURCE)
        for region in regions or COPIES:
            self.assertEqual(self.state(region), source, region)

    # --- the program's side ---------------------------------------------------------------------
    def environment(self):
        key, secret = CREDENTIALS[ACCOUNT]
        return {'PATH': os.environ['PATH'], 'HOME': str(self.folder / 'home'),
                'XDG_STATE_HOME': str(self.folder / 'state'), 'TMPDIR': str(self.folder / 'tmp'),
                'SQLITE_TMPDIR': str(self.folder / 'tmp'), 'AWS_ACCESS_KEY_ID': key,
                'AWS_SECRET_ACCESS_KEY': secret, 'AWS_EC2_METADATA_DISABLED': 'true',
                **{name: os.environ[name] for name in os.environ if name.endswith('SAN_OPTIONS')}}

    def command(self, *words, flags=True, config=None):
        words = [program(), *words]
        if config is not None:
            path = self.folder / 'understudy.yaml'
            path.write_text(config, encoding='utf-8')
            words += ['--config', str(path)]
        elif flags:
            words += ['--source-region', SOURCE, '--destination-region', ','.join(COPIES)]
        return words + (['--endpoint-url', self.witness.url] if flags else [])

    def run_it(self, *words, status=0, **how):
        done = subprocess.run(self.command(*words, **how), env=self.environment(), text=True,
                              encoding='utf-8', capture_output=True, cwd=self.folder, timeout=120)
        result = Done(done.returncode, done.stdout, done.stderr)
        if status is not None:
            self.assertEqual(result.status, status, done.stdout + done.stderr)
        return result
