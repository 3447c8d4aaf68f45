#!/usr/bin/python3
"""What a run overwrote is kept, sealed, and can be put back; what it deleted too."""
import json
import os
import pathlib
import re
import stat
import unittest

from replication import COPIES, SOURCE, Replication, error

NOW = ('--deletes', 'owned', '--delete-grace', '0', '--max-delete', '100%')
CANARY = 'canary-of-the-undo-test'


class Changed(Replication):
    def whole(self, region):
        """Everything, our own tags too."""
        found = self.state(region)
        for name, fields in found.items():
            rows = self.ssm(region).list_tags_for_resource(
                ResourceType='Parameter', ResourceId='/' + name)['TagList']
            fields['Tags'] = {row['Key']: row['Value'] for row in rows}
        return found

    def changed(self):
        """Copies, of which a run then creates, changes and deletes some. The run and what stood
        at the destinations before and after it."""
        self.key('alias/dr', *COPIES)
        self.key('alias/prod', SOURCE)
        self.put('/value', CANARY + '-old', Type='SecureString', KeyId='alias/prod',
                 Description='d', Tags=[{'Key': 'team', 'Value': 'x'}])
        self.put('/tags', 'v', Tags=[{'Key': 'a', 'Value': '1'}, {'Key': 'b', 'Value': '2'}])
        self.put('/type', CANARY + '-type')
        self.put('/gone', CANARY + '-gone', Type='SecureString', Description='gone',
                 Tags=[{'Key': 'k', 'Value': 'v'}])
        self.put('/same', 'v')
        self.sync('--key', '*=alias/dr')
        before = {region: self.whole(region) for region in COPIES}
        self.put('/value', CANARY + '-new', Type='SecureString', KeyId='alias/prod',
                 Description='changed', Overwrite=True)
        self.ssm().remove_tags_from_resource(ResourceType='Parameter', ResourceId='/tags',
                                             TagKeys=['a'])
        self.ssm().add_tags_to_resource(ResourceType='Parameter', ResourceId='/tags',
                                        Tags=[{'Key': 'c', 'Value': '3'}])
        self.put('/type', 'x,y', Type='StringList', Overwrite=True)
        self.ssm().delete_parameter(Name='/gone')
        self.put('/new', CANARY + '-created', Type='SecureString')
        run = self.sync('--key', '*=alias/dr', *NOW)
        after = {region: self.whole(region) for region in COPIES}
        self.assertNotEqual(before, after)
        self.witness.forget()
        return run, before, after

    def sync(self, *flags):
        done = self.run_it('sync', *flags)
        self.assertRegex(done.out, r'undo: understudy undo \S+')
        return re.search(r'understudy undo (\S+)', done.out)[1]

    def undo(self, *words, status=0, command='undo'):
        return self.run_it(command, *words, flags=False, status=status)

    def everything(self):
        return {region: self.whole(region) for region in COPIES}


