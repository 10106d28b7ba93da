"""What protects servers: limits of connections and of rate, backups, weights; and the age of connections."""
import random
import socket
import statistics
import threading
import time
from collections import Counter

import pytest

from configuration import config
from environment import SEED, scaled, wait_until
from peers import socket_address

WORKERS = pytest.mark.parametrize("workers", [1, 2])
POLICIES = ["round_robin", "least_connections", "random", "random_two", "first", "hash"]
LATE_S = 0.2  # how far behind a server of the test may be on a busy machine
QUICK_CHECKS = dict(type="tcp", interval="50ms", fast_interval="0s", rise=1, fall=1, panic_threshold=0)


def storm(gateway, clients_each, threads, seed=SEED):
    """Clients that come and go in all ways, several at a time."""
    print(f"HOLDFAST_SEED={seed}")

    def rage(numbers):
        open_ones = []
        for _ in range(clients_each):
            client = gateway.connect()
            client.send(b"x")
            open_ones.append(client)
            while len(open_ones) > numbers.randrange(8):
                leaving = open_ones.pop(numbers.randrange(len(open_ones)))
                leaving.reset() if numbers.random() < 0.3 else leaving.close()
        for each in open_ones:
            each.close()

    running = [threading.Thread(target=rage, args=(random.Random(seed + number),)) for number in range(threads)]
    for each in running:
        each.start()
    return running


# Limits of servers.

@WORKERS
@pytest.mark.parametrize("queue", [0, 1000], ids=["without_queue", "with_queue"])
def test_a_server_never_has_more_connections_than_it_may(run, counting_backend, workers, queue):
    """Counted at the servers, while bunches come at once, so that workers reach for the last place together."""
    a, b = counting_backend("a"), counting_backend("b")
    gateway = run("run", config(node=dict(workers=workers), pool=dict(
        servers=[a.entry(max_connections=1), b.entry(max_connections=7)], queue=queue, queue_timeout="1m")))
    family, where = socket_address(gateway.address())
    for _ in range(scaled(25, 8)):
        bunch = [socket.socket(family) for _ in range(30)]
        for each in bunch:
            each.setblocking(False)
            each.connect_ex(where)
        wait_until(lambda: (a.live, b.live) == (1, 7), lambda: f"both are full: {a.live}, {b.live}")
        if queue:
            gateway.wait_metric("holdfast_pool_waiting", 22)
        else:
            gateway.wait_metric("holdfast_connections", 8)
        for each in reversed(bunch):  # who waits goes first
            each.close()
        gateway.wait_metric("holdfast_connections", 0)
        wait_until(lambda: a.live == b.live == 0, "the servers have lost them all")
        if not queue:  # nobody comes while somebody goes, so the server's count is exact
            assert (a.most_live, b.most_live) == (1, 7)
    # When one goes and another comes, the end may be a moment longer on its way than the begin.
    assert a.most_live <= 2 and b.most_live <= 8


@WORKERS
@pytest.mark.parametrize("queue", [0, 1000], ids=["without_queue", "with_queue"])
def test_after_a_storm_every_place_of_a_server_is_there_still(run, counting_backend, workers, queue):
    a, b = counting_backend("a"), counting_backend("b")
    gateway = run("run", config(node=dict(workers=workers),
                                pool=dict(servers=[a.entry(max_connections=4), b.entry(max_connections=7)],
                                          queue=queue, queue_timeout="1m")))
    for each in storm(gateway, clients_each=100, threads=12):
        each.join()
    gateway.wait_metric("holdfast_connections", 0)
    gateway.wait_metric("holdfast_server_connections", 0)
    wait_until(lambda: a.live == b.live == 0, "the servers have lost them all")
    kept = [gateway.connect() for _ in range(12)]
    wait_until(lambda: (a.live, b.live) == (4, 7), lambda: f"{a.live} and {b.live} of {len(kept)}")
    gateway.wait_metric("holdfast_pool_waiting" if queue else "holdfast_connections", 1 if queue else 11)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_full_server_is_passed_over_whatever_the_policy(run, echo_backend, policy):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = run("run", config(pool=dict(policy=policy, hash_load_bound=0,
                                          servers=[a.entry(max_connections=3), b.entry(max_connections=5)])))
    clients = [gateway.connect() for _ in range(8)]
    assert Counter(each.served_by for each in clients) == dict(a=3, b=5)
    gateway.connect().expect_end()
    gateway.wait_ended(reason="servers_full")
    next(each for each in clients if each.served_by == "a").close()
    gateway.wait_metric("holdfast_server_connections", 7)
    assert gateway.connect().served_by == "a"


