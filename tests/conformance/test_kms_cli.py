"""Every operation of KMS in the local server by Debian's aws command line."""
import base64
import json
import pathlib
import tempfile

import local_server
from local_server import ACCOUNT


class Cli(local_server.Conformance):
    def aws(self, *arguments):
        text = self.server.cli('kms', *arguments)
        return json.loads(text) if text.strip() else None

    def test_keys(self):
        key = self.aws('create-key', '--description', 'mine', '--tags',
                       'TagKey=a,TagValue=b')['KeyMetadata']['KeyId']
        name = ('--key-id', key)
        self.assertEqual(self.aws('describe-key', *name)['KeyMetadata']['Description'], 'mine')
        self.assertEqual(len(self.aws('list-keys')['Keys']), 1)
        self.assertIsNone(self.aws('update-key-description', *name, '--description', 'yours'))
        self.assertIsNone(self.aws('disable-key', *name))
        self.assertIsNone(self.aws('enable-key', *name))
        self.assertIsNone(self.aws('tag-resource', *name, '--tags', 'TagKey=c,TagValue=d'))
        self.assertIsNone(self.aws('untag-resource', *name, '--tag-keys', 'a'))
        self.assertEqual(self.aws('list-resource-tags', *name)['Tags'],
                         [{'TagKey': 'c', 'TagValue': 'd'}])
        policy = self.aws('get-key-policy', *name, '--policy-name', 'default')['Policy']
        self.assertIsNone(self.aws('put-key-policy', *name, '--policy-name', 'default', '--policy',
                                   policy))
        self.assertEqual(self.aws('list-key-policies', *name)['PolicyNames'], ['default'])
        answer = self.aws('schedule-key-deletion', *name, '--pending-window-in-days', '7')
        self.assertEqual(answer['KeyState'], 'PendingDeletion')
        self.assertIn(key, self.aws('cancel-key-deletion', *name)['KeyId'])

    def test_aliases(self):
        one, two = (self.aws('create-key')['KeyMetadata']['KeyId'] for _ in range(2))
        name = ('--alias-name', 'alias/a')
        self.assertIsNone(self.aws('create-alias', *name, '--target-key-id', one))
        self.assertIsNone(self.aws('update-alias', *name, '--target-key-id', two))
        found = self.aws('list-aliases', '--key-id', two)['Aliases']
        self.assertEqual([alias['AliasArn'] for alias in found],
                         [f'arn:aws:kms:us-east-1:{ACCOUNT}:alias/a'])
        self.assertIsNone(self.aws('delete-alias', *name))

    def test_crypto(self):
        key = self.aws('create-key')['KeyMetadata']['KeyId']
        name, context = ('--key-id', key), ('--encryption-context', 'a=1,b=2')
        with tempfile.TemporaryDirectory() as folder:
            def blob(text):
                file = pathlib.Path(folder) / 'blob'
                file.write_bytes(base64.b64decode(text))
                return f'fileb://{file}'
            sealed = self.aws('encrypt', *name, *context, '--plaintext', blob('c2VjcmV0'))
            again = self.aws('re-encrypt', '--ciphertext-blob', blob(sealed['CiphertextBlob']),
                             '--source-encryption-context', 'a=1,b=2', '--destination-key-id', key)
            back = self.aws('decrypt', '--ciphertext-blob', blob(again['CiphertextBlob']))
            self.assertEqual(back['Plaintext'], 'c2VjcmV0')
            data = self.aws('generate-data-key', *name, '--key-spec', 'AES_256')
            back = self.aws('decrypt', '--ciphertext-blob', blob(data['CiphertextBlob']))
            self.assertEqual(back['Plaintext'], data['Plaintext'])
        self.assertNotIn('Plaintext', self.aws('generate-data-key-without-plaintext', *name,
                                               '--number-of-bytes', '64'))
        random = self.aws('generate-random', '--number-of-bytes', '24')['Plaintext']
        self.assertEqual(len(base64.b64decode(random)), 24)


if __name__ == '__main__':
    local_server.main()
