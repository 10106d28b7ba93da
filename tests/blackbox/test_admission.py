"""Who is let in: lists, limits and rates, each with its own reason; and that refusing costs the others nothing."""
import contextlib
import os
import random
import statistics
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from configuration import config
from environment import PATIENCE_S, SANITIZED, SEED, scaled, seconds_of

WORKERS = pytest.mark.parametrize("workers", [1, 2])
PROGRAMS = Path(__file__).parent / "programs"


def is_served(client):
    """Whether somebody answers; a refused client sees its end."""
    try:
        client.send(b"who?")
        answer = client.socket.recv(100)
    except OSError:
        return False
    if not answer:
        return False
    while not answer.endswith(b"\nwho?"):
        answer += client.socket.recv(100)
    return True


def crowd(gateway, count, address=None, threads=8, **options):
    """So many clients, several at a time. Returns those that are served, and keeps them."""
    served, left = [], iter(range(count))

    def come():
        for _ in left:
            client = gateway.connect(address, **options)
            if is_served(client):
                served.append(client)

    running = [threading.Thread(target=come) for _ in range(threads)]
    for each in running:
        each.start()
    for each in running:
        each.join()
    return served


def refusals(gateway):
    return {reason: count for reason, count in gateway.metrics().by("reason", "holdfast_refused_total").items() if count}


# Limits.

@WORKERS
def test_a_crowd_finds_exactly_as_many_places_as_there_are(run, echo_backend, workers):
    gateway = run("run", config(listener=dict(max_connections=50), node=dict(workers=workers),
                                pool=dict(servers=[echo_backend("a")])))
    for _ in range(3):
        served = crowd(gateway, 200)
        assert len(served) == 50
        assert gateway.metric("holdfast_connections") == 50
        for each in served:
            each.close()
        gateway.wait_metric("holdfast_connections", 0)
    assert refusals(gateway) == dict(max_connections=450)


@WORKERS
def test_the_limit_of_the_process_is_over_all_listeners(run, echo_backend, workers):
    gateway = run("run", config(listener=[dict(name="one"), dict(name="two"), dict(name="small", max_connections=1)],
                                node=dict(workers=workers, max_connections=5), pool=dict(servers=[echo_backend("a")])))
    one = [gateway.connect(gateway.address("one")) for _ in range(3)]
    two = [gateway.connect(gateway.address("two")) for _ in range(2)]
    assert all(is_served(each) for each in one + two)
    for name in ("one", "two"):
        gateway.connect(gateway.address(name)).expect_end()
    gateway.wait_metric("holdfast_refused_total", 1, reason="process_max_connections", listener="two")
    assert refusals(gateway) == dict(process_max_connections=2)
    two[0].close()
    gateway.wait_metric("holdfast_connections", 4)
    assert is_served(gateway.connect(gateway.address("small")))
    one[0].close()
    gateway.wait_metric("holdfast_connections", 4)
    gateway.connect(gateway.address("small")).expect_end()  # its own limit, and it keeps no place of the process
    assert len(crowd(gateway, 10, gateway.address("one"))) == 1
    assert gateway.metric("holdfast_refused_total", reason="max_connections", listener="small") == 1


@WORKERS
def test_each_address_has_so_many_places(run, echo_backend, workers):
    gateway = run("run", config(listener=dict(max_connections_per_address=7), node=dict(workers=workers),
                                pool=dict(servers=[echo_backend("a")])))
    of_each = {source: crowd(gateway, 30, source=source) for source in ("127.0.0.2", "127.0.0.3", "127.1.2.3")}
    assert {source: len(served) for source, served in of_each.items()} == dict.fromkeys(of_each, 7)
    assert refusals(gateway) == dict(max_connections_per_address=3 * 23)
    for each in of_each["127.0.0.2"][:3]:
        each.reset()
    gateway.wait_metric("holdfast_connections", 18)
    assert len(crowd(gateway, 10, source="127.0.0.2")) == 3
    assert not crowd(gateway, 3, source="127.0.0.3")


