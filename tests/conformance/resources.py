"""resources: what an account has, and how every operation of every service is called on it.

The operations are the server's own list, the shapes of their inputs are boto3's models, and
`values` says with what each required member is filled. An operation that cannot be called for want
of a value fails the test: whoever adds a service teaches it here.
"""
import base64
import json
import time
import urllib.request

import botocore
from botocore.exceptions import ClientError

import local_server
import packages
import roles
from local_server import ACCOUNT, OTHER_ACCOUNT, REGION

CANARY = 'CANARYofTheFirstAccount'
MODELS = {'tagging': 'resourcegroupstaggingapi'}
TAGS = [{'Key': 'team', 'Value': 'red'}]
OTHER_ROOT = f'arn:aws:iam::{OTHER_ACCOUNT}:root'
# Members that are given although they are not required: they carry the other account's name.
GIVEN = {
    'ssm': {'KeyId'}, 'events': {'EventBusName', 'Arn'}, 'sqs': {'QueueOwnerAWSAccountId'},
    'kms': {'KeyId', 'GrantId', 'CiphertextBlob'},
    'cloudtrail': {'EventSelectors'}, 'iam': {'PermissionsBoundary'}, 'sts': {'PolicyArns'},
    'tagging': {'ResourceARNList'}, 'logs': {'logGroupIdentifier'}, 'lambda': {'EventSourceArn'},
}
# Operations that Debian's boto3 does not know.
NEWER = {
    ('kms', 'DeriveSharedSecret'): ['KeyId', 'KeyAgreementAlgorithm', 'PublicKey'],
    ('kms', 'ListKeyRotations'): ['KeyId'], ('kms', 'RotateKeyOnDemand'): ['KeyId'],
    ('kms', 'GetKeyLastUsage'): ['KeyId'],
    ('events', 'UpdateEventBus'): ['Name'],
    ('sqs', 'StartMessageMoveTask'): ['SourceArn'], ('sqs', 'ListMessageMoveTasks'): ['SourceArn'],
    ('sqs', 'CancelMessageMoveTask'): ['TaskHandle'],
}


def blob(text=b'blob of bytes'):
    return text


