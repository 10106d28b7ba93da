"""bench/RESULTS.md from the raw numbers: medians, spread, ratios to each peer, and whether the targets are met."""

import statistics
from dataclasses import dataclass, field

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


def by_round(raw, proxy, metric):
    return {run["round"]: run["result"][metric.key] * metric.scale for run in raw["runs"]
            if run["test"] == metric.test and run["proxy"] == proxy and run.get("result")}


def values(raw, proxy, metric):
    return list(by_round(raw, proxy, metric).values())


def number(value, digits):
    return f"{value:,.{digits}f}"


def cell(found, digits):
    if not found:
        return "-"
    text = number(statistics.median(found), digits)
    if len(found) > 1:
        text += f" ({number(min(found), digits)}..{number(max(found), digits)})"
    return text


def ratio(raw, metric, peer):
    """The median of the rounds' ratios: what a round shares, such as the pace of the machine in those seconds, falls out."""
    ours, theirs = by_round(raw, "holdfast", metric), by_round(raw, peer, metric)
    ratios = [ours[number] / theirs[number] for number in ours if theirs.get(number)]
    return statistics.median(ratios) if ratios else None


def ratio_cell(raw, metric, peer):
    found = ratio(raw, metric, peer)
    return "-" if found is None else f"{found:.2f}"


def verdicts(raw):
    """Each target as (text, met), or met = None when it could not be measured."""
    for metric in METRICS:
        for targets, sign in ((metric.at_most, "<="), (metric.at_least, ">=")):
            for peer, bound in targets.items():
                found = ratio(raw, metric, peer)
                met = None if found is None else (found <= bound if sign == "<=" else found >= bound)
                yield metric, peer, sign, bound, found, met


def table(raw, metrics):
    proxies = raw["proxies"]
    peers = [peer for peer in proxies if peer != "holdfast"] if "holdfast" in proxies else []
    head = ["", *(NAMES[proxy] for proxy in proxies), *(f"ratio to {NAMES[peer]}" for peer in peers)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for metric in metrics:
        columns = [values(raw, proxy, metric) for proxy in proxies]
        if any(columns):
            row = [metric.title, *(cell(found, metric.digits) for found in columns),
                   *(ratio_cell(raw, metric, peer) for peer in peers)]
            lines.append("| " + " | ".join(row) + " |")
    return lines


def scaling(raw):
    """How many times the round trips of one worker two would make on two CPUs of their own, or None."""
    medians = [statistics.median(found) for test in ("workers1", "workers2")
               if (found := values(raw, "holdfast", Metric(test, "cpu_us", "")))]
    return 2 * min(1, medians[0] / medians[1]) if len(medians) == 2 else None


def target_table(raw):
    lines = ["| target | measured | |", "|---|---|---|"]
    if scaling(raw) is not None:
        word = "met" if scaling(raw) >= 1.7 else "**missed**"
        lines.append(f"| two workers >= 1.70 of one, by the CPU of a round trip ([how](#two-workers)) | {scaling(raw):.2f} | {word} |")
    for metric, peer, sign, bound, found, met in verdicts(raw):
        word = {None: "not measured", True: "met", False: "**missed**"}[met]
        measured = "-" if found is None else f"{found:.2f}"
        lines.append(f"| {metric.title} {sign} {bound:.2f} of {NAMES[peer]} | {measured} | {word} |")
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


def busy_machine_lines(raw):
    if raw["load_before"] < 0.5:
        return []
    return [f"**The machine was busy with other work when this began (load {raw['load_before']:.1f}); latencies and throughput "
            "suffer from it more than CPU times do.**", ""]


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
        f"{raw['date']}, {raw['rounds']} alternating round{'s' * (raw['rounds'] != 1)}, {raw['length']:g} s for each "
        f"measurement, by `{raw['command']}`.",
        "Medians, with the spread in brackets; a ratio is the median of the ratios of the rounds. Compare those; the absolute "
        "numbers belong to this machine.", "",
        f"- machine: {raw['machine']}",
        *(f"- {NAMES[name]}: {version}" for name, version in raw["versions"].items()),
        f"- CPUs: {', '.join(f'{who} on {cpu}' for who, cpu in raw['cpus'].items())}",
        "- each proxy: one thread, fresh for each measurement; loopback; no log of connections, no TCP "
        "keepalive, the same backlog and limits (`bench/proxies.py` has the configurations)",
        "- proxy CPU is read from /proc/PID/task/*/schedstat of all its threads during the measured window; memory is "
        "Private_Dirty of all its processes, 8,000 idle pairs after one round trip each against none; HAProxy's bulk is the "
        "better of copying and splicing", "",
        *busy_machine_lines(raw), *failure_lines(raw)]
    if "holdfast" in raw["proxies"]:
        lines += ["## Targets", "", *target_table(raw), ""]
        lines += ["Why some are missed, with a profile: [PERFORMANCE](../docs/PERFORMANCE.md).", ""]
    lines += ["## Numbers", "", *table(raw, METRICS), "", *rival_note()]
    lines += syscall_lines(raw, "syscalls", "System calls per relayed message, by name (50 connections, closed loop):")
    lines += syscall_lines(raw, "connect_syscalls", "System calls per relayed connection with one round trip on it, by name:")
    lines += scaling_lines(raw)
    return "\n".join(lines)
