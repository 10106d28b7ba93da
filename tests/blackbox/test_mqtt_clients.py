"""holdfast publish, subscribe and request: beside mosquitto as a real broker, and beside servers that break the rules."""
import json
import re
import signal
import time

import pytest

import mosquitto
from gateway import run_to_end
from mqtt_clients import CONNACK, DISCONNECT, PINGREQ, PINGRESP, Client, accept_client, receive_packet

needs_mosquitto = pytest.mark.skipif(not mosquitto.INSTALLED, reason="mosquitto and mosquitto-clients are not installed")
VERSIONS = ("3.1", "3.1.1", "5")
WAYS = ("tcp", "websocket")


@pytest.fixture
def broker(resources, directory):
    """A mosquitto for everybody, with a WebSocket."""
    made = mosquitto.Broker("broker", directory, websocket=True)
    resources.callback(made.close)
    return made


@pytest.fixture
def strict_broker(resources, directory):
    """Knows anna, who may do everything, and bert, who may publish to his own topics only."""
    directory.chmod(0o755)
    mosquitto.write_passwords(directory / "passwords", anna="secret", bert="secret")
    (directory / "rights").write_text("user anna\ntopic readwrite #\nuser bert\ntopic write bert/#\n")
    (directory / "rights").chmod(0o644)
    made = mosquitto.Broker("strict", directory, settings=(
        f"allow_anonymous false\npassword_file {directory}/passwords\nacl_file {directory}/rights\n"))
    resources.callback(made.close)
    return made


@pytest.fixture
def start(resources):
    """start("subscribe", ...): a client that runs on."""
    def run(*arguments):
        client = Client(*arguments)
        resources.callback(client.close)
        return client

    return run


def url(broker, way="tcp"):
    return f"ws://{broker.websocket}/mqtt" if way == "websocket" else f"mqtt://{broker.address}"


def at(broker, version="5", way="tcp"):
    return ["--url", url(broker, way), "--mqtt", version]