class Undo(Changed):
    def test_r49_a_run_is_undone_and_the_undo_too(self):
        run, before, after = self.changed()
        dry = self.undo(run, '--dry-run')
        self.assertIn('would put back 10', dry.out)
        self.assertEqual(self.witness.writes(), [])
        done = self.undo(run)
        self.assertIn('put back 10 of 10', done.out)
        self.assertEqual(self.everything(), before)
        # Again: there is nothing to do.
        self.witness.forget()
        self.assertIn('10 as before already', self.undo(run).out)
        self.assertEqual(self.witness.writes(), [])
        self.undo(re.search(r'understudy undo (\S+)', done.out)[1])
        self.assertEqual(self.everything(), after)

    def test_a_run_with_selectors_is_undone_whole(self):
        self.put('/prod/a', 'one')
        run = self.sync('--include', '/prod/**')
        self.assertIn('put back 2 of 2', self.undo(run).out)
        self.assertEqual(self.everything(), {region: {} for region in COPIES})

    def test_only_the_names_that_are_given(self):
        run, before, after = self.changed()
        self.undo(run, '/value', 'gone')
        for region in COPIES:
            now = self.whole(region)
            for name, fields in {**before[region], **after[region]}.items():
                wanted = before if name in ('value', 'gone') else after
                self.assertEqual(now.get(name), wanted[region].get(name), (region, name))

    def test_r49_what_was_changed_since_is_left_unless_forced(self):
        run, before, _ = self.changed()
        self.put('/value', 'by hand', 'us-east-1', Type='SecureString', Overwrite=True)
        self.put('/new', 'by hand', 'us-east-1', Type='SecureString', Overwrite=True)
        self.put('/gone', 'made anew', 'us-east-1')
        self.ssm('us-east-1').delete_parameter(Name='/type')
        self.ssm('us-east-1').add_tags_to_resource(
            ResourceType='Parameter', ResourceId='/tags', Tags=[{'Key': 'z', 'Value': '9'}])
        edited = self.whole('us-east-1')
        done = self.undo(run, status=4)
        self.assertIn('5 changed since and left', done.out)
        for said in ('somebody changed it since', 'somebody made it anew', 'somebody deleted it'):
            self.assertIn(said, done.out)
        self.assertEqual(self.whole('us-east-1'), edited)
        self.assertEqual(self.whole('eu-west-1'), before['eu-west-1'])
        self.undo(run, '--force')
        self.assertEqual(self.whole('us-east-1'), before['us-east-1'])

    def test_r58_what_is_kept_is_sealed_and_private(self):
        run, _, _ = self.changed()
        self.undo(run)
        kept = list((self.folder / 'state').rglob('*.jsonl'))
        self.assertEqual(len(kept), 3)
        for path in (self.folder).rglob('*'):
            if path.is_file():
                self.assertNotIn(CANARY.encode(), path.read_bytes(), path)
        for path in kept:
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            self.assertEqual(stat.S_IMODE(path.parent.stat().st_mode), 0o700)

    def test_without_the_key_it_says_so_and_does_nothing(self):
        run, _, after = self.changed()
        key = self.folder / 'state' / 'understudy' / 'state.key'
        key.unlink()
        done = self.undo(run, status=1)
        self.assertIn('state.key is not the one it was sealed with', done.err)
        self.assertEqual(self.everything(), after)

    def test_a_line_cannot_be_moved_to_another_name(self):
        run, _, after = self.changed()
        path = self.folder / 'state' / 'understudy' / 'undo' / (run + '.jsonl')
        text = path.read_text()
        self.assertIn('"name":"/value"', text)
        path.write_text(text.replace('"name":"/value"', '"name":"/same"'))
        self.assertIn('cannot be opened', self.undo(run, '/same', status=1).err)
        self.assertEqual(self.everything(), after)

    def test_kept_before_it_is_sent(self):
        """Killed at the first write, the run can still be undone."""
        self.put('/a', 'old')
        self.run_it('sync')
        self.put('/a', 'new', Overwrite=True)
        seen = []

        def look(call):
            if call.operation == 'PutParameter':
                seen.extend(path.read_text().count('"before"') for path in
                            (self.folder / 'state').rglob('*.jsonl'))
        self.witness.rules.append(look)
        self.run_it('sync')
        self.assertIn(2, seen)

    def test_a_torn_last_line_is_one_that_was_never_sent(self):
        run, before, _ = self.changed()
        path = self.folder / 'state' / 'understudy' / 'undo' / (run + '.jsonl')
        with path.open('a') as file:
            file.write('{"type":"before","destination":0,"na')
        self.undo(run)
        self.assertEqual(self.everything(), before)

    def test_a_damaged_file_is_refused_before_anything_is_written(self):
        run, before, after = self.changed()
        path = self.folder / 'state' / 'understudy' / 'undo' / (run + '.jsonl')
        lines = path.read_text().splitlines(keepends=True)
        last = lines[-1]
        for damaged in (lines[:-1] + [last[:40] + '\n'], lines + ['nonsense\n'],
                        lines[:-1] + [last.replace('"destination":', '"destination":-')],
                        lines[:-1] + [last.replace('"destination":', '"destination":6')],
                        lines[:-1] + [last.replace('"sealed":"', '"sealed":"AAAA')],
                        lines[1:], ['{"type":"plan","format":1}\n'], ['']):
            path.write_text(''.join(damaged))
            self.assertRegex(self.undo(run, status=None).err,
                             'damaged|cannot be opened|not written by this version|not there')
            self.assertEqual(self.witness.writes(), [])
        self.assertEqual(self.everything(), after)
        path.write_text(''.join(lines))
        self.undo(run)
        self.assertEqual(self.everything(), before)

    def test_nothing_kept_is_said(self):
        self.put('/a', 'v')
        self.assertIn('undo: not possible, nothing was kept (--no-undo)',
                      self.run_it('sync', '--no-undo').out)
        self.put('/b', 'v')
        self.assertIn('(--no-state)', self.run_it('sync', '--no-state').out)
        self.assertEqual(list((self.folder / 'state').rglob('*.jsonl')), [])
        self.assertNotIn('undo', self.run_it('sync').out)  # nothing was changed
        self.assertIn('no run changed anything', self.undo(status=2).err)

    def test_wrong_words(self):
        run, _, _ = self.changed()
        self.assertIn(run, self.undo(status=2).err)
        self.assertIn('nothing is kept of run', self.undo('20200101T000000Z-abcdef', status=2).err)
        self.assertIn('nothing is kept', self.undo('../../etc/passwd', status=2).err)
        self.assertIn('no selection', self.undo(run, '--include', '/a', status=2).err)
        self.assertIn('--no-state', self.undo(run, '--no-state', status=2).err)

    def test_undo_does_not_ask_the_source(self):
        run, before, _ = self.changed()
        self.witness.rules.append(lambda call: error('InternalFailure', status=500)
                                  if call.region == SOURCE else None)
        self.undo(run)
        self.assertEqual(self.everything(), before)

    def test_old_files_go(self):
        self.put('/a', 'v')
        folder = self.folder / 'state' / 'understudy' / 'undo'
        folder.mkdir(parents=True, mode=0o700)
        os.chmod(folder.parent, 0o700)
        for name in ('20200101T000000Z-aaaaaa.jsonl', '20990101T000000Z-aaaaaa.jsonl', 'note'):
            (folder / name).write_text('')
        run = self.sync()
        self.assertEqual({path.name for path in folder.iterdir()},
                         {'20990101T000000Z-aaaaaa.jsonl', 'note', run + '.jsonl'})

    # --- overwriting itself ---------------------------------------------------------------------
    def test_what_was_written_since_it_was_compared_is_not_overwritten(self):
        for name in ('/a', '/b', '/c'):
            self.put(name, 'old')
        self.run_it('sync')
        for name in ('/a', '/b', '/c'):
            self.put(name, 'new', Overwrite=True)
        reads = []

        def edit_between(call):
            # The second reading of a copy's values is the last look before the write.
            if call.operation == 'GetParameters' and call.region == 'us-east-1':
                reads.append(call)
                if len(reads) == 2:
                    self.put('/b', 'by hand', 'us-east-1', Overwrite=True)
        self.witness.rules.append(edit_between)
        done = self.run_it('sync', '--json', status=4)
        self.assertEqual([(step['name'], step['destination']) for step in done.steps()
                          if step['status'] == 'conflict'], [('/b', 'us-east-1')])
        self.assertEqual(self.state('us-east-1')['b']['Value'], 'by hand')

    def test_a_change_costs_few_calls(self):
        for number in range(40):
            self.put(f'/n{number:02}', 'old')
        self.run_it('sync')
        for number in range(40):
            self.put(f'/n{number:02}', 'new', Overwrite=True)
        self.witness.forget()
        summary = self.run_it('sync', '--json').summary
        listing = 2 * 3 + 1  # a page, and tags, of each side; and whose credentials these are
        self.assertEqual(summary['applied'], 80)
        # Source and copies compared, then read once more before they are written.
        self.assertLessEqual(summary['calls'], listing + 4 * (1 + 2) + 4 * (1 + 2) + 80)


