"""AssumeRoleWithWebIdentity with real tokens (RS256, ES256) and DecodeAuthorizationMessage."""
import base64
import json
import os
import tempfile
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

import local_server
import roles
from local_server import ACCOUNT, OTHER_ACCOUNT
from roles import allow, policy

ISSUER, URL = 'https://id.example.com/pool', 'id.example.com/pool'
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SHORT_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def number(value, size=None):
    return encode(value.to_bytes(size or (value.bit_length() + 7) // 8, 'big'))


def rsa_jwk(key, kid, **more):
    public = key.public_key().public_numbers()
    return {'kty': 'RSA', 'kid': kid, 'n': number(public.n), 'e': number(public.e), **more}


def ec_jwk(key, kid):
    public = key.public_key().public_numbers()
    return {'kty': 'EC', 'kid': kid, 'crv': 'P-256', 'x': number(public.x, 32),
            'y': number(public.y, 32)}


def sign(key, signed):
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    r, s = utils.decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, 'big') + s.to_bytes(32, 'big')


def token(key=RSA_KEY, kid='r', alg='RS256', **claims):
    now = int(time.time())
    every = {'iss': ISSUER, 'sub': 'alice', 'aud': 'app', 'iat': now, 'exp': now + 600, **claims}
    every = {name: value for name, value in every.items() if value is not None}
    parts = [encode(json.dumps(part).encode()) for part in ({'alg': alg, 'kid': kid}, every)]
    signed = '.'.join(parts)
    return signed + '.' + encode(sign(key, signed.encode()))


class WebIdentity(local_server.Conformance):
    @classmethod
    def setUpClass(cls):
        with tempfile.NamedTemporaryFile('w', suffix='.json', delete=False) as file:
            json.dump({ISSUER: {'keys': [
                rsa_jwk(RSA_KEY, 'r', alg='RS256', use='sig'), ec_jwk(EC_KEY, 'e'),
                rsa_jwk(SHORT_KEY, 'short')]}}, file)
        cls.addClassCleanup(os.unlink, file.name)
        cls.options = ('--web-identity-keys', file.name)
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.iam, self.sts = self.client('iam'), self.client('sts')
        self.provider = self.iam.create_open_id_connect_provider(
            Url=ISSUER, ClientIDList=['app', 'other'])['OpenIDConnectProviderArn']
        self.role = self.make('r', {'StringEquals': {f'{URL}:aud': 'app', f'{URL}:sub': 'alice'}})

    def make(self, name, condition, *statements, actions='sts:AssumeRoleWithWebIdentity'):
        return roles.make(self.server, name, *(statements or [allow('ssm:DescribeParameters')]),
                          trusts=roles.trust({'Federated': self.provider}, action=actions,
                                             Condition=condition))

    def assume(self, given=None, role=None, **arguments):
        return self.sts.assume_role_with_web_identity(
            RoleArn=role or self.role, RoleSessionName='session',
            WebIdentityToken=given or token(), **arguments)

    def rejected(self, code, message=None, status=400, **arguments):
        error = self.refused(code, self.assume, message=message, **arguments)
        self.assertEqual(error['ResponseMetadata']['HTTPStatusCode'], status)

    def test_both_algorithms(self):
        for given in (token(), token(EC_KEY, 'e', 'ES256')):
            answer = self.assume(given)
            self.assertEqual((answer['SubjectFromWebIdentityToken'], answer['Audience'],
                              answer['Provider'], answer['AssumedRoleUser']['Arn']),
                             ('alice', 'app', self.provider,
                              f'arn:aws:sts::{ACCOUNT}:assumed-role/r/session'))
            self.client('ssm', keys=roles.keys(answer)).describe_parameters()
            self.refused('AccessDeniedException',
                         self.client('kms', keys=roles.keys(answer)).list_keys)

    def test_forged(self):
        forged = 'Invalid token signature'
        whole = token()
        head, claims, signature = whole.split('.')
        other = encode(json.dumps({'iss': ISSUER, 'sub': 'root', 'aud': 'app',
                                   'iat': int(time.time()), 'exp': 2 ** 33}).encode())
        self.rejected('InvalidIdentityToken', forged, given=f'{head}.{other}.{signature}')
        self.rejected('InvalidIdentityToken', forged, given=token(
            rsa.generate_private_key(public_exponent=65537, key_size=2048)))
        self.rejected('InvalidIdentityToken', forged,
                      given=token(EC_KEY, 'e', 'ES256')[:-8] + 'AAAAAAAA')
        no_key = ("Couldn't retrieve verification key from your identity provider,  please "
                  'reference AssumeRoleWithWebIdentity documentation for requirements')
        for given in (token(kid='unknown'), token(SHORT_KEY, 'short'), token(alg='none'),
                      token(alg='HS256'), token(alg='ES256', kid='r', key=EC_KEY)):
            self.rejected('InvalidIdentityToken', no_key, given=given)
        jwt = ('The ID Token provided is not a valid JWT. (You may see this error if you sent an '
               'Access Token)')
        for given in ('opaque', 'a.b.c', f'{head}.{claims}', f'{head}.{claims}.', whole + '.x',
                      f'{head}=.{claims}.{signature}'):
            self.rejected('InvalidIdentityToken', jwt, given=given)

    def test_claims(self):
        now = int(time.time())
        self.refused('ExpiredTokenException', self.assume, given=token(exp=now - 1))
        for name in ('exp', 'iat', 'aud', 'iss', 'sub'):
            self.rejected('InvalidIdentityToken', f'Missing a required claim: {name}',
                          given=token(**{name: None}))
        for claims in ({'iat': now + 3600}, {'nbf': now + 3600}):
            self.rejected('InvalidIdentityToken', given=token(**claims))
        for claims in ({'aud': 'unknown'}, {'aud': ['x', 'y']}, {'azp': 'unknown'}):
            self.rejected('InvalidIdentityToken', 'Incorrect token audience',
                          given=token(**claims))
        self.assume(token(aud=['x', 'app']))
        self.assume(token(aud='x', azp='app'))
        unknown = 'https://unknown.example.com'
        self.rejected('InvalidIdentityToken', 'No OpenIDConnect provider found in your account for '
                      + unknown, given=token(iss=unknown))
        self.rejected('InvalidIdentityToken', given=token(), ProviderId='www.amazon.com')

    def test_trust(self):
        text = 'Not authorized to perform sts:AssumeRoleWithWebIdentity'
        self.rejected('AccessDenied', text, 403, given=token(sub='bob'))
        self.rejected('AccessDenied', text, 403, given=token(aud='other'))
        self.rejected('AccessDenied', text, 403, role=self.role + 'x')
        users = roles.make(self.server, 'users')
        self.rejected('AccessDenied', text, 403, role=users)
        self.rejected('ValidationError', 'arn:aws:iam::x:role/r is invalid',
                      role='arn:aws:iam::x:role/r')
        elsewhere = roles.make(self.server, 'r', account=OTHER_ACCOUNT,
                               trusts=roles.trust({'Federated': self.provider},
                                                  action='sts:AssumeRoleWithWebIdentity'))
        self.rejected('InvalidIdentityToken', role=elsewhere)

    def test_session(self):
        self.refused('ValidationError', self.assume, DurationSeconds=3601, message='The requested '
                     'DurationSeconds exceeds the MaxSessionDuration set for this role.')
        keys = roles.keys(self.assume(Policy=policy(allow('kms:*'))))
        self.refused('AccessDeniedException', self.client('ssm', keys=keys).describe_parameters)
        self.rejected('MalformedPolicyDocument', Policy='{')
        own = self.make('own', {'StringEquals': {f'{URL}:aud': 'app'}}, allow(
            'ssm:DescribeParameters', Condition={'StringEquals': {f'{URL}:sub': 'alice'}}))
        for who, code in (('alice', None), ('bob', 'AccessDeniedException')):
            ssm = self.client('ssm', keys=roles.keys(self.assume(token(sub=who), own)))
            if code:
                self.refused(code, ssm.describe_parameters)
            else:
                ssm.describe_parameters()

    def test_tags_and_source_identity_of_the_token(self):
        tags = {'https://aws.amazon.com/tags': {'principal_tags': {'team': ['red']},
                                                'transitive_tag_keys': ['team']}}
        tagged = token(**tags)
        self.rejected('AccessDenied', status=403, given=tagged)
        role = self.make('tagged', {'StringEquals': {f'{URL}:aud': 'app'}}, allow(
            'ssm:DescribeParameters', Condition={'StringEquals': {'aws:PrincipalTag/team': 'red'}}),
            actions=['sts:AssumeRoleWithWebIdentity', 'sts:TagSession', 'sts:SetSourceIdentity'])
        answer = self.assume(tagged, role)
        self.client('ssm', keys=roles.keys(answer)).describe_parameters()
        answer = self.assume(token(**{'https://aws.amazon.com/source_identity': 'alice-id'}), role)
        self.assertEqual(answer['SourceIdentity'], 'alice-id')
        self.refused('AccessDeniedException',
                     self.client('ssm', keys=roles.keys(answer)).describe_parameters)

    def test_by_the_command_line(self):
        answer = json.loads(self.server.cli(
            'sts', 'assume-role-with-web-identity', '--role-arn', self.role,
            '--role-session-name', 'session', '--web-identity-token', token()))
        self.assertEqual(answer['SubjectFromWebIdentityToken'], 'alice')


class Decode(local_server.Conformance):
    def test_no_message_is_ours(self):
        sts = self.client('sts')
        self.refused('InvalidAuthorizationMessageException', sts.decode_authorization_message,
                     EncodedMessage='x' * 40, message='Message is not valid')
        self.refused('ValidationError', sts.decode_authorization_message, EncodedMessage='')
        role = roles.make(self.server, 'r')
        session = self.client('sts', keys=roles.assume(self.server, role))
        self.refused('AccessDenied', session.decode_authorization_message, EncodedMessage='x')


if __name__ == '__main__':
    local_server.main()
