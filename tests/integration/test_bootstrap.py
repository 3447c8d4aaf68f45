#!/usr/bin/python3
"""The Lambda function's program, as Lambda runs it, against the local AWS: what follows of each
event, and what is told when it does not."""
import datetime
import json
import os
import subprocess
import time
import unittest
import uuid

from lambda_process import LambdaProcess
from replication import SOURCE, Replication, error, program
from local_server import ACCOUNT, CREDENTIALS

COPY = 'us-east-1'
MARK = 'CANARY-3b9e'


def api_call(name, request, response=None, **more):
    now = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
    detail = {'eventVersion': '1.11', 'userIdentity': {'type': 'Root', 'accountId': ACCOUNT},
              'eventTime': now, 'eventSource': 'ssm.amazonaws.com', 'eventName': name,
              'awsRegion': SOURCE, 'requestParameters': request, 'responseElements': response,
              'eventID': str(uuid.uuid4()), 'readOnly': False, 'eventType': 'AwsApiCall',
              'managementEvent': True, 'recipientAccountId': ACCOUNT, **more}
    return {'version': '0', 'id': str(uuid.uuid4()), 'detail-type': 'AWS API Call via CloudTrail',
            'source': 'aws.ssm', 'account': ACCOUNT, 'time': now, 'region': SOURCE,
            'resources': [], 'detail': detail}


def put_event(name, version=1):
    return api_call('PutParameter', {'name': name, 'value': 'HIDDEN_DUE_TO_SECURITY_REASONS',
                                     'type': 'String', 'overwrite': True},
                    {'version': version, 'tier': 'Standard'})


def native(name, operation='Update', kind='Parameter Store Change'):
    now = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
    return {'version': '0', 'id': str(uuid.uuid4()), 'detail-type': kind, 'source': 'aws.ssm',
            'account': ACCOUNT, 'time': now, 'region': SOURCE,
            'resources': [f'arn:aws:ssm:{SOURCE}:{ACCOUNT}:parameter/{name.lstrip("/")}'],
            'detail': {'operation': operation, 'name': name, 'type': 'String'}}


def batch(*bodies, queue='changes'):
    return {'Records': [
        {'messageId': f'm{number}', 'receiptHandle': 'x', 'eventSource': 'aws:sqs',
         'body': body if isinstance(body, str) else json.dumps(body),
         'attributes': {'ApproximateReceiveCount': '1'}, 'awsRegion': SOURCE,
         'eventSourceARN': f'arn:aws:sqs:{SOURCE}:{ACCOUNT}:{queue}'}
        for number, body in enumerate(bodies)]}