@pytest.mark.parametrize("policy", POLICIES)
@WORKERS
def test_weight_0_gets_nothing_whatever_the_policy_and_however_full_the_others_are(run, echo_backend, policy, workers):
    zero, a = echo_backend("zero"), echo_backend("a")
    gateway = run("run", config(node=dict(workers=workers),
                                pool=dict(policy=policy, servers=[zero.entry(weight=0), a.entry(max_connections=6)])))
    assert {gateway.connect().served_by for _ in range(6)} == {"a"}
    gateway.connect().expect_end()
    gateway.wait_ended(reason="servers_full")
    assert gateway.metric("holdfast_server_connections_total", server="zero") == 0


@WORKERS
def test_the_accept_rate_of_a_server_is_kept_while_clients_push(run, counting_backend, workers):
    server = counting_backend("a")
    rate = 60
    gateway = run("run", config(node=dict(workers=workers), pool=dict(
        servers=[server.entry(max_accept_rate=f"{rate}/s")], slow_start="0s", queue=1000, queue_timeout="1m")))
    for each in storm(gateway, clients_each=30, threads=8):
        each.join()
    came = server.accepted_at
    # A tenth of a second's worth may come at once, and the server sees a bunch together when it was late.
    for window_s in (0.5, 1.0, 2.0):
        assert most_within(came, window_s) <= rate * (window_s + LATE_S) + rate / 10 + 3, window_s


def most_within(times, window_s):
    """How many of them lie in any window of this length, at most."""
    most, first = 0, 0
    for last, when in enumerate(times):
        while when - times[first] > window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


# Backups.

@WORKERS
def test_a_backup_serves_only_while_no_other_is_up(run, echo_backend, workers):
    a, b, backup = echo_backend("a"), echo_backend("b"), echo_backend("backup")
    gateway = run("run", config(node=dict(workers=workers), pool=dict(
        servers=[a, b, backup.entry(backup=True)], slow_start="0s", health=QUICK_CHECKS)))
    gateway.wait_metric("holdfast_pool_servers_up", 3)
    assert {gateway.connect().served_by for _ in range(12)} == {"a", "b"}
    a.kill()
    gateway.wait_metric("holdfast_pool_servers_up", 2)
    assert {gateway.connect().served_by for _ in range(6)} == {"b"}
    b.kill()
    gateway.wait_metric("holdfast_pool_servers_up", 1)
    on_backup = [gateway.connect() for _ in range(6)]
    assert {each.served_by for each in on_backup} == {"backup"}
    a.restart()
    gateway.wait_metric("holdfast_pool_servers_up", 2)
    assert {gateway.connect().served_by for _ in range(12)} == {"a"}
    assert on_backup[0].ask(b"still here") == b"still here"


@pytest.mark.parametrize("queue", [0, 5], ids=["without_queue", "with_queue"])
def test_a_backup_does_not_help_out_when_the_others_are_only_full(run, echo_backend, queue):
    a, backup = echo_backend("a"), echo_backend("backup")
    gateway = run("run", config(pool=dict(servers=[a.entry(max_connections=2), backup.entry(backup=True)], queue=queue,
                                          queue_timeout="100ms", health=QUICK_CHECKS)))
    gateway.wait_metric("holdfast_pool_servers_up", 2)
    assert {gateway.connect().served_by for _ in range(2)} == {"a"}
    gateway.connect().expect_end()
    gateway.wait_ended(reason="queue_timeout" if queue else "servers_full")
    assert gateway.metric("holdfast_server_connections_total", server="backup") == 0


