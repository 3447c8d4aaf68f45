#!/usr/bin/python3
"""Hints and full passes: a reconciler that stays, driven by lines, against a real server."""
import collections
import json
import os
import subprocess
import unittest

from replication import COPIES, ROOT, SOURCE, Replication

COPY = COPIES[0]


class Reconciler:
    """The program of tests/support/reconcile_lines.c, for as long as a test."""

    def __init__(self, test, config, *words, name='reconcile'):
        path = test.folder / f'{name}.yaml'
        path.write_text(config, encoding='utf-8')
        program = os.environ.get('RECONCILE_LINES',
                                 str(ROOT / 'build' / 'tests' / 'support' / 'reconcile_lines'))
        self.process = subprocess.Popen([program, str(path), *words], env=test.environment(),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        encoding='utf-8', cwd=test.folder)
        test.addCleanup(self.close)
        if not self.process.stdout.readline():
            raise AssertionError('the reconciler did not open')

    def send(self, **line):
        self.process.stdin.write(json.dumps(line) + '\n')
        self.process.stdin.flush()

    def take(self):
        answer = json.loads(self.process.stdout.readline())
        answer['outcomes'] = [row['outcome'] for row in answer['results']]
        return answer

    def hints(self, *hints):
        self.send(hints=[hint if isinstance(hint, dict) else {'region': SOURCE, 'name': hint}
                         for hint in hints])
        return self.take()

    def all(self, **more):
        self.send(all=True, **more)
        return self.take()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait(60):
            raise AssertionError('the reconciler did not end well')


class Reconcile(Replication):
    def config(self, parameters='{}', copies=(COPY,), more=''):
        url = self.witness.url
        rows = ''.join(f'  - {{ region: {region}, endpoint_url: "{url}" }}\n' for region in copies)
        return (f'source: {{ region: {SOURCE}, endpoint_url: "{url}" }}\n'
                f'destinations:\n{rows}parameters: {parameters}\n{more}')

    def open(self, *words, **config):
        reconciler = Reconciler(self, self.config(**config), *words)
        self.witness.calls.clear()
        return reconciler

    def operations(self):
        counted = collections.Counter(call.operation for call in self.witness.calls)
        self.witness.calls.clear()
        return dict(counted)


class Cost(Reconcile):
    TAGS = [{'Key': 'team', 'Value': 'a'}]

    def test_r29_one_changed_parameter_costs_six_calls_at_most(self):
        reconciler = self.open()
        for kind in ('String', 'SecureString'):
            name = f'/app/{kind}'
            self.put(name, 'one', Type=kind, Description='d', Tags=self.TAGS)
            self.assertEqual(reconciler.hints(name)['outcomes'], ['applied'])
            self.assertEqual(self.operations(), {
                'DescribeParameters': 2, 'ListTagsForResource': 1, 'GetParameters': 1,
                'PutParameter': 1})
            self.put(name, 'two', Type=kind, Overwrite=True)
            answer = reconciler.hints(name)
            self.assertEqual((answer['outcomes'], answer['calls']), (['applied'], 6))
            self.assertEqual(self.operations(), {
                'DescribeParameters': 2, 'ListTagsForResource': 2, 'GetParameters': 1,
                'PutParameter': 1})
            self.assertEqual(reconciler.hints(name)['outcomes'], ['equal'])
            self.assertEqual(self.operations(), {'DescribeParameters': 2, 'ListTagsForResource': 2})
            # A new version with the same value is no change of the copy's.
            self.put(name, 'two', Type=kind, Overwrite=True)
            self.assertEqual(reconciler.hints(name)['outcomes'], ['equal'])
            self.assertEqual(self.operations(), {
                'DescribeParameters': 2, 'ListTagsForResource': 2, 'GetParameters': 1})
        self.assertEqual(self.state(COPY), self.state(SOURCE))
        self.assertEqual(self.versions(COPY), {'app/String': 2, 'app/SecureString': 2})


if __name__ == '__main__':
    unittest.main()
