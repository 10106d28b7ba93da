"""Each command against a live process, over its admin socket and over TCP with a token. test_commands.py has the rest:
what is shown of answers that a live process gives rarely or never."""
import json
import os
import re
import signal
import stat
import subprocess

import pytest

import peers
from configuration import config, to_toml
from environment import BINARY, wait_until
from test_stop import is_refused

TOKEN = "a-token-of-the-tests"


class Operated:
    """A gateway with two listeners before a and b, and ten clients of the listener mqtt."""

    def __init__(self, run, echo_backend, directory, **node):
        self.run_dir, self.token = directory / "run", directory / "token"
        self.run_dir.mkdir()
        self.token.write_text(TOKEN + "\n")
        self.token.chmod(0o600)
        self.pool = dict(name="brokers", slow_start="0s", servers=[echo_backend("a"), echo_backend("b")])
        self.sections = dict(node=dict(name="gw-1", run_dir=str(self.run_dir), **node),
                             admin=dict(token_file=str(self.token)))
        self.gateway = run("run", self.document())
        self.clients = [self.gateway.connect() for _ in range(10)]
        for each in self.clients:
            each.ask(b"hello")

    def document(self, listener=None, **pool):
        listeners = [dict(name="mqtt", **(listener or {})), dict(name="ws")]
        return config(listener=listeners, pool={**self.pool, **pool}, **self.sections)

    def ask(self, *words, status=0, way="socket"):
        """What `holdfast WORDS` prints; it must end with this status and, when that is not 0, say why."""
        where = {"socket": ["--socket", self.run_dir / "admin.sock"],
                 "admin": ["--admin", f"http://{self.gateway.admin}", "--token-file", self.token]}[way]
        done = command(*words, *where)
        assert done.returncode == status, done
        assert bool(done.stderr) == (status != 0), done
        return done.stdout if status == 0 else done.stderr

    def json(self, *words):
        return json.loads(self.ask(*words, "--json"))

    def server(self, name):
        return next(each for each in self.json("servers", "brokers") if each["name"] == name)


def command(*words, **options):
    return subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=60, **options)


@pytest.fixture
def live(run, echo_backend, directory):
    return Operated(run, echo_backend, directory)


def rows(text):
    """{first cell: the others} of a table, which is everything up to an empty line."""
    table = [re.split(r"  +", line.strip()) for line in text.split("\n\n")[0].splitlines()]
    return {cells[0]: dict(zip(table[0], cells, strict=False)) for cells in table[1:]}


LOOKS = ["status", "listeners", "servers", "connections", "alarms"]


@pytest.mark.parametrize("way", ["socket", "admin"])
@pytest.mark.parametrize("words", [*([each] for each in LOOKS), ["servers", "brokers"], ["top", "--once"],
                                   ["reload", "--dry-run"], ["server", "brokers/a", "weight", "5"],
                                   ["drain", "mqtt"], ["drain"], ["reload"]])
def test_every_way_leads_there(live, words, way):
    assert live.ask(*words, way=way)


@pytest.mark.parametrize("words", [[each] for each in LOOKS] + [["servers", "brokers"], ["top"]])
def test_json_is_json(live, words):
    assert live.json(*words) is not None


def test_status(live):
    text = live.ask("status")
    assert re.search(r"^node +gw-1, holdfast \d", text, re.M)
    assert re.search(r"^phase +serving, up ", text, re.M)
    assert re.search(r"^connections +10 now, 10 since the start", text, re.M)
    assert re.search(r"^alarms +none$", text, re.M)


def test_listeners(live):
    table = rows(live.ask("listeners"))
    assert table["mqtt"]["CONNECTIONS"].startswith("10/") and table["ws"]["CONNECTIONS"].startswith("0/")
    assert table["mqtt"]["STATE"] == "accepting" and table["mqtt"]["POOL"] == "brokers"


def test_servers(live):
    table = rows(live.ask("servers"))
    assert {name: each["CONNECTIONS"] for name, each in table.items()} == {"brokers/a": "5", "brokers/b": "5"}
    assert table.keys() == rows(live.ask("servers", "brokers")).keys()
    assert 'no pool is called "nope"; there is: brokers' in live.ask("servers", "nope", status=1)


@pytest.mark.parametrize("filters, count", [
    (["--listener", "mqtt"], 10), (["--listener", "ws"], 0), (["--pool", "brokers"], 10), (["--server", "a"], 5),
    (["--server", "brokers/b"], 5), (["--address", "127.0.0.1"], 10), (["--address", "127.0.0.0/8"], 10),
    (["--address", "10.0.0.0/8"], 0), (["--min-age", "1h"], 0), (["--min-idle", "1h"], 0), (["--min-bytes", "1"], 10),
    (["--min-bytes", "1MiB"], 0), (["--server", "a", "--listener", "mqtt", "--min-age", "0s"], 5)])