def test_who_waits_for_full_servers_goes_to_the_backup_when_they_go_down(run, echo_backend):
    a, backup = echo_backend("a"), echo_backend("backup")
    gateway = run("run", config(pool=dict(servers=[a.entry(max_connections=1), backup.entry(backup=True)], queue=5,
                                          queue_timeout="1m", health=QUICK_CHECKS)))
    gateway.wait_metric("holdfast_pool_servers_up", 2)
    kept = gateway.connect()
    assert kept.served_by == "a"
    waiting = [gateway.connect() for _ in range(3)]
    gateway.wait_metric("holdfast_pool_waiting", 3)
    a.kill()
    assert {each.served_by for each in waiting} == {"backup"}


# Age.

@WORKERS
def test_connections_of_one_age_end_spread_over_the_jitter(run, echo_backend, workers):
    """Busy ones too, none before its time, and all the rest soon after it."""
    age_s, jitter, count = scaled(1.0, 4.0), 0.5, 60
    gateway = run("run", config(listener=dict(max_age=f"{age_s:.0f}s", max_age_jitter=jitter, idle_timeout="0s"),
                                node=dict(workers=workers), pool=dict(servers=[echo_backend("a")])))
    clients = [gateway.connect() for _ in range(count)]
    assert {each.served_by for each in clients} == {"a"}
    talking = set(clients[::2])

    def talk_until_all_have_ended():
        for each in list(talking):
            try:
                each.ask(b"x")
            except (AssertionError, OSError):
                talking.discard(each)
        return len(gateway.log("connection ended")) == count

    wait_until(talk_until_all_have_ended, "all are over their age")
    ended = gateway.log("connection ended", reason="max_age")
    assert len(ended) == count
    lived = sorted(each["duration_ms"] / 1000 for each in ended)
    assert lived[0] >= age_s * (1 - jitter)
    assert lived[-1] <= age_s * (1 + jitter) + scaled(0.3, 3)
    # An even spread over the second: its mean is in the middle, and no tenth of it has very many.
    assert abs(statistics.mean(lived) - age_s) < 5 * age_s * jitter / 3 ** 0.5 / count ** 0.5 + scaled(0.05, 1)
    tenths = Counter(min(9, int((each / age_s - 0.5) * 10)) for each in lived)
    assert max(tenths.values()) <= 20, tenths


def test_without_jitter_the_age_is_exact(run, echo_backend):
    gateway = run("run", config(listener=dict(max_age="400ms", max_age_jitter=0), pool=dict(servers=[echo_backend("a")])))
    for each in [gateway.connect() for _ in range(10)]:
        each.expect_end()
    lived = [each["duration_ms"] for each in gateway.wait_ended(10, reason="max_age")]
    assert 400 <= min(lived)
    assert min(lived) < 400 + scaled(100, 2000)


def test_idle_timeout_and_max_age_each_have_their_time(run, echo_backend):
    gateway = run("run", config(listener=dict(max_age="1s", max_age_jitter=0, idle_timeout="300ms"),
                                pool=dict(servers=[echo_backend("a")])))
    idle, talking = gateway.connect(), gateway.connect()
    assert {idle.served_by, talking.served_by} == {"a"}

    def talked_out():
        try:
            talking.ask(b"x")
        except (AssertionError, OSError):
            return True
        return False

    wait_until(talked_out, "the talking one is over its age")
    [idle_ended] = gateway.wait_ended(reason="idle_timeout", client=idle.local_address)
    [aged] = gateway.wait_ended(reason="max_age", client=talking.local_address)
    assert 300 <= idle_ended["duration_ms"] < aged["duration_ms"]
    assert aged["duration_ms"] >= 1000


def test_max_age_0s_means_never(run, echo_backend):
    gateway = run("run", config(listener=dict(max_age="0s", idle_timeout="200ms"), pool=dict(servers=[echo_backend("a")])))
    client, other = gateway.connect(), gateway.connect()
    assert client.served_by == "a"
    start = time.monotonic()
    wait_until(lambda: client.ask(b"x") and time.monotonic() - start > 0.8, "it lives on")
    other.expect_end()
