"""What the commands about a running process print and return. A real HTTP server plays the process, so that every answer is
one that the test chose; that they suit a real process is tested where the process is (test_operating.py and others)."""
import json
import os
import re
import socket
import subprocess
import threading

import pytest

from admin_server import AdminServer, problem, recorded
from configuration import config
from environment import BINARY, PATIENCE_S
from gateway import run_to_end

SERVERS = "/v1/pools/brokers/servers"
ALL = {
    "GET /v1/status": recorded("status"), "GET /v1/listeners": recorded("listeners"),
    "GET /v1/pools": recorded("pools"), f"GET {SERVERS}": recorded("servers"), "GET /v1/pools/im/servers": "[]",
    "GET /v1/connections": recorded("connections"), "GET /v1/alarms": recorded("alarms"),
    "POST /v1/reload": recorded("reload"),
}


@pytest.fixture
def admin(resources):
    """admin({"GET /v1/status": answer}): see admin_server.AdminServer."""
    def start(answers, path=None):
        server = AdminServer(answers, path)
        resources.callback(server.close)
        return server

    return start


def ask(server, *arguments, **options):
    return run_to_end(*arguments, *server.arguments, **options)


def row(done, name):
    """The row of a table that begins with a name, as its columns."""
    return next(re.split(r"  +", line.strip()) for line in done.stdout.splitlines() if line.strip().startswith(name))


# --- what is shown ---


def test_status_shows_phase_connections_alarms_and_workers(admin):
    done = ask(admin(ALL), "status")
    assert (done.returncode, done.stderr) == (0, "")
    for part in ("edge-1, holdfast 0.1.0, pid 4711", "serving, up 3h12m", "/etc/holdfast/holdfast.toml",
                 "changes by command: 1", "41230 of 100000 now, 90011 since the start", "30.0MiB resident",
                 "pool_in_panic brokers: 2 of 3 servers fail their checks"):
        assert part in done.stdout
    assert row(done, "1 ") == ["1", "20615", "4.2ms", "119877", "paused"]
    titles = [line[:15] for line in done.stdout.split("\n\n")[0].splitlines()]
    assert all(re.fullmatch(r"\S.*\s+", title) for title in titles), "the second column begins at the same place"


def test_listeners_are_aligned(admin):
    done = ask(admin(ALL), "listeners")
    assert row(done, "mqtt") == ["mqtt", "accepting", "brokers", "41000/100000", "89000", "42", "12.3ms", "118MiB",
                                 "96.5KiB", "0.0.0.0:1883 [::]:1883"]
    assert row(done, "im")[1] == "draining (230 left)"
    heading, *rows = done.stdout.splitlines()
    assert {line.index(address) for line, address in zip(rows, ("0.0.0.0", "unix:"))} == {heading.index("ADDRESSES")}
    right = heading.index("CONNECTIONS") + len("CONNECTIONS")
    assert [line[right - 3:right + 1] for line in rows] == ["000 ", "230 "], "numbers end where their heading ends"


def test_servers_of_all_pools_and_of_one(admin):
    done = ask(admin(ALL), "servers")
    assert row(done, "brokers/b1")[:8] == ["brokers/b1", "10.0.0.11:1883", "UP", "2h01m", "100", "40500/50000", "80000",
                                          "0"]
    assert row(done, "brokers/b2")[4] == "0/100", "what counts now, and what is configured"
    assert "connection refused; held by panic; weight 100 (file: 50)" in done.stdout
    assert "drain by operator: 412 left, 88 closed, at 200/s, 9m12s to go; backup; not in the file" in done.stdout
    assert "pool brokers: panic" in done.stdout and "pool brokers: 4 clients wait" in done.stdout
    assert "pool im: discovery: line 3: not JSON" in done.stdout
    one = ask(admin(ALL), "servers", "brokers")
    assert len(one.stdout.splitlines()) == 4 and "panic:" not in one.stdout


