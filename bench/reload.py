#!/usr/bin/env python3
"""Reloads Holdfast, HAProxy and nginx under load, side by side, and writes bench/RELOADS.md.

2,000 connections carry 5,000 messages a second while the configuration is changed 50 times: a server and a listener come
and go, a weight changes. After each reload some clients more connect and stay, as they do in life. Told is what was lost,
what it did to the time of a message, and what is left behind: processes, memory, descriptors.
"""

import argparse
import http.client
import json
import os
import pathlib
import signal
import socket
import statistics
import sys
import tempfile
import time

import proxies
from measurements import GENERATOR_CPU, PROXY_CPU, SERVER_CPU
from processes import PATIENCE, BenchError, Process, proportional_bytes

HERE = pathlib.Path(__file__).resolve().parent
LATE_CLIENTS = 5  # that connect after each reload and stay


class Version:
    """What the configuration says after reload `number`; 0 is what the proxy starts with."""

    def __init__(self, number, ports, backends):
        self.ports = ports[: 2 if number % 3 == 1 else 1]
        self.servers = backends[: 3 if number % 2 else 2]
        self.weight = 50 + number % 7


class Holdfast:
    name = "holdfast"

    def __init__(self, program):
        self.program = program

    def text(self, version):
        lines = ['[node]\nworkers = 1\nrun_dir = ""\n[log]\nconnections = false\n[admin]\nlisten = "127.0.0.1:0"']
        lines += [f'[[listener]]\nname = "l{port}"\nbind = ["127.0.0.1:{port}"]\npool = "p"' for port in version.ports]
        lines += ['[[pool]]\nname = "p"\nslow_start = "0s"\non_remove = "keep"']
        lines += [f'[[pool.server]]\nname = "s{i}"\naddress = "{address}"\nweight = {version.weight if i == 0 else 100}'
                  for i, address in enumerate(version.servers)]
        return "\n".join(lines) + "\n"

    def start(self, folder, version):
        self.path = folder / "holdfast.toml"
        self.path.write_text(self.text(version))
        process = Process([self.program, "run", self.path], PROXY_CPU, folder / "holdfast.log")
        self.admin = process.read_json()["admin"]
        return process

    def reload(self, process, version):
        self.path.write_text(self.text(version))
        connection = http.client.HTTPConnection(self.admin, timeout=PATIENCE)
        connection.request("POST", "/v1/reload", "{}", {"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200:
            raise BenchError(f"reload: {answer.status} {body}")

    def workers(self, process):
        return process.pids()


class ByNewProcesses:
    """HAProxy and nginx: a signal to the master, which starts new workers; the old ones stay until their last connection."""

    def reload(self, process, version):
        before = self.generation(process)
        self.write(version)
        os.kill(self.master(process), self.sign)
        deadline = time.monotonic() + PATIENCE
        while self.generation(process) == before:
            if time.monotonic() > deadline:
                raise BenchError(f"{self.name} started nothing after a reload")
            time.sleep(0.002)

    def generation(self, process):
        """The newest worker."""
        return max(self.workers(process), key=started, default=0)

    def master(self, process):
        return process.popen.pid

    def workers(self, process):
        return [pid for pid in process.pids() if pid != self.master(process)]


class HAProxy(ByNewProcesses):
    name, sign = "haproxy", signal.SIGUSR2

    def write(self, version):
        lines = ["global\n  nbthread 1\n  maxconn 8500\ndefaults\n  mode tcp\n  balance leastconn\n  timeout connect 5s\n"
                 "  timeout client 3h\n  timeout server 3h\nbackend p"]
        lines += [f"  server s{i} {address} weight {version.weight if i == 0 else 100}"
                  for i, address in enumerate(version.servers)]
        lines += [f"frontend l{port}\n  bind 127.0.0.1:{port} backlog 65535\n  default_backend p" for port in version.ports]
        self.path.write_text("\n".join(lines) + "\n")

    def generation(self, process):
        """The master takes no further reload before it has said this of the last."""
        return pathlib.Path(process.log.name).read_text(encoding="utf-8", errors="replace").count("Loading success")

    def start(self, folder, version):
        self.path = folder / "haproxy.cfg"
        self.write(version)
        process = Process(["haproxy", "-W", "-db", "-f", self.path], PROXY_CPU, folder / "haproxy.log")
        proxies.wait_for_port(process, version.ports[0])
        return process


class Nginx(ByNewProcesses):
    name, sign = "nginx", signal.SIGHUP

    def write(self, version):
        servers = "\n".join(f"    server {address} weight={version.weight if i == 0 else 100};"
                            for i, address in enumerate(version.servers))
        listeners = "\n".join(f"  server {{ listen 127.0.0.1:{port} backlog=65535; proxy_pass p; }}"
                              for port in version.ports)
        self.path.write_text(f"""load_module {proxies.NGINX_MODULE};
daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {self.path.parent}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 19900; }}
stream {{
  access_log off;
  proxy_timeout 3h;
  upstream p {{
    least_conn;
{servers}
  }}
{listeners}
}}
""")

    def start(self, folder, version):
        self.path = folder / "nginx.conf"
        self.write(version)
        process = Process(["nginx", "-e", folder / "nginx.log", "-c", self.path], PROXY_CPU, folder / "nginx.log")
        proxies.wait_for_port(process, version.ports[0])
        return process


def started(pid):
    """When, in ticks since the machine started; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return int(stat.read().rpartition(")")[2].split()[19]), pid
    except OSError:
        return 0, pid


def descriptors(process):
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in process.pids())


def traffic(arguments, folder, port, seconds):
    command = [arguments.generator, "bench", "echo", f"127.0.0.1:{port}", "--connections", arguments.connections, "--rate",
               arguments.rate, "--warmup", "1s", "--duration", f"{int(seconds * 1000)}ms", "--json"]
    return Process(command, GENERATOR_CPU, folder / "load.log")


def finished(load, seconds):
    try:
        return load.read_json(seconds + 3 * PATIENCE)
    finally:
        load.stop()


def connect_late(port):
    client = socket.create_connection(("127.0.0.1", port), PATIENCE)
    client.sendall(b"a message of 16.")
    client.recv(16)
    return client


def lost(clients):
    """How many of them no longer get an answer."""
    count = 0
    for client in clients:
        try:
            client.sendall(b"a message of 16.")
            count += client.recv(16) == b""
        except OSError:
            count += 1
        client.close()
    return count


def measure(arguments, proxy, folder, backends):
    ports = [proxies.free_port(), proxies.free_port()]
    process = proxy.start(folder, Version(0, ports, backends))
    try:
        load = traffic(arguments, folder, ports[0], arguments.seconds)
        quiet = finished(load, arguments.seconds)
        load = traffic(arguments, folder, ports[0], arguments.seconds)
        time.sleep(1)  # its warm-up: the connections are made
        late, took, first = [], [], None
        begun = time.monotonic()
        for number in range(1, arguments.reloads + 1):
            time.sleep(max(0, begun + arguments.seconds * (number - 0.5) / arguments.reloads - time.monotonic()))
            start = time.monotonic()
            proxy.reload(process, Version(number, ports, backends))
            took.append(time.monotonic() - start)
            late += [connect_late(ports[0]) for _ in range(LATE_CLIENTS)]
            if number == 1:
                first = (proportional_bytes(process), descriptors(process))
        held = (len(proxy.workers(process)), proportional_bytes(process), descriptors(process))
        busy = finished(load, arguments.seconds)
        return {"lost": busy["errors"]["total"] + lost(late), "p99_quiet": quiet["latency_us"]["p99"],
                "p99_reloads": busy["latency_us"]["p99"], "max_reloads": busy["latency_us"]["max"],
                "took_ms": 1000 * statistics.median(took), "processes": held[0],
                "memory_first": first[0], "memory_last": held[1], "descriptors_first": first[1],
                "descriptors_last": held[2]}
    finally:
        process.stop()


def asked(admin, method, path, body="{}"):
    """What the API answers, and how long that took."""
    start = time.monotonic()
    connection = http.client.HTTPConnection(admin, timeout=PATIENCE)
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status >= 300:
        raise BenchError(f"{method} {path}: {answer.status} {text}")
    return json.loads(text or "null"), time.monotonic() - start


def large_reload(holdfast, folder, servers=2000, times=20):
    """A file with many servers, of which one changes: how long the process takes, and how long the caller waits."""
    path = folder / "large.toml"

    def write(weight):
        lines = ['[node]\nworkers = 1\nrun_dir = ""\n[admin]\nlisten = "127.0.0.1:0"',
                 '[[listener]]\nname = "l"\nbind = ["127.0.0.1:0"]\npool = "p"\n[[pool]]\nname = "p"']
        lines += [f'[[pool.server]]\nname = "s{i}"\naddress = "127.0.{i // 200}.1:{20000 + i}"\nweight = '
                  f'{weight if i == servers // 2 else 100}' for i in range(servers)]
        path.write_text("\n".join(lines) + "\n")

    write(100)
    process = Process([holdfast, "run", path], PROXY_CPU, folder / "large.log")
    try:
        admin = process.read_json()["admin"]
        took, waited = [], []
        for weight in range(times):
            write(weight + 1)
            report, seconds = asked(admin, "POST", "/v1/reload")
            if len(report["changes"]) != 1:
                raise BenchError(f"one server changed, the report says {report['changes']}")
            took.append(report["took_seconds"])
            waited.append(seconds)
        return {"took_ms": 1000 * statistics.median(took), "waited_ms": 1000 * statistics.median(waited),
                "longest_ms": 1000 * max(waited)}
    finally:
        process.stop()


def paced_drain(arguments, folder, backends, connections=5000, rate=500):
    """How evenly the connections of a server are closed: rate over the whole, and the worst second."""
    holdfast = Holdfast(arguments.holdfast)
    ports = [proxies.free_port(), proxies.free_port()]
    process = holdfast.start(folder, Version(0, ports, backends[:1]))
    hold = Process([arguments.generator, "bench", "hold", f"127.0.0.1:{ports[0]}", "--connections", str(connections),
                    "--duration", "60s", "--json"], GENERATOR_CPU, folder / "hold.log")
    try:
        servers = "/v1/pools/p/servers/s0"
        while asked(holdfast.admin, "GET", servers, None)[0]["connections"] < connections:
            time.sleep(0.1)
        begun = time.monotonic()
        asked(holdfast.admin, "PATCH", servers, json.dumps({"state": "drain", "rate": f"{rate}/s"}))
        samples = [(begun, connections)]
        while samples[-1][1] > 0 and time.monotonic() - begun < 10 * connections / rate:
            time.sleep(0.1)
            left = asked(holdfast.admin, "GET", servers, None)[0]["connections"]
            samples.append((time.monotonic(), left))
        # The first and the last tenth are left out: a burst at the start, and the wait for the last to acknowledge.
        middle = [each for each in samples if 0.1 * connections < each[1] < 0.9 * connections]
        (t0, n0), (t1, n1) = middle[0], middle[-1]
        return {"connections": connections, "rate": rate, "per_second": (n0 - n1) / (t1 - t0)}
    finally:
        hold.stop()
        process.stop()


ROWS = [
    ("connections lost", lambda run: run["lost"], "{:.0f}"),
    ("p99 of a message with reloads / without", lambda run: run["p99_reloads"] / run["p99_quiet"], "{:.2f}"),
    ("longest message with reloads, ms", lambda run: run["max_reloads"] / 1000, "{:.1f}"),
    ("a reload takes, ms", lambda run: run["took_ms"], "{:.1f}"),
    ("worker processes at the end", lambda run: run["processes"], "{:.0f}"),
    ("memory at the end / after the first reload", lambda run: run["memory_last"] / run["memory_first"], "{:.2f}"),
    ("memory at the end, MB", lambda run: run["memory_last"] / 1e6, "{:.1f}"),
    ("descriptors beyond those of late clients, end - first",
     lambda run: run["descriptors_last"] - run["descriptors_first"] - run["late_descriptors"], "{:.0f}"),
]


def report(arguments, runs, large, drain):
    lines = [
        "# Reloads under load", "",
        f"{arguments.connections} connections carry {arguments.rate} messages of 64 bytes a second through one worker while the",
        f"configuration is reloaded {arguments.reloads} times in {arguments.seconds:.0f} s; with each a server and a listener come or "
        "go and a weight",
        f"changes. After each reload {LATE_CLIENTS} further clients connect and stay. Medians of {arguments.rounds} alternating rounds,"
        " made by `bench/reload.py`.", "",
        f"| | {' | '.join(runs)} |", f"|---|{'---|' * len(runs)}"]
    for title, value, form in ROWS:
        cells = [form.format(statistics.median(value(run) for run in found)) for found in runs.values()]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    lines += ["", "Of Holdfast alone:", "",
              f"- A file with 2,000 servers of which one changed: {large['took_ms']:.1f} ms in the process, {large['waited_ms']:.1f} ms "
              f"for the caller (longest {large['longest_ms']:.1f} ms). To reach: 50 ms.",
              f"- A server with {drain['connections']:,} idle connections drained at {drain['rate']}/s: {drain['per_second']:.1f}/s. "
              "To reach: within 5 %."]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--holdfast", default=HERE.parent / "build" / "holdfast")
    parser.add_argument("--generator", help="the program whose `bench` makes the load (default: the same)")
    parser.add_argument("--proxies", default="holdfast,haproxy,nginx")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reloads", type=int, default=50)
    parser.add_argument("--connections", type=int, default=2000)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "RELOADS.md")
    arguments = parser.parse_args()
    arguments.generator = arguments.generator or arguments.holdfast
    every = {"holdfast": Holdfast(arguments.holdfast), "haproxy": HAProxy(), "nginx": Nginx()}
    chosen = [every[name] for name in arguments.proxies.split(",")]
    runs = {proxy.name: [] for proxy in chosen}
    with tempfile.TemporaryDirectory(prefix="holdfast-reload-") as name:
        folder = pathlib.Path(name)
        try:
            server = Process([arguments.generator, "bench", "serve", "--mode", "echo",
                              *(part for i in range(3) for part in ("--bind", f"127.0.1.{i + 1}:0"))], SERVER_CPU,
                             folder / "serve.log")
            backends = server.read_json()["addresses"]
            for number in range(arguments.rounds):
                for proxy in chosen[number % len(chosen):] + chosen[: number % len(chosen)]:
                    print(f"round {number + 1} of {arguments.rounds}: {proxy.name}", file=sys.stderr, flush=True)
                    found = measure(arguments, proxy, folder, backends)
                    found["late_descriptors"] = 2 * LATE_CLIENTS * (arguments.reloads - 1)
                    print(json.dumps(found), file=sys.stderr, flush=True)
                    runs[proxy.name].append(found)
            large = large_reload(arguments.holdfast, folder)
            drain = paced_drain(arguments, folder, backends)
        except BenchError as error:
            sys.exit(f"reload: {error}")
        finally:
            Process.stop_all()
    text = report(arguments, runs, large, drain)
    arguments.output.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
