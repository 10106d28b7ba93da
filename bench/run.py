#!/usr/bin/env python3
"""Measures Holdfast beside HAProxy and nginx on this machine and writes bench/RESULTS.md and bench/results.json.

Rounds alternate between the proxies, so that what else happens on the machine hits all of them alike.
"""

import argparse
import functools
import sys

import measurements
import proxies
import report
import rounds

# Run in every round, for every proxy.
ROUND_TESTS = {
    "echo50": functools.partial(measurements.echo, connections=50),
    "echo1000": functools.partial(measurements.echo, connections=1000),
    "rate": measurements.rate,
    "bulk": measurements.bulk,
    "connect": measurements.connect,
    "memory": measurements.memory,
}
# Counted, not timed: once is enough.
ONCE_TESTS = {
    "syscalls": measurements.syscalls,
    "connect_syscalls": measurements.connect_syscalls,
    "instructions": measurements.instructions,
}
# Of Holdfast alone, in every round.
OWN_TESTS = {
    "workers1": functools.partial(measurements.scaling, workers=1),
    "workers2": functools.partial(measurements.scaling, workers=2),
}
TESTS = {**ROUND_TESTS, **ONCE_TESTS, **OWN_TESTS}
GROUPS = {"echo": ["echo50", "echo1000"], "workers": ["workers1", "workers2"], "counts": list(ONCE_TESTS)}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxies", default="holdfast,haproxy,nginx", help="which, in the order of a round")
    return rounds.read_arguments(parser, TESTS, GROUPS, rounds=9)


def plan(arguments, chosen):
    """Everything to run, in order, as (round, test, proxy)."""
    for number in range(1, arguments.rounds + 1):
        for test in ROUND_TESTS:
            if test in arguments.tests:
                yield from ((number, test, proxy) for proxy in rounds.in_turn(number, chosen))
        for test in OWN_TESTS:
            if test in arguments.tests:
                yield from ((number, test, proxy) for proxy in chosen if proxy.name == "holdfast")
    for test in ONCE_TESTS:
        if test in arguments.tests:
            yield from ((arguments.rounds, test, proxy) for proxy in chosen)


def main():
    arguments = parse_arguments()
    chosen = rounds.choose(proxies.all_proxies(str(arguments.holdfast)), arguments.proxies, "proxy")
    cpus = {"proxy": measurements.PROXY_CPU, "generator": measurements.GENERATOR_CPU, "servers": measurements.SERVER_CPU,
            "two workers": measurements.WORKER_CPUS}
    raw = rounds.describe(arguments, chosen, "run.py", cpus=cpus, proxies=[proxy.name for proxy in chosen])
    return rounds.carry_out(raw, lambda folder: measurements.Lab(arguments.generator, folder, arguments.seconds), TESTS,
                            list(plan(arguments, chosen)), report.render, arguments.output / "results.json")


if __name__ == "__main__":
    sys.exit(main())
