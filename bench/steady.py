#!/usr/bin/python3
"""What a run costs: calls when little or nothing changed, time under AWS's quotas and over a slow
line, memory. Against the sequential script of bulk_script.py where there is something to compare.

    bench/steady.py [calls] [quotas] [latency] [memory]        (default: all four)

calls    N parameters, one destination: calls a Region and writes of a pass when nothing changed,
         and when 1 % did; counted on the wire by a proxy, as are the script's (on fewer, for it
         pays the same for each).
quotas   the server throttles at AWS's default rates: 300 new parameters to 3 Regions against the
         time that PutParameter's 3 a second allow for one; then a pass over 1,000 that are equal
         against the script's, which is run in full (five minutes and more).
latency  20 ms added to each call, no quotas: 1,000 new parameters against the script.
memory   peak at 100,000 parameters: the first sync, a pass with state and one without.
"""
import argparse
import collections
import contextlib
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import boto3

import bulk_script
import common

sys.path.insert(0, str(pathlib.Path(common.ROOT) / "tests" / "integration"))
from replication import Witness  # noqa: E402

SOURCE, DESTINATION = "ap-south-1", "us-east-1"
# The endpoint is not AWS's, so AWS's default quotas are given in the configuration.
QUOTAS = {"PutParameter": 3, "GetParameters": 40, "DescribeParameters": 10,
          "ListTagsForResource": 10, "AddTagsToResource": 10}


def rows(first, last, value="value"):
    for number in range(first, last):
        yield {"Name": f"/prod/app/{number // 100:04}/{number:06}",
               "Value": f"{value} {number} " + "x" * 40,
               "Type": ("String", "SecureString", "StringList")[number % 3],
               "Description": f"parameter {number}", "Tier": "Intelligent-Tiering",
               "Tags": [{"Key": "team", "Value": f"t{number % 7}"}]}


class Understudy:
    """The program with a home, and so a state, of its own."""

    def __init__(self, url):
        self.url = url
        self.home = tempfile.mkdtemp(prefix="understudy-bench-")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.home)

    def run(self, *words, destinations=(DESTINATION,), quotas=None, status=0):
        """The summary of one run, with its seconds on the wall and its peak memory in MB."""
        sides = [{"region": region, **({"quotas": quotas} if quotas else {})}
                 for region in (SOURCE, *destinations)]
        config = {"source": sides[0], "destinations": sides[1:],
                  "parameters": {"include": ["/prod/app/**"]}}
        path = os.path.join(self.home, "understudy.yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        environment = {"PATH": os.environ["PATH"], "HOME": self.home,
                       "AWS_ACCESS_KEY_ID": common.ACCESS_KEY,
                       "AWS_SECRET_ACCESS_KEY": common.SECRET_KEY}
        began = time.monotonic()
        done = subprocess.run(["/usr/bin/time", "-v", os.path.join(common.BUILD, "understudy"),
                               *words, "--json", "--config", path, "--endpoint-url", self.url],
                              env=environment, capture_output=True, text=True)
        if done.returncode != status:
            sys.exit(f"understudy {words} gave {done.returncode}:\n{done.stderr[-2000:]}")
        summary = json.loads(done.stdout[done.stdout.rindex("\n", 0, -1) + 1:])
        summary["seconds"] = time.monotonic() - began
        summary["megabytes"] = int(re.search(r"Maximum resident set size \(kbytes\): (\d+)",
                                             done.stderr).group(1)) / 1024
        return summary


def script(server, url=None, region=DESTINATION):
    """Seconds of the bulk script; its clients retry as boto3's do when nobody says otherwise."""
    began = time.monotonic()
    written = bulk_script.bulk_sync(
        lambda region: boto3.client("ssm", region_name=region, endpoint_url=url or server.url,
                                    aws_access_key_id=common.ACCESS_KEY,
                                    aws_secret_access_key=common.SECRET_KEY),
        SOURCE, region, ["/prod/app"])
    return time.monotonic() - began, written


def change(server, first, last):
    ssm = server.client("ssm", SOURCE)
    for row in rows(first, last, "changed"):
        row.pop("Tags")
        ssm.put_parameter(**row, Overwrite=True)


def calls(parameters):
    results = []
    with common.local() as server:
        common.seed(server, SOURCE, rows(0, parameters))
        witness = Witness(server.url)
        with Understudy(witness.url) as understudy:
            understudy.run("sync")

            def count(what, most, writes):
                witness.calls.clear()
                understudy.run("sync")
                regions = collections.Counter(call.region for call in witness.calls)
                print(f"{what}: {dict(regions)} calls, {len(witness.writes())} writes")
                results.append(common.report(f"calls a Region of {parameters}, {what}",
                                             max(regions.values()), f"<= {most}",
                                             max(regions.values()) <= most))
                results.append(common.report(f"writes, {what}", len(witness.writes()),
                                             f"= {writes}", len(witness.writes()) == writes))
                return len(witness.calls)

            most = parameters // 50 + parameters // 100 + 20
            steady = count("nothing changed", most, 0)
            some = parameters // 100
            change(server, 0, some)
            count("1 % changed", most + 3 * some, some)

            fewer = parameters // 10
            with common.local() as small:
                common.seed(small, SOURCE, rows(0, fewer))
                proxy = Witness(small.url)
                script(small, proxy.url)
                proxy.calls.clear()
                script(small, proxy.url)
                print(f"      the script makes {len(proxy.calls)} calls for each pass over "
                      f"{fewer}: {len(proxy.calls) / fewer:.2f} a parameter; understudy "
                      f"{steady / parameters:.3f}")
                proxy.close()
        witness.close()
    return results


