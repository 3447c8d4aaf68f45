"""model_check: requests to a server and its answers, as they are on the wire, against AWS's models.

boto3 reads leniently: it drops members it does not know and never misses one. Here an unknown
member, a member of the wrong type, a missing required one, a value outside its enumeration and an
error that the operation does not have are findings. The models are those of
$UNDERSTUDY_SHARED/aws/models, else of ../shared beside the repository, else those that botocore
brings; these may be older than what they are held against, so what they do not know is no finding.
"""
import base64
import binascii
import functools
import json
import os
import pathlib
import urllib.parse

import botocore.session

import model_xml
import rows

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NAMES = {'tagging': 'resourcegroupstaggingapi'}  # of services in clients

# What every operation may answer beside what its model lists (sts-iam-sigv4.md section 2).
COMMON_ERRORS = {
    'AccessDeniedException', 'ExpiredTokenException', 'IncompleteSignatureException',
    'InternalFailure', 'InvalidSignatureException', 'MissingAuthenticationTokenException',
    'SerializationException', 'ThrottlingException', 'UnknownOperationException',
    'UnrecognizedClientException', 'ValidationException',
    'RequestEntityTooLargeException',
    # SQS's, for parameters (events.md section 12.2).
    'InvalidParameterValueException', 'MissingRequiredParameterException',
}
COMMON_QUERY_ERRORS = {
    'AccessDenied', 'ExpiredToken', 'IncompleteSignature', 'InternalFailure', 'InvalidAction',
    'InvalidClientTokenId', 'MissingAuthenticationToken', 'SignatureDoesNotMatch', 'Throttling',
    'ValidationError',
    # SQS's, for parameters.
    'InvalidParameterValue', 'MissingParameter', 'InvalidAttributeName', 'InvalidAttributeValue',
}

# Where documents or recordings say something else than the model.
OBSERVED_VALUES = {
    # The text of its own member: "This data type can only have a value of Policy".
    'PermissionsBoundaryAttachmentType': {'Policy'},
    # Answers of the simulator that users quote.
    'LastUpdateStatusReasonCode': {'Creating'},  # of Lambda: LocalStack's recordings of AWS
    'ErrorCode': {'AccessDeniedException'},  # of FailedResourcesMap (tagging)
    'PolicySourceType': {'IAM Policy', 'IAM Permissions Boundary Policy', 'Resource Policy'},
}
OBSERVED_ERRORS = {
    ('kms', 'DescribeKey'): {'InvalidGrantTokenException'},  # it takes tokens like the others
    ('sqs', 'StartMessageMoveTask'): {'OverLimit'},  # of the account; code not published (K)
    ('iam', 'CreateRole'): {'NoSuchEntity'},  # of the boundary, as CreateUser lists it
    ('iam', 'GetAccessKeyLastUsed'): {'NoSuchEntity'},  # older models list it
}
# Members that older models require, and whose documents say when they are missing.
NOT_REQUIRED = {'LastUsedDate'}


@functools.lru_cache(None)
def model(service, protocol='json'):
    """The service's model if it has one of this protocol ("older": botocore's), or None."""
    name = NAMES.get(service, service)
    shared = os.environ.get('UNDERSTUDY_SHARED') or ROOT.parent / 'shared'
    path = pathlib.Path(shared) / 'aws' / 'models' / name / 'service-2.json'
    if path.exists():
        found = json.loads(path.read_text())
        if found['metadata']['protocol'] == protocol:
            return dict(found, shapes=Shapes(found))
    loader = botocore.session.get_session().get_component('data_loader')
    found = dict(loader.load_service_model(name, 'service-2'), older=True)
    if found['metadata']['protocol'] != protocol:
        return None
    return dict(found, shapes=Shapes(found))


class Shapes(dict):
    """A model's shapes by name; `older`: what they do not know is no finding."""

    def __init__(self, service_model):
        super().__init__(service_model['shapes'])
        self.older = service_model.get('older', False)
        # The models of some services tell no member of any error (of logs: of a few that are of
        # another time); a message they have all the same.
        errors = [bool(shape.get('members')) for shape in self.values() if shape.get('exception')]
        self.silent = 2 * sum(errors) < len(errors)


def is_base64(value):
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        return False
    return True


