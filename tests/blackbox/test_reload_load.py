"""Up to 50 reloads under load: 2,000 connections, 5,000 messages a second. What a change does not name loses nothing."""
import contextlib

import pytest

from configuration import config
from environment import SANITIZED, wait_until
from load import Load, lost

CONNECTIONS, RATE, RELOADS = (200, 500, 20) if SANITIZED else (2000, 5000, 50)
SECONDS = 5

pytestmark = pytest.mark.slow


def version(number, addresses):
    """A server and a listener come and go, a weight and a limit change; those that carry the load stay."""
    servers = [dict(name=f"s{i}", address=address) for i, address in enumerate(addresses)]
    servers[0]["weight"] = 50 + number % 7
    listeners = [dict(max_connections=10_000 + number)]
    listeners += [dict(name=f"l{number}")] if number % 3 == 1 else []
    pool = dict(slow_start="0s", servers=servers if number % 2 else servers[:2], on_remove="keep")
    return config(listener=listeners, pool=pool, node=dict(workers=2), log=dict(connections=False))


def reloaded(gateway, addresses):
    """What the load saw, and the descriptors and the memory of the gateway after the first reload and the last."""
    with contextlib.closing(Load(gateway.address(), CONNECTIONS, RATE, SECONDS)) as load:
        load.wait_for_traffic()
        number = 0
        while number < RELOADS and load.running():  # all of them fall into the time that is measured
            number += 1
            assert gateway.reload(version(number, addresses))["changed"]
            if number == 1:
                first = gateway.descriptors(), gateway.user_memory_bytes()
        assert number >= 10, f"a machine that can do {number} reloads in {SECONDS} s"
        gateway.reload(version(1, addresses))
        # A request to the admin server may still be closing, then as now.
        wait_until(lambda: abs(gateway.descriptors() - first[0]) <= 1, "nothing but what was there after the first")
        return load.result(), first[1], gateway.user_memory_bytes()


def test_fifty_reloads_lose_nothing_and_leave_nothing_behind(run, echo_servers):
    """What they cost those who are connected is a matter for bench/reload.py."""
    addresses = echo_servers(3).addresses
    gateway = run("run", version(0, addresses))
    seen, first_bytes, last_bytes = reloaded(gateway, addresses)
    assert lost(seen) == {}
    assert seen["opened"] == CONNECTIONS
    if not SANITIZED:
        assert last_bytes < first_bytes * 1.1 + (1 << 20)
    assert gateway.status()["config"]["reloads_total"] > 10
