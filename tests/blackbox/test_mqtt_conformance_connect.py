"""CONNECT and CONNACK, sessions and take-over, the end of a connection."""
import time

import pytest

import mqtt_packets as mqtt
from environment import PATIENCE_S, wait_until
from mqtt_client import fresh
from mqtt_packets import NO_QOS, NO_RETAIN, PROTOCOL_ERROR, TAKEN_OVER, V5, V31, V311

KEPT = dict(session_expiry=600)


def kept(version):
    """What keeps a session: for connect()."""
    return dict(clean=False, **(dict(properties=KEPT) if version == V5 else {}))


# --- CONNACK ---


# MQTT5 [MQTT-3.1.4-5] [MQTT-3.2.0-1] [MQTT-3.2.0-2] [MQTT-3.2.2-1] [MQTT-3.2.2-2] [MQTT-3.2.2-8] [MQTT-2.2.2-1]
# MQTT311 [MQTT-3.1.4-4] [MQTT-3.2.0-1] [MQTT-3.2.2-1]
@pytest.mark.parametrize("level", [V31, V311, V5])
def test_connect_is_answered_once_and_before_anything_else(broker, level):
    watcher, publisher = broker.client(level), broker.connect()
    topic = fresh("t/")
    # All at once: the answer to CONNECT comes first nevertheless.
    watcher.send(mqtt.connect(fresh(), level), mqtt.subscribe(1, (topic, 1), version=level), mqtt.PINGREQ)
    first = watcher.expect("CONNACK")
    assert (first.reason, first.session_present) == (0, False)
    assert {watcher.receive().kind, watcher.receive().kind} == {"SUBACK", "PINGRESP"}
    publisher.publish(topic)
    assert watcher.message().topic == topic
    assert watcher.until_pong() == []


# MQTT5 [MQTT-3.1.3-5] [MQTT-3.1.3-2]
# MQTT311 [MQTT-3.1.3-5] [MQTT-3.1.3-2]
def test_client_ids_that_must_be_allowed_are(broker, version):
    letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for client_id in ("Z", letters[:23], letters[23:46], letters[39:]):
        broker.connect(client_id, version).leave()


# MQTT5 [MQTT-3.1.3-6] [MQTT-3.1.3-7] [MQTT-3.2.2-16]
def test_who_has_no_client_id_gets_one_of_its_own(broker):
    clients = [broker.connect("", clean=clean, properties=KEPT) for clean in (True, False, True)]
    given = [each.connack.properties["assigned_client_id"] for each in clients]
    assert len(set(given)) == 3 and all(given)
    clients[0].leave()
    again = broker.connect(given[0], clean=False)
    assert again.connack.session_present and "assigned_client_id" not in again.connack.properties


# MQTT311 [MQTT-3.1.3-6] [MQTT-3.1.3-7]
def test_before_5_a_client_without_an_id_has_a_session_of_its_own(broker):
    first, second = broker.connect("", V311), broker.connect("", V311)
    first.ping()
    second.ping()


# MQTT311 [MQTT-3.1.3-8] [MQTT-3.1.3-9] [MQTT-3.2.2-4] [MQTT-3.2.2-5]
def test_before_5_a_session_to_be_kept_needs_a_client_id(broker):
    client = broker.client(V311)
    client.send_connect("", clean=False)
    [answer] = client.rest()
    assert (answer.kind, answer.reason, answer.session_present) == ("CONNACK", 2, False)


# MQTT5 [MQTT-3.1.3-8] [MQTT-3.2.2-6] [MQTT-3.2.2-7] [MQTT-3.1.4-6] [MQTT-4.13.2-1] [MQTT-3.14.0-1] [MQTT-3.1.4-2]
# MQTT311 [MQTT-3.1.3-9] [MQTT-3.2.2-4] [MQTT-3.2.2-5] [MQTT-3.1.4-5]
def test_what_follows_a_refused_connect_is_not_looked_at(broker_with, version):
    broker = broker_with(broker=dict(client_id_length_max=30))
    topic, watcher = fresh("t/"), broker.connect()
    watcher.subscribe(topic)
    client = broker.client(version)
    client.send(mqtt.connect("c" * 31, version), mqtt.publish(topic, b"no", version, qos=1, packet_id=1), mqtt.PINGREQ)
    [answer] = client.rest()
    assert (answer.kind, answer.session_present) == ("CONNACK", False)
    assert answer.reason == (mqtt.BAD_CLIENT_ID if version == V5 else 2)
    broker.connect().publish(topic, b"yes")
    assert watcher.message().payload == b"yes"


