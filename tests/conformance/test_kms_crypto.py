"""KMS cryptographic operations (shared facts kms.md sections 2, 6 and 10)."""
import base64
import pathlib
import tempfile

import local_server
import wire
from local_server import ACCOUNT, OTHER_ACCOUNT, REGION

DENIED = ('The ciphertext refers to a customer master key that does not exist, does not exist in '
          'this region, or you are not allowed to access.')


class Crypto(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.kms = self.client('kms')
        self.key = self.kms.create_key()['KeyMetadata']

    def encrypt(self, plaintext=b'plain', **arguments):
        return self.kms.encrypt(KeyId=self.key['KeyId'], Plaintext=plaintext,
                                **arguments)['CiphertextBlob']


class EncryptDecrypt(Crypto):
    def test_there_and_back(self):
        for plaintext in (b'x', b'\0' * 4096, bytes(range(256))):
            answer = self.kms.encrypt(KeyId=self.key['KeyId'], Plaintext=plaintext)
            self.assertEqual((answer['KeyId'], answer['EncryptionAlgorithm']),
                             (self.key['Arn'], 'SYMMETRIC_DEFAULT'))
            self.assertLessEqual(len(answer['CiphertextBlob']), 6144)
            back = self.kms.decrypt(CiphertextBlob=answer['CiphertextBlob'])
            self.assertEqual((back['Plaintext'], back['KeyId'], back['EncryptionAlgorithm']),
                             (plaintext, self.key['Arn'], 'SYMMETRIC_DEFAULT'))

    def test_ciphertext_differs_each_time_and_looks_like_one(self):
        one, two = self.encrypt(), self.encrypt()
        self.assertNotEqual(one, two)
        self.assertTrue(base64.b64encode(one).startswith(b'AQICA'))
        self.assertNotIn(b'plain', one)

    def test_context_is_bound_whatever_its_order(self):
        context = {'b': '2', 'a': '1', 'ä': 'ö'}
        blob = self.encrypt(EncryptionContext=context)
        back = self.kms.decrypt(CiphertextBlob=blob,
                                EncryptionContext=dict(reversed(context.items())))
        self.assertEqual(back['Plaintext'], b'plain')
        for wrong in ({}, {'a': '1'}, {**context, 'c': '3'}, {**context, 'a': '2'},
                      {'A': '1', 'b': '2', 'ä': 'ö'}):
            self.refused('InvalidCiphertextException', self.kms.decrypt, message='',
                         CiphertextBlob=blob, EncryptionContext=wrong)

    def test_pairs_cannot_be_shifted(self):
        blob = self.encrypt(EncryptionContext={'ab': 'c'})
        for wrong in ({'a': 'bc'}, {'abc': ''}, {'ab': 'c', '': ''}):
            self.refused('InvalidCiphertextException', self.kms.decrypt, CiphertextBlob=blob,
                         EncryptionContext=wrong)

    def test_every_damaged_byte_is_seen(self):
        blob = self.encrypt(b'0123456789')
        for place in range(len(blob)):
            damaged = bytearray(blob)
            damaged[place] ^= 1
            code = self.refused_code(self.kms.decrypt, CiphertextBlob=bytes(damaged))
            # Within the key's id another key is named, which does not exist.
            self.assertIn(code, ('InvalidCiphertextException', 'AccessDeniedException'), place)
        for size in (1, 5, len(blob) - 1):
            self.refused('InvalidCiphertextException', self.kms.decrypt, message='',
                         CiphertextBlob=blob[:size])

    def refused_code(self, call, **arguments):
        with self.assertRaises(self.kms.exceptions.ClientError) as caught:
            call(**arguments)
        return caught.exception.response['Error']['Code']

    def test_the_key_named_must_be_the_one(self):
        blob = self.encrypt()
        other = self.kms.create_key()['KeyMetadata']
        self.refused('IncorrectKeyException', self.kms.decrypt, CiphertextBlob=blob,
                     KeyId=other['KeyId'], message='The key ID in the request does not identify a '
                     'CMK that can perform this operation.')
        self.assertEqual(self.kms.decrypt(CiphertextBlob=blob, KeyId=self.key['Arn'])['Plaintext'],
                         b'plain')
        self.refused('NotFoundException', self.kms.decrypt, CiphertextBlob=blob, KeyId='alias/no')

    def test_elsewhere_the_key_does_not_exist(self):
        blob = self.encrypt()
        for where in ({'region': 'eu-west-1'}, {'account': OTHER_ACCOUNT}):
            self.refused('AccessDeniedException', self.client('kms', **where).decrypt,
                         CiphertextBlob=blob, message=DENIED)

    def test_sizes_and_algorithms(self):
        self.refused('ValidationException', self.kms.encrypt, KeyId=self.key['KeyId'],
                     Plaintext=b'x' * 4097, message="1 validation error detected: Value at "
                     "'plaintext' failed to satisfy constraint: Member must have length less than "
                     'or equal to 4096')
        self.refused('ValidationException', self.kms.encrypt, KeyId=self.key['KeyId'],
                     Plaintext=b'')
        self.refused('InvalidKeyUsageException', self.kms.encrypt, KeyId=self.key['KeyId'],
                     Plaintext=b'x', EncryptionAlgorithm='RSAES_OAEP_SHA_1',
                     message='Algorithm RSAES_OAEP_SHA_1 is incompatible with key spec '
                             'SYMMETRIC_DEFAULT.')
        self.refused('InvalidGrantTokenException', self.kms.encrypt, KeyId=self.key['KeyId'],
                     Plaintext=b'x', GrantTokens=['token'])

    def test_dry_run(self):
        text = 'The request would have succeeded, but the DryRun option is set.'
        blob = self.encrypt()
        # Debian's boto3 is older than DryRun: the wire is used.
        for operation, body in (
                ('Encrypt', {'KeyId': self.key['KeyId'], 'Plaintext': 'eA=='}),
                ('Decrypt', {'CiphertextBlob': base64.b64encode(blob).decode()}),
                ('GenerateDataKey', {'KeyId': self.key['KeyId'], 'KeySpec': 'AES_256'})):
            status, answer = wire.post_json(self.server, 'kms', 'TrentService.' + operation,
                                            {**body, 'DryRun': True})
            self.assertEqual((status, answer),
                             (400, {'__type': 'DryRunOperationException', 'message': text}))

    def test_material_is_not_on_the_disk_in_clear(self):
        data_key = self.kms.generate_data_key(KeyId=self.key['KeyId'], KeySpec='AES_256')
        planted = b'a planted secret that nobody may find'
        self.encrypt(planted)
        files = [file for file in pathlib.Path(self.server.folder).rglob('*') if file.is_file()]
        self.assertTrue(files)
        for file in files:
            content = file.read_bytes()
            self.assertNotIn(planted, content, file)
            self.assertNotIn(data_key['Plaintext'], content, file)


class ReEncrypt(Crypto):
    def test_moves_to_another_key_and_context(self):
        other = self.kms.create_key()['KeyMetadata']
        blob = self.encrypt(EncryptionContext={'a': '1'})
        answer = self.kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext={'a': '1'},
                                     DestinationKeyId=other['KeyId'],
                                     DestinationEncryptionContext={'b': '2'})
        self.assertEqual((answer['SourceKeyId'], answer['KeyId']), (self.key['Arn'], other['Arn']))
        back = self.kms.decrypt(CiphertextBlob=answer['CiphertextBlob'], KeyId=other['KeyId'],
                                EncryptionContext={'b': '2'})
        self.assertEqual(back['Plaintext'], b'plain')

    def test_refusals(self):
        other = self.kms.create_key()['KeyMetadata']
        blob = self.encrypt(EncryptionContext={'a': '1'})
        arguments = {'CiphertextBlob': blob, 'SourceEncryptionContext': {'a': '1'},
                     'DestinationKeyId': other['KeyId']}
        call = self.kms.re_encrypt
        self.refused('InvalidCiphertextException', call,
                     **{**arguments, 'SourceEncryptionContext': {}})
        self.refused('IncorrectKeyException', call, **arguments, SourceKeyId=other['KeyId'])
        self.refused('NotFoundException', call, **{**arguments, 'DestinationKeyId': 'alias/none'})
        self.refused('InvalidCiphertextException', call, **{**arguments, 'CiphertextBlob': b'no'})
        self.kms.disable_key(KeyId=other['KeyId'])
        self.refused('DisabledException', call, **arguments,
                     message=f"{other['Arn']} is disabled.")
        self.kms.disable_key(KeyId=self.key['KeyId'])
        self.kms.enable_key(KeyId=other['KeyId'])
        self.refused('DisabledException', call, **arguments,
                     message=f"{self.key['Arn']} is disabled.")


