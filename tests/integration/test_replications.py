#!/usr/bin/python3
"""Several replications in one file: each has its own source, destinations and rules; plans, exit
statuses and sums are of all."""
import json
import unittest

from replication import SOURCE, Replication, error

CONFIG = '''
parameters: { include: "/prod/**" }
replications:
  - name: south
    source: { region: ap-south-1 }
    destinations: [{ region: us-east-1 }]
  - name: west
    source: { region: eu-west-1 }
    destinations: [{ region: us-east-1 }, { region: eu-west-2 }]
    parameters: { rename: [{ from: /prod, to: /west }] }
'''
WEST = 'eu-west-1'


class Several(Replication):
    def setUp(self):
        super().setUp()
        self.config = CONFIG.replace('{ region:', '{ endpoint_url: "%s", region:' %
                                     self.witness.url)
        self.put('/prod/a', 'south')
        self.put('/prod/a', 'west', WEST)
        self.put('/prod/b', 'west', WEST)

    def go(self, *words, **more):
        return self.run_it(*words, config=self.config, **more)

    def saved(self):
        path = self.folder / 'plan.json'
        return path, path.read_text(encoding='utf-8').splitlines(keepends=True)

    def test_each_is_carried_out_with_its_own_rules(self):
        done = self.go('plan')
        self.assertEqual(self.witness.writes(), [])
        self.assertIn('south: ap-south-1', done.out)
        self.assertIn('2 replications: 0 equal, 5 to write', done.out)
        done = self.go('sync')
        self.assertIn('2 replications: 0 equal, 5 applied', done.out)
        self.assertEqual({name: row['Value'] for name, row in self.state('us-east-1').items()},
                         {'prod/a': 'south', 'west/a': 'west', 'west/b': 'west'})
        self.assertEqual(set(self.state('eu-west-2')), {'west/a', 'west/b'})
        self.go('verify')
        self.put('/prod/b', 'newer', WEST, Overwrite=True)
        self.go('verify', status=3)

    def test_json_has_a_part_for_each_and_the_sums(self):
        lines = self.go('sync', '--json').lines
        self.assertEqual([line['type'] for line in lines if line['type'] != 'step'],
                         ['sync', 'summary', 'sync', 'summary', 'total'])
        self.assertEqual([(line['replication'], line['replications'], line['name'])
                          for line in lines if line['type'] == 'sync'],
                         [(1, 2, 'south'), (2, 2, 'west')])
        self.assertEqual([line['applied'] for line in lines if 'applied' in line], [1, 4, 5])

    def test_a_saved_plan_holds_all(self):
        self.go('plan', '-o', 'plan.json')
        self.put('/prod/b', 'newer', WEST, Overwrite=True)
        done = self.run_it('apply', 'plan.json', '--partial', '--json', flags=False, status=4)
        self.assertEqual((done.summary['type'], done.summary['applied'], done.summary['conflict']),
                         ('total', 3, 2))
        self.assertEqual(set(self.state('us-east-1')), {'prod/a', 'west/a'})

    def test_what_moved_in_one_refuses_all(self):
        self.go('plan', '-o', 'plan.json')
        self.put('/prod/b', 'newer', WEST, Overwrite=True)
        done = self.run_it('apply', 'plan.json', flags=False, status=1)
        self.assertIn('what the plan saw has moved, and nothing was written', done.err)
        self.assertEqual(self.witness.writes(), [])
        self.assertIn('2 moved since the plan', done.out)

    def test_one_that_cannot_be_checked_refuses_all(self):
        self.go('plan', '-o', 'plan.json')

        def deny(call):
            return error('AccessDeniedException') if call.region == WEST and \
                call.operation == 'DescribeParameters' else None
        self.witness.rules.append(deny)
        done = self.run_it('apply', 'plan.json', flags=False, status=1)
        self.assertIn('not every replication of the plan could be checked', done.err)
        self.assertEqual(self.witness.writes(), [])
        self.run_it('apply', 'plan.json', '--partial', flags=False, status=4)
        self.assertEqual(set(self.state('us-east-1')), {'prod/a'})
        self.witness.rules.clear()
        # The same plan goes on; what is new since is left.
        self.put('/prod/new', 'v', WEST)
        total = self.run_it('apply', 'plan.json', '--partial', '--json', flags=False).summary
        self.assertEqual((total['applied'], total['left']), (4, 2))

    def test_a_plan_that_stands_is_carried_out_with_one_reading_of_each(self):
        self.go('plan', '-o', 'plan.json')
        self.witness.forget()
        done = self.run_it('apply', 'plan.json', flags=False)
        self.assertIn('2 replications: 0 equal, 5 applied', done.out)
        listed = [call.region for call in self.witness.calls
                  if call.operation == 'DescribeParameters']
        self.assertEqual(sorted(listed), ['ap-south-1', 'eu-west-1', 'eu-west-2', 'us-east-1',
                                          'us-east-1'])

    def test_a_plan_without_one_of_them_is_refused_before_anything_is_written(self):
        self.go('plan', '-o', 'plan.json')
        path, lines = self.saved()
        second = next(number for number, line in enumerate(lines) if '"name":"west"' in line)
        for damaged in (lines[:second], lines[second:], lines[:second] + lines[second + 1:],
                        lines[second:] + lines[:second], lines[:second] + lines[second:-2]):
            path.write_text(''.join(damaged), encoding='utf-8')
            done = self.run_it('apply', 'plan.json', flags=False, status=2)
            self.assertIn('plan.json', done.err)
        self.assertEqual(self.state('us-east-1'), {})

    def test_one_that_fails_does_not_stop_the_others(self):
        self.witness.rules.append(
            lambda call: error('AccessDeniedException') if call.region == SOURCE and
            call.operation == 'DescribeParameters' else None)
        done = self.go('sync', '--json', status=4)
        self.assertEqual([line['type'] for line in done.lines if line['type'] != 'step'],
                         ['failed', 'sync', 'summary', 'total'])
        self.assertEqual(done.lines[0]['name'], 'south')
        self.assertIn('replication south: ', done.err)
        self.assertEqual(set(self.state('us-east-1')), {'west/a', 'west/b'})
        # A plan that lacks one is not kept.
        self.go('plan', '-o', 'plan.json', status=4)
        self.assertFalse((self.folder / 'plan.json').exists())
        self.witness.rules.append(
            lambda call: error('AccessDeniedException') if call.operation == 'DescribeParameters'
            else None)
        self.go('verify', status=1)

    def test_some_are_chosen_by_name(self):
        self.go('sync', '--replication', 'south')
        self.assertEqual(set(self.state('us-east-1')), {'prod/a'})
        done = self.go('sync', '--replication', 'north', status=2)
        self.assertIn("no replication is called 'north'", done.err)
        done = self.go('sync', '--source-region', 'eu-west-3', status=2)
        self.assertIn('--replication NAME', done.err)
        self.go('plan', '--replication', 'west', '-o', 'plan.json')
        self.assertEqual(json.loads(self.saved()[1][0])['name'], 'west')


if __name__ == '__main__':
    unittest.main()
