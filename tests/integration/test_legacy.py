#!/usr/bin/python3
"""What the earlier tools were told works unchanged: params.json of the cross-account sample, the
environment of the bulk script and of the event-driven replicator. Nothing that they lost is lost,
and it is said where they would have lost it."""
import json
import unittest

from replication import COPIES, SOURCE, Replication, error
from local_server import ACCOUNT, OTHER_ACCOUNT
import roles

COPY = COPIES[0]


class Legacy(Replication):
    variables = {}

    def environment(self):
        return {**super().environment(), 'AWS_ENDPOINT_URL': self.witness.url,
                'AWS_REGION': SOURCE, **self.variables}

    def params(self, **members):
        path = self.folder / 'params.json'
        path.write_text(json.dumps({
            'Parameters': [], 'path': [], 'destination_region': COPY, 'destination_account': '',
            'cross_account_role_arn': '', 'destination_kms_key_id': '', **members}),
            encoding='utf-8')
        return path

    def tool(self, *words, command='sync', **how):
        return self.run_it(command, *words, flags=False, **how)

    def from_env(self, *words, command='sync', status=0, **variables):
        self.variables = variables
        return self.tool('--from-env', *words, command=command, status=status)

    def fill(self):
        self.key('alias/prod', SOURCE)
        self.key('alias/dr', COPY)
        self.put('root_name', 'no slash')
        self.put('/api/deep/er/KEY', 'a secret', Type='SecureString', KeyId='alias/prod',
                 Description='nested', Tags=[{'Key': 'team', 'Value': 'api'}])
        self.put('/api/LARGE', 'x' * 5000, Tier='Advanced', Description='large')
        self.put('/api/own', 'plain', Type='SecureString')
        self.put('/apis/NOT', 'another path')
        self.put('/other', 'not named')

    def assertSample(self, found):
        source = {name: fields for name, fields in self.state(SOURCE).items()
                  if name not in ('apis/NOT', 'other')}
        source['api/deep/er/KEY']['KeyId'] = 'alias/dr'
        self.assertEqual(found, source)

    def test_r01_r14_the_sample_file(self):
        self.fill()
        path = self.params(Parameters=['root_name'], path=['/api/'],
                           destination_kms_key_id='alias/dr')
        done = self.tool('--params-json', str(path))
        self.assertSample(self.state(COPY))
        self.assertIn('note: below the first level of a path the earlier tool lost', done.err)
        self.assertIn('note: tags and allowed patterns were never copied', done.err)
        # R06: the same again writes nothing.
        self.witness.forget()
        self.tool('--params-json', str(path))
        self.assertEqual(self.witness.writes(), [])

    def test_r11_the_sample_file_across_accounts(self):
        self.put('/api/a', 'one')
        arn = roles.make(self.server, 'copy', roles.allow(['ssm:*', 'tag:*', 'kms:*']),
                         account=OTHER_ACCOUNT, trusts=roles.trust({'AWS': ACCOUNT}))
        path = self.params(path=['/api/'], destination_account=OTHER_ACCOUNT,
                           cross_account_role_arn=arn)
        self.tool('--params-json', str(path))
        there = self.server.client('ssm', COPY, OTHER_ACCOUNT)
        self.assertEqual(there.get_parameter(Name='/api/a')['Parameter']['Value'], 'one')
        self.assertEqual(self.state(COPY), {})
        # The account is proved before anything is written.
        path = self.params(path=['/api/'], destination_account='333333333333',
                           cross_account_role_arn=arn)
        done = self.tool('--params-json', str(path), status=1)
        self.assertIn('should be account 333333333333', done.err)

    def test_r02_r03_many_names_and_a_misspelt_one(self):
        names = [f'name{number}' for number in range(60)]
        for name in names[:3] + names[-3:]:
            self.put(name, 'x')
        path = self.params(Parameters=names)
        done = self.tool('--params-json', str(path), '--json', status=4)
        self.assertEqual(done.lines[0]['unmatched_includes'], names[3:-3])
        self.assertEqual(set(self.versions(COPY)), set(names[:3] + names[-3:]))
        done = self.tool('--params-json', str(path), status=4)
        self.assertIn(f"include 'name7' matches nothing in {SOURCE}", done.out)

    def test_r05_a_customer_key_is_not_given_up_in_silence(self):
        self.fill()
        path = self.params(path=['/api/'])
        done = self.tool('--params-json', str(path), status=4)
        self.assertIn('note: destination_kms_key_id is empty', done.err)
        self.assertNotIn('api/deep/er/KEY', self.state(COPY))
        self.tool('--params-json', str(path), '--allow', 'default-key')
        self.assertEqual(self.state(COPY)['api/deep/er/KEY']['KeyId'], 'alias/aws/ssm')

    def test_r07_r09_what_is_refused_is_asked_once_and_is_a_failure(self):
        self.put('/api/a', 'one')
        self.witness.rules.append(lambda call: error('AccessDeniedException')
                                  if call.operation == 'PutParameter' else None)
        done = self.tool('--params-json', str(self.params(path=['/api/'])), status=1)
        self.assertEqual(len(self.witness.writes()), 1)
        self.assertIn('"Action":"ssm:PutParameter"', done.out)

    def test_the_bulk_script(self):
        self.fill()
        variables = {'SOURCE_REGION': SOURCE, 'DESTINATION_REGION': COPY,
                     'PARAMETER_PREFIXES': '/api,/prod', 'DEST_KMS_KEY_ID': 'alias/dr',
                     'AWS_REGION': 'eu-west-3'}
        done = self.from_env(DRY_RUN='true', **variables)
        self.assertEqual(self.witness.writes(), [])
        self.assertIn('plan: 3 to create', done.out)
        self.from_env(command='apply', DRY_RUN='true', status=2, **variables)
        self.from_env(**variables)
        found = self.state(COPY)
        self.assertEqual(set(found), {'api/deep/er/KEY', 'api/LARGE', 'api/own'})
        # One key for every secret, as it meant.
        self.assertEqual({fields['KeyId'] for fields in found.values()}, {'alias/dr', None})
        self.assertEqual(found['api/deep/er/KEY']['Description'], 'nested')

    def test_r23_r26_the_replicator(self):
        self.fill()
        done = self.from_env(DEST_REGIONS=f'{COPY},{SOURCE}', PARAM_PATHS='/api/',
                             DEST_PARAM_TYPE='String', DEST_KMS_KEY_ID='alias/dr', DRY_RUN='false')
        found = self.state(COPY)
        self.assertEqual({name: fields['Type'] for name, fields in found.items()}, {
            'api/deep/er/KEY': 'SecureString', 'api/LARGE': 'String', 'api/own': 'SecureString'})
        self.assertEqual(found['api/LARGE']['Tier'], 'Advanced')
        for note in ('DEST_PARAM_TYPE=String is not followed', "'/api/' ends in '/'",
                     f'DEST_REGIONS names {SOURCE}, the source itself', 'deletes are off here'):
            self.assertIn(note, done.err)

    def test_r25_names_of_the_root_are_left_alone(self):
        self.put('root_name', 'x')
        self.put('/lead', 'x')
        self.from_env(DEST_REGIONS=COPY, PARAM_PATHS='/')
        self.assertEqual(self.state(COPY), self.state(SOURCE))

    def test_r28_r33_what_is_wrong_is_said_before_any_call(self):
        done = self.from_env(DEST_REGIONS=COPY, status=2)
        self.assertIn('PARAM_PATHS is not set', done.err)
        path = self.folder / 'params.json'
        path.write_text('{"Parameters": ["secret-looking', encoding='utf-8')
        done = self.tool('--params-json', str(path), status=2)
        self.assertIn('params.json', done.err)
        self.assertNotIn('secret-looking', done.err)
        done = self.tool('--params-json', str(path), '--from-env', status=2)
        self.assertIn('give one', done.err)
        self.assertEqual(self.witness.calls, [])

    def test_variables_of_the_environment_do_nothing_by_themselves(self):
        self.put('/api/a', 'one')
        self.variables = {'DEST_REGIONS': 'eu-west-3', 'PARAM_PATHS': '/api', 'DRY_RUN': 'true'}
        self.run_it('sync')
        self.assertEqual(set(self.versions(COPY)), {'api/a'})

    def test_print_config(self):
        """Each way in comes to a file that says the same."""
        self.fill()
        path = self.params(Parameters=['root_name', 'true', '12'], path=['/api/', '/dev'],
                           destination_account=OTHER_ACCOUNT,
                           cross_account_role_arn=f'arn:aws:iam::{OTHER_ACCOUNT}:role/copy',
                           destination_kms_key_id='alias/dr')
        several = '''
replications:
  - { name: one, source: { region: ap-south-1 }, destinations: [{ region: us-east-1 }] }
  - source: { region: ap-south-1 }
    destinations:
      - { region: us-east-1, quotas: { PutParameter: "10" }, roles: [
          { role_arn: "arn:aws:iam::222222222222:role/a", session_tags: { "a b": "c: d" } },
          { role_arn: "arn:aws:iam::222222222222:role/b", external_id: "x:y" }] }
    parameters: { rename: [{ from: /a, to: /b }], exclude: ["/x/**", "**/no"] }
'''
        self.variables = {'DEST_REGIONS': 'us-east-1,eu-west-1', 'PARAM_PATHS': '/api'}
        for words, config in ((['--params-json', str(path)], None), (['--from-env'], None),
                              ([], several)):
            printed = self.tool('--print-config', *words, config=config).out
            copy = self.folder / 'copy.yaml'
            copy.write_text(printed, encoding='utf-8')
            again = self.tool('--print-config', '--config', str(copy)).out
            self.assertEqual(again, printed)
            self.assertNotIn('select', printed)
        self.assertIn('      - region: us-east-1\n', printed)
        self.assertEqual(self.witness.calls, [])


if __name__ == '__main__':
    unittest.main()
