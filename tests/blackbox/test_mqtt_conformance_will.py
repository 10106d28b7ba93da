"""Wills: when they are published, when not, and how."""
import pytest

import mqtt_packets as mqtt
from mqtt_client import fresh
from mqtt_packets import TAKEN_OVER, V5, V311


@pytest.fixture
def heir(broker, version):
    """(topic, who has subscribed to it)."""
    topic, client = fresh("will/"), broker.connect(version=version)
    client.subscribe(topic, topic + "/after", **(dict(as_published=True) if version == V5 else {}))
    return topic, client


def nothing_came(broker, heir):
    """That a will has not been published is known by a message that came after it would have been."""
    topic, client = heir
    broker.connect().publish(topic + "/after", b"after")
    return client.message().payload == b"after"


def everybody_knows(broker, client_id, version):
    """Waits until the server has seen the end of a client's connection."""
    broker.connect(client_id, version).leave()


def break_the_rules(client):
    client.send(mqtt.packet("CONNACK", b"\0\0"))
    client.rest()


# MQTT5 [MQTT-3.1.2-7] [MQTT-3.1.2-8] [MQTT-3.1.2-14]
# MQTT311 [MQTT-3.1.2-8] [MQTT-3.1.2-16]
@pytest.mark.parametrize("end", [lambda client: client.vanish(), lambda client: client.peer.reset(),
                                 lambda client: client.half_close(), break_the_rules],
                         ids=["closed", "reset", "half closed", "rules broken"])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_will_is_published_when_the_connection_ends(broker, heir, version, end, qos):
    topic, client = heir
    end(broker.connect(version=version, will=dict(topic=topic, payload=b"gone", qos=qos)))
    will = client.message()
    assert (will.topic, will.payload, will.qos, will.retain) == (topic, b"gone", qos, False)


# MQTT5 [MQTT-3.1.2-15] [MQTT-3.1.2-14]
# MQTT311 [MQTT-3.1.2-17] [MQTT-3.1.2-16]
@pytest.mark.parametrize("retain", [False, True])
def test_a_will_is_retained_as_it_asked(broker, heir, version, retain):
    topic, client = heir
    broker.connect(version=version, will=dict(topic=topic, payload=b"gone", retain=retain)).vanish()
    assert client.message().retain == (retain and version == V5)  # as published
    later = broker.connect(version=version)
    later.subscribe(topic)
    broker.connect().publish(topic, b"after")
    got = [later.message()] + ([later.message()] if retain else [])
    assert [each.payload for each in got] == ([b"gone"] if retain else []) + [b"after"]
    assert got[0].retain == retain


# MQTT5 [MQTT-3.14.4-3] [MQTT-3.1.2-10]
# MQTT311 [MQTT-3.14.4-3] [MQTT-3.1.2-10] [MQTT-3.1.2-12]
def test_who_takes_leave_has_no_will(broker, heir, version):
    for will in (dict(topic=heir[0], payload=b"gone", qos=1), None):
        broker.connect(version=version, will=will).leave()
    broker.connect(version=version).vanish()
    assert nothing_came(broker, heir)


# MQTT5 [MQTT-3.1.2-8]
@pytest.mark.parametrize("reason", [0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99])
def test_with_another_reason_than_0_the_will_is_published(broker, reason):
    topic, client = fresh("will/"), broker.connect()
    client.subscribe(topic)
    broker.connect(will=dict(topic=topic, payload=b"gone")).leave(reason)
    assert client.message().payload == b"gone"


# MQTT5 [MQTT-3.1.2-10]
# MQTT311 [MQTT-3.1.2-10]
def test_a_will_is_published_once(broker, heir, version):
    topic, client = heir
    client_id = fresh()
    kept = dict(clean=False, **(dict(properties=dict(session_expiry=600)) if version == V5 else {}))
    broker.connect(client_id, version, will=dict(topic=topic, payload=b"gone"), **kept).vanish()
    assert client.message().payload == b"gone"
    broker.connect(client_id, version, **kept).vanish()
    broker.connect(client_id, version, clean=True).vanish()
    everybody_knows(broker, client_id, version)
    assert nothing_came(broker, heir)


# MQTT5 [MQTT-3.1.2-8] [MQTT-3.1.4-3]
# MQTT311 [MQTT-3.1.2-8]
def test_who_is_taken_over_has_its_will_published(broker, heir, version):
    topic, client = heir
    client_id = fresh()
    old = broker.connect(client_id, version, will=dict(topic=topic, payload=b"gone"))
    broker.connect(client_id, version)
    old.expect_end(TAKEN_OVER)
    assert client.message().payload == b"gone"


# MQTT5 [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-20] [MQTT-3.1.3-10]
def test_the_properties_of_a_will_arrive_with_it(broker):
    topic, client = fresh("will/"), broker.connect()
    client.subscribe(topic)
    said = dict(payload_format=1, content_type="text/plain", response_topic="answer", correlation_data=b"\0\xff",
                user_property=[("b", "1"), ("a", "2"), ("b", "1")])
    will = dict(topic=topic, payload=b"gone", properties={"will_delay": 0, "message_expiry": 100, **said})
    broker.connect(will=will).vanish()
    got = client.message().properties
    assert 0 < got.pop("message_expiry") <= 100
    assert got == said


# MQTT5 [MQTT-3.1.3-9] [MQTT-3.1.2-8] [MQTT-3.1.2-4]
@pytest.mark.parametrize("clean", [False, True])
def test_who_is_back_within_the_delay_keeps_its_will_unless_its_session_has_ended(broker, clean):
    topic, client, client_id = fresh("will/"), broker.connect(), fresh()
    client.subscribe(topic, topic + "/after")
    gone = broker.connect(client_id, properties=dict(session_expiry=600),
                          will=dict(topic=topic, payload=b"gone", properties=dict(will_delay=600)))
    gone.half_close()
    assert gone.rest() == []
    broker.connect(client_id, clean=clean)
    if clean:  # the end of the session is no less than the end of the delay
        assert client.message().payload == b"gone"
    assert nothing_came(broker, (topic, client))


# MQTT5 [MQTT-3.1.2-8] [MQTT-4.1.0-2] [MQTT-3.1.2-7]
def test_a_delayed_will_is_published_after_its_delay_or_with_the_end_of_the_session(broker):
    """Three at once, so that the time is spent once: a delay of 1 s, a session of 1 s, and no session at all."""
    topic, client, ids = fresh("will/"), broker.connect(), [fresh() for _ in range(3)]
    client.subscribe(topic + "/#")
    for client_id, (name, expiry, delay) in zip(ids, (("none", 0, 600), ("delay", 600, 1), ("session", 1, 600))):
        broker.connect(client_id, properties=dict(session_expiry=expiry),
                       will=dict(topic=f"{topic}/{name}", properties=dict(will_delay=delay))).vanish()
    assert client.message().topic == topic + "/none"
    assert {client.message().topic, client.message().topic} == {topic + "/delay", topic + "/session"}
    assert [broker.connect(each, clean=False).connack.session_present for each in ids] == [False, True, False]


def test_the_will_of_an_older_version_has_no_delay(broker):
    topic, client = fresh("will/"), broker.connect()
    client.subscribe(topic)
    broker.connect(version=V311, clean=False, will=dict(topic=topic)).vanish()
    assert client.message().topic == topic
