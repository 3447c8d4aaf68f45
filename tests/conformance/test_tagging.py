"""Resource Groups Tagging API over parameters and keys (model resourcegroupstaggingapi
2017-01-26)."""
import local_server
import roles
from local_server import ACCOUNT, REGION


class Tagging(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.tagging = self.client('resourcegroupstaggingapi')
        self.ssm, self.kms = self.client('ssm'), self.client('kms')

    def parameter(self, name, **tags):
        self.ssm.put_parameter(Name=name, Value='v', Type='String', Tags=[
            {'Key': key, 'Value': value} for key, value in tags.items()])
        return f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{name.lstrip("/")}'

    def key(self, **tags):
        return self.kms.create_key(Tags=[{'TagKey': key, 'TagValue': value}
                                         for key, value in tags.items()])['KeyMetadata']['Arn']

    def found(self, **arguments):
        answer = self.tagging.get_resources(**arguments)
        return {item['ResourceARN']: {tag['Key']: tag['Value'] for tag in item['Tags']}
                for item in answer['ResourceTagMappingList']}

    def pages(self, **arguments):
        pages, token = [], ''
        while True:
            answer = self.tagging.get_resources(PaginationToken=token, **arguments)
            pages.append([item['ResourceARN'] for item in answer['ResourceTagMappingList']])
            token = answer['PaginationToken']
            if not token:
                return pages


class GetResources(Tagging):
    def test_tagged_now_or_once(self):
        both = {self.parameter('/a', k='v', empty=''): {'k': 'v', 'empty': ''},
                self.key(x='y'): {'x': 'y'}}
        self.parameter('/untagged')
        self.key()
        self.assertEqual(self.found(), both)
        self.ssm.remove_tags_from_resource(ResourceType='Parameter', ResourceId='/a',
                                           TagKeys=['k', 'empty'])
        arn = f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/a'
        self.assertEqual(self.found()[arn], {})
        self.ssm.delete_parameter(Name='/a')
        self.assertNotIn(arn, self.found())
        key = self.key(x='y')
        self.kms.untag_resource(KeyId=key, TagKeys=['x'])
        self.assertEqual(self.found()[key], {})

    def test_region_and_account(self):
        self.parameter('/a', k='v')
        for where in ({'region': 'eu-west-1'}, {'account': local_server.OTHER_ACCOUNT}):
            answer = self.client('resourcegroupstaggingapi', **where).get_resources()
            self.assertEqual(answer['ResourceTagMappingList'], [])

    def test_tag_filters(self):
        one = self.parameter('/1', stage='prod', team='red')
        two = self.parameter('/2', stage='prod', team='blue')
        three = self.parameter('/3', stage='test', team='red')

        def arns(*filters):
            return sorted(self.found(TagFilters=[
                {'Key': key, **({'Values': values} if values is not None else {})}
                for key, values in filters]))
        self.assertEqual(arns(('stage', ['prod'])), [one, two])
        self.assertEqual(arns(('stage', ['prod', 'test'])), [one, two, three])
        self.assertEqual(arns(('stage', ['prod']), ('team', ['red'])), [one])
        self.assertEqual(arns(('team', None)), [one, two, three])
        self.assertEqual(arns(('team', [])), [one, two, three])
        self.assertEqual(arns(('team', ['Red'])), [])
        self.assertEqual(arns(('Team', None)), [])
        self.assertEqual(arns(('stage', ['prod']), ('stage', ['test'])), [])

    def test_types(self):
        parameter, key = self.parameter('/a', k='v'), self.key(k='v')
        for types, arns in ((['ssm'], {parameter}), (['ssm:parameter'], {parameter}),
                            (['kms:key'], {key}), (['kms', 'ssm:parameter'], {parameter, key}),
                            (['ssm:document'], set()), (['ec2:instance'], set()),
                            ([], {parameter, key})):
            self.assertEqual(set(self.found(ResourceTypeFilters=types)), arns, types)
        self.refused('InvalidParameterException', self.tagging.get_resources,
                     ResourceTypeFilters=['neptune-db'],
                     message='Unsupported service=neptune-db in ResourceTypeFilter - neptune-db:')

    def test_pages_have_all_and_nothing_twice(self):
        made = [self.parameter(f'/p/{number:03}', n=str(number)) for number in range(23)]
        made += [self.key(n='k') for _ in range(5)]
        for size in (1, 7, 28, 100):
            pages = self.pages(ResourcesPerPage=size)
            self.assertEqual(sorted(arn for page in pages for arn in page), sorted(made), size)
            self.assertTrue(all(len(page) <= size for page in pages))
        pages = self.pages(ResourcesPerPage=5, TagFilters=[{'Key': 'n', 'Values': ['k', '7']}])
        self.assertEqual(sum(map(len, pages)), 6)

    def test_tags_per_page_never_splits_a_resource(self):
        tags = {f't{number}': 'v' for number in range(10)}
        for number in range(22):
            self.parameter(f'/p/{number:03}', **tags)
        self.assertEqual([len(page) for page in self.pages(TagsPerPage=100, ResourcesPerPage=100)],
                         [10, 10, 2])

    def test_arn_list(self):
        arn, untagged = self.parameter('/a', k='v'), self.parameter('/b')
        elsewhere = arn.replace(REGION, 'eu-west-1')
        self.assertEqual(self.found(ResourceARNList=[arn, untagged, elsewhere, arn + '/none']),
                         {arn: {'k': 'v'}})
        key = self.key(k='v')
        self.assertEqual(set(self.found(ResourceARNList=[arn, key])), {arn, key})
        self.refused('InvalidParameterException', self.tagging.get_resources,
                     ResourceARNList=['nothing'],
                     message='nothing is not a valid AmazonResourceName (ARN)')
        for more in ({'ResourcesPerPage': 1}, {'TagsPerPage': 100},
                     {'TagFilters': [{'Key': 'k'}]}, {'ResourceTypeFilters': ['ssm']}):
            self.refused('InvalidParameterException', self.tagging.get_resources,
                         ResourceARNList=[arn], **more)

    def test_bad_arguments(self):
        call, bad = self.tagging.get_resources, 'InvalidParameterException'
        for arguments in ({'ResourcesPerPage': 0}, {'ResourcesPerPage': 101}, {'TagsPerPage': 99},
                          {'TagsPerPage': 150}, {'TagsPerPage': 600}, {'TagFilters': [{}]},
                          {'ExcludeCompliantResources': True}, {'PaginationToken': 'invented'}):
            self.refused(bad, call, **arguments)

    def test_compliance(self):
        self.parameter('/a', k='v')
        item = self.tagging.get_resources(IncludeComplianceDetails=True)
        self.assertEqual(item['ResourceTagMappingList'][0]['ComplianceDetails'],
                         {'ComplianceStatus': True})
        answer = self.tagging.get_resources(IncludeComplianceDetails=True,
                                            ExcludeCompliantResources=True)
        self.assertEqual(answer['ResourceTagMappingList'], [])

    def test_permission(self):
        role = roles.make(self.server, 'r', roles.allow('ssm:*'))
        session = self.client('resourcegroupstaggingapi', keys=roles.assume(self.server, role))
        self.refused('AccessDeniedException', session.get_resources, message='User: arn:aws:sts::'
                     f'{ACCOUNT}:assumed-role/r/session is not authorized to perform: '
                     'tag:GetResources because no identity-based policy allows the '
                     'tag:GetResources action')


class Names(Tagging):
    def test_keys_and_values(self):
        self.parameter('/a', b='1', a='2')
        self.parameter('/b', b='3', c='')
        self.key(b='3', z='4')
        self.assertEqual(self.tagging.get_tag_keys()['TagKeys'], ['a', 'b', 'c', 'z'])
        self.assertEqual(self.tagging.get_tag_values(Key='b')['TagValues'], ['1', '3'])
        self.assertEqual(self.tagging.get_tag_values(Key='none')['TagValues'], [])
        self.refused('InvalidParameterException', self.tagging.get_tag_keys, PaginationToken='x')

    def test_pages(self):
        for number in range(6):
            self.parameter(f'/{number}', **{f'k{number}{n:02}': 'v' for n in range(40)})
        found = [key for page in self.tagging.get_paginator('get_tag_keys').paginate()
                 for key in page['TagKeys']]
        self.assertEqual(found, sorted(f'k{number}{n:02}' for number in range(6)
                                       for n in range(40)))


class Change(Tagging):
    def tearDown(self):
        # The model lists two codes; the API's page adds "any valid error code returned by the
        # service that hosts the resource", and that is what is seen.
        self.server.findings[:] = [finding for finding in self.server.findings
                                   if 'FailedResourcesMap' not in finding
                                   or 'ErrorCode' not in finding]
        super().tearDown()

    def test_tag_and_untag(self):
        parameter, key = self.parameter('/a'), self.key(x='old')
        answer = self.tagging.tag_resources(ResourceARNList=[parameter, key],
                                            Tags={'x': 'new', 'y': ''})
        self.assertEqual(answer['FailedResourcesMap'], {})
        self.assertEqual(self.found(), {parameter: {'x': 'new', 'y': ''},
                                        key: {'x': 'new', 'y': ''}})
        answer = self.tagging.untag_resources(ResourceARNList=[parameter, key], TagKeys=['x'])
        self.assertEqual(answer['FailedResourcesMap'], {})
        self.assertEqual(self.found(), {parameter: {'y': ''}, key: {'y': ''}})

    def test_one_failure_does_not_stop_the_others(self):
        good = self.parameter('/good')
        full = self.parameter('/full', **{f't{number}': 'v' for number in range(50)})
        missing = good + '-missing'
        elsewhere = good.replace(REGION, 'eu-west-1')
        answer = self.tagging.tag_resources(ResourceARNList=[full, missing, elsewhere, good],
                                            Tags={'k': 'v'})
        self.assertEqual(set(answer['FailedResourcesMap']), {full, missing, elsewhere})
        for failure in answer['FailedResourcesMap'].values():
            self.assertEqual(failure['StatusCode'], 400)
            self.assertTrue(failure['ErrorCode'])
        self.assertEqual(self.found()[good], {'k': 'v'})
        self.assertEqual(len(self.found()[full]), 50)

    def test_a_key_that_is_full_keeps_what_it_had(self):
        key = self.key(**{f't{number}': 'v' for number in range(49)})
        answer = self.tagging.tag_resources(ResourceARNList=[key], Tags={'a': '1', 'b': '2'})
        self.assertIn(key, answer['FailedResourcesMap'])
        self.assertEqual(len(self.found()[key]), 49)

    def test_bad_arguments(self):
        for call, arguments in ((self.tagging.tag_resources, {'Tags': {'k': 'v'}}),
                                (self.tagging.untag_resources, {'TagKeys': ['k']})):
            for arn in ('nothing', f'arn:aws:iam::{ACCOUNT}:role/r'):
                self.refused('InvalidParameterException', call, ResourceARNList=[arn],
                             message=f'{arn} is not a valid AmazonResourceName (ARN)', **arguments)

    def test_both_permissions_are_needed(self):
        arn = self.parameter('/a')
        half = roles.make(self.server, 'half', roles.allow('tag:*'))
        session = self.client('resourcegroupstaggingapi', keys=roles.assume(self.server, half))
        answer = session.tag_resources(ResourceARNList=[arn], Tags={'k': 'v'})
        self.assertEqual(answer['FailedResourcesMap'][arn]['ErrorCode'], 'AccessDeniedException')
        other = roles.make(self.server, 'other', roles.allow('ssm:*'))
        session = self.client('resourcegroupstaggingapi', keys=roles.assume(self.server, other))
        self.refused('AccessDeniedException', session.tag_resources, ResourceARNList=[arn],
                     Tags={'k': 'v'})


if __name__ == '__main__':
    local_server.main()
