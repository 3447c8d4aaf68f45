#!/usr/bin/python3
"""What is carried, asked for and reported: pitfalls of earlier tools, by their numbers."""
import json
import unittest

from replication import ACCOUNT, SOURCE, Replication, error

COPY = 'us-east-1'
CONFIG = '''
source: { region: ap-south-1, endpoint_url: "URL" }
destinations: [{ region: us-east-1, endpoint_url: "URL", keys: { "alias/prod": alias/dr } }]
parameters: { RULES }
'''


class Pitfalls(Replication):
    def go(self, *words, rules='', **how):
        config = CONFIG.replace('URL', self.witness.url).replace('RULES', rules)
        return self.run_it(*words, config=config, **how)

    def operations(self, region=None):
        return [call.operation for call in self.witness.calls if region in (None, call.region)]

    def test_r01_what_is_nested_keeps_its_metadata(self):
        self.key('alias/prod', SOURCE)
        self.key('alias/dr', COPY)
        policies = json.dumps([{'Type': 'NoChangeNotification', 'Version': '1.0',
                                'Attributes': {'After': '60', 'Unit': 'Days'}}])
        for name in ('/prod/a', '/prod/deep/er/and/deeper/b'):
            self.put(name, 'v', Type='SecureString', KeyId='alias/prod', Tier='Advanced',
                     Description='d', Policies=policies, AllowedPattern='v')
        self.go('sync', rules='include: "/prod/**"')
        wanted = {name: dict(row, KeyId='alias/dr') for name, row in self.state(SOURCE).items()}
        self.assertEqual(self.state(COPY), wanted)

    def test_r03_many_names_are_asked_for_within_the_limits_of_each_call(self):
        names = [f'/n{number:03}' for number in range(120)]
        for name in names:
            self.put(name, 'v')
        self.go('sync', rules='include: %s' % json.dumps(names))
        self.assertEqual(len(self.state(COPY)), 120)
        for call in self.witness.calls:
            body = json.loads(call.body) if call.body[:1] == b'{' else {}
            self.assertLessEqual(len(body.get('Names', [])), 10)
            for each in body.get('ParameterFilters', []):
                self.assertLessEqual(len(each['Values']), 50)

    def test_r07_what_cannot_pass_is_tried_once(self):
        self.put('/a', 'v')
        for code in ('AccessDeniedException', 'ValidationException'):
            self.witness.forget()
            self.witness.rules.append(
                lambda call, code=code: error(code) if call.operation == 'PutParameter' else None)
            self.go('sync', status=1)
            self.assertEqual(self.operations().count('PutParameter'), 1, code)

    def test_r09_a_failure_is_in_the_status_and_by_name(self):
        self.put('/bad', 'v')
        self.put('/good', 'v')
        self.witness.rules.append(
            lambda call: error('AccessDeniedException') if call.operation == 'PutParameter' and
            b'/bad' in call.body else None)
        done = self.go('sync', '--json', status=4)
        self.assertEqual({step['name']: step['status'] for step in done.steps()},
                         {'/bad': 'failed', '/good': 'applied'})

    def test_r14_rules_come_from_the_file_that_is_named(self):
        self.put('/a', 'v')
        self.put('/b', 'v')
        self.go('sync', rules='include: "/a"')
        self.assertEqual(set(self.state(COPY)), {'a'})
        self.go('sync', rules='include: "/b"')
        self.assertEqual(set(self.state(COPY)), {'a', 'b'})

    def test_r23_a_secret_does_not_become_plain_text(self):
        self.put('/a', 'planted', Type='SecureString')
        self.go('sync')
        self.ssm().delete_parameter(Name='/a')
        self.put('/a', 'public', Type='String')
        done = self.go('sync', status=4)
        self.assertIn('add plain-text', done.out)
        self.assertEqual(self.state(COPY)['a']['Type'], 'SecureString')
        self.go('sync', '--allow', 'plain-text')
        self.assertEqual(self.state(COPY)['a']['Type'], 'String')

    def test_r57_a_copy_under_another_key_is_mended(self):
        self.key('alias/prod', SOURCE)
        self.key('alias/dr', COPY)
        self.put('/a', 'v', Type='SecureString', KeyId='alias/prod')
        self.put('/a', 'v', COPY, Type='SecureString')
        done = self.go('sync', '--json')
        self.assertEqual(done.steps('update')[0]['changes'], ['key'])
        self.assertEqual(self.state(COPY)['a']['KeyId'], 'alias/dr')

    def test_r57_external_id_reaches_sts(self):
        role = f'arn:aws:iam::{ACCOUNT}:role/r'
        side = f'role_arn: "{role}", external_id: "the-id", region: us-east-1'
        config = CONFIG.replace('region: us-east-1', side).replace('URL', self.witness.url)
        self.run_it('plan', config=config.replace('RULES', ''), status=None)
        bodies = [call.body for call in self.witness.calls if call.operation == 'AssumeRole']
        self.assertTrue(bodies and all(b'ExternalId=the-id' in body for body in bodies))


if __name__ == '__main__':
    unittest.main()
