"""PUBLISH and its acknowledgements: quality of service, order, flow control, retained messages, properties, aliases."""
import pytest

import mqtt_packets as mqtt
from environment import wait_until
from mqtt_client import fresh
from mqtt_packets import BAD_ALIAS, ID_NOT_FOUND, NO_SUBSCRIBERS, PROTOCOL_ERROR, SUCCESS, TOO_MANY, V5, V311

KEPT = dict(session_expiry=600)


def kept(version, **properties):
    return dict(clean=False, **(dict(properties={**KEPT, **properties}) if version == V5 else {}))


# --- quality of service, from the client ---


# MQTT5 [MQTT-3.3.4-1] [MQTT-4.3.2-4] [MQTT-4.3.3-8] [MQTT-4.3.3-11] [MQTT-2.2.1-5] [MQTT-3.4.2-1] [MQTT-3.5.2-1]
# MQTT5 [MQTT-3.7.2-1] [MQTT-4.2-1]
# MQTT311 [MQTT-3.3.4-1] [MQTT-4.3.2-2] [MQTT-4.3.3-2] [MQTT-2.3.1-6]
@pytest.mark.parametrize("packet_id", [1, 2, 255, 256, 0x1234, 65535])
def test_what_clients_publish_is_acknowledged_by_its_identifier(broker, version, packet_id):
    client, topic = broker.connect(version=version), fresh("t/")
    assert client.publish(topic, qos=1, packet_id=packet_id) in ((SUCCESS, NO_SUBSCRIBERS) if version == V5 else (0,))
    assert client.publish(topic, qos=2, packet_id=packet_id) in ((SUCCESS, NO_SUBSCRIBERS) if version == V5 else (0,))
    client.send_publish(topic)
    assert client.until_pong() == []


# MQTT5 [MQTT-4.3.2-5]
# MQTT311 [MQTT-4.3.2-2]
@pytest.mark.parametrize("dup", [False, True])
def test_after_puback_the_same_identifier_is_a_new_message(broker, version, dup):
    publisher, subscriber, topic = broker.pair(version)
    for number in range(3):
        publisher.publish(topic, b"%d" % number, packet_id=7, dup=dup)
    assert [each.payload for each in subscriber.messages(3)] == [b"0", b"1", b"2"]


# MQTT5 [MQTT-4.3.3-10] [MQTT-4.3.3-12]
# MQTT311 [MQTT-4.3.3-2]
def test_until_pubrel_the_same_identifier_is_the_same_message(broker, version):
    publisher, subscriber, topic = broker.pair(version)
    for dup in (False, True, True):
        publisher.send_publish(topic, b"once", qos=2, packet_id=7, dup=dup)
        assert publisher.expect("PUBREC").reason == SUCCESS
    publisher.send(mqtt.ack("PUBREL", 7))
    assert publisher.expect("PUBCOMP").packet_id == 7
    publisher.publish(topic, b"new", qos=2, packet_id=7, dup=True)
    assert [each.payload for each in subscriber.messages(2)] == [b"once", b"new"]


# MQTT5 [MQTT-4.3.3-10] [MQTT-4.3.3-11] [MQTT-4.1.0-1]
# MQTT311 [MQTT-4.3.3-2] [MQTT-4.4.0-1] [MQTT-4.1.0-1]
def test_qos_2_from_the_client_goes_on_in_its_next_connection(broker, version):
    client_id, topic, subscriber = fresh(), fresh("t/"), broker.connect()
    subscriber.subscribe(topic)
    first = broker.connect(client_id, version, **kept(version))
    first.send_publish(topic, b"once", qos=2, packet_id=9)
    first.expect("PUBREC")
    first.vanish()
    second = broker.connect(client_id, version, **kept(version))
    second.send_publish(topic, b"once", qos=2, packet_id=9, dup=True)
    second.expect("PUBREC")
    second.vanish()
    third = broker.connect(client_id, version, **kept(version))
    third.send(mqtt.ack("PUBREL", 9))
    assert third.expect("PUBCOMP") == mqtt.Packet("PUBCOMP", 0, 4, 9, SUCCESS)
    third.publish(topic, b"after", qos=2)
    assert [each.payload for each in subscriber.messages(2)] == [b"once", b"after"]


