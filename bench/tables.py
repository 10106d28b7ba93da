"""What the reports of benchmarks in rounds are made of: medians with their spread, ratios of rounds, tables, and the lines
that stand above and below them."""

import statistics


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
    return two_digits(ratio(raw, metric, peer))


def two_digits(found):
    return "-" if found is None else f"{found:.2f}"


def word_of(met):
    return {None: "not measured", True: "met", False: "**missed**"}[met]


def comparison(raw, titles, metrics):
    """A row for each metric that was measured, a column for each of `titles` (name: title), and ratios to Holdfast's peers."""
    peers = [name for name in titles if name != "holdfast"] if "holdfast" in titles else []
    head = ["", *titles.values(), *(f"ratio to {titles[peer]}" for peer in peers)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for metric in metrics:
        columns = [values(raw, name, metric) for name in titles]
        if any(columns):
            row = [metric.title, *(cell(found, metric.digits) for found in columns),
                   *(ratio_cell(raw, metric, peer) for peer in peers)]
            lines.append("| " + " | ".join(row) + " |")
    return lines


def how_measured(raw, titles):
    return [
        f"{raw['date']}, {raw['rounds']} alternating round{'s' * (raw['rounds'] != 1)}, {raw['length']:g} s for each "
        f"measurement, by `{raw['command']}`.",
        "Medians, with the spread in brackets; a ratio is the median of the ratios of the rounds. Compare those; the absolute "
        "numbers belong to this machine.", "",
        f"- machine: {raw['machine']}",
        *(f"- {titles[name]}: {version}" for name, version in raw["versions"].items()),
        f"- CPUs: {', '.join(f'{who} on {cpu}' for who, cpu in raw['cpus'].items())}"]


def busy_machine_lines(raw):
    if raw["load_before"] < 0.5:
        return []
    return [f"**The machine was busy with other work when this began (load {raw['load_before']:.1f}); latencies and throughput "
            "suffer from it more than CPU times do.**", ""]
