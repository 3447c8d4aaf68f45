#!/usr/bin/python3
"""Plans read only, can be saved and carried out, and are refused when the world moved on; failures
are failures; the command line says what is wrong with it."""
import json
import stat
import unittest

from replication import COPIES, SOURCE, Replication, error


class Plans(Replication):
    def test_a_plan_reads_only(self):
        self.put('/a', 'v', Type='SecureString')
        self.put('/b', 'v')
        self.put('/b', 'old', 'us-east-1')
        done = self.run_it('plan')
        self.assertIn('plan: 3 to create, 1 to change', done.out)
        self.assertGreater(len(self.witness.calls), 6)
        self.assertEqual(self.witness.writes(), [])
        self.assertEqual(self.state('eu-west-1'), {})

    def test_exit_statuses(self):
        self.put('/a', 'v')
        self.run_it('plan')
        self.run_it('plan', '--exit-code', status=3)
        self.run_it('plan', '--detailed-exitcode', status=2)
        self.run_it('verify', status=3)
        self.run_it('sync')
        self.run_it('plan', '--exit-code')
        self.run_it('plan', '--detailed-exitcode')
        self.run_it('verify')

    def test_a_plan_is_the_same_value_each_time(self):
        for number in range(25):
            self.put(f'/n{number}', 'v')
        first, second = (self.run_it('plan', '--json').out.splitlines() for _ in range(2))
        self.assertEqual(first[1:-1], second[1:-1])
        names = [json.loads(line)['name'] for line in first[1:-2]]
        self.assertEqual((names, len(names)), (sorted(names), 50))

    def test_a_saved_plan_is_carried_out(self):
        self.put('/a', 'v', Type='SecureString')
        self.put('/b', 'new')
        self.put('/b', 'old', 'us-east-1')
        self.run_it('plan', '-o', 'plan.json')
        saved = self.folder / 'plan.json'
        self.assertEqual(stat.S_IMODE(saved.stat().st_mode), 0o600)
        done = self.run_it('apply', 'plan.json', flags=False)
        self.assertIn('applied 4 of 4', done.out)
        self.assertCopied()
        self.assertIn('applied 0 of 0', self.run_it('apply', 'plan.json', flags=False).out)

    def test_a_saved_plan_is_shown_in_words(self):
        self.put('/a', 'v', Type='SecureString', Tier='Advanced')
        self.put('/b', 'new')
        self.put('/b', 'old', 'us-east-1')
        self.put('/c', 'v', 'us-east-1')
        self.run_it('plan', '-o', 'plan.json')
        self.witness.forget()
        shown = self.run_it('show', 'plan.json', flags=False).out
        self.assertRegex(shown, r'^plan of \S+Z: ap-south-1 \(111111111111\) → us-east-1 ')
        for line in ('  + /a  [us-east-1]  create SecureString\n',
                     '  ~ /b  [us-east-1]  update String: value\n',
                     '  ? /c  [us-east-1]  extra String  not at the source; deletes: never\n',
                     'AWS charges for 2 of the copies: $0.10 a month more\n',
                     'sum: 3 create, 1 update, 1 extra\n'):
            self.assertIn(line, shown)
        self.assertEqual(self.witness.calls, [])
        (self.folder / 'plan.json').write_text('{}')
        self.run_it('show', 'plan.json', flags=False, status=1)
        self.run_it('show', flags=False, status=2)
        self.assertIn('Usage', self.run_it('help', 'show', flags=False).out)

    def test_apply_without_a_file_plans_by_itself(self):
        self.put('/a', 'v')
        self.run_it('apply')
        self.assertCopied()

    def test_what_moved_at_the_source_is_refused(self):
        self.put('/a', 'v')
        self.put('/b', 'v')
        self.run_it('plan', '-o', 'plan.json')
        self.put('/a', 'newer', Overwrite=True)
        done = self.run_it('apply', 'plan.json', flags=False, status=1)
        self.assertIn('plan again', done.out)
        self.assertIn('nothing was written', done.err)
        self.assertEqual(self.versions('us-east-1'), {})
        done = self.run_it('apply', 'plan.json', '--partial', flags=False, status=4)
        self.assertIn('applied 2 of 4', done.out)
        self.assertEqual(set(self.versions('us-east-1')), {'b'})

    def test_what_moved_at_the_destination_is_refused(self):
        self.put('/a', 'v')
        self.put('/a', 'old', 'us-east-1')
        self.run_it('plan', '-o', 'plan.json')
        self.put('/a', 'edited', 'us-east-1', Overwrite=True)
        done = self.run_it('apply', 'plan.json', '--json', flags=False, status=1)
        self.assertEqual({step['destination']: step['status'] for step in done.steps()},
                         {'us-east-1': 'conflict', 'eu-west-1': 'left'})
        done = self.run_it('apply', 'plan.json', '--json', '--partial', flags=False, status=4)
        self.assertEqual({step['destination']: step['status'] for step in done.steps()},
                         {'us-east-1': 'conflict', 'eu-west-1': 'applied'})
        self.assertEqual(self.state('us-east-1')['a']['Value'], 'edited')

    def test_a_tag_alone_is_a_move_too(self):
        self.put('/a', 'v')
        self.run_it('plan', '-o', 'plan.json')
        self.ssm().add_tags_to_resource(ResourceType='Parameter', ResourceId='/a',
                                        Tags=[{'Key': 'k', 'Value': 'v'}])
        self.run_it('apply', 'plan.json', flags=False, status=1)
        self.assertEqual(self.versions('us-east-1'), {})

    def test_a_plan_of_another_machine_is_held_to_versions_and_times(self):
        self.put('/a', 'v')
        self.put('/b', 'v')
        self.put('/b', 'old', 'us-east-1')
        self.run_it('plan', '-o', 'plan.json')
        self.run_it('apply', 'plan.json', '--no-state', flags=False)
        self.assertCopied()
        self.put('/a', 'new', Overwrite=True)
        self.put('/b', 'new', Overwrite=True)
        self.run_it('plan', '-o', 'plan.json')
        self.put('/b', 'by hand', 'eu-west-1', Overwrite=True)
        self.witness.forget()
        done = self.run_it('apply', 'plan.json', '--no-state', '--json', flags=False, status=1)
        self.assertEqual([(step['name'], step['destination']) for step in done.steps()
                          if step['status'] == 'conflict'], [('/b', 'eu-west-1')])
        self.assertEqual(self.witness.writes(), [])

    def test_a_plan_tells_nothing_of_what_it_does_not_show(self):
        """Fingerprints are keyed: the same metadata elsewhere gives others."""
        self.put('/a', 'v', Description='guess me', Tags=[{'Key': 'k', 'Value': 'guess me'}])
        self.run_it('plan', '-o', 'plan.json')
        text = (self.folder / 'plan.json').read_text()
        self.assertNotIn('guess me', text)
        first, second, other = (self.run_it('plan', '--json', *flags) for flags in
                                ([], [], ['--no-state']))
        prints = [[step['fingerprint'] for step in done.steps()] for done in
                  (first, second, other)]
        self.assertEqual(prints[0], prints[1])
        self.assertTrue(set(prints[0]).isdisjoint(prints[2]))
        self.assertNotEqual(first.lines[0]['key'], other.lines[0]['key'])

    def test_what_is_gone_is_refused_and_what_is_new_is_left(self):
        self.put('/a', 'v')
        self.put('/b', 'v')
        self.run_it('plan', '-o', 'plan.json')
        self.ssm().delete_parameter(Name='/a')
        self.put('/c', 'v')
        done = self.run_it('apply', 'plan.json', '--partial', flags=False, status=4)
        self.assertIn('gone from the source', done.out)
        self.assertIn('2 not in the plan and left', done.out)
        self.assertEqual(set(self.versions('us-east-1')), {'b'})

    def test_a_damaged_plan_is_refused(self):
        self.put('/a', 'v')
        self.run_it('plan', '-o', 'plan.json')
        path = self.folder / 'plan.json'
        lines = path.read_text().splitlines(keepends=True)
        for damaged in (lines[:-1], lines[:1] + lines[2:], [lines[0][:50]], ['{}\n'], []):
            path.write_text(''.join(damaged))
            done = self.run_it('apply', 'plan.json', flags=False, status=None)
            self.assertIn(done.status, (1, 2), damaged)
            self.assertIn('plan', done.err)
        self.assertEqual(self.versions('us-east-1'), {})


