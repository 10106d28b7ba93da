#!/usr/bin/python3
"""Runs every test of the project and ends with one line, "N passed, N failed".

Without --preset: the checks of the tree, the unit tests, and the black-box tests of build/holdfast; then unit tests and
torture under both sanitizers, and every fuzzer for a few seconds. With --preset asan or tsan: that sanitizer alone,
with all black-box tests. With --soak SECONDS: the storm of 1,000 MQTT clients for so long, under each. A stage that could not run counts as one failure, and the rest still runs.
"""
import os
import re
import shutil
import sys

from project import arguments
from stages import Counts, Stages, jobs, judged, prepare_process, read_junit, run, steady_layout

MINUTE = 60
FUZZ_SECONDS = 5
QUICK = "not slow and not torture"  # markers of tests/blackbox
CHECKS = ("check_rooms", "check_format", "check_text", "check_conformance", "check_headers")
SANITIZERS = ("asan", "tsan")
CTEST_PASSED = re.compile(r"\s*Start +\d+: |.*\.\.\. +Passed ")

# A report ends the program with a status of its own; ctest sees that, and the black-box tests read its standard error.
# No detect_stack_use_after_return: under g++ 12.2 it misaligns alignas(64) locals, and UBSan then reports them.
SANITIZER_OPTIONS = {
    "asan": {
        "ASAN_OPTIONS": "halt_on_error=1:detect_leaks=1:strict_string_checks=1",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    },
    "tsan": {"TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1:history_size=4"},
}


class Build:
    """One preset's build folder, and how its programs are run."""

    def __init__(self, root, preset):
        self.root, self.preset = root, preset
        self.folder = root / ("build" if preset == "release" else f"build-{preset}")
        self.prefix = steady_layout() if preset in SANITIZERS else []

    def environment(self):
        return {"HOLDFAST": str(self.folder / "holdfast"),
                "HOLDFAST_SANITIZED": "1" if self.preset in SANITIZERS else "",
                "PYTHONDONTWRITEBYTECODE": "1",
                **SANITIZER_OPTIONS.get(self.preset, {})}

    def run(self, command, seconds, hidden=None, environment=None):
        return run([*self.prefix, *command], seconds, self.root, {**self.environment(), **(environment or {})}, hidden)

    def tested(self, command, seconds, junit, hidden=None, environment=None):
        """Runs a command that writes a JUnit report, and counts what that says."""
        junit.parent.mkdir(parents=True, exist_ok=True)
        junit.unlink(missing_ok=True)
        status = self.run(command, seconds, hidden, environment)
        return judged(status, read_junit(junit))

    # The stages. Each returns (counts, remark).

    def built(self, *targets):
        """Builds this preset, or these targets of it. No test by itself: counts only when it fails."""
        only = ["--target", *targets] if targets else []
        for command in (["cmake", "--preset", self.preset, "--log-level=WARNING"],
                        ["cmake", "--build", "--preset", self.preset, "-j", jobs(), *only]):
            status = self.run(command, 40 * MINUTE)
            if status != 0:
                return Counts(failed=1), "could not be built"
        return Counts(), ""

    def unit_tests(self, repeat):
        junit = self.folder / "unit.xml"
        command = ["ctest", "--test-dir", self.folder, "--output-junit", junit, "-j2", "--output-on-failure",
                   "--no-tests=error"]
        command += ["--repeat", f"until-fail:{repeat}"] if repeat > 1 else []
        return self.tested(command, 10 * MINUTE * repeat, junit, hidden=CTEST_PASSED)

    def black_box(self, marked, repeat):
        if not (self.folder / "holdfast").is_file():
            return Counts(failed=1), f"{self.folder.name}/holdfast is not built"
        total, remarks = Counts(), []
        for _ in range(repeat):
            counts, remark = self.pytest("tests/blackbox", self.folder / "blackbox.xml", marked)
            total, remarks = total + counts, remarks + [remark] * bool(remark)
        return total, "; ".join(dict.fromkeys(remarks))

    def storm(self, seconds):
        """The long version of a test that is skipped otherwise: skipped here it counts as a failure."""
        counts, remark = self.pytest("tests/blackbox/test_broker_faults.py", self.folder / "storm.xml", "torture",
                                     ["-k", "1000_clients"], {"HOLDFAST_STORM_S": str(seconds)}, 20 * MINUTE + 4 * seconds)
        if counts.skipped:
            return counts + Counts(failed=1), "the storm did not run"
        return counts, remark

    def pytest(self, what, junit, marked="", more=(), environment=None, seconds=20 * MINUTE):
        command = [sys.executable, "-m", "pytest", what, "-q", "-p", "no:cacheprovider", f"--junitxml={junit}",
                   "--durations=5"]
        command += ["-m", marked] if marked else []
        return self.tested([*command, *more], seconds, junit, environment=environment)


