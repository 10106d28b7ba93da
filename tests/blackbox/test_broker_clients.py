"""The broker as real clients see it: paho, mqtt.js and mosquitto's, on TCP and in WebSocket, MQTT 3.1.1 and 5.0."""
import contextlib
import itertools
import json
import subprocess

import pytest

import mosquitto
import mqtt_libraries
from environment import PATIENCE_S, wait_until
from gateway import Gateway, Lines

VERSIONS = {4: "3.1.1", 5: "5.0"}
MOSQUITTO_VERSIONS = ["mqttv31", "mqttv311", "mqttv5"]
KINDS = list(itertools.product(("paho", "mqtt.js"), ("tcp", "ws"), VERSIONS))

needs_mosquitto = pytest.mark.skipif(not mosquitto.INSTALLED, reason="mosquitto-clients is not installed")


def broker_config(workers, **broker):
    return {
        "node": {"workers": workers, "stop_timeout": "3s", "run_dir": "", "name": "n1"},
        "log": {"format": "json"},
        "admin": {"listen": "127.0.0.1:0"},
        "auth": {"anonymous": "allow"},
        "broker": {**broker, "listener": [
            {"name": "tcp", "bind": ["127.0.0.1:0"]},
            {"name": "ws", "bind": ["127.0.0.1:0"], "protocol": "websocket"}]},
    }


@pytest.fixture(scope="module", params=[1, 2], ids=["1worker", "2workers"])
def broker(request, tmp_path_factory):
    """One for all tests of this module: topics and client ids are each test's own."""
    gateway = Gateway(tmp_path_factory.mktemp("broker"), broker_config(request.param))
    yield gateway
    gateway.finish()


@pytest.fixture(scope="module")
def node():
    with contextlib.closing(mqtt_libraries.Node()) as process:
        yield process


@pytest.fixture
def name(request):
    """A topic, or a client id, that is this test's own."""
    counter = itertools.count(1)
    return lambda: f"t{abs(hash(request.node.nodeid))}-{next(counter)}"


def library_of(request, kind):
    name, transport, version = kind
    if not (mqtt_libraries.HAS_PAHO if name == "paho" else mqtt_libraries.HAS_MQTT_JS):
        pytest.skip(f"{name} (Debian's {'python3-paho-mqtt' if name == 'paho' else 'node-mqtt'}) is not installed")
    node = request.getfixturevalue("node") if name == "mqtt.js" else None
    return mqtt_libraries.Library(name, transport, version, node)


def name_of(kind):
    library, transport, version = kind
    return f"{library}-{transport}-{VERSIONS[version]}"


@pytest.fixture(params=KINDS, ids=name_of)
def library(request, broker):
    with contextlib.closing(library_of(request, request.param)) as made:
        yield made


@pytest.fixture
def client(library, broker):
    """client(client_id="a", ...): one that is connected."""
    return lambda **options: library.client(broker.address(library.transport), **options).connect()


# --- both libraries, both transports, both versions ---


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_messages_arrive_once_in_order_and_with_their_qos(client, name, qos):
    topic = name()
    subscriber, publisher = client(), client()
    assert subscriber.subscribe(topic, qos) == [qos]
    for number in range(30):
        publisher.publish(topic, str(number), qos)
    messages = subscriber.wait_messages(30)
    assert [each.payload for each in messages] == [str(number) for number in range(30)]
    assert {(each.topic, each.qos, each.retain) for each in messages} == {(topic, qos, False)}


def test_a_message_comes_with_the_lower_of_both_qos(client, name):
    topic = name()
    subscriber, publisher = client(), client()
    subscriber.subscribe(topic, 1)
    for qos in (0, 1, 2):
        publisher.publish(topic, str(qos), qos)
    assert sorted((each.payload, each.qos) for each in subscriber.wait_messages(3)) == [("0", 0), ("1", 1), ("2", 1)]


def test_a_retained_message_waits_for_subscribers_until_it_is_taken_back(client, name):
    topic = name()
    publisher = client()
    publisher.publish(f"{topic}/a", "old", 1, retain=True)
    publisher.publish(f"{topic}/a", "new", 1, retain=True)
    publisher.publish(f"{topic}/b", "gone", 1, retain=True)
    publisher.publish(f"{topic}/b", "", 1, retain=True)
    subscriber = client()
    subscriber.subscribe(f"{topic}/+", 1)
    assert [(each.payload, each.retain) for each in subscriber.wait_messages(1)] == [("new", True)]
    publisher.publish(f"{topic}/b", "live", 1, retain=True)
    assert [(each.payload, each.retain) for each in subscriber.wait_messages(2)] == [("new", True), ("live", False)]