def ok(*arguments, **options):
    """What a client prints that ends well."""
    done = run_to_end(*map(str, arguments), **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def failed(status, *arguments, **options):
    """What a client says that fails so."""
    done = run_to_end(*map(str, arguments), **options)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stderr


# --- with a real broker ---


@needs_mosquitto
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("version", VERSIONS)
def test_messages_of_every_quality_arrive_in_order(start, broker, version, way):
    there = at(broker, version, way)
    subscriber = start("subscribe", "a/+", "b", *there, "--qos", "2", "--count", "9", "--json", "--verbose")
    subscriber.wait_note("subscribed to b, QoS 2")
    for qos in (0, 1, 2):
        told = ok("publish", "a/{n}", f"{qos} {{n}}", "--count", 3, "--qos", qos, *there, "--json")
        assert [json.loads(line)["number"] for line in told.splitlines()] == [1, 2, 3]
    assert subscriber.finish() == 0
    got = subscriber.messages()
    # Those of one quality are in order; QoS 0 cannot be overtaken by what is published later.
    assert [(each["topic"], each["payload"], each["qos"]) for each in got] == [
        (f"a/{n}", f"{qos} {n}", qos) for qos in (0, 1, 2) for n in (1, 2, 3)]
    assert all(not each["dup"] and not each["retain"] for each in got)
    assert [each["packet_id"] is None for each in got] == [True] * 3 + [False] * 6


@needs_mosquitto
@pytest.mark.parametrize("rate", ["1000", "1000/s", "60000/m"])
def test_where_and_how_often_are_said_as_to_other_commands(start, broker, rate):
    subscriber = start("subscribe", "w", "--host", broker.address, "--count", "2", "--verbose")
    subscriber.wait_note("subscribed to w")
    host, port = broker.address.rsplit(":", 1)
    ok("publish", "w", "x", "--host", broker.address, "--rate", rate)
    ok("publish", "w", "x", "--host", host, "--port", port)
    assert subscriber.finish() == 0
    assert "and --port another" in failed(2, "publish", "w", "x", "--host", broker.address, "--port", port)


@needs_mosquitto
def test_all_properties_of_a_message_arrive(start, broker):
    subscriber = start("subscribe", "p/+", "p/#", *at(broker), "--count", "2", "--json", "--verbose", "--qos", "1",
                       "--subscription-id", "7", "--subscription-id", "300").wait_note("subscribed", 2)
    ok("publish", "p/1", "x", *at(broker), "--qos", 1, "--content-type", "text/plain", "--payload-format", "text",
       "--response-topic", "r", "--correlation-data", "c", "--expiry", "1m", "-P", "b=1", "-P", "a=2", "-P", "b=3=3")
    assert subscriber.finish() == 0
    for message, identifier in zip(subscriber.messages(), (7, 300)):
        assert 0 < message["properties"].pop("message_expiry_seconds") <= 60
        assert message["properties"] == dict(payload_format="text", content_type="text/plain", response_topic="r",
                                             correlation_data="c")
        assert message["user_properties"] == [dict(name="b", value="1"), dict(name="a", value="2"),
                                              dict(name="b", value="3=3")]
        assert message["subscription_ids"] == [identifier]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", message["at"])


@needs_mosquitto
def test_payloads_are_what_was_given(start, broker, directory):
    subscriber = start("subscribe", "p", *at(broker), "--json", "--verbose", "--count", "8").wait_note("subscribed")
    (directory / "image").write_bytes(bytes(range(256)))
    ok("publish", "p", "", *at(broker))
    ok("publish", "p", "--file", directory / "image", *at(broker))
    ok("publish", "p", "--stdin", *at(broker), input="two\nlines {n}\n")
    ok("publish", "p", "--lines", *at(broker), input="one\n\nthree {n}\nno end")
    ok("publish", "p", "x" * 100_000, *at(broker))
    assert subscriber.finish() == 0
    payloads = [each.get("payload", each.get("payload_base64")) for each in subscriber.messages()]
    assert payloads[0] == "" and payloads[1].startswith("AAECAwQF") and payloads[1].endswith("/P3+/w==")
    assert payloads[2:7] == ["two\nlines {n}\n", "one", "", "three {n}", "no end"]
    assert payloads[7] == "x" * 100_000


@needs_mosquitto
@pytest.mark.parametrize("sent, received, words", (("tcp", "tcp", 1_000_000), ("websocket", "tcp", 1_000_000),
                                                   ("tcp", "websocket", 25_000)))
def test_a_large_message_arrives_whole(start, broker, directory, sent, received, words):
    """Over a WebSocket Debian's mosquitto sends 4 KiB every 100 ms."""
    content = b"".join(number.to_bytes(4, "big") for number in range(words))
    (directory / "image").write_bytes(content)
    subscriber = start("subscribe", "image", *at(broker, way=received), "--json", "--count", "1", "--verbose", "--qos", "1")
    subscriber.wait_note("subscribed")
    ok("publish", "image", "--file", directory / "image", *at(broker, way=sent), "--qos", 1)
    assert subscriber.finish() == 0
    assert len(subscriber.messages()[0]["payload_base64"]) == (len(content) + 2) // 3 * 4


@needs_mosquitto
def test_lines_are_published_as_they_come(start, broker):
    subscriber = start("subscribe", "log", *at(broker), "--verbose").wait_note("subscribed")
    publisher = start("publish", "log", "--lines", *at(broker), "--qos", "1", "--verbose").wait_note("connected")
    for number in range(3):
        publisher.give(f"line {number}\n")
        assert subscriber.wait_lines(number + 1)[-1] == f"log line {number}"
    publisher.end_input()
    assert publisher.finish() == 0 and len(publisher.lines()) == 3
    assert subscriber.signal().finish() == 0


@needs_mosquitto
def test_what_is_printed_for_people(start, broker):
    there = at(broker)
    told = ok("publish", "t/{n}", "x", "--count", 2, *there, "--qos", 1, "--verbose")
    assert re.fullmatch(r"1 t/1: acknowledged, no matching subscribers \(0x10\), after [\d.]+[mu]?s\n"
                        r"2 t/2: acknowledged, no matching subscribers \(0x10\), after [\d.]+[mu]?s\n", told)
    assert ok("publish", "t", "x", *there, "--verbose") == "1 t: sent\n"
    assert ok("publish", "t", "x", *there, "--qos", 2) == ""
    told = json.loads(ok("publish", "t", "x", *there, "--qos", 1, "--json"))
    assert told.pop("seconds") > 0
    assert told == dict(number=1, topic="t", packet_id=1, reason_code=16, reason="no matching subscribers",
                        reason_string=None, user_properties=[])
    ok("publish", "kept", "value", *there, "--retain")
    assert ok("subscribe", "kept", *there, "--count", 1) == "value\n"
    assert ok("subscribe", "kept", *there, "--count", 1, "--raw") == "value"
    done = run_to_end("subscribe", "kept", *there, "--count", "1", "--verbose", "--client-id", "anna")
    assert done.stdout == "kept value\n"
    assert done.stderr.splitlines() == [
        f"holdfast subscribe: connected to {broker.address} as anna, MQTT 5, a new session",
        "holdfast subscribe: subscribed to kept, QoS 0"]


@needs_mosquitto
def test_messages_are_paced(start, broker):
    subscriber = start("subscribe", "t", *at(broker), "--count", "5", "--verbose").wait_note("subscribed")
    begun = time.monotonic()
    ok("publish", "t", "{n}", "--count", 5, "--interval", "50ms", *at(broker))
    assert time.monotonic() - begun > 0.2
    assert subscriber.finish() == 0
    begun = time.monotonic()
    ok("publish", "t", "{n}", "--count", 21, "--rate", "100/s", *at(broker))
    assert time.monotonic() - begun > 0.2


@needs_mosquitto
def test_ten_thousand_messages_are_acknowledged_within_the_window(start, broker):
    subscriber = start("subscribe", "t", *at(broker), "--qos", "1", "--count", "10000", "--verbose").wait_note("subscribed")
    told = ok("publish", "t", "{n}", "--count", 10_000, "--qos", 1, "--in-flight", 1000, *at(broker), "--verbose")
    assert len(told.splitlines()) == 10_000
    assert subscriber.finish() == 0
    assert subscriber.lines() == [f"t {number}" for number in range(1, 10_001)]


@needs_mosquitto
def test_topic_aliases_go_both_ways(start, broker):
    there = at(broker)
    subscriber = start("subscribe", "t/#", *there, "--count", "5", "--json", "--verbose", "--topic-alias-maximum", "5")
    subscriber.wait_note("subscribed")
    ok("publish", "t/long", "{n}", "--count", 3, "--topic-alias", 4, *there)
    ok("publish", "t/{n}", "x", "--count", 2, "--topic-alias", 4, *there)
    assert subscriber.finish() == 0
    assert [each["topic"] for each in subscriber.messages()] == ["t/long"] * 3 + ["t/1", "t/2"]
    assert "the broker takes topic aliases up to 10" in failed(1, "publish", "t", "x", "--topic-alias", 11, *there)


@needs_mosquitto
def test_options_of_subscriptions(start, broker):
    there = at(broker)
    ok("publish", "kept", "old", *there, "--retain")
    assert ok("subscribe", "kept", *there, "--retain-handling", "never", "--timeout", "200ms") == ""
    plain = start("subscribe", "kept", *there, "--json", "--verbose", "--count", "2").wait_note("subscribed")
    as_published = start("subscribe", "kept", *there, "--json", "--verbose", "--count", "2", "--retain-as-published")
    as_published.wait_note("subscribed")
    for each in (plain, as_published):
        each.wait_lines(1)
    ok("publish", "kept", "new", *there, "--retain")
    assert plain.finish() == as_published.finish() == 0
    assert [each["retain"] for each in plain.messages()] == [True, False]
    assert [each["retain"] for each in as_published.messages()] == [True, True]
    each_its_own = start("subscribe", "a", "b", *there, "--qos", "1", "--qos", "2", "--verbose", "--leave")
    assert each_its_own.finish() == 0
    assert [note.split("subscribed to ")[1] for note in each_its_own.notes()[1:]] == ["a, QoS 1", "b, QoS 2"]


@needs_mosquitto
@pytest.mark.parametrize("version", ("3.1.1", "5"))
def test_a_session_keeps_what_comes_meanwhile(broker, version):
    there = at(broker, version)
    keep = ["--session-expiry", "1h"] if version == "5" else []
    session = [*there, *keep, "--client-id", "worker", "--qos", "1", "--no-clean-start"]
    assert ok("subscribe", "jobs", *session, "--leave") == ""
    ok("publish", "jobs", "job {n}", "--count", 3, "--qos", 1, *there)
    done = run_to_end("subscribe", "jobs", *session, "--count", "3", "--verbose")
    assert done.stdout == "jobs job 1\njobs job 2\njobs job 3\n"
    assert "the session goes on" in done.stderr


@needs_mosquitto
def test_a_will_is_published_only_when_it_should_be(start, broker):
    there = at(broker)
    watcher = start("subscribe", "wills/#", *there, "--verbose").wait_note("subscribed")

    def holder(name, *more):
        will = ["--will-topic", f"wills/{name}", "--will-message", "gone", *more]
        return start("subscribe", "x", *there, *will, "--verbose").wait_note("subscribed")

    assert holder("in order").signal(signal.SIGINT).finish() == 0
    assert holder("told").signal(signal.SIGTERM).finish() == 0
    assert holder("fired", "--fire-will").signal().finish() == 0
    assert watcher.wait_lines(1) == ["wills/fired gone"]
    assert holder("killed", "--will-qos", "1", "--will-property", "a=b").signal(signal.SIGKILL).finish() == -signal.SIGKILL
    assert watcher.wait_lines(2) == ["wills/fired gone", "wills/killed gone"]
    old = start("subscribe", "x", *at(broker, "3.1.1"), "--will-topic", "wills/old", "--will-message", "gone",
                "--fire-will", "--verbose").wait_note("subscribed")
    assert old.signal().finish() == 0
    assert watcher.wait_lines(3)[-1] == "wills/old gone"


@needs_mosquitto
def test_a_subscriber_connects_again(start, broker):
    subscriber = start("subscribe", "t", *at(broker), "--reconnect", "--verbose").wait_note("subscribed")
    broker.restart()
    subscriber.wait_note("the next attempt follows").wait_note("subscribed", 2)
    ok("publish", "t", "after", *at(broker))
    assert subscriber.wait_lines(1) == ["t after"]
    assert subscriber.signal().finish() == 0


@needs_mosquitto
@pytest.mark.parametrize("way", WAYS)
def test_a_question_is_answered(start, broker, way):
    there = at(broker, way=way)
    server = start("subscribe", "ask", *there, "--count", "1", "--json", "--verbose").wait_note("subscribed")
    client = start("request", "ask", "how much?", *there, "--json", "--qos", "1")
    assert server.finish() == 0
    question = server.messages()[0]
    assert question["payload"] == "how much?"
    to, data = question["properties"]["response_topic"], question["properties"]["correlation_data"]
    ok("publish", to, "to somebody else", *there, "--correlation-data", "other")
    ok("publish", to, "of nobody", *there)
    ok("publish", to, "42", *there, "--correlation-data", data, "--content-type", "text/plain")
    assert client.finish() == 0
    [answer] = client.messages()
    assert answer["payload"] == "42" and answer["topic"] == to and answer["seconds"] > 0


@needs_mosquitto
def test_a_question_before_mqtt_5_has_a_reply_topic(start, broker):
    there = at(broker, "3.1.1")
    ok("publish", "answers", "an old one", *there, "--retain")
    server = start("subscribe", "ask", *there, "--count", "1", "--verbose").wait_note("subscribed")
    client = start("request", "ask", "what?", *there, "--response-topic", "answers")
    assert server.finish() == 0
    ok("publish", "answers", "this", *there)
    assert client.finish() == 0 and client.lines() == ["this"]
    assert "--response-topic" in failed(2, "request", "ask", "what?", *there)


@needs_mosquitto
def test_a_question_that_nobody_answers_has_its_own_status(broker):
    told = failed(3, "request", "ask", "what?", *at(broker), "--qos", 1, "--timeout", "200ms", "--verbose")
    assert "nobody has subscribed to ask" in told and "nobody has answered at holdfast/reply/" in told


@needs_mosquitto
def test_a_subscriber_ends_by_count_or_time(broker):
    assert ok("subscribe", "t", *at(broker), "--timeout", "100ms") == ""
    told = failed(1, "subscribe", "t", *at(broker), "--timeout", "100ms", "--count", 2)
    assert told == "holdfast subscribe: 0 of 2 messages have come\n"


@needs_mosquitto
def test_the_broker_chooses_a_client_id(broker):
    done = run_to_end("publish", "t", "x", *at(broker), "--client-id", "", "--verbose")
    assert re.search(r"as auto-[0-9A-F-]+, MQTT 5", done.stderr), done.stderr


@needs_mosquitto
def test_messages_pass_between_these_clients_and_mosquittos(start, resources, broker):
    theirs = mosquitto.Subscriber(broker.address, "to/them")
    resources.callback(theirs.close)
    ok("publish", "to/them", "{n}", "--count", 100, "--qos", 1, *at(broker, "3.1.1"))
    assert theirs.wait_messages(100) == [str(number) for number in range(1, 101)]
    ours = start("subscribe", "to/us", *at(broker), "--qos", "1", "--verbose", "--count", "100").wait_note("subscribed")
    publisher = mosquitto.Publisher(broker.address, "to/us")
    resources.callback(publisher.close)
    publisher.publish(*range(100))
    assert publisher.finish() == 0 and ours.finish() == 0
    assert ours.lines() == [f"to/us {number}" for number in range(100)]


# --- who is not welcome ---


@needs_mosquitto
@pytest.mark.parametrize("version", VERSIONS)
def test_a_wrong_password_is_not_allowed(strict_broker, directory, version):
    there = at(strict_broker, version)
    refused = "holdfast publish: the broker refused: not authorized (0x87)\n"
    for who in ([], ["--user", "anna", "--password", "wrong"], ["--user", "nobody", "--password", "secret"]):
        assert failed(4, "publish", "t", "x", *there, *who) == refused
    assert failed(4, "subscribe", "t", *there) == refused.replace("publish", "subscribe")
    assert failed(4, "request", "t", "x", *there, "--response-topic", "r") == refused.replace("publish", "request")
    (directory / "password").write_text("secret\n")
    ok("publish", "t", "x", *there, "--user", "anna", "--password-file", directory / "password")
    ok("publish", "t", "x", "--url", f"mqtt://anna:secret@{strict_broker.address}", "--mqtt", version)


@needs_mosquitto
def test_a_message_that_is_not_allowed(strict_broker):
    bert = [*at(strict_broker), "--user", "bert", "--password", "secret", "--qos", "1"]
    assert failed(4, "publish", "anna/1", "x", *bert) == "holdfast publish: the broker refused: not authorized (0x87)\n"
    ok("publish", "bert/1", "x", *bert)


# --- servers that are none, or break the rules ---


def publish_to(server, *more):
    return ["publish", "t", "x", "--url", f"mqtt://{server.address}", "--connect-timeout", "300ms", *more]


def saying(*pieces):
    """Serves a connection: reads something before each piece."""
    def serve(peer):
        for piece in pieces:
            peer.socket.recv(65536)
            peer.send(piece)
        while peer.socket.recv(65536):
            pass

    return serve


def closing(peer):
    peer.socket.recv(65536)


DISCONNECTED = bytes([0xE0, 7, 0x8E, 5, 0x1F, 0, 2]) + b"\x1bb"  # Session taken over, with a reason string
PUBACK_FOR_NOTHING = bytes([0x40, 2, 0, 9])

SERVERS = {
    "garbage": (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), 1, "does not speak MQTT 5: "),
    "echo": (saying(b"\x10\x00"), 1, "does not speak MQTT 5: "),
    "not a CONNACK": (saying(PINGRESP), 1, "did not begin with a CONNACK"),
    "cut CONNACK": (saying(CONNACK[:3]), 3, "no answer to CONNECT from "),
    "closes": (closing, 3, "closed the connection without an answer to CONNECT: does it speak MQTT 5?"),
    "silent": (saying(), 3, "no answer to CONNECT from "),
    "refuses": (saying(bytes([0x20, 3, 0, 0x89, 0])), 1, "the broker refused: server busy (0x89)\n"),
    "bans": (saying(bytes([0x20, 3, 0, 0x8A, 0])), 4, "the broker refused: banned (0x8a)\n"),
    "says why": (saying(bytes([0x20, 8, 0, 0x87, 5, 0x1F, 0, 2]) + b"\x1b!"), 4, "not authorized (0x87): ?!\n"),
    "never acknowledges": (saying(CONNACK), 3, "has not acknowledged 1 of 1 messages in time"),
    "acknowledges another": (saying(CONNACK, PUBACK_FOR_NOTHING), 3, "has not acknowledged 1 of 1 messages"),
    "ends it": (saying(CONNACK, DISCONNECTED), 1, "the broker ended the connection: session taken over (0x8e): ?b\n"),
    "breaks the rules": (saying(CONNACK, b"\x36\x00"), 1, "the broker sent what is against the standard: "),
    "wants more": (saying(CONNACK, bytes([0xF0, 2, 0x18, 0])), 1, "against the standard"),
    "allows QoS 0": (saying(bytes([0x20, 5, 0, 0, 2, 0x24, 0])), 1, "the broker takes QoS 0 at most"),
    "small packets": (saying(bytes([0x20, 8, 0, 0, 5, 0x27, 0, 0, 0, 5])), 1, "the broker takes packets of 5 bytes at most"),
}


