"""SUBSCRIBE and UNSUBSCRIBE: filters, options, identifiers, retained messages, shared subscriptions."""
import pytest

import mqtt_packets as mqtt
from environment import wait_until
from mqtt_client import fresh
from mqtt_packets import BAD_FILTER, MALFORMED, NO_SUBSCRIPTION, SUCCESS, V5, V311

KEPT = dict(session_expiry=600)


def until(client, topic):
    """The messages that come before one of `topic`."""
    got = []
    while (message := client.message()).topic != topic:
        got.append(message)
    return got


# --- SUBACK and UNSUBACK ---


# MQTT5 [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] [MQTT-3.9.3-2]
# MQTT5 [MQTT-2.2.1-6]
# MQTT311 [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.8.4-4] [MQTT-3.8.4-5] [MQTT-3.9.3-1] [MQTT-3.9.3-2] [MQTT-2.3.1-7]
# MQTT311 [MQTT-3.8.3-2]
@pytest.mark.parametrize("packet_id", [1, 256, 65535])
def test_subscribe_is_answered_for_each_filter_in_its_order(broker, version, packet_id):
    client, stem = broker.connect(version=version), fresh("t/")
    asked = [(stem + "/0", 0), (stem + "/#", 2), ("a/#/b", 1), (stem + "/+", 1), ("a+", 0), ("#/", 2), (stem, 2)]
    bad = BAD_FILTER if version == V5 else 0x80
    client.send(mqtt.subscribe(packet_id, *asked, version=version))
    answer = client.expect("SUBACK")
    assert (answer.packet_id, answer.codes) == (packet_id, (0, 2, bad, 1, bad, bad, 2))


# MQTT5 [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2] [MQTT-2.2.1-6] [MQTT-3.10.4-1]
# MQTT311 [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-3.10.4-6] [MQTT-2.3.1-7] [MQTT-3.10.4-1]
@pytest.mark.parametrize("packet_id", [1, 256, 65535])
def test_unsubscribe_is_answered_once_whatever_there_was(broker, version, packet_id):
    client, stem = broker.connect(version=version), fresh("t/")
    client.subscribe(stem + "/a", stem + "/+", stem + "/#")
    client.send(mqtt.unsubscribe(packet_id, stem + "/b", stem + "/+", stem + "/A", stem + "/#", stem + "/+",
                                 version=version))
    answer = client.expect("UNSUBACK")
    none = NO_SUBSCRIPTION
    want = (none, SUCCESS, none, SUCCESS, none) if version == V5 else ()
    assert (answer.packet_id, answer.codes) == (packet_id, want)
    client.publish(stem + "/b")
    client.send_publish(stem + "/a")
    assert [client.message().topic] == [stem + "/a"]


# MQTT5 [MQTT-3.10.4-2] [MQTT-3.10.4-3]
# MQTT311 [MQTT-3.10.4-2] [MQTT-3.10.4-3]
@pytest.mark.parametrize("qos", [1, 2])
def test_unsubscribe_ends_what_has_not_begun(broker, version, qos):
    publisher, client, topic = broker.pair(version)
    client.subscribe(topic + "/end")
    publisher.publish(topic, b"begun", qos)
    begun = client.expect("PUBLISH")
    client.unsubscribe(topic)
    publisher.publish(topic, b"no", qos)
    publisher.publish(topic + "/end", b"end", qos)
    assert client.message().payload == b"end"
    client.acknowledge(begun)
    assert client.until_pong() == []


# --- filters ---

