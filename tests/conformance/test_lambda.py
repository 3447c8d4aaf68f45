"""AWS Lambda's control plane as boto3 and the aws command line see it: functions, versions,
aliases, policies and settings. That they run is held by test_lambda_invoke.py."""
import base64
import contextlib
import hashlib
import http.client
import json
import pathlib
import re
import sqlite3
import tempfile
import urllib.parse

import local_server
import packages
import roles
from local_server import ACCOUNT, OTHER_ACCOUNT, REGION, LocalServer

PREFIX = f'arn:aws:lambda:{REGION}:{ACCOUNT}:function:'
SQS = f'arn:aws:sqs:{REGION}:{ACCOUNT}:letters'


class Lambda(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.functions = self.client('lambda')

    def make(self, name='f', **arguments):
        return packages.function(self.server, name, **arguments)

    def invalid(self, message, call, /, **arguments):
        return self.refused('InvalidParameterValueException', call, message=message, **arguments)

    def create(self, **arguments):
        """Arguments of a CreateFunction that succeeds, but for what is given."""
        return {'FunctionName': 'new', 'Runtime': 'provided.al2023', 'Handler': 'h',
                'Role': packages.role(self.server), 'Code': {'ZipFile': packages.zipped()},
                **arguments}


class Functions(Lambda):
    def test_a_life(self):
        package = packages.zipped()
        self.server.clock(stopped=True)
        made = self.make('f', Code={'ZipFile': package}, wait=False, Description='what it does',
                         Environment={'Variables': {'NAME': 'value'}})
        self.assertEqual(made['ResponseMetadata']['HTTPStatusCode'], 201)
        self.assertEqual((made['State'], made['StateReasonCode']), ('Pending', 'Creating'))
        self.assertEqual(made['FunctionArn'], PREFIX + 'f')
        self.assertEqual(made['CodeSize'], len(package))
        self.assertEqual(made['CodeSha256'],
                         base64.b64encode(hashlib.sha256(package).digest()).decode())
        self.assertRegex(made['LastModified'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$')
        self.assertEqual((made['Version'], made['Timeout'], made['MemorySize'],
                          made['PackageType'], made['Environment']),
                         ('$LATEST', 3, 128, 'Zip', {'Variables': {'NAME': 'value'}}))
        self.refused('ResourceConflictException', self.functions.invoke, FunctionName='f',
                     message='The operation cannot be performed at this time. The function is '
                             'currently in the following state: Pending')
        self.server.clock(stopped=False)
        packages.settle(self.functions, 'f')

        changed = self.functions.update_function_configuration(
            FunctionName='f', Timeout=900, Environment={'Variables': {}})
        self.assertEqual((changed['LastUpdateStatus'], changed['State'], changed['Timeout']),
                         ('InProgress', 'Active', 900))
        self.assertNotIn('Environment', changed)
        self.assertEqual(changed['Description'], 'what it does')
        self.assertNotEqual(changed['RevisionId'], made['RevisionId'])
        packages.settle(self.functions, 'f')
        other = packages.zipped('#!/bin/false\n')
        code = self.functions.update_function_code(FunctionName='f', ZipFile=other)
        self.assertEqual(code['CodeSha256'],
                         base64.b64encode(hashlib.sha256(other).digest()).decode())

        found = self.functions.get_function(FunctionName='f')
        self.assertEqual(found['Code'], {'RepositoryType': 'S3'})
        self.assertEqual(found['Configuration']['CodeSha256'], code['CodeSha256'])
        answer = self.functions.delete_function(FunctionName='f')
        self.assertEqual(answer['ResponseMetadata']['HTTPStatusCode'], 204)
        self.refused('ResourceNotFoundException', self.functions.get_function, FunctionName='f',
                     message=f'Function not found: {PREFIX}f')
        self.assertEqual(self.stored('SELECT COUNT(*) FROM lambda_code'), 0, 'packages go as well')

    def stored(self, query):
        database = next(pathlib.Path(self.server.folder).rglob('store.db'))
        with contextlib.closing(sqlite3.connect(f'file:{database}?mode=ro', uri=True)) as store:
            return store.execute(query).fetchone()[0]

    def test_names(self):
        self.make()
        for name in ('f', f'{ACCOUNT}:f', f'{ACCOUNT}:function:f', 'function:f', PREFIX + 'f',
                     'f:$LATEST', PREFIX + 'f:$LATEST', f'{REGION}:{ACCOUNT}:function:f'):
            with self.subTest(name):
                found = self.functions.get_function_configuration(FunctionName=name)
                self.assertEqual(found['FunctionName'], 'f')
                self.assertEqual(found['FunctionArn'],
                                 PREFIX + ('f:$LATEST' if 'LATEST' in name else 'f'))
        get = self.functions.get_function_configuration
        self.refused('ResourceNotFoundException', get, FunctionName='f', Qualifier='7',
                     message=f'Function not found: {PREFIX}f:7')
        self.refused('ResourceNotFoundException', get,
                     FunctionName=f'arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f',
                     message="Functions from 'eu-west-1' are not reachable in this region "
                             "('us-east-1')")
        self.invalid('The derived qualifier from the function name does not match the specified '
                     'qualifier.', get, FunctionName='f:1', Qualifier='2')
        self.refused('ValidationException', get, FunctionName='no name')
        self.refused('ValidationException', get, FunctionName='n' * 65,
                     message=f"1 validation error detected: Value '{'n' * 65}' at 'functionName' "
                             "failed to satisfy constraint: Member must have length less than or "
                             'equal to 64')

    def test_other_regions_and_accounts_have_their_own(self):
        self.make()
        packages.function(self.server, 'f', region='eu-west-1')
        packages.function(self.server, 'f', account=OTHER_ACCOUNT)
        self.functions.delete_function(FunctionName='f')
        for where in ({'region': 'eu-west-1'}, {'account': OTHER_ACCOUNT}):
            self.assertEqual(len(self.client('lambda', **where).list_functions()['Functions']), 1)

    def test_listings(self):
        for number in range(5):
            self.make(f'f{number}', wait=False)
        pages = self.functions.get_paginator('list_functions').paginate(
            PaginationConfig={'PageSize': 2})
        names = [[one['FunctionName'] for one in page['Functions']] for page in pages]
        self.assertEqual(names, [['f0', 'f1'], ['f2', 'f3'], ['f4']])
        self.invalid(None, self.functions.list_functions, Marker='invented')
        self.refused('ValidationException', self.functions.list_functions, MaxItems=0)
        every = self.functions.list_functions(FunctionVersion='ALL')['Functions']
        self.assertEqual(every[0]['FunctionArn'], PREFIX + 'f0:$LATEST')

    def test_account_settings(self):
        size = self.make()['CodeSize']
        self.functions.put_function_concurrency(FunctionName='f', ReservedConcurrentExecutions=7)
        found = self.functions.get_account_settings()
        self.assertEqual(found['AccountLimit'], {
            'TotalCodeSize': 80530636800, 'CodeSizeUnzipped': 262144000,
            'CodeSizeZipped': 52428800, 'ConcurrentExecutions': 1000,
            'UnreservedConcurrentExecutions': 993})
        self.assertEqual(found['AccountUsage'], {'TotalCodeSize': size, 'FunctionCount': 1})

    def test_what_create_refuses(self):
        create, full = self.functions.create_function, self.create
        self.make('there')
        self.refused('ResourceConflictException', create, message='Function already exist: there',
                     **full(FunctionName='there'))
        mandatory = 'Runtime and Handler are mandatory parameters for functions created with ' \
                    'deployment packages.'
        for member in ('Runtime', 'Handler'):
            arguments = full()
            del arguments[member]
            self.invalid(mandatory, create, **arguments)
        self.invalid(None, create, **full(Runtime='python3.12'))
        self.invalid('The runtime parameter of provided is no longer supported for creating or '
                     'updating AWS Lambda functions. We recommend you use a supported runtime '
                     'while creating or updating functions.', create, **full(Runtime='provided'))
        self.invalid("Value cobol at 'runtime' failed to satisfy constraint: Member must satisfy "
                     'enum value set: [provided.al2023, provided.al2] or be a valid ARN', create,
                     **full(Runtime='cobol'))
        self.invalid(None, create, **full(PackageType='Image', Code={'ImageUri': 'x'}))
        self.invalid('Please provide a source for function code.', create, **full(Code={}))
        self.invalid('Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error '
                     'Message: The specified bucket does not exist', create,
                     **full(Code={'S3Bucket': 'bucket', 'S3Key': 'key'}))
        for member, value in (('Layers', [f'arn:aws:lambda:{REGION}:{ACCOUNT}:layer:l:1']),
                              ('KMSKeyArn', f'arn:aws:kms:{REGION}:{ACCOUNT}:key/k'),
                              ('VpcConfig', {'SubnetIds': ['subnet-1']}),
                              ('Architectures', ['arm64']),
                              ('FunctionName', 'new:1')):
            with self.subTest(member):
                self.invalid(None, create, **full(**{member: value}))
        for member, value, limit in (('Timeout', 901, 900), ('MemorySize', 10241, 10240)):
            small = member[0].lower() + member[1:]
            self.refused('ValidationException', create, **full(**{member: value}), message=(
                f"1 validation error detected: Value '{value}' at '{small}' failed to satisfy "
                f'constraint: Member must have value less than or equal to {limit}'))

    def test_packages(self):
        create, full = self.functions.create_function, self.create
        broken = 'Could not unzip uploaded file. Please check your file, then try to upload again.'
        whole = packages.zipped()
        for content in (b'no zip', whole[:-10], b'PK\x05\x06'):
            self.invalid(broken, create, **full(Code={'ZipFile': content}))
        self.invalid('Uploaded file must be a non-empty zip', create,
                     **full(Code={'ZipFile': b''}))
        # What it would become stands in its list of files, 24 bytes behind the mark of an entry.
        at = whole.index(b'PK\x01\x02') + 24
        large = whole[:at] + (262144001).to_bytes(4, 'little') + whole[at + 4:]
        self.invalid('Unzipped size must be smaller than 262144000 bytes', create,
                     **full(Code={'ZipFile': large}))
        self.make('f', Code={'ZipFile': packages.zipped(None, readme='no bootstrap')})
        self.invalid(broken, self.functions.update_function_code, FunctionName='f',
                     ZipFile=b'no zip')

    def test_a_package_of_more_than_50_mb(self):
        """It is more than a request may be, in base64; what that says is AWS's."""
        at = urllib.parse.urlsplit(self.server.url)
        connection = http.client.HTTPConnection(at.hostname, at.port, timeout=60)
        self.addCleanup(connection.close)
        connection.request('PUT', '/2015-03-31/functions/f/code', b' ' * 69905068)
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.headers['x-amzn-errortype']),
                         (413, 'RequestEntityTooLargeException'))
        self.assertIn('Request must be smaller than 69905067 bytes for the UpdateFunctionCode '
                      'operation', answer.read().decode())

    def test_code_storage(self):
        self.make()
        database = next(pathlib.Path(self.server.folder).rglob('store.db'))
        with contextlib.closing(sqlite3.connect(database, timeout=60)) as store:
            store.execute('UPDATE lambda_version SET code_size = 80530636800')
            store.commit()
        self.refused('CodeStorageExceededException', self.functions.create_function,
                     message='Code storage limit exceeded.', **self.create())
        self.refused('CodeStorageExceededException', self.functions.update_function_code,
                     FunctionName='f', ZipFile=packages.zipped())
        self.refused('CodeStorageExceededException', self.functions.publish_version,
                     FunctionName='f')

    def test_environment(self):
        create, full = self.functions.create_function, self.create

        def variables(**named):
            return full(Environment={'Variables': named})
        self.invalid('Lambda was unable to configure your environment variables because the '
                     'environment variables you have provided contains reserved keys that are '
                     'currently not supported for modification. Reserved keys used in this '
                     'request: AWS_REGION, _HANDLER', create,
                     **variables(AWS_REGION='x', _HANDLER='y', OTHER='z'))
        self.invalid('Lambda was unable to configure your environment variables because the '
                     'environment variables you have provided exceeded the 4KB limit.', create,
                     **variables(LONG='x' * 4096))
        found = self.refused('ValidationException', create, **variables(**{'1st': 'a secret'}))
        self.assertIn('Map keys must satisfy constraint', found['Error']['Message'])
        create(**variables(SECRET='planted-in-the-environment'))
        raw = b''.join(path.read_bytes() for path in pathlib.Path(self.server.folder).rglob(
            'store.db*'))
        self.assertNotIn(b'planted-in-the-environment', raw, 'variables are sealed in the store')

    def test_roles(self):
        create, full = self.functions.create_function, self.create
        unassumable = 'The role defined for the function cannot be assumed by Lambda.'
        self.invalid(unassumable, create, **full(Role=f'arn:aws:iam::{ACCOUNT}:role/nobody'))
        mine = roles.make(self.server, 'mine')
        self.invalid(unassumable, create, **full(Role=mine))
        self.refused('AccessDeniedException', create,
                     **full(Role=f'arn:aws:iam::{OTHER_ACCOUNT}:role/function'),
                     message='Cross-account pass role is not allowed.')
        self.make()
        self.invalid(unassumable, self.functions.update_function_configuration, FunctionName='f',
                     Role=mine)
        passed = packages.role(self.server)
        for name, resource, code in (('may', passed, None), ('may-not', mine,
                                                             'AccessDeniedException')):
            keys = roles.assume(self.server, roles.make(
                self.server, name, roles.allow('lambda:*'),
                roles.allow('iam:PassRole', resource, Condition={
                    'StringEquals': {'iam:PassedToService': 'lambda.amazonaws.com'}})))
            call = self.client('lambda', keys=keys).create_function
            if code is None:
                call(**full(FunctionName=name))
            else:
                found = self.refused(code, call, **full(FunctionName=name))
                self.assertIn(f'is not authorized to perform: iam:PassRole on resource: {passed}',
                              found['Error']['Message'])

    def test_revisions_and_changes_under_way(self):
        made = self.make()
        self.server.clock(stopped=True)
        self.functions.update_function_code(FunctionName='f', RevisionId=made['RevisionId'],
                                            ZipFile=packages.zipped('other'))
        self.refused('ResourceConflictException', self.functions.update_function_configuration,
                     FunctionName='f', Timeout=9,
                     message='The operation cannot be performed at this time. An update is in '
                             f'progress for resource: {PREFIX}f')
        self.refused('ResourceConflictException', self.functions.update_function_code,
                     FunctionName='f', ZipFile=packages.zipped())
        self.refused('ResourceConflictException', self.functions.publish_version,
                     FunctionName='f')
        self.server.clock(stopped=False)
        packages.settle(self.functions, 'f')
        stale = 'The Revision Id provided does not match the latest Revision Id. Call the ' \
                'GetFunction/GetAlias API to retrieve the latest Revision Id'
        for call, arguments in (
                (self.functions.update_function_code, {'ZipFile': packages.zipped()}),
                (self.functions.update_function_configuration, {'Timeout': 9}),
                (self.functions.publish_version, {}),
                (self.functions.add_permission, {'StatementId': 's', 'Principal': ACCOUNT,
                                                 'Action': 'lambda:InvokeFunction'})):
            self.refused('PreconditionFailedException', call, FunctionName='f',
                         RevisionId=made['RevisionId'], message=stale, **arguments)
        dry = self.functions.update_function_code(FunctionName='f', ZipFile=packages.zipped('dry'),
                                                  DryRun=True)
        found = self.functions.get_function_configuration(FunctionName='f')
        self.assertNotEqual(dry['CodeSha256'], found['CodeSha256'])

    def test_every_operation_on_what_is_not_there(self):
        name = {'FunctionName': 'nope'}
        for call, arguments in (
                ('add_permission', {'StatementId': 's', 'Action': 'lambda:*',
                                    'Principal': ACCOUNT, **name}),
                ('create_alias', {'Name': 'a', 'FunctionVersion': '1', **name}),
                ('delete_function', name), ('delete_function_concurrency', name),
                ('delete_function_event_invoke_config', name),
                ('get_alias', {'Name': 'a', **name}), ('get_function_concurrency', name),
                ('get_function_configuration', name), ('get_function_event_invoke_config', name),
                ('get_policy', name), ('invoke', name), ('list_aliases', name),
                ('list_function_event_invoke_configs', name), ('list_versions_by_function', name),
                ('publish_version', name),
                ('put_function_concurrency', {'ReservedConcurrentExecutions': 1, **name}),
                ('put_function_event_invoke_config', {'MaximumRetryAttempts': 1, **name}),
                ('remove_permission', {'StatementId': 's', **name}),
                ('update_alias', {'Name': 'a', **name}),
                ('update_function_code', {'ZipFile': packages.zipped(), **name}),
                ('update_function_configuration', name),
                ('update_function_event_invoke_config', {'MaximumRetryAttempts': 1, **name}),
                ('list_tags', {'Resource': PREFIX + 'nope'}),
                ('tag_resource', {'Resource': PREFIX + 'nope', 'Tags': {'a': 'b'}}),
                ('untag_resource', {'Resource': PREFIX + 'nope', 'TagKeys': ['a']})):
            with self.subTest(call):
                self.refused('ResourceNotFoundException', getattr(self.functions, call),
                             message=f'Function not found: {PREFIX}nope', **arguments)

    def test_qualifiers_where_they_do_not_belong(self):
        self.make()
        self.functions.publish_version(FunctionName='f')
        alias, sid = {'Name': 'a'}, {'StatementId': 's'}
        for call, arguments in (
                ('create_alias', {'FunctionVersion': '1', **alias}), ('delete_alias', alias),
                ('delete_function_concurrency', {}), ('get_alias', alias),
                ('get_function_concurrency', {}), ('list_aliases', {}), ('publish_version', {}),
                ('put_function_concurrency', {'ReservedConcurrentExecutions': 1}),
                ('update_alias', alias), ('update_function_configuration', {}),
                ('update_function_code', {'ZipFile': packages.zipped()})):
            with self.subTest(call):
                self.invalid('This operation is permitted on Lambda functions only. Aliases and '
                             'versions do not support this operation. Please specify either a '
                             'function name or an unqualified function ARN.',
                             getattr(self.functions, call), FunctionName='f:1', **arguments)
        for call, arguments in (
                ('add_permission', {'Action': 'lambda:*', 'Principal': ACCOUNT, **sid}),
                ('delete_function', {}), ('delete_function_event_invoke_config', {}),
                ('get_function', {}), ('get_function_configuration', {}),
                ('get_function_event_invoke_config', {}), ('get_policy', {}), ('invoke', {}),
                ('put_function_event_invoke_config', {'MaximumRetryAttempts': 1}),
                ('remove_permission', sid),
                ('update_function_event_invoke_config', {'MaximumRetryAttempts': 1})):
            with self.subTest(call):
                self.invalid('The derived qualifier from the function name does not match the '
                             'specified qualifier.', getattr(self.functions, call),
                             FunctionName='f:1', Qualifier='2', **arguments)
        for call in (self.functions.list_versions_by_function,
                     self.functions.list_function_event_invoke_configs):
            self.invalid(None, call, FunctionName='f', Marker='invented')

    def test_every_operation_throttled(self):
        self.server.control('POST', 'faults', [{'kind': 'throttle', 'service': 'lambda'}])
        arguments = {'FunctionName': 'f', 'StatementId': 's', 'Action': 'lambda:*', 'Name': 'a',
                     'Principal': ACCOUNT, 'FunctionVersion': '1', 'Resource': PREFIX + 'f',
                     'Tags': {'a': 'b'}, 'TagKeys': ['a'], 'ReservedConcurrentExecutions': 1,
                     'UUID': 'u', **self.create()}
        model = self.functions.meta.service_model
        for row in self.server.control('GET', 'operations')['lambda']:
            shape = model.operation_model(row['name']).input_shape
            method = re.sub('([a-z])([A-Z])', r'\1_\2', row['name']).lower()
            with self.subTest(row['name']):
                found = self.refused('TooManyRequestsException', getattr(self.functions, method),
                                     message='Rate exceeded',
                                     **{name: arguments[name] for name in shape.required_members})
                self.assertEqual(found['ResponseMetadata']['HTTPStatusCode'], 429)
                self.assertEqual(found['Reason'], 'CallerRateLimitExceeded')

    def test_records_of_the_trail(self):
        self.make(Environment={'Variables': {'NAME': 'planted-value'}})
        self.functions.add_permission(FunctionName='f', StatementId='s', Principal=ACCOUNT,
                                      Action='lambda:InvokeFunction')
        self.functions.update_function_code(FunctionName='f', ZipFile=packages.zipped('x'))
        self.functions.delete_function(FunctionName='f')
        events = self.client('cloudtrail').lookup_events(LookupAttributes=[
            {'AttributeKey': 'EventSource', 'AttributeValue': 'lambda.amazonaws.com'}])['Events']
        records = [json.loads(event['CloudTrailEvent']) for event in events]
        self.assertEqual([record['eventName'] for record in records], [
            'DeleteFunction20150331', 'UpdateFunctionCode20150331v2', 'AddPermission20150331v2',
            'CreateFunction20150331'])
        self.assertNotIn('planted-value', str(events))
        self.assertNotIn('zipFile', str(events))
        self.assertEqual(records[-1]['requestParameters']['functionName'], 'f')
        self.assertEqual(records[-1]['responseElements']['environment'], {})


class Versions(Lambda):
    def test_versions(self):
        made = self.make()
        first = self.functions.publish_version(FunctionName='f', Description='the first')
        self.assertEqual((first['Version'], first['FunctionArn'], first['Description']),
                         ('1', PREFIX + 'f:1', 'the first'))
        self.assertEqual(self.functions.publish_version(FunctionName='f')['Version'], '1',
                         'nothing has changed')
        self.invalid(None, self.functions.publish_version, FunctionName='f', CodeSha256='other')
        answer = self.functions.update_function_code(
            FunctionName='f', ZipFile=packages.zipped('other'), Publish=True)
        self.assertEqual(answer['Version'], '2')
        packages.settle(self.functions, 'f')
        listed = self.functions.list_versions_by_function(FunctionName='f')['Versions']
        self.assertEqual([one['Version'] for one in listed], ['$LATEST', '1', '2'])
        old = self.functions.get_function_configuration(FunctionName='f', Qualifier='1')
        self.assertEqual(old['CodeSha256'], made['CodeSha256'])
        self.functions.create_alias(FunctionName='f', Name='live', FunctionVersion='1')
        self.refused('ResourceConflictException', self.functions.delete_function,
                     FunctionName='f', Qualifier='1',
                     message='Unable to delete version because the following aliases reference '
                             'it: [live]')
        self.invalid('$LATEST version cannot be deleted without deleting the function.',
                     self.functions.delete_function, FunctionName='f', Qualifier='$LATEST')
        self.functions.delete_function(FunctionName='f', Qualifier='2')
        self.refused('ResourceNotFoundException', self.functions.get_function, FunctionName='f:2')
        self.invalid(None, self.functions.update_function_configuration, FunctionName='f:1',
                     Timeout=9)
        self.assertEqual(self.make('g', Publish=True)['Version'], '1')

    def test_aliases(self):
        self.make()
        self.functions.publish_version(FunctionName='f')
        alias = self.functions.create_alias(FunctionName='f', Name='live', FunctionVersion='1',
                                            Description='d')
        self.assertEqual(alias['AliasArn'], PREFIX + 'f:live')
        self.refused('ResourceConflictException', self.functions.create_alias, FunctionName='f',
                     Name='live', FunctionVersion='1',
                     message=f'Alias already exists: {PREFIX}f:live')
        self.refused('ResourceNotFoundException', self.functions.create_alias, FunctionName='f',
                     Name='other', FunctionVersion='9', message=f'Function not found: {PREFIX}f:9')
        self.invalid(None, self.functions.create_alias, FunctionName='f', Name='split',
                     FunctionVersion='1',
                     RoutingConfig={'AdditionalVersionWeights': {'2': 0.5}})
        found = self.functions.get_function_configuration(FunctionName='f', Qualifier='live')
        self.assertEqual(found['Version'], '1')
        moved = self.functions.update_alias(FunctionName='f', Name='live',
                                            FunctionVersion='$LATEST',
                                            RevisionId=alias['RevisionId'])
        self.assertEqual((moved['FunctionVersion'], moved['Description']), ('$LATEST', 'd'))
        self.refused('PreconditionFailedException', self.functions.update_alias, FunctionName='f',
                     Name='live', RevisionId=alias['RevisionId'])
        self.assertEqual(self.functions.get_alias(FunctionName='f', Name='live')['RevisionId'],
                         moved['RevisionId'])
        for number in range(3):
            self.functions.create_alias(FunctionName='f', Name=f'a{number}', FunctionVersion='1')
        page = self.functions.list_aliases(FunctionName='f', FunctionVersion='1', MaxItems=2)
        rest = self.functions.list_aliases(FunctionName='f', FunctionVersion='1',
                                           Marker=page['NextMarker'])
        self.assertEqual([one['Name'] for one in page['Aliases'] + rest['Aliases']],
                         ['a0', 'a1', 'a2'])
        self.functions.delete_alias(FunctionName='f', Name='live')
        self.functions.delete_alias(FunctionName='f', Name='live')
        self.refused('ResourceNotFoundException', self.functions.get_alias, FunctionName='f',
                     Name='live', message=f'Cannot find alias arn: {PREFIX}f:live')


class Settings(Lambda):
    def test_reserved_concurrency(self):
        self.make()
        put = self.functions.put_function_concurrency
        self.assertNotIn('ReservedConcurrentExecutions',
                         self.functions.get_function_concurrency(FunctionName='f'))
        self.assertEqual(put(FunctionName='f', ReservedConcurrentExecutions=900)[
            'ReservedConcurrentExecutions'], 900)
        self.invalid("Specified ReservedConcurrentExecutions for function decreases account's "
                     'UnreservedConcurrentExecution below its minimum value of [100].', put,
                     FunctionName='f', ReservedConcurrentExecutions=901)
        self.refused('ValidationException', put, FunctionName='f',
                     ReservedConcurrentExecutions=-1)
        self.assertEqual(self.functions.get_function(FunctionName='f')['Concurrency'],
                         {'ReservedConcurrentExecutions': 900})
        self.functions.delete_function_concurrency(FunctionName='f')
        self.assertNotIn('Concurrency', self.functions.get_function(FunctionName='f'))

    def test_what_the_model_does_not_know_is_not_kept(self):
        self.make(TracingConfig={'Mode': 'Active'}, EphemeralStorage={'Size': 600})
        body = {'TracingConfig': {'Mode': 'PassThrough', 'Other': 1}, 'Unknown': 2,
                'LoggingConfig': {'LogFormat': 'JSON', 'LogGroup': 'mine'}}
        status, answer = self.server.rest('lambda', 'PUT', '/2015-03-31/functions/f/configuration',
                                          body)
        self.assertEqual((status, answer['TracingConfig']), (200, {'Mode': 'PassThrough'}))
        self.assertNotIn('Unknown', answer)
        self.assertEqual(answer['EphemeralStorage'], {'Size': 600})
        self.assertEqual(answer['LoggingConfig'], {
            'LogFormat': 'JSON', 'LogGroup': 'mine', 'ApplicationLogLevel': 'INFO',
            'SystemLogLevel': 'INFO'})

    def test_requests_that_are_none(self):
        self.make()
        for method, path, body, status, code in (
                ('GET', '/2015-03-31/nothing', None, 404, None),
                ('PATCH', '/2015-03-31/functions/f', None, 404, None),
                ('GET', '/2015-03-31/functions/%zz', None, 400, 'SerializationException'),
                ('PUT', '/2015-03-31/functions/f/configuration', b'[]', 400,
                 'SerializationException'),
                ('PUT', '/2015-03-31/functions/f/configuration', {'Timeout': 'x'}, 400,
                 'SerializationException'),
                ('GET', '/2015-03-31/functions?MaxItems=x', None, 400, 'SerializationException'),
                ('PUT', '/2015-03-31/functions/f/configuration', {'Timeout': 0}, 400,
                 'ValidationException')):
            with self.subTest(path, body=body):
                found, answer = self.server.rest('lambda', method, path, body)
                self.assertEqual((found, answer.get('code')), (status, code))

    def test_event_invoke_config(self):
        role = packages.role(self.server, 'sender', roles.allow('sqs:SendMessage', SQS))
        self.make(Role=role)
        put = self.functions.put_function_event_invoke_config
        self.invalid('You must specify at least one of error handling or destination setting.',
                     put, FunctionName='f')
        missing = f"The function {PREFIX}f:$LATEST doesn't have an EventInvokeConfig"
        for call in (self.functions.get_function_event_invoke_config,
                     self.functions.delete_function_event_invoke_config):
            self.refused('ResourceNotFoundException', call, message=missing, FunctionName='f')
        self.refused('ResourceNotFoundException',
                     self.functions.update_function_event_invoke_config, message=missing,
                     FunctionName='f', MaximumRetryAttempts=1)
        destinations = {'OnFailure': {'Destination': SQS}}
        made = put(FunctionName='f', MaximumRetryAttempts=0, DestinationConfig=destinations)
        self.assertEqual((made['FunctionArn'], made['MaximumRetryAttempts'],
                          made['DestinationConfig']), (PREFIX + 'f:$LATEST', 0, destinations))
        self.functions.update_function_event_invoke_config(FunctionName='f',
                                                           MaximumEventAgeInSeconds=60)
        found = self.functions.get_function_event_invoke_config(FunctionName='f')
        self.assertEqual((found['MaximumRetryAttempts'], found['MaximumEventAgeInSeconds']),
                         (0, 60))
        listed = self.functions.list_function_event_invoke_configs(FunctionName='f')
        self.assertEqual(len(listed['FunctionEventInvokeConfigs']), 1)
        self.invalid('The provided execution role does not have permissions to call '
                     'InvokeFunction on Lambda', put, FunctionName='f',
                     DestinationConfig={'OnSuccess': {'Destination': PREFIX + 'other'}})
        self.invalid(None, put, FunctionName='f', DestinationConfig={
            'OnSuccess': {'Destination': f'arn:aws:sns:{REGION}:{ACCOUNT}:topic'}})
        self.functions.delete_function_event_invoke_config(FunctionName='f')
        self.refused('ResourceNotFoundException',
                     self.functions.get_function_event_invoke_config, FunctionName='f')

    def test_dead_letter_queues(self):
        self.invalid('The provided execution role does not have permissions to call SendMessage '
                     'on SQS', self.functions.create_function,
                     **self.create(DeadLetterConfig={'TargetArn': SQS}))
        role = packages.role(self.server, 'sender', roles.allow('sqs:SendMessage', SQS))
        made = self.make(Role=role, DeadLetterConfig={'TargetArn': SQS})
        self.assertEqual(made['DeadLetterConfig'], {'TargetArn': SQS})
        changed = self.functions.update_function_configuration(FunctionName='f',
                                                               DeadLetterConfig={'TargetArn': ''})
        self.assertNotIn('DeadLetterConfig', changed)

    def test_tags(self):
        self.make(Tags={'team': 'red'})
        arn = {'Resource': PREFIX + 'f'}
        self.functions.tag_resource(Tags={'stage': 'dev', 'team': 'blue'}, **arn)
        self.assertEqual(self.functions.list_tags(**arn)['Tags'],
                         {'stage': 'dev', 'team': 'blue'})
        self.functions.untag_resource(TagKeys=['stage', 'absent'], **arn)
        self.assertEqual(self.functions.get_function(FunctionName='f')['Tags'], {'team': 'blue'})
        self.invalid('Number of tags exceeds resource tag limit.', self.functions.tag_resource,
                     Tags={f'{number}': '' for number in range(50)}, **arn)
        self.invalid(None, self.functions.tag_resource, Tags={'aws:x': ''}, **arn)
        for call, more in ((self.functions.untag_resource, {'TagKeys': ['team']}),
                           (self.functions.list_tags, {})):
            self.invalid('Tags on function aliases and versions are not supported. Please specify '
                         'a function ARN.', call, Resource=PREFIX + 'f:1', **more)


class Policies(Lambda):
    EVENTS = {'FunctionName': 'f', 'StatementId': 'events', 'Action': 'lambda:InvokeFunction',
              'Principal': 'events.amazonaws.com', 'SourceAccount': ACCOUNT,
              'SourceArn': f'arn:aws:events:{REGION}:{ACCOUNT}:rule/r'}

    def test_statements(self):
        self.make()
        added = json.loads(self.functions.add_permission(**self.EVENTS)['Statement'])
        self.assertEqual(added, {
            'Sid': 'events', 'Effect': 'Allow', 'Principal': {'Service': 'events.amazonaws.com'},
            'Action': 'lambda:InvokeFunction', 'Resource': PREFIX + 'f',
            'Condition': {'StringEquals': {'AWS:SourceAccount': ACCOUNT},
                          'ArnLike': {'AWS:SourceArn': self.EVENTS['SourceArn']}}})
        self.refused('ResourceConflictException', self.functions.add_permission, **self.EVENTS,
                     message='The statement id (events) provided already exists. Please provide a '
                             'new statement id, or remove the existing statement.')
        for principal in ('nobody', 'amazonaws.com', 'events.amazon.com', '12345'):
            self.invalid('The provided principal was invalid. Please check the principal and try '
                         'again.', self.functions.add_permission,
                         **{**self.EVENTS, 'StatementId': 'x', 'Principal': principal})
        self.invalid('We currently do not support adding policies for $LATEST.',
                     self.functions.add_permission, Qualifier='$LATEST', **self.EVENTS)
        found = self.functions.get_policy(FunctionName='f')
        self.assertEqual(json.loads(found['Policy']), {
            'Version': '2012-10-17', 'Id': 'default', 'Statement': [added]})
        self.refused('ResourceNotFoundException', self.functions.remove_permission,
                     FunctionName='f', StatementId='other',
                     message='Statement other is not found in resource policy.')
        self.refused('PreconditionFailedException', self.functions.remove_permission,
                     FunctionName='f', StatementId='events', RevisionId='another')
        self.functions.remove_permission(FunctionName='f', StatementId='events',
                                         RevisionId=found['RevisionId'])
        self.refused('ResourceNotFoundException', self.functions.get_policy, FunctionName='f',
                     message='The resource you requested does not exist.')
        self.refused('ResourceNotFoundException', self.functions.remove_permission,
                     FunctionName='f', StatementId='events')
        long = dict(self.EVENTS, SourceArn=self.EVENTS['SourceArn'] + 'r' * 1900)
        for number in range(9):
            self.functions.add_permission(**{**long, 'StatementId': f'{number}'})
        found = self.refused('PolicyLengthExceededException', self.functions.add_permission,
                             **{**long, 'StatementId': 'one-too-many'})
        self.assertRegex(found['Error']['Message'],
                         r'^The final policy size \(\d+\) is bigger than the limit \(20480\)\.$')

    def test_other_accounts(self):
        """DryRun asks for the permission alone."""
        self.make()
        admin = self.client('lambda', account=OTHER_ACCOUNT)
        dry = {'FunctionName': PREFIX + 'f', 'InvocationType': 'DryRun'}
        who = f'arn:aws:iam::{OTHER_ACCOUNT}:user/administrator'
        refusal = f'User: {who} is not authorized to perform: lambda:InvokeFunction on resource: ' \
                  f'{PREFIX}f because no resource-based policy allows the lambda:InvokeFunction ' \
                  'action'
        self.refused('AccessDeniedException', admin.invoke, message=refusal, **dry)
        self.functions.add_permission(FunctionName='f', StatementId='them',
                                      Action='lambda:InvokeFunction', Principal=OTHER_ACCOUNT)
        self.assertEqual(admin.invoke(**dry)['StatusCode'], 204)
        self.refused('AccessDeniedException', admin.get_function, FunctionName=PREFIX + 'f')
        self.functions.publish_version(FunctionName='f')
        self.refused('AccessDeniedException', admin.invoke, Qualifier='1', **dry)
        nobody = self.client('lambda', keys=roles.assume(
            self.server, roles.make(self.server, 'nobody', account=OTHER_ACCOUNT),
            account=OTHER_ACCOUNT))
        self.refused('AccessDeniedException', nobody.invoke, **dry)

    def test_a_caller_whom_the_policy_names(self):
        self.make()
        role = roles.make(self.server, 'caller')
        caller = self.client('lambda', keys=roles.assume(self.server, role))
        dry = {'FunctionName': 'f', 'InvocationType': 'DryRun'}
        self.refused('AccessDeniedException', caller.invoke, **dry)
        self.functions.add_permission(FunctionName='f', StatementId='role',
                                      Action='lambda:InvokeFunction', Principal=role)
        self.assertEqual(caller.invoke(**dry)['StatusCode'], 204)
        self.refused('AccessDeniedException', caller.get_policy, FunctionName='f')

    def test_conditions_on_tags(self):
        self.make(Tags={'team': 'red'})
        self.make('g', Tags={'team': 'blue'})
        keys = roles.assume(self.server, roles.make(self.server, 'reds', roles.allow(
            'lambda:*', Condition={'StringEquals': {'aws:ResourceTag/team': 'red'}})))
        reds = self.client('lambda', keys=keys)
        reds.get_function(FunctionName='f')
        self.refused('AccessDeniedException', reds.get_function, FunctionName='g')


class CommandLine(Lambda):
    def test_a_function(self):
        role = packages.role(self.server)
        with tempfile.TemporaryDirectory() as folder:
            package = pathlib.Path(folder) / 'package.zip'
            package.write_bytes(packages.zipped())
            made = json.loads(self.server.cli(
                'lambda', 'create-function', '--function-name', 'f', '--runtime',
                'provided.al2023', '--handler', 'h', '--role', role, '--zip-file',
                f'fileb://{package}', '--environment', 'Variables={NAME=value}'))
            self.assertEqual(made['State'], 'Pending')
            self.server.cli('lambda', 'wait', 'function-active-v2', '--function-name', 'f')
            self.server.cli('lambda', 'update-function-code', '--function-name', 'f',
                            '--zip-file', f'fileb://{package}')
        self.server.cli('lambda', 'add-permission', '--function-name', 'f', '--statement-id', 's',
                        '--action', 'lambda:InvokeFunction', '--principal', 'events.amazonaws.com')
        found = json.loads(self.server.cli('lambda', 'get-policy', '--function-name', 'f'))
        self.assertIn('events.amazonaws.com', found['Policy'])
        self.server.cli('lambda', 'tag-resource', '--resource', PREFIX + 'f', '--tags', 'a=b')
        listed = json.loads(self.server.cli('lambda', 'list-functions'))
        self.assertEqual([one['FunctionName'] for one in listed['Functions']], ['f'])
        self.server.cli('lambda', 'delete-function', '--function-name', 'f')


class Durable(local_server.unittest.TestCase):
    def test_functions_outlive_a_kill(self):
        with tempfile.TemporaryDirectory() as folder:
            server = LocalServer(data=folder)
            server.start()
            made = packages.function(server, 'f', wait=False,
                                     Environment={'Variables': {'NAME': 'value'}})
            server.close_clients()
            server.kill()
            server.start()
            found = server.client('lambda').get_function_configuration(FunctionName='f')
            self.assertEqual(found['CodeSha256'], made['CodeSha256'])
            self.assertEqual(found['Environment'], {'Variables': {'NAME': 'value'}})
            server.close_clients()
            server.stop()


if __name__ == '__main__':
    local_server.main()
