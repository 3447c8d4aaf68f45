"""Key policies are really evaluated, with the caller's (shared facts kms.md section 9, and
sts-iam-sigv4.md sections 8 and 9)."""
import base64
import json

import local_server
import roles
from local_server import ACCOUNT, OTHER_ACCOUNT, REGION

ROOT = f'arn:aws:iam::{ACCOUNT}:root'
OTHER_ROOT = f'arn:aws:iam::{OTHER_ACCOUNT}:root'
ADMINISTRATOR = f'arn:aws:iam::{ACCOUNT}:user/administrator'


def for_whom(principal, action='kms:*', effect='Allow', **more):
    return {'Effect': effect, 'Principal': {'AWS': principal}, 'Action': action, 'Resource': '*',
            **more}


class KeyPolicy(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.kms = self.client('kms')

    def key(self, *statements, **arguments):
        if statements:
            arguments['Policy'] = roles.policy(*statements)
        return self.kms.create_key(**arguments)['KeyMetadata']

    def session(self, name, *statements, session_name='session', **arguments):
        """KMS as a new role with these statements."""
        role = roles.make(self.server, name, *statements)
        return self.client('kms', keys=roles.assume(self.server, role, session=session_name,
                                                    **arguments))

    def denied(self, call, why, role='r', **arguments):
        """Refused with the text for a session of the role; `why` is what follows the resource."""
        error = self.refused('AccessDeniedException', call, **arguments)
        text = error['Error']['Message']
        self.assertTrue(text.startswith(
            f'User: arn:aws:sts::{ACCOUNT}:assumed-role/{role}/session is not authorized to '
            f'perform: kms:'), text)
        self.assertTrue(text.endswith(why), text)


class Texts(KeyPolicy):
    def test_default_policy_comes_back_laid_out(self):
        key = self.key()
        answer = self.kms.get_key_policy(KeyId=key['KeyId'], PolicyName='default')
        self.assertEqual(json.loads(answer['Policy']), {
            'Version': '2012-10-17', 'Id': 'key-default-1', 'Statement': [
                {'Sid': 'Enable IAM User Permissions', 'Effect': 'Allow',
                 'Principal': {'AWS': ROOT}, 'Action': 'kms:*', 'Resource': '*'}]})
        self.assertIn('{\n  "Version" : "2012-10-17",\n', answer['Policy'])
        self.assertEqual(self.kms.list_key_policies(KeyId=key['KeyId'])['PolicyNames'], ['default'])

    def test_put_and_get(self):
        key = self.key()
        mine = roles.policy(for_whom(ROOT), for_whom('*', 'kms:DescribeKey', Sid='With spaces é'))
        self.kms.put_key_policy(KeyId=key['KeyId'], PolicyName='default', Policy=mine)
        shown = self.kms.get_key_policy(KeyId=key['KeyId'])['Policy']
        self.assertEqual(json.loads(shown), json.loads(mine))
        for call, arguments in ((self.kms.get_key_policy, {}),
                                (self.kms.put_key_policy, {'Policy': mine})):
            self.refused('NotFoundException', call, KeyId=key['KeyId'], PolicyName='other',
                         **arguments)

    def test_what_is_refused(self):
        key = self.key()['KeyId']
        put, malformed = self.kms.put_key_policy, 'MalformedPolicyDocumentException'
        for bad in ('{', '[]', '{"Version":"2012-10-17"}', '{"Statement":"x"}',
                    roles.policy({**for_whom(ROOT), 'Effect': 'Perhaps'})):
            self.refused(malformed, put, KeyId=key, Policy=bad)
        unknown = 'Policy contains a statement with one or more invalid principals.'
        for principal in ('nobody', f'arn:aws:iam::{ACCOUNT}:role/none',
                          f'arn:aws:iam::{ACCOUNT}:user/none', f'arn:aws-cn:iam::{ACCOUNT}:root',
                          [ROOT, f'arn:aws:iam::{ACCOUNT}:role/none']):
            self.refused(malformed, put, KeyId=key, message=unknown,
                         Policy=roles.policy(for_whom(ROOT), for_whom(principal)))
            self.refused(malformed, self.kms.create_key, message=unknown,
                         Policy=roles.policy(for_whom(ROOT), for_whom(principal)))
        self.refused('LimitExceededException', put, KeyId=key, Policy=roles.policy(
            for_whom(ROOT, Sid='s' * 32768)))

    def test_nobody_locks_himself_out(self):
        closed = roles.policy(for_whom(OTHER_ROOT))
        text = 'The new key policy will not allow you to update the key policy in the future.'
        key = self.key()['KeyId']
        malformed = 'MalformedPolicyDocumentException'
        self.refused(malformed, self.kms.create_key, Policy=closed, message=text)
        self.refused(malformed, self.kms.put_key_policy, KeyId=key, Policy=closed, message=text)
        self.kms.put_key_policy(KeyId=key, Policy=closed, BypassPolicyLockoutSafetyCheck=True)
        self.refused('AccessDeniedException', self.kms.get_key_policy, KeyId=key)


class OneAccount(KeyPolicy):
    def test_the_default_policy_leaves_it_to_identities(self):
        key = self.key()
        can = self.session('can', roles.allow('kms:Encrypt', key['Arn']))
        can.encrypt(KeyId=key['KeyId'], Plaintext=b'x')
        self.denied(can.generate_data_key, f"on resource: {key['Arn']} because no identity-based "
                    'policy allows the kms:GenerateDataKey action', role='can', KeyId=key['KeyId'],
                    KeySpec='AES_256')
        never = self.session('never', roles.allow('kms:*'), roles.deny('kms:Encrypt'))
        self.denied(never.encrypt, 'with an explicit deny in an identity-based policy',
                    role='never', KeyId=key['KeyId'], Plaintext=b'x')

    def test_without_the_root_statement_identities_cannot_allow(self):
        key = self.key(for_whom(ADMINISTRATOR))
        all_of_it = self.session('r', roles.allow('kms:*'))
        self.denied(all_of_it.encrypt, 'because no resource-based policy allows the kms:Encrypt '
                    'action', KeyId=key['KeyId'], Plaintext=b'x')
        self.kms.encrypt(KeyId=key['KeyId'], Plaintext=b'x')

    def test_a_role_named_needs_no_identity_policy(self):
        role = roles.make(self.server, 'r')
        key = self.key(for_whom(ROOT), for_whom(role, 'kms:Encrypt'))
        kms = self.client('kms', keys=roles.assume(self.server, role))
        kms.encrypt(KeyId=key['KeyId'], Plaintext=b'x')
        self.denied(kms.describe_key, 'because no identity-based policy allows the kms:DescribeKey '
                    'action', KeyId=key['KeyId'])

    def test_a_role_named_is_held_by_its_session_policy(self):
        role = roles.make(self.server, 'r')
        key = self.key(for_whom(ROOT), for_whom(role, 'kms:Encrypt'))
        kms = self.client('kms', keys=roles.assume(
            self.server, role, Policy=roles.policy(roles.allow('ssm:*'))))
        self.denied(kms.encrypt, 'because no session policy allows the kms:Encrypt action',
                    KeyId=key['KeyId'], Plaintext=b'x')

    def test_a_session_named_is_not(self):
        role = roles.make(self.server, 'r')
        session = f'arn:aws:sts::{ACCOUNT}:assumed-role/r/session'
        key = self.key(for_whom(ROOT), for_whom(session, 'kms:Encrypt'))
        kms = self.client('kms', keys=roles.assume(
            self.server, role, Policy=roles.policy(roles.allow('ssm:*'))))
        kms.encrypt(KeyId=key['KeyId'], Plaintext=b'x')

    def test_a_deny_in_the_key_policy_wins(self):
        key = self.key(for_whom(ROOT), for_whom('*', 'kms:Decrypt', 'Deny'))
        blob = self.kms.encrypt(KeyId=key['KeyId'], Plaintext=b'x')['CiphertextBlob']
        self.refused('AccessDeniedException', self.kms.decrypt, CiphertextBlob=blob,
                     KeyId=key['KeyId'], message=f'User: {ADMINISTRATOR} is not authorized to '
                     f"perform: kms:Decrypt on resource: {key['Arn']} with an explicit deny in a "
                     'resource-based policy')
        self.refused('AccessDeniedException', self.kms.decrypt, CiphertextBlob=blob,
                     message='The ciphertext refers to a customer master key that does not exist, '
                             'does not exist in this region, or you are not allowed to access.')

    def test_a_change_is_seen_at_once(self):
        key = self.key()
        for _ in range(3):
            self.kms.encrypt(KeyId=key['KeyId'], Plaintext=b'x')
            self.kms.put_key_policy(KeyId=key['KeyId'], Policy=roles.policy(
                for_whom(ROOT), for_whom('*', 'kms:Encrypt', 'Deny')))
            self.refused('AccessDeniedException', self.kms.encrypt, KeyId=key['KeyId'],
                         Plaintext=b'x')
            self.kms.put_key_policy(KeyId=key['KeyId'], Policy=roles.policy(for_whom(ROOT)))

    def test_key_less_operations_ask_identities_alone(self):
        kms = self.session('r', roles.allow('kms:ListKeys'))
        kms.list_keys()
        for call, arguments in ((kms.list_aliases, {}), (kms.create_key, {}),
                                (kms.generate_random, {'NumberOfBytes': 1})):
            self.denied(call, 'action', **arguments)

    def test_tags_at_creation_need_their_own_permission(self):
        kms = self.session('r', roles.allow('kms:CreateKey'))
        self.refused('MalformedPolicyDocumentException', kms.create_key,
                     Policy=roles.policy(for_whom(ADMINISTRATOR)))
        kms.create_key()
        self.denied(kms.create_key, 'because no identity-based policy allows the kms:TagResource '
                    'action', Tags=[{'TagKey': 'a', 'TagValue': 'b'}])

    def test_alias_operations_need_alias_and_key(self):
        key, other = self.key(), self.key()
        alias = f'arn:aws:kms:{REGION}:{ACCOUNT}:alias/a'
        half = self.session('half', roles.allow('kms:*Alias', alias))
        self.denied(half.create_alias, 'because no identity-based policy allows the '
                    'kms:CreateAlias action', role='half', AliasName='alias/a',
                    TargetKeyId=key['KeyId'])
        whole = self.session('whole', roles.allow('kms:*Alias', [alias, key['Arn']]))
        whole.create_alias(AliasName='alias/a', TargetKeyId=key['KeyId'])
        self.denied(whole.create_alias, 'action', role='whole', AliasName='alias/b',
                    TargetKeyId=key['KeyId'])
        self.denied(whole.update_alias, 'action', role='whole', AliasName='alias/a',
                    TargetKeyId=other['KeyId'])
        self.kms.update_alias(AliasName='alias/a', TargetKeyId=other['KeyId'])
        self.denied(whole.delete_alias, 'action', role='whole', AliasName='alias/a')

    def test_re_encrypt_needs_both(self):
        one, two = self.key(), self.key()
        blob = self.kms.encrypt(KeyId=one['KeyId'], Plaintext=b'x')['CiphertextBlob']
        arguments = {'CiphertextBlob': blob, 'DestinationKeyId': two['KeyId'],
                     'SourceKeyId': one['KeyId']}
        half = self.session('from', roles.allow('kms:ReEncryptFrom'))
        self.denied(half.re_encrypt, 'allows the kms:ReEncryptTo action', role='from', **arguments)
        half = self.session('to', roles.allow('kms:ReEncryptTo'))
        self.denied(half.re_encrypt, 'allows the kms:ReEncryptFrom action', role='to', **arguments)
        self.session('both', roles.allow('kms:ReEncrypt*')).re_encrypt(**arguments)


class Conditions(KeyPolicy):
    def held(self, condition, action='kms:Encrypt'):
        """A key whose use is allowed under a condition only."""
        return self.key(for_whom(ROOT, ['kms:PutKeyPolicy', 'kms:DescribeKey', 'kms:CreateAlias',
                                        'kms:TagResource', 'kms:Decrypt']),
                        for_whom(ROOT, action, Condition=condition))

    def both(self, key, good, bad, name=None):
        """Encrypt with the good arguments works and with the bad ones does not."""
        name = name or key['KeyId']
        self.kms.encrypt(**{'KeyId': name, 'Plaintext': b'x', **good})
        self.refused('AccessDeniedException', self.kms.encrypt,
                     **{'KeyId': name, 'Plaintext': b'x', **bad})

    def test_encryption_context(self):
        self.both(self.held({'StringEquals': {'kms:EncryptionContext:app': 'shop'}}),
                  {'EncryptionContext': {'app': 'shop', 'more': 'x'}},
                  {'EncryptionContext': {'app': 'other'}})
        self.both(self.held({'ForAllValues:StringEquals': {'kms:EncryptionContextKeys': ['a', 'b']},
                             'Null': {'kms:EncryptionContextKeys': 'false'}}),
                  {'EncryptionContext': {'a': '1', 'b': '1'}},
                  {'EncryptionContext': {'a': '1', 'c': '1'}})

    def test_alias(self):
        key = self.held({'StringEquals': {'kms:RequestAlias': 'alias/use-me'}})
        self.kms.create_alias(AliasName='alias/use-me', TargetKeyId=key['KeyId'])
        self.both(key, {'KeyId': 'alias/use-me'}, {'KeyId': key['KeyId']})
        key = self.held({'ForAnyValue:StringLike': {'kms:ResourceAliases': 'alias/prod*'}})
        self.refused('AccessDeniedException', self.kms.encrypt, KeyId=key['KeyId'], Plaintext=b'x')
        self.kms.create_alias(AliasName='alias/prod-db', TargetKeyId=key['KeyId'])
        self.kms.encrypt(KeyId=key['KeyId'], Plaintext=b'x')

    def test_tags_of_the_key(self):
        key = self.held({'StringEquals': {'aws:ResourceTag/stage': 'prod'}})
        self.refused('AccessDeniedException', self.kms.encrypt, KeyId=key['KeyId'], Plaintext=b'x')
        self.kms.tag_resource(KeyId=key['KeyId'], Tags=[{'TagKey': 'stage', 'TagValue': 'prod'}])
        self.kms.encrypt(KeyId=key['KeyId'], Plaintext=b'x')

    def test_properties_of_the_key(self):
        for condition in ({'StringEquals': {'kms:KeySpec': 'SYMMETRIC_DEFAULT',
                                            'kms:KeyUsage': 'ENCRYPT_DECRYPT',
                                            'kms:KeyOrigin': 'AWS_KMS',
                                            'kms:CallerAccount': ACCOUNT,
                                            'aws:ResourceAccount': ACCOUNT}},
                          {'Bool': {'kms:MultiRegion': 'false'}}):
            self.kms.encrypt(KeyId=self.held(condition)['KeyId'], Plaintext=b'x')
        self.refused('AccessDeniedException', self.kms.encrypt, Plaintext=b'x',
                     KeyId=self.held({'Bool': {'kms:MultiRegion': 'true'}})['KeyId'])

    def test_via_service(self):
        key = self.held({'StringEquals': {'kms:ViaService': f'ssm.{REGION}.amazonaws.com'}},
                        ['kms:Encrypt', 'kms:GenerateDataKey'])
        self.refused('AccessDeniedException', self.kms.encrypt, KeyId=key['KeyId'], Plaintext=b'x')
        ssm = self.client('ssm')
        ssm.put_parameter(Name='/p', Value='v', Type='SecureString', KeyId=key['KeyId'])
        self.assertEqual(ssm.get_parameter(Name='/p', WithDecryption=True)['Parameter']['Value'],
                         'v')
        only_sm = self.held({'StringEquals': {'kms:ViaService':
                                              f'secretsmanager.{REGION}.amazonaws.com'}})
        self.refused('AccessDeniedException', ssm.put_parameter, Name='/q', Value='v',
                     Type='SecureString', KeyId=only_sm['KeyId'])


class RequestConditions(KeyPolicy):
    """What a request asks for can be held by the caller's policies."""

    def test_tags_of_a_new_key(self):
        kms = self.session('r', roles.allow(
            ['kms:CreateKey', 'kms:TagResource'], Condition={
                'StringEquals': {'aws:RequestTag/team': 'red'},
                'ForAllValues:StringEquals': {'aws:TagKeys': ['team']}}))
        kms.create_key(Tags=[{'TagKey': 'team', 'TagValue': 'red'}])
        for tags in ([], [{'TagKey': 'team', 'TagValue': 'blue'}],
                     [{'TagKey': 'team', 'TagValue': 'red'}, {'TagKey': 'x', 'TagValue': 'y'}]):
            self.denied(kms.create_key, 'action', Tags=tags)

    def test_kind_of_a_new_key(self):
        kms = self.session('r', roles.allow('kms:*'), roles.deny('kms:CreateKey', Condition={
            'Bool': {'kms:MultiRegion': 'true'}}))
        kms.create_key()
        self.denied(kms.create_key, 'with an explicit deny in an identity-based policy',
                    MultiRegion=True)

    def test_window_of_a_deletion(self):
        key = self.key()['KeyId']
        kms = self.session('r', roles.allow('kms:ScheduleKeyDeletion', Condition={
            'NumericGreaterThanEquals': {'kms:ScheduleKeyDeletionPendingWindowInDays': '14'}}))
        self.denied(kms.schedule_key_deletion, 'action', KeyId=key, PendingWindowInDays=13)
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=14)

    def test_the_safety_check(self):
        key = self.key()['KeyId']
        kms = self.session('r', roles.allow('kms:*'), roles.deny('kms:PutKeyPolicy', Condition={
            'Bool': {'kms:BypassPolicyLockoutSafetyCheck': 'true'}}))
        policy = self.kms.get_key_policy(KeyId=key)['Policy']
        kms.put_key_policy(KeyId=key, Policy=policy)
        self.denied(kms.put_key_policy, 'with an explicit deny in an identity-based policy',
                    KeyId=key, Policy=policy, BypassPolicyLockoutSafetyCheck=True)


