"""What tests of keys in several Regions share."""
import collections
import json

from replication import COPIES, SOURCE, Replication

ACCOUNT = '111111111111'


def policy(*more):
    return json.dumps({'Version': '2012-10-17', 'Statement': [
        {'Sid': 'Enable IAM User Permissions', 'Effect': 'Allow',
         'Principal': {'AWS': f'arn:aws:iam::{ACCOUNT}:root'}, 'Action': 'kms:*', 'Resource': '*'},
        *more]})


def via(region, service='ssm'):
    return {'Sid': 'via', 'Effect': 'Allow', 'Principal': {'AWS': '*'}, 'Action': 'kms:Decrypt',
            'Resource': '*', 'Condition': {'StringEquals': {
                'kms:ViaService': f'{service}.{region}.amazonaws.com',
                'kms:CallerAccount': ACCOUNT}}}


class KeyReplication(Replication):
    def setUp(self):
        super().setUp()
        self.making = False
        self.witness.rules.append(self.hurry)

    def hurry(self, call):
        """A replica is being made for half a second of the server's clock."""
        making, self.making = self.making, call.operation == 'ReplicateKey'
        if making:
            self.server.clock(advance=1)

    def kms(self, region=SOURCE):
        if ('kms', region) not in self.clients:
            self.clients['kms', region] = self.server.client('kms', region)
        return self.clients['kms', region]

    def made(self, alias=None, region=SOURCE, MultiRegion=True, **more):
        key = self.kms(region).create_key(MultiRegion=MultiRegion, **more)['KeyMetadata']['KeyId']
        if alias:
            self.kms(region).create_alias(AliasName=alias, TargetKeyId=key)
        return key

    def go(self, *words, status=0, keys='', regions=COPIES, parameters=None):
        config = f'source: {{region: {SOURCE}}}\ndestinations:\n' + ''.join(
            f'  - {{region: {region}}}\n' for region in regions)
        config += f'kms_keys: {{{keys}}}\n' + (f'parameters: {parameters}\n' if parameters else '')
        self.witness.calls.clear()
        return self.run_it(*words, config=config, status=status)

    def about(self, key, region):
        kms = self.kms(region)
        data = kms.describe_key(KeyId=key)['KeyMetadata']
        return {'state': data['KeyState'], 'description': data['Description'],
                'aliases': sorted(row['AliasName'] for row in
                                  kms.list_aliases(KeyId=data['KeyId'])['Aliases']),
                'tags': {row['TagKey']: row['TagValue'] for row in
                         kms.list_resource_tags(KeyId=data['KeyId'])['Tags']
                         if not row['TagKey'].startswith('understudy:')},
                'policy': json.loads(kms.get_key_policy(KeyId=data['KeyId'])['Policy'])}

    def written(self):
        return sorted(call.operation for call in self.witness.writes())

    def settle(self, key, region):
        self.server.clock(advance=1)
        self.assertEqual(self.about(key, region)['state'], 'Enabled')

    def counted(self):
        return collections.Counter((call.region, call.operation) for call in self.witness.calls
                                   if call.service != 'sts')

    def foretold(self, **how):
        """The estimate of a plan is what a sync calls beyond it."""
        self.go('plan', **how)
        planning = self.counted()
        lines = self.go('plan', '--json', **how).lines
        said = next(line for line in lines if line['type'] == 'estimate')
        done = self.go('sync', '--json', **how)
        self.assertTrue(self.witness.writes())
        self.assertEqual({(row['region'], row['operation']): row['count']
                          for row in said['calls']}, dict(self.counted() - planning))
        self.assertEqual(done.summary['estimated_calls'], done.summary['calls'])
