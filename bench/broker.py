#!/usr/bin/env python3
"""Measures Holdfast's MQTT broker beside mosquitto on this machine and writes bench/BROKER.md and bench/broker.json.

One worker on one CPU, the load on another; rounds alternate between the brokers, so that what else happens on the machine
hits all of them alike.
"""

import argparse
import functools
import json
import os
import pathlib
import shlex
import shutil
import signal
import sys
import tempfile
import time

import broker_report
import brokers
from measurements import GENERATOR_CPU, PROXY_CPU as BROKER_CPU
from processes import PATIENCE, BenchError, CpuSampler, Process, private_bytes
from run import machine, short

HERE = pathlib.Path(__file__).resolve().parent
IDLE_CLIENTS = 8000


class Lab:
    """What all tests share: the generator, and where files go."""

    def __init__(self, arguments, folder):
        self.generator = str(arguments.generator or arguments.holdfast)
        self.mqtt = arguments.mqtt
        self.alone = arguments.alone
        self.length = arguments.seconds
        self.folder = folder

    def rival(self):
        """A process that always wants the broker's CPU and gets half of it: so the load waits for the broker, not the broker
        for the load, and what it costs is what it costs when it is busy."""
        return Process(["sh", "-c", "while :; do :; done"], BROKER_CPU, self.folder / "rival.log")

    def load(self, port, *arguments, seconds=None):
        length = f"{int(1000 * (seconds or self.length))}ms"
        command = [self.generator, "bench", "mqtt", *arguments, "--port", port, "--mqtt", self.mqtt, "--duration", length,
                   "--json"]
        return Process(command, GENERATOR_CPU, self.folder / "load.log")

    def finish(self, load, patience):
        """The result of a load. Whatever went wrong in it is an error; a QoS 0 message that was lost is not."""
        result = load.read_json(patience)
        status = load.popen.wait(PATIENCE)
        load.stop()
        if status != 0:
            raise BenchError(f"{' '.join(load.command)}: {result['errors']} {result['messages']}")
        return result

    def measure(self, process, port, *arguments):
        """The result of a load, and the CPU seconds that the broker used while it was measured."""
        with CpuSampler(process) as sampler:
            result = self.finish(self.load(port, *arguments, "--warmup", "500ms"), self.length + 4 * PATIENCE)
            time.sleep(2 * sampler.INTERVAL)
        return result, sum(sampler.seconds(result["from"], result["seconds"]).values())


def cpu(lab, broker, arguments):
    """CPU of the broker for one delivery, as fast as it goes."""
    process, port = broker.start(lab.folder, BROKER_CPU)
    rival = None if lab.alone else lab.rival()
    result, seconds = lab.measure(process, port, *arguments)
    if rival:
        rival.stop()
    process.stop()
    return {"cpu_us": seconds * 1e6 / result["operations"], "per_second": result["per_second"],
            "share": seconds / result["seconds"], "lost": result["messages"]["lost"]}


def latency(lab, broker, arguments):
    """Latency at a rate that all manage."""
    process, port = broker.start(lab.folder, BROKER_CPU)
    result, seconds = lab.measure(process, port, *arguments)
    process.stop()
    found = {name: result["latency_us"][name] for name in ("p50", "p99", "p999")}
    return {**found, "cpu_us": seconds * 1e6 / result["operations"], "lost": result["messages"]["lost"]}


def memory(lab, broker, arguments):
    """User memory for each of many idle clients that have published, and received what they have subscribed to."""
    process, port = broker.start(lab.folder, BROKER_CPU)
    before = private_bytes(process)
    load = lab.load(port, "hold", "--clients", IDLE_CLIENTS, "--rate", 4000, "--messages", 10, *arguments, seconds=60)
    held = load.read_json(6 * PATIENCE)["holding"]
    if held != IDLE_CLIENTS:
        raise BenchError(f"{held} of {IDLE_CLIENTS} clients stand")
    time.sleep(1)  # for what a broker tidies up when it has nothing else to do
    after = private_bytes(process)
    load.popen.send_signal(signal.SIGINT)
    result = lab.finish(load, PATIENCE)
    process.stop()
    if result["lost"] != 0:
        raise BenchError(f"{result['lost']} clients went while they were held")
    return {"bytes": (after - before) / IDLE_CLIENTS}


