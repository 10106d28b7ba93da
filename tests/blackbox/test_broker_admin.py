"""What operators see of the broker, and do to its clients: status, listeners, connections, kick; also beside a gateway."""
import contextlib
import json
import signal
import socket
from urllib.parse import quote

import pytest

import mqtt_libraries
import mqtt_packets as mqtt
import peers
from broker_process import listener
from configuration import config
from environment import wait_until
from gateway import Gateway
from mqtt_broker import broker_config
from mqtt_client import Client, fresh
from mqtt_packets import V5, V31, V311
from openapi import OpenApi
from test_broker_features import users_file

needs_paho = pytest.mark.skipif(not mqtt_libraries.HAS_PAHO, reason="python3-paho-mqtt is not installed")


def connections(gateway, **query):
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return gateway.told("GET", "/v1/connections" + ("?" + text if text else ""))


@pytest.fixture
def both(directory, resources, echo_backend):
    """A process with a gateway before an echo server, and a broker."""
    document = config(pool=dict(servers=[echo_backend("a")]), node=dict(workers=2))
    document["broker"] = broker_config()["broker"]
    document["auth"] = {"anonymous": "allow"}
    gateway = Gateway(directory, document)
    resources.callback(gateway.finish)
    return gateway


# --- what there is ---


def test_status_counts_what_the_broker_has(broker_process):
    broker = broker_process(workers=2)
    publisher, subscriber = broker.connect(), broker.watcher("a/#", "b")
    publisher.publish("a/1", b"x", retain=True)
    publisher.publish("nobody", b"x")
    assert subscriber.message().payload == b"x"
    broker.gateway.wait_metric("holdfast_broker_subscriptions", 2)
    status = broker.gateway.status()
    told = status["broker"]
    assert (told["clients"], told["sessions"], told["subscriptions"]) == (2, 2, 2)
    assert told["messages_received_total"] == 2 and told["messages_sent_total"] == 1
    assert told["retained"] >= 1, "those of $SYS, too"
    assert len(told["workers"]) == 2 and sum(each["clients"] for each in told["workers"]) == 2
    assert status["connections"] == 2
    text = broker.gateway.command("status").stdout
    assert "2 clients, 2 sessions, 2 subscriptions" in text
    assert "2 in, 1 out, 0 dropped since the start" in text


def test_messages_a_second_are_of_late(broker_process):
    broker = broker_process()
    publisher = broker.connect()

    def rate():
        for _ in range(20):
            publisher.publish("a", b"x")
        return broker.gateway.status()["broker"]["messages_received_per_second"]

    wait_until(lambda: rate() > 0, "a rate above 0")
    wait_until(lambda: broker.gateway.status()["broker"]["messages_received_per_second"] == 0, "silence", 30)


