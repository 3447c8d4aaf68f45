#!/usr/bin/python3
"""Planted secrets: what is a secret to AWS is found nowhere outside the answers that ask for it.

SecureString values, KMS plaintexts, the secret keys of accounts and of sessions: not in the data
folder (database, write-ahead log, key files), not in what the server prints, not in its arguments.
"""
import base64
import json
import pathlib
import shutil
import tempfile

import roles
from local_server import ACCOUNT, CREDENTIALS, Conformance, LocalServer, main

CANARY = 'canary-5f1d0b7c-do-not-print'
LARGE_CANARY = 'canary-77aa41-advanced-' + 'z' * 5000


class Canary(Conformance):
    def files(self):
        for path in pathlib.Path(self.server.folder, 'data').rglob('*'):
            if path.is_file():
                yield path, path.read_bytes()

    def assert_nowhere(self, secret):
        for shape in (secret, base64.b64encode(secret.encode()).decode().rstrip('='),
                      secret.encode().hex(), secret[:24]):
            needle = shape.encode()
            for path, content in self.files():
                self.assertNotIn(needle, content, f'{path.name} holds a secret')
            self.assertNotIn(shape, self.server.errors())
            with open(f'/proc/{self.server._process.pid}/cmdline', 'rb') as arguments:
                self.assertNotIn(needle, arguments.read())

    def test_secure_strings(self):
        ssm = self.client('ssm')
        ssm.put_parameter(Name='/canary', Value=CANARY, Type='SecureString')
        ssm.put_parameter(Name='/large', Value=LARGE_CANARY, Type='SecureString', Tier='Advanced')
        ssm.put_parameter(Name='/canary', Value=CANARY + '2', Type='SecureString', Overwrite=True)
        read = ssm.get_parameter(Name='/canary', WithDecryption=True)
        self.assertEqual(read['Parameter']['Value'],
                         CANARY + '2')
        read = ssm.get_parameter(Name='/large', WithDecryption=True)
        self.assertEqual(read['Parameter']['Value'],
                         LARGE_CANARY)
        sealed = ssm.get_parameter(Name='/canary')['Parameter']['Value']
        self.assertNotIn(CANARY.encode(), base64.b64decode(sealed))
        # Refused requests quote values in errors; these must not.
        for bad in ({'Name': 'a b'}, {'Type': 'Nonsense'}, {'Tier': 'Nonsense'},
                    {'AllowedPattern': '^x$'}, {'KeyId': 'alias/none'}):
            with self.assertRaises(Exception) as refused:
                ssm.put_parameter(**{'Name': '/bad', 'Value': CANARY, 'Type': 'SecureString',
                                     **bad})
            self.assertNotIn(CANARY, str(refused.exception))
        self.assert_nowhere(CANARY)
        self.assert_nowhere(LARGE_CANARY)

    def test_records_and_events(self):
        """Everything that happens goes to a queue, and the trail tells of it; no value does."""
        self.start_trail()
        sqs, events, ssm = self.client('sqs'), self.client('events'), self.client('ssm')
        arn = f'arn:aws:sqs:us-east-1:{ACCOUNT}:all'
        url = sqs.create_queue(QueueName='all', Attributes={'Policy': roles.policy({
            'Effect': 'Allow', 'Action': 'sqs:SendMessage', 'Resource': arn,
            'Principal': {'Service': 'events.amazonaws.com'}})})['QueueUrl']
        events.put_rule(Name='all', EventPattern=json.dumps({'account': [ACCOUNT]}))
        events.put_targets(Rule='all', Targets=[{'Id': 'q', 'Arn': arn}])
        ssm.put_parameter(Name='/canary', Value=CANARY, Type='SecureString')
        ssm.put_parameter(Name='/canary', Value=CANARY, Type='SecureString', Overwrite=True)
        with self.assertRaises(Exception):
            ssm.put_parameter(Name='/canary', Value=CANARY, Type='SecureString')
        kms = self.client('kms')
        key = kms.create_key()['KeyMetadata']['KeyId']
        kms.generate_data_key(KeyId=key, KeySpec='AES_256')
        token = kms.create_grant(KeyId=key, GranteePrincipal=f'arn:aws:iam::{ACCOUNT}:root',
                                 Operations=['Encrypt'])['GrantToken']
        secret = self.client('iam').create_access_key(
            UserName='administrator')['AccessKey']['SecretAccessKey']
        texts = [message['Body'] for _ in range(4) for message in sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get('Messages', [])]
        self.assertGreater(len(texts), 6)
        texts += [event['CloudTrailEvent'] for event in self.client(
            'cloudtrail').lookup_events()['Events']]
        for text in texts:
            for planted in (CANARY, token, secret):
                self.assertNotIn(planted, text)
        self.assert_nowhere(CANARY)
        self.assert_nowhere(secret)

    def test_kms_plaintext(self):
        kms = self.client('kms')
        key = kms.create_key()['KeyMetadata']['KeyId']
        blob = kms.encrypt(KeyId=key, Plaintext=CANARY.encode())['CiphertextBlob']
        self.assertEqual(kms.decrypt(CiphertextBlob=blob)['Plaintext'], CANARY.encode())
        self.assertNotIn(CANARY.encode(), blob)
        self.assert_nowhere(CANARY)

    def test_keys_of_accounts_and_sessions(self):
        self.assert_nowhere(CREDENTIALS[ACCOUNT][1])
        session = self.client('sts').get_session_token()['Credentials']
        self.assert_nowhere(session['SecretAccessKey'])
        self.assert_nowhere(session['SessionToken'])

    def test_files_are_for_the_owner_only(self):
        self.client('ssm').put_parameter(Name='/canary', Value=CANARY, Type='SecureString')
        for path, _ in self.files():
            self.assertEqual(path.stat().st_mode & 0o077, 0, path.name)

    def test_a_clean_end_leaves_one_database_file(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        server = LocalServer(data=folder)
        with server:
            server.client('ssm').put_parameter(Name='/kept', Value='there', Type='String')
        log = pathlib.Path(folder, 'data', 'store.db-wal')
        self.assertTrue(not log.exists() or log.stat().st_size == 0)
        with server:
            self.assertEqual(server.client('ssm').get_parameter(Name='/kept')['Parameter']['Value'],
                             'there')

    def test_no_core_file(self):
        with open(f'/proc/{self.server._process.pid}/limits', encoding='ascii') as limits:
            core = next(line for line in limits if line.startswith('Max core file size'))
        self.assertEqual(core.split()[4:6], ['0', '0'])


if __name__ == '__main__':
    main()
