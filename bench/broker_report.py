"""bench/BROKER.md from the raw numbers: medians, spread, ratios to each peer, and whether the targets are met."""

import statistics
from dataclasses import dataclass

from tables import busy_machine_lines, comparison, how_measured, number, ratio, two_digits, values, word_of


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
    Metric("trees", "match_us", "match of a 5-level topic, 100,000 subscriptions with wildcards (us)", 2, value_at_most=2),
]


def target_table(raw):
    lines = ["| target | measured | |", "|---|---|---|"]
    for metric in METRICS:
        if metric.ratio_at_most is not None:
            found = ratio(raw, metric, PEER)
            met = None if found is None else found <= metric.ratio_at_most
            lines.append(f"| {metric.title} <= {metric.ratio_at_most:.2f} of {PEER} "
                         f"| {two_digits(found)} | {word_of(met)} |")
        if metric.value_at_most is not None:
            found = values(raw, "holdfast", metric)
            met = statistics.median(found) <= metric.value_at_most if found else None
            measured = number(statistics.median(found), metric.digits) if found else "-"
            lines.append(f"| {metric.title} <= {metric.value_at_most:,.0f} | {measured} | {word_of(met)} |")
    return lines


def failure_lines(raw):
    failed = [f"- {run['test']}, {run['proxy']}: {run['error']}" for run in raw["runs"] if run.get("error")]
    lost = [f"- {run['test']}, {run['proxy']}, round {run['round']}: {run['result']['lost']:,} QoS 0 messages lost"
            for run in raw["runs"] if run.get("result", {}).get("lost")]
    if not failed and not lost:
        return ["Every round of every broker ended without an error, and nothing was lost.", ""]
    return (["## Failed rounds", "", *failed, ""] if failed else []) + (["## Lost", "", *lost, ""] if lost else [])


def rival_note(raw):
    if raw["alone"]:
        return "Nothing else wants the broker's CPU, so it often waits for the load."
    return ("Another process always wants the broker's CPU and gets half of it, so that the load waits for the broker; what it "
            "does a second is then about half of what it could. The lines at a fixed rate are without that process, and show "
            "what a delivery costs a broker that mostly sleeps.")


def render(raw):
    lines = [
        "# Holdfast's broker beside mosquitto", "",
        *how_measured(raw, raw["titles"]),
        f"- MQTT {raw['mqtt']}, payloads of 64 bytes; one thread each, fresh for each measurement; no persistence, log or "
        "passwords, all else as it is delivered (`bench/brokers.py` has the configurations)",
        "- CPU per delivery: as fast as it goes, 4 messages of each publisher under way, until they are delivered (and, with "
        f"QoS 1, acknowledged). {rival_note(raw)} CPU is read from /proc/PID/task/*/schedstat of all threads during the "
        "measured window",
        "- latency: from when a message was meant to go until it was read, at a rate that all manage, without that other process",
        "- mosquitto as it is delivered has no TCP_NODELAY, which saves it CPU and costs it latency; the targets are held "
        "against it. Holdfast always sets it, so the other mosquitto is the one like it",
        f"- memory: Private_Dirty, {raw['idle_clients']:,} clients against none, each after it has published ten messages, and "
        "received them if it subscribed",
        "- match: CPU time of one look-up in the tree of subscriptions, without the rest of the broker "
        "(`bench/broker_trees_bench.cc`); topics are drawn from 65,536, so that caches help as little as they would. Of two "
        "mixes, one shape of filter and eight, the slower one", "",
        *busy_machine_lines(raw), *failure_lines(raw)]
    if "holdfast" in raw["titles"]:
        lines += ["## Targets", "", *target_table(raw), ""]
    return "\n".join([*lines, "## Numbers", "", *comparison(raw, raw["titles"], METRICS)]) + "\n"