# MQTT5 [MQTT-3.1.4-2] [MQTT-3.2.2-7]
# MQTT311 [MQTT-3.2.2-5] [MQTT-3.1.4-5]
def test_who_is_not_known_is_refused(broker_with, version):
    broker = broker_with(auth=dict(anonymous="deny"))
    client = broker.client(version)
    client.send_connect()
    [answer] = client.rest()
    assert (answer.kind, answer.session_present) == ("CONNACK", False)
    assert answer.reason in ((mqtt.NOT_AUTHORIZED, mqtt.BAD_CREDENTIALS) if version == V5 else (4, 5))


# MQTT5 [MQTT-3.2.2-9] [MQTT-3.2.2-10] [MQTT-3.2.2-12]
def test_a_server_without_high_qualities_says_so_and_still_takes_subscriptions(broker_with):
    for qos in (0, 1):
        broker = broker_with(broker=dict(qos_max=qos))
        client = broker.connect()
        assert client.connack.properties["maximum_qos"] == qos
        assert client.subscribe(fresh(), qos=2) == (qos,)
        client.send_publish(fresh(), qos=qos + 1)
        client.expect_end(NO_QOS)
        refused = broker.client()
        refused.send_connect(will=dict(qos=qos + 1))
        [answer] = refused.rest()
        assert (answer.kind, answer.reason) == ("CONNACK", NO_QOS)


# MQTT5 [MQTT-3.2.2-13] [MQTT-3.2.2-14]
def test_a_server_without_retained_messages_says_so_and_refuses_them(broker_with):
    broker = broker_with(broker=dict(retain_available=False))
    client = broker.connect()
    assert client.connack.properties["retain_available"] == 0
    client.send_publish(fresh(), retain=True)
    client.expect_end(NO_RETAIN)
    refused = broker.client()
    refused.send_connect(will=dict(retain=True))
    [answer] = refused.rest()
    assert (answer.kind, answer.reason) == ("CONNACK", NO_RETAIN)


# MQTT5 [MQTT-3.2.2-21] [MQTT-3.1.2-21]
def test_a_server_with_a_keep_alive_of_its_own_says_which(broker_with):
    broker = broker_with(broker=dict(keepalive_max="10s"))
    assert broker.connect(keep_alive=0).connack.properties["server_keep_alive"] == 10
    assert broker.connect(keep_alive=60).connack.properties["server_keep_alive"] == 10
    assert "server_keep_alive" not in broker.connect(keep_alive=9).connack.properties


def test_other_limits_are_told_too(broker_with):
    broker = broker_with(broker=dict(session_expiry_max="60s", wildcard_available=False, shared_available=False,
                                     topic_alias_max=3, awaiting_rel_max=7))
    told = broker.connect(properties=dict(session_expiry=1000)).connack.properties
    assert (told["session_expiry"], told["topic_alias_maximum"], told["receive_maximum"]) == (60, 3, 7)
    assert (told["wildcard_available"], told["shared_available"]) == (0, 0)
    assert "session_expiry" not in broker.connect(properties=dict(session_expiry=60)).connack.properties
    client = broker.connect()
    assert client.subscribe("a/#", "+", "$share/g/t", "t") == (mqtt.NO_WILDCARDS, mqtt.NO_WILDCARDS, mqtt.NO_SHARED, 2)
    assert broker.connect(version=V311).subscribe("a/#", "$share/g/t", "t") == (0x80, 0x80, 2)


# MQTT5 [MQTT-3.1.2-28] [MQTT-4.12.0-6]
@pytest.mark.parametrize("wanted", [None, 0])
def test_response_information_and_authentication_come_to_who_asked(broker, wanted):
    properties = {} if wanted is None else dict(request_response_information=wanted)
    told = broker.connect(properties=properties).connack.properties
    assert not {"response_information", "auth_method", "auth_data"} & told.keys()


# MQTT5 [MQTT-4.12.0-1] [MQTT-4.12.0-4]
def test_an_unknown_way_to_authenticate_is_refused(broker, witness):
    client = broker.client()
    client.send_connect(properties=dict(auth_method="SCRAM-SHA-1", auth_data=b"n,,n=user,r=1"))
    [answer] = client.rest()
    assert (answer.kind, answer.reason) == ("CONNACK", mqtt.BAD_METHOD)


# MQTT5 [MQTT-3.1.2-29]
def test_who_wants_no_problem_information_gets_no_reason_strings(broker):
    client = broker.connect(properties=dict(request_problem_information=0))
    assert client.subscribe("a/#/b") and client.unsubscribe(fresh())
    packet_id = client.send_publish(fresh(), qos=1)
    answer = client.expect("PUBACK")
    assert (answer.packet_id, answer.properties) == (packet_id, {})
    client.send(mqtt.ack("PUBREL", 999))
    assert client.expect("PUBCOMP").properties == {}