def test_what_a_peer_wrote_cannot_control_the_terminal(admin):
    done = ask(admin(ALL), "servers", "brokers")
    assert "\x1b" not in done.stdout and "brokers/b?[31m3" in done.stdout
    refused = ask(admin({f"GET {SERVERS}": problem(404, "bad \x1b]0;title\x07")}), "servers", "brokers")
    assert "\x1b" not in refused.stderr and "bad ?]0;title?" in refused.stderr


def test_alarms(admin):
    done = ask(admin(ALL), "alarms")
    assert row(done, "pool_in_panic") == ["pool_in_panic", "brokers", "3m12s", "2026-11-20T11:02:00Z",
                                          "2 of 3 servers fail their checks"]
    assert row(done, "descriptors_short")[3] == "2026-11-20T09:00:04Z"
    quiet = ask(admin({"GET /v1/alarms": '{"active":[],"cleared":[]}'}), "alarms")
    assert quiet.stdout == "no alarm is active\n"


def test_connections_are_asked_for_as_typed(admin):
    server = admin(ALL)
    done = ask(server, "connections", "--address", "10.1.0.0/16", "--server", "b 1", "--min-idle", "1h", "--sort", "idle",
               "--limit", "2")
    assert server.asked() == ["GET /v1/connections?sort=idle&server=b%201&address=10.1.0.0%2F16&min_idle=1h&limit=2"]
    assert row(done, "184467") == ["184467", "10.1.2.3:50412", "mqtt", "brokers", "b1 10.0.0.11:1883", "relaying", "5h00m",
                                   "12.5s", "1.5KiB", "700B", "400us", "0"]
    assert row(done, "184469")[4:6] == ["-", "waiting"]
    assert done.stdout.endswith("2 of 7 connections that match; --limit or --all shows more\n")


def test_all_connections_are_read_page_by_page(admin):
    first = recorded("connections")
    last = json.dumps(dict(connections=[dict(id=184470, client="10.1.2.9:1")], next=None, matched=1))
    answers = {"GET /v1/connections?sort=id&limit=1000": first,
               "GET /v1/connections?sort=id&limit=1000&after=184469": last}
    done = ask(admin(answers), "connections", "--all")
    assert done.stdout.endswith("3 connections\n") and "184470" in done.stdout
    as_json = json.loads(ask(admin(answers), "connections", "--all", "--json").stdout)
    assert [each["id"] for each in as_json["connections"]] == [184467, 184469, 184470] and as_json["next"] is None
    none = ask(admin({"GET /v1/connections": '{"connections":[],"next":null,"matched":0}'}), "connections")
    assert none.stdout == "no connection matches\n"


@pytest.mark.parametrize("command, path", [
    (["status"], "status"), (["listeners"], "listeners"), (["servers", "brokers"], "servers"),
    (["connections"], "connections"), (["alarms"], "alarms"), (["reload"], "reload")])
def test_json_is_the_answer_as_it_came(admin, command, path):
    done = ask(admin(ALL), *command, "--json")
    assert done.stdout == recorded(path).rstrip() + "\n"
    assert (done.returncode, done.stderr) == (0, "")


# --- what is changed ---


@pytest.mark.parametrize("words, method, path, body", [
    (["brokers/b1", "drain"], "PATCH", "/b1", {"state": "drain"}),
    (["brokers/b1", "drain", "--rate", "200", "--deadline", "10m"], "PATCH", "/b1",
     {"state": "drain", "rate": "200/s", "deadline": "10m"}),
    (["brokers/b1", "ready"], "PATCH", "/b1", {"state": "ready"}),
    (["brokers/b1", "maint"], "PATCH", "/b1", {"state": "maint"}),
    (["brokers/b1", "weight", "50"], "PATCH", "/b1", {"weight": 50}),
    (["brokers/b1", "weight", "0"], "PATCH", "/b1", {"weight": 0}),
    (["brokers", "add", "10.0.0.14:1883"], "POST", "", {"address": "10.0.0.14:1883", "weight": 100}),
    (["brokers", "add", "10.0.0.14:1883", "--name", "b4", "--weight", "10", "--max-connections", "7", "--max-accept-rate",
      "5/s", "--backup"], "POST", "",
     {"address": "10.0.0.14:1883", "weight": 10, "name": "b4", "max_connections": 7, "max_accept_rate": "5/s",
      "backup": True}),
    (["brokers", "remove", "b4"], "DELETE", "/b4", None),
])
def test_server_asks_for(admin, words, method, path, body):
    one = json.dumps(json.loads(recorded("servers"))[0])
    server = admin({f"{method} {SERVERS}{path}": one if method != "DELETE" else '{"remaining":412,"on_remove":"drain"}'})
    done = ask(server, "server", *words)
    assert (done.returncode, done.stderr) == (0, "")
    [question] = server.questions
    assert question.body == body
    wanted = {"PATCH": "brokers/b1: UP, 40500/50000 connections, weight 100; connected\n",
              "POST": "brokers/b1 is added: UP, 40500/50000 connections, weight 100; connected\n",
              "DELETE": "brokers/b4 is removed: 412 connections remain, on_remove is drain\n"}[method]
    assert done.stdout == wanted


