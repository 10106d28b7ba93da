"""50 reloads under load: 2,000 connections, 5,000 messages a second. Nothing is lost that the change does not name."""
import contextlib
import statistics

import pytest

from configuration import config
from environment import SANITIZED
from load import Load, lost

CONNECTIONS, RATE, RELOADS = (200, 500, 20) if SANITIZED else (2000, 5000, 50)
SECONDS = 5
ROUNDS_MAX = 5

pytestmark = pytest.mark.slow


def version(number, addresses):
    """A server and a listener come and go, a weight and a limit change; those that carry the load stay."""
    servers = [dict(name=f"s{i}", address=address) for i, address in enumerate(addresses)]
    servers[0]["weight"] = 50 + number % 7
    listeners = [dict(max_connections=10_000 + number)]
    listeners += [dict(name=f"l{number}")] if number % 3 == 1 else []
    pool = dict(slow_start="0s", servers=servers if number % 2 else servers[:2], on_remove="keep")
    return config(listener=listeners, pool=pool, node=dict(workers=2), log=dict(connections=False))


def quiet(gateway):
    with contextlib.closing(Load(gateway.address(), CONNECTIONS, RATE, SECONDS)) as load:
        return load.result()


def reloaded(gateway, addresses, after_the_first):
    gateway.reload(version(0, addresses))  # where the round before has ended, the first reload would change nothing
    with contextlib.closing(Load(gateway.address(), CONNECTIONS, RATE, SECONDS)) as load:
        load.wait_for_traffic()
        for number in range(1, RELOADS + 1):
            assert gateway.reload(version(number, addresses))["changed"]
            if number == 1:
                after_the_first.append((gateway.descriptors(), gateway.user_memory_bytes()))
        assert load.running(), "all of them fell into the time that was measured"
        gateway.reload(version(1, addresses))
        after_the_first.append((gateway.descriptors(), gateway.user_memory_bytes()))
        return load.result()


def test_fifty_reloads_lose_nothing_and_leave_nothing_behind(run, echo_servers):
    addresses = echo_servers(3).addresses
    gateway = run("run", version(0, addresses))
    ratios = []
    while not ratios or (statistics.median(ratios) > 3 and len(ratios) < ROUNDS_MAX):
        before, usage = quiet(gateway), []
        during = reloaded(gateway, addresses, usage)
        assert lost(before) == lost(during) == {}
        assert during["opened"] == CONNECTIONS
        ratios.append(during["latency_us"]["p99"] / before["latency_us"]["p99"])
        (first_descriptors, first_bytes), (last_descriptors, last_bytes) = usage
        assert last_descriptors == first_descriptors
        if not SANITIZED:
            assert last_bytes < first_bytes * 1.1 + (1 << 20)
    assert SANITIZED or statistics.median(ratios) <= 3, f"p99 with reloads / without: {ratios}"
    assert gateway.status()["config"]["reloads_total"] == len(ratios) * (RELOADS + 2)
