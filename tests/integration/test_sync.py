#!/usr/bin/python3
"""Parameters between Regions of one account: everything is carried, and nothing is written that
need not be."""
import json
import unittest

from replication import COPIES, SOURCE, Replication, error

CONFIG = '''
source: { region: ap-south-1 }
destinations:
  - { region: us-east-1, keys: { "alias/prod": alias/prod-us, "*": alias/rest } }
  - { region: eu-west-1, keys: { "*": alias/prod-eu } }
parameters: { include: ["/prod/**", "root_name"], exclude: ["/prod/tmp/**"] }
'''
POLICIES = [{'Type': 'Expiration', 'Version': '1.0',
             'Attributes': {'Timestamp': '2035-12-31T23:59:59.000Z'}},
            {'Type': 'NoChangeNotification', 'Version': '1.0',
             'Attributes': {'After': '60', 'Unit': 'Days'}}]


class TheExample(Replication):
    def fill(self):
        self.key('alias/prod', SOURCE)
        self.key('alias/prod-us', 'us-east-1')
        self.key('alias/prod-eu', 'eu-west-1')
        self.put('/prod/app/DB_PASSWORD', 'a secret', Type='SecureString', KeyId='alias/prod',
                 Description='of the orders database', Tags=[{'Key': 'team', 'Value': 'orders'},
                                                             {'Key': 'rotated', 'Value': 'no'}])
        self.put('/prod/app/API_KEY', 'another', Type='SecureString')
        self.put('/prod/api/JWT_SECRET', 'a third', Type='SecureString', KeyId='alias/prod')
        self.put('/prod/app/DB_HOST', 'orders.db.internal', AllowedPattern='^[a-z.]+$',
                 Description='é, "quotes" and \\', Tags=[{'Key': 'team', 'Value': ''}])
        self.put('/prod/app/REGIONS', 'a,b,c', Type='StringList')
        self.put('/prod/app/CERTIFICATES', 'x' * 6144, Tier='Advanced',
                 Policies=json.dumps(POLICIES), Tags=[{'Key': 'team', 'Value': 'platform'}])
        self.put('root_name', 'no slash')
        self.put('/prod/tmp/SCRATCH', 'left out')
        self.put('/test/OTHER', 'left out')

    def assertExample(self):
        source = self.state(SOURCE)
        del source['prod/tmp/SCRATCH'], source['test/OTHER']
        for region, key in (('us-east-1', 'alias/prod-us'), ('eu-west-1', 'alias/prod-eu')):
            wanted = {name: dict(fields, KeyId=key if fields['KeyId'] == 'alias/prod'
                                 else fields['KeyId']) for name, fields in source.items()}
            self.assertEqual(self.state(region), wanted, region)

    def test_everything_is_carried_and_then_only_what_changed(self):
        self.fill()
        done = self.run_it('sync', config=CONFIG)
        self.assertIn('applied 14 of 14', done.out)
        self.assertIn('key alias/prod → alias/prod-us', done.out)
        self.assertExample()
        self.assertEqual(set(self.versions('us-east-1').values()), {1})

        # Equal means no write.
        self.witness.forget()
        done = self.run_it('sync', '--json', config=CONFIG)
        self.assertEqual(self.witness.writes(), [])
        self.assertEqual((done.summary['equal'], done.summary['applied']), (14, 0))
        self.run_it('verify', config=CONFIG)

        # One value and one tag: exactly these are written.
        self.put('/prod/app/DB_PASSWORD', 'rotated', Type='SecureString', KeyId='alias/prod',
                 Description='of the orders database', Overwrite=True)
        self.ssm().add_tags_to_resource(ResourceType='Parameter', ResourceId='/prod/app/API_KEY',
                                        Tags=[{'Key': 'team', 'Value': 'payments'}])
        self.witness.forget()
        done = self.run_it('sync', '--json', config=CONFIG)
        self.assertEqual(sorted((call.region, call.operation) for call in self.witness.writes()),
                         [('eu-west-1', 'AddTagsToResource'), ('eu-west-1', 'PutParameter'),
                          ('us-east-1', 'AddTagsToResource'), ('us-east-1', 'PutParameter')])
        self.assertEqual([step['changes'] for step in done.steps('update')],
                         [['tags.team'], ['tags.team'], ['value'], ['value']])
        self.assertExample()
        for region in COPIES:
            changed = {name for name, version in self.versions(region).items() if version > 1}
            self.assertEqual(changed, {'prod/app/DB_PASSWORD'})

    def test_calls_are_counted_as_they_were_made(self):
        self.fill()
        done = self.run_it('sync', '--json', config=CONFIG)
        self.assertEqual(done.summary['calls'], len(self.witness.calls))


