"""kms_keys: multi-Region keys kept equal between Regions of the local AWS."""
import json
import os
import unittest

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from key_replication import ACCOUNT, KeyReplication, policy, via
from replication import COPIES, SOURCE, error
from test_reconcile import Reconciler


class Keys(KeyReplication):
    # --- made and kept equal --------------------------------------------------------------------
    def test_r44_a_key_is_replicated_with_all_that_aws_leaves_behind(self):
        key = self.made('alias/prod', Description='orders', Policy=policy(via(SOURCE)),
                        Tags=[{'TagKey': 'team', 'TagValue': 'a'}])
        self.assertIn('2 to create', self.go('plan').out)
        self.assertEqual(self.written(), [])
        self.go('sync')
        for region in COPIES:
            have, source = self.about(key, region), self.about(key, SOURCE)
            self.assertEqual(have.pop('policy'), json.loads(policy(via(region))))
            source.pop('policy')
            self.assertEqual(have, source)
        secret = self.kms(SOURCE).encrypt(KeyId=key, Plaintext=b'x')['CiphertextBlob']
        self.assertEqual(self.kms(COPIES[0]).decrypt(CiphertextBlob=secret)['Plaintext'], b'x')
        self.go('verify')
        self.go('sync')
        self.assertEqual(self.written(), [])

    def test_each_property_that_drifts_is_told_and_repaired_alone(self):
        key, there = self.made('alias/prod', Description='orders',
                               Tags=[{'TagKey': 'team', 'TagValue': 'a'}]), self.kms(COPIES[0])
        self.go('sync')
        for word, drift, repair in (
                ('description', lambda: there.update_key_description(KeyId=key, Description='?'),
                 ['UpdateKeyDescription']),
                ('enabled', lambda: there.disable_key(KeyId=key), ['EnableKey']),
                ('policy', lambda: there.put_key_policy(KeyId=key, Policy=policy(via(SOURCE))),
                 ['PutKeyPolicy']),
                ('tags.team', lambda: there.tag_resource(
                    KeyId=key, Tags=[{'TagKey': 'team', 'TagValue': 'b'}]), ['TagResource']),
                ('tags.new', lambda: there.tag_resource(
                    KeyId=key, Tags=[{'TagKey': 'new', 'TagValue': ''}]), ['UntagResource']),
                ('aliases', lambda: there.delete_alias(AliasName='alias/prod'), ['CreateAlias'])):
            with self.subTest(word):
                drift()
                self.assertIn(word, self.go('verify', status=3).out)
                self.assertEqual(self.written(), [])
                self.go('sync')
                self.assertEqual(self.written(), repair)
                self.go('verify')

    def test_r43_parity_is_shown_as_a_matrix(self):
        key, same = self.made('alias/prod'), self.made('alias/same')
        self.go('sync')
        self.kms(COPIES[1]).update_key_description(KeyId=key, Description='?')
        out = self.go('verify', status=3).out
        self.assertRegex(out, rf'parity +{COPIES[0]} +{COPIES[1]}')
        self.assertRegex(out, r'alias/prod +=  +description')
        self.assertRegex(out, r'alias/same +=  +=')
        rows = {line['key']: line for line in self.go('verify', '--json', status=3).lines
                if line['type'] == 'parity'}
        self.assertEqual(rows[key]['regions'], {COPIES[0]: '=', COPIES[1]: 'description'})
        self.assertTrue(rows[same]['equal'])

    def test_a_matrix_of_many_keys_and_regions_is_readable(self):
        """Each drift in its cell, no line wider than a screen, what is equal left out."""
        regions = *COPIES, 'ap-northeast-1', 'ap-southeast-1', 'ap-southeast-2'
        keys = [self.made(f'alias/service/number-{number:02}', Description='d',
                          Tags=[{'TagKey': 'team', 'TagValue': 'a'}]) for number in range(22)]
        self.go('sync', regions=regions)
        there = self.kms(regions[0])
        there.update_key_description(KeyId=keys[1], Description='')
        there.put_key_policy(KeyId=keys[1], Policy=policy(via(SOURCE)))
        there.tag_resource(KeyId=keys[1], Tags=[{'TagKey': 'team', 'TagValue': 'b'}])
        there.delete_alias(AliasName='alias/service/number-01')
        there.disable_key(KeyId=keys[2])
        there.schedule_key_deletion(KeyId=keys[3], PendingWindowInDays=7)
        self.kms().schedule_key_deletion(KeyId=keys[4], PendingWindowInDays=7)
        self.made('alias/new')
        self.witness.rules.append(lambda call: error('AccessDeniedException', 'no') if (
            call.region, call.operation) == (regions[4], 'ListKeys') else None)
        out = self.go('verify', status=4, regions=regions).out
        table = out[out.index('  parity'):out.index('not in sync')].splitlines()
        self.assertLessEqual(max(map(len, table)), 104)
        self.assertEqual([line for line in table if line != line.rstrip()], [])
        names = {line.split()[0]: line.split()[1:] for line in table if 'alias/' in line}
        self.assertEqual(names, {
            'alias/service/number-01': ['description,', '=', '=', '='],
            'alias/service/number-02': ['enabled', '=', '=', '='],
            'alias/service/number-03': ['enabled', '=', '=', '='],
            'alias/service/number-04': ['left', 'over'] * 4,
            'alias/new': ['missing'] * 4})
        self.assertEqual(table[0].split(), ['parity', *regions[:4]])
        wrapped = ' '.join(line.strip() for line in table[table.index(next(
            line for line in table if 'number-01' in line)):][:3])
        self.assertIn('= policy, aliases, tags.team', wrapped)
        rows = {line['label']: line for line in self.go(
            'verify', '--json', status=4, regions=regions).lines if line['type'] == 'parity'}
        self.assertEqual(len(rows), 23)
        self.assertEqual(rows['alias/service/number-01']['regions'], {
            regions[0]: 'description, policy, aliases, tags.team',
            **dict.fromkeys(regions[1:4], '='), regions[4]: 'not seen'})
        self.assertFalse(rows['alias/service/number-05']['equal'])

    def test_a_policy_is_compared_by_its_meaning(self):
        key = self.made(Policy=policy(via(SOURCE)))
        self.go('sync')
        said = json.loads(policy(via(COPIES[0])))
        said['Id'] = 'other'
        said['Statement'].reverse()
        for statement in said['Statement']:
            statement['Sid'] = 'another'
            statement['Action'] = [statement['Action'].upper().replace('KMS:', 'kms:')]
            statement['Principal'] = {'AWS': [statement['Principal']['AWS'].replace(
                f'arn:aws:iam::{ACCOUNT}:root', ACCOUNT)]}
        self.kms(COPIES[0]).put_key_policy(KeyId=key, Policy=json.dumps(said))
        self.go('verify')

    def test_a_disabled_source_disables_its_replicas_and_is_not_replicated(self):
        key = self.made()
        self.go('sync', regions=COPIES[:1])
        self.kms().disable_key(KeyId=key)
        out = self.go('sync', status=4).out
        self.assertEqual(self.about(key, COPIES[0])['state'], 'Disabled')
        self.assertIn('AWS replicates enabled keys only', out)

    def test_an_alias_of_another_key_is_taken_only_when_told(self):
        key = self.made('alias/prod')
        other = self.made('alias/prod', COPIES[0], MultiRegion=False)
        done = self.go('sync', status=4, keys='aliases: add')
        self.assertIn(f'alias/prod stands for key {other}', done.out)
        self.assertEqual(self.about(key, COPIES[0])['state'], 'Enabled')  # the rest is done
        self.go('sync', keys='aliases: move')
        self.assertEqual(self.about(key, COPIES[0])['aliases'], ['alias/prod'])

    def test_other_aliases_stay_unless_exact(self):
        key = self.made('alias/prod')
        self.go('sync')
        self.kms(COPIES[0]).create_alias(AliasName='alias/dr', TargetKeyId=key)
        self.go('verify')
        self.go('verify', keys='aliases: exact', status=3)
        self.go('sync', keys='aliases: exact')
        self.assertEqual(self.written(), ['DeleteAlias'])

    def test_a_failed_property_leaves_the_others_done(self):
        key = self.made(Description='a')
        self.go('sync')
        self.kms().update_key_description(KeyId=key, Description='b')
        self.kms().put_key_policy(KeyId=key, Policy=policy(via(SOURCE)))
        self.witness.rules.append(lambda call: error(
            'MalformedPolicyDocumentException', 'Policy contains a statement with one or more '
            'invalid principals.') if call.operation == 'PutKeyPolicy' else None)
        out = self.go('sync', status=1).out
        self.assertIn('policy: AWS refuses the policy', out)
        self.assertEqual(self.about(key, COPIES[0])['description'], 'b')

    def test_a_lost_answer_to_replicate_is_looked_after(self):
        key = self.made('alias/prod')
        lost = []

        def lose(call):
            if call.operation == 'ReplicateKey' and call.region == SOURCE and not lost:
                lost.append(call)
                return 'lose'
            return None
        self.witness.rules.append(lose)
        self.go('sync', regions=COPIES[:1])
        self.assertEqual(len(lost), 1)
        self.assertEqual(self.about(key, COPIES[0])['aliases'], ['alias/prod'])
        self.go('verify', regions=COPIES[:1])

    def test_asymmetric_and_hmac_keys_are_replicated_too(self):
        self.made('alias/sign', KeySpec='ECC_NIST_P256', KeyUsage='SIGN_VERIFY')
        self.made('alias/mac', KeySpec='HMAC_256', KeyUsage='GENERATE_VERIFY_MAC')
        self.go('sync')
        self.go('verify', '--deep')

    def give_material(self, key, region, material):
        asked = self.kms(region).get_parameters_for_import(
            KeyId=key, WrappingAlgorithm='RSAES_OAEP_SHA_256', WrappingKeySpec='RSA_2048')
        public = serialization.load_der_public_key(asked['PublicKey'])
        self.kms(region).import_key_material(
            KeyId=key, ImportToken=asked['ImportToken'],
            ExpirationModel='KEY_MATERIAL_DOES_NOT_EXPIRE', EncryptedKeyMaterial=public.encrypt(
                material, padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)))

    def test_imported_material_is_a_named_loss(self):
        key, one = self.made(Origin='EXTERNAL'), {'regions': COPIES[:1]}
        self.assertIn('no key material yet', self.go('plan').out)
        material = os.urandom(32)
        self.give_material(key, SOURCE, material)
        self.assertIn('import the same material into us-east-1', self.go('sync', **one).out)
        self.assertEqual(self.about(key, COPIES[0])['state'], 'PendingImport')
        self.assertIn('of no use until', self.go('verify', status=3, **one).out)
        self.give_material(key, COPIES[0], material)
        self.go('verify', **one)

    def test_the_source_may_hold_a_replica(self):
        key = self.made('alias/prod', COPIES[0])
        self.kms(COPIES[0]).replicate_key(KeyId=key, ReplicaRegion=SOURCE)
        self.settle(key, SOURCE)
        self.kms().create_alias(AliasName='alias/prod', TargetKeyId=key)
        self.go('sync')
        self.assertEqual(self.about(key, COPIES[1])['aliases'], ['alias/prod'])
        self.kms().update_key_description(KeyId=key, Description='from the replica')
        self.go('sync')
        self.assertEqual(self.about(key, COPIES[0])['description'], 'from the replica')

    def test_hints_by_id_and_arn_bring_one_key(self):
        key, other = self.made('alias/prod'), self.made('alias/rest')
        url = self.witness.url
        reconciler = Reconciler(self, f'source: {{region: {SOURCE}, endpoint_url: "{url}"}}\n'
                                f'destinations: [{{region: {COPIES[0]}, endpoint_url: "{url}"}}]\n'
                                'kms_keys: {}\n')
        for name, outcome in ((key, 'applied'), (key, 'equal'),
                              (f'arn:aws:kms:{SOURCE}:{ACCOUNT}:key/{key}', 'equal'),
                              ('alias/prod', 'equal')):
            hint = {'kind': 'kms-key', 'region': SOURCE, 'name': name}
            self.assertEqual(reconciler.hints(hint)['outcomes'], [outcome])
        self.assertEqual(self.about(key, COPIES[0])['aliases'], ['alias/prod'])
        with self.assertRaises(self.kms(COPIES[0]).exceptions.NotFoundException):
            self.about(other, COPIES[0])
        self.kms().update_key_description(KeyId=key, Description='new')
        answer = reconciler.hints({'kind': 'kms-key', 'region': SOURCE, 'name': 'alias/prod'})
        self.assertEqual(answer['outcomes'], ['applied'])
        self.assertEqual(self.about(key, COPIES[0])['description'], 'new')
        # That it cannot be seen which key is meant is no reason to pass over it.
        self.witness.rules.append(lambda call: error('AccessDeniedException', 'no')
                                  if call.operation == 'DescribeKey' else None)
        answer = reconciler.hints({'kind': 'kms-key', 'region': SOURCE, 'name': 'alias/prod'})
        self.assertEqual(answer['outcomes'], ['failed'])

    # --- selecting ------------------------------------------------------------------------------
    def test_keys_are_selected_by_alias_id_arn_and_tag(self):
        by = {'alias': self.made('alias/a/b'), 'id': self.made(), 'arn': self.made(),
              'tag': self.made(Tags=[{'TagKey': 'dr', 'TagValue': 'yes'}]),
              'not': self.made('alias/a/c')}
        arn = f'arn:aws:kms:{SOURCE}:{ACCOUNT}:key/{by["arn"]}'
        self.go('sync', regions=COPIES[:1], keys='include: ["alias/a/*", "%s", "%s", "tag:dr=yes"],'
                ' exclude: [alias/a/c]' % (by['id'], arn))
        there = {row['KeyId'] for row in self.kms(COPIES[0]).list_keys()['Keys']}
        self.assertEqual(there, set(by.values()) - {by['not']})

    def test_what_cannot_be_meant_is_refused(self):
        for keys, why in (('include: [prod]', "did you mean 'alias/prod'"),
                          ('include: [alias/aws/ssm]', "AWS's own"),
                          ('deletion_window: 5', 'days from 7 to 30'),
                          ('aliases: all', 'is none of'), ('regions: [eu-north-1]', 'destination'),
                          ('counterparts: ["alias/*"]', 'without star'),
                          ('polcy: x', "did you mean 'policy'")):
            self.assertIn(why, self.go('plan', keys=keys, status=2).err)

    def test_r45_a_single_region_key_is_named_and_blocked(self):
        self.made('alias/single', MultiRegion=False)
        self.made('alias/prod')
        self.assertNotIn('single', self.go('plan').out)
        out = self.go('sync', keys='include: [alias/single]', status=4).out
        self.assertIn('a single-Region key', out)

    def test_keys_and_parameters_in_one_file(self):
        self.made('alias/prod')
        self.put('/a', 'secret', Type='SecureString', KeyId='alias/prod')
        self.go('sync', parameters='{include: [/a]}')
        self.go('verify', parameters='{include: [/a]}')
        done = self.go('verify', '--json', '--kind', 'kms-key', parameters='{include: [/a]}')
        self.assertEqual({line['kind'] for line in done.lines if 'kind' in line}, {'kms-key'})
        self.go('verify', '--include', '/a', parameters='{include: [/a]}', status=2)

    def test_another_account_is_blocked(self):
        """AWS replicates within an account: said for each key, and nothing is written there."""
        key = self.made('alias/prod')
        other = '222222222222'
        iam = self.server.client('iam', account=other)
        role = iam.create_role(RoleName='keeper', AssumeRolePolicyDocument=json.dumps({
            'Version': '2012-10-17', 'Statement': [{
                'Effect': 'Allow', 'Principal': {'AWS': ACCOUNT}, 'Action': 'sts:AssumeRole'}]}))
        iam.put_role_policy(RoleName='keeper', PolicyName='all', PolicyDocument=json.dumps({
            'Version': '2012-10-17',
            'Statement': [{'Effect': 'Allow', 'Action': '*', 'Resource': '*'}]}))
        config = (f'source: {{region: {SOURCE}}}\ndestinations: [{{region: {COPIES[0]}, '
                  f'role_arn: "{role["Role"]["Arn"]}"}}, {{region: {COPIES[1]}}}]\n'
                  'kms_keys: {}\n')
        self.witness.calls.clear()
        done = self.run_it('sync', '--json', config=config, status=4)
        blocked = [line for line in done.lines if line.get('action') == 'blocked']
        self.assertEqual([line['destination'] for line in blocked], [COPIES[0]])
        self.assertIn(f'{other} is another account, and AWS replicates a key only within',
                      blocked[0]['reason'])
        self.assertEqual({call.region for call in self.witness.writes()
                          if call.service == 'kms'}, {SOURCE, COPIES[1]})
        self.assertEqual(self.about(key, COPIES[1])['aliases'], ['alias/prod'])
        self.run_it('verify', config=config, status=3)

    # --- left over ------------------------------------------------------------------------------
    def test_replicas_left_over_go_only_by_rule_and_with_a_window(self):
        key, other = self.made('alias/prod'), self.made('alias/rest')
        self.go('sync')
        only = 'include: [alias/rest]'
        out = self.go('sync', keys=only).out
        self.assertIn('deletes: never', out)
        self.assertEqual(self.written(), [])
        rule = only + ', deletes: owned, delete_grace: 0, max_delete: 100%, deletion_window: 7'
        self.go('sync', keys=rule.replace('100%', '"100%"'))
        self.assertEqual(self.written(), ['ScheduleKeyDeletion'] * 2)
        self.assertEqual(json.loads(self.witness.writes()[0].body)['PendingWindowInDays'], 7)
        self.assertEqual(self.about(key, SOURCE)['state'], 'Enabled')
        self.assertEqual(self.about(other, COPIES[0])['state'], 'Enabled')
        self.assertEqual(self.about(key, COPIES[0])['state'], 'PendingDeletion')
        self.go('sync', keys=rule.replace('100%', '"100%"'))
        self.assertEqual(self.written(), [])
        out = self.go('sync').out  # selected again
        self.assertIn('its deletion is cancelled', out)
        self.assertEqual(self.about(key, COPIES[0])['state'], 'Enabled')
        self.go('verify')

    def test_a_region_that_is_no_destination_any_more(self):
        key = self.made('alias/prod')
        self.go('sync')
        less = {'regions': COPIES[:1]}
        out = self.go('sync', **less).out
        self.assertIn('its Region is no destination; deletes: never', out)
        self.assertIn(COPIES[1], out)
        self.assertEqual(self.written(), [])
        self.go('verify', **less)
        rule = 'deletes: owned, delete_grace: 0, max_delete: 1, deletion_window: 7'
        saved = str(self.folder / 'plan')
        self.go('plan', '-o', saved, keys=rule, **less)
        self.run_it('apply', saved, flags=False)
        self.assertEqual(self.about(key, COPIES[1])['state'], 'PendingDeletion')
        self.assertEqual(self.about(key, COPIES[0])['state'], 'Enabled')
        self.go('verify', keys=rule, **less)
        self.go('sync')
        self.assertEqual(self.about(key, COPIES[1])['state'], 'Enabled')

    def test_replicas_that_understudy_did_not_make_stay(self):
        key = self.made('alias/prod')
        self.made('alias/rest')
        self.kms().replicate_key(KeyId=key, ReplicaRegion=COPIES[0])
        self.settle(key, COPIES[0])
        self.go('sync', keys='include: [alias/rest], deletes: owned, delete_grace: 0')
        self.assertEqual(self.about(key, COPIES[0])['state'], 'Enabled')

    def test_undo_takes_properties_back_and_schedules_what_was_made(self):
        key = self.made('alias/prod', Description='a')
        made = self.run_of(self.go('sync', regions=COPIES[:1]))
        self.kms().update_key_description(KeyId=key, Description='b')
        changed = self.run_of(self.go('sync', regions=COPIES[:1]))
        self.run_it('undo', changed, flags=False)
        self.assertEqual(self.about(key, COPIES[0])['description'], 'a')
        self.run_it('undo', made, '--force', flags=False)
        self.assertEqual(self.about(key, COPIES[0])['state'], 'PendingDeletion')
        self.run_it('undo', made, '--force', flags=False)

    @staticmethod
    def run_of(done):
        return done.out.rsplit('understudy undo ', 1)[1].split()[0]

    # --- counterparts ---------------------------------------------------------------------------
    def test_a_counterpart_is_planned_and_made_when_asked_for(self):
        self.made('alias/single', MultiRegion=False, Description='plain',
                  KeySpec='RSA_2048', KeyUsage='SIGN_VERIFY')
        keys = 'include: [alias/nothing*], counterparts: [alias/single]'
        out = self.go('plan', keys=keys).out
        self.assertIn('keys: { "alias/single": alias/single }', out)
        self.go('sync', keys=keys + ', create_counterparts: true', status=None)
        for region in COPIES:
            data = self.kms(region).describe_key(KeyId='alias/single')['KeyMetadata']
            self.assertEqual((data['KeySpec'], data['Description'], data['MultiRegion']),
                             ('RSA_2048', 'plain', False))
        self.go('sync', keys=keys + ', create_counterparts: true', status=None)
        self.assertEqual(self.written(), [])

    def test_a_counterpart_is_rotated_as_its_source(self):
        key = self.made('alias/single', MultiRegion=False)
        keys = 'include: [alias/nothing*], counterparts: [alias/single], create_counterparts: true'

        def period(days):
            self.assertEqual(self.server.raw('kms', 'EnableKeyRotation', {
                'KeyId': key, 'RotationPeriodInDays': days}, region=SOURCE)[0], 200)

        def there():
            kms = self.kms(COPIES[0])
            status = self.server.raw('kms', 'GetKeyRotationStatus', {
                'KeyId': kms.describe_key(KeyId='alias/single')['KeyMetadata']['KeyId']},
                region=COPIES[0])[1]
            return status['KeyRotationEnabled'] and status['RotationPeriodInDays']
        how = {'keys': keys, 'regions': COPIES[:1], 'status': None}
        period(90)
        self.foretold(**how)
        self.assertEqual(there(), 90)
        period(180)
        self.assertIn('rotation', self.go('verify', **how).out)
        self.foretold(**how)
        self.assertEqual(self.written(), ['EnableKeyRotation'])
        self.assertEqual(there(), 180)
        self.kms().disable_key_rotation(KeyId=key)
        self.go('sync', **how)
        self.assertEqual(self.written(), ['DisableKeyRotation'])
        self.assertFalse(there())
        self.go('sync', **how)
        self.assertEqual(self.written(), [])

    def under_keys(self):
        """Parameters under an alias, the same key's id, and a key that has no alias."""
        single = self.made('alias/single', MultiRegion=False, Description='plain',
                           Policy=policy(via(SOURCE)), Tags=[{'TagKey': 'team', 'TagValue': 'a'}])
        self.put('/a', 'secret', Type='SecureString', KeyId='alias/single')
        self.put('/b', 'secret', Type='SecureString', KeyId=single)
        return single

    def parameters(self, *words, create='', **more):
        config = f'source: {{region: {SOURCE}}}\ndestinations:\n' + ''.join(
            f'  - {{region: {region}}}\n' for region in COPIES)
        config += 'parameters: {include: ["/**"]%s}\n' % create
        self.witness.calls.clear()
        return self.run_it(*words, config=config, **more)

    def test_keys_of_parameters_that_nothing_maps_are_planned(self):
        self.under_keys()
        self.put('/c', 'secret', Type='SecureString', KeyId=self.made(MultiRegion=False))
        out = self.parameters('plan').out
        self.assertIn("(SYMMETRIC_DEFAULT, ENCRYPT_DECRYPT, its policy, 1 tag, description 'plain',"
                      ' alias/single), for keys: { "alias/single": alias/single }; it decrypts'
                      " nothing that the source's encrypted", out)
        self.assertEqual(out.count('is not mapped'), 3, out)
        self.assertEqual(out.count('give it an alias and'), 1, out)
        self.assertIn('2 blocked', out)
        lines = self.parameters('plan', '--json').lines
        self.assertEqual([line['kind'] for line in lines if line['type'] == 'plan'],
                         ['kms-key', 'ssm-parameter'])
        out = self.parameters('sync', status=4).out
        self.assertEqual(self.written(), [])
        self.assertIn('create_counterparts', out)

    def test_counterparts_of_used_keys_are_made_and_mapped_in_one_run(self):
        single = self.under_keys()
        create = ', create_counterparts: true'
        out = self.parameters('plan', create=create).out
        self.assertEqual(self.written(), [])
        self.assertNotIn('is not mapped', out)
        self.assertIn('a key of its own', out)
        self.parameters('verify', create=create, status=3)
        self.parameters('sync', create=create)
        for region in COPIES:
            have, source = self.about('alias/single', region), self.about(single, SOURCE)
            self.assertEqual(have.pop('policy'), json.loads(policy(via(region))))
            source.pop('policy')
            self.assertEqual(have, source)
            for name in '/a', '/b':
                there = self.server.client('ssm', region).get_parameter(
                    Name=name, WithDecryption=True)['Parameter']
                self.assertEqual(there['Value'], 'secret')
        self.parameters('verify', create=create)
        self.parameters('sync', create=create)
        self.assertEqual(self.written(), [])
        out = self.parameters('plan').out  # no more asked for: the key is named, with its line
        self.assertIn('alias/single there is its counterpart', out)

    def test_a_saved_plan_makes_the_counterparts_that_it_shows(self):
        self.under_keys()
        saved = str(self.folder / 'plan')
        self.parameters('plan', '-o', saved, create=', create_counterparts: true')
        self.run_it('apply', saved, flags=False)
        self.parameters('verify', create=', create_counterparts: true')
        self.run_it('apply', saved, flags=False, status=None)

    def test_a_key_that_no_run_made_is_no_counterpart(self):
        self.under_keys()
        other = self.made('alias/single', COPIES[0], MultiRegion=False, Description='theirs')
        out = self.parameters('sync', create=', create_counterparts: true', status=4).out
        self.assertIn('alias/single there is another key', out)
        self.assertIn('is not mapped', out)
        self.assertEqual(self.about(other, COPIES[0])['description'], 'theirs')
        self.assertEqual(self.about('alias/single', COPIES[1])['description'], 'plain')

    def test_counterparts_that_a_file_names_are_mapped_for_its_parameters(self):
        self.under_keys()
        keys = 'include: [alias/nothing*], counterparts: [alias/single], create_counterparts: true'
        self.go('sync', keys=keys, parameters='{include: ["/**"]}', status=None)
        self.go('verify', keys=keys, parameters='{include: ["/**"]}', status=None)
        there = self.server.client('ssm', COPIES[0]).get_parameter(Name='/b', WithDecryption=True)
        self.assertEqual(there['Parameter']['Value'], 'secret')

    def test_a_hint_makes_the_counterpart_once(self):
        self.under_keys()
        url = self.witness.url
        reconciler = Reconciler(self, f'source: {{region: {SOURCE}, endpoint_url: "{url}"}}\n'
                                f'destinations: [{{region: {COPIES[0]}, endpoint_url: "{url}"}}]\n'
                                'parameters: {include: ["/**"], create_counterparts: true}\n')
        hint = {'kind': 'ssm-parameter', 'region': SOURCE, 'name': '/a'}
        self.assertEqual(reconciler.hints(hint)['outcomes'], ['applied'])
        self.assertEqual(self.about('alias/single', COPIES[0])['description'], 'plain')
        self.witness.calls.clear()
        hint['name'] = '/b'
        self.assertEqual(reconciler.hints(hint)['outcomes'], ['applied'])
        self.assertNotIn('ListKeys', [call.operation for call in self.witness.calls])

    # --- multi-Region keys that are not there ---------------------------------------------------
    def test_a_parameter_whose_key_has_no_replica_is_blocked_before_it_is_written(self):
        key = self.made('alias/prod')
        self.put('/a', 'secret', Type='SecureString', KeyId='alias/prod')
        self.put('/b', 'secret', Type='SecureString', KeyId=key)
        out = self.parameters('plan').out
        self.assertIn(f'its key {key} has no replica in {COPIES[0]}: `kms_keys: '
                      f'{{ include: [{key}] }}` in the configuration keeps one there', out)
        self.assertEqual(out.count('has no replica'), 4)
        asked = [call.region for call in self.witness.calls if call.operation == 'DescribeKey']
        self.assertEqual(sorted(asked), sorted(COPIES))  # once a key and Region
        self.parameters('sync', status=4)
        self.assertEqual(self.written(), [])
        self.kms().replicate_key(KeyId=key, ReplicaRegion=COPIES[0])
        self.settle(key, COPIES[0])
        self.kms(COPIES[0]).disable_key(KeyId=key)
        self.assertIn(f'its key {key} is disabled in {COPIES[0]}: enable it there',
                      self.parameters('sync', status=4).out)
        self.kms(COPIES[0]).enable_key(KeyId=key)
        out = self.parameters('sync', status=4).out
        self.assertEqual(out.count('has no replica'), 2)
        self.assertEqual(self.written(), ['PutParameter'] * 2)
        self.parameters('sync', status=4)  # what stands under its key is not asked about
        self.assertEqual([call.region for call in self.witness.calls
                          if call.operation == 'DescribeKey'], [COPIES[1]])
        # Where it may not be asked, the write tells.
        self.witness.rules.append(lambda call: error('AccessDeniedException', 'no')
                                  if call.operation == 'DescribeKey' else None)
        self.assertNotIn('has no replica', self.parameters('plan').out)

    def test_a_key_of_the_same_plan_comes_before_what_is_under_it(self):
        key = self.made('alias/prod')
        self.put('/a', 'secret', Type='SecureString', KeyId='alias/prod')
        both = {'keys': f'include: [{key}]', 'parameters': '{include: [/a]}'}
        saved = str(self.folder / 'plan')
        out = self.go('plan', '-o', saved, **both).out
        self.assertIn(f'after its key {key}', out)
        self.assertNotIn('has no replica', out)
        self.run_it('apply', saved, flags=False)
        order = self.written
        self.assertEqual(order().count('PutParameter'), 2)
        calls = [call.operation for call in self.witness.writes()]
        self.assertLess(max(i for i, one in enumerate(calls) if one == 'ReplicateKey'),
                        calls.index('PutParameter'))
        self.go('verify', **both)

    def test_a_key_that_could_not_be_made_blocks_what_is_under_it(self):
        key = self.made('alias/prod')
        self.put('/a', 'secret', Type='SecureString', KeyId='alias/prod')
        self.witness.rules.append(lambda call: error('LimitExceededException', 'no')
                                  if call.operation == 'ReplicateKey' else None)
        done = self.go('sync', status=None, keys=f'include: [{key}]',
                       parameters='{include: [/a]}')
        self.assertIn(f'its key {key} has no replica', done.out)
        self.assertNotIn('PutParameter', self.written())

    # --- cost -----------------------------------------------------------------------------------
    def test_an_estimate_is_what_a_sync_calls(self):
        key, one = self.made('alias/prod'), {'regions': COPIES[:1]}
        self.foretold(**one)
        other = self.made('alias/rest')
        self.foretold(**one)
        self.kms().update_key_description(KeyId=key, Description='b')
        self.kms().tag_resource(KeyId=other, Tags=[{'TagKey': 'x', 'TagValue': 'y'}])
        self.foretold(**one)
        self.kms().put_key_policy(KeyId=key, Policy=policy(via(SOURCE)))
        self.kms().create_alias(AliasName='alias/more', TargetKeyId=key)
        self.kms(COPIES[0]).tag_resource(KeyId=key, Tags=[{'TagKey': 'z', 'TagValue': 'y'}])
        self.kms().disable_key(KeyId=other)
        self.foretold(**one)
        self.kms().enable_key(KeyId=other)
        self.kms(COPIES[0]).create_alias(AliasName='alias/gone', TargetKeyId=key)
        self.foretold(keys='aliases: exact', **one)
        rule = 'deletes: owned, delete_grace: 0, max_delete: "100%"'
        self.foretold(keys='include: [alias/prod], ' + rule, **one)
        self.foretold(**one)  # selected again: taken back
        self.made('alias/single', MultiRegion=False)
        keys = 'include: [alias/single], counterparts: [alias/single], create_counterparts: true'
        self.foretold(keys=keys, **one)

    def test_parity_costs_one_list_and_three_calls_a_key_and_region(self):
        keys = [self.made(f'alias/{i}') for i in range(3)]
        self.go('sync')
        self.go('verify')
        counts = {}
        for call in self.witness.calls:
            counts[call.operation] = counts.get(call.operation, 0) + 1
        sides = 1 + len(COPIES)
        self.assertEqual(counts, {
            'GetCallerIdentity': counts['GetCallerIdentity'], 'ListKeys': sides,
            'ListAliases': sides, 'DescribeKey': sides * len(keys),
            'GetKeyPolicy': sides * len(keys), 'ListResourceTags': sides * len(keys)})


if __name__ == '__main__':
    unittest.main()
