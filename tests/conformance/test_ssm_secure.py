"""SecureStrings: what is stored, who can read it, and KMS's errors in SSM's words."""
import base64
import hashlib
import hmac
import os
import re
import struct
import tempfile
import unittest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from local_server import ACCOUNT, REGION, Conformance, LocalServer, main

ARN = f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/'
SECRET = 'planted-Secret-value-4711'


def hkdf_sha512(key, salt, info):
    extracted = hmac.new(salt, key, hashlib.sha512).digest()
    return hmac.new(extracted, info + b'\x01', hashlib.sha512).digest()[:32]


class Message:
    """A reader of the AWS Encryption SDK's message format version 2, written from its published
    specification: independent of the server's."""

    def __init__(self, data):
        self.data, self.at = data, 0
        self.version, self.suite = self.number(1), self.number(2)
        self.id = self.take(32)
        pairs = self.take(self.number(2))
        self.context = self.read_context(pairs)
        self.keys = [(self.text(), self.text(), self.text()) for _ in range(self.number(2))]
        self.content_type, self.frame_length = self.number(1), self.number(4)
        self.commitment = self.take(32)
        self.header = data[:self.at]
        self.header_tag = self.take(16)

    def take(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, count):
        return int.from_bytes(self.take(count), 'big')

    def text(self):
        return self.take(self.number(2))

    @staticmethod
    def read_context(pairs):
        count, at, found = struct.unpack('>H', pairs[:2])[0], 2, {}
        for _ in range(count):
            words = []
            for _ in range(2):
                size = struct.unpack('>H', pairs[at:at + 2])[0]
                words.append(pairs[at + 2:at + 2 + size].decode())
                at += 2 + size
            found[words[0]] = words[1]
        return found

    def open(self, data_key):
        key = AESGCM(hkdf_sha512(data_key, self.id, b'\x04\x78DERIVEKEY'))
        assert hkdf_sha512(data_key, self.id, b'COMMITKEY') == self.commitment
        key.decrypt(bytes(12), self.header_tag, self.header)
        plain, sequence = b'', 0
        while True:
            sequence += 1
            number = self.number(4)
            last = number == 0xffffffff
            if last:
                number = self.number(4)
            assert number == sequence
            iv = self.take(12)
            size = self.number(4) if last else self.frame_length
            sealed = self.take(size + 16)
            kind = b'AWSKMSEncryptionClient ' + (b'Final Frame' if last else b'Frame')
            aad = self.id + kind + struct.pack('>IQ', sequence, size)
            plain += key.decrypt(iv, sealed, aad)
            if last:
                assert self.at == len(self.data)
                return plain


