#!/usr/bin/python3
"""Keys of copies: mapped by alias, id or ARN, per Region and per source key; never let fall."""
import time
import unittest

from replication import SOURCE, Replication, error

COPY = 'us-east-1'
CONFIG = '''
source: { region: ap-south-1, endpoint_url: "URL" }
destinations: [{ region: us-east-1, endpoint_url: "URL", keys: { KEYS } }]
parameters: { RULES }
'''


class Keys(Replication):
    def go(self, *words, keys='', rules='', **how):
        config = CONFIG.replace('URL', self.witness.url).replace('KEYS', keys)
        return self.run_it(*words, config=config.replace('RULES', rules), **how)

    def made(self, region, alias=None, **more):
        kms = self.server.client('kms', region)
        key = kms.create_key(**more)['KeyMetadata']
        if alias:
            kms.create_alias(AliasName=alias, TargetKeyId=key['KeyId'])
        return key

    def enabled(self, key):
        """A replica is being created for some seconds."""
        kms, until = self.server.client('kms', COPY), time.monotonic() + 60
        while kms.describe_key(KeyId=key)['KeyMetadata']['KeyState'] != 'Enabled':
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)

    def secret(self, name, key, region=SOURCE, **more):
        self.put(name, 'v', region, Type='SecureString', KeyId=key, **more)

    def key_of(self, name):
        return self.state(COPY)[name]['KeyId']

    def test_r21_an_alias_finds_what_was_written_under_its_id_or_arn(self):
        key = self.made(SOURCE, 'alias/prod')
        other = self.made(SOURCE)
        for alias in ('alias/dr', 'alias/rest'):
            self.made(COPY, alias)
        self.secret('/alias', 'alias/prod')
        self.secret('/id', key['KeyId'])
        self.secret('/arn', key['Arn'])
        self.secret('/other', other['KeyId'])
        keys = '"alias/prod": alias/dr, "*": alias/rest'
        self.go('sync', keys=keys)
        self.assertEqual({name: row['KeyId'] for name, row in self.state(COPY).items()},
                         {'alias': 'alias/dr', 'id': 'alias/dr', 'arn': 'alias/dr',
                          'other': 'alias/rest'})
        self.go('verify', keys=keys)

    def test_a_copy_under_the_same_key_by_another_name_is_equal(self):
        self.made(SOURCE, 'alias/prod')
        key = self.made(COPY, 'alias/dr')
        self.secret('/a', 'alias/prod')
        self.secret('/b', 'alias/prod')
        self.secret('/a', key['Arn'], COPY)
        self.secret('/b', key['KeyId'], COPY)
        self.witness.forget()
        self.go('sync', keys='"*": alias/dr')
        self.assertEqual(self.witness.writes(), [])
        # Another key is a difference.
        self.made(COPY, 'alias/new')
        self.go('sync', keys='"*": alias/new')
        self.assertEqual(self.key_of('a'), 'alias/new')

    def test_r05_without_a_mapping_it_is_blocked_and_not_let_fall(self):
        self.made(SOURCE, 'alias/prod')
        self.secret('/a', 'alias/prod')
        done = self.go('sync', status=4)
        self.assertIn('the customer key alias/prod is not mapped', done.out)
        self.assertEqual(self.state(COPY), {})
        done = self.go('sync', rules='allow: default-key')
        self.assertIn('encrypted by alias/aws/ssm instead of the customer key', done.out)

    def test_a_multi_region_key_is_itself(self):
        key = self.made(SOURCE, 'alias/prod', MultiRegion=True)
        self.server.client('kms', SOURCE).replicate_key(KeyId=key['KeyId'], ReplicaRegion=COPY)
        self.enabled(key['KeyId'])
        self.secret('/alias', 'alias/prod')
        self.secret('/arn', key['Arn'])
        self.go('sync')
        self.assertEqual((self.key_of('alias'), self.key_of('arn')), (key['KeyId'], key['KeyId']))
        self.go('verify')

    def test_a_key_that_the_mapping_names_and_is_not_there_fails_with_the_next_step(self):
        self.made(SOURCE, 'alias/app')
        self.secret('/a', 'alias/app')
        done = self.go('sync', keys='alias/app: alias/nowhere', status=1)
        self.assertIn('see `keys` of the destination', done.out)

    def test_without_the_right_to_list_aliases_texts_decide(self):
        key = self.made(SOURCE, 'alias/prod')
        self.made(COPY, 'alias/dr')
        self.made(COPY, 'alias/rest')
        self.secret('/alias', 'alias/prod')
        self.secret('/id', key['KeyId'])
        self.witness.rules.append(
            lambda call: error('AccessDeniedException') if call.operation == 'ListAliases' else
            None)
        self.go('sync', keys='"alias/prod": alias/dr, "*": alias/rest')
        self.assertEqual((self.key_of('alias'), self.key_of('id')), ('alias/dr', 'alias/rest'))

    def test_aliases_are_not_read_when_texts_settle_it(self):
        self.made(SOURCE, 'alias/prod')
        self.made(COPY, 'alias/dr')
        self.secret('/a', 'alias/prod')
        self.put('/b', 'v', Type='SecureString')
        for _ in range(2):
            self.go('sync', keys='"alias/prod": alias/dr')
        self.assertNotIn('ListAliases', [call.operation for call in self.witness.calls])

    def test_select_by_key_knows_the_alias(self):
        key = self.made(SOURCE, 'alias/prod')
        self.made(COPY, 'alias/dr')
        self.secret('/id', key['KeyId'])
        self.put('/b', 'v', Type='SecureString')
        self.go('sync', keys='"*": alias/dr', rules='select: { keys: alias/prod }')
        self.assertEqual(set(self.state(COPY)), {'id'})


if __name__ == '__main__':
    unittest.main()
