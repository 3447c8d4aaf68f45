#!/usr/bin/python3
"""Two Regions that are both written: by one-shot runs, and by two reconcilers at once."""
import os
import random
import subprocess
import unittest

from replication import COPIES, SOURCE, Replication, error
from test_reconcile import Reconciler
import roles  # beside local_server: replication made it known

COPY = COPIES[0]
HERE, THERE = SOURCE, COPY


class TwoWay(Replication):
    """understudy acts as a role of its own, as it should: what it wrote is told from edits."""

    def setUp(self):
        super().setUp()
        self.keys = roles.assume(self.server, roles.make(
            self.server, 'understudy', roles.allow(['ssm:*', 'kms:*', 'tag:*'])), session='one')

    def environment(self):
        key, secret, token = self.keys
        return super().environment() | {'AWS_ACCESS_KEY_ID': key, 'AWS_SECRET_ACCESS_KEY': secret,
                                        'AWS_SESSION_TOKEN': token}

    def config(self, more=''):
        url = self.witness.url
        return (f'source: {{ region: {HERE}, endpoint_url: "{url}" }}\n'
                f'destinations: [{{ region: {THERE}, endpoint_url: "{url}" }}]\n'
                f'parameters: {{ two_way: true{more} }}\n')

    def sync(self, *words, command='sync', status=0, more=''):
        return self.run_it(command, *words, flags=False, config=self.config(more), status=status)

    def open(self, *words, more='', name='reconcile'):
        return Reconciler(self, self.config(more), *words, name=name)

    def edit(self, region, name, value, **more):
        return self.put(name, value, region=region, Overwrite=True, **more)

    def value(self, region, name):
        return self.state(region)[name]['Value']

    def history(self, region, name):
        pages = self.ssm(region).get_paginator('get_parameter_history').paginate(
            Name=name, WithDecryption=True)
        return [row for page in pages for row in page['Parameters']]

    def values(self, region, name):
        return [row['Value'] for row in self.history(region, name)]

    def assertEven(self):
        self.assertEqual(self.state(HERE), self.state(THERE))

    def assertQuiet(self, *words, **how):
        self.witness.forget()
        self.sync(*words, **how)
        self.assertEqual(self.witness.writes(), [])
        self.sync(*words, command='verify', **how)


