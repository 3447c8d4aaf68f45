"""--quotas aws: AWS's default rates, with a clock that moves only when told."""
from botocore.exceptions import ClientError

from local_server import OTHER_ACCOUNT, Conformance, main


class Quotas(Conformance):
    options = ('--quotas', 'aws')

    def setUp(self):
        super().setUp()
        self.server.clock(advance=0, stopped=True)

    def passed(self, call, at_most=100, code='ThrottlingException', message='Rate exceeded',
               **arguments):
        """How many calls pass before one is throttled."""
        for count in range(at_most):
            try:
                call(**arguments)
            except ClientError as error:
                self.assertEqual((error.response['Error']['Code'],
                                  error.response['Error']['Message']), (code, message))
                self.assertEqual(error.response['ResponseMetadata']['HTTPStatusCode'], 400)
                return count
        return at_most

    def put(self, ssm, **more):
        return self.passed(ssm.put_parameter, Name='/q', Value='v', Type='String', Overwrite=True,
                           **more)

    def test_puts_are_three_a_second(self):
        ssm = self.client('ssm')
        self.assertEqual(self.put(ssm), 3)
        self.server.clock(advance=1)
        self.assertEqual(self.put(ssm), 3)
        self.server.clock(advance=0.4)
        self.assertEqual(self.put(ssm), 1)
        self.server.clock(advance=3600)
        self.assertEqual(self.put(ssm), 3)

    def test_a_refused_call_counts(self):
        ssm = self.client('ssm')
        for _ in range(3):
            self.refused('ValidationException', ssm.put_parameter, Name='', Value='v',
                         Type='String')
        self.assertEqual(self.put(ssm), 0)

    def test_reads_share_forty(self):
        ssm = self.client('ssm')
        self.assertEqual(self.passed(ssm.get_parameters, 25, Names=['/x']), 25)
        self.assertEqual(self.passed(ssm.get_parameters_by_path, Path='/'), 15)
        self.assertEqual(self.passed(ssm.get_parameters, Names=['/x']), 0)
        self.assertEqual(self.passed(ssm.describe_parameters, 10), 10)

    def test_buckets_belong_to_account_and_region(self):
        self.assertEqual(self.put(self.client('ssm')), 3)
        self.assertEqual(self.put(self.client('ssm', region='eu-west-1')), 3)
        self.assertEqual(self.put(self.client('ssm', account=OTHER_ACCOUNT)), 3)
        self.assertEqual(self.put(self.client('ssm')), 0)

    def test_higher_throughput(self):
        ssm = self.client('ssm')
        ssm.update_service_setting(SettingId='/ssm/parameter-store/high-throughput-enabled',
                                   SettingValue='true')
        self.assertEqual(self.put(ssm), 10)
        self.assertEqual(self.put(self.client('ssm', region='eu-west-1')), 3)
        ssm.reset_service_setting(SettingId='/ssm/parameter-store/high-throughput-enabled')
        self.server.clock(advance=10)
        self.assertEqual(self.put(ssm), 3)

    def test_other_services_in_their_words(self):
        kms = self.client('kms')
        self.assertEqual(self.passed(
            kms.create_key, message='You have exceeded the rate at which you may call KMS. '
            'Reduce the frequency of your calls.'), 5)
        kms.list_keys()
        self.assertEqual(self.passed(self.client('resourcegroupstaggingapi').get_resources,
                                     code='ThrottledException'), 15)
        self.assertEqual(self.passed(self.client('cloudtrail').lookup_events), 2)
        self.assertEqual(self.passed(self.client('iam').list_roles, code='Throttling'), 20)
        self.assertEqual(self.passed(self.client('sts').get_caller_identity, at_most=50,
                                     code='Throttling'), 50)

    def test_queues_take_300_of_a_method(self):
        url = self.client('sqs').create_queue(QueueName='q')['QueueUrl']
        sqs = self.client('sqs')
        self.assertEqual(self.passed(sqs.receive_message, 400, 'RequestThrottled', QueueUrl=url),
                         300)
        sqs.purge_queue(QueueUrl=url)

    def test_reset_fills_the_buckets(self):
        self.assertEqual(self.put(self.client('ssm')), 3)
        self.server.reset()
        self.assertEqual(self.put(self.client('ssm')), 3)


class NoQuotas(Conformance):
    def test_none_by_default(self):
        ssm = self.client('ssm')
        for _ in range(12):
            ssm.put_parameter(Name='/q', Value='v', Type='String', Overwrite=True)


if __name__ == '__main__':
    main()