# (filter, topics that match, topics that do not). Each within a place of its own, but for those that begin with $.
FILTERS = [
    ("a", ["a"], ["b", "A", "a/", "/a", "aa", "a/b"]),
    ("a/b", ["a/b"], ["a", "a/b/", "a/b/c", "a//b"]),
    ("a/+", ["a/", "a/b"], ["a", "a/b/c", "b/b"]),
    ("+", ["a", "b"], ["a/b", "/a", "a/"]),
    ("+/+", ["a/b", "/a", "a/", "/"], ["a", "a/b/c"]),
    ("/+", ["/a", "/"], ["a", "a/b"]),
    ("a/+/c", ["a/b/c", "a//c"], ["a/c", "a/b/c/d", "a/b/d"]),
    ("#", ["a", "a/b/c", "/", "a//b"], []),
    ("a/#", ["a", "a/", "a/b", "a/b/c"], ["ab", "b/a", "A/b"]),
    ("a/+/#", ["a/b", "a/", "a/b/c"], ["a", "b/b"]),
    ("+/#", ["a", "a/b", "/a"], []),
    ("a//b", ["a//b"], ["a/b", "a/x/b"]),
    ("a/$b", ["a/$b"], ["a/b"]),
]


# MQTT5 [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-3.3.2-3] [MQTT-4.7.3-4]
# MQTT311 [MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-3.3.2-3] [MQTT-4.7.3-4]
@pytest.mark.parametrize(("filter", "matching", "others"), FILTERS, ids=[each[0] for each in FILTERS])
def test_filters_match_level_by_level(broker, version, filter, matching, others):
    place = fresh("p") + "/"
    publisher, client = broker.connect(), broker.connect(version=version)
    assert client.subscribe(place + filter) == (2,)
    end = place + matching[-1]
    for topic in [*others, *matching]:
        publisher.publish(place + topic, b"p")
    assert [each.topic for each in until(client, end)] == [place + topic for topic in matching[:-1]]


# MQTT5 [MQTT-4.7.2-1]
# MQTT311 [MQTT-4.7.2-1]
def test_wildcards_at_the_beginning_do_not_match_topics_of_the_server(broker, version):
    stem = fresh("dollar")
    topic, plain = f"${stem}/x", f"{stem}/x"
    publisher, wild, exact = broker.connect(), broker.connect(version=version), broker.connect(version=version)
    assert wild.subscribe("#", "+/x", "+/#") == (2, 2, 2)
    assert exact.subscribe(f"${stem}/#", f"${stem}/+", plain) == (2, 2, 2)
    publisher.publish(topic, b"dollar")
    publisher.publish(plain, b"plain")
    assert [each.topic for each in until(exact, plain)] == [topic], "one copy for the two filters that match"
    assert not [each for each in until(wild, plain) if each.topic.startswith("$")]


# MQTT5 [MQTT-4.7.1-1] [MQTT-4.7.1-2]
# MQTT311 [MQTT-4.7.1-2] [MQTT-4.7.1-3]
@pytest.mark.parametrize("filter", ["a#", "#a", "a/#/b", "#/", "a/#b", "a+", "+a", "a/b+", "a/+b/c", "++", "##",
                                    "a/#/#"])
def test_wildcards_stand_for_whole_levels(broker, version, filter):
    client = broker.connect(version=version)
    client.send(mqtt.subscribe(1, (filter, 0), version=version))
    assert client.expect("SUBACK").codes == ((BAD_FILTER if version == V5 else 0x80),)
    client.ping()


# --- one client, several subscriptions ---


# MQTT5 [MQTT-3.3.4-2] [MQTT-3.8.4-8]
# MQTT311 [MQTT-3.3.5-1] [MQTT-3.8.4-6]
@pytest.mark.parametrize("qualities", [(0, 1), (1, 0), (2, 0), (1, 2), (0, 0)])
def test_of_overlapping_subscriptions_the_highest_quality_counts(broker, version, qualities):
    publisher, topic = broker.connect(), fresh("t/")
    client = broker.connect(version=version)
    for filter, qos in zip((topic + "/#", topic + "/+"), qualities):
        client.subscribe(filter, qos=qos)
    publisher.publish(topic + "/x", b"p", qos=2)
    publisher.publish(topic + "/end/end", b"end", qos=2)
    got = until(client, topic + "/end/end")
    assert max(each.qos for each in got) == max(qualities)
    assert len(got) == 1, "further copies are allowed; this broker sends one"