def test_a_will_is_published_when_the_connection_is_lost_and_not_when_it_is_ended(client, name):
    topic = name()
    watcher = client()
    watcher.subscribe(f"{topic}/#", 1)
    client(will=(f"{topic}/ended", "x")).end()
    client(will=(f"{topic}/lost", "gone")).drop()
    assert [(each.topic, each.payload) for each in watcher.wait_messages(1)] == [(f"{topic}/lost", "gone")]


def test_a_session_keeps_what_its_client_missed(client, name):
    topic, who = name(), name()
    options = dict(client_id=who, clean=False, session_expiry=60)
    first = client(**options)
    assert not first.session_present
    first.subscribe(topic, 1)
    first.end()
    publisher = client()
    for number in range(10):
        publisher.publish(topic, str(number), 1)
    publisher.publish(topic, "not kept", 0)
    again = client(**options)
    assert again.session_present
    publisher.publish(topic, "live", 1)
    assert again.wait_payloads(11) == [*map(str, range(10)), "live"]
    again.end()
    assert not client(client_id=who, clean=True).session_present


def test_another_connection_with_the_same_client_id_takes_over(client, name):
    who = name()
    first = client(client_id=who)
    second = client(client_id=who)
    first.wait_closed()
    topic = name()
    second.subscribe(topic, 1)
    second.publish(topic, "me", 1)
    assert second.wait_payloads(1) == ["me"]


def test_members_of_a_group_share_what_is_published(client, name):
    topic = name()
    members = [client() for _ in range(3)]
    for each in members:
        each.subscribe(f"$share/workers/{topic}/+", 1)
    publisher = client()
    for number in range(30):
        publisher.publish(f"{topic}/job", str(number), 1)
    wait_until(lambda: sum(len(each.received) for each in members) >= 30,
               lambda: [len(each.received) for each in members])
    shares = [[int(message.payload) for message in each.received] for each in members]
    assert sorted(sum(shares, [])) == list(range(30))
    assert all(shares), "round robin: each member gets some"


def test_large_messages_come_whole(client, name):
    topic, payload = name(), "0123456789abcdef" * 40_000
    subscriber, publisher = client(), client()
    subscriber.subscribe(topic, 1)
    publisher.publish(topic, payload, 1)
    assert subscriber.wait_payloads(1) == [payload]


# --- what MQTT 5 has and 3.1.1 has not ---


only_5 = pytest.mark.parametrize("library", [kind for kind in KINDS if kind[2] == 5], ids=name_of, indirect=True)


@only_5
def test_properties_go_with_the_message(client, name):
    topic = name()
    subscriber, publisher = client(), client()
    subscriber.subscribe(topic, 1)
    given = {"user": [("unit", "kelvin"), ("source", "s1")], "content_type": "text/plain",
             "response_topic": "answers/1", "correlation": "c-1"}
    publisher.publish(topic, "294", 1, **given)
    [message] = subscriber.wait_messages(1)
    assert {key: message.properties[key] for key in given} == given


@only_5
def test_a_request_gets_its_response(client, name):
    service, answers = name(), name()
    server, asking = client(), client()
    server.subscribe(service, 1)
    asking.subscribe(answers, 1)
    asking.publish(service, "2+2", 1, response_topic=answers, correlation="q1")
    [request] = server.wait_messages(1)
    server.publish(request.properties["response_topic"], "4", 1, correlation=request.properties["correlation"])
    [response] = asking.wait_messages(1)
    assert (response.payload, response.properties["correlation"]) == ("4", "q1")


@only_5
def test_no_local_keeps_ones_own_messages_away(client, name):
    topic = name()
    one, other = client(), client()
    one.subscribe(topic, 1, no_local=True)
    one.publish(topic, "mine", 1)
    other.publish(topic, "theirs", 1)
    assert one.wait_payloads(1) == ["theirs"]


@only_5
def test_the_broker_says_how_long_a_session_really_lives(client, name):
    assert client(client_id=name(), clean=False, session_expiry=7 * 86400).properties["session_expiry"] == 7200
    assert "session_expiry" not in client(client_id=name(), clean=False, session_expiry=60).properties


# --- clients of different libraries, through the gateway ---


def test_clients_of_all_kinds_understand_each_other_through_the_gateway(request, run, name, directory):
    broker = run("run", behind_a_gateway(directory))
    topic = name()
    with contextlib.ExitStack() as stack:
        clients = []
        for kind in KINDS:
            library = stack.enter_context(contextlib.closing(library_of(request, kind)))
            address = broker.address(f"gateway-{library.transport}")
            clients.append(library.client(address, client_id="-".join(map(str, kind))).connect())
        for each in clients:
            assert each.subscribe(f"{topic}/#", 2) == [2]
        for number, each in enumerate(clients):
            each.publish(f"{topic}/{number}", f"from {number}", number % 3)
        everything = sorted((f"{topic}/{number}", f"from {number}", number % 3) for number in range(len(clients)))
        for each in clients:
            assert sorted(message[:3] for message in each.wait_messages(len(clients))) == everything


