"""bench/RESULTS.md from the raw numbers: medians, spread, ratios to each peer, and whether the targets are met."""

import statistics
from dataclasses import dataclass, field

from tables import busy_machine_lines, comparison, how_measured, ratio, two_digits, values, word_of

NAMES = {"holdfast": "Holdfast", "haproxy": "HAProxy", "nginx": "nginx"}


@dataclass
class Metric:
    test: str
    key: str
    title: str
    digits: int = 1
    scale: float = 1
    at_most: dict = field(default_factory=dict)   # target for Holdfast's ratio to a peer
    at_least: dict = field(default_factory=dict)


BOTH = ("haproxy", "nginx")
METRICS = [
    Metric("echo50", "cpu_us", "CPU per 64-byte round trip, 50 connections (us)", 2, at_most={"haproxy": 0.90, "nginx": 0.95}),
    Metric("echo50", "per_second", "round trips a second, 50 connections", 0),
    Metric("echo1000", "cpu_us", "CPU per 64-byte round trip, 1,000 connections (us)", 2,
           at_most={"haproxy": 0.90, "nginx": 0.95}),
    Metric("echo1000", "per_second", "round trips a second, 1,000 connections", 0),
    Metric("rate", "p50", "latency at 20,000/s, 200 connections: p50 (us)", 0),
    Metric("rate", "p99", "latency at 20,000/s: p99 (us)", 0, at_most=dict.fromkeys(BOTH, 1.0)),
    Metric("rate", "p999", "latency at 20,000/s: p999 (us)", 0),
    Metric("rate", "cpu_us", "CPU per round trip at 20,000/s (us)", 2),
    Metric("bulk", "gbit", "bulk one way, 4 connections (Gbit/s)", 2, at_least=dict.fromkeys(BOTH, 1.4)),
    Metric("bulk", "cpu_s_per_gb", "bulk: CPU per GB (ms)", 0, 1000),
    Metric("connect", "per_second", "new connections a second", 0),
    Metric("connect", "cpu_us", "CPU per connection (us)", 1),
    Metric("connect", "per_cpu_second", "new connections for each second of proxy CPU", 0,
           at_least=dict.fromkeys(BOTH, 1.15)),
    Metric("connect", "share", "share of its CPU the proxy got meanwhile (%)", 0, 100),
    Metric("memory", "bytes", "user memory per idle pair (bytes)", 0, at_most={"haproxy": 0.1}),
    Metric("syscalls", "calls", "system calls per relayed message", 2),
    Metric("connect_syscalls", "calls", "system calls per relayed connection", 1),
    Metric("instructions", "per_message", "user-space instructions per relayed message", 0),
]


def verdicts(raw):
    """Each target as (text, met), or met = None when it could not be measured."""
    for metric in METRICS:
        for targets, sign in ((metric.at_most, "<="), (metric.at_least, ">=")):
            for peer, bound in targets.items():
                found = ratio(raw, metric, peer)
                met = None if found is None else (found <= bound if sign == "<=" else found >= bound)
                yield metric, peer, sign, bound, found, met


def scaling(raw):
    """How many times the round trips of one worker two would make on two CPUs of their own, or None."""
    medians = [statistics.median(found) for test in ("workers1", "workers2")
               if (found := values(raw, "holdfast", Metric(test, "cpu_us", "")))]
    return 2 * min(1, medians[0] / medians[1]) if len(medians) == 2 else None


def target_table(raw):
    lines = ["| target | measured | |", "|---|---|---|"]
    if scaling(raw) is not None:
        lines.append("| two workers >= 1.70 of one, by the CPU of a round trip ([how](#two-workers)) "
                     f"| {scaling(raw):.2f} | {word_of(scaling(raw) >= 1.7)} |")
    for metric, peer, sign, bound, found, met in verdicts(raw):
        lines.append(f"| {metric.title} {sign} {bound:.2f} of {NAMES[peer]} | {two_digits(found)} | {word_of(met)} |")
    return lines


def syscall_lines(raw, test, title):
    found = [run for run in raw["runs"] if run["test"] == test and run.get("result")]
    lines = [f"- {NAMES[run['proxy']]}: {calls_text(run['result']['by_name'])}" for run in found]
    return [title, "", *lines, ""] if lines else []


def calls_text(by_name):
    calls = sorted(by_name.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {count:.2f}" for name, count in calls if count >= 0.005)


def scaling_lines(raw):
    results = {name: [run["result"] for run in raw["runs"] if run["test"] == name and run.get("result")]
               for name in ("workers1", "workers2")}
    if not all(results.values()):
        return []
    one, two = (statistics.median(run["cpu_us"] for run in results[name]) for name in ("workers1", "workers2"))
    rates = [statistics.median(run["per_second"] for run in found) for found in results.values()]
    last = results["workers2"][-1]
    busy = last["thread_seconds"]
    return [
        "## Two workers", "",
        "On a machine of two CPUs, which the generator and the servers need too, the throughput of two workers cannot show "
        "itself. What can be shown is that a second worker makes no message dearer and that both get their part: then two "
        "CPUs relay nearly twice what one does.", "",
        f"- CPU of all workers for one round trip, 400 connections: {one:.2f} us with one worker, {two:.2f} us with two "
        f"(ratio {two / one:.2f}; two CPUs would give {2 * min(1, one / two):.2f} times the round trips of one).",
        f"- Round trips a second that were seen: {rates[0]:,.0f} with one worker, {rates[1]:,.0f} with two.",
        f"- Descriptors in the poller of each worker while 400 connections stand: {last['descriptors']}.",
        f"- CPU seconds of each worker in the last round: {', '.join(f'{seconds:.2f}' for seconds in busy)}.", ""]


def failure_lines(raw):
    failed = [run for run in raw["runs"] if run.get("error")]
    if not failed:
        return ["Every round of every proxy ended without an error.", ""]
    return ["## Failed rounds", "", *(f"- {run['test']}, {run['proxy']}: {run['error']}" for run in failed), ""]


def rival_note():
    return ["In the closed loops (round trips, new connections) another process always wants the proxy's CPU and gets half of it: so "
            "generator and servers wait for the proxy, not the proxy for them, and its CPU for one message is that of a proxy "
            "that is busy. What it does a second is then about half of what it could; the target for connections is held "
            "against those for each second of proxy CPU.", ""]


def render(raw):
    lines = [
        "# Holdfast beside HAProxy and nginx", "",
        *how_measured(raw, NAMES),
        "- each proxy: one thread, fresh for each measurement; loopback; no log of connections, no TCP "
        "keepalive, the same backlog and limits (`bench/proxies.py` has the configurations)",
        "- proxy CPU is read from /proc/PID/task/*/schedstat of all its threads during the measured window; memory is "
        "Private_Dirty of all its processes, 8,000 idle pairs after one round trip each against none; HAProxy's bulk is the "
        "better of copying and splicing", "",
        *busy_machine_lines(raw), *failure_lines(raw)]
    if "holdfast" in raw["proxies"]:
        lines += ["## Targets", "", *target_table(raw), ""]
        lines += ["Why some are missed, with a profile: [PERFORMANCE](../docs/PERFORMANCE.md).", ""]
    lines += ["## Numbers", "", *comparison(raw, {name: NAMES[name] for name in raw["proxies"]}, METRICS), "", *rival_note()]
    lines += syscall_lines(raw, "syscalls", "System calls per relayed message, by name (50 connections, closed loop):")
    lines += syscall_lines(raw, "connect_syscalls", "System calls per relayed connection with one round trip on it, by name:")
    lines += scaling_lines(raw)
    return "\n".join(lines)