def test_a_gateway_without_a_broker_says_so(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")])))
    assert gateway.status()["broker"] is None
    assert gateway.ask("DELETE", "/v1/clients/a").status == 404
    assert connections(gateway, client_id="a")["matched"] == 0


def test_listeners_are_those_of_all_roles(both):
    client = Client(both.address("m"))
    client.connect()
    told = {each["name"]: each for each in both.told("GET", "/v1/listeners")}
    assert {name: (each["role"], each["protocol"], each["pool"]) for name, each in told.items()} == {
        "main": ("gateway", "tcp", "p"), "m": ("broker", "mqtt", None)}
    assert told["m"]["connections"] == told["m"]["connections_total"] == 1
    assert told["m"]["bytes_to_server"] > 0 and told["m"]["bytes_to_client"] > 0
    assert both.listener("m")["addresses"] == both.addresses("m")
    answer = both.ask("GET", "/v1/listeners/none")
    assert answer.status == 404 and answer.json()["known"] == ["main", "m"]
    answer = both.ask("PATCH", "/v1/listeners/m", {"state": "drain"})
    assert answer.status == 409 and answer.json()["known"] == ["main"]
    assert "broker, mqtt" in both.command("listeners").stdout
    client.close()


def test_clients_that_are_refused_are_counted_by_what_they_are_told(broker_process):
    broker = broker_process(auth={"anonymous": "deny"})
    assert broker.refused() == mqtt.NOT_AUTHORIZED
    told = {reason: count for reason, count in broker.gateway.listener("m")["connects_refused"].items() if count}
    assert told == {"not_authorized": 1}


# --- connections ---


def test_a_client_is_found_by_its_client_id(broker_process, directory):
    broker = broker_process(workers=2, listeners=[listener("w", "websocket")], auth={
        "anonymous": "allow", **users_file(directory, {"name": "ann"})})
    names = [fresh("näme/") for _ in range(10)]
    for name in names:
        broker.connect(name, version=V311)
    broker.connect("ann's", user="ann", password="geheim")
    web = broker.websocket()
    web.connect("web")
    page = broker.gateway.told("GET", "/v1/connections?client_id=" + quote(names[3], safe=""))
    assert page["matched"] == 1 and page["next"] is None
    found = page["connections"][0]
    assert found["mqtt"] == {"client_id": names[3], "user": None, "version": "3.1.1"}
    assert (found["listener"], found["stage"], found["pool"], found["server"]) == ("m", "open", None, None)
    assert found["bytes_from_client"] > 10 and found["bytes_from_server"] >= 4
    assert found["age_seconds"] >= 0 and found["client"].startswith("127.0.0.1:")
    assert connections(broker.gateway, client_id="ann's")["connections"][0]["mqtt"]["user"] == "ann"
    assert connections(broker.gateway, listener="w")["connections"][0]["mqtt"]["client_id"] == "web"
    assert connections(broker.gateway, client_id="nobody")["matched"] == 0
    text = broker.gateway.command("connections", "--client-id", "ann's").stdout
    assert "ann's" in text and "5.0" in text and "1 connection" in text


def test_who_has_not_said_connect_is_there_too(broker_process):
    broker = broker_process(workers=2)
    silent = broker.client()
    wait_until(lambda: connections(broker.gateway)["matched"] == 1, "the connection")
    found = connections(broker.gateway)["connections"][0]
    assert found["stage"] == "connecting" and found["mqtt"] == {"client_id": None, "user": None, "version": None}
    assert broker.gateway.ask("DELETE", f"/v1/connections/{found['id']}").status == 204
    assert silent.rest() == []


def test_pages_have_the_connections_of_both_roles_once_each(both):
    clients = [Client(both.address("m")) for _ in range(20)]
    for each in clients:
        each.connect()
    relayed = [both.connect() for _ in range(15)]
    for each in relayed:
        each.ask(b"x")
    seen, after = [], 0
    while after is not None:
        page = connections(both, limit=4, after=after)
        assert page["matched"] == 35 and len(page["connections"]) <= 4
        seen += [each["id"] for each in page["connections"]]
        after = page["next"]
    assert len(seen) == len(set(seen)) == 35 and seen == sorted(seen)
    everything = connections(both)["connections"]
    assert sum(each["mqtt"] is None for each in everything) == 15
    oldest = connections(both, sort="age")["connections"]
    assert [each["age_seconds"] for each in oldest] == sorted((each["age_seconds"] for each in oldest), reverse=True)
    assert connections(both, pool="p")["matched"] == 15
    assert connections(both, listener="m")["matched"] == 20
    assert both.status()["connections"] == 35
    table = both.command("connections", "--all").stdout
    assert "35 connections" in table and "CLIENT ID" in table
    for each in clients:
        each.close()


def test_the_broker_tells_what_the_file_says(both):
    pytest.importorskip("jsonschema")
    api = OpenApi()
    client, silent = Client(both.address("m")), Client(both.address("m"))
    client.connect("found")
    for path in ("/v1/status", "/v1/listeners", "/v1/connections"):
        api.check_answer(api.operation("GET", path), both.ask("GET", path))
    gone = api.operation("DELETE", "/v1/clients/{client_id}")
    api.check_answer(gone, both.ask("DELETE", "/v1/clients/found"))
    api.check_answer(gone, both.ask("DELETE", "/v1/clients/never%2Fthere"))
    client.close()
    silent.close()


def test_top_shows_the_broker(both):
    client = Client(both.address("m"))
    client.connect()
    both.wait_metric("holdfast_broker_clients", 1)
    assert "clients 1  sessions 1" in both.command("top", "--once").stdout
    client.close()


def test_the_gateways_connections_are_found_while_the_node_stops(both):
    """The broker has ended by then: nobody waits for its workers."""
    relayed, client = both.connect(), Client(both.address("m"))
    relayed.ask(b"x")
    client.connect("c")
    both.signal(signal.SIGTERM)
    client.expect_end(mqtt.SHUTTING_DOWN)
    wait_until(lambda: connections(both)["matched"] == 1, "only the gateway's")
    for _ in range(20):
        assert both.ask("DELETE", "/v1/clients/c").status == 404
    found = connections(both)["connections"][0]
    assert found["mqtt"] is None
    assert both.ask("DELETE", f"/v1/connections/{found['id']}").status == 204
    assert both.wait_exit() == 0  # that was the last one
    client.close()


# --- kick ---


@pytest.mark.parametrize("version", [V31, V311, V5])
@pytest.mark.parametrize("how", ["id", "client_id", "command"])
def test_a_client_that_is_kicked_is_told(broker_process, version, how):
    broker = broker_process(workers=2)
    others = [broker.connect() for _ in range(5)]
    name = fresh("a/b")
    victim = broker.connect(name, version=version)
    if how == "id":
        found = broker.gateway.told("GET", "/v1/connections?client_id=" + quote(name, safe=""))["connections"][0]
        assert broker.gateway.ask("DELETE", f"/v1/connections/{found['id']}").status == 204
    elif how == "client_id":
        assert broker.gateway.ask("DELETE", "/v1/clients/" + quote(name, safe="")).status == 204
    else:
        assert broker.gateway.command("kick", "--client-id", name).stdout == f"client {name}: closed\n"
    victim.expect_end(mqtt.ADMINISTRATIVE)
    broker.gateway.wait_metric("holdfast_closed_total", 1, reason="kicked")
    for each in others:
        each.ping()


def test_who_is_not_there_cannot_be_kicked(broker_process):
    broker = broker_process()
    assert broker.gateway.ask("DELETE", "/v1/clients/nobody").status == 404
    assert broker.gateway.ask("DELETE", "/v1/connections/511").status == 404
    done = broker.gateway.command("kick", "--client-id", "nobody", "--json")
    assert done.returncode == 1 and json.loads(done.stdout) == {"closed": [], "failed": ["nobody"]}
    assert broker.gateway.command("kick").returncode == 2


def test_a_kicked_client_leaves_its_will_and_its_session(broker_process):
    broker = broker_process(workers=2)
    watcher = broker.watcher("will")
    name = fresh()
    broker.connect(name, will={"topic": "will", "payload": b"gone"}, clean=False, properties={"session_expiry": 300})
    assert broker.gateway.ask("DELETE", f"/v1/clients/{name}").status == 204
    assert watcher.message().payload == b"gone"
    again = broker.connect(name, clean=False)
    assert again.connack.session_present


@needs_paho
@pytest.mark.parametrize("transport", ["tcp", "ws"])
@pytest.mark.parametrize("version", [4, 5])
def test_paho_is_told_that_it_is_kicked(broker_process, transport, version):
    broker = broker_process(workers=2, listeners=[listener("w", "websocket")])
    address = broker.gateway.address("m" if transport == "tcp" else "w")
    client = mqtt_libraries.Library("paho", transport, version, None).client(address, client_id="paho")
    client.connect()
    found = connections(broker.gateway, client_id="paho")["connections"][0]
    assert broker.gateway.ask("DELETE", f"/v1/connections/{found['id']}").status == 204
    client.wait_closed()
    assert client.end_reason == (mqtt.ADMINISTRATIVE if version == 5 else None)
    client.close()


# --- where clients come in ---


def test_clients_come_by_a_unix_socket(broker_process, directory):
    path = f"unix:{directory}/m.sock"
    broker = broker_process(workers=2, listeners=[{"name": "local", "bind": [path], "protocol": "mqtt"}],
                            auth={"anonymous": "allow", "failure_rate_per_address": "1/h", "failure_burst_per_address": 1,
                                  **users_file(directory, {"name": "ann"})})
    assert broker.gateway.address("local") == path
    subscriber = broker.client(listener="local")
    subscriber.connect("by-socket")
    subscriber.subscribe("a")
    broker.connect().publish("a", b"from outside")
    assert subscriber.message().payload == b"from outside"
    assert connections(broker.gateway, client_id="by-socket")["connections"][0]["client"] == "unix"
    for _ in range(3):
        assert broker.refused(listener="local", user="ann", password="falsch") == mqtt.BAD_CREDENTIALS
    assert broker.gateway.ask("DELETE", "/v1/clients/by-socket").status == 204
    subscriber.expect_end(mqtt.ADMINISTRATIVE)


def test_each_address_has_its_own_rate(broker_process):
    limit = dict(accept_rate_per_address="1/h", accept_burst_per_address=5)
    broker = broker_process(listeners=[listener("slow", **limit)])
    address = broker.gateway.address("slow")

    def lets_in(source):
        with contextlib.closing(peers.connect(address, source=source)) as peer:
            peer.socket.sendall(mqtt.connect(fresh()))
            try:
                return bool(peer.socket.recv(1))
            except (ConnectionResetError, socket.timeout):
                return False

    for source in ("127.0.0.2", "127.0.0.3"):
        assert [lets_in(source) for _ in range(8)] == [True] * 5 + [False] * 3
    page = broker.gateway.metrics()
    assert page.value("holdfast_refused_total", listener="slow", reason="accept_rate_per_address") == 6
    assert broker.gateway.listener("slow")["refused"]["accept_rate_per_address"] == 6
    broker.connect().ping()
