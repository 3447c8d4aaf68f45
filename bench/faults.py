#!/usr/bin/python3
"""Syncs that are killed, or whose calls fail at random, each followed by one clean run.

    bench/faults.py [--runs N]

tests/fault/test_sync_faults.py with as many rounds as asked for, a quarter of them in each of four
processes, which mostly wait. After each round source and copies are compared in every field, and
the versions of the copies counted.
"""
import argparse
import os
import re
import subprocess
import sys

import common

PROCESSES = 4
TEST = os.path.join(common.ROOT, "tests", "fault", "test_sync_faults.py")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=200)
    options = options.parse_args()
    environment = dict(os.environ, FAULT_ROUNDS=str(options.runs // PROCESSES),
                       UNDERSTUDY=os.path.join(common.BUILD, "understudy"),
                       UNDERSTUDY_LOCAL=os.path.join(common.BUILD, "understudy-local"))
    tests = [subprocess.Popen([sys.executable, TEST], env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
             for _ in range(PROCESSES)]
    done = failed = 0
    for test in tests:
        out = test.communicate()[0]
        done += sum(map(int, re.findall(r"^(\d+) rounds,", out, re.MULTILINE)))
        if test.returncode != 0:
            print(out)
            failed += max(1, len(re.findall(r"^FAIL", out, re.MULTILINE)))
    common.finish([
        common.report("runs in trouble, then one clean run each", done, f"= {options.runs}",
                      done == options.runs),
        common.report("of them lost something or wrote twice", failed, "= 0", failed == 0),
    ])


if __name__ == "__main__":
    main()
