"""Imported key material, wrapped by python3-cryptography as an outsider (shared facts kms.md
section 8)."""
import base64
import datetime
import os

from cryptography.hazmat.primitives import hashes, hmac, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

import local_server
import roles

THERE, DAY = 'eu-west-1', 24 * 3600
FOREVER = {'ExpirationModel': 'KEY_MATERIAL_DOES_NOT_EXPIRE'}
DIGESTS = {'RSAES_OAEP_SHA_1': hashes.SHA1, 'RSAES_OAEP_SHA_256': hashes.SHA256,
           'RSA_AES_KEY_WRAP_SHA_1': hashes.SHA1, 'RSA_AES_KEY_WRAP_SHA_256': hashes.SHA256}


def wrap(public, algorithm, material):
    digest = DIGESTS[algorithm]
    oaep = padding.OAEP(padding.MGF1(digest()), digest(), None)
    key = serialization.load_der_public_key(public)
    if algorithm.startswith('RSAES'):
        return key.encrypt(material, oaep)
    aes = os.urandom(32)
    return key.encrypt(aes, oaep) + keywrap.aes_key_wrap_with_padding(aes, material)


def pkcs8(private):
    return private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                                 serialization.NoEncryption())


class Import(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.server.clock(real=True, stopped=False)
        self.wrapping = {}
        self.kms, self.there = self.client('kms'), self.client('kms', region=THERE)

    def external(self, spec='SYMMETRIC_DEFAULT', usage='ENCRYPT_DECRYPT', **arguments):
        return self.kms.create_key(Origin='EXTERNAL', KeySpec=spec, KeyUsage=usage,
                                   **arguments)['KeyMetadata']

    def parameters(self, key, algorithm='RSAES_OAEP_SHA_256', spec='RSA_2048', kms=None):
        return (kms or self.kms).get_parameters_for_import(
            KeyId=key['KeyId'], WrappingAlgorithm=algorithm, WrappingKeySpec=spec)

    def wrapped(self, key, material, algorithm='RSAES_OAEP_SHA_256', kms=None):
        """One wrapping key for each key, Region and algorithm: making them takes long."""
        place = (key['KeyId'], algorithm, kms)
        if place not in self.wrapping:
            self.wrapping[place] = self.parameters(key, algorithm, kms=kms)
        found = self.wrapping[place]
        return {'KeyId': key['KeyId'], 'ImportToken': found['ImportToken'],
                'EncryptedKeyMaterial': wrap(found['PublicKey'], algorithm, material)}

    def send(self, key, material, algorithm, region, arguments):
        """By the wire: boto3 does not know of several materials."""
        sent = self.wrapped(key, material, algorithm, self.there if region == THERE else None)
        arguments = {**FOREVER, **arguments, **{
            name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
            for name, value in sent.items()}}
        return self.server.raw('kms', 'ImportKeyMaterial', arguments, region=region)

    def load(self, key, material, algorithm='RSAES_OAEP_SHA_256', region=local_server.REGION,
             **arguments):
        """The id of the material."""
        status, answer = self.send(key, material, algorithm, region, arguments)
        self.assertEqual(status, 200, answer)
        return answer['KeyMaterialId']

    def refuse_load(self, code, key, material, message=None, region=local_server.REGION,
                    **arguments):
        status, answer = self.send(key, material, 'RSAES_OAEP_SHA_256', region, arguments)
        self.assertEqual((status, answer.get('__type')), (400, code), answer)
        if message is not None:
            self.assertEqual(answer.get('message', ''), message)

    def describe(self, key, kms=None):
        return (kms or self.kms).describe_key(KeyId=key['KeyId'])['KeyMetadata']

    def state(self, key, kms=None):
        return self.describe(key, kms)['KeyState']


class Symmetric(Import):
    def test_from_pending_to_enabled_and_back(self):
        key = self.external()
        self.assertEqual((key['KeyState'], key['Enabled'], key['Origin']),
                         ('PendingImport', False, 'EXTERNAL'))
        self.assertNotIn('ExpirationModel', key)
        there = {'KeyId': key['KeyId']}
        pending = f"{key['Arn']} is pending import."
        self.refused('KMSInvalidStateException', self.kms.encrypt, Plaintext=b'x', **there,
                     message=pending)
        for call in (self.kms.enable_key, self.kms.disable_key):
            self.refused('KMSInvalidStateException', call, **there, message=pending)
        self.kms.create_alias(AliasName='alias/e', TargetKeyId=key['KeyId'])
        material = os.urandom(32)
        answer = self.kms.import_key_material(**self.wrapped(key, material), **FOREVER)
        self.assertEqual(answer['ResponseMetadata']['HTTPStatusCode'], 200)
        shown = self.describe(key)
        self.assertEqual((shown['KeyState'], shown['Enabled'], shown['ExpirationModel']),
                         ('Enabled', True, 'KEY_MATERIAL_DOES_NOT_EXPIRE'))
        blob = self.kms.encrypt(Plaintext=b'kept', **there)['CiphertextBlob']
        self.kms.delete_imported_key_material(**there)
        shown = self.describe(key)
        self.assertEqual((shown['KeyState'], shown['Enabled']), ('PendingImport', False))
        self.assertNotIn('ExpirationModel', shown)
        self.refused('KMSInvalidStateException', self.kms.decrypt, CiphertextBlob=blob,
                     message=pending)
        self.kms.delete_imported_key_material(**there)  # no effect, no error
        self.refuse_load('IncorrectKeyMaterialException', key, os.urandom(32))
        self.load(key, material)
        self.assertEqual(self.kms.decrypt(CiphertextBlob=blob)['Plaintext'], b'kept')

    def test_each_wrapping(self):
        for algorithm in ('RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'):
            key = self.external()
            self.load(key, os.urandom(32), algorithm)
            self.assertEqual(self.state(key), 'Enabled')
        public = serialization.load_der_public_key(
            self.parameters(self.external(), spec='RSA_3072')['PublicKey'])
        self.assertEqual(public.key_size, 3072)

    def test_unfit_material(self):
        key = self.external()
        for material in (os.urandom(31), os.urandom(33), b'x'):
            self.refuse_load('IncorrectKeyMaterialException', key, material)
        self.assertEqual(self.state(key), 'PendingImport')

    def test_material_is_not_on_the_disk_in_clear(self):
        material, key = os.urandom(32), self.external()
        self.load(key, material)
        for folder, _, files in os.walk(self.server.folder):
            for name in files:
                with open(os.path.join(folder, name), 'rb') as found:
                    self.assertNotIn(material, found.read(), name)


class Expiration(Import):
    def soon(self, seconds=DAY):
        now = datetime.datetime.fromtimestamp(self.server.clock()['time'], datetime.timezone.utc)
        return now + datetime.timedelta(seconds=seconds)

    def expiring(self, key, material, seconds=DAY):
        return self.kms.import_key_material(**self.wrapped(key, material),
                                            ValidTo=self.soon(seconds))

    def test_it_acts_on_the_clock(self):
        key, material = self.external(), os.urandom(32)
        self.expiring(key, material)
        shown = self.describe(key)
        self.assertEqual(shown['ExpirationModel'], 'KEY_MATERIAL_EXPIRES')
        self.assertAlmostEqual((shown['ValidTo'] - self.soon()).total_seconds(), 0, delta=60)
        blob = self.kms.encrypt(KeyId=key['KeyId'], Plaintext=b'kept')['CiphertextBlob']
        self.server.clock(advance=DAY + 1)
        self.assertEqual(self.state(key), 'PendingImport')
        self.refused('KMSInvalidStateException', self.kms.decrypt, CiphertextBlob=blob,
                     message=f"{key['Arn']} is pending import.")
        self.kms.create_key()  # clears away what is over
        self.assertEqual(self.state(key), 'PendingImport')
        self.wrapping.clear()  # their time is over as well
        self.expiring(key, material, 10 * DAY)
        self.assertEqual(self.kms.decrypt(CiphertextBlob=blob)['Plaintext'], b'kept')
        self.load(key, material)  # never now
        self.server.clock(advance=11 * DAY)
        self.kms.decrypt(CiphertextBlob=blob)

    def test_of_a_key_being_deleted(self):
        key = self.external()
        self.expiring(key, os.urandom(32))
        self.kms.schedule_key_deletion(KeyId=key['KeyId'])
        self.server.clock(advance=2 * DAY)
        self.kms.create_key()
        self.kms.cancel_key_deletion(KeyId=key['KeyId'])
        self.assertEqual(self.state(key), 'PendingImport')

    def test_dates(self):
        key = self.external()
        sent = self.wrapped(key, os.urandom(32))
        load = self.kms.import_key_material
        for arguments in ({}, {'ExpirationModel': 'KEY_MATERIAL_EXPIRES'}):
            self.refused('ValidationException', load, **sent, **arguments, message='A validTo date '
                         'must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES')
        self.refused('ValidationException', load, **sent, ValidTo=self.soon(), **FOREVER)
        for seconds in (-60, 366 * DAY):
            self.refused('ValidationException', load, **sent, ValidTo=self.soon(seconds))


class Tokens(Import):
    def test_valid_for_a_day_and_one_key(self):
        key, other = self.external(), self.external()
        found = self.parameters(key)
        left = found['ParametersValidTo'].timestamp() - self.server.clock()['time']
        self.assertAlmostEqual(left, DAY, delta=60)
        self.assertEqual(found['KeyId'], key['Arn'])
        sent = self.wrapped(key, os.urandom(32))
        load = self.kms.import_key_material
        self.refused('InvalidImportTokenException', load, **{**sent, 'KeyId': other['KeyId']},
                     **FOREVER)
        self.refused('InvalidImportTokenException', load, **{**sent, 'ImportToken': b'x' * 99},
                     **FOREVER)
        for wrong in (found['PublicKey'], sent['EncryptedKeyMaterial'][:-1], b'\0' * 256):
            self.refused('InvalidCiphertextException', load, **{
                **sent, 'EncryptedKeyMaterial': wrong}, **FOREVER)
        elsewhere = {**sent, 'ImportToken': self.parameters(key)['ImportToken']}
        self.refused('InvalidCiphertextException', load, **elsewhere, **FOREVER)
        self.server.clock(advance=DAY + 1)
        self.refused('ExpiredImportTokenException', load, **sent, **FOREVER)

    def test_which_keys_and_wrappings(self):
        made = self.kms.create_key()['KeyMetadata']
        text = f"{made['Arn']} origin is AWS_KMS which is not valid for this operation."
        unsupported = 'UnsupportedOperationException'
        self.refused(unsupported, self.parameters, key=made, message=text)
        self.refused(unsupported, self.kms.delete_imported_key_material, KeyId=made['KeyId'],
                     message=text)
        self.refused(unsupported, self.kms.import_key_material, KeyId=made['KeyId'],
                     ImportToken=b'x', EncryptedKeyMaterial=b'x', message=text)
        plain, secret = self.external(), self.external('RSA_2048', 'SIGN_VERIFY')
        large = self.external('ECC_NIST_P521', 'SIGN_VERIFY')
        for key, algorithm in ((plain, 'RSAES_PKCS1_V1_5'), (plain, 'SM2PKE'),
                               (plain, 'RSA_AES_KEY_WRAP_SHA_256'), (secret, 'RSAES_OAEP_SHA_256'),
                               (large, 'RSAES_OAEP_SHA_256')):
            self.refused(unsupported, self.parameters, key=key, algorithm=algorithm)
        self.refused(unsupported, self.parameters, key=plain, spec='SM2')
        self.refused('ValidationException', self.parameters, key=plain, spec='RSA_1024')
        self.refused('NotFoundException', self.parameters, key={'KeyId': 'alias/x'})

    def test_states(self):
        key = self.external()
        sent = self.wrapped(key, os.urandom(32))
        self.kms.schedule_key_deletion(KeyId=key['KeyId'])
        text = f"{key['Arn']} is pending deletion."
        self.refused('KMSInvalidStateException', self.parameters, key=key, message=text)
        self.refused('KMSInvalidStateException', self.kms.import_key_material, **sent, **FOREVER,
                     message=text)

    def test_permissions(self):
        key = self.external()
        sent = self.wrapped(key, os.urandom(32))
        arn = roles.make(self.server, 'importer', roles.allow(
            'kms:GetParametersForImport', Condition={'StringEquals': {
                'kms:WrappingAlgorithm': 'RSAES_OAEP_SHA_256', 'kms:WrappingKeySpec': 'RSA_2048',
                'kms:KeyOrigin': 'EXTERNAL'}}), roles.allow(
            'kms:ImportKeyMaterial', Condition={
                'StringEquals': {'kms:ExpirationModel': 'KEY_MATERIAL_EXPIRES'},
                'NumericLessThan': {'kms:ValidTo': str(self.server.clock()['time'] + 2 * DAY)}}))
        kms = self.client('kms', keys=roles.assume(self.server, arn))
        self.parameters(key, kms=kms)
        denied = 'AccessDeniedException'
        self.refused(denied, self.parameters, key=key, algorithm='RSAES_OAEP_SHA_1', kms=kms)
        self.refused(denied, kms.delete_imported_key_material, KeyId=key['KeyId'])
        self.refused(denied, kms.import_key_material, **sent, **FOREVER)
        until = datetime.datetime.fromtimestamp(self.server.clock()['time'],
                                                datetime.timezone.utc)
        expires = {'ExpirationModel': 'KEY_MATERIAL_EXPIRES'}
        self.refused(denied, kms.import_key_material, **sent, **expires,
                     ValidTo=until + datetime.timedelta(days=3))
        kms.import_key_material(**sent, **expires, ValidTo=until + datetime.timedelta(days=1))


class Pairs(Import):
    def public(self, key):
        return serialization.load_der_public_key(
            self.kms.get_public_key(KeyId=key['KeyId'])['PublicKey'])

    def test_curves_and_rsa(self):
        signing = rsa.generate_private_key(65537, 2048)
        curve = ec.generate_private_key(ec.SECP256R1())
        large = ec.generate_private_key(ec.SECP521R1())
        for spec, private, algorithm in (
                ('RSA_2048', signing, 'RSA_AES_KEY_WRAP_SHA_256'),
                ('RSA_2048', signing, 'RSA_AES_KEY_WRAP_SHA_1'),
                ('ECC_NIST_P256', curve, 'RSAES_OAEP_SHA_256'),
                ('ECC_NIST_P521', large, 'RSA_AES_KEY_WRAP_SHA_256')):
            key = self.external(spec, 'SIGN_VERIFY')
            self.load(key, pkcs8(private), algorithm)
            self.assertEqual(self.public(key).public_numbers(),
                             private.public_key().public_numbers())
        signature = self.kms.sign(KeyId=key['KeyId'], Message=b'm',
                                  SigningAlgorithm='ECDSA_SHA_512')['Signature']
        large.public_key().verify(signature, b'm', ec.ECDSA(hashes.SHA512()))

    def test_hmac(self):
        secret, key = os.urandom(48), self.external('HMAC_384', 'GENERATE_VERIFY_MAC')
        self.load(key, secret)
        mac = self.kms.generate_mac(KeyId=key['KeyId'], Message=b'm',
                                    MacAlgorithm='HMAC_SHA_384')['Mac']
        outside = hmac.HMAC(secret, hashes.SHA384())
        outside.update(b'm')
        outside.verify(mac)

    def test_unfit_material(self):
        key = self.external('ECC_NIST_P256', 'SIGN_VERIFY')
        wrong = 'IncorrectKeyMaterialException'
        self.refuse_load(wrong, key, os.urandom(32))
        self.refuse_load(wrong, key, pkcs8(ec.generate_private_key(ec.SECP256K1())))
        good = pkcs8(ec.generate_private_key(ec.SECP256R1()))
        self.refuse_load(wrong, key, good + b'\0')
        self.load(key, good)
        self.refuse_load(wrong, key, pkcs8(ec.generate_private_key(ec.SECP256R1())))
        self.refuse_load(wrong, key, pkcs8(ec.generate_private_key(ec.SECP256R1())),
                         ImportType='NEW_KEY_MATERIAL')
        self.load(key, good, ImportType='EXISTING_KEY_MATERIAL')


class SeveralMaterials(Import):
    def rotations(self, key, included='ALL_KEY_MATERIAL'):
        answer = self.raw('ListKeyRotations', service='kms', KeyId=key['KeyId'],
                          IncludeKeyMaterial=included)
        return answer['Rotations']

    def test_rotated_on_demand(self):
        key, first, second = self.external(), os.urandom(32), os.urandom(32)
        one = self.load(key, first, KeyMaterialDescription='first one')
        blob = self.kms.encrypt(KeyId=key['KeyId'], Plaintext=b'kept')['CiphertextBlob']
        self.refuse_load('IncorrectKeyMaterialException', key, second)
        self.refuse_load('IncorrectKeyMaterialException', key, first,
                         ImportType='NEW_KEY_MATERIAL')
        two = self.load(key, second, ImportType='NEW_KEY_MATERIAL')
        self.assertNotEqual(one, two)
        self.refuse_load('KMSInvalidStateException', key, os.urandom(32),
                         ImportType='NEW_KEY_MATERIAL')
        states = {r['KeyMaterialId']: (r['KeyMaterialState'], r['ImportState'])
                  for r in self.rotations(key)}
        self.assertEqual(states, {one: ('CURRENT', 'IMPORTED'),
                                  two: ('PENDING_ROTATION', 'IMPORTED')})
        self.assertEqual(self.rotations(key)[0]['KeyMaterialDescription'], 'first one')
        self.assertEqual(self.rotations(key, 'ROTATIONS_ONLY'), [])
        self.raw('RotateKeyOnDemand', service='kms', KeyId=key['KeyId'])
        after = self.kms.encrypt(KeyId=key['KeyId'], Plaintext=b'new')['CiphertextBlob']
        self.assertEqual([r['RotationType'] for r in self.rotations(key, 'ROTATIONS_ONLY')],
                         ['ON_DEMAND'])
        self.refused_raw('KMSInvalidStateException', 'RotateKeyOnDemand', 'No available key '
                         f"material pending rotation for the key: {key['Arn']}.", service='kms',
                         KeyId=key['KeyId'])
        # Without one of its materials the key rests, whichever it is.
        self.raw('DeleteImportedKeyMaterial', service='kms', KeyId=key['KeyId'],
                 KeyMaterialId=one)
        self.assertEqual(self.state(key), 'PendingImport')
        self.load(key, first, KeyMaterialId=one)
        for blob, plain in ((blob, b'kept'), (after, b'new')):
            self.assertEqual(self.kms.decrypt(CiphertextBlob=blob)['Plaintext'], plain)
        self.refused_raw('NotFoundException', 'DeleteImportedKeyMaterial', service='kms',
                         KeyId=key['KeyId'], KeyMaterialId='0' * 64)

    def test_a_pending_one_may_go(self):
        key, second = self.external(), os.urandom(32)
        self.load(key, os.urandom(32))
        two = self.load(key, second, ImportType='NEW_KEY_MATERIAL')
        self.raw('DeleteImportedKeyMaterial', service='kms', KeyId=key['KeyId'],
                 KeyMaterialId=two)
        self.assertEqual(self.state(key), 'Enabled')
        self.refused_raw('KMSInvalidStateException', 'RotateKeyOnDemand', service='kms',
                         KeyId=key['KeyId'])
        self.load(key, second, ImportType='EXISTING_KEY_MATERIAL')
        self.raw('RotateKeyOnDemand', service='kms', KeyId=key['KeyId'])

    def test_related_keys_import_each_for_itself(self):
        key, first, second = self.external(MultiRegion=True), os.urandom(32), os.urandom(32)
        there = self.there
        self.refused('KMSInvalidStateException', self.kms.replicate_key, KeyId=key['KeyId'],
                     ReplicaRegion=THERE)
        self.load(key, first)
        self.kms.replicate_key(KeyId=key['KeyId'], ReplicaRegion=THERE)
        self.server.clock(advance=1)
        self.assertEqual(self.state(key, there), 'PendingImport')
        self.refuse_load('IncorrectKeyMaterialException', key, second, region=THERE)
        self.load(key, first, region=THERE)
        blob = self.kms.encrypt(KeyId=key['KeyId'], Plaintext=b'kept')['CiphertextBlob']
        self.assertEqual(there.decrypt(CiphertextBlob=blob)['Plaintext'], b'kept')
        self.refuse_load('UnsupportedOperationException', key, second, region=THERE,
                         ImportType='NEW_KEY_MATERIAL')
        self.load(key, second, ImportType='NEW_KEY_MATERIAL')
        self.assertEqual(self.rotations(key)[1]['KeyMaterialState'],
                         'PENDING_MULTI_REGION_IMPORT_AND_ROTATION')
        self.refused_raw('KMSInvalidStateException', 'RotateKeyOnDemand', service='kms',
                         KeyId=key['KeyId'])
        self.load(key, second, region=THERE, ImportType='EXISTING_KEY_MATERIAL')
        self.raw('RotateKeyOnDemand', service='kms', KeyId=key['KeyId'])
        blob = there.encrypt(KeyId=key['KeyId'], Plaintext=b'new')['CiphertextBlob']
        self.assertEqual(self.kms.decrypt(CiphertextBlob=blob)['Plaintext'], b'new')
        # One Region may give its material up; the other keeps it.
        self.kms.delete_imported_key_material(KeyId=key['KeyId'])
        self.assertEqual(self.state(key), 'PendingImport')
        self.assertEqual(there.decrypt(CiphertextBlob=blob)['Plaintext'], b'new')


if __name__ == '__main__':
    local_server.main()