class Fields(Replication):
    """Each kind of change by itself, from a copy that was equal."""

    def changed(self, *changes, **how):
        self.witness.forget()
        done = self.run_it('sync', '--json', **how)
        self.assertEqual([(step['changes'], step['status']) for step in done.steps()],
                         [(list(changes), 'applied')] * len(COPIES))
        self.assertCopied()
        self.witness.forget()
        self.run_it('sync', **how)
        self.assertEqual(self.witness.writes(), [])
        self.run_it('verify', **how)

    def test_tags_are_added_changed_and_removed(self):
        self.put('/a', 'v', Tags=[{'Key': 'kept', 'Value': '1'}, {'Key': 'gone', 'Value': '2'},
                                  {'Key': 'other', 'Value': '3'}])
        self.run_it('sync')
        self.ssm().remove_tags_from_resource(ResourceType='Parameter', ResourceId='/a',
                                             TagKeys=['gone'])
        self.ssm().add_tags_to_resource(ResourceType='Parameter', ResourceId='/a', Tags=[
            {'Key': 'new', 'Value': ''}, {'Key': 'other', 'Value': '4'}])
        self.changed('tags.gone', 'tags.new', 'tags.other')
        self.assertEqual(self.versions('us-east-1'), {'a': 1})
        self.ssm().remove_tags_from_resource(ResourceType='Parameter', ResourceId='/a',
                                             TagKeys=['kept', 'new', 'other'])
        self.changed('tags.kept', 'tags.new', 'tags.other')

    def test_type(self):
        self.put('/a', 'v')
        self.run_it('sync')
        self.put('/a', 'v', Type='SecureString', Overwrite=True)
        self.changed('type', 'key')

    def test_tier_and_size(self):
        self.put('/a', 'v')
        self.run_it('sync')
        self.put('/a', 'v' * 5000, Tier='Advanced', Overwrite=True)
        self.changed('value', 'tier')

    def test_description_and_pattern_come_and_go(self):
        self.put('/a', 'v')
        self.run_it('sync')
        self.put('/a', 'v', Description='new', AllowedPattern='v+', Overwrite=True)
        self.changed('description', 'allowedPattern')
        self.put('/a', 'v', Description='', AllowedPattern='', Overwrite=True)
        source = self.state(SOURCE)['a']
        self.assertEqual((source['Description'], source['AllowedPattern']), (None, None))
        self.changed('description', 'allowedPattern')

    def test_policies_come_and_go(self):
        self.put('/a', 'v', Tier='Advanced')
        self.run_it('sync')
        self.put('/a', 'v', Tier='Advanced', Policies=json.dumps(POLICIES), Overwrite=True)
        self.changed('policies')
        self.put('/a', 'v', Tier='Advanced', Policies='[{}]', Overwrite=True)
        self.changed('policies')

    def test_key(self):
        for region in (SOURCE,) + COPIES:
            self.key('alias/one', region)
            self.key('alias/two', region)
        self.put('/a', 'v', Type='SecureString', KeyId='alias/one')
        keys = ('--key', 'alias/one=alias/one', '--key', 'alias/two=alias/two')
        self.run_it('sync', *keys)
        self.put('/a', 'v', Type='SecureString', KeyId='alias/two', Overwrite=True)
        done = self.run_it('sync', '--json', *keys)
        self.assertEqual([step['changes'] for step in done.steps()], [['key'], ['key']])
        self.assertCopied()

    def test_what_was_edited_at_the_destination_is_put_right(self):
        self.put('/a', 'v', Description='d')
        self.run_it('sync')
        for region in COPIES:
            self.put('/a', 'edited', region, Description='by hand', Overwrite=True)
        self.changed('value', 'description')