class Resources:
    """What the first account has, with the canary wherever a text can be put."""

    def __init__(self, test, services):
        self.test = test
        self.values = {}
        for name in ('ssm', 'kms', 'iam', 'sts', 'tagging', 'events', 'sqs', 'cloudtrail',
                     'lambda', 'logs'):
            if name in services:
                getattr(self, 'make_' + name)(test.client(MODELS.get(name, name)))

    def make_ssm(self, ssm):
        arn = f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/shared/p'
        ssm.put_parameter(Name='/shared/p', Value=CANARY, Type='String', Description=CANARY,
                          Tier='Advanced', Tags=[{'Key': 'canary', 'Value': CANARY}])
        ssm.put_parameter(Name='/shared/secure', Value=CANARY, Type='SecureString')
        self.values['ssm'] = {
            'Name': arn, 'Names': [arn], 'Path': '/shared', 'Labels': ['label'], 'Value': 'theirs',
            'ParameterVersion': 1, 'Policy': roles.policy({
                'Effect': 'Allow', 'Principal': {'AWS': OTHER_ACCOUNT}, 'Resource': arn,
                'Action': ['ssm:GetParameter', 'ssm:GetParameters']}),
            'PolicyHash': 'hash', 'PolicyId': 'id', 'ResourceArn': arn, 'ResourceId': arn,
            'ResourceType': 'Parameter', 'SettingValue': 'Advanced', 'Tags': TAGS,
            'TagKeys': ['canary'], 'SettingId':
                f'arn:aws:ssm:{REGION}:{ACCOUNT}:servicesetting/ssm/parameter-store/'
                'default-parameter-tier',
            'KeyId': None,
            # AWS takes no ARN in these: a name is in the caller's account.
            **{operation + '.Name': '/shared/theirs' for operation in (
                'PutParameter', 'DeleteParameter', 'LabelParameterVersion',
                'UnlabelParameterVersion')},
        }

    def make_kms(self, kms):
        def key(**arguments):
            return kms.create_key(Description=CANARY, Tags=[
                {'TagKey': 'canary', 'TagValue': CANARY}], **arguments)['KeyMetadata']['Arn']
        self.key = key(MultiRegion=True)
        signer = key(KeySpec='ECC_NIST_P256', KeyUsage='SIGN_VERIFY')
        mac = key(KeySpec='HMAC_256', KeyUsage='GENERATE_VERIFY_MAC')
        kms.create_alias(AliasName='alias/first', TargetKeyId=self.key)
        grant = kms.create_grant(KeyId=self.key, Operations=['Decrypt'],
                                 GranteePrincipal=f'arn:aws:iam::{ACCOUNT}:root')
        cipher = kms.encrypt(KeyId=self.key, Plaintext=CANARY.encode())['CiphertextBlob']
        self.values['kms'] = {
            'KeyId': self.key, 'AliasName': 'alias/theirs', 'TargetKeyId': self.key,
            'DestinationKeyId': self.key, 'GrantId': grant['GrantId'], 'Plaintext': blob(),
            'CiphertextBlob': cipher, 'Description': 'theirs', 'Operations': ['Decrypt'],
            'GranteePrincipal': OTHER_ROOT, 'RetiringPrincipal': f'arn:aws:iam::{ACCOUNT}:root',
            'KeyPairSpec': 'ECC_NIST_P256', 'PolicyName': 'default', 'Policy': roles.policy({
                'Effect': 'Allow', 'Principal': {'AWS': OTHER_ROOT}, 'Action': 'kms:*',
                'Resource': '*'}),
            'PrimaryRegion': 'eu-west-1', 'ReplicaRegion': 'eu-west-1', 'TagKeys': ['canary'],
            'Tags': [{'TagKey': 'a', 'TagValue': 'b'}], 'Message': blob(), 'Signature': blob(),
            'Mac': blob(b'm' * 32), 'MacAlgorithm': 'HMAC_SHA_256',
            'SigningAlgorithm': 'ECDSA_SHA_256', 'WrappingAlgorithm': 'RSAES_OAEP_SHA_256',
            'WrappingKeySpec': 'RSA_2048', 'ImportToken': blob(), 'EncryptedKeyMaterial': blob(),
            'CustomKeyStoreId': 'cks-1234567890abcdef0', 'CustomKeyStoreName': 'theirs',
            'KeyAgreementAlgorithm': 'ECDH', 'PublicKey': base64.b64encode(blob()).decode(),
            'Sign.KeyId': signer, 'Verify.KeyId': signer, 'GenerateMac.KeyId': mac,
            'VerifyMac.KeyId': mac,
        }

    def make_iam(self, iam):
        tags = [{'Key': 'canary', 'Value': CANARY}]
        document = roles.policy(roles.allow('ssm:*', Sid=CANARY))
        iam.create_user(UserName='theirs', Tags=tags)
        iam.create_group(GroupName='theirs')
        iam.create_role(RoleName='theirs', Description=CANARY, Tags=tags,
                        AssumeRolePolicyDocument=roles.trust())
        iam.create_instance_profile(InstanceProfileName='theirs', Tags=tags)
        arn = iam.create_policy(PolicyName='theirs', Description=CANARY, Tags=tags,
                                PolicyDocument=document)['Policy']['Arn']
        for put, member in ((iam.put_user_policy, 'UserName'), (iam.put_role_policy, 'RoleName'),
                            (iam.put_group_policy, 'GroupName')):
            put(**{member: 'theirs'}, PolicyName='theirs', PolicyDocument=document)
        provider = iam.create_open_id_connect_provider(
            Url='https://theirs.example.com', ClientIDList=[CANARY])['OpenIDConnectProviderArn']
        key = iam.create_access_key(UserName='theirs')['AccessKey']['AccessKeyId']
        iam.create_account_alias(AccountAlias='the-first')
        self.values['iam'] = {
            **{name: 'theirs' for name in ('UserName', 'GroupName', 'RoleName', 'PolicyName',
                                           'InstanceProfileName')},
            'PolicyArn': arn, 'OpenIDConnectProviderArn': provider, 'AccessKeyId': key,
            'PolicySourceArn': f'arn:aws:iam::{ACCOUNT}:user/theirs', 'VersionId': 'v1',
            'PermissionsBoundary': arn, 'AccountAlias': 'the-first', 'Status': 'Inactive',
            'PolicyDocument': roles.policy(roles.allow('*')), 'Description': 'theirs',
            'AssumeRolePolicyDocument': roles.trust({'AWS': OTHER_ACCOUNT}), 'ClientID': 'client',
            'ThumbprintList': ['a' * 40], 'Url': 'https://theirs.example.com', 'Tags': TAGS,
            'TagKeys': ['canary'], 'ActionNames': ['ssm:GetParameter'],
            'PolicyInputList': [roles.policy(roles.allow('*'))],
            'GlobalEndpointTokenVersion': 'v2Token',
            'UpdateAssumeRolePolicy.PolicyDocument': roles.trust({'AWS': OTHER_ACCOUNT}),
        }

    def make_sts(self, _):
        self.values['sts'] = {
            'RoleArn': f'arn:aws:iam::{ACCOUNT}:role/theirs', 'RoleSessionName': 'session',
            'Name': 'federated', 'EncodedMessage': 'x' * 40, 'WebIdentityToken': 'a.b.c',
            'AccessKeyId': self.values['iam']['AccessKeyId'],
            'PolicyArns': [{'arn': f'arn:aws:iam::{ACCOUNT}:policy/theirs'}],
        }

    def make_tagging(self, _):
        arn = self.values['ssm']['ResourceArn']
        self.values['tagging'] = {'Key': 'canary', 'ResourceARNList': [arn, self.key],
                                  'TagKeys': ['canary'], 'Tags': {'team': 'blue'}}

    def make_events(self, events):
        bus = events.create_event_bus(Name='first')['EventBusArn']
        rule = events.put_rule(Name='first', EventBusName='first', Description=CANARY,
                               EventPattern='{"source":["a"]}')['RuleArn']
        queue = f'arn:aws:sqs:{REGION}:{ACCOUNT}:first'
        self.values['events'] = {
            'Name': 'first', 'Rule': 'first', 'EventBusName': bus, 'ResourceARN': rule,
            'TagKeys': ['canary'], 'Tags': TAGS, 'Ids': ['1'], 'Targets': [
                {'Id': '1', 'Arn': f'arn:aws:sqs:{REGION}:{OTHER_ACCOUNT}:q'}],
            'TargetArn': queue, 'Arn': bus, 'Event': '{}', 'EventPattern': '{"source":["a"]}',
            'Entries': [{'Source': 'theirs', 'DetailType': 'd', 'Detail': '{}',
                         'EventBusName': bus}], 'Action': 'events:PutEvents',
            'Principal': OTHER_ACCOUNT, 'StatementId': 'theirs',
            'DescribeEventBus.Name': bus, 'PutPermission.EventBusName': 'first',
            'RemovePermission.EventBusName': 'first',
        }

    def make_sqs(self, sqs):
        url = sqs.create_queue(QueueName='first', tags={'canary': CANARY})['QueueUrl']
        sqs.send_message(QueueUrl=url, MessageBody=CANARY)
        arn = f'arn:aws:sqs:{REGION}:{ACCOUNT}:first'
        self.values['sqs'] = {
            'QueueUrl': url, 'QueueName': 'first', 'MessageBody': 'theirs', 'Label': 'theirs',
            'AWSAccountIds': [OTHER_ACCOUNT], 'Actions': ['SendMessage'], 'ReceiptHandle': 'x',
            'VisibilityTimeout': 0, 'Attributes': {'DelaySeconds': '1'}, 'SourceArn': arn,
            'Tags': {'team': 'blue'}, 'TagKeys': ['canary'], 'TaskHandle': 'x',
            'QueueOwnerAWSAccountId': ACCOUNT,
            'SendMessageBatch.Entries': [{'Id': '1', 'MessageBody': 'theirs'}],
            'DeleteMessageBatch.Entries': [{'Id': '1', 'ReceiptHandle': 'x'}],
            'ChangeMessageVisibilityBatch.Entries': [{'Id': '1', 'ReceiptHandle': 'x',
                                                      'VisibilityTimeout': 0}],
        }

    def make_cloudtrail(self, cloudtrail):
        arn = cloudtrail.create_trail(Name='first', S3BucketName='bucket-of-the-first',
                                      TagsList=[{'Key': 'canary', 'Value': CANARY}])['TrailARN']
        self.values['cloudtrail'] = {
            'Name': arn, 'TrailName': arn, 'ResourceId': arn, 'ResourceIdList': [arn],
            'TagsList': [{'Key': 'theirs', 'Value': 'theirs'}], 'S3BucketName': 'theirs',
            'EventSelectors': [{'ReadWriteType': 'All'}], 'CreateTrail.Name': 'first',
        }

    def make_lambda(self, functions):
        arn = packages.function(self.test.server, 'first', Description=CANARY,
                                Environment={'Variables': {'CANARY': CANARY}},
                                Tags={'canary': CANARY})['FunctionArn']
        functions.add_permission(FunctionName=arn, StatementId='first', Principal=ACCOUNT,
                                 Action='lambda:InvokeFunction')
        functions.put_function_event_invoke_config(FunctionName=arn, MaximumRetryAttempts=0)
        functions.publish_version(FunctionName=arn)
        functions.create_alias(FunctionName=arn, Name='first', FunctionVersion='1',
                               Description=CANARY)
        queue = self.test.client('sqs').create_queue(QueueName='feeds')['QueueUrl']
        packages.role(self.test.server, 'function')
        self.test.client('iam').put_role_policy(RoleName='function', PolicyName='feeds',
                                                PolicyDocument=roles.policy(roles.allow('sqs:*')))
        mapping = functions.create_event_source_mapping(
            FunctionName='first', EventSourceArn=f'arn:aws:sqs:{REGION}:{ACCOUNT}:'
            + queue.rpartition('/')[2], Enabled=False)
        self.values['lambda'] = {
            'UUID': mapping['UUID'], 'EventSourceArn': mapping['EventSourceArn'],
            'FunctionName': arn, 'Resource': arn, 'Name': 'first', 'FunctionVersion': '1',
            'StatementId': 'first', 'Action': 'lambda:InvokeFunction', 'Principal': OTHER_ACCOUNT,
            'Role': f'arn:aws:iam::{ACCOUNT}:role/function',
            'Code': {'ZipFile': packages.zipped()}, 'ReservedConcurrentExecutions': 1,
            'Tags': {'theirs': 'theirs'}, 'TagKeys': ['canary'],
        }

    def make_logs(self, logs):
        group = '/first/group'
        arn = f'arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}'
        logs.create_log_group(logGroupName=group, tags={'canary': CANARY})
        logs.create_log_stream(logGroupName=group, logStreamName='stream')
        logs.put_log_events(logGroupName=group, logStreamName='stream', logEvents=[
            {'timestamp': int(time.time() * 1000), 'message': CANARY}])
        events = {'logEvents': [{'timestamp': int(time.time() * 1000), 'message': 'theirs'}]}
        self.values['logs'] = {
            'logGroupName': group, 'logStreamName': 'stream', 'logGroupIdentifier': arn,
            'resourceArn': arn, 'tags': {'team': 'blue'}, 'tagKeys': ['canary'],
            'retentionInDays': 1, 'UntagLogGroup.tags': ['canary'], **events,
            **{operation + '.logGroupName': None for operation in (
                'DescribeLogStreams', 'FilterLogEvents', 'GetLogEvents')},
        }