class Labels(Changed):
    """With `labels: true` or `history: K` a run moves labels, and undo puts them back."""
    COPY = COPIES[0]

    def go(self, rules, status=0):
        config = (f'source: {{ region: {SOURCE} }}\ndestinations: [{{ region: {self.COPY} }}]\n'
                  f'parameters: {{ {rules}, deletes: owned, delete_grace: "0", replace_wait: 0,'
                  ' max_delete: "100%", allow: [replace] }\n')
        done = self.run_it('sync', config=config, status=status)
        run = re.search(r'understudy undo (\S+)', done.out)
        return run and run[1]

    def fill(self, name, *values, region=SOURCE, **more):
        for value in values:
            self.put(name, value, region, Overwrite=True, **more)

    def label(self, name, version, *labels, region=SOURCE):
        self.ssm(region).label_parameter_version(Name=name, ParameterVersion=version,
                                                 Labels=list(labels))

    def unlabel(self, name, version, *labels, region=SOURCE):
        self.ssm(region).unlabel_parameter_version(Name=name, ParameterVersion=version,
                                                   Labels=list(labels))

    def versions(self, name, region=None):
        rows = self.ssm(region or self.COPY).get_parameter_history(Name=name)['Parameters']
        return [(row['Value'], sorted(row['Labels'])) for row in rows]

    def test_r04_labels_go_back_to_the_versions_that_they_were_on(self):
        self.fill('/a', 'one')
        self.label('/a', 1, 'blue', 'prod')
        self.go('labels: true')
        self.fill('/a', 'two')
        self.label('/a', 2, 'green', 'prod')
        self.unlabel('/a', 1, 'blue')
        self.fill('/new', 'v')
        self.label('/new', 1, 'x')
        run = self.go('labels: true')
        self.assertEqual(self.versions('/a'), [('one', []), ('two', ['green', 'prod'])])
        dry = self.undo(run, '--dry-run')
        self.assertIn('labels', dry.out)
        done = self.undo(run)
        self.assertEqual(self.versions('/a'), [('one', ['blue', 'prod']), ('two', []), ('one', [])])
        self.assertNotIn('do not come back', done.out)
        self.assertNotIn('new', self.state(self.COPY))
        self.witness.forget()
        self.assertIn('2 as before already', self.undo(run).out)
        self.assertEqual(self.witness.writes(), [])
        # The undo is undone, its labels too.
        self.undo(re.search(r'understudy undo (\S+)', done.out)[1])
        self.assertEqual(self.versions('/a'), [('one', []), ('two', ['green', 'prod']),
                                               ('one', []), ('two', [])])
        self.assertEqual(self.versions('/new'), [('v', ['x'])])

    def test_r04_a_run_that_moved_labels_only_is_undone(self):
        self.fill('/a', 'one', 'two')
        self.label('/a', 2, 'prod')
        self.go('labels: true, history: 5')
        self.unlabel('/a', 2, 'prod')
        self.label('/a', 1, 'prod', 'old')
        run = self.go('labels: true, history: 5')
        self.assertEqual(self.versions('/a'), [('one', ['old', 'prod']), ('two', [])])
        self.undo(run)
        self.assertEqual(self.versions('/a'), [('one', []), ('two', ['prod'])])

    def test_r04_labels_that_somebody_moved_since_are_left(self):
        self.fill('/a', 'one')
        self.label('/a', 1, 'prod')
        self.go('labels: true')
        self.fill('/a', 'two')
        self.label('/a', 2, 'prod')
        run = self.go('labels: true')
        self.label('/a', 1, 'mine', region=self.COPY)
        stands = self.versions('/a')
        self.assertIn('somebody changed it since', self.undo(run, status=1).out)
        self.assertEqual(self.versions('/a'), stands)
        self.undo(run, '--force')
        self.assertEqual(self.versions('/a'), [('one', ['prod']), ('two', []), ('one', [])])

    def test_r04_what_a_delete_took_is_a_loss_with_a_name(self):
        self.fill('/gone', 'one', 'two', 'three')
        self.label('/gone', 1, 'old')
        self.label('/gone', 3, 'prod')
        self.go('history: 5, labels: true')
        self.ssm().delete_parameter(Name='/gone')
        self.fill('/stays', 'v')
        run = self.go('history: 5')
        self.assertNotIn('gone', self.state(self.COPY))
        done = self.undo(run, '/gone')
        self.assertIn('its earlier versions (1 to 2) do not come back', done.out)
        self.assertIn('labels whose version is gone: old (version 1)', done.out)
        self.assertEqual(self.versions('/gone'), [('three', ['prod'])])
        self.assertIn('1 as before already', self.undo(run, '/gone').out)

    def test_r04_a_copy_that_was_made_again_gets_the_labels_of_its_present(self):
        self.fill('/a', 'one', 'two', Tier='Standard')
        self.label('/a', 1, 'old')
        self.label('/a', 2, 'prod')
        self.fill('/a', 'one', 'two', region=self.COPY, Tier='Advanced')
        self.label('/a', 1, 'old', region=self.COPY)
        self.label('/a', 2, 'prod', region=self.COPY)
        self.fill('/b', 'v')
        run = self.go('labels: true')
        self.assertEqual(self.versions('/a')[-1], ('two', ['prod']))
        self.assertEqual(len(self.versions('/a')), 1)
        done = self.undo(run, '/a')
        self.assertIn('labels whose version is gone: old (version 1)', done.out)
        self.assertIn('its earlier versions (1 to 1) do not come back', done.out)
        self.assertEqual(self.state(self.COPY)['a']['Tier'], 'Advanced')
        self.assertEqual(self.versions('/a')[-1][0], 'two')
        self.assertEqual([labels for _, labels in self.versions('/a') if labels], [['prod']])

    def test_labels_that_were_not_read_are_said_to_be_lost(self):
        self.fill('/gone', 'one')
        self.go('adopt: false')
        self.ssm().delete_parameter(Name='/gone')
        self.fill('/stays', 'v')
        run = self.go('adopt: false')
        self.witness.forget()
        self.assertIn('labels that it may have had were not kept', self.undo(run).out)
        self.assertNotIn('GetParameterHistory', {call.operation for call in self.witness.calls})

    def test_ten_labels_that_changed_places_change_back(self):
        first, second = [f'f{n}' for n in range(10)], [f's{n}' for n in range(10)]
        self.fill('/a', 'one', 'two')
        self.label('/a', 1, *first)
        self.label('/a', 2, *second)
        self.go('labels: true, history: 2')
        self.unlabel('/a', 1, *first)
        self.label('/a', 1, *second)
        self.label('/a', 2, *first)
        run = self.go('labels: true, history: 2')
        self.assertEqual(self.versions('/a'), [('one', second), ('two', first)])
        self.undo(run)
        self.assertEqual(self.versions('/a'), [('one', first), ('two', second)])


