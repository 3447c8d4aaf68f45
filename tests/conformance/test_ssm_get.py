"""GetParameter, GetParameters, GetParameterHistory, DeleteParameter(s): names, selectors, ARNs."""
import time

from local_server import ACCOUNT, REGION, Conformance, main

ARN = f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/'


class Get(Conformance):
    def setUp(self):
        super().setUp()
        self.ssm = self.client('ssm')
        self.ssm.put_parameter(Name='/a/b', Value='one', Type='String', Description='first')
        self.ssm.put_parameter(Name='/a/b', Value='two', Overwrite=True)
        self.ssm.put_parameter(Name='root', Value='r', Type='StringList')
        self.ssm.label_parameter_version(Name='/a/b', ParameterVersion=1, Labels=['old'])

    def get(self, name, **more):
        return self.ssm.get_parameter(Name=name, **more)['Parameter']

    def test_shape(self):
        found = self.get('/a/b')
        self.assertLess(abs(found.pop('LastModifiedDate').timestamp() - time.time()), 60)
        self.assertEqual(found, {'Name': '/a/b', 'Type': 'String', 'Value': 'two', 'Version': 2,
                                 'ARN': ARN + 'a/b', 'DataType': 'text'})

    def test_selectors(self):
        for selector, value, version in (('1', 'one', 1), ('2', 'two', 2), ('old', 'one', 1)):
            found = self.get('/a/b:' + selector)
            self.assertEqual((found['Name'], found['Value'], found['Version'], found['Selector']),
                             ('/a/b', value, version, ':' + selector))
        for selector in ('3', '0', 'none', '99999999999999999999'):
            self.refused('ParameterVersionNotFound', self.ssm.get_parameter,
                         f'Systems Manager could not find version {selector} of /a/b. Verify the '
                         'version and try again.', Name='/a/b:' + selector)
        for bad in ('/a/b:', '/a/b:1:2', '/a/b:x y'):
            self.refused('ValidationException', self.ssm.get_parameter, Name=bad)

    def test_arns(self):
        self.assertEqual(self.get(ARN + 'a/b')['Name'], '/a/b')
        self.assertEqual(self.get(ARN + 'root')['Name'], 'root')
        found = self.get(ARN + 'a/b:old')
        self.assertEqual((found['Value'], found['Selector']), ('one', ':old'))
        self.refused('ParameterNotFound', self.ssm.get_parameter,
                     Name=ARN.replace(REGION, 'eu-west-1') + 'a/b')
        self.refused('ParameterNotFound', self.ssm.get_parameter,
                     Name=f'arn:aws:ssm:{REGION}::parameter/aws/service/x')
        self.refused('ValidationException', self.ssm.get_parameter,
                     Name=ARN.replace('parameter/', 'document/x'))

    def test_spelling(self):
        self.assertEqual(self.get('root')['Name'], 'root')
        self.assertEqual(self.get('/root')['Name'], '/root')
        self.assertEqual(self.get('/root')['ARN'], ARN + 'root')
        self.assertEqual(self.get('  /a/b ')['Name'], '/a/b')

    def test_missing(self):
        for name in ('/a/c', 'none', '/a', '/a/b/c', '/none:1', '/aws/service/none', 'awsnone'):
            self.refused('ParameterNotFound', self.ssm.get_parameter, '', Name=name)

    def test_bad_names(self):
        for name in ('/a//b', 'a/b', '/a/', 'a b', '/ssm/x', 'x' * 2049, ''):
            error = self.refused('ValidationException', self.ssm.get_parameter, Name=name)
            if 0 < len(name) < 100:
                self.assertIn('sub-paths divided by slash symbol', error['Error']['Message'])

    def test_secrets_manager(self):
        name = '/aws/reference/secretsmanager/none'
        error = self.refused('ParameterNotFound', self.ssm.get_parameter, Name=name,
                             WithDecryption=True)
        self.assertRegex(error['Error']['Message'], 'Secret .*aws/reference/secretsmanager/none.* '
                                                    'not found.')
        self.refused('ValidationException', self.ssm.get_parameter, Name=name)
        found = self.ssm.get_parameters(Names=[name, 'root'], WithDecryption=True)
        self.assertEqual(found['InvalidParameters'], [name])
        self.assertEqual(len(found['Parameters']), 1)

    def test_many(self):
        found = self.ssm.get_parameters(Names=['root', '/none', '/a/b', '/a/b:1', '/a/b:7',
                                               '/a/b:no', 'root', ARN + 'a/b'])
        self.assertEqual([(p['Name'], p.get('Selector'), p['Value'])
                          for p in found['Parameters']],
                         [('/a/b', None, 'two'), ('/a/b', ':1', 'one'), ('/a/b', None, 'two'),
                          ('root', None, 'r')])
        self.assertEqual(found['InvalidParameters'], ['/a/b:7', '/a/b:no', '/none'])
        self.assertEqual(self.ssm.get_parameters(Names=['root'])['InvalidParameters'], [])
        self.refused('ValidationException', self.ssm.get_parameters, Names=[])
        self.refused('ValidationException', self.ssm.get_parameters, Names=['x'] * 11)
        self.refused('ValidationException', self.ssm.get_parameters, Names=['root', 'a//b'])

    def test_history(self):
        found = self.ssm.get_parameter_history(Name='/a/b')['Parameters']
        self.assertEqual([(p['Version'], p['Value'], p['Labels'], p['Description'])
                          for p in found],
                         [(1, 'one', ['old'], 'first'), (2, 'two', [], 'first')])
        first = found[0]
        self.assertEqual((first['Tier'], first['Policies'], first['DataType'], first['Name']),
                         ('Standard', [], 'text', '/a/b'))
        self.assertEqual(first['LastModifiedUser'],
                         f'arn:aws:iam::{ACCOUNT}:user/administrator')
        self.assertNotIn('ARN', first)
        by_arn = self.ssm.get_parameter_history(Name=ARN + 'a/b')['Parameters']
        self.assertEqual(by_arn, found)

    def test_history_pages(self):
        for number in range(3, 8):
            self.ssm.put_parameter(Name='/a/b', Value=str(number), Overwrite=True)
        versions, token = [], {}
        while True:
            page = self.ssm.get_parameter_history(Name='/a/b', MaxResults=3, **token)
            versions.append([p['Version'] for p in page['Parameters']])
            if not page.get('NextToken'):
                break
            token = {'NextToken': page['NextToken']}
        self.assertEqual(versions, [[1, 2, 3], [4, 5, 6], [7]])

    def test_history_refusals(self):
        self.refused('ParameterNotFound', self.ssm.get_parameter_history, '', Name='/none')
        self.refused('ValidationException', self.ssm.get_parameter_history, Name='/a/b:1')
        self.refused('ValidationException', self.ssm.get_parameter_history, Name='/a/b',
                     MaxResults=51)
        self.refused('InvalidNextToken', self.ssm.get_parameter_history, Name='/a/b',
                     NextToken='invented')

    def test_delete(self):
        self.ssm.add_tags_to_resource(ResourceType='Parameter', ResourceId='/a/b',
                                      Tags=[{'Key': 'k', 'Value': 'v'}])
        self.ssm.delete_parameter(Name='/a/b')
        self.refused('ParameterNotFound', self.ssm.delete_parameter, '', Name='/a/b')
        self.refused('ParameterNotFound', self.ssm.get_parameter, Name='/a/b:old')
        # made again it is new: version 1, no labels, no tags
        self.ssm.put_parameter(Name='/a/b', Value='new', Type='String')
        found = self.ssm.get_parameter_history(Name='/a/b')['Parameters']
        self.assertEqual([(p['Version'], p['Labels']) for p in found], [(1, [])])
        tags = self.ssm.list_tags_for_resource(ResourceType='Parameter', ResourceId='/a/b')
        self.assertEqual(tags['TagList'], [])
        self.ssm.delete_parameter(Name='/root')
        self.refused('ParameterNotFound', self.ssm.get_parameter, Name='root')
        self.refused('ValidationException', self.ssm.delete_parameter, Name=ARN + 'a/b')
        self.refused('ValidationException', self.ssm.delete_parameter, Name='/a/b:1')

    def test_delete_many(self):
        found = self.ssm.delete_parameters(Names=['/a/b', '/none', '/root'])
        self.assertEqual(found['DeletedParameters'], ['/a/b', '/root'])
        self.assertEqual(found['InvalidParameters'], ['/none'])
        self.refused('ValidationException', self.ssm.delete_parameters, Names=['x'] * 11)
        self.refused('ValidationException', self.ssm.delete_parameters, Names=[ARN + 'a/b'])

    def test_message_keys(self):
        """Which spelling each exception has is checked on every answer; here that the raw answer
        of a missing parameter is nothing but its type."""
        seen = []
        self.ssm = self.client('ssm', own=True)
        self.ssm.meta.events.register(
            'response-received.*.*',
            lambda response_dict, **_: seen.append(response_dict['body']))
        self.refused('ParameterNotFound', self.ssm.get_parameter, Name='/none')
        self.assertEqual(seen, [b'{"__type":"ParameterNotFound"}'])


if __name__ == '__main__':
    main()
