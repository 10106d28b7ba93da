"""Processes of a benchmark: started in groups of their own, pinned to a CPU, measured from /proc, and always stopped."""

import json
import os
import re
import signal
import subprocess
import threading
import time

PATIENCE = 10  # seconds until what must happen is given up


class BenchError(Exception):
    """A measurement that could not be made, or whose run had errors."""


class Process:
    """One program and all it forks. It leads a process group, so that its children are found and stopped with it."""

    running = []  # every process that has not been stopped yet

    def __init__(self, command, cpus, log):
        self.command = [str(part) for part in command]
        self.log = open(log, "ab")
        pinned = ["taskset", "-c", cpus, *self.command]
        self.popen = subprocess.Popen(pinned, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log,
                                      start_new_session=True)
        self.group = self.popen.pid
        Process.running.append(self)

    def read_json(self, patience=PATIENCE):
        """The next line of standard output, which must be JSON."""
        line = []
        reader = threading.Thread(target=lambda: line.append(self.popen.stdout.readline()), daemon=True)
        reader.start()
        reader.join(patience)
        if not line or not line[0]:
            raise BenchError(f"{' '.join(self.command)} said nothing; see {self.log.name}")
        return json.loads(line[0])

    def pids(self):
        """The living processes of the group, children included."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and group_of(entry) == self.group:
                found.append(int(entry))
        return found

    def stop(self, how=signal.SIGTERM, patience=PATIENCE):
        if self not in Process.running:
            return
        Process.running.remove(self)
        for sign in (how, signal.SIGKILL):
            try:
                os.killpg(self.group, sign)
            except ProcessLookupError:
                pass
            try:
                self.popen.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue
        if self.pids():
            os.killpg(self.group, signal.SIGKILL)
        self.popen.stdout.close()
        self.log.close()

    @staticmethod
    def stop_all():
        for process in list(Process.running):
            process.stop()


def group_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return int(stat.read().rpartition(")")[2].split()[2])
    except (OSError, ValueError, IndexError):
        return None


def task_seconds(pids):
    """CPU seconds of every thread of these processes, by thread: to the nanosecond, or to the tick without schedstat."""
    seconds = {}
    for pid in pids:
        try:
            tasks = os.listdir(f"/proc/{pid}/task")
        except FileNotFoundError:
            continue
        for task in tasks:
            try:
                seconds[task] = one_task_seconds(f"/proc/{pid}/task/{task}")
            except FileNotFoundError:
                continue
    return seconds


def one_task_seconds(path):
    try:
        with open(path + "/schedstat", encoding="ascii") as schedstat:
            return int(schedstat.read().split()[0]) / 1e9
    except (PermissionError, IndexError):
        with open(path + "/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class CpuSampler:
    """Notes the CPU time of a process group every few milliseconds, so that the part that fell into a window can be told
    afterwards, exactly enough: the error is a sample's length at each end."""

    INTERVAL = 0.01

    def __init__(self, process):
        self.pids = process.pids()
        self.samples = []
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()

    def work(self):
        while not self.done.is_set():
            self.samples.append((time.monotonic(), task_seconds(self.pids)))
            self.done.wait(self.INTERVAL)

    def seconds(self, start, length):
        """CPU seconds by thread between two moments of CLOCK_MONOTONIC."""
        before, after = self.at(start), self.at(start + length)
        return {task: after[task] - before.get(task, 0.0) for task in after}

    def at(self, moment):
        for (t0, s0), (t1, s1) in zip(self.samples, self.samples[1:]):
            if t0 <= moment <= t1:
                part = (moment - t0) / (t1 - t0)
                return {task: s0.get(task, 0.0) + part * (s1[task] - s0.get(task, 0.0)) for task in s1}
        raise BenchError("the CPU time was not sampled when it mattered")


def private_bytes(process):
    """Memory that only these processes have: what would be free without them, kernel memory aside."""
    return rollup_bytes(process, "Private_Dirty")


def proportional_bytes(process):
    """What the processes use together: their share of what they share with others."""
    return rollup_bytes(process, "Pss")


def rollup_bytes(process, line):
    total = 0
    for pid in process.pids():
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            total += 1024 * int(re.search(rf"^{line}:\s+(\d+) kB", rollup.read(), re.M).group(1))
    return total


def descriptors_by_poller(process):
    """How many descriptors each epoll instance of a process watches: how its workers share the connections."""
    counts = []
    for pid in process.pids():
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                if os.readlink(f"/proc/{pid}/fd/{fd}") != "anon_inode:[eventpoll]":
                    continue
                with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as info:
                    counts.append(info.read().count("tfd:"))
            except FileNotFoundError:
                continue
    return sorted(counts, reverse=True)