def check(root, name):
    """One of the checks of the tree, as one test."""
    status = run([sys.executable, f"tools/{name}.py"], 15 * MINUTE, root, {"PYTHONDONTWRITEBYTECODE": "1"})
    return (Counts(passed=1), "") if status == 0 else (Counts(failed=1), "")


def fuzzers(root):
    if shutil.which("clang++") is None:
        return Counts(skipped=1), "clang is not installed"
    junit = root / "build-fuzz/fuzz.xml"
    junit.unlink(missing_ok=True)
    status = run([sys.executable, "tools/run_fuzzers.py", FUZZ_SECONDS], 30 * MINUTE, root)
    return judged(status, read_junit(junit))


def check_tree(stages, root):
    for name in CHECKS:
        stages.stage(name.replace("_", " "), lambda name=name: check(root, name))
    release = Build(root, "release")
    stages.stage("tools", lambda: release.pytest("tools/test_tools.py", release.folder / "tools.xml"))


def test_release(stages, root, options):
    build = Build(root, "release")
    stages.stage("unit tests", lambda: build.unit_tests(options.repeat))
    stages.stage("black box", lambda: build.black_box(QUICK if options.quick else "", options.repeat))


def test_sanitized(stages, root, preset, marked, repeat):
    build = Build(root, preset)
    if not stages.stage(f"{preset}: build", build.built):
        return
    stages.stage(f"{preset}: unit tests", lambda: build.unit_tests(repeat))
    stages.stage(f"{preset}: black box", lambda: build.black_box(marked, repeat))


def soak(stages, root, seconds):
    for preset in SANITIZERS:
        build = Build(root, preset)
        if stages.stage(f"{preset}: build", lambda build=build: build.built("holdfast")):
            stages.stage(f"{preset}: storm of {seconds} s", lambda build=build: build.storm(seconds))


def test_all(stages, root, options):
    check_tree(stages, root)
    test_release(stages, root, options)
    if options.quick:
        return
    for preset in SANITIZERS:
        test_sanitized(stages, root, preset, "torture", 1)
    stages.stage("fuzzers", lambda: fuzzers(root))


def parse():
    parser = arguments(__doc__.split("\n")[0])
    parser.add_argument("--preset", choices=("release", *SANITIZERS), default="release", help="which build (release)")
    parser.add_argument("--quick", action="store_true", help="no sanitizers, fuzzers, or slow tests")
    parser.add_argument("--soak", type=int, metavar="SECONDS", help="the storm of MQTT clients alone, under each sanitizer")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="unit and black-box tests N times each")
    return parser.parse_args()


def main():
    options = parse()
    prepare_process()
    root = options.root.resolve()
    os.chdir(root)
    stages = Stages()
    if options.soak:
        soak(stages, root, options.soak)
    elif options.preset == "release":
        test_all(stages, root, options)
    else:
        test_sanitized(stages, root, options.preset, QUICK if options.quick else "", options.repeat)
    return stages.finish()


if __name__ == "__main__":
    sys.exit(main())
