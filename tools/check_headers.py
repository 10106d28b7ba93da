#!/usr/bin/python3
"""Every header compiles alone, with the flags of its room.

Flags come from the compile_commands.json of a configured build. A header is compiled again only when it, a header of
the project that it includes, or its flags have changed; what passed is remembered in BUILD/header_check/.
"""
import hashlib
import json
import re
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from project import Fault, arguments, cpp_files, read, tell

JOBS = 2
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)
WITH_VALUE = {"-o", "-MF", "-MT", "-MQ", "-c", "-include", "-Xclang"}
DROPPED = re.compile(r"-(?:c|M\w*|Winvalid-pch|fpch-preprocess|O\w|g\w*|D_FORTIFY_SOURCE=\d|U_FORTIFY_SOURCE)$")


class Flags:
    """How the build compiles each folder."""

    def __init__(self, root, build):
        self.root = root
        self.by_folder = {}
        for entry in json.loads(read(build / "compile_commands.json")):
            source = Path(entry["file"])
            if source.is_relative_to(root) and source.suffix == ".cc":
                words = entry.get("arguments") or shlex.split(entry["command"])
                is_test = source.stem.endswith(("_test", "_fuzz"))
                self.by_folder.setdefault((source.parent.relative_to(root), is_test), words)

    def of(self, header):
        """The compiler call for a header, without its input; None where nothing near it is built."""
        for folder in header.parents:
            for is_test in (True, False) if "test" in header.stem else (False, True):
                if words := self.by_folder.get((folder, is_test)):
                    return kept_words(words)
        return None


def kept_words(command):
    """The compiler with paths, definitions and warnings; no outputs, no precompiled header, no optimisation."""
    kept, skip = [], False
    for word in command:
        if skip:
            skip = False
        elif word in WITH_VALUE:
            skip = True
        elif not DROPPED.match(word) and not word.endswith((".cc", ".gch", ".pch")) and Path(word).name != "ccache":
            kept.append(word)
    return kept


class Header:
    def __init__(self, root, path, flags):
        self.root, self.path, self.flags = root, path, flags

    def fingerprint(self):
        """Of the flags, the header, and every header of the project that it brings in."""
        seen = {}
        self.collect(self.root / self.path, seen)
        digest = hashlib.sha256(json.dumps(self.flags).encode())
        for path in sorted(seen):
            digest.update(f"\0{path.relative_to(self.root)}\0{seen[path]}".encode())
        return digest.hexdigest()

    def collect(self, path, seen):
        seen[path] = read(path)
        for name in INCLUDE.findall(seen[path]):
            for found in (path.parent / name, self.root / "src" / name):
                if found.is_file() and found.resolve() not in seen:
                    self.collect(found.resolve(), seen)
                    break

    def compile(self, seconds):
        """What the compiler has against it; empty when nothing."""
        command = [*self.flags, "-fsyntax-only", "-x", "c++", "-"]
        try:
            done = subprocess.run(command, input=f'#include "{self.root / self.path}"\n', cwd=self.root, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            return "not compiled in the time there was"
        return "" if done.returncode == 0 else done.stdout.strip() or f"the compiler ended with {done.returncode}"


class Remembered:
    """Fingerprints of headers that passed. Written after each, so that a run that was cut short is not lost."""

    def __init__(self, folder):
        self.file = folder / "header_check/passed"
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.passed = set(read(self.file).split()) if self.file.is_file() else set()

    def keep(self, fingerprint):
        with open(self.file, "a", encoding="ascii") as file:
            file.write(fingerprint + "\n")

    def forget_others(self, current):
        if len(self.passed) > 4 * len(current):
            self.file.write_text("".join(mark + "\n" for mark in sorted(self.passed & current)), encoding="ascii")


class Progress:
    """One line that counts up on a terminal; a line now and then elsewhere."""

    def __init__(self, total):
        self.total, self.done, self.told = total, 0, time.monotonic()

    def step(self, path):
        self.done += 1
        if sys.stdout.isatty():
            print(f"\r\033[K{self.done}/{self.total} {path}", end="\n" if self.done == self.total else "", flush=True)
        elif time.monotonic() - self.told > 15 or self.done == self.total:
            self.told = time.monotonic()
            print(f"{self.done}/{self.total} headers compiled", flush=True)


def check(headers, remembered, seconds):
    """The faults of all headers, and how many had to be compiled."""
    marks = {header: header.fingerprint() for header in headers}
    remembered.forget_others(set(marks.values()))
    todo = [header for header in headers if marks[header] not in remembered.passed]
    progress, deadline = Progress(len(todo)), time.monotonic() + seconds

    def one(header):
        left = deadline - time.monotonic()
        said = header.compile(left) if left > 0 else "not compiled in the time there was"
        if not said:
            remembered.keep(marks[header])
        progress.step(header.path)
        return [Fault(str(header.path), 1, f"does not compile alone:\n{said}")] if said else []

    with ThreadPoolExecutor(max_workers=JOBS) as pool:
        return [fault for faults in pool.map(one, todo) for fault in faults], len(todo)


def main():
    parser = arguments(__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, help="a configured build folder (default: build/ of the tree)")
    parser.add_argument("--seconds", type=float, default=600, help="give up after this time (default: 600)")
    options = parser.parse_args()
    root = options.root.resolve()
    build = options.build or root / "build"
    if not (build / "compile_commands.json").is_file():
        print(f"{build}/compile_commands.json is not there: configure the build first (make build)", file=sys.stderr)
        return 1
    flags = Flags(root, build)
    headers, faults = [], []
    for path in cpp_files(root):
        if path.suffix == ".h":
            words = flags.of(path)
            headers.append(Header(root, path, words)) if words else faults.append(
                Fault(str(path), 1, "nothing of its folder is built, so its flags are not known"))
    found, compiled = check(headers, Remembered(build), options.seconds)
    return tell(faults + found, "check_headers", f"{len(headers)} headers, {compiled} compiled")


if __name__ == "__main__":
    sys.exit(main())
