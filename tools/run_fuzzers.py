#!/usr/bin/python3
"""Builds every fuzzer (x_fuzz.cc of a room) and runs each for SECONDS. Exit status 1 when one finds something.

Inputs to start from: tests/fuzz/FUZZER/, tests/ROOM/ and what earlier runs have kept in build-fuzz/corpus/FUZZER/.
What crashes a fuzzer is left in build-fuzz/artifacts/; run build-fuzz/.../FUZZER FILE to see it again.
"""
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from project import arguments
from stages import Counts, heading, jobs, prepare_process, run, say, steady_layout

BUILD_SECONDS_MAX = 30 * 60
GRACE_SECONDS = 60
TAIL_LINES = 60
LIMITS = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=65536", "-print_final_stats=1"]
ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}


@dataclass(frozen=True)
class Fuzzer:
    """A source x_fuzz.cc of a room is the program ROOM_x_fuzz; cmake/room.cmake builds it so."""

    room: str
    name: str

    def seeds(self, root):
        return [folder for folder in (root / "tests/fuzz" / self.name, root / "tests" / self.room) if folder.is_dir()]


@dataclass(frozen=True)
class Outcome:
    fuzzer: Fuzzer
    seconds: float
    runs: int
    coverage: int
    finding: str  # empty: none


def find_fuzzers(root):
    return sorted((Fuzzer(path.relative_to(root).parts[1], f"{path.relative_to(root).parts[1]}_{path.stem}")
                   for path in (root / "src").rglob("*_fuzz.cc")), key=lambda fuzzer: fuzzer.name)


def build(root, fuzzers):
    targets = [word for fuzzer in fuzzers for word in ("--target", fuzzer.name)]
    for command in (["cmake", "--preset", "fuzz", "--log-level=WARNING"],
                    ["cmake", "--build", "--preset", "fuzz", "-j", jobs(), *targets]):
        if run([*steady_layout(), *command], BUILD_SECONDS_MAX, root) != 0:
            return False
    return True


def fuzz(root, fuzzer, seconds):
    """Runs one fuzzer. What it writes goes to a log; its end is shown only when it has found something."""
    folder = root / "build-fuzz"
    corpus, artifacts, logs = folder / "corpus" / fuzzer.name, folder / "artifacts", folder / "logs"
    for path in (corpus, artifacts, logs):
        path.mkdir(parents=True, exist_ok=True)
    command = [*steady_layout(), folder / fuzzer.name, *LIMITS, f"-max_total_time={seconds}",
               f"-artifact_prefix={artifacts}/{fuzzer.name}-", *dictionary(root, fuzzer), corpus, *fuzzer.seeds(root)]
    begun, log = time.monotonic(), logs / f"{fuzzer.name}.log"
    with open(log, "wb") as output:
        status = watched([*map(str, command)], output, seconds + GRACE_SECONDS)
    text = log.read_text(errors="replace")
    outcome = Outcome(fuzzer, time.monotonic() - begun, last_number(r"number_of_executed_units:\s*(\d+)", text),
                      last_number(r"\bcov: (\d+)", text), finding(status, text))
    tell(outcome, text, log.relative_to(root))
    return outcome


def watched(command, output, seconds):
    """The exit status; None when it had to be stopped."""
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                              env={**os.environ, **ENVIRONMENT}, timeout=seconds, check=False).returncode
    except subprocess.TimeoutExpired:
        return None


def dictionary(root, fuzzer):
    path = root / "tests/fuzz" / f"{fuzzer.name}.dict"
    return [f"-dict={path}"] if path.is_file() else []


def last_number(pattern, text):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def finding(status, text):
    if status == 0:
        return ""
    if status is None:
        return "did not stop in time"
    said = re.search(r"ERROR: (.*)|runtime error: (.*)", text)
    return (said[1] or said[2])[:80] if said else f"exit status {status}"


def tell(outcome, text, log):
    say(f"{outcome.fuzzer.name}: {outcome.finding or 'nothing found'}")
    if outcome.finding:
        say("\n".join(text.splitlines()[-TAIL_LINES:]) + f"\n(all of it: {log})")


def table(outcomes):
    width = max(len(outcome.fuzzer.name) for outcome in outcomes)
    say(f"{'fuzzer':{width}}  seconds        runs  a second  coverage  result")
    for outcome in outcomes:
        speed = outcome.runs / max(outcome.seconds, 0.001)
        say(f"{outcome.fuzzer.name:{width}}  {outcome.seconds:7.1f}  {outcome.runs:10}  {speed:8.0f}  "
            f"{outcome.coverage:8}  {outcome.finding or 'nothing found'}")


def write_junit(path, outcomes):
    suite = ElementTree.Element("testsuite", name="fuzzers", tests=str(len(outcomes)))
    for outcome in outcomes:
        case = ElementTree.SubElement(suite, "testcase", name=outcome.fuzzer.name, time=f"{outcome.seconds:.1f}")
        if outcome.finding:
            ElementTree.SubElement(case, "failure", message=outcome.finding)
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def main():
    parser = arguments(__doc__.split("\n")[0])
    parser.add_argument("seconds", type=int, help="how long each fuzzer runs")
    options = parser.parse_args()
    prepare_process()
    root = options.root.resolve()
    fuzzers = find_fuzzers(root)
    if not fuzzers:
        say("there is no fuzzer in src/")
        return 1
    if not build(root, fuzzers):
        say("the fuzzers could not be built")
        return 1
    heading(f"{len(fuzzers)} fuzzers, {options.seconds} seconds each")
    with ThreadPoolExecutor(max_workers=2) as pool:
        outcomes = list(pool.map(lambda fuzzer: fuzz(root, fuzzer, options.seconds), fuzzers))
    heading("fuzzers")
    table(outcomes)
    write_junit(root / "build-fuzz/fuzz.xml", outcomes)
    failed = sum(bool(outcome.finding) for outcome in outcomes)
    say(f"\n{Counts(len(outcomes) - failed, failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
