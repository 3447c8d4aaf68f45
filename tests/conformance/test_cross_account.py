"""Every operation of every service, called by another account's administrator on the first
account's resources: nothing is read and nothing is changed.

How each is called is told by resources.py, which fails for an operation that it does not know. That
a policy of the resource's may let others in is held by the tests of key policies, shared
parameters, event buses and queues.
"""
import base64
import contextlib
import json
import pathlib
import sqlite3
import urllib.parse

import local_server
from local_server import ACCOUNT, OTHER_ACCOUNT
from resources import CANARY, Callers

# What a call on somebody else's resource may be answered: it is not allowed, or is not there.
REFUSALS = {'AccessDenied', 'AccessDeniedException', 'NoSuchEntity', 'NotFoundException',
            'ParameterNotFound', 'ResourceNotFoundException', 'InvalidResourceId',
            'ResourceNotFound', 'InvalidKeyId', 'AWS.SimpleQueueService.NonExistentQueue',
            'QueueDoesNotExist', 'InvalidIdentityToken', 'TrailNotFoundException'}
# They answer 200 and tell item by item, or answer what AWS lets everybody know.
ANSWERED = {
    ('ssm', 'GetParameters'), ('ssm', 'DeleteParameters'), ('tagging', 'GetResources'),
    ('tagging', 'TagResources'), ('tagging', 'UntagResources'), ('events', 'PutEvents'),
    ('sts', 'GetAccessKeyInfo'),
    ('kms', 'ListRetirableGrants'), ('iam', 'GetContextKeysForCustomPolicy'),
    ('iam', 'SimulateCustomPolicy'), ('events', 'ListRuleNamesByTarget'),
    ('lambda', 'ListEventSourceMappings'),
}
# Numbers that the whole server draws from.
COUNTERS = {'sqs_place', 'event_outbox'}
# The operation's own word for a policy, or a function, that is not there.
ALSO = {('sts', 'GetFederationToken'): 'MalformedPolicyDocument',
        ('lambda', 'CreateEventSourceMapping'): 'InvalidParameterValueException'}


def is_foreign(arguments):
    """They name something of the first account's by more than a plain name."""
    text = json.dumps(arguments, default=lambda value: base64.b64encode(value).decode())
    return any(mark in text for mark in (f':{ACCOUNT}:', f'/{ACCOUNT}/', f'"{ACCOUNT}"'))


class CrossAccount(Callers):
    def rows(self):
        """All that is stored of the first account; of tables without accounts everything."""
        database = next(pathlib.Path(self.server.folder).rglob('store.db'))
        found = {}
        with contextlib.closing(sqlite3.connect(f'file:{database}?mode=ro', uri=True)) as store:
            for (table,) in store.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"):
                if table.startswith(('session_', 'trail', 'sqlite_')) or table in COUNTERS:
                    continue
                names = [row[1] for row in store.execute(f'PRAGMA table_info({table})')]
                where = f" WHERE account = '{ACCOUNT}'" if 'account' in names else ''
                found[table] = set(store.execute(f'SELECT * FROM {table}{where}'))
        return found

    def leaks(self, body, arguments):
        plain = urllib.parse.unquote_to_bytes(body)
        sent = json.dumps(arguments, default=repr)
        coded = base64.b64encode(CANARY.encode())[:-4]
        return CANARY not in sent and (CANARY.encode() in plain or coded in plain)

    def judge(self, service, operation):
        arguments = self.arguments(service, operation)
        code, body = self.call(service, operation, arguments)
        self.assertNotRegex(str(code), 'Internal|ServiceFailure|KMSInternal', body)
        self.assertFalse(self.leaks(body, arguments), body)
        if is_foreign(arguments) and (service, operation) not in ANSWERED:
            self.assertIn(code, REFUSALS | {ALSO.get((service, operation))} - {None}, body)

    def test_every_operation(self):
        self.call_as(account=OTHER_ACCOUNT)
        before = self.rows()
        foreign = 0
        for service, operations in self.operations.items():
            for operation in (row['name'] for row in operations):
                with self.subTest(f'{service}:{operation}'):
                    foreign += is_foreign(self.arguments(service, operation))
                    self.judge(service, operation)
        after = self.rows()
        for table, rows in before.items():
            with self.subTest(table):
                self.assertEqual(rows - after[table], set(), 'changed or deleted')
                if table not in self.shared_tables():
                    self.assertEqual(after[table] - rows, set(), 'added')
        self.assertGreater(foreign, 60, 'most calls name what they must not reach')

    def shared_tables(self):
        """Tables without a column for the account: the second account writes there too."""
        database = next(pathlib.Path(self.server.folder).rglob('store.db'))
        with contextlib.closing(sqlite3.connect(f'file:{database}?mode=ro', uri=True)) as store:
            tables = [row[0] for row in store.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table'")]
            return {table for table in tables if 'account' not in [
                row[1] for row in store.execute(f'PRAGMA table_info({table})')]}


if __name__ == '__main__':
    local_server.main()