class Undelete(Changed):
    def test_r18_what_was_deleted_comes_back_whole_and_stays(self):
        _, before, after = self.changed()
        self.undo('/gone', command='undelete')
        for region in COPIES:
            tags = {'k': 'v'}  # no longer ours
            wanted = {**after[region], 'gone': {**before[region]['gone'], 'Tags': tags}}
            self.assertEqual(self.whole(region), wanted)
        self.witness.forget()
        self.run_it('sync', '--key', '*=alias/dr', *NOW)
        self.assertEqual(self.witness.writes(), [])

    def test_all_of_a_run(self):
        run, _, after = self.changed()
        self.undo('--run', run, command='undelete')
        for region in COPIES:
            self.assertEqual(set(self.whole(region)), {*after[region], 'gone'})

    def test_marks_are_taken_away(self):
        self.put('/a', 'v')
        self.put('/gone', 'v')
        self.run_it('sync')
        self.ssm().delete_parameter(Name='/gone')
        self.sync('--deletes', 'owned', '--max-delete', '100%')
        self.assertIn('understudy:absent-since', self.whole('us-east-1')['gone']['Tags'])
        self.undo('/gone', command='undelete')
        self.assertEqual(self.whole('us-east-1')['gone']['Tags'], {})

    def test_names_that_nobody_deleted(self):
        self.changed()
        self.assertIn('no run that is kept deleted or marked /same',
                      self.undo('/gone', '/same', status=2, command='undelete').err)
        self.assertIn('give the NAMEs', self.undo(status=2, command='undelete').err)


if __name__ == '__main__':
    unittest.main()