class Secure(Conformance):
    def setUp(self):
        super().setUp()
        self.ssm, self.kms = self.client('ssm'), self.client('kms')

    def put(self, name, value=SECRET, **more):
        return self.ssm.put_parameter(Name=name, Value=value, Type='SecureString', **more)

    def value(self, name, decrypt=True):
        return self.ssm.get_parameter(Name=name, WithDecryption=decrypt)['Parameter']['Value']

    def key(self, alias=None, **more):
        key = self.kms.create_key(**more)['KeyMetadata']
        if alias:
            self.kms.create_alias(AliasName=alias, TargetKeyId=key['KeyId'])
        return key

    def key_id(self, name):
        found = self.ssm.describe_parameters(ParameterFilters=[{'Key': 'Name', 'Values': [name]}])
        return found['Parameters'][0]['KeyId']

    def test_default_key(self):
        self.put('/s')
        self.assertEqual(self.value('/s'), SECRET)
        self.assertEqual(self.key_id('/s'), 'alias/aws/ssm')
        hidden = self.value('/s', decrypt=False)
        self.assertNotIn(SECRET.encode(), base64.b64decode(hidden, validate=True))
        managed = self.kms.describe_key(KeyId='alias/aws/ssm')['KeyMetadata']
        self.assertEqual(managed['KeyManager'], 'AWS')

    def test_standard_is_what_kms_encrypted(self):
        key = self.key()
        self.put('/a/s', KeyId=key['KeyId'])
        blob = base64.b64decode(self.value('/a/s', decrypt=False))
        answer = self.kms.decrypt(CiphertextBlob=blob,
                                  EncryptionContext={'PARAMETER_ARN': ARN + 'a/s'})
        self.assertEqual((answer['Plaintext'], answer['KeyId']), (SECRET.encode(), key['Arn']))
        self.refused('InvalidCiphertextException', self.kms.decrypt, CiphertextBlob=blob)

    def test_advanced_is_an_encryption_sdk_message(self):
        key = self.key()
        for value in (SECRET, 'x' * 4096, 'y' * 4097, 'ä' * 4096):
            self.put('/a/m', value, KeyId=key['Arn'], Tier='Advanced', Overwrite=True)
            message = Message(base64.b64decode(self.value('/a/m', decrypt=False)))
            self.assertEqual((message.version, message.suite, message.content_type),
                             (2, 0x0478, 2))
            self.assertEqual(message.context, {'PARAMETER_ARN': ARN + 'a/m'})
            provider, info, sealed_key = message.keys[0]
            self.assertEqual((provider, info.decode()), (b'aws-kms', key['Arn']))
            data_key = self.kms.decrypt(CiphertextBlob=sealed_key,
                                        EncryptionContext=message.context)['Plaintext']
            self.assertEqual(message.open(data_key).decode(), value)
            self.assertEqual(self.value('/a/m'), value)
            with self.assertRaises((InvalidTag, AssertionError)):
                damaged = bytearray(message.data)
                damaged[-1] ^= 1
                Message(bytes(damaged)).open(data_key)

    def test_key_is_shown_as_given(self):
        key = self.key('alias/mine')
        for given in (key['KeyId'], key['Arn'], 'alias/mine',
                      f'arn:aws:kms:{REGION}:{ACCOUNT}:alias/mine'):
            self.put('/k', KeyId=given, Overwrite=True)
            self.assertEqual(self.key_id('/k'), given)
            self.assertEqual(self.value('/k'), SECRET)
        # without KeyId an overwrite falls back to aws/ssm
        self.put('/k', Overwrite=True)
        self.assertEqual(self.key_id('/k'), 'alias/aws/ssm')
        shown = [p['KeyId'] for p in self.ssm.get_parameter_history(Name='/k')['Parameters']]
        self.assertEqual(shown[0], key['KeyId'])

    def test_all_reads_decrypt(self):
        self.put('/r/1')
        self.put('/r/1', 'second', Overwrite=True)
        self.put('/r/1', 'third', Tier='Advanced', Overwrite=True)
        reads = {
            True: [
                [p['Value'] for p in self.ssm.get_parameters(
                    Names=['/r/1', '/r/1:1'], WithDecryption=True)['Parameters']],
                [p['Value'] for p in self.ssm.get_parameters_by_path(
                    Path='/r', WithDecryption=True)['Parameters']],
                [p['Value'] for p in self.ssm.get_parameter_history(
                    Name='/r/1', WithDecryption=True)['Parameters']]]}
        self.assertEqual(reads[True], [['third', SECRET], ['third'],
                                       [SECRET, 'second', 'third']])
        for parameter in self.ssm.get_parameter_history(Name='/r/1')['Parameters']:
            base64.b64decode(parameter['Value'], validate=True)

    def test_flag_is_ignored_for_plain_types(self):
        self.ssm.put_parameter(Name='/l', Value='a,b', Type='StringList')
        self.assertEqual(self.value('/l'), 'a,b')

    def test_type_changes(self):
        self.put('/t')
        self.ssm.put_parameter(Name='/t', Value='open', Type='String', Overwrite=True)
        found = self.ssm.get_parameter_history(Name='/t', WithDecryption=True)['Parameters']
        self.assertEqual([(p['Type'], p['Value'], p.get('KeyId')) for p in found],
                         [('SecureString', SECRET, 'alias/aws/ssm'), ('String', 'open', None)])

    def test_missing_keys(self):
        other = '12345678-1234-1234-1234-123456789012'
        missing = (
            (other, f"Key 'arn:aws:kms:{REGION}:{ACCOUNT}:key/{other}' does not exist"),
            ('alias/none', f'Alias arn:aws:kms:{REGION}:{ACCOUNT}:alias/none is not found.'),
            ('nonsense', "Invalid keyId 'nonsense'"),
            (f'arn:aws:kms:eu-west-1:{ACCOUNT}:key/{other}', 'Invalid arn eu-west-1'))
        for key, text in missing:
            for tier in ('Standard', 'Advanced'):
                error = self.refused('InvalidKeyId', self.ssm.put_parameter, Name='/m',
                                     Value='v', Type='SecureString', KeyId=key, Tier=tier)
                self.assertRegex(
                    error['Error']['Message'],
                    '^' + re.escape(text) + r' \(Service: AWSKMS; Status Code: 400; '
                    r'Error Code: NotFoundException; Request ID: [0-9a-f-]{36}; Proxy: null\)$')
        self.refused('ParameterNotFound', self.ssm.get_parameter, Name='/m')

    def test_unusable_keys(self):
        key = self.key('alias/off')
        self.put('/u', KeyId='alias/off')
        self.kms.disable_key(KeyId=key['KeyId'])
        for call, arguments in (
                (self.ssm.get_parameter, {'Name': '/u'}),
                (self.ssm.get_parameters, {'Names': ['/u']}),
                (self.ssm.get_parameters_by_path, {'Path': '/'}),
                (self.ssm.get_parameter_history, {'Name': '/u'})):
            error = self.refused('InvalidKeyId', call, WithDecryption=True, **arguments)
            self.assertIn(f'{key["Arn"]} is disabled. (Service: AWSKMS; Status Code: 400; Error '
                          'Code: DisabledException; ', error['Error']['Message'])
        self.refused('InvalidKeyId', self.ssm.put_parameter, Name='/u', Value='v',
                     Type='SecureString', KeyId='alias/off', Overwrite=True)
        # what is not decrypted can be read, and what does not need the key written
        self.assertTrue(self.value('/u', decrypt=False))
        self.ssm.put_parameter(Name='/u', Value='v', Type='String', Overwrite=True)

    def test_bound_to_its_name(self):
        self.put('/b/1', 'same')
        self.put('/b/2', 'same')
        self.assertNotEqual(self.value('/b/1', decrypt=False), self.value('/b/2', decrypt=False))

    def test_root_names_have_one_arn(self):
        key = self.key()
        self.put('rooted', KeyId=key['KeyId'])
        blob = base64.b64decode(self.value('/rooted', decrypt=False))
        answer = self.kms.decrypt(CiphertextBlob=blob,
                                  EncryptionContext={'PARAMETER_ARN': ARN + 'rooted'})
        self.assertEqual(answer['Plaintext'], SECRET.encode())

    def test_nothing_is_stored_in_clear(self):
        self.put('/clear/1')
        self.put('/clear/2', Tier='Advanced')
        self.put('/clear/1', Overwrite=True)
        self.ssm.delete_parameter(Name='/clear/2')
        self.refused('ParameterPatternMismatchException', self.ssm.put_parameter, Name='/clear/3',
                     Value=SECRET, Type='SecureString', AllowedPattern='x')
        read = 0
        for folder, _, files in os.walk(self.server.folder):
            for name in files:
                with open(os.path.join(folder, name), 'rb') as file:
                    content = file.read()
                read += len(content)
                self.assertNotIn(SECRET.encode(), content, name)
        self.assertGreater(read, 4096)
        self.assertNotIn(SECRET, self.server.errors())


class Restart(unittest.TestCase):
    def test_what_was_answered_survives_a_kill(self):
        with tempfile.TemporaryDirectory() as folder:
            server = LocalServer(data=folder)
            server.start()
            ssm = server.client('ssm')
            for tier in ('Standard', 'Advanced'):
                ssm.put_parameter(Name=f'/{tier}', Value=SECRET, Type='SecureString', Tier=tier,
                                  Tags=[{'Key': 'k', 'Value': 'v'}])
                ssm.label_parameter_version(Name=f'/{tier}', Labels=['kept'])
            server.kill()
            server.start()
            ssm = server.client('ssm')
            for tier in ('Standard', 'Advanced'):
                found = ssm.get_parameter(Name=f'/{tier}:kept', WithDecryption=True)['Parameter']
                self.assertEqual(found['Value'], SECRET)
                tags = ssm.list_tags_for_resource(ResourceType='Parameter', ResourceId=f'/{tier}')
                self.assertEqual(tags['TagList'], [{'Key': 'k', 'Value': 'v'}])
            server.close_clients()
            server.stop()


if __name__ == '__main__':
    main()