def test_the_first_bits_make_one_address_of_ipv6(run, echo_backend):
    """The addresses come by PROXY headers, and are counted as if they were those of sockets."""
    gateway = run("run", config(listener=dict(max_connections_per_address=2, address_prefix_ipv6=56,
                                              proxy_protocol="required"), pool=dict(servers=[echo_backend("a")])))

    def comes_from(source):
        client = gateway.connect()
        client.send(b"PROXY TCP%d %s %s 1000 2000\r\n" % (6 if ":" in source else 4, source.encode(),
                                                         b"::1" if ":" in source else b"127.0.0.1"))
        return is_served(client)

    assert comes_from("2001:db8:0:100::1")
    assert comes_from("2001:db8:0:1ff:ffff:ffff:ffff:ffff")
    assert not comes_from("2001:db8:0:180::5"), "the first 56 bits are the same"
    assert comes_from("2001:db8:0:200::1"), "the 55th is another"
    assert comes_from("2001:db8:1:100::1")
    assert [comes_from(f"192.0.2.{last}") for last in (1, 1, 1, 2, 2, 2)] == [True, True, False] * 2
    assert refusals(gateway) == dict(max_connections_per_address=3)


# Rates.

@WORKERS
def test_a_burst_is_let_in_and_then_the_rate(run, echo_backend, workers):
    gateway = run("run", config(listener=dict(accept_rate="1/h", accept_burst=9), node=dict(workers=workers),
                                pool=dict(servers=[echo_backend("a")])))
    assert len(crowd(gateway, 40)) == 9
    assert refusals(gateway) == dict(accept_rate=31)
    assert gateway.metric("holdfast_connections_total") == 9


@WORKERS
def test_the_rate_is_kept_over_time(run, echo_backend, workers):
    gateway = run("run", config(listener=dict(accept_rate="40/s", accept_burst=1), node=dict(workers=workers),
                                pool=dict(servers=[echo_backend("a")])))
    served = []

    def try_until_40_are_in():
        while len(served) < 40:
            served.extend(crowd(gateway, 4, threads=2))

    took, _ = seconds_of(try_until_40_are_in)
    assert took >= 39 / 40 * 0.99 - len(served[40:]) / 40, "faster than the rate"
    assert took < 10, "the rate is there for whoever tries often enough"


@WORKERS
def test_each_address_has_its_own_rate(run, echo_backend, workers):
    gateway = run("run", config(listener=dict(accept_rate_per_address="1/h", accept_burst_per_address=5),
                                node=dict(workers=workers), pool=dict(servers=[echo_backend("a")])))
    for source in ("127.0.0.2", "127.0.0.3"):
        # Two workers that see a new address at the same instant may let one more in, as the table's header says.
        assert 5 <= len(crowd(gateway, 20, source=source)) <= 5 + workers - 1
    assert set(refusals(gateway)) == {"accept_rate_per_address"}
    assert is_served(gateway.connect(source="127.0.0.4"))


def test_who_is_refused_for_its_rate_takes_no_place(run, echo_backend):
    gateway = run("run", config(listener=dict(accept_rate="1/h", accept_burst=3, max_connections=3,
                                              max_connections_per_address=3), pool=dict(servers=[echo_backend("a")])))
    first = [gateway.connect() for _ in range(3)]
    assert all(is_served(each) for each in first)
    first[0].close()
    gateway.wait_metric("holdfast_connections", 2)
    for _ in range(5):
        gateway.connect().expect_end()
    assert refusals(gateway) == dict(accept_rate=5)


# Lists.

def test_deny_wins_over_allow_in_lists_of_a_thousand(run, echo_backend):
    """A thousand networks each, in no order: every second /28 of 127.7.0.0/16 is denied, the other half allowed."""
    networks = [f"127.7.{i // 16}.{i % 16 * 16}/28" for i in range(2000)]
    denied, allowed = networks[::2], networks[1::2]
    random.Random(1).shuffle(denied), random.Random(2).shuffle(allowed)
    listener = dict(deny=denied, allow=[*allowed, "127.7.0.0/20", "127.8.0.1"])
    gateway = run("run", config(listener=listener, pool=dict(servers=[echo_backend("a")])))
    cases = {
        "127.7.0.15": "denied",            # by the list, although 127.7.0.0/20 is allowed
        "127.7.0.16": None, "127.7.0.31": None, "127.7.0.32": "denied",
        "127.7.124.240": None,             # the last network of the lists
        "127.7.124.239": "denied",
        "127.7.125.0": "not_allowed", "127.8.0.1": None, "127.8.0.2": "not_allowed", "127.0.0.1": "not_allowed",
    }
    for source, reason in cases.items():
        before = refusals(gateway)
        assert is_served(gateway.connect(source=source)) == (reason is None), source
        assert Counter(refusals(gateway)) - Counter(before) == (Counter({reason: 1}) if reason else Counter()), source


