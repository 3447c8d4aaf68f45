#!/usr/bin/python3
"""What AWS lets a copy be: tiers that rise and do not fall, policies that have ended, limits, and
copies that must be made again."""
import json
import unittest

from replication import SOURCE, Replication, error

COPY = 'us-east-1'
CONFIG = '''
source: { region: ap-south-1, endpoint_url: "URL" }
destinations: [{ region: us-east-1, endpoint_url: "URL", MORE }]
parameters: { replace_wait: 0, RULES }
'''


def expiry(when):
    return json.dumps([{'Type': 'Expiration', 'Version': '1.0',
                        'Attributes': {'Timestamp': when}}])


class Fidelity(Replication):
    def go(self, *words, more='', rules='', **how):
        config = CONFIG.replace('URL', self.witness.url).replace('MORE', more)
        return self.run_it(*words, config=config.replace('RULES', rules), **how)

    def copy(self, name):
        return self.state(COPY)[name]

    def operations(self):
        return [call.operation for call in self.witness.writes()]

    def test_r19_a_tier_is_raised_with_the_source(self):
        self.put('/a', 'v')
        self.go('sync')
        self.put('/a', 'x' * 5000, Tier='Advanced', Overwrite=True)
        self.go('sync')
        self.assertEqual((self.copy('a')['Tier'], self.versions(COPY)['a']), ('Advanced', 2))

    def test_r13_a_tier_is_not_lowered_in_silence(self):
        self.put('/a', 'v')
        self.put('/a', 'old', COPY, Tier='Advanced')
        done = self.go('sync')
        self.assertIn('stays Advanced', done.out)
        self.assertEqual((self.copy('a')['Value'], self.copy('a')['Tier']), ('v', 'Advanced'))
        self.assertNotIn('DeleteParameters', self.operations())

    def test_r13_a_replacement_must_be_allowed_and_is_seen_in_the_plan(self):
        for name in ('/a', '/b'):
            self.put(name, 'v', Tags=[{'Key': 'k', 'Value': 'v'}])
            self.put(name, 'v', COPY, Tier='Advanced')
        done = self.go('plan', '--json', '--allow-replace', '/a')
        self.assertEqual({step['name']: step['action'] for step in done.steps()},
                         {'/a': 'replace', '/b': 'update'})
        self.witness.forget()
        done = self.go('sync', '--allow-replace', '/a')
        self.assertIn('deleted and made again: AWS does not lower a tier', done.out)
        self.assertEqual((self.copy('a')['Tier'], self.copy('b')['Tier']), ('Standard', 'Advanced'))
        self.assertEqual(self.copy('a')['Tags'], {'k': 'v'})
        self.assertEqual(self.versions(COPY)['a'], 1)
        self.go('sync', rules='allow: [replace]')
        self.go('verify', rules='allow: [replace]')
        self.assertEqual(self.state(COPY), self.state(SOURCE))

    def test_a_replacement_in_a_saved_plan_is_carried_out(self):
        self.put('/a', 'v')
        self.put('/a', 'v', COPY, Tier='Advanced')
        self.go('plan', '-o', 'plan.json', rules='allow: replace')
        self.run_it('apply', 'plan.json', flags=False)
        self.assertEqual(self.copy('a')['Tier'], 'Standard')

    def test_what_somebody_wrote_meanwhile_is_not_replaced(self):
        self.put('/a', 'v')
        self.put('/a', 'v', COPY, Tier='Advanced')

        def write_first(call):
            if call.operation == 'GetParameters' and call.region == SOURCE:
                self.ssm(COPY).put_parameter(Name='/a', Value='edited', Overwrite=True)
            return None
        # The value is read for the comparison, then for the writing.
        done = self.go('plan', '-o', 'plan.json', rules='allow: replace')
        self.witness.rules.append(write_first)
        done = self.run_it('apply', 'plan.json', flags=False, status=None)
        self.assertIn(done.status, (1, 4))
        self.assertEqual(self.copy('a')['Value'], 'edited')

    def test_a_replacement_that_could_not_be_finished_is_by_the_next_run(self):
        self.put('/a', 'v')
        self.put('/a', 'v', COPY, Tier='Advanced')
        self.witness.rules.append(
            lambda call: error('AccessDeniedException') if call.operation == 'PutParameter' else
            None)
        done = self.go('sync', rules='allow: replace', status=1)
        self.assertIn('run again', done.out)
        self.witness.forget()
        self.go('sync', rules='allow: replace')
        self.assertEqual(self.copy('a')['Tier'], 'Standard')

    def test_r13_a_type_change_that_aws_refuses_is_a_replacement(self):
        self.put('/a', 'v', Type='SecureString')
        self.put('/a', 'v', COPY)

        def refuse(call):
            return error('HierarchyTypeMismatchException') if call.operation == 'PutParameter' \
                and b'"Overwrite":true' in call.body.replace(b' ', b'') else None
        self.witness.rules.append(refuse)
        done = self.go('sync', status=1)
        self.assertIn('--allow-replace', done.out)
        self.assertEqual(self.copy('a')['Type'], 'String')
        self.go('sync', '--allow-replace', '/a')
        self.assertEqual(self.copy('a')['Type'], 'SecureString')

    def test_a_type_change_that_aws_permits_is_an_update(self):
        self.put('/a', 'v', Type='SecureString')
        self.put('/a', 'v', COPY)
        self.go('sync')
        self.assertEqual((self.copy('a')['Type'], self.versions(COPY)['a']), ('SecureString', 2))

    def test_intelligent_tiering_is_asked_for_and_whatever_it_chose_is_equal(self):
        self.put('/small', 'v')
        self.put('/large', 'x' * 5000, Tier='Advanced')
        self.put('/small', 'v', COPY, Tier='Advanced')
        self.go('sync', more='tier: intelligent')
        self.assertEqual(self.copy('large')['Tier'], 'Advanced')
        self.witness.forget()
        self.go('verify', more='tier: intelligent')
        self.go('sync', rules='tier: intelligent')
        self.assertEqual(self.operations(), [])

    def test_advanced_everywhere_when_asked_for(self):
        self.put('/small', 'v')
        self.go('sync', rules='tier: advanced')
        self.assertEqual(self.copy('small')['Tier'], 'Advanced')
        self.go('verify', rules='tier: advanced')

    def test_r47_a_value_that_grows_by_a_rule_rises_with_it(self):
        self.put('/a', 'm' * 4000)
        grow = 'rewrite: [{ match: mmmm, with: mmmmmm }]'
        done = self.go('sync', rules=grow)
        self.assertIn('tier Advanced: the value has 6000 bytes', done.out)
        self.assertEqual(self.copy('a')['Tier'], 'Advanced')
        self.go('verify', rules=grow)
        self.put('/b', 'm' * 4000)
        done = self.go('sync', rules='rewrite: [{ match: m, with: mmm }]', status=4)
        self.assertIn('the value has 12000 bytes', done.out)

    def test_r47_a_full_region_blocks_and_says_what_to_do(self):
        self.put('/a', 'v')
        self.witness.rules.append(
            lambda call: error('ParameterLimitExceeded') if call.operation == 'PutParameter'
            else None)
        done = self.go('sync', '--json', status=4)
        self.assertEqual(done.steps('blocked')[0]['name'], '/a')
        self.assertIn('tier: intelligent', done.steps('blocked')[0]['reason'])

    def test_r13_a_policy_that_has_ended_is_blocked_and_others_are_carried(self):
        self.put('/ended', 'v', Tier='Advanced', Policies=expiry('2035-01-01T00:00:00Z'))
        self.put('/ends', 'v', Tier='Advanced', Policies=expiry('2035-01-01T05:30:00+05:30'))

        def ended(call):
            if call.operation != 'DescribeParameters' or call.region != SOURCE:
                return None
            rows = self.ssm().describe_parameters()['Parameters']
            for row in rows:
                row['LastModifiedDate'] = row['LastModifiedDate'].timestamp()
                if row['Name'] == '/ended':
                    row['Policies'][0]['PolicyText'] = \
                        row['Policies'][0]['PolicyText'].replace('2035', '2015')
            return 200, json.dumps({'Parameters': rows})
        self.witness.rules.append(ended)
        done = self.go('sync', status=4)
        self.assertIn('its Expiration policy ended 2015-01-01', done.out)
        self.assertEqual(set(self.state(COPY)), {'ends'})

    def test_an_integration_keeps_its_place(self):
        hooks = '/d9d01087-4a3f-49e0-b0b4-d568d7826553/ssm/integrations/webhook'
        self.put(hooks + '/a', 'v', Type='SecureString', DataType='aws:ssm:integration')
        self.go('sync')
        self.assertEqual(self.state(COPY), self.state(SOURCE))
        done = self.go('sync', rules='rename: [{ from: /, to: /copy }]', status=4)
        self.assertIn('must keep its name', done.out)

    def test_descriptions_and_patterns_are_cleared_as_well(self):
        self.put('/a', 'v', Description='d', AllowedPattern='v')
        self.go('sync')
        self.put('/a', 'v', Description='', AllowedPattern='', Overwrite=True)
        self.go('sync')
        self.assertEqual(self.state(COPY), self.state(SOURCE))
        self.assertIsNone(self.copy('a')['Description'])


if __name__ == '__main__':
    unittest.main()