# MQTT5 [MQTT-3.7.2-1] [MQTT-4.3.3-11]
# MQTT311 [MQTT-4.3.3-2]
def test_pubrel_is_answered_also_when_it_is_not_known(broker, version):
    client = broker.connect(version=version)
    client.send(mqtt.ack("PUBREL", 321))
    answer = client.expect("PUBCOMP")
    assert (answer.packet_id, answer.reason) == (321, ID_NOT_FOUND if version == V5 else 0)


@pytest.mark.parametrize("reason", [SUCCESS, ID_NOT_FOUND])
def test_pubrel_may_say_its_reason_and_properties(broker, reason):
    client, topic = broker.connect(), fresh("t/")
    client.send_publish(topic, qos=2, packet_id=5)
    client.expect("PUBREC")
    client.send(mqtt.ack("PUBREL", 5, reason, dict(reason_string="why", user_property=[("a", "b"), ("a", "c")])))
    assert client.expect("PUBCOMP").packet_id == 5


# MQTT5 [MQTT-3.3.4-7]
def test_who_sends_more_than_the_receive_maximum_is_sent_away(broker_with):
    broker = broker_with(broker=dict(awaiting_rel_max=3))
    client = broker.connect()
    assert client.connack.properties["receive_maximum"] == 3
    for packet_id in (1, 2, 3):
        client.send_publish(fresh(), qos=2, packet_id=packet_id)
        client.expect("PUBREC")
    client.send(mqtt.ack("PUBREL", 2))
    client.expect("PUBCOMP")
    client.send_publish(fresh(), qos=2, packet_id=4)
    client.expect("PUBREC")
    client.send_publish(fresh(), qos=2, packet_id=5)
    client.expect_end(TOO_MANY)


# --- quality of service, to the client ---


# MQTT5 [MQTT-4.3.1-1] [MQTT-4.3.2-2] [MQTT-4.3.3-2] [MQTT-3.3.1-3] [MQTT-2.2.1-2] [MQTT-2.2.1-4]
# MQTT5 [MQTT-3.8.4-8] [MQTT-4.3.2-1] [MQTT-4.3.3-1] [MQTT-4.3.3-4] [MQTT-4.3.3-5] [MQTT-3.6.2-1]
# MQTT311 [MQTT-4.3.1-1] [MQTT-4.3.2-1] [MQTT-4.3.3-1] [MQTT-3.3.1-3] [MQTT-2.3.1-4] [MQTT-2.3.1-5] [MQTT-3.8.4-6]
@pytest.mark.parametrize("granted", [0, 1, 2])
@pytest.mark.parametrize("published", [0, 1, 2])
def test_messages_come_with_the_lower_quality_and_never_with_the_dup_of_the_publisher(broker, version, published,
                                                                                      granted):
    publisher, subscriber, topic = broker.pair(version, qos=granted)
    publisher.publish(topic, b"a", qos=published, dup=published > 0)
    publisher.publish(topic, b"b", qos=published)
    got = subscriber.messages(2)
    assert [(each.payload, each.qos, each.dup) for each in got] == [(b"a", min(published, granted), False),
                                                                    (b"b", min(published, granted), False)]


# MQTT5 [MQTT-2.2.1-4] [MQTT-4.3.2-1] [MQTT-4.3.2-3] [MQTT-4.3.3-1] [MQTT-4.3.3-3]
# MQTT311 [MQTT-2.3.1-4] [MQTT-4.3.2-1] [MQTT-4.3.3-1]
def test_identifiers_are_those_that_are_free(broker, version):
    publisher, subscriber, topic = broker.pair(version)
    for number in range(10):
        publisher.publish(topic, b"%d" % number, qos=1 + number % 2)
    open_ones = [subscriber.expect("PUBLISH") for _ in range(10)]
    assert len({each.packet_id for each in open_ones}) == 10
    for each in open_ones[::2]:
        subscriber.acknowledge(each)
    for number in range(5):
        publisher.publish(topic, b"more", qos=1)
    more = [subscriber.expect("PUBLISH") for _ in range(5)]
    assert not {each.packet_id for each in more} & {each.packet_id for each in open_ones[1::2]}


