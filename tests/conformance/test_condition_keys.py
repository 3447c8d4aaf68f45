"""Condition keys that requests bring along: global ones and Parameter Store's (IAM user guide,
service authorization reference)."""
import roles
from local_server import ACCOUNT, OTHER_ACCOUNT, REGION, Conformance, main
from roles import allow, policy


class Keys(Conformance):
    def setUp(self):
        super().setUp()
        self.ssm = self.client('ssm')
        self.ssm.put_parameter(Name='/app/red', Value='v', Type='String',
                               Tags=[{'Key': 'team', 'Value': 'red'}])
        self.ssm.put_parameter(Name='/app/plain', Value='v', Type='String')
        self.iam = self.client('iam')
        self.role = roles.make(self.server, 'role')
        self.session = self.client('ssm', keys=roles.assume(self.server, self.role))

    def where(self, operator, key, value, action='ssm:*'):
        """A client that may do what it does on this condition alone."""
        self.iam.put_role_policy(RoleName='role', PolicyName='inline', PolicyDocument=policy(
            allow(action, Condition={operator: {key: value}})))
        return self.session

    def denied(self, call, **arguments):
        self.refused('AccessDeniedException', call, **arguments)


class Global(Keys):
    def test_those_of_the_caller_and_the_request(self):
        for operator, key, good, bad in (
                ('ArnEquals', 'aws:PrincipalArn', 'arn:aws:iam::*:role/ro*',
                 'arn:aws:iam::*:role/other'),
                ('StringEquals', 'aws:PrincipalAccount', ACCOUNT, OTHER_ACCOUNT),
                ('StringEquals', 'aws:PrincipalType', 'AssumedRole', 'User'),
                ('StringLike', 'aws:userid', 'AROA*:session', 'AIDA*'),
                ('Null', 'aws:username', 'true', 'false'),
                ('IpAddress', 'aws:SourceIp', '127.0.0.0/8', '192.0.2.0/24'),
                ('StringEquals', 'aws:RequestedRegion', REGION, 'eu-west-1'),
                ('Bool', 'aws:SecureTransport', 'false', 'true'),
                ('DateGreaterThan', 'aws:CurrentTime', '2020-01-01T00:00:00Z',
                 '2999-01-01T00:00:00Z'),
                ('NumericGreaterThan', 'aws:EpochTime', '1577836800', '32503680000'),
                ('Bool', 'aws:ViaAWSService', 'false', 'true'),
                ('Bool', 'aws:MultiFactorAuthPresent', 'false', 'true'),
                ('DateGreaterThan', 'aws:TokenIssueTime', '2020-01-01T00:00:00Z',
                 '2999-01-01T00:00:00Z')):
            with self.subTest(key):
                self.where(operator, key, good).get_parameter(Name='/app/red')
                self.denied(self.where(operator, key, bad).get_parameter, Name='/app/red')


class ParameterStore(Keys):
    def test_tags_of_the_parameter(self):
        for key in ('aws:ResourceTag/team', 'ssm:resourceTag/team'):
            ssm = self.where('StringEquals', key, 'red')
            ssm.get_parameter(Name='/app/red')
            self.denied(ssm.get_parameter, Name='/app/plain')
        self.ssm.add_tags_to_resource(ResourceType='Parameter', ResourceId='/app/plain',
                                      Tags=[{'Key': 'team', 'Value': 'red'}])
        ssm.get_parameter(Name='/app/plain')

    def test_tags_of_the_request(self):
        ssm = self.where('StringEquals', 'aws:RequestTag/team', 'blue')
        ssm.put_parameter(Name='/new', Value='v', Type='String',
                          Tags=[{'Key': 'team', 'Value': 'blue'}])
        self.denied(ssm.put_parameter, Name='/newer', Value='v', Type='String')
        self.denied(ssm.add_tags_to_resource, ResourceType='Parameter', ResourceId='/app/red',
                    Tags=[{'Key': 'team', 'Value': 'green'}])
        ssm = self.where('ForAllValues:StringEquals', 'aws:TagKeys', ['team'])
        ssm.remove_tags_from_resource(ResourceType='Parameter', ResourceId='/app/red',
                                      TagKeys=['team'])
        self.denied(ssm.remove_tags_from_resource, ResourceType='Parameter',
                    ResourceId='/app/red', TagKeys=['team', 'cost'])

    def test_overwrite(self):
        ssm = self.where('Bool', 'ssm:Overwrite', 'false')
        ssm.put_parameter(Name='/new', Value='v', Type='String')
        self.denied(ssm.put_parameter, Name='/new', Value='w', Overwrite=True)

    def test_recursive(self):
        ssm = self.where('Bool', 'ssm:Recursive', 'false')
        ssm.get_parameters_by_path(Path='/app')
        self.denied(ssm.get_parameters_by_path, Path='/app', Recursive=True)

    def test_tags_by_the_tagging_api(self):
        arn = roles.make(self.server, 'tagger', allow('tag:*'), allow('ssm:*', Condition={
            'StringEquals': {'aws:RequestTag/team': 'blue'}}))
        tagging = self.client('resourcegroupstaggingapi', keys=roles.assume(self.server, arn))
        resource = f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/app/red'
        failed = tagging.tag_resources(ResourceARNList=[resource], Tags={'team': 'green'})
        self.assertIn(resource, failed['FailedResourcesMap'])
        done = tagging.tag_resources(ResourceARNList=[resource], Tags={'team': 'blue'})
        self.assertEqual(done['FailedResourcesMap'], {})


if __name__ == '__main__':
    main()
