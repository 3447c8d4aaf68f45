"""deployed: the event-driven replicator on a local AWS, as its users deploy it.

    function = Deployed(client, {'DEST_REGIONS': 'us-east-1', ...}, policy, queue=True)

`client(service, region)` makes boto3's clients of the account that owns the source; `policy` is
what the function's role may do: policy_of(configuration) has `understudy policy` say it. Role,
function, rule for both families of events, permission; with `queue` a queue between rule and
function, its dead-letter queue, and the mapping; with `dead_letters` a queue for the events that
the function failed to handle. A trail, which the events of calls need, is `start_trail`'s.
"""
import collections
import json
import os
import pathlib
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCE = 'ap-south-1'
PATTERN = {
    'source': ['aws.ssm'],
    '$or': [
        {'detail-type': ['Parameter Store Change', 'Parameter Store Policy Action']},
        {'detail-type': ['AWS API Call via CloudTrail'],
         'detail': {'eventSource': ['ssm.amazonaws.com'],
                    'eventName': ['PutParameter', 'DeleteParameter', 'DeleteParameters',
                                  'AddTagsToResource', 'RemoveTagsFromResource',
                                  'LabelParameterVersion', 'UnlabelParameterVersion']}}]}
ARTICLE = {  # the pattern as the article has it
    'source': ['aws.ssm'],
    'detail-type': ['AWS API Call via CloudTrail'],
    'detail': {'eventSource': ['ssm.amazonaws.com'],
               'eventName': ['PutParameter', 'DeleteParameter', 'DeleteParameters']}}
TRUST = {'Version': '2012-10-17', 'Statement': [
    {'Effect': 'Allow', 'Principal': {'Service': 'lambda.amazonaws.com'},
     'Action': 'sts:AssumeRole'}]}


def package():
    return os.environ.get('UNDERSTUDY_LAMBDA', str(ROOT / 'build' / 'understudy-lambda.zip'))


def policy_of(config, *words, role='function'):
    """What the function's role needs for a configuration, or that of a destination."""
    program = os.environ.get('UNDERSTUDY', str(ROOT / 'build' / 'understudy'))
    with tempfile.NamedTemporaryFile('w', suffix='.yaml') as file:
        file.write(config)
        file.flush()
        printed = json.loads(subprocess.run([program, 'policy', '--config', file.name, *words],
                                            capture_output=True, text=True, check=True).stdout)
    return next(one['policy'] for one in printed['policies'] if one['role'] == role)


def start_trail(client, region=SOURCE):
    trails = client('cloudtrail', region)
    trails.create_trail(Name='management', S3BucketName='trail-of-the-test',
                        IsMultiRegionTrail=True)
    trails.start_logging(Name='management')