def test_connections_are_found(live, filters, count):
    found = live.json("connections", *filters)
    assert (len(found["connections"]), found["matched"]) == (count, count)
    text = live.ask("connections", *filters)
    assert text.endswith(f"\n{count} connections\n" if count else "no connection matches\n")


@pytest.mark.parametrize("filters, why", [
    (["--server", "nope"], "there is: a, b"), (["--listener", "nope"], "there is: mqtt, ws"),
    (["--pool", "nope"], "there is: brokers"), (["--server", "nope/a"], "there is: brokers"),
    (["--address", "foo"], "10.0.0.0/8"), (["--min-age", "5"], "min_age")])
def test_a_question_that_cannot_be_answered_says_what_there_is(live, filters, why):
    assert why in live.ask("connections", *filters, status=1)


def test_a_server_of_another_pool_than_asked_for_is_a_wrong_command_line(live):
    assert "not the same pool" in live.ask("connections", "--pool", "x", "--server", "brokers/a", status=2)


def test_pages(live):
    all_ids = [each["id"] for each in live.json("connections", "--all")["connections"]]
    assert len(set(all_ids)) == 10 and all_ids == sorted(all_ids)
    first = live.json("connections", "--limit", "4")
    assert [each["id"] for each in first["connections"]] == all_ids[:4] and first["next"] == all_ids[3]
    assert live.ask("connections", "--limit", "4").endswith(
        "4 of 10 connections that match; --limit or --all shows more\n")
    assert live.ask("connections", "--limit", "1001", status=2)


def test_the_most_bytes_come_first(live):
    live.clients[7].ask(b"x" * 5000)
    busiest = live.json("connections", "--sort", "bytes", "--limit", "1")["connections"][0]
    assert busiest["bytes_from_client"] >= 5000


def test_a_server_is_drained_and_made_ready(live):
    text = live.ask("server", "brokers/a", "drain", "--rate", "1/s", "--deadline", "10m")
    # The first may be closed before the answer is made.
    assert re.match(r"brokers/a: DRAIN, [45] connections, weight 100; drain by operator: [45] left, [01] closed, at 1/s, "
                    r"(9m|10m)\S+ to go\n", text), text
    assert {live.gateway.connect().served_by for _ in range(3)} == {"b"}
    assert live.server("a")["mode"] == "drain"
    assert "drain by operator: " in rows(live.ask("servers"))["brokers/a"]["REMARKS"]
    assert live.ask("server", "brokers/a", "ready").startswith("brokers/a: UP, ")
    assert live.server("a")["drain"] is None


def test_a_drain_that_is_watched_ends_with_the_last_connection(live):
    text = live.ask("server", "brokers/a", "drain", "--rate", "100/s", "--watch")
    assert text.splitlines()[-1] == "brokers/a: drained, no connection is left", text
    assert live.server("a")["connections"] == 0 and live.server("b")["connections"] == 5


def test_maintenance_weight_add_and_remove(live):
    assert live.ask("server", "brokers/a", "maint").startswith("brokers/a: MAINT, 5 connections")
    live.ask("server", "brokers/a", "ready")
    assert "weight 50 (file: 100)" in live.ask("server", "brokers/a", "weight", "50")
    text = live.ask("server", "brokers", "add", "127.0.0.1:9", "--name", "c", "--weight", "7", "--max-connections", "3")
    assert text.startswith("brokers/c is added: ") and "0/3 connections, weight 7" in text
    assert text.endswith("not in the file\n")
    assert live.server("c")["origin"] == "runtime"
    assert live.ask("server", "brokers", "add", "127.0.0.1:9", "--name", "c", status=1)
    assert live.ask("server", "brokers", "remove", "c").startswith("brokers/c is removed: 0 connections remain")
    assert live.ask("server", "brokers", "remove", "zz", status=1)
    status = live.ask("status")
    assert "changes by command: " in status


@pytest.mark.parametrize("words, status, why", [
    (["brokers/nope", "drain"], 1, "there is: a, b"), (["nope/a", "drain"], 1, "there is: brokers"),
    (["brokers/a", "weight", "5000"], 2, "1000"), (["brokers/a", "drain", "--rate", "5/d"], 2, "200/s"),
    (["brokers", "add", "nowhere"], 1, "address")])
def test_a_server_command_that_cannot_be(live, words, status, why):
    assert why in live.ask("server", *words, status=status)


