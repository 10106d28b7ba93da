"""What is tested, how patient the tests are, and how they wait.

HOLDFAST            the program under test (default: build/holdfast of this repository)
HOLDFAST_SANITIZED  set when that program has sanitizers built in: more patience, smaller loads
HOLDFAST_SANDBOX    set to run every gateway under the system-call filter of packaging/holdfast.service
HOLDFAST_SEED       the seed of whatever is random; printed by the tests that use it
"""
import os
import random
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("HOLDFAST") or REPOSITORY / "build" / "holdfast").resolve()
SANITIZED = os.environ.get("HOLDFAST_SANITIZED", "") not in ("", "0")
SANDBOXED = os.environ.get("HOLDFAST_SANDBOX", "") not in ("", "0")
SANDBOX = [REPOSITORY / "tools" / "sandbox.py", REPOSITORY / "packaging" / "holdfast.service"]  # before a command
SEED = int(os.environ.get("HOLDFAST_SEED") or random.SystemRandom().getrandbits(32))

# How long something that must happen may take. A test that passes never waits that long.
PATIENCE_S = 60.0 if SANITIZED else 15.0


def scaled(released, sanitized):
    """A load or a limit that depends on how fast the program under test is."""
    return sanitized if SANITIZED else released


def seconds_of(work):
    """How long work() took, and what it returned."""
    start = time.monotonic()
    result = work()
    return time.monotonic() - start, result


def undisturbed(attempt, times=5):
    """What attempt() returns when it does not fail: for what a machine that stands still for a moment spoils.

    A fault fails each time. What must hold however slow the machine is, such as that nothing comes too early, is better
    asserted without this.
    """
    for _ in range(times - 1):
        try:
            return attempt()
        except (AssertionError, OSError) as failure:
            print(f"disturbed, once more: {failure!r}")
    return attempt()


def wait_until(condition, what, within_s=PATIENCE_S):
    """Returns the first true value of condition(). `what`, a text or a callable, says what did not happen in time."""
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within_s:g} s: {what() if callable(what) else what}")
        time.sleep(0.01)
