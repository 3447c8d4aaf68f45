"""understudy reencrypt: ciphertexts of one Region's key come under another's, and no plaintext is
anywhere else."""
import base64
import json
import os
import subprocess

import replication
import sdk_message
from replication import Replication, SOURCE

HERE, THERE = SOURCE, 'us-east-1'
CANARY = 'canary-7f3a-never-to-be-seen'


class Reencrypt(Replication):
    def setUp(self):
        super().setUp()
        self.kms = {region: self.server.client('kms', region) for region in (HERE, THERE)}
        self.keys = {region: self.make(region) for region in (HERE, THERE)}

    def make(self, region, **how):
        return self.kms[region].create_key(**how)['KeyMetadata']['Arn']

    def seal(self, text, context=None, region=HERE, key=None):
        return base64.b64encode(self.kms[region].encrypt(
            KeyId=key or self.keys[region], Plaintext=text,
            EncryptionContext=context or {})['CiphertextBlob']).decode()

    def open(self, blob, context=None, region=THERE):
        answer = self.kms[region].decrypt(CiphertextBlob=base64.b64decode(blob),
                                          EncryptionContext=context or {})
        return answer['Plaintext'].decode('latin-1'), answer['KeyId']

    def words(self, *words):
        return [replication.program(), 'reencrypt', '--source-region', HERE,
                '--destination-region', THERE, '--key', self.keys[THERE], '--endpoint-url',
                self.witness.url, *words]

    def reencrypt(self, *words, text='', status=0):
        done = subprocess.run(self.words(*words), env=self.environment(), cwd=self.folder,
                              input=text.encode() if isinstance(text, str) else text,
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stderr.decode())
        return done

    def write(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    # --- lines ----------------------------------------------------------------------------------
    def test_lines_keep_their_order_their_blank_lines_and_their_context(self):
        lines = [self.seal(f'text {i}', {'who': 'me', 'n': str(i)}) + ' {"n": "%d"}' % i
                 for i in range(20)]
        text = '\n'.join(lines[:10]) + '\r\n\n' + '\n'.join(lines[10:])
        done = self.reencrypt('--context', 'who=me', '--json', text=text)
        out = done.stdout.decode()
        self.assertEqual(out.count('\n'), text.count('\n'))
        self.assertEqual(out.split('\n')[9][-1], '\r')
        found = [line for line in out.splitlines() if line]
        for i, line in enumerate(found):
            blob, context = line.split(' ', 1)
            self.assertEqual(json.loads(context), {'n': str(i)})
            self.assertEqual(self.open(blob, {'who': 'me', 'n': str(i)}),
                             (f'text {i}', self.keys[THERE]))
        self.assertEqual(json.loads(done.stderr), {
            'type': 'reencrypt', 'key': self.keys[THERE], 'inside_kms': False, 'lines': 21,
            'moved': 20, 'already': 0, 'resumed': 0, 'failed': 0})

    def test_data_keys_are_moved(self):
        made = self.kms[HERE].generate_data_key(KeyId=self.keys[HERE], KeySpec='AES_256')
        blob = base64.b64encode(made['CiphertextBlob']).decode()
        out = self.reencrypt(text=blob + '\n').stdout.decode().strip()
        self.assertEqual(self.open(out)[0].encode('latin-1'), made['Plaintext'])

    def test_members_of_json_lines_change_and_nothing_else(self):
        line = ' {"z":1.50, "secret":"%s","deep":{"b":"%s"}, "ctx":{"a":"b"},"z2":"\\u0041"}'
        text = line % (self.seal('one', {'a': 'b'}), self.seal('two', {'a': 'b'})) + '\n'
        out = self.reencrypt('--member', 'secret', '--member', '$.deep.b', '--context-member',
                             'ctx', text=text).stdout.decode()
        found = json.loads(out)
        self.assertEqual(self.open(found['secret'], {'a': 'b'})[0], 'one')
        self.assertEqual(self.open(found['deep']['b'], {'a': 'b'})[0], 'two')
        self.assertEqual(out, line % (found['secret'], found['deep']['b']) + '\n')

    def test_a_line_that_fails_is_named_and_ends_it(self):
        text = '\n'.join([self.seal('a'), 'bm90IGEgY2lwaGVydGV4dA==', self.seal('b')])
        done = self.reencrypt(text=text, status=1)
        self.assertIn('standard input:2: ', done.stderr.decode())
        self.assertEqual(len(done.stdout.decode().splitlines()), 1)

    def test_a_line_that_fails_is_kept_when_told(self):
        lines = [self.seal('a'), '%%%', self.seal('b', {'not': 'given'}), self.seal('c')]
        done = self.reencrypt('--keep-failed', text='\n'.join(lines), status=4)
        out = done.stdout.decode().splitlines()
        self.assertEqual(out[1:3], lines[1:3])
        self.assertEqual([self.open(out[i])[0] for i in (0, 3)], ['a', 'c'])
        self.assertIn('input:2: not base64', done.stderr.decode())
        self.assertIn('input:3: InvalidCiphertextException', done.stderr.decode())

    def test_a_wrong_context_is_refused(self):
        self.reencrypt('--context', 'a=c', text=self.seal('x', {'a': 'b'}), status=1)

    def test_a_disabled_key_is_refused_before_anything(self):
        self.kms[THERE].disable_key(KeyId=self.keys[THERE])
        done = self.reencrypt(text=self.seal('x'), status=1)
        self.assertIn('is Disabled: it must be Enabled', done.stderr.decode())
        self.assertFalse([call for call in self.witness.calls if call.operation == 'Decrypt'])

    def test_usage(self):
        for words in (['--format', 'json'], ['--context', 'x'], ['--member', 'a b['],
                      ['--in-place'], ['--format', 'xml'], ['--context-member', 'x']):
            self.reencrypt(*words, status=2)

    # --- inside KMS -----------------------------------------------------------------------------
    def test_within_one_region_the_plaintext_never_leaves_kms(self):
        other = self.make(THERE)
        done = subprocess.run(
            [replication.program(), 'reencrypt', '--source-region', THERE, '--destination-region',
             THERE, '--key', other, '--endpoint-url', self.witness.url, '--context', 'a=b'],
            input=self.seal('x', {'a': 'b'}, THERE), env=self.environment(), text=True,
            capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.open(done.stdout, {'a': 'b'}), ('x', other))
        self.assertEqual({call.operation for call in self.witness.calls},
                         {'DescribeKey', 'ReEncrypt'})

    def test_a_multi_region_key_is_opened_inside_the_destination(self):
        made = self.kms[HERE].create_key(MultiRegion=True)['KeyMetadata']
        self.kms[HERE].replicate_key(KeyId=made['KeyId'], ReplicaRegion=THERE)
        self.server.clock(advance=60)
        done = self.reencrypt('--source-key', made['Arn'], text=self.seal('x', key=made['Arn']))
        self.assertEqual(self.open(done.stdout.decode()), ('x', self.keys[THERE]))
        self.assertFalse([call for call in self.witness.calls
                          if call.operation in ('Decrypt', 'Encrypt')])

    # --- files ----------------------------------------------------------------------------------
    def test_a_file_is_replaced_when_all_is_done_and_keeps_its_mode(self):
        path = self.write('blobs', '\n'.join(self.seal(f't{i}') for i in range(5)) + '\n')
        path.chmod(0o640)
        self.reencrypt('--in-place', str(path))
        self.assertEqual([self.open(line)[0] for line in path.read_text().split()],
                         [f't{i}' for i in range(5)])
        self.assertEqual(path.stat().st_mode & 0o777, 0o640)
        self.assertEqual([p.name for p in self.folder.glob('blobs*')], ['blobs'])

    def test_a_failed_file_stays_and_the_same_command_goes_on(self):
        lines = [self.seal(f't{i}') for i in range(100)]
        lines[90] = 'bm90IGEgY2lwaGVydGV4dA=='
        path = self.write('blobs', '\n'.join(lines))
        self.reencrypt('--in-place', str(path), status=1)
        self.assertEqual(path.read_text(), '\n'.join(lines))
        before = len(self.witness.calls)
        mended = lines[:]
        mended[90] = self.seal('t90')
        path.write_text('\n'.join(mended))
        done = self.reencrypt('--in-place', '--json', str(path))
        told = json.loads(done.stderr)
        self.assertEqual((told['resumed'], told['moved']), (90, 10))
        self.assertLess(len(self.witness.calls) - before, 40)
        found = path.read_text().split('\n')
        self.assertEqual([self.open(found[i])[0] for i in (0, 89, 90, 99)],
                         ['t0', 't89', 't90', 't99'])

    def test_another_input_is_begun_anew(self):
        path = self.write('blobs', '\n'.join([self.seal('a'), 'bm90IGEgY2lwaGVydGV4dA==']))
        self.reencrypt('--in-place', str(path), status=1)
        path.write_text(self.seal('b') + '\n')
        done = self.reencrypt('--in-place', '--json', str(path))
        self.assertEqual(json.loads(done.stderr)['resumed'], 0)
        self.assertEqual(self.open(path.read_text())[0], 'b')

    def test_killed_anywhere_it_goes_on(self):
        path = self.write('blobs', '\n'.join(self.seal(f't{i}') for i in range(100)))
        counted = []

        def stall(call):
            counted.append(call)
            return 'stall' if call.operation == 'Encrypt' and len(counted) > 150 else None
        self.witness.rules.append(stall)
        process = subprocess.Popen(self.words('--in-place', str(path)), env=self.environment(),
                                   cwd=self.folder, stderr=subprocess.PIPE)
        self.assertTrue(self.witness.stalled.wait(60))
        process.kill()
        process.communicate()
        self.witness.rules.clear()
        self.witness.released.set()
        done = self.reencrypt('--in-place', '--json', str(path))
        told = json.loads(done.stderr)
        self.assertEqual((told['resumed'] + told['moved'], told['resumed'] % 64), (100, 0))
        self.assertGreater(told['resumed'], 0)
        self.assertEqual([self.open(line)[0] for line in path.read_text().split('\n')[::30]],
                         [f't{i}' for i in range(0, 100, 30)])

    # --- AWS Encryption SDK ---------------------------------------------------------------------
    def message(self, suite, text=b'hello', context=None, others=(), unstored=None, frame=4096):
        context = {'purpose': 'test'} if context is None else dict(context)
        signer = sdk_message.Signer(suite) if suite in sdk_message.SIGNED else None
        if signer:
            context[sdk_message.PUBLIC_KEY] = signer.point
        made = self.kms[HERE].generate_data_key(
            KeyId=self.keys[HERE], NumberOfBytes=sdk_message.KEY_SIZES[suite],
            EncryptionContext=dict(context, **(unstored or {})))
        keys = [(b'aws-kms', self.keys[HERE].encode(), made['CiphertextBlob']), *others]
        return made['Plaintext'], sdk_message.make(suite, made['Plaintext'], keys, context, text,
                                                   unstored, frame, signer)

    def opened(self, message, unstored=None):
        """The text of a message under the destination's key, and its data key."""
        found = sdk_message.parse(message)
        self.assertEqual(found.keys[0][:2], (b'aws-kms', self.keys[THERE].encode()))
        data_key = self.kms[THERE].decrypt(
            CiphertextBlob=found.keys[0][2], KeyId=self.keys[THERE],
            EncryptionContext=dict(found.context, **(unstored or {})))['Plaintext']
        return sdk_message.open_with(message, data_key, unstored), data_key

    def test_messages_of_the_sdk_get_a_data_key_of_the_destination(self):
        other = (b'raw', b'my key', b'0123456789')
        for suite in (0x0014, 0x0046, 0x0078, 0x0114, 0x0146, 0x0178):
            key, message = self.message(suite, b'hello' * 99, others=[other])
            path = self.write('message', message)
            self.reencrypt('--format', 'binary', '--in-place', str(path))
            moved = path.read_bytes()
            before, after = sdk_message.parse(message), sdk_message.parse(moved)
            self.assertEqual((after.context, after.keys[1:]), ({'purpose': 'test'}, [other]))
            self.assertEqual(self.opened(moved), (b'hello' * 99, key))
            self.assertEqual(after.rest[28:], before.rest[28:], 'the body stays')
            self.assertNotEqual(after.rest[:12], before.rest[:12], 'a nonce is never used twice')
            again = self.reencrypt('--format', 'binary', '--json', text=moved)
            self.assertEqual((again.stdout, json.loads(again.stderr)['already']), (moved, 1))

    def test_a_message_in_base64_and_context_that_is_kept_elsewhere(self):
        key, message = self.message(0x0178, unstored={'tenant': 'x'})
        text = base64.b64encode(message)
        self.reencrypt(text=text, status=1)
        out = base64.b64decode(self.reencrypt('--context', 'tenant=x', text=text).stdout)
        self.assertEqual(sdk_message.open_with(out, key, {'tenant': 'x'}), b'hello')

    def test_signed_and_committing_messages_are_encrypted_again(self):
        text = bytes(range(256)) * 10
        for suite, frame in ((0x0214, 1000), (0x0346, 4096), (0x0378, 0), (0x0478, 2560),
                             (0x0578, 100)):
            key, message = self.message(suite, text, frame=frame)
            moved = self.reencrypt('--format', 'binary', text=message).stdout
            before, after = sdk_message.parse(message), sdk_message.parse(moved)
            found, data_key = self.opened(moved)
            self.assertEqual((found, after.suite), (text, suite))
            self.assertNotEqual((data_key, after.id), (key, before.id))
            self.assertEqual((after.framed, after.frame), (True, frame or 4096))
            self.assertEqual(len(after.keys), 1)
            told = after.context.pop(sdk_message.PUBLIC_KEY, None)
            self.assertNotEqual(told, before.context.get(sdk_message.PUBLIC_KEY, ''))
            self.assertEqual(after.context, {'purpose': 'test'})
            again = self.reencrypt('--format', 'binary', '--json', text=moved)
            self.assertEqual((again.stdout, json.loads(again.stderr)['already']), (moved, 1))

    def test_a_large_signed_message_in_lines_files_and_with_context_kept_elsewhere(self):
        text = os.urandom(300000)
        _, message = self.message(0x0578, text, unstored={'tenant': 'x'})
        path = self.write('message', message)
        self.reencrypt('--format', 'binary', '--in-place', str(path), status=1)
        self.assertEqual(path.read_bytes(), message)
        self.reencrypt('--format', 'binary', '--context', 'tenant=x', '--in-place', str(path))
        self.assertEqual(self.opened(path.read_bytes(), {'tenant': 'x'})[0], text)
        self.assertEqual([p.name for p in self.folder.glob('message*')], ['message'])
        line = base64.b64encode(message).decode() + ' {"tenant": "x"}\n'
        out, rest = self.reencrypt(text=line).stdout.decode().split(' ', 1)
        self.assertEqual(rest, '{"tenant": "x"}\n')
        self.assertEqual(self.opened(base64.b64decode(out), {'tenant': 'x'})[0], text)

    def test_nothing_of_a_message_that_is_not_proved_is_published(self):
        _, message = self.message(0x0578, os.urandom(200000))
        for wrong in (message[:-1] + bytes([message[-1] ^ 1]), message[:-1], message + b'x',
                      message[:150000] + bytes([message[150000] ^ 1]) + message[150001:]):
            path = self.write('message', wrong)
            before = sorted(self.folder.iterdir())
            done = self.reencrypt('--format', 'binary', text=wrong, status=1)
            self.assertEqual(done.stdout, b'')
            self.assertIn('is damaged: ', done.stderr.decode())
            self.reencrypt('--format', 'binary', '--in-place', str(path), status=1)
            self.reencrypt('--format', 'binary', '--out', str(self.folder / 'new'), str(path),
                           status=1)
            self.reencrypt('--format', 'binary', '--out', str(self.folder / 'new'), text=wrong,
                           status=1)
            self.assertEqual(path.read_bytes(), wrong)
            self.assertEqual(sorted(self.folder.iterdir()), before)
        line = base64.b64encode(wrong)
        self.assertEqual(self.reencrypt('--keep-failed', text=line, status=4).stdout, line)

    def test_data_keys_of_others_stay_where_they_can(self):
        other = (b'raw', b'my key', b'0123456789')
        key, message = self.message(0x0478, others=[other])
        moved = self.reencrypt('--format', 'binary', text=message).stdout
        self.assertEqual(sdk_message.parse(moved).keys[1:], [other])
        self.assertEqual(self.opened(moved), (b'hello', key))  # the one that the other is of
        self.assertNotEqual(sdk_message.parse(moved).id, sdk_message.parse(message).id)
        _, message = self.message(0x0578, others=[other])
        done = self.reencrypt('--format', 'binary', text=message, status=1)
        self.assertIn('leave them out with --drop-other-keys', done.stderr.decode())
        self.assertEqual(done.stdout, b'')
        for suite in (0x0178, 0x0478, 0x0578):
            key, message = self.message(suite, others=[other])
            moved = self.reencrypt('--format', 'binary', '--drop-other-keys', text=message).stdout
            self.assertEqual(len(sdk_message.parse(moved).keys), 1)
            found, data_key = self.opened(moved)
            self.assertEqual((found, data_key == key), (b'hello', suite == 0x0178))

    def test_what_cannot_be_is_refused_before_any_key_is_opened(self):
        _, message = self.message(0x0178)
        for wrong, words in ((message[:2] + b'\x03\x78' + message[4:], 'has no aws-crypto-public'),
                             (message[:2] + b'\x03\x79' + message[4:], 'are not known'),
                             (self.message(0x0178, context={'aws-crypto-public-key': 'x'})[1],
                              'is not signed (suite 0178), but its context has aws-crypto')):
            done = self.reencrypt('--format', 'binary', text=wrong, status=1)
            self.assertIn(words, done.stderr.decode())
        self.assertFalse([call for call in self.witness.calls if call.operation == 'Decrypt'])

    def test_a_damaged_message_is_not_given_a_new_tag(self):
        _, message = self.message(0x0178)
        changed = message.replace(struct_of_frame(4096), struct_of_frame(4097))
        self.assertNotEqual(changed, message)
        done = self.reencrypt('--format', 'binary', text=changed, status=1)
        self.assertIn('is damaged: its header is not what was encrypted', done.stderr.decode())
        self.assertEqual(done.stdout, b'')
        self.reencrypt('--format', 'binary', text=message[:60], status=1)

    # --- secrecy --------------------------------------------------------------------------------
    def test_no_plaintext_is_written_anywhere(self):
        blobs = [self.seal(f'{CANARY}-{i}') for i in range(70)]
        path = self.write('blobs', '\n'.join(blobs))
        key, message = self.message(0x0178, CANARY.encode())
        binary = self.write('message', message)
        signed_key, message = self.message(0x0578, CANARY.encode())
        signed = self.write('signed', message)
        done = [self.reencrypt('--in-place', '--debug', str(path)),
                self.reencrypt('--format', 'binary', '--debug', '--in-place', str(binary),
                               str(signed)),
                self.reencrypt('--debug', '--keep-failed', text='\n'.join(blobs[:3] + ['x']),
                               status=4)]
        self.witness.rules.append(lambda call: replication.error(
            'ValidationException', 'no: ' + json.loads(call.body)['Plaintext'])
            if call.operation == 'Encrypt' else None)
        done.append(self.reencrypt(text=blobs[0], status=1))
        wanted = [CANARY.encode(), base64.b64encode(CANARY.encode())[:24],
                  key, base64.b64encode(key)[:40], signed_key]
        for run in done:
            for needle in wanted:
                self.assertNotIn(needle, run.stdout + run.stderr)
        for folder, _, names in os.walk(self.folder):
            for name in names:
                data = (self.folder / folder / name).read_bytes()
                for needle in wanted:
                    self.assertNotIn(needle, data, name)
        self.assertFalse(list(self.folder.glob('**/core*')))


def struct_of_frame(size):
    return b'\x02' + bytes(4) + b'\x0c' + size.to_bytes(4, 'big')


if __name__ == '__main__':
    import unittest
    unittest.main(verbosity=2, warnings='default')