@pytest.mark.parametrize("serve, status, words", SERVERS.values(), ids=SERVERS.keys())
def test_a_server_that_is_no_good_broker(scripted_backend, serve, status, words):
    told = failed(status, *publish_to(scripted_backend("s", serve), "--qos", "1"))
    assert words in told and told.startswith("holdfast publish: ") and told.count("\n") == 1
    assert "\x1b" not in told


def test_a_broker_that_keeps_nothing_is_told_nothing_to_keep(scripted_backend):
    server = scripted_backend("s", saying(bytes([0x20, 5, 0, 0, 2, 0x25, 0])))
    assert "the broker keeps no retained messages" in failed(1, *publish_to(server, "--retain"))


def test_a_server_that_does_not_take_connections(silent_backend):
    assert "no answer from 127.0.0.1:" in failed(3, *publish_to(silent_backend("s")))


def test_nobody_there(refusing_backend, directory):
    told = failed(3, *publish_to(refusing_backend("r")))
    assert re.fullmatch(r"holdfast publish: nobody answers at 127.0.0.1:\d+ \(Connection refused\)\n", told)
    assert "No such file" in failed(3, "publish", "t", "x", "--url", f"unix:{directory}/none")
    told = failed(3, "subscribe", "t", "--host", "name.invalid", "--connect-timeout", "10s")
    assert "nobody answers at name.invalid:1883" in told


