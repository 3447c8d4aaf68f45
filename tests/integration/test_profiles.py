"""Credentials as people configure them, through the real programs: profiles, roles with an external
id, credential_process, a container's credentials service, instance metadata. The local AWS checks
every signature and the role's trust policy."""
import datetime
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'conformance'))
import local_server  # noqa: E402
from local_server import ACCOUNT, CREDENTIALS, ROOT  # noqa: E402

KEY, SECRET = CREDENTIALS[ACCOUNT]
ROLE = f'arn:aws:iam::{ACCOUNT}:role/sync'
SYNC = ['sync', '--source-region', 'ap-south-1', '--destination-region', 'us-east-1',
        '--include', '/app/**']


class Listener(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # one that is full loses connections


class Metadata(http.server.BaseHTTPRequestHandler):
    """A container's credentials service and an instance's metadata, on the loopback."""
    keys = {'AccessKeyId': KEY, 'SecretAccessKey': SECRET, 'Code': 'Success',
            'Expiration': (datetime.datetime.now(datetime.timezone.utc) +
                           datetime.timedelta(hours=6)).strftime('%Y-%m-%dT%H:%M:%SZ')}
    path_of_role = '/latest/meta-data/iam/security-credentials/'

    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_PUT(self):
        asked = self.headers.get('x-aws-ec2-metadata-token-ttl-seconds')
        self.answer('imds-token', 200 if asked == '21600' else 400)

    def do_GET(self):
        if self.path == '/container':
            good = self.headers.get('Authorization') == 'container-token'
        else:
            good = self.headers.get('x-aws-ec2-metadata-token') == 'imds-token'
        if not good:
            self.answer('', 401)
        elif self.path == self.path_of_role:
            self.answer('the-role')
        else:
            self.answer(json.dumps(self.keys))

    def log_message(self, *arguments):
        pass


class Profiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = local_server.LocalServer()
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)
        cls.metadata = Listener(('127.0.0.1', 0), Metadata)
        threading.Thread(target=cls.metadata.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.metadata.server_close)
        cls.addClassCleanup(cls.metadata.shutdown)
        cls.metadata_url = f'http://127.0.0.1:{cls.metadata.server_port}'
        iam = cls.server.client('iam', 'us-east-1')
        iam.create_role(RoleName='sync', AssumeRolePolicyDocument=json.dumps(
            {'Version': '2012-10-17', 'Statement': [
                {'Effect': 'Allow', 'Principal': {'AWS': ACCOUNT}, 'Action': 'sts:AssumeRole',
                 'Condition': {'StringEquals': {'sts:ExternalId': 'agreed-1'}}}]}))
        iam.put_role_policy(RoleName='sync', PolicyName='p', PolicyDocument=json.dumps(
            {'Version': '2012-10-17', 'Statement': [
                {'Effect': 'Allow', 'Action': ['ssm:*', 'tag:*', 'kms:*'], 'Resource': '*'}]}))
        cls.server.client('ssm', 'ap-south-1').put_parameter(
            Name='/app/a', Type='String', Value='first')
        cls.count = 0

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.environment = {'PATH': os.environ['PATH'], 'HOME': folder.name,
                            'AWS_EC2_METADATA_DISABLED': 'true',
                            'AWS_ENDPOINT_URL': self.server.url}
        self.program = os.environ.get('UNDERSTUDY', str(ROOT / 'build' / 'understudy'))

    def write(self, name, text):
        path = self.folder / '.aws' / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def run_sync(self, **variables):
        told = subprocess.run([self.program] + SYNC, env={**self.environment, **variables},
                              capture_output=True, text=True, timeout=60)
        self.assertNotIn(SECRET, told.stdout + told.stderr)
        return told

    def copies(self, **variables):
        """A change at the source reaches the destination with these credentials."""
        type(self).count += 1
        value = f'value {self.count}'
        self.server.client('ssm', 'ap-south-1').put_parameter(
            Name='/app/a', Type='String', Value=value, Overwrite=True)
        told = self.run_sync(**variables)
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
        copy = self.server.client('ssm', 'us-east-1').get_parameter(Name='/app/a')
        self.assertEqual(copy['Parameter']['Value'], value)

    def fails(self, *words, **variables):
        told = self.run_sync(**variables)
        self.assertEqual(told.returncode, 1, told.stdout + told.stderr)
        for word in words:
            self.assertIn(word, told.stderr)

    def write_keys(self):
        self.write('credentials', f'[base]\naws_access_key_id = {KEY}\n'
                                  f'aws_secret_access_key = {SECRET}\n')

    def test_keys(self):
        self.copies(AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET)
        self.write_keys()
        self.copies(AWS_PROFILE='base')
        self.fails('no credentials found')
        self.fails('profile nobody is neither in', AWS_PROFILE='nobody')
        self.fails('does not match', AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY='another')

    def test_role(self):
        self.write_keys()
        self.write('config', f'[profile role]\nrole_arn = {ROLE}\nsource_profile = base\n'
                             f'external_id = agreed-1\nduration_seconds = 900\n'
                             f'[profile stranger]\nrole_arn = {ROLE}\nsource_profile = base\n'
                             f'[profile self]\nrole_arn = {ROLE}\nsource_profile = self\n'
                             f'[profile by-environment]\nrole_arn = {ROLE}\n'
                             f'credential_source = Environment\nexternal_id = agreed-1\n')
        self.copies(AWS_PROFILE='role')
        self.fails('profile stranger', ROLE, 'sts:AssumeRole', AWS_PROFILE='stranger')
        self.fails('names itself', AWS_PROFILE='self')

    def test_endpoints_of_a_profile(self):
        self.write_keys()
        self.write('config', f'[profile base]\nservices = here\n'
                             f'[services here]\n' +
                   ''.join(f'{name} =\n  endpoint_url = {self.server.url}\n' for name in
                           ('ssm', 'sts', 'kms', 'resource_groups_tagging_api')))
        self.environment['AWS_ENDPOINT_URL'] = ''
        self.copies(AWS_PROFILE='base')

    def test_process(self):
        answer = self.folder / 'answer file.json'
        answer.write_text(json.dumps({'Version': 1, 'AccessKeyId': KEY,
                                      'SecretAccessKey': SECRET}))
        self.write('config', f'[profile p]\ncredential_process = /bin/cat "{answer}"\n'
                             f'[profile q]\ncredential_process = /bin/sh -c "echo why >&2; exit 3"')
        self.copies(AWS_PROFILE='p')
        self.fails('why', 'credential_process', 'ended with status 3', AWS_PROFILE='q')

    def test_container(self):
        token = self.folder / 'token'
        token.write_text('container-token')
        where = {'AWS_CONTAINER_CREDENTIALS_FULL_URI': self.metadata_url + '/container'}
        self.copies(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(token), **where)
        self.fails('status 401', AWS_CONTAINER_AUTHORIZATION_TOKEN='another', **where)
        self.fails('http is allowed to loopback',
                   AWS_CONTAINER_CREDENTIALS_FULL_URI='http://creds.example.com/')

    def test_instance(self):
        self.copies(AWS_EC2_METADATA_DISABLED='', AWS_METADATA_SERVICE_TIMEOUT='30',
                    AWS_EC2_METADATA_SERVICE_ENDPOINT=self.metadata_url)


if __name__ == '__main__':
    unittest.main(verbosity=2)
