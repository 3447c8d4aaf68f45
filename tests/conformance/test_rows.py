"""Every operation of every service, as outsiders saw it in this run of the suite: it succeeded, it
gave each error that its model lists, it was refused to a caller without the permission.

Runs behind all other programs of the suite, on what they noted (rows.py). What cannot happen here
stands in rows_left_out.py with the reason; a line there that is wrong fails too.
"""
import functools
import json
import pathlib
import sys
import unittest
import urllib.request

import botocore.session

import rows
from local_server import LocalServer
from rows_left_out import LEFT_OUT

# Names of services in clients, where they are not what signatures say.
SERVICES = {'tagging': 'resourcegroupstaggingapi'}
# The codes by which services refuse a caller without the permission.
DENIED = {'AccessDeniedException', 'AccessDenied'}


def operations():
    with LocalServer() as server, \
            urllib.request.urlopen(server.url + '/_understudy/operations') as answer:
        return json.loads(answer.read())


@functools.lru_cache(None)
def model_of(service):
    return botocore.session.get_session().get_service_model(service)


def listed_errors(service, operation):
    """Wire codes of the errors that the model of Debian's botocore lists; None: it is too old to
    know the operation."""
    model = model_of(SERVICES.get(service, service))
    if operation not in model.operation_names:
        return None
    return {shape.error_code for shape in model.operation_model(operation).error_shapes}


class Rows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.operations = operations()
        cls.found, cls.programs = rows.read()

    def each(self):
        for service, table in self.operations.items():
            for row in table:
                yield service, row, self.found.get((SERVICES.get(service, service), row['name']),
                                                   set())

    def missing(self, wanted):
        """Lines of what was not seen, and of what is left out although it was seen."""
        lines = []
        for service, row, outcomes in self.each():
            for outcome in sorted(wanted(service, row)):
                left_out = LEFT_OUT.get((service, outcome)) or \
                    LEFT_OUT.get((service, row['name'], outcome))
                seen = bool(outcomes & DENIED) if outcome == 'denied' else outcome in outcomes
                if not seen and not left_out:
                    lines.append(f'{service} {row["name"]}: {outcome} was not seen')
                if seen and LEFT_OUT.get((service, row['name'], outcome)):
                    lines.append(f'{service} {row["name"]}: {outcome} is left out, and was seen')
        return lines

    def assert_all(self, wanted):
        lines = self.missing(wanted)
        self.assertEqual(lines, [], '\n' + '\n'.join(lines))

    def test_each_operation_succeeded(self):
        self.assert_all(lambda service, row: {'ok'})

    def test_each_operation_gave_each_of_its_errors(self):
        self.assert_all(lambda service, row: (listed_errors(service, row['name']) or set())
                        - DENIED)

    def test_each_operation_was_denied(self):
        self.assert_all(lambda service, row: {'denied'} if row['permission'] else set())


if __name__ == '__main__':
    wanted = {pathlib.Path(path).stem for path in sys.argv[1:]}
    del sys.argv[1:]
    if rows.folder() is None or wanted - rows.read()[1]:
        print('not all programs of the suite have run: nothing to look at')
        sys.exit(77)  # meson: skipped
    unittest.main(verbosity=2)
