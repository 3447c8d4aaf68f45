#!/usr/bin/python3
"""One million parameters in 20 Regions against one hundred in the same: what the local AWS keeps.

    bench/local_million.py [--rounds N] [--parameters N]

The store is filled by cloning, in SQL, one parameter that the server itself wrote in each Region.
Both servers are asked for one hundred names: in the large store they are spread over all Regions,
so that no two share a page. Turns go A B B A. How the rate falls when 2,000 names are asked, more
than the caches of the processor hold, is printed too. Pages are timed by a client that waits for
each answer.
"""
import argparse
import glob
import http.client
import os
import random
import shutil
import sqlite3
import statistics
import tempfile
import time

import common

REGIONS = ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1",
           "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1", "eu-south-1",
           "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2",
           "ap-northeast-3", "ap-east-1", "me-south-1"]
NAMES = 5
VALUE = "v" * 60


def name_of(number):
    return f"prod/team{number % 50:02d}/app/{number:07d}"


def write_originals(folder):
    server = common.Local(folder)
    for region in REGIONS:
        ssm = server.client("ssm", region)
        for number in range(NAMES):
            ssm.put_parameter(Name="/" + name_of(number), Value=VALUE, Type="String",
                              Tier="Advanced", Description="a parameter like any other")
    server.stop()


def clone(folder, wanted):
    """Every Region's first parameter, again and again under new names."""
    path, = glob.glob(os.path.join(folder, "store.db"))
    with sqlite3.connect(path) as store:
        columns = [row[1] for row in store.execute("PRAGMA table_info(ssm_parameter)")]
        kept = ", ".join("?2" if column == "name" else column for column in columns)
        store.executemany(
            f"INSERT INTO ssm_parameter SELECT {kept} FROM ssm_parameter"
            " WHERE account = ?4 AND region = ?1 AND name = ?3",
            ((region, name_of(number), name_of(0), common.ACCOUNT) for region in REGIONS
             for number in range(NAMES, wanted // len(REGIONS))))
        stored, = store.execute("SELECT count(*) FROM ssm_parameter").fetchone()
    store.close()
    return stored


def requests(server, stored, names=100):
    """A wrk script that goes through signed requests for names all over the store."""
    dice, made = random.Random(7), []
    for _ in range(names):
        name = "/" + name_of(dice.randrange(stored // len(REGIONS)))
        region, body = dice.choice(REGIONS), f'{{"Name":"{name}"}}'
        headers = common.signed(server.url, "AmazonSSM.GetParameter", body, region)
        fields = ",".join(f"[{common.quote(k)}]={common.quote(v)}" for k, v in headers.items())
        made.append(f"wrk.format('POST','/',{{{fields}}},{common.quote(body)})")
    return ("local all, at = nil, 0\n"
            f"function init() all = {{{','.join(made)}}} end\n"
            "function request() at = at % #all + 1; return all[at] end\n")


def page_ms(server, target, body, turns=200):
    """Median and the 99th percentile of one page, connection kept, one Region after the other."""
    connection = http.client.HTTPConnection(server.url.split("//")[1])
    taken = []
    for turn in range(turns):
        headers = common.signed(server.url, target, body, REGIONS[turn % len(REGIONS)])
        began = time.perf_counter()
        connection.request("POST", "/", body, headers)
        answer = connection.getresponse()
        answer.read()
        taken.append((time.perf_counter() - began) * 1000)
        if answer.status != 200:
            raise SystemExit(f"{target}: {answer.status}")
    connection.close()
    return statistics.median(taken), sorted(taken)[int(0.99 * turns)]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=6)
    options.add_argument("--parameters", type=int, default=1000000)
    options = options.parse_args()

    folder = tempfile.mkdtemp(prefix="understudy-bench-")
    try:
        small_folder, large_folder = os.path.join(folder, "small"), os.path.join(folder, "large")
        write_originals(small_folder)
        shutil.copytree(small_folder, large_folder)
        stored = clone(large_folder, options.parameters)
        start = statistics.median(started(large_folder) for _ in range(5))
        small, large = common.Local(small_folder), common.Local(large_folder)
        try:
            measure(options, small, large, stored, start)
        finally:
            small.stop()
            large.stop()
    finally:
        shutil.rmtree(folder)


def started(folder):
    server = common.Local(folder)
    server.stop()
    return server.ready_ms


def measure(options, small, large, stored, start):
    scripts = {small: requests(small, NAMES * len(REGIONS)), large: requests(large, stored)}
    rates = {small: [], large: []}
    for _ in range(options.rounds):
        for server in (small, large, large, small):
            rates[server].append(common.wrk(server.url, scripts[server], seconds=1).rate)
    kept = statistics.median(rates[large]) / statistics.median(rates[small])
    wide = requests(large, stored, 2000)
    spread = statistics.median(common.wrk(large.url, wide, seconds=1).rate
                               for _ in range(options.rounds))
    pages = {
        "GetParametersByPath": page_ms(large, "AmazonSSM.GetParametersByPath",
                                       '{"Path":"/prod/team07","Recursive":true}'),
        "GetParametersByPath, root": page_ms(large, "AmazonSSM.GetParametersByPath",
                                             '{"Path":"/","Recursive":true}'),
        "DescribeParameters": page_ms(large, "AmazonSSM.DescribeParameters",
                                      '{"MaxResults":50}'),
        "DescribeParameters, contains": page_ms(
            large, "AmazonSSM.DescribeParameters",
            '{"MaxResults":50,"ParameterFilters":[{"Key":"Name","Option":"Contains",'
            '"Values":["0049999"]}]}'),
    }
    print(f"{stored:,} parameters; requests/s: {statistics.median(rates[large]):,.0f} large, "
          f"{statistics.median(rates[small]):,.0f} small (medians of {2 * options.rounds}), "
          f"{spread:,.0f} large when 2,000 names are asked")
    results = [common.report("GetParameter, 1,000,000 stored / 100 stored", kept, ">= 0.90",
                             kept >= 0.9)]
    for page, (median, worst) in pages.items():
        results.append(common.report(f"{page}: median page", median, "< 2 ms", median < 2, " ms"))
        print(f"      {page}: 99th percentile {worst:.2f} ms")
    memory = large.rss_mb()
    results.append(common.report("start to ready", start, "< 1000 ms", start < 1000, " ms"))
    results.append(common.report("memory after all of this", memory, "< 100 MB", memory < 100,
                                 " MB"))
    common.finish(results)


if __name__ == "__main__":
    main()
