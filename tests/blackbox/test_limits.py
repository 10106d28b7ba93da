"""What happens at the limits: descriptors, connections of a listener, a log that nobody reads."""
import signal
import socket
import time

import pytest

from configuration import config
from environment import PATIENCE_S, scaled, wait_until

DESCRIPTORS = 400
RESERVE = 128  # what connections leave to the rest of the process
PAUSED = "accepting paused: descriptors ran short; raise the limit (LimitNOFILE) or lower max_connections"


@pytest.fixture
def exhausted(run, echo_backend):
    """A gateway whose descriptors are used up, the clients that it serves, and those that wait to be accepted."""
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")])), descriptors=DESCRIPTORS)
    free = gateway.metric("holdfast_descriptors_free")
    assert DESCRIPTORS - RESERVE - 20 < free <= DESCRIPTORS - RESERVE
    served = [gateway.connect() for _ in range(int(free) // 2)]
    assert {each.served_by for each in served} == {"a"}
    waiting = [gateway.connect() for _ in range(40)]
    gateway.wait_metric("holdfast_accept_paused", 1)
    return gateway, served, waiting


def test_too_few_descriptors_for_max_connections_are_told_at_the_start(run, echo_backend):
    told = ("there are descriptors for fewer connections than a listener may have; then accepting pauses: raise the "
            "limit (LimitNOFILE) or lower max_connections")
    pool = dict(servers=[echo_backend("a")])
    short = run("run", config(listener=dict(max_connections=200), pool=pool), descriptors=DESCRIPTORS)
    [line] = short.wait_log(told)
    assert line["max_connections"] == 200 and 100 < line["descriptors_for"] < 200
    enough = run("run", config(listener=dict(max_connections=100), pool=pool), descriptors=DESCRIPTORS)
    assert enough.connect().ask(b"hello") == b"hello"
    assert not enough.log(told)


def test_without_descriptors_accepting_pauses_and_the_rest_goes_on(exhausted):
    gateway, served, waiting = exhausted
    before = gateway.metrics()
    cpu_before, start, answers = gateway.cpu_seconds(), time.monotonic(), 0
    while time.monotonic() - start < 1:  # a second of shortage, filled with what must go on
        for each in served[answers:][:10]:
            assert each.ask(b"still") == b"still"
        assert gateway.get("/healthz").status == 200
        answers += 1
        wait_until(lambda: time.monotonic() - start > answers * 0.05, "the next of 20 looks")
    took = time.monotonic() - start
    assert gateway.cpu_seconds() - cpu_before < 0.4 * took, "it spins"
    after = gateway.metrics()
    turns = after.value("holdfast_loop_turns_total") - before.value("holdfast_loop_turns_total")
    assert turns < 2 * 10 * answers + 100 * took, "it spins"
    assert after.value("holdfast_accept_paused") == 1
    assert after.value("holdfast_descriptors_free") < 2
    assert after.value("holdfast_connections") == len(served)
    assert all(each.nothing_came() for each in waiting)
    assert after.value("holdfast_accept_pauses_total") == 1
    assert len(gateway.wait_log(PAUSED)) == 1


def test_when_descriptors_come_back_the_waiting_clients_are_served(exhausted):
    gateway, served, waiting = exhausted
    for each in served[:100]:
        each.close()
    for each in waiting:
        assert each.ask(b"at last") == b"at last"
    gateway.wait_metric("holdfast_accept_paused", 0)
    gateway.wait_log("accepting goes on")
    assert len(gateway.log(PAUSED)) == 1
    assert {gateway.connect().served_by for _ in range(20)} == {"a"}


def test_a_client_that_gave_up_while_it_waited_does_no_harm(exhausted):
    gateway, served, waiting = exhausted
    for each in waiting[::2]:
        each.reset()
    for each in served:
        each.close()
    for each in waiting[1::2]:
        assert each.ask(b"at last") == b"at last"


@pytest.mark.parametrize("workers", [1, 2])
def test_one_more_than_max_connections_is_turned_away_and_counted(run, echo_backend, workers):
    gateway = run("run", config(listener=dict(max_connections=3), node=dict(workers=workers),
                                pool=dict(servers=[echo_backend("a")])))
    clients = [gateway.connect() for _ in range(3)]
    assert {each.served_by for each in clients} == {"a"}
    gateway.connect().expect_end()
    gateway.wait_metric("holdfast_refused_total", 1, reason="max_connections")
    assert gateway.metric("holdfast_connections") == 3
    assert gateway.metric("holdfast_connections_total") == 3
    clients[0].close()
    gateway.wait_metric("holdfast_connections", 2)
    assert gateway.connect().served_by == "a"
    for each in clients[1:]:
        assert each.ask(b"untouched") == b"untouched"


def test_max_connections_is_of_one_listener(run, echo_backend):
    gateway = run("run", config(listener=[dict(name="small", max_connections=1), dict(name="other")],
                                pool=dict(servers=[echo_backend("a")])))
    assert gateway.connect(gateway.address("small")).served_by == "a"
    gateway.connect(gateway.address("small")).expect_end()
    assert {gateway.connect(gateway.address("other")).served_by for _ in range(5)} == {"a"}


@pytest.mark.slow
def test_a_log_that_nobody_reads_blocks_nothing(run, echo_backend):
    hello, echo = echo_backend("hello", mode="hello"), echo_backend("echo")
    listeners = [dict(name="short", pool="p"), dict(name="long", pool="q")]
    pools = [dict(name="p", servers=[hello]), dict(name="q", servers=[echo])]
    gateway = run("run", config(listener=listeners, pool=pools, node=dict(workers=2)), unread_log=True)
    host, port = gateway.address("short").rsplit(":", 1)
    talking = gateway.connect(gateway.address("long"))
    talking.ask(b"x")
    count = scaled(20_000, 12_000)
    for number in range(count):
        with socket.create_connection((host, int(port)), PATIENCE_S) as client:
            assert client.recv(64) == b"hello\n"
        if number % 100 == 0:
            assert talking.ask(b"hello") == b"hello", "a stuck log holds the relay up"
    gateway.wait_metric("holdfast_closed_total", count, listener="short")
    page = gateway.metrics()
    dropped = page.value("holdfast_log_lines_dropped_total") + page.value("holdfast_notices_dropped_total")
    assert 0 < dropped < count
    talking.close()
    gateway.signal(signal.SIGTERM)
    assert gateway.wait_exit() == 0, "a stuck log does not hold the end up"


def test_a_log_whose_reader_has_gone_does_not_end_the_process(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")])), unread_log=True)
    gateway.close_log()
    for _ in range(20):
        client = gateway.connect()
        assert client.ask(b"x") == b"x"
        client.close()
    gateway.wait_metric("holdfast_closed_total", 20)
    assert gateway.running()
