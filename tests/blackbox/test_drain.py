"""Draining: a server, a listener, the node. Nobody new, and those who are there leave as they were told."""
import json
import signal
import time

import pytest

from configuration import config
from environment import wait_until
from gateway import CONNECTIONS_CUT, ENDED_AT_ONCE
from test_stop import is_refused


@pytest.fixture
def two(run, echo_backend):
    """A gateway before a and b, with ten connections to each."""
    gateway = run("run", config(pool=dict(slow_start="0s", servers=[echo_backend("a"), echo_backend("b")])))
    clients = [gateway.connect() for _ in range(20)]
    for each in clients:
        each.ask(b"hello")
    return gateway, [each for each in clients if each.served_by == "a"], [each for each in clients
                                                                          if each.served_by == "b"]


def now_at(gateway, listener="main"):
    """Where a listener listens that was bound again: port 0 is another port then."""
    return gateway.listener(listener)["addresses"][0]


def all_hold(clients):
    return all(each.ask(b"still here") == b"still here" for each in clients)


def test_a_drained_server_gets_nobody_new_and_keeps_those_it_has(two):
    gateway, of_a, of_b = two
    server = gateway.change_server("a", state="drain")
    assert server["state"] == "DRAIN" and not server["up"] and server["drain"]["remaining"] == len(of_a)
    assert {gateway.connect().served_by for _ in range(5)} == {"b"}
    assert all_hold(of_a + of_b)
    assert gateway.change_server("a", state="ready")["state"] == "UP"
    assert gateway.connect().served_by == "a", "it has the fewest"


def test_a_drain_with_a_rate_closes_in_order_and_paced(two):
    gateway, of_a, of_b = two
    begun = time.monotonic()
    gateway.change_server("a", state="drain", rate="20/s")
    for each in of_a:
        each.expect_end()
    took = time.monotonic() - begun
    assert took > (len(of_a) - 4) / 20, "not all at once: a tenth of a second's worth may come together"
    for each in of_a:
        each.close()
    ended = gateway.wait_ended(len(of_a), reason="server_drained")
    assert {each["server"] for each in ended} == {"p/a"}
    gateway.wait_server("a", connections=0, state="DRAIN", drain=lambda drain: drain["remaining"] == 0)
    assert gateway.servers()["a"]["drain"]["closed"] == len(of_a)
    assert all_hold(of_b)


def test_the_longest_idle_go_first(two):
    gateway, of_a, _ = two
    busy, idle = of_a[:3], of_a[3:]
    begun = time.monotonic()
    wait_until(lambda: all_hold(busy) and time.monotonic() > begun + 0.3, "some talk of the busy ones")
    gateway.change_server("a", state="drain", rate="10/s")
    while any(each.nothing_came() for each in of_a):
        busy_left = [each for each in busy if each.nothing_came()]  # looked at first: who is idle must be gone by then
        assert busy_left == busy or not any(each.nothing_came() for each in idle)


def test_ready_stops_a_drain(two):
    gateway, of_a, _ = two
    gateway.change_server("a", state="drain", rate="1/m")
    wait_until(lambda: not all(each.nothing_came() for each in of_a), "the first is closed")
    gateway.change_server("a", state="ready")
    left = [each for each in of_a if each.nothing_came()]
    assert len(left) >= len(of_a) - 2
    assert all_hold(left)
    assert gateway.servers()["a"]["drain"] is None


def test_after_the_deadline_the_rest_is_closed_at_once(two):
    gateway, of_a, of_b = two
    gateway.change_server("a", state="drain", deadline="1500ms")
    assert all_hold(of_a)
    for each in of_a:
        each.expect_end()
    assert all_hold(of_b)


def test_maint_takes_a_server_out_without_checks_and_ready_brings_it_back(run, counting_backend, echo_backend):
    a = counting_backend("a")
    health = dict(interval="30ms", fast_interval="30ms", rise=1, fall=1)
    gateway = run("run", config(pool=dict(slow_start="0s", health=health, servers=[a, echo_backend("b")])))
    gateway.wait_server("a", state="UP")
    server = gateway.change_server("a", state="maint")
    assert server["state"] == "MAINT" and server["mode_by"] == "operator"
    assert {gateway.connect().served_by for _ in range(3)} == {"b"}
    gateway.change_server("a", state="ready")
    gateway.wait_server("a", up=True)


def test_a_drained_listener_is_not_ready_and_waits_before_it_accepts_no_more(run, echo_backend):
    listeners = [dict(name="one"), dict(name="two")]
    gateway = run("run", config(listener=listeners, pool=dict(servers=[echo_backend("a")])))
    one, two = gateway.connect(gateway.address("one")), gateway.connect(gateway.address("two"))
    assert one.ask(b"1") == b"1" and two.ask(b"2") == b"2"
    gateway.told("PATCH", "/v1/listeners/one", {"state": "drain"})
    wait_until(lambda: gateway.get("/readyz").status == 503, "it is not ready")
    assert gateway.get("/readyz?listener=two").status == 200
    wait_until(lambda: is_refused(gateway.address("one")), "nobody listens there")
    assert gateway.listener("one")["state"] == "draining"
    assert all_hold([one, two, gateway.connect(gateway.address("two"))])
    gateway.told("PATCH", "/v1/listeners/one", {"state": "ready"})
    assert gateway.get("/readyz").status == 200
    again = gateway.connect(now_at(gateway, "one"))
    assert all_hold([one, again])


