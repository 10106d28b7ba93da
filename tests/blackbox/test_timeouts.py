"""Time-outs of an established connection, and those that the kernel keeps for it."""
import time

import pytest

import kernel
from configuration import config
from environment import scaled, undisturbed, wait_until


def test_an_idle_connection_is_closed_and_a_talking_one_is_not(run, echo_backend):
    idle_s = scaled(1, 3)
    gateway = run("run", config(listener=dict(idle_timeout=f"{idle_s}s"), pool=dict(servers=[echo_backend("a")])))

    def the_talking_one_outlives_the_idle_one():
        start = time.monotonic()
        idle, talking = gateway.connect(), gateway.connect()
        assert {idle.served_by, talking.served_by} == {"a"}
        wait_until(lambda: talking.ask(b"x") and not idle.nothing_came(), "the idle one is closed")
        assert idle_s <= time.monotonic() - start < idle_s + scaled(2, 15)
        idle.expect_end()
        start = time.monotonic()
        wait_until(lambda: talking.ask(b"x") and time.monotonic() - start > idle_s, "the other outlives the time-out")
        talking.close()

    undisturbed(the_talking_one_outlives_the_idle_one)  # who cannot talk for a second is idle
    gateway.wait_metric("holdfast_closed_total", 1, reason="client_closed")
    ended = gateway.wait_ended(reason="idle_timeout")
    assert all(each["duration_ms"] >= idle_s * 1000 for each in ended)


def test_idle_timeout_never_comes_early(run, echo_backend):
    """Not by a part of a tick of the gateway's clock either, whenever in a tick the last byte came. (A worker that has
    other things to do looks at the clock all the time; one that sleeps tends to be late.)"""
    listeners = [dict(name="main", idle_timeout="1s"), dict(name="busy", idle_timeout="0s")]
    gateway = run("run", config(listener=listeners, pool=dict(servers=[echo_backend("a")])))
    talking = gateway.connect(gateway.address("busy"))
    for _ in range(100):  # over more than a tick
        gateway.connect().ask(b"x")
        talking.ask(b"x")
    wait_until(lambda: [talking.ask(b"x") for _ in range(100)] and len(gateway.log(reason="idle_timeout")) == 100,
               "all but the talking one are closed")
    ended = gateway.log(reason="idle_timeout")
    assert min(each["duration_ms"] for each in ended) >= 1000


@pytest.mark.parametrize("direction", ["to_server", "to_client"])
def test_bytes_in_one_direction_keep_a_connection_alive(relayed, direction):
    def lives():
        client, server, _ = relayed(idle_timeout=f"{scaled(500, 3000)}ms")
        sender, receiver = (client, server) if direction == "to_server" else (server, client)
        start = time.monotonic()

        def still_passes():
            sender.send(b"x")
            assert receiver.receive(1) == b"x"
            return time.monotonic() - start > scaled(1, 6)

        wait_until(still_passes, "it lives for twice its idle time-out")

    undisturbed(lives)  # nothing passes while the machine stands still


def test_keepalive_runs_towards_both_ends(relayed):
    client, server, gateway = relayed(tcp_keepalive="60s")
    client.send(b"x")
    assert server.receive(1) == b"x"
    server.send(b"y")
    assert client.receive(1) == b"y"
    for ports in ((client.remote_port, client.local_port), (server.remote_port, server.local_port)):
        # Until its bytes are acknowledged, the timer of retransmission stands here.
        wait_until(lambda: kernel.connection(*ports).timer == kernel.KEEPALIVE_TIMER, "the keepalive timer runs")
        assert 50 < kernel.connection(*ports).timer_left_s <= 60


def test_keepalive_0s_means_none(relayed):
    client, server, _ = relayed(tcp_keepalive="0s")
    assert kernel.connection(client.remote_port, client.local_port).timer == kernel.NO_TIMER
    assert kernel.connection(server.remote_port, server.local_port).timer == kernel.NO_TIMER


@pytest.mark.parametrize("direction", ["to_server", "to_client"])
def test_tcp_user_timeout_gives_up_an_end_that_takes_nothing(relayed, direction):
    """A full window that never opens counts as not acknowledged."""
    client, server, gateway = relayed(receive_buffer_bytes=64 * 1024, tcp_user_timeout="500ms")
    sender = client if direction == "to_server" else server
    sender.send_until_blocked(bytes(32 << 20), quiet_s=0.1)
    [ended] = gateway.wait_ended()
    assert ended["reason"] == ("server_reset" if direction == "to_server" else "client_reset")
    gateway.wait_metric("holdfast_connections", 0)

