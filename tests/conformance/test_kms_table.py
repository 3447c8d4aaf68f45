"""The table of key states: what each KMS operation answers in each of them (shared facts kms.md
section 5); and what each says to a caller without the right, of a key that is not there, and to an
invented grant token."""
import base64

import local_server
import roles
from local_server import ACCOUNT, OTHER_ACCOUNT, REGION

ELSEWHERE, UNKNOWN = 'eu-west-1', '12345678-1234-1234-1234-123456789abc'
B64 = base64.b64encode(b'x').decode()
EC = {'KeySpec': 'ECC_NIST_P256', 'KeyUsage': 'SIGN_VERIFY'}
AGREE = {'KeySpec': 'ECC_NIST_P256', 'KeyUsage': 'KEY_AGREEMENT'}
MAC = {'KeySpec': 'HMAC_256', 'KeyUsage': 'GENERATE_VERIFY_MAC'}
SIGNED = {'Message': B64, 'SigningAlgorithm': 'ECDSA_SHA_256'}
MACED = {'Message': B64, 'MacAlgorithm': 'HMAC_SHA_256'}
GRANTEE = f'arn:aws:iam::{ACCOUNT}:root'

STATES = ['Enabled', 'Disabled', 'PendingDeletion', 'PendingReplicaDeletion', 'PendingImport',
          'Creating', 'Updating']
CODES = {'y': 'ok', '1': 'DisabledException', '3': 'KMSInvalidStateException',
         '4': 'KMSInvalidStateException', '5': 'KMSInvalidStateException',
         'c': 'KMSInvalidStateException', 'u': 'KMSInvalidStateException',
         '6': 'UnsupportedOperationException', '9': 'UnsupportedOperationException'}
TEXTS = {'1': 'is disabled.', '5': 'is pending import.', 'c': 'is creating.',
         'u': 'is updating.', '4': 'is not pending deletion.',
         '6': 'origin is EXTERNAL which is not valid for this operation.',
         '9': 'origin is AWS_KMS which is not valid for this operation.'}
