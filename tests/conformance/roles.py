"""roles: sessions of roles made for a test."""
import json

from local_server import ACCOUNT


def policy(*statements):
    return json.dumps({'Version': '2012-10-17', 'Statement': list(statements)})


def allow(action, resource='*', **more):
    return {'Effect': 'Allow', 'Action': action, 'Resource': resource, **more}


def deny(action, resource='*', **more):
    return {'Effect': 'Deny', 'Action': action, 'Resource': resource, **more}


def trust(principal=None, action='sts:AssumeRole', **more):
    return policy({'Effect': 'Allow', 'Action': action,
                   'Principal': principal or {'AWS': ACCOUNT}, **more})


def make(server, name, *statements, account=ACCOUNT, trusts=None, **arguments):
    """A role with these statements as its inline policy; its ARN."""
    iam = server.client('iam', account=account)
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusts or trust(
        {'AWS': account}), **arguments)['Role']
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName='inline', PolicyDocument=policy(*statements))
    return role['Arn']


def keys(answer):
    found = answer['Credentials']
    return found['AccessKeyId'], found['SecretAccessKey'], found['SessionToken']


def assume(server, role_arn, account=ACCOUNT, session='session', by=None, **arguments):
    """Keys of a session of the role."""
    sts = server.client('sts', account=account, keys=by)
    return keys(sts.assume_role(RoleArn=role_arn, RoleSessionName=session, **arguments))