class Failures(Replication):
    def test_a_lost_answer_does_not_write_twice(self):
        self.put('/a', 'v', Type='SecureString', Tags=[{'Key': 'k', 'Value': 'v'}])
        self.put('/b', 'new')
        self.put('/b', 'old', 'us-east-1')
        lost = set()

        def lose_the_first(call):
            if call.operation != 'PutParameter' or (call.region, call.body) in lost:
                return None
            lost.add((call.region, call.body))
            return 'lose'
        self.witness.rules.append(lose_the_first)
        self.run_it('sync')
        self.assertEqual(len(lost), 4)
        self.assertCopied()
        self.assertEqual(self.versions('us-east-1'), {'a': 1, 'b': 2})
        self.assertEqual(self.versions('eu-west-1'), {'a': 1, 'b': 1})

    def test_a_failed_destination_does_not_stop_the_other(self):
        self.put('/a', 'v')
        self.witness.rules.append(
            lambda call: error('AccessDeniedException', 'no right to list there')
            if (call.region, call.operation) == ('eu-west-1', 'DescribeParameters') else None)
        done = self.run_it('sync', status=4)
        self.assertIn('no right to list there', done.out)
        self.assertIn('1 destination failed', done.out)
        self.assertCopied('us-east-1')

    def test_what_a_server_says_cannot_move_the_cursor(self):
        self.put('/a', 'v')
        self.witness.rules.append(lambda call: error('AccessDeniedException', '\x1b[2Jgone\r\n')
                                  if call.operation == 'PutParameter' else None)
        done = self.run_it('sync', status=1)
        self.assertIn('?[2Jgone', done.out)
        self.assertNotIn('\x1b', done.out)
        self.witness.rules[:] = [lambda call: error('AccessDeniedException', '\x1b[2Jno')
                                 if call.operation == 'DescribeParameters' else None]
        done = self.run_it('sync', status=1)
        self.assertIn('?[2Jno', done.err)
        self.assertNotIn('\x1b', done.err)

    def test_a_failed_source_writes_nothing(self):
        self.put('/a', 'v')
        self.witness.rules.append(
            lambda call: error('AccessDeniedException', 'no right')
            if (call.region, call.operation) == (SOURCE, 'DescribeParameters') else None)
        done = self.run_it('sync', status=1)
        self.assertIn('ap-south-1', done.err)
        self.assertIn('no right', done.err)
        self.assertEqual(self.witness.writes(), [])

    def test_one_unreadable_value_does_not_hide_the_others(self):
        for name in ('/a', '/b', '/c'):
            self.put(name, 'v', Type='SecureString')
        self.witness.rules.append(
            lambda call: error('AccessDeniedException', 'not this one')
            if call.operation == 'GetParameters' and b'"/b"' in call.body else None)
        done = self.run_it('sync', status=4)
        self.assertIn('not this one', done.out)
        self.assertEqual(set(self.versions('us-east-1')), {'a', 'c'})

    def test_without_the_tagging_right_tags_are_still_carried(self):
        for number in range(20):
            self.put(f'/n{number}', 'v', Tags=[{'Key': 'n', 'Value': str(number)}])
        self.witness.rules.append(
            lambda call: error('AccessDeniedException', 'tag:GetResources is not allowed')
            if call.operation == 'GetResources' else None)
        done = self.run_it('sync')
        self.assertIn('tags are read one by one', done.out)
        self.assertCopied()
        self.run_it('verify')

    def test_the_wrong_account_is_refused_before_anything_else(self):
        self.put('/a', 'v')
        done = self.run_it('sync', status=1, config='{source: {region: ap-south-1}, destinations: '
                           '[{region: us-east-1, account: "999999999999"}]}')
        self.assertIn('should be account 999999999999', done.err)
        self.assertEqual({call.service for call in self.witness.calls}, {'sts'})

    def test_a_server_that_is_not_there(self):
        self.witness.close()
        done = self.run_it('sync', status=1)
        self.assertIn('understudy:', done.err)
        self.assertNotIn('applied', done.out)


