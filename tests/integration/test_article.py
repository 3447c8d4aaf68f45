#!/usr/bin/python3
"""The event-driven replicator as it is deployed: rule, queue, function and roles on the local AWS,
with the package that goes to Lambda and the permissions that `understudy policy` prints. Numbers
are those of the research on peers."""
import datetime
import json
import sys
import unittest

from deployed import ARTICLE, ROOT, SOURCE, Deployed, policy_of, start_trail, within

sys.path.insert(0, str(ROOT / 'tests' / 'conformance'))
import local_server  # noqa: E402
import roles  # noqa: E402
from local_server import ACCOUNT, OTHER_ACCOUNT  # noqa: E402

COPY = 'us-east-1'
CONFIG = '''
source: { region: %s }
destinations: [{ region: %s%s }]
parameters: { include: ["/prod/**"]%s }
'''
OWNED = ', deletes: owned, max_delete: 10, delete_grace: 0'
# What the article's user would write for the environment of the article.
ENVIRONMENT = {'DEST_REGIONS': COPY, 'PARAM_PATHS': '/prod/app,/prod/api'}
BESIDE = '''
source: { region: %s }
destinations: [{ region: %s }]
parameters: { include: ["/prod/app/**", "/prod/api/**"] }
''' % (SOURCE, COPY)
PARAMETER = {'ResourceType': 'Parameter'}


def config(more='', source=SOURCE, copy=COPY, side=''):
    return CONFIG % (source, copy, side, more)