class Bootstrap(Replication):
    article = {'DEST_REGIONS': COPY, 'PARAM_PATHS': '/prod'}
    owned = {'UNDERSTUDY_CONFIG': json.dumps({
        'source': {'region': SOURCE}, 'destinations': [{'region': COPY}],
        'parameters': {'include': ['/prod/**', 'foo'], 'deletes': 'owned',
                       'delete_grace': '0'}})}

    def function(self, environment=None):
        key, secret = CREDENTIALS[ACCOUNT]
        process = LambdaProcess({
            'AWS_ACCESS_KEY_ID': key, 'AWS_SECRET_ACCESS_KEY': secret,
            'AWS_ENDPOINT_URL': self.witness.url, **(environment or self.article)},
            self.folder)
        self.addCleanup(process.close)
        return process

    def value(self, name, region=COPY):
        return self.ssm(region).get_parameter(Name=name, WithDecryption=True)['Parameter']['Value']

    def names(self, region=COPY):
        return set(self.state(region))

    # --- events -----------------------------------------------------------------------------------
    def test_an_event_is_followed(self):
        process = self.function()
        self.put('/prod/a', MARK + '-one', Description='first',
                 Tags=[{'Key': 'team', 'Value': 'api'}])
        failed, answer = process.invoke(put_event('/prod/a'))
        self.assertIsNone(failed, answer)
        self.assertEqual((answer['applied'], answer['writes'], answer['failed']), (1, 1, 0))
        self.assertEqual(self.state(COPY), self.state(SOURCE))
        # The same again, and its native twin (R32): one look each, nothing is written (R17).
        self.witness.forget()
        for event in (put_event('/prod/a'), native('/prod/a')):
            failed, answer = process.invoke(event)
            self.assertIsNone(failed, answer)
            self.assertEqual(answer['equal'], 1)
        self.assertEqual(self.witness.writes(), [])
        # A change of a warm function costs at most six calls.
        self.put('/prod/a', MARK + '-two', Overwrite=True)
        self.witness.forget()
        failed, answer = process.invoke(put_event('/prod/a', 2))
        self.assertIsNone(failed, answer)
        self.assertLessEqual(len(self.witness.calls), 6)
        self.assertEqual(answer['calls'], len(self.witness.calls))
        self.assertEqual(self.value('/prod/a'), MARK + '-two')

    def test_what_is_written_is_json_and_holds_no_value(self):
        process = self.function()
        self.put('/prod/a', MARK + '-value')
        self.put('/prod/s', MARK + '-secure', Type='SecureString')
        trace = 'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1'
        for event in (put_event('/prod/a'), put_event('/prod/s'), {'understudy': 'reconcile'},
                      {'understudy': MARK}, b'{"' + MARK.encode(), {MARK: MARK},
                      api_call('PutParameter', {'name': [{MARK: MARK}]}), batch(MARK)):
            process.invoke(event)
        # AWS repeats what it was given in the texts of its refusals.
        self.put('/prod/a', MARK + '-other', Overwrite=True)
        self.witness.rules.append(lambda call: error(
            'ValidationException', f"Value '{MARK}-other' at 'value' failed to satisfy constraint")
            if call.operation == 'PutParameter' else None)
        failed, answer = process.invoke(put_event('/prod/a', 2))
        self.assertEqual(failed, 'Understudy.Failed')
        self.assertIn('/prod/a', answer['errorMessage'])
        self.assertEqual(process.terminate(), 0)
        self.assertNotIn(MARK, process.output())
        self.assertNotIn(MARK, str(process.told))
        first, *others = [line for line in process.log() if 'function_request_id' in line]
        self.assertEqual(first['xray_trace_id'], trace.split(';')[0].removeprefix('Root='))
        self.assertEqual((first['function_name'], first['cold_start']), ('replicate', True))
        self.assertFalse(others[-1]['cold_start'])
        for line in process.log():
            self.assertRegex(line['timestamp'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$')
            self.assertIn(line['level'], ('DEBUG', 'INFO', 'WARN', 'ERROR'))
            self.assertTrue(line['message'])
        metrics = process.metrics()
        self.assertEqual(len(metrics), len(process.told))
        self.assertEqual(metrics[0]['ItemsApplied'], 1)
        self.assertEqual(metrics[0]['ColdStarts'], 1)
        self.assertGreater(metrics[0]['Calls'], 0)
        self.assertEqual(len(metrics[0]['Lag']), 1)
        self.assertEqual(metrics[-1]['ItemsFailed'], 1)

    def test_r15_a_delete_that_failed_deletes_nothing(self):
        process = self.function(self.owned)
        self.put('/prod/a', 'one')
        process.invoke(put_event('/prod/a'))
        self.witness.forget()
        for denied in (api_call('DeleteParameter', {'name': '/prod/a'}, errorCode='AccessDenied',
                                errorMessage='no'),
                       api_call('DeleteParameters', None, errorCode='AccessDenied')):
            failed, answer = process.invoke(denied)
            self.assertIsNone(failed, answer)
        self.assertEqual(self.witness.calls, [])
        self.assertEqual(self.names(), {'prod/a'})

    def test_r16_r17_a_late_delete_takes_nothing_that_is_there(self):
        process = self.function(self.owned)
        for name in ('/prod/a', '/prod/b'):
            self.put(name, 'one')
            process.invoke(put_event(name))
        self.ssm().delete_parameter(Name='/prod/a')
        self.put('/prod/a', 'again')
        event = api_call('DeleteParameters', {'names': ['/prod/a', '/prod/b']},
                         {'deletedParameters': ['/prod/a', '/prod/b'], 'invalidParameters': []})
        failed, answer = process.invoke(event)
        self.assertIsNone(failed, answer)
        self.assertEqual(self.value('/prod/a'), 'again')
        self.assertEqual(self.value('/prod/b'), 'one')
        # One that is really gone is a delete, of what understudy made.
        self.ssm().delete_parameter(Name='/prod/b')
        failed, answer = process.invoke(event)
        self.assertIsNone(failed, answer)
        self.assertEqual(self.names(), {'prod/a'})

    def test_r25_a_root_name_is_itself(self):
        process = self.function(self.owned)
        self.put('foo', 'root')
        failed, answer = process.invoke(put_event('foo'))
        self.assertIsNone(failed, answer)
        self.assertEqual(self.value('foo'), 'root')

    def test_r32_a_policy_s_expiry_is_a_delete(self):
        process = self.function(self.owned)
        self.put('/prod/token', 'one')
        process.invoke(put_event('/prod/token'))
        self.ssm().delete_parameter(Name='/prod/token')
        event = native('/prod/token', kind='Parameter Store Policy Action')
        event['detail'] = {'parameter-name': '/prod/token', 'parameter-type': 'String',
                           'policy-type': 'Expiration', 'action-status': 'SUCCESS'}
        failed, answer = process.invoke(event)
        self.assertIsNone(failed, answer)
        self.assertEqual(self.names(), set())

    def test_r28_r33_what_is_not_understood_changes_nothing(self):
        process = self.function(self.owned)
        omitted = put_event('/prod/a')
        omitted['detail']['requestParameters'] = None
        for payload in (b'', b'{', {}, [], {'Records': []}, omitted,
                        {**put_event('/prod/a'), 'source': 'aws.ec2'}):
            failed, answer = process.invoke(payload)
            self.assertEqual(failed, 'Understudy.EventInvalid')
            self.assertEqual(answer['errorType'], failed)
            self.assertTrue(answer['errorMessage'])
        self.assertEqual(self.witness.calls, [])

    def test_r28_a_failure_is_told_and_mended_by_the_next_try(self):
        process = self.function()
        self.put('/prod/a', 'one')
        self.witness.rules.append(lambda call: error('AccessDeniedException')
                                  if call.operation == 'PutParameter' else None)
        failed, answer = process.invoke(put_event('/prod/a'))
        self.assertEqual(failed, 'Understudy.Failed')
        self.assertIn('failed /prod/a', answer['errorMessage'])
        self.witness.forget()
        failed, answer = process.invoke(put_event('/prod/a'))
        self.assertIsNone(failed, answer)
        self.assertEqual(self.value('/prod/a'), 'one')

    def test_a_full_pass_that_fails_says_what_and_why(self):
        process = self.function()
        self.put('/prod/a', 'one')
        self.witness.rules.append(lambda call: error('AccessDeniedException')
                                  if call.operation == 'PutParameter' else None)
        failed, answer = process.invoke({'understudy': 'reconcile'})
        self.assertEqual(failed, 'Understudy.Failed')
        self.assertTrue(answer['errorMessage'].startswith('of 1 selected: 1 failed; '), answer)
        (line,) = [row for row in process.log() if row.get('name') == '/prod/a']
        self.assertEqual((line['outcome'], line['level']), ('failed', 'ERROR'))
        self.assertIn('ssm:PutParameter in us-east-1: no', line['reason'])

    # --- batches ----------------------------------------------------------------------------------
    def test_a_batch_gives_back_what_failed(self):
        process = self.function()
        for name in ('/prod/a', '/prod/b'):
            self.put(name, 'one')
        self.witness.rules.append(
            lambda call: error('AccessDeniedException')
            if call.operation == 'PutParameter' and b'/prod/b' in call.body else None)
        wrapped = {'Type': 'Notification', 'Message': json.dumps(put_event('/prod/a'))}
        events = batch(put_event('/prod/a'), 'no event', put_event('/prod/b'), wrapped)
        failed, answer = process.invoke(events)
        self.assertIsNone(failed, answer)
        self.assertEqual(answer, {'batchItemFailures': [{'itemIdentifier': 'm1'},
                                                        {'itemIdentifier': 'm2'}]})
        self.assertEqual(self.value('/prod/a'), 'one')
        self.assertEqual(sum(b'/prod/a' in call.body for call in self.witness.writes()), 1)
        self.witness.forget()
        failed, answer = process.invoke(batch(put_event('/prod/b')))
        self.assertEqual(answer, {'batchItemFailures': []})
        self.assertEqual(self.value('/prod/b'), 'one')

    # --- passes -----------------------------------------------------------------------------------
    def test_a_schedule_finds_what_no_event_told(self):
        process = self.function()
        for number in range(12):
            self.put(f'/prod/{number}', 'one')
        failed, answer = process.invoke({'understudy': 'reconcile'})
        self.assertIsNone(failed, answer)
        self.assertEqual((answer['finished'], answer['applied'], answer['left']), (True, 12, 0))
        self.assertEqual(self.state(COPY), self.state(SOURCE))
        self.witness.forget()
        scheduled = {'version': '0', 'id': str(uuid.uuid4()), 'detail-type': 'Scheduled Event',
                     'source': 'aws.events', 'account': ACCOUNT, 'time': '2026-03-01T09:15:27Z',
                     'region': SOURCE, 'resources': [], 'detail': {}}
        failed, answer = process.invoke(scheduled)
        self.assertEqual((failed, answer['equal'], answer['applied']), (None, 12, 0))
        self.assertEqual(self.witness.writes(), [])

    def test_params_json_is_a_sync_of_just_that(self):
        process = self.function({'PATH': '/usr/bin'})  # it has no configuration of its own
        self.put('/api/a', 'one')
        self.put('/other', 'two')
        failed, answer = process.invoke({
            'Parameters': [], 'path': ['/api'], 'destination_region': COPY,
            'destination_account': '', 'cross_account_role_arn': '', 'destination_kms_key_id': ''})
        self.assertIsNone(failed, answer)
        self.assertEqual(answer['applied'], 1)
        self.assertEqual(self.names(), {'api/a'})
        failed, answer = process.invoke(put_event('/api/a'))
        self.assertEqual(failed, 'Understudy.ConfigurationInvalid')
        self.assertIn('there is no configuration', answer['errorMessage'])

    def test_a_dry_run_writes_nothing(self):
        process = self.function({**self.article, 'DRY_RUN': 'true'})
        self.put('/prod/a', 'one')
        for payload in (put_event('/prod/a'), {'understudy': 'reconcile'}):
            failed, answer = process.invoke(payload)
            self.assertIsNone(failed, answer)
            self.assertTrue(answer['dry_run'])
        self.assertEqual(answer['create'], 1)
        self.assertEqual(self.witness.writes(), [])

    # --- the canary -------------------------------------------------------------------------------
    def status(self, *words, config=None):
        file = self.folder / 'status.yaml'
        file.write_text(config or self.owned['UNDERSTUDY_CONFIG'])
        return subprocess.run(
            [program(), 'status', '-c', str(file), '--canary', '/prod/canary', '--endpoint-url',
             self.witness.url, *words], capture_output=True, text=True, env=self.environment())

    def places(self, *words):
        done = self.status('--json', *words)
        self.assertEqual(done.stderr, '')
        said = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0 if said['healthy'] else 1)
        self.assertEqual([(one['side'], one['region']) for one in said['places']],
                         [('source', SOURCE), ('destination', COPY)])
        return said['places']

    def test_the_canary_is_written_and_measured(self):
        process = self.function({**self.owned, 'UNDERSTUDY_CANARY': '/prod/canary'})
        self.assertEqual([one['state'] for one in self.places()], ['missing', 'missing'])
        self.witness.forget()
        failed, answer = process.invoke({'understudy': 'canary'})
        self.assertEqual((failed, answer), (None, {'canary': '/prod/canary', 'written': True,
                                                   'dry_run': False, 'calls': 1}))
        self.assertEqual([(call.region, call.operation) for call in self.witness.writes()],
                         [(SOURCE, 'PutParameter')])
        self.assertEqual([one['state'] for one in self.places()], ['ok', 'missing'])
        # Its event is one like all others: it is in the lag.
        failed, answer = process.invoke(native('/prod/canary', 'Create'))
        self.assertEqual((failed, answer['applied']), (None, 1))
        self.assertEqual(len(process.metrics()[-1]['Lag']), 1)
        source, copy = self.places()
        self.assertEqual((source['state'], copy['state'], copy['behind_ms']), ('ok', 'ok', 0))
        self.assertEqual(copy['written'], self.value('/prod/canary', SOURCE))
        self.assertRegex(self.status().stdout,
                         rf'(?m)^ok +destination +{COPY} .* s old, 0.000 s behind')
        # A copy that stopped a while ago, and one that is something else.
        written = datetime.datetime.fromisoformat(source['written'].replace('Z', '+00:00'))
        copies = self.ssm(COPY)
        copies.put_parameter(Name='/prod/canary', Overwrite=True, Value=(
            written - datetime.timedelta(hours=1)).isoformat())
        _, copy = self.places()
        self.assertEqual((copy['state'], copy['behind_ms']), ('old', 3600_000))
        self.assertEqual(self.places('--max-age', '9d')[1]['state'], 'ok')
        copies.put_parameter(Name='/prod/canary', Overwrite=True, Value=MARK)
        self.assertEqual(self.places()[1]['state'], 'unreadable')
        self.assertNotIn(MARK, self.status().stdout)
        # A place that refuses is told, and the others are looked at all the same.
        self.witness.rules.append(
            lambda call: error('AccessDeniedException') if call.region == SOURCE else None)
        source, copy = self.places()
        self.assertEqual((source['state'], copy['state']), ('unreadable', 'unreadable'))
        self.assertIn('ssm:GetParameters', source['reason'])

    def test_a_canary_that_cannot_be(self):
        self.assertEqual(self.status(config=self.owned['UNDERSTUDY_CONFIG'].replace(
            '/prod/**', '/api/**')).returncode, 1)
        for more, why in (({}, 'UNDERSTUDY_CANARY'),
                          ({'UNDERSTUDY_CANARY': '/api/canary'}, 'no replication carries')):
            failed, answer = self.function({**self.owned, **more}).invoke({'understudy': 'canary'})
            self.assertEqual(failed, 'Understudy.ConfigurationInvalid')
            self.assertIn(why, answer['errorMessage'])
        dry = self.function({**self.owned, 'UNDERSTUDY_CANARY': '/prod/canary', 'DRY_RUN': 'true'})
        failed, answer = dry.invoke({'understudy': 'canary'})
        self.assertEqual((failed, answer['written'], answer['dry_run']), (None, False, True))
        self.assertEqual(self.witness.writes(), [])

    # --- time -------------------------------------------------------------------------------------
    def test_what_does_not_fit_the_time_is_told_before_the_deadline(self):
        process = self.function()
        self.put('/prod/a', 'one')
        self.witness.rules.append(
            lambda call: 'stall' if call.operation == 'PutParameter' else None)
        for seconds in (1.5, 6, 24):  # a tenth is for the answer: a busy machine needs more
            began = time.monotonic()
            failed, answer = process.invoke(put_event('/prod/a'), seconds=seconds)
            took = time.monotonic() - began
            if took < seconds:
                break
        self.assertLess(took, seconds)
        self.assertIn(failed, ('Understudy.Later', 'Understudy.Failed'))
        self.assertIn('/prod/a', answer['errorMessage'])
        self.witness.rules.clear()
        self.witness.released.set()
        failed, answer = process.invoke(put_event('/prod/a'))
        self.assertIsNone(failed, answer)
        self.assertEqual(self.value('/prod/a'), 'one')

    def test_a_pass_that_never_fits_the_time_is_done_in_parts(self):
        """PASS_NAMES=5000 PASS_SECONDS=15 PASS_LATENCY_MS=300: the same at full size."""
        count = int(os.environ.get('PASS_NAMES', 260))
        seconds = float(os.environ.get('PASS_SECONDS', 0.8))
        latency_ms = int(os.environ.get('PASS_LATENCY_MS', 150))
        process = self.function({'UNDERSTUDY_CONFIG': json.dumps({
            'source': {'region': SOURCE}, 'destinations': [{'region': COPY}],
            'parameters': {'include': ['/prod/**'], 'deletes': 'owned', 'delete_grace': '0'}})})
        self.put('/prod/gone', 'v')
        self.put('/prod/z', 'one')  # the last to be written
        self.assertIsNone(process.invoke(put_event('/prod/gone'))[0])
        self.ssm().delete_parameter(Name='/prod/gone')  # and no event tells
        for number in range(count):
            self.put(f'/prod/{number:05}', f'value {number}')
        pages = -(-(count + 1) // 50)  # of the source alone, in one listing
        self.server.control('POST', 'faults', [
            {'kind': 'latency', 'ms': latency_ms, 'region': SOURCE,
             'operation': 'DescribeParameters'}])
        self.addCleanup(self.server.control, 'DELETE', 'faults')
        self.witness.forget()
        answers, copied, moved = [], [0], False
        while not answers or not answers[-1]['finished']:
            failed, answer = process.invoke({'understudy': 'reconcile'}, seconds=seconds)
            self.assertIsNone(failed, answer)
            self.assertEqual(answer['resumed'], bool(answers))
            answers.append(answer)
            names = set(self.versions(COPY))
            if answer['left'] or not answer['create']:
                self.assertIn('prod/gone', names)  # only who has seen both sides whole deletes
            if answer['create'] and not moved:  # it is planned; then an event comes in between
                moved = self.put('/prod/z', 'two', Overwrite=True)
                self.assertIsNone(process.invoke(put_event('/prod/z', 2))[0])
            copied.append(len(names - {'prod/gone'}))
            self.assertGreaterEqual(copied[-1], copied[-2])
            self.assertLess(len(answers), 60)
        if 'PASS_NAMES' in os.environ:
            print(f'{count} names, {seconds} s each: {len(answers)} invocations; copies behind '
                  f'each: {copied[1:]}; calls: {[answer["calls"] for answer in answers]}')
        self.assertGreater(len(answers), 2)
        listed = [call for call in self.witness.calls if call.operation == 'DescribeParameters'
                  and call.region == SOURCE and b'Equals' not in call.body]
        self.assertLessEqual(len(listed), pages + len(answers))  # no page twice but a cut one
        self.server.control('DELETE', 'faults')
        self.assertEqual(set(self.versions(COPY)), set(self.versions(SOURCE)))
        self.assertEqual((self.value('/prod/z'), self.versions(COPY)['prod/z']), ('two', 1))
        self.assertEqual(self.value('/prod/00000'), 'value 0')
        self.assertEqual(self.value(f'/prod/{count - 1:05}'), f'value {count - 1}')
        last = answers[-1]
        self.assertEqual((last['failed'], last['conflict'], last['left'], last['delete']),
                         (0, 0, 0, 1))

    def test_a_connection_that_did_not_survive_a_freeze(self):
        process = self.function()
        process.api.close_after_answer = True
        self.put('/prod/a', 'one')
        for _ in range(3):
            failed, answer = process.invoke(put_event('/prod/a'))
            self.assertIsNone(failed, answer)

    # --- beginning and end ------------------------------------------------------------------------
    def test_r28_a_wrong_configuration_ends_it_before_the_first_event(self):
        for environment, says in (
                ({'DEST_REGIONS': COPY}, 'PARAM_PATHS'),
                ({**self.article, **self.owned}, 'UNDERSTUDY_CONFIG and DEST_REGIONS'),
                ({'UNDERSTUDY_CONFIG': '{"sorce": {}}'}, 'sorce')):
            process = self.function(environment)
            path, kind, body = process.end()
            self.assertEqual((path, kind), ('init/error', 'Understudy.ConfigurationInvalid'))
            self.assertIn(says, json.loads(body)['errorMessage'])
            self.assertEqual(process.wait(), 1)

    def test_the_configuration_parameter_is_followed(self):
        def configuration(region):
            return json.dumps({'destinations': [{'region': region}],
                               'parameters': {'include': ['/prod/**']}})
        process = self.function({'UNDERSTUDY_CONFIG_PARAMETER': '/understudy'})
        self.put('/understudy', configuration(COPY))
        self.put('/prod/a', 'one')
        failed, answer = process.invoke(put_event('/prod/a'))
        self.assertIsNone(failed, answer)
        self.assertEqual(self.names(COPY), {'prod/a'})
        self.put('/understudy', configuration('eu-west-1'), Overwrite=True)
        failed, answer = process.invoke(put_event('/understudy', 2))
        self.assertIsNone(failed, answer)
        failed, answer = process.invoke(put_event('/prod/a'))
        self.assertIsNone(failed, answer)
        self.assertEqual(self.names('eu-west-1'), {'prod/a'})
        self.put('/understudy', 'include: []', Overwrite=True)
        failed, answer = process.invoke(put_event('/understudy', 3))
        self.assertEqual(failed, 'Understudy.ConfigurationInvalid')
        self.assertIn('/understudy', answer['errorMessage'])

    def test_it_ends_when_it_is_told(self):
        process = self.function()
        self.assertTrue(process.api.asked.acquire(timeout=60))
        self.assertEqual(process.terminate(), 0)

    def test_it_ends_when_the_runtime_api_is_broken(self):
        process = self.function()
        process.api.status = 500
        self.put('/prod/a', 'one')
        process.begin(put_event('/prod/a'))
        process.end()
        self.assertEqual(process.wait(), 1)
        self.assertEqual(process.log()[-1]['message'], 'the runtime ends')

    def test_an_answer_that_lambda_does_not_want_any_longer(self):
        process = self.function()
        self.put('/prod/a', 'one')
        process.api.status = 403
        self.assertIsNone(process.invoke(put_event('/prod/a'))[0])
        self.assertIsNone(process.invoke(put_event('/prod/a'))[0])


if __name__ == '__main__':
    unittest.main()