# MQTT5 [MQTT-3.3.4-3] [MQTT-3.3.4-4] [MQTT-3.3.4-5]
def test_subscription_identifiers_come_with_the_message(broker):
    publisher, topic, client_id = broker.connect(), fresh("t/"), fresh()
    client = broker.connect(client_id, clean=False, properties=KEPT)
    client.subscribe(topic + "/#", properties=dict(subscription_id=1))
    client.subscribe(topic + "/+", properties=dict(subscription_id=268435455))
    client.subscribe(topic + "/x")
    client.subscribe(topic + "/y", properties=dict(subscription_id=1))
    ids_of = {"/x": [1, 268435455], "/x/y": [1], "/y": [1, 1, 268435455], "": [1]}
    for name, want in ids_of.items():
        publisher.publish(topic + name)
        assert sorted(client.message().properties["subscription_id"]) in (want, sorted(set(want)))
    client.subscribe(topic + "/#", properties=dict(subscription_id=5))  # takes the place of the 1
    publisher.publish(topic + "/a/b", b"kept", retain=True)
    assert client.message().properties == dict(subscription_id=[5])
    client.leave()
    publisher.publish(topic + "/a/b", b"while away")
    back = broker.connect(client_id, clean=False, properties=KEPT)
    assert back.message().properties == dict(subscription_id=[5])
    back.subscribe(topic + "/#")
    assert back.message().properties == {}, "the retained message, for a subscription without an identifier"


# MQTT5 [MQTT-3.8.3-3]
def test_with_no_local_nobody_hears_itself(broker):
    topic, client_id = fresh("t/"), fresh()
    client = broker.connect(client_id, clean=False, properties=KEPT)
    other, publisher = broker.connect(), broker.connect()
    client.subscribe(topic, no_local=True)
    client.subscribe(topic + "/end")
    other.subscribe(topic)
    for qos in (0, 1, 2):
        publisher.publish(topic, b"other", qos)
        assert client.message().payload == b"other"
        client.publish(topic, b"own", qos)
        assert [each.payload for each in other.messages(2)] == [b"other", b"own"]
    client.vanish()
    again = broker.connect(client_id, clean=False, properties=KEPT)
    again.publish(topic, b"own", qos=0)
    again.send_publish(topic + "/end", b"end")
    assert again.message().payload == b"end", "also in another connection of the client"


# MQTT5 [MQTT-3.8.4-3] [MQTT-3.8.4-4]
# MQTT311 [MQTT-3.8.4-3]
def test_the_same_filter_again_takes_the_place_of_the_first(broker, version):
    publisher, client, topic = broker.pair(version, qos=0)
    publisher.publish(topic, b"kept", retain=True)
    assert client.message().payload == b"kept"
    for qos in (2, 0, 1):
        assert client.subscribe(topic, qos=qos) == (qos,)
        again = client.message()
        assert (again.payload, again.retain) == (b"kept", True), "retained messages are sent again"
        publisher.publish(topic, b"p", qos=2)
        assert client.message().qos == qos
    assert client.until_pong() == [], "there is one subscription"
    client.unsubscribe(topic)
    client.publish(topic, b"no")
    assert client.until_pong() == []


# MQTT5 [MQTT-3.8.4-4]
# MQTT311 [MQTT-3.8.4-3]
def test_no_message_is_lost_while_a_subscription_takes_the_place_of_another(broker, version):
    publisher, client, topic = broker.pair(version, qos=1)
    for number in range(100):
        publisher.send_publish(topic, b"%d" % number, qos=1)
        client.send(mqtt.subscribe(1000 + number, (topic, 1 + number % 2), version=version))
    got, answers = [], 0
    while len(got) < 100 or answers < 100:
        packet = client.receive()
        if packet.kind == "PUBLISH":
            got.append(int(packet.payload))
            client.acknowledge(packet)
        else:
            answers += packet.kind == "SUBACK"
    assert got == list(range(100))


