#!/usr/bin/python3
"""What keys in every Region cost.

    bench/kms_keys.py [regions] [stack] [parity]        (default: all)

regions  one key to ten Regions against one key to one, the waits for the replicas included: rounds
         interleaved, medians. AWS makes replicas in seconds; so does the server.
stack    the same of the custom resource: the function, run as Lambda runs it, from CloudFormation's
         request to its answer; each call of AWS takes so long as to another Region.
parity   500 keys in 3 Regions, source included: the calls of a verify on the wire, against one
         list (of keys, of aliases, a page each hundred), one describe, one policy and one tags
         call for each key and Region.
"""
import argparse
import collections
import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import common

sys.path.insert(0, str(pathlib.Path(common.ROOT) / "tests" / "integration"))
from cloudformation import Answers, Stack  # noqa: E402
from lambda_process import LambdaProcess  # noqa: E402
from replication import Witness  # noqa: E402

SOURCE = "ap-south-1"
REGIONS = ("us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2",
           "eu-west-3", "eu-central-1", "ap-southeast-1", "ap-southeast-2")


def run(url, command, regions, include=None, status=0):
    """Seconds."""
    home = tempfile.mkdtemp(prefix="understudy-bench-")
    try:
        config = os.path.join(home, "understudy.yaml")
        with open(config, "w", encoding="utf-8") as out:
            json.dump({"source": {"region": SOURCE, "endpoint_url": url},
                       "destinations": [{"region": region, "endpoint_url": url}
                                        for region in regions],
                       "kms_keys": {"include": include} if include else {}}, out)
        began = time.monotonic()
        done = subprocess.run(
            [os.path.join(common.BUILD, "understudy"), command, "--config", config, "--no-state"],
            env={"HOME": home, "PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": common.ACCESS_KEY,
                 "AWS_SECRET_ACCESS_KEY": common.SECRET_KEY, "AWS_EC2_METADATA_DISABLED": "true"},
            capture_output=True, text=True, check=False)
        took = time.monotonic() - began
    finally:
        shutil.rmtree(home)
    if done.returncode != status:
        raise SystemExit(f"understudy {command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return took


def regions(rounds):
    one, ten = [], []
    with common.local() as server:
        kms = server.client("kms", SOURCE)
        for number in range(rounds):
            for times, where in ((one, REGIONS[:1]), (ten, REGIONS)):
                key = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
                kms.create_alias(AliasName=f"alias/{len(where)}-{number}", TargetKeyId=key)
                times.append(run(server.url, "sync", where, [key]))
    return [common.report("ten Regions against one", statistics.median(ten) /
                          statistics.median(one), "<= 1.5 times",
                          statistics.median(ten) <= 1.5 * statistics.median(one), " times")]


def stack(rounds):
    one, ten = [], []
    answers = Answers()
    with common.local("--latency", "50") as server, \
            tempfile.TemporaryDirectory(prefix="understudy-bench-") as folder:
        kms = server.client("kms", SOURCE)
        process = LambdaProcess({
            "AWS_ACCESS_KEY_ID": common.ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": common.SECRET_KEY,
            "AWS_ENDPOINT_URL": server.url}, pathlib.Path(folder))
        try:
            for number in range(rounds + 1):  # the first warms the process up
                for times, where in ((one, REGIONS[:1]), (ten, REGIONS)):
                    key = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
                    began = time.monotonic()
                    answer = Stack(lambda request: process.invoke(request, 60)[0], answers).create(
                        {"KMSKeyID": key, "ReplicationRegions": list(where)})
                    took = time.monotonic() - began
                    if answer["Status"] != "SUCCESS":
                        raise SystemExit(answer["Reason"])
                    if number:
                        times.append(took)
        finally:
            process.close()
            answers.close()
    ratio = statistics.median(ten) / statistics.median(one)
    return [common.report("the custom resource: ten Regions against one", ratio, "<= 1.5 times",
                          ratio <= 1.5, " times")]


def parity(keys):
    with common.local() as server:
        kms = server.client("kms", SOURCE)
        for number in range(keys):
            key = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
            kms.create_alias(AliasName=f"alias/{number:04}", TargetKeyId=key)
        where = REGIONS[:2]
        run(server.url, "sync", where)
        witness = Witness(server.url)
        run(witness.url, "verify", where)
        calls = collections.Counter(call.operation for call in witness.calls)
        witness.close()
        sides, pages = 1 + len(where), math.ceil(keys / 100)
        wanted = {"ListKeys": sides * math.ceil(keys / 1000), "ListAliases": sides * pages,
                  "DescribeKey": sides * keys, "GetKeyPolicy": sides * keys,
                  "ListResourceTags": sides * keys}
        for operation, count in sorted(wanted.items()):
            print(f"  {operation}: {calls[operation]} calls, {count} foreseen")
        # The local server's aliases of AWS's own take room on the pages, too.
        over = sum(max(0, calls[operation] - wanted.get(operation, 1)) for operation in calls)
        results = [common.report(f"calls of {keys} keys x {sides} Regions beyond those foreseen",
                                 over, f"<= {sides + 1}", over <= sides + 1, "")]
    return results


def main():
    options = argparse.ArgumentParser()
    options.add_argument("parts", nargs="*", metavar="part",
                         choices=["regions", "stack", "parity", []])
    options.add_argument("--keys", type=int, default=500, help="of parity")
    options.add_argument("--rounds", type=int, default=5, help="of regions and of stack")
    options = options.parse_args()
    parts = {"regions": lambda: regions(options.rounds), "stack": lambda: stack(options.rounds),
             "parity": lambda: parity(options.keys)}
    common.finish([result for name, part in parts.items()
                   if name in (options.parts or parts) for result in part()])


if __name__ == "__main__":
    main()
