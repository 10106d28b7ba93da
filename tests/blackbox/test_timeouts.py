"""Time-outs of an established connection, and those that the kernel keeps for it."""
import time
from pathlib import Path

import pytest

from configuration import config
from environment import scaled, wait_until

_KEEPALIVE_TIMER = "02"
_CLOCK_TICKS_PER_S = 100


def kernel_timer(local_port, remote_port):
    """(kind, seconds left) of the timer of an IPv4 connection, from /proc/net/tcp."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        ports = [int(address.split(":")[1], 16) for address in fields[1:3]]
        if ports == [local_port, remote_port]:
            kind, left = fields[5].split(":")
            return kind, int(left, 16) / _CLOCK_TICKS_PER_S
    raise AssertionError(f"no connection {local_port} to {remote_port}")


def test_an_idle_connection_is_closed_and_a_talking_one_is_not(run, echo_backend):
    idle_s = scaled(1, 3)
    gateway = run("run", config(listener=dict(idle_timeout=f"{idle_s}s"), pool=dict(servers=[echo_backend("a")])))
    idle, talking = gateway.connect(), gateway.connect()
    assert {idle.served_by, talking.served_by} == {"a"}
    start = time.monotonic()
    wait_until(lambda: talking.ask(b"x") and not idle.nothing_came(), "the idle one is closed")
    assert idle_s - 0.1 <= time.monotonic() - start < idle_s + scaled(1, 10)
    idle.expect_end()
    start = time.monotonic()
    wait_until(lambda: talking.ask(b"x") and time.monotonic() - start > idle_s, "the other outlives the time-out")
    assert gateway.metric("holdfast_closed_total", reason="idle_timeout") == 1
    [ended] = gateway.wait_ended()
    assert ended["reason"] == "idle_timeout"
    assert ended["duration_ms"] >= idle_s * 1000


@pytest.mark.parametrize("direction", ["to_server", "to_client"])
def test_bytes_in_one_direction_keep_a_connection_alive(relayed, direction):
    client, server, _ = relayed(idle_timeout=f"{scaled(500, 3000)}ms")
    sender, receiver = (client, server) if direction == "to_server" else (server, client)
    start = time.monotonic()

    def still_passes():
        sender.send(b"x")
        assert receiver.receive(1) == b"x"
        return time.monotonic() - start > scaled(1, 6)

    wait_until(still_passes, "it lives for twice its idle time-out")


def test_keepalive_runs_towards_both_ends(relayed):
    client, server, gateway = relayed(tcp_keepalive="60s")
    client.send(b"x")
    assert server.receive(1) == b"x"
    server.send(b"y")
    assert client.receive(1) == b"y"
    gateway_port = client.socket.getpeername()[1]
    port_towards_server = server.socket.getpeername()[1]
    for local, remote in ((gateway_port, client.local_port), (port_towards_server, server.local_port)):
        # Until its bytes are acknowledged, the retransmission timer stands here.
        kind, left = wait_until(lambda: _if_keepalive(kernel_timer(local, remote)), "the keepalive timer runs")
        assert 50 < left <= 60


def test_keepalive_0s_means_none(relayed):
    client, server, _ = relayed(tcp_keepalive="0s")
    gateway_port = client.socket.getpeername()[1]
    assert kernel_timer(gateway_port, client.local_port)[0] != _KEEPALIVE_TIMER
    assert kernel_timer(server.socket.getpeername()[1], server.local_port)[0] != _KEEPALIVE_TIMER


@pytest.mark.parametrize("direction", ["to_server", "to_client"])
def test_tcp_user_timeout_gives_up_an_end_that_takes_nothing(relayed, direction):
    """A full window that never opens counts as not acknowledged."""
    client, server, gateway = relayed(receive_buffer_bytes=64 * 1024, tcp_user_timeout="500ms")
    sender = client if direction == "to_server" else server
    sender.send_until_blocked(bytes(32 << 20), quiet_s=0.1)
    [ended] = gateway.wait_ended()
    assert ended["reason"] == ("server_reset" if direction == "to_server" else "client_reset")
    gateway.wait_metric("holdfast_connections", 0)


def _if_keepalive(timer):
    return timer if timer[0] == _KEEPALIVE_TIMER else None
