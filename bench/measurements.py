"""What is measured: one function for each test, which starts a fresh proxy, puts traffic through it, and returns numbers."""

import os
import re
import shutil
import signal
import time

from processes import PATIENCE, BenchError, CpuSampler, Process, descriptors_by_poller, private_bytes

# One CPU each for proxy, generator and servers as far as there are so many; on two, the latter share one.
CPUS = sorted(os.sched_getaffinity(0))
PROXY_CPU, GENERATOR_CPU, SERVER_CPU = (str(CPUS[min(i, len(CPUS) - 1)]) for i in range(3))
WORKER_CPUS = f"{PROXY_CPU},{CPUS[min(3, len(CPUS) - 1)]}"


class Lab:
    """What all tests share: the generator, the servers behind the proxies, and where files go."""

    BACKENDS = 60  # addresses of the echo server, so that each run of `connect` finds unused port pairs

    def __init__(self, generator, folder, length):
        self.generator = generator
        self.folder = folder
        self.length = length  # seconds of one measurement
        self.turn = 0
        self.echo = self.serve("echo", [f"127.0.1.{i + 1}:0" for i in range(self.BACKENDS)])
        self.source = self.serve("source", ["127.0.1.1:0"])

    def serve(self, mode, addresses):
        binds = [part for address in addresses for part in ("--bind", address)]
        server = Process([self.generator, "bench", "serve", "--mode", mode, *binds], SERVER_CPU, self.folder / "serve.log")
        return server.read_json()["addresses"]

    def echo_backend(self):
        self.turn += 1
        return self.echo[self.turn % len(self.echo)]

    def sources(self):
        """Local addresses that the run before did not use."""
        first = 2 + 4 * (self.turn % 60)
        return [part for i in range(4) for part in ("--source", f"127.0.0.{first + i}")]

    def start(self, proxy, backend=None, **more):
        more.setdefault("cpus", PROXY_CPU)
        return proxy.start(self.folder, backend or self.echo_backend(), **more)

    def rival(self):
        """A process that always wants the proxy's CPU and gets half of it. Then the proxy is what generator and servers wait
        for, on a machine of two CPUs too. Without it the proxy waits for them, often sleeps, and the CPU of one message says
        more about their pace than about the proxy."""
        return Process(["sh", "-c", "while :; do :; done"], PROXY_CPU, self.folder / "rival.log")

    def traffic(self, *arguments, seconds=None):
        """Starts the generator."""
        length = f"{int(1000 * (seconds or self.length))}ms"
        command = [self.generator, "bench", *arguments, "--duration", length, "--json"]
        return Process(command, GENERATOR_CPU, self.folder / "load.log")

    def measure(self, *arguments, seconds=None):
        """Runs the generator to its end and returns its result. Anything that went wrong in it is an error."""
        load = self.traffic(*arguments, seconds=seconds)
        try:
            result = load.read_json((seconds or self.length) + 3 * PATIENCE)
        finally:
            load.stop()
        if result["errors"]["total"] != 0:
            raise BenchError(f"{' '.join(load.command)}: {result['errors']}")
        return result

    def measure_with_cpu(self, process, *arguments):
        """As measure(), with the CPU seconds that `process` used meanwhile, by thread."""
        with CpuSampler(process) as sampler:
            result = self.measure(*arguments, "--warmup", "500ms")
            time.sleep(2 * sampler.INTERVAL)
        return result, sampler.seconds(result["from"], result["seconds"])


def echo(lab, proxy, connections):
    process, address = lab.start(proxy)
    rival = lab.rival()
    result, cpu = lab.measure_with_cpu(process, "echo", address, "--connections", connections)
    rival.stop()
    process.stop()
    seconds = sum(cpu.values())
    return {"cpu_us": seconds * 1e6 / result["operations"], "per_second": result["per_second"],
            "share": seconds / result["seconds"]}


def rate(lab, proxy):
    process, address = lab.start(proxy)
    result, cpu = lab.measure_with_cpu(process, "echo", address, "--connections", 200, "--rate", 20000)
    process.stop()
    latency = {name: result["latency_us"][name] for name in ("p50", "p99", "p999")}
    return {**latency, "cpu_us": sum(cpu.values()) * 1e6 / result["operations"]}


def bulk(lab, proxy):
    """The better of the ways a proxy has."""
    ways = ((), ("splice",)) if proxy.name == "haproxy" else ((),)
    return max((bulk_one_way(lab, proxy, options) for options in ways), key=lambda found: found["gbit"])


def bulk_one_way(lab, proxy, options):
    process, address = lab.start(proxy, backend=lab.source[0], options=options)
    result, cpu = lab.measure_with_cpu(process, "bulk", address, "--connections", 4)
    process.stop()
    seconds = sum(cpu.values())
    return {"gbit": result["gbit_per_second"], "cpu_s_per_gb": seconds * 1e9 / result["bytes"],
            "busy": seconds / result["seconds"], "way": " ".join(options) or "copy"}


