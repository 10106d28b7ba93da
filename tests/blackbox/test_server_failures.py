"""Servers that refuse, are silent, die, or stand still."""
import pytest

from configuration import config
from environment import scaled, seconds_of, wait_until

# Answered within this, a client did not wait for any of the time-outs in its way.
AT_ONCE_S = scaled(4, 10)  # connect_timeout is 5 s


def failures(gateway, server):
    return gateway.metric("holdfast_server_connect_failures_total", server=server)


def test_a_refusing_server_is_passed_over(run, echo_backend, refusing_backend):
    servers = [refusing_backend("dead"), echo_backend("a"), echo_backend("b")]
    gateway = run("run", config(pool=dict(policy="round_robin", servers=servers)))
    took, names = seconds_of(lambda: {gateway.connect().served_by for _ in range(12)})
    assert names == {"a", "b"}
    assert took < AT_ONCE_S
    assert failures(gateway, "dead") == 1, "whoever comes next feels the failed connect"
    gateway.wait_metric("holdfast_server_connections", 0, server="dead")
    assert gateway.wait_log("server not reached", server="p/dead")[0]["error"] == "Connection refused"


def test_failures_of_a_server_are_logged_once_in_a_while_and_counted(run, echo_backend, refusing_backend):
    gateway = run("run", config(pool=dict(policy="round_robin", servers=[refusing_backend("dead"), echo_backend("a")])))
    wait_until(lambda: gateway.connect().ask(b"x") and failures(gateway, "dead") >= 2, "a second look at the dead server")
    gateway.wait_log("server not reached", server="p/dead")
    assert len(gateway.log("server not reached")) == 1


@pytest.mark.parametrize("retries, attempts", [(0, 1), (1, 2), (2, 3)])
def test_when_all_refuse_the_client_is_closed_with_connect_failed(run, refusing_backend, retries, attempts):
    servers = [refusing_backend(name) for name in "xyz"]
    gateway = run("run", config(pool=dict(servers=servers, retries=retries)))
    gateway.connect().expect_end()
    gateway.wait_metric("holdfast_closed_total", 1, reason="connect_failed")
    assert failures(gateway, "x") + failures(gateway, "y") + failures(gateway, "z") == attempts
    gateway.wait_metric("holdfast_connections", 0)
    [ended] = gateway.wait_ended()
    assert (ended["reason"], ended["attempts"], ended["server"]) == ("connect_failed", attempts, "-")


def test_retries_go_to_the_same_server_again_when_there_is_no_other(run, refusing_backend):
    gateway = run("run", config(pool=dict(servers=[refusing_backend("only")], retries=2)))
    took, _ = seconds_of(lambda: gateway.connect().expect_end())
    assert failures(gateway, "only") == 3
    assert took > 0.5, "a refusing server is not dialled without pause"


@pytest.mark.parametrize("kind", ["full backlog", "stopped"])
def test_a_server_that_does_not_answer_is_given_up_for_another(run, echo_backend, silent_backend, kind):
    good = echo_backend("good")
    if kind == "full backlog":
        silent = silent_backend("silent")
    else:
        silent = echo_backend("silent", backlog=0)
        silent.stop()
        silent.fill_backlog()
    gateway = run("run", config(pool=dict(policy="round_robin", servers=[silent, good], connect_timeout="200ms")))
    took, name = seconds_of(lambda: gateway.connect().served_by)
    assert name == "good"
    assert took >= 0.2
    assert failures(gateway, "silent") == 1
    assert gateway.wait_log("server not reached", server="p/silent")[0]["error"] == "Connection timed out"


def test_a_silent_only_server_ends_in_connect_failed_after_its_timeouts(run, silent_backend):
    gateway = run("run", config(pool=dict(servers=[silent_backend("silent")], connect_timeout="100ms", retries=1)))
    took, _ = seconds_of(lambda: gateway.connect().expect_end())
    assert took >= 0.2
    gateway.wait_metric("holdfast_closed_total", 1, reason="connect_failed")