def test_a_return_code_of_old_is_told_as_a_reason(scripted_backend):
    for code, status, words in ((1, 1, "unsupported protocol version"), (2, 1, "client identifier not valid"),
                                (3, 1, "server unavailable"), (4, 4, "bad user name or password"), (5, 4, "not authorized")):
        server = scripted_backend("s", saying(bytes([0x20, 2, 0, code])))
        assert f"the broker refused: {words}" in failed(status, *publish_to(server, "--mqtt", "3.1.1"))


HTTP_ANSWERS = {
    "not found": (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
                  "answered 404 Not Found to the handshake for a WebSocket at /mqtt"),
    "garbage": (b"\x20\x02\x00\x00" * 4, "does not speak WebSocket ("),
}


@pytest.mark.parametrize("answer, words", HTTP_ANSWERS.values(), ids=HTTP_ANSWERS.keys())
def test_a_server_without_websockets(scripted_backend, answer, words):
    server = scripted_backend("s", saying(answer))
    told = failed(1, "publish", "t", "x", "--url", f"ws://{server.address}", "--connect-timeout", "2s")
    assert "holdfast publish: what answers at ws://127.0.0.1:" in told and words in told


# --- what goes over the wire ---


def test_the_last_word_is_disconnect(hand_backend, start):
    server = hand_backend("s")
    publisher = start("publish", "t", "x", "--url", f"mqtt://{server.address}", "--client-id", "c")
    peer = server.accept()
    assert accept_client(peer).endswith(b"\x00\x01c")
    assert receive_packet(peer) == (0x30, b"\x00\x01t\x00x")
    assert peer.receive(2) == DISCONNECT
    peer.expect_end()
    peer.close()
    assert publisher.finish() == 0


