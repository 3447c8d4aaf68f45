"""Every operation of every service, called by a role of the account without any permission: each is
refused, by its service's code, and the text says who may not do what."""
import local_server
import roles
from local_server import ACCOUNT
from resources import Callers

# The code is in the answer's dialect: query protocols (SQS has both), and that of the others.
CODES = {'iam': {'AccessDenied'}, 'sts': {'AccessDenied'},
         'sqs': {'AccessDenied', 'AccessDeniedException'}}
# Who may not use the key of a ciphertext is not even told whether there is one.
UNTOLD = {('kms', 'ReEncrypt')}
WHO = f'arn:aws:sts::{ACCOUNT}:assumed-role/nobody/session'


class Denied(Callers):
    def judge(self, service, operation):
        code, body = self.call(service, operation, self.arguments(service, operation))
        self.assertIn(code, CODES.get(service, {'AccessDeniedException'}), body)
        if (service, operation) not in UNTOLD:
            self.assertRegex(body.decode(), f'{WHO} is not authorized to perform: [a-z]+:[A-Za-z]+')

    def test_every_operation(self):
        self.call_as(keys=roles.assume(self.server, roles.make(self.server, 'nobody')))
        asked = 0
        for service, operations in self.operations.items():
            for row in operations:
                if row['permission']:
                    asked += 1
                    with self.subTest(f'{service}:{row["name"]}'):
                        self.judge(service, row['name'])
        self.assertGreater(asked, 200, 'most operations ask for a permission')


if __name__ == '__main__':
    local_server.main()
