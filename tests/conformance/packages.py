"""packages: Lambda functions made for a test."""
import io
import time
import zipfile

from botocore.exceptions import ClientError

import roles
from local_server import ACCOUNT, REGION

TRUST = {'Service': 'lambda.amazonaws.com'}
NOTHING = '#!/bin/sh\n'


def zipped(program=NOTHING, mode=0o755, **files):
    """A package with `program` as its bootstrap (None: without one)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as package:
        for name, content in {'bootstrap': program, **files}.items():
            if content is not None:
                entry = zipfile.ZipInfo(name)
                entry.external_attr = mode << 16
                package.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def role(server, name='function', *statements, account=ACCOUNT):
    """The execution role, made unless it is there."""
    try:
        return roles.make(server, name, *statements, account=account, trusts=roles.trust(TRUST))
    except ClientError as error:
        if error.response['Error']['Code'] != 'EntityAlreadyExists':
            raise
        return f'arn:aws:iam::{account}:role/{name}'


def function(server, name='f', program=NOTHING, account=ACCOUNT, region=REGION, wait=True,
             **arguments):
    """A function that is active; CreateFunction's answer."""
    functions = server.client('lambda', region, account)
    settings = {'Runtime': 'provided.al2023', 'Handler': 'handler',
                'Role': arguments.get('Role') or role(server, account=account),
                'Code': {'ZipFile': zipped(program)}, **arguments}
    made = functions.create_function(FunctionName=name, **settings)
    if wait:
        settle(functions, name)
    return made


def settle(functions, name):
    """Waits until the function may be called and changed."""
    while True:
        found = functions.get_function_configuration(FunctionName=name)
        if found['State'] == 'Active' and found.get('LastUpdateStatus') == 'Successful':
            return found
        time.sleep(0.005)
