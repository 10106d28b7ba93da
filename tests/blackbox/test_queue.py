"""The queue of a pool: who waits when every server is full or down, in which order they go on, and how waiting ends."""
import signal
import time
from collections import Counter

import pytest

from configuration import config
from environment import scaled, undisturbed, wait_until
from gateway import ENDED_AT_ONCE
from test_server_limits import QUICK_CHECKS, assert_rate_kept

WORKERS = pytest.mark.parametrize("workers", [1, 2])


def full(run, server, queue=100, workers=1, listener=None, limit=1, **pool):
    """A gateway whose only server, of the test's own hands, has all the connections that it may have."""
    gateway = run("run", config(listener=listener, node=dict(workers=workers, stop_timeout="100ms"),
                                pool=dict(servers=[server.entry(max_connections=limit)], queue=queue, **pool)))
    clients = [gateway.connect() for _ in range(limit)]
    return gateway, clients, [server.accept() for _ in range(limit)]


def wait_waiting(gateway, count):
    gateway.wait_metric("holdfast_pool_waiting", count)


@WORKERS
def test_who_waits_is_served_in_the_order_of_coming(run, hand_backend, workers):
    server = hand_backend("a")
    gateway, _, [held] = full(run, server, workers=workers)
    waiting = []
    for number in range(40):
        waiting.append(gateway.connect())
        waiting[-1].send(b"%02d" % number)  # said while it waits, heard when it is served
        wait_waiting(gateway, number + 1)
    served = []
    for _ in waiting:
        held.reset()
        held = server.accept()
        served.append(int(held.receive(2)))
    assert served == list(range(40))
    wait_waiting(gateway, 0)


@WORKERS
def test_a_newcomer_does_not_overtake_who_waits(run, hand_backend, workers):
    """Not even at the moment when a place becomes free: while somebody waits, newcomers wait behind."""
    server = hand_backend("a")
    gateway, _, [held] = full(run, server, workers=workers)
    waiting, served = [], []

    def come():
        waiting.append(gateway.connect())
        waiting[-1].send(b"%03d" % len(waiting))

    for count in (1, 2, 3):
        come()
        wait_waiting(gateway, count)
    for _ in range(60):
        held.reset()
        come()
        held = server.accept()
        served.append(int(held.receive(3)))
        wait_waiting(gateway, 3)
    assert served == list(range(1, 61))


@WORKERS
@pytest.mark.parametrize("goes", ["close", "reset", "half_close"])
def test_who_gives_up_leaves_the_queue_at_once(run, hand_backend, workers, goes):
    server = hand_backend("a")
    gateway, _, [held] = full(run, server, queue=3, workers=workers, queue_timeout="1m")
    waiting = []
    for count in (1, 2, 3):
        waiting.append(gateway.connect())
        waiting[-1].send(b"%d" % count)
        wait_waiting(gateway, count)
    getattr(waiting[1], goes)()
    wait_waiting(gateway, 2)
    last = gateway.connect()
    last.send(b"4")
    wait_waiting(gateway, 3)  # its place was free again
    served = []
    for _ in range(3):
        held.reset()
        held = server.accept()
        served.append(held.receive(1))
    assert served == [b"1", b"3", b"4"]
    [ended] = gateway.wait_ended(reason="client_reset" if goes == "reset" else "client_closed", attempts=0)
    assert (ended["server"], ended["bytes_to_client"]) == ("-", 0)


