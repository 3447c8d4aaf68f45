#!/usr/bin/python3
"""GetParameter of the local AWS against nginx returning a fixed body of the same size.

    bench/local_get.py [--rounds N] [--seconds S]

String and SecureString (decrypted) at 100 stored parameters, String at 10,000, nginx: one after the
other, in rounds; wrk with one thread and 16 connections for all. Also idle memory and the start.
"""
import argparse
import statistics

import common

VALUE = "v" * 60


def fill(server, count):
    ssm = server.client("ssm")
    for number in range(count - 1):  # the quota of a Region is 10,000
        ssm.put_parameter(Name=f"/prod/app/{number:06d}", Value=VALUE, Type="String",
                          Description="a parameter like any other")
    ssm.put_parameter(Name="/prod/app/secret", Value=VALUE, Type="SecureString")


def get(server, name, decrypt, seconds):
    body = f'{{"Name":"{name}","WithDecryption":{str(decrypt).lower()}}}'
    headers = common.signed(server.url, "AmazonSSM.GetParameter", body)
    return common.wrk(server.url, common.lua(headers, body), seconds=seconds)


def size_ratio(small, large, rounds):
    """3 % is little on a shared machine: many short turns, in the order A B B A, medians."""
    rates = {small: [], large: []}
    names = {small: "/prod/app/000042", large: "/prod/app/004242"}
    for _ in range(2 * rounds):
        for server in (small, large, large, small):
            rates[server].append(get(server, names[server], False, 1).rate)
    return statistics.median(rates[large]) / statistics.median(rates[small])


def start_ms(times=9):
    """Median of starts with an empty data folder: the first start makes it, fsyncs included."""
    taken = []
    for _ in range(times):
        with common.local() as server:
            taken.append(server.ready_ms)
    return statistics.median(taken)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--seconds", type=float, default=3)
    options = options.parse_args()

    start = start_ms()
    with common.local() as small, common.local() as large:
        idle = small.rss_mb()
        fill(small, 100)
        fill(large, 10000)
        answer = small.client("ssm").get_parameter(Name="/prod/app/000042")
        size = int(answer["ResponseMetadata"]["HTTPHeaders"]["content-length"])
        body = "x" * size
        with common.nginx(body) as yardstick:
            runs = {"nginx": [], "string": [], "secure": []}
            for _ in range(options.rounds):
                request = common.lua(common.signed(yardstick, "AmazonSSM.GetParameter", "{}"), "{}")
                runs["nginx"].append(common.wrk(yardstick, request, seconds=options.seconds))
                runs["string"].append(get(small, "/prod/app/000042", False, options.seconds))
                runs["secure"].append(get(small, "/prod/app/secret", True, options.seconds))
        rate = {name: common.median(of) for name, of in runs.items()}
        spread = common.median(runs["string"], "p99_us") / common.median(runs["string"], "p50_us")
        many = size_ratio(small, large, options.rounds)
        print(f"requests/s (medians of {options.rounds}): "
              + ", ".join(f"{name} {value:,.0f}" for name, value in rate.items())
              + f"; body {size} bytes")
        common.finish([
            common.report("GetParameter String / nginx", rate["string"] / rate["nginx"], ">= 0.50",
                          rate["string"] >= 0.5 * rate["nginx"]),
            common.report("GetParameter SecureString, decrypted / nginx",
                          rate["secure"] / rate["nginx"], ">= 0.40",
                          rate["secure"] >= 0.4 * rate["nginx"]),
            common.report("10,000 stored / 100 stored", many,
                          ">= 0.97", many >= 0.97),
            common.report("p99 / median latency, String", spread, "< 5", spread < 5),
            common.report("idle memory", idle, "< 20 MB", idle < 20, " MB"),
            common.report("start to ready, empty data folder", start, "< 50 ms",
                          start < 50, " ms"),
        ])


if __name__ == "__main__":
    main()