# MQTT5 [MQTT-3.1.2-24] [MQTT-3.14.2-3] [MQTT-3.14.2-4] [MQTT-3.2.2-19] [MQTT-3.2.2-20]
def test_no_packet_is_larger_than_the_client_takes(broker):
    for size in (20, 30, 40, 60):
        client = broker.connect("c", properties=dict(maximum_packet_size=size))
        assert client.connack.bytes_total <= size
        client.send_connect("c")
        assert client.expect_end(PROTOCOL_ERROR).bytes_total <= size


# MQTT5 [MQTT-3.1.2-24]
@pytest.mark.parametrize("size", [5, 10, 15])
def test_who_cannot_be_told_what_there_is_to_say_is_refused(broker, witness, size):
    client = broker.client()
    client.send_connect("", properties=dict(maximum_packet_size=size))
    [answer] = client.rest()
    assert (answer.kind, answer.reason) == ("CONNACK", mqtt.TOO_LARGE) and answer.bytes_total <= size


# MQTT5 [MQTT-3.1.2-24]
def test_an_answer_that_would_be_too_large_ends_the_connection(broker, witness):
    filters = [(fresh(), 0) for _ in range(100)]
    for data in (mqtt.subscribe(1, *filters), mqtt.unsubscribe(1, *(each for each, _ in filters))):
        client = broker.connect("c", properties=dict(maximum_packet_size=100))
        client.send(data)
        assert client.expect_end(mqtt.TOO_LARGE).bytes_total <= 100
        roomy = broker.connect("c", properties=dict(maximum_packet_size=105))
        roomy.send(data)
        assert len(roomy.receive().codes) == 100


# --- sessions ---


# MQTT5 [MQTT-3.1.2-5] [MQTT-3.1.2-6] [MQTT-3.1.2-23] [MQTT-3.2.2-3] [MQTT-4.1.0-1] [MQTT-4.5.0-1] [MQTT-3.1.3-2]
# MQTT311 [MQTT-3.1.2-4] [MQTT-3.1.2-5] [MQTT-3.2.2-2] [MQTT-3.2.2-3] [MQTT-4.1.0-1] [MQTT-4.1.0-2] [MQTT-4.5.0-1]
@pytest.mark.parametrize("parting", ["leave", "vanish"])
def test_a_session_goes_on_with_what_came_meanwhile(broker, version, parting):
    client_id, topic, publisher = fresh(), fresh("t/"), broker.connect()
    first = broker.connect(client_id, version, **kept(version))
    assert not first.connack.session_present
    first.subscribe(topic)
    getattr(first, parting)()
    for qos in (1, 2):
        publisher.publish(topic, b"%d" % qos, qos)
    again = broker.connect(client_id, version, **kept(version))
    assert again.connack.session_present
    got = again.messages(2)
    assert [(each.payload, each.qos, each.dup, each.retain) for each in got] == [(b"1", 1, False, False),
                                                                                 (b"2", 2, False, False)]
    publisher.publish(topic, b"3")
    assert again.message().payload == b"3"


# MQTT5 [MQTT-3.1.2-4] [MQTT-3.2.2-2] [MQTT-3.1.4-4]
# MQTT311 [MQTT-3.1.2-6] [MQTT-3.2.2-1] [MQTT-3.1.4-3]
def test_a_clean_start_leaves_nothing_of_the_session(broker, version):
    client_id, topic, publisher = fresh(), fresh("t/"), broker.connect()
    broker.connect(client_id, version, **kept(version)).subscribe(topic)
    clean = broker.connect(client_id, version, **{**kept(version), "clean": True})
    assert not clean.connack.session_present
    publisher.publish(topic, b"no")
    clean.subscribe(topic + "/2")
    publisher.publish(topic + "/2", b"yes")
    assert clean.message().payload == b"yes"
    clean.leave()
    again = broker.connect(client_id, version, clean=False)
    assert again.connack.session_present == (version == V5), "3.1.1: a clean session ends with its connection"


# MQTT5 [MQTT-4.1.0-2]
# MQTT311 [MQTT-3.1.2-6]
def test_a_session_that_nobody_wants_kept_ends_with_its_connection(broker, version):
    client_id = fresh()
    broker.connect(client_id, version, clean=True).leave()
    assert not broker.connect(client_id, version, **kept(version)).connack.session_present


# MQTT5 [MQTT-3.1.2-23]
def test_disconnect_changes_how_long_the_session_lives(broker):
    shorter, longer = fresh(), fresh()
    broker.connect(shorter, properties=KEPT).leave(0, dict(session_expiry=0))
    assert not broker.connect(shorter, clean=False).connack.session_present
    broker.connect(longer, properties=dict(session_expiry=1)).leave(0, KEPT)
    assert broker.connect(longer, clean=False).connack.session_present