class Article(local_server.Conformance):
    deployed = 0
    made = {}  # clients outlive a test: making one takes long, and a closed one opens again

    def setUp(self):
        super().setUp()
        self.server.control('POST', 'events', {})
        self.server.clock(real=True)
        self.account = ACCOUNT

    def tearDown(self):
        self.server.clock(real=True)
        self.server.control('POST', 'events', {})
        super().tearDown()

    # --- what is there --------------------------------------------------------------------------
    def aws(self, service, region=SOURCE, account=ACCOUNT):
        key = service, region, account
        if key not in self.made:
            self.made[key] = self.server.client(service, region, account)
        return self.made[key]

    def deploy(self, text=None, environment=None, trail=True, words=(), **how):
        """A function for a configuration (or, with `environment`, for what means the same)."""
        # A name of its own: a function of the test before may still be about to log.
        Article.deployed += 1
        name = how['name'] = f'understudy-{self.deployed}'
        words = ['--account', ACCOUNT, '--function', name, *words]
        if how.get('queue'):
            words += ['--queue', name]
        if how.get('dead_letters'):
            words += ['--dead-letter-queue', name + '-failed']
        text = text or config(OWNED)
        if trail and not self.aws('cloudtrail').describe_trails()['trailList']:
            start_trail(self.aws)
        return Deployed(self.aws, environment or {'UNDERSTUDY_CONFIG': text},
                        policy_of(text, *words), **how)

    def put(self, name, value, region=SOURCE, **more):
        more.setdefault('Type', 'String')
        return self.aws('ssm', region).put_parameter(Name=name, Value=value, **more)['Version']

    def one(self, name, region=COPY, account=ACCOUNT):
        found = self.aws('ssm', region, account).get_parameters(Names=[name], WithDecryption=True)
        return found['Parameters'][0] if found['Parameters'] else None

    def value(self, name, region=COPY, account=ACCOUNT):
        found = self.one(name, region, account)
        return found and found['Value']

    def tags(self, name, region=COPY):
        found = self.aws('ssm', region).list_tags_for_resource(ResourceId=name, **PARAMETER)
        return {tag['Key']: tag['Value'] for tag in found['TagList']
                if not tag['Key'].startswith('understudy:')}

    def history(self, name, region=COPY):
        return self.aws('ssm', region).get_parameter_history(Name=name)['Parameters']

    def follows(self, name, value, **where):
        within(20, lambda: self.value(name, **where) == value)

    def gone(self, name, **where):
        within(20, lambda: self.one(name, **where) is None)

    def counted(self, function, pause=0, **wanted):
        """Its metrics, when each of these is at least so much; behind a pause of the server's."""
        def look():
            counts = function.counts()
            return counts if all(counts[name] >= least for name, least in wanted.items()) else None
        return within(20, look, (lambda: self.server.clock(advance=pause + 1)) if pause else None)

    def failed_none(self, function):
        self.assertEqual(function.counts()['ItemsFailed'], 0, '\n'.join(function.log()))

    def letter(self, url):
        """The next message of a queue, deleted."""
        sqs = self.aws('sqs')

        def look():
            return sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, AttributeNames=['All'],
                                       MessageAttributeNames=['All']).get('Messages')
        (found,) = within(20, look)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=found['ReceiptHandle'])
        return found

    def a_life(self, function, **where):
        """Everything that can befall a parameter, followed step by step."""
        ssm = self.aws('ssm')
        self.put('/prod/app/DB', 'one', Description='where it is',
                 Tags=[{'Key': 'team', 'Value': 'a'}, {'Key': 'tier', 'Value': 'x'}])
        self.follows('/prod/app/DB', 'one', **where)
        self.put('/prod/app/DB', 'two', Overwrite=True)
        self.follows('/prod/app/DB', 'two', **where)
        self.put('/prod/app/KEY', 'secret', Type='SecureString')
        self.follows('/prod/app/KEY', 'secret', **where)
        self.put('/other/app', 'not meant')
        ssm.delete_parameter(Name='/prod/app/DB')
        self.gone('/prod/app/DB', **where)
        self.assertIsNone(self.one('/other/app', **where))
        self.failed_none(function)
        self.assertNotIn('secret', '\n'.join(function.log()))

    # --- the chains -----------------------------------------------------------------------------
    def test_the_article_as_written(self):
        """Its pattern, its environment; and what it says and does not do: descriptions."""
        function = self.deploy(BESIDE, ENVIRONMENT, pattern=ARTICLE)
        self.put('/prod/app/DB_HOST', 'db.example.com', Description='the database')
        self.follows('/prod/app/DB_HOST', 'db.example.com')
        self.put('/prod/app/DB_HOST', 'new.example.com', Overwrite=True)
        self.follows('/prod/app/DB_HOST', 'new.example.com')
        self.put('/prod/api/JWT', 'secret', Type='SecureString')
        self.follows('/prod/api/JWT', 'secret')
        self.put('/test/api/JWT', 'x')
        self.aws('ssm').delete_parameter(Name='/prod/app/DB_HOST')
        self.counted(function, Events=5)
        self.assertIsNone(self.one('/test/api/JWT'))
        (row,) = self.aws('ssm', COPY).describe_parameters(ParameterFilters=[
            {'Key': 'Name', 'Values': ['/prod/app/DB_HOST']}])['Parameters']
        self.assertEqual(row['Description'], 'the database')  # and deletes are off
        self.assertEqual(function.counts()['ItemsBlocked'], 0)  # which is no fault

    def test_the_article_with_its_deletes(self):
        """What its environment says and means, to the last step: ParameterNotFound."""
        more = '], deletes: owned, delete_grace: 0, type: SecureString }'
        told = {**ENVIRONMENT, 'DEST_DELETES': 'owned', 'DEST_PARAM_TYPE': 'SecureString'}
        self.deploy(BESIDE.replace('] }', more), told, pattern=ARTICLE)
        self.put('/prod/app/DB_HOST', 'db.example.com')
        self.follows('/prod/app/DB_HOST', 'db.example.com')
        self.assertEqual(self.one('/prod/app/DB_HOST')['Type'], 'SecureString')
        self.aws('ssm').delete_parameter(Name='/prod/app/DB_HOST')
        self.gone('/prod/app/DB_HOST')

    def test_rule_and_function(self):
        self.a_life(self.deploy())

    def test_rule_queue_and_function(self):
        function = self.deploy(queue=True)
        self.a_life(function)
        within(20, lambda: self.waiting(function.queue_url) == 0)
        self.assertEqual(self.waiting(function.dead_url), 0)

    def waiting(self, url):
        found = self.aws('sqs').get_queue_attributes(QueueUrl=url, AttributeNames=['All'])
        return sum(int(found['Attributes']['ApproximateNumberOfMessages' + kind])
                   for kind in ('', 'NotVisible', 'Delayed'))

    def test_another_account(self):
        arn = f'arn:aws:iam::{OTHER_ACCOUNT}:role/copies'
        text = config(OWNED, side=f', role_arn: "{arn}", external_id: agreed')
        there = policy_of(text, '--account', ACCOUNT, role='destination')['Statement']
        function = self.deploy(text)
        roles.make(self.server, 'copies', *there, account=OTHER_ACCOUNT, trusts=roles.trust(
            {'AWS': function.role},
            Condition={'StringEquals': {'sts:ExternalId': 'agreed'}}))
        self.a_life(function, account=OTHER_ACCOUNT)
        self.assertEqual(self.aws('ssm', COPY).describe_parameters()['Parameters'], [])

    # --- what an event says is not believed -----------------------------------------------------
    def test_r15_a_delete_that_was_denied_deletes_nothing(self):
        function = self.deploy(pattern=ARTICLE)
        self.put('/prod/a', 'v')
        self.follows('/prod/a', 'v')
        seen = self.counted(function, Events=1)['Events']
        denied = roles.assume(self.server, roles.make(self.server, 'nobody'))
        for call, names in (('delete_parameter', {'Name': '/prod/a'}),
                            ('delete_parameters', {'Names': ['/prod/a']})):
            with self.assertRaises(Exception) as refused:
                getattr(self.server.client('ssm', SOURCE, keys=denied), call)(**names)
            self.assertEqual(refused.exception.response['Error']['Code'], 'AccessDeniedException')
        counts = self.counted(function, Events=seen + 2)
        self.assertEqual((counts['Removed'], counts['ItemsFailed']), (0, 0))
        self.assertEqual(self.value('/prod/a'), 'v')

    def test_r16_delete_parameters_counts_by_its_effect(self):
        function = self.deploy(pattern=ARTICLE)
        for name in 'abc':
            self.put('/prod/' + name, name)
        self.put('/prod/only-there', 'made by hand', region=COPY)
        for name in 'abc':
            self.follows('/prod/' + name, name)
        answer = self.aws('ssm').delete_parameters(
            Names=['/prod/a', '/prod/b', '/prod/only-there', '/prod/never'])
        self.assertEqual(sorted(answer['InvalidParameters']), ['/prod/never', '/prod/only-there'])
        self.gone('/prod/a')
        self.gone('/prod/b')
        # One that claims what did not happen.
        error, answer = function.invoke(self.claim('DeleteParameters', {'names': ['/prod/c']}))
        self.assertIsNone(error, answer)
        self.assertEqual(self.value('/prod/c'), 'c')
        self.assertEqual(self.value('/prod/only-there'), 'made by hand')

    def claim(self, name, request, **more):
        return {'version': '0', 'id': '7bf73129-1428-4cd3-a780-95db273d1602',
                'detail-type': 'AWS API Call via CloudTrail', 'source': 'aws.ssm',
                'account': ACCOUNT, 'time': '2026-01-02T03:04:05Z', 'region': SOURCE,
                'resources': [], 'detail': {
                    'eventVersion': '1.11', 'eventSource': 'ssm.amazonaws.com', 'eventName': name,
                    'awsRegion': SOURCE, 'requestParameters': request, 'responseElements': None,
                    'readOnly': False, 'eventType': 'AwsApiCall', **more}}

    def test_r17_a_late_delete_removes_nothing_that_was_made_again(self):
        function = self.deploy()
        self.put('/prod/a', 'first')
        self.follows('/prod/a', 'first')
        self.server.control('POST', 'events', {'delay': 3600, 'repeated': 1})
        self.aws('ssm').delete_parameter(Name='/prod/a')
        self.server.control('POST', 'events', {})
        self.put('/prod/a', 'made again')
        self.follows('/prod/a', 'made again')
        seen = function.counts()['Events']
        self.server.clock(advance=3601)
        counts = self.counted(function, Events=seen + 4)  # of both families, twice
        self.assertEqual((counts['Removed'], self.value('/prod/a')), (0, 'made again'))

    def test_r18_what_it_did_not_make_stays_and_nothing_goes_by_default(self):
        self.put('/prod/theirs', 'v', region=COPY)
        function = self.deploy()
        self.put('/prod/theirs', 'v')
        self.counted(function, ItemsEqual=1)
        seen = function.counts()['Events']
        self.aws('ssm').delete_parameter(Name='/prod/theirs')
        counts = self.counted(function, Events=seen + 2)
        self.assertEqual((counts['Removed'], self.value('/prod/theirs')), (0, 'v'))

    def test_r24_tags_and_labels_come_and_go_by_themselves(self):
        function = self.deploy(config(', labels: true'))
        ssm = self.aws('ssm')
        self.put('/prod/a', 'v', Tags=[{'Key': 'keep', 'Value': '1'}])
        self.follows('/prod/a', 'v')
        ssm.add_tags_to_resource(ResourceId='/prod/a', Tags=[{'Key': 'more', 'Value': '2'}],
                                 **PARAMETER)
        within(20, lambda: self.tags('/prod/a') == {'keep': '1', 'more': '2'})
        ssm.remove_tags_from_resource(ResourceId='/prod/a', TagKeys=['keep'], **PARAMETER)
        within(20, lambda: self.tags('/prod/a') == {'more': '2'})
        ssm.label_parameter_version(Name='/prod/a', Labels=['live'])
        within(20, lambda: self.history('/prod/a')[-1]['Labels'] == ['live'])
        ssm.unlabel_parameter_version(Name='/prod/a', ParameterVersion=1, Labels=['live'])
        within(20, lambda: self.history('/prod/a')[-1]['Labels'] == [])
        self.assertEqual(len(self.history('/prod/a')), 1)
        self.failed_none(function)

    # --- failures are told ----------------------------------------------------------------------
    def test_r28_what_fails_is_tried_again_and_then_buried(self):
        function = self.deploy(dead_letters=True, trail=False)
        iam = self.aws('iam')
        role = function.role.rpartition('/')[2]
        iam.put_role_policy(RoleName=role, PolicyName='denied', PolicyDocument=roles.policy(
            roles.deny('ssm:PutParameter')))
        self.put('/prod/a', 'v')
        for attempt, wait in enumerate((0, 60, 120), 1):
            self.counted(function, pause=wait, ItemsFailed=attempt)
        buried = self.letter(function.dead_url)
        self.assertEqual(json.loads(buried['Body'])['detail']['name'], '/prod/a')
        told = buried['MessageAttributes']['ErrorMessage']['StringValue']
        self.assertIn('ssm:PutParameter', told)
        self.assertNotIn('statusCode', told)
        log = '\n'.join(function.log())
        self.assertIn('Understudy.Failed', log)
        # Mended, the letter that was kept is all that it takes.
        iam.delete_role_policy(RoleName=role, PolicyName='denied')
        error, answer = function.invoke(json.loads(buried['Body']))
        self.assertEqual((error, self.value('/prod/a')), (None, 'v'), answer)

    def test_r28_an_event_that_is_not_understood_is_no_success(self):
        function = self.deploy(dead_letters=True, trail=False)
        error, answer = function.invoke({'detail': 'what is this'})
        self.assertEqual((error, answer['errorType']), ('Unhandled', 'Understudy.EventInvalid'))
        function.client('lambda', SOURCE).invoke(
            FunctionName=function.name, InvocationType='Event', Payload=json.dumps(
                self.claim('PutParameter', {'name': 7})))
        for attempt, wait in enumerate((0, 60, 120), 2):
            self.counted(function, pause=wait, EventsMalformed=attempt)
        buried = self.letter(function.dead_url)
        self.assertEqual(json.loads(buried['Body'])['detail']['requestParameters'], {'name': 7})
        self.assertEqual(buried['MessageAttributes']['ErrorCode']['StringValue'], '200')

    def test_r28_of_a_batch_only_what_failed_comes_back(self):
        function = self.deploy(queue=True, trail=False)
        self.aws('iam').put_role_policy(
            RoleName=function.role.rpartition('/')[2], PolicyName='denied',
            PolicyDocument=roles.policy(
                roles.deny('ssm:PutParameter', 'arn:aws:ssm:*:*:parameter/prod/bad')))
        for name in ('one', 'bad', 'two'):
            self.put('/prod/' + name, 'v')
        self.follows('/prod/one', 'v')
        self.follows('/prod/two', 'v')
        for attempt in range(1, 6):
            self.counted(function, ItemsFailed=attempt)
            self.server.clock(advance=361)  # the queue's visibility timeout
        body = json.loads(self.letter(function.dead_url)['Body'])
        self.assertEqual(body['detail']['name'], '/prod/bad')
        within(20, lambda: self.waiting(function.queue_url) == 0)
        self.assertEqual(self.waiting(function.dead_url), 0)

    def test_a_dry_run_writes_nothing(self):
        function = self.deploy(BESIDE, dict(ENVIRONMENT, DRY_RUN='true'), trail=False)
        self.put('/prod/app/a', 'v')
        self.counted(function, Events=1)
        self.assertIsNone(self.one('/prod/app/a'))
        self.assertEqual(function.counts()['Writes'], 0)

    def test_r28_a_configuration_that_cannot_work_is_an_error(self):
        function = self.deploy(BESIDE, dict(ENVIRONMENT, DEST_REGIONS='Virginia'), trail=False)
        error, answer = function.invoke({'understudy': 'reconcile'})
        self.assertEqual((error, answer['errorType']),
                         ('Unhandled', 'Understudy.ConfigurationInvalid'), answer)
        self.assertIn('Virginia', answer['errorMessage'])

    # --- order, repetition, both ways -----------------------------------------------------------
    def test_r29_never_an_older_value_last(self):
        function = self.deploy()
        self.server.control('POST', 'events', {'repeated': 0.5, 'reordered': 1, 'within': 0.1})
        for number in range(15):
            self.put('/prod/a', f'{number:02}', Overwrite=True)
        self.server.control('POST', 'events', {})
        self.put('/prod/last', 'v')
        self.follows('/prod/a', '14')
        self.counted(function, Events=30)
        # Processes that run at once may write one value twice (PutParameter takes no condition),
        # and an older one behind a newer; not last.
        self.assertEqual(self.value('/prod/a'), '14')
        self.failed_none(function)

    def test_r30_functions_in_both_regions_do_not_play_ping_pong(self):
        both = {}
        for here, there in ((SOURCE, COPY), (COPY, SOURCE)):
            both[here] = self.deploy(config(', two_way: true', here, there), source=here,
                                     concurrency=1)
        self.one_change_each_way(both)

    def test_r30_nor_with_the_article_s_environment(self):
        both = {}
        for here, there in ((SOURCE, COPY), (COPY, SOURCE)):
            both[here] = self.deploy(config('', here, there),
                                     {'DEST_REGIONS': there, 'PARAM_PATHS': '/prod'},
                                     source=here, concurrency=1)
        self.one_change_each_way(both)

    def one_change_each_way(self, both):
        """One behind the other: without `two_way` nobody says whose edit wins at the same time."""
        for number, (name, value, here, there) in enumerate((
                ('/prod/a', 'one', SOURCE, COPY), ('/prod/b', 'two', COPY, SOURCE),
                ('/prod/a', 'three', COPY, SOURCE)), 1):
            self.put(name, value, region=here, Overwrite=True)
            self.follows(name, value, region=there)
            # Each write is told by both families in its Region, and the copies' writes are, too.
            for function in both.values():
                self.counted(function, Events=2 * number)
        for name, versions in (('/prod/a', 2), ('/prod/b', 1)):
            for region in both:
                self.assertEqual(self.one(name, region)['Version'], versions, (name, region))

    def test_r31_what_no_event_told_is_found_by_the_schedule_and_counted(self):
        # What changed in the last minutes may still be told of: the function's clock is the
        # machine's, and the server's runs behind it.
        self.server.clock(advance=-7200)
        function = self.deploy(trail=False)
        function.schedule({'understudy': 'reconcile'})
        self.put('/prod/told', 'v')
        self.follows('/prod/told', 'v')
        self.server.control('POST', 'events', {'lost': 1})
        self.put('/prod/lost', 'v')
        self.put('/prod/told', 'changed', Overwrite=True)
        self.server.control('POST', 'events', {})
        self.server.clock(advance=3601)
        self.follows('/prod/lost', 'v')
        self.follows('/prod/told', 'changed')
        counts = self.counted(function, Passes=1)
        self.assertEqual((counts['Missed'], counts['PassesFailed']), (2, 0))

    def test_r32_both_families_of_events_make_one_write(self):
        function = self.deploy(concurrency=1)
        self.put('/prod/a', 'v')
        self.follows('/prod/a', 'v')
        counts = self.counted(function, Events=2)
        self.assertEqual(counts['ItemsApplied'], 1)
        self.assertEqual(self.one('/prod/a')['Version'], 1)

    def test_r32_a_parameter_that_expires_goes_from_both(self):
        """No call deletes it: only a native event tells."""
        function = self.deploy(trail=False)
        when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2)
        self.put('/prod/a', 'v', Tier='Advanced', Policies=json.dumps([{
            'Type': 'Expiration', 'Version': '1.0', 'Attributes': {
                'Timestamp': when.strftime('%Y-%m-%dT%H:%M:%S.000Z')}}]))
        self.follows('/prod/a', 'v')
        self.counted(function, Events=1)
        self.server.clock(advance=3 * 86400)
        self.gone('/prod/a', region=SOURCE)
        self.gone('/prod/a')
        self.counted(function, Events=2)
        self.failed_none(function)


if __name__ == '__main__':
    unittest.main(verbosity=2)
