"""model_check: answers of a server against AWS's service models, as they came over the wire.

boto3 reads leniently: it drops members it does not know and never misses one. Here an unknown
member, a member of the wrong type, a missing required one, a value outside its enumeration and an
error that the operation does not have are findings. The models are those of
$UNDERSTUDY_SHARED/aws/models, else of ../shared beside the repository; without them nothing is
checked. JSON services only.
"""
import functools
import json
import os
import pathlib

import rows

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# What every operation may answer beside what its model lists (sts-iam-sigv4.md section 2).
COMMON_ERRORS = {
    'AccessDeniedException', 'ExpiredTokenException', 'IncompleteSignatureException',
    'InternalFailure', 'InvalidSignatureException', 'MissingAuthenticationTokenException',
    'SerializationException', 'ThrottlingException', 'UnknownOperationException',
    'UnrecognizedClientException', 'ValidationException',
    # SQS's, for parameters (events.md section 12.2).
    'InvalidParameterValueException', 'MissingRequiredParameterException',
}


@functools.lru_cache(None)
def model(service):
    shared = os.environ.get('UNDERSTUDY_SHARED') or ROOT.parent / 'shared'
    path = pathlib.Path(shared) / 'aws' / 'models' / service / 'service-2.json'
    return json.loads(path.read_text()) if path.exists() else None


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
        'blob': lambda: isinstance(value, str),
    }[shape['type']]()
    if not good:
        findings.append(f'{where}: {value!r} is no {shape["type"]}')
    elif 'enum' in shape and value not in shape['enum']:
        findings.append(f'{where}: {value!r} is not in the enumeration')


def check_structure(shapes, shape, value, where, findings):
    if not isinstance(value, dict):
        findings.append(f'{where}: no object')
        return
    for member in shape.get('required', []):
        if member not in value:
            findings.append(f'{where}: {member} is missing')
    for member, content in value.items():
        known = shape.get('members', {}).get(member)
        if known is None:
            findings.append(f'{where}: unknown member {member}')
        else:
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


def check_error(service_model, operation, status, body, where, findings):
    code = body.get('__type')
    if not isinstance(code, str):
        findings.append(f'{where}: an error without __type')
        return
    code = code.removeprefix('com.amazonaws.sqs#')
    shapes = service_model['shapes']
    listed = {error['shape'] for error in operation.get('errors', [])}
    members = {key: value for key, value in body.items() if key != '__type'}
    if code in listed:
        check_structure(shapes, shapes[code], members, f'{where} {code}', findings)
        fault = shapes[code].get('fault', False)
        if (status >= 500) != fault:
            findings.append(f'{where} {code}: HTTP status {status}')
    elif code not in COMMON_ERRORS:
        findings.append(f'{where}: {code} is no error of this operation')
    elif set(members) - {'message', 'Message'}:
        findings.append(f'{where} {code}: unknown members {sorted(members)}')


def check_answer(service, operation_name, status, text):
    """Findings, as texts, about one answer."""
    service_model = model(service)
    findings = []
    if service_model is None or service_model['metadata']['protocol'] != 'json':
        return findings
    operation = service_model['operations'][operation_name]
    where = f'{service}:{operation_name}'
    try:
        body = json.loads(text) if text.strip() else {}
    except ValueError:
        return [f'{where}: the answer is no JSON']
    if status >= 300:
        check_error(service_model, operation, status, body, where, findings)
    elif 'output' in operation:
        check_value(service_model['shapes'], operation['output']['shape'], body, where, findings)
    elif body:
        findings.append(f'{where}: an answer where there is none')
    return findings


def watch(client, findings):
    """Adds what is wrong with each answer to the client to `findings`."""
    service = client.meta.service_model.service_name

    def received(response_dict, event_name, **_):
        if response_dict is not None:
            findings.extend(check_answer(service, event_name.rsplit('.', 1)[1],
                                         response_dict['status_code'],
                                         response_dict['body'].decode()))

    def parsed(parsed, model, **_):
        rows.note_boto3(service, model.name, parsed)

    client.meta.events.register('response-received.*.*', received)
    client.meta.events.register('after-call.*.*', parsed)