# MQTT5 [MQTT-4.4.0-1] [MQTT-3.3.1-1] [MQTT-4.3.2-3] [MQTT-4.3.3-3] [MQTT-4.3.3-5] [MQTT-4.3.3-6] [MQTT-4.3.3-7]
# MQTT311 [MQTT-4.4.0-1] [MQTT-3.3.1.-1] [MQTT-4.3.2-1] [MQTT-4.3.3-1] [MQTT-4.6.0-1] [MQTT-4.6.0-4] [MQTT-4.6.0-6]
def test_what_was_not_acknowledged_is_sent_again_in_the_next_connection_and_at_no_other_time(broker, version):
    client_id, topic, publisher = fresh(), fresh("t/"), broker.connect()
    first = broker.connect(client_id, version, **kept(version))
    first.subscribe(topic)
    for number, qos in enumerate((1, 2, 2, 1, 2, 1)):
        publisher.publish(topic, b"%d" % number, qos)
    before = [first.expect("PUBLISH") for _ in range(6)]
    first.send(mqtt.ack("PUBACK", before[0].packet_id), mqtt.ack("PUBREC", before[1].packet_id))
    assert first.expect("PUBREL").packet_id == before[1].packet_id
    assert first.until_pong() == []
    first.vanish()
    second = broker.connect(client_id, version, **kept(version))
    assert second.connack.session_present
    again = [second.receive() for _ in range(5)]
    assert [(each.kind, each.packet_id) for each in again] == [
        ("PUBREL", before[1].packet_id), *(("PUBLISH", each.packet_id) for each in before[2:])]
    assert [(each.payload, each.qos, each.dup, each.topic) for each in again[1:]] == [
        (each.payload, each.qos, True, topic) for each in before[2:]]
    second.send(mqtt.ack("PUBCOMP", before[1].packet_id))
    for each in again[1:]:
        second.acknowledge(each)
    assert second.until_pong() == []
    second.vanish()
    third = broker.connect(client_id, version, **kept(version))
    assert third.until_pong() == []


# MQTT5 [MQTT-4.4.0-2]
@pytest.mark.parametrize(("qos", "kind"), [(1, "PUBACK"), (2, "PUBREC")])
def test_what_the_client_refuses_is_done_with(broker, qos, kind):
    client_id, topic, publisher = fresh(), fresh("t/"), broker.connect()
    client = broker.connect(client_id, clean=False, properties=KEPT)
    client.subscribe(topic)
    publisher.publish(topic, b"refused", qos)
    client.send(mqtt.ack(kind, client.expect("PUBLISH").packet_id, mqtt.IMPLEMENTATION, dict(reason_string="no")))
    assert client.until_pong() == []
    client.vanish()
    assert broker.connect(client_id, clean=False, properties=KEPT).until_pong() == []


# MQTT5 [MQTT-3.6.2-1] [MQTT-4.3.3-4]
def test_a_pubrec_that_nobody_waits_for_is_answered_or_ends_the_connection(broker, witness, version):
    client = broker.connect(version=version)
    client.send(mqtt.ack("PUBREC", 99))
    packets = client.until_pong()
    assert [(each.kind, each.packet_id) for each in packets] in ([], [("PUBREL", 99)])
    if version == V5:
        assert [each.reason for each in packets] == [ID_NOT_FOUND]
    client.send(mqtt.ack("PUBACK", 99), mqtt.ack("PUBCOMP", 99))
    assert client.until_pong() == []


# MQTT5 [MQTT-3.3.4-9] [MQTT-3.3.4-10] [MQTT-4.9.0-1] [MQTT-4.9.0-2] [MQTT-4.9.0-3]
@pytest.mark.parametrize("maximum", [1, 3])
def test_no_more_is_in_flight_than_the_client_allows(broker, maximum):
    topic, publisher = fresh("t/"), broker.connect()
    client = broker.connect(properties=dict(receive_maximum=maximum))
    client.subscribe(topic)
    for number in range(8):
        publisher.publish(topic, b"%d" % number, qos=1 + number % 2)
    publisher.publish(topic + "/other")
    got = [client.expect("PUBLISH") for _ in range(maximum)]
    assert client.until_pong() == [], "pings are answered, and no further PUBLISH comes"
    assert client.subscribe(topic + "/more") == (2,)
    order = []
    while got:
        each = got.pop(0)
        order.append(each.payload)
        if each.qos == 2:
            client.send(mqtt.ack("PUBREC", each.packet_id))
            assert client.expect("PUBREL").packet_id == each.packet_id
            assert client.until_pong() == [], "PUBREC does not make room, PUBCOMP does"
        client.send(mqtt.ack("PUBACK" if each.qos == 1 else "PUBCOMP", each.packet_id))
        if len(order) + len(got) < 8:
            got.append(client.expect("PUBLISH"))
    assert order == [b"%d" % number for number in range(8)]