class Names(Replication):
    def test_root_names_with_and_without_slash_are_one(self):
        self.put('foo', 'one')
        self.put('/bar', 'two')
        self.put('/foo', 'old', 'us-east-1')
        self.put('bar', 'two', 'us-east-1')
        done = self.run_it('sync', '--json', '--include', '/foo', '--include', 'bar')
        self.assertEqual({(step['name'], step['destination'], step['action'])
                          for step in done.steps()},
                         {('foo', 'us-east-1', 'update'), ('foo', 'eu-west-1', 'create'),
                          ('/bar', 'eu-west-1', 'create')})
        self.assertCopied()
        self.assertEqual(self.versions('us-east-1'), {'foo': 2, 'bar': 1})

    def test_many_pages_and_batches(self):
        for number in range(123):
            self.put(f'/prod/n{number:03}', f'value {number}', Type='SecureString',
                     Tags=[{'Key': 'n', 'Value': str(number)}])
        self.put('/prod/tmp/x', 'not this one')
        done = self.run_it('sync', '--json', '--include', '/prod/**', '--exclude', '/prod/tmp/*')
        self.assertEqual(done.summary['applied'], 246)
        source = self.state(SOURCE)
        del source['prod/tmp/x']
        for region in COPIES:
            self.assertEqual(self.state(region), source)
        # Whose account, 3 pages and 2 of tags at the source, one of each at the empty copies, 13
        # batches of values.
        self.assertEqual(done.summary['calls'], 1 + 3 + 2 + 2 * (1 + 1) + 13 + 246)
        self.witness.forget()
        done = self.run_it('verify', '--json', '--include', '/prod/n*')
        self.assertEqual((done.summary['equal'], self.witness.writes()), (246, []))

    def test_rename(self):
        self.put('/prod/x', 'v')
        self.put('/production/x', 'v')
        config = CONFIG.replace('"root_name"]', '"/production/**"], '
                                'rename: [{ from: /prod, to: /dr/prod }]')
        done = self.run_it('sync', config=config)
        self.assertIn('as /dr/prod/x', done.out)
        self.assertEqual(set(self.versions('us-east-1')), {'dr/prod/x', 'production/x'})
        self.run_it('verify', config=config)

    def test_a_rename_that_joins_two_names_is_refused(self):
        self.put('/a/x', 'v')
        self.put('/b/x', 'v')
        config = ('{source: {region: ap-south-1}, destinations: [{region: us-east-1}],'
                  'parameters: {rename: [{from: /a, to: /c}, {from: /b, to: /c}]}}')
        done = self.run_it('sync', config=config, status=1)
        self.assertIn('c/x', done.err)
        self.assertEqual(self.witness.writes(), [])

    def test_a_selector_that_matches_nothing_is_told(self):
        self.put('/a', 'v')
        done = self.run_it('plan', '--include', '/a', '--include', '/typo/**')
        self.assertIn("include '/typo/**' matches nothing in ap-south-1", done.out)
        done = self.run_it('plan', '--json', '--include', '/a', '--include', '/typo/**')
        self.assertEqual(done.lines[0]['unmatched_includes'], ['/typo/**'])


class NotCarried(Replication):
    def test_an_unmapped_customer_key_is_blocked_not_downgraded(self):
        self.key('alias/prod', SOURCE)
        self.put('/a', 'v', Type='SecureString', KeyId='alias/prod')
        self.put('/b', 'v')
        done = self.run_it('sync', status=4)
        self.assertIn('the customer key alias/prod is not mapped', done.out)
        self.assertIn('applied 2 of 2', done.out)
        self.assertIn('2 blocked', done.out)
        self.assertEqual(set(self.state('us-east-1')), {'b'})
        self.run_it('verify', status=3)
        self.run_it('sync', '--allow', 'default-key')
        self.assertEqual(self.state('us-east-1')['a']['KeyId'], 'alias/aws/ssm')

    def test_an_image_of_a_region_is_blocked(self):
        self.put('/ami', 'ami-0123456789abcdef0', DataType='aws:ec2:image')
        done = self.run_it('sync', status=4)
        self.assertIn('! /ami', done.out)
        self.assertEqual(self.witness.writes(), [])
        # Allowed, it is tried; AWS takes the write and drops it where there is no such image.
        done = self.run_it('sync', '--allow', 'aws:ec2:image', status=1)
        self.assertIn('the image may not exist in that Region', done.out)
        self.assertEqual(self.state('us-east-1'), {})

    def test_a_secret_is_not_replaced_by_plain_text(self):
        self.put('/a', 'plain')
        self.put('/a', 'secret', 'us-east-1', Type='SecureString')
        done = self.run_it('sync', status=4)
        self.assertIn('plain-text', done.out)
        self.assertEqual(self.state('us-east-1')['a']['Value'], 'secret')
        self.run_it('sync', '--allow', 'plain-text')
        self.assertCopied()

    def test_a_tier_that_cannot_be_lowered_is_told(self):
        self.put('/a', 'v')
        self.put('/a', 'old', 'us-east-1', Tier='Advanced')
        done = self.run_it('sync')
        self.assertIn('the copy stays Advanced', done.out)
        self.assertEqual(self.state('us-east-1')['a']['Value'], 'v')
        done = self.run_it('sync', status=4)  # nothing but the tier differs now: said, not hidden
        self.assertIn('! /a', done.out)

    def test_every_selected_parameter_is_accounted_for(self):
        self.key('alias/prod', SOURCE)
        self.put('/a', 'v', Type='SecureString', KeyId='alias/prod')
        for name in ('/b', '/c', '/d'):
            self.put(name, name)
        self.put('/b', 'v', 'us-east-1')
        self.put('/c', '/c', 'us-east-1')
        self.witness.rules.append(
            lambda call: error('AccessDeniedException')
            if call.operation == 'PutParameter' and b'"/d"' in call.body else None)
        sums = self.run_it('sync', '--json', status=4).summary
        self.assertEqual(sums['selected'] * len(COPIES), sums['equal'] + sums['applied'] +
                         sums['failed'] + sums['conflict'] + sums['blocked'] + sums['unseen'])
        self.assertEqual((sums['equal'], sums['blocked'], sums['failed']), (1, 2, 2))


if __name__ == '__main__':
    unittest.main()
