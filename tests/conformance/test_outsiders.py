#!/usr/bin/python3
"""What anybody on the network may send: AWS's error or a clean close, and the server lives on.

Every case ends with a healthy server; the last test sends thousands of bad requests and looks at
the memory.
"""
import json
import os
import re
import socket
import struct
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from local_server import ACCOUNT, CREDENTIALS, REGION, Conformance, main

TARGET = 'AmazonSSM.GetParameter'


class Outsiders(Conformance):
    def tearDown(self):
        with urllib.request.urlopen(self.server.url + '/_understudy/health', timeout=60) as health:
            self.assertEqual(health.status, 200)
        super().tearDown()

    def address(self):
        host, port = self.server.url.split('//')[1].split(':')
        return host, int(port)

    def exchange(self, data, close=False, timeout=60):
        """Sends the bytes as they are; everything that comes back until the end, or until the
        first whole answer when the connection stays open."""
        with socket.create_connection(self.address(), timeout=timeout) as link:
            try:
                link.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before all of it was read
            if close:
                return b''
            got = b''
            while True:
                try:
                    chunk = link.recv(65536)
                except ConnectionResetError:
                    break
                if not chunk:
                    break
                got += chunk
                head, _, body = got.partition(b'\r\n\r\n')
                length = re.search(rb'(?i)content-length: (\d+)', head)
                if length and len(body) >= int(length.group(1)):
                    break
            return got

    def signed(self, body, target=TARGET, service='ssm', **changed):
        headers = {'Content-Type': 'application/x-amz-json-1.1', 'X-Amz-Target': target,
                   'Host': self.server.url.split('//')[1], **changed}
        request = botocore.awsrequest.AWSRequest('POST', self.server.url + '/', data=body,
                                                 headers=headers)
        keys = botocore.credentials.Credentials(*CREDENTIALS[ACCOUNT])
        botocore.auth.SigV4Auth(keys, service, REGION).add_auth(request)
        return dict(request.headers.items())

    def request(self, headers, body, line=b'POST / HTTP/1.1'):
        fields = ''.join(f'{k}: {v}\r\n' for k, v in headers.items()
                         if k.lower() != 'content-length').encode('latin-1')
        return line + b'\r\n' + fields + b'Content-Length: %d\r\n\r\n' % len(body) + body

    def post(self, body, **options):
        """Status, code and the whole answer of a well-signed request with this body."""
        answer = self.exchange(self.request(self.signed(body, **options), body))
        head, _, text = answer.partition(b'\r\n\r\n')
        status = int(head.split()[1])
        self.assertIn(b'x-amzn-requestid:', head.lower())
        return status, json.loads(text)['__type'], text

    def status(self, data):
        answer = self.exchange(data)
        return int(answer.split()[1]) if answer else None

    def test_bad_json(self):
        for body in (b'', b'{', b'{"Name":', b'nonsense', b'[]', b'"text"', b'{"Name":"/a"} extra',
                     b'{"Name":"/a","Name":"/b"}', b'{"Name":"\xff\xfe"}', b'{"Name":"\\ud800"}',
                     b'\x00', b'{"Name":5}', b'{"Name":{"a":1}}', b'{"Name":"/a\\u0000b"}'):
            with self.subTest(body=body):
                status, code, _ = self.post(body)
                self.assertEqual(status, 400)
                self.assertIn(code, ('SerializationException', 'ValidationException'))

    def test_deep_nesting(self):
        for depth in (100, 3000, 100000):
            for body in (b'[' * depth, b'{"Name":' + b'[' * depth + b']' * depth + b'}',
                         b'{"a":' * depth + b'1' + b'}' * depth):
                with self.subTest(depth=depth):
                    answer = self.exchange(self.request(self.signed(body), body))
                    if len(body) > 256 << 10:  # the size is judged before the content
                        self.assertEqual(int(answer.split()[1]), 413)
                    else:
                        self.assertEqual(int(answer.split()[1]), 400)
                        self.assertRegex(answer, b'SerializationException|ValidationException')

    def test_ten_megabytes(self):
        body = b'{"Name":"' + b'x' * (10 << 20) + b'"}'
        answer = self.exchange(self.request(self.signed(body), body))
        if answer:  # a reset may overtake the answer, which is a clean close
            self.assertIn(int(answer.split()[1]), (400, 413))

    def test_half_requests(self):
        whole = self.request(self.signed(b'{"Name":"/a"}'), b'{"Name":"/a"}')
        for end in (1, 5, 17, 40, len(whole) // 2, len(whole) - 1):
            self.exchange(whole[:end], close=True)

    def test_wrong_signatures(self):
        body = b'{"Name":"/a"}'
        good = self.signed(body)
        self.assertEqual(self.post(body)[1], 'ParameterNotFound')
        scope = good['Authorization'].split(',')[0].split('Credential=')[1]
        cases = {
            'InvalidSignatureException': [
                dict(good, Authorization=good['Authorization'][:-4] + '0000'),
                dict(good, **{'X-Amz-Target': 'AmazonSSM.DeleteParameter'}),
                dict(good, Authorization=good['Authorization'].replace('/ssm/', '/kms/')),
                dict(good, Authorization=good['Authorization'].replace('aws4_request', 'aws3')),
            ],
            'UnrecognizedClientException': [
                dict(good, Authorization=good['Authorization'].replace(scope.split('/')[0],
                                                                       'AKIANOBODYKNOWSTHIS0')),
            ],
            'MissingAuthenticationTokenException': [
                {k: v for k, v in good.items() if k != 'Authorization'},
                # Not of an AWS4 kind: AWS's front end looks no further.
                dict(good, Authorization='Bearer x'),
                dict(good, Authorization='\xe4' * 2000),
            ],
            'IncompleteSignatureException': [
                dict(good, Authorization='AWS4-HMAC-SHA256'),
                dict(good, Authorization='AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, '
                                         'Signature=0'),
                dict(good, Authorization='AWS4-HMAC-SHA256 ' + '\xe4' * 2000),
            ],
        }
        for code, variants in cases.items():
            for headers in variants:
                with self.subTest(code=code, authorization=headers.get('Authorization', '')[:80]):
                    answer = self.exchange(self.request(headers, body))
                    self.assertEqual(int(answer.split()[1]), 400, answer)
                    self.assertEqual(json.loads(answer.partition(b'\r\n\r\n')[2])['__type'], code)
        # A changed body under a good signature.
        answer = self.exchange(self.request(good, b'{"Name":"/b"}'))
        self.assertIn(b'InvalidSignatureException', answer)

    def test_unknown_operations(self):
        for target in ('AmazonSSM.NoSuchThing', 'NoSuchService.GetParameter', 'AmazonSSM.', '.',
                       'AmazonSSM', 'x' * 5000, 'AmazonSSM.GetParameter.More'):
            with self.subTest(target=target[:40]):
                self.assertEqual(self.post(b'{}', target=target)[:2],
                                 (400, 'UnknownOperationException'))

    def test_bad_http(self):
        host = b'Host: x\r\n'
        for data, statuses in (
                (b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + os.urandom(200), (400, None)),
                (b'GET / HTTP/9.9\r\n' + host + b'\r\n', (400, 505)),
                (b'BREW / HTTP/1.1\r\n' + host + b'\r\n', (400, 404, 405, 501)),
                (b'POST / HTTP/1.1\r\n\r\n', (400,)),
                (b'POST / HTTP/1.1\r\n' + host + host + b'\r\n', (400,)),
                (b'POST / HTTP/1.1\r\n' + host +
                 b'Content-Length: 1\r\nContent-Length: 2\r\n\r\nab',
                 (400,)),
                (b'POST / HTTP/1.1\r\n' + host
                 + b'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', (400,)),
                (b'POST / HTTP/1.1\r\n' + host + b'Transfer-Encoding: gzip, chunked\r\n\r\n',
                 (400, 501)),
                (b'POST / HTTP/1.1\r\n' + host + b'Content-Length: 7abc\r\n\r\n', (400,)),
                (b'POST / HTTP/1.1\r\n' + host + b'Content-Length: 99999999999999999999\r\n\r\n',
                 (400, 413)),
                (b'GET / HTTP/1.1\r\n' + host + b'A: b\x00c\r\n\r\n', (400,)),
                (b'GET / HTTP/1.1\r\n' + host + b'A : b\r\n\r\n', (400,)),
                (b'GET / HTTP/1.1\r\n' + host + b'A: b\r\n folded\r\n\r\n', (400,)),
                (b'GET / HTTP/1.1\r\n' + host + b'A: ' + b'x' * 100000 + b'\r\n\r\n',
                 (400, 431, None)),
                (b'GET / HTTP/1.1\r\n' + host + b'A: b\r\n' * 5000 + b'\r\n', (400, 431, None)),
                (b'GET /' + b'a' * 100000 + b' HTTP/1.1\r\n' + host + b'\r\n',
                 (400, 414, 431, None)),
                (b'\r\n' * 1000 + b'\x00', (400, None)),
        ):
            with self.subTest(data=data[:60]):
                self.assertIn(self.status(data), statuses)

    def test_connections_that_say_nothing(self):
        silent = [socket.create_connection(self.address()) for _ in range(300)]
        try:
            self.assertEqual(self.post(b'{"Name":"/a"}')[1], 'ParameterNotFound')
        finally:
            for link in silent:
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                link.close()  # with a reset

    def resident_kb(self):
        with open(f'/proc/{self.server._process.pid}/status', encoding='ascii') as status:
            return int(re.search(r'VmRSS:\s+(\d+)', status.read()).group(1))

    def test_bad_requests_leave_nothing_in_memory(self):
        requests = [self.request(self.signed(body), body)
                    for body in (b'{', b'[' * 5000, b'{"Name":"' + b'y' * 50000 + b'"}',
                                 b'{"Name":"/none"}', b'{"Name":"a b"}')]
        requests.append(self.request({'Host': 'x', 'Authorization': 'AWS4-HMAC-SHA256 x'}, b'{}'))

        def send(rounds):
            for _ in range(rounds):
                for request in requests:
                    self.assertTrue(self.exchange(request))
        send(50)
        before = self.resident_kb()
        send(400)
        grown = self.resident_kb() - before
        # The address sanitizer keeps what is freed for a while.
        if 'asan' not in os.environ.get('UNDERSTUDY_LOCAL', ''):
            self.assertLess(grown, 2048, f'{grown} KB more after 2,400 bad requests')


if __name__ == '__main__':
    main()
