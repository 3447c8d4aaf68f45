"""PutParameter: names, values, types, tiers, patterns, policies, versions."""
import json
import time

from local_server import ACCOUNT, REGION, Conformance, main

SYNTAX = ('Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, '
          'it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a '
          'mix of letters, numbers and the following 3 symbols .-_')
PREFIX = 'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).'


def policy(kind, **attributes):
    return {'Type': kind, 'Version': '1.0', 'Attributes': attributes}


def in_seconds(seconds):
    then = time.time() + seconds
    return time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(then)) + f'.{int(then % 1 * 1000):03}Z'


class Put(Conformance):
    def setUp(self):
        super().setUp()
        self.ssm = self.client('ssm')

    def put(self, name, value='v', type='String', **more):
        return self.ssm.put_parameter(Name=name, Value=value, Type=type, **more)

    def refuse(self, code, message=None, name='/refused', value='v', type='String', **more):
        self.refused(code, self.ssm.put_parameter, message, Name=name, Value=value, Type=type,
                     **more)

    def described(self, name):
        found = self.ssm.describe_parameters(ParameterFilters=[{'Key': 'Name', 'Values': [name]}])
        return found['Parameters'][0]

    def test_answer(self):
        answer = self.put('/a/b')
        self.assertEqual((answer['Version'], answer['Tier']), (1, 'Standard'))
        answer = self.ssm.put_parameter(Name='/a/b', Value='w', Overwrite=True)
        self.assertEqual(answer['Version'], 2)
        self.assertEqual(self.ssm.get_parameter(Name='/a/b')['Parameter']['Value'], 'w')

    def test_names(self):
        for good in ('root', '/slashed', '/a/b/c', '/A.b-c_d/0', '  /spaces/around  ',
                     '/' + '/'.join(['x'] * 15)):
            self.put(good)
        self.assertEqual(self.ssm.get_parameter(Name='/spaces/around')['Parameter']['Name'],
                         '/spaces/around')
        for name, code, text in (
                ('a/b', 'ValidationException', 'Parameter name must be a fully qualified name.'),
                ('/a//b', 'ValidationException', SYNTAX),
                ('/a/b/', 'ValidationException', SYNTAX),
                ('/', 'ValidationException', SYNTAX),
                ('/a b', 'ValidationException', SYNTAX),
                ('a@b', 'ValidationException', SYNTAX),
                ('/a/é', 'ValidationException', SYNTAX),
                ('name:1', 'ValidationException', SYNTAX),
                ('ssmx', 'ValidationException', PREFIX),
                ('AWSx', 'ValidationException', PREFIX),
                ('/SSM-x', 'ValidationException', PREFIX),
                ('/aws', 'ValidationException', PREFIX),
                ('/SSM/x', 'ValidationException', SYNTAX),
                ('/aws/x', 'AccessDeniedException',
                 'No access to reserved parameter name: aws/x.'),
                ('/AWSome/x/y', 'AccessDeniedException',
                 'No access to reserved parameter name: AWSome/x/y.'),
                ('/' + '/'.join(['x'] * 16), 'HierarchyLevelLimitExceededException', None),
                (f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/x', 'ValidationException', None)):
            self.refuse(code, text, name=name)

    def test_length_counts_the_arn(self):
        room = 1011 - len(f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/')
        self.put('x' * room)
        self.put('/' + 'y' * room)
        self.refuse('ValidationException', name='x' * (room + 1))
        there = self.client('ssm', region='ap-southeast-1')
        self.refused('ValidationException', there.put_parameter, Name='x' * room, Value='v',
                     Type='String')
        self.refuse('ValidationException', name='x' * 2049)

    def test_both_spellings_are_one(self):
        self.put('foo')
        self.refuse('ParameterAlreadyExists', name='/foo')
        self.ssm.put_parameter(Name='/foo', Value='2', Overwrite=True)
        self.assertEqual(self.ssm.get_parameter(Name='foo')['Parameter']['Version'], 2)
        self.assertEqual(self.described('foo')['Name'], 'foo')

    def test_existing(self):
        self.put('/a')
        self.refuse('ParameterAlreadyExists', 'The parameter already exists. To overwrite this '
                    'value, set the overwrite option in the request to true.', name='/a')

    def test_types(self):
        self.refused('ValidationException', self.ssm.put_parameter,
                     'A parameter type is required when you create a parameter.', Name='/a',
                     Value='v')
        self.refused('ValidationException', self.ssm.put_parameter,
                     'A parameter type is required when you create a parameter.', Name='/a',
                     Value='v', Overwrite=True)
        self.refuse('ValidationException', type='Number')
        for kind in ('String', 'StringList', 'SecureString', 'String'):
            self.ssm.put_parameter(Name='/a', Value='v', Type=kind, Overwrite=True)
            self.assertEqual(self.ssm.get_parameter(Name='/a')['Parameter']['Type'], kind)
        self.refuse('ValidationException', 'KeyId is required for SecureString type parameter '
                    'only.', KeyId='alias/aws/ssm')

    def test_values(self):
        least = ("1 validation error detected: Value at 'value' failed to satisfy constraint: "
                 'Member must have length greater than or equal to 1')
        self.refuse('ValidationException', least, value='')
        self.refuse('ValidationException', value='x' * 32769)
        self.refuse('ValidationException', value='{{ssm:/other}}')
        self.refuse('ValidationException', value='before {{}} after')
        for good in ('{', '}} {{', 'ä€😀', '"\\\n\t', 'a,b,,c', ' '):
            self.ssm.put_parameter(Name='/v', Value=good, Type='String', Overwrite=True)
            self.assertEqual(self.ssm.get_parameter(Name='/v')['Parameter']['Value'], good)

    def test_sizes_are_bytes(self):
        text = ('Standard tier parameters support a maximum parameter value of 4096 characters. '
                'To create a larger parameter value, upgrade the parameter to use the '
                'advanced-parameter tier. For more information, see '
                'https://docs.aws.amazon.com/systems-manager/latest/userguide/'
                'parameter-store-advanced-parameters.html')
        self.put('/full', 'x' * 4096)
        self.refuse('ValidationException', text, value='x' * 4097)
        self.refuse('ValidationException', text, value='ä' * 2049)
        self.put('/advanced', 'x' * 8192, Tier='Advanced')
        self.refuse('ValidationException', value='x' * 8193, Tier='Advanced')
        self.refuse('ValidationException', value='x' * 8193, Tier='Intelligent-Tiering')
        answer = self.put('/clever', 'x' * 4097, Tier='Intelligent-Tiering')
        self.assertEqual(answer['Tier'], 'Advanced')

    def test_tiers(self):
        self.refuse('ValidationException', Tier='Best')
        self.assertEqual(self.put('/i', Tier='Intelligent-Tiering')['Tier'], 'Standard')
        self.assertEqual(self.described('/i')['Tier'], 'Standard')
        self.put('/t', Tier='Standard')
        up = self.ssm.put_parameter(Name='/t', Value='v', Tier='Advanced', Overwrite=True)
        self.assertEqual(up['Tier'], 'Advanced')
        down = ('This parameter uses the advanced-parameter tier. You can\'t downgrade a '
                'parameter from the advanced-parameter tier to the standard-parameter tier. If '
                'necessary, you can delete the advanced parameter and recreate it as a standard '
                'parameter.')
        self.refuse('ValidationException', down, name='/t', Tier='Standard', Overwrite=True)
        for tier in ({}, {'Tier': 'Intelligent-Tiering'}):
            stays = self.ssm.put_parameter(Name='/t', Value='v', Overwrite=True, **tier)
            self.assertEqual(stays['Tier'], 'Advanced')
        self.assertEqual(self.described('/t')['Tier'], 'Advanced')

    def test_default_tier(self):
        setting = '/ssm/parameter-store/default-parameter-tier'
        self.ssm.update_service_setting(SettingId=setting, SettingValue='Advanced')
        self.assertEqual(self.put('/a')['Tier'], 'Advanced')
        self.assertEqual(self.put('/s', Tier='Standard')['Tier'], 'Standard')
        self.ssm.update_service_setting(SettingId=setting, SettingValue='Intelligent-Tiering')
        self.assertEqual(self.put('/i')['Tier'], 'Standard')
        self.assertEqual(self.put('/j', 'x' * 5000)['Tier'], 'Advanced')
        self.ssm.reset_service_setting(SettingId=setting)
        self.assertEqual(self.put('/r')['Tier'], 'Standard')

    def test_allowed_pattern(self):
        self.refuse('InvalidAllowedPatternException', AllowedPattern='(')
        self.refuse('ParameterPatternMismatchException', 'Parameter value, cannot be validated '
                    'against allowedPattern: \\d{1,4}', value='abc', AllowedPattern='\\d{1,4}')
        self.refuse('ParameterPatternMismatchException', value='12345', AllowedPattern='\\d{1,4}')
        self.put('/p', '1234', AllowedPattern='\\d{1,4}')
        self.assertEqual(self.described('/p')['AllowedPattern'], '\\d{1,4}')
        # an overwrite without a pattern keeps it; an empty one takes it away
        self.refuse('ParameterPatternMismatchException', name='/p', value='x', Overwrite=True)
        self.ssm.put_parameter(Name='/p', Value='x', AllowedPattern='', Overwrite=True)
        self.assertNotIn('AllowedPattern', self.described('/p'))

    def test_overwrite_keeps(self):
        self.put('/k', Description='words', Tier='Advanced',
                 Policies=json.dumps([policy('NoChangeNotification', After='20', Unit='Days')]))
        self.ssm.put_parameter(Name='/k', Value='w', Overwrite=True)
        kept = self.described('/k')
        self.assertEqual(kept['Description'], 'words')
        self.assertEqual(len(kept['Policies']), 1)
        self.ssm.put_parameter(Name='/k', Value='w', Description='', Overwrite=True)
        self.assertNotIn('Description', self.described('/k'))

    def test_tags(self):
        tags = [{'Key': 'team', 'Value': 'blue'}, {'Key': 'empty', 'Value': ''}]
        self.put('/t', Tags=tags)
        found = self.ssm.list_tags_for_resource(ResourceType='Parameter', ResourceId='/t')
        self.assertEqual(sorted(found['TagList'], key=lambda t: t['Key']),
                         sorted(tags, key=lambda t: t['Key']))
        self.refuse('ValidationException', "Invalid request: tags and overwrite can't be used "
                    'together. To create a parameter with tags, please remove overwrite flag. To '
                    'update tags for an existing parameter, please use AddTagsToResource or '
                    'RemoveTagsFromResource.', Tags=tags, Overwrite=True)
        self.refuse('ValidationException', Tags=[{'Key': 'aws:x', 'Value': ''}])
        self.refuse('ValidationException', Tags=[{'Key': 'a', 'Value': '1'}] * 2)
        self.refuse('ValidationException', Tags=[{'Key': 'bad#', 'Value': '1'}])
        self.refuse('ValidationException',
                    Tags=[{'Key': f'k{i}', 'Value': ''} for i in range(51)])
        self.put('/fifty', Tags=[{'Key': f'k{i}', 'Value': ''} for i in range(50)])

    def test_policies(self):
        later = in_seconds(3600)
        good = [policy('Expiration', Timestamp=later),
                policy('ExpirationNotification', Before='15', Unit='Days'),
                policy('ExpirationNotification', Before='2', Unit='Hours'),
                policy('NoChangeNotification', After='20', Unit='Days')]
        answer = self.put('/p', Policies=json.dumps(good), Tier='Intelligent-Tiering')
        self.assertEqual(answer['Tier'], 'Advanced')
        shown = self.described('/p')['Policies']
        self.assertEqual([json.loads(p['PolicyText']) for p in shown], good)
        self.assertEqual([p['PolicyType'] for p in shown], [p['Type'] for p in good])
        self.assertEqual([p['PolicyStatus'] for p in shown],
                         ['Pending', 'Finished', 'Finished', 'Pending'])
        self.assertEqual(shown[0]['PolicyText'], json.dumps(good[0], separators=(',', ':')))
        self.ssm.put_parameter(Name='/p', Value='v', Policies='[{}]', Overwrite=True)
        self.assertEqual(self.described('/p')['Policies'], [])
        self.put('/offset', Tier='Advanced', Policies=json.dumps(
            [policy('Expiration', Timestamp='2040-11-01T22:13:48.87+10:30:00')]))

    def test_bad_policies(self):
        later = in_seconds(3600)
        expiration = policy('Expiration', Timestamp=later)
        change = policy('NoChangeNotification', After='1', Unit='Days')
        for code, policies in (
                ('InvalidPolicyAttributeException', 'no json'),
                ('InvalidPolicyAttributeException', '{}'),
                ('InvalidPolicyTypeException', json.dumps([policy('Rotate', After='1')])),
                ('InvalidPolicyTypeException', json.dumps([{}, expiration])),
                ('InvalidPolicyAttributeException',
                 json.dumps([policy('Expiration', Timestamp='tomorrow')])),
                ('InvalidPolicyAttributeException',
                 json.dumps([policy('Expiration', Timestamp='2018-12-02T21:34:33.000Z')])),
                ('InvalidPolicyAttributeException',
                 json.dumps([policy('NoChangeNotification', After='1', Unit='Weeks')])),
                ('InvalidPolicyAttributeException',
                 json.dumps([policy('NoChangeNotification', After=1, Unit='Days')])),
                ('InvalidPolicyAttributeException',
                 json.dumps([policy('ExpirationNotification', Before='-1', Unit='Days')])),
                ('InvalidPolicyAttributeException', json.dumps([dict(change, Version='2.0')])),
                ('IncompatiblePolicyException', json.dumps([expiration, expiration])),
                ('PoliciesLimitExceededException', json.dumps([change] * 11))):
            self.refuse(code, Policies=policies, Tier='Advanced')
        self.refuse('ValidationException', Policies=json.dumps([change]), Tier='Standard')
        self.refuse('ValidationException', Policies=json.dumps([change] * 80), Tier='Advanced')

    def test_expiration(self):
        self.put('/gone/soon', Tier='Advanced', Tags=[{'Key': 'a', 'Value': 'b'}],
                 Policies=json.dumps([policy('Expiration', Timestamp=in_seconds(3600))]))
        self.assertEqual(self.ssm.get_parameter(Name='/gone/soon')['Parameter']['Version'], 1)
        self.server.clock(advance=3601)
        deadline = time.time() + 60
        while time.time() < deadline:
            if self.ssm.get_parameters(Names=['/gone/soon'])['InvalidParameters']:
                break
            time.sleep(0.05)
        self.refused('ParameterNotFound', self.ssm.get_parameter, '', Name='/gone/soon')
        self.refused('ParameterNotFound', self.ssm.get_parameter_history, Name='/gone/soon')
        self.refused('ParameterNotFound', self.ssm.delete_parameter, Name='/gone/soon')
        self.refused('InvalidResourceId', self.ssm.list_tags_for_resource,
                     ResourceType='Parameter', ResourceId='/gone/soon')
        self.assertEqual(self.ssm.describe_parameters()['Parameters'], [])
        self.assertEqual(self.ssm.get_parameters_by_path(Path='/gone')['Parameters'], [])
        self.assertEqual(self.put('/gone/soon')['Version'], 1)

    def test_data_types(self):
        self.refuse('ValidationException', 'The following data type is not supported: TEXT (Data '
                    'type names are all lowercase.)', DataType='TEXT')
        self.put('/text', DataType='text')
        hook = '/d9d01087-4a3f-49e0-b0b4-d568d7826553/ssm/integrations/webhook/mine'
        self.put(hook, type='SecureString', DataType='aws:ssm:integration')
        self.assertEqual(self.described(hook)['DataType'], 'aws:ssm:integration')
        self.refuse('ValidationException', name=hook + '2', DataType='aws:ssm:integration')
        self.refuse('ValidationException', type='SecureString', DataType='aws:ssm:integration')

    def test_images(self):
        image = 'ami-0123456789abcdef0'
        self.put('/ami', image, DataType='aws:ec2:image')
        self.assertEqual(self.ssm.get_parameter(Name='/ami')['Parameter']['DataType'],
                         'aws:ec2:image')
        # AWS looks the image up after it has answered: the answer is good, the parameter is not
        self.assertEqual(self.put('/no', 'ami-nonsense', DataType='aws:ec2:image')['Version'], 1)
        self.refused('ParameterNotFound', self.ssm.get_parameter, Name='/no')
        again = self.ssm.put_parameter(Name='/ami', Value='ami-x', Overwrite=True)
        self.assertEqual(again['Version'], 2)
        self.assertEqual(self.ssm.get_parameter(Name='/ami')['Parameter']['Value'], image)
        # an image is in one Region
        there = self.client('ssm', region='eu-west-1')
        there.put_parameter(Name='/ami', Value=image, Type='String', DataType='aws:ec2:image')
        self.refused('ParameterNotFound', there.get_parameter, Name='/ami')
        self.refuse('ValidationException', value=image, type='StringList',
                    DataType='aws:ec2:image')

    def test_hundred_versions(self):
        self.put('/v', '1')
        for number in range(2, 101):
            self.ssm.put_parameter(Name='/v', Value=str(number), Overwrite=True)
        self.ssm.label_parameter_version(Name='/v', ParameterVersion=1, Labels=['first'])
        self.refused('ParameterMaxVersionLimitExceeded', self.ssm.put_parameter,
                     'You attempted to create a new version of /v by calling the PutParameter API '
                     "with the overwrite flag. Version 1, the oldest version, can't be deleted "
                     'because it has a label associated with it. Move the label to another '
                     'version of the parameter, and try again.', Name='/v', Value='101',
                     Overwrite=True)
        self.assertEqual(self.ssm.get_parameter(Name='/v')['Parameter']['Value'], '100')
        self.ssm.label_parameter_version(Name='/v', ParameterVersion=2, Labels=['first'])
        answer = self.ssm.put_parameter(Name='/v', Value='101', Overwrite=True)
        self.assertEqual(answer['Version'], 101)
        self.refused('ParameterVersionNotFound', self.ssm.get_parameter,
                     'Systems Manager could not find version 1 of /v. Verify the version and try '
                     'again.', Name='/v:1')
        versions = [p['Version'] for page in
                    self.ssm.get_paginator('get_parameter_history').paginate(Name='/v')
                    for p in page['Parameters']]
        self.assertEqual(versions, list(range(2, 102)))

    def test_limits_of_members(self):
        self.refuse('ValidationException', Description='x' * 1025)
        self.refuse('ValidationException', AllowedPattern='x' * 1025)
        self.refuse('ValidationException', type='SecureString', KeyId='bad key')
        self.refused('ValidationException', self.ssm.put_parameter, Value='v', Type='String')
        self.refused('SerializationException', self.ssm.put_parameter, Name='/a', Value=5,
                     Type='String')

    def test_regions_and_accounts_are_apart(self):
        self.put('/a', 'here')
        for where in ({'region': 'eu-west-1'}, {'account': '222222222222'}):
            other = self.client('ssm', **where)
            self.refused('ParameterNotFound', other.get_parameter, '', Name='/a')
            self.assertEqual(other.put_parameter(Name='/a', Value='there',
                                                 Type='String')['Version'], 1)
        self.assertEqual(self.ssm.get_parameter(Name='/a')['Parameter']['Value'], 'here')


if __name__ == '__main__':
    main()
