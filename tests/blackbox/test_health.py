"""Active checks: how servers are asked, what makes them UP and DOWN, and how both are told."""
import collections
import json
import time

import pytest

import mosquitto
from configuration import config
from environment import wait_until

# Checks that follow each other quickly, but give a slow machine time to answer.
QUICK = dict(interval="50ms", fast_interval="20ms", timeout="5s")
MQTT_CONNECT = "10 0f 00 04 4d 51 54 54 04 02 00 3c 00 03 68 66 31"  # MQTT 3.1.1, client "hf1", clean session
MQTT_CONNACK = "20 02 00 00"


def pool(servers, health, **more):
    return {**dict(servers=servers, policy="round_robin", slow_start="0s", health={**QUICK, **health}), **more}


def steps_of(gateway, server):
    """The states of a server as the log tells them: [("UP", "UP 2/3"), ...]."""
    return [(each["from"], each["to"]) for each in gateway.log("server state", server=f"p/{server}")]


def wait_steps(gateway, server, *steps):
    """Waits until these are its last ones."""
    wait_until(lambda: steps_of(gateway, server)[-len(steps):] == list(steps),
               lambda: f"{steps}; there were {steps_of(gateway, server)}")


def names_served(gateway, count=8):
    return {gateway.connect().served_by for _ in range(count)}


def answering(text):
    """Serves each connection with the same bytes, once something has come, and then waits for the other's end."""
    def serve(peer):
        if peer.socket.recv(65536):
            peer.send(text.encode())
            peer.receive_until_end()
    return serve


def saying(text):
    """The same without waiting for a word."""
    def serve(peer):
        peer.send(text.encode())
        peer.receive_until_end()
    return serve


def http(status, body="", headers=""):
    return answering(f"HTTP/1.1 {status} Text\r\nContent-Length: {len(body)}\r\n{headers}\r\n{body}")


def silence(peer):
    peer.receive_until_end()


# Rise, fall, and what is told.


