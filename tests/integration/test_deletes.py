#!/usr/bin/python3
"""Copies whose source is gone: left, marked or deleted as the configuration says, and never for a
reason that could be a mistake. Each test fails when its rule is taken out."""
import datetime
import json
import unittest

from replication import COPIES, SOURCE, Replication, error

NOW = ('--deletes', 'owned', '--delete-grace', '0', '--max-delete', '100%')
LATER = ('--deletes', 'owned', '--max-delete', '100%')


class Deletes(Replication):
    def tags(self, name, region):
        rows = self.ssm(region).list_tags_for_resource(ResourceType='Parameter',
                                                       ResourceId=name)['TagList']
        return {row['Key']: row['Value'] for row in rows}

    def copied(self, *names):
        """Copies of these and of /stays, then the source loses them."""
        for name in names + ('/stays',):
            self.put(name, 'v')
        self.run_it('sync')
        for name in names:
            self.ssm().delete_parameter(Name=name)
        self.witness.forget()

    def there(self, region=COPIES[0]):
        return set(self.versions(region))

    def untouched(self, *names):
        self.assertEqual(self.witness.writes(), [])
        for region in COPIES:
            self.assertEqual(self.there(region), {'stays', *names})

    def test_r18_nothing_is_deleted_unless_it_is_asked_for(self):
        self.copied('/gone')
        self.put('/theirs', 'v', 'us-east-1')
        done = self.run_it('sync')
        self.assertIn('3 extra at a destination', done.out)
        self.assertIn('? /gone', done.out)
        steps = self.run_it('plan', '--json', '--detailed-exitcode').steps('extra')
        self.assertEqual([(step['name'], step['destination']) for step in steps],
                         [('/gone', 'us-east-1'), ('/gone', 'eu-west-1'),
                          ('/theirs', 'us-east-1')])
        self.run_it('verify')
        self.assertEqual(self.witness.writes(), [])

    def test_r18_owned_deletes_what_this_source_made_and_nothing_else(self):
        self.copied('/gone')
        self.put('/theirs', 'v', 'us-east-1')
        self.put('/another', 'v', 'us-east-1',
                 Tags=[{'Key': 'understudy:source', 'Value': '111111111111/eu-central-1'}])
        done = self.run_it('sync', *NOW)
        self.assertIn("it is a copy of 111111111111/eu-central-1's", done.out)
        self.assertIn('understudy did not make it', done.out)
        self.assertEqual(self.there('us-east-1'), {'stays', 'theirs', 'another'})
        self.assertEqual(self.there('eu-west-1'), {'stays'})
        self.run_it('verify', *NOW)

    def test_all_deletes_whatever_the_source_has_not(self):
        self.copied('/gone')
        self.put('/theirs', 'v', 'us-east-1')
        self.run_it('plan', '--exit-code', '--deletes', 'all', '--delete-grace', '0',
                    '--max-delete', '2', status=3)
        self.run_it('sync', '--deletes', 'all', '--delete-grace', '0', '--max-delete', '2')
        self.assertEqual(self.there(), {'stays'})

    def test_what_is_not_selected_is_not_looked_at(self):
        self.copied('/prod/gone', '/prod/tmp/gone', '/test/gone')
        self.put('/prod/here', 'v')
        self.run_it('sync', *NOW, '--include', '/prod/**', '--exclude', '/prod/tmp/**')
        self.assertEqual(self.there(), {'stays', 'prod/here', 'prod/tmp/gone', 'test/gone'})

    def test_names_are_those_that_the_rename_gives(self):
        config = ('{source: {region: ap-south-1}, destinations: [{region: us-east-1}], '
                  'parameters: {include: ["/prod/**"], rename: [{from: /prod, to: /dr}], '
                  'deletes: all, delete_grace: "0", max_delete: "100%"}}')
        self.put('/prod/a', 'v')
        self.put('/dr/gone', 'v', 'us-east-1')
        self.put('/prod/not-a-copy', 'v', 'us-east-1')
        done = self.run_it('sync', '--json', config=config)
        self.assertEqual([(step['name'], step['target']) for step in done.steps('delete')],
                         [('/prod/gone', '/dr/gone')])
        self.assertEqual(self.there(), {'dr/a', 'prod/not-a-copy'})

    def test_many_go_ten_a_call(self):
        self.copied(*(f'/gone/n{number:02}' for number in range(23)))
        done = self.run_it('sync', '--json', *NOW)
        self.assertEqual(len(done.steps('delete')), 46)
        self.assertEqual([call.operation for call in self.witness.writes()],
                         ['DeleteParameters'] * 6)
        self.assertEqual(self.there(), {'stays'})

    # --- the mark and the grace -----------------------------------------------------------------
    def test_a_copy_is_marked_first_and_deleted_when_the_grace_is_over(self):
        self.copied('/gone')
        done = self.run_it('sync', *LATER)
        self.assertIn('not at the source: marked', done.out)
        self.assertEqual({call.operation for call in self.witness.writes()},
                         {'AddTagsToResource'})
        mark = self.tags('/gone', 'us-east-1')['understudy:absent-since']
        # Within the grace nothing more is done, and nothing is out of order.
        self.witness.forget()
        self.assertIn('to be deleted from', self.run_it('sync', *LATER).out)
        self.run_it('verify', *LATER)
        self.assertEqual(self.witness.writes(), [])
        self.assertEqual(self.tags('/gone', 'us-east-1')['understudy:absent-since'], mark)
        # A day later; in one Region only.
        yesterday = datetime.datetime.utcnow() - datetime.timedelta(hours=25)
        self.ssm('us-east-1').add_tags_to_resource(
            ResourceType='Parameter', ResourceId='/gone',
            Tags=[{'Key': 'understudy:absent-since',
                   'Value': yesterday.strftime('%Y-%m-%dT%H:%M:%SZ')}])
        self.run_it('sync', *LATER)
        self.assertEqual((self.there('us-east-1'), self.there('eu-west-1')),
                         ({'stays'}, {'stays', 'gone'}))

    def test_r17_a_source_that_is_there_again_takes_the_mark_away(self):
        self.copied('/gone')
        self.run_it('sync', *LATER)
        self.put('/gone', 'v')
        done = self.run_it('sync', '--json')
        self.assertEqual([step['changes'] for step in done.steps()],
                         [['tags.understudy:absent-since']] * 2)
        self.assertNotIn('understudy:absent-since', self.tags('/gone', 'us-east-1'))
        self.run_it('verify')

    def test_a_mark_that_somebody_took_away_protects(self):
        self.copied('/gone')
        self.run_it('sync', *LATER)
        mark = b'understudy:absent-since'

        def stale_index(call):
            # The listing of tags still has an old mark when the tag itself is gone.
            if call.operation == 'GetResources' and call.region != SOURCE:
                return 200, json.dumps({'ResourceTagMappingList': [{
                    'ResourceARN': f'arn:aws:ssm:{call.region}:111111111111:parameter/gone',
                    'Tags': [{'Key': 'understudy:source', 'Value': '111111111111/ap-south-1'},
                             {'Key': mark.decode(), 'Value': '2020-01-01T00:00:00Z'}]}]})
            return None
        for region in COPIES:
            self.ssm(region).remove_tags_from_resource(
                ResourceType='Parameter', ResourceId='/gone', TagKeys=[mark.decode()])
        self.witness.forget()
        self.witness.rules.append(stale_index)
        done = self.run_it('sync', *LATER, status=4)
        self.assertIn('somebody has taken the mark of absence away', done.out)
        self.untouched('gone')

    def test_ownership_that_somebody_took_away_protects(self):
        self.copied('/gone')

        def take_away(call):
            if call.operation == 'ListTagsForResource':
                self.ssm(call.region).remove_tags_from_resource(
                    ResourceType='Parameter', ResourceId='/gone', TagKeys=['understudy:source'])
        self.witness.rules.append(take_away)
        done = self.run_it('sync', *NOW, status=4)
        self.assertIn('understudy did not make it', done.out)
        self.untouched('gone')

    # --- what could be a mistake ----------------------------------------------------------------
    def listing_without(self, *missing):
        def rule(call):
            if (call.region, call.operation) != (SOURCE, 'DescribeParameters'):
                return None
            rows = [{'Name': name, 'Type': 'String', 'Version': 1, 'LastModifiedDate': 1.0,
                     'Tier': 'Standard', 'DataType': 'text'} for name in
                    ({'/' + name for name in self.versions(SOURCE)} - set(missing))]
            return 200, json.dumps({'Parameters': rows})
        self.witness.rules.append(rule)

    def test_r17_what_the_source_says_it_has_is_not_deleted(self):
        self.put('/here', 'v')
        self.put('/stays', 'v')
        self.run_it('sync')
        self.witness.forget()
        self.listing_without('/here')
        for flags in (NOW, LATER):
            done = self.run_it('sync', *flags, status=4)
            self.assertIn('not deleted: /here exists in ap-south-1', done.out)
        self.untouched('here')

    def test_r56_after_an_empty_listing_nothing_goes(self):
        self.copied('/gone')
        self.listing_without('/stays')
        done = self.run_it('sync', *NOW)
        self.assertIn("the source's listing is empty", done.out)
        self.untouched('gone')

    def test_r56_after_a_failed_listing_nothing_goes(self):
        self.copied('/gone')
        self.witness.rules.append(
            lambda call: error('AccessDeniedException')
            if (call.region, call.operation) == (SOURCE, 'DescribeParameters') else None)
        self.run_it('sync', *NOW, status=1)
        self.untouched('gone')

    def test_r56_a_pattern_that_matches_nothing_deletes_nothing(self):
        self.copied('/typo/gone')
        done = self.run_it('sync', *NOW, '--include', '/typo/**', '--include', '/stays')
        self.assertIn('its pattern matches nothing at the source any more', done.out)
        self.untouched('typo/gone')
        # A name that is given whole means itself.
        self.run_it('sync', *NOW, '--include', '/typo/gone', '--include', '/stays')
        self.assertEqual(self.there(), {'stays'})

    def test_a_source_that_cannot_be_asked_deletes_nothing(self):
        self.copied('/gone')
        self.witness.rules.append(
            lambda call: error('AccessDeniedException', 'no right to ask')
            if call.region == SOURCE and call.operation == 'GetParameters' and b'/gone' in call.body
            else None)
        done = self.run_it('sync', *NOW, status=4)
        self.assertIn('cannot make sure that it is gone from ap-south-1', done.out)
        self.untouched('gone')

    def test_r56_only_a_clean_run_deletes(self):
        self.copied('/gone')
        self.put('/new', 'v')
        self.witness.rules.append(
            lambda call: error('AccessDeniedException')
            if call.region == 'eu-west-1' and call.operation == 'PutParameter' else None)
        done = self.run_it('sync', *NOW, status=4)
        self.assertIn('only a clean run deletes', done.out)
        self.assertEqual(self.there('us-east-1'), {'stays', 'gone', 'new'})

    def test_r18_more_than_the_cap_and_nothing_goes(self):
        names = [f'/gone/n{number}' for number in range(3)]
        self.copied(*names, *(f'/more/n{number}' for number in range(7)))
        for number in range(7):
            self.put(f'/more/n{number}', 'v')
        # 3 of 11 copies: more than 10 %, which is two.
        for flags in (('--delete-grace', '0'), ()):
            done = self.run_it('sync', '--deletes', 'owned', *flags, status=4)
            self.assertIn('nothing is deleted: 3 of 11 copies in us-east-1 would go and '
                          'max_delete allows 2', done.out)
        self.assertEqual(self.witness.writes(), [])
        self.run_it('sync', '--deletes', 'owned', '--delete-grace', '0', '--max-delete', '2',
                    status=4)
        self.assertEqual(self.witness.writes(), [])
        self.run_it('sync', '--deletes', 'owned', '--delete-grace', '0', '--max-delete', '3')
        self.assertEqual(len(self.there()), 8)

    def test_what_was_written_since_it_was_listed_stays(self):
        self.copied('/gone')

        def edit(call):
            if call.region != SOURCE and call.operation == 'ListTagsForResource':
                self.put('/gone', 'edited', call.region, Overwrite=True)
        self.witness.rules.append(edit)
        done = self.run_it('sync', *NOW, status=4)
        self.assertIn('somebody wrote it since it was listed', done.out)
        self.untouched('gone')

    def test_a_saved_plan_deletes_what_it_says(self):
        self.copied('/gone')
        self.run_it('plan', *NOW, '-o', 'plan.json')
        self.assertEqual(self.witness.writes(), [])
        done = self.run_it('apply', 'plan.json', flags=False)
        self.assertIn('applied 2 of 2', done.out)
        self.assertEqual(self.there(), {'stays'})
        self.run_it('apply', 'plan.json', flags=False)

    def test_a_source_that_came_back_since_the_plan_is_a_conflict(self):
        self.copied('/gone')
        self.run_it('plan', *NOW, '-o', 'plan.json')
        self.put('/gone', 'new life')
        self.run_it('apply', 'plan.json', '--partial', flags=False, status=4)
        self.untouched('gone')

    def test_a_lost_answer_is_looked_after(self):
        self.copied('/gone')
        self.witness.rules.append(
            lambda call: 'lose' if call.operation == 'DeleteParameters' else None)
        self.run_it('sync', *NOW)
        self.assertEqual(self.there(), {'stays'})


if __name__ == '__main__':
    unittest.main()
