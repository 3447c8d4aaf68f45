#!/usr/bin/python3
"""A planted value appears nowhere but in the calls: not in output, logs, plans, files, arguments or
a core file."""
import os
import resource
import signal
import subprocess
import unittest

from replication import COPIES, SOURCE, Replication, error, program

CANARIES = {'/prod/password': ('SecureString', 'CANARY-7f1d-secure-"\\é-value'),
            '/prod/list': ('StringList', 'CANARY-7f1d-list,CANARY-7f1d-more'),
            '/prod/plain': ('String', 'CANARY-7f1d-plain')}
MARK = 'CANARY-7f1d'
SANITIZED = 'build-asan' in program() or 'build-tsan' in program()


class Secrecy(Replication):
    def fill(self):
        for name, (kind, value) in CANARIES.items():
            self.put(name, value, Type=kind)

    def assertHidden(self, done):
        self.assertNotIn(MARK, done.out)
        self.assertNotIn(MARK, done.err)
        for path in self.folder.rglob('*'):
            if path.is_file():
                self.assertNotIn(MARK.encode(), path.read_bytes(), path)

    def test_no_value_in_output_logs_plans_or_files(self):
        self.fill()
        self.put('/prod/plain', MARK + '-old', 'us-east-1')
        for words in (['plan', '--debug'], ['plan', '--json', '--debug', '-o', 'plan.json'],
                      ['apply', '--json', 'plan.json', '--debug'], ['verify', '--debug']):
            done = self.run_it(*words, flags=words[0] != 'apply')
            self.assertTrue(done.out)
            self.assertHidden(done)
        self.assertCopied()
        self.assertTrue((self.folder / 'plan.json').exists())

    def test_no_value_in_what_is_said_of_failures(self):
        self.fill()
        quoting = error('ValidationException', f"1 validation error detected: Value '{MARK}-plain' "
                        "at 'value' failed to satisfy constraint")
        self.witness.rules.append(
            lambda call: quoting if call.operation == 'PutParameter' else None)
        done = self.run_it('sync', '--debug', status=1)
        self.assertIn('applied 0 of 6', done.out)
        self.assertHidden(done)
        self.assertHidden(self.run_it('sync', '--json', status=1))

    def running(self):
        """A sync that holds values in memory and waits for an answer."""
        self.fill()
        self.witness.rules.append(
            lambda call: 'stall' if call.operation == 'PutParameter' else None)
        most = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))
        process = subprocess.Popen(self.command('sync'), env=self.environment(), cwd=self.folder,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (process.kill(), process.wait()))
        self.assertTrue(self.witness.stalled.wait(60))
        return process

    def test_no_value_in_arguments_or_environment(self):
        process = self.running()
        for name in ('cmdline', 'environ', 'comm'):
            with open(f'/proc/{process.pid}/{name}', 'rb') as file:
                self.assertNotIn(MARK.encode(), file.read())

    @unittest.skipIf(SANITIZED, 'the leak checker needs ptrace')
    def test_no_core_file_can_be_made(self):
        process = self.running()
        with open(f'/proc/{process.pid}/limits', encoding='ascii') as limits:
            core = next(line for line in limits if line.startswith('Max core file size'))
        self.assertEqual(core.split()[4:6], ['0', '0'])
        # Not dumpable: what is in /proc belongs to root whoever runs this, and nobody else of the
        # same user may look into its memory.
        with open(f'/proc/{process.pid}/status', encoding='ascii') as status:
            self.assertIn('CoreDumping:\t0', status.read())
        self.assertEqual(os.stat(f'/proc/{process.pid}/environ').st_uid, 0)
        process.send_signal(signal.SIGABRT)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -signal.SIGABRT
        self.assertTrue(os.WIFSIGNALED(status))
        self.assertFalse(os.WCOREDUMP(status))
        self.assertEqual(list(self.folder.glob('core*')), [])

    def test_no_temporary_file_has_a_name(self):
        process = self.running()
        for folder in ('tmp', 'home'):
            self.assertEqual(list((self.folder / folder).iterdir()), [])
        # What undo keeps is sealed (test_undo.py).
        self.assertEqual({path.name for path in (self.folder / 'state').rglob('*')
                          if path.parent.name != 'undo'},
                         {'understudy', 'state.key', 'state.db', 'state.db-wal', 'state.db-shm',
                          'undo'})
        process.kill()
        process.wait()
        self.assertEqual(list((self.folder / 'tmp').iterdir()), [])

    def test_killed_and_run_again_it_converges(self):
        process = self.running()
        process.kill()
        process.wait()
        self.witness.released.set()
        self.witness.rules.clear()
        self.run_it('sync')
        self.assertCopied()
        for region in (SOURCE,) + COPIES:
            self.assertEqual(self.versions(region), {name[1:]: 1 for name in CANARIES})


if __name__ == '__main__':
    unittest.main()