def test_a_server_that_dies_falls_step_by_step_and_everything_says_why(run, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = run("run", config(pool=pool([a, b], dict(fall=3))))
    gateway.wait_server("a", state="UP", check=lambda check: check["result"] == "connected")
    a.kill()
    gateway.wait_metric("holdfast_server_up", 0, server="a")
    seen = gateway.wait_server("a", state="DOWN", up=False, cause="connection refused", weight_now=0)
    assert seen["check"]["result"] == "connection refused"
    assert seen["state_seconds"] >= 0 and seen["check"]["seconds_ago"] >= 0
    wait_steps(gateway, "a", ("UP", "UP 2/3"), ("UP 2/3", "UP 1/3"), ("UP 1/3", "DOWN"))
    [last] = gateway.log("server state", server="p/a", to="DOWN")
    assert (last["cause"], last["serving"], last["level"]) == ("connection refused", 1, "warning")
    assert names_served(gateway) == {"b"}
    gateway.wait_metric("holdfast_pool_servers_up", 1)
    assert gateway.metric("holdfast_server_connect_failures_total") == 0, "no client had to find out"


def test_a_server_that_returns_rises_step_by_step_and_gets_clients_again(run, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    gateway = run("run", config(pool=pool([a, b], dict(fall=1, rise=3))))
    a.kill()
    gateway.wait_server("a", state="DOWN")
    a.restart()
    gateway.wait_server("a", state="UP", up=True, cause="connected")
    wait_steps(gateway, "a", ("DOWN", "DOWN 1/3"), ("DOWN 1/3", "DOWN 2/3"), ("DOWN 2/3", "UP"))
    assert names_served(gateway) == {"a", "b"}
    gateway.wait_metric("holdfast_server_up", 1, server="a")


@pytest.mark.parametrize("rules, kill_first, state, up", [
    (dict(fall=3), False, "UP 2/3", True), (dict(fall=5), False, "UP 4/5", True), (dict(fall=1, rise=2), True, "DOWN 1/2", False)])
def test_progress_is_shown_while_it_lasts(run, echo_backend, rules, kill_first, state, up):
    a = echo_backend("a")
    b = echo_backend("b")
    gateway = run("run", config(pool=pool([a, b], dict(rules, interval="100ms", fast_interval="1h"))))
    gateway.wait_server("a", state="UP")
    a.kill()
    if kill_first:
        gateway.wait_server("a", state="DOWN")
        a.restart()
    assert gateway.wait_server("a", state=state)["up"] == up
    assert gateway.metric("holdfast_server_up", server="a") == up


def test_a_server_that_was_never_there_is_down_after_its_first_check(run, echo_backend, refusing_backend):
    gateway = run("run", config(pool=pool([refusing_backend("dead"), echo_backend("a")], dict(fall=3))))
    gateway.wait_server("dead", state="DOWN", cause="connection refused")
    wait_steps(gateway, "dead", ("UP 1/3", "DOWN"))
    assert len(steps_of(gateway, "dead")) == 1, "it was on trial"


def test_a_server_that_flaps_less_than_fall_stays_up(run, echo_backend, scripted_backend):
    answers = collections.Counter()

    def serve(peer):
        peer.receive(1)
        answers["all"] += 1
        if answers["all"] % 3 == 0:
            peer.send(b"+")
            peer.receive_until_end()

    flapping = scripted_backend("flapping", serve)
    steps = [dict(send="?"), dict(expect="+")]
    gateway = run("run", config(pool=pool([flapping], dict(type="script", step=steps, fall=3, rise=1))))
    wait_until(lambda: answers["all"] >= 20, "twenty checks")
    gateway.wait_metric("holdfast_probe_failures_total", lambda count: count >= 8)
    assert "DOWN" not in {to for _, to in steps_of(gateway, "flapping")[1:]}
    assert gateway.metric("holdfast_server_up") == 1


def test_a_server_that_goes_down_and_up_again_and_again_keeps_its_connections_and_loses_no_client(run, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    gate = echo_backend("gate")  # the check of both goes to this one's port; it decides nothing else
    health = dict(port=int(gate.port), fall=1, rise=1, panic_threshold=0)
    gateway = run("run", config(pool=[pool([a, b], {}), pool([a], health, name="flapping")],
                                listener=[dict(name="main"), dict(name="flap", pool="flapping")]))
    gateway.wait_server("a", pool="flapping", state="UP")
    kept = gateway.connect(gateway.address("flap"))
    assert kept.served_by == "a"
    for _ in range(3):
        gate.kill()
        gateway.wait_server("a", pool="flapping", state="DOWN")
        gateway.connect(gateway.address("flap")).expect_end()
        gate.restart()
        gateway.wait_server("a", pool="flapping", state="UP")
        assert gateway.connect(gateway.address("flap")).served_by == "a"
        assert kept.ask(b"still") == b"still"
    assert gateway.metric("holdfast_closed_total", reason="no_server") == 3
    gateway.wait_log("server state", 3, server="flapping/a", to="UP", **{"from": "DOWN"})


# What is asked. Each row: how, what the server does, and what a failed check says.

SCRIPT = [dict(send="PING\r\n"), dict(expect="+PONG"), dict(expect="done")]


def end_at_once(peer):
    peer.close()


def reset_when_asked(peer):
    peer.receive(1)
    peer.reset()


@pytest.mark.parametrize("health, serve, cause", [
    (dict(type="http"), http(503), "status 503"),
    (dict(type="http", status=["200"]), http(204), "status 204"),
    (dict(type="http", body="ready"), http(200, "starting"), "status 200, but not the expected text in the body"),
    (dict(type="http", timeout="200ms"), silence, "timeout after 200ms while waiting for the answer"),
    (dict(type="http"), answering("SSH-2.0-x\r\n"), "the answer is not HTTP: "),
    (dict(type="http"), end_at_once, ("closed while", "connection reset by peer while waiting for the answer")),
    (dict(type="script", step=SCRIPT, timeout="1s"), answering("+PONG"), "timeout after 1s in step 3"),
    (dict(type="script", step=SCRIPT), end_at_once, ("closed in step 2", "connection reset by peer in step 2")),
    (dict(type="script", step=SCRIPT), reset_when_asked, "connection reset by peer in step 2"),
    (dict(type="agent"), answering("x"), "timeout"),
    (dict(type="agent"), saying("bananas\n"), "not an agent's answer: bananas"),
], ids=str)
def test_the_cause_says_what_the_check_met(run, scripted_backend, health, serve, cause):
    if health["type"] == "agent" and cause == "timeout":
        health = dict(health, timeout="200ms")
        cause = "timeout after 200ms while waiting for the answer"
    server = scripted_backend("a", serve)
    gateway = run("run", config(pool=pool([server], dict(health, fall=1, panic_threshold=0))))
    causes = cause if isinstance(cause, tuple) else (cause,)
    seen = gateway.wait_server("a", state="DOWN", cause=lambda text: text.startswith(causes))
    assert seen["check"]["result"].startswith(causes)
    assert gateway.wait_log("server state", server="p/a", to="DOWN")[0]["cause"] == seen["cause"]


def test_an_unanswered_connect_is_a_timeout_while_connecting(run, silent_backend):
    gateway = run("run", config(pool=pool([silent_backend("a")], dict(timeout="200ms", fall=1, panic_threshold=0))))
    gateway.wait_server("a", state="DOWN", cause="timeout after 200ms while connecting")


@pytest.mark.parametrize("health, answer, result", [
    (dict(status=["200-399"]), http(302), "status 302"),
    (dict(status=["200", "503"]), http(503), "status 503"),
    (dict(body="all is well"), http(200, "today all is well here"), "status 200"),
])
def test_an_http_check_passes_by_status_and_body(run, scripted_backend, health, answer, result):
    gateway = run("run", config(pool=pool([scripted_backend("a", answer)], dict(health, type="http"))))
    gateway.wait_server("a", state="UP", check=lambda check: check["result"] == result)


def test_an_http_check_sends_its_method_path_and_headers(run, scripted_backend):
    requests = []

    def serve(peer):
        requests.append(peer.socket.recv(65536).decode())
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        peer.receive_until_end()

    server = scripted_backend("a", serve)
    health = dict(type="http", method="HEAD", path="/healthz?deep=1", headers=["Host: broker.example", "X-From: hf"])
    gateway = run("run", config(pool=pool([server], health)))
    gateway.wait_server("a", state="UP")
    lines = wait_until(lambda: requests, "a request")[0].split("\r\n")
    assert lines[0] == "HEAD /healthz?deep=1 HTTP/1.1"
    assert {"Host: broker.example", "X-From: hf"} <= set(lines)
    assert len([each for each in lines if each.lower().startswith("host:")]) == 1


def test_an_http_check_follows_what_the_server_says(run, scripted_backend, echo_backend):
    server = scripted_backend("a", http(200))
    gateway = run("run", config(pool=pool([server], dict(type="http", panic_threshold=0))))
    gateway.wait_server("a", state="UP")
    server.serve = http(503)
    gateway.wait_server("a", state="DOWN", cause="status 503")
    server.serve = http(200)
    gateway.wait_server("a", state="UP", cause="status 200")


def test_a_script_asks_a_redis_like_server(run, scripted_backend):
    asked = []

    def serve(peer):
        asked.append(peer.receive_line())
        peer.send(b"+PO")
        peer.send(b"NG\r\n")
        asked.append(peer.receive_line())
        peer.send(b"$11\r\nrole:master\r\n")
        peer.receive_until_end()

    server = scripted_backend("a", serve)
    steps = [dict(send="PING ${host}:${port} $$\r\n"), dict(expect="+PONG\r\n"),
             dict(send_hex="49 4e 46 4f 0d 0a"), dict(expect_hex="72 6f 6c 65 3a 6d")]
    gateway = run("run", config(pool=pool([server], dict(type="script", step=steps))))
    gateway.wait_server("a", state="UP", check=lambda check: check["result"] == "all 4 steps done")
    assert asked[:2] == [f"PING 127.0.0.1:{server.port} $\r\n".encode(), b"INFO\r\n"]


@pytest.mark.skipif(not mosquitto.INSTALLED, reason="mosquitto and mosquitto-clients are not installed")
def test_a_script_asks_a_real_broker_by_mqtt(run, resources, directory):
    broker = mosquitto.Broker("broker", directory)
    resources.callback(broker.close)
    steps = [dict(send_hex=MQTT_CONNECT), dict(expect_hex=MQTT_CONNACK)]
    gateway = run("run", config(pool=pool([broker], dict(type="script", step=steps, panic_threshold=0))))
    gateway.wait_server("broker", state="UP", check=lambda check: check["result"] == "all 2 steps done")
    broker.kill()
    gateway.wait_server("broker", state="DOWN", cause="connection refused")


def test_checks_can_go_to_another_port(run, echo_backend):
    a, gate = echo_backend("a"), echo_backend("gate")
    gateway = run("run", config(pool=pool([a], dict(port=int(gate.port), panic_threshold=0))))
    gateway.wait_server("a", state="UP")
    assert gateway.connect().served_by == "a"
    gate.kill()
    gateway.wait_server("a", state="DOWN", cause="connection refused")
    a.restart()
    gateway.connect().expect_end()


def test_checks_can_go_to_another_address(run, echo_backend, scripted_backend):
    elsewhere = scripted_backend("elsewhere", http(200), host="127.0.0.9")
    health = dict(type="http", address="127.0.0.9", port=elsewhere.port)
    gateway = run("run", config(pool=pool([echo_backend("a")], health)))
    gateway.wait_server("a", state="UP", check=lambda check: check["result"] == "status 200")


@pytest.mark.parametrize("version, begin", [("v1", b"PROXY UNKNOWN\r\n"), ("v2", b"\r\n\r\n\0\r\nQUIT\n\x20")])
def test_a_check_begins_with_a_proxy_header_where_servers_expect_one(run, scripted_backend, version, begin):
    seen = []

    def serve(peer):
        seen.append(peer.receive(len(begin)))
        peer.receive_until_end()

    run("run", config(pool=pool([scripted_backend("a", serve)], {}, proxy_protocol=version)))
    assert wait_until(lambda: seen, "a check")[0] == begin


# Agents.

AGENT_ROWS = [
    ("75%", dict(state="UP", up=True, weight_now=150)),
    ("0%", dict(state="DRAIN", up=False, weight_now=0)),
    ("maxconn:30", dict(state="UP", max_connections=30)),
    ("drain", dict(state="DRAIN", up=False, weight_now=0)),
    ("maint # new disk", dict(state="MAINT", up=False, cause="the agent said: new disk")),
    ("down", dict(state="DOWN", up=False, cause="the agent said so")),
    ("stopped#for tonight", dict(state="DOWN", up=False, cause="the agent said: for tonight")),
    ("fail", dict(state="DOWN", up=False)),
    ("ready up 50% maxconn:7", dict(state="UP", up=True, weight_now=100, max_connections=7)),
]


@pytest.mark.parametrize("beside", [False, True], ids=["as the check", "beside a check"])
def test_an_agents_words_are_obeyed_one_after_the_other_and_taken_back(run, echo_backend, scripted_backend, beside):
    agent = scripted_backend("agent", saying("up ready\n"))
    where = dict(type="tcp", agent_port=agent.port) if beside else dict(type="agent", port=agent.port)
    gateway = run("run", config(pool=pool([echo_backend("a").entry(weight=200)], where)))
    for line, expected in AGENT_ROWS:
        agent.serve = saying(f"{line}\n")
        gateway.wait_server("a", **expected)
        agent.serve = saying("up ready 100% maxconn:0\n")
        gateway.wait_server("a", state="UP", up=True, weight_now=200, max_connections=0)
    assert gateway.metric("holdfast_pool_panic") == 0, "an agent's own word is not doubted"


def test_a_word_of_an_agent_beside_holds_until_it_is_taken_back(run, echo_backend, scripted_backend):
    agent = scripted_backend("agent", saying("down # too hot\n"))
    gateway = run("run", config(pool=pool([echo_backend("a"), echo_backend("b")], dict(agent_port=agent.port, rise=1))))
    gateway.wait_server("a", state="DOWN", cause="the agent said: too hot")
    gateway.wait_server("b", state="DOWN")
    agent.serve = saying("\n")  # no news
    checks = gateway.metric("holdfast_probes_total")
    gateway.wait_metric("holdfast_probes_total", lambda now: now >= checks + 10)
    assert gateway.servers()["a"]["state"] == "DOWN", "the check passes, but the agent has said down"
    assert len(steps_of(gateway, "a")) <= 2
    agent.close()
    checks = gateway.metric("holdfast_probes_total")
    gateway.wait_metric("holdfast_probes_total", lambda now: now >= checks + 10)
    assert gateway.servers()["a"]["state"] == "DOWN", "an agent that does not answer changes nothing"


def test_up_from_an_agent_beside_does_not_outvote_the_check(run, echo_backend, refusing_backend, scripted_backend):
    agent = scripted_backend("agent", saying("up\n"))
    gateway = run("run", config(pool=pool([refusing_backend("dead"), echo_backend("b")],
                                          dict(agent_port=agent.port, fall=1))))
    gateway.wait_server("dead", state="DOWN", cause="connection refused")
    checks = gateway.metric("holdfast_probes_total")
    gateway.wait_metric("holdfast_probes_total", lambda now: now >= checks + 20)
    assert steps_of(gateway, "dead") in ([("UP", "DOWN")], [])


def test_an_agent_beside_that_is_not_heard_is_told_once_and_shown(run, echo_backend, scripted_backend):
    agent = scripted_backend("agent", saying("<html>\n"))
    gateway = run("run", config(pool=pool([echo_backend("a")], dict(agent_port=agent.port))))
    gateway.wait_server("a", state="UP", agent_error="not an agent's answer: <html>")
    assert gateway.metric("holdfast_server_agent_silent", server="a") == 1
    agent.serve = saying("maxconn:7\n")
    gateway.wait_server("a", agent_error="", max_connections=7)
    gateway.wait_metric("holdfast_server_agent_silent", 0, server="a")
    assert gateway.metric("holdfast_server_connections_max", server="a") == 7
    agent.close()
    gateway.wait_server("a", agent_error="connection refused", max_connections=7)
    lines = gateway.log("the agent is not heard; what it said last holds", server="p/a")
    assert len(lines) == 2 and lines[0]["error"] == "not an agent's answer: <html>"  # an agent that ends may reset once
    assert len(gateway.log("the agent answers again", server="p/a")) == 1


def test_an_agents_limit_and_drain_are_felt_by_clients(run, echo_backend, scripted_backend):
    agent = scripted_backend("agent", saying("maxconn:2\n"))
    a, b = echo_backend("a"), echo_backend("b")
    document = config(pool=pool([a, b], dict(agent_port=agent.port, agent_send="state?\n")))
    gateway = run("run", document)
    gateway.wait_server("a", max_connections=2)
    gateway.wait_server("b", max_connections=2)
    clients = [gateway.connect() for _ in range(4)]
    assert collections.Counter(each.served_by for each in clients) == dict(a=2, b=2)
    gateway.connect().expect_end()
    gateway.wait_metric("holdfast_closed_total", 1, reason="servers_full")
    agent.serve = saying("drain maxconn:0\n")
    gateway.wait_server("a", state="DRAIN", connections=2)
    gateway.wait_server("b", state="DRAIN", connections=2)
    gateway.connect().expect_end()
    assert all(each.ask(b"still") == b"still" for each in clients)


def test_a_check_that_cannot_be_made_is_said_once_and_changes_nothing(run, echo_backend, directory):
    server = echo_backend("a", listen=f"unix:{directory}/a.sock")
    gateway = run("run", config(pool=pool([server], dict(address="127.0.0.1"))))  # but at which port?
    gateway.wait_metric("holdfast_probes_total", lambda now: now >= 10)
    [line] = gateway.log("a health check could not be made; the server stays as it is")
    assert (line["server"], line["error"]) == ("p/a", "cannot ask: no port is known")
    assert gateway.connect().ask(b"hello") == b"hello"


# Names and many.


def test_servers_with_host_names_are_checked_too(run, echo_backend):
    a, b = echo_backend("a"), echo_backend("b")
    by_name = [each.entry(address=f"localhost:{each.port}") for each in (a, b)]
    gateway = run("run", config(pool=pool(by_name, dict(panic_threshold=0))))
    for name in "ab":
        gateway.wait_server(name, state="UP", check=lambda check: check["result"] == "connected")
    for name, server in dict(a=a, b=b).items():
        server.kill()
        gateway.wait_server(name, state="DOWN", cause="connection refused")
        server.restart()
        gateway.wait_server(name, state="UP")
    assert names_served(gateway) == {"a", "b"}


def test_a_name_that_is_not_known_is_down_and_says_so(run, echo_backend):
    servers = [dict(name="lost", address="no-such-host.invalid:1"), echo_backend("a")]
    gateway = run("run", config(pool=pool(servers, {})))
    gateway.wait_server("lost", state="DOWN", up=False, cause="host name not resolved", addresses=0)
    assert names_served(gateway) == {"a"}


@pytest.mark.slow
def test_a_thousand_servers_are_checked_evenly(run, scripted_backend):
    slot_s, times = 0.1, []
    server = scripted_backend("all", lambda peer: None, host="0.0.0.0")
    server.serve = lambda peer: times.append(time.monotonic())
    many = [dict(name=f"s{n}", address=f"127.{1 + n // 250}.0.{1 + n % 250}:{server.port}") for n in range(1000)]
    gateway = run("run", config(pool=pool(many, dict(interval="2s", jitter=0.1))))
    begin, counts = time.monotonic(), []

    def even():
        """The last two rounds of all servers. A machine that stands still bunches them; then later ones."""
        slots = collections.Counter(int((each - begin) / slot_s) for each in sorted(times)[-2000:])
        counts[:] = [slots[each] for each in range(min(slots, default=0) + 1, max(slots, default=0))]
        mean = sum(counts) / max(1, len(counts))
        fitting = [each for each in counts if mean / 3 <= each <= 2.5 * mean]
        return len(times) >= 2200 and len(fitting) >= 0.85 * len(counts)

    wait_until(even, lambda: f"checks in each tenth of a second: {counts}", 60)
    assert gateway.metric("holdfast_pool_servers_up") == 1000


# A list that changes.


@pytest.fixture
def listed(run, directory):
    """listed(servers, pool) -> (gateway, write): a pool whose list is a file, and write(servers) replaces it."""
    file = directory / "servers.json"

    def write(*servers):
        fresh = directory / "fresh"
        fresh.write_text(json.dumps({"servers": [each.entry() for each in servers]}))
        fresh.rename(file)

    def start(servers, health, **more):
        write(*servers)
        more = dict(more, discovery=dict(path=str(file), allow_shrink=True), on_remove="keep")
        return run("run", config(node=dict(data_dir=str(directory)), pool=pool([], health, **more))), write

    return start


def test_states_and_counts_survive_a_list_that_changes(listed, echo_backend):
    a, b, c = (echo_backend(name) for name in "abc")
    gateway, write = listed([a, b], dict(panic_threshold=0))
    gateway.wait_server("b", state="UP", check=lambda check: check["result"] == "connected")
    clients = [gateway.connect() for _ in range(6)]
    assert collections.Counter(each.served_by for each in clients) == dict(a=3, b=3)
    b.kill()
    for each in clients:
        if each.served_by == "b":
            each.close()
    down = gateway.wait_server("b", state="DOWN", connections=0)
    write(a, b, c)
    gateway.wait_server("c", state="UP")
    after = gateway.servers()
    assert (after["a"]["connections"], after["a"]["connections_total"]) == (3, 3)
    assert after["b"]["state"] == "DOWN" and after["b"]["connections_total"] == 3
    assert after["b"]["state_seconds"] >= down["state_seconds"], "the clock of its state goes on"
    write(b, c)
    gateway.wait_server("a", state="DRAIN", leaving=True, connections=3, cause="removed")
    write(a, b, c)
    gateway.wait_server("a", state="UP", leaving=False, connections=3, up=True)
    assert all(each.ask(b"still") == b"still" for each in clients if each.served_by == "a")
    a.kill()
    gateway.wait_server("a", state="DOWN", cause="connection refused")


def test_a_server_that_left_in_trouble_may_come_back(listed, echo_backend):
    a, b = echo_backend("a", backlog=0), echo_backend("b")
    gateway, write = listed([a, b], dict(port=int(b.port)), policy="first", connect_timeout="1s")
    gateway.wait_server("a", state="UP")
    kept = gateway.connect()
    assert kept.served_by == "a"
    a.stop()
    a.fill_backlog()
    late = gateway.connect()
    gateway.wait_server("a", connections=2)
    write(b)
    gateway.wait_server("a", leaving=True)
    assert late.served_by == "b"
    gateway.wait_server("a", leaving=True, connect_failures_total=1, connections=1)
    write(a, b)
    gateway.wait_server("a", state="UP", leaving=False)
    a.go_on()
    assert kept.ask(b"still") == b"still"
