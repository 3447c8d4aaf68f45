#!/usr/bin/python3
"""CloudTrail's trails: without one that logs no call reaches EventBridge."""
import json

import local_server
import roles
from local_server import ACCOUNT, REGION

EU = 'eu-west-1'
CALL = {'detail-type': ['AWS API Call via CloudTrail']}


class Trails(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.trails = self.client('cloudtrail')

    def make(self, name='first', trails=None, **arguments):
        return (trails or self.trails).create_trail(Name=name, S3BucketName='a-bucket', **arguments)

    def test_a_trail_from_its_making_to_its_end(self):
        made = self.make(S3KeyPrefix='here', TagsList=[{'Key': 'team', 'Value': 'audit'}])
        arn = f'arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/first'
        want = {'Name': 'first', 'S3BucketName': 'a-bucket', 'S3KeyPrefix': 'here',
                'IncludeGlobalServiceEvents': True, 'IsMultiRegionTrail': False, 'TrailARN': arn,
                'LogFileValidationEnabled': False, 'IsOrganizationTrail': False}
        made.pop('ResponseMetadata')
        self.assertEqual(made, want)
        described = self.trails.describe_trails()['trailList']
        self.assertEqual(described, [dict(want, HomeRegion=REGION, HasInsightSelectors=False,
                                          HasCustomEventSelectors=False)])
        self.assertEqual(self.trails.get_trail(Name=arn)['Trail'], described[0])
        self.assertFalse(self.trails.get_trail_status(Name='first')['IsLogging'])
        self.trails.start_logging(Name='first')
        status = self.trails.get_trail_status(Name=arn)
        self.assertTrue(status['IsLogging'] and status['StartLoggingTime'])
        self.trails.stop_logging(Name=arn)
        status = self.trails.get_trail_status(Name='first')
        self.assertFalse(status['IsLogging'])
        self.assertGreaterEqual(status['StopLoggingTime'], status['StartLoggingTime'])
        updated = self.trails.update_trail(Name='first', IsMultiRegionTrail=True)
        self.assertEqual((updated['IsMultiRegionTrail'], updated['S3KeyPrefix']), (True, 'here'))
        self.trails.delete_trail(Name='first')
        self.refused('TrailNotFoundException', self.trails.get_trail_status, Name='first',
                     message=f'Unknown trail: first for the user: {ACCOUNT}')
        self.assertEqual(self.trails.describe_trails(trailNameList=['first'])['trailList'], [])

    def test_a_trail_of_all_regions_is_seen_in_each(self):
        there = self.client('cloudtrail', region=EU)
        one, every = self.make('one')['TrailARN'], \
            self.make('every', IsMultiRegionTrail=True)['TrailARN']
        self.assertEqual([t['Name'] for t in there.describe_trails()['trailList']], ['every'])
        self.assertEqual(there.describe_trails(includeShadowTrails=False)['trailList'], [])
        self.assertEqual(sorted(t['TrailARN'] for t in there.list_trails()['Trails']),
                         sorted([one, every]))
        self.assertEqual(there.get_trail(Name=every)['Trail']['HomeRegion'], REGION)
        self.refused('TrailNotFoundException', there.get_trail, Name='every')
        self.refused('TrailNotFoundException', there.get_trail_status, Name=one)
        for call in (there.start_logging, there.stop_logging, there.delete_trail,
                     there.update_trail):
            self.refused('InvalidHomeRegionException', call, Name=every)
        self.refused('InvalidHomeRegionException', there.put_event_selectors, TrailName=every,
                     EventSelectors=[{}])
        self.refused('TrailAlreadyExistsException', self.make, name='every', trails=there)
        self.make('one', trails=there)

    def test_names_settings_and_numbers(self):
        for name, why in (('ab', 'Trail name too short. Minimum allowed length: 3 characters. '
                                 'Specified name length: 2 characters.'),
                          ('a' * 129, 'Trail name too long. Maximum allowed length: 128 '
                                      'characters. Specified name length: 129 characters.'),
                          ('-abc', 'Trail name must starts with a letter or number.'),
                          ('abc-', 'Trail name must ends with a letter or number.'),
                          ('a b', None)):
            for call in (self.make, self.trails.get_trail_status, self.trails.get_trail,
                         self.trails.start_logging, self.trails.stop_logging,
                         self.trails.delete_trail, self.trails.update_trail):
                key = 'name' if call == self.make else 'Name'
                self.refused('InvalidTrailNameException', call, message=why, **{key: name})
            for call in (self.trails.get_event_selectors, self.trails.put_event_selectors):
                self.refused('InvalidTrailNameException', call, TrailName=name, **(
                    {} if call == self.trails.get_event_selectors else {'EventSelectors': [{}]}))
            self.refused('InvalidTrailNameException', self.trails.describe_trails,
                         trailNameList=[name])
        self.make()
        for code, arguments in (
                ('InvalidS3BucketNameException', {'S3BucketName': 'No'}),
                ('InsufficientSnsTopicPolicyException', {'SnsTopicName': 'topic'}),
                ('CloudWatchLogsDeliveryUnavailableException',
                 {'CloudWatchLogsRoleArn': f'arn:aws:iam::{ACCOUNT}:role/x'}),
                ('OrganizationsNotInUseException', {'IsOrganizationTrail': True}),
                ('InsufficientEncryptionPolicyException', {'KmsKeyId': 'alias/trail'}),
                ('InvalidParameterCombinationException',
                 {'IsMultiRegionTrail': True, 'IncludeGlobalServiceEvents': False})):
            self.refused(code, self.trails.update_trail, Name='first', **arguments)
            self.refused(code, self.trails.create_trail,
                         **dict({'Name': 'more', 'S3BucketName': 'a-bucket'}, **arguments))
        self.refused('TrailNotFoundException', self.trails.update_trail, Name='other')
        for number in range(4):
            self.make(f'trail-{number}')
        self.refused('MaximumNumberOfTrailsExceededException', self.make, name='sixth')

    def test_tags(self):
        arn = self.make(TagsList=[{'Key': 'team', 'Value': 'audit'}])['TrailARN']
        self.trails.add_tags(ResourceId=arn, TagsList=[{'Key': 'more'}])
        listed = self.trails.list_tags(ResourceIdList=[arn])['ResourceTagList'][0]
        self.assertEqual((listed['ResourceId'], listed['TagsList']),
                         (arn, [{'Key': 'team', 'Value': 'audit'}, {'Key': 'more', 'Value': ''}]))
        self.trails.remove_tags(ResourceId=arn, TagsList=[{'Key': 'team'}])
        self.assertEqual(len(self.trails.list_tags(
            ResourceIdList=[arn])['ResourceTagList'][0]['TagsList']), 1)
        many = [{'Key': str(number)} for number in range(50)]
        elsewhere = self.client('cloudtrail', region=EU)
        every = self.make('every', IsMultiRegionTrail=True)['TrailARN']
        for call, more in ((self.trails.add_tags, {'TagsList': [{'Key': 'a'}]}),
                           (self.trails.remove_tags, {'TagsList': [{'Key': 'a'}]}),
                           (self.trails.list_tags, {})):
            def given(what, more=more):
                return dict(more, **({'ResourceId': what} if more else {'ResourceIdList': [what]}))
            self.refused('CloudTrailARNInvalidException', call, **given('first'))
            self.refused('InvalidTrailNameException', call, **given(arn.replace('first', 'x')))
            self.refused('ResourceNotFoundException', call, **given(arn.replace('first', 'other')))
        self.refused('TagsLimitExceededException', self.trails.add_tags, ResourceId=arn,
                     TagsList=many)
        self.refused('TagsLimitExceededException', self.make, name='tagged',
                     TagsList=many + [{'Key': 'one more'}])
        self.refused('InvalidTagParameterException', self.trails.add_tags, ResourceId=arn,
                     TagsList=[{'Key': 'aws:x'}])
        self.refused('InvalidTagParameterException', self.trails.remove_tags, ResourceId=arn,
                     TagsList=[{'Key': 'aws:x'}])
        self.refused('InvalidTagParameterException', self.make, name='tagged',
                     TagsList=[{'Key': 'aws:x'}])
        self.refused('InvalidTokenException', self.trails.list_tags, ResourceIdList=[arn],
                     NextToken='x')
        self.refused('ResourceNotFoundException', elsewhere.add_tags, ResourceId=every,
                     TagsList=[{'Key': 'a'}])

    # --- what reaches EventBridge -------------------------------------------------------------

    def calls_seen(self, *, state='ENABLED', region=REGION, source='ssm'):
        """Names of the calls that a rule sees while `self` makes some; the last is awaited."""
        events, sqs = self.client('events', region=region), self.client('sqs', region=region)
        url = sqs.create_queue(QueueName='seen')['QueueUrl']
        arn = f'arn:aws:sqs:{region}:{ACCOUNT}:seen'
        sqs.set_queue_attributes(QueueUrl=url, Attributes={'Policy': roles.policy(
            {'Effect': 'Allow', 'Action': 'sqs:SendMessage', 'Resource': arn,
             'Principal': {'Service': 'events.amazonaws.com'}})})
        events.put_rule(Name='seen', State=state, EventPattern=json.dumps(
            {'source': ['aws.' + source, 'end']}))
        events.put_targets(Rule='seen', Targets=[{'Id': '1', 'Arn': arn}])
        ssm, kms = self.client('ssm', region=region), self.client('kms', region=region)
        ssm.put_parameter(Name='a', Value='x', Type='String', Overwrite=True)
        ssm.get_parameter(Name='a')
        kms.create_key()
        events.put_events(Entries=[{'Source': 'end', 'DetailType': 'end', 'Detail': '{}'}])
        seen = []
        while True:
            for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10,
                                               WaitTimeSeconds=5).get('Messages', []):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message['ReceiptHandle'])
                event = json.loads(message['Body'])
                if event['source'] == 'end':
                    return seen
                if event['detail-type'] in CALL['detail-type']:
                    seen.append(event['detail']['eventName'])

    def test_only_a_trail_that_logs_tells_eventbridge(self):
        self.assertEqual(self.calls_seen(), [])
        self.make()
        self.assertEqual(self.calls_seen(), [])
        self.trails.start_logging(Name='first')
        self.assertEqual(self.calls_seen(), ['PutParameter'])
        self.assertEqual(self.calls_seen(region=EU), [])
        self.trails.update_trail(Name='first', IsMultiRegionTrail=True)
        self.assertEqual(self.calls_seen(region=EU), ['PutParameter'])
        self.assertEqual(self.calls_seen(source='kms'), ['CreateKey'])
        self.trails.stop_logging(Name='first')
        self.assertEqual(self.calls_seen(), [])
        self.assertEqual(len(self.client('cloudtrail').lookup_events(LookupAttributes=[
            {'AttributeKey': 'EventName', 'AttributeValue': 'PutParameter'}])['Events']), 5)

    def test_event_selectors(self):
        self.make()
        self.trails.start_logging(Name='first')
        default = {'ReadWriteType': 'All', 'IncludeManagementEvents': True, 'DataResources': [],
                   'ExcludeManagementEventSources': []}
        self.assertEqual(self.trails.get_event_selectors(TrailName='first')['EventSelectors'],
                         [default])

        def put(**selectors):
            answer = self.trails.put_event_selectors(TrailName='first', **selectors)
            kind = next(iter(selectors))
            self.assertEqual(answer[kind], selectors[kind])
            self.assertEqual(self.trails.get_event_selectors(TrailName='first')[kind],
                             selectors[kind])
            return self.calls_seen(), self.calls_seen(source='kms')

        self.assertEqual(put(EventSelectors=[{'ReadWriteType': 'ReadOnly'}]), ([], []))
        self.assertEqual(put(EventSelectors=[{'IncludeManagementEvents': False}]), ([], []))
        self.assertEqual(put(EventSelectors=[
            {'ExcludeManagementEventSources': ['kms.amazonaws.com']}]), (['PutParameter'], []))
        self.assertEqual(put(AdvancedEventSelectors=[{'FieldSelectors': [
            {'Field': 'eventCategory', 'Equals': ['Management']},
            {'Field': 'readOnly', 'Equals': ['true']}]}]), ([], []))
        self.assertEqual(put(AdvancedEventSelectors=[{'FieldSelectors': [
            {'Field': 'eventCategory', 'Equals': ['Management']},
            {'Field': 'eventSource', 'NotEquals': ['kms.amazonaws.com']}]}]),
            (['PutParameter'], []))
        self.assertTrue(self.trails.describe_trails()['trailList'][0]['HasCustomEventSelectors'])
        for selectors in ({}, {'EventSelectors': [{}], 'AdvancedEventSelectors': [
                {'FieldSelectors': [{'Field': 'eventCategory', 'Equals': ['Management']}]}]},
                {'EventSelectors': [{}] * 6},
                {'EventSelectors': [{'ExcludeManagementEventSources': ['ssm.amazonaws.com']}]},
                {'AdvancedEventSelectors': [{'FieldSelectors': [
                    {'Field': 'readOnly', 'Equals': ['true']}]}]}):
            self.refused('InvalidEventSelectorsException', self.trails.put_event_selectors,
                         TrailName='first', **selectors)
        for call, more in ((self.trails.get_event_selectors, {}),
                           (self.trails.put_event_selectors, {'EventSelectors': [{}]})):
            self.refused('TrailNotFoundException', call, TrailName='other', **more)

    def test_the_command_line(self):
        self.server.cli('cloudtrail', 'create-trail', '--name', 'management', '--s3-bucket-name',
                        'a-bucket', '--is-multi-region-trail')
        self.server.cli('cloudtrail', 'start-logging', '--name', 'management')
        status = json.loads(self.server.cli('cloudtrail', 'get-trail-status', '--name',
                                            'management'))
        self.assertTrue(status['IsLogging'])


if __name__ == '__main__':
    local_server.unittest.main()
