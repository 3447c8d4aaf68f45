"""KMS keys: identifiers, states, aliases and tags (shared facts kms.md sections 1 to 5, 10)."""
import datetime
import uuid

import local_server
from local_server import ACCOUNT, OTHER_ACCOUNT, REGION

UNKNOWN = '12345678-1234-1234-1234-123456789012'


class Kms(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.kms = self.client('kms')

    def key(self, **arguments):
        return self.kms.create_key(**arguments)['KeyMetadata']

    def state(self, key_id):
        return self.kms.describe_key(KeyId=key_id)['KeyMetadata']['KeyState']

    @staticmethod
    def arn(key_id, region=REGION, account=ACCOUNT):
        return f'arn:aws:kms:{region}:{account}:key/{key_id}'


class CreateKey(Kms):
    def test_metadata_of_a_plain_key(self):
        key = self.key(Description='mine')
        uuid.UUID(key['KeyId'])
        self.assertEqual(key['Arn'], self.arn(key['KeyId']))
        self.assertEqual(key['AWSAccountId'], ACCOUNT)
        self.assertEqual(
            {name: key[name] for name in ('Enabled', 'Description', 'KeyUsage', 'KeyState',
                                          'Origin', 'KeyManager', 'CustomerMasterKeySpec',
                                          'KeySpec',
                                          'EncryptionAlgorithms', 'MultiRegion')},
            {'Enabled': True, 'Description': 'mine', 'KeyUsage': 'ENCRYPT_DECRYPT',
             'KeyState': 'Enabled', 'Origin': 'AWS_KMS', 'KeyManager': 'CUSTOMER',
             'CustomerMasterKeySpec': 'SYMMETRIC_DEFAULT', 'KeySpec': 'SYMMETRIC_DEFAULT',
             'EncryptionAlgorithms': ['SYMMETRIC_DEFAULT'], 'MultiRegion': False})
        self.assertNotIn('MultiRegionConfiguration', key)
        self.assertEqual(self.key()['Description'], '')

    def test_multi_region_primary(self):
        key = self.key(MultiRegion=True)
        self.assertRegex(key['KeyId'], r'^mrk-[0-9a-f]{32}$')
        self.assertTrue(key['MultiRegion'])
        self.assertEqual(key['MultiRegionConfiguration'],
                         {'MultiRegionKeyType': 'PRIMARY', 'ReplicaKeys': [],
                          'PrimaryKey': {'Arn': key['Arn'], 'Region': REGION}})

    def test_kinds_that_do_not_fit(self):
        create = self.kms.create_key
        self.refused('ValidationException', create, KeySpec='RSA_2048', message='You must specify '
                     'a KeyUsage value for all KMS keys except for symmetric encryption keys.')
        self.refused('ValidationException', create, KeySpec='RSA_2048', KeyUsage='KEY_AGREEMENT',
                     message='KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048')
        self.refused('ValidationException', create, KeySpec='SYMMETRIC_DEFAULT',
                     CustomerMasterKeySpec='SYMMETRIC_DEFAULT',
                     message='You cannot specify KeySpec and CustomerMasterKeySpec in the same '
                             'request. CustomerMasterKeySpec is deprecated.')
        error = self.refused('ValidationException', create, KeySpec='HMAC_random')
        self.assertIn("Value 'HMAC_random' at 'keySpec' failed to satisfy constraint: Member must "
                      'satisfy enum value set: [', error['Error']['Message'])
        self.refused('CustomKeyStoreNotFoundException', create, CustomKeyStoreId='cks-1',
                     Origin='AWS_CLOUDHSM')

    def test_kinds_without_openssl_are_refused_as_in_a_region_without_them(self):
        for spec in ('SM2', 'ML_DSA_44', 'ML_DSA_65', 'ML_DSA_87'):
            self.refused('UnsupportedOperationException', self.kms.create_key, KeySpec=spec,
                         KeyUsage='SIGN_VERIFY',
                         message=f'KeySpec {spec} is not supported in this Region.')

    def test_tags_are_checked(self):
        def tags(*keys):
            return [{'TagKey': key, 'TagValue': 'v'} for key in keys]
        create = self.kms.create_key
        self.refused('TagException', create, Tags=tags('aws:x'),
                     message='Tags beginning with aws: are reserved')
        self.refused('TagException', create, Tags=tags('a', 'a'), message='Duplicate tag keys')
        self.refused('TagException', create, Tags=tags(*[f't{n}' for n in range(51)]),
                     message='Too many tags')
        error = self.refused('ValidationException', create, Tags=tags('k' * 129))
        self.assertIn("at 'tags.1.member.tagKey' failed to satisfy constraint",
                      error['Error']['Message'])
        self.assertEqual(self.kms.list_keys()['Keys'], [], 'a refused key was made')

    def test_description_is_limited(self):
        self.key(Description='d' * 8192)
        self.refused('ValidationException', self.kms.create_key, Description='d' * 8193)


class Identifiers(Kms):
    def test_all_four_forms(self):
        key = self.key()
        self.kms.create_alias(AliasName='alias/a', TargetKeyId=key['KeyId'])
        for name in (key['KeyId'], key['Arn'], 'alias/a',
                     f'arn:aws:kms:{REGION}:{ACCOUNT}:alias/a'):
            found = self.kms.describe_key(KeyId=name)['KeyMetadata']
            self.assertEqual(found['KeyId'], key['KeyId'], name)

    def test_what_is_not_there(self):
        describe, missing = self.kms.describe_key, 'NotFoundException'
        self.refused(missing, describe, KeyId=UNKNOWN,
                     message=f"Key '{self.arn(UNKNOWN)}' does not exist")
        self.refused(missing, describe, KeyId=self.arn(UNKNOWN, region='eu-west-1'),
                     message='Invalid arn eu-west-1')
        for name in ('fake-key-id', '12345678123412341234123456789012', 'mrk-fake-key-id'):
            self.refused(missing, describe, KeyId=name, message=f"Invalid keyId '{name}'")
        self.refused(missing, describe, KeyId='alias/none',
                     message=f'Alias arn:aws:kms:{REGION}:{ACCOUNT}:alias/none is not found.')

    def test_a_key_stays_in_its_region_and_account(self):
        key = self.key()
        elsewhere = self.client('kms', region='eu-west-1')
        self.refused('NotFoundException', elsewhere.describe_key, KeyId=key['KeyId'], message='Key '
                     f"'{self.arn(key['KeyId'], region='eu-west-1')}' does not exist")
        other = self.client('kms', account=OTHER_ACCOUNT)
        self.refused('NotFoundException', other.describe_key, KeyId=key['KeyId'], message='Key '
                     f"'{self.arn(key['KeyId'], account=OTHER_ACCOUNT)}' does not exist")

    def test_management_takes_no_alias(self):
        key = self.key()
        self.kms.create_alias(AliasName='alias/a', TargetKeyId=key['KeyId'])
        self.refused('NotFoundException', self.kms.disable_key, KeyId='alias/a',
                     message="Invalid keyId 'alias/a'")


class Listing(Kms):
    def test_pages_are_whole_and_ordered(self):
        made = sorted(self.key()['KeyId'] for _ in range(7))
        found, marker, pages = [], {}, 0
        while True:
            page = self.kms.list_keys(Limit=3, **marker)
            found += [key['KeyId'] for key in page['Keys']]
            pages += 1
            if not page['Truncated']:
                break
            marker = {'Marker': page['NextMarker']}
        self.assertEqual((found, pages), (made, 3))
        self.assertNotIn('NextMarker', page)
        self.assertEqual(page['Keys'][0]['KeyArn'], self.arn(page['Keys'][0]['KeyId']))
        page = self.kms.list_keys(Limit=7)
        self.assertFalse(page['Truncated'])

    def test_markers_and_limits(self):
        self.refused('InvalidMarkerException', self.kms.list_keys, Marker='invented')
        error = self.refused('ValidationException', self.kms.list_keys, Limit=1001)
        self.assertIn("Value '1001' at 'limit' failed to satisfy constraint: Member must have "
                      'value less than or equal to 1000', error['Error']['Message'])
        self.key(), self.key()
        marker = self.kms.list_keys(Limit=1)['NextMarker']
        self.refused('InvalidMarkerException', self.kms.list_aliases, Marker=marker)


class States(Kms):
    def test_disable_and_enable(self):
        key = self.key()
        self.kms.disable_key(KeyId=key['KeyId'])
        found = self.kms.describe_key(KeyId=key['KeyId'])['KeyMetadata']
        self.assertEqual((found['KeyState'], found['Enabled']), ('Disabled', False))
        self.refused('DisabledException', self.kms.encrypt, KeyId=key['KeyId'], Plaintext=b'x',
                     message=f"{key['Arn']} is disabled.")
        self.kms.enable_key(KeyId=key['Arn'])
        self.kms.encrypt(KeyId=key['KeyId'], Plaintext=b'x')

    def test_deletion_is_scheduled_and_cancelled(self):
        key = self.key()
        blob = self.kms.encrypt(KeyId=key['KeyId'], Plaintext=b'x')['CiphertextBlob']
        answer = self.kms.schedule_key_deletion(KeyId=key['KeyId'], PendingWindowInDays=7)
        self.assertEqual((answer['KeyId'], answer['KeyState'], answer['PendingWindowInDays']),
                         (key['Arn'], 'PendingDeletion', 7))
        left = answer['DeletionDate'] - datetime.datetime.now(datetime.timezone.utc)
        self.assertAlmostEqual(left.total_seconds(), 7 * 86400, delta=60)
        found = self.kms.describe_key(KeyId=key['KeyId'])['KeyMetadata']
        self.assertEqual((found['DeletionDate'], found['Enabled']), (answer['DeletionDate'], False))
        text = f"{key['Arn']} is pending deletion."
        for call, arguments in (
                (self.kms.encrypt, {'Plaintext': b'x'}), (self.kms.enable_key, {}),
                (self.kms.disable_key, {}), (self.kms.schedule_key_deletion, {}),
                (self.kms.update_key_description, {'Description': 'x'}),
                (self.kms.tag_resource, {'Tags': [{'TagKey': 'a', 'TagValue': 'b'}]}),
                (self.kms.untag_resource, {'TagKeys': ['a']})):
            self.refused('KMSInvalidStateException', call, KeyId=key['KeyId'], message=text,
                         **arguments)
        self.refused('KMSInvalidStateException', self.kms.decrypt, CiphertextBlob=blob,
                     message=text)
        self.refused('KMSInvalidStateException', self.kms.create_alias, AliasName='alias/a',
                     TargetKeyId=key['KeyId'], message=text)
        self.kms.get_key_policy(KeyId=key['KeyId'])
        self.kms.list_resource_tags(KeyId=key['KeyId'])
        self.assertEqual(self.kms.cancel_key_deletion(KeyId=key['KeyId'])['KeyId'], key['Arn'])
        self.assertEqual(self.state(key['KeyId']), 'Disabled')
        self.refused('KMSInvalidStateException', self.kms.cancel_key_deletion, KeyId=key['KeyId'],
                     message=f"{key['Arn']} is not pending deletion.")

    def test_the_window_has_limits(self):
        key = self.key()
        for days in (6, 31):
            self.refused('ValidationException', self.kms.schedule_key_deletion, KeyId=key['KeyId'],
                         PendingWindowInDays=days)
        answer = self.kms.schedule_key_deletion(KeyId=key['KeyId'])
        self.assertEqual(answer['PendingWindowInDays'], 30)

    def test_description(self):
        key = self.key(Description='old')
        self.kms.update_key_description(KeyId=key['KeyId'], Description='new')
        found = self.kms.describe_key(KeyId=key['KeyId'])['KeyMetadata']
        self.assertEqual(found['Description'], 'new')
        self.refused('ValidationException', self.kms.update_key_description, KeyId=key['KeyId'])

    def test_unknown_keys_everywhere(self):
        text = f"Key '{self.arn(UNKNOWN)}' does not exist"
        tag = [{'TagKey': 'a', 'TagValue': 'b'}]
        for call, arguments in (
                (self.kms.enable_key, {}), (self.kms.disable_key, {}),
                (self.kms.schedule_key_deletion, {}), (self.kms.cancel_key_deletion, {}),
                (self.kms.update_key_description, {'Description': ''}),
                (self.kms.tag_resource, {'Tags': tag}), (self.kms.untag_resource, {'TagKeys': []}),
                (self.kms.list_resource_tags, {}), (self.kms.get_key_policy, {}),
                (self.kms.put_key_policy, {'Policy': '{}'}), (self.kms.list_key_policies, {}),
                (self.kms.encrypt, {'Plaintext': b'x'}),
                (self.kms.generate_data_key, {'KeySpec': 'AES_256'}),
                (self.kms.generate_data_key_without_plaintext, {'KeySpec': 'AES_256'}),
                (self.kms.list_aliases, {})):
            self.refused('NotFoundException', call, KeyId=UNKNOWN, message=text, **arguments)


class Aliases(Kms):
    def names(self, **arguments):
        return [alias['AliasName'] for alias in self.kms.list_aliases(**arguments)['Aliases']
                if not alias['AliasName'].startswith('alias/aws/')]

    def test_create_move_delete(self):
        one, two = self.key(), self.key()
        self.kms.create_alias(AliasName='alias/x', TargetKeyId=one['Arn'])
        self.assertEqual(self.kms.describe_key(KeyId='alias/x')['KeyMetadata']['KeyId'],
                         one['KeyId'])
        self.kms.update_alias(AliasName='alias/x', TargetKeyId=two['KeyId'])
        self.assertEqual(self.kms.describe_key(KeyId='alias/x')['KeyMetadata']['KeyId'],
                         two['KeyId'])
        self.assertEqual(self.names(KeyId=one['KeyId']), [])
        self.assertEqual(self.names(KeyId=two['Arn']), ['alias/x'])
        self.kms.delete_alias(AliasName='alias/x')
        self.assertEqual(self.names(), [])

    def test_refusals(self):
        key = self.key()
        name = {'AliasName': 'alias/x', 'TargetKeyId': key['KeyId']}
        self.kms.create_alias(**name)
        self.refused('AlreadyExistsException', self.kms.create_alias, **name)
        self.refused('ValidationException', self.kms.create_alias, AliasName='x',
                     TargetKeyId=key['KeyId'], message='Alias must start with the prefix "alias/". '
                     'Please see https://docs.aws.amazon.com/kms/latest/developerguide/'
                     'kms-alias.html')
        self.refused('InvalidAliasNameException', self.kms.create_alias, AliasName='alias/aws/x',
                     TargetKeyId=key['KeyId'])
        self.refused('ValidationException', self.kms.create_alias, AliasName='alias/a b',
                     TargetKeyId=key['KeyId'])
        self.refused('NotFoundException', self.kms.create_alias, AliasName='alias/y',
                     TargetKeyId=UNKNOWN)
        text = f'Alias arn:aws:kms:{REGION}:{ACCOUNT}:alias/none is not found.'
        self.refused('NotFoundException', self.kms.update_alias, AliasName='alias/none',
                     TargetKeyId=key['KeyId'], message=text)
        self.refused('NotFoundException', self.kms.delete_alias, AliasName='alias/none',
                     message=text)

    def test_fifty_for_a_key(self):
        key = self.key()
        for number in range(50):
            self.kms.create_alias(AliasName=f'alias/n{number}', TargetKeyId=key['KeyId'])
        self.refused('LimitExceededException', self.kms.create_alias, AliasName='alias/over',
                     TargetKeyId=key['KeyId'])

    def test_listing_pages_and_names_of_keys_not_made_yet(self):
        key = self.key()
        made = [f'alias/n{number:02}' for number in range(5)] + ['alias/a', 'alias/aws-like']
        for name in made:
            self.kms.create_alias(AliasName=name, TargetKeyId=key['KeyId'])
        found, marker = [], {}
        while True:
            page = self.kms.list_aliases(Limit=2, **marker)
            found += page['Aliases']
            if not page['Truncated']:
                break
            marker = {'Marker': page['NextMarker']}
        names = [alias['AliasName'] for alias in found]
        self.assertEqual(names, sorted(made + ['alias/aws/secretsmanager', 'alias/aws/ssm']))
        for alias in found:
            mine = alias['AliasName'] in made
            self.assertEqual('TargetKeyId' in alias, mine, alias)
            self.assertEqual(alias['AliasArn'],
                             f"arn:aws:kms:{REGION}:{ACCOUNT}:{alias['AliasName']}")

    def test_limit(self):
        self.refused('ValidationException', self.kms.list_aliases, Limit=101)


class ManagedKeys(Kms):
    def test_made_at_first_sight_and_once(self):
        first = self.kms.describe_key(KeyId='alias/aws/ssm')['KeyMetadata']
        self.assertEqual((first['KeyManager'], first['Description']),
                         ('AWS', 'Default key that protects my SSM parameters when no other key is '
                                 'defined'))
        again = self.kms.describe_key(KeyId=f'arn:aws:kms:{REGION}:{ACCOUNT}:alias/aws/ssm')
        self.assertEqual(again['KeyMetadata'], first)
        self.assertEqual([key['KeyId'] for key in self.kms.list_keys()['Keys']], [first['KeyId']])

    def test_used_only_through_its_service(self):
        self.refused('AccessDeniedException', self.kms.encrypt, KeyId='alias/aws/ssm',
                     Plaintext=b'x')
        self.assertEqual(self.kms.list_keys()['Keys'], [], 'a refused call made the key')
        ssm = self.client('ssm')
        ssm.put_parameter(Name='/p', Value='secret', Type='SecureString')
        answer = ssm.get_parameter(Name='/p', WithDecryption=True)
        self.assertEqual(answer['Parameter']['Value'], 'secret')
        key = self.kms.describe_key(KeyId='alias/aws/ssm')['KeyMetadata']
        self.refused('AccessDeniedException', self.kms.encrypt, KeyId=key['KeyId'], Plaintext=b'x',
                     message=f'User: arn:aws:iam::{ACCOUNT}:user/administrator is not authorized '
                             f"to perform: kms:Encrypt on resource: {key['Arn']} because no "
                             'resource-based policy allows the kms:Encrypt action')

    def test_cannot_be_managed(self):
        key = self.kms.describe_key(KeyId='alias/aws/ssm')['KeyMetadata']['KeyId']
        for call, arguments in (
                (self.kms.disable_key, {}), (self.kms.schedule_key_deletion, {}),
                (self.kms.put_key_policy, {'Policy': '{}'}),
                (self.kms.update_key_description, {'Description': 'x'})):
            self.refused('AccessDeniedException', call, KeyId=key, **arguments)
        self.refused('AccessDeniedException', self.kms.create_alias, AliasName='alias/x',
                     TargetKeyId=key)
        self.assertIn('auto-ssm-1', self.kms.get_key_policy(KeyId=key)['Policy'])

    def test_unknown_services(self):
        self.refused('NotFoundException', self.kms.describe_key, KeyId='alias/aws/nothing')


class Tags(Kms):
    def tags(self, key, **arguments):
        return [(tag['TagKey'], tag['TagValue'])
                for tag in self.kms.list_resource_tags(KeyId=key['KeyId'], **arguments)['Tags']]

    def tag(self, key, **tags):
        self.kms.tag_resource(KeyId=key['KeyId'], Tags=[{'TagKey': name, 'TagValue': value}
                                                        for name, value in tags.items()])

    def test_added_changed_removed_in_order(self):
        key = self.key(Tags=[{'TagKey': 'z', 'TagValue': '1'}])
        self.tag(key, b='2', a='')
        self.tag(key, z='3')
        self.assertEqual(self.tags(key), [('z', '3'), ('b', '2'), ('a', '')])
        self.kms.untag_resource(KeyId=key['KeyId'], TagKeys=['b', 'not there'])
        self.assertEqual(self.tags(key), [('z', '3'), ('a', '')])

    def test_limits(self):
        key = self.key()
        self.tag(key, **{f't{number}': 'v' for number in range(50)})
        self.tag(key, t0='again')
        with self.assertRaises(self.kms.exceptions.TagException):
            self.tag(key, over='v')
        self.assertEqual(len(self.tags(key)), 50)
        self.refused('TagException', self.kms.untag_resource, KeyId=key['KeyId'],
                     TagKeys=['aws:x'], message='Tags beginning with aws: are reserved')

    def test_pages(self):
        key = self.key()
        self.tag(key, a='1', b='2', c='3')
        page = self.kms.list_resource_tags(KeyId=key['KeyId'], Limit=2)
        self.assertTrue(page['Truncated'])
        rest = self.tags(key, Limit=2, Marker=page['NextMarker'])
        self.assertEqual(rest, [('c', '3')])
        self.refused('InvalidMarkerException', self.kms.list_resource_tags, KeyId=key['KeyId'],
                     Marker='x')
        self.refused('ValidationException', self.kms.list_resource_tags, KeyId=key['KeyId'],
                     Limit=51)


if __name__ == '__main__':
    local_server.main()
