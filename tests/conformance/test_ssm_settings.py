"""Service settings of Parameter Store."""
import time

from local_server import ACCOUNT, REGION, Conformance, main

TIER = '/ssm/parameter-store/default-parameter-tier'
FAST = '/ssm/parameter-store/high-throughput-enabled'


class Settings(Conformance):
    def setUp(self):
        super().setUp()
        self.ssm = self.client('ssm')

    def get(self, setting):
        return self.ssm.get_service_setting(SettingId=setting)['ServiceSetting']

    def test_defaults(self):
        for setting, value in ((TIER, 'Standard'), (FAST, 'false')):
            found = self.get(setting)
            self.assertEqual((found['SettingId'], found['SettingValue'], found['Status'],
                              found['LastModifiedUser'], found['ARN']),
                             (setting, value, 'Default', 'System',
                              f'arn:aws:ssm:{REGION}:{ACCOUNT}:servicesetting{setting}'))

    def test_change_and_reset(self):
        arn = self.get(FAST)['ARN']
        self.ssm.update_service_setting(SettingId=arn, SettingValue='true')
        found = self.get(FAST)
        self.assertEqual((found['SettingValue'], found['Status'], found['LastModifiedUser']),
                         ('true', 'Customized', f'arn:aws:iam::{ACCOUNT}:user/administrator'))
        self.assertLess(abs(found['LastModifiedDate'].timestamp() - time.time()), 60)
        other = self.client('ssm', region='eu-west-1').get_service_setting(SettingId=FAST)
        self.assertEqual(other['ServiceSetting']['SettingValue'], 'false')
        found = self.ssm.reset_service_setting(SettingId=FAST)['ServiceSetting']
        self.assertEqual((found['SettingValue'], found['Status']), ('false', 'Default'))
        self.assertEqual(self.get(arn)['Status'], 'Default')

    def test_refusals(self):
        for call, more in ((self.ssm.get_service_setting, {}),
                           (self.ssm.update_service_setting, {'SettingValue': 'x'}),
                           (self.ssm.reset_service_setting, {})):
            for bad in ('/ssm/none', f'arn:aws:ssm:eu-west-1:{ACCOUNT}:servicesetting{FAST}'):
                self.refused('ServiceSettingNotFound', call, SettingId=bad, **more)
        self.refused('ValidationException', self.ssm.update_service_setting, SettingId=TIER,
                     SettingValue='Best')
        self.refused('ValidationException', self.ssm.update_service_setting, SettingId=FAST,
                     SettingValue='yes')


if __name__ == '__main__':
    main()
