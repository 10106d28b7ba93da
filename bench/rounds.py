"""A benchmark in alternating rounds: its arguments, its steps one after the other, and what is written in the end, also when
it is interrupted. run.py and broker.py say what is measured, of whom, and how it is shown."""

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

from processes import BenchError, Process

HERE = pathlib.Path(__file__).resolve().parent


def read_arguments(parser, tests, groups, rounds):
    """Adds to `parser` what every benchmark can be told, and reads the command line. `tests`: the names there are."""
    parser.add_argument("--holdfast", default=HERE.parent / "build" / "holdfast", help="the program to measure")
    parser.add_argument("--generator", help="the program whose `bench` makes the load (default: the same)")
    parser.add_argument("--only", help=f"some of {', '.join([*groups, *tests])}")
    parser.add_argument("--rounds", type=int, help=f"how many (default {rounds}; with --quick 1)")
    parser.add_argument("--seconds", type=float, help="length of one measurement (default 1.5; with --quick 0.5)")
    parser.add_argument("--quick", action="store_true", help="one short round: to see that everything works")
    parser.add_argument("--output", type=pathlib.Path, default=HERE, help="folder for the report and its numbers")
    arguments = parser.parse_args()
    arguments.generator = str(arguments.generator or arguments.holdfast)
    arguments.rounds = arguments.rounds or (1 if arguments.quick else rounds)
    arguments.seconds = arguments.seconds or (0.5 if arguments.quick else 1.5)
    wanted = arguments.only.split(",") if arguments.only else list(tests)
    arguments.tests = [test for name in wanted for test in groups.get(name, [name])]
    unknown = [test for test in arguments.tests if test not in tests]
    if unknown:
        parser.error(f"no such test: {', '.join(unknown)}")
    return arguments


def choose(known, names, kind):
    """Those of `known` that "a,b" names, in that order. Ends the program when one is not there."""
    chosen = []
    for name in names.split(","):
        if name not in known:
            sys.exit(f"bench: no {kind} is called {name}; there are {', '.join(known)}")
        if known[name].program is None:
            sys.exit(f"bench: {name} is not there; `make bench` builds and installs what is needed")
        chosen.append(known[name])
    return chosen


def in_turn(number, chosen):
    """The order of a round. Each begins with another one, so that none is always the one that comes after another test."""
    turn = (number - 1) % len(chosen)
    return chosen[turn:] + chosen[:turn]


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
        models = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    return f"{len(models)} x {models[0] if models else platform.machine()}, Linux {platform.release()}"


def describe(arguments, chosen, script, **more):
    """What the numbers are worth nothing without. Results come to "runs"."""
    return {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "machine": machine(), **more,
            "load_before": os.getloadavg()[0], "rounds": arguments.rounds, "length": arguments.seconds,
            "command": f"bench/{script} {shlex.join(sys.argv[1:])}".strip(),
            "versions": {each.name: each.version() for each in chosen}, "runs": []}


def run_one(function, lab, number, test, proxy):
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


def measure_all(lab, tests, steps, runs):
    started = time.monotonic()
    for done, (number, test, proxy) in enumerate(steps, 1):
        run = run_one(tests[test], lab, number, test, proxy)
        runs.append(run)
        elapsed = time.monotonic() - started
        print(f"{elapsed:4.0f} s  {done:3}/{len(steps)}  round {number}  {test:<17} {proxy.name:<9} {short(run)}", flush=True)


def carry_out(raw, make_lab, tests, steps, render, json_path):
    """Takes the steps, (round, test, whom), one after the other; `tests` says by name what is called with the lab. Writes the
    numbers to `json_path` and beside it the report. Returns the exit status."""
    markdown_path = json_path.with_name(json_path.stem.upper() + ".md")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-bench-"))
    interrupted = False
    try:
        measure_all(make_lab(folder), tests, steps, raw["runs"])
    except KeyboardInterrupt:
        interrupted = True
        print("bench: interrupted; what was measured so far is written", file=sys.stderr)
    finally:
        Process.stop_all()
        json_path.write_text(json.dumps(raw, indent=1) + "\n")
        markdown_path.write_text(render(raw))
    failed = any("error" in run for run in raw["runs"])
    print(f"bench: see {markdown_path}" + (f"; the logs are in {folder}" if failed else ""))
    if not failed:
        shutil.rmtree(folder, ignore_errors=True)
    return 130 if interrupted else int(failed)
