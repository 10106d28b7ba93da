"""When too many servers of a pool fail at once, the checks are doubted before the servers are."""
import collections

import pytest

from configuration import config
from environment import wait_until

NAMES = "abc"
ALARM = "panic: too many servers fail at once; the last good ones go on serving until a client does not reach them"


@pytest.fixture
def checked_elsewhere(run, echo_backend, scripted_backend):
    """start() -> (gateway, checks, servers): checks["a"] = "ok" or "bad" is what a's checks are told, and nothing else."""
    def start(**keys):
        checks = {name: "ok" for name in NAMES}
        ports = {}

        def serve(peer):
            asked = int(peer.receive_line())
            peer.send(checks[ports[asked]].encode() + b"\n")

        servers = [echo_backend(name) for name in NAMES]
        ports.update({int(each.port): each.name for each in servers})
        doctor = scripted_backend("doctor", serve, host="127.0.0.7")
        health = dict(type="script", address="127.0.0.7", port=doctor.port, interval="200ms", fast_interval="50ms",
                      timeout="5s", rise=1, fall=2, step=[dict(send="${port}\n"), dict(expect="ok\n")])
        gateway = run("run", config(pool=dict(servers=servers, policy="round_robin", health=health, **keys)))
        for name in NAMES:
            gateway.wait_server(name, state="UP")
        return gateway, checks, {each.name: each for each in servers}

    return start


def names_served(gateway, count=6):
    return collections.Counter(gateway.connect().served_by for _ in range(count))


def test_when_more_than_half_fail_at_once_the_last_good_set_serves_on_with_an_alarm(checked_elsewhere):
    gateway, checks, _ = checked_elsewhere()
    old = [gateway.connect() for _ in range(6)]
    assert collections.Counter(each.served_by for each in old) == dict(a=2, b=2, c=2)
    checks.update(a="bad", b="bad", c="bad")
    gateway.wait_metric("holdfast_pool_panic", 1)
    for name in NAMES:
        seen = gateway.wait_server(name, up=True, held_by_panic=True, state="UP")
        assert seen["cause"].startswith("panic keeps it in service: expected text not found in step 2")
        assert seen["weight_now"] == 100, "a server that panic keeps does not start slowly"
    assert names_served(gateway) == dict(a=2, b=2, c=2)
    [alarm] = gateway.wait_log(ALARM)
    assert (alarm["level"], alarm["pool"]) == ("error", "p")
    assert gateway.metric("holdfast_pool_servers_up") == 3
    assert all(each.ask(b"still") == b"still" for each in old)


def test_panic_ends_when_checks_pass_again(checked_elsewhere):
    gateway, checks, _ = checked_elsewhere()
    checks.update(a="bad", b="bad", c="bad")
    gateway.wait_metric("holdfast_pool_panic", 1)
    checks.update(a="ok", b="ok")
    gateway.wait_metric("holdfast_pool_panic", 0)
    gateway.wait_server("c", state="DOWN", held_by_panic=False)
    gateway.wait_log("panic is over", pool="p")
    assert names_served(gateway) == dict(a=3, b=3)
    checks.update(c="ok")
    gateway.wait_server("c", state="UP")


def test_panic_ends_for_servers_that_clients_do_not_reach(checked_elsewhere):
    gateway, checks, servers = checked_elsewhere()
    servers["a"].kill()
    servers["b"].kill()
    checks.update(a="bad", b="bad")
    gateway.wait_metric("holdfast_pool_panic", 1)
    wait_until(lambda: names_served(gateway, 2) and gateway.metric("holdfast_pool_panic") == 0, "the end of the panic")
    gateway.wait_server("a", state="DOWN", up=False)
    gateway.wait_server("b", state="DOWN", up=False)
    assert names_served(gateway) == dict(c=6)
    assert gateway.metric("holdfast_closed_total") == 0, "no client was refused"


def test_a_half_is_not_more_than_a_half(checked_elsewhere):
    gateway, checks, _ = checked_elsewhere()
    checks.update(a="bad")
    gateway.wait_server("a", state="DOWN")
    assert gateway.metric("holdfast_pool_panic") == 0
    assert names_served(gateway) == dict(b=3, c=3)


def test_without_a_threshold_there_is_no_panic_and_all_down_is_said_and_refused(run, echo_backend):
    servers = {name: echo_backend(name) for name in NAMES}
    health = dict(interval="50ms", fast_interval="20ms", panic_threshold=0, rise=1, fall=2)
    gateway = run("run", config(pool=dict(servers=list(servers.values()), health=health, slow_start="0s")))
    gateway.wait_metric("holdfast_pool_servers_up", 3)
    for each in servers.values():
        each.kill()
    gateway.wait_metric("holdfast_pool_servers_up", 0)
    [said] = gateway.wait_log("every server of the pool is down")
    assert (said["level"], said["pool"]) == ("error", "p")
    gateway.connect().expect_end()
    gateway.wait_metric("holdfast_closed_total", 1, reason="no_server")
    [ended] = gateway.wait_ended()
    assert (ended["reason"], ended["attempts"]) == ("no_server", 0)
    servers["b"].restart()
    gateway.wait_server("b", state="UP")
    gateway.wait_log("the pool has servers again", pool="p")
    assert gateway.connect().served_by == "b"
    assert len(gateway.log("every server of the pool is down")) == 1


def test_when_all_are_dead_panic_gives_way_to_no_server(run, echo_backend):
    servers = {name: echo_backend(name) for name in NAMES}
    health = dict(interval="100ms", fast_interval="20ms", rise=1, fall=2)
    gateway = run("run", config(pool=dict(servers=list(servers.values()), health=health, slow_start="0s", retries=2)))
    gateway.wait_metric("holdfast_probes_total", lambda count: count >= 3)
    for each in servers.values():
        each.kill()
    gateway.wait_metric("holdfast_pool_panic", 1)

    def one_more():
        gateway.connect().expect_end()
        return gateway.metric("holdfast_closed_total", reason="no_server") > 0
    wait_until(one_more, "clients are refused at once")
    assert gateway.metric("holdfast_pool_panic") == 0
    gateway.wait_log("every server of the pool is down")
    servers["c"].restart()
    gateway.wait_server("c", state="UP")
    assert gateway.connect().served_by == "c"


def test_clients_wait_for_servers_where_the_pool_says_so(run, echo_backend):
    only = echo_backend("only")
    health = dict(interval="50ms", fast_interval="20ms", panic_threshold=0, rise=1, fall=1)
    gateway = run("run", config(pool=dict(servers=[only], health=health, queue=10, queue_timeout="1m",
                                          when_all_down="queue")))
    gateway.wait_server("only", state="UP")
    only.kill()
    gateway.wait_server("only", state="DOWN")
    waiting = [gateway.connect() for _ in range(3)]
    gateway.wait_metric("holdfast_pool_waiting", 3)
    only.restart()
    assert {each.served_by for each in waiting} == {"only"}
    gateway.wait_metric("holdfast_pool_waiting", 0)
