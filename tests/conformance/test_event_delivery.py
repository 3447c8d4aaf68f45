#!/usr/bin/python3
"""What arrives at the targets of EventBridge's rules: events of services, of the trail and of
users, by way of buses, transformed, retried, buried."""
import datetime
import json
import time
import urllib.error
import urllib.request

import local_server
import roles
from local_server import ACCOUNT, OTHER_ACCOUNT, REGION

EU = 'eu-west-1'
FORWARD = {'Service': 'events.amazonaws.com'}


def bus_arn(name='default', account=ACCOUNT, region=REGION):
    return f'arn:aws:events:{region}:{account}:event-bus/{name}'


class Delivery(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.start_trail()
        self.start_trail(OTHER_ACCOUNT)
        self.events, self.ssm = self.client('events'), self.client('ssm')

    def queue(self, name='queue', region=REGION, account=ACCOUNT, policy=None, **attributes):
        """Its URL and ARN; without `policy` EventBridge may send to it."""
        sqs = self.client('sqs', region=region, account=account)
        url = sqs.create_queue(QueueName=name, Attributes=attributes)['QueueUrl']
        arn = f'arn:aws:sqs:{region}:{account}:{name}'
        policy = policy or roles.policy({'Effect': 'Allow', 'Action': 'sqs:SendMessage',
                                         'Principal': FORWARD, 'Resource': arn})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={'Policy': policy})
        return url, arn

    def rule(self, pattern, *targets, name='rule', events=None, bus='default', **arguments):
        events = events or self.events
        if pattern is not None:
            arguments['EventPattern'] = json.dumps(pattern)
        events.put_rule(Name=name, EventBusName=bus, **arguments)
        events.put_targets(Rule=name, EventBusName=bus, Targets=[
            {'Id': str(number), **(target if isinstance(target, dict) else {'Arn': target})}
            for number, target in enumerate(targets)])

    def messages(self, url, region=REGION, account=ACCOUNT, wait=2, most=10):
        """What comes within `wait` seconds; everything that is there already comes at once."""
        sqs = self.client('sqs', region=region, account=account)
        found, end = [], time.monotonic() + wait
        while len(found) < most and time.monotonic() < end:
            got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1,
                                      MessageAttributeNames=['All']).get('Messages', [])
            for message in got:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message['ReceiptHandle'])
            found += got
        return found

    def bodies(self, url, count, **where):
        found = [json.loads(message['Body'])
                 for message in self.messages(url, most=count, wait=10, **where)]
        self.assertEqual(len(found), count, found)
        return found

    def put(self, detail=None, events=None, **entry):
        answer = (events or self.events).put_events(Entries=[{
            'Source': 'mine', 'DetailType': 't', 'Detail': json.dumps(detail or {}), **entry}])
        self.assertEqual(answer['FailedEntryCount'], 0, answer)
        return answer['Entries'][0]['EventId']


