#!/usr/bin/python3
"""Versions and labels: carried on request, lined up by content, never written backwards."""
import unittest

from replication import SOURCE, Replication, error

COPY = 'us-east-1'
CONFIG = '''
source: { region: ap-south-1, endpoint_url: "URL" }
destinations: [{ region: us-east-1, endpoint_url: "URL", keys: { "*": alias/dr } }]
parameters: { RULES }
'''


class History(Replication):
    def go(self, *words, rules='', **how):
        config = CONFIG.replace('URL', self.witness.url).replace('RULES', rules)
        return self.run_it(*words, config=config, **how)

    def versions_of(self, name, region):
        pages = self.ssm(region).get_paginator('get_parameter_history').paginate(
            Name=name, WithDecryption=True)
        return [(row['Value'], sorted(row['Labels'])) for page in pages
                for row in page['Parameters']]

    def values(self, name, region=COPY):
        return [value for value, _ in self.versions_of(name, region)]

    def label(self, name, version, *labels, region=SOURCE):
        self.ssm(region).label_parameter_version(Name=name, ParameterVersion=version,
                                                 Labels=list(labels))

    def fill(self, name, *values, region=SOURCE, **more):
        for value in values:
            self.put(name, value, region, Overwrite=True, **more)

    def test_r04_labels_follow_the_source(self):
        self.fill('/a', 'one')
        self.label('/a', 1, 'prod', 'blue')
        self.go('sync')
        self.assertEqual(self.versions_of('/a', COPY), [('one', [])])
        done = self.go('sync', rules='labels: true')
        self.assertIn('labels', done.out)
        self.assertEqual(self.versions_of('/a', COPY), [('one', ['blue', 'prod'])])
        self.witness.forget()
        self.go('verify', rules='labels: true')
        self.go('sync', rules='labels: true')
        self.assertEqual(self.witness.writes(), [])

        # A new version, labelled; the old label stays where it was, one is new, one goes.
        self.fill('/a', 'two')
        self.label('/a', 2, 'green', 'prod')
        self.label('/a', 2, 'extra', region=SOURCE)
        self.ssm().unlabel_parameter_version(Name='/a', ParameterVersion=2, Labels=['extra'])
        self.go('sync', rules='labels: true')
        self.assertEqual(self.versions_of('/a', COPY),
                         [('one', ['blue']), ('two', ['green', 'prod'])])
        self.ssm().unlabel_parameter_version(Name='/a', ParameterVersion=1, Labels=['blue'])
        done = self.go('sync', '--json', rules='labels: true')
        self.assertEqual(done.steps('update')[0]['changes'], ['labels'])
        self.assertEqual(self.versions_of('/a', COPY), [('one', []), ('two', ['green', 'prod'])])

    def test_a_label_that_another_run_took_away_before_is_no_failure(self):
        self.put('/a', 'one')
        self.label('/a', 1, 'prod', 'blue')
        self.go('sync', rules='labels: true')
        self.ssm().unlabel_parameter_version(Name='/a', ParameterVersion=1, Labels=['blue'])

        def faster(call):
            if call.operation == 'UnlabelParameterVersion':
                self.ssm(call.region).unlabel_parameter_version(Name='/a', ParameterVersion=1,
                                                                Labels=['blue'])
        self.witness.rules.append(faster)
        done = self.go('sync', '--json', rules='labels: true')
        self.assertEqual(done.summary['failed'], 0)
        self.witness.rules.clear()
        self.go('verify', rules='labels: true')

    def test_r04_a_label_of_a_version_that_the_copy_lacks_is_a_loss(self):
        self.fill('/a', 'one', 'two')
        self.label('/a', 1, 'old')
        done = self.go('sync', rules='labels: true')
        self.assertIn('label old is on version 1, which the copy lacks', done.out)
        self.assertEqual(self.versions_of('/a', COPY), [('two', [])])

    def test_ten_labels_change_places(self):
        self.fill('/a', 'one')
        first, second = [f'f{n}' for n in range(10)], [f's{n}' for n in range(10)]
        self.label('/a', 1, *first)
        self.go('sync', rules='labels: true')
        self.fill('/a', 'two')
        self.label('/a', 2, *second)
        self.go('sync', rules='labels: true')
        self.ssm().unlabel_parameter_version(Name='/a', ParameterVersion=1, Labels=first)
        self.label('/a', 1, *second)
        self.label('/a', 2, *first)
        self.go('sync', rules='labels: true')
        self.assertEqual(self.versions_of('/a', COPY), [('one', second), ('two', first)])

    def test_the_last_versions_are_replayed_in_order_with_their_labels(self):
        self.key('alias/prod', SOURCE)
        self.key('alias/dr', COPY)
        self.fill('/a', 'one', 'two', 'three', 'four', Type='SecureString', KeyId='alias/prod')
        self.label('/a', 2, 'old')
        self.label('/a', 4, 'new')
        rules = 'labels: true, history: 3'
        done = self.go('plan', rules=rules)
        self.assertIn('3 versions', done.out)
        self.assertNotIn('three', done.out)
        self.go('sync', rules=rules)
        self.assertEqual(self.versions_of('/a', COPY),
                         [('two', ['old']), ('three', []), ('four', ['new'])])
        self.go('verify', rules=rules)
        # What follows is followed, through every version.
        self.fill('/a', 'five', 'six', Type='SecureString', KeyId='alias/prod')
        done = self.go('sync', '--json', rules=rules)
        self.assertIn('history', done.steps('update')[0]['changes'])
        self.assertEqual(self.values('/a'), ['two', 'three', 'four', 'five', 'six'])
        self.witness.forget()
        self.go('sync', rules=rules)
        self.assertEqual(self.witness.writes(), [])

    def test_each_version_has_its_own_type_and_description(self):
        self.put('/a', 'x,y', Type='StringList', Description='first',
                 Tags=[{'Key': 'k', 'Value': 'v'}])
        self.put('/a', 'z', Description='second', AllowedPattern='z', Overwrite=True)
        self.go('sync', rules='history: 10')
        rows = self.ssm(COPY).get_parameter_history(Name='/a')['Parameters']
        self.assertEqual([(row['Type'], row['Description'], row.get('AllowedPattern') or '')
                          for row in rows],
                         [('StringList', 'first', ''), ('String', 'second', 'z')])
        self.assertEqual(self.state(COPY), self.state(SOURCE))

    def test_a_replay_that_was_broken_off_goes_on(self):
        self.fill('/a', 'one', 'two', 'three')
        puts = []

        def stop_at_the_second(call):
            if call.operation == 'PutParameter':
                puts.append(call)
                return error('AccessDeniedException') if len(puts) == 2 else None
            return None
        self.witness.rules.append(stop_at_the_second)
        self.go('sync', rules='history: 5', status=1)
        self.assertEqual(self.values('/a'), ['one'])
        self.witness.forget()
        self.go('sync', rules='history: 5')
        self.assertEqual(self.values('/a'), ['one', 'two', 'three'])

    def test_a_lost_answer_writes_no_version_twice(self):
        self.fill('/a', 'one', 'two', 'three')
        lost = []

        def lose(call):
            if call.operation == 'PutParameter' and call.body not in lost:
                lost.append(call.body)
                return 'lose'
            return None
        self.witness.rules.append(lose)
        self.go('sync', rules='history: 5')
        self.assertEqual(self.values('/a'), ['one', 'two', 'three'])

    def test_old_values_are_not_put_in_front_of_readers(self):
        self.fill('/a', 'one', 'two', 'three')
        self.put('/a', 'three', COPY)
        done = self.go('sync', rules='history: 3', status=4)
        self.assertIn('of the last 3 versions the copy has 1', done.out)
        self.assertEqual(self.values('/a'), ['three'])
        # A copy that is something else gets the present version only.
        self.fill('/b', 'one', 'two')
        self.put('/b', 'other', COPY)
        done = self.go('sync', '--include', '/b', rules='history: 3')
        self.assertEqual(self.values('/b'), ['other', 'two'])
        # One that is older than all of them is led through all of them.
        self.put('/c', 'other', COPY)
        self.fill('/c', 'one', 'two')
        self.go('sync', '--include', '/c', rules='history: 3')
        self.assertEqual(self.values('/c'), ['other', 'one', 'two'])

    def test_r06_the_oldest_of_a_hundred_gives_its_labels_away_first(self):
        self.fill('/a', *[f'v{n}' for n in range(100)], region=COPY)
        self.label('/a', 1, 'stuck', region=COPY)
        self.fill('/a', 'new')
        done = self.go('sync', status=4)
        self.assertIn('the oldest of its 100 versions has a label', done.out)
        self.go('sync', rules='labels: true')
        rows = self.versions_of('/a', COPY)
        self.assertEqual((len(rows), rows[-1], rows[0]), (100, ('new', []), ('v1', [])))
        self.assertEqual({label for _, labels in rows for label in labels}, set())

    def test_r54_more_than_a_page_of_versions(self):
        self.fill('/a', *[f'v{n}' for n in range(60)])
        self.label('/a', 55, 'here')
        self.go('sync', rules='history: 20, labels: true')
        rows = self.versions_of('/a', COPY)
        self.assertEqual([value for value, _ in rows], [f'v{n}' for n in range(40, 60)])
        self.assertEqual(rows[14], ('v54', ['here']))

    def test_what_cannot_be_is_refused(self):
        for rules, words in (('labels: yes', 'labels:'), ('history: 0', 'from 1 to 100'),
                             ('history: 101', 'from 1 to 100'), ('history: all', 'history:')):
            self.assertIn(words, self.go('sync', rules=rules, status=2).err)


if __name__ == '__main__':
    unittest.main()
