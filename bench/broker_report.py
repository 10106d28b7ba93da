"""bench/BROKER.md from the raw numbers: medians, spread, ratios to each peer, and whether the targets are met."""

import statistics
from dataclasses import dataclass

from report import cell, number, ratio_cell, values
from report import ratio as ratio_to


@dataclass
class Metric:
    test: str
    key: str
    title: str
    digits: int = 1
    scale: float = 1
    ratio_at_most: float = None    # target for the ratio to mosquitto
    value_at_most: float = None    # target for the value


PEER = "mosquitto"
METRICS = [
    Metric("pairs0", "cpu_us", "CPU per delivery, 50 pairs, QoS 0 (us)", 2, ratio_at_most=0.60),
    Metric("pairs1", "cpu_us", "CPU per delivery, 50 pairs, QoS 1 (us)", 2, ratio_at_most=0.60),
    Metric("fanout", "cpu_us", "CPU per delivery, 1 to 500, QoS 0 (us)", 2, ratio_at_most=0.40),
    Metric("fanin", "cpu_us", "CPU per delivery, 500 to 1, QoS 0 (us)", 2, ratio_at_most=0.40),
    Metric("pairs0", "per_second", "deliveries a second, 50 pairs, QoS 0", 0),
    Metric("pairs1", "per_second", "deliveries a second, 50 pairs, QoS 1", 0),
    Metric("fanout", "per_second", "deliveries a second, 1 to 500", 0),
    Metric("fanin", "per_second", "deliveries a second, 500 to 1", 0),
    Metric("fanin", "share", "share of its CPU the broker got meanwhile, 500 to 1 (%)", 0, 100),
    Metric("rate_pairs0", "p50", "latency at 20,000/s, 50 pairs, QoS 0: p50 (us)", 0),
    Metric("rate_pairs0", "p99", "latency at 20,000/s, 50 pairs, QoS 0: p99 (us)", 0, ratio_at_most=1.0),
    Metric("rate_pairs1", "p50", "latency at 10,000/s, 50 pairs, QoS 1: p50 (us)", 0),
    Metric("rate_pairs1", "p99", "latency at 10,000/s, 50 pairs, QoS 1: p99 (us)", 0, ratio_at_most=1.0),
    Metric("rate_fanout", "p50", "latency of 40/s to each of 500: p50 (us)", 0),
    Metric("rate_fanout", "p99", "latency of 40/s to each of 500: p99 (us)", 0, ratio_at_most=1.0),
    Metric("rate_fanin", "p50", "latency at 20,000/s, 500 to 1: p50 (us)", 0),
    Metric("rate_fanin", "p99", "latency at 20,000/s, 500 to 1: p99 (us)", 0, ratio_at_most=1.0),
    Metric("rate_pairs0", "cpu_us", "CPU per delivery at 20,000/s, 50 pairs, QoS 0 (us)", 2),
    Metric("rate_pairs1", "cpu_us", "CPU per delivery at 10,000/s, 50 pairs, QoS 1 (us)", 2),
    Metric("rate_fanout", "cpu_us", "CPU per delivery of 40/s to each of 500 (us)", 2),
    Metric("rate_fanin", "cpu_us", "CPU per delivery at 20,000/s, 500 to 1 (us)", 2),
    Metric("memory", "bytes", "user memory per idle client (bytes)", 0, value_at_most=1500),
    Metric("memory_subscribed", "bytes", "user memory per idle client with one subscription (bytes)", 0, value_at_most=2000),
]


def word_of(met):
    return {None: "not measured", True: "met", False: "**missed**"}[met]


def target_table(raw):
    lines = ["| target | measured | |", "|---|---|---|"]
    for metric in METRICS:
        if metric.ratio_at_most is not None:
            found = ratio_to(raw, metric, PEER)
            met = None if found is None else found <= metric.ratio_at_most
            lines.append(f"| {metric.title} <= {metric.ratio_at_most:.2f} of {PEER} "
                         f"| {'-' if found is None else f'{found:.2f}'} | {word_of(met)} |")
        if metric.value_at_most is not None:
            found = values(raw, "holdfast", metric)
            met = statistics.median(found) <= metric.value_at_most if found else None
            measured = number(statistics.median(found), 0) if found else "-"
            lines.append(f"| {metric.title} <= {metric.value_at_most:,.0f} | {measured} | {word_of(met)} |")
    return lines


