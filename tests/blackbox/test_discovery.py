"""A pool's servers from a file that is watched: what changes in it, what is wrong with it, and what must not be felt."""
import json
import os
import time

import pytest

from configuration import config, to_toml
from environment import scaled, wait_until

REFUSED = "the source of servers is refused, the last good list stays"
SHRINKING = "more than half of the servers are gone at once; they are removed step by step"
APPLIED = "list of servers applied"


class ListFile:
    """The watched file. Whoever writes it does as good tools do, and renames; `path.write_text` does not."""

    def __init__(self, path):
        self.path = path

    def write(self, servers, **more):
        document = {**more, "servers": [each if isinstance(each, dict) else each.entry() for each in servers]}
        self.replace(to_toml(document) if self.path.suffix == ".toml" else json.dumps(document))

    def replace(self, text):
        new = self.path.with_name(self.path.name + ".new")
        new.write_text(text)
        new.rename(self.path)


@pytest.fixture
def list_file(directory):
    return ListFile(directory / "servers.json")


@pytest.fixture
def start(run, directory, list_file):
    """start([a, b]): writes them to the file, and starts a gateway whose pool is there and nowhere else."""
    def start(servers=None, workers=1, fixed=(), allow_shrink=True, **pool):
        if servers is not None:
            list_file.write(servers)
        found = dict(path=str(list_file.path), allow_shrink=allow_shrink)
        return run("run", config(pool=dict(slow_start="0s", servers=fixed, discovery=found, **pool),
                                 node=dict(workers=workers, data_dir=str(directory / "data"))))

    return start


def wait_servers(gateway, *names):
    """Until these, and no others, get new connections."""
    wait_until(lambda: {name for name, each in gateway.servers().items() if each["up"]} == set(names),
               lambda: f"servers {names}; there are {gateway.servers()}")


def wait_alarm(gateway, alarm):
    wait_until(lambda: gateway.pool()["discovery"]["alarm"] == alarm,
               lambda: f"alarm {alarm}; it says {gateway.pool()['discovery']}")
    return gateway.pool()["discovery"]


def served(gateway, count=6):
    names = set()
    for _ in range(count):
        client = gateway.connect()
        names.add(client.served_by)
        client.close()
    return names


@pytest.mark.parametrize("suffix", [".json", ".toml"])
def test_a_list_is_followed_within_a_second(start, list_file, echo_backend, suffix):
    a, b, c = (echo_backend(name) for name in "abc")
    list_file.path = list_file.path.with_suffix(suffix)
    gateway = start([a, b])
    assert served(gateway) == {"a", "b"}
    took = []
    for servers in [[a, b, c], [b, c], [c.entry(weight=3), b], [a, b, c]]:
        changed = time.monotonic()
        list_file.write(servers)
        names = {each["name"] if isinstance(each, dict) else each.name for each in servers}
        wait_until(lambda: set(gateway.servers()) == names, lambda: f"{names}; there are {gateway.servers()}")
        took.append(time.monotonic() - changed)
    assert min(took) < scaled(1, 5), f"{took} s; a machine that stands still is late, but hardly each time"
    assert served(gateway, 9) == {"a", "b", "c"}