class CommandLine(Replication):
    def test_wrong_usage_is_status_2(self):
        for words, said in ((['sync', '--include', 'prod/x'], "'/prod/x'"),
                            (['sync', '--foo', 'x'], 'unrecognized'),
                            (['plan', 'file'], 'too many'),
                            (['sync', '--concurrency', '0'], 'not a number'),
                            (['sync', '--output', 'xml'], 'neither'),
                            (['sync', '--key', 'alias/a'], 'SOURCE=DESTINATION'),
                            (['sync', '--config', 'absent.yaml'], 'absent.yaml'),
                            (['synk'], "did you mean 'sync'")):
            done = self.run_it(*words, status=2)
            self.assertIn(said, done.err, words)
        self.assertEqual(self.witness.calls, [])
        done = self.run_it('sync', '--source-region', 'eu-west-1', '--destination-region',
                           'eu-west-1', flags=False, status=2)
        self.assertIn('both source and destination', done.err)

    def test_unknown_keys_are_told_with_their_place(self):
        done = self.run_it('sync', config='source:\n  regoin: eu-west-1\n', status=2)
        self.assertRegex(done.err, r"understudy.yaml:2:3: unknown key 'regoin'.*mean 'region'")

    def test_the_configuration_of_the_folder_is_used(self):
        self.put('/a', 'v')
        (self.folder / 'understudy.yaml').write_text(
            f'source: {{ region: {SOURCE} }}\ndestinations: [{{ region: {COPIES[0]} }}]\n')
        self.run_it('sync', '--endpoint-url', self.witness.url, flags=False)
        self.assertCopied(COPIES[0])

    def test_help_and_version(self):
        self.assertIn('sync', self.run_it('help', flags=False).out)
        self.assertIn('--destination-region', self.run_it('help', 'sync', flags=False).out)
        self.assertIn('--exit-code', self.run_it('plan', '--help', flags=False).out)
        self.assertRegex(self.run_it('--version', flags=False).out, r'^understudy \d+\.\d+')

    def test_json_lines(self):
        self.put('/a', 'v')
        done = self.run_it('sync', '--output', 'json')
        self.assertEqual([line['type'] for line in done.lines], ['sync', 'step', 'step', 'summary'])
        self.assertEqual(done.lines[0]['source'], {'region': SOURCE, 'account': '111111111111'})
        self.assertEqual(done.err, '')

    def test_concurrency_does_not_change_the_result(self):
        for number in range(30):
            self.put(f'/n{number}', 'v')
        for count, region in (('1', 'us-east-1'), ('64', 'us-west-2')):
            self.run_it('sync', '--concurrency', count, '--source-region', SOURCE,
                        '--destination-region', region, '--endpoint-url', self.witness.url,
                        flags=False)
            self.assertCopied(region)


if __name__ == '__main__':
    unittest.main()
