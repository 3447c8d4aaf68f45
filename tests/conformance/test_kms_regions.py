"""Multi-Region keys and what becomes of keys as time passes (shared facts kms.md sections 4, 5)."""
import json

import local_server
import roles
from local_server import ACCOUNT, REGION

THERE, DAY = 'eu-west-1', 24 * 3600
DEFAULT = {'Version': '2012-10-17', 'Id': 'key-default-1', 'Statement': [
    {'Sid': 'Enable IAM User Permissions', 'Effect': 'Allow',
     'Principal': {'AWS': f'arn:aws:iam::{ACCOUNT}:root'}, 'Action': 'kms:*', 'Resource': '*'}]}


class Regions(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.server.clock(real=True, stopped=False)
        self.kms, self.there = self.client('kms'), self.client('kms', region=THERE)

    def primary(self, **arguments):
        return self.kms.create_key(MultiRegion=True, **arguments)['KeyMetadata']

    def replicate(self, key, region=THERE, settled=True, **arguments):
        answer = self.kms.replicate_key(KeyId=key['KeyId'], ReplicaRegion=region, **arguments)
        if settled:
            self.server.clock(advance=1)
        return answer

    def state(self, key, kms=None):
        return (kms or self.kms).describe_key(KeyId=key['KeyId'])['KeyMetadata']['KeyState']

    def arn(self, key, region):
        return f"arn:aws:kms:{region}:{ACCOUNT}:key/{key['KeyId']}"


class Replicas(Regions):
    def test_the_answer_and_what_describe_shows(self):
        key = self.primary(Description='d', Tags=[{'TagKey': 'a', 'TagValue': 'b'}])
        answer = self.replicate(key, settled=False)
        made = answer['ReplicaKeyMetadata']
        self.assertEqual((made['KeyState'], made['Enabled'], made['Description'], made['Arn'],
                          made['KeyId'], made['MultiRegion']),
                         ('Creating', False, '', self.arn(key, THERE), key['KeyId'], True))
        self.assertEqual(made['MultiRegionConfiguration'], {
            'MultiRegionKeyType': 'REPLICA',
            'PrimaryKey': {'Arn': key['Arn'], 'Region': REGION},
            'ReplicaKeys': [{'Arn': self.arn(key, THERE), 'Region': THERE}]})
        self.assertEqual(json.loads(answer['ReplicaPolicy']), DEFAULT)
        self.assertNotIn('ReplicaTags', answer)
        self.refused('KMSInvalidStateException', self.there.encrypt, KeyId=key['KeyId'],
                     Plaintext=b'x', message=f'{self.arn(key, THERE)} is creating.')
        self.server.clock(advance=1)
        self.assertEqual(self.state(key, self.there), 'Enabled')
        shown = self.kms.describe_key(KeyId=key['KeyId'])['KeyMetadata']
        self.assertEqual(shown['MultiRegionConfiguration']['MultiRegionKeyType'], 'PRIMARY')
        self.assertEqual(self.there.list_resource_tags(KeyId=key['KeyId'])['Tags'], [])

    def test_what_the_replica_is_given(self):
        key = self.primary()
        policy = json.dumps({'Version': '2012-10-17', 'Statement': [
            {'Effect': 'Allow', 'Principal': {'AWS': ACCOUNT}, 'Action': 'kms:*',
             'Resource': '*'}]})
        tags = [{'TagKey': 'x', 'TagValue': 'y'}]
        answer = self.replicate(key, Policy=policy, Description='there', Tags=tags)
        self.assertEqual(answer['ReplicaTags'], tags)
        self.assertEqual(self.there.list_resource_tags(KeyId=key['KeyId'])['Tags'], tags)
        self.assertEqual(json.loads(self.there.get_key_policy(
            KeyId=key['KeyId'], PolicyName='default')['Policy']), json.loads(policy))
        self.assertEqual(self.there.describe_key(KeyId=key['KeyId'])['KeyMetadata']
                         ['Description'], 'there')
        self.assertEqual(self.kms.list_resource_tags(KeyId=key['KeyId'])['Tags'], [])

    def test_ciphertexts_open_in_every_region(self):
        key = self.primary()
        self.replicate(key)
        for seal, unseal in ((self.kms, self.there), (self.there, self.kms)):
            blob = seal.encrypt(KeyId=key['KeyId'], Plaintext=b'shared',
                                EncryptionContext={'a': '1'})['CiphertextBlob']
            back = unseal.decrypt(CiphertextBlob=blob, EncryptionContext={'a': '1'})
            self.assertEqual(back['Plaintext'], b'shared')
        self.assertEqual(back['KeyId'], key['Arn'])

    def test_every_kind_of_key(self):
        for spec, usage in (('ECC_NIST_P256', 'SIGN_VERIFY'), ('HMAC_256', 'GENERATE_VERIFY_MAC')):
            key = self.primary(KeySpec=spec, KeyUsage=usage)
            self.replicate(key)
            if usage == 'SIGN_VERIFY':
                self.assertEqual(self.kms.get_public_key(KeyId=key['KeyId'])['PublicKey'],
                                 self.there.get_public_key(KeyId=key['KeyId'])['PublicKey'])
                continue
            mac = {'KeyId': key['KeyId'], 'Message': b'm', 'MacAlgorithm': 'HMAC_SHA_256'}
            self.there.verify_mac(Mac=self.kms.generate_mac(**mac)['Mac'], **mac)

    def test_what_is_refused(self):
        key, single = self.primary(), self.kms.create_key()['KeyMetadata']
        replicate = self.kms.replicate_key
        self.refused('UnsupportedOperationException', replicate, KeyId=single['KeyId'],
                     ReplicaRegion=THERE,
                     message=f"{single['Arn']} is not a multi-region primary key.")
        for region in (REGION, 'cn-north-1'):
            self.refused('ValidationException', replicate, KeyId=key['KeyId'],
                         ReplicaRegion=region)
        self.refused('MalformedPolicyDocumentException', replicate, KeyId=key['KeyId'],
                     ReplicaRegion=THERE, Policy='{')
        self.refused('MalformedPolicyDocumentException', replicate, KeyId=key['KeyId'],
                     ReplicaRegion=THERE, Policy=roles.policy({
                         'Effect': 'Allow', 'Principal': {'AWS': ACCOUNT}, 'Action': 'kms:Encrypt',
                         'Resource': '*'}))
        self.refused('TagException', replicate, KeyId=key['KeyId'], ReplicaRegion=THERE,
                     Tags=[{'TagKey': 'aws:x', 'TagValue': ''}])
        self.refused('LimitExceededException', replicate, KeyId=key['KeyId'], ReplicaRegion=THERE,
                     Policy='{"Version": "2012-10-17"' + ' ' * 32768 + '}')
        self.assertEqual(self.there.list_keys()['Keys'], [])
        self.replicate(key)
        self.refused('AlreadyExistsException', replicate, KeyId=key['KeyId'], ReplicaRegion=THERE)
        self.refused('UnsupportedOperationException', self.there.replicate_key,
                     KeyId=key['KeyId'], ReplicaRegion='ap-south-1',
                     message=f'{self.arn(key, THERE)} is not a multi-region primary key.')
        self.kms.disable_key(KeyId=key['KeyId'])
        self.refused('DisabledException', replicate, KeyId=key['KeyId'],
                     ReplicaRegion='ap-south-1', message=f"{key['Arn']} is disabled.")
        self.refused('NotFoundException', replicate, KeyId='mrk-' + '0' * 32, ReplicaRegion=THERE)

    def test_rights_are_asked_in_both_regions(self):
        key = self.primary()
        only = {'StringEquals': {'kms:ReplicaRegion': THERE}}
        arn = roles.make(self.server, 'replicator', roles.allow(
            'kms:ReplicateKey', key['Arn'], Condition=only))
        kms = self.client('kms', keys=roles.assume(self.server, arn))
        there = {'KeyId': key['KeyId'], 'ReplicaRegion': THERE}
        error = self.refused('AccessDeniedException', kms.replicate_key, **there)
        self.assertIn('kms:CreateKey', error['Error']['Message'])
        self.client('iam').put_role_policy(
            RoleName='replicator', PolicyName='make', PolicyDocument=roles.policy(roles.allow(
                'kms:CreateKey', Condition={'StringEquals': {
                    'aws:RequestedRegion': THERE, 'kms:MultiRegionKeyType': 'REPLICA'}})))
        self.refused('AccessDeniedException', kms.replicate_key, Tags=[
            {'TagKey': 'a', 'TagValue': 'b'}], **there)
        self.refused('AccessDeniedException', kms.replicate_key, KeyId=key['KeyId'],
                     ReplicaRegion='ap-south-1')
        kms.replicate_key(**there)

    def test_each_has_its_own_state(self):
        key = self.primary()
        self.replicate(key)
        self.there.disable_key(KeyId=key['KeyId'])
        self.assertEqual((self.state(key), self.state(key, self.there)), ('Enabled', 'Disabled'))
        self.there.create_alias(AliasName='alias/r', TargetKeyId=key['KeyId'])
        self.refused('NotFoundException', self.kms.describe_key, KeyId='alias/r')


class Primaries(Regions):
    def test_another_region_leads(self):
        key = self.primary()
        self.replicate(key)
        self.assertIsNotNone(self.kms.update_primary_region(KeyId=key['KeyId'],
                                                            PrimaryRegion=THERE))
        self.assertEqual((self.state(key), self.state(key, self.there)), ('Updating', 'Updating'))
        blob = self.kms.encrypt(KeyId=key['KeyId'], Plaintext=b'x')['CiphertextBlob']
        self.there.decrypt(CiphertextBlob=blob)
        self.refused('KMSInvalidStateException', self.there.disable_key, KeyId=key['KeyId'],
                     message=f'{self.arn(key, THERE)} is updating.')
        self.server.clock(advance=1)
        self.assertEqual((self.state(key), self.state(key, self.there)), ('Enabled', 'Enabled'))
        for kms in (self.kms, self.there):
            shown = kms.describe_key(KeyId=key['KeyId'])['KeyMetadata']
            configuration = shown['MultiRegionConfiguration']
            self.assertEqual(configuration['PrimaryKey']['Region'], THERE)
            self.assertEqual([r['Region'] for r in configuration['ReplicaKeys']], [REGION])
        self.refused('UnsupportedOperationException', self.kms.replicate_key, KeyId=key['KeyId'],
                     ReplicaRegion='ap-south-1')
        self.there.replicate_key(KeyId=key['KeyId'], ReplicaRegion='ap-south-1')

    def test_what_is_refused(self):
        key, single = self.primary(), self.kms.create_key()['KeyMetadata']
        update = self.kms.update_primary_region
        self.refused('NotFoundException', update, KeyId=key['KeyId'], PrimaryRegion=THERE)
        self.refused('UnsupportedOperationException', update, KeyId=single['KeyId'],
                     PrimaryRegion=THERE)
        self.refused('ValidationException', update, KeyId=key['KeyId'], PrimaryRegion=REGION)
        self.refused('ValidationException', update, KeyId=key['KeyId'], PrimaryRegion='nowhere')
        self.replicate(key)
        self.refused('UnsupportedOperationException', self.there.update_primary_region,
                     KeyId=key['KeyId'], PrimaryRegion=REGION)
        self.there.disable_key(KeyId=key['KeyId'])
        self.refused('DisabledException', update, KeyId=key['KeyId'], PrimaryRegion=THERE,
                     message=f'{self.arn(key, THERE)} is disabled.')
        self.there.enable_key(KeyId=key['KeyId'])
        self.kms.schedule_key_deletion(KeyId=key['KeyId'])
        self.refused('KMSInvalidStateException', update, KeyId=key['KeyId'], PrimaryRegion=THERE)

    def test_rights_are_asked_on_both_keys(self):
        key = self.primary()
        self.replicate(key)
        arn = roles.make(self.server, 'mover', roles.allow('kms:UpdatePrimaryRegion', key['Arn']))
        kms = self.client('kms', keys=roles.assume(self.server, arn))
        move = {'KeyId': key['KeyId'], 'PrimaryRegion': THERE}
        self.refused('AccessDeniedException', kms.update_primary_region, **move)
        self.client('iam').put_role_policy(
            RoleName='mover', PolicyName='inline', PolicyDocument=roles.policy(roles.allow(
                'kms:UpdatePrimaryRegion', Condition={
                    'StringEquals': {'kms:PrimaryRegion': THERE}})))
        kms.update_primary_region(**move)


class Deletion(Regions):
    def schedule(self, key, days=7, kms=None):
        return (kms or self.kms).schedule_key_deletion(KeyId=key['KeyId'],
                                                       PendingWindowInDays=days)

    def test_a_key_goes_with_all_that_is_its(self):
        key = self.kms.create_key(Tags=[{'TagKey': 'a', 'TagValue': 'b'}])['KeyMetadata']
        self.kms.create_alias(AliasName='alias/a', TargetKeyId=key['KeyId'])
        blob = self.kms.encrypt(KeyId=key['KeyId'], Plaintext=b'x')['CiphertextBlob']
        self.schedule(key)
        self.server.clock(advance=7 * DAY - 60)
        self.assertEqual(self.state(key), 'PendingDeletion')
        self.server.clock(advance=120)
        self.refused('NotFoundException', self.kms.describe_key, KeyId=key['KeyId'])
        self.refused('AccessDeniedException', self.kms.decrypt, CiphertextBlob=blob)
        self.assertEqual(self.kms.list_keys()['Keys'], [])
        self.assertNotIn('alias/a', [a['AliasName'] for a in self.kms.list_aliases()['Aliases']])
        other = self.kms.create_key()['KeyMetadata']
        self.kms.create_alias(AliasName='alias/a', TargetKeyId=other['KeyId'])

    def test_a_primary_waits_for_its_replicas(self):
        key = self.primary()
        self.replicate(key)
        answer = self.schedule(key, 10)
        self.assertEqual((answer['KeyState'], answer['PendingWindowInDays']),
                         ('PendingReplicaDeletion', 10))
        self.assertNotIn('DeletionDate', answer)
        shown = self.kms.describe_key(KeyId=key['KeyId'])['KeyMetadata']
        self.assertEqual((shown['KeyState'], shown['PendingDeletionWindowInDays']),
                         ('PendingReplicaDeletion', 10))
        self.assertNotIn('DeletionDate', shown)
        self.refused('KMSInvalidStateException', self.kms.encrypt, KeyId=key['KeyId'],
                     Plaintext=b'x')
        self.server.clock(advance=40 * DAY)
        self.assertEqual(self.state(key), 'PendingReplicaDeletion')
        blob = self.there.encrypt(KeyId=key['KeyId'], Plaintext=b'x')['CiphertextBlob']
        last = self.schedule(key, 7, self.there)['DeletionDate']
        self.server.clock(advance=7 * DAY - 60)
        self.assertEqual(self.state(key), 'PendingReplicaDeletion')
        self.server.clock(advance=120)
        shown = self.kms.describe_key(KeyId=key['KeyId'])['KeyMetadata']
        self.assertEqual(shown['KeyState'], 'PendingDeletion')
        self.assertAlmostEqual((shown['DeletionDate'] - last).total_seconds(), 10 * DAY, delta=60)
        self.assertEqual(shown['MultiRegionConfiguration']['ReplicaKeys'], [])
        self.kms.create_key()  # whatever is written in between changes nothing
        again = self.kms.describe_key(KeyId=key['KeyId'])['KeyMetadata']
        self.assertEqual(again['DeletionDate'], shown['DeletionDate'])
        self.server.clock(advance=10 * DAY)
        self.refused('NotFoundException', self.kms.describe_key, KeyId=key['KeyId'])
        self.refused('AccessDeniedException', self.kms.decrypt, CiphertextBlob=blob)

    def test_cancelled_while_it_waits(self):
        key = self.primary()
        self.replicate(key)
        self.schedule(key)
        self.kms.cancel_key_deletion(KeyId=key['KeyId'])
        self.assertEqual(self.state(key), 'Disabled')

    def test_a_replica_may_come_again_only_when_it_is_gone(self):
        key = self.primary()
        self.replicate(key)
        self.schedule(key, 7, self.there)
        self.refused('AlreadyExistsException', self.kms.replicate_key, KeyId=key['KeyId'],
                     ReplicaRegion=THERE)
        self.server.clock(advance=7 * DAY + 1)
        self.replicate(key)
        self.assertEqual(self.state(key, self.there), 'Enabled')

    def test_only_the_old_region_goes(self):
        key = self.primary()
        self.replicate(key)
        blob = self.kms.encrypt(KeyId=key['KeyId'], Plaintext=b'kept')['CiphertextBlob']
        self.kms.update_primary_region(KeyId=key['KeyId'], PrimaryRegion=THERE)
        self.server.clock(advance=1)
        self.schedule(key)
        self.server.clock(advance=8 * DAY)
        self.refused('NotFoundException', self.kms.describe_key, KeyId=key['KeyId'])
        self.kms.create_key()  # what is over is cleared away now
        self.assertEqual(self.there.decrypt(CiphertextBlob=blob)['Plaintext'], b'kept')

    def test_windows(self):
        key = self.kms.create_key()['KeyMetadata']
        for days in (6, 31):
            self.refused('ValidationException', self.kms.schedule_key_deletion,
                         KeyId=key['KeyId'], PendingWindowInDays=days)
        arn = roles.make(self.server, 'careful', roles.allow(
            'kms:ScheduleKeyDeletion', Condition={'NumericGreaterThanEquals': {
                'kms:ScheduleKeyDeletionPendingWindowInDays': '20'}}))
        kms = self.client('kms', keys=roles.assume(self.server, arn))
        self.refused('AccessDeniedException', kms.schedule_key_deletion, KeyId=key['KeyId'],
                     PendingWindowInDays=19)
        kms.schedule_key_deletion(KeyId=key['KeyId'], PendingWindowInDays=20)


class CustomKeyStores(Regions):
    def test_there_is_none(self):
        answer = self.kms.describe_custom_key_stores()
        self.assertEqual((answer['CustomKeyStores'], answer['Truncated']), ([], False))
        gone = 'CustomKeyStoreNotFoundException'
        self.refused(gone, self.kms.describe_custom_key_stores, CustomKeyStoreId='cks-1')
        self.refused(gone, self.kms.describe_custom_key_stores, CustomKeyStoreName='n')
        self.refused('InvalidMarkerException', self.kms.describe_custom_key_stores, Marker='x')
        for call in (self.kms.connect_custom_key_store, self.kms.delete_custom_key_store,
                     self.kms.disconnect_custom_key_store, self.kms.update_custom_key_store):
            self.refused(gone, call, CustomKeyStoreId='cks-1')
        create = self.kms.create_custom_key_store
        self.refused('CloudHsmClusterNotFoundException', create, CustomKeyStoreName='n',
                     CloudHsmClusterId='cluster-1234567abcd'.replace('1', '2'),
                     KeyStorePassword='password', TrustAnchorCertificate='c')
        self.refused('ValidationException', create, CustomKeyStoreName='n')
        self.refused('XksProxyUriUnreachableException', create, CustomKeyStoreName='n',
                     CustomKeyStoreType='EXTERNAL_KEY_STORE')
        self.refused(gone, self.kms.generate_random, NumberOfBytes=8, CustomKeyStoreId='cks-1')
        arn = roles.make(self.server, 'nobody')
        nobody = self.client('kms', keys=roles.assume(self.server, arn))
        self.refused('AccessDeniedException', nobody.describe_custom_key_stores)
        self.refused('AccessDeniedException', nobody.create_custom_key_store,
                     CustomKeyStoreName='n')
        for call in (nobody.connect_custom_key_store, nobody.delete_custom_key_store,
                     nobody.disconnect_custom_key_store, nobody.update_custom_key_store):
            self.refused('AccessDeniedException', call, CustomKeyStoreId='cks-1')


if __name__ == '__main__':
    local_server.main()