def test_weight_and_limit_of_a_server_change_where_it_stands(start, list_file, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = start([a, b], policy="round_robin")
    old = gateway.connect()
    name = old.served_by
    list_file.write([a.entry(weight=10, max_connections=7), b.entry(weight=1000)])
    wait_until(lambda: gateway.servers()["b"]["weight_now"] == 1000, "the new weight")
    assert (gateway.servers()["a"]["weight_now"], gateway.servers()["a"]["max_connections"]) == (10, 7)
    assert gateway.servers()[name]["connections"] == 1
    assert old.ask(b"x") == b"x"
    list_file.write([a.entry(weight=0), b])
    wait_until(lambda: gateway.servers()["a"]["weight"] == 0, "weight 0")
    assert served(gateway) == {"b"}


def test_a_server_that_moves_keeps_its_name_and_its_connections(start, list_file, echo_backend):
    before, after = echo_backend("before"), echo_backend("after")
    gateway = start([before.entry(name="s")])
    old = gateway.connect()
    assert old.served_by == "before"
    list_file.write([after.entry(name="s")])
    wait_until(lambda: gateway.servers()["s"]["address"] == after.address, "the new address")
    assert served(gateway) == {"after"}
    assert old.ask(b"still") == b"still"
    old.close()
    gateway.wait_metric("holdfast_server_connections", 0, server="s")


def test_a_swapped_symbolic_link_is_another_list(start, list_file, echo_backend, directory):
    """As with a ConfigMap: the file is a link through a directory that is a link."""
    a, b = echo_backend("a"), echo_backend("b")
    for each in (a, b):
        (directory / each.name).mkdir()
        ListFile(directory / each.name / "servers.json").write([each])
    (directory / "current").symlink_to("a")
    list_file.path.symlink_to("current/servers.json")
    gateway = start()
    assert served(gateway) == {"a"}
    (directory / "next").symlink_to("b")
    (directory / "next").rename(directory / "current")
    wait_servers(gateway, "b")
    assert served(gateway) == {"b"}


def test_a_list_that_is_written_in_place_is_never_used_half(start, list_file, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = start([a])
    entries = [a.entry(), b.entry()]
    text = json.dumps({"servers": entries})
    with open(list_file.path, "w", encoding="utf-8") as file:
        for piece in (text[:5], text[5:-20], text[-20:]):
            file.write(piece)
            file.flush()
            wait_until(lambda: gateway.metric("holdfast_server_up", server="a") == 1, "a look in between")
    wait_servers(gateway, "a", "b")
    assert not gateway.log(REFUSED)


@pytest.mark.parametrize("text, alarm, error", [
    ("", "empty", "the file is empty"),
    ('{"servers": []}', "empty", "no server"),
    ("{}", "empty", "no server"),
    ('{"servers": [{"name": "a", "addr', "unreadable", "servers.json:1"),
    ('{"servers": [{"name": "a", "address": "127.0.0.1:80"}, {"name": "a", "address": "127.0.0.1:81"}]}',
     "unreadable", "servers.json:1"),
    ('{"servers": [{"name": "a", "address": "127.0.0.1:80", "wieght": 3}]}', "unreadable", "wieght"),
    ("\xff\xfe", "unreadable", "servers.json"),
    (None, "unreadable", "No such file"),
])
def test_what_is_no_list_changes_nothing_and_is_told(start, list_file, echo_backend, text, alarm, error):
    a = echo_backend("a")
    gateway = start([a])
    old = gateway.connect()
    old.ask(b"x")
    version = gateway.pool()["discovery"]["version"]
    if text is None:
        list_file.path.unlink()
    else:
        list_file.replace(text)
    shown = wait_alarm(gateway, alarm)
    assert error in shown["error"] and shown["version"] == version and shown["errors_total"] == 1
    line, = gateway.wait_log(REFUSED)
    assert line["pool"] == "p" and error in line["error"]
    assert gateway.metric("holdfast_discovery_alarm", pool="p") == 1
    assert gateway.metric("holdfast_discovery_errors_total", pool="p") == 1
    assert served(gateway) == {"a"} and old.ask(b"still") == b"still"
    list_file.write([a])
    wait_alarm(gateway, "none")
    gateway.wait_log("the source of servers is good")
    assert gateway.metric("holdfast_discovery_alarm", pool="p") == 0
    assert len(gateway.log(REFUSED)) == 1


def test_a_directory_or_an_unreadable_link_in_its_place_changes_nothing(start, list_file, echo_backend):
    gateway = start([echo_backend("a")])
    list_file.path.unlink()
    list_file.path.mkdir()
    wait_alarm(gateway, "unreadable")
    list_file.path.rmdir()
    list_file.path.symlink_to(list_file.path.name)
    wait_until(lambda: "symbolic links" in gateway.pool()["discovery"]["error"],
               lambda: f"a circle of links; it says {gateway.pool()['discovery']}")
    assert served(gateway) == {"a"}


def test_more_than_half_at_once_go_only_when_that_is_allowed(start, list_file, echo_backend):
    a, b, c = (echo_backend(name) for name in "abc")
    gateway = start([a, b, c], allow_shrink=True)
    list_file.write([c])
    wait_servers(gateway, "c")
    assert gateway.pool()["discovery"]["alarm"] == "none"
    assert served(gateway) == {"c"}


@pytest.mark.slow
def test_otherwise_they_go_one_by_one_with_an_alarm(start, list_file, echo_backend):
    a, b, c = (echo_backend(name) for name in "abc")
    gateway = start([a, b, c], allow_shrink=False)
    list_file.write([c])
    shown = wait_alarm(gateway, "shrink")
    assert "2 of those in use are still to be removed" in shown["error"]
    line, = gateway.wait_log(SHRINKING)
    assert (line["servers"], line["gone"]) == (3, 2)
    assert gateway.metric("holdfast_discovery_alarm", pool="p") == 1
    assert served(gateway) == {"a", "b", "c"}
    wait_until(lambda: len(gateway.servers()) == 2, "the first step", 30)
    list_file.write([a, b, c])  # it was a mistake
    wait_alarm(gateway, "none")
    wait_servers(gateway, "a", "b", "c")


def test_half_may_go_at_once(start, list_file, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = start([a, b], allow_shrink=False)
    list_file.write([b])
    wait_servers(gateway, "b")
    assert gateway.pool()["discovery"]["alarm"] == "none"


def test_the_last_good_list_serves_a_start_without_the_source(start, list_file, echo_backend, directory):
    a, b = echo_backend("a"), echo_backend("b")
    first = start([a])
    list_file.write([a.entry(weight=7), b], version="of Tuesday")
    wait_servers(first, "a", "b")
    kept = directory / "data" / "discovery" / "p.json"
    wait_until(lambda: kept.exists() and "of Tuesday" in kept.read_text(), "the copy")
    first.finish()
    list_file.path.unlink()
    second = start()
    wait_servers(second, "a", "b")
    assert served(second) <= {"a", "b"}
    shown = second.pool()["discovery"]
    assert shown["from_disk_copy"] and shown["version"] == "of Tuesday" and shown["alarm"] == "unreadable"
    assert second.servers()["a"]["weight"] == 7
    second.wait_log("the list of servers of an earlier run is used")
    list_file.write([b])
    wait_servers(second, "b")
    assert not second.pool()["discovery"]["from_disk_copy"]


@pytest.mark.parametrize("copy", [None, "", '{"servers": [', '{"servers": []}'])
def test_a_start_with_neither_source_nor_copy_waits_for_the_list(start, list_file, echo_backend, directory, copy):
    if copy is not None:
        (directory / "data" / "discovery").mkdir(parents=True)
        (directory / "data" / "discovery" / "p.json").write_text(copy)
    gateway = start()
    gateway.connect().expect_end()
    gateway.wait_metric("holdfast_closed_total", 1, reason="no_server")
    list_file.write([echo_backend("a")])
    wait_servers(gateway, "a")
    assert served(gateway) == {"a"}


def test_a_data_directory_that_cannot_be_written_is_said_and_does_no_harm(start, list_file, echo_backend, directory):
    (directory / "data").write_text("a file")
    gateway = start([echo_backend("a")])
    gateway.wait_log("the list of servers cannot be kept on disk")
    assert served(gateway) == {"a"}


def test_source_version_and_age_are_shown(start, list_file, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = start([a])
    unnamed = gateway.pool()["discovery"]["version"]
    assert len(unnamed) == 16
    wait_until(lambda: gateway.pool()["discovery"]["age_seconds"] > 1, "some age")
    list_file.write([a, b], version=42)
    wait_servers(gateway, "a", "b")
    shown = gateway.pool()["discovery"]
    assert shown["source"] == f"file {list_file.path}" and shown["version"] == "42"
    assert 0 <= shown["age_seconds"] < 10 and 0 <= shown["checked_seconds_ago"] < 10
    assert shown["changes_total"] == 2 and shown["errors_total"] == 0 and shown["error"] == ""
    assert gateway.metric("holdfast_discovery_changes_total", pool="p") == 2
    list_file.write([a])
    wait_until(lambda: gateway.pool()["discovery"]["version"] == unnamed, "the version of the same content")


def test_fixed_and_discovered_servers_serve_together(start, list_file, echo_backend):
    a, b, c = (echo_backend(name) for name in "abc")
    gateway = start([b], fixed=[a])
    assert served(gateway) == {"a", "b"}
    list_file.write([c, a.entry(weight=3)])  # the configuration has the last word on its own server
    wait_servers(gateway, "a", "c")
    assert gateway.servers()["a"]["weight"] == 100
    list_file.write([b])
    wait_servers(gateway, "a", "b")


def test_host_names_in_the_list_are_resolved(start, list_file, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = start([a])
    list_file.write([b.entry(address=f"localhost:{b.port}"), a.entry(address="nobody.invalid:80")])
    wait_until(lambda: gateway.servers().get("b", {}).get("up"), lambda: f"b; there are {gateway.servers()}")
    wait_until(lambda: gateway.servers()["a"]["addresses"] == 0, "a is not resolved")
    assert gateway.servers()["a"]["cause"] == "host name not resolved"
    assert served(gateway) == {"b"}


def test_a_start_resolves_the_names_of_its_first_list(start, echo_backend):
    a = echo_backend("a")
    gateway = start([a.entry(address=f"localhost:{a.port}")])
    assert served(gateway) == {"a"}


@pytest.mark.slow
def test_twenty_changes_are_not_felt_by_connections_of_servers_that_stay(start, list_file, echo_backend):
    stays, comes, goes = echo_backend("stays"), echo_backend("comes"), echo_backend("goes")
    gateway = start([stays], workers=2)
    clients = [gateway.connect() for _ in range(40)]
    assert {each.served_by for each in clients} == {"stays"}
    for number in range(20):
        list_file.write([stays.entry(weight=100 + number), goes if number % 2 else comes], version=number)
        wait_until(lambda: gateway.pool()["discovery"]["version"] == str(number), f"change {number}")
        assert all(each.ask(b"x") == b"x" for each in clients)
        assert gateway.servers()["stays"]["connections"] == 40
        assert gateway.servers()["stays"]["connections_total"] == 40
    assert gateway.metric("holdfast_closed_total") == 0


def hold(gateway, server, count=20):
    """So many connections of this server; those that another got are closed."""
    kept, others = [], []
    for _ in range(20 * count):
        client = gateway.connect()
        (kept if client.served_by == server else others).append(client)
        if len(kept) == count:
            break
    for each in others:
        each.close()
    assert len(kept) == count
    return kept


def test_on_remove_keep_lets_connections_end_by_themselves(start, list_file, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = start([a, b], on_remove="keep", drain_deadline="50ms")
    clients = hold(gateway, "a")
    list_file.write([b])
    wait_until(lambda: gateway.servers()["a"]["leaving"], "a leaves")
    assert (gateway.servers()["a"]["state"], gateway.servers()["a"]["cause"]) == ("DRAIN", "removed")
    assert served(gateway, 20) == {"b"}
    wait_until(lambda: gateway.servers()["a"]["state_seconds"] > 0.5, "ten times the deadline")
    assert all(each.ask(b"x") == b"x" for each in clients)
    for each in clients:
        each.close()
    wait_until(lambda: set(gateway.servers()) == {"b"}, "a is forgotten")
    gateway.wait_log("server gone", server="p/a")


@pytest.mark.parametrize("workers", [1, 2])
def test_on_remove_close_ends_them_at_once(start, list_file, echo_backend, workers):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = start([a, b], workers=workers, on_remove="close", drain_rate="1/h")
    clients, others = hold(gateway, "a"), hold(gateway, "b", 1)
    list_file.write([b])
    for each in clients:
        each.expect_end()
    gateway.wait_metric("holdfast_closed_total", 20, reason="server_removed")
    wait_until(lambda: set(gateway.servers()) == {"b"}, "a is forgotten")
    assert all(each.ask(b"x") == b"x" for each in others)


@pytest.mark.parametrize("workers", [1, 2])
def test_on_remove_drain_ends_the_longest_idle_first_at_drain_rate(start, list_file, echo_backend, workers):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = start([a, b], workers=workers, on_remove="drain", drain_rate="40/s")
    clients = hold(gateway, "a", 40)
    wait_until(lambda: all(each.ask(b"busy") == b"busy" for each in clients[20:]) and
               gateway.pool()["discovery"]["age_seconds"] > 0.2, "half of them are not idle")
    began = time.monotonic()
    list_file.write([b])

    def all_have_ended():
        busy = [each for each in clients[20:] if not each.nothing_came()]  # before the others are looked at
        idle = [each for each in clients[:20] if not each.nothing_came()]
        # Each worker closes its own idle ones first, and may have few of them.
        assert workers > 1 or len(idle) == 20 or not busy, "the busy ones come last"
        return len(idle) + len(busy) == 40

    wait_until(all_have_ended, "all are closed")
    gateway.wait_metric("holdfast_closed_total", 40, reason="server_removed")
    assert time.monotonic() - began > 0.8, "40 at 40/s, of which 4 may go at once"
    wait_until(lambda: set(gateway.servers()) == {"b"}, "a is forgotten")


def test_what_is_under_way_arrives_before_a_removed_server_lets_go(start, list_file, hand_backend, echo_backend):
    """Both ends are told in order, and a client that says something too late is not answered with a reset."""
    a, b = hand_backend("a"), echo_backend("b")
    gateway = start([a], on_remove="close")
    client = gateway.connect()
    server = a.accept()
    up, down = b"u" * 300_000, b"d" * 300_000
    client.send(up)
    server.send(down)
    gateway.wait_metric("holdfast_relayed_bytes_total", len(down), direction="to_client")
    gateway.wait_metric("holdfast_relayed_bytes_total", len(up), direction="to_server")
    list_file.write([b])
    assert server.receive_until_end() == up
    client.send(b"too late")
    assert client.receive_until_end() == down
    client.send(b"and later")
    client.close()
    server.close()
    gateway.wait_metric("holdfast_closed_total", 1, reason="server_removed")
    assert gateway.metric("holdfast_relayed_bytes_total", direction="to_server") == len(up)


def test_drain_deadline_ends_a_drain(start, list_file, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = start([a, b], drain_rate="1/h", drain_deadline="300ms")
    clients = hold(gateway, "a")
    list_file.write([b])
    for each in clients:
        each.expect_end()
    assert served(gateway) == {"b"}


def test_a_connection_that_was_being_made_to_a_removed_server_is_closed_too(start, list_file, echo_backend):
    """The server answers only after it has left the list."""
    slow, b = echo_backend("slow", backlog=0), echo_backend("b")
    gateway = start([slow, b.entry(weight=0)], on_remove="close", connect_timeout="30s", retries=0)
    slow.stop()
    slow.fill_backlog()
    waiting = gateway.connect()
    gateway.wait_metric("holdfast_server_connections", 1, server="slow")
    list_file.write([b])
    wait_until(lambda: gateway.servers()["slow"]["leaving"], "it leaves")
    slow.go_on()
    waiting.expect_end()
    wait_until(lambda: set(gateway.servers()) == {"b"}, "it is forgotten")


def test_a_server_that_comes_back_keeps_what_it_has(start, list_file, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = start([a, b], drain_rate="1/h", policy="least_connections")
    clients = hold(gateway, "a", 10)
    list_file.write([b])
    wait_until(lambda: gateway.servers()["a"]["leaving"], "a leaves")
    gateway.wait_metric("holdfast_closed_total", 1, reason="server_removed")  # the one that 1/h allows at once
    list_file.write([a, b])
    wait_servers(gateway, "a", "b")
    back = gateway.servers()["a"]
    assert (back["connections"], back["connections_total"], back["leaving"]) == (9, 10, False)
    assert sum(1 for each in clients if not each.nothing_came()) == 1
    new = [gateway.connect() for _ in range(8)]
    assert {each.served_by for each in new} == {"b"}, "a has more than b still"


@pytest.mark.slow
def test_slots_and_metrics_of_servers_that_are_gone_are_given_back(start, list_file, echo_backend):
    stays = echo_backend("stays")
    gateway = start([stays])
    client = gateway.connect()
    client.ask(b"x")
    for first in range(0, 300, 50):
        list_file.write([stays, *(stays.entry(name=f"s{number}") for number in range(first, first + 50))],
                        version=first)
        wait_until(lambda: gateway.pool()["discovery"]["version"] == str(first), "the next fifty")
        served(gateway, 20)
    list_file.write([stays])
    wait_until(lambda: set(gateway.servers()) == {"stays"}, "all are gone", 40)
    page = gateway.get("/metrics").body
    assert 's299' not in page and 's0"' not in page
    assert client.ask(b"still") == b"still"


@pytest.mark.slow
def test_a_list_of_thousands_is_applied_while_clients_are_served(start, list_file, echo_backend):
    a, count = echo_backend("a"), scaled(5000, 1000)
    many = [a.entry(name=f"s{number}") for number in range(count)]
    gateway = start([a])
    for version in ("one", "two"):
        list_file.write([a, *many], version=version)
        wait_until(lambda: gateway.pool()["discovery"]["version"] == version, "the long list")
        assert len(gateway.servers()) == count + 1
        assert len(served(gateway, 20)) == 1
        many = [each | {"weight": 50} for each in many]