def test_a_wrong_command_line_is_one_line_that_says_where_more_is_said(live):
    done = command("server", "brokers/a", "drain", "--rate", "5/d")
    assert done.stderr == ("holdfast server drain: --rate: must be like 200/s or 30/m, or 200, which is 200/s; "
                           "holdfast server drain --help tells more\n")


def test_kick(live):
    victim = live.json("connections", "--limit", "1")["connections"][0]
    live.ask("kick", str(victim["id"]))
    port = int(victim["client"].rsplit(":", 1)[1])
    client = next(each for each in live.clients if each.socket.getsockname()[1] == port)
    client.expect_end()
    client.close()
    assert live.gateway.wait_ended(reason="kicked")[0]["client"] == victim["client"]
    assert "there is no connection 5" in live.ask("kick", "5", status=1)
    assert live.json("connections")["matched"] == 9


def test_reload(live):
    assert live.ask("reload") == "reloaded: the file is as what runs, nothing has changed\n"
    live.ask("server", "brokers/a", "weight", "50")
    live.gateway.write_file(live.document(listener=dict(idle_timeout="2h")))
    dry = live.ask("reload", "--dry-run")
    assert re.search(r"changed +listener mqtt: idle_timeout .* at once +10 +at once, also for 10 connections", dry), dry
    assert re.search(r"pool brokers, server a: weight +100 +50 +dropped", dry)
    assert dry.splitlines()[-1] == ("dry run, nothing was changed: a reload would make 1 change, 1 change by command "
                                    "dropped; the widest concerns 10 live connections")
    assert live.ask("reload", "--keep-runtime").splitlines()[-1].startswith("reloaded: 1 change in ")
    assert live.server("a")["weight"] == 50
    assert "; no live connection is concerned\n" in live.ask("reload")
    assert live.server("a")["weight"] == 100
    assert all(each.ask(b"still") == b"still" for each in live.clients)


def test_a_reload_that_fails_changes_nothing_says_each_fault_once_and_is_in_the_status(live):
    good = live.gateway.file.read_text()
    live.gateway.write_file(good.replace("slow_start", "slow_strat").replace('policy', 'polizy') + 'nope = 1\n')
    why = live.ask("reload", status=1).splitlines()
    assert len(why) == len(set(why)) >= 3, why
    assert re.search(r"holdfast.toml has \d faults; nothing has changed$", why[-1])
    status = live.ask("status")
    assert re.search(r"^last reload +failed: .*\(and \d more\)$", status, re.M), status
    assert all(each.ask(b"still") == b"still" for each in live.clients)
    live.gateway.write_file(good)
    live.ask("reload")
    assert "last reload" not in live.ask("status")


def test_the_node_is_drained_and_made_ready(live):
    text = live.ask("drain", "--rate", "100/s", "--wait", "100ms", "--watch")
    assert text.splitlines()[-1] == "node: drained, no connection is left"
    assert re.search(r"^phase +drained", live.ask("status"), re.M)
    assert re.search(r"^drain +0 left, 10 closed, at 100/s$", live.ask("status"), re.M)
    assert "drains already" in live.ask("drain", status=1)
    assert "the node drains" in live.ask("reload", status=1)
    live.gateway.signal(signal.SIGHUP)
    live.gateway.wait_log("SIGHUP: the node drains, so nothing is reloaded")
    assert live.ask("ready") == "node: serving\n"
    assert "does not drain" in live.ask("ready", status=1)


def test_a_listener_drains_from_the_order_on_and_others_do_not_notice(run, echo_backend, directory):
    live = Operated(run, echo_backend, directory, drain_wait="300ms")
    text = live.ask("drain", "mqtt", "--rate", "100/s", "--deadline", "10m", "--watch")
    assert re.match(r"listener mqtt: draining: 10 left, 0 closed, at 100/s, (9m|10m)\S+ to go\n", text), text
    assert text.splitlines()[-1] == "listener mqtt: drained, no connection is left"
    assert is_refused(live.gateway.address("mqtt")) and live.gateway.connect(live.gateway.address("ws")).ask(b"x")
    assert live.ask("ready", "mqtt") == "listener mqtt: accepting\n"
    assert "there is: mqtt, ws" in live.ask("drain", "nope", status=1)


def test_a_drained_node_ends_on_sigterm(live):
    live.ask("drain", "--rate", "1000/s", "--watch")
    live.gateway.signal(signal.SIGTERM)
    assert live.gateway.wait_exit() == 0