@contextlib.contextmanager
def seeded(count, before, *options):
    """A server that was filled, and whatever `before` does with it, before it got its `options`.
    Its address stays: what runs remember is of an endpoint."""
    folder = tempfile.mkdtemp(prefix="understudy-bench-")
    listen = ("--listen", f"127.0.0.1:{common.free_port()}")
    server = common.Local(folder, *listen)
    try:
        common.seed(server, SOURCE, rows(0, count))
        before(server)
        server.stop()
        server = common.Local(folder, *listen, *options)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def quotas():
    results = []
    regions = ("us-east-1", "eu-west-1", "sa-east-1")
    with seeded(300, lambda server: None, "--quotas", "aws") as server:
        with Understudy(server.url) as understudy:
            done = understudy.run("sync", destinations=regions, quotas=QUOTAS)
    alone = 300 / QUOTAS["PutParameter"]
    print(f"300 new to 3 Regions: {done['seconds']:.1f} s, {done['calls']} calls, "
          f"{done['throttled']} throttled; the quota alone: {alone:.1f} s")
    results.append(common.report("300 new to 3 Regions, time / what the quota dictates for one",
                                 done["seconds"] / alone, "<= 1.10",
                                 done["seconds"] / alone <= 1.10))
    results.append(common.report("calls throttled", 100 * done["throttled"] / done["calls"],
                                 "< 2 %", done["throttled"] < 0.02 * done["calls"], " %"))
    results.append(common.report("parameters that were not copied", 900 - done["applied"], "= 0",
                                 done["applied"] == 900 and done["failed"] == 0))

    with contextlib.ExitStack() as stack:
        ours = []

        def both(server):
            ours.append(stack.enter_context(Understudy(server.url)))
            ours[0].run("sync")
            script(server, region="us-west-2")

        server = stack.enter_context(seeded(1000, both, "--quotas", "aws"))
        passes = [ours[0].run("sync", quotas=QUOTAS) for _ in range(3)]
        assert all(done["equal"] == 1000 and done["applied"] == 0 for done in passes), passes
        seconds = sorted(done["seconds"] for done in passes)[1]
        script_seconds, written = script(server, region="us-west-2")
        assert written == 1000, written
    print(f"a pass over 1,000 that are equal: script {script_seconds:.1f} s, understudy "
          f"{seconds:.2f} s")
    results.append(common.report("a pass over 1,000 that are equal, script / understudy",
                                 script_seconds / seconds, "> 50", script_seconds / seconds > 50))
    return results


def latency():
    ratios = []
    with seeded(1000, lambda server: None, "--latency", "20") as server:
        script_seconds, written = script(server, region="us-west-2")
        assert written == 1000, written
        for region in ("eu-west-1", "eu-west-2", "eu-west-3"):
            with Understudy(server.url) as understudy:
                done = understudy.run("sync", destinations=(region,))
            assert done["applied"] == 1000, done
            ratios.append(script_seconds / done["seconds"])
            print(f"1,000 new over 20 ms: script {script_seconds:.1f} s, understudy "
                  f"{done['seconds']:.2f} s")
    ratio = statistics.median(ratios)
    return [common.report("1,000 new, 20 ms a call, script / understudy", ratio, ">= 25",
                          ratio >= 25)]


def memory(parameters):
    results = []
    with common.local() as server, Understudy(server.url) as understudy:
        common.seed(server, SOURCE, rows(0, parameters))
        for what, words in (("first sync", ["sync"]), ("pass", ["sync"]),
                            ("pass that reads every value", ["verify", "--no-state"])):
            done = understudy.run(*words)
            print(f"{what} of {parameters}: {done['seconds']:.1f} s")
            results.append(common.report(f"peak memory at {parameters}, {what}", done["megabytes"],
                                         "< 24 MB", done["megabytes"] < 24, " MB"))
    return results


def main():
    options = argparse.ArgumentParser()
    options.add_argument("parts", nargs="*", metavar="part",
                         choices=["calls", "quotas", "latency", "memory", []])
    options.add_argument("--parameters", type=int, default=10000, help="of calls")
    options.add_argument("--large", type=int, default=100000, help="of memory")
    options = options.parse_args()
    parts = {"calls": lambda: calls(options.parameters), "latency": latency,
             "memory": lambda: memory(options.large), "quotas": quotas}
    common.finish([result for name, part in parts.items()
                   if name in (options.parts or parts) for result in part()])


if __name__ == "__main__":
    main()
