#!/usr/bin/python3
"""What a plan foretells, counted by a witness."""
import collections
import unittest

from replication import Replication


class Estimate(Replication):
    def counted(self):
        calls = collections.Counter((call.region, call.operation) for call in self.witness.calls
                                    if call.service != 'sts')
        self.witness.forget()
        return calls

    def foretold(self, *flags):
        """The estimate; it is exact for the calls that a sync makes beyond those of the plan."""
        self.witness.forget()
        done = self.run_it('plan', '--json', '--no-state', *flags)
        planning = self.counted()
        estimate = next(line for line in done.lines if line['type'] == 'estimate')
        said = self.run_it('plan', '--no-state', *flags).out
        self.witness.forget()
        done = self.run_it('sync', '--json', '--no-state', *flags)
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

    def test_advanced_parameters_have_a_price(self):
        self.put('/a', 'v', Tier='Advanced')
        self.put('/b', 'v')
        self.run_it('sync', '--include', '/b')
        self.put('/b', 'v', Tier='Advanced', Overwrite=True)
        estimate, said = self.foretold()
        self.assertEqual((estimate['priced'], estimate['monthly_usd']), (4, 0.20))
        self.assertIn('4 copies that AWS charges for: $0.20 a month more', said)

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