@pytest.mark.parametrize("words, wrong", [
    (["brokers", "drain"], "POOL/NAME"), (["brokers/b1", "remove", "b1"], "must be a POOL"),
    (["brokers/b1", "weight", "1001"], "1000"), (["brokers/b1", "weight"], "N is required"),
    (["brokers/b1", "drain", "--rate", "fast"], "200/s"), (["brokers/b1", "drain", "--deadline", "soon"], "10m"),
    (["brokers/b1", "drain", "--watch", "--json"], "--json"), (["brokers/b1"], "subcommand"), (["brokers/b1", "frobnicate"], "")])
def test_a_wrong_word_to_server_is_said_before_anything_is_asked(admin, words, wrong):
    server = admin({})
    done = ask(server, "server", *words)
    assert (done.returncode, done.stdout) == (2, "") and wrong in done.stderr
    assert server.asked() == []


def test_kick_closes_each_and_says_which_were_not_there(admin):
    server = admin({"DELETE /v1/connections/1": (204, "application/json", None),
                    "DELETE /v1/connections/3": (204, "application/json", None)})
    done = ask(server, "kick", "1", "2", "3")
    assert done.stdout == "connection 1: closed\nconnection 3: closed\n"
    assert "connection 2: there is no /v1/connections/2" in done.stderr and "1 of 3" in done.stderr
    assert done.returncode == 1
    assert ask(server, "kick", "3").returncode == 0
    done = ask(server, "kick", "--json", "1", "2")
    assert (done.returncode, json.loads(done.stdout)) == (1, {"closed": [1], "failed": [2]})
    assert ask(server, "kick", "x").returncode == 2


def test_reload_prints_each_change_and_ends_with_a_summary(admin):
    server = admin(ALL)
    done = ask(server, "reload")
    assert server.questions[0].body == {"dry_run": False, "keep_runtime": False}
    assert row(done, "changed  listener") == ["changed", "listener mqtt: idle_timeout", "3h", "1h", "at once", "41000",
                                              "live connections are idle for 1h at most"]
    assert row(done, "removed") == ["removed", "pool brokers, server b2", "-", "-", "at once", "88", "drained at 200/s"]
    assert row(done, "changed  node")[4] == "after a restart"
    assert row(done, "pool brokers, server b1: weight")[1:] == ["100", "50", "dropped"]
    assert done.stdout.splitlines()[-1] == ("reloaded: 4 changes in 12.3ms, 1 only after a restart, 1 change by command "
                                            "dropped; the widest concerns 41000 live connections")


def test_a_dry_run_says_that_it_was_one(admin):
    answer = json.dumps(dict(json.loads(recorded("reload")), dry_run=True))
    server = admin({"POST /v1/reload": [answer, '{"dry_run":true,"changed":false,"changes":[],"runtime":[]}',
                                        '{"dry_run":false,"changed":false,"changes":[],"runtime":[]}']})
    done = ask(server, "reload", "--dry-run", "--keep-runtime")
    assert server.questions[0].body == {"dry_run": True, "keep_runtime": True}
    assert done.stdout.splitlines()[-1].startswith("dry run, nothing was changed: a reload would make 4 changes")
    assert ask(server, "reload", "--dry-run").stdout == "dry run: the file is as what runs\n"
    assert ask(server, "reload").stdout == "reloaded: the file is as what runs, nothing has changed\n"


