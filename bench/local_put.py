#!/usr/bin/python3
"""Durable PutParameter of the local AWS: what group commit gains, and what kill -9 loses.

    bench/local_put.py [--rounds N] [--seconds S] [--kills N]

Writes at 16 connections against one connection, interleaved. Then the server is killed with SIGKILL
under 16 writers, again and again in the same data folder; every acknowledged write must be there.
At last, what a reset costs that empties a hundred parameters.
"""
import argparse
import http.client
import shutil
import signal
import statistics
import tempfile
import threading
import time

import common


def put(server, connections, seconds):
    """Every request overwrites the same name, so that one signature serves them all."""
    body = '{"Name":"/bench/put","Value":"some value","Type":"String","Overwrite":true}'
    headers = common.signed(server.url, "AmazonSSM.PutParameter", body)
    return common.wrk(server.url, common.lua(headers, body), connections, seconds)


def write_until_dead(ssm, writer, acknowledged):
    """Counts up in one parameter; notes each number after the server has said yes to it."""
    name, number = f"/kill/{writer}", acknowledged[writer]
    try:
        while True:
            number += 1
            ssm.put_parameter(Name=name, Value=str(number), Type="String", Overwrite=True)
            acknowledged[writer] = number
    except Exception:  # pylint: disable=broad-except  # however the dead server shows itself
        pass


def kill(times, writers=16):
    folder = tempfile.mkdtemp(prefix="understudy-bench-")
    acknowledged, lost = [0] * writers, 0
    try:
        for _ in range(times):
            server = common.Local(folder)
            # Made here: making one is not thread-safe.
            clients = [server.client("ssm") for _ in range(writers)]
            threads = [threading.Thread(target=write_until_dead, args=(clients[n], n, acknowledged))
                       for n in range(writers)]
            before = sum(acknowledged)
            for thread in threads:
                thread.start()
            while sum(acknowledged) < before + 100:
                time.sleep(0.005)
            server.stop(signal.SIGKILL)
            for thread in threads:
                thread.join()
            server = common.Local(folder)  # the database opens
            ssm = server.client("ssm")
            for n in range(writers):
                if acknowledged[n]:
                    found = int(ssm.get_parameter(Name=f"/kill/{n}")["Parameter"]["Value"])
                    lost += found < acknowledged[n]
                    acknowledged[n] = found  # one more may have been written than was answered
            server.stop()
    finally:
        shutil.rmtree(folder)
    return sum(acknowledged), lost


def reset_ms(times=9):
    """Medians of POST /_understudy/reset, one fsync included, with 100 parameters to empty."""
    taken = []
    with common.local("--testing") as server:
        ssm = server.client("ssm")
        link = http.client.HTTPConnection(server.url.split("//")[1])
        for _ in range(times):
            for number in range(100):
                ssm.put_parameter(Name=f"/reset/{number}", Value="x" * 60, Type="String")
            began = time.monotonic()
            link.request("POST", "/_understudy/reset")
            answer = link.getresponse()
            answer.read()
            taken.append((time.monotonic() - began) * 1000)
            assert answer.status in (200, 204), answer.status
            assert not ssm.describe_parameters()["Parameters"]
    return statistics.median(taken)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=3)
    options.add_argument("--kills", type=int, default=20)
    options = options.parse_args()

    with common.local() as server:
        one, many = [], []
        for _ in range(options.rounds):
            one.append(put(server, 1, options.seconds))
            many.append(put(server, 16, options.seconds))
    print(f"writes/s (medians of {options.rounds}): one connection {common.median(one):,.0f}, "
          f"sixteen {common.median(many):,.0f}")
    gain = common.median(many) / common.median(one)
    results = [common.report("durable PutParameter, 16 connections / 1", gain, ">= 5", gain >= 5)]
    if options.kills:
        written, lost = kill(options.kills)
        print(f"kill -9 under load, {options.kills} times, {written:,} writes")
        results.append(common.report("acknowledged writes missing", lost, "0", lost == 0))
    taken = reset_ms()
    results.append(common.report("reset of 100 parameters", taken, "< 5 ms", taken < 5, " ms"))
    common.finish(results)


if __name__ == "__main__":
    main()
