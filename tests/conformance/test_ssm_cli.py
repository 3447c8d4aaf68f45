"""Every operation once by the aws command line."""
import json
import subprocess

from local_server import Conformance, main


class Cli(Conformance):
    def aws(self, *arguments):
        text = self.server.cli('ssm', *arguments)
        return json.loads(text) if text.strip() else None

    def test_parameters(self):
        put = self.aws('put-parameter', '--name', '/cli/a', '--value', 'v1', '--type', 'String',
                       '--tags', 'Key=team,Value=blue')
        self.assertEqual(put, {'Version': 1, 'Tier': 'Standard'})
        self.aws('put-parameter', '--name', '/cli/a', '--value', 'v2', '--overwrite')
        self.assertEqual(self.aws('get-parameter', '--name', '/cli/a:1')['Parameter']['Value'],
                         'v1')
        self.assertEqual(self.aws('get-parameters', '--names', '/cli/a', '/no')
                         ['InvalidParameters'], ['/no'])
        self.assertEqual(len(self.aws('get-parameters-by-path', '--path', '/cli')['Parameters']),
                         1)
        self.assertEqual(len(self.aws('get-parameter-history', '--name', '/cli/a')['Parameters']),
                         2)
        self.assertEqual(len(self.aws(
            'describe-parameters', '--parameter-filters', 'Key=tag:team,Values=blue')
            ['Parameters']), 1)
        labelled = self.aws('label-parameter-version', '--name', '/cli/a', '--labels', 'live')
        self.assertEqual(labelled, {'InvalidLabels': [], 'ParameterVersion': 2})
        removed = self.aws('unlabel-parameter-version', '--name', '/cli/a',
                           '--parameter-version', '2', '--labels', 'live')
        self.assertEqual(removed['RemovedLabels'], ['live'])
        self.aws('delete-parameter', '--name', '/cli/a')
        self.assertEqual(self.aws('delete-parameters', '--names', '/cli/a')['InvalidParameters'],
                         ['/cli/a'])
        with self.assertRaises(subprocess.CalledProcessError) as refused:
            self.aws('get-parameter', '--name', '/cli/a')
        self.assertIn('(ParameterNotFound)', refused.exception.stderr)

    def test_secure(self):
        self.aws('put-parameter', '--name', '/cli/s', '--value', 'hidden', '--type',
                 'SecureString')
        self.assertEqual(self.aws('get-parameter', '--name', '/cli/s', '--with-decryption')
                         ['Parameter']['Value'], 'hidden')

    def test_tags(self):
        self.aws('put-parameter', '--name', 't', '--value', 'v', '--type', 'String')
        where = ('--resource-type', 'Parameter', '--resource-id', 't')
        self.aws('add-tags-to-resource', *where, '--tags', 'Key=a,Value=b')
        self.assertEqual(self.aws('list-tags-for-resource', *where),
                         {'TagList': [{'Key': 'a', 'Value': 'b'}]})
        self.aws('remove-tags-from-resource', *where, '--tag-keys', 'a')
        self.assertEqual(self.aws('list-tags-for-resource', *where), {'TagList': []})

    def test_settings(self):
        setting = ('--setting-id', '/ssm/parameter-store/default-parameter-tier')
        self.aws('update-service-setting', *setting, '--setting-value', 'Advanced')
        self.assertEqual(self.aws('get-service-setting', *setting)['ServiceSetting']
                         ['SettingValue'], 'Advanced')
        self.assertEqual(self.aws('reset-service-setting', *setting)['ServiceSetting']['Status'],
                         'Default')

    def test_pagination(self):
        for number in range(25):
            self.aws_fast(number)
        self.assertEqual(len(self.aws('get-parameters-by-path', '--path', '/many')['Parameters']),
                         25)
        self.assertEqual(len(self.aws('describe-parameters')['Parameters']), 25)

    def aws_fast(self, number):
        self.client('ssm').put_parameter(Name=f'/many/{number}', Value='v', Type='String')


if __name__ == '__main__':
    main()
