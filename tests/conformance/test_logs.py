#!/usr/bin/python3
"""CloudWatch Logs (model logs 2014-03-28): groups, streams, events, filters, retention, tags,
resource policies; and `aws logs tail`."""
import json
import time

import local_server
import roles
from local_server import ACCOUNT, OTHER_ACCOUNT, REGION

DAY = 24 * 60 * 60 * 1000
POLICY = json.dumps({'Version': '2012-10-17', 'Statement': [{
    'Effect': 'Allow', 'Principal': {'Service': 'events.amazonaws.com'}, 'Resource': '*',
    'Action': ['logs:CreateLogStream', 'logs:PutLogEvents']}]})
NO_GROUP = 'The specified log group does not exist.'
NO_STREAM = 'The specified log stream does not exist.'


def now():
    return int(time.time() * 1000)


def arn_of(name, account=ACCOUNT):
    return f'arn:aws:logs:{REGION}:{account}:log-group:{name}'


class Logs(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.logs = self.client('logs')

    def stream(self, group='group', stream='stream'):
        if not self.logs.describe_log_groups(logGroupNamePrefix=group)['logGroups']:
            self.logs.create_log_group(logGroupName=group)
        self.logs.create_log_stream(logGroupName=group, logStreamName=stream)
        return {'logGroupName': group, 'logStreamName': stream}

    def put(self, where, *messages, at=None):
        at = at or now() - 60000
        return self.logs.put_log_events(**where, logEvents=[
            {'timestamp': at + i, 'message': message} for i, message in enumerate(messages)])

    def messages(self, **arguments):
        return [event['message'] for event in self.logs.filter_log_events(**arguments)['events']]


class Groups(Logs):
    def test_create_describe_delete(self):
        self.logs.create_log_group(logGroupName='/aws/lambda/one', tags={'team': 'red'})
        self.refused('ResourceAlreadyExistsException', self.logs.create_log_group,
                     'The specified log group already exists', logGroupName='/aws/lambda/one')
        group, = self.logs.describe_log_groups()['logGroups']
        self.assertEqual(group['arn'], arn_of('/aws/lambda/one') + ':*')
        self.assertEqual((group['storedBytes'], group['metricFilterCount']), (0, 0))
        self.assertNotIn('retentionInDays', group)
        self.assertLess(abs(group['creationTime'] - now()), 60000)
        self.logs.delete_log_group(logGroupName='/aws/lambda/one')
        self.assertEqual(self.logs.describe_log_groups()['logGroups'], [])
        self.refused('ResourceNotFoundException', self.logs.delete_log_group, NO_GROUP,
                     logGroupName='/aws/lambda/one')

    def test_pages(self):
        for i in range(5):
            self.logs.create_log_group(logGroupName=f'g{i}')
        self.logs.create_log_group(logGroupName='other')
        found = self.logs.get_paginator('describe_log_groups').paginate(
            logGroupNamePrefix='g', PaginationConfig={'PageSize': 2})
        self.assertEqual([[group['logGroupName'] for group in page['logGroups']]
                          for page in found], [['g0', 'g1'], ['g2', 'g3'], ['g4']])
        self.refused('InvalidParameterException', self.logs.describe_log_groups,
                     'The specified nextToken is invalid.', nextToken='made-up')
        answer = self.raw('DescribeLogGroups', service='logs', logGroupNamePattern='THE')
        self.assertEqual([group['logGroupName'] for group in answer['logGroups']], ['other'])

    def test_names(self):
        for name in ('a b', 'a:b', 'x' * 513):
            self.refused('InvalidParameterException', self.logs.create_log_group,
                         logGroupName=name)
        self.refused('InvalidParameterException', self.logs.create_log_group,
                     'Log groups starting with AWS/ are reserved for AWS.', logGroupName='aws/x')
        self.refused('InvalidParameterException', self.logs.delete_log_group, logGroupName='a b')

    def test_protection(self):
        self.raw('CreateLogGroup', service='logs', logGroupName='kept',
                 deletionProtectionEnabled=True)
        self.refused_raw('ValidationException', 'DeleteLogGroup', service='logs',
                         logGroupName='kept')

    def test_retention_is_acted_upon(self):
        where = self.stream()
        self.put(where, 'old', at=now() - 3 * DAY)
        self.put(where, 'new')
        self.logs.put_retention_policy(logGroupName='group', retentionInDays=7)
        group, = self.logs.describe_log_groups()['logGroups']
        self.assertEqual(group['retentionInDays'], 7)
        self.assertEqual(self.messages(logGroupName='group'), ['old', 'new'])
        self.logs.put_retention_policy(logGroupName='group', retentionInDays=1)
        while self.messages(logGroupName='group') != ['new']:
            time.sleep(0.01)
        answer = self.put(where, 'expired', at=now() - 2 * DAY)
        self.assertEqual(answer['rejectedLogEventsInfo'], {'expiredLogEventEndIndex': 1})
        self.server.clock(advance=DAY // 1000)
        while self.messages(logGroupName='group'):
            time.sleep(0.01)
        self.logs.delete_retention_policy(logGroupName='group')
        group, = self.logs.describe_log_groups()['logGroups']
        self.assertNotIn('retentionInDays', group)

    def test_retention_refused(self):
        self.logs.create_log_group(logGroupName='group')
        self.refused('InvalidParameterException', self.logs.put_retention_policy,
                     logGroupName='group', retentionInDays=2)
        self.refused('InvalidParameterException', self.logs.delete_retention_policy,
                     logGroupName='a b')
        self.refused('ResourceNotFoundException', self.logs.put_retention_policy, NO_GROUP,
                     logGroupName='none', retentionInDays=1)
        self.refused('ResourceNotFoundException', self.logs.delete_retention_policy, NO_GROUP,
                     logGroupName='none')


class Streams(Logs):
    def test_create_describe_delete(self):
        where = self.stream()
        self.refused('ResourceAlreadyExistsException', self.logs.create_log_stream,
                     'The specified log stream already exists', **where)
        self.refused('ResourceNotFoundException', self.logs.create_log_stream, NO_GROUP,
                     logGroupName='none', logStreamName='stream')
        self.refused('InvalidParameterException', self.logs.create_log_stream,
                     logGroupName='group', logStreamName='a:b')
        stream, = self.logs.describe_log_streams(logGroupName='group')['logStreams']
        self.assertEqual(stream['arn'], arn_of('group') + ':log-stream:stream')
        self.assertNotIn('lastEventTimestamp', stream)
        at = now() - 1000
        self.put(where, 'a', 'b', at=at)
        stream, = self.logs.describe_log_streams(logGroupName='group')['logStreams']
        self.assertEqual((stream['firstEventTimestamp'], stream['lastEventTimestamp']),
                         (at, at + 1))
        self.assertGreaterEqual(stream['lastIngestionTime'], at)
        self.logs.delete_log_stream(**where)
        self.assertEqual(self.messages(logGroupName='group'), [])
        self.refused('ResourceNotFoundException', self.logs.delete_log_stream, NO_STREAM, **where)
        self.refused('InvalidParameterException', self.logs.delete_log_stream,
                     logGroupName='group', logStreamName='*')

    def test_orders(self):
        at = now() - 60000
        for name, offset in (('b', 0), ('a', 1000), ('c', 500)):
            self.put(self.stream(stream=name), 'x', at=at + offset)

        def names(**arguments):
            pages = self.logs.get_paginator('describe_log_streams').paginate(
                logGroupName='group', PaginationConfig={'PageSize': 2}, **arguments)
            return ''.join(stream['logStreamName'] for page in pages
                           for stream in page['logStreams'])
        self.assertEqual(names(), 'abc')
        self.assertEqual(names(descending=True), 'cba')
        self.assertEqual(names(orderBy='LastEventTime'), 'bca')
        self.assertEqual(names(orderBy='LastEventTime', descending=True), 'acb')
        self.assertEqual(names(logStreamNamePrefix='b'), 'b')
        self.refused('InvalidParameterException', self.logs.describe_log_streams,
                     'Cannot order by LastEventTime with a logStreamNamePrefix.',
                     logGroupName='group', orderBy='LastEventTime', logStreamNamePrefix='b')
        self.refused('ResourceNotFoundException', self.logs.describe_log_streams, NO_GROUP,
                     logGroupName='none')

    def test_identifiers(self):
        self.stream()
        for identifier in ('group', arn_of('group')):
            answer = self.raw('DescribeLogStreams', service='logs', logGroupIdentifier=identifier)
            self.assertEqual(len(answer['logStreams']), 1)
        self.refused_raw('InvalidParameterException', 'DescribeLogStreams',
                         'LogGroup name and log group ARN are mutually exclusive parameters.',
                         service='logs', logGroupIdentifier='group', logGroupName='group')
        self.refused_raw('InvalidParameterException', 'DescribeLogStreams', service='logs')
        self.refused_raw('InvalidParameterException', 'DescribeLogStreams', service='logs',
                         logGroupIdentifier='arn:aws:sqs:us-east-1:111111111111:q')
        self.refused_raw('AccessDeniedException', 'DescribeLogStreams', service='logs',
                         logGroupIdentifier=arn_of('group', OTHER_ACCOUNT))


class Putting(Logs):
    def test_what_is_rejected(self):
        where, at = self.stream(), now()
        answer = self.put(where, 'too old', at=at - 15 * DAY)
        self.assertEqual(answer['rejectedLogEventsInfo'], {'tooOldLogEventEndIndex': 1})
        answer = self.logs.put_log_events(**where, logEvents=[
            {'timestamp': at, 'message': 'good'},
            {'timestamp': at + 3 * 60 * 60 * 1000, 'message': 'too new'}])
        self.assertEqual(answer['rejectedLogEventsInfo'], {'tooNewLogEventStartIndex': 1})
        self.assertTrue(answer['nextSequenceToken'])
        self.assertEqual(self.messages(logGroupName='group'), ['good'])

    def test_what_is_refused(self):
        where, at = self.stream(), now() - 60000

        def events(*times, message='x'):
            return [{'timestamp': time_ms, 'message': message} for time_ms in times]
        for message, batch in (
                ('Log events in a single PutLogEvents request must be in chronological order.',
                 events(at, at - 1)),
                ('The batch of log events in a single PutLogEvents request cannot span more than '
                 '24 hours.', events(at - DAY - 1, at)),
                ('Log event too large: 262145 bytes exceeds limit of 262144',
                 events(at, message='x' * (262144 - 25))),
                ('Upload too large: 1048600 bytes exceeds limit of 1048576',
                 events(*[at] * 5, message='x' * (1048600 // 5 - 26)))):
            self.refused('InvalidParameterException', self.logs.put_log_events, message, **where,
                         logEvents=batch)
        self.put(where, 'x' * (262144 - 26))
        self.refused('ResourceNotFoundException', self.logs.put_log_events, NO_GROUP,
                     logGroupName='none', logStreamName='stream', logEvents=events(at))
        self.refused('ResourceNotFoundException', self.logs.put_log_events, NO_STREAM,
                     logGroupName='group', logStreamName='none', logEvents=events(at))

    def test_any_token_will_do(self):
        where = self.stream()
        self.logs.put_log_events(**where, sequenceToken='whatever', logEvents=[
            {'timestamp': now(), 'message': 'x'}])

    def test_all_of_unicode(self):
        where, text = self.stream(), 'zwölf 💡 \t\n'
        self.put(where, text)
        self.assertEqual(self.messages(logGroupName='group'), [text])


class Getting(Logs):
    def setUp(self):
        super().setUp()
        self.where, self.at = self.stream(), now() - 60000

    def get(self, **arguments):
        answer = self.logs.get_log_events(**self.where, **arguments)
        return (''.join(event['message'] for event in answer['events']),
                answer['nextForwardToken'], answer['nextBackwardToken'])

    def test_forward_until_the_token_repeats(self):
        self.put(self.where, *'abcde', at=self.at)
        text, token, _ = self.get(startFromHead=True, limit=2)
        self.assertEqual(text, 'ab')
        text, token, back = self.get(nextToken=token, limit=2)
        self.assertEqual(text, 'cd')
        self.assertEqual(self.get(nextToken=back, limit=2)[0], 'ab')
        text, token, _ = self.get(nextToken=token, limit=2)
        self.assertEqual(text, 'e')
        text, again, _ = self.get(nextToken=token, limit=2)
        self.assertEqual((text, again), ('', token))
        self.put(self.where, 'f', at=self.at + 10)
        self.assertEqual(self.get(nextToken=token)[0], 'f')

    def test_backward_from_the_end(self):
        self.put(self.where, *'abcde', at=self.at)
        text, forward, token = self.get(limit=2)
        self.assertEqual(text, 'de')
        self.assertEqual(self.get(nextToken=forward)[0], '')
        text, _, token = self.get(nextToken=token, limit=2)
        self.assertEqual(text, 'bc')
        text, _, token = self.get(nextToken=token, limit=2)
        self.assertEqual(text, 'a')
        text, _, again = self.get(nextToken=token, limit=2)
        self.assertEqual((text, again), ('', token))

    def test_an_empty_stream_can_be_followed(self):
        text, token, _ = self.get()
        self.assertEqual(text, '')
        self.put(self.where, 'a')
        self.assertEqual(self.get(nextToken=token)[0], 'a')

    def test_times(self):
        self.put(self.where, *'abcde', at=self.at)
        self.assertEqual(self.get(startTime=self.at + 1, endTime=self.at + 3)[0], 'bc')

    def test_refused(self):
        self.refused('InvalidParameterException', self.logs.get_log_events,
                     'The specified nextToken is invalid.', **self.where, nextToken='f/made-up')
        self.refused('ResourceNotFoundException', self.logs.get_log_events, NO_STREAM,
                     logGroupName='group', logStreamName='none')
        self.refused('ResourceNotFoundException', self.logs.get_log_events, NO_GROUP,
                     logGroupName='none', logStreamName='none')


class Filtering(Logs):
    LINES = ('[ERROR 400] BAD REQUEST', '[ERROR 401] UNAUTHORIZED', 'ERRORS without', 'INFO fine')
    RECORDS = ('{"level":"ERROR","n":5,"user":{"name":"ada","ids":[7,8]},"ok":true,"gone":null}',
               '{"level":"WARN","n":2.5,"user":{"name":"grace"},"ok":false}', 'not JSON ERROR')

    def found(self, pattern):
        return self.messages(logGroupName='group', filterPattern=pattern)

    def test_terms(self):
        lines = self.LINES
        self.put(self.stream(), *lines)
        for pattern, expected in (
                ('', lines), ('  ', lines), ('ERROR', lines[:2]), ('error', ()),
                ('ERROR BAD', lines[:1]), ('?BAD ?INFO', (lines[0], lines[3])),
                ('ERROR -BAD', lines[1:2]), ('"BAD REQUEST"', lines[:1]), ('-ERROR', lines[2:]),
                ('"[ERROR 401]"', lines[1:2]), ('%ERRORS?%', lines[:3]), ('%4[0-9]1%', lines[1:2]),
                ('-"without" -INFO', lines[:2])):
            with self.subTest(pattern):
                self.assertEqual(self.found(pattern), list(expected))

    def test_json(self):
        both = self.RECORDS[:2]
        self.put(self.stream(), *self.RECORDS)
        for pattern, expected in (
                ('{ $.level = "ERROR" }', both[:1]), ('{ $.level = ERROR }', both[:1]),
                ('{ $.level != "ERROR" }', both[1:]), ('{$.level="*R*"}', both),
                ('{ $.n > 2.5 }', both[:1]), ('{ $.n >= 2.5 }', both), ('{ $.n < 3 }', both[1:]),
                ('{ $.n <= 5 && $.n != 5 }', both[1:]), ('{ $.n = 5 || $.n = 2.5 }', both),
                ('{ ($.n = 5 || $.n = 2.5) && $.level = "WARN" }', both[1:]),
                ('{ $.user.name = "a*" }', both[:1]), ('{ $.user.ids[1] = 8 }', both[:1]),
                ('{ $.gone IS NULL }', both[:1]), ('{ $.ok IS TRUE }', both[:1]),
                ('{ $.ok IS FALSE }', both[1:]), ('{ $.gone NOT EXISTS }', both[1:]),
                ('{ $.level = %^E% }', both[:1]), ('{ $.none = "x" }', ())):
            with self.subTest(pattern):
                self.assertEqual(self.found(pattern), list(expected))

    def test_no_patterns(self):
        self.stream()
        for pattern in ('{ $.a }', '{ $.a = }', '{ a = 1 }', '{ $.a > "x" }', '{ ($.a = 1 }',
                        '{ $.a = 1 } x', '"open', '%(%', '{ $.a = 1 &&', 'a(b',
                        '%(a)%', '%a!%', '%a b%', '%\u00e9%', '%a% %b% %c%',
                        '{ $.a = %a% && $.b = %b% && $.c = %c% }'):
            with self.subTest(pattern):
                self.refused('InvalidParameterException', self.logs.filter_log_events,
                             'Invalid filter pattern', logGroupName='group',
                             filterPattern=pattern)
        self.refused('InvalidParameterException', self.logs.filter_log_events,
                     'Filter patterns of columns, [a, b], are not supported here: use terms or '
                     '{ $.json = conditions }.', logGroupName='group', filterPattern=' [ip, user]')
        for pattern in ('%[a-z]{1,2}\\.x|^b$% %c+%', '{ $.a = %\\d% || $.b = %a/b% }'):
            self.assertEqual(self.found(pattern), [])

    def test_streams_are_interleaved(self):
        at = now() - 60000
        one, two = self.stream(stream='one'), self.stream(stream='two')
        self.put(one, 'a', 'c', at=at)
        self.put(two, 'b', at=at)
        answer = self.logs.filter_log_events(logGroupName='group', interleaved=True)
        self.assertEqual([(event['message'], event['logStreamName'])
                          for event in answer['events']],
                         [('a', 'one'), ('b', 'two'), ('c', 'one')])
        self.assertEqual(answer['searchedLogStreams'], [])
        self.assertEqual(len({event['eventId'] for event in answer['events']}), 3)
        self.assertEqual(self.messages(logGroupName='group', logStreamNames=['two']), ['b'])
        self.assertEqual(self.messages(logGroupName='group', logStreamNamePrefix='o'), ['a', 'c'])
        self.assertEqual(self.messages(logGroupName='group', startTime=at + 1), ['c'])
        self.assertEqual(self.messages(logGroupName='group', endTime=at), ['a', 'b'])
        self.refused('InvalidParameterException', self.logs.filter_log_events,
                     logGroupName='group', logStreamNames=['two'], logStreamNamePrefix='o')
        self.refused('ResourceNotFoundException', self.logs.filter_log_events, NO_GROUP,
                     logGroupName='none')

    def test_pages(self):
        self.put(self.stream(), *(f'{i} {"even" if i % 2 == 0 else "odd"}' for i in range(9)))
        pages = self.logs.get_paginator('filter_log_events').paginate(
            logGroupName='group', filterPattern='even', PaginationConfig={'PageSize': 2})
        self.assertEqual([len(page['events']) for page in pages], [2, 2, 1])
        self.refused('InvalidParameterException', self.logs.filter_log_events,
                     'The specified nextToken is invalid.', logGroupName='group', nextToken='x')


class Tags(Logs):
    def test_by_arn(self):
        self.logs.create_log_group(logGroupName='group', tags={'a': '1'})
        arn = arn_of('group')
        self.logs.tag_resource(resourceArn=arn, tags={'b': '2', 'a': '3'})
        self.assertEqual(self.logs.list_tags_for_resource(resourceArn=arn)['tags'],
                         {'a': '3', 'b': '2'})
        self.logs.untag_resource(resourceArn=arn, tagKeys=['a'])
        self.assertEqual(self.logs.list_tags_for_resource(resourceArn=arn)['tags'], {'b': '2'})
        self.refused('TooManyTagsException', self.logs.tag_resource, resourceArn=arn,
                     tags={f'k{i}': '' for i in range(50)})
        for call, more in ((self.logs.tag_resource, {'tags': {'a': 'b'}}),
                           (self.logs.untag_resource, {'tagKeys': ['a']}),
                           (self.logs.list_tags_for_resource, {})):
            self.refused('ResourceNotFoundException', call, NO_GROUP, resourceArn=arn_of('none'),
                         **more)
            self.refused('InvalidParameterException', call, resourceArn='no-arn', **more)

    def test_by_name(self):
        self.logs.create_log_group(logGroupName='group')
        self.logs.tag_log_group(logGroupName='group', tags={'a': '1', 'b': '2'})
        self.logs.untag_log_group(logGroupName='group', tags=['b'])
        self.assertEqual(self.logs.list_tags_log_group(logGroupName='group')['tags'], {'a': '1'})
        self.refused('InvalidParameterException', self.logs.tag_log_group, logGroupName='group',
                     tags={f'k{i}': '' for i in range(50)})
        self.refused('ResourceNotFoundException', self.logs.tag_log_group, NO_GROUP,
                     logGroupName='none', tags={'a': 'b'})
        self.refused('ResourceNotFoundException', self.logs.untag_log_group, NO_GROUP,
                     logGroupName='none', tags=['a'])
        self.refused('ResourceNotFoundException', self.logs.list_tags_log_group, NO_GROUP,
                     logGroupName='none')


class Policies(Logs):
    def test_put_describe_delete(self):
        answer = self.logs.put_resource_policy(policyName='events', policyDocument=POLICY)
        self.assertEqual(answer['resourcePolicy']['policyDocument'], POLICY)
        for i in range(9):
            self.logs.put_resource_policy(policyName=f'p{i}', policyDocument=POLICY)
        self.refused('LimitExceededException', self.logs.put_resource_policy,
                     'Resource limit exceeded.', policyName='one-more', policyDocument=POLICY)
        self.logs.put_resource_policy(policyName='events', policyDocument=POLICY)
        pages = self.logs.get_paginator('describe_resource_policies').paginate(
            PaginationConfig={'PageSize': 4})
        self.assertEqual([len(page['resourcePolicies']) for page in pages], [4, 4, 2])
        self.logs.delete_resource_policy(policyName='events')
        self.refused('ResourceNotFoundException', self.logs.delete_resource_policy,
                     'Policy with name [events] does not exist.', policyName='events')

    def test_refused(self):
        for document in ('{}', 'x', '{"Statement":[]}'):
            self.refused('InvalidParameterException', self.logs.put_resource_policy,
                         policyName='events', policyDocument=document)
        self.refused('InvalidParameterException', self.logs.put_resource_policy,
                     policyDocument=POLICY)
        self.refused('InvalidParameterException', self.logs.delete_resource_policy)
        self.refused('InvalidParameterException', self.logs.describe_resource_policies,
                     'The specified nextToken is invalid.', nextToken='x')


class Permissions(Logs):
    def test_a_group_and_its_streams(self):
        """Policies name a group's insides: GROUP:* lets in, GROUP alone does not."""
        self.stream()
        for resource, may in ((arn_of('group') + ':*', True), (arn_of('group'), False),
                              (arn_of('group') + ':log-stream:stream', True)):
            role = roles.make(self.server, f'may-{len(resource)}',
                              roles.allow(['logs:PutLogEvents', 'logs:GetLogEvents'], resource))
            logs = self.client('logs', keys=roles.assume(self.server, role))
            arguments = {'logGroupName': 'group', 'logStreamName': 'stream'}
            if may:
                logs.get_log_events(**arguments)
            else:
                self.refused('AccessDeniedException', logs.get_log_events, **arguments)


class Cli(Logs):
    def test_tail(self):
        self.put(self.stream(), 'first line\n', 'second line\n')
        text = self.server.cli('logs', 'tail', 'group', '--since', '1h')
        self.assertRegex(text, r'stream first line\n.*stream second line\n')


if __name__ == '__main__':
    local_server.main()
