#!/usr/bin/python3
"""`understudy sync` against sequential boto3 scripts making the same copy on the same server.

    bench/sync.py [--parameters N] [--rounds N] [--large N]

All copy N new parameters (value, type, description, tier, tags) to an empty Region; the Regions are
fresh for each round. Two scripts: the plain one does for each name what the handler that people
copy from the web does (get, list tags, put, add tags; the description by one describe more); the
tuned one lists by pages, reads values ten at a time and creates with tags in one call. The target
is against the plain one; the other ratio is printed beside it. Then the peak memory of `understudy`
at N and at --large parameters.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

import common

SOURCE = "ap-south-1"


def fill(server, first, last, region=SOURCE):
    ssm = server.client("ssm", region)
    for number in range(first, last):
        ssm.put_parameter(Name=f"/prod/app/{number // 100:03d}/{number:06d}",
                          Value=f"value of {number} " + "x" * 40,
                          Type=("String", "SecureString", "StringList")[number % 3],
                          Description=f"parameter {number}", Tier="Intelligent-Tiering",
                          Tags=[{"Key": "team", "Value": f"t{number % 7}"}])


def copy_plainly(server, region):
    source, destination = server.client("ssm", SOURCE), server.client("ssm", region)
    began, copied = time.monotonic(), 0
    for page in source.get_paginator("get_parameters_by_path").paginate(
            Path="/prod/app", Recursive=True):
        for found in page["Parameters"]:
            name = found["Name"]
            value = source.get_parameter(Name=name, WithDecryption=True)["Parameter"]
            meta = source.describe_parameters(
                ParameterFilters=[{"Key": "Name", "Values": [name]}])["Parameters"][0]
            tags = source.list_tags_for_resource(ResourceType="Parameter",
                                                 ResourceId=name)["TagList"]
            destination.put_parameter(Name=name, Value=value["Value"], Type=value["Type"],
                                      Tier=meta["Tier"], Description=meta.get("Description", ""),
                                      Overwrite=True)
            if tags:
                destination.add_tags_to_resource(ResourceType="Parameter", ResourceId=name,
                                                 Tags=tags)
            copied += 1
    return time.monotonic() - began, copied


def copy_tuned(server, region):
    source, destination = server.client("ssm", SOURCE), server.client("ssm", region)
    began, copied = time.monotonic(), 0
    batch = {}

    def flush():
        values = source.get_parameters(Names=list(batch), WithDecryption=True)["Parameters"]
        for parameter in values:
            meta = batch[parameter["Name"]]
            tags = source.list_tags_for_resource(ResourceType="Parameter",
                                                 ResourceId=parameter["Name"])["TagList"]
            destination.put_parameter(Name=parameter["Name"], Value=parameter["Value"],
                                      Type=parameter["Type"], Tier=meta["Tier"],
                                      Description=meta.get("Description", ""), Tags=tags)
        count = len(values)
        batch.clear()
        return count

    for page in source.get_paginator("describe_parameters").paginate(
            ParameterFilters=[{"Key": "Path", "Option": "Recursive", "Values": ["/prod/app"]}]):
        for meta in page["Parameters"]:
            batch[meta["Name"]] = meta
            if len(batch) == 10:
                copied += flush()
    if batch:
        copied += flush()
    return time.monotonic() - began, copied


def copy_by_understudy(server, region):
    """Seconds and peak memory (MB) of one `understudy sync`."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.environ["PATH"], "HOME": home, "XDG_STATE_HOME": home,
                       "AWS_ACCESS_KEY_ID": common.ACCESS_KEY,
                       "AWS_SECRET_ACCESS_KEY": common.SECRET_KEY}
        command = ["/usr/bin/time", "-v", os.path.join(common.BUILD, "understudy"), "sync",
                   "--source-region", SOURCE, "--destination-region", region,
                   "--include", "/prod/app/**", "--endpoint-url", server.url]
        began = time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        seconds = time.monotonic() - began
    if done.returncode != 0:
        sys.exit(f"understudy sync failed ({done.returncode}):\n{done.stderr[-2000:]}")
    return seconds, int(re.search(r"Maximum resident set size \(kbytes\): (\d+)",
                                  done.stderr).group(1)) / 1024


def count(server, region):
    pages = server.client("ssm", region).get_paginator("describe_parameters").paginate()
    return sum(len(page["Parameters"]) for page in pages)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--parameters", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--large", type=int, default=20000)
    options = options.parse_args()

    with common.local() as server:
        fill(server, 0, options.parameters)
        plain, tuned, peak = [], [], 0
        for number in range(options.rounds):
            plain_seconds, copied = copy_plainly(server, f"us-east-{number + 1}")
            assert copied == options.parameters, copied
            tuned_seconds, copied = copy_tuned(server, f"us-west-{number + 1}")
            assert copied == options.parameters, copied
            region = f"eu-west-{number + 1}"
            seconds, megabytes = copy_by_understudy(server, region)
            assert count(server, region) == options.parameters
            print(f"{options.parameters} parameters: plain script {plain_seconds:.2f} s, "
                  f"tuned {tuned_seconds:.2f} s, understudy {seconds:.3f} s, "
                  f"peak {megabytes:.1f} MB")
            plain.append(plain_seconds / seconds)
            tuned.append(tuned_seconds / seconds)
            peak = max(peak, megabytes)
        ratio = statistics.median(plain)
        results = [common.report("sync of new parameters, plain script / understudy", ratio,
                                 ">= 20", ratio >= 20),
                   common.report(f"peak memory at {options.parameters}", peak, "< 24 MB",
                                 peak < 24, " MB")]
        print(f"      {'the same, tuned script / understudy':<66} "
              f"{statistics.median(tuned):8.2f}    (no target)")
        if options.large:
            fill(server, options.parameters, options.large)
            seconds, megabytes = copy_by_understudy(server, "sa-east-1")
            assert count(server, "sa-east-1") == options.large
            print(f"{options.large} parameters: understudy {seconds:.2f} s")
            results.append(common.report(f"peak memory at {options.large}", megabytes, "< 24 MB",
                                         megabytes < 24, " MB"))
        common.finish(results)


if __name__ == "__main__":
    main()
