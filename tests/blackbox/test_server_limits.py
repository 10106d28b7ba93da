"""What protects servers: limits of connections and of rate, backups, weights; and the age of connections."""
import random
import socket
import statistics
import threading
import time
from collections import Counter

import pytest

from configuration import config
from environment import SEED, scaled, undisturbed, wait_until
from peers import socket_address

WORKERS = pytest.mark.parametrize("workers", [1, 2])
POLICIES = ["round_robin", "least_connections", "random", "random_two", "first", "hash"]
QUICK_CHECKS = dict(type="tcp", interval="50ms", fast_interval="0s", timeout="5s", rise=1, fall=1, panic_threshold=0)


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
    begin = time.monotonic()

    def pushed():
        for each in storm(gateway, clients_each=30, threads=8):
            each.join()
        return len(server.accepted_at) > rate

    wait_until(pushed, "more than a second's worth of connections")
    assert_rate_kept(server.accepted_at, begin, rate)


def assert_rate_kept(accepted_at, begin, rate):
    """A tenth of a second's worth may come at once. A server that is late sees a bunch, but never one too early."""
    for number, when in enumerate(accepted_at, start=1):
        assert number <= rate * (when - begin) + rate / 10 + 2, f"{number} within {when - begin:.3f} s"


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
    age_s, jitter, count = scaled(1, 4), 0.5, 60
    gateway = run("run", config(listener=dict(max_age=f"{age_s}s", max_age_jitter=jitter, idle_timeout="0s"),
                                node=dict(workers=workers), pool=dict(servers=[echo_backend("a")])))
    born = 0

    def ages():
        nonlocal born
        clients = [gateway.connect() for _ in range(count)]
        born += count
        talking = set(clients[::2])

        def talk_until_all_have_ended():
            for each in list(talking):
                try:
                    each.ask(b"x")
                except (AssertionError, OSError):
                    talking.discard(each)
            return len(gateway.log("connection ended")) == born

        wait_until(talk_until_all_have_ended, "all are over their age")
        ended = gateway.log("connection ended", reason="max_age")
        assert len(ended) == born
        return sorted(each["duration_ms"] / 1000 for each in ended[-count:])

    def spread_evenly():
        """Over the second: the mean is in the middle, and no tenth has very many; both by more than five sigma."""
        lived = ages()
        assert lived[-1] <= age_s * (1 + jitter) + scaled(0.3, 3)
        assert abs(statistics.mean(lived) - age_s) < 5 * age_s * jitter / 3 ** 0.5 / count ** 0.5 + scaled(0.05, 1)
        tenths = Counter(min(9, int((each / age_s - 0.5) * 10)) for each in lived)
        assert max(tenths.values()) <= 20, tenths

    undisturbed(spread_evenly)
    assert all(each["duration_ms"] >= 1000 * age_s * (1 - jitter) for each in gateway.log("connection ended"))


def test_without_jitter_the_age_is_exact(run, echo_backend):
    gateway = run("run", config(listener=dict(max_age="400ms", max_age_jitter=0), pool=dict(servers=[echo_backend("a")])))
    for each in [gateway.connect() for _ in range(10)]:
        each.expect_end()
    lived = [each["duration_ms"] for each in gateway.wait_ended(10, reason="max_age")]
    assert 400 <= min(lived)
    assert min(lived) < 400 + 5000


def test_idle_timeout_and_max_age_each_have_their_time(run, echo_backend):
    gateway = run("run", config(listener=dict(max_age="1s", max_age_jitter=0, idle_timeout="300ms"),
                                pool=dict(servers=[echo_backend("a")])))

    def talked_out(client):
        try:
            client.ask(b"x")
        except (AssertionError, OSError):
            return True
        return False

    def each_ends_for_its_own_reason():
        idle, talking = gateway.connect(), gateway.connect()
        assert {idle.served_by, talking.served_by} == {"a"}
        wait_until(lambda: talked_out(talking), "the talking one is over its age")
        [idle_ended] = gateway.wait_ended(client=idle.local_address)
        [aged] = gateway.wait_ended(client=talking.local_address)
        assert (idle_ended["reason"], aged["reason"]) == ("idle_timeout", "max_age")
        assert 300 <= idle_ended["duration_ms"] < aged["duration_ms"]
        assert aged["duration_ms"] >= 1000

    undisturbed(each_ends_for_its_own_reason)  # who cannot talk for 300 ms is idle


def test_max_age_0s_means_never(run, echo_backend):
    listeners = [dict(name="main", max_age="0s", idle_timeout="0s"), dict(name="other", idle_timeout="600ms")]
    gateway = run("run", config(listener=listeners, pool=dict(servers=[echo_backend("a")])))
    client, other = gateway.connect(), gateway.connect(gateway.address("other"))
    other.expect_end()
    assert client.ask(b"x") == b"x", "it lives on"