# --- retained messages ---


# MQTT5 [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]
def test_retain_handling_says_when_retained_messages_are_wanted(broker):
    topic, publisher = fresh("t/"), broker.connect()
    for name in ("a", "b"):
        publisher.publish(f"{topic}/{name}", name.encode(), retain=True)
    for handling, first, again in ((0, 2, 2), (1, 2, 0), (2, 0, 0)):
        client = broker.connect()
        wait_until(lambda: client.subscribe(topic + "/#", qos=0) and len(client.until_pong()) == 2, "both are there")
        client.unsubscribe(topic + "/#")
        for want in (first, again):
            client.subscribe(topic + "/#", handling=handling, qos=0)
            got = client.until_pong()
            assert sorted(each.payload for each in got) == [b"a", b"b"][:want], handling
            assert all(each.retain for each in got)
        client.leave()


# MQTT5 [MQTT-3.3.1-12] [MQTT-3.3.1-13]
@pytest.mark.parametrize("as_published", [False, True])
@pytest.mark.parametrize("retain", [False, True])
def test_retain_is_as_published_where_that_is_wanted(broker, as_published, retain):
    publisher, subscriber, topic = broker.pair(as_published=as_published)
    publisher.publish(topic, b"p", retain=retain)
    assert subscriber.message().retain == (as_published and retain)
    if retain:
        later = broker.connect()
        later.subscribe(topic, as_published=as_published)
        assert later.message().retain


# MQTT5 [MQTT-3.3.1-9]
# MQTT311 [MQTT-3.3.1-6]
def test_a_wildcard_gets_all_retained_messages_that_match(broker, version):
    stem, publisher = fresh("t/"), broker.connect()
    for number in range(100):
        publisher.publish(f"{stem}/{number % 10}/{number // 10}", b"%d" % number, retain=True)
    client = broker.connect(version=version)
    for filter, count in ((stem + "/#", 100), (stem + "/3/+", 10), (stem + "/+/3", 10), (stem + "/+/3/#", 10),
                          (stem + "/+", 0), (stem + "/3/3", 1)):
        client.subscribe(filter)
        got = client.messages(count)
        assert len({each.topic for each in got}) == count and all(each.retain for each in got)
        assert client.until_pong() == []


# --- shared subscriptions ---


def share(name, filter):
    return f"$share/{name}/{filter}"


# MQTT5 [MQTT-4.8.2-1] [MQTT-4.8.2-2]
@pytest.mark.parametrize("filter", ["$share/", "$share/g", "$share/g/", "$share//f", "$share/g+/f", "$share/g#/f",
                                    "$share/+/f", "$share/#/f", "$share/#", "$share/g/a#"])
def test_a_shared_filter_has_a_name_and_a_filter(broker, witness, filter):
    client = broker.connect()
    client.send(mqtt.subscribe(1, (filter, 0)))
    packet = client.receive()
    assert (packet.kind, packet.codes) == ("SUBACK", (BAD_FILTER,)) or (packet.kind, packet.reason) in (
        ("DISCONNECT", MALFORMED), ("DISCONNECT", BAD_FILTER))


# MQTT5 [MQTT-4.8.2-1] [MQTT-4.8.2-3] [MQTT-3.8.4-8] [MQTT-3.3.2-3]
def test_each_message_goes_to_one_member_of_each_group_with_its_quality(broker):
    topic, publisher = fresh("t/"), broker.connect()
    groups = {name: [broker.connect() for _ in range(3)] for name in ("g", "h")}
    for name, members in groups.items():
        for qos, member in enumerate(members):
            assert member.subscribe(share(name, topic + "/+"), qos=qos) == (qos,)
            member.subscribe(topic + "/end/#")
    alone = broker.connect()
    alone.subscribe(topic + "/+")
    for number in range(60):
        publisher.publish(f"{topic}/{number}", b"%d" % number, qos=2)
    publisher.publish(topic + "/end/x")
    assert len(alone.messages(60)) == 60
    for members in groups.values():
        got = {}
        for qos, member in enumerate(members):
            mine = until(member, topic + "/end/x")
            assert all(each.qos == qos for each in mine)
            assert mine, "nobody is left out"
            got[qos] = [int(each.payload) for each in mine]
            assert got[qos] == sorted(got[qos])
        assert sorted(sum(got.values(), [])) == list(range(60))