class Callers(local_server.Conformance):
    """Who call every operation on what the first account has."""

    def setUp(self):
        super().setUp()
        with urllib.request.urlopen(self.server.url + '/_understudy/operations') as answer:
            self.operations = json.load(answer)
        self.resources = Resources(self, self.operations)

    def call_as(self, **whose):
        """The caller of all that follows: `account` or `keys`."""
        self.whose = whose
        self.clients = {service: self.client(MODELS.get(service, service), **whose)
                        for service in self.operations}

    def arguments(self, service, operation):
        values = self.resources.values.get(service)
        self.assertIsNotNone(values, f'{service} is new: make resources of the first account')
        model = self.clients[service].meta.service_model
        if operation in model.operation_names:
            shape = model.operation_model(operation).input_shape
            wanted = shape.required_members + sorted(
                set(shape.members) & GIVEN.get(service, set()) - set(shape.required_members)) \
                if shape else []
        else:
            wanted = NEWER.get((service, operation))
            self.assertIsNotNone(wanted, f'{service}:{operation} is new: say how to call it')
        found = {}
        for member in wanted:
            value = values.get(f'{operation}.{member}', values.get(member, self))
            self.assertIsNot(value, self, f'{service}:{operation}: no value for {member}')
            if value is not None:
                found[member] = value
        return found

    def call(self, service, operation, arguments):
        """The code (None: it succeeded) and the answer's bytes."""
        client = self.clients.get(service)
        bodies = []
        method = botocore.xform_name(operation)
        if not hasattr(client, method):
            status, answer = self.server.raw(service, operation, arguments, **self.whose)
            code = None if status == 200 else answer['__type'].split('#')[-1]
            return code, json.dumps(answer).encode()

        def keep(response_dict, **_):
            bodies.append(response_dict['body'])
        client.meta.events.register('response-received.*.*', keep, unique_id='kept')
        try:
            getattr(client, method)(**arguments)
            code = None
        except ClientError as error:
            code = error.response['Error']['Code']
        client.meta.events.unregister('response-received.*.*', unique_id='kept')
        return code, bodies[0]
