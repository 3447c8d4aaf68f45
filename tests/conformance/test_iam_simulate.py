"""The policy simulator (model iam 2010-05-08; examples of the aws command line's manual)."""
import json

import local_server
import roles
from local_server import ACCOUNT, OTHER_ACCOUNT
from roles import allow, deny, policy

BOX = f'arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/box/p'
OUT = f'arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/out/p'


class Simulator(local_server.Conformance):
    def setUp(self):
        super().setUp()
        self.iam = self.client('iam')

    def custom(self, *documents, actions=('ssm:GetParameter',), **more):
        return self.iam.simulate_custom_policy(PolicyInputList=list(documents),
                                               ActionNames=list(actions), **more)

    def decision(self, *documents, **more):
        return self.custom(*documents, **more)['EvaluationResults'][0]['EvalDecision']


class Custom(Simulator):
    DATED = ('{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*",'
             '"Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":'
             '"2018-08-16T12:00:00Z"}}}}')

    def dated(self, when):
        return self.custom(self.DATED, actions=['dynamodb:CreateBackup'], ContextEntries=[
            {'ContextKeyName': 'aws:CurrentTime', 'ContextKeyValues': [when],
             'ContextKeyType': 'date'}])['EvaluationResults'][0]

    def test_as_in_the_manual(self):
        result = self.dated('2019-04-25T11:00:00Z')
        self.assertEqual(result.pop('MatchedStatements'), [
            {'SourcePolicyId': 'PolicyInputList.1', 'SourcePolicyType': 'IAM Policy',
             'StartPosition': {'Line': 1, 'Column': 38},
             'EndPosition': {'Line': 1, 'Column': 167}}])
        self.assertEqual(result, {'EvalActionName': 'dynamodb:CreateBackup',
                                  'EvalResourceName': '*', 'EvalDecision': 'allowed',
                                  'MissingContextValues': []})
        result = self.dated('2014-04-25T11:00:00Z')
        self.assertEqual((result['EvalDecision'], result['MatchedStatements']),
                         ('implicitDeny', []))

    def test_positions_of_a_list(self):
        text = json.dumps({'Version': '2012-10-17', 'Statement': [
            {'Sid': 'A{"', 'Effect': 'Allow', 'Action': 'ssm:*', 'Resource': '*'}]})
        text = text.replace('A{\\"', 'A')
        statement = text.index('{"Sid"')
        found = self.custom(text)['EvaluationResults'][0]['MatchedStatements'][0]
        self.assertEqual(found['StartPosition'], {'Line': 1, 'Column': statement + 1})
        self.assertEqual(found['EndPosition'], {'Line': 1, 'Column': len(text) - 1})
        lines = json.dumps({'Version': '2012-10-17', 'Statement': [
            {'Effect': 'Allow', 'Action': '*', 'Resource': '*'},
            {'Effect': 'Deny', 'Action': 'kms:*', 'Resource': '*'}]}, indent=2)
        found = self.custom(lines)['EvaluationResults'][0]['MatchedStatements'][0]
        self.assertEqual((found['StartPosition'], found['EndPosition']),
                         ({'Line': 3, 'Column': 17}, {'Line': 8, 'Column': 6}))
        found = self.custom(lines, actions=['kms:Encrypt'])['EvaluationResults'][0]
        self.assertEqual([item['StartPosition'] for item in found['MatchedStatements']],
                         [{'Line': 8, 'Column': 7}])

    def test_an_explicit_deny_is_told_alone(self):
        result = self.custom(policy(allow('ssm:*')), policy(deny('ssm:Get*')))
        found = result['EvaluationResults'][0]
        self.assertEqual(found['EvalDecision'], 'explicitDeny')
        self.assertEqual([item['SourcePolicyId'] for item in found['MatchedStatements']],
                         ['PolicyInputList.2'])

    def test_each_resource(self):
        found = self.custom(policy(allow('ssm:*', BOX)), ResourceArns=[BOX, OUT])
        found = found['EvaluationResults'][0]
        self.assertEqual(found['EvalDecision'], 'implicitDeny')
        self.assertEqual([(item['EvalResourceName'], item['EvalResourceDecision'])
                          for item in found['ResourceSpecificResults']],
                         [(BOX, 'allowed'), (OUT, 'implicitDeny')])

    def test_missing_keys(self):
        document = policy(allow('ssm:*', Condition={'StringEquals': {
            'aws:PrincipalTag/team': 'red', 'ssm:Overwrite': 'true'}}),
            allow('kms:*', Condition={'Bool': {'kms:GrantIsForAWSResource': 'true'}}))
        found = self.custom(document)['EvaluationResults'][0]
        self.assertEqual(sorted(found['MissingContextValues']),
                         ['aws:PrincipalTag/team', 'ssm:Overwrite'])
        found = self.custom(document, ResourceArns=[BOX])['EvaluationResults'][0]
        self.assertEqual(found['MissingContextValues'], [])
        self.assertEqual(len(found['ResourceSpecificResults'][0]['MissingContextValues']), 2)
        self.assertEqual(self.iam.get_context_keys_for_custom_policy(
            PolicyInputList=[document, policy(allow('ssm:*', 'arn:aws:ssm:*:*:parameter/'
                                                    '${aws:username}/*'))])['ContextKeyNames'],
            ['aws:PrincipalTag/team', 'ssm:Overwrite', 'kms:GrantIsForAWSResource',
             'aws:username'])

    def test_a_boundary(self):
        narrow = [policy(allow('kms:*'))]
        found = self.custom(policy(allow('*')), PermissionsBoundaryPolicyInputList=narrow)
        found = found['EvaluationResults'][0]
        self.assertEqual(found['EvalDecision'], 'implicitDeny')
        self.assertEqual(found['PermissionsBoundaryDecisionDetail'],
                         {'AllowedByPermissionsBoundary': False})
        self.assertEqual(self.decision(policy(allow('*')), actions=['kms:Encrypt'],
                                       PermissionsBoundaryPolicyInputList=narrow), 'allowed')

    def test_a_resource_policy(self):
        self.iam.create_user(UserName='bob')
        bob = f'arn:aws:iam::{ACCOUNT}:user/bob'
        queue, other = (f'arn:aws:sqs:us-east-1:{account}:q' for account in
                        (ACCOUNT, OTHER_ACCOUNT))

        def asked(resource, *documents, principal=bob, effect='Allow'):
            shared = policy({'Effect': effect, 'Principal': {'AWS': principal},
                             'Action': 'sqs:*', 'Resource': resource})
            return self.custom(*documents, actions=['sqs:SendMessage'], ResourceArns=[resource],
                               ResourcePolicy=shared, CallerArn=bob)['EvaluationResults'][0]
        nothing, all_of_it = policy(allow('kms:*')), policy(allow('sqs:*'))
        self.assertEqual(asked(queue, nothing)['EvalDecision'], 'allowed')
        self.assertEqual(asked(queue, nothing, principal=ACCOUNT)['EvalDecision'], 'implicitDeny')
        self.assertEqual(asked(queue, all_of_it, effect='Deny')['EvalDecision'], 'explicitDeny')
        self.assertEqual(asked(other, nothing)['EvalDecision'], 'implicitDeny')
        found = asked(other, all_of_it)
        self.assertEqual(found['EvalDecision'], 'allowed')
        self.assertEqual(found['EvalDecisionDetails'],
                         {'IAM Policy': 'allowed', 'Resource Policy': 'allowed'})

    def test_pages(self):
        actions = [f'ssm:Get{number}' for number in range(5)]
        page = self.custom(policy(allow('ssm:Get*')), actions=actions, MaxItems=3)
        self.assertTrue(page['IsTruncated'])
        rest = self.custom(policy(allow('ssm:Get*')), actions=actions, MaxItems=3,
                           Marker=page['Marker'])
        self.assertEqual([found['EvalActionName'] for part in (page, rest)
                          for found in part['EvaluationResults']], actions)

    def test_refusals(self):
        for arguments in ({'ActionNames': ['ssm:*']}, {'ActionNames': ['GetParameter']},
                          {'CallerArn': f'arn:aws:iam::{ACCOUNT}:role/r'},
                          {'ResourcePolicy': policy(allow('ssm:*'))}):
            self.refused('InvalidInput', self.iam.simulate_custom_policy, **{
                'PolicyInputList': [policy(allow('*'))], 'ActionNames': ['ssm:GetParameter'],
                **arguments})
        self.refused('InvalidInput', self.iam.simulate_custom_policy, PolicyInputList=['{'],
                     ActionNames=['ssm:GetParameter'])
        self.refused('InvalidInput', self.iam.get_context_keys_for_custom_policy,
                     PolicyInputList=['{'])