def test_a_faulty_file_is_told_with_all_its_faults(admin):
    faults = ["edge.toml:3:1: unknown key \"bnd\"; did you mean bind?", "edge.toml:9:3: no pool is called \"x\""]
    done = ask(admin({"POST /v1/reload": problem(422, "the file has 2 faults; nothing was changed", faults=faults)}),
               "reload")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "holdfast reload: " + "\n".join(faults) + "\nthe file has 2 faults; nothing was changed\n"


def draining(left, mode="drain"):
    server = dict(json.loads(recorded("servers"))[2], name="b3", connections=left, mode=mode)
    return json.dumps(dict(server, drain=dict(rate="200/s", remaining=left, closed=412 - left) if left else None))


def test_a_drain_is_watched_until_its_end(admin):
    server = admin({f"PATCH {SERVERS}/b3": draining(412), f"GET {SERVERS}/b3": [draining(200), draining(0)]})
    done = ask(server, "server", "brokers/b3", "drain", "--watch")
    assert done.returncode == 0
    assert done.stdout.splitlines()[1:] == ["brokers/b3: 200 left, 212 closed, at 200/s",
                                            "brokers/b3: drained, no connection is left"]


def test_a_drain_that_somebody_ends_is_a_failure_for_who_watches(admin):
    server = admin({f"PATCH {SERVERS}/b3": draining(412), f"GET {SERVERS}/b3": [draining(200), draining(200, "ready")]})
    done = ask(server, "server", "brokers/b3", "drain", "--watch")
    assert done.returncode == 1 and "somebody has ended the drain" in done.stderr


def test_a_server_that_goes_while_it_is_watched_is_drained(admin):
    server = admin({f"PATCH {SERVERS}/b3": draining(412), f"GET {SERVERS}": recorded("servers"),
                    f"GET {SERVERS}/b3": [draining(200), problem(404, "no server is called b3")]})
    done = ask(server, "server", "brokers/b3", "drain", "--watch")
    assert done.returncode == 0 and done.stdout.endswith("brokers/b3: it is no longer there\n")


def node(phase, left, wait=0.0):
    status = json.loads(recorded("status"))
    drain = dict(rate="200/s", remaining=left, closed=0, wait_seconds_left=wait) if phase == "draining" else None
    return json.dumps(dict(status, phase=phase, connections=left, drain=drain))


def test_drain_and_ready_of_the_node(admin):
    server = admin({"POST /v1/drain": (202, "application/json", "{}"), "DELETE /v1/drain": "{}",
                    "GET /v1/status": [node("draining", 70, 12.3), node("drained", 0)]})
    done = ask(server, "drain", "--rate", "200/s", "--deadline", "10m", "--wait", "15s", "--watch")
    assert done.returncode == 0
    assert server.questions[0].body == {"rate": "200/s", "deadline": "10m", "wait": "15s"}
    assert done.stdout.splitlines()[1:] == ["node: 70 left, 0 closed, at 200/s, accepts for another 12.3s",
                                            "node: drained, no connection is left"]
    assert ask(server, "ready").stdout == "node: serving\n"
    assert server.asked()[-1] == "DELETE /v1/drain"


def test_drain_and_ready_of_a_listener(admin):
    after = json.loads(recorded("listeners"))
    after[1].update(connections=0, drain=None)
    server = admin({"PATCH /v1/listeners/im": json.dumps(json.loads(recorded("listeners"))[1]),
                    "GET /v1/listeners": [recorded("listeners"), json.dumps(after)]})
    done = ask(server, "drain", "im", "--rate", "50/s", "--watch")
    assert server.questions[0].body == {"rate": "50/s", "state": "drain"}
    assert done.stdout.splitlines() == ["listener im: draining: 230 left, 70 closed, at 50/s, 5m22s to go",
                                        "listener im: 230 left, 70 closed, at 50/s, 5m22s to go",
                                        "listener im: drained, no connection is left"]
    assert ask(server, "ready", "im").stdout == "listener im: accepting\n"
    assert server.questions[-1].body == {"state": "ready"}
    assert ask(server, "drain", "im", "--wait", "1s").returncode == 2
    assert ask(server, "drain", "im", "--watch", "--json").returncode == 2