def check_value(shapes, name, value, where, findings):
    shape = shapes[name]
    check = {'structure': check_structure, 'list': check_list, 'map': check_map}.get(shape['type'])
    if check:
        check(shapes, shape, value, where, findings)
        return
    good = {
        'string': lambda: isinstance(value, str),
        'boolean': lambda: isinstance(value, bool),
        'integer': lambda: isinstance(value, int) and not isinstance(value, bool),
        'long': lambda: isinstance(value, int) and not isinstance(value, bool),
        'float': lambda: isinstance(value, (int, float)) and not isinstance(value, bool),
        'double': lambda: isinstance(value, (int, float)) and not isinstance(value, bool),
        'timestamp': lambda: isinstance(value, (int, float)) and not isinstance(value, bool),
        'blob': lambda: isinstance(value, str) and is_base64(value),
    }[shape['type']]()
    if not good:
        findings.append(f'{where}: {value!r} is no {shape["type"]}')
    elif 'enum' in shape and not shapes.older and value not in shape['enum'] and \
            value not in OBSERVED_VALUES.get(name, ()):
        findings.append(f'{where}: {value!r} is not in the enumeration')


def check_structure(shapes, shape, value, where, findings):
    if not isinstance(value, dict):
        findings.append(f'{where}: no object')
        return
    for member in shape.get('required', []):
        if member not in value and member not in NOT_REQUIRED:
            findings.append(f'{where}: {member} is missing')
    for member, content in value.items():
        known = shape.get('members', {}).get(member)
        if known is None and not shapes.older:
            findings.append(f'{where}: unknown member {member}')
        elif known is not None:
            check_value(shapes, known['shape'], content, f'{where}.{member}', findings)


def check_list(shapes, shape, value, where, findings):
    if not isinstance(value, list):
        findings.append(f'{where}: no list')
        return
    for number, item in enumerate(value):
        check_value(shapes, shape['member']['shape'], item, f'{where}[{number}]', findings)


def check_map(shapes, shape, value, where, findings):
    if not isinstance(value, dict):
        findings.append(f'{where}: no map')
        return
    for key, item in value.items():
        check_value(shapes, shape['value']['shape'], item, f'{where}.{key}', findings)


def error_shapes(shapes, operation):
    """{code on the wire: shape} of the errors that the operation lists."""
    return {shapes[error['shape']].get('error', {}).get('code', error['shape']): error['shape']
            for error in operation.get('errors', [])}


def rest_error(code, body):
    """A REST service's error as if it were one of the others: its code is in a header."""
    return dict(body, __type=code)


def check_error(shapes, operation, status, body, where, findings, observed):
    code = body.get('__type')
    if not isinstance(code, str):
        findings.append(f'{where}: an error without __type')
        return
    code = code.removeprefix('com.amazonaws.sqs#')
    listed = {error['shape'] for error in operation.get('errors', [])}
    members = {key: value for key, value in body.items()
               if key != '__type' and not (
                   shapes.silent and key == 'message' and
                   not shapes.get(code, {}).get('members'))}
    if code in listed:
        check_value(shapes, code, members, f'{where} {code}', findings)
        fault = shapes[code].get('fault', False)
        if (status >= 500) != fault:
            findings.append(f'{where} {code}: HTTP status {status}')
    elif code not in COMMON_ERRORS | observed and not shapes.older:
        findings.append(f'{where}: {code} is no error of this operation')
    elif set(members) - {'message', 'Message'}:
        findings.append(f'{where} {code}: unknown members {sorted(members)}')


def check_query_error(shapes, operation, status, body, where, findings, observed):
    code, listed = body['Code'], error_shapes(shapes, operation)
    known = shapes[listed[code]] if code in listed else {}
    wanted = known.get('error', {}).get('httpStatusCode')
    unknown = set(body) - model_xml.ERROR - set(known.get('members', {}))
    if not known and code not in COMMON_QUERY_ERRORS | observed and not shapes.older:
        findings.append(f'{where}: {code} is no error of this operation')
    elif wanted not in (None, status):
        findings.append(f'{where} {code}: HTTP status {status}')
    if unknown:
        findings.append(f'{where} {code}: unknown members {sorted(unknown)}')
    if body['Type'] != ('Sender' if status < 500 else 'Receiver'):
        findings.append(f'{where} {code}: of type {body["Type"]}')


def check_query_answer(service_model, operation, status, text, where, findings, observed):
    root, shapes, read = model_xml.read(text), service_model['shapes'], []
    if root is None:
        findings.append(f'{where}: the answer is no XML')
    elif status >= 300:
        body = model_xml.error(root, read)
        if body is not None:
            check_query_error(shapes, operation, status, body, where, findings, observed)
    else:
        body = model_xml.body(service_model, operation, root, read)
        if body is not None and 'output' in operation:
            check_value(shapes, operation['output']['shape'], body, where, findings)
    findings.extend(f'{where}: {finding}' for finding in read)