@pytest.mark.parametrize("version, level, name", (("3.1", 3, b"MQIsdp"), ("3.1.1", 4, b"MQTT"), ("5", 5, b"MQTT")))
def test_connect_says_the_version_and_who_it_is(hand_backend, start, version, level, name):
    server = hand_backend("s")
    start("publish", "t", "x", "--url", f"mqtt://{server.address}", "--mqtt", version, "--client-id", "c", "--user", "u",
          "--password", "p", "--keep-alive", "2m", "--will-topic", "w", "--will-message", "m", "--will-qos", "1",
          "--will-retain", "--no-clean-start")
    first, body = receive_packet(server.accept())
    properties = b"\x00" if version == "5" else b""
    assert first == 0x10
    assert body == (len(name).to_bytes(2, "big") + name + bytes([level, 0b11101100, 0, 120]) + properties + b"\x00\x01c" +
                    properties + b"\x00\x01w\x00\x01m\x00\x01u\x00\x01p")


def test_an_alias_takes_the_place_of_the_topic(hand_backend, start):
    server = hand_backend("s")
    start("publish", "topic", "{n}", "--count", "2", "--topic-alias", "3", "--url", f"mqtt://{server.address}")
    peer = server.accept()
    accept_client(peer, bytes([0x20, 6, 0, 0, 3, 0x22, 0, 5]))
    assert receive_packet(peer) == (0x30, b"\x00\x05topic\x03\x23\x00\x031")
    assert receive_packet(peer) == (0x30, b"\x00\x00\x03\x23\x00\x032")