@pytest.mark.parametrize("lists, reason", [
    (dict(deny=["::/0"]), "denied"), (dict(deny=["::1"], allow=["::/0"]), "denied"),
    (dict(allow=["2001:db8::/32", "0.0.0.0/0"]), "not_allowed"),
    (dict(allow=["::/64"], deny=["127.0.0.1", "::2/127"]), None),
])
def test_lists_hold_for_clients_with_ipv6(run, echo_backend, lists, reason):
    gateway = run("run", config(listener=dict(bind=["[::1]:0"], **lists), pool=dict(servers=[echo_backend("a")])))
    assert is_served(gateway.connect()) == (reason is None)
    assert refusals(gateway) == ({reason: 1} if reason else {})


def test_nothing_is_known_of_who_was_refused(run, echo_backend):
    """No place, no descriptor, no connection of the log, nothing that a server sees."""
    a = echo_backend("a")
    gateway = run("run", config(listener=dict(deny=["127.0.0.66"], max_connections=2, max_connections_per_address=2,
                                              accept_rate="1/h", accept_burst=2), pool=dict(servers=[a])))
    free = gateway.metric("holdfast_descriptors_free")
    for _ in range(100):
        gateway.connect(source="127.0.0.66").expect_end()
    assert refusals(gateway) == dict(denied=100)
    gateway.wait_metric("holdfast_descriptors_free", free)
    assert gateway.metric("holdfast_connections_total") == 0
    assert gateway.metric("holdfast_server_connections_total") == 0
    assert not gateway.log("connection ended")
    assert is_served(gateway.connect()) and is_served(gateway.connect()), "they took no place and no token"


# Places are given back.

WAYS_TO_END = ["client_closes", "client_resets", "client_half_closes", "server_closes", "server_closes_unread",
               "connect_fails", "silence", "refused", "client_leaves_the_queue", "queue_timeout"]


def misbehave(gateway, way, numbers):
    """One connection that ends in this way."""
    name = {"server_closes": "hello", "server_closes_unread": "hello", "connect_fails": "dead", "refused": "denying",
            "silence": "idle", "client_leaves_the_queue": "full", "queue_timeout": "full"}.get(way, "main")
    client = gateway.connect(gateway.address(name))
    try:
        if numbers.random() < 0.5:
            client.send(bytes(numbers.randrange(1, 5000)))
        if way == "client_half_closes":
            client.half_close()
        if way in ("client_closes", "client_leaves_the_queue"):
            client.close()
        elif way in ("client_resets", "server_closes_unread"):
            client.reset()
        else:
            client.receive_until_end()
    except OSError:
        pass  # it was refused, or reset
    finally:
        client.close()


