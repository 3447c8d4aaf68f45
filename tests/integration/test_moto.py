#!/usr/bin/python3
"""sync against another server than ours, where it is on the machine (skipped elsewhere): what both
were made to believe would otherwise never be contradicted."""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import boto3
from botocore.config import Config

from replication import COPIES, SOURCE, program

MOTO = shutil.which('moto_server') or os.path.expanduser('~root/.pyenv/shims/moto_server')
KEYS = {'aws_access_key_id': 'AKIAIOSFODNN7EXAMPLE', 'aws_secret_access_key': 'not checked'}


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Moto(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        port = free_port()
        cls.url = f'http://127.0.0.1:{port}'
        cls.server = subprocess.Popen([MOTO, '-H', '127.0.0.1', '-p', str(port)],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(cls.url + '/moto-api/data.json', timeout=60).close()
                return
            except OSError:
                if time.monotonic() > deadline or cls.server.poll() is not None:
                    raise
                time.sleep(0.1)

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait()

    def ssm(self, region):
        return boto3.client('ssm', region, endpoint_url=self.url, config=Config(proxies={}), **KEYS)

    def run_it(self, *words, status=0):
        with tempfile.TemporaryDirectory() as home:
            done = subprocess.run(
                [program(), *words, '--source-region', SOURCE, '--destination-region',
                 ','.join(COPIES), '--endpoint-url', self.url],
                env={'PATH': os.environ['PATH'], 'HOME': home, 'AWS_ACCESS_KEY_ID':
                     KEYS['aws_access_key_id'], 'AWS_SECRET_ACCESS_KEY': 'x',
                     'AWS_EC2_METADATA_DISABLED': 'true'},
                text=True, encoding='utf-8', capture_output=True, timeout=120)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def state(self, region):
        ssm, found = self.ssm(region), {}
        for page in ssm.get_paginator('describe_parameters').paginate(MaxResults=10):
            values = {one['Name']: one['Value'] for one in ssm.get_parameters(
                Names=[row['Name'] for row in page['Parameters']],
                WithDecryption=True)['Parameters']}
            for row in page['Parameters']:
                tags = ssm.list_tags_for_resource(ResourceType='Parameter',
                                                  ResourceId=row['Name'])['TagList']
                found[row['Name']] = (values[row['Name']], row['Type'], row.get('Description'),
                                      row.get('Tier'), row.get('KeyId'), row['Version'],
                                      sorted((tag['Key'], tag['Value']) for tag in tags
                                             if not tag['Key'].startswith('understudy:')))
        return found

    def test_sync_against_moto(self):
        ssm = self.ssm(SOURCE)
        for number in range(60):
            ssm.put_parameter(Name=f'/prod/n{number}', Value=f'value {number}', Type='SecureString',
                              Description='d', Tags=[{'Key': 'n', 'Value': str(number)}])
        ssm.put_parameter(Name='root', Value='a,b', Type='StringList')
        ssm.put_parameter(Name='/prod/big', Value='x' * 6000, Type='String', Tier='Advanced')
        self.assertIn('124 to create', self.run_it('plan'))
        self.assertIn('applied 124 of 124', self.run_it('sync'))
        for region in COPIES:
            self.assertEqual(self.state(region), self.state(SOURCE))
        self.assertIn('applied 0 of 0', self.run_it('sync'))
        self.run_it('verify')
        ssm.put_parameter(Name='/prod/n7', Value='changed', Type='SecureString', Description='d',
                          Overwrite=True)
        ssm.remove_tags_from_resource(ResourceType='Parameter', ResourceId='/prod/n8',
                                      TagKeys=['n'])
        self.run_it('verify', status=3)
        self.assertIn('applied 4 of 4', self.run_it('sync'))
        for region in COPIES:
            self.assertEqual(self.state(region), self.state(SOURCE))
        self.run_it('verify')


if __name__ == '__main__':
    if not os.path.exists(MOTO):
        print('moto_server is not on this machine: nothing to test')
        sys.exit(77)  # meson: skipped
    unittest.main()