def test_the_window_of_the_broker_holds(hand_backend, start):
    server = hand_backend("s")
    publisher = start("publish", "t", "{n}", "--count", "3", "--qos", "1", "--url", f"mqtt://{server.address}")
    peer = server.accept()
    accept_client(peer, bytes([0x20, 6, 0, 0, 3, 0x21, 0, 2]))
    for identifier in (1, 2):
        assert receive_packet(peer)[1][3:5] == bytes([0, identifier])
    assert peer.nothing_came()
    for identifier in (2, 1):  # in any order
        peer.send(bytes([0x40, 2, 0, identifier]))
    assert receive_packet(peer)[1][3:5] == bytes([0, 3])
    peer.send(bytes([0x40, 2, 0, 3]))
    assert peer.receive(2) == DISCONNECT
    peer.close()
    assert publisher.finish() == 0


def test_a_silent_client_pings_and_notices_when_nobody_answers(hand_backend, start):
    server = hand_backend("s")
    subscriber = start("subscribe", "t", "--url", f"mqtt://{server.address}", "--keep-alive", "1s", "--connect-timeout", "2s")
    peer = server.accept()
    accept_client(peer)
    first, body = receive_packet(peer)
    assert first == 0x82
    peer.send(bytes([0x90, 4]) + body[:2] + b"\x00\x00")
    assert peer.receive(2) == PINGREQ
    peer.send(PINGRESP)
    assert peer.receive(2) == PINGREQ
    assert subscriber.finish() == 3
    assert "does not answer a PINGREQ" in subscriber.notes()[-1]


