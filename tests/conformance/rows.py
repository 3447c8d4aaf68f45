"""rows: which operations outsiders called in this run of the suite, and how it ended.

Every answer that a test's client sees is a line (service, operation, outcome) in a file of its
test program under $UNDERSTUDY_ROWS; the outcome is "ok" or the error's code. test_rows.py, which
runs behind all others, reads them. Without the variable nothing is kept.
"""
import functools
import json
import os
import pathlib
import re
import sys

import botocore
import botocore.session

seen = set()


def folder():
    return os.environ.get('UNDERSTUDY_ROWS')


def file():
    return pathlib.Path(folder()) / (pathlib.Path(sys.argv[0]).stem + '.jsonl')


def begin():
    """A program of the suite starts: what it noted the last time is gone."""
    if folder() is not None:
        file().parent.mkdir(parents=True, exist_ok=True)
        file().write_text('')


def note(service, operation, outcome):
    if folder() is None or (service, operation, outcome) in seen:
        return
    seen.add((service, operation, outcome))
    with open(file(), 'a', encoding='utf-8') as out:
        print(json.dumps([service, operation, outcome]), file=out)


def note_boto3(service, operation, parsed):
    error = parsed.get('Error', {}).get('Code')
    note(service, operation, error or 'ok')


def note_cli(arguments, error):
    """`arguments` of the aws command line, `error` its standard error or None."""
    words = [word for word in arguments if not word.startswith('-')]
    if len(words) < 2 or folder() is None:
        return
    code = error and re.search(r'\((\w[\w.]*)\) when calling the', error)
    operation = operations_by_words(words[0]).get(words[1])
    if operation and (code or error is None):
        note(words[0], operation, code.group(1) if code else 'ok')


@functools.lru_cache(None)
def operations_by_words(service):
    model = botocore.session.get_session().get_service_model(service)
    return {botocore.xform_name(name, '-'): name for name in model.operation_names}


def read():
    """{(service, operation): {outcomes}} of all programs, and the programs' names."""
    found, programs = {}, set()
    for path in pathlib.Path(folder()).glob('*.jsonl'):
        programs.add(path.stem)
        for line in path.read_text(encoding='utf-8').splitlines():
            service, operation, outcome = json.loads(line)
            found.setdefault((service, operation), set()).add(outcome)
    return found, programs
