"""Rotation by the server's clock and on demand (shared facts kms.md sections 2, 5 and 10)."""
import base64

import local_server
import roles
from local_server import ACCOUNT, OTHER_ACCOUNT

THERE, DAY = 'eu-west-1', 24 * 3600


class Rotation(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.server.clock(real=True, stopped=False)
        self.kms = self.client('kms')
        self.key = self.kms.create_key()['KeyMetadata']

    def call(self, operation, key=None, **arguments):
        return self.raw(operation, service='kms', KeyId=(key or self.key)['KeyId'], **arguments)

    def refuse(self, code, operation, key=None, message=None, **arguments):
        self.refused_raw(code, operation, message, service='kms',
                         KeyId=(key or self.key)['KeyId'], **arguments)

    def current(self, key=None):
        return self.call('DescribeKey', key)['KeyMetadata']['CurrentKeyMaterialId']

    def encrypt(self, **arguments):
        return self.kms.encrypt(KeyId=self.key['KeyId'], Plaintext=b'kept',
                                **arguments)['CiphertextBlob']

    def opened(self, blob):
        answer = self.raw('Decrypt', service='kms', CiphertextBlob=base64.b64encode(blob).decode())
        self.assertEqual(answer['Plaintext'], base64.b64encode(b'kept').decode())
        return answer['KeyMaterialId']

    def asymmetric(self):
        return self.kms.create_key(KeySpec='ECC_NIST_P256', KeyUsage='SIGN_VERIFY')['KeyMetadata']


class Automatic(Rotation):
    def test_off_until_it_is_on(self):
        answer = self.kms.get_key_rotation_status(KeyId=self.key['KeyId'])
        self.assertFalse(answer['KeyRotationEnabled'])
        self.assertEqual(self.call('GetKeyRotationStatus'),
                         {'KeyRotationEnabled': False, 'KeyId': self.key['Arn']})
        self.call('EnableKeyRotation', RotationPeriodInDays=90)
        answer = self.call('GetKeyRotationStatus')
        now = self.server.clock()['time']
        self.assertEqual((answer['KeyRotationEnabled'], answer['RotationPeriodInDays']),
                         (True, 90))
        self.assertAlmostEqual(answer['NextRotationDate'], now + 90 * DAY, delta=60)
        self.kms.disable_key_rotation(KeyId=self.key['KeyId'])
        self.assertFalse(self.call('GetKeyRotationStatus')['KeyRotationEnabled'])
        self.kms.enable_key_rotation(KeyId=self.key['KeyId'])
        self.assertEqual(self.call('GetKeyRotationStatus')['RotationPeriodInDays'], 365)

    def test_it_happens_when_the_time_has_come(self):
        self.call('EnableKeyRotation', RotationPeriodInDays=90)
        due = self.call('GetKeyRotationStatus')['NextRotationDate']
        first, blob = self.current(), self.encrypt()
        self.server.clock(advance=90 * DAY - 60)
        self.assertEqual(self.current(), first)
        self.server.clock(advance=120)
        after = self.encrypt()
        second = self.current()
        self.assertNotEqual(second, first)
        self.assertEqual((self.opened(blob), self.opened(after)), (first, second))
        self.assertEqual(self.call('GetKeyRotationStatus')['NextRotationDate'], due + 90 * DAY)
        rotation, = self.call('ListKeyRotations')['Rotations']
        self.assertEqual(rotation, {
            'KeyId': self.key['KeyId'], 'KeyMaterialId': second, 'KeyMaterialState': 'CURRENT',
            'RotationDate': due, 'RotationType': 'AUTOMATIC'})

    def test_each_that_was_missed(self):
        self.call('EnableKeyRotation', RotationPeriodInDays=100)
        due = self.call('GetKeyRotationStatus')['NextRotationDate']
        self.server.clock(advance=350 * DAY)
        for use in (lambda: self.kms.generate_data_key(KeyId=self.key['KeyId'],
                                                       KeySpec='AES_256'), self.encrypt):
            use()
        rotations = self.call('ListKeyRotations')['Rotations']
        self.assertEqual([r['RotationDate'] for r in rotations],
                         [due, due + 100 * DAY, due + 200 * DAY])

    def test_not_of_a_disabled_key(self):
        self.call('EnableKeyRotation', RotationPeriodInDays=90)
        first = self.current()
        self.kms.disable_key(KeyId=self.key['KeyId'])
        self.server.clock(advance=100 * DAY)
        self.assertEqual(self.current(), first)
        self.assertTrue(self.call('GetKeyRotationStatus')['KeyRotationEnabled'])
        self.refuse('DisabledException', 'EnableKeyRotation',
                    message=f"{self.key['Arn']} is disabled.")
        self.refuse('DisabledException', 'DisableKeyRotation')
        self.kms.enable_key(KeyId=self.key['KeyId'])
        self.assertNotEqual(self.current(), first)
        self.kms.schedule_key_deletion(KeyId=self.key['KeyId'])
        self.assertFalse(self.call('GetKeyRotationStatus')['KeyRotationEnabled'])
        for operation in ('EnableKeyRotation', 'DisableKeyRotation', 'RotateKeyOnDemand'):
            self.refuse('KMSInvalidStateException', operation)

    def test_only_of_symmetric_keys_made_here(self):
        external = self.kms.create_key(Origin='EXTERNAL')['KeyMetadata']
        for operation in ('EnableKeyRotation', 'DisableKeyRotation', 'GetKeyRotationStatus'):
            self.refuse('UnsupportedOperationException', operation, external,
                        f"{external['Arn']} origin is EXTERNAL which is not valid for this "
                        'operation.')
            self.refuse('UnsupportedOperationException', operation, self.asymmetric(), '')
        for period in (89, 2561):
            self.refuse('ValidationException', 'EnableKeyRotation', RotationPeriodInDays=period)

    def test_replicas_follow_the_primary(self):
        key = self.kms.create_key(MultiRegion=True)['KeyMetadata']
        self.kms.replicate_key(KeyId=key['KeyId'], ReplicaRegion=THERE)
        self.server.clock(advance=1)
        there = self.client('kms', region=THERE)
        blob = there.encrypt(KeyId=key['KeyId'], Plaintext=b'kept')['CiphertextBlob']
        replica = f"arn:aws:kms:{THERE}:{ACCOUNT}:key/{key['KeyId']}"
        for call in (there.enable_key_rotation, there.disable_key_rotation):
            self.refused('UnsupportedOperationException', call, KeyId=key['KeyId'],
                         message=f'{replica} is not a multi-region primary key.')
        self.call('EnableKeyRotation', key, RotationPeriodInDays=90)
        self.assertTrue(there.get_key_rotation_status(KeyId=key['KeyId'])['KeyRotationEnabled'])
        self.server.clock(advance=91 * DAY)
        after = there.encrypt(KeyId=key['KeyId'], Plaintext=b'kept')['CiphertextBlob']
        self.assertNotEqual(self.opened(blob), self.opened(after))
        self.assertEqual(self.opened(after), self.current(key))

    def test_aws_managed_keys_rotate_yearly(self):
        ssm = self.client('ssm')
        ssm.put_parameter(Name='p', Value='v', Type='SecureString')
        key = self.kms.describe_key(KeyId='alias/aws/ssm')['KeyMetadata']
        self.assertEqual(self.call('GetKeyRotationStatus', key)['RotationPeriodInDays'], 365)
        first = self.current(key)
        self.server.clock(advance=366 * DAY)
        ssm.put_parameter(Name='q', Value='w', Type='SecureString')
        self.assertNotEqual(self.current(key), first)
        found = ssm.get_parameters(Names=['p', 'q'], WithDecryption=True)['Parameters']
        self.assertEqual([p['Value'] for p in found], ['v', 'w'])
        for operation in ('EnableKeyRotation', 'DisableKeyRotation', 'RotateKeyOnDemand'):
            self.refuse('AccessDeniedException', operation, key)


class OnDemand(Rotation):
    def test_a_rotation(self):
        first, blob = self.current(), self.encrypt()
        self.assertEqual(self.call('RotateKeyOnDemand'), {'KeyId': self.key['Arn']})
        second, after = self.current(), self.encrypt()
        self.assertEqual((self.opened(blob), self.opened(after)), (first, second))
        self.assertNotEqual(first, second)
        self.assertFalse(self.call('GetKeyRotationStatus')['KeyRotationEnabled'])
        answer = self.kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=self.key['KeyId'])
        self.assertEqual(self.opened(answer['CiphertextBlob']), second)

    def test_the_limit(self):
        for _ in range(25):
            self.call('RotateKeyOnDemand')
        self.refuse('LimitExceededException', 'RotateKeyOnDemand', message='The on-demand '
                    'rotations limit has been reached for the given keyId. No more on-demand '
                    f"rotations can be performed for this key: {self.key['Arn']}")
        self.assertEqual(len(self.call('ListKeyRotations')['Rotations']), 25)

    def test_what_is_refused(self):
        self.refuse('UnsupportedOperationException', 'RotateKeyOnDemand', self.asymmetric(), '')
        external = self.kms.create_key(Origin='EXTERNAL')['KeyMetadata']
        self.refuse('KMSInvalidStateException', 'RotateKeyOnDemand', external)
        self.kms.disable_key(KeyId=self.key['KeyId'])
        self.refuse('DisabledException', 'RotateKeyOnDemand',
                    message=f"{self.key['Arn']} is disabled.")
        self.kms.enable_key(KeyId=self.key['KeyId'])
        self.call('EnableKeyRotation', RotationPeriodInDays=90)
        self.server.clock(advance=90 * DAY - 600)
        self.refuse('ConflictException', 'RotateKeyOnDemand')

    def test_permissions(self):
        operations = ('EnableKeyRotation', 'DisableKeyRotation', 'GetKeyRotationStatus',
                      'RotateKeyOnDemand', 'ListKeyRotations')
        for operation in operations:
            status, answer = self.server.raw('kms', operation, {'KeyId': self.key['Arn']},
                                             account=OTHER_ACCOUNT)
            self.assertEqual((status, answer['__type']), (400, 'AccessDeniedException'))
        arn = roles.make(self.server, 'slow', roles.allow('kms:EnableKeyRotation', Condition={
            'NumericLessThanEquals': {'kms:RotationPeriodInDays': '365'}}))
        kms = self.client('kms', keys=roles.assume(self.server, arn))
        self.refused('AccessDeniedException', kms.enable_key_rotation, KeyId=self.key['KeyId'])
        self.refused('AccessDeniedException', kms.disable_key_rotation, KeyId=self.key['KeyId'])