def table(raw):
    names = list(raw["titles"])
    peers = [name for name in names if name != "holdfast"] if "holdfast" in names else []
    heads = ["", *raw["titles"].values(), *(f"ratio to {raw['titles'][peer]}" for peer in peers)]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for metric in METRICS:
        cells = [cell(values(raw, name, metric), metric.digits) for name in names]
        if all(found == "-" for found in cells):
            continue
        lines.append(f"| {' | '.join([metric.title, *cells, *(ratio_cell(raw, metric, peer) for peer in peers)])} |")
    return lines


def failure_lines(raw):
    failed = [f"- {run['test']}, {run['proxy']}: {run['error']}" for run in raw["runs"] if run.get("error")]
    lost = [f"- {run['test']}, {run['proxy']}, round {run['round']}: {run['result']['lost']:,} QoS 0 messages lost"
            for run in raw["runs"] if run.get("result", {}).get("lost")]
    if not failed and not lost:
        return ["Every round of every broker ended without an error, and nothing was lost.", ""]
    return (["## Failed rounds", "", *failed, ""] if failed else []) + (["## Lost", "", *lost, ""] if lost else [])


def busy_machine_lines(raw):
    if raw["load_before"] < 0.5:
        return []
    return [f"**The machine was busy with other work when this began (load {raw['load_before']:.1f}); latencies and throughput "
            "suffer from it more than CPU times do.**", ""]


def rival_note(raw):
    if raw["alone"]:
        return "Nothing else wants the broker's CPU, so it often waits for the load."
    return ("Another process always wants the broker's CPU and gets half of it, so that the load waits for the broker; what it "
            "does a second is then about half of what it could. The lines at a fixed rate are without that process, and show "
            "what a delivery costs a broker that mostly sleeps.")


def render(raw):
    lines = [
        "# Holdfast's broker beside mosquitto", "",
        f"{raw['date']}, {raw['rounds']} alternating round{'s' * (raw['rounds'] != 1)}, {raw['length']:g} s for each "
        f"measurement, by `{raw['command']}`.",
        "Medians, with the spread in brackets; a ratio is the median of the ratios of the rounds. Compare those; the absolute "
        "numbers belong to this machine.", "",
        f"- machine: {raw['machine']}",
        *(f"- {raw['titles'][name]}: {version}" for name, version in raw["versions"].items()),
        f"- CPUs: {', '.join(f'{who} on {cpu}' for who, cpu in raw['cpus'].items())}",
        f"- MQTT {raw['mqtt']}, payloads of 64 bytes; one thread each, fresh for each measurement; no persistence, log or "
        "passwords, all else as it is delivered (`bench/brokers.py` has the configurations)",
        "- CPU per delivery: as fast as it goes, 4 messages of each publisher under way, until they are delivered (and, with "
        f"QoS 1, acknowledged). {rival_note(raw)} CPU is read from /proc/PID/task/*/schedstat of all threads during the "
        "measured window",
        "- latency: from when a message was meant to go until it was read, at a rate that all manage, without that other process",
        "- mosquitto as it is delivered has no TCP_NODELAY, which saves it CPU and costs it latency; the targets are held "
        "against it. Holdfast always sets it, so the other mosquitto is the one like it",
        f"- memory: Private_Dirty, {raw['idle_clients']:,} clients against none, each after it has published ten messages, and "
        "received them if it subscribed", "",
        *busy_machine_lines(raw), *failure_lines(raw)]
    if "holdfast" in raw["titles"]:
        lines += ["## Targets", "", *target_table(raw), ""]
    return "\n".join([*lines, "## Numbers", "", *table(raw)]) + "\n"
