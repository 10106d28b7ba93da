#!/usr/bin/python3
"""sandbox.py UNIT PROGRAM...: runs a program under the system-call filter of a systemd unit, without systemd.

What the filter does not allow ends the program with SIGSYS, so that a test sees it; the unit itself may be milder.
Source: systemd.exec(5), SystemCallFilter=; the groups (@system-service) are those of this machine's systemd.
"""
import ctypes
import errno
import os
import subprocess
import sys
from pathlib import Path

_KILL_PROCESS, _ALLOW = 0x80000000, 0x7FFF0000  # seccomp(2)
_UNKNOWN = -1  # __NR_SCMP_ERROR: no system call has this name here
_KEY = "SystemCallFilter="


def filter_lines(unit):
    """The values of SystemCallFilter= in the order of the unit."""
    return [line.removeprefix(_KEY) for line in unit.splitlines() if line.startswith(_KEY)]


def members(group):
    """What a group has, groups in it included, as systemd knows it."""
    said = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True)
    names = [line.strip() for line in said.stdout.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
    return set().union(*map(expanded, names))


def expanded(name):
    return members(name) if name.startswith("@") else {name}


def allowed(lines):
    """The system calls that are left when the lines, of which the first says what is allowed, have been heard."""
    if not lines or lines[0].startswith("~"):
        raise ValueError("the first SystemCallFilter= must say what is allowed")
    calls = set(members("@default"))  # always in an allow-list: systemd.exec(5)
    for line in lines:
        named = set().union(*map(expanded, line.removeprefix("~").split()))
        calls = calls - named if line.startswith("~") else calls | named
    return calls


def enter(calls):
    """From now on this process, and what it starts, can make no other system calls."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_KILL_PROCESS)))
    for call in sorted(calls):
        number = library.seccomp_syscall_resolve_name(call.encode())
        if number == _UNKNOWN:
            continue
        status = library.seccomp_rule_add_array(context, ctypes.c_uint32(_ALLOW), number, 0, None)
        if status not in (0, -errno.EDOM):  # EDOM: a call of another architecture
            raise OSError(-status, f"{call}: {os.strerror(-status)}")
    if status := library.seccomp_load(context):  # sets no_new_privs too
        raise OSError(-status, os.strerror(-status))


def main():
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    calls = allowed(filter_lines(Path(sys.argv[1]).read_text(encoding="utf-8")))
    program = sys.argv[2]
    enter(calls)
    os.execvp(program, sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