def connect(lab, proxy):
    process, address = lab.start(proxy)
    rival = lab.rival()
    result, cpu = lab.measure_with_cpu(process, "connect", address, "--concurrency", 50, *lab.sources())
    rival.stop()
    process.stop()
    seconds = sum(cpu.values())
    cpu_us = seconds * 1e6 / result["operations"]
    return {"per_second": result["per_second"], "cpu_us": cpu_us, "per_cpu_second": 1e6 / cpu_us,
            "share": seconds / result["seconds"], "p99": result["latency_us"]["p99"]}


def memory(lab, proxy, pairs=8000):
    process, address = lab.start(proxy)
    before = private_bytes(process)
    load = lab.traffic("hold", address, "--connections", pairs, "--ramp", 4000, *lab.sources(), seconds=60)
    held = load.read_json(3 * PATIENCE)["holding"]
    if held != pairs:
        raise BenchError(f"{held} of {pairs} connections stand")
    time.sleep(0.2)  # for what a proxy tidies up after the last round trip
    after = private_bytes(process)
    load.popen.send_signal(signal.SIGINT)
    result = load.read_json()
    load.stop()
    process.stop()
    if result["errors"]["total"] != 0 or result["lost"] != 0:
        raise BenchError(f"lost while holding: {result['errors']}")
    return {"bytes": (after - before) / pairs}


def syscalls(lab, proxy):
    """System calls for one relayed message: what a longer run makes more than a shorter one, over what it relays more."""
    if not shutil.which("strace"):
        return None
    process, address = lab.start(proxy)
    few, calls_few = traced(lab, process, "echo", address, "--connections", 50, seconds=0.5)
    many, calls_many = traced(lab, process, "echo", address, "--connections", 50, seconds=1.5)
    process.stop()
    messages = 2 * (many["operations"] - few["operations"])
    calls = {name: (count - calls_few.get(name, 0)) / messages for name, count in calls_many.items()}
    return {"calls": sum(calls.values()), "by_name": calls}


def connect_syscalls(lab, proxy):
    """System calls for one relayed connection with one round trip on it."""
    if not shutil.which("strace"):
        return None
    process, address = lab.start(proxy)
    result, calls = traced(lab, process, "connect", address, "--concurrency", 50, *lab.sources(), seconds=1)
    process.stop()
    calls = {name: count / result["opened"] for name, count in calls.items()}
    return {"calls": sum(calls.values()), "by_name": calls}


def traced(lab, process, *arguments, seconds):
    """Puts traffic through `process` while strace counts. Returns the generator's result and the calls by name."""
    report = lab.folder / "strace.txt"
    pids = [part for pid in process.pids() for part in ("-p", str(pid))]
    tracer = Process(["strace", "-c", "-f", "-q", "-o", report, *pids], GENERATOR_CPU, lab.folder / "strace.log")
    wait_until_traced(process)
    result = lab.measure(*arguments, seconds=seconds)
    tracer.stop(signal.SIGINT)
    return result, calls_in(report.read_text())


def wait_until_traced(process):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        status = [open(f"/proc/{pid}/status", encoding="ascii").read() for pid in process.pids()]
        if all(not re.search(r"^TracerPid:\s+0$", text, re.M) for text in status):
            return
        time.sleep(0.02)
    raise BenchError("strace did not attach")


def calls_in(report):
    """Calls by name from the table of `strace -c`: % time, seconds, usecs/call, calls, errors if any, name."""
    rows = [line.split() for line in report.splitlines()]
    return {row[-1]: int(row[3]) for row in rows if len(row) >= 5 and row[0][0].isdigit() and row[-1] != "total"}


def instructions(lab, proxy):
    """User-space instructions for one relayed message, by the same difference as syscalls()."""
    if not shutil.which("valgrind"):
        return None
    counted = [instructions_of_run(lab, proxy, seconds) for seconds in (2, 6)]
    (few, few_instructions), (many, many_instructions) = counted
    return {"per_message": (many_instructions - few_instructions) / (2 * (many - few))}


def instructions_of_run(lab, proxy, seconds):
    out = lab.folder / "callgrind"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    wrapper = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}/%p"]
    process, address = lab.start(proxy, wrapper=wrapper)
    result = lab.measure("echo", address, "--connections", 50, seconds=seconds)
    process.stop(signal.SIGINT, 6 * PATIENCE)  # callgrind writes its file before it ends
    totals = [re.search(r"^(?:totals|summary): (\d+)", path.read_text(), re.M) for path in out.iterdir()]
    if not totals or not all(totals):
        raise BenchError("callgrind wrote no totals")
    return result["operations"], sum(int(total.group(1)) for total in totals)


def scaling(lab, proxy, workers):
    """CPU for one round trip, and how the workers share 400 connections, on two CPUs."""
    process, address = lab.start(proxy, workers=workers, cpus=WORKER_CPUS)
    held = lab.traffic("hold", address, "--connections", 400, "--ramp", 4000, seconds=60)
    held.read_json()
    split = [count for count in descriptors_by_poller(process) if count > 20]
    held.stop(signal.SIGINT)
    result, cpu = lab.measure_with_cpu(process, "echo", address, "--connections", 400)
    process.stop()
    return {"cpu_us": sum(cpu.values()) * 1e6 / result["operations"], "per_second": result["per_second"],
            "descriptors": split, "thread_seconds": sorted(cpu.values(), reverse=True)[:workers]}
