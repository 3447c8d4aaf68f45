"""wire: requests that Debian's boto3 would not make: signed, but with a body, target or query of
the test's choice."""
import json
import urllib.error
import urllib.request

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local_server import ACCOUNT, CREDENTIALS, REGION


def credentials(account=ACCOUNT, keys=None):
    return Credentials(*(keys or CREDENTIALS[account]))


def send(request):
    """Status, headers and body of the answer, whatever the status."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def signed_json(server, service, target, body, content_type='application/x-amz-json-1.1',
                region=REGION, **whose):
    """A call of a JSON service, ready to be sent; `body` is text."""
    request = AWSRequest('POST', server.url + '/', data=body,
                         headers={'X-Amz-Target': target, 'Content-Type': content_type})
    SigV4Auth(credentials(**whose), service, region).add_auth(request)
    return urllib.request.Request(server.url + '/', body.encode(), dict(request.headers))


def post_json(server, service, target, body, **more):
    """A call of a JSON service; the status and the answer."""
    status, _, answer = send(signed_json(server, service, target, json.dumps(body), **more))
    return status, json.loads(answer)


def presign(server, service, query, expires=60, region=REGION, path='/', **whose):
    """The URL of a GET that carries its signature in the query."""
    request = AWSRequest('GET', server.url + path, params=query)
    SigV4QueryAuth(credentials(**whose), service, region, expires).add_auth(request)
    return request.prepare().url