def rest_body(shapes, operation):
    """The output's shape without what stands in headers; None: the body is no JSON object."""
    shape = shapes[operation['output']['shape']]
    if 'payload' in shape:
        return None
    members = {name: member for name, member in shape.get('members', {}).items()
               if 'location' not in member}
    return dict(shape, members=members,
                required=[name for name in shape.get('required', []) if name in members])


def check_answer(service, operation_name, status, text, protocol='json', code=None):
    """Findings, as texts, about one answer. `code`: of an error of a REST service."""
    service_model = model(service, protocol)
    findings, where = [], f'{service}:{operation_name}'
    observed = OBSERVED_ERRORS.get((service, operation_name), set())
    operation = service_model and service_model['operations'].get(operation_name)
    if not operation:
        return findings if not service_model or 'older' in service_model else \
            [f'{where}: there is no such operation']
    if protocol == 'query':
        check_query_answer(service_model, operation, status, text, where, findings, observed)
        return findings
    shapes = service_model['shapes']
    rest = protocol == 'rest-json'
    if rest and status < 300 and 'output' in operation and \
            rest_body(shapes, operation) is None:
        return findings
    try:
        body = json.loads(text) if text.strip() else {}
    except ValueError:
        return [f'{where}: the answer is no JSON']
    if rest and status < 300 and 'output' in operation:
        check_structure(shapes, rest_body(shapes, operation), body, where, findings)
        wanted = operation['http'].get('responseCode', 200)
        if status != wanted and 'StatusCode' not in shapes[operation['output']['shape']]['members']:
            findings.append(f'{where}: HTTP status {status}')
    elif status >= 300:
        body = rest_error(code, body) if rest else body
        if rest and code in shapes and shapes[code].get('error', {}).get(
                'httpStatusCode', status) != status:
            findings.append(f'{where} {code}: HTTP status {status}')
        check_error(shapes, operation, status, body, where, findings, observed)
    elif 'output' in operation:
        check_value(shapes, operation['output']['shape'], body, where, findings)
    elif body and not shapes.older:
        findings.append(f'{where}: an answer where there is none')
    return findings


def check_parameters(shapes, operation, text, where, findings):
    """A request of the query protocol: the members that it begins with."""
    given = {key.split('.')[0] for key, _ in urllib.parse.parse_qsl(text, keep_blank_values=True)}
    given -= {'Action', 'Version'}
    shape = shapes[operation['input']['shape']] if 'input' in operation else {}
    missing = set(shape.get('required', [])) - given
    unknown = set() if shapes.older else given - set(shape.get('members', {}))
    findings.extend(f'{where}: {member} is missing' for member in sorted(missing))
    findings.extend(f'{where}: unknown member {member}' for member in sorted(unknown))


def check_request(service, operation_name, text, protocol='json'):
    """Findings, as texts, about one request."""
    service_model = model(service, protocol)
    findings, where = [], f'request {service}:{operation_name}'
    operation = service_model and service_model['operations'].get(operation_name)
    if not operation:
        return findings if not service_model or 'older' in service_model else \
            [f'{where}: there is no such operation']
    shapes = service_model['shapes']
    if protocol == 'query':
        check_parameters(shapes, operation, text, where, findings)
        return findings
    try:
        body = json.loads(text)
    except ValueError:
        return [f'{where}: no JSON']
    if 'input' in operation:
        check_value(shapes, operation['input']['shape'], body, where, findings)
    elif body:
        findings.append(f'{where}: members where there are none')
    return findings


def watch(client, findings):
    """Adds what is wrong with each answer to the client to `findings`."""
    service = client.meta.service_model.service_name
    protocol = client.meta.service_model.metadata['protocol']

    def received(response_dict, event_name, **_):
        if response_dict is not None:
            body = response_dict['body']  # a stream where AWS sends one
            findings.extend(check_answer(service, event_name.rsplit('.', 1)[1],
                                         response_dict['status_code'],
                                         body.decode() if isinstance(body, bytes) else '',
                                         protocol,
                                         response_dict['headers'].get('x-amzn-errortype')))

    def parsed(parsed, model, **_):
        rows.note_boto3(service, model.name, parsed)

    client.meta.events.register('response-received.*.*', received)
    client.meta.events.register('after-call.*.*', parsed)
