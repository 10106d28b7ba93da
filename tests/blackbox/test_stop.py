"""Stopping: SIGTERM drains, SIGINT and impatience do not, and systemd is told."""
import signal
import socket

import pytest

from configuration import config
from environment import PATIENCE_S, seconds_of, wait_until

CONNECTIONS_CUT, ENDED_AT_ONCE = 5, 6  # exit statuses: docs/OPERATIONS.md


def is_refused(address):
    """Whether a client that comes now is turned away by the kernel: nobody listens."""
    with socket.socket() as sock:
        sock.settimeout(PATIENCE_S)
        host, port = address.rsplit(":", 1)
        try:
            sock.connect((host, int(port)))
        except ConnectionError:
            return True
        return False


def draining(gateway):
    gateway.signal(signal.SIGTERM)
    wait_until(lambda: gateway.get("/readyz").status == 503, "it drains")


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_lets_connections_go_on_refuses_new_ones_and_ends_with_the_last(run, echo_backend, workers):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")]), node=dict(workers=workers, stop_timeout="1h")))
    clients = [gateway.connect() for _ in range(8)]
    assert {each.served_by for each in clients} == {"a"}
    draining(gateway)
    wait_until(lambda: is_refused(gateway.address()), "new connections are refused")
    assert gateway.metric("holdfast_ready") == 0
    assert gateway.get("/healthz").status == 200
    for each in clients:
        assert each.ask(b"still here") == b"still here"
    for each in clients[1:]:
        each.close()
    gateway.wait_metric("holdfast_connections", 1)
    assert clients[0].ask(b"the last") == b"the last"
    clients[0].close()
    assert gateway.wait_exit() == 0
    ended = gateway.log("connection ended", reason="client_closed")
    assert len([each for each in ended if each["bytes_to_server"] > 0]) == len(clients)


def test_connections_that_waited_when_sigterm_came_are_still_served(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")]), node=dict(stop_timeout="1h")))
    clients = [gateway.connect() for _ in range(200)]
    gateway.signal(signal.SIGTERM)
    assert {each.served_by for each in clients} == {"a"}
    gateway.close_clients()
    assert gateway.wait_exit() == 0


def test_sigterm_ends_an_idle_process_at_once(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")]), node=dict(stop_timeout="1h")))
    gateway.signal(signal.SIGTERM)
    assert gateway.wait_exit() == 0


def test_stop_timeout_cuts_what_is_left(relayed):
    client, server, gateway = _relayed_with_stop_timeout(relayed, "500ms")
    took, status = seconds_of(lambda: (gateway.signal(signal.SIGTERM), gateway.wait_exit())[1])
    assert status == CONNECTIONS_CUT
    assert took >= 0.5
    client.expect_end()
    server.expect_end()
    assert gateway.log("connection ended", reason="stopped")
    assert gateway.log("the node is drained", connections_left=1)


@pytest.mark.parametrize("first, second", [(signal.SIGTERM, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT)])
def test_a_second_signal_ends_a_drain_at_once(relayed, first, second):
    client, server, gateway = _relayed_with_stop_timeout(relayed, "1h")
    draining(gateway)
    assert client.nothing_came() and server.nothing_came()
    gateway.signal(second)
    assert gateway.wait_exit() == ENDED_AT_ONCE
    client.expect_end()
    server.expect_end()
    assert gateway.log("connection ended", reason="stopped")


def test_sigint_ends_at_once(relayed):
    client, server, gateway = _relayed_with_stop_timeout(relayed, "1h")
    gateway.signal(signal.SIGINT)
    assert gateway.wait_exit() == ENDED_AT_ONCE
    client.expect_end()
    server.expect_end()
    assert gateway.log("connection ended", reason="stopped")


def test_systemd_hears_when_it_is_ready_and_when_it_stops(run, echo_backend, directory):
    path = directory / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
        notices.bind(str(path))
        notices.settimeout(PATIENCE_S)
        gateway = run("run", config(pool=dict(servers=[echo_backend("a")])), environment={"NOTIFY_SOCKET": str(path)})
        assert notices.recv(4096) == b"READY=1"
        gateway.signal(signal.SIGTERM)
        assert notices.recv(4096) == b"STOPPING=1"
        assert gateway.wait_exit() == 0


def _relayed_with_stop_timeout(relayed, stop_timeout):
    client, server, gateway = relayed(sections=dict(node=dict(stop_timeout=stop_timeout)))
    client.send(b"x")
    assert server.receive(1) == b"x"
    return client, server, gateway