class Principal(Simulator):
    def setUp(self):
        super().setUp()
        self.iam.create_user(UserName='bob', Tags=[{'Key': 'team', 'Value': 'red'}])
        self.bob = f'arn:aws:iam::{ACCOUNT}:user/bob'

    def asked(self, action='ssm:GetParameter', source=None, **more):
        return self.iam.simulate_principal_policy(
            PolicySourceArn=source or self.bob, ActionNames=[action],
            **more)['EvaluationResults'][0]

    def sources(self, *arguments, **more):
        return [item['SourcePolicyId'] for item in self.asked(*arguments,
                                                              **more)['MatchedStatements']]

    def test_of_a_user_with_a_group(self):
        self.assertEqual(self.asked()['EvalDecision'], 'implicitDeny')
        self.iam.put_user_policy(UserName='bob', PolicyName='own', PolicyDocument=policy(
            allow('ssm:GetParameter', 'arn:aws:ssm:*:*:parameter/${aws:PrincipalTag/team}/*')))
        self.iam.create_group(GroupName='readers')
        self.iam.add_user_to_group(GroupName='readers', UserName='bob')
        self.iam.put_group_policy(GroupName='readers', PolicyName='g',
                                  PolicyDocument=policy(allow('kms:*')))
        self.iam.attach_group_policy(GroupName='readers', PolicyArn='arn:aws:iam::aws:policy/'
                                                                    'AmazonSSMReadOnlyAccess')
        red = f'arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/red/p'
        self.assertEqual(self.sources(ResourceArns=[red]),
                         ['user_bob_own', 'AmazonSSMReadOnlyAccess'])
        self.assertEqual(self.sources('kms:Encrypt'), ['group_readers_g'])
        self.assertEqual(self.asked('kms:Encrypt', f'arn:aws:iam::{ACCOUNT}:group/readers')
                         ['EvalDecision'], 'allowed')
        self.assertEqual(self.asked('sqs:SendMessage', PolicyInputList=[policy(allow('sqs:*'))])
                         ['EvalDecision'], 'allowed')
        keys = self.iam.get_context_keys_for_principal_policy(PolicySourceArn=self.bob)
        self.assertEqual(keys['ContextKeyNames'], ['aws:PrincipalTag/team'])

    def test_its_boundary_and_another(self):
        self.iam.attach_user_policy(UserName='bob', PolicyArn='arn:aws:iam::aws:policy/'
                                                              'AdministratorAccess')
        self.iam.put_user_permissions_boundary(
            UserName='bob', PermissionsBoundary='arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess')
        self.assertEqual(self.asked()['EvalDecision'], 'allowed')
        found = self.asked('kms:Encrypt')
        self.assertEqual((found['EvalDecision'], found['PermissionsBoundaryDecisionDetail']),
                         ('implicitDeny', {'AllowedByPermissionsBoundary': False}))
        self.assertEqual(self.asked('kms:Encrypt', PermissionsBoundaryPolicyInputList=[
            policy(allow('kms:*'))])['EvalDecision'], 'allowed')

    def test_says_what_requests_are_told(self):
        """The same code: what the simulator says of a user is what the user may do."""
        self.iam.put_user_policy(UserName='bob', PolicyName='own', PolicyDocument=policy(
            allow('ssm:*', f'arn:aws:ssm:*:{ACCOUNT}:parameter/box/*'),
            deny('ssm:DeleteParameter')))
        made = self.iam.create_access_key(UserName='bob')['AccessKey']
        ssm = self.client('ssm', keys=(made['AccessKeyId'], made['SecretAccessKey']))
        for name in ('/box/p', '/out/p'):
            self.client('ssm').put_parameter(Name=name, Value='v', Type='String')
        for action, name, call in (('GetParameter', '/box/p', ssm.get_parameter),
                                   ('GetParameter', '/out/p', ssm.get_parameter),
                                   ('DeleteParameter', '/box/p', ssm.delete_parameter)):
            arn = f'arn:aws:ssm:us-east-1:{ACCOUNT}:parameter{name}'
            said = self.asked(f'ssm:{action}', ResourceArns=[arn])['EvalDecision']
            if said == 'allowed':
                call(Name=name)
            else:
                reason = {'implicitDeny': 'because no identity-based policy allows',
                          'explicitDeny': 'with an explicit deny in an identity-based policy'}
                error = self.refused('AccessDeniedException', call, Name=name)
                self.assertIn(reason[said], error['Error']['Message'])

    def test_refusals(self):
        call = self.iam.simulate_principal_policy
        self.refused('NoSuchEntity', call, PolicySourceArn=self.bob + 'by',
                     ActionNames=['ssm:GetParameter'],
                     message='The user with name bobby cannot be found.')
        session = f'arn:aws:sts::{ACCOUNT}:assumed-role/r/s'
        self.refused('InvalidInput', call, PolicySourceArn=session,
                     ActionNames=['ssm:GetParameter'],
                     message=f'Invalid Entity Arn: {session} does not clearly define entity type '
                             'and name.')
        self.refused('NoSuchEntity', self.iam.get_context_keys_for_principal_policy,
                     PolicySourceArn=self.bob + 'by')
        self.refused('AccessDenied', call, ActionNames=['ssm:GetParameter'],
                     PolicySourceArn=f'arn:aws:iam::{OTHER_ACCOUNT}:user/administrator')

    def test_permission(self):
        role = roles.make(self.server, 'r', allow('iam:SimulateCustomPolicy'),
                          allow('iam:SimulatePrincipalPolicy', self.bob))
        iam = self.client('iam', keys=roles.assume(self.server, role))
        ask = {'ActionNames': ['ssm:GetParameter']}
        iam.simulate_custom_policy(PolicyInputList=[policy(allow('*'))], **ask)
        iam.simulate_principal_policy(PolicySourceArn=self.bob, **ask)
        self.refused('AccessDenied', iam.simulate_principal_policy, PolicySourceArn=role, **ask)
        for call, arguments in (
                (iam.get_context_keys_for_custom_policy, {'PolicyInputList': [policy(allow('*'))]}),
                (iam.get_context_keys_for_principal_policy, {'PolicySourceArn': self.bob})):
            self.refused('AccessDenied', call, **arguments)


if __name__ == '__main__':
    local_server.main()
