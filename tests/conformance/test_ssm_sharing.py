"""Resource policies, and what another account may read by them. Debian's boto3 does not know these
operations for parameters yet: raw calls."""
import json

from local_server import ACCOUNT, OTHER_ACCOUNT, REGION, Conformance, main

ARN = f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/'


def policy(account=OTHER_ACCOUNT, resource=ARN + 'p', actions=('ssm:GetParameter',)):
    return json.dumps({'Version': '2012-10-17', 'Statement': [
        {'Effect': 'Allow', 'Principal': {'AWS': f'arn:aws:iam::{account}:root'},
         'Action': list(actions), 'Resource': resource}]})


class Sharing(Conformance):
    def setUp(self):
        super().setUp()
        self.ssm = self.client('ssm')
        self.ssm.put_parameter(Name='/p', Value='shared', Type='String', Tier='Advanced')

    def put(self, **more):
        return self.raw('PutResourcePolicy', ResourceArn=ARN + 'p', **more)

    def policies(self, **more):
        return self.raw('GetResourcePolicies', ResourceArn=ARN + 'p', **more)

    def test_life_of_a_policy(self):
        self.assertEqual(self.policies(), {'Policies': []})
        made = self.put(Policy=policy())
        self.assertEqual(self.policies()['Policies'], [dict(made, Policy=policy())])
        changed = self.put(Policy=policy(actions=['ssm:GetParameters']), **made)
        self.assertEqual(changed['PolicyId'], made['PolicyId'])
        self.assertNotEqual(changed['PolicyHash'], made['PolicyHash'])
        self.refused_raw('ResourcePolicyConflictException', 'PutResourcePolicy',
                         ResourceArn=ARN + 'p', Policy=policy(), **made)
        self.refused_raw('ResourcePolicyConflictException', 'DeleteResourcePolicy',
                         ResourceArn=ARN + 'p', **made)
        self.raw('DeleteResourcePolicy', ResourceArn=ARN + 'p', **changed)
        self.assertEqual(self.policies(), {'Policies': []})
        self.refused_raw('ResourcePolicyNotFoundException', 'DeleteResourcePolicy',
                         ResourceArn=ARN + 'p', **changed)

    def test_pages(self):
        made = {self.put(Policy=policy(account=f'{i:012}'))['PolicyId'] for i in range(3)}
        first = self.policies(MaxResults=2)
        second = self.policies(MaxResults=2, NextToken=first['NextToken'])
        self.assertNotIn('NextToken', second)
        self.assertEqual({p['PolicyId'] for p in first['Policies'] + second['Policies']}, made)
        self.refused_raw('ResourcePolicyInvalidParameterException', 'GetResourcePolicies',
                         ResourceArn=ARN + 'p', NextToken='x')

    def test_refusals(self):
        self.ssm.put_parameter(Name='/standard', Value='v', Type='String')
        self.ssm.put_parameter(Name='/secret', Value='v', Type='SecureString', Tier='Advanced')
        for code, arn, text in (
                ('ResourceNotFoundException', ARN + 'none', policy()),
                ('ResourceNotFoundException', ARN.replace(ACCOUNT, OTHER_ACCOUNT) + 'p', None),
                ('ResourcePolicyInvalidParameterException', 'x' * 30, policy()),
                ('ResourcePolicyInvalidParameterException', ARN + 'standard', policy()),
                ('ResourcePolicyInvalidParameterException', ARN + 'secret', policy()),
                ('MalformedResourcePolicyDocumentException', ARN + 'p', '{}'),
                ('MalformedResourcePolicyDocumentException', ARN + 'p', 'words'),
                ('ResourcePolicyLimitExceededException', ARN + 'p', policy() + ' ' * 1024),
                ('ValidationException', ARN + 'p', '  '),
                ('ValidationException', 'short', policy())):
            if text is None:
                continue  # another account's: refused by authorisation, below
            self.refused_raw(code, 'PutResourcePolicy', ResourceArn=arn, Policy=text)
        self.refused_raw('ResourcePolicyInvalidParameterException', 'PutResourcePolicy',
                         ResourceArn=ARN + 'p', Policy=policy(), PolicyId='x')
        self.refused_raw('AccessDeniedException', 'PutResourcePolicy', account=OTHER_ACCOUNT,
                         ResourceArn=ARN + 'p', Policy=policy())

    def test_reading_from_another_account(self):
        there = self.client('ssm', account=OTHER_ACCOUNT)
        self.refused('AccessDeniedException', there.get_parameter, Name=ARN + 'p')
        self.refused('AccessDeniedException', there.get_parameter, Name=ARN + 'none')
        self.put(Policy=policy())
        found = there.get_parameter(Name=ARN + 'p')['Parameter']
        self.assertEqual((found['Value'], found['Name'], found['ARN']), ('shared', '/p', ARN + 'p'))
        # only what the policy says
        self.refused('AccessDeniedException', there.get_parameters, Names=[ARN + 'p'])
        self.refused('AccessDeniedException', there.get_parameter_history, Name=ARN + 'p')
        self.put(Policy=policy(actions=['ssm:GetParameters', 'ssm:GetParameterHistory']))
        self.assertEqual(len(there.get_parameters(Names=[ARN + 'p'])['Parameters']), 1)
        self.assertEqual(len(there.get_parameter_history(Name=ARN + 'p')['Parameters']), 1)
        # a name is looked for at home
        self.refused('ParameterNotFound', there.get_parameter, Name='/p')
        self.assertEqual(there.describe_parameters()['Parameters'], [])

    def test_policies_go_with_their_parameter(self):
        self.put(Policy=policy())
        self.ssm.delete_parameter(Name='/p')
        self.ssm.put_parameter(Name='/p', Value='new', Type='String', Tier='Advanced')
        self.assertEqual(self.policies(), {'Policies': []})


if __name__ == '__main__':
    main()
