#!/usr/bin/python3
"""Values that name the source's place: rewritten by rules, shown in the plan, and told of where no
rule does."""
import json
import unittest

from replication import COPIES, SOURCE, Replication

CONFIG = '''
source: { region: ap-south-1, endpoint_url: "URL" }
destinations:
  - region: us-east-1
    endpoint_url: "URL"
    rewrite:
      - { match: ap-south-1, with: us-east-1, descriptions: true }
      - { with: ami-0fedcba9876543210, json_path: "$.image", names: ["/json"] }
  - region: eu-west-1
    endpoint_url: "URL"
    rewrite:
      - { match: ap-south-1, with: eu-west-1, types: [String, StringList] }
      - { match: ami-00000000000000001, with: ami-0000000000000eeee, names: ["/ami/**"] }
parameters:
  rewrite: [{ match: ami-00000000000000001, with: ami-0000000000000aaaa, names: ["/ami/**"] }]
'''
QUEUE = 'https://sqs.%s.amazonaws.com/111111111111/q'


class Rewriting(Replication):
    def setUp(self):
        super().setUp()
        self.config = CONFIG.replace('URL', self.witness.url)

    def go(self, *words, **more):
        return self.run_it(*words, config=self.config, **more)

    def value(self, region, name):
        return self.state(region)[name]['Value']

    IDLE = ('''
source: { region: ap-south-1, endpoint_url: "URL" }
destinations:
  - region: us-east-1
    endpoint_url: "URL"
    keys: { alias/used: alias/dr, alias/typo: alias/dr, "*": alias/dr }
    rewrite: [{ match: used, with: new }, { match: idle-text, with: new }]
  - { region: eu-west-1, endpoint_url: "URL", keys: { alias/used: alias/dr } }
parameters:
  rewrite:
    - { match: anything, with: new, names: ["/typo/**"] }
    - { match: of words, with: new, descriptions: true }
    - { with: new, json_path: "$.no" }
''')

    def test_rules_and_keys_that_match_nothing_are_told(self):
        self.key('alias/used', SOURCE)
        self.key('alias/dr', *COPIES)
        self.put('/a', 'used', Description='of words')
        self.put('/b', 'used', Type='SecureString', KeyId='alias/used')
        config = self.IDLE.replace('URL', self.witness.url)

        def told(*words):
            lines = self.run_it('plan', '--json', *words, config=config).lines
            return {(row['selector'], row['text']) for row in lines[0]['unmatched']}
        never = {('keys', 'alias/typo'), ('rewrite', 'anything')}
        self.assertEqual(told(), {*never, ('rewrite', 'idle-text')})
        done = self.run_it('sync', config=config)
        for words in ("keys 'alias/typo'", "rewrite 'anything'", "rewrite 'idle-text'"):
            self.assertIn(words + ' matches nothing in ap-south-1', done.out)
        # Values that are not read say nothing of a text.
        self.assertEqual(told(), never)
        self.assertEqual(told('--no-state'), {*never, ('rewrite', 'idle-text')})

    def test_a_value_is_rewritten_for_each_destination_and_then_equal(self):
        self.put('/queue', QUEUE % SOURCE, Description='queue of ap-south-1')
        self.put('/secret', 'x@ap-south-1 planted', Type='SecureString')
        done = self.go('plan')
        self.assertIn('rewrite ap-south-1 → us-east-1 (1)', done.out)
        self.assertIn('description rewritten', done.out)
        self.assertIn('names ap-south-1; no rule rewrites it', done.out)
        self.assertNotIn('planted', done.out)
        self.go('sync')
        for region in COPIES:
            self.assertEqual(self.value(region, 'queue'), QUEUE % region)
        self.assertEqual(self.state('us-east-1')['queue']['Description'], 'queue of us-east-1')
        self.assertEqual(self.state('eu-west-1')['queue']['Description'], 'queue of ap-south-1')
        self.assertEqual(self.value('us-east-1', 'secret'), 'x@us-east-1 planted')
        # The rule of eu-west-1 is for plain types.
        self.assertEqual(self.value('eu-west-1', 'secret'), 'x@ap-south-1 planted')
        # Equal is what the rules would make of the source.
        self.witness.forget()
        self.go('verify')
        self.go('sync')
        self.assertEqual(self.witness.writes(), [])
        # The copy as the source is would be a difference.
        self.put('/queue', QUEUE % SOURCE, 'eu-west-1', Overwrite=True)
        done = self.go('sync', '--json')
        self.assertEqual([(step['destination'], step['changes']) for step in done.steps('update')],
                         [('eu-west-1', ['value'])])
        self.assertEqual(self.value('eu-west-1', 'queue'), QUEUE % 'eu-west-1')

    def test_another_rule_is_another_value(self):
        self.put('/queue', QUEUE % SOURCE)
        self.go('sync')
        self.config = self.config.replace('with: eu-west-1', 'with: eu-west-3')
        self.go('verify', status=3)
        self.go('sync')
        self.assertEqual(self.value('eu-west-1', 'queue'), QUEUE % 'eu-west-3')

    def test_what_stands_at_a_path_is_replaced_and_all_else_keeps_its_bytes(self):
        self.put('/json', '{ "image": "ami-0123456789abcdef0",  "n": 1.50, "r": "é" }')
        done = self.go('sync')
        self.assertIn('rewrite $.image: → ami-0fedcba9876543210', done.out)
        self.assertEqual(self.value('us-east-1', 'json'),
                         '{ "image": "ami-0fedcba9876543210",  "n": 1.50, "r": "é" }')
        self.assertIn('names an image; no rule', done.out)  # at eu-west-1

    def test_an_image_that_a_rule_maps_is_carried_and_others_are_blocked(self):
        self.put('/ami/mapped', 'ami-00000000000000001', DataType='aws:ec2:image')
        self.put('/ami/other', 'ami-00000000000000000', DataType='aws:ec2:image')
        done = self.go('sync', '--json', status=4)
        self.assertEqual({(step['name'], step['action']) for step in done.steps()},
                         {('/ami/mapped', 'create'), ('/ami/other', 'blocked')})
        self.assertEqual(self.value('us-east-1', 'ami/mapped'), 'ami-0000000000000aaaa')
        self.assertEqual(self.value('eu-west-1', 'ami/mapped'), 'ami-0000000000000eeee')
        self.assertEqual(set(self.state('eu-west-1')), {'ami/mapped'})

    def test_a_copy_made_without_a_plan_of_its_value_is_told_of_after(self):
        self.put('/host', 'db.ap-south-1.rds.amazonaws.com')
        done = self.run_it('sync')
        self.assertIn('names ap-south-1 (a host); no rule rewrites it', done.out)
        self.assertEqual(self.value('us-east-1', 'host'), 'db.ap-south-1.rds.amazonaws.com')

    def test_a_saved_plan_carries_its_rules(self):
        self.put('/queue', QUEUE % SOURCE)
        self.go('plan', '-o', 'plan.json')
        header = json.loads((self.folder / 'plan.json').read_text().splitlines()[0])
        self.assertEqual(header['config']['destinations'][1]['rewrite'][0]['with'], 'eu-west-1')
        self.run_it('apply', 'plan.json', flags=False)
        self.assertEqual(self.value('us-east-1', 'queue'), QUEUE % 'us-east-1')

    def test_a_lost_answer_is_compared_with_what_was_written(self):
        self.put('/queue', QUEUE % SOURCE)
        lost = []

        def lose_one(call):
            if call.operation == 'PutParameter' and not lost:
                lost.append(call)
                return 'lose'
            return None
        self.witness.rules.append(lose_one)
        self.go('sync')
        self.assertEqual(set(self.versions('us-east-1').values()) |
                         set(self.versions('eu-west-1').values()), {1})


if __name__ == '__main__':
    unittest.main()
