"""How connections spread over servers, by policy, weight and address of the client."""
import json
from collections import Counter

import pytest

from configuration import config
from environment import wait_until

BOTH_WORKERS = pytest.mark.parametrize("workers", [1, 2])
CLIENTS = [f"127.0.{i // 200}.{i % 200 + 1}" for i in range(400)]


@pytest.fixture
def start(run, directory):
    def start(servers, workers=1, **pool):
        return run("run", config(pool=dict(slow_start="0s", servers=servers, **pool),
                                 node=dict(workers=workers, data_dir=str(directory))))

    return start


def fill(gateway, count):
    """Opens so many connections one after the other, and keeps them. Returns how many each server got."""
    return Counter(gateway.connect().served_by for _ in range(count))


def servers_of(gateway, clients=CLIENTS):
    """{address of the client: the server that it gets}. Nothing stays open.

    To be compared without a load bound: of so few connections at once even one is more than a fair share.
    """
    found = {}
    for each in clients:
        client = gateway.connect(source=each)
        found[each] = client.served_by
        client.close()
    return found


@BOTH_WORKERS
@pytest.mark.parametrize("policy, off_by", [("round_robin", 1), ("least_connections", 1), ("random", 50)])
def test_shares_follow_the_weights(start, echo_backend, policy, off_by, workers):
    a, b, c = (echo_backend(name) for name in "abc")
    servers = [a.entry(weight=10), b.entry(weight=20), c.entry(weight=70)]
    got = fill(start(servers, workers, policy=policy), 400)
    wanted = dict(a=40, b=80, c=280)
    assert all(abs(got[name] - wanted[name]) <= off_by * workers for name in wanted), got  # random: 5 sigma


@BOTH_WORKERS
def test_random_two_keeps_shares_of_weights_and_evens_them_out(start, echo_backend, workers):
    a, b, c = (echo_backend(name) for name in "abc")
    servers = [a.entry(weight=100), b.entry(weight=100), c.entry(weight=200)]
    got = fill(start(servers, workers, policy="random_two"), 400)
    assert all(abs(got[name] - count) <= 20 for name, count in dict(a=100, b=100, c=200).items()), got


@BOTH_WORKERS
def test_random_two_prefers_the_emptier_one(start, echo_backend, workers):
    """Of three servers one is empty: two different ones drawn have it in two of three draws, and it wins each."""
    a, b, c = (echo_backend(name) for name in "abc")
    gateway = start([a, b, c], workers, policy="random_two")
    kept = [gateway.connect() for _ in range(450)]
    for each in kept:
        if each.served_by == "a":
            each.close()
    gateway.wait_metric("holdfast_server_connections", 0, server="a")
    # 120 on average, and 88 is five sigma below; if it only drew by chance it were 60, and 88 four and a half above.
    assert fill(gateway, 180)["a"] >= 88


@BOTH_WORKERS
def test_first_fills_in_the_order_of_the_list(start, echo_backend, workers):
    a, b, c = (echo_backend(name) for name in "abc")
    gateway = start([a.entry(max_connections=10), b.entry(max_connections=5), c], workers, policy="first")
    kept = []
    for _ in range(20):  # one after the other: two workers accept as they come
        kept.append(gateway.connect())
        kept[-1].ask(b"x")
    assert [each.served_by for each in kept] == 10 * ["a"] + 5 * ["b"] + 5 * ["c"]
    kept[3].close()
    gateway.wait_metric("holdfast_server_connections", 9, server="a")
    assert [gateway.connect().served_by for _ in range(2)] == ["a", "c"]


@BOTH_WORKERS
def test_hash_gives_a_client_the_same_server_in_every_process(start, echo_backend, workers):
    servers = [echo_backend(name) for name in "abc"]
    first = start(servers, workers, policy="hash", hash_load_bound=0)
    found = servers_of(first)
    share = Counter(found.values())
    assert set(share) == set("abc") and max(share.values()) < 2 * min(share.values()), share
    assert servers_of(first) == found
    beside = start(servers[::-1], 3 - workers, policy="hash", hash_load_bound=0)  # also in another order
    assert servers_of(beside) == found
    first.finish()
    assert servers_of(start(servers, workers, policy="hash", hash_load_bound=0)) == found


def test_hash_does_not_look_at_the_port_of_the_client(start, echo_backend):
    gateway = start([echo_backend(name) for name in "abc"], policy="hash", hash_load_bound=0)
    assert len({gateway.connect(source="127.0.0.9").served_by for _ in range(30)}) == 1