# MQTT5 [MQTT-4.9.0-2] [MQTT-3.3.4-9]
def test_a_refusal_makes_room_for_the_next(broker):
    publisher, topic = broker.connect(), fresh("t/")
    client = broker.connect(properties=dict(receive_maximum=1))
    client.subscribe(topic)
    for number in range(4):
        publisher.publish(topic, b"%d" % number, qos=2)
    for number in range(4):
        got = client.expect("PUBLISH")
        assert got.payload == b"%d" % number
        client.send(mqtt.ack("PUBREC", got.packet_id, mqtt.QUOTA))
    assert client.until_pong() == []


# MQTT5 [MQTT-4.6.0-5] [MQTT-4.6.0-6]
# MQTT311 [MQTT-4.6.0-5] [MQTT-4.6.0-6] [MQTT-4.6.0-2] [MQTT-4.6.0-3] [MQTT-4.6.0-4]
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_messages_and_acknowledgements_keep_their_order(broker, version, qos):
    count, topic = 300, fresh("t/")
    publisher = broker.connect(version=version)
    subscribers = [broker.connect(version=each) for each in (V311, V5) * 2]
    for each in subscribers:
        each.subscribe(topic)
    publisher.send(b"".join(mqtt.publish(topic, b"%d" % number, version, qos=qos, packet_id=number + 1 if qos else None)
                            for number in range(count)))
    if qos:
        answers = [publisher.expect("PUBACK" if qos == 1 else "PUBREC").packet_id for _ in range(count)]
        assert answers == list(range(1, count + 1))
    if qos == 2:
        publisher.send(b"".join(mqtt.ack("PUBREL", number + 1) for number in range(count)))
        assert [publisher.expect("PUBCOMP").packet_id for _ in range(count)] == list(range(1, count + 1))
    for each in subscribers:
        assert [int(got.payload) for got in in_order(each, count, qos)] == list(range(count))


def in_order(client, count, qos):
    """`count` messages; PUBREL may come between them, in the order of the PUBREC."""
    messages, released, awaited = [], [], []
    while len(messages) < count or len(released) < len(awaited):
        packet = client.receive()
        if packet.kind == "PUBLISH":
            messages.append(packet)
            if qos:
                client.send(mqtt.ack("PUBACK" if qos == 1 else "PUBREC", packet.packet_id))
            awaited += [packet.packet_id] if qos == 2 else []
        else:
            assert packet.kind == "PUBREL", packet
            released.append(packet.packet_id)
            client.send(mqtt.ack("PUBCOMP", packet.packet_id))
    assert released == awaited
    return messages


# --- retained messages ---


# MQTT5 [MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-7] [MQTT-3.3.1-8] [MQTT-3.3.1-9] [MQTT-3.3.1-12]
# MQTT311 [MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-7] [MQTT-3.3.1-8] [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]
# MQTT311 [MQTT-3.3.1-12]
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_the_last_retained_message_of_a_topic_is_sent_to_who_subscribes(broker, version, qos):
    publisher, watcher, topic = broker.pair(version)

    def kept_now():
        """What somebody gets who subscribes now."""
        client = broker.connect(version=version)
        client.subscribe(topic, topic + "/end")
        broker_end = broker.connect()
        broker_end.publish(topic + "/end", b"end")
        got = []
        while (message := client.message()).topic == topic:
            got.append((message.payload, message.qos, message.retain))
        return got

    for payload, retain, want in ((b"one", True, [b"one"]), (b"two", True, [b"two"]), (b"three", False, [b"two"]),
                                  (b"", False, [b"two"]), (b"", True, []), (b"", True, []), (b"four", True, [b"four"])):
        publisher.publish(topic, payload, qos, retain=retain)
        live = watcher.message()
        assert (live.payload, live.qos, live.retain) == (payload, qos, False)
        # Retained messages reach all workers; who subscribes on another one may still see what was before.
        wait_until(lambda: kept_now() == [(each, qos, True) for each in want], f"retained: {want}")


# --- properties that go with the message ---

FORWARDED = {
    "payload_format": [0, 1],
    "content_type": ["", "text/plain", "ü€𝄞"],
    "response_topic": ["answer/here", "/"],
    "correlation_data": [b"", b"\0\1\2\xff", bytes(range(256)) * 4],
    "user_property": [[("a", "1")], [("b", "1"), ("a", "2"), ("b", "1"), ("", "")], [("ü", "€")] * 20],
}


