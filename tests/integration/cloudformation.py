"""cloudformation: what AWS CloudFormation does with a custom resource, played for one resource.

    stack = Stack(function.invoke)       # function: a dict in, None or the error's type out
    answer = stack.create({'KMSKeyID': key, 'ReplicationRegions': ['us-east-1']})
    stack.update({...}); stack.delete()

Requests have CloudFormation's shape (every scalar a text); answers come to a server on the
loopback, which notes what S3 and CloudFormation would not take. As on AWS a Create that fails is
followed by a Delete, an Update that fails by an Update back, another physical id by a Delete of the
old one, and an asynchronous invocation that fails is tried twice more with the same request.
Source: AWS CloudFormation user guide, "Custom resources" (shared facts,
lambda-and-cloudformation.md part B).
"""
import collections
import http.server
import json
import threading
import time
import uuid

ANSWER_MOST = 4096
REGION, ACCOUNT = 'ap-south-1', '111111111111'
SECRET = 'f00dfacefeedbeef-signature-that-nobody-may-see'

Put = collections.namedtuple('Put', 'method target headers body')


class Answers(http.server.ThreadingHTTPServer):
    """Takes the answers, by request id. `rules`: called with a Put, give a status to refuse it
    with, 'drop' to close without a word, or None."""
    daemon_threads = True
    request_queue_size = 128  # one that is full loses connections

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Receiver)
        self.url = f'http://127.0.0.1:{self.server_address[1]}'
        self.puts, self.rules, self.problems = [], [], []
        self.arrived = threading.Condition()
        self.expected = {}  # target -> request
        threading.Thread(target=self.serve_forever, kwargs={'poll_interval': 0.02},
                         daemon=True).start()

    def handle_error(self, request, client_address):
        pass

    def target(self, request_id, date=None, expires=7200):
        """As S3's signed URLs for CloudFormation: escapes that must come back as they are."""
        date = date or time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())
        return ('/arn%3Aaws%3Acloudformation%3Aap-south-1%3A111111111111%3Astack/keys/x%7CReplica'
                f'%7C{request_id}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={date}'
                f'&X-Amz-SignedHeaders=host&X-Amz-Expires={expires}'
                '&X-Amz-Credential=AKIAEXAMPLE%2F20261122%2Fap-south-1%2Fs3%2Faws4_request'
                f'&X-Amz-Signature={SECRET}')

    def take(self, put):
        """The status to answer with."""
        with self.arrived:
            verdict = next((found for found in (rule(put) for rule in self.rules) if found), None)
            if verdict is None:
                self.check(put)
                self.puts.append(put)
                self.arrived.notify_all()
            return verdict or 200

    def check(self, put):
        headers = {name.lower(): value for name, value in put.headers}
        request = self.expected.get(put.target)
        wrong = self.problems.append
        if request is None:
            wrong(f'{put.target}: a URL that was never given out')
            return
        if put.method != 'PUT':
            wrong(f'{put.method} in place of PUT')
        if headers.get('content-type', ''):
            wrong('Content-Type is signed as empty, not as ' + headers['content-type'])
        for name in ('authorization', 'transfer-encoding', 'expect', 'x-amz-date'):
            if name in headers:
                wrong(f'{name} does not belong in the answer')
        if headers.get('content-length') != str(len(put.body)):
            wrong('Content-Length is missing or wrong')
        if len(put.body) > ANSWER_MOST:
            wrong(f'{len(put.body)} bytes')
        answer = json.loads(put.body.decode('utf-8'))
        for name in ('StackId', 'RequestId', 'LogicalResourceId'):
            if answer.get(name) != request[name]:
                wrong(f'{name} is not the request\'s')
        identity = answer.get('PhysicalResourceId')
        if not isinstance(identity, str) or not 0 < len(identity.encode()) <= 1024:
            wrong(f'PhysicalResourceId {identity!r}')
        if answer.get('Status') not in ('SUCCESS', 'FAILED'):
            wrong(f'Status {answer.get("Status")!r}')
        if answer['Status'] == 'FAILED' and not answer.get('Reason'):
            wrong('FAILED without a Reason')
        if not isinstance(answer.get('Data', {}), dict):
            wrong('Data is not an object')
        if any(not isinstance(value, str) for value in answer.get('Data', {}).values()):
            wrong('a value of Data is not text')
        unknown = set(answer) - {'Status', 'Reason', 'PhysicalResourceId', 'StackId', 'RequestId',
                                 'LogicalResourceId', 'NoEcho', 'Data'}
        if unknown:
            wrong(f'members {unknown}')

    def of(self, target):
        with self.arrived:
            return [json.loads(put.body) for put in self.puts if put.target == target]

    def wait(self, url, seconds=60):
        """Until an answer came to the URL."""
        target = url[len(self.url):]
        with self.arrived:
            if not self.arrived.wait_for(lambda: any(put.target == target for put in self.puts),
                                         seconds):
                raise Unanswered(target)

    def close(self):
        self.shutdown()
        self.server_close()


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def _any(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        status = self.server.take(Put(self.command, self.path, self.headers.items(), body))
        if status == 'drop':
            self.close_connection = True
            return
        self.send_response_only(status)
        self.send_header('Content-Length', '0')
        self.end_headers()

    do_PUT = do_POST = do_GET = _any


def texts(value):
    """Every scalar a text, as CloudFormation has it."""
    if isinstance(value, dict):
        return {key: texts(one) for key, one in value.items()}
    if isinstance(value, list):
        return [texts(one) for one in value]
    return value if isinstance(value, str) else json.dumps(value)


class Unanswered(AssertionError):
    pass


class Stack:
    def __init__(self, invoke, answers, name='keys', logical='Replica',
                 kind='Custom::KMSKeyReplication', region=REGION, account=ACCOUNT):
        self.invoke, self.answers = invoke, answers
        self.stack = f'arn:aws:cloudformation:{region}:{account}:stack/{name}/{uuid.uuid4()}'
        self.token = f'arn:aws:lambda:{region}:{account}:function:replicate'
        self.logical, self.kind = logical, kind
        self.identity = self.properties = None
        self.sent = []  # (request, answer or None)

    def request(self, action, **more):
        request_id = str(uuid.uuid4())
        target = self.answers.target(request_id)
        request = {'RequestType': action, 'ServiceToken': self.token,
                   'ResponseURL': self.answers.url + target, 'StackId': self.stack,
                   'RequestId': request_id, 'LogicalResourceId': self.logical,
                   'ResourceType': self.kind, **more}
        if 'ResourceProperties' in request:
            request['ResourceProperties'] = texts(
                {'ServiceToken': self.token, **request['ResourceProperties']})
        if 'OldResourceProperties' in request:
            request['OldResourceProperties'] = texts(
                {'ServiceToken': self.token, **request['OldResourceProperties']})
        self.answers.expected[target] = request
        return request

    def send(self, request, tries=3, **how):
        """One asynchronous invocation, tried again when the function fails; the answer."""
        target = request['ResponseURL'][len(self.answers.url):]
        before = len(self.answers.of(target))
        for _ in range(tries):
            if not self.invoke(request, **how):
                break
        found = self.answers.of(target)[before:]
        self.sent.append((request, found[-1] if found else None))
        if not found:
            raise Unanswered(request['RequestType'])
        if len(found) != 1:
            raise AssertionError(f'{len(found)} answers to one {request["RequestType"]}')
        return found[0]

    def create(self, properties, **how):
        answer = self.send(self.request('Create', ResourceProperties=properties), **how)
        self.identity, self.properties = answer['PhysicalResourceId'], properties
        if answer['Status'] == 'FAILED':
            self.delete()
        return answer

    def update(self, properties, **how):
        old, before = self.properties, self.identity
        answer = self.send(self.request('Update', PhysicalResourceId=before,
                                        ResourceProperties=properties, OldResourceProperties=old),
                           **how)
        if answer['Status'] == 'FAILED':
            back = self.send(self.request(
                'Update', PhysicalResourceId=before, ResourceProperties=old,
                OldResourceProperties=properties))
            self.identity = back['PhysicalResourceId']
            if self.identity != before:
                self.clean_up(before, properties)
            return answer
        self.identity, self.properties = answer['PhysicalResourceId'], properties
        if self.identity != before:
            self.clean_up(before, old)
        return answer

    def clean_up(self, identity, properties):
        """Of a resource that was replaced."""
        return self.send(self.request('Delete', PhysicalResourceId=identity,
                                      ResourceProperties=properties))

    def delete(self, identity=None, properties=None):
        return self.send(self.request('Delete', PhysicalResourceId=identity or self.identity,
                                      ResourceProperties=properties or self.properties))

    def actions(self):
        return [request['RequestType'] for request, _ in self.sent]