class Sources(Delivery):
    def test_parameter_store_change(self):
        url, arn = self.queue()
        self.rule({'source': ['aws.ssm'], 'detail-type': ['Parameter Store Change'],
                   'detail': {'name': [{'prefix': '/prod/app/'}]}}, arn)
        self.ssm.put_parameter(Name='/prod/api/X', Value='v', Type='String')
        self.ssm.put_parameter(Name='/prod/app/X', Value='v', Type='SecureString',
                               Description='d')
        self.ssm.put_parameter(Name='/prod/app/X', Value='w', Type='SecureString', Overwrite=True)
        self.ssm.label_parameter_version(Name='/prod/app/X', Labels=['l'])
        self.ssm.add_tags_to_resource(ResourceType='Parameter', ResourceId='/prod/app/X',
                                      Tags=[{'Key': 'k', 'Value': 'v'}])
        self.ssm.delete_parameter(Name='/prod/app/X')
        found = self.bodies(url, 4)
        for event, operation in zip(sorted(found, key=lambda event: event['detail']['operation']),
                                    ('Create', 'Delete', 'LabelParameterVersion', 'Update')):
            self.assertRegex(event.pop('id'), '^[0-9a-f-]{36}$')
            self.assertRegex(event.pop('time'), r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$')
            self.assertEqual(event, {
                'version': '0', 'detail-type': 'Parameter Store Change', 'source': 'aws.ssm',
                'account': ACCOUNT, 'region': REGION,
                'resources': [f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/prod/app/X'],
                'detail': {'operation': operation, 'name': '/prod/app/X', 'type': 'SecureString',
                           'description': 'd'}})

    def test_the_article_s_rule(self):
        """Calls as CloudTrail tells them, and native events, in one rule."""
        url, arn = self.queue()
        self.rule({'source': ['aws.ssm'],
                   'detail-type': ['AWS API Call via CloudTrail', 'Parameter Store Change'],
                   '$or': [{'detail': {'eventSource': ['ssm.amazonaws.com'],
                                       'eventName': ['PutParameter', 'DeleteParameter',
                                                     'DeleteParameters']}},
                           {'detail': {'operation': ['Create', 'Update', 'Delete']}}]}, arn)
        self.ssm.put_parameter(Name='/prod/app/X', Value='secret-value', Type='String')
        self.ssm.get_parameter(Name='/prod/app/X')
        events = {event['detail-type']: event for event in self.bodies(url, 2)}
        call = events['AWS API Call via CloudTrail']
        self.assertEqual((call['resources'], call['time']), ([], call['detail']['eventTime']))
        self.assertEqual(call['detail'], json.loads(self.client('cloudtrail').lookup_events(
            LookupAttributes=[{'AttributeKey': 'EventName', 'AttributeValue': 'PutParameter'}])[
                'Events'][0]['CloudTrailEvent']))
        self.assertNotIn('secret-value', json.dumps(events))

    def test_failed_calls_are_told_too(self):
        url, arn = self.queue()
        self.rule({'detail': {'eventName': ['PutParameter'], 'errorCode': [{'exists': True}]}}, arn)
        self.ssm.put_parameter(Name='/a', Value='v', Type='String')
        self.refused('ParameterAlreadyExists', self.ssm.put_parameter, Name='/a', Value='v',
                     Type='String')
        event, = self.bodies(url, 1)
        self.assertEqual(event['detail']['errorCode'], 'ParameterAlreadyExists')

    def test_global_services_tell_in_one_region(self):
        url, arn = self.queue()
        self.rule({'source': ['aws.iam']}, arn)
        self.client('iam').create_role(RoleName='R', AssumeRolePolicyDocument=roles.trust())
        event, = self.bodies(url, 1)
        self.assertEqual((event['detail']['eventName'], event['region']), ('CreateRole', REGION))

    def test_events_of_users(self):
        url, arn = self.queue()
        self.rule({'source': ['mine'], 'detail': {'n': [{'numeric': ['>', 1]}]}}, arn)
        self.put({'n': 1})
        event_id = self.put({'n': 2, 'x': [True, None]}, Resources=['arn:x'])
        event, = self.bodies(url, 1)
        self.assertEqual((event['id'], event['resources'], event['detail']),
                         (event_id, ['arn:x'], {'n': 2, 'x': [True, None]}))

    def test_a_disabled_rule_is_silent(self):
        url, arn = self.queue()
        self.rule({'source': ['mine']}, arn)
        self.events.disable_rule(Name='rule')
        self.put({'n': 1})
        self.events.enable_rule(Name='rule')
        self.put({'n': 2})
        event, = self.bodies(url, 1)
        self.assertEqual(event['detail'], {'n': 2})

    def test_keys(self):
        url, arn = self.queue()
        self.rule({'source': ['aws.kms'], 'detail-type': [{'prefix': 'KMS '}]}, arn)
        kms = self.client('kms')
        key = kms.create_key()['KeyMetadata']
        self.raw('RotateKeyOnDemand', service='kms', KeyId=key['KeyId'])
        event, = self.bodies(url, 1)
        self.assertEqual((event['detail-type'], event['resources'], event['detail']),
                         ('KMS CMK Rotation', [key['Arn']], {'key-id': key['KeyId']}))


class Targets(Delivery):
    def test_transformed(self):
        url, arn = self.queue()
        self.rule({'source': ['mine']}, {'Arn': arn, 'InputTransformer': {
            'InputPathsMap': {'name': '$.detail.name'},
            'InputTemplate': '{"what": <name>, "rule": "<aws.events.rule-name>"}'}},
            {'Arn': arn, 'Input': '{"a": 1}'}, {'Arn': arn, 'InputPath': '$.detail'})
        self.put({'name': '/a'})
        found = self.bodies(url, 3)
        self.assertCountEqual(found, [{'what': '/a', 'rule': 'rule'}, {'a': 1}, {'name': '/a'}])

    def test_fifo(self):
        url, arn = self.queue('q.fifo', FifoQueue='true', ContentBasedDeduplication='true')
        self.rule({'source': ['mine']}, {'Arn': arn, 'SqsParameters': {'MessageGroupId': 'g'}})
        for number in range(5):
            self.put({'n': number})
        self.assertEqual([event['detail']['n'] for event in self.bodies(url, 5)], list(range(5)))

    def test_the_queue_s_policy_decides(self):
        refused, _ = dead, dead_arn = self.queue('dead')
        url, arn = self.queue('closed', policy=roles.policy({
            'Effect': 'Allow', 'Action': 'sqs:SendMessage', 'Principal': FORWARD,
            'Resource': '*', 'Condition': {'ArnEquals': {
                'aws:SourceArn': f'arn:aws:events:{REGION}:{ACCOUNT}:rule/mine'}}}))
        target = {'Arn': arn, 'DeadLetterConfig': {'Arn': dead_arn}}
        self.rule({'source': ['mine']}, target, name='mine')
        self.rule({'source': ['mine']}, target, name='other')
        event_id = self.put()
        self.assertEqual(self.bodies(url, 1)[0]['id'], event_id)
        buried, = self.messages(refused, most=1, wait=10)
        self.assertEqual(json.loads(buried['Body'])['id'], event_id)
        self.assertEqual(
            {key: value['StringValue'] for key, value in buried['MessageAttributes'].items()
             if key != 'ERROR_MESSAGE'},
            {'RULE_ARN': f'arn:aws:events:{REGION}:{ACCOUNT}:rule/other', 'TARGET_ARN': arn,
             'ERROR_CODE': 'NO_PERMISSIONS', 'RETRY_ATTEMPTS': '0'})

    def test_no_such_target(self):
        dead, dead_arn = self.queue('dead')
        for number, arn in enumerate((f'arn:aws:sqs:{REGION}:{ACCOUNT}:none',
                                      f'arn:aws:lambda:{REGION}:{ACCOUNT}:function:none',
                                      bus_arn('none'))):
            self.rule({'source': ['mine']}, {'Arn': arn, 'DeadLetterConfig': {'Arn': dead_arn}},
                      name=f'rule{number}')
        self.put()
        codes = [message['MessageAttributes']['ERROR_CODE']['StringValue']
                 for message in self.messages(dead, most=3, wait=10)]
        self.assertEqual(codes, ['NO_RESOURCE'] * 3)

    def test_a_template_that_cannot_be_filled_in(self):
        dead, dead_arn = self.queue('dead')
        url, arn = self.queue()
        self.rule({'source': ['mine']}, {
            'Arn': arn, 'DeadLetterConfig': {'Arn': dead_arn}, 'InputTransformer': {
                'InputPathsMap': {'o': '$.detail'}, 'InputTemplate': '{"a": "is <o>"}'}})
        self.put({'k': 'v'})
        buried, = self.messages(dead, most=1, wait=10)
        self.assertEqual(buried['MessageAttributes']['ERROR_CODE']['StringValue'], 'INVALID_JSON')
        self.assertEqual(self.messages(url, wait=0.1), [])


class Buses(Delivery):
    def role(self, **where):
        return roles.make(self.server, 'Forwarder', roles.allow('events:PutEvents'),
                          trusts=roles.trust(FORWARD), **where)

    def test_to_another_bus_here(self):
        self.events.create_event_bus(Name='orders')
        url, arn = self.queue()
        self.rule({'source': ['aws.ssm']}, bus_arn('orders'))
        self.rule({'detail': {'operation': ['Create']}}, arn, bus='orders')
        self.ssm.put_parameter(Name='/a', Value='v', Type='String')
        self.assertEqual(self.bodies(url, 1)[0]['detail']['name'], '/a')

    def test_to_another_region(self):
        there = self.client('events', region=EU)
        url, arn = self.queue(region=EU)
        self.rule({'source': ['mine']}, arn, events=there)
        self.rule({'source': ['mine']}, {'Arn': bus_arn(region=EU), 'RoleArn': self.role()})
        event_id = self.put({'n': 1})
        event, = self.bodies(url, 1, region=EU)
        self.assertNotEqual(event['id'], event_id)
        self.assertEqual((event['region'], event['account']), (REGION, ACCOUNT))

    def test_no_further_than_one_region(self):
        dead, dead_arn = self.queue('dead', region=EU)
        there = self.client('events', region=EU)
        role = self.role()
        self.rule({'source': ['mine']}, {'Arn': bus_arn(region=EU), 'RoleArn': role})
        self.rule({'source': ['mine']}, {'Arn': bus_arn(region='ap-south-1'), 'RoleArn': role,
                                         'DeadLetterConfig': {'Arn': dead_arn}}, events=there)
        self.put()
        buried, = self.messages(dead, most=1, wait=10, region=EU)
        self.assertEqual(buried['MessageAttributes']['ERROR_CODE']['StringValue'],
                         'THIRD_REGION_HOP_DETECTED')

    def test_to_another_account(self):
        other = self.client('events', account=OTHER_ACCOUNT)
        dead, dead_arn = self.queue('dead')
        url, arn = self.queue(account=OTHER_ACCOUNT)
        self.rule({'source': ['mine']}, arn, events=other)
        self.rule({'source': ['mine']}, {
            'Arn': bus_arn(account=OTHER_ACCOUNT), 'RoleArn': self.role(),
            'DeadLetterConfig': {'Arn': dead_arn}})
        self.put()
        buried, = self.messages(dead, most=1, wait=10)
        self.assertEqual(buried['MessageAttributes']['ERROR_CODE']['StringValue'],
                         'CROSS_ACCOUNT_INGESTION_FAILED')
        other.put_permission(Action='events:PutEvents', Principal=ACCOUNT, StatementId='one')
        event_id = self.put()
        event, = self.bodies(url, 1, account=OTHER_ACCOUNT)
        self.assertEqual((event['id'], event['account']), (event_id, ACCOUNT))

    def test_without_a_role(self):
        dead, dead_arn = self.queue('dead')
        role = roles.make(self.server, 'Untrusting', roles.allow('events:PutEvents'))
        self.rule({'source': ['mine']},
                  {'Arn': bus_arn(region=EU), 'DeadLetterConfig': {'Arn': dead_arn}},
                  {'Arn': bus_arn(region=EU), 'DeadLetterConfig': {'Arn': dead_arn},
                   'RoleArn': role})
        self.put()
        self.assertCountEqual([message['MessageAttributes']['ERROR_CODE']['StringValue']
                               for message in self.messages(dead, most=2, wait=10)],
                              ['NO_PERMISSIONS', 'FAILED_TO_ASSUME_ROLE'])

    def test_put_events_across_accounts(self):
        url, arn = self.queue()
        self.rule({'account': [OTHER_ACCOUNT]}, arn)
        self.events.put_permission(Action='events:PutEvents', Principal=OTHER_ACCOUNT,
                                   StatementId='one')
        self.put(events=self.client('events', account=OTHER_ACCOUNT), EventBusName=bus_arn())
        self.assertEqual(self.bodies(url, 1)[0]['account'], OTHER_ACCOUNT)


class Rehearsed(Delivery):
    """By the server's clock, and with faults."""

    def control(self, name, body):
        request = urllib.request.Request(f'{self.server.url}/_understudy/{name}',
                                         json.dumps(body).encode(), method='POST')
        with urllib.request.urlopen(request) as answer:
            return answer.status

    def test_loss_and_repetition(self):
        url, arn = self.queue()
        self.rule({'source': ['mine']}, arn)
        self.control('events', {'lost': 1})
        self.put({'n': 1})
        self.control('events', {'repeated': 1})
        self.put({'n': 2})
        first, second = self.bodies(url, 2)
        self.assertEqual(first, second)
        self.assertEqual(first['detail'], {'n': 2})
        self.server.reset()
        with urllib.request.urlopen(f'{self.server.url}/_understudy/events') as answer:
            self.assertEqual(set(json.load(answer).values()), {0})

    def test_delay(self):
        url, arn = self.queue()
        self.rule({'source': ['mine']}, arn)
        self.control('events', {'delay': 3600})
        self.put({'n': 1})
        self.control('events', {})
        self.put({'n': 2})
        self.assertEqual([event['detail']['n'] for event in self.bodies(url, 1)], [2])
        self.control('clock', {'advance': 3601, 'signatures': 'real'})
        self.assertEqual([event['detail']['n'] for event in self.bodies(url, 1)], [1])

    def test_reordering(self):
        url, arn = self.queue('q.fifo', FifoQueue='true', ContentBasedDeduplication='true')
        self.rule({'source': ['mine']}, {'Arn': arn, 'SqsParameters': {'MessageGroupId': 'g'}})
        self.control('events', {'reordered': 0.5, 'within': 0.5})
        for number in range(20):
            self.put({'n': number})
        found = [event['detail']['n'] for event in self.bodies(url, 20)]
        self.assertCountEqual(found, range(20))
        self.assertNotEqual(found, sorted(found))

    def test_what_is_refused(self):
        for wrong in ({'lost': 2}, {'delay': 'x'}, {'late': 1}, [], {'within': -1}):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                self.control('events', wrong)
            self.assertEqual(refused.exception.code, 400)
            refused.exception.close()

    def test_schedules(self):
        url, arn = self.queue()
        self.rule(None, arn, ScheduleExpression='rate(1 hour)')
        self.assertEqual(self.messages(url, wait=0.1), [])
        self.control('clock', {'advance': 3601, 'signatures': 'real'})
        event, = self.bodies(url, 1)
        self.assertEqual((event['source'], event['detail-type'], event['detail'],
                          event['resources']),
                         ('aws.events', 'Scheduled Event', {},
                          [f'arn:aws:events:{REGION}:{ACCOUNT}:rule/rule']))
        self.control('clock', {'advance': 3600})
        self.bodies(url, 1)

    def test_policies_of_a_parameter_act(self):
        url, arn = self.queue()
        self.rule({'source': ['aws.ssm'], 'detail-type': ['Parameter Store Policy Action'],
                   'detail': {'parameter-name': ['/p']}}, arn)
        day = 24 * 3600
        expiry = datetime.datetime.fromtimestamp(int(time.time()) + 30 * day, datetime.UTC)
        policies = [
            {'Type': 'Expiration', 'Version': '1.0',
             'Attributes': {'Timestamp': expiry.strftime('%Y-%m-%dT%H:%M:%S.000Z')}},
            {'Type': 'ExpirationNotification', 'Version': '1.0',
             'Attributes': {'Before': '5', 'Unit': 'Days'}},
            {'Type': 'NoChangeNotification', 'Version': '1.0',
             'Attributes': {'After': '20', 'Unit': 'Days'}}]
        self.ssm.put_parameter(Name='/p', Value='secret-value', Type='SecureString',
                               Tier='Advanced', Policies=json.dumps(policies))
        self.assertEqual(self.messages(url, wait=0.1), [])
        gone, before, unchanged = policies
        for days, policy in ((20, unchanged), (5, before), (5, gone)):
            self.assertEqual(len(self.ssm.get_parameters(Names=['/p'])['Parameters']), 1)
            self.control('clock', {'advance': days * day, 'signatures': 'real'})
            event, = self.bodies(url, 1)
            self.assertEqual((event['source'], event['account'], event['region'],
                              event['resources']),
                             ('aws.ssm', ACCOUNT, REGION,
                              [f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/p']))
            detail = event['detail']
            self.assertEqual(
                (detail['parameter-name'], detail['parameter-type'], detail['policy-type'],
                 json.loads(detail['policy-content']), detail['action-status']),
                ('/p', 'SecureString', policy['Type'], policy, 'SUCCESS'))
            self.assertNotIn('secret-value', json.dumps(event))
        self.refused('ParameterNotFound', self.ssm.get_parameter, Name='/p')
        self.assertEqual(self.messages(url, wait=0.1), [])

    def test_keys_go_when_their_time_comes(self):
        url, arn = self.queue()
        self.rule({'detail-type': ['KMS CMK Deletion', 'KMS CMK Rotation']}, arn)
        kms = self.client('kms')
        gone, turned = (kms.create_key()['KeyMetadata']['KeyId'] for _ in range(2))
        kms.schedule_key_deletion(KeyId=gone, PendingWindowInDays=7)
        kms.enable_key_rotation(KeyId=turned)
        self.control('clock', {'advance': 366 * 24 * 3600, 'signatures': 'real'})
        found = {event['detail-type']: event['detail']['key-id'] for event in self.bodies(url, 2)}
        self.assertEqual(found, {'KMS CMK Deletion': gone, 'KMS CMK Rotation': turned})

    def test_a_target_that_is_down_is_tried_again(self):
        url, arn = self.queue()
        dead, dead_arn = self.queue('dead')
        self.rule({'source': ['mine']}, {'Arn': arn}, {
            'Arn': arn, 'RetryPolicy': {'MaximumRetryAttempts': 0},
            'DeadLetterConfig': {'Arn': dead_arn}})
        self.control('faults', [{'service': 'sqs', 'operation': 'SendMessage',
                                 'kind': 'down', 'count': 2}])
        event_id = self.put()
        buried, = self.messages(dead, most=1, wait=10)
        self.assertEqual(buried['MessageAttributes']['EXHAUSTED_RETRY_CONDITION']['StringValue'],
                         'MaximumRetryAttempts')
        self.control('clock', {'advance': 10, 'signatures': 'real'})
        self.assertEqual(self.bodies(url, 1)[0]['id'], event_id)


if __name__ == '__main__':
    local_server.main()
