#!/usr/bin/python3
"""Asynchronous invocations: from events and rules to functions, retried, told of, buried."""
import json

import functions
import local_server
import roles
from functions import function_arn
from local_server import ACCOUNT, REGION


class Events(functions.Functions):
    def test_a_parameter_starts_a_function(self):
        arn = self.function()
        rule = self.rule({'source': ['aws.ssm'], 'detail-type': ['Parameter Store Change']}, arn)
        self.permit('f', rule)
        self.ssm.put_parameter(Name='/a', Value='v', Type='String')
        event = self.relay.next()
        self.assertEqual(event.event['detail'], {'operation': 'Create', 'name': '/a',
                                                 'type': 'String'})
        event.answer()
        self.ssm.delete_parameter(Name='/a')
        self.assertEqual(self.relay.next().event['detail']['operation'], 'Delete')

    def test_who_may_invoke(self):
        """The function's policy is asked with the rule as the source."""
        arn = self.function()
        dead, dead_arn = self.queue('dead')
        target = {'Arn': arn, 'DeadLetterConfig': {'Arn': dead_arn}}
        mine = self.rule({'source': ['mine']}, target, name='mine')
        self.permit('f', mine)
        self.rule({'source': ['mine']}, target, name='other')
        self.put_event({'n': 1})
        self.assertEqual(self.relay.next().event['detail'], {'n': 1})
        buried = self.message(dead)['MessageAttributes']
        self.assertEqual([buried[name]['StringValue'] for name in ('ERROR_CODE', 'RULE_ARN')],
                         ['NO_PERMISSIONS', f'arn:aws:events:{REGION}:{ACCOUNT}:rule/other'])
        self.relay.nothing()

    def test_a_rule_s_role(self):
        arn = self.function()
        forward = roles.trust({'Service': 'events.amazonaws.com'})
        good = roles.make(self.server, 'good', roles.allow('lambda:InvokeFunction', arn),
                          trusts=forward)
        bad = roles.make(self.server, 'bad', roles.allow('lambda:Get*'), trusts=forward)
        dead, dead_arn = self.queue('dead')
        self.rule({'source': ['mine']},
                  {'Arn': arn, 'RoleArn': good, 'Input': '"by the good one"'},
                  {'Arn': arn, 'RoleArn': bad, 'DeadLetterConfig': {'Arn': dead_arn}})
        self.put_event({})
        self.assertEqual(self.relay.next().event, 'by the good one')
        self.assertEqual(self.message(dead)['MessageAttributes']['ERROR_CODE']['StringValue'],
                         'NO_PERMISSIONS')
        self.relay.nothing()

    def test_repeated_and_late_events(self):
        """What the control interface does to events happens on the way to functions, too."""
        arn = self.function()
        self.permit('f', self.rule({'source': ['mine']}, arn))
        self.server.control('POST', 'events', {'repeated': 1})
        self.put_event({'n': 1})
        found = [self.relay.next() for _ in range(2)]
        self.assertEqual(*(one.event['id'] for one in found))
        self.assertNotEqual(*(one.request_id for one in found))
        self.server.control('POST', 'events', {'delay': 3600})
        self.put_event({'n': 2})
        self.relay.nothing()
        self.server.clock(advance=3601)
        self.assertEqual(self.relay.next().event['detail'], {'n': 2})

    def test_a_service_that_is_down_is_tried_again(self):
        arn = self.function()
        self.permit('f', self.rule({'source': ['mine']}, arn))
        self.server.control('POST', 'faults', [{'kind': 'error', 'status': 500, 'count': 1,
                                                'code': 'ServiceException', 'service': 'lambda',
                                                'operation': 'Invoke'}])
        self.put_event({'n': 1})
        self.until(lambda: self.server.control('GET', 'faults')['rules'][0]['hits'] == 1)
        again = self.relay.behind(lambda: self.server.clock(advance=60))
        self.assertEqual(again.event['detail'], {'n': 1})

    def test_log_groups(self):
        logs = self.client('logs')
        logs.create_log_group(logGroupName='/aws/events/x')
        arn = f'arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/events/x'
        dead, dead_arn = self.queue('dead')
        self.rule({'source': ['mine']}, {'Arn': arn, 'DeadLetterConfig': {'Arn': dead_arn}})
        self.put_event({'n': 1})
        self.assertEqual(self.message(dead)['MessageAttributes']['ERROR_CODE']['StringValue'],
                         'NO_PERMISSIONS')
        logs.put_resource_policy(policyName='events', policyDocument=roles.policy({
            'Effect': 'Allow', 'Action': ['logs:CreateLogStream', 'logs:PutLogEvents'],
            'Principal': {'Service': ['events.amazonaws.com', 'delivery.logs.amazonaws.com']},
            'Resource': arn + ':*'}))
        self.put_event({'n': 2})
        self.until(lambda: logs.filter_log_events(logGroupName='/aws/events/x')['events'])
        event, = logs.filter_log_events(logGroupName='/aws/events/x')['events']
        self.assertEqual(json.loads(event['message'])['detail'], {'n': 2})


