#!/usr/bin/python3
"""`understudy local`: the local AWS as a command of the tool, from its ready line to its end."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest
import urllib.request

import replication
from local_server import ACCOUNT, CREDENTIALS


class Local(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def start(self, *options):
        process = subprocess.Popen(
            [replication.program(), 'local', '--data', os.path.join(self.folder, 'data'),
             '--listen', '127.0.0.1:0', *options], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(lambda: process.poll() is None and (process.kill(), process.wait()))
        lines = []
        for line in process.stdout:
            if line.startswith('ready http://127.0.0.1:'):
                return process, line.split()[1], lines
            lines.append(line)
        self.fail('not ready: ' + ''.join(lines))

    def sync(self, url, **environment):
        env = {'PATH': os.environ['PATH'], 'HOME': self.folder, **environment}
        return subprocess.run(
            [replication.program(), 'sync', '--source-region', 'ap-south-1', '--destination-region',
             'us-east-1', '--endpoint-url', url, '--json'], env=env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def end(self, process):
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=60), 0)

    def test_given_credentials(self):
        key, secret = CREDENTIALS[ACCOUNT]
        process, url, _ = self.start('--credentials', f'{key}:{secret}:{ACCOUNT}')
        with urllib.request.urlopen(url + '/_understudy/health', timeout=60) as health:
            self.assertEqual(json.load(health)['status'], 'running')
        arguments = pathlib.Path(f'/proc/{process.pid}/cmdline').read_bytes()
        self.assertIn(b'understudy-local', arguments)
        self.assertNotIn(secret.encode(), arguments)
        known = {'AWS_ACCESS_KEY_ID': key, 'AWS_SECRET_ACCESS_KEY': secret}
        self.assertEqual(self.sync(url, **known).returncode, 0)
        wrong = self.sync(url, **dict(known, AWS_SECRET_ACCESS_KEY='not that'))
        self.assertEqual(wrong.returncode, 1)
        self.assertIn('does not match the signature you provided', wrong.stderr)
        self.end(process)

    def test_first_start_makes_accounts(self):
        process, url, lines = self.start()
        exports = dict(line.removeprefix('export ').split('#')[0].strip().split('=', 1)
                       for line in lines if line.startswith('export '))
        self.assertEqual(exports['AWS_ENDPOINT_URL'], url)
        path = exports['AWS_SHARED_CREDENTIALS_FILE'].strip("'")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        done = self.sync(url, AWS_SHARED_CREDENTIALS_FILE=path, AWS_PROFILE='222222222222')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('222222222222', done.stdout)
        self.end(process)


if __name__ == '__main__':
    unittest.main(verbosity=2)