class Runs(TwoWay):
    def test_each_side_gets_what_the_other_has(self):
        self.put('/here', 'h', Description='d', Tags=[{'Key': 'team', 'Value': 'a'}])
        self.put('/there', 't', region=THERE, Type='SecureString')
        self.put('/both', 'b')
        self.put('/both', 'b', region=THERE)
        self.sync(command='verify', status=3)
        self.sync()
        self.assertEven()
        self.assertQuiet()
        self.assertEqual(self.versions(HERE), {'here': 1, 'there': 1, 'both': 1})

    def test_the_side_that_changed_is_followed(self):
        for state in ([], ['--no-state']):
            name = '/a' + str(len(state))
            self.put(name, 'one')
            self.sync(*state)
            for region in (THERE, HERE, THERE, THERE, HERE):
                value = f'{region} {random.random()}'
                self.edit(region, name, value)
                self.sync(*state)
                self.assertEqual((self.value(HERE, name[1:]), self.value(THERE, name[1:])),
                                 (value, value))
            self.assertQuiet(*state)

    def test_of_two_edits_the_later_wins_and_the_other_stays_in_its_history(self):
        for first, second in ((HERE, THERE), (THERE, HERE)):
            name = '/' + first
            self.put(name, 'old')
            self.sync()
            self.edit(first, name, 'earlier')
            self.edit(second, name, 'later')
            done = self.sync()
            self.assertIn(f'both were edited: version 2 of {first}', done.out)
            self.assertEqual((self.value(HERE, first), self.value(THERE, first)),
                             ('later', 'later'))
            self.assertEqual(self.values(first, name), ['old', 'earlier', 'later'])
            self.assertQuiet()

    def test_an_edit_behind_what_understudy_wrote_is_not_lost(self):
        """The copy is later by the clock, and yet the older: understudy wrote it."""
        self.put('/a', 'one')
        self.sync('--no-state')
        self.edit(HERE, '/a', 'two')
        ours = self.server.client('ssm', THERE, keys=self.keys)
        self.edit(HERE, '/a', 'three')
        ours.put_parameter(Name='/a', Value='two', Type='String', Overwrite=True)
        self.sync('--no-state')
        self.assertEqual((self.value(HERE, 'a'), self.value(THERE, 'a')), ('three', 'three'))

    def test_the_owner_of_a_prefix_wins(self):
        more = f', owners: {{ "/app/**": {THERE} }}'
        self.put('/app/a', 'there', region=THERE)
        self.put('/b', 'here')
        self.sync(more=more)
        self.edit(HERE, '/app/a', 'not its owner')
        self.edit(HERE, '/b', 'newer')
        done = self.sync(more=more)
        self.assertIn("not its owner's: version 2 of ap-south-1", done.out)
        self.assertEqual(self.value(HERE, 'app/a'), 'there')
        self.assertEqual(self.value(THERE, 'b'), 'newer')
        self.assertQuiet(more=more)

    def test_deleted_where_it_was_made_it_goes_and_elsewhere_it_comes_back(self):
        more = ', deletes: owned, delete_grace: "0", max_delete: 5'
        self.put('/here', 'h')
        self.put('/there', 't', region=THERE)
        self.put('/stays', 's')
        self.sync(more=more)
        self.ssm(HERE).delete_parameter(Name='/here')
        self.ssm(THERE).delete_parameter(Name='/there')
        self.ssm(THERE).delete_parameter(Name='/stays')
        self.sync(more=more)
        self.assertEqual(set(self.state(HERE)), {'stays'})
        self.assertEven()
        self.assertQuiet(more=more)

    def test_r18_without_deletes_nothing_goes_and_nothing_comes_back(self):
        self.put('/a', 'h')
        self.sync()
        self.ssm(HERE).delete_parameter(Name='/a')
        self.sync()
        self.assertEqual((set(self.state(HERE)), set(self.state(THERE))), (set(), {'a'}))

    def test_a_copy_that_was_edited_outlives_its_source(self):
        more = ', deletes: owned, delete_grace: "0", max_delete: 5'
        self.put('/a', 'h')
        self.put('/b', 'h')
        self.sync(more=more)
        self.edit(THERE, '/a', 'edited')
        self.ssm(HERE).delete_parameter(Name='/a')
        done = self.sync(more=more)
        self.assertIn('kept', done.out)
        self.assertEqual(self.value(THERE, 'a'), 'edited')

    def test_what_cannot_go_back_is_refused(self):
        for more, words in (
                (', rename: [{ from: /a, to: /b }]', 'rename'), (', labels: true', 'labels'),
                (', history: 3', 'history'), (', on_edit: keep', 'on_edit'),
                (', deletes: all', 'deletes: all'), (', ownership: none', 'ownership'),
                (', owners: { "/a/**": eu-west-3 }', 'neither'),
                (', writers: [me]', 'not an ARN'),
                (', rewrite: [{ match: a, with: b }]', 'rewrite')):
            self.assertIn(words, self.sync(more=more, status=None).err)


