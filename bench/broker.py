#!/usr/bin/env python3
"""Measures Holdfast's MQTT broker beside mosquitto on this machine and writes bench/BROKER.md and bench/broker.json.

One worker on one CPU, the load on another; rounds alternate between the brokers, so that what else happens on the machine
hits all of them alike.
"""

import argparse
import functools
import json
import pathlib
import signal
import subprocess
import sys
import time

import broker_report
import brokers
import rounds
from measurements import GENERATOR_CPU, PROXY_CPU as BROKER_CPU
from processes import PATIENCE, BenchError, CpuSampler, Process, private_bytes

IDLE_CLIENTS = 8000


class Lab:
    """What all tests share: the generator, and where files go."""

    def __init__(self, arguments, folder):
        self.build = pathlib.Path(arguments.holdfast).resolve().parent
        self.generator = arguments.generator
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


@functools.cache
def built(folder, target):
    """A program of the build tree that `folder` is, which is built only when it is asked for."""
    for command in (["cmake", folder], ["cmake", "--build", folder, "--target", target]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"{target} cannot be built in {folder}: {done.stdout.strip().splitlines()[-1:]}")
    return folder / target


def trees(lab, _broker):
    """A look-up in the broker's tree of subscriptions by itself; of two mixes of wildcards the slower one."""
    process = Process([built(lab.build, "broker_trees_bench"), "--benchmark_filter=^match/(one_shape|many_shapes)/100000$",
                       "--benchmark_format=json", f"--benchmark_min_time={lab.length}"], BROKER_CPU, lab.folder / "trees.log")
    output, _ = process.popen.communicate(timeout=lab.length * 10 + 6 * PATIENCE)
    process.stop()
    found = {each["name"]: each["cpu_time"] for each in json.loads(output)["benchmarks"] if each["time_unit"] == "ns"}
    if len(found) != 2:
        raise BenchError(f"broker_trees_bench measured {sorted(found)}")
    return {"match_us": max(found.values()) / 1000}


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
    "trees": trees,
}
OURS_ALONE = {"trees"}  # nothing to compare: it is about a part of the program
GROUPS = {"cpu": ["pairs0", "pairs1", "fanout", "fanin"], "memory": ["memory", "memory_subscribed"],
          "rate": ["rate_pairs0", "rate_pairs1", "rate_fanout", "rate_fanin"]}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", default="holdfast,mosquitto,mosquitto_nodelay", help="which, in the order of a round")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND",
                        help="another broker, listening at 127.0.0.1:{port}; name it in --brokers too")
    parser.add_argument("--mqtt", default="3.1.1", choices=["3.1.1", "5"], help="version that the clients speak")
    parser.add_argument("--alone", action="store_true", help="no other process wants the broker's CPU")
    return rounds.read_arguments(parser, TESTS, GROUPS, rounds=7)


def plan(arguments, chosen):
    """Everything to run, in order, as (round, test, broker)."""
    for number in range(1, arguments.rounds + 1):
        for test in TESTS:
            if test in arguments.tests:
                yield from ((number, test, broker) for broker in rounds.in_turn(number, chosen)
                            if test not in OURS_ALONE or broker.name == "holdfast")


def main():
    arguments = parse_arguments()
    known = brokers.all_brokers(str(arguments.holdfast))
    for text in arguments.peer:
        brokers.with_own_command(known, text)
    chosen = rounds.choose(known, arguments.brokers, "broker")
    raw = rounds.describe(arguments, chosen, "broker.py", cpus={"broker": BROKER_CPU, "load": GENERATOR_CPU},
                          mqtt=arguments.mqtt, alone=arguments.alone, idle_clients=IDLE_CLIENTS,
                          titles={broker.name: broker.title for broker in chosen})
    return rounds.carry_out(raw, lambda folder: Lab(arguments, folder), TESTS, list(plan(arguments, chosen)),
                            broker_report.render, arguments.output / "broker.json")


if __name__ == "__main__":
    sys.exit(main())
