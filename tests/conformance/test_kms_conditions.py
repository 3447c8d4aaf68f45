"""Condition keys of KMS in the caller's policies: what each lets through and what not (shared facts
kms.md section 9). Those of signatures, grants, imports, replicas, rotation and deletion stand with
their operations."""
import local_server
import roles


class Conditions(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.kms = self.client('kms')
        self.role = roles.make(self.server, 'caller')
        self.caller = self.client('kms', keys=roles.assume(self.server, self.role))
        self.iam = self.client('iam')

    def key(self, spec='SYMMETRIC_DEFAULT', usage='ENCRYPT_DECRYPT', **arguments):
        return self.kms.create_key(KeySpec=spec, KeyUsage=usage, **arguments)['KeyMetadata']

    def check(self, actions, condition, call, good, bad):
        """With actions allowed under the condition, `good` arguments pass and `bad` ones do not."""
        self.iam.put_role_policy(RoleName='caller', PolicyName='p', PolicyDocument=roles.policy(
            roles.allow(actions, Condition=condition)))
        getattr(self.caller, call)(**good)
        self.refused('AccessDeniedException', getattr(self.caller, call), **bad)

    def test_algorithms_and_specs(self):
        rsa, plain = self.key('RSA_2048')['KeyId'], self.key()['KeyId']
        mac = self.key('HMAC_256', 'GENERATE_VERIFY_MAC')['KeyId']
        self.check('kms:Encrypt', {'StringEquals': {'kms:EncryptionAlgorithm':
                                                    'RSAES_OAEP_SHA_256'}}, 'encrypt',
                   {'KeyId': rsa, 'Plaintext': b'x', 'EncryptionAlgorithm': 'RSAES_OAEP_SHA_256'},
                   {'KeyId': rsa, 'Plaintext': b'x', 'EncryptionAlgorithm': 'RSAES_OAEP_SHA_1'})
        symmetric = {'StringEquals': {'kms:EncryptionAlgorithm': 'SYMMETRIC_DEFAULT'}}
        self.check(['kms:Encrypt'], symmetric, 'encrypt', {'KeyId': plain, 'Plaintext': b'x'},
                   {'KeyId': rsa, 'Plaintext': b'x', 'EncryptionAlgorithm': 'RSAES_OAEP_SHA_1'})
        self.check('kms:GenerateMac', {'StringEquals': {'kms:MacAlgorithm': 'HMAC_SHA_256'}},
                   'generate_mac', {'KeyId': mac, 'Message': b'm', 'MacAlgorithm': 'HMAC_SHA_256'},
                   {'KeyId': mac, 'Message': b'm', 'MacAlgorithm': 'HMAC_SHA_512'})
        self.check('kms:GenerateDataKeyPair', {'StringEquals': {'kms:DataKeyPairSpec':
                                                                'ECC_NIST_P256'}},
                   'generate_data_key_pair', {'KeyId': plain, 'KeyPairSpec': 'ECC_NIST_P256'},
                   {'KeyId': plain, 'KeyPairSpec': 'ECC_NIST_P384'})

    def test_both_keys_of_re_encrypt(self):
        one, two = self.key()['KeyId'], self.key()['KeyId']
        blob = self.kms.encrypt(KeyId=one, Plaintext=b'x')['CiphertextBlob']
        same, other = ({'CiphertextBlob': blob, 'DestinationKeyId': key} for key in (one, two))
        actions = ['kms:ReEncryptFrom', 'kms:ReEncryptTo']
        self.check(actions, {'Bool': {'kms:ReEncryptOnSameKey': 'true'}}, 're_encrypt', same, other)
        self.check(actions, {'Bool': {'kms:ReEncryptOnSameKey': 'false'}}, 're_encrypt', other,
                   same)

    def test_what_is_created(self):
        self.check('kms:CreateKey', {'StringEquals': {
            'kms:KeySpec': 'HMAC_256', 'kms:KeyUsage': 'GENERATE_VERIFY_MAC',
            'kms:KeyOrigin': 'AWS_KMS'}, 'Bool': {'kms:MultiRegion': 'false'}}, 'create_key',
                   {'KeySpec': 'HMAC_256', 'KeyUsage': 'GENERATE_VERIFY_MAC'}, {})
        self.check('kms:CreateKey', {'Bool': {'kms:MultiRegion': 'true'}, 'StringEquals': {
            'kms:MultiRegionKeyType': 'PRIMARY'}}, 'create_key', {'MultiRegion': True}, {})
        self.check('kms:CreateKey', {'StringEquals': {'kms:KeyOrigin': 'AWS_KMS'}}, 'create_key',
                   {}, {'Origin': 'EXTERNAL'})

    def test_properties_of_the_key(self):
        multi, single = self.key(MultiRegion=True)['KeyId'], self.key()['KeyId']
        external = self.key(Origin='EXTERNAL')['KeyId']
        for condition, good, bad in (
                ({'Bool': {'kms:MultiRegion': 'true'}}, multi, single),
                ({'StringEquals': {'kms:MultiRegionKeyType': 'PRIMARY'}}, multi, single),
                ({'StringEquals': {'kms:KeyOrigin': 'EXTERNAL'}}, external, single)):
            self.check('kms:DescribeKey', condition, 'describe_key', {'KeyId': good},
                       {'KeyId': bad})

    def test_the_safety_check_and_retiring_principals(self):
        key = self.key()['KeyId']
        policy = roles.policy({'Effect': 'Allow', 'Principal': {'AWS': local_server.ACCOUNT},
                               'Action': 'kms:*', 'Resource': '*'})
        put = {'KeyId': key, 'PolicyName': 'default', 'Policy': policy}
        self.check('kms:PutKeyPolicy', {'Bool': {'kms:BypassPolicyLockoutSafetyCheck': 'false'}},
                   'put_key_policy', put, {**put, 'BypassPolicyLockoutSafetyCheck': True})
        grant = {'KeyId': key, 'GranteePrincipal': self.role, 'Operations': ['Encrypt']}
        self.check('kms:CreateGrant', {'StringEquals': {'kms:RetiringPrincipal': self.role}},
                   'create_grant', {**grant, 'RetiringPrincipal': self.role}, grant)


if __name__ == '__main__':
    local_server.main()
