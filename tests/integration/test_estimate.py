#!/usr/bin/python3
"""What a plan foretells, counted by a witness."""
import collections
import unittest

from replication import COPIES, SOURCE, Replication


class Estimate(Replication):
    def counted(self):
        calls = collections.Counter((call.region, call.operation) for call in self.witness.calls
                                    if call.service != 'sts')
        self.witness.forget()
        return calls

    def foretold(self, *flags, state='--no-state', **how):
        """The estimate; it is exact for the calls that a sync makes beyond those of the plan."""
        flags = (*flags, *state.split())
        self.run_it('plan', *flags, **how)  # what it finds equal is not read again
        self.witness.forget()
        done = self.run_it('plan', '--json', *flags, **how)
        planning = self.counted()
        estimate = next(line for line in done.lines if line['type'] == 'estimate')
        said = self.run_it('plan', *flags, **how).out
        self.witness.forget()
        done = self.run_it('sync', '--json', *flags, **how)
        writing = self.counted() - planning
        self.assertEqual({(row['region'], row['operation']): row['count']
                          for row in estimate['calls']}, dict(writing))
        self.assertEqual(estimate['reads'] + estimate['writes'], sum(writing.values()))
        self.assertEqual(done.summary['estimated_calls'], done.summary['calls'])
        return estimate, said

    def test_new_parameters(self):
        for number in range(23):
            self.put(f'/n{number:02}', 'v', Tags=[{'Key': 'k', 'Value': 'v'}])
        estimate, said = self.foretold()
        self.assertEqual((estimate['reads'], estimate['writes']), (3, 46))
        # 23 puts at 3 a second in each Region; Regions side by side.
        self.assertEqual(estimate['seconds'], 8)
        self.assertIn('to apply: 3 reads and 46 writes beside the listings, 8 s at the quotas',
                      said)
        self.assertIn('\n  us-east-1: 23 PutParameter\n', said)
        self.assertNotIn('a month', said)

    def test_changes_of_all_sorts(self):
        for number in range(15):
            self.put(f'/n{number:02}', 'v', Tags=[{'Key': 'k', 'Value': 'v'}])
        self.put('/gone', 'v')
        self.put('/marked', 'v')
        self.run_it('sync')
        for number in range(12):
            self.put(f'/n{number:02}', 'new', Overwrite=True)
        self.ssm().add_tags_to_resource(ResourceType='Parameter', ResourceId='/n13',
                                        Tags=[{'Key': 'new', 'Value': 'v'}])
        self.ssm().remove_tags_from_resource(ResourceType='Parameter', ResourceId='/n14',
                                             TagKeys=['k'])
        self.put('/new', 'v')
        self.ssm().delete_parameter(Name='/gone')
        self.foretold('--deletes', 'owned', '--max-delete', '100%')  # marks
        self.put('/another', 'v')
        self.foretold('--deletes', 'owned', '--max-delete', '100%', '--delete-grace', '0')
        self.assertCopied()

    # --- labels, versions and undo ---------------------------------------------------------------
    def carried(self, rules, state=''):
        config = (f'source: {{ region: {SOURCE}, endpoint_url: "{self.witness.url}" }}\n'
                  'destinations:\n' + ''.join(
                      f'  - {{ region: {region}, endpoint_url: "{self.witness.url}" }}\n'
                      for region in COPIES) +
                  f'parameters: {{ {rules}, deletes: owned, delete_grace: "0", max_delete: "100%",'
                  ' replace_wait: 0, allow: [replace] }\n')
        return self.foretold(state=state, config=config)[0]

    def label(self, name, version, *labels, region=SOURCE):
        self.ssm(region).label_parameter_version(Name=name, ParameterVersion=version,
                                                 Labels=list(labels))

    def fill(self, name, *values, region=SOURCE, **more):
        for value in values:
            self.put(name, value, region, Overwrite=True, **more)

    def test_labels_and_versions_are_counted(self):
        both = 'labels: true, history: 60'
        for state, rules in (('', 'labels: true'), ('', 'history: 3'), ('', both),
                             ('--no-undo', both), ('--no-state', both)):
            with self.subTest(state=state, rules=rules):
                self.server.reset()
                self.changes_of_labels_and_versions(rules, state)

    def changes_of_labels_and_versions(self, rules, state):
        self.fill('/a', 'one', 'two', 'three')
        self.label('/a', 2, 'old')
        self.label('/a', 3, 'new', 'newest')
        self.fill('/long', *(f'v{n}' for n in range(51)))
        self.fill('/moves', 'one', 'two')
        self.label('/moves', 2, 'x', 'y')
        self.fill('/gone', *(f'v{n}' for n in range(4)))
        self.fill('/tier', 'one', 'two')
        self.label('/tier', 2, 'present')
        self.fill('/tier', 'other', 'two', region='us-east-1', Tier='Advanced')
        self.label('/tier', 1, 'stray', region='us-east-1')
        estimate = self.carried(rules, state)
        rows = {(row['region'], row['operation']): row['count'] for row in estimate['calls']}
        self.assertEqual(rows['us-east-1', 'PutParameter'],
                         {'labels: true': 5, 'history: 3': 12}.get(rules, 61))
        self.fill('/a', 'four', 'five')
        self.label('/a', 5, 'new')
        self.ssm().unlabel_parameter_version(Name='/a', ParameterVersion=3, Labels=['newest'])
        self.fill('/long', 'more')
        self.ssm().unlabel_parameter_version(Name='/moves', ParameterVersion=2, Labels=['y'])
        self.label('/moves', 2, 'z')
        for name in ('/gone', '/tier'):
            self.ssm().delete_parameter(Name=name)
        self.carried(rules, state)

    def test_what_undo_reads_is_counted(self):
        for number in range(12):
            self.put(f'/n{number:02}', 'v')
        self.put('/gone', 'v')
        self.carried('adopt: false')
        for number in range(11):
            self.put(f'/n{number:02}', 'new', Overwrite=True)
        self.ssm().delete_parameter(Name='/gone')
        estimate = self.carried('adopt: false')
        self.assertNotIn('GetParameterHistory', {row['operation'] for row in estimate['calls']})

    def test_advanced_parameters_have_a_price(self):
        self.put('/a', 'v', Tier='Advanced')
        self.put('/b', 'v')
        self.run_it('sync', '--include', '/b')
        self.put('/b', 'v', Tier='Advanced', Overwrite=True)
        estimate, said = self.foretold()
        self.assertEqual((estimate['priced'], estimate['monthly_usd']), (4, 0.20))
        self.assertIn('4 copies that AWS charges for: $0.20 a month more', said)

    def test_one_is_not_said_as_many(self):
        self.put('/a', 'v')
        said = self.foretold(config='source: {region: ap-south-1}\n'
                             'destinations: [{region: us-east-1}]\n')[1]
        self.assertIn('to apply: 1 read and 1 write beside the listings', said)

    def test_regions_wait_side_by_side_and_not_one_after_the_other(self):
        for number in range(12):
            self.put(f'/n{number:02}', 'v')
        config = ('source: {region: ap-south-1}\ndestinations:\n'
                  '  - {region: us-east-1}\n  - {region: eu-west-1, quotas: {PutParameter: 1}}\n')
        done = self.run_it('plan', '--json', config=config)
        estimate = next(line for line in done.lines if line['type'] == 'estimate')
        self.assertEqual(estimate['seconds'], 12)  # not 4 + 12: the slower Region's

    def test_the_quotas_of_the_account_count(self):
        for number in range(10):
            self.put(f'/n{number}', 'v')
        config = ('source: {region: ap-south-1}\ndestinations:\n'
                  '  - {region: us-east-1, quotas: {PutParameter: 10}}\n')
        done = self.run_it('plan', '--json', config=config)
        estimate = next(line for line in done.lines if line['type'] == 'estimate')
        self.assertEqual(estimate['seconds'], 1)

    def test_nothing_to_do_foretells_nothing(self):
        self.put('/a', 'v')
        self.run_it('sync')
        done = self.run_it('plan', '--json')
        estimate = next(line for line in done.lines if line['type'] == 'estimate')
        self.assertEqual((estimate['reads'], estimate['writes'], estimate['calls']), (0, 0, []))
        self.assertNotIn('to apply', self.run_it('plan').out)


if __name__ == '__main__':
    unittest.main()
