"""Which server a new connection gets."""
from collections import Counter

import pytest

from configuration import config

BOTH_POLICIES = pytest.mark.parametrize("policy", ["round_robin", "least_connections"])


@pytest.fixture
def three_servers(echo_backend):
    return [echo_backend(name) for name in "abc"]


def served(gateway, count):
    """Opens so many connections, one after the other, and keeps them. Returns how many each server got."""
    return Counter(gateway.connect().served_by for _ in range(count))


@BOTH_POLICIES
def test_one_worker_spreads_connections_evenly(run, three_servers, policy):
    gateway = run("run", config(pool=dict(policy=policy, servers=three_servers)))
    assert served(gateway, 60) == dict(a=20, b=20, c=20)
    assert gateway.metrics().by("server", "holdfast_server_connections") == dict(a=20, b=20, c=20)
    assert gateway.metrics().by("server", "holdfast_server_connections_total") == dict(a=20, b=20, c=20)


def test_two_workers_take_turns_each_for_itself(run, three_servers):
    gateway = run("run", config(pool=dict(policy="round_robin", servers=three_servers), node=dict(workers=2)))
    got = served(gateway, 60)
    assert set(got) == set("abc")
    assert all(abs(count - 20) <= 2 for count in got.values()), got  # each worker is even to within one


def test_two_workers_fill_servers_together(run, three_servers):
    gateway = run("run", config(pool=dict(policy="least_connections", servers=three_servers), node=dict(workers=2)))
    assert served(gateway, 60) == dict(a=20, b=20, c=20)


def test_round_robin_does_not_look_at_open_connections(run, three_servers):
    gateway = run("run", config(pool=dict(policy="round_robin", servers=three_servers)))
    kept = [gateway.connect() for _ in range(30)]
    for each in kept:
        if each.served_by == "a":
            each.close()
    gateway.wait_metric("holdfast_server_connections", 0, server="a")
    assert served(gateway, 9) == dict(a=3, b=3, c=3)


def test_least_connections_fills_the_server_that_lost_some(run, three_servers):
    gateway = run("run", config(pool=dict(policy="least_connections", servers=three_servers)))
    kept = [gateway.connect() for _ in range(30)]
    for each in kept:
        if each.served_by == "a":
            each.close()
    gateway.wait_metric("holdfast_server_connections", 0, server="a")
    assert served(gateway, 9) == dict(a=9)


@BOTH_POLICIES
def test_weights_are_shares(run, three_servers, policy):
    a, b, c = three_servers
    gateway = run("run", config(pool=dict(policy=policy, servers=[a.entry(weight=10), b.entry(weight=20),
                                                                  c.entry(weight=70)])))
    assert served(gateway, 100) == dict(a=10, b=20, c=70)
    assert gateway.metrics().by("server", "holdfast_server_weight") == dict(a=10, b=20, c=70)


@BOTH_POLICIES
def test_weight_0_gets_nothing(run, three_servers, policy):
    a, b, c = three_servers
    gateway = run("run", config(pool=dict(policy=policy, servers=[a, b.entry(weight=0), c])))
    assert served(gateway, 20) == dict(a=10, c=10)


def test_only_weight_0_is_no_server(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a").entry(weight=0)])))
    gateway.connect().expect_end()
    gateway.wait_metric("holdfast_closed_total", 1, reason="no_server")
    assert gateway.metric("holdfast_pool_servers_up") == gateway.metric("holdfast_server_up") == 0


def test_listeners_use_their_own_pools(run, three_servers):
    a, b, c = three_servers
    gateway = run("run", config(listener=[dict(name="one", pool="p"), dict(name="two", pool="q")],
                                pool=[dict(name="p", servers=[a]), dict(name="q", servers=[b, c])]))
    assert {gateway.connect(gateway.address("one")).served_by for _ in range(4)} == {"a"}
    assert {gateway.connect(gateway.address("two")).served_by for _ in range(4)} == {"b", "c"}
    assert gateway.metrics().by("listener", "holdfast_connections_total") == dict(one=4, two=4)
