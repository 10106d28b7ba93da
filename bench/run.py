#!/usr/bin/env python3
"""Measures Holdfast beside HAProxy and nginx on this machine and writes bench/RESULTS.md and bench/results.json.

Rounds alternate between the proxies, so that what else happens on the machine hits all of them alike.
"""

import argparse
import functools
import json
import os
import pathlib
import platform
import shlex
import shutil
import signal
import sys
import tempfile
import time

import measurements
import proxies
import report
from processes import BenchError, Process

HERE = pathlib.Path(__file__).resolve().parent

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
GROUPS = {"echo": ["echo50", "echo1000"], "workers": ["workers1", "workers2"], "counts": list(ONCE_TESTS)}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = [*ROUND_TESTS, *ONCE_TESTS, *OWN_TESTS]
    parser.add_argument("--holdfast", default=HERE.parent / "build" / "holdfast", help="the program to measure")
    parser.add_argument("--generator", help="the program whose `bench` makes the load (default: the same)")
    parser.add_argument("--proxies", default="holdfast,haproxy,nginx", help="which, in the order of a round")
    parser.add_argument("--only", help=f"some of {', '.join([*GROUPS, *every])}")
    parser.add_argument("--rounds", type=int, help="how many (default 9; with --quick 1)")
    parser.add_argument("--seconds", type=float, help="length of one measurement (default 1.5; with --quick 0.5)")
    parser.add_argument("--quick", action="store_true", help="one short round: to see that everything works")
    parser.add_argument("--output", type=pathlib.Path, default=HERE, help="folder for RESULTS.md and results.json")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 9)
    arguments.seconds = arguments.seconds or (0.5 if arguments.quick else 1.5)
    wanted = arguments.only.split(",") if arguments.only else every
    arguments.tests = [test for name in wanted for test in GROUPS.get(name, [name])]
    unknown = [test for test in arguments.tests if test not in every]
    if unknown:
        parser.error(f"no such test: {', '.join(unknown)}")
    return arguments


def plan(arguments, chosen):
    """Everything to run, in order, as (round, test, proxy). Each round begins with another proxy, so that none is always the
    one that comes after another test."""
    for number in range(1, arguments.rounds + 1):
        turn = (number - 1) % len(chosen)
        order = chosen[turn:] + chosen[:turn]
        for test in ROUND_TESTS:
            if test in arguments.tests:
                yield from ((number, test, proxy) for proxy in order)
        for test in OWN_TESTS:
            if test in arguments.tests:
                yield from ((number, test, proxy) for proxy in chosen if proxy.name == "holdfast")
    for test in ONCE_TESTS:
        if test in arguments.tests:
            yield from ((arguments.rounds, test, proxy) for proxy in chosen)


def run_one(lab, number, test, proxy):
    function = {**ROUND_TESTS, **ONCE_TESTS, **OWN_TESTS}[test]
    run = {"round": number, "test": test, "proxy": proxy.name}
    kept = list(Process.running)
    try:
        run["result"] = function(lab, proxy)
    except (BenchError, OSError, KeyError, ValueError) as error:
        run["error"] = f"{type(error).__name__}: {error}"
    finally:
        for process in [process for process in Process.running if process not in kept]:
            process.stop()
    return run


def short(run):
    if "error" in run:
        return "FAILED " + run["error"]
    if run["result"] is None:
        return "skipped: the tool for it is not installed"
    shown = {key: value for key, value in run["result"].items() if isinstance(value, (int, float))}
    return "  ".join(f"{key} {value:,.2f}" for key, value in shown.items())


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
        models = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    return f"{len(models)} x {models[0] if models else platform.machine()}, Linux {platform.release()}"


def describe(arguments, chosen):
    command = "bench/run.py " + shlex.join(sys.argv[1:])
    return {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "machine": machine(),
            "cpus": {"proxy": measurements.PROXY_CPU, "generator": measurements.GENERATOR_CPU,
                     "servers": measurements.SERVER_CPU, "two workers": measurements.WORKER_CPUS},
            "load_before": os.getloadavg()[0], "rounds": arguments.rounds,
            "length": arguments.seconds, "command": command.strip(), "proxies": [proxy.name for proxy in chosen],
            "versions": {proxy.name: proxy.version() for proxy in chosen}, "runs": []}


def choose(arguments):
    known = proxies.all_proxies(str(arguments.holdfast))
    chosen = []
    for name in arguments.proxies.split(","):
        if name not in known:
            sys.exit(f"bench: no proxy is called {name}; there are {', '.join(known)}")
        if known[name].program is None:
            sys.exit(f"bench: {name} is not there; `make bench` builds and installs what is needed")
        chosen.append(known[name])
    return chosen


def write(arguments, raw):
    (arguments.output / "results.json").write_text(json.dumps(raw, indent=1) + "\n")
    (arguments.output / "RESULTS.md").write_text(report.render(raw))


def measure_all(arguments, raw, chosen, folder):
    started = time.monotonic()
    steps = list(plan(arguments, chosen))
    lab = measurements.Lab(str(arguments.generator or arguments.holdfast), folder, arguments.seconds)
    for done, (number, test, proxy) in enumerate(steps, 1):
        run = run_one(lab, number, test, proxy)
        raw["runs"].append(run)
        elapsed = time.monotonic() - started
        print(f"{elapsed:4.0f} s  {done:3}/{len(steps)}  round {number}  {test:<12} {proxy.name:<9} {short(run)}", flush=True)


def main():
    arguments = parse_arguments()
    chosen = choose(arguments)
    raw = describe(arguments, chosen)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-bench-"))
    interrupted = False
    try:
        measure_all(arguments, raw, chosen, folder)
    except KeyboardInterrupt:
        interrupted = True
        print("bench: interrupted; what was measured so far is written", file=sys.stderr)
    finally:
        Process.stop_all()
        write(arguments, raw)
    failed = any("error" in run for run in raw["runs"])
    print(f"bench: see {arguments.output / 'RESULTS.md'}" + (f"; the logs are in {folder}" if failed else ""))
    if not failed:
        shutil.rmtree(folder, ignore_errors=True)
    return 130 if interrupted else int(failed)


if __name__ == "__main__":
    sys.exit(main())
