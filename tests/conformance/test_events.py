#!/usr/bin/python3
"""EventBridge: buses, permissions, rules, targets, tags, PutEvents and TestEventPattern (model
events 2015-10-07). What arrives at targets: test_event_delivery.py."""
import json

import local_server
import roles
from local_server import ACCOUNT, OTHER_ACCOUNT, REGION

PATTERN = json.dumps({'source': ['mine']})
QUEUE = f'arn:aws:sqs:{REGION}:{ACCOUNT}:queue'


def bus_arn(name, account=ACCOUNT, region=REGION):
    return f'arn:aws:events:{region}:{account}:event-bus/{name}'


class Events(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.events = self.client('events')

    def rule(self, name='rule', **arguments):
        return self.events.put_rule(Name=name, **{'EventPattern': PATTERN, **arguments})['RuleArn']

    def pages(self, call, items, **arguments):
        found, token = [], {}
        while True:
            answer = call(Limit=2, **token, **arguments)
            found.append(answer[items])
            if 'NextToken' not in answer:
                return found
            token = {'NextToken': answer['NextToken']}


class Buses(Events):
    def test_the_default_bus_is_there(self):
        answer = self.events.describe_event_bus()
        self.assertEqual((answer['Name'], answer['Arn']), ('default', bus_arn('default')))
        self.assertEqual([bus['Name'] for bus in self.events.list_event_buses()['EventBuses']],
                         ['default'])
        self.refused('ValidationException', self.events.delete_event_bus,
                     'Cannot delete event bus default.', Name='default')

    def test_create_describe_delete(self):
        answer = self.events.create_event_bus(Name='orders', Tags=[{'Key': 'k', 'Value': 'v'}])
        self.assertEqual(answer['EventBusArn'], bus_arn('orders'))
        self.refused('ResourceAlreadyExistsException', self.events.create_event_bus,
                     'Event bus orders already exists.', Name='orders')
        self.refused('ResourceAlreadyExistsException', self.events.create_event_bus,
                     'Event bus default already exists.', Name='default')
        for name in ('orders', bus_arn('orders')):
            self.assertEqual(self.events.describe_event_bus(Name=name)['Name'], 'orders')
        self.events.delete_event_bus(Name='orders')
        self.refused('ResourceNotFoundException', self.events.describe_event_bus,
                     'Event bus orders does not exist.', Name='orders')
        self.events.delete_event_bus(Name='orders')

    def test_update(self):
        self.raw('CreateEventBus', service='events', Name='orders', Description='first')
        answer = self.raw('UpdateEventBus', service='events', Name='orders', Description='second')
        self.assertEqual((answer['Name'], answer['Description']), ('orders', 'second'))
        answer = self.raw('DescribeEventBus', service='events', Name='orders')
        self.assertEqual(answer['Description'], 'second')
        self.refused_raw('ResourceNotFoundException', 'UpdateEventBus', service='events',
                         Name='none')
        self.raw('UpdateEventBus', service='events', Description='the default one')
        self.assertEqual(self.raw('DescribeEventBus', service='events')['Description'],
                         'the default one')

    def test_bad_names(self):
        self.refused('ValidationException', self.events.create_event_bus,
                     "Event bus name must not contain '/'.", Name='a/b')
        self.refused('ValidationException', self.events.create_event_bus, Name='a b')
        self.refused('ResourceNotFoundException', self.events.create_event_bus,
                     Name='aws.partner/x/y/z', EventSourceName='aws.partner/x/y/z')

    def test_a_bus_with_rules_stays(self):
        self.events.create_event_bus(Name='orders')
        self.rule(EventBusName='orders')
        self.refused('ValidationException', self.events.delete_event_bus, Name='orders')

    def test_list(self):
        for name in ('a1', 'a2', 'b1'):
            self.events.create_event_bus(Name=name)
        pages = self.pages(self.events.list_event_buses, 'EventBuses')
        self.assertEqual([[bus['Name'] for bus in page] for page in pages],
                         [['a1', 'a2'], ['b1', 'default']])
        pages = self.pages(self.events.list_event_buses, 'EventBuses', NamePrefix='a')
        self.assertEqual([[bus['Name'] for bus in page] for page in pages], [['a1', 'a2']])
        self.refused('ValidationException', self.events.list_event_buses, NextToken='invented')

    def test_limit(self):
        for number in range(99):
            self.events.create_event_bus(Name=f'bus{number}')
        self.refused('LimitExceededException', self.events.create_event_bus, Name='one-more')


class Permissions(Events):
    def policy(self):
        text = self.events.describe_event_bus().get('Policy')
        return json.loads(text) if text else None

    def test_statements(self):
        self.events.put_permission(Action='events:PutEvents', Principal=OTHER_ACCOUNT,
                                   StatementId='one')
        self.events.put_permission(Action='events:PutEvents', Principal='*', StatementId='two',
                                   Condition={'Type': 'StringEquals', 'Key': 'aws:PrincipalOrgID',
                                              'Value': 'o-1'})
        self.assertEqual(self.policy(), {'Version': '2012-10-17', 'Statement': [
            {'Sid': 'one', 'Effect': 'Allow', 'Action': 'events:PutEvents',
             'Principal': {'AWS': f'arn:aws:iam::{OTHER_ACCOUNT}:root'},
             'Resource': bus_arn('default')},
            {'Sid': 'two', 'Effect': 'Allow', 'Action': 'events:PutEvents', 'Principal': '*',
             'Resource': bus_arn('default'),
             'Condition': {'StringEquals': {'aws:PrincipalOrgID': 'o-1'}}}]})
        self.refused('ResourceNotFoundException', self.events.remove_permission,
                     'Statement with the provided id does not exist.', StatementId='none')
        self.events.remove_permission(StatementId='one')
        self.assertEqual([item['Sid'] for item in self.policy()['Statement']], ['two'])
        self.events.remove_permission(RemoveAllPermissions=True)
        self.assertIsNone(self.policy())
        self.refused('ResourceNotFoundException', self.events.remove_permission,
                     'EventBus does not have a policy.', StatementId='one')

    def test_whole_policies(self):
        policy = roles.policy({'Effect': 'Allow', 'Principal': {'AWS': OTHER_ACCOUNT},
                               'Action': 'events:PutEvents', 'Resource': bus_arn('default')})
        self.events.put_permission(Policy=policy)
        self.assertEqual(self.policy(), json.loads(policy))
        self.refused('ValidationException', self.events.put_permission, Policy='{')
        self.refused('ValidationException', self.events.put_permission, Policy=policy,
                     StatementId='one')
        self.refused('ValidationException', self.events.put_permission, StatementId='one')
        self.refused('PolicyLengthExceededException', self.events.put_permission,
                     Policy=policy + ' ' * 10240)
        self.refused('ResourceNotFoundException', self.events.put_permission, Policy=policy,
                     EventBusName='none')


class Rules(Events):
    def test_put_and_describe(self):
        arn = self.rule(Description='d')
        self.assertEqual(arn, f'arn:aws:events:{REGION}:{ACCOUNT}:rule/rule')
        answer = self.events.describe_rule(Name='rule')
        del answer['ResponseMetadata']
        self.assertEqual(answer, {'Name': 'rule', 'Arn': arn, 'EventPattern': PATTERN,
                                  'State': 'ENABLED', 'Description': 'd',
                                  'EventBusName': 'default', 'CreatedBy': ACCOUNT})
        self.rule(State='DISABLED')  # what is left out is reset
        answer = self.events.describe_rule(Name='rule')
        self.assertEqual(answer['State'], 'DISABLED')
        self.assertNotIn('Description', answer)

    def test_on_another_bus(self):
        self.events.create_event_bus(Name='orders')
        arn = self.rule(EventBusName=bus_arn('orders'))
        self.assertEqual(arn, f'arn:aws:events:{REGION}:{ACCOUNT}:rule/orders/rule')
        self.refused('ResourceNotFoundException', self.events.describe_rule,
                     'Rule rule does not exist on EventBus default.', Name='rule')
        self.refused('ResourceNotFoundException', self.events.put_rule,
                     'Event bus none does not exist.', Name='r', EventPattern=PATTERN,
                     EventBusName='none')

    def test_patterns(self):
        for pattern, reason in (('{"source": []}', 'Empty arrays are not allowed'),
                                ('{"source": "x"}', '"source" must be an object or an array'),
                                ('[]', 'Filter is not an object'), ('{', 'not valid JSON')):
            found = self.refused('InvalidEventPatternException', self.events.put_rule, Name='r',
                                 EventPattern=pattern)
            self.assertTrue(found['Error']['Message'].startswith(
                'Event pattern is not valid. Reason: ' + reason), found['Error'])
        long = json.dumps({'source': ['x' * 2100]})
        self.refused('LimitExceededException', self.events.put_rule, Name='r', EventPattern=long)

    def test_schedules(self):
        self.events.put_rule(Name='each', ScheduleExpression='rate(5 minutes)')
        self.assertEqual(self.events.describe_rule(Name='each')['ScheduleExpression'],
                         'rate(5 minutes)')
        for bad in ('rate(1 minutes)', 'rate(5 minute)', 'cron(0 12 * * * *)', 'soon',
                    'cron(60 0 * * ? *)'):
            self.refused('ValidationException', self.events.put_rule,
                         'Parameter ScheduleExpression is not valid.', Name='r',
                         ScheduleExpression=bad)
        self.refused('ValidationException', self.events.put_rule,
                     'Parameter(s) EventPattern or ScheduleExpression must be specified.', Name='r')
        self.events.create_event_bus(Name='orders')
        self.refused('ValidationException', self.events.put_rule,
                     'ScheduleExpression is supported only on the default event bus.', Name='r',
                     ScheduleExpression='rate(5 minutes)', EventBusName='orders')

    def test_switching(self):
        self.rule()
        self.events.disable_rule(Name='rule')
        self.assertEqual(self.events.describe_rule(Name='rule')['State'], 'DISABLED')
        self.events.enable_rule(Name='rule')
        self.assertEqual(self.events.describe_rule(Name='rule')['State'], 'ENABLED')
        for call in (self.events.enable_rule, self.events.disable_rule):
            self.refused('ResourceNotFoundException', call, Name='none')

    def test_delete(self):
        self.rule()
        self.events.put_targets(Rule='rule', Targets=[{'Id': 't', 'Arn': QUEUE}])
        self.refused('ValidationException', self.events.delete_rule,
                     "Rule can't be deleted since it has targets.", Name='rule')
        self.events.remove_targets(Rule='rule', Ids=['t'])
        self.events.delete_rule(Name='rule')
        self.events.delete_rule(Name='rule')
        self.assertEqual(self.events.list_rules()['Rules'], [])
        self.refused('ResourceNotFoundException', self.events.delete_rule, Name='rule',
                     EventBusName='none')

    def test_list(self):
        for name in ('a1', 'a2', 'a3', 'b1'):
            self.rule(name)
        pages = self.pages(self.events.list_rules, 'Rules', NamePrefix='a')
        self.assertEqual([[rule['Name'] for rule in page] for page in pages],
                         [['a1', 'a2'], ['a3']])
        self.refused('ResourceNotFoundException', self.events.list_rules, EventBusName='none')

    def test_limit(self):
        for number in range(300):
            self.rule(f'rule{number}')
        self.refused('LimitExceededException', self.events.put_rule, Name='one-more',
                     EventPattern=PATTERN)
        self.rule('rule7')

    def test_limit_of_small_regions(self):
        there = self.client('events', region='af-south-1')
        for number in range(100):
            there.put_rule(Name=f'rule{number}', EventPattern=PATTERN)
        self.refused('LimitExceededException', there.put_rule, Name='one-more',
                     EventPattern=PATTERN)

    def test_limit_of_wildcards(self):
        wild = '{"detail": {"name": [{"wildcard": "/prod/*/x"}]}}'
        self.rule('plain')
        for number in range(30):
            self.events.put_rule(Name=f'wild{number}', EventPattern=wild)
        for name in ('wild', 'plain'):
            self.refused('LimitExceededException', self.events.put_rule, Name=name,
                         EventPattern=wild)
        self.events.put_rule(Name='wild7', EventPattern=wild)
        self.events.put_rule(Name='wild8', EventPattern=PATTERN)
        self.events.put_rule(Name='wild', EventPattern=wild)

    def test_passing_a_role(self):
        role = roles.make(self.server, 'Forwarder', trusts=roles.trust(
            {'Service': 'events.amazonaws.com'}))
        keys = roles.assume(self.server, roles.make(self.server, 'Ruler', roles.allow('events:*')))
        self.refused('AccessDeniedException', self.client('events', keys=keys).put_rule,
                     Name='r', EventPattern=PATTERN, RoleArn=role)
        self.rule(RoleArn=role)


class Targets(Events):
    def put(self, **target):
        return self.events.put_targets(Rule='rule', Targets=[{'Id': 't', 'Arn': QUEUE, **target}])

    def test_put_list_remove(self):
        self.rule()
        target = {'Id': 't', 'Arn': QUEUE, 'InputTransformer': {
            'InputPathsMap': {'name': '$.detail.name'}, 'InputTemplate': '{"n": <name>}'},
            'RetryPolicy': {'MaximumRetryAttempts': 3, 'MaximumEventAgeInSeconds': 60},
            'DeadLetterConfig': {'Arn': QUEUE + '-dead'}}
        answer = self.events.put_targets(Rule='rule', Targets=[target])
        self.assertEqual((answer['FailedEntryCount'], answer['FailedEntries']), (0, []))
        self.assertEqual(self.events.list_targets_by_rule(Rule='rule')['Targets'], [target])
        answer = self.events.remove_targets(Rule='rule', Ids=['t', 'none'])
        self.assertEqual(answer['FailedEntryCount'], 1)
        self.assertEqual(answer['FailedEntries'][0]['TargetId'], 'none')
        self.assertEqual(self.events.list_targets_by_rule(Rule='rule')['Targets'], [])

    def test_what_is_refused(self):
        self.rule()
        for target, message in (
                ({'Input': '{}', 'InputPath': '$'},
                 'Only one of Input, InputPath, or InputTransformer must be provided for target '
                 't.'),
                ({'InputTransformer': {'InputTemplate': '{"a": <name>}'}},
                 'InputTemplate for target t contains invalid placeholder name.'),
                ({'InputTransformer': {'InputTemplate': '{"a": '}}, None),
                ({'InputTransformer': {'InputTemplate': '{}', 'InputPathsMap': {'a': 'x'}}}, None),
                ({'Input': '{'}, None), ({'InputPath': 'detail'}, None),
                ({'Arn': 'nothing'}, 'Parameter nothing is not valid. Reason: Provided Arn is not '
                                     'in correct format.'),
                ({'Arn': QUEUE + '.fifo'},
                 'Parameter(s) SqsParameters must be specified for target: t.')):
            self.refused('ValidationException', self.put, message, **target)
        self.assertEqual(self.events.list_targets_by_rule(Rule='rule')['Targets'], [])

    def test_limit(self):
        self.rule()
        many = [{'Id': f't{number}', 'Arn': QUEUE} for number in range(6)]
        self.refused('LimitExceededException', self.events.put_targets, Rule='rule', Targets=many)
        self.events.put_targets(Rule='rule', Targets=many[:5])
        pages = self.pages(self.events.list_targets_by_rule, 'Targets', Rule='rule')
        self.assertEqual([[target['Id'] for target in page] for page in pages],
                         [['t0', 't1'], ['t2', 't3'], ['t4']])

    def test_rules_by_target(self):
        for name in ('a', 'b', 'c'):
            self.rule(name)
            self.events.put_targets(Rule=name, Targets=[{'Id': '1', 'Arn': QUEUE},
                                                        {'Id': '2', 'Arn': QUEUE}])
        pages = self.pages(self.events.list_rule_names_by_target, 'RuleNames', TargetArn=QUEUE)
        self.assertEqual(pages, [['a', 'b'], ['c']])

    def test_no_rule(self):
        for call, arguments in ((self.events.put_targets,
                                 {'Targets': [{'Id': 't', 'Arn': QUEUE}]}),
                                (self.events.remove_targets, {'Ids': ['t']}),
                                (self.events.list_targets_by_rule, {})):
            self.refused('ResourceNotFoundException', call,
                         'Rule none does not exist on EventBus default.', Rule='none', **arguments)


class PutEvents(Events):
    def put(self, **entry):
        answer = self.events.put_events(Entries=[{'Source': 'mine', 'DetailType': 't',
                                                  'Detail': '{}', **entry}])
        return answer['FailedEntryCount'], answer['Entries'][0]

    def test_entries(self):
        failed, entry = self.put()
        self.assertEqual(failed, 0)
        self.assertIn('EventId', entry)
        self.assertEqual(self.put(EventBusName='none')[0], 0)  # taken, and dropped
        for arguments, code in (({'Source': ''}, 'InvalidArgument'),
                                ({'DetailType': ''}, 'InvalidArgument'),
                                ({'Detail': ''}, 'InvalidArgument'),
                                ({'Detail': 'x'}, 'MalformedDetail'),
                                ({'Detail': '[]'}, 'MalformedDetail'),
                                ({'Source': 'aws.ssm'}, 'NotAuthorizedForSourceException')):
            failed, entry = self.put(**arguments)
            self.assertEqual((failed, entry['ErrorCode']), (1, code), arguments)

    def test_sizes(self):
        self.refused('ValidationException', self.put,
                     'Total size of the entries in the request is over the limit.',
                     Detail=json.dumps({'x': 'y' * 256 * 1024}))
        one = {'Source': 'mine', 'DetailType': 't', 'Detail': '{}'}
        self.refused('ValidationException', self.events.put_events, Entries=[one] * 11)
        self.refused('ValidationException', self.events.put_events, Entries=[])

    def test_across_accounts(self):
        other = self.client('events', account=OTHER_ACCOUNT)
        one = {'Source': 'mine', 'DetailType': 't', 'Detail': '{}',
               'EventBusName': bus_arn('default')}
        answer = other.put_events(Entries=[one])
        self.assertEqual(answer['Entries'][0]['ErrorCode'], 'AccessDeniedException')
        self.events.put_permission(Action='events:PutEvents', Principal=OTHER_ACCOUNT,
                                   StatementId='one')
        self.assertEqual(other.put_events(Entries=[one])['FailedEntryCount'], 0)

    def test_permission(self):
        self.events.create_event_bus(Name='orders')
        keys = roles.assume(self.server, roles.make(self.server, 'Putter', roles.allow(
            'events:PutEvents', bus_arn('orders'))))
        events = self.client('events', keys=keys)
        one = {'Source': 'mine', 'DetailType': 't', 'Detail': '{}'}
        self.refused('AccessDeniedException', events.put_events, Entries=[one])
        answer = events.put_events(Entries=[{**one, 'EventBusName': 'orders'}])
        self.assertEqual(answer['FailedEntryCount'], 0)


class TestEventPattern(Events):
    EVENT = {'id': '1', 'account': ACCOUNT, 'source': 'mine', 'time': '2026-01-01T00:00:00Z',
             'region': REGION, 'resources': [], 'detail-type': 't', 'detail': {'name': '/a/b'}}

    def matches(self, pattern, **event):
        return self.events.test_event_pattern(
            EventPattern=json.dumps(pattern),
            Event=json.dumps({**self.EVENT, **event}))['Result']

    def test_results(self):
        self.assertTrue(self.matches({'detail': {'name': [{'prefix': '/a/'}]}}))
        self.assertFalse(self.matches({'detail': {'name': [{'prefix': '/b/'}]}}))

    def test_refusals(self):
        self.refused('InvalidEventPatternException', self.matches,
                     pattern={'source': [{'like': 'x'}]})
        for event in ('[]', '{}', 'x'):
            self.refused('ValidationException', self.events.test_event_pattern,
                         'Parameter Event is not valid.', EventPattern=PATTERN, Event=event)


class Tags(Events):
    def tags(self, arn):
        return {tag['Key']: tag['Value']
                for tag in self.events.list_tags_for_resource(ResourceARN=arn)['Tags']}

    def test_tags(self):
        rule = self.rule(Tags=[{'Key': 'a', 'Value': '1'}])
        self.events.create_event_bus(Name='orders')
        for arn, before in ((rule, {'a': '1'}), (bus_arn('orders'), {})):
            self.assertEqual(self.tags(arn), before)
            self.events.tag_resource(ResourceARN=arn, Tags=[{'Key': 'b', 'Value': '2'}])
            self.assertEqual(self.tags(arn), {**before, 'b': '2'})
            self.events.untag_resource(ResourceARN=arn, TagKeys=['a', 'none'])
            self.assertEqual(self.tags(arn), {'b': '2'})
        many = [{'Key': str(number), 'Value': ''} for number in range(50)]
        self.refused('ValidationException', self.events.tag_resource, ResourceARN=rule, Tags=many)
        self.events.delete_rule(Name='rule')
        self.rule()
        self.assertEqual(self.tags(rule), {})

    def test_nothing_there(self):
        for arn in (bus_arn('none'), f'arn:aws:events:{REGION}:{ACCOUNT}:rule/none',
                    bus_arn('default', account=OTHER_ACCOUNT)):
            self.refused('ResourceNotFoundException', self.events.list_tags_for_resource,
                         ResourceARN=arn)
        self.refused('ValidationException', self.events.list_tags_for_resource, ResourceARN='x')


class Authorisation(Events):
    def test_every_operation_asks(self):
        keys = roles.assume(self.server, roles.make(self.server, 'Nobody', roles.allow('ssm:*')))
        nobody = self.client('events', keys=keys)
        rule, target = {'Name': 'rule'}, {'Id': 't', 'Arn': QUEUE}
        arn = {'ResourceARN': bus_arn('default')}
        self.rule()
        for operation, arguments in (
                ('create_event_bus', {'Name': 'b'}), ('delete_event_bus', {'Name': 'b'}),
                ('describe_event_bus', {}), ('list_event_buses', {}),
                ('put_permission', {'Action': 'events:PutEvents', 'Principal': '*',
                                    'StatementId': 's'}),
                ('remove_permission', {'StatementId': 's'}),
                ('put_rule', {**rule, 'EventPattern': PATTERN}), ('describe_rule', rule),
                ('list_rules', {}), ('enable_rule', rule), ('disable_rule', rule),
                ('delete_rule', rule), ('put_targets', {'Rule': 'rule', 'Targets': [target]}),
                ('remove_targets', {'Rule': 'rule', 'Ids': ['t']}),
                ('list_targets_by_rule', {'Rule': 'rule'}),
                ('list_rule_names_by_target', {'TargetArn': QUEUE}),
                ('put_events', {'Entries': [{'Source': 'm', 'DetailType': 't', 'Detail': '{}'}]}),
                ('test_event_pattern', {'EventPattern': PATTERN, 'Event': '{}'}),
                ('tag_resource', {**arn, 'Tags': []}), ('untag_resource', {**arn, 'TagKeys': []}),
                ('list_tags_for_resource', arn)):
            found = self.refused('AccessDeniedException', getattr(nobody, operation), **arguments)
            action = 'events:' + ''.join(part.capitalize() for part in operation.split('_'))
            self.assertIn(f'is not authorized to perform: {action} on resource: ',
                          found['Error']['Message'])

    def test_one_rule_only(self):
        keys = roles.assume(self.server, roles.make(self.server, 'One', roles.allow(
            'events:*', f'arn:aws:events:{REGION}:{ACCOUNT}:rule/mine')))
        events = self.client('events', keys=keys)
        events.put_rule(Name='mine', EventPattern=PATTERN)
        self.refused('AccessDeniedException', events.put_rule, Name='other', EventPattern=PATTERN)

    def test_the_command_line(self):
        self.server.cli('events', 'put-rule', '--name', 'cli', '--event-pattern', PATTERN)
        self.assertEqual([rule['Name'] for rule in json.loads(
            self.server.cli('events', 'list-rules'))['Rules']], ['cli'])

    def test_trail(self):
        self.rule()
        self.events.put_events(Entries=[{'Source': 'm', 'DetailType': 't', 'Detail': '{}'}])
        found = self.client('cloudtrail').lookup_events()['Events']
        self.assertEqual([event['EventName'] for event in found], ['PutRule'])


if __name__ == '__main__':
    local_server.main()
