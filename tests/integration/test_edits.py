#!/usr/bin/python3
"""Copies that somebody changed at the destination: told, and treated as the configuration says."""
import re
import unittest

from replication import COPIES, Replication
import roles  # beside local_server: replication made it known


class Edits(Replication):
    def edited(self):
        """Two copies: /a edited by a role at one destination, /b changed at the source."""
        self.put('/a', 'v')
        self.put('/b', 'v')
        self.run_it('sync')
        self.edit('/a', 'by hand')
        self.put('/b', 'newer', Overwrite=True)
        self.witness.forget()

    def edit(self, name, value, region='us-east-1'):
        role = roles.make(self.server, 'by-hand', roles.allow('ssm:*'))
        session = roles.assume(self.server, role, session='somebody')
        self.server.client('ssm', region, keys=session).put_parameter(
            Name=name, Value=value, Type='String', Overwrite=True)

    def value(self, name='a', region='us-east-1'):
        return self.state(region)[name]['Value']

    EDITED = re.compile(r'edited at the destination on \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ by '
                        r'arn:aws:sts::111111111111:assumed-role/by-hand/somebody')

    def test_r59_an_edit_is_put_right_and_told(self):
        self.edited()
        done = self.run_it('sync')
        self.assertRegex(done.out, self.EDITED)
        self.assertEqual(len(self.EDITED.findall(done.out)), 1)  # /b is the source's change
        self.assertCopied()

    def test_kept(self):
        self.edited()
        done = self.run_it('sync', '--on-edit', 'keep')
        self.assertRegex(done.out, self.EDITED)
        self.assertIn('1 kept as edited at the destination', done.out)
        self.assertEqual((self.value(), self.value('b')), ('by hand', 'newer'))
        self.run_it('plan', '--on-edit', 'keep', '--detailed-exitcode')
        self.run_it('verify', '--on-edit', 'keep', status=3)
        # Nor does a later change at the source go over it.
        self.put('/a', 'newest', Overwrite=True)
        done = self.run_it('sync', '--on-edit', 'keep', '--json')
        self.assertEqual((done.summary['kept'], done.summary['applied']), (1, 1))
        self.assertEqual((self.value(), self.value(region='eu-west-1')), ('by hand', 'newest'))
        self.run_it('sync')
        self.assertCopied()

    def test_failed(self):
        self.edited()
        done = self.run_it('sync', '--on-edit', 'fail', status=4)
        self.assertIn('not overwritten (on_edit: fail)', done.out)
        self.assertEqual((self.value(), self.value('b')), ('by hand', 'newer'))

    def test_without_a_record_the_last_writer_tells(self):
        self.edited()
        done = self.run_it('sync', '--no-state', '--on-edit', 'keep')
        self.assertIn('last written at the destination on', done.out)
        self.assertEqual((self.value(), self.value('b')), ('by hand', 'newer'))

    def test_what_was_undone_stays_where_edits_are_kept(self):
        self.put('/a', 'old')
        self.run_it('sync')
        self.put('/a', 'new', Overwrite=True)
        run = self.run_it('sync', '--json').lines[0]['run']
        self.run_it('undo', run, flags=False)
        self.run_it('sync', '--on-edit', 'keep')
        self.assertEqual([self.value(region=region) for region in COPIES], ['old', 'old'])

    def test_an_edit_that_came_to_the_same_is_none(self):
        self.put('/a', 'v')
        self.run_it('sync')
        self.edit('/a', 'v')
        self.witness.forget()
        self.run_it('sync', '--on-edit', 'fail')
        self.assertEqual(self.witness.writes(), [])


if __name__ == '__main__':
    unittest.main()