@pytest.mark.parametrize("keep", [False, True])
def test_a_reload_ends_the_drain_of_a_listener_also_one_that_only_waits(run, echo_backend, keep):
    listeners = [dict(name="drained"), dict(name="waiting"), dict(name="last")]
    gateway = run("run", config(listener=listeners, pool=dict(servers=[echo_backend("a")]),
                                node=dict(drain_wait="300ms")))
    addresses = {each["name"]: gateway.address(each["name"]) for each in listeners}
    gateway.told("PATCH", "/v1/listeners/drained", {"state": "drain"})
    wait_until(lambda: is_refused(addresses["drained"]), "it has waited")
    gateway.told("PATCH", "/v1/listeners/waiting", {"state": "drain"})
    gateway.reload(keep_runtime=keep)
    ready = 503 if keep else 200
    for each in ("drained", "waiting"):
        assert gateway.get(f"/readyz?listener={each}").status == ready
    assert gateway.get("/readyz").status == ready
    gateway.told("PATCH", "/v1/listeners/last", {"state": "drain"})
    wait_until(lambda: is_refused(addresses["last"]), "it began to wait after the others")
    for each in ("drained", "waiting"):
        assert gateway.listener(each)["state"] == ("draining" if keep else "accepting")
    assert is_refused(addresses["waiting"]) == keep


@pytest.mark.parametrize("wait", ["0s", "1h"])
def test_a_drained_node_that_is_told_to_end_does_not_wait_again(run, echo_backend, wait):
    node = dict(drain_wait="500ms" if wait == "1h" else "1h", stop_timeout="2h")
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")]), node=node))
    gateway.told("POST", "/v1/drain", {"wait": wait})
    if wait == "0s":
        wait_until(lambda: gateway.status()["phase"] == "drained", "nobody was there")
    gateway.signal(signal.SIGTERM)
    assert gateway.wait_exit() == 0


def test_a_node_that_was_told_to_end_cannot_be_made_ready_again(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")]), node=dict(stop_timeout="1h")))
    client = gateway.connect()
    assert client.ask(b"x")
    gateway.signal(signal.SIGTERM)
    wait_until(lambda: gateway.status()["phase"] == "draining", "it has heard")
    assert gateway.ask("DELETE", "/v1/drain").status == 409
    assert gateway.status()["phase"] == "draining"
    client.close()
    assert gateway.wait_exit() == 0


def test_a_node_that_drains_says_so_first_waits_and_then_paces(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")])))
    clients = [gateway.connect() for _ in range(10)]
    for each in clients:
        each.ask(b"hello")
    begun = time.monotonic()
    answer = gateway.ask("POST", "/v1/drain", {"rate": "50/s", "wait": "1500ms"})
    assert answer.status == 202
    assert gateway.get("/readyz").status == 503
    late = gateway.connect()
    assert late.ask(b"let in while balancers notice")
    wait_until(lambda: is_refused(gateway.address()), "then nobody more")
    assert time.monotonic() - begun >= 1.5
    for each in [*clients, late]:
        each.expect_end()
    wait_until(lambda: gateway.status()["phase"] == "drained", "it is drained")
    gateway.told("DELETE", "/v1/drain")
    assert gateway.get("/readyz").status == 200
    assert gateway.connect(now_at(gateway)).ask(b"again")


def test_an_operator_stops_a_drain_of_the_node(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")])))
    clients = [gateway.connect() for _ in range(10)]
    for each in clients:
        each.ask(b"hello")
    gateway.told("POST", "/v1/drain", {"rate": "1/m"})
    wait_until(lambda: is_refused(gateway.address()), "nobody more")
    assert json.loads(gateway.ask("GET", "/v1/status").body)["drain"]["remaining"] <= 10
    gateway.told("DELETE", "/v1/drain")
    left = [each for each in clients if each.nothing_came()]
    assert len(left) >= 8 and all_hold(left)
    assert gateway.connect(now_at(gateway)).ask(b"again")


@pytest.mark.parametrize("first, second, status", [
    (signal.SIGTERM, signal.SIGTERM, ENDED_AT_ONCE), (signal.SIGTERM, signal.SIGINT, ENDED_AT_ONCE),
    (signal.SIGHUP, signal.SIGTERM, CONNECTIONS_CUT), (signal.SIGINT, None, ENDED_AT_ONCE)])
def test_signals_in_any_order_and_the_exit_status_that_tells(run, echo_backend, first, second, status):
    timeout = "300ms" if status == CONNECTIONS_CUT else "1h"
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")]), node=dict(stop_timeout=timeout)))
    client = gateway.connect()
    assert client.ask(b"x")
    gateway.signal(first)
    if first == signal.SIGTERM:
        wait_until(lambda: gateway.get("/readyz").status == 503, "it drains")
    if first == signal.SIGHUP:
        gateway.wait_log("reloaded")
    if second:
        gateway.signal(second)
    assert gateway.wait_exit() == status


def test_a_paced_stop_leaves_nobody_to_cut(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")]), node=dict(stop_timeout="1h", drain_rate="50/s")))
    clients = [gateway.connect() for _ in range(10)]
    for each in clients:
        each.ask(b"hello")
    gateway.signal(signal.SIGTERM)
    for each in clients:
        each.expect_end()
    gateway.close_clients()
    assert gateway.wait_exit() == 0
    assert len(gateway.log("connection ended", reason="node_drained")) == 10
