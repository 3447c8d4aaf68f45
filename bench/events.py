#!/usr/bin/python3
"""What it costs to follow changes by events, and how far behind the copies are.

    bench/events.py [start] [cost] [lag] [burst]               (default: all four)

start    exec of the function's program to its first request for work, and its memory then, against
         `python3 -c "import boto3; boto3.client('ssm')"`.
cost     one changed parameter to one Region in a warm process: AWS calls counted on the wire, and
         processor time against the handler of bench/article_handler.py, fed the same events.
lag      on the local AWS, rule and function as deployed: PutParameter acknowledged to the value
         being read in the other Region, 1,000 changes one after another.
burst    10,000 changes through rule, queue and function, 5 % of the events lost, 20 % repeated, all
         reordered; then one reconcile.

The function's program is the one of build/understudy-lambda.zip (make lambda).
"""
import argparse
import collections
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import queue
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
import zipfile

import common

sys.path.insert(0, str(pathlib.Path(common.ROOT) / "tests" / "integration"))
import deployed  # noqa: E402
from replication import Witness  # noqa: E402

SOURCE, DESTINATION = "ap-south-1", "us-east-1"
ZIP = os.path.join(common.BUILD, "understudy-lambda.zip")


@contextlib.contextmanager
def unpacked():
    folder = tempfile.mkdtemp(prefix="understudy-bench-")
    with zipfile.ZipFile(ZIP) as package:
        package.extractall(folder)
    program = os.path.join(folder, "bootstrap")
    os.chmod(program, 0o755)
    yield program
    shutil.rmtree(folder)


# --- a Runtime API ----------------------------------------------------------------------------