# A key that is being made is a replica, and what only a primary may do is refused for that first.
CRYPTO, ALWAYS = 'y1335cy', 'yyyyyyy'
# operation: (its seven states in the order above, kind of key, arguments)
TABLE = {
    'Encrypt': (CRYPTO, {}, {'Plaintext': B64}),
    'GenerateDataKey': (CRYPTO, {}, {'KeySpec': 'AES_256'}),
    'GenerateDataKeyWithoutPlaintext': (CRYPTO, {}, {'KeySpec': 'AES_256'}),
    'GenerateDataKeyPair': (CRYPTO, {}, {'KeyPairSpec': 'ECC_NIST_P256'}),
    'GenerateDataKeyPairWithoutPlaintext': (CRYPTO, {}, {'KeyPairSpec': 'ECC_NIST_P256'}),
    'Sign': (CRYPTO, EC, SIGNED),
    'Verify': (CRYPTO, EC, {'Signature': B64, **SIGNED}),
    'GetPublicKey': (CRYPTO, EC, {}),
    'GenerateMac': (CRYPTO, MAC, MACED),
    'VerifyMac': (CRYPTO, MAC, {'Mac': B64, **MACED}),
    'CreateGrant': (CRYPTO, {}, {'GranteePrincipal': GRANTEE, 'Operations': ['Encrypt']}),
    'DescribeKey': (ALWAYS, {}, {}),
    'GetKeyLastUsage': (ALWAYS, {}, {}),
    'GetKeyPolicy': (ALWAYS, {}, {'PolicyName': 'default'}),
    'PutKeyPolicy': (ALWAYS, {}, {'PolicyName': 'default', 'Policy': roles.policy(
        {'Effect': 'Allow', 'Principal': {'AWS': ACCOUNT}, 'Action': 'kms:*', 'Resource': '*'})}),
    'ListAliases': (ALWAYS, {}, {}),
    'ListGrants': (ALWAYS, {}, {}),
    'ListKeyPolicies': (ALWAYS, {}, {}),
    'ListKeyRotations': (ALWAYS, {}, {}),
    'ListResourceTags': (ALWAYS, {}, {}),
    'UpdateKeyDescription': ('yy33yyy', {}, {'Description': 'd'}),
    'TagResource': ('yy33yyy', {}, {'Tags': [{'TagKey': 'a', 'TagValue': 'b'}]}),
    'UntagResource': ('yy33yyy', {}, {'TagKeys': ['a']}),
    'EnableKey': ('yy335cu', {}, {}),
    'DisableKey': ('yy335cu', {}, {}),
    'ScheduleKeyDeletion': ('yy33yyu', {}, {}),
    'CancelKeyDeletion': ('44yy444', {}, {}),
    'EnableKeyRotation': ('y1336ry', {}, {}),
    'DisableKeyRotation': ('y1336ry', {}, {}),
    'GetKeyRotationStatus': ('yyyy6yy', {}, {}),
    'RotateKeyOnDemand': ('y1335ry', {}, {}),
    'ReplicateKey': ('y1335ru', {'MultiRegion': True}, {'ReplicaRegion': 'ap-south-1'}),
    'UpdatePrimaryRegion': ('p1335ry', {'MultiRegion': True}, {'PrimaryRegion': ELSEWHERE}),
    'GetParametersForImport': ('9999y99', {}, {'WrappingAlgorithm': 'RSAES_OAEP_SHA_256',
                                               'WrappingKeySpec': 'RSA_2048'}),
    'DeleteImportedKeyMaterial': ('9999y99', {}, {}),
}
CODES['r'], TEXTS['r'] = 'UnsupportedOperationException', 'is not a multi-region primary key.'
CODES['p'] = 'NotFoundException'  # allowed, but there is no replica
# What a call that the state permits may still be told.
FINE = {'ok', 'KMSInvalidSignatureException', 'KMSInvalidMacException'}
WITH_TOKENS = ['Encrypt', 'Decrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext',
               'GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext', 'Sign', 'Verify',
               'GetPublicKey', 'GenerateMac', 'VerifyMac', 'CreateGrant', 'DescribeKey']


