"""--quotas aws: AWS's default rates, with a clock that moves only when told."""
import json
import re
import socket

from botocore.exceptions import ClientError

import wire
from local_server import OTHER_ACCOUNT, Conformance, main


class Quotas(Conformance):
    options = ('--quotas', 'aws')

    def setUp(self):
        super().setUp()
        self.server.clock(advance=0, stopped=True)

    def passed(self, call, at_most=100, code='ThrottlingException', message='Rate exceeded',
               status=400, **arguments):
        """How many calls pass before one is throttled."""
        for count in range(at_most):
            try:
                call(**arguments)
            except ClientError as error:
                self.assertEqual((error.response['Error']['Code'],
                                  error.response['Error']['Message']), (code, message))
                self.assertEqual(error.response['ResponseMetadata']['HTTPStatusCode'], status)
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
        functions = self.client('lambda')
        self.assertEqual(self.passed(functions.list_functions, message='Rate exceeded',
                                     code='TooManyRequestsException', status=429), 15)
        self.refused('TooManyRequestsException', functions.get_account_settings)
        self.assertEqual(self.passed(self.client('iam').list_roles, code='Throttling'), 20)
        self.assertEqual(self.passed(self.client('sts').get_caller_identity, at_most=50,
                                     code='Throttling'), 50)

    def used_up(self, operation, times, region='eu-west-1', **arguments):
        """Calls of KMS that all pass. Signed once and sent again: boto3 would take a minute."""
        call = wire.signed_json(self.server, 'kms', f'TrentService.{operation}',
                                json.dumps(arguments), region=region)
        head = ''.join(f'{name}: {value}\r\n' for name, value in call.header_items())
        sent = (f'POST / HTTP/1.1\r\nHost: {call.host}\r\nContent-Length: {len(call.data)}\r\n'
                f'{head}\r\n').encode() + call.data
        host, _, port = call.host.rpartition(':')
        with socket.create_connection((host, int(port))) as connection:
            answers = connection.makefile('rb')
            for start in range(0, times, 100):
                count = min(times - start, 100)
                connection.sendall(sent * count)
                for _ in range(count):
                    self.assertEqual(answers.readline(), b'HTTP/1.1 200 OK\r\n')
                    fields = dict(line.lower().split(b': ')
                                  for line in iter(answers.readline, b'\r\n'))
                    answers.read(int(fields[b'content-length']))

    KMS_TEXT = 'You have exceeded the rate at which you may call KMS. ' \
               'Reduce the frequency of your calls.'

    def test_rsa_keys_share_500(self):
        kms = self.client('kms', region='eu-west-1')
        key = kms.create_key(KeySpec='RSA_2048', KeyUsage='ENCRYPT_DECRYPT')['KeyMetadata']['KeyId']
        rsa = {'KeyId': key, 'EncryptionAlgorithm': 'RSAES_OAEP_SHA_256'}
        blob = kms.encrypt(Plaintext=b'v', **rsa)['CiphertextBlob']
        self.used_up('Encrypt', 499, Plaintext='dg==', **rsa)
        throttled = {'message': self.KMS_TEXT, 'at_most': 1}
        self.assertEqual(self.passed(kms.decrypt, CiphertextBlob=blob, **rsa, **throttled), 0)
        self.assertEqual(self.passed(
            kms.re_encrypt, CiphertextBlob=blob, SourceKeyId=key, DestinationKeyId='alias/aws/ssm',
            SourceEncryptionAlgorithm='RSAES_OAEP_SHA_256', **throttled), 0)
        self.assertEqual(self.passed(kms.sign, KeyId=key, Message=b'm',
                                     SigningAlgorithm='RSASSA_PSS_SHA_256', **throttled), 0)
        self.refused('InvalidKeyUsageException', kms.sign, KeyId=key, Message=b'm',
                     SigningAlgorithm='ECDSA_SHA_256')
        kms.generate_random(NumberOfBytes=1)

    def test_what_ssm_asks_of_kms_counts(self):
        ssm, kms = (self.client(name, region='eu-west-1') for name in ('ssm', 'kms'))
        secret = {'Name': '/s', 'Value': 'v', 'Type': 'SecureString', 'Overwrite': True}
        ssm.put_parameter(**secret)                                    # Encrypt
        ssm.get_parameters(Names=['/s', '/s:1'], WithDecryption=True)  # Decrypt, twice
        ssm.put_parameter(Tier='Advanced', **secret)                   # GenerateDataKey
        self.used_up('GenerateRandom', 5495, NumberOfBytes=1)
        ssm.get_parameter(Name='/s', WithDecryption=True)
        self.assertEqual(self.passed(kms.generate_random, NumberOfBytes=1,
                                     message=self.KMS_TEXT), 0)
        for call, arguments in ((ssm.get_parameter, {'Name': '/s', 'WithDecryption': True}),
                                (ssm.put_parameter, secret)):
            told = self.refused('ThrottlingException', call, **arguments)['Error']['Message']
            self.assertRegex(told, '^' + re.escape(self.KMS_TEXT) + r' \(Service: AWSKMS; Status '
                             r'Code: 400; Error Code: ThrottlingException; Request ID: \S+; Proxy: '
                             r'null\)$')
        ssm.get_parameter(Name='/s')
        self.client('ssm', account=OTHER_ACCOUNT, region='eu-west-1').put_parameter(**secret)
        url = self.client('sqs', region='eu-west-1').create_queue(
            QueueName='q', Attributes={'KmsMasterKeyId': 'alias/aws/sqs'})['QueueUrl']
        self.refused('KmsThrottled', self.client('sqs', region='eu-west-1').send_message,
                     QueueUrl=url, MessageBody='m')

    def test_queues_take_300_of_a_method(self):
        url = self.client('sqs').create_queue(QueueName='q')['QueueUrl']
        sqs = self.client('sqs')
        self.assertEqual(self.passed(sqs.receive_message, 400, 'RequestThrottled', QueueUrl=url),
                         300)
        sqs.purge_queue(QueueUrl=url)
        self.assertEqual(self.passed(sqs.list_queue_tags, 10, 'RequestThrottled', QueueUrl=url), 5)

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