# MQTT5 [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20] [MQTT-3.1.3-10]
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_what_the_publisher_says_of_a_message_arrives_unaltered(broker, qos):
    publisher, subscriber, topic = broker.pair()
    old = broker.connect(version=V311)
    old.subscribe(topic)
    for name, values in FORWARDED.items():
        for value in values:
            publisher.publish(topic, b"p", qos, properties={name: value})
            assert subscriber.message().properties == {name: value}
            assert old.message().payload == b"p"
    everything = {name: values[-1] for name, values in FORWARDED.items()}
    publisher.publish(topic, b"p", qos, properties=everything, retain=True)
    assert subscriber.message().properties == everything
    later = broker.connect()
    wait_until(lambda: later.subscribe(topic) and [each.properties for each in later.until_pong() if
                                                   each.kind == "PUBLISH"] == [everything], "the retained message")


# MQTT5 [MQTT-1.5.4-3] [MQTT-4.7.3-4]
# MQTT311 [MQTT-1.5.3-3] [MQTT-4.7.3-4]
def test_characters_are_left_as_they_are(broker, version):
    topics = ["\ufefft", "t\ufeff", "e\u0301", "\u00e9", "ＡＢ", "a b", "A", "a", "/a", "a/", "//", "\U0001f600",
              "\u200b"]
    client, stem = broker.connect(version=version), fresh("t/")
    client.subscribe(*(stem + each for each in topics))
    for each in topics:
        client.send_publish(stem + each, each.encode())
    assert [(got.topic, got.payload) for got in client.messages(len(topics))] == [
        (stem + each, each.encode()) for each in topics]


# MQTT5 [MQTT-4.7.3-3]
# MQTT311 [MQTT-4.7.3-3]
def test_topics_may_be_as_long_as_they_can_be_written(broker_with, version):
    broker = broker_with(broker=dict(topic_length_max=65535))
    publisher, subscriber = broker.connect(version=version), broker.connect(version=version)
    topic = "t" * 65535
    assert subscriber.subscribe(topic) == (2,)
    publisher.publish(topic, b"here")
    assert subscriber.message().topic == topic


# MQTT5 [MQTT-3.3.2-6] [MQTT-3.3.2-5]
def test_messages_expire_where_they_wait_and_say_how_long_they_live(broker):
    """A second is waited for once, for all of it: retained messages, and the queue of an absent client."""
    client_id, topic, publisher = fresh(), fresh("t/"), broker.connect()
    absent = broker.connect(client_id, clean=False, properties=KEPT)
    absent.subscribe(topic + "/#")
    absent.leave()
    for name, interval in (("short", 1), ("long", 100), ("none", None)):
        said = {} if interval is None else dict(message_expiry=interval)
        publisher.publish(f"{topic}/{name}", b"p", retain=True, properties=said)

    def retained():
        client = broker.connect()
        client.subscribe(topic + "/#", topic + "/end")
        publisher.publish(topic + "/end")
        got = {}
        while (message := client.message()).topic != topic + "/end":
            got[message.topic.rsplit("/", 1)[1]] = message.properties.get("message_expiry")
        client.leave()
        return got

    wait_until(lambda: set(retained()) == {"long", "none"}, "the end of the short one")
    seen = wait_until(lambda: (now := retained())["long"] < 100 and now, "a second less to live")
    assert 90 <= seen["long"] <= 99 and seen["none"] is None
    back = broker.connect(client_id, clean=False, properties=KEPT)
    waiting = [back.message() for _ in range(2)]
    assert [each.topic.rsplit("/", 1)[1] for each in waiting] == ["long", "none"]
    assert 90 <= waiting[0].properties["message_expiry"] <= 99
    assert waiting[1].properties == {}


# MQTT5 [MQTT-3.3.2-6]
def test_a_message_that_does_not_wait_keeps_its_interval(broker):
    publisher, subscriber, topic = broker.pair()
    for interval in (5, 0xffffffff):
        publisher.publish(topic, properties=dict(message_expiry=interval))
        assert subscriber.message().properties["message_expiry"] in (interval, interval - 1)


