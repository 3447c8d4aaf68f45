#!/usr/bin/python3
"""Whose a copy is stands on the copy: a tag, put with the call that creates it."""
import unittest

from replication import Replication

OWNER = '111111111111/ap-south-1'
CONFIG = '''
source: { region: ap-south-1 }
destinations: [{ region: us-east-1 }]
parameters: { include: ["/prod/**"], %s }
'''


class Ownership(Replication):
    def tags(self, name, region='us-east-1'):
        rows = self.ssm(region).list_tags_for_resource(ResourceType='Parameter',
                                                       ResourceId=name)['TagList']
        return {row['Key']: row['Value'] for row in rows}

    def test_r18_a_copy_that_was_made_says_whose_it_is(self):
        self.put('/a', 'v', Tags=[{'Key': 'team', 'Value': 'x'}])
        self.put('/b', 'v')
        self.put('/b', 'old', 'us-east-1')
        self.run_it('sync')
        self.assertEqual(self.tags('/a'), {'team': 'x', 'understudy:source': OWNER})
        self.assertEqual(self.tags('/b'), {})  # it was there before: not ours
        self.assertEqual([call.operation for call in self.witness.writes()],
                         ['PutParameter'] * 4)
        # Our tag is neither a difference nor removed.
        self.witness.forget()
        self.run_it('sync')
        self.run_it('verify')
        self.assertEqual(self.witness.writes(), [])

    def test_a_copy_of_a_copy_belongs_to_its_own_source(self):
        self.put('/a', 'v')
        self.run_it('sync')
        self.run_it('sync', '--source-region', 'us-east-1', '--destination-region', 'us-west-2',
                    '--endpoint-url', self.witness.url, flags=False)
        self.assertEqual(self.tags('/a', 'us-west-2'),
                         {'understudy:source': '111111111111/us-east-1'})

    def test_without_room_the_plan_says_that_it_is_not_ours(self):
        tags = [{'Key': f'k{number}', 'Value': 'v'} for number in range(50)]
        self.put('/a', 'v', Tags=tags)
        done = self.run_it('sync')
        self.assertIn('not marked as ours: it has all 50 tags', done.out)
        self.assertEqual(len(self.tags('/a')), 50)
        self.assertCopied()
        self.run_it('verify')

    def test_none_marks_nothing_and_adopt_marks_what_was_there(self):
        self.put('/prod/a', 'v')
        self.put('/prod/b', 'v')
        self.put('/prod/b', 'v', 'us-east-1')
        self.run_it('sync', config=CONFIG % 'ownership: none')
        self.assertEqual(self.tags('/prod/a'), {})
        done = self.run_it('sync', '--json', config=CONFIG % 'adopt: true')
        self.assertEqual([step['changes'] for step in done.steps()],
                         [['tags.understudy:source']] * 2)
        for name in ('/prod/a', '/prod/b'):
            self.assertEqual(self.tags(name), {'understudy:source': OWNER})
        self.witness.forget()
        self.run_it('sync', config=CONFIG % 'adopt: true')
        self.assertEqual(self.witness.writes(), [])

    def test_another_sources_copy_is_not_adopted(self):
        self.put('/prod/a', 'v', 'eu-central-1')
        self.put('/prod/a', 'v')
        self.run_it('sync', '--source-region', 'eu-central-1', '--destination-region',
                    'us-east-1', '--endpoint-url', self.witness.url, flags=False)
        self.run_it('sync', config=CONFIG % 'adopt: true')
        self.assertEqual(self.tags('/prod/a'),
                         {'understudy:source': '111111111111/eu-central-1'})


if __name__ == '__main__':
    unittest.main()
