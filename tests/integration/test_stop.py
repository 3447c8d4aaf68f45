#!/usr/bin/python3
"""Ended in time, by a signal or by kill -9, and run again: it goes on from there, and nothing is
written twice."""
import os
import random
import re
import signal
import subprocess
import threading
import time
import unittest

from replication import COPIES, SOURCE, Replication, error

MANY = 16


class Stop(Replication):
    def fill(self, count=MANY, **more):
        for number in range(count):
            self.put(f'/prod/{number:03}', f'value {number}', Type='SecureString',
                     Tags=[{'Key': 'number', 'Value': str(number)}], **more)

    def slow_down(self, operation, seconds):
        """Every call of `operation` takes that long."""
        def rule(call):
            if call.operation == operation:
                time.sleep(seconds)
        self.witness.rules.append(rule)

    def start(self, *words):
        process = subprocess.Popen(self.command(*words), env=self.environment(), cwd=self.folder,
                                   text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        return process

    def wait_for(self, operation, count=1):
        deadline = time.monotonic() + 60
        while sum(call.operation == operation for call in list(self.witness.calls)) < count:
            self.assertLess(time.monotonic(), deadline, f'no {operation}')
            time.sleep(0.005)

    def wait_until_taken(self, process):
        """Until no signal is left for the process: of two the lower number would come first."""
        deadline = time.monotonic() + 60
        while True:
            with open(f'/proc/{process.pid}/status', encoding='ascii') as status:
                if re.search(r'^ShdPnd:\t0+$', status.read(), re.MULTILINE):
                    return
            self.assertLess(time.monotonic(), deadline, 'the signal was not taken')
            time.sleep(0.005)

    def assertWrittenOnce(self):
        self.assertCopied()
        for region in COPIES:
            self.assertEqual(set(self.versions(region).values()), {1}, region)

    def test_r10_max_duration_ends_in_time_and_the_next_run_goes_on(self):
        self.fill()
        self.slow_down('PutParameter', 0.4)
        for seconds in (3, 12, 48):  # a busy machine may have no time to plan, or to end
            began = time.monotonic()
            done = self.run_it('sync', '--json', '--concurrency', '4', '--max-duration',
                               f'{seconds}s', status=4)
            took = time.monotonic() - began
            # The process's own start and end are not the run's.
            if took < seconds + 0.3 and done.summary['applied']:
                break
            self.slow_down('PutParameter', 0.4 * seconds)  # so much is left for the next
        self.assertLess(took, seconds + 0.3)
        self.assertIn('stopped by --max-duration', done.err)
        self.assertTrue(done.summary['stopped'])
        self.assertGreater(done.summary['applied'], 0)
        self.assertGreater(done.summary['planned'], 0)
        self.assertEqual(done.summary['failed'], 0)
        self.assertEqual(done.summary['applied'] + done.summary['planned'], 2 * MANY)

        self.witness.forget()
        again = self.run_it('sync', '--json')
        # A write whose answer was not waited for is left, and may have been done.
        self.assertGreaterEqual(again.summary['equal'], done.summary['applied'])
        self.assertEqual(again.summary['equal'] + again.summary['applied'], 2 * MANY)
        self.assertWrittenOnce()

    def test_a_call_that_is_not_answered_is_given_up_in_time(self):
        self.fill(3)
        self.witness.rules.append(
            lambda call: 'stall' if call.operation == 'PutParameter' else None)
        began = time.monotonic()
        done = self.run_it('sync', '--max-duration', '2s', status=4)
        self.assertLess(time.monotonic() - began, 40)  # the call would have been held for 60 s
        self.assertIn('6 left to write', done.err)
        self.witness.released.set()
        self.witness.forget()
        self.run_it('sync')
        self.assertWrittenOnce()

    def test_it_stops_while_listing_too(self):
        self.fill(3)
        self.slow_down('DescribeParameters', 1.8)
        done = self.run_it('sync', '--max-duration', '2s', status=4)
        self.assertIn('stopped', done.err)
        self.assertEqual(self.witness.writes(), [])

    def test_a_signal_ends_it_as_time_does(self):
        self.fill()
        self.slow_down('PutParameter', 0.2)
        for number in (signal.SIGINT, signal.SIGTERM):
            self.witness.calls.clear()
            process = self.start('sync', '--concurrency', '2')
            self.wait_for('PutParameter', 4)
            process.send_signal(number)
            _, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 4, err)
            self.assertIn('stopped by a signal', err)
        self.witness.rules.clear()
        self.run_it('sync')
        self.assertWrittenOnce()

    def test_a_second_signal_kills(self):
        self.fill(3)
        self.witness.rules.append(
            lambda call: 'stall' if call.operation == 'PutParameter' else None)
        process = self.start('sync')
        self.assertTrue(self.witness.stalled.wait(60))
        process.send_signal(signal.SIGTERM)
        self.wait_until_taken(process)
        time.sleep(0.1)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, -signal.SIGINT)

    def test_killed_at_any_moment_it_converges_and_repeats_no_finished_write(self):
        seed = int(os.environ.get('STOP_SEED', 10))  # the same in each run
        chance = random.Random(seed)
        print(f'STOP_SEED={seed}', flush=True)
        self.fill()
        for _ in range(int(os.environ.get('STOP_ROUNDS', '4'))):
            process = self.start('sync', '--concurrency', '4')
            with self.subTest(seed=seed):
                threading.Event().wait(chance.uniform(0.01, 0.25))
                process.kill()
                process.communicate()
        self.run_it('sync')
        self.assertWrittenOnce()
        self.witness.forget()
        done = self.run_it('sync', '--json')
        self.assertEqual((self.witness.writes(), done.summary['equal']), ([], 2 * MANY))

    def test_runs_are_listed_with_how_they_ended(self):
        self.fill(2)
        self.run_it('plan')
        self.witness.rules.append(
            lambda call: 'stall' if call.operation == 'PutParameter' else None)
        process = self.start('sync')
        self.assertTrue(self.witness.stalled.wait(60))
        self.assertRuns(['sync', None], ['plan', 'done'])
        process.kill()
        process.communicate()
        self.assertRuns(['sync', 'killed'], ['plan', 'done'])
        self.run_it('sync', '--max-duration', '1s', status=4)
        self.witness.released.set()
        self.witness.rules[:] = [lambda call: error('AccessDeniedException')
                                 if call.operation == 'PutParameter' else None]
        self.run_it('sync', status=1)
        self.witness.rules.clear()
        self.run_it('sync')
        self.assertRuns(['sync', 'done'], ['sync', 'failed'], ['sync', 'stopped'],
                        ['sync', 'killed'], ['plan', 'done'])
        listed = self.run_it('runs', flags=False).out.splitlines()
        self.assertEqual([line.split()[-1] for line in listed],
                         ['done', 'failed', 'stopped', 'killed', 'done'])

    def assertRuns(self, *wanted):
        lines = self.run_it('runs', '--json', flags=False).lines
        self.assertEqual([[line['command'], line.get('outcome')] for line in lines], list(wanted))

    @unittest.skipUnless(hasattr(os, 'openpty'), 'no terminals here')
    def test_a_terminal_is_told_how_long_it_takes(self):
        self.fill(5)
        self.slow_down('PutParameter', 0.4)
        ours, theirs = os.openpty()
        process = subprocess.Popen(self.command('sync', '--concurrency', '1'), cwd=self.folder,
                                   env=self.environment(), stdout=subprocess.DEVNULL,
                                   stderr=theirs)
        os.close(theirs)
        shown = b''
        try:
            while chunk := os.read(ours, 65536):
                shown += chunk
        except OSError:  # the other end is closed
            pass
        os.close(ours)
        self.assertEqual(process.wait(), 0)
        self.assertRegex(shown.decode(), r'writing \d+ of 5, about \d+ s left')

    def test_what_was_half_done_is_completed_whatever_its_version_says(self):
        """Killed between the put and the tags of one write: the listings of the tagging API, which
        lag, do not show that yet."""
        self.fill(2)
        self.run_it('sync')
        for number in range(2):
            self.put(f'/prod/{number:03}', 'new', Type='SecureString', Overwrite=True)
            self.ssm().add_tags_to_resource(ResourceType='Parameter',
                                            ResourceId=f'/prod/{number:03}',
                                            Tags=[{'Key': 'late', 'Value': 'yes'}])
        self.witness.rules.append(
            lambda call: 'stall' if call.operation == 'AddTagsToResource' else None)
        process = self.start('sync')
        self.assertTrue(self.witness.stalled.wait(60))
        process.kill()
        process.communicate()
        self.witness.released.set()
        self.witness.forget()
        # The index answers as if both sides had no such tag: only the intent tells to look.
        empty = (200, '{"ResourceTagMappingList": [], "PaginationToken": ""}')
        self.witness.rules.append(lambda call: empty if call.operation == 'GetResources' else None)
        self.run_it('sync')
        source = self.state(SOURCE)
        for region in COPIES:
            for name, fields in self.state(region).items():
                if self.versions(region)[name] > 1:
                    self.assertEqual(fields, source[name], (region, name))


if __name__ == '__main__':
    unittest.main()
