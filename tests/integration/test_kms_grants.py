"""Grants of keys in several Regions: reported with what they say, copied when that is asked for."""
import json
import unittest

from key_replication import ACCOUNT, KeyReplication
from replication import COPIES, SOURCE

import roles

THERE, OTHER = COPIES
ONE = {'regions': (THERE,)}
COPY = {'keys': 'grants: copy', **ONE}
SERVICE = {'GranteeServicePrincipal': 'ec2.amazonaws.com'}


class Grants(KeyReplication):
    def setUp(self):
        super().setUp()
        self.role = roles.make(self.server, 'app')
        self.key = self.made('alias/prod')

    def grant(self, region=SOURCE, operations=('Decrypt', 'DescribeKey'), **more):
        if 'GranteeServicePrincipal' not in more:
            more['GranteePrincipal'] = self.role
        status, answer = self.server.raw('kms', 'CreateGrant', {
            'KeyId': self.key, 'Operations': list(operations), **more}, region=region)
        self.assertEqual(status, 200, answer)
        return answer['GrantId']

    def grants(self, region=THERE):
        """What each says, but its names."""
        pages = self.kms(region).get_paginator('list_grants').paginate(KeyId=self.key)
        return sorted(json.dumps({member: sorted(row[member]) if member == 'Operations' else
                                  row[member] for member in (
                                      'GranteePrincipal', 'RetiringPrincipal', 'Operations',
                                      'Constraints') if member in row}, sort_keys=True)
                      for page in pages for row in page['Grants'])

    def names(self, region=THERE):
        pages = self.kms(region).get_paginator('list_grants').paginate(KeyId=self.key)
        return sorted(row['Name'] for page in pages for row in page['Grants'])

    def asked(self):
        return [call for call in self.witness.calls if call.operation == 'ListGrants']

    # --- reported -------------------------------------------------------------------------------
    def test_a_plan_tells_who_may_what(self):
        self.grant(Name='batch', RetiringPrincipal=self.role,
                   Constraints={'EncryptionContextSubset': {'team': 'a'}})
        out = ' '.join(self.go('plan', **ONE).out.split())
        self.assertIn('1 grant not carried', out)
        self.assertIn(f'grant in {SOURCE}, not carried: batch: {self.role} may Decrypt, '
                      f'DescribeKey if the context has team=a, retired by {self.role}', out)
        self.assertEqual(self.written(), [])
        step = next(line for line in self.go('plan', '--json', **ONE).lines
                    if line['type'] == 'step')
        row, = step['details']['rows']
        self.assertEqual((row['fate'], row['region']), ('not carried', SOURCE))
        self.assertEqual(row['grant'], {
            'Name': 'batch', 'GranteePrincipal': self.role, 'RetiringPrincipal': self.role,
            'Operations': ['Decrypt', 'DescribeKey'],
            'Constraints': {'EncryptionContextSubset': {'team': 'a'}}})
        self.go('sync', **ONE)
        self.assertEqual(self.asked(), [])  # what is not said costs no sync a call
        self.assertEqual(self.grants(), [])
        self.go('plan', keys='grants: ignore', **ONE)
        self.assertEqual(self.asked(), [])

    def test_verify_shows_them_beside_the_matrix_and_calls_it_no_drift(self):
        self.go('sync', **ONE)
        self.grant(Name='here')
        self.grant(THERE, ['Encrypt'], Name='there')
        self.go('verify', **ONE)
        self.assertEqual(self.asked(), [])
        for how in ({'keys': 'grants: report', **ONE}, {'words': ['--deep'], **ONE}):
            words = how.pop('words', [])
            out = ' '.join(self.go('verify', *words, **how).out.split())
            self.assertIn('=, other grants', out)
            self.assertIn(f'grant in {THERE}, only there: there: {self.role} may Encrypt', out)
            line = next(line for line in self.go('verify', '--json', *words, **how).lines
                        if line['type'] == 'parity')
            self.assertTrue(line['equal'])
            self.assertEqual([(row['fate'], row['grant']['Name'])
                              for row in line['details'][THERE]['rows']],
                             [('not carried', 'here'), ('only there', 'there')])

    def test_by_default_they_may_be_forbidden(self):
        self.grant()
        self.witness.rules.append(lambda call: (400, json.dumps(
            {'__type': 'AccessDeniedException', 'message': 'no'}))
            if call.operation == 'ListGrants' else None)
        self.assertIn('1 to create', self.go('plan', **ONE).out)
        out = self.go('plan', keys='grants: report', status=1, **ONE).out
        self.assertIn('list the grants', out)

    # --- copied ---------------------------------------------------------------------------------
    def test_copied_once_and_with_a_replica(self):
        arn = 'arn:aws:ssm:%s:' + ACCOUNT + ':parameter/a'
        self.grant(Name='app', RetiringPrincipal=self.role,
                   Constraints={'EncryptionContextSubset': {'PARAMETER_ARN': arn % SOURCE}})
        self.grant(operations=['Encrypt', 'Decrypt'])
        self.grant(operations=['Decrypt', 'Encrypt'])  # says the same
        self.go('sync', **COPY)
        self.assertEqual(self.written().count('CreateGrant'), 2)
        self.assertEqual(self.grants(), sorted({
            one.replace(SOURCE, THERE) for one in self.grants(SOURCE)}))
        self.assertTrue([name for name in self.names() if name.startswith('understudy:app:')])
        self.go('verify', **COPY)
        self.grant(operations=['DescribeKey'])
        self.grant(THERE, ['DescribeKey'], Name='of-another-hand')
        self.go('sync', **COPY)
        self.assertEqual(self.written(), [])
        self.grant()
        self.assertRegex(self.go('verify', status=3, **COPY).out, 'prod +grants')
        self.go('sync', **COPY)
        self.assertEqual(self.written(), ['CreateGrant'])

    def test_those_of_services_are_a_loss_and_no_copy(self):
        self.grant(operations=['Decrypt'], **SERVICE)
        self.grant(operations=['Decrypt'], RetiringServicePrincipal='rds.amazonaws.com')
        self.grant(Name='app')
        out = self.go('sync', **COPY).out
        out = self.go('plan', keys='grants: copy', regions=(OTHER,)).out
        self.assertIn('2 grants of AWS services not carried: each makes its own', out)
        self.assertEqual(len(self.grants()), 1, out)
        self.go('verify', **COPY)  # which is no drift: the services have theirs there
        self.grant(THERE, operations=['Decrypt'], **SERVICE)
        self.go('sync', keys='grants: copy, deletes: all, delete_grace: 0, max_delete: 1', **ONE)
        self.assertEqual(self.written(), [])

    def test_left_over_ones_go_by_the_rule_of_deletions(self):
        self.go('sync', **ONE)
        here = self.grant(Name='app')
        self.go('sync', **COPY)
        self.grant(THERE, ['Encrypt'], Name='of-another-hand')
        self.kms().revoke_grant(KeyId=self.key, GrantId=here)
        self.go('sync', **COPY)  # deletes: never
        self.assertEqual(self.written(), [])
        self.assertEqual(len(self.names()), 2)
        rule = 'grants: copy, delete_grace: 0, max_delete: 1, deletes: '
        out = ' '.join(self.go('plan', keys=rule + 'owned', **ONE).out.split())
        self.assertIn('only there: to be revoked: understudy:app:', out)
        self.go('sync', keys=rule + 'owned', **ONE)
        self.assertEqual(self.written(), ['RevokeGrant'])
        self.assertEqual(self.names(), ['of-another-hand'])
        self.go('sync', keys=rule + 'all', **ONE)
        self.assertEqual(self.names(), [])
        self.go('verify', keys=rule + 'all', **ONE)

    def test_a_lost_answer_makes_no_second_one(self):
        self.grant()
        lost = []

        def lose(call):
            if call.operation == 'CreateGrant' and call.region == THERE and not lost:
                lost.append(call)
                return 'lose'
            return None
        self.witness.rules.append(lose)
        self.go('sync', **COPY)
        self.assertEqual((len(lost), len(self.grants())), (1, 1))

    def test_a_disabled_key_is_given_none(self):
        self.go('sync', **ONE)
        self.grant()
        self.kms().disable_key(KeyId=self.key)
        self.go('sync', **COPY)  # while it is enabled there
        self.assertEqual(self.written(), ['CreateGrant', 'DisableKey'])
        self.kms().enable_key(KeyId=self.key)
        self.grant(operations=['Encrypt'])
        self.kms().disable_key(KeyId=self.key)
        out = self.go('sync', status=4, **COPY).out
        self.assertIn('are made when it is enabled', out)
        self.assertEqual(self.written(), [])
        self.kms().enable_key(KeyId=self.key)
        self.go('sync', **COPY)
        self.assertEqual(self.written(), ['CreateGrant', 'EnableKey'])

    def test_one_that_is_refused_is_named_and_the_rest_done(self):
        self.grant(Name='one', operations=['Encrypt'])
        self.grant(Name='two')
        self.witness.rules.append(lambda call: (400, json.dumps(
            {'__type': 'InvalidArnException', 'message': 'ARN refers to no valid principal'}))
            if call.operation == 'CreateGrant' and b'"Encrypt"' in call.body else None)
        out = self.go('sync', status=1, **COPY).out
        self.assertIn(f'grants: a grant to {self.role}: ', out)
        self.assertEqual(len(self.grants()), 1, out)

    def test_undo_revokes_what_was_made(self):
        self.go('sync', **ONE)
        self.grant(THERE, ['Encrypt'], Name='of-another-hand')
        self.grant()
        done = self.go('sync', **COPY)
        run = done.out.rsplit('understudy undo ', 1)[1].split()[0]
        self.assertEqual(len(self.names()), 2)
        self.run_it('undo', run, flags=False)
        self.assertEqual(self.names(), ['of-another-hand'])

    def test_a_service_that_makes_grants_meanwhile_moves_no_plan(self):
        self.go('sync', **ONE)
        self.kms().update_key_description(KeyId=self.key, Description='b')
        saved = str(self.folder / 'plan')
        for keys in 'grants: report', 'grants: copy':
            self.go('plan', '-o', saved, keys=keys, **ONE)
            self.grant(operations=['Decrypt'], **SERVICE)
            self.grant(THERE, operations=['Decrypt'], **SERVICE)
            self.run_it('apply', saved, flags=False)
            self.kms().update_key_description(KeyId=self.key, Description='c')

    def test_an_estimate_knows_them(self):
        gone = self.grant()
        self.foretold(**COPY)
        self.grant(operations=['Encrypt'])
        self.foretold(**COPY)
        self.kms().revoke_grant(KeyId=self.key, GrantId=gone)
        self.foretold(keys='grants: copy, deletes: owned, delete_grace: 0, max_delete: 1', **ONE)
        self.kms().update_key_description(KeyId=self.key, Description='b')
        self.foretold(keys='grants: report', **ONE)


if __name__ == '__main__':
    unittest.main(verbosity=0)