class OtherAccounts(KeyPolicy):
    def setUp(self):
        super().setUp()
        self.other = self.client('kms', account=OTHER_ACCOUNT)

    def test_both_sides_must_allow_and_only_by_arn(self):
        shared = self.key(for_whom(ROOT), for_whom(OTHER_ROOT, ['kms:Encrypt', 'kms:Decrypt']))
        private = self.key()
        blob = self.other.encrypt(KeyId=shared['Arn'], Plaintext=b'x')['CiphertextBlob']
        self.assertEqual(self.kms.decrypt(CiphertextBlob=blob)['Plaintext'], b'x')
        self.assertEqual(self.other.decrypt(CiphertextBlob=blob)['Plaintext'], b'x')
        self.refused('NotFoundException', self.other.encrypt, KeyId=shared['KeyId'],
                     Plaintext=b'x')
        self.refused('AccessDeniedException', self.other.encrypt, KeyId=private['Arn'],
                     Plaintext=b'x', message=f'User: arn:aws:iam::{OTHER_ACCOUNT}:user/'
                     'administrator is not authorized to perform: kms:Encrypt on resource: '
                     f"{private['Arn']}")
        role = roles.make(self.server, 'r', roles.allow('kms:Decrypt'), account=OTHER_ACCOUNT)
        session = self.client('kms', keys=roles.assume(self.server, role, account=OTHER_ACCOUNT))
        session.decrypt(CiphertextBlob=blob, KeyId=shared['Arn'])
        self.refused('AccessDeniedException', session.encrypt, KeyId=shared['Arn'], Plaintext=b'x')

    def test_alias_arn(self):
        shared = self.key(for_whom(ROOT), for_whom(OTHER_ROOT, 'kms:*'))
        self.kms.create_alias(AliasName='alias/shared', TargetKeyId=shared['KeyId'])
        self.other.encrypt(KeyId=f'arn:aws:kms:{REGION}:{ACCOUNT}:alias/shared', Plaintext=b'x')

    def test_management_stays_at_home(self):
        shared = self.key(for_whom(ROOT), for_whom(OTHER_ROOT))
        for call, arguments in ((self.other.disable_key, {}), (self.other.get_key_policy, {}),
                                (self.other.list_resource_tags, {}),
                                (self.other.schedule_key_deletion, {})):
            self.refused('AccessDeniedException', call, KeyId=shared['Arn'], **arguments)
        self.other.describe_key(KeyId=shared['Arn'])