@pytest.mark.slow
@pytest.mark.torture
@WORKERS
def test_after_a_thousand_bad_ends_every_place_is_free_again(run, echo_backend, refusing_backend, workers):
    listener = dict(max_connections=40, max_connections_per_address=20)
    pools = {"main": dict(servers=[echo_backend("a")]),
             "hello": dict(servers=[echo_backend("h", mode="hello")]),
             "dead": dict(servers=[refusing_backend("r")], retries=1),
             "idle": dict(servers=[echo_backend("i")]),
             "full": dict(servers=[echo_backend("f").entry(max_connections=1)], queue=20, queue_timeout="100ms"),
             "denying": dict(servers=[echo_backend("d")]),
             "other": dict(servers=[echo_backend("q")])}
    more = {"idle": dict(idle_timeout="100ms"), "full": dict(idle_timeout="300ms"),
            "denying": dict(deny=["127.0.0.0/8"]), "dead": dict(handshake_timeout="300ms")}
    gateway = run("run", config(listener=[dict(name=name, pool=name, **listener, **more.get(name, {})) for name in pools],
                                pool=[dict(name=name, **pool) for name, pool in pools.items()],
                                node=dict(workers=workers, max_connections=60)))
    numbers, left = random.Random(SEED), list(range(1000))
    print(f"HOLDFAST_SEED={SEED}")

    def go_on():
        while left:
            left.pop()
            misbehave(gateway, numbers.choice(WAYS_TO_END), numbers)

    threads = [threading.Thread(target=go_on) for _ in range(32)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    gateway.wait_metric("holdfast_connections", 0)
    gateway.wait_metric("holdfast_server_connections", 0)
    gateway.wait_metric("holdfast_pool_waiting", 0)
    reasons = {reason for reason, count in gateway.metrics().by("reason", "holdfast_closed_total").items() if count}
    assert reasons >= {"client_closed", "client_reset", "server_closed", "idle_timeout", "queue_timeout"}
    assert reasons & {"connect_failed", "handshake_timeout"}
    # The same address as before has all its places, at each listener; and so have the listener and the process.
    for name in ("idle", "full", "dead"):
        before = gateway.metric("holdfast_connections_total", listener=name)
        together = [gateway.connect(gateway.address(name)) for _ in range(20)]
        gateway.wait_metric("holdfast_connections_total", before + 20, listener=name)
        for each in together:
            each.close()
    gateway.wait_metric("holdfast_connections", 0)
    assert len(crowd(gateway, 60)) == 20
    assert len(crowd(gateway, 60, source="127.0.0.2")) == 20
    assert not crowd(gateway, 3, source="127.0.0.3")
    wanted = [gateway.connect(gateway.address("other"), source="127.0.0.3") for _ in range(20)]
    gateway.wait_metric("holdfast_connections", 60)
    gateway.connect(gateway.address("dead")).expect_end()
    assert gateway.metric("holdfast_refused_total", reason="process_max_connections", listener="dead") >= 1
    assert all(is_served(each) for each in wanted)


# A flood of refused connections.

class Helper:
    """A program of programs/ that does one thing for each line, and answers it with one."""

    def __init__(self, program, *arguments):
        self._process = subprocess.Popen([sys.executable, "-I", "-S", PROGRAMS / program, *arguments], text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self._process.pid

    def say(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self):
        return self._process.stdout.readline().strip()

    def close(self):
        self._process.kill()
        self._process.wait(PATIENCE_S)
        self._process.stdin.close()
        self._process.stdout.close()


def put_first(pid, cpu, priority):
    """To a CPU, and there before whatever else the machine does, if we may: it is the flood that is to be measured."""
    for thread in map(int, os.listdir(f"/proc/{pid}/task")):
        os.sched_setaffinity(thread, {cpu})
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(priority))


ASKED = 500   # times in a round
ROUNDS = 7    # quiet and flooded by turns, and as often again while the outcome is not clear
ROUNDS_MAX = 35
NOISE_US = 1000  # the flood takes a whole CPU away; a connection that waits for it to end would wait for many of these


@pytest.mark.slow
@pytest.mark.skipif(SANITIZED, reason="it is about speed")
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="the flood and the gateway need a CPU each")
@pytest.mark.parametrize("reason", ["denied", "max_connections"])
def test_a_flood_of_refused_connections_does_not_slow_the_established_ones(run, echo_backend, resources, reason):
    """Their 99th percentile at most doubles, or grows by as little as a busy machine makes of it by itself. The median of
    rounds, because whatever else the machine does hits both."""
    limits = dict(deny=["127.0.0.66"]) if reason == "denied" else dict(max_connections=20)
    a = echo_backend("a")
    gateway = run("run", config(listener=limits, pool=dict(servers=[a])))
    steady = Helper("steady.py", gateway.address())
    resources.callback(steady.close)
    assert steady.hear() == "ready"
    flood = Helper("flood.py", gateway.address(), "127.0.0.66")
    resources.callback(flood.close)
    cpu, other = sorted(os.sched_getaffinity(0))[:2]
    put_first(gateway.pid, cpu, 2)
    for pid, priority in ((a.pid, 2), (steady.pid, 2), (flood.pid, 1)):
        put_first(pid, other, priority)
    quiet_us, flooded_us, refused = [], [], 0

    def ask():
        steady.say(str(ASKED))
        return int(steady.hear())

    def some_rounds():
        nonlocal refused
        for _ in range(ROUNDS):
            quiet_us.append(ask())
            flood.say("flood")
            assert flood.hear() == "flooding"
            flooded_us.append(ask())
            flood.say("rest")
            refused += int(flood.hear())
        return statistics.median(flooded_us) <= 2 * statistics.median(quiet_us) + NOISE_US

    ask()
    fast = some_rounds()
    while not fast and len(quiet_us) < ROUNDS_MAX:
        fast = some_rounds()
    print(f"p99 in us, quiet {quiet_us}, flooded {flooded_us}; {refused} refused")
    assert refused > 1000 * ASKED * 0.001 * len(flooded_us), "that was no flood"
    assert refusals(gateway) == {reason: refused}
    assert fast, f"p99 in us, quiet {quiet_us}, flooded {flooded_us}"
