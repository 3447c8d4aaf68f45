"""Which action and which ARN each operation asks about, with a role that may do one thing."""
import roles
from local_server import ACCOUNT, REGION, Conformance, main

ARN = f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/'


class Permissions(Conformance):
    def setUp(self):
        super().setUp()
        self.ssm = self.client('ssm')
        for name in ('/app/a', '/app/b', '/other/a', 'root'):
            self.ssm.put_parameter(Name=name, Value='v', Type='String')
        self.made = 0

    def role(self, *statements):
        self.made += 1
        arn = roles.make(self.server, f'role-{self.made}', *statements)
        return self.client('ssm', keys=roles.assume(self.server, arn))

    def denied(self, call, action, arn, **arguments):
        error = self.refused('AccessDeniedException', call, **arguments)
        self.assertEqual(
            error['Error']['Message'],
            f'User: arn:aws:sts::{ACCOUNT}:assumed-role/role-{self.made}/session is not '
            f'authorized to perform: {action} on resource: {arn} because no identity-based policy '
            f'allows the {action} action')

    def calls(self, ssm, name):
        """operation, its action, a call of it about `name`."""
        label = {'Name': name, 'Labels': ['l']}
        tags = {'ResourceType': 'Parameter', 'ResourceId': name}
        return (
            (ssm.put_parameter, 'ssm:PutParameter',
             {'Name': name, 'Value': 'v', 'Overwrite': True}),
            (ssm.get_parameter, 'ssm:GetParameter', {'Name': name}),
            (ssm.get_parameter, 'ssm:GetParameter', {'Name': name + ':1'}),
            (ssm.get_parameters, 'ssm:GetParameters', {'Names': [name]}),
            (ssm.get_parameter_history, 'ssm:GetParameterHistory', {'Name': name}),
            (ssm.label_parameter_version, 'ssm:LabelParameterVersion', label),
            (ssm.unlabel_parameter_version, 'ssm:UnlabelParameterVersion',
             dict(label, ParameterVersion=1)),
            (ssm.add_tags_to_resource, 'ssm:AddTagsToResource',
             dict(tags, Tags=[{'Key': 'k', 'Value': 'v'}])),
            (ssm.list_tags_for_resource, 'ssm:ListTagsForResource', tags),
            (ssm.remove_tags_from_resource, 'ssm:RemoveTagsFromResource',
             dict(tags, TagKeys=['k'])),
            (ssm.delete_parameters, 'ssm:DeleteParameters', {'Names': [name]}),
            (ssm.delete_parameter, 'ssm:DeleteParameter', {'Name': name}))

    def test_by_name(self):
        ssm = self.role(roles.allow('ssm:*', ARN + 'app/*'))
        for call, action, arguments in self.calls(ssm, '/other/a'):
            self.denied(call, action, ARN + 'other/a', **arguments)
        for call, action, arguments in self.calls(ssm, 'root'):
            self.denied(call, action, ARN + 'root', **arguments)
        for call, action, arguments in self.calls(ssm, '/app/a')[:-1]:
            call(**arguments)
        self.denied(ssm.get_parameters, 'ssm:GetParameters', ARN + 'other/a',
                    Names=['/app/b', '/other/a'])

    def test_by_action(self):
        ssm = self.role(roles.allow('ssm:GetParameter'))
        for call, action, arguments in self.calls(ssm, '/app/a'):
            if action == 'ssm:GetParameter':
                call(**arguments)
            else:
                self.denied(call, action, ARN + 'app/a', **arguments)

    def test_a_path_opens_what_is_below_it(self):
        ssm = self.role(roles.allow('ssm:GetParametersByPath', ARN + 'app'),
                        roles.deny('ssm:GetParameter', ARN + 'app/b'))
        found = ssm.get_parameters_by_path(Path='/app', Recursive=True)['Parameters']
        self.assertEqual([p['Name'] for p in found], ['/app/a', '/app/b'])
        self.denied(ssm.get_parameters_by_path, 'ssm:GetParametersByPath', ARN + 'other',
                    Path='/other')
        self.denied(ssm.get_parameters_by_path, 'ssm:GetParametersByPath', ARN, Path='/')

    def test_listing_is_about_everything(self):
        everything = f'arn:aws:ssm:{REGION}:{ACCOUNT}:*'
        ssm = self.role(roles.allow('ssm:DescribeParameters', ARN + '*'))
        self.denied(ssm.describe_parameters, 'ssm:DescribeParameters', everything)
        ssm = self.role(roles.allow('ssm:DescribeParameters'))
        self.assertEqual(len(ssm.describe_parameters()['Parameters']), 4)

    def test_settings(self):
        setting = '/ssm/parameter-store/high-throughput-enabled'
        arn = f'arn:aws:ssm:{REGION}:{ACCOUNT}:servicesetting{setting}'
        ssm = self.role(roles.allow('ssm:GetServiceSetting', arn))
        for given in (setting, arn):
            ssm.get_service_setting(SettingId=given)
            self.denied(ssm.update_service_setting, 'ssm:UpdateServiceSetting', arn,
                        SettingId=given, SettingValue='true')

    def test_secure_strings_need_the_key_as_well(self):
        kms = self.client('kms')
        key = kms.create_key()['KeyMetadata']
        for name, tier, action in (('/app/standard', 'Standard', 'kms:Encrypt'),
                                   ('/app/advanced', 'Advanced', 'kms:GenerateDataKey')):
            put = {'Name': name, 'Value': 'v', 'Type': 'SecureString', 'Tier': tier,
                   'KeyId': key['Arn'], 'Overwrite': True}
            self.ssm.put_parameter(**put)
            ssm = self.role(roles.allow('ssm:*'))
            error = self.refused('AccessDeniedException', ssm.put_parameter, **put)
            self.assertIn(f'is not authorized to perform: {action} on resource: {key["Arn"]}',
                          error['Error']['Message'])
            self.assertRegex(error['Error']['Message'],
                             r'\(Service: AWSKMS; Status Code: 400; Error Code: '
                             r'AccessDeniedException; Request ID: [0-9a-f-]{36}; Proxy: null\)$')
            self.refused('AccessDeniedException', ssm.get_parameter, Name=name,
                         WithDecryption=True)
            ssm.get_parameter(Name=name)
            ssm = self.role(roles.allow('ssm:*'), roles.allow(['kms:Decrypt'], key['Arn']))
            self.assertEqual(ssm.get_parameter(Name=name, WithDecryption=True)
                             ['Parameter']['Value'], 'v')
            self.refused('AccessDeniedException', ssm.put_parameter, **put)
            ssm = self.role(roles.allow('ssm:*'), roles.allow(action, key['Arn']))
            ssm.put_parameter(**put)

    def test_last_modified_user(self):
        ssm = self.role(roles.allow('ssm:*'))
        ssm.put_parameter(Name='/app/a', Value='w', Overwrite=True)
        found = self.ssm.get_parameter_history(Name='/app/a')['Parameters']
        self.assertEqual([p['LastModifiedUser'] for p in found],
                         [f'arn:aws:iam::{ACCOUNT}:user/administrator',
                          f'arn:aws:sts::{ACCOUNT}:assumed-role/role-1/session'])

    def test_partitions(self):
        for region, partition in (('cn-north-1', 'aws-cn'), ('us-gov-west-1', 'aws-us-gov')):
            ssm = self.client('ssm', region=region)
            ssm.put_parameter(Name='/p', Value='v', Type='SecureString')
            found = ssm.get_parameter(Name='/p', WithDecryption=True)['Parameter']
            self.assertEqual((found['ARN'], found['Value']),
                             (f'arn:{partition}:ssm:{region}:{ACCOUNT}:parameter/p', 'v'))
            self.assertEqual(ssm.get_parameter(Name=found['ARN'])['Parameter']['Name'], '/p')
            self.assertEqual(ssm.get_parameter_history(Name='/p')['Parameters'][0]
                             ['LastModifiedUser'],
                             f'arn:{partition}:iam::{ACCOUNT}:user/administrator')


if __name__ == '__main__':
    main()