class BrokenOff(TwoWay):
    """Between writing over an edit that nobody saw and putting it back."""

    def meet(self, region, name, history=None, put=None):
        """Somebody writes there right before understudy does, which then asks for the history."""
        met = []

        def rule(call):
            if call.operation == 'PutParameter' and call.region == region and not met:
                met.append(call)
                self.edit(region, name, 'later')
                return put
            return history if call.operation == 'GetParameterHistory' else None

        self.witness.rules.append(rule)

    def killed(self, first, second, name):
        """One side is edited and carried to the other, which is edited meanwhile."""
        self.put(name, 'one')
        self.sync()
        self.edit(first, name, 'earlier')
        self.witness.stalled.clear()
        self.witness.released.clear()
        self.meet(second, name, 'stall')
        process = subprocess.Popen(
            self.command('sync', flags=False, config=self.config()),
            env=self.environment(), cwd=self.folder, stdout=subprocess.DEVNULL)
        self.assertTrue(self.witness.stalled.wait(60))
        process.kill()
        process.wait()
        self.witness.released.set()
        self.witness.forget()
        self.assertBoth(name, 'earlier')

    def assertBoth(self, name, value):
        self.assertEqual([self.value(region, name[1:]) for region in (HERE, THERE)], [value] * 2)

    def assertSettled(self):
        self.assertQuiet()
        self.sync()
        self.assertNotIn('GetParameterHistory', [call.operation for call in self.witness.calls])

    def test_killed_behind_its_write_the_later_edit_is_put_back(self):
        self.killed(HERE, THERE, '/a')
        lost = f'version 2 of {THERE}, written .* was lost under a write that was broken off'
        self.assertRegex(self.sync(command='verify', status=3).out, lost)
        self.assertBoth('/a', 'earlier')
        self.witness.rules.append(lambda call: error('AccessDeniedException')
                                  if call.operation == 'PutParameter' else None)
        self.sync(status=4)
        self.witness.forget()
        self.assertRegex(self.sync().out, lost)
        self.assertEqual(self.values(THERE, '/a'), ['one', 'later', 'earlier', 'later'])
        self.assertEqual(self.values(HERE, '/a'), ['one', 'earlier', 'later'])
        self.assertSettled()

    def test_killed_on_the_way_back_too_and_no_edit_behind_it_is_undone(self):
        self.killed(THERE, HERE, '/back')
        self.assertRegex(self.sync(status=4).out, f'version 2 of {HERE}, .* put back')
        self.sync()
        self.assertBoth('/back', 'later')
        for region in (HERE, THERE):
            self.killed(HERE, THERE, '/' + region)
            self.edit(region, '/' + region, 'latest')
            self.sync()
            self.assertBoth('/' + region, 'latest')
        self.assertSettled()

    def test_an_answer_that_was_lost_hides_no_edit(self):
        self.put('/a', 'one')
        self.sync()
        self.edit(HERE, '/a', 'earlier')
        self.meet(THERE, '/a', put='lose')
        self.sync(status=4)
        self.assertEqual(self.values(THERE, '/a'), ['one', 'later', 'earlier', 'later'])
        self.witness.forget()
        self.sync()
        self.assertBoth('/a', 'later')

    def test_a_reconciler_that_may_not_see_whom_it_met_does_when_it_may(self):
        reconciler = self.open()
        self.put('/a', 'one')
        reconciler.hints({'region': HERE, 'name': '/a'})
        self.edit(HERE, '/a', 'earlier')
        self.meet(THERE, '/a', error('AccessDeniedException'))
        answer = reconciler.hints({'region': HERE, 'name': '/a'})
        self.assertEqual((answer['outcomes'], self.value(THERE, 'a')), (['failed'], 'earlier'))
        self.witness.forget()
        reconciler.all()
        self.assertBoth('/a', 'later')


