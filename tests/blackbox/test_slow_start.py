"""A server that joins or returns gets its share bit by bit: pool.slow_start."""
import collections
import json

import pytest

from configuration import config
from environment import undisturbed, wait_until

CHECKS = dict(interval="50ms", fast_interval="20ms", timeout="5s", rise=1, fall=1, panic_threshold=0)


def pool(servers, slow_start, policy="least_connections", **more):
    return dict(servers=servers, policy=policy, slow_start=slow_start, health=CHECKS, **more)


def connect_many(gateway, count):
    """So many new connections; returns how many each server got."""
    before = gateway.metrics().by("server", "holdfast_server_connections_total")
    clients = [gateway.connect() for _ in range(count)]
    for each in clients:
        each.ask(b"x")
    after = gateway.metrics().by("server", "holdfast_server_connections_total")
    return +collections.Counter({name: int(after[name] - before.get(name, 0)) for name in after})


def return_of(gateway, server):
    """The server dies, its clients go, and it comes back."""
    server.kill()
    gateway.wait_server(server.name, state="DOWN")
    for each in gateway.clients():
        if each.served_by == server.name:
            each.close()
    gateway.wait_server(server.name, connections=0)
    server.restart()
    gateway.wait_server(server.name, state="UP")


@pytest.mark.slow
def test_a_server_that_returns_to_three_hundred_connections_is_not_flooded(run, echo_backend):
    servers = {name: echo_backend(name) for name in "abc"}
    gateway = run("run", config(pool=pool(list(servers.values()), "1h")))
    gateway.wait_metric("holdfast_pool_servers_up", 3)
    assert connect_many(gateway, 900) == dict(a=300, b=300, c=300)
    return_of(gateway, servers["a"])
    assert gateway.servers()["a"]["weight_now"] == 5
    got = connect_many(gateway, 100)
    # It is empty, so that without slow start it would get all of them. Its share is 5 of 205.
    assert got["a"] <= 12, got
    assert abs(got["b"] - got["c"]) <= 10, got
    assert gateway.metric("holdfast_server_connections", server="b") > 300


@pytest.mark.parametrize("policy", ["round_robin", "random", "random_two", "first", "hash"])
def test_no_policy_floods_a_server_that_returns(run, echo_backend, policy):
    servers = {name: echo_backend(name) for name in "abc"}
    gateway = run("run", config(pool=pool(list(servers.values()), "1h", policy, hash_load_bound=0)))
    gateway.wait_metric("holdfast_pool_servers_up", 3)
    servers["a"].kill()
    gateway.wait_server("a", state="DOWN")
    servers["a"].restart()
    gateway.wait_server("a", state="UP", weight_now=5)
    for n in range(120):
        gateway.connect(source=f"127.0.1.{n + 1}").ask(b"x")
    got = gateway.metrics().by("server", "holdfast_server_connections_total")
    assert sum(got.values()) == 120
    assert got["a"] <= 20, got


def test_the_weight_climbs_and_at_the_end_the_server_has_its_share(run, echo_backend):
    servers = {name: echo_backend(name) for name in "abc"}
    gateway = run("run", config(pool=pool(list(servers.values()), "1s")))
    gateway.wait_metric("holdfast_pool_servers_up", 3)
    assert connect_many(gateway, 60) == dict(a=20, b=20, c=20)

    def climbs():
        return_of(gateway, servers["a"])
        seen = []

        def climbed():
            weight = gateway.servers()["a"]["weight_now"]
            assert not seen or weight >= seen[-1], f"{weight} after {seen}"
            seen.append(weight)
            return weight == 100

        wait_until(climbed, lambda: f"the whole weight; it was {seen}")
        assert all(each % 5 == 0 for each in seen)
        assert len(set(seen)) >= 4 and seen[0] <= 50, seen

    undisturbed(climbs)  # it is over in a second
    assert gateway.metric("holdfast_server_weight_now", server="a") == 100
    gateway.wait_server("a", state_seconds=lambda now: now > 1.5)  # the last step has reached the workers long since
    assert connect_many(gateway, 20) == dict(a=20), "it fills up to the others now"
    assert gateway.metrics().by("server", "holdfast_server_connections") == dict(a=20, b=20, c=20)


def test_the_servers_of_the_beginning_do_not_start_slowly(run, echo_backend):
    gateway = run("run", config(pool=pool([echo_backend("a"), echo_backend("b")], "1h")))
    for name in "ab":
        gateway.wait_server(name, state="UP", weight_now=100)


def test_without_slow_start_a_server_is_whole_at_once(run, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = run("run", config(pool=pool([a, b], "0s")))
    gateway.wait_server("a", state="UP")
    return_of(gateway, a)
    assert gateway.servers()["a"]["weight_now"] == 100


def test_the_accept_rate_is_ramped_too(run, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    servers = [a.entry(max_accept_rate="40/s"), b]
    gateway = run("run", config(pool=pool(servers, "1h", "first")))
    gateway.wait_server("a", state="UP")
    return_of(gateway, a)
    got = connect_many(gateway, 60)
    # Two in a second and one at once, of which `first` gives it 1 of 20: it cannot have got more than a few.
    assert got["a"] <= 8, got
    assert got["b"] >= 52


def test_a_ramp_goes_on_when_the_list_changes(run, echo_backend, directory):
    a, b, c = (echo_backend(name) for name in "abc")
    file = directory / "servers.json"

    def write(*servers):
        fresh = directory / "fresh"
        fresh.write_text(json.dumps({"servers": [each.entry() for each in servers]}))
        fresh.rename(file)

    write(a, b)
    gateway = run("run", config(node=dict(data_dir=str(directory)),
                                pool=pool([], "20s", discovery=dict(path=str(file)))))
    gateway.wait_server("a", state="UP")
    return_of(gateway, a)
    before = gateway.wait_server("a", weight_now=lambda weight: weight >= 10)
    write(a, b, c)
    gateway.wait_server("c", state="UP", weight_now=lambda weight: 5 <= weight < 100)
    after = gateway.servers()
    assert before["weight_now"] <= after["a"]["weight_now"] < 100
    assert after["a"]["weight_now"] > after["c"]["weight_now"], "each has its own ramp"
    assert after["b"]["weight_now"] == 100


def test_a_new_server_is_asked_first_and_then_starts_slowly(run, echo_backend, refusing_backend, directory):
    a, late, dead = echo_backend("a"), echo_backend("late"), refusing_backend("dead")
    file = directory / "servers.json"
    file.write_text(json.dumps({"servers": [a.entry()]}))
    gateway = run("run", config(node=dict(data_dir=str(directory)),
                                pool=pool([], "1h", discovery=dict(path=str(file)))))
    fresh = directory / "fresh"
    fresh.write_text(json.dumps({"servers": [each.entry() for each in (a, late, dead)]}))
    fresh.rename(file)
    gateway.wait_server("late", state="UP", weight_now=5)
    gateway.wait_server("dead", state="DOWN", weight_now=0, check=lambda check: check["result"] == "connection refused")
    assert gateway.metric("holdfast_server_connect_failures_total", server="dead") == 0