# MQTT5 [MQTT-4.3.3-7] [MQTT-4.3.3-13]
def test_what_has_been_sent_does_not_expire(broker):
    client_id, topic, publisher = fresh(), fresh("t/"), broker.connect()
    first = broker.connect(client_id, clean=False, properties=KEPT)
    first.subscribe(topic)
    publisher.publish(topic, b"p", qos=2, properties=dict(message_expiry=1))
    sent = first.expect("PUBLISH")
    first.vanish()
    publisher.publish(topic + "/clock", b"c", retain=True, properties=dict(message_expiry=1))

    def clock_has_run_out():
        probe = broker.connect()
        probe.subscribe(topic + "/clock")
        return probe.until_pong() == []

    wait_until(clock_has_run_out, "a second has passed")
    again = broker.connect(client_id, clean=False, properties=KEPT)
    got = again.expect("PUBLISH")
    assert (got.packet_id, got.payload, got.dup) == (sent.packet_id, b"p", True)
    again.acknowledge(got)


# MQTT5 [MQTT-3.1.2-24] [MQTT-3.1.2-25]
def test_a_message_that_is_too_large_for_a_client_is_passed_over(broker):
    publisher, other, topic = broker.pair()
    client = broker.connect(properties=dict(maximum_packet_size=100))
    client.subscribe(topic)
    for qos in (0, 1, 2):
        publisher.publish(topic, bytes(100), qos)
        publisher.publish(topic, b"fits", qos)
        assert [each.payload for each in other.messages(2)] == [bytes(100), b"fits"]
        got = client.message()
        assert got.payload == b"fits" and got.bytes_total <= 100
    assert client.until_pong() == []


# --- topic aliases ---


# MQTT5 [MQTT-3.3.2-12] [MQTT-3.2.2-17] [MQTT-3.3.2-9]
def test_aliases_of_the_client_stand_for_its_topics(broker):
    publisher, subscriber, topic = broker.pair()
    subscriber.subscribe(topic + "/2")
    maximum = publisher.connack.properties["topic_alias_maximum"]
    for alias in (1, maximum):
        publisher.send_publish(topic, b"named", properties=dict(topic_alias=alias))
        publisher.send_publish("", b"by alias", properties=dict(topic_alias=alias))
        publisher.publish("", b"by alias, QoS 2", qos=2, properties=dict(topic_alias=alias))
        publisher.send_publish(topic + "/2", b"renamed", properties=dict(topic_alias=alias))
        publisher.send_publish("", b"by alias", properties=dict(topic_alias=alias))
        assert [each.topic for each in subscriber.messages(5)] == [topic] * 3 + [topic + "/2"] * 2
    publisher.send_publish(topic, properties=dict(topic_alias=maximum + 1))
    publisher.expect_end(BAD_ALIAS)


# MQTT5 [MQTT-3.3.2-7]
def test_aliases_end_with_the_connection(broker):
    client_id, topic = fresh(), fresh("t/")
    first = broker.connect(client_id, clean=False, properties=KEPT)
    first.publish(topic, properties=dict(topic_alias=1))
    first.vanish()
    again = broker.connect(client_id, clean=False, properties=KEPT)
    again.send_publish("", properties=dict(topic_alias=1))
    again.expect_end(PROTOCOL_ERROR)


# MQTT5 [MQTT-3.2.2-18]
def test_a_server_without_aliases_takes_none(broker_with):
    client = broker_with(broker=dict(topic_alias_max=0)).connect()
    assert client.connack.properties.get("topic_alias_maximum", 0) == 0
    client.send_publish(fresh(), properties=dict(topic_alias=1))
    client.expect_end(BAD_ALIAS)


# MQTT5 [MQTT-3.1.2-26] [MQTT-3.1.2-27] [MQTT-3.3.2-11] [MQTT-3.3.2-7]
@pytest.mark.parametrize("maximum", [None, 0, 1, 3])
def test_aliases_to_the_client_are_those_it_allows(broker, maximum):
    stem, publisher, client_id = fresh("a/long/topic/"), broker.connect(), fresh()
    limits = dict(KEPT) if maximum is None else dict(KEPT, topic_alias_maximum=maximum)
    for _ in range(2):  # also in the next connection of the session, from the beginning
        client = broker.connect(client_id, clean=False, properties=limits)
        client.subscribe(stem + "/+")
        meaning = {}
        for number in range(24):
            topic = f"{stem}/{number * number % 6}"
            publisher.publish(topic, b"%d" % number)
            got = client.message()
            alias = got.properties.get("topic_alias")
            assert alias is None or alias <= (maximum or 0)
            if got.topic and alias:
                meaning[alias] = got.topic
            assert (got.topic or meaning[alias]) == topic
        client.vanish()
