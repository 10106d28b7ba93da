"""Reload: a changed file is a difference, applied in the same process. Whatever it does not name stays as it is."""
import json
import signal

import pytest

from configuration import config
from environment import wait_until
from test_stop import is_refused


def clients_of(gateway, count):
    """Connections that have reached a server."""
    clients = [gateway.connect() for _ in range(count)]
    for each in clients:
        each.ask(b"hello")
    return clients


def all_hold(clients):
    return all(each.ask(b"still here") == b"still here" for each in clients)


def changes(report):
    return {(each["what"], each["key"], each["change"]) for each in report["changes"]}


def of(report, what, key=""):
    return next(each for each in report["changes"] if (each["what"], each["key"]) == (what, key))


def test_a_file_that_has_not_changed_changes_nothing(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")])))
    clients = clients_of(gateway, 3)
    report = gateway.reload()
    assert not report["changed"] and report["changes"] == [] and report["runtime"] == []
    assert all_hold(clients)
    assert gateway.wait_log("reloaded", changes=0)


def test_a_server_that_is_added_gets_connections_and_nobody_else_notices(run, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    pool = dict(slow_start="0s", servers=[a])
    gateway = run("run", config(pool=pool))
    clients = clients_of(gateway, 4)
    before = gateway.servers()["a"]
    report = gateway.reload(config(pool={**pool, "servers": [a, b]}))
    assert changes(report) == {("pool p, server b", "", "added")}
    assert [each.served_by for each in clients_of(gateway, 4)] == ["b"] * 4, "it has the fewest"
    assert all_hold(clients)
    after = gateway.servers()["a"]
    assert after["connections"] == before["connections"] == 4
    assert after["connections_total"] == before["connections_total"]


@pytest.mark.parametrize("on_remove", ["keep", "drain", "close"])
def test_a_removed_server_follows_on_remove(run, echo_backend, on_remove):
    a, b = echo_backend("a"), echo_backend("b")
    pool = dict(on_remove=on_remove, drain_rate="20/s", servers=[a, b])
    gateway = run("run", config(pool=pool))
    clients = clients_of(gateway, 20)
    of_a = [each for each in clients if each.served_by == "a"]
    report = gateway.reload(config(pool={**pool, "servers": [b]}))
    removed = of(report, "pool p, server a")
    assert removed["change"] == "removed" and removed["connections"] == len(of_a) == 10
    assert {"keep": "until they end", "drain": "20/s", "close": "at once"}[on_remove] in removed["effect"]
    if on_remove == "keep":
        assert gateway.servers()["a"]["leaving"]
        assert all_hold(clients)
    else:
        for each in of_a:
            each.expect_end()
    assert all_hold([each for each in clients if each.served_by == "b"])
    for each in of_a:
        each.close()
    wait_until(lambda: "a" not in gateway.servers(), "it goes with its last connection")
    assert {each.served_by for each in clients_of(gateway, 2)} == {"b"}


def test_a_server_that_comes_back_while_it_leaves_is_the_same(run, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    pool = dict(on_remove="keep", slow_start="0s", servers=[a, b])
    gateway = run("run", config(pool=pool))
    clients = clients_of(gateway, 6)
    gateway.reload(config(pool={**pool, "servers": [b]}))
    assert gateway.servers()["a"]["leaving"]
    gateway.reload(config(pool=pool))
    back = gateway.servers()["a"]
    assert not back["leaving"] and back["connections"] == 3 and back["connections_total"] == 3
    assert all_hold(clients)


def test_health_and_slow_start_go_on_over_a_reload(run, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    pool = dict(slow_start="1h", health=dict(interval="50ms", fast_interval="50ms", rise=2, fall=2), servers=[a, b])
    gateway = run("run", config(pool=pool))
    b.kill()
    down = gateway.wait_server("b", state="DOWN")
    report = gateway.reload(config(pool={**pool, "retries": 2, "servers": [a.entry(weight=50), b]}))
    assert changes(report) == {("pool p", "retries", "changed"), ("pool p, server a", "weight", "changed")}
    still = gateway.servers()["b"]
    assert still["state"].startswith("DOWN") and still["state_seconds"] >= down["state_seconds"]
    b.restart()
    ramping = gateway.wait_server("b", up=True)
    assert ramping["weight_now"] < 100
    gateway.reload(config(pool=pool))
    assert gateway.servers()["b"]["weight_now"] < 100, "slow start goes on"
    assert gateway.servers()["b"]["state_seconds"] >= ramping["state_seconds"]


def test_listeners_come_and_go_and_their_connections_stay(run, echo_backend):
    pool = dict(servers=[echo_backend("a")])
    gateway = run("run", config(listener=[dict(name="one"), dict(name="two")], pool=pool))
    one, two = gateway.connect(gateway.address("one")), gateway.connect(gateway.address("two"))
    assert one.ask(b"1") == b"1" and two.ask(b"2") == b"2"
    report = gateway.reload(config(listener=[dict(name="one"), dict(name="three")], pool=pool))
    assert changes(report) == {("listener two", "", "removed"), ("listener three", "", "added")}
    assert of(report, "listener two")["connections"] == 1
    three = gateway.connect(gateway.listener("three")["addresses"][0])
    assert all_hold([one, two, three])
    wait_until(lambda: is_refused(gateway.address("two")), "nobody listens there any more")
    assert gateway.listener("two")["state"] == "leaving"
    two.close()
    wait_until(lambda: gateway.ask("GET", "/v1/listeners/two").status == 404, "it goes with its last connection")
    assert gateway.metric("holdfast_connections", listener="one") == 1


def test_a_listener_that_binds_elsewhere_keeps_its_connections_and_counts(run, echo_backend, directory):
    pool = dict(servers=[echo_backend("a")])
    gateway = run("run", config(pool=pool))
    old = gateway.connect()
    assert old.ask(b"x") == b"x"
    there = f"unix:{directory}/new.sock"
    report = gateway.reload(config(listener=dict(bind=[there]), pool=pool))
    assert changes(report) == {("listener main", "bind", "changed")}
    new = gateway.connect(there)
    assert all_hold([old, new])
    wait_until(lambda: is_refused(gateway.address()), "the old address is closed")
    listener = gateway.listener()
    assert listener["addresses"] == [there]
    assert (listener["connections"], listener["connections_total"]) == (2, 2)


def test_what_the_broker_is_waits_for_a_restart_and_the_reload_says_so(run, echo_backend):
    pool = dict(servers=[echo_backend("a")])
    listener = {"name": "external", "bind": ["127.0.0.1:0"]}
    gateway = run("run", config(pool=pool, broker={"inflight_max": 8, "listener": [listener]}))
    other = {"name": "other", "bind": ["127.0.0.1:0"]}
    wanted = config(pool={**pool, "retries": 1}, broker={"inflight_max": 9, "listener": [other]},
                    auth={"anonymous": "allow"})
    for _ in range(2):  # what waits is not forgotten
        report = gateway.reload(wanted)
        waits = {("broker", "inflight_max", "changed"), ("broker, listener external", "", "removed"),
                 ("broker, listener other", "", "added"), ("auth", "anonymous", "changed")}
        assert waits <= changes(report)
        for what, key, _change in waits:
            assert of(report, what, key)["applies"] == "restart"
            assert of(report, what, key)["effect"] == "not before a restart: until then it stays as it is"


def test_a_bind_that_fails_changes_nothing_at_all(run, echo_backend, refusing_backend):
    a, b, taken = echo_backend("a"), echo_backend("b"), echo_backend("taken")
    gateway = run("run", config(pool=dict(servers=[a])))
    client = gateway.connect()
    client.ask(b"x")
    gateway.write_file(config(listener=[dict(), dict(name="other", bind=[taken.address])], pool=dict(servers=[a, b])))
    answer = gateway.ask("POST", "/v1/reload", {})
    assert answer.status >= 500 or answer.status == 409, answer
    assert taken.address in json.loads(answer.body)["detail"]
    assert list(gateway.servers()) == ["a"]
    assert [each["name"] for each in gateway.told("GET", "/v1/listeners")] == ["main"]
    assert all_hold([client])
    assert gateway.status()["config"]["last_error"]
    assert gateway.metric("holdfast_config_last_reload_success") == 0
    gateway.reload(config(pool=dict(servers=[a, b])))
    assert gateway.status()["config"]["last_error"] is None
    assert gateway.metric("holdfast_config_last_reload_success") == 1


FAULTY = {
    "no TOML": "[[listener\n",
    "an unknown key": lambda document: {**document, "node": {**document["node"], "colour": "red"}},
    "a pool that is not there": lambda document: {**document, "pool": [{**document["pool"][0], "name": "q"}]},
}


@pytest.mark.parametrize("fault", FAULTY)
@pytest.mark.parametrize("how", ["api", "signal"])
def test_a_faulty_file_changes_nothing_and_every_fault_is_said(run, echo_backend, fault, how):
    document = config(pool=dict(servers=[echo_backend("a")]))
    gateway = run("run", document)
    client = gateway.connect()
    client.ask(b"x")
    gateway.write_file(FAULTY[fault] if isinstance(FAULTY[fault], str) else FAULTY[fault](document))
    if how == "api":
        answer = gateway.ask("POST", "/v1/reload", {})
        assert answer.status == 422 and answer.content_type.startswith("application/problem+json")
        faults = json.loads(answer.body)["faults"]
        assert faults and all(each.startswith(f"{gateway.file}:") for each in faults)
    else:
        gateway.signal(signal.SIGHUP)
    gateway.wait_log("reload failed: nothing has changed")
    assert gateway.status()["config"]["last_error"]
    assert all_hold([client])
    assert list(gateway.servers()) == ["a"]


def test_a_missing_file_changes_nothing(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")])))
    gateway.file.unlink()
    answer = gateway.ask("POST", "/v1/reload", {})
    assert answer.status == 422 and str(gateway.file) in answer.body
    assert gateway.connect().ask(b"x") == b"x"


def test_sighup_does_the_same(run, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = run("run", config(pool=dict(servers=[a])))
    client = gateway.connect()
    client.ask(b"x")
    gateway.write_file(config(pool=dict(servers=[a, b])))
    gateway.signal(signal.SIGHUP)
    gateway.wait_log("reloaded", changes=1)
    assert set(gateway.servers()) == {"a", "b"}
    assert all_hold([client])
    assert gateway.status()["config"]["reloads_total"] == 1


def test_a_dry_run_says_the_same_and_does_nothing(run, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = run("run", config(pool=dict(servers=[a, b])))
    clients = clients_of(gateway, 4)
    gateway.write_file(config(listener=[dict(), dict(name="new")], pool=dict(servers=[a])))
    said = gateway.reload(dry_run=True)
    assert said["dry_run"] and said["changed"]
    assert set(gateway.servers()) == {"a", "b"} and len(gateway.told("GET", "/v1/listeners")) == 1
    done = gateway.reload()
    assert not done["dry_run"]
    assert done["changes"] == said["changes"]
    assert all_hold([each for each in clients if each.served_by == "a"])


@pytest.mark.parametrize("keep", [False, True])
def test_runtime_changes_are_shown_and_dropped_or_kept(run, echo_backend, keep):
    a, b, c = echo_backend("a"), echo_backend("b"), echo_backend("c")
    document = config(pool=dict(servers=[a, b]))
    gateway = run("run", document)
    gateway.change_server("a", weight=7)
    gateway.change_server("b", state="maint")
    gateway.told("POST", "/v1/pools/p/servers", c.entry())
    assert gateway.status()["config"]["differs"] == 3
    assert [each["key"] for each in gateway.servers()["a"]["differs"]] == ["weight"]
    report = gateway.reload(keep_runtime=keep)
    assert {each["what"] for each in report["runtime"]} == {
        "pool p, server a: weight", "pool p, server b: state", "pool p, server c: added"}
    assert {each["kept"] for each in report["runtime"]} == {keep}
    servers = gateway.servers()
    assert servers["a"]["weight"] == (7 if keep else 100)
    assert (servers["b"]["state"] == "MAINT") == keep
    assert gateway.status()["config"]["differs"] == (3 if keep else 0)
    if keep:
        assert gateway.servers()["c"]["origin"] == "runtime"
    else:
        wait_until(lambda: "c" not in gateway.servers(), "what a command has added goes")


def test_idle_timeout_takes_effect_on_connections_that_are_there(run, echo_backend):
    pool = dict(servers=[echo_backend("a")])
    gateway = run("run", config(listener=dict(idle_timeout="1h"), pool=pool))
    client = gateway.connect()
    client.ask(b"x")
    gateway.reload(config(listener=dict(idle_timeout="300ms"), pool=pool))
    client.expect_end()
    gateway.wait_ended(reason="idle_timeout")


def test_limits_take_effect_for_new_connections_and_count_those_that_are_there(run, echo_backend):
    pool = dict(servers=[echo_backend("a")])
    gateway = run("run", config(pool=pool))
    clients = clients_of(gateway, 3)
    gateway.reload(config(listener=dict(max_connections=3), pool=pool))
    gateway.connect().expect_end()
    gateway.wait_metric("holdfast_refused_total", 1, reason="max_connections")
    gateway.reload(config(listener=dict(max_connections=3, deny=["127.0.0.1"]), pool=pool))
    clients[0].close()
    gateway.wait_metric("holdfast_connections", 2)
    gateway.connect().expect_end()
    gateway.wait_metric("holdfast_refused_total", 1, reason="denied")
    assert all_hold(clients[1:])


def test_a_listener_changes_its_pool_for_new_connections(run, echo_backend):
    pools = [dict(name="p", servers=[echo_backend("a")]), dict(name="q", servers=[echo_backend("b")])]
    gateway = run("run", config(pool=pools))
    old = gateway.connect()
    assert old.served_by == "a"
    report = gateway.reload(config(listener=dict(pool="q"), pool=pools))
    assert changes(report) == {("listener main", "pool", "changed")}
    assert gateway.connect().served_by == "b"
    assert all_hold([old])


def test_a_removed_pool_closes_its_connections_as_its_servers_would(run, echo_backend):
    p, q = dict(name="p", servers=[echo_backend("a")]), dict(name="q", servers=[echo_backend("b")])
    listeners = [dict(name="one", pool="p"), dict(name="two", pool="q")]
    gateway = run("run", config(listener=listeners, pool=[p, q]))
    one, two = gateway.connect(gateway.address("one")), gateway.connect(gateway.address("two"))
    assert (one.served_by, two.served_by) == ("a", "b")
    report = gateway.reload(config(listener=[dict(name="one", pool="p"), dict(name="two", pool="p")], pool=[p]))
    assert changes(report) == {("pool q", "", "removed"), ("listener two", "pool", "changed")}
    assert of(report, "pool q")["connections"] == 1
    two.expect_end()
    gateway.wait_ended(reason="server_removed")
    assert gateway.connect(gateway.address("two")).served_by == "a"
    wait_until(lambda: [each["name"] for each in gateway.told("GET", "/v1/pools")] == ["p"], "the pool goes")
    assert all_hold([one])


def test_workers_are_raised_and_not_lowered(run, echo_backend):
    pool = dict(servers=[echo_backend("a")])
    gateway = run("run", config(pool=pool))
    clients = clients_of(gateway, 4)
    report = gateway.reload(config(node=dict(workers=3), pool=pool))
    assert of(report, "node", "workers")["applies"] != "restart"
    assert len(gateway.status()["workers"]) == 3
    more = clients_of(gateway, 60)
    assert all(each["connections"] > 0 for each in gateway.status()["workers"]), "each has got some"
    report = gateway.reload(config(node=dict(workers=2), pool=pool))
    assert of(report, "node", "workers")["applies"] == "restart"
    assert "upgrade" in of(report, "node", "workers")["effect"] or "restart" in of(report, "node", "workers")["effect"]
    assert len(gateway.status()["workers"]) == 3
    assert all_hold(clients + more)


def test_a_reload_during_a_drain_and_a_drain_during_a_reload(run, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    pool = dict(servers=[a, b])
    gateway = run("run", config(pool=pool))
    clients = clients_of(gateway, 20)
    gateway.change_server("a", state="drain", rate="10/s")
    gateway.reload(config(pool={**pool, "retries": 2}), keep_runtime=True)
    assert gateway.servers()["a"]["state"] == "DRAIN"
    for each in clients:
        if each.served_by == "a":
            each.expect_end()
    report = gateway.reload(config(pool=pool))
    assert [each["kept"] for each in report["runtime"]] == [False]
    assert gateway.servers()["a"]["state"] == "UP"
    assert all_hold([each for each in clients if each.served_by == "b"])


def test_a_reload_while_the_node_drains_is_refused(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")])))
    client = gateway.connect()
    client.ask(b"x")
    gateway.told("POST", "/v1/drain", {})
    assert gateway.ask("POST", "/v1/reload", {}).status == 409
    gateway.told("DELETE", "/v1/drain")
    assert not gateway.reload()["changed"]
    assert all_hold([client])