def test_handshake_timeout_bounds_the_search_for_a_server(run, silent_backend):
    gateway = run("run", config(listener=dict(handshake_timeout="300ms"),
                                pool=dict(servers=[silent_backend("s"), silent_backend("t")], connect_timeout="1h")))
    took, _ = seconds_of(lambda: gateway.connect().expect_end())
    assert 0.3 <= took < 0.3 + AT_ONCE_S
    gateway.wait_metric("holdfast_closed_total", 1, reason="handshake_timeout")
    assert gateway.wait_ended()[0]["reason"] == "handshake_timeout"
    gateway.wait_metric("holdfast_server_connections", 0)


def test_a_client_that_goes_while_a_server_is_sought_costs_nothing(run, silent_backend):
    gateway = run("run", config(listener=dict(handshake_timeout="1h"),
                                pool=dict(servers=[silent_backend("silent")], connect_timeout="1h")))
    client = gateway.connect()
    gateway.wait_metric("holdfast_server_connections", 1)
    client.reset()
    gateway.wait_metric("holdfast_connections", 0)
    gateway.wait_metric("holdfast_closed_total", 1, reason="client_reset")
    gateway.wait_metric("holdfast_server_connections", 0)


def test_a_killed_server_loses_its_clients_at_once_and_others_keep_theirs(run, echo_backend):
    servers = {name: echo_backend(name) for name in "abc"}
    gateway = run("run", config(pool=dict(policy="least_connections", servers=list(servers.values()))))
    clients = [gateway.connect() for _ in range(30)]
    of_a = [each for each in clients if each.served_by == "a"]
    others = [each for each in clients if each.served_by != "a"]
    assert (len(of_a), len(others)) == (10, 20)
    servers["a"].kill()
    took, _ = seconds_of(lambda: [each.expect_end() for each in of_a])
    assert took < AT_ONCE_S
    for each in others:
        assert each.ask(b"untouched") == b"untouched"
    gateway_names = [gateway.connect().served_by for _ in range(10)]
    assert set(gateway_names) == {"b", "c"}
    for each in of_a:
        each.close()
    gateway.wait_metric("holdfast_closed_total", 10, reason="server_closed")
    gateway.wait_metric("holdfast_server_connections", 0, server="a")
    gateway.wait_metric("holdfast_connections", 30)


def test_a_server_that_comes_back_gets_clients_again(run, echo_backend, directory):
    path = f"unix:{directory}/a.sock"
    first, other = echo_backend("first", listen=path), echo_backend("other")
    gateway = run("run", config(pool=dict(policy="round_robin", servers=[dict(name="a", address=path), other])))
    assert {gateway.connect().served_by for _ in range(4)} == {"first", "other"}
    first.kill()
    assert {gateway.connect().served_by for _ in range(4)} == {"other"}
    (directory / "a.sock").unlink()
    echo_backend("second", listen=path)
    wait_until(lambda: gateway.connect().served_by == "second", "the server that came back")
    assert {gateway.connect().served_by for _ in range(4)} == {"second", "other"}


def test_connections_of_a_stopped_server_stay_and_go_on_when_it_continues(run, echo_backend):
    server, other = echo_backend("still"), echo_backend("other")
    gateway = run("run", config(pool=dict(policy="round_robin", servers=[server, other])))
    clients = [gateway.connect() for _ in range(10)]
    of_stopped = [each for each in clients if each.served_by == "still"]
    assert len(of_stopped) == 5
    server.stop()
    before = gateway.metric("holdfast_relayed_bytes_total", direction="to_server")
    for each in of_stopped:
        each.send(b"later")
    gateway.wait_metric("holdfast_relayed_bytes_total", before + 25, direction="to_server")
    for each in clients:
        if each.served_by == "other":
            assert each.ask(b"now") == b"now"
    assert all(each.nothing_came() for each in of_stopped)
    gateway.wait_metric("holdfast_connections", 10)
    server.go_on()
    for each in of_stopped:
        assert each.receive(5) == b"later"
        assert each.ask(b"again") == b"again"
    wait_until(lambda: gateway.connect().served_by == "still", "new clients reach it again")
