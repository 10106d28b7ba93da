"""How a runner runs its stages: live output, a time limit each, counts at the end."""
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

# Debian 12's sanitizers know address layouts of at most this randomness; with more they die now and then at the start.
SANITIZER_RANDOM_BITS_MAX = 28


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else "")


@dataclass
class Row:
    """One stage in the table at the end."""

    name: str
    counts: Counts
    seconds: float
    remark: str = ""


def say(text=""):
    print(text, flush=True)


def heading(text):
    say(f"\n=== {text} " + "=" * max(3, 100 - len(text)))


def run(command, seconds, cwd, env=None, hidden=None):
    """Runs a command with its output going where ours goes, but for lines that match `hidden`.

    Returns its exit status; None when it took too long.
    """
    say("$ " + " ".join(map(str, command)))
    child = subprocess.Popen([*map(str, command)], cwd=cwd, env={**os.environ, **(env or {})},
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if hidden else None,
                             start_new_session=True)
    reader = threading.Thread(target=pass_on, args=(child.stdout, hidden), daemon=True)
    if hidden:
        reader.start()
    try:
        return child.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        say(f"stopped after {seconds:.0f} seconds")
        return None
    finally:
        end_group(child)
        if hidden:
            reader.join(timeout=10)


def pass_on(lines, hidden):
    for line in lines:
        text = line.decode(errors="replace").rstrip()
        if not hidden.match(text):
            say(text)


def end_group(child):
    """Ends what is left of the child and of all that it started in its session."""
    for end in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, end)
        except ProcessLookupError:
            break
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            continue
    child.wait()


def read_junit(path):
    """The counts of a JUnit report; None when there is none that can be read."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError):
        return None
    counts = Counts()
    for case in root.iter("testcase"):
        outcome = {child.tag for child in case}
        if outcome & {"failure", "error"} or case.get("status") == "fail":
            counts.failed += 1
        elif "skipped" in outcome or case.get("status") in ("notrun", "disabled"):
            counts.skipped += 1
        else:
            counts.passed += 1
    return counts


def judged(status, counts):
    """Counts and remark of a stage from its exit status and its report. What could not run counts as one failure."""
    if status is None:
        return (counts or Counts()) + Counts(failed=1), "took too long"
    if counts is None:
        return Counts(failed=1), f"could not run (exit status {status})"
    if counts == Counts():
        return Counts(failed=1), "no test was found"
    if status != 0 and counts.failed == 0:
        return counts + Counts(failed=1), f"exit status {status}"
    return counts, ""


class Stages:
    """Runs stages one after the other, whatever comes of each, and keeps the table."""

    def __init__(self):
        self.rows = []

    def stage(self, name, body):
        """`body` returns (counts, remark). True when nothing failed."""
        heading(name)
        begun = time.monotonic()
        try:
            counts, remark = body()
        except OSError as error:
            counts, remark = Counts(failed=1), f"could not run: {error}"
        self.rows.append(Row(name, counts, time.monotonic() - begun, remark))
        say(f"--- {name}: {counts}" + (f" ({remark})" if remark else ""))
        return counts.failed == 0

    def finish(self):
        """Prints the table and the closing line. Returns the exit status."""
        width = max((len(row.name) for row in self.rows), default=0)
        heading("summary")
        say(f"{'stage':{width}}  passed  failed  skipped  seconds")
        for row in self.rows:
            counts = row.counts
            say(f"{row.name:{width}}  {counts.passed:6}  {counts.failed:6}  {counts.skipped:7}  {row.seconds:7.1f}"
                + (f"  {row.remark}" if row.remark else ""))
        total = sum((row.counts for row in self.rows), Counts())
        say()
        say(str(total))
        return 1 if total.failed else 0


def steady_layout():
    """A prefix for commands with sanitizers, where the kernel randomises addresses more than they can bear."""
    try:
        bits = int(Path("/proc/sys/vm/mmap_rnd_bits").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return []
    prefix = ["setarch", "-R"]
    if bits <= SANITIZER_RANDOM_BITS_MAX or shutil.which("setarch") is None:
        return []
    allowed = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    if not allowed:
        say(f"note: addresses have {bits} random bits and setarch -R is not allowed: sanitizers may fail to start")
    return prefix if allowed else []


def jobs():
    """As many compilers at once as there are cores, and memory for (2 GB each with sanitizers)."""
    gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return max(1, min(os.cpu_count() or 1, int(gigabytes / 2)))


def prepare_process():
    """Output appears as it comes, and a request to end also ends what was started."""
    sys.stdout.reconfigure(line_buffering=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