class DataKeys(Crypto):
    def test_sizes(self):
        for arguments, size in (({'KeySpec': 'AES_256'}, 32), ({'KeySpec': 'AES_128'}, 16),
                                ({'NumberOfBytes': 1}, 1), ({'NumberOfBytes': 1024}, 1024)):
            answer = self.kms.generate_data_key(KeyId=self.key['KeyId'], **arguments)
            self.assertEqual((len(answer['Plaintext']), answer['KeyId']), (size, self.key['Arn']))
            back = self.kms.decrypt(CiphertextBlob=answer['CiphertextBlob'])
            self.assertEqual(back['Plaintext'], answer['Plaintext'])

    def test_without_plaintext(self):
        answer = self.kms.generate_data_key_without_plaintext(
            KeyId=self.key['KeyId'], KeySpec='AES_256', EncryptionContext={'a': 'b'})
        self.assertNotIn('Plaintext', answer)
        back = self.kms.decrypt(CiphertextBlob=answer['CiphertextBlob'],
                                EncryptionContext={'a': 'b'})
        self.assertEqual(len(back['Plaintext']), 32)

    def test_exactly_one_size(self):
        for arguments in ({}, {'KeySpec': 'AES_256', 'NumberOfBytes': 32}):
            self.refused('ValidationException', self.kms.generate_data_key,
                         KeyId=self.key['KeyId'], **arguments)
        self.refused('ValidationException', self.kms.generate_data_key, KeyId=self.key['KeyId'],
                     NumberOfBytes=1025, message="1 validation error detected: Value '1025' at "
                     "'numberOfBytes' failed to satisfy constraint: Member must have value less "
                     'than or equal to 1024')

    def test_random(self):
        one = self.kms.generate_random(NumberOfBytes=1024)['Plaintext']
        self.assertEqual(len(one), 1024)
        self.assertNotEqual(one, self.kms.generate_random(NumberOfBytes=1024)['Plaintext'])
        self.refused('ValidationException', self.kms.generate_random,
                     message='NumberOfBytes is required.')
        self.refused('ValidationException', self.kms.generate_random, NumberOfBytes=1025)
        self.refused('CustomKeyStoreNotFoundException', self.kms.generate_random, NumberOfBytes=1,
                     CustomKeyStoreId='cks-1')

    def test_disabled(self):
        self.kms.disable_key(KeyId=self.key['KeyId'])
        for call in (self.kms.generate_data_key, self.kms.generate_data_key_without_plaintext):
            self.refused('DisabledException', call, KeyId=self.key['KeyId'], KeySpec='AES_256')


