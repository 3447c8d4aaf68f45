"""What the benches share: starting the local AWS and nginx, signing one request, running wrk.

Every bench prints ratios of figures taken in one run, rounds interleaved, medians: rates by
themselves say more about the machine than about the program.
"""
import contextlib
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("UNDERSTUDY_BUILD", os.path.join(ROOT, "build"))
ACCESS_KEY, ACCOUNT = "AKIABENCHBENCHBENCH0", "111111111111"
SECRET_KEY = "bench/only/secret/key/of/the/local/server"


class Local:
    """A local AWS on a free port with a data folder of its own."""

    def __init__(self, folder, *options):
        self.folder = folder
        command = [os.path.join(BUILD, "understudy-local"), "--data", folder, "--listen",
                   "127.0.0.1:0", "--credentials", f"{ACCESS_KEY}:{SECRET_KEY}:{ACCOUNT}", *options]
        began = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if line.startswith("ready "):
                self.url = line.split()[1]
                break
        else:
            raise SystemExit("understudy-local did not get ready")
        self.ready_ms = (time.monotonic() - began) * 1000

    def client(self, service, region="ap-south-1", retries=0):
        return boto3.client(service, region_name=region, endpoint_url=self.url,
                            aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY,
                            config=botocore.config.Config(retries={"max_attempts": retries}))

    def rss_mb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def local(*options):
    folder = tempfile.mkdtemp(prefix="understudy-bench-")
    server = Local(folder, *options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()
        shutil.rmtree(folder)


@contextlib.contextmanager
def nginx(body):
    """nginx answering every request with `body`: the yardstick of what this machine can serve."""
    folder = tempfile.mkdtemp(prefix="understudy-bench-")
    with open(os.path.join(folder, "body"), "w", encoding="utf-8") as out:
        out.write(body)
    port = free_port()
    quoted = body.replace("\\", "\\\\").replace("'", "\\'").replace("$", "")
    with open(os.path.join(folder, "nginx.conf"), "w", encoding="utf-8") as out:
        out.write(f"""
daemon off; worker_processes auto; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 100000000; default_type application/x-amz-json-1.1;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{quoted}'; }} }}
}}""")
    process = subprocess.Popen(["/usr/sbin/nginx", "-c", os.path.join(folder, "nginx.conf")],
                               stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port):
    import socket
    for _ in range(200):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.02)
    raise SystemExit(f"nothing listens on {port}")


def signed(url, target, body, region="ap-south-1", service="ssm",
           keys=(ACCESS_KEY, SECRET_KEY)):
    """Headers of one signed request; good for as long as the service's clock window."""
    request = botocore.awsrequest.AWSRequest(
        "POST", url + "/", data=body,
        headers={"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target,
                 "Host": url.split("//")[1]})
    whose = botocore.credentials.Credentials(*keys)
    botocore.auth.SigV4Auth(whose, service, region).add_auth(request)
    return dict(request.headers.items())


def seed(server, region, rows, connections=16):
    """PutParameter for each row (a dict of its input) over many connections; a hundred times faster
    than boto3, because what is signed is put together by hand."""
    import concurrent.futures
    import datetime
    import hashlib
    import hmac
    import json
    import socket
    host = server.url.split("//")[1]
    address = host.split(":")[0], int(host.split(":")[1])

    def mac(key, text):
        return hmac.new(key, text.encode(), hashlib.sha256).digest()

    def request(body):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{now[:8]}/{region}/ssm/aws4_request"
        signed_headers = {"content-type": "application/x-amz-json-1.1", "host": host,
                          "x-amz-date": now, "x-amz-target": "AmazonSSM.PutParameter"}
        names = ";".join(signed_headers)
        lines = "".join(f"{name}:{value}\n" for name, value in signed_headers.items())
        canonical = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        text = (f"AWS4-HMAC-SHA256\n{now}\n{scope}\n"
                f"{hashlib.sha256(canonical.encode()).hexdigest()}")
        key = ("AWS4" + SECRET_KEY).encode()
        for part in scope.split("/"):
            key = mac(key, part)
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        head = "".join(f"{name}: {value}\r\n" for name, value in signed_headers.items())
        return (f"POST / HTTP/1.1\r\n{head}content-length: {len(body)}\r\n"
                f"authorization: AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, "
                f"SignedHeaders={names}, Signature={signature}\r\n\r\n").encode() + body

    def put(some):
        with socket.create_connection(address) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for row in some:
                connection.sendall(request(json.dumps(row).encode()))
                answer = b""
                while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
                    answer += connection.recv(65536)
                if b" 200 " not in answer[:20]:
                    raise SystemExit(f"seeding failed: {answer[-400:]}")

    rows = list(rows)
    with concurrent.futures.ThreadPoolExecutor(connections) as pool:
        list(pool.map(put, [rows[i::connections] for i in range(connections)]))


def lua(headers, body, extra=""):
    fields = "\n".join(f'wrk.headers[{quote(k)}] = {quote(v)}' for k, v in headers.items())
    return f"wrk.method = 'POST'\nwrk.body = {quote(body)}\n{fields}\n{extra}\n"


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


class Run:
    def __init__(self, rate, p50_us, p99_us):
        self.rate, self.p50_us, self.p99_us = rate, p50_us, p99_us


def wrk(url, script, connections=16, seconds=3.0, threads=1):
    """One run of wrk; a single failed answer ends the bench, so that errors are never counted."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as source:
        source.write(script)
        source.flush()
        out = subprocess.run(["wrk", f"-t{threads}", f"-c{connections}",
                              f"-d{max(1, round(seconds))}s", "--latency", "-s", source.name,
                              url + "/"],
                             check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"wrk saw failures:\n{out}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    return Run(rate, micros(out, "50%"), micros(out, "99%"))


def micros(out, percentile):
    number, unit = re.search(re.escape(percentile) + r"\s+([\d.]+)(us|ms|s)", out).groups()
    return float(number) * {"us": 1, "ms": 1000, "s": 1e6}[unit]


def median(runs, what="rate"):
    return statistics.median(getattr(run, what) for run in runs)


def report(name, value, target, good, unit=""):
    """One line a target; returns whether it is met: the exit status says whether all are."""
    print(f"{'ok  ' if good else 'MISS'}  {name:<66} {value:8.2f}{unit}   target {target}")
    return good


def finish(results):
    sys.exit(0 if all(results) else 1)