class Listening:
    """`holdfast events` with some types, whose lines are read one by one."""

    def __init__(self, live, *words):
        self._process = subprocess.Popen(
            [BINARY, "events", "--json", "--socket", live.run_dir / "admin.sock", *words],
            stdout=subprocess.PIPE, text=True)
        ask_metrics = ["curl", "-s", "--unix-socket", live.run_dir / "admin.sock", "http://admin/metrics"]
        wait_until(lambda: "\nholdfast_admin_streams 1\n" in subprocess.check_output(ask_metrics, text=True),
                   "it listens")

    def next(self):
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def test_events_tell_of_reloads_drains_and_servers(live, resources):
    events = Listening(live)
    resources.callback(events.close)
    live.gateway.write_file(live.document(retries=2))
    live.ask("reload")
    told = events.next()
    assert (told["type"], told["data"]["changes"], told["data"]["what"]) == ("reload", 1, "pool brokers: retries")
    live.gateway.write_file("nope = 1\n")
    live.ask("reload", status=1)
    told = events.next()
    assert told["type"] == "reload_failed" and "nope" in told["data"]["why"] and told["data"]["faults"] >= 1
    live.ask("drain", "mqtt", "--rate", "1/s")
    told = events.next()
    assert told["type"] == "drain" and told["data"]["listener"] == "mqtt" and told["data"]["phase"] == "started", told
    assert told["data"]["rate"] == "1/s"


def test_top_once(live):
    text = live.ask("top", "--once")
    assert "connections 10 " in text
    for heading in ("LISTENER", "POOL", "SERVER"):
        assert re.search(f"^{heading} +STATE", text, re.M)


def test_the_mode_of_the_socket_is_as_configured_also_after_a_reload(live):
    def mode():
        return stat.S_IMODE(os.stat(live.run_dir / "admin.sock").st_mode)
    assert mode() == 0o660
    live.sections["admin"]["socket_mode"] = "0600"
    live.gateway.write_file(live.document())
    live.ask("reload")
    assert mode() == 0o600
    live.sections["admin"].update(socket_mode="0666", socket_group="no-such-group")
    live.gateway.write_file(live.document())
    assert "there is no such group" in live.ask("reload", status=1)
    assert mode() == 0o600, "nothing has changed"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_who_may_not_use_the_socket_is_told_so(live, directory):
    directory.chmod(0o755)
    def nobody(*words):
        return command(*words, "--socket", live.run_dir / "admin.sock", user=65534, group=65534, extra_groups=[])
    done = nobody("status")
    assert done.returncode == 4 and "admin.socket_mode" in done.stderr
    live.sections["admin"]["socket_mode"] = "0666"
    live.gateway.write_file(live.document())
    live.ask("reload")
    assert nobody("status").returncode == 0


@pytest.mark.parametrize("token, why", [(None, "asks for a bearer token"), ("wrong", "not the right one")])
@pytest.mark.parametrize("words", [["status"], ["reload"], ["server", "brokers/a", "drain"], ["kick", "1"],
                                   ["drain"], ["events"], ["top", "--once"]])
def test_a_token_that_is_missing_or_wrong_is_status_4_and_nothing_happens(live, words, token, why):
    environment = {**os.environ, **({"HOLDFAST_TOKEN": token} if token else {})}
    done = command(*words, "--admin", f"http://{live.gateway.admin}", env=environment)
    assert done.returncode == 4 and why in done.stderr and TOKEN not in done.stderr
    assert live.json("status")["phase"] == "serving" and live.server("a")["mode"] == "ready"
    assert not any(TOKEN in line for line in live.gateway.log_lines())


def test_the_token_is_read_from_the_environment_too(live):
    done = command("alarms", "--admin", f"http://{live.gateway.admin}", env={**os.environ, "HOLDFAST_TOKEN": TOKEN})
    assert (done.returncode, done.stdout) == (0, "no alarm is active\n")


@pytest.mark.parametrize("mode, text, why", [(0o644, TOKEN, "chmod 600"), (0o600, "", "empty"), (None, "", "No such")])
def test_a_token_file_that_is_no_secret_ends_the_start(directory, holdfast, mode, text, why, echo_backend):
    token = directory / "token"
    if mode is not None:
        token.write_text(text)
        token.chmod(mode)
    file = directory / "edge.toml"
    file.write_text(to_toml(config(pool=dict(servers=[echo_backend("a")]), admin=dict(token_file=str(token)))))
    done = holdfast("run", file)
    assert done.returncode == 1 and why in done.stderr and str(token) in done.stderr


def test_many_slow_clients_of_the_api_disturb_neither_the_data_nor_the_socket(live, resources):
    half = [peers.connect(live.gateway.admin) for _ in range(200)]
    for each in half:
        resources.callback(each.close)
        each.socket.sendall(b"GET /v1/status HTTP/1.1\r\nHost: x\r\nAutho")
    assert live.json("status")["connections"] == 10
    assert all(each.ask(b"still") == b"still" for each in live.clients)
