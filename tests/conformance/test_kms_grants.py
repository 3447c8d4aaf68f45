"""KMS grants: made, listed, used, passed on, ended (shared facts kms.md section 7)."""
import local_server
import roles
from local_server import ACCOUNT, OTHER_ACCOUNT, REGION

USES = ['Encrypt', 'Decrypt', 'DescribeKey']


class Grants(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.kms = self.client('kms')
        self.key = self.kms.create_key()['KeyMetadata']
        self.role = roles.make(self.server, 'worker')
        self.worker = self.client('kms', keys=roles.assume(self.server, self.role))

    def grant(self, operations=USES, kms=None, key=None, **arguments):
        arguments.setdefault('GranteePrincipal', self.role)
        return (kms or self.kms).create_grant(KeyId=(key or self.key)['KeyId'],
                                              Operations=operations, **arguments)

    def listed(self, **arguments):
        return self.kms.list_grants(KeyId=self.key['KeyId'], **arguments)['Grants']

    def refused_worker(self, call, **arguments):
        self.refused('AccessDeniedException', call, KeyId=self.key['Arn'], **arguments)


class Use(Grants):
    def test_a_grant_allows_what_it_names_and_no_more(self):
        self.refused_worker(self.worker.encrypt, Plaintext=b'x')
        self.grant()
        blob = self.worker.encrypt(KeyId=self.key['Arn'], Plaintext=b'x')['CiphertextBlob']
        self.assertEqual(self.worker.decrypt(CiphertextBlob=blob)['Plaintext'], b'x')
        self.worker.describe_key(KeyId=self.key['Arn'])
        self.refused_worker(self.worker.generate_data_key, KeySpec='AES_256')
        self.refused_worker(self.worker.get_key_policy)
        other = self.kms.create_key()['KeyMetadata']
        self.refused('AccessDeniedException', self.worker.encrypt, KeyId=other['Arn'],
                     Plaintext=b'x')

    def test_all_operations(self):
        self.grant(['GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'GenerateDataKeyPair',
                    'GenerateDataKeyPairWithoutPlaintext', 'ReEncryptFrom', 'ReEncryptTo'])
        there = {'KeyId': self.key['Arn']}
        blob = self.worker.generate_data_key(KeySpec='AES_256', **there)['CiphertextBlob']
        self.worker.generate_data_key_without_plaintext(KeySpec='AES_256', **there)
        self.worker.generate_data_key_pair(KeyPairSpec='ECC_NIST_P256', **there)
        self.worker.generate_data_key_pair_without_plaintext(KeyPairSpec='ECC_NIST_P256', **there)
        self.worker.re_encrypt(CiphertextBlob=blob, DestinationKeyId=self.key['Arn'])
        signing = self.kms.create_key(KeySpec='ECC_NIST_P256', KeyUsage='SIGN_VERIFY')
        signing = signing['KeyMetadata']
        self.grant(['Sign', 'Verify', 'GetPublicKey'], key=signing)
        signed = {'KeyId': signing['Arn'], 'Message': b'm', 'SigningAlgorithm': 'ECDSA_SHA_256'}
        signature = self.worker.sign(**signed)['Signature']
        self.worker.verify(Signature=signature, **signed)
        self.worker.get_public_key(KeyId=signing['Arn'])
        mac = self.kms.create_key(KeySpec='HMAC_256', KeyUsage='GENERATE_VERIFY_MAC')
        mac = mac['KeyMetadata']
        self.grant(['GenerateMac', 'VerifyMac'], key=mac)
        made = {'KeyId': mac['Arn'], 'Message': b'm', 'MacAlgorithm': 'HMAC_SHA_256'}
        self.worker.verify_mac(Mac=self.worker.generate_mac(**made)['Mac'], **made)

    def test_constraints(self):
        team = {'team': 'a'}
        for constraint, good, bad in (
                ({'EncryptionContextSubset': team}, [team, {**team, 'more': '1'}],
                 [{}, {'team': 'b'}, {'Team': 'a'}]),
                ({'EncryptionContextEquals': team}, [team],
                 [{}, {'team': 'b'}, {**team, 'more': '1'}])):
            grant = self.grant(Constraints=constraint)
            for context in good:
                self.worker.encrypt(KeyId=self.key['Arn'], Plaintext=b'x',
                                    EncryptionContext=context)
            for context in bad:
                self.refused_worker(self.worker.encrypt, Plaintext=b'x', EncryptionContext=context)
            self.worker.describe_key(KeyId=self.key['Arn'])
            self.kms.revoke_grant(KeyId=self.key['KeyId'], GrantId=grant['GrantId'])

    def test_a_denial_stands_above_a_grant(self):
        iam = self.client('iam')
        self.grant()
        self.worker.encrypt(KeyId=self.key['Arn'], Plaintext=b'x')
        iam.put_role_policy(RoleName='worker', PolicyName='no', PolicyDocument=roles.policy(
            roles.deny('kms:Encrypt')))
        self.refused_worker(self.worker.encrypt, Plaintext=b'x')
        self.worker.describe_key(KeyId=self.key['Arn'])

    def test_a_session_policy_limits_a_grant_to_the_role(self):
        self.grant()
        keys = roles.assume(self.server, self.role, Policy=roles.policy(
            roles.allow('kms:DescribeKey')))
        limited = self.client('kms', keys=keys)
        limited.describe_key(KeyId=self.key['Arn'])
        self.refused_worker(limited.encrypt, Plaintext=b'x')

    def test_another_account(self):
        guest = roles.make(self.server, 'guest', account=OTHER_ACCOUNT)
        kms = self.client('kms', keys=roles.assume(self.server, guest, account=OTHER_ACCOUNT))
        self.grant(GranteePrincipal=guest)
        self.refused_worker(kms.encrypt, Plaintext=b'x')  # its own account's word is missing
        self.client('iam', account=OTHER_ACCOUNT).put_role_policy(
            RoleName='guest', PolicyName='yes', PolicyDocument=roles.policy(
                roles.allow('kms:Encrypt', self.key['Arn'])))
        kms.encrypt(KeyId=self.key['Arn'], Plaintext=b'x')

    def test_an_account_as_grantee_leaves_it_to_its_policies(self):
        self.grant(GranteePrincipal=f'arn:aws:iam::{OTHER_ACCOUNT}:root')
        self.client('kms', account=OTHER_ACCOUNT).encrypt(KeyId=self.key['Arn'], Plaintext=b'x')
        guest = roles.make(self.server, 'guest', account=OTHER_ACCOUNT)
        kms = self.client('kms', keys=roles.assume(self.server, guest, account=OTHER_ACCOUNT))
        self.refused_worker(kms.encrypt, Plaintext=b'x')

    def test_of_a_disabled_key(self):
        self.grant()
        self.kms.disable_key(KeyId=self.key['KeyId'])
        self.refused('DisabledException', self.worker.encrypt, KeyId=self.key['Arn'],
                     Plaintext=b'x')
        self.refused('DisabledException', self.grant)
        self.kms.schedule_key_deletion(KeyId=self.key['KeyId'], PendingWindowInDays=7)
        self.refused('KMSInvalidStateException', self.grant)
        self.assertEqual(len(self.listed()), 1)


class PassingOn(Grants):
    def test_never_more_than_one_has(self):
        other = roles.make(self.server, 'other')
        self.refused_worker(self.worker.create_grant, GranteePrincipal=other,
                            Operations=['Encrypt'])
        self.grant(USES + ['CreateGrant'], Constraints={'EncryptionContextSubset': {'a': '1'}})
        there = {'KeyId': self.key['Arn'], 'GranteePrincipal': other}
        make = self.worker.create_grant
        for constraints in ({}, {'EncryptionContextSubset': {'b': '1'}},
                            {'EncryptionContextEquals': {'a': '2'}}):
            self.refused('AccessDeniedException', make, Operations=['Encrypt'],
                         Constraints=constraints, **there)
        for constraints in ({'EncryptionContextSubset': {'a': '1', 'b': '2'}},
                            {'EncryptionContextEquals': {'a': '1'}}):
            make(Operations=['Encrypt', 'Decrypt'], Constraints=constraints, **there)
        self.refused('AccessDeniedException', make, Operations=['GenerateDataKey'],
                     Constraints={'EncryptionContextEquals': {'a': '1'}}, **there)

    def test_conditions_of_a_policy(self):
        other = roles.make(self.server, 'other')
        maker = roles.make(self.server, 'maker', roles.allow('kms:CreateGrant', Condition={
            'StringEquals': {'kms:GranteePrincipal': other,
                             'kms:GrantConstraintType': 'EncryptionContextSubset',
                             'kms:EncryptionContext:a': '1'},
            'ForAllValues:StringEquals': {'kms:GrantOperations': ['Encrypt', 'Decrypt']},
            'Bool': {'kms:GrantIsForAWSResource': 'false'}}))
        make = self.client('kms', keys=roles.assume(self.server, maker)).create_grant
        good = {'KeyId': self.key['Arn'], 'GranteePrincipal': other, 'Operations': ['Encrypt'],
                'Constraints': {'EncryptionContextSubset': {'a': '1'}}}
        make(**good)
        for wrong in ({'GranteePrincipal': self.role}, {'Operations': ['Encrypt', 'DescribeKey']},
                      {'Constraints': {'EncryptionContextEquals': {'a': '1'}}},
                      {'Constraints': {'EncryptionContextSubset': {'a': '2'}}}):
            self.refused('AccessDeniedException', make, **{**good, **wrong})


class Making(Grants):
    def test_a_name_makes_it_idempotent(self):
        one, two = self.grant(Name='n'), self.grant(Name='n')
        self.assertEqual(one['GrantId'], two['GrantId'])
        self.assertNotEqual(one['GrantToken'], two['GrantToken'])
        self.assertNotEqual(self.grant(Name='n', operations=['Encrypt'])['GrantId'],
                            one['GrantId'])
        other = self.kms.create_key()['KeyMetadata']
        self.assertNotEqual(self.grant(Name='n', key=other)['GrantId'], one['GrantId'])
        self.assertNotEqual(self.grant()['GrantId'], self.grant()['GrantId'])

    def test_principals(self):
        gone = f'arn:aws:iam::{ACCOUNT}:role/gone'
        self.refused('InvalidArnException', self.grant, GranteePrincipal=gone,
                     message=f'ARN does not refer to a valid principal: {gone}')
        self.refused('InvalidArnException', self.grant, GranteePrincipal='worker')
        self.refused('InvalidArnException', self.grant, RetiringPrincipal=gone)
        arguments = {'service': 'kms', 'KeyId': self.key['KeyId'], 'Operations': ['Encrypt']}
        self.refused_raw('ValidationException', 'CreateGrant', **arguments)
        self.refused_raw('ValidationException', 'CreateGrant', GranteePrincipal=self.role,
                         GranteeServicePrincipal='ssm.amazonaws.com', **arguments)
        self.refused_raw('ValidationException', 'CreateGrant', GranteePrincipal=self.role,
                         RetiringPrincipal=self.role,
                         RetiringServicePrincipal='ssm.amazonaws.com', **arguments)

    def test_operations_suit_the_key(self):
        signing = self.kms.create_key(KeySpec='RSA_2048', KeyUsage='SIGN_VERIFY')['KeyMetadata']
        for key, operation in ((self.key, 'Sign'), (self.key, 'GenerateMac'),
                               (self.key, 'GetPublicKey'), (signing, 'Encrypt'),
                               (signing, 'DeriveSharedSecret')):
            self.refused('ValidationException', self.grant, operations=[operation], key=key)
        self.refused('ValidationException', self.grant, operations=[])
        self.refused('ValidationException', self.grant, operations=['PutKeyPolicy'])
        self.refused('ValidationException', self.grant, operations=['Sign'], key=signing,
                     Constraints={'EncryptionContextSubset': {'a': '1'}})

    def test_constraints_have_limits(self):
        def subset(pairs):
            return {'Constraints': {'EncryptionContextSubset': pairs}}
        self.grant(**subset({f'k{n}': 'v' * 384 for n in range(8)}))
        for pairs in ({f'k{n}': 'v' for n in range(9)}, {'k': 'v' * 385}, {'k' * 385: 'v'}):
            self.refused('ValidationException', self.grant, **subset(pairs))
        self.refused('ValidationException', self.grant, Constraints={
            'EncryptionContextSubset': {'a': 'b'}, 'EncryptionContextEquals': {'a': 'b'}})

    def test_tokens(self):
        token = self.grant()['GrantToken']
        self.worker.encrypt(KeyId=self.key['Arn'], Plaintext=b'x', GrantTokens=[token])
        self.worker.describe_key(KeyId=self.key['Arn'], GrantTokens=[token])
        for wrong in ('invented', token[:-4], 'A' + token[1:] if token[0] != 'A' else 'B' +
                      token[1:]):
            self.refused('InvalidGrantTokenException', self.worker.encrypt, KeyId=self.key['Arn'],
                         Plaintext=b'x', GrantTokens=[wrong])
        self.refused('ValidationException', self.worker.encrypt, KeyId=self.key['Arn'],
                     Plaintext=b'x', GrantTokens=[token] * 11)

    def test_dry_run(self):
        text = 'The request would have succeeded, but the DryRun option is set.'
        make = {'service': 'kms', 'KeyId': self.key['KeyId'], 'GranteePrincipal': self.role,
                'Operations': USES, 'DryRun': True}
        self.refused_raw('DryRunOperationException', 'CreateGrant', text, **make)
        self.assertEqual(self.listed(), [])
        grant = self.grant()['GrantId']
        for operation in ('RevokeGrant', 'RetireGrant'):
            self.refused_raw('DryRunOperationException', operation, text, service='kms',
                             DryRun=True, KeyId=self.key['Arn'], GrantId=grant)
        self.assertEqual(len(self.listed()), 1)


class Listing(Grants):
    def test_entries(self):
        constraints = {'EncryptionContextSubset': {'a': '1'}}
        made = self.grant(Name='n', RetiringPrincipal=self.role, Constraints=constraints)
        entry, = self.listed()
        entry.pop('CreationDate')
        self.assertEqual(entry, {
            'KeyId': self.key['Arn'], 'GrantId': made['GrantId'], 'Name': 'n',
            'GranteePrincipal': self.role, 'RetiringPrincipal': self.role,
            'IssuingAccount': f'arn:aws:iam::{ACCOUNT}:root', 'Operations': USES,
            'Constraints': constraints})

    def test_pages_and_filters(self):
        other = roles.make(self.server, 'other')
        made = [self.grant(GranteePrincipal=self.role if n % 2 else other)['GrantId']
                for n in range(5)]
        found, marker = [], {}
        while True:
            page = self.kms.list_grants(KeyId=self.key['KeyId'], Limit=2, **marker)
            found += [grant['GrantId'] for grant in page['Grants']]
            if not page['Truncated']:
                break
            marker = {'Marker': page['NextMarker']}
        self.assertEqual(found, made)
        self.assertEqual([g['GrantId'] for g in self.listed(GrantId=made[2])], [made[2]])
        self.assertEqual([g['GrantId'] for g in self.listed(GranteePrincipal=self.role)],
                         made[1::2])
        there = {'KeyId': self.key['KeyId']}
        self.refused('InvalidGrantIdException', self.kms.list_grants, GrantId='x', **there)
        self.refused('InvalidMarkerException', self.kms.list_grants, Marker='x', **there)
        self.refused('ValidationException', self.kms.list_grants, Limit=101, **there)
        self.refused('AccessDeniedException', self.worker.list_grants, **there)
        self.refused('NotFoundException', self.kms.list_grants, KeyId='alias/none')

    def test_retirable(self):
        self.grant()
        mine = self.grant(RetiringPrincipal=self.role)['GrantId']
        other = self.kms.create_key()['KeyMetadata']
        theirs = self.grant(RetiringPrincipal=self.role, key=other)['GrantId']
        found = self.kms.list_retirable_grants(RetiringPrincipal=self.role)
        self.assertEqual([(g['GrantId'], g['KeyId']) for g in found['Grants']],
                         [(mine, self.key['Arn']), (theirs, other['Arn'])])
        page = self.kms.list_retirable_grants(RetiringPrincipal=self.role, Limit=1)
        self.assertTrue(page['Truncated'])
        page = self.kms.list_retirable_grants(RetiringPrincipal=self.role, Limit=1,
                                              Marker=page['NextMarker'])
        self.assertEqual([g['GrantId'] for g in page['Grants']], [theirs])
        retirable = self.kms.list_retirable_grants
        self.refused('ValidationException', retirable)
        self.refused('InvalidArnException', retirable, RetiringPrincipal='x')
        self.refused('InvalidMarkerException', retirable, RetiringPrincipal=self.role, Marker='x')
        self.refused('AccessDeniedException', self.client('kms', account=OTHER_ACCOUNT)
                     .list_retirable_grants, RetiringPrincipal=self.role)
        self.refused('AccessDeniedException', self.worker.list_retirable_grants,
                     RetiringPrincipal=self.role)

    def test_grants_stay_in_their_region(self):
        key = self.kms.create_key(MultiRegion=True)['KeyMetadata']
        self.grant(key=key)
        self.kms.replicate_key(KeyId=key['KeyId'], ReplicaRegion='eu-west-1')
        there = self.client('kms', region='eu-west-1')
        self.assertEqual(there.list_grants(KeyId=key['KeyId'])['Grants'], [])
        worker = self.client('kms', region='eu-west-1', keys=roles.assume(self.server, self.role))
        self.refused('AccessDeniedException', worker.encrypt, KeyId=key['KeyId'], Plaintext=b'x')


class Ending(Grants):
    def test_revoked(self):
        grant = self.grant()['GrantId']
        self.refused_worker(self.worker.revoke_grant, GrantId=grant)
        other = self.kms.create_key()['KeyMetadata']
        self.refused('NotFoundException', self.kms.revoke_grant, KeyId=other['KeyId'],
                     GrantId=grant)
        self.kms.revoke_grant(KeyId=self.key['KeyId'], GrantId=grant)
        self.refused_worker(self.worker.encrypt, Plaintext=b'x')
        self.refused('NotFoundException', self.kms.revoke_grant, KeyId=self.key['KeyId'],
                     GrantId=grant)
        self.refused('InvalidGrantIdException', self.kms.revoke_grant, KeyId=self.key['KeyId'],
                     GrantId='x')

    def test_retired_by_whom_it_names(self):
        retirer = roles.make(self.server, 'retirer')
        kms = self.client('kms', keys=roles.assume(self.server, retirer))
        for by in (lambda made: {'GrantToken': made['GrantToken']},
                   lambda made: {'KeyId': self.key['Arn'], 'GrantId': made['GrantId']}):
            made = self.grant(RetiringPrincipal=retirer)
            self.refused('AccessDeniedException', self.worker.retire_grant, **by(made))
            kms.retire_grant(**by(made))
            self.assertEqual(self.listed(), [])
        made = self.grant(USES + ['RetireGrant'])
        self.refused('AccessDeniedException', kms.retire_grant, GrantToken=made['GrantToken'])
        self.worker.retire_grant(GrantToken=made['GrantToken'])
        self.assertEqual(self.listed(), [])
        self.kms.retire_grant(GrantToken=self.grant()['GrantToken'])

    def test_which_one(self):
        made = self.grant()
        retire = self.kms.retire_grant
        self.refused('ValidationException', retire,
                     message='Grant token OR (grant ID, key ID) must be specified')
        self.refused('ValidationException', retire, GrantId=made['GrantId'])
        self.refused('InvalidArnException', retire, KeyId=self.key['KeyId'],
                     GrantId=made['GrantId'])
        self.refused('InvalidGrantTokenException', retire, GrantToken='x')
        self.refused('InvalidGrantTokenException', self.client('kms', region='eu-west-1')
                     .retire_grant, GrantToken=made['GrantToken'])
        self.refused('InvalidGrantIdException', retire, KeyId=self.key['Arn'], GrantId='x')
        self.refused('NotFoundException', retire, KeyId=self.key['Arn'], GrantId='0' * 64)
        self.refused('NotFoundException', retire, GrantId=made['GrantId'],
                     KeyId=f'arn:aws:kms:{REGION}:{ACCOUNT}:key/' + '0' * 8 + '-0000' * 3 + '-' +
                     '0' * 12)
        retire(GrantToken=made['GrantToken'])
        self.refused('NotFoundException', retire, GrantToken=made['GrantToken'])


if __name__ == '__main__':
    local_server.main()