EVENTS = ("id: 7\nevent: reload\ndata: {\"changes\":2,\"at\":\"2026-11-20T11:02:00Z\"}\n\n: heartbeat\n\n"
          "id: 8\nevent: alarm\ndata: {\"phase\":\"raised\",\"name\":\"pool_in_panic\"}\n\n")


def test_events_one_a_line(admin):
    server = admin({"GET /v1/events": (200, "text/event-stream", EVENTS)})
    done = ask(server, "events", "--count", "2")
    assert done.returncode == 0
    lines = [re.split(r"  +", line) for line in done.stdout.splitlines()]
    assert lines[0] == ["2026-11-20T11:02:00Z", "reload", "changes=2"], "the time of the event, once"
    assert [each[1:] for each in lines[1:]] == [["alarm", "phase=raised", "name=pool_in_panic"]]
    one = ask(server, "events", "--json", "--type", "alarm", "--count", "1")
    assert json.loads(one.stdout) == dict(id="8", type="alarm", data=dict(phase="raised", name="pool_in_panic"))
    ended = ask(server, "events")
    assert ended.returncode == 3 and "has ended the stream" in ended.stderr


# --- what goes wrong ---


def test_a_problem_is_said_with_what_there_is(admin):
    done = ask(admin({"GET /v1/pools/x/servers": problem(404, 'no pool is called "x"', known=["brokers", "im"])}),
               "servers", "x")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == 'holdfast servers: no pool is called "x"; there is: brokers, im\n'


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_wrong_is_status_4(admin, status):
    done = ask(admin({"GET /v1/status": problem(status, "the token is not right")}), "status")
    assert (done.returncode, done.stdout) == (4, "")
    assert "the token is not right" in done.stderr and "--token-file" in done.stderr


def test_the_token_comes_from_the_file_or_the_environment(admin, directory):
    server = admin(ALL)
    file = directory / "token"
    file.write_text("from-file\n")
    file.chmod(0o600)
    assert ask(server, "status", "--token-file", file).returncode == 0
    assert ask(server, "status", env={**os.environ, "HOLDFAST_TOKEN": "from-environment"}).returncode == 0
    assert ask(server, "status").returncode == 0
    assert [each.authorization for each in server.questions] == ["Bearer from-file", "Bearer from-environment", ""]


def test_a_token_that_cannot_be_read_is_no_reason_to_ask_without(admin, directory):
    server = admin(ALL)
    done = ask(server, "status", "--token-file", directory / "missing")
    assert done.returncode == 2 and "missing" in done.stderr
    done = ask(server, "status", env={**os.environ, "HOLDFAST_TOKEN": "two\r\nlines: secret"})
    assert done.returncode == 2 and "secret" not in done.stderr
    assert server.asked() == []


def test_nobody_answers_is_status_3(directory):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        for arguments in (["--socket", directory / "missing.sock"],
                          ["--admin", "http://127.0.0.1:%d" % bound.getsockname()[1]]):
            done = run_to_end("status", *arguments)
            assert (done.returncode, done.stdout) == (3, "")
            assert "does the process run?" in done.stderr and "--socket" in done.stderr


def test_the_socket_is_found_by_the_environment(admin, directory):
    server = admin(ALL, directory / "admin.sock")
    environment = {**os.environ, "HOLDFAST_SOCKET": str(directory / "admin.sock")}
    assert run_to_end("status", env=environment).returncode == 0
    assert ask(server, "status").returncode == 0
    done = run_to_end("status", env={**os.environ, "HOLDFAST_SOCKET": str(directory / "other.sock")})
    assert done.returncode == 3 and "other.sock" in done.stderr
    assert server.asked() == ["GET /v1/status"] * 2


