#!/usr/bin/python3
"""The trail: what CloudTrail would have recorded of the calls made here, read by LookupEvents."""
import datetime
import json
import re

import local_server
import roles
from local_server import ACCOUNT, CREDENTIALS, OTHER_ACCOUNT, REGION

HIDDEN = 'HIDDEN_DUE_TO_SECURITY_REASONS'
UUID = re.compile(r'[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$')


class Trail(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.trail = self.client('cloudtrail')
        self.ssm = self.client('ssm')

    def summaries(self, region=REGION, account=ACCOUNT, **arguments):
        trail = self.client('cloudtrail', region=region, account=account)
        return trail.lookup_events(**arguments)['Events']

    def records(self, name=None, **where):
        """Newest first."""
        found = [json.loads(event['CloudTrailEvent']) for event in self.summaries(**where)]
        return [record for record in found if name in (None, record['eventName'])]

    def only(self, name, **where):
        found = self.records(name, **where)
        self.assertEqual(len(found), 1, found)
        return found[0]


class Records(Trail):
    def test_shape(self):
        before = datetime.datetime.utcnow().replace(microsecond=0)
        answer = self.ssm.put_parameter(Name='/a', Value='value-of-a', Type='String',
                                        Overwrite=True, Description='d')
        record = self.only('PutParameter')
        self.assertEqual(record['requestID'], answer['ResponseMetadata']['RequestId'])
        self.assertRegex(record['eventID'], UUID)
        when = datetime.datetime.strptime(record['eventTime'], '%Y-%m-%dT%H:%M:%SZ')
        self.assertLessEqual(before, when)
        self.assertRegex(record['userAgent'], 'Boto3/')
        for volatile in ('requestID', 'eventID', 'eventTime', 'userAgent'):
            del record[volatile]
        principal = record['userIdentity'].pop('principalId')
        self.assertRegex(principal, 'AIDA[A-Z0-9]+$')
        self.assertEqual(record, {
            'eventVersion': '1.11',
            'userIdentity': {
                'type': 'IAMUser', 'arn': f'arn:aws:iam::{ACCOUNT}:user/administrator',
                'accountId': ACCOUNT, 'accessKeyId': CREDENTIALS[ACCOUNT][0],
                'userName': 'administrator'},
            'eventSource': 'ssm.amazonaws.com', 'eventName': 'PutParameter',
            'awsRegion': REGION, 'sourceIPAddress': '127.0.0.1',
            'requestParameters': {'name': '/a', 'value': HIDDEN, 'type': 'String',
                                  'overwrite': True, 'description': 'd'},
            'responseElements': {'version': 1, 'tier': 'Standard'},
            'readOnly': False, 'eventType': 'AwsApiCall', 'managementEvent': True,
            'recipientAccountId': ACCOUNT, 'eventCategory': 'Management'})

    def test_an_empty_answer_is_null(self):
        self.ssm.put_parameter(Name='/a', Value='v', Type='String')
        self.ssm.delete_parameter(Name='/a')
        record = self.only('DeleteParameter')
        self.assertEqual((record['requestParameters'], record['responseElements']),
                         ({'name': '/a'}, None))

    def test_lists_and_tags(self):
        self.ssm.put_parameter(Name='/a', Value='v', Type='String')
        self.ssm.delete_parameters(Names=['/a', '/none'])
        record = self.only('DeleteParameters')
        self.assertEqual(record['responseElements'],
                         {'deletedParameters': ['/a'], 'invalidParameters': ['/none']})
        self.ssm.put_parameter(Name='/b', Value='v', Type='String', Tags=[
            {'Key': 'Team', 'Value': 'A'}])
        self.assertEqual(self.records('PutParameter')[0]['requestParameters']['tags'],
                         [{'key': 'Team', 'value': 'A'}])

    def test_a_session_of_a_role(self):
        role = roles.make(self.server, 'Deployer', roles.allow('ssm:*'))
        keys = roles.assume(self.server, role, session='deploy')
        self.client('ssm', keys=keys).put_parameter(Name='/a', Value='v', Type='String')
        identity = self.only('PutParameter')['userIdentity']
        issuer = identity['sessionContext']['sessionIssuer']
        self.assertEqual(identity['type'], 'AssumedRole')
        self.assertEqual(identity['arn'], f'arn:aws:sts::{ACCOUNT}:assumed-role/Deployer/deploy')
        self.assertEqual(identity['principalId'], issuer['principalId'] + ':deploy')
        self.assertEqual(identity['accessKeyId'], keys[0])
        self.assertEqual((issuer['type'], issuer['arn'], issuer['userName'], issuer['accountId']),
                         ('Role', role, 'Deployer', ACCOUNT))
        attributes = identity['sessionContext']['attributes']
        self.assertEqual(attributes['mfaAuthenticated'], 'false')
        self.assertRegex(attributes['creationDate'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$')
        self.assertNotIn('userName', identity)
        self.assertEqual(self.summaries(LookupAttributes=[
            {'AttributeKey': 'Username', 'AttributeValue': 'deploy'}])[0]['EventName'],
            'PutParameter')

    def test_assuming_a_role_is_told_without_its_secrets(self):
        role = roles.make(self.server, 'Deployer', roles.allow('ssm:*'))
        keys = roles.assume(self.server, role)
        record = self.only('AssumeRole')
        self.assertIs(record['readOnly'], True)
        credentials = record['responseElements']['credentials']
        self.assertEqual(credentials['accessKeyId'], keys[0])
        self.assertRegex(credentials['expiration'],
                         r'^[A-Z][a-z]{2} \d{1,2}, \d{4}, \d{1,2}:\d\d:\d\d [AP]M$')
        self.assertNotIn('secretAccessKey', credentials)
        self.assertNotIn('sessionToken', credentials)

    def test_both_accounts_are_told(self):
        role = roles.make(self.server, 'Shared', roles.allow('ssm:*'), account=OTHER_ACCOUNT,
                          trusts=roles.trust({'AWS': ACCOUNT}))
        roles.assume(self.server, role)
        caller, owner = self.only('AssumeRole'), self.only('AssumeRole', account=OTHER_ACCOUNT)
        self.assertEqual(caller['sharedEventID'], owner['sharedEventID'])
        self.assertNotEqual(caller['eventID'], owner['eventID'])
        self.assertEqual((caller['recipientAccountId'], owner['recipientAccountId']),
                         (ACCOUNT, OTHER_ACCOUNT))
        self.assertEqual(owner['userIdentity']['type'], 'AWSAccount')
        self.assertEqual(owner['userIdentity']['accountId'], ACCOUNT)

    def test_a_key(self):
        kms = self.client('kms')
        key = kms.create_key(Description='d')['KeyMetadata']
        metadata = self.only('CreateKey')['responseElements']['keyMetadata']
        self.assertEqual(metadata['keyId'], key['KeyId'])
        self.assertRegex(metadata['creationDate'],
                         r'^[A-Z][a-z]{2} \d{1,2}, \d{4}, \d{1,2}:\d\d:\d\d [AP]M$')
        kms.create_alias(AliasName='alias/a', TargetKeyId=key['KeyId'])
        record = self.only('CreateAlias')
        self.assertEqual(record['requestParameters'],
                         {'aliasName': 'alias/a', 'targetKeyId': key['KeyId']})
        self.assertCountEqual(record['resources'], [
            {'accountId': ACCOUNT, 'type': 'AWS::KMS::Key', 'ARN': key['Arn']},
            {'accountId': ACCOUNT, 'type': 'AWS::KMS::Alias',
             'ARN': f'arn:aws:kms:{REGION}:{ACCOUNT}:alias/a'}])

    def test_what_reaches_into_another_region_is_told_there(self):
        kms = self.client('kms')
        key = kms.create_key(MultiRegion=True)['KeyMetadata']['KeyId']
        kms.replicate_key(KeyId=key, ReplicaRegion='eu-west-1')
        here, there = self.only('ReplicateKey'), self.only('CreateKey', region='eu-west-1')
        self.assertEqual(here['requestID'], there['requestID'])
        self.assertNotEqual(here['eventID'], there['eventID'])
        self.assertEqual(there['awsRegion'], 'eu-west-1')
        self.assertEqual(there['userIdentity'],
                         {'accountId': ACCOUNT, 'invokedBy': 'kms.amazonaws.com'})

    def test_every_service(self):
        """A write of each; what every record has."""
        arn = f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/a'
        role = roles.make(self.server, 'R')
        sts, sqs = self.client('sts'), self.client('sqs')
        wanted = {'CreateRole': 'iam'}
        for service, call, arguments in (
                ('ssm', self.ssm.put_parameter, {'Name': '/a', 'Value': 'v', 'Type': 'String'}),
                ('ssm', self.ssm.update_service_setting, {
                    'SettingId': '/ssm/parameter-store/default-parameter-tier',
                    'SettingValue': 'Standard'}),
                ('kms', self.client('kms').create_key, {}),
                ('iam', self.client('iam').create_user, {'UserName': 'u'}),
                ('sts', sts.assume_role, {'RoleArn': role, 'RoleSessionName': 'me'}),
                ('sts', sts.get_session_token, {}),
                ('tagging', self.client('resourcegroupstaggingapi').tag_resources,
                 {'ResourceARNList': [arn], 'Tags': {'k': 'v'}}),
                ('events', self.client('events').create_event_bus, {'Name': 'b'}),
                ('sqs', sqs.create_queue, {'QueueName': 'q'})):
            call(**arguments)
            name = ''.join(part.capitalize() for part in call.__name__.split('_'))
            wanted[name] = service
        url = sqs.get_queue_url(QueueName='q')['QueueUrl']
        sqs.send_message(QueueUrl=url, MessageBody='a data event')
        found = {record['eventName']: record for record in self.records()}
        self.assertEqual({name: record['eventSource'] for name, record in found.items()},
                         {name: f'{service}.amazonaws.com' for name, service in wanted.items()})
        for record in found.values():
            for member, kind in (('userIdentity', dict), ('readOnly', bool), ('eventID', str),
                                 ('requestID', str), ('managementEvent', bool)):
                self.assertIsInstance(record[member], kind, record)
            for member in ('requestParameters', 'responseElements'):
                self.assertIsInstance(record[member], (dict, type(None)), record)
                for key in record[member] or {}:
                    self.assertTrue(key[0].islower(), record)
            self.assertEqual((record['awsRegion'], record['recipientAccountId'],
                              record['userIdentity']['accountId']), (REGION, ACCOUNT, ACCOUNT))

    def test_iam_is_recorded_in_one_region(self):
        roles.make(self.server, 'Deployer', roles.allow('ssm:*'))
        self.assertEqual(self.records('CreateRole', region='eu-west-1'), [])
        self.assertEqual(self.only('CreateRole')['requestParameters']['roleName'], 'Deployer')

    def test_each_region_and_account_has_its_own(self):
        self.client('ssm', region='eu-west-1').put_parameter(Name='/a', Value='v', Type='String')
        self.assertEqual(self.records(), [])
        self.assertEqual(self.records(account=OTHER_ACCOUNT, region='eu-west-1'), [])
        self.assertEqual(self.only('PutParameter', region='eu-west-1')['awsRegion'], 'eu-west-1')

    def test_reads_are_not_recorded(self):
        self.ssm.put_parameter(Name='/a', Value='v', Type='String')
        self.ssm.get_parameter(Name='/a')
        self.ssm.describe_parameters()
        self.assertEqual([record['eventName'] for record in self.records()], ['PutParameter'])


class Failures(Trail):
    def test_the_service_refuses(self):
        self.ssm.put_parameter(Name='/a', Value='v', Type='String')
        self.refused('ParameterAlreadyExists', self.ssm.put_parameter, Name='/a', Value='w',
                     Type='String')
        record = self.records('PutParameter')[0]
        self.assertEqual(record['errorCode'], 'ParameterAlreadyExists')
        self.assertRegex(record['errorMessage'], '^The parameter already exists.')
        self.assertEqual((record['requestParameters']['name'], record['responseElements']),
                         ('/a', None))

    def test_the_model_refuses(self):
        self.refused('ValidationException', self.ssm.put_parameter, Name='/a', Value='', Type='X')
        record = self.only('PutParameter')
        self.assertEqual(record['errorCode'], 'ValidationException')
        self.assertEqual(record['requestParameters']['value'], HIDDEN)

    def test_policies_refuse(self):
        role = roles.make(self.server, 'Reader', roles.allow('ssm:Get*'))
        keys = roles.assume(self.server, role)
        self.refused('AccessDeniedException', self.client('ssm', keys=keys).put_parameter,
                     Name='/a', Value='v', Type='String')
        record = self.only('PutParameter')
        self.assertEqual((record['errorCode'], record['requestParameters']),
                         ('AccessDenied', None))
        self.assertIn('is not authorized to perform: ssm:PutParameter', record['errorMessage'])

    def test_a_delete_that_finds_nothing_is_not_recorded(self):
        self.refused('ParameterNotFound', self.ssm.delete_parameter, Name='/none')
        self.refused('ParameterNotFound', self.ssm.label_parameter_version, Name='/none',
                     Labels=['x'])
        self.assertEqual([record['eventName'] for record in self.records()],
                         ['LabelParameterVersion'])

    def test_unknown_callers_are_not_recorded(self):
        self.refused('UnrecognizedClientException', self.client(
            'ssm', keys=('AKIAUNKNOWN000000000', 'x')).put_parameter, Name='/a', Value='v',
            Type='String')
        self.assertEqual(self.records(), [])


class LookupEvents(Trail):
    def attribute(self, key, value, **more):
        return [event['EventName'] for event in self.summaries(
            LookupAttributes=[{'AttributeKey': key, 'AttributeValue': value}], **more)]

    def test_summary(self):
        self.ssm.put_parameter(Name='/a', Value='v', Type='String')
        event, = self.summaries()
        record = json.loads(event['CloudTrailEvent'])
        self.assertEqual(event['EventId'], record['eventID'])
        self.assertEqual(event['EventTime'].astimezone(datetime.timezone.utc).strftime(
            '%Y-%m-%dT%H:%M:%SZ'), record['eventTime'])
        self.assertEqual(
            {key: event[key] for key in ('EventName', 'ReadOnly', 'AccessKeyId', 'EventSource',
                                         'Username', 'Resources')},
            {'EventName': 'PutParameter', 'ReadOnly': 'false',
             'AccessKeyId': CREDENTIALS[ACCOUNT][0], 'EventSource': 'ssm.amazonaws.com',
             'Username': 'administrator',
             'Resources': [{'ResourceType': 'AWS::SSM::Parameter', 'ResourceName': '/a'}]})

    def test_attributes(self):
        self.ssm.put_parameter(Name='/a', Value='v', Type='String')
        self.client('kms').create_key()
        put = self.summaries()[1]
        for key, value, found in (
                ('EventName', 'PutParameter', ['PutParameter']),
                ('EventName', 'putparameter', []),
                ('EventId', put['EventId'], ['PutParameter']),
                ('ReadOnly', 'true', []),
                ('ReadOnly', 'false', ['CreateKey', 'PutParameter']),
                ('Username', 'administrator', ['CreateKey', 'PutParameter']),
                ('ResourceType', 'AWS::SSM::Parameter', ['PutParameter']),
                ('ResourceName', '/a', ['PutParameter']),
                ('EventSource', 'kms.amazonaws.com', ['CreateKey']),
                ('AccessKeyId', CREDENTIALS[ACCOUNT][0], ['CreateKey', 'PutParameter']),
                ('AccessKeyId', CREDENTIALS[OTHER_ACCOUNT][0], [])):
            self.assertEqual(self.attribute(key, value), found, (key, value))

    def test_time_range(self):
        self.ssm.put_parameter(Name='/a', Value='v', Type='String')
        now, minute = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(minutes=1)
        for start, end, count in ((now - minute, now + minute, 1), (now + minute, None, 0),
                                  (None, now - minute, 0)):
            window = {key: value for key, value in (('StartTime', start), ('EndTime', end))
                      if value}
            self.assertEqual(len(self.summaries(**window)), count)
        self.refused('InvalidTimeRangeException', self.trail.lookup_events, StartTime=now,
                     EndTime=now - minute)

    def test_pages_newest_first(self):
        for number in range(7):
            self.ssm.put_parameter(Name=f'/{number}', Value='v', Type='String')
        names, token, pages = [], {}, 0
        while True:
            answer = self.trail.lookup_events(MaxResults=3, **token)
            names += [json.loads(event['CloudTrailEvent'])['requestParameters']['name']
                      for event in answer['Events']]
            pages += 1
            if 'NextToken' not in answer:
                break
            token = {'NextToken': answer['NextToken']}
        self.assertEqual((names, pages), ([f'/{number}' for number in range(6, -1, -1)], 3))
        self.refused('InvalidNextTokenException', self.trail.lookup_events, NextToken='x')
        self.refused('InvalidNextTokenException', self.trail.lookup_events, **token,
                     LookupAttributes=[{'AttributeKey': 'ReadOnly', 'AttributeValue': 'true'}])

    def test_refusals(self):
        one = {'AttributeKey': 'ReadOnly', 'AttributeValue': 'true'}
        self.refused('InvalidLookupAttributesException', self.trail.lookup_events,
                     LookupAttributes=[one, one])
        for most in (0, 51):
            self.refused('InvalidMaxResultsException', self.trail.lookup_events, MaxResults=most)
        self.refused('InvalidEventCategoryException', self.trail.lookup_events,
                     EventCategory='data')
        self.assertEqual(self.trail.lookup_events(EventCategory='insight')['Events'], [])

    def test_needs_the_permission(self):
        keys = roles.assume(self.server, roles.make(self.server, 'None', roles.allow('ssm:*')))
        self.refused('AccessDeniedException', self.client('cloudtrail', keys=keys).lookup_events)
        keys = roles.assume(self.server, roles.make(self.server, 'Auditor', roles.allow(
            'cloudtrail:LookupEvents')))
        self.assertTrue(self.client('cloudtrail', keys=keys).lookup_events()['Events'])

    def test_command_line(self):
        self.ssm.put_parameter(Name='/a', Value='v', Type='String')
        answer = json.loads(self.server.cli('cloudtrail', 'lookup-events', '--lookup-attributes',
                                            'AttributeKey=EventName,AttributeValue=PutParameter'))
        self.assertEqual(len(answer['Events']), 1)


class Reads(Trail):
    options = ('--trail-reads',)

    def test_reads_are_recorded(self):
        self.ssm.put_parameter(Name='/a', Value='v', Type='SecureString')
        self.ssm.get_parameter(Name='/a', WithDecryption=True)
        record = self.only('GetParameter')
        self.assertEqual((record['readOnly'], record['responseElements'],
                          record['requestParameters']),
                         (True, None, {'name': '/a', 'withDecryption': True}))
        self.refused('ParameterNotFound', self.ssm.get_parameter, Name='/none')
        self.assertEqual(len(self.records('GetParameter')), 1)
        self.refused('ValidationException', self.ssm.get_parameters, Names=[])
        self.assertEqual(self.only('GetParameters')['errorCode'], 'ValidationException')


class Kept(Trail):
    options = ('--trail-keep', '100')

    def test_the_oldest_go(self):
        for number in range(300):
            self.ssm.put_parameter(Name='/a', Value='v', Type='String', Overwrite=True)
        versions, token = [], {}
        while True:
            answer = self.trail.lookup_events(**token)
            versions += [json.loads(event['CloudTrailEvent'])['responseElements']['version']
                         for event in answer['Events']]
            if 'NextToken' not in answer:
                break
            token = {'NextToken': answer['NextToken']}
        self.assertEqual(versions, list(range(300, 300 - len(versions), -1)))
        self.assertTrue(100 <= len(versions) < 200, len(versions))


if __name__ == '__main__':
    local_server.main()