PAIRS = ("pairs", "--clients", 50)
FANOUT = ("fanout", "--clients", 500)
FANIN = ("fanin", "--clients", 500)
TESTS = {
    "pairs0": functools.partial(cpu, arguments=(*PAIRS, "--qos", 0)),
    "pairs1": functools.partial(cpu, arguments=(*PAIRS, "--qos", 1)),
    "fanout": functools.partial(cpu, arguments=FANOUT),
    "fanin": functools.partial(cpu, arguments=FANIN),
    "rate_pairs0": functools.partial(latency, arguments=(*PAIRS, "--qos", 0, "--rate", 20000)),
    "rate_pairs1": functools.partial(latency, arguments=(*PAIRS, "--qos", 1, "--rate", 10000)),
    "rate_fanout": functools.partial(latency, arguments=(*FANOUT, "--rate", 40)),
    "rate_fanin": functools.partial(latency, arguments=(*FANIN, "--rate", 20000)),
    "memory": functools.partial(memory, arguments=()),
    "memory_subscribed": functools.partial(memory, arguments=("--subscribe",)),
}
GROUPS = {"cpu": ["pairs0", "pairs1", "fanout", "fanin"], "memory": ["memory", "memory_subscribed"],
          "rate": ["rate_pairs0", "rate_pairs1", "rate_fanout", "rate_fanin"]}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--holdfast", default=HERE.parent / "build" / "holdfast", help="the program to measure")
    parser.add_argument("--generator", help="the program whose `bench mqtt` makes the load (default: the same)")
    parser.add_argument("--brokers", default="holdfast,mosquitto,mosquitto_nodelay", help="which, in the order of a round")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND",
                        help="another broker, listening at 127.0.0.1:{port}; name it in --brokers too")
    parser.add_argument("--mqtt", default="3.1.1", choices=["3.1.1", "5"], help="version that the clients speak")
    parser.add_argument("--alone", action="store_true", help="no other process wants the broker's CPU")
    parser.add_argument("--only", help=f"some of {', '.join([*GROUPS, *TESTS])}")
    parser.add_argument("--rounds", type=int, help="how many (default 7; with --quick 1)")
    parser.add_argument("--seconds", type=float, help="length of one measurement (default 1.5; with --quick 0.5)")
    parser.add_argument("--quick", action="store_true", help="one short round: to see that everything works")
    parser.add_argument("--output", type=pathlib.Path, default=HERE, help="folder for BROKER.md and broker.json")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 7)
    arguments.seconds = arguments.seconds or (0.5 if arguments.quick else 1.5)
    wanted = arguments.only.split(",") if arguments.only else list(TESTS)
    arguments.tests = [test for name in wanted for test in GROUPS.get(name, [name])]
    unknown = [test for test in arguments.tests if test not in TESTS]
    if unknown:
        parser.error(f"no such test: {', '.join(unknown)}")
    return arguments


def choose(arguments):
    known = brokers.all_brokers(str(arguments.holdfast))
    for text in arguments.peer:
        brokers.with_own_command(known, text)
    chosen = []
    for name in arguments.brokers.split(","):
        if name not in known:
            sys.exit(f"bench: no broker is called {name}; there are {', '.join(known)}")
        if known[name].program is None:
            sys.exit(f"bench: {name} is not there; `make bench` builds and installs what is needed")
        chosen.append(known[name])
    return chosen


def plan(arguments, chosen):
    """Everything to run, in order. Each round begins with another broker."""
    for number in range(1, arguments.rounds + 1):
        turn = (number - 1) % len(chosen)
        for test in TESTS:
            if test in arguments.tests:
                yield from ((number, test, broker) for broker in chosen[turn:] + chosen[:turn])


def run_one(lab, number, test, broker):
    run = {"round": number, "test": test, "proxy": broker.name}
    try:
        run["result"] = TESTS[test](lab, broker)
    except (BenchError, OSError, KeyError, ValueError) as error:
        run["error"] = f"{type(error).__name__}: {error}"
    finally:
        Process.stop_all()
    return run


def measure_all(arguments, raw, chosen, folder):
    started = time.monotonic()
    lab = Lab(arguments, folder)
    steps = list(plan(arguments, chosen))
    for done, (number, test, broker) in enumerate(steps, 1):
        run = run_one(lab, number, test, broker)
        raw["runs"].append(run)
        elapsed = time.monotonic() - started
        print(f"{elapsed:4.0f} s  {done:3}/{len(steps)}  round {number}  {test:<17} {broker.name:<9} {short(run)}", flush=True)


def describe(arguments, chosen):
    return {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "machine": machine(),
            "cpus": {"broker": BROKER_CPU, "load": GENERATOR_CPU}, "mqtt": arguments.mqtt, "alone": arguments.alone,
            "load_before": os.getloadavg()[0], "rounds": arguments.rounds, "length": arguments.seconds,
            "idle_clients": IDLE_CLIENTS, "command": f"bench/broker.py {shlex.join(sys.argv[1:])}".strip(),
            "titles": {broker.name: broker.title for broker in chosen},
            "versions": {broker.name: broker.version() for broker in chosen}, "runs": []}


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
        (arguments.output / "broker.json").write_text(json.dumps(raw, indent=1) + "\n")
        (arguments.output / "BROKER.md").write_text(broker_report.render(raw))
    failed = any("error" in run for run in raw["runs"])
    print(f"bench: see {arguments.output / 'BROKER.md'}" + (f"; the logs are in {folder}" if failed else ""))
    if not failed:
        shutil.rmtree(folder, ignore_errors=True)
    return 130 if interrupted else int(failed)


if __name__ == "__main__":
    sys.exit(main())