class Asking(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.server.clock(real=True, stopped=True)  # creating and updating last

    def ask(self, operation, region=REGION, account=ACCOUNT, **arguments):
        status, answer = self.server.raw('kms', operation, arguments, region=region,
                                         account=account)
        return ('ok' if status == 200 else answer['__type']), answer

    def make(self, region=REGION, **arguments):
        code, answer = self.ask('CreateKey', region, **arguments)
        self.assertEqual(code, 'ok', answer)
        return answer['KeyMetadata']

    def must(self, operation, region=REGION, **arguments):
        code, answer = self.ask(operation, region, **arguments)
        self.assertEqual(code, 'ok', answer)
        return answer


class Table(Asking):
    def in_state(self, state, kind):
        """The id of a new key of this kind, in us-east-1 in this state."""
        if state == 'PendingImport':
            return self.make(Origin='EXTERNAL', **kind)['KeyId']
        if state in ('Enabled', 'Disabled', 'PendingDeletion'):
            key = self.make(**kind)['KeyId']
            if state != 'Enabled':
                self.must('DisableKey' if state == 'Disabled' else 'ScheduleKeyDeletion',
                          KeyId=key)
            return key
        kind = {**kind, 'MultiRegion': True}
        here = state == 'PendingReplicaDeletion'
        home, away = (REGION, ELSEWHERE) if here else (ELSEWHERE, REGION)
        key = self.make(home, **kind)['KeyId']
        self.must('ReplicateKey', home, KeyId=key, ReplicaRegion=away)
        if here:
            self.must('ScheduleKeyDeletion', KeyId=key)
        if state == 'Updating':
            self.server.clock(advance=1)
            self.must('UpdatePrimaryRegion', ELSEWHERE, KeyId=key, PrimaryRegion=REGION)
        return key

    def check(self, operation, state, letter, key, arguments):
        code, answer = self.ask(operation, KeyId=key, **arguments)
        where = (operation, state, answer)
        if letter == 'y':
            self.assertIn(code, FINE, where)
            return
        self.assertEqual(code, CODES[letter], where)
        text = TEXTS.get(letter)
        if letter == '3':
            text = ('is pending replica deletion.' if state == 'PendingReplicaDeletion' else
                    'is pending deletion.')
        if text:
            self.assertEqual(answer['message'], f'arn:aws:kms:{REGION}:{ACCOUNT}:key/{key} {text}',
                             where)

    def test_each_operation_in_each_state(self):
        for operation, (letters, kind, arguments) in TABLE.items():
            for state, letter in zip(STATES, letters):
                key = self.in_state(state, kind)
                found = self.must('DescribeKey', KeyId=key)['KeyMetadata']['KeyState']
                self.assertEqual(found, state)
                if operation == 'ReplicateKey' and state == 'Updating':
                    arguments = {'ReplicaRegion': 'ap-southeast-1'}
                self.check(operation, state, letter, key, arguments)

    def test_import_operations_of_external_keys(self):
        wrapping = {'WrappingAlgorithm': 'RSAES_OAEP_SHA_256', 'WrappingKeySpec': 'RSA_2048'}
        key = self.make(Origin='EXTERNAL')['KeyId']
        self.must('DeleteImportedKeyMaterial', KeyId=key)
        self.must('GetParametersForImport', KeyId=key, **wrapping)
        self.must('ScheduleKeyDeletion', KeyId=key)
        self.check('GetParametersForImport', 'PendingDeletion', '3', key, wrapping)
        self.check('ImportKeyMaterial', 'PendingDeletion', '3', key,
                   {'ImportToken': B64, 'EncryptedKeyMaterial': B64, 'ExpirationModel':
                    'KEY_MATERIAL_DOES_NOT_EXPIRE'})
        self.must('DeleteImportedKeyMaterial', KeyId=key)

    def test_ciphertexts_of_keys_in_each_state(self):
        for state, letter in (('Disabled', '1'), ('PendingDeletion', '3')):
            key = self.make()['KeyId']
            blob = self.must('Encrypt', KeyId=key, Plaintext=B64)['CiphertextBlob']
            other = self.make()['KeyId']
            self.must('DisableKey' if letter == '1' else 'ScheduleKeyDeletion', KeyId=key)
            for operation, arguments in (('Decrypt', {}), ('ReEncrypt', {
                    'DestinationKeyId': other})):
                code, answer = self.ask(operation, CiphertextBlob=blob, **arguments)
                self.assertEqual(code, CODES[letter], (operation, state, answer))
            blob = self.must('Encrypt', KeyId=other, Plaintext=B64)['CiphertextBlob']
            code, _ = self.ask('ReEncrypt', CiphertextBlob=blob, DestinationKeyId=key)
            self.assertEqual(code, CODES[letter])

    def test_aliases_of_keys_in_each_state(self):
        for state in STATES:
            key = self.in_state(state, {})
            pending = state.startswith('Pending') and state != 'PendingImport'
            name = 'alias/' + state
            code, answer = self.ask('CreateAlias', AliasName=name, TargetKeyId=key)
            self.assertEqual(code, 'KMSInvalidStateException' if pending else 'ok', answer)
            enabled = self.make()['KeyId']
            if pending:
                self.must('CreateAlias', AliasName=name, TargetKeyId=enabled)
                code, answer = self.ask('UpdateAlias', AliasName=name, TargetKeyId=key)
                self.assertEqual(code, 'KMSInvalidStateException', answer)
            else:
                self.must('ScheduleKeyDeletion', KeyId=enabled)
                code, _ = self.ask('UpdateAlias', AliasName=name, TargetKeyId=enabled)
                self.assertEqual(code, 'KMSInvalidStateException')
                self.must('UpdateAlias', AliasName=name, TargetKeyId=self.make()['KeyId'])
            self.must('DeleteAlias', AliasName=name)

    def test_a_key_has_fifty_aliases(self):
        full, other = self.make()['KeyId'], self.make()['KeyId']
        for number in range(50):
            self.must('CreateAlias', AliasName=f'alias/{number}', TargetKeyId=full)
        self.must('CreateAlias', AliasName='alias/o', TargetKeyId=other)
        for operation, name in (('CreateAlias', 'alias/n'), ('UpdateAlias', 'alias/o')):
            code, answer = self.ask(operation, AliasName=name, TargetKeyId=full)
            self.assertEqual(code, 'LimitExceededException', answer)


class LastUse(Asking):
    def last(self, key, region=REGION):
        answer = self.must('GetKeyLastUsage', region, KeyId=key)
        self.assertEqual(answer['KeyId'], key)
        self.assertLessEqual(answer['TrackingStartDate'], answer['KeyCreationDate'])
        return answer['KeyLastUsage'].get('Operation')

    def test_each_operation_of_a_key(self):
        key, other = self.make()['KeyId'], self.make()['KeyId']
        self.assertIsNone(self.last(key))
        blob = self.must('Encrypt', KeyId=key, Plaintext=B64)['CiphertextBlob']
        used = self.must('GetKeyLastUsage', KeyId=key)['KeyLastUsage']
        self.assertEqual(used['Operation'], 'Encrypt')
        self.assertAlmostEqual(used['Timestamp'], self.server.clock()['time'], delta=60)
        self.must('Decrypt', CiphertextBlob=blob)
        self.assertEqual(self.last(key), 'Decrypt')
        for operation in ('GenerateDataKey', 'GenerateDataKeyWithoutPlaintext',
                          'GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext'):
            self.must(operation, KeyId=key, **TABLE[operation][2])
            self.assertEqual(self.last(key), operation)
        self.must('ReEncrypt', CiphertextBlob=blob, DestinationKeyId=other)
        self.assertEqual((self.last(key), self.last(other)), ('ReEncrypt', 'ReEncrypt'))
        self.must('DescribeKey', KeyId=key)
        self.assertEqual(self.last(key), 'ReEncrypt')
        self.must('DisableKey', KeyId=key)
        self.ask('Encrypt', KeyId=key, Plaintext=B64)
        self.assertEqual(self.last(key), 'ReEncrypt')

    def test_other_kinds_and_other_services(self):
        signing, mac = self.make(**EC)['KeyId'], self.make(**MAC)['KeyId']
        signature = self.must('Sign', KeyId=signing, **SIGNED)['Signature']
        self.assertEqual(self.last(signing), 'Sign')
        self.must('Verify', KeyId=signing, Signature=signature, **SIGNED)
        self.assertEqual(self.last(signing), 'Verify')
        made = self.must('GenerateMac', KeyId=mac, **MACED)['Mac']
        self.assertEqual(self.last(mac), 'GenerateMac')
        self.must('VerifyMac', KeyId=mac, Mac=made, **MACED)
        self.assertEqual(self.last(mac), 'VerifyMac')
        ssm, key = self.client('ssm'), self.make()['KeyId']
        ssm.put_parameter(Name='p', Value='v', Type='SecureString', KeyId=key)
        self.assertEqual(self.last(key), 'Encrypt')
        ssm.get_parameter(Name='p', WithDecryption=True)
        self.assertEqual(self.last(key), 'Decrypt')

    def test_related_keys_are_told_apart(self):
        key = self.make(MultiRegion=True)['KeyId']
        self.must('ReplicateKey', KeyId=key, ReplicaRegion=ELSEWHERE)
        self.server.clock(advance=1)
        self.must('Encrypt', ELSEWHERE, KeyId=key, Plaintext=B64)
        self.assertEqual((self.last(key), self.last(key, ELSEWHERE)), (None, 'Encrypt'))


class Callers(Asking):
    """Every operation on a key."""

    def each(self):
        for operation, (_, kind, arguments) in TABLE.items():
            yield operation, kind, arguments
        yield 'ImportKeyMaterial', {'Origin': 'EXTERNAL'}, {
            'ImportToken': B64, 'EncryptedKeyMaterial': B64,
            'ExpirationModel': 'KEY_MATERIAL_DOES_NOT_EXPIRE'}
        yield 'DeriveSharedSecret', AGREE, {'KeyAgreementAlgorithm': 'ECDH', 'PublicKey': B64}
        yield 'RevokeGrant', {}, {'GrantId': '0' * 64}
        yield 'RetireGrant', {}, {'GrantId': '0' * 64}

    def test_another_account(self):
        for operation, kind, arguments in self.each():
            key = self.make(**kind)['Arn']
            code, answer = self.ask(operation, account=OTHER_ACCOUNT, KeyId=key, **arguments)
            self.assertEqual(code, 'AccessDeniedException', (operation, answer))

    def test_a_principal_without_the_right(self):
        nobody = roles.assume(self.server, roles.make(self.server, 'nobody'))
        kms = self.client('kms', keys=nobody)
        for call, arguments in ((kms.list_keys, {}), (kms.list_aliases, {}), (kms.create_key, {}),
                                (kms.generate_random, {'NumberOfBytes': 1})):
            self.refused('AccessDeniedException', call, **arguments)

    def test_a_key_that_is_not_there(self):
        for operation, _, arguments in self.each():
            name = f'arn:aws:kms:{REGION}:{ACCOUNT}:key/{UNKNOWN}'
            code, answer = self.ask(operation, KeyId=name, **arguments)
            self.assertEqual((code, answer.get('message')),
                             ('NotFoundException', f"Key '{name}' does not exist"), operation)

    def test_invented_grant_tokens(self):
        symmetric = self.make()['KeyId']
        blob = self.must('Encrypt', KeyId=symmetric, Plaintext=B64)['CiphertextBlob']
        for operation in WITH_TOKENS:
            _, kind, arguments = TABLE.get(operation, ('', {}, {'CiphertextBlob': blob}))
            key = symmetric if operation == 'Decrypt' else self.make(**kind)['KeyId']
            code, answer = self.ask(operation, KeyId=key, GrantTokens=['x'], **arguments)
            self.assertEqual(code, 'InvalidGrantTokenException', (operation, answer))
        code, _ = self.ask('ReEncrypt', CiphertextBlob=blob, DestinationKeyId=symmetric,
                           GrantTokens=['x'])
        self.assertEqual(code, 'InvalidGrantTokenException')

    def test_keys_of_another_usage(self):
        symmetric, signing = self.make()['KeyId'], self.make(**EC)['KeyId']
        blob = self.must('Encrypt', KeyId=symmetric, Plaintext=B64)['CiphertextBlob']
        rsa = {'KeyId': signing, 'EncryptionAlgorithm': 'RSAES_OAEP_SHA_1'}
        code, answer = self.ask('Decrypt', CiphertextBlob=blob, **rsa)
        self.assertEqual(code, 'InvalidKeyUsageException', answer)
        code, answer = self.ask('ReEncrypt', CiphertextBlob=blob, DestinationKeyId=signing)
        self.assertEqual(code, 'InvalidKeyUsageException', answer)

    def test_a_policy_that_is_too_long(self):
        code, answer = self.ask('CreateKey', Policy='{"Version": "2012-10-17"' + ' ' * 32768 + '}')
        self.assertEqual(code, 'LimitExceededException', answer)


if __name__ == '__main__':
    local_server.main()
