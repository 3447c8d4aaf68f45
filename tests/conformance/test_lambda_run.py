#!/usr/bin/python3
"""What a function's process has and leaves: the execution role's credentials, log lines in
CloudWatch Logs, no process behind a server that was killed."""
import json
import os
import re
import tempfile
import time

import local_server
import packages
import roles
from local_server import ACCOUNT, REGION

# A runtime in a few lines: it prints, and answers with its environment.
PROGRAM = '''#!/usr/bin/python3
import json, os, sys, urllib.request
api = 'http://%s/2018-06-01/runtime/invocation/' % os.environ['AWS_LAMBDA_RUNTIME_API']
while True:
    event = urllib.request.urlopen(api + 'next')
    print(event.read().decode(), 'was asked', flush=True)
    print('to stderr', file=sys.stderr, flush=True)
    answer = json.dumps({**os.environ, 'pid': os.getpid()}).encode()
    urllib.request.urlopen(api + event.headers['Lambda-Runtime-Aws-Request-Id'] + '/response',
                           answer)
'''
GROUP = '/aws/lambda/f'
WRITES = ('logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents')
INSIDE = f'arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}:*'


class Run(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.functions = self.client('lambda')
        self.logs = self.client('logs')

    def make(self, *statements, **arguments):
        self.role = packages.role(self.server, 'runner', *statements)
        return packages.function(self.server, program=PROGRAM, Role=self.role, **arguments)

    def invoke(self, **arguments):
        answer = self.functions.invoke(FunctionName='f', **arguments)
        self.assertNotIn('FunctionError', answer)
        return json.load(answer['Payload'])

    def lines(self, count):
        """The log's lines, when there are that many."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                events = self.logs.filter_log_events(logGroupName=GROUP)['events']
            except self.logs.exceptions.ResourceNotFoundException:
                continue
            if len(events) >= count:
                return [event['message'] for event in events]
        return self.fail('the lines do not come')


class Credentials(Run):
    def test_they_are_the_roles_own(self):
        self.make(roles.allow('ssm:PutParameter'))
        env = self.invoke()
        keys = (env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY'], env['AWS_SESSION_TOKEN'])
        self.assertEqual(env['AWS_ENDPOINT_URL'], self.server.url)
        self.assertEqual(self.client('sts', keys=keys).get_caller_identity()['Arn'],
                         f'arn:aws:sts::{ACCOUNT}:assumed-role/runner/f')
        ssm = self.client('ssm', keys=keys)
        ssm.put_parameter(Name='/p', Value='v', Type='String')
        self.refused('AccessDeniedException', ssm.get_parameter, Name='/p')

    def test_calls_say_for_which_function(self):
        def only(function):
            return roles.allow('ssm:PutParameter', Condition={'ArnEquals': {
                'lambda:SourceFunctionArn':
                    f'arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}'}})
        self.make(only('f'))
        env = self.invoke()
        ssm = self.client('ssm', keys=(env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY'],
                                       env['AWS_SESSION_TOKEN']))
        ssm.put_parameter(Name='/p', Value='v', Type='String')
        self.client('iam').put_role_policy(RoleName='runner', PolicyName='inline',
                                           PolicyDocument=roles.policy(only('g')))
        self.refused('AccessDeniedException', ssm.put_parameter, Name='/q', Value='v',
                     Type='String')

    def test_a_role_that_lambda_may_not_assume(self):
        self.make()
        self.client('iam').update_assume_role_policy(
            RoleName='runner', PolicyDocument=roles.trust({'Service': 'ec2.amazonaws.com'}))
        self.refused('AccessDeniedException', self.functions.invoke,
                     'The role defined for the function cannot be assumed by Lambda.',
                     FunctionName='f')

    def test_they_are_renewed_before_they_end(self):
        self.make()
        first = self.invoke()
        self.assertEqual(self.invoke()['pid'], first['pid'])
        self.server.clock(advance=12 * 60 * 60)
        self.assertNotEqual(self.invoke()['AWS_ACCESS_KEY_ID'], first['AWS_ACCESS_KEY_ID'])


class Lines(Run):
    def test_an_invocations_lines(self):
        self.make(roles.allow(list(WRITES), INSIDE))
        answer = self.functions.invoke(FunctionName='f', Payload=b'"what"', LogType='Tail')
        env, lines = json.load(answer['Payload']), self.lines(5)
        request = answer['ResponseMetadata']['RequestId']
        self.assertEqual(lines[:4], [f'START RequestId: {request} Version: $LATEST\n',
                                     '"what" was asked\n', 'to stderr\n',
                                     f'END RequestId: {request}\n'])
        self.assertRegex(lines[4], rf'^REPORT RequestId: {request}\tDuration: \d+\.\d\d ms\t'
                         r'Billed Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\t'
                         r'Init Duration: \d+\.\d\d ms\t\n$')
        stream, = self.logs.describe_log_streams(logGroupName=GROUP)['logStreams']
        self.assertEqual(stream['logStreamName'], env['AWS_LAMBDA_LOG_STREAM_NAME'])
        self.assertRegex(stream['logStreamName'], r'^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$')

    def test_json(self):
        """Lambda's own lines are objects; those of the function are kept from a level on."""
        self.make(roles.allow(list(WRITES), INSIDE))
        status, _ = self.server.rest('lambda', 'PUT', '/2015-03-31/functions/f/configuration', {
            'LoggingConfig': {'LogFormat': 'JSON', 'ApplicationLogLevel': 'DEBUG'}})
        self.assertEqual(status, 200)
        packages.settle(self.functions, 'f')
        answer = self.functions.invoke(FunctionName='f', Payload=b'"what"')
        env, lines = json.load(answer['Payload']), self.lines(4)
        self.assertEqual((env['AWS_LAMBDA_LOG_FORMAT'], env['AWS_LAMBDA_LOG_LEVEL']),
                         ('JSON', 'DEBUG'))
        request = answer['ResponseMetadata']['RequestId']
        start, report = json.loads(lines[0]), json.loads(lines[3])
        self.assertEqual((start['type'], start['record']), ('platform.start', {
            'requestId': request, 'version': '$LATEST',
            'functionArn': f'arn:aws:lambda:{REGION}:{ACCOUNT}:function:f'}))
        self.assertEqual(lines[1:3], ['"what" was asked\n', 'to stderr\n'])
        self.assertEqual((report['type'], report['record']['status'],
                          report['record']['metrics']['memorySizeMB']),
                         ('platform.report', 'success', 128))
        self.server.rest('lambda', 'PUT', '/2015-03-31/functions/f/configuration', {
            'LoggingConfig': {'ApplicationLogLevel': 'WARN'}})
        packages.settle(self.functions, 'f')
        self.invoke()
        self.assertEqual([json.loads(line)['type'] for line in self.lines(6)[4:]],
                         ['platform.start', 'platform.report'])

    def test_without_the_permission_there_are_none(self):
        self.make(roles.allow(list(WRITES[1:]), INSIDE))  # but no group can be made
        self.invoke()
        self.assertEqual(self.logs.describe_log_groups()['logGroups'], [])
        self.logs.create_log_group(logGroupName=GROUP)
        self.invoke()
        self.assertEqual(len(self.lines(5)), 5)  # of the second invocation


class Killed(local_server.Conformance):
    def test_no_process_stays(self):
        with tempfile.TemporaryDirectory() as data, local_server.LocalServer(data=data) as server:
            packages.function(server, program=PROGRAM)
            answer = server.client('lambda').invoke(FunctionName='f')
            env = json.load(answer['Payload'])
            server.close_clients()
            server.kill()
            until = time.monotonic() + 60
            while time.monotonic() < until and self.runs(env['pid']):
                time.sleep(0.01)
            self.assertFalse(self.runs(env['pid']))
            self.assertTrue(os.path.exists(env['LAMBDA_TASK_ROOT']))
            server.start()
            self.assertFalse(os.path.exists(env['LAMBDA_TASK_ROOT']))

    def runs(self, pid):
        try:
            with open(f'/proc/{pid}/stat', encoding='utf-8') as stat:
                return re.search(r'\) (\w)', stat.read()).group(1) != 'Z'
        except OSError:
            return False


if __name__ == '__main__':
    local_server.main()
