#!/usr/bin/python3
"""The daemon: `understudy watch` between a queue and the destinations, and `understudy status`."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest
import urllib.error
import urllib.request

from replication import ACCOUNT, COPIES, CREDENTIALS, SOURCE, Replication, error, program
from deployed import within

QUEUES = f'arn:aws:sqs:{SOURCE}:{ACCOUNT}:'
CONFIG = '''
source: { region: %s }
destinations: [{ region: us-east-1 }, { region: eu-west-1 }]
parameters: { include: ["/prod/**", "/canary"], deletes: owned, max_delete: 10,
              delete_grace: 0 }
'''


class Watch(Replication):
    def setUp(self):
        super().setUp()
        # A name of its own for each test: the witness may still wait on behalf of a daemon that is
        # gone, and would take its message.
        name = 'changes-' + self.id().rpartition('.')[2][:60]
        self.arn = QUEUES + name
        self.sqs, events = self.server.client('sqs', SOURCE), self.server.client('events', SOURCE)
        dead = self.sqs.create_queue(QueueName='dead')['QueueUrl']
        self.dead = dead
        self.url = self.sqs.create_queue(QueueName=name, Attributes={
            'RedrivePolicy': json.dumps({'deadLetterTargetArn': QUEUES + 'dead',
                                         'maxReceiveCount': 5}),
            'Policy': json.dumps({'Version': '2012-10-17', 'Statement': [{
                'Effect': 'Allow', 'Principal': {'Service': 'events.amazonaws.com'},
                'Action': 'sqs:SendMessage', 'Resource': self.arn}]})})['QueueUrl']
        events.put_rule(Name='changes', EventPattern=json.dumps(
            {'source': ['aws.ssm'], 'detail-type': ['Parameter Store Change']}))
        events.put_targets(Rule='changes', Targets=[{'Id': 'q', 'Arn': self.arn}])
        self.watches = []
        self.addCleanup(self.end_all)
        (self.folder / 'understudy.yaml').write_text(CONFIG % SOURCE)

    def end_all(self):
        for watch in self.watches:
            if watch.poll() is None:
                watch.kill()
            watch.wait()
            watch.stdout.close()
            watch.stderr.close()

    def environment(self, **more):
        key, secret = CREDENTIALS[ACCOUNT]
        return dict({'PATH': os.environ['PATH'], 'HOME': str(self.folder / 'home'),
                     'AWS_ACCESS_KEY_ID': key, 'AWS_SECRET_ACCESS_KEY': secret,
                     'TMPDIR': str(self.folder / 'tmp'), 'LC_ALL': 'C.UTF-8',
                     **{name: value for name, value in os.environ.items() if 'SAN_' in name}},
                    **more)

    def start(self, *words, queue=True, every='1h', notify=None):
        flags = ['--queue', self.arn] if queue else []
        watch = subprocess.Popen(
            [program(), 'watch', *flags, '--every', every, '--listen', '127.0.0.1:0',
             '--endpoint-url', self.witness.url, '--json', *words], cwd=self.folder, text=True,
            env=self.environment(**({'NOTIFY_SOCKET': notify} if notify else {})),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.watches.append(watch)
        line = watch.stdout.readline()
        if not line.startswith('listening '):
            self.fail(watch.stderr.read())
        self.page = line.split()[1]
        return watch

    def end(self, watch, how=signal.SIGTERM):
        watch.send_signal(how)
        status = watch.wait(60)
        log = watch.stderr.read()
        self.assertNotIn('Sanitizer', log)
        self.assertEqual(status, 0, log)
        return [json.loads(line) for line in log.splitlines()]

    def status(self):
        with urllib.request.urlopen(self.page + '/status.json') as answer:
            return json.load(answer)

    def depth(self, url=None):
        counts = self.sqs.get_queue_attributes(QueueUrl=url or self.url, AttributeNames=['All'])
        return sum(int(counts['Attributes']['ApproximateNumberOfMessages' + kind])
                   for kind in ('', 'NotVisible', 'Delayed'))

    def value(self, name, region=COPIES[0]):
        found = self.ssm(region).get_parameters(Names=[name])['Parameters']
        return found[0]['Value'] if found else None

    def everywhere(self, name, value):
        for region in COPIES:
            within(20, lambda region=region: self.value(name, region) == value)

    def when_hidden_ones_come(self, look):
        """What was received and not settled is seen again after 30 s of the server's; what failed
        again and again after as many minutes."""
        def forward():
            self.server.clock(advance=200)
            end = time.monotonic() + 0.5
            while not look() and time.monotonic() < end:
                time.sleep(0.02)
            return look()
        within(20, forward)

    def test_changes_follow(self):
        self.put('/prod/old', 'was there before')
        self.put('/prod/gone', 'v')
        watch = self.start()
        self.everywhere('/prod/old', 'was there before')  # by the first full pass
        self.everywhere('/prod/gone', 'v')
        self.put('/prod/a', 'one')
        self.everywhere('/prod/a', 'one')
        self.put('/prod/a', 'two', Overwrite=True)
        self.everywhere('/prod/a', 'two')
        self.put('/elsewhere', 'x')
        self.ssm().delete_parameter(Name='/prod/gone')
        self.everywhere('/prod/gone', None)
        within(20, lambda: self.depth() == 0)
        self.assertIsNone(self.value('/elsewhere'))
        status = self.status()
        self.assertTrue(status['healthy'], status)
        self.assertGreaterEqual(status['items']['applied'], 3)
        self.assertEqual((status['items']['failed'], status['malformed'], status['missed']),
                         (0, 0, 0))
        self.assertGreaterEqual(status['lag']['count'], 2)
        log = self.end(watch)
        self.assertTrue(any(line.get('name') == '/prod/a' and line.get('outcome') == 'applied'
                            for line in log), log)

    def test_a_burst_is_a_few_looks(self):
        watch = self.start()
        within(20, lambda: self.status()['passes'] == 1)
        self.witness.rules.append(lambda call: 'stall' if call.operation == 'PutParameter' and
                                  call.region == COPIES[0] else None)
        self.put('/prod/first', 'holds it up')  # the daemon is at this one
        self.assertTrue(self.witness.stalled.wait(60))
        for number in range(60):
            self.put('/prod/busy', f'value {number}', Overwrite=True)
        within(20, lambda: self.status()['pending'] == 2)  # it waits, and the first one is at work
        self.witness.rules.clear()
        self.witness.released.set()
        self.everywhere('/prod/busy', 'value 59')
        within(20, lambda: self.depth() == 0)
        self.assertEqual(self.ssm(COPIES[0]).get_parameter(
            Name='/prod/busy')['Parameter']['Version'], 1)
        self.end(watch)

    def test_what_fails_comes_again_and_what_nobody_understands_is_given_up(self):
        watch = self.start()
        within(20, lambda: self.status()['passes'] == 1)
        self.witness.rules.append(
            lambda call: error('AccessDeniedException', 'User: arn:aws:iam::111111111111:root is '
                               'not authorized to perform: ssm:PutParameter')
            if call.operation == 'PutParameter' and call.region == COPIES[0] and
            b'/prod/denied' in call.body else None)
        self.put('/prod/denied', 'v')
        within(20, lambda: self.status()['items']['failed'] == 1)
        self.assertEqual(self.value('/prod/denied', COPIES[1]), 'v')  # the other has it
        self.sqs.send_message(QueueUrl=self.url, MessageBody='{"not": "an event"}')
        within(20, lambda: self.status()['malformed'] == 1)
        self.assertEqual(self.depth(), 2)  # nothing was deleted
        self.assertGreater(self.status()['oldest_unreplicated_ms'], 0)
        self.put('/prod/well', 'v')
        self.everywhere('/prod/well', 'v')
        within(20, lambda: self.status()['pending'] == 0)
        self.assertGreater(self.status()['oldest_unreplicated_ms'], 0)  # the denied one, still
        self.witness.rules.clear()
        self.when_hidden_ones_come(lambda: self.value('/prod/denied') == 'v')
        within(20, lambda: self.status()['oldest_unreplicated_ms'] == 0)
        self.when_hidden_ones_come(lambda: self.depth(self.dead) == 1)
        self.assertGreater(self.status()['malformed'], 1)
        log = self.end(watch)
        self.assertNotIn('an event"', json.dumps(log))  # R33: what it cannot read is not logged

    def test_what_waits_in_memory_is_not_given_up_by_its_queue(self):
        watch = self.start('--visibility', '3s', every='0')
        self.witness.rules.append(lambda call: 'stall' if call.operation == 'PutParameter' and
                                  call.region == COPIES[0] else None)
        self.put('/prod/first', 'holds it up')
        self.witness.stalled.wait(20)
        within(20, lambda: self.status()['oldest_unreplicated_ms'] > 0)
        self.assertEqual(self.status()['pending'], 1)  # also what is being worked on waits
        self.put('/prod/second', 'waits')
        within(20, lambda: self.status()['pending'] == 2)

        def hidden_again():  # those in hand, each for the same time
            rows = [row for call in self.settled() for row in json.loads(call.body)['Entries']]
            self.assertTrue(all(row['VisibilityTimeout'] == 3 for row in rows), rows)
            receipts = [row['ReceiptHandle'] for row in rows]
            return len(set(receipts)) >= 2 and all(receipts.count(one) >= 2 for one in receipts[:2])
        within(30, hidden_again)
        self.witness.rules.clear()
        self.witness.released.set()
        self.everywhere('/prod/second', 'waits')
        within(20, lambda: self.depth() == 0)
        self.end(watch)

    def settled(self):
        return [call for call in self.witness.calls
                if call.operation == 'ChangeMessageVisibilityBatch']

    def test_who_is_told_to_end_gives_back_at_once(self):
        watch = self.start(every='0')
        self.witness.rules.append(lambda call: 'stall' if call.operation == 'PutParameter' and
                                  call.region == COPIES[0] else None)
        self.put('/prod/first', 'holds it up')
        self.witness.stalled.wait(20)
        self.put('/prod/second', 'waits')
        within(20, lambda: self.status()['pending'] == 2)
        watch.send_signal(signal.SIGTERM)
        self.witness.rules.clear()
        self.witness.released.set()
        self.assertEqual(watch.wait(20), 0)
        rows = [row for call in self.settled() for row in json.loads(call.body)['Entries']]
        self.assertEqual([row['VisibilityTimeout'] for row in rows], [0] * len(rows))
        self.assertGreaterEqual(len(rows), 1)
        again = self.start(every='0')
        for region in COPIES:  # the witness may still wait for the one that is gone, and take it
            self.when_hidden_ones_come(lambda region=region:
                                       self.value('/prod/second', region) == 'waits')
        self.end(again)

    def test_a_blocked_copy_is_told_and_is_no_failure(self):
        self.put('/prod/key', 'v', Type='SecureString',
                 KeyId=self.server.client('kms', SOURCE).create_key()['KeyMetadata']['KeyId'])
        watch = self.start()
        within(30, lambda: self.status()['passes'] == 1 and self.status()['blocked'] == 1)
        status = self.status()
        self.assertTrue(status['healthy'], status)
        self.assertEqual((status['passes_failed'], status['pass_blocked']), (0, 2))
        self.assertEqual([word['code'] for word in status['warnings']], ['blocked'])
        self.assertIn('understudy_blocked_items{found_by="pass"} 2', self.metrics())
        self.assertIn('understudy_warning{warning="blocked"} 1', self.metrics())
        self.assertEqual(self.health(), (200, status['reasons'], status['warnings']))
        self.assertRegex(self.ask('--url', self.page).stdout,
                         r'health +ok\nto be done +blocked until .*: 2 copies')
        self.assertIn('understudy_blocked_items{found_by="event"} 1', self.metrics())
        self.end(watch)

    def test_a_pass_that_fails_is_a_reason(self):
        self.witness.rules.append(
            lambda call: error('AccessDeniedException', 'no') if call.region == COPIES[0] and
            call.operation == 'PutParameter' else None)
        self.put('/prod/a', 'v')
        watch = self.start(every='1s')
        within(20, lambda: self.status()['passes_failed'])
        status, reasons, _ = self.health()
        self.assertEqual((status, [word['code'] for word in reasons]), (503, ['pass_failed']))
        self.assertEqual(self.get('/livez'), (200, {'alive': True}))  # to start it anew is no help
        self.assertEqual(self.get('/readyz')[0], 503)
        self.assertIn('understudy_unhealthy_reason{reason="pass_failed"} 1', self.metrics())
        self.assertEqual(self.ask('--url', self.page).returncode, 1)
        self.witness.rules.clear()
        within(20, lambda: self.health()[0] == 200)
        self.assertIn('understudy_unhealthy_reason{reason="pass_failed"} 0', self.metrics())
        self.end(watch)

    def get(self, path):
        try:
            with urllib.request.urlopen(self.page + path, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def health(self):
        status, body = self.get('/healthz')
        self.assertEqual(body['healthy'], status == 200)
        return status, body['reasons'], body['warnings']

    def metrics(self):
        with urllib.request.urlopen(self.page + '/metrics', timeout=20) as answer:
            self.assertIn('version=0.0.4', answer.headers['Content-Type'])
            return answer.read().decode()

    def test_slow_clients_keep_nobody_out(self):
        watch = self.start(every='0')
        host, port = self.page.removeprefix('http://').split(':')
        slow = []
        try:
            for number in range(400):  # more than it has room for
                one = socket.create_connection((host, int(port)), timeout=20)
                if number % 2:
                    one.sendall(b'GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ')
                slow.append(one)
            for path in ('/livez', '/healthz', '/healthz'):
                self.assertEqual(self.get(path)[0], 200)
        finally:
            for one in slow:
                one.close()
        self.end(watch)

    def test_a_dry_run_writes_nothing_and_messages_stay(self):
        self.put('/prod/a', 'v')
        watch = self.start('--dry-run', '--canary', '/canary', '--canary-every', '1s')
        within(20, lambda: self.status()['items']['ignored'] == 1)
        within(20, lambda: self.status()['passes'] == 1)
        status = self.status()
        self.assertTrue(status['healthy'], status)
        self.assertEqual((status['writes'], status['passes_failed']), (0, 0))
        log = self.end(watch)
        self.assertIn('1 selected, 2 to be written, 0 failed, 0 blocked', json.dumps(log))
        self.assertEqual(self.depth(), 1)
        for region in COPIES:
            self.assertIsNone(self.value('/prod/a', region))
        self.assertIsNone(self.value('/canary', SOURCE))

    def test_one_queue_that_is_gone_is_told_although_another_is_heard(self):
        self.sqs.create_queue(QueueName='other-queue')
        self.witness.rules.append(
            lambda call: error('AWS.SimpleQueueService.NonExistentQueue', 'It does not exist.')
            if call.operation == 'ReceiveMessage' and b'other-queue' in call.body else None)
        watch = self.start('--queue', QUEUES + 'other-queue', every='0')
        for number in range(3):  # answers of the one do not hide the other's error
            within(40, lambda: 'other-queue' in self.status().get('queue_error', ''))
            self.put('/prod/a', f'{number}', Overwrite=True)
            self.everywhere('/prod/a', f'{number}')
            self.assertEqual([word['code'] for word in self.status()['reasons']],
                             ['queue_unreadable'])
        self.end(watch)

    def test_the_configuration_is_read_again(self):
        watch = self.start(every='0')
        self.put('/more/a', 'v')
        within(20, lambda: self.status()['items']['ignored'] == 1)
        good = (self.folder / 'understudy.yaml').read_text()
        (self.folder / 'understudy.yaml').write_text(good + 'unknown: key\n')
        watch.send_signal(signal.SIGHUP)
        self.assertIn('unknown', within(20, lambda: self.status().get('config_error')))
        # The one before holds, and everybody is told.
        status, reasons, warnings = self.health()
        self.assertEqual((status, reasons), (200, []))
        self.assertEqual([word['code'] for word in warnings], ['configuration_rejected'])
        self.assertIn('unknown', warnings[0]['text'])
        self.assertIn('understudy_config_last_reload_successful 0', self.metrics())
        self.assertIn('unknown', self.ask('--url', self.page).stdout)
        self.put('/prod/still', 'v')
        self.everywhere('/prod/still', 'v')
        (self.folder / 'understudy.yaml').write_text(good.replace('/prod/**', '/more/**'))
        watch.send_signal(signal.SIGHUP)
        within(20, lambda: 'config_error' not in self.status())
        self.assertEqual(self.health(), (200, [], []))
        self.assertIn('understudy_config_last_reload_successful 1', self.metrics())
        self.put('/more/b', 'v')
        self.everywhere('/more/b', 'v')
        log = self.end(watch)
        self.assertTrue(any('is not taken' in line['msg'] and line['level'] == 'error'
                            and 'unknown' in line['error'] for line in log), log)

    def test_full_passes_without_a_queue(self):
        self.put('/prod/a', 'one')
        watch = self.start(queue=False, every='1s')
        self.everywhere('/prod/a', 'one')
        self.put('/prod/a', 'two', Overwrite=True)
        self.everywhere('/prod/a', 'two')
        self.end(watch, signal.SIGINT)

    def test_pages_and_status(self):
        watch = self.start('--canary', '/canary', '--canary-every', '4s')  # 20 s late are well
        within(20, lambda: self.status().get('canary_lag', {}).get('count', 0) >= 2)
        with urllib.request.urlopen(self.page + '/metrics') as answer:
            metrics = answer.read().decode()
        values = dict(re.findall(r'^(understudy_\S+) (\S+)$', metrics, re.MULTILINE))
        self.assertEqual(values['understudy_healthy'], '1.000')
        self.assertGreaterEqual(int(values['understudy_canary_lag_seconds_count']), 2)
        self.check_exposition(metrics)
        with urllib.request.urlopen(self.page) as answer:
            self.assertIn('is ready', answer.read().decode())
            self.assertIn("default-src 'none'", answer.headers['Content-Security-Policy'])
        for path, method, want in (('/nowhere', 'GET', 404), ('/metrics', 'POST', 405)):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(urllib.request.Request(self.page + path, method=method))
            self.assertEqual(refused.exception.code, want)
            refused.exception.close()
        done = self.ask('--url', self.page)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r'health +ok\n(.*\n)*canary +p50 ')
        self.assertTrue(json.loads(self.ask('--url', self.page, '--json').stdout)['healthy'])
        # It is not well when the queue is gone.
        self.sqs.delete_queue(QueueUrl=self.url)
        within(30, lambda: not self.status()['healthy'])
        self.assertEqual(self.ask('--url', self.page).returncode, 1)
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(self.page + '/healthz')
        self.assertEqual(refused.exception.code, 503)
        refused.exception.close()
        _, reasons, _ = self.health()
        self.assertIn(reasons[0]['code'], ('queue_unreadable', 'canary_late'))
        self.end(watch)
        self.assertEqual(self.ask('--url', self.page).returncode, 1)

    def check_exposition(self, text):
        """Prometheus' text format 0.0.4: what its parser refuses, and what promtool minds."""
        types, helps, seen, current = {}, set(), set(), None
        self.assertTrue(text.endswith('\n'))
        for line in text.splitlines():
            words = line.split(' ', 3)
            if line.startswith('# HELP '):
                self.assertNotIn(words[2], helps, line)
                self.assertTrue(words[3].endswith('.'), line)
                helps.add(words[2])
                current = None
            elif line.startswith('# TYPE '):
                self.assertNotIn(words[2], types, line)
                self.assertIn(words[2], helps, line)
                current, types[words[2]] = words[2], words[3]
                self.assertEqual(words[3] == 'counter', current.endswith('_total'), line)
            else:
                match = re.fullmatch(
                    r'([a-z_]+)(\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"\})? (\S+)', line)
                self.assertTrue(match, line)
                self.assertNotIn(line.rpartition(' ')[0], seen, line)
                seen.add(line.rpartition(' ')[0])
                name = match[1]
                if types.get(current) in ('histogram', 'summary'):
                    name = re.sub('_(bucket|sum|count)$', '', name)
                self.assertEqual(name, current, line)  # all of one metric stand together
                float(match[3])
        for name, kind in types.items():
            if kind == 'histogram':
                counts = [int(number) for number in
                          re.findall(rf'^{name}_bucket.* (\d+)$', text, re.MULTILINE)]
                self.assertEqual(counts, sorted(counts))
                self.assertIn(f'{name}_bucket{{le="+Inf"}} {counts[-1]}\n', text)
                self.assertIn(f'{name}_count {counts[-1]}\n', text)

    def ask(self, *words):
        return subprocess.run([program(), 'status', *words], capture_output=True, text=True,
                              env=self.environment())

    def test_systemd_is_told(self):
        path = str(self.folder / 'notify')
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(path)
            told.settimeout(60)
            watch = self.start(notify=path)
            first = told.recv(4096).decode()
            self.assertIn('READY=1', first)
            self.assertIn('WATCHDOG=1', first)
            self.end(watch)
            rest = ''
            while 'STOPPING=1' not in rest:
                rest += told.recv(4096).decode()

    def test_killed_at_any_time_nothing_is_lost(self):
        # The clock may hide and show a message more often than a slow daemon can settle it.
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={'RedrivePolicy': json.dumps(
            {'deadLetterTargetArn': QUEUES + 'dead', 'maxReceiveCount': 1000})})
        for number in range(3):
            watch = self.start(every='0')
            self.put('/prod/killed', f'value {number}', Overwrite=True)
            time.sleep(0.02 * number)  # somewhere in the middle
            watch.kill()
            watch.wait()
        watch = self.start(every='0')
        for region in COPIES:
            self.when_hidden_ones_come(lambda region=region:
                                       self.value('/prod/killed', region) == 'value 2')
        self.when_hidden_ones_come(lambda: self.depth() == 0)
        self.end(watch)

    def test_no_value_is_told(self):
        planted = 'PLANTEDvalue0123456789'
        watch = self.start('--debug')
        within(20, lambda: self.status()['passes'] == 1)  # else that copies it
        self.put('/prod/secret', planted, Type='SecureString')
        within(20, lambda: self.status()['items']['applied'] >= 1)
        for page in ('/', '/metrics', '/status.json', '/status.txt', '/healthz'):
            with urllib.request.urlopen(self.page + page) as answer:
                self.assertNotIn(planted, answer.read().decode())
        with open(f'/proc/{watch.pid}/cmdline', encoding='utf-8') as line:
            self.assertNotIn(planted, line.read())
        self.assertNotIn(planted, json.dumps(self.end(watch)))
        for path in self.folder.rglob('*'):
            if path.is_file():
                self.assertNotIn(planted.encode(), path.read_bytes(), path)

    def test_wrong_usage(self):
        for words, why in ((('--every', '0'), 'nothing to do'), (('--every', 'soon'), 'not a time'),
                           (('--listen', 'here'), 'ADDRESS:PORT'),
                           (('--queue', 'changes'), 'queue'),
                           (('--config', 'none.yaml'), 'none.yaml')):
            done = subprocess.run([program(), 'watch', *words], cwd=self.folder, text=True,
                                  capture_output=True, env=self.environment())
            self.assertIn(done.returncode, (1, 2), words)
            self.assertIn(why, done.stderr)

    @unittest.skipUnless(shutil.which('systemd-analyze'), 'no systemd here')
    def test_the_unit_file(self):
        unit = os.path.join(os.path.dirname(__file__), '../../deploy/systemd/'
                            'understudy-watch.service')
        with open(unit, encoding='utf-8') as file:
            text = file.read()
        copy = self.folder / 'understudy-watch.service'
        copy.write_text(text.replace('/usr/local/bin/understudy', shutil.which('true'))
                        .replace('Documentation=man:understudy(1)\n', ''))
        done = subprocess.run(['systemd-analyze', 'verify', str(copy)], capture_output=True,
                              text=True)
        self.assertEqual(done.stderr, '')


if __name__ == '__main__':
    unittest.main()