class Listing(Rotation):
    def test_pages_and_what_is_included(self):
        first = self.current()
        whole = self.call('ListKeyRotations', IncludeKeyMaterial='ALL_KEY_MATERIAL')
        self.assertEqual(whole, {'Truncated': False, 'Rotations': [
            {'KeyId': self.key['KeyId'], 'KeyMaterialId': first, 'KeyMaterialState': 'CURRENT'}]})
        self.assertEqual(self.call('ListKeyRotations')['Rotations'], [])
        made = []
        for _ in range(3):
            self.call('RotateKeyOnDemand')
            made.append(self.current())
        whole = self.call('ListKeyRotations', IncludeKeyMaterial='ALL_KEY_MATERIAL')['Rotations']
        self.assertEqual([(r['KeyMaterialId'], r['KeyMaterialState'], r.get('RotationType'))
                          for r in whole],
                         [(first, 'NON_CURRENT', None), (made[0], 'NON_CURRENT', 'ON_DEMAND'),
                          (made[1], 'NON_CURRENT', 'ON_DEMAND'), (made[2], 'CURRENT',
                                                                  'ON_DEMAND')])
        for included, expected in (('ALL_KEY_MATERIAL', [first] + made), ('ROTATIONS_ONLY', made)):
            found, marker = [], {}
            while True:
                page = self.call('ListKeyRotations', IncludeKeyMaterial=included, Limit=1, **marker)
                found += [r['KeyMaterialId'] for r in page['Rotations']]
                if not page['Truncated']:
                    break
                marker = {'Marker': page['NextMarker']}
            self.assertEqual(found, expected)

    def test_what_is_refused(self):
        self.refuse('InvalidMarkerException', 'ListKeyRotations', Marker='x')
        self.refuse('ValidationException', 'ListKeyRotations', Limit=1001)
        self.refuse('UnsupportedOperationException', 'ListKeyRotations', self.asymmetric())
        self.refused_raw('NotFoundException', 'ListKeyRotations', service='kms', KeyId='x')


if __name__ == '__main__':
    local_server.main()