def test_hash_moves_only_the_clients_of_a_dead_server_and_they_come_back(start, echo_backend):
    a, b, c = (echo_backend(name) for name in "abc")
    gateway = start([a, b, c], policy="hash", hash_load_bound=0,
                    health=dict(interval="100ms", fast_interval="20ms", rise=1, fall=1, panic_threshold=0))
    before = servers_of(gateway)
    b.kill()
    gateway.wait_metric("holdfast_server_up", 0, server="b")
    during = servers_of(gateway)
    assert {client for client in CLIENTS if during[client] != before[client]} == \
           {client for client in CLIENTS if before[client] == "b"}
    assert set(Counter(during[client] for client in CLIENTS if before[client] == "b")) == {"a", "c"}
    b.restart()
    gateway.wait_metric("holdfast_server_up", 1, server="b")
    assert servers_of(gateway) == before


def test_hash_moves_only_the_clients_of_a_server_that_refuses(start, echo_backend):
    """Without checks it is the failed connect that counts."""
    a, b, c = (echo_backend(name) for name in "abc")
    gateway = start([a, b, c], policy="hash", hash_load_bound=0)
    before = servers_of(gateway)
    b.kill()
    during = servers_of(gateway)
    assert all(during[client] == before[client] for client in CLIENTS if before[client] != "b")
    assert gateway.metric("holdfast_closed_total", reason="connect_failed") == 0


def test_hash_moves_few_clients_when_a_server_joins(start, echo_backend, directory):
    a, b, c, d = (echo_backend(name) for name in "abcd")
    three = servers_of(start([a, b, c], policy="hash", hash_load_bound=0))
    four = servers_of(start([a, b, c, d], policy="hash", hash_load_bound=0))
    moved = [client for client in CLIENTS if three[client] != four[client]]
    assert len(moved) < 1.6 * len(CLIENTS) / 4, "a quarter has to, and hardly anybody else"
    assert sum(1 for client in moved if four[client] != "d") < 0.1 * len(CLIENTS)


@BOTH_WORKERS
def test_hash_load_bound_is_never_exceeded(start, echo_backend, workers):
    gateway = start([echo_backend(name) for name in "abcd"], workers, policy="hash", hash_load_bound=1.25)
    got = Counter()
    for number in range(1, 201):  # one client that is a crowd
        got[gateway.connect(source="127.0.0.7").served_by] += 1
        assert max(got.values()) <= 1.25 * number / 4 + 1, got
    assert set(got) == set("abcd")


def test_weights_of_hash_are_shares_of_clients(start, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = start([a.entry(weight=300), b.entry(weight=100)], policy="hash", hash_load_bound=0)
    share = Counter(servers_of(gateway).values())
    assert 240 <= share["a"] <= 350, share  # 300 of 400; 5 sigma is 43


@BOTH_WORKERS
@pytest.mark.parametrize("policy", ["round_robin", "random", "random_two", "least_connections", "hash", "first"])
def test_weights_change_while_it_runs(start, echo_backend, directory, policy, workers):
    a, b = echo_backend("a"), echo_backend("b")
    file = directory / "list.json"

    def write(weight_a, weight_b):
        new = directory / "new"
        new.write_text(json.dumps({"servers": [a.entry(weight=weight_a), b.entry(weight=weight_b)]}))
        new.rename(file)

    write(100, 100)
    gateway = start([], workers, policy=policy, discovery=dict(path=str(file)))

    def share_of_a(clients):
        kept = [gateway.connect(source=each) for each in clients]
        share = sum(1 for each in kept if each.served_by == "a") / len(kept)
        for each in kept:
            each.close()
        gateway.wait_metric("holdfast_connections", 0)
        return share

    def becomes(least, weights, most, clients=CLIENTS):
        """Workers use new weights a moment after the admin server tells them: the first clients may meet the old."""
        write(*weights)
        wanted = dict(zip("ab", weights))
        wait_until(lambda: {name: each["weight_now"] for name, each in gateway.servers().items()} == wanted,
                   lambda: f"{wanted}; there are {gateway.servers()}")
        shares = []
        wait_until(lambda: shares.append(share_of_a(clients)) or least <= shares[-1] <= most,
                   lambda: f"weights of {wanted}: a got {shares}")

    becomes(0, (0, 1), 0, CLIENTS[:50])  # where chance has no say, few are enough
    becomes(1, (1, 0), 1, CLIENTS[:50])
    if policy == "first":
        return
    # Chance may decide: the bounds are five sigma or more of 400 draws.
    becomes(0.14, (250, 750), 0.36)
    becomes(0.95, (1000, 1), 1)
    becomes(0.37, (1000, 1000), 0.63)