def test_a_client_that_gave_up_while_its_header_was_read_does_not_wait(run, hand_backend):
    server = hand_backend("a")
    gateway = run("run", config(listener=dict(proxy_protocol="optional"),
                                pool=dict(servers=[server.entry(max_connections=1)], queue=10, queue_timeout="1m")))
    kept = gateway.connect()
    kept.send(b"x")
    server.accept()
    leaver = gateway.connect()
    leaver.send(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nand a request")
    leaver.close()
    gateway.wait_ended(reason="client_closed")
    assert gateway.metric("holdfast_pool_waiting") == 0


@WORKERS
def test_what_a_client_says_while_it_waits_arrives_whole(run, hand_backend, workers):
    server = hand_backend("a")
    gateway, _, [held] = full(run, server, workers=workers)
    client = gateway.connect()
    said = bytes(range(256)) * 400
    client.send(said)
    wait_waiting(gateway, 1)
    held.reset()
    held = server.accept()
    assert held.receive(len(said)) == said
    held.send(b"heard")
    assert client.receive(5) == b"heard"


def test_without_a_queue_a_full_pool_closes(run, hand_backend):
    server = hand_backend("a")
    gateway, [kept], [held] = full(run, server, queue=0)
    gateway.connect().expect_end()
    gateway.wait_ended(reason="servers_full")
    assert gateway.metric("holdfast_closed_total", reason="servers_full") == 1
    kept.send(b"still")
    assert held.receive(5) == b"still"


@WORKERS
def test_a_full_queue_closes_who_comes_and_keeps_who_waits(run, hand_backend, workers):
    server = hand_backend("a")
    gateway, _, [held] = full(run, server, queue=2, workers=workers)
    waiting = [gateway.connect() for _ in range(2)]
    wait_waiting(gateway, 2)
    late = [gateway.connect() for _ in range(8)]
    for each in late:
        each.expect_end()
    gateway.wait_metric("holdfast_closed_total", 8, reason="queue_full")
    assert gateway.metric("holdfast_pool_waiting") == 2
    assert all(each.nothing_came() for each in waiting)
    for _ in waiting:
        held.reset()
        held = server.accept()
    wait_waiting(gateway, 0)


@WORKERS
def test_a_crowd_at_once_finds_exactly_the_places_of_the_queue(run, hand_backend, workers):
    server = hand_backend("a")
    gateway, _, _ = full(run, server, queue=30, workers=workers, queue_timeout="1m")
    crowd = [gateway.connect() for _ in range(100)]
    gateway.wait_metric("holdfast_closed_total", 70, reason="queue_full")
    assert gateway.metric("holdfast_pool_waiting") == 30
    assert sum(each.nothing_came() for each in crowd) == 30


def test_queue_timeout_closes_who_waited_so_long_and_not_before(run, hand_backend):
    timeout_s = scaled(0.5, 2)
    server = hand_backend("a")
    gateway, _, _ = full(run, server, queue_timeout=f"{timeout_s * 1000:.0f}ms", workers=2)
    for each in [gateway.connect() for _ in range(20)]:
        each.expect_end()
    ended = gateway.wait_ended(20, reason="queue_timeout")
    assert all(each["duration_ms"] >= timeout_s * 1000 for each in ended)
    assert min(each["duration_ms"] for each in ended) < timeout_s * 1000 + 5000
    wait_waiting(gateway, 0)


@pytest.mark.parametrize("freed", [False, True], ids=["nobody_goes", "one_goes"])
def test_each_has_its_own_time_in_the_queue(run, hand_backend, freed):
    """Whoever came later is not closed with who came first."""
    server = hand_backend("a")
    gateway, _, [held] = full(run, server, queue_timeout="600ms")

    def one_after_the_other():
        nonlocal held
        first = gateway.connect()
        wait_waiting(gateway, 1)
        start = time.monotonic()
        wait_until(lambda: time.monotonic() - start > 0.3, "half of the time")
        second = gateway.connect()
        wait_until(lambda: gateway.metric("holdfast_pool_waiting") == 2 or not first.nothing_came(), "both wait")
        assert first.nothing_came(), "its time is over already"
        if freed:
            held.reset()
            held = server.accept()
        else:
            first.expect_end()
        second.expect_end()
        ended = gateway.wait_ended(client=second.local_address)
        assert ended[0]["reason"] == "queue_timeout"

    undisturbed(one_after_the_other)
    ended = gateway.wait_ended(1 if freed else 2, reason="queue_timeout")
    assert all(each["duration_ms"] >= 600 for each in ended)


def test_waiting_is_not_part_of_the_handshake(run, hand_backend):
    server = hand_backend("a")
    gateway, _, [held] = full(run, server, listener=dict(handshake_timeout="200ms"), queue_timeout="1m")
    client = gateway.connect()
    start = time.monotonic()
    wait_until(lambda: time.monotonic() - start > 0.7, "it waits for longer than a handshake may take")
    assert client.nothing_came()
    held.reset()
    client.send(b"x")
    assert server.accept().receive(1) == b"x"


def test_a_pool_that_is_down_closes_at_once_although_it_has_a_queue(run, echo_backend):
    a = echo_backend("a")
    gateway = run("run", config(pool=dict(servers=[a.entry(max_connections=9)], queue=10, queue_timeout="1m",
                                          health=QUICK_CHECKS)))
    gateway.wait_metric("holdfast_server_up", 1)
    a.kill()
    gateway.wait_metric("holdfast_server_up", 0)
    gateway.connect().expect_end()
    gateway.wait_ended(reason="no_server")


@WORKERS
def test_when_all_are_down_clients_wait_for_the_first_that_comes_up(run, echo_backend, workers):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = run("run", config(node=dict(workers=workers, stop_timeout="100ms"),
                                pool=dict(servers=[a, b], queue=10, queue_timeout="1m", when_all_down="queue",
                                          slow_start="0s", health=QUICK_CHECKS)))
    gateway.wait_metric("holdfast_pool_servers_up", 2)
    a.kill(), b.kill()
    gateway.wait_metric("holdfast_pool_servers_up", 0)
    waiting = [gateway.connect() for _ in range(10)]
    wait_waiting(gateway, 10)
    gateway.connect().expect_end()
    gateway.wait_ended(reason="queue_full")
    assert all(each.nothing_came() for each in waiting)
    b.restart()
    assert {each.served_by for each in waiting} == {"b"}
    assert gateway.metric("holdfast_pool_waiting") == 0


def test_when_all_are_down_waiting_ends_at_queue_timeout_too(run, echo_backend):
    a = echo_backend("a")
    gateway = run("run", config(pool=dict(servers=[a], queue=10, queue_timeout="200ms", when_all_down="queue",
                                          health=QUICK_CHECKS)))
    a.kill()
    gateway.wait_metric("holdfast_server_up", 0)
    gateway.connect().expect_end()
    gateway.wait_ended(reason="queue_timeout")


def test_who_waits_is_closed_when_all_go_down_and_nobody_may_wait_for_that(run, echo_backend):
    a = echo_backend("a")
    gateway = run("run", config(pool=dict(servers=[a.entry(max_connections=1)], queue=10, queue_timeout="1m",
                                          health=QUICK_CHECKS)))
    gateway.wait_metric("holdfast_server_up", 1)
    served = gateway.connect()
    assert served.served_by == "a"
    waiting = [gateway.connect() for _ in range(3)]
    wait_waiting(gateway, 3)
    a.kill()  # its connection stays half open, so nobody gets its place
    for each in waiting:
        each.expect_end()
    gateway.wait_ended(3, reason="no_server")


@WORKERS
def test_a_rate_alone_lets_the_queue_go_on(run, counting_backend, workers):
    """Nobody leaves: what frees places is time. And the rate is kept, measured where it is meant to help."""
    server = counting_backend("a")
    rate, count = 50, 60
    gateway = run("run", config(node=dict(workers=workers, stop_timeout="100ms"),
                                pool=dict(servers=[server.entry(max_accept_rate=f"{rate}/s")], queue=count,
                                          queue_timeout="1m", slow_start="0s")))
    begin = time.monotonic()
    clients = [gateway.connect() for _ in range(count)]
    wait_until(lambda: len(server.accepted_at) == count, lambda: f"all are served; {len(server.accepted_at)} were")
    wait_until(lambda: len(clients) == server.live, "the server has counted them")
    assert_rate_kept(server.accepted_at, begin, rate)


def test_a_rate_without_a_queue_closes_who_comes_too_early(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a").entry(max_accept_rate="1/h")])))
    assert gateway.connect().served_by == "a"
    for _ in range(5):
        gateway.connect().expect_end()
    gateway.wait_metric("holdfast_closed_total", 5, reason="servers_full")


def test_waiting_begins_when_all_servers_are_full_and_not_before(run, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = run("run", config(pool=dict(policy="round_robin", queue=10, queue_timeout="1m", servers=[
        a.entry(max_connections=3), b.entry(max_connections=5)])))
    served = Counter(gateway.connect().served_by for _ in range(8))
    assert served == dict(a=3, b=5)
    assert gateway.metric("holdfast_pool_waiting") == 0
    gateway.connect()
    wait_waiting(gateway, 1)


def test_who_did_not_reach_one_server_and_found_the_other_full_goes_to_whichever_is_good_first(run, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = run("run", config(pool=dict(policy="first", servers=[b.entry(max_connections=1), a], queue=10,
                                          queue_timeout="1m")))
    a.kill()
    assert gateway.connect().served_by == "b"
    waiting = gateway.connect()
    wait_waiting(gateway, 1)
    a.restart()
    assert waiting.served_by == "a"


def test_the_end_of_the_process_ends_waiting(run, hand_backend):
    server = hand_backend("a")
    gateway, _, _ = full(run, server, queue_timeout="1m", workers=2)
    waiting = [gateway.connect() for _ in range(5)]
    wait_waiting(gateway, 5)
    gateway.signal(signal.SIGINT)
    for each in waiting:
        each.expect_end()
    assert gateway.wait_exit() == ENDED_AT_ONCE
    assert len(gateway.log("connection ended", reason="stopped")) == 6