class RuntimeApi(http.server.ThreadingHTTPServer):
    """Hands events to one process and takes its answers."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Conversation)
        self.events, self.answers, self.asked = queue.Queue(), queue.Queue(), threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02},
                         daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # the process was ended


class Conversation(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.server.asked.set()
        event = self.server.events.get()
        self.answer(200, json.dumps(event).encode(), (
            ("Lambda-Runtime-Aws-Request-Id", str(uuid.uuid4())),
            ("Lambda-Runtime-Deadline-Ms", str(int((time.time() + 60) * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn",
             f"arn:aws:lambda:{SOURCE}:{common.ACCOUNT}:function:bench"),
            ("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793")))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(202, b"{}")
        self.server.answers.put((self.path.rsplit("/", 1)[1], body))


class Function:
    """A function's process, warm until closed."""

    def __init__(self, command, url):
        self.api = RuntimeApi()
        self.errors = tempfile.TemporaryFile()
        environment = {
            "PATH": "/usr/bin:/bin", "AWS_REGION": SOURCE, "AWS_DEFAULT_REGION": SOURCE,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.api.server_address[1]}",
            "AWS_LAMBDA_FUNCTION_NAME": "bench", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "_HANDLER": "bootstrap",
            "LAMBDA_TASK_ROOT": os.path.dirname(command[-1]), "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": common.ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": common.SECRET_KEY,
            "DEST_REGIONS": DESTINATION, "PARAM_PATHS": "/prod/app"}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL,
                                        stderr=self.errors)

    def invoke(self, event):
        self.api.events.put(event)
        how, body = self.api.answers.get(timeout=60)
        if how != "response":
            sys.exit(f"the function failed: {body[:400]}")

    def processor_s(self):
        """Of all its threads: the clock of another process, as clock_getcpuclockid(3) numbers it,
        in nanoseconds, where /proc counts hundredths of a second."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def peak_mb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024

    def close(self):
        self.process.kill()
        self.process.wait()
        self.api.shutdown()
        self.api.server_close()
        self.errors.close()


def put_event(name, version):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"version": "0", "id": str(uuid.uuid4()), "detail-type": "AWS API Call via CloudTrail",
            "source": "aws.ssm", "account": common.ACCOUNT, "time": now, "region": SOURCE,
            "resources": [],
            "detail": {"eventVersion": "1.11", "eventTime": now, "eventSource": "ssm.amazonaws.com",
                       "eventName": "PutParameter", "awsRegion": SOURCE,
                       "userIdentity": {"type": "Root", "accountId": common.ACCOUNT},
                       "requestParameters": {"name": name, "type": "String", "overwrite": True,
                                             "value": "HIDDEN_DUE_TO_SECURITY_REASONS"},
                       "responseElements": {"version": version, "tier": "Standard"},
                       "eventID": str(uuid.uuid4()), "readOnly": False,
                       "eventType": "AwsApiCall", "managementEvent": True,
                       "recipientAccountId": common.ACCOUNT, "eventCategory": "Management"}}


# --- start ------------------------------------------------------------------------------------


def start():
    ours, theirs, our_mb, their_mb = [], [], [], []
    with unpacked() as program:
        for _ in range(15):
            began = time.monotonic()
            function = Function([program], "http://127.0.0.1:9")
            if not function.api.asked.wait(20):
                sys.exit("the function's program did not ask for work")
            ours.append(time.monotonic() - began)
            our_mb.append(function.peak_mb())
            function.close()
            began = time.monotonic()
            peer = subprocess.Popen(
                ["/usr/bin/python3", "-c", "import boto3; boto3.client('ssm')"],
                env={"PATH": "/usr/bin:/bin", "AWS_DEFAULT_REGION": SOURCE})
            _, status, used = os.wait4(peer.pid, 0)
            peer.returncode = status
            theirs.append(time.monotonic() - began)
            their_mb.append(used.ru_maxrss / 1024)
            if status:
                sys.exit("python3 has no boto3")
    ratio = statistics.median(theirs) / statistics.median(ours)
    memory = statistics.median(their_mb) / statistics.median(our_mb)
    print(f"first request for work: {statistics.median(ours) * 1000:.1f} ms, "
          f"{statistics.median(our_mb):.1f} MB; a boto3 client: "
          f"{statistics.median(theirs) * 1000:.0f} ms, {statistics.median(their_mb):.1f} MB")
    return [common.report("time of a boto3 client / exec to first request", ratio, "> 20",
                          ratio > 20),
            common.report("memory of a boto3 client / the program's", memory, "> 3", memory > 3)]


# --- cost -------------------------------------------------------------------------------------


def cost(changes):
    tags = [{"Key": "team", "Value": "orders"}]
    names = [f"/prod/app/cost/{number:03}" for number in range(20)]
    versions = collections.Counter()
    results, used = [], {}
    with common.local() as server, unpacked() as program:
        ssm = server.client("ssm", SOURCE)

        def change(name):
            versions[name] += 1
            first = {"Tags": tags} if versions[name] == 1 else {"Overwrite": True}
            ssm.put_parameter(Name=name, Type="String", Value=f"value {versions[name]}", **first)
            return put_event(name, versions[name])

        witness = Witness(server.url)
        counted = Function([program], witness.url)
        each = []
        for at in range(4 * len(names)):
            event = change(names[at % len(names)])
            witness.calls.clear()
            counted.invoke(event)
            each.append(len(witness.calls))
            if at in (0, len(names) // 2, 3 * len(names)):
                kind = "first of the process" if at == 0 else \
                    "create" if at < len(names) else "update"
                print(f"{kind}: " + ", ".join(f"{call.operation} ({call.region})"
                                              for call in witness.calls))
        counted.close()
        witness.close()
        most = max(each[1:])
        results.append(common.report("calls of one change in a warm process, at most", most,
                                     "<= 6", most <= 6))

        functions = {"understudy": Function([program], server.url),
                     "handler": Function(["/usr/bin/python3", os.path.join(
                         common.ROOT, "bench", "article_handler.py")], server.url)}
        rounds = 12  # short ones in turn: what else the machine does falls on both alike
        for round_ in range(rounds + 1):  # the first warms both up
            for name, function in functions.items():
                before = function.processor_s()
                # One by one: with several changes at once ours writes once, the handler each time.
                for at in range(changes // rounds):
                    function.invoke(change(names[at % len(names)]))
                if round_:
                    used[name] = used.get(name, 0) + function.processor_s() - before
        for function in functions.values():
            function.close()
    ratio = used["handler"] / used["understudy"]
    each = {name: 1000 * seconds / (changes // rounds * rounds) for name, seconds in used.items()}
    print("processor time a change: " + ", ".join(
        f"{name} {ms:.2f} ms" for name, ms in each.items()))
    results.append(common.report("processor time of the handler / ours", ratio, "> 20",
                                 ratio > 20))
    return results


# --- lag --------------------------------------------------------------------------------------

POLICY = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["ssm:*", "tag:GetResources", "sts:GetCallerIdentity", "logs:*",
                                   "sqs:*"], "Resource": "*"}]}
ENVIRONMENT = {"DEST_REGIONS": DESTINATION, "PARAM_PATHS": "/prod/app"}


class Line:
    """One connection that sends calls signed by hand: quicker than a client of boto3's."""

    def __init__(self, server, region):
        self.server, self.region = server, region
        self.connection = http.client.HTTPConnection(server.url.split("//")[1])

    def call(self, operation, **members):
        body = json.dumps(members)
        headers = common.signed(self.server.url, "AmazonSSM." + operation, body, self.region)
        self.connection.request("POST", "/", body, headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


def lag(changes):
    seconds = []
    with common.local() as server:
        deployed.Deployed(server.client, ENVIRONMENT, POLICY)
        source, copy = Line(server, SOURCE), Line(server, DESTINATION)
        for at in range(changes + 20):
            name, value = f"/prod/app/lag/{at % 50:02}", f"value {at}"
            status, answer = source.call("PutParameter", Name=name, Value=value, Type="String",
                                         Overwrite=True)
            began = time.monotonic()
            assert status == 200, answer
            # One signature for all looks at this name.
            body = json.dumps({"Name": name})
            headers = common.signed(server.url, "AmazonSSM.GetParameter", body, DESTINATION)
            while True:
                copy.connection.request("POST", "/", body, headers)
                looked = copy.connection.getresponse()
                found = json.loads(looked.read())
                if looked.status == 200 and found["Parameter"]["Value"] == value:
                    break
                if time.monotonic() - began > 20:
                    sys.exit(f"{name} did not arrive: {found}")
                time.sleep(0.0005)
            if at >= 20:
                seconds.append(time.monotonic() - began)
    cuts = statistics.quantiles(seconds, n=100)
    print(f"PutParameter acknowledged to readable in the other Region: p50 {cuts[49] * 1000:.1f} "
          f"ms, p99 {cuts[98] * 1000:.1f} ms, most {max(seconds) * 1000:.1f} ms")
    return [common.report("p99 of the lag", cuts[98] * 1000, "< 50 ms", cuts[98] < 0.05, " ms")]


# --- burst ------------------------------------------------------------------------------------


def state_of(server, region):
    pages = server.client("ssm", region).get_paginator("get_parameters_by_path").paginate(
        Path="/prod/app", Recursive=True)
    return {p["Name"]: p for page in pages for p in page["Parameters"]}


def values_of(ssm, name):
    return [version["Value"] for version in ssm.get_parameter_history(Name=name)["Parameters"]]


def change_all(server, names):
    """Ten changes a name: nine rounds of values; then half of the names get one more, of the others
    each is deleted, and every fifth of those is made again. How many changes that were."""
    def put(some, round_):
        common.seed(server, SOURCE, ({"Name": name, "Value": f"{round_:02} {name}",
                                      "Type": "String", "Overwrite": True} for name in some))
        return len(some)

    done = sum(put(names, round_) for round_ in range(9))
    half = len(names) // 2
    gone = names[half:]
    done += put(names[:half], 9)
    ssm = server.client("ssm", SOURCE)
    for at in range(0, len(gone), 10):
        done += len(ssm.delete_parameters(Names=gone[at:at + 10])["DeletedParameters"])
    return done + put(gone[::5], 10)


def burst(changes):
    return burst_with(changes, 0.05) + burst_with(changes, 0)


def burst_with(changes, lost):
    """The events' loss, repetition and order are the server's doing."""
    names = [f"/prod/app/burst/{number:05}" for number in range(changes // 10)]
    with common.local("--testing") as server:
        function = deployed.Deployed(
            server.client, {"UNDERSTUDY_CONFIG": json.dumps(
                {"source": {"region": SOURCE}, "destinations": [{"region": DESTINATION}],
                 "parameters": {"include": ["/prod/app/**"], "deletes": "owned",
                                "max_delete": 100000, "delete_grace": "0"}})},
            POLICY, queue=True, batch=100, timeout=120)
        urllib.request.urlopen(urllib.request.Request(
            server.url + "/_understudy/events", method="POST", data=json.dumps(
                {"lost": lost, "repeated": 0.20, "reordered": 1.0, "within": 0.5}).encode()))
        began = time.monotonic()
        done = change_all(server, names)
        put = time.monotonic() - began
        sqs = server.client("sqs", SOURCE)

        def waiting(url):
            counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            return sum(int(counts["ApproximateNumberOfMessages" + kind])
                       for kind in ("", "NotVisible", "Delayed"))

        # Quiet: nothing was under way for a second, twice as long as events are held.
        quiet, patience = 0, time.monotonic() + 120
        while quiet < 20 and time.monotonic() < patience:
            quiet = 0 if waiting(function.queue_url) else quiet + 1
            time.sleep(0.05)
        settled = time.monotonic() - began
        if quiet < 20:
            print(f"{waiting(function.queue_url)} messages are not settled:", *(
                line[:600] for line in function.log() if '"ERROR"' in line or '"WARN"' in line
                or "errorType" in line or "Task timed out" in line), sep="\n")
        source, copy = state_of(server, SOURCE), state_of(server, DESTINATION)

        def differing(copy):
            return [name for name in names if copy.get(name, {}).get("Value") !=
                    source.get(name, {}).get("Value")]

        behind = differing(copy)
        failure, answer = function.invoke({"understudy": "reconcile"})
        if failure:
            sys.exit(f"the reconcile failed: {answer}")
        copy = state_of(server, DESTINATION)
        wrong = differing(copy)
        ssm = server.client("ssm", DESTINATION)
        histories = {name: values_of(ssm, name) for name in copy}
        # Two processes at one name: the older value may stand for a moment, never in the end.
        moments = sum(a > b for values in histories.values() for a, b in zip(values, values[1:]))
        dead = waiting(function.dead_url)
    print(f"{100 * lost:g} % of the events lost, 20 % repeated, all out of order: {done} changes "
          f"of {len(names)} parameters in {put:.1f} s; quiet after {settled:.1f} s with "
          f"{sum(map(len, histories.values()))} versions written, {moments} of them older for a "
          f"moment; {len(behind)} behind then; the reconcile: {answer}")
    results = [
        common.report("parameters that differ after the burst and one reconcile", len(wrong),
                      "= 0", not wrong),
        common.report("parameters of the source that the copy lacks",
                      len(set(source) - set(copy)), "= 0", set(source) <= set(copy)),
        common.report("messages given up", dead, "= 0", dead == 0)]
    if not lost:
        results.append(common.report("nothing lost: parameters that differ before any reconcile",
                                     len(behind), "= 0", not behind))
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", choices=["start", "cost", "lag", "burst", []])
    parser.add_argument("--changes", type=int, help="fewer of them, to try the bench")
    options = parser.parse_args()
    what = options.what or ["start", "cost", "lag", "burst"]
    results = []
    if not os.path.exists(ZIP):
        subprocess.run(["make", "-C", common.ROOT, "lambda"], check=True)
    if "start" in what:
        results += start()
    if "cost" in what:
        results += cost(options.changes or 480)
    if "lag" in what:
        results += lag(options.changes or 1000)
    if "burst" in what:
        results += burst(options.changes or 10000)
    common.finish(results)


if __name__ == "__main__":
    main()