class Deployed:
    def __init__(self, client, environment, policy, name='understudy', queue=False, pattern=None,
                 batch=10, timeout=60, memory=256, source=SOURCE, concurrency=None,
                 dead_letters=False, code=None):
        self.client, self.name, self.source = client, name, source
        account = client('sts', source).get_caller_identity()['Account']
        iam, functions = client('iam', source), client('lambda', source)
        self.role = iam.create_role(RoleName=f'{name}-{source}',
                                    AssumeRolePolicyDocument=json.dumps(TRUST))['Role']['Arn']
        iam.put_role_policy(RoleName=f'{name}-{source}', PolicyName='replicate',
                            PolicyDocument=json.dumps(policy))
        # As the templates do: the role may write into it, and need not make it.
        client('logs', source).create_log_group(logGroupName='/aws/lambda/' + name)
        buried = {}
        if dead_letters:
            self.dead_url = client('sqs', source).create_queue(
                QueueName=name + '-failed')['QueueUrl']
            buried = {'DeadLetterConfig': {
                'TargetArn': f'arn:aws:sqs:{source}:{account}:{name}-failed'}}
        self.arn = functions.create_function(
            FunctionName=name, Runtime='provided.al2023', Role=self.role, Handler='bootstrap',
            Timeout=timeout, MemorySize=memory, Environment={'Variables': environment},
            Code={'ZipFile': code or pathlib.Path(package()).read_bytes()}, **buried)['FunctionArn']
        functions.get_waiter('function_active_v2').wait(
            FunctionName=name, WaiterConfig={'Delay': 0.05, 'MaxAttempts': 100})
        if concurrency:
            functions.put_function_concurrency(FunctionName=name,
                                               ReservedConcurrentExecutions=concurrency)
        events = client('events', source)
        rule = events.put_rule(Name=name,
                               EventPattern=json.dumps(pattern or PATTERN))['RuleArn']
        target = self.arn
        if queue:
            target = self._queue(account, rule, timeout)
            functions.create_event_source_mapping(
                FunctionName=name, EventSourceArn=target, BatchSize=batch,
                FunctionResponseTypes=['ReportBatchItemFailures'],
                **({'MaximumBatchingWindowInSeconds': 1} if batch > 10 else {}))
        else:
            functions.add_permission(FunctionName=name, StatementId='rule',
                                     Action='lambda:InvokeFunction',
                                     Principal='events.amazonaws.com', SourceArn=rule)
        failed = events.put_targets(Rule=name, Targets=[{'Id': 'understudy', 'Arn': target}])
        assert failed['FailedEntryCount'] == 0, failed

    def _queue(self, account, rule, timeout):
        sqs = self.client('sqs', self.source)
        arns = {}
        for queue in (self.name + '-dead', self.name):
            arns[queue] = f'arn:aws:sqs:{self.source}:{account}:{queue}'
            attributes = {'VisibilityTimeout': str(6 * timeout)}
            if not queue.endswith('-dead'):
                attributes['RedrivePolicy'] = json.dumps(
                    {'deadLetterTargetArn': arns[self.name + '-dead'], 'maxReceiveCount': 5})
                attributes['Policy'] = json.dumps({
                    'Version': '2012-10-17', 'Statement': [
                        {'Effect': 'Allow', 'Principal': {'Service': 'events.amazonaws.com'},
                         'Action': 'sqs:SendMessage', 'Resource': arns[queue],
                         'Condition': {'ArnEquals': {'aws:SourceArn': rule}}}]})
            self.queue_url = sqs.create_queue(QueueName=queue, Attributes=attributes)['QueueUrl']
            if queue.endswith('-dead'):
                self.dead_url = self.queue_url
        return arns[self.name]

    def invoke(self, payload):
        answer = self.client('lambda', self.source).invoke(FunctionName=self.name,
                                                           Payload=json.dumps(payload))
        return answer.get('FunctionError'), json.loads(answer['Payload'].read() or b'null')

    def schedule(self, payload, rate='rate(1 hour)'):
        """A rule that hands the function this payload."""
        events = self.client('events', self.source)
        name = self.name + '-schedule'
        rule = events.put_rule(Name=name, ScheduleExpression=rate)['RuleArn']
        self.client('lambda', self.source).add_permission(
            FunctionName=self.name, StatementId=name, Action='lambda:InvokeFunction',
            Principal='events.amazonaws.com', SourceArn=rule)
        failed = events.put_targets(Rule=name, Targets=[
            {'Id': 'reconcile', 'Arn': self.arn, 'Input': json.dumps(payload)}])
        assert failed['FailedEntryCount'] == 0, failed

    def counts(self):
        """The sums of its metrics until now."""
        sums = collections.Counter()
        for line in self.log():
            if line.startswith('{"_aws"'):
                sums.update({name: value for name, value in json.loads(line).items()
                             if isinstance(value, int)})
        return sums

    def log(self):
        """What the function wrote, as far as it can be read now."""
        logs = self.client('logs', self.source)
        pages = logs.get_paginator('filter_log_events').paginate(
            logGroupName='/aws/lambda/' + self.name)
        return [event['message'] for page in pages for event in page['events']]


def within(seconds, look, forward=None):
    """What `look` gives as soon as it is true; the test fails when it is not in time. `seconds` are
    those of a machine that does nothing else; one that is busy has four times that.

    `forward` moves the server's clock over a pause. What is to come behind the pause may only be
    about to be put off: nobody can see whether it was. So it is called again when nothing came."""
    end, again = time.monotonic() + 4 * seconds, 0
    while True:
        if forward and time.monotonic() > again:
            forward()
            again = time.monotonic() + 3
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f'not within {seconds} s')
        time.sleep(0.01)