def test_groups_send_no_retained_messages(broker):
    topic, publisher, client = fresh("t/"), broker.connect(), broker.connect()
    publisher.publish(topic, b"kept", retain=True)
    client.subscribe(share("g", topic))
    assert client.until_pong() == []


# MQTT5 [MQTT-3.8.4-3]
def test_a_shared_subscription_and_the_plain_one_are_two(broker):
    topic, publisher, client = fresh("t/"), broker.connect(), broker.connect()
    client.subscribe(topic, share("g", topic))
    publisher.publish(topic, b"p")
    assert [each.payload for each in client.messages(2)] == [b"p", b"p"]
    assert client.unsubscribe(share("g", topic)) == (SUCCESS,)
    publisher.publish(topic, b"q")
    assert client.message().payload == b"q"
    assert client.until_pong() == []


# MQTT5 [MQTT-4.8.2-4]
def test_a_member_that_had_qos_2_begun_gets_it_to_its_end(broker):
    topic, publisher, client_id = fresh("t/"), broker.connect(), fresh()
    first = broker.connect(client_id, clean=False, properties=KEPT)
    first.subscribe(share("g", topic))
    publisher.publish(topic, b"p", qos=2)
    begun = first.expect("PUBLISH")
    first.vanish()
    back = broker.connect(client_id, clean=False, properties=KEPT)
    again = back.expect("PUBLISH")
    assert (again.packet_id, again.payload, again.dup) == (begun.packet_id, b"p", True)
    back.acknowledge(again)


# MQTT5 [MQTT-4.8.2-5]
def test_qos_2_of_a_member_whose_session_ends_goes_to_nobody_else(broker):
    topic, publisher = fresh("t/"), broker.connect()
    gone, other = broker.connect(), broker.connect()
    gone.subscribe(share("g", topic))
    publisher.publish(topic, b"gone", qos=2)
    gone.send(mqtt.ack("PUBREC", gone.expect("PUBLISH").packet_id))
    gone.expect("PUBREL")
    other.subscribe(share("g", topic))
    gone.leave()
    publisher.publish(topic, b"next", qos=2)
    assert other.message().payload == b"next"
    assert other.until_pong() == []


# MQTT5 [MQTT-4.8.2-6]
@pytest.mark.parametrize(("qos", "kind"), [(1, "PUBACK"), (2, "PUBREC")])
def test_what_a_member_refuses_goes_to_nobody_else(broker, qos, kind):
    topic, publisher = fresh("t/"), broker.connect()
    refusing, other = broker.connect(), broker.connect()
    refusing.subscribe(share("g", topic))
    publisher.publish(topic, b"refused", qos=qos)
    packet = refusing.expect("PUBLISH")
    other.subscribe(share("g", topic))
    refusing.send(mqtt.ack(kind, packet.packet_id, mqtt.QUOTA))
    refusing.leave()
    publisher.publish(topic, b"next", qos=qos)
    assert other.message().payload == b"next"
    assert other.until_pong() == []


def test_shared_subscriptions_are_there_before_5_as_well(broker):
    topic, publisher = fresh("t/"), broker.connect()
    members = [broker.connect(version=each) for each in (V311, V5, V311)]
    for each in members:
        each.subscribe(share("g", topic))
        each.subscribe(topic + "/end")
    for number in range(30):
        publisher.publish(topic, b"%d" % number)
    publisher.publish(topic + "/end")
    got = [int(message.payload) for each in members for message in until(each, topic + "/end")]
    assert sorted(got) == list(range(30))