class ThroughParameterStore(Crypto):
    """A customer key behind a SecureString: its context is the parameter's ARN."""

    def test_the_stored_ciphertext_is_a_real_one(self):
        ssm = self.client('ssm')
        ssm.put_parameter(Name='/a/b', Value='a secret', Type='SecureString',
                          KeyId=self.key['KeyId'])
        blob = base64.b64decode(ssm.get_parameter(Name='/a/b')['Parameter']['Value'])
        arn = f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/a/b'
        back = self.kms.decrypt(CiphertextBlob=blob, EncryptionContext={'PARAMETER_ARN': arn})
        self.assertEqual(back['Plaintext'], b'a secret')
        self.refused('InvalidCiphertextException', self.kms.decrypt, CiphertextBlob=blob)

    def test_the_state_of_the_key_is_seen_at_once(self):
        ssm = self.client('ssm')
        ssm.put_parameter(Name='/a', Value='v', Type='SecureString', KeyId=self.key['KeyId'])
        for _ in range(3):
            answer = ssm.get_parameter(Name='/a', WithDecryption=True)
            self.assertEqual(answer['Parameter']['Value'], 'v')
            self.kms.disable_key(KeyId=self.key['KeyId'])
            self.refused('InvalidKeyId', ssm.get_parameter, Name='/a', WithDecryption=True)
            self.kms.enable_key(KeyId=self.key['KeyId'])


class Durable(local_server.unittest.TestCase):
    def test_keys_survive_a_restart(self):
        with tempfile.TemporaryDirectory() as folder:
            with local_server.LocalServer(data=folder) as server:
                kms = server.client('kms')
                key = kms.create_key()['KeyMetadata']['KeyId']
                blob = kms.encrypt(KeyId=key, Plaintext=b'kept')['CiphertextBlob']
            with local_server.LocalServer(data=folder) as server:
                back = server.client('kms').decrypt(CiphertextBlob=blob)
                self.assertEqual(back['Plaintext'], b'kept')

    def test_ciphertexts_die_with_their_key(self):
        """After a reset nothing opens what was sealed before, whatever is cached."""
        with local_server.LocalServer() as server:
            kms = server.client('kms')
            key = kms.create_key()['KeyMetadata']['KeyId']
            blob = kms.encrypt(KeyId=key, Plaintext=b'gone')['CiphertextBlob']
            kms.decrypt(CiphertextBlob=blob)
            server.reset()
            with self.assertRaises(kms.exceptions.ClientError) as caught:
                kms.decrypt(CiphertextBlob=blob)
            self.assertEqual(caught.exception.response['Error']['Code'], 'AccessDeniedException')


if __name__ == '__main__':
    local_server.main()