class Reconcilers(TwoWay):
    def hint(self, region, name, **more):
        return {'region': region, 'name': name, **more}

    def test_r30_a_change_is_written_once_and_its_echo_not_at_all(self):
        one, two = self.open(name='one'), self.open(name='two')
        for number, region in enumerate((HERE, THERE, THERE, HERE)):
            other = THERE if region == HERE else HERE
            self.edit(region, '/a', f'v{number}')
            self.witness.forget()
            for reconciler in (one, two):
                for side in (region, other):  # the change, and the event of the write it led to
                    answer = reconciler.hints(self.hint(side, '/a'))
                    self.assertIn(answer['outcomes'], (['applied'], ['equal']), answer)
            self.assertEqual([call.operation for call in self.witness.writes()], ['PutParameter'])
            self.assertEven()

    def test_tags_follow_the_side_that_changed(self):
        reconciler = self.open()
        self.put('/a', 'v', Tags=[{'Key': 'team', 'Value': 'a'}])
        reconciler.hints(self.hint(HERE, '/a'))
        for region, team in ((THERE, 'b'), (HERE, 'c'), (THERE, 'd')):
            self.ssm(region).add_tags_to_resource(ResourceType='Parameter', ResourceId='/a',
                                                  Tags=[{'Key': 'team', 'Value': team}])
            self.assertEqual(reconciler.hints(self.hint(region, '/a'))['outcomes'], ['applied'])
            self.assertEqual(self.state(HERE)['a']['Tags'], {'team': team})
            self.assertEven()

    def test_r29_a_write_that_met_a_later_edit_puts_it_back(self):
        """Somebody edits the copy between our look at it and our write."""
        reconciler = self.open()
        self.put('/a', 'one')
        reconciler.hints(self.hint(HERE, '/a'))
        self.edit(HERE, '/a', 'earlier')
        met = []

        def meet(call):
            if call.operation == 'PutParameter' and not met:
                met.append(call)
                self.edit(THERE, '/a', 'later')

        self.witness.rules.append(meet)
        self.assertEqual(reconciler.hints(self.hint(HERE, '/a'))['outcomes'], ['applied'])
        self.assertEqual((self.value(HERE, 'a'), self.value(THERE, 'a')), ('later', 'later'))
        self.assertIn('earlier', self.values(HERE, '/a'))
        self.witness.forget()
        for region in (HERE, THERE):
            self.assertEqual(reconciler.hints(self.hint(region, '/a'))['outcomes'], ['equal'])
        self.assertEqual(self.witness.writes(), [])

    def test_deletions_follow_the_side_that_made_it(self):
        reconciler = self.open(more=', deletes: owned, delete_grace: "0", max_delete: 5')
        for region, other in ((HERE, THERE), (THERE, HERE)):
            self.put('/a', 'v', region=region)
            reconciler.hints(self.hint(region, '/a'))
            self.assertEven()
            self.ssm(region).delete_parameter(Name='/a')
            answer = reconciler.hints(self.hint(region, '/a'))
            self.assertEqual((answer['outcomes'], answer['results'][0]['removed']),
                             (['applied'], True), answer)
            self.assertEqual(self.state(other), {})

    def test_r30_random_edits_at_both_sides_converge(self):
        seed = int(os.environ.get('SEED', 30))  # the same in each run
        print(f'SEED={seed}')
        chance = random.Random(seed)
        names = [f'/n{i}' for i in range(6)]
        both = [self.open(name='one'), self.open(name='two')]
        pending, written = [], {name: [] for name in names}
        for step in range(int(os.environ.get('STEPS', 25))):
            for _ in range(chance.randrange(3)):
                region, name = chance.choice((HERE, THERE)), chance.choice(names)
                version = self.edit(region, name, f'{step} {region}')
                written[name].append(f'{step} {region}')
                hint = self.hint(region, name, version=version)
                pending += [hint] * chance.choice((0, 1, 1, 2))  # lost, or twice
            chance.shuffle(pending)
            for reconciler in both:
                some = chance.randrange(len(pending) + 1)
                reconciler.send(hints=pending[:some])
            for _ in range(chance.randrange(2)):  # while they are at work
                region, name = chance.choice((HERE, THERE)), chance.choice(names)
                self.edit(region, name, f'{step}+ {region}')
                written[name].append(f'{step}+ {region}')
            for reconciler in both:
                self.assertNotIn('failed', reconciler.take()['outcomes'])
            pending = pending[chance.randrange(len(pending) + 1):]
        for _ in range(3):
            for reconciler in both:
                reconciler.all()
        self.assertEven()
        self.assertEqual(set(self.state(HERE)), {name[1:] for name in names if written[name]})
        for name in names:
            if not written[name]:
                continue
            rows = [row for region in (HERE, THERE) for row in self.history(region, name)]
            edits = [row for row in rows if 'assumed-role' not in row['LastModifiedUser']]
            newest = max(row['LastModifiedDate'] for row in edits)
            last = {row['Value'] for row in edits if row['LastModifiedDate'] == newest}
            self.assertIn(self.value(HERE, name[1:]), last, f'SEED={seed} {name}')
            self.assertEqual({row['Value'] for row in edits}, set(written[name]), 'lost')
        self.witness.forget()
        for reconciler in both:
            reconciler.hints(*[self.hint(region, name) for region in (HERE, THERE)
                               for name in names])
        self.assertEqual(self.witness.writes(), [])


if __name__ == '__main__':
    unittest.main()