def test_the_broker_says_how_often_to_ping(hand_backend, start):
    server = hand_backend("s")
    start("subscribe", "t", "--url", f"mqtt://{server.address}", "--keep-alive", "1h", "--connect-timeout", "1m")
    peer = server.accept()
    accept_client(peer, bytes([0x20, 6, 0, 0, 3, 0x13, 0, 1]))
    assert receive_packet(peer)[0] == 0x82
    assert peer.receive(2) == PINGREQ


def test_a_repeated_message_of_qos_2_is_printed_once(hand_backend, start):
    server = hand_backend("s")
    subscriber = start("subscribe", "t", "--url", f"mqtt://{server.address}", "--qos", "2", "--count", "2")
    peer = server.accept()
    accept_client(peer)
    _, body = receive_packet(peer)
    peer.send(bytes([0x90, 4]) + body[:2] + b"\x00\x02")
    for first in (0x34, 0x3C):  # the second time with DUP
        peer.send(bytes([first, 7]) + b"\x00\x01t\x00\x07\x00a")
        assert receive_packet(peer) == (0x50, b"\x00\x07")
    peer.send(bytes([0x62, 2, 0, 7]))
    assert receive_packet(peer) == (0x70, b"\x00\x07")
    peer.send(bytes([0x34, 7]) + b"\x00\x01t\x00\x07\x00b")
    assert receive_packet(peer) == (0x50, b"\x00\x07")
    assert peer.receive(2) == DISCONNECT
    peer.close()
    assert subscriber.finish() == 0 and subscriber.lines() == ["a", "b"]


def test_packets_that_come_byte_by_byte(scripted_backend):
    def serve(peer):
        for number in range(2):
            body = receive_packet(peer)[1]
            answer = CONNACK if number == 0 else bytes([0x90, 4]) + body[:2] + b"\x00\x00" + b"\x30\x05\x00\x01t\x00x"
            for byte in answer:
                peer.send(bytes([byte]))
        assert peer.receive(2) == DISCONNECT

    assert ok("subscribe", "t", "--url", f"mqtt://{scripted_backend('s', serve).address}", "--count", 1) == "x\n"


@pytest.mark.parametrize("codes, status, words", (
    (b"\x87\x00\x10", 4, "1 of 3 messages were refused; the last one: the broker refused: not authorized (0x87)\n"),
    (b"\x00\x87\x97", 1, "2 of 3 messages were refused; the last one: the broker refused: quota exceeded (0x97)\n")))
def test_refused_messages_are_counted(scripted_backend, codes, status, words):
    def serve(peer):
        accept_client(peer)
        for code in codes:
            peer.send(bytes([0x40, 3]) + receive_packet(peer)[1][3:5] + bytes([code]))
        peer.receive_until_end()

    server = scripted_backend("s", serve)
    done = run_to_end("publish", "t", "x", "--url", f"mqtt://{server.address}", "--qos", "1", "--count", "3", "--json")
    assert done.returncode == status and done.stderr == f"holdfast publish: {words}"
    assert [json.loads(line)["reason_code"] for line in done.stdout.splitlines()] == [*codes]


