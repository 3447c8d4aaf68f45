"""Tags: AddTagsToResource, RemoveTagsFromResource, ListTagsForResource, and GetResources."""
from local_server import ACCOUNT, REGION, Conformance, main

ARN = f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/'


def tags(**pairs):
    return [{'Key': key, 'Value': value} for key, value in pairs.items()]


class Tags(Conformance):
    def setUp(self):
        super().setUp()
        self.ssm = self.client('ssm')
        self.ssm.put_parameter(Name='/p', Value='v', Type='String')

    def add(self, *given, name='/p'):
        self.ssm.add_tags_to_resource(ResourceType='Parameter', ResourceId=name, Tags=list(given))

    def listed(self, name='/p'):
        found = self.ssm.list_tags_for_resource(ResourceType='Parameter', ResourceId=name)
        return {tag['Key']: tag['Value'] for tag in found['TagList']}

    def test_add_change_remove(self):
        self.assertEqual(self.listed(), {})
        self.add(*tags(a='1', b='2'))
        self.add(*tags(b='3', c=''))
        self.assertEqual(self.listed(), {'a': '1', 'b': '3', 'c': ''})
        self.ssm.remove_tags_from_resource(ResourceType='Parameter', ResourceId='p',
                                           TagKeys=['a', 'none'])
        self.assertEqual(self.listed('p'), {'b': '3', 'c': ''})

    def test_overwrite_keeps_tags(self):
        self.add(*tags(a='1'))
        self.ssm.put_parameter(Name='/p', Value='w', Overwrite=True)
        self.assertEqual(self.listed(), {'a': '1'})

    def test_unicode(self):
        self.add({'Key': 'Größe m', 'Value': '日本 _.:/=+-@'})
        self.assertEqual(self.listed(), {'Größe m': '日本 _.:/=+-@'})

    def test_fifty(self):
        self.add(*[{'Key': f'k{i}', 'Value': 'v'} for i in range(50)])
        self.refused('TooManyTagsError', self.ssm.add_tags_to_resource, '',
                     ResourceType='Parameter', ResourceId='/p', Tags=tags(more=''))
        self.add(*tags(k7='changed'))
        self.assertEqual(self.listed()['k7'], 'changed')
        self.assertEqual(len(self.listed()), 50)

    def test_refusals(self):
        calls = ((self.ssm.add_tags_to_resource, {'Tags': tags(a='')}),
                 (self.ssm.remove_tags_from_resource, {'TagKeys': ['a']}),
                 (self.ssm.list_tags_for_resource, {}))
        for call, more in calls:
            for name in ('/none', 'a//b', ARN + 'p', '/p:1', ''):
                self.refused('InvalidResourceId', call, '', ResourceType='Parameter',
                             ResourceId=name, **more)
            self.refused('InvalidResourceId', call, ResourceType='Document', ResourceId='p',
                         **more)
            self.refused('ValidationException', call, ResourceType='Thing', ResourceId='/p',
                         **more)
        for bad in (tags(**{'aws:x': ''}), tags(**{'AWS:x': ''}), tags(**{'a#': ''}),
                    tags(a='x' * 257), tags(**{'x' * 129: ''}), tags(a='') + tags(a=''),
                    [{'Key': 'a'}]):
            self.refused('ValidationException', self.ssm.add_tags_to_resource,
                         ResourceType='Parameter', ResourceId='/p', Tags=bad)
        self.assertEqual(self.listed(), {})

    def test_tagging_api(self):
        tagging = self.client('resourcegroupstaggingapi')
        for name in ('/q', '/r', 'root'):
            self.ssm.put_parameter(Name=name, Value='v', Type='String', Tags=tags(team='blue'))
        self.add(*tags(team='red'))

        def found(**how):
            return {r['ResourceARN']: {t['Key']: t['Value'] for t in r['Tags']}
                    for page in tagging.get_paginator('get_resources').paginate(**how)
                    for r in page['ResourceTagMappingList']}
        blue = {ARN + name: {'team': 'blue'} for name in ('q', 'r', 'root')}
        self.assertEqual(found(ResourceTypeFilters=['ssm:parameter']),
                         dict(blue, **{ARN + 'p': {'team': 'red'}}))
        self.assertEqual(found(ResourceTypeFilters=['ssm'],
                               TagFilters=[{'Key': 'team', 'Values': ['blue']}]), blue)
        self.assertEqual(found(ResourceTypeFilters=['ssm:parameter'], ResourcesPerPage=1,
                               TagFilters=[{'Key': 'team', 'Values': ['blue']}]), blue)
        self.ssm.delete_parameter(Name='/q')
        self.assertEqual(set(found(TagFilters=[{'Key': 'team', 'Values': ['blue']}])),
                         {ARN + 'r', ARN + 'root'})


if __name__ == '__main__':
    main()
