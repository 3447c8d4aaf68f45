#!/usr/bin/python3
"""What is known to be equal is not read again, and what is not known is, whatever happens to the
file that remembers it."""
import collections
import hashlib
import sqlite3
import subprocess
import unittest

from replication import COPIES, SOURCE, Replication, error

MANY = 30


class Economy(Replication):
    def fill(self):
        for number in range(MANY):
            self.put(f'/prod/{number:02}', f'value {number}',
                     Type=('String', 'SecureString')[number % 2],
                     Tags=[{'Key': 'number', 'Value': str(number)}])

    def calls(self, *words, **how):
        """A run's calls by operation."""
        self.witness.calls.clear()
        self.run_it(*words, **how)
        return collections.Counter(call.operation for call in self.witness.calls)

    def state_file(self):
        return self.folder / 'state' / 'understudy' / 'state.db'

    STEADY = {'GetCallerIdentity': 1, 'DescribeParameters': 3, 'GetResources': 3}

    def test_a_pass_that_changes_nothing_lists_and_does_no_more(self):
        self.fill()
        self.run_it('sync')
        for command in ('sync', 'plan', 'verify'):
            self.assertEqual(self.calls(command), self.STEADY, command)

    def test_what_was_found_equal_is_remembered_as_what_was_written_is(self):
        self.fill()
        for region in COPIES:
            for number in range(MANY):
                self.put(f'/prod/{number:02}', f'value {number}', region,
                         Type=('String', 'SecureString')[number % 2],
                         Tags=[{'Key': 'number', 'Value': str(number)}])
        # A plan writes to AWS nothing, and remembers.
        self.assertEqual(self.calls('plan')['GetParameters'], 3 * MANY / 10)
        self.assertEqual(self.calls('plan'), self.STEADY)

    def test_a_change_costs_itself(self):
        self.fill()
        self.run_it('sync')
        self.put('/prod/07', 'changed', Type='SecureString', Overwrite=True)
        # Looked at on three sides, read once more to be written, and the copies for undo.
        self.assertEqual(self.calls('sync'), {**self.STEADY, 'GetParameters': 6,
                                              'PutParameter': 2})
        self.assertEqual(self.calls('sync'), self.STEADY)
        self.assertCopied()

    def test_a_copy_that_was_edited_is_found(self):
        self.fill()
        self.run_it('sync')
        self.put('/prod/07', 'edited', 'us-east-1', Type='SecureString', Overwrite=True)
        self.assertEqual(self.calls('sync'), {**self.STEADY, 'GetParameters': 4,
                                              'PutParameter': 1})
        self.assertCopied()

    def test_a_copy_that_was_made_again_at_the_same_version_is_found(self):
        self.fill()
        self.run_it('sync')
        self.calls('verify')
        # Outside of the seconds in which the write may have been: the clock is the server's.
        record = sqlite3.connect(self.state_file())
        with record:
            record.execute('UPDATE pair SET copy_earliest = copy_earliest - 3600000,'
                           ' copy_latest = copy_latest - 3600000')
        record.close()
        self.run_it('verify')  # all are read, and their times known
        self.assertEqual(self.calls('verify'), self.STEADY)
        self.ssm('us-east-1').delete_parameter(Name='/prod/07')
        self.put('/prod/07', 'made again', 'us-east-1', Type='SecureString')
        self.assertEqual(self.versions('us-east-1')['prod/07'], 1)
        self.assertEqual(self.calls('verify', status=3)['GetParameters'], 2)
        self.run_it('sync')
        self.assertCopied()

    def test_without_state_every_value_is_read(self):
        self.fill()
        self.run_it('sync')
        values = 3 * MANY / 10
        self.assertEqual(self.calls('verify', '--no-state')['GetParameters'], values)
        self.assertEqual(self.calls('verify', '--state', str(self.folder / 'other'))
                         ['GetParameters'], values)
        self.assertEqual(self.calls('verify', '--state', str(self.folder / 'other')), self.STEADY)

    def test_a_rule_that_changes_values_makes_them_be_looked_at_again(self):
        self.fill()
        config = ('source: { region: ap-south-1 }\n'
                  'destinations: [{ region: us-east-1 }, { region: eu-west-1 }]\n')
        self.run_it('sync', config=config)
        self.assertEqual(self.calls('plan', config=config), self.STEADY)
        config += 'parameters: { rewrite: [{ match: "value 7", with: "rewritten" }] }\n'
        self.assertEqual(self.calls('sync', config=config)['PutParameter'], len(COPIES))
        self.assertEqual(self.state('us-east-1')['prod/07']['Value'], 'rewritten')

    def test_an_unknown_account_is_not_remembered(self):
        self.fill()
        self.witness.rules.append(lambda call: error('AccessDenied', 'no', 403)
                                  if call.service == 'sts' else None)
        self.run_it('sync')
        done = self.run_it('sync', '--json')
        self.assertEqual(done.summary['applied'], 0)
        self.assertEqual(self.calls('verify')['GetParameters'], 3 * MANY / 10)

    def test_a_damaged_file_costs_calls_and_a_warning(self):
        self.fill()
        self.run_it('sync')
        self.state_file().write_bytes(b'understudy was here')
        for path in self.state_file().parent.glob('state.db-*'):
            path.unlink()
        done = self.run_it('sync')
        self.assertIn('unusable', done.err)
        self.assertIn('60 parameters unchanged', done.out)
        self.assertEqual(self.run_it('sync').err, '')
        self.assertEqual(self.calls('verify'), self.STEADY)

    def test_a_folder_that_cannot_be_written_costs_calls_and_a_warning(self):
        self.fill()
        (self.folder / 'file').write_text('no folder', encoding='ascii')
        for _ in range(2):
            done = self.run_it('sync', '--state', str(self.folder / 'file'))
            self.assertIn('file is not a folder', done.err)
        self.assertCopied()

    def test_several_at_once_do_not_harm_each_other(self):
        self.fill()
        runs = [subprocess.Popen(self.command('sync'), env=self.environment(), cwd=self.folder,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                for _ in range(4)]
        for run in runs:
            out, err = run.communicate(timeout=60)
            # One may find what another was faster to write.
            self.assertIn(run.returncode, (0, 4), out + err)
            self.assertEqual(err, '')
        self.run_it('sync')
        self.assertCopied()
        self.assertEqual(self.calls('verify'), self.STEADY)
        for region in COPIES:
            self.assertEqual(set(self.versions(region).values()), {1})

    def test_nothing_in_the_file_tells_a_value(self):
        self.put('/prod/pin', '0000', Type='SecureString')
        self.run_it('sync')
        self.run_it('verify')
        kept = b''.join(path.read_bytes()
                        for path in self.state_file().parent.rglob('*') if path.is_file())
        for digest in ('md5', 'sha1', 'sha256', 'sha512'):
            plain = hashlib.new(digest, b'0000')
            self.assertNotIn(plain.digest(), kept, digest)
            self.assertNotIn(plain.hexdigest().encode(), kept, digest)


if __name__ == '__main__':
    unittest.main()
