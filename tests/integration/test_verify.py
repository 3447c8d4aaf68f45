#!/usr/bin/python3
"""verify: what it reads, and what it leaves behind as evidence."""
import hashlib
import json
import stat
import unittest

from replication import COPIES, SOURCE, Replication

CANARY = 'canary-value-never-shown'


class Verify(Replication):
    def setUp(self):
        super().setUp()
        self.path = self.folder / 'audit.json'

    def fill(self):
        for name in 'abc':
            self.put(f'/app/{name}', CANARY)
        self.put('/app/secret', CANARY, Type='SecureString')
        self.run_it('sync')
        self.witness.forget()

    def values_read(self):
        return sorted({call.region for call in self.witness.calls
                       if call.operation == 'GetParameters'})

    def audit(self, *words, status=0):
        done = self.run_it('verify', '--audit', str(self.path), *words, status=status)
        text = self.path.read_text(encoding='utf-8')
        self.assertNotIn(CANARY, text)
        return done, [json.loads(line) for line in text.splitlines()]

    def test_deep_reads_every_value_whatever_is_remembered(self):
        self.fill()
        self.run_it('verify')
        self.witness.forget()
        self.run_it('verify')
        self.assertEqual(self.values_read(), [])
        self.run_it('verify', '--deep')
        self.assertEqual(self.values_read(), sorted((SOURCE, *COPIES)))
        names = {name for call in self.witness.calls if call.operation == 'GetParameters'
                 for name in json.loads(call.body)['Names']}
        self.assertEqual({name.lstrip('/') for name in names},
                         {'app/a', 'app/b', 'app/c', 'app/secret'})
        self.ssm(COPIES[1]).put_parameter(Name='/app/secret', Value='other', Overwrite=True)
        self.run_it('verify', '--deep', status=3)
        self.assertEqual(self.witness.writes(), [])

    def test_an_audit_proves_without_values(self):
        self.fill()
        done, lines = self.audit()
        digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        self.assertIn(f'audit: {self.path}  sha256 {digest}', done.out)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        head, *items, end = lines
        self.assertEqual(head['type'], 'audit')
        self.assertEqual([place['region'] for place in head['destinations']], list(COPIES))
        self.assertEqual(end, {'type': 'end', 'items': 8, 'values_compared': 8, 'equal': 8})
        for item in items:
            self.assertEqual((item['result'], item['values'], item['changes']),
                             ('equal', 'equal', []))
            self.assertEqual(item['source']['digest'], item['copy']['digest'])
            self.assertRegex(item['copy']['digest'], '^[0-9a-f]{64}$')
            self.assertEqual(item['source']['version'], 1)
        # One value under four names: nothing tells; nor does another report of the same.
        digests = {item['source']['digest'] for item in items}
        self.assertEqual(len(digests), 4)
        _, again = self.audit()
        self.assertEqual(digests & {item['source']['digest'] for item in again[1:-1]}, set())

    def test_an_audit_shows_what_differs(self):
        self.fill()
        self.put('/app/new', CANARY)
        self.ssm(COPIES[1]).put_parameter(Name='/app/secret', Value=CANARY + '2', Overwrite=True)
        done, lines = self.audit('--json', status=3)
        told = done.lines[-1]
        self.assertEqual(told, {'type': 'audit', 'file': str(self.path), 'sha256':
                                hashlib.sha256(self.path.read_bytes()).hexdigest()})
        items = {(item['name'], item['destination']): item for item in lines[1:-1]}
        self.assertEqual(len(items), 10)
        changed = items['/app/secret', COPIES[1]]
        self.assertEqual((changed['result'], changed['values']), ('update', 'different'))
        self.assertNotEqual(changed['source']['digest'], changed['copy']['digest'])
        self.assertEqual(changed['source']['digest'],
                         items['/app/secret', COPIES[0]]['source']['digest'])
        new = items['/app/new', COPIES[0]]
        self.assertEqual((new['result'], new['values']), ('create', 'not compared'))
        self.assertNotIn('copy', new)
        self.assertEqual(lines[-1]['equal'], 7)

    def test_an_audit_is_whole_or_not_there(self):
        self.path.write_text('before', encoding='utf-8')
        self.witness.rules.append(lambda call: (400, '{"__type":"AccessDeniedException"}')
                                  if call.operation == 'DescribeParameters' else None)
        self.run_it('verify', '--audit', str(self.path), status=1)
        self.assertEqual(self.path.read_text(encoding='utf-8'), 'before')
        self.assertEqual([path.name for path in self.folder.iterdir()
                          if path.name.startswith('audit')], ['audit.json'])


if __name__ == '__main__':
    unittest.main()