def test_a_process_that_does_not_answer_is_waited_for_as_long_as_told(admin):
    asked = threading.Event()
    release = threading.Event()

    def silent(_):
        asked.set()
        release.wait()
        return "{}"

    server = admin({"GET /v1/status": silent})
    done = ask(server, "status", "--timeout", "200ms")
    release.set()
    assert asked.is_set()
    assert done.returncode == 3 and server.url().removeprefix("http://") in done.stderr
    assert ask(server, "status", "--timeout", "0s").returncode == 2


@pytest.mark.parametrize("answer, status", [
    ("this is not JSON", 1), ("[1,2", 1), ((200, "text/html", "<html>"), 1), (b"\x16\x03\x01 no HTTP at all\r\n\r\n", 1),
    (b"", 3), ((500, "text/plain", "oops"), 1), ((502, "text/html", ""), 1), ('"text"', 1), ("[]", 1)])
def test_an_answer_that_is_none_is_a_failure_with_a_sentence(admin, answer, status):
    done = ask(admin({"GET /v1/status": answer}), "status")
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("holdfast status: ")


@pytest.mark.parametrize("command", ["status", "listeners", "servers", "connections", "alarms", "reload"])
def test_answers_of_another_version_are_shown_as_far_as_they_go(admin, command):
    """Fields that are not there, or are of another type, do not end a command."""
    strange = {"GET /v1/status": '{"phase":7,"workers":[{}],"alarms":[{"name":[]}]}', "GET /v1/listeners": '[{},{"name":1}]',
               "GET /v1/pools": '[{"name":"p"}]', "GET /v1/pools/p/servers": '[{"check":3,"drain":{}},7]',
               "GET /v1/connections": '{"connections":[{}],"matched":"x"}', "GET /v1/alarms": '{"active":[{}]}',
               "POST /v1/reload": '{"changes":[{}],"runtime":[{}]}'}
    done = ask(admin(strange), command)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_an_admin_url_is_checked(admin):
    for url in ("127.0.0.1:9100", "ftp://x", "http://"):
        done = run_to_end("status", "--admin", url)
        assert done.returncode == 2 and "http://127.0.0.1:9100" in done.stderr
    done = run_to_end("status", "--admin", "http://127.0.0.1:1", "--socket", "/x")
    assert done.returncode == 2


def test_output_that_cannot_be_written_is_a_failure(admin):
    with open("/dev/full", "w", encoding="utf-8") as full:
        server = admin(ALL)
        done = ask_into(full, server, "status")
    assert done == 1


def ask_into(stream, server, *arguments):
    """The exit status of a command whose output goes elsewhere."""
    return subprocess.run([BINARY, *arguments, *server.arguments], stdout=stream, stderr=subprocess.DEVNULL,
                          timeout=PATIENCE_S, check=False).returncode


# --- help ---


COMMANDS = ["status", "top", "listeners", "servers", "connections", "alarms", "events", "server", "kick", "reload", "drain",
            "ready", "completion"]


def test_every_command_has_help_with_examples(holdfast):
    program = holdfast("--help").stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", program, re.MULTILINE)
        done = holdfast(command, "--help")
        assert done.returncode == 0 and "Examples:\n" in done.stdout, command
        assert holdfast("help", command).stdout == done.stdout
    for hidden in ("complete", "help"):
        assert not re.search(rf"^  {hidden} ", program, re.MULTILINE)
    assert holdfast("help", "frobnicate").returncode == 2


# --- a real process ---


def test_servers_of_a_real_process(run, echo_backend, holdfast):
    server = echo_backend("a")
    gateway = run("run", config(pool=dict(name="brokers", servers=[server])))
    client = gateway.connect()
    assert client.ask(b"hello") == b"hello"
    admin_url = f"http://{gateway.admin}"
    shown = row(holdfast("servers", "--admin", admin_url), "brokers/a")
    assert shown[2] == "UP" and shown[5:7] == ["1", "1"]
    assert "brokers/a" in holdfast("complete", "--", "server", "--admin", admin_url, "b").stdout
    assert holdfast("servers", "missing", "--admin", admin_url).returncode == 1
