"""GetParametersByPath and DescribeParameters: levels, filters, pages."""
from local_server import ACCOUNT, REGION, Conformance, main

PATH_TEXT = ('The parameter doesn\'t meet the parameter name requirements. The parameter name must '
             'begin with a forward slash "/". It can\'t be prefixed with \\"aws\\" or \\"ssm\\" '
             '(case-insensitive). It must use only letters, numbers, or the following symbols: . '
             '(period), - (hyphen), _ (underscore). Special characters are not allowed. All '
             'sub-paths, if specified, must use the forward slash symbol "/". Valid example: '
             '/get/parameters2-/by1./path0_.')


def names(answer):
    return [p['Name'] for p in answer['Parameters']]


class Lists(Conformance):
    def setUp(self):
        super().setUp()
        self.ssm = self.client('ssm')

    def put(self, *all_names, value='v', type='String', **more):
        for name in all_names:
            self.ssm.put_parameter(Name=name, Value=value, Type=type, **more)

    def by_path(self, path, **more):
        return names(self.ssm.get_parameters_by_path(Path=path, **more))

    def describe(self, *filters, **more):
        return names(self.ssm.describe_parameters(
            ParameterFilters=[dict(zip(('Key', 'Option', 'Values'), f)) if len(f) == 3
                              else {'Key': f[0], 'Values': f[1]} for f in filters], **more))

    def all_pages(self, call, **arguments):
        found, pages, token = [], 0, {}
        while True:
            page = call(**arguments, **token)
            found += names(page)
            pages += 1
            self.assertLessEqual(len(page['Parameters']), arguments.get('MaxResults', 50))
            if not page.get('NextToken'):
                return found, pages
            token = {'NextToken': page['NextToken']}

    def test_levels(self):
        self.put('root', '/a/1', '/a/2', '/a/b/3', '/a/b/c/4', '/ab/5', '/a-b/6', '/a0', '/b')
        self.assertEqual(self.by_path('/a'), ['/a/1', '/a/2'])
        self.assertEqual(self.by_path('/a/'), ['/a/1', '/a/2'])
        self.assertEqual(self.by_path('/a', Recursive=True), ['/a/1', '/a/2', '/a/b/3',
                                                              '/a/b/c/4'])
        self.assertEqual(sorted(self.by_path('/')), ['/a0', '/b', 'root'])
        self.assertEqual(len(self.by_path('/', Recursive=True)), 9)
        self.assertEqual(self.by_path('/a/1'), [])
        self.assertEqual(self.by_path('/none'), [])
        self.assertEqual(self.by_path('/aws/service'), [])

    def test_path_shape(self):
        self.put('/p/x', value='secret', type='SecureString')
        found = self.ssm.get_parameters_by_path(Path='/p', WithDecryption=True)['Parameters'][0]
        self.assertEqual((found['Value'], found['ARN']),
                         ('secret', f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/p/x'))
        hidden = self.ssm.get_parameters_by_path(Path='/p')['Parameters'][0]
        self.assertNotEqual(hidden['Value'], 'secret')

    def test_path_refusals(self):
        for bad in ('a', 'a/b', '/a//b', '/a b', '/a:1', '/ssm/x'):
            self.refused('ValidationException', self.ssm.get_parameters_by_path, PATH_TEXT,
                         Path=bad)
        self.refused('ValidationException', self.ssm.get_parameters_by_path, Path='/a',
                     MaxResults=11)
        self.refused('ValidationException', self.ssm.get_parameters_by_path, Path='/a',
                     MaxResults=0)
        self.refused('InvalidNextToken', self.ssm.get_parameters_by_path, Path='/a',
                     NextToken='x')

    def test_pages_by_path(self):
        wanted = [f'/p/{i:03}' for i in range(25)]
        self.put(*wanted, '/p/0/deep', '/p/zz/deep')
        found, pages = self.all_pages(self.ssm.get_parameters_by_path, Path='/p')
        self.assertEqual((found, pages), (wanted, 3))
        found, _ = self.all_pages(self.ssm.get_parameters_by_path, Path='/p', MaxResults=4)
        self.assertEqual(found, wanted)
        found, pages = self.all_pages(self.ssm.get_parameters_by_path, Path='/p', MaxResults=5)
        self.assertEqual((found, pages), (wanted, 5))
        paged = self.ssm.get_paginator('get_parameters_by_path').paginate(Path='/p',
                                                                          Recursive=True)
        self.assertEqual(sum((names(page) for page in paged), []),
                         sorted(wanted + ['/p/0/deep', '/p/zz/deep']))

    def test_many_sub_paths(self):
        """One level of a path that is mostly deeper levels: pages may be empty, none is lost."""
        self.put(*[f'/p/{i:03}/x' for i in range(300)], '/p/last')
        found, _ = self.all_pages(self.ssm.get_parameters_by_path, Path='/p')
        self.assertEqual(found, ['/p/last'])

    def test_tokens_belong_to_their_operation(self):
        self.put(*[f'/p/{i}' for i in range(12)])
        token = self.ssm.get_parameters_by_path(Path='/p')['NextToken']
        self.refused('InvalidNextToken', self.ssm.describe_parameters, NextToken=token)
        self.refused('InvalidNextToken',
                     self.client('ssm', region='eu-west-1').get_parameters_by_path, Path='/p',
                     NextToken=token)
        self.refused('InvalidNextToken', self.ssm.get_parameters_by_path, Path='/p',
                     NextToken=token[:-2] + ('AA' if token[-2:] != 'AA' else 'BB'))

    def test_labels_by_path(self):
        self.put('/p/a', '/p/b')
        self.ssm.put_parameter(Name='/p/a', Value='new', Overwrite=True)
        self.ssm.label_parameter_version(Name='/p/a', ParameterVersion=1, Labels=['live'])
        label = [{'Key': 'Label', 'Values': ['live']}]
        found = self.ssm.get_parameters_by_path(Path='/p', ParameterFilters=label)['Parameters']
        self.assertEqual([(p['Name'], p['Version'], p['Value']) for p in found],
                         [('/p/a', 1, 'v')])
        for option in ('BeginsWith', 'Contains'):
            self.refused('InvalidFilterOption', self.ssm.get_parameters_by_path, Path='/p',
                         ParameterFilters=[dict(label[0], Option=option)])

    def test_filters_by_path(self):
        self.put('/p/s')
        self.put('/p/l', type='StringList')
        self.put('/p/k', type='SecureString')
        kind = [{'Key': 'Type', 'Values': ['StringList', 'SecureString']}]
        self.assertEqual(self.by_path('/p', ParameterFilters=kind), ['/p/k', '/p/l'])
        key = [{'Key': 'KeyId', 'Option': 'BeginsWith', 'Values': ['alias/aws']}]
        self.assertEqual(self.by_path('/p', ParameterFilters=key), ['/p/k'])
        for bad in ('Name', 'Tier', 'Path', 'DataType', 'tag:x'):
            self.refused('InvalidFilterKey', self.ssm.get_parameters_by_path, '', Path='/p',
                         ParameterFilters=[{'Key': bad, 'Values': ['x']}])

    def test_describe_shape(self):
        self.put('/d', type='SecureString', Description='words', AllowedPattern='.*')
        found = self.ssm.describe_parameters()['Parameters'][0]
        found.pop('LastModifiedDate')
        found.pop('ARN', None)  # newer than Debian's boto3
        self.assertEqual(found, {
            'Name': '/d', 'Type': 'SecureString', 'KeyId': 'alias/aws/ssm', 'Description': 'words',
            'AllowedPattern': '.*', 'Version': 1, 'Tier': 'Standard', 'Policies': [],
            'DataType': 'text', 'LastModifiedUser': f'arn:aws:iam::{ACCOUNT}:user/administrator'})

    def test_describe_arn(self):
        self.put('root', '/a/b')
        found = self.raw('DescribeParameters')['Parameters']
        self.assertEqual([p['ARN'] for p in found],
                         [f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{n}' for n in ('a/b', 'root')])

    def test_describe_names(self):
        self.put('foo', '/foo2', '/a/foo', '/a/b')
        for given, option, wanted in (
                (['foo'], 'Equals', ['foo']), (['/foo'], 'Equals', ['foo']),
                (['foo2', '/a/b', '/none'], 'Equals', ['/a/b', '/foo2']),
                (['foo'], 'BeginsWith', ['/foo2', 'foo']), (['/a/'], 'BeginsWith',
                                                            ['/a/b', '/a/foo']),
                (['foo'], 'Contains', ['/a/foo', '/foo2', 'foo']),
                (['/foo'], 'Contains', ['/a/foo', '/foo2', 'foo']),
                (['/b'], 'Contains', ['/a/b'])):
            self.assertEqual(sorted(self.describe(('Name', option, given))), wanted,
                             (given, option))
        self.assertEqual(self.describe(('Name', ['foo'])), ['foo'])

    def test_describe_paths(self):
        self.put('root', '/a/1', '/a/b/2', '/ab/3', '/c/4')
        self.assertEqual(self.describe(('Path', ['/a'])), ['/a/1'])
        self.assertEqual(self.describe(('Path', 'Recursive', ['/a/'])), ['/a/1', '/a/b/2'])
        self.assertEqual(self.describe(('Path', ['/'])), ['root'])
        self.assertEqual(self.describe(('Path', 'OneLevel', ['/c', '/a'])), ['/a/1', '/c/4'])
        self.assertEqual(self.describe(('Path', 'Recursive', ['/a', '/a/b'])),
                         ['/a/1', '/a/b/2'])
        for bad, text in (('/aws/x', None), ('/ssmx', None), ('a', PATH_TEXT),
                          ('/a//b', PATH_TEXT)):
            self.refused('ValidationException', self.ssm.describe_parameters, text,
                         ParameterFilters=[{'Key': 'Path', 'Values': [bad]}])

    def test_describe_other_filters(self):
        self.put('/s')
        self.put('/l', type='StringList', Tier='Advanced')
        self.put('/k', type='SecureString', Tags=[{'Key': 'team', 'Value': 'blue'}])
        self.ssm.add_tags_to_resource(ResourceType='Parameter', ResourceId='/s',
                                      Tags=[{'Key': 'team', 'Value': 'black'}])
        self.assertEqual(self.describe(('Type', ['String'])), ['/s'])
        self.assertEqual(self.describe(('Type', 'BeginsWith', ['String'])), ['/l', '/s'])
        self.assertEqual(self.describe(('KeyId', ['alias/aws/ssm'])), ['/k'])
        self.assertEqual(self.describe(('Tier', ['Advanced'])), ['/l'])
        self.assertEqual(len(self.describe(('DataType', ['text']))), 3)
        self.assertEqual(self.describe(('DataType', ['aws:ec2:image'])), [])
        self.assertEqual(self.describe(('tag:team', ['blue'])), ['/k'])
        self.assertEqual(self.describe(('tag:team', 'BeginsWith', ['bl'])), ['/k', '/s'])
        answer = self.ssm.describe_parameters(ParameterFilters=[{'Key': 'tag:team'}])
        self.assertEqual(names(answer), ['/k', '/s'])
        self.assertEqual(self.describe(('tag:team', ['blue']), ('Type', ['String'])), [])
        self.assertEqual(self.describe(('tag:other', ['blue'])), [])

    def test_describe_filter_refusals(self):
        def refuse(code, *filters, message=None):
            self.refused(code, self.ssm.describe_parameters, message,
                         ParameterFilters=list(filters))
        refuse('InvalidFilterKey', {'Key': 'Label', 'Values': ['x']}, message='')
        refuse('InvalidFilterKey', {'Key': 'Name', 'Values': ['x']},
               {'Key': 'Name', 'Values': ['y']}, message='')
        refuse('InvalidFilterOption', {'Key': 'Type', 'Option': 'Contains', 'Values': ['x']},
               message='The following filter option is not valid: Contains. Valid options '
                       'include: [BeginsWith, Equals].')
        refuse('InvalidFilterOption', {'Key': 'Path', 'Option': 'Equals', 'Values': ['/x']},
               message='The following filter option is not valid: Equals. Valid options include: '
                       '[Recursive, OneLevel].')
        refuse('InvalidFilterOption', {'Key': 'Type', 'Values': ['Number']})
        refuse('InvalidFilterValue', {'Key': 'Name'}, message='The following filter values are '
               'missing : null for filter key Name.')
        refuse('ValidationException', {'Key': 'Other', 'Values': ['x']})
        refuse('ValidationException', {'Key': 'Name', 'Values': []})
        refuse('ValidationException', {'Key': 'Name', 'Values': ['x'] * 51})
        refuse('ValidationException', {'Values': ['x']})
        self.refused('ValidationException', self.ssm.describe_parameters,
                     'You can use either Filters or ParameterFilters in a single request.',
                     Filters=[{'Key': 'Name', 'Values': ['x']}],
                     ParameterFilters=[{'Key': 'Name', 'Values': ['x']}])

    def test_old_filters(self):
        self.put('/old/a', '/new/b')
        self.put('/old/k', type='SecureString')

        def old(key, *values):
            return names(self.ssm.describe_parameters(
                Filters=[{'Key': key, 'Values': list(values)}]))
        self.assertEqual(old('Name', '/old'), ['/old/a', '/old/k'])
        self.assertEqual(old('Name', '/new/b', '/old/a'), ['/new/b', '/old/a'])
        self.assertEqual(old('Type', 'SecureString'), ['/old/k'])
        self.assertEqual(old('KeyId', 'alias/aws/ssm'), ['/old/k'])
        self.refused('ValidationException', self.ssm.describe_parameters,
                     Filters=[{'Key': 'Tier', 'Values': ['x']}])

    def test_describe_pages(self):
        wanted = [f'/p/{i:03}' for i in range(60)]
        self.put(*wanted)
        found, pages = self.all_pages(self.ssm.describe_parameters, MaxResults=50)
        self.assertEqual((found, pages), (wanted, 2))
        found, _ = self.all_pages(self.ssm.describe_parameters, MaxResults=7)
        self.assertEqual(found, wanted)
        found, _ = self.all_pages(
            self.ssm.describe_parameters, MaxResults=2,
            ParameterFilters=[{'Key': 'Name', 'Option': 'Contains', 'Values': ['7']}])
        self.assertEqual(found, [n for n in wanted if '7' in n])
        self.refused('ValidationException', self.ssm.describe_parameters, MaxResults=51)
        self.refused('InvalidNextToken', self.ssm.describe_parameters, 'The specified token '
                     "isn't valid.", NextToken='x')

    def test_pages_while_parameters_come_and_go(self):
        self.put(*[f'/p/{i}' for i in range(9)])
        page = self.ssm.describe_parameters(MaxResults=5)
        self.ssm.delete_parameter(Name='/p/4')
        self.put('/p/0a', '/p/99')
        rest = self.ssm.describe_parameters(MaxResults=5, NextToken=page['NextToken'])
        self.assertEqual(names(rest), ['/p/5', '/p/6', '/p/7', '/p/8', '/p/99'])

    def test_shared(self):
        self.put('/p')
        self.assertEqual(self.raw('DescribeParameters', Shared=True)['Parameters'], [])
        self.assertEqual(names(self.raw('DescribeParameters', Shared=False)), ['/p'])


if __name__ == '__main__':
    main()