class ParameterStore(KeyPolicy):
    def test_the_caller_needs_the_key_too(self):
        key = self.key()
        ssm = self.client('ssm')
        ssm.put_parameter(Name='/p', Value='v', Type='SecureString', KeyId=key['KeyId'])
        role = roles.make(self.server, 'r', roles.allow('ssm:*'))
        reader = self.client('ssm', keys=roles.assume(self.server, role))
        reader.get_parameter(Name='/p')
        self.refused('AccessDeniedException', reader.get_parameter, Name='/p', WithDecryption=True)
        self.server.client('iam').put_role_policy(
            RoleName='r', PolicyName='keys',
            PolicyDocument=roles.policy(roles.allow('kms:Decrypt', key['Arn'])))
        answer = reader.get_parameter(Name='/p', WithDecryption=True)
        self.assertEqual(answer['Parameter']['Value'], 'v')

    def test_the_managed_key_needs_no_permission_of_its_own(self):
        self.client('ssm').put_parameter(Name='/p', Value='v', Type='SecureString')
        role = roles.make(self.server, 'r', roles.allow('ssm:*'))
        reader = self.client('ssm', keys=roles.assume(self.server, role))
        blob = base64.b64decode(reader.get_parameter(Name='/p')['Parameter']['Value'])
        answer = reader.get_parameter(Name='/p', WithDecryption=True)
        self.assertEqual(answer['Parameter']['Value'], 'v')
        direct = self.session('direct', roles.allow('kms:*'))
        arn = f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/p'
        self.refused('AccessDeniedException', direct.decrypt, CiphertextBlob=blob,
                     EncryptionContext={'PARAMETER_ARN': arn})


if __name__ == '__main__':
    local_server.main()
