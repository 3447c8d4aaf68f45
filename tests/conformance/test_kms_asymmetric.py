"""KMS's RSA, ECC and HMAC keys, checked by python3-cryptography as an outsider (shared facts kms.md
sections 2, 3 and 10)."""
import base64
import hashlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

import local_server
import roles
from local_server import OTHER_ACCOUNT

HASHES = {'256': hashes.SHA256, '384': hashes.SHA384, '512': hashes.SHA512}
CURVES = {'ECC_NIST_P256': (ec.SECP256R1, 'ECDSA_SHA_256'),
          'ECC_NIST_P384': (ec.SECP384R1, 'ECDSA_SHA_384'),
          'ECC_NIST_P521': (ec.SECP521R1, 'ECDSA_SHA_512'),
          'ECC_SECG_P256K1': (ec.SECP256K1, 'ECDSA_SHA_256')}
RSA_ALGORITHMS = [f'RSASSA_{scheme}_SHA_{size}' for scheme in ('PKCS1_V1_5', 'PSS')
                  for size in ('256', '384', '512')]


def b64(data):
    return base64.b64encode(data).decode()


def unb64(text):
    return base64.b64decode(text)


class Keys(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.kms = self.client('kms')

    def key(self, spec, usage='SIGN_VERIFY', **arguments):
        return self.kms.create_key(KeySpec=spec, KeyUsage=usage, **arguments)['KeyMetadata']

    def public(self, key):
        return serialization.load_der_public_key(
            self.kms.get_public_key(KeyId=key['KeyId'])['PublicKey'])

    def dry(self, operation, **arguments):
        self.refused_raw('DryRunOperationException', operation, 'The request would have succeeded, '
                         'but the DryRun option is set.', service='kms', DryRun=True, **arguments)

    def denied(self, operation, key, **arguments):
        """Another account's administrator may not, while the key's policy does not name it."""
        self.refused_raw('AccessDeniedException', operation, f'User: arn:aws:iam::{OTHER_ACCOUNT}:'
                         f"user/administrator is not authorized to perform: kms:{operation} on "
                         f"resource: {key['Arn']}", service='kms', account=OTHER_ACCOUNT,
                         KeyId=key['Arn'], **arguments)

    def refused_in_states(self, call, key, **arguments):
        """What every cryptographic operation answers in the states it does not work in."""
        self.kms.disable_key(KeyId=key['KeyId'])
        self.refused('DisabledException', call, KeyId=key['KeyId'], **arguments,
                     message=f"{key['Arn']} is disabled.")
        self.kms.schedule_key_deletion(KeyId=key['KeyId'], PendingWindowInDays=7)
        self.refused('KMSInvalidStateException', call, KeyId=key['KeyId'], **arguments,
                     message=f"{key['Arn']} is pending deletion.")
        self.kms.cancel_key_deletion(KeyId=key['KeyId'])
        self.kms.enable_key(KeyId=key['KeyId'])
        self.refused('NotFoundException', call, KeyId='alias/none', **arguments)
        self.refused('InvalidGrantTokenException', call, KeyId=key['KeyId'], GrantTokens=['x'],
                     **arguments)


class Metadata(Keys):
    def test_each_spec_says_its_algorithms(self):
        for spec, usage, member, algorithms in (
                ('RSA_2048', 'SIGN_VERIFY', 'SigningAlgorithms', RSA_ALGORITHMS),
                ('RSA_2048', 'ENCRYPT_DECRYPT', 'EncryptionAlgorithms',
                 ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256']),
                ('ECC_NIST_P384', 'SIGN_VERIFY', 'SigningAlgorithms', ['ECDSA_SHA_384']),
                ('ECC_SECG_P256K1', 'SIGN_VERIFY', 'SigningAlgorithms', ['ECDSA_SHA_256']),
                ('HMAC_384', 'GENERATE_VERIFY_MAC', 'MacAlgorithms', ['HMAC_SHA_384'])):
            key = self.key(spec, usage)
            self.assertEqual((key['KeySpec'], key['CustomerMasterKeySpec'], key['KeyUsage']),
                             (spec, spec, usage))
            self.assertEqual(sorted(key[member]), sorted(algorithms))
            self.assertNotIn('CurrentKeyMaterialId', key)
        key = self.raw('CreateKey', service='kms', KeySpec='ECC_NIST_P256',
                       KeyUsage='KEY_AGREEMENT')['KeyMetadata']
        self.assertEqual(key['KeyAgreementAlgorithms'], ['ECDH'])

    def test_spec_and_usage_must_agree(self):
        for spec, usage in (('RSA_2048', 'KEY_AGREEMENT'), ('ECC_SECG_P256K1', 'KEY_AGREEMENT'),
                            ('HMAC_256', 'SIGN_VERIFY'), ('SYMMETRIC_DEFAULT', 'SIGN_VERIFY'),
                            ('ECC_NIST_P256', 'ENCRYPT_DECRYPT')):
            self.refused('ValidationException', self.kms.create_key, KeySpec=spec, KeyUsage=usage,
                         message=f'KeyUsage {usage} is not compatible with KeySpec {spec}')
        self.refused('ValidationException', self.kms.create_key, KeySpec='RSA_2048',
                     message='You must specify a KeyUsage value for all KMS keys except for '
                             'symmetric encryption keys.')

    def test_an_alias_keeps_to_one_kind_and_usage(self):
        first, other = self.key('RSA_2048'), self.key('RSA_2048', 'ENCRYPT_DECRYPT')
        self.kms.create_alias(AliasName='alias/a', TargetKeyId=first['KeyId'])
        symmetric = self.kms.create_key()['KeyMetadata']
        for target in (other, symmetric):
            self.refused('ValidationException', self.kms.update_alias, AliasName='alias/a',
                         TargetKeyId=target['KeyId'])
        self.kms.update_alias(AliasName='alias/a', TargetKeyId=self.key('ECC_NIST_P256')['KeyId'])


class Signatures(Keys):
    message = b'a message \0 with everything' * 9

    def sign(self, key, algorithm, message, **arguments):
        answer = self.kms.sign(KeyId=key['KeyId'], Message=message, SigningAlgorithm=algorithm,
                               **arguments)
        self.assertEqual((answer['KeyId'], answer['SigningAlgorithm']), (key['Arn'], algorithm))
        return answer['Signature']

    def check(self, key, algorithm, verify):
        """Signs message and digest; both are verified outside and by KMS, a wrong one is not."""
        digest = hashlib.new('sha' + algorithm[-3:], self.message).digest()
        for kind, message in (('RAW', self.message), ('DIGEST', digest)):
            signature = self.sign(key, algorithm, message, MessageType=kind)
            verify(signature)
            there = {'KeyId': key['KeyId'], 'SigningAlgorithm': algorithm}
            for other_kind, other in (('RAW', self.message), ('DIGEST', digest)):
                answer = self.kms.verify(Message=other, MessageType=other_kind,
                                         Signature=signature, **there)
                self.assertEqual((answer['KeyId'], answer['SignatureValid']), (key['Arn'], True))
            damaged = bytes([signature[0]]) + bytes(reversed(signature[1:]))
            self.refused('KMSInvalidSignatureException', self.kms.verify, message='',
                         Message=self.message, Signature=damaged, **there)
            self.refused('KMSInvalidSignatureException', self.kms.verify, message='',
                         Message=self.message + b'.', Signature=signature, **there)
        for call, more in ((self.kms.sign, {}), (self.kms.verify, {'Signature': b'x'})):
            self.refused('ValidationException', call, Message=digest + b'x', MessageType='DIGEST',
                         **there, **more,
                         message=f'Digest is invalid length for algorithm {algorithm}.')

    def test_rsa(self):
        key = self.key('RSA_2048')
        public = self.public(key)
        self.assertEqual(public.key_size, 2048)
        for algorithm in RSA_ALGORITHMS:
            digest = HASHES[algorithm[-3:]]()
            scheme = padding.PKCS1v15() if 'PKCS1' in algorithm else padding.PSS(
                padding.MGF1(digest), digest.digest_size)
            self.check(key, algorithm, lambda signature, scheme=scheme, digest=digest:
                       public.verify(signature, self.message, scheme, digest))

    def test_larger_rsa(self):
        self.assertEqual(self.public(self.key('RSA_3072')).key_size, 3072)

    def test_curves(self):
        for spec, (curve, algorithm) in CURVES.items():
            key = self.key(spec)
            public = self.public(key)
            self.assertIsInstance(public.curve, curve)
            self.check(key, algorithm, lambda signature, algorithm=algorithm, public=public:
                       public.verify(signature, self.message, ec.ECDSA(HASHES[algorithm[-3:]]())))

    def test_ed25519(self):
        key = self.raw('CreateKey', service='kms', KeySpec='ECC_NIST_EDWARDS25519',
                       KeyUsage='SIGN_VERIFY')['KeyMetadata']
        self.assertNotIn('CustomerMasterKeySpec', key)
        there = {'service': 'kms', 'KeyId': key['KeyId'], 'SigningAlgorithm': 'ED25519_SHA_512',
                 'Message': b64(self.message)}
        signature = unb64(self.raw('Sign', **there)['Signature'])
        public = self.public(key)
        self.assertIsInstance(public, ed25519.Ed25519PublicKey)
        public.verify(signature, self.message)
        self.assertTrue(self.raw('Verify', Signature=b64(signature), **there)['SignatureValid'])
        self.refused_raw('KMSInvalidSignatureException', 'Verify', Signature=b64(b'x' * 64),
                         **there)
        self.refused_raw('ValidationException', 'Sign', MessageType='DIGEST', **there)
        self.refused_raw('InvalidKeyUsageException', 'Sign',
                         'Algorithm ED25519_PH_SHA_512 is incompatible with key spec '
                         'ECC_NIST_EDWARDS25519.',
                         **{**there, 'SigningAlgorithm': 'ED25519_PH_SHA_512'})

    def test_what_cannot_be_signed(self):
        key = self.key('ECC_NIST_P256')
        there = {'KeyId': key['KeyId'], 'SigningAlgorithm': 'ECDSA_SHA_256'}
        self.refused('ValidationException', self.kms.sign, Message=b'x' * 4097, **there,
                     message="1 validation error detected: Value at 'message' failed to satisfy "
                             'constraint: Member must have length less than or equal to 4096')
        self.refused('ValidationException', self.kms.sign, Message=b'x', MessageType='EXTERNAL_MU',
                     **there)
        for call, more in ((self.kms.sign, {}), (self.kms.verify, {'Signature': b'x'})):
            self.refused('InvalidKeyUsageException', call, KeyId=key['KeyId'], Message=b'x',
                         SigningAlgorithm='ECDSA_SHA_384', **more,
                         message='Algorithm ECDSA_SHA_384 is incompatible with key spec '
                                 'ECC_NIST_P256.')
            name = call.__name__.capitalize()
            for other in (self.key('HMAC_256', 'GENERATE_VERIFY_MAC'),
                          self.kms.create_key()['KeyMetadata']):
                self.refused('InvalidKeyUsageException', call, KeyId=other['KeyId'], Message=b'x',
                             SigningAlgorithm='ECDSA_SHA_256', **more,
                             message=f"{other['Arn']} key usage is {other['KeyUsage']} which is "
                                     f'not valid for {name}.')
            self.refused_in_states(call, key, Message=b'x', SigningAlgorithm='ECDSA_SHA_256',
                                   **more)

    def test_dry_run_and_permission(self):
        key = self.key('ECC_NIST_P256')
        signed = {'Message': b64(b'x'), 'SigningAlgorithm': 'ECDSA_SHA_256'}
        signature = self.sign(key, 'ECDSA_SHA_256', b'x')
        self.dry('Sign', KeyId=key['KeyId'], **signed)
        self.dry('Verify', KeyId=key['KeyId'], Signature=b64(signature), **signed)
        self.refused_raw('KMSInvalidSignatureException', 'Verify', service='kms', DryRun=True,
                         KeyId=key['KeyId'], Signature=b64(b'x'), **signed)
        self.denied('Sign', key, **signed)
        self.denied('Verify', key, Signature=b64(signature), **signed)
        self.denied('GetPublicKey', key)

    def test_conditions(self):
        key = self.key('ECC_NIST_P256')
        arn = roles.make(self.server, 'signer', roles.allow('kms:Sign', Condition={
            'StringEquals': {'kms:SigningAlgorithm': 'ECDSA_SHA_256', 'kms:MessageType': 'DIGEST',
                             'kms:KeySpec': 'ECC_NIST_P256', 'kms:KeyUsage': 'SIGN_VERIFY'}}))
        signer = self.client('kms', keys=roles.assume(self.server, arn))
        there = {'KeyId': key['KeyId'], 'SigningAlgorithm': 'ECDSA_SHA_256'}
        signer.sign(Message=b'x' * 32, MessageType='DIGEST', **there)
        self.refused('AccessDeniedException', signer.sign, Message=b'x' * 32, **there)


class PublicKeys(Keys):
    def test_of_secrets_there_is_none(self):
        for key in (self.kms.create_key()['KeyMetadata'],
                    self.key('HMAC_256', 'GENERATE_VERIFY_MAC')):
            self.refused('UnsupportedOperationException', self.kms.get_public_key,
                         KeyId=key['KeyId'])

    def test_answer_and_states(self):
        key = self.key('RSA_2048', 'ENCRYPT_DECRYPT')
        answer = self.kms.get_public_key(KeyId=key['Arn'])
        self.assertEqual((answer['KeyId'], answer['KeySpec'], answer['KeyUsage'],
                          answer['EncryptionAlgorithms']),
                         (key['Arn'], 'RSA_2048', 'ENCRYPT_DECRYPT',
                          ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256']))
        self.refused_in_states(self.kms.get_public_key, key)


class RsaEncryption(Keys):
    LIMITS = {'RSAES_OAEP_SHA_1': (214, hashes.SHA1), 'RSAES_OAEP_SHA_256': (190, hashes.SHA256)}

    def setUp(self):
        super().setUp()
        self.rsa = self.key('RSA_2048', 'ENCRYPT_DECRYPT')

    def test_there_and_back_by_kms_and_by_others(self):
        public = self.public(self.rsa)
        for algorithm, (limit, digest) in self.LIMITS.items():
            there = {'KeyId': self.rsa['KeyId'], 'EncryptionAlgorithm': algorithm}
            answer = self.kms.encrypt(Plaintext=b'x' * limit, **there)
            self.assertEqual((answer['KeyId'], answer['EncryptionAlgorithm'],
                              len(answer['CiphertextBlob'])), (self.rsa['Arn'], algorithm, 256))
            outside = public.encrypt(b'outside', padding.OAEP(padding.MGF1(digest()), digest(),
                                                              None))
            for blob, plain in ((answer['CiphertextBlob'], b'x' * limit), (outside, b'outside')):
                back = self.kms.decrypt(CiphertextBlob=blob, **there)
                self.assertEqual((back['Plaintext'], back['KeyId'], back['EncryptionAlgorithm']),
                                 (plain, self.rsa['Arn'], algorithm))
                self.assertNotIn('KeyMaterialId', back)
            self.refused('ValidationException', self.kms.encrypt, Plaintext=b'x' * (limit + 1),
                         **there, message=f'Algorithm {algorithm} and key spec RSA_2048 cannot '
                                          f'encrypt data larger than {limit} bytes.')

    def test_what_is_refused(self):
        blob = self.kms.encrypt(KeyId=self.rsa['KeyId'], Plaintext=b'x',
                                EncryptionAlgorithm='RSAES_OAEP_SHA_256')['CiphertextBlob']
        there = {'KeyId': self.rsa['KeyId'], 'EncryptionAlgorithm': 'RSAES_OAEP_SHA_256'}
        wrong = {**there, 'EncryptionAlgorithm': 'RSAES_OAEP_SHA_1'}
        decrypt, encrypt = self.kms.decrypt, self.kms.encrypt
        self.refused('InvalidCiphertextException', decrypt, CiphertextBlob=blob, **wrong,
                     message='')
        self.refused('InvalidCiphertextException', decrypt, CiphertextBlob=blob[:-1], **there)
        self.refused('InvalidCiphertextException', decrypt, CiphertextBlob=blob)
        self.refused('InvalidCiphertextException', decrypt, CiphertextBlob=blob,
                     KeyId=self.rsa['KeyId'])
        self.refused('InvalidKeyUsageException', encrypt, KeyId=self.rsa['KeyId'], Plaintext=b'x',
                     message='Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.')
        self.refused('ValidationException', encrypt, Plaintext=b'x', EncryptionContext={'a': 'b'},
                     **there)
        for call in (self.kms.generate_data_key, self.kms.generate_data_key_without_plaintext):
            self.refused('InvalidKeyUsageException', call, KeyId=self.rsa['KeyId'],
                         KeySpec='AES_256')
        signing = self.key('RSA_2048')
        self.refused('InvalidKeyUsageException', encrypt, KeyId=signing['KeyId'], Plaintext=b'x',
                     EncryptionAlgorithm='RSAES_OAEP_SHA_256',
                     message=f"{signing['Arn']} key usage is SIGN_VERIFY which is not valid for "
                             'Encrypt.')
        self.refused_in_states(encrypt, self.rsa, Plaintext=b'x',
                               EncryptionAlgorithm='RSAES_OAEP_SHA_256')

    def test_encrypted_anew_between_all_kinds(self):
        symmetric = self.kms.create_key()['KeyMetadata']
        rsa_256 = 'RSAES_OAEP_SHA_256'
        blob = self.kms.encrypt(KeyId=symmetric['KeyId'], Plaintext=b'kept',
                                EncryptionContext={'a': '1'})['CiphertextBlob']
        out = self.kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext={'a': '1'},
                                  DestinationKeyId=self.rsa['KeyId'],
                                  DestinationEncryptionAlgorithm=rsa_256)
        self.assertEqual((out['SourceKeyId'], out['KeyId'], out['SourceEncryptionAlgorithm'],
                          out['DestinationEncryptionAlgorithm']),
                         (symmetric['Arn'], self.rsa['Arn'], 'SYMMETRIC_DEFAULT', rsa_256))
        back = self.kms.re_encrypt(CiphertextBlob=out['CiphertextBlob'],
                                   SourceKeyId=self.rsa['KeyId'],
                                   SourceEncryptionAlgorithm=rsa_256,
                                   DestinationKeyId=symmetric['KeyId'],
                                   DestinationEncryptionContext={'b': '2'})
        self.assertEqual(self.kms.decrypt(CiphertextBlob=back['CiphertextBlob'],
                                          EncryptionContext={'b': '2'})['Plaintext'], b'kept')
        self.refused('ValidationException', self.kms.re_encrypt, CiphertextBlob=blob,
                     SourceEncryptionContext={'a': '1'}, DestinationKeyId=self.rsa['KeyId'],
                     DestinationEncryptionAlgorithm=rsa_256, DestinationEncryptionContext={'c': ''})

    def test_dry_run_without_a_ciphertext(self):
        key = {'KeyId': self.rsa['KeyId'], 'EncryptionAlgorithm': 'RSAES_OAEP_SHA_1'}
        ignoring = {'DryRunModifiers': ['IGNORE_CIPHERTEXT']}
        self.dry('Decrypt', **key, **ignoring)
        self.refused_raw('ValidationException', 'Decrypt', service='kms', **key, **ignoring)
        self.refused_raw('ValidationException', 'Decrypt', service='kms', DryRun=True, **ignoring)
        self.refused_raw('ValidationException', 'Decrypt', service='kms', **key,
                         message="1 validation error detected: Value null at 'ciphertextBlob' "
                                 'failed to satisfy constraint: Member must not be null')


class Macs(Keys):
    def test_each_size(self):
        for size in ('224', '256', '384', '512'):
            key = self.key(f'HMAC_{size}', 'GENERATE_VERIFY_MAC')
            there = {'KeyId': key['KeyId'], 'MacAlgorithm': f'HMAC_SHA_{size}'}
            answer = self.kms.generate_mac(Message=b'm', **there)
            self.assertEqual((answer['KeyId'], answer['MacAlgorithm'], len(answer['Mac'])),
                             (key['Arn'], f'HMAC_SHA_{size}', int(size) // 8))
            self.assertEqual(self.kms.generate_mac(Message=b'm', **there)['Mac'], answer['Mac'])
            verified = self.kms.verify_mac(Message=b'm', Mac=answer['Mac'], **there)
            self.assertEqual((verified['KeyId'], verified['MacValid']), (key['Arn'], True))
            for message, mac in ((b'n', answer['Mac']), (b'm', answer['Mac'][:-1]),
                                 (b'm', bytes(len(answer['Mac'])))):
                self.refused('KMSInvalidMacException', self.kms.verify_mac, message='',
                             Message=message, Mac=mac, **there)

    def test_what_is_refused(self):
        key = self.key('HMAC_224', 'GENERATE_VERIFY_MAC')
        symmetric = self.kms.create_key()['KeyMetadata']
        for call, more, name in ((self.kms.generate_mac, {}, 'GenerateMac'),
                                 (self.kms.verify_mac, {'Mac': b'x'}, 'VerifyMac')):
            self.refused('InvalidKeyUsageException', call, KeyId=key['KeyId'], Message=b'm',
                         MacAlgorithm='HMAC_SHA_256', **more,
                         message='Algorithm HMAC_SHA_256 is incompatible with key spec HMAC_224.')
            self.refused('InvalidKeyUsageException', call, KeyId=symmetric['KeyId'], Message=b'm',
                         MacAlgorithm='HMAC_SHA_256', **more,
                         message=f"{symmetric['Arn']} key usage is ENCRYPT_DECRYPT which is not "
                                 f'valid for {name}.')
            self.refused('NotFoundException', call, KeyId='key_id', Message=b'm',
                         MacAlgorithm='HMAC_SHA_256', **more, message="Invalid keyId 'key_id'")
            self.refused_in_states(call, key, Message=b'm', MacAlgorithm='HMAC_SHA_224', **more)
            self.denied(name, key, Message=b64(b'm'), MacAlgorithm='HMAC_SHA_224',
                        **{member: b64(value) for member, value in more.items()})
        mac = self.kms.generate_mac(KeyId=key['KeyId'], Message=b'm', MacAlgorithm='HMAC_SHA_224')
        self.dry('GenerateMac', KeyId=key['KeyId'], Message=b64(b'm'), MacAlgorithm='HMAC_SHA_224')
        self.dry('VerifyMac', KeyId=key['KeyId'], Message=b64(b'm'), MacAlgorithm='HMAC_SHA_224',
                 Mac=b64(mac['Mac']))


class SharedSecrets(Keys):
    def agreement(self, spec):
        return self.raw('CreateKey', service='kms', KeySpec=spec,
                        KeyUsage='KEY_AGREEMENT')['KeyMetadata']

    def derive(self, key, public):
        return {'service': 'kms', 'KeyId': key['KeyId'], 'KeyAgreementAlgorithm': 'ECDH',
                'PublicKey': b64(public.public_bytes(
                    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))}

    def test_both_sides_agree(self):
        for spec, size in (('ECC_NIST_P256', 32), ('ECC_NIST_P384', 48), ('ECC_NIST_P521', 66)):
            key = self.agreement(spec)
            mine = ec.generate_private_key(CURVES[spec][0]())
            answer = self.raw('DeriveSharedSecret', **self.derive(key, mine.public_key()))
            self.assertEqual(unb64(answer['SharedSecret']),
                             mine.exchange(ec.ECDH(), self.public(key)))
            self.assertEqual((answer['KeyId'], answer['KeyAgreementAlgorithm'],
                              answer['KeyOrigin'], len(unb64(answer['SharedSecret']))),
                             (key['Arn'], 'ECDH', 'AWS_KMS', size))

    def test_what_is_refused(self):
        key = self.agreement('ECC_NIST_P256')
        good = self.derive(key, ec.generate_private_key(ec.SECP256R1()).public_key())
        other = ec.generate_private_key(ec.SECP384R1()).public_key()
        self.refused_raw('ValidationException', 'DeriveSharedSecret', **self.derive(key, other))
        self.refused_raw('ValidationException', 'DeriveSharedSecret',
                         **{**good, 'PublicKey': b64(b'no key')})
        signing = self.key('ECC_NIST_P256')
        self.refused_raw('InvalidKeyUsageException', 'DeriveSharedSecret',
                         f"{signing['Arn']} key usage is SIGN_VERIFY which is not valid for "
                         'DeriveSharedSecret.', **{**good, 'KeyId': signing['KeyId']})
        self.refused_raw('ValidationException', 'DeriveSharedSecret', Recipient={
            'KeyEncryptionAlgorithm': 'RSAES_OAEP_SHA_256', 'AttestationDocument': b64(b'x')},
            **good)
        arguments = {name: value for name, value in good.items() if name != 'service'}
        self.dry('DeriveSharedSecret', **arguments)
        del arguments['KeyId']
        self.denied('DeriveSharedSecret', key, **arguments)
        self.kms.disable_key(KeyId=key['KeyId'])
        self.refused_raw('DisabledException', 'DeriveSharedSecret', **good)


class DataKeyPairs(Keys):
    def test_each_spec(self):
        key = self.kms.create_key()['KeyMetadata']
        context = {'for': 'pair'}
        for spec, kind in (('RSA_2048', rsa.RSAPrivateKey), ('ECC_NIST_P256',
                           ec.EllipticCurvePrivateKey), ('ECC_NIST_P384',
                           ec.EllipticCurvePrivateKey), ('ECC_NIST_P521',
                           ec.EllipticCurvePrivateKey), ('ECC_SECG_P256K1',
                           ec.EllipticCurvePrivateKey)):
            answer = self.kms.generate_data_key_pair(KeyId=key['KeyId'], KeyPairSpec=spec,
                                                     EncryptionContext=context)
            self.assertEqual((answer['KeyId'], answer['KeyPairSpec']), (key['Arn'], spec))
            private = serialization.load_der_private_key(answer['PrivateKeyPlaintext'], None)
            self.assertIsInstance(private, kind)
            self.assertEqual(private.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
                answer['PublicKey'])
            back = self.kms.decrypt(CiphertextBlob=answer['PrivateKeyCiphertextBlob'],
                                    EncryptionContext=context)
            self.assertEqual(back['Plaintext'], answer['PrivateKeyPlaintext'])
            self.refused('InvalidCiphertextException', self.kms.decrypt,
                         CiphertextBlob=answer['PrivateKeyCiphertextBlob'])
        ed = self.raw('GenerateDataKeyPair', service='kms', KeyId=key['KeyId'],
                      KeyPairSpec='ECC_NIST_EDWARDS25519')
        serialization.load_der_private_key(unb64(ed['PrivateKeyPlaintext']), None)

    def test_without_plaintext(self):
        key = self.kms.create_key()['KeyMetadata']
        answer = self.kms.generate_data_key_pair_without_plaintext(
            KeyId=key['KeyId'], KeyPairSpec='ECC_NIST_P256')
        self.assertNotIn('PrivateKeyPlaintext', answer)
        private = self.kms.decrypt(CiphertextBlob=answer['PrivateKeyCiphertextBlob'])['Plaintext']
        public = serialization.load_der_private_key(private, None).public_key()
        self.assertEqual(public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
            answer['PublicKey'])

    def test_what_is_refused(self):
        key, signing = self.kms.create_key()['KeyMetadata'], self.key('ECC_NIST_P256')
        wrapping = self.key('RSA_2048', 'ENCRYPT_DECRYPT')
        for name in ('GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext'):
            call = getattr(self.kms, {'GenerateDataKeyPair': 'generate_data_key_pair'}.get(
                name, 'generate_data_key_pair_without_plaintext'))
            self.refused('UnsupportedOperationException', call, KeyId=key['KeyId'],
                         KeyPairSpec='SM2')
            self.refused('InvalidKeyUsageException', call, KeyId=signing['KeyId'],
                         KeyPairSpec='ECC_NIST_P256',
                         message=f"{signing['Arn']} key usage is SIGN_VERIFY which is not valid "
                                 f'for {name}.')
            self.refused('InvalidKeyUsageException', call, KeyId=wrapping['KeyId'],
                         KeyPairSpec='ECC_NIST_P256')
            self.dry(name, KeyId=key['KeyId'], KeyPairSpec='ECC_NIST_P256')
            self.denied(name, key, KeyPairSpec='ECC_NIST_P256')
            self.refused_in_states(call, key, KeyPairSpec='ECC_NIST_P256')

    def test_recipient(self):
        key = self.kms.create_key()['KeyMetadata']
        recipient = {'KeyEncryptionAlgorithm': 'RSAES_OAEP_SHA_256',
                     'AttestationDocument': b64(b'invented')}
        blob = self.kms.encrypt(KeyId=key['KeyId'], Plaintext=b'x')['CiphertextBlob']
        for operation, arguments in (
                ('GenerateDataKeyPair', {'KeyId': key['KeyId'], 'KeyPairSpec': 'ECC_NIST_P256'}),
                ('GenerateDataKey', {'KeyId': key['KeyId'], 'KeySpec': 'AES_256'}),
                ('Decrypt', {'CiphertextBlob': b64(blob)}), ('GenerateRandom',
                                                             {'NumberOfBytes': 8})):
            self.refused_raw('ValidationException', operation, service='kms', Recipient=recipient,
                             **arguments)


if __name__ == '__main__':
    local_server.main()
