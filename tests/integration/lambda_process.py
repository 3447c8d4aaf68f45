"""lambda_process: bootstrap as AWS Lambda runs it: a Runtime API in front of one process.

    process = LambdaProcess({'DEST_REGIONS': 'us-east-1', ...}, folder)
    failed, answer = process.invoke({'understudy': 'reconcile'})

The process is warm until closed. Everything it wrote is in `process.output()` after that; what it
told the Runtime API in `process.told`. The program is $UNDERSTUDY_BOOTSTRAP, else build/bootstrap.
"""
import http.server
import json
import os
import pathlib
import queue
import signal
import subprocess
import tempfile
import threading
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ARN = 'arn:aws:lambda:ap-south-1:111111111111:function:replicate'
PATIENCE_S = 60


def program():
    return os.environ.get('UNDERSTUDY_BOOTSTRAP', str(ROOT / 'build' / 'bootstrap'))


class RuntimeApi(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # one that is full loses connections

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Conversation)
        self.events, self.told = queue.Queue(), queue.Queue()
        self.asked = threading.Semaphore(0)
        self.status = 202  # of the next answers
        self.close_after_answer = False  # as a freeze does to a connection
        threading.Thread(target=self.serve_forever, kwargs={'poll_interval': 0.02},
                         daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # the process was ended


class Conversation(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def _answer(self, status, body, headers=()):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def do_GET(self):
        self.server.asked.release()
        event = self.server.events.get()
        if event is None:
            self.close_connection = True
            return
        payload, request_id, deadline_ms = event
        self._answer(200, payload, (
            ('Lambda-Runtime-Aws-Request-Id', request_id),
            ('Lambda-Runtime-Deadline-Ms', str(deadline_ms)),
            ('Lambda-Runtime-Invoked-Function-Arn', ARN),
            ('Lambda-Runtime-Trace-Id', 'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1')))

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        status, self.server.status = self.server.status, 202
        self._answer(status, b'{"status":"OK"}')
        if self.server.close_after_answer:
            self.close_connection = True
        self.server.told.put((self.path.removeprefix('/2018-06-01/runtime/'),
                              self.headers.get('Lambda-Runtime-Function-Error-Type'), body))


class LambdaProcess:
    def __init__(self, environment, folder, region='ap-south-1'):
        self.api = RuntimeApi()
        self.told = []
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [program()], stdout=self._out, stderr=self._err, cwd='/', env={
                'PATH': '/usr/bin:/bin', 'TZ': ':UTC', 'AWS_REGION': region,
                'AWS_DEFAULT_REGION': region, '_HANDLER': 'bootstrap',
                'AWS_LAMBDA_RUNTIME_API': f'127.0.0.1:{self.api.server_address[1]}',
                'AWS_LAMBDA_FUNCTION_NAME': 'replicate', 'AWS_LAMBDA_FUNCTION_VERSION': '$LATEST',
                'AWS_LAMBDA_LOG_FORMAT': 'JSON', 'AWS_LAMBDA_LOG_LEVEL': 'DEBUG',
                'LAMBDA_TASK_ROOT': str(folder), 'TMPDIR': str(folder),
                **{name: os.environ[name] for name in os.environ if name.endswith('SAN_OPTIONS')},
                **environment})

    def begin(self, payload, seconds=60.0):
        """Hands out an event; `payload` as it is when it is bytes. Gives its request id."""
        request_id = str(uuid.uuid4())
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.api.events.put((data, request_id, int((time.time() + seconds) * 1000)))
        return request_id

    def end(self):
        """What the process told next: (path, error type, body)."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                self.told.append(self.api.told.get(timeout=0.1))
                return self.told[-1]
            except queue.Empty:
                if self.process.poll() is not None and self.api.told.empty():
                    break
        raise AssertionError('no answer: ' + self.output())

    def invoke(self, payload, seconds=60.0):
        """(error type or None, the answer's or the error's JSON)."""
        request_id = self.begin(payload, seconds)
        path, kind, body = self.end()
        assert path in (f'invocation/{request_id}/response', f'invocation/{request_id}/error'), path
        return kind, json.loads(body)

    def wait(self):
        return self.process.wait(PATIENCE_S)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def output(self):
        for stream in (self._out, self._err):
            stream.seek(0)
        return self._out.read().decode() + self._err.read().decode()

    def lines(self):
        return [json.loads(line) for line in self.output().splitlines()]

    def log(self):
        return [line for line in self.lines() if '_aws' not in line]

    def metrics(self):
        return [line for line in self.lines() if '_aws' in line]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.api.events.put(None)
        self.api.shutdown()
        self.api.server_close()
        self._out.close()
        self._err.close()
