"""model_xml: the XML answers of query services against their models.

Read strictly into what a JSON service would have answered, then checked as that (model_check.py).
"""
import re
import xml.etree.ElementTree as ElementTree

NUMBERS = {'integer': int, 'long': int, 'float': float, 'double': float}
TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z')
ERROR = {'Type', 'Code', 'Message'}


def name(element):
    return element.tag.rpartition('}')[2]


def space(element):
    return element.tag.rpartition('}')[0].removeprefix('{')


def read(text):
    """The root element; None: no XML."""
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None


def scalar(shape, element):
    """The value, or the text itself where it is none: it fails the check of its type."""
    text = element.text or ''
    try:
        if shape['type'] in NUMBERS:
            return NUMBERS[shape['type']](text)
    except ValueError:
        return text
    if shape['type'] == 'boolean':
        return {'true': True, 'false': False}.get(text, text)
    if shape['type'] == 'timestamp':
        return 0 if TIME.fullmatch(text) else text
    return text


def pairs(shapes, shape, elements, findings):
    found, names = {}, (shape['key'].get('locationName', 'key'),
                        shape['value'].get('locationName', 'value'))
    for entry in elements:
        parts = {name(child): child for child in entry}
        if set(parts) != set(names) or len(entry) != 2:
            findings.append(f'an entry of {sorted(parts)}')
        else:
            found[parts[names[0]].text or ''] = value(shapes, shape['value']['shape'],
                                                      parts[names[1]], findings)
    return found


def items(shapes, shape, elements, findings):
    return [value(shapes, shape['member']['shape'], one, findings) for one in elements]


def within(shapes, shape, element, findings):
    """What stands in the one element of a list or map that is not flattened."""
    children = list(element)
    if shape['type'] == 'map':
        wanted = 'entry'
    else:
        wanted = shape['member'].get('locationName', 'member')
    findings.extend(f'{name(element)}: an element {name(child)}' for child in children
                    if name(child) != wanted)
    return (pairs if shape['type'] == 'map' else items)(shapes, shape, children, findings)


def names_in(shapes, structure):
    """{name of the element: (member, its shape)}."""
    found = {}
    for member, at in structure.get('members', {}).items():
        shape = shapes[at['shape']]
        wire = at.get('locationName', member)
        if shape.get('flattened'):
            if shape['type'] == 'list':
                wire = shape['member'].get('locationName', wire)
            else:
                wire = shape.get('locationName', wire)
        found[wire] = (member, shape, at['shape'])
    return found


def structure(shapes, shape, element, findings):
    known, found, flat = names_in(shapes, shape), {}, {}
    for child in element:
        member, inner, inner_name = known.get(name(child), (name(child), None, None))
        if inner is None:
            found[member] = child.text  # a finding of the check
        elif inner.get('flattened'):
            flat.setdefault(member, (inner, []))[1].append(child)
        elif member in found:
            findings.append(f'{name(child)} twice')
        else:
            found[member] = value(shapes, inner_name, child, findings)
    for member in shape.get('required', []):  # a flattened list of nothing is no element at all
        inner = shapes[shape['members'][member]['shape']]
        if inner.get('flattened'):
            flat.setdefault(member, (inner, []))
    for member, (inner, elements) in flat.items():
        found[member] = (pairs if inner['type'] == 'map' else items)(shapes, inner, elements,
                                                                     findings)
    return found


def value(shapes, shape_name, element, findings):
    shape = shapes[shape_name]
    if shape['type'] == 'structure':
        return structure(shapes, shape, element, findings)
    if shape['type'] in ('list', 'map'):
        return within(shapes, shape, element, findings)
    if len(element):
        findings.append(f'{name(element)}: elements where a {shape["type"]} is')
    return scalar(shape, element)


def body(model, operation, root, findings):
    """What the answer's result holds, as an object; None when its frame is wrong."""
    wrapper = operation.get('output', {}).get('resultWrapper')
    children = [name(child) for child in root]
    if name(root) != operation['name'] + 'Response' or \
            children != [wrapper, 'ResponseMetadata'][wrapper is None:]:
        findings.append(f'a frame of {name(root)} {children}')
        return None
    if space(root) != model['metadata']['xmlNamespace']:
        findings.append(f'of {space(root)}')
    if not root.find('{*}ResponseMetadata/{*}RequestId').text:
        findings.append('no RequestId')
    if wrapper is None:
        return {}
    return structure(model['shapes'], model['shapes'][operation['output']['shape']], root[0],
                     findings)


def error(root, findings):
    """An error answer's code and other members; None when its frame is wrong."""
    parts = root.find('{*}Error')
    if name(root) != 'ErrorResponse' or parts is None or root.find('{*}RequestId') is None:
        findings.append(f'an error framed as {name(root)} {[name(child) for child in root]}')
        return None
    found = {name(child): child.text or '' for child in parts}
    if 'Code' not in found or found.get('Type') not in ('Sender', 'Receiver'):
        findings.append(f'an error of {found}')
        return None
    return found
