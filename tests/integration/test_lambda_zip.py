#!/usr/bin/python3
"""make lambda: the package holds what Lambda wants, nothing of the machine it was built on is
needed, and what breaks that breaks the build.

The last test starts the zip's program in a root that holds only the zip's files and a resolv.conf,
in namespaces of its own: a Runtime API, name servers and the local AWS behind TLS are on the
loopback there, and one event is served. It needs unprivileged user namespaces, or root.
"""
import fcntl
import http.server
import importlib.machinery
import importlib.util
import io
import json
import os
import pathlib
import select
import shutil
import socket
import ssl
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCE, TARGET = 'ap-south-1', 'us-east-1'
MOST_BYTES = 10 * 1000 * 1000


def package():
    return pathlib.Path(os.environ.get('UNDERSTUDY_LAMBDA',
                                       ROOT / 'build' / 'understudy-lambda.zip'))


def tool():
    path = str(ROOT / 'tools' / 'lambda_zip')
    loader = importlib.machinery.SourceFileLoader('lambda_zip', path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader('lambda_zip', loader))
    loader.exec_module(module)
    return module


class Building(unittest.TestCase):
    """What tools/lambda_zip refuses and makes."""

    def setUp(self):
        self.tool = tool()

    def test_a_symbol_that_is_not_listed_breaks_the_build(self):
        self.assertEqual(self.tool.stub_names({'gss_wrap', 'malloc'}, {'gss_wrap', 'ldap_gone'}),
                         ['gss_wrap'])
        with self.assertRaisesRegex(self.tool.Failed, 'ldap_new'):
            self.tool.stub_names({'gss_wrap', 'ldap_new'}, {'gss_wrap'})

    def test_a_program_that_asks_for_something_is_refused(self):
        unfit = self.tool.unfit
        self.assertEqual(list(unfit('LOAD', '(FLAGS_1) Flags: NOW PIE', 'x@GLIBC_2.34')), [])
        self.assertEqual(list(unfit('INTERP', '0x1 (NEEDED) Shared library: [libc.so.6]',
                                    'a@GLIBC_2.36 b@GLIBC_2.2.5')),
                         ['it asks for a dynamic loader', 'it needs libc.so.6',
                          'it needs GLIBC_2.36'])

    def test_authorities_are_chosen_by_name(self):
        text = self.tool.roots()
        self.assertEqual(text.count('BEGIN CERTIFICATE'), len(self.tool.ROOTS))
        context = ssl.create_default_context(cadata=text)
        names = {dict(pair[0] for pair in one['subject']).get('commonName')
                 for one in context.get_ca_certs()}
        self.assertLessEqual(set(self.tool.ROOTS), names)
        with tempfile.NamedTemporaryFile('w') as few:
            few.write(text[text.index('# Amazon Root CA 2'):])
            few.flush()
            with self.assertRaisesRegex(self.tool.Failed, 'lacks Amazon Root CA 1'):
                self.tool.roots(few.name)

    def test_the_same_content_is_the_same_zip(self):
        with tempfile.TemporaryDirectory() as folder:
            made = []
            for name in ('a', 'b'):
                path = pathlib.Path(folder, name)
                self.tool.pack(path, [('bootstrap', b'x' * 1000, 0o755)])
                made.append(path.read_bytes())
                os.utime(path, (0, 0))
            self.assertEqual(*made)


class Package(unittest.TestCase):
    def setUp(self):
        self.assertTrue(package().exists(), 'make lambda')

    def test_what_is_in_it(self):
        with zipfile.ZipFile(package()) as archive:
            found = {one.filename: one for one in archive.infolist()}
            self.assertEqual(sorted(found), ['bootstrap', 'understudy-ca.pem'])
            for name, mode in (('bootstrap', 0o755), ('understudy-ca.pem', 0o644)):
                self.assertEqual(stat.S_IMODE(found[name].external_attr >> 16), mode)
                self.assertEqual(found[name].date_time, (1980, 1, 1, 0, 0, 0))
            self.assertNotIn(str(ROOT).encode(), archive.read('bootstrap'))
        self.assertLess(package().stat().st_size, MOST_BYTES)

    def test_it_is_hardened_and_needs_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            with zipfile.ZipFile(package()) as archive:
                path = archive.extract('bootstrap', folder)

            def readelf(option):
                return subprocess.run(['readelf', '-W', option, path], capture_output=True,
                                      text=True, check=True).stdout

            header, segments, dynamic = readelf('-h'), readelf('-l'), readelf('-d')
            self.assertIn('DYN (', header)
            self.assertIn('GNU_RELRO', segments)
            self.assertRegex(dynamic, r'Flags: .*NOW')
            (stack,) = [line for line in segments.splitlines() if 'GNU_STACK' in line]
            self.assertNotIn('RWE', stack)
            self.assertEqual(list(tool().unfit(segments, dynamic, readelf('--dyn-syms'))), [])