# MQTT311 [MQTT-3.1.2.7] [MQTT-3.1.2-6]
# MQTT5 [MQTT-4.1.0-2]
def test_retained_messages_outlive_the_session(broker, version):
    topic = fresh("t/")
    client = broker.connect(version=version)
    client.publish(topic, b"stays", retain=True)
    client.leave()
    other = broker.connect(version=version)
    other.subscribe(topic)
    assert other.message().payload == b"stays"


# MQTT5 [MQTT-3.1.4-3] [MQTT-3.1.4-4] [MQTT-4.1.0-1] [MQTT-3.14.4-1] [MQTT-3.14.4-2] [MQTT-3.14.2-2]
# MQTT311 [MQTT-3.1.4-2]
def test_a_newer_connection_takes_the_session_over(broker, witness, version):
    client_id, topic, publisher = fresh(), fresh("t/"), broker.connect()
    chain = [broker.connect(client_id, version, **kept(version))]
    chain[0].subscribe(topic)
    for number in range(6):
        chain.append(broker.connect(client_id, version, **kept(version)))
        assert chain[-1].connack.session_present
        chain[-2].expect_end(TAKEN_OVER)
        publisher.publish(topic, b"%d" % number)
        assert chain[-1].message().payload == b"%d" % number
        chain[-1].ping()  # its PUBACK is heard before the next one comes


# MQTT5 [MQTT-3.1.4-3]
# MQTT311 [MQTT-3.1.4-2]
def test_of_many_connections_with_one_client_id_one_stays(broker, witness, version):
    client_id = fresh()
    crowd = [broker.client(version) for _ in range(40)]
    for each in crowd:
        each.send_connect(client_id, clean=False)
    ended = set()

    def all_but_one():
        ended.update(each for each in crowd if each not in ended and each.has_ended())
        return len(ended) >= len(crowd) - 1

    wait_until(all_but_one, lambda: f"the end of 39; {len(ended)} have ended")
    [survivor] = set(crowd) - ended
    topic = fresh("t/")
    survivor.subscribe(topic)
    broker.connect().publish(topic, b"p")
    assert survivor.message().payload == b"p"


# --- keep alive, and the end ---


# MQTT5 [MQTT-3.1.2-22] [MQTT-3.2.2-22]
# MQTT311 [MQTT-3.1.2-24]
def test_who_is_silent_for_one_and_a_half_keep_alives_is_given_up(broker):
    """Both versions wait at the same time."""
    begun = time.monotonic()
    silent = {version: broker.connect(version=version, keep_alive=1) for version in (V311, V5)}
    quiet = broker.connect(keep_alive=0)
    silent[V311].expect_end()
    silent[V5].expect_end(mqtt.SILENT)
    assert 1.4 <= time.monotonic() - begun <= PATIENCE_S
    quiet.ping()


# MQTT5 [MQTT-3.12.4-1]
# MQTT311 [MQTT-3.12.4-1]
def test_pings_are_answered(broker, version):
    client = broker.connect(version=version)
    client.send(mqtt.PINGREQ * 50)
    assert [client.receive().kind for _ in range(50)] == ["PINGRESP"] * 50
    assert client.until_pong() == []


def test_after_disconnect_the_server_closes_and_reads_nothing_more(broker, version):
    publisher, subscriber, topic = broker.pair(version)
    publisher.send(mqtt.disconnect(), mqtt.publish(topic, b"no", version))
    assert publisher.rest() == []
    broker.connect().publish(topic, b"yes")
    assert subscriber.message().payload == b"yes"


def test_connections_without_connect_are_closed(broker_with):
    broker = broker_with(listener=dict(connect_timeout="1s"))
    silent, half = broker.client(), broker.client()
    half.send(mqtt.connect("c")[:-1])
    assert silent.rest() == [] and half.rest() in ([], )


# MQTT5 [MQTT-4.2-1]
# MQTT311 [MQTT-7.1.1-1]
def test_packets_may_come_byte_by_byte_and_all_at_once(broker, version):
    topic = fresh("t/")
    client = broker.client(version)
    begin = (mqtt.connect(fresh(), version) + mqtt.subscribe(1, (topic, 2), version=version)
             + mqtt.publish(topic, b"slow", version, qos=1, packet_id=2))
    for at in range(len(begin)):
        client.send(begin[at:at + 1])
    assert client.expect("CONNACK").reason == 0
    assert {client.receive().kind for _ in range(3)} == {"SUBACK", "PUBLISH", "PUBACK"}
    assert client.until_pong() == []
    client.send(b"".join(mqtt.publish(topic, b"%d" % number, version) for number in range(200)))
    assert [each.payload for each in client.messages(200)] == [b"%d" % number for number in range(200)]