def test_filters_that_are_refused(scripted_backend):
    def serving(codes):
        def serve(peer):
            accept_client(peer)
            body = receive_packet(peer)[1]
            peer.send(bytes([0x90, 3 + len(codes)]) + body[:2] + b"\x00" + codes)
            if min(codes) < 0x80:
                peer.send(b"\x30\x05\x00\x01b\x00x")
            peer.receive_until_end()

        return ["--url", f"mqtt://{scripted_backend('s', serve).address}", "--count", 1]

    assert failed(4, "subscribe", "a", *serving(b"\x87")) == "holdfast subscribe: the broker refused a: not authorized (0x87)\n"
    assert failed(1, "subscribe", "a#", *serving(b"\x8f")).endswith("refused a#: topic filter invalid (0x8f)\n")
    done = run_to_end("subscribe", "a", "b", *map(str, serving(b"\x87\x00")))
    assert (done.returncode, done.stdout) == (0, "x\n") and "refused a: not authorized" in done.stderr
    assert "has not a code for each filter" in failed(1, "subscribe", "a", "b", *serving(b"\x00"))


def test_an_interrupted_publisher_says_what_is_not_acknowledged(hand_backend, start):
    server = hand_backend("s")
    publisher = start("publish", "t", "x", "--count", "2", "--qos", "1", "--url", f"mqtt://{server.address}")
    peer = server.accept()
    accept_client(peer)
    for _ in range(2):
        receive_packet(peer)
    publisher.signal(signal.SIGINT)
    assert peer.receive(2) == DISCONNECT
    peer.close()
    assert publisher.finish() == 1
    assert publisher.notes() == ["holdfast publish: interrupted; 2 of 2 messages are not acknowledged"]


def test_an_interrupt_ends_connecting(hand_backend, start):
    server = hand_backend("s")
    subscriber = start("subscribe", "t", "--url", f"mqtt://{server.address}", "--connect-timeout", "1m")
    receive_packet(server.accept())
    assert subscriber.signal().finish() == 1
    assert subscriber.notes() == ["holdfast subscribe: interrupted"]


# --- the command line ---

WRONG = {
    "no message": (["publish", "t"], "what is to be published?"),
    "two messages": (["publish", "t", "x", "--stdin"], "only one of MESSAGE"),
    "no topic": (["publish"], "TOPIC is required"),
    "empty topic": (["publish", "", "x"], "a topic is not empty"),
    "wildcard": (["publish", "a/#", "x"], "a topic has no wildcards"),
    "qos": (["publish", "t", "x", "--qos", "3"], "must be 0, 1 or 2"),
    "version": (["publish", "t", "x", "--mqtt", "4"], "must be 3.1, 3.1.1 or 5"),
    "v5 only": (["publish", "t", "x", "--mqtt", "3.1.1", "--content-type", "a"],
                "--content-type is of MQTT 5; MQTT 3.1.1 has no such thing"),
    "v5 only will": (["publish", "t", "x", "--mqtt", "3.1", "--will-topic", "w", "--will-delay", "1s"],
                     "--will-delay is of MQTT 5; MQTT 3.1 has no such thing"),
    "will without topic": (["publish", "t", "x", "--will-message", "m"], "--will-topic"),
    "url": (["publish", "t", "x", "--url", "http://a"], "must be like mqtt://"),
    "tls": (["publish", "t", "x", "--url", "mqtts://a"], "TLS is not there yet"),
    "url and host": (["publish", "t", "x", "--url", "mqtt://a", "--host", "b"], "excludes"),
    "host": (["publish", "t", "x", "--host", "a b"], "is no name or address"),
    "property": (["publish", "t", "x", "-P", "a"], "must be like NAME=VALUE"),
    "expiry": (["publish", "t", "x", "--expiry", "10ms"], "in whole seconds"),
    "keep alive": (["publish", "t", "x", "--keep-alive", "1d"], "at most 65535s"),
    "rate": (["publish", "t", "x", "--rate", "fast"], "must be like 200/s"),
    "rate and interval": (["publish", "t", "x", "--rate", "1/s", "--interval", "1s"], "excludes"),
    "file": (["publish", "t", "--file", "/nowhere"], "/nowhere: No such file or directory"),
    "password": (["publish", "t", "x", "--mqtt", "3.1.1", "--password", "p"], "a password needs a --user"),
    "no filter": (["subscribe"], "FILTER is required"),
    "filters and qos": (["subscribe", "a", "b", "c", "--qos", "0", "--qos", "1"], "once for all filters, or once for each"),
    "raw json": (["subscribe", "a", "--raw", "--json"], "do not go together"),
    "retain handling": (["subscribe", "a", "--retain-handling", "2"], "must be send, new or never"),
    "no question": (["request", "t"], "what is to be asked?"),
}


@pytest.mark.parametrize("arguments, words", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_command_line_is_told_before_anybody_is_asked(refusing_backend, arguments, words):
    assert words in failed(2, *arguments)
