"""The budget: what 8,000 idle connections cost the process, and that it gives everything back."""
import resource

import pytest

from configuration import config
from environment import SANITIZED, wait_until

PAIRS = 8_000
BYTES_PER_PAIR_MAX = 256


@pytest.mark.slow
@pytest.mark.skipif(SANITIZED, reason="sanitizers keep memory of their own for every allocation")
@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2 * PAIRS + 1000,
                    reason="the limit of open files is too low for so many connections")
def test_an_idle_pair_costs_at_most_256_bytes(run, echo_backend):
    hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")]), log=dict(connections=False)))
    first = gateway.connect()
    assert first.ask(b"x") == b"x"
    memory_before, descriptors_before = gateway.user_memory_bytes(), gateway.descriptors()

    clients = [gateway.connect() for _ in range(PAIRS)]
    for each in clients:
        assert each.ask(b"hello") == b"hello"
    gateway.wait_metric("holdfast_connections", PAIRS + 1)
    assert gateway.descriptors() >= descriptors_before + 2 * PAIRS
    per_pair = (gateway.user_memory_bytes() - memory_before) / PAIRS
    print(f"{per_pair:.0f} bytes of user memory for each idle pair")
    assert per_pair <= BYTES_PER_PAIR_MAX

    for each in clients:
        each.close()
    gateway.wait_metric("holdfast_connections", 1)
    wait_until(lambda: gateway.descriptors() <= descriptors_before,
               lambda: f"{gateway.descriptors()} descriptors, {descriptors_before} before")
    assert first.ask(b"still") == b"still"
