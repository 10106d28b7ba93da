"""What a relayed connection promises: bytes, ends and resets pass unchanged, and nobody can make it hold too much."""
import array
import functools
import statistics
import threading
import time

import pytest

import kernel
from configuration import config
from environment import scaled, undisturbed, wait_until

MEBI = 1 << 20
SMALL_BUFFER_BYTES = 64 * 1024
# What one direction of one connection may hold while its reader stands still (docs/MEMORY.md), and the size of the
# blocks that this memory comes in.
PENDING_BYTES_MAX = 256 * 1024
BLOCK_BYTES = 256 * 1024

BOTH_DIRECTIONS = pytest.mark.parametrize("direction", ["to_server", "to_client"])


def sender_and_receiver(client, server, direction):
    return (client, server) if direction == "to_server" else (server, client)


def pattern(size):
    """Bytes of which no two stretches are alike, so that anything lost, doubled or moved shows."""
    return array.array("I", range(size // 4 + 1)).tobytes()[:size]


def in_background(work):
    """A thread that does work() while the test does something else; join() it."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_bytes_pass_both_ways_unchanged(relayed):
    client, server, gateway = relayed()
    for size in (1, 2, 4095, 4096, 4097, 65_536, 200_000):
        data = pattern(size)
        sending = in_background(lambda data=data: client.send(data))
        assert server.receive(size) == data
        sending.join()
        sending = in_background(lambda data=data: server.send(data))
        assert client.receive(size) == data
        sending.join()


def test_messages_of_one_byte_pass_at_once(relayed):
    client, server, _ = relayed()
    for number in range(500):
        byte = bytes([number % 256])
        client.send(byte)
        assert server.receive(1) == byte
        server.send(byte)
        assert client.receive(1) == byte


def test_a_server_that_speaks_first_is_heard(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("greeter", mode="speaker")])))
    client = gateway.connect()
    assert client.receive_line() == b"greeter\n"
    client.send(b"thanks")
    assert client.receive(6) == b"thanks"


def test_what_a_client_sends_before_the_server_is_reached_is_kept(run, hand_backend, silent_backend):
    server = hand_backend("good")
    pool = dict(policy="round_robin", servers=[silent_backend("silent"), server], connect_timeout="200ms")
    gateway = run("run", config(pool=pool))
    client = gateway.connect()
    client.send(b"early")
    client.half_close()
    assert server.accept().receive_until_end() == b"early"


@BOTH_DIRECTIONS
def test_a_half_close_is_passed_on_and_the_other_way_stays_open(relayed, direction):
    client, server, gateway = relayed()
    first, second = sender_and_receiver(client, server, direction)
    first.send(b"last words")
    first.half_close()
    assert second.receive_until_end() == b"last words"
    for _ in range(3):
        second.send(b"go on")
        assert first.receive(5) == b"go on"
    assert first.nothing_came(), "the other half is still open"
    gateway.wait_metric("holdfast_connections", 1)
    second.half_close()
    first.expect_end()
    [ended] = gateway.wait_ended()
    assert ended["reason"] == ("client_closed" if direction == "to_server" else "server_closed")
    assert (ended["bytes_to_server"], ended["bytes_to_client"]) == ((10, 15) if direction == "to_server" else (15, 10))


@BOTH_DIRECTIONS
def test_a_reset_is_passed_on_as_a_reset(relayed, direction):
    client, server, gateway = relayed()
    first, second = sender_and_receiver(client, server, direction)
    first.send(b"x")
    assert second.receive(1) == b"x"
    first.reset()
    second.expect_reset()
    assert gateway.wait_ended()[0]["reason"] == ("client_reset" if direction == "to_server" else "server_reset")
    gateway.wait_metric("holdfast_connections", 0)


@BOTH_DIRECTIONS
def test_a_reset_after_a_half_close_is_still_a_reset(relayed, direction):
    client, server, gateway = relayed()
    first, second = sender_and_receiver(client, server, direction)
    first.half_close()
    second.expect_end()
    second.reset()
    first.expect_reset()
    assert gateway.wait_ended()[0]["reason"] == ("server_reset" if direction == "to_server" else "client_reset")


@BOTH_DIRECTIONS
@pytest.mark.parametrize("ending", ["half_close", "close"])
def test_nothing_sent_before_an_orderly_end_is_lost(relayed, direction, ending):
    client, server, gateway = relayed(receive_buffer_bytes=SMALL_BUFFER_BYTES)
    sender, receiver = sender_and_receiver(client, server, direction)
    data = pattern(5 * MEBI)

    def send_and_end():
        sender.send(data)
        getattr(sender, ending)()

    sending = in_background(send_and_end)
    assert receiver.receive_until_end(piece_bytes=7001) == data
    sending.join()
    receiver.close()
    [ended] = gateway.wait_ended()
    assert ended["reason"] == ("client_closed" if direction == "to_server" else "server_closed")
    assert ended[f"bytes_{direction}"] == len(data)


@BOTH_DIRECTIONS
@pytest.mark.parametrize("ending", ["half_close", "close"])
def test_an_end_that_comes_while_bytes_wait_is_passed_on_after_them(relayed, direction, ending):
    client, server, gateway = relayed(receive_buffer_bytes=SMALL_BUFFER_BYTES)
    sender, receiver = sender_and_receiver(client, server, direction)
    sent = b""

    def something_waits():
        return gateway.metric("holdfast_memory_bytes", part="pending_bytes") > 0

    def all_is_relayed():
        return gateway.metric("holdfast_relayed_bytes_total", direction=direction) == len(sent)

    while not something_waits():  # until the kernel takes no more for the reader
        piece = pattern(32 * 1024)
        sender.send(piece)
        sent += piece
        wait_until(lambda: all_is_relayed() or something_waits(), "the gateway has taken the piece")
    events = gateway.metric("holdfast_loop_events_total")
    getattr(sender, ending)()
    gateway.wait_metric("holdfast_loop_events_total", lambda value: value > events)
    assert receiver.receive_until_end() == sent


@BOTH_DIRECTIONS
def test_what_a_peer_sent_arrives_even_if_it_closed_without_reading_the_answers(relayed, direction):
    client, server, gateway = relayed(receive_buffer_bytes=SMALL_BUFFER_BYTES)
    sender, receiver = sender_and_receiver(client, server, direction)
    gateway_port, sender_port = sender.remote_port, sender.local_port
    data = pattern(2 * MEBI)
    sending = in_background(lambda: (sender.send(data), sender.close()))
    received = receiver.receive(MEBI // 2)
    sending.join()
    # An answer that met bytes on the sender's own side would make its kernel throw them away.
    at_gateway = functools.partial(kernel.connection, gateway_port, sender_port)
    wait_until(lambda: at_gateway().state == kernel.CLOSE_WAIT, "everything has left the sender")
    receiver.send(bytes(300_000))  # more than the gateway passes on in one piece
    while len(received) < len(data) - 4 * SMALL_BUFFER_BYTES:  # as long as the gateway cannot be done
        receiver.send(b"an answer to nobody")
        received += receiver.receive(SMALL_BUFFER_BYTES // 4)
    assert received + receiver.receive_until_end() == data


@BOTH_DIRECTIONS
def test_a_reader_that_stands_still_stops_its_sender_and_costs_a_bounded_amount(run, hand_backend, direction):
    server = hand_backend("hand", receive_buffer_bytes=SMALL_BUFFER_BYTES)
    gateway = run("run", config(pool=dict(servers=[server])))
    pairs = []
    for _ in range(4):
        client = gateway.connect(receive_buffer_bytes=SMALL_BUFFER_BYTES)
        pairs.append(sender_and_receiver(client, server.accept(), direction))
    data = pattern(32 * MEBI)
    taken = [sender.send_until_blocked(data) for sender, _ in pairs]
    assert max(taken) < len(data), "the sender was never stopped"
    pending = gateway.wait_metric("holdfast_memory_bytes", lambda value: value > 0, part="pending_bytes")
    assert pending <= len(pairs) * PENDING_BYTES_MAX + BLOCK_BYTES
    for (_, receiver), count in zip(pairs, taken):
        assert receiver.receive(count) == data[:count]
    for sender, receiver in pairs:
        sender.send(b"and on")
        assert receiver.receive(6) == b"and on"
    gateway.wait_metric("holdfast_memory_bytes", lambda value: value <= BLOCK_BYTES, part="pending_bytes")


def test_a_stalled_connection_does_not_slow_others(run, hand_backend, echo_backend):
    stalled, echo = hand_backend("hand", receive_buffer_bytes=SMALL_BUFFER_BYTES), echo_backend("echo")
    listeners = [dict(name="stalled", pool="p"), dict(name="echo", pool="q")]
    pools = [dict(name="p", servers=[stalled]), dict(name="q", servers=[echo])]
    gateway = run("run", config(listener=listeners, pool=pools))
    stalled_client = gateway.connect(gateway.address("stalled"))
    stalled.accept()
    stalled_client.send_until_blocked(bytes(32 * MEBI))
    talking = gateway.connect(gateway.address("echo"))
    talking.ask(b"x")
    start = time.monotonic()
    for _ in range(200):
        assert talking.ask(b"hello") == b"hello"
    assert time.monotonic() - start < 10


def test_a_large_flow_does_not_starve_a_small_one(run, hand_backend, echo_backend):
    sink, echo = echo_backend("sink", mode="sink"), echo_backend("echo")
    listeners = [dict(name="flow", pool="p"), dict(name="echo", pool="q")]
    pools = [dict(name="p", servers=[sink]), dict(name="q", servers=[echo])]
    gateway = run("run", config(listener=listeners, pool=pools))
    flow, talking = gateway.connect(gateway.address("flow")), gateway.connect(gateway.address("echo"))
    talking.ask(b"x")
    over = threading.Event()

    def flow_until_over():
        while not over.is_set():
            flow.send(bytes(MEBI))

    flowing = in_background(flow_until_over)
    gateway.wait_metric("holdfast_relayed_bytes_total", lambda value: value > 16 * MEBI, listener="flow")
    took = []
    for _ in range(200):
        start = time.monotonic()
        assert talking.ask(b"hello") == b"hello"
        took.append(time.monotonic() - start)
    over.set()
    flowing.join()
    assert statistics.quantiles(took, n=20)[-1] < scaled(1, 5)  # a pause of the machine makes one of them slow, or two


def test_small_writes_are_not_held_back(relayed):
    """Under Nagle's algorithm the second of two writes waits for a delayed acknowledgement: 40 ms, here 4 s in all."""
    client, server, _ = relayed()

    def a_hundred():
        start = time.monotonic()
        for _ in range(50):
            for sender, receiver in ((client, server), (server, client)):
                sender.send(b"a")
                assert receiver.receive(1) == b"a"  # the gateway has written the first; nothing acknowledges it yet
                sender.send(b"b")
                assert receiver.receive(1) == b"b"
        assert time.monotonic() - start < 2

    undisturbed(a_hundred)