class Retries(functions.Functions):
    def config(self, **arguments):
        self.functions.put_function_event_invoke_config(FunctionName='f', **arguments)

    def test_twice_more_then_the_dead_letters(self):
        dead, dead_arn = self.queue('dead')
        told, told_arn = self.queue('told')
        self.function(DeadLetterConfig={'TargetArn': dead_arn})
        self.config(DestinationConfig={'OnFailure': {'Destination': told_arn}})
        number = self.invoke({'n': 1})
        for times, pause in enumerate((60, 120, None), 1):
            found = self.relay.next()
            self.assertEqual((found.request_id, found.event), (number, {'n': 1}))
            found.fail('no luck', 'Luck.None')
            if pause:
                self.until_failed(times)
                self.relay.nothing()
                self.server.clock(advance=pause - 5)
                self.relay.nothing()
                self.server.clock(advance=6)
        letter = self.message(dead)
        self.assertEqual(json.loads(letter['Body']), {'n': 1})
        self.assertEqual({key: (value['DataType'], value['StringValue'])
                          for key, value in letter['MessageAttributes'].items()},
                         {'RequestID': ('String', number), 'ErrorCode': ('Number', '200'),
                          'ErrorMessage': ('String', 'no luck')})
        record = json.loads(self.message(told)['Body'])
        self.assertRegex(record.pop('timestamp'), r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$')
        self.assertEqual(record, {
            'version': '1.0', 'requestPayload': {'n': 1},
            'requestContext': {'requestId': number, 'functionArn': function_arn() + ':$LATEST',
                               'condition': 'RetriesExhausted', 'approximateInvokeCount': 3},
            'responseContext': {'statusCode': 200, 'executedVersion': '$LATEST',
                                'functionError': 'Unhandled'},
            'responsePayload': {'errorMessage': 'no luck', 'errorType': 'Luck.None'}})
        self.server.clock(advance=7 * 3600)
        self.relay.nothing()

    def test_a_retry_that_works(self):
        dead, dead_arn = self.queue('dead')
        self.function(DeadLetterConfig={'TargetArn': dead_arn})
        self.invoke({})
        self.relay.next().fail()
        self.until_failed(1)
        self.relay.nothing()
        self.server.clock(advance=61)
        self.relay.next().answer()
        self.server.clock(advance=3600)
        self.relay.nothing()
        self.assertEqual(self.count(dead), (0, 0))

    def test_none_and_one(self):
        dead, dead_arn = self.queue('dead')
        self.function(DeadLetterConfig={'TargetArn': dead_arn})
        self.config(MaximumRetryAttempts=0)
        self.invoke({})
        self.relay.next().fail()
        self.message(dead)
        self.config(MaximumRetryAttempts=1)
        self.invoke({})
        self.relay.next().fail()
        self.relay.nothing()
        self.assertEqual(self.count(dead), (0, 0))
        self.server.clock(advance=61)
        self.relay.next().fail()
        self.message(dead)

    def test_an_answer_that_tells_of_a_failure_is_a_success(self):
        told, told_arn = self.queue('told')
        self.function()
        self.config(DestinationConfig={'OnSuccess': {'Destination': told_arn}})
        self.invoke({'n': 1})
        self.relay.next().answer({'statusCode': 500})
        record = json.loads(self.message(told)['Body'])
        self.assertEqual((record['requestContext']['condition'], record['responsePayload'],
                          record['responseContext']),
                         ('Success', {'statusCode': 500},
                          {'statusCode': 200, 'executedVersion': '$LATEST'}))

    def busy(self):
        """The function has one place, and that is taken, under another name of it."""
        self.functions.put_function_concurrency(FunctionName='f', ReservedConcurrentExecutions=1)
        self.invoke({'n': 0}, Qualifier='$LATEST')
        return self.relay.next()

    def test_throttled_events_wait(self):
        self.function()
        busy = self.busy()
        self.invoke({'n': 1})
        self.relay.nothing()
        busy.answer()
        self.server.clock(advance=301)
        self.assertEqual(self.relay.next().event, {'n': 1})

    def trust(self, service):
        self.client('iam').update_assume_role_policy(
            RoleName='function-role', PolicyDocument=roles.trust({'Service': service}))

    def test_what_is_refused_together_waits_once(self):
        """Eight refusals for one cause are one pause: of 1 second, then 2, then 4."""
        self.function()
        self.server.clock(stopped=True)
        self.trust('ec2.amazonaws.com')
        before = self.server.errors().count('events wait')
        for number in range(8):
            self.invoke({'n': number})
        for pauses, pause in enumerate((1, 2, 4), start=1):
            wanted = before + pauses
            self.until(lambda: self.server.errors().count('events wait') == wanted)  # noqa: B023
            if pauses == 3:
                self.trust('lambda.amazonaws.com')
            self.server.clock(advance=pause)
        self.assertEqual(sorted(self.relay.next().event['n'] for _ in range(8)), list(range(8)))

    def test_an_event_outlives_an_older_one_of_its_number(self):
        """Numbers come again when the store is emptied: what still runs settles its own event."""
        self.function()
        self.invoke({'n': 'old'})
        old = self.relay.next()
        self.server.reset()
        self.setUp()
        dead, dead_arn = self.queue('dead')
        self.function(DeadLetterConfig={'TargetArn': dead_arn})
        self.config(MaximumRetryAttempts=0)
        number = self.invoke({'n': 'new'})
        new = self.relay.next()
        old.answer()
        self.relay.nothing()
        new.fail('mine')
        letter = self.message(dead)
        self.assertEqual((json.loads(letter['Body']),
                          letter['MessageAttributes']['RequestID']['StringValue']),
                         ({'n': 'new'}, number))

    def test_too_old(self):
        told, told_arn = self.queue('told')
        dead, dead_arn = self.queue('dead')
        self.function(DeadLetterConfig={'TargetArn': dead_arn})
        self.config(MaximumEventAgeInSeconds=60,
                    DestinationConfig={'OnFailure': {'Destination': told_arn}})
        self.busy()
        number = self.invoke({'n': 1})
        self.relay.nothing()
        self.server.clock(advance=400)
        record = json.loads(self.message(told)['Body'])
        record.pop('timestamp')
        self.assertEqual(record, {
            'version': '1.0', 'requestPayload': {'n': 1}, 'requestContext': {
                'requestId': number, 'functionArn': function_arn() + ':$LATEST',
                'condition': 'EventAgeExceeded', 'approximateInvokeCount': 0}})
        self.assertEqual(self.message(dead)['MessageAttributes']['ErrorCode']['StringValue'], '429')

    def test_too_old_for_its_next_attempt(self):
        told, told_arn = self.queue('told')
        self.function()
        self.config(MaximumEventAgeInSeconds=60,
                    DestinationConfig={'OnFailure': {'Destination': told_arn}})
        self.invoke({'n': 1})
        self.relay.next().fail()
        self.relay.nothing()
        self.server.clock(advance=65)
        context = json.loads(self.message(told)['Body'])['requestContext']
        self.assertEqual((context['condition'], context['approximateInvokeCount']),
                         ('EventAgeExceeded', 1))
        self.relay.nothing()

    def test_a_function_that_is_shut(self):
        """With a concurrency of 0, events go to the dead letters, without any attempt."""
        dead, dead_arn = self.queue('dead')
        arn = self.function(DeadLetterConfig={'TargetArn': dead_arn})
        self.permit('f', self.rule({'source': ['mine']}, arn))
        self.functions.put_function_concurrency(FunctionName='f', ReservedConcurrentExecutions=0)
        self.put_event({'n': 1})
        self.assertEqual(json.loads(self.message(dead)['Body'])['detail'], {'n': 1})
        self.relay.nothing()

    def test_a_function_that_is_gone(self):
        self.function()
        busy = self.busy()
        self.invoke({'n': 1})
        self.relay.nothing()
        self.functions.delete_function(FunctionName='f')
        busy.fail()
        self.server.clock(advance=301)
        self.until(lambda: self.server.errors().count('its function is gone') == 2 or
                   self.server.clock(advance=301) is None)
        self.function()
        self.server.clock(advance=301)
        self.relay.nothing()

    def test_one_after_the_other(self):
        self.function()
        self.functions.put_function_concurrency(FunctionName='f', ReservedConcurrentExecutions=1)
        for number in range(3):
            self.invoke({'n': number})
        for number in range(3):
            found = self.relay.next()
            self.assertEqual(found.event, {'n': number})
            self.relay.nothing(0.05)
            found.answer()


class Destinations(functions.Functions):
    def send(self, destination, name='f', fails=False):
        kind = 'OnFailure' if fails else 'OnSuccess'
        self.functions.put_function_event_invoke_config(
            FunctionName=name, MaximumRetryAttempts=0,
            DestinationConfig={kind: {'Destination': destination}})

    def test_buses(self):
        url, arn = self.queue()
        self.rule({'source': ['lambda']}, arn)
        self.function()
        bus = f'arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default'
        self.send(bus, fails=True)
        self.invoke({'n': 1})
        self.relay.next().fail('no')
        event = json.loads(self.message(url)['Body'])
        self.assertEqual((event['detail-type'], event['resources'],
                          event['detail']['responsePayload']['errorMessage']),
                         ('Lambda Function Invocation Result - Failure',
                          [function_arn() + ':$LATEST', bus], 'no'))

    def test_functions(self):
        self.function()
        self.send(self.function('g'))
        self.invoke({'n': 1})
        self.relay.next().answer({'m': 2})
        found = self.relay.next()
        self.assertEqual((found.function, found.event['requestPayload'],
                          found.event['responsePayload']), ('g', {'n': 1}, {'m': 2}))

    def test_the_role_decides(self):
        """A queue that the role may not write to any more gets nothing; the event has ended."""
        url, arn = self.queue()
        self.function()
        self.send(arn)
        iam = self.client('iam')
        iam.put_role_policy(RoleName='function-role', PolicyName='inline',
                            PolicyDocument=roles.policy(roles.allow('sqs:Get*')))
        self.invoke({'n': 1})
        self.relay.next().answer()
        self.until(lambda: 'was not delivered' in self.server.errors())
        iam.put_role_policy(RoleName='function-role', PolicyName='inline',
                            PolicyDocument=roles.policy(roles.allow('sqs:*')))
        self.invoke({'n': 2})
        self.relay.next().answer()
        self.assertEqual(json.loads(self.message(url)['Body'])['requestPayload'], {'n': 2})
        self.assertEqual(self.count(url), (0, 0))

    def test_a_version_of_its_own(self):
        url, arn = self.queue()
        self.function()
        self.functions.publish_version(FunctionName='f')
        self.functions.create_alias(FunctionName='f', Name='live', FunctionVersion='1')
        self.functions.put_function_event_invoke_config(
            FunctionName='f', Qualifier='live',
            DestinationConfig={'OnSuccess': {'Destination': arn}})
        self.invoke({}, Qualifier='live')
        self.relay.next().answer()
        record = json.loads(self.message(url)['Body'])
        self.assertEqual((record['requestContext']['functionArn'],
                          record['responseContext']['executedVersion']),
                         (function_arn() + ':live', '1'))


if __name__ == '__main__':
    local_server.main()