# --- in namespaces of its own -----------------------------------------------------------------

def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        name = struct.pack('16sh', b'lo', 1)  # SIOCSIFFLAGS, IFF_UP
        fcntl.ioctl(one, 0x8914, name)


def name_server(zone, asked):
    """Answers A queries for the names of `zone` with 127.0.0.1, all others with "no such name"."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(('127.0.0.1', 53))

    def serve():
        while True:
            query, client = server.recvfrom(512)
            end, labels = 12, []
            while query[end]:
                labels.append(query[end + 1:end + 1 + query[end]].decode().lower())
                end += query[end] + 1
            question, kind = query[12:end + 5], struct.unpack('>H', query[end + 1:end + 3])[0]
            name = '.'.join(labels)
            asked.add(name)
            known = name in zone
            answer = b'\xc0\x0c' + struct.pack('>HHIH4s', 1, 1, 60, 4, b'\x7f\0\0\1') \
                if known and kind == 1 else b''
            server.sendto(query[:2] + struct.pack('>HHHHH', 0x8180 if known else 0x8183, 1,
                                                  bool(answer), 0, 0) + question + answer, client)

    threading.Thread(target=serve, daemon=True).start()


class Listener(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # one that is full loses connections


class RuntimeApi(http.server.BaseHTTPRequestHandler):
    """Hands out the event once, takes the answer."""
    protocol_version = 'HTTP/1.1'
    event, answers, answered = None, [], threading.Event()

    def do_GET(self):
        cls = type(self)
        if cls.event is None:
            threading.Event().wait(60)  # as Lambda does while there is nothing
        body, cls.event = json.dumps(cls.event).encode(), None
        self.send_response(200)
        for name, value in (('Lambda-Runtime-Aws-Request-Id', 'r-1'),
                            ('Lambda-Runtime-Deadline-Ms', '99999999999999'),
                            ('Lambda-Runtime-Invoked-Function-Arn',
                             f'arn:aws:lambda:{SOURCE}:111111111111:function:understudy'),
                            ('Content-Length', str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.send_response(202)
        self.send_header('Content-Length', '0')
        self.end_headers()
        type(self).answers.append((self.path, body.decode()))
        type(self).answered.set()

    def log_message(self, *_):
        pass


class Tls(threading.Thread):
    """The server at `behind`, over TLS."""

    def __init__(self, behind, certificate, key):
        super().__init__(daemon=True)
        self.behind = behind
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.connections = 0

    def run(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            with self.context.wrap_socket(client, server_side=True) as outer, \
                    socket.create_connection(self.behind) as inner:
                self.connections += 1
                self.pass_on(outer, inner)
        except OSError:
            pass  # the program's end, or one that does not trust us

    @staticmethod
    def pass_on(outer, inner):
        """In one thread: a TLS connection may not be read and written by two at once."""
        while True:
            ready = [outer] if outer.pending() else select.select([outer, inner], [], [])[0]
            for one in ready:
                data = one.recv(65536)
                if not data:
                    return
                (inner if one is outer else outer).sendall(data)


def authority(folder, name):
    """A certificate for `name`, signed by itself."""
    made = folder / 'cert.pem', folder / 'key.pem'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', f'/CN={name}',
                    '-addext', f'subjectAltName=DNS:{name}', '-out', str(made[0]), '-keyout',
                    str(made[1])], check=True, capture_output=True)
    return made


def inside(folder):
    """Runs in the namespaces; prints what came of it as JSON."""
    sys.path.insert(0, str(ROOT / 'tests' / 'conformance'))
    from local_server import CREDENTIALS, ACCOUNT, LocalServer
    loopback_up()
    chroot = shutil.which('chroot', path='/usr/sbin:/usr/bin:/sbin:/bin')
    asked = set()
    name_server({'runtime.test', 'aws.test'}, asked)
    root = folder / 'root'
    task = root / 'var' / 'task'
    for one in (task, root / 'etc', root / 'tmp'):
        one.mkdir(parents=True)
    with zipfile.ZipFile(package()) as archive:
        archive.extractall(task)
    (task / 'bootstrap').chmod(0o755)
    (root / 'etc' / 'resolv.conf').write_text('nameserver 127.0.0.1\n')
    certificate, key = authority(folder, 'aws.test')
    with LocalServer() as server:
        ssm = server.client('ssm', SOURCE)
        ssm.put_parameter(Name='/app/a', Value='one', Type='SecureString')
        tls = Tls(('127.0.0.1', int(server.url.rsplit(':', 1)[1].strip('/'))), certificate, key)
        tls.start()
        found = {}
        for trusted in (False, True):
            if trusted:  # in the place of AWS's authorities: it is this file that counts
                shutil.copy(certificate, task / 'understudy-ca.pem')
            # One each: the last request of the program before must not take this one's event.
            api = type('Api', (RuntimeApi,), {'event': {'understudy': 'reconcile'}, 'answers': [],
                                              'answered': threading.Event()})
            runtime = Listener(('127.0.0.1', 0), api)
            threading.Thread(target=runtime.serve_forever, daemon=True).start()
            program = subprocess.Popen(
                [chroot, str(root), '/var/task/bootstrap'], text=True, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, env={
                    'AWS_LAMBDA_RUNTIME_API': f'runtime.test:{runtime.server_address[1]}',
                    'AWS_LAMBDA_FUNCTION_NAME': 'understudy', 'AWS_REGION': SOURCE,
                    'LAMBDA_TASK_ROOT': '/var/task', '_HANDLER': 'bootstrap',
                    'AWS_ACCESS_KEY_ID': CREDENTIALS[ACCOUNT][0],
                    'AWS_SECRET_ACCESS_KEY': CREDENTIALS[ACCOUNT][1], 'AWS_MAX_ATTEMPTS': '1',
                    'AWS_ENDPOINT_URL': f'https://aws.test:{tls.port}',
                    'UNDERSTUDY_CONFIG': f'{{"source": {{"region": "{SOURCE}"}}, "destinations": '
                                         f'[{{"region": "{TARGET}"}}]}}'})
            answered = api.answered.wait(60)
            program.terminate()
            said = program.communicate(timeout=60)[0]
            found['trusted' if trusted else 'strange'] = {
                'answered': answered, 'said': said, 'answers': list(api.answers)}
        copies = server.client('ssm', TARGET)
        rows = copies.describe_parameters()['Parameters']
        found['copies'] = {row['Name']: copies.get_parameter(
            Name=row['Name'], WithDecryption=True)['Parameter']['Value'] for row in rows}
        server.close_clients()
    found['asked'] = sorted(asked)
    found['files'] = sorted(str(one.relative_to(root)) for one in root.rglob('*') if one.is_file())
    print(json.dumps(found))


def namespaces():
    """The words that give a program namespaces and the right to chroot; None: no way is open."""
    for words in (['unshare', '-Urmnpf'], ['unshare', '-mnpf']):
        if subprocess.run(words + ['true'], capture_output=True).returncode == 0:
            return words
    return None


class EmptyRoot(unittest.TestCase):
    def test_it_runs_with_its_own_files_only(self):
        words = namespaces()
        if not words:
            self.skipTest('neither user namespaces nor root: the empty root was not tried')
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(words + [sys.executable, __file__, '--inside', folder],
                                  capture_output=True, text=True, timeout=240)
            self.assertEqual(done.returncode, 0, done.stderr)
            found = json.loads(done.stdout)
        self.assertEqual(found['files'], ['etc/resolv.conf', 'var/task/bootstrap',
                                          'var/task/understudy-ca.pem'])
        good = found['trusted']
        self.assertTrue(good['answered'], good)
        self.assertEqual(good['answers'][0][0], '/2018-06-01/runtime/invocation/r-1/response', good)
        self.assertEqual(found['copies'], {'/app/a': 'one'})
        self.assertEqual(found['asked'], ['aws.test', 'runtime.test'])
        for line in good['said'].splitlines():
            json.loads(line)
        strange = found['strange']  # with the file of the zip
        self.assertTrue(strange['answers'][0][0].endswith('/error'), strange)
        self.assertIn('is not trusted', strange['answers'][0][1])


if __name__ == '__main__':
    if sys.argv[1:2] == ['--inside']:
        inside(pathlib.Path(sys.argv[2]))
    else:
        unittest.main(buffer=isinstance(sys.stdout, io.StringIO))
