"""understudy promote --keys, failback --keys: primaries of multi-Region keys go and come back."""
import json
import signal
import subprocess

import replication
from replication import Replication, SOURCE

HERE, THERE, THIRD = SOURCE, 'us-east-1', 'eu-west-1'


class Promote(Replication):
    def setUp(self):
        super().setUp()
        self.kms = {region: self.server.client('kms', region) for region in (HERE, THERE, THIRD)}

    def make(self, *regions, alias=None, **how):
        key = self.kms[HERE].create_key(MultiRegion=True, **how)['KeyMetadata']['KeyId']
        for region in regions:
            self.kms[HERE].replicate_key(KeyId=key, ReplicaRegion=region)
        self.server.clock(advance=60)  # no longer Creating
        if alias:
            self.kms[THERE].create_alias(AliasName=alias, TargetKeyId=key)
        return key

    def primary(self, key, region=HERE):
        return self.kms[region].describe_key(KeyId=key)['KeyMetadata'][
            'MultiRegionConfiguration']['PrimaryKey']['Region']

    def words(self, command, *words, to=THERE):
        return [replication.program(), command, '--keys', '--source-region', HERE,
                '--destination-region', to, '--endpoint-url', self.witness.url, *words]

    def promote(self, *words, command='promote', status=0, to=THERE):
        done = subprocess.run(self.words(command, *words, to=to), env=self.environment(),
                              cwd=self.folder, text=True, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return replication.Done(done.returncode, done.stdout, done.stderr)

    def pass_time(self):
        """A move takes a while: time passes at each look."""
        def rule(call):
            if call.operation == 'DescribeKey' and self.asked():
                self.server.clock(advance=30)
        self.witness.rules.append(rule)

    def asked(self):
        return [call for call in self.witness.calls if call.operation == 'UpdatePrimaryRegion']

    def test_it_is_shown_first_and_moved_when_told_and_comes_back(self):
        key = self.make(THERE, THIRD, alias='alias/app')
        shown = self.promote()
        self.assertIn(f'~ {key}  alias/app  primary {HERE} → {THERE}\n', shown.out)
        self.assertIn('nothing was changed: --yes moves them', shown.out)
        self.assertEqual(self.witness.writes(), [])
        self.pass_time()
        moved = self.promote('--yes')
        self.assertIn('moved\n', moved.out)
        self.assertEqual({self.primary(key, region) for region in self.kms}, {THERE})
        self.assertEqual([call.region for call in self.asked()], [HERE])
        again = self.promote('--yes', '--json')
        self.assertEqual(again.lines[0]['outcome'], 'there')
        self.assertEqual(len(self.asked()), 1, 'equal means no write')
        self.promote('--yes', key, command='failback')
        self.assertEqual(self.primary(key), HERE)
        self.assertEqual(self.asked()[1].region, THERE)
        runs = subprocess.run([replication.program(), 'runs', '--json'], env=self.environment(),
                              text=True, capture_output=True, check=True).stdout
        self.assertEqual([(run['command'], run['outcome']) for run in
                          map(json.loads, runs.splitlines())],
                         [('failback', 'done'), ('promote', 'done'), ('promote', 'done')])

    def test_what_is_in_the_way_is_named(self):
        alone = self.make()
        single = self.kms[HERE].create_key()['KeyMetadata']['KeyId']
        off = self.make(THERE)
        self.kms[THERE].disable_key(KeyId=off)
        going = self.make(THERE)
        self.kms[THERE].schedule_key_deletion(KeyId=going)
        done = self.promote('--yes', '--json', alone, off, going, status=1)
        words = {line['key']: line['why'] for line in done.lines if line['type'] == 'key'}
        self.assertIn(f'{THERE} has no replica', words[alone])
        self.assertIn(f'the replica in {THERE} is Disabled: enable it first', words[off])
        self.assertIn('PendingDeletion: cancel its deletion', words[going])
        self.assertEqual(self.asked(), [])
        self.promote(single, status=1)
        fine = self.make(THERE)
        self.pass_time()
        done = self.promote('--yes', '--json', off, fine, status=4)
        self.assertEqual(done.summary['moved'], 1)

    def test_a_disabled_primary_is_named(self):
        key = self.make(THERE)
        self.kms[HERE].disable_key(KeyId=key)
        self.assertIn(f'the primary in {HERE} is Disabled', self.promote(key, status=1).out)

    def test_policies_that_differ_are_in_the_way_unless_forced(self):
        key = self.make(THERE)
        policy = json.loads(self.kms[THERE].get_key_policy(KeyId=key, PolicyName='default')[
            'Policy'])
        policy['Statement'].append({'Effect': 'Deny', 'Principal': '*', 'Action': 'kms:Sign',
                                    'Resource': '*'})
        self.kms[THERE].put_key_policy(KeyId=key, PolicyName='default',
                                       Policy=json.dumps(policy))
        self.assertIn('its policy in us-east-1 does not say', self.promote('--yes', status=1).out)
        self.pass_time()
        self.promote('--yes', '--force')
        self.assertEqual(self.primary(key), THERE)

    def test_a_policy_that_differs_by_its_region_only_is_equal(self):
        policy = {'Version': '2012-10-17', 'Statement': [
            {'Effect': 'Allow', 'Principal': {'AWS': f'arn:aws:iam::{replication.ACCOUNT}:root'},
             'Action': 'kms:*', 'Resource': '*'},
            {'Effect': 'Deny', 'Principal': '*', 'Action': 'kms:Decrypt', 'Resource': '*',
             'Condition': {'StringEquals': {'kms:ViaService': f's3.{HERE}.amazonaws.com'}}}]}
        key = self.kms[HERE].create_key(MultiRegion=True, Policy=json.dumps(policy))[
            'KeyMetadata']['KeyId']
        self.kms[HERE].replicate_key(KeyId=key, ReplicaRegion=THERE,
                                     Policy=json.dumps(policy).replace(HERE, THERE))
        self.server.clock(advance=60)
        self.assertIn('1 to-move', self.promote(key).out)

    def test_a_primary_in_a_third_region_is_moved_from_there(self):
        key = self.make(THERE, THIRD)
        self.kms[HERE].update_primary_region(KeyId=key, PrimaryRegion=THIRD)
        self.server.clock(advance=60)
        self.pass_time()
        self.promote('--yes', key)
        self.assertEqual([call.region for call in self.asked()], [THIRD])
        self.assertEqual(self.primary(key), THERE)

    def test_a_lost_answer_is_looked_after(self):
        key = self.make(THERE)
        self.pass_time()
        self.witness.rules.insert(0, lambda call: 'lose' if call.operation == 'UpdatePrimaryRegion'
                                  else None)
        self.promote('--yes', key)
        self.assertEqual((self.primary(key), len(self.asked())), (THERE, 1))

    def test_killed_while_it_moves_the_same_command_goes_on(self):
        key = self.make(THERE)
        self.witness.rules.append(lambda call: 'stall' if call.operation == 'DescribeKey' and
                                  self.asked() else None)
        process = subprocess.Popen(self.words('promote', '--yes'), env=self.environment(),
                                   cwd=self.folder, stdout=subprocess.PIPE)
        self.assertTrue(self.witness.stalled.wait(60))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.witness.rules.clear()
        self.witness.released.set()
        self.server.clock(advance=60)
        done = self.promote('--yes', '--json')
        self.assertEqual((done.lines[0]['outcome'], done.lines[0].get('begun_before')),
                         ('there', True))
        self.assertEqual((self.primary(key), len(self.asked())), (THERE, 1))

    def test_a_refusal_is_a_failure(self):
        key = self.make(THERE)
        self.witness.rules.append(lambda call: replication.error('AccessDeniedException')
                                  if call.operation == 'UpdatePrimaryRegion' else None)
        done = self.promote('--yes', key, status=1)
        self.assertIn('! ' + key, done.out)
        self.assertIn('kms:UpdatePrimaryRegion', done.out)

    def test_while_the_region_is_down_it_says_what_works(self):
        key = self.make(THERE, alias='alias/app')
        self.server.control('POST', 'faults', [{'kind': 'down', 'region': HERE}])
        self.addCleanup(self.server.control, 'DELETE', 'faults')
        done = self.promote('--region-down', '--json')
        self.assertEqual((done.lines[0]['key'], done.lines[0]['outcome']), (key, 'alone'))
        self.assertFalse([call for call in self.witness.calls if call.region == HERE])
        done = self.promote('--yes', '--json', 'alias/app', status=1)
        self.assertEqual(done.lines[0]['outcome'], 'down')
        for words in (f'{HERE} does not answer, and only there', 'encrypts and decrypts by itself',
                      'no replica can be made and nothing rotates', 'give the same command again'):
            self.assertIn(words, done.lines[0]['why'])
        text = self.kms[THERE].encrypt(KeyId=key, Plaintext='still here')['CiphertextBlob']
        self.assertEqual(self.kms[THERE].decrypt(CiphertextBlob=text)['Plaintext'], b'still here')

    def test_source_and_destination_come_from_the_configuration(self):
        key = self.make(THERE)
        path = self.folder / 'understudy.yaml'
        path.write_text(f'source: {{region: {HERE}}}\ndestinations: [{{region: {THERE}}}, '
                        f'{{region: {THIRD}}}]\n')
        words = [replication.program(), 'promote', '--keys', '--endpoint-url', self.witness.url]
        both = subprocess.run(words, env=self.environment(), cwd=self.folder, text=True,
                              capture_output=True, timeout=60)
        self.assertIn('choose one with --destination-region', both.stderr)
        one = subprocess.run([*words, '--destination-region', THERE], env=self.environment(),
                             cwd=self.folder, text=True, capture_output=True, timeout=60)
        self.assertIn(f'~ {key}', one.stdout)

    def test_the_keys_of_the_configuration_are_meant(self):
        one, other = self.make(THERE), self.make(THERE)
        for region in (HERE, THERE):
            self.kms[region].create_alias(AliasName='alias/app/one', TargetKeyId=one)
            self.kms[region].create_alias(AliasName='alias/other', TargetKeyId=other)
        (self.folder / 'understudy.yaml').write_text(
            f'source: {{region: {HERE}}}\ndestinations: [{{region: {THERE}}}]\n'
            'parameters: {include: ["/x"]}\nkms_keys: {include: ["alias/app/**"]}\n')
        for command in ('promote', 'failback'):
            done = subprocess.run(
                [replication.program(), command, '--keys', '--json', '--endpoint-url',
                 self.witness.url], env=self.environment(), cwd=self.folder, text=True,
                capture_output=True, timeout=60)
            keys = [json.loads(line).get('key') for line in done.stdout.splitlines()]
            self.assertEqual(keys, [one, None], done.stderr)

    def test_usage(self):
        for words in ([], ['--keys', '--yes', '--region-down'], ['--bad']):
            done = subprocess.run([replication.program(), 'promote', *words], text=True,
                                  env=self.environment(), capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 2)


if __name__ == '__main__':
    import unittest
    unittest.main(verbosity=2, warnings='default')