def behind_a_gateway(directory):
    """A process that is both. The gateway's servers are unix sockets, whose names are known before it begins."""
    document = broker_config(2)
    listeners, pools = [], []
    for listener in document["broker"]["listener"]:
        kind = listener["name"]
        listener["bind"] = [f"unix:{directory}/{kind}"]
        listeners.append({"name": f"gateway-{kind}", "bind": ["127.0.0.1:0"], "pool": kind})
        pools.append({"name": kind, "server": [{"name": "embedded", "address": listener["bind"][0]}]})
    return {**document, "listener": listeners, "pool": pools}


# --- mosquitto's clients ---


def mosquitto_client(program, address, *arguments):
    host, port = address.rsplit(":", 1)
    return [program, "-h", host, "-p", port, *arguments]


def subscribed(resources, address, *arguments):
    """The lines of a mosquitto_sub that has its subscriptions."""
    command = mosquitto_client("mosquitto_sub", address, "-d", *arguments)
    process = subprocess.Popen(["stdbuf", "-oL", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = Lines(process.stdout)
    resources.callback(lines.close)
    resources.callback(process.wait)
    resources.callback(process.kill)
    lines.wait_for("Subscribed (mid")
    return process, lines


def published(address, *arguments):
    done = subprocess.run(mosquitto_client("mosquitto_pub", address, *arguments), capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr


@needs_mosquitto
@pytest.mark.parametrize("version", MOSQUITTO_VERSIONS)
@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_mosquitto_pub_reaches_mosquitto_sub(resources, broker, name, version, qos):
    topic = name()
    _, lines = subscribed(resources, broker.address("tcp"), "-V", version, "-q", qos, "-t", f"{topic}/#",
                          "-F", "got %t %q %p")
    published(broker.address("tcp"), "-V", version, "-q", qos, "-t", f"{topic}/a", "-m", "hello")
    assert lines.wait_for("got ") == f"got {topic}/a {qos} hello"


@needs_mosquitto
def test_mosquitto_sub_shows_the_properties(resources, broker, name):
    topic = name()
    _, lines = subscribed(resources, broker.address("tcp"), "-V", "mqttv5", "-t", topic, "-F", "got %j")
    published(broker.address("tcp"), "-V", "mqttv5", "-t", topic, "-m", "x", "-D", "publish", "user-property", "a", "1",
              "-D", "publish", "content-type", "text/plain", "-D", "publish", "message-expiry-interval", "60")
    told = json.loads(lines.wait_for("got ").removeprefix("got "))
    assert told["properties"]["user-properties"] == {"a": "1"}
    assert told["properties"]["content-type"] == "text/plain"
    assert told["properties"]["message-expiry-interval"] in (59, 60)


@needs_mosquitto
def test_mosquitto_rr_gets_an_answer(request, resources, broker, name):
    service = name()
    library = library_of(request, ("paho", "tcp", 5))
    resources.callback(library.close)
    server = library.client(broker.address("tcp")).connect()
    server.subscribe(service, 1)
    command = mosquitto_client("mosquitto_rr", broker.address("tcp"), "-t", service, "-e", name(), "-m", "2+2", "-q", "1")
    asking = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    resources.callback(asking.stdout.close)
    [asked] = server.wait_messages(1)
    server.publish(asked.properties["response_topic"], "4", 1)
    assert asking.wait(PATIENCE_S) == 0
    assert asking.stdout.read() == "4\n"


@needs_mosquitto
def test_mosquitto_sub_comes_back_to_what_it_missed(resources, broker, name):
    topic, who = name(), name()
    options = ["-i", who, "-c", "-q", "1", "-t", topic]
    process, _ = subscribed(resources, broker.address("tcp"), *options)
    process.terminate()
    process.wait(PATIENCE_S)
    published(broker.address("tcp"), "-q", "1", "-t", topic, "-m", "missed")
    _, lines = subscribed(resources, broker.address("tcp"), *options, "-F", "got %p")
    assert lines.wait_for("got ") == "got missed"


@needs_mosquitto
def test_the_will_of_a_killed_mosquitto_sub(resources, broker, name):
    topic = name()
    _, lines = subscribed(resources, broker.address("tcp"), "-t", topic, "-F", "got %p")
    process, _ = subscribed(resources, broker.address("tcp"), "-t", name(),
                            "--will-topic", topic, "--will-payload", "gone")
    process.kill()
    assert lines.wait_for("got ") == "got gone"
