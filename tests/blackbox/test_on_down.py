"""What becomes of the open connections of a server that goes DOWN: pool.on_down, drain_rate and drain_deadline."""
import time

import pytest

from configuration import config
from environment import PATIENCE_S, wait_until


@pytest.fixture
def pool_with_gate(run, echo_backend):
    """(gateway, gate, clients of a, clients of b): a's health is decided by `gate`, which can be killed and restarted.

    Servers a and b are not touched themselves: what happens to connections is the gateway's doing.
    """
    def start(clients=6, interval="50ms", **keys):
        a, b, gate = echo_backend("a"), echo_backend("b"), echo_backend("gate")
        health = dict(interval=interval, fast_interval="20ms", timeout="5s", rise=1, fall=1, panic_threshold=0,
                      port=int(gate.port))
        pools = [dict(name="p", servers=[a], health=health, slow_start="0s", **keys),
                 dict(name="q", servers=[b])]
        gateway = run("run", config(pool=pools, listener=[dict(name="main"), dict(name="other", pool="q")]))
        gateway.wait_server("a", state="UP")
        of_a = [gateway.connect() for _ in range(clients)]
        of_b = [gateway.connect(gateway.address("other")) for _ in range(clients)]
        for each in [*of_a, *of_b]:
            each.ask(b"hello")
        return gateway, gate, of_a, of_b

    return start


def ended(clients):
    return [each for each in clients if not each.nothing_came()]


def wait_ended(clients, count):
    wait_until(lambda: len(ended(clients)) >= count, lambda: f"{count} ends; there were {len(ended(clients))}")
    return ended(clients)


def all_live(clients):
    return all(each.ask(b"still") == b"still" for each in clients)


def test_keep_leaves_all_connections_alone(pool_with_gate):
    gateway, gate, of_a, of_b = pool_with_gate(on_down="keep")
    gate.kill()
    gateway.wait_server("a", state="DOWN", connections=6)
    probes = gateway.metric("holdfast_probes_total", pool="p")
    gateway.wait_metric("holdfast_probes_total", lambda now: now >= probes + 5, pool="p")
    assert all_live(of_a) and all_live(of_b)
    gateway.connect().expect_end()
    gateway.wait_metric("holdfast_closed_total", 1, reason="no_server")


def test_close_ends_the_connections_of_the_server_and_no_others(pool_with_gate):
    gateway, gate, of_a, of_b = pool_with_gate(on_down="close", drain_rate="1000/s")
    gate.kill()
    for each in of_a:
        each.expect_end()
    gateway.wait_metric("holdfast_closed_total", 6, reason="server_down", listener="main")
    gateway.wait_server("a", connections=0)
    assert {each["server"] for each in gateway.wait_ended(6)} == {"p/a"}
    assert all_live(of_b)
    assert gateway.metric("holdfast_closed_total", listener="other") == 0


def test_the_drain_rate_is_kept(pool_with_gate):
    gateway, gate, of_a, _ = pool_with_gate(clients=30, on_down="close", drain_rate="20/s")
    ends = {}
    begin = time.monotonic()
    gate.kill()
    while len(ends) < 30 and time.monotonic() < begin + PATIENCE_S:
        for each in ended(of_a):
            ends.setdefault(each.local_port, time.monotonic())
        gateway.get("/healthz")
    times = sorted(ends.values())
    assert len(times) == 30
    # Two at once, then one every 50 ms: none of the rest can come early, however late it is seen.
    assert times[-1] - begin > 28 / 20 * 0.97
    assert times[15] - begin > 13 / 20 * 0.97


def test_the_longest_idle_are_closed_first_and_the_busy_last(pool_with_gate):
    gateway, gate, of_a, _ = pool_with_gate(clients=12, on_down="close", drain_rate="10/s")
    idle, busy = of_a[0::2], of_a[1::2]
    gateway.wait_metric("holdfast_loop_turns_total", lambda turns: turns > 0)
    begin = time.monotonic()
    wait_until(lambda: all_live(busy) and time.monotonic() > begin + 0.3, "some talk of the busy ones")
    gate.kill()

    def all_have_ended():
        of_busy, of_idle = ended(busy), ended(idle)  # in this order: a busy one ends when the idle ones have ended
        assert len(of_idle) == 6 or not of_busy, "a busy one was closed while others had been idle for longer"
        return len(of_busy) == 6

    wait_until(all_have_ended, "all of them are closed")


def test_a_server_that_comes_back_in_time_keeps_the_rest(pool_with_gate):
    gateway, gate, of_a, _ = pool_with_gate(clients=20, on_down="close", drain_rate="2/s")
    gate.kill()
    wait_ended(of_a, 2)
    gate.restart()
    gateway.wait_server("a", state="UP")
    gateway.wait_metric("holdfast_server_up", 1, server="a")
    gateway.connect().ask(b"x")  # by now the worker knows
    left = [each for each in of_a if each.nothing_came()]
    assert len(left) >= 5
    probes = gateway.metric("holdfast_probes_total", pool="p")
    gateway.wait_metric("holdfast_probes_total", lambda now: now >= probes + 10, pool="p")
    assert all_live(left)


def test_the_drain_deadline_ends_the_rest_at_once(pool_with_gate):
    gateway, gate, of_a, of_b = pool_with_gate(clients=20, on_down="close", drain_rate="1/m", drain_deadline="400ms")
    begin = time.monotonic()
    gate.kill()
    wait_ended(of_a, 2)
    assert time.monotonic() - begin >= 0.4
    wait_ended(of_a, 20)
    gateway.wait_metric("holdfast_closed_total", 20, reason="server_down")
    assert all_live(of_b)


def test_a_connection_that_was_being_made_when_the_server_went_down_is_closed_too(run, echo_backend):
    gate, slow = echo_backend("gate"), echo_backend("slow", backlog=0)
    health = dict(interval="50ms", timeout="5s", rise=1, fall=1, panic_threshold=0, port=int(gate.port))
    gateway = run("run", config(pool=dict(servers=[slow], health=health, on_down="close", drain_rate="1000/s",
                                          connect_timeout="1m")))
    gateway.wait_server("slow", state="UP")
    slow.stop()
    slow.fill_backlog()
    client = gateway.connect()
    gateway.wait_server("slow", connections=1)
    gate.kill()
    gateway.wait_server("slow", state="DOWN")
    slow.go_on()
    gateway.wait_metric("holdfast_server_connections_total", 1)
    client.expect_end()
    gateway.wait_metric("holdfast_closed_total", 1, reason="server_down")
